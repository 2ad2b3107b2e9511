"""Timeouts in batches, where the settings ask for them (`timeout_batch_ms`).

"Timeout terminations are handled on a best-effort basis … it may take a few seconds longer. … If you have a large
number of jobs timing out concurrently, the timeout terminations behave as a first in, first out queue, where jobs are
terminated in batches." An attempt that ends by itself before its turn comes has not timed out.
Source: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html, read 2026-11-21.

Without that setting an attempt's timeout is known when it is placed, and costs nothing (attempts.write_end).
"""

from __future__ import annotations

from heapq import heappush

from batchiac.engine.kernel.events import ROW_BITS
from batchiac.engine.ledger import Ending
from batchiac.engine.reasons import SIGKILLED, SIGTERMED, TIMED_OUT
from batchiac.engine.world import HOUSEKEEPING, World
from batchiac.model.job import JobStatus


def expect(world: World, row: int, attempt: int, at_ms: int) -> None:
    """Have an attempt queued for termination when its time is over."""
    world.events.call(at_ms, _queue, (world, row, attempt), priority=HOUSEKEEPING)


def _queue(argument: tuple[World, int, int]) -> None:
    world, row, attempt = argument
    if _runs(world, row, attempt):
        world.timed_out.append((row, attempt))
        _look_at_next(world)


def _look_at_next(world: World) -> None:
    """Have the queue looked at, at the next multiple of the cadence."""
    if world.timeouts_at > world.now_ms:
        return
    cadence = max(1, world.settings.timeout_batch_ms)
    world.timeouts_at = (world.now_ms // cadence + 1) * cadence
    world.events.call(world.timeouts_at, _terminate_batch, world, priority=HOUSEKEEPING)


def _terminate_batch(world: World) -> None:
    waiting = world.timed_out
    room = world.settings.timeouts_per_batch or len(waiting)
    while waiting and room:
        row, attempt = waiting.popleft()
        if _runs(world, row, attempt):
            room -= 1
            _terminate(world, row)
    if waiting:
        _look_at_next(world)


def _runs(world: World, row: int, attempt: int) -> bool:
    ledger = world.ledger
    running = ledger.status[row] == JobStatus.RUNNING and ledger.attempts[row] == attempt
    ending = ledger.endings.get(row)
    return running and (ending is None or ending.retryable)  # else a caller has it stopped already


def _terminate(world: World, row: int) -> None:
    """SIGTERM now, SIGKILL after the grace; it may end by itself in between, and has timed out all the same."""
    ledger, settings = world.ledger, world.settings
    grace = 0 if settings.stops_on_sigterm else settings.stop_grace_ms
    end = min(ledger.stopped[row], world.now_ms + max(1, grace))
    ledger.endings[row] = Ending(TIMED_OUT, "", retryable=False)
    ledger.exit[row] = SIGTERMED if settings.stops_on_sigterm else SIGKILLED
    ledger.stopped[row] = end
    heappush(world.events.rows, end << ROW_BITS | row)
