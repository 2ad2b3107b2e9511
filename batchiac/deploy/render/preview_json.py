"""A plan in the format of `pulumi preview --json`, so that whatever reads Pulumi's plans reads ours.

Source: pulumi/pkg/backend/display (PreviewDigest). Steps that change nothing are counted and not listed, but for the
stack itself, as Pulumi does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from batchiac.deploy.secrecy import marked
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.steps import Op, Plan, Step
from batchiac.deploy.values import masked, parse_path

NANOSECONDS = 1_000_000_000


def preview_json(plan: Plan) -> dict[str, Any]:
    """The digest of a plan as JSON values; secrets are hidden, what is not known is Pulumi's sentinel."""
    steps = [step for step in plan.steps if step.is_counted]
    ours: dict[str, Any] = {}
    if plan.ended.number:
        ours["endedJobs"] = {"count": plan.ended.number, "names": list(plan.ended.names)}
    if drift := [step for step in plan.drift if step.changes_something]:
        ours["drift"] = [_drifted(step) for step in drift]
    return {
        "config": dict(plan.config),
        "steps": [
            _step(step, plan.outputs) for step in steps if step.changes_something or step.type == "pulumi:pulumi:Stack"
        ],
        "diagnostics": [
            {"urn": each.urn, "message": each.message, "severity": each.severity} for each in plan.diagnostics
        ],
        "duration": round(plan.seconds * NANOSECONDS),
        "changeSummary": plan.summary,
        **({"batchiac": ours} if ours else {}),
    }


def preview_json_text(plan: Plan) -> str:
    """The digest as text."""
    return json.dumps(preview_json(plan), indent=4, ensure_ascii=False)


def _step(step: Step, stack_outputs: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"op": step.op.value, "urn": step.urn}
    state = step.new or step.old
    # What is a secret now is not shown as it was before either; the stack's own outputs come last of all.
    like = (
        (step.new.inputs, step.new.outputs if step.new.custom else stack_outputs) if step.new is not None else ({}, {})
    )
    if state is not None and state.provider:
        entry["provider"] = state.provider
    if step.old is not None:
        old = step.old
        if step.op is Op.REPLACE:
            # As Pulumi shows what is replaced: waiting for its deletion, or deleted and waiting for its successor.
            old = attrs.evolve(old, delete=not step.deletes_first, pending_replacement=step.deletes_first)
        entry["oldState"] = _state(old, *like)
    if step.new is not None:
        entry["newState"] = _state(step.new, *like, planned=step.op is not Op.SAME)
    if step.changes:
        entry["diffReasons"] = sorted({str(parse_path(change.path)[0]) for change in step.changes})
    if step.replaces:
        entry["replaceReasons"] = list(step.replaces)
    entry["detailedDiff"] = {change.path: {"kind": change.kind, "inputDiff": True} for change in step.changes} or None
    if step.notes or any(change.note or change.effect for change in step.changes):
        # Ours, beside Pulumi's fields: what AWS does about each change, and in words about the whole.
        entry["batchiac"] = {
            "effects": {change.path: {"effect": change.effect.value, "note": change.note} for change in step.changes},
            "notes": list(step.notes),
        }
    return entry


def _drifted(step: Step) -> dict[str, Any]:
    """What had changed outside, property by property; `delete` for what is gone."""
    changes = {change.path: {"old": masked(change.old), "new": masked(change.new)} for change in step.changes}
    return {"op": step.op.value, "urn": step.urn, "changes": changes}


def _state(
    state: ResourceState, inputs: Mapping[str, Any], outputs: Mapping[str, Any], *, planned: bool = False
) -> Mapping[str, Any]:
    """The entry for a display: secret is what is so in itself, and in `inputs` and `outputs`."""
    entry = attrs.evolve(
        state, inputs=marked(state.inputs, inputs), outputs=marked(marked(state.outputs, inputs), outputs)
    ).to_json()
    if planned:
        # As in Pulumi's digest: what comes out of a step that was not done is not part of it.
        entry.pop("outputs", None)
        entry.pop("id", None)
    shown: Mapping[str, Any] = masked(entry)
    return shown
