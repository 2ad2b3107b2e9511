"""A process that dies at any call of AWS: the next run ends as if nothing had happened.

Each case forks: the child deploys and ends by `os._exit` at its n-th call, before or after the call took effect, so
that nothing of ours runs any more. The account is a folder and outlives it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from deploy_world import TOKEN, World, ops

from batchiac.deploy import StepEnded
from batchiac.deploy.state.checkpoint import PendingOperation
from batchiac.errors import InternalError, InterruptedByUserError

FIRST = """
a = Thing("a", size=1, image="x")
b = Thing("b", ref=a.arn, name="fixed", image="x")
Thing("c", size=1)
"""
SECOND = """
a = Thing("a", size=2, image="y")
b = Thing("b", ref=a.arn, name="fixed", image="y")
Thing("d", size=1)
"""
MOMENTS = ("before", "after")
DIED = 9
LAST_CALL = 12
"""More calls than any of the runs below makes: a child that makes fewer ends well, which is a case too."""


def run_and_die(world: World, act: Callable[[], object], call: int, moment: str) -> bool:
    """Deploy in a child that dies at call number `call`; True when it got that far."""
    child = os.fork()
    if child == 0:
        made = 0

        def die(_operation: str, when: str) -> None:
            nonlocal made
            if when == "before":
                made += 1
            if made >= call and when == moment:
                os._exit(DIED)

        world.account.on_call = die
        try:
            act()
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, DIED)
    return code == DIED


def unlock(world: World) -> None:
    store = world.stack().store
    assert len(store.holders()) == 1  # type: ignore[attr-defined]
    store.break_locks()  # type: ignore[attr-defined]


def things_of(world: World) -> dict[str, dict[str, object]]:
    """What the things are, less what AWS makes up."""
    return {
        name: {key: value for key, value in state.inputs.items() if key not in ("__provider", "ref")}
        for name, state in world.things().items()
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, object]]]:
    """What a run that nobody interrupts ends with."""
    world = World(tmp_path_factory.mktemp("expected"))
    world.write(FIRST).up()
    first = things_of(world)
    world.write(SECOND).up()
    return {"first": first, "second": things_of(world)}


@pytest.mark.parametrize("moment", MOMENTS)
def test_up_that_dies_is_completed_by_the_next(
    tmp_path: Path, moment: str, expected: dict[str, dict[str, dict[str, object]]]
) -> None:
    """Killed at every call of a first `up`, one after the other: the next run adopts, and nothing is there twice."""
    for call in range(1, LAST_CALL):
        world = World(tmp_path / str(call))
        world.in_memory = False
        world.write(FIRST)
        died = run_and_die(world, world.up, call, moment)
        if died:
            unlock(world)
        world.up()
        world.require_no_orphans()
        assert things_of(world) == expected["first"]
        assert world.snapshot().pending == ()
        if not died:
            assert call > 6
            return
    raise AssertionError("the run makes more calls than were tried")


@pytest.mark.parametrize("moment", MOMENTS)
def test_update_and_replacement_that_die_are_completed_by_the_next(
    tmp_path: Path, moment: str, expected: dict[str, dict[str, dict[str, object]]]
) -> None:
    """Killed at every call of an `up` that updates, replaces in both orders, creates and deletes."""
    for call in range(1, LAST_CALL):
        world = World(tmp_path / str(call))
        world.in_memory = False
        world.write(FIRST).up()
        world.write(SECOND)
        died = run_and_die(world, world.up, call, moment)
        if died:
            unlock(world)
        world.up()
        world.require_no_orphans()
        assert things_of(world) == expected["second"]
        assert world.snapshot().pending == ()
        assert not world.preview().has_changes
        if not died:
            assert call > 6
            return
    raise AssertionError("the run makes more calls than were tried")


@pytest.mark.parametrize("moment", MOMENTS)
def test_destroy_that_dies_is_completed_by_the_next(tmp_path: Path, moment: str) -> None:
    """Killed at every call of a destroy: the next one deletes the rest."""
    for call in range(1, 5):
        world = World(tmp_path / str(call))
        world.in_memory = False
        world.write(FIRST).up()
        if run_and_die(world, world.destroy, call, moment):
            unlock(world)
        world.destroy()
        assert world.account.all() == {}
        assert world.snapshot().resources == ()


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_create_that_nobody_wants_any_more_is_cleaned_up(tmp_path: Path, moment: str) -> None:
    """Killed in mid-create, then removed from the program, or destroyed: what was made is found by its tag and goes."""
    for act in ("up", "destroy"):
        world = World(tmp_path / act)
        world.in_memory = False
        world.write('Thing("a")')
        assert run_and_die(world, world.up, 1, moment)
        unlock(world)
        assert len(world.snapshot().pending) == 1
        world.write("")
        if act == "up":
            world.up()
        else:
            world.destroy()
        assert world.account.all() == {}
        assert world.snapshot().pending == ()


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_plan_after_a_death_shows_each_resource_once(tmp_path: Path, moment: str) -> None:
    """What a dead run was creating and the program still declares is one create, taken up; nothing is deleted."""
    world = World(tmp_path)
    world.in_memory = False
    world.write('Thing("a")')
    assert run_and_die(world, world.up, 1, moment)
    unlock(world)
    plan = world.preview()
    assert [(each.op.value, each.notes) for each in plan.steps if each.type == TOKEN] == [
        ("create", ("begun by an interrupted run, taken up",))
    ]


def test_an_intent_that_another_program_left_beside_what_it_made_is_no_change(tmp_path: Path) -> None:
    """Pulumi's CLI makes on its next run what a dead one was creating, and keeps that intent (one
    of each that died): nothing is deleted, no change is shown, and `up` ends it."""
    world = World(tmp_path)
    world.in_memory = False
    world.write('Thing("a")').up()
    store, made = world.stack().store, world.things()["a"]
    intent = PendingOperation(attrs.evolve(made, id="", outputs={}), "creating")
    store.save(attrs.evolve(store.load(), pending=(intent, attrs.evolve(intent))))
    assert not world.preview().has_changes
    result = world.up()
    assert ops(result) == {}
    assert world.snapshot().pending == ()
    world.require_no_orphans()
    assert set(world.things()) == {"a"}


def test_an_intent_beside_what_still_carries_its_tag_costs_nothing(tmp_path: Path) -> None:
    """However a state came to hold a resource, its tag and an intent that does not know its id: it stays."""
    world = World(tmp_path)
    world.in_memory = False
    world.write('Thing("a")').up()
    store, made = world.stack().store, world.things()["a"]
    world.account.change("tag", made.id, {**world.account.all()[made.id], "creating": "a"})
    intent = PendingOperation(attrs.evolve(made, id="", outputs={}), "creating")
    store.save(attrs.evolve(store.load(), pending=(intent,)))
    world.up()
    assert world.things()["a"].id == made.id
    world.require_no_orphans()


def test_a_preview_beside_a_run_says_who_is_at_work(tmp_path: Path) -> None:
    """What is unsettled because somebody is at work is not an interrupted run's."""
    world = World(tmp_path)
    world.in_memory = False
    world.write('Thing("a")').up()
    store, made = world.stack().store, world.things()["a"]
    store.save(attrs.evolve(store.load(), pending=(PendingOperation(made, "updating"),)))
    heard: list[str] = []
    with store.lock():
        world.preview(on_event=lambda event: heard.append(getattr(event, "message", "")))
    world.preview(on_event=lambda event: heard.append(getattr(event, "message", "")))
    assert ["is at work on this stack" in each for each in heard] == [True, False]
    assert "an interrupted run left unsettled: updating a" in heard[1]


def test_interrupt_finishes_what_had_begun(file_world: World) -> None:
    """Ctrl-C while a create is under way: it ends and is recorded, nothing new is started, and the next run goes on."""

    def interrupt(_operation: str, when: str) -> None:
        if when == "before":
            file_world.account.on_call = lambda _operation, _moment: None
            os.kill(os.getpid(), signal.SIGINT)

    file_world.account.on_call = interrupt
    with pytest.raises(InterruptedByUserError, match="finished"):
        file_world.write(FIRST.replace('Thing("c", size=1)', 'Thing("c", size=1, ref=b.arn)')).up()
    assert set(file_world.things()) == {"a"}
    file_world.require_no_orphans()
    file_world.up()
    assert set(file_world.things()) == {"a", "b", "c"}
    assert file_world.stack().store.locks() == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        (BrokenPipeError(32, "Broken pipe"), InterruptedByUserError, "read no more"),
        (ValueError("a bug of ours"), InternalError, "could not be shown"),
    ],
)
def test_what_was_done_is_recorded_though_nobody_hears_of_it(
    file_world: World, failure: Exception, kind: type[Exception], words: str
) -> None:
    """A listener that fails (`batchiac up | head`) ends the run after what had begun; the state knows all of it."""

    def listen(event: object) -> None:
        if isinstance(event, StepEnded):
            raise failure

    program = 'a = Thing("a")\nb = Thing("b", ref=a.arn)\nThing("c", ref=b.arn)'
    with pytest.raises(kind, match=words):
        file_world.write(program).up(on_event=listen)
    assert set(file_world.things()) == {"a"}
    file_world.require_no_orphans()
    assert file_world.snapshot().pending == ()
    file_world.up()
    assert set(file_world.things()) == {"a", "b", "c"}
