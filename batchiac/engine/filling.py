"""Filling one host in one go with the heads of a lane, while they are alike."""

from __future__ import annotations

from heapq import heappush

from batchiac.engine.attempts import to_running, write_end
from batchiac.engine.containers import draw_of
from batchiac.engine.fleet import EnvironmentState, Host
from batchiac.engine.kernel.events import ROW_BITS
from batchiac.engine.machine import NEXT, JobEvent
from batchiac.engine.policies.behaviour import Draw
from batchiac.engine.records import Lot, Prepared, Record
from batchiac.engine.waiting import Demand, ShareState
from batchiac.engine.world import FIRST, World

_STARTING = NEXT[JobEvent.PLACED << 3 | 2]
_RUNNING = NEXT[JobEvent.STARTED << 3 | _STARTING]
_RUNNABLE = 2

FOREVER_MS = 1 << 62
NOT_ONE = Record.__new__(Record)
"""No job's Record, before the first was met."""


def start_run(world: World, demand: Demand, host: Host, environment: EnvironmentState) -> None:
    """Start as many heads of one demand as one host holds; the first is known to fit.

    The host that best fit chose stays the best fit while it has room: it only gets fuller. So its place in the index
    changes once. Each row goes through what attempts.start does, without what a simple record does not need.
    """
    ledger = world.ledger
    status, stopped, started = ledger.status, ledger.stopped, ledger.started
    host_of, owner, attempts = ledger.host, ledger.owner, ledger.attempts
    endings, reasons = ledger.endings, ledger.status_reasons
    rows, entries, stream = world.events.rows, world.records.entries, world.stream
    now = world.now_ms
    settings = world.settings
    shape = demand.shape
    room = host.free_cpu // shape.cpu
    if shape.memory:
        room = min(room, host.free_memory // shape.memory)
    if shape.gpus:
        room = min(room, host.free_gpus // shape.gpus)
    serial = host.serial
    begun: list[int] = []
    begun_at = now
    lane, fair = demand.queue.lane, demand.queue.fair
    taken = 0
    record: Record = NOT_ONE
    first = last = begin = number = 0
    draw: Draw | None = None
    plan: Prepared | None = None
    share: ShareState | None = None
    timeout_ms = memory = 0
    while taken < room:
        if fair is not None:
            row = fair.head(world)
        else:
            row = lane.cursor
            if row >= lane.end or status[row] != _RUNNABLE:
                row = lane.head()
        if row < 0:
            break
        if row < first or row >= last:
            number = owner[row]
            entry: Record | Lot = entries[number]
            if entry.__class__ is Lot:
                line = entry.line or entry.lines[row - entry.first]
                if line.demand is not demand:
                    break
                share = line.share
            else:
                record = entry  # type: ignore[assignment]
                if record.demand is not demand or not record.simple:
                    break
                share = record.share
            if plan is not entry.plan:
                plan = entry.plan
                begin = now + settings.container_start_ms
                pulled = host.images.get(plan.image)
                if pulled is None:
                    pulled = host.images[plan.image] = now + settings.image_pull_ms
                begin = max(begin, pulled)
                if begin != begun_at and begun:
                    _begin_all(world, begun, begun_at)
                    begun = []
                begun_at = begin
                timeout_ms = FOREVER_MS if plan.timeout_ms is None else plan.timeout_ms
                memory = plan.memory
            if entry.__class__ is Lot:
                draw = draw_of(world, entry.requests[number - entry.index], plan)
                first, last = row, 0
            else:
                first = record.row
                last = first + record.size + 1
                draw = record.draw or draw_of(world, record.request, plan)
                if record.size:
                    record.draw = draw
                    record.updated_at = now
        child = row - first - 1
        if child < 0:
            child = 0
        attempt = attempts[row] = attempts[row] + 1
        stream.parts = (number, child, attempt)
        outcome = draw(child, attempt, stream)  # type: ignore[misc]
        if outcome.__class__ is int and outcome <= timeout_ms:
            until = begin + outcome
            started[row] = begin
            stopped[row] = until
            heappush(rows, until << ROW_BITS | row)
        else:
            write_end(world, row, outcome, begin, memory, None if timeout_ms == FOREVER_MS else timeout_ms)
        host_of[row] = serial
        if begin == now and not (endings and row in endings):
            status[row] = _RUNNING
        else:
            status[row] = _STARTING
            begun.append(row)
        if reasons:
            reasons.pop(row, None)  # why it was blocked
        if share is None:
            lane.cursor = row + 1
        else:
            fair.started(world, share, shape.cpu)
            fair.taken(world)
        taken += 1
    demand.count -= taken
    if begun:
        _begin_all(world, begun, begun_at)
    index = environment.index
    index.remove(host)
    host.free_cpu -= taken * shape.cpu
    host.free_memory -= taken * shape.memory
    host.free_gpus -= taken * shape.gpus
    index.add(host)
    host.busy += taken


def _begin_all(world: World, begun: list[int], begin: int) -> None:
    """Have rows go from STARTING to RUNNING at `begin`, which may be now."""
    if begin == world.now_ms:
        _begin((world, begun))
    else:
        world.events.call(begin, _begin, (world, begun), priority=FIRST)


def _begin(argument: tuple[World, list[int]]) -> None:
    world, begun = argument
    ledger = world.ledger
    status, started, endings = ledger.status, ledger.started, ledger.endings
    now = world.now_ms
    quiet = not world.listeners
    last = 0
    for row in begun:
        if status[row] == _STARTING and started[row] == now:
            if quiet and not (endings and row in endings):
                status[row] = _RUNNING
                if row >= last:
                    entry = world.records.entries[ledger.owner[row]]
                    if isinstance(entry, Record):
                        last = entry.row + entry.size + 1
                        if entry.size:
                            entry.updated_at = now
            else:
                record = world.records[ledger.owner[row]]
                if record is not None:
                    to_running(world, record, row)
