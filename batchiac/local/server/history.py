"""What the server did, told to the journal; and what the journal tells, done again, and held against its snapshot.

Every change has a number, counted from 1 over the whole life of the data folder. The number seeds moto's ids for that
change, so that with the same seed the same changes give the same ids, with a journal and without.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

from batchiac.errors import StateError, UserError
from batchiac.local.api_error import ApiError
from batchiac.local.clock import Clock
from batchiac.local.executors.real_runs import begin_attempt, end_attempt, write_log
from batchiac.local.server import snapshot
from batchiac.local.server.faults import read_action, read_body
from batchiac.local.server.journal import Journal, changes, http_environ, http_record
from batchiac.local.server.moto_chance import moto_time, seed_moto

if TYPE_CHECKING:
    from batchiac.local.server.executions import Executions
    from batchiac.local.server.faults import Faults
    from batchiac.local.server.moto_route import MotoApplication
    from batchiac.local.stage import Stage

Handle = Callable[[str, str, str, dict[str, Any]], dict[str, Any]]

SNAPSHOT_EVERY = 10_000
"""Changes from one snapshot to the next."""


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
        self._tallies: dict[tuple[str, str], snapshot.Tally] = {}
        self._since_snapshot = 0
        self._answered_otherwise: list[str] = []
        self._accepted = 0

    # --- writing ----------------------------------------------------------------------------------------------------

    def before_batch(self, account: str, region: str, operation: str, params: dict[str, Any]) -> dict[str, Any] | None:
        self._time_ms = self._stage.clock.now_ms()
        self._touch(account, region)
        if not self._mutates(operation):
            return None
        if self._stage.settings.projections:
            # What is due is shown before a change draws its ids: in a replay, too, whoever looked meanwhile. Without
            # projections nothing of Batch draws from moto, and the operation's own catching up will do.
            self._stage.catch_up()
        return self._next({"k": "batch", "a": account, "r": region, "o": operation, "p": params})

    def before_http(self, service: str, environ: dict[str, Any]) -> dict[str, Any] | None:
        self._stage.catch_up()
        self._time_ms = self._stage.clock.now_ms()
        if not changes(service, environ["REQUEST_METHOD"], read_action(environ)):
            return None
        if self._journal is None:
            return self._next({})
        return self._next({**http_record(environ, read_body(environ)), "s": service})

    def before_control(self, record: dict[str, Any]) -> dict[str, Any] | None:
        self._stage.catch_up()
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

    def during(self, record: dict[str, Any] | None) -> AbstractContextManager[None]:
        """Around a change: moto's time of day is the record's, as it will be in a replay."""
        if record is None or self._journal is None or "moto.core.utils" not in sys.modules:
            return nullcontext()
        return moto_time(record["w"])

    def note(self, record: dict[str, Any]) -> None:
        """Write down something that happened and was not asked for, inside a turn: how an execution ended."""
        if self._journal is not None:
            self._journal.write({**record, "t": self._stage.clock.now_ms(), "w": _wall_ms()})

    def take_snapshot(self, turn: Callable[[], AbstractContextManager[None]], *, at_end: bool = False) -> None:
        """Write a snapshot, where enough has changed or the server ends.

        Args:
            turn: taken while the state is read; the file is written outside.
        """
        if self._journal is None or (self._since_snapshot < SNAPSHOT_EVERY and not (at_end and self._since_snapshot)):
            return
        with turn():
            taken = self._describe(self._journal)
        snapshot.write(self._journal.folder, taken)

    def _describe(self, journal: Journal) -> dict[str, Any]:
        self._stage.catch_up()
        self._since_snapshot = 0
        # Before the snapshot, or after a power cut it would tell of lines that are not there.
        journal.sync()
        return {
            "about": "what the Batch half of this stack was after so many lines of the journal",
            "lines": journal.lines,
            "changes": self._number,
            "t": self._stage.clock.now_ms(),
            "versions": snapshot.versions(),
            # How changes up to there were answered is not looked at any more: it was accepted.
            "accepted": self._accepted,
            "places": snapshot.describe(self._tallies.values()),
        }

    def sync(self) -> None:
        """Called once a second or so: to the disk."""
        if self._journal is not None:
            self._journal.sync()

    def _next(self, record: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        self._since_snapshot += 1
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
        if self._journal is not None:
            self._tallies[account, region] = snapshot.Tally(batch)

    # --- doing it again ---------------------------------------------------------------------------------------------

    def replay(
        self,
        handle: Handle,
        moto: MotoApplication,
        faults: Faults,
        executions: Executions,
        *,
        accept: bool = False,
    ) -> str:
        """Do again what the journal holds.

        Args:
            accept: go on where it leads elsewhere than it did; else that is refused.

        Returns:
            What is to be said: that it leads elsewhere, and was accepted. Empty where it does not.

        Raises:
            StateError: the journal is damaged, a change that was made cannot be made again, or it leads elsewhere.
        """
        if self._journal is None:
            return ""
        kind, flowing = self._stage.settings.clock, self._stage.settings.flowing
        own_clock = self._stage.clock
        clock = self._stage.clock = ReplayedClock(kind, flowing=flowing)
        taken = snapshot.read(self._journal.folder)
        self._accepted = taken.get("accepted", 0) if taken is not None else 0
        found: list[str] = []
        done = 0
        last_ms = last_wall_ms = 0
        executions.begin_replay()
        for record in self._journal.records():
            last_ms, last_wall_ms = record["t"], record["w"]
            clock.set(last_ms)
            self._time_ms = last_ms
            try:
                with moto_time(last_wall_ms):
                    if "n" in record:
                        self._stage.catch_up()
                        self._number = record["n"]
                        self._seed_change()
                    self._do(record, handle, moto, faults, executions)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                text = f"record {done + 1} of the journal in {self._journal.folder} cannot be done again ({error!r})"
                raise StateError(f"{text}: it was kept by another version, or is damaged") from error
            done += 1
            last_ms = max(last_ms, clock.now_ms())
            if taken is not None and done == taken["lines"]:
                clock.set(taken["t"])
                self._stage.catch_up()
                last_ms = max(last_ms, clock.now_ms())
                found = snapshot.differences(taken["places"], snapshot.describe(self._tallies.values()))
        if taken is not None and done < taken["lines"]:
            raise StateError(
                f"the journal in {self._journal.folder} has {done} lines, and its snapshot was taken after"
                f" {taken['lines']}: what is between is lost; restore it, or delete snapshot.json to go without"
            )
        # What was due by then had happened, and may have been seen.
        self._stage.catch_up()
        self._stage.clock = own_clock
        for record in executions.end_replay(_wall_ms()):
            self._journal.write({**record, "t": last_ms, "w": max(last_wall_ms, record["stop"])})
        if done:
            # While the server was down time went on, as fast as it does: nothing that was seen is undone.
            own_clock.start_at(last_ms + round(_rate(kind, flowing) * (_wall_ms() - last_wall_ms)))
        self._since_snapshot = self._number - (taken["changes"] if taken is not None else 0)
        said = self._judge([*self._answered_otherwise, *found], taken, accept=accept)
        if said:
            self._accepted = self._number
            snapshot.write(self._journal.folder, self._describe(self._journal))
        if self._journal.versions != snapshot.versions():
            self._journal.adopt(snapshot.versions())
        return said

    def _judge(self, found: list[str], taken: dict[str, Any] | None, *, accept: bool) -> str:
        if not found:
            return ""
        assert self._journal is not None
        told = snapshot.say(found, taken["versions"] if taken is not None else self._journal.versions)
        if accept:
            return f"warning: the data in {self._journal.folder} tells another history now: {told}"
        raise StateError(
            f"the data in {self._journal.folder} would tell another history: {told}. Start the versions that kept it,"
            " name another folder, or say --accept-changed-history to go on from what it is now"
        )

    def _do(
        self,
        record: dict[str, Any],
        handle: Handle,
        moto: MotoApplication,
        faults: Faults,
        executions: Executions,
    ) -> None:
        kind = record["k"]
        if kind == "batch":
            # One that was refused is in the journal too, because a refusal draws an id; it is refused again.
            code = None
            try:
                handle(record["a"], record["r"], record["o"], record["p"])
            except ApiError as refusal:
                code = refusal.code
            self._hold_against(record, record["o"], "e", code)
        elif kind == "http":
            seen: list[str] = []
            environ = http_environ(record)
            _drain(moto(environ, lambda status, headers, exc_info=None: seen.append(status)))
            if "st" in record:
                self._hold_against(record, f"{record.get('s')} {read_action(environ)}".strip(), "st", int(seen[0][:3]))
        elif kind == "touch":
            self._begin(record["a"], record["r"])
        elif kind == "time":
            self._stage.catch_up()
        elif kind == "clock" and record["s"] is None:
            self._stage.run_until_idle()
        elif kind == "clock":
            self._stage.advance(record["s"])
        elif kind == "fault":
            # One that named nothing that exists was refused, and is refused again.
            with suppress(UserError):
                faults.add(record["kind"], **record["settings"])
        elif kind == "clear":
            with suppress(UserError):
                faults.clear(record["id"])
        elif kind == "strike":
            faults.restore(record)
        elif kind == "execution":
            executions.restore(record)
        elif kind == "begin":
            begin_attempt(self._stage, record)
        elif kind == "exit":
            end_attempt(self._stage, record)
        elif kind == "log":
            write_log(self._stage, record)
        else:
            raise ValueError(f"unknown kind {kind!r}")

    def _hold_against(self, record: dict[str, Any], what: str, key: str, now: Any) -> None:
        """How a change was answered, and how it is answered now."""
        then = record.get(key)
        if then != now and record["n"] > self._accepted:
            was, is_now = (each or "without error" for each in (then, now))
            self._answered_otherwise.append(f"change {record['n']} ({what}) was answered {was} and is {is_now}")


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
