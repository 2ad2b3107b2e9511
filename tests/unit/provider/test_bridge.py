"""A replacement through a bridge: what marks the new environment, what the bridge is like."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from batchiac.aws import job_queue
from batchiac.provider.bridge import MADE_FOR, repoint

Resources = Callable[..., dict[str, Any]]
Calls = Callable[..., list[dict[str, Any]]]
Described = Callable[[str], dict[str, Any]]


class Killed(BaseException):
    """What kill -9 is to the code: no handler of Exception sees it."""


@pytest.fixture
def fixed(world: Any, resources: Resources) -> Any:
    """An environment of a fixed name that AWS cannot update, with a queue on it."""
    held = world.make(
        "ComputeEnvironment",
        "work",
        type="MANAGED",
        computeResources=resources(allocationStrategy="BEST_FIT"),
        computeEnvironmentName="fixed",
        replaceThroughBridge=True,
    )
    world.make("JobQueue", "queue", priority=1, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": held.id}])
    return held


@pytest.fixture
def newest(resources: Resources) -> dict[str, Any]:
    return resources(allocationStrategy="BEST_FIT", updateToLatestImageVersion=True)


def test_what_describe_never_tells_replaces_too(
    world: Any, fixed: Any, newest: dict[str, Any], calls: Calls, described: Described
) -> None:
    """The newest AMI under BEST_FIT needs a new environment: it is made, once, and then there is nothing to do."""
    before = described(fixed.id)["uuid"]
    assert world.diff(fixed, computeResources=newest).notes[0].startswith("replaced through a bridge")
    made = calls("create_compute_environment")
    world.update(fixed, computeResources=newest)
    assert [each["computeEnvironmentName"] for each in made] == ["fixed-bridge", "fixed"]
    assert described(fixed.id)["uuid"] != before
    assert world.diff(fixed, computeResources=newest).changes == ()


def test_the_mark_is_nobodys_drift(world: Any, fixed: Any, newest: dict[str, Any], described: Described) -> None:
    """AWS shows our tag; a read, an import and the next plan do not."""
    world.update(fixed, computeResources=newest)
    assert MADE_FOR in described(fixed.id)["tags"]
    read = fixed.handler.read(fixed.id, fixed.outputs)
    assert (read.inputs, read.outputs) == (fixed.inputs, fixed.outputs)
    assert "tags" not in fixed.handler.describe(fixed.id).inputs
    world.update(fixed, computeResources={**newest, "maxvCpus": 8})
    assert MADE_FOR not in described(fixed.id)["tags"]


def test_asked_for_again_it_replaces_again(
    world: Any, fixed: Any, resources: Resources, newest: dict[str, Any], described: Described
) -> None:
    """The wish taken back and made anew is a new wish, though the same inputs have been made before."""
    world.update(fixed, computeResources=newest)
    once = described(fixed.id)["uuid"]
    world.update(fixed, computeResources=resources(allocationStrategy="BEST_FIT"))
    assert described(fixed.id)["uuid"] == once
    world.update(fixed, computeResources=newest)
    assert described(fixed.id)["uuid"] != once


@pytest.mark.parametrize("reads", [False, True], ids=["as Pulumi", "as our engine, which reads first"])
def test_a_dead_run_is_not_done_twice(
    world: Any, fixed: Any, newest: dict[str, Any], calls: Calls, described: Described, reads: bool
) -> None:
    """Killed after any of its changing calls: one bridge and one new environment in all, and the queue on it."""
    left = -1

    def dying(answer: Callable[[], Any], _parameters: dict[str, Any]) -> Any:
        nonlocal left
        result = answer()
        left -= 1
        if left == 0:
            raise Killed
        return result

    for each in ("update_compute_environment", "delete_compute_environment", "update_job_queue", "untag_resource"):
        calls(each, instead=dying)
    made = calls("create_compute_environment", instead=dying)
    wished = {**fixed.inputs, "computeResources": newest}
    for dies_at in count(1):
        before, made_before = described(fixed.id)["uuid"], len(made)
        state, left = dict(fixed.outputs), dies_at
        try:
            fixed.handler.update(fixed.id, state, wished)
            break
        except Killed:
            left = -1
        if reads:
            fixed.handler.finish(fixed.id, state)
            state = fixed.handler.read(fixed.id, state).outputs
        state = fixed.handler.update(fixed.id, state, wished)
        names = [each["computeEnvironmentName"] for each in made[made_before:]]
        assert names.count("fixed") == 1, (dies_at, names)
        assert described(fixed.id)["uuid"] != before, dies_at
        found = world.stack.client("batch").describe_compute_environments()["computeEnvironments"]
        assert [each["computeEnvironmentName"] for each in found] == ["fixed"]
        # The wish is taken back, so that the next round has something to do.
        fixed.outputs = fixed.handler.update(fixed.id, state, fixed.inputs)
    assert dies_at > 6


def test_the_bridge_of_a_disabled_environment_is_disabled(world: Any, resources: Resources, calls: Calls) -> None:
    """Its jobs wait because it is disabled: no bridge may run them meanwhile."""
    held = world.make(
        "ComputeEnvironment",
        "work",
        type="MANAGED",
        computeResources=resources(),
        computeEnvironmentName="fixed",
        replaceThroughBridge=True,
        state="DISABLED",
    )
    world.make("JobQueue", "queue", priority=1, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": held.id}])
    seen: list[tuple[str, str]] = []

    def looking(answer: Callable[[], Any], _parameters: dict[str, Any]) -> Any:
        found = world.stack.client("batch").describe_compute_environments()["computeEnvironments"]
        seen.extend((each["computeEnvironmentName"], each["state"]) for each in found)
        return answer()

    calls("update_job_queue", instead=looking)
    world.update(held, computeResources=resources(allocationStrategy="BEST_FIT"))
    assert ("fixed-bridge", "DISABLED") in seen
    assert {state for _, state in seen} == {"DISABLED"}


def test_what_the_program_changes_meanwhile_holds(
    world: Any, fixed: Any, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue leaves the environment while its bridge is under way: the queue was listed with it, and stays without."""
    queue = world.held["queue"]
    other, bridge = (
        world.make("ComputeEnvironment", name, type="MANAGED", computeResources=resources())
        for name in ("other", "bridge")
    )
    look = job_queue.find_all
    looks = iter([list(look(world.door))])
    world.update(queue, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": other.id}])
    monkeypatch.setattr(job_queue, "find_all", lambda door: iter(next(looks, None) or look(door)))
    repoint(fixed.handler, fixed.id, bridge.id)
    (now,) = look(world.door)
    assert [each["computeEnvironment"] for each in now["computeEnvironmentOrder"]] == [other.id]
