"""How the components say a job definition: its part of the table in components.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from batchiac.deploy.importing.python_text import Call, Expression
from batchiac.deploy.importing.written import Argument, Written, renamed


def definition(rest: dict[str, Any], written: Written) -> tuple[str, list[Argument], bool] | None:
    """(component, its arguments, whether it has `wire`); None where no component fits. Takes `rest` apart."""
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
        ("consumes", _consumes(rest, written)),
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


def _consumes(rest: dict[str, Any], written: Written) -> list[Call] | None:
    needs = (rest.get("consumableResourceProperties") or {}).get("consumableResourceList") or []
    if not needs or any(set(each) != {"consumableResource", "quantity"} for each in needs):
        return None
    del rest["consumableResourceProperties"]
    return [
        Call(
            "batch.Consumes",
            (("", written.referring_to_component(each["consumableResource"])), ("", each["quantity"])),
        )
        for each in needs
    ]


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
    return Call("batch.Retry", (("", attempts), ("", [renamed("batch.OnExit", each, keywords) for each in rules])))
