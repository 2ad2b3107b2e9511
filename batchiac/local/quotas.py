"""How many of each an account may have in a Region, as AWS's service quotas say.

    "Maximum number of job queues": 50          "Maximum number of compute environments": 50, on one EKS cluster 5
    "service environments": 50                  "consumable resources": 50,000

The quotas that are of one request or one queue (3 environments a queue, 20 dependencies, 10,000 children, 24 and 30
KiB, 20 quota shares a queue) are rules or refusals of their own and cannot be raised, as on AWS.
Not held: 1,000,000 SUBMITTED jobs, and calls a second (throttling is a fault that one asks for).
Source: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html, read 2026-11-21.
Assumption (0206): AWS gives no text of these refusals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from batchiac.local.api_error import refusal

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend
    from batchiac.local.records import Shelf


def _count(_: Any, field_: Any, value: int | None) -> None:
    if value is not None and value < 0:
        raise ValueError(f"'{field_.name}' must be >= 0, or None: {value}")


@frozen(kw_only=True)
class Quotas:
    """How many there may be in an account and Region; None has no limit.

    Attributes:
        compute_environments: of all kinds, those being deleted included.
        eks_environments_per_cluster: compute environments on one EKS cluster.
    """

    job_queues: int | None = field(default=50, validator=_count)
    compute_environments: int | None = field(default=50, validator=_count)
    eks_environments_per_cluster: int | None = field(default=5, validator=_count)
    service_environments: int | None = field(default=50, validator=_count)
    consumable_resources: int | None = field(default=50_000, validator=_count)


NO_QUOTAS = Quotas(
    job_queues=None,
    compute_environments=None,
    eks_environments_per_cluster=None,
    service_environments=None,
    consumable_resources=None,
)
"""For runs at scale, and for tests that were written against a laxer Batch."""


def require_room(shelf: Shelf, name: str, most: int | None, words: str) -> None:
    """Refuse one more on a shelf that is full; a name that is taken is refused elsewhere.

    Raises:
        ApiError: `most` are there already.
    """
    if most is not None and len(shelf) >= most and name not in shelf:
        raise refusal(f"Limit exceeded: an account can have up to {most} {words} in a Region")


def require_room_in_cluster(batch: BatchBackend, cluster: str) -> None:
    """Refuse one compute environment more on an EKS cluster than it may have.

    Raises:
        ApiError: it has as many already.
    """
    most = batch.stage.settings.quotas.eks_environments_per_cluster
    if most is None:
        return
    on_it = sum(each.wire.get("eksConfiguration", {}).get("eksClusterArn") == cluster for each in batch.environments)
    if on_it >= most:
        raise refusal(f"Limit exceeded: up to {most} compute environments can be on the EKS cluster {cluster}")
