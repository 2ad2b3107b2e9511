"""The IAM roles that AWS Batch needs beside its own service-linked one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from batchiac.components.component import Component
from batchiac.components.declaration import Reference, declare
from batchiac.model.arn import partition_of

INSTANCE_POLICIES = ("AmazonEC2ContainerServiceforEC2Role",)
"""Source: https://docs.aws.amazon.com/batch/latest/userguide/instance_IAM_role.html"""

EXECUTION_POLICIES = ("AmazonECSTaskExecutionRolePolicy",)
"""Source: https://docs.aws.amazon.com/batch/latest/userguide/execution-IAM-role.html"""

SPOT_FLEET_POLICIES = ("AmazonEC2SpotFleetTaggingRole",)
"""Source: https://docs.aws.amazon.com/batch/latest/userguide/spot_fleet_IAM_role.html"""

SERVICES = {"aws-cn": {"ec2.amazonaws.com": "ec2.amazonaws.com.cn"}}
"""Partition → service → its principal there, where that differs; ECS and Spot Fleet are called alike everywhere.

Source: https://github.com/kubernetes/kops/issues/27 (IAM in China: "Invalid principal in policy").
"""


class Roles(Component):
    """Instance role with its profile, job role, execution role and Spot fleet role.

    AWS Batch itself acts under its service-linked role, which AWS makes: a role of one's own there would make AWS
    replace an environment where it could update it.

    Args:
        job_policies: inline policies of the job role, name → document: what the jobs' own code may do.
        job_policy_arns: managed policies of the job role.
        instance_policy_arns: managed policies of the instance role, beside the one that ECS needs.
        spot_fleet: False leaves the Spot fleet role out; only BEST_FIT on Spot needs it.

    Attributes:
        instance_profile_arn, job_role_arn, execution_role_arn, spot_fleet_role_arn: what other components take.
    """

    makes_one = False

    def __init__(
        self,
        name: str,
        *,
        job_policies: Mapping[str, Mapping[str, Any]] | None = None,
        job_policy_arns: Sequence[pulumi.Input[str]] = (),
        instance_policy_arns: Sequence[pulumi.Input[str]] = (),
        spot_fleet: bool = True,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("batchiac:batch:Roles", name, None, opts)
        partition = partition_of(pulumi.Config("batchiac").get("region") or "")

        def of_aws(policies: Sequence[str]) -> list[str]:
            return [f"arn:{partition}:iam::aws:policy/service-role/{policy}" for policy in policies]

        def role(
            what: str, service: str, arns: Sequence[pulumi.Input[str]], inline: Mapping[str, Any] | None = None
        ) -> Any:
            inputs = {
                "assumeRolePolicyDocument": trust_of(SERVICES.get(partition, {}).get(service, service)),
                "managedPolicyArns": list(arns),
                "inlinePolicies": inline,
                "tags": {**(tags or {})},
            }
            return declare("Role", f"{name}-{what}", inputs, self)

        instance = role("instance", "ec2.amazonaws.com", [*of_aws(INSTANCE_POLICIES), *instance_policy_arns])
        profile = declare(
            "InstanceProfile",
            f"{name}-instance",
            {"roles": [Reference(instance, "roleName")], "tags": {**(tags or {})}},
            self,
        )
        job = role("job", "ecs-tasks.amazonaws.com", job_policy_arns, job_policies)
        execution = role("execution", "ecs-tasks.amazonaws.com", of_aws(EXECUTION_POLICIES))
        self.instance_profile_arn = Reference(profile, "id")
        self.job_role_arn = Reference(job, "id")
        self.execution_role_arn = Reference(execution, "id")
        self.spot_fleet_role_arn: Reference | None = None
        if spot_fleet:
            fleet = role("spot-fleet", "spotfleet.amazonaws.com", of_aws(SPOT_FLEET_POLICIES))
            self.spot_fleet_role_arn = Reference(fleet, "id")
        self.register_outputs({})


def trust_of(service: str) -> dict[str, Any]:
    """The trust policy that lets an AWS service assume a role."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
