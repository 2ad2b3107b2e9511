"""Checkpoint, file backend, locks: what is read with suspicion and written whole."""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
from pathlib import Path
from typing import Any

import attrs
import pytest

from batchiac.deploy.state.checkpoint import (
    WRITER_VERSION,
    CheckpointWriter,
    PendingOperation,
    Snapshot,
    find_damage,
    magic_of,
    read_checkpoint,
    without,
)
from batchiac.deploy.state.file_backend import FileStore
from batchiac.deploy.state.journal import Journal
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.state.side_journal import SideJournal
from batchiac.deploy.state.store import MemoryStore
from batchiac.deploy.values import SECRET, SIGNATURE_KEY, Sealed, Secret
from batchiac.errors import ConfigError, InternalError, StateError
from batchiac.model.unknown import UNKNOWN

ROOT = ResourceState("urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev", "pulumi:pulumi:Stack", False)
PROVIDER = ResourceState(
    "urn:pulumi:dev::p::pulumi:providers:pulumi-python::default", "pulumi:providers:pulumi-python", True, id="pid"
)


def thing(name: str, *needs: str, **fields: Any) -> ResourceState:
    given: dict[str, Any] = {
        "id": f"id-{name}",
        "inputs": {"name": name},
        "outputs": {"name": name, "n": 1},
        "parent": ROOT.urn,
        "provider": f"{PROVIDER.urn}::pid",
        "dependencies": needs,
        **fields,
    }
    return ResourceState(f"urn:pulumi:dev::p::t:t:T::{name}", "t:t:T", True, **given)


A = thing("a")
B = thing("b", A.urn, property_dependencies={"ref": (A.urn,)})


def written(snapshot: Snapshot) -> str:
    return CheckpointWriter("organization/p/dev", lambda text: f"v1:sealed:{len(text)}").text(snapshot)


def as_json(snapshot: Snapshot) -> list[dict[str, Any]]:
    return [state.to_json() for state in snapshot.resources]


def test_round_trip_of_every_field() -> None:
    """What is written is read the same: every field, unknown ones, pending operations, features."""
    full = thing(
        "full",
        A.urn,
        protect=True,
        retain_on_delete=True,
        deleted_with=A.urn,
        replace_with=(A.urn,),
        custom_timeouts={"create": 300},
        additional_secret_outputs=("arn",),
        ignore_changes=("x",),
        replace_on_changes=("y",),
        init_errors=("slow",),
        aliases=("urn:x",),
        created="2026-11-01T08:00:00Z",
        modified="2026-11-01T08:00:01Z",
        source_position="project:///a.py#1",
        extra={"taint": True, "viewOf": "urn:y"},
    )
    old = attrs.evolve(A, delete=True, id="id-old")
    snapshot = Snapshot(
        (ROOT, PROVIDER, A, full, old, thing("gone", pending_replacement=True)),
        (PendingOperation(B, "creating"),),
        {"type": "passphrase", "state": {"salt": "v1:x"}},
        {"metadata": {"integrity_error": {}}, "later": [1]},
        ("taint",),
    )
    again = read_checkpoint(written(snapshot), "here")
    assert as_json(again) == as_json(snapshot)
    assert [(each.type, each.resource.urn) for each in again.pending] == [("creating", B.urn)]
    assert (again.secrets_provider, again.extra, again.features) == (
        snapshot.secrets_provider,
        snapshot.extra,
        snapshot.features,
    )
    assert json.loads(written(Snapshot((ROOT,))))["version"] == 3


def test_secrets_stay_sealed_until_they_are_asked_for() -> None:
    """A sealed secret is written as it was read; an open one is encrypted; none is in the text."""
    state = thing("s", outputs={"old": Sealed("v1:a:b"), "new": [Secret({"k": 1})]})
    text = written(Snapshot((ROOT, PROVIDER, state)))
    outputs = json.loads(text)["checkpoint"]["latest"]["resources"][2]["outputs"]
    assert outputs["old"] == {SIGNATURE_KEY: SECRET, "ciphertext": "v1:a:b"}
    assert outputs["new"] == [{SIGNATURE_KEY: SECRET, "ciphertext": "v1:sealed:7"}]  # {"k":1}
    assert read_checkpoint(text, "here").resources[2].outputs["old"] == Sealed("v1:a:b")


def test_an_unknown_value_is_never_written() -> None:
    """UNKNOWN in a state would be a bug of ours, and is refused before anything is written."""
    with pytest.raises(InternalError, match="not yet known"):
        written(Snapshot((ROOT, PROVIDER, thing("u", outputs={"x": [UNKNOWN]}))))


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ((ROOT, A), "unknown provider"),
        ((ROOT, PROVIDER, B, A), "comes after"),
        ((ROOT, PROVIDER, thing("b", replace_with=(A.urn,))), "missing"),
        ((PROVIDER, A), "missing"),
        ((ROOT, PROVIDER, A, A), "there twice"),
        ((attrs.evolve(ROOT, id="x"),), "component with an id"),
    ],
)
def test_damage_is_found_and_never_written(resources: tuple[ResourceState, ...], words: str) -> None:
    """Pulumi's own rules of integrity hold for what we write."""
    assert words in str(find_damage(resources))
    with pytest.raises(InternalError, match=words):
        written(Snapshot(resources))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda document: document.update(version=99), "version 99"),
        (lambda document: document.update(version=4, features=["views"]), "views"),
        (lambda document: document.pop("version"), "no version"),
        (lambda document: document.update(checkpoint=[]), "no checkpoint"),
        (lambda document: document["checkpoint"]["latest"]["manifest"].update(magic="0"), "magic"),
        (lambda document: document["checkpoint"]["latest"]["resources"].reverse(), "unknown provider"),
        (lambda document: document["checkpoint"]["latest"]["resources"][2].pop("urn"), "urn"),
        (lambda document: document["checkpoint"]["latest"]["resources"][2].update(custom="yes"), "custom"),
        (lambda document: document["checkpoint"]["latest"]["resources"][2].update(inputs=[]), "inputs"),
        (lambda document: document["checkpoint"]["latest"]["resources"].append(7), "resource"),
    ],
)
def test_a_damaged_file_is_refused(change: Any, words: str) -> None:
    """Each damage is named with the file; nothing is guessed."""
    document = json.loads(written(Snapshot((ROOT, PROVIDER, A, B))))
    change(document)
    with pytest.raises(StateError, match=words) as refused:
        read_checkpoint(json.dumps(document), "here.json")
    assert "here.json" in refused.value.message


def test_what_is_gone_is_forgotten_everywhere() -> None:
    """Dependencies on it go; a child of it moves below the root, as under `pulumi refresh`."""
    child = ResourceState("urn:pulumi:dev::p::t:t:T$t:t:C::c", "t:t:C", False, parent=A.urn)
    user = thing("u", child.urn, replace_with=(A.urn, child.urn))
    kept = without(Snapshot((ROOT, PROVIDER, A, B, child, user)), [A])
    assert find_damage(kept.resources) is None
    by_name = {state.name: state for state in kept.resources}
    assert by_name["b"].dependencies == ()
    assert by_name["b"].property_dependencies == {"ref": ()}
    assert (by_name["c"].urn, by_name["c"].parent) == ("urn:pulumi:dev::p::t:t:C::c", "")
    assert by_name["u"].dependencies == (by_name["c"].urn,)
    assert by_name["u"].replace_with == (by_name["c"].urn,)


def store_in(folder: Path) -> FileStore:
    return FileStore(folder, "p", "dev", environ={"PULUMI_CONFIG_PASSPHRASE": ""})


def test_the_backends_files_are_pulumis(tmp_path: Path) -> None:
    """Layout, manifest and backup: the backup is what was there before this run."""
    store = store_in(tmp_path)
    assert store.load().resources == ()
    store.save(Snapshot((ROOT,)))
    store.save(Snapshot((ROOT, PROVIDER)))
    assert not store.path.with_name("dev.json.bak").exists()
    again = store_in(tmp_path)
    again.save(Snapshot((ROOT, PROVIDER, A)))
    again.save(Snapshot((ROOT, PROVIDER, A, B)))
    assert len(read_checkpoint(store.path.with_name("dev.json.bak").read_text(), "bak").resources) == 2
    document = json.loads(store.path.read_text())
    assert document["checkpoint"]["stack"] == "organization/p/dev"
    assert document["checkpoint"]["latest"]["manifest"]["magic"] == magic_of(WRITER_VERSION)
    assert (tmp_path / ".pulumi/meta.yaml").read_text() == "version: 1\n"
    assert sorted(path.name for path in store.path.parent.iterdir()) == ["dev.json", "dev.json.bak"]


def test_a_stale_attributes_file_is_removed(tmp_path: Path) -> None:
    """Pulumi's file library keeps an MD5 beside each file; ours would not match it."""
    store = store_in(tmp_path)
    store.path.parent.mkdir(parents=True)
    (store.path.parent / "dev.json.attrs").write_text("{}")
    store.save(Snapshot((ROOT,)))
    assert not (store.path.parent / "dev.json.attrs").exists()


def test_an_invalid_snapshot_leaves_the_file(tmp_path: Path) -> None:
    """A state that would be damaged is not written over one that is whole."""
    store = store_in(tmp_path)
    store.save(Snapshot((ROOT, PROVIDER, A)))
    before = store.path.read_bytes()
    with pytest.raises(InternalError):
        store.save(Snapshot((ROOT, A)))
    assert store.path.read_bytes() == before


def test_lock_keeps_others_out_and_goes(tmp_path: Path) -> None:
    """One holder; the next is told who, and how to get rid of a dead one; nothing is left afterwards."""
    store, other = store_in(tmp_path), store_in(tmp_path)
    with store.lock():
        (lock,) = store.locks()
        assert set(json.loads(lock.read_text())) == {"pid", "username", "hostname", "timestamp"}
        with pytest.raises(StateError, match=str(os.getpid())), other.lock():
            raise AssertionError("two hold the stack")
    assert other.locks() == []


def test_stacks_of_one_backend_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Locks and journals of several stacks come and go at once: none takes away the folder of another."""
    failures: list[BaseException] = []

    def work(stack: str) -> None:
        try:
            store = FileStore(tmp_path, "p", stack, environ={})
            journal = SideJournal(tmp_path / ".pulumi/journals/p" / f"{stack}.jsonl")
            for _ in range(60):
                with store.lock():
                    journal.append(["{}"], "", Snapshot())
                journal.clear()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(f"s{number}",)) for number in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert failures == []


def test_a_lock_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi's CLI takes every file in the folder for a lock: half of one is not there, and is not left elsewhere."""
    store = store_in(tmp_path)
    seen: list[list[str]] = []

    def full(_file: int) -> None:
        seen.append([path.name for path in store.lock_folder.iterdir()])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateError, match=r"lock of stack dev could not be written to .*: No space"), store.lock():
        raise AssertionError("held without a lock")
    assert seen == [[]]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_backend_that_is_no_folder_is_said_to_be_so(tmp_path: Path) -> None:
    """One sentence, for the lock and for the state."""
    (tmp_path / ".pulumi").mkdir()
    (tmp_path / ".pulumi/locks").touch()
    (tmp_path / ".pulumi/stacks").touch()
    store = store_in(tmp_path)
    with pytest.raises(StateError, match="lock of stack dev could not be written"), store.lock():
        raise AssertionError("held without a lock")
    with pytest.raises(StateError, match="state could not be written"):
        store.save(Snapshot((ROOT,)))


def test_what_only_pulumi_takes_for_a_lock_is_broken_too(tmp_path: Path) -> None:
    """A temporary file that an older version left there keeps the CLI out: `cancel` names and removes it."""
    store = store_in(tmp_path)
    store.lock_folder.mkdir(parents=True)
    (store.lock_folder / ".x.json.1.tmp").write_text("{")
    with store.lock():
        pass
    assert store.holders() == ["an unreadable lock file"]
    store.break_locks()
    assert list(store.lock_folder.iterdir()) == []


@pytest.mark.parametrize("call", ["load", "lock"])
@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"stacks/dev.json": "{}"}, "pulumi state upgrade"),
        ({"stacks/other.json.gz": ""}, "pulumi state upgrade"),
        ({"meta.yaml": "version: 0\n"}, "pulumi state upgrade"),
        ({"meta.yaml": "version: 2\n"}, "says version 2: batchiac reads version 1"),
        ({"meta.yaml": "{}\n"}, "says version None"),
        ({"meta.yaml": "- 1\n"}, "says version None"),
        ({"meta.yaml": "a: ["}, "cannot be read"),
    ],
)
def test_another_layout_is_not_taken_for_an_empty_stack(
    tmp_path: Path, call: str, files: dict[str, str], words: str
) -> None:
    """Acting on a state that is somewhere else would make everything twice."""
    for name, text in files.items():
        path = tmp_path / ".pulumi" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with pytest.raises(StateError, match=words):
        getattr(store_in(tmp_path), call)()


def test_old_files_beside_the_known_layout_are_nobodys(tmp_path: Path) -> None:
    """As for Pulumi: meta.yaml decides."""
    store_in(tmp_path).save(Snapshot((ROOT,)))
    (tmp_path / ".pulumi/stacks/dev.json").write_text("{}")
    assert len(store_in(tmp_path).load().resources) == 1


def test_a_dead_holder_is_said_to_be_dead(tmp_path: Path) -> None:
    """A lock of a process of this machine that no longer runs is named as such, and can be broken."""
    store = store_in(tmp_path)
    store.lock_folder.mkdir(parents=True)
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    holder = {"pid": child, "username": "ada", "hostname": socket.gethostname(), "timestamp": "2026-11-01T08:00:00Z"}
    (store.lock_folder / "x.json").write_text(json.dumps(holder))
    (store.lock_folder / "y.json").write_text("{")
    with pytest.raises(StateError, match=r"no longer runs.*batchiac cancel --stack dev"), store.lock():
        raise AssertionError("a lock was ignored")
    assert len(store.holders()) == 2
    store.break_locks()
    with store.lock():
        assert len(store.locks()) == 1


def test_other_secret_stores_are_refused(tmp_path: Path) -> None:
    """A state whose secrets a cloud keeps is refused, not misread."""
    store = store_in(tmp_path)
    store.save(Snapshot((ROOT,), secrets_provider={"type": "cloud", "state": {"url": "awskms://x"}}))
    with pytest.raises(ConfigError, match="cloud"):
        store_in(tmp_path).load()


def test_a_write_that_fails_leaves_the_state_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint is the one before, whole; no temporary file stays."""
    store = store_in(tmp_path)
    store.save(Snapshot((ROOT,)))
    store.record("update", "succeeded", {}, 1)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateError, match="state could not be written"):
        store.save(Snapshot((ROOT, PROVIDER)))
    with pytest.raises(StateError, match="history could not be written"):
        store.record("update", "succeeded", {}, 1)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_history_is_pulumis(tmp_path: Path) -> None:
    """Each run leaves what it did and its checkpoint."""
    store = store_in(tmp_path)
    store.save(Snapshot((ROOT,)))
    store.record("update", "succeeded", {"create": 1}, 1_700_000_000)
    history = sorted((tmp_path / ".pulumi/history/p/dev").iterdir())
    assert [path.name.split(".", 1)[1] for path in history] == ["checkpoint.json", "history.json"]
    entry = json.loads(history[1].read_text())
    assert (entry["kind"], entry["result"], entry["resourceChanges"]) == ("update", "succeeded", {"create": 1})


class SlowStore(MemoryStore):
    """Counts its saves; the first one waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.saves = 0
        self.go = threading.Event()

    def save(self, snapshot: Snapshot) -> None:
        self.saves += 1
        if self.saves == 1:
            self.go.wait(20)
        super().save(snapshot)


def test_saves_that_fall_together_become_one() -> None:
    """While one save is written, twenty others wait for a single next one; each finds itself in it."""
    store = SlowStore()
    journal = Journal(Snapshot(), store)
    journal.put(ROOT)
    journal.put(PROVIDER)
    first = threading.Thread(target=journal.commit)
    first.start()
    threads = []
    for number in range(20):
        journal.put(thing(f"t{number}"))
        threads.append(threading.Thread(target=journal.commit))
        threads[-1].start()
    store.go.set()
    for each in (first, *threads):
        each.join(20)
    assert len(store.load().resources) == 22
    assert store.saves <= 4


def test_the_journal_is_valid_at_every_moment() -> None:
    """New entries first, in the order in which they were finished; a replaced one waits behind with its URN."""
    journal = Journal(Snapshot((ROOT, PROVIDER, A, B)), None)
    journal.put(ROOT, instead_of=ROOT)
    journal.put(PROVIDER, instead_of=PROVIDER)
    journal.replace(A, attrs.evolve(A, id="id-new"))
    snapshot = journal.snapshot()
    assert find_damage(snapshot.resources) is None
    assert [(state.name, state.delete) for state in snapshot.resources[2:]] == [("a", False), ("a", True), ("b", False)]
    intent = journal.begin("deleting", A)
    assert [each.type for each in journal.snapshot().pending] == ["deleting"]
    journal.end(intent)
    journal.drop(attrs.evolve(A, delete=True))
    assert [state.name for state in journal.left()] == ["b"]
