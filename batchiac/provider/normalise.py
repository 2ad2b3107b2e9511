"""When two spellings mean the same to AWS: the normal form that diff compares and read translates through.

Everywhere: null, an empty list, an empty mapping and absence are one. Beyond that each kind has rows, a path pattern
(`[]` is every element) and what is done there. AWS returns what it stored, not what it was sent: reordered, defaulted,
in capitals, deprecated fields moved. Each row is one of those ways, so that a no-change preview stays empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from batchiac.model.unknown import UNKNOWN
from batchiac.provider.spelling import (
    Change,
    bid,
    by,
    default,
    document,
    environment,
    instance_types,
    is_mapping,
    last_part,
    never,
    order,
    permissions,
    pruned,
    requirements,
    retry,
    service_role,
    strategy,
    text,
    unordered,
    upper,
)

_CONTAINER: Final[tuple[tuple[str, Change], ...]] = (
    ("resourceRequirements", requirements),
    ("vcpus", never),
    ("memory", never),
    ("environment", environment),
    ("secrets", by("name")),
    ("ulimits", by("name")),
    ("volumes", by("name")),
    ("mountPoints[].readOnly", default(False)),
    ("mountPoints", by("containerPath", "sourceVolume")),
    ("privileged", default(False)),
    ("readonlyRootFilesystem", default(False)),
    ("enableExecuteCommand", default(False)),
    ("networkConfiguration.assignPublicIp", default("DISABLED")),
    ("fargatePlatformConfiguration.platformVersion", default("LATEST")),
    ("runtimePlatform.operatingSystemFamily", default("LINUX")),
    ("runtimePlatform.cpuArchitecture", default("X86_64")),
    ("linuxParameters.initProcessEnabled", default(False)),
    ("linuxParameters.devices", by("hostPath")),
    ("logConfiguration.secretOptions", by("name")),
)

_CONSUMABLES: Final[tuple[tuple[str, Change], ...]] = tuple(
    row
    for at in ("", "nodeProperties.nodeRangeProperties[].")
    for row in (
        (f"{at}consumableResourceProperties.consumableResourceList[].consumableResource", last_part),
        (f"{at}consumableResourceProperties.consumableResourceList", by("consumableResource")),
    )
)

ROWS: Final[Mapping[str, tuple[tuple[str, Change], ...]]] = {
    "ComputeEnvironment": (
        ("type", upper),
        ("state", upper),
        ("state", default("ENABLED")),
        ("serviceRole", service_role),
        ("computeResources.type", upper),
        ("computeResources.allocationStrategy", upper),
        # AWS's after creation; what the user asks for is applied by raising only (compute_environment.py).
        ("computeResources.desiredvCpus", never),
        ("computeResources.minvCpus", default(0)),
        ("computeResources.instanceTypes", instance_types),
        ("computeResources.allocationStrategy", strategy),
        ("computeResources.bidPercentage", bid),
        ("computeResources.subnets", unordered),
        ("computeResources.securityGroupIds", unordered),
        ("computeResources.imageId", default("")),
        ("computeResources.ec2KeyPair", default("")),
        ("computeResources.placementGroup", default("")),
        ("computeResources.launchTemplate.version", text),
        ("computeResources.launchTemplate.version", default("$Default", "")),
        ("computeResources.updateToLatestImageVersion", default(False)),
        ("computeResources.scalingPolicy.minScaleDownDelayMinutes", default(0)),
        ("eksConfiguration.accessEntry.desiredState", default("INHERIT_FROM_CLUSTER")),
        ("eksConfiguration.accessEntry.status", never),
        ("ecsSettings.containerInsights", default("DISABLED", "disabled")),
        ("updatePolicy.terminateJobsOnUpdate", default(False)),
        ("updatePolicy.jobExecutionTimeoutMinutes", default(30)),
        ("replaceThroughBridge", default(False)),
        ("blueGreen", default(False)),
    ),
    "JobQueue": (
        ("state", upper),
        ("state", default("ENABLED")),
        ("computeEnvironmentOrder[].computeEnvironment", last_part),
        ("computeEnvironmentOrder", order),
        ("serviceEnvironmentOrder[].serviceEnvironment", last_part),
        ("serviceEnvironmentOrder", order),
        ("jobStateTimeLimitActions", by("state", "reason")),
    ),
    "JobDefinition": (
        *((f"containerProperties.{path}", change) for path, change in _CONTAINER),
        *((f"nodeProperties.nodeRangeProperties[].container.{path}", change) for path, change in _CONTAINER),
        *((f"ecsProperties.taskProperties[].containers[].{path}", change) for path, change in _CONTAINER),
        *_CONSUMABLES,
        ("type", lambda value, _: value.lower() if isinstance(value, str) else value),
        ("retryStrategy.evaluateOnExit[].action", upper),
        ("retryStrategy", retry),
        ("propagateTags", default(False)),
        ("platformCapabilities", unordered),
        ("platformCapabilities", default(["EC2"])),
        ("keepRevisions", default(0)),
    ),
    "SchedulingPolicy": (
        ("fairsharePolicy.shareDistribution[].weightFactor", default(1)),
        ("fairsharePolicy.shareDistribution", by("shareIdentifier")),
        ("fairsharePolicy.shareDecaySeconds", default(0)),
        ("fairsharePolicy.computeReservation", default(0)),
    ),
    "ConsumableResource": (
        ("resourceType", upper),
        ("resourceType", default("REPLENISHABLE")),
        # Assumption: what is created without a quantity has none; AWS names no default.
        ("totalQuantity", default(0)),
    ),
    "ServiceEnvironment": (
        ("serviceEnvironmentType", upper),
        ("state", upper),
        ("state", default("ENABLED")),
        ("capacityLimits", by("capacityUnit")),
    ),
    "QuotaShare": (
        ("jobQueue", last_part),
        ("state", upper),
        ("state", default("ENABLED")),
        ("capacityLimits", by("capacityUnit")),
        ("resourceSharingConfiguration.strategy", upper),
        ("resourceSharingConfiguration.borrowLimit", default(-1)),
        ("preemptionConfiguration.inSharePreemption", upper),
    ),
    "Role": (
        ("assumeRolePolicyDocument", document),
        ("managedPolicyArns", unordered),
        ("path", default("/")),
        ("description", default("")),
        ("maxSessionDuration", default(3600)),
    ),
    "InstanceProfile": (("path", default("/")), ("roles", unordered)),
    "LaunchTemplate": (("versionDescription", default("")),),
    "PlacementGroup": (("strategy", lambda value, _: value.lower() if isinstance(value, str) else value),),
    "Vpc": (
        ("instanceTenancy", default("default")),
        ("enableDnsSupport", default(True)),
        ("enableDnsHostnames", default(False)),
    ),
    "Subnet": (("mapPublicIpOnLaunch", default(False)),),
    "RouteTable": (("routes", by("destinationCidrBlock", "destinationIpv6CidrBlock")), ("subnetIds", unordered)),
    "SecurityGroup": (
        ("ingress", permissions),
        ("egress", permissions),
        # What AWS creates a group with.
        ("egress", default([{"ipProtocol": "-1", "ipRanges": {"cidrIp": "0.0.0.0/0"}}])),
    ),
    "InternetGateway": (),
}
"""Kind → rows, applied in order."""


def normal(kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs in normal form; equal for every spelling that means the same to AWS."""
    value = pruned(inputs) or {}
    if isinstance(tags := value.get("tags"), Mapping):
        # AWS's own tags (aws:cloudformation:stack-name, …) can be neither set nor removed.
        value = {**value, "tags": {key: each for key, each in tags.items() if not key.startswith("aws:")}}
    for path, change in ROWS.get(kind, ()):
        value = _applied(value, path.split("."), change, value)
    policies = value.get("inlinePolicies")
    if kind == "Role" and isinstance(policies, Mapping):
        value = {**value, "inlinePolicies": {name: document(each, {}) for name, each in policies.items()}}
    return pruned(value) or {}


def _applied(value: Any, path: list[str], change: Change, holder: Mapping[str, Any]) -> Any:
    if not is_mapping(value):
        return value
    head, rest = path[0], path[1:]
    each_element = head.endswith("[]")
    key = head.removesuffix("[]")
    found = value.get(key)
    if found is UNKNOWN or (found is None and (rest or change is not requirements)):
        return value
    if each_element:
        if not isinstance(found, list):
            return value
        new: Any = [_applied(each, rest, change, value) for each in found]
    elif rest:
        new = _applied(found, rest, change, value)
    else:
        new = change(found, value)
    if new is None:
        return {other: each for other, each in value.items() if other != key}
    return {**value, key: new}
