"""What a run has done since the checkpoint was last written: a file beside it that only grows (decision 0306).

Rewriting the checkpoint of 1,000 resources takes a hundred times what the one that changed does. So a run appends each
change here, flushed to the disk, and writes the checkpoint now and then, and at its end. Whoever opens the stack after
a crash reads the checkpoint and does again what stands here.

    {"base": "<SHA-256 of the checkpoint that this follows>", "registered": 12, "intents": [3]}
    {"do": "put", "state": {…}}                         new, or what continues an old entry (which is dropped)
    {"do": "drop", "key": ["urn", "id"]}                an old entry is gone
    {"do": "exchange", "key": ["urn", "id"], "state": {…}}
    {"do": "begin", "number": 3, "type": "creating", "state": {…}}    (again: the intent is known better now)
    {"do": "end", "number": 3}

`registered` of the checkpoint's entries, the first ones, were the run's own by then; what it put later comes after them
and before the rest. `intents` are the numbers that the run knows the checkpoint's pending operations by. A line that is
not whole was never acknowledged, and is the last one.

Where the checkpoint is another than `base`, somebody else has written it since (Pulumi's CLI, after `pulumi cancel`),
or the run died before it could begin this file anew: then only the intents count, of what that checkpoint says nothing
newer about.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from batchiac.deploy.state.checkpoint import PendingOperation, Snapshot, read_json
from batchiac.deploy.state.resource import ResourceState, resource_from_json
from batchiac.errors import StateError


@frozen(eq=False)
class Change:
    """One line.

    Attributes:
        do: put, drop, exchange, begin or end.
        state: the entry, None for drop and end.
        key: (URN, id where the entry waits for its deletion, else empty).
        number, type: of an intent.
    """

    do: str
    state: ResourceState | None = None
    key: tuple[str, str] = ("", "")
    number: int = 0
    type: str = ""

    def line(self, entry: str | None) -> str:
        """The line; `entry` is the state's text."""
        head = {"do": self.do}
        rest: dict[str, Any] = {}
        if self.do in ("drop", "exchange"):
            rest["key"] = list(self.key)
        if self.do in ("begin", "end"):
            rest["number"] = self.number
        if self.do == "begin":
            rest["type"] = self.type
        text = json.dumps({**head, **rest}, separators=(",", ":"))
        return f"{text}\n" if entry is None else f'{text[:-1]},"state":{entry}}}\n'


def key_of(state: ResourceState) -> tuple[str, str]:
    """Of several entries with one URN all but one wait for their deletion; these are told apart by their id."""
    return (state.urn, state.id if state.delete else "")


def digest_of(checkpoint: str) -> str:
    return hashlib.sha256(checkpoint.encode()).hexdigest()


class SideJournal:
    """The file. Not thread-safe: `deploy.state.journal` writes one batch at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_begun = False

    def append(self, lines: Iterable[str], base: str, saved: Snapshot) -> None:
        """Add lines; when this returns they are on the disk.

        Args:
            base: digest of the checkpoint that they follow, for a file that is begun.
            saved: what that checkpoint holds.
        """
        text = "".join(lines)
        if is_new := not self._is_begun:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"base": base, "registered": saved.registered, "intents": saved.intents}) + "\n" + text
        with self.path.open("w" if is_new else "a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            self._is_begun = True
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def clear(self) -> None:
        """Everything is in the checkpoint now."""
        self._is_begun = False
        self.path.unlink(missing_ok=True)
        for folder in (self.path.parent, self.path.parent.parent):
            try:
                folder.rmdir()
            except OSError:
                break

    def applied_to(self, snapshot: Snapshot, base: str) -> Snapshot:
        """`snapshot` (of the checkpoint with the digest `base`) and what was done after it."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return snapshot
        except (OSError, UnicodeDecodeError) as error:
            raise self._damaged(str(error)) from error
        records = []
        # What follows the last line end was cut off in the writing.
        for line in text.split("\n")[:-1]:
            try:
                records.append(read_json(line))
            except ValueError as error:
                raise self._damaged(f"{error} in line {len(records) + 1}") from error
        if not records:
            return snapshot
        try:
            changes = [_change(each) for each in records[1:]]
            follows = records[0]["base"] == base
            registered, intents = int(records[0]["registered"]), list(records[0]["intents"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise self._damaged(f"a line lacks or misuses {error}") from error
        if not follows:
            return _with_intents(snapshot, changes)
        return _replayed(attrs.evolve(snapshot, registered=registered, intents=tuple(intents)), changes)

    def _damaged(self, reason: str) -> StateError:
        return StateError(
            f"the journal of an interrupted run {self.path} cannot be used: {reason}; nothing was changed; remove it to"
            " go on from the checkpoint: what was created in that run's last second is adopted by its tag"
        )


def _change(record: Mapping[str, Any]) -> Change:
    state = resource_from_json(record["state"]) if "state" in record else None
    urn, id_ = record.get("key", ("", ""))
    return Change(record["do"], state, (urn, id_), record.get("number", 0), record.get("type", ""))


def _intents(pending: Mapping[int, PendingOperation], changes: Iterable[Change]) -> list[PendingOperation]:
    open_ = dict(pending)
    for each in changes:
        if each.do == "begin" and each.state is not None:
            open_[each.number] = PendingOperation(each.state, each.type)  # type: ignore[arg-type]
        elif each.do == "end":
            open_.pop(each.number, None)
    return list(open_.values())


def _replayed(snapshot: Snapshot, changes: list[Change]) -> Snapshot:
    new: dict[str, ResourceState] = {state.urn: state for state in snapshot.resources[: snapshot.registered]}
    old = {key_of(state): state for state in snapshot.resources[snapshot.registered :]}
    pending = dict(zip(snapshot.intents, snapshot.pending, strict=True))
    for each in changes:
        if each.do == "put" and each.state is not None:
            new[each.state.urn] = each.state
        elif each.do == "drop":
            old.pop(each.key, None)
        elif each.do == "exchange" and each.state is not None:
            old = {
                (key_of(each.state) if key == each.key else key): (each.state if key == each.key else state)
                for key, state in old.items()
            }
    return attrs.evolve(
        snapshot,
        resources=(*new.values(), *old.values()),
        pending=tuple(_intents(pending, changes)),
        registered=0,
        intents=(),
    )


def _with_intents(snapshot: Snapshot, changes: list[Change]) -> Snapshot:
    """Creates that the checkpoint knows nothing of, and updates and deletions of what it still holds."""
    live = {state.urn for state in snapshot.resources}
    known = {each.resource.urn for each in snapshot.pending}
    more = [
        each
        for each in _intents({}, changes)
        if each.resource.urn not in known and (each.resource.urn in live) == (each.type != "creating")
    ]
    return attrs.evolve(snapshot, pending=(*snapshot.pending, *more))
