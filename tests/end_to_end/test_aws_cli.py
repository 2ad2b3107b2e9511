"""The AWS CLI, which we did not write, drives the whole walk-through: set up, submit, watch, stop, tear down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

AWS = Path(sys.executable).with_name("aws")
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
DEFINITION = json.dumps(
    {
        "image": "busybox",
        "command": ["sleep", "Ref::seconds"],
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "256"}],
        "environment": [{"name": "STAGE", "value": "test"}],
        "executionRoleArn": "arn:aws:iam::123456789012:role/ecsInstanceRole",
        "secrets": [
            {"name": "TOKEN", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:token-AbCdEf"}
        ],
    }
)


DRIVER = """
import contextlib, io, json, sys
from awscli.clidriver import main
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    # The CLI writes bytes where it can: a text buffer in between takes both.
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        sys.argv = ["aws", *json.loads(line)]
        try:
            code = main()
        except SystemExit as ended:
            code = ended.code
    print(json.dumps([code or 0, out.getvalue(), err.getvalue()]), flush=True)
"""
"""The CLI's own `main`, once a line: starting Python anew for each of a hundred commands would take a minute."""


@pytest.fixture
def aws(serve: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """`aws("batch", "submit-job", "--job-name", "j", …)` → the answer as JSON, None where there is none."""
    if not AWS.exists():
        pytest.skip("the AWS CLI is not installed beside this Python")
    server = serve("--clock", "auto")
    flags = ("--endpoint-url", server.address, "--output", "json")
    environ = {**os.environ, "AWS_PAGER": ""}
    program = subprocess.run(
        [AWS, *flags, "batch", "describe-job-queues"], capture_output=True, env=environ, check=True
    )
    assert json.loads(program.stdout) == {"jobQueues": []}
    driver = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", DRIVER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ,
    )  # fmt: skip
    assert driver.stdin is not None
    assert driver.stdout is not None

    def call(*words: str, code: int = 0) -> Any:
        assert driver.stdin is not None
        assert driver.stdout is not None
        driver.stdin.write(json.dumps([*flags, *words]) + "\n")
        driver.stdin.flush()
        ended, out, err = json.loads(driver.stdout.readline())
        assert ended == code, err
        if code:
            return err
        return json.loads(out) if out.strip() else None

    yield call
    driver.stdin.close()
    driver.wait()
    driver.stdout.close()


def test_the_walk_through(aws: Callable[..., Any]) -> None:
    """Every step of the guide's walk-through is done with the AWS CLI alone, and leaves nothing behind."""

    def status_of(kind: str, flag: str, answer: str, name: str, wanted: str) -> None:
        for _ in range(30):
            found = aws("batch", f"describe-{kind}", flag, name)[answer]
            if (found[0]["status"] if found else "gone") == wanted:
                return
        raise AssertionError(f"{name} did not become {wanted}: {found}")

    # Roles, network, then the compute environment with its placement group, key and tags.
    aws("iam", "create-role", "--role-name", "ecsInstanceRole", "--assume-role-policy-document", TRUST)
    managed = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
    aws("iam", "attach-role-policy", "--role-name", "ecsInstanceRole", "--policy-arn", managed)
    aws("iam", "create-instance-profile", "--instance-profile-name", "ecsInstanceRole")
    aws(
        *("iam", "add-role-to-instance-profile", "--instance-profile-name", "ecsInstanceRole"),
        *("--role-name", "ecsInstanceRole"),
    )
    (subnet, *_) = aws("ec2", "describe-subnets", "--query", "Subnets[].SubnetId")
    (group,) = aws("ec2", "describe-security-groups", "--query", "SecurityGroups[].GroupId")
    aws("ec2", "create-placement-group", "--group-name", "mpi", "--strategy", "cluster")
    aws("ec2", "create-key-pair", "--key-name", "key")
    template = (
        "--launch-template-name",
        "template",
        "--launch-template-data",
        '{"InstanceInitiatedShutdownBehavior":"stop"}',
    )
    aws("ec2", "create-launch-template", *template)
    resources = {
        "type": "EC2",
        "allocationStrategy": "BEST_FIT_PROGRESSIVE",
        "minvCpus": 0,
        "desiredvCpus": 2,
        "maxvCpus": 32,
        "ec2KeyPair": "key",
        "ec2Configuration": [{"imageType": "ECS_AL2", "imageIdOverride": "ami-12c6146b"}],
        "launchTemplate": {"launchTemplateName": "template", "version": "$Latest"},
        "instanceTypes": ["c5"],
        "subnets": [subnet],
        "securityGroupIds": [group],
        "instanceRole": "ecsInstanceRole",
        "placementGroup": "mpi",
        "tags": {"Name": "batch"},
    }
    aws(
        *("batch", "create-compute-environment", "--compute-environment-name", "environment", "--type", "MANAGED"),
        *("--compute-resources", json.dumps(resources), "--tags", "team=a,stage=test"),
    )
    spot = {
        **{key: resources[key] for key in ("minvCpus", "maxvCpus", "subnets", "securityGroupIds", "instanceRole")},
        "type": "SPOT",
        "allocationStrategy": "BEST_FIT",
        "instanceTypes": ["optimal"],
        "bidPercentage": 60,
        "spotIamFleetRole": "arn:aws:iam::123456789012:role/ecsInstanceRole",
    }
    aws(
        *("batch", "create-compute-environment", "--compute-environment-name", "spot", "--type", "MANAGED"),
        *("--compute-resources", json.dumps(spot)),
    )
    spot_environment = ("compute-environments", "--compute-environments", "computeEnvironments", "spot")
    status_of(*spot_environment, "VALID")
    environment = ("compute-environments", "--compute-environments", "computeEnvironments", "environment")
    status_of(*environment, "VALID")
    (made,) = aws("batch", "describe-compute-environments", "--compute-environments", "environment")[
        "computeEnvironments"
    ]
    shown = {key: made["computeResources"][key] for key in resources}
    assert {**shown, "desiredvCpus": 2} == resources  # the instance of the beginning may have gone again
    assert made["tags"] == {"team": "a", "stage": "test"}

    # The queue and the definition.
    aws(
        *("batch", "create-job-queue", "--job-queue-name", "queue", "--priority", "10"),
        *("--compute-environment-order", "order=1,computeEnvironment=environment", "order=2,computeEnvironment=spot"),
    )
    queue = ("job-queues", "--job-queues", "jobQueues", "queue")
    status_of(*queue, "VALID")
    definition = aws(
        *("batch", "register-job-definition", "--job-definition-name", "definition", "--type", "container"),
        *(
            "--container-properties",
            DEFINITION,
            "--parameters",
            "seconds=60",
            "--timeout",
            "attemptDurationSeconds=600",
        ),
        *("--tags", "team=a", "--propagate-tags"),
    )
    assert definition["revision"] == 1

    # Jobs with each option.
    def submit(name: str, *more: str) -> str:
        words = ("batch", "submit-job", "--job-name", name, "--job-queue", "queue", "--job-definition", "definition")
        job_id: str = aws(*words, *more)["jobId"]
        return job_id

    first = submit("first", "--parameters", "seconds=5", "--tags", "team=a", "--retry-strategy", "attempts=2")
    array = submit("array", "--array-properties", "size=3", "--depends-on", f"jobId={first}", "--propagate-tags")
    sizes = [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "512"}]
    override = json.dumps(
        {"command": ["false"], "environment": [{"name": "STAGE", "value": "prod"}], "resourceRequirements": sizes}
    )
    conditions = '[{"onReason":"Cannot*","action":"RETRY"},{"onExitCode":"1","action":"EXIT"}]'
    failing = submit(
        *("failing", "--container-overrides", override, "--timeout", "attemptDurationSeconds=120"),
        *("--retry-strategy", f'{{"attempts":3,"evaluateOnExit":{conditions}}}'),
    )
    long = submit("long", "--parameters", "seconds=100000")
    waiting = submit("waiting", "--depends-on", f"jobId={long}")

    job = ("jobs", "--jobs", "jobs")
    status_of(*job, first, "SUCCEEDED")
    status_of(*job, array, "SUCCEEDED")
    status_of(*job, failing, "FAILED")
    (failed,) = aws("batch", "describe-jobs", "--jobs", failing)["jobs"]
    assert failed["container"]["exitCode"] == 1
    assert [attempt["container"]["exitCode"] for attempt in failed["attempts"]] == [1]
    assert failed["container"]["resourceRequirements"] == sizes
    assert failed["retryStrategy"]["attempts"] == 3
    assert failed["timeout"] == {"attemptDurationSeconds": 120}
    events = aws(
        *("logs", "get-log-events", "--log-group-name", "/aws/batch/job"),
        *("--log-stream-name", failed["container"]["logStreamName"]),
    )["events"]
    assert isinstance(events, list)
    assert failed["container"]["environment"] == [{"name": "STAGE", "value": "prod"}]
    children = aws("batch", "list-jobs", "--array-job-id", array, "--job-status", "SUCCEEDED")["jobSummaryList"]
    assert [child["arrayProperties"]["index"] for child in children] == [0, 1, 2]
    assert aws("batch", "list-tags-for-resource", "--resource-arn", failed["jobArn"])["tags"] == {}

    # Cancel, terminate, tear down.
    aws("batch", "terminate-job", "--job-id", waiting, "--reason", "not needed")
    aws("batch", "terminate-job", "--job-id", long, "--reason", "too long")
    status_of(*job, waiting, "FAILED")
    status_of(*job, long, "FAILED")
    refused = aws("batch", "delete-job-queue", "--job-queue", "queue", code=255)
    assert "ClientException" in refused
    aws("batch", "update-job-queue", "--job-queue", "queue", "--state", "DISABLED")
    status_of(*queue, "VALID")
    aws("batch", "delete-job-queue", "--job-queue", "queue")
    status_of(*queue, "gone")
    aws("batch", "update-compute-environment", "--compute-environment", "environment", "--state", "DISABLED")
    status_of(*environment, "VALID")
    aws("batch", "delete-compute-environment", "--compute-environment", "environment")
    status_of(*environment, "gone")
    aws("batch", "update-compute-environment", "--compute-environment", "spot", "--state", "DISABLED")
    status_of(*spot_environment, "VALID")
    aws("batch", "delete-compute-environment", "--compute-environment", "spot")
    status_of(*spot_environment, "gone")
    aws("batch", "deregister-job-definition", "--job-definition", "definition:1")
    aws("ec2", "delete-placement-group", "--group-name", "mpi")
