"""EventBridge Scheduler with Batch behind it, in virtual time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.testing import TestStack, local_stack

from .conftest import furnish_with_projections

SUBMIT = "arn:aws:scheduler:::aws-sdk:batch:submitJob"
ROLE = "arn:aws:iam::123456789012:role/scheduler"
REQUEST = {"JobName": "planned", "JobQueue": "q", "JobDefinition": "jd"}
START = "2026-01-01T00:00:"
"""The stack's clock begins in this minute, and stands some seconds into it when it is furnished."""


@pytest.fixture
def stack() -> Iterator[TestStack]:
    with local_stack() as running:
        furnish_with_projections(running)
        yield running


def schedule(stack: TestStack, expression: str, target: dict[str, Any] | None = None, **options: Any) -> None:
    """A schedule `s` that submits a job, unless another target is given."""
    submit = {"Arn": SUBMIT, "RoleArn": ROLE, "Input": json.dumps(REQUEST)}
    stack.client("scheduler").create_schedule(
        Name="s",
        ScheduleExpression=expression,
        Target={"RoleArn": ROLE, **(target or submit)},
        **{"FlexibleTimeWindow": {"Mode": "OFF"}, **options},
    )


def submitted(stack: TestStack, name: str = "planned") -> list[str]:
    """When each job of a name was submitted, oldest first: `2026-01-01T01:00:00`."""
    filters = [{"name": "JOB_NAME", "values": [name]}]
    jobs = stack.client("batch").list_jobs(jobQueue="q", filters=filters)["jobSummaryList"]
    return sorted(datetime.fromtimestamp(job["createdAt"] / 1000, UTC).isoformat()[:19] for job in jobs)


def hours(stack: TestStack, count: float) -> None:
    stack.clock.advance(count * 3_600)


def exists(stack: TestStack) -> bool:
    return bool(stack.client("scheduler").list_schedules()["Schedules"])


def test_a_rate_begins_at_once_and_goes_on(stack: TestStack) -> None:
    """Without a StartDate the first job is submitted when the schedule is made."""
    schedule(stack, "rate(30 minutes)")
    hours(stack, 1)
    times = submitted(stack)
    assert [time[:14] for time in times] == ["2026-01-01T00:"] * 2 + ["2026-01-01T01:"]
    assert times[0].startswith(START)


@pytest.mark.parametrize(("action", "stays"), [("NONE", True), ("DELETE", False)])
def test_a_schedule_of_one_time_fires_once(stack: TestStack, action: str, stays: bool) -> None:
    """In its time zone; afterwards it goes when it was asked to."""
    zone = {"ScheduleExpressionTimezone": "Asia/Tokyo"}
    schedule(stack, "at(2026-01-01T11:00:00)", ActionAfterCompletion=action, **zone)
    hours(stack, 1.9)
    assert (submitted(stack), exists(stack)) == ([], True)
    hours(stack, 48)
    assert submitted(stack) == ["2026-01-01T02:00:00"]
    assert exists(stack) is stays


def test_a_time_zone_follows_daylight_saving(stack: TestStack) -> None:
    """Nine in the morning in New York: 14:00 UTC in winter, 13:00 from 8 March."""
    hours(stack, 24 * 65)
    schedule(stack, "cron(0 9 * * ? *)", ScheduleExpressionTimezone="America/New_York")
    hours(stack, 24 * 3)
    assert submitted(stack) == ["2026-03-07T14:00:00", "2026-03-08T13:00:00", "2026-03-09T13:00:00"]


def test_start_and_end_bound_a_recurring_schedule(stack: TestStack) -> None:
    """A rate counts from its StartDate; after the last time before EndDate the schedule is complete."""
    start, end = (datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (2, 4))
    schedule(stack, "rate(1 hour)", StartDate=start, EndDate=end, ActionAfterCompletion="DELETE")
    hours(stack, 12)
    assert submitted(stack) == [f"2026-01-01T0{hour}:00:00" for hour in (2, 3, 4)]
    assert not exists(stack)


def test_a_flexible_window_fires_somewhere_within_it() -> None:
    """Not always at its beginning, never outside, and the same each time."""

    def run() -> list[str]:
        with local_stack() as stack:
            furnish_with_projections(stack)
            window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
            schedule(stack, "cron(0 * * * ? *)", FlexibleTimeWindow=window)
            hours(stack, 6)
            return submitted(stack)

    times = run()
    minutes = [int(time[14:16]) for time in times]
    assert len(times) in (5, 6)
    assert all(minute < 15 for minute in minutes)
    assert len(set(minutes)) > 1
    assert run() == times


def test_a_disabled_schedule_rests_and_makes_up_for_nothing(stack: TestStack) -> None:
    """UpdateSchedule takes a whole schedule, and begins it anew."""
    schedule(stack, "cron(0 * * * ? *)", State="DISABLED")
    hours(stack, 5)
    assert submitted(stack) == []
    target = {"Arn": SUBMIT, "RoleArn": ROLE, "Input": json.dumps(REQUEST)}
    stack.client("scheduler").update_schedule(
        Name="s", ScheduleExpression="cron(30 * * * ? *)", Target=target, FlexibleTimeWindow={"Mode": "OFF"}
    )
    hours(stack, 1)
    assert submitted(stack) == ["2026-01-01T05:30:00"]


def test_what_a_schedule_knows_of_itself_can_be_in_its_input(stack: TestStack) -> None:
    """`<aws.scheduler.scheduled-time>` and the others."""
    request = {**REQUEST, "Parameters": {"at": "<aws.scheduler.scheduled-time>", "by": "<aws.scheduler.schedule-arn>"}}
    schedule(stack, "cron(0 1 * * ? *)", {"Arn": SUBMIT, "Input": json.dumps(request)})
    hours(stack, 2)
    batch = stack.client("batch")
    filters = [{"name": "JOB_NAME", "values": ["planned"]}]
    (found,) = batch.list_jobs(jobQueue="q", filters=filters)["jobSummaryList"]
    assert batch.describe_jobs(jobs=[found["jobId"]])["jobs"][0]["parameters"] == {
        "at": "2026-01-01T01:00:00Z",
        "by": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/s",
    }


def test_any_change_of_batch_can_be_scheduled(stack: TestStack) -> None:
    """A queue is closed for the night."""
    target = {
        "Arn": "arn:aws:scheduler:::aws-sdk:batch:updateJobQueue",
        "Input": json.dumps({"JobQueue": "q", "State": "DISABLED"}),
    }
    schedule(stack, "at(2026-01-01T01:00:00)", target)
    hours(stack, 2)
    assert stack.client("batch").describe_job_queues()["jobQueues"][0]["state"] == "DISABLED"


def test_a_templated_target_gets_the_input_or_the_schedules_own_event(stack: TestStack) -> None:
    """SQS, as in AWS's example."""
    sqs = stack.client("sqs")
    url = sqs.create_queue(QueueName="m")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:m"
    schedule(stack, "at(2026-01-01T01:00:00)", {"Arn": arn, "Input": "TEST_PAYLOAD"})
    schedule_two = {"Arn": arn, "RoleArn": ROLE}
    stack.client("scheduler").create_schedule(
        Name="two",
        ScheduleExpression="at(2026-01-01T02:00:00)",
        Target=schedule_two,
        FlexibleTimeWindow={"Mode": "OFF"},
    )
    hours(stack, 3)
    bodies = [each["Body"] for each in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]]
    assert bodies[0] == "TEST_PAYLOAD"
    assert json.loads(bodies[1])["time"] == "2026-01-01T02:00:00Z"


@pytest.mark.parametrize(
    ("arn", "request_body", "code"),
    [
        (SUBMIT, {**REQUEST, "JobQueue": "none"}, "ClientException"),
        ("arn:aws:scheduler:::aws-sdk:batch:describeJobs", {"Jobs": ["a"]}, "UNSUPPORTED_TARGET"),
        ("arn:aws:scheduler:::aws-sdk:glue:startJobRun", {}, "UNSUPPORTED_TARGET"),
    ],
)
def test_what_cannot_be_done_goes_to_the_dead_letter_queue(
    stack: TestStack, arn: str, request_body: dict[str, Any], code: str
) -> None:
    """A refusal of Batch's, a reading operation, another service."""
    sqs = stack.client("sqs")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    letters = {"DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:123456789012:dead"}}
    schedule(stack, "at(2026-01-01T01:00:00)", {"Arn": arn, "Input": json.dumps(request_body), **letters})
    hours(stack, 2)
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == code
    assert json.loads(message["Body"]) == request_body


@pytest.mark.parametrize(
    ("expression", "zone", "said"),
    [
        ("cron(0 0 * * * *)", "UTC", "Invalid Schedule Expression"),
        ("every day", "UTC", "Invalid Schedule Expression"),
        ("rate(1 hour)", "Mars/Olympus", "ScheduleExpressionTimezone Mars/Olympus"),
        ("cron(0 0 * * ? *)", "Mars/Olympus", "ScheduleExpressionTimezone Mars/Olympus"),
    ],
)
def test_what_is_no_schedule_is_refused(stack: TestStack, expression: str, zone: str, said: str) -> None:
    """When it is made, not silently later."""
    with pytest.raises(ClientError, match=said):
        schedule(stack, expression, ScheduleExpressionTimezone=zone)
