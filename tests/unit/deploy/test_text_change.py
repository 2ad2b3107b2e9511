"""A changed text in a plan: only the lines that differ, Base64 opened."""

from __future__ import annotations

import base64

import pytest

from batchiac.deploy.render.lines import meaning, step_lines
from batchiac.deploy.render.text_change import MOST_LINES, text_change
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.steps import Op, Step
from batchiac.deploy.values import Secret
from batchiac.model.handler import Effect, PropertyChange


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_user_data_is_shown_by_the_lines_that_differ() -> None:
    """Base64 of a script: the script's changed lines, nothing of those that stay."""
    old, new = encoded("#!/bin/sh\necho a\nexit 0\n"), encoded("#!/bin/sh\necho b\nexit 0\n")
    assert text_change(old, new) == ["- echo a", "+ echo b"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c5.large", "c5.xlarge"),  # short texts of one line are best shown whole
        (3, 4),
        ("a" * 64, "b" * 64),  # Base64 by its letters, but of no text
        (None, "x\ny"),
        (Secret("a\nb"), Secret("a\nc")),
    ],
)
def test_other_values_are_shown_as_they_are(old: object, new: object) -> None:
    """Numbers, names, binary, secrets: no lines."""
    assert text_change(old, new) is None


def test_many_lines_are_counted() -> None:
    """No more than a screen of them, and how many are left."""
    lines = text_change("", "\n".join(str(number) for number in range(MOST_LINES + 5)))
    assert lines is not None
    assert (len(lines), lines[-1]) == (MOST_LINES + 1, "… and 5 more lines")


def test_a_plan_shows_them_under_their_property() -> None:
    """The property's row says how many lines, and they stand below it."""
    change = PropertyChange("userData", "update", encoded("one line\nx\n"), encoded("one line\ny\n"), Effect.IN_PLACE)
    state = ResourceState("urn:pulumi:dev::p::pulumi-python:dynamic/batch:LaunchTemplate::node", "t", custom=True)
    step = Step(Op.UPDATE, state.urn, "pulumi-python:dynamic/batch:LaunchTemplate", state, state, (change,))
    assert [line.text.strip() for line in step_lines(step)[1:]] == ["~ userData: 2 lines of it", "- x", "+ y"]


@pytest.mark.parametrize(
    ("effect", "note", "words"),
    [
        (Effect.IN_PLACE, "", ""),
        (Effect.IN_PLACE, "jobs stay", "jobs stay"),
        (Effect.REPLACE, "", "replacement"),
        (Effect.REPLACE, "a name cannot be changed", "replacement: a name cannot be changed"),
        (Effect.REPLACE, "replaced: BEST_FIT cannot be updated", "replaced: BEST_FIT cannot be updated"),
        (Effect.INFRASTRUCTURE_UPDATE, "infrastructure update: all", "infrastructure update: all"),
    ],
)
def test_what_a_change_means_is_said_once(effect: Effect, note: str, words: str) -> None:
    """The effect and its note, without the same words twice."""
    assert meaning(PropertyChange("p", "update", 1, 2, effect, note)) == words
