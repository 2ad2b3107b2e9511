"""BEST_FIT_PROGRESSIVE_ORDERED: the user's order of instance types; a family is unfolded by cost.

An explicit type stands at its own place and not in its family's.
Source: https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html, read 2026-11.
"""

from __future__ import annotations

from batchiac.engine.policies.allocation.candidate import Candidate, auto_scaling_group, by_cost


class BestFitProgressiveOrdered:
    """See the file's head."""

    waits = False

    def rank(self, candidates: list[Candidate], wanted: int) -> list[Candidate]:
        """By the entry of the list; within one entry (a family) cheapest a job first."""
        return sorted(by_cost(candidates, wanted), key=lambda each: each.place)

    def group(self, environment: str, unique: str, instance_type: str, *, spot: bool) -> str:
        """One Auto Scaling group for the environment."""
        return auto_scaling_group(environment, unique)
