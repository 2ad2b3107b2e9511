"""The engine's whole state, as plain fields that can be printed at any moment.

Every module of the engine is functions over a `World`; none keeps state of its own. Policies get read-only views.
What a job, a queue, an environment is in it: records.py, waiting.py, fleet.py.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from batchiac.engine.dependencies import Dependents
from batchiac.engine.effects import Effect, Listener
from batchiac.engine.fleet import EnvironmentState, Host
from batchiac.engine.kernel.events import EventQueue
from batchiac.engine.kernel.randomness import Identifiers, Stream
from batchiac.engine.ledger import Ledger
from batchiac.engine.policies.behaviour import Behaviour
from batchiac.engine.records import Lot, Prepared, Record, Records, Shape
from batchiac.engine.settings import EngineSettings
from batchiac.engine.waiting import QueueState
from batchiac.model.consumable_resource import ConsumableResource
from batchiac.model.instance_type import InstanceType

# Priorities of events at one time: what gives capacity first, then what asks for it. Row ends come before all.
FIRST, ADMISSION, HOUSEKEEPING, SCALING, LAST = 0, 1, 2, 3, 9
BACKGROUND = -1
"""Of what may happen, and does not keep the engine busy."""
HOUR_MS = 3_600_000


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
        "dependents",
        "dirty",
        "ended",
        "environment_list",
        "environments",
        "events",
        "finished",
        "host_by_id",
        "hosts",
        "identifiers",
        "in_step",
        "instance_types",
        "job_ids",
        "ledger",
        "listeners",
        "now_ms",
        "prepared",
        "price",
        "queue_order",
        "queues",
        "random",
        "records",
        "region",
        "scaling_at",
        "seed",
        "settings",
        "shapes",
        "stream",
        "tick_at",
        "timed_out",
        "timeouts_at",
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
        self.random = random.Random(seed)
        self.job_ids: list[str] = []
        self.records = Records(self.ledger)
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
        self.dependents = Dependents()
        self.admissions: deque[Record | Lot] = deque()
        self.finished: deque[int] = deque()
        self.became_idle: list[Host] = []
        self.dirty = False
        self.in_step = False
        self.scaling_at = -1
        self.tick_at = -1
        self.timed_out: deque[tuple[int, int]] = deque()
        self.timeouts_at = -1
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
