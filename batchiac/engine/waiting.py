"""A queue as the engine keeps it: its lanes, its shares, and how many wait for what."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from batchiac.engine.lanes import Lane
from batchiac.engine.records import Prepared, Shape
from batchiac.model.job_queue import JobQueue

if TYPE_CHECKING:
    from batchiac.engine.fleet import EnvironmentState
    from batchiac.engine.status_index import Block


class Demand:
    """How many RUNNABLE jobs of one shape a queue has, and which environments could take them.

    `options` holds for `version` of the queue's view of its environments (QueueState.version).
    """

    __slots__ = ("count", "line", "options", "queue", "shape", "version")

    def __init__(self, queue: QueueState, shape: Shape) -> None:
        self.queue = queue
        self.shape = shape
        self.line = Line(self, queue.lane)
        self.count = 0
        self.version = -1
        self.options: tuple[EnvironmentState, ...] = ()


class Line:
    """What plain jobs have in common that wait one behind the other: their demand, in a fair-share queue their share.

    `lane` is where they wait; `priority` the scheduling priority.
    """

    __slots__ = ("demand", "lane", "priority", "share")

    def __init__(self, demand: Demand, lane: Lane, share: ShareState | None = None, priority: int = 0) -> None:
        self.demand = demand
        self.lane = lane
        self.share = share
        self.priority = priority


class ShareState:
    """One share of a fair-share queue (see fair_share.py). Usage is in vCPU-quarter milliseconds.

    Attributes:
        cpu: what its jobs hold now.
        spent: usage since `FairShare` last brought it up to date, less `cpu` times the time: a start takes its vCPUs
            times now away, an end adds them.
        since: when its last job ended, where it has none.
        key: usage times weight, as of the last epoch.
        lanes: by scheduling priority, the highest first; `lane` is the first of them.
        lines: by demand and scheduling priority; `usual_line` is that of the last job without a scheduling priority
            of its own, whose definition's `Prepared` is `usual`.
    """

    __slots__ = (
        "active_until", "alive", "cpu", "epochs", "fair", "identifier", "key", "lane", "lanes", "lines", "listed",
        "moment", "serial", "since", "spent", "total", "usual", "usual_line", "weight",
    )  # fmt: skip

    def __init__(self, fair: Any, identifier: str, weight: float, serial: int, lane: Lane) -> None:
        self.fair = fair
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
        self.lane = lane
        self.lanes: dict[int, Lane] = {0: lane}
        self.lines: dict[tuple[Demand, int], Line] = {}
        self.usual: Prepared | None = None
        self.usual_line: Line


class QueueState:
    """A job queue.

    Attributes:
        records: index of every job submitted to it, oldest first, forgotten ones too.
        blocks: of them, made when they are listed (status_index.py).
        version: goes up when its spec or one of its environments changes: `Demand.options` are stale.
        dirty: something changed that could let its head start.
        demanding: its demand, or what could meet it, changed since scaling last looked.
        blocked_row: the head that could not be placed, -1 when none.
    """

    __slots__ = (
        "blocked_at", "blocked_demand", "blocked_reason", "blocked_row", "blocked_since", "blocks", "demanding",
        "demands", "dirty", "environments", "fair", "gang_waiting",
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
        self.blocks: list[Block] = []
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
