"""Waiting rows in order, as runs.

A lane is a first-in first-out list of rows of which only the head is looked at. Neighbouring rows are one run, so
10,000 children, or 10,000 jobs submitted one after the other, are two integers. A row that left RUNNABLE while it
waited (cancelled, terminated) stays where it is and is passed over when its turn comes.
"""

from __future__ import annotations

from collections import deque

from batchiac.engine.kernel.events import ROW_BITS, ROW_MASK

RUNNABLE = 2


class Lane:
    """One first-in first-out list. `cursor`..`end` is the current run; `runs` the ones behind it.

    A run is one integer, `first << ROW_BITS | end`: many are of one row, and a tuple would take three objects.
    """

    __slots__ = ("cursor", "end", "runs", "status")

    def __init__(self, status: bytearray) -> None:
        """`status`: the ledger's column."""
        self.status = status
        self.cursor = 0
        self.end = 0
        self.runs: deque[int] = deque()

    def append(self, first: int, end: int) -> None:
        """Put the rows `first`..`end`-1 at the back."""
        runs = self.runs
        if runs:
            if runs[-1] & ROW_MASK == first:
                runs[-1] += end - first
            else:
                runs.append(first << ROW_BITS | end)
        elif self.cursor >= self.end:
            self.cursor, self.end = first, end
        elif self.end == first:
            self.end = end
        else:
            runs.append(first << ROW_BITS | end)

    def extend(self, rows: list[int]) -> None:
        """Put single rows at the back, in ascending order."""
        self.append(rows[0], rows[0] + 1)
        runs, end = self.runs, rows[0] + 1
        for row in rows[1:]:
            if row != end:
                runs.append(row << ROW_BITS | row + 1)
            elif runs:
                runs[-1] += 1
            else:
                self.end += 1
            end = row + 1

    def next_run(self) -> None:
        """The current run is used up, and there is another."""
        run = self.runs.popleft()
        self.cursor, self.end = run >> ROW_BITS, run & ROW_MASK

    def push_front(self, row: int) -> None:
        """Put one row before all others: a retried job "goes to the front of the queue"."""
        if self.cursor < self.end:
            if self.cursor == row + 1:
                self.cursor = row
                return
            self.runs.appendleft(self.cursor << ROW_BITS | self.end)
        self.cursor, self.end = row, row + 1

    def head(self) -> int:
        """The first row that is still RUNNABLE, -1 when there is none. What was passed over is forgotten."""
        status = self.status
        while True:
            cursor, end = self.cursor, self.end
            if cursor < end:
                if status[cursor] == RUNNABLE:
                    return cursor
                at = status.find(RUNNABLE, cursor, end)
                if at >= 0:
                    self.cursor = at
                    return at
                self.cursor = end
            if not self.runs:
                return -1
            self.next_run()

    def preview(self, limit: int) -> list[int]:
        """The first `limit` RUNNABLE rows in order; nothing is forgotten."""
        found: list[int] = []
        for first, end in ((self.cursor, self.end), *((run >> ROW_BITS, run & ROW_MASK) for run in self.runs)):
            at = self.status.find(RUNNABLE, first, end)
            while at >= 0:
                if len(found) == limit:
                    return found
                found.append(at)
                at = self.status.find(RUNNABLE, at + 1, end)
        return found
