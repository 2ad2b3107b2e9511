"""The common case in one loop: a job ends well, and the next of the same shape takes its place.

Theory. After a dispatch, an environment whose first waiting head (FIFO, this environment its first choice) found no
room is *steady* for that head's demand: no instance has room for that shape, and no queue with more right to a freed
place waits. When a job of that very shape ends then, its instance alone has room, and the place's new owner is the
head: the outcome of a whole dispatch is known (until a head of another shape comes up), and what is free on the
instance is the same as before. Likewise, when nothing waits for an environment at all, a job that ends gives its place
back and nobody need be asked.

Rules. Every other case is left to the general code (loop.py), which gives the same result for these as well; a test
runs both. The lane is closed while anything is dirty, while anybody listens, and where two events fall on one instant.
It keeps no state: whatever it hoists into local names are the engine's own columns. Its transitions are those of
machine.NEXT. It exists because a million children should take seconds.
"""

from __future__ import annotations

from heapq import heappop, heapreplace

from batchiac.engine.containers import draw_of
from batchiac.engine.dependencies import NOBODY
from batchiac.engine.filling import FOREVER_MS, NOT_ONE
from batchiac.engine.jobs import ended
from batchiac.engine.kernel.events import ROW_BITS, ROW_MASK
from batchiac.engine.machine import NEXT, JobEvent
from batchiac.engine.policies.behaviour import Draw
from batchiac.engine.records import Lot, Prepared, Record, Shape
from batchiac.engine.waiting import Demand, Line, QueueState, ShareState
from batchiac.engine.world import World
from batchiac.model.job import JobRequest
from batchiac.model.job_definition import Container
from batchiac.model.job_queue import JobQueue

_SUCCEEDED = NEXT[JobEvent.SUCCEEDED << 3 | 4]
_RUNNING = NEXT[JobEvent.STARTED << 3 | NEXT[JobEvent.PLACED << 3 | 2]]
_RUNNABLE = 2

_NEXT_INSTANT = 1 << ROW_BITS

EMPTY = Demand(QueueState(JobQueue("", 0, ()), -1, bytearray()), Shape(-1, 0, 0, 0, "", "", 0, ()))
"""`EnvironmentState.steady` where nothing waits."""


def find_steady(world: World, queues: list[QueueState]) -> None:
    """After a dispatch: say for each environment of these queues what a freed place goes to."""
    seen: set[int] = set()
    for queue in queues:
        for environment in queue.environments:
            if environment.serial in seen:
                continue
            seen.add(environment.serial)
            environment.steady = EMPTY
            for each in environment.queues:
                if each.blocked_row < 0:
                    continue
                row = each.lane.head() if each.fair is None else each.fair.head(world)
                if row < 0:
                    each.blocked_row = -1  # the lane started the last one that waited
                    continue
                environment.steady = None
                if each.fair is not None and each.fair.reserves:
                    break
                demand, simple = world.records.waiting(row)
                simple = simple and not each.blocked_reason and not demand.shape.nodes
                if simple and demand.options and demand.options[0] is environment:
                    environment.steady = demand
                break


def is_closed(world: World) -> bool:
    """True while something is to be settled first, somebody listens, or containers take time to start."""
    return bool(world.dirty or world.listeners or world.became_idle or world.settings.container_start_ms)


def _same_is_next(world: World, demand: Demand) -> bool:
    """True when the next head of the queue is of this demand, or there is none."""
    queue = demand.queue
    row = queue.lane.head() if queue.fair is None else queue.fair.head(world)
    return row < 0 or world.records.waiting(row)[0] is demand


def run(world: World, until_ms: int) -> bool:
    """Handle row ends while they are of the common case and come before every other event.

    Returns:
        True when the last of them left something to be settled in its instant, `world.now_ms`.
    """
    if is_closed(world):
        return False
    events = world.events
    rows, calls = events.rows, events.calls
    ledger = world.ledger
    next_to_end = world.records.entries[ledger.owner[rows[0] & ROW_MASK]]
    if next_to_end is None or not next_to_end.simple:
        return False  # before anything is hoisted: in a graph of jobs few are simple
    status, stopped, started = ledger.status, ledger.stopped, ledger.started
    exits, host_of, owner, attempts = ledger.exit, ledger.host, ledger.owner, ledger.attempts
    endings = ledger.endings
    entries, hosts = world.records.entries, world.hosts
    finished, behave = world.finished.append, world.behaviour.plan
    stream = world.stream
    limit = min(until_ms + 1, calls[0][0] if calls else until_ms + 1) << ROW_BITS
    now = world.now_ms
    # The record of the row that ends, and what is looked at for each of its rows.
    record: Record = NOT_ONE
    first = end = 0
    lot: Lot | None = None
    simple = plain = False
    shape = EMPTY.shape
    share: ShareState | None = None
    lines: list[Line] = []
    # The record of the row that starts.
    following: Record = NOT_ONE
    next_first = next_end = number = 0
    of_array = False
    draw: Draw | None = None
    plan: Prepared | None = None
    only: Container | None = None
    timeout_ms = 0
    memory = 0
    image = ""
    next_share: ShareState
    while rows:
        key = rows[0]
        if key >= limit:
            break
        row = key & ROW_MASK
        now = key >> ROW_BITS
        if status[row] != 4 or stopped[row] != now:
            if status[row] == 3:
                break
            heappop(rows)  # stale
            continue
        if exits[row]:
            break
        instant = key - row + _NEXT_INSTANT
        if len(rows) < 3 or rows[1] < instant or rows[2] < instant:
            break
        if row < first or row >= end:
            entry = entries[owner[row]]
            if entry.__class__ is not Lot:
                record = entry  # type: ignore[assignment]  # a row that runs has its job
                first = record.row
                size = record.size
                end = first + size + 1
                simple = record.simple
                plain = not size
                shape = record.plan.shape
                share = record.share
                lot = None
            else:
                if entry is not lot:
                    lot = entry
                    first = end = 0
                    simple = plain = True
                    shape = lot.plan.shape
                    lines = lot.lines
                    if lot.line is not None:
                        share = lot.line.share
                if lines:
                    share = lines[row - lot.first].share
        if not simple or (endings and row in endings):
            break
        if not plain and record.left == 1 and record.dependents != NOBODY:
            break  # what its end sets free may have more right to the place
        serial = host_of[row]
        if serial < 0:
            break
        host = hosts[serial]
        if not host.open:
            break
        demand = host.environment.steady
        if demand is None:
            break
        if demand.shape is shape:
            fair = demand.queue.fair
            if fair is None:
                lane = demand.queue.lane
                waiting = lane.cursor
                if waiting >= lane.end or status[waiting] != _RUNNABLE:
                    waiting = lane.head()
                    if waiting < 0:
                        break
            else:
                heap = fair.heap
                if not heap:
                    break
                next_share = heap[0][2]
                lane = next_share.lane
                waiting = lane.cursor
                if waiting >= lane.end or status[waiting] != _RUNNABLE or now // fair.epoch_ms != fair.epoch:
                    world.now_ms = now
                    waiting = fair.head(world)
                    if waiting < 0:
                        break
                    next_share, lane = fair.current
                    heap = fair.heap
            if waiting < next_first or waiting >= next_end:
                number = owner[waiting]
                candidate: Record | Lot = entries[number]  # type: ignore[assignment]  # a RUNNABLE row has its job
                if candidate.__class__ is Lot:
                    line = candidate.line or candidate.lines[waiting - candidate.first]
                    if line.demand is not demand:
                        break
                elif candidate.demand is not demand or not candidate.plan.simple:  # type: ignore[union-attr]
                    break
                if plan is not candidate.plan:
                    plan = candidate.plan
                    only = plan.only
                    timeout_ms = plan.timeout_ms or FOREVER_MS
                    memory = plan.memory or FOREVER_MS
                    image = plan.image
                if candidate.__class__ is Lot:
                    request: JobRequest = candidate.requests[number - candidate.index]  # type: ignore[assignment]
                    draw = behave(request, only) if only is not None else draw_of(world, request, plan)
                    of_array = False
                    next_first = waiting
                    next_end = 0
                else:
                    following = candidate  # type: ignore[assignment]
                    next_first = following.row
                    of_array = following.size > 0
                    next_end = next_first + following.size + 1
                    if only is not None and not of_array:
                        draw = behave(following.request, only)
                    else:
                        draw = following.draw or draw_of(world, following.request, plan)
                        following.draw = draw
            if host.images.get(image, limit) > now:
                break
            child = waiting - next_first - 1
            if child < 0:
                child = 0
            attempt = attempts[waiting] + 1
            stream.parts = (number, child, attempt)
            outcome = draw(child, attempt, stream)  # type: ignore[misc]
            if outcome.__class__ is int:
                duration: int = outcome
            else:
                duration, code, peak, reason, starts = outcome  # type: ignore[misc]
                if reason or not starts or peak > memory:
                    break  # nothing was changed yet: the general code asks for the same draw and gets the same answer
                if code:
                    exits[waiting] = code
            if duration > timeout_ms:
                break
            attempts[waiting] = attempt
            until = now + duration
            heapreplace(rows, until << ROW_BITS | waiting)
            status[waiting] = _RUNNING
            host_of[waiting] = serial
            started[waiting] = now
            stopped[waiting] = until
            demand.count -= 1
            if waiting + 1 == lane.end and lane.runs:
                ahead = lane.runs.popleft()  # Lane.next_run
                lane.cursor, lane.end = ahead >> ROW_BITS, ahead & ROW_MASK
            else:
                lane.cursor = waiting + 1
            if fair is not None:
                cpu = shape.cpu
                next_share.spent -= cpu * now
                next_share.cpu += cpu
                next_share.key = usage = next_share.key + cpu * fair.epoch_ms * next_share.weight
                fair.starts += 1
                heapreplace(heap, (usage, next_share.serial, next_share))
                if now // fair.epoch_ms != fair.epoch:
                    world.now_ms = now
                    fair.head(world)  # as the general code: it looks at the next head in the same instant
            if of_array:
                following.updated_at = now
            status[row] = _SUCCEEDED
            world.now_ms = now
            if not demand.count or (len(demand.queue.demands) > 1 and not _same_is_next(world, demand)):
                # Another queue is next, and is looked at in this instant; or another shape: what is free elsewhere, too
                # little for this one, may be enough for it.
                demand.queue.dirty = demand.queue.demanding = world.dirty = True
                limit = 0
        elif demand is EMPTY:
            heappop(rows)
            status[row] = _SUCCEEDED
            host.busy -= 1
            index = host.environment.index
            index.remove(host)
            host.free_cpu += shape.cpu
            host.free_memory += shape.memory
            host.free_gpus += shape.gpus
            index.add(host)
            if not host.busy:
                world.became_idle.append(host)
                limit = 0
        else:
            break
        if share is not None:
            cpu = shape.cpu
            share.spent += cpu * now
            share.cpu = left = share.cpu - cpu
            if not left:
                share.since = now
            if plain:
                if share.alive > 1:
                    share.alive -= 1
                else:
                    world.now_ms = now
                    share.fair.leave(world, share)
        if plain:
            if lot is None:
                record.ended_at = now
            finished(owner[row])
        else:
            record.updated_at = now
            if record.left == 1:
                world.now_ms = now
                ended(world, record, row)
                if world.dirty:
                    break
            else:
                record.left -= 1
    if now > world.now_ms:
        world.now_ms = now  # the next event may be of this time and left to the general code
    return bool(world.dirty or world.became_idle)
