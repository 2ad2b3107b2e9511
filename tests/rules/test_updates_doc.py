"""The page of updates says what a plan says."""

from __future__ import annotations

import ast
import inspect

import pytest

from batchiac.rules import updates
from batchiac.rules.updates_doc import CASES, INFRASTRUCTURE_CASES, Case, render


def test_every_row_is_on_the_page() -> None:
    """Kind, property, effect, note and source of each row of the table stand in its section."""
    sections = {part.split("\n", 1)[0]: part for part in render().split("\n## ")[1:]}
    for row in updates.TABLE:
        name = f"`{row.path}`" if row.path else "every other"
        assert f"| {name} | {row.effect} | {row.note} | " in sections[row.kind]
        assert row.source in sections[row.kind]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.words}")
def test_a_case_is_what_its_row_alone_does_not_say(case: Case) -> None:
    """Each special case has another effect than the row of its property."""
    found = updates.effect_of(case.kind, case.path, case.state, case.inputs)
    assert found != updates.row_of(case.kind, case.path)


def test_every_function_that_decides_beyond_the_table_is_on_the_page() -> None:
    """As many cases say "replaced" as there are places in updates.py that decide so: none is left out."""
    tree = ast.parse(inspect.getsource(updates))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == "_replaced"]
    cases = (*CASES, *INFRASTRUCTURE_CASES)
    notes = {updates.effect_of(each.kind, each.path, each.state, each.inputs).note for each in cases}
    # why_no_infrastructure_update has two answers at one place.
    assert len({note for note in notes if note.startswith("replaced: ")}) == len(calls) + 1


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""
