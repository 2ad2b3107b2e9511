"""Every option of a resource is honoured as Pulumi's engine honours it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from deploy_world import World, ops

from batchiac.deploy import StepEnded
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.values import Sealed, Secret
from batchiac.errors import UserError
from batchiac.model.deadline import step_deadline_s


def test_protect_refuses_deletion_and_replacement(world: World) -> None:
    """What is protected is neither deleted nor replaced, nor is anything else in that run."""
    world.write('Thing("a", image="x", opts=Opts(protect=True))\nThing("b")').up()
    for program in ('Thing("b")', 'Thing("a", image="y", opts=Opts(protect=True))'):
        with pytest.raises(UserError, match="protected"):
            world.write(program).up()
    with pytest.raises(UserError, match="protected"):
        world.destroy()
    assert len(world.account.all()) == 2
    world.write('Thing("a", image="x")\nThing("b")').up()
    world.destroy()
    assert world.account.all() == {}


def test_ignore_changes_keeps_the_old_value(world: World) -> None:
    """An ignored path keeps what the state has, at any depth, also when it is new or gone."""
    opts = 'opts=Opts(ignore_changes=["size", "tags.a", "list[0]", "extra"])'
    world.write(f'Thing("a", size=1, tags={{"a": 1, "b": 1}}, list=[1, 2], {opts})').up()
    world.write(f'Thing("a", size=9, tags={{"a": 9, "b": 1}}, list=[9, 2], extra=1, {opts})')
    assert not world.preview().has_changes
    world.write(f'Thing("a", size=9, tags={{"b": 2}}, list=[9, 3], {opts})').up()
    outputs = world.things()["a"].outputs
    assert (outputs["size"], outputs["tags"], outputs["list"]) == (1, {"a": 1, "b": 2}, [1, 3])


def test_replace_on_changes(world: World) -> None:
    """A change that would be an update becomes a replacement where the program says so."""
    opts = 'opts=Opts(replace_on_changes=["tags"])'
    world.write(f'Thing("a", size=1, tags={{"x": 1}}, {opts})').up()
    assert ops(world.write(f'Thing("a", size=2, tags={{"x": 1}}, {opts})').preview()) == {"a": "update"}
    plan = world.write(f'Thing("a", size=1, tags={{"x": 2}}, {opts})').preview()
    assert ops(plan) == {"a": "replace"}
    assert plan.steps[-1].replaces == ("tags",)


@pytest.mark.parametrize(("said", "first"), [("True", "delete"), ("None", "create")])
def test_delete_before_replace(world: World, said: str, first: str) -> None:
    """The program's word on the order wins over the handler's."""
    program = f'Thing("a", image="{{0}}", opts=Opts(delete_before_replace={said}))'
    world.write(program.format("x")).up()
    world.account.calls.clear()
    world.write(program.format("y")).up()
    assert world.account.calls[0].split()[0] == first
    world.require_no_orphans()


def test_what_has_to_go_first_is_in_the_plan(world: World) -> None:
    """A replacement that deletes first takes what cannot be without it along: the plan shows that, and who stays."""
    world.handler.replaced_by = ("image", "ref")
    program = 'a = Thing("a", image="{0}", name="fixed")\nThing("b", ref=a.arn)\nThing("c", tags={{"of": a.arn}})'
    world.write(program.format("x")).up()
    plan = world.write(program.format("y")).preview()
    assert ops(plan) == {"a": "replace", "b": "replace", "c": "update"}
    notes = {step.urn.split("::")[-1]: step.notes for step in plan.steps if step.notes}
    assert notes == {
        "a": (
            "deleted before it: batch:Thing b",
            "not there until it is made anew, while batch:Thing c still refers to it",
        ),
        "b": ("deleted first, because batch:Thing a is, which it refers to",),
    }
    world.account.calls.clear()
    world.up()
    assert [call.split()[0] for call in world.account.calls[:3]] == ["delete", "delete", "create"]
    world.require_no_orphans()


def test_what_has_to_go_first_by_its_own_options(world: World) -> None:
    """A dependent goes first because of its own `replace_on_changes` or `deleted_with`, and not where it ignores what
    it refers to: as under Pulumi."""
    program = (
        'a = Thing("a", image="{0}", name="fixed")\n'
        'Thing("b", ref=a.arn, opts=Opts(replace_on_changes=["ref"]))\n'
        'Thing("c", opts=Opts(deleted_with=a))\n'
        'Thing("d", ref=a.arn, opts=Opts(replace_on_changes=["ref"], ignore_changes=["ref"]))'
    )
    world.write(program.format("x")).up()
    plan = world.write(program.format("y")).preview()
    assert ops(plan) == {"a": "replace", "b": "replace", "c": "replace"}
    assert ops(world.up()) == dict.fromkeys("abc", "create-replacement")
    world.require_no_orphans()
    assert not world.preview().has_changes


def test_unprotected_and_replaced_in_one_run(world: World) -> None:
    """The program's word on protection counts for its own resource."""
    program = 'Thing("a", image="{0}", opts=Opts(protect={1}))'
    world.write(program.format("x", True)).up()
    with pytest.raises(UserError, match="protected"):
        world.write(program.format("y", True)).preview()
    assert ops(world.write(program.format("y", False)).preview()) == {"a": "replace"}


def test_another_programs_resource_may_live_in_another_region(world: World) -> None:
    """A resource of a type that is not ours has a region of its own, which is no reason to refuse the stack."""
    world.write('Thing("a")').up()
    store = world.stack().store
    foreign = ResourceState("urn:pulumi:dev::world::aws:s3/bucket:Bucket::x", "aws:s3/bucket:Bucket", True, id="x")
    foreign = attrs.evolve(foreign, outputs={"region": "eu-west-1"})
    snapshot = store.load()
    store.save(attrs.evolve(snapshot, resources=(*snapshot.resources, foreign)))
    assert not world.preview().has_changes


def test_a_plan_foresees_how_many_acts_it_takes(world: World) -> None:
    """What a progress bar counts to: components take none, a replacement two, in either order and when retained."""
    program = (
        'box = Box("box")\nThing("a", image="{0}", name="fixed", opts=Opts(parent=box))\nThing("b", image="{0}")\n'
        'Thing("c", size="{0}")\nThing("d-{0}")\nThing("e", image="{0}", opts=Opts(retain_on_delete=True))'
    )
    for version, acts in (("x", 5), ("y", 9)):
        plan = world.write(program.format(version)).preview()
        ended = []
        world.up(on_event=lambda event, ended=ended: ended.append(event) if isinstance(event, StepEnded) else None)
        assert (sum(step.acts for step in plan.steps), len(ended)) == (acts, acts)


def test_tags_alone_leave_what_refers_to_the_resource_as_it_is(world: World) -> None:
    """A change of tags makes no output unknown, so nobody is shown a change that does not come."""
    program = 'a = Thing("a", tags={{"x": {0}}})\nThing("b", ref=a.arn)'
    world.write(program.format(1)).up()
    assert ops(world.write(program.format(2)).preview()) == {"a": "update"}
    assert ops(world.up()) == {"a": "update"}


def test_retain_on_delete_forgets_without_deleting(world: World) -> None:
    """The AWS resource is kept, the state forgets it, and the plan says so."""
    world.write('Thing("a", opts=Opts(retain_on_delete=True))').up()
    plan = world.write("").preview()
    assert [step.is_retained for step in plan.steps if step.op == "delete" and step.is_counted] == [True]
    world.up()
    assert world.things() == {}
    assert len(world.account.all()) == 1


def test_children_inherit_retain_on_delete(world: World) -> None:
    """A component's retain_on_delete holds for what is below it, at any depth, unless a child says otherwise."""
    world.write(
        """
        kept = Box("kept", opts=Opts(retain_on_delete=True))
        inner = Box("inner", opts=Opts(parent=kept))
        Thing("a", opts=Opts(parent=inner))
        Thing("b", opts=Opts(parent=kept, retain_on_delete=False))
        Thing("c")
        """
    ).up()
    kept = world.things()["a"].id
    assert {name: state.retain_on_delete for name, state in world.things().items()} == {
        "a": True,
        "b": False,
        "c": False,
    }
    world.write("").up()
    assert list(world.account.all()) == [kept]


def test_children_inherit_deleted_with(world: World) -> None:
    """What AWS deletes along with a component's named resource is not deleted by calls of its children's own."""
    world.write('a = Thing("a")\nbox = Box("box", opts=Opts(deleted_with=a))\nThing("b", opts=Opts(parent=box))').up()
    id_of_a = world.things()["a"].id
    world.account.calls.clear()
    world.destroy()
    assert world.account.calls == [f"delete {id_of_a}"]


def test_deleted_with_leaves_the_deletion_to_the_other(world: World) -> None:
    """What AWS deletes along with another is not deleted by a call of its own."""
    world.write('a = Thing("a")\nThing("b", opts=Opts(deleted_with=a))').up()
    id_of_a = world.things()["a"].id
    world.account.calls.clear()
    world.destroy()
    assert world.account.calls == [f"delete {id_of_a}"]


def test_alias_keeps_a_renamed_resource(world: World) -> None:
    """A renamed resource is the same one; what refers to it follows, also what is deleted later."""
    world.write('a = Thing("old", identity="x", name="n")\nThing("b", ref=a.arn)').up()
    before = world.things()["old"].id
    world.write('Thing("new", identity="x", name="n", opts=Opts(aliases=[pulumi.Alias(name="old")]))\n')
    assert ops(world.preview()) == {"b": "delete"}
    world.up()
    assert {name: state.id for name, state in world.things().items()} == {"new": before}


def test_alias_of_a_parent_covers_its_children(world: World) -> None:
    """A child of a renamed component is the same one, under its own name or one made from its parent's."""
    program = """
        box = Box("{0}", opts=Opts(aliases=[pulumi.Alias(name="one")]))
        Thing("same", identity="s", name="s", opts=Opts(parent=box))
        Thing("{0}-made", identity="m", name="m", opts=Opts(parent=box))
        """
    world.write(program.format("one")).up()
    before = {state.id for state in world.things().values()}
    assert not world.write(program.format("two")).preview().has_changes
    world.up()
    assert set(world.things()) == {"same", "two-made"}
    assert {state.id for state in world.things().values()} == before


def test_a_changed_parent_is_a_new_resource_without_alias_and_the_same_with(world: World) -> None:
    """Another parent is another URN; `Alias(parent=None)` says that it is the same resource."""
    world.write('Thing("a", name="n", identity="a")').up()
    plan = world.write('Thing("a", name="n", identity="a", opts=Opts(parent=Box("box")))').preview()
    assert sorted(step.op.value for step in plan.steps if step.urn.endswith("Thing::a")) == ["create", "delete"]
    alias = "aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]"
    world.write(f'Thing("a", name="n", identity="a", opts=Opts(parent=Box("box"), {alias}))')
    assert ops(world.preview()) == {}


def test_custom_timeouts_reach_the_handler_and_the_state(world: World) -> None:
    """Each verb's timeout is set while the handler is called, and only then."""
    seen: dict[str, float | None] = {}
    for verb, method in (("create", "create_unconfirmed"), ("update", "update"), ("delete", "delete")):
        original = getattr(world.handler, method)

        def call(*arguments: Any, _verb: str = verb, _original: Any = original) -> Any:
            seen[_verb] = step_deadline_s.get()
            return _original(*arguments)

        setattr(world.handler, method, call)
    opts = 'opts=Opts(custom_timeouts=pulumi.CustomTimeouts(create="5m", update="1h30m", delete="90s"))'
    world.write(f'Thing("a", size=1, {opts})').up()
    world.write(f'Thing("a", size=2, {opts})').up()
    assert world.things()["a"].custom_timeouts == {"create": 300, "update": 5400, "delete": 90}
    world.destroy()
    assert seen == {"create": 300, "update": 5400, "delete": 90}
    assert step_deadline_s.get() is None


def test_a_bad_timeout_is_refused(world: World) -> None:
    """A duration that is none is named."""
    with pytest.raises(UserError, match="five minutes"):
        world.write('Thing("a", opts=Opts(custom_timeouts=pulumi.CustomTimeouts(create="five minutes")))').preview()


def test_depends_on_orders_what_no_property_does(world: World) -> None:
    """An explicit dependency is in the state and orders creation and deletion; a component means its parts."""
    world.write('box = Box("box")\na = Thing("a", opts=Opts(parent=box))\nThing("b", opts=Opts(depends_on=[box]))').up()
    a, b = world.things()["a"], world.things()["b"]
    assert b.dependencies == (a.urn,)
    # A tag comes off beside whatever else is done.
    assert [call for call in world.account.calls if call.startswith("create")] == [f"create {a.id}", f"create {b.id}"]
    world.account.calls.clear()
    world.destroy()
    assert [call.split()[1] for call in world.account.calls] == [b.id, a.id]


def test_secrets_are_sealed_in_the_state_and_open_to_the_handler(file_world: World) -> None:
    """A secret input, its output, and additional secret outputs: ciphertext on the disk, plain values for AWS."""
    program = """
        a = Thing("a", password=pulumi.Output.secret("swordfish"), deep={"list": [pulumi.Output.secret({"k": 7})]},
                  opts=Opts(additional_secret_outputs=["arn"]))
        pulumi.export("p", pulumi.Output.secret("salmon"))
        """
    result = file_world.write(program).up()
    assert result.plain_outputs == {"p": "salmon"}
    text = file_world.stack().store.path.read_text()  # type: ignore[attr-defined]
    assert "swordfish" not in text
    assert "salmon" not in text
    state = file_world.things()["a"]
    assert isinstance(state.inputs["password"], Sealed)
    assert isinstance(state.outputs["password"], Sealed)
    assert isinstance(state.outputs["arn"], Sealed)
    assert isinstance(state.outputs["deep"]["list"][0], Sealed)
    assert file_world.account.all()[state.id]["password"] == "swordfish"
    assert file_world.account.all()[state.id]["deep"] == {"list": [{"k": 7}]}
    assert not file_world.preview().has_changes


def test_a_changed_secret_is_an_update_that_shows_nothing(world: World) -> None:
    """A secret that changes is updated; the plan's lines do not show it."""
    from batchiac.deploy.render.lines import plan_lines
    from batchiac.deploy.render.preview_json import preview_json_text

    world.write('Thing("a", password=pulumi.Output.secret("swordfish"))').up()
    plan = world.write('Thing("a", password=pulumi.Output.secret("sturgeon"))').preview()
    assert ops(plan) == {"a": "update"}
    shown = "".join(line.text for line in plan_lines(plan, every_property=True)) + preview_json_text(plan)
    assert "swordfish" not in shown
    assert "sturgeon" not in shown
    assert isinstance(world.things()["a"].outputs["password"], Secret)
