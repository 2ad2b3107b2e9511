"""What happens from outside AWS Batch, when a caller says so: a real process that ended, a role that lost its
permissions, another setting for a simulation that runs."""

from __future__ import annotations

from heapq import heappush

from batchiac.engine.attempts import to_running, write_end
from batchiac.engine.containers import is_pod, outcomes_of, starting_ms, task_outcome
from batchiac.engine.environments import options_changed, read_environment
from batchiac.engine.gangs import node_running
from batchiac.engine.jobs import RUNNING, STARTING
from batchiac.engine.kernel.events import ROW_BITS
from batchiac.engine.ledger import NEVER, NO_EXIT, Ending
from batchiac.engine.reasons import ESSENTIAL_EXITED, START_FAILED
from batchiac.engine.records import ARRAY, MULTINODE, Record
from batchiac.engine.requirements import node_containers
from batchiac.engine.scaling import request_scaling, scale_to_floor
from batchiac.engine.settings import EngineSettings
from batchiac.engine.submission import world_admit
from batchiac.engine.world import ADMISSION, FIRST, World
from batchiac.model.job_definition import Container


def containers_due_ms(world: World, record: Record, row: int) -> int | None:
    """When the first containers of a STARTING attempt begin, where others wait for them; None for any other attempt."""
    ledger = world.ledger
    if ledger.status[row] != STARTING or _is_parent(record, row):
        return None
    containers = _containers(record, row)
    if not any(each.init or each.depends_on for each in containers):
        return None
    ending = ledger.endings.get(row)
    if ending is not None and ending.status_reason is START_FAILED:
        return None
    # As attempts.plan_stages had it: draws are functions of job, index and attempt, so nothing is kept for this.
    number = len(ledger.past.get(record.row if record.kind == MULTINODE else row, ())) + 1
    outcomes = outcomes_of(world, record, containers, max(0, row - record.row - 1), number)
    outcome, runs = task_outcome(containers, outcomes, pod=is_pod(record.plan.definition))
    waits = starting_ms(containers, outcome, runs)
    return ledger.stopped[row] - outcome.duration_ms if waits is None else ledger.started[row] - waits


def begin_attempt(world: World, record: Record, row: int, duration_ms: int, attempt: int | None) -> bool:
    """The last container of a STARTING attempt has begun: it is RUNNING 1 ms from now, and its timeout runs.

    Args:
        duration_ms: how long it runs unless told otherwise.

    Returns:
        False, and nothing is changed, where its containers do not wait for one another, or it is not STARTING (any
        more), or is being stopped, or another attempt than `attempt` is under way.
    """
    ledger = world.ledger
    due = containers_due_ms(world, record, row)
    if due is None or due > world.now_ms or attempt not in (None, ledger.attempts[row]) or _is_stopping(record, row):
        return False
    # At least 1 ms: commands of one time must all come before what they cause (attempts.stop_attempt).
    begin = world.now_ms + 1
    if ledger.started[row] <= begin:
        return False  # it has been told already
    ledger.endings.pop(row, None)
    timed = record.kind != MULTINODE or row == record.row + 1 + record.plan.definition.main_node
    write_end(world, row, duration_ms, begin, 0, record.plan.timeout_ms if timed else None)
    world.events.call(begin, _begin, (world, record, row, ledger.attempts[row]), priority=FIRST)
    return True


def _begin(argument: tuple[World, Record, int, int]) -> None:
    world, record, row, attempt = argument
    ledger = world.ledger
    if ledger.status[row] == STARTING and ledger.attempts[row] == attempt and ledger.started[row] == world.now_ms:
        (node_running if record.kind == MULTINODE else to_running)(world, record, row)


def finish_attempt(
    world: World, record: Record, row: int, exit_code: int | None, reason: str, attempt: int | None
) -> bool:
    """End a RUNNING attempt with this exit code, 1 ms from now, in place of the end that was planned.

    A timeout that is over, or a termination, stays the cause; the exit code is the given one. Without one its container
    could not be started: it never was RUNNING then, and has no startedAt. Nor has one whose containers wait for one
    another, and of which an earlier one failed in STARTING (decision 0117).

    Returns:
        False, and nothing is changed, where it is not RUNNING (any more), or another attempt than `attempt` is.
    """
    ledger = world.ledger
    if _is_parent(record, row) or attempt not in (None, ledger.attempts[row]):
        return False
    if ledger.status[row] == STARTING:
        return _finish_starting(world, record, row, exit_code, reason)
    if ledger.status[row] != RUNNING:
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
    # At least 1 ms: commands of one time must all come before what they cause (attempts.stop_attempt).
    _write_stop(world, row, world.now_ms + 1, exit_code)
    return True


def _finish_starting(world: World, record: Record, row: int, exit_code: int | None, reason: str) -> bool:
    """`finish_attempt` of one whose containers wait for one another: they run while it is STARTING."""
    ledger = world.ledger
    due = containers_due_ms(world, record, row)
    if due is None or due > world.now_ms or _is_stopping(record, row):
        return False
    if exit_code == 0:
        # "RUNNING for that last moment": there is no way from STARTING to SUCCEEDED.
        begin_attempt(world, record, row, 1, None)
    ledger.endings.pop(row, None)
    if exit_code is None:
        ledger.endings[row] = Ending(START_FAILED, reason)
    elif reason:
        ledger.endings[row] = Ending(ESSENTIAL_EXITED, reason)
    end = world.now_ms + 1
    if exit_code is not None and ledger.started[row] == end:
        end += 1  # it has been told to begin in this very millisecond
    else:
        ledger.started[row] = end + 1  # never: it ends before
    _write_stop(world, row, end, exit_code)
    return True


def _write_stop(world: World, row: int, end: int, exit_code: int | None) -> None:
    world.ledger.exit[row] = NO_EXIT if exit_code is None else exit_code
    world.ledger.stopped[row] = end
    heappush(world.events.rows, end << ROW_BITS | row)


def _is_parent(record: Record, row: int) -> bool:
    return row == record.row and record.kind in (ARRAY, MULTINODE)


def _is_stopping(record: Record, row: int) -> bool:
    stops = record.stops or {}
    return row in stops or record.row in stops


def _containers(record: Record, row: int) -> tuple[Container, ...]:
    definition = record.plan.definition
    return node_containers(definition, row - record.row - 1) if record.kind == MULTINODE else record.plan.containers


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
