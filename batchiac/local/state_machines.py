"""moto's state-machine interpreter on the stack's clock, and with names for its executions.

A Wait state, and a Retry's interval, pass on the stack's time: a virtual clock is waited for, an auto clock is moved on
(as a poll loop of Describes would move it), a scaled one goes as fast as it goes. A task's TimeoutSeconds is real time:
the interpreter waits for its own thread.

An execution that is started without a name gets one, as on AWS; moto 5.2.5 calls all of them `None` and refuses the
second.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from batchiac.local.after_import import after_import

if TYPE_CHECKING:
    from batchiac.local.stage import Stage

_ASL = "moto.stepfunctions.parser.asl.component"
_MARK = "_batchiac_time"
LOOK_S = 0.05
"""How often a virtual clock is looked at."""

Advance = Callable[["Stage", float], None]

_advance: list[Advance] = []
"""How an auto clock is moved, where not simply by moving it: the server's turn and journal are asked (at most one)."""


def advance_through(advance: Advance | None) -> None:
    """Have the interpreter move an auto clock through `advance`; None ends that."""
    _advance[:] = [] if advance is None else [advance]


def install_state_machines() -> None:
    """Correct the interpreter's modules when they are loaded; calling this again changes nothing."""
    after_import(f"{_ASL}.state.wait.wait_function.wait_function", _correct_wait)
    after_import(f"{_ASL}.common.retry.retrier_decl", _correct_retry)
    after_import("moto.stepfunctions.parser.models", _correct_names)
    # It only logs what it raises again, at each level, with the whole state as Python shows it: pages for one failed
    # job. Error and cause are in the execution and its history, and what is no state's failure is logged at the end.
    logging.getLogger(f"{_ASL}.eval_component").setLevel(logging.CRITICAL)


def _correct_wait(module: Any) -> None:
    function = module.WaitFunction
    if getattr(function, _MARK, False):
        return

    def wait_interval(self: Any, env: Any, wait_seconds: float) -> None:
        pass_time(wait_seconds, env.is_running, env.program_state_event.wait)

    function._wait_interval = wait_interval
    setattr(function, _MARK, True)


def _correct_retry(module: Any) -> None:
    module.time = SimpleNamespace(sleep=lambda seconds: pass_time(seconds, lambda: True, time.sleep))


def _correct_names(module: Any) -> None:
    backend = module.StepFunctionsParserBackend
    if getattr(backend, _MARK, False):
        return
    start = backend.start_execution

    def start_execution(self: Any, state_machine_arn: str, name: str | None = None, *rest: Any, **options: Any) -> Any:
        if not name:
            from moto.moto_api._internal import mock_random

            name = str(mock_random.uuid4())
        return start(self, state_machine_arn, name, *rest, **options)

    backend.start_execution = start_execution
    setattr(backend, _MARK, True)


def pass_time(seconds: float, is_running: Callable[[], bool], wait: Callable[[float], Any]) -> None:
    """Return when so much of the stack's time has passed, or what waits is not running any more.

    Args:
        wait: waits for so many real seconds, or less where something happens.
    """
    from batchiac.local.installation import find_stage

    stage = find_stage()
    if seconds <= 0:
        return
    if stage is not None and stage.clock.observes:
        if _advance:
            _advance[0](stage, seconds)
        else:
            stage.advance(seconds)
        return
    clock: Callable[[], float] = time.monotonic
    if stage is not None:
        clock = _seconds_of(stage)
    until = clock() + seconds
    while is_running() and clock() < until and (stage is None or find_stage() is stage):
        left = stage.clock.real_seconds_until(round(until * 1000)) if stage is not None else until - clock()
        wait(LOOK_S if left is None else max(left, 0.001))


def _seconds_of(stage: Stage) -> Callable[[], float]:
    return lambda: stage.clock.now_ms() / 1000
