"""The state while a deployment runs: every intent before its act, every result after it, each on the disk.

Many threads report at once. A `commit` returns when a write that includes what was reported before it has ended; writes
that are wanted while one is under way become one. What one call reports is in one write, or in none. Where a write has
failed, every later commit fails too: nothing is begun whose intent is not on the disk.

Callers hold entries that they looked up a while ago. An old entry changes meanwhile, when what it refers to is renamed;
so it is exchanged by a function of what it is by then.

A store need not rewrite everything at each commit (side_journal.py). A create is confirmed only when its record stands
where every program reads it: `confirm_later`. Until then the tag is on, and who has not read the record adopts the
resource.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import attrs

from batchiac.deploy.state.checkpoint import OperationType, PendingOperation, Snapshot
from batchiac.deploy.state.ledger import NO_KEY, Change, Key, Ledger, key_of
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.state.store import Store
from batchiac.deploy.urn import make_urn, parse_urn
from batchiac.errors import BatchiacError, StateError

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
        pending = tuple(pending)
        self._base = base
        self._store = store
        self._ledger = Ledger(
            attrs.evolve(base, pending=pending, intents=tuple(range(len(pending))), registered=0),
        )
        self._claimed: set[Key] = set()
        self._numbers = {id(each): number for number, each in self._ledger.pending.items()}
        self._next = len(pending)
        self._changes: list[Change] = []
        self._unconfirmed: list[tuple[PendingOperation, Callable[[], object]]] = []
        self._confirmations: list[Future[None]] = []
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._wanted = 0
        self._saved = 0
        self._failure: BaseException | None = None

    # -- reading ------------------------------------------------------------------------------------------------------

    def new(self, urn: str) -> ResourceState | None:
        """What this run has registered under `urn`."""
        return self._ledger.new.get(urn)

    def old(self, urn: str) -> ResourceState | None:
        """What the state held under `urn` and this run has not registered again yet."""
        with self._lock:
            return self._ledger.old.get(self._ledger.key((urn, "")))

    def claim(self, urn: str) -> ResourceState | None:
        """As `old`, for the registration that continues it: no other gets it, and until it is put it keeps its URN."""
        with self._lock:
            key = self._ledger.key((urn, ""))
            if key in self._claimed or key not in self._ledger.old:
                return None
            self._claimed.add(key)
            return self._ledger.old[key]

    def left(self) -> list[ResourceState]:
        """What is left of the old: not registered again, or replaced and still there."""
        with self._lock:
            return list(self._ledger.old.values())

    def pending(self) -> list[PendingOperation]:
        with self._lock:
            return list(self._ledger.pending.values())

    def snapshot(self) -> Snapshot:
        """The state as it is now."""
        with self._lock:
            return self._ledger.snapshot(self._base)

    # -- reporting ----------------------------------------------------------------------------------------------------

    def begin(self, type_: OperationType, resource: ResourceState) -> PendingOperation:
        """Note an intent; it takes effect with the next commit."""
        with self._lock:
            number = self._next
            self._next += 1
            return self._begin(number, type_, resource)

    def exchange_intent(self, operation: PendingOperation, resource: ResourceState) -> None:
        """The intent's resource is known better now: it has its id."""
        with self._lock:
            self._begin(self._numbers[id(operation)], operation.type, resource)

    def end(self, operation: PendingOperation) -> None:
        """The intent is settled, one way or the other."""
        with self._lock:
            self._end(self._numbers[id(operation)])

    def put(self, state: ResourceState, *, instead_of: ResourceState | None = None) -> None:
        """`state` is what there is now under its URN; `instead_of` is the old entry that it continues."""
        with self._lock:
            key = NO_KEY if instead_of is None else self._ledger.key(key_of(instead_of))
            known = self._ledger.old.get(key)
            self._note(Change("put", state, key if known is not None else NO_KEY))
            if known is not None:
                self._rename(known.urn, state.urn)

    def replace(self, old: ResourceState, state: ResourceState) -> None:
        """`state` was created instead of `old`, which waits for its deletion: until then the state holds both."""
        with self._lock:
            key = self._ledger.key(key_of(old))
            known = self._ledger.old[key]
            self._note(Change("exchange", attrs.evolve(known, delete=True), key))
            self._note(Change("put", state))
            self._rename(known.urn, state.urn)

    def exchange(self, old: ResourceState, change: Callable[[ResourceState], ResourceState]) -> None:
        """An old entry stays old, changed: `change` makes it of what it is by now."""
        with self._lock:
            key = self._ledger.key(key_of(old))
            if (known := self._ledger.old.get(key)) is not None:
                self._note(Change("exchange", change(known), key))

    def drop(self, state: ResourceState) -> None:
        """An old entry is gone, and with it whatever an earlier run had under way on it."""
        with self._lock:
            key = self._ledger.key(key_of(state))
            if key in self._ledger.old:
                self._note(Change("drop", key=key))
            for number, each in list(self._ledger.pending.items()):
                if each.is_on(state):
                    self._end(number)

    def outputs(self, urn: str, outputs: Mapping[str, Any]) -> None:
        """A component's, or the stack's, outputs."""
        with self._lock:
            self._note(Change("put", attrs.evolve(self._ledger.new[urn], outputs=outputs)))

    def confirm_later(self, operation: PendingOperation, confirm: Callable[[], object]) -> None:
        """Call `confirm` once what was reported so far is where every program reads it; then the intent is settled."""
        with self._lock:
            self._unconfirmed.append((operation, confirm))

    def commit(self) -> None:
        """Return when everything that was reported so far is on the disk.

        Raises:
            StateError: it could not be written, now or at an earlier commit. Nothing may be begun.
        """
        if self._store is None:
            return
        with self._lock:
            self._wanted += 1
            mine = self._wanted
        with self._saving:
            if self._saved >= mine:
                return
            self._require_written()
            with self._lock:
                upto = self._wanted
                # Not put back if the write fails: nothing is noted after that, and `close` writes everything.
                changes, self._changes = self._changes, []
                waiting = list(self._unconfirmed)
            try:
                is_whole = self._store.note(changes, self._whole)
            except BaseException as error:
                self._failure = error
                raise
            self._saved = upto
            if is_whole:
                self._confirm(waiting)

    def close(self) -> None:
        """Everything on the disk where every program reads it, and every create confirmed.

        Raises:
            What the first failing confirmation raised, when all have ended; its intent stays.
        """
        if self._store is None:
            return
        try:
            with self._saving:
                self._save_whole()
        finally:
            if self._pool is not None:
                self._pool.shutdown(wait=True)
        if self._pool is not None:
            with self._saving:
                self._save_whole()
        if failure := next(filter(None, (each.exception() for each in self._confirmations)), None):
            raise failure

    # -- parts --------------------------------------------------------------------------------------------------------

    def _require_written(self) -> None:
        if isinstance(self._failure, BatchiacError):
            raise copy.copy(self._failure) from self._failure
        if self._failure is not None:
            raise StateError(
                f"the state could not be written: {self._failure!r}; what was being done is taken up by the next run"
            ) from self._failure

    def _whole(self) -> Snapshot:
        """The snapshot, for a write that makes noting what led to it needless."""
        with self._lock:
            self._changes = []
            return self._ledger.snapshot(self._base)

    def _save_whole(self) -> None:
        assert self._store is not None
        with self._lock:
            upto = self._wanted
            waiting = list(self._unconfirmed)
        self._store.save(self._whole())
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

    # What follows is called with the lock held.

    def _note(self, change: Change) -> None:
        self._ledger.apply(change)
        self._changes.append(change)

    def _begin(self, number: int, type_: OperationType, resource: ResourceState) -> PendingOperation:
        self._note(Change("begin", resource, number=number, type=type_))
        operation = self._ledger.pending[number]
        self._numbers[id(operation)] = number
        return operation

    def _end(self, number: int) -> None:
        if number in self._ledger.pending:
            self._note(Change("end", number=number))

    def _rename(self, old: str, new: str) -> None:
        """What is old refers to `new` from now on; what is below it is called as it is there.

        As Pulumi does with the snapshot that it saves: a URN has the types of all that is above in it, so a program
        whose component changed its type would not find what it declares below it in the next run. An intent keeps its
        URN: what a dead run made carries the tag of that.
        Source: pulumi/pkg/resource/deploy/snapshot.go, NormalizeURNReferences.
        """
        if old == new:
            return
        names = {old: new}
        for state in self._ledger.old.values():
            if state.parent not in names or (state.urn, "") in self._claimed:
                continue
            parts = parse_urn(state.urn)
            urn = make_urn(parts.stack, parts.project, parts.type, parts.name, names[state.parent])
            if urn != state.urn and urn not in self._ledger.new and (urn, "") not in self._ledger.old:
                names[state.urn] = urn
        self._note(Change("rename", names=names))
