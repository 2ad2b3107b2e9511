"""The scheduler: which waiting job starts now, and where.

"Job queues that share a compute environment are evaluated in cycles": queues by priority, the older one first at
equal priority; each places its heads until one cannot be placed, then the next queue has its turn with what is left.
Within a queue a blocked head blocks what is behind it. For a head, environments are looked at in order: the first
that has room takes it; one that could still provide room is waited for; one that cannot is passed over.
Sources: botocore 1.44.5, JobQueueDetail.priority; https://docs.aws.amazon.com/batch/latest/userguide/job_queue_parameters.html,
compute_environments.html; AWS HPC blog, "Introducing new alerts to help users detect and react to blocked job queues".

Only queues marked dirty are looked at, only at their heads: what changed nothing for a queue costs it nothing.
"""

from __future__ import annotations

from batchiac.engine import consumables, gangs
from batchiac.engine.attempts import start
from batchiac.engine.fastlane import find_steady
from batchiac.engine.filling import start_run
from batchiac.engine.fits import can_hold_gang, can_provide, fitting_types, options_for
from batchiac.engine.fleet import EnvironmentState
from batchiac.engine.hosts import look_again_at_idle
from batchiac.engine.records import MULTINODE, Record
from batchiac.engine.scaling import request_scaling
from batchiac.engine.waiting import Demand, QueueState
from batchiac.engine.world import World


def dispatch(world: World) -> None:
    """Let every dirty queue start what can start now."""
    world.dirty = False
    looked_at = []
    for queue in world.queue_order:
        if queue.dirty:
            queue.dirty = False
            looked_at.append(queue)
            if queue.blocked_row < 0:
                if not queue.demanding:
                    continue  # nothing waited, and nothing has joined since
            elif not queue.demanding and not has_room(queue):
                continue
            if queue.status in ("VALID", "UPDATING", "CREATING"):
                fill(world, queue)
    find_steady(world, looked_at)


def has_room(queue: QueueState) -> bool:
    """False when every environment of the queue is full, to the last quarter of a vCPU."""
    for environment in queue.environments:
        resources = environment.spec.resources
        if environment.index.mask or (resources is not None and not resources.on_instances):
            return True
    return False


def head_of(queue: QueueState, world: World) -> int:
    """The row that is next in this queue, -1 when none waits."""
    return queue.lane.head() if queue.fair is None else queue.fair.head(world)


def fill(world: World, queue: QueueState) -> None:
    """Start heads until one cannot start."""
    owner, waiting = world.ledger.owner, world.records.waiting
    fair = queue.fair
    lane = queue.lane
    quiet = not world.listeners and (fair is None or not fair.reserves)
    while True:
        row = lane.head() if fair is None else fair.head(world)
        if row < 0:
            unblock(queue)
            queue.demanding = False
            _no_gang(world, queue)
            return
        demand, simple = waiting(row)
        if demand.version != queue.version:
            demand.options = options_for(queue, demand.shape)
            demand.version = queue.version
        if simple and quiet and demand.options and not demand.shape.architecture:
            environment = demand.options[0]
            resources = environment.spec.resources
            if resources is None or resources.on_instances:
                shape = demand.shape
                host = environment.index.find(shape.cpu, shape.memory, shape.gpus)
                if host is not None:
                    start_run(world, demand, host, environment)
                    continue
        record = world.records[owner[row]]
        assert record is not None
        if not place(world, queue, record, row, demand):
            block(world, queue, row)
            return
        if fair is None:
            lane.cursor += 1
        else:
            fair.taken(world)


def place(world: World, queue: QueueState, record: Record, row: int, demand: Demand) -> bool:
    """Start a head on the first environment with room; False when it has to wait."""
    plan = record.plan
    if plan.consumables and not consumables.available(world, plan.consumables):
        return False
    shape = demand.shape
    if queue.fair is not None and not queue.fair.may_take(world, shape.cpu * max(1, shape.nodes)):
        return False
    if record.kind != MULTINODE:
        _no_gang(world, queue)
    for environment in demand.options:
        resources = environment.spec.resources
        if record.kind == MULTINODE:
            if gangs.place(world, record, environment):
                _no_gang(world, queue)
                return True
            if can_hold_gang(world, environment, shape):
                queue.gang_waiting = environment
                return False
            continue
        if resources is None or resources.on_instances:
            host = environment.index.find(shape.cpu, shape.memory, shape.gpus)
            if host is not None:
                if shape.architecture and host.type.architecture != shape.architecture:
                    continue
                start(world, record, row, host, environment)
                return True
            if can_provide(world, environment, shape):
                return False
        elif environment.cpu + shape.cpu <= resources.max_vcpus * 4:
            start(world, record, row, None, environment)
            return True
    return False


def _no_gang(world: World, queue: QueueState) -> None:
    """No gang waits at the head of this queue (any more): what was kept for one may go."""
    environment, queue.gang_waiting = queue.gang_waiting, None
    if environment is not None:
        look_again_at_idle(world, environment)


def block(world: World, queue: QueueState, row: int) -> None:
    """The head has to wait: have the environments' size looked at, and the reason found out."""
    if queue.blocked_row != row:
        record = world.records[world.ledger.owner[row]]
        before = queue.blocked_demand
        queue.blocked_demand = None if record is None else record.demand
        if queue.blocked_reason or before is not queue.blocked_demand:
            queue.demanding = True  # another kind of head: it may be blocked for another reason
        unblock(queue)
        queue.blocked_row = row
        queue.blocked_at = world.now_ms
    if queue.demanding:
        request_scaling(world)


def unblock(queue: QueueState) -> None:
    """Nothing waits, or another head does."""
    queue.blocked_row = -1
    queue.blocked_reason = ""


__all__ = ["EnvironmentState", "dispatch", "fill", "fitting_types", "head_of", "place", "unblock"]
