"""What rows ask of a compute environment: its type, its strategy, its role, the instance types that it may launch."""

from __future__ import annotations

import re
from functools import cache

from batchiac.rules.predicates import is_one_of
from batchiac.rules.row import Condition
from batchiac.rules.view import View

RESOURCES = "computeResources"
EC2_TYPES = ("EC2", "SPOT")
FARGATE_TYPES = ("FARGATE", "FARGATE_SPOT")
MANAGED_INSTANCES = "ECS_MANAGED_INSTANCES"
BUNDLES = ("optimal", "default_x86_64", "default_arm64")

_SERVICE_LINKED = re.compile(r"(^|/)(aws-service-role/batch\.amazonaws\.com/)?AWSServiceRoleForBatch$")


def of_type(*types: str) -> Condition:
    """The environment's compute resources are, or in an update will be, of one of these types."""
    return is_one_of("computeResources.type", *types)


on_ec2 = of_type(*EC2_TYPES)
on_fargate = of_type(*FARGATE_TYPES)
on_managed_instances = of_type(MANAGED_INSTANCES)


def on_eks(view: View) -> bool:
    """The environment runs its jobs on an EKS cluster."""
    return view.has("eksConfiguration") or (view.dialect == "update" and view.current.has("eksConfiguration"))


def on_ecs(view: View) -> bool:
    """The environment runs its jobs on ECS, which is what it does when no EKS cluster is named."""
    return not on_eks(view)


def is_service_linked(role: str) -> bool:
    """True for Batch's service-linked role, and for no role at all: Batch then uses that one."""
    return not role or _SERVICE_LINKED.search(role) is not None


def strategy_of(view: View) -> str:
    """The allocation strategy, BEST_FIT where none is named (CreateComputeEnvironment's default)."""
    return view.effective_text("computeResources.allocationStrategy", "BEST_FIT")


@cache
def architectures_of(name: str) -> frozenset[str]:
    """The architectures of what an entry of `instanceTypes` stands for; empty for a name that EC2's table lacks."""
    from batchiac.model.instance_type import read_instance_types

    table = read_instance_types()
    return frozenset(table[each].architecture for each in table.expand((name,)))


@cache
def is_known(name: str) -> bool:
    """True when the entry is a type, a family or a bundle of the committed table."""
    from batchiac.model.instance_type import read_instance_types

    return bool(read_instance_types().expand((name,)))
