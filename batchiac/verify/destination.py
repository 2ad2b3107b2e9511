"""Where tasks go: the queues and job definitions that the stack has, found by the name that a workload uses.

Physical names are a logical name and a suffix of seven hex digits; a workload says the logical one, or the whole.
Read over the Batch API, so that the same code serves the simulated stack and a real one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from attrs import frozen

from batchiac.errors import WorkloadError

_SUFFIX = r"-[0-9a-f]{7}"


@frozen
class Queue:
    """A job queue. `environments` are the names of its compute environments in their order."""

    name: str
    arn: str
    priority: int
    fair_share: bool
    environments: tuple[str, ...]


@frozen
class Environment:
    """A compute environment. `max_vcpus` is None for UNMANAGED ones, whose capacity Batch does not set."""

    name: str
    max_vcpus: int | None
    spot: bool
    fargate: bool
    instance_types: tuple[str, ...] = ()


@frozen
class Definition:
    """The newest active revision of a job definition.

    Attributes:
        kind: how its overrides are spelled: `container`, `multinode`, `ecs` or `eks`.
        vcpus, memory_mib: what one container or node asks for.
        nodes: 1 unless multinode.
    """

    name: str
    arn: str
    revision: int
    kind: str
    vcpus: float
    memory_mib: int
    nodes: int = 1


_Named = TypeVar("_Named", Queue, Definition)


@frozen
class Destinations:
    """Everything that a task can be sent to, in order of name.

    Attributes:
        exported: every text among the stack's outputs: what it exports is its own.
    """

    queues: tuple[Queue, ...]
    environments: Mapping[str, Environment]
    definitions: tuple[Definition, ...]
    exported: tuple[str, ...] = ()

    def queue(self, name: str | None, task: str) -> Queue:
        """The queue that `name` means; without a name the one of highest priority that needs no share.

        Raises:
            WorkloadError: the stack has no such queue, or more than one could be meant.
        """
        if name is not None:
            return _named(self.queues, self.exported, name, "job queue", task)
        if not self.queues:
            raise WorkloadError("the stack has no job queue: declare one before you run a workload on it")
        return min(self._own(self.queues), key=lambda each: (each.fair_share, -each.priority, each.name))

    def definition(self, name: str | None, task: str, *, nodes: bool) -> Definition:
        """The definition that `name` means; without a name the plainest one of the kind that the task needs.

        Raises:
            WorkloadError: the stack has no such definition, or more than one could be meant.
        """
        if name is not None:
            return _named(self.definitions, self.exported, name, "job definition", task)
        kind = "multi-node" if nodes else "container"
        fitting = [each for each in self.definitions if (each.kind == "multinode") == nodes]
        if not fitting:
            raise WorkloadError(f"task {task!r} needs a {kind} job definition and the stack has none: declare one")
        # The fewest vCPUs, since overrides make of it what is needed; then the most memory, so that a task that does
        # not say how much it needs is the least likely to be killed for it.
        return min(self._own(fitting), key=lambda each: (each.vcpus, -each.memory_mib, each.name))

    def _own(self, known: Sequence[_Named]) -> Sequence[_Named]:
        """Those that the stack exports; all, where it exports none: an account may hold other stacks' as well."""
        return [each for each in known if each.name in self.exported or each.arn in self.exported] or known

    def max_vcpus(self, queues: Sequence[Queue]) -> int | None:
        """The most vCPUs that jobs in these queues can have; None when an UNMANAGED environment is among them."""
        names = {name for queue in queues for name in queue.environments}
        sizes = [self.environments[name].max_vcpus for name in names if name in self.environments]
        known = [size for size in sizes if size is not None]
        return sum(known) if known and len(known) == len(sizes) else None


def logical_name(name: str) -> str:
    """A physical name without the suffix that the program's own name got.

    Reports use it: the suffix derives from ids that the simulated account makes up anew each time, and the same
    workload, stack and seed are to give the same report.
    """
    return re.sub(_SUFFIX + "$", "", name)


def read_destinations(client: Any, outputs: Mapping[str, Any] | None = None) -> Destinations:
    """What a Batch client's account and region have: VALID or not, since a stuck job is a result, not an error.

    Args:
        outputs: the stack's: what they name is its own.
    """
    queues = [
        Queue(
            name=each["jobQueueName"],
            arn=each["jobQueueArn"],
            priority=each["priority"],
            fair_share=bool(each.get("schedulingPolicyArn")),
            environments=tuple(
                order["computeEnvironment"].rpartition("/")[2]
                for order in sorted(each.get("computeEnvironmentOrder", ()), key=lambda order: order["order"])
            ),
        )
        for each in _pages(client.describe_job_queues, "jobQueues")
        if each.get("state") == "ENABLED"
    ]
    environments = [_environment(each) for each in _pages(client.describe_compute_environments, "computeEnvironments")]
    newest: dict[str, Definition] = {}
    for each in _pages(client.describe_job_definitions, "jobDefinitions", status="ACTIVE"):
        known = newest.get(each["jobDefinitionName"])
        if known is None or known.revision < each["revision"]:
            newest[each["jobDefinitionName"]] = _definition(each)
    return Destinations(
        tuple(sorted(queues, key=lambda each: each.name)),
        {each.name: each for each in environments},
        tuple(sorted(newest.values(), key=lambda each: each.name)),
        tuple(_texts(outputs or {})),
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _pages(describe: Callable[..., Mapping[str, Any]], key: str, **parameters: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        answer = describe(**parameters, **token)
        found += answer[key]
        if not answer.get("nextToken"):
            return found
        token = {"nextToken": answer["nextToken"]}


def _environment(described: Mapping[str, Any]) -> Environment:
    resources = described.get("computeResources") or {}
    kind = resources.get("type", "")
    return Environment(
        name=described["computeEnvironmentName"],
        max_vcpus=resources.get("maxvCpus"),
        spot=kind in ("SPOT", "FARGATE_SPOT"),
        fargate=kind.startswith("FARGATE"),
        instance_types=tuple(resources.get("instanceTypes") or ()),
    )


def _definition(described: Mapping[str, Any]) -> Definition:
    nodes = 1
    if described.get("type") == "multinode":
        properties = described["nodeProperties"]
        nodes = properties["numNodes"]
        container = (properties.get("nodeRangeProperties") or [{}])[0].get("container") or {}
        kind = "multinode"
    elif described.get("eksProperties"):
        kind, container = "eks", {}
    elif described.get("ecsProperties"):
        kind = "ecs"
        container = described["ecsProperties"]["taskProperties"][0]["containers"][0]
    else:
        kind, container = "container", described.get("containerProperties") or {}
    asked = {each["type"]: each["value"] for each in container.get("resourceRequirements") or ()}
    return Definition(
        name=described["jobDefinitionName"],
        arn=described["jobDefinitionArn"],
        revision=described["revision"],
        kind=kind,
        vcpus=float(asked.get("VCPU") or container.get("vcpus") or 1),
        memory_mib=int(asked.get("MEMORY") or container.get("memory") or 0),
        nodes=nodes,
    )


def _named(known: Sequence[_Named], exported: Sequence[str], name: str, what: str, task: str) -> _Named:
    exact = [each for each in known if name in (each.name, each.arn)]
    if exact:
        return exact[0]
    matching = [each for each in known if re.fullmatch(re.escape(name) + _SUFFIX, each.name)]
    # Stacks of one program have the same logical names: the one's own win.
    matching = [each for each in matching if each.name in exported or each.arn in exported] or matching
    if len(matching) == 1:
        return matching[0]
    whom = f"task {task!r} names" if task else "you named"
    if matching:
        raise WorkloadError(
            f"{whom} the {what} {name!r}, and the stack has {', '.join(each.name for each in matching)}:"
            " give the whole name"
        )
    have = ", ".join(logical_name(each.name) for each in known) or "none"
    raise WorkloadError(f"{whom} the {what} {name!r}, which the stack does not have: it has {have}")
