"""Compute environments at AWS: find, wait, who refers to them, what runs on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batchiac.aws import job_queue
from batchiac.aws.door import Door
from batchiac.aws.wait import GONE, Wait, wait_for

SETTLED = Wait({"VALID"}, {"CREATING", "UPDATING"}, 1200)
"""After a create or a scaling update."""
STILL = Wait({"VALID", "INVALID", GONE}, {"CREATING", "UPDATING", "DELETING"}, 1200)
"""Before and after disabling: an INVALID one can be deleted as well."""
DELETED = Wait({GONE, "DELETED"}, {"DELETING", "VALID", "INVALID", "UPDATING"}, 1800)

RELATIONSHIP = "found existing JobQueue relationship"
"""Part of AWS's text while any queue, even one being deleted, refers to the environment."""


def find(door: Door, name_or_arn: str) -> dict[str, Any] | None:
    """AWS's description, None when there is none (DescribeComputeEnvironments leaves out what it does not know)."""
    found = door.client("batch").describe_compute_environments(computeEnvironments=[name_or_arn])
    listed = [each for each in found["computeEnvironments"] if each.get("status") != "DELETED"]
    return listed[0] if listed else None


def find_all(door: Door) -> Iterator[dict[str, Any]]:
    """Every environment of the account and region (at most 50)."""
    return door.client("batch").pages("describe_compute_environments", "computeEnvironments")


def wait(door: Door, name_or_arn: str, row: Wait) -> Mapping[str, Any] | None:
    """The description once the environment is as `row` says.

    Raises:
        WaitError: with AWS's own statusReason.
    """
    return wait_for(
        lambda: find(door, name_or_arn),
        row,
        what=f"compute environment {name_or_arn.rpartition('/')[2]}",
        sleep=door.sleep,
        clock=door.clock,
    )


def queues_of(door: Door, arn: str) -> list[str]:
    """The names of the queues that refer to the environment, those that are being deleted too."""
    return [
        each["jobQueueName"]
        for each in job_queue.find_all(door)
        if any(entry["computeEnvironment"] == arn for entry in each.get("computeEnvironmentOrder", ()))
    ]


def running_jobs(door: Door, cluster_arn: str) -> list[dict[str, Any]]:
    """The jobs that are STARTING or RUNNING on the environment whose ECS cluster this is.

    An ARN of a task or container instance names its cluster: `…:task/<cluster>/<id>`.
    """
    cluster = cluster_arn.rpartition("/")[2]
    client = door.client("batch")
    found = []
    for queue in job_queue.find_all(door):
        ids = [
            each["jobId"]
            for status in ("STARTING", "RUNNING")
            for each in client.pages("list_jobs", "jobSummaryList", jobQueue=queue["jobQueueArn"], jobStatus=status)
        ]
        for start in range(0, len(ids), 100):
            described = client.describe_jobs(jobs=ids[start : start + 100])["jobs"]
            found += [job for job in described if cluster in _clusters(job)]
    return found


def _clusters(job: Mapping[str, Any]) -> set[str]:
    container = job.get("container") or {}
    arns = [container.get("taskArn"), container.get("containerInstanceArn")]
    for task in (job.get("ecsProperties") or {}).get("taskProperties", ()):
        arns += [task.get("taskArn"), task.get("containerInstanceArn")]
    return {arn.split("/")[1] for arn in arns if arn and arn.count("/") == 2}
