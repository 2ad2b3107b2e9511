"""Step Functions: `batch:submitJob` and `.sync` through moto's interpreter."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from batchiac.local.request_shape import service_model
from batchiac.local.step_functions import to_members
from batchiac.testing import local_stack

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


@pytest.mark.parametrize(
    ("resource", "tags", "ends"),
    [
        ("arn:aws:states:::batch:submitJob", {}, "SUCCEEDED"),
        ("arn:aws:states:::batch:submitJob.sync", {}, "SUCCEEDED"),
        ("arn:aws:states:::batch:submitJob.sync", {"batchiac:exit": "3"}, "FAILED"),
    ],
)
def test_a_state_machine_submits_and_waits(resource: str, tags: dict[str, str], ends: str) -> None:
    """`.sync` ends as its job does; without it the task ends with the submission."""
    with local_stack(clock="auto", projections=False) as stack:
        batch = furnish(stack)
        parameters: dict[str, Any] = {"JobName": "step", "JobQueue": "q", "JobDefinition": "jd"}
        if tags:
            parameters["Tags"] = tags
        definition = {
            "StartAt": "Job",
            "States": {"Job": {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}},
        }
        steps = stack.client("stepfunctions")
        machine = steps.create_state_machine(name="m", definition=json.dumps(definition), roleArn=ROLE)
        execution = steps.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
        # The interpreter runs in threads of its own, and looks at the job every few moments of real time.
        waiting = threading.Event()
        for _ in range(POLLS):
            shown = steps.describe_execution(executionArn=execution)
            if shown["status"] != "RUNNING":
                break
            waiting.wait(0.05)
        assert shown["status"] == ends, shown
        filters = [{"name": "JOB_NAME", "values": ["step"]}]
        jobs = batch.list_jobs(jobQueue="q", filters=filters)["jobSummaryList"]
        assert len(jobs) == 1
        if resource.endswith(".sync"):
            assert jobs[0]["status"] == ends
