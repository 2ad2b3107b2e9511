"""SPOT_CAPACITY_OPTIMIZED: the deepest Spot pools first.

"AWS Batch selects one or more instance types that are large enough to meet the requirements of the jobs in the queue,
with a preference for instance types that are less likely to be interrupted." A deeper pool is less likely to be.
Source: https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html, read 2026-11.
"""

from __future__ import annotations

from batchiac.engine.policies.allocation.candidate import Candidate, auto_scaling_group, by_cost


class SpotCapacityOptimized:
    """See the file's head."""

    waits = False

    def rank(self, candidates: list[Candidate], wanted: int) -> list[Candidate]:
        """Deepest pool first; among equals, cheapest a job."""
        return sorted(by_cost(candidates, wanted), key=lambda each: -each.depth())

    def group(self, environment: str, unique: str, instance_type: str, *, spot: bool) -> str:
        """One Auto Scaling group for the environment."""
        return auto_scaling_group(environment, unique)
