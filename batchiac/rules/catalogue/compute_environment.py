"""CreateComputeEnvironment and UpdateComputeEnvironment: what holds for EC2 and Spot environments, and for all."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from batchiac.rules.catalogue.compute_types import (
    EC2_TYPES,
    FARGATE_TYPES,
    architectures_of,
    is_known,
    is_service_linked,
    of_type,
    on_ec2,
    on_ecs,
    on_eks,
    on_fargate,
    strategy_of,
)
from batchiac.rules.catalogue.sources import (
    API,
    CE,
    COMPUTE_RESOURCE,
    COMPUTE_RESOURCE_UPDATE,
    CREATE_CE,
    GUIDE,
    NAME,
    NAME_ALLOWED,
    NAME_CHANGE,
    UPDATE_CE,
)
from batchiac.rules.finding import Level
from batchiac.rules.predicates import (
    both,
    each_value,
    forbidden,
    forbidden_unless_empty,
    is_one_of,
    items,
    matches,
    matches_not,
    one_of,
    required,
    shown,
    unique,
    whole,
    within,
    zero_or_within,
)
from batchiac.rules.row import Broken, Rule
from batchiac.rules.view import View

_INFRASTRUCTURE = GUIDE + "infrastructure-updates.html"
_unmanaged = is_one_of("type", "UNMANAGED")
_managed = is_one_of("type", "MANAGED")


# --- predicates that only these rows need -----------------------------------------------------------------------------


def _desired_outside(view: View, path: str) -> Iterator[Broken]:
    desired = view.number(path)
    low = view.effective("computeResources.minvCpus")
    high = view.effective("computeResources.maxvCpus")
    if desired is None:
        return
    too_low = isinstance(low, int) and desired < low
    too_high = isinstance(high, int) and desired > high
    if too_low or too_high:
        yield Broken(path, str(desired), {"low": 0 if low is None else low, "high": high})


def _max_below_min(view: View, path: str) -> Iterator[Broken]:
    low = view.effective("computeResources.minvCpus")
    high = view.effective("computeResources.maxvCpus")
    if isinstance(low, int) and isinstance(high, int) and high < low:
        yield Broken(path, str(high), {"low": low})


def _scales_down(view: View, path: str) -> Iterator[Broken]:
    desired, now = view.number(path), view.current.number(path)
    if desired is not None and now is not None and desired < now:
        yield Broken(path, str(desired), {"now": now})


def _mixed_architectures(view: View, path: str) -> Iterator[Broken]:
    by_architecture: dict[str, str] = {}
    for _, name in view.each(f"{path}[]"):
        if isinstance(name, str):
            for architecture in sorted(architectures_of(name)):
                by_architecture.setdefault(architecture, name)
    if len(by_architecture) > 1:
        shown_types = " and ".join(f"{name} ({architecture})" for architecture, name in by_architecture.items())
        yield Broken(path, f"a mix of {shown_types}")


def _not_in_table(name: object) -> str | None:
    if not isinstance(name, str) or is_known(name) or not _looks_like_type(name):
        return None
    from batchiac.model.instance_type import read_instance_types

    near = difflib.get_close_matches(name, read_instance_types(), n=1)
    return f"{name!r}, which is no type or family that is known here" + (f" (near: {near[0]})" if near else "")


def _looks_like_type(name: str) -> bool:
    return "." in name or name.isalnum()


def _custom_role(role: object) -> str | None:
    return shown(role) if isinstance(role, str) and not is_service_linked(role) else None


def _best_fit(view: View, path: str) -> Iterator[Broken]:
    strategy = view.text(path)
    if strategy in ("", "BEST_FIT"):
        yield Broken(path, "BEST_FIT" if strategy else "missing, which means BEST_FIT")


_INFRASTRUCTURE_FIELDS = (
    "allocationStrategy",
    "bidPercentage",
    "ec2Configuration",
    "ec2KeyPair",
    "imageId",
    "instanceRole",
    "instanceTypes",
    "launchTemplate",
    "placementGroup",
    "securityGroupIds",
    "subnets",
    "tags",
    "type",
    "updateToLatestImageVersion",
)
"""What an infrastructure update is for. Source: UG infrastructure-updates."""


def _touched(view: View, path: str) -> list[str]:
    """The infrastructure fields that an update changes, as far as they are known."""
    now = view.current.get(path) or {}
    return [
        name
        for name in view.keys(path)
        if name in _INFRASTRUCTURE_FIELDS and view.raw(f"{path}.{name}") != now.get(name)
    ]


def _update_with_custom_role(view: View, path: str) -> Iterator[Broken]:
    touched = _touched(view, path)
    role = view.current.text("serviceRole")
    if touched and not is_service_linked(role):
        yield Broken(path, f"a change of {', '.join(touched)} under {shown(role)}")


def _update_under_best_fit(view: View, path: str) -> Iterator[Broken]:
    touched = _touched(view, path)
    if touched and view.current.text("computeResources.allocationStrategy", "BEST_FIT") == "BEST_FIT":
        yield Broken(path, f"a change of {', '.join(touched)} under BEST_FIT")


def _role_kind_changes(view: View, path: str) -> Iterator[Broken]:
    new, now = view.text(path), view.current.text(path)
    if new and is_service_linked(new) != is_service_linked(now):
        was = "the service-linked role" if is_service_linked(now) else "a role of your own"
        yield Broken(path, f"{shown(new)} where it was {was}")


def _crosses_managed_instances(view: View, path: str) -> Iterator[Broken]:
    new, now = view.text(path), view.current.text(path)
    if new and now and new != now and "ECS_MANAGED_INSTANCES" in (new, now):
        yield Broken(path, f"{new} where it was {now}")


def _is_on_ec2(view: View) -> bool:
    return view.current.text("computeResources.type") in EC2_TYPES


def _short_role(role: object) -> str | None:
    return shown(role) if isinstance(role, str) and role and not role.startswith("arn:") else None


RULES: tuple[Rule, ...] = (
    # --- the environment itself ---------------------------------------------------------------------------------
    Rule(
        "CE001",
        CE,
        "computeEnvironmentName",
        matches(NAME),
        allowed=NAME_ALLOWED,
        change=NAME_CHANGE,
        source=CREATE_CE,
        dialect="create",
    ),
    Rule(
        "CE003",
        CE,
        "state",
        one_of("ENABLED"),
        allowed="an environment must be created ENABLED",
        change="leave it out, and disable the environment after it exists",
        source=CREATE_CE,
        dialect="create",
        aws_message="Compute Environment must be created in ENABLED state.",
    ),
    Rule(
        "CE004",
        CE,
        "computeResources",
        required(),
        when=_managed,
        allowed="a MANAGED environment needs compute resources",
        change="give them, or make the environment UNMANAGED",
        source=CREATE_CE,
        dialect="create",
    ),
    Rule(
        "CE005",
        CE,
        "computeResources",
        forbidden_unless_empty(),
        when=_unmanaged,
        allowed="Batch manages no resources of an UNMANAGED environment",
        change="take them out, or make the environment MANAGED",
        source=CREATE_CE,
    ),
    Rule(
        "CE006",
        CE,
        "unmanagedvCpus",
        forbidden(),
        when=_managed,
        allowed="only an UNMANAGED environment has it",
        change="take it out; a MANAGED environment says maxvCpus",
        source=CREATE_CE,
        aws_message="unmanagedvCpus is not applicable for managed Compute Environments",
    ),
    Rule(
        "CE007",
        CE,
        "unmanagedvCpus",
        within(0),
        when=_unmanaged,
        allowed="a number of vCPUs, 0 or more, is allowed",
        change="set the vCPUs that the environment has",
        source=CREATE_CE,
    ),
    Rule(
        "CE008",
        CE,
        "serviceRole",
        required(),
        when=_unmanaged,
        allowed="an UNMANAGED environment needs a service role: Batch makes its own for MANAGED ones only",
        change="give the ARN of a role that batch.amazonaws.com may assume",
        source=CREATE_CE,
        dialect="create",
        aws_message="ServiceRole is required.",
    ),
    Rule(
        "CE009",
        CE,
        "serviceRole",
        matches_not(r"(^|/)AWSServiceRoleForBatch$"),
        when=_unmanaged,
        allowed="the service-linked role is for MANAGED environments only",
        change="give a role of your own that batch.amazonaws.com may assume",
        source=CREATE_CE,
        dialect="create",
        aws_message="Service Linked Role cannot be used with UNMANAGED Compute Environment",
    ),
    Rule(
        "CE010",
        CE,
        "serviceRole",
        each_value(_short_role),
        level=Level.ADVICE,
        allowed="Batch takes a bare name to have no path and no service-role prefix, and recommends the full ARN",
        change="give the role's ARN",
        source=CREATE_CE,
    ),
    Rule(
        "CE058",
        CE,
        "context",
        forbidden_unless_empty(),
        level=Level.WARNING,
        allowed='AWS keeps it for itself ("Reserved.")',
        change="take it out",
        source=CREATE_CE,
    ),
    # --- capacity -----------------------------------------------------------------------------------------------
    Rule(
        "CE011",
        CE,
        "computeResources.minvCpus",
        within(0),
        when=on_ec2,
        allowed="0 or more vCPUs are allowed",
        change="set 0 to keep nothing running",
        source=COMPUTE_RESOURCE,
        aws_message="minvCpus should be greater than or equal to 0.",
    ),
    Rule(
        "CE012",
        CE,
        "computeResources.minvCpus",
        required(),
        when=on_ec2,
        allowed="the service requires it of EC2 and SPOT environments, though the API model does not say so",
        change="set 0 to keep nothing running",
        source=COMPUTE_RESOURCE,
        dialect="create",
        aws_message="Resource minvCpus is required.",
    ),
    Rule(
        "CE035",
        CE,
        "computeResources.desiredvCpus",
        whole(_desired_outside),
        when=on_ec2,
        allowed="Batch keeps it between minvCpus ({low}) and maxvCpus ({high})",
        change="set it within them, or leave it out for Batch to manage",
        source=COMPUTE_RESOURCE,
        aws_message="desiredvCpus should be between minvCpus and maxvCpus.",
    ),
    Rule(
        "CE036",
        CE,
        "computeResources.maxvCpus",
        whole(_max_below_min),
        allowed="it cannot be below minvCpus ({low})",
        change="raise maxvCpus or lower minvCpus",
        source=CREATE_CE,
        aws_message="maxvCpus should be greater than or equal to minvCpus.",
    ),
    Rule(
        "CE037",
        CE,
        "computeResources.maxvCpus",
        within(0),
        allowed="0 or more vCPUs are allowed",
        change="set the most vCPUs that the environment may have",
        source=COMPUTE_RESOURCE,
    ),
    Rule(
        "CE038",
        CE,
        "computeResources.desiredvCpus",
        whole(_scales_down),
        dialect="update",
        allowed="an update cannot lower it (it is {now} now)",
        change="leave it out: Batch scales down by itself when the queues are empty",
        source=GUIDE + "error-desired-vcpus-update.html",
        aws_message=(
            "Manually scaling down compute environment is not supported. Disconnecting job queues from compute"
            " environment will cause it to scale-down to minvCpus."
        ),
    ),
    Rule(
        "CE039",
        CE,
        "computeResources.desiredvCpus",
        forbidden(),
        when=on_eks,
        dialect="update",
        allowed="an update of an EKS environment cannot set it",
        change="take it out",
        source=COMPUTE_RESOURCE_UPDATE,
    ),
    Rule(
        "CE034",
        CE,
        "computeResources.scalingPolicy.minScaleDownDelayMinutes",
        zero_or_within(20, 10080),
        allowed="20 to 10080 minutes are allowed, or 0 for no delay",
        change="set it within that range",
        source=API + "API_ComputeScalingPolicy.html",
    ),
    # --- price and strategy -------------------------------------------------------------------------------------
    Rule(
        "CE013",
        CE,
        "computeResources.bidPercentage",
        within(0, 100),
        when=of_type("SPOT"),
        allowed="0 to 100 percent of the On-Demand price are allowed",
        change="set it within that range, or leave it out for 100",
        source=COMPUTE_RESOURCE,
        aws_message="Bid percentage must be between 0 to 100.",
        # Seen refused on Spot: github.com/badmintoncryer/cdk-preflight, pf-batch-ce-bid-percentage-range (2026-09-12).
        seed_difference="the API model states no range; the service enforces it on Spot",
    ),
    Rule(
        "CE014",
        CE,
        "computeResources.bidPercentage",
        forbidden(),
        when=of_type("SPOT"),
        level=Level.ADVICE,
        allowed="AWS recommends to leave it empty for most uses: you pay the market price either way",
        change="take it out unless a job may rather wait than cost more",
        source=COMPUTE_RESOURCE,
    ),
    Rule(
        "CE020",
        CE,
        "computeResources.allocationStrategy",
        matches_not("^BEST_FIT_PROGRESSIVE_ORDERED$"),
        when=of_type("SPOT"),
        allowed="BEST_FIT_PROGRESSIVE_ORDERED is for EC2 (On-Demand) environments only",
        change="use SPOT_CAPACITY_OPTIMIZED_PRIORITIZED to give an order to Spot types",
        source=COMPUTE_RESOURCE,
        seed_difference="older texts know three strategies (BEST_FIT, BEST_FIT_PROGRESSIVE, SPOT_CAPACITY_OPTIMIZED);"
        " today there are six",
    ),
    Rule(
        "CE021",
        CE,
        "computeResources.allocationStrategy",
        matches_not("^SPOT_"),
        when=of_type("EC2"),
        allowed="the SPOT_ strategies are for SPOT environments only",
        change="use BEST_FIT_PROGRESSIVE, or make the type SPOT",
        source=COMPUTE_RESOURCE,
    ),
    Rule(
        "CE022",
        CE,
        "computeResources.allocationStrategy",
        whole(_best_fit, on_absent=True),
        when=both(on_ec2, on_ecs),
        level=Level.WARNING,
        dialect="create",
        allowed="under BEST_FIT an environment has no infrastructure updates: a later change of its instance types,"
        " AMI, launch template, subnets or price becomes a replacement, and its queues have to move",
        change="use BEST_FIT_PROGRESSIVE for EC2 or SPOT_PRICE_CAPACITY_OPTIMIZED for SPOT",
        source=_INFRASTRUCTURE,
    ),
    Rule(
        "CE023",
        CE,
        "serviceRole",
        each_value(_custom_role),
        when=both(_managed, on_ec2),
        level=Level.WARNING,
        dialect="create",
        allowed="only with the service-linked role AWSServiceRoleForBatch are there infrastructure updates: under"
        " another role a later change of instance types, AMI, launch template, subnets or price becomes a replacement",
        change="leave it out, and Batch uses its service-linked role",
        source=_INFRASTRUCTURE,
    ),
    Rule(
        "CE024",
        CE,
        "computeResources.spotIamFleetRole",
        required(),
        when=both(of_type("SPOT"), lambda view: strategy_of(view) == "BEST_FIT"),
        dialect="create",
        allowed="a SPOT environment under BEST_FIT (the default) needs a Spot Fleet role",
        change="give the role's ARN, or use SPOT_PRICE_CAPACITY_OPTIMIZED",
        source=COMPUTE_RESOURCE,
        aws_message="compute resource spotIamFleetRole is required.",
        seed_difference='`type` says "If you choose SPOT, you must also specify" the role; its own field and the'
        " service ask for it under BEST_FIT only",
    ),
    Rule(
        "CE025",
        CE,
        "computeResources.spotIamFleetRole",
        matches(r"arn:aws[a-z-]*:iam::\d{12}:role/.+"),
        when=of_type("SPOT"),
        allowed="the ARN of an IAM role is allowed (arn:aws:iam::123456789012:role/name)",
        change="give the role's ARN",
        source=COMPUTE_RESOURCE,
    ),
    # --- instances ----------------------------------------------------------------------------------------------
    Rule(
        "CE015",
        CE,
        "computeResources.instanceTypes",
        required(),
        when=on_ec2,
        dialect="create",
        allowed="an EC2 or SPOT environment needs one or more instance types or families",
        change="give some, or default_x86_64 for Batch to choose",
        source=COMPUTE_RESOURCE,
        aws_message="Resource instanceTypes are required.",
    ),
    Rule(
        "CE016",
        CE,
        "computeResources.instanceTypes[]",
        matches(r"optimal|default_x86_64|default_arm64|[a-z][a-z0-9-]*(\.[a-z0-9-]+)?"),
        when=on_ec2,
        allowed="a type (c5.8xlarge), a family (c5), default_x86_64, default_arm64 or optimal is allowed",
        change="write it as EC2 does, in lower case",
        source=COMPUTE_RESOURCE,
    ),
    Rule(
        "CE017",
        CE,
        "computeResources.instanceTypes",
        whole(_mixed_architectures),
        when=on_ec2,
        allowed="the instance types of an environment must share one architecture",
        change="make an environment for each architecture, each with its own queue",
        source=COMPUTE_RESOURCE,
        aws_message="arm-based instance type cannot be used with other instance types",
    ),
    Rule(
        "CE018",
        CE,
        "computeResources.instanceTypes[]",
        each_value(_not_in_table),
        when=on_ec2,
        level=Level.WARNING,
        allowed="EC2 offers what its table of instance types lists",
        change="correct the name; if EC2 has a newer type than the committed table, suppress this finding",
        source="https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html",
    ),
    Rule(
        "CE019",
        CE,
        "computeResources.instanceTypes[]",
        matches_not("^optimal$"),
        when=on_ec2,
        level=Level.ADVICE,
        allowed="optimal now means the same as default_x86_64 (m6i, c6i, r6i, c7i)",
        change="write default_x86_64, which says what it is",
        source=COMPUTE_RESOURCE,
        seed_difference="older texts say that optimal chooses from the C4, M4 and R4 families; "
        "UpdateComputeEnvironment's own text still lists c4, m4, r4, c5, m5, r5 and says that this changes from"
        " 2025-11-01",
    ),
    Rule(
        "CE044",
        CE,
        "computeResources.instanceTypes",
        unique(),
        when=on_ec2,
        level=Level.WARNING,
        allowed="naming a type once is enough",
        change="take the second one out",
        source=COMPUTE_RESOURCE,
    ),
    Rule(
        "CE026",
        CE,
        "computeResources.instanceRole",
        required(),
        when=on_ec2,
        dialect="create",
        allowed="an EC2 or SPOT environment needs an instance profile",
        change="give the instance profile's name or ARN",
        source=COMPUTE_RESOURCE,
        aws_message="Instance role is required.",
    ),
    Rule(
        "CE027",
        CE,
        "computeResources.instanceRole",
        matches(r"(arn:aws[a-z-]*:iam::\d{12}:instance-profile/.+|[\w+=,.@-]{1,128})?"),
        when=on_ec2,
        allowed="the name or the ARN of an instance profile is allowed (not of a role)",
        change="give the instance profile that holds the role",
        source=COMPUTE_RESOURCE,
    ),
    # --- network ------------------------------------------------------------------------------------------------
    Rule(
        "CE028",
        CE,
        "computeResources.subnets",
        required(),
        when=of_type(*EC2_TYPES, *FARGATE_TYPES),
        dialect="create",
        allowed="EC2, SPOT, FARGATE and FARGATE_SPOT environments need one or more subnets",
        change="give subnets of one VPC",
        source=COMPUTE_RESOURCE,
    ),
    Rule(
        "CE029",
        CE,
        "computeResources.subnets",
        items(0, 16),
        when=on_fargate,
        allowed="a Fargate environment has at most 16 subnets",
        change="take some out",
        source=COMPUTE_RESOURCE,
        aws_message="Fargate supports a maximum of 16 subnets.",
    ),
    Rule(
        "CE030",
        CE,
        "computeResources.subnets[]",
        matches(r"subnet-[0-9a-f]{8,17}"),
        level=Level.WARNING,
        allowed="subnet ids are allowed (subnet- and 8 or 17 hexadecimal digits)",
        change="give the subnet's id, not its name or ARN",
        source=COMPUTE_RESOURCE,
    ),
    Rule(
        "CE031",
        CE,
        "computeResources.securityGroupIds",
        required("computeResources.launchTemplate"),
        when=on_ec2,
        dialect="create",
        allowed="one or more security groups must come from here or from a launch template",
        change="give security groups",
        source=COMPUTE_RESOURCE,
        aws_message="Security group ids are required.",
    ),
    Rule(
        "CE032",
        CE,
        "computeResources.securityGroupIds",
        required(),
        when=on_fargate,
        dialect="create",
        allowed="a Fargate environment needs one or more security groups: it has no launch template",
        change="give security groups",
        source=COMPUTE_RESOURCE,
        aws_message="Security group ids are required.",
    ),
    Rule(
        "CE033",
        CE,
        "computeResources.securityGroupIds",
        items(0, 5),
        when=on_fargate,
        allowed="a Fargate environment has at most 5 security groups",
        change="take some out",
        source=COMPUTE_RESOURCE,
        aws_message="Fargate supports a maximum of 5 security groups.",
    ),
    Rule(
        "CE043",
        CE,
        "computeResources.securityGroupIds[]",
        matches(r"sg-[0-9a-f]{8,17}"),
        level=Level.WARNING,
        allowed="security group ids are allowed (sg- and 8 or 17 hexadecimal digits)",
        change="give the group's id, not its name",
        source=COMPUTE_RESOURCE,
    ),
    Rule(
        "CE046",
        CE,
        "computeResources.placementGroup",
        matches_not("^(arn:|pg-)"),
        when=on_ec2,
        allowed="the name of a placement group is allowed",
        change="give its name, not its id or ARN",
        source=COMPUTE_RESOURCE,
    ),
    # --- settings of ECS ----------------------------------------------------------------------------------------
    Rule(
        "CE047",
        CE,
        "ecsSettings",
        forbidden_unless_empty(),
        when=on_eks,
        level=Level.WARNING,
        allowed="they are settings of an ECS cluster",
        change="take them out: an EKS environment has none",
        source=API + "API_EcsSettings.html",
    ),
    # --- updates ------------------------------------------------------------------------------------------------
    Rule(
        "CE052",
        CE,
        "computeResources.type",
        whole(_crosses_managed_instances),
        dialect="update",
        allowed="an environment cannot be changed to or from ECS_MANAGED_INSTANCES",
        change="make a new environment and move the queues to it",
        source=COMPUTE_RESOURCE_UPDATE,
    ),
    Rule(
        "CE054",
        CE,
        "serviceRole",
        whole(_role_kind_changes),
        dialect="update",
        allowed="a service-linked role cannot become a role of your own, nor the other way round",
        change="make a new environment and move the queues to it",
        source=UPDATE_CE,
    ),
    Rule(
        "CE055",
        CE,
        "computeResources",
        whole(_update_with_custom_role),
        when=_is_on_ec2,
        dialect="update",
        allowed="an infrastructure update needs the service-linked role AWSServiceRoleForBatch",
        change="make a new environment and move the queues to it",
        source=_INFRASTRUCTURE,
    ),
    Rule(
        "CE056",
        CE,
        "computeResources",
        whole(_update_under_best_fit),
        when=_is_on_ec2,
        dialect="update",
        allowed="an environment under BEST_FIT has no infrastructure updates",
        change="make a new environment and move the queues to it",
        source=_INFRASTRUCTURE,
    ),
)
