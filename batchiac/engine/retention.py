"""Finished jobs are kept for a time, then forgotten: "at least 7 days"."""

from __future__ import annotations

from batchiac.engine.world import World


def forget_expired(world: World) -> None:
    """Forget the jobs whose retention time is over; their rows may be given out again."""
    finished, records = world.finished, world.records
    oldest = world.now_ms - world.settings.retention_ms
    while finished and records.ended_at(finished[0]) < oldest:
        job_id, row, count = records.forget(finished.popleft())
        del world.by_id[job_id]
        if count:
            world.ledger.release(row, count)
