"""A job's way from PENDING to its end: dependencies met, changes of state, and what an end sets free.

Arrays stay columns: a 10,000-child array that becomes RUNNABLE is one run in a lane and one slice of statuses.
Endings cascade through a work list, not through calls, so that a chain of 100,000 jobs is no deeper than one.
"""

from __future__ import annotations

from collections import deque

from batchiac.engine.dependencies import NOBODY
from batchiac.engine.effects import JobStateChanged
from batchiac.engine.machine import JobEvent, Machine, next_status, read_row
from batchiac.engine.reasons import ARRAY_CHILD_FAILED, DEPENDENT_FAILED, QUEUE_DELETED
from batchiac.engine.records import ARRAY, MULTINODE, Record
from batchiac.engine.waiting import Line
from batchiac.engine.world import World
from batchiac.model.job import JobStatus

SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, SUCCEEDED, FAILED = range(7)


# --- becoming RUNNABLE ----------------------------------------------------------------------------------------------


def enqueue(world: World, record: Record, first: int, end: int) -> None:
    """Put rows that have become RUNNABLE at the back of their queue."""
    queue = record.queue
    record.demand.count += end - first
    share = record.share
    if share is None:
        queue.lane.append(first, end)
    else:
        queue.fair.append(world, share, record.priority, first, end)
    queue.dirty = queue.demanding = True
    world.dirty = True


def count_line(world: World, line: Line, count: int) -> None:
    """So many plain jobs have joined the lane of this line."""
    line.demand.count += count
    queue = line.demand.queue
    if line.share is not None:
        queue.fair.list_share(line.share)
    queue.dirty = queue.demanding = world.dirty = True


def enqueue_front(world: World, record: Record, row: int) -> None:
    """Put a row that is retried before all others: it "goes to the front of the queue".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/bestpractice6.html, read 2026-11.
    """
    record.demand.count += 1
    queue = record.queue
    if record.share is None:
        queue.lane.push_front(row)
    else:
        queue.fair.push_front(world, record.share, record.priority, row)
    queue.dirty = queue.demanding = True
    world.dirty = True


def dependencies_met(world: World, record: Record) -> None:
    """PENDING → RUNNABLE, for the job or for those of its children that wait for nothing else."""
    status = world.ledger.status[record.row]
    if status != PENDING:
        return
    if record.kind == ARRAY:
        release_children(world, record)
    elif record.stops and record.row in record.stops:
        finish(world, record, record.row, JobEvent.CANCELLED_COMPLETE, record.stops[record.row])
    else:
        change(world, record, record.row, JobEvent.DEPENDENCIES_MET)
        enqueue(world, record, record.row, record.row + 1)


def release_children(world: World, record: Record) -> None:
    """Make those children RUNNABLE that wait for nothing."""
    if record.sequential:
        release_child(world, record, 0)
    elif record.child_waits is None and not record.stops:
        change_children(world, record, 0, record.size, JobEvent.DEPENDENCIES_MET)
        enqueue(world, record, record.row + 1, record.row + 1 + record.size)
    else:
        for child in range(record.size):
            release_child(world, record, child)


def release_child(world: World, record: Record, child: int) -> None:
    """Make one child RUNNABLE if it is PENDING and nothing that it waits for is left."""
    row = record.row + 1 + child
    status = world.ledger.status
    if child >= record.size or status[row] != PENDING or record.waits:
        return
    if record.child_waits is not None and record.child_waits[child]:
        return
    if record.sequential and child and status[row - 1] != SUCCEEDED:
        return
    if record.stops and row in record.stops:
        finish(world, record, row, JobEvent.CANCELLED_COMPLETE, record.stops[row])
        return
    change(world, record, row, JobEvent.DEPENDENCIES_MET)
    enqueue(world, record, row, row + 1)


# --- changes of state -----------------------------------------------------------------------------------------------


def change(world: World, record: Record, row: int, event: JobEvent, reason: str = "") -> None:
    """Take one row through the table and tell the listeners; an illegal event changes nothing and raises."""
    ledger = world.ledger
    previous = ledger.status[row]
    to = next_status(previous, event, "" if event in _COMMON else tell_history(world, record, row))
    ledger.status[row] = to
    if record.size:
        record.updated_at = world.now_ms
    if world.listeners and to != previous:
        tell_change(world, record, row, previous, to, reason)


_COMMON = frozenset((JobEvent.ADMITTED_READY, JobEvent.ADMITTED_WAITING, JobEvent.DEPENDENCIES_MET))


def change_children(world: World, record: Record, first: int, end: int, event: JobEvent) -> None:
    """Take children `first`..`end`-1, all in one state, through the table as one slice."""
    ledger = world.ledger
    row = record.row + 1
    previous = ledger.status[row + first]
    to = next_status(previous, event, f"children {first}..{end - 1} of {record.id}")
    ledger.status[row + first : row + end] = bytes((to,)) * (end - first)
    record.updated_at = world.now_ms
    if world.listeners:
        for each in range(row + first, row + end):
            tell_change(world, record, each, previous, to, "")


def tell_change(world: World, record: Record, row: int, previous: int, to: int, reason: str) -> None:
    """Tell the listeners of one change."""
    effect = JobStateChanged(
        world.now_ms,
        job_id_of(record, row),
        record.queue.spec.name,
        JobStatus(previous).name,
        JobStatus(to).name,
        reason,
        world.ledger.attempts[row],
    )
    world.tell(effect)


def job_id_of(record: Record, row: int) -> str:
    """A row's id: the job's own, `id:index` for a child, `id#index` for a node."""
    if row == record.row:
        return record.id
    return f"{record.id}{'#' if record.kind == MULTINODE else ':'}{row - record.row - 1}"


def tell_history(world: World, record: Record, row: int) -> str:
    """A job's life so far, in words, for refusals and reports."""
    ledger = world.ledger
    parts = [f"{job_id_of(record, row)} submitted at {record.created_at} ms"]
    for number, past in enumerate(ledger.past.get(row, ()), 1):
        parts.append(f"attempt {number} ended at {past.stopped_at_ms} ms ({past.status_reason}; exit {past.exit_code})")
    parts.append(f"attempts begun: {ledger.attempts[row]}")
    parts.append(f"now {JobStatus(ledger.status[row]).name} at {world.now_ms} ms")
    if row in ledger.status_reasons:
        parts.append(f"reason {ledger.status_reasons[row]!r}")
    return ", ".join(parts)


# --- the end --------------------------------------------------------------------------------------------------------


def finish(world: World, record: Record, row: int, event: JobEvent, reason: str = "") -> None:
    """End a row that has no host (any more), and set free or fail whatever waits for it."""
    ledger = world.ledger
    if ledger.status[row] == RUNNABLE:
        record.demand.count -= 1
        record.lingers = True
        record.queue.dirty = record.queue.demanding = world.dirty = True
    if reason:
        ledger.status_reasons[row] = reason
    ledger.stopped[row] = world.now_ms
    change(world, record, row, event, reason)
    ended(world, record, row)


def ended(world: World, record: Record, row: int) -> None:
    """A row is SUCCEEDED or FAILED: pass it on. Only the outermost call drains the work list."""
    if world.ended is not None:
        world.ended.append((record, row))
        return
    world.ended = work = deque(((record, row),))
    while work:
        _resolve(world, *work.popleft())
    world.ended = None


def _resolve(world: World, record: Record, row: int) -> None:
    success = world.ledger.status[row] == SUCCEEDED
    if row != record.row:
        if record.kind == ARRAY:
            _resolve_child(world, record, row, success)
        return
    record.ended_at = world.now_ms
    world.finished.append(record.index)
    if record.share is not None:
        record.queue.fair.leave(world, record.share)
    if record.dependents == NOBODY:
        return
    entries = world.records.entries
    for dependent, by_child in world.dependents.of(record.dependents):
        waiting = entries[dependent]  # who waits for others has a Record, until it is forgotten
        if by_child or waiting.__class__ is not Record:
            continue
        if not success:
            fail_waiting(world, waiting)
        elif waiting.waits > 1:
            waiting.waits -= 1
        else:
            waiting.waits = 0
            dependencies_met(world, waiting)
    world.dependents.forget(record.dependents)
    record.dependents = NOBODY


def _resolve_child(world: World, record: Record, row: int, success: bool) -> None:
    child = row - record.row - 1
    ledger = world.ledger
    if record.sequential and child + 1 < record.size:
        if success:
            release_child(world, record, child + 1)
        elif ledger.status[row + 1] == PENDING:
            finish(world, record, row + 1, JobEvent.DEPENDENCY_FAILED, DEPENDENT_FAILED)
    for index, by_child in world.dependents.of(record.dependents):
        dependent = world.records[index] if by_child else None
        if dependent is None or dependent.child_waits is None:
            continue
        theirs = dependent.row + 1 + child
        if success:
            dependent.child_waits[child] -= 1
            release_child(world, dependent, child)
        elif ledger.status[theirs] == PENDING:
            finish(world, dependent, theirs, JobEvent.DEPENDENCY_FAILED, DEPENDENT_FAILED)
    record.left -= 1
    if not record.left:
        finish_array(world, record)


def finish_array(world: World, record: Record) -> None:
    """Every child has ended: "FAILED if any child failed", after all have completed."""
    ledger = world.ledger
    if ledger.status[record.row] > PENDING:
        return
    previous = ledger.status[record.row]
    failed = ledger.status.find(FAILED, record.row + 1, record.row + 1 + record.size) >= 0
    if previous == PENDING and ledger.status_reasons.get(record.row) == QUEUE_DELETED:
        event, condition = "queue deleted", ""
    elif previous == PENDING:
        event, condition = "child changed", "all ended, one FAILED" if failed else "all ended, all SUCCEEDED"
    elif record.stops:
        event, condition = "cancel or terminate", ""
    else:
        event = "queue deleted" if ledger.status_reasons.get(record.row) == QUEUE_DELETED else "dependency failed"
        condition = ""
        if record.plan.definition.invalid_reason and not record.dependency_failed and event != "queue deleted":
            event, condition = "admitted", "its definition is invalid"
    row = read_row(Machine.ARRAY, JobStatus(previous).name, event, condition, history=record.id)
    to = JobStatus[row.to].value
    ledger.status[record.row] = to
    ledger.stopped[record.row] = world.now_ms
    if failed:
        ledger.status_reasons.setdefault(record.row, ARRAY_CHILD_FAILED)
    if world.listeners:
        tell_change(world, record, record.row, previous, to, ledger.status_reasons.get(record.row, ""))
    ended(world, record, record.row)


def fail_waiting(world: World, record: Record) -> None:
    """A dependency of the whole job failed: it fails, with all its children, if it still waits."""
    status = world.ledger.status[record.row]
    if status == SUBMITTED and not record.dependency_failed:
        record.dependency_failed = True  # the admission fails it
        record.simple = False
        return
    if status <= PENDING:
        fail_all(world, record, JobEvent.DEPENDENCY_FAILED, DEPENDENT_FAILED)


def fail_all(world: World, record: Record, event: JobEvent, reason: str) -> None:
    """End a job that has not reached a host, with all its children or nodes."""
    ledger = world.ledger
    own = record.row
    if ledger.status[own] < STARTING:
        ledger.status_reasons[own] = reason
    for row in range(own + 1, own + 1 + record.size):
        if ledger.status[row] < STARTING:
            finish(world, record, row, event, reason)
    if ledger.status[own] < STARTING:
        if record.kind == ARRAY:
            if not record.left:
                finish_array(world, record)
        else:
            finish(world, record, own, event, reason)


def fail_for_deleted_queue(world: World, record: Record) -> None:
    """A job that has no host yet goes down with its queue."""
    fail_all(world, record, JobEvent.QUEUE_DELETED, QUEUE_DELETED)
