"""What the engine tells its listeners: one value a thing that happened, in order.

A listener is called synchronously, inside the step: it may read views, and must not give commands (keep them until
the command or advance that caused the effect has returned).
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen


@frozen
class JobStateChanged:
    """A job, array parent, child, multi-node parent or node went from one state to another (never the submission)."""

    at_ms: int
    job_id: str
    queue: str
    previous: str
    status: str
    status_reason: str = ""
    attempt: int = 0


@frozen
class InstanceChanged:
    """An instance: `status` is LAUNCHING, READY (joined the cluster), DRAINING or TERMINATED.

    Attributes:
        group: what backs it: the name of an Auto Scaling group or Spot Fleet (see policies/allocation), empty for
            instances that joined from outside.
    """

    at_ms: int
    instance_id: str
    environment: str
    instance_type: str
    status: str
    spot: bool
    group: str
    reason: str = ""


@frozen
class EnvironmentStatusChanged:
    """A compute environment's status; DELETED is the last one."""

    at_ms: int
    environment: str
    previous: str
    status: str
    status_reason: str


@frozen
class QueueStatusChanged:
    """A queue's status; DELETED is the last one."""

    at_ms: int
    queue: str
    previous: str
    status: str
    status_reason: str


@frozen
class QueueBlocked:
    """The head of a queue cannot be placed, and why (EventBridge: `Batch Job Queue Blocked`)."""

    at_ms: int
    queue: str
    job_id: str
    reason: str


@frozen
class CapacityRefused:
    """A pool could not give what a scaling decision asked for."""

    at_ms: int
    environment: str
    instance_type: str
    wanted: int
    got: int


@frozen
class ServiceJobChanged:
    """A service job went from one state to another."""

    at_ms: int
    job_id: str
    queue: str
    previous: str
    status: str
    status_reason: str


@frozen
class ServiceQueueBlocked:
    """The head of a queue (or of a quota share) cannot be placed (EventBridge: `Batch Service Job Queue Blocked`)."""

    at_ms: int
    queue: str
    job_id: str
    reason: str


@frozen
class ServiceJobPreempted:
    """A preemption started (`completed` False) or was completed; `status` is the job's then."""

    at_ms: int
    job_id: str
    completed: bool
    status: str
    reason: str


ServiceEffect = ServiceJobChanged | ServiceQueueBlocked | ServiceJobPreempted
Effect = (
    JobStateChanged
    | InstanceChanged
    | EnvironmentStatusChanged
    | QueueStatusChanged
    | QueueBlocked
    | CapacityRefused
    | ServiceEffect
)
Listener = Callable[[Effect], None]
