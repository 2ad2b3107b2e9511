"""Quota shares of a service-job queue: the API and its states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchiac.engine.reasons import SHARE_DELETED
from batchiac.local.api_error import refusal
from batchiac.local.operations.service_environment import require_settled
from batchiac.local.paging import page
from batchiac.local.records import Record

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

MOST_SHARES = 20
"""Source: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html, "quota shares per job queue"."""

_SETTINGS = ("capacityLimits", "resourceSharingConfiguration", "preemptionConfiguration", "state")


def create_quota_share(batch: BatchBackend, request: Wire) -> Wire:
    """CreateQuotaShare: in a queue whose scheduling policy has a quotaSharePolicy."""
    queue = batch.queues.read(request["jobQueue"])
    policy = batch.policies.find(queue.wire.get("schedulingPolicyArn", ""))
    if policy is None or "quotaSharePolicy" not in policy.wire:
        raise refusal(f"Job queue {queue.name} has no scheduling policy with a quotaSharePolicy")
    if sum(share.wire["jobQueueArn"] == queue.arn for share in batch.quota_shares) >= MOST_SHARES:
        raise refusal(f"A job queue can have up to {MOST_SHARES} quota shares")
    wire = {key: request[key] for key in _SETTINGS if key in request}
    wire.setdefault("state", "ENABLED")
    wire |= {"quotaShareName": request["quotaShareName"], "jobQueueArn": queue.arn}
    # Names are unique in their queue.
    record = batch.new_record(batch.quota_shares, f"{queue.name}/{request['quotaShareName']}", wire, request)
    batch.begin(record, "CREATING", then="VALID")
    return _names(record)


def update_quota_share(batch: BatchBackend, request: Wire) -> Wire:
    """UpdateQuotaShare."""
    record = batch.quota_shares.read(request["quotaShareArn"])
    require_settled(record, "update")
    record.wire.update({key: request[key] for key in _SETTINGS if key in request})
    batch.begin(record, "UPDATING", then="VALID")
    return _names(record)


def delete_quota_share(batch: BatchBackend, request: Wire) -> Wire:
    """DeleteQuotaShare: DISABLED first. "All jobs in the share are eventually terminated"."""
    record = batch.quota_shares.read(request["quotaShareArn"])
    require_settled(record, "delete")
    if record.wire["state"] != "DISABLED":
        raise refusal(batch.engine.settings.messages.delete_enabled_queue)
    queue, share = record.name.split("/")
    for job in list(batch.service.jobs.values()):
        if (job.request.queue, job.request.quota_share) == (queue, share):
            batch.service.terminate(job.id, SHARE_DELETED)
    batch.begin(record, "DELETING", then=None, shelf=batch.quota_shares)
    return {}


def describe_quota_share(batch: BatchBackend, request: Wire) -> Wire:
    """DescribeQuotaShare."""
    arn = request["quotaShareArn"]
    batch.observe_records(lambda: [each for each in [batch.quota_shares.find(arn)] if each is not None])
    record = batch.quota_shares.read(request["quotaShareArn"])
    return {**_detail(record), "tags": dict(record.tags)}


def list_quota_shares(batch: BatchBackend, request: Wire) -> Wire:
    """ListQuotaShares: those of one queue."""
    queue = batch.queues.read(request["jobQueue"])

    def shares() -> list[tuple[int, Record]]:
        chosen = batch.quota_shares.chosen(None)
        return [(serial, each) for serial, each in chosen if each.wire["jobQueueArn"] == queue.arn]

    batch.observe_records(lambda: [each for _, each in shares()])
    found, more = page("ListQuotaShares", request, shares(), 100)
    return {"quotaShares": [_detail(record) for record in found], **more}


def _names(record: Record) -> Wire:
    return {"quotaShareName": record.wire["quotaShareName"], "quotaShareArn": record.arn}


def _detail(record: Record) -> Wire:
    return {**_names(record), **record.wire}
