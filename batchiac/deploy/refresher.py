"""Reads what exists and compares it with the state: drift, property by property."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
from attrs import frozen

from batchiac.deploy.acts import HandlerOf
from batchiac.deploy.state.checkpoint import Snapshot, now, without
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.steps import Op, Step
from batchiac.deploy.values import (
    PROVIDER_KEY,
    Unseal,
    differing,
    for_handler,
    mark_secrets,
    path_text,
    reveal,
)
from batchiac.model.handler import Effect, PropertyChange, ReadResult, RecordedHandler

PARALLEL_READS = 64


@frozen(eq=False)
class Drift:
    """What had changed outside.

    Attributes:
        snapshot: the state with what exists now.
        steps: one a resource: same, update (changed outside) or delete (gone).
    """

    snapshot: Snapshot
    steps: tuple[Step, ...]


def read_drift(
    base: Snapshot,
    handler_of: HandlerOf,
    unseal: Unseal,
    *,
    only: Collection[str] | None = None,
    unsettled: Collection[str] = (),
) -> Drift:
    """Read every resource of the state that a handler exists for.

    Args:
        only: URNs to read; None reads all.
        unsettled: URNs of which a run that died has left something under way; that is brought to its end first.

    Raises:
        What handlers raise; the state is not touched.
    """
    known: dict[str, Any] = {state.type: handler_of(state.type) for state in base.resources if state.custom}
    read = [
        state
        for state in base.resources
        if state.custom
        and not (state.is_provider or state.delete or state.pending_replacement)
        and known[state.type]
        and (only is None or state.urn in only)
    ]

    def look(state: ResourceState) -> ReadResult:
        handler, outputs = known[state.type], for_handler(reveal(state.outputs, unseal))
        if state.urn in unsettled and isinstance(handler, RecordedHandler):
            handler.finish(state.id, outputs)
        result: ReadResult = handler.read(state.id, outputs)
        return result

    with ThreadPoolExecutor(PARALLEL_READS, thread_name_prefix="read") as pool:
        found = dict(zip((id(state) for state in read), pool.map(look, read), strict=True))
    steps: list[Step] = []
    gone: list[ResourceState] = []
    resources: list[ResourceState] = []
    for state in base.resources:
        result = found.get(id(state))
        if result is None:
            resources.append(state)
            if not state.custom:
                steps.append(Step(Op.SAME, state.urn, state.type, state, state))
            continue
        if result.id is None:
            gone.append(state)
            resources.append(state)
            steps.append(Step(Op.DELETE, state.urn, state.type, old=state, notes=("gone: deleted outside",)))
            continue
        new = _taken_over(state, result, unseal)
        resources.append(new)
        changes = _changes(state, new, unseal) if new is not state else ()
        steps.append(Step(Op.UPDATE if changes else Op.SAME, state.urn, state.type, state, new, changes))
    return Drift(without(attrs.evolve(base, resources=tuple(resources)), gone), tuple(steps))


def _taken_over(state: ResourceState, result: ReadResult, unseal: Unseal) -> ResourceState:
    old_inputs, old_outputs = reveal(state.inputs, unseal), reveal(state.outputs, unseal)
    if (
        result.id == state.id
        and result.outputs == for_handler(old_outputs)
        and (not result.inputs or result.inputs == for_handler(old_inputs))
    ):
        return state
    kept = {PROVIDER_KEY: state.inputs[PROVIDER_KEY]} if PROVIDER_KEY in state.inputs else {}
    inputs = {**kept, **mark_secrets(result.inputs, old_inputs)} if result.inputs else state.inputs
    outputs = mark_secrets(mark_secrets(result.outputs, old_inputs), old_outputs)
    assert result.id is not None
    return attrs.evolve(state, id=result.id, inputs=inputs, outputs={**kept, **outputs}, modified=now())


def _changes(old: ResourceState, new: ResourceState, unseal: Unseal) -> tuple[PropertyChange, ...]:
    changes = []
    # Secrets are compared as such, so that what is shown of them is that they changed.
    for path, was, is_ in differing(reveal(old.outputs, unseal), reveal(new.outputs, unseal)):
        kind = "add" if was is None else "delete" if is_ is None else "update"
        changes.append(PropertyChange(path_text(path), kind, was, is_, Effect.IN_PLACE, "changed outside"))  # type: ignore[arg-type]
    return tuple(changes)
