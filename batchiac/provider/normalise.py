"""When two spellings mean the same to AWS: the normal form that diff compares and read translates through.

Everywhere: null, an empty list, an empty mapping and absence are one. Beyond that each kind has rows, a path pattern
(`[]` is every element) and what is done there. AWS returns what it stored, not what it was sent: reordered, defaulted,
in capitals, deprecated fields moved. Each row is one of those ways, so that a no-change preview stays empty.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from batchiac.model.unknown import UNKNOWN
from batchiac.rules.updates import is_service_linked

Change = Callable[[Any, Mapping[str, Any]], Any]
"""(value at the path, the mapping that holds it) → the value in normal form; None drops it."""


def by(*keys: str) -> Change:
    """A list whose order means nothing: sorted by these keys of its elements."""

    def change(value: Any, _: Mapping[str, Any]) -> Any:
        if not isinstance(value, list):
            return value
        return sorted(value, key=lambda each: [_sortable(each.get(key)) for key in keys] if is_mapping(each) else [])

    return change


def unordered(value: Any, _: Mapping[str, Any]) -> Any:
    """A list of plain values whose order means nothing."""
    return sorted(value, key=_sortable) if isinstance(value, list) else value


def default(*values: Any) -> Change:
    """AWS fills this in when it is left out."""

    def change(value: Any, _: Mapping[str, Any]) -> Any:
        return (
            None
            if any(value == each and isinstance(value, bool) is isinstance(each, bool) for each in values)
            else value
        )

    return change


def upper(value: Any, _: Mapping[str, Any]) -> Any:
    """AWS reads the word in any case and returns capitals."""
    return value.upper() if isinstance(value, str) else value


def number(value: Any, _: Mapping[str, Any]) -> Any:
    """A number that the API takes as text: "1", "1.0" and 1 are one."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def text(value: Any, _: Mapping[str, Any]) -> Any:
    """Something that AWS keeps as text whatever it was sent as: a launch template's version."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def document(value: Any, _: Mapping[str, Any]) -> Any:
    """A policy document: text or value, single values or lists of one."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return value
    return _one_as_list(value)


def last_part(value: Any, _: Mapping[str, Any]) -> Any:
    """A name where AWS takes a name or an ARN."""
    return value.rpartition("/")[2] if isinstance(value, str) and value.startswith("arn:") else value


def service_role(value: Any, _: Mapping[str, Any]) -> Any:
    """The service-linked role is what AWS takes when none is given."""
    return None if value is not UNKNOWN and is_service_linked(value) else value


def never(_: Any, __: Mapping[str, Any]) -> Any:
    """Not ours to compare."""


def _instance_types(value: Any, resources: Mapping[str, Any]) -> Any:
    # Only these two strategies read the list's order (BC:ComputeResource.allocationStrategy).
    if resources.get("allocationStrategy") in ("BEST_FIT_PROGRESSIVE_ORDERED", "SPOT_CAPACITY_OPTIMIZED_PRIORITIZED"):
        return value
    return unordered(value, resources)


def _strategy(value: Any, resources: Mapping[str, Any]) -> Any:
    # BC:ComputeResource: BEST_FIT "is the default" (for EC2 and Spot on ECS).
    return None if value == "BEST_FIT" and resources.get("type") in ("EC2", "SPOT") else value


def _desired(value: Any, resources: Mapping[str, Any]) -> Any:
    # desiredvCpus is AWS's after creation; what the user asks for is applied by raising only (provider).
    return None


def _bid(value: Any, resources: Mapping[str, Any]) -> Any:
    return None if value == 100 and resources.get("type") == "SPOT" else value


def _order(value: Any, _: Mapping[str, Any]) -> Any:
    """A queue's environments: what counts is their order, not the numbers."""
    if not isinstance(value, list) or any(each is UNKNOWN or each.get("order") is UNKNOWN for each in value):
        return value
    ranked = sorted(value, key=lambda each: _sortable(each.get("order")))
    return [{**each, "order": rank} for rank, each in enumerate(ranked, start=1)]


def _requirements(value: Any, container: Mapping[str, Any]) -> Any:
    # The deprecated vcpus and memory mean the same as two resourceRequirements.
    listed = list(value) if isinstance(value, list) else []
    if value is UNKNOWN or any(not is_mapping(each) for each in listed):
        return value
    have = {each.get("type") for each in listed}
    for old, new in (("vcpus", "VCPU"), ("memory", "MEMORY")):
        amount = container.get(old)
        if amount is not None and new not in have:
            listed.append({"type": new, "value": amount})
    return by("type")([{**each, "value": number(each.get("value"), each)} for each in listed], {})


def _environment(value: Any, _: Mapping[str, Any]) -> Any:
    # AWS does not keep a variable with an empty value; order means nothing.
    if not isinstance(value, list):
        return value
    return by("name")([each for each in value if not is_mapping(each) or each.get("value") not in ("", None)], {})


def _retry(value: Any, _: Mapping[str, Any]) -> Any:
    return None if is_mapping(value) and value == {"attempts": 1} else value


def one_source_each(value: list[Any]) -> list[dict[str, Any]]:
    """A security group's permissions one source each: AWS puts those of the same ports together."""
    sources = ("ipRanges", "ipv6Ranges", "prefixListIds", "userIdGroupPairs")
    single: list[dict[str, Any]] = []
    for each in value:
        # "-1" is every protocol; AWS then keeps no ports.
        ports = {} if each.get("ipProtocol") == "-1" else {key: each.get(key) for key in ("fromPort", "toPort")}
        rest = {"ipProtocol": each.get("ipProtocol"), **ports}
        for source in sources:
            found = each.get(source)
            if found is UNKNOWN:
                single.append({**rest, source: UNKNOWN})
            single += [{**rest, source: one} for one in (found if isinstance(found, list) else ())]
        if each.get("self"):
            single.append({**rest, "self": True})
    return sorted(({k: v for k, v in each.items() if v is not None} for each in single), key=_sortable)


def _permissions(value: Any, _: Mapping[str, Any]) -> Any:
    if not isinstance(value, list) or any(not is_mapping(each) for each in value):
        return value
    return one_source_each(value)


_CONTAINER: Final[tuple[tuple[str, Change], ...]] = (
    ("resourceRequirements", _requirements),
    ("vcpus", never),
    ("memory", never),
    ("environment", _environment),
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

ROWS: Final[Mapping[str, tuple[tuple[str, Change], ...]]] = {
    "ComputeEnvironment": (
        ("type", upper),
        ("state", upper),
        ("state", default("ENABLED")),
        ("serviceRole", service_role),
        ("computeResources.type", upper),
        ("computeResources.allocationStrategy", upper),
        ("computeResources.desiredvCpus", _desired),
        ("computeResources.minvCpus", default(0)),
        ("computeResources.instanceTypes", _instance_types),
        ("computeResources.allocationStrategy", _strategy),
        ("computeResources.bidPercentage", _bid),
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
        ("computeEnvironmentOrder", _order),
        ("serviceEnvironmentOrder", _order),
        ("jobStateTimeLimitActions", by("state", "reason")),
    ),
    "JobDefinition": (
        *((f"containerProperties.{path}", change) for path, change in _CONTAINER),
        *((f"nodeProperties.nodeRangeProperties[].container.{path}", change) for path, change in _CONTAINER),
        *((f"ecsProperties.taskProperties[].containers[].{path}", change) for path, change in _CONTAINER),
        ("type", lambda value, _: value.lower() if isinstance(value, str) else value),
        ("retryStrategy.evaluateOnExit[].action", upper),
        ("retryStrategy", _retry),
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
        ("ingress", _permissions),
        ("egress", _permissions),
        # What AWS creates a group with.
        ("egress", default([{"ipProtocol": "-1", "ipRanges": {"cidrIp": "0.0.0.0/0"}}])),
    ),
    "InternetGateway": (),
}
"""Kind → rows, applied in order."""


COMPUTED: Final[Mapping[str, tuple[str, ...]]] = {
    "ComputeEnvironment": (
        "computeResources.ec2Configuration",
        "computeResources.imageId",
        "computeResources.updateToLatestImageVersion",
        "computeResources.launchTemplate.version",
        "computeResources.launchTemplate.userdataType",
        "unmanagedvCpus",
        "context",
    ),
    "JobQueue": ("jobQueueType",),
    "JobDefinition": ("parameters",),
    "Subnet": ("availabilityZone",),
    "PlacementGroup": ("partitionCount", "spreadLevel"),
}
"""What AWS chooses when the program does not say: then it is no drift whatever it is."""


WRITE_ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    "ComputeEnvironment": ("computeResources.updateToLatestImageVersion",),
}
"""What AWS takes and never tells: the state's word for it stands."""


UNTOLD: Final[Mapping[str, tuple[tuple[str, frozenset[str]], ...]]] = {
    "ComputeEnvironment": (("computeResources.launchTemplate.version", frozenset({"$Latest", "$Default"})),),
}
"""Kind → paths and values that do not tell what they mean now: of a floating version AWS keeps the word, and not what
it was at the last infrastructure update. So the number that the state has is no drift from it."""


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


def merge_read(kind: str, known: Mapping[str, Any], actual: Mapping[str, Any]) -> dict[str, Any]:
    """What exists, each top-level property in the state's own spelling where that means the same.

    Args:
        known: the inputs by the state.
        actual: the inputs as AWS tells them; a property that AWS never tells is absent here and kept, one that it
            tells to be unset is None.
    """
    for path in COMPUTED.get(kind, ()):
        if _at(known, path) is None:
            actual = without_path(actual, path)
    for path, words in UNTOLD.get(kind, ()):
        if _at(known, path) is not None and _at(actual, path) in words:
            actual = _with(actual, path, _at(known, path))
    for path in WRITE_ONLY.get(kind, ()):
        if _at(known, path) is not None:
            actual = _with(actual, path, _at(known, path))
    same = normal(kind, known)
    other = normal(kind, actual)
    merged = dict(known)
    for key in {**known, **actual}:
        if key in actual or key == "tags":
            if same.get(key) == other.get(key):
                continue
            if actual.get(key) is not None:
                merged[key] = _merged(known.get(key), actual[key], same.get(key), other.get(key))
            else:
                merged.pop(key, None)
    return _in_known_order(kind, merged, known, ())


IDENTIFYING: Final = ("name", "type", "key", "shareIdentifier", "containerPath", "imageType", "hostPath", "targetNodes")
"""What an element of a list is called by, so that a changed one is found at its old place."""


def _in_known_order(kind: str, merged: dict[str, Any], known: Any, at: tuple[str, ...]) -> dict[str, Any]:
    """`merged` with each list in the state's order, where order means nothing: only what changed differs then."""
    here, there = _at(merged, ".".join(at)) if at else merged, _at(known, ".".join(at)) if at else known
    if is_mapping(here) and is_mapping(there):
        for key in here:
            if key in there and here[key] is not there[key] and "." not in key:
                merged = _in_known_order(kind, merged, known, (*at, key))
    elif isinstance(here, list) and isinstance(there, list) and here != there:
        turned = _with(merged, ".".join(at), _ordered_as(here, there))
        if normal(kind, turned) == normal(kind, merged):
            return dict(turned)
    return merged


def _ordered_as(found: list[Any], known: list[Any]) -> list[Any]:
    """The elements of `found`, those that `known` has too at their places there, new ones in what is left."""
    left = list(found)
    places: list[Any] = [None] * len(known)
    for same in (_is_equal, _is_of_one_name):
        for index, each in enumerate(known):
            if places[index] is None and (match := next((it for it in left if same(it, each)), None)) is not None:
                left.remove(match)
                places[index] = match
    if len(found) >= len(known):
        places = [each if each is not None else left.pop(0) for each in places]
    return [*(each for each in places if each is not None), *left]


def _is_equal(one: Any, other: Any) -> bool:
    return bool(one == other)


def _is_of_one_name(one: Any, other: Any) -> bool:
    if not (is_mapping(one) and is_mapping(other)):
        return False
    return any(key in one and one[key] == other.get(key) for key in IDENTIFYING)


def _merged(known: Any, actual: Any, same: Any, other: Any) -> Any:
    """Inside a mapping, only the parts that differ take AWS's spelling."""
    if not (is_mapping(known) and is_mapping(actual) and is_mapping(same) and is_mapping(other)):
        return actual
    merged: dict[str, Any] = {}
    for key in {**known, **actual}:
        if same.get(key) == other.get(key):
            if key in known:
                merged[key] = known[key]
        elif key in actual:
            merged[key] = _merged(known.get(key), actual[key], same.get(key), other.get(key))
    return merged


def _applied(value: Any, path: list[str], change: Change, holder: Mapping[str, Any]) -> Any:
    if not is_mapping(value):
        return value
    head, rest = path[0], path[1:]
    each_element = head.endswith("[]")
    key = head.removesuffix("[]")
    found = value.get(key)
    if found is UNKNOWN or (found is None and (rest or change is not _requirements)):
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


def without_path(value: Any, path: str) -> Any:
    """`value` without what stands at a dotted path."""
    head, _, rest = path.partition(".")
    if not is_mapping(value) or head not in value:
        return value
    if rest:
        return {**value, head: without_path(value[head], rest)}
    return {key: each for key, each in value.items() if key != head}


def _with(value: Any, path: str, new: Any) -> Any:
    head, _, rest = path.partition(".")
    return {**value, head: _with(value[head], rest, new) if rest else new}


def _at(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value.get(key) if is_mapping(value) else None
    return value


def pruned(value: Any) -> Any:
    """Without null, empty lists and empty mappings, at any depth; None when nothing is left."""
    if is_mapping(value):
        kept = {key: new for key, each in value.items() if (new := pruned(each)) is not None}
        return kept or None
    if isinstance(value, list | tuple):
        # An element that is empty keeps its place: positions in a command mean something.
        return [
            new if (new := pruned(each)) is not None else {} if is_mapping(each) else each for each in value
        ] or None
    return value


def _one_as_list(value: Any) -> Any:
    """IAM keeps `"Action": "x"` and `"Action": ["x"]` apart as text but not in meaning."""
    if is_mapping(value):
        return {key: _one_as_list(each) for key, each in value.items()}
    if isinstance(value, list):
        inner = [_one_as_list(each) for each in value]
        return inner[0] if len(inner) == 1 else sorted(inner, key=_sortable)
    return value


def _sortable(value: Any) -> str:
    if is_mapping(value) or isinstance(value, list):
        return json.dumps(value, sort_keys=True, default=repr)
    return repr(value) if not isinstance(value, str) else value


def is_mapping(value: Any) -> bool:
    """True for what has members."""
    return isinstance(value, Mapping)
