"""BEST_FIT: the least expensive type, and no other.

"AWS Batch selects an instance type that best fits the needs of the jobs with a preference for the lowest-cost
instance type. If additional instances of the selected instance type aren't available, AWS Batch waits for the
additional instances to be available." Backed by one Auto Scaling group an instance type, or by a Spot Fleet.
Source: https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html, read 2026-11.
"""

from __future__ import annotations

from batchiac.engine.policies.allocation.candidate import Candidate, auto_scaling_group, by_cost, spot_fleet


class BestFit:
    """See the file's head."""

    waits = True

    def rank(self, candidates: list[Candidate], wanted: int) -> list[Candidate]:
        """The cheapest a job alone."""
        return by_cost(candidates, wanted)[:1]

    def group(self, environment: str, unique: str, instance_type: str, *, spot: bool) -> str:
        """A Spot Fleet for the environment, or an Auto Scaling group for the type."""
        return spot_fleet(unique) if spot else auto_scaling_group(environment, unique, instance_type)
