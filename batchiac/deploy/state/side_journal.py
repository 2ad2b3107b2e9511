"""What a run has done since the checkpoint was last written: a file beside it that only grows (decision 0306).

Rewriting the checkpoint of 1,000 resources takes a hundred times what the one that changed does. So a run appends each
change here, flushed to the disk, and writes the checkpoint now and then, and at its end. Whoever opens the stack after
a crash reads the checkpoint and does again what stands here.

    {"base": "<SHA-256 of the checkpoint that this follows>", "registered": 12, "intents": [3]}
    [{"do": "put", …}, {"do": "end", …}]           what was written at once; what each change means is in ledger.py

`registered` of the checkpoint's entries, the first ones, were the run's own by then; what it put later comes after them
and before the rest. `intents` are the numbers that the run knows the checkpoint's pending operations by. A line that is
not whole was never acknowledged, and is the last one: so what one line says happened at once, or not at all.

Where the checkpoint is another than `base`, somebody else has written it since (Pulumi's CLI, after `pulumi cancel`),
or the run died before it could begin this file anew: then only the intents count, of what that checkpoint says nothing
newer about.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

import attrs

from batchiac.deploy.state.atomic_file import flush_folder
from batchiac.deploy.state.checkpoint import Snapshot, read_json
from batchiac.deploy.state.ledger import Change, Ledger, change_from_json
from batchiac.errors import StateError


def digest_of(checkpoint: str) -> str:
    return hashlib.sha256(checkpoint.encode()).hexdigest()


class SideJournal:
    """The file. Not thread-safe: `deploy.state.journal` writes one batch at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_begun = False

    def append(self, changes: Iterable[str], base: str, saved: Snapshot) -> None:
        """Add one line; when this returns it is on the disk.

        Args:
            changes: each as JSON; without any, nothing is written.
            base: digest of the checkpoint that they follow, for a file that is begun.
            saved: what that checkpoint holds.

        Raises:
            OSError: the file is as it was.
        """
        text = ",".join(changes)
        if not text:
            return
        text = f"[{text}]\n"
        is_new = not self._is_begun
        if is_new:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"base": base, "registered": saved.registered, "intents": saved.intents}) + "\n" + text
        with self.path.open("wb" if is_new else "ab", buffering=0) as file:
            size = file.tell()
            try:
                left = memoryview(text.encode())
                while left:
                    left = left[file.write(left) :]
                os.fsync(file.fileno())
            except BaseException:
                # A full disk leaves a part of a line, and what came after it would make the file unreadable.
                with contextlib.suppress(OSError):
                    file.truncate(size)
                raise
        if is_new:
            flush_folder(self.path.parent)
            self._is_begun = True

    def clear(self) -> None:
        """Everything is in the checkpoint now. The folder stays: another stack may be about to write into it."""
        self._is_begun = False
        self.path.unlink(missing_ok=True)

    def applied_to(self, snapshot: Snapshot, base: str) -> Snapshot:
        """`snapshot` (of the checkpoint with the digest `base`) and what was done after it.

        Raises:
            StateError: the file is damaged.
        """
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
            head, *batches = records
            # A run of an earlier version wrote a line for each change.
            changes = [
                change_from_json(each) for batch in batches for each in (batch if isinstance(batch, list) else [batch])
            ]
            if head["base"] != base:
                return _with_intents(snapshot, changes)
            begun = attrs.evolve(snapshot, registered=int(head["registered"]), intents=tuple(head["intents"]))
            return _applied(begun, changes)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise self._damaged(f"a line lacks or misuses {error}") from error

    def _damaged(self, reason: str) -> StateError:
        return StateError(
            f"the journal of an interrupted run {self.path} cannot be used: {reason}; nothing was changed; remove it to"
            " go on from the checkpoint: what was created in that run's last second is adopted by its tag"
        )


def _applied(snapshot: Snapshot, changes: Iterable[Change]) -> Snapshot:
    ledger = Ledger(snapshot)
    for each in changes:
        ledger.apply(each)
    return attrs.evolve(ledger.snapshot(snapshot), registered=0, intents=())


def _with_intents(snapshot: Snapshot, changes: Iterable[Change]) -> Snapshot:
    """Creates that the checkpoint knows nothing of, and updates and deletions of what it still holds."""
    begun = _applied(Snapshot(), [each for each in changes if each.do in ("begin", "end")]).pending
    live = {state.urn for state in snapshot.resources}
    known = {each.resource.urn for each in snapshot.pending}
    more = [
        each
        for each in begun
        if each.resource.urn not in known
        and (
            each.resource.urn not in live
            if each.type == "creating"
            else any(each.is_on(state) for state in snapshot.resources)
        )
    ]
    return attrs.evolve(snapshot, pending=(*snapshot.pending, *more))
