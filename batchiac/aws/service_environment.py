"""Service environments at AWS: find, wait, and the queues that stand on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batchiac.aws import job_queue
from batchiac.aws.door import Door
from batchiac.aws.wait import GONE, Wait, wait_for

SETTLED = Wait({"VALID"}, {"CREATING", "UPDATING"}, 600)
STILL = Wait({"VALID", "INVALID", GONE}, {"CREATING", "UPDATING", "DELETING"}, 600)
DELETED = Wait({GONE, "DELETED"}, {"DELETING", "VALID", "INVALID", "UPDATING"}, 1800)


def find(door: Door, name_or_arn: str) -> dict[str, Any] | None:
    """AWS's description, None when there is none (DescribeServiceEnvironments leaves out what it does not know)."""
    found = door.client("batch").describe_service_environments(serviceEnvironments=[name_or_arn])
    listed = [each for each in found["serviceEnvironments"] if each.get("status") != "DELETED"]
    return listed[0] if listed else None


def find_all(door: Door) -> Iterator[dict[str, Any]]:
    """Every service environment of the account and region (at most 50)."""
    return door.client("batch").pages("describe_service_environments", "serviceEnvironments")


def wait(door: Door, name_or_arn: str, row: Wait) -> Mapping[str, Any] | None:
    """The description once the environment is as `row` says.

    Raises:
        WaitError: it does not get there.
    """
    return wait_for(
        lambda: find(door, name_or_arn),
        row,
        what=f"service environment {name_or_arn.rpartition('/')[2]}",
        sleep=door.sleep,
        clock=door.clock,
    )


def queues_of(door: Door, arn: str) -> list[str]:
    """The names of the queues that stand on the environment, those that are being deleted too."""
    return [
        each["jobQueueName"]
        for each in job_queue.find_all(door)
        if any(entry["serviceEnvironment"] == arn for entry in each.get("serviceEnvironmentOrder", ()))
    ]
