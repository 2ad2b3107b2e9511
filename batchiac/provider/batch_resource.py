"""What the handlers of AWS Batch's own resources share: the ARN is the id, tags go through TagResource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from batchiac.model.handler import Properties
from batchiac.provider.resource import ResourceHandler


class BatchResource(ResourceHandler):
    """A resource of AWS Batch."""

    def _tagged_arn(self, resource_id: str, state: Properties) -> str:
        return resource_id

    def _put_tags(self, resource_id: str, state: Properties, tags: Mapping[str, str]) -> None:
        self.door.client("batch").tag_resource(resourceArn=self._tagged_arn(resource_id, state), tags=dict(tags))

    def _remove_tags(self, resource_id: str, state: Properties, keys: Iterable[str]) -> None:
        self.door.client("batch").untag_resource(resourceArn=self._tagged_arn(resource_id, state), tagKeys=list(keys))
