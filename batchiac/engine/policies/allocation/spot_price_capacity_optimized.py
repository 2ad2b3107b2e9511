"""SPOT_PRICE_CAPACITY_OPTIMIZED: price and depth together.

"The price and capacity optimized allocation strategy looks at both price and capacity to select the Spot Instance pools
that are the least likely to be interrupted and have the lowest possible price."
Source: https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html, read 2026-11.
"""

from __future__ import annotations

from batchiac.engine.policies.allocation.candidate import Candidate, auto_scaling_group, by_cost


def is_short(candidate: Candidate, wanted: int) -> bool:
    """True when the pool cannot give all that is wanted."""
    return candidate.depth() * candidate.jobs < wanted


class SpotPriceCapacityOptimized:
    """See the file's head."""

    waits = False

    def rank(self, candidates: list[Candidate], wanted: int) -> list[Candidate]:
        """Cheapest a job first among the pools that have enough; the others after, deepest first."""
        return sorted(
            by_cost(candidates, wanted),
            key=lambda each: (is_short(each, wanted), -each.depth() if is_short(each, wanted) else 0),
        )

    def group(self, environment: str, unique: str, instance_type: str, *, spot: bool) -> str:
        """One Auto Scaling group for the environment."""
        return auto_scaling_group(environment, unique)
