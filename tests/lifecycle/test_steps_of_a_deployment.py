"""Create, update, replace, delete: what a changed program does to what exists."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import attrs
import pytest
from deploy_world import World, ops

from batchiac.deploy import StepEnded
from batchiac.deploy.monitor import Monitor
from batchiac.errors import AwsRefusal, FindingsError, ProgramError, RefusedError, UnsupportedError, UserError
from batchiac.model.handler import CreateResult
from batchiac.model.unknown import UNKNOWN

TWO = 'a = Thing("a", size=1)\nb = Thing("b", ref=a.arn, nested={"ref": [a.arn]})\npulumi.export("b", b.arn)\n'


def test_preview_of_a_new_program_creates_everything(world: World) -> None:
    """A preview says what would be created, leaves unknown what is not known, and changes nothing."""
    plan = world.write(TWO).preview()
    assert ops(plan) == {"a": "create", "b": "create"}
    assert plan.outputs["b"] is UNKNOWN
    assert plan.steps[-1].new.inputs["nested"] == {"ref": [UNKNOWN]}
    assert world.account.all() == {}
    assert world.snapshot().resources == ()


def test_up_then_no_change(world: World) -> None:
    """What `up` did, a preview finds done; integers are integers again."""
    result = world.write(TWO).up()
    assert result.plain_outputs == {"b": world.things()["b"].outputs["arn"]}
    assert world.things()["a"].outputs["size"] == 1
    assert type(world.things()["a"].outputs["size"]) is int
    assert world.things()["b"].inputs["ref"] == world.things()["a"].outputs["arn"]
    assert not world.preview().has_changes
    world.require_no_orphans()


def test_handlers_never_see_the_provider_but_the_state_keeps_it(world: World) -> None:
    """`__provider` stays in the state as the SDK pickled it, for Pulumi's CLI, and is no handler's business."""
    world.write(TWO).up()
    assert all("__provider" not in each for each in world.account.all().values())
    state = world.things()["a"]
    assert state.inputs["__provider"] == state.outputs["__provider"] != ""


def test_update_in_place(world: World) -> None:
    """A changed property is updated; the id stays, and so what depends on it is not touched."""
    world.write(TWO).up()
    world.write(TWO.replace("size=1", "size=2"))
    plan = world.preview()
    assert ops(plan) == {"a": "update", "b": "update"}  # b reads a.arn, which is known to stay only if it is the id
    result = world.up()
    assert ops(result) == {"a": "update"}
    assert [change.path for change in result.steps[1].changes or result.steps[2].changes] == ["size"]
    world.require_no_orphans()


def test_replacement_creates_before_it_deletes(world: World) -> None:
    """A replacement with a generated name: the new one, then its dependents, then the old one goes."""
    world.write(TWO + 'a2 = Thing("c", image="x")\n').up()
    old = world.things()["c"].id
    world.account.calls.clear()
    result = world.write(TWO + 'a2 = Thing("c", image="y")\n').up()
    assert [step.op.value for step in result.steps if step.urn.endswith("::c")] == [
        "create-replacement",
        "delete-replaced",
    ]
    new = world.things()["c"].id
    assert world.account.calls == [f"create {new}", f"untag {new}", f"delete {old}"]
    world.require_no_orphans()


def test_fixed_name_is_deleted_before_it_is_replaced(world: World) -> None:
    """Two cannot have one name: the old one goes first, and the plan says so."""
    world.write('Thing("c", name="fixed", image="x")').up()
    world.write('Thing("c", name="fixed", image="y")')
    plan = world.preview()
    assert ops(plan) == {"c": "replace"}
    assert plan.steps[-1].deletes_first
    world.account.calls.clear()
    world.up()
    assert [call.split()[0] for call in world.account.calls] == ["delete", "create", "untag"]
    world.require_no_orphans()


def test_a_tainted_resource_is_replaced_by_its_like(world: World) -> None:
    """What `pulumi state taint` marked is deleted and made again, since both would have one name; then it is clean."""
    world.write('Thing("c", image="x")').up()
    snapshot = world.snapshot()
    tainted = [attrs.evolve(each, extra={"taint": True}) if each.name == "c" else each for each in snapshot.resources]
    world.store.save(attrs.evolve(snapshot, resources=tuple(tainted)))
    before = world.things()["c"].id
    assert ops(world.preview()) == {"c": "replace"}
    world.up()
    assert world.things()["c"].id != before
    assert not world.preview().has_changes
    world.require_no_orphans()


def test_dependents_whose_replacement_follows_go_first(world: World) -> None:
    """A delete-first replacement takes along what would be replaced because of it, dependents first."""
    program = 'c = Thing("c", name="fixed", image="{0}")\nd = Thing("d", name="other", image=c.arn)\n'
    world.write(program.format("x")).up()
    ids = {name: state.id for name, state in world.things().items()}
    world.account.calls.clear()
    world.write(program.format("y")).up()
    assert world.account.calls[:2] == [f"delete {ids['d']}", f"delete {ids['c']}"]
    assert set(world.things()) == {"c", "d"}
    world.require_no_orphans()
    assert not world.preview().has_changes


def test_what_is_no_longer_declared_is_deleted_dependents_first(world: World) -> None:
    """Deletes come after the program, in the reverse order of dependencies."""
    world.write(TWO).up()
    ids = {name: state.id for name, state in world.things().items()}
    world.account.calls.clear()
    assert ops(world.write("").preview()) == {"a": "delete", "b": "delete"}
    world.up()
    assert world.account.calls == [f"delete {ids['b']}", f"delete {ids['a']}"]
    assert world.account.all() == {}


def test_destroy_leaves_nothing(world: World) -> None:
    """After destroy neither the account nor the state holds anything; a second destroy is no error."""
    world.write(TWO).up()
    assert ops(world.destroy()) == {"a": "delete", "b": "delete"}
    assert world.account.all() == {}
    assert world.snapshot().resources == ()
    assert not world.destroy().has_changes


def test_independent_creates_run_side_by_side(world: World) -> None:
    """Twenty creates that each wait for all others end: none waits for a free thread."""
    barrier = threading.Barrier(20, timeout=20)
    create = world.handler.create_unconfirmed

    def together(inputs: Any) -> CreateResult:
        barrier.wait()
        return create(inputs)

    world.handler.create_unconfirmed = together
    world.write('for i in range(20):\n    Thing(f"t{i}")\n').up()
    assert len(world.things()) == 20


def test_works_inside_a_running_loop(world: World) -> None:
    """A caller with an event loop of its own can deploy."""

    async def deploy() -> Any:
        return world.write(TWO).up()

    assert ops(asyncio.run(deploy())) == {"a": "create", "b": "create"}


def test_program_files_are_read_anew_each_run(world: World) -> None:
    """A changed module of the program is seen by the next run of the same process."""
    world.write('from part import SIZE\nThing("a", size=SIZE)')
    (world.folder / "prog/part.py").write_text("SIZE = 1\n")
    world.up()
    (world.folder / "prog/part.py").write_text("SIZE = 22222\n")
    assert ops(world.preview()) == {"a": "update"}


def test_failed_create_keeps_what_was_done(world: World) -> None:
    """AWS's refusal ends the run; what was created is in the state, what failed is not, and the next run goes on."""
    create = world.handler.create_unconfirmed

    def refuse(inputs: Any) -> CreateResult:
        if inputs["identity"] == "b":
            raise AwsRefusal("CreateThing", "LimitExceeded", "no more things")
        return create(inputs)

    world.handler.create_unconfirmed = refuse
    ended: list[StepEnded] = []
    with pytest.raises(AwsRefusal, match="no more things"):
        world.write(TWO).up(on_event=lambda event: ended.append(event) if isinstance(event, StepEnded) else None)
    assert [event.error is None for event in ended] == [True, False]
    assert set(world.things()) == {"a"}
    assert world.snapshot().pending == ()
    world.handler.create_unconfirmed = create
    assert ops(world.up()) == {"b": "create"}


def test_nothing_begins_after_a_failure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one create fails another is under way: that one is finished and recorded, what follows it is not begun."""
    create = world.handler.create_unconfirmed
    failed, is_under_way = threading.Event(), threading.Event()

    def one_fails(inputs: Any) -> CreateResult:
        if inputs["identity"] == "bad":
            assert is_under_way.wait(30)
            raise AwsRefusal("CreateThing", "LimitExceeded", "no more things")
        if inputs["identity"] == "first":
            is_under_way.set()
            assert failed.wait(30)
        return create(inputs)

    def fail(self: Monitor, error: BaseException) -> None:
        told(self, error)
        failed.set()

    told = Monitor._failed
    monkeypatch.setattr(Monitor, "_failed", fail)
    world.handler.create_unconfirmed = one_fails
    with pytest.raises(AwsRefusal, match="no more things"):
        world.write('Thing("bad")\na = Thing("first")\nThing("second", ref=a.arn)\n').up()
    assert set(world.things()) == {"first"}
    world.handler.create_unconfirmed = create
    world.up()
    assert set(world.things()) == {"first", "second", "bad"}


def test_what_is_queued_behind_a_failure_is_not_begun(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program's registrations wait for threads: what had none when a create failed gets none."""
    create, told = world.handler.create_unconfirmed, Monitor._failed
    failed = threading.Event()

    def one_fails(inputs: Any) -> CreateResult:
        if inputs["identity"] == "bad":
            raise AwsRefusal("CreateThing", "LimitExceeded", "no more things", 400)
        assert failed.wait(30)
        return create(inputs)

    def fail(self: Monitor, error: BaseException) -> None:
        told(self, error)
        failed.set()

    monkeypatch.setattr(Monitor, "_failed", fail)
    world.handler.create_unconfirmed = one_fails
    with pytest.raises(AwsRefusal, match="no more things"):
        world.write('Thing("bad")\nfor number in range(200):\n    Thing(f"t{number}")\n').up()
    assert len(world.things()) < 64
    assert world.snapshot().pending == ()


def test_a_create_without_an_answer_is_taken_up_or_goes(world: World) -> None:
    """Nobody knows whether it was made: the intent stays, so it is adopted, or removed when it is wanted no more."""
    create = world.handler.create_unconfirmed

    def unanswered(inputs: Any) -> CreateResult:
        create(inputs)
        raise AwsRefusal("CreateThing", "Unreachable", "no answer")

    for program, left in (('Thing("a")', {"a"}), ("", set())):
        world.handler.create_unconfirmed = unanswered
        with pytest.raises(AwsRefusal, match="no answer"):
            world.write('Thing("a")').up()
        world.handler.create_unconfirmed = create
        world.write(program).up()
        assert set(world.things()) == left
        world.require_no_orphans()
        world.destroy()


def test_failed_delete_keeps_the_rest(world: World) -> None:
    """A refused delete keeps its entry and what it depends on; the next destroy continues."""
    world.write(TWO).up()
    delete = world.handler.delete

    def refuse(id_: str, state: Any) -> None:
        raise RefusedError(f"{id_} is in use")

    world.handler.delete = refuse
    with pytest.raises(RefusedError, match="in use"):
        world.destroy()
    assert set(world.things()) == {"a", "b"}
    world.handler.delete = delete
    world.destroy()
    assert world.account.all() == {}


def test_all_failing_checks_are_reported_at_once(world: World) -> None:
    """A preview goes on after a failing check, and nothing is created by an `up`."""
    world.write('Thing("a", size=-1)\nThing("b")\nThing("c", size=-2)\n')
    with pytest.raises(FindingsError) as refused:
        world.up()
    assert sorted((each.resource, each.property, each.rule_id) for each in refused.value.findings) == [
        ("a", "size", "TH001"),
        ("c", "size", "TH001"),
    ]
    assert world.account.all() == {}
    assert world.snapshot().resources == ()


def test_program_error_shows_its_own_traceback(world: World) -> None:
    """The traceback begins in the program: no frame of ours is in it."""
    world.write('def inner():\n    raise ValueError("moon")\nThing("a")\ninner()\n')
    with pytest.raises(ProgramError, match="ValueError: moon") as raised:
        world.up()
    text = raised.value.traceback_text
    assert "in inner" in text
    assert "/batchiac/deploy/" not in text
    assert world.account.all() == {}


def test_run_error_has_no_traceback(world: World) -> None:
    """A program's RunError is its way to say no; what it logged before goes with it."""
    world.write('pulumi.log.error("first reason")\nraise pulumi.RunError("two reasons")\n')
    with pytest.raises(ProgramError, match="two reasons") as raised:
        world.preview()
    assert raised.value.traceback_text == ""
    assert raised.value.__notes__ == ["first reason"]


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ('pulumi.StackReference("organization/other/dev")', "a reference to another stack"),
        ('pulumi.runtime.invoke("aws:ec2/getAmi:getAmi", {})', "the function aws:ec2/getAmi:getAmi"),
        ('pulumi.CustomResource("aws:s3/bucket:Bucket", "b", {})', "aws:s3/bucket:Bucket"),
        ('Thing("a", opts=Opts(transforms=[lambda args: None]))', "transforms"),
        ('a = Thing("a")\nThing("b", opts=Opts(replace_with=[a]))', "replace_with"),
        ('Thing("a", opts=Opts(replacement_trigger="x"))', "replacement_trigger"),
        ('Thing("a", opts=Opts(version="1.2.3"))', "version"),
        ('Thing("a", opts=Opts(plugin_download_url="https://x"))', "plugin_download_url"),
        ('Thing("a", opts=Opts(hide_diffs=["x"]))', "hide_diffs"),
        ('Thing("a", opts=Opts(hooks=pulumi.ResourceHookBinding(after_create=[lambda args: None])))', "hook"),
        ("pulumi.runtime.register_resource_transform(lambda args: None)", "transform"),
        ('pulumi.ProviderResource("aws", "p", {})', "pulumi:providers:aws"),
        ('Thing("a", file=pulumi.StringAsset("x"))', "assets"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(world: World, program: str, words: str) -> None:
    """No option and no call is ignored: each is refused in one sentence that names it and `pulumi up`."""
    world.write(program)
    with pytest.raises(UnsupportedError) as refused:
        world.preview()
    assert words in refused.value.message
    assert "pulumi up" in refused.value.message
    assert world.account.all() == {}


def test_the_same_name_twice_is_refused(world: World) -> None:
    """Two resources of one type and name cannot both be in the state."""
    world.write('Thing("a")\nThing("a")\n')
    with pytest.raises(UserError, match="declared twice"):
        world.preview()


def test_approve_can_say_no(world: World) -> None:
    """A plan that nobody approves changes nothing."""
    assert world.write(TWO).up(approve=lambda plan: False) is None
    assert world.account.all() == {}


def test_what_before_acting_raises_leaves_everything(file_world: World) -> None:
    """An unreachable AWS is found out before the first intent is written."""

    def nobody_answers() -> None:
        raise AwsRefusal("Connect", "Unreachable", "nothing answers")

    with pytest.raises(AwsRefusal):
        file_world.write(TWO).up(before_acting=nobody_answers)
    assert not file_world.stack().store.exists()  # type: ignore[attr-defined]
