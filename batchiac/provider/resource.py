"""The base of all handlers: checks and names, the diff by the update table, reads, updates and deletions."""

from __future__ import annotations

from typing import Any

from batchiac.model.handler import (
    CheckFailure,
    CheckResult,
    DiffResult,
    Effect,
    Properties,
    PropertyChange,
    ReadResult,
)
from batchiac.model.unknown import UNKNOWN
from batchiac.provider.creation import Creation
from batchiac.provider.difference import ABSENT, differences, said_at
from batchiac.provider.identity import logical_name, without_creating
from batchiac.provider.kind import PLACE
from batchiac.provider.naming import AUTO_NAMED, auto_name
from batchiac.provider.normalise import normal
from batchiac.provider.place import require_account, require_arn_of_here, require_known, require_place
from batchiac.provider.written import as_written
from batchiac.rules.finding import Finding
from batchiac.rules.updates import effect_of


class ResourceHandler(Creation):
    """The base of all handlers (batchiac.model.handler.Handler says what each method means)."""

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

    def _fill(self, olds: Properties, checked: dict[str, Any]) -> None:
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
        require_place(self.door, self.kind, state)
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

    def finish(self, resource_id: str, state: Properties) -> None:
        """Bring what an interrupted update or deletion has begun to its end, so that a read sees what stays."""
        require_place(self.door, self.kind, state)
        require_account(self.door, self.kind, state)
        self._finish(resource_id, state)

    def read(self, resource_id: str, state: Properties) -> ReadResult:
        """What exists, spelled as the state spells it wherever that means the same."""
        require_place(self.door, self.kind, state)
        require_account(self.door, self.kind, state)
        require_arn_of_here(self.door, resource_id)
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
        require_arn_of_here(self.door, resource_id)
        found = self._find(resource_id, {})
        if found is None:
            return ReadResult(None, {}, {})
        inputs = as_written(self.kind, {key: found[key] for key in (*self.inputs, "tags") if key in found})
        return ReadResult(self._id_of(resource_id, found), inputs, self._outputs(found))

    def update(self, resource_id: str, state: Properties, inputs: Properties) -> dict[str, Any]:
        """Change what differs; tags first, because AWS changes them without touching anything else."""
        require_known(self.door, self.kind, inputs)
        require_place(self.door, self.kind, state)
        require_account(self.door, self.kind, state)
        self._change_tags(resource_id, state, inputs)
        made = self._change(resource_id, state, inputs)
        account = str(state.get("account") or self.door.account_id())
        if made is None:
            return self._state(resource_id, inputs, account)
        seen = self.wait_until_seen(resource_id, inputs, made)
        return {**self._state(resource_id, inputs, account, seen), **made}

    def delete(self, resource_id: str, state: Properties) -> None:
        """Remove it; absence is no error."""
        require_place(self.door, self.kind, state)
        require_account(self.door, self.kind, state)
        self._remove(resource_id, state)


def _same(old: Any, new: Any) -> bool:
    return new is not UNKNOWN and old == new


def _top(path: str) -> str:
    return path.split(".", 1)[0].split("[", 1)[0]
