"""Job definitions: what is the same, what is a new revision, which revisions stay."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchiac.model.handler import Effect
from batchiac.provider.difference import differences
from batchiac.provider.normalise import normal

FULL: dict[str, Any] = {
    "type": "container",
    "containerProperties": {
        "image": "busybox",
        "command": ["sh", "-c", "true"],
        "resourceRequirements": [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "512"}],
        "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}],
        "secrets": [{"name": "S", "valueFrom": "arn:s"}, {"name": "T", "valueFrom": "arn:t"}],
        "ulimits": [
            {"name": "nofile", "softLimit": 1, "hardLimit": 2},
            {"name": "core", "softLimit": 0, "hardLimit": 0},
        ],
    },
    "retryStrategy": {"attempts": 3, "evaluateOnExit": [{"action": "RETRY", "onStatusReason": "Host EC2*"}]},
    "timeout": {"attemptDurationSeconds": 600},
}

SAME = {
    "environment in another order": lambda c: c["containerProperties"]["environment"].reverse(),
    "requirements in another order": lambda c: c["containerProperties"]["resourceRequirements"].reverse(),
    "secrets in another order": lambda c: c["containerProperties"]["secrets"].reverse(),
    "ulimits in another order": lambda c: c["containerProperties"]["ulimits"].reverse(),
    "an empty list for nothing": lambda c: c["containerProperties"].update(volumes=[], mountPoints=None),
    "a variable with an empty value": lambda c: c["containerProperties"]["environment"].append(
        {"name": "E", "value": ""}
    ),
    "AWS's default spelled out": lambda c: c.update(propagateTags=False, platformCapabilities=["EC2"]),
    "false for nothing": lambda c: c["containerProperties"].update(privileged=False, readonlyRootFilesystem=False),
    "an action in lower case": lambda c: c["retryStrategy"]["evaluateOnExit"][0].update(action="retry"),
    "a number with a fraction of zero": lambda c: [
        each.update(value=f"{each['value']}.0") for each in c["containerProperties"]["resourceRequirements"]
    ],
    "the deprecated fields": lambda c: c["containerProperties"].update(resourceRequirements=[], vcpus=2, memory=512),
}

OTHER = {
    "another command order": lambda c: c["containerProperties"]["command"].reverse(),
    "another value": lambda c: c["containerProperties"]["environment"][0].update(value="9"),
    "more memory": lambda c: c["containerProperties"]["resourceRequirements"][1].update(value="513"),
    "another rule": lambda c: c["retryStrategy"]["evaluateOnExit"][0].update(action="EXIT"),
    "privileged": lambda c: c["containerProperties"].update(privileged=True),
    "no timeout": lambda c: c.pop("timeout"),
}


@pytest.mark.parametrize("name", SAME)
def test_pain_a_diff_for_ever(name: str) -> None:
    """terraform-provider-aws#19180, #19624, #26960: another spelling of the same is no change."""
    changed = copy.deepcopy(FULL)
    SAME[name](changed)
    assert list(differences(normal("JobDefinition", FULL), normal("JobDefinition", changed))) == []


@pytest.mark.parametrize("name", OTHER)
def test_a_real_change_is_seen(name: str) -> None:
    """What means something else is a difference."""
    changed = copy.deepcopy(FULL)
    OTHER[name](changed)
    assert list(differences(normal("JobDefinition", FULL), normal("JobDefinition", changed))) != []


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations(sorted(SAME)), st.permutations(sorted(OTHER)), st.integers(0, len(SAME)), st.booleans())
def test_any_mixture_of_spellings_is_the_same(same: list[str], other: list[str], count: int, really: bool) -> None:
    """However many spellings are mixed, only a real change is a difference, and normal form is its own normal form."""
    changed = copy.deepcopy(FULL)
    for name in same[:count]:
        SAME[name](changed)
    if really:
        changed["containerProperties"]["image"] = other[0]
    found = list(differences(normal("JobDefinition", FULL), normal("JobDefinition", changed)))
    assert bool(found) is really
    once = normal("JobDefinition", changed)
    assert normal("JobDefinition", once) == once


def test_pain_the_revision_lags_one_behind(deployed: Any, container: dict[str, Any]) -> None:
    """terraform-provider-aws#36824, #39795: outputs are those of the revision just registered, tags included."""
    held = deployed.held["job"]
    before = held.id
    deployed.update(held, tags={"team": "x"})
    assert held["revision"] == 1
    (change,) = deployed.diff(held, containerProperties={**container, "image": "other"}).changes
    assert change.effect is Effect.NEW_REVISION
    deployed.update(held, containerProperties={**container, "image": "other"})
    assert (held.id, held["revision"]) == (before, 2)
    assert held["jobDefinitionArn"] == f"{held.id}:2"
    found = deployed.stack.client("batch").describe_job_definitions(jobDefinitions=[held["jobDefinitionArn"]])
    assert found["jobDefinitions"][0]["tags"] == {"team": "x"}
    assert held.handler.read(held.id, held.outputs).outputs == held.outputs


def test_pain_old_revisions_under_running_clients(deployed: Any, container: dict[str, Any]) -> None:
    """coverage-roadmap#1761: the last N stay active, and one that an open job uses stays whatever its age."""
    held = deployed.held["job"]
    batch = deployed.stack.client("batch")
    first = held["jobDefinitionArn"]
    job = batch.submit_job(jobName="j", jobQueue=deployed.held["queue"].id, jobDefinition=first)["jobId"]
    for index in range(4):
        deployed.update(held, containerProperties={**container, "image": f"image{index}"}, keepRevisions=2)
    active = batch.describe_job_definitions(jobDefinitionName=held["jobDefinitionName"], status="ACTIVE")
    assert {each["revision"] for each in active["jobDefinitions"]} == {1, 4, 5}
    batch.terminate_job(jobId=job, reason="enough")
    deployed.stack.clock.run_until_idle()
    deployed.update(held, containerProperties={**container, "image": "last"}, keepRevisions=2)
    active = batch.describe_job_definitions(jobDefinitionName=held["jobDefinitionName"], status="ACTIVE")
    assert {each["revision"] for each in active["jobDefinitions"]} == {5, 6}


def test_drift_of_a_revision_registered_outside_is_shown(deployed: Any, container: dict[str, Any]) -> None:
    """A revision that someone else registered is what floating references get: read shows it, property by property."""
    held = deployed.held["job"]
    deployed.stack.client("batch").register_job_definition(
        jobDefinitionName=held["jobDefinitionName"],
        type="container",
        containerProperties={**container, "image": "theirs"},
    )
    read = held.handler.read(held.id, held.outputs)
    assert read.outputs["revision"] == 2
    (change,) = held.handler.diff(read.outputs, held.inputs).changes
    assert (change.path, change.old, change.new) == ("containerProperties.image", "theirs", "busybox")
