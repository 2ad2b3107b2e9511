"""The last guard: a handler's check by the rules, the stack's Region and what the stack accepts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchiac.aws import Door
from batchiac.errors import ConfigError
from batchiac.model.target import Target, target_from_config
from batchiac.provider import HANDLERS, TOKEN_PREFIX

FAR = "arn:aws:batch:eu-west-1:123456789012:compute-environment/far"
QUEUE = {
    "identity": "infra/test/q",
    "priority": 1,
    "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": FAR}],
}
CONFIG = {"batchiac:target": "local", "batchiac:region": "us-east-1"}


def rules_broken(suppress: object = None, region: str = "us-east-1") -> list[str]:
    """The rules by which the check of QUEUE fails; no client is made."""
    target = target_from_config({**CONFIG, "batchiac:region": region, "batchiac:suppress": suppress}, {})
    result = HANDLERS[TOKEN_PREFIX + "JobQueue"](Door(target)).check({}, QUEUE)
    return [each.rule_id for each in result.failures]


def test_an_arn_of_another_region_is_refused() -> None:
    """The Region is the target's, and no input of the program's."""
    assert rules_broken() == ["JQ025"]
    assert rules_broken(region="eu-west-1") == []


@pytest.mark.parametrize("form", [list, json.dumps])
def test_what_the_stack_accepts_is_no_failure(form: Any) -> None:
    """As YAML's list and as the JSON text that Pulumi hands to a provider."""
    entry = {"rule": "JQ025", "resource": "q", "reason": "a mirror"}
    assert rules_broken(form([entry])) == []
    assert rules_broken(form([{**entry, "resource": "other"}])) == ["JQ025"]


def test_a_wrong_decision_is_refused() -> None:
    """A decision that nobody can read accepts nothing."""
    with pytest.raises(ConfigError, match="reason is missing"):
        rules_broken([{"rule": "JQ025", "resource": "q"}])


def test_a_target_stays_a_key() -> None:
    """Doors are kept by target, decisions included."""
    entry = {"rule": "JQ025", "resource": "q", "reason": "a mirror"}
    accepting = target_from_config({**CONFIG, "batchiac:suppress": [entry]}, {})
    assert len({accepting, target_from_config(CONFIG, {}), Target("local", "us-east-1")}) == 2
