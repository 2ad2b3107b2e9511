"""Service jobs as far as the API and their states go: no SageMaker is simulated. With address and date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.testing import TestStack, local_stack


@pytest.fixture
def stack() -> Iterator[TestStack]:
    with local_stack(projections=False) as running:
        batch = running.client("batch")
        batch.create_service_environment(
            serviceEnvironmentName="se",
            serviceEnvironmentType="SAGEMAKER_TRAINING",
            capacityLimits=[{"maxCapacity": 4, "capacityUnit": "NUM_INSTANCES"}],
        )
        running.clock.run_until_idle()
        batch.create_job_queue(
            jobQueueName="q",
            jobQueueType="SAGEMAKER_TRAINING",
            priority=1,
            serviceEnvironmentOrder=[{"order": 1, "serviceEnvironment": "se"}],
        )
        running.clock.run_until_idle()
        yield running


def submit(batch: Any, **more: Any) -> str:
    job_id: str = batch.submit_service_job(
        jobName="train", jobQueue="q", serviceJobType="SAGEMAKER_TRAINING", serviceRequestPayload="{}", **more
    )["jobId"]
    return job_id


def test_a_service_job_has_a_state_more_than_others(stack: TestStack) -> None:
    """SCHEDULED comes between RUNNABLE and STARTING; the job's resource is known from then on.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/service-job-status.html, read 2026-11-21.
    """
    batch = stack.client("batch")
    job = submit(batch)
    seen = []
    for _ in range(400):
        view = batch.describe_service_job(jobId=job)
        if view["status"] not in seen:
            seen.append(view["status"])
        assert bool(view["attempts"]) is (view["status"] not in ("SUBMITTED", "RUNNABLE"))
        stack.clock.advance(1)
    assert seen == ["SUBMITTED", "RUNNABLE", "SCHEDULED", "STARTING", "RUNNING", "SUCCEEDED"]
    view = batch.describe_service_job(jobId=job)
    assert view["createdAt"] < view["scheduledAt"] < view["startedAt"] < view["stoppedAt"]
    assert view["latestAttempt"]["serviceResourceId"]["name"] == "TrainingJobArn"


@pytest.mark.parametrize("seconds", [0, 3, 10, 20, 40])
def test_a_service_job_can_be_terminated_in_any_state(stack: TestStack, seconds: int) -> None:
    """FAILED with the caller's reason; isTerminated shows only then.

    Source: botocore 1.44.5, batch TerminateServiceJob and DescribeServiceJobResponse, read 2026-11-21.
    """
    batch = stack.client("batch")
    job = submit(batch)
    stack.clock.advance(seconds)
    assert "isTerminated" not in batch.describe_service_job(jobId=job)
    batch.terminate_service_job(jobId=job, reason="enough")
    stack.clock.run_until_idle()
    view = batch.describe_service_job(jobId=job)
    assert (view["status"], view["statusReason"], view["isTerminated"]) == ("FAILED", "enough", True)


def test_a_client_token_is_good_for_one_service_job(stack: TestStack) -> None:
    """An identical repeat is rejected.

    Source: botocore 1.44.5, batch SubmitServiceJobRequest.clientToken, read 2026-11-21.
    """
    batch = stack.client("batch")
    submit(batch, clientToken="once")
    with pytest.raises(ClientError, match="once"):
        submit(batch, clientToken="once")


def test_service_jobs_are_listed_running_ones_first_of_all(stack: TestStack) -> None:
    """Without a status only RUNNING ones are listed.

    Source: botocore 1.44.5, batch ListServiceJobsRequest.jobStatus, read 2026-11-21.
    """
    batch = stack.client("batch")
    job = submit(batch)
    assert batch.list_service_jobs(jobQueue="q")["jobSummaryList"] == []
    shown = batch.list_service_jobs(jobQueue="q", jobStatus="SUBMITTED")["jobSummaryList"]
    assert [each["jobId"] for each in shown] == [job]
    stack.clock.advance(35)
    shown = batch.list_service_jobs(jobQueue="q")["jobSummaryList"]
    assert [(each["jobId"], each["status"]) for each in shown] == [(job, "RUNNING")]


def test_a_service_queue_takes_no_container_jobs_and_the_other_way_round(stack: TestStack) -> None:
    """SubmitServiceJob is for queues of service environments.

    Source: botocore 1.44.5, batch SubmitServiceJobRequest.jobQueue, read 2026-11-21.
    """
    batch = stack.client("batch")
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}]
    container = {"image": "busybox", "resourceRequirements": needs}
    batch.register_job_definition(jobDefinitionName="jd", type="container", containerProperties=container)
    with pytest.raises(ClientError):
        batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd")
