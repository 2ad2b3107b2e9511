"""Finished jobs are kept for a time, then forgotten: "at least 7 days"."""

from __future__ import annotations

from batchiac.engine.world import World


def forget_expired(world: World) -> None:
    """Forget the jobs whose retention time is over; their rows may be given out again."""
    finished = world.finished
    oldest = world.now_ms - world.settings.retention_ms
    while finished and finished[0].ended_at < oldest:
        record = finished.popleft()
        world.records[record.index] = None
        del world.by_id[record.id]
        if not record.lingers:
            world.ledger.release(record.row, 1 + record.size)
