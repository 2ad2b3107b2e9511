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
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from batchiac.aws.door import Door
from batchiac.aws.wait import wait_until
from batchiac.errors import AwsRefusal, BatchiacError, PartiallyCreatedError, RefusedError, UserError, WaitError
from batchiac.model.handler import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    Effect,
    Properties,
    PropertyChange,
    ReadResult,
)
from batchiac.model.unknown import UNKNOWN
from batchiac.provider.difference import ABSENT, differences, said_at
from batchiac.provider.identity import creating_tag, identity_of, logical_name, without_creating
from batchiac.provider.naming import AUTO_NAMED, auto_name
from batchiac.provider.normalise import normal
from batchiac.provider.read_back import merge_read
from batchiac.provider.written import as_written
from batchiac.rules.finding import Finding
from batchiac.rules.updates import effect_of

SEEN_DEADLINE_S = 60.0

_ALREADY_THERE = re.compile(r"already ?exists|already in use|\.Duplicate", re.IGNORECASE)
"""How EC2, IAM and Batch say that a name is taken: each has its own code, Batch only a text."""

PLACE = ("identity", "region", AUTO_NAMED)
"""Input keys of ours that say whose and where a resource is; never sent to AWS and never a change in themselves."""


class ResourceHandler(ABC):
    """The base of all handlers (batchiac.model.handler.Handler says what each method means)."""

    kind: ClassVar[str]
    name_property: ClassVar[str] = ""
    """The input that holds the physical name; empty where AWS gives ids only."""
    id_output: ClassVar[str] = ""
    """The output that equals the id, where AWS answers to other names of the resource as well."""
    longest_name: ClassVar[int] = 128
    outlives: ClassVar[tuple[str, ...]] = ()
    """Kinds that are deleted before this one, whether or not a program says that they depend on it."""
    inputs: ClassVar[tuple[str, ...]]
    """Every top-level input beside `PLACE` and tags. Persistent."""
    own_inputs: ClassVar[frozenset[str]] = frozenset()
    """Those of the inputs that the Create API does not know: ours, or the Update API's. The rules do not see them."""
    outputs: ClassVar[tuple[str, ...]]
    """Every top-level output beside the inputs and `account`. Persistent."""

    was_creating: Callable[[Properties], bool]
    """True when its adapter knows of a run that died while it created these inputs; an engine that records a create
    before `confirm` never needs it."""
    is_held: Callable[[str, str], bool]
    """(identity, id): True when the stack's state has that id already, as that of any resource."""
    neighbours: Callable[[str, str], Iterable[Properties]]
    """(identity, kind): the outputs of every resource of that kind in the state of the stack that the identity names,
    as far as the adapter knows it."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.was_creating = lambda _inputs: False
        self.is_held = lambda _identity, _id: False
        self.neighbours = lambda _identity, _kind: ()

    # -- no calls -----------------------------------------------------------------------------------------------

    def check(self, olds: Properties, inputs: Properties) -> CheckResult:
        """Fill in region, name and tags; judge by the resource-scope rules."""
        checked = {key: value for key, value in inputs.items() if value is not None}
        failures: list[CheckFailure] = []
        if not isinstance(checked.get("identity"), str):
            failures.append(CheckFailure("identity", "identity is missing: declare the resource through a component"))
            return CheckResult(checked, failures)  # type: ignore[arg-type]  # mypy: a converter of attrs, generic
        checked["region"] = self.door.target.region
        self._fill(olds, checked)
        if self.name_property and AUTO_NAMED not in checked:
            self._name(olds, checked)
        failures += self._judge(checked)
        return CheckResult(checked, failures)  # type: ignore[arg-type]

    def check_replacement(self, replaced: Properties, inputs: Properties) -> CheckResult:
        """Check the inputs of what is to replace `replaced` (its inputs): a generated name is another one than its."""
        result = self.check({}, inputs)
        checked = dict(result.inputs)
        old = replaced.get(self.name_property)
        if checked.get(AUTO_NAMED) and isinstance(old, str):
            checked[self.name_property] = auto_name(checked, self.longest_name, replaces=old)
        return CheckResult(checked, list(result.failures))  # type: ignore[arg-type]

    def _fill(self, olds: Properties, checked: dict[str, Any]) -> None:  # noqa: B027  most kinds add nothing
        """Add what the kind adds to its inputs."""

    def _name(self, olds: Properties, checked: dict[str, Any]) -> None:
        if checked.get(self.name_property) is not None:
            checked[AUTO_NAMED] = False
            return
        old = olds.get(self.name_property)
        checked[self.name_property] = old if isinstance(old, str) else auto_name(checked, self.longest_name)
        checked[AUTO_NAMED] = True

    def _judge(self, checked: Properties) -> list[CheckFailure]:
        from batchiac.rules import check_resource
        from batchiac.rules.suppress import read_suppressions, sift

        name = logical_name(checked)
        judged = {**self.wire_of(checked), "region": checked["region"]}
        findings = [
            *check_resource(self.kind, judged, resource=name),
            *self.update_findings(checked, name),
        ]
        accepted = read_suppressions(self.door.target.suppress)
        return [
            CheckFailure(each.property, f"{each.rule_id}: {each.message} ({each.source})", each.rule_id)
            for each in sift(findings, accepted).kept
            if each.stops
        ]

    @classmethod
    def update_findings(cls, inputs: Properties, resource: str) -> list[Finding]:
        """Findings about what only the Update API takes; the rules judge it as the update that it becomes."""
        return []

    @classmethod
    def wire_of(cls, inputs: Properties) -> dict[str, Any]:
        """The inputs as the Create API takes them: what the rules judge."""
        return {key: value for key, value in inputs.items() if key not in PLACE and key not in cls.own_inputs}

    def diff(self, state: Properties, inputs: Properties) -> DiffResult:
        """Every changed property with what AWS does about it."""
        self._require_place(state)
        keys = (*self.inputs, "tags")
        if all(_same(state.get(key), inputs.get(key)) for key in keys):
            return DiffResult()
        old = normal(self.kind, {key: state[key] for key in keys if state.get(key) is not None})
        new = normal(self.kind, {key: inputs[key] for key in keys if inputs.get(key) is not None})
        changes: list[PropertyChange] = []
        replaces: dict[str, None] = {}
        for each in differences(old, new):
            row = effect_of(self.kind, each.path, state, inputs)
            # A default that is spelled out has no place in the normal form; in a plan it is what the program says.
            shown_old = said_at(state, each.path) if each.old is ABSENT else each.old
            shown_new = said_at(inputs, each.path) if each.new is ABSENT else each.new
            kind = each.kind if shown_old is None or shown_new is None else "update"
            if row.effect is Effect.REPLACE:
                replaces[_top(each.path)] = None
                kind += "-replace"
            changes.append(PropertyChange(each.path, kind, shown_old, shown_new, row.effect, row.note))  # type: ignore[arg-type]
        delete_first = bool(replaces) and self._must_delete_first(state, inputs)
        return DiffResult(changes, list(replaces), delete_first)  # type: ignore[arg-type]

    def _must_delete_first(self, state: Properties, inputs: Properties) -> bool:
        """True when old and new would have the same name: a fixed one that did not change."""
        return (
            bool(self.name_property)
            and not inputs.get(AUTO_NAMED, False)
            and inputs.get(self.name_property) == state.get(self.name_property)
        )

    # -- calls --------------------------------------------------------------------------------------------------

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
        self._require_known(inputs)
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
            if type(self)._settle is ResourceHandler._settle:
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

    def finish(self, resource_id: str, state: Properties) -> None:
        """Bring what an interrupted update or deletion has begun to its end, so that a read sees what stays."""
        self._require_place(state)
        self._require_account(state)
        self._finish(resource_id, state)

    def discard(self, inputs: Properties) -> None:
        """Remove what an interrupted create of these inputs left; nothing is made, and nothing else is touched."""
        self._require_place(inputs)
        for resource_id in self._find_creating(inputs):
            found = self._find(resource_id, inputs)
            if found is not None:
                self._remove(resource_id, self._left(inputs, found))

    def read(self, resource_id: str, state: Properties) -> ReadResult:
        """What exists, spelled as the state spells it wherever that means the same."""
        self._require_place(state)
        self._require_account(state)
        self._require_arn_of_here(resource_id)
        found = self._find(resource_id, state)
        if found is None:
            return ReadResult(None, {}, {})
        # A create that still waits for its confirmation is whole: its tag is not the user's, so it is no drift.
        found["tags"] = without_creating(found.get("tags") or {})
        inputs = {**self._place(state), **self._merged(state, found)}
        account = str(state.get("account") or self.door.account_id())
        outputs = {**inputs, **self._outputs(found), "account": account}
        return ReadResult(self._id_of(resource_id, found), inputs, outputs)

    def describe(self, resource_id: str) -> ReadResult:
        """What exists, as a person would write it: all that was decided about it, AWS's defaults left out."""
        self._require_arn_of_here(resource_id)
        found = self._find(resource_id, {})
        if found is None:
            return ReadResult(None, {}, {})
        inputs = as_written(self.kind, {key: found[key] for key in (*self.inputs, "tags") if key in found})
        return ReadResult(self._id_of(resource_id, found), inputs, self._outputs(found))

    def update(self, resource_id: str, state: Properties, inputs: Properties) -> dict[str, Any]:
        """Change what differs; tags first, because AWS changes them without touching anything else."""
        self._require_known(inputs)
        self._require_place(state)
        self._require_account(state)
        self._change_tags(resource_id, state, inputs)
        made = self._change(resource_id, state, inputs)
        account = str(state.get("account") or self.door.account_id())
        if made is None:
            return self._state(resource_id, inputs, account)
        seen = self.wait_until_seen(resource_id, inputs, made)
        return {**self._state(resource_id, inputs, account, seen), **made}

    def delete(self, resource_id: str, state: Properties) -> None:
        """Remove it; absence is no error."""
        self._require_place(state)
        self._require_account(state)
        self._remove(resource_id, state)

    # -- what a kind says ---------------------------------------------------------------------------------------

    @abstractmethod
    def _make(self, inputs: Properties, tags: Mapping[str, str]) -> str:
        """Create with these tags in the call; return the id."""

    def _settle(self, resource_id: str, inputs: Properties) -> Mapping[str, Any] | None:
        """Wait, and do what needs calls of its own; safe to repeat.

        Returns:
            What `_find` would return now, where that was seen; None where it has to be asked.
        """
        return None

    @abstractmethod
    def _find(self, resource_id: str, state: Properties, *, whole: bool = True) -> dict[str, Any] | None:
        """Inputs (where AWS tells them), outputs and `tags` of what exists; None when it is gone.

        Args:
            whole: False when only the outputs are needed, so that calls for the rest can be spared.
        """

    @abstractmethod
    def _find_creating(self, inputs: Properties) -> Iterable[str]:
        """The ids of what carries the `batchiac:creating` tag of this identity."""

    @abstractmethod
    def _change(self, resource_id: str, state: Properties, inputs: Properties) -> Mapping[str, Any] | None:
        """Bring the resource from `state` to `inputs`; tags are done already.

        Returns:
            Outputs that AWS has answered and Describe may not show yet; None where a Describe tells them all.
        """

    @abstractmethod
    def _remove(self, resource_id: str, state: Properties) -> None:
        """Remove it and wait until it is gone."""

    def _finish(self, resource_id: str, state: Properties) -> None:  # noqa: B027  most kinds change within one call
        """Wait for what is under way, and do what an update does last."""

    @abstractmethod
    def _put_tags(self, resource_id: str, state: Properties, tags: Mapping[str, str]) -> None: ...

    @abstractmethod
    def _remove_tags(self, resource_id: str, state: Properties, keys: Iterable[str]) -> None: ...

    def _id_of(self, resource_id: str, found: Mapping[str, Any]) -> str:
        """The id that a state keeps, of what was asked for by another of its names."""
        return str(found.get(self.id_output, resource_id)) if self.id_output else resource_id

    # -- shared steps -------------------------------------------------------------------------------------------

    def _is_sound(self, found: Mapping[str, Any]) -> bool:
        """False when what an interrupted create left is better removed than adopted."""
        return True

    def _outputs(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return {key: found[key] for key in self.outputs if key in found}

    def _state(
        self, resource_id: str, inputs: Properties, account: str, seen: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        if seen is None:
            seen = self.wait_until_seen(resource_id, inputs)
        return {**inputs, **self._outputs(seen), "account": account}

    def wait_until_seen(
        self, resource_id: str, inputs: Properties, made: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The resource, without what takes calls of its own, when Describe knows it.

        Args:
            made: outputs that it has to show as well.
        """
        found: dict[str, Any] = {}

        def is_seen() -> bool:
            # AWS is eventually consistent: a describe may not yet know what a create just returned.
            nonlocal found
            found = self._find(resource_id, inputs, whole=False) or {}
            return bool(found) and (made is None or self._shows(found, made))

        wait_until(
            is_seen,
            what=f"{self.kind} {resource_id} to be seen{' as it was changed' if made else ''}",
            deadline_s=SEEN_DEADLINE_S,
            sleep=self.door.sleep,
            clock=self.door.clock,
        )
        return found

    def _shows(self, found: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
        """True when what was found is at least as new as what was made."""
        return all(found.get(key) == each for key, each in made.items())

    def _is_as_wanted(self, found: Mapping[str, Any], inputs: Properties) -> bool:
        """True when what exists is in every input, tags too, what is wanted."""
        return not self.diff(self._left(inputs, found), inputs).changes

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

    def _left(self, inputs: Properties, found: Mapping[str, Any]) -> dict[str, Any]:
        """What an interrupted create left, as a state would hold it."""
        ours = {**found, "tags": without_creating(found.get("tags") or {})}
        return {**self._place(inputs), **self._merged(inputs, ours), **self._outputs(found)}

    def _place(self, properties: Properties) -> dict[str, Any]:
        return {key: properties[key] for key in PLACE if key in properties}

    def _merged(self, known: Properties, found: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs that would create what was found, spelled as they are known where that means the same."""
        keys = (*self.inputs, "tags")
        known_inputs = {key: known[key] for key in keys if known.get(key) is not None}
        # What AWS does not mention is unset there, except what is ours alone.
        told = {key: found.get(key) for key in keys if key in found or key not in self.own_inputs}
        return merge_read(self.kind, known_inputs, told)

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

    def _candidates(self, inputs: Properties) -> Iterable[str]:
        """What `_find` takes for everything that could be it."""
        return (str(inputs[self.name_property]),)

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

    def _change_tags(self, resource_id: str, state: Properties, inputs: Properties) -> None:
        old, new = state.get("tags") or {}, inputs.get("tags") or {}
        if put := {key: value for key, value in new.items() if old.get(key) != value}:
            self._put_tags(resource_id, state, put)
        if gone := [key for key in old if key not in new]:
            self._remove_tags(resource_id, state, gone)

    def _require_known(self, inputs: Properties) -> None:
        region = inputs.get("region")
        if region != self.door.target.region:
            raise RefusedError(
                f"{self.kind} {identity_of(inputs)} was planned for region {region}, but the stack is in"
                f" {self.door.target.region}: plan again"
            )

    def _require_place(self, state: Properties) -> None:
        """Refuse to touch what lives in another region or account than the stack now names."""
        region, account = state.get("region"), state.get("account")
        if region is not None and region != self.door.target.region:
            raise RefusedError(
                f"{self.kind} {identity_of(state)} lives in region {region} by its state, but the stack's"
                f" batchiac:region is {self.door.target.region}: set it back, or use a stack of its own"
            )
        allowed = self.door.target.allowed_account_ids
        if account is not None and allowed and account not in allowed:
            raise RefusedError(
                f"{self.kind} {identity_of(state)} lives in account {account} by its state, but the stack allows"
                f" {', '.join(allowed)}: correct batchiac:allowedAccountIds, or use a stack of its own"
            )

    def _require_arn_of_here(self, resource_id: str) -> None:
        """Refuse an ARN of another region or account: AWS would only say that it does not know it.

        Raises:
            UserError: with what the ARN says and what the stack says.
        """
        parts = resource_id.split(":", 5)
        if len(parts) < 6 or parts[0] != "arn":
            return
        region, account = parts[3], parts[4]
        if region and region != self.door.target.region:
            raise UserError(
                f"{resource_id} is of region {region}, and the stack's batchiac:region is {self.door.target.region}:"
                " name a resource of that region, or use a stack of its own"
            )
        if account and account != self.door.account_id():
            raise UserError(
                f"{resource_id} is of account {account}, and the credentials belong to {self.door.account_id()}:"
                " name a resource of that account, or use other credentials"
            )

    def _require_account(self, state: Properties) -> None:
        """Refuse to act with the credentials of another account than the one that the state names."""
        account = state.get("account")
        if account is not None and account != self.door.account_id():
            raise RefusedError(
                f"{self.kind} {identity_of(state)} lives in account {account} by its state, but the credentials belong"
                f" to {self.door.account_id()}: use credentials of {account}, or a stack of its own"
            )

    def _refuse_existing(self, inputs: Properties, refusal: AwsRefusal) -> RefusedError:
        """What to say when the name is taken by something that no interrupted create of ours left."""
        return RefusedError(
            f"{self.kind} {inputs.get(self.name_property)} exists already and is not this stack's"
            f" ({refusal.aws_message}): choose another name, delete it, or import it"
        )


def _same(old: Any, new: Any) -> bool:
    return new is not UNKNOWN and old == new


def _top(path: str) -> str:
    return path.split(".", 1)[0].split("[", 1)[0]
