"""How time passes in one account and region: what is due happens in order, and whoever shows it elsewhere is told.

Time moves here and only here: `advance_to` goes from event to event where somebody is to be told of them, because an
event may make a rule submit a job at that very moment. `observe` is the auto clock: a Describe of something in
transition goes on to where it has changed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from batchiac.engine.effects import Effect, JobStateChanged
from batchiac.local.books import Books
from batchiac.local.moto_jobs import uses_docker
from batchiac.local.records import Record, Shelf

if TYPE_CHECKING:
    from batchiac.local.projections import Projection
    from batchiac.local.stage import Stage

OBSERVED_MS = 3_600_000
"""How far one Describe moves an auto clock at most, where nothing changes: a job that is stuck stays so."""

ENDED = ("SUCCEEDED", "FAILED")
TRANSITIONAL = ("CREATING", "UPDATING", "DELETING")


class Progress(Books):
    """See the module. A subclass has the engine and makes the projections."""

    stage: Stage

    def open_progress(self) -> None:
        """Begin with nothing under way."""
        self.projections: list[Projection] = []
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._effects: list[Effect] = []
        self._job_changes = 0
        self._leaving: list[tuple[Shelf, str]] = []
        self._unsettled = False
        self._advancing = False

    # --- going on ---------------------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Bring everything to the clock's present; a command that an event on the way there led to is given there."""
        if not self._advancing:
            self.advance_to(self.stage.clock.now_ms())

    def advance_to(self, at_ms: int) -> None:
        """Let everything happen that is due until then. A moment that has passed changes nothing."""
        engine = self.engine
        self._advancing = True
        try:
            while True:
                due = self.next_event_ms() if self._reacts() else self._next_own_ms()
                if due is None or due > at_ms:
                    break
                engine.advance_to(due)
                self._run_timers()
                self.flush()
            engine.advance_to(at_ms)
            self.flush()
        finally:
            self._advancing = False

    def run_until_idle(self, deadline_ms: int) -> bool:
        """Run until nothing will change any more without a new request; True when that is so before the deadline.

        The clock is the caller's: `now_ms` says how far it went.
        """
        if not self._reacts() and self._next_own_ms() is None:
            if self.engine.next_event_at_ms() is not None:
                self.engine.run_until_idle(limit_ms=deadline_ms)
            self.flush()
            return self.engine.now_ms < deadline_ms
        # Event by event, because any of them may lead to a command. A schedule that is yet to fire keeps nothing
        # busy, or a stack with one would never be idle.
        while (due := self.engine.next_event_at_ms()) is not None or self._timers:
            if self._timers and (due is None or self._timers[0][0] < due):
                due = self._timers[0][0]
            assert due is not None
            if due > deadline_ms:
                return False
            self._advancing = True
            try:
                self.engine.run_until_idle(limit_ms=due)
                background_only = self.engine.next_event_at_ms() == due
                if self._timers and self._timers[0][0] == due:
                    # The engine stays where its last event was; a timer is not the engine's.
                    self.engine.advance_to(due)
                self._run_timers()
                self.flush()
            finally:
                self._advancing = False
            if background_only and not self._timers:
                return True
        return True

    def next_event_ms(self) -> int | None:
        """When the next thing happens by itself; None when nothing will."""
        times = [at for at in (self.engine.next_event_at_ms(), self._next_own_ms()) if at is not None]
        return min(times, default=None)

    def at(self, at_ms: int, action: Callable[[], None]) -> None:
        """Have something done at a moment."""
        heapq.heappush(self._timers, (at_ms, self.next_serial(), action))

    def _reacts(self) -> bool:
        """True where something that happens may make a projection give a command: then time goes event by event."""
        return any(projection.reacts() for projection in self.projections)

    def _next_own_ms(self) -> int | None:
        """The next thing that is not the engine's: a timer, or a schedule that fires."""
        times = [at for projection in self.projections if (at := projection.next_due_ms()) is not None]
        if self._timers:
            times.append(self._timers[0][0])
        return min(times, default=None)

    def _run_timers(self) -> None:
        while self._timers and self._timers[0][0] <= self.engine.now_ms:
            heapq.heappop(self._timers)[2]()
        for projection in self.projections:
            projection.run_due()

    # --- telling ----------------------------------------------------------------------------------------------------

    def _hear(self, effect: Effect) -> None:
        if isinstance(effect, JobStateChanged):
            self._job_changes += 1
        if self.projections:
            self._effects.append(effect)

    def flush(self) -> None:
        """Tell records and projections what has happened since the last time; they may give commands themselves."""
        if self._leaving:
            self._forget_deleted()
        while self._effects:
            effects, self._effects = self._effects, []
            for effect in effects:
                for projection in self.projections:
                    projection.apply(effect)

    def _forget_deleted(self) -> None:
        """Records of what was being deleted go when the engine has let go of it."""
        staying = []
        for shelf, name in self._leaving:
            found = self.engine.find_environment(name) if shelf is self.environments else self.engine.find_queue(name)
            record = shelf.find(name)
            if found is not None:
                staying.append((shelf, name))
            elif record is not None:
                shelf.remove(record)
        self._leaving = staying

    # --- looking ----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """After a change: tell of it, and see it through where changes are over when their call returns."""
        self.flush()
        if self._unsettled:
            self._unsettled = False
            if self.stage.settings.at_once:
                self.see_through()

    def see_through(self) -> None:
        """Go on until no environment and no queue is in transition; one that waits for jobs is left after an hour."""
        horizon = self.now_ms() + OBSERVED_MS
        while self._in_transition() and (due := self.next_event_ms()) is not None and due <= horizon:
            if self.stage.clock.can_skip:
                self.stage.clock.skip_to(due)
            self.advance_to(due)

    def _in_transition(self) -> bool:
        engine = self.engine
        return any(
            view is not None and view.status in TRANSITIONAL
            for view in (
                *(engine.find_environment(each.name) for each in self.environments),
                *(engine.find_queue(each.name) for each in self.queues),
            )
        ) or any(
            # Service environments, their queues and quota shares: the engine knows nothing of them.
            each.wire.get("status") in TRANSITIONAL
            for shelf in (self.service_environments, self.queues, self.quota_shares)
            for each in shelf
        )

    def observe(self, read: Callable[[], Any], in_transition: Callable[[Any], bool]) -> None:
        """In an auto clock's time: go on to where what is looked at has changed, an hour at most.

        Args:
            read: what is looked at, as values that compare.
            in_transition: whether it can be expected to change at all.
        """
        if not self.stage.clock.observes:
            return
        seen = read()
        if not in_transition(seen):
            return
        horizon = self.now_ms() + OBSERVED_MS
        while (due := self.stage.next_event_ms()) is not None and due <= horizon:
            self.stage.clock.skip_to(due)
            self.stage.catch_up()
            if read() != seen:
                return

    def observe_records(self, read: Callable[[], list[Record]]) -> None:
        """`observe` for records whose status is in their wire form: service environments, quota shares."""
        self.observe(
            lambda: [(each.name, each.wire["status"]) for each in read()],
            lambda seen: any(status in TRANSITIONAL for _, status in seen),
        )

    def observe_jobs(self, ids: list[str]) -> None:
        """`observe` for jobs by id."""
        if not self.stage.clock.observes:
            return
        plain = [self.job_id_of(each) for each in ids]

        def statuses() -> list[str]:
            return [view.status for each in plain if (view := self.engine.find_job(each)) is not None]

        def under_way(seen: list[str]) -> bool:
            return not all(status in ENDED for status in seen)

        self.observe(statuses, under_way)
        if not uses_docker():
            # A job has ended when it is looked at.
            for _ in range(100):
                if not under_way(statuses()):
                    return
                self.observe(statuses, under_way)

    def observe_queue(self, name: str) -> None:
        """`observe` for all jobs of a queue: on to the next change of any job."""
        if self.stage.clock.observes:
            self.observe(lambda: self._job_changes, lambda _: self._has_jobs_under_way(name))

    def _has_jobs_under_way(self, queue: str) -> bool:
        return any(
            self.engine.list_jobs(queue=queue, status=status, limit=1).jobs
            for status in ("RUNNING", "STARTING", "RUNNABLE", "PENDING", "SUBMITTED")
        )
