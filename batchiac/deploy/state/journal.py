"""The state while a deployment runs: every intent before its act, every result after it, each on the disk.

Many threads report at once. A `commit` returns when a save that includes what was reported before it has ended; saves
that are wanted while one is being written become one save.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from batchiac.deploy.state.checkpoint import OperationType, PendingOperation, Snapshot
from batchiac.deploy.state.resource import ResourceState, renamed
from batchiac.deploy.state.store import Store


class Journal:
    """What is new, what is left of the old, and what is under way.

    The snapshot that it makes is valid at every moment: what is new comes in the order in which it was finished (so
    after everything that it needs), then what is left of the old in its old order.
    """

    def __init__(self, base: Snapshot, store: Store | None, *, pending: Iterable[PendingOperation] = ()) -> None:
        """
        Args:
            store: None for a preview, which keeps nothing.
            pending: intents of an earlier run that are not settled yet.
        """
        self._base = base
        self._store = store
        self._old: dict[tuple[str, str], ResourceState] = {_key(state): state for state in base.resources}
        self._new: dict[str, ResourceState] = {}
        self._pending: dict[int, PendingOperation] = {id(each): each for each in pending}
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._wanted = 0
        self._saved = 0

    # -- reading ------------------------------------------------------------------------------------------------------

    def new(self, urn: str) -> ResourceState | None:
        """What this run has registered under `urn`."""
        return self._new.get(urn)

    def old(self, urn: str) -> ResourceState | None:
        """What the state held under `urn` and this run has not registered again yet."""
        return self._old.get((urn, ""))

    def left(self) -> list[ResourceState]:
        """What is left of the old: not registered again, or replaced and still there."""
        with self._lock:
            return list(self._old.values())

    def pending(self) -> list[PendingOperation]:
        with self._lock:
            return list(self._pending.values())

    def snapshot(self) -> Snapshot:
        """The state as it is now."""
        with self._lock:
            return attrs.evolve(
                self._base,
                resources=(*self._new.values(), *self._old.values()),
                pending=tuple(self._pending.values()),
            )

    # -- reporting ----------------------------------------------------------------------------------------------------

    def begin(self, type_: OperationType, resource: ResourceState) -> PendingOperation:
        """Note an intent; it takes effect with the next commit."""
        operation = PendingOperation(resource, type_)
        with self._lock:
            self._pending[id(operation)] = operation
        return operation

    def exchange_intent(self, operation: PendingOperation, resource: ResourceState) -> None:
        """The intent's resource is known better now: it has its id."""
        with self._lock:
            self._pending[id(operation)] = PendingOperation(resource, operation.type)

    def end(self, operation: PendingOperation) -> None:
        """The intent is settled, one way or the other."""
        with self._lock:
            self._pending.pop(id(operation), None)

    def put(self, state: ResourceState, *, instead_of: ResourceState | None = None) -> None:
        """`state` is what there is now under its URN; `instead_of` is the old entry that it continues."""
        with self._lock:
            self._new[state.urn] = state
            if instead_of is not None:
                self._old.pop(_key(instead_of), None)
                if instead_of.urn != state.urn:
                    self._rename({instead_of.urn: state.urn})

    def rename(self, names: Mapping[str, str]) -> None:
        """Old entries refer to resources by their new URNs from now on (old → new)."""
        with self._lock:
            self._rename(names)

    def exchange(self, old: ResourceState, new: ResourceState) -> None:
        """An old entry stays old, changed: waiting for its deletion, or deleted and waiting to be created again."""
        with self._lock:
            self._old = {
                (_key(new) if key == _key(old) else key): (new if key == _key(old) else state)
                for key, state in self._old.items()
            }

    def drop(self, state: ResourceState) -> None:
        """An old entry is gone, and with it whatever an earlier run had under way on it."""
        with self._lock:
            self._old.pop(_key(state), None)
            for number, each in list(self._pending.items()):
                if each.type != "creating" and each.resource.urn == state.urn and each.resource.id == state.id:
                    del self._pending[number]

    def outputs(self, urn: str, outputs: Mapping[str, Any]) -> None:
        """A component's, or the stack's, outputs."""
        with self._lock:
            self._new[urn] = attrs.evolve(self._new[urn], outputs=outputs)

    def commit(self) -> None:
        """Return when everything that was reported so far is on the disk."""
        if self._store is None:
            return
        with self._lock:
            self._wanted += 1
            mine = self._wanted
        with self._saving:
            if self._saved >= mine:
                return
            with self._lock:
                upto = self._wanted
            self._store.save(self.snapshot())
            self._saved = upto

    def _rename(self, names: Mapping[str, str]) -> None:
        self._old = {key: renamed(state, names) for key, state in self._old.items()}


def _key(state: ResourceState) -> tuple[str, str]:
    """Of several entries with one URN all but one wait for their deletion; these are told apart by their id."""
    return (state.urn, state.id if state.delete else "")
