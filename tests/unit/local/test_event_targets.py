"""Batch's events reach every kind of target that EventBridge has a service for here, with the input it was told."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.local.projections.event_input import at_path, target_text
from batchiac.testing import TestStack, local_stack

from .conftest import CONTAINER, furnish_with_projections

ARN = "arn:aws:{}:us-east-1:123456789012:{}"
ROLE = "arn:aws:iam::123456789012:role/hosts"
PATTERN = {"source": ["aws.batch"], "detail-type": ["Batch Job State Change"], "detail": {"status": ["SUCCEEDED"]}}


@pytest.fixture
def stack() -> Iterator[TestStack]:
    """Projections on; one UNMANAGED environment, queue `q`, definition `jd`."""
    with local_stack(projections=True) as running:
        furnish_with_projections(running)
        yield running


def run_job(stack: TestStack, name: str = "job") -> str:
    """Submit, and let everything happen; the job's id."""
    job_id: str = stack.client("batch").submit_job(jobName=name, jobQueue="q", jobDefinition="jd")["jobId"]
    stack.clock.advance(600)
    return job_id


def put(
    stack: TestStack, *targets: dict[str, Any], pattern: dict[str, Any] | None = None, bus: str = "default"
) -> None:
    """A rule `r` of `PATTERN` with these targets."""
    events = stack.client("events")
    events.put_rule(Name="r", EventPattern=json.dumps(pattern or PATTERN), EventBusName=bus)
    made = [{"Id": str(number), **target} for number, target in enumerate(targets)]
    assert events.put_targets(Rule="r", Targets=made, EventBusName=bus)["FailedEntryCount"] == 0


def received(stack: TestStack, url: str) -> list[dict[str, Any]]:
    found = stack.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    return list(found.get("Messages", []))


def queue(stack: TestStack, name: str, **attributes: str) -> str:
    return str(stack.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def function(stack: TestStack, name: str) -> str:
    """A function that does nothing; its ARN."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return event\n")
    stack.client("iam").create_role(RoleName="hosts", AssumeRolePolicyDocument="{}")
    made = stack.client("lambda").create_function(
        FunctionName=name, Runtime="python3.12", Role=ROLE, Handler="index.handler", Code={"ZipFile": code.getvalue()}
    )
    return str(made["FunctionArn"])


def lines(stack: TestStack, group: str) -> list[str]:
    logs = stack.client("logs")
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    return [
        event["message"]
        for stream in streams
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    ]


def test_an_event_is_what_aws_sends(stack: TestStack) -> None:
    """Version, source, time as text, the job's ARN; the detail is what DescribeJobs shows."""
    url = queue(stack, "ends")
    put(stack, {"Arn": ARN.format("sqs", "ends")})
    job_id = run_job(stack)
    (message,) = received(stack, url)
    event = json.loads(message["Body"])
    shown = stack.client("batch").describe_jobs(jobs=[job_id])["jobs"][0]
    assert sorted(event) == [
        *("account", "detail", "detail-type", "id", "region", "resources", "source", "time", "version"),
    ]
    assert (event["version"], event["source"], event["resources"]) == ("0", "aws.batch", [shown["jobArn"]])
    assert event["time"].endswith("Z")
    assert {key: event["detail"][key] for key in ("jobId", "status", "jobQueue", "stoppedAt")} == {
        key: shown[key] for key in ("jobId", "status", "jobQueue", "stoppedAt")
    }


def test_sns_hands_on_to_its_subscribers(stack: TestStack) -> None:
    """A topic's queue gets the event, once."""
    url, sns = queue(stack, "subscribed"), stack.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=ARN.format("sqs", "subscribed"),
        Attributes={"RawMessageDelivery": "true"},
    )
    put(stack, {"Arn": topic})
    job_id = run_job(stack)
    assert [json.loads(each["Body"])["detail"]["jobId"] for each in received(stack, url)] == [job_id]


def test_an_invocation_of_a_function_is_in_its_log_group(stack: TestStack) -> None:
    """The event is between START and END; the code itself does not run."""
    arn = function(stack, "on-end")
    put(stack, {"Arn": arn, "InputPath": "$.detail.jobName"})
    run_job(stack)
    begun, handed, ended = lines(stack, "/aws/lambda/on-end")
    assert begun.startswith("START RequestId: ")
    assert handed == '"job"'
    assert ended == begun.replace("START", "END").removesuffix(" Version: $LATEST")


def test_a_log_group_gets_a_stream_an_event(stack: TestStack) -> None:
    """The whole event, or the message that the template makes."""
    logs = stack.client("logs")
    logs.create_log_group(logGroupName="/aws/events/all")
    logs.create_log_group(logGroupName="/aws/events/some")
    template = {
        "InputPathsMap": {"name": "$.detail.jobName", "at": "$.detail.stoppedAt"},
        "InputTemplate": '{"timestamp": <at>, "message": "<name> is over"}',
    }
    put(
        stack,
        {"Arn": ARN.format("logs", "log-group:/aws/events/all:*")},
        {"Arn": ARN.format("logs", "log-group:/aws/events/some"), "InputTransformer": template},
    )
    run_job(stack)
    assert [json.loads(line)["detail"]["status"] for line in lines(stack, "/aws/events/all")] == ["SUCCEEDED"]
    assert lines(stack, "/aws/events/some") == ["job is over"]


def test_a_state_machine_is_started_with_the_event(stack: TestStack) -> None:
    """One execution, whose input is the target's."""
    steps = stack.client("stepfunctions")
    machine = steps.create_state_machine(
        name="m",
        definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
        roleArn=ROLE,
    )["stateMachineArn"]
    put(stack, {"Arn": machine, "Input": '{"from": "batch"}'})
    run_job(stack)
    (execution,) = steps.list_executions(stateMachineArn=machine)["executions"]
    shown = steps.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(shown["input"]) == {"from": "batch"}


def test_another_bus_gets_the_event_and_its_rules_hand_it_on(stack: TestStack) -> None:
    """Unchanged, and not round in circles."""
    events, url = stack.client("events"), queue(stack, "far")
    for name in ("one", "two"):
        events.create_event_bus(Name=name)
    put(stack, {"Arn": ARN.format("events", "event-bus/one")})
    put(stack, {"Arn": ARN.format("events", "event-bus/two")}, {"Arn": ARN.format("sqs", "far")}, bus="one")
    put(stack, {"Arn": ARN.format("events", "event-bus/one")}, bus="two")
    job_id = run_job(stack)
    assert [json.loads(each["Body"])["detail"]["jobId"] for each in received(stack, url)] == [job_id]


def test_kinesis_firehose_and_ecs_are_targets_too(stack: TestStack) -> None:
    """A record in the stream, an object in the bucket, a task in the cluster."""
    kinesis, s3, ecs = stack.client("kinesis"), stack.client("s3"), stack.client("ecs")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    s3.create_bucket(Bucket="bucket")
    stack.client("firehose").create_delivery_stream(
        DeliveryStreamName="f",
        ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::bucket"},
    )
    ecs.create_cluster(clusterName="own-tasks")
    container = {"name": "n", "image": "i", "memory": 1}
    task = ecs.register_task_definition(family="f", containerDefinitions=[container])["taskDefinition"]
    put(
        stack,
        {"Arn": ARN.format("kinesis", "stream/s"), "Input": '"hello"'},
        {"Arn": ARN.format("firehose", "deliverystream/f"), "Input": '"hello"'},
        {
            "Arn": ARN.format("ecs", "cluster/own-tasks"),
            "RoleArn": ROLE,
            "EcsParameters": {"TaskDefinitionArn": task["taskDefinitionArn"], "LaunchType": "FARGATE"},
        },
    )
    run_job(stack)
    shard = kinesis.list_shards(StreamName="s")["Shards"][0]["ShardId"]
    where = kinesis.get_shard_iterator(StreamName="s", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    assert [each["Data"] for each in kinesis.get_records(ShardIterator=where["ShardIterator"])["Records"]] == [
        b'"hello"'
    ]
    (found,) = s3.list_objects_v2(Bucket="bucket")["Contents"]
    assert s3.get_object(Bucket="bucket", Key=found["Key"])["Body"].read() == b'"hello"'
    (arn,) = ecs.list_tasks(cluster="own-tasks")["taskArns"]
    assert ecs.describe_tasks(cluster="own-tasks", tasks=[arn])["tasks"][0]["startedBy"] == "events-rule/r"


def test_what_a_target_refuses_goes_to_its_dead_letter_queue(
    stack: TestStack, caplog: pytest.LogCaptureFixture
) -> None:
    """With AWS's attributes; without such a queue it is logged, and nothing else is held up."""
    dead, alive = queue(stack, "dead"), queue(stack, "alive")
    letters = {"DeadLetterConfig": {"Arn": ARN.format("sqs", "dead")}}
    put(
        stack,
        {"Arn": ARN.format("sqs", "nowhere"), **letters},
        {"Arn": ARN.format("codebuild", "project/p"), **letters},
        {"Arn": ARN.format("batch", "job-queue/none"), "BatchParameters": {"JobName": "a", "JobDefinition": "jd"}},
        {"Arn": ARN.format("sqs", "alive")},
    )
    run_job(stack)
    codes = {each["MessageAttributes"]["ERROR_CODE"]["StringValue"] for each in received(stack, dead)}
    assert codes == {"AWS.SimpleQueueService.NonExistentQueue", "UNSUPPORTED_TARGET"}
    assert len(received(stack, alive)) == 1
    assert [record.message for record in caplog.records if "job-queue/none" in record.message]


def test_a_fifo_queue_gets_its_group(stack: TestStack) -> None:
    """SqsParameters.MessageGroupId."""
    url = queue(stack, "q.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    put(stack, {"Arn": ARN.format("sqs", "q.fifo"), "SqsParameters": {"MessageGroupId": "g"}})
    run_job(stack)
    assert len(received(stack, url)) == 1


def test_a_disabled_rule_gets_nothing(stack: TestStack) -> None:
    """Neither Batch's events nor anybody else's."""
    url, events = queue(stack, "ends"), stack.client("events")
    put(stack, {"Arn": ARN.format("sqs", "ends")}, pattern={"source": ["aws.batch", "own"]})
    events.disable_rule(Name="r")
    run_job(stack)
    events.put_events(Entries=[{"Source": "own", "DetailType": "d", "Detail": "{}"}])
    assert received(stack, url) == []


def test_a_blocked_queue_is_told_of(stack: TestStack) -> None:
    """`Batch Job Queue Blocked`, with the job at its head and the reason."""
    url, batch = queue(stack, "blocked"), stack.client("batch")
    put(stack, {"Arn": ARN.format("sqs", "blocked")}, pattern={"detail-type": ["Batch Job Queue Blocked"]})
    needs = [{"type": "VCPU", "value": "1000"}, {"type": "MEMORY", "value": "128"}]
    large = {**CONTAINER, "resourceRequirements": needs}
    batch.register_job_definition(jobDefinitionName="large", type="container", containerProperties=large)
    batch.submit_job(jobName="large", jobQueue="q", jobDefinition="large")
    stack.clock.advance(3_600)
    events = [json.loads(each["Body"]) for each in received(stack, url)]
    assert [event["detail"]["jobName"] for event in events] == ["large"]
    assert events[0]["resources"][1] == ARN.format("batch", "job-queue/q")
    assert events[0]["detail"]["statusReason"]


def test_a_scheduled_rule_reaches_any_target_and_makes_up_for_nothing(stack: TestStack) -> None:
    """Its event is EventBridge's own; what it missed while it was disabled stays missed."""
    events, url = stack.client("events"), queue(stack, "ticks")
    events.put_rule(Name="tick", ScheduleExpression="cron(0/10 * * * ? *)")
    events.put_targets(Rule="tick", Targets=[{"Id": "1", "Arn": ARN.format("sqs", "ticks")}])
    stack.clock.advance(1_200)
    ticks = [json.loads(each["Body"]) for each in received(stack, url)]
    assert {(each["detail-type"], each["source"]) for each in ticks} == {("Scheduled Event", "aws.events")}
    assert [each["time"] for each in ticks] == ["2026-01-01T00:10:00Z", "2026-01-01T00:20:00Z"]
    events.disable_rule(Name="tick")
    stack.clock.advance(7_200)
    events.enable_rule(Name="tick")
    stack.clock.advance(600)
    assert len(received(stack, url)) == 1


def test_a_rule_takes_no_schedule_that_is_none(stack: TestStack) -> None:
    """As AWS says it."""
    for wrong in ("rate(1 minutes)", "cron(0 0 * * * *)", "at(2026-01-01T00:00:00)"):
        with pytest.raises(ClientError, match="Parameter ScheduleExpression is not valid"):
            stack.client("events").put_rule(Name="r", ScheduleExpression=wrong)


EVENT = {"id": "1", "time": "2026-01-01T00:00:00Z", "resources": ["a", "b"], "detail": {"x": {"y z": 3}, "s": 'a"b'}}


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({"Input": '{"a": 1}'}, '{"a": 1}'),
        ({"InputPath": "$.detail.x"}, '{"y z":3}'),
        ({"InputPath": "$.resources[1]"}, '"b"'),
        ({"InputPath": "$.detail.nothing"}, "null"),
        ({"InputTransformer": {"InputTemplate": '"<s>!"', "InputPathsMap": {"s": "$.detail.s"}}}, '"a\\"b!"'),
        ({"InputTransformer": {"InputTemplate": '{"s": <s>}', "InputPathsMap": {"s": "$.detail.s"}}}, '{"s": "a\\"b"}'),
        ({"InputTransformer": {"InputTemplate": '"(<none>)"', "InputPathsMap": {"none": "$.no"}}}, '"()"'),
        ({"InputTransformer": {"InputTemplate": "<aws.events.rule-name> <other>"}}, '"rule" <other>'),
        ({"InputTransformer": {"InputTemplate": "<aws.events.event>"}}, json.dumps(
            {key: EVENT[key] for key in ("id", "time", "resources")}, separators=(",", ":"))),
        ({}, json.dumps(EVENT, separators=(",", ":"))),
    ],
)  # fmt: skip
def test_what_a_target_is_handed(target: dict[str, Any], text: str) -> None:
    """Input, InputPath, InputTransformer with AWS's reserved variables, or the event."""
    assert target_text(target, EVENT, rule_name="rule", rule_arn="arn") == text


def test_paths_with_quotes_and_indices() -> None:
    """`$.detail.x['y z']`, and nothing where nothing is."""
    assert at_path(EVENT, "$.detail.x['y z']") == 3
    assert at_path(EVENT, "$.resources[5]") is None
    assert at_path(EVENT, "$.id.x") is None
