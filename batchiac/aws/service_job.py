"""Service jobs at AWS: those of a queue, or of one of its quota shares, that have not ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from batchiac.aws.door import Door

OPEN_STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "SCHEDULED", "STARTING", "RUNNING")
"""The statuses of a service job that has not ended."""


def open_jobs(door: Door, queue_arn: str, most: int = 10_000, *, quota_share: str = "") -> Iterator[dict[str, Any]]:
    """The summaries of the queue's service jobs that have not ended, at most `most`.

    Args:
        quota_share: the name of the share whose jobs are wanted; empty for those of the whole queue.

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_ListServiceJobs.html: the filter
    QUOTA_SHARE_NAME "can be used with jobStatus".
    """
    filters = {"filters": [{"name": "QUOTA_SHARE_NAME", "values": [quota_share]}]} if quota_share else {}
    left = most
    for status in OPEN_STATUSES:
        listed = door.client("batch").pages(
            "list_service_jobs", "jobSummaryList", jobQueue=queue_arn, jobStatus=status, **filters
        )
        for summary in listed:
            if left == 0:
                return
            left -= 1
            yield {**summary, "status": summary.get("status", status)}
