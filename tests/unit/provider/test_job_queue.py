"""Queues: updates in place, what replaces them, deletion."""

from __future__ import annotations

from typing import Any

from batchiac.model.handler import Effect
from batchiac.provider.normalise import normal


def test_every_setting_changes_in_place(deployed: Any) -> None:
    """Priority, state and time limits: same ARN, and a second plan is empty."""
    held = deployed.held["queue"]
    limit = {
        "reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
        "state": "RUNNABLE",
        "maxTimeSeconds": 600,
        "action": "CANCEL",
    }
    for change in ({"priority": 7}, {"state": "DISABLED"}, {"jobStateTimeLimitActions": [limit]}):
        plan = deployed.diff(held, **change)
        assert {each.effect for each in plan.changes} == {Effect.IN_PLACE}
        deployed.update(held, **change)
        assert held.handler.read(held.id, held.outputs).inputs == held.inputs
        assert deployed.diff(held).changes == ()
    deployed.update(held, jobStateTimeLimitActions=None, state="ENABLED")
    assert not held.handler._find(held.id, held.outputs).get("jobStateTimeLimitActions")


def test_a_scheduling_policy_is_exchanged_but_neither_added_nor_removed(deployed: Any) -> None:
    """Adding or removing one replaces the queue, and the plan says why."""
    held = deployed.held["queue"]
    plan = deployed.diff(held, schedulingPolicyArn="arn:aws:batch:us-east-1:123456789012:scheduling-policy/a")
    assert plan.replaces == ("schedulingPolicyArn",)
    assert plan.changes[0].note == "replaced: a scheduling policy cannot be added to a first-in-first-out queue"
    arn = "arn:aws:batch:us-east-1:123456789012:scheduling-policy/"
    had = {**held.outputs, "schedulingPolicyArn": arn + "a"}
    assert held.handler.diff(had, {**held.inputs, "schedulingPolicyArn": arn + "b"}).replaces == ()
    assert held.handler.diff(had, held.inputs).replaces == ("schedulingPolicyArn",)


def test_order_numbers_mean_their_order() -> None:
    """1, 2 and 0, 5 are the same; a name and its ARN are the same; another order is not."""
    arn = "arn:aws:batch:us-east-1:123456789012:compute-environment/"

    def order(*pairs: tuple[int, str]) -> Any:
        entries = [{"order": number, "computeEnvironment": name} for number, name in pairs]
        return normal("JobQueue", {"computeEnvironmentOrder": entries})

    assert order((1, "a"), (2, "b")) == order((5, arn + "b"), (0, arn + "a"))
    assert order((1, "a"), (2, "b")) != order((1, "b"), (2, "a"))


def test_deleting_a_queue_ends_its_jobs_and_goes(deployed: Any) -> None:
    """It is disabled, deleted and gone; its waiting job has FAILED."""
    held = deployed.held["queue"]
    batch = deployed.stack.client("batch")
    job = batch.submit_job(jobName="j", jobQueue=held.id, jobDefinition=deployed.held["job"]["jobDefinitionArn"])
    assert [each["jobName"] for each in held.handler.find_jobs(held.id)] == ["j"]
    held.handler.delete(held.id, held.outputs)
    assert held.handler.read(held.id, held.outputs).id is None
    assert held.handler.find_jobs(held.id) == []
    assert batch.describe_jobs(jobs=[job["jobId"]])["jobs"][0]["status"] == "FAILED"


def test_a_type_spelled_out_is_no_change_and_a_wrong_one_replaces(deployed: Any) -> None:
    """AWS has inferred ECS: to say so, or to leave it out again, is nothing; to say another is another queue."""
    held = deployed.held["queue"]
    assert held["inferredType"] == "ECS"
    assert deployed.diff(held, jobQueueType="ECS").changes == ()
    assert deployed.diff(held, jobQueueType="ECS_FARGATE").replaces == ("jobQueueType",)
    read = held.handler.read(held.id, held.outputs)
    assert (read.inputs, read.outputs) == (held.inputs, held.outputs)
    deployed.update(held, jobQueueType="ECS", priority=2)
    assert deployed.diff(held, jobQueueType=None).changes == ()


def test_a_queue_that_was_just_changed_is_changed_again(deployed: Any) -> None:
    """A run that failed after its call left the queue UPDATING, and it refuses the next change: that is waited for."""
    held, batch = deployed.held["queue"], deployed.stack.client("batch")

    def described() -> Any:
        return batch.describe_job_queues(jobQueues=[held.id])["jobQueues"][0]

    batch.update_job_queue(jobQueue=held.id, priority=7)
    assert described()["status"] == "UPDATING"
    deployed.update(held, priority=8)
    assert (described()["status"], described()["priority"]) == ("VALID", 8)
