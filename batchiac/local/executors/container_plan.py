"""What is to be started for one attempt of a job, child or node: its containers, each with all that it is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from batchiac.engine.views import AttemptView, JobView
from batchiac.local.executors.secrets import read_secret
from batchiac.local.job_detail import log_group_of, log_stream_of, payload_at, task_id_of
from batchiac.model.job_definition import Container

if TYPE_CHECKING:
    from batchiac.local.records import JobRecord

Wire = dict[str, Any]

MAIN_NODE_ADDRESS = "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"
_VARIABLE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


@frozen
class ContainerPlan:
    """One container.

    Attributes:
        name: `default` for the only one of a container job.
        image: for what is said about it; it is not looked at.
        command: empty where the image's own would run.
        memory_mib: its hard limit, 0 for none.
        depends_on: (container name, START, COMPLETE or SUCCESS).
        init: runs to its end before those that are not (EKS).
        group: of CloudWatch Logs; empty where its output goes elsewhere.
        stop_timeout_ms: SIGTERM until SIGKILL where another container ended the task; None for the usual 30 s.
    """

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    memory_mib: int
    essential: bool
    depends_on: tuple[tuple[str, str], ...]
    init: bool
    group: str
    stream: str
    stop_timeout_ms: int | None


@frozen
class TaskPlan:
    """The containers of one attempt. `pod`: they end one by one, and none is essential to the others."""

    containers: tuple[ContainerPlan, ...]
    pod: bool


def plan_task(
    record: JobRecord,
    view: JobView,
    attempt: AttemptView,
    variables: Mapping[str, str],
    metadata: Callable[[str], Mapping[str, str]],
    region: str,
    account: str,
) -> TaskPlan:
    """The containers of one attempt.

    Args:
        variables: for every container, beside its own and the AWS_BATCH_* ones.
        metadata: container name → what only this one is told.

    Raises:
        SecretError: a secret cannot be read.
    """
    batch = dict(view.environment_variables)
    if MAIN_NODE_ADDRESS in batch:
        # The nodes are processes of one machine: this is where the main one listens.
        batch[MAIN_NODE_ADDRESS] = "127.0.0.1"
    pod = view.request.definition.orchestrator == "EKS"
    containers = []
    for model, wire in zip(models_of(view), wires_of(record, view), strict=True):
        given = {**variables, **metadata(model.name), **model.environment, **_secrets(wire, region, account), **batch}
        awslogs = wire.get("logConfiguration", {}).get("logDriver", "awslogs") == "awslogs"
        containers.append(
            ContainerPlan(
                name=model.name,
                image=model.image,
                command=_expanded(model.command, given) if pod else tuple(model.command),
                environment=given,
                memory_mib=model.resources.memory_mib,
                essential=model.essential,
                depends_on=tuple(model.depends_on),
                init=model.init,
                group=log_group_of(wire) if awslogs else "",
                stream=log_stream_of(record, wire, task_id_of(attempt)),
                stop_timeout_ms=wire["stopTimeout"] * 1000 if "stopTimeout" in wire else None,
            )
        )
    return TaskPlan(tuple(containers), pod)


def models_of(view: JobView) -> Sequence[Container]:
    """The containers of a job, child or node as the engine has them."""
    definition = view.request.definition
    return definition.containers if view.node_index is None else definition.containers_of_node(view.node_index)


def wires_of(record: JobRecord, view: JobView) -> Iterator[Wire]:
    """The same containers in wire form, in the same order."""
    payload = payload_at(record, view)
    single = payload.get("containerProperties") or payload.get("container")
    if single is not None:
        yield single
    elif "ecsProperties" in payload:
        yield from payload["ecsProperties"]["taskProperties"][0]["containers"]
    elif "eksProperties" in payload:
        pod = payload["eksProperties"]["podProperties"]
        yield from pod.get("initContainers", ())
        yield from pod.get("containers", ())


def _secrets(container: Wire, region: str, account: str) -> dict[str, str]:
    return {each["name"]: read_secret(each["valueFrom"], region, account) for each in container.get("secrets", ())}


def _expanded(command: Sequence[str], environment: Mapping[str, str]) -> tuple[str, ...]:
    """A pod's command with `$(NAME)` filled in; an unknown name stays, `$$(NAME)` becomes `$(NAME)`.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#entrypoint, read 2026-11-21.
    """

    def value(found: re.Match[str]) -> str:
        if found[1] is None:
            return "$"
        return environment.get(found[1], found[0])

    return tuple(_VARIABLE.sub(value, word) for word in command)
