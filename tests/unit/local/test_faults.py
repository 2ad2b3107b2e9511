"""Faults in the in-process stack: every client of the process meets them, in any service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from batchiac.errors import UsageError
from batchiac.local.api_error import ApiError
from batchiac.local.server.faults import FaultError
from batchiac.testing import TestStack, local_stack

from .conftest import furnish

ONCE = Config(retries={"total_max_attempts": 1})
JOB = {"jobName": "job", "jobQueue": "q", "jobDefinition": "jd"}


@pytest.fixture
def stack() -> Iterator[TestStack]:
    with local_stack(projections=False) as running:
        furnish(running)
        yield running


def code_of(call: Any, **request: Any) -> str:
    """The error code of a call, empty for a success."""
    try:
        call(**request)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.mark.parametrize(
    ("service", "call", "code", "status"),
    [
        ("batch", lambda client: client.describe_job_queues(), "TooManyRequestsException", 429),
        ("ec2", lambda client: client.describe_vpcs(), "RequestLimitExceeded", 503),
        ("iam", lambda client: client.list_roles(), "Throttling", 400),
        ("s3", lambda client: client.list_buckets(), "SlowDown", 503),
        ("events", lambda client: client.list_rules(), "Throttling", 400),
        ("lambda", lambda client: client.list_functions(), "Throttling", 400),
    ],
)
def test_throttling_in_each_protocol(stack: TestStack, service: str, call: Any, code: str, status: int) -> None:
    """Each service's own code and status, and only that service's."""
    stack.faults.add("throttling", service=service, times=1)
    stack.client("sts").get_caller_identity()
    client = stack.client(service, config=ONCE)
    with pytest.raises(ClientError) as caught:
        call(client)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    call(client)
    assert stack.faults.listed() == []


def test_a_lost_answer_has_its_effect(stack: TestStack) -> None:
    """The connection breaks, the job is there; so it is for clients without HTTP."""
    stack.faults.add("lost_answer", service="batch", operation="SubmitJob", times=3)
    batch = stack.client("batch", config=ONCE)
    with pytest.raises(ConnectionClosedError):
        batch.submit_job(**JOB)
    with pytest.raises(ConnectionClosedError):
        stack.direct().submit_job(**JOB)
    with pytest.raises(ConnectionClosedError):
        stack.call("SubmitJob", JOB)
    stack.clock.run_until_idle()
    filters = [{"name": "JOB_NAME", "values": ["job"]}]
    assert len(batch.list_jobs(jobQueue="q", filters=filters)["jobSummaryList"]) == 3


def test_clients_without_http_meet_them_too(stack: TestStack) -> None:
    """boto3's error from `direct`, ours from `call`."""
    stack.faults.add("server_error", service="batch", status=503, times=2)
    with pytest.raises(ClientError) as caught:
        stack.direct().describe_job_queues()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    with pytest.raises(ApiError):
        stack.call("DescribeJobQueues")
    assert stack.call("DescribeJobQueues")["jobQueues"]


def test_a_slow_answer_passes_on_the_stacks_clock(stack: TestStack) -> None:
    """Nobody waits for a virtual clock."""
    stack.faults.add("slow", delay_s=30, times=1)
    begun = stack.clock.now_ms()
    stack.client("batch").describe_job_queues()
    assert stack.clock.now_ms() == begun + 30_000


def test_the_same_seed_meets_the_same_faults() -> None:
    """Another seed meets others."""

    def run(seed: int) -> list[str]:
        with local_stack(projections=False, seed=seed) as stack:
            stack.faults.add("throttling", service="batch", probability=0.5)
            stack.faults.add("server_error", service="batch", probability=0.3)
            batch = stack.client("batch", config=ONCE)
            return [code_of(batch.describe_job_queues) for _ in range(30)]

    first = run(1)
    assert run(1) == first
    assert run(2) != first
    assert len(set(first)) == 3


def test_lasting_faults_of_the_simulation_are_listed_and_lifted(stack: TestStack) -> None:
    """A pool that is empty gives again, when its fault is cleared or its time is over."""
    fault = stack.faults.add("no_capacity", instance_type="m5.large")
    timed = stack.faults.add("no_capacity", instance_type="c5.large", duration_s=60)
    assert [each.id for each in stack.faults.listed()] == [fault.id, timed.id]
    stack.clock.advance(61)
    assert stack.faults.listed() == [fault]
    stack.faults.clear(fault.id)
    assert stack.faults.listed() == []
    with pytest.raises(FaultError, match="no compute environment"):
        stack.faults.add("stuck_deleting", compute_environment="nope")


def test_faults_end_with_their_stack() -> None:
    """The next one has none, and one that is over none to give."""
    with local_stack(projections=False) as stack:
        stack.faults.add("throttling")
    with local_stack(projections=False) as another:
        another.client("batch").describe_job_queues()
        assert another.faults.listed() == []
    with pytest.raises(UsageError, match="not running"):
        _ = stack.faults


def test_a_tag_makes_a_jobs_start_fail_as_retry_rules_see_it(stack: TestStack) -> None:
    """ "Task failed to start", the class as the container's reason, no exit code; a rule tells it from other ends."""
    batch = stack.client("batch")
    rules = [
        {"onReason": "DockerTimeoutError:*", "action": "RETRY"},
        {"onReason": "CannotPullContainerError:*", "action": "EXIT"},
    ]
    retry = {"attempts": 5, "evaluateOnExit": rules}
    tags = {"batchiac:start": "DockerTimeoutError:CannotPullContainerError"}
    job_id = batch.submit_job(**JOB, tags=tags, retryStrategy=retry)["jobId"]
    stack.clock.run_until_idle()
    job = batch.describe_jobs(jobs=[job_id])["jobs"][0]
    assert (job["status"], job["statusReason"], "startedAt" in job) == ("FAILED", "Task failed to start", False)
    reasons = [each["container"]["reason"].partition(":")[0] for each in job["attempts"]]
    assert reasons == ["DockerTimeoutError", "CannotPullContainerError"]
    assert not any("exitCode" in each["container"] for each in job["attempts"])
    with pytest.raises(ClientError, match="batchiac:start=Nothing is not understood"):
        batch.submit_job(**JOB, tags={"batchiac:start": "Nothing"})
