"""Job definitions: one container, or many nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi
from attrs import field, frozen

from batchiac.components.component import Component
from batchiac.components.consumable_resource import Consumes, consumed
from batchiac.components.declaration import Reference, declare
from batchiac.components.roles import Roles
from batchiac.components.wire import merged, wired


@frozen
class OnExit:
    """One retry rule: when every pattern given matches, `action`. A trailing `*` matches the rest."""

    action: Literal["RETRY", "EXIT"]
    on_status_reason: str | None = None
    on_reason: str | None = None
    on_exit_code: str | None = None


@frozen
class Retry:
    """How often a job is tried, 1 to 10, and when: the first rule that matches decides; none that matches: again."""

    attempts: int
    on_exit: Sequence[OnExit] = field(default=(), metadata={"wire": "evaluateOnExit"})


RETRY_ON_HOST_LOSS: tuple[OnExit, ...] = (
    OnExit("RETRY", on_status_reason="Host EC2*"),
    OnExit("EXIT", on_reason="*"),
)
"""Again when the instance went away, not when the job itself failed.
Source: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html"""


@frozen
class Container:
    """What a job's container is.

    Attributes:
        vcpus: whole on EC2; 0.25 to 32 on Fargate. memory_mib: MiB; a job of an instance's whole memory never fits.
        environment: plain values. secrets: variable → ARN of a Secrets Manager secret or SSM parameter.
        job_role: what the job's code may do. execution_role: what ECS needs to start it (Fargate, secrets).
        wire: more of `containerProperties`.
    """

    image: pulumi.Input[str]
    vcpus: float
    memory_mib: int
    command: Sequence[str] = ()
    gpus: int = 0
    environment: Mapping[str, pulumi.Input[str]] = field(factory=dict)
    secrets: Mapping[str, pulumi.Input[str]] = field(factory=dict)
    job_role: pulumi.Input[str] | Reference | None = None
    execution_role: pulumi.Input[str] | Reference | None = None
    wire: Mapping[str, Any] | None = None

    def properties(self) -> dict[str, Any]:
        """`containerProperties` of the API."""
        requirements = [
            {"type": "VCPU", "value": f"{self.vcpus:g}"},
            {"type": "MEMORY", "value": str(self.memory_mib)},
        ]
        if self.gpus:
            requirements.append({"type": "GPU", "value": str(self.gpus)})
        properties = {
            "image": self.image,
            "command": list(self.command) or None,
            "resourceRequirements": requirements,
            "environment": [{"name": key, "value": value} for key, value in self.environment.items()] or None,
            "secrets": [{"name": key, "valueFrom": value} for key, value in self.secrets.items()] or None,
            "jobRoleArn": self.job_role,
            "executionRoleArn": self.execution_role,
        }
        return merged(properties, self.wire)


class _Definition(Component):
    """Attributes: arn_output (of the newest revision), name_output, revision_output."""

    def _declare(self, name: str, inputs: Mapping[str, Any]) -> None:
        definition = declare("JobDefinition", name, inputs, self)
        self.arn = Reference(definition, "jobDefinitionArn")
        self.arn_output: pulumi.Output[str] = definition.output("jobDefinitionArn")
        self.name_output: pulumi.Output[str] = definition.output("jobDefinitionName")
        self.revision_output: pulumi.Output[int] = definition.output("revision")
        self.register_outputs({})


class ContainerJobDefinition(_Definition):
    """A job of one container; also for arrays, whose children all run it.

    Args:
        container: what runs; its roles come from `roles` where it names none.
        retry: attempts, or attempts and rules.
        timeout_s: each attempt's, at least 60.
        parameters: defaults of `Ref::name` in the command.
        consumes: what each job takes of consumable resources, at most five of them.
        platform: `EC2` or `FARGATE`.
        scheduling_priority: 0 to 9999, within a share of a fair-share queue.
        propagate_tags: tags reach the ECS task.
        keep_revisions: how many old revisions stay active; one that a job still uses always does.
        job_definition_name: fixes the physical name.
        wire: anything else, in wire form, laid over the inputs.
    """

    def __init__(
        self,
        name: str,
        *,
        container: Container,
        roles: Roles | None = None,
        retry: Retry | int | None = None,
        timeout_s: int | None = None,
        parameters: Mapping[str, str] | None = None,
        consumes: Sequence[Consumes] = (),
        platform: Literal["EC2", "FARGATE"] = "EC2",
        scheduling_priority: int | None = None,
        propagate_tags: bool | None = None,
        keep_revisions: int | None = None,
        job_definition_name: str | None = None,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        wire: Mapping[str, Any] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("batchiac:batch:ContainerJobDefinition", name, None, opts)
        inputs = {
            "jobDefinitionName": job_definition_name,
            "type": "container",
            "containerProperties": _with_roles(container.properties(), roles),
            "platformCapabilities": [platform],
            "consumableResourceProperties": consumed(consumes),
            **_shared(retry, timeout_s, parameters, scheduling_priority, propagate_tags, keep_revisions, tags),
        }
        self._declare(name, merged(inputs, wire))


class MultiNodeJobDefinition(_Definition):
    """A job of several nodes that run at the same time and reach each other; the main node's end is the job's end.

    Args:
        nodes: how many, 1 to 1000.
        container: what every node runs; or
        groups: node range (`0`, `1:`, `0:3`) → container.
        main_node: its index.
        instance_type: every node's, where one is wanted.
        consumes: what each job takes of consumable resources, at most five of them.
    """

    def __init__(
        self,
        name: str,
        *,
        nodes: int,
        container: Container | None = None,
        groups: Mapping[str, Container] | None = None,
        main_node: int = 0,
        instance_type: str | None = None,
        roles: Roles | None = None,
        retry: Retry | int | None = None,
        timeout_s: int | None = None,
        parameters: Mapping[str, str] | None = None,
        consumes: Sequence[Consumes] = (),
        propagate_tags: bool | None = None,
        keep_revisions: int | None = None,
        job_definition_name: str | None = None,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        wire: Mapping[str, Any] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("batchiac:batch:MultiNodeJobDefinition", name, None, opts)
        if (container is None) == (groups is None):
            raise ValueError(f"multi-node job definition {name} takes either container or groups, and one of them")
        ranges = groups if groups is not None else {"0:": container}
        node_ranges = []
        for nodes_of_range, each in ranges.items():
            assert each is not None
            properties = _with_roles(each.properties(), roles)
            properties["instanceType"] = instance_type
            node_ranges.append({"targetNodes": nodes_of_range, "container": properties})
        inputs = {
            "jobDefinitionName": job_definition_name,
            "type": "multinode",
            "nodeProperties": {"numNodes": nodes, "mainNode": main_node, "nodeRangeProperties": node_ranges},
            "consumableResourceProperties": consumed(consumes),
            **_shared(retry, timeout_s, parameters, None, propagate_tags, keep_revisions, tags),
        }
        self._declare(name, merged(inputs, wire))


def _shared(
    retry: Retry | int | None,
    timeout_s: int | None,
    parameters: Mapping[str, str] | None,
    scheduling_priority: int | None,
    propagate_tags: bool | None,
    keep_revisions: int | None,
    tags: Mapping[str, pulumi.Input[str]] | None,
) -> dict[str, Any]:
    if isinstance(retry, int):
        retry = Retry(retry)
    strategy = wired(retry)
    if strategy and not strategy["evaluateOnExit"]:
        del strategy["evaluateOnExit"]
    return {
        "retryStrategy": strategy,
        "timeout": {"attemptDurationSeconds": timeout_s} if timeout_s is not None else None,
        "parameters": dict(parameters) if parameters else None,
        "schedulingPriority": scheduling_priority,
        "propagateTags": propagate_tags,
        "keepRevisions": keep_revisions,
        "tags": {**(tags or {})},
    }


def _with_roles(properties: dict[str, Any], roles: Roles | None) -> dict[str, Any]:
    if roles is not None:
        for key, found in (("jobRoleArn", roles.job_role_arn), ("executionRoleArn", roles.execution_role_arn)):
            if properties.get(key) is None:
                properties[key] = found
    return properties
