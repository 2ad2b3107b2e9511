"""ECS_MANAGED_INSTANCES environments: what they need, what they do not take, and what only they take."""

from __future__ import annotations

from batchiac.rules.catalogue.compute_types import EC2_TYPES, FARGATE_TYPES, of_type, on_managed_instances
from batchiac.rules.catalogue.sources import API, CE, COMPUTE_RESOURCE, GUIDE
from batchiac.rules.finding import Level
from batchiac.rules.predicates import (
    forbidden,
    is_one_of,
    items,
    matches,
    one_of,
    required,
    within,
)
from batchiac.rules.row import Rule

_PAGE = GUIDE + "ecs-managed-instances-compute-environments.html"
_PROVIDER = "computeResources.managedInstancesProvider"
_LAUNCH = f"{_PROVIDER}.instanceLaunchTemplate"
_LAUNCH_PAGE = API + "API_InstanceLaunchTemplate.html"

_NOT_APPLICABLE = (
    ("CE201", "allocationStrategy", "ECS chooses the instances"),
    ("CE202", "bidPercentage", "set capacityOptionType to SPOT in managedInstancesProvider.instanceLaunchTemplate"),
    ("CE203", "desiredvCpus", "ECS scales the instances"),
    ("CE204", "minvCpus", "ECS scales the instances"),
    ("CE205", "imageId", "ECS chooses the image"),
    ("CE206", "instanceTypes", "name them in instanceRequirements.allowedInstanceTypes"),
    ("CE207", "ec2Configuration", "ECS chooses the image"),
    ("CE208", "ec2KeyPair", "nobody logs in to managed instances"),
    ("CE209", "instanceRole", "name the instance profile in ec2InstanceProfileArn"),
    ("CE210", "launchTemplate", "describe the instances in instanceLaunchTemplate"),
    ("CE211", "placementGroup", "ECS places the instances"),
    ("CE212", "spotIamFleetRole", "no Spot Fleet is used"),
    ("CE213", "tags", "use capacityTags"),
    ("CE214", "scalingPolicy", "use infrastructureOptimization.scaleInAfter"),
    ("CE215", "subnets", "name them in networkConfiguration.subnets"),
    ("CE216", "securityGroupIds", "name them in networkConfiguration.securityGroups"),
)
"""Id, member of computeResources, what to do instead. Source: the page of the User Guide."""


RULES: tuple[Rule, ...] = (
    *(
        Rule(
            rule_id,
            CE,
            f"computeResources.{member}",
            forbidden(),
            when=on_managed_instances,
            allowed=f"{member} isn't applicable to ECS Managed Instances",
            change=f"take it out: {instead}",
            source=_PAGE,
        )
        for rule_id, member, instead in _NOT_APPLICABLE
    ),
    Rule(
        "CE217",
        CE,
        _PROVIDER,
        required(),
        when=on_managed_instances,
        dialect="create",
        allowed="an ECS_MANAGED_INSTANCES environment needs it",
        change="give infrastructureRoleArn and instanceLaunchTemplate",
        source=COMPUTE_RESOURCE,
    ),
    Rule(
        "CE218",
        CE,
        _PROVIDER,
        forbidden(),
        when=of_type(*EC2_TYPES, *FARGATE_TYPES),
        allowed="only ECS_MANAGED_INSTANCES environments have it",
        change="take it out",
        source=COMPUTE_RESOURCE,
    ),
    Rule(
        "CE219",
        CE,
        "computeResources.capacityTags",
        forbidden(),
        when=of_type(*EC2_TYPES, *FARGATE_TYPES),
        allowed="only ECS_MANAGED_INSTANCES environments have it",
        change="use computeResources.tags to tag the instances of an EC2 environment",
        source=COMPUTE_RESOURCE,
    ),
    Rule(
        "CE220",
        CE,
        f"{_PROVIDER}.infrastructureOptimization.scaleInAfter",
        within(-1, 3600),
        allowed="0 to 3600 seconds are allowed, or -1 for never",
        change="set it within that range",
        source=API + "API_InfrastructureOptimization.html",
    ),
    Rule(
        "CE221",
        CE,
        f"{_LAUNCH}.capacityOptionType",
        one_of("ON_DEMAND", "SPOT", "RESERVED"),
        allowed="ON_DEMAND (the default), SPOT and, by CloudFormation's schema, RESERVED are allowed",
        change="choose one of them",
        source=_LAUNCH_PAGE,
    ),
    Rule(
        "CE222",
        CE,
        f"{_PROVIDER}.propagateTags",
        one_of("CAPACITY_PROVIDER", "NONE"),
        allowed="CAPACITY_PROVIDER and NONE (the default) are allowed",
        change="choose one of them",
        source=API + "API_ManagedInstancesProvider.html",
    ),
    Rule(
        "CE223",
        CE,
        f"{_LAUNCH}.monitoring",
        one_of("BASIC", "DETAILED"),
        allowed="BASIC and DETAILED are allowed",
        change="choose one of them",
        source=_LAUNCH_PAGE,
    ),
    Rule(
        "CE224",
        CE,
        f"{_LAUNCH}.capacityReservations.reservationPreference",
        one_of("RESERVATIONS_ONLY", "RESERVATIONS_FIRST", "RESERVATIONS_EXCLUDED"),
        allowed="RESERVATIONS_ONLY, RESERVATIONS_FIRST and RESERVATIONS_EXCLUDED are allowed",
        change="choose one of them",
        source=API + "API_CapacityReservationRequest.html",
    ),
    Rule(
        "CE225",
        CE,
        f"{_LAUNCH}.networkConfiguration.subnets",
        items(1),
        allowed="managed instances need one or more subnets",
        change="give the subnets that they are launched in",
        source=API + "API_ManagedInstancesNetworkConfiguration.html",
    ),
    Rule(
        "CE226",
        CE,
        f"{_LAUNCH}.networkConfiguration.securityGroups",
        items(1),
        allowed="managed instances need one or more security groups",
        change="give the groups that they are associated with",
        source=API + "API_ManagedInstancesNetworkConfiguration.html",
    ),
    Rule(
        "CE227",
        CE,
        f"{_PROVIDER}.infrastructureRoleArn",
        matches(r"arn:aws[a-z-]*:iam::\d{12}:role/.+"),
        allowed="the ARN of an IAM role that ecs.amazonaws.com may assume is allowed",
        change="give the role's ARN",
        source=API + "API_ManagedInstancesProvider.html",
    ),
    Rule(
        "CE228",
        CE,
        f"{_LAUNCH}.ec2InstanceProfileArn",
        matches(r"arn:aws[a-z-]*:iam::\d{12}:instance-profile/.+"),
        allowed="the ARN of an instance profile is allowed",
        change="give the instance profile's ARN",
        source=_LAUNCH_PAGE,
    ),
    Rule(
        "CE229",
        CE,
        f"{_LAUNCH}.storageConfiguration.storageSizeGiB",
        within(1),
        allowed="a size of 1 GiB or more is allowed",
        change="set the size of the root volume",
        source=API + "API_ManagedInstancesStorageConfiguration.html",
    ),
    Rule(
        "CE230",
        CE,
        "eksConfiguration",
        forbidden(),
        when=on_managed_instances,
        dialect="create",
        allowed="managed instances belong to an ECS cluster",
        change="take it out, or use EC2 or SPOT compute resources",
        source=API + "API_EksConfiguration.html",
        aws_message="Supported compute types for EKS compute environments are [EC2, SPOT]",
    ),
    Rule(
        "CE231",
        CE,
        f"{_LAUNCH}.capacityReservations",
        forbidden(),
        when=is_one_of(f"{_LAUNCH}.capacityOptionType", "SPOT"),
        level=Level.WARNING,
        dialect="create",
        allowed="capacity reservations are of On-Demand capacity",
        change="take them out, or set capacityOptionType to ON_DEMAND",
        source=API + "API_CapacityReservationRequest.html",
    ),
)
