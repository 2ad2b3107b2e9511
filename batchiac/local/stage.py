"""The one local stack of a process: its settings, its clock, its lock, and every account and region that was touched.

moto keeps its state in module-level dictionaries, one set a process; so does this. `install()` and `local_stack()` put
a `Stage` up; backends that moto makes afterwards belong to it. `advance` and `run_until_idle` move all of them.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal

from attrs import field, frozen

from batchiac.engine.settings import EngineSettings
from batchiac.local.clock import Clock
from batchiac.local.quotas import Quotas

if TYPE_CHECKING:
    from batchiac.engine.policies.behaviour import Behaviour
    from batchiac.local.backend import BatchBackend


@frozen(kw_only=True)
class StageSettings:
    """What one local stack is like.

    Attributes:
        clock: see batchiac.local.clock.
        flowing: see batchiac.local.clock.
        seed: of ids, times and everything random.
        projections: show environments, instances, tasks, logs and events in moto's other services, and hold
            environments to what exists there (roles, subnets, instance profiles).
        engine: how long things take.
        at_once: a change of an environment or queue is over when its call returns; else it takes the engine's times.
        consistency_lag_ms: how long a compute environment counts as attached after a queue has let it go.
            Source: hashicorp/terraform-provider-aws#11077: UpdateJobQueue returns before the relationship is gone.
        image_precedence: which image an instance gets where several are given, on which AWS's texts disagree (0118).
            "api": imageIdOverride, imageId, the launch template's. Source: botocore 1.44.5,
            Ec2Configuration.imageIdOverride. "guide": the image of a launch template's override, imageId,
            imageIdOverride, the launch template's. Source:
            https://docs.aws.amazon.com/batch/latest/userguide/ami-selection-order.html, read 2026-11-21.
        behaviour: what simulated jobs do; None reads tags and command.
        accepted_rules: ids of documented rules that are not held against requests, such as `JD006`: for tests that were
            written against a laxer Batch. What the simulation itself cannot run is refused all the same.
        unmanaged_hosts: `assumed`: an UNMANAGED environment has hosts enough for any job, as its owner would see to,
            until a container instance is registered with its cluster; `registered`: only those that are.
        quotas: how many queues, environments … an account may have in a Region.
    """

    clock: str = "virtual"
    flowing: bool = False
    seed: int = 7
    projections: bool = True
    engine: EngineSettings = field(factory=EngineSettings)
    at_once: bool = False
    consistency_lag_ms: int = 0
    image_precedence: Literal["api", "guide"] = "api"
    behaviour: Behaviour | None = None
    accepted_rules: frozenset[str] = frozenset()
    unmanaged_hosts: Literal["assumed", "registered"] = "assumed"
    quotas: Quotas = field(factory=Quotas)


class Stage:
    """See the module. `settings` may be replaced while it runs; what exists keeps what it has read of them."""

    def __init__(self, settings: StageSettings) -> None:
        self.settings = settings
        self.clock = Clock(settings.clock, flowing=settings.flowing)
        self.lock = threading.RLock()
        self.backends: dict[tuple[str, str], BatchBackend] = {}

    def join(self, backend: BatchBackend) -> None:
        """A new backend takes part; one of the same account and region, before a reset, does not any more."""
        self.backends[backend.account_id, backend.region_name] = backend

    def leave(self, backend: BatchBackend) -> None:
        """A backend was reset: it takes no part any more."""
        self.backends.pop((backend.account_id, backend.region_name), None)

    def catch_up(self) -> None:
        """Bring every backend to the clock's present."""
        with self.lock:
            now = self.clock.now_ms()
            for backend in list(self.backends.values()):
                backend.advance_to(now)

    def advance(self, seconds: float) -> None:
        """Move a virtual or auto clock, and everything with it.

        Raises:
            UsageError: a real or scaled clock, or a negative number.
        """
        from batchiac.errors import UsageError

        if seconds < 0:
            raise UsageError(f"time cannot be moved by {seconds} s: give 0 or more")
        with self.lock:
            self.clock.skip_to(self.clock.now_ms() + round(seconds * 1000))
            self.catch_up()

    def next_event_ms(self) -> int | None:
        """When the next thing happens by itself anywhere; None when nothing will."""
        with self.lock:
            times = [at for backend in self.backends.values() if (at := backend.next_event_ms()) is not None]
        return min(times, default=None)

    def run_until_idle(self, limit_s: float = 400 * 86_400) -> None:
        """Move time until no job can go any further by itself, and nothing is being created, updated or deleted.

        Args:
            limit_s: give up after this much of the stack's time; the default is beyond any AWS limit.

        Raises:
            UsageError: a real or scaled clock.
        """
        with self.lock:
            deadline = self.clock.now_ms() + round(limit_s * 1000)
            self.catch_up()
            busy = list(self.backends.values())
            while busy:
                # Backends do not hear of one another within a stride; afterwards all stand at the furthest one's time.
                over = [backend.run_until_idle(deadline) for backend in busy]
                self.clock.skip_to(max(backend.now_ms() for backend in busy))
                self.catch_up()
                if all(over):
                    return
                if self.clock.now_ms() >= deadline:
                    return

    def describe(self) -> dict[str, Any]:
        """The settings and the present, for `GET /_batchiac/state`."""
        return {
            "clock": self.clock.kind,
            "now_ms": self.clock.now_ms(),
            "seed": self.settings.seed,
            "projections": self.settings.projections,
            "accounts": [{"account": account, "region": region} for account, region in sorted(self.backends)],
        }
