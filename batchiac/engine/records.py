"""A submitted job as the engine keeps it: what it asks for, found once a definition, and its own few facts.

States, times, hosts and exits are not here: they are columns (ledger.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from batchiac.engine.dependencies import NOBODY
from batchiac.engine.ledger import Ledger
from batchiac.engine.policies.behaviour import Draw
from batchiac.model.consumable_resource import ConsumableRequirement
from batchiac.model.job import JobRequest
from batchiac.model.job_definition import Container, JobDefinition

if TYPE_CHECKING:
    from batchiac.engine.waiting import Demand, Line, QueueState, ShareState

CPU_UNITS = 4
"""Capacity is counted in quarters of a vCPU: EKS and Fargate have such jobs."""

PLAIN, ARRAY, MULTINODE = 0, 1, 2
SUCCEEDED = 5


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


class Prepared:
    """What the engine needs to know of a job definition, found once for all jobs that share it.

    Attributes:
        only: its container, where it has one; None where it has several.
        image: of the container that is pulled first; what instances have cached is counted by it.
        timeout_ms: None where there is no timeout.
        staged: some of its containers start only when others have done something.
        simple: what Record.simple begins with.
    """

    __slots__ = ("attempts", "consumables", "containers", "definition", "image", "kind", "memory", "nodes", "only",
                 "shape", "simple", "staged", "timeout_ms")  # fmt: skip

    def __init__(self, definition: JobDefinition, shape: Shape, containers: tuple[Container, ...]) -> None:
        self.definition = definition
        self.shape = shape
        self.containers = containers
        self.only = containers[0] if len(containers) == 1 else None
        self.image = containers[0].image if containers else ""
        self.memory = containers[0].resources.memory_mib if len(containers) == 1 else 0
        self.attempts = definition.retry.attempts
        self.timeout_ms = None if definition.timeout_s is None else definition.timeout_s * 1000
        self.consumables = definition.consumables
        self.kind = MULTINODE if definition.type == "multinode" else PLAIN
        self.nodes = definition.num_nodes
        self.staged = any(each.init or each.depends_on for each in containers)
        self.simple = self.kind == PLAIN and not self.consumables and not self.staged and not definition.invalid_reason


class Record:
    """One submitted job.

    Attributes:
        row: its own row; `size` rows of children or nodes follow.
        left: children of an array that have not ended.
        waits: dependencies outstanding.
        dependents: its last edge in World.dependents, NOBODY where nothing waits for it.
        updated_at: of an array, when the state of a child last changed.
        child_waits: dependencies outstanding by child, where children wait one by one.
        draw: what its containers do; None until the first start.
        stops: rows of it that a caller cancelled or terminated, with the caller's reason; None for none.
        terminations: those of them that were terminated.
        simple: nobody waits for single rows of it, and it locks nothing: see fastlane.py.
        spawned_at: when an array's children came to be, -1 before.
        lingers: a row of it may still stand in a lane, so that its rows are never given out again.
    """

    # What most jobs never have is a default of the class and takes neither time nor memory until it is set.
    __slots__ = (
        "__dict__", "created_at", "demand", "dependents", "draw", "ended_at", "id", "index", "plan", "queue", "request",
        "row", "share", "simple", "size", "waits",
    )  # fmt: skip
    kind: int = PLAIN
    left: int = 0
    updated_at: int = 0
    priority: int = 0
    sequential: bool = False
    dependency_failed: bool = False
    spawned_at: int = -1
    lingers: bool = False
    child_waits: bytearray | None = None
    stops: dict[int, str] | None = None
    terminations: set[int] | None = None

    def __init__(
        self,
        index: int,
        job_id: str,
        request: JobRequest,
        queue: QueueState,
        plan: Prepared,
        demand: Demand,
        created_at: int,
    ) -> None:
        self.index = index
        self.id = job_id
        self.request = request
        self.queue = queue
        self.plan = plan
        self.demand = demand
        self.created_at = created_at
        self.simple = plan.simple
        self.row = self.ended_at = -1
        self.dependents = NOBODY
        self.size = self.waits = 0
        self.draw: Draw | None = None
        self.share: ShareState | None = None


class Lot:
    """Plain jobs of one definition, submitted at one time, one after the other: neighbours.

    Most jobs are submitted, start, end well and are never asked for. Such a job is its request and its id in the lists
    here and its row's columns. It gets a Record when somebody asks for one (`Records`). A million Records that nobody
    wants would cost twice what they are worth: once to make, and again whenever the cyclic collector goes through
    them.

    Attributes:
        first: row of the first; `index`: its index. The k-th job has row first + k and index index + k.
        end: row behind the last.
        requests, ids: by k; None where a Record took over, or the job is forgotten.
        line: where all of them wait; None where they wait in several queues or shares: `lines` has it by k then.
    """

    __slots__ = ("created_at", "end", "first", "ids", "index", "line", "lines", "plan", "requests")
    simple = True

    def __init__(self, created_at: int, plan: Prepared, line: Line, first: int, index: int) -> None:
        self.created_at = created_at
        self.plan = plan
        self.line: Line | None = line
        self.lines: list[Line] = []
        self.first = self.end = first
        self.index = index
        self.requests: list[JobRequest | None] = []
        self.ids: list[str | None] = []

    def follows(self, created_at: int, plan: Prepared, row: int, index: int) -> bool:
        """True when such a job may be added."""
        return (
            self.end == row
            and self.plan is plan
            and self.created_at == created_at
            and self.index + len(self.ids) == index
        )

    def vary(self, line: Line) -> None:
        """The next job waits in this line, unlike all the others, which wait in `line`."""
        assert self.line is not None
        self.lines = [*[self.line] * len(self.ids), line]
        self.line = None

    def line_of(self, row: int) -> Line:
        """Where the job of this row waits."""
        return self.line or self.lines[row - self.first]

    def take(self, index: int) -> tuple[JobRequest, str]:
        """Request and id of a job that leaves the lot."""
        place = index - self.index
        request, job_id = self.requests[place], self.ids[place]
        assert request is not None
        assert job_id is not None
        self.requests[place] = self.ids[place] = None
        return request, job_id


class Records:
    """Every submitted job by index: `entries` has its Record, or the Lot that it is part of; None if forgotten."""

    __slots__ = ("_ledger", "entries")

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.entries: list[Record | Lot | None] = []

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Record | None:
        entry = self.entries[index]
        if entry.__class__ is Lot:
            lot = entry
            request, job_id = lot.take(index)
            row = lot.first + index - lot.index
            line = lot.line_of(row)
            entry = Record(index, job_id, request, line.demand.queue, lot.plan, line.demand, lot.created_at)
            entry.row = row
            entry.share = line.share
            if line.priority:  # 0 is the class's own: setting it would give each Record a dictionary
                entry.priority = line.priority
            if self._ledger.status[row] >= SUCCEEDED:
                entry.ended_at = self._ledger.stopped[row]
            self.entries[index] = entry
        return entry  # type: ignore[return-value]

    def __iter__(self) -> Iterator[Record | None]:
        return (self[index] for index in range(len(self.entries)))

    def waiting(self, row: int) -> tuple[Demand, bool]:
        """Of a row that waits: what for, and whether the short cuts may start it (`simple`); makes no Record."""
        entry = self.entries[self._ledger.owner[row]]
        assert entry is not None
        return entry.demand if isinstance(entry, Record) else entry.line_of(row).demand, entry.simple

    def row_of(self, index: int) -> int:
        """A job's own row, -1 when it is forgotten; makes no Record."""
        entry = self.entries[index]
        if entry is None:
            return -1
        return entry.first + index - entry.index if isinstance(entry, Lot) else entry.row

    def name_of(self, index: int) -> str:
        """A job's name, empty when it is forgotten; makes no Record."""
        entry = self.entries[index]
        if isinstance(entry, Lot):
            entry_request = entry.requests[index - entry.index]
            return entry_request.name if entry_request is not None else ""
        return entry.request.name if entry is not None else ""

    def ended_at(self, index: int) -> int:
        """When a job that has ended did so."""
        entry = self.entries[index]
        return entry.ended_at if isinstance(entry, Record) else self._ledger.stopped[self.row_of(index)]

    def forget(self, index: int) -> tuple[str, int, int]:
        """Let a job go; its id, and the rows that may be given out again: the first, and how many (0 for none yet)."""
        entry = self.entries[index]
        row = self.row_of(index)
        self.entries[index] = None
        if isinstance(entry, Lot):
            return entry.take(index)[1], row, 1
        assert entry is not None
        return entry.id, row, 0 if entry.lingers else 1 + entry.size
