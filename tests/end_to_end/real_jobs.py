"""A server that runs real processes, and jobs on it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOOKS = 5_000


class Jobs:
    """A server that runs real processes, and one queue on it."""

    def __init__(self, served: Any) -> None:
        self.served = served
        self.batch = served.client("batch")

    def set_up(self) -> None:
        """Roles, an environment, a queue; returns when both are VALID."""
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
                "maxvCpus": 16,
                "instanceTypes": ["m5.xlarge"],
                "subnets": [subnet],
                "securityGroupIds": [group],
                "instanceRole": "ecsInstanceRole",
            },
        )
        self.until(lambda: self.batch.describe_compute_environments()["computeEnvironments"][0]["status"], "VALID")
        order = [{"order": 1, "computeEnvironment": "environment"}]
        self.batch.create_job_queue(jobQueueName="queue", priority=1, computeEnvironmentOrder=order)
        self.until(lambda: self.batch.describe_job_queues()["jobQueues"][0]["status"], "VALID")

    def submit(self, *command: str, memory: int = 256, definition: dict[str, Any] | None = None, **more: Any) -> str:
        """The id of a new job.

        Args:
            definition: what goes into its definition's containerProperties beside the command.
        """
        container = {
            "image": "none",
            "command": list(command),
            "environment": [{"name": "GREETING", "value": "hello"}],
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"},
                {"type": "MEMORY", "value": str(memory)},
            ],
            **(definition or {}),
        }
        registered = self.batch.register_job_definition(
            jobDefinitionName="definition", type="container", containerProperties=container
        )["jobDefinitionArn"]
        job_id: str = self.batch.submit_job(jobName="job", jobQueue="queue", jobDefinition=registered, **more)["jobId"]
        return job_id

    def submit_task(self, **definition: Any) -> str:
        """The id of a new job whose definition has other properties than a container's."""
        registered = self.batch.register_job_definition(jobDefinitionName="task", **definition)["jobDefinitionArn"]
        job_id: str = self.batch.submit_job(jobName="job", jobQueue="queue", jobDefinition=registered)["jobId"]
        return job_id

    def look(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.batch.describe_jobs(jobs=[job_id])["jobs"][0]
        return found

    def ended(self, job_id: str, wanted: str) -> dict[str, Any]:
        self.until(lambda: self.look(job_id)["status"], wanted)
        return self.look(job_id)

    def log(self, job: dict[str, Any]) -> list[str]:
        return self.stream(job["container"]["logStreamName"])

    def stream(self, name: str) -> list[str]:
        events = self.served.client("logs").get_log_events(logGroupName="/aws/batch/job", logStreamName=name)["events"]
        return [event["message"] for event in events]

    def first_line(self, job_id: str) -> str:
        """The job's first line, as soon as there is one."""
        self.until(lambda: "some" if self.lines(job_id) else "none", "some")
        return self.log(self.look(job_id))[0]

    def lines(self, job_id: str) -> int:
        """How many lines there are; 0 before there is a stream."""
        job, logs = self.look(job_id), self.served.client("logs")
        if "logStreamName" not in job["container"] or not logs.describe_log_groups()["logGroups"]:
            return 0
        named = job["container"]["logStreamName"]
        streams = logs.describe_log_streams(logGroupName="/aws/batch/job", logStreamNamePrefix=named)["logStreams"]
        return len(self.log(job)) if streams else 0

    def now_ms(self) -> int:
        """The stack's time."""
        with urllib.request.urlopen(self.served.address + "/_batchiac/state", timeout=60) as answer:
            now_ms: int = json.load(answer)["now_ms"]
        return now_ms

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


def is_alive(pid: str) -> bool:
    """A zombie is not: it waits for somebody to ask for its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until_gone(pid: str) -> None:
    """Returns when there is no such process; fails where it stays."""
    Jobs.until(lambda: "there" if is_alive(pid) else "gone", "gone")
