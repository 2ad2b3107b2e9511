"""A process that dies at any AWS call of a create or a delete: the next run ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from batchiac.aws import Door, door
from batchiac.errors import RefusedError
from batchiac.provider import HANDLERS, TOKEN_PREFIX
from batchiac.provider.identity import CREATING

READING = ("describe", "get_", "list_")


class Killed(BaseException):
    """What kill -9 is to the code: no handler of Exception sees it."""


def dying_door(world: Any, limit: int, reached: list[bool], *, answered: bool) -> Door:
    """A door of a new process that dies at its `limit`th changing call, before AWS gets it or after it has answered."""
    calls = 0

    class Dying(door.Client):
        def __getattr__(self, method: str) -> Callable[..., Any]:
            real = super().__getattr__(method)

            def call(**parameters: Any) -> Any:
                nonlocal calls
                if method.startswith(READING):
                    return real(**parameters)
                calls += 1
                if calls == limit:
                    reached.append(True)
                    if not answered:
                        raise Killed
                answer = real(**parameters)
                if calls == limit:
                    raise Killed
                return answer

            self.__dict__[method] = call
            return call

    class DyingDoor(Door):
        def _build(self, service: str) -> door.Client:
            # What boto3 makes of a service's description takes longer than a case: the world's is taken.
            return self._clients.setdefault(service, Dying(world.door.client(service)._raw, service, self._repeats))

    return DyingDoor(world.door.target, sleep=world.door.sleep, clock=world.door.clock)


def at_every_call(world: Any, kind: str, act: Callable[[Any], Any], check: Callable[[Any, int], None]) -> int:
    """Run `act` with a handler that dies at call 1, 2, … and again with one that lives. Return how often it died."""
    deaths = 0
    for answered in (False, True):
        limit = 0
        while True:
            limit += 1
            died = False
            reached: list[bool] = []
            dying = dying_door(world, limit, reached, answered=answered)
            try:
                check(act(HANDLERS[TOKEN_PREFIX + kind](dying)), limit)
            except Killed:
                died = True
            if died:
                deaths += 1
                check(act(world.handler(kind)), limit)
            elif not reached:
                break
    return deaths


@pytest.fixture
def inputs_of(world: Any, network: dict[str, Any], container: dict[str, Any]) -> Callable[[str], dict[str, Any]]:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    vpc = next(each for name, each in world.held.items() if name.startswith("net")).inputs["vpcId"]
    resources = {"type": "EC2", "minvCpus": 0, "maxvCpus": 4, "instanceTypes": ["c5.large"], **network}
    by_kind: dict[str, dict[str, Any]] = {
        "SecurityGroup": {"vpcId": vpc, "description": "x", "ingress": [{"ipProtocol": "-1", "self": True}]},
        "Role": {"assumeRolePolicyDocument": trust, "managedPolicyArns": [], "inlinePolicies": {"p": allow}},
        "LaunchTemplate": {"launchTemplateData": {"ebsOptimized": True}},
        "InternetGateway": {"vpcId": vpc},
        "ComputeEnvironment": {
            "type": "MANAGED",
            "computeResources": resources,
            "updatePolicy": {"terminateJobsOnUpdate": True, "jobExecutionTimeoutMinutes": 5},
        },
        "JobDefinition": {"type": "container", "containerProperties": container},
    }
    return lambda kind: world.inputs(kind, "it", **by_kind[kind], tags={"team": "x"})


@pytest.mark.parametrize(
    "kind", ["SecurityGroup", "Role", "LaunchTemplate", "InternetGateway", "ComputeEnvironment", "JobDefinition"]
)
def test_a_create_and_a_delete_survive_death_at_any_call(
    world: Any, inputs_of: Callable[[str], dict[str, Any]], kind: str
) -> None:
    """Dead at any changing call and run again: one resource, whole and without our tag, and after the delete none."""
    inputs = inputs_of(kind)

    def check(result: Any, limit: int) -> None:
        created, read, found = result
        assert read.inputs == inputs, limit
        assert CREATING not in found["tags"]
        assert world.handler(kind).read(created.id, created.outputs).id is None
        assert list(world.handler(kind)._find_creating(inputs)) == []

    created: dict[str, Any] = {}

    def create_again(handler: Any) -> Any:
        # As an engine does that records a create before it is confirmed: what it holds, it confirms and deletes.
        if created:
            handler.confirm(created["id"], created["outputs"])
            handler.delete(created["id"], created["outputs"])
            created.clear()
        made = handler.create_unconfirmed(inputs)
        created.update(id=made.id, outputs=made.outputs)
        handler.confirm(made.id, made.outputs)
        read = handler.read(made.id, made.outputs)
        found = handler._find(made.id, made.outputs)
        handler.delete(made.id, made.outputs)
        created.clear()
        return made, read, found

    assert at_every_call(world, kind, create_again, check) >= 4


@pytest.mark.parametrize("kind", ["SecurityGroup", "Role", "ComputeEnvironment", "JobDefinition"])
def test_what_nobody_asks_for_again_is_discarded(
    world: Any, inputs_of: Callable[[str], dict[str, Any]], kind: str
) -> None:
    """Left with its tag on, it goes; without the tag, it is somebody's and stays; nothing is made on the way."""
    handler, inputs = world.handler(kind), inputs_of(kind)
    handler.discard(inputs)
    made = handler.create_unconfirmed(inputs)
    assert handler.read(made.id, made.outputs).inputs == inputs
    handler.discard(inputs)
    assert handler.read(made.id, made.outputs).id is None
    made = handler.create(inputs)
    handler.discard(inputs)
    assert handler.read(made.id, made.outputs).id == made.id
    handler.delete(made.id, made.outputs)
    handler.confirm(made.id, made.outputs)


@pytest.mark.parametrize("kind", ["SecurityGroup", "LaunchTemplate", "Role", "ComputeEnvironment", "JobDefinition"])
def test_a_whole_resource_is_adopted_only_on_an_adapter_s_word(
    world: Any, inputs_of: Callable[[str], dict[str, Any]], kind: str
) -> None:
    """What has the name and not the tag is refused, unless a run died creating it and it is the same in every input."""
    handler, inputs = world.handler(kind), inputs_of(kind)
    made = handler.create(inputs)
    with pytest.raises(RefusedError, match="exists already and is not this stack's"):
        handler.create(inputs)
    handler.was_creating = lambda asked: asked == inputs
    assert handler.create(inputs).id == made.id
    other = {**inputs, "tags": {"team": "y"}}
    handler.was_creating = lambda _asked: True
    with pytest.raises(RefusedError, match="exists already"):
        handler.create(other)
    assert handler.read(made.id, made.outputs).inputs == inputs


def test_what_has_no_name_is_adopted_unless_the_state_has_it(
    world: Any, inputs_of: Callable[[str], dict[str, Any]]
) -> None:
    """A gateway that is the same in every input and tag is taken up; what the state holds is not."""
    handler, inputs = world.handler("InternetGateway"), inputs_of("InternetGateway")
    made = handler.create(inputs)
    handler.was_creating = lambda _asked: True
    assert handler.create(inputs).id == made.id
    assert handler._find_whole(inputs) == made.id
    handler.is_held = lambda _identity, id_: id_ == made.id
    assert handler._find_whole(inputs) is None
