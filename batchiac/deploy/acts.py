"""What registering and deleting have in common: the run's state, its events, and the time that a step takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from batchiac.deploy.secrecy import hidden_texts, hide_in_error
from batchiac.deploy.state.checkpoint import PendingOperation
from batchiac.deploy.state.journal import Journal
from batchiac.deploy.steps import Diagnostic, Event, Step, StepEnded, StepStarted
from batchiac.deploy.values import Unseal, reveal
from batchiac.errors import InternalError, InterruptedByUserError
from batchiac.model.deadline import step_deadline_s
from batchiac.model.handler import Handler

HandlerOf = Callable[[str], Handler | None]
"""Type token → its handler; None for a type that the embedded engine cannot deploy."""

Listener = Callable[[Event], None]

T = TypeVar("T")


class Acts:
    """The base of a run. Thread-safe.

    Attributes:
        acting: False for a preview, which only notes what it would do.
        steps: what was decided or done, in that order.
        diagnostics: what the program had to say.
        cancelled: set by Ctrl-C; nothing new is started from then on.
    """

    def __init__(
        self,
        journal: Journal,
        handler_of: HandlerOf,
        *,
        acting: bool,
        unseal: Unseal,
        on_event: Listener,
        cancelled: threading.Event,
    ) -> None:
        self.journal = journal
        self.acting = acting
        self.steps: list[Step] = []
        self.diagnostics: list[Diagnostic] = []
        self.cancelled = cancelled
        self._handler_of = handler_of
        self._unseal = unseal
        self._on_event = on_event
        self._unheard: Exception | None = None
        self._lock = threading.Lock()
        self._unsettled: dict[str, PendingOperation] = {}
        for each in journal.pending():
            if each.type == "creating":
                if (twin := self._unsettled.get(each.resource.urn)) is not None:
                    # Pulumi's CLI keeps one of each run that died; what they made carries the same tag.
                    journal.end(twin)
                self._unsettled[each.resource.urn] = each

    def diagnose(self, diagnostic: Diagnostic) -> None:
        with self._lock:
            self.diagnostics.append(diagnostic)
        self._tell(diagnostic)

    def _tell(self, event: Event) -> None:
        """Pass an event on. A listener that fails (whoever read our output has gone) undoes nothing that was done, and
        is no failure of the program that it hears of: nothing new is started, and the run ends with it."""
        if self._unheard is not None:
            return
        try:
            self._on_event(event)
        except Exception as error:
            self._unheard = error
            self.cancelled.set()

    def require_heard(self) -> None:
        """Raise what became of a listener that failed.

        Raises:
            InterruptedByUserError: nobody reads what it writes any more.
            InternalError: it failed by itself.
        """
        done = "what had begun was finished, nothing new was started"
        if isinstance(self._unheard, OSError):
            raise InterruptedByUserError(f"the output is read no more ({self._unheard}): {done}") from self._unheard
        if self._unheard is not None:
            raise InternalError(f"what was done could not be shown ({self._unheard!r}): {done}") from self._unheard

    def _require_going(self) -> None:
        self.require_heard()
        if self.cancelled.is_set():
            raise InterruptedByUserError("interrupted: what had begun was finished, nothing new was started")

    def _timed(self, step: Step, timeout_s: float | None, act: Callable[[], T]) -> T:
        self._tell(StepStarted(step))
        started = time.monotonic()
        token = step_deadline_s.set(timeout_s)
        try:
            result = act()
        except BaseException as error:
            self._hide_secrets(error, step)
            self._tell(StepEnded(step, time.monotonic() - started, str(error)))
            raise
        finally:
            step_deadline_s.reset(token)
        self._note(step)
        self._tell(StepEnded(step, time.monotonic() - started))
        return result

    def _hide_secrets(self, error: BaseException, step: Step) -> None:
        states = [each for each in (step.old, step.new) if each is not None]
        opened = [reveal(values, self._unseal) for each in states for values in (each.inputs, each.outputs)]
        hide_in_error(error, hidden_texts(*opened))

    def _note(self, step: Step) -> None:
        with self._lock:
            self.steps.append(step)
