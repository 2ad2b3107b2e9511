"""Waiting: one loop for everything that AWS does in its own time.

It looks at once, then after 0.1 s, then ever more rarely: at most a second apart in the first half minute, in which
AWS does most of what it does, so that little time passes unseen; ten seconds later on. It ends when what is looked for
has the status that was asked for, when AWS says that it will not get there, or at the deadline. Sleep and clock are
arguments, so that a virtual clock is moved by the wait itself and tests take no time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import field, frozen

from batchiac.errors import WaitError
from batchiac.model.deadline import step_deadline_s

FIRST_PAUSE_S = 0.1
PAUSE_GROWTH = 1.5
LONGEST_PAUSE_S = 10.0
SOON_S = 30.0
LONGEST_PAUSE_SOON_S = 1.0

GONE = None
"""The status of what does not exist."""


def _statuses(statuses: Iterable[str | None]) -> frozenset[str | None]:
    return frozenset(statuses)


@frozen
class Wait:
    """One row: what is waited for.

    Attributes:
        reach: the statuses that end the wait well; `GONE` (None) is absence.
        going: the statuses on the way there; any other ends the wait badly.
        deadline_s: how long, at most; a function of what is seen first, where that says how long AWS may take.
    """

    reach: frozenset[str | None] = field(converter=_statuses)
    going: frozenset[str | None] = field(converter=_statuses)
    deadline_s: float | Callable[[Mapping[str, Any] | None], float]


def wait_for(
    look: Callable[[], Mapping[str, Any] | None],
    row: Wait,
    *,
    what: str,
    sleep: Callable[[float], None],
    clock: Callable[[], float],
) -> Mapping[str, Any] | None:
    """What `look` last returned, once its `status` is one of `row.reach`.

    Args:
        look: returns the resource's description with `status` and `statusReason`, None when it is gone.
        row: the statuses and the deadline; the program's `custom_timeouts` for the step win over the latter.
        what: names the resource in an error: "compute environment spot-4f1e".
        sleep, clock: how time passes and is measured, in seconds.

    Raises:
        WaitError: AWS reports a status from which it does not get there, with AWS's own reason; or the deadline.
    """
    deadline_s = step_deadline_s.get()
    start = clock()
    pause = FIRST_PAUSE_S
    while True:
        seen = look()
        if deadline_s is None:
            deadline_s = row.deadline_s(seen) if callable(row.deadline_s) else row.deadline_s
        status = GONE if seen is None else seen.get("status")
        if status in row.reach:
            return seen
        reason = "" if seen is None else str(seen.get("statusReason") or "")
        said = f": {reason}" if reason else " (AWS gave no reason)"
        if status not in row.going:
            raise WaitError(
                f"{what} {'does not exist' if status is GONE else f'became {status}{said}'}"
                f" while waiting for it to be {_words(row.reach)}",
                status=status,
                status_reason=reason,
            )
        left = start + deadline_s - clock()
        if left <= 0:
            raise WaitError(
                f"{what} is still {status if status is not None else 'absent'} after {deadline_s:.0f} s,"
                f" waiting for it to be {_words(row.reach)}{said}",
                status=status,
                status_reason=reason,
                timed_out=True,
            )
        sleep(min(pause, left))
        is_soon = deadline_s - left < SOON_S
        pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE_SOON_S if is_soon else LONGEST_PAUSE_S)


def wait_until(
    holds: Callable[[], bool | str],
    *,
    what: str,
    deadline_s: float,
    sleep: Callable[[float], None],
    clock: Callable[[], float],
) -> None:
    """Return once `holds()` is True; a string is the reason why it does not hold yet.

    Raises:
        WaitError: the deadline passed; its text ends with the last reason.
    """
    last = ""

    def look() -> Mapping[str, Any]:
        nonlocal last
        answer = holds()
        if answer is True:
            return {"status": "so"}
        last = answer if isinstance(answer, str) else ""
        return {"status": "not yet", "statusReason": last}

    try:
        wait_for(look, Wait({"so"}, {"not yet"}, deadline_s), what=what, sleep=sleep, clock=clock)
    except WaitError as error:
        raise WaitError(
            f"{what}: not within {step_deadline_s.get() or deadline_s:.0f} s{': ' + last if last else ''}",
            status=error.status,
            status_reason=last,
            timed_out=True,
        ) from None


def _words(statuses: frozenset[str | None]) -> str:
    return " or ".join(sorted("gone" if each is GONE else each for each in statuses))
