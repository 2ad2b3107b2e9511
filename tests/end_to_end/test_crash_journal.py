"""kill -9 at random moments under load: what was answered is there after the restart, once, and as it was told."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError

from .lives import Life, Nursery

KILLS = 50
EVENT_KILLS = 6
BATCH_CLIENTS = 2
INVISIBLE = "ApproximateNumberOfMessagesNotVisible"
ORDER = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"]


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
        self.received: list[str] = []
        self.moves = True
        self.asked = 0
        self.lock = threading.Lock()

    def next(self) -> int:
        with self.lock:
            self.asked += 1
            return self.asked


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
    vpcs = {vpc["VpcId"] for page in pages for vpc in page["Vpcs"] if not vpc["IsDefault"]}
    return {"jobs": jobs, "twice": twice, "roles": roles, "vpcs": vpcs}


def require_as_told(seen: dict[str, Any], told: Told, kills: int) -> None:
    """Nothing lost, nothing twice, nothing gone back."""
    assert seen["twice"] == []
    assert {name: seen["jobs"].get(name, ("", ""))[0] for name in told.jobs} == told.jobs
    assert len({job_id for job_id, _ in seen["jobs"].values()}) == len(seen["jobs"])
    back = {
        job_id: (told.statuses[job_id], status)
        for job_id, status in seen["jobs"].values()
        if gone_back(told.statuses.get(job_id, "SUBMITTED"), status)
    }
    assert back == {}
    assert {name: seen["roles"].get(name) for name in told.roles} == told.roles
    assert told.vpcs <= seen["vpcs"]
    # At most one request of each client was under way at each kill: no more can be there than was told, or asked.
    assert len(seen["jobs"]) - len(told.jobs) <= kills * BATCH_CLIENTS
    assert len(seen["roles"]) - len(told.roles) <= kills
    assert len(seen["vpcs"]) - len(told.vpcs) <= kills


def gone_back(then: str, now: str) -> bool:
    """An end stays the same end; before it, states follow one another."""
    return now != then if then in ("SUCCEEDED", "FAILED") else ORDER.index(now) < ORDER.index(then)


def kill_under(life: Life, loads: list[Any], told: Told, chance: random.Random) -> None:
    """Let the loads run, and kill the server at any point of any request, once something was answered."""
    enough = threading.Event()
    threads = [threading.Thread(target=run_until_killed, args=(load, life, told, enough)) for load in loads]
    for thread in threads:
        thread.start()
    assert enough.wait(30)
    killer = threading.Timer(chance.uniform(0, 0.05), life.kill)
    killer.start()
    for thread in [*threads, killer]:
        thread.join()


def test_nothing_that_was_answered_is_lost(nursery: Nursery, furnish: Callable[[Any], Any]) -> None:
    """Fifty kills: every job, tag, role and VPC that was answered exists, once, under its id, and no job has gone back
    in its states; and what is there after one restart is there after the next, to the letter."""
    chance = random.Random(7)
    told = Told()
    life = nursery.start()
    furnish(life)
    for number in range(1, KILLS + 1):
        # EC2 last: every restart that has it to bring back takes a quarter of a second more.
        others = partial(load_others, with_ec2=number > KILLS - 10)
        kill_under(life, [load_batch] * BATCH_CLIENTS + [others], told, chance)
        life = nursery.start()
        if number % 10 == 0 or number == 1:
            seen = look(life, with_ec2=bool(told.vpcs))
            require_as_told(seen, told, number)
            batch = life.client("batch")
            arn = chance.choice(list(told.tags))
            assert batch.list_tags_for_resource(resourceArn=arn)["tags"] == told.tags[arn]
            life.kill()
            life = nursery.start()
            assert look(life, with_ec2=bool(told.vpcs)) == seen
    life.kill()
    assert (nursery.folder / "snapshot.json").exists()


def load_events(life: Life, told: Told, enough: threading.Event) -> None:
    """Jobs that end, and the queue in which their events arrive: what is received is deleted, as consumers do."""
    batch, sqs = life.client("batch"), life.client("sqs")
    url = sqs.get_queue_url(QueueName="ends")["QueueUrl"]
    while True:
        name = f"job-{told.next()}"
        told.jobs[name] = batch.submit_job(jobName=name, jobQueue="queue", jobDefinition="definition")["jobId"]
        if told.moves:
            life.advance(30)
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=3).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            told.received.append(json.loads(message["Body"])["detail"]["jobId"])
        enough.set()


@pytest.mark.parametrize("clock", ["virtual", "scaled:100"])
def test_each_event_arrives_once(nursery: Nursery, clock: str) -> None:
    """With projections: an event of each job that has SUCCEEDED, in a queue, across kills. One that a client has taken
    and deleted never comes again; one that it has not is there. In time that flows, events come between requests, and a
    start is held against what they led to."""
    chance = random.Random(8)
    told = Told()
    told.moves = clock == "virtual"
    life = nursery.start(projections=True, clock=clock)
    furnish_unmanaged(life, told)
    for _ in range(EVENT_KILLS):
        kill_under(life, [load_events], told, chance)
        life = nursery.start(projections=True, clock=clock)
    until_all_have_ended(life, told)
    batch, sqs = life.client("batch"), life.client("sqs")
    ended = {
        job["jobId"]
        for page in batch.get_paginator("list_jobs").paginate(jobQueue="queue", jobStatus="SUCCEEDED")
        for job in page["jobSummaryList"]
    }
    assert set(told.jobs.values()) <= ended
    url = sqs.get_queue_url(QueueName="ends")["QueueUrl"]
    left = []
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})
    # What a client was handed when its server died may be invisible yet: nobody deleted it.
    taken = int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"][INVISIBLE])
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            left.append(json.loads(message["Body"])["detail"]["jobId"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert len(set(told.received)) == len(told.received)
    assert len(set(left)) == len(left)
    assert not set(left) & set(told.received)
    # Between receipt and answer of a deletion a kill leaves one message whose deletion the client was not told of.
    unknown = ended - set(left) - set(told.received)
    assert len(unknown) <= taken + EVENT_KILLS
    life.kill()


def until_all_have_ended(life: Life, told: Told) -> None:
    batch = life.client("batch")
    waiting = threading.Event()
    for _ in range(600):
        if told.moves:
            life.advance(60)
        known = list(told.jobs.values())
        parts = [known[start : start + 100] for start in range(0, len(known), 100)]
        if all(job["status"] == "SUCCEEDED" for part in parts for job in batch.describe_jobs(jobs=part)["jobs"]):
            return
        waiting.wait(0.05)
    raise AssertionError("jobs that were submitted do not end")


def furnish_unmanaged(life: Life, told: Told) -> None:
    """An UNMANAGED environment, its queue and definition; a rule that sends each success to the queue `ends`."""

    def until_valid(read: Callable[[], list[dict[str, Any]]]) -> None:
        waiting = threading.Event()
        while read()[0]["status"] != "VALID":
            if told.moves:
                life.advance(10)
            waiting.wait(0.01)

    iam, batch, events, sqs = (life.client(name) for name in ("iam", "batch", "events", "sqs"))
    trust = {"Effect": "Allow", "Principal": {"Service": "batch.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="service", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]
    batch.create_compute_environment(computeEnvironmentName="environment", type="UNMANAGED", serviceRole=role["Arn"])
    until_valid(lambda: batch.describe_compute_environments()["computeEnvironments"])
    order = [{"order": 1, "computeEnvironment": "environment"}]
    batch.create_job_queue(jobQueueName="queue", priority=1, computeEnvironmentOrder=order)
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}]
    container = {"image": "busybox", "command": ["sleep", "20"], "resourceRequirements": needs}
    batch.register_job_definition(jobDefinitionName="definition", type="container", containerProperties=container)
    until_valid(lambda: batch.describe_job_queues()["jobQueues"])
    sqs.create_queue(QueueName="ends")
    pattern = {"source": ["aws.batch"], "detail": {"status": ["SUCCEEDED"]}}
    events.put_rule(Name="ends", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="ends", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:ends"}])
