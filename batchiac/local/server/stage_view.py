"""The stage as the control paths see it: moved when told, looked at without being moved.

In `auto` time a Describe moves the clock. A console that describes every two seconds would run the whole simulation by
being open; so while it looks, the clock does not observe.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from batchiac.errors import UserError
from batchiac.local.clock import Clock
from batchiac.local.server.watch import Watch

if TYPE_CHECKING:
    from batchiac.local.stage import Stage

LOG_GROUP = "/aws/batch/job"
MOST_LOG_EVENTS = 1_000


class ServerClock(Clock):
    """The stack's clock, which can be told not to observe.

    Args:
        monotonic: stands still inside a turn (turn.HeldTime).
    """

    def __init__(self, kind: str, *, flowing: bool, monotonic: Callable[[], float]) -> None:
        super().__init__(kind, flowing=flowing, monotonic=monotonic)
        self.looking = False

    @property
    def observes(self) -> bool:
        return super().observes and not self.looking


class StageView:
    """See the module. `watch` is called once for each account and region, before its first job."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._watches: dict[tuple[str, str], Watch] = {}

    def watch(self, account: str, region: str, batch: Any) -> None:
        """Begin to listen to a new engine (also after a reset has replaced one)."""
        self._watches[account, region] = Watch(batch)

    def now_ms(self) -> int:
        return self.stage.clock.now_ms()

    def advance(self, seconds: float) -> None:
        self.stage.advance(seconds)

    def run_until_idle(self) -> None:
        self.stage.run_until_idle()

    def clock_moves(self) -> bool:
        return self.stage.clock.can_skip

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Inside, no Describe moves the clock."""
        clock = self.stage.clock
        assert isinstance(clock, ServerClock)
        clock.looking = True
        try:
            yield
        finally:
            clock.looking = False

    def state(self) -> dict[str, Any]:
        self.stage.catch_up()
        state = self.stage.describe()
        state["clock_moves"] = self.clock_moves()
        state["places"] = [
            {"account": account, "region": region, "environments": watch.environments(), "queues": watch.queues()}
            for (account, region), watch in sorted(self._watches.items())
        ]
        return state

    def timeline(self, account: str, region: str) -> dict[str, Any]:
        """The vCPUs, running and waiting jobs over time.

        Raises:
            UserError: nothing has used Batch there.
        """
        return self._read_watch(account, region).timeline()

    def history(self, account: str, region: str, job_id: str) -> dict[str, Any]:
        """A job's way, step by step: `{"steps": [{"at": ms, "status", "reason", "attempt"}]}`.

        Raises:
            UserError: nothing has used Batch there.
        """
        return {"steps": self._read_watch(account, region).history(job_id)}

    def environment(self, account: str, region: str, name: str) -> dict[str, Any]:
        """One compute environment with its timeline and instances.

        Raises:
            UserError: nothing has used Batch there, or there is no such environment.
        """
        found = self._read_watch(account, region).environment(name)
        if found is None:
            raise UserError(f"there is no compute environment {name!r} (any more)")
        return found

    def metadata(
        self, account: str, region: str, job_id: str, attempt: int, container: str, part: str
    ) -> dict[str, Any]:
        """What a job's container asks about itself (executors/task_metadata.py).

        Raises:
            UserError: there is no such container.
        """
        from batchiac.local.executors.task_metadata import read_metadata

        batch = self.stage.backends.get((account, region))
        found = None if batch is None else read_metadata(batch, job_id, attempt, container, part)
        if found is None:
            raise UserError(f"there is no container {container!r} of attempt {attempt} of a job {job_id}")
        return found

    def log(self, account: str, region: str, group: str, stream: str) -> dict[str, Any]:
        """The last events of a log stream, and how many there are.

        None where there is no such stream, or projections are off.
        """
        models = sys.modules.get("moto.logs.models")
        events: list[dict[str, Any]] = []
        count = 0
        if models is not None and account in models.logs_backends and region in models.logs_backends[account]:
            found_group = models.logs_backends[account][region].groups.get(group or LOG_GROUP)
            found = found_group.streams.get(stream) if found_group is not None else None
            if found is not None:
                count = len(found.events)
                events = [
                    {"timestamp": event.timestamp, "message": event.message}
                    for event in found.events[-MOST_LOG_EVENTS:]
                ]
        return {"events": events, "count": count}

    def _read_watch(self, account: str, region: str) -> Watch:
        watch = self._watches.get((account, region))
        if watch is None:
            raise UserError(f"nothing has used AWS Batch in account {account}, region {region}")
        return watch
