"""Every job's row, as columns.

Whatever has a state has a row: a plain job, an array parent, each of its children, a multi-node parent, each node.
A submitted job has one contiguous range: its own row, then those of its children or nodes. A 10,000-child array costs
28 bytes a child and no object; what few rows have (reasons, earlier attempts) stands in dictionaries beside.

Rules: a row's `started`, `stopped`, `exit` are written when an attempt is placed, for the end that it will have unless
something intervenes; views show them only when the status says that they have come true. So a timeout, a crash and a
normal end are one event each, and an event that finds another status, or another `stopped`, is stale.
"""

from __future__ import annotations

from array import array
from typing import Any

from attrs import frozen

NEVER = -1
NO_HOST = -1
NO_EXIT = -1
CHUNK = 1024


@frozen
class PastAttempt:
    """An attempt that was followed by another. Times in ms, NEVER where it did not get so far."""

    started_at_ms: int
    stopped_at_ms: int
    host: int
    exit_code: int
    status_reason: str
    container_reason: str


@frozen
class Ending:
    """How an attempt ends, where it is not simply an exit of its container."""

    status_reason: str
    container_reason: str = ""
    retryable: bool = True


class Ledger:
    """The columns. Rows of purged jobs are given out again to jobs of the same size."""

    __slots__ = (
        "attempts", "container_reasons", "endings", "exit", "free", "host", "owner", "past", "started", "status",
        "status_reasons", "stopped", "used",
    )  # fmt: skip

    def __init__(self) -> None:
        self.status = bytearray()
        self.attempts = bytearray()
        self.owner = array("i")
        self.host = array("i")
        self.exit = array("h")
        self.started = array("q")
        self.stopped = array("q")
        self.endings: dict[int, Ending] = {}
        self.status_reasons: dict[int, str] = {}
        self.container_reasons: dict[int, str] = {}
        self.past: dict[int, list[PastAttempt]] = {}
        self.free: dict[int, list[int]] = {}
        self.used = 0

    def reserve_one(self, owner: int) -> int:
        """A row for a plain job."""
        if self.free:
            return self.reserve(1, owner)
        row = self.used
        if row == len(self.status):
            self._grow(CHUNK)
        self.used = row + 1
        self.owner[row] = owner
        return row

    def reserve(self, count: int, owner: int) -> int:
        """`count` rows in one range; the first one's number."""
        freed = self.free.get(count)
        if freed:
            row = freed.pop()
            end = row + count
            self.status[row:end] = self.attempts[row:end] = bytes(count)
            self.exit[row:end] = array("h", bytes(2)) * count
            self.host[row:end] = array("i", [NO_HOST]) * count
            self.started[row:end] = self.stopped[row:end] = array("q", [NEVER]) * count
        else:
            row = self.used
            end = row + count
            if end > len(self.status):
                self._grow(end - len(self.status))
            self.used = end
        self.owner[row:end] = array("i", [owner]) * count
        return row

    def _grow(self, count: int) -> None:
        self.status.extend(bytes(count))
        self.attempts.extend(bytes(count))
        self.exit.frombytes(bytes(2 * count))
        self.owner.extend(array("i", [NEVER]) * count)
        self.host.extend(array("i", [NO_HOST]) * count)
        never = array("q", [NEVER]) * count
        self.started.extend(never)
        self.stopped.extend(never)

    def release(self, row: int, count: int) -> None:
        """Forget a range: its job was purged."""
        rows = range(row, row + count)
        sparse: tuple[dict[int, Any], ...] = (self.endings, self.status_reasons, self.container_reasons, self.past)
        for facts in sparse:
            for each in [each for each in facts if each in rows] if len(facts) < count else rows:
                facts.pop(each, None)
        self.free.setdefault(count, []).append(row)
