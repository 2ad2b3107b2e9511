"""Which service jobs are stopped to make room for another.

"Quota management uses cross-share preemption to restore borrowed capacity back to a quota share when jobs arrive";
in-share preemption "allows higher priority RUNNABLE jobs to trigger preemptions of lower priority jobs within the same
quota share". Which ones: "a custom heuristic". Assumption (0113): the lowest priority first, of equal ones the one that
was scheduled last; nobody is stopped in vain.
Source: https://docs.aws.amazon.com/batch/latest/userguide/preemption.html, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from batchiac.engine import service_capacity as capacity
from batchiac.engine.service_records import CROSS_SHARE, IN_SHARE, ServiceJob
from batchiac.model.service_job import QuotaShare, ServiceQueue


@frozen
class Usage:
    """Instances by unit: of an environment, and of each share."""

    environment: Mapping[str, int]
    shares: Mapping[str, Mapping[str, int]]


def choose_preempted(
    queue: ServiceQueue, share: QuotaShare, job: ServiceJob, in_place: Iterable[ServiceJob], used: Usage, needs: Usage
) -> tuple[list[ServiceJob], str]:
    """Whom to stop for a job of a share, and the reason in AWS's words; nobody where that would not make room.

    Args:
        in_place: the queue's jobs that have capacity; those that are being stopped already count as gone.
        needs: of the job: `shares` has its share alone.
    """
    by_share = {name: dict(amounts) for name, amounts in used.shares.items()}
    environment = dict(used.environment)
    of_share = needs.shares[share.name]
    candidates = []
    for each in in_place:
        if each.preempting:
            capacity.add(by_share[each.request.quota_share], each.taken_of_share, -1)
            capacity.add(environment, each.taken, -1)
        else:
            candidates.append(each)

    def enough() -> bool:
        own = capacity.is_own(share, by_share[share.name], of_share)
        lent = own and capacity.is_lent_out(share, queue.shares, by_share, of_share)
        return (
            not lent
            and capacity.fits(queue.environment_limits, environment, needs.environment)
            and capacity.may_take(share, queue.shares, by_share, of_share)
        )

    if enough():
        return [], ""
    cross = capacity.is_own(share, by_share[share.name], of_share)
    chosen: list[ServiceJob] = []
    for each in sorted(candidates, key=lambda other: (other.priority, -(other.scheduled_at_ms or 0), -other.serial)):
        theirs = each.request.quota_share
        if cross:
            eligible = theirs != share.name and theirs in capacity.borrowers(queue.shares, by_share)
        else:
            eligible = share.in_share_preemption and theirs == share.name and each.priority < job.priority
        if eligible:
            chosen.append(each)
            capacity.add(by_share[theirs], each.taken_of_share, -1)
            capacity.add(environment, each.taken, -1)
            if enough():
                return chosen, CROSS_SHARE if cross else IN_SHARE
    return [], ""
