"""Room for service jobs: what a job needs, whether it may start, why it never can, whom it may stop for its place.

Pure functions over limits and what is in use; service_jobs.py asks them and acts. All amounts are whole instances by
unit (`NUM_INSTANCES`, or an instance type).
Sources: https://docs.aws.amazon.com/batch/latest/userguide/quota-shares.html, preemption.html,
sm_job_stuck_in_runnable_misconfiguration.html, read 2026-11-21. Assumption (0113): which borrower is stopped (AWS
"applies a custom heuristic"), and that a share borrows only what other shares lend.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from batchiac.model.service_job import NUM_INSTANCES, QuotaShare, ServiceJobRequest

ENVIRONMENT_MAX = (
    "MISCONFIGURATION:SERVICE_ENVIRONMENT_MAX_RESOURCE - Service environment(s) associated with the job queue cannot"
    " meet the capacity requirement of the job."
)
SHARE_MAX = "MISCONFIGURATION:QUOTA_MANAGEMENT_LIMIT_EXCEEDED - Job requirements exceed quota share capacity limits."
BORROW_MAX = (
    "MISCONFIGURATION:QUOTA_MANAGEMENT_LIMIT_EXCEEDED - Job requirements exceed quota share capacity limits and borrow"
    " limits."
)
LENDERS_MAX = (
    "MISCONFIGURATION:QUOTA_MANAGEMENT_LIMIT_EXCEEDED - Job requires borrowing that exceeds all configured borrowable"
    " capacity."
)
NO_CAPACITY = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Unable to provision requested compute resources"

Amounts = Mapping[str, int]


def needs_in(limits: Amounts, instances: Amounts) -> dict[str, int]:
    """What a job takes of these limits: by unit, or all its instances together where the unit is NUM_INSTANCES.

    A job that names no instance type takes its count of the first unit: the rules cannot know better.
    """
    needs: dict[str, int] = {}
    for kind, count in instances.items():
        unit = kind
        if NUM_INSTANCES in limits:
            unit = NUM_INSTANCES
        elif not kind:
            unit = next(iter(limits), NUM_INSTANCES)
        needs[unit] = needs.get(unit, 0) + count
    return needs


def add(total: dict[str, int], amounts: Amounts, sign: int = 1) -> None:
    """Add `amounts` (or take them away) in place."""
    for unit, count in amounts.items():
        total[unit] = total.get(unit, 0) + sign * count


def fits(limits: Amounts, used: Amounts, needs: Amounts) -> bool:
    """True when `needs` more stay within `limits`; a unit without a limit has none of it."""
    return all(used.get(unit, 0) + count <= limits.get(unit, 0) for unit, count in needs.items())


def borrow_ceiling(share: QuotaShare, unit: str) -> int | None:
    """The most of a unit that a share may have with what it borrows; None has no limit of its own."""
    own = share.limits.get(unit, 0)
    if share.strategy != "LEND_AND_BORROW":
        return own
    return None if share.borrow_limit < 0 else own + own * share.borrow_limit // 100


def lent_by_others(shares: Iterable[QuotaShare], share: QuotaShare, unit: str) -> int:
    """How much of a unit the other shares would lend if all of it were idle."""
    return sum(each.limits.get(unit, 0) for each in shares if each.name != share.name and each.strategy != "RESERVE")


def find_reason(
    request: ServiceJobRequest, environment_limits: Amounts, share: QuotaShare | None, shares: Sequence[QuotaShare]
) -> str:
    """Why this job can never start, in AWS's text; empty when it can."""
    if not fits(environment_limits, {}, needs_in(environment_limits, request.instances)):
        return ENVIRONMENT_MAX
    if share is None:
        return ""
    needs = needs_in(share.limits, request.instances)
    if share.strategy != "LEND_AND_BORROW":
        return "" if fits(share.limits, {}, needs) else SHARE_MAX
    for unit, count in needs.items():
        ceiling = borrow_ceiling(share, unit)
        if ceiling is not None and count > ceiling:
            return BORROW_MAX
        if count > share.limits.get(unit, 0) + lent_by_others(shares, share, unit):
            return LENDERS_MAX
    return ""


def may_take(share: QuotaShare, shares: Sequence[QuotaShare], used: Mapping[str, Amounts], needs: Amounts) -> bool:
    """True when a share's limits, its borrowing and what others lend now allow `needs` more.

    Args:
        used: share's name → what its jobs have.
    """
    own = used.get(share.name, {})
    for unit, count in needs.items():
        limit = share.limits.get(unit, 0)
        after = own.get(unit, 0) + count
        if after <= limit:
            continue
        ceiling = borrow_ceiling(share, unit)
        if ceiling is not None and after > ceiling:
            return False
        idle = sum(
            max(0, each.limits.get(unit, 0) - used.get(each.name, {}).get(unit, 0))
            for each in shares
            if each.name != share.name and each.strategy != "RESERVE"
        )
        borrowed = sum(max(0, used.get(each.name, {}).get(unit, 0) - each.limits.get(unit, 0)) for each in shares)
        if after - max(limit, own.get(unit, 0)) > idle - borrowed:
            return False
    return True


def is_own(share: QuotaShare, used: Amounts, needs: Amounts) -> bool:
    """True when a share would take no more than what is its own."""
    return fits(share.limits, used, needs)


def is_lent_out(share: QuotaShare, shares: Sequence[QuotaShare], used: Mapping[str, Amounts], needs: Amounts) -> bool:
    """True when others have borrowed so much that a share's own capacity is not all there."""
    for unit, count in needs.items():
        pool = sum(each.limits.get(unit, 0) for each in shares)
        taken = sum(used.get(each.name, {}).get(unit, 0) for each in shares)
        kept = sum(
            max(0, each.limits.get(unit, 0) - used.get(each.name, {}).get(unit, 0))
            for each in shares
            if each.name != share.name and each.strategy == "RESERVE"
        )
        if taken + kept + count > pool:
            return True
    return False


def borrowers(shares: Sequence[QuotaShare], used: Mapping[str, Amounts]) -> set[str]:
    """Names of the shares that have more than their own of any unit: by borrowing, or because a limit was lowered."""
    return {
        each.name
        for each in shares
        if any(count > each.limits.get(unit, 0) for unit, count in used.get(each.name, {}).items())
    }
