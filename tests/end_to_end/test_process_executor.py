"""`--executor process`: jobs' commands really run, with their environment, logs, exit codes, limits and ends."""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="process groups and /proc are looked at: Linux only")
LOOKS = 20_000


class Jobs:
    """A server that runs real processes, and one queue on it."""

    def __init__(self, served: Any) -> None:
        self.served = served
        self.batch = served.client("batch")

    def set_up(self) -> None:
        ec2, iam = self.served.client("ec2"), self.served.client("iam")
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        iam.create_role(RoleName="ecsInstanceRole", AssumeRolePolicyDocument=trust)
        iam.create_instance_profile(InstanceProfileName="ecsInstanceRole")
        iam.add_role_to_instance_profile(InstanceProfileName="ecsInstanceRole", RoleName="ecsInstanceRole")
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        self.batch.create_compute_environment(
            computeEnvironmentName="environment",
            type="MANAGED",
            computeResources={
                "type": "EC2",
                "minvCpus": 0,
                "maxvCpus": 8,
                "instanceTypes": ["m5.large"],
                "subnets": [subnet],
                "securityGroupIds": [group],
                "instanceRole": "ecsInstanceRole",
            },
        )
        self.until(lambda: self.batch.describe_compute_environments()["computeEnvironments"][0]["status"], "VALID")
        order = [{"order": 1, "computeEnvironment": "environment"}]
        self.batch.create_job_queue(jobQueueName="queue", priority=1, computeEnvironmentOrder=order)
        self.until(lambda: self.batch.describe_job_queues()["jobQueues"][0]["status"], "VALID")

    def submit(self, *command: str, memory: int = 256, **more: Any) -> str:
        container = {
            "image": "none",
            "command": list(command),
            "environment": [{"name": "GREETING", "value": "hello"}],
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"},
                {"type": "MEMORY", "value": str(memory)},
            ],
        }
        definition = self.batch.register_job_definition(
            jobDefinitionName="definition", type="container", containerProperties=container
        )["jobDefinitionArn"]
        job_id: str = self.batch.submit_job(jobName="job", jobQueue="queue", jobDefinition=definition, **more)["jobId"]
        return job_id

    def look(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.batch.describe_jobs(jobs=[job_id])["jobs"][0]
        return found

    def ended(self, job_id: str, wanted: str) -> dict[str, Any]:
        self.until(lambda: self.look(job_id)["status"], wanted)
        return self.look(job_id)

    def log(self, job: dict[str, Any]) -> list[str]:
        events = self.served.client("logs").get_log_events(
            logGroupName="/aws/batch/job", logStreamName=job["container"]["logStreamName"]
        )["events"]
        return [event["message"] for event in events]

    def lines(self, job_id: str) -> int:
        """How many lines there are; 0 before there is a stream."""
        job, logs = self.look(job_id), self.served.client("logs")
        if "logStreamName" not in job["container"] or not logs.describe_log_groups()["logGroups"]:
            return 0
        named = job["container"]["logStreamName"]
        streams = logs.describe_log_streams(logGroupName="/aws/batch/job", logStreamNamePrefix=named)["logStreams"]
        return len(self.log(job)) if streams else 0

    @staticmethod
    def until(read: Callable[[], str], wanted: str) -> None:
        seen = ""
        for _ in range(LOOKS):
            seen = read()
            if seen == wanted:
                return
            if seen in ("SUCCEEDED", "FAILED"):
                break
        raise AssertionError(f"it is {seen} not {wanted}")


@pytest.fixture(scope="module")
def jobs(serve_once: Callable[..., Any]) -> Iterator[Jobs]:
    made = Jobs(serve_once("--executor", "process"))
    made.set_up()
    yield made


def test_a_command_runs_with_its_environment_and_its_log(jobs: Jobs) -> None:
    """The container's variables, AWS_BATCH_*, the server's address; not root; its lines in the log stream."""
    script = "echo $GREETING; echo $AWS_BATCH_JOB_ID; echo $AWS_ENDPOINT_URL; id -u; echo last >&2; printf unfinished"
    job_id = jobs.submit("sh", "-c", script)
    job = jobs.ended(job_id, "SUCCEEDED")
    lines = jobs.log(job)
    assert lines[:3] == ["hello", job_id, jobs.served.address]
    assert lines[3] not in ("0", "") or os.geteuid() != 0
    assert lines[4:] == ["last", "unfinished"]
    assert job["container"]["exitCode"] == 0


def test_the_exit_code_is_the_commands(jobs: Jobs) -> None:
    """3 for exit 3, 127 for a command that this machine does not have, with the reason in the log."""
    job = jobs.ended(jobs.submit("sh", "-c", "exit 3"), "FAILED")
    assert (job["container"]["exitCode"], job["statusReason"]) == (3, "Essential container in task exited")
    job = jobs.ended(jobs.submit("no-such-command-here"), "FAILED")
    assert job["container"]["exitCode"] == 127
    assert jobs.log(job) == ["exec: no-such-command-here: No such file or directory"]


def test_a_retry_is_a_new_process(jobs: Jobs) -> None:
    """Each attempt runs, and knows its number."""
    job_id = jobs.submit("sh", "-c", "test $AWS_BATCH_JOB_ATTEMPT = 2", retryStrategy={"attempts": 3})
    job = jobs.ended(job_id, "SUCCEEDED")
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [1, 0]


def test_the_children_of_an_array_know_their_index(jobs: Jobs) -> None:
    """Child 1 fails because it says so, and the array with it."""
    job_id = jobs.submit("sh", "-c", "exit $AWS_BATCH_JOB_ARRAY_INDEX", arrayProperties={"size": 2})
    jobs.ended(job_id, "FAILED")
    assert [jobs.look(f"{job_id}:{index}")["container"]["exitCode"] for index in (0, 1)] == [0, 1]


def test_more_memory_than_asked_for_is_killed(jobs: Jobs) -> None:
    """OutOfMemoryError and 137, as ECS says it."""
    # tail keeps its last line, and this one has no end.
    job = jobs.ended(jobs.submit("sh", "-c", "cat /dev/zero | tail", memory=64), "FAILED")
    assert job["container"]["exitCode"] == 137
    assert job["container"]["reason"].startswith("OutOfMemoryError")


def test_terminate_reaches_everything_the_job_has_started(jobs: Jobs) -> None:
    """SIGTERM to the whole session: the job ends at once, not after the grace, and nothing of it lives on."""
    job_id = jobs.submit("sh", "-c", "sleep 3600 & echo $!; wait")
    jobs.until(lambda: jobs.look(job_id)["status"], "RUNNING")
    jobs.until(lambda: str(jobs.lines(job_id)), "1")
    grandchild = jobs.log(jobs.look(job_id))[0]
    jobs.batch.terminate_job(jobId=job_id, reason="enough")
    job = jobs.ended(job_id, "FAILED")
    assert (job["container"]["exitCode"], job["statusReason"]) == (143, "enough")
    jobs.until(lambda: "there" if is_alive(grandchild) else "gone", "gone")


def is_alive(pid: str) -> bool:
    """A zombie is not: it waits for somebody to ask for its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_foreign_page_is_refused_everywhere(jobs: Jobs) -> None:
    """While jobs are processes, no path answers a foreign Host or Origin, AWS's own included."""
    host = jobs.served.address.removeprefix("http://")
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/batch/aws4_request, S=x"}
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.request("POST", "/v1/describejobqueues", b"{}", {**signed, **headers})
        assert connection.getresponse().status == 403
        connection.close()


def test_a_killed_server_takes_its_processes_along(serve: Callable[..., Any], tmp_path: Path) -> None:
    """kill -9: the job's process ends with the server, and after the restart the job has FAILED and says why."""
    flags = ("--executor", "process", "--data", str(tmp_path / "data"))
    jobs = Jobs(serve(*flags))
    jobs.set_up()
    job_id = jobs.submit("sh", "-c", "echo $$; sleep 3600")
    jobs.until(lambda: jobs.look(job_id)["status"], "RUNNING")
    jobs.until(lambda: str(jobs.lines(job_id)), "1")
    (pid,) = jobs.log(jobs.look(job_id))
    jobs.served.kill()
    jobs.until(lambda: "there" if is_alive(pid) else "gone", "gone")
    again = Jobs(serve(*flags))
    job = again.ended(job_id, "FAILED")
    assert job["container"]["exitCode"] == 137
    assert "restarted" in job["container"]["reason"]
    assert again.log(job) == [pid]
