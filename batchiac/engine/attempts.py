"""Attempts: from a host to an end, and back into the queue or on to the dependents.

Placing an attempt works out at once how it will end (the behaviour's draw, the memory limit, the timeout) and puts
that one end on the event queue. Whatever intervenes (a lost host, a termination) rewrites the columns; the end that
was planned is stale then, because its time no longer agrees with the row's.
"""

from __future__ import annotations

from heapq import heappush

from batchiac.engine import consumables, timeouts
from batchiac.engine.containers import draw_of, is_pod, outcomes_of, starting_ms, task_outcome
from batchiac.engine.dependencies import NOBODY
from batchiac.engine.fleet import EnvironmentState, Host
from batchiac.engine.jobs import FAILED, RUNNING, STARTING, ended, enqueue_front, tell_change, tell_history
from batchiac.engine.kernel.events import ROW_BITS, ROW_MASK
from batchiac.engine.ledger import NEVER, NO_EXIT, NO_HOST, Ending, PastAttempt
from batchiac.engine.machine import ILLEGAL, NEXT, JobEvent, Machine, next_status, read_row
from batchiac.engine.policies.behaviour import Outcome
from batchiac.engine.policies.retries import decide_retry
from batchiac.engine.reasons import (
    ESSENTIAL_EXITED,
    FARGATE_SPOT_INTERRUPTED,
    OUT_OF_MEMORY,
    SIGKILLED,
    SIGTERMED,
    START_FAILED,
    TIMED_OUT,
)
from batchiac.engine.records import MULTINODE, PLAIN, Record
from batchiac.engine.world import BACKGROUND, FIRST, HOUR_MS, World
from batchiac.model.job import JobStatus
from batchiac.model.job_definition import Container

_PLACED, _STARTED = JobEvent.PLACED << 3, JobEvent.STARTED << 3
_SUCCEEDED = JobEvent.SUCCEEDED << 3


def start(world: World, record: Record, row: int, host: Host | None, environment: EnvironmentState) -> None:
    """RUNNABLE → STARTING on a host (or on Fargate), and on to RUNNING at once where nothing has to be pulled."""
    ledger = world.ledger
    plan = record.plan
    now = world.now_ms
    to = next_status(ledger.status[row], JobEvent.PLACED, "")
    if ledger.status_reasons:
        ledger.status_reasons.pop(row, None)
    shape = plan.shape
    settings = world.settings
    begin = now + settings.container_start_ms
    if host is None:
        environment.cpu += shape.cpu
        environment.tasks.add(row)
        ledger.host[row] = -2 - environment.serial
        begin += settings.fargate_start_ms
    else:
        index = environment.index
        index.remove(host)
        host.free_cpu -= shape.cpu
        host.free_memory -= shape.memory
        host.free_gpus -= shape.gpus
        index.add(host)
        host.busy += 1
        ledger.host[row] = host.serial
        image = plan.image
        pulled = host.images.get(image)
        if pulled is None:
            pulled = host.images[image] = now + settings.image_pull_ms
        if pulled > begin:
            begin = pulled
    if plan.consumables:
        consumables.lock(world, plan.consumables)
    if record.share is not None:
        record.queue.fair.started(world, record.share, shape.cpu)
    attempt = ledger.attempts[row] = ledger.attempts[row] + 1
    record.demand.count -= 1
    child = row - record.row - 1
    begin = plan_end(world, record, row, max(child, 0), attempt, begin)
    if host is None:
        _plan_interruption(world, record, row, environment)
    ledger.status[row] = to
    if record.size:
        record.updated_at = now
    if world.listeners:
        tell_change(world, record, row, 2, STARTING, "")
    if begin == now:
        to_running(world, record, row)
    else:
        world.events.call(begin, _begin, (world, record, row, attempt), priority=FIRST)


def _plan_interruption(world: World, record: Record, row: int, environment: EnvironmentState) -> None:
    """Draw when Fargate Spot takes this task back, if that is before its end."""
    rate = world.settings.spot_interruptions_per_instance_hour
    resources = environment.spec.resources
    if rate <= 0 or resources is None or resources.type != "FARGATE_SPOT":
        return
    attempt = world.ledger.attempts[row]
    delay = world.stream.rekey(1 << 41, record.index, row - record.row, attempt).exponential(HOUR_MS / rate)
    at = world.now_ms + max(1, round(delay))
    if at < world.ledger.stopped[row]:
        world.events.call(at, _interrupt_task, (world, record, row, attempt), priority=BACKGROUND)


def _interrupt_task(argument: tuple[World, Record, int, int]) -> None:
    """Fargate Spot takes a task back; one that has ended otherwise is left alone."""
    world, record, row, attempt = argument
    status = world.ledger.status[row]
    if status in (STARTING, RUNNING) and world.ledger.attempts[row] == attempt:
        lose_attempt(world, record, row, FARGATE_SPOT_INTERRUPTED, SIGKILLED if status == RUNNING else NO_EXIT)


def _begin(argument: tuple[World, Record, int, int]) -> None:
    world, record, row, attempt = argument
    ledger = world.ledger
    if ledger.status[row] == STARTING and ledger.attempts[row] == attempt and ledger.started[row] == world.now_ms:
        to_running(world, record, row)


def to_running(world: World, record: Record, row: int) -> None:
    """STARTING → RUNNING: from here startedAt shows and the timeout runs. An attempt whose start fails stays."""
    ledger = world.ledger
    ending = ledger.endings.get(row)
    if ending is not None and ending.status_reason is START_FAILED:
        return
    ledger.status[row] = next_status(STARTING, JobEvent.STARTED, "")
    if record.size:
        record.updated_at = world.now_ms
    if world.listeners:
        tell_change(world, record, row, STARTING, RUNNING, "")


def plan_end(world: World, record: Record, row: int, index: int, attempt: int, begin: int) -> int:
    """Draw how this attempt will end and write it down; when it will be RUNNING."""
    if not record.plan.simple:
        number = len(world.ledger.past.get(row, ())) + 1  # as `attempt`, where start failures use attempts
        if record.plan.staged:
            return plan_stages(world, record, row, record.plan.containers, index, number, begin, record.plan.timeout_ms)
        attempt = number
    draw = record.draw
    if draw is None:
        draw = draw_of(world, record.request, record.plan)
        if record.size:
            record.draw = draw
    plan = record.plan
    outcome = draw(index, attempt, world.stream.rekey(record.index, index, attempt))
    write_end(world, row, outcome, begin, plan.memory, plan.timeout_ms)
    return begin


def plan_stages(
    world: World, record: Record, row: int, containers: tuple[Container, ...], index: int, attempt: int, begin: int,
    timeout_ms: int | None,
) -> int:  # fmt: skip
    """`plan_end` for a task whose containers wait for one another; STARTING is outside the timeout."""
    outcomes = outcomes_of(world, record, containers, index, attempt)
    outcome, runs = task_outcome(containers, outcomes, pod=is_pod(record.plan.definition))
    waits = starting_ms(containers, outcome, runs) if outcome.starts else 0
    if waits is None:
        write_end(world, row, outcome, begin, 0, None)
        world.ledger.started[row] = world.ledger.stopped[row] + 1  # never: it ends before
        return world.ledger.started[row]
    begin += waits
    write_end(world, row, outcome._replace(duration_ms=outcome.duration_ms - waits), begin, 0, timeout_ms)
    return begin


def write_end(
    world: World, row: int, outcome: Outcome | int, begin: int, memory_mib: int, timeout_ms: int | None
) -> None:
    """Write how an attempt that starts at `begin` will end into the columns, and put its end on the event queue.

    Args:
        memory_mib: the container's limit, 0 where the outcome has taken it into account already.
    """
    ledger = world.ledger
    duration, code, peak, reason, starts = (outcome, 0, 0, "", True) if isinstance(outcome, int) else outcome
    end = begin + duration
    timed_out = timeout_ms is not None and duration > timeout_ms
    if timed_out and world.settings.timeout_batch_ms:
        timeouts.expect(world, row, ledger.attempts[row], begin + timeout_ms)  # type: ignore[operator]  # not None
        timed_out = False
    if not starts:
        code, end = NO_EXIT, begin
        if not world.settings.start_failure_uses_attempt:
            end = max(begin, world.now_ms + 1)  # or one that always fails would be retried for ever in one instant
        ledger.endings[row] = Ending(START_FAILED, reason)
    elif timed_out:
        settings = world.settings
        grace = 0 if settings.stops_on_sigterm else settings.stop_grace_ms
        # It may end by itself within the grace; the attempt has timed out all the same.
        end = begin + min(duration, timeout_ms + grace)  # type: ignore[operator]  # not None
        code = SIGTERMED if settings.stops_on_sigterm else SIGKILLED
        ledger.endings[row] = Ending(TIMED_OUT, "", retryable=False)
    elif peak > memory_mib > 0:
        code = SIGKILLED
        ledger.endings[row] = Ending(ESSENTIAL_EXITED, OUT_OF_MEMORY)
    elif reason:
        ledger.endings[row] = Ending(ESSENTIAL_EXITED, reason)
    ledger.started[row] = begin
    ledger.stopped[row] = end
    ledger.exit[row] = code
    heappush(world.events.rows, end << ROW_BITS | row)


def end_row(world: World, row: int) -> None:
    """The planned end of a row has come: apply it unless it is stale."""
    ledger = world.ledger
    status = ledger.status[row]
    if (status != RUNNING and status != STARTING) or ledger.stopped[row] != world.now_ms:
        return
    entry = world.records.entries[ledger.owner[row]]
    record = entry if entry.__class__ is Record else world.records[ledger.owner[row]]
    assert record is not None
    if status == STARTING and ledger.started[row] <= world.now_ms:
        # An attempt of no length whose start is due at this very time.
        if record.kind == MULTINODE:
            from batchiac.engine import gangs

            gangs.node_running(world, record, row)
        else:
            to_running(world, record, row)
    ending = ledger.endings.pop(row, None) if ledger.endings else None
    code = ledger.exit[row]
    if record.kind == MULTINODE and row != record.row:
        from batchiac.engine import gangs

        gangs.end_node(world, record, row, ending)
        return
    release(world, record, row)
    if code == 0 and (ending is None or ending.retryable):
        succeed(world, record, row, ending)
    else:
        fail_attempt(world, record, row, ending or _EXITED)


_EXITED = Ending(ESSENTIAL_EXITED)


def release(world: World, record: Record, row: int) -> None:
    """Give back what the attempt held: its part of the host, its consumables."""
    ledger = world.ledger
    shape = record.plan.shape
    serial = ledger.host[row]
    if serial >= 0:
        host = world.hosts[serial]
        host.busy -= 1
        environment = host.environment
        if host.status == "READY":
            index = environment.index
            index.remove(host)
            host.free_cpu += shape.cpu
            host.free_memory += shape.memory
            host.free_gpus += shape.gpus
            index.add(host)
        else:
            host.free_cpu += shape.cpu
            host.free_memory += shape.memory
            host.free_gpus += shape.gpus
        if not host.busy:
            world.became_idle.append(host)
    else:
        environment = world.environment_list[-2 - serial]
        environment.cpu -= shape.cpu
        environment.tasks.discard(row)
    for queue in environment.queues:
        queue.dirty = True
    world.dirty = True
    if record.share is not None:
        record.queue.fair.stopped(world, record.share, shape.cpu)
    if record.plan.consumables:
        consumables.unlock(world, record.plan.consumables)


def succeed(world: World, record: Record, row: int, ending: Ending | None) -> None:
    """RUNNING → SUCCEEDED."""
    ledger = world.ledger
    to = NEXT[_SUCCEEDED | ledger.status[row]]
    if to == ILLEGAL:
        next_status(ledger.status[row], JobEvent.SUCCEEDED, tell_history(world, record, row))
    ledger.status[row] = to
    if ending is not None and ending.container_reason:
        ledger.container_reasons[row] = ending.container_reason
    if record.size:
        record.updated_at = world.now_ms
    if world.listeners:
        tell_change(world, record, row, RUNNING, to, ESSENTIAL_EXITED)
    if record.kind != PLAIN or record.dependents != NOBODY or record.share is not None:
        ended(world, record, row)
    else:
        record.ended_at = world.now_ms
        world.finished.append(record.index)


def fail_attempt(world: World, record: Record, row: int, ending: Ending) -> None:
    """An attempt failed, its host is released: back to the front of the queue, or FAILED."""
    ledger = world.ledger
    code = ledger.exit[row]
    previous = ledger.status[row]
    started = ledger.started[row] if previous == RUNNING else NEVER
    uses_none = started == NEVER and not world.settings.start_failure_uses_attempt
    attempt = ledger.attempts[row] - uses_none
    stop = record.stops.get(row) if record.stops else None
    status_reason = ending.status_reason if stop is None else stop
    retry = (
        stop is None
        and ending.retryable
        and decide_retry(
            record.plan.definition.retry,
            attempt=attempt,
            status_reason=status_reason,
            reason=ending.container_reason,
            exit_code=None if code == NO_EXIT else code,
        )
    )
    history = tell_history(world, record, row)
    word = "terminate" if stop is not None else event_of(ending)
    read_row(Machine.ATTEMPT, JobStatus(previous).name, word, history=history)
    event = JobEvent.FAILED_RETRY if retry else JobEvent.FAILED_FINAL
    to = next_status(previous, event, history)
    if not retry:
        ledger.status_reasons[row] = status_reason
        if ending.container_reason:
            ledger.container_reasons[row] = ending.container_reason
        ledger.started[row] = started
    else:
        past = PastAttempt(started, world.now_ms, ledger.host[row], code, status_reason, ending.container_reason)
        ledger.past.setdefault(row, []).append(past)
        ledger.started[row] = ledger.stopped[row] = NEVER
        ledger.exit[row] = 0
        ledger.host[row] = NO_HOST
        ledger.attempts[row] = attempt
    ledger.status[row] = to
    if record.size:
        record.updated_at = world.now_ms
    if world.listeners:
        tell_change(world, record, row, previous, to, status_reason)
    if retry:
        enqueue_front(world, record, row)
    else:
        assert to == FAILED
        ended(world, record, row)


def event_of(ending: Ending) -> str:
    """The attempt table's word for an end that was not good."""
    return _EVENTS.get(ending.status_reason, "host lost")


_EVENTS = {ESSENTIAL_EXITED: "container exited", START_FAILED: "start failed", TIMED_OUT: "timeout"}


def rows_on(world: World, host: Host) -> list[int]:
    """The rows whose containers are on a host now, in order. Every one of them has its end on the event queue."""
    gang = host.gang
    if gang is not None:
        host_of = world.ledger.host
        return [row for row in range(gang.row + 1, gang.row + 1 + gang.size) if host_of[row] == host.serial]
    if not host.busy:
        return []
    host_of, status, serial = world.ledger.host, world.ledger.status, host.serial
    rows = (key & ROW_MASK for key in world.events.rows)
    return sorted({row for row in rows if host_of[row] == serial and status[row] in (STARTING, RUNNING)})


def lose_attempt(world: World, record: Record, row: int, reason: str, code: int = NO_EXIT) -> None:
    """The host under a running attempt is gone, now."""
    ledger = world.ledger
    ledger.endings.pop(row, None)
    ledger.stopped[row] = world.now_ms
    ledger.exit[row] = code
    if record.kind == MULTINODE and row != record.row:
        from batchiac.engine import gangs

        gangs.end_node(world, record, row, Ending(reason))
        return
    release(world, record, row)
    fail_attempt(world, record, row, Ending(reason))


def stop_attempt(world: World, record: Record, row: int) -> None:
    """Stop a STARTING or RUNNING attempt's containers: SIGTERM now, SIGKILL after the grace."""
    ledger = world.ledger
    settings = world.settings
    running = ledger.status[row] == RUNNING
    kill = running and not settings.stops_on_sigterm
    # At least 1 ms: commands of one time must all come before what they cause.
    end = world.now_ms + max(1, settings.stop_grace_ms if kill else 0)
    if running and ledger.stopped[row] <= end:
        # It ends by itself within the grace; it counts as terminated all the same.
        end = ledger.stopped[row]
    ledger.endings[row] = Ending(ESSENTIAL_EXITED, retryable=False)
    ledger.exit[row] = (SIGKILLED if kill else SIGTERMED) if running else NO_EXIT
    ledger.stopped[row] = end
    heappush(world.events.rows, end << ROW_BITS | row)
