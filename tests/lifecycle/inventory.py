"""Everything that there is in an account and in a state, in words that two runs of the same program have in common."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from batchiac.aws.door import Door

_ID = re.compile(
    r"\b([a-z]+(?:-[a-z]+)*)-[0-9a-f]{8,17}\b(?!-)|\b(AROA|AIPA|AIDA|ANPA)[A-Z0-9]+\b|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)
_NOT_COMPARED = re.compile(r"(Time|Date|At|created|modified|ResponseMetadata|InstanceProfileId)$")


def _meaning(value: Any, labels: Mapping[str, str]) -> Any:
    """The value without times, ids exchanged for what they mean, lists in an order of their own."""
    if isinstance(value, Mapping):
        return {key: _meaning(each, labels) for key, each in value.items() if not _NOT_COMPARED.search(key)}
    if isinstance(value, list | tuple):
        return sorted((_meaning(each, labels) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    if isinstance(value, str):
        return _ID.sub(lambda match: labels.get(match[0]) or f"<{match[1] or match[2] or 'uuid'}>", value)
    return value if isinstance(value, int | float | None) else str(value)


def _line(kind: str, value: Any, labels: Mapping[str, str]) -> str:
    return f"{kind}\t{json.dumps(_meaning(value, labels), sort_keys=True)}"


def inventory(door: Door) -> tuple[list[str], dict[str, str]]:
    """Everything in the account, one line each, without times; ids exchanged for what they mean.

    Returns:
        The lines, sorted; id → what it means, for the state.
    """
    records = list(_records(door))
    labels: dict[str, str] = {}
    # An id means the resource that bears it; two rounds more, and it means what that refers to as well.
    for _ in range(3):
        made = {}
        for kind, key, value in records:
            digest = hashlib.sha256(_line(kind, value, labels).encode()).hexdigest()[:10]
            made.update({each[0]: f"<{kind} {digest}>" for each in _ID.finditer(key)})
        labels = made
    return sorted(_line(kind, value, labels) for kind, _, value in records), labels


def _records(door: Door) -> Iterator[tuple[str, str, Any]]:
    ec2, iam, batch = (door.client(each) for each in ("ec2", "iam", "batch"))
    subnets: set[str] = set()
    for kind, method, key, id_key in (
        ("vpc", "describe_vpcs", "Vpcs", "VpcId"),
        ("subnet", "describe_subnets", "Subnets", "SubnetId"),
        ("igw", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        ("rtb", "describe_route_tables", "RouteTables", "RouteTableId"),
        ("sg", "describe_security_groups", "SecurityGroups", "GroupId"),
        ("acl", "describe_network_acls", "NetworkAcls", "NetworkAclId"),
        ("pg", "describe_placement_groups", "PlacementGroups", "GroupId"),
        ("eni", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ):
        for each in ec2.pages(method, key):
            if kind == "subnet":
                subnets.add(each["SubnetId"])
            if kind == "acl":
                # moto keeps the associations of subnets that are gone.
                each = {**each, "Associations": [one for one in each["Associations"] if one["SubnetId"] in subnets]}
            yield kind, each[id_key], each
    for each in ec2.pages("describe_launch_templates", "LaunchTemplates"):
        versions = list(
            ec2.pages(
                "describe_launch_template_versions", "LaunchTemplateVersions", LaunchTemplateId=each["LaunchTemplateId"]
            )
        )
        yield "lt", each["LaunchTemplateId"], [each, versions]
    for reservation in ec2.pages("describe_instances", "Reservations"):
        for each in reservation["Instances"]:
            if each["State"]["Name"] not in ("terminated", "shutting-down"):
                yield "instance", each["InstanceId"], {"type": each["InstanceType"], "subnet": each.get("SubnetId")}
    for each in ec2.pages("describe_spot_fleet_requests", "SpotFleetRequestConfigs"):
        if not each["SpotFleetRequestState"].startswith("cancelled"):
            yield "sfr", each["SpotFleetRequestId"], each["SpotFleetRequestState"]
    for each in iam.pages("list_roles", "Roles"):
        name = each["RoleName"]
        yield (
            "role",
            each["RoleId"],
            [
                iam.get_role(RoleName=name)["Role"],
                list(iam.pages("list_attached_role_policies", "AttachedPolicies", RoleName=name)),
                [
                    iam.get_role_policy(RoleName=name, PolicyName=p)
                    for p in iam.pages("list_role_policies", "PolicyNames", RoleName=name)
                ],
            ],
        )
    for each in iam.pages("list_instance_profiles", "InstanceProfiles"):
        yield (
            "profile",
            each["InstanceProfileId"],
            iam.get_instance_profile(InstanceProfileName=each["InstanceProfileName"]),
        )
    for each in iam.pages("list_policies", "Policies", Scope="Local"):
        yield "policy", each["Arn"], each
    for each in batch.pages("describe_compute_environments", "computeEnvironments"):
        yield "environment", each.get("uuid", ""), {k: v for k, v in each.items() if k != "statusReason"}
    for each in batch.pages("describe_job_queues", "jobQueues"):
        yield "queue", "", each
    for each in batch.pages("describe_job_definitions", "jobDefinitions"):
        yield "definition", "", each
    for each in batch.pages("list_scheduling_policies", "schedulingPolicies"):
        yield "policy", "", each
    ecs = door.client("ecs")
    for arn in ecs.pages("list_clusters", "clusterArns"):
        (each,) = ecs.describe_clusters(clusters=[arn])["clusters"]
        # ECS goes on listing a cluster for a while after it was deleted.
        if each["status"] == "ACTIVE":
            yield "cluster", arn, {"name": each["clusterName"]}
    for each in door.client("autoscaling").pages("describe_auto_scaling_groups", "AutoScalingGroups"):
        yield "asg", each["AutoScalingGroupName"], {"name": each["AutoScalingGroupName"], "max": each["MaxSize"]}
    for each in door.client("logs").pages("describe_log_groups", "logGroups"):
        yield "log group", "", each["logGroupName"]


def state_of(path: Path, labels: Mapping[str, str]) -> dict[str, Any]:
    """The state file by URN, without times; ids exchanged for what they mean. What is unsettled is in it too."""
    latest = json.loads(path.read_text(encoding="utf-8"))["checkpoint"]["latest"]
    found: dict[str, Any] = {"pending": [each["resource"]["urn"] for each in latest.get("pending_operations", ())]}
    for each in latest.get("resources", ()):
        assert each["urn"] not in found, f"{each['urn']} is there twice"
        found[each["urn"]] = _meaning(each, labels)
    return found


def differing_lines(mine: Iterable[str], its: Iterable[str]) -> list[str]:
    """In words, where one inventory is not as another."""
    extra, missing = _less(mine, its), _less(its, mine)
    found: list[str] = []
    for line in extra:
        kind, _, text = line.partition("\t")
        # Of the same kind and, as far as it goes, of the same name: one that differs, not one too many.
        like = max(
            (each for each in missing if each.startswith(f"{kind}\t")), key=lambda it: _alike(it, line), default=""
        )
        if like:
            missing.remove(like)
            found.append(f"{kind}: {_first_difference(json.loads(text), json.loads(like[len(kind) + 1 :]))}")
        else:
            found.append(f"too much: {line[:400]}")
    return found + [f"missing: {each[:400]}" for each in missing]


def differing_states(mine: Mapping[str, Any], its: Mapping[str, Any]) -> list[str]:
    """In words, where one state (`state_of`) is not as another."""
    return [
        f"state of {urn}: {_first_difference(mine.get(urn), its.get(urn))}"
        for urn in sorted({*mine, *its})
        if mine.get(urn) != its.get(urn)
    ]


def _less(some: Iterable[str], others: Iterable[str]) -> list[str]:
    left = list(some)
    for each in others:
        if each in left:
            left.remove(each)
    return left


def _alike(one: str, other: str) -> int:
    return next((index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def _first_difference(mine: Any, its: Any, path: str = "") -> str:
    if isinstance(mine, dict) and isinstance(its, dict):
        for key in sorted({*mine, *its}):
            if mine.get(key) != its.get(key):
                return _first_difference(mine.get(key), its.get(key), f"{path}.{key}")
    if isinstance(mine, list) and isinstance(its, list) and len(mine) == len(its):
        for index, (one, other) in enumerate(zip(mine, its, strict=True)):
            if one != other:
                return _first_difference(one, other, f"{path}[{index}]")
    return f"{path} is {str(mine)[:200]} instead of {str(its)[:200]}"
