"""What the server is made of, put together: the stage, Batch, moto, faults, journal, ticker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import define

from batchiac.local.server.app import LocalStackApplication
from batchiac.local.server.control import Control
from batchiac.local.server.faults import Faults
from batchiac.local.server.moto_route import MotoApplication
from batchiac.local.server.safety import Gate
from batchiac.local.server.stage_view import StageView
from batchiac.local.server.ticker import Ticker
from batchiac.local.server.turn import Turn

if TYPE_CHECKING:
    from batchiac.local.server.run import Settings


@define
class Parts:
    """The application, and what is to be called, in order, when the server ends."""

    application: LocalStackApplication
    ending: list[Callable[[], None]]


def assemble(settings: Settings, *, port: int, gate: Gate) -> Parts:
    """Build the stack that `settings` describe.

    Args:
        port: where the server listens; moto's state machines call it there.
        gate: who may use the control paths.

    Raises:
        UsageError: no such clock.
        StateError: the data folder is damaged, in use, or of other settings.
    """
    from batchiac.local.dispatch import handle
    from batchiac.local.install import install
    from batchiac.local.stage import StageSettings

    stage = install(
        StageSettings(
            clock=settings.clock,
            # An auto clock flows, so that a job's times are never before its client's; a virtual one stands still.
            flowing=settings.clock == "auto",
            seed=settings.seed,
            projections=settings.projections,
        )
    )
    faults = Faults(seed=settings.seed)
    turn = Turn()
    moto = MotoApplication(port)
    control = Control(StageView(stage), turn, faults, handle)
    application = LocalStackApplication(
        handle, turn, moto, control, faults, gate, gate_all=settings.executor == "process"
    )
    ending: list[Callable[[], None]] = []
    if not stage.clock.can_skip:
        ticker = Ticker(lambda: _tick(turn, stage))
        ticker.start()
        ending.append(ticker.stop)
    moto.warm()
    return Parts(application, ending)


def _tick(turn: Turn, stage: Any) -> None:
    with turn.lock:
        stage.catch_up()
