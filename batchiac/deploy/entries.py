"""What a run writes into the state: the entry of a registered resource, and of the engine's own provider."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from batchiac.deploy.deletions import Deletions
from batchiac.deploy.registration import Registration
from batchiac.deploy.secrecy import keeping_sealed
from batchiac.deploy.state.checkpoint import now
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.urn import PROVIDER_TYPE_PREFIX, make_urn

DYNAMIC_PACKAGE = "pulumi-python"


class Entries(Deletions):
    """The part of a run that makes entries. Who is built of it says whose they are."""

    _stack: str
    _project: str
    _provider_inputs: Mapping[str, Any]

    def _state(
        self, goal: Registration, old: ResourceState | None, inputs: Mapping[str, Any], *, id_: str
    ) -> ResourceState:
        at = now()
        provider = ""
        if goal.custom:
            provider_state = self._provider()
            provider = f"{provider_state.urn}::{provider_state.id}"
        extra = {} if old is None else {key: each for key, each in old.extra.items() if key != "taint"}
        return ResourceState(
            urn=goal.urn,
            type=goal.type,
            custom=goal.custom,
            id=id_,
            inputs=inputs,
            parent=goal.parent,
            provider=provider,
            dependencies=goal.dependencies,
            property_dependencies=goal.property_dependencies,
            protect=goal.protect,
            retain_on_delete=goal.retain_on_delete,
            deleted_with=goal.deleted_with,
            additional_secret_outputs=goal.additional_secret_outputs,
            aliases=(),
            custom_timeouts=goal.custom_timeouts,
            ignore_changes=goal.ignore_changes,
            replace_on_changes=goal.replace_on_changes,
            created=old.created if old is not None and old.created else at,
            modified=at,
            source_position=goal.source_position,
            extra=extra,
        )

    def _provider(self) -> ResourceState:
        """The engine's own entry for dynamic providers, which Pulumi's CLI needs: its inputs are the stack's config."""
        root = make_urn(self._stack, self._project, f"{PROVIDER_TYPE_PREFIX}{DYNAMIC_PACKAGE}", "default")
        with self._lock:
            state = self.journal.new(root)
            if state is not None:
                return state
            old = self.journal.old(root)
            at = now()
            inputs: Mapping[str, Any] = self._provider_inputs
            if old is not None:
                inputs = keeping_sealed(inputs, old.inputs, self._unseal)
            if old is not None and inputs is old.inputs:
                state = old
            else:
                state = ResourceState(
                    urn=root,
                    type=f"{PROVIDER_TYPE_PREFIX}{DYNAMIC_PACKAGE}",
                    custom=True,
                    id=old.id if old is not None else str(uuid.uuid4()),
                    inputs=inputs,
                    outputs=inputs,
                    created=old.created if old is not None and old.created else at,
                    modified=at,
                )
            self.journal.put(state, instead_of=old)
            return state

    def _ensure_provider(self) -> None:
        self._provider()
