"""Queues of service jobs: what the scheduler of service jobs is told of them, and what a snapshot shows.

A queue stands on one service environment; with a scheduling policy it is one of fair share or of quota shares. All of
that is records here, so that any change of a record is told by telling every such queue again: they are few (50).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from batchiac.local.records import Record
from batchiac.model.job_queue import TimeLimitAction
from batchiac.model.service_job import QuotaShare, ServiceQueue

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

_OPEN = ("VALID", "UPDATING")


def service_resources_changed(batch: BatchBackend) -> None:
    """A queue, service environment, quota share or scheduling policy is another now."""
    for record in batch.queues:
        if record.wire.get("serviceEnvironmentOrder") and record.wire.get("status") != "DELETING":
            batch.service.put_queue(_value(batch, record))


def _value(batch: BatchBackend, record: Record) -> ServiceQueue:
    wire = record.wire
    environment = batch.service_environments.read(wire["serviceEnvironmentOrder"][0]["serviceEnvironment"])
    policy = batch.policies.find(wire.get("schedulingPolicyArn", ""))
    policy_wire = {} if policy is None else policy.wire
    kind = "QUOTA" if "quotaSharePolicy" in policy_wire else "FAIR_SHARE" if policy_wire else "FIFO"
    distribution = policy_wire.get("fairsharePolicy", {}).get("shareDistribution", ())
    shares = sorted(
        (each for each in batch.quota_shares if each.wire["jobQueueArn"] == record.arn), key=lambda each: each.serial
    )
    return ServiceQueue(
        name=record.name,
        priority=wire["priority"],
        environment=environment.name,
        environment_limits=_limits(environment.wire),
        kind=kind,  # type: ignore[arg-type]  # one of the three
        weights={each["shareIdentifier"]: each.get("weightFactor", 1.0) for each in distribution},
        shares=tuple(_share(each) for each in shares if each.wire.get("status") != "DELETING"),
        time_limit_actions=tuple(
            TimeLimitAction(each["reason"], each["maxTimeSeconds"], each["state"], each["action"])
            for each in wire.get("jobStateTimeLimitActions", ())
        ),
        open=wire.get("status") in _OPEN
        and environment.wire.get("status") in _OPEN
        and environment.wire["state"] == "ENABLED",
    )


def _share(record: Record) -> QuotaShare:
    sharing = record.wire.get("resourceSharingConfiguration", {})
    preemption = record.wire.get("preemptionConfiguration", {})
    return QuotaShare(
        name=record.wire["quotaShareName"],
        limits=_limits(record.wire),
        strategy=sharing.get("strategy", "RESERVE"),
        borrow_limit=sharing.get("borrowLimit", -1),
        in_share_preemption=preemption.get("inSharePreemption") == "ENABLED",
    )


def _limits(wire: Wire) -> dict[str, int]:
    return {each["capacityUnit"]: each["maxCapacity"] for each in wire.get("capacityLimits", ())}


def usage_shown(amounts: Mapping[str, int]) -> list[Wire]:
    """Amounts by unit as the API shows capacity."""
    return [{"capacityUnit": unit, "quantity": float(count)} for unit, count in amounts.items()]


def service_queue_snapshot(batch: BatchBackend, record: Record, most_jobs: int, most_shares: int) -> Wire:
    """GetJobQueueSnapshot's answer for a queue of service jobs."""
    now = batch.now_ms()
    waiting = batch.service.waiting(record.name)
    shown: list[Wire] = [
        {"jobArn": batch.service_job_arn(job.id), "earliestTimeAtPosition": job.ready_at_ms} for job in waiting
    ]
    answer: Wire = {"frontOfQueue": {"jobs": shown[:most_jobs], "lastUpdatedAt": now}}
    queue = _value(batch, record)
    utilization: Wire = {"totalCapacityUsage": usage_shown(batch.service.in_use(record.name)), "lastUpdatedAt": now}
    if queue.kind == "QUOTA":
        fronts: Wire = {}
        for job, line in zip(waiting, shown, strict=True):
            fronts.setdefault(job.request.quota_share, [line])
        answer["frontOfQuotaShares"] = {"quotaShares": fronts, "lastUpdatedAt": now}
        used = {share.name: batch.service.in_use(record.name, share.name) for share in queue.shares}
        most = sorted(used, key=lambda name: -sum(used[name].values()))[:most_shares]
        utilization["quotaShareUtilization"] = {
            "topCapacityUtilization": [
                {"quotaShareName": name, "capacityUsage": usage_shown(used[name])} for name in most
            ]
        }
    answer["queueUtilization"] = utilization
    return answer
