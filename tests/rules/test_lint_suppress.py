"""Decisions to live with a finding: how they are read, what they cover, and that useless ones are named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchiac.errors import ConfigError
from batchiac.rules.finding import Finding, Level
from batchiac.rules.suppress import Suppression, find_rule_id, parse_suppressions, sift

KNOWN = {"CE013", "CE024", "SH01"}
ONE = {"rule": "CE013", "resource": "spot", "reason": "agreed on Monday"}


def finding(rule_id: str, resource: str) -> Finding:
    """A finding of one rule at one resource."""
    return Finding(rule_id, Level.ERROR, "ComputeEnvironment", resource, "p", "m", "s")


@pytest.mark.parametrize("value", [[ONE], json.dumps([ONE]), [{**ONE, "rule": "ce13"}]])
def test_decisions_are_read_from_yaml_and_from_pulumi(value: Any) -> None:
    """Nested config is a list in the file and JSON text for a program; short ids are the long ones."""
    assert parse_suppressions(value, KNOWN) == (Suppression("CE013", "spot", "agreed on Monday"),)


def test_no_decision_is_no_error() -> None:
    """A stack without the key has accepted nothing."""
    assert parse_suppressions(None, KNOWN) == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("not json", "is not a list"),
        ({"rule": "CE013"}, "not a list"),
        (["CE013"], r"\[0\] is 'CE013'"),
        ([{**ONE, "reason": "  "}], "say in words why"),
        ([{key: ONE[key] for key in ("rule", "resource")}], r"reason is missing"),
        ([{**ONE, "until": "2027"}], "has the key 'until'"),
        ([{**ONE, "rule": "CE999"}], "no rule"),
        ([{**ONE, "rule": 13}], "rule is 13"),
        ([ONE, ONE], "a second time"),
    ],
)
def test_a_wrong_decision_is_refused_in_one_sentence(value: Any, said: str) -> None:
    """A decision without reason, of no rule, or said twice is the user's mistake."""
    with pytest.raises(ConfigError, match=said):
        parse_suppressions(value, KNOWN)


def test_a_decision_covers_its_rule_at_its_resource_only() -> None:
    """Another rule, or another resource, stands as before."""
    findings = [finding("CE013", "spot"), finding("CE013", "other"), finding("CE024", "spot")]
    sifted = sift(findings, parse_suppressions([ONE], KNOWN))
    assert sifted.kept == tuple(findings[1:])
    assert [(each.resource, by.reason) for each, by in sifted.suppressed] == [("spot", "agreed on Monday")]
    assert sifted.unused == ()


def test_a_star_covers_every_resource() -> None:
    """`*` accepts one rule in the whole stack."""
    sifted = sift([finding("CE013", "a"), finding("CE013", "b")], parse_suppressions([{**ONE, "resource": "*"}], KNOWN))
    assert sifted.kept == ()
    assert len(sifted.suppressed) == 2


def test_a_decision_that_covers_nothing_is_named() -> None:
    """It would hide the next finding of that kind."""
    sifted = sift([finding("CE013", "other")], parse_suppressions([ONE], KNOWN))
    assert [each.resource for each in sifted.unused] == ["spot"]


@pytest.mark.parametrize(
    ("text", "found"),
    [("CE13", "CE013"), ("ce013", "CE013"), ("SH1", "SH01"), ("SH01", "SH01"), ("CE1", None), ("13", None), ("", None)],
)
def test_ids_are_found_however_they_are_written(text: str, found: str | None) -> None:
    """Capitals and leading zeros do not matter."""
    assert find_rule_id(text, KNOWN) == found
