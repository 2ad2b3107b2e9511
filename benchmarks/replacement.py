"""What a change costs beyond what AWS takes: an environment replaced under load, and `up` of a thousand resources.

The replacement runs against the server with its default delays. Its clock is moved by this program, so that the two
minutes in which instances are launched can be skipped; during the replacement it goes as fast as time does. What the
stack itself takes is known (its settings) or seen (when the last job ended); the rest is ours: calls, and looking later
than a thing was ready.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from batchiac.engine.settings import EngineSettings

OURS = [
    sys.executable,
    "-c",
    "from batchiac.cli.main import main; main()",
    "serve",
    "--port",
    "0",
    "--clock",
    "virtual",
]
JOBS = 50
QUEUES = 3
JOB_S = 25
SIZE = 1000
ROUNDS = 3

PROGRAM = """
import json, pathlib
from batchiac.components.resources import RESOURCES

things = json.loads((pathlib.Path(__file__).parent / "things.json").read_text())
made = {}

def filled(value):
    if isinstance(value, dict):
        if set(value) == {"ref"}:
            return made[value["ref"]].output("id")
        return {key: filled(each) for key, each in value.items()}
    return [filled(each) for each in value] if isinstance(value, list) else value

for name, (kind, inputs) in things.items():
    made[name] = RESOURCES[kind](name, {"identity": f"bench/dev/{name}", **filled(inputs)})
"""

Things = Mapping[str, tuple[str, Mapping[str, Any]]]


def figures() -> Iterator[dict[str, Any]]:
    """Every figure of this area."""
    with tempfile.TemporaryDirectory() as folder:
        yield _replacement(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        yield from _up_of_many(Path(folder))


def _figure(name: str, value: float, unit: str, at_most: float) -> dict[str, Any]:
    return {"name": name, "value": round(value, 3), "unit": unit, "at_most": at_most, "holds": value <= at_most}


def _write(folder: Path, things: Things) -> None:
    if not (folder / "prog").exists():
        (folder / "prog").mkdir()
        (folder / "stacks").mkdir()
        (folder / "Pulumi.yaml").write_text("name: bench\nmain: prog\nstackConfigDir: stacks\nruntime: python\n")
        (folder / "stacks/Pulumi.dev.yaml").write_text(
            "config: {batchiac:target: local, batchiac:region: us-east-1, batchiac:endpoint: 'http://127.0.0.1:9'}\n"
        )
        (folder / "prog/__main__.py").write_text(PROGRAM)
    (folder / "prog/things.json").write_text(json.dumps(things))


def _environment(strategy: str) -> tuple[str, dict[str, Any]]:
    resources = {
        "type": "EC2",
        "allocationStrategy": strategy,
        "minvCpus": 0,
        "maxvCpus": 256,
        "instanceTypes": ["c5.large"],
        "subnets": ["subnet-11111111"],
        "securityGroupIds": ["sg-11111111"],
        "instanceRole": "arn:aws:iam::123456789012:instance-profile/one",
    }
    return ("ComputeEnvironment", {"type": "MANAGED", "computeResources": resources})


def _definition(image: str = "busybox") -> tuple[str, dict[str, Any]]:
    size = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
    return (
        "JobDefinition",
        {"type": "container", "containerProperties": {"image": image, "resourceRequirements": size}},
    )


def _replacement(folder: Path) -> dict[str, Any]:
    import boto3

    from batchiac.aws import Door
    from batchiac.deploy import open_memory_stack, up
    from batchiac.provider import HANDLERS

    order = [{"order": 1, "computeEnvironment": {"ref": "work"}}]
    queues = {f"q{n}": ("JobQueue", {"priority": 1, "computeEnvironmentOrder": order}) for n in range(QUEUES)}
    server = subprocess.Popen([*OURS, "--no-projections"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        address = next(line.split()[1] for line in server.stdout if line.startswith("ready "))
        environ = {**os.environ, "AWS_ENDPOINT_URL": address}
        _write(folder, {"work": _environment("BEST_FIT_PROGRESSIVE"), **queues, "job": _definition()})
        stack = open_memory_stack(folder, "dev", environ=environ)
        door = Door(stack.target)
        with _in_real_time(address, times=20):
            up(stack, lambda token: HANDLERS[token](door))
        batch = boto3.client(
            "batch", endpoint_url=address, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="a"
        )
        names = [each["jobQueueName"] for each in batch.describe_job_queues()["jobQueues"]]
        definition = batch.describe_job_definitions()["jobDefinitions"][0]["jobDefinitionArn"]
        ids = [
            batch.submit_job(
                jobName=f"job-{number}",
                jobQueue=names[number % QUEUES],
                jobDefinition=definition,
                tags={"batchiac:duration": str(JOB_S)},
            )["jobId"]
            for number in range(JOBS)
        ]
        _until_running(batch, ids, address)
        _write(folder, {"work": _environment("BEST_FIT"), **queues, "job": _definition()})
        began_at_ms = _move(address, 0)
        with _in_real_time(address):
            began = time.monotonic()
            up(stack, lambda token: HANDLERS[token](door))
            took_s = time.monotonic() - began
        jobs = batch.describe_jobs(jobs=ids)["jobs"]
        assert {(each["status"], len(each["attempts"])) for each in jobs} == {("SUCCEEDED", 1)}, "a job was interrupted"
        drained_s = (max(each["stoppedAt"] for each in jobs) - began_at_ms) / 1000
        return _figure(
            "replacement of an environment under load, beyond the stack's own time",
            took_s - _own_s(drained_s),
            f"s of {took_s:.1f} s",
            3,
        )
    finally:
        server.terminate()
        server.wait(30)


def _own_s(drained_s: float) -> float:
    """What the stack takes by itself: new environment, queues, jobs; then disabled and deleted."""
    delays = EngineSettings()
    made = delays.environment_create_ms + delays.queue_update_ms
    return max(made / 1000, drained_s) + (delays.environment_update_ms + delays.environment_delete_ms) / 1000


def _until_running(batch: Any, ids: list[str], address: str) -> None:
    """Launching takes two minutes of the stack's time, which are not what is measured: they are skipped."""
    for _ in range(60):
        if {each["status"] for each in batch.describe_jobs(jobs=ids)["jobs"]} == {"RUNNING"}:
            return
        _move(address, 5)
    raise RuntimeError("the jobs do not run")


def _move(address: str, seconds: float) -> float:
    """Move the server's clock; what it says then, in milliseconds."""
    body = json.dumps({"advance_s": seconds}).encode()
    request = urllib.request.Request(f"{address}/_batchiac/clock", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        now_ms: float = json.load(answer)["now_ms"]
        return now_ms


@contextmanager
def _in_real_time(address: str, times: float = 1) -> Iterator[None]:
    """The server's clock goes as real time does, or so many times as fast, as long as the block lasts."""
    ended = threading.Event()

    def tick() -> None:
        last = time.monotonic()
        while not ended.wait(0.05):
            now = time.monotonic()
            _move(address, times * (now - last))
            last = now

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _up_of_many(folder: Path) -> Iterator[dict[str, Any]]:
    """`up` of a thousand resources on the in-process stack: what it takes beyond the stack's own time, in previews.

    The stack is in this process, so its own time can be seen: the CPU that goes into answering requests and into moving
    its clock. Everything else is ours: botocore's part of each call too, because how often to call is ours to choose.
    Everything is CPU, of all threads: nothing here waits for a disk, a network, or a clock that cannot be moved, and
    one interpreter does one thing at a time, so CPU is what an idle machine's wall clock shows. (A busy one's shows
    what else runs there: `up` and its preview are seconds apart, and then it is chance which of them it hits.)
    """
    from batchiac.testing import local_stack

    things: dict[str, tuple[str, Mapping[str, Any]]] = {"work": _environment("BEST_FIT_PROGRESSIVE")}
    order = [{"order": 1, "computeEnvironment": {"ref": "work"}}]
    for number in range(40):
        things[f"q{number}"] = ("JobQueue", {"priority": number, "computeEnvironmentOrder": order})
    while len(things) < SIZE:
        number = len(things)
        things[f"j{number}"] = _definition(f"image-{number}")
    _write(folder, things)
    ratios, parts = [], []
    for _ in range(ROUNDS):
        with local_stack(projections=False) as stack, _stack_seconds() as (answers, moves):
            began = time.process_time()
            deployment = stack.up(folder, "dev")
            up_s = time.process_time() - began
            own_s, count = sum(answers) + sum(moves), len(answers)
            began = time.process_time()
            plan = deployment.preview()
            preview_s = time.process_time() - began
            assert not plan.has_changes and not answers[count:], "the preview is not one of no change"
        ratios.append((up_s - own_s) / preview_s)
        parts.append((up_s, own_s, preview_s, count))
    ratio = statistics.median_low(ratios)
    up_s, own_s, preview_s, count = parts[ratios.index(ratio)]
    yield _figure(
        f"up of {SIZE} resources, beyond the in-process stack's own time",
        ratio,
        f"x its preview (up {up_s:.2f} s, {count} calls {own_s:.2f} s, preview {preview_s:.2f} s)",
        4,
    )


@contextmanager
def _stack_seconds() -> Iterator[tuple[list[float], list[float]]]:
    """The seconds of CPU that a running stack takes for each request, and for each move of its clock, as they come.

    CPU of the thread: with many of them in one process the wall's time within a call is mostly that of others.
    """
    from moto.core.botocore_stubber import BotocoreStubber

    from batchiac.local.stack import StackClock

    answers: list[float] = []
    moves: list[float] = []
    before = BotocoreStubber.__call__, StackClock.sleep
    BotocoreStubber.__call__ = _counted(BotocoreStubber.__call__, answers)
    StackClock.sleep = _counted(StackClock.sleep, moves)  # type: ignore[method-assign]
    try:
        yield answers, moves
    finally:
        BotocoreStubber.__call__, StackClock.sleep = before  # type: ignore[method-assign]


def _counted(act: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        began = time.thread_time()
        try:
            return act(*arguments, **named)
        finally:
            spent.append(time.thread_time() - began)

    return timed
