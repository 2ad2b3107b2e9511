"""The state while a deployment runs: every intent before its act, every result after it, each on the disk.

Many threads report at once. A `commit` returns when a write that includes what was reported before it has ended; writes
that are wanted while one is under way become one.

A store need not rewrite everything at each commit (side_journal.py). A create is confirmed only when its record stands
where every program reads it: `confirm_later`. Until then the tag is on, and who has not read the record adopts the
resource.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import attrs

from batchiac.deploy.state.checkpoint import OperationType, PendingOperation, Snapshot
from batchiac.deploy.state.resource import ResourceState, renamed
from batchiac.deploy.state.side_journal import Change, key_of
from batchiac.deploy.state.store import Store

PARALLEL_CONFIRMATIONS = 64


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
        self._old: dict[tuple[str, str], ResourceState] = {key_of(state): state for state in base.resources}
        self._new: dict[str, ResourceState] = {}
        self._pending: dict[int, PendingOperation] = dict(enumerate(pending))
        self._numbers: dict[int, int] = {id(each): number for number, each in self._pending.items()}
        self._next = len(self._pending)
        self._changes: list[Change] = []
        self._unconfirmed: list[tuple[PendingOperation, Callable[[], object]]] = []
        self._confirmations: list[Future[None]] = []
        self._pool: ThreadPoolExecutor | None = None
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
                registered=len(self._new),
                intents=tuple(self._pending),
            )

    # -- reporting ----------------------------------------------------------------------------------------------------

    def begin(self, type_: OperationType, resource: ResourceState) -> PendingOperation:
        """Note an intent; it takes effect with the next commit."""
        operation = PendingOperation(resource, type_)
        with self._lock:
            number = self._numbers[id(operation)] = self._next
            self._next += 1
            self._pending[number] = operation
            self._changes.append(Change("begin", resource, number=number, type=type_))
        return operation

    def exchange_intent(self, operation: PendingOperation, resource: ResourceState) -> None:
        """The intent's resource is known better now: it has its id."""
        with self._lock:
            number = self._numbers[id(operation)]
            self._pending[number] = PendingOperation(resource, operation.type)
            self._changes.append(Change("begin", resource, number=number, type=operation.type))

    def end(self, operation: PendingOperation) -> None:
        """The intent is settled, one way or the other."""
        with self._lock:
            self._end(self._numbers[id(operation)])

    def put(self, state: ResourceState, *, instead_of: ResourceState | None = None) -> None:
        """`state` is what there is now under its URN; `instead_of` is the old entry that it continues."""
        with self._lock:
            self._new[state.urn] = state
            self._changes.append(Change("put", state))
            if instead_of is not None:
                self._drop(key_of(instead_of))
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
                (key_of(new) if key == key_of(old) else key): (new if key == key_of(old) else state)
                for key, state in self._old.items()
            }
            self._changes.append(Change("exchange", new, key_of(old)))

    def drop(self, state: ResourceState) -> None:
        """An old entry is gone, and with it whatever an earlier run had under way on it."""
        with self._lock:
            self._drop(key_of(state))
            for number, each in list(self._pending.items()):
                if each.type != "creating" and each.resource.urn == state.urn and each.resource.id == state.id:
                    self._end(number)

    def outputs(self, urn: str, outputs: Mapping[str, Any]) -> None:
        """A component's, or the stack's, outputs."""
        with self._lock:
            self._new[urn] = attrs.evolve(self._new[urn], outputs=outputs)
            self._changes.append(Change("put", self._new[urn]))

    def confirm_later(self, operation: PendingOperation, confirm: Callable[[], object]) -> None:
        """Call `confirm` once what was reported so far is where every program reads it; then the intent is settled."""
        with self._lock:
            self._unconfirmed.append((operation, confirm))

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
                changes, self._changes = self._changes, []
                waiting = list(self._unconfirmed)
            if self._store.note(changes, self.snapshot):
                self._confirm(waiting)
            self._saved = upto

    def close(self) -> None:
        """Everything on the disk where every program reads it, and every create confirmed.

        Raises:
            What the first failing confirmation raised, when all have ended; its intent stays.
        """
        if self._store is None:
            return
        with self._saving:
            self._save_whole()
        failures = [each.exception() for each in self._confirmations]
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            with self._saving:
                self._save_whole()
        if failure := next(filter(None, failures), None):
            raise failure

    def _save_whole(self) -> None:
        assert self._store is not None
        with self._lock:
            upto = self._wanted
            self._changes = []
            waiting = list(self._unconfirmed)
        self._store.save(self.snapshot())
        self._saved = upto
        self._confirm(waiting)

    def _confirm(self, waiting: Iterable[tuple[PendingOperation, Callable[[], object]]]) -> None:
        for each in waiting:
            self._unconfirmed.remove(each)
            if self._pool is None:
                self._pool = ThreadPoolExecutor(PARALLEL_CONFIRMATIONS, thread_name_prefix="confirm")
            self._confirmations.append(self._pool.submit(self._confirm_one, *each))

    def _confirm_one(self, operation: PendingOperation, confirm: Callable[[], object]) -> None:
        confirm()
        self.end(operation)

    def _drop(self, key: tuple[str, str]) -> None:
        if self._old.pop(key, None) is not None:
            self._changes.append(Change("drop", key=key))

    def _end(self, number: int) -> None:
        if self._pending.pop(number, None) is not None:
            self._changes.append(Change("end", number=number))

    def _rename(self, names: Mapping[str, str]) -> None:
        for key, state in self._old.items():
            if (changed := renamed(state, names)) is not state:
                self._old[key] = changed
                self._changes.append(Change("exchange", changed, key))
