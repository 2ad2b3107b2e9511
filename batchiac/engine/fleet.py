"""A compute environment as the engine keeps it, and its instances."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from batchiac.engine.placement import PlacementIndex
from batchiac.engine.records import CPU_UNITS, Record, Shape
from batchiac.model.compute_environment import ComputeEnvironment
from batchiac.model.instance_type import InstanceType

if TYPE_CHECKING:
    from batchiac.engine.waiting import Demand, QueueState


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
        self, serial: int, instance_id: str, environment: EnvironmentState, kind: InstanceType, memory_mib: int
    ) -> None:
        self.serial = serial
        self.id = instance_id
        self.environment = environment
        self.type = kind
        self.total_cpu = self.free_cpu = kind.vcpus * CPU_UNITS
        self.total_memory = self.free_memory = memory_mib
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
        deletion_held: True while a caller has its deletion never end.
        on_drained: called when the last draining instance is gone.
        exhausted: types whose pool refused, until something about the pool changes.
        launched: names of the types of which it has ever launched an instance.
    """

    __slots__ = (
        "candidates",
        "cluster",
        "cpu",
        "deletion_held",
        "desired_floor",
        "exhausted",
        "fits",
        "generation",
        "history",
        "hosts",
        "idle",
        "idle_call",
        "index",
        "launched",
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
        self.launched: set[str] = set()
        self.candidates: tuple[InstanceType, ...] = ()
        self.fits: dict[Shape, tuple[InstanceType, ...]] = {}
        self.desired_floor = 0
        self.steady: Demand | None = None
        self.generation = 0
        self.update_deadline = -1
        self.on_drained: Callable[[], None] | None = None
        self.role_permitted = True
        self.deletion_held = False
        self.tasks: set[int] = set()
