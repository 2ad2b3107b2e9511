"""What an import has to know of each kind: how all of it is listed, how a name leads to it, what AWS made by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from batchiac.aws import consumable_resource, ec2, quota_share, service_environment
from batchiac.aws.door import Door
from batchiac.errors import AwsRefusal, UserError


def _definitions(door: Door) -> list[str]:
    listed = door.client("batch").pages("describe_job_definitions", "jobDefinitions", status="ACTIVE")
    return list(dict.fromkeys(each["jobDefinitionArn"].rpartition(":")[0] for each in listed))


def _policies(door: Door) -> list[str]:
    return [each["arn"] for each in door.client("batch").pages("list_scheduling_policies", "schedulingPolicies")]


def _environments(door: Door) -> list[str]:
    listed = door.client("batch").pages("describe_compute_environments", "computeEnvironments")
    return [each["computeEnvironmentArn"] for each in listed if each.get("status") != "DELETED"]


def _queues(door: Door) -> list[str]:
    listed = door.client("batch").pages("describe_job_queues", "jobQueues")
    return [each["jobQueueArn"] for each in listed if each.get("status") != "DELETED"]


def _service_environments(door: Door) -> list[str]:
    listed = service_environment.find_all(door)
    return [each["serviceEnvironmentArn"] for each in listed if each.get("status") != "DELETED"]


def _consumables(door: Door) -> list[str]:
    return [each["consumableResourceArn"] for each in consumable_resource.find_named(door)]


LISTED: Final[Mapping[str, Callable[[Door], list[str]]]] = {
    "ComputeEnvironment": _environments,
    "JobQueue": _queues,
    "JobDefinition": _definitions,
    "SchedulingPolicy": _policies,
    "ConsumableResource": _consumables,
    "ServiceEnvironment": _service_environments,
    "QuotaShare": lambda door: list(quota_share.find_all_arns(door)),
}
"""Kind → the ARNs of all there are."""


def _policy_named(door: Door, text: str) -> str | None:
    if text.startswith("arn:"):
        return text
    return next((each for each in _policies(door) if each.rpartition("/")[2] == text), None)


def _share_named(door: Door, text: str) -> str | None:
    """A share's ARN from `<queue>/<share>`, or from its name alone where no other queue has one of that name."""
    if text.startswith("arn:"):
        return text
    queue, _, name = text.rpartition("/")
    named = [each for each in quota_share.find_all_arns(door) if each.rpartition("/")[2] == name]
    found = [each for each in named if not queue or quota_share.queue_of(each).rpartition("/")[2] == queue]
    if len(found) > 1:
        queues = sorted(quota_share.queue_of(each).rpartition("/")[2] for each in found)
        ways = ", ".join(f"{each}/{name}" for each in queues)
        raise UserError(f"there are several quota shares of the name {name}: say which, {ways}")
    return found[0] if found else None


def _template_named(door: Door, text: str) -> str | None:
    if text.startswith("lt-"):
        return text
    try:
        listed = door.client("ec2").describe_launch_templates(LaunchTemplateNames=[text])["LaunchTemplates"]
    except AwsRefusal as refusal:
        if refusal.code in ec2.LAUNCH_TEMPLATE.absent:
            return None
        raise
    return str(listed[0]["LaunchTemplateId"]) if listed else None


def _group_named(door: Door, text: str) -> str | None:
    try:
        listed = door.client("ec2").describe_placement_groups(GroupNames=[text])["PlacementGroups"]
    except AwsRefusal as refusal:
        if refusal.code in ec2.PLACEMENT_GROUP.absent:
            return None
        raise
    return str(listed[0]["GroupId"]) if listed else None


NAMED: Final[Mapping[str, Callable[[Door, str], str | None]]] = {
    "SchedulingPolicy": _policy_named,
    "QuotaShare": _share_named,
    "LaunchTemplate": _template_named,
    "PlacementGroup": _group_named,
}
"""Kinds whose describing call takes no names: text → id, None when there is none."""


def _is_default_vpc(door: Door, vpc_id: str) -> bool:
    return bool((ec2.find(door, ec2.VPC, vpc_id) or {}).get("IsDefault"))


DEFAULTS: Final[Mapping[str, Callable[[Door, str, Mapping[str, Any]], bool]]] = {
    "Vpc": lambda door, vpc_id, _inputs: _is_default_vpc(door, vpc_id),
    "Subnet": lambda door, _id, inputs: _is_default_vpc(door, inputs["vpcId"]),
    "InternetGateway": lambda door, _id, inputs: bool(inputs.get("vpcId")) and _is_default_vpc(door, inputs["vpcId"]),
    "SecurityGroup": lambda _door, _id, inputs: inputs.get("groupName") == "default",
    "RouteTable": lambda door, _id, inputs: _is_default_vpc(door, inputs["vpcId"]),
}
"""Kind → True for what AWS made by itself, which nobody can make again."""


def tables_of(door: Door, subnet_id: str) -> list[str]:
    filters = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
    listed = door.client("ec2").pages("describe_route_tables", "RouteTables", Filters=filters)
    return [
        each["RouteTableId"]
        for each in listed
        if not any(association.get("Main") for association in each.get("Associations", ()))
    ]
