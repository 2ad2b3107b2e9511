"""One change at a time: the lock that orders requests, and the place where each change reaches the journal.

A change is written down after it took effect and before its answer leaves, still inside the turn. So what a client was
told is in the journal, in the order in which it happened; what it was not told may or may not be, as with any server.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Recorder(Protocol):
    """What the turn tells of each change (journal.py; nothing where no `--data` was given)."""

    def before_http(self, service: str, environ: dict[str, Any]) -> dict[str, Any] | None:
        """Called before a request of another service than Batch; the record to be written after it, None for a read."""
        ...

    def write(self, record: dict[str, Any]) -> None:
        """Write one record; it is in the operating system's hands when this returns."""
        ...

    def clock_record(self, seconds: float | None) -> dict[str, Any]:
        """The record of a move of the clock by so many seconds, None until nothing is left to happen."""
        ...

    def fault_record(self, kind: str, settings: dict[str, Any]) -> dict[str, Any] | None:
        """The record of a fault of the simulation, None for one of requests."""
        ...

    def batch_record(self, account: str, region: str, operation: str, params: dict[str, Any]) -> dict[str, Any] | None:
        """The record of a Batch request, None for a read that moved no clock."""
        ...


class Turn:
    """The order of changes."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        self.lock = threading.RLock()
        self._recorder = recorder

    @contextmanager
    def batch(self, account: str, region: str, operation: str, params: dict[str, Any]) -> Iterator[None]:
        """Around the handling of one Batch request. A refused request is no change and is not written."""
        with self._written(lambda recorder: recorder.batch_record(account, region, operation, params)):
            yield

    @contextmanager
    def http(self, service: str, environ: dict[str, Any]) -> Iterator[None]:
        """Around the handling of one request of another service."""
        with self._written(lambda recorder: recorder.before_http(service, environ)):
            yield

    @contextmanager
    def clock(self, seconds: float | None) -> Iterator[None]:
        """Around a move of the clock that was asked for."""
        with self._written(lambda recorder: recorder.clock_record(seconds)):
            yield

    @contextmanager
    def fault(self, kind: str, settings: dict[str, Any]) -> Iterator[None]:
        """Around a fault that was asked for."""
        with self._written(lambda recorder: recorder.fault_record(kind, settings)):
            yield

    @contextmanager
    def _written(self, make_record: Callable[[Recorder], dict[str, Any] | None]) -> Iterator[None]:
        with self.lock:
            # What is handled may be edited on the way: the record is made first.
            record = None if self._recorder is None else make_record(self._recorder)
            yield
            if record is not None and self._recorder is not None:
                self._recorder.write(record)
