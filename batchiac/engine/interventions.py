"""What happens from outside AWS Batch, when a caller says so: a real process that ended, a role that lost its
permissions, another setting for a simulation that runs."""

from __future__ import annotations

from heapq import heappush

from batchiac.engine.environments import options_changed, read_environment
from batchiac.engine.jobs import RUNNING
from batchiac.engine.kernel.events import ROW_BITS
from batchiac.engine.ledger import NEVER, NO_EXIT, Ending
from batchiac.engine.reasons import ESSENTIAL_EXITED, START_FAILED
from batchiac.engine.records import ARRAY, MULTINODE, Record
from batchiac.engine.scaling import request_scaling, scale_to_floor
from batchiac.engine.settings import EngineSettings
from batchiac.engine.submission import world_admit
from batchiac.engine.world import ADMISSION, World


def finish_attempt(
    world: World, record: Record, row: int, exit_code: int | None, reason: str, attempt: int | None
) -> bool:
    """End a RUNNING attempt with this exit code, 1 ms from now, in place of the end that was planned.

    A timeout that is over, or a termination, stays the cause; the exit code is the given one. Without one its container
    could not be started: it never was RUNNING then, and has no startedAt.

    Returns:
        False, and nothing is changed, where it is not RUNNING (any more), or another attempt than `attempt` is.
    """
    ledger = world.ledger
    if row == record.row and record.kind in (ARRAY, MULTINODE):
        return False
    if ledger.status[row] != RUNNING or attempt not in (None, ledger.attempts[row]):
        return False
    timeout_ms = record.plan.timeout_ms
    timed_out = timeout_ms is not None and world.now_ms >= ledger.started[row] + timeout_ms
    stopping = bool(record.stops and row in record.stops)
    if not timed_out and not stopping:
        # It ended by itself: what was written down for its timeout does not hold.
        ledger.endings.pop(row, None)
        if exit_code is None:
            ledger.endings[row] = Ending(START_FAILED, reason)
            ledger.started[row] = NEVER
        elif reason:
            ledger.endings[row] = Ending(ESSENTIAL_EXITED, reason)
    ledger.exit[row] = NO_EXIT if exit_code is None else exit_code
    # At least 1 ms: commands of one time must all come before what they cause (attempts.stop_attempt).
    ledger.stopped[row] = world.now_ms + 1
    heappush(world.events.rows, world.now_ms + 1 << ROW_BITS | row)
    return True


def set_role_permissions(world: World, name: str, granted: bool) -> None:
    """The environment's service role lost its permissions, or has them again.

    The environment stays VALID: Batch learns of it only when it wants to act. Nothing is launched or placed meanwhile;
    what runs goes on. A head that is blocked in all its environments by this says so (reasons.ROLE_PERMISSIONS).
    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_misconfiguration.html, read
    2026-11-21.

    Raises:
        NotFoundRefusal: there is no such environment.
    """
    state = read_environment(world, name)
    if state.role_permitted is granted:
        return
    state.role_permitted = granted
    options_changed(world, state)
    if granted and state.status == "VALID":
        scale_to_floor(world, state)
    if any(queue.blocked_row >= 0 for queue in state.queues):
        request_scaling(world)


def change_settings(world: World, settings: EngineSettings) -> None:
    """Have other settings hold from now on; what is on its way already comes when it would have come."""
    before, world.settings = world.settings, settings
    world.prepared.clear()
    for queue in world.queue_order:
        if queue.fair is not None:
            queue.fair.apply(world, queue.spec.scheduling_policy)
    for environment in world.environments.values():
        environment.fits.clear()
        options_changed(world, environment)
    if settings.admission_ms != before.admission_ms:
        # Admission looks at the submission's time: those that wait are looked at when the new time is over.
        for created_at in sorted({record.created_at for record in world.admissions}):
            at = max(world.now_ms + 1, created_at + settings.admission_ms)
            world.events.call(at, world_admit, world, priority=ADMISSION)
