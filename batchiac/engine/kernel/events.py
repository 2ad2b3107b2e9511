"""The event queue.

Events are ordered by (time, priority, serial), so that the same commands give the same order on every machine. There
are two heaps. `rows` holds what there is most of, the end of a running attempt, as one integer
(`time << ROW_BITS | row`): comparing integers is what makes a million jobs cheap, and a row can have only one live
end. `calls` holds everything else as (time, priority, serial, action, argument). At the same time rows come first,
in order of row, then calls.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush
from typing import Any

ROW_BITS = 32
ROW_MASK = (1 << ROW_BITS) - 1

Action = Callable[[Any], None]
Call = tuple[int, int, int, Action, Any]


class EventQueue:
    """What is still to happen. Nothing is removed: an event that no longer applies finds so out when it comes.

    Background events (the chance that a Spot instance is taken back) happen while others wait; they alone do not
    make a simulation go on, or it would never be idle. `background` says how many of `calls` are such.
    """

    __slots__ = ("background", "calls", "rows", "serial")

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.calls: list[Call] = []
        self.serial = 0
        self.background = 0

    def call(self, at_ms: int, action: Action, argument: Any = None, *, priority: int = 0) -> None:
        """Have `action(argument)` called at `at_ms`; lower `priority` first among those of one time.

        A negative priority marks a background event.
        """
        self.serial += 1
        if priority < 0:
            self.background += 1
        heappush(self.calls, (at_ms, priority, self.serial, action, argument))

    def next_at_ms(self) -> int | None:
        """The time of the next event, None when nothing but background events is left."""
        if self.rows:
            at_ms = self.rows[0] >> ROW_BITS
            return min(at_ms, self.calls[0][0]) if self.calls else at_ms
        return self.calls[0][0] if len(self.calls) > self.background else None
