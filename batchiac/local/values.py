"""Wire records → the engine's values (batchiac/model). The only place that knows both forms."""

# mypy takes a generic converter of attrs (`converter=tuple`) for one that accepts nothing:
# mypy: disable-error-code="arg-type, misc"

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from batchiac.local.job_payload import substituted, target_nodes
from batchiac.model.arn import name_of
from batchiac.model.compute_environment import ComputeEnvironment, ComputeResources, UpdatePolicy
from batchiac.model.consumable_resource import ConsumableRequirement, ConsumableResource
from batchiac.model.job import Dependency
from batchiac.model.job_definition import (
    Container,
    EvaluateOnExit,
    JobDefinition,
    NodeRange,
    Resources,
    RetryStrategy,
)
from batchiac.model.job_queue import JobQueue, TimeLimitAction
from batchiac.model.scheduling_policy import SchedulingPolicy, Share

Wire = Mapping[str, Any]

_IMAGE_KEYS = ("imageId", "ec2Configuration", "launchTemplate")
_PLACEMENT_KEYS = ("subnets", "securityGroupIds", "placementGroup", "instanceRole", "ec2KeyPair", "tags")


def environment_value(record: Wire, *, image: str = "", invalid_reason: str = "") -> ComputeEnvironment:
    """The engine's environment.

    Args:
        record: the environment's description, as Describe shows it.
        image: what the image keys resolve to beyond their text (the launch template's version number): part of the
            comparison that decides over an infrastructure update.
        invalid_reason: see `ComputeEnvironment`.
    """
    resources = record.get("computeResources")
    policy = record.get("updatePolicy", {})
    return ComputeEnvironment(
        name=record["computeEnvironmentName"],
        type=record["type"],
        state=record["state"],
        resources=_resources(resources, image) if resources is not None else None,
        unmanaged_vcpus=record.get("unmanagedvCpus", 0),
        orchestrator="EKS" if "eksConfiguration" in record else "ECS",
        update_policy=UpdatePolicy(
            policy.get("terminateJobsOnUpdate", False), policy.get("jobExecutionTimeoutMinutes", 30)
        ),
        invalid_reason=invalid_reason,
    )


def _resources(wire: Wire, image: str) -> ComputeResources:
    chosen_image = {key: wire[key] for key in _IMAGE_KEYS if key in wire}
    placement = {key: wire[key] for key in _PLACEMENT_KEYS if key in wire}
    return ComputeResources(
        type=wire["type"],
        max_vcpus=wire["maxvCpus"],
        min_vcpus=wire.get("minvCpus", 0),
        desired_vcpus=wire.get("desiredvCpus"),
        instance_types=tuple(wire.get("instanceTypes", ())),
        allocation_strategy=wire.get("allocationStrategy", "BEST_FIT"),
        bid_percentage=wire.get("bidPercentage", 100),
        min_scale_down_delay_minutes=wire.get("scalingPolicy", {}).get("minScaleDownDelayMinutes", 0),
        image=json.dumps([chosen_image, image], sort_keys=True) if chosen_image or image else "",
        placement=json.dumps(placement, sort_keys=True) if placement else "",
    )


def queue_value(record: Wire, policy: SchedulingPolicy | None) -> JobQueue:
    """The engine's queue; the environments of `computeEnvironmentOrder` in their order."""
    order = sorted(record.get("computeEnvironmentOrder", ()), key=lambda entry: entry["order"])
    return JobQueue(
        name=record["jobQueueName"],
        priority=record["priority"],
        environments=tuple(name_of(entry["computeEnvironment"]) for entry in order),
        state=record["state"],
        scheduling_policy=policy,
        time_limit_actions=tuple(
            TimeLimitAction(entry["reason"], entry["maxTimeSeconds"], entry["state"], entry["action"])
            for entry in record.get("jobStateTimeLimitActions", ())
        ),
    )


def policy_value(name: str, fairshare: Wire) -> SchedulingPolicy:
    """The engine's fair-share policy."""
    return SchedulingPolicy(
        name,
        share_decay_s=fairshare.get("shareDecaySeconds", 0),
        compute_reservation=fairshare.get("computeReservation", 0),
        shares=tuple(
            Share(entry["shareIdentifier"], entry.get("weightFactor", 1.0))
            for entry in fairshare.get("shareDistribution", ())
        ),
    )


def consumable_value(name: str, total: int, kind: Any) -> ConsumableResource:
    """The engine's consumable resource."""
    return ConsumableResource(name, total, kind)


def dependency_values(depends_on: Sequence[Wire]) -> tuple[Dependency, ...]:
    """dependsOn. A `SEQUENTIAL` entry with a jobId counts as a plain dependency: many clients send it so."""
    return tuple(
        Dependency(
            entry.get("jobId", ""),
            "" if entry.get("type") == "SEQUENTIAL" and entry.get("jobId") else entry.get("type", ""),
        )
        for entry in depends_on
    )


def definition_value(
    name: str, revision: int, definition: Wire, payload: Wire, request: Wire, parameters: Mapping[str, str]
) -> JobDefinition:
    """What a job really runs, for the engine.

    Args:
        name: the definition's name.
        revision: its revision.
        definition: RegisterJobDefinition's stored request.
        payload: `merged_properties` of definition and request.
        request: SubmitJob's request (empty for a job without overrides): retry, timeout and consumables win.
        parameters: those of the definition with those of the job over them.
    """
    nodes = payload.get("nodeProperties")
    timeout = request.get("timeout") or definition.get("timeout") or {}
    platforms = definition.get("platformCapabilities") or ["EC2"]
    consumables = request.get("consumableResourcePropertiesOverride") or definition.get(
        "consumableResourceProperties", {}
    )
    common: dict[str, Any] = {
        "name": name,
        "revision": revision,
        "type": definition["type"],
        "platform": platforms[0],
        "retry": retry_value(request.get("retryStrategy") or definition.get("retryStrategy") or {}),
        "timeout_s": timeout.get("attemptDurationSeconds"),
        "scheduling_priority": definition.get("schedulingPriority", 0),
        "consumables": _consumables(consumables),
        "tags": definition.get("tags", {}),
    }
    if nodes is not None:
        ranges = []
        wanted = list(common["consumables"])
        for entry in nodes["nodeRangeProperties"]:
            containers, architecture = _containers(entry, parameters)
            first, last = target_nodes(entry["targetNodes"], nodes["numNodes"])
            types = entry.get("instanceTypes") or _container_instance_type(entry.get("container", {}))
            ranges.append(NodeRange(first, last, containers, types))
            wanted.extend(_consumables(entry.get("consumableResourceProperties", {})))
        return JobDefinition(
            **{**common, "consumables": tuple(wanted)},
            containers=(),
            orchestrator="EKS" if any("eksProperties" in each for each in nodes["nodeRangeProperties"]) else "ECS",
            node_ranges=tuple(ranges),
            num_nodes=nodes["numNodes"],
            main_node=nodes["mainNode"],
        )
    containers, architecture = _containers(payload, parameters)
    return JobDefinition(
        **common,
        containers=containers,
        architecture=architecture,
        orchestrator="EKS" if "eksProperties" in payload else "ECS",
    )


def retry_value(wire: Wire) -> RetryStrategy:
    """retryStrategy; one attempt where nothing is said."""
    return RetryStrategy(
        attempts=wire.get("attempts", 1),
        evaluate_on_exit=tuple(
            EvaluateOnExit(
                "RETRY" if entry["action"].upper() == "RETRY" else "EXIT",
                entry.get("onStatusReason", ""),
                entry.get("onReason", ""),
                entry.get("onExitCode", ""),
            )
            for entry in wire.get("evaluateOnExit", ())
        ),
    )


def _consumables(wire: Wire) -> tuple[ConsumableRequirement, ...]:
    return tuple(
        ConsumableRequirement(name_of(entry["consumableResource"]), int(entry.get("quantity", 1)))
        for entry in wire.get("consumableResourceList", ())
        if "consumableResource" in entry
    )


def _container_instance_type(container: Wire) -> tuple[str, ...]:
    kind = container.get("instanceType")
    return (kind,) if kind else ()


def _containers(payload: Wire, parameters: Mapping[str, str]) -> tuple[tuple[Container, ...], str]:
    """The containers of one payload (a definition's or a node range's), and the CPU architecture it asks for."""
    single = payload.get("containerProperties") or payload.get("container")
    if single is not None:
        return (_container("default", single, parameters),), _architecture(single)
    if "ecsProperties" in payload:
        task = payload["ecsProperties"]["taskProperties"][0]
        containers = tuple(
            _container(each.get("name", f"container{number}"), each, parameters)
            for number, each in enumerate(task["containers"])
        )
        return containers, _architecture(task)
    if "eksProperties" in payload:
        return _pod(payload["eksProperties"]["podProperties"], parameters), ""
    return (), ""


def _architecture(wire: Wire) -> str:
    return str(wire.get("runtimePlatform", {}).get("cpuArchitecture", "")).lower()


def _container(name: str, wire: Wire, parameters: Mapping[str, str]) -> Container:
    needs = {entry["type"]: entry["value"] for entry in wire.get("resourceRequirements", ())}
    return Container(
        name=name,
        image=wire.get("image", ""),
        command=substituted(wire.get("command", ()), parameters),
        resources=Resources(
            vcpus=float(needs.get("VCPU") or wire.get("vcpus", 1)),
            memory_mib=int(needs.get("MEMORY") or wire.get("memory", 0)),
            gpus=int(needs.get("GPU", 0)),
        ),
        environment={entry["name"]: entry.get("value", "") for entry in wire.get("environment", ()) if "name" in entry},
        log_stream_prefix=wire.get("logConfiguration", {}).get("options", {}).get("awslogs-stream-prefix", ""),
        essential=wire.get("essential", True),
        depends_on=tuple((entry["containerName"], entry["condition"]) for entry in wire.get("dependsOn", ())),
    )


def _pod(pod: Wire, parameters: Mapping[str, str]) -> tuple[Container, ...]:
    containers = []
    for key in ("initContainers", "containers"):
        for number, wire in enumerate(pod.get(key, ())):
            resources = wire.get("resources", {})
            needs = {**resources.get("limits", {}), **resources.get("requests", {})}
            words = [*wire.get("command", ()), *wire.get("args", ())]
            containers.append(
                Container(
                    name=wire.get("name", f"{'init' if key == 'initContainers' else 'default'}{number or ''}"),
                    image=wire.get("image", ""),
                    command=substituted(words, parameters),
                    resources=Resources(
                        vcpus=float(needs.get("cpu", 1)),
                        memory_mib=_mebibytes(str(needs.get("memory", "0Mi"))),
                        gpus=int(needs.get("nvidia.com/gpu", 0)),
                    ),
                    environment={each["name"]: each.get("value", "") for each in wire.get("env", ())},
                    init=key == "initContainers",
                )
            )
    return tuple(containers)


def _mebibytes(quantity: str) -> int:
    """`1024Mi` → 1024. The rules hold that the unit is Mi."""
    return int(quantity.removesuffix("Mi") or 0)
