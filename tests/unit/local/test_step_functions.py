"""Step Functions: `batch:submitJob` and `.sync` through moto's interpreter."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from batchiac.local.request_shape import service_model
from batchiac.local.step_functions import capitalised, to_members
from batchiac.testing import TestStack, local_stack

from .conftest import furnish

ROLE = "arn:aws:iam::123456789012:role/steps"
POLLS = 500


def test_parameters_take_the_models_case_and_the_users_keys_stay() -> None:
    """`JobName` becomes jobName at any depth; the keys of Parameters and Tags are the user's own."""
    shape = service_model().operation_model("SubmitJob").input_shape
    given = {
        "JobName": "a",
        "ContainerOverrides": {
            "Command": ["x"],
            "Environment": [{"Name": "N", "Value": "V"}, {"name": "M", "value": "W"}],
        },
        "Parameters": {"Size": "3"},
        "Tags": {"Team": "A"},
    }
    assert to_members(shape, given) == {
        "jobName": "a",
        "containerOverrides": {
            "command": ["x"],
            "environment": [{"name": "N", "value": "V"}, {"name": "M", "value": "W"}],
        },
        "parameters": {"Size": "3"},
        "tags": {"Team": "A"},
    }


def test_answers_take_capitals_and_the_users_keys_stay() -> None:
    """`container.exitCode` is read as `$.Container.ExitCode`; the keys of parameters and tags are the user's own."""
    shape = service_model().operation_model("DescribeJobs").output_shape.members["jobs"].member
    job = {"jobId": "1", "attempts": [{"container": {"exitCode": 0}}], "parameters": {"size": "3"}, "tags": {"a": "b"}}
    assert capitalised(shape, job) == {
        "JobId": "1",
        "Attempts": [{"Container": {"ExitCode": 0}}],
        "Parameters": {"size": "3"},
        "Tags": {"a": "b"},
    }


SUBMIT = "arn:aws:states:::batch:submitJob"
SYNC = "arn:aws:states:::batch:submitJob.sync"
STEP = {"JobName": "step", "JobQueue": "q", "JobDefinition": "jd"}


class Steps:
    """Executions of one-task state machines over a furnished stack."""

    def __init__(self, stack: TestStack) -> None:
        self.stack = stack
        self.batch = furnish(stack)
        self.client = stack.client("stepfunctions")
        self._made = 0

    def start(self, resource: str, parameters: dict[str, Any], **task: Any) -> str:
        """Start a task, whose failure can be caught in `caught`; the execution's ARN."""
        self._made += 1
        states = {
            "Job": {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **task},
            "caught": {"Type": "Pass", "End": True},
        }
        machine = self.client.create_state_machine(
            name=f"m{self._made}", definition=json.dumps({"StartAt": "Job", "States": states}), roleArn=ROLE
        )
        arn: str = self.client.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
        return arn

    def ended(self, execution: str) -> dict[str, Any]:
        """The execution when it does not run any more: it runs in a thread of its own, in real time."""
        waiting = threading.Event()
        for _ in range(POLLS):
            shown: dict[str, Any] = self.client.describe_execution(executionArn=execution)
            if shown["status"] != "RUNNING":
                return shown
            waiting.wait(0.02)
        raise AssertionError(shown)

    def jobs(self) -> list[dict[str, Any]]:
        filters = [{"name": "JOB_NAME", "values": ["step"]}]
        return list(self.batch.list_jobs(jobQueue="q", filters=filters)["jobSummaryList"])


@pytest.fixture
def steps() -> Iterator[Steps]:
    with local_stack(clock="auto", projections=False) as stack:
        yield Steps(stack)


def test_a_submission_ends_its_task_at_once(steps: Steps) -> None:
    """Its answer is the task's output, in capitals."""
    shown = steps.ended(steps.start(SUBMIT, STEP))
    assert sorted(json.loads(shown["output"])) == ["JobArn", "JobId", "JobName"]
    assert len(steps.jobs()) == 1


def test_a_synchronous_task_ends_as_its_job_does(steps: Steps) -> None:
    """Its output is the whole job; the job knows who submitted it."""
    shown = steps.ended(steps.start(SYNC, {**STEP, "Tags": {"team": "a"}}))
    job = json.loads(shown["output"])
    assert (job["Status"], job["Tags"], job["Attempts"][0]["Container"]["ExitCode"]) == ("SUCCEEDED", {"team": "a"}, 0)
    assert {"Name": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"} in job["Container"]["Environment"]
    assert [each["status"] for each in steps.jobs()] == ["SUCCEEDED"]


def test_a_failed_job_is_caught_with_its_details(steps: Steps) -> None:
    """States.TaskFailed, whose cause is the job as JSON: a state machine can read the exit code from it."""
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Next": "caught"}]
    shown = steps.ended(steps.start(SYNC, {**STEP, "Tags": {"batchiac:exit": "3"}}, Catch=catch))
    error = json.loads(shown["output"])
    job = json.loads(error["Cause"])
    assert (shown["status"], error["Error"]) == ("SUCCEEDED", "States.TaskFailed")
    assert (job["Status"], job["Container"]["ExitCode"]) == ("FAILED", 3)
    assert job["StatusReason"] == "Essential container in task exited"


def test_an_uncaught_failure_fails_the_execution(steps: Steps, caplog: pytest.LogCaptureFixture) -> None:
    """With error and cause, and without moto's pages about it in the log."""
    shown = steps.ended(steps.start(SYNC, {**STEP, "Tags": {"batchiac:exit": "3"}}))
    assert (shown["status"], shown["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(shown["cause"])["Status"] == "FAILED"
    assert [each.message for each in caplog.records if each.name.startswith("moto.")] == []


def test_a_refused_submission_fails_with_batchs_own_error(steps: Steps) -> None:
    """Class, text and details as AWS writes them."""
    shown = steps.ended(steps.start(SYNC, {**STEP, "JobQueue": "none"}))
    assert (shown["status"], shown["error"]) == ("FAILED", "Batch.ClientException")
    pattern = r".+ \(Service: AWSBatch; Status Code: 400; Error Code: ClientException; Request ID: .+; Proxy: null\)"
    assert re.fullmatch(pattern, shown["cause"])
    assert shown["cause"].count("Error executing request") <= 1


def test_throttling_is_the_base_class_and_can_be_retried(steps: Steps) -> None:
    """The Batch API models no TooManyRequestsException: `Batch.AWSBatchException`. A Retry's interval passes on the
    stack's clock: ten minutes are over at once."""
    steps.stack.faults.add("throttling", service="batch", operation="SubmitJob", times=2)
    retry = [{"ErrorEquals": ["Batch.AWSBatchException"], "IntervalSeconds": 600, "MaxAttempts": 3}]
    begun = steps.stack.clock.now_s()
    shown = steps.ended(steps.start(SUBMIT, STEP, Retry=retry))
    assert (shown["status"], len(steps.jobs())) == ("SUCCEEDED", 1)
    assert steps.stack.clock.now_s() - begun >= 1_200
    steps.stack.faults.add("throttling", service="batch", operation="SubmitJob")
    assert steps.ended(steps.start(SUBMIT, STEP))["error"] == "Batch.AWSBatchException"


def test_stopping_an_execution_ends_its_job() -> None:
    """A best-effort attempt to cancel the task: the job is terminated."""
    with local_stack(clock="virtual", projections=False) as stack:
        steps = Steps(stack)
        execution = steps.start(SYNC, STEP)
        waiting = threading.Event()
        for _ in range(POLLS):
            if steps.jobs():
                break
            waiting.wait(0.02)
        steps.client.stop_execution(executionArn=execution)
        assert steps.ended(execution)["status"] == "ABORTED"
        for _ in range(POLLS):
            stack.clock.advance(60)
            (job,) = steps.jobs()
            if job["status"] == "FAILED":
                break
            waiting.wait(0.02)
        assert (job["status"], job["statusReason"]) == ("FAILED", "Canceled by AWS Step Functions")


def test_every_parameter_of_the_model_is_taken(steps: Steps) -> None:
    """Also those that the interpreter does not know, such as a share identifier's priority."""
    parameters = {**STEP, "PropagateTags": True, "Timeout": {"AttemptDurationSeconds": 60}}
    shown = steps.ended(steps.start(SYNC, parameters))
    assert json.loads(shown["output"])["PropagateTags"] is True


def test_a_wait_passes_on_the_stacks_clock(steps: Steps) -> None:
    """A day is over at once in auto time, and has passed for everybody."""
    begun = steps.stack.clock.now_s()
    machine = steps.client.create_state_machine(
        name="w",
        definition=json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 86_400, "End": True}}}),
        roleArn=ROLE,
    )["stateMachineArn"]
    executions = {steps.client.start_execution(stateMachineArn=machine)["executionArn"] for _ in range(2)}
    assert len(executions) == 2
    assert {steps.ended(each)["status"] for each in executions} == {"SUCCEEDED"}
    assert steps.stack.clock.now_s() - begun >= 86_400
