"""Which component says a resource, and how: a table of functions, kind → the call, or None where no component fits.

Each takes the resource's inputs apart, member by member; what no argument says goes into `wire`, where the component
has one. Whether the call means the same as the inputs is found out by running it (account.py); these need only be
right for what they take.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final

from batchiac.deploy.importing.python_text import Call, Expression, block_text
from batchiac.model.existing import Existing, Ref

Argument = tuple[str, Any]

STRATEGIES: Final = {"EC2": "BEST_FIT_PROGRESSIVE", "SPOT": "SPOT_PRICE_CAPACITY_OPTIMIZED"}
"""batchiac.components.compute_environment.DEFAULT_STRATEGY."""


class Written:
    """What the calls need to know of the rest of the program.

    Attributes:
        resources: (kind, id) → what was found.
        variables: (kind, id) → its variable.
        components: (kind, id) of what a component says, as opposed to a WireResource.
    """

    def __init__(self) -> None:
        self.resources: dict[tuple[str, str], Existing] = {}
        self.variables: dict[tuple[str, str], str] = {}
        self.components: set[tuple[str, str]] = set()
        self.used: set[str] = set()
        self.networks: dict[tuple[Any, Any], str] = {}
        self.new_network: Callable[[list[Any], list[Any]], str] = lambda _subnets, _groups: ""
        self.new_text: Callable[[str, str], str] = lambda _name, _literal: ""

    def variable(self, ref: Ref) -> str:
        """The variable of a resource, which is used from now on."""
        name = self.variables[ref.kind, ref.id]
        self.used.add(name)
        return name

    def is_component(self, ref: Any) -> bool:
        """True for a reference to what a component says."""
        return isinstance(ref, Ref) and (ref.kind, ref.id) in self.components

    def referring(self, value: Any) -> Any:
        """`value` with each reference as an expression."""
        if isinstance(value, Ref):
            name = self.variable(value)
            output = OUTPUTS.get((value.kind, value.output)) if self.is_component(value) else None
            if output is not None:
                return Expression(f"{name}.{output}")
            if self.is_component(value):
                return value.text
            return Expression(f"{name}.id" if value.output == "id" else f'{name}.output("{value.output}")')
        if isinstance(value, Mapping):
            return {key: self.referring(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.referring(each) for each in value]
        return value


OUTPUTS: Final[Mapping[tuple[str, str], str]] = {
    ("ComputeEnvironment", "id"): "arn",
    ("JobQueue", "id"): "arn",
    ("SchedulingPolicy", "id"): "arn",
    ("LaunchTemplate", "id"): "id",
    ("LaunchTemplate", "latestVersion"): "version",
    ("PlacementGroup", "groupName"): "group_name",
}
"""(kind, output) → the component's attribute."""


def call_of(found: Existing, name: str, inputs: Mapping[str, Any], written: Written) -> Call | None:
    """The component's call, None where none fits.

    Args:
        name: the logical name.
        inputs: what is to be said; without the name where that is a generated one.
    """
    form = FORMS.get(found.kind)
    if form is None:
        return None
    rest = dict(inputs)
    made = form(rest, written)
    if made is None:
        return None
    function, arguments, takes_wire = made
    tags = rest.pop("tags", None)
    left = {key: each for key, each in rest.items() if each not in (None, {}, [])}
    if left and not takes_wire:
        return None
    kept = [(key, each) for key, each in arguments if each is not None]
    if tags:
        kept.append(("tags", tags))
    if left:
        kept.append(("wire", written.referring(left)))
    return Call(f"batch.{function}", (("", name), *kept))


Form = Callable[[dict[str, Any], Written], tuple[str, list[Argument], bool] | None]


def _enabled(rest: dict[str, Any]) -> bool | None:
    """The argument `enabled`; None where it is its default."""
    if str(rest.get("state", "ENABLED")).upper() == "DISABLED":
        rest.pop("state")
        return False
    rest.pop("state", None)
    return None


def _environment(rest: dict[str, Any], written: Written) -> tuple[str, list[Argument], bool] | None:
    kind = str(rest.pop("type", "")).upper()
    if kind == "UNMANAGED":
        return _unmanaged(rest, written)
    resources = dict(rest.pop("computeResources", {}))
    compute = str(resources.pop("type", "")).upper()
    subnets, groups = resources.pop("subnets", None), resources.pop("securityGroupIds", None)
    if kind != "MANAGED" or compute not in ("EC2", "SPOT", "FARGATE", "FARGATE_SPOT") or not subnets or not groups:
        return None
    strategy = resources.pop("allocationStrategy", "BEST_FIT" if compute in STRATEGIES else None)
    policy = rest.pop("updatePolicy", None)
    if policy is not None:
        keywords = {"terminateJobsOnUpdate": "terminate_jobs", "jobExecutionTimeoutMinutes": "job_minutes"}
        policy = _renamed("batch.UpdatePolicy", policy, keywords)
    enabled = _enabled(rest)
    arguments: list[Argument] = [
        ("network", Expression(_network(subnets, groups, written))),
        ("compute", compute if compute != "EC2" else None),
        ("instance_types", resources.pop("instanceTypes", None)),
        ("allocation_strategy", strategy if strategy != STRATEGIES.get(compute) else None),
        ("min_vcpus", resources.pop("minvCpus", None) or None),
        ("max_vcpus", resources.pop("maxvCpus", None)),
        ("images", _images(resources)),
        ("key_pair", resources.pop("ec2KeyPair", None)),
        ("launch_template", _template(resources, written)),
        ("placement_group", _placement(resources, written)),
        ("bid_percentage", resources.pop("bidPercentage", None)),
        ("scale_down_delay_minutes", _delay(resources)),
        ("service_role", written.referring(rest.pop("serviceRole", None))),
        ("update_policy", policy),
        ("enabled", enabled),
        ("compute_environment_name", rest.pop("computeEnvironmentName", None)),
        ("instance_tags", resources.pop("tags", None)),
    ]
    if resources:
        rest["computeResources"] = resources
    return "ManagedComputeEnvironment", arguments, True


def _unmanaged(rest: dict[str, Any], written: Written) -> tuple[str, list[Argument], bool] | None:
    role = rest.pop("serviceRole", None)
    if role is None:
        return None
    enabled = _enabled(rest)
    arguments: list[Argument] = [
        ("service_role", written.referring(role)),
        ("unmanaged_vcpus", rest.pop("unmanagedvCpus", None)),
        ("enabled", enabled),
        ("compute_environment_name", rest.pop("computeEnvironmentName", None)),
    ]
    return "UnmanagedComputeEnvironment", arguments, False


def _network(subnets: list[Any], groups: list[Any], written: Written) -> str:
    key = (tuple(str(each) for each in subnets), tuple(str(each) for each in groups))
    if key not in written.networks:
        written.networks[key] = written.new_network(written.referring(subnets), written.referring(groups))
    return written.networks[key]


def _images(resources: dict[str, Any]) -> list[Any] | None:
    images = resources.get("ec2Configuration")
    if not images or any(set(each) - {"imageType", "imageIdOverride"} or "imageType" not in each for each in images):
        return None
    del resources["ec2Configuration"]
    made = []
    for each in images:
        override = (("", each["imageIdOverride"]),) if "imageIdOverride" in each else ()
        made.append(Call("batch.Image", (("", each["imageType"]), *override)))
    return made


def _template(resources: dict[str, Any], written: Written) -> Any:
    template = resources.pop("launchTemplate", None)
    if template is None:
        return None
    ref = template.get("launchTemplateId")
    if not (written.is_component(ref) and set(template) == {"launchTemplateId", "version"}):
        return written.referring(template)
    newest = written.resources[ref.kind, ref.id].outputs.get("latestVersion")
    # The component names the newest version; another one is said beside its id.
    return Expression(written.variable(ref)) if newest == str(template["version"]) else written.referring(template)


def _placement(resources: dict[str, Any], written: Written) -> Any:
    group = resources.pop("placementGroup", None)
    return Expression(written.variable(group)) if written.is_component(group) else written.referring(group)


def _delay(resources: dict[str, Any]) -> int | None:
    policy = resources.get("scalingPolicy") or {}
    if set(policy) != {"minScaleDownDelayMinutes"}:
        return None
    delay: int = resources.pop("scalingPolicy")["minScaleDownDelayMinutes"]
    return delay


def _queue(rest: dict[str, Any], written: Written) -> tuple[str, list[Argument], bool] | None:
    order = rest.pop("computeEnvironmentOrder", [])
    if any(set(each) != {"order", "computeEnvironment"} for each in order):
        return None
    environments = []
    for each in sorted(order, key=lambda each: each["order"]):
        ref = each["computeEnvironment"]
        environments.append(Expression(written.variable(ref)) if written.is_component(ref) else written.referring(ref))
    policy = rest.pop("schedulingPolicyArn", None)
    enabled = _enabled(rest)
    limits = rest.pop("jobStateTimeLimitActions", None)
    keywords = {"reason": "reason", "maxTimeSeconds": "seconds", "state": "state", "action": "action"}
    if limits and any(set(each) != set(keywords) for each in limits):
        return None
    arguments: list[Argument] = [
        ("priority", rest.pop("priority", None)),
        ("compute_environments", environments),
        (
            "scheduling_policy",
            Expression(written.variable(policy)) if written.is_component(policy) else written.referring(policy),
        ),
        ("time_limits", [_renamed("batch.TimeLimit", each, keywords) for each in limits] if limits else None),
        ("enabled", enabled),
        ("job_queue_name", rest.pop("jobQueueName", None)),
    ]
    return ("JobQueue", arguments, True) if arguments[0][1] is not None else None


def _renamed(function: str, value: Mapping[str, Any], keywords: Mapping[str, str]) -> Any:
    """A call with the mapping's members as arguments, in the table's order."""
    return Call(function, tuple((keywords[key], value[key]) for key in keywords if key in value))


def _policy(rest: dict[str, Any], written: Written) -> tuple[str, list[Argument], bool] | None:
    fair = dict(rest.pop("fairsharePolicy", {}))
    shares = fair.pop("shareDistribution", [])
    named = {each["shareIdentifier"]: each.get("weightFactor", 1) for each in shares}
    arguments: list[Argument] = [
        ("shares", named),
        ("decay_seconds", fair.pop("shareDecaySeconds", None)),
        ("compute_reservation", fair.pop("computeReservation", None)),
        ("policy_name", rest.pop("name", None)),
    ]
    return None if fair or len(named) != len(shares) else ("SchedulingPolicy", arguments, False)


def _launch_template(rest: dict[str, Any], written: Written) -> tuple[str, list[Argument], bool] | None:
    if set(rest) - {"launchTemplateName", "launchTemplateData", "tags"}:
        return None
    data = dict(rest.pop("launchTemplateData", {}))
    name = rest.pop("launchTemplateName", None)
    script = _script(data.get("userData"))
    arguments: list[Argument] = []
    if script is not None:
        del data["userData"]
        block = block_text(script)
        arguments.append(("user_data", Expression(written.new_text("USER_DATA", block)) if block else script))
    arguments += [("launch_template_name", name), ("wire", data or None)]
    return "LaunchTemplate", arguments, False


def _script(encoded: Any) -> str | None:
    """The user data in the open, where the component makes the same of it: MIME multipart, which it leaves alone."""
    if not isinstance(encoded, str):
        return None
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return None
    is_multipart = decoded.startswith(("MIME-Version", "Content-Type: multipart/"))
    return decoded if is_multipart and base64.b64encode(decoded.encode()).decode() == encoded else None


def _placement_group(rest: dict[str, Any], written: Written) -> tuple[str, list[Argument], bool] | None:
    return (
        "PlacementGroup",
        [("strategy", rest.pop("strategy", None)), ("group_name", rest.pop("groupName", None))],
        False,
    )


def _definition(rest: dict[str, Any], written: Written) -> tuple[str, list[Argument], bool] | None:
    kind = str(rest.pop("type", "")).lower()
    if kind == "container" and "containerProperties" in rest:
        container = _container(rest.pop("containerProperties"), written)
        if container is None:
            return None
        head: list[Argument] = [("container", container)]
        function = "ContainerJobDefinition"
    elif kind == "multinode" and "nodeProperties" in rest:
        nodes = _nodes(rest.pop("nodeProperties"), written)
        if nodes is None or "platformCapabilities" in rest or "schedulingPriority" in rest:
            return None
        head, function = nodes, "MultiNodeJobDefinition"
    else:
        return None
    platforms = rest.get("platformCapabilities")
    platform = None
    if platforms in (["FARGATE"], ["EC2"]):
        platform = rest.pop("platformCapabilities")[0]
    timeout = rest.get("timeout") or {}
    seconds = rest.pop("timeout")["attemptDurationSeconds"] if set(timeout) == {"attemptDurationSeconds"} else None
    arguments: list[Argument] = [
        *head,
        ("platform", platform if platform != "EC2" else None),
        ("retry", _retry(rest)),
        ("timeout_s", seconds),
        ("parameters", rest.pop("parameters", None)),
        ("scheduling_priority", rest.pop("schedulingPriority", None)),
        ("propagate_tags", rest.pop("propagateTags", None)),
        ("job_definition_name", rest.pop("jobDefinitionName", None)),
    ]
    return function, arguments, True


def _nodes(properties: Mapping[str, Any], written: Written) -> list[Argument] | None:
    ranges = properties.get("nodeRangeProperties") or []
    if set(properties) - {"numNodes", "mainNode", "nodeRangeProperties"} or "numNodes" not in properties:
        return None
    types = {(each.get("container") or {}).get("instanceType") for each in ranges}
    groups: dict[str, Any] = {}
    for each in ranges:
        if set(each) != {"targetNodes", "container"} or len(types) != 1:
            return None
        inner = {key: value for key, value in each["container"].items() if key != "instanceType"}
        container = _container(inner, written)
        if container is None:
            return None
        groups[each["targetNodes"]] = container
    if len(groups) != len(ranges) or not groups:
        return None
    whole = groups.get("0:") if len(groups) == 1 else None
    return [
        ("nodes", properties["numNodes"]),
        ("main_node", properties.get("mainNode") or None),
        ("container", whole),
        ("groups", groups if whole is None else None),
        ("instance_type", next(iter(types))),
    ]


def _container(properties: Mapping[str, Any], written: Written) -> Call | None:
    rest = dict(properties)
    image = rest.pop("image", None)
    requirements = rest.pop("resourceRequirements", [])
    amounts = {each["type"]: each["value"] for each in requirements}
    if image is None or len(amounts) != len(requirements) or not {"VCPU", "MEMORY"} <= set(amounts):
        return None
    if set(amounts) - {"VCPU", "MEMORY", "GPU"}:
        return None
    environment, secrets = rest.pop("environment", []), rest.pop("secrets", [])
    if any(set(each) != {"name", "value"} for each in environment):
        return None
    if any(set(each) != {"name", "valueFrom"} for each in secrets):
        return None
    plain = {each["name"]: each["value"] for each in environment}
    hidden = {each["name"]: each["valueFrom"] for each in secrets}
    try:
        vcpus, memory, gpus = (float(amounts.get(key, 0)) for key in ("VCPU", "MEMORY", "GPU"))
    except ValueError:
        return None
    if len(plain) != len(environment) or len(hidden) != len(secrets) or memory % 1 or gpus % 1:
        return None
    arguments: list[Argument] = [
        ("", image),
        ("vcpus", int(vcpus) if vcpus.is_integer() else vcpus),
        ("memory_mib", int(memory)),
        ("command", rest.pop("command", None)),
        ("gpus", int(gpus) or None),
        ("environment", plain or None),
        ("secrets", hidden or None),
        ("job_role", written.referring(rest.pop("jobRoleArn", None))),
        ("execution_role", written.referring(rest.pop("executionRoleArn", None))),
        ("wire", written.referring(rest) or None),
    ]
    return Call("batch.Container", tuple((key, each) for key, each in arguments if each is not None))


HOST_LOSS: Final = [{"onStatusReason": "Host EC2*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]
"""batchiac.components.RETRY_ON_HOST_LOSS."""


def _retry(rest: dict[str, Any]) -> Any:
    strategy = rest.get("retryStrategy") or {}
    if not strategy or set(strategy) - {"attempts", "evaluateOnExit"} or "attempts" not in strategy:
        return None
    rules = [{**each, "action": str(each.get("action")).upper()} for each in strategy.get("evaluateOnExit") or ()]
    keywords = {
        "action": "",
        "onStatusReason": "on_status_reason",
        "onReason": "on_reason",
        "onExitCode": "on_exit_code",
    }
    if any(set(each) - set(keywords) for each in rules):
        return None
    attempts = rest.pop("retryStrategy")["attempts"]
    if not rules:
        return attempts
    if rules == HOST_LOSS:
        return Call("batch.Retry", (("", attempts), ("", Expression("batch.RETRY_ON_HOST_LOSS"))))
    return Call("batch.Retry", (("", attempts), ("", [_renamed("batch.OnExit", each, keywords) for each in rules])))


FORMS: Final[Mapping[str, Form]] = {
    "ComputeEnvironment": _environment,
    "JobQueue": _queue,
    "SchedulingPolicy": _policy,
    "LaunchTemplate": _launch_template,
    "PlacementGroup": _placement_group,
    "JobDefinition": _definition,
}
"""Kind → how a component says it. The others have a component for several of them only (Network, Roles)."""
