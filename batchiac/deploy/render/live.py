"""On a terminal: what is under way with its time, a bar over the whole, finished steps above. Imports rich."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import IO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from batchiac.deploy.render.lines import DOING, SIGNS, Line
from batchiac.deploy.render.plain import event_line
from batchiac.deploy.steps import Event, Step, StepEnded, StepStarted
from batchiac.deploy.urn import name_of, short_type

STYLES = {
    "": "",
    "create": "green",
    "update": "yellow",
    "delete": "red",
    "replace": "magenta",
    "dim": "dim",
    "bold": "bold",
    "warning": "yellow",
    "error": "bold red",
}
REFRESHES_PER_S = 8
MOST_ROWS = 12
"""Steps under way that are shown; more would push everything else off the screen."""


def print_styled(lines: Iterable[Line], stream: IO[str]) -> None:
    """Write lines in colour."""
    console = Console(file=stream, highlight=False, soft_wrap=True, emoji=False)
    for line in lines:
        console.print(Text(line.text, style=STYLES[line.style]))


class LiveProgress:
    """A listener and context manager. Thread-safe.

    Args:
        total: how many steps there will be.
    """

    def __init__(self, stream: IO[str], total: int) -> None:
        self._console = Console(file=stream, highlight=False, soft_wrap=True, emoji=False)
        self._total = max(total, 1)
        self._ended = 0
        self._running: dict[int, tuple[Step, float]] = {}
        self._lock = threading.Lock()
        self._live = Live(get_renderable=self._picture, console=self._console, refresh_per_second=REFRESHES_PER_S)

    def __enter__(self) -> LiveProgress:
        self._live.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.update("")
        self._live.__exit__(None, None, None)

    def __call__(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, StepStarted):
                self._running[id(event.step)] = (event.step, time.monotonic())
                return
            if isinstance(event, StepEnded):
                self._running.pop(id(event.step), None)
                self._ended += 1
        line = event_line(event)
        if line is not None:
            self._console.print(Text(line.text, style=STYLES[line.style]))

    def _picture(self) -> RenderableType:
        with self._lock:
            running = list(self._running.values())
            ended = self._ended
        table = Table.grid(padding=(0, 1))
        at = time.monotonic()
        for step, since in running[:MOST_ROWS]:
            sign, style = SIGNS[step.op]
            table.add_row(
                Text(f"  {sign}", STYLES[style]),
                Text(short_type(step.type)),
                Text(name_of(step.urn), "bold"),
                Text(f"{DOING.get(step.op, step.op.value)} {at - since:.0f} s", "dim"),
            )
        if len(running) > MOST_ROWS:
            table.add_row("", "", Text(f"and {len(running) - MOST_ROWS} more", "dim"), "")
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=self._total, completed=min(ended, self._total), width=40), f"{ended}/{self._total}"
        )
        return Group(table, bar)
