"""`--executor process` beyond one container: ECS tasks, multi-node jobs, pods, secrets, each with real processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from real_jobs import Jobs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="process groups and /proc are looked at: Linux only")
SIZE = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}]


@pytest.fixture(scope="module")
def jobs(serve_once: Callable[..., Any]) -> Iterator[Jobs]:
    made = Jobs(serve_once("--executor", "process", "--clock", "scaled:60"))
    made.set_up()
    yield made


def container(name: str, script: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "none", "command": ["sh", "-c", script], "resourceRequirements": SIZE, **more}


def after(name: str, condition: str) -> dict[str, Any]:
    return {"dependsOn": [{"containerName": name, "condition": condition}]}


def run_task(jobs: Jobs, *containers: dict[str, Any], wanted: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The job as it ended, and its containers by name."""
    task = {"containers": list(containers), "executionRoleArn": "arn:aws:iam::123456789012:role/ecsInstanceRole"}
    job = jobs.ended(jobs.submit_task(type="container", ecsProperties={"taskProperties": [task]}), wanted)
    return job, {each["name"]: each for each in job["ecsProperties"]["taskProperties"][0]["containers"]}


def test_containers_start_when_their_conditions_hold(jobs: Jobs) -> None:
    """START with the other, COMPLETE after its end whatever that is, SUCCESS after a good one; each has its stream."""
    job, found = run_task(
        jobs,
        container("main", "echo main", **after("good", "SUCCESS")),
        container("bad", "echo bad; exit 4", essential=False, **after("companion", "START")),
        container("good", "echo good", essential=False, **after("bad", "COMPLETE")),
        container("companion", "echo companion; exec sleep 3600", essential=False),
        wanted="SUCCEEDED",
    )
    codes = {name: each.get("exitCode") for name, each in found.items()}
    assert codes == {"main": 0, "bad": 4, "good": 0, "companion": 143}
    for name, each in found.items():
        assert f"/{name}/" in each["logStreamName"]
        assert jobs.stream(each["logStreamName"]) == [name]
    (attempt,) = job["attempts"]
    shown = attempt["taskProperties"][0]["containers"]
    assert {each["name"]: each["exitCode"] for each in shown} == codes


def test_an_essential_container_stops_the_others(jobs: Jobs) -> None:
    """Its exit code is the job's; one that ignores SIGTERM is killed when the grace, or its stopTimeout, is over."""
    deaf = "trap '' TERM; while true; do sleep 0.05; done"
    for timeout, at_least_ms in ({}, 30_000), ({"stopTimeout": 60}, 60_000):
        job, found = run_task(
            jobs, container("essential", "sleep 0.2; exit 7"), container("deaf", deaf, **timeout), wanted="FAILED"
        )
        assert {name: each["exitCode"] for name, each in found.items()} == {"essential": 7, "deaf": 137}
        assert job["statusReason"] == "Essential container in task exited"
        assert job["stoppedAt"] - job["startedAt"] >= at_least_ms


def test_a_task_is_starting_until_its_last_container_has_begun(jobs: Jobs) -> None:
    """startedAt is when the last one began, and the timeout runs from there."""
    sign = Path("/tmp", f"batchiac-sign-{jobs.served.process.pid}")  # where `nobody` may look
    first = container("first", f"while ! test -e {sign}; do sleep 0.05; done", essential=False)
    second = container("second", "exec sleep 3600", **after("first", "SUCCESS"))
    task = {"containers": [first, second], "executionRoleArn": "arn:aws:iam::123456789012:role/ecsInstanceRole"}
    job_id = jobs.submit_task(
        type="container", ecsProperties={"taskProperties": [task]}, timeout={"attemptDurationSeconds": 60}
    )
    jobs.until(lambda: jobs.look(job_id)["status"], "STARTING")
    # A minute and more of the stack's clock: the first one has long begun, and no timeout ends it.
    begun = jobs.look(job_id)["createdAt"]
    jobs.until(lambda: "long" if jobs.now_ms() > begun + 90_000 else "short", "long")
    assert (jobs.look(job_id)["status"], jobs.look(job_id).get("startedAt")) == ("STARTING", None)
    try:
        sign.touch()
        jobs.until(lambda: jobs.look(job_id)["status"], "RUNNING")
        job = jobs.ended(job_id, "FAILED")
    finally:
        sign.unlink(missing_ok=True)
    assert job["startedAt"] > begun + 90_000
    assert job["stoppedAt"] >= job["startedAt"] + 60_000
    assert job["statusReason"] == "Job attempt duration exceeded timeout"


def test_tasks_that_waited_when_the_server_was_killed_have_failed(serve: Callable[..., Any], tmp_path: Path) -> None:
    """One in STARTING has no startedAt; that the other had begun is known after the restart."""
    flags = ("--executor", "process", "--clock", "scaled:60", "--data", str(tmp_path / "data"))
    jobs = Jobs(serve(*flags))
    jobs.set_up()
    ids = []
    for first in ("exec sleep 3600", "true"):
        setup = container("setup", first, essential=False)
        task = {"containers": [setup, container("app", "exec sleep 3600", **after("setup", "SUCCESS"))]}
        ids.append(jobs.submit_task(type="container", ecsProperties={"taskProperties": [task]}))
    waiting, begun = ids
    jobs.until(lambda: jobs.look(begun)["status"], "RUNNING")
    jobs.until(lambda: jobs.look(waiting)["status"], "STARTING")
    started = jobs.look(begun)["startedAt"]
    jobs.served.kill()
    again = Jobs(serve(*flags))
    assert "startedAt" not in again.ended(waiting, "FAILED")
    assert again.ended(begun, "FAILED")["startedAt"] == started
    for job_id in ids:
        assert again.look(job_id)["attempts"][0]["taskProperties"][0]["containers"]


def test_a_condition_that_cannot_hold_fails_the_job(jobs: Jobs) -> None:
    """SUCCESS of a container that failed: the essential one never starts, and has no exit code."""
    job, found = run_task(
        jobs,
        container("first", "exit 5", essential=False),
        container("second", "echo never", **after("first", "SUCCESS")),
        wanted="FAILED",
    )
    assert "startedAt" not in job  # it has failed in STARTING
    assert found["first"]["exitCode"] == 5
    assert "exitCode" not in found["second"]


def test_a_container_of_a_task_that_cannot_be_started(jobs: Jobs) -> None:
    """The task fails to start; the container says why, and the other was stopped."""
    job, found = run_task(
        jobs,
        container("good", "exec sleep 3600"),
        {**container("missing", ""), "command": ["no-such-command-here"]},
        wanted="FAILED",
    )
    assert job["statusReason"] == "Task failed to start"
    assert "executable file not found in $PATH" in found["missing"]["reason"]
    assert found["good"]["exitCode"] in (137, 143)


def test_the_nodes_of_a_job_meet_at_the_main_nodes_address(jobs: Jobs) -> None:
    """Each node is a process; the others find the main one at its private address, and end with it."""
    main = (
        "import os, socket; s = socket.create_server(('', 0)); print(s.getsockname()[1], flush=True);"
        "open('/tmp/' + os.environ['MEETING'], 'w').write(str(s.getsockname()[1]));"
        "got = sorted(s.accept()[0].recv(99).decode() for _ in range(2)); print(*got);"
        "print('AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS' in os.environ)"
    )
    other = (
        "import os, socket, time\n"
        "e = os.environ; path = '/tmp/' + e['MEETING']\n"
        "while not (os.path.exists(path) and open(path).read()): time.sleep(0.02)\n"
        "to = (e['AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS'], int(open(path).read()))\n"
        "socket.create_connection(to).send('/'.join(e['AWS_BATCH_JOB_' + n] for n in"
        " ('NODE_INDEX', 'MAIN_NODE_INDEX', 'NUM_NODES')).encode())\n"
        "time.sleep(3600)"
    )
    meeting = f"batchiac-meeting-{jobs.served.process.pid}"
    shape = {"image": "none", "resourceRequirements": SIZE, "environment": [{"name": "MEETING", "value": meeting}]}
    ranges = [
        {"targetNodes": "0:1", "container": {**shape, "command": ["python3", "-c", other]}},
        {"targetNodes": "2:2", "container": {**shape, "command": ["python3", "-c", main]}},
    ]
    try:
        job_id = jobs.submit_task(
            type="multinode", nodeProperties={"numNodes": 3, "mainNode": 2, "nodeRangeProperties": ranges}
        )
        jobs.ended(job_id, "SUCCEEDED")
        node = jobs.look(f"{job_id}#2")
        assert jobs.log(node)[1:] == ["0/2/3 1/2/3", "False"]
        assert [jobs.look(f"{job_id}#{index}")["container"]["exitCode"] for index in range(3)] == [137, 137, 0]
    finally:
        Path("/tmp", meeting).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def pods(jobs: Jobs) -> Jobs:
    """The same server with an EKS environment behind the queue."""
    given = jobs.batch.describe_compute_environments()["computeEnvironments"][0]["computeResources"]
    kept = ("type", "minvCpus", "maxvCpus", "instanceTypes", "subnets", "securityGroupIds", "instanceRole")
    jobs.batch.create_compute_environment(
        computeEnvironmentName="pods",
        type="MANAGED",
        eksConfiguration={
            "eksClusterArn": "arn:aws:eks:us-east-1:123456789012:cluster/c",
            "kubernetesNamespace": "batch",
        },
        computeResources={**{key: given[key] for key in kept}, "allocationStrategy": "BEST_FIT_PROGRESSIVE"},
    )
    named = {"computeEnvironments": ["pods"]}
    jobs.until(lambda: jobs.batch.describe_compute_environments(**named)["computeEnvironments"][0]["status"], "VALID")
    order = [{"order": 1, "computeEnvironment": "pods"}]
    jobs.batch.create_job_queue(jobQueueName="pods", priority=1, computeEnvironmentOrder=order)
    jobs.until(lambda: jobs.batch.describe_job_queues(jobQueues=["pods"])["jobQueues"][0]["status"], "VALID")
    return jobs


def run_pod(jobs: Jobs, wanted: str, **pod: Any) -> dict[str, Any]:
    registered = jobs.batch.register_job_definition(
        jobDefinitionName="pod", type="container", eksProperties={"podProperties": pod}
    )["jobDefinitionArn"]
    return jobs.ended(jobs.batch.submit_job(jobName="pod", jobQueue="pods", jobDefinition=registered)["jobId"], wanted)


def pod_container(name: str, *args: str, **more: Any) -> dict[str, Any]:
    limits = {"limits": {"cpu": "1", "memory": "128Mi"}}
    return {"name": name, "image": "none", "command": ["sh", "-c"], "args": list(args), "resources": limits, **more}


def test_a_pod_runs_its_init_containers_first_and_ends_with_its_last(pods: Jobs) -> None:
    """In their order, each to its end; then the rest together; $(NAME) in args is the container's variable."""
    marker = f"/tmp/batchiac-pod-{pods.served.process.pid}"
    env = [{"name": "MARKER", "value": marker}]
    try:
        job = run_pod(
            pods,
            "SUCCEEDED",
            initContainers=[
                pod_container("one", "sleep 0.2; echo one > $(MARKER)", env=env),
                pod_container("two", "grep -q one $(MARKER) && echo two >> $(MARKER)", env=env),
            ],
            containers=[
                pod_container("short", "grep -q two $(MARKER)", env=env),
                pod_container("long", "sleep 0.5; rm $(MARKER)", env=env),
            ],
        )
        assert not Path(marker).exists()
    finally:
        Path(marker).unlink(missing_ok=True)
    (attempt,) = job["eksAttempts"]
    for part, names in (("initContainers", ["one", "two"]), ("containers", ["short", "long"])):
        assert [(each["name"], each["exitCode"]) for each in attempt[part]] == [(name, 0) for name in names]


def test_a_pod_has_failed_when_one_of_its_containers_has(pods: Jobs) -> None:
    """The others run on to their own end; an init container that fails lets none begin."""
    job = run_pod(pods, "FAILED", containers=[pod_container("bad", "exit 3"), pod_container("good", "sleep 0.3")])
    assert [each["exitCode"] for each in job["eksAttempts"][0]["containers"]] == [3, 0]
    job = run_pod(
        pods, "FAILED", initContainers=[pod_container("init", "exit 9")], containers=[pod_container("main", "true")]
    )
    (attempt,) = job["eksAttempts"]
    assert (attempt["initContainers"][0]["exitCode"], attempt["containers"][0].get("exitCode")) == (9, None)


def test_secrets_come_from_the_stack(jobs: Jobs) -> None:
    """Secrets Manager whole or by key, Parameter Store by name or ARN; one that is not there fails the start."""
    secrets, parameters = jobs.served.client("secretsmanager"), jobs.served.client("ssm")
    plain = secrets.create_secret(Name="plain", SecretString="tom")["ARN"]
    keyed = secrets.create_secret(Name="keyed", SecretString='{"user": "ann"}')["ARN"]
    parameters.put_parameter(Name="/a/b", Value="bob", Type="SecureString")
    given = {
        "ONE": plain,
        "TWO": f"{keyed}:user::",
        "THREE": "/a/b",
        "FOUR": "arn:aws:ssm:us-east-1:123456789012:parameter/a/b",
    }
    role = {"executionRoleArn": "arn:aws:iam::123456789012:role/ecsInstanceRole"}
    command = ("sh", "-c", "echo $ONE $TWO $THREE $FOUR")
    names = [{"name": name, "valueFrom": where} for name, where in given.items()]
    job = jobs.ended(jobs.submit(*command, definition={"secrets": names, **role}), "SUCCEEDED")
    assert jobs.log(job) == ["tom ann bob bob"]
    for where in ("/none", f"{keyed}:nobody::", plain.replace("plain", "other")):
        missing = [{"name": "ONE", "valueFrom": where}]
        job = jobs.ended(jobs.submit(*command, definition={"secrets": missing, **role}), "FAILED")
        assert job["statusReason"] == "Task failed to start"
        assert job["container"]["reason"].startswith("ResourceInitializationError: unable to pull secrets")
