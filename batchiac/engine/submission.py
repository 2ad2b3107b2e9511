"""Jobs from SubmitJob until they may wait for a host: the refusals, the dependencies, the admission."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from struct import Struct

from batchiac.engine.jobs import (
    FAILED,
    PENDING,
    SUBMITTED,
    SUCCEEDED,
    change,
    change_children,
    count_line,
    enqueue,
    fail_all,
    fail_waiting,
    finish,
    release_children,
)
from batchiac.engine.machine import NEXT, JobEvent
from batchiac.engine.reasons import DEPENDENT_FAILED
from batchiac.engine.records import ARRAY, MULTINODE, PLAIN, Lot, Prepared, Record, Shape
from batchiac.engine.refusals import InvalidRefusal, NotFoundRefusal, StateRefusal
from batchiac.engine.requirements import prepare
from batchiac.engine.waiting import Demand, Line, QueueState, ShareState
from batchiac.engine.world import ADMISSION, World
from batchiac.model.job import JobRequest

ID_BLOCK = 256
# A block of ids is made at once: a UUID's groups cut out of random digits, its version 4 and variant a put in.
_ID_PARTS = Struct("8s4sx3sx3s12s" * ID_BLOCK)
_IDS = b"%b-%b-4%b-a%b-%b " * ID_BLOCK


def new_job_id(world: World) -> str:
    """The next job id: a UUID's form, from the engine's own seed."""
    if not world.job_ids:
        parts = _ID_PARTS.unpack(world.random.randbytes(ID_BLOCK * 16).hex().encode())
        world.job_ids = (_IDS % parts).decode().split()[::-1]
    return world.job_ids.pop()


def submit(world: World, request: JobRequest) -> str:
    """Take a job in; it is SUBMITTED until the admission time is over.

    Raises:
        NotFoundRefusal: no such queue, or a dependency that is not known (any more).
        StateRefusal: the queue is not ENABLED, or is being deleted.
        InvalidRefusal: the request contradicts itself.
    """
    queue = world.queues.get(request.queue)
    if queue is None:
        raise NotFoundRefusal(world.settings.messages.queue_not_found.format(queue=request.queue))
    if queue.spec.state != "ENABLED" or queue.status in ("DELETING", "DELETED"):
        text = world.settings.messages.queue_not_enabled
        raise StateRefusal(text.format(queue=request.queue, state=queue.spec.state))
    definition = request.definition
    plan = world.prepared.get(id(definition))
    if plan is None or plan.definition is not definition:
        plan = prepare(world, definition)
    parents = find_parents(world, request) if request.depends_on else ()
    if queue.fair is None:
        if request.share_identifier:
            raise InvalidRefusal(world.settings.messages.share_forbidden.format(queue=queue.spec.name))
    elif not request.share_identifier:
        raise InvalidRefusal(world.settings.messages.share_required.format(queue=queue.spec.name))
    now = world.now_ms
    entries = world.records.entries
    index = len(entries)
    job_id = new_job_id(world)
    demand = queue.demands.get(plan.shape) or demand_of(queue, plan.shape)
    last = world.admissions[-1] if world.admissions else None
    if not plan.simple or request.array_size or parents:
        record = _make_record(world, request, queue, plan, demand, index, job_id)
        entries.append(record)
        if parents:
            link_parents(world, record, parents)
        world.admissions.append(record)
    else:
        if queue.fair is None:
            line = demand.line
        else:
            share: ShareState | None = queue.fair.shares.get(request.share_identifier)
            if share is not None and share.usual is plan and request.scheduling_priority is None:
                share.alive += 1  # what follows, without a call a job
                line = share.usual_line
            else:
                line = queue.fair.join_line(world, request, demand, plan)
        row = world.ledger.reserve_one(index)
        if last.__class__ is Lot and last.follows(now, plan, row, index):
            lot = last
        else:
            lot = Lot(now, plan, line, row, index)
            world.admissions.append(lot)
        if lot.line is None:
            lot.lines.append(line)
        elif lot.line is not line:
            lot.vary(line)
        lot.end = row + 1
        lot.requests.append(request)
        lot.ids.append(job_id)
        entries.append(lot)
    world.by_id[job_id] = index
    queue.records.append(index)
    if last is None or last.created_at != now:
        world.events.call(now + world.settings.admission_ms, world_admit, world, priority=ADMISSION)
    return job_id


def _make_record(
    world: World, request: JobRequest, queue: QueueState, plan: Prepared, demand: Demand, index: int, job_id: str
) -> Record:
    record = Record(index, job_id, request, queue, plan, demand, world.now_ms)
    if plan.kind == MULTINODE:
        if request.array_size:
            raise InvalidRefusal(world.settings.messages.array_of_gangs)
        record.kind, record.size = MULTINODE, plan.nodes
        record.row = world.ledger.reserve(1 + plan.nodes, index)
    elif request.array_size:
        record.kind, record.size = ARRAY, request.array_size
        record.row = world.ledger.reserve(1 + request.array_size, index)
        record.left = request.array_size
        record.updated_at = world.now_ms
    else:
        record.row = world.ledger.reserve_one(index)
    if queue.fair is not None:
        line = queue.fair.join_line(world, request, demand, plan)
        record.share = line.share
        if line.priority:  # 0 is the class's own: setting it would give each Record a dictionary
            record.priority = line.priority
    return record


def demand_of(queue: QueueState, shape: Shape) -> Demand:
    """The queue's count of RUNNABLE jobs of this shape."""
    demand = queue.demands.get(shape)
    if demand is None:
        demand = queue.demands[shape] = Demand(queue, shape)
    return demand


def find_parents(world: World, request: JobRequest) -> tuple[tuple[Record | None, str], ...]:
    """The records that a request depends on, with the kind of dependency.

    Raises:
        NotFoundRefusal: a job id that is not known; finished jobs are forgotten after the retention time.
        InvalidRefusal: SEQUENTIAL with an id or outside an array; N_TO_N between arrays of different sizes.
    """
    messages = world.settings.messages
    found: list[tuple[Record | None, str]] = []
    for dependency in request.depends_on:
        if dependency.type == "SEQUENTIAL":
            if dependency.job_id or not request.array_size:
                raise InvalidRefusal(messages.sequential_outside_array)
            found.append((None, "SEQUENTIAL"))
            continue
        parent_id, _, child = dependency.job_id.partition(":")
        index = world.by_id.get(parent_id)
        parent = None if index is None else world.records[index]
        if parent is None or (child and not (child.isdigit() and int(child) < parent.size)):
            raise NotFoundRefusal(messages.dependency_not_found.format(job=dependency.job_id))
        if dependency.type == "N_TO_N":
            if not request.array_size or parent.kind != ARRAY or parent.size != request.array_size:
                text = messages.n_to_n_sizes
                raise InvalidRefusal(text.format(job=dependency.job_id, theirs=parent.size, own=request.array_size))
        elif child:
            raise InvalidRefusal(messages.dependency_on_child.format(job=dependency.job_id, parent=parent_id))
        found.append((parent, dependency.type))
    return tuple(found)


def link_parents(world: World, record: Record, parents: Sequence[tuple[Record | None, str]]) -> None:
    """Have each parent tell this record of its end; what has ended already counts at once."""
    status = world.ledger.status
    for parent, kind in parents:
        if parent is None:
            record.sequential = True
            record.simple = False
            continue
        if kind == "N_TO_N":
            if record.child_waits is None:
                record.child_waits = bytearray(record.size)
            for child in range(record.size):
                # A child that has FAILED keeps its count up for ever; admission sees it in the parent's status.
                record.child_waits[child] += status[parent.row + 1 + child] != SUCCEEDED
        elif status[parent.row] == FAILED:
            record.dependency_failed = True
            record.simple = False
            continue
        elif status[parent.row] != SUCCEEDED:
            record.waits += 1
        else:
            continue
        parent.dependents = world.dependents.add(parent.dependents, record.index, kind == "N_TO_N")
        if parent.kind == PLAIN or kind == "N_TO_N":
            parent.simple = False


_READY = NEXT[JobEvent.ADMITTED_READY << 3 | SUBMITTED]


def world_admit(world: World) -> None:
    """Let every job whose admission time is over leave SUBMITTED, in order of submission."""
    admissions = world.admissions
    status = world.ledger.status
    due = world.now_ms - world.settings.admission_ms
    while admissions and admissions[0].created_at <= due:
        entry = admissions.popleft()
        if isinstance(entry, Record):
            if entry.simple and not (entry.size or entry.waits or world.listeners):
                if status[entry.row] == SUBMITTED:
                    status[entry.row] = _READY
                    enqueue(world, entry, entry.row, entry.row + 1)
            elif status[entry.row] == SUBMITTED:
                admit(world, entry)
            continue
        first, end = entry.first, entry.end
        if not world.listeners and status.count(SUBMITTED, first, end) == end - first:
            status[first:end] = bytes((_READY,)) * (end - first)
            if entry.line is not None:
                entry.line.lane.append(first, end)
                count_line(world, entry.line, end - first)
            else:
                waiting: defaultdict[Line, list[int]] = defaultdict(list)
                for row, line in enumerate(entry.lines, first):
                    waiting[line].append(row)
                for line, rows in waiting.items():
                    line.lane.extend(rows)
                    count_line(world, line, len(rows))
            continue
        for row in range(first, end):
            record = world.records[world.ledger.owner[row]] if status[row] == SUBMITTED else None
            if record is not None:
                admit(world, record)


def admit(world: World, record: Record) -> None:
    """SUBMITTED → PENDING, RUNNABLE or FAILED; an array spawns its children."""
    if record.dependency_failed:
        fail_waiting(world, record)
        return
    if record.plan.definition.invalid_reason:
        fail_all(world, record, JobEvent.INVALID, record.plan.definition.invalid_reason)
        return
    if record.kind == MULTINODE:
        change_children(world, record, 0, record.size, JobEvent.ADMITTED_WAITING)
    if record.kind in (PLAIN, MULTINODE):
        if record.waits:
            change(world, record, record.row, JobEvent.ADMITTED_WAITING)
        else:
            change(world, record, record.row, JobEvent.ADMITTED_READY)
            enqueue(world, record, record.row, record.row + 1)
        return
    record.spawned_at = world.now_ms
    change(world, record, record.row, JobEvent.ADMITTED_WAITING)
    if record.stops is None:
        change_children(world, record, 0, record.size, JobEvent.ADMITTED_WAITING)
    else:
        for row in range(record.row + 1, record.row + 1 + record.size):
            if world.ledger.status[row] == SUBMITTED:  # the others were cancelled or terminated meanwhile
                change(world, record, row, JobEvent.ADMITTED_WAITING)
    fail_children_of_failed(world, record)
    if not record.waits:
        release_children(world, record)


def fail_children_of_failed(world: World, record: Record) -> None:
    """At admission: children whose N_TO_N partner has FAILED already fail too."""
    if record.child_waits is None:
        return
    ledger = world.ledger
    for dependency in record.request.depends_on:
        if dependency.type != "N_TO_N":
            continue
        index = world.by_id.get(dependency.job_id)
        parent = None if index is None else world.records[index]
        if parent is None:
            continue
        first = parent.row + 1
        at = ledger.status.find(FAILED, first, first + parent.size)
        while at >= 0:
            row = record.row + 1 + at - first
            if ledger.status[row] == PENDING:
                finish(world, record, row, JobEvent.DEPENDENCY_FAILED, DEPENDENT_FAILED)
            at = ledger.status.find(FAILED, at + 1, first + parent.size)
