"""List: pages of summaries, of a queue's jobs, an array's children, a gang's nodes."""

from __future__ import annotations

from batchiac.engine.descriptions import created_at, moment
from batchiac.engine.jobs import RUNNING, SUCCEEDED, job_id_of
from batchiac.engine.ledger import NO_EXIT, NO_HOST
from batchiac.engine.reasons import ESSENTIAL_EXITED
from batchiac.engine.records import ARRAY, MULTINODE, Record
from batchiac.engine.status_index import positions_of
from batchiac.engine.views import STATUSES, JobSummary, Page
from batchiac.engine.waiting import QueueState
from batchiac.engine.world import World


def summarise(world: World, record: Record, row: int) -> JobSummary:
    """A listing's line of one row."""
    ledger = world.ledger
    status = ledger.status[row]
    terminal = status >= SUCCEEDED
    own = row == record.row
    index = None if own else row - record.row - 1
    reason = ledger.status_reasons.get(row, "")
    code, container_reason = ledger.exit[row], ledger.container_reasons.get(row, "")
    ran = terminal and ledger.host[row] != NO_HOST
    if terminal and not ran and row in ledger.past:  # stopped while it waited for another attempt
        last = ledger.past[row][-1]
        ran, code, container_reason = True, last.exit_code, last.container_reason
    return JobSummary(
        job_id_of(record, row),
        record.request.name,
        record.queue.spec.name,
        STATUSES[status],
        reason or (ESSENTIAL_EXITED if ran else ""),
        created_at(record, row),
        moment(ledger.started[row]) if terminal or status == RUNNING else None,
        moment(ledger.stopped[row]) if terminal else None,
        code if ran and code != NO_EXIT else None,
        container_reason,
        record.request,
        record.size if record.kind == ARRAY and own else 0,
        index if record.kind == ARRAY else None,
        record.size if record.kind == MULTINODE and own else 0,
        index if record.kind == MULTINODE else None,
    )


def list_rows(world: World, record: Record, status: int | None, position: int, limit: int) -> Page:
    """Children of an array, or nodes of a multi-node job, in order of index; found by a search in C, not by a scan."""
    first, end = record.row + 1 + position, record.row + 1 + record.size
    found: list[JobSummary] = []
    column = world.ledger.status
    row = first if status is None else column.find(status, first, end)
    while 0 <= row < end:
        if len(found) == limit:
            return Page(tuple(found), row - record.row - 1)
        found.append(summarise(world, record, row))
        row = row + 1 if status is None else column.find(status, row + 1, end)
    return Page(tuple(found), None)


def list_queue(world: World, queue: QueueState, status: int | None, position: int, limit: int) -> Page:
    """A queue's jobs (no children) in order of submission, from the `position`-th on."""
    found: list[JobSummary] = []
    for at in positions_of(world, queue, status, position):
        if len(found) == limit:
            return Page(tuple(found), at)
        record = world.records[queue.records[at]]
        if record is not None:
            found.append(summarise(world, record, record.row))
    return Page(tuple(found), None)
