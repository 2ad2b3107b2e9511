"""One request at a time: the lock that orders requests, a clock that stands still inside one, and the record of each.

A change is written down after it took effect and before its answer leaves, still inside the turn. So what a client was
told is in the journal, in the order in which it happened; what it was not told may or may not be, as with any server.
Inside a turn the stack's time does not flow, so that the time in a record is exactly the time of its effects.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from batchiac.local.api_error import ApiError


class HeldTime:
    """A monotonic clock that stands still while it is held; give it to the stack's clock as its `monotonic`."""

    def __init__(self) -> None:
        self._held: float | None = None
        self._depth = 0

    def __call__(self) -> float:
        return time.monotonic() if self._held is None else self._held

    def hold(self) -> None:
        """Stand still; a hold inside a hold changes nothing."""
        if not self._depth:
            self._held = time.monotonic()
        self._depth += 1

    def release(self) -> None:
        """Go on, when the outermost hold is released."""
        self._depth -= 1
        if not self._depth:
            self._held = None


class Recorder(Protocol):
    """What the turn tells of each request (history.py). All of it is called inside the turn."""

    def before_batch(self, account: str, region: str, operation: str, params: dict[str, Any]) -> dict[str, Any] | None:
        """The record of a Batch request, None for a read."""
        ...

    def before_http(self, service: str, environ: dict[str, Any]) -> dict[str, Any] | None:
        """The record of a request of another service, None for a read."""
        ...

    def before_control(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """The record of something that was asked for on a control path."""
        ...

    def during(self, record: dict[str, Any] | None) -> AbstractContextManager[None]:
        """Around the handling of the request."""
        ...

    def after(self, record: dict[str, Any] | None) -> None:
        """The request is handled (or refused, or failed): write it; None for a read, which may have moved the clock."""
        ...


class Turn:
    """The order of requests."""

    def __init__(self, recorder: Recorder | None = None, held: HeldTime | None = None) -> None:
        self.lock = threading.RLock()
        self._recorder = recorder
        self._held = held or HeldTime()

    @contextmanager
    def batch(self, account: str, region: str, operation: str, params: dict[str, Any]) -> Iterator[None]:
        """Around the handling of one Batch request."""
        with self.quietly():
            recorder = self._recorder
            if recorder is None:
                yield
                return
            record = recorder.before_batch(account, region, operation, params)
            try:
                with recorder.during(record):
                    yield
            except ApiError as refusal:
                if record is not None:
                    record["e"] = refusal.code
                raise
            finally:
                recorder.after(record)

    @contextmanager
    def http(self, service: str, environ: dict[str, Any]) -> Iterator[Callable[[str], None]]:
        """Around the handling of one request of another service; call what is given with the answer's status line."""
        with self.quietly():
            recorder = self._recorder
            if recorder is None:
                yield lambda status: None
                return
            record = recorder.before_http(service, environ)

            def answered(status: str) -> None:
                if record is not None:
                    record["st"] = int(status[:3])

            try:
                with recorder.during(record):
                    yield answered
            finally:
                recorder.after(record)

    @contextmanager
    def control(self, record: dict[str, Any]) -> Iterator[None]:
        """Around something that was asked for on a control path, or came from a running process."""
        with self.quietly():
            recorder = self._recorder
            if recorder is None:
                yield
                return
            written = recorder.before_control(record)
            try:
                with recorder.during(written):
                    yield
            finally:
                recorder.after(written)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """The turn, for what leaves no record: a tick, a look."""
        with self.lock:
            self._held.hold()
            try:
                yield
            finally:
                self._held.release()
