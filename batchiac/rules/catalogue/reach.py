"""Which environments of a stack a job definition can reach, and what they can hold.

A definition is bound to a queue only when a job is submitted, so it can reach the environments of every queue that the
stack declares (or of the queue that the declaration itself refers to as `jobQueue`). An environment of another stack,
or one that is UNMANAGED, may hold anything: then nothing is said.

Memory is what instances register, not what EC2 says they have: "a job of exactly nominal size never fits"
(batchiac.model.instance_type.usable_memory_mib).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import frozen

from batchiac.rules.catalogue.compute_types import EC2_TYPES, FARGATE_TYPES, MANAGED_INSTANCES
from batchiac.rules.finding import Declared
from batchiac.rules.stack import Stack
from batchiac.rules.view import Misshapen, NotYetKnown, View

Platform = str
"""`EC2`, `FARGATE`, `MANAGED_INSTANCES` or `EKS`."""


@frozen
class Size:
    """What a job's container, or node, asks for. Memory in MiB; vCPUs may be fractions on Fargate."""

    vcpus: float
    memory_mib: int
    gpus: int = 0


@frozen
class Environment:
    """What the rules know of one environment.

    Attributes:
        name: its declared name.
        platform: of the jobs that it runs.
        kind: EC2, SPOT, FARGATE, …; `UNMANAGED`.
        max_vcpus: as declared.
        types: the instance types it may launch; None where any may be.
        placement_group: True when it names one.
    """

    name: str
    platform: Platform
    kind: str
    max_vcpus: int
    types: tuple[str, ...] | None
    placement_group: bool


@frozen
class Reach:
    """The environments that a stack's jobs can reach.

    Attributes:
        known: those that are wholly known.
        unknown: what is not yet known, as paths; a rule that finds no room among the known ones says so.
        elsewhere: True when a queue leads out of the stack.
    """

    known: tuple[Environment, ...]
    unknown: tuple[str, ...]
    elsewhere: bool


def reach_of(view: View) -> Reach | None:
    """What the definition that `view` shows can reach; None where the stack declares no queue for it."""
    stack, declared = view.stack, view.declared
    if stack is None or declared is None:
        return None
    queue = declared.references.get("jobQueue")
    key = f"reach {queue or ''}"
    if key not in stack.notes:
        # A queue of service jobs takes no job of a definition.
        queues = [each for each in stack.of_kind("JobQueue") if not each.inputs.get("serviceEnvironmentOrder")]
        stack.notes[key] = _read_reach(stack, [each for each in queues if queue in (None, each.name)])
    found: Reach | None = stack.notes[key]
    return found


def _read_reach(stack: Stack, queues: list[Declared]) -> Reach | None:
    if not queues:
        return None
    known: dict[str, Environment] = {}
    unknown: list[str] = []
    elsewhere = False
    for queue in queues:
        unseen: list[str] = []
        try:
            for entry in stack.view(queue, unseen).views("computeEnvironmentOrder"):
                target = entry.refer("computeEnvironment", "ComputeEnvironment")
                if target is None or target.declared is None:
                    elsewhere = True
                elif target.root not in known:
                    known[target.root] = read_environment(target)
        except NotYetKnown as error:
            unseen.append(error.path)
        except Misshapen:
            # The queue's own finding says so; what it leads to cannot be told.
            elsewhere = True
        unknown.extend(unseen)
    return Reach(tuple(known.values()), tuple(dict.fromkeys(unknown)), elsewhere)


def environments_of(queue: View) -> Iterator[tuple[View, View]]:
    """(entry, environment) for each environment of a queue that this stack declares."""
    for entry in queue.views("computeEnvironmentOrder"):
        target = entry.refer("computeEnvironment", "ComputeEnvironment")
        if target is not None:
            yield entry, target


def read_environment(view: View) -> Environment:
    """What one environment is.

    Raises:
        NotYetKnown: a value that decides it is unknown.
    """
    if view.text("type") == "UNMANAGED":
        return Environment(view.root, "EC2", "UNMANAGED", 0, None, False)
    kind = view.text("computeResources.type")
    if view.has("eksConfiguration"):
        platform = "EKS"
    elif kind in FARGATE_TYPES:
        platform = "FARGATE"
    elif kind == MANAGED_INSTANCES:
        platform = "MANAGED_INSTANCES"
    else:
        platform = "EC2"
    types: tuple[str, ...] | None = None
    if kind in EC2_TYPES:
        types = view.texts("computeResources.instanceTypes")
    elif kind == MANAGED_INSTANCES:
        member = "computeResources.managedInstancesProvider.instanceLaunchTemplate.instanceRequirements"
        types = view.texts(f"{member}.allowedInstanceTypes") or None
    return Environment(
        view.root,
        platform,
        kind,
        view.integer("computeResources.maxvCpus") or 0,
        types,
        # Which group it is may not be known yet; that there is one is.
        view.raw("computeResources.placementGroup") not in (None, ""),
    )


# --- what instances hold ----------------------------------------------------------------------------------------------


def largest(stack: Stack, types: tuple[str, ...]) -> tuple[Size, ...]:
    """The instance types that no other of `types` exceeds in everything; empty where none is in the table."""
    frontiers: dict[tuple[str, ...], tuple[Size, ...]] = stack.notes.setdefault("frontiers", {})
    if types not in frontiers:
        frontiers[types] = _frontier(types)
    return frontiers[types]


def _frontier(types: tuple[str, ...]) -> tuple[Size, ...]:
    from batchiac.model.instance_type import read_instance_types, usable_memory_mib

    table = read_instance_types()
    sizes = {
        (kind.vcpus, usable_memory_mib(kind.memory_mib), kind.gpus)
        for kind in (table[name] for name in table.expand(types))
    }
    best = [
        one
        for one in sizes
        if not any(other != one and all(a >= b for a, b in zip(other, one, strict=True)) for other in sizes)
    ]
    return tuple(Size(*each) for each in sorted(best))


@frozen
class Room:
    """What the reachable environments of one platform, or those that run gangs, can hold together.

    Attributes:
        environments: every one of them.
        sizes: the largest instance types that any of them may launch; None where anything may be launched.
        max_vcpus: the highest limit among them.
        unknown: paths that have to be known before a job can be said to fit nowhere.
    """

    environments: tuple[Environment, ...]
    sizes: tuple[Size, ...] | None
    max_vcpus: int
    unknown: tuple[str, ...]

    def holds(self, size: Size) -> bool:
        """True when an instance of some environment can hold `size`, whatever the limits of vCPUs."""
        return self.sizes is None or any(
            each.vcpus >= size.vcpus and each.memory_mib >= size.memory_mib and each.gpus >= size.gpus
            for each in self.sizes
        )

    def listed(self, words: Callable[[Environment], str]) -> str:
        """The environments in the words of a message; the first few where there are many."""
        shown = ", ".join(words(each) for each in self.environments[:5])
        more = len(self.environments) - 5
        return f"{shown} and {more} more" if more > 0 else shown


def room_of(view: View, which: Callable[[Environment], bool], key: str) -> Room | None:
    """The reachable environments that `which` chooses; None where they cannot be told, or hold whatever they like.

    Worked out once a stack and `key`, so that a thousand definitions cost a thousand look-ups.
    """
    reach = reach_of(view)
    if reach is None or reach.elsewhere or view.stack is None or view.declared is None:
        return None
    note = f"room {key} {view.declared.references.get('jobQueue', '')}"
    if note not in view.stack.notes:
        chosen = tuple(each for each in reach.known if which(each))
        view.stack.notes[note] = _room(view.stack, chosen, reach.unknown)
    found: Room | None = view.stack.notes[note]
    return found


def _room(stack: Stack, environments: tuple[Environment, ...], unknown: tuple[str, ...]) -> Room | None:
    if any(each.kind == "UNMANAGED" for each in environments):
        return None
    sizes: tuple[Size, ...] | None = None
    if all(each.types is not None for each in environments):
        names = dict.fromkeys(name for each in environments for name in each.types or ())
        # No type of the committed table: CE018 says so, and nothing can be said of the size.
        sizes = largest(stack, tuple(names)) or None
    limit = max((each.max_vcpus for each in environments), default=0)
    return Room(environments, sizes, limit, unknown)


# --- what definitions ask for -----------------------------------------------------------------------------------------


def platform_of(view: View) -> Platform:
    """Where the definition's jobs run; EC2 where it does not say."""
    if view.has("eksProperties"):
        return "EKS"
    capabilities = view.texts("platformCapabilities")
    return capabilities[0] if capabilities else "EC2"


def sizes_of(view: View) -> Iterator[tuple[str, Size, int]]:
    """(path, what it asks for, how many nodes) of each kind of task that a job of the definition has.

    Nothing for a size that is not stated; the definition's own rules say that.
    """
    if view.has("nodeProperties"):
        total = view.integer("nodeProperties.numNodes") or 0
        for each in view.views("nodeProperties.nodeRangeProperties"):
            count = _nodes(each.text("targetNodes"), total)
            for path, size in _task_sizes(each, "container"):
                yield path, size, count
        return
    for path, size in _task_sizes(view, "containerProperties"):
        yield path, size, 1


def _nodes(target: str, total: int) -> int:
    """How many nodes `0:3`, `4:` or `2` stands for, of `total`."""
    first, colon, last = target.partition(":")
    try:
        low = int(first or 0)
        high = (int(last) if last else total - 1) if colon else low
    except ValueError:
        return 0
    return max(0, high - low + 1)


def _task_sizes(view: View, container: str) -> Iterator[tuple[str, Size]]:
    if view.has(container):
        size = _container_size(view.part(container))
        if size is not None:
            yield view.absolute(container), size
    for task in view.views("ecsProperties.taskProperties"):
        sizes = [_container_size(each) for each in task.views("containers")]
        stated = [each for each in sizes if each is not None]
        if stated and len(stated) == len(sizes):
            yield task.path, _sum(stated)
    if view.has("eksProperties.podProperties.containers"):
        pods = [_pod_size(each) for each in view.views("eksProperties.podProperties.containers")]
        if pods:
            yield view.absolute("eksProperties.podProperties"), _sum(pods)


def _sum(sizes: list[Size]) -> Size:
    return Size(
        sum(each.vcpus for each in sizes), sum(each.memory_mib for each in sizes), sum(each.gpus for each in sizes)
    )


def _container_size(view: View) -> Size | None:
    asked: dict[str, float] = {}
    for each in view.views("resourceRequirements"):
        asked[each.text("type")] = _number(each.text("value"))
    vcpus = asked.get("VCPU", view.number("vcpus") if view.has("vcpus") else 0) or 0
    memory = asked.get("MEMORY", view.number("memory") if view.has("memory") else 0) or 0
    if not vcpus and not memory:
        return None
    return Size(float(vcpus), int(memory), int(asked.get("GPU", 0)))


def _pod_size(view: View) -> Size:
    asked: dict[str, Any] = {}
    for part in ("requests", "limits"):
        found = view.get(f"resources.{part}")
        if isinstance(found, Mapping):
            asked.update(found)
    memory = str(asked.get("memory", "0"))
    return Size(
        _number(str(asked.get("cpu", "0"))),
        int(_number(memory.removesuffix("Mi"))),
        int(_number(str(asked.get("nvidia.com/gpu", "0")))),
    )


def _number(text: str) -> float:
    """The number that a text says; 0 where it says none (its own rule reports that)."""
    if not text or len(text) > 20 or not text.replace(".", "", 1).isdigit() or not text.isascii():
        return 0.0
    return float(text)
