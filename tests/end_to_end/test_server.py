"""`batchiac serve` as users meet it: started as a process, talked to by boto3, ended by signals."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

RESOURCES = {
    "type": "EC2",
    "minvCpus": 0,
    "maxvCpus": 64,
    "instanceTypes": ["m5.large"],
    "instanceRole": "ecsInstanceRole",
}
ROLE = "arn:aws:iam::123456789012:role/batch"
CONTAINER = {
    "image": "busybox",
    "command": ["sleep", "30"],
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}],
}


def control(server: Any, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{server.address}/_batchiac/{path}", data, timeout=60) as answer:
        return json.load(answer)


def until(read: Callable[[], str], wanted: str, looks: int = 50) -> None:
    """Look until `wanted` is there, as any client polls; each look moves an auto clock."""
    seen = [read()]
    while seen[-1] != wanted:
        assert len(seen) < looks, seen
        seen.append(read())


def set_up(server: Any) -> Any:
    """An environment, a queue and a definition, as a client makes them; the Batch client."""
    ec2, iam, batch = (server.client(name) for name in ("ec2", "iam", "batch"))
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName="ecsInstanceRole", AssumeRolePolicyDocument=trust)
    iam.create_instance_profile(InstanceProfileName="ecsInstanceRole")
    iam.add_role_to_instance_profile(InstanceProfileName="ecsInstanceRole", RoleName="ecsInstanceRole")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    batch.create_compute_environment(
        computeEnvironmentName="environment",
        type="MANAGED",
        computeResources={**RESOURCES, "subnets": [subnet], "securityGroupIds": [group]},
    )
    until(lambda: batch.describe_compute_environments()["computeEnvironments"][0]["status"], "VALID")
    batch.create_job_queue(
        jobQueueName="queue",
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "environment"}],
    )
    until(lambda: batch.describe_job_queues()["jobQueues"][0]["status"], "VALID")
    batch.register_job_definition(jobDefinitionName="definition", type="container", containerProperties=CONTAINER)
    return batch


@pytest.fixture
def auto(serve: Callable[..., Any]) -> Iterator[Any]:
    yield serve("--clock", "auto")


def test_a_job_runs_to_its_end_for_a_client_that_only_polls(auto: Any) -> None:
    """In auto time the poll loop ends, every state is one of AWS's, and the times are in order."""
    batch = set_up(auto)
    job_id = batch.submit_job(jobName="job", jobQueue="queue", jobDefinition="definition")["jobId"]
    until(lambda: batch.describe_jobs(jobs=[job_id])["jobs"][0]["status"], "SUCCEEDED")
    (job,) = batch.describe_jobs(jobs=[job_id])["jobs"]
    assert job["createdAt"] < job["startedAt"] <= job["stoppedAt"] - 30_000
    assert auto.errors() == ""


def test_the_state_names_what_there_is(auto: Any) -> None:
    """Environments with their capacity, queues with their jobs by status; looking moves no clock."""
    batch = set_up(auto)
    for _ in range(3):
        batch.submit_job(jobName="job", jobQueue="queue", jobDefinition="definition")
    (place,) = control(auto, "state")["places"]
    assert (place["account"], place["region"]) == ("123456789012", "us-east-1")
    assert [(each["name"], each["status"], each["maxvCpus"]) for each in place["environments"]] == [
        ("environment", "VALID", 64)
    ]
    for _ in range(5):
        (queue,) = control(auto, "state")["places"][0]["queues"]
        control(auto, "api/123456789012/us-east-1/ListJobs", {"jobQueue": "queue"})
        assert sum(queue["jobs"].values()) == 3
        assert not set(queue["jobs"]) & {"RUNNING", "SUCCEEDED"}


def test_a_virtual_clock_moves_only_when_told(serve: Callable[..., Any]) -> None:
    """Nothing happens however often one looks; then an hour passes, and everything has."""
    server = serve("--clock", "virtual", "--no-projections")
    batch = server.client("batch")
    environment = {**RESOURCES, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    batch.create_compute_environment(computeEnvironmentName="environment", type="MANAGED", computeResources=environment)
    for _ in range(10):
        assert batch.describe_compute_environments()["computeEnvironments"][0]["status"] == "CREATING"
    before = control(server, "state")["now_ms"]
    assert control(server, "clock", {"advance_s": 3600})["now_ms"] == before + 3_600_000
    assert batch.describe_compute_environments()["computeEnvironments"][0]["status"] == "VALID"


def test_fifty_clients_at_once_lose_nothing(serve: Callable[..., Any], tmp_path: Path) -> None:
    """Every submission is answered, every id is another one, and every job is listed; after kill -9 as well."""
    server = serve("--clock", "auto", "--data", str(tmp_path / "data"))
    set_up(server)
    ids: list[str] = []
    failures: list[BaseException] = []

    def submit() -> None:
        batch = clients.pop()
        try:
            for _ in range(10):
                ids.append(batch.submit_job(jobName="job", jobQueue="queue", jobDefinition="definition")["jobId"])
        except Exception as error:
            failures.append(error)

    # Clients are made one after another: boto3 says that making them is not thread-safe.
    clients = [server.client("batch") for _ in range(50)]
    threads = [threading.Thread(target=submit) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(set(ids)) == 500
    (queue,) = control(server, "state")["places"][0]["queues"]
    assert sum(queue["jobs"].values()) == 500
    assert server.errors() == ""
    server.kill()
    server = serve("--clock", "auto", "--data", str(tmp_path / "data"))
    (queue,) = control(server, "state")["places"][0]["queues"]
    assert sum(queue["jobs"].values()) == 500
    batch = server.client("batch")
    # A look moves an auto clock: a job may be listed in one state and, later, in the next.
    listed = {
        job["jobId"]
        for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
        for page in batch.get_paginator("list_jobs").paginate(jobQueue="queue", jobStatus=status)
        for job in page["jobSummaryList"]
    }
    assert listed == set(ids)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(serve: Callable[..., Any], number: int) -> None:
    """Exit code 0, and nothing on stderr."""
    server = serve()
    server.process.send_signal(number)
    assert server.process.wait(30) == 0
    assert server.errors() == ""


def test_it_says_how_to_use_it(serve: Callable[..., Any]) -> None:
    """The address, the variables to export, the console; the last line is for scripts."""
    server = serve("--seed", "3")
    assert f"AWS_ENDPOINT_URL={server.address}" in server.output
    assert f"{server.address}/_batchiac/" in server.output
    assert "seed 3" in server.output
    assert server.output.splitlines()[-1] == f"ready {server.address}"


def test_settings_hold_and_are_kept_with_the_data(serve: Callable[..., Any], tmp_path: Path) -> None:
    """An environment is there after the time that the file gives; a restart without the file is refused."""
    path = tmp_path / "settings.yaml"
    flags = ("--data", str(tmp_path / "data"), "--clock", "virtual", "--no-projections")
    path.write_text("environment_create_ms: 90000\n", "utf-8")
    server = serve(*flags, "--settings", str(path))
    batch = server.client("batch")
    batch.create_compute_environment(computeEnvironmentName="own", type="UNMANAGED", serviceRole=ROLE)

    def status() -> str:
        return str(batch.describe_compute_environments()["computeEnvironments"][0]["status"])

    control(server, "clock", {"advance_s": 80})
    assert status() == "CREATING"
    control(server, "clock", {"advance_s": 11})
    assert status() == "VALID"
    assert server.end() == 0
    code, said = run_serve("--port", "0", *flags)
    assert (code, said.count("\n"), "{'environment_create_ms': 90000}" in said) == (5, 1, True)
    path.write_text("environment_creat_ms: 90000\n", "utf-8")
    code, said = run_serve("--port", "0", *flags, "--settings", str(path))
    assert (code, said.count("\n"), "the nearest is environment_create_ms" in said) == (2, 1, True)
    path.write_text("environment_create_ms: 90000\n", "utf-8")
    again = serve(*flags, "--settings", str(path))
    assert [
        each["status"] for each in again.client("batch").describe_compute_environments()["computeEnvironments"]
    ] == ["VALID"]


def run_serve(*flags: str) -> tuple[int, str]:
    command = [sys.executable, "-c", "from batchiac.cli.main import main; main()", "serve", *flags]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


def test_a_busy_port_is_one_sentence() -> None:
    """With what to do, and exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, said = run_serve("--port", port)
    assert (code, said.count("\n")) == (2, 1)
    assert f"port {port}" in said
    assert "--port 0" in said


@pytest.mark.parametrize(
    ("flags", "code", "names"),
    [
        (("--host", "0.0.0.0"), 64, "--expose"),
        (("--host", "0.0.0.0", "--expose", "--executor", "process"), 64, "loopback"),
        (("--host", "203.0.113.7", "--expose"), 2, "203.0.113.7"),
        (("--clock", "noon"), 64, "scaled"),
        (("--clock", "scaled:0"), 64, "scaled"),
        (("--port", "70000"), 64, "65535"),
        (("--max-request-mib", "0"), 64, "max-request-mib"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(flags: tuple[str, ...], code: int, names: str) -> None:
    """Each mistake is named, nothing is served."""
    found, said = run_serve("--port", "0", *flags)
    assert found == code
    assert names in said
    assert "Traceback" not in said
