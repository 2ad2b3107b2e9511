"""Where a stack's state is kept, as the deployment sees it; and the store that lives as long as its process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from batchiac.deploy.state.checkpoint import Snapshot, find_damage
from batchiac.deploy.state.ledger import Change
from batchiac.deploy.values import Sealed
from batchiac.errors import InternalError, StateError


class Store(Protocol):
    """Keeps the state of one stack."""

    def load(self) -> Snapshot:
        """The last snapshot; an empty one for a stack that was never deployed.

        Raises:
            StateError: what is kept is damaged.
        """
        ...

    def save(self, snapshot: Snapshot) -> None:
        """Keep `snapshot`; when this returns, a crash does not lose it.

        Raises:
            StateError: it could not be written; what was kept before is.
        """
        ...

    def note(self, changes: Sequence[Change], snapshot: Callable[[], Snapshot]) -> bool:
        """Keep what has changed since the last save or note; when this returns, a crash does not lose it.

        Args:
            snapshot: all of it with the changes in, for a store that keeps it whole.

        Returns:
            True when the changes are kept as `save` keeps them: where Pulumi's CLI reads them.
        """
        ...

    def lock(self) -> AbstractContextManager[None]:
        """Hold the stack against other runs.

        Raises:
            StateError: another run holds it, or it cannot be held.
        """
        ...

    def holders(self) -> list[str]:
        """Who holds the stack, in words; nobody is the rule."""
        ...

    def unseal(self, sealed: Sealed) -> Any:
        """The value inside a secret of the state."""
        ...

    def record(self, kind: str, result: str, changes: dict[str, int], started_s: int) -> None:
        """Add a line to the stack's history.

        Args:
            kind: `update`, `refresh` or `destroy`.
            result: `succeeded` or `failed`.
            changes: step → how many.
            started_s: seconds since 1970.

        Raises:
            StateError: it could not be written; the state itself is not concerned.
        """
        ...


class MemoryStore:
    """State in memory: for tests, `demo` and `verify`, where stack and state end together. Secrets stay as they are."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self._snapshot = snapshot or Snapshot()
        self._lock = threading.Lock()

    def load(self) -> Snapshot:
        return self._snapshot

    def save(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def note(self, changes: Sequence[Change], snapshot: Callable[[], Snapshot]) -> bool:
        self._snapshot = snapshot()
        return True

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        if not self._lock.acquire(blocking=False):
            raise StateError("the stack is in use by another run in this process: wait for it to end")
        try:
            yield
        finally:
            self._lock.release()
        if problem := find_damage(self._snapshot.resources):
            raise InternalError(f"the new state is damaged: {problem}")

    def holders(self) -> list[str]:
        return ["another run in this process"] if self._lock.locked() else []

    def unseal(self, sealed: Sealed) -> Any:
        raise InternalError("a state in memory holds no ciphertext")

    def record(self, kind: str, result: str, changes: dict[str, int], started_s: int) -> None:
        """A state that ends with its process has no history."""
