"""A job as it was when something happened to it.

Effects may be told late, and several of one instant at once; what an event says of a job must not depend on when
somebody looked. So a view of now is taken back to the moment of the effect: later attempts are left out, the attempt
that was under way has not ended.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from batchiac.engine.views import AttemptView, JobView

_UNDER_WAY = ("STARTING", "RUNNING")
_ENDED = ("SUCCEEDED", "FAILED")


def view_as_of(view: JobView, status: str, status_reason: str, at_ms: int, begun: int | None) -> JobView:
    """The view that Describe would have given.

    Args:
        view: of now, or of any later time.
        status: the job's at that moment; `status_reason` likewise.
        begun: how many attempts had begun by then; None where that is to be told by their times.
    """
    every = list(view.attempts)
    if view.current is not None and view.current not in every:
        every.append(view.current)
    under_way = status in _UNDER_WAY
    if begun is None:
        ended = sum(each.stopped_at_ms is not None and each.stopped_at_ms <= at_ms for each in every)
    else:
        ended = begun - under_way
    current = _current(every, ended, status)
    over = status in _ENDED
    return evolve(
        view,
        status=status,
        status_reason=status_reason,
        started_at_ms=current.started_at_ms if current is not None and (over or status == "RUNNING") else None,
        stopped_at_ms=at_ms if over else None,
        attempts=tuple(every[:ended]),
        current=current,
        is_cancelled=view.is_cancelled and over,
        is_terminated=view.is_terminated and over,
        status_summary=view.status_summary if over else _spawned(view),
        updated_at_ms=at_ms if view.array_size else 0,
        containers=view.containers if over else (),
    )


def _current(every: list[AttemptView], ended: int, status: str) -> AttemptView | None:
    if status not in _UNDER_WAY:
        return every[ended - 1] if ended else None
    if ended >= len(every):
        return None
    current = evolve(every[ended], stopped_at_ms=None, exit_code=None, status_reason="", reason="")
    return evolve(current, started_at_ms=None, log_stream="") if status == "STARTING" else current


def _spawned(view: JobView) -> Mapping[str, int]:
    """A parent's only other events are those of its beginning, when all of its children have just been spawned."""
    return {**dict.fromkeys(view.status_summary, 0), "PENDING": view.array_size} if view.array_size else {}
