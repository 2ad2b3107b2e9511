"""Job definitions at AWS: their revisions, and whether an open job uses one."""

from __future__ import annotations

from typing import Any

from batchiac.aws import job_queue
from batchiac.aws.door import Door


def revisions(door: Door, name: str) -> list[dict[str, Any]]:
    """The ACTIVE revisions of a name, newest first."""
    found = door.client("batch").pages(
        "describe_job_definitions", "jobDefinitions", jobDefinitionName=name, status="ACTIVE"
    )
    return sorted(found, key=lambda each: -int(each["revision"]))


def find_revision(door: Door, arn: str) -> dict[str, Any] | None:
    """One revision by its ARN, ACTIVE or not; None when AWS knows none."""
    found = door.client("batch").describe_job_definitions(jobDefinitions=[arn])["jobDefinitions"]
    return found[0] if found else None


def is_used(door: Door, arn: str) -> bool:
    """True when a job that has not ended runs, or will run, this revision."""
    filters = [{"name": "JOB_DEFINITION", "values": [arn]}]
    for queue in job_queue.find_all(door):
        jobs = job_queue.list_jobs(door, queue["jobQueueArn"], filters=filters)
        # The listing goes back seven days and holds every job that has ended: the first open one is enough.
        if any(each.get("status") in job_queue.OPEN_STATUSES for each in jobs):
            return True
    return False
