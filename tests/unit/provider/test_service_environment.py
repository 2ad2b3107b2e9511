"""Service environments and quota shares: updates in place, what replaces them, what goes before what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchiac.aws import job_queue as queues_at_aws
from batchiac.aws import quota_share as shares_at_aws
from batchiac.errors import AwsRefusal, WaitError
from batchiac.model.handler import Effect
from batchiac.provider.normalise import normal

TRAINING = "SAGEMAKER_TRAINING"
LIMITS = [{"maxCapacity": 4, "capacityUnit": "ml.m5.large"}]
SHARE = {
    "capacityLimits": [{"maxCapacity": 2, "capacityUnit": "ml.m5.large"}],
    "resourceSharingConfiguration": {"strategy": "LEND_AND_BORROW", "borrowLimit": 50},
    "preemptionConfiguration": {"inSharePreemption": "DISABLED"},
}


def queue_on(*environments: Any) -> list[dict[str, Any]]:
    return [{"order": order, "serviceEnvironment": each.id} for order, each in enumerate(environments, start=1)]


@pytest.fixture
def training(world: Any) -> Any:
    """A service environment, a queue of quota shares on it, a share."""
    service = world.make("ServiceEnvironment", "gpus", serviceEnvironmentType=TRAINING, capacityLimits=LIMITS)
    policy = world.make("SchedulingPolicy", "quota", quotaSharePolicy={"idleResourceAssignmentStrategy": "FIFO"})
    queue = world.make(
        "JobQueue",
        "queue",
        priority=1,
        jobQueueType=TRAINING,
        serviceEnvironmentOrder=queue_on(service),
        schedulingPolicyArn=policy.id,
    )
    world.make("QuotaShare", "team", jobQueue=queue.id, **SHARE)
    return world


def submit(world: Any, name: str = "train") -> str:
    payload = {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}}
    job = world.stack.client("batch").submit_service_job(
        jobName=name,
        jobQueue=world.held["queue"].id,
        quotaShareName=world.held["team"]["quotaShareName"],
        serviceJobType=TRAINING,
        serviceRequestPayload=json.dumps(payload),
        tags={"batchiac:duration": "1000000"},
    )
    return str(job["jobId"])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("gpus", {"state": "DISABLED"}),
        ("gpus", {"capacityLimits": [{"maxCapacity": 9, "capacityUnit": "ml.m5.large"}]}),
        ("team", {"state": "DISABLED"}),
        ("team", {"capacityLimits": [{"maxCapacity": 1, "capacityUnit": "ml.m5.large"}]}),
        ("team", {"resourceSharingConfiguration": {"strategy": "RESERVE"}}),
        ("team", {"resourceSharingConfiguration": {"strategy": "LEND_AND_BORROW"}}),
        ("team", {"preemptionConfiguration": {"inSharePreemption": "ENABLED"}}),
    ],
)
def test_every_setting_changes_in_place(training: Any, name: str, change: dict[str, Any]) -> None:
    """Same ARN, it reads as declared, and a second plan is empty; taken out, `state` is AWS's default again."""
    held = training.held[name]
    plan = training.diff(held, **change)
    assert {each.effect for each in plan.changes} == {Effect.IN_PLACE}
    training.update(held, **change)
    assert held.handler.read(held.id, held.outputs).inputs == held.inputs
    assert training.diff(held).changes == ()
    if "state" in change:
        training.update(held, state=None)
        assert held.handler._find(held.id, held.outputs)["state"] == "ENABLED"


def test_a_borrow_limit_that_is_taken_out_is_none(training: Any) -> None:
    """AWS is told its default, because leaving it out of an update may mean that it stays."""
    held = training.held["team"]
    training.update(held, resourceSharingConfiguration={"strategy": "LEND_AND_BORROW"})
    found = held.handler._find(held.id, held.outputs)
    assert found["resourceSharingConfiguration"] == {"strategy": "LEND_AND_BORROW", "borrowLimit": -1}


def test_spellings_that_mean_the_same() -> None:
    """Order of limits, a name and its ARN, the defaults."""
    arn = "arn:aws:batch:us-east-1:123456789012:job-queue/training"
    two = [{"capacityUnit": "b", "maxCapacity": 1}, {"capacityUnit": "a", "maxCapacity": 2}]
    one = {"jobQueue": arn, "capacityLimits": two, "state": "ENABLED"}
    other = {"jobQueue": "training", "capacityLimits": two[::-1]}
    assert normal("QuotaShare", one) == normal("QuotaShare", other)
    environment = "arn:aws:batch:us-east-1:123456789012:service-environment/gpus"
    order = [{"order": 1, "serviceEnvironment": environment}]
    named = [{"order": 7, "serviceEnvironment": "gpus"}]
    assert normal("JobQueue", {"serviceEnvironmentOrder": order}) == normal(
        "JobQueue", {"serviceEnvironmentOrder": named}
    )
    resource = "arn:aws:batch:us-east-1:123456789012:consumable-resource/a"
    listed = [{"consumableResource": "b", "quantity": 1}, {"consumableResource": resource, "quantity": 2}]
    turned = [{"consumableResource": "a", "quantity": 2}, {"consumableResource": "b", "quantity": 1}]
    assert normal("JobDefinition", {"consumableResourceProperties": {"consumableResourceList": listed}}) == normal(
        "JobDefinition", {"consumableResourceProperties": {"consumableResourceList": turned}}
    )


def test_names_and_the_queue_replace(training: Any) -> None:
    """A share of a fixed name moves to another queue beside the old one; in its queue the old one goes first."""
    service = training.held["gpus"]
    assert training.diff(service, serviceEnvironmentName="other").replaces == ("serviceEnvironmentName",)
    fixed = training.make("QuotaShare", "fixed", jobQueue=training.held["queue"].id, quotaShareName="fixed", **SHARE)
    moved = training.diff(fixed, jobQueue="arn:aws:batch:us-east-1:123456789012:job-queue/other")
    assert (moved.replaces, moved.delete_before_replace) == (("jobQueue",), False)
    assert fixed.handler._must_delete_first(fixed.outputs, fixed.inputs) is True


def test_the_environment_waits_for_its_queues(training: Any) -> None:
    """While a queue stands on it, it stays as it is and the queue is named; afterwards it goes, disabled first."""
    held = training.held["gpus"]
    with pytest.raises(WaitError, match=r"queue queue-\w+ still stands on it"):
        held.handler.delete(held.id, held.outputs)
    assert held.handler.read(held.id, held.outputs).inputs == held.inputs
    for name in ("team", "queue", "gpus"):
        each = training.held[name]
        each.handler.delete(each.id, each.outputs)
        assert each.handler.read(each.id, each.outputs).id is None


def test_an_update_of_a_queue_returns_when_its_new_environment_is_shown(
    training: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Describe shows the old order for a while: whoever deletes the old environment next is not ahead of it."""
    queue, old = training.held["queue"], training.held["gpus"]
    new = training.make("ServiceEnvironment", "more", serviceEnvironmentType=TRAINING, capacityLimits=LIMITS)
    find, looks = queues_at_aws.find, []

    def late(door: Any, arn: str) -> Any:
        looks.append(arn)
        found = find(door, arn)
        return found if len(looks) > 5 or found is None else {**found, "serviceEnvironmentOrder": queue_on(old)}

    monkeypatch.setattr(queues_at_aws, "find", late)
    training.update(queue, serviceEnvironmentOrder=queue_on(new))
    assert len(looks) > 5
    old.handler.delete(old.id, old.outputs)
    assert old.handler.read(old.id, old.outputs).id is None


def test_jobs_of_a_share_and_of_its_queue_are_found_and_end(training: Any) -> None:
    """Those that have not ended are listed for both; deleting the share ends them, as AWS says."""
    share, queue = training.held["team"], training.held["queue"]
    job = submit(training)
    other = training.make("QuotaShare", "other", jobQueue=queue.id, **SHARE)
    for held in (share, queue):
        assert [each["jobId"] for each in held.handler.find_jobs(held.id)] == [job]
        assert held.handler.delete_words(held.outputs) == "ends"
    assert other.handler.find_jobs(other.id) == []
    share.handler.delete(share.id, share.outputs)
    assert training.stack.client("batch").describe_service_job(jobId=job)["status"] == "FAILED"
    assert share.handler.find_jobs(share.id) == []
    assert share.handler.read(share.id, share.outputs).id is None


def test_a_share_goes_with_its_queue(training: Any) -> None:
    """The queue was deleted outside: the share reads as gone, and its deletion is no error."""
    share, queue = training.held["team"], training.held["queue"]
    queue.handler.delete(queue.id, queue.outputs)
    share.handler.delete(share.id, share.outputs)
    assert share.handler.read(share.id, share.outputs).id is None
    assert share.handler.find_jobs(share.id) == []


def test_a_refusal_is_not_taken_for_absence(training: Any) -> None:
    """DescribeQuotaShare is not allowed, and the share is listed: AWS's refusal comes out."""
    share = training.held["team"]

    class Client:
        def __getattr__(self, name: str) -> Any:
            if name == "describe_quota_share":
                raise AwsRefusal("DescribeQuotaShare", "AccessDeniedException", "not authorized", 403)
            return getattr(training.door.client("batch"), name)

    class Refusing:
        def client(self, _service: str) -> Any:
            return Client()

    with pytest.raises(AwsRefusal, match="not authorized"):
        shares_at_aws.find(Refusing(), share.id)  # type: ignore[arg-type]
    assert shares_at_aws.find(Refusing(), f"{share.id}-nowhere") is None  # type: ignore[arg-type]
