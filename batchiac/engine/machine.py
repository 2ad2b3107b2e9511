"""The lifecycles of AWS Batch as one table, and the function that reads it.

A row says: this machine, in this state, at this event, under this condition, goes to that state, and this is to be
done. The drivers (jobs.py, environments.py, …) find out the condition and do what the row says; nothing else changes
a state. What the table does not have is illegal: nothing changes, and the refusal tells the history.

An attempt has no column of its own: while it lives its state is its job's (STARTING, RUNNING), so the job machine's
rows carry it through placement, start and a good end. Its own rows are looked up where it ends badly
(attempts.fail_attempt). A look-up at each of a million good ends would be a second one of the same change, and cost
the single jobs the two per cent that are between them and the speed they must have (`make bench`); that the two tables
agree is tested instead (tests/machine).

`NEXT` is the job machine compiled for the drivers that run a million times: `NEXT[event << 3 | state]`.
docs/job_states.md is generated from these rows (job_states_doc.py).

Sources: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html, job_dependencies.html, job_retries.html,
job_timeouts.html, array_jobs.html, multi-node-parallel-jobs.html, compute_environments.html; read 2026-11.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

from attrs import frozen

from batchiac.errors import InternalError
from batchiac.model.job import JobStatus


class Machine(StrEnum):
    """What has a lifecycle."""

    JOB = "job or array child, and a node until its gang is placed"
    ARRAY = "array parent"
    MULTINODE = "multi-node parent"
    NODE = "node of a placed gang"
    ATTEMPT = "attempt"
    ENVIRONMENT = "compute environment"
    QUEUE = "job queue"
    INSTANCE = "instance"
    SERVICE_JOB = "service job"


@frozen
class Row:
    """One transition.

    Attributes:
        condition: what the driver must have found; empty where the event alone decides.
        to: equal to `state` where the event is legal and changes no state.
        effects: what the driver does, in order.
    """

    machine: Machine
    state: str
    event: str
    condition: str
    to: str
    effects: tuple[str, ...] = ()


class JobEvent(IntEnum):
    """What can happen to a job; with its condition where the table has one."""

    ADMITTED_WAITING = 0
    ADMITTED_READY = 1
    DEPENDENCY_FAILED = 2
    DEPENDENCIES_MET = 3
    PLACED = 4
    STARTED = 5
    SUCCEEDED = 6
    FAILED_RETRY = 7
    FAILED_FINAL = 8
    CANCELLED = 9
    CANCELLED_COMPLETE = 10
    TERMINATED = 11
    TIME_LIMIT = 12
    QUEUE_DELETED = 13
    INVALID = 14


_WORDS: dict[JobEvent, tuple[str, str]] = {
    JobEvent.ADMITTED_WAITING: ("admitted", "dependencies outstanding"),
    JobEvent.ADMITTED_READY: ("admitted", "no dependency outstanding"),
    JobEvent.DEPENDENCY_FAILED: ("dependency failed", ""),
    JobEvent.DEPENDENCIES_MET: ("dependencies met", ""),
    JobEvent.PLACED: ("placed", "a host fits and all consumables are free"),
    JobEvent.STARTED: ("container started", ""),
    JobEvent.SUCCEEDED: ("attempt ended", "exit 0"),
    JobEvent.FAILED_RETRY: ("attempt ended", "failed, attempts left and the rules say RETRY"),
    JobEvent.FAILED_FINAL: ("attempt ended", "failed, no retry"),
    JobEvent.CANCELLED: ("cancel", ""),
    JobEvent.CANCELLED_COMPLETE: ("dependencies completed", "the job was cancelled"),
    JobEvent.TERMINATED: ("terminate", ""),
    JobEvent.TIME_LIMIT: ("time-limit action", "head of its queue and blocked for that long"),
    JobEvent.QUEUE_DELETED: ("queue deleted", ""),
    JobEvent.INVALID: ("admitted", "its definition is invalid"),
}

_S = JobStatus
_E = JobEvent

JOB_ROWS: tuple[tuple[JobStatus, JobEvent, JobStatus, tuple[str, ...]], ...] = (
    (_S.SUBMITTED, _E.ADMITTED_WAITING, _S.PENDING, ("notify",)),
    (_S.SUBMITTED, _E.ADMITTED_READY, _S.RUNNABLE, ("notify", "enqueue at the back")),
    (_S.SUBMITTED, _E.INVALID, _S.FAILED, ("notify", "resolve dependents")),
    (_S.SUBMITTED, _E.DEPENDENCY_FAILED, _S.FAILED, ("notify", "resolve dependents")),
    (_S.SUBMITTED, _E.CANCELLED, _S.FAILED, ("mark cancelled", "notify", "resolve dependents")),
    (_S.SUBMITTED, _E.TERMINATED, _S.FAILED, ("mark terminated", "notify", "resolve dependents")),
    (_S.SUBMITTED, _E.QUEUE_DELETED, _S.FAILED, ("notify", "resolve dependents")),
    (_S.PENDING, _E.DEPENDENCIES_MET, _S.RUNNABLE, ("notify", "enqueue at the back")),
    (_S.PENDING, _E.DEPENDENCY_FAILED, _S.FAILED, ("notify", "resolve dependents")),
    # "A job in PENDING is cancelled only after its dependencies complete."
    (_S.PENDING, _E.CANCELLED, _S.PENDING, ("mark cancelled",)),
    (_S.PENDING, _E.CANCELLED_COMPLETE, _S.FAILED, ("notify", "resolve dependents")),
    (_S.PENDING, _E.TERMINATED, _S.FAILED, ("mark terminated", "notify", "resolve dependents")),
    (_S.PENDING, _E.QUEUE_DELETED, _S.FAILED, ("notify", "resolve dependents")),
    (_S.RUNNABLE, _E.PLACED, _S.STARTING, ("take host", "lock consumables", "count the attempt", "notify")),
    (_S.RUNNABLE, _E.CANCELLED, _S.FAILED, ("mark cancelled", "leave the queue", "notify", "resolve dependents")),
    (_S.RUNNABLE, _E.TERMINATED, _S.FAILED, ("mark terminated", "leave the queue", "notify", "resolve dependents")),
    (_S.RUNNABLE, _E.TIME_LIMIT, _S.FAILED, ("leave the queue", "notify", "resolve dependents")),
    (_S.RUNNABLE, _E.QUEUE_DELETED, _S.FAILED, ("leave the queue", "notify", "resolve dependents")),
    (_S.STARTING, _E.STARTED, _S.RUNNING, ("notify",)),
    (
        _S.STARTING,
        _E.FAILED_RETRY,
        _S.RUNNABLE,
        ("release host", "unlock consumables", "enqueue at the front", "notify"),
    ),
    (_S.STARTING, _E.FAILED_FINAL, _S.FAILED, ("release host", "unlock consumables", "notify", "resolve dependents")),
    # "Jobs that have progressed to STARTING or RUNNING aren't canceled, and the API operation still succeeds."
    (_S.STARTING, _E.CANCELLED, _S.STARTING, ()),
    (_S.STARTING, _E.TERMINATED, _S.STARTING, ("mark terminated", "stop the containers")),
    (_S.STARTING, _E.QUEUE_DELETED, _S.FAILED, ("release host", "unlock consumables", "notify", "resolve dependents")),
    (_S.RUNNING, _E.SUCCEEDED, _S.SUCCEEDED, ("release host", "unlock consumables", "notify", "resolve dependents")),
    (
        _S.RUNNING,
        _E.FAILED_RETRY,
        _S.RUNNABLE,
        ("release host", "unlock consumables", "enqueue at the front", "notify"),
    ),
    (_S.RUNNING, _E.FAILED_FINAL, _S.FAILED, ("release host", "unlock consumables", "notify", "resolve dependents")),
    (_S.RUNNING, _E.CANCELLED, _S.RUNNING, ()),
    (_S.RUNNING, _E.TERMINATED, _S.RUNNING, ("mark terminated", "stop the containers")),
    (_S.RUNNING, _E.QUEUE_DELETED, _S.FAILED, ("release host", "unlock consumables", "notify", "resolve dependents")),
)


def _compile() -> bytes:
    table = bytearray(b"\xff" * (len(JobEvent) << 3))
    for state, event, to, _ in JOB_ROWS:
        table[event << 3 | state] = to
    return bytes(table)


NEXT = _compile()
"""`NEXT[event << 3 | state]` is the next state, `ILLEGAL` where the table has no row."""
ILLEGAL = 0xFF


class IllegalTransitionError(InternalError):
    """An event that the table does not have for the state. Nothing was changed."""


def next_status(state: int, event: JobEvent, history: str) -> int:
    """The state that a job goes to.

    Args:
        history: the job's life so far, for the refusal.

    Raises:
        IllegalTransitionError: the table has no such row; the text tells the history.
    """
    to = NEXT[event << 3 | state]
    if to == ILLEGAL:
        word, condition = _WORDS[event]
        raise IllegalTransitionError(
            f"a job in {JobStatus(state).name} cannot take {word!r}{f' ({condition})' if condition else ''};"
            f" nothing was changed; its history: {history}"
        )
    return to


_M = Machine
OTHER_ROWS: tuple[Row, ...] = (
    Row(_M.ARRAY, "SUBMITTED", "admitted", "", "PENDING", ("notify", "spawn children")),
    Row(_M.ARRAY, "SUBMITTED", "admitted", "its definition is invalid", "FAILED", ("notify", "resolve dependents")),
    Row(_M.ARRAY, "SUBMITTED", "dependency failed", "", "FAILED", ("notify", "resolve dependents")),
    Row(_M.ARRAY, "SUBMITTED", "cancel or terminate", "", "FAILED", ("notify", "resolve dependents")),
    Row(_M.ARRAY, "SUBMITTED", "queue deleted", "", "FAILED", ("fail every child", "notify", "resolve dependents")),
    Row(_M.ARRAY, "PENDING", "child changed", "children left", "PENDING", ("count statusSummary",)),
    Row(_M.ARRAY, "PENDING", "child changed", "all ended, all SUCCEEDED", "SUCCEEDED",
        ("notify", "resolve dependents")),
    Row(_M.ARRAY, "PENDING", "child changed", "all ended, one FAILED", "FAILED", ("notify", "resolve dependents")),
    Row(_M.ARRAY, "PENDING", "cancel or terminate", "", "PENDING", ("pass on to every child",)),
    Row(_M.ARRAY, "PENDING", "queue deleted", "", "FAILED", ("fail every child", "notify", "resolve dependents")),
    Row(_M.MULTINODE, "SUBMITTED", "admitted", "dependencies outstanding", "PENDING", ("notify",)),
    Row(_M.MULTINODE, "SUBMITTED", "admitted", "no dependency outstanding", "RUNNABLE", ("enqueue", "notify")),
    Row(_M.MULTINODE, "PENDING", "dependencies met", "", "RUNNABLE", ("enqueue", "notify")),
    Row(_M.MULTINODE, "RUNNABLE", "placed", "one free instance a node, all in one environment", "STARTING",
        ("take every host", "start the main node", "notify")),
    Row(_M.MULTINODE, "STARTING", "container started", "the main node", "RUNNING", ("start the other nodes", "notify")),
    Row(_M.MULTINODE, "STARTING", "attempt ended", "main node, failed, attempts left and the rules say RETRY",
        "RUNNABLE",
        ("stop the other nodes", "release every host", "enqueue at the front", "notify")),
    Row(_M.MULTINODE, "STARTING", "attempt ended", "main node, failed, no retry", "FAILED",
        ("stop the other nodes", "release every host", "notify", "resolve dependents")),
    Row(_M.MULTINODE, "RUNNING", "attempt ended", "a node other than the main one", "RUNNING", ("record its exit",)),
    Row(_M.MULTINODE, "RUNNING", "attempt ended", "main node, exit 0", "SUCCEEDED",
        ("stop the other nodes", "release every host", "notify", "resolve dependents")),
    Row(_M.MULTINODE, "RUNNING", "attempt ended", "main node, failed, attempts left and the rules say RETRY",
        "RUNNABLE",
        ("stop the other nodes", "release every host", "enqueue at the front", "notify")),
    Row(_M.MULTINODE, "RUNNING", "attempt ended", "main node, failed, no retry", "FAILED",
        ("stop the other nodes", "release every host", "notify", "resolve dependents")),
    Row(_M.NODE, "PENDING", "placed", "the main node, or the main node is RUNNING", "STARTING", ("notify",)),
    Row(_M.NODE, "STARTING", "container started", "", "RUNNING", ("notify",)),
    # "its instance went": before its container began, too. The death of a node other than the main one is ignored.
    Row(_M.NODE, "PENDING", "container ended", "failed, or its instance went", "FAILED", ("notify",)),
    Row(_M.NODE, "STARTING", "container ended", "failed, or its instance went", "FAILED", ("notify",)),
    Row(_M.NODE, "RUNNING", "container ended", "failed, or its instance went", "FAILED", ("notify",)),
    Row(_M.NODE, "RUNNING", "container ended", "exit 0", "SUCCEEDED", ("notify",)),
    Row(_M.NODE, "STARTING", "main node ended", "", "FAILED", ("stop its containers", "notify")),
    Row(_M.NODE, "RUNNING", "main node ended", "", "FAILED", ("stop its containers", "notify")),
    Row(_M.NODE, "PENDING", "main node retried", "", "PENDING", ()),
    Row(_M.NODE, "SUCCEEDED", "main node retried", "", "PENDING", ("keep the attempt", "notify")),
    Row(_M.NODE, "FAILED", "main node retried", "", "PENDING", ("keep the attempt", "notify")),
    Row(_M.ATTEMPT, "", "placed", "", "STARTING", ("give it a task",)),
    Row(_M.ATTEMPT, "STARTING", "container started", "image pulled, its dependencies resolved", "RUNNING",
        ("set startedAt", "open the log stream", "start the timeout")),
    Row(_M.ATTEMPT, "STARTING", "start failed", "", "ended", ("set the reason",)),
    Row(_M.ATTEMPT, "STARTING", "container exited", "", "ended", ("set exit code and reason",)),
    Row(_M.ATTEMPT, "STARTING", "host lost", "", "ended", ("set the reason",)),
    Row(_M.ATTEMPT, "STARTING", "queue deleted", "", "ended", ("set the reason",)),
    Row(_M.ATTEMPT, "STARTING", "terminate", "", "ended", ("stop, kill after the grace",)),
    Row(_M.ATTEMPT, "RUNNING", "container exited", "", "ended", ("set exit code and reason", "set stoppedAt")),
    # An executor learns it only when it has tried: by then the attempt counts as RUNNING.
    Row(_M.ATTEMPT, "RUNNING", "start failed", "", "ended", ("set the reason", "take startedAt back")),
    Row(_M.ATTEMPT, "RUNNING", "timeout", "", "ended",
        ("stop, kill after the grace", "set the reason", "set stoppedAt")),
    Row(_M.ATTEMPT, "RUNNING", "host lost", "", "ended", ("set the reason", "set stoppedAt")),
    Row(_M.ATTEMPT, "RUNNING", "terminate", "", "ended", ("stop, kill after the grace", "set stoppedAt")),
    Row(_M.ATTEMPT, "RUNNING", "queue deleted", "", "ended", ("set the reason", "set stoppedAt")),
    Row(_M.ENVIRONMENT, "", "create", "", "CREATING", ("notify", "schedule the end")),
    Row(_M.ENVIRONMENT, "CREATING", "settled", "nothing wrong", "VALID", ("notify", "scale to minvCpus")),
    Row(_M.ENVIRONMENT, "CREATING", "settled", "a reason to be invalid", "INVALID", ("notify",)),
    Row(_M.ENVIRONMENT, "VALID", "update", "", "UPDATING", ("notify", "schedule the end")),
    Row(_M.ENVIRONMENT, "INVALID", "update", "", "UPDATING", ("notify", "schedule the end")),
    Row(_M.ENVIRONMENT, "UPDATING", "settled", "nothing wrong", "VALID", ("notify", "scale")),
    Row(_M.ENVIRONMENT, "UPDATING", "settled", "a reason to be invalid", "INVALID", ("notify",)),
    Row(_M.ENVIRONMENT, "UPDATING", "settled", "old instances still have jobs", "UPDATING", ("wait for the last",)),
    Row(_M.ENVIRONMENT, "VALID", "found broken", "", "INVALID", ("notify",)),
    Row(_M.ENVIRONMENT, "VALID", "delete", "DISABLED and in no queue", "DELETING", ("notify", "end its instances")),
    Row(_M.ENVIRONMENT, "INVALID", "delete", "DISABLED and in no queue", "DELETING", ("notify", "end its instances")),
    Row(_M.ENVIRONMENT, "DELETING", "settled", "", "DELETED", ("notify", "forget")),
    Row(_M.QUEUE, "", "create", "", "CREATING", ("notify", "schedule the end")),
    Row(_M.QUEUE, "CREATING", "settled", "", "VALID", ("notify",)),
    Row(_M.QUEUE, "VALID", "update", "", "UPDATING", ("notify", "schedule the end")),
    Row(_M.QUEUE, "UPDATING", "settled", "", "VALID", ("notify", "dispatch")),
    Row(_M.QUEUE, "VALID", "delete", "DISABLED", "DELETING", ("notify", "fail the jobs that remain")),
    Row(_M.QUEUE, "DELETING", "settled", "", "DELETED", ("notify", "forget")),
    Row(_M.INSTANCE, "", "launch", "the pool has capacity", "LAUNCHING", ("count its vCPUs", "notify")),
    Row(_M.INSTANCE, "", "register", "the environment is UNMANAGED", "READY", ("notify", "dispatch")),
    Row(_M.INSTANCE, "LAUNCHING", "joined the cluster", "", "READY", ("notify", "dispatch")),
    Row(_M.INSTANCE, "LAUNCHING", "lost", "", "TERMINATED", ("give its pool capacity back", "notify")),
    Row(_M.INSTANCE, "READY", "drain", "it has jobs", "DRAINING", ("take no more jobs",)),
    Row(_M.INSTANCE, "READY", "drain", "it has no job", "TERMINATED", ("notify",)),
    Row(_M.INSTANCE, "READY", "scale in", "idle for the delay and above minvCpus", "TERMINATED", ("notify",)),
    Row(_M.INSTANCE, "READY", "lost", "", "TERMINATED", ("fail its attempts", "notify")),
    Row(_M.INSTANCE, "DRAINING", "idle", "", "TERMINATED", ("notify",)),
    Row(_M.INSTANCE, "DRAINING", "lost", "", "TERMINATED", ("fail its attempts", "notify")),
    Row(_M.SERVICE_JOB, "SUBMITTED", "admitted", "", "RUNNABLE", ("notify", "enqueue at the back")),
    Row(_M.SERVICE_JOB, "RUNNABLE", "dispatched", "within every limit", "SCHEDULED",
        ("take capacity", "create a training job", "notify")),
    Row(_M.SERVICE_JOB, "RUNNABLE", "time-limit action", "head of its queue and blocked for that long", "FAILED",
        ("leave the queue", "notify")),
    Row(_M.SERVICE_JOB, "SCHEDULED", "capacity acquired", "", "STARTING", ("notify",)),
    Row(_M.SERVICE_JOB, "SCHEDULED", "capacity refused", "", "RUNNABLE",
        ("give capacity back", "use no attempt", "enqueue at the front", "notify")),
    Row(_M.SERVICE_JOB, "SCHEDULED", "capacity refused", "the rules say EXIT", "FAILED",
        ("give capacity back", "notify")),
    Row(_M.SERVICE_JOB, "SCHEDULED", "capacity refused", "waited for as long as a time-limit action allows", "FAILED",
        ("give capacity back", "notify")),
    Row(_M.SERVICE_JOB, "STARTING", "downloaded", "", "RUNNING", ("set startedAt", "start the timeout", "notify")),
    Row(_M.SERVICE_JOB, "RUNNING", "ended", "Completed", "SUCCEEDED", ("give capacity back", "notify")),
    Row(_M.SERVICE_JOB, "RUNNING", "ended", "Failed, attempts left and the rules say RETRY", "RUNNABLE",
        ("give capacity back", "enqueue at the front", "notify")),
    Row(_M.SERVICE_JOB, "RUNNING", "ended", "Failed, no retry", "FAILED", ("give capacity back", "notify")),
    *(
        row
        for state in ("SCHEDULED", "STARTING", "RUNNING")
        for row in (
            Row(_M.SERVICE_JOB, state, "preempted", "retries after a preemption are left", "RUNNABLE",
                ("give capacity back", "use no attempt", "enqueue at the front", "notify")),
            Row(_M.SERVICE_JOB, state, "preempted", "no retry after a preemption is left", "FAILED",
                ("give capacity back", "notify")),
        )
    ),
    *(
        Row(_M.SERVICE_JOB, state, event, "", "FAILED", ("give capacity back", "notify"))
        for event in ("terminate", "queue deleted")
        for state in ("SUBMITTED", "RUNNABLE", "SCHEDULED", "STARTING", "RUNNING")
    ),
)  # fmt: skip

_OTHER = {(row.machine, row.state, row.event, row.condition): row for row in OTHER_ROWS}


def read_row(machine: Machine, state: str, event: str, condition: str = "", *, history: str = "") -> Row:
    """The transition of anything but a plain job.

    Raises:
        IllegalTransitionError: the table has no such row; nothing was changed.
    """
    row = _OTHER.get((machine, state, event, condition))
    if row is None:
        raise IllegalTransitionError(
            f"{machine} in {state or 'no state yet'} cannot take {event!r}{f' ({condition})' if condition else ''};"
            f" nothing was changed; its history: {history or 'not told'}"
        )
    return row


def job_rows() -> tuple[Row, ...]:
    """The job machine's rows in the form of the others."""
    return tuple(Row(Machine.JOB, s.name, *_WORDS[e], to.name, effects) for s, e, to, effects in JOB_ROWS)


ROWS: tuple[Row, ...] = job_rows() + OTHER_ROWS
"""Every transition of every machine."""
