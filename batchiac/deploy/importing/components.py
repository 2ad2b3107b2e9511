"""Which component says a resource, and how: a table of functions, kind → the call, or None where no component fits.

Each takes the resource's inputs apart, member by member; what no argument says goes into `wire`, where the component
has one. Whether the call means the same as the inputs is found out by running it (account.py); these need only be
right for what they take.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final

from batchiac.deploy.importing.definitions import definition
from batchiac.deploy.importing.python_text import Call, Expression, block_text
from batchiac.deploy.importing.written import Argument, Written, renamed
from batchiac.model.existing import Existing

STRATEGIES: Final = {"EC2": "BEST_FIT_PROGRESSIVE", "SPOT": "SPOT_PRICE_CAPACITY_OPTIMIZED"}
"""batchiac.components.compute_environment.DEFAULT_STRATEGY."""


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
        policy = renamed("batch.UpdatePolicy", policy, keywords)
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
    return written.referring_to_component(resources.pop("placementGroup", None))


def _delay(resources: dict[str, Any]) -> int | None:
    policy = resources.get("scalingPolicy") or {}
    if set(policy) != {"minScaleDownDelayMinutes"}:
        return None
    delay: int = resources.pop("scalingPolicy")["minScaleDownDelayMinutes"]
    return delay


def _queue(rest: dict[str, Any], written: Written) -> tuple[str, list[Argument], bool] | None:
    orders = {}
    for key in ("computeEnvironment", "serviceEnvironment"):
        order = rest.pop(f"{key}Order", [])
        if any(set(each) != {"order", key} for each in order):
            return None
        orders[key] = [
            written.referring_to_component(each[key]) for each in sorted(order, key=lambda each: each["order"])
        ]
    if orders["serviceEnvironment"] and rest.pop("jobQueueType", None) != "SAGEMAKER_TRAINING":
        return None
    policy = rest.pop("schedulingPolicyArn", None)
    enabled = _enabled(rest)
    limits = rest.pop("jobStateTimeLimitActions", None)
    keywords = {"reason": "reason", "maxTimeSeconds": "seconds", "state": "state", "action": "action"}
    if limits and any(set(each) != set(keywords) for each in limits):
        return None
    arguments: list[Argument] = [
        ("priority", rest.pop("priority", None)),
        ("compute_environments", orders["computeEnvironment"] or None),
        ("service_environments", orders["serviceEnvironment"] or None),
        ("scheduling_policy", written.referring_to_component(policy)),
        ("time_limits", [renamed("batch.TimeLimit", each, keywords) for each in limits] if limits else None),
        ("enabled", enabled),
        ("job_queue_name", rest.pop("jobQueueName", None)),
    ]
    return ("JobQueue", arguments, True) if arguments[0][1] is not None else None


def _policy(rest: dict[str, Any], written: Written) -> tuple[str, list[Argument], bool] | None:
    quota = rest.pop("quotaSharePolicy", None)
    if quota is not None:
        shares_by = quota.get("idleResourceAssignmentStrategy")
        if set(quota) != {"idleResourceAssignmentStrategy"} or "fairsharePolicy" in rest:
            return None
        return "SchedulingPolicy", [("quota_shares", shares_by), ("policy_name", rest.pop("name", None))], False
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


def _limits(rest: dict[str, Any]) -> dict[str, int] | None:
    """The argument `capacity_limits`; None where a mapping would not say the same."""
    limits = rest.pop("capacityLimits", [])
    if any(set(each) != {"capacityUnit", "maxCapacity"} for each in limits):
        return None
    by_unit = {each["capacityUnit"]: each["maxCapacity"] for each in limits}
    return by_unit if len(by_unit) == len(limits) else None


def _service_environment(rest: dict[str, Any], written: Written) -> tuple[str, list[Argument], bool] | None:
    if str(rest.pop("serviceEnvironmentType", "")).upper() != "SAGEMAKER_TRAINING":
        return None
    limits = _limits(rest)
    arguments: list[Argument] = [
        ("capacity_limits", limits),
        ("enabled", _enabled(rest)),
        ("service_environment_name", rest.pop("serviceEnvironmentName", None)),
    ]
    return None if limits is None else ("ServiceEnvironment", arguments, False)


def _quota_share(rest: dict[str, Any], written: Written) -> tuple[str, list[Argument], bool] | None:
    limits = _limits(rest)
    sharing = dict(rest.pop("resourceSharingConfiguration", {}))
    preemption = dict(rest.pop("preemptionConfiguration", {}))
    in_share = str(preemption.pop("inSharePreemption", "")).upper()
    strategy = str(sharing.pop("strategy", "")).upper()
    arguments: list[Argument] = [
        ("queue", written.referring_to_component(rest.pop("jobQueue", None))),
        ("capacity_limits", limits),
        ("strategy", strategy),
        ("borrow_limit", sharing.pop("borrowLimit", None)),
        ("in_share_preemption", True if in_share == "ENABLED" else None),
        ("enabled", _enabled(rest)),
        ("quota_share_name", rest.pop("quotaShareName", None)),
    ]
    if limits is None or not strategy or in_share not in ("ENABLED", "DISABLED") or sharing or preemption:
        return None
    return "QuotaShare", arguments, False


def _consumable(rest: dict[str, Any], written: Written) -> tuple[str, list[Argument], bool] | None:
    kind = str(rest.pop("resourceType", "REPLENISHABLE")).upper()
    arguments: list[Argument] = [
        ("total_quantity", rest.pop("totalQuantity", 0)),
        ("replenishable", None if kind == "REPLENISHABLE" else False),
        ("consumable_resource_name", rest.pop("consumableResourceName", None)),
    ]
    return "ConsumableResource", arguments, False


FORMS: Final[Mapping[str, Form]] = {
    "ComputeEnvironment": _environment,
    "JobQueue": _queue,
    "SchedulingPolicy": _policy,
    "LaunchTemplate": _launch_template,
    "PlacementGroup": _placement_group,
    "ConsumableResource": _consumable,
    "ServiceEnvironment": _service_environment,
    "QuotaShare": _quota_share,
    "JobDefinition": definition,
}
"""Kind → how a component says it. The others have a component for several of them only (Network, Roles)."""
