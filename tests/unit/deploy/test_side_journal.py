"""The journal beside the checkpoint: what a run that died had noted is there when the stack is opened again."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchiac.deploy.state import file_backend
from batchiac.deploy.state.checkpoint import Snapshot
from batchiac.deploy.state.file_backend import FileStore
from batchiac.deploy.state.journal import Journal
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.values import Secret
from batchiac.errors import AwsRefusal, StateError


def entry(name: str, **fields: Any) -> ResourceState:
    given: dict[str, Any] = {"urn": f"urn:pulumi:dev::p::t:t:T::{name}", "type": "t:t:T", "id": f"id-{name}", **fields}
    return ResourceState(custom=True, **given)


@pytest.fixture(autouse=True)
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """No checkpoint falls due by itself."""
    monkeypatch.setattr(file_backend, "CHECKPOINT_EVERY_S", 1e9)


def store(folder: Path) -> FileStore:
    return FileStore(folder, "p", "dev", environ={"PULUMI_CONFIG_PASSPHRASE": ""})


def running(store: FileStore, *states: ResourceState) -> Journal:
    """A run over these that has written its first checkpoint."""
    store.save(Snapshot(states))
    journal = Journal(store.load(), store)
    journal.commit()
    return journal


def what(snapshot: Snapshot) -> Any:
    """The snapshot as values that can be compared."""
    return (
        [json.dumps(each.to_json(), default=str) for each in snapshot.resources],
        [(each.type, json.dumps(each.resource.to_json(), default=str)) for each in snapshot.pending],
    )


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["put", "same", "rename", "replace", "drop", "mark", "begin", "know", "end", "save"]),
        st.integers(0, 5),
    ),
    max_size=30,
)


@settings(max_examples=40, deadline=None)
@given(ACTS)
def test_what_was_noted_is_what_there_is(tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, int]]) -> None:
    """After any course of a run, checkpoints in between or not, a new process reads exactly what the dead one knew."""
    folder = tmp_path_factory.mktemp("state")
    first = store(folder)
    box = ResourceState("urn:pulumi:dev::p::t:t:Box::box", "t:t:Box", False)
    inner = entry("inner", urn="urn:pulumi:dev::p::t:t:Box$t:t:T::inner", parent=box.urn)
    user = entry("old3", dependencies=(inner.urn,))
    journal = running(first, box, inner, *(entry(f"old{number}") for number in range(3)), user)
    begun: list[Any] = []
    for number, (act, which) in enumerate(acts):
        old = journal.left()
        if act == "put":
            journal.put(entry(f"new{which}", outputs={"at": number}))
        elif act == "begin":
            begun.append(journal.begin("creating", entry(f"new{which}")))
        elif act == "know" and begun:
            journal.exchange_intent(begun[which % len(begun)], entry(f"new{which}", outputs={"known": number}))
        elif act == "end" and begun:
            journal.end(begun.pop(which % len(begun)))
        elif act == "save":
            first.save(journal._whole())
        elif old and act in ("same", "rename", "replace", "drop", "mark"):
            state = old[which % len(old)]
            if act == "drop" and not any(state.urn in each.needs() for each in journal.snapshot().resources):
                journal.drop(state)
            elif state.delete or not live(journal, state):
                continue
            elif act == "same":
                journal.put(attrs.evolve(state, outputs={"at": number}), instead_of=state)
            elif act == "rename":
                type_ = "t:t:Case" if state.type == "t:t:Box" else state.type
                urn = f"urn:pulumi:dev::p::{type_}::renamed{number}"
                journal.put(attrs.evolve(state, urn=urn, type=type_, parent="", dependencies=()), instead_of=state)
            elif act == "replace" and state.custom:
                journal.replace(state, attrs.evolve(state, id=f"id-new{number}"))
            elif act == "mark" and state.custom:
                journal.exchange(state, lambda known: attrs.evolve(known, delete=True))
        journal.commit()
    assert what(store(folder).load()) == what(journal.snapshot())
    journal.close()
    assert what(store(folder).load()) == what(journal.snapshot())
    assert not first._side.path.exists()


def live(journal: Journal, state: ResourceState) -> bool:
    """Whether all that the entry needs has been registered, as a program registers it."""
    return all(journal.new(urn) is not None or journal.old(urn) is None for urn in state.needs())


def test_what_is_noted_at_once_is_there_at_once_or_not(tmp_path: Path) -> None:
    """A line is a whole write: cut off anywhere, no half of a rename, or of a replacement, is there."""
    first = store(tmp_path)
    a, user = entry("a"), entry("user", dependencies=(entry("a").urn,))
    journal = running(first, a, user)
    before = what(store(tmp_path).load())
    journal.put(attrs.evolve(a, urn=entry("b").urn), instead_of=a)
    journal.replace(user, attrs.evolve(user, id="id-next", dependencies=(entry("b").urn,)))
    journal.commit()
    after = what(store(tmp_path).load())
    whole = first._side.path.read_bytes()
    for size in range(len(whole) + 1):
        first._side.path.write_bytes(whole[:size])
        assert what(store(tmp_path).load()) == (after if size == len(whole) else before)


def test_a_journal_of_a_line_for_each_change_is_read(tmp_path: Path) -> None:
    """As earlier versions wrote it."""
    first = store(tmp_path)
    journal = running(first, entry("old"))
    journal.put(attrs.evolve(entry("old"), outputs={"x": 1}), instead_of=entry("old"))
    journal.begin("creating", entry("a"))
    journal.commit()
    expected = what(store(tmp_path).load())
    head, line = first._side.path.read_text().splitlines()
    lines = [json.dumps(each) for each in json.loads(line)]
    assert len(lines) == 2
    first._side.path.write_text("\n".join([head, *lines, ""]))
    assert what(store(tmp_path).load()) == expected


def test_a_write_that_fails_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk takes a part of a line: it is cut off again, and the stack can be loaded."""
    first = store(tmp_path)
    journal = running(first)
    journal.put(entry("a"))
    journal.commit()
    before = first._side.path.read_bytes()
    journal.put(entry("b"))

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StateError, match="No space left on device"):
            journal.commit()
    assert first._side.path.read_bytes() == before
    assert [each.name for each in store(tmp_path).load().resources] == ["a"]
    # There is space again, but what failed is not known to be there: nothing may begin in this run.
    journal.begin("creating", entry("c"))
    with pytest.raises(StateError, match="No space left on device"):
        journal.commit()
    journal.close()
    left = store(tmp_path).load()
    assert [each.name for each in left.resources] == ["a", "b"]
    assert [each.resource.name for each in left.pending] == ["c"]


def test_a_line_that_was_not_whole_was_never_acknowledged(tmp_path: Path) -> None:
    """Cut off at any byte, the journal still gives a state: the one before the line that is not whole."""
    first = store(tmp_path)
    journal = running(first)
    states = [what(store(tmp_path).load())]
    ends = [0]
    for name in ("a", "b"):
        journal.put(entry(name))
        journal.commit()
        states.append(what(store(tmp_path).load()))
        ends.append(first._side.path.stat().st_size)
    whole = first._side.path.read_bytes()
    for size in range(0, len(whole), 7):
        first._side.path.write_bytes(whole[:size])
        acknowledged = max(index for index, end in enumerate(ends) if end <= size)
        assert what(store(tmp_path).load()) == states[acknowledged]


def test_damage_within_is_refused(tmp_path: Path) -> None:
    """One sentence, exit code 5, and nothing touched."""
    first = store(tmp_path)
    journal = running(first)
    journal.put(entry("a"))
    journal.commit()
    lines = first._side.path.read_text().splitlines()
    for broken in ("not json", '{"do": "put", "state": {}}'):
        first._side.path.write_text("\n".join([lines[0], broken, *lines[1:], ""]))
        with pytest.raises(StateError, match=r"journal of an interrupted run .* cannot be used: .*adopted by its tag"):
            store(tmp_path).load()


def test_a_checkpoint_that_someone_else_wrote_since_wins(tmp_path: Path) -> None:
    """Of the journal only intents count then: a create that it does not know, an update of what it still holds."""
    first = store(tmp_path)
    journal = running(first, entry("old"), entry("gone"))
    for type_, name in (("creating", "a"), ("creating", "b"), ("updating", "old"), ("deleting", "gone")):
        journal.begin(type_, entry(name))  # type: ignore[arg-type]
    journal.put(entry("a"))
    journal.commit()
    kept = first._side.path.read_text()
    first.save(Snapshot((entry("old"), entry("b"))))
    first._side.path.write_text(kept)
    found = store(tmp_path).load()
    assert [each.name for each in found.resources] == ["old", "b"]
    assert [(each.type, each.resource.name) for each in found.pending] == [("creating", "a"), ("updating", "old")]


def test_a_secret_is_never_noted_in_the_open(tmp_path: Path) -> None:
    """The first secret of a stack makes its salt, which stands in the checkpoint; then ciphertext is noted."""
    first = store(tmp_path)
    journal = running(first)
    for name in ("a", "b"):
        journal.put(entry(name, outputs={"password": Secret("hunter2")}))
        journal.commit()
    assert "hunter2" not in "".join(path.read_text() for path in tmp_path.rglob("*.json*"))
    again = store(tmp_path)
    sealed = [each.outputs["password"] for each in again.load().resources]
    assert [again.unseal(each) for each in sealed] == ["hunter2", "hunter2"]


def test_a_create_is_confirmed_when_the_checkpoint_holds_it(tmp_path: Path) -> None:
    """Not before: Pulumi's CLI reads the checkpoint alone. A confirmation that fails leaves its intent."""
    first = store(tmp_path)
    journal = running(first)
    held: list[str] = []

    def create(name: str, *, fails: bool = False) -> None:
        def confirm() -> None:
            assert name in first.path.read_text()
            held.append(name)
            if fails:
                raise AwsRefusal("UntagResource", "Throttling", "slow down")

        intent = journal.begin("creating", entry(name))
        journal.put(entry(name))
        journal.confirm_later(intent, confirm)
        journal.commit()

    create("a")
    create("b", fails=True)
    assert held == []
    with pytest.raises(AwsRefusal, match="slow down"):
        journal.close()
    assert sorted(held) == ["a", "b"]
    left = store(tmp_path).load()
    assert [each.name for each in left.resources] == ["a", "b"]
    assert [each.resource.name for each in left.pending] == ["b"]
