"""Which environment and which instance type could hold a job at all: answers that are found once and kept."""

from __future__ import annotations

from batchiac.engine.fleet import EnvironmentState, Host
from batchiac.engine.records import CPU_UNITS, Shape
from batchiac.engine.waiting import QueueState
from batchiac.engine.world import World
from batchiac.model.instance_type import Catalogue, InstanceType


def expand_candidates(world: World, environment: EnvironmentState) -> None:
    """Work out the environment's instance types anew; to be called when its spec changes."""
    resources = environment.spec.resources
    environment.fits.clear()
    if resources is None or not resources.on_instances:
        environment.candidates = ()
        return
    types = world.instance_types
    catalogue = types if isinstance(types, Catalogue) else Catalogue.of(types.values())
    names = catalogue.expand(resources.instance_types)
    environment.places = {
        name: place
        for place, entry in reversed(list(enumerate(resources.instance_types)))
        for name in catalogue.expand((entry,))
    }
    environment.places |= {entry: place for place, entry in enumerate(resources.instance_types) if entry in catalogue}
    found = tuple(catalogue[name] for name in names)
    if resources.spot:
        found = tuple(each for each in found if each.spot)
    environment.candidates = found


def holds(kind: InstanceType, shape: Shape, memory_mib: int) -> bool:
    """True when an empty instance of this type can hold one job (or node) of this shape."""
    return (
        kind.vcpus * CPU_UNITS >= shape.cpu
        and memory_mib >= shape.memory
        and kind.gpus >= shape.gpus
        and (not shape.architecture or kind.architecture == shape.architecture)
        and (not shape.instance_types or kind.name in shape.instance_types or kind.family in shape.instance_types)
    )


def fitting_types(world: World, environment: EnvironmentState, shape: Shape) -> tuple[InstanceType, ...]:
    """The environment's types that can hold this shape, in the environment's order."""
    known = environment.fits.get(shape)
    if known is None:
        settings = world.settings
        known = tuple(each for each in environment.candidates if holds(each, shape, settings.usable_mib(each)))
        environment.fits[shape] = known
    return known


def host_holds(host: Host, shape: Shape) -> bool:
    """True when this instance, empty, can hold one job (or node) of this shape."""
    return (
        host.total_cpu >= shape.cpu
        and host.total_memory >= shape.memory
        and host.total_gpus >= shape.gpus
        and (not shape.architecture or host.type.architecture == shape.architecture)
    )


def is_usable(environment: EnvironmentState) -> bool:
    """True when jobs may be placed: ENABLED and not INVALID, nor on its way in or out, and Batch's role may act."""
    return (
        environment.spec.state == "ENABLED"
        and environment.status in ("VALID", "UPDATING")
        and environment.role_permitted
    )


def options_for(queue: QueueState, shape: Shape) -> tuple[EnvironmentState, ...]:
    """The environments of a queue that may take this shape now, in order."""
    return tuple(each for each in queue.environments if is_usable(each) and platform_matches(each, shape))


def platform_matches(environment: EnvironmentState, shape: Shape) -> bool:
    """Fargate jobs run on Fargate, others elsewhere; gangs not on Spot, Fargate, managed instances or UNMANAGED.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/mnp-ce.html, read 2026-11.
    """
    resources = environment.spec.resources
    if resources is None:
        return shape.platform == "EC2" and not shape.nodes
    fargate = resources.type in ("FARGATE", "FARGATE_SPOT")
    if (shape.platform == "FARGATE") is not fargate:
        return False
    if (shape.platform == "MANAGED_INSTANCES") is not (resources.type == "ECS_MANAGED_INSTANCES"):
        return False
    return not shape.nodes or resources.type == "EC2"


def can_provide(world: World, environment: EnvironmentState, shape: Shape) -> bool:
    """True when waiting for this environment makes sense: it launches, or could launch, an instance that fits."""
    resources = environment.spec.resources
    if resources is None:
        return False
    fitting = fitting_types(world, environment, shape)
    launching = environment.launching
    room = resources.max_vcpus * CPU_UNITS - environment.cpu
    overshoot = overshoots(world, environment)
    for kind in fitting:
        if kind.name in launching:
            return True
        if kind.name not in environment.exhausted and (kind.vcpus * CPU_UNITS <= room or (overshoot and room > 0)):
            return True
    return False


def can_hold_gang(world: World, environment: EnvironmentState, shape: Shape) -> bool:
    """True when this environment could ever hold the whole gang: "the whole gang must fit maxvCpus".

    A capacity error blocks: "even if lower compute environments could run it".
    """
    resources = environment.spec.resources
    if resources is None:
        return False
    fitting = fitting_types(world, environment, shape)
    return any(kind.vcpus * shape.nodes <= resources.max_vcpus for kind in fitting)


def overshoots(world: World, environment: EnvironmentState) -> bool:
    """True when the environment may go over maxvCpus by one instance: every strategy but BEST_FIT.

    Source: botocore 1.44.5, batch ComputeResource.maxvCpus.
    """
    resources = environment.spec.resources
    return resources is not None and world.settings.max_overshoot and resources.allocation_strategy != "BEST_FIT"
