"""A plan as lines of text, each with the style that a terminal may give it. Values in, values out: no printing here.

The signs are Pulumi's: `+` create, `~` update, `-` delete, `+-` replace. Under each resource stand its changed
properties, with what AWS does about each, and the sentences that the handler adds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

from attrs import frozen

from batchiac.deploy.render.text_change import text_change
from batchiac.deploy.secrecy import marked
from batchiac.deploy.steps import Diagnostic, Op, Plan, Step
from batchiac.deploy.urn import name_of, short_type
from batchiac.deploy.values import PROVIDER_KEY, Sealed, Secret, differing, path_text, plain
from batchiac.model.handler import Effect, PropertyChange
from batchiac.model.unknown import UNKNOWN

Style = Literal["", "create", "update", "delete", "replace", "dim", "bold", "warning", "error"]

SIGNS: Final[Mapping[Op, tuple[str, Style]]] = {
    Op.SAME: ("  ", ""),
    Op.CREATE: ("+ ", "create"),
    Op.UPDATE: ("~ ", "update"),
    Op.DELETE: ("- ", "delete"),
    Op.REPLACE: ("+-", "replace"),
    Op.CREATE_REPLACEMENT: ("++", "create"),
    Op.DELETE_REPLACED: ("--", "delete"),
    Op.READ: ("> ", ""),
    Op.REFRESH: ("~ ", "update"),
    Op.IMPORT: ("= ", "create"),
}

PLANNED: Final[Mapping[Op, str]] = {
    Op.CREATE: "to create",
    Op.UPDATE: "to update",
    Op.DELETE: "to delete",
    Op.REPLACE: "to replace",
    Op.DELETE_REPLACED: "to delete, replaced before",
    Op.IMPORT: "to import",
}
DONE: Final[Mapping[Op, str]] = {
    Op.CREATE: "created",
    Op.UPDATE: "updated",
    Op.DELETE: "deleted",
    Op.REPLACE: "replaced",
    Op.CREATE_REPLACEMENT: "created as replacement",
    Op.DELETE_REPLACED: "deleted, replaced",
    Op.IMPORT: "imported",
}
DOING: Final[Mapping[Op, str]] = {
    Op.CREATE: "creating",
    Op.UPDATE: "updating",
    Op.DELETE: "deleting",
    Op.CREATE_REPLACEMENT: "creating replacement",
    Op.DELETE_REPLACED: "deleting replaced",
    Op.IMPORT: "importing",
}

LONGEST_VALUE: Final = 300
"""Characters of one value that are shown."""


@frozen
class Line:
    """One line of output."""

    text: str
    style: Style = ""


def plan_lines(plan: Plan, *, done: bool = False, every_property: bool = False) -> list[Line]:
    """The whole of a plan, or of a result.

    Args:
        done: words of the past, for a result.
        every_property: show what is created and deleted property by property too.
    """
    lines: list[Line] = []
    if plan.drift:
        lines += drift_lines(plan.drift)
    steps = [step for step in plan.steps if step.changes_something and step.is_counted]
    if not done:
        for step in steps:
            lines += step_lines(step, every_property=every_property)
    if plan.outputs or not done:
        lines += output_lines(plan)
    lines += summary_lines(plan, done=done)
    return lines


def drift_lines(drift: Iterable[Step]) -> list[Line]:
    """What had changed outside; nothing when nothing had."""
    changed = [step for step in drift if step.changes_something]
    if not changed:
        return []
    lines = [Line("Changed outside:", "bold")]
    for step in changed:
        lines += step_lines(step)
    return [*lines, Line("")]


def step_lines(step: Step, *, every_property: bool = False) -> list[Line]:
    """One resource: its row, its properties, its notes."""
    sign, style = SIGNS[step.op]
    row = f"  {sign} {short_type(step.type)} {name_of(step.urn)}  {step.op.value}"
    if step.replaces:
        row += f" (because of {', '.join(step.replaces)})"
    if step.op is Op.REPLACE and step.deletes_first:
        row += ", the old one deleted first"
    if step.is_retained:
        row += ", the AWS resource is kept"
    lines = [Line(row, style)]
    for change in step.changes:
        lines += _change_lines(change)
    if every_property and not step.changes:
        lines += _property_lines(step)
    lines += [Line(f"       {note}", "dim") for note in step.notes]
    return lines


def _change_lines(change: PropertyChange) -> list[Line]:
    kind = change.kind.removesuffix("-replace")
    sign, style = SIGNS[{"add": Op.CREATE, "delete": Op.DELETE}.get(kind, Op.UPDATE)]
    lines = text_change(change.old, change.new) if kind == "update" else None
    if lines is not None:
        text = f"{len(lines)} line{'' if len(lines) == 1 else 's'} of it"
    elif kind == "add":
        text = shown(change.new)
    elif kind == "delete":
        text = shown(change.old)
    else:
        text = f"{shown(change.old)} => {shown(change.new)}"
    if means := meaning(change):
        text += f"  [{means}]"
    below = [
        Line(f"           {each}", {"- ": "delete", "+ ": "create"}.get(each[:2], "dim"))  # type: ignore[arg-type]
        for each in lines or ()
    ]
    return [Line(f"       {sign.strip()} {change.path}: {text}", style), *below]


def meaning(change: PropertyChange) -> str:
    """What AWS does about a change, in words; empty where it is changed and that is all."""
    label = "" if change.effect is Effect.IN_PLACE else change.effect.value
    said = change.note.startswith((label, "replaced: ")) if label else True
    return change.note if change.note and said else ": ".join(each for each in (label, change.note) if each)


def _property_lines(step: Step) -> Iterator[Line]:
    sign, style = SIGNS[step.op]
    state = step.new or step.old
    for key, value in sorted((state.inputs if state is not None else {}).items()):
        if key != PROVIDER_KEY:
            yield Line(f"       {sign.strip()} {key}: {shown(value)}", style)


def output_lines(plan: Plan) -> list[Line]:
    """What changes among the stack's outputs."""
    lines: list[Line] = []
    for key in sorted({*plan.outputs, *plan.old_outputs}):
        new = plan.outputs.get(key)
        # What has become a secret is not shown as it was before either.
        old = marked(plan.old_outputs.get(key), new)
        if key not in plan.old_outputs:
            lines.append(Line(f"  + {key}: {shown(new)}", "create"))
        elif key not in plan.outputs:
            lines.append(Line(f"  - {key}: {shown(old)}", "delete"))
        elif isinstance(old, Sealed | Secret) and isinstance(new, Sealed | Secret):
            continue  # shown the same, whatever is inside
        else:
            for path, was, is_ in differing(_open(old), _open(new), (key,)):
                lines.append(Line(f"  ~ {path_text(path)}: {shown(was)} => {shown(is_)}", "update"))
    return [Line("Outputs:", "bold"), *lines] if lines else []


def _open(value: Any) -> Any:
    """`value` with secrets replaced by what a display shows, so that they can be compared without being opened."""
    if isinstance(value, Sealed | Secret):
        return "[secret]"
    if isinstance(value, Mapping):
        return {key: _open(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_open(each) for each in value]
    return value


def summary_lines(plan: Plan, *, done: bool = False) -> list[Line]:
    """How many of what."""
    words = DONE if done else PLANNED
    lines = [Line("Resources:", "bold")]
    counts = plan.summary
    for op, word in words.items():
        if counts.get(op.value):
            sign, style = SIGNS[op]
            lines.append(Line(f"    {sign} {counts[op.value]} {word}", style))
    same = counts.get(Op.SAME.value, 0)
    if same or len(lines) == 1:
        lines.append(Line(f"    {same} unchanged"))
    if plan.ended.number and not done:
        lines += [Line("Jobs:", "bold"), Line(f"    {SIGNS[Op.DELETE][0]} ends {plan.ended}", "delete")]
    return lines


def diagnostic_line(diagnostic: Diagnostic) -> Line:
    """What the program has to say, with the resource that it says it of."""
    where = ""
    if diagnostic.urn:  # none where the stack as a whole is meant
        type_ = diagnostic.urn.split("::")[2]
        if not type_.endswith("pulumi:Stack"):
            where = f"{short_type(type_.rpartition('$')[2])} {name_of(diagnostic.urn)}: "
    style: Style = diagnostic.severity if diagnostic.severity in ("warning", "error") else "dim"
    return Line(f"{diagnostic.severity}: {where}{diagnostic.message.strip()}", style)


def shown(value: Any) -> str:
    """A value on one line: JSON, with secrets hidden and what is not known said so."""
    if value is UNKNOWN:
        return "(known after it is applied)"
    if isinstance(value, Secret | Sealed):
        return "[secret]"
    text = json.dumps(value, default=_shown_inside, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}… ({len(text)} characters)"


def _shown_inside(value: object) -> str:
    if value is UNKNOWN:
        return "(known after it is applied)"
    return "[secret]" if isinstance(value, Secret | Sealed) else str(plain(value))
