"""What a run knows of its stack, and the changes that it goes through: one place that says what each of them does.

A run applies its changes here as it makes them (journal.py) and notes them on the disk (side_journal.py); whoever opens
the stack after a crash applies what was noted, here too. So what is read again is what the dead run knew.

    {"do": "put", "state": {…}, "key": ["urn", "id"]}   new; `key`, if any, is the old entry that it continues
    {"do": "drop", "key": ["urn", "id"]}                an old entry is gone
    {"do": "exchange", "key": ["urn", "id"], "state": {…}}
    {"do": "rename", "names": {"old urn": "new urn"}}   in old entries; an intent keeps the name that it was begun under
    {"do": "begin", "number": 3, "type": "creating", "state": {…}}    (again: the intent is known better now)
    {"do": "end", "number": 3}

A change that is applied twice does nothing the second time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs
from attrs import field, frozen

from batchiac.deploy.state.checkpoint import PendingOperation, Snapshot
from batchiac.deploy.state.resource import ResourceState, renamed, resource_from_json

Key = tuple[str, str]
"""(URN, id where the entry waits for its deletion, else empty)."""

NO_KEY: Key = ("", "")


def key_of(state: ResourceState) -> Key:
    """Of several entries with one URN all but one wait for their deletion; these are told apart by their id."""
    return (state.urn, state.id if state.delete else "")


@frozen(eq=False)
class Change:
    """One change.

    Attributes:
        do: put, drop, exchange, rename, begin or end.
        state: the entry of put, exchange and begin.
        key: of an old entry, for drop, exchange, and put where it continues one.
        number, type: of an intent.
        names: old URN → new URN.
    """

    do: str
    state: ResourceState | None = None
    key: Key = NO_KEY
    number: int = 0
    type: str = ""
    names: Mapping[str, str] = field(factory=dict)

    def text(self, entry: str | None) -> str:
        """The change as JSON; `entry` is the state's text."""
        said: dict[str, Any] = {"do": self.do}
        if self.key != NO_KEY:
            said["key"] = list(self.key)
        if self.do in ("begin", "end"):
            said["number"] = self.number
        if self.do == "begin":
            said["type"] = self.type
        if self.do == "rename":
            said["names"] = dict(self.names)
        text = json.dumps(said, separators=(",", ":"))
        return text if entry is None else f'{text[:-1]},"state":{entry}}}'


def change_from_json(record: Mapping[str, Any]) -> Change:
    """The change that `text` wrote.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    state = resource_from_json(record["state"]) if "state" in record else None
    if (record["do"] in ("put", "exchange", "begin")) != (state is not None):
        raise KeyError("state")
    urn, id_ = record.get("key", NO_KEY)
    names = dict(record.get("names", {}))
    return Change(record["do"], state, (urn, id_), record.get("number", 0), record.get("type", ""), names)


class Ledger:
    """What is new, what is left of the old, and what is under way. Changed by `apply` alone. Not thread-safe.

    Attributes:
        new: URN → what the run has registered, in the order in which it was finished.
        old: what the run has not registered again, or has replaced and not yet deleted, in its old order.
        pending: number → what was begun and has not ended.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        """
        Args:
            snapshot: its first `registered` entries are the run's own; `intents` number its pending operations.
        """
        states = snapshot.resources
        self.new: dict[str, ResourceState] = {state.urn: state for state in states[: snapshot.registered]}
        self.old: dict[Key, ResourceState] = {key_of(state): state for state in states[snapshot.registered :]}
        self.pending: dict[int, PendingOperation] = dict(zip(snapshot.intents, snapshot.pending, strict=True))
        self._moved: dict[Key, Key] = {}

    def key(self, key: Key) -> Key:
        """What an old entry is called now that was called `key` when somebody looked it up."""
        while key not in self.old and key in self._moved:
            key = self._moved[key]
        return key

    def snapshot(self, base: Snapshot) -> Snapshot:
        """`base` with what is known now."""
        return attrs.evolve(
            base,
            resources=(*self.new.values(), *self.old.values()),
            pending=tuple(self.pending.values()),
            registered=len(self.new),
            intents=tuple(self.pending),
        )

    def apply(self, change: Change) -> None:
        """Go through one change.

        Raises:
            ValueError: there is no such change.
        """
        state = change.state
        if change.do == "put" and state is not None:
            self.new[state.urn] = state
            self.old.pop(change.key, None)
        elif change.do == "drop":
            self.old.pop(change.key, None)
        elif change.do == "exchange" and state is not None:
            self._exchange(change.key, state)
        elif change.do == "rename":
            self._rename(change.names)
        elif change.do == "begin" and state is not None:
            self.pending[change.number] = PendingOperation(state, change.type)  # type: ignore[arg-type]
        elif change.do == "end":
            self.pending.pop(change.number, None)
        else:
            raise ValueError(f"do: {change.do!r}")

    def _exchange(self, key: Key, state: ResourceState) -> None:
        if key == key_of(state):
            if key in self.old:
                self.old[key] = state
            return
        # In its place: what it needs comes before it, what needs it after it.
        self.old = {
            (key_of(state) if each == key else each): (state if each == key else known)
            for each, known in self.old.items()
        }

    def _rename(self, names: Mapping[str, str]) -> None:
        old: dict[Key, ResourceState] = {}
        for key, state in self.old.items():
            changed = renamed(state, names)
            new_key = key if changed is state else key_of(changed)
            if new_key != key:
                self._moved[key] = new_key
            old[new_key] = changed
        self.old = old
