"""The job operations against AWS's own pages, never against our catalogue. Read 2026-11.

Pages `API_….html` are below https://docs.aws.amazon.com/batch/latest/APIReference/, the others below
https://docs.aws.amazon.com/batch/latest/userguide/.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.testing import TestStack, local_stack

NEEDS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}]


@pytest.fixture
def stack() -> Iterator[TestStack]:
    with local_stack(projections=False) as running:
        batch = running.client("batch")
        resources = {
            "type": "EC2",
            "minvCpus": 0,
            "maxvCpus": 4,
            "instanceTypes": ["m5.large"],
            "subnets": ["subnet-12345678"],
            "securityGroupIds": ["sg-12345678"],
            "instanceRole": "arn:aws:iam::123456789012:instance-profile/hosts",
        }
        batch.create_compute_environment(computeEnvironmentName="ce", type="MANAGED", computeResources=resources)
        running.clock.run_until_idle()
        order = [{"order": 1, "computeEnvironment": "ce"}]
        batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
        running.clock.run_until_idle()
        register(batch)
        yield running


def register(batch: Any, **settings: Any) -> Any:
    container = {"image": "busybox", "command": ["sleep", "30"], "resourceRequirements": NEEDS}
    return batch.register_job_definition(
        jobDefinitionName="jd", type="container", containerProperties=container, **settings
    )


def submit(batch: Any, **request: Any) -> str:
    job_id: str = batch.submit_job(**{"jobName": "a", "jobQueue": "q", "jobDefinition": "jd", **request})["jobId"]
    return job_id


def job(batch: Any, job_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = batch.describe_jobs(jobs=[job_id])["jobs"][0]
    return shown


def test_cancel_leaves_a_running_job_and_still_succeeds(stack: TestStack) -> None:
    """API_CancelJob.html: "Jobs that progressed to the STARTING or RUNNING state aren't canceled. However, the API
    operation still succeeds, even if no job is canceled." """
    batch = stack.client("batch")
    job_id = submit(batch)
    while job(batch, job_id)["status"] != "RUNNING":
        stack.clock.advance(5)
    batch.cancel_job(jobId=job_id, reason="too late")
    stack.clock.run_until_idle()
    assert job(batch, job_id)["status"] == "SUCCEEDED"
    assert "isCancelled" not in job(batch, job_id)


def test_cancel_ends_a_runnable_job_with_the_callers_reason(stack: TestStack) -> None:
    """API_CancelJob.html: RUNNABLE jobs are canceled; the reason is shown by later DescribeJobs calls."""
    batch = stack.client("batch")
    blocked = submit(batch, containerOverrides={"resourceRequirements": [{"type": "VCPU", "value": "96"}]})
    stack.clock.advance(30)
    assert job(batch, blocked)["status"] == "RUNNABLE"
    batch.cancel_job(jobId=blocked, reason="not needed")
    stack.clock.advance(1)
    shown = job(batch, blocked)
    assert (shown["status"], shown["statusReason"], shown["isCancelled"]) == ("FAILED", "not needed", True)


def test_terminate_ends_a_running_job(stack: TestStack) -> None:
    """API_TerminateJob.html: "Jobs that are in the STARTING or RUNNING state are terminated, which causes them to
    transition to FAILED." """
    batch = stack.client("batch")
    job_id = submit(batch)
    while job(batch, job_id)["status"] != "RUNNING":
        stack.clock.advance(5)
    batch.terminate_job(jobId=job_id, reason="enough")
    stack.clock.advance(31)
    shown = job(batch, job_id)
    assert (shown["status"], shown["statusReason"], shown["isTerminated"]) == ("FAILED", "enough", True)


@pytest.mark.parametrize("operation", ["cancel_job", "terminate_job"])
def test_unknown_ids_are_no_error(stack: TestStack, operation: str) -> None:
    """API_CancelJobs.html: ids that do not exist count as successful; the single operations answer alike."""
    getattr(stack.client("batch"), operation)(jobId="00000000-0000-4000-a000-000000000000", reason="r")


def test_a_bare_definition_name_is_its_latest_active_revision(stack: TestStack) -> None:
    """API_SubmitJob.html, jobDefinition: "If the revision is not specified, then the latest active revision is
    used." """
    batch = stack.client("batch")
    register(batch)
    third = register(batch)["jobDefinitionArn"]
    batch.deregister_job_definition(jobDefinition=third)
    assert job(batch, submit(batch))["jobDefinition"].endswith(":2")
    with pytest.raises(ClientError, match="ClientException"):
        submit(batch, jobDefinition="jd:3")


def test_a_deregistered_definition_stays_visible_and_its_number_is_not_used_again(stack: TestStack) -> None:
    """job_definitions.html and API_DeregisterJobDefinition.html: "deleted after 180 days"; revisions only grow."""
    batch = stack.client("batch")
    batch.deregister_job_definition(jobDefinition="jd:1")
    assert batch.describe_job_definitions(status="INACTIVE")["jobDefinitions"][0]["revision"] == 1
    assert register(batch)["revision"] == 2


def test_a_disabled_queue_takes_no_jobs(stack: TestStack) -> None:
    """API_CreateJobQueue.html, state: "If the job queue state is DISABLED, new jobs can't be added to the queue, but
    jobs already in the queue can finish." """
    batch = stack.client("batch")
    job_id = submit(batch)
    batch.update_job_queue(jobQueue="q", state="DISABLED")
    stack.clock.run_until_idle()
    with pytest.raises(ClientError, match="ClientException"):
        submit(batch)
    assert job(batch, job_id)["status"] == "SUCCEEDED"


def test_jobs_of_a_deleted_queue_fail(stack: TestStack) -> None:
    """API_DeleteJobQueue.html: "All jobs in the queue are eventually terminated when you delete a job queue." """
    batch = stack.client("batch")
    waiting = submit(batch, containerOverrides={"resourceRequirements": [{"type": "VCPU", "value": "96"}]})
    stack.clock.advance(10)
    batch.update_job_queue(jobQueue="q", state="DISABLED")
    stack.clock.advance(10)
    batch.delete_job_queue(jobQueue="q")
    stack.clock.advance(60)
    assert job(batch, waiting)["status"] == "FAILED"


def test_parameters_of_the_job_win(stack: TestStack) -> None:
    """job_definition_parameters.html: "Parameters in a SubmitJob request override any corresponding parameter defaults
    from the job definition." """
    batch = stack.client("batch")
    container = {"image": "busybox", "command": ["sleep", "Ref::seconds"], "resourceRequirements": NEEDS}
    batch.register_job_definition(
        jobDefinitionName="p", type="container", parameters={"seconds": "10"}, containerProperties=container
    )
    short, long = submit(batch, jobDefinition="p"), submit(batch, jobDefinition="p", parameters={"seconds": "20"})
    stack.clock.run_until_idle()
    lasted = [shown["stoppedAt"] - shown["startedAt"] for shown in (job(batch, short), job(batch, long))]
    assert lasted == [10_000, 20_000]
    assert job(batch, long)["parameters"] == {"seconds": "20"}


def test_a_variable_of_the_job_wins_over_the_definitions(stack: TestStack) -> None:
    """API_ContainerOverrides.html, environment: "override the environment variables … that already exist"."""
    batch = stack.client("batch")
    variables = [{"name": "A", "value": "definition"}, {"name": "B", "value": "definition"}]
    container = {"image": "busybox", "environment": variables, "resourceRequirements": NEEDS}
    batch.register_job_definition(jobDefinitionName="e", type="container", containerProperties=container)
    overrides = {"environment": [{"name": "B", "value": "job"}, {"name": "C", "value": "job"}]}
    shown = job(batch, submit(batch, jobDefinition="e", containerOverrides=overrides))["container"]["environment"]
    assert {each["name"]: each["value"] for each in shown} == {"A": "definition", "B": "job", "C": "job"}


def test_an_arrays_parent_has_no_attempts_and_counts_its_children(stack: TestStack) -> None:
    """array_jobs.html: children are `parent:index`; the parent has a summary of their states."""
    batch = stack.client("batch")
    parent = submit(batch, arrayProperties={"size": 3})
    stack.clock.run_until_idle()
    shown = job(batch, parent)
    assert shown["attempts"] == []
    assert shown["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 3
    assert job(batch, f"{parent}:2")["arrayProperties"]["index"] == 2


def test_the_log_stream_is_named_after_the_definition_and_the_task(stack: TestStack) -> None:
    """job_states.html, RUNNING: "first200CharsOfJobDefinitionName/default/ecs_task_id"."""
    batch = stack.client("batch")
    job_id = submit(batch)
    stack.clock.run_until_idle()
    container = job(batch, job_id)["container"]
    assert container["logStreamName"] == f"jd/default/{container['taskArn'].rpartition('/')[2]}"
