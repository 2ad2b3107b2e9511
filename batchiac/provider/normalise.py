"""When two spellings mean the same to AWS: the normal form that diff compares and read translates through.

Null, an empty list, an empty mapping and absence are one (`EMPTY_MEANS` has the exceptions). Beyond that each kind has
rows, a path pattern (`[]` is every element) and what is done there. AWS returns what it stored, not what it was sent:
reordered, defaulted, in capitals, deprecated fields moved. Each row is one of those ways, so that a no-change preview
stays empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from batchiac.model.unknown import UNKNOWN
from batchiac.provider.spelling import (
    Change,
    bid,
    by,
    cidr,
    default,
    document,
    environment,
    instance_types,
    is_mapping,
    last_part,
    never,
    number,
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

Rows = tuple[tuple[str, Change], ...]
"""Paths, each with what is done there."""


def _at(places: tuple[str, ...], rows: Rows) -> Rows:
    """The rows at each of the places."""
    return tuple((f"{place}{path}", change) for place in places for path, change in rows)


# What a job runs has three forms, each of which stands for itself or for a range of nodes. Which members AWS fills in,
# reorders or empties is also what terraform-provider-aws reduces in internal/service/batch (container_properties.go,
# ecs_properties.go, eks_properties.go, node_properties.go). Defaults: API_EcsTaskProperties, API_EksPodProperties,
# API_TaskContainerProperties, API_EksContainerSecurityContext, API_EFSVolumeConfiguration.
_RANGE: Final = "nodeProperties.nodeRangeProperties[]."
_CONTAINER_PLACES: Final = ("containerProperties.", f"{_RANGE}container.")
_TASK_PLACES: Final = ("ecsProperties.taskProperties[].", f"{_RANGE}ecsProperties.taskProperties[].")
_POD_PLACES: Final = ("eksProperties.podProperties.", f"{_RANGE}eksProperties.podProperties.")

_CONTAINER: Final[Rows] = (
    ("resourceRequirements", requirements),
    ("environment", environment),
    ("secrets", by("name")),
    ("ulimits", by("name")),
    ("mountPoints[].readOnly", default(False)),
    ("mountPoints", by("containerPath", "sourceVolume")),
    ("privileged", default(False)),
    ("readonlyRootFilesystem", default(False)),
    ("linuxParameters.initProcessEnabled", default(False)),
    ("linuxParameters.devices[].permissions", unordered),
    ("linuxParameters.devices", by("hostPath")),
    ("logConfiguration.secretOptions", by("name")),
)
"""Of any container that ECS runs."""

_TASK: Final[Rows] = (
    ("volumes[].efsVolumeConfiguration.rootDirectory", default("/")),
    ("volumes[].efsVolumeConfiguration.transitEncryption", default("DISABLED")),
    ("volumes[].efsVolumeConfiguration.authorizationConfig.iam", default("DISABLED")),
    ("volumes", by("name")),
    ("enableExecuteCommand", default(False)),
    ("networkConfiguration.assignPublicIp", default("DISABLED")),
    ("runtimePlatform.operatingSystemFamily", default("LINUX")),
    ("runtimePlatform.cpuArchitecture", default("X86_64")),
)
"""Of any task; one of a single container says it beside the container's own."""

_POD_CONTAINER: Final[Rows] = (
    ("name", default("Default")),
    ("env", environment),
    ("resources.limits.cpu", number),
    ("resources.requests.cpu", number),
    ("volumeMounts[].readOnly", default(False)),
    ("volumeMounts", by("mountPath", "name")),
    ("securityContext.privileged", default(False)),
    ("securityContext.allowPrivilegeEscalation", default(False)),
    ("securityContext.readOnlyRootFilesystem", default(False)),
)

_PAYLOADS: Final[Rows] = (
    *_at(_CONTAINER_PLACES, (*_CONTAINER, *_TASK)),
    *_at(
        _CONTAINER_PLACES,
        (
            ("vcpus", never),
            ("memory", never),
            ("fargatePlatformConfiguration.platformVersion", default("LATEST")),
        ),
    ),
    *_at(tuple(f"{place}containers[]." for place in _TASK_PLACES), _CONTAINER),
    *_at(
        _TASK_PLACES,
        (
            *_TASK,
            ("platformVersion", default("LATEST")),
            ("networkMode", default("host")),
            ("containers[].essential", default(True)),
            ("containers[].dependsOn", by("containerName", "condition")),
            ("containers", by("name")),
        ),
    ),
    *_at(
        tuple(f"{place}{list_}[]." for place in _POD_PLACES for list_ in ("containers", "initContainers")),
        _POD_CONTAINER,
    ),
    *_at(
        _POD_PLACES,
        (
            # Init containers run one after the other: their order is theirs.
            ("containers", by("name")),
            ("hostNetwork", default(True)),
            ("dnsPolicy", default("ClusterFirst")),
            ("shareProcessNamespace", default(False)),
            ("volumes[].persistentVolumeClaim.readOnly", default(False)),
            ("volumes", by("name")),
        ),
    ),
)

_CONSUMABLES: Final[tuple[tuple[str, Change], ...]] = tuple(
    row
    for at in ("", _RANGE)
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
        ("computeResources.launchTemplate.overrides[].version", text),
        ("computeResources.launchTemplate.overrides[].version", default("$Default", "")),
        # "This field is read-only and only appears in the DescribeComputeEnvironments response."
        ("computeResources.ec2Configuration[].batchImageStatus", never),
        ("computeResources.ec2Configuration", by("imageType")),
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
        *_PAYLOADS,
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
        ("cidrBlock", cidr),
        ("instanceTenancy", default("default")),
        ("enableDnsSupport", default(True)),
        ("enableDnsHostnames", default(False)),
    ),
    "Subnet": (("cidrBlock", cidr), ("mapPublicIpOnLaunch", default(False))),
    "RouteTable": (
        ("routes[].destinationCidrBlock", cidr),
        ("routes[].destinationIpv6CidrBlock", cidr),
        ("routes", by("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")),
        ("subnetIds", unordered),
    ),
    "SecurityGroup": (
        ("ingress", permissions),
        ("egress", permissions),
        # What AWS creates a group with.
        ("egress", default([{"ipProtocol": "-1", "ipRanges": {"cidrIp": "0.0.0.0/0"}}])),
    ),
    "InternetGateway": (),
}
"""Kind → rows, applied in order."""


EMPTY_MEANS: Final[Mapping[str, tuple[str, ...]]] = {"SecurityGroup": ("egress",)}
"""Kind → lists of which none is another wish than absence: a group without egress rules lets nothing out, one of which
nothing is said everything."""


def pruned_of(kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs without what means nothing: null, empty lists and mappings at any depth, but for `EMPTY_MEANS`."""
    meant: dict[str, Any] = {
        key: [] for key in EMPTY_MEANS.get(kind, ()) if isinstance(inputs.get(key), list) and not inputs[key]
    }
    return {**(pruned(inputs) or {}), **meant}


def normal(kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs in normal form; equal for every spelling that means the same to AWS."""
    value = pruned_of(kind, inputs)
    if isinstance(tags := value.get("tags"), Mapping):
        # AWS's own tags (aws:cloudformation:stack-name, …) can be neither set nor removed.
        value = {**value, "tags": {key: each for key, each in tags.items() if not key.startswith("aws:")}}
    for path, change in ROWS.get(kind, ()):
        value = _applied(value, path.split("."), change, value)
    policies = value.get("inlinePolicies")
    if kind == "Role" and isinstance(policies, Mapping):
        value = {**value, "inlinePolicies": {name: document(each, {}) for name, each in policies.items()}}
    return pruned_of(kind, value)


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
