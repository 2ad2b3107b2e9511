"""A resource as it is now, in the form that its Create API takes: what rules about an update compare with."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

SHELVES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "UpdateComputeEnvironment": ("environments", "computeEnvironment"),
        "UpdateConsumableResource": ("consumables", "consumableResource"),
        "UpdateJobQueue": ("queues", "jobQueue"),
        "UpdateQuotaShare": ("quota_shares", "quotaShareArn"),
        "UpdateSchedulingPolicy": ("policies", "arn"),
        "UpdateServiceEnvironment": ("service_environments", "serviceEnvironment"),
    }
)
"""Update operation → the shelf of the backend, and the member of the request that names the resource."""

SAID_BY_HANDLERS = frozenset(("CE054", "CE055", "CE056", "JQ017", "SH04"))
"""Rows that the operations' handlers, or what stands before them, enforce themselves.

CE054 to JQ017 with the resource's name in the text (AWS's texts for them are not known). SH04: request_shape has seen
every enum of the model, or left it to the handler."""

SAID_FIRST = ("CE026",)
"""Rows whose text comes before those of others, in the order of moto's own tests: instance role, then minvCpus."""


def read_current(batch: BatchBackend, operation: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `operation` would change, as it is at the stack's present; None when it names nothing that exists."""
    shelf, key = SHELVES[operation]
    record = getattr(batch, shelf).find(request[key])
    if record is None:
        return None
    current = dict(record.wire)
    if operation == "UpdateComputeEnvironment":
        resources = current.get("computeResources")
        if resources and resources["type"] in ("EC2", "SPOT"):
            desired = batch.environment_view(record.name).desired_vcpus
            current["computeResources"] = {**resources, "desiredvCpus": desired}
    return current
