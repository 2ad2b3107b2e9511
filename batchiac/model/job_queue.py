"""A job queue, as the engine takes it."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen

from batchiac.model.scheduling_policy import SchedulingPolicy
from batchiac.model.sequences import as_tuple


@frozen
class TimeLimitAction:
    """jobStateTimeLimitActions: what happens to a head of queue that is blocked for too long.

    Attributes:
        reason: a matcher: the blocked reason's text up to ` - ` (`CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY`).
        max_time_s: 600..86400, counted from when the head was found blocked for this reason.
    """

    reason: str
    max_time_s: int
    state: Literal["RUNNABLE"] = "RUNNABLE"
    action: Literal["CANCEL", "TERMINATE"] = "CANCEL"


@frozen
class JobQueue:
    """A queue.

    Attributes:
        priority: higher is looked at first.
        environments: compute environment names in their order (1..3 of them).
        scheduling_policy: None makes a FIFO queue.
    """

    name: str
    priority: int
    environments: tuple[str, ...] = field(converter=as_tuple)
    state: Literal["ENABLED", "DISABLED"] = "ENABLED"
    scheduling_policy: SchedulingPolicy | None = None
    time_limit_actions: tuple[TimeLimitAction, ...] = field(default=(), converter=as_tuple)
