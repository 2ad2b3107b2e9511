"""Reads what exists and compares it with the state: drift, property by property."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
from attrs import frozen

from batchiac.deploy.acts import HandlerOf
from batchiac.deploy.secrecy import hidden_texts, hide_in_error, hiding_changes, keeping_sealed, marked, marked_outputs
from batchiac.deploy.state.checkpoint import Snapshot, now, without
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.steps import Op, Step
from batchiac.deploy.values import (
    PROVIDER_KEY,
    Secret,
    Unseal,
    differing,
    for_handler,
    path_text,
    plain,
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
        handler, opened = known[state.type], reveal(state.outputs, unseal)
        outputs = for_handler(opened)
        try:
            if state.urn in unsettled and isinstance(handler, RecordedHandler):
                handler.finish(state.id, outputs)
            result: ReadResult = handler.read(state.id, outputs)
        except Exception as error:
            hide_in_error(error, hidden_texts(opened))
            raise
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
    """The entry with what exists; itself when that is what it says, secrets as such."""
    assert result.id is not None
    old_inputs, old_outputs = reveal(state.inputs, unseal), reveal(state.outputs, unseal)
    # A secret output that the program never gave is one where it is read back as an input, too.
    like = {**dict.fromkeys(state.additional_secret_outputs, Secret(None)), **old_inputs}
    inputs = {**_provider(old_inputs), **marked(result.inputs, like)} if result.inputs else old_inputs
    read = {**_provider(old_outputs), **result.outputs}
    outputs = marked_outputs(read, inputs, state.additional_secret_outputs, before=old_outputs)
    inputs = keeping_sealed(inputs, state.inputs, unseal)
    outputs = keeping_sealed(outputs, state.outputs, unseal)
    if result.id == state.id and inputs is state.inputs and outputs is state.outputs:
        return state
    return attrs.evolve(state, id=result.id, inputs=inputs, outputs=outputs, modified=now())


def _provider(properties: Mapping[str, Any]) -> dict[str, Any]:
    """What a handler never sees of them."""
    return {PROVIDER_KEY: properties[PROVIDER_KEY]} if PROVIDER_KEY in properties else {}


def _changes(old: ResourceState, new: ResourceState, unseal: Unseal) -> tuple[PropertyChange, ...]:
    changes = []
    before, after = reveal(old.outputs, unseal), reveal(new.outputs, unseal)
    # What was only marked as a secret has not changed.
    for path, was, is_ in differing(plain(before), plain(after)):
        kind = "add" if was is None else "delete" if is_ is None else "update"
        changes.append(PropertyChange(path_text(path), kind, was, is_, Effect.IN_PLACE, "changed outside"))  # type: ignore[arg-type]
    return hiding_changes(changes, before, after)
