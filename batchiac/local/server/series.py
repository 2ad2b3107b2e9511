"""Numbers over time, kept within a fixed size: what the console draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MOST_POINTS = 2_000
"""Kept of a series; more are merged two by two."""


class Series:
    """Steps: each point holds from its time until the next. Merging keeps every peak, and blurs when it was.

    Args:
        names: of the values, in their order.
    """

    def __init__(self, *names: str, most: int = MOST_POINTS) -> None:
        self._names = names
        self._most = most
        self._points: list[tuple[int, ...]] = []

    def add(self, at_ms: int, *values: int) -> None:
        """The values from `at_ms` on, which is never before the last one."""
        points = self._points
        if points:
            if points[-1][1:] == values:
                return
            if points[-1][0] == at_ms:
                points[-1] = (at_ms, *values)
                return
        points.append((at_ms, *values))
        if len(points) > self._most:
            # The last one stays alone: it is the present.
            self._points = [*_merged(points[:-1], 2), points[-1]]

    def columns(self, now_ms: int, most: int) -> dict[str, Any]:
        """`{"at": [ms, …], name: […], …}`, oldest first, at most `most` + 2 points, ending at the present."""
        points = self._points
        if not points:
            return {name: [] for name in ("at", *self._names)}
        if len(points) > most:
            points = [*_merged(points[:-1], -(-len(points) // most)), points[-1]]
        points = [*points, (max(now_ms, points[-1][0]), *points[-1][1:])]
        return dict(zip(("at", *self._names), ([*column] for column in zip(*points, strict=True)), strict=True))


def _merged(points: Sequence[tuple[int, ...]], count: int) -> list[tuple[int, ...]]:
    """Each `count` neighbours as one: the first one's time, the highest of each value."""
    return [
        (points[at][0], *(max(values) for values in zip(*(each[1:] for each in points[at : at + count]), strict=True)))
        for at in range(0, len(points), count)
    ]
