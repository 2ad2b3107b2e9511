"""What exists, taken into the state as a resource of the program: the option `import_`, and `batchiac import`.

As Pulumi does it: the resource is read, the program's inputs are checked with what was read as their olds (so that a
name that the program does not give is the one that is there), and where they differ nothing is imported. Afterwards
the state is what an `up` of the same program would have left. Nothing is changed at AWS, not even a tag: the tag of the
identity contract marks what is half created, and this is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from batchiac.deploy.planner import check_inputs, ignoring_changes
from batchiac.deploy.registration import Registration
from batchiac.deploy.secrecy import hiding
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.urn import short_type
from batchiac.deploy.values import Unseal, for_handler, without_references
from batchiac.errors import UserError
from batchiac.model.handler import CheckFailure, Handler, PropertyChange
from batchiac.model.unknown import contains_unknown

IMPORT_ID = "importID"
"""Where the state remembers what was imported, as Pulumi's does: the option may stay in the program afterwards."""

MISMATCH = "inputs to import do not match the existing resource"
"""Pulumi's words."""


@frozen(eq=False)
class Imported:
    """What there is, and whether the program's inputs are the same.

    Attributes:
        id: AWS's, as the state keeps it.
        inputs: the program's, checked, in our form.
        outputs: what exists, spelled as the program spells it; without secrets' wrapping.
        failures: one for each property that differs, or that the rules refuse; empty when it can be imported.
    """

    id: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    failures: tuple[CheckFailure, ...] = ()


def is_imported(old: ResourceState | None, import_id: str) -> bool:
    """True when the state has that resource already, so that the option has done its work."""
    return old is not None and import_id in (old.id, old.extra.get(IMPORT_ID))


def read_existing(goal: Registration, handler: Handler, unseal: Unseal) -> Imported:
    """Read what `goal` names by its `import_id` and hold the program's inputs against it.

    Raises:
        UserError: there is nothing of that id.
        What the handler raises.
    """
    wanted = without_references(goal.inputs)
    identity = {"identity": wanted["identity"]} if "identity" in wanted else {}
    there = handler.read(goal.import_id, for_handler(identity))
    if there.id is None:
        raise UserError(
            f"{short_type(goal.type)} {goal.name} cannot be imported: AWS has none with the id {goal.import_id} in this"
            " account and region; correct import_, or take it out to have the resource created"
        )
    as_old = ResourceState(goal.urn, goal.type, True, id=there.id, inputs=there.inputs, outputs=there.outputs)
    wanted = ignoring_changes(goal, wanted, as_old, unseal)
    checked, _ = check_inputs(handler, dict(there.inputs), wanted)
    # Read again, now that it is known how the program spells things: what means the same is the same.
    spelled = handler.read(there.id, {**for_handler(checked), "account": there.outputs.get("account")})
    checked, failures = check_inputs(handler, dict(spelled.inputs), wanted)
    known = for_handler(checked)
    diff = hiding(handler.diff(spelled.outputs, known), checked)
    told = {**there.inputs, **known}
    mismatches = [_mismatch(each) for each in diff.changes if _counts(each, told)]
    return Imported(there.id, checked, {**spelled.outputs, **known}, tuple(mismatches) or failures)


def _counts(change: PropertyChange, told: Mapping[str, Any]) -> bool:
    """False for what is no input (an INVALID status), and for a value that is compared when it is known."""
    top = change.path.split(".", 1)[0].split("[", 1)[0]
    return top in told and not contains_unknown(change.new)


def _mismatch(change: PropertyChange) -> CheckFailure:
    from batchiac.deploy.render.lines import shown

    if change.old is None:
        found = f"is not set there, and {shown(change.new)} in the program"
    elif change.new is None:
        found = f"is {shown(change.old)} there, and not set in the program"
    else:
        found = f"is {shown(change.old)} there, and {shown(change.new)} in the program"
    return CheckFailure(
        change.path, f"{MISMATCH}: {change.path} {found}; import it as it is, and change it with the next `up`"
    )


def require_unmanaged(goal: Registration, imported: Imported, states: Iterable[ResourceState]) -> None:
    """Refuse to manage one AWS resource twice: whichever entry went first would delete it under the other.

    Raises:
        UserError: naming the entry that has it.
    """
    for state in states:
        if state.urn != goal.urn and state.type == goal.type and state.id == imported.id and not state.delete:
            raise UserError(
                f"{short_type(goal.type)} {goal.name} cannot be imported: the state has {imported.id} already, as"
                f" {state.name}; to rename it, use the option aliases instead of import_"
            )


def refuse_other(goal: Registration, old: ResourceState) -> UserError:
    """What to say when the state has another resource under that name."""
    return UserError(
        f"{short_type(goal.type)} {goal.name} cannot be imported: the state has another resource under that name"
        f" ({old.id}); give the one to import a name of its own, or take import_ out"
    )
