"""A disk that takes no more: one sentence, nothing at AWS that the state does not know, and the next run goes on."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from deploy_world import World

from batchiac.deploy.state import file_backend
from batchiac.errors import AwsRefusal, StateError

MANY = 'for number in range(12):\n    Thing(f"t{number}")'


@pytest.mark.parametrize("writes", range(1, 12))
@pytest.mark.parametrize("has_journal", [True, False])
def test_nothing_is_created_whose_intent_is_not_on_the_disk(
    file_world: World, monkeypatch: pytest.MonkeyPatch, writes: int, has_journal: bool
) -> None:
    """Full after any number of writes; the user makes room, and takes everything out of the program."""
    monkeypatch.setattr(file_backend, "CHECKPOINT_EVERY_S", 1e9 if has_journal else 0)
    monkeypatch.setattr(file_backend, "CHECKPOINT_SHARE", 0)
    made, flush = 0, os.fsync

    def fsync(file: int) -> None:
        nonlocal made
        made += 1
        if made > writes:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(file)

    file_world.write(MANY)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        with pytest.raises(StateError, match="No space left on device") as refused:
            file_world.up()
    assert refused.value.exit_code == 5
    state = file_world.snapshot()
    known = {each.name for each in state.resources} | {each.resource.name for each in state.pending}
    assert {each["identity"] for each in file_world.account.all().values()} <= known
    left = [path.name for path in (file_world.folder / ".state").rglob("*.tmp")]
    assert left == []
    file_world.write('Thing("other")').up()
    assert set(file_world.things()) == {"other"}
    file_world.require_no_orphans()


def test_a_history_that_cannot_be_written_is_a_warning(file_world: World) -> None:
    """What was done is done, and the state knows it."""
    (file_world.folder / ".state/.pulumi").mkdir(parents=True)
    (file_world.folder / ".state/.pulumi/history").touch()
    file_world.write('Thing("a")')
    for act in (file_world.up, file_world.refresh, file_world.destroy):
        (warning,) = act().diagnostics
        assert warning.severity == "warning"
        assert "history could not be written" in warning.message
    assert file_world.account.all() == {}


def test_a_history_that_cannot_be_written_hides_no_error(file_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's refusal is what the user reads."""
    (file_world.folder / ".state/.pulumi").mkdir(parents=True)
    (file_world.folder / ".state/.pulumi/history").touch()

    def refuse(_inputs: object) -> None:
        raise AwsRefusal("CreateThing", "ClientException", "no")

    monkeypatch.setattr(file_world.handler, "create_unconfirmed", refuse)
    with pytest.raises(AwsRefusal, match="refused CreateThing"):
        file_world.write('Thing("a")').up()


def test_a_lock_that_cannot_be_written_ends_the_run_before_it_begins(file_world: World) -> None:
    """A file where the locks' folder should be: one sentence, exit 5."""
    (file_world.folder / ".state/.pulumi").mkdir(parents=True)
    (file_world.folder / ".state/.pulumi/locks").touch()
    with pytest.raises(StateError, match="lock of stack dev could not be written") as refused:
        file_world.write('Thing("a")').up()
    assert refused.value.exit_code == 5
    assert file_world.account.calls == []


def test_a_state_of_an_older_layout_is_not_taken_for_none(file_world: World) -> None:
    """Everything would be made a second time."""
    file_world.write('Thing("a")').up()
    base: Path = file_world.folder / ".state/.pulumi"
    (base / "stacks/world/dev.json").rename(base / "stacks/dev.json")
    (base / "meta.yaml").unlink()
    for act in (file_world.preview, file_world.up, file_world.destroy, file_world.refresh):
        with pytest.raises(StateError, match="pulumi state upgrade"):
            act()
