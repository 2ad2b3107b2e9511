"""The local stack's server, against stock moto's server and against a null responder on the same HTTP library.

One boto3 client, one connection kept alive, SubmitJob. The three servers are processes of their own and are measured in
turns in one run; of each, the fastest round counts, because other programs on the machine only ever add time.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROUNDS = 7
CALLS = 300
OURS = [sys.executable, "-c", "from batchiac.cli.main import main; main()", "serve", "--port", "0"]


def figures() -> Iterator[dict[str, Any]]:
    """The figures of issue 6, and how long a server takes to be ready."""
    ours = _fastest(_ready_times, 3)
    imports = _fastest(_import_times, 3)
    yield _figure("server ready, over importing pulumi and boto3", ours / imports, at_most=4.0)
    with (
        _running([sys.executable, "-m", "benchmarks._null_responder"]) as null,
        _running([*OURS, "--clock", "real", "--no-projections"]) as server,
        _running([sys.executable, "-c", _MOTO]) as moto,
        _running([sys.executable, "-c", _MOTO]) as moto_at_its_best,
    ):
        _leave_docker_out(moto_at_its_best)
        addresses = {"ours": server, "moto": moto, "moto at its best": moto_at_its_best}
        submits = {name: _submitter(address) for name, address in addresses.items()}
        submits["null"] = _client(null).submit_job
        seconds = dict.fromkeys(submits, float("inf"))
        for _ in range(ROUNDS):
            for name, submit in submits.items():
                seconds[name] = min(seconds[name], _time_calls(submit))
    yield _figure("SubmitJob over HTTP, stock moto over ours", seconds["moto"] / seconds["ours"], at_least=2.5)
    best = seconds["moto at its best"] / seconds["ours"]
    yield _figure("SubmitJob over HTTP, moto told to do without Docker over ours", best, at_least=1.5)
    yield _figure("SubmitJob over HTTP, ours over a null responder", seconds["ours"] / seconds["null"], at_most=1.5)
    yield from _kept_figures()
    rate = CALLS / seconds["ours"]
    yield {"name": "SubmitJob over HTTP, one client", "value": round(rate), "unit": "1/s", "at_least": 0, "holds": True}


def _kept_figures() -> Iterator[dict[str, Any]]:
    """What it costs to keep everything, and to have it on the disk before each answer."""
    flags = ("--clock", "real", "--no-projections")
    with (
        tempfile.TemporaryDirectory() as folder,
        _running([*OURS, *flags]) as plain,
        _running([*OURS, *flags, "--data", f"{folder}/second"]) as second,
        _running([*OURS, *flags, "--data", f"{folder}/always", "--sync", "always"]) as always,
    ):
        submits = {"plain": _submitter(plain), "second": _submitter(second), "always": _submitter(always)}
        seconds = dict.fromkeys(submits, float("inf"))
        for _ in range(ROUNDS):
            for name, submit in submits.items():
                seconds[name] = min(seconds[name], _time_calls(submit))
    yield _figure("SubmitJob with --data over without", seconds["second"] / seconds["plain"], at_most=1.5)
    always_ms = (seconds["always"] - seconds["second"]) / CALLS * 1000
    # How long a disk takes is the disk's: the figure is shown, and nothing is asked of it.
    yield {
        "name": "SubmitJob with --sync always, more than with --sync second",
        "value": round(always_ms, 3),
        "unit": "ms",
        "at_least": -1.0,
        "holds": True,
    }


_MOTO = """
import sys, threading
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"ready http://127.0.0.1:{port}", flush=True)
threading.Event().wait()
"""


def _figure(name: str, value: float, *, at_most: float | None = None, at_least: float | None = None) -> dict[str, Any]:
    limit = {"at_most": at_most} if at_most is not None else {"at_least": at_least}
    holds = value <= at_most if at_most is not None else value >= (at_least or 0)
    return {"name": name, "value": round(value, 2), "unit": "x", **limit, "holds": holds}


@contextmanager
def _running(command: list[str]) -> Iterator[str]:
    """A server in a process of its own; its address, when it is ready."""
    root = Path(__file__).parent.parent
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=root, env=dict(os.environ)
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("ready "):
                yield line.split()[1]
                break
        else:
            raise RuntimeError(f"{' '.join(command[:4])} … ended before it was ready")
    finally:
        process.terminate()
        process.wait(30)


def _ready_times() -> float:
    start = time.perf_counter()
    with _running(OURS):
        return time.perf_counter() - start


def _import_times() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import pulumi, boto3"], check=True)
    return time.perf_counter() - start


def _fastest(measure: Any, times: int) -> float:
    return float(min(measure() for _ in range(times)))


def _client(address: str, service: str = "batch") -> Any:
    import boto3

    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=address,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def _leave_docker_out(address: str) -> None:
    """Stock moto starts a thread a job, which looks for Docker; told not to, a job just succeeds."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    body = json.dumps({"batch": {"use_docker": False}})
    connection.request("POST", "/moto-api/config", body, {"Content-Type": "application/json"})
    assert connection.getresponse().status in (200, 201)
    connection.close()


def _submitter(address: str) -> Any:
    """`submit_job` of a client whose account has an environment, a queue and a definition."""
    iam, ec2, batch = (_client(address, service) for service in ("iam", "ec2", "batch"))
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = iam.create_role(RoleName="service", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.create_role(RoleName="instance", AssumeRolePolicyDocument=trust)
    profile = iam.create_instance_profile(InstanceProfileName="instance")["InstanceProfile"]["Arn"]
    iam.add_role_to_instance_profile(InstanceProfileName="instance", RoleName="instance")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    batch.create_compute_environment(
        computeEnvironmentName="environment",
        type="MANAGED",
        serviceRole=role,
        computeResources={
            "type": "EC2",
            "minvCpus": 0,
            "maxvCpus": 16,
            "instanceTypes": ["m5.large"],
            "subnets": [subnet],
            "securityGroupIds": [group],
            "instanceRole": profile,
        },
    )
    _wait_valid(batch)
    batch.create_job_queue(
        jobQueueName="queue",
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "environment"}],
    )
    batch.register_job_definition(
        jobDefinitionName="definition",
        type="container",
        containerProperties={
            "image": "busybox",
            "command": ["true"],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}],
        },
    )
    return batch.submit_job


def _wait_valid(batch: Any) -> None:
    for _ in range(600):
        (environment,) = batch.describe_compute_environments(computeEnvironments=["environment"])["computeEnvironments"]
        if environment["status"] == "VALID":
            return
        time.sleep(0.1)
    raise RuntimeError(f"the environment is {environment['status']}: {environment.get('statusReason')}")


def _time_calls(submit: Any) -> float:
    start = time.perf_counter()
    for _ in range(CALLS):
        submit(jobName="job", jobQueue="queue", jobDefinition="definition")
    return time.perf_counter() - start
