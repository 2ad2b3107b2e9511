"""The journal of a run: what is renamed is renamed everywhere, what is stale is not written back, and what cannot be
written stops everything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from batchiac.deploy.state.checkpoint import PendingOperation, Snapshot, find_damage
from batchiac.deploy.state.journal import Journal
from batchiac.deploy.state.ledger import Change
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.state.store import MemoryStore
from batchiac.errors import StateError

HEAD = "urn:pulumi:dev::p::"


def component(types: str, name: str, parent: str = "", **fields: Any) -> ResourceState:
    return ResourceState(f"{HEAD}{types}::{name}", types.rpartition("$")[2], False, parent=parent, **fields)


def thing(types: str, name: str, parent: str = "", **fields: Any) -> ResourceState:
    given = {"id": f"id-{name}", **fields}
    return ResourceState(f"{HEAD}{types}::{name}", types.rpartition("$")[2], True, parent=parent, **given)


OUTER = component("x:Old", "outer")
INNER = component("x:Old$x:In", "inner", OUTER.urn)
LEAF = thing("x:Old$x:In$t:T", "leaf", INNER.urn, replace_with=(INNER.urn,))
REPLACED = attrs.evolve(LEAF, id="id-0", delete=True)
USER = thing("t:T", "user", dependencies=(LEAF.urn,), property_dependencies={"ref": (LEAF.urn,)}, deleted_with=LEAF.urn)
RETYPED = component("x:New", "outer")


def names(journal: Journal) -> list[str]:
    return [state.urn.removeprefix(HEAD) for state in journal.snapshot().resources]


def test_what_is_below_a_retyped_component_is_named_after_it() -> None:
    """At every depth, with what waits for its deletion, and wherever something refers to it: so Pulumi saves it too."""
    journal = Journal(Snapshot((OUTER, INNER, LEAF, REPLACED, USER)), None)
    journal.put(RETYPED, instead_of=OUTER)
    assert names(journal) == ["x:New::outer", "x:New$x:In::inner", *["x:New$x:In$t:T::leaf"] * 2, "t:T::user"]
    leaf, user = journal.left()[1], journal.left()[3]
    assert {*leaf.needs()} == {f"{HEAD}x:New$x:In::inner"}
    assert {*user.needs()} == {leaf.urn}
    assert find_damage(journal.snapshot().resources) is None


def test_a_renamed_entry_is_found_by_the_name_that_it_had() -> None:
    """A child's alias is made of its parent's old URN; what it finds is continued, whatever it is called by then."""
    journal = Journal(Snapshot((OUTER, INNER, LEAF)), None)
    journal.put(RETYPED, instead_of=OUTER)
    assert journal.old(LEAF.urn) is journal.old(f"{HEAD}x:New$x:In$t:T::leaf") is not None
    journal.put(thing("t:T", "moved"), instead_of=LEAF)
    assert names(journal) == ["x:New::outer", "t:T::moved", "x:New$x:In::inner"]


def test_what_a_registration_has_taken_up_keeps_its_name_until_it_is_put() -> None:
    """A child that moves out while its component is renamed: nobody else gets it, and it is not there twice."""
    journal = Journal(Snapshot((OUTER, INNER, LEAF, USER)), None)
    claimed = journal.claim(LEAF.urn)
    assert claimed is LEAF
    journal.put(RETYPED, instead_of=OUTER)
    assert names(journal) == ["x:New::outer", "x:New$x:In::inner", "x:Old$x:In$t:T::leaf", "t:T::user"]
    assert find_damage(journal.snapshot().resources) is None
    assert journal.claim(LEAF.urn) is None
    journal.put(thing("t:T", "leaf"), instead_of=claimed)
    assert names(journal) == ["x:New::outer", "t:T::leaf", "x:New$x:In::inner", "t:T::user"]
    assert {*journal.left()[1].needs()} == {f"{HEAD}t:T::leaf"}


def test_a_name_is_not_given_twice() -> None:
    """A component of the new type has a child of this name already: one of the two keeps its old name, none is lost."""
    other = component("x:New", "other")
    its = thing("x:New$t:T", "leaf", other.urn, id="id-other")
    mine = thing("x:Old$t:T", "leaf", OUTER.urn)
    journal = Journal(Snapshot((OUTER, mine, other, its)), None)
    journal.put(RETYPED, instead_of=OUTER)
    assert find_damage(journal.snapshot().resources) is None
    assert [state.id for state in journal.left()] == ["id-leaf", "", "id-other"]
    assert journal.left()[0].parent == RETYPED.urn


def test_an_intent_of_a_dead_run_keeps_its_name() -> None:
    """What that run made carries a tag made of it."""
    begun = PendingOperation(attrs.evolve(LEAF, id=""), "creating")
    journal = Journal(Snapshot((OUTER, INNER)), None, pending=[begun])
    journal.put(RETYPED, instead_of=OUTER)
    assert [each.resource.urn for each in journal.pending()] == [LEAF.urn]


def test_what_was_looked_up_before_a_rename_is_not_written_back() -> None:
    """While one resource is replaced, what its old entry refers to is renamed; the entry keeps the new name."""
    a = thing("t:T", "a")
    user = thing("t:T", "user", dependencies=(a.urn,))
    renamed = thing("t:T", "b")
    marks: list[Callable[[Journal], None]] = [
        lambda journal: journal.exchange(user, lambda known: attrs.evolve(known, pending_replacement=True)),
        lambda journal: journal.replace(user, attrs.evolve(user, id="id-next", dependencies=())),
    ]
    for mark in marks:
        journal = Journal(Snapshot((a, user)), None)
        journal.put(renamed, instead_of=a)
        mark(journal)
        assert [*journal.left()[-1].needs()] == [renamed.urn]
        assert find_damage(journal.snapshot().resources) is None


def test_an_update_under_another_name_ends_with_what_it_updated() -> None:
    """Its entry is deleted: nothing is under way on it any more, though the intent says the new name."""
    begun = PendingOperation(attrs.evolve(USER, urn=f"{HEAD}t:T::renamed"), "updating")
    foreign = PendingOperation(attrs.evolve(USER, type="aws:s3/bucket:Bucket"), "updating")
    journal = Journal(Snapshot((USER,)), None, pending=[begun, foreign])
    journal.drop(USER)
    assert journal.pending() == [foreign]


class FailingStore(MemoryStore):
    """Its first write waits until it is let go, and fails."""

    def __init__(self) -> None:
        super().__init__()
        self.notes = 0
        self.begun, self.go = threading.Event(), threading.Event()

    def note(self, changes: Sequence[Change], snapshot: Callable[[], Snapshot]) -> bool:
        self.notes += 1
        self.begun.set()
        assert self.go.wait(20)
        raise StateError("the disk is full")


def test_whoever_waits_for_a_write_that_fails_fails_with_it() -> None:
    """No act before its intent: neither those whose intents were in that write nor any later one may go on."""
    store = FailingStore()
    journal = Journal(Snapshot(), store)
    failures: list[BaseException] = []

    def begin(number: int) -> None:
        journal.begin("creating", thing("t:T", f"t{number}", id=""))
        try:
            journal.commit()
        except StateError as error:
            failures.append(error)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(4)]
    threads[0].start()
    assert store.begun.wait(20)
    for each in threads[1:]:
        each.start()
    store.go.set()
    for each in threads:
        each.join(20)
    assert [str(each) for each in failures] == ["the disk is full"] * 4
    with pytest.raises(StateError, match="the disk is full"):
        journal.commit()
    assert store.notes == 1
    # What is known is kept all the same, if there is room for it at the end.
    journal.close()
    assert len(store.load().pending) == 4
