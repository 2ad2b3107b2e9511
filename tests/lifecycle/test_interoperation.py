"""The real Pulumi CLI and batchiac on the same project, one after the other: what either writes, the other takes over.

The things' provider answers the CLI, our handler answers us; both make the same ids, so that state alone decides.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
from deploy_world import World, ops

from batchiac.deploy.values import Sealed
from batchiac.errors import StateError
from batchiac.model.handler import CreateResult

pytestmark = [
    pytest.mark.pulumi_cli,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the `pulumi` command is not on PATH"),
]

PROGRAM = """
box = Box("box")
a = Thing("a", name="a", size=1, big=2**40, f=1.5, none=None, nested={"l": [1, None, {"x": None, "e": {}}], "t": True},
          opts=Opts(parent=box, protect=False, custom_timeouts=pulumi.CustomTimeouts(create="5m"),
                    ignore_changes=["x"], replace_on_changes=["y"], additional_secret_outputs=["arn"]))
b = Thing("b", name="b", ref=a, text="ä ✓", password=pulumi.Config().require_secret("pw"),
          opts=Opts(depends_on=[box], retain_on_delete=False))
box.register_outputs({"thing": a, "n": 3})
pulumi.export("s", pulumi.Config().require_secret("pw"))
pulumi.export("list", [1, {"a": a.id}])
"""


class SameIds:
    """Our handler with the ids that the provider in the program makes."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler

    def check(self, olds: Any, inputs: Any) -> Any:
        result = self._handler.check(olds, inputs)
        result.inputs.pop("region")
        return result

    def diff(self, state: Any, inputs: Any) -> Any:
        # As the program's own provider, which knows nothing of fixed names.
        return attrs.evolve(self._handler.diff(state, inputs), delete_before_replace=False)

    def create(self, inputs: Any) -> CreateResult:
        id_ = f"id-{inputs['identity']}"
        return CreateResult(id_, {**inputs, "arn": f"arn:{id_}"})

    def read(self, id_: str, state: Any) -> Any:
        raise AssertionError("nothing is read here")

    def update(self, id_: str, state: Any, inputs: Any) -> Any:
        return {**inputs, "arn": f"arn:{id_}"}

    def delete(self, id_: str, state: Any) -> None:
        pass


@pytest.fixture
def shared(tmp_path: Path) -> World:
    """A project with a secret in its config, for both programs."""
    world = World(tmp_path)
    world.in_memory = False
    world.write(PROGRAM)
    project = json.loads((world.folder / "Pulumi.yaml").read_text())
    project["runtime"] = {"name": "python", "options": {"virtualenv": sys.prefix}}
    (world.folder / "Pulumi.yaml").write_text(json.dumps(project))
    (world.folder / "stacks/Pulumi.dev.yaml").write_text(
        "config:\n  batchiac:target: local\n  batchiac:region: us-east-1\n  batchiac:endpoint: http://127.0.0.1:9\n"
        "  batchiac:allowedAccountIds: ['123456789012']\n"
    )
    pulumi(world, "stack", "init", "dev")
    pulumi(world, "config", "set", "--secret", "pw", "hunter2")
    world.handler = SameIds(world.handler)
    return world


def pulumi(world: World, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_BACKEND", "AWS_ENDPOINT"))
    }
    done = subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        cwd=world.folder,
        env={**environ, "PULUMI_CONFIG_PASSPHRASE": "", "PULUMI_SKIP_UPDATE_CHECK": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_cli_finds_no_change_in_what_we_wrote(shared: World) -> None:
    """Every kind of value and option: our state is the CLI's, also after its own `up`, and then ours again."""
    shared.up()
    pulumi(shared, "preview", "--stack", "dev", "--expect-no-changes")
    pulumi(shared, "up", "--stack", "dev", "--yes", "--skip-preview", "--expect-no-changes")
    assert not shared.preview().has_changes
    assert json.loads(pulumi(shared, "stack", "output", "--json", "--show-secrets", "--stack", "dev").stdout) == {
        "s": "hunter2",
        "list": [1, {"a": "id-a"}],
    }
    history = json.loads(pulumi(shared, "stack", "history", "--json", "--stack", "dev").stdout)
    assert len(history) == 2


def test_we_find_no_change_in_what_the_cli_wrote(shared: World) -> None:
    """The CLI's state is ours, secrets included, also after our own `up`, and then the CLI's again."""
    pulumi(shared, "up", "--stack", "dev", "--yes", "--skip-preview")
    assert not shared.preview().has_changes
    assert isinstance(shared.things()["b"].inputs["password"], Sealed)
    result = shared.up()
    assert not result.has_changes
    assert result.plain_outputs == {"s": "hunter2", "list": [1, {"a": "id-a"}]}
    pulumi(shared, "preview", "--stack", "dev", "--expect-no-changes")


def test_changes_by_turns(shared: World) -> None:
    """Created by us, changed by the CLI, changed by us, destroyed by the CLI: nobody sees more than the change."""
    shared.up()
    shared.folder.joinpath("prog/__main__.py").write_text(
        shared.folder.joinpath("prog/__main__.py").read_text().replace("size=1", "size=2")
    )
    pulumi(shared, "up", "--stack", "dev", "--yes", "--skip-preview")
    assert shared.things()["a"].outputs["size"] == 2
    assert not shared.preview().has_changes
    shared.folder.joinpath("prog/__main__.py").write_text(
        shared.folder.joinpath("prog/__main__.py").read_text().replace("size=2", "size=3")
    )
    assert ops(shared.up())["a"] == "update"
    pulumi(shared, "preview", "--stack", "dev", "--expect-no-changes")
    pulumi(shared, "destroy", "--stack", "dev", "--yes", "--skip-preview")
    assert shared.snapshot().resources == ()


def test_the_preview_digest_is_the_clis(shared: World) -> None:
    """`--json` of both has the same steps with the same old and new states, but for times and positions."""
    from batchiac.deploy.render.preview_json import preview_json

    shared.up()
    main = shared.folder / "prog/__main__.py"
    main.write_text(main.read_text().replace("size=1", "size=2").replace('text="ä ✓"', 'text="b", image="x"'))
    theirs = json.loads(pulumi(shared, "preview", "--json", "--stack", "dev").stdout)
    ours = preview_json(shared.preview())
    assert ours["config"] == theirs["config"]
    assert {**ours["changeSummary"]} == theirs["changeSummary"]
    assert {step["urn"]: step["op"] for step in ours["steps"]} == {step["urn"]: step["op"] for step in theirs["steps"]}
    both = zip(
        sorted(ours["steps"], key=lambda step: step["urn"]),
        sorted(theirs["steps"], key=lambda step: step["urn"]),
        strict=True,
    )
    loose = ("modified", "created", "sourcePosition", "stackTrace", "dependencies", "propertyDependencies")
    for mine, other in both:
        for side in ("oldState", "newState"):
            kept = [{key: value for key, value in each[side].items() if key not in loose} for each in (mine, other)]
            if side == "newState":
                for state in kept:
                    state.pop("outputs", None)
                    state.pop("id", None)
            assert kept[0] == kept[1], mine["urn"]


def test_locks_keep_each_other_out(shared: World) -> None:
    """The CLI waits for our lock, and we for the CLI's."""
    store = shared.stack().store
    with store.lock():
        done = pulumi(shared, "up", "--stack", "dev", "--yes", "--skip-preview", check=False)
        assert done.returncode != 0
        assert "currently locked by 1 lock" in done.stderr + done.stdout
    folder = store.lock_folder  # type: ignore[attr-defined]
    folder.mkdir(parents=True, exist_ok=True)
    # As the CLI 3.260 writes it.
    (folder / "9b0b7c1e.json").write_text(
        '{"pid":4711,"username":"ada","hostname":"analytical","timestamp":"2026-11-21T05:41:19.760952968Z"}'
    )
    with pytest.raises(StateError, match="ada@analytical"):
        shared.up()
    pulumi(shared, "cancel", "--stack", "dev", "--yes")
    shared.up()
    assert set(shared.things()) == {"a", "b"}


def test_a_create_that_the_cli_left_pending_is_done_again(shared: World) -> None:
    """A pending operation in the CLI's state is taken up, and gone afterwards."""
    pulumi(shared, "up", "--stack", "dev", "--yes", "--skip-preview")
    path = shared.stack().store.path  # type: ignore[attr-defined]
    document = json.loads(path.read_text())
    latest = document["checkpoint"]["latest"]
    pending = latest["resources"].pop()
    assert pending["urn"].endswith("::b")
    for key in ("id", "outputs"):
        pending.pop(key)
    latest["pending_operations"] = [{"resource": pending, "type": "creating"}]
    path.write_text(json.dumps(document))
    assert ops(shared.up()) == {"b": "create"}
    assert shared.snapshot().pending == ()
    pulumi(shared, "preview", "--stack", "dev", "--expect-no-changes")


def test_entries_of_other_kinds_are_kept_untouched(shared: World) -> None:
    """What we cannot deploy stays in the state, with all that it needs, and the CLI is named for it."""
    pulumi(shared, "up", "--stack", "dev", "--yes", "--skip-preview")
    path = shared.stack().store.path  # type: ignore[attr-defined]
    document = json.loads(path.read_text())
    resources = document["checkpoint"]["latest"]["resources"]
    provider = {
        "urn": "urn:pulumi:dev::world::pulumi:providers:aws::default_6_0_0",
        "custom": True,
        "id": "p-1",
        "type": "pulumi:providers:aws",
        "inputs": {"version": "6.0.0"},
    }
    bucket = {
        "urn": "urn:pulumi:dev::world::aws:s3/bucket:Bucket::logs",
        "custom": True,
        "id": "logs",
        "type": "aws:s3/bucket:Bucket",
        "inputs": {"x": {"y": [1, None]}},
        "outputs": {"x": {"y": [1, None]}},
        "parent": resources[0]["urn"],
        "provider": f"{provider['urn']}::p-1",
        "stackTrace": [{}],
    }
    resources += [provider, bucket]
    path.write_text(json.dumps(document))
    plan = shared.preview()
    assert not plan.has_changes
    assert any("aws:s3/bucket:Bucket logs" in each.message for each in plan.diagnostics)
    shared.up()
    kept = {each["urn"]: each for each in json.loads(path.read_text())["checkpoint"]["latest"]["resources"]}
    assert kept[bucket["urn"]] == bucket
    assert kept[provider["urn"]] == provider
    shared.destroy()
    left = [each["urn"] for each in json.loads(path.read_text())["checkpoint"]["latest"]["resources"]]
    assert left == [resources[0]["urn"], provider["urn"], bucket["urn"]]
