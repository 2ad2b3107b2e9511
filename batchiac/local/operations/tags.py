"""TagResource, UntagResource, ListTagsForResource: on everything that Batch tags, jobs included.

Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_TagResource.html: "compute environments, jobs, job
definitions, job queues, and scheduling policies. … tags for child jobs for array and multi-node parallel jobs aren't
supported"; consumable resources, service environments, service jobs and quota shares by their own pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from batchiac.local.api_error import refusal

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

MOST_TAGS = 50
RESERVED = "aws:"
"""Source: https://docs.aws.amazon.com/batch/latest/userguide/using-tags.html: "reserved for AWS use"."""


def tag_resource(batch: BatchBackend, request: Wire) -> Wire:
    """TagResource: given keys are set, others stay."""
    tags = batch.tags_of(request["resourceArn"])
    merged = {**tags, **request["tags"]}
    if len(merged) > MOST_TAGS:
        raise refusal(f"A resource can have up to {MOST_TAGS} tags, but would have {len(merged)}")
    _require_own(request["tags"])
    tags.update(request["tags"])
    return {}


def untag_resource(batch: BatchBackend, request: Wire) -> Wire:
    """UntagResource: keys that are not there are no error."""
    tags = batch.tags_of(request["resourceArn"])
    _require_own(request["tagKeys"])
    for key in request["tagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags_for_resource(batch: BatchBackend, request: Wire) -> Wire:
    """ListTagsForResource."""
    return {"tags": dict(batch.tags_of(request["resourceArn"]))}


def _require_own(keys: Iterable[str]) -> None:
    for key in keys:
        if key.lower().startswith(RESERVED):
            raise refusal(f"Tag key {key} begins with {RESERVED}, which is reserved for AWS")
