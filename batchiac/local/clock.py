"""The stack's time: real, scaled, virtual, or auto (DESIGN, "Clocks").

    real       as the machine's
    scaled:N   N times as fast
    virtual    stands still, and moves when told
    auto       as virtual, and a Describe of something in transition moves it to the next event

`flowing` lets virtual and auto go with the machine's time as well, so that what happens "now" never lies before what
the caller's own clock says: what users of plain moto expect. Without it they start at a fixed instant, and two runs
have the same times.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from batchiac.errors import UsageError

EPOCH_MS = 1_767_225_600_000
"""Where a clock that does not flow starts: 2026-01-01T00:00:00Z."""

FORMS = "real, virtual, auto, scaled:N (N times as fast as real time, such as scaled:60)"


class Clock:
    """Milliseconds since 1970 on the stack's own time.

    Args:
        kind: one of `FORMS`.
        flowing: see the module.
        monotonic: seconds that only grow; an argument so that tests decide over time.
        wall: seconds since 1970.

    Raises:
        UsageError: another kind.
    """

    def __init__(
        self,
        kind: str = "virtual",
        *,
        flowing: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.kind, _, factor = kind.partition(":")
        self._monotonic = monotonic
        if self.kind == "scaled" and _is_positive(factor):
            self._rate = float(factor)
        elif self.kind in ("real", "virtual", "auto") and not factor:
            self._rate = 1.0 if self.kind == "real" or flowing else 0.0
        else:
            raise UsageError(f"clock is {kind!r}: allowed are {FORMS}")
        self._base_ms = int(wall() * 1000) if self._rate else EPOCH_MS
        self._since = monotonic()
        self._skipped_ms = 0

    @property
    def can_skip(self) -> bool:
        """True where time moves when told: virtual and auto."""
        return self.kind in ("virtual", "auto")

    @property
    def observes(self) -> bool:
        """True where a Describe of something in transition moves time: auto."""
        return self.kind == "auto"

    def now_ms(self) -> int:
        """The stack's present."""
        flowed = int((self._monotonic() - self._since) * 1000 * self._rate) if self._rate else 0
        return self._base_ms + self._skipped_ms + flowed

    def skip_to(self, at_ms: int) -> None:
        """Move a virtual or auto clock forward; a moment that has passed changes nothing.

        Raises:
            UsageError: a real or scaled clock.
        """
        if not self.can_skip:
            raise UsageError(f"the clock is {self.kind}: only a virtual or auto clock can be moved")
        self._skipped_ms += max(0, at_ms - self.now_ms())

    def start_at(self, at_ms: int) -> None:
        """Take up time at a moment of an earlier process (a restart); a moment before now changes nothing."""
        self._skipped_ms += max(0, at_ms - self.now_ms())

    def real_seconds_until(self, at_ms: int) -> float | None:
        """Seconds of the machine's time until then, 0 when it has come; None where it comes only when told."""
        left_ms = at_ms - self.now_ms()
        if left_ms <= 0:
            return 0.0
        return left_ms / 1000 / self._rate if self._rate else None


def _is_positive(text: str) -> bool:
    try:
        return 0 < float(text) < 1e9
    except ValueError:
        return False
