"""What a job really runs: its definition's properties with the overrides of SubmitJob laid over them.

Everything stays in wire form: DescribeJobs shows the merged properties, and `values.py` makes the engine's definition
from them. A job without overrides shares its definition's properties, so nothing here may be edited in place.

Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerOverrides.html: environment variables and
resource requirements override those of the same name and type; the others stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Wire = dict[str, Any]

PAYLOADS = ("containerProperties", "ecsProperties", "eksProperties", "nodeProperties")
"""A definition has exactly one of these."""


def merged_properties(definition: Mapping[str, Any], request: Mapping[str, Any]) -> Wire:
    """The payload of a job: `{"containerProperties": …}` or one of its kin.

    Args:
        definition: RegisterJobDefinition's stored request.
        request: SubmitJob's request; only its overrides are read.
    """
    merged: Wire = {key: definition[key] for key in PAYLOADS if key in definition}
    if "containerOverrides" in request and "containerProperties" in merged:
        merged["containerProperties"] = _container(merged["containerProperties"], request["containerOverrides"])
    if "ecsPropertiesOverride" in request and "ecsProperties" in merged:
        merged["ecsProperties"] = _ecs(merged["ecsProperties"], request["ecsPropertiesOverride"])
    if "eksPropertiesOverride" in request and "eksProperties" in merged:
        merged["eksProperties"] = _eks(merged["eksProperties"], request["eksPropertiesOverride"])
    if "nodeOverrides" in request and "nodeProperties" in merged:
        merged["nodeProperties"] = _nodes(merged["nodeProperties"], request["nodeOverrides"])
    return merged


def substituted(words: Sequence[str], parameters: Mapping[str, str]) -> tuple[str, ...]:
    """A command with its `Ref::name` placeholders filled in; one without a parameter stays as it is.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_definition_parameters.html#parameters.
    """
    if not parameters or not any("Ref::" in word for word in words):
        return tuple(words)
    # The longest name first, so that Ref::input never eats the beginning of Ref::input_file.
    names = sorted(parameters, key=len, reverse=True)
    filled = []
    for word in words:
        for name in names:
            word = word.replace(f"Ref::{name}", parameters[name])
        filled.append(word)
    return tuple(filled)


def target_nodes(text: str, num_nodes: int) -> tuple[int, int]:
    """The first and last node of `3`, `0:4`, `:4` or `2:` among `num_nodes`."""
    first, colon, last = text.partition(":")
    if not colon:
        return int(first), int(first)
    return int(first or 0), int(last) if last else num_nodes - 1


def node_range(properties: Wire, node: int) -> Wire:
    """The entry of nodeRangeProperties that says what `node` runs; empty where none covers it.

    "If ranges nest, the inner one wins": the narrowest.
    Source: botocore 1.44.5, batch, NodeRangeProperty.targetNodes.
    """
    covering = []
    for entry in properties["nodeRangeProperties"]:
        first, last = target_nodes(entry["targetNodes"], properties["numNodes"])
        if first <= node <= last:
            covering.append((last - first, entry))
    return min(covering, key=lambda pair: pair[0])[1] if covering else {}


def merged_by_key(old: Sequence[Wire], new: Sequence[Wire], key: str) -> list[Wire]:
    """`old` with the entries of `new` in place of those of the same `key`, the rest of `new` after it."""
    replacements = {entry[key]: entry for entry in new}
    merged = [replacements.pop(entry[key], entry) for entry in old]
    return merged + [entry for entry in new if entry[key] in replacements]


def _container(properties: Wire, overrides: Wire) -> Wire:
    merged = dict(properties)
    for key in ("command", "instanceType", "vcpus", "memory"):
        if key in overrides:
            merged[key] = overrides[key]
    for key, name in (("environment", "name"), ("resourceRequirements", "type")):
        if key in overrides:
            merged[key] = merged_by_key(properties.get(key, ()), overrides[key], name)
    return merged


def _ecs(properties: Wire, overrides: Wire) -> Wire:
    tasks = [dict(task) for task in properties["taskProperties"]]
    for task, override in zip(tasks, overrides.get("taskProperties", ()), strict=False):
        by_name = {each.get("name"): each for each in override.get("containers", ())}
        unnamed = [each for each in override.get("containers", ()) if "name" not in each]
        containers = []
        for number, container in enumerate(task.get("containers", ())):
            given = by_name.get(container.get("name")) if "name" in container else None
            if given is None and number < len(unnamed):
                given = unnamed[number]
            containers.append(_container(container, given) if given else container)
        task["containers"] = containers
    return {**properties, "taskProperties": tasks}


def _eks(properties: Wire, overrides: Wire) -> Wire:
    override = overrides.get("podProperties", {})
    pod = dict(properties["podProperties"])
    for key in ("containers", "initContainers"):
        if key in override:
            pod[key] = _pod_containers(pod.get(key, []), override[key])
    if "metadata" in override:
        old, new = pod.get("metadata", {}), override["metadata"]
        pod["metadata"] = {
            **old,
            **new,
            **{
                part: {**old.get(part, {}), **new.get(part, {})}
                for part in ("labels", "annotations")
                if part in old or part in new
            },
        }
    return {**properties, "podProperties": pod}


def _pod_containers(containers: Sequence[Wire], overrides: Sequence[Wire]) -> list[Wire]:
    by_name = {each["name"]: each for each in overrides if "name" in each}
    unnamed = iter([each for each in overrides if "name" not in each])
    merged = []
    for container in containers:
        override = by_name.get(container.get("name", "")) or next(unnamed, None)
        if override is None:
            merged.append(container)
            continue
        result: Wire = dict(container)
        result.update((key, override[key]) for key in ("image", "command", "args", "resources") if key in override)
        if "env" in override:
            result["env"] = merged_by_key(container.get("env", ()), override["env"], "name")
        merged.append(result)
    return merged


def _nodes(properties: Wire, overrides: Wire) -> Wire:
    num_nodes = overrides.get("numNodes", properties["numNodes"])
    ranges = []
    for entry in properties["nodeRangeProperties"]:
        merged = dict(entry)
        for override in overrides.get("nodePropertyOverrides", ()):
            if override["targetNodes"] != entry["targetNodes"]:
                continue
            if "containerOverrides" in override and "container" in entry:
                merged["container"] = _container(entry["container"], override["containerOverrides"])
            if "ecsPropertiesOverride" in override and "ecsProperties" in entry:
                merged["ecsProperties"] = _ecs(entry["ecsProperties"], override["ecsPropertiesOverride"])
            if "eksPropertiesOverride" in override and "eksProperties" in entry:
                merged["eksProperties"] = _eks(entry["eksProperties"], override["eksPropertiesOverride"])
            if "instanceTypes" in override:
                merged["instanceTypes"] = override["instanceTypes"]
            if "consumableResourcePropertiesOverride" in override:
                merged["consumableResourceProperties"] = override["consumableResourcePropertiesOverride"]
        ranges.append(merged)
    return {**properties, "numNodes": num_nodes, "nodeRangeProperties": ranges}
