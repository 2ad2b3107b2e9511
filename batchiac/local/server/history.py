"""What the server did, told to the journal; and what the journal tells, done again.

Every change has a number, counted from 1 over the whole life of the data folder. The number seeds moto's ids for that
change, so that with the same seed the same changes give the same ids, with a journal and without.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from batchiac.errors import StateError
from batchiac.local.api_error import ApiError
from batchiac.local.clock import Clock
from batchiac.local.executors.real_runs import end_attempt, write_log
from batchiac.local.server.faults import read_action, read_body
from batchiac.local.server.journal import Journal, changes, http_environ, http_record
from batchiac.local.server.moto_chance import moto_time, seed_moto

if TYPE_CHECKING:
    from batchiac.local.server.faults import Faults
    from batchiac.local.server.moto_route import MotoApplication
    from batchiac.local.stage import Stage

Handle = Callable[[str, str, str, dict[str, Any]], dict[str, Any]]


class History:
    """A `turn.Recorder`. Without a journal it only seeds.

    Args:
        mutates: whether an operation of Batch changes anything.
        backend_of: makes the Batch of an account and region where it is not yet there.
        watch: called with account, region and Batch when an engine begins.
    """

    def __init__(
        self,
        stage: Stage,
        journal: Journal | None,
        mutates: Callable[[str], bool],
        backend_of: Callable[[str, str], Any],
        watch: Callable[[str, str, Any], None],
    ) -> None:
        self._stage = stage
        self._journal = journal
        self._mutates = mutates
        self._backend_of = backend_of
        self._watch = watch
        self._seed = stage.settings.seed
        self._number = 0
        self._touched: dict[tuple[str, str], Any] = {}
        self._time_ms = stage.clock.now_ms()

    # --- writing ----------------------------------------------------------------------------------------------------

    def before_batch(self, account: str, region: str, operation: str, params: dict[str, Any]) -> dict[str, Any] | None:
        self._time_ms = self._stage.clock.now_ms()
        self._touch(account, region)
        if not self._mutates(operation):
            return None
        return self._next({"k": "batch", "a": account, "r": region, "o": operation, "p": params})

    def before_http(self, service: str, environ: dict[str, Any]) -> dict[str, Any] | None:
        self._time_ms = self._stage.clock.now_ms()
        if not changes(service, environ["REQUEST_METHOD"], read_action(environ)):
            return None
        if self._journal is None:
            return self._next({})
        return self._next({**http_record(environ, read_body(environ)), "s": service})

    def before_control(self, record: dict[str, Any]) -> dict[str, Any] | None:
        self._time_ms = self._stage.clock.now_ms()
        return self._next(record)

    def after(self, record: dict[str, Any] | None) -> None:
        if self._journal is None:
            return
        now_ms = self._stage.clock.now_ms()
        if record is not None:
            self._journal.write(record)
        if now_ms != self._time_ms:
            # Inside a turn time does not flow: the request itself has moved the clock.
            self._journal.write({"k": "time", "t": now_ms, "w": _wall_ms()})

    def sync(self) -> None:
        """Called once a second or so: to the disk."""
        if self._journal is not None:
            self._journal.sync()

    def _next(self, record: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        record["n"] = self._number
        record["t"] = self._time_ms
        record["w"] = _wall_ms()
        self._seed_change()
        return record

    def _seed_change(self) -> None:
        # Before moto is loaded nothing can draw from its generator.
        if "moto.moto_api._internal" in sys.modules:
            seed_moto(f"{self._seed}:change:{self._number}")

    def _touch(self, account: str, region: str) -> None:
        """The first request in an account and region starts its engine: when that was is part of the history."""
        # An unknown region refuses; it is then no part of anything. After a reset the engine is another one.
        engine = self._backend_of(account, region).engine
        if self._touched.get((account, region)) is engine:
            return
        self._begin(account, region)
        if self._journal is not None:
            self._journal.write({"k": "touch", "a": account, "r": region, "t": self._time_ms, "w": _wall_ms()})

    def _begin(self, account: str, region: str) -> None:
        batch = self._backend_of(account, region)
        self._touched[account, region] = batch.engine
        self._watch(account, region, batch)

    # --- doing it again ---------------------------------------------------------------------------------------------

    def replay(self, handle: Handle, moto: MotoApplication, faults: Faults) -> int:
        """Do again what the journal holds; how many records that were.

        Raises:
            StateError: the journal is damaged, or a change that was made cannot be made again.
        """
        if self._journal is None:
            return 0
        kind, flowing = self._stage.settings.clock, self._stage.settings.flowing
        own_clock = self._stage.clock
        clock = self._stage.clock = ReplayedClock(kind, flowing=flowing)
        done = 0
        last_ms = last_wall_ms = 0
        for record in self._journal.records():
            last_ms, last_wall_ms = record["t"], record["w"]
            clock.set(last_ms)
            self._time_ms = last_ms
            if "n" in record:
                self._number = record["n"]
                self._seed_change()
            try:
                with moto_time(last_wall_ms):
                    self._do(record, handle, moto, faults)
            except (KeyError, TypeError, ValueError) as error:
                text = f"record {done + 1} of the journal in {self._journal.folder} cannot be done again ({error!r})"
                raise StateError(f"{text}: it was kept by another version, or is damaged") from error
            done += 1
            last_ms = max(last_ms, clock.now_ms())
        # What was due by then had happened, and may have been seen.
        self._stage.catch_up()
        self._stage.clock = own_clock
        if done:
            # While the server was down time went on, as fast as it does: nothing that was seen is undone.
            own_clock.start_at(last_ms + round(_rate(kind, flowing) * (_wall_ms() - last_wall_ms)))
        return done

    def _do(self, record: dict[str, Any], handle: Handle, moto: MotoApplication, faults: Faults) -> None:
        kind = record["k"]
        if kind == "batch":
            # One that was refused is in the journal too, because a refusal draws an id; it is refused again.
            with suppress(ApiError):
                handle(record["a"], record["r"], record["o"], record["p"])
        elif kind == "http":
            _drain(moto(http_environ(record), lambda status, headers, exc_info=None: None))
        elif kind == "touch":
            self._begin(record["a"], record["r"])
        elif kind == "time":
            self._stage.catch_up()
        elif kind == "clock" and record["s"] is None:
            self._stage.run_until_idle()
        elif kind == "clock":
            self._stage.advance(record["s"])
        elif kind == "fault":
            faults.add(record["kind"], **record["settings"])
        elif kind == "exit":
            end_attempt(self._stage, record)
        elif kind == "log":
            write_log(self._stage, record)
        else:
            raise ValueError(f"unknown kind {kind!r}")


def _wall_ms() -> int:
    return int(time.time() * 1000)


def _rate(kind: str, flowing: bool) -> float:
    """Milliseconds of the stack's time a millisecond of the machine's; 0 where it moves only when told."""
    name, _, factor = kind.partition(":")
    return float(factor) if name == "scaled" else float(name == "real" or flowing)


def _drain(body: Iterable[bytes]) -> None:
    for _ in body:
        pass
    close = getattr(body, "close", None)
    if close is not None:
        close()


class ReplayedClock(Clock):
    """The stack's clock while a journal is done again: it is what the records say, and moves as the real one did."""

    def __init__(self, kind: str, *, flowing: bool) -> None:
        super().__init__(kind, flowing=flowing)
        self._now_ms = 0

    def set(self, at_ms: int) -> None:
        """Time is this now; never less than it was."""
        self._now_ms = max(self._now_ms, at_ms)

    def now_ms(self) -> int:
        return self._now_ms

    def skip_to(self, at_ms: int) -> None:
        self._now_ms = max(self._now_ms, at_ms)
