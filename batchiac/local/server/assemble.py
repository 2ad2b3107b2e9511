"""What the server is made of, put together: the stage, Batch, moto, faults, journal, ticker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import define

from batchiac.local.server.app import LocalStackApplication
from batchiac.local.server.control import Control
from batchiac.local.server.executions import Executions
from batchiac.local.server.faults import Faults
from batchiac.local.server.history import History
from batchiac.local.server.journal import Journal
from batchiac.local.server.moto_chance import seed_new_regions
from batchiac.local.server.moto_route import MotoApplication
from batchiac.local.server.safety import Gate
from batchiac.local.server.simulation_faults import SimulationFaults
from batchiac.local.server.snapshot import versions
from batchiac.local.server.stage_view import ServerClock, StageView
from batchiac.local.server.ticker import INTERVAL_S, Ticker
from batchiac.local.server.turn import HeldTime, Turn
from batchiac.local.state_machines import advance_through

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend
    from batchiac.local.executors.real_runs import RealRuns
    from batchiac.local.server.run import Settings
    from batchiac.local.stage import Stage

SYNC_S = 1.0
"""How often the journal goes to the disk."""

PROCESS_INTERVAL_S = 0.1
"""With real processes the ticks start containers, and see their ends, output and memory: nobody should wait for one."""


@define
class Parts:
    """The application, what is to be said of the data that was brought back (mostly nothing), and what is to be called,
    in order, when the server ends."""

    application: LocalStackApplication
    said: str
    ending: list[Callable[[], None]]


def assemble(settings: Settings, *, port: int, gate: Gate) -> Parts:
    """Build the stack that `settings` describe, and bring back what its data folder holds.

    Args:
        port: where the server listens; moto's state machines call it there.
        gate: who may use the control paths.

    Raises:
        UsageError: no such clock.
        ConfigError: no such settings of the engine.
        StateError: the data folder is damaged, in use, or of other settings.
    """
    from batchiac.engine.settings import EngineSettings
    from batchiac.local.dispatch import OPERATIONS, handle
    from batchiac.local.executors.real_runs import QUICK, RealRuns, UntilTold
    from batchiac.local.installation import backend_of, install
    from batchiac.local.server.settings_file import make_quotas, make_settings
    from batchiac.local.stage import StageSettings

    # An auto clock flows, so that a job's times are never before its client's; a virtual one stands still.
    real = settings.executor == "process"
    stage_settings = StageSettings(
        clock=settings.clock,
        flowing=settings.clock == "auto",
        seed=settings.seed,
        projections=settings.projections,
        engine=make_settings(settings.engine, QUICK if real else EngineSettings()),
        behaviour=UntilTold() if real else None,
        quotas=make_quotas(settings.engine),
    )
    held = HeldTime()
    stage = install(stage_settings)
    stage.clock = ServerClock(stage_settings.clock, flowing=stage_settings.flowing, monotonic=held)
    view = StageView(stage)
    seed_new_regions(settings.seed)
    faults = Faults(seed=settings.seed, simulation=SimulationFaults(stage))
    moto = MotoApplication()
    executions = Executions(own_address(gate, port))
    executions.install(port)
    journal = _open_journal(settings)
    ending: list[Callable[[], None]] = []
    runs = RealRuns(stage, lambda record: turn.control(record), _variables(gate, port)) if real else None

    def watch(account: str, region: str, batch: BatchBackend) -> None:
        view.watch(account, region, batch)
        if runs is not None:
            runs.watch(account, region, batch)

    try:
        history = History(
            stage, journal, lambda name: name in OPERATIONS and OPERATIONS[name].mutates, backend_of, watch
        )
        said = history.replay(handle, moto, faults, executions, accept=settings.accept_changed_history)
        turn = Turn(history, held)
        _tell_history(history, turn, faults, executions)
        advance_through(lambda _, seconds: _advance(stage, turn, seconds))
        if runs is not None:
            runs.resume()
        control = Control(view, turn, faults, handle)
        application = LocalStackApplication(handle, turn, moto, control, faults, gate, gate_all=real)
    except BaseException:
        if journal is not None:
            journal.close()
        raise
    interval_s = INTERVAL_S if runs is None else PROCESS_INTERVAL_S
    if journal is not None or not stage.clock.can_skip:
        ticker = Ticker(_ticks(turn, stage, history, runs, interval_s), interval_s)
        ticker.start()
        ending.append(ticker.stop)
    if runs is not None:
        ending.append(runs.close)
    ending.append(executions.close)
    ending.append(lambda: advance_through(None))
    if journal is not None:
        ending.append(lambda: history.take_snapshot(turn.quietly, at_end=True))
        ending.append(journal.close)
    if settings.warm:
        moto.warm(turn.quietly)
    return Parts(application, said, ending)


def _open_journal(settings: Settings) -> Journal | None:
    if settings.data is None:
        return None
    from batchiac.local.server.settings_file import kept_settings

    return Journal(
        settings.data,
        {
            "seed": settings.seed,
            "clock": settings.clock,
            "projections": settings.projections,
            "executor": settings.executor,
            "settings": kept_settings(settings.engine),
        },
        sync=settings.sync,
        versions=versions(),
    )


def _tell_history(history: History, turn: Turn, faults: Faults, executions: Executions) -> None:
    """What happens beside requests is written down, too: a fault that struck, an execution that ended."""

    def note(record: dict[str, Any]) -> None:
        with turn.quietly():
            history.note(record)

    faults.on_strike = lambda record: note({"k": "strike", **record})
    executions.record = note


def _advance(stage: Stage, turn: Turn, seconds: float) -> None:
    """A state machine's Wait moves an auto clock as a request on the control path does."""
    with turn.control({"k": "clock", "s": float(seconds)}):
        stage.advance(seconds)


def own_address(gate: Gate, port: int) -> str:
    """Where what runs for this server calls it."""
    host = gate.hosts[0] if gate.any_address else "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _variables(gate: Gate, port: int) -> dict[str, str]:
    """What a real job finds in its environment, so that its AWS calls come here and nowhere else."""
    return {
        "AWS_ENDPOINT_URL": own_address(gate, port),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def _ticks(turn: Turn, stage: Stage, history: History, runs: RealRuns | None, interval_s: float) -> Callable[[], None]:
    count = 0

    def tick() -> None:
        nonlocal count
        count += 1
        if not stage.clock.can_skip:
            with turn.quietly():
                stage.catch_up()
                if runs is not None:
                    runs.tick()
        if count % round(SYNC_S / interval_s) == 0:
            history.sync()
            history.take_snapshot(turn.quietly)

    return tick
