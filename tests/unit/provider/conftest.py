"""A deployed little world: handlers over the in-process stack, as an engine would call them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from attrs import define, field

from batchiac.aws import Door
from batchiac.errors import AwsRefusal
from batchiac.model.handler import DiffResult
from batchiac.provider import HANDLERS, TOKEN_PREFIX
from batchiac.provider.resource import ResourceHandler
from batchiac.testing import TestStack, local_stack


@define
class Held:
    """What an engine's state holds of one resource."""

    handler: ResourceHandler
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.outputs[key]


@define
class World:
    """Resources by declared name, and the three acts of an engine on them."""

    stack: TestStack
    door: Door
    held: dict[str, Held] = field(factory=dict)

    def handler(self, kind: str) -> ResourceHandler:
        return HANDLERS[TOKEN_PREFIX + kind](self.door)

    def inputs(self, kind: str, name: str, olds: Mapping[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
        result = self.handler(kind).check(olds or {}, {"identity": f"infra/test/{name}", **inputs})
        assert result.failures == ()
        return result.inputs

    def make(self, kind: str, name: str, **inputs: Any) -> Held:
        checked = self.inputs(kind, name, **inputs)
        created = self.handler(kind).create(checked)
        self.held[name] = Held(self.handler(kind), created.id, checked, created.outputs)
        return self.held[name]

    def diff(self, held: Held, **changes: Any) -> DiffResult:
        return held.handler.diff(held.outputs, self._changed(held, changes))

    def update(self, held: Held, **changes: Any) -> Held:
        checked = self._changed(held, changes)
        held.outputs = held.handler.update(held.id, held.outputs, checked)
        held.inputs = checked
        return held

    def _changed(self, held: Held, changes: Mapping[str, Any]) -> dict[str, Any]:
        wanted = {key: each for key, each in {**held.inputs, **changes}.items() if each is not None}
        if held.inputs.get("autoNamed") and held.handler.name_property not in changes:
            wanted.pop(held.handler.name_property, None)
        wanted.pop("autoNamed", None)
        result = held.handler.check(held.inputs, wanted)
        assert result.failures == ()
        return result.inputs


@pytest.fixture(scope="session")
def world_class() -> type[World]:
    return World


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A parameter is the consistency lag in seconds."""
    with local_stack(consistency_lag_s=getattr(request, "param", 0)) as stack:
        yield World(stack, stack.door)


@pytest.fixture
def network(world: World) -> dict[str, Any]:
    """Subnets, a security group and an instance profile; what an environment needs."""
    vpc = world.make("Vpc", "net", cidrBlock="10.0.0.0/16", enableDnsHostnames=True)
    subnet = world.make("Subnet", "net-a", vpcId=vpc["vpcId"], cidrBlock="10.0.0.0/20", availabilityZone="us-east-1a")
    group = world.make("SecurityGroup", "net", vpcId=vpc["vpcId"], description="x")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    role = world.make("Role", "node", assumeRolePolicyDocument=trust)
    profile = world.make("InstanceProfile", "node", roles=[role["roleName"]])
    return {"subnets": [subnet["subnetId"]], "securityGroupIds": [group["groupId"]], "instanceRole": profile["arn"]}


@pytest.fixture
def resources(network: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """`computeResources` of a small On-Demand environment, with changes; None takes a member out."""

    def made(**changes: Any) -> dict[str, Any]:
        base = {
            "type": "EC2",
            "allocationStrategy": "BEST_FIT_PROGRESSIVE",
            "minvCpus": 0,
            "maxvCpus": 64,
            "instanceTypes": ["c5.large"],
            **network,
        }
        return {key: each for key, each in {**base, **changes}.items() if each is not None}

    return made


@pytest.fixture
def deployed(world: World, resources: Callable[..., dict[str, Any]]) -> World:
    """An environment, a queue on it, a job definition."""
    environment = world.make("ComputeEnvironment", "work", type="MANAGED", computeResources=resources())
    order = [{"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}]
    world.make("JobQueue", "queue", priority=1, computeEnvironmentOrder=order)
    world.make("JobDefinition", "job", type="container", containerProperties=CONTAINER)
    return world


CONTAINER = {
    "image": "busybox",
    "command": ["sleep", "600"],
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
}


@pytest.fixture
def container() -> dict[str, Any]:
    return {**CONTAINER}


@pytest.fixture
def described(world: World) -> Callable[[str], dict[str, Any]]:
    """What AWS tells of the compute environment of an ARN."""

    def found(arn: str) -> dict[str, Any]:
        answer = world.stack.client("batch").describe_compute_environments(computeEnvironments=[arn])
        environment: dict[str, Any] = answer["computeEnvironments"][0]
        return environment

    return found


@pytest.fixture
def calls(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """`calls(method)` is the list in which the parameters of the handlers' calls of it will stand; `instead` answers
    in AWS's place: it gets AWS's own answer as a function, and the parameters."""

    def of(
        method: str,
        service: str = "batch",
        instead: Callable[[Callable[[], Any], dict[str, Any]], Any] = lambda answer, _parameters: answer(),
    ) -> list[dict[str, Any]]:
        client = world.door.client(service)
        real = getattr(client, method)
        made: list[dict[str, Any]] = []

        def call(**parameters: Any) -> Any:
            made.append(copy.deepcopy(parameters))
            return instead(lambda: real(**parameters), parameters)

        monkeypatch.setattr(client, method, call, raising=False)
        return made

    return of


@pytest.fixture
def refused_first() -> Callable[[str, str], Callable[[Callable[[], Any], dict[str, Any]], Any]]:
    """`refused_first(operation, text)` is an `instead` for `calls`: AWS refuses the first call with this text."""

    def refusing(operation: str, text: str) -> Callable[[Callable[[], Any], dict[str, Any]], Any]:
        refused: list[str] = []

        def instead(answer: Callable[[], Any], _parameters: dict[str, Any]) -> Any:
            if not refused:
                refused.append(text)
                raise AwsRefusal(operation, "ClientException", text, 400)
            return answer()

        return instead

    return refusing
