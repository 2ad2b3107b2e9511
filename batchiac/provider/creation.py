"""What every handler does alike: names, adoption, the state's place, diff by table, cleaning up after a failed create.

A handler of one kind adds: how to make it, settle it, find it, change it and remove it. Theory of a create:

1. What still carries our `batchiac:creating` tag from an interrupted create is adopted, or removed where a
   replacement would be needed to make it what is wanted.
2. Otherwise it is made, with the tag in the same call.
3. When AWS's Describe knows it (it may not yet, of what a create just returned), `_settle` does the rest (waits, parts
   that need calls of their own). It can be done twice.
4. The tag comes off (`confirm`). From here on the resource is what the state says.

An engine that keeps a record of its own calls 1 to 3 as `create_unconfirmed` and 4 when the record is on the disk; to
one whose create is a single call (Pulumi's), `create` is all four.

If 2 to 4 fail, the resource is removed again; where that fails too (no network, no credentials), the tag is left, the
next create adopts it, and `PartiallyCreatedError` tells the engines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchiac.errors import AwsRefusal, BatchiacError, PartiallyCreatedError, RefusedError, WaitError
from batchiac.model.handler import CreateResult, Properties
from batchiac.provider.identity import creating_tag
from batchiac.provider.kind import Kind
from batchiac.provider.place import require_known, require_place

_ALREADY_THERE = re.compile(r"already ?exists|already in use|\.Duplicate", re.IGNORECASE)
"""How EC2, IAM and Batch say that a name is taken: each has its own code, Batch only a text."""


class Creation(Kind):
    """Creating, adopting and discarding."""

    def create(self, inputs: Properties) -> CreateResult:
        """Adopt or make, settle, take the tag off."""
        made = self.create_unconfirmed(inputs)
        try:
            # The last call of all: what dies before it is adopted, and only what dies after it is not.
            self.confirm(made.id, made.outputs)
        except BatchiacError as error:
            self._clean_up(made.id, inputs, error)
            raise
        return made

    def create_unconfirmed(self, inputs: Properties) -> CreateResult:
        """Adopt or make, and settle; the tag stays on until `confirm`."""
        require_known(self.door, self.kind, inputs)
        account = self.door.account_id()
        resource_id = self._adopt(inputs)
        if resource_id is None and self.was_creating(inputs):
            resource_id = self._find_whole(inputs)
        new: Mapping[str, Any] | None = None
        try:
            if resource_id is None:
                resource_id = self._make_new(inputs)
                new = self._wait_for_new(resource_id, inputs)
            seen = self._settle(resource_id, inputs)
            if type(self)._settle is Kind._settle:
                # Nothing was to be settled: it is as it was when it was new.
                seen = new
            return CreateResult(resource_id, self._state(resource_id, inputs, account, seen))
        except PartiallyCreatedError:
            raise
        except BatchiacError as error:
            if resource_id is None:
                raise
            self._clean_up(resource_id, inputs, error)
            raise

    def confirm(self, resource_id: str, state: Properties) -> None:
        """Take the tag off; may be repeated. What is gone by now needs no confirmation: a refresh will say so."""
        try:
            self._remove_tags(resource_id, state, creating_tag(state))
        except AwsRefusal:
            if self._find(resource_id, state, whole=False) is not None:
                raise

    def discard(self, inputs: Properties) -> None:
        """Remove what an interrupted create of these inputs left; nothing is made, and nothing else is touched."""
        require_place(self.door, self.kind, inputs)
        for resource_id in self._find_creating(inputs):
            found = self._find(resource_id, inputs)
            if found is not None:
                self._remove(resource_id, self._left(inputs, found))

    def _adopt(self, inputs: Properties) -> str | None:
        """The id of what an interrupted create left, made to fit; None when there is nothing to adopt."""
        adopted: str | None = None
        for resource_id in self._find_creating(inputs):
            found = self._find(resource_id, inputs)
            if found is None:
                continue
            left = self._left(inputs, found)
            change = self.diff(left, inputs)
            if adopted is not None or change.replaces or not self._is_sound(found):
                self._remove(resource_id, left)
                continue
            if change.changes:
                self._settle(resource_id, left)
                self._change_tags(resource_id, left, inputs)
                self._change(resource_id, left, inputs)
            adopted = resource_id
        return adopted

    def _make_new(self, inputs: Properties) -> str:
        """Make it. An answer may be lost on its way and botocore send the request again: one is kept."""
        repeats = self.door.repeats()
        try:
            made = self._make(inputs, {**(inputs.get("tags") or {}), **creating_tag(inputs)})
        except AwsRefusal as refusal:
            if not _ALREADY_THERE.search(f"{refusal.code} {refusal.aws_message}"):
                raise
            if (ours := self._adopt(inputs)) is None:
                raise self._refuse_existing(inputs, refusal) from refusal
            return ours
        if self.door.repeats() != repeats:
            self._remove_twins(made, inputs)
        return made

    def _remove_twins(self, made: str, inputs: Properties) -> None:
        """Remove what else carries the creating tag of these inputs."""
        for resource_id in self._find_creating(inputs):
            if resource_id != made and (found := self._find(resource_id, inputs)) is not None:
                self._remove(resource_id, self._left(inputs, found))

    def _wait_for_new(self, resource_id: str, inputs: Properties) -> dict[str, Any]:
        try:
            return self.wait_until_seen(resource_id, inputs)
        except WaitError as error:
            # What Describe does not know cannot be removed either: it keeps its tag.
            raise PartiallyCreatedError(
                f"{error.message}, though AWS answered that it is made; it is taken up by the next run",
                resource_id=resource_id,
                outputs={**inputs},
            ) from error

    def _find_whole(self, inputs: Properties) -> str | None:
        """The id of what is in every input, tags too, what a run that died was about to make; None when none is."""
        for candidate in self._candidates(inputs):
            found = self._find(candidate, inputs)
            if found is None or not self._is_as_wanted(found, inputs):
                continue
            resource_id = self._id_of(candidate, found)
            if not self.is_held(str(inputs["identity"]), resource_id):
                return resource_id
        return None

    def _clean_up(self, resource_id: str, inputs: Properties, error: BatchiacError) -> None:
        """Remove what a failed create made; where that fails as well, say that the next run adopts it."""
        try:
            self._remove(resource_id, inputs)
        except BatchiacError as second:
            raise PartiallyCreatedError(
                f"{error.message}; {self.kind} {resource_id} was left ({second.message})"
                " and is taken up by the next run",
                resource_id=resource_id,
                outputs={**inputs},
            ) from error

    def _refuse_existing(self, inputs: Properties, refusal: AwsRefusal) -> RefusedError:
        """What to say when the name is taken by something that no interrupted create of ours left."""
        return RefusedError(
            f"{self.kind} {inputs.get(self.name_property)} exists already and is not this stack's"
            f" ({refusal.aws_message}): choose another name, delete it, or import it"
        )
