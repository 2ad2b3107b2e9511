"""kill -9 at random moments under load: what was answered is there after the restart, once, and as it was told.

Starting a server means importing moto, which takes a second; fifty of them would not fit into CI. So one process
imports everything once and forks a server for each life: a fork has no state of the lives before.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError

KILLS = 50
ORDER = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"]
NURSERY = """
import os, signal, sys
from pathlib import Path
import moto.ec2.models, moto.iam.responses, moto.ec2.responses, moto.moto_server.werkzeug_app, waitress
import batchiac.local.backend, batchiac.local.dispatch, batchiac.local.installation, batchiac.local.server.assemble
from batchiac.local.server.run import Settings, make_server
from batchiac.rules import check_request
for operation in ("SubmitJob", "RegisterJobDefinition", "CreateJobQueue", "CreateComputeEnvironment"):
    check_request(operation, {})
from moto.core.utils import get_service_model
for service in ("ec2", "iam", "sts", "ssm"):
    get_service_model(service)
moto.ec2.models.ec2_backends["000000000000"]["us-east-1"]  # what takes time is the same for every account
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    if os.fork() == 0:
        try:
            server = make_server(Settings(port=0, clock="virtual", seed=7,
                data=Path(line.strip()), projections=False, warm=False))
            print(f"ready {server.address} {os.getpid()}", flush=True)
            server.run()
        except BaseException as error:
            print(f"failed {error!r}", flush=True)
        finally:
            os._exit(0)
"""


class Life:
    """One server, from its start to its kill."""

    def __init__(self, address: str, pid: int) -> None:
        self.address, self._pid = address, pid

    def client(self, service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=30)
        return boto3.client(service, region_name="us-east-1", endpoint_url=self.address, config=config)

    def advance(self, seconds: float) -> None:
        body = json.dumps({"advance_s": seconds}).encode()
        urllib.request.urlopen(f"{self.address}/_batchiac/clock", body, timeout=30).close()

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)


class Nursery:
    """Starts lives over one data folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self) -> Life:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # The one before was killed, but its lock goes only when the kernel has taken it away.
        for _ in range(100):
            self._process.stdin.write(f"{self._folder}\n")
            self._process.stdin.flush()
            word, *rest = self._process.stdout.readline().split(maxsplit=2)
            if word == "ready":
                return Life(rest[0], int(rest[1]))
            assert "in use" in " ".join(rest), rest
        raise AssertionError("the data folder stays locked")

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    made = Nursery(tmp_path / "data")
    yield made
    made.end()


class Told:
    """What clients were told, over all lives."""

    def __init__(self) -> None:
        self.jobs: dict[str, str] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.statuses: dict[str, str] = {}
        self.roles: dict[str, str] = {}
        self.vpcs: set[str] = set()
        self.asked = 0
        self.lock = threading.Lock()

    def next(self) -> int:
        with self.lock:
            self.asked += 1
            return self.asked


def set_up(life: Life) -> None:
    batch = life.client("batch")
    batch.create_compute_environment(
        computeEnvironmentName="environment",
        type="MANAGED",
        computeResources={
            "type": "EC2",
            "minvCpus": 0,
            "maxvCpus": 64,
            "instanceTypes": ["m5.large"],
            "subnets": ["subnet-1"],
            "securityGroupIds": ["sg-1"],
            "instanceRole": "ecsInstanceRole",
        },
    )
    life.advance(60)
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
            "command": ["sleep", "20"],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}],
        },
    )
    life.advance(60)


def load_batch(life: Life, told: Told, enough: threading.Event) -> None:
    """Submit, tag and watch until the server dies."""
    batch = life.client("batch")
    while True:
        name = f"job-{told.next()}"
        job = batch.submit_job(jobName=name, jobQueue="queue", jobDefinition="definition")
        told.jobs[name] = job["jobId"]
        batch.tag_resource(resourceArn=job["jobArn"], tags={"name": name})
        told.tags[job["jobArn"]] = {"name": name}
        ids = random.sample(list(told.jobs.values()), min(5, len(told.jobs)))
        for seen in batch.describe_jobs(jobs=ids)["jobs"]:
            told.statuses[seen["jobId"]] = seen["status"]
        enough.set()


def load_others(life: Life, told: Told, enough: threading.Event, *, with_ec2: bool = False) -> None:
    """Roles and VPCs, which are moto's, and the clock, until the server dies."""
    iam, ec2 = life.client("iam"), life.client("ec2") if with_ec2 else None
    while True:
        name = f"role-{told.next()}"
        told.roles[name] = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["RoleId"]
        if ec2 is not None:
            told.vpcs.add(ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])
            ec2.describe_vpcs()
        life.advance(3)
        enough.set()


def run_until_killed(load: Any, life: Life, told: Told, enough: threading.Event) -> None:
    # The server was killed. A refusal (ClientError) would be a finding: it is none of these.
    with suppress(BotoCoreError, ResponseParserError, HTTPException, OSError):
        load(life, told, enough)


def look(life: Life, *, with_ec2: bool) -> dict[str, Any]:
    """Everything that the load has made, as the server shows it."""
    batch, iam, ec2 = (life.client(name) for name in ("batch", "iam", "ec2"))
    jobs: dict[str, tuple[str, str]] = {}
    twice = []
    for status in ORDER:
        for found in batch.get_paginator("list_jobs").paginate(jobQueue="queue", jobStatus=status):
            for job in found["jobSummaryList"]:
                if job["jobName"] in jobs:
                    twice.append(job["jobName"])
                jobs[job["jobName"]] = (job["jobId"], job["status"])
    roles = {
        role["RoleName"]: role["RoleId"]
        for page in iam.get_paginator("list_roles").paginate()
        for role in page["Roles"]
    }
    pages = ec2.get_paginator("describe_vpcs").paginate() if with_ec2 else []
    vpcs = {vpc["VpcId"] for page in pages for vpc in page["Vpcs"]}
    return {"jobs": jobs, "twice": twice, "roles": roles, "vpcs": vpcs}


def test_nothing_that_was_answered_is_lost(nursery: Nursery) -> None:
    """Fifty kills: every job, tag, role and VPC that was answered exists, once, under its id, and no job has gone back
    in its states; and what is there after one restart is there after the next, to the letter."""
    chance = random.Random(7)
    told = Told()
    life = nursery.start()
    set_up(life)
    for number in range(KILLS):
        enough = threading.Event()
        # EC2 last: every restart that has it to bring back takes a quarter of a second more.
        others = partial(load_others, with_ec2=number >= KILLS - 10)
        threads = [
            threading.Thread(target=run_until_killed, args=(load, life, told, enough)) for load in (load_batch, others)
        ]
        for thread in threads:
            thread.start()
        # Not before anything was answered; then at any point of any request.
        assert enough.wait(30)
        killer = threading.Timer(chance.uniform(0, 0.05), life.kill)
        killer.start()
        for thread in [*threads, killer]:
            thread.join()
        life = nursery.start()
        if number % 10 == 9 or number == 0:
            seen = look(life, with_ec2=bool(told.vpcs))
            assert seen["twice"] == []
            assert {name: seen["jobs"].get(name, ("", ""))[0] for name in told.jobs} == told.jobs
            back = {
                job_id: (told.statuses[job_id], status)
                for job_id, status in seen["jobs"].values()
                if ORDER.index(status) < ORDER.index(told.statuses.get(job_id, "SUBMITTED"))
            }
            assert back == {}
            assert {name: seen["roles"].get(name) for name in told.roles} == told.roles
            assert told.vpcs <= seen["vpcs"]
            # At most one request of each of the two clients was under way at each kill.
            assert len(seen["jobs"]) - len(told.jobs) <= number + 1
            batch = life.client("batch")
            arn = chance.choice(list(told.tags))
            assert batch.list_tags_for_resource(resourceArn=arn)["tags"] == told.tags[arn]
            life.kill()
            life = nursery.start()
            assert look(life, with_ec2=bool(told.vpcs)) == seen
    life.kill()
