"""Secrets found again in sentences, however they are spelled there."""

from __future__ import annotations

import json

import pytest

from batchiac.model.hidden_texts import HiddenTexts
from batchiac.rules.predicates import shown

NASTY = 'it\'s "so"\n\\ ünder'


@pytest.mark.parametrize(
    ("values", "text", "expected"),
    [
        (["hunter2"], "image is 'hunter2'; ahunter2b", "image is '[secret]'; a[secret]b"),
        (["abc"], "abc, abcd, 'abc'", "[secret], abcd, '[secret]'"),
        ([17], "is 17; 170 or more", "is [secret]; 170 or more"),
        ([{"k": ["longer text", "longer"]}], "longer text", "[secret]"),
        ([True, None, "", " "], "true None", "true None"),
        ([NASTY], f"{NASTY!r} {json.dumps(NASTY)}", "'[secret]' \"[secret]\""),
        ([NASTY], json.dumps(NASTY, ensure_ascii=False), '"[secret]"'),
    ],
    ids=["anywhere", "a word", "a number", "the longest", "no texts", "quoted", "as JSON"],
)
def test_texts_are_hidden(values: list[object], text: str, expected: str) -> None:
    """Long ones anywhere, short ones as words, in every way of quoting."""
    assert HiddenTexts(values).masked(text) == expected


@pytest.mark.parametrize("before", ["", "x" * 20, "x" * 50, "x" * 70])
@pytest.mark.parametrize("after", ["", "y" * 5, "y" * 40])
def test_what_a_cut_leaves_of_a_secret_is_hidden(before: str, after: str) -> None:
    """A rule cuts long values in the middle: four characters and more of a secret beside the cut are hidden."""
    secret = "".join(chr(ord("A") + index % 26) + str(index) for index in range(30))
    text = HiddenTexts([secret]).masked(f"image is {shown(before + secret + after)}; shorten it")
    assert not any(secret[at : at + 4] in text for at in range(len(secret) - 3))


def test_values_that_hold_a_secret() -> None:
    """At any depth, keys of mappings too; nothing is held by what has no text."""
    hidden = HiddenTexts(["hunter2"])
    assert hidden.hides({"a": ["me:hunter2@host"]})
    assert hidden.hides({"hunter2": 1})
    assert not hidden.hides({"a": [1, None, True]})
    assert hidden
    assert not HiddenTexts([""])
    assert not HiddenTexts().hides("x")
