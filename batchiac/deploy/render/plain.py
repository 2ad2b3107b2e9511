"""Plain lines as things happen, for logs, pipes and terminals that cannot do more."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import IO

from batchiac.deploy.render.lines import DOING, DONE, SIGNS, Line, diagnostic_line
from batchiac.deploy.steps import Diagnostic, Event, StepStarted
from batchiac.deploy.urn import name_of, short_type


def print_lines(lines: Iterable[Line], stream: IO[str]) -> None:
    """Write lines without colours."""
    stream.write("".join(f"{line.text}\n" for line in lines))
    stream.flush()


def event_line(event: Event) -> Line | None:
    """What there is to say of one event; None when there is nothing."""
    if isinstance(event, Diagnostic):
        from batchiac.rules.finding import NOT_YET_KNOWN

        # One line of the program's counts them; each is for `--json`.
        return None if event.message.startswith(NOT_YET_KNOWN) else diagnostic_line(event)
    step = event.step
    sign, style = SIGNS[step.op]
    what = f"  {sign} {short_type(step.type)} {name_of(step.urn)}"
    if isinstance(event, StepStarted):
        return Line(f"{what}  {DOING.get(step.op, step.op.value)}", "dim")
    if event.error is not None:
        return Line(f"{what}  failed after {event.seconds:.1f} s: {event.error}", "error")
    return Line(f"{what}  {DONE.get(step.op, step.op.value)} ({event.seconds:.1f} s)", style)


class PlainProgress:
    """A listener that writes a line for each end of a step. Thread-safe.

    Args:
        starts: write a line for each beginning too.
    """

    def __init__(self, stream: IO[str], *, starts: bool = False) -> None:
        self._stream = stream
        self._starts = starts
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepStarted) and not self._starts:
            return
        line = event_line(event)
        if line is not None:
            with self._lock:
                print_lines([line], self._stream)

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_exception: object) -> None:
        """Nothing to put back."""
