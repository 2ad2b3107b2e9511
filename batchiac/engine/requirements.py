"""What a job definition asks for, found once for all jobs that share it."""

from __future__ import annotations

from collections.abc import Sequence

from batchiac.engine.records import CPU_UNITS, Prepared, Shape
from batchiac.engine.refusals import InvalidRefusal
from batchiac.engine.world import World
from batchiac.model.job_definition import Container, JobDefinition

PREPARED_KEPT = 4096


def prepare(world: World, definition: JobDefinition) -> Prepared:
    """What the engine needs to know of a definition; found once for each definition value."""
    known = world.prepared.get(id(definition))
    if known is not None and known.definition is definition:
        return known
    if len(world.prepared) >= PREPARED_KEPT:
        world.prepared.clear()
    multinode = definition.type == "multinode"
    containers = node_containers(definition, definition.main_node) if multinode else definition.containers
    prepared = Prepared(definition, shape_of(world, definition, containers), containers)
    if definition.platform == "FARGATE":
        ceiling = world.settings.fargate_ceiling_ms
        prepared.timeout_ms = ceiling if prepared.timeout_ms is None else min(prepared.timeout_ms, ceiling)
    if not world.settings.start_failure_uses_attempt:
        prepared.simple = False
    world.prepared[id(definition)] = prepared
    return prepared


def node_containers(definition: JobDefinition, node: int) -> tuple[Container, ...]:
    """The containers of one node.

    Raises:
        InvalidRefusal: no range covers it.
    """
    containers = definition.containers_of_node(node)
    if not containers:
        raise InvalidRefusal(f"no node range of {definition.name} covers node {node}: give ranges for every node")
    return containers


def needs_of(containers: Sequence[Container]) -> tuple[int, int, int]:
    """(quarters of a vCPU, MiB, GPUs) of a task: containers add up; init containers run before and alone."""
    totals = [0, 0, 0]
    for init in (False, True):
        for container in containers:
            if container.init is init:
                need = container.resources
                amounts = (max(1, round(need.vcpus * CPU_UNITS)), need.memory_mib, need.gpus)
                combine = max if init else int.__add__
                totals = [combine(total, amount) for total, amount in zip(totals, amounts, strict=True)]
    return totals[0], totals[1], totals[2]


def shape_of(world: World, definition: JobDefinition, containers: tuple[Container, ...]) -> Shape:
    """The one Shape for what this definition needs. A gang's nodes are all as large as its largest."""
    nodes = 0
    instance_types: tuple[str, ...] = ()
    cpu, memory, gpus = needs_of(containers)
    if definition.type == "multinode":
        nodes = definition.num_nodes
        for each in definition.node_ranges:
            need = needs_of(each.containers)
            cpu, memory, gpus = max(cpu, need[0]), max(memory, need[1]), max(gpus, need[2])
            instance_types = each.instance_types or instance_types
    key = (
        cpu,
        memory,
        gpus,
        definition.platform,
        definition.architecture,
        nodes,
        instance_types,
        definition.consumables,
    )
    shape = world.shapes.get(key)
    if shape is None:
        shape = world.shapes[key] = Shape(len(world.shapes), *key)
    return shape
