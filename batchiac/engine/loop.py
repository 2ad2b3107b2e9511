"""The main loop: takes events in order until a time, and dispatches at the end of each instant."""

from __future__ import annotations

import gc
from heapq import heappop

from batchiac.engine import fastlane
from batchiac.engine.attempts import end_row
from batchiac.engine.dispatch import dispatch
from batchiac.engine.hosts import settle_idle
from batchiac.engine.kernel.events import ROW_BITS, ROW_MASK
from batchiac.engine.world import LAST, World

FOREVER = 1 << 62


def run(world: World, until_ms: int, *, while_busy: bool = False) -> None:
    """Handle every event up to and including `until_ms`. The clock stands at the last event afterwards.

    Args:
        while_busy: stop when only background events are left.
    """
    events = world.events
    rows, calls = events.rows, events.calls
    world.in_step = True
    # The loop makes no garbage in circles, and a collection looks at every job there is: it would cost as much as the
    # simulation. Listeners may do anything, so with them it stays on.
    paused = gc.isenabled() and not world.listeners
    if paused:
        gc.disable()
    fast = not world.settings.scheduler_tick_ms
    try:
        while True:
            if fast and rows and fastlane.run(world, until_ms):
                settle(world, world.now_ms)
            row_at = rows[0] >> ROW_BITS if rows else FOREVER
            call_at = calls[0][0] if calls else FOREVER
            at = row_at if row_at <= call_at else call_at
            if at > until_ms or (while_busy and not rows and len(calls) == events.background):
                return
            world.now_ms = at
            if row_at == at:
                limit = (at + 1) << ROW_BITS
                while rows and rows[0] < limit:
                    end_row(world, heappop(rows) & ROW_MASK)
            while calls and calls[0][0] == at:
                _, priority, _, action, argument = heappop(calls)
                if priority < 0:
                    events.background -= 1
                action(argument)
            if rows and rows[0] >> ROW_BITS == at:
                continue
            if world.dirty:
                settle(world, at)
            elif world.became_idle:
                settle_idle(world)
    finally:
        world.in_step = False
        if paused:
            gc.enable()


def settle(world: World, at: int) -> None:
    """The end of an instant in which something changed: dispatch, now or at the next tick."""
    tick = world.settings.scheduler_tick_ms
    if tick and at % tick:
        if world.tick_at <= at:
            world.tick_at = (at // tick + 1) * tick
            world.events.call(world.tick_at, _tick, world, priority=LAST)
        settle_idle(world)
        return
    if world.dirty:
        dispatch(world)
    if world.became_idle:
        settle_idle(world)


def _tick(world: World) -> None:
    world.dirty = True
