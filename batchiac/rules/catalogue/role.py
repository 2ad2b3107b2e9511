"""IAM roles: each must trust the service that assumes it.

Seen across resources: an environment, a definition or an instance profile names the role, and the role's trust policy
must name the service. A role of another stack is not looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from batchiac.rules.catalogue.sources import CE, GUIDE, JD
from batchiac.rules.predicates import whole
from batchiac.rules.row import Broken, Check, Rule
from batchiac.rules.view import View

_CONTAINERS = (
    "containerProperties",
    "nodeProperties.nodeRangeProperties[].container",
    "ecsProperties.taskProperties[]",
    "nodeProperties.nodeRangeProperties[].ecsProperties.taskProperties[]",
)
_PROFILE_ROLES = ("roles[0]", "role", "roleName")
"""Where an instance profile names its role: the API has a list, Terraform and our own profiles one name."""


def trusted_services(policy: Any) -> frozenset[str] | None:
    """The service principals that a trust policy lets assume the role; None when it is not a policy document.

    Args:
        policy: the document, as JSON text or as an object.
    """
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except (ValueError, RecursionError):
            return None
    if not isinstance(policy, Mapping):
        return None
    statements = policy.get("Statement")
    found: set[str] = set()
    for each in statements if isinstance(statements, list | tuple) else [statements]:
        if not isinstance(each, Mapping) or each.get("Effect") != "Allow":
            continue
        principal = each.get("Principal")
        services = principal.get("Service") if isinstance(principal, Mapping) else principal
        found.update(name for name in _listed(services) if isinstance(name, str))
    return frozenset(found)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _distrust(role: View, service: str) -> str | None:
    """What the role trusts instead of `service`, as the words of a message; None when it is right."""
    trusted = trusted_services(role.get("assumeRolePolicyDocument"))
    if trusted is None or service in trusted or "*" in trusted:
        return None
    return ", ".join(sorted(trusted)) or "no service"


def _names_role(service: str, *properties: str) -> Check:
    """The role at each of `properties` trusts `service`."""

    def run(view: View, path: str) -> Iterator[Broken]:
        for each in properties:
            for parent, last in view.parents(each):
                if parent.raw(last) is None:
                    continue
                role = parent.refer(last, "Role")
                trusted = _distrust(role, service) if role is not None else None
                if role is not None and trusted is not None:
                    yield Broken(parent.absolute(last), f"the role {role.root}, which trusts {trusted}")

    return whole(run, on_absent=True)


def _names_profile(path: str) -> Check:
    """The role of the instance profile at `path` trusts EC2."""

    def run(view: View, _: str) -> Iterator[Broken]:
        profile = view.refer(path, "InstanceProfile")
        if profile is None:
            return
        for place in _PROFILE_ROLES:
            if profile.raw(place) is None:
                continue
            role = profile.refer(place, "Role")
            trusted = _distrust(role, "ec2.amazonaws.com") if role is not None else None
            if role is not None and trusted is not None:
                yield Broken(path, f"the profile {profile.root} of the role {role.root}, which trusts {trusted}")

    return whole(run)


def _has_any(*paths: str) -> Any:
    def condition(view: View) -> bool:
        return any(parent.raw(last) is not None for path in paths for parent, last in view.parents(path))

    return condition


_JOB_ROLES = tuple(
    f"{place}.{name}" for place in _CONTAINERS for name in (("taskRoleArn",) if "task" in place else ("jobRoleArn",))
)
_EXECUTION_ROLES = tuple(f"{place}.executionRoleArn" for place in _CONTAINERS)

RULES: tuple[Rule, ...] = (
    Rule(
        "RO001",
        CE,
        "serviceRole",
        _names_role("batch.amazonaws.com", "serviceRole"),
        when=_has_any("serviceRole"),
        scope="stack",
        dialect="create",
        allowed="Batch assumes it, so its trust policy must name batch.amazonaws.com",
        change="add batch.amazonaws.com to the trust policy, or leave serviceRole out",
        source=GUIDE + "service_IAM_role.html",
        aws_message="CLIENT_ERROR - Not authorized to perform sts:AssumeRole",
    ),
    Rule(
        "RO002",
        CE,
        "computeResources.instanceRole",
        _names_profile("computeResources.instanceRole"),
        scope="stack",
        dialect="create",
        allowed="instances assume it, so its trust policy must name ec2.amazonaws.com",
        change="add ec2.amazonaws.com to the trust policy",
        source=GUIDE + "instance_IAM_role.html",
    ),
    Rule(
        "RO003",
        CE,
        "computeResources.spotIamFleetRole",
        _names_role("spotfleet.amazonaws.com", "computeResources.spotIamFleetRole"),
        when=_has_any("computeResources.spotIamFleetRole"),
        scope="stack",
        dialect="create",
        allowed="Spot Fleet assumes it, so its trust policy must name spotfleet.amazonaws.com",
        change="add spotfleet.amazonaws.com to the trust policy",
        source=GUIDE + "spot_fleet_IAM_role.html",
        aws_message="CLIENT_ERROR - Parameter: SpotFleetRequestConfig.IamFleetRole is invalid",
    ),
    Rule(
        "RO004",
        JD,
        "containerProperties.jobRoleArn",
        _names_role("ecs-tasks.amazonaws.com", *_JOB_ROLES),
        when=_has_any(*_JOB_ROLES),
        scope="stack",
        dialect="create",
        allowed="the job's containers assume it, so its trust policy must name ecs-tasks.amazonaws.com",
        change="add ecs-tasks.amazonaws.com to the trust policy",
        source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html",
    ),
    Rule(
        "RO005",
        JD,
        "containerProperties.executionRoleArn",
        _names_role("ecs-tasks.amazonaws.com", *_EXECUTION_ROLES),
        when=_has_any(*_EXECUTION_ROLES),
        scope="stack",
        dialect="create",
        allowed="ECS assumes it for the job, so its trust policy must name ecs-tasks.amazonaws.com",
        change="add ecs-tasks.amazonaws.com to the trust policy",
        source=GUIDE + "execution-IAM-role.html",
    ),
    Rule(
        "RO006",
        CE,
        "computeResources.managedInstancesProvider.infrastructureRoleArn",
        _names_role("ecs.amazonaws.com", "computeResources.managedInstancesProvider.infrastructureRoleArn"),
        when=_has_any("computeResources.managedInstancesProvider.infrastructureRoleArn"),
        scope="stack",
        dialect="create",
        allowed="ECS assumes it, so its trust policy must name ecs.amazonaws.com",
        change="add ecs.amazonaws.com to the trust policy",
        source="https://docs.aws.amazon.com/batch/latest/APIReference/API_ManagedInstancesProvider.html",
    ),
    Rule(
        "RO007",
        CE,
        "computeResources.managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn",
        _names_profile("computeResources.managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn"),
        scope="stack",
        dialect="create",
        allowed="instances assume it, so its trust policy must name ec2.amazonaws.com",
        change="add ec2.amazonaws.com to the trust policy",
        source="https://docs.aws.amazon.com/batch/latest/APIReference/API_InstanceLaunchTemplate.html",
    ),
)
