"""The update table: what AWS does when a property of an existing resource changes, and where AWS says so.

Diff, the plan's words and the docs come from here. A row names a property path without indices; a row covers what is
below it, the longest row wins. Where AWS decides by the environment's role and strategy, the row says so (`when`), and
`_infrastructure` below decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from batchiac.model.handler import Effect
from batchiac.model.unknown import UNKNOWN

_UG = "https://docs.aws.amazon.com/batch/latest/userguide/"
_API = "https://docs.aws.amazon.com/batch/latest/APIReference/"
_EC2 = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
_IAM = "https://docs.aws.amazon.com/IAM/latest/APIReference/"
_CFN = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"

_CONSUMABLE = "aws-resource-batch-consumableresource.html"
_SERVICE = "aws-resource-batch-serviceenvironment.html"
_QUOTA = "aws-resource-batch-quotashare.html"

INFRASTRUCTURE = _UG + "infrastructure-updates.html"
SCALING = _UG + "scaling-updates.html"
UPDATE_CE = _API + "API_UpdateComputeEnvironment.html"
_UPDATING = _UG + "updating-compute-environments.html"


@frozen
class UpdateRow:
    """One row.

    Attributes:
        kind: `ComputeEnvironment`, …
        path: the property, without indices; covers everything below it.
        effect: what AWS does.
        note: words for the plan.
        source: the address of AWS's sentence.
    """

    kind: str
    path: str
    effect: Effect
    note: str
    source: str


INFRASTRUCTURE_STRATEGIES: Final = frozenset(
    {
        "BEST_FIT_PROGRESSIVE",
        "BEST_FIT_PROGRESSIVE_ORDERED",
        "SPOT_CAPACITY_OPTIMIZED",
        "SPOT_PRICE_CAPACITY_OPTIMIZED",
        "SPOT_CAPACITY_OPTIMIZED_PRIORITIZED",
    }
)
"""The strategies under which AWS replaces instances in place. Source: INFRASTRUCTURE; BEST_FIT is not among them."""

SERVICE_LINKED_ROLE: Final = re.compile(r"(^|.*/)aws-service-role/batch\.amazonaws\.com/AWSServiceRoleForBatch$")

_LATEST_IMAGE = "computeResources.updateToLatestImageVersion"
_CE_IN_PLACE = "applies at once, instances and jobs stay"
_CE_SCALING = "scaling update: instances are added or, when idle, removed; running jobs stay"
_CE_INFRA = "infrastructure update: instances are replaced"

_ce = "ComputeEnvironment"
_P, _S, _I, _N, _R = (
    Effect.IN_PLACE,
    Effect.SCALING_UPDATE,
    Effect.INFRASTRUCTURE_UPDATE,
    Effect.NEW_REVISION,
    Effect.REPLACE,
)

TABLE: Final[tuple[UpdateRow, ...]] = (
    UpdateRow(_ce, "computeEnvironmentName", _R, "a name cannot be changed", UPDATE_CE),
    UpdateRow(_ce, "type", _R, "MANAGED and UNMANAGED cannot be exchanged", UPDATE_CE),
    UpdateRow(_ce, "state", _S, "DISABLED: no job is placed any more, running jobs continue", SCALING),
    UpdateRow(_ce, "unmanagedvCpus", _P, _CE_IN_PLACE, UPDATE_CE),
    UpdateRow(_ce, "serviceRole", _P, _CE_IN_PLACE, SCALING),
    UpdateRow(_ce, "updatePolicy", _P, "counts from the next infrastructure update on", UPDATE_CE),
    UpdateRow(_ce, "ecsSettings", _P, _CE_IN_PLACE, UPDATE_CE),
    UpdateRow(_ce, "context", _P, _CE_IN_PLACE, UPDATE_CE),
    UpdateRow(_ce, "tags", _P, "through TagResource: nothing is interrupted", _API + "API_TagResource.html"),
    UpdateRow(_ce, "eksConfiguration", _R, "the cluster and namespace cannot be changed", UPDATE_CE),
    UpdateRow(_ce, "eksConfiguration.accessEntry", _P, _CE_IN_PLACE, UPDATE_CE),
    UpdateRow(_ce, "computeResources.minvCpus", _S, _CE_SCALING, SCALING),
    UpdateRow(_ce, "computeResources.maxvCpus", _S, _CE_SCALING, SCALING),
    UpdateRow(
        _ce, "computeResources.desiredvCpus", _S, "AWS only lets it grow", _UG + "error-desired-vcpus-update.html"
    ),
    UpdateRow(_ce, "computeResources.scalingPolicy", _S, _CE_SCALING, SCALING),
    UpdateRow(_ce, "computeResources.capacityTags", _P, _CE_IN_PLACE, UPDATE_CE),
    UpdateRow(_ce, "computeResources.spotIamFleetRole", _R, "the Spot fleet role cannot be changed", UPDATE_CE),
    UpdateRow(_ce, "computeResources.managedInstancesProvider", _P, _CE_IN_PLACE, UPDATE_CE),
    UpdateRow(
        _ce,
        "computeResources.managedInstancesProvider.instanceLaunchTemplate.capacityOptionType",
        _R,
        "the capacity option cannot be changed",
        _CFN + "aws-properties-batch-computeenvironment-computeresources.html",
    ),
    UpdateRow(
        _ce,
        "computeResources.managedInstancesProvider.instanceLaunchTemplate.fipsEnabled",
        _R,
        "FIPS cannot be switched",
        _CFN + "aws-properties-batch-computeenvironment-computeresources.html",
    ),
    UpdateRow(_ce, "computeResources.type", _I, _CE_INFRA, INFRASTRUCTURE),
    UpdateRow(_ce, "computeResources.allocationStrategy", _I, _CE_INFRA, INFRASTRUCTURE),
    UpdateRow(_ce, "computeResources.instanceTypes", _I, _CE_INFRA, INFRASTRUCTURE),
    UpdateRow(_ce, "computeResources.bidPercentage", _I, _CE_INFRA, INFRASTRUCTURE),
    UpdateRow(_ce, "computeResources.imageId", _I, _CE_INFRA, INFRASTRUCTURE),
    UpdateRow(_ce, "computeResources.ec2Configuration", _I, _CE_INFRA, INFRASTRUCTURE),
    UpdateRow(_ce, "computeResources.launchTemplate", _I, _CE_INFRA, INFRASTRUCTURE),
    UpdateRow(_ce, _LATEST_IMAGE, _I, _CE_INFRA, INFRASTRUCTURE),
    UpdateRow(_ce, "computeResources.ec2KeyPair", _I, _CE_INFRA, INFRASTRUCTURE),
    UpdateRow(_ce, "computeResources.subnets", _I, _CE_INFRA, INFRASTRUCTURE),
    UpdateRow(_ce, "computeResources.securityGroupIds", _I, _CE_INFRA, INFRASTRUCTURE),
    UpdateRow(_ce, "computeResources.placementGroup", _I, _CE_INFRA, INFRASTRUCTURE),
    UpdateRow(_ce, "computeResources.instanceRole", _I, _CE_INFRA, INFRASTRUCTURE),
    UpdateRow(_ce, "computeResources.tags", _I, _CE_INFRA, INFRASTRUCTURE),
    UpdateRow(_ce, "computeResources", _R, "AWS cannot change this in place", UPDATE_CE),
    UpdateRow(_ce, "drain", _P, "ours: counts from the next replacement on", ""),
    UpdateRow(_ce, "blueGreen", _P, "ours: counts from the next change of the infrastructure on", ""),
    UpdateRow(_ce, "replaceThroughBridge", _P, "ours: counts from the next replacement on", ""),
    #
    UpdateRow("JobQueue", "jobQueueName", _R, "a name cannot be changed", _API + "API_UpdateJobQueue.html"),
    UpdateRow("JobQueue", "jobQueueType", _R, "the type cannot be changed", _API + "API_UpdateJobQueue.html"),
    UpdateRow("JobQueue", "", _P, "running and waiting jobs stay", _API + "API_UpdateJobQueue.html"),
    UpdateRow(
        "JobQueue",
        "computeEnvironmentOrder",
        _P,
        "running jobs stay where they are, waiting jobs go by the new order",
        _API + "API_UpdateJobQueue.html",
    ),
    UpdateRow(
        "JobQueue",
        "schedulingPolicyArn",
        _P,
        "waiting jobs are ordered by the new policy",
        _API + "API_UpdateJobQueue.html",
    ),
    #
    UpdateRow(
        "JobDefinition", "jobDefinitionName", _R, "a name cannot be changed", _API + "API_RegisterJobDefinition.html"
    ),
    UpdateRow(
        "JobDefinition",
        "",
        _N,
        "a new revision is registered; jobs already submitted keep theirs",
        _API + "API_RegisterJobDefinition.html",
    ),
    UpdateRow("JobDefinition", "tags", _P, "through TagResource: no new revision", _API + "API_TagResource.html"),
    UpdateRow("JobDefinition", "keepRevisions", _P, "ours: counts from the next revision on", ""),
    #
    UpdateRow("SchedulingPolicy", "name", _R, "a name cannot be changed", _API + "API_UpdateSchedulingPolicy.html"),
    UpdateRow("SchedulingPolicy", "", _P, "counts for the next job placed", _API + "API_UpdateSchedulingPolicy.html"),
    #
    UpdateRow("ConsumableResource", "consumableResourceName", _R, "a name cannot be changed", _CFN + _CONSUMABLE),
    UpdateRow(
        "ConsumableResource",
        "resourceType",
        _R,
        "REPLENISHABLE and NON_REPLENISHABLE cannot be exchanged",
        _CFN + _CONSUMABLE,
    ),
    UpdateRow(
        "ConsumableResource",
        "totalQuantity",
        _P,
        "set to this, whatever jobs have used up; running jobs keep what they hold",
        _UG + "resource-aware-scheduling-how-to-update-quantity.html",
    ),
    UpdateRow("ConsumableResource", "tags", _P, "through TagResource", _API + "API_TagResource.html"),
    #
    UpdateRow("ServiceEnvironment", "serviceEnvironmentName", _R, "a name cannot be changed", _CFN + _SERVICE),
    UpdateRow("ServiceEnvironment", "serviceEnvironmentType", _R, "the type cannot be changed", _CFN + _SERVICE),
    UpdateRow(
        "ServiceEnvironment",
        "state",
        _P,
        "DISABLED: no service job is placed any more",
        _API + "API_UpdateServiceEnvironment.html",
    ),
    UpdateRow(
        "ServiceEnvironment",
        "capacityLimits",
        _P,
        "counts for the next service job placed",
        _API + "API_UpdateServiceEnvironment.html",
    ),
    UpdateRow("ServiceEnvironment", "tags", _P, "through TagResource", _API + "API_TagResource.html"),
    #
    UpdateRow("QuotaShare", "quotaShareName", _R, "a name cannot be changed", _CFN + _QUOTA),
    UpdateRow("QuotaShare", "jobQueue", _R, "a share cannot change its queue; its jobs end with it", _CFN + _QUOTA),
    UpdateRow(
        "QuotaShare",
        "state",
        _P,
        "DISABLED: no job is accepted any more, those submitted can finish",
        _API + "API_UpdateQuotaShare.html",
    ),
    UpdateRow(
        "QuotaShare", "capacityLimits", _P, "counts for the next service job placed", _API + "API_UpdateQuotaShare.html"
    ),
    UpdateRow(
        "QuotaShare",
        "resourceSharingConfiguration",
        _P,
        "counts for the next service job placed",
        _API + "API_UpdateQuotaShare.html",
    ),
    UpdateRow(
        "QuotaShare",
        "preemptionConfiguration",
        _P,
        "counts for the next service job placed",
        _API + "API_UpdateQuotaShare.html",
    ),
    UpdateRow("QuotaShare", "tags", _P, "through TagResource", _API + "API_TagResource.html"),
    #
    UpdateRow("Role", "", _P, "counts for the next call under the role", _IAM + "API_UpdateRole.html"),
    UpdateRow("Role", "roleName", _R, "a name cannot be changed", _IAM + "API_UpdateRole.html"),
    UpdateRow("Role", "path", _R, "a path cannot be changed", _IAM + "API_UpdateRole.html"),
    UpdateRow(
        "InstanceProfile",
        "instanceProfileName",
        _R,
        "a name cannot be changed",
        _IAM + "API_CreateInstanceProfile.html",
    ),
    UpdateRow("InstanceProfile", "path", _R, "a path cannot be changed", _IAM + "API_CreateInstanceProfile.html"),
    UpdateRow(
        "InstanceProfile",
        "roles",
        _P,
        "instances started from now on get the new role",
        _IAM + "API_AddRoleToInstanceProfile.html",
    ),
    UpdateRow("InstanceProfile", "tags", _P, "", _IAM + "API_TagInstanceProfile.html"),
    UpdateRow(
        "LaunchTemplate", "launchTemplateName", _R, "a name cannot be changed", _EC2 + "API_ModifyLaunchTemplate.html"
    ),
    UpdateRow(
        "LaunchTemplate",
        "",
        _N,
        "a new version is made the default; environments take it over at their next infrastructure update",
        _EC2 + "API_CreateLaunchTemplateVersion.html",
    ),
    UpdateRow("LaunchTemplate", "tags", _P, "", _EC2 + "API_CreateTags.html"),
    #
    UpdateRow("Vpc", "", _R, "AWS cannot change this in place", _EC2 + "API_ModifyVpcAttribute.html"),
    UpdateRow("Vpc", "enableDnsSupport", _P, "", _EC2 + "API_ModifyVpcAttribute.html"),
    UpdateRow("Vpc", "enableDnsHostnames", _P, "", _EC2 + "API_ModifyVpcAttribute.html"),
    UpdateRow("Vpc", "tags", _P, "", _EC2 + "API_CreateTags.html"),
    UpdateRow("Subnet", "", _R, "AWS cannot change this in place", _EC2 + "API_ModifySubnetAttribute.html"),
    UpdateRow(
        "Subnet",
        "mapPublicIpOnLaunch",
        _P,
        "counts for instances started from now on",
        _EC2 + "API_ModifySubnetAttribute.html",
    ),
    UpdateRow("Subnet", "tags", _P, "", _EC2 + "API_CreateTags.html"),
    UpdateRow("InternetGateway", "", _P, "detached and attached again", _EC2 + "API_AttachInternetGateway.html"),
    UpdateRow("InternetGateway", "tags", _P, "", _EC2 + "API_CreateTags.html"),
    UpdateRow("RouteTable", "", _P, "", _EC2 + "API_ReplaceRoute.html"),
    UpdateRow("RouteTable", "vpcId", _R, "a route table cannot change its VPC", _EC2 + "API_CreateRouteTable.html"),
    UpdateRow("SecurityGroup", "", _P, "", _EC2 + "API_AuthorizeSecurityGroupIngress.html"),
    UpdateRow("SecurityGroup", "groupName", _R, "a name cannot be changed", _EC2 + "API_CreateSecurityGroup.html"),
    UpdateRow(
        "SecurityGroup", "description", _R, "a description cannot be changed", _EC2 + "API_CreateSecurityGroup.html"
    ),
    UpdateRow(
        "SecurityGroup", "vpcId", _R, "a security group cannot change its VPC", _EC2 + "API_CreateSecurityGroup.html"
    ),
    UpdateRow("PlacementGroup", "", _R, "AWS cannot change this in place", _EC2 + "API_CreatePlacementGroup.html"),
    UpdateRow("PlacementGroup", "tags", _P, "", _EC2 + "API_CreateTags.html"),
)
"""Kind and path → effect. A kind's row with an empty path is what holds for the properties without a row."""

_BY_KIND: Final[Mapping[str, Mapping[str, UpdateRow]]] = {
    kind: {row.path: row for row in TABLE if row.kind == kind} for kind in {row.kind for row in TABLE}
}


def row_of(kind: str, path: str) -> UpdateRow:
    """The row of a property, whatever the resource looks like.

    Raises:
        KeyError: there is no such kind.
    """
    rows = _BY_KIND[kind]
    bare = re.sub(r"\[\d+\]", "", path)
    while bare not in rows and bare:
        bare = bare.rpartition(".")[0]
    return rows.get(bare) or UpdateRow(kind, path, Effect.REPLACE, "AWS cannot change this in place", "")


def effect_of(kind: str, path: str, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> UpdateRow:
    """What AWS does when the property at `path` goes from what `state` says to what `inputs` say."""
    row = row_of(kind, path)
    if kind == "ComputeEnvironment":
        return _environment(row, path, state, inputs)
    if kind == "JobQueue" and path == "schedulingPolicyArn":
        return _policy(row, state, inputs)
    if kind == "JobQueue" and path.startswith(("computeEnvironmentOrder", "serviceEnvironmentOrder")):
        return _queue_type(row, state, inputs)
    if kind == "SchedulingPolicy" and row.effect is Effect.IN_PLACE:
        return _policy_kind(row, state, inputs)
    return row


def is_service_linked(service_role: Any) -> bool:
    """True when the environment runs under the service-linked role: none given, or its ARN or name."""
    return service_role in (None, "", "AWSServiceRoleForBatch") or (
        isinstance(service_role, str) and SERVICE_LINKED_ROLE.match(service_role) is not None
    )


def can_update_infrastructure(environment: Mapping[str, Any]) -> bool:
    """True when AWS replaces this environment's instances in place (INFRASTRUCTURE): role and strategy allow it."""
    return not why_no_infrastructure_update(environment)


def why_no_infrastructure_update(environment: Mapping[str, Any]) -> str:
    """In words, why AWS does not; empty when it does."""
    if not is_service_linked(environment.get("serviceRole")):
        return "an environment with a service role of its own cannot be updated, only one with the service-linked role"
    resources = environment.get("computeResources")
    strategy = resources.get("allocationStrategy") if isinstance(resources, Mapping) else None
    if strategy is UNKNOWN or strategy in INFRASTRUCTURE_STRATEGIES:
        return ""
    return f"{strategy or 'BEST_FIT'} cannot be updated"


def _environment(row: UpdateRow, path: str, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> UpdateRow:
    if path == "serviceRole" and is_service_linked(state.get("serviceRole")) is not is_service_linked(
        inputs.get("serviceRole")
    ):
        return _replaced(row, "the service-linked role and a role of one's own cannot be exchanged", INFRASTRUCTURE)
    if row.path == "computeResources.capacityTags" and not _resources_of(inputs).get("capacityTags"):
        # TagrisTagsMap has at least one entry: the Update API has no word for none.
        return _replaced(row, "AWS can change capacityTags but not take all of them away", UPDATE_CE)
    if row.path == "computeResources" and inputs.get("computeResources") is UNKNOWN:
        # An engine asks so when something that the environment refers to is deleted before it is made anew. Never
        # delete the environment for that as well: AWS refuses it while a queue uses it, and whatever then turns out
        # to have changed has a row of its own.
        note = "not yet known what changes: nothing, an infrastructure update, or a replacement where AWS has none"
        return UpdateRow(row.kind, row.path, Effect.INFRASTRUCTURE_UPDATE, note, INFRASTRUCTURE)
    if row.path == _LATEST_IMAGE and _resources_of(inputs).get("updateToLatestImageVersion") in (None, False):
        # "resets to false after each update" (UG:updating-compute-environments): AWS has taken it back already.
        return UpdateRow(
            row.kind, row.path, Effect.IN_PLACE, "AWS takes it back after each update by itself", _UPDATING
        )
    if row.effect is not Effect.INFRASTRUCTURE_UPDATE:
        return row
    before, after = _compute_type(state), _compute_type(inputs)
    fargate = {"FARGATE", "FARGATE_SPOT"}
    if after in fargate and before in fargate:
        # "Fargate also subnets/SGs" in place: UpdateComputeEnvironment has no instances to replace there.
        return UpdateRow(row.kind, row.path, Effect.SCALING_UPDATE, _CE_SCALING, SCALING)
    if before != after and not {before, after} <= {"EC2", "SPOT"} and UNKNOWN not in (before, after):
        return _replaced(row, f"{before} cannot become {after}", UPDATE_CE)
    for environment in (state, inputs):
        if reason := why_no_infrastructure_update(environment):
            return _replaced(row, reason, INFRASTRUCTURE)
    return row


def _resources_of(environment: Mapping[str, Any]) -> Mapping[str, Any]:
    resources = environment.get("computeResources")
    return resources if isinstance(resources, Mapping) else {}


def _compute_type(environment: Mapping[str, Any]) -> Any:
    found = _resources_of(environment).get("type")
    return found.upper() if isinstance(found, str) else found


def _policy(row: UpdateRow, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> UpdateRow:
    # API_UpdateJobQueue: "After the fair-share scheduling policy is set, it can be replaced but can't be removed";
    # it cannot be added to a first-in-first-out queue either.
    had, has = state.get("schedulingPolicyArn"), inputs.get("schedulingPolicyArn")
    if has is None:
        return _replaced(row, "a scheduling policy can be exchanged but not removed", row.source)
    if had is None:
        return _replaced(row, "a scheduling policy cannot be added to a first-in-first-out queue", row.source)
    return row


def _queue_type(row: UpdateRow, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> UpdateRow:
    # API_CreateJobQueue: a queue has either order; which one decides over its type, which no update changes.
    orders = ("computeEnvironmentOrder", "serviceEnvironmentOrder")
    if [state.get(each) is not None for each in orders] != [inputs.get(each) is not None for each in orders]:
        return _replaced(row, "a queue of jobs and one of service jobs cannot be exchanged", row.source)
    return row


def _policy_kind(row: UpdateRow, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> UpdateRow:
    kinds = ("fairsharePolicy", "quotaSharePolicy")
    if [state.get(each) is not None for each in kinds] != [inputs.get(each) is not None for each in kinds]:
        return _replaced(row, "fair share and quota share cannot be exchanged", row.source)
    return row


def _replaced(row: UpdateRow, reason: str, source: str) -> UpdateRow:
    return UpdateRow(row.kind, row.path, Effect.REPLACE, f"replaced: {reason}", source)
