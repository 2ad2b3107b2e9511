"""SPOT_CAPACITY_OPTIMIZED_PRIORITIZED: the user's order, as far as capacity allows.

"optimizes for capacity first and honors the priorities on a best-effort basis": a pool that cannot give all that is
wanted comes after those that can.
Source: https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html, read 2026-11.
"""

from __future__ import annotations

from batchiac.engine.policies.allocation.candidate import Candidate, auto_scaling_group


def enough(candidate: Candidate, wanted: int) -> bool:
    """False (sorts first) when the pool can give all that is wanted."""
    return candidate.depth() * candidate.jobs < wanted


class SpotCapacityOptimizedPrioritized:
    """See the file's head."""

    waits = False

    def rank(self, candidates: list[Candidate], wanted: int) -> list[Candidate]:
        """Pools that have enough in the user's order, then the others, deepest first."""
        return sorted(
            candidates,
            key=lambda each: (
                enough(each, wanted),
                -each.depth() if enough(each, wanted) else 0,
                each.place,
                each.cost_per_job(wanted),
            ),
        )

    def group(self, environment: str, unique: str, instance_type: str, *, spot: bool) -> str:
        """One Auto Scaling group for the environment."""
        return auto_scaling_group(environment, unique)
