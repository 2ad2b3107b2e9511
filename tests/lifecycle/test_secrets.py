"""What a program calls secret is ciphertext on the disk, and in no plan, drift, error or finding."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from deploy_world import CONFIG, ThingHandler, World, ops

from batchiac.deploy import StepEnded, read_outputs
from batchiac.deploy.render.lines import plan_lines
from batchiac.deploy.render.preview_json import preview_json_text
from batchiac.deploy.secrets import new_passphrase
from batchiac.deploy.state.file_backend import FileStore
from batchiac.deploy.values import Sealed, Secret
from batchiac.errors import AwsRefusal, FindingsError
from batchiac.model.handler import CheckFailure, CheckResult, DiffResult, PropertyChange
from batchiac.provider.difference import ABSENT, differences

SECRET = 'pulumi.Output.secret("swordfish")'


class SortingHandler(ThingHandler):
    """Answers with `env` in AWS's order, and numbers its changes by that order."""

    def _state(self, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return super()._state(id_, self._normal(inputs))

    def diff(self, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> DiffResult:
        old, new = ({**self._normal(each), "arn": 0, "account": 0} for each in (state, inputs))
        changes = [
            PropertyChange(
                each.path, each.kind, *(None if value is ABSENT else value for value in (each.old, each.new))
            )  # type: ignore[arg-type]
            for each in differences(old, new)
        ]
        return DiffResult(changes, notes=[f"{each.path} was {each.old!r}" for each in changes])

    def _normal(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {**inputs, "env": sorted(inputs["env"], key=lambda each: str(each["name"]))}


@pytest.fixture
def sorting(file_world: World) -> World:
    file_world.handler = SortingHandler(file_world.account)
    return file_world


def environment(**values: str) -> str:
    elements = ", ".join(f'{{"name": "{name}", "value": {value}}}' for name, value in values.items())
    return f"[{elements}]"


def told(plan: Any) -> str:
    """Everything that is shown of a plan."""
    return "\n".join(line.text for line in plan_lines(plan, every_property=True)) + preview_json_text(plan)


def on_disk(world: World) -> str:
    """The checkpoint."""
    return (world.folder / ".state/.pulumi/stacks/world/dev.json").read_text(encoding="utf-8")


def ciphertexts(world: World) -> list[str]:
    return sorted(part.partition('"')[0] for part in on_disk(world).split('"ciphertext":"')[1:])


def test_a_plan_shows_no_secret_of_a_list_in_another_order(sorting: World) -> None:
    """The handler numbers the list by name: what stands at its index in the program is another element."""
    sorting.write(f'Thing("a", env={environment(PW=SECRET, A=repr("b"))})').up()
    plan = sorting.write(f'Thing("a", env={environment(PW=SECRET.replace("sword", "cat"), A=repr("b"))})').preview()
    assert ops(plan) == {"a": "update"}
    assert "swordfish" not in told(plan)
    assert "catfish" not in told(plan)
    assert "env: [secret] => [secret]" in told(plan)
    sorting.up()
    assert "fish" not in on_disk(sorting)
    assert sorting.things()["a"].outputs["env"][0] == {"name": "A", "value": "b"}


@pytest.mark.parametrize("outside", [("b", "carp"), ("c", "swordfish")], ids=["the secret", "another"])
def test_drift_shows_no_secret_of_a_list_in_another_order(sorting: World, outside: tuple[str, str]) -> None:
    """A change outside is seen, and neither what was nor what is now where a secret stood is shown or kept plain."""
    sorting.write(f'Thing("a", env={environment(PW=SECRET, A=repr("b"))})').up()
    found = sorting.account.read("id-0")
    assert found is not None
    env = [{"name": "A", "value": outside[0]}, {"name": "PW", "value": outside[1]}]
    sorting.account.change("update", "id-0", {**found, "env": env})
    plan = sorting.preview(refresh=True)
    assert ops(plan) == {"a": "update"}
    assert plan.drift[-1].changes[0].path == "env"
    assert "swordfish" not in told(plan)
    assert "carp" not in told(plan)
    sorting.refresh()
    assert "swordfish" not in on_disk(sorting)
    assert "carp" not in on_disk(sorting)


def test_an_unchanged_value_becomes_secret_in_the_state(file_world: World) -> None:
    """Made secret, and nothing else: no change in the plan, ciphertext on the disk, in the stack's outputs too."""
    program = 'a = Thing("a", password={0}, deep={{"l": [1, {0}]}}, opts=Opts({1}))\npulumi.export("p", {0})'
    file_world.write(program.format('"swordfish"', "")).up()
    plan = file_world.write(program.format(SECRET, 'additional_secret_outputs=["arn"]')).preview()
    assert not plan.has_changes
    assert "swordfish" not in told(plan)
    file_world.up()
    assert "swordfish" not in on_disk(file_world)
    state = file_world.things()["a"]
    assert isinstance(state.outputs["arn"], Sealed)
    assert state.outputs["deep"]["l"][0] == 1
    assert read_outputs(file_world.stack(), show_secrets=False) == {"p": "[secret]"}
    assert read_outputs(file_world.stack(), show_secrets=True) == {"p": "swordfish"}


def test_a_secret_made_plain_is_as_under_pulumi(file_world: World) -> None:
    """The new inputs are taken, the outputs stay as they are until the resource changes; the stack's are new."""
    program = 'Thing("a", password={0}, size={1})\npulumi.export("p", {0})'
    file_world.write(program.format(SECRET, 1)).up()
    file_world.write(program.format('"swordfish"', 1)).up()
    state = file_world.things()["a"]
    assert state.inputs["password"] == "swordfish"
    assert isinstance(state.outputs["password"], Sealed)
    assert read_outputs(file_world.stack(), show_secrets=False) == {"p": "swordfish"}
    file_world.write(program.format('"swordfish"', 2)).up()
    assert file_world.things()["a"].outputs["password"] == "swordfish"


def test_a_config_value_set_again_as_a_secret(file_world: World) -> None:
    """`pulumi config set --secret` on the same value: the default provider's inputs hold the config."""
    file_world.write('Thing("a")', world__token="swordfish").up()
    phrase = new_passphrase({"PULUMI_CONFIG_PASSPHRASE": ""})
    config = {**CONFIG, "world:token": {"secure": phrase.encrypt("swordfish")}}
    text = json.dumps({"encryptionsalt": phrase.salt_text, "config": config})
    (file_world.folder / "stacks/Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    file_world.up()
    (provider,) = (state for state in file_world.snapshot().resources if state.is_provider)
    assert isinstance(provider.inputs["world:token"], Sealed)
    assert isinstance(provider.outputs["world:token"], Sealed)
    assert "swordfish" not in on_disk(file_world)


def test_ciphertext_stays_where_nothing_changes(file_world: World) -> None:
    """An `up` of the same program encrypts nothing anew, and one that changes something else only what it changes."""
    program = """
        class Kept(pulumi.ComponentResource):
            def __init__(self, name, token):
                super().__init__("x:y:Kept", name, {{"token": token}}, None)
                self.register_outputs({{"token": token}})
        Kept("k", {0})
        Thing("a", password={0}, l=[{0}], size={1}, opts=Opts(additional_secret_outputs=["arn"]))
        pulumi.export("p", {0})
    """
    file_world.write(program.format(SECRET, 1), world__x="y").up()
    before = ciphertexts(file_world)
    assert len(before) == 8
    file_world.up()
    file_world.refresh()
    assert ciphertexts(file_world) == before
    assert ops(file_world.write(program.format(SECRET, 2)).up()) == {"a": "update"}
    assert ciphertexts(file_world) == before


def test_a_preview_opens_nothing_that_need_not_be_compared(file_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret among the stack's outputs, or a component's, needs no passphrase."""
    program = """
        class Kept(pulumi.ComponentResource):
            def __init__(self, name, token):
                super().__init__("x:y:Kept", name, {{"token": token}}, None)
                self.register_outputs({{"token": token}})
        Kept("k", {0})
        Thing("a", size=1)
        pulumi.export("p", {0})
    """
    file_world.write(program.format(SECRET)).up()

    def unseal(_self: FileStore, _sealed: Sealed) -> Any:
        raise AssertionError("opened for nothing")

    monkeypatch.setattr(FileStore, "unseal", unseal)
    assert not file_world.preview().has_changes


def test_a_secret_output_that_appears_at_a_refresh(file_world: World) -> None:
    """`additional_secret_outputs` counts for what AWS tells only later, wherever it is read back."""
    file_world.write('Thing("a", opts=Opts(additional_secret_outputs=["token"]))').up()
    found = file_world.account.read("id-0")
    assert found is not None
    file_world.account.change("update", "id-0", {**found, "token": "swordfish"})
    assert "swordfish" not in told(file_world.preview(refresh=True))
    file_world.refresh()
    assert "swordfish" not in on_disk(file_world)
    assert isinstance(file_world.things()["a"].outputs["token"], Sealed)


def test_a_refresh_marks_what_an_older_run_left_plain(world: World) -> None:
    """It is no drift, and the state is right afterwards."""
    import attrs

    world.write('Thing("a", opts=Opts(additional_secret_outputs=["arn"]))').up()
    store = world.stack().store
    base = store.load()
    plain = tuple(
        attrs.evolve(each, outputs={**each.outputs, "arn": "arn:id-0"}) if each.name == "a" else each
        for each in base.resources
    )
    store.save(attrs.evolve(base, resources=plain))
    assert [step.op.value for step in world.refresh().steps if step.urn.endswith("::a")] == ["same"]
    assert world.things()["a"].outputs["arn"] == Secret("arn:id-0")


def test_an_old_value_that_is_secret_now_is_not_in_the_plan(world: World) -> None:
    """Made secret while something else changes: the plan as JSON shows the old state, without that value."""
    world.write('Thing("a", password="swordfish", l=[{"n": 1, "v": "swordfish"}], size=1)').up()
    world.write(f'Thing("a", password={SECRET}, l=[{{"n": 1, "v": {SECRET}}}], size=2)')
    plan = world.preview()
    assert ops(plan) == {"a": "update"}
    assert "swordfish" not in told(plan)
    (step,) = (each for each in json.loads(preview_json_text(plan))["steps"] if each["urn"].endswith("::a"))
    assert step["oldState"]["inputs"]["l"] == [{"n": 1, "v": "[secret]"}]


@pytest.mark.parametrize("verb", ["create", "update", "delete", "read"])
def test_an_error_that_repeats_a_secret(world: World, verb: str) -> None:
    """AWS quotes what it refuses: neither the error nor the event of the failed step says the secret."""
    if verb != "create":
        world.write(f'Thing("a", password={SECRET})').up()
    method = "create_unconfirmed" if verb == "create" else verb

    def refuse(*arguments: Any) -> Any:
        raise AwsRefusal("DoThing", "ClientException", f"not this: {json.dumps(arguments[-1])}")

    setattr(world.handler, method, refuse)
    program = "" if verb == "delete" else f'Thing("a", password={SECRET}, size=1)'
    events: list[Any] = []
    with pytest.raises(AwsRefusal) as caught:
        world.write(program).up(on_event=events.append, refresh=verb == "read")
    texts = [str(caught.value), caught.value.aws_message, *(str(e.error) for e in events if isinstance(e, StepEnded))]
    assert "not this" in texts[0]
    assert "[secret]" in texts[0]
    assert "swordfish" not in "".join(texts)


def test_a_check_that_repeats_a_secret(world: World) -> None:
    """The finding says what is wrong and where, with `[secret]` for what was found; so does the diagnostic."""

    def check(_olds: Any, inputs: Mapping[str, Any]) -> CheckResult:
        return CheckResult(dict(inputs), (CheckFailure("password", f"password is {inputs['password']!r}; …", "TH2"),))

    world.handler.check = check
    events: list[Any] = []
    with pytest.raises(FindingsError) as caught:
        world.write(f'Thing("a", password={SECRET})').preview(on_event=events.append)
    assert [each.message for each in caught.value.findings] == ["password is '[secret]'; …"]  # type: ignore[attr-defined]
    assert "swordfish" not in f"{events}{caught.value.__notes__}"


def test_what_a_check_takes_over_from_a_secret_stays_one(world: World, tmp_path: Path) -> None:
    """A value that the program no longer gives, and the handler keeps, is as secret as it was."""
    base = world.handler.check

    def check(olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> CheckResult:
        result: CheckResult = base(olds, inputs)
        return CheckResult({"password": olds.get("password"), **result.inputs}, result.failures)

    world.write(f'Thing("a", password={SECRET})').up()
    world.handler.check = check
    world.write('Thing("a", size=1)').up()
    state = world.things()["a"]
    assert state.inputs["password"] == state.outputs["password"] == Secret("swordfish")


def test_notes_that_are_asked_for_say_no_secret(world: World) -> None:
    """What is said again with the jobs at stake in it (`foresee`) is looked through as the diff's own notes are."""
    world.write(f'Thing("a", password={SECRET}, image="x")').up()
    world.handler.foresee = lambda _id, state, _inputs: (f"2 jobs with {state['password']} end",)
    plan = world.write(f'Thing("a", password={SECRET}, image="y")').preview(refresh=True)
    assert [step.notes for step in plan.steps if step.op == "replace"] == [("2 jobs with [secret] end",)]
