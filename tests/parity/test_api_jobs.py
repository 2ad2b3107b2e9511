"""The job operations against AWS's own pages, never against our catalogue; each with its address and date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.local.installation import backend_of
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
    """ "Jobs that progressed to the STARTING or RUNNING state aren't canceled. However, the API
    operation still succeeds, even if no job is canceled."

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_CancelJob.html, read 2026-11-21.
    """
    batch = stack.client("batch")
    job_id = submit(batch)
    while job(batch, job_id)["status"] != "RUNNING":
        stack.clock.advance(5)
    batch.cancel_job(jobId=job_id, reason="too late")
    stack.clock.run_until_idle()
    assert job(batch, job_id)["status"] == "SUCCEEDED"
    assert "isCancelled" not in job(batch, job_id)


def test_cancel_ends_a_runnable_job_with_the_callers_reason(stack: TestStack) -> None:
    """RUNNABLE jobs are canceled; the reason is shown by later DescribeJobs calls.

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_CancelJob.html, read 2026-11-21.
    """
    batch = stack.client("batch")
    blocked = submit(batch, containerOverrides={"resourceRequirements": [{"type": "VCPU", "value": "96"}]})
    stack.clock.advance(30)
    assert job(batch, blocked)["status"] == "RUNNABLE"
    batch.cancel_job(jobId=blocked, reason="not needed")
    stack.clock.advance(1)
    shown = job(batch, blocked)
    assert (shown["status"], shown["statusReason"], shown["isCancelled"]) == ("FAILED", "not needed", True)


def test_terminate_ends_a_running_job(stack: TestStack) -> None:
    """ "Jobs that are in the STARTING or RUNNING state are terminated, which causes them to
    transition to FAILED."

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJob.html, read 2026-11-21.
    """
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
    """Ids that do not exist count as successful; the single operations answer alike.

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_CancelJobs.html, read 2026-11-21.
    """
    getattr(stack.client("batch"), operation)(jobId="00000000-0000-4000-a000-000000000000", reason="r")


def test_a_bare_definition_name_is_its_latest_active_revision(stack: TestStack) -> None:
    """ "If the revision is not specified, then the latest active revision is
    used."

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html, read 2026-11-21.
    """
    batch = stack.client("batch")
    register(batch)
    third = register(batch)["jobDefinitionArn"]
    batch.deregister_job_definition(jobDefinition=third)
    assert job(batch, submit(batch))["jobDefinition"].endswith(":2")
    with pytest.raises(ClientError, match="ClientException"):
        submit(batch, jobDefinition="jd:3")


def test_a_deregistered_definition_stays_visible_and_its_number_is_not_used_again(stack: TestStack) -> None:
    """ "deleted after 180 days"; revisions only grow.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_definitions.html,
    https://docs.aws.amazon.com/batch/latest/APIReference/API_DeregisterJobDefinition.html,
    read 2026-11-21.
    """
    batch = stack.client("batch")
    batch.deregister_job_definition(jobDefinition="jd:1")
    assert batch.describe_job_definitions(status="INACTIVE")["jobDefinitions"][0]["revision"] == 1
    assert register(batch)["revision"] == 2


def test_a_disabled_queue_takes_no_jobs(stack: TestStack) -> None:
    """ "If the job queue state is DISABLED, new jobs can't be added to the queue, but
    jobs already in the queue can finish."

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateJobQueue.html, read 2026-11-21.
    """
    batch = stack.client("batch")
    job_id = submit(batch)
    batch.update_job_queue(jobQueue="q", state="DISABLED")
    stack.clock.run_until_idle()
    with pytest.raises(ClientError, match="ClientException"):
        submit(batch)
    assert job(batch, job_id)["status"] == "SUCCEEDED"


def test_jobs_of_a_deleted_queue_fail(stack: TestStack) -> None:
    """ "All jobs in the queue are eventually terminated when you delete a job queue."

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_DeleteJobQueue.html, read 2026-11-21.
    """
    batch = stack.client("batch")
    waiting = submit(batch, containerOverrides={"resourceRequirements": [{"type": "VCPU", "value": "96"}]})
    stack.clock.advance(10)
    batch.update_job_queue(jobQueue="q", state="DISABLED")
    stack.clock.advance(10)
    batch.delete_job_queue(jobQueue="q")
    stack.clock.advance(60)
    assert job(batch, waiting)["status"] == "FAILED"


def test_parameters_of_the_job_win(stack: TestStack) -> None:
    """ "Parameters in a SubmitJob request override any corresponding parameter defaults
    from the job definition."

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_definition_parameters.html, read 2026-11-21.
    """
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
    """ "override the environment variables … that already exist".

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerOverrides.html, read 2026-11-21.
    """
    batch = stack.client("batch")
    variables = [{"name": "A", "value": "definition"}, {"name": "B", "value": "definition"}]
    container = {"image": "busybox", "environment": variables, "resourceRequirements": NEEDS}
    batch.register_job_definition(jobDefinitionName="e", type="container", containerProperties=container)
    overrides = {"environment": [{"name": "B", "value": "job"}, {"name": "C", "value": "job"}]}
    shown = job(batch, submit(batch, jobDefinition="e", containerOverrides=overrides))["container"]["environment"]
    assert {each["name"]: each["value"] for each in shown} == {"A": "definition", "B": "job", "C": "job"}


def test_an_arrays_parent_has_no_attempts_and_counts_its_children(stack: TestStack) -> None:
    """Children are `parent:index`; the parent has a summary of their states.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html, read 2026-11-21.
    """
    batch = stack.client("batch")
    parent = submit(batch, arrayProperties={"size": 3})
    stack.clock.run_until_idle()
    shown = job(batch, parent)
    assert shown["attempts"] == []
    assert shown["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 3
    assert job(batch, f"{parent}:2")["arrayProperties"]["index"] == 2


def test_the_log_stream_is_named_after_the_definition_and_the_task(stack: TestStack) -> None:
    """ "first200CharsOfJobDefinitionName/default/ecs_task_id".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html, read 2026-11-21.
    """
    batch = stack.client("batch")
    job_id = submit(batch)
    stack.clock.run_until_idle()
    container = job(batch, job_id)["container"]
    assert container["logStreamName"] == f"jd/default/{container['taskArn'].rpartition('/')[2]}"


# --- what shows ------------------------------------------------------------------------------------------------------

BIG = {"resourceRequirements": [{"type": "VCPU", "value": "96"}]}


def test_is_cancelled_and_is_terminated_show_only_when_true(stack: TestStack) -> None:
    """ "This parameter isn't returned if the job hasn't been canceled"; the same for terminated.

    Source: botocore 1.44.5, batch JobDetail.isCancelled and .isTerminated, read 2026-11-21.
    """
    batch = stack.client("batch")
    plain, cancelled, terminated = submit(batch), *(submit(batch, containerOverrides=BIG) for _ in range(2))
    stack.clock.advance(5)
    batch.cancel_job(jobId=cancelled, reason="r")
    batch.terminate_job(jobId=terminated, reason="r")
    stack.clock.run_until_idle()
    shown = [{key for key in ("isCancelled", "isTerminated") if key in job(batch, each)}
             for each in (plain, cancelled, terminated)]  # fmt: skip
    assert shown == [set(), {"isCancelled"}, {"isTerminated"}]
    assert job(batch, cancelled)["isCancelled"] is True


def test_the_status_summary_has_all_seven_states_and_its_time(stack: TestStack) -> None:
    """statusSummary counts the children by state; statusSummaryLastUpdatedAt is when that last changed.

    Source: botocore 1.44.5, batch ArrayPropertiesDetail, read 2026-11-21.
    """
    batch = stack.client("batch")
    parent = submit(batch, arrayProperties={"size": 3})
    stack.clock.run_until_idle()
    array = job(batch, parent)["arrayProperties"]
    assert array["statusSummary"] == {
        "SUBMITTED": 0, "PENDING": 0, "RUNNABLE": 0, "STARTING": 0, "RUNNING": 0, "SUCCEEDED": 3, "FAILED": 0,
    }  # fmt: skip
    last = max(job(batch, f"{parent}:{index}")["stoppedAt"] for index in range(3))
    assert array["statusSummaryLastUpdatedAt"] == last
    spawned = {job(batch, f"{parent}:{index}")["createdAt"] for index in range(3)}
    assert spawned == {job(batch, parent)["createdAt"] + 1_000}


def test_a_custom_stream_prefix_names_the_log_stream(stack: TestStack) -> None:
    """`awslogs-stream-prefix` ⇒ `prefix/default/task-id`, in the group that is given.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html, read 2026-11-21.
    """
    batch = stack.client("batch")
    logs = {"logDriver": "awslogs", "options": {"awslogs-group": "mine", "awslogs-stream-prefix": "team"}}
    container = {"image": "busybox", "resourceRequirements": NEEDS, "logConfiguration": logs}
    batch.register_job_definition(jobDefinitionName="l", type="container", containerProperties=container)
    job_id = submit(batch, jobDefinition="l")
    stack.clock.run_until_idle()
    shown = job(batch, job_id)["container"]
    assert shown["logStreamName"] == f"team/default/{shown['taskArn'].rpartition('/')[2]}"
    current = backend_of("123456789012", "us-east-1").engine.describe_job(job_id).current
    assert current is not None
    assert current.log_stream == shown["logStreamName"]


def test_more_than_fifty_tags_to_propagate_fail_the_job(stack: TestStack) -> None:
    """ "If the total number of combined tags from the job and job definition is over 50, the job is moved to the FAILED
    state." It is not retried; without propagateTags it runs.

    Source: botocore 1.44.5, batch RegisterJobDefinitionRequest.propagateTags;
    https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html, read 2026-11-21.
    """
    batch = stack.client("batch")
    tags = [{f"{prefix}{number}": "x" for number in range(26)} for prefix in ("d", "j")]
    register(batch, tags=tags[0], retryStrategy={"attempts": 3})
    jobs = [submit(batch, tags=tags[1], propagateTags=propagate) for propagate in (True, False)]
    jobs.append(submit(batch, tags=tags[0], propagateTags=True))  # the same keys count once
    stack.clock.run_until_idle()
    assert [job(batch, each)["status"] for each in jobs] == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    failed = job(batch, jobs[0])
    assert failed["attempts"] == []
    assert "52 tags" in failed["statusReason"]


# --- retry patterns --------------------------------------------------------------------------------------------------


def test_a_pattern_cannot_have_parentheses_and_a_prefix_does_without(stack: TestStack) -> None:
    """Letters, digits, periods, colons, white space and a last `*`; AWS's own `Host EC2 (instance …)` needs a prefix.

    Source: botocore 1.44.5, batch EvaluateOnExit.onStatusReason, read 2026-11-21.
    """
    batch = stack.client("batch")
    for pattern, allowed in (("Host EC2 (instance*", False), ("Host EC2*", True)):
        rules = {"attempts": 2, "evaluateOnExit": [{"action": "RETRY", "onStatusReason": pattern}]}
        if allowed:
            register(batch, retryStrategy=rules)
        else:
            with pytest.raises(ClientError, match="ClientException"):
                register(batch, retryStrategy=rules)


@pytest.mark.parametrize(
    "reason",
    ["MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS", "ACTION_REQUIRED", "UNDETERMINED", "CAPACITY:SOMETHING_ELSE"],
)
def test_a_time_limit_action_takes_four_reasons(stack: TestStack, reason: str) -> None:
    """ "The following statusReason values do not support jobStateTimeLimitActions": they cannot be given.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_time_limit_actions.html, read
    2026-11-21.
    """
    action = {"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL"}
    with pytest.raises(ClientError, match="ClientException"):
        stack.client("batch").update_job_queue(jobQueue="q", jobStateTimeLimitActions=[action])


# --- multi-node ------------------------------------------------------------------------------------------------------


def nodes(*targets: str, count: int) -> dict[str, Any]:
    """nodeProperties with a range a target."""
    container = {"image": "busybox", "command": ["sleep", "30"], "resourceRequirements": NEEDS}
    ranges = [{"targetNodes": target, "container": container} for target in targets]
    return {"numNodes": count, "mainNode": 0, "nodeRangeProperties": ranges}


@pytest.mark.parametrize(
    ("targets", "count", "allowed"),
    [
        (("0:",), 1_000, True),
        (("0:",), 1_001, False),
        (("0", "1", "2", "3", "4:"), 9, True),
        (("0", "1", "2", "3", "4", "5:"), 9, False),
    ],
)
def test_a_gang_has_five_groups_and_a_thousand_nodes_at_most(
    stack: TestStack, targets: tuple[str, ...], count: int, allowed: bool
) -> None:
    """ "up to five distinct node groups"; numNodes 1 to 1000.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/mnp-node-groups.html;
    https://github.com/badmintoncryer/cdk-preflight (measured text of numNodes), read 2026-11-21.
    """
    batch = stack.client("batch")
    request = {"jobDefinitionName": "mnp", "type": "multinode", "nodeProperties": nodes(*targets, count=count)}
    if allowed:
        batch.register_job_definition(**request)
    else:
        with pytest.raises(ClientError, match="ClientException"):
            batch.register_job_definition(**request)


def test_the_nodes_of_a_gang_have_a_network_interface_each(stack: TestStack) -> None:
    """They run in ECS's awsvpc network mode: an elastic network interface with its own address a node.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/mnp-ce.html, read 2026-11-21.
    """
    batch = stack.client("batch")
    batch.register_job_definition(jobDefinitionName="mnp", type="multinode", nodeProperties=nodes("0:", count=2))
    job_id = submit(batch, jobDefinition="mnp")
    stack.clock.run_until_idle()
    interfaces = [job(batch, f"{job_id}#{index}")["container"]["networkInterfaces"] for index in range(2)]
    assert [len(each) for each in interfaces] == [1, 1]
    addresses = {each[0]["privateIpv4Address"] for each in interfaces}
    assert len(addresses) == 2
    attempts = [job(batch, f"{job_id}#{index}")["attempts"][0]["container"] for index in range(2)]
    assert {each["networkInterfaces"][0]["privateIpv4Address"] for each in attempts} == addresses
    plain = submit(batch)
    stack.clock.run_until_idle()
    assert job(batch, plain)["container"]["networkInterfaces"] == []
