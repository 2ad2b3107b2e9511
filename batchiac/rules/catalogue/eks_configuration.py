"""Environments whose jobs run on an Amazon EKS cluster."""

from __future__ import annotations

from batchiac.rules.catalogue.compute_types import on_eks
from batchiac.rules.catalogue.sources import API, CE, COMPUTE_RESOURCE, CREATE_CE
from batchiac.rules.finding import Level
from batchiac.rules.predicates import (
    each_value,
    forbidden,
    is_given,
    is_one_of,
    longest,
    matches,
    matches_not,
    none_of,
    of_this_region,
    required,
    shown,
)
from batchiac.rules.row import Rule

_PAGE = API + "API_EksConfiguration.html"
_ENTRY = API + "API_EksAccessEntry.html"
_NAMESPACE = "eksConfiguration.kubernetesNamespace"


def _not_ec2_or_spot(value: object) -> str | None:
    # ECS_MANAGED_INSTANCES has a row of its own (CE230).
    return shown(value) if value in ("FARGATE", "FARGATE_SPOT") else None


RULES: tuple[Rule, ...] = (
    Rule(
        "EK001",
        CE,
        "computeResources.type",
        each_value(_not_ec2_or_spot),
        when=on_eks,
        dialect="create",
        allowed="an EKS environment is of type EC2 or SPOT",
        change="choose one of them, or take eksConfiguration out",
        source=_PAGE,
        aws_message="Supported compute types for EKS compute environments are [EC2, SPOT]",
    ),
    Rule(
        "EK002",
        CE,
        "eksConfiguration.eksClusterArn",
        matches(r"arn:aws[a-z-]*:eks:[a-z0-9-]+:\d{12}:cluster/[A-Za-z0-9][A-Za-z0-9_-]{0,99}"),
        dialect="create",
        allowed="the ARN of a cluster is allowed (arn:aws:eks:us-east-1:123456789012:cluster/name)",
        change="give the cluster's full ARN, not its name",
        source=_PAGE,
        aws_message="eksClusterArn must be an EKS cluster ARN.",
    ),
    Rule(
        "EK003",
        CE,
        _NAMESPACE,
        none_of("default"),
        dialect="create",
        allowed="it can't be the namespace default",
        change="give the environment a namespace of its own",
        source=_PAGE,
        aws_message="kubernetesNamespace cannot be the default Kubernetes namespace",
    ),
    Rule(
        "EK004",
        CE,
        _NAMESPACE,
        matches_not("^kube-"),
        dialect="create",
        allowed="it can't start with kube-",
        change="give the environment a namespace of its own",
        source=_PAGE,
        aws_message="kubernetesNamespace cannot be a reserved Kubernetes system namespace",
    ),
    Rule(
        "EK005",
        CE,
        _NAMESPACE,
        matches(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"),
        dialect="create",
        allowed="lower-case letters, digits and hyphens, with a letter or digit at both ends, are allowed",
        change="correct the name",
        source=_PAGE,
        aws_message="kubernetesNamespace must be a valid Kubernetes namespace.",
    ),
    Rule(
        "EK006",
        CE,
        _NAMESPACE,
        longest(63),
        dialect="create",
        allowed="fewer than 64 characters are allowed",
        change="shorten it",
        source=_PAGE,
        aws_message="kubernetesNamespace must less than or equal to 63 characters",
    ),
    Rule(
        "EK007",
        CE,
        "computeResources.allocationStrategy",
        required(),
        when=on_eks,
        dialect="create",
        allowed="an EKS environment needs an allocation strategy",
        change="give BEST_FIT_PROGRESSIVE for EC2 or SPOT_PRICE_CAPACITY_OPTIMIZED for SPOT",
        source=COMPUTE_RESOURCE,
        aws_message="allocationStrategy is required for EKS Compute Environments.",
    ),
    Rule(
        "EK008",
        CE,
        "computeResources.allocationStrategy",
        none_of("BEST_FIT"),
        when=on_eks,
        dialect="create",
        allowed="BEST_FIT is for ECS environments only",
        change="use BEST_FIT_PROGRESSIVE for EC2 or SPOT_PRICE_CAPACITY_OPTIMIZED for SPOT",
        source=COMPUTE_RESOURCE,
    ),
    Rule(
        "EK009",
        CE,
        "eksConfiguration",
        forbidden(),
        when=is_one_of("type", "UNMANAGED"),
        dialect="create",
        allowed="an UNMANAGED environment belongs to an ECS cluster",
        change="take it out, or make the environment MANAGED",
        source=CREATE_CE,
    ),
    Rule(
        "EK010",
        CE,
        "eksConfiguration.accessEntry.desiredState",
        none_of("DISABLED"),
        level=Level.ADVICE,
        allowed="DISABLED is rejected where the cluster's authenticationMode is API, and deletes the entry only when"
        " every environment of the cluster says so",
        change="use INHERIT_FROM_CLUSTER unless the aws-auth ConfigMap names Batch's role",
        source=_ENTRY,
    ),
    Rule(
        "EK011",
        CE,
        "eksConfiguration.accessEntry.status",
        forbidden(),
        level=Level.WARNING,
        allowed="it is read-only: only DescribeComputeEnvironments says it",
        change="take it out",
        source=_ENTRY,
    ),
    Rule(
        "EK012",
        CE,
        "eksConfiguration.eksClusterArn",
        of_this_region(),
        when=is_given("region"),
        dialect="create",
        allowed="the cluster is of the environment's own Region ({region})",
        change="name a cluster of that Region",
        source=_PAGE,
        aws_message="eksClusterArn must be in the same AWS region as the compute environment",
    ),
)
