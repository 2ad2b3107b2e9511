"""What a run that ended early left half done, and what is not ours: taken up, or left alone, but never lost."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import attrs
import pytest
from deploy_world import TOKEN, World, ops

from batchiac.deploy.state.checkpoint import PendingOperation, Snapshot, find_damage
from batchiac.deploy.state.resource import ResourceState
from batchiac.errors import InterruptedAtOnce, RefusedError, StateError


def refuse_when_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thing with `fails` is refused."""
    create = world.handler.create_unconfirmed

    def create_or_refuse(inputs: Any) -> Any:
        if inputs.get("fails"):
            raise RefusedError("AWS said no")
        return create(inputs)

    monkeypatch.setattr(world.handler, "create_unconfirmed", create_or_refuse)


RETYPED = """
class Case(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("x:y:Case", name, {}, Opts(aliases=[pulumi.Alias(type_="batchiac:batch:Box")]))

case = Case("box")
first = Thing("first", fails=FAILS)
Thing("inner", opts=Opts(parent=case, depends_on=[first]))
"""


def test_a_component_retyped_by_a_run_that_failed_keeps_its_children(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their URNs contain its type: the next run, which finds no alias any more, finds them under the new one."""
    refuse_when_told(world, monkeypatch)
    world.write('Thing("inner", opts=Opts(parent=Box("box")))').up()
    inner = world.things()["inner"].id
    with pytest.raises(RefusedError, match="AWS said no"):
        world.write(RETYPED.replace("FAILS", "True")).up()
    assert world.things()["inner"].urn == "urn:pulumi:dev::world::x:y:Case$pulumi-python:dynamic/batch:Thing::inner"
    assert ops(world.write(RETYPED.replace("FAILS", "False")).preview()) == {"first": "create"}
    world.up()
    assert world.things()["inner"].id == inner
    world.require_no_orphans()


def test_destroy_after_dependencies_were_reversed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that turned them round died before its deletions: each is there twice, and everything goes."""
    refuse_when_told(world, monkeypatch)
    world.write('a = Thing("a", image="x")\nThing("b", image="x", opts=Opts(depends_on=[a]))').up()
    turned = 'b = Thing("b", image="y")\na = Thing("a", image="y", opts=Opts(depends_on=[b]))\n'
    with pytest.raises(RefusedError, match="AWS said no"):
        world.write(f'{turned}Thing("c", fails=True, opts=Opts(depends_on=[a]))').up()
    assert len(world.account.all()) == 4
    world.destroy()
    assert world.account.all() == {}
    assert world.snapshot().resources == ()


def test_an_update_that_dies_under_a_new_name_is_looked_at(file_world: World) -> None:
    """The state has the old name still, the intent the new one: what was updated is finished and read all the same."""
    file_world.write('Thing("a", size=1)').up()
    made = file_world.things()["a"]

    def die(operation: str, moment: str) -> None:
        if (operation, moment) == ("update", "after"):
            raise ValueError("the process dies")

    file_world.account.on_call = die
    renamed = 'Thing("b", size=2, opts=Opts(aliases=[pulumi.Alias(name="a")]))'
    with pytest.raises(ValueError, match="dies"):
        file_world.write(renamed).up()
    file_world.account.on_call = lambda _operation, _moment: None
    assert [(each.type, each.resource.name) for each in file_world.snapshot().pending] == [("updating", "b")]
    finished: list[str] = []
    file_world.handler.finish = lambda id_, _state: finished.append(id_)
    result = file_world.up()
    assert finished == [made.id]
    assert [step.urn for step in result.drift if step.type == TOKEN] == [made.urn]
    assert file_world.things()["b"].outputs["size"] == 2
    assert file_world.snapshot().pending == ()


def with_bucket(world: World, *, pending: bool = False, **fields: Any) -> None:
    """A state in which the Pulumi CLI has made a bucket too."""
    store = world.stack().store
    snapshot: Snapshot = store.load()
    provider = ResourceState(
        "urn:pulumi:dev::world::pulumi:providers:aws::default", "pulumi:providers:aws", True, id="pid"
    )
    bucket = ResourceState(
        "urn:pulumi:dev::world::aws:s3/bucket:Bucket::logs",
        "aws:s3/bucket:Bucket",
        True,
        id="logs",
        provider=f"{provider.urn}::pid",
        **fields,
    )
    begun = (PendingOperation(bucket, "updating"),) if pending else ()
    store.save(attrs.evolve(snapshot, resources=(*snapshot.resources, provider, bucket), pending=begun))


def test_what_another_program_has_under_way_stays(file_world: World) -> None:
    """Nobody here can read a bucket: its intent is the Pulumi CLI's, and no run of ours speaks of it or drops it."""
    file_world.write('Thing("a")').up()
    with_bucket(file_world, pending=True)
    heard: list[Any] = []
    file_world.preview(on_event=heard.append)
    file_world.up()
    file_world.refresh()
    file_world.write('Thing("b")').up()
    assert not any("unsettled" in getattr(each, "message", "") for each in heard)
    assert [(each.type, each.resource.name) for each in file_world.snapshot().pending] == [("updating", "logs")]


def test_what_is_replaced_with_something_keeps_it(file_world: World) -> None:
    """Pulumi's replaceWith of an entry that is not ours names one of ours: renamed it is followed, and not deleted."""
    file_world.write('Thing("a")').up()
    with_bucket(file_world, replace_with=(file_world.things()["a"].urn,))
    file_world.write('Thing("b", opts=Opts(aliases=[pulumi.Alias(name="a")]))').up()
    bucket = file_world.snapshot().resources[-1]
    assert bucket.replace_with == (file_world.things()["b"].urn,)
    file_world.write("pass").up()
    assert set(file_world.things()) == {"b"}
    assert find_damage(file_world.snapshot().resources) is None


@pytest.mark.parametrize("act", ["up", "destroy"])
def test_a_second_interrupt_holds_the_stack_until_its_threads_have_ended(file_world: World, act: str) -> None:
    """In a notebook or a test the process lives on, and so do they: nobody else acts on the stack until then."""
    file_world.write('Thing("a")\nThing("b")')
    if act == "destroy":
        file_world.up()
    at_work, go = threading.Event(), threading.Event()

    def block(operation: str, moment: str) -> None:
        if operation in ("create", "delete") and moment == "before":
            at_work.set()
            assert go.wait(20)

    file_world.account.on_call = block
    heard = threading.Event()

    def hear(number: int, frame: Any) -> None:
        heard.set()
        signal.default_int_handler(number, frame)

    def interrupt_twice() -> None:
        assert at_work.wait(20)
        os.kill(os.getpid(), signal.SIGINT)
        # Not before the run waits again: two interrupts in one instant are one.
        assert heard.wait(20)
        threading.Event().wait(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    killer = threading.Thread(target=interrupt_twice)
    killer.start()
    before = signal.signal(signal.SIGINT, hear)
    try:
        with pytest.raises(InterruptedAtOnce) as interrupted:
            getattr(file_world, act)()
    finally:
        signal.signal(signal.SIGINT, before)
        killer.join(20)
    other = file_world.stack().store
    assert len(other.holders()) == 1
    with pytest.raises(StateError, match="locked"):
        file_world.up()
    go.set()
    interrupted.value.wait()
    (lock,) = [each for each in threading.enumerate() if each.name == "lock"] or [None]
    if lock is not None:
        lock.join(20)
    assert other.holders() == []
    file_world.account.on_call = lambda _operation, _moment: None
    file_world.up()
    file_world.require_no_orphans()


def test_a_process_that_ends_lets_go(file_world: World) -> None:
    """The command line ends under its threads: whoever comes next need not break a lock."""
    file_world.write('Thing("a")')
    from batchiac.deploy.running import holding

    go = threading.Event()
    with pytest.raises(InterruptedAtOnce) as interrupted, holding(file_world.stack()):
        raise InterruptedAtOnce(go.wait)
    assert len(file_world.stack().store.holders()) == 1
    interrupted.value.let_go()
    assert file_world.stack().store.holders() == []
    go.set()
