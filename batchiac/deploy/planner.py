"""What to do about one resource: its registration and what the state holds of it go in, a decision comes out.

Called once a registration. Nothing here touches AWS, the state, or anything else: a handler's check and diff are
functions of their arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
from attrs import frozen

from batchiac.deploy.registration import Registration
from batchiac.deploy.secrecy import hiding, hiding_failures, marked
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.steps import Op
from batchiac.deploy.values import (
    PROVIDER_KEY,
    Unseal,
    covers,
    for_handler,
    keep_old,
    parse_path,
    reveal,
    without_references,
)
from batchiac.errors import UserError
from batchiac.model.handler import CheckFailure, DiffResult, Effect, Handler, PropertyChange, RecordedHandler
from batchiac.model.unknown import UNKNOWN


@frozen(eq=False)
class Decision:
    """What is to be done about one registered resource.

    Attributes:
        op: SAME, CREATE, UPDATE or REPLACE. CREATE_REPLACEMENT where the old one is deleted already.
        inputs: checked, in our form, with `__provider` and secrets.
        deletes_first: for REPLACE: the old one goes before the new one comes.
        failures: when there are any, nothing may be done.
    """

    op: Op
    inputs: Mapping[str, Any]
    changes: tuple[PropertyChange, ...] = ()
    replaces: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    deletes_first: bool = False
    failures: tuple[CheckFailure, ...] = ()


def plan_registration(goal: Registration, old: ResourceState | None, handler: Handler, unseal: Unseal) -> Decision:
    """Decide about one resource.

    Args:
        old: what the state holds of it, None when it is new.
        unseal: decrypts a secret of the state, called only where there is one.

    Raises:
        UserError: a replacement of what is protected, or an ignored path that is not one.
    """
    wanted = without_references(goal.inputs)
    if old is not None:
        wanted = ignoring_changes(goal, wanted, old, unseal)
    before = {} if old is None else reveal(old.inputs, unseal)
    checked, failures = check_inputs(handler, before, wanted)
    if failures:
        return Decision(Op.SAME, checked, failures=failures)
    if old is None:
        return Decision(Op.CREATE, checked)
    if old.pending_replacement:
        checked, failures = check_inputs(handler, {}, wanted)
        return Decision(Op.CREATE_REPLACEMENT, checked, deletes_first=True, failures=failures)
    state = reveal(old.outputs, unseal)
    diff = hiding(_diff(goal, old, handler, for_handler(state), for_handler(checked)), before, state, checked)
    if not diff.changes and not diff.replaces:
        return Decision(Op.SAME, checked, notes=diff.notes)
    if not diff.replaces:
        return Decision(Op.UPDATE, checked, diff.changes, notes=diff.notes)
    if goal.protect:
        # To take the protection off and replace may happen in one run, as under Pulumi.
        require_unprotected([old], "replace")
    if goal.import_id:
        raise UserError(
            f"{old.type} {old.name} cannot be replaced while import_ names what was imported: take import_ out of the"
            " program; nothing was changed"
        )
    # What replaces takes nothing over from what is replaced: a generated name is generated anew.
    checked, failures = check_inputs(handler, before, wanted, is_replacement=True)
    first = diff.delete_before_replace if goal.delete_before_replace is None else goal.delete_before_replace
    if for_handler(checked) == for_handler(before):
        # A tainted resource whose successor is the same in everything: a fixed name, or one without a name.
        first = True
    return Decision(Op.REPLACE, checked, diff.changes, diff.replaces, diff.notes, first, failures)


def check_inputs(
    handler: Handler, before: Mapping[str, Any], wanted: Mapping[str, Any], *, is_replacement: bool = False
) -> tuple[dict[str, Any], tuple[CheckFailure, ...]]:
    """The inputs as the handler completes them, in our form, and what it refuses.

    Args:
        before: the old inputs, opened.
        is_replacement: what is to replace the resource of `before`, and must be able to stand beside it.
    """
    olds = for_handler(before)
    if not is_replacement:
        result = handler.check(olds, for_handler(wanted))
    elif isinstance(handler, RecordedHandler):
        result = handler.check_replacement(olds, for_handler(wanted))
    else:
        result = handler.check({}, for_handler(wanted))
    # What the program does not give may be taken over from the old inputs.
    checked: dict[str, Any] = marked(result.inputs, {**before, **wanted})
    if PROVIDER_KEY in wanted:
        checked = {PROVIDER_KEY: wanted[PROVIDER_KEY], **checked}
    return checked, hiding_failures(result.failures, before, wanted)


def ignoring_changes(goal: Registration, wanted: dict[str, Any], old: ResourceState, unseal: Unseal) -> dict[str, Any]:
    """`wanted` with what `ignore_changes` names put back to what it was."""
    if not goal.ignore_changes:
        return wanted
    before = reveal(old.inputs, unseal)
    for text in goal.ignore_changes:
        wanted = keep_old(wanted, before, _path(goal, text))
    return wanted


def _path(goal: Registration, text: str) -> tuple[str | int, ...]:
    try:
        return parse_path(text)
    except ValueError:
        raise UserError(f"{goal.type} {goal.name}: {text!r} is not a property path; write it like a.b[0]") from None


def _diff(
    goal: Registration, old: ResourceState, handler: Handler, state: dict[str, Any], inputs: dict[str, Any]
) -> DiffResult:
    diff = replacing_on(handler.diff(state, inputs), [_path(goal, text) for text in goal.replace_on_changes])
    if not old.extra.get("taint"):
        return diff
    changed: dict[str, Any] = {
        "replaces": dict.fromkeys((*diff.replaces, "taint")),
        "notes": (*diff.notes, "replaced because it is tainted"),
    }
    return attrs.evolve(diff, **changed)


def replacing_on(diff: DiffResult, patterns: Sequence[tuple[str | int, ...]]) -> DiffResult:
    """The diff with every change at one of these paths made a replacement."""
    if not patterns:
        return diff
    replaces = dict.fromkeys(diff.replaces)
    changes: list[PropertyChange] = []
    for change in diff.changes:
        path = parse_path(change.path)
        if any(covers(pattern, path) or covers(path, pattern) for pattern in patterns):
            replaces[str(path[0])] = None
            forced: dict[str, Any] = {"kind": f"{change.kind.removesuffix('-replace')}-replace"}
            change = attrs.evolve(change, **forced, effect=Effect.REPLACE, note="replace_on_changes")
        changes.append(change)
    changed: dict[str, Any] = {"changes": changes, "replaces": replaces}
    return attrs.evolve(diff, **changed)


def planned_outputs(decision: Decision, old: ResourceState | None) -> dict[str, Any]:
    """The outputs as far as they are known before anything is done; what is missing is unknown.

    An update keeps the id, so whatever equals it (an ARN) is known to stay; unless AWS makes a new revision, whose ARN
    is another. The same holds for everything that the id does not depend on only after the update itself.
    """
    if old is None or decision.op in (Op.CREATE, Op.REPLACE, Op.CREATE_REPLACEMENT):
        return dict(decision.inputs)
    if decision.op is Op.SAME:
        return dict(old.outputs)
    if all(parse_path(change.path)[0] == "tags" for change in decision.changes):
        # Tags change nothing but themselves: who refers to such a resource is not shown a change that does not come.
        return {**old.outputs, **decision.inputs}
    kept: dict[str, Any] = {}
    if not any(change.effect is Effect.NEW_REVISION for change in decision.changes):
        kept = {key: value for key, value in old.outputs.items() if isinstance(value, str) and value == old.id}
    return {**kept, **decision.inputs}


def find_dependent_replacements(
    replaced: ResourceState, olds: Iterable[ResourceState], handler_of: Any, unseal: Unseal
) -> list[ResourceState]:
    """Everything that has to go before `replaced` can be deleted, because its own replacement follows from it.

    Args:
        olds: the state's entries in order, without those that this run has registered already.
        handler_of: type token → Handler or None.

    Returns:
        Entries in the order of the state; they are deleted in the reverse order.
    """
    gone = {replaced.urn}
    found: list[ResourceState] = []
    for state in olds:
        through = {key for key, urns in state.property_dependencies.items() if gone & set(urns)}
        through -= set(state.ignore_changes)
        handler = handler_of(state.type) if state.custom else None
        if state is replaced or handler is None:
            continue
        if not (state.deleted_with in gone or _is_replaced_through(state, through, handler, unseal)):
            continue
        gone.add(state.urn)
        found.append(state)
    return found


def _is_replaced_through(state: ResourceState, through: set[str], handler: Handler, unseal: Unseal) -> bool:
    """True when the resource is replaced if these of its inputs change."""
    if not through:
        return False
    inputs = {key: UNKNOWN if key in through else value for key, value in reveal(state.inputs, unseal).items()}
    diff = handler.diff(for_handler(reveal(state.outputs, unseal)), for_handler(inputs))
    return bool(replacing_on(diff, [parse_path(text) for text in state.replace_on_changes]).replaces)


def find_left_behind(
    replaced: ResourceState, olds: Iterable[ResourceState], going: Iterable[ResourceState]
) -> list[ResourceState]:
    """Everything that refers to `replaced`, which is deleted before it is made anew, and is not deleted itself."""
    gone = {each.urn for each in going}
    return [
        each
        for each in olds
        if each.custom
        and each.urn not in gone
        and any(replaced.urn in urns for urns in each.property_dependencies.values())
    ]


def require_unprotected(states: Sequence[ResourceState], verb: str) -> None:
    """Refuse to delete or replace what is protected.

    Raises:
        UserError: naming every one of them.
    """
    held = [f"{state.type} {state.name}" for state in states if state.protect and not state.delete]
    if held:
        raise UserError(
            f"cannot {verb} {', '.join(held)}: protected; remove `protect` in the program and run `up`, or run"
            " `batchiac state unprotect`; nothing was changed"
        )
