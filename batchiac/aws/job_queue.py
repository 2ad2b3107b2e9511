"""Job queues at AWS: find, wait, and the jobs in them."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from batchiac.aws.door import Door
from batchiac.aws.wait import GONE, Wait, wait_for
from batchiac.errors import AwsRefusal

SETTLED = Wait({"VALID"}, {"CREATING", "UPDATING"}, 600)
STILL = Wait({"VALID", "INVALID", GONE}, {"CREATING", "UPDATING", "DELETING"}, 600)
DELETED = Wait({GONE, "DELETED"}, {"DELETING", "VALID", "INVALID", "UPDATING"}, 1800)

OPEN_STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
"""The statuses of a job that has not ended."""


_turns: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)


@contextmanager
def in_turn(arn: str) -> Iterator[None]:
    """Change one queue at a time in this process.

    A program's change of a queue and the bridge of an environment that it uses run side by side; what the one reads of
    the order it must write before the other does.
    """
    with _turns[arn]:
        yield


def find(door: Door, name_or_arn: str) -> dict[str, Any] | None:
    """AWS's description, None when there is none."""
    found = door.client("batch").describe_job_queues(jobQueues=[name_or_arn])
    listed = [each for each in found["jobQueues"] if each.get("status") != "DELETED"]
    return listed[0] if listed else None


def find_all(door: Door) -> Iterator[dict[str, Any]]:
    """Every queue of the account and region (at most 50)."""
    return door.client("batch").pages("describe_job_queues", "jobQueues")


def wait(door: Door, name_or_arn: str, row: Wait) -> Mapping[str, Any] | None:
    """The description once the queue is as `row` says.

    Raises:
        WaitError: with AWS's own statusReason.
    """
    return wait_for(
        lambda: find(door, name_or_arn),
        row,
        what=f"job queue {name_or_arn.rpartition('/')[2]}",
        sleep=door.sleep,
        clock=door.clock,
    )


def list_jobs(door: Door, arn: str, **where: Any) -> Iterator[dict[str, Any]]:
    """The summaries that ListJobs has for a queue, page by page as they are asked for; none once the queue is gone,
    which it may be since it was listed.

    Args:
        where: jobStatus, or filters.
    """
    try:
        yield from door.client("batch").pages("list_jobs", "jobSummaryList", jobQueue=arn, **where)
    except AwsRefusal:
        if find(door, arn) is not None:
            raise


def open_jobs(door: Door, arn: str, most: int = 10_000) -> Iterator[dict[str, Any]]:
    """The summaries of the queue's jobs that have not ended; at most `most`, because a queue may hold a million."""
    left = most
    for status in OPEN_STATUSES:
        for summary in door.client("batch").pages("list_jobs", "jobSummaryList", jobQueue=arn, jobStatus=status):
            if left == 0:
                return
            left -= 1
            yield {**summary, "status": summary.get("status", status)}
