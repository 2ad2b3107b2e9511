"""What starts next in a task, and what ends it: decided from values, without a process."""

from __future__ import annotations

from typing import Any

import pytest

from batchiac.local.executors.container_plan import ContainerPlan, TaskPlan
from batchiac.local.executors.process import Ended
from batchiac.local.executors.task import find_end, has_begun, next_to_start

GOOD, BAD, NO_START = Ended(0), Ended(3), Ended(None, "CannotStartContainerError: no")


def container(name: str, *depends_on: tuple[str, str], **more: Any) -> ContainerPlan:
    given = {"essential": True, "init": False, **more}
    return ContainerPlan(
        name=name, image="", command=("true",), environment={}, memory_mib=0, depends_on=depends_on, group="",
        stream="", stop_timeout_ms=None, **given,
    )  # fmt: skip


def side(name: str, *depends_on: tuple[str, str]) -> ContainerPlan:
    return container(name, *depends_on, essential=False)


TASK = TaskPlan(
    (side("side"), container("a", ("side", "START")), container("b", ("side", "COMPLETE")), side("c", ("d", "SUCCESS")),
     side("d")),
    pod=False,
)  # fmt: skip
POD = TaskPlan(
    (container("i1", init=True), container("i2", init=True), container("x"), container("y")), pod=True
)  # fmt: skip


@pytest.mark.parametrize(
    ("plan", "running", "ended", "starts"),
    [
        (TASK, "", {}, ["side", "d"]),
        (TASK, "side d", {}, ["a"]),
        (TASK, "a d", {"side": BAD}, ["b"]),
        (TASK, "a d", {"side": NO_START}, ["b"]),
        (TASK, "d", {"side": NO_START}, ["b"]),
        (TASK, "side a", {"d": BAD}, []),
        (TASK, "side a", {"d": GOOD}, ["c"]),
        (POD, "", {}, ["i1"]),
        (POD, "i1", {}, []),
        (POD, "", {"i1": GOOD}, ["i2"]),
        (POD, "", {"i1": GOOD, "i2": GOOD}, ["x", "y"]),
        (POD, "", {"i1": GOOD, "i2": BAD}, []),
    ],
)
def test_what_starts_next(plan: TaskPlan, running: str, ended: dict[str, Ended], starts: list[str]) -> None:
    """START: it runs or has run; COMPLETE: it is over; SUCCESS: it is over and was good; init containers in order."""
    assert [each.name for each in next_to_start(plan, frozenset(running.split()), ended)] == starts


@pytest.mark.parametrize(
    ("plan", "running", "ended", "end"),
    [
        (TASK, "a", {"side": BAD, "d": BAD}, None),
        (TASK, "side d", {"a": GOOD}, GOOD),
        (TASK, "side", {"a": BAD, "d": GOOD}, BAD),
        (TASK, "side d", {"a": NO_START}, NO_START),
        (POD, "", {"i1": BAD}, BAD),
        (POD, "x", {"i1": GOOD, "i2": GOOD, "y": BAD}, None),
        (POD, "", {"i1": GOOD, "i2": GOOD, "x": GOOD, "y": BAD}, BAD),
        (POD, "", {"i1": GOOD, "i2": GOOD, "x": GOOD, "y": GOOD}, GOOD),
        (TaskPlan((side("s"), container("m", ("s", "SUCCESS"))), pod=False), "", {"s": BAD}, BAD),
        (TaskPlan((side("s"), container("m", ("n", "START")), side("n", ("s", "SUCCESS"))), pod=False), "",
         {"s": BAD}, BAD),
        (TaskPlan((container("m", ("nobody", "START")),), pod=False), "", {}, Ended(1)),
    ],
)  # fmt: skip
def test_what_ends_a_task(plan: TaskPlan, running: str, ended: dict[str, Ended], end: Ended | None) -> None:
    """An essential container, or the last of a pod; a task of which nothing can start any more has failed."""
    assert find_end(plan, frozenset(running.split()), ended) == end


CHAIN = TaskPlan((side("s"), side("t", ("s", "SUCCESS")), side("u", ("t", "START")), container("m")), pod=False)
NEEDED = TaskPlan((side("s"), container("m", ("s", "SUCCESS"))), pod=False)


@pytest.mark.parametrize(
    ("plan", "running", "ended", "begun"),
    [
        (TASK, "side a d", {}, False),
        (TASK, "a b d", {"side": BAD}, False),
        (TASK, "a b c", {"side": BAD, "d": GOOD}, True),
        (TASK, "a b", {"side": BAD, "d": BAD}, True),
        (CHAIN, "s m", {}, False),
        (CHAIN, "m", {"s": BAD}, True),
        (CHAIN, "u m", {"s": GOOD, "t": GOOD}, True),
        (NEEDED, "", {"s": BAD}, False),
        (NEEDED, "m", {"s": GOOD}, True),
        (POD, "i1", {}, False),
        (POD, "", {"i1": BAD}, False),
        (POD, "x y", {"i1": GOOD, "i2": GOOD}, True),
        (POD, "x", {"i1": GOOD, "i2": GOOD, "y": BAD}, True),
        (TaskPlan((container("m", ("nobody", "START")),), pod=False), "", {}, False),
        (TaskPlan((container("m"), side("s", ("nobody", "START"))), pod=False), "m", {}, True),
    ],
)
def test_when_the_last_container_has_begun(plan: TaskPlan, running: str, ended: dict[str, Ended], begun: bool) -> None:
    """All that will ever start have; a task whose essential container cannot start never gets there."""
    assert has_begun(plan, frozenset(running.split()), ended) is begun
