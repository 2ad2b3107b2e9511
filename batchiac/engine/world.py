"""The engine's whole state, as plain fields that can be printed at any moment.

Every module of the engine is functions over a `World`; none keeps state of its own. Policies get read-only views.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from batchiac.engine.effects import Effect, Listener
from batchiac.engine.kernel.events import EventQueue
from batchiac.engine.kernel.randomness import Identifiers, Stream
from batchiac.engine.lanes import Lane
from batchiac.engine.ledger import Ledger
from batchiac.engine.placement import PlacementIndex
from batchiac.engine.policies.behaviour import Behaviour, Draw
from batchiac.engine.settings import EngineSettings
from batchiac.model.compute_environment import ComputeEnvironment
from batchiac.model.consumable_resource import ConsumableRequirement, ConsumableResource
from batchiac.model.instance_type import InstanceType, usable_memory_mib
from batchiac.model.job import JobRequest
from batchiac.model.job_definition import Container, JobDefinition
from batchiac.model.job_queue import JobQueue

CPU_UNITS = 4
"""Capacity is counted in quarters of a vCPU: EKS and Fargate have such jobs."""

PLAIN, ARRAY, MULTINODE = 0, 1, 2

# Priorities of events at one time: what gives capacity first, then what asks for it. Row ends come before all.
FIRST, ADMISSION, HOUSEKEEPING, SCALING, LAST = 0, 1, 2, 3, 9
BACKGROUND = -1
"""Of what may happen, and does not keep the engine busy."""
HOUR_MS = 3_600_000


class Shape:
    """What a job needs of a host; one object for all jobs that need the same.

    Attributes:
        cpu: quarters of a vCPU, of one container job or one node.
        nodes: 0, or the size of the gang.
        instance_types: only these will do; empty means any.
        consumables: what it locks besides.
    """

    __slots__ = (
        "architecture", "consumables", "cpu", "gpus", "instance_types", "memory", "nodes", "platform", "serial",
    )  # fmt: skip

    def __init__(
        self,
        serial: int,
        cpu: int,
        memory: int,
        gpus: int,
        platform: str,
        architecture: str,
        nodes: int,
        instance_types: tuple[str, ...],
        consumables: tuple[ConsumableRequirement, ...] = (),
    ) -> None:
        self.serial = serial
        self.consumables = consumables
        self.cpu = cpu
        self.memory = memory
        self.gpus = gpus
        self.platform = platform
        self.architecture = architecture
        self.nodes = nodes
        self.instance_types = instance_types


class Demand:
    """How many RUNNABLE jobs of one shape a queue has, and which environments could take them.

    `options` holds for `version` of the queue's view of its environments (QueueState.version).
    """

    __slots__ = ("count", "options", "queue", "shape", "version")

    def __init__(self, queue: QueueState, shape: Shape) -> None:
        self.queue = queue
        self.shape = shape
        self.count = 0
        self.version = -1
        self.options: tuple[EnvironmentState, ...] = ()


class Prepared:
    """What the engine needs to know of a job definition, found once for all jobs that share it.

    Attributes:
        image: of the container that is pulled first; what instances have cached is counted by it.
        timeout_ms: None where there is no timeout.
        draw_all: combines the containers' draws where there is more than one.
    """

    __slots__ = ("attempts", "consumables", "containers", "definition", "image", "kind", "memory", "nodes", "shape",
                 "timeout_ms")  # fmt: skip

    def __init__(self, definition: JobDefinition, shape: Shape, containers: tuple[Container, ...]) -> None:
        self.definition = definition
        self.shape = shape
        self.containers = containers
        self.image = containers[0].image if containers else ""
        self.memory = containers[0].resources.memory_mib if len(containers) == 1 else 0
        self.attempts = definition.retry.attempts
        self.timeout_ms = None if definition.timeout_s is None else definition.timeout_s * 1000
        self.consumables = definition.consumables
        self.kind = MULTINODE if definition.type == "multinode" else PLAIN
        self.nodes = definition.num_nodes


class Record:
    """One submitted job.

    Attributes:
        row: its own row; `size` rows of children or nodes follow.
        left: children of an array that have not ended.
        waits: dependencies outstanding.
        dependents: (record, is N_TO_N) pairs to tell when this one ends.
        child_waits: dependencies outstanding by child, where children wait one by one.
        draw: what its containers do; None until the first start.
        stops: rows of it that a caller cancelled or terminated, with the caller's reason; None for none.
        terminations: those of them that were terminated.
        simple: nobody waits for single rows of it, and it locks nothing: see fastlane.py.
        lingers: a row of it may still stand in a lane, so that its rows are never given out again.
    """

    # What most jobs never have is a default of the class and takes neither time nor memory until it is set.
    __slots__ = (
        "__dict__", "created_at", "demand", "draw", "ended_at", "id", "index", "plan", "queue", "request", "row",
        "simple", "updated_at",
    )  # fmt: skip
    demand: Demand
    size: int = 0
    kind: int = PLAIN
    left: int = 0
    waits: int = 0
    priority: int = 0
    sequential: bool = False
    dependency_failed: bool = False
    lingers: bool = False
    dependents: list[tuple[Record, bool]] | None = None
    child_waits: bytearray | None = None
    stops: dict[int, str] | None = None
    terminations: set[int] | None = None
    share: ShareState | None = None

    def __init__(
        self, index: int, job_id: str, request: JobRequest, queue: QueueState, plan: Prepared, created_at: int
    ) -> None:
        self.index = index
        self.id = job_id
        self.request = request
        self.queue = queue
        self.plan = plan
        self.created_at = self.updated_at = created_at
        self.row = self.ended_at = -1
        self.draw: Draw | None = None
        self.simple = False


class ShareState:
    """One share of a fair-share queue (see fair_share.py). `usage` is in vCPU-quarter milliseconds over weight."""

    __slots__ = (
        "active_until", "alive", "cpu", "epochs", "identifier", "key", "lanes", "listed", "moment", "serial",
        "since", "spent",
        "total", "weight",
    )  # fmt: skip

    def __init__(self, identifier: str, weight: float, serial: int) -> None:
        self.identifier = identifier
        self.weight = weight
        self.serial = serial
        self.cpu = 0
        self.since = 0
        self.spent = 0
        self.alive = 0
        self.active_until = -1
        self.key = 0.0
        self.listed = False
        self.total = 0
        self.moment = 0
        self.epochs: deque[tuple[int, int]] = deque()
        self.lanes: dict[int, Lane] = {}


class QueueState:
    """A job queue.

    Attributes:
        records: index of every record submitted to it, oldest first; purged ones leave.
        version: goes up when its spec or one of its environments changes: `Demand.options` are stale.
        dirty: something changed that could let its head start.
        demanding: its demand, or what could meet it, changed since scaling last looked.
        blocked_row: the head that could not be placed, -1 when none.
    """

    __slots__ = (
        "blocked_at", "blocked_demand", "blocked_reason", "blocked_row", "blocked_since", "demanding", "demands",
        "dirty", "environments", "fair", "gang_waiting",
        "history", "lane", "leaving", "records", "serial", "spec", "status", "status_reason", "version",
    )  # fmt: skip

    def __init__(self, spec: JobQueue, serial: int, status: bytearray) -> None:
        self.spec = spec
        self.serial = serial
        self.status = ""
        self.status_reason = ""
        self.history: list[str] = []
        self.lane = Lane(status)
        self.fair: Any = None
        self.environments: tuple[EnvironmentState, ...] = ()
        self.leaving: tuple[EnvironmentState, ...] | None = None
        self.records: list[int] = []
        self.demands: dict[Shape, Demand] = {}
        self.version = 0
        self.dirty = False
        self.blocked_row = -1
        self.demanding = True
        self.blocked_demand: Demand | None = None
        self.blocked_at = -1
        self.blocked_since = -1
        self.blocked_reason = ""
        self.gang_waiting: EnvironmentState | None = None


class Host:
    """One instance; `open` while it is READY and takes jobs; `busy` is how many containers it has.

    Free amounts are what containers can still have; memory is usable memory.

    Which rows are on it is found from the event queue when somebody asks (attempts.rows_on): it is asked rarely, and
    a set an instance would cost every job twice. `gang` is the multi-node job that has it for itself.
    """

    __slots__ = (
        "busy", "environment", "free_cpu", "free_gpus", "free_memory", "gang", "group", "id", "idle_since",
        "images", "launched_at",
        "lost_reason", "market", "open", "ready_at", "serial", "spot", "status", "terminated_at", "total_cpu",
        "total_gpus", "total_memory", "type", "used_once",
    )  # fmt: skip

    def __init__(
        self, serial: int, instance_id: str, environment: EnvironmentState, kind: InstanceType, reserved_mib: int
    ) -> None:
        self.serial = serial
        self.id = instance_id
        self.environment = environment
        self.type = kind
        self.total_cpu = self.free_cpu = kind.vcpus * CPU_UNITS
        self.total_memory = self.free_memory = usable_memory_mib(kind.memory_mib, reserved_mib=reserved_mib)
        self.total_gpus = self.free_gpus = kind.gpus
        self.status = ""
        self.open = False
        self.busy = 0
        self.gang: Record | None = None
        self.images: dict[str, int] = {}
        self.idle_since = -1
        self.launched_at = -1
        self.ready_at = -1
        self.terminated_at = -1
        self.used_once = False
        self.spot = False
        self.market = ""
        self.group = ""
        self.lost_reason = ""


class EnvironmentState:
    """A compute environment.

    Attributes:
        cpu: quarters of a vCPU of all its instances, launching ones too (Fargate: of its tasks).
        hosts: live instances by serial: launching, ready, draining.
        launching: how many are launching, by type name.
        steady: the shape that a freed place goes to without a decision, see fastlane.py; None where one is needed.
        role_permitted: False once a caller says that its service role lacks permissions.
        on_drained: called when the last draining instance is gone.
        exhausted: types whose pool refused, until something about the pool changes.
    """

    __slots__ = (
        "candidates",
        "cluster",
        "cpu",
        "desired_floor",
        "exhausted",
        "fits",
        "generation",
        "history",
        "hosts",
        "idle",
        "idle_call",
        "index",
        "launching",
        "on_drained",
        "places",
        "queues",
        "role_permitted",
        "serial",
        "spec",
        "status",
        "status_reason",
        "steady",
        "tasks",
        "unique",
        "update_deadline",
    )  # fmt: skip

    def __init__(self, spec: ComputeEnvironment, serial: int, unique: str, hosts: list[Host]) -> None:
        self.spec = spec
        self.serial = serial
        self.unique = unique
        self.cluster = f"AWSBatch-{spec.name}-{unique}"
        self.status = ""
        self.status_reason = ""
        self.history: list[str] = []
        self.cpu = 0
        self.hosts: dict[int, Host] = {}
        self.launching: dict[str, int] = {}
        self.idle: deque[tuple[int, Host]] = deque()
        self.places: dict[str, int] = {}
        self.idle_call = -1
        self.index = PlacementIndex(hosts)
        self.queues: list[QueueState] = []
        self.exhausted: set[str] = set()
        self.candidates: tuple[InstanceType, ...] = ()
        self.fits: dict[Shape, tuple[InstanceType, ...]] = {}
        self.desired_floor = 0
        self.steady: Demand | None = None
        self.generation = 0
        self.update_deadline = -1
        self.on_drained: Callable[[], None] | None = None
        self.role_permitted = True
        self.tasks: set[int] = set()


class ConsumableState:
    """How much of a consumable resource there is and how much is locked."""

    __slots__ = ("in_use", "spec", "total")

    def __init__(self, spec: ConsumableResource) -> None:
        self.spec = spec
        self.total = spec.total_quantity
        self.in_use = 0


PriceOf = Callable[[str, bool], float | None]


class World:
    """Everything. `in_step` is True while events are handled: then changes are dispatched in the same instant."""

    __slots__ = (
        "account",
        "admissions",
        "became_idle",
        "behaviour",
        "by_id",
        "capacity",
        "consumables",
        "dirty",
        "ended",
        "environment_list",
        "environments",
        "events",
        "finished",
        "host_by_id",
        "hosts",
        "id_at",
        "id_digits",
        "identifiers",
        "ids",
        "in_step",
        "instance_types",
        "ledger",
        "listeners",
        "now_ms",
        "prepared",
        "price",
        "queue_order",
        "queues",
        "records",
        "region",
        "scaling_at",
        "seed",
        "settings",
        "shapes",
        "stream",
        "tick_at",
        "used_capacity",
    )  # fmt: skip

    def __init__(
        self,
        *,
        seed: int,
        start_at_ms: int,
        settings: EngineSettings,
        instance_types: Mapping[str, InstanceType],
        behaviour: Behaviour,
        price: PriceOf,
        region: str,
        account: str,
    ) -> None:
        self.seed = seed
        self.now_ms = start_at_ms
        self.settings = settings
        self.instance_types = instance_types
        self.behaviour = behaviour
        self.price = price
        self.region = region
        self.account = account
        self.events = EventQueue()
        self.ledger = Ledger()
        self.stream = Stream(seed)
        self.identifiers = Identifiers(seed)
        self.ids = random.Random(seed)
        self.id_digits = ""
        self.id_at = 0
        self.records: list[Record | None] = []
        self.by_id: dict[str, int] = {}
        self.queues: dict[str, QueueState] = {}
        self.queue_order: list[QueueState] = []
        self.environments: dict[str, EnvironmentState] = {}
        self.environment_list: list[EnvironmentState] = []
        self.hosts: list[Host] = []
        self.host_by_id: dict[str, Host] = {}
        self.consumables: dict[str, ConsumableState] = {}
        self.shapes: dict[tuple[Any, ...], Shape] = {}
        self.capacity: dict[tuple[str, str], int] = {}
        self.used_capacity: dict[tuple[str, str], int] = {}
        self.listeners: list[Listener] = []
        self.admissions: deque[Record] = deque()
        self.finished: deque[Record] = deque()
        self.became_idle: list[Host] = []
        self.dirty = False
        self.in_step = False
        self.scaling_at = -1
        self.tick_at = -1
        self.ended: deque[tuple[Record, int]] | None = None
        self.prepared: dict[int, Prepared] = {}

    def tell(self, effect: Effect) -> None:
        """Pass an effect to every listener, in order of subscription."""
        for listener in self.listeners:
            listener(effect)

    def wake(self) -> None:
        """Make sure that the dispatcher looks soon: in this instant inside a step, 1 ms later after a command.

        Later, because a caller may give several commands at one time, with or without polling in between: the result
        must be the same.
        """
        self.dirty = True
        if not self.in_step:
            self.events.call(self.now_ms + 1, _nothing, priority=LAST)

    def wake_queue(self, queue: QueueState) -> None:
        """Have this queue's head looked at."""
        queue.dirty = queue.demanding = True
        self.wake()

    def wake_environment(self, environment: EnvironmentState) -> None:
        """What this environment has or can have changed: have the heads of its queues looked at, and its size."""
        for queue in environment.queues:
            queue.dirty = queue.demanding = True
        self.wake()


def _nothing(_: Any) -> None:
    """An event that only makes time come to a point, after which the dispatcher looks."""
