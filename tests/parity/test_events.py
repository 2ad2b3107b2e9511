"""The events that Batch sends to EventBridge, field by field against AWS's examples. With address and date."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from batchiac.testing import TestStack, local_stack

NEEDS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}]
ENVELOPE = {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}
DETAIL = {
    "jobArn", "jobName", "jobId", "jobQueue", "status", "attempts", "createdAt", "retryStrategy", "dependsOn",
    "jobDefinition", "parameters", "container", "propagateTags", "platformCapabilities",
}  # fmt: skip
CONTAINER = {
    "image", "command", "volumes", "environment", "mountPoints", "ulimits", "networkInterfaces",
    "resourceRequirements", "secrets",
}  # fmt: skip
Read = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stack() -> Iterator[TestStack]:
    with local_stack() as running:
        batch = running.client("batch")
        running.client("iam").create_instance_profile(InstanceProfileName="hosts")
        ec2 = running.client("ec2")
        subnet = ec2.describe_subnets()["Subnets"][0]
        group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        resources = {
            "type": "EC2",
            "minvCpus": 0,
            "maxvCpus": 4,
            "instanceTypes": ["m5.large"],
            "subnets": [subnet["SubnetId"]],
            "securityGroupIds": [group],
            "instanceRole": "hosts",
        }
        batch.create_compute_environment(computeEnvironmentName="ce", type="MANAGED", computeResources=resources)
        running.clock.run_until_idle()
        order = [{"order": 1, "computeEnvironment": "ce"}]
        batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
        running.clock.run_until_idle()
        container = {"image": "busybox", "command": ["sleep", "30"], "resourceRequirements": NEEDS}
        batch.register_job_definition(
            jobDefinitionName="jd", type="container", containerProperties=container, retryStrategy={"attempts": 2}
        )
        yield running


def watch(stack: TestStack, pattern: dict[str, Any]) -> Read:
    """What a rule with this pattern delivers to a queue, in order; each call gives all that came so far."""
    events, sqs = stack.client("events"), stack.client("sqs")
    url = sqs.create_queue(
        QueueName="seen.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    )["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="seen", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="seen", Targets=[{"Id": "seen", "Arn": arn, "SqsParameters": {"MessageGroupId": "one"}}])
    seen: list[dict[str, Any]] = []

    def read() -> list[dict[str, Any]]:
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                seen.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return seen

    return read


def test_every_change_of_state_is_an_event_and_the_submission_is_none(stack: TestStack) -> None:
    """One event a change, in the documented form; "Events aren't created for the initial job submission."

    Source: https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html, read 2026-11-21.
    """
    read = watch(stack, {"source": ["aws.batch"]})
    batch = stack.client("batch")
    submitted = batch.submit_job(jobName="event-test", jobQueue="q", jobDefinition="jd", propagateTags=False)
    assert read() == []
    stack.clock.run_until_idle()
    events = read()
    assert [event["detail"]["status"] for event in events] == ["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    for event in events:
        assert set(event) >= ENVELOPE
        assert (event["version"], event["detail-type"], event["source"]) == ("0", "Batch Job State Change", "aws.batch")
        assert (event["account"], event["region"]) == ("123456789012", "us-east-1")
        assert event["resources"] == [submitted["jobArn"]]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"])
    assert len({event["id"] for event in events}) == 4


def test_the_detail_resembles_job_detail(stack: TestStack) -> None:
    """All fields of AWS's example; what has not happened yet does not show; a parent's children have their own events.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html, read 2026-11-21.
    """
    read = watch(stack, {"source": ["aws.batch"], "detail-type": ["Batch Job State Change"]})
    batch = stack.client("batch")
    job = batch.submit_job(jobName="event-test", jobQueue="q", jobDefinition="jd", propagateTags=False)["jobId"]
    stack.clock.run_until_idle()
    runnable, starting, running, succeeded = (event["detail"] for event in read())
    assert set(runnable) >= DETAIL
    assert set(runnable["container"]) >= CONTAINER
    assert runnable["retryStrategy"] == {"attempts": 2, "evaluateOnExit": []}
    assert (runnable["attempts"], runnable["dependsOn"], runnable["parameters"]) == ([], [], {})
    assert not {"startedAt", "stoppedAt"} & (set(runnable) | set(starting))
    assert "startedAt" in running
    assert "stoppedAt" not in running
    shown = batch.describe_jobs(jobs=[job])["jobs"][0]
    for key in DETAIL | {"startedAt", "stoppedAt", "statusReason"}:
        assert succeeded[key] == shown[key]
    parent = batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd", arrayProperties={"size": 2})["jobId"]
    stack.clock.run_until_idle()
    told = [(each["detail"]["jobId"], each["detail"]["status"]) for each in read()[4:]]
    assert [status for job_id, status in told if job_id == parent] == ["PENDING", "SUCCEEDED"]
    assert [status for job_id, status in told if job_id == f"{parent}:1"][-3:] == ["STARTING", "RUNNING", "SUCCEEDED"]


def test_a_retried_attempt_is_in_the_event_that_follows_it(stack: TestStack) -> None:
    """RUNNING → RUNNABLE is a change: its event has the attempt and why it failed.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html, read 2026-11-21.
    """
    read = watch(stack, {"source": ["aws.batch"], "detail": {"status": ["RUNNABLE"]}})
    tags = {"batchiac:exit": "1:0"}
    stack.client("batch").submit_job(jobName="flaky", jobQueue="q", jobDefinition="jd", tags=tags)
    stack.clock.run_until_idle()
    first, second = (event["detail"] for event in read())
    assert "statusReason" not in first
    assert second["statusReason"] == "Essential container in task exited"
    assert [each["container"]["exitCode"] for each in second["attempts"]][:1] == [1]


def test_a_blocked_queue_is_an_event_of_job_and_queue(stack: TestStack) -> None:
    """Resources are the job and the queue; the detail is the job's, RUNNABLE with the reason, the same as Describe's.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/batch-job-queue-blocked-events.html, read 2026-11-21.
    """
    read = watch(stack, {"source": ["aws.batch"], "detail-type": ["Batch Job Queue Blocked"]})
    batch = stack.client("batch")
    big = {"resourceRequirements": [{"type": "VCPU", "value": "96"}]}
    submitted = batch.submit_job(jobName="event-test", jobQueue="q", jobDefinition="jd", containerOverrides=big)
    stack.clock.run_until_idle()
    (event,) = read()
    queue = batch.describe_job_queues(jobQueues=["q"])["jobQueues"][0]["jobQueueArn"]
    assert set(event) >= ENVELOPE
    assert event["source"] == "aws.batch"
    assert event["resources"] == [submitted["jobArn"], queue]
    shown = batch.describe_jobs(jobs=[submitted["jobId"]])["jobs"][0]
    assert shown["statusReason"].startswith("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - ")
    detail = event["detail"]
    assert (detail["status"], detail["statusReason"]) == ("RUNNABLE", shown["statusReason"])
    assert set(detail) >= DETAIL - {"propagateTags"}
    assert set(detail["container"]) >= CONTAINER


def test_planned_lifecycle_events_are_not_batchs(stack: TestStack) -> None:
    """AWS Health sends them (source `aws.health`, "AWS Health Event"); Batch's own events are `aws.batch` alone.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/batch-planned-lifecycle-events.html, read 2026-11-21.
    """
    health = {"source": ["aws.health"], "detail-type": ["AWS Health Event"], "detail": {"service": ["BATCH"]}}
    read = watch(stack, health)
    stack.client("batch").submit_job(jobName="a", jobQueue="q", jobDefinition="jd")
    stack.clock.run_until_idle()
    assert read() == []
    # A rule for them can be tried out: an event of that form, put by hand, reaches it.
    entry = {"Source": "aws.health", "DetailType": "AWS Health Event", "Detail": json.dumps({"service": "BATCH"})}
    stack.client("events").put_events(Entries=[entry])
    assert [event["source"] for event in read()] == ["aws.health"]
