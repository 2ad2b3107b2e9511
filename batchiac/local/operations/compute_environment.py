"""Compute environments. States and capacity are the engine's; what Describe shows of the request is kept here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, field

from batchiac.local.api_error import refusal
from batchiac.local.paging import page
from batchiac.local.quotas import require_room, require_room_in_cluster
from batchiac.local.records import Record
from batchiac.local.values import environment_value
from batchiac.model.arn import ecs_arn, partition_of
from batchiac.model.instance_type import read_instance_types

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

SERVICE_LINKED_ROLE = "role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
DEFAULT_IMAGE_TYPES = {"ECS": "ECS_AL2023", "EKS": "EKS_AL2023"}
"""Source: botocore 1.44.5, ComputeResource.ec2Configuration: the defaults since 2026-01-12."""

MANUAL_SCALE_DOWN = (
    "Manually scaling down compute environment is not supported. Disconnecting job queues from compute environment will"
    " cause it to scale-down to minvCpus."
)
"""Source: https://docs.aws.amazon.com/batch/latest/userguide/error-desired-vcpus-update.html."""

INFRASTRUCTURE = (
    "allocationStrategy",
    "instanceTypes",
    "bidPercentage",
    "type",
    "imageId",
    "ec2Configuration",
    "launchTemplate",
    "ec2KeyPair",
    "subnets",
    "securityGroupIds",
    "placementGroup",
    "instanceRole",
    "tags",
)
"""What an update can change only by replacing the instances.

Source: https://docs.aws.amazon.com/batch/latest/userguide/infrastructure-updates.html."""

_REMOVABLE = ("imageId", "ec2KeyPair", "placementGroup")
"""An empty string removes these. Source: botocore 1.44.5, ComputeResourceUpdate."""


@define(eq=False)
class EnvironmentRecord(Record):
    """A compute environment.

    Attributes:
        launch_versions: launch template id → the version number that instances are launched from: `$Latest` and
            `$Default` are looked up at creation and at each infrastructure update only.
        image_generation: goes up with `updateToLatestImageVersion`.
    """

    launch_versions: dict[str, str] = field(factory=dict)
    image_generation: int = 0


def create_compute_environment(batch: BatchBackend, request: Wire) -> Wire:
    """CreateComputeEnvironment: CREATING, then VALID, or INVALID with the reason that AWS gives."""
    name = request["computeEnvironmentName"]
    managed = request["type"] == "MANAGED"
    if managed and "computeResources" not in request:
        raise refusal("computeResources must be provided for a MANAGED compute environment")
    if not managed and "serviceRole" not in request:
        raise batch.execution_refusal("ServiceRole is required.")
    if request["type"] not in ("MANAGED", "UNMANAGED"):
        raise refusal(f"type {request['type']} must be one of MANAGED | UNMANAGED")
    wire: Wire = {
        "type": request["type"],
        "state": request.get("state", "ENABLED"),
        "serviceRole": _role_arn(batch, request.get("serviceRole")),
        "containerOrchestrationType": "EKS" if "eksConfiguration" in request else "ECS",
    }
    for key in ("unmanagedvCpus", "eksConfiguration", "context", "ecsSettings"):
        if key in request:
            wire[key] = request[key]
    if managed:
        _require_known_types(batch, request["computeResources"])
        wire["computeResources"] = _resources_with_defaults(
            request["computeResources"], DEFAULT_IMAGE_TYPES[wire["containerOrchestrationType"]]
        )
        wire["updatePolicy"] = {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 30}
    record = EnvironmentRecord(
        serial=batch.next_serial(),
        name=name,
        arn=batch.environments.arn_of(name),
        wire=wire,
        tags=dict(request.get("tags", {})),
        created_at_ms=batch.now_ms(),
    )
    if name in batch.environments:
        raise refusal("Object already exists")
    require_room(batch.environments, name, batch.stage.settings.quotas.compute_environments, "compute environments")
    if "eksConfiguration" in wire:
        require_room_in_cluster(batch, wire["eksConfiguration"]["eksClusterArn"])
    invalid_reason = batch.surroundings.invalid_reason(record)
    batch.create_environment(_value(batch, record, invalid_reason))
    batch.environments.add(record)
    batch.surroundings.environment_created(record)
    return {"computeEnvironmentName": name, "computeEnvironmentArn": record.arn}


def update_compute_environment(batch: BatchBackend, request: Wire) -> Wire:
    """UpdateComputeEnvironment: scaling fields in place, infrastructure fields where AWS can replace instances."""
    record = batch.environments.read(request["computeEnvironment"])
    assert isinstance(record, EnvironmentRecord)
    wire = dict(record.wire)
    for key in ("state", "unmanagedvCpus", "context", "ecsSettings", "updatePolicy"):
        if key in request:
            wire[key] = request[key]
    if "eksConfiguration" in request:
        wire["eksConfiguration"] = {**wire.get("eksConfiguration", {}), **request["eksConfiguration"]}
    if "serviceRole" in request:
        wire["serviceRole"] = _updated_role(batch, record, request["serviceRole"])
    changed: list[str] = []
    given = request.get("computeResources", {})
    if given:
        if "computeResources" not in wire:
            raise refusal("computeResources cannot be given for an UNMANAGED compute environment")
        _require_known_types(batch, given)
        old = wire["computeResources"]
        wire["computeResources"] = merged_resources(old, given)
        changed = [key for key in INFRASTRUCTURE if wire["computeResources"].get(key) != old.get(key)]
        if given.get("updateToLatestImageVersion"):
            changed.append("updateToLatestImageVersion")
        if "desiredvCpus" in given and given["desiredvCpus"] < batch.environment_view(record.name).desired_vcpus:
            raise batch.execution_refusal(MANUAL_SCALE_DOWN)
        _require_replaceable(record, wire, changed)
        if _on_fargate(old) is not _on_fargate(wire["computeResources"]):
            _require_sound(batch, record, wire)
    updated = EnvironmentRecord(
        record.serial, record.name, record.arn, wire, record.tags, record.created_at_ms, record.launch_versions
    )
    updated.image_generation = record.image_generation + ("updateToLatestImageVersion" in changed)
    if changed:
        updated.launch_versions = {}
    invalid_reason = batch.surroundings.invalid_reason(updated)
    batch.update_environment(_value(batch, updated, invalid_reason))
    record.wire, record.launch_versions = updated.wire, updated.launch_versions
    record.image_generation = updated.image_generation
    return {"computeEnvironmentName": record.name, "computeEnvironmentArn": record.arn}


def delete_compute_environment(batch: BatchBackend, request: Wire) -> Wire:
    """DeleteComputeEnvironment: DISABLED, settled, and in no queue's order; a queue in DELETING counts."""
    record = batch.environments.read(request["computeEnvironment"])
    batch.require_unrelated(record)
    batch.delete_environment(record.name)
    return {}


def describe_compute_environments(batch: BatchBackend, request: Wire) -> Wire:
    """DescribeComputeEnvironments: those named, or all; unknown names are left out."""
    names = request.get("computeEnvironments")
    if names and len(names) > 100:
        raise refusal(f"computeEnvironments can have up to 100 entries, but has {len(names)}")
    batch.observe(
        lambda: [(each.name, batch.environment_view(each.name).status) for _, each in batch.environments.chosen(names)],
        lambda seen: any(status in ("CREATING", "UPDATING", "DELETING") for _, status in seen),
    )
    found, more = page("DescribeComputeEnvironments", request, batch.environments.chosen(names), 100)
    return {"computeEnvironments": [_detail(batch, record) for record in found], **more}


def merged_resources(old: Wire, given: Wire) -> Wire:
    """computeResources after an update.

    On EC2 an empty list removes security groups from the environment; on Fargate an empty list changes nothing.
    Source: botocore 1.44.5, ComputeResourceUpdate.
    """
    merged = dict(old)
    fargate = old["type"].startswith("FARGATE")
    for key, value in given.items():
        if key == "updateToLatestImageVersion":
            continue
        if key in ("subnets", "securityGroupIds") and not value and fargate:
            continue
        if key in _REMOVABLE and value == "":
            merged.pop(key, None)
        elif key == "launchTemplate":
            _merge_launch_template(merged, value)
        elif key == "managedInstancesProvider":
            merged[key] = _merged_provider(old.get(key, {}), value)
        else:
            merged[key] = value
    return merged


def _merged_provider(old: Wire, given: Wire) -> Wire:
    """ "You cannot change capacityOptionType or fipsEnabled on update": an update has no such members; they stay."""
    launch = old.get("instanceLaunchTemplate", {})
    kept = {key: launch[key] for key in ("capacityOptionType", "fipsEnabled") if key in launch}
    return {**given, "instanceLaunchTemplate": {**given.get("instanceLaunchTemplate", {}), **kept}}


def _merge_launch_template(merged: Wire, value: Wire) -> None:
    """ "To remove the custom launch template …, set either member … to an empty string." """
    if "" in (value.get("launchTemplateId"), value.get("launchTemplateName")):
        merged.pop("launchTemplate", None)
    else:
        merged["launchTemplate"] = _with_version(value)


def is_service_linked(role: str) -> bool:
    """True for AWSServiceRoleForBatch, which Batch takes where no role is given."""
    return "/aws-service-role/batch.amazonaws.com/" in role


def _on_fargate(resources: Wire) -> bool:
    return bool(resources["type"].startswith("FARGATE"))


def _require_sound(batch: BatchBackend, record: Record, wire: Wire) -> None:
    """An environment that moves to or from Fargate is held to the rules of one that is created so.

    Without this it would keep instance types, roles and images that no Fargate environment can have.
    """
    from batchiac.rules import check_request

    request = {
        "computeEnvironmentName": record.name,
        "type": wire["type"],
        "computeResources": wire["computeResources"],
    }
    for finding in check_request("CreateComputeEnvironment", request):
        if finding.stops:
            raise batch.execution_refusal(finding.aws_message or finding.message)


def _require_known_types(batch: BatchBackend, resources: Wire) -> None:
    """Refuse an instance type that is not in the table, with AWS's text: it lists what there is.

    Rule CE018 says the same as a warning, because AWS may have newer types than the table. A simulation has no more:
    an environment of them would be VALID and run nothing.

    Source: texts of real accounts, https://github.com/aws/amazon-genomics-cli/issues/209.
    """
    from batchiac.rules.catalogue.compute_types import BUNDLES, is_known

    given = resources.get("instanceTypes", ())
    if "CE018" in batch.stage.settings.accepted_rules or all(is_known(each) for each in given):
        return
    table = read_instance_types()
    families = dict.fromkeys(name.partition(".")[0] for name in table)
    raise batch.execution_refusal(f"Instance type can only be one of [{', '.join((*BUNDLES, *families, *table))}]")


def _require_replaceable(record: Record, wire: Wire, changed: list[str]) -> None:
    """Infrastructure updates need the service-linked role and a strategy other than BEST_FIT.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/infrastructure-updates.html. The text is ours: none
    of AWS's is known.
    """
    resources = record.wire["computeResources"]
    fargate = resources["type"].startswith("FARGATE")
    if fargate:
        changed = [key for key in changed if key not in ("subnets", "securityGroupIds", "type")]
    if not changed:
        return
    if fargate:
        raise refusal(f"{changed[0]} is not applicable for Fargate.")
    strategies = {
        resources.get("allocationStrategy", "BEST_FIT"),
        wire["computeResources"].get("allocationStrategy", "BEST_FIT"),
    }
    if not is_service_linked(wire["serviceRole"]):
        why = "it does not use the AWSServiceRoleForBatch service-linked role"
    elif "BEST_FIT" in strategies:
        why = "its allocation strategy is BEST_FIT"
    else:
        return
    raise refusal(f"computeResources.{changed[0]} of {record.name} cannot be updated: {why}")


def _updated_role(batch: BatchBackend, record: Record, role: str) -> str:
    arn = _role_arn(batch, role)
    if is_service_linked(arn) != is_service_linked(record.wire["serviceRole"]):
        raise refusal(
            f"The service role of {record.name} cannot change between a service-linked role and another IAM role"
        )
    return arn


def _role_arn(batch: BatchBackend, role: str | None) -> str:
    prefix = f"arn:{partition_of(batch.region_name)}:iam::{batch.account_id}:"
    if not role:
        return prefix + SERVICE_LINKED_ROLE
    return role if role.startswith("arn:") else f"{prefix}role/{role}"


def _resources_with_defaults(given: Wire, image_type: str) -> Wire:
    wire = dict(given)
    if wire["type"] in ("EC2", "SPOT"):
        wire.setdefault("minvCpus", 0)
        wire.setdefault("ec2Configuration", [{"imageType": image_type}])
        if "launchTemplate" in wire:
            wire["launchTemplate"] = _with_version(wire["launchTemplate"])
    return wire


def _with_version(template: Wire) -> Wire:
    named = "launchTemplateId" in template or "launchTemplateName" in template
    return {**template, "version": template.get("version") or "$Default"} if named else template


def _value(batch: BatchBackend, record: EnvironmentRecord, invalid_reason: str) -> Any:
    if not record.launch_versions and "computeResources" in record.wire:
        record.launch_versions = batch.surroundings.launch_versions(
            record.wire["computeResources"].get("launchTemplate")
        )
    image = "".join(f"{key}={value};" for key, value in sorted(record.launch_versions.items()))
    if record.image_generation:
        image += f"image {record.image_generation}"
    wire = {"computeEnvironmentName": record.name, **record.wire}
    return environment_value(wire, image=image, invalid_reason=invalid_reason)


def _detail(batch: BatchBackend, record: Record) -> Wire:
    view = batch.environment_view(record.name)
    cluster = ecs_arn(f"cluster/{view.cluster}", region=batch.region_name, account=batch.account_id)
    shown = {
        "computeEnvironmentName": record.name,
        "computeEnvironmentArn": record.arn,
        **record.wire,
        "status": view.status,
        "statusReason": view.status_reason,
        "uuid": view.unique,
        "tags": dict(record.tags),
    }
    if record.wire["containerOrchestrationType"] == "ECS":
        shown["ecsClusterArn"] = cluster
    resources = shown.get("computeResources")
    if resources and resources["type"] in ("EC2", "SPOT"):
        shown["computeResources"] = {**_with_image_status(batch, resources, view), "desiredvCpus": view.desired_vcpus}
    return shown


def _with_image_status(batch: BatchBackend, resources: Wire, view: Any) -> Wire:
    """The resources with the status of Batch's own images: where such are in use, once instances have been launched.

    Assumption: images of the simulation are never superseded, so it is always LATEST.
    Source: botocore 1.44.5, Ec2Configuration.batchImageStatus.
    """
    template = resources.get("launchTemplate") or {}
    if not view.launched or "imageId" in resources or "overrides" in template or batch.surroundings.image_of(template):
        return resources
    types = read_instance_types()
    used = {bool(types[name].gpus) for name in view.launched}
    entries = resources.get("ec2Configuration", ())
    return {
        **resources,
        "ec2Configuration": [
            {**each, "batchImageStatus": "LATEST"}
            if "imageIdOverride" not in each and (len(entries) == 1 or ("NVIDIA" in each["imageType"]) in used)
            else each
            for each in entries
        ],
    }
