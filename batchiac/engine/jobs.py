"""Jobs from submission to their end: admission, dependencies, cancellation, and what an end sets free.

Arrays stay columns: a 10,000-child array that becomes RUNNABLE is one run in a lane and one slice of statuses.
Endings cascade through a work list, not through calls, so that a chain of 100,000 jobs is no deeper than one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from batchiac.engine.effects import JobStateChanged
from batchiac.engine.machine import NEXT, JobEvent, Machine, next_status, read_row
from batchiac.engine.reasons import ARRAY_CHILD_FAILED, DEPENDENT_FAILED, QUEUE_DELETED
from batchiac.engine.refusals import InvalidRefusal, NotFoundRefusal, StateRefusal
from batchiac.engine.world import (
    ADMISSION,
    ARRAY,
    CPU_UNITS,
    MULTINODE,
    PLAIN,
    Demand,
    Prepared,
    QueueState,
    Record,
    Shape,
    World,
)
from batchiac.model.job import JobRequest, JobStatus
from batchiac.model.job_definition import Container, JobDefinition

SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, SUCCEEDED, FAILED = range(7)
PREPARED_KEPT = 4096
ID_BLOCK = 256


# --- what a definition asks for -------------------------------------------------------------------------------------


def prepare(world: World, definition: JobDefinition) -> Prepared:
    """What the engine needs to know of a definition; found once for each definition value."""
    known = world.prepared.get(id(definition))
    if known is not None and known.definition is definition:
        return known
    if len(world.prepared) >= PREPARED_KEPT:
        world.prepared.clear()
    multinode = definition.type == "multinode"
    containers = node_containers(definition, definition.main_node) if multinode else definition.containers
    prepared = Prepared(definition, shape_of(world, definition, containers), containers)
    world.prepared[id(definition)] = prepared
    return prepared


def node_containers(definition: JobDefinition, node: int) -> tuple[Container, ...]:
    """The containers of one node: ranges may be nested, "the inner range wins" (the narrowest one)."""
    matching = [each for each in definition.node_ranges if each.first <= node <= each.last]
    if not matching:
        raise InvalidRefusal(f"no node range of {definition.name} covers node {node}: give ranges for every node")
    return min(matching, key=lambda each: each.last - each.first).containers


def needs_of(containers: Sequence[Container]) -> tuple[int, int, int]:
    """(quarters of a vCPU, MiB, GPUs) of a task: containers add up; init containers run before and alone."""
    totals = [0, 0, 0]
    for init in (False, True):
        for container in containers:
            if container.init is init:
                need = container.resources
                amounts = (max(1, round(need.vcpus * CPU_UNITS)), need.memory_mib, need.gpus)
                combine = max if init else int.__add__
                totals = [combine(total, amount) for total, amount in zip(totals, amounts, strict=True)]
    return totals[0], totals[1], totals[2]


def shape_of(world: World, definition: JobDefinition, containers: tuple[Container, ...]) -> Shape:
    """The one Shape for what this definition needs. A gang's nodes are all as large as its largest."""
    nodes = 0
    instance_types: tuple[str, ...] = ()
    cpu, memory, gpus = needs_of(containers)
    if definition.type == "multinode":
        nodes = definition.num_nodes
        for each in definition.node_ranges:
            need = needs_of(each.containers)
            cpu, memory, gpus = max(cpu, need[0]), max(memory, need[1]), max(gpus, need[2])
            instance_types = each.instance_types or instance_types
    key = (
        cpu,
        memory,
        gpus,
        definition.platform,
        definition.architecture,
        nodes,
        instance_types,
        definition.consumables,
    )
    shape = world.shapes.get(key)
    if shape is None:
        shape = world.shapes[key] = Shape(len(world.shapes), *key)
    return shape


# --- submission and admission ---------------------------------------------------------------------------------------


def new_job_id(world: World) -> str:
    """The next job id: a UUID's form, from the engine's own seed."""
    at = world.id_at
    if at == len(world.id_digits):
        world.id_digits = world.ids.randbytes(ID_BLOCK * 16).hex()
        at = 0
    world.id_at = at + 32
    bits = world.id_digits[at : at + 32]
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"


def submit(world: World, request: JobRequest) -> str:
    """Take a job in; it is SUBMITTED until the admission time is over.

    Raises:
        NotFoundRefusal: no such queue, or a dependency that is not known (any more).
        StateRefusal: the queue is not ENABLED, or is being deleted.
        InvalidRefusal: the request contradicts itself.
    """
    queue = world.queues.get(request.queue)
    if queue is None:
        raise NotFoundRefusal(f"JobQueue {request.queue} not found.")
    if queue.spec.state != "ENABLED" or queue.status in ("DELETING", "DELETED"):
        raise StateRefusal(f"JobQueue {request.queue} is {queue.spec.state}: jobs are accepted when it is ENABLED.")
    definition = request.definition
    plan = world.prepared.get(id(definition))
    if plan is None or plan.definition is not definition:
        plan = prepare(world, definition)
    parents = find_parents(world, request) if request.depends_on else ()
    if queue.fair is None:
        if request.share_identifier:
            raise InvalidRefusal(
                f"shareIdentifier cannot be given: job queue {queue.spec.name} has no fair share policy."
            )
    elif not request.share_identifier:
        raise InvalidRefusal(f"shareIdentifier is required: job queue {queue.spec.name} has a scheduling policy.")
    now = world.now_ms
    index = len(world.records)
    job_id = new_job_id(world)
    record = Record(index, job_id, request, queue, plan, now)
    record.demand = demand_of(queue, plan.shape)
    if plan.kind == MULTINODE:
        if request.array_size:
            raise InvalidRefusal("A multi-node parallel job cannot be an array job: leave arrayProperties out.")
        record.kind, record.size = MULTINODE, plan.nodes
        record.row = world.ledger.reserve(1 + plan.nodes, index)
    elif request.array_size:
        record.kind, record.size = ARRAY, request.array_size
        record.row = world.ledger.reserve(1 + request.array_size, index)
        record.left = request.array_size
    else:
        record.row = world.ledger.reserve_one(index)
    if queue.fair is not None:
        priority = request.scheduling_priority
        record.priority = definition.scheduling_priority if priority is None else priority
        record.share = queue.fair.join(world, request.share_identifier)
    if record.kind != MULTINODE and not plan.consumables:
        record.simple = True
    world.records.append(record)
    world.by_id[job_id] = index
    queue.records.append(index)
    if parents:
        link_parents(world, record, parents)
    if not world.admissions or world.admissions[-1].created_at != now:
        world.events.call(now + world.settings.admission_ms, world_admit, world, priority=ADMISSION)
    world.admissions.append(record)
    return job_id


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
    found: list[tuple[Record | None, str]] = []
    for dependency in request.depends_on:
        if dependency.type == "SEQUENTIAL":
            if dependency.job_id or not request.array_size:
                raise InvalidRefusal("A SEQUENTIAL dependency is for an array job and names no job id.")
            found.append((None, "SEQUENTIAL"))
            continue
        parent_id, _, child = dependency.job_id.partition(":")
        index = world.by_id.get(parent_id)
        parent = None if index is None else world.records[index]
        if parent is None or (child and not (child.isdigit() and int(child) < parent.size)):
            raise NotFoundRefusal(f"Job {dependency.job_id} not found: a dependency must name an existing job.")
        if dependency.type == "N_TO_N":
            if not request.array_size or parent.kind != ARRAY or parent.size != request.array_size:
                raise InvalidRefusal(
                    f"An N_TO_N dependency needs two array jobs of one size: {dependency.job_id} has {parent.size},"
                    f" this job {request.array_size}."
                )
        elif child:
            raise InvalidRefusal(f"A job cannot depend on the child {dependency.job_id}: name its parent {parent_id}.")
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
            continue
        elif status[parent.row] != SUCCEEDED:
            record.waits += 1
        else:
            continue
        if parent.dependents is None:
            parent.dependents = []
        parent.dependents.append((record, kind == "N_TO_N"))
        if parent.kind == PLAIN or kind == "N_TO_N":
            parent.simple = False


_READY = NEXT[JobEvent.ADMITTED_READY << 3 | SUBMITTED]


def world_admit(world: World) -> None:
    """Let every job whose admission time is over leave SUBMITTED, in order of submission."""
    admissions = world.admissions
    status = world.ledger.status
    due = world.now_ms - world.settings.admission_ms
    while admissions and admissions[0].created_at <= due:
        record = admissions.popleft()
        if record.simple and not (record.size or record.waits or record.dependency_failed or world.listeners):
            row = record.row
            if status[row] == SUBMITTED:
                status[row] = _READY
                enqueue(world, record, row, row + 1)
        elif world.ledger.status[record.row] == SUBMITTED:
            admit(world, record)


def admit(world: World, record: Record) -> None:
    """SUBMITTED → PENDING, RUNNABLE or FAILED; an array spawns its children."""
    if record.dependency_failed:
        fail_waiting(world, record)
        return
    if record.kind == PLAIN:
        if record.waits:
            change(world, record, record.row, JobEvent.ADMITTED_WAITING)
        else:
            change(world, record, record.row, JobEvent.ADMITTED_READY)
            enqueue(world, record, record.row, record.row + 1)
        return
    if record.kind == MULTINODE:
        change_children(world, record, 0, record.size, JobEvent.ADMITTED_WAITING)
        if record.waits:
            change(world, record, record.row, JobEvent.ADMITTED_WAITING)
        else:
            change(world, record, record.row, JobEvent.ADMITTED_READY)
            enqueue(world, record, record.row, record.row + 1)
        return
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
    world.finished.append(record)
    if record.share is not None:
        record.queue.fair.leave(world, record.share)
    for dependent, by_child in record.dependents or ():
        if by_child:
            continue
        if success:
            dependent.waits -= 1
            if not dependent.waits:
                dependencies_met(world, dependent)
        else:
            fail_waiting(world, dependent)
    record.dependents = None


def _resolve_child(world: World, record: Record, row: int, success: bool) -> None:
    child = row - record.row - 1
    ledger = world.ledger
    if record.sequential and child + 1 < record.size:
        if success:
            release_child(world, record, child + 1)
        elif ledger.status[row + 1] == PENDING:
            finish(world, record, row + 1, JobEvent.DEPENDENCY_FAILED, DEPENDENT_FAILED)
    for dependent, by_child in record.dependents or ():
        if not by_child or dependent.child_waits is None:
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
    if previous == PENDING:
        event, condition = "child changed", "all ended, one FAILED" if failed else "all ended, all SUCCEEDED"
    elif record.stops:
        event, condition = "cancel or terminate", ""
    else:
        event = "queue deleted" if ledger.status_reasons.get(record.row) == QUEUE_DELETED else "dependency failed"
        condition = ""
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
