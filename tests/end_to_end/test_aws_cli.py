"""The AWS CLI, which we did not write, drives the whole walk-through: set up, submit, watch, stop, tear down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
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
    }
)


@pytest.fixture
def aws(serve: Callable[..., Any]) -> Callable[..., Any]:
    """`aws("batch", "submit-job", "--job-name", "j", …)` → the answer as JSON, None where there is none."""
    if not AWS.exists():
        pytest.skip("the AWS CLI is not installed beside this Python")
    server = serve("--clock", "auto")

    def call(*words: str, code: int = 0) -> Any:
        ended = subprocess.run(
            [AWS, "--endpoint-url", server.address, "--output", "json", *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "AWS_PAGER": ""},
        )
        assert ended.returncode == code, ended.stderr
        if code:
            return ended.stderr
        return json.loads(ended.stdout) if ended.stdout.strip() else None

    return call


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
    resources = {
        "type": "EC2",
        "allocationStrategy": "BEST_FIT_PROGRESSIVE",
        "minvCpus": 0,
        "maxvCpus": 32,
        "instanceTypes": ["c5"],
        "subnets": [subnet],
        "securityGroupIds": [group],
        "instanceRole": "ecsInstanceRole",
        "placementGroup": "mpi",
        "tags": {"Name": "batch"},
    }
    aws(
        *("batch", "create-compute-environment", "--compute-environment-name", "environment", "--type", "MANAGED"),
        *("--compute-resources", json.dumps(resources)),
    )
    environment = ("compute-environments", "--compute-environments", "computeEnvironments", "environment")
    status_of(*environment, "VALID")

    # The queue and the definition.
    aws(
        *("batch", "create-job-queue", "--job-queue-name", "queue", "--priority", "10"),
        *("--compute-environment-order", "order=1,computeEnvironment=environment"),
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
    )
    assert definition["revision"] == 1

    # Jobs with each option.
    def submit(name: str, *more: str) -> str:
        words = ("batch", "submit-job", "--job-name", name, "--job-queue", "queue", "--job-definition", "definition")
        job_id: str = aws(*words, *more)["jobId"]
        return job_id

    first = submit("first", "--parameters", "seconds=5", "--tags", "team=a", "--retry-strategy", "attempts=2")
    array = submit("array", "--array-properties", "size=3", "--depends-on", f"jobId={first}", "--propagate-tags")
    override = json.dumps({"command": ["false"], "environment": [{"name": "STAGE", "value": "prod"}]})
    failing = submit("failing", "--container-overrides", override, "--timeout", "attemptDurationSeconds=120")
    long = submit("long", "--parameters", "seconds=100000")
    waiting = submit("waiting", "--depends-on", f"jobId={long}")

    job = ("jobs", "--jobs", "jobs")
    status_of(*job, first, "SUCCEEDED")
    status_of(*job, array, "SUCCEEDED")
    status_of(*job, failing, "FAILED")
    (failed,) = aws("batch", "describe-jobs", "--jobs", failing)["jobs"]
    assert failed["container"]["exitCode"] == 1
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
    aws("batch", "deregister-job-definition", "--job-definition", "definition:1")
    aws("ec2", "delete-placement-group", "--group-name", "mpi")
