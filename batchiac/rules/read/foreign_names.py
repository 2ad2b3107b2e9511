"""From the property names of other programs to those of AWS's API, as tables.

    cloudformation  PascalCase; lists and objects are the API's own (aws-native: the same in camelCase)
    terraform       snake_case, an object is a block and so a list of one, JSON texts where the API has objects
    pulumi_aws      terraform's names in camelCase, blocks of one unwrapped, lists in the plural

The rules' wire form is the API's Create request (batchiac.model.handler). What a program has beside it (computed
attributes, switches of its own) is left out; what it has and we do not know keeps its name in camelCase, so that the
shape check can say so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from batchiac.errors import UserError
from batchiac.model.unknown import UNKNOWN
from batchiac.rules.read.guard import MAX_JSON_BYTES, require_bounded

Dialect = Literal["cloudformation", "terraform"]

_MAPS = frozenset(("tags", "parameters", "options", "limits", "requests", "labels", "annotations", "capacityTags"))
"""Members whose own keys are the user's, and whose values are texts: never renamed."""

_DOCUMENTS = frozenset(("assumeRolePolicyDocument", "policies"))
"""Members that are documents of another language."""

_TEXTS = frozenset(("value", "platformVersion", "onExitCode", "imageKubernetesVersion", "version", "targetNodes"))
"""Members that the API takes as text where a template may write a number."""

_TEXT_LISTS = frozenset(("command", "args"))

_NUMBERS = frozenset(
    (
        *("priority", "order", "minvCpus", "maxvCpus", "desiredvCpus", "unmanagedvCpus", "bidPercentage", "attempts"),
        *("attemptDurationSeconds", "schedulingPriority", "numNodes", "mainNode", "vcpus", "memory", "maxTimeSeconds"),
        *("jobExecutionTimeoutMinutes", "minScaleDownDelayMinutes", "sizeInGiB", "sharedMemorySize", "maxSwap"),
        *("swappiness", "size", "hardLimit", "softLimit", "transitEncryptionPort", "startTimeout", "stopTimeout"),
        *("shareDecaySeconds", "computeReservation", "weightFactor", "totalQuantity", "quantity", "maxCapacity"),
        *("runAsUser", "runAsGroup", "fsGroup", "scaleInAfter", "storageSizeGiB", "borrowLimit"),
    )
)
_BOOLEANS = frozenset(
    (
        *("privileged", "readonlyRootFilesystem", "readOnlyRootFilesystem", "readOnly", "essential", "propagateTags"),
        *("hostNetwork", "initProcessEnabled", "terminateJobsOnUpdate", "updateToLatestImageVersion", "runAsNonRoot"),
        *("enableExecuteCommand", "shareProcessNamespace", "optional", "allowPrivilegeEscalation", "fipsEnabled"),
    )
)
"""CloudFormation turns a text into the number or boolean that its schema names, and the other way round."""

_OWN_OF_CLOUDFORMATION = frozenset(("replaceComputeEnvironment", "context", "resourceRetentionPolicy"))
_OWN_OF_TERRAFORM = frozenset(
    (
        *("arn", "arnPrefix", "id", "tagsAll", "ecsClusterArn", "status", "statusReason", "revision", "namePrefix"),
        *("computeEnvironmentNamePrefix", "deregisterOnNewRevision", "timeouts", "urn", "uniqueId", "createDate"),
    )
)
"""What the programs compute, or keep for themselves."""

_NAMES: Mapping[str, str] = {
    "minVcpus": "minvCpus",
    "maxVcpus": "maxvCpus",
    "desiredVcpus": "desiredvCpus",
    "unmanagedVcpus": "unmanagedvCpus",
    "instanceType": "instanceTypes",
    "computeEnvironmentOrders": "computeEnvironmentOrder",
    "jobStateTimeLimitAction": "jobStateTimeLimitActions",
    "ec2Configurations": "ec2Configuration",
    "evaluateOnExits": "evaluateOnExit",
    "fairSharePolicy": "fairsharePolicy",
    "shareDistributions": "shareDistribution",
    "envs": "env",
    "initContainer": "initContainers",
    "imagePullSecret": "imagePullSecrets",
    "volumeMount": "volumeMounts",
    "s3FilesVolumeConfiguration": "s3filesVolumeConfiguration",
}
"""camelCase name of Terraform, pulumi_aws or CloudFormation → the API's."""

_KIND_NAMES: Mapping[str, Mapping[str, str]] = {
    "ComputeEnvironment": {"name": "computeEnvironmentName"},
    "JobQueue": {"name": "jobQueueName"},
    "JobDefinition": {"name": "jobDefinitionName"},
    "SchedulingPolicy": {"name": "name"},
    "PlacementGroup": {"name": "groupName"},
    "Role": {"name": "roleName", "assumeRolePolicy": "assumeRolePolicyDocument"},
    "InstanceProfile": {"name": "instanceProfileName"},
    "LaunchTemplate": {"name": "launchTemplateName"},
}
"""At the top of a resource only."""

_GENERATED_NAMES: Mapping[str, str] = {
    "ComputeEnvironment": "computeEnvironmentName",
    "JobQueue": "jobQueueName",
    "JobDefinition": "jobDefinitionName",
    "SchedulingPolicy": "name",
    "ConsumableResource": "consumableResourceName",
    "ServiceEnvironment": "serviceEnvironmentName",
}
"""Names that CloudFormation makes up where a template gives none, and so are not yet known."""

_BLOCKS = frozenset(
    (
        *("computeResources", "launchTemplate", "updatePolicy", "eksConfiguration", "scalingPolicy", "ecsSettings"),
        *("retryStrategy", "timeout", "fairsharePolicy", "eksProperties", "podProperties", "resources", "metadata"),
        *("securityContext", "emptyDir", "hostPath", "secret", "networkConfiguration"),
    )
)
"""Objects that Terraform writes as a list of one block; an empty list means absent."""

_JSON_TEXTS = frozenset(("containerProperties", "nodeProperties", "ecsProperties"))
"""Objects that Terraform and pulumi_aws take as a JSON text."""

_KIND_AT: tuple[tuple[str, str], ...] = (
    (r"computeEnvironment(Order|s)", "ComputeEnvironment"),
    (r"serviceEnvironment", "ServiceEnvironment"),
    (r"schedulingPolicyArn", "SchedulingPolicy"),
    (r"launchTemplate(?!Data)|^launchTemplate(Id|Name)$", "LaunchTemplate"),
    (r"placementGroup", "PlacementGroup"),
    (r"instanceRole", "InstanceProfile"),
    (r"(serviceRole|spotIamFleetRole|RoleArn|^roles?\b)", "Role"),
    (r"subnets", "Subnet"),
    (r"securityGroupIds", "SecurityGroup"),
    (r"consumableResource", "ConsumableResource"),
    (r"jobQueue$", "JobQueue"),
)


def kind_at(path: str) -> str:
    """The kind of resource that a value at `path` (wire names) names; empty where no resource belongs."""
    for pattern, kind in _KIND_AT:
        if re.search(pattern, path):
            return kind
    return ""


def foreign_inputs(kind: str, properties: Any, name: str, dialect: str) -> tuple[dict[str, Any], list[str]]:
    """`properties` of a foreign resource in wire form, and a sentence for each that could not be read.

    Args:
        kind: ours, `ComputeEnvironment`.
        properties: under the names of `dialect`; UNKNOWN and Leads at any depth.
        name: of the resource, for the sentences.
        dialect: `cloudformation`, or `terraform`, which pulumi_aws shares.
    """
    unread: list[str] = []
    if not isinstance(properties, Mapping):
        return {}, unread
    if dialect == "cloudformation":
        wire = {key: each for key, each in _pascal(properties).items() if key not in _OWN_OF_CLOUDFORMATION}
        if kind in _GENERATED_NAMES:
            wire.setdefault(_GENERATED_NAMES[kind], UNKNOWN)
    else:
        wire = _terraform(properties, _KIND_NAMES.get(kind, {}), unread)
    finish = _NEIGHBOURS.get(kind)
    return (finish(wire, dialect) if finish else wire), unread


def wire_name(kind: str, name: str, dialect: str) -> str:
    """The API's name of a top-level property of a foreign resource."""
    if dialect == "wire":
        return name
    if dialect == "cloudformation":
        return _lower_first(name)
    camel = _camel(name)
    if camel == "computeEnvironments":
        return "computeEnvironmentOrder"
    return _KIND_NAMES.get(kind, {}).get(camel, _NAMES.get(camel, camel))


def _lower_first(name: str) -> str:
    camel = name[:1].lower() + name[1:]
    return _NAMES.get(camel, camel) if camel == "s3FilesVolumeConfiguration" else camel


def _pascal(value: Any) -> Any:
    if isinstance(value, Mapping):
        result = {}
        for key, each in value.items():
            wire = _lower_first(key)
            if wire in _DOCUMENTS:
                result[wire] = each
            elif wire in _MAPS and isinstance(each, Mapping):
                result[wire] = {name: _as_text(one) for name, one in each.items()}
            else:
                result[wire] = _coerced(wire, _pascal(each))
        return result
    if isinstance(value, list):
        return [_pascal(each) for each in value]
    return value


def _coerced(wire: str, value: Any) -> Any:
    if isinstance(value, str):
        if wire in _NUMBERS and re.fullmatch(r"-?\d{1,18}", value):
            return int(value)
        if wire in _NUMBERS and re.fullmatch(r"-?\d{0,18}\.\d{1,18}", value):
            return float(value)
        if wire in _BOOLEANS and value in ("true", "false"):
            return value == "true"
    elif wire in _TEXTS:
        return _as_text(value)
    elif wire in _TEXT_LISTS and isinstance(value, list):
        return [_as_text(each) for each in value]
    return value


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(each[:1].upper() + each[1:] for each in rest)


def _terraform(value: Mapping[str, Any], names: Mapping[str, str], unread: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, each in value.items():
        camel = _camel(key)
        # Terraform keeps no difference between an empty text and none.
        if each is None or each == "" or camel in _OWN_OF_TERRAFORM:
            continue
        wire = names.get(camel, _NAMES.get(camel, camel))
        if wire == "computeEnvironments" and isinstance(each, list):
            # The older form of the queue's order: ARNs in a list.
            wire = "computeEnvironmentOrder"
            each = [{"order": index, "computeEnvironment": arn} for index, arn in enumerate(each)]
        read = _terraform_value(wire, each, unread)
        # An absent block is an empty list there, and the provider sends neither.
        if read is not None and read != []:
            result[wire] = read
    return result


def _terraform_value(wire: str, value: Any, unread: list[str]) -> Any:
    if wire in _JSON_TEXTS and isinstance(value, str):
        return _json_text(wire, value, unread)
    if wire in _MAPS:
        return dict(value) if isinstance(value, Mapping) else value
    if isinstance(value, Mapping):
        return _terraform(value, {}, unread)
    if isinstance(value, list):
        read = [_terraform(each, {}, unread) if isinstance(each, Mapping) else each for each in value]
        if wire in _BLOCKS and all(isinstance(each, dict) for each in read):
            return read[0] if read else None
        return read
    return value


def _json_text(wire: str, text: str, unread: list[str]) -> Any:
    try:
        # The text was within the document's limits; inside it, the same limits hold again.
        value = require_bounded(json.loads(text), wire) if len(text) <= MAX_JSON_BYTES else None
    except (ValueError, RecursionError, UserError):
        value = None
    if not isinstance(value, dict):
        unread.append(f"{wire} is not the JSON text of an object")
        return UNKNOWN
    return _json_names(value)


def _json_names(value: Any) -> Any:
    """Both providers take the API's names there, and the names with a capital too (as an older ECS habit)."""
    if isinstance(value, dict):
        result = {}
        for key, each in value.items():
            wire = key[:1].lower() + key[1:]
            if each is not None:
                result[wire] = each if wire in _MAPS else _json_names(each)
        return result
    if isinstance(value, list):
        return [_json_names(each) for each in value]
    return value


# --- resources beside Batch --------------------------------------------------------------------------------------

_LAUNCH_TEMPLATE_DATA: Mapping[str, str] = {
    "vpcSecurityGroupIds": "securityGroupIds",
    "instanceTypes": "instanceType",
}


def _launch_template(inputs: dict[str, Any], dialect: str) -> dict[str, Any]:
    """Terraform's is flat; the API's has everything but the name in `launchTemplateData`."""
    if dialect == "cloudformation":
        return inputs
    top = ("launchTemplateName", "tags")
    data: dict[str, Any] = {}
    for key, each in inputs.items():
        if key in top or key in ("defaultVersion", "latestVersion", "updateDefaultVersion", "description", "region"):
            continue
        wire = _LAUNCH_TEMPLATE_DATA.get(key, key)
        if isinstance(each, list) and len(each) == 1 and wire in ("iamInstanceProfile", "placement", "cpuOptions"):
            each = each[0]
        if wire == "networkInterfaces" and isinstance(each, list):
            each = [
                {("groups" if name == "securityGroups" else name): one for name, one in interface.items()}
                if isinstance(interface, dict)
                else interface
                for interface in each
            ]
        if each not in ("", []):
            data[wire] = each
    return {**{key: inputs[key] for key in top if key in inputs}, "launchTemplateData": data}


def _role(inputs: dict[str, Any], dialect: str) -> dict[str, Any]:
    """The API takes the trust policy as a JSON text; a template may write it as an object."""
    del dialect
    policy = inputs.get("assumeRolePolicyDocument")
    if isinstance(policy, Mapping):
        try:
            inputs["assumeRolePolicyDocument"] = json.dumps(policy)
        except TypeError:  # a part of it is not yet known
            inputs["assumeRolePolicyDocument"] = UNKNOWN
    return inputs


_NEIGHBOURS: Mapping[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
    "LaunchTemplate": _launch_template,
    "Role": _role,
}
