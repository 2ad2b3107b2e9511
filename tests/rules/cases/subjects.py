"""The inputs that cases start from: one sound resource of each sort, and the same with something changed."""

from __future__ import annotations

import copy
import re
from typing import Any

from attrs import frozen

from batchiac.rules import Declared

Inputs = dict[str, Any]

ROLE = "arn:aws:iam::123456789012:role/{}"
PROFILE = "arn:aws:iam::123456789012:instance-profile/ecs"
SERVICE_LINKED = ROLE.format("aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch")
OWN_ROLE = ROLE.format("service-role/AWSBatchServiceRole")
CLUSTER = "arn:aws:eks:us-east-1:123456789012:cluster/batch"
POLICY = "arn:aws:batch:us-east-1:123456789012:scheduling-policy/fair"
ENVIRONMENT = "arn:aws:batch:us-east-1:123456789012:compute-environment/{}"


@frozen
class Update:
    """An update request, and the resource as it is before."""

    request: Inputs
    current: Inputs | None


@frozen
class InStack:
    """A stack, and the resource in it that the row is asked about."""

    subject: str
    declared: tuple[Declared, ...]


Subject = Inputs | Update | InStack
Cases = tuple[list[Any], list[Any], list[Any]]
"""Accepted, rejected, not applicable."""


def changed(base: Inputs, changes: Inputs | None = None) -> Inputs:
    """A copy with the value at each dotted path set; None takes it out."""
    result = copy.deepcopy(base)
    for path, value in (changes or {}).items():
        place: Any = result
        tokens = [int(i) if i else n for n, i in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path)]
        for token in tokens[:-1]:
            place = place[token] if isinstance(token, int) else place.setdefault(token, {})
        if value is None:
            place.pop(tokens[-1], None)
        else:
            place[tokens[-1]] = value
    return result


_EC2: Inputs = {
    "computeEnvironmentName": "e",
    "type": "MANAGED",
    "computeResources": {
        "type": "EC2",
        "allocationStrategy": "BEST_FIT_PROGRESSIVE",
        "minvCpus": 0,
        "maxvCpus": 64,
        "instanceTypes": ["m5"],
        "instanceRole": PROFILE,
        "subnets": ["subnet-0a1b2c3d"],
        "securityGroupIds": ["sg-0a1b2c3d"],
    },
}
_FARGATE: Inputs = {
    "computeEnvironmentName": "f",
    "type": "MANAGED",
    "computeResources": {
        "type": "FARGATE",
        "maxvCpus": 64,
        "subnets": ["subnet-0a1b2c3d"],
        "securityGroupIds": ["sg-0a1b2c3d"],
    },
}
_MANAGED: Inputs = {
    "computeEnvironmentName": "mi",
    "type": "MANAGED",
    "computeResources": {
        "type": "ECS_MANAGED_INSTANCES",
        "maxvCpus": 64,
        "managedInstancesProvider": {
            "infrastructureRoleArn": ROLE.format("infrastructure"),
            "instanceLaunchTemplate": {
                "ec2InstanceProfileArn": PROFILE,
                "networkConfiguration": {"subnets": ["subnet-0a1b2c3d"], "securityGroups": ["sg-0a1b2c3d"]},
            },
        },
    },
}
_QUEUE: Inputs = {
    "jobQueueName": "q",
    "priority": 1,
    "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": ENVIRONMENT.format("e")}],
}


def _under(prefix: str, changes: Inputs | None) -> Inputs:
    """The changes with short paths put under `prefix`; those that begin with `/` are from the top."""
    return {key[1:] if key.startswith("/") else f"{prefix}.{key}": each for key, each in (changes or {}).items()}


def ec2(changes: Inputs | None = None) -> Inputs:
    """An On-Demand environment on ECS; paths are within computeResources, `/x` is from the top."""
    return changed(_EC2, _under("computeResources", changes))


def spot(changes: Inputs | None = None) -> Inputs:
    """A Spot environment on ECS."""
    base = {"type": "SPOT", "allocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED"}
    return ec2({**base, **(changes or {})})


def eks(changes: Inputs | None = None) -> Inputs:
    """An On-Demand environment on EKS."""
    base = {"/eksConfiguration": {"eksClusterArn": CLUSTER, "kubernetesNamespace": "batch"}}
    return ec2({**base, **(changes or {})})


def fargate(changes: Inputs | None = None) -> Inputs:
    """A Fargate environment."""
    return changed(_FARGATE, _under("computeResources", changes))


def managed(changes: Inputs | None = None) -> Inputs:
    """An environment of ECS Managed Instances."""
    return changed(_MANAGED, _under("computeResources", changes))


def provider(changes: Inputs | None = None) -> Inputs:
    """The same; paths are within managedInstancesProvider."""
    return changed(_MANAGED, _under("computeResources.managedInstancesProvider", changes))


def launched(changes: Inputs | None = None) -> Inputs:
    """The same; paths are within managedInstancesProvider.instanceLaunchTemplate."""
    return changed(_MANAGED, _under("computeResources.managedInstancesProvider.instanceLaunchTemplate", changes))


def unmanaged(changes: Inputs | None = None) -> Inputs:
    """An UNMANAGED environment; paths are from the top."""
    return changed({"computeEnvironmentName": "u", "type": "UNMANAGED", "serviceRole": OWN_ROLE}, changes)


def template(changes: Inputs | None = None, **more: Any) -> Inputs:
    """An environment with a launch template; paths are within launchTemplate, `/x` is from the top."""
    base = ec2({"launchTemplate": {"launchTemplateName": "t"}, **more})
    return changed(base, _under("computeResources.launchTemplate", changes))


def overrides(*each: Inputs, types: list[str] | None = None) -> Inputs:
    """An environment whose launch template has these overrides, each with a name unless it says otherwise."""
    return template({"overrides": list(each)}, instanceTypes=types or ["m5", "c5"])


def images(*each: Inputs | str, base: Any = ec2, **more: Any) -> Inputs:
    """An environment with these EC2 configurations; a string is an image type."""
    configurations = [{"imageType": one} if isinstance(one, str) else one for one in each]
    return base({"ec2Configuration": configurations, **more})


def queue(changes: Inputs | None = None) -> Inputs:
    """A queue of one environment; paths are from the top."""
    return changed(_QUEUE, changes)


def ordered(*pairs: tuple[int, str]) -> Inputs:
    """A queue of these environments: order, and name."""
    order = [{"order": order, "computeEnvironment": ENVIRONMENT.format(name)} for order, name in pairs]
    return queue({"computeEnvironmentOrder": order})


def sagemaker(changes: Inputs | None = None) -> Inputs:
    """A queue of SageMaker training jobs."""
    base = {
        "computeEnvironmentOrder": None,
        "jobQueueType": "SAGEMAKER_TRAINING",
        "serviceEnvironmentOrder": [{"order": 1, "serviceEnvironment": "s"}],
    }
    return queue({**base, **(changes or {})})


def limit_action(changes: Inputs | None = None, base: Any = queue) -> Inputs:
    """A queue with one time-limit action; paths are within it."""
    action = {
        "reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
        "state": "RUNNABLE",
        "maxTimeSeconds": 600,
        "action": "CANCEL" if base is queue else "TERMINATE",
    }
    return base({"jobStateTimeLimitActions": [changed(action, changes)]})


def fair(changes: Inputs | None = None) -> Inputs:
    """A fair-share policy; paths are within fairsharePolicy."""
    return changed({"name": "p", "fairsharePolicy": {"shareDecaySeconds": 3600}}, _under("fairsharePolicy", changes))


def shares(*identifiers: str | Inputs) -> Inputs:
    """A fair-share policy with these shares."""
    return fair({"shareDistribution": [{"shareIdentifier": s} if isinstance(s, str) else s for s in identifiers]})


def quota(changes: Inputs | None = None) -> Inputs:
    """A quota share policy; paths are from the top."""
    return changed({"name": "p", "quotaSharePolicy": {"idleResourceAssignmentStrategy": "FIFO"}}, changes)


def service(changes: Inputs | None = None) -> Inputs:
    """A service environment; paths are from the top."""
    base = {
        "serviceEnvironmentName": "s",
        "serviceEnvironmentType": "SAGEMAKER_TRAINING",
        "capacityLimits": [{"maxCapacity": 5, "capacityUnit": "NUM_INSTANCES"}],
    }
    return changed(base, changes)


def capacity(*pairs: tuple[int, str], base: Any = service) -> Inputs:
    """The same, or a quota share, with these limits: capacity and unit."""
    return base({"capacityLimits": [{"maxCapacity": most, "capacityUnit": unit} for most, unit in pairs]})


def share(changes: Inputs | None = None) -> Inputs:
    """A quota share; paths are from the top."""
    base = {
        "quotaShareName": "h",
        "jobQueue": "q",
        "capacityLimits": [{"maxCapacity": 5, "capacityUnit": "ml.m5.large"}],
        "resourceSharingConfiguration": {"strategy": "LEND_AND_BORROW"},
        "preemptionConfiguration": {"inSharePreemption": "ENABLED"},
    }
    return changed(base, changes)


def resource(changes: Inputs | None = None) -> Inputs:
    """A consumable resource; paths are from the top."""
    return changed({"consumableResourceName": "licence", "totalQuantity": 5}, changes)


def launch_template(changes: Inputs | None = None) -> Inputs:
    """A launch template; paths are within launchTemplateData, `/x` is from the top."""
    base = {"launchTemplateName": "tmpl", "launchTemplateData": {"keyName": "k"}}
    return changed(base, _under("launchTemplateData", changes))


def update(request: Inputs, current: Inputs | None = None) -> Update:
    """An update request (paths from the top) of the resource that is now `current`."""
    return Update(changed({}, request), current)
