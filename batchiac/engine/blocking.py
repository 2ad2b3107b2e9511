"""Why the head of a queue cannot be placed: AWS's seven reasons, and what time-limit actions do about it.

A head that waits for instances that are launching, or for jobs that will end, is not blocked.
Source: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html and
job_stuck_in_runnable_time_limit_actions.html, read 2026-11.
"""

from __future__ import annotations

from batchiac.engine import consumables, reasons
from batchiac.engine.effects import QueueBlocked
from batchiac.engine.fits import fitting_types, host_holds, platform_matches
from batchiac.engine.fleet import EnvironmentState
from batchiac.engine.jobs import RUNNABLE, finish, job_id_of
from batchiac.engine.machine import JobEvent
from batchiac.engine.records import CPU_UNITS, Record
from batchiac.engine.waiting import QueueState
from batchiac.engine.world import HOUSEKEEPING, World
from batchiac.model.instance_type import InstanceType


def find_reasons(world: World) -> None:
    """Set, change or clear the reason of every blocked head; tell listeners and start time limits of new ones."""
    for queue in world.queue_order:
        row = queue.blocked_row
        if row < 0:
            continue
        if queue.fair is None:
            row = queue.blocked_row = queue.lane.head()
            if row < 0:
                continue
        record = world.records[world.ledger.owner[row]]
        if record is None or world.ledger.status[row] != RUNNABLE:
            continue
        wait = world.settings.blocked_after_ms
        reason = find_reason(world, queue, record)
        if reason and world.now_ms - queue.blocked_at < wait:
            at = queue.blocked_at + wait
            world.events.call(at, lambda each: find_reasons(each), world, priority=HOUSEKEEPING)
            continue
        if reason == queue.blocked_reason:
            continue
        queue.blocked_reason = reason
        queue.blocked_since = world.now_ms
        if not reason:
            world.ledger.status_reasons.pop(row, None)
            continue
        world.ledger.status_reasons[row] = reason
        world.tell(QueueBlocked(world.now_ms, queue.spec.name, job_id_of(record, row), reason))
        matcher = reason.partition(" - ")[0]
        # "The following statusReason values do not support jobStateTimeLimitActions and require manual investigation."
        for action in queue.spec.time_limit_actions if matcher in reasons.TIME_LIMIT_REASONS else ():
            if action.reason == matcher:
                at = world.now_ms + action.max_time_s * 1000
                argument = (world, queue, record, row, reason, world.now_ms)
                world.events.call(at, _time_limit, argument, priority=HOUSEKEEPING)
                break


def find_reason(world: World, queue: QueueState, record: Record) -> str:
    """The reason of this head in AWS's text; empty while it waits for what will come."""
    shape = record.plan.shape
    environments = queue.environments
    if environments and all(each.status == "INVALID" for each in environments):
        return reasons.INVALID_ENVIRONMENTS
    possible = [each for each in environments if each.status in ("VALID", "UPDATING", "CREATING")]
    if any(each.status == "CREATING" for each in possible):
        return ""
    enabled = [each for each in possible if each.spec.state == "ENABLED"]
    suitable = [each for each in enabled if platform_matches(each, shape)]
    if not suitable:
        return reasons.JOB_REQUIREMENT if enabled else reasons.UNDETERMINED
    if record.plan.consumables and not consumables.available(world, record.plan.consumables):
        return "" if any(state.in_use for state in world.consumables.values()) else reasons.UNDETERMINED
    found = [_reason_in(world, each, record) for each in suitable]
    if "" in found:
        return ""
    # "All compute environments have service role issues": only then is it the role.
    return next((each for each in found if each != reasons.ROLE_PERMISSIONS), reasons.ROLE_PERMISSIONS)


def _reason_in(world: World, environment: EnvironmentState, record: Record) -> str:
    """Why one environment cannot hold the head; empty when it can, sooner or later."""
    if not environment.role_permitted:
        return reasons.ROLE_PERMISSIONS
    shape = record.plan.shape
    resources = environment.spec.resources
    if resources is None:
        if any(host_holds(host, shape) for host in environment.hosts.values()):
            return ""
        return reasons.JOB_REQUIREMENT if environment.hosts else reasons.UNDETERMINED
    needed = shape.cpu * max(1, shape.nodes)
    if needed > resources.max_vcpus * CPU_UNITS:
        return reasons.MAX_RESOURCE
    if not resources.on_instances:
        return ""
    if not environment.candidates:
        return reasons.UNSUPPORTED_INSTANCES
    fitting = fitting_types(world, environment, shape)
    if not fitting:
        return reasons.JOB_REQUIREMENT
    if any(host_holds(host, shape) for host in environment.hosts.values()) and not shape.nodes:
        return ""
    if environment.hosts and shape.nodes:
        return "" if _gang_can_come(environment, shape.nodes, fitting) else _capacity(environment, fitting)
    smallest = min(kind.vcpus for kind in fitting)
    if smallest > resources.max_vcpus and resources.allocation_strategy == "BEST_FIT":
        return reasons.MAX_RESOURCE
    return _capacity(environment, fitting)


def _gang_can_come(environment: EnvironmentState, nodes: int, fitting: tuple[InstanceType, ...]) -> bool:
    names = {kind.name for kind in fitting}
    return sum(host.type.name in names for host in environment.hosts.values()) >= nodes


def _capacity(environment: EnvironmentState, fitting: tuple[InstanceType, ...]) -> str:
    exhausted = [kind.name for kind in fitting if kind.name in environment.exhausted]
    return reasons.insufficient_capacity(exhausted[0]) if exhausted else ""


def _time_limit(argument: tuple[World, QueueState, Record, int, str, int]) -> None:
    """Cancel the head if it is still the head and blocked for the same reason ever since."""
    world, queue, record, row, reason, since = argument
    unchanged = queue.blocked_row == row and queue.blocked_reason == reason and queue.blocked_since == since
    if unchanged and world.ledger.status[row] == RUNNABLE:
        text = reasons.time_limit(reason)
        queue.blocked_row, queue.blocked_reason = -1, ""
        finish(world, record, row, JobEvent.TIME_LIMIT, text)
        world.wake_queue(queue)
