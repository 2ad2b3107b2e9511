# ruff: noqa: E501  AWS's own sentences stay whole
"""Sentences of AWS's pages against what the rules say; written from the pages, never from the catalogue.

Each fact has the page's address, the day it was read, AWS's own words, a request that obeys them and one that does not.
"""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from attrs import frozen

from batchiac.rules import check_request

READ = "2026-11-21"
API = "https://docs.aws.amazon.com/batch/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide/"


@frozen
class Fact:
    """One sentence.

    Attributes:
        page: its address.
        says: AWS's words.
        operation: of both requests.
        good, bad: a request that obeys the sentence, and one that does not.
        current: the resource before an update.
    """

    page: str
    says: str
    operation: str
    good: dict[str, Any]
    bad: dict[str, Any]
    current: dict[str, Any] | None = None


def put(base: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy of a request with members replaced: `computeResources__type="SPOT"`; None takes one out."""
    made = copy.deepcopy(base)
    for path, value in changes.items():
        place = made
        *way, last = path.split("__")
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return made


VPC = {"subnets": ["subnet-0f00ba12"], "securityGroupIds": ["sg-0f00ba12"]}
EC2 = {
    "computeEnvironmentName": "env",
    "type": "MANAGED",
    "computeResources": {
        "type": "EC2",
        "minvCpus": 0,
        "maxvCpus": 256,
        "instanceTypes": ["c5"],
        "instanceRole": "ecsInstanceRole",
        **VPC,
    },
}
SPOT = put(EC2, computeResources__type="SPOT", computeResources__allocationStrategy="SPOT_CAPACITY_OPTIMIZED")
FARGATE = {
    "computeEnvironmentName": "env",
    "type": "MANAGED",
    "computeResources": {"type": "FARGATE", "maxvCpus": 256, **VPC},
}
EKS = put(
    EC2,
    computeResources__allocationStrategy="BEST_FIT_PROGRESSIVE",
    eksConfiguration={
        "eksClusterArn": "arn:aws:eks:us-east-1:123456789012:cluster/ClusterForBatch",
        "kubernetesNamespace": "jobs",
    },
)
MANAGED = {
    "computeEnvironmentName": "env",
    "type": "MANAGED",
    "computeResources": {
        "type": "ECS_MANAGED_INSTANCES",
        "maxvCpus": 256,
        "managedInstancesProvider": {
            "infrastructureRoleArn": "arn:aws:iam::123456789012:role/infra",
            "instanceLaunchTemplate": {
                "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/ecs",
                "networkConfiguration": {"subnets": ["subnet-0f00ba12"], "securityGroups": ["sg-0f00ba12"]},
            },
        },
    },
}
UNMANAGED = {
    "computeEnvironmentName": "env",
    "type": "UNMANAGED",
    "serviceRole": "arn:aws:iam::123456789012:role/service-role/AWSBatchServiceRole",
}
QUEUE = {
    "jobQueueName": "queue",
    "priority": 1,
    "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "env"}],
}
ACTION = {
    "reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "state": "RUNNABLE",
    "maxTimeSeconds": 600,
    "action": "CANCEL",
}
POLICY = {"name": "policy", "fairsharePolicy": {"shareDistribution": [{"shareIdentifier": "A"}]}}
JOB = {
    "jobDefinitionName": "job",
    "type": "container",
    "containerProperties": {
        "image": "busybox",
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
    },
}
FARGATE_JOB = put(
    JOB,
    platformCapabilities=["FARGATE"],
    containerProperties__executionRoleArn="arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
)
SUBMIT = {"jobName": "job", "jobQueue": "queue", "jobDefinition": "job"}
CE, CR = "CreateComputeEnvironment", API + "API_ComputeResource.html"
UCE, JQ, JD, SJ = "UpdateComputeEnvironment", "CreateJobQueue", "RegisterJobDefinition", "SubmitJob"
CCE = API + "API_CreateComputeEnvironment.html"
LTO = API + "API_LaunchTemplateSpecificationOverride.html"


def need(vcpus: str, mib: str) -> list[dict[str, str]]:
    """Resource requirements."""
    return [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": mib}]


def over(*each: dict[str, Any], types: list[str]) -> dict[str, Any]:
    """An environment with launch template overrides."""
    return put(
        EC2,
        computeResources__instanceTypes=types,
        computeResources__launchTemplate={"launchTemplateName": "t", "overrides": list(each)},
    )


def to(*types: str) -> dict[str, Any]:
    """An override for these types."""
    return {"launchTemplateName": "o", "targetInstanceTypes": list(types)}


def fargate_needs(vcpus: str, mib: str) -> dict[str, Any]:
    """A Fargate definition of this size."""
    return put(FARGATE_JOB, containerProperties__resourceRequirements=need(vcpus, mib))


def not_on_fargate(member: str, value: Any) -> Fact:
    """The sentence that a dozen members of ComputeResource share."""
    return Fact(
        CR,
        f"{member}: This parameter isn't applicable to jobs that are running on Fargate resources. Don't specify it.",
        CE,
        put(FARGATE),
        put(FARGATE, **{f"computeResources__{member}": value}),
    )


FACTS = (
    Fact(
        CCE,
        "It can be up to 128 characters long. It can contain uppercase and lowercase letters, numbers, hyphens (-), and"
        " underscores (_).",
        CE,
        put(EC2, computeEnvironmentName="A-z_0" + "a" * 123),
        put(EC2, computeEnvironmentName="a" * 129),
    ),
    Fact(
        CCE,
        "A compute environment must be created in the ENABLED state.",
        CE,
        put(EC2, state="ENABLED"),
        put(EC2, state="DISABLED"),
    ),
    Fact(
        CCE,
        "(unmanagedvCpus) This parameter is only supported when the type parameter is set to UNMANAGED.",
        CE,
        put(UNMANAGED, unmanagedvCpus=4),
        put(EC2, unmanagedvCpus=4),
    ),
    Fact(
        CCE,
        "(computeResources) This parameter is required for managed compute environments.",
        CE,
        EC2,
        put(EC2, computeResources=None),
    ),
    Fact(
        CCE,
        "For UNMANAGED compute environments, you must explicitly specify a serviceRole.",
        CE,
        UNMANAGED,
        put(UNMANAGED, serviceRole=None),
    ),
    not_on_fargate("allocationStrategy", "BEST_FIT_PROGRESSIVE"),
    not_on_fargate("minvCpus", 0),
    not_on_fargate("desiredvCpus", 0),
    not_on_fargate("instanceTypes", ["optimal"]),
    not_on_fargate("imageId", "ami-0f00ba12"),
    not_on_fargate("ec2KeyPair", "id_rsa"),
    not_on_fargate("instanceRole", "ecsInstanceRole"),
    not_on_fargate("tags", {"Name": "x"}),
    not_on_fargate("placementGroup", "group"),
    not_on_fargate("bidPercentage", 50),
    not_on_fargate("spotIamFleetRole", "arn:aws:iam::123456789012:role/fleet"),
    not_on_fargate("launchTemplate", {"launchTemplateName": "t"}),
    not_on_fargate("ec2Configuration", [{"imageType": "ECS_AL2023"}]),
    not_on_fargate("scalingPolicy", {"minScaleDownDelayMinutes": 20}),
    Fact(
        CR,
        "(BEST_FIT_PROGRESSIVE_ORDERED) This strategy is only available for On-Demand Instance (EC2) compute resources.",
        CE,
        put(EC2, computeResources__allocationStrategy="BEST_FIT_PROGRESSIVE_ORDERED"),
        put(SPOT, computeResources__allocationStrategy="BEST_FIT_PROGRESSIVE_ORDERED"),
    ),
    Fact(
        CR,
        "(SPOT_PRICE_CAPACITY_OPTIMIZED) This allocation strategy is only available for Spot Instance compute resources.",
        CE,
        put(SPOT, computeResources__allocationStrategy="SPOT_PRICE_CAPACITY_OPTIMIZED"),
        put(EC2, computeResources__allocationStrategy="SPOT_PRICE_CAPACITY_OPTIMIZED"),
    ),
    Fact(
        CR,
        "(SPOT_CAPACITY_OPTIMIZED_PRIORITIZED) This strategy is only available for Spot Instance compute resources.",
        CE,
        put(SPOT, computeResources__allocationStrategy="SPOT_CAPACITY_OPTIMIZED_PRIORITIZED"),
        put(EC2, computeResources__allocationStrategy="SPOT_CAPACITY_OPTIMIZED_PRIORITIZED"),
    ),
    Fact(
        CR,
        "(allocationStrategy) This parameter is required for Amazon EKS compute environments.",
        CE,
        EKS,
        put(EKS, computeResources__allocationStrategy=None),
    ),
    Fact(
        CR,
        "(spotIamFleetRole) This role is required if the allocation strategy set to BEST_FIT or if the allocation strategy"
        " isn't specified.",
        CE,
        SPOT,
        put(SPOT, computeResources__allocationStrategy=None),
    ),
    Fact(
        CR,
        "(instanceRole) This parameter is required for Amazon EC2 instances types.",
        CE,
        EC2,
        put(EC2, computeResources__instanceRole=None),
    ),
    Fact(
        CR,
        "the instance types that you select for the compute environment must share the same architecture",
        CE,
        put(EC2, computeResources__instanceTypes=["c5", "m6i.large"]),
        put(EC2, computeResources__instanceTypes=["c5", "c6g"]),
    ),
    Fact(
        CR,
        "Fargate compute resources can contain up to 16 subnets.",
        CE,
        put(FARGATE, computeResources__subnets=[f"subnet-0f00ba{n:02d}" for n in range(16)]),
        put(FARGATE, computeResources__subnets=[f"subnet-0f00ba{n:02d}" for n in range(17)]),
    ),
    Fact(
        CR,
        "(subnets) This parameter is required for compute environments using EC2, SPOT, FARGATE, or FARGATE_SPOT compute"
        " resources.",
        CE,
        FARGATE,
        put(FARGATE, computeResources__subnets=None),
    ),
    Fact(
        CR,
        "One or more security groups must be specified, either in securityGroupIds or using a launch template referenced"
        " in launchTemplate.",
        CE,
        put(EC2, computeResources__securityGroupIds=None, computeResources__launchTemplate={"launchTemplateName": "t"}),
        put(EC2, computeResources__securityGroupIds=None),
    ),
    Fact(
        CR,
        "(securityGroupIds) This parameter is required for jobs that are running on Fargate resources and must contain at"
        " least one security group.",
        CE,
        FARGATE,
        put(FARGATE, computeResources__securityGroupIds=[]),
    ),
    Fact(
        CR,
        "(launchTemplate) You must specify either the launch template ID or launch template name in the request, but not"
        " both.",
        CE,
        put(EC2, computeResources__launchTemplate={"launchTemplateId": "lt-0f00ba12"}),
        put(EC2, computeResources__launchTemplate={"launchTemplateId": "lt-0f00ba12", "launchTemplateName": "t"}),
    ),
    Fact(
        CR,
        "(ec2Configuration) One or two values can be provided.",
        CE,
        put(
            EC2,
            computeResources__ec2Configuration=[{"imageType": "ECS_AL2023"}, {"imageType": "ECS_AL2023_NVIDIA"}],
        ),
        put(
            EC2,
            computeResources__ec2Configuration=[
                {"imageType": "ECS_AL2023"},
                {"imageType": "ECS_AL2023_NVIDIA"},
                {"imageType": "ECS_AL2", "imageIdOverride": "ami-0f00ba12"},
            ],
        ),
    ),
    Fact(
        CR,
        "(managedInstancesProvider) This parameter is required when computeResources.type is ECS_MANAGED_INSTANCES",
        CE,
        MANAGED,
        put(MANAGED, computeResources__managedInstancesProvider=None),
    ),
    Fact(
        CR,
        "(managedInstancesProvider) and must not be specified for other compute environment types",
        CE,
        MANAGED,
        put(EC2, computeResources__managedInstancesProvider=MANAGED["computeResources"]["managedInstancesProvider"]),  # type: ignore[index]
    ),
    Fact(
        CR,
        "(capacityTags) This parameter is only valid for ECS_MANAGED_INSTANCES compute environments.",
        CE,
        put(MANAGED, computeResources__capacityTags={"a": "b"}),
        put(EC2, computeResources__capacityTags={"a": "b"}),
    ),
    Fact(
        API + "API_InfrastructureOptimization.html",
        "Valid values are -1 or 0 to 3600.",
        CE,
        put(MANAGED, computeResources__managedInstancesProvider__infrastructureOptimization={"scaleInAfter": -1}),
        put(MANAGED, computeResources__managedInstancesProvider__infrastructureOptimization={"scaleInAfter": 3601}),
    ),
    Fact(
        API + "API_ComputeScalingPolicy.html",
        "Valid Range: Minimum value of 20. Maximum value of 10080. Use 0 to unset and disable the scale down delay.",
        CE,
        put(EC2, computeResources__scalingPolicy={"minScaleDownDelayMinutes": 0}),
        put(EC2, computeResources__scalingPolicy={"minScaleDownDelayMinutes": 19}),
    ),
    Fact(
        API + "API_LaunchTemplateSpecification.html",
        "The version number of the launch template, $Default, or $Latest.",
        CE,
        put(EC2, computeResources__launchTemplate={"launchTemplateName": "t", "version": "$Default"}),
        put(EC2, computeResources__launchTemplate={"launchTemplateName": "t", "version": "$First"}),
    ),
    Fact(
        API + "API_LaunchTemplateSpecification.html",
        "You can specify up to ten (10) launch template overrides",
        CE,
        over(*[to(f"c5.{n}") for n in ("large", "xlarge", "2xlarge")], types=["c5"]),
        over(*[to(f"c{n}.large") for n in range(11)], types=[f"c{n}" for n in range(11)]),
    ),
    Fact(
        LTO,
        "The following Batch InstanceTypes are not allowed: optimal, default_x86_64, and default_arm64.",
        CE,
        over(to("c5"), types=["default_x86_64", "c5"]),
        over(to("default_x86_64"), types=["default_x86_64"]),
    ),
    Fact(
        LTO,
        "if ComputeResource.instanceTypes includes [m5, g5], targetInstanceTypes can include [m5.2xlarge] and [m5.large]"
        " but not [c5.large]",
        CE,
        over(to("m5.2xlarge", "m5.large"), types=["m5", "g5"]),
        over(to("c5.large"), types=["m5", "g5"]),
    ),
    Fact(
        LTO,
        "you can't define one launch template override to target an instance family and another define an instance type"
        " within this same family",
        CE,
        over(to("m5.large"), to("m5.xlarge"), types=["m5"]),
        over(to("m5"), to("m5.large"), types=["m5"]),
    ),
    Fact(
        LTO,
        "(targetInstanceTypes) This parameter is required when defining a launch template override.",
        CE,
        over(to("m5"), types=["m5"]),
        over({"launchTemplateName": "o"}, types=["m5"]),
    ),
    Fact(
        API + "API_Ec2Configuration.html",
        "Effective June 30, 2026, Batch will block creation of new Amazon ECS compute environments using Batch-provided"
        " Amazon Linux 2 AMIs.",
        CE,
        put(EC2, computeResources__ec2Configuration=[{"imageType": "ECS_AL2", "imageIdOverride": "ami-0f00ba12"}]),
        put(EC2, computeResources__ec2Configuration=[{"imageType": "ECS_AL2"}]),
    ),
    Fact(
        API + "API_Ec2Configuration.html",
        "Amazon Linux 2023 does not support A1 instances.",
        CE,
        put(
            EC2,
            computeResources__instanceTypes=["m6g"],
            computeResources__ec2Configuration=[{"imageType": "ECS_AL2023"}],
        ),
        put(
            EC2,
            computeResources__instanceTypes=["a1"],
            computeResources__ec2Configuration=[{"imageType": "ECS_AL2023"}],
        ),
    ),
    Fact(
        API + "API_Ec2Configuration.html",
        "ECS_AL2023_NVIDIA doesn't support p3 and g3 instance types.",
        CE,
        put(
            EC2,
            computeResources__instanceTypes=["g4dn"],
            computeResources__ec2Configuration=[{"imageType": "ECS_AL2023_NVIDIA"}],
        ),
        put(
            EC2,
            computeResources__instanceTypes=["p3"],
            computeResources__ec2Configuration=[{"imageType": "ECS_AL2023_NVIDIA"}],
        ),
    ),
    *(
        Fact(
            API + "API_EksConfiguration.html",
            "It must be fewer than 64 characters long, can't be set to default, can't start with \"kube-,\" and must match"
            " this regular expression: ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$.",
            CE,
            put(EKS, eksConfiguration__kubernetesNamespace=good),
            put(EKS, eksConfiguration__kubernetesNamespace=bad),
        )
        for good, bad in (("a" * 63, "a" * 64), ("defaults", "default"), ("kube", "kube-jobs"), ("a-1", "A-1"))
    ),
    Fact(
        API + "API_ComputeResourceUpdate.html",
        "the updated desiredvCpus value must be greater than or equal to the current desiredvCpus value",
        UCE,
        {"computeEnvironment": "env", "computeResources": {"desiredvCpus": 8}},
        {"computeEnvironment": "env", "computeResources": {"desiredvCpus": 7}},
        current=put(EC2, computeResources__desiredvCpus=8),
    ),
    Fact(
        API + "API_ComputeResourceUpdate.html",
        "BEST_FIT isn't supported when updating a compute environment.",
        UCE,
        {"computeEnvironment": "env", "computeResources": {"allocationStrategy": "BEST_FIT_PROGRESSIVE"}},
        {"computeEnvironment": "env", "computeResources": {"allocationStrategy": "BEST_FIT"}},
        current=put(EC2, computeResources__allocationStrategy="BEST_FIT_PROGRESSIVE"),
    ),
    Fact(
        API + "API_ComputeResourceUpdate.html",
        "You cannot change the type to or from ECS_MANAGED_INSTANCES.",
        UCE,
        {"computeEnvironment": "env", "computeResources": {"type": "SPOT"}},
        {"computeEnvironment": "env", "computeResources": {"type": "ECS_MANAGED_INSTANCES"}},
        current=put(EC2, computeResources__allocationStrategy="BEST_FIT_PROGRESSIVE"),
    ),
    Fact(
        API + "API_UpdateComputeEnvironment.html",
        "If the compute environment has a service-linked role, it can't be changed to use a regular IAM role.",
        UCE,
        {"computeEnvironment": "env", "state": "DISABLED"},
        {"computeEnvironment": "env", "serviceRole": "arn:aws:iam::123456789012:role/AWSBatchServiceRole"},
        current=EC2,
    ),
    Fact(
        API + "API_UpdatePolicy.html",
        "(jobExecutionTimeoutMinutes) The maximum value is 7200.",
        UCE,
        {"computeEnvironment": "env", "updatePolicy": {"jobExecutionTimeoutMinutes": 7200}},
        {"computeEnvironment": "env", "updatePolicy": {"jobExecutionTimeoutMinutes": 7201}},
        current=EC2,
    ),
    Fact(
        API + "API_CreateJobQueue.html",
        "You can associate up to three compute environments with a job queue.",
        JQ,
        put(QUEUE, computeEnvironmentOrder=[{"order": n, "computeEnvironment": f"e{n}"} for n in range(3)]),
        put(QUEUE, computeEnvironmentOrder=[{"order": n, "computeEnvironment": f"e{n}"} for n in range(4)]),
    ),
    Fact(
        API + "API_CreateJobQueue.html",
        "A job queue can't have both a serviceEnvironmentOrder and a computeEnvironmentOrder field.",
        JQ,
        QUEUE,
        put(QUEUE, serviceEnvironmentOrder=[{"order": 1, "serviceEnvironment": "s"}]),
    ),
    *(
        Fact(
            API + "API_JobStateTimeLimitAction.html",
            "The minimum value is 600 (10 minutes) and the maximum value is 86,400 (24 hours).",
            JQ,
            put(QUEUE, jobStateTimeLimitActions=[put(ACTION, maxTimeSeconds=good)]),
            put(QUEUE, jobStateTimeLimitActions=[put(ACTION, maxTimeSeconds=bad)]),
        )
        for good, bad in ((600, 599), (86400, 86401))
    ),
    Fact(
        API + "API_JobStateTimeLimitAction.html",
        "For job queues connected to a ECS, FARGATE or EKS compute environment, the only supported value is CANCEL",
        JQ,
        put(QUEUE, jobStateTimeLimitActions=[ACTION]),
        put(QUEUE, jobStateTimeLimitActions=[put(ACTION, action="TERMINATE")]),
    ),
    Fact(
        API + "API_UpdateJobQueue.html",
        "Once a job queue is created, the fair-share scheduling policy can be replaced but not removed.",
        "UpdateJobQueue",
        {"jobQueue": "queue", "schedulingPolicyArn": "arn:aws:batch:us-west-2:123456789012:scheduling-policy/Other"},
        {"jobQueue": "queue", "schedulingPolicyArn": ""},
        current=put(
            QUEUE, schedulingPolicyArn="arn:aws:batch:us-west-2:123456789012:scheduling-policy/MySchedulingPolicy"
        ),
    ),
    Fact(
        API + "API_CreateSchedulingPolicy.html",
        "Only one of fairsharePolicy or quotaSharePolicy can be set.",
        "CreateSchedulingPolicy",
        POLICY,
        put(POLICY, quotaSharePolicy={"idleResourceAssignmentStrategy": "FIFO"}),
    ),
    Fact(
        API + "API_FairsharePolicy.html",
        "The maximum supported value is 604800 (1 week).",
        "CreateSchedulingPolicy",
        put(POLICY, fairsharePolicy__shareDecaySeconds=604800),
        put(POLICY, fairsharePolicy__shareDecaySeconds=604801),
    ),
    Fact(
        API + "API_FairsharePolicy.html",
        "(computeReservation) The minimum value is 0 and the maximum value is 99.",
        "CreateSchedulingPolicy",
        put(POLICY, fairsharePolicy__computeReservation=99),
        put(POLICY, fairsharePolicy__computeReservation=100),
    ),
    Fact(
        API + "API_ShareAttributes.html",
        "you can't have one that specifies a shareIdentifier of UserA* and another that specifies a shareIdentifier of"
        " UserA1",
        "CreateSchedulingPolicy",
        put(POLICY, fairsharePolicy__shareDistribution=[{"shareIdentifier": "UserA*"}, {"shareIdentifier": "UserB1"}]),
        put(POLICY, fairsharePolicy__shareDistribution=[{"shareIdentifier": "UserA*"}, {"shareIdentifier": "UserA1"}]),
    ),
    *(
        Fact(
            API + "API_ShareAttributes.html",
            "The smallest supported value is 0.0001, and the largest supported value is 999.9999.",
            "CreateSchedulingPolicy",
            put(POLICY, fairsharePolicy__shareDistribution=[{"shareIdentifier": "A", "weightFactor": good}]),
            put(POLICY, fairsharePolicy__shareDistribution=[{"shareIdentifier": "A", "weightFactor": bad}]),
        )
        for good, bad in ((0.0001, 0.00001), (999.9999, 1000.0))
    ),
    Fact(
        API + "API_QuotaShareResourceSharingConfiguration.html",
        "borrowLimit can only be applied to quota shares with a strategy of LEND_AND_BORROW.",
        "CreateQuotaShare",
        quota_share := {
            "quotaShareName": "share",
            "jobQueue": "queue",
            "capacityLimits": [{"maxCapacity": 4, "capacityUnit": "ml.m5.large"}],
            "resourceSharingConfiguration": {"strategy": "LEND_AND_BORROW", "borrowLimit": 200},
            "preemptionConfiguration": {"inSharePreemption": "DISABLED"},
        },
        put(quota_share, resourceSharingConfiguration__strategy="LEND"),
    ),
    Fact(
        API + "API_CreateConsumableResource.html",
        "(totalQuantity) Must be non-negative.",
        "CreateConsumableResource",
        {"consumableResourceName": "licence", "totalQuantity": 0},
        {"consumableResourceName": "licence", "totalQuantity": -1},
    ),
    Fact(
        API + "API_UpdateConsumableResource.html",
        "Must be one of: SET … ADD … REMOVE",
        "UpdateConsumableResource",
        {"consumableResource": "licence", "operation": "REMOVE", "quantity": 1},
        {"consumableResource": "licence", "operation": "DROP", "quantity": 1},
        current={"consumableResourceName": "licence"},
    ),
    *(
        Fact(
            API + "API_ResourceRequirement.html",
            "For jobs that are running on Fargate resources, then value must match one of the supported values …"
            f" VCPU = {vcpus}",
            JD,
            fargate_needs(vcpus, good),
            fargate_needs(vcpus, bad),
        )
        for vcpus, good, bad in (
            ("0.25", "512", "768"),
            ("0.5", "4096", "5120"),
            ("1", "8192", "9216"),
            ("2", "4096", "3072"),
            ("4", "30720", "31744"),
            ("8", "61440", "20000"),
            ("16", "122880", "36864"),
            ("32", "249856", "124928"),
        )
    ),
    Fact(
        API + "API_RetryStrategy.html",
        "You can specify between 1 and 10 attempts.",
        JD,
        put(JOB, retryStrategy={"attempts": 10}),
        put(JOB, retryStrategy={"attempts": 11}),
    ),
    Fact(
        API + "API_JobTimeout.html",
        "The minimum value for the timeout is 60 seconds.",
        JD,
        put(JOB, timeout={"attemptDurationSeconds": 60}),
        put(JOB, timeout={"attemptDurationSeconds": 59}),
    ),
    Fact(
        API + "API_RegisterJobDefinition.html",
        "(schedulingPriority) The minimum supported value is 0 and the maximum supported value is 9999.",
        JD,
        put(JOB, schedulingPriority=9999),
        put(JOB, schedulingPriority=10000),
    ),
    Fact(
        API + "API_ContainerProperties.html",
        'Environment variables cannot start with "AWS_BATCH".',
        JD,
        put(JOB, containerProperties__environment=[{"name": "BATCH", "value": "1"}]),
        put(JOB, containerProperties__environment=[{"name": "AWS_BATCH_X", "value": "1"}]),
    ),
    Fact(
        API + "API_ContainerProperties.html",
        "(privileged) This parameter isn't applicable to jobs that are running on Fargate resources and shouldn't be"
        " provided, or specified as false.",
        JD,
        put(FARGATE_JOB, containerProperties__privileged=False),
        put(FARGATE_JOB, containerProperties__privileged=True),
    ),
    Fact(
        API + "API_ContainerProperties.html",
        "(executionRoleArn) For jobs that run on Fargate resources, you must provide an execution role.",
        JD,
        FARGATE_JOB,
        put(FARGATE_JOB, containerProperties__executionRoleArn=None),
    ),
    Fact(
        API + "API_EphemeralStorage.html",
        "The minimum supported value is 21 GiB and the maximum supported value is 200 GiB.",
        JD,
        put(FARGATE_JOB, containerProperties__ephemeralStorage={"sizeInGiB": 21}),
        put(FARGATE_JOB, containerProperties__ephemeralStorage={"sizeInGiB": 20}),
    ),
    Fact(
        API + "API_SubmitJob.html",
        "The first character must be alphanumeric, and up to 128 letters (uppercase and lowercase), numbers, hyphens, and"
        " underscores are allowed.",
        SJ,
        put(SUBMIT, jobName="a-b"),
        put(SUBMIT, jobName="-ab"),
    ),
    *(
        Fact(
            API + "API_SubmitJob.html",
            "The array size can be between 2 and 10,000.",
            SJ,
            put(SUBMIT, arrayProperties={"size": good}),
            put(SUBMIT, arrayProperties={"size": bad}),
        )
        for good, bad in ((2, 1), (10000, 10001))
    ),
    Fact(
        API + "API_SubmitJob.html",
        "A job can depend upon a maximum of 20 jobs.",
        SJ,
        put(SUBMIT, dependsOn=[{"jobId": f"job-{n}"} for n in range(20)]),
        put(SUBMIT, dependsOn=[{"jobId": f"job-{n}"} for n in range(21)]),
    ),
)


def test_there_are_enough_facts() -> None:
    """At least 60 sentences of AWS's pages are held against the rules."""
    assert len(FACTS) >= 60


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact.page.rpartition('/')[2]}: {fact.says[:60]}")
def test_the_rules_say_what_aws_says(fact: Fact) -> None:
    """A request that obeys a documented sentence stops nothing, and one that does not is stopped."""
    assert re.match(r"https://docs\.aws\.amazon\.com/batch/\S+\.html$", fact.page)
    good = [each for each in check_request(fact.operation, fact.good, current=fact.current) if each.stops]
    assert not good, (READ, fact.says, [each.message for each in good])
    bad = [each for each in check_request(fact.operation, fact.bad, current=fact.current) if each.stops]
    assert bad, (READ, fact.says)
