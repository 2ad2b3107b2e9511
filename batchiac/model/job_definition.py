"""A job definition, as the engine takes it: what a job needs, may retry, and runs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from attrs import field, frozen

from batchiac.model.consumable_resource import ConsumableRequirement
from batchiac.model.sequences import as_tuple

ContainerCondition = Literal["START", "COMPLETE", "SUCCESS"]
Platform = Literal["EC2", "FARGATE", "MANAGED_INSTANCES"]
_NOTHING: Mapping[str, str] = MappingProxyType({})


@frozen
class Resources:
    """What a container, or a whole job, needs.

    Attributes:
        vcpus: whole on EC2; quarters on EKS; 0.25..32 on Fargate.
        memory_mib: the hard limit: a container above it is killed.
    """

    vcpus: float = 1
    memory_mib: int = 128
    gpus: int = 0


@frozen
class EvaluateOnExit:
    """One entry of evaluateOnExit: an empty condition is one that was not given."""

    action: Literal["RETRY", "EXIT"]
    on_status_reason: str = ""
    on_reason: str = ""
    on_exit_code: str = ""


@frozen
class RetryStrategy:
    """`attempts` is 1..10; `evaluate_on_exit` up to 5 entries, the first match decides."""

    attempts: int = 1
    evaluate_on_exit: tuple[EvaluateOnExit, ...] = field(default=(), converter=as_tuple)


@frozen
class Container:
    """One container of a job.

    Attributes:
        depends_on: (container name, condition) pairs; EKS init containers depend on one another with SUCCESS.
        init: an EKS init container: runs to its end before the others.
        log_stream_prefix: `awslogs-stream-prefix`; empty for Batch's own prefix, the definition's name.
    """

    name: str = "default"
    image: str = ""
    command: tuple[str, ...] = field(default=(), converter=as_tuple)
    resources: Resources = Resources()
    environment: Mapping[str, str] = _NOTHING
    essential: bool = True
    depends_on: tuple[tuple[str, ContainerCondition], ...] = field(default=(), converter=as_tuple)
    init: bool = False
    log_stream_prefix: str = ""


@frozen
class NodeRange:
    """Nodes `first`..`last` (inclusive) of a multi-node job run `containers`; later ranges are the inner ones."""

    first: int
    last: int
    containers: tuple[Container, ...] = field(converter=as_tuple)
    instance_types: tuple[str, ...] = field(default=(), converter=as_tuple)


@frozen
class JobDefinition:
    """A revision of a job definition.

    Attributes:
        containers: of a container job; a multi-node job has `node_ranges`.
        timeout_s: attemptDurationSeconds, ≥ 60; None means no timeout.
        architecture: from runtimePlatform; empty means any.
        tags: the definition's own, where `batchiac:duration` and its like may stand.
        invalid_reason: why AWS would find a job of it invalid, after it has taken it in; empty for a sound one.
    """

    name: str
    revision: int = 1
    type: Literal["container", "multinode"] = "container"
    containers: tuple[Container, ...] = field(default=(Container(),), converter=as_tuple)
    platform: Platform = "EC2"
    orchestrator: Literal["ECS", "EKS"] = "ECS"
    retry: RetryStrategy = RetryStrategy()
    timeout_s: int | None = None
    scheduling_priority: int = 0
    architecture: str = ""
    node_ranges: tuple[NodeRange, ...] = field(default=(), converter=as_tuple)
    num_nodes: int = 0
    main_node: int = 0
    consumables: tuple[ConsumableRequirement, ...] = field(default=(), converter=as_tuple)
    tags: Mapping[str, str] = _NOTHING
    invalid_reason: str = ""

    def containers_of_node(self, node: int) -> tuple[Container, ...]:
        """What one node runs, none where no range covers it. Ranges may be nested: "the inner range wins", the
        narrowest one.

        Source: botocore 1.44.5, batch, NodeRangeProperty.targetNodes.
        """
        covering = [each for each in self.node_ranges if each.first <= node <= each.last]
        return min(covering, key=lambda each: each.last - each.first).containers if covering else ()
