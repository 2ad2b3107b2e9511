"""The one thread that lets real and scaled time pass, so that events and their rules' targets fire unasked.

The engine has no threads: it advances when it is asked. In virtual and `auto` time somebody always asks. In real time
nobody may, and a scheduled rule must fire all the same: the ticker asks, under the turn, as any request does.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable

INTERVAL_S = 0.25
"""Assumption: a quarter of a second is finer than any state change of AWS Batch that a client can see."""


class Ticker:
    """Calls `tick` every `interval_s` real seconds until it is stopped.

    Args:
        tick: advances the stack to now, inside the turn. An error of it is reported once a kind, and ticking goes on:
            the same error reaches the next client's request.
    """

    def __init__(self, tick: Callable[[], None], interval_s: float = INTERVAL_S) -> None:
        self._tick = tick
        self._interval_s = interval_s
        self._stopped = threading.Event()
        self._reported: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="batchiac-ticker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Return when the last tick has ended."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_s):
            try:
                self._tick()
            except Exception as error:  # a tick must not end time for everybody; the trace tells whose bug it is
                if repr(error) not in self._reported:
                    self._reported.add(repr(error))
                    traceback.print_exc(file=sys.stderr)
