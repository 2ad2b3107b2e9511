"""Quota shares at AWS: find, wait, and those of a queue.

A share is a part of its queue, in its ARN too: `…:job-queue/<queue>/quota-share/<share>`.
Source: the example of https://docs.aws.amazon.com/batch/latest/APIReference/API_DeleteQuotaShare.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchiac.aws import job_queue
from batchiac.aws.door import Door
from batchiac.aws.wait import GONE, Wait, wait_for
from batchiac.errors import AwsRefusal

SETTLED = Wait({"VALID"}, {"CREATING", "UPDATING"}, 600)
STILL = Wait({"VALID", "INVALID", GONE}, {"CREATING", "UPDATING", "DELETING"}, 600)
DELETED = Wait({GONE}, {"DELETING", "VALID", "INVALID", "UPDATING"}, 1800)


def queue_of(arn: str) -> str:
    """The ARN of the share's queue."""
    return arn.partition("/quota-share/")[0]


def find(door: Door, arn: str) -> dict[str, Any] | None:
    """AWS's description, None when there is none.

    DescribeQuotaShare refuses an ARN that it does not know, in a text that AWS does not document. So a refusal is one
    only if the share is listed.
    """
    try:
        return door.client("batch").describe_quota_share(quotaShareArn=arn)
    except AwsRefusal:
        queue = queue_of(arn)
        if job_queue.find(door, queue) is None or arn not in arns_of(door, queue):
            return None
        raise


def arns_of(door: Door, queue_arn: str) -> list[str]:
    """The ARNs of a queue's shares (at most 20)."""
    listed = door.client("batch").pages("list_quota_shares", "quotaShares", jobQueue=queue_arn)
    return [each["quotaShareArn"] for each in listed]


def find_all_arns(door: Door, queue_arn: str = "") -> Iterator[str]:
    """The ARNs of the shares of every queue that can have some: one whose scheduling policy is of quota shares.

    Args:
        queue_arn: the one queue that is looked at; empty for all.
    """
    queues = [each for each in job_queue.find_all(door) if queue_arn in ("", each["jobQueueArn"])]
    # AWS does not say what ListQuotaShares answers for another queue: it is not asked.
    policies = _quota_policies(door, [arn for each in queues if (arn := each.get("schedulingPolicyArn"))])
    for queue in queues:
        if queue.get("schedulingPolicyArn") in policies and queue.get("status") not in ("DELETING", "DELETED"):
            yield from arns_of(door, queue["jobQueueArn"])


def _quota_policies(door: Door, arns: Sequence[str]) -> set[str]:
    """Those of the policies (at most 100) that are of quota shares."""
    if not arns:
        return set()
    found = door.client("batch").describe_scheduling_policies(arns=sorted(set(arns)))["schedulingPolicies"]
    return {each["arn"] for each in found if each.get("quotaSharePolicy")}


def wait(door: Door, arn: str, row: Wait) -> Mapping[str, Any] | None:
    """The description once the share is as `row` says.

    Raises:
        WaitError: it does not get there.
    """
    return wait_for(
        lambda: find(door, arn),
        row,
        what=f"quota share {arn.rpartition('/')[2]}",
        sleep=door.sleep,
        clock=door.clock,
    )
