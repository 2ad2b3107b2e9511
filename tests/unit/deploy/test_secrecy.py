"""The one rule of what is secret: marked by place and value, kept as the state has it, shown by nobody."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from batchiac.deploy.secrecy import (
    hide_in_error,
    hiding,
    hiding_changes,
    hiding_failures,
    keeping_sealed,
    marked,
    marked_outputs,
)
from batchiac.deploy.values import Sealed, Secret
from batchiac.errors import AwsRefusal
from batchiac.model.handler import CheckFailure, DiffResult, Effect, PropertyChange
from batchiac.model.hidden_texts import HiddenTexts
from batchiac.model.unknown import UNKNOWN

PW = {"name": "PW", "value": Secret("hunter2")}
PLAIN_PW = {"name": "PW", "value": "hunter2"}
A = {"name": "A", "value": "b"}


def never(_sealed: Sealed) -> Any:
    raise AssertionError("opened for nothing")


def opened(sealed: Sealed) -> Any:
    return sealed.ciphertext.removeprefix("c:")


@pytest.mark.parametrize(
    ("value", "like", "expected"),
    [
        ({"a": "x", "arn": "y"}, {"a": Secret("x")}, {"a": Secret("x"), "arn": "y"}),
        ({"b": {"c": [1, 2]}}, {"b": {"c": [1, Secret(2)]}}, {"b": {"c": [1, Secret(2)]}}),
        ([A, PLAIN_PW], [PW, A], [A, PW]),
        ([{**PLAIN_PW, "default": 1}, A], [PW, A], [{**PW, "default": 1}, A]),
        ([A, {**PLAIN_PW, "value": "other"}], [PW, A], Secret([A, {**PLAIN_PW, "value": "other"}])),
        ([A], [PW, A], Secret([A])),
        ([["x", "hunter2"]], [[Secret("hunter2"), "x"]], [["x", Secret("hunter2")]]),
        ("{json}", {"a": Secret("x")}, Secret("{json}")),
        ({"a": UNKNOWN}, {"a": Secret("x")}, {"a": UNKNOWN}),
        ({"a": Sealed("c")}, {"a": Secret("x")}, {"a": Sealed("c")}),
        ([A, Sealed("c")], [Secret("x"), A], [A, Sealed("c")]),
    ],
    ids=["place", "deep", "order", "filled in", "changed", "gone", "lists", "another shape", "unknown", "sealed", "in"],
)
def test_what_went_in_as_a_secret_comes_out_as_one(value: Any, like: Any, expected: Any) -> None:
    """By place in mappings, by value in lists; the whole of a list in which a secret finds no partner."""
    assert marked(value, like) == expected


def test_two_secrets_of_one_value_are_two() -> None:
    """Each needs a partner of its own: where one is missing, the list is secret as a whole."""
    like = [PW, {"name": "PW2", "value": Secret("hunter2")}]
    values = [PLAIN_PW, {"name": "PW2", "value": "changed"}]
    assert marked(values, like) == Secret(values)
    values = [{"name": "A", "value": "hunter2"}, PLAIN_PW]
    assert marked(values, [PW])[1] == PW


def test_outputs_are_secret_by_inputs_options_and_what_was() -> None:
    """All three together, at a refresh; an output that is not there is not made."""
    outputs = {"a": "1", "b": "2", "c": "3", "d": "4"}
    found = marked_outputs(outputs, {"a": Secret("1")}, ["b", "gone"], before={"c": Sealed("x")})
    assert found == {"a": Secret("1"), "b": Secret("2"), "c": Secret("3"), "d": "4"}


def test_an_unchanged_state_stays_as_it_is() -> None:
    """The very same object where all is the same, secrets included; ciphertext is kept beside a change."""
    old = {"a": Sealed("c:x"), "l": [Sealed("c:y"), 1], "m": {"k": 1}}
    assert keeping_sealed({"m": {"k": 1}, "a": Secret("x"), "l": (Secret("y"), 1)}, old, opened) is old
    kept = keeping_sealed({"a": Secret("x"), "l": [Secret("z"), 1], "m": {"k": 2}}, old, opened)
    assert kept == {"a": Sealed("c:x"), "l": [Secret("z"), 1], "m": {"k": 2}}


@pytest.mark.parametrize(
    ("new", "old"),
    [("x", Sealed("c:x")), (Secret("x"), "x"), (Secret(1), Secret(True)), ([Secret("x")], Sealed("c:x")), (1, True)],
)
def test_a_value_and_the_same_as_a_secret_are_two(new: Any, old: Any) -> None:
    """Secretness is part of sameness, and nothing is opened to see that."""
    assert keeping_sealed(new, old, never) is new


def change(path: str, old: Any, new: Any, **more: Any) -> PropertyChange:
    return PropertyChange(path, "update", old, new, **more)


def test_a_change_in_a_list_with_a_secret_is_one_of_the_list() -> None:
    """An index of a normal form says nothing: the list is named, once, with the worst of the effects."""
    inputs = {"c": {"env": [PW, A], "plain": ["x"]}}
    changes = [
        change("c.env[0].value", "b", "c"),
        attrs.evolve(change("c.env[1].value", "hunter2", None, effect=Effect.NEW_REVISION, note="anew"), kind="delete"),
        change("c.plain[0]", "x", "y"),
    ]
    found = hiding_changes(changes, inputs, {}, {"c": {"env": [A]}})
    assert found == (
        change("c.env", Secret("b"), Secret("c"), effect=Effect.NEW_REVISION, note="anew"),
        change("c.plain[0]", "x", "y"),
    )


def test_a_change_that_holds_a_secret_anywhere_is_hidden() -> None:
    """By value, where the path is another than the inputs'; keys within a secret are not shown."""
    inputs = {"vcpus": Secret(17), "pw": Secret("hunter2"), "tags": Secret({"key": "value"}), "x": 1}
    changes = [
        change("resources[0].value", "17", "18"),
        change("document", '{"user": "me:hunter2@host"}', "{}"),
        change("tags.key", "value", "other"),
        change("x", 1, 2, note="as hunter2"),
    ]
    found = hiding(DiffResult(changes, notes=["hunter2 goes"]), inputs)
    assert found.changes == (
        change("resources[0].value", Secret("17"), Secret("18")),
        change("document", Secret('{"user": "me:hunter2@host"}'), Secret("{}")),
        change("tags", Secret("value"), Secret("other")),
        change("x", 1, 2, note="as [secret]"),
    )
    assert found.notes == ("[secret] goes",)


def test_a_diff_without_secrets_is_left_alone() -> None:
    """The very same object."""
    diff = DiffResult([change("a[0]", 1, 2)])
    assert hiding(diff, {"a": [1]}, {"a": [2]}) is diff


def test_what_a_check_refuses_is_said_without_secrets() -> None:
    """The reason is kept, the value is not."""
    (failure,) = hiding_failures([CheckFailure("image", "image is 'a !b'; …", "JD103")], {"image": Secret("a !b")})
    assert failure == CheckFailure("image", "image is '[secret]'; …", "JD103")


def test_an_error_and_what_it_came_from_say_no_secret() -> None:
    """AWS repeats what it refuses: in the text, in the fields, in the cause, in the notes."""
    cause = ValueError("bad: hunter2")
    error = AwsRefusal("RegisterJobDefinition", "ClientException", "image hunter2 is wrong")
    error.__cause__ = cause
    error.add_note("hunter2")
    hide_in_error(error, HiddenTexts(["hunter2"]))
    assert str(error) == "AWS refused RegisterJobDefinition: ClientException: image [secret] is wrong"
    assert "hunter2" not in f"{error.message}{error.aws_message}{cause}{error.__notes__}"
