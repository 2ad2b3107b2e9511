"""How large an environment should be: launches from the RUNNABLE jobs, scale-in of what is idle.

"AWS Batch examines RUNNABLE jobs" and has EC2 launch what they need, between minvCpus and maxvCpus. Demand is counted
by shape, so a decision costs the number of different shapes, not of jobs. It is taken at multiples of the scaling
interval while a head is blocked. Which types are launched is the allocation strategy's to say (policies/allocation).
"""

from __future__ import annotations

from batchiac.engine import consumables, hosts
from batchiac.engine.blocking import find_reasons
from batchiac.engine.effects import CapacityRefused
from batchiac.engine.fits import can_hold_gang, fitting_types, is_usable, options_for, overshoots
from batchiac.engine.fleet import EnvironmentState
from batchiac.engine.placement import SERIAL_MASK
from batchiac.engine.policies.allocation import STRATEGIES, Candidate
from batchiac.engine.records import CPU_UNITS, Shape
from batchiac.engine.waiting import Demand, QueueState
from batchiac.engine.world import SCALING, World
from batchiac.model.instance_type import InstanceType

SMALLEST = 1


def request_scaling(world: World) -> None:
    """Have demand looked at at the next multiple of the scaling interval."""
    if world.scaling_at > world.now_ms:
        return
    interval = world.settings.scaling_interval_ms
    world.scaling_at = (world.now_ms // interval + 1) * interval
    world.events.call(world.scaling_at, scale, world, priority=SCALING)


def scale(world: World) -> None:
    """Launch what the RUNNABLE jobs of all queues need, queues by priority, environments in each queue's order."""
    world.scaling_at = -1
    planned: dict[int, _Supply] = {}
    for queue in world.queue_order:
        if queue.status not in ("VALID", "UPDATING", "CREATING") or queue.blocked_row < 0:
            continue
        queue.demanding = False
        for place, demand in enumerate(_demands(world, queue)):
            wanted = demand.count
            if demand.shape.consumables:
                wanted = min(wanted, consumables.possible_starts(world, demand.shape.consumables))
            left = wanted
            for environment in options_for(queue, demand.shape) if wanted > 0 else ():
                resources = environment.spec.resources
                if resources is None or not resources.on_instances:
                    continue
                supply = planned.get(environment.serial)
                if supply is None:
                    supply = planned[environment.serial] = _Supply(world, environment)
                left = provide(world, environment, supply, demand.shape, left)
                if left <= 0 or (demand.shape.nodes and can_hold_gang(world, environment, demand.shape)):
                    break  # a gang waits for the first environment that can hold it; for others nothing is launched
            if place == 0 and left == wanted:
                break  # the head gets nothing: what stands behind it cannot start before it
    find_reasons(world)


def _demands(world: World, queue: QueueState) -> list[Demand]:
    """A queue's demands, its head's first; none where the head waits for something else than instances.

    What stands behind a blocked head cannot start: instances launched for it alone would come, idle, go, and come
    again for ever.
    """
    row = queue.lane.head() if queue.fair is None else queue.fair.head(world)
    record = world.records[world.ledger.owner[row]] if row >= 0 else None
    if record is None:
        return []
    shape = record.plan.shape
    if shape.consumables and not consumables.available(world, shape.consumables):
        return []
    if queue.fair is not None and not queue.fair.may_take(world, shape.cpu * max(1, shape.nodes)):
        return []
    first = record.demand
    return [first, *(each for each in queue.demands.values() if each is not first)]


class _Group:
    """Instances of one type that have room or are coming, and what is left of each after the shapes seen so far."""

    __slots__ = ("count", "cpu", "gpus", "kind", "memory")

    def __init__(self, kind: InstanceType, count: int, memory_mib: int) -> None:
        self.kind = kind
        self.count = count
        self.cpu = kind.vcpus * CPU_UNITS
        self.memory = memory_mib
        self.gpus = kind.gpus

    def split(self, count: int, shape: Shape, each: int) -> _Group:
        """`count` of these instances after `each` jobs of the shape on every one."""
        part = _Group(self.kind, count, self.memory)
        part.cpu = self.cpu - each * shape.cpu
        part.memory -= each * shape.memory
        part.gpus = self.gpus - each * shape.gpus
        return part


class _Supply:
    """What one environment has free or coming, as groups of alike instances."""

    def __init__(self, world: World, environment: EnvironmentState) -> None:
        self.settings = world.settings
        self.groups = [
            _Group(world.instance_types[name], count, self.settings.usable_mib(world.instance_types[name]))
            for name, count in environment.launching.items()
        ]
        for free, bucket in environment.index.buckets.items():
            for key in bucket:
                host = world.hosts[key & SERIAL_MASK]
                group = _Group(host.type, 1, host.total_memory)
                group.cpu, group.memory, group.gpus = free, host.free_memory, host.free_gpus
                self.groups.append(group)

    def absorb(self, shape: Shape, wanted: int) -> int:
        """Put jobs of a shape on what is coming; how many are left over."""
        groups = self.groups
        if shape.nodes:
            return self._absorb_gangs(shape, wanted)
        for group in list(groups):
            each = jobs_per_instance(group.cpu, group.memory, group.gpus, shape)
            if not each:
                continue
            full = min(group.count, wanted // each)
            if full:
                groups.append(group.split(full, shape, each))
                group.count -= full
                wanted -= full * each
            if wanted and group.count:
                groups.append(group.split(1, shape, wanted))
                group.count -= 1
                wanted = 0
            if not wanted:
                break
        self.groups = [group for group in groups if group.count]
        return wanted

    def _absorb_gangs(self, shape: Shape, wanted: int) -> int:
        nodes = wanted * shape.nodes
        for group in self.groups:
            whole = _Group(group.kind, 0, self.settings.usable_mib(group.kind))
            if (group.cpu, group.memory) == (whole.cpu, whole.memory) and jobs_per_instance(
                group.cpu, group.memory, group.gpus, shape
            ):
                used = min(group.count, nodes)
                group.count -= used
                nodes -= used
        return -(-nodes // shape.nodes)


def jobs_per_instance(cpu: int, memory: int, gpus: int, shape: Shape) -> int:
    """How many jobs of a shape fit into this much; a node of a gang has its instance for itself."""
    if shape.memory > memory or shape.cpu > cpu or shape.gpus > gpus:
        return 0
    if shape.nodes:
        return 1
    number = cpu // shape.cpu
    if shape.memory:
        number = min(number, memory // shape.memory)
    return min(number, gpus // shape.gpus) if shape.gpus else number


def provide(world: World, environment: EnvironmentState, supply: _Supply, shape: Shape, wanted: int) -> int:
    """Launch for `wanted` jobs of a shape, less what is coming already; how many are left for other environments."""
    fitting = fitting_types(world, environment, shape)
    if not fitting:
        return wanted
    left = supply.absorb(shape, wanted)
    if shape.nodes:
        from batchiac.engine import gangs

        return gangs.provide(world, environment, shape, left)
    while left > 0:
        launched = launch_some(world, environment, shape, left, fitting)
        if launched is None:
            break
        kind, count = launched
        supply.groups.append(_Group(kind, count, supply.settings.usable_mib(kind)))
        left = supply.absorb(shape, left)
    return left


def launch_some(
    world: World, environment: EnvironmentState, shape: Shape, wanted: int, fitting: tuple[InstanceType, ...]
) -> tuple[InstanceType, int] | None:
    """One launch by the allocation strategy: as many of the best type as are needed, may be had, and are allowed.

    Returns:
        The type and number launched; None when nothing (more) can be launched for this shape.
    """
    resources = environment.spec.resources
    assert resources is not None
    settings = world.settings
    room = resources.max_vcpus * CPU_UNITS - environment.cpu
    if room <= 0:
        return None
    strategy = STRATEGIES[resources.allocation_strategy]
    within = [kind for kind in fitting if kind.vcpus * CPU_UNITS <= room]
    over = not within and overshoots(world, environment)
    pool = within or ([min(fitting, key=lambda kind: (kind.vcpus, kind.name))] if over else [])
    candidates = [
        Candidate(
            kind.name,
            kind.vcpus,
            jobs_per_instance(
                kind.vcpus * CPU_UNITS,
                settings.usable_mib(kind),
                kind.gpus,
                shape,
            ),
            world.price(kind.name, resources.spot),
            world.price(kind.name, False),
            hosts.pool_left(world, kind.name, resources.spot),
            kind.name in environment.exhausted,
            environment.places.get(kind.name, 0),
        )
        for kind in pool
    ]
    if resources.spot:
        # "the Spot price must be less than this percentage of the On-Demand price"
        candidates = [each for each in candidates if each.within_bid(resources.bid_percentage)]
    ranked = strategy.rank(candidates, wanted)
    for choice in ranked:
        if choice.exhausted:
            if strategy.waits:
                return None
            continue
        kind = world.instance_types[choice.name]
        count = max(1, wanted // choice.jobs)
        count = min(count, max(1, room // (kind.vcpus * CPU_UNITS)))
        got = count if choice.pool_left is None else min(count, choice.pool_left)
        if got < count:
            environment.exhausted.add(kind.name)
            world.tell(CapacityRefused(world.now_ms, environment.spec.name, kind.name, count, got))
        if got:
            hosts.launch(world, environment, kind, got)
            return kind, got
        if strategy.waits:
            return None
    return None


def scale_to_floor(world: World, environment: EnvironmentState) -> None:
    """Launch up to minvCpus, or to a desiredvCpus that a user asked for; kept even while DISABLED."""
    resources = environment.spec.resources
    if resources is None or not resources.on_instances or not environment.role_permitted:
        return
    if environment.status in ("DELETING", "DELETED", "INVALID"):
        return
    floor = max(resources.min_vcpus, environment.desired_floor) * CPU_UNITS
    shape = Shape(-1, SMALLEST, 1, 0, "EC2", "", 0, ())
    while environment.cpu < floor:
        wanted = -(-(floor - environment.cpu) // SMALLEST)
        if launch_some(world, environment, shape, wanted, environment.candidates) is None:
            break


def floor_of(environment: EnvironmentState) -> int:
    """Quarters of a vCPU below which idle instances are kept."""
    resources = environment.spec.resources
    return 0 if resources is None else max(resources.min_vcpus, environment.desired_floor) * CPU_UNITS


def queue_is_served(queue: QueueState) -> bool:
    """True when at least one environment of the queue may take jobs."""
    return any(is_usable(each) for each in queue.environments)
