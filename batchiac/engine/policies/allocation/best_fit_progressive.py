"""BEST_FIT_PROGRESSIVE: the cheapest vCPU first, other types when capacity is short.

"AWS Batch selects additional instance types that are large enough to meet the requirements of the jobs in the queue,
with a preference for instance types with a lower cost per unit vCPU."
Source: https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html, read 2026-11.
"""

from __future__ import annotations

from batchiac.engine.policies.allocation.candidate import Candidate, auto_scaling_group, by_cost


class BestFitProgressive:
    """See the file's head."""

    waits = False

    def rank(self, candidates: list[Candidate], wanted: int) -> list[Candidate]:
        """Cheapest a job first, all the others after."""
        return by_cost(candidates, wanted)

    def group(self, environment: str, unique: str, instance_type: str, *, spot: bool) -> str:
        """One Auto Scaling group for the environment."""
        return auto_scaling_group(environment, unique)
