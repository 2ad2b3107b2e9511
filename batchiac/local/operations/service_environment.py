"""Service environments: capacity of another AWS service (SageMaker training) that service-job queues stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchiac.local.api_error import refusal
from batchiac.local.paging import page
from batchiac.local.progress import TRANSITIONAL
from batchiac.local.quotas import require_room
from batchiac.local.records import Record

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]


def create_service_environment(batch: BatchBackend, request: Wire) -> Wire:
    """CreateServiceEnvironment: CREATING, then VALID."""
    wire = {
        "serviceEnvironmentType": request["serviceEnvironmentType"],
        "state": request.get("state", "ENABLED"),
        "capacityLimits": request["capacityLimits"],
    }
    name, most = request["serviceEnvironmentName"], batch.stage.settings.quotas.service_environments
    require_room(batch.service_environments, name, most, "service environments")
    record = batch.new_record(batch.service_environments, name, wire, request)
    batch.begin(record, "CREATING", then="VALID")
    return _names(record)


def update_service_environment(batch: BatchBackend, request: Wire) -> Wire:
    """UpdateServiceEnvironment: state and capacity limits."""
    record = batch.service_environments.read(request["serviceEnvironment"])
    require_settled(record, "update")
    for key in ("state", "capacityLimits"):
        if key in request:
            record.wire[key] = request[key]
    batch.begin(record, "UPDATING", then="VALID")
    return _names(record)


def delete_service_environment(batch: BatchBackend, request: Wire) -> Wire:
    """DeleteServiceEnvironment: DISABLED and in no queue, as its documentation asks."""
    record = batch.service_environments.read(request["serviceEnvironment"])
    require_settled(record, "delete")
    if record.wire["state"] != "DISABLED":
        raise refusal(batch.engine.settings.messages.delete_enabled_environment)
    for queue in batch.queues:
        if any(each["serviceEnvironment"] == record.arn for each in queue.wire.get("serviceEnvironmentOrder", ())):
            raise refusal("Cannot delete, found existing JobQueue relationship")
    batch.begin(record, "DELETING", then=None, shelf=batch.service_environments)
    return {}


def describe_service_environments(batch: BatchBackend, request: Wire) -> Wire:
    """DescribeServiceEnvironments."""
    names = request.get("serviceEnvironments")
    batch.observe_records(lambda: [record for _, record in batch.service_environments.chosen(names)])
    chosen = batch.service_environments.chosen(names)
    found, more = page("DescribeServiceEnvironments", request, chosen, 100)
    return {"serviceEnvironments": [_detail(record) for record in found], **more}


def require_settled(record: Record, action: str) -> None:
    """Refuse to change what is changing, as AWS does with compute environments and queues.

    Raises:
        ApiError: the record is being created, updated or deleted.
    """
    if record.wire["status"] in TRANSITIONAL:
        raise refusal(f"Cannot {action}, resource is being modified: {record.name} is {record.wire['status']}.")


def _names(record: Record) -> Wire:
    return {"serviceEnvironmentName": record.name, "serviceEnvironmentArn": record.arn}


def _detail(record: Record) -> Wire:
    return {**_names(record), **record.wire, "tags": dict(record.tags)}
