"""AWS does not know everywhere at once what it has just answered: handlers wait for it, and for no longer than that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from batchiac.aws.deletion import ACCEPTED_DEADLINE_S
from batchiac.errors import AwsRefusal, PartiallyCreatedError, WaitError
from batchiac.provider.identity import CREATING

Resources = Callable[..., dict[str, Any]]
Calls = Callable[..., list[dict[str, Any]]]

MODIFIED = "Cannot delete, resource is being modified."
RELATED = "Cannot delete, found existing JobQueue relationship."
DENIED = (
    "CLIENT_ERROR - User: arn:aws:sts::123456789012:assumed-role/AWSServiceRoleForBatch/aws-batch is not authorized to"
    " perform: ecs:DescribeClusters"
)


class Unseen:
    """An answer in which what was asked for by name is not there yet, `left` times."""

    def __init__(self, key: str, left: int) -> None:
        self.key, self.left = key, left

    def __call__(self, answer: Callable[[], Any], parameters: dict[str, Any]) -> Any:
        if parameters.get(self.key) and self.left > 0:
            self.left -= 1
            return {self.key: []}
        return answer()


def test_an_environment_that_describe_does_not_know_yet(world: Any, resources: Resources, calls: Calls) -> None:
    """It is waited for, not given up."""
    looks = calls("describe_compute_environments", instead=Unseen("computeEnvironments", 3))
    held = world.make("ComputeEnvironment", "work", type="MANAGED", computeResources=resources())
    assert held["status"] == "VALID"
    assert len(looks) > 3


def test_a_queue_that_describe_does_not_know_yet(deployed: Any, calls: Calls) -> None:
    """The same for queues."""
    order = [{"order": 1, "computeEnvironment": deployed.held["work"].id}]
    looks = calls("describe_job_queues", instead=Unseen("jobQueues", 3))
    assert deployed.make("JobQueue", "second", priority=1, computeEnvironmentOrder=order)["status"] == "VALID"
    assert len(looks) > 3


def test_what_is_never_seen_is_left_for_the_next_run(world: Any, resources: Resources, calls: Calls) -> None:
    """It cannot be removed either: the error says so, the tag stays, and the next create takes it up."""
    handler = world.handler("ComputeEnvironment")
    inputs = world.inputs("ComputeEnvironment", "work", type="MANAGED", computeResources=resources())
    unseen = Unseen("computeEnvironments", 1000)
    calls("describe_compute_environments", instead=unseen)
    made = calls("create_compute_environment")
    with pytest.raises(PartiallyCreatedError, match="though AWS answered that it is made"):
        handler.create(inputs)
    (left,) = world.stack.client("batch").describe_compute_environments()["computeEnvironments"]
    assert CREATING in left["tags"]
    unseen.left = 0
    created = handler.create(inputs)
    assert created.id == left["computeEnvironmentArn"]
    assert len(made) == 1


class Denying:
    """IAM that does not know a role yet: what is created turns INVALID, until a time."""

    def __init__(self, world: Any, seconds: float, reason: str = DENIED) -> None:
        self.world, self.reason = world, reason
        self.until = world.door.clock() + seconds

    def __call__(self, answer: Callable[[], Any], parameters: dict[str, Any]) -> Any:
        found = answer()
        if self.world.door.clock() < self.until:
            self.world.stack.clock.run_until_idle()
            (backend,) = self.world.stack.stage.backends.values()
            name = (parameters.get("computeEnvironmentName") or parameters["computeEnvironment"]).rpartition("/")[2]
            if backend.environment_view(name).status == "VALID":
                backend.engine.invalidate_compute_environment(name, self.reason)
        return found


def test_an_environment_that_is_invalid_until_iam_has_spread(world: Any, resources: Resources, calls: Calls) -> None:
    """terraform-provider-aws#37945: within two minutes of its create it is looked at again, and becomes VALID."""
    denying = Denying(world, 45)
    made = calls("create_compute_environment", instead=denying)
    looked = calls("update_compute_environment", instead=denying)
    held = world.make("ComputeEnvironment", "work", type="MANAGED", computeResources=resources())
    assert held["status"] == "VALID"
    assert len(made) == 1
    assert [each["state"] for each in looked][:2] == ["DISABLED", "ENABLED"]
    assert held.handler.read(held.id, held.outputs).inputs == held.inputs


def test_an_environment_that_stays_invalid_fails_and_goes(world: Any, resources: Resources, calls: Calls) -> None:
    """Two minutes of looking, then AWS's reason is the error and nothing is left."""
    denying = Denying(world, 100_000)
    calls("create_compute_environment", instead=denying)
    calls("update_compute_environment", instead=denying)
    began = world.door.clock()
    with pytest.raises(WaitError, match=r"became INVALID: CLIENT_ERROR - User: .* is not authorized to perform"):
        world.make("ComputeEnvironment", "work", type="MANAGED", computeResources=resources())
    assert 100 < world.door.clock() - began < 600
    assert world.stack.client("batch").describe_compute_environments()["computeEnvironments"] == []


def test_an_environment_that_is_invalid_for_another_reason_fails_at_once(
    world: Any, resources: Resources, calls: Calls
) -> None:
    """A subnet that does not exist will not come to exist."""
    handler = world.handler("ComputeEnvironment")
    inputs = world.inputs(
        "ComputeEnvironment", "work", type="MANAGED", computeResources=resources(subnets=["subnet-00000000"])
    )
    looked = calls("update_compute_environment")
    with pytest.raises(WaitError, match=r"became INVALID: .*subnet-00000000"):
        handler.create(inputs)
    assert "ENABLED" not in [each["state"] for each in looked]


@pytest.mark.parametrize("text", [MODIFIED, RELATED])
def test_a_deletion_that_comes_too_soon_is_tried_again(
    deployed: Any, calls: Calls, refused_first: Callable[..., Any], text: str
) -> None:
    """Describe says VALID, and the update before the deletion is not over everywhere: queue and environment alike."""
    tried = []
    for name, kind in (("queue", "job_queue"), ("work", "compute_environment")):
        held = deployed.held[name]
        tried = calls(f"delete_{kind}", instead=refused_first("Delete", text))
        held.handler.delete(held.id, held.outputs)
        assert len(tried) == 2
        assert held.handler.read(held.id, held.outputs).id is None


def test_a_deletion_is_tried_again_for_so_long_only(
    deployed: Any, calls: Calls, refused_first: Callable[..., Any]
) -> None:
    """Five minutes; and a refusal for another reason comes out at once."""
    held = deployed.held["queue"]
    tried = calls("delete_job_queue", instead=refused_first("DeleteJobQueue", "You are not allowed to do this"))
    with pytest.raises(AwsRefusal, match="not allowed"):
        held.handler.delete(held.id, held.outputs)
    assert len(tried) == 1

    def never(_answer: Callable[[], Any], _parameters: dict[str, Any]) -> Any:
        raise AwsRefusal("DeleteJobQueue", "ClientException", MODIFIED, 400)

    calls("delete_job_queue", instead=never)
    began = deployed.door.clock()
    with pytest.raises(WaitError, match=r"deletion of job queue .*resource is being modified"):
        held.handler.delete(held.id, held.outputs)
    assert ACCEPTED_DEADLINE_S - 10 <= deployed.door.clock() - began <= ACCEPTED_DEADLINE_S + 60


@pytest.mark.parametrize("name", ["queue", "work"])
def test_what_is_being_deleted_outside_is_gone_when_that_is_over(deployed: Any, name: str) -> None:
    """DELETING is no drift to correct: it is waited for, and then it is absent."""
    queue, environment = deployed.held["queue"], deployed.held["work"]
    batch = deployed.stack.client("batch")
    if name == "work":
        queue.handler.delete(queue.id, queue.outputs)
        batch.update_compute_environment(computeEnvironment=environment.id, state="DISABLED")
        deployed.stack.clock.advance(100)
        batch.delete_compute_environment(computeEnvironment=environment.id)
    else:
        batch.update_job_queue(jobQueue=queue.id, state="DISABLED")
        deployed.stack.clock.advance(100)
        batch.delete_job_queue(jobQueue=queue.id)
    held = deployed.held[name]
    assert held.handler._find(held.id, held.outputs)["status"] == "DELETING"
    assert held.handler.read(held.id, held.outputs).id is None
