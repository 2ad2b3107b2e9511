"""Every row of the catalogue against its cases; a row without cases fails."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from batchiac.rules import CATALOGUE, check_request, check_resource, check_stack
from batchiac.rules.check import OPERATIONS
from batchiac.rules.row import Judgement, Rule, judge
from batchiac.rules.stack import Stack
from batchiac.rules.view import View

CASES_FOLDER = Path(__file__).parent / "cases"
sys.path.insert(0, str(CASES_FOLDER))
subjects = importlib.import_module("subjects")
MINE: dict[str, Any] = {
    rule_id: cases
    for name in ("environment_cases", "queue_cases", "stack_cases", "payload_cases")
    for rule_id, cases in importlib.import_module(name).CASES.items()
}
EVERY: dict[str, Any] = {
    rule_id: cases
    for path in sorted(CASES_FOLDER.glob("*_cases.py"))
    for rule_id, cases in importlib.import_module(path.stem).CASES.items()
}
rows = pytest.mark.parametrize("row", [CATALOGUE[rule_id] for rule_id in MINE], ids=lambda row: row.id)


def judged(row: Rule, subject: Any) -> Judgement:
    """What one row says of a case."""
    if isinstance(subject, subjects.InStack):
        stack = Stack(subject.declared)
        asked = next(each for each in stack.declared if each.name == subject.subject and each.kind == row.kind)
        for each in stack.of_kind(row.kind):
            found = judge(row, stack.view(each))
            if each is asked:
                return found
    if isinstance(subject, subjects.Update):
        current = None if subject.current is None else View(subject.current)
        return judge(row, View(subject.request, dialect="update", current=current))
    return judge(row, View(subject))


def checked(row: Rule, subject: Any) -> list[Any]:
    """What the whole check says of a case."""
    if isinstance(subject, subjects.InStack):
        return [each for each in check_stack(subject.declared) if each.resource == subject.subject]
    if isinstance(subject, subjects.Update):
        return check_request(OPERATIONS[row.kind][1], subject.request, current=subject.current)
    return check_resource(row.kind, subject)


@pytest.mark.parametrize("rule_id", sorted(CATALOGUE))
def test_every_row_has_cases(rule_id: str) -> None:
    """A row comes with inputs that it rejects, and with inputs that it accepts or leaves alone."""
    accepted, rejected, elsewhere = EVERY[rule_id]
    assert rejected
    assert accepted or elsewhere


def test_no_case_is_left_of_a_row_that_is_gone() -> None:
    """Cases belong to rows."""
    assert set(EVERY) == set(CATALOGUE)


def test_the_catalogue_goes_beyond_the_shapes() -> None:
    """There are at least 150 rows that botocore's shapes do not state."""
    assert len(CATALOGUE) >= 150


@rows
def test_a_row_accepts(row: Rule) -> None:
    """A row says of what obeys its sentence that it does, and so does the whole check."""
    for subject in MINE[row.id][0]:
        assert judged(row, subject).verdict == "accepted", subject
        assert row.id not in {each.rule_id for each in checked(row, subject) if each.verdict == "broken"}


@rows
def test_a_row_rejects(row: Rule) -> None:
    """A row reports what breaks its sentence: where, what was found, what is allowed, what to change."""
    for subject in MINE[row.id][1]:
        judgement = judged(row, subject)
        assert judgement.verdict == "broken", (judgement, subject)
        reported = [each for each in checked(row, subject) if each.rule_id == row.id]
        assert reported
        for finding in reported:
            assert finding.message.startswith(f"{finding.property} is ")
            assert finding.message.count("; ") >= 2
            assert not re.search(r"\{[a-z_]+\}", finding.message + finding.aws_message), finding


@rows
def test_a_row_leaves_alone(row: Rule) -> None:
    """A row does not apply where its property or its condition does not stand."""
    elsewhere = MINE[row.id][2]
    assert elsewhere or row.when is None, "a row with a condition has a case where the condition does not hold"
    for subject in elsewhere:
        assert judged(row, subject).verdict == "not applicable", subject


@rows
def test_a_row_says_where_it_comes_from(row: Rule) -> None:
    """A row has an address of AWS's, the day it was read, and texts that are clauses, not sentences."""
    assert re.match(r"https://docs\.aws\.amazon\.com/\S+\.html$", row.source), row.source
    assert re.match(r"20\d\d-\d\d-\d\d$", row.read)
    for text in (row.allowed, row.change):
        assert text and not text.endswith(".")


@rows
def test_cases_have_the_shapes_that_the_api_takes(row: Rule) -> None:
    """What a row accepts is a request that somebody could send: no shape of the API model is broken."""
    if row.scope == "stack" or row.kind not in OPERATIONS:
        return
    for subject in MINE[row.id][0]:
        faults = [each for each in checked(row, subject) if each.rule_id.startswith("SH")]
        if isinstance(subject, subjects.Update):
            # Update cases leave out which resource they are for.
            faults = [each for each in faults if each.rule_id != "SH01" or "." in each.property]
        assert not faults, (subject, faults)
