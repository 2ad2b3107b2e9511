"""Service jobs and what limits them, as the engine takes it: requests, service environments, queues, quota shares.

Capacity is counted by unit: `NUM_INSTANCES` for all instances together, or an instance type such as `ml.m5.large`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from attrs import field, frozen

from batchiac.model.job_queue import TimeLimitAction
from batchiac.model.sequences import as_tuple

NUM_INSTANCES = "NUM_INSTANCES"
_NOTHING: Mapping[str, str] = MappingProxyType({})


@frozen
class ServiceRetryRule:
    """One entry of a service job's evaluateOnExit: `on_status_reason` may have `*` anywhere, as AWS's example has."""

    action: Literal["RETRY", "EXIT"]
    on_status_reason: str


@frozen
class ServiceJobRequest:
    """One SubmitServiceJob.

    Attributes:
        instances: how many of each instance type the training job asks for; the type is empty where the payload names
            none.
        attempts: 1..10, how often the job may be moved to RUNNABLE, capacity failures and preemptions left out.
        preemption_retries: how often it is queued again after a preemption; None has no limit, 0 fails it the first
            time.
        timeout_s: of one attempt; None has none.
        tags: where `batchiac:duration` and `batchiac:failures` may stand.
    """

    name: str
    queue: str
    instances: Mapping[str, int] = field(factory=lambda: MappingProxyType({"": 1}))
    priority: int = 0
    share_identifier: str = ""
    quota_share: str = ""
    attempts: int = 1
    rules: tuple[ServiceRetryRule, ...] = field(default=(), converter=as_tuple)
    preemption_retries: int | None = None
    timeout_s: int | None = None
    tags: Mapping[str, str] = _NOTHING


@frozen
class QuotaShare:
    """A virtual queue with its own part of a service environment's capacity.

    Attributes:
        limits: unit → how much of it is the share's own.
        strategy: RESERVE keeps what is idle, LEND lends it, LEND_AND_BORROW borrows from others besides.
        borrow_limit: per cent of its own limits that it may borrow; −1 has no limit.
        in_share_preemption: a job of higher priority may stop one of lower priority in the same share.
    """

    name: str
    limits: Mapping[str, int]
    strategy: Literal["RESERVE", "LEND", "LEND_AND_BORROW"] = "RESERVE"
    borrow_limit: int = -1
    in_share_preemption: bool = False


@frozen
class ServiceQueue:
    """A queue of service jobs, with the one service environment that it stands on.

    Attributes:
        kind: FIFO, FAIR_SHARE, or QUOTA (a scheduling policy with a quotaSharePolicy).
        environment_limits: unit → the service environment's capacity.
        weights: FAIR_SHARE: share identifier or prefix with `*` → weight; 1 where none matches.
        shares: QUOTA: its quota shares.
        open: False while nothing new is dispatched (the queue or its environment is being made, updated or disabled).
    """

    name: str
    priority: int
    environment: str
    environment_limits: Mapping[str, int]
    kind: Literal["FIFO", "FAIR_SHARE", "QUOTA"] = "FIFO"
    weights: Mapping[str, float] = field(factory=dict)
    shares: tuple[QuotaShare, ...] = field(default=(), converter=as_tuple)
    time_limit_actions: tuple[TimeLimitAction, ...] = field(default=(), converter=as_tuple)
    open: bool = True
