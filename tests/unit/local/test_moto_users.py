"""What users of plain moto bring along: its configuration, its switch, its words, requests that a laxer Batch took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from attrs import evolve
from botocore.exceptions import ClientError
from moto import mock_aws

import batchiac.local
from batchiac.local.installation import DROP_IN

from .conftest import RESOURCES

ROLE = "arn:aws:iam::123456789012:role/r"


def client(service: str) -> Any:
    session = botocore.session.Session()
    return session.create_client(service, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


@pytest.fixture
def installed() -> Iterator[None]:
    batchiac.local.install()
    yield
    batchiac.local.uninstall()


def furnish(command: list[str]) -> Any:
    client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    batch = client("batch")
    batch.create_compute_environment(computeEnvironmentName="ce", type="UNMANAGED", serviceRole=ROLE)
    order = [{"order": 1, "computeEnvironment": "ce"}]
    batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
    container = {"image": "busybox", "vcpus": 1, "memory": 64, "command": command}
    batch.register_job_definition(jobDefinitionName="jd", type="container", containerProperties=container)
    return batch


def status_of(batch: Any, **options: Any) -> dict[str, Any]:
    job_id = batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd", **options)["jobId"]
    shown: dict[str, Any] = batch.describe_jobs(jobs=[job_id])["jobs"][0]
    return shown


@pytest.mark.parametrize(
    ("switch", "tags", "status", "seconds"),
    [
        (None, {}, "SUCCEEDED", 0),
        ("0", {}, "FAILED", 0),
        ("90", {}, "FAILED", 90),
        ("CANT_PARSE_AS_INT", {}, "FAILED", 0),
        ("0", {"batchiac:exit": "0"}, "SUCCEEDED", 0),
    ],
)
def test_jobs_without_docker_end_as_moto_says(
    installed: None,
    monkeypatch: pytest.MonkeyPatch,
    switch: str | None,
    tags: dict[str, str],
    status: str,
    seconds: int,
) -> None:
    """With use_docker off a job has ended when it is looked at: well, or as MOTO_SIMPLE_BATCH_FAIL_AFTER says."""
    if switch is not None:
        monkeypatch.setenv("MOTO_SIMPLE_BATCH_FAIL_AFTER", switch)
    with mock_aws(config={"batch": {"use_docker": False}}):
        job = status_of(furnish(["exit", "3"]), **({"tags": tags} if tags else {}))
        assert job["status"] == status
        assert (job["stoppedAt"] - job["startedAt"]) // 1000 == seconds
        assert job["tags"] == tags


def test_kill_without_arguments_fails(installed: None) -> None:
    """A job whose command is a bare `kill` ends as it does in busybox: with 1."""
    with mock_aws():
        batch = furnish(["kill"])
        job_id = status_of(batch)["jobId"]
        while (job := batch.describe_jobs(jobs=[job_id])["jobs"][0])["status"] not in ("SUCCEEDED", "FAILED"):
            pass
        assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 1)


def test_a_typed_dependency_on_a_job_is_a_plain_one(installed: None) -> None:
    """SEQUENTIAL with a job's id is taken, as many clients send it; N_TO_N between jobs that are no arrays is not."""
    with mock_aws(config={"batch": {"use_docker": False}}):
        batch = furnish(["true"])
        first = status_of(batch)["jobId"]
        assert status_of(batch, dependsOn=[{"jobId": first, "type": "SEQUENTIAL"}])["status"] == "SUCCEEDED"
        with pytest.raises(ClientError, match="N_TO_N dependency needs two array jobs"):
            status_of(batch, dependsOn=[{"jobId": first, "type": "N_TO_N"}])
        with pytest.raises(ClientError, match="SEQUENTIAL dependency is for an array job"):
            status_of(batch, dependsOn=[{"type": "SEQUENTIAL"}])


def test_a_bid_is_held_to_its_range_on_spot_only(installed: None) -> None:
    """123 % of a price that On-Demand instances do not bid for is taken; on Spot AWS has been seen to refuse it."""
    with mock_aws():
        batch = client("batch")
        on_demand = {**RESOURCES, "bidPercentage": 123}
        batch.create_compute_environment(computeEnvironmentName="a", type="MANAGED", computeResources=on_demand)
        spot = {**on_demand, "type": "SPOT", "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED"}
        with pytest.raises(ClientError, match="Bid percentage must be between 0 to 100"):
            batch.create_compute_environment(computeEnvironmentName="b", type="MANAGED", computeResources=spot)


def test_rules_can_be_left_aside_one_by_one() -> None:
    """Tests that were written against a laxer Batch name the rules that are not held against their requests."""
    container = {"image": "i", "resourceRequirements": [{"type": "VCPU", "value": "0.25"}]}
    container["resourceRequirements"] += [{"type": "MEMORY", "value": "64"}]  # type: ignore[operator]
    request = {"jobDefinitionName": "jd", "type": "container", "containerProperties": container}
    for accepted, refused in ((frozenset[str](), True), (frozenset({"JD106"}), False)):
        batchiac.local.install(evolve(DROP_IN, accepted_rules=accepted))
        try:
            with mock_aws():
                if refused:
                    with pytest.raises(ClientError, match="vCPU must be at least 1"):
                        client("batch").register_job_definition(**request)
                else:
                    client("batch").register_job_definition(**request)
        finally:
            batchiac.local.uninstall()


def test_what_one_stack_leaves_aside_another_does_not() -> None:
    """SubmitJob's requests are judged once each: by the rules of the stack that they come to."""
    timeout = {"attemptDurationSeconds": 5}
    for accepted, refused in ((frozenset({"SJ010"}), False), (frozenset[str](), True)):
        batchiac.local.install(evolve(DROP_IN, accepted_rules=accepted))
        try:
            with mock_aws():
                batch = furnish(["sleep", "60"])
                if refused:
                    with pytest.raises(ClientError, match="at least 60 seconds"):
                        batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd", timeout=timeout)
                else:
                    batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd", timeout=timeout)
        finally:
            batchiac.local.uninstall()


@pytest.mark.parametrize(
    ("operation", "request_", "text"),
    [
        (
            "create_job_queue",
            {"jobQueueName": "q", "priority": 1, "state": "JUNK"},
            "state JUNK must be one of ENABLED",
        ),
        ("update_job_queue", {"jobQueue": "q", "state": "JUNK"}, "state JUNK must be one of ENABLED | DISABLED"),
        (
            "create_compute_environment",
            {"computeEnvironmentName": "a", "type": "UNMANGED", "state": "ENABLED"},
            "Exception : ServiceRole is required.,",
        ),
        (
            "create_compute_environment",
            {"computeEnvironmentName": "a", "type": "UNMANGED", "serviceRole": ROLE},
            "type UNMANGED must be one of MANAGED | UNMANAGED",
        ),
        (
            "create_job_queue",
            {
                "jobQueueName": "q",
                "priority": 1,
                "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "nowhere"}],
            },
            "computeEnvironmentOrder is malformed",
        ),
    ],
)
def test_where_awss_words_are_not_known_motos_are_used(
    installed: None, operation: str, request_: dict[str, Any], text: str
) -> None:
    """Tests that match on moto's text go on matching."""
    with mock_aws(), pytest.raises(ClientError) as refused:
        getattr(client("batch"), operation)(**request_)
    assert refused.value.response["Error"]["Code"] == "ClientException"
    assert text in refused.value.response["Error"]["Message"]
