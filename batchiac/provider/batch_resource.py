"""What the handlers of AWS Batch's own resources share: the ARN is the id, tags go through TagResource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from batchiac.aws.wait import wait_until
from batchiac.model.handler import Properties, ReadResult
from batchiac.provider.resource import ResourceHandler

DELETION_DEADLINE_S = 1800.0
"""How long a read waits for a deletion from outside to end."""


class BatchResource(ResourceHandler):
    """A resource of AWS Batch."""

    def read(self, resource_id: str, state: Properties) -> ReadResult:
        """As every read; what is being deleted is waited for, and how AWS words it that all is well is no drift."""
        result = super().read(resource_id, state)
        if result.outputs.get("status") == "DELETING":
            self._wait_for_deletion(resource_id, state)
            result = super().read(resource_id, state)
        if result.outputs.get("status") == state.get("status") == "VALID" and "statusReason" in state:
            return evolve(result, outputs={**result.outputs, "statusReason": state["statusReason"]})
        return result

    def _wait_for_deletion(self, resource_id: str, state: Properties) -> None:
        def over() -> bool | str:
            found = self._find(resource_id, state, whole=False)
            return found is None or found.get("status") != "DELETING" or str(found.get("statusReason") or "")

        wait_until(
            over,
            what=f"deletion of {self.kind} {resource_id}, begun outside, to end",
            deadline_s=DELETION_DEADLINE_S,
            sleep=self.door.sleep,
            clock=self.door.clock,
        )

    def _tagged_arn(self, resource_id: str, state: Properties) -> str:
        return resource_id

    def _put_tags(self, resource_id: str, state: Properties, tags: Mapping[str, str]) -> None:
        self.door.client("batch").tag_resource(resourceArn=self._tagged_arn(resource_id, state), tags=dict(tags))

    def _remove_tags(self, resource_id: str, state: Properties, keys: Iterable[str]) -> None:
        self.door.client("batch").untag_resource(resourceArn=self._tagged_arn(resource_id, state), tagKeys=list(keys))


def changed_inputs(
    state: Properties, inputs: Properties, updatable: Iterable[str], when_left_out: Mapping[str, Any]
) -> dict[str, Any]:
    """What an Update call is sent: of the properties that it takes, those that differ.

    Args:
        when_left_out: what taking a property out of the program means to the call; without a word there it is not sent.
    """
    wanted = {
        key: inputs[key] if inputs.get(key) is not None else when_left_out.get(key)
        for key in updatable
        if state.get(key) != inputs.get(key)
    }
    return {key: value for key, value in wanted.items() if value is not None}
