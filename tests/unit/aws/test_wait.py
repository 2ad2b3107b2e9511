"""The one loop that waits for AWS."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import pytest

from batchiac.aws.wait import FIRST_PAUSE_S, LONGEST_PAUSE_S, Wait, wait_for, wait_until
from batchiac.errors import WaitError
from batchiac.model.deadline import step_deadline_s

VALID = Wait({"VALID"}, {"CREATING"}, 60)


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


def run(statuses: list[str | None], row: Wait = VALID, reason: str = "") -> tuple[Any, Time]:
    time = Time()
    seen: Iterator[str | None] = iter(statuses)
    last: list[str | None] = []

    def look() -> dict[str, Any] | None:
        last.append(next(seen, last[-1] if last else None))
        return None if last[-1] is None else {"status": last[-1], "statusReason": reason}

    return wait_for(look, row, what="environment x", sleep=time.sleep, clock=time.clock), time


def test_what_is_there_already_costs_no_pause() -> None:
    """The first look comes before the first pause."""
    found, time = run(["VALID"])
    assert found == {"status": "VALID", "statusReason": ""}
    assert time.pauses == []


def test_pauses_start_short_and_grow() -> None:
    """0.1 s first, then ever longer: a second at most in the first half minute, later never more than the longest."""
    _, time = run(["CREATING"] * 60 + ["VALID"], Wait({"VALID"}, {"CREATING"}, 10_000))
    assert time.pauses[0] == FIRST_PAUSE_S
    assert time.pauses == sorted(time.pauses)
    assert time.pauses[-1] == LONGEST_PAUSE_S
    assert [each for at, each in zip(accumulate(time.pauses), time.pauses, strict=True) if each > 1 and at < 30] == []


def test_deadline_is_kept_and_named() -> None:
    """At the deadline the error says the last status and that time ran out, not a second later."""
    time = Time()
    with pytest.raises(WaitError, match=r"environment x is still CREATING after 60 s") as caught:
        wait_for(lambda: {"status": "CREATING"}, VALID, what="environment x", sleep=time.sleep, clock=time.clock)
    assert caught.value.timed_out
    assert sum(time.pauses) == pytest.approx(60)


def test_a_bad_end_says_aws_own_reason() -> None:
    """A status off the way ends the wait at once with AWS's reason."""
    with pytest.raises(WaitError, match="became INVALID: CLIENT_ERROR - no such role") as caught:
        run(["CREATING", "INVALID"], reason="CLIENT_ERROR - no such role")
    assert (caught.value.status, caught.value.status_reason) == ("INVALID", "CLIENT_ERROR - no such role")
    assert not caught.value.timed_out


def test_absence_can_be_the_goal_or_a_bad_end() -> None:
    """None is a status like any other: gone ends a deletion well and a creation badly."""
    assert run(["DELETING", None], Wait({None}, {"DELETING"}, 10))[0] is None
    with pytest.raises(WaitError, match="does not exist while waiting for it to be VALID"):
        run([None])


def test_a_condition_that_never_holds_ends_with_its_last_reason() -> None:
    """The last reason why it did not hold is in the error."""
    time = Time()
    with pytest.raises(WaitError, match="queues to let go: not within 5 s: queue q still refers to it"):
        wait_until(
            lambda: "queue q still refers to it",
            what="queues to let go",
            deadline_s=5,
            sleep=time.sleep,
            clock=time.clock,
        )


def test_custom_timeouts_of_the_program_win() -> None:
    """A step's own deadline, longer or shorter, stands in for the row's and is the one that is named."""
    time = Time()
    token = step_deadline_s.set(5.0)
    try:
        with pytest.raises(WaitError, match="after 5 s"):
            wait_for(lambda: {"status": "CREATING"}, VALID, what="environment e", sleep=time.sleep, clock=time.clock)
        assert time.now == pytest.approx(1005.0)
        with pytest.raises(WaitError, match="not within 5 s"):
            wait_until(lambda: False, what="e to be seen", deadline_s=60, sleep=time.sleep, clock=time.clock)
    finally:
        step_deadline_s.reset(token)


def test_the_deadline_can_follow_from_what_is_seen_first() -> None:
    """How long AWS may take can stand in the description; what is seen later does not move the deadline."""
    minutes = iter([2, 50, 50, 50])

    def look() -> dict[str, Any]:
        return {"status": "UPDATING", "minutes": next(minutes, 50)}

    row = Wait({"VALID"}, {"UPDATING"}, lambda seen: 60 * (seen or {})["minutes"])
    time = Time()
    with pytest.raises(WaitError, match="still UPDATING after 120 s"):
        wait_for(look, row, what="environment x", sleep=time.sleep, clock=time.clock)
    assert sum(time.pauses) == pytest.approx(120)
