"""Consumable resources: what jobs lock besides compute. The engine does the locking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchiac.local.api_error import refusal
from batchiac.local.operations.job_listing import name_matches
from batchiac.local.paging import page
from batchiac.local.quotas import require_room
from batchiac.local.records import Record

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]


def create_consumable_resource(batch: BatchBackend, request: Wire) -> Wire:
    """CreateConsumableResource: replenishable unless said otherwise."""
    total = request.get("totalQuantity", 0)
    if total < 0:
        raise refusal(f"totalQuantity must not be negative, but was {total}")
    kind = request.get("resourceType", "REPLENISHABLE")
    if kind not in ("REPLENISHABLE", "NON_REPLENISHABLE"):
        raise refusal(f"resourceType must be REPLENISHABLE or NON_REPLENISHABLE, but was {kind}")
    name = request["consumableResourceName"]
    most = batch.stage.settings.quotas.consumable_resources
    require_room(batch.consumables, name, most, "consumable resources")
    record = batch.new_record(batch.consumables, name, {"resourceType": kind}, request)
    batch.add_consumable(name, total, kind)
    return {"consumableResourceName": record.name, "consumableResourceArn": record.arn}


def update_consumable_resource(batch: BatchBackend, request: Wire) -> Wire:
    """UpdateConsumableResource: SET, ADD or REMOVE.

    "If … two update requests with identical payloads and clientTokens are received, these requests are considered the
    same request. … A clientToken is valid for 8 hours."
    """
    record = batch.consumables.read(request["consumableResource"])
    answer = {"consumableResourceName": record.name, "consumableResourceArn": record.arn}
    token = request.get("clientToken")
    payload = f"{token} {sorted(request.items())}"
    if token is not None and batch.seen_token("UpdateConsumableResource", payload, 8 * 3_600_000):
        return {**answer, "totalQuantity": batch.consumable_state(record.name).total}
    total = batch.consumable_state(record.name).total
    quantity = request.get("quantity")
    operation = request.get("operation", "SET")
    if operation not in ("SET", "ADD", "REMOVE"):
        raise refusal(f"operation must be SET, ADD or REMOVE, but was {operation}")
    if quantity is not None:
        total = {"SET": quantity, "ADD": total + quantity, "REMOVE": total - quantity}[operation]
    if total < 0:
        raise refusal(f"The total quantity of {record.name} would be {total}: it must not be negative")
    batch.set_consumable(record.name, total)
    return {**answer, "totalQuantity": total}


def delete_consumable_resource(batch: BatchBackend, request: Wire) -> Wire:
    """DeleteConsumableResource. Jobs that still need it stay in RUNNABLE."""
    record = batch.consumables.read(request["consumableResource"])
    batch.remove_consumable(record.name)
    batch.consumables.remove(record)
    return {}


def describe_consumable_resource(batch: BatchBackend, request: Wire) -> Wire:
    """DescribeConsumableResource, with what is in use."""
    record = batch.consumables.read(request["consumableResource"])
    state = batch.consumable_state(record.name)
    return {
        **_summary(batch, record),
        "availableQuantity": max(0, state.total - state.in_use),
        "createdAt": record.created_at_ms,
        "tags": dict(record.tags),
    }


def list_consumable_resources(batch: BatchBackend, request: Wire) -> Wire:
    """ListConsumableResources, filtered by CONSUMABLE_RESOURCE_NAME where asked."""
    filters = request.get("filters", [])
    for each in filters:
        if each.get("name") != "CONSUMABLE_RESOURCE_NAME":
            raise refusal(f"filter name must be CONSUMABLE_RESOURCE_NAME, but was {each.get('name')}")
    chosen = (
        (serial, record)
        for serial, record in batch.consumables.chosen(None)
        if all(name_matches(record.name, each.get("values", [])) for each in filters)
    )
    found, more = page("ListConsumableResources", request, chosen, 100)
    return {"consumableResources": [_summary(batch, record) for record in found], **more}


def _summary(batch: BatchBackend, record: Record) -> Wire:
    state = batch.consumable_state(record.name)
    return {
        "consumableResourceName": record.name,
        "consumableResourceArn": record.arn,
        "totalQuantity": state.total,
        "inUseQuantity": state.in_use,
        "resourceType": record.wire["resourceType"],
    }
