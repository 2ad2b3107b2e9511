"""CancelJob and TerminateJob, in each state of each kind of job.

"Jobs in SUBMITTED, PENDING or RUNNABLE are canceled. Jobs that progressed to STARTING or RUNNING aren't canceled, but
the API operation still succeeds." A cancelled PENDING job ends only after its dependencies complete. TerminateJob
ends a job in any state; what runs gets SIGTERM, then SIGKILL. An array parent passes both on to its children.
Source: botocore 1.44.5, batch CancelJob and TerminateJob.
"""

from __future__ import annotations

from batchiac.engine import gangs
from batchiac.engine.attempts import stop_attempt
from batchiac.engine.jobs import PENDING, RUNNABLE, RUNNING, STARTING, SUBMITTED, change, fail_all, finish
from batchiac.engine.machine import JobEvent
from batchiac.engine.records import ARRAY, MULTINODE, Record
from batchiac.engine.world import World


def cancel(world: World, record: Record, row: int, reason: str) -> None:
    """Cancel a job or one child; what has ended, or has a host, is left alone."""
    if row == record.row and record.kind == ARRAY:
        _stop_array(world, record, JobEvent.CANCELLED, reason)
    else:
        _cancel_row(world, record, row, reason)
    world.wake_queue(record.queue)


def _cancel_row(world: World, record: Record, row: int, reason: str) -> None:
    status = world.ledger.status[row]
    if record.kind == MULTINODE:
        if status == PENDING:
            _mark(record, record.row, reason)
            change(world, record, record.row, JobEvent.CANCELLED)
        elif status in (SUBMITTED, RUNNABLE):
            _mark(record, record.row, reason)
            fail_all(world, record, JobEvent.TERMINATED, reason)
        return
    if status in (SUBMITTED, RUNNABLE):
        _mark(record, row, reason)
        finish(world, record, row, JobEvent.CANCELLED, reason)
    elif status == PENDING:
        _mark(record, row, reason)
        change(world, record, row, JobEvent.CANCELLED)


def terminate(world: World, record: Record, row: int, reason: str) -> None:
    """Terminate a job or one child; what has ended is left alone."""
    if row == record.row and record.kind == ARRAY:
        _stop_array(world, record, JobEvent.TERMINATED, reason)
    else:
        _terminate_row(world, record, row, reason)
    world.wake_queue(record.queue)


def _terminate_row(world: World, record: Record, row: int, reason: str) -> None:
    status = world.ledger.status[row]
    if record.kind == MULTINODE:
        if status in (STARTING, RUNNING):
            _mark(record, record.row, reason, terminated=True)
            gangs.stop(world, record)
        elif status < STARTING:
            _mark(record, record.row, reason, terminated=True)
            fail_all(world, record, JobEvent.TERMINATED, reason)
        return
    if status < STARTING:
        _mark(record, row, reason, terminated=True)
        finish(world, record, row, JobEvent.TERMINATED, reason)
    elif status in (STARTING, RUNNING) and not (record.stops and row in record.stops):
        _mark(record, row, reason, terminated=True)
        change(world, record, row, JobEvent.TERMINATED)
        stop_attempt(world, record, row)


def _stop_array(world: World, record: Record, event: JobEvent, reason: str) -> None:
    ledger = world.ledger
    if ledger.status[record.row] > PENDING:
        return
    terminated = event is JobEvent.TERMINATED
    _mark(record, record.row, reason, terminated=terminated)
    ledger.status_reasons[record.row] = reason
    for row in range(record.row + 1, record.row + 1 + record.size):
        (_terminate_row if terminated else _cancel_row)(world, record, row, reason)


def _mark(record: Record, row: int, reason: str, *, terminated: bool = False) -> None:
    if record.stops is None:
        record.stops = {}
    record.stops[row] = reason
    if terminated:
        if record.terminations is None:
            record.terminations = set()
        record.terminations.add(row)
