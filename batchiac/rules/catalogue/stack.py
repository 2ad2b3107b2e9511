"""What only shows across the resources of a stack: queues and their environments, definitions and where they fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from batchiac.rules.catalogue.compute_types import (
    EC2_TYPES,
    FARGATE_TYPES,
    MANAGED_INSTANCES,
    architectures_of,
    of_type,
)
from batchiac.rules.catalogue.launch_template import data
from batchiac.rules.catalogue.reach import (
    Environment,
    Room,
    environments_of,
    platform_of,
    reach_of,
    room_of,
    sizes_of,
)
from batchiac.rules.catalogue.sources import API, CE, COMPUTE_RESOURCE, CR, GUIDE, JD, JQ, QS, SE, SP
from batchiac.rules.finding import Level
from batchiac.rules.predicates import is_given, shown, whole
from batchiac.rules.row import Broken, Check, Condition, Rule
from batchiac.rules.stack import NAME_PROPERTIES, Stack
from batchiac.rules.view import NotYetKnown, View

_CREATE_QUEUE = API + "API_CreateJobQueue.html"
_MANAGED_QUEUES = GUIDE + "ecs-managed-instances-job-queues.html"
_QUOTAS = GUIDE + "service_limits.html"
_STUCK = GUIDE + "job_stuck_in_runnable.html"
_NODES = GUIDE + "multi-node-parallel-jobs.html"
_MNP_CE = GUIDE + "mnp-ce.html"
_ENVIRONMENTS = "computeEnvironmentOrder"

# --- queues and their environments ------------------------------------------------------------------------------------


def _platform(environment: View) -> str:
    if environment.text("type") == "UNMANAGED":
        return "EC2"
    kind = environment.text("computeResources.type")
    if kind in EC2_TYPES:
        return "EC2"
    return "Fargate" if kind in FARGATE_TYPES else kind


def _mixed(word: Callable[[View], str], *pairs: tuple[str, str]) -> Check:
    """The environments of a queue differ in `word` in a way that AWS refuses; without pairs, in any way."""

    def run(view: View, path: str) -> Iterator[Broken]:
        found: dict[str, str] = {}
        for _, environment in environments_of(view):
            what = word(environment)
            if what:
                found.setdefault(what, environment.root)
        clash = len(found) > 1 if not pairs else any(one in found and other in found for one, other in pairs)
        if clash:
            yield Broken(path, "a mix of " + " and ".join(f"{what} ({name})" for what, name in found.items()))

    return whole(run)


def _architecture(environment: View) -> str:
    if environment.text("type") == "UNMANAGED" or environment.text("computeResources.type") not in EC2_TYPES:
        return ""  # "Fargate may run both"; an unmanaged environment's instances are not declared
    for _, name in environment.each("computeResources.instanceTypes[]"):
        if isinstance(name, str):
            found = architectures_of(name)
            if len(found) == 1:
                return next(iter(found))
    return ""


def _orchestrator(environment: View) -> str:
    return "EKS" if environment.has("eksConfiguration") else "ECS"


def _spot_before_on_demand(view: View, path: str) -> Iterator[Broken]:
    option = "computeResources.managedInstancesProvider.instanceLaunchTemplate.capacityOptionType"
    entries = [
        (entry.integer("order") or 0, entry.path, environment.text(option, "ON_DEMAND"), environment.root)
        for entry, environment in environments_of(view)
        if environment.text("computeResources.type") == MANAGED_INSTANCES
    ]
    spot = ""
    for _, at, kind, name in sorted(entries):
        if kind == "SPOT":
            spot = name
        elif spot:
            yield Broken(at, f"the On-Demand environment {name} after the Spot environment {spot}")
            return


_QUEUE_TYPES = {"EC2": "ECS", "Fargate": "ECS_FARGATE", MANAGED_INSTANCES: "ECS_MANAGED_INSTANCES"}


def _other_queue_type(view: View, path: str) -> Iterator[Broken]:
    given = view.text(path)
    for _, environment in environments_of(view):
        is_eks = environment.has("eksConfiguration")
        implied = "EKS" if is_eks else _QUEUE_TYPES.get(_platform(environment), given)
        if implied != given:
            yield Broken(path, given, {"implied": implied, "environment": environment.root})
            return


def _has_environments(view: View) -> bool:
    """At least one of the queue's environments is declared here."""
    return any(True for _ in environments_of(view))


def _has_two(view: View) -> bool:
    return sum(1 for _ in environments_of(view)) > 1


def _quota_policy_elsewhere(view: View, path: str) -> Iterator[Broken]:
    policy = view.refer(path, SP)
    if policy is not None and policy.has("quotaSharePolicy") and view.text("jobQueueType") != "SAGEMAKER_TRAINING":
        yield Broken(path, f"the quota share policy {policy.root}")


def _share_without_quota_policy(view: View, path: str) -> Iterator[Broken]:
    queue = view.refer(path, JQ)
    if queue is None:
        return
    if queue.text("jobQueueType") != "SAGEMAKER_TRAINING":
        yield Broken(path, f"{queue.root}, which is no SageMaker training queue")
    elif not queue.has("schedulingPolicyArn"):
        yield Broken(path, f"{queue.root}, which has no scheduling policy")
    else:
        policy = queue.refer("schedulingPolicyArn", SP)
        if policy is not None and not policy.has("quotaSharePolicy"):
            yield Broken(path, f"{queue.root}, whose policy {policy.root} has no quota shares")


def _fair_share_unmanaged(view: View, path: str) -> Iterator[Broken]:
    for _, environment in environments_of(view):
        if environment.text("type") == "UNMANAGED" and not environment.has("unmanagedvCpus"):
            yield Broken(path, f"a fair-share policy over {environment.root}")


def _counts_instances(view: View, path: str) -> Iterator[Broken]:
    policy = view.refer(path, SP)
    if policy is None or not policy.has("quotaSharePolicy"):
        return
    for entry in view.views("serviceEnvironmentOrder"):
        environment = entry.refer("serviceEnvironment", SE)
        if environment is None:
            continue
        for _, unit in environment.each("capacityLimits[].capacityUnit"):
            if unit == "NUM_INSTANCES":
                yield Broken(path, f"a quota share policy over {environment.root}, which counts NUM_INSTANCES")
                return


# --- definitions and where they fit -----------------------------------------------------------------------------------


def _room(view: View) -> Room | None:
    """What the definition can reach on its platform; None where that cannot be told."""
    platform = platform_of(view)
    return room_of(view, lambda each: each.platform == platform, platform)


def _has_room(view: View) -> bool:
    """The stack has at least one environment of the definition's platform, all of them declared here."""
    room = _room(view)
    if room is not None and not room.environments:
        _wait(room)
    return room is not None and bool(room.environments)


def _wait(room: Room) -> None:
    """Say "not yet known" where what is unknown might still make room."""
    if room.unknown:
        raise NotYetKnown(room.unknown[0])


def _fits_nowhere(view: View, path: str) -> Iterator[Broken]:
    room = _room(view)
    for at, size, _ in sizes_of(view) if room is not None else ():
        if room is None or room.holds(size):
            continue
        _wait(room)
        gpus = f", {size.gpus} GPU" if size.gpus else ""
        types = room.listed(lambda each: f"{each.name} ({', '.join(each.types or ())})")
        yield Broken(at, f"{size.vcpus:g} vCPU, {size.memory_mib} MiB{gpus}", {"environments": types})


def _over_the_limit(view: View, path: str) -> Iterator[Broken]:
    room = _room(view)
    if room is None or view.has("nodeProperties"):
        return
    for at, size, _ in sizes_of(view):
        if size.vcpus > room.max_vcpus:
            _wait(room)
            yield Broken(at, f"{size.vcpus:g} vCPU", {"limits": room.listed(_limit)})


def _limit(environment: Environment) -> str:
    return f"{environment.name}: {environment.max_vcpus}"


def _no_platform(view: View, path: str) -> Iterator[Broken]:
    room, reach = _room(view), reach_of(view)
    if room is None or reach is None or room.environments:
        return
    _wait(room)
    there = ", ".join(sorted({each.platform for each in reach.known}))
    yield Broken("platformCapabilities", platform_of(view), {"there": there})


def _multi_node(view: View) -> bool:
    return view.text("type") == "multinode" and reach_of(view) is not None


def _gang_room(view: View) -> Room | None:
    """The environments that can run multi-node jobs: On-Demand ones."""
    return room_of(view, lambda each: each.kind == "EC2", "gangs")


def _no_place_for_gangs(view: View, path: str) -> Iterator[Broken]:
    room, reach = _gang_room(view), reach_of(view)
    if room is None or reach is None or room.environments:
        return
    _wait(room)
    kinds = sorted(f"{each.name} ({each.kind})" for each in reach.known[:5]) or ["none"]
    yield Broken(path, "a multi-node job", {"kinds": ", ".join(kinds)})


def _no_placement_group(view: View, path: str) -> Iterator[Broken]:
    room = _gang_room(view)
    if room is not None and room.environments and not any(each.placement_group for each in room.environments):
        yield Broken(path, "a multi-node job", {"environments": room.listed(lambda each: each.name)})


def _gang_too_big(view: View, path: str) -> Iterator[Broken]:
    room = _gang_room(view)
    if room is None or not room.environments:
        return
    needed = sum(size.vcpus * count for _, size, count in sizes_of(view))
    if needed > room.max_vcpus:
        _wait(room)
        yield Broken(path, f"{needed:g} vCPU over all nodes", {"limits": room.listed(_limit)})


def _not_clustered(view: View, path: str) -> Iterator[Broken]:
    group = view.refer(path, "PlacementGroup")
    if group is None or view.stack is None:
        return
    strategy = group.text("strategy", "cluster")
    if _has_gangs(view.stack) and strategy != "cluster":
        yield Broken(path, f"{group.root}, whose strategy is {strategy}")


def _has_gangs(stack: Stack) -> bool:
    if "gangs" not in stack.notes:
        stack.notes["gangs"] = any(each.inputs.get("type") == "multinode" for each in stack.of_kind(JD))
    found: bool = stack.notes["gangs"]
    return found


def _many_groups_for_gangs(view: View, path: str) -> Iterator[Broken]:
    count = view.count(path)
    if count > 5:
        yield Broken(path, f"{count} long")


def _no_groups_for_gangs(view: View, path: str) -> Iterator[Broken]:
    if view.count(path) == 0:
        yield Broken(path, "empty" if view.has(path) else "missing")


def _too_much_of_a_resource(view: View, path: str) -> Iterator[Broken]:
    for each in view.views(path):
        resource = each.refer("consumableResource", CR)
        wanted = each.integer("quantity")
        total = resource.integer("totalQuantity") if resource is not None else None
        if resource is not None and wanted is not None and total is not None and wanted > total:
            yield Broken(each.absolute("quantity"), str(wanted), {"total": total, "resource": resource.root})


# --- launch templates and images --------------------------------------------------------------------------------------


def _no_groups_anywhere(view: View, path: str) -> Iterator[Broken]:
    template = _template(view)
    if template is None or view.count("computeResources.securityGroupIds") > 0:
        return
    if data(template, "securityGroupIds") or data(template, "securityGroups"):
        return
    for each in data(template, "networkInterfaces") or ():
        if isinstance(each, dict) and any(each.get(name) for name in ("groups", "Groups")):
            return
    yield Broken(path, f"empty, and so are the groups of {template.root}")


def _template(view: View) -> View | None:
    for member in ("launchTemplateId", "launchTemplateName"):
        path = f"computeResources.launchTemplate.{member}"
        if view.raw(path) is not None:
            found = view.refer(path, "LaunchTemplate")
            if found is not None:
                return found
    return None


def _node_start_without_image(view: View, path: str) -> Iterator[Broken]:
    template = _template(view)
    if template is not None and not data(template, "imageId"):
        yield Broken(path, f"given for {template.root}, which has no imageId")


def _foreign_image(view: View, path: str) -> Iterator[Broken]:
    wanted = _architecture(view)
    places = ["computeResources.imageId"]
    places += [f"{at}.imageIdOverride" for at, _ in _configurations(view)]
    for place in places:
        if view.raw(place) is None:
            continue
        image = view.refer(place, "Image")
        has = image.text("architecture") if image is not None else ""
        if image is not None and has and wanted and has != wanted:
            yield Broken(place, f"{image.root}, an image for {has}", {"wanted": wanted})


def _configurations(view: View) -> Iterator[tuple[str, View]]:
    for each in view.views("computeResources.ec2Configuration"):
        yield each.path, each


# --- the stack as a whole ---------------------------------------------------------------------------------------------


def _same_name(kind: str) -> Check:
    def run(view: View, path: str) -> Iterator[Broken]:
        if view.stack is None or view.declared is None:
            return
        first = view.stack.first_named(kind, view.text(path))
        if first is not None and first is not view.declared:
            yield Broken(path, f"{shown(view.text(path))} again, as of {first.name}")

    return whole(run)


def _at_most(kind: str, limit: int) -> Check:
    """Not more than `limit` resources of the kind; said once, at the first one too many."""

    def run(view: View, path: str) -> Iterator[Broken]:
        if view.stack is None:
            return
        every = view.stack.of_kind(kind)
        if len(every) > limit and every[limit] is view.declared:
            yield Broken(path, f"number {limit + 1} of {len(every)}")

    return whole(run, on_absent=True)


def _clusters_environments(view: View, path: str) -> Iterator[Broken]:
    if view.stack is None or view.declared is None:
        return
    counts = view.stack.notes.get("eks clusters")
    if counts is None:
        counts = {}
        for each in view.stack.of_kind(CE):
            configuration = each.inputs.get("eksConfiguration")
            arn = configuration.get("eksClusterArn") if isinstance(configuration, dict) else None
            if isinstance(arn, str):
                counts.setdefault(arn, []).append(each)
        view.stack.notes["eks clusters"] = counts
    same = counts.get(view.text(path), ())
    if len(same) > 5 and same[5] is view.declared:
        yield Broken(path, f"of {len(same)} environments")


def _queue_shares(view: View, path: str) -> Iterator[Broken]:
    if view.stack is None:
        return
    queue = view.refer(path, JQ)
    if queue is None:
        return
    counts: dict[str, list[View]] = view.stack.notes.setdefault("quota shares", {})
    mine = counts.setdefault(queue.root, [])
    mine.append(view)
    if len(mine) == 21:
        yield Broken(path, f"{queue.root}, which has more than 20 of them")


def _in_stack(kind: str) -> Condition:
    return lambda view: view.stack is not None and bool(view.stack.of_kind(kind))


def _st(rule_id: str, kind: str, path: str, check: Check, **texts: object) -> Rule:
    return Rule(rule_id, kind, path, check, scope="stack", dialect="create", **texts)  # type: ignore[arg-type]


RULES: tuple[Rule, ...] = (
    _st(
        "ST001",
        JQ,
        _ENVIRONMENTS,
        _mixed(_platform, ("EC2", "Fargate")),
        when=_has_two,
        allowed="a queue's environments are all of EC2 (EC2, SPOT) or all of Fargate",
        change="make a queue for each",
        source=_CREATE_QUEUE,
        aws_message="Fargate and EC2 compute environments can not be mixed.",
    ),
    _st(
        "ST002",
        JQ,
        _ENVIRONMENTS,
        _mixed(_architecture),
        when=_has_two,
        allowed="a queue's environments share one architecture",
        change="make a queue for each architecture",
        source=_CREATE_QUEUE,
    ),
    _st(
        "ST003",
        JQ,
        _ENVIRONMENTS,
        _mixed(_platform, (MANAGED_INSTANCES, "EC2"), (MANAGED_INSTANCES, "Fargate")),
        when=_has_two,
        allowed="environments of ECS_MANAGED_INSTANCES stand in a queue of their own",
        change="make a queue for them",
        source=_MANAGED_QUEUES,
    ),
    _st(
        "ST004",
        JQ,
        _ENVIRONMENTS,
        whole(_spot_before_on_demand),
        when=_has_two,
        allowed="among ECS_MANAGED_INSTANCES every Spot environment comes after the On-Demand ones",
        change="give the Spot environments the highest orders",
        source=_MANAGED_QUEUES,
    ),
    _st(
        "ST005",
        JQ,
        _ENVIRONMENTS,
        _mixed(_orchestrator),
        when=_has_two,
        allowed="a queue is of ECS or of EKS environments (its type is one of the two)",
        change="make a queue for each",
        source=_CREATE_QUEUE,
    ),
    _st(
        "ST006",
        JQ,
        "jobQueueType",
        whole(_other_queue_type),
        when=_has_environments,
        allowed="the environments make it {implied} ({environment})",
        change="leave it out, and Batch takes it from the environments",
        source=_CREATE_QUEUE,
    ),
    _st(
        "ST007",
        JQ,
        "schedulingPolicyArn",
        whole(_quota_policy_elsewhere),
        allowed="quota shares are for SageMaker training queues only",
        change="set jobQueueType to SAGEMAKER_TRAINING, or use a fair-share policy",
        source=GUIDE + "create-quota-management-resources.html",
        aws_message="Quota Management feature is only supported for SageMaker Training job queues.",
    ),
    _st(
        "ST008",
        JQ,
        "schedulingPolicyArn",
        whole(_fair_share_unmanaged),
        when=_has_environments,
        level=Level.ADVICE,
        allowed="without unmanagedvCpus no capacity is reserved for new shares there",
        change="set unmanagedvCpus on the environment",
        source=API + "API_CreateComputeEnvironment.html",
    ),
    _st(
        "ST009",
        JQ,
        "schedulingPolicyArn",
        whole(_counts_instances),
        when=is_given("serviceEnvironmentOrder"),
        allowed="with quota management the environment's limits are of instance types (ml.m5.large)",
        change="give the environment's capacityLimits by instance type",
        source=API + "API_CapacityLimit.html",
    ),
    _st(
        "ST010",
        QS,
        "jobQueue",
        whole(_share_without_quota_policy),
        allowed="a quota share belongs to a SageMaker training queue with a quota share policy",
        change="give the queue jobQueueType SAGEMAKER_TRAINING and a policy with quotaSharePolicy",
        source=GUIDE + "quota-shares.html",
    ),
    _st(
        "ST011",
        JD,
        "",
        whole(_fits_nowhere, on_absent=True),
        when=_has_room,
        allowed="no instance type of the environments that its jobs can reach holds that: {environments} (an instance"
        " registers less memory than EC2 names, so a job of exactly that size never fits)",
        change="ask for less, or add a larger instance type",
        source=_STUCK,
        aws_message="MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) is"
        " higher than that can be met by the CE(s) attached to the job queue.",
    ),
    _st(
        "ST012",
        JD,
        "",
        whole(_over_the_limit, on_absent=True),
        when=_has_room,
        allowed="no environment that its jobs can reach has that many (maxvCpus: {limits})",
        change="ask for less, or raise maxvCpus",
        source=_STUCK,
        aws_message="MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue cannot"
        " meet the CPU requirement of the job.",
    ),
    _st(
        "ST013",
        JD,
        "",
        whole(_no_platform, on_absent=True),
        when=lambda view: _room(view) is not None and not _multi_node(view),
        level=Level.WARNING,
        allowed="the queues of this stack have environments for {there} only",
        change="add an environment and a queue for it, or change the definition's platform",
        source=_STUCK,
    ),
    _st(
        "ST014",
        JD,
        "nodeProperties",
        whole(_no_place_for_gangs),
        when=_multi_node,
        allowed="multi-node parallel jobs need EC2 (On-Demand) environments; here are {kinds}",
        change="add an environment of type EC2 to a queue",
        source=COMPUTE_RESOURCE,
        seed_difference="older texts exclude Spot alone; today UNMANAGED and Managed Instances are excluded too",
    ),
    _st(
        "ST015",
        JD,
        "nodeProperties",
        whole(_no_placement_group),
        when=_multi_node,
        level=Level.ADVICE,
        allowed="AWS advises a cluster placement group for it; {environments} have none",
        change="name a placement group of strategy cluster in computeResources.placementGroup",
        source=_MNP_CE,
    ),
    _st(
        "ST016",
        JD,
        "nodeProperties",
        whole(_gang_too_big),
        when=_multi_node,
        allowed="the whole gang must fit into one environment's maxvCpus ({limits})",
        change="use fewer or smaller nodes, or raise maxvCpus",
        source=_NODES,
    ),
    _st(
        "ST017",
        CE,
        "computeResources.placementGroup",
        whole(_not_clustered),
        when=_in_stack(JD),
        level=Level.ADVICE,
        allowed="AWS advises the strategy cluster for multi-node jobs",
        change="set the group's strategy to cluster",
        source=_MNP_CE,
    ),
    _st(
        "ST018",
        JD,
        "consumableResourceProperties.consumableResourceList",
        whole(_too_much_of_a_resource),
        level=Level.WARNING,
        allowed="{resource} has {total} in all, so the job waits for ever",
        change="ask for less, or raise the total",
        source=API + "API_ConsumableResourceRequirement.html",
    ),
    _st(
        "ST019",
        CE,
        "computeResources.securityGroupIds",
        whole(_no_groups_anywhere, on_absent=True),
        when=lambda view: of_type(*EC2_TYPES)(view) and _template(view) is not None,
        allowed="one or more security groups must come from here or from the launch template",
        change="give security groups in one of the two",
        source=COMPUTE_RESOURCE,
        aws_message="Security group ids are required.",
    ),
    _st(
        "ST020",
        CE,
        "computeResources.launchTemplate.userdataType",
        whole(_node_start_without_image),
        when=lambda view: _template(view) is not None,
        allowed="it is for a custom AMI, which the launch template names",
        change="give the template an imageId, or take userdataType out",
        source=API + "API_LaunchTemplateSpecification.html",
        aws_message="The userdataType attribute is only allowed when the launch template has an imageId.",
    ),
    _st(
        "ST021",
        CE,
        "computeResources.instanceTypes",
        whole(_foreign_image),
        when=_in_stack("Image"),
        allowed="the AMI must match the architecture of the instance types ({wanted})",
        change="choose an image of that architecture, or other instance types",
        source=COMPUTE_RESOURCE,
    ),
    *(
        _st(
            rule_id,
            kind,
            NAME_PROPERTIES[kind],
            _same_name(kind),
            allowed=f"the name of each {words} is its own within an account and Region",
            change="choose another name, or leave it out",
            source=f"{API}API_Create{kind}.html",
            aws_message="Object already exists",
        )
        for rule_id, kind, words in (
            ("ST022", CE, "compute environment"),
            ("ST023", JQ, "job queue"),
            ("ST024", SP, "scheduling policy"),
            ("ST025", CR, "consumable resource"),
            ("ST026", SE, "service environment"),
        )
    ),
    *(
        _st(
            rule_id,
            kind,
            NAME_PROPERTIES[kind],
            _at_most(kind, 50),
            level=Level.WARNING,
            allowed=f"an account has at most 50 {words} in a Region, and the quota is fixed",
            change="share them, or use another Region or account",
            source=_QUOTAS,
        )
        for rule_id, kind, words in (
            ("ST027", CE, "compute environments"),
            ("ST028", JQ, "job queues"),
            ("ST029", SE, "service environments"),
        )
    ),
    _st(
        "ST030",
        CE,
        "eksConfiguration.eksClusterArn",
        whole(_clusters_environments),
        allowed="a cluster has at most 5 compute environments",
        change="use another cluster",
        source=_QUOTAS,
    ),
    _st(
        "ST031",
        QS,
        "jobQueue",
        whole(_queue_shares),
        allowed="a queue has at most 20 quota shares",
        change="join some of them",
        source=_QUOTAS,
    ),
    _st(
        "ST032",
        CE,
        "computeResources.securityGroupIds",
        whole(_many_groups_for_gangs),
        when=lambda view: of_type("EC2")(view) and view.stack is not None and _has_gangs(view.stack),
        level=Level.WARNING,
        allowed="an environment that runs multi-node jobs has at most 5 security groups",
        change="take some out, or run the multi-node jobs elsewhere",
        source=_MNP_CE,
    ),
    _st(
        "ST033",
        CE,
        "computeResources.securityGroupIds",
        whole(_no_groups_for_gangs, on_absent=True),
        when=lambda view: of_type("EC2")(view) and view.stack is not None and _has_gangs(view.stack),
        level=Level.WARNING,
        allowed="multi-node jobs use the environment's security groups and ignore those of a launch template",
        change="give them here too",
        source=_MNP_CE,
    ),
)
