"""What the handlers of AWS Batch's own resources share: the ARN is the id, tags go through TagResource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve

from batchiac.model.handler import Properties, ReadResult
from batchiac.provider.resource import ResourceHandler


class BatchResource(ResourceHandler):
    """A resource of AWS Batch."""

    def read(self, resource_id: str, state: Properties) -> ReadResult:
        """As every read; how AWS words it that all is well is no drift."""
        result = super().read(resource_id, state)
        if result.outputs.get("status") == state.get("status") == "VALID" and "statusReason" in state:
            return evolve(result, outputs={**result.outputs, "statusReason": state["statusReason"]})
        return result

    def _tagged_arn(self, resource_id: str, state: Properties) -> str:
        return resource_id

    def _put_tags(self, resource_id: str, state: Properties, tags: Mapping[str, str]) -> None:
        self.door.client("batch").tag_resource(resourceArn=self._tagged_arn(resource_id, state), tags=dict(tags))

    def _remove_tags(self, resource_id: str, state: Properties, keys: Iterable[str]) -> None:
        self.door.client("batch").untag_resource(resourceArn=self._tagged_arn(resource_id, state), tagKeys=list(keys))
