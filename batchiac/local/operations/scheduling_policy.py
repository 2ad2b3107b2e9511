"""Scheduling policies: fair-share ones, and those of quota management."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchiac.local.api_error import refusal
from batchiac.local.paging import page
from batchiac.local.records import Record

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]


def create_scheduling_policy(batch: BatchBackend, request: Wire) -> Wire:
    """CreateSchedulingPolicy."""
    wire: Wire = {}
    if "quotaSharePolicy" in request:
        wire["quotaSharePolicy"] = request["quotaSharePolicy"]
    else:
        wire["fairsharePolicy"] = _fairshare(request.get("fairsharePolicy", {}))
    record = batch.new_record(batch.policies, request["name"], wire, request)
    return {"name": record.name, "arn": record.arn}


def update_scheduling_policy(batch: BatchBackend, request: Wire) -> Wire:
    """UpdateSchedulingPolicy: what is given replaces the whole policy; queues that use it follow at once."""
    record = batch.policies.read(request["arn"])
    for key, other in (("fairsharePolicy", "quotaSharePolicy"), ("quotaSharePolicy", "fairsharePolicy")):
        if key in request and other in record.wire:
            # Source: CloudFormation's AWS::Batch::SchedulingPolicy has both as createOnly with respect to each other.
            raise refusal("A scheduling policy can have either a fairsharePolicy or a quotaSharePolicy.")
    if "fairsharePolicy" in request:
        record.wire["fairsharePolicy"] = _fairshare(request["fairsharePolicy"])
    if "quotaSharePolicy" in request:
        record.wire["quotaSharePolicy"] = request["quotaSharePolicy"]
    batch.policy_changed(record)
    return {}


def delete_scheduling_policy(batch: BatchBackend, request: Wire) -> Wire:
    """DeleteSchedulingPolicy: "You can't delete a scheduling policy that's used in any job queues." """
    record = batch.policies.read(request["arn"])
    used = [queue.name for queue in batch.queues if queue.wire.get("schedulingPolicyArn") == record.arn]
    if used:
        raise refusal(f"Cannot delete, scheduling policy is used by job queue {used[0]}")
    batch.policies.remove(record)
    return {}


def describe_scheduling_policies(batch: BatchBackend, request: Wire) -> Wire:
    """DescribeSchedulingPolicies: 1 to 100 ARNs; unknown ones are left out."""
    arns = request["arns"]
    if len(arns) > 100:
        raise refusal(f"arns can have up to 100 entries, but has {len(arns)}")
    found = [record for _, record in batch.policies.chosen(arns)] if arns else []
    return {"schedulingPolicies": [_detail(record) for record in found]}


def list_scheduling_policies(batch: BatchBackend, request: Wire) -> Wire:
    """ListSchedulingPolicies: ARNs only."""
    found, more = page("ListSchedulingPolicies", request, batch.policies.chosen(None), 100)
    return {"schedulingPolicies": [{"arn": record.arn} for record in found], **more}


def _fairshare(given: Wire) -> Wire:
    return {
        "shareDecaySeconds": given.get("shareDecaySeconds", 0),
        "computeReservation": given.get("computeReservation", 0),
        "shareDistribution": given.get("shareDistribution", []),
    }


def _detail(record: Record) -> Wire:
    return {"name": record.name, "arn": record.arn, **record.wire, "tags": dict(record.tags)}
