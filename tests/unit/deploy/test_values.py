"""Property values on their way between program, handler and state."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2

from batchiac.deploy.values import (
    REFERENCE,
    SECRET,
    SIGNATURE_KEY,
    UNKNOWN_TEXT,
    Sealed,
    Secret,
    covers,
    differing,
    fill_struct,
    for_handler,
    from_struct,
    keep_old,
    masked,
    parse_path,
    path_text,
    reveal,
    without_references,
)
from batchiac.errors import UnsupportedError
from batchiac.model.unknown import UNKNOWN


def wire(properties: dict[str, Any]) -> dict[str, Any]:
    struct = struct_pb2.Struct()
    struct.update(properties)
    return from_struct(struct, "it")


def test_numbers_nulls_and_unknowns_from_the_wire() -> None:
    """Integers come back, nulls in mappings go, nulls in lists stay, the sentinel is UNKNOWN at any depth."""
    read = wire({"n": 3, "f": 1.5, "gone": None, "list": [1, None, {"x": UNKNOWN_TEXT, "y": None}], "b": True})
    assert read == {"n": 3, "f": 1.5, "list": [1, None, {"x": UNKNOWN}], "b": True}
    assert type(read["n"]) is int
    assert read["b"] is True


def test_secrets_from_the_wire() -> None:
    """A secret is wrapped once, and one that is not known is only not known."""
    secret = {SIGNATURE_KEY: SECRET, "value": {"deep": 1}}
    assert wire({"s": secret})["s"] == Secret({"deep": 1})
    assert wire({"s": {SIGNATURE_KEY: SECRET, "value": UNKNOWN_TEXT}})["s"] is UNKNOWN


def test_assets_are_refused() -> None:
    """A file as a value is refused by name."""
    with pytest.raises(UnsupportedError, match="assets"):
        wire({"file": {SIGNATURE_KEY: "c44067f5952c0a294b673a41bacd8c17", "text": "x"}})


def test_to_the_wire_and_back() -> None:
    """What goes out comes back the same."""
    value = {"a": [1, "x", {"b": UNKNOWN, "e": {}, "l": []}], "s": Secret([1]), "t": False, "f": 0.5}
    struct = struct_pb2.Struct()
    fill_struct(struct, value)
    assert from_struct(struct, "it") == value


def test_references_become_ids() -> None:
    """A resource given as a value is its id, or its URN while it has none."""
    reference = {SIGNATURE_KEY: REFERENCE, "urn": "urn:x", "id": "i-1"}
    assert without_references({"a": [reference], "s": Secret(reference)}) == {"a": ["i-1"], "s": Secret("i-1")}
    assert without_references({SIGNATURE_KEY: REFERENCE, "urn": "urn:x"}) == "urn:x"


def test_handlers_see_plain_values() -> None:
    """No wrapping and no `__provider`."""
    sealed = {"__provider": "x", "a": [Sealed("c")], "b": Secret({"c": Secret(1)})}
    assert for_handler(reveal(sealed, lambda each: each.ciphertext * 2)) == {"a": ["cc"], "b": {"c": 1}}


def test_nothing_secret_is_displayed() -> None:
    """Neither sealed nor open ones, at any depth; nor by printing the value itself."""
    assert masked({"a": [Secret("x"), Sealed("c")], "u": UNKNOWN}) == {"a": ["[secret]", "[secret]"], "u": UNKNOWN_TEXT}
    assert "x" not in repr(Secret("x"))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ('tags["a.b"]', ("tags", "a.b")),
        ("list[*].x", ("list", "*", "x")),
        ("*", ("*",)),
    ],
)
def test_paths(text: str, path: tuple[str | int, ...]) -> None:
    """A path is read as Pulumi reads it, and written back."""
    assert parse_path(text) == path
    if "*" not in text:
        assert path_text(path) == text


@pytest.mark.parametrize("text", [".a", "a..b", "a[0", 'a["b'])
def test_bad_paths(text: str) -> None:
    """What is no path is an error."""
    with pytest.raises(ValueError, match=r"."):
        parse_path(text)


def test_patterns_cover_what_lies_within() -> None:
    """A pattern covers itself and everything below; a star stands for one step."""
    assert covers(("a", "*"), ("a", 0, "b"))
    assert not covers(("a", "b"), ("a",))
    assert not covers(("a", "b"), ("a", "c"))


def test_differing_places() -> None:
    """Every place, with None for what is not there; 1 and True differ, 1 and 1 do not."""
    old = {"a": 1, "b": [1, 2], "c": {"d": 1}, "t": True}
    new = {"a": 1, "b": [1, 3], "e": 0, "c": {"d": 1}, "t": 1}
    assert list(differing(old, new)) == [(("b", 1), 2, 3), (("e",), None, 0), (("t",), True, 1)]


def test_ignored_changes() -> None:
    """The old value comes back, at any depth; what is not in the old goes; a star means every element."""
    old = {"a": 1, "l": [{"x": 1, "y": 1}, {"x": 2, "y": 2}], "s": Secret({"k": 1})}
    new = {"a": 2, "l": [{"x": 8, "y": 8}, {"x": 9, "y": 9}], "s": Secret({"k": 2}), "n": 5}
    assert keep_old(new, old, ("a",))["a"] == 1
    assert keep_old(new, old, ("l", "*", "x"))["l"] == [{"x": 1, "y": 8}, {"x": 2, "y": 9}]
    assert "n" not in keep_old(new, old, ("n",))
    assert keep_old(new, old, ("s", "k"))["s"] == Secret({"k": 1})
    assert keep_old({"s": {"k": 2, "o": Secret(3)}}, old, ("s", "k"))["s"] == Secret({"k": 1, "o": 3})
