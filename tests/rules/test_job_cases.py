"""Every row of the job side against its cases: what it accepts, what it rejects, where it does not apply."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from batchiac.rules.catalogue import read_catalogue
from batchiac.rules.check import check_request, check_resource
from batchiac.rules.row import Rule, judge
from batchiac.rules.view import View

MODULES = (
    *("job_definition", "container", "fargate", "ecs_properties", "eks_properties", "multi_node", "retry"),
    "job_operations",
)
sys.path.insert(0, str(Path(__file__).parent / "cases"))
DEFINITION_CASES = importlib.import_module("job_definition_cases").CASES
OPERATION_CASES = importlib.import_module("job_operation_cases").CASES
CASES = {**DEFINITION_CASES, **OPERATION_CASES}
ROWS: list[Rule] = [
    row for name in MODULES for row in importlib.import_module(f"batchiac.rules.catalogue.{name}").RULES
]
ids = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)


def everywhere(row: Rule) -> bool:
    """True for a row about the request as a whole: it applies to every request of its kind."""
    return row.property == "" and row.when is None


@ids
def test_a_row_accepts_what_it_allows(row: Rule) -> None:
    """A row says nothing of inputs that obey its sentence."""
    accepted = CASES[row.id][0]
    assert accepted
    for inputs in accepted:
        judgement = judge(row, View(inputs))
        assert judgement.verdict in ("accepted", "not applicable"), (judgement, inputs)


@ids
def test_a_row_rejects_what_it_forbids(row: Rule) -> None:
    """A row reports inputs that break its sentence, in three parts, with a source."""
    rejected = CASES[row.id][1]
    assert rejected
    for inputs in rejected:
        judgement = judge(row, View(inputs))
        assert judgement.verdict == "broken", (judgement, inputs)
        finding = row.finding(judgement.broken[0], "x")
        assert finding.message.count("; ") >= 2
        assert "{" not in finding.aws_message
        assert finding.source.startswith("https://")


@ids
def test_a_row_is_silent_where_it_does_not_apply(row: Rule) -> None:
    """A row does not apply where its property or its condition is absent."""
    elsewhere = CASES[row.id][2]
    assert elsewhere or everywhere(row)
    for inputs in elsewhere:
        assert judge(row, View(inputs)).verdict == "not applicable", inputs


@ids
def test_a_rejected_case_is_reported_by_the_check(row: Rule) -> None:
    """The check of the whole resource or request reports the row too."""
    for inputs in CASES[row.id][1]:
        if row.kind == "JobDefinition":
            findings = check_resource("JobDefinition", inputs, resource="d")
        else:
            findings = check_request(row.kind, inputs)
        assert row.id in {each.rule_id for each in findings}


def test_every_case_belongs_to_a_row() -> None:
    """No case is left of a row that does not exist."""
    assert set(CASES) == {row.id for row in ROWS}
    assert set(CASES) <= set(read_catalogue())


@pytest.mark.parametrize("rule_id", sorted(DEFINITION_CASES))
def test_cases_are_of_the_shape_that_the_api_takes(rule_id: str) -> None:
    """A case breaks documented sentences, not the API's shapes: it is a request that somebody could send."""
    for inputs in (*CASES[rule_id][0], *CASES[rule_id][1]):
        faults = [each for each in check_resource("JobDefinition", inputs) if each.rule_id.startswith("SH")]
        assert not faults, (inputs, faults)
