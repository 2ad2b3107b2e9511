"""Versions and revisions: the state says the one that was made, once, and old ones go with a new one only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from batchiac.model.unknown import UNKNOWN

Calls = Callable[..., list[dict[str, Any]]]


def stale(times: int) -> Callable[[Callable[[], Any], dict[str, Any]], Any]:
    """The first answer again, so many times: a describe that lags behind."""
    seen: list[Any] = []

    def instead(answer: Callable[[], Any], _parameters: dict[str, Any]) -> Any:
        if not seen:
            seen.append(answer())
        elif len(seen) <= times:
            seen.append(seen[0])
            return seen[0]
        return seen[0] if len(seen) <= times else answer()

    return instead


def active(world: Any) -> list[int]:
    name = world.held["job"]["jobDefinitionName"]
    found = world.stack.client("batch").describe_job_definitions(jobDefinitionName=name, status="ACTIVE")
    return sorted(each["revision"] for each in found["jobDefinitions"])


def versions(world: Any, template: Any) -> list[int]:
    found = world.stack.client("ec2").describe_launch_template_versions(LaunchTemplateId=template.id)
    return sorted(each["VersionNumber"] for each in found["LaunchTemplateVersions"])


def test_the_state_names_the_version_that_was_made(world: Any, calls: Calls) -> None:
    """A Describe that lags does not make the outputs lag: the call's own answer is waited for."""
    template = world.make("LaunchTemplate", "node", launchTemplateData={"ebsOptimized": True})
    looks = calls("describe_launch_templates", "ec2", stale(3))
    world.update(template, launchTemplateData={"ebsOptimized": False})
    assert (template["latestVersion"], template["defaultVersion"]) == ("2", "2")
    assert len(looks) > 3


def test_the_state_names_the_revision_that_was_registered(
    deployed: Any, container: dict[str, Any], calls: Calls
) -> None:
    """terraform-provider-aws#36824 under a Describe that lags."""
    held = deployed.held["job"]
    looks = calls("describe_job_definitions", instead=stale(3))
    deployed.update(held, containerProperties={**container, "image": "other"})
    assert (held["revision"], held["jobDefinitionArn"]) == (2, f"{held.id}:2")
    assert len(looks) > 3


def test_a_version_that_a_dead_run_made_is_taken(world: Any) -> None:
    """The same update from the same old state twice, as an engine re-does what a killed run had done: one version."""
    template = world.make("LaunchTemplate", "node", launchTemplateData={"ebsOptimized": True})
    before = dict(template.outputs)
    wanted = {**template.inputs, "launchTemplateData": {"ebsOptimized": False}}
    first, second = (template.handler.update(template.id, before, wanted) for _ in range(2))
    assert first == second
    assert second["latestVersion"] == second["defaultVersion"] == "2"
    assert versions(world, template) == [1, 2]
    other = {**template.inputs, "launchTemplateData": {"ebsOptimized": False, "keyName": "k"}}
    assert template.handler.update(template.id, before, other)["latestVersion"] == "3"


def test_a_version_that_was_never_made_the_default_is_made_it(world: Any) -> None:
    """The dead run had made the version and no more: it is taken, and becomes the default."""
    template = world.make("LaunchTemplate", "node", launchTemplateData={"ebsOptimized": True})
    world.stack.client("ec2").create_launch_template_version(
        LaunchTemplateId=template.id, LaunchTemplateData={"EbsOptimized": False}
    )
    world.update(template, launchTemplateData={"ebsOptimized": False})
    assert (template["latestVersion"], template["defaultVersion"]) == ("2", "2")
    assert versions(world, template) == [1, 2]


def test_a_revision_that_a_dead_run_registered_is_taken(deployed: Any, container: dict[str, Any]) -> None:
    """The same for revisions; one of other tags is another one."""
    held = deployed.held["job"]
    before = dict(held.outputs)
    wanted = {**held.inputs, "containerProperties": {**container, "image": "other"}, "tags": {"team": "x"}}
    first, second = (held.handler.update(held.id, before, wanted) for _ in range(2))
    assert first == second
    assert active(deployed) == [1, 2]
    third = held.handler.update(held.id, before, {**wanted, "tags": {"team": "y"}})
    assert third["revision"] == 3
    assert active(deployed) == [1, 2, 3]


def test_an_older_revision_of_the_same_content_is_not_taken(deployed: Any, container: dict[str, Any]) -> None:
    """To go back is a new revision, whatever an old one says."""
    held = deployed.held["job"]
    deployed.update(held, containerProperties={**container, "image": "other"})
    deployed.update(held, containerProperties=container)
    assert held["revision"] == 3


def test_old_revisions_go_when_a_new_one_is_registered(deployed: Any, container: dict[str, Any]) -> None:
    """keepRevisions counts from the next revision on, as its plan says: nothing goes because of it, or of tags."""
    held = deployed.held["job"]
    for number in range(4):
        deployed.update(held, containerProperties={**container, "image": f"i{number}"})
    same = {"containerProperties": {**container, "image": "i3"}}
    (change,) = deployed.diff(held, **same, keepRevisions=2).changes
    assert "from the next revision on" in change.note
    deployed.update(held, **same, keepRevisions=2)
    deployed.update(held, **same, keepRevisions=2, tags={"team": "x"})
    assert active(deployed) == [1, 2, 3, 4, 5]
    deployed.update(held, containerProperties={**container, "image": "last"}, keepRevisions=2)
    assert active(deployed) == [5, 6]


@pytest.mark.parametrize("keep", [-1, 0, True, 1.5, "3"])
def test_what_is_no_number_of_revisions_is_said(world: Any, container: dict[str, Any], keep: Any) -> None:
    """One sentence that says what was found and what is allowed."""
    said = {"identity": "a/b/c", "type": "container", "containerProperties": container, "keepRevisions": keep}
    (failure,) = world.handler("JobDefinition").check({}, said).failures
    assert failure.property == "keepRevisions"
    assert failure.reason == f"keepRevisions is {keep!r}: give a whole number of revisions, 1 or more"


@pytest.mark.parametrize("keep", [1, 20, None, UNKNOWN])
def test_a_number_of_revisions_is_accepted(world: Any, container: dict[str, Any], keep: Any) -> None:
    """So is one that is not known yet, and none."""
    said = {"identity": "a/b/c", "type": "container", "containerProperties": container, "keepRevisions": keep}
    assert world.handler("JobDefinition").check({}, said).failures == ()


def test_the_first_open_job_of_a_revision_is_enough(deployed: Any, container: dict[str, Any], calls: Calls) -> None:
    """A revision in use is found without listing every job of the last seven days."""
    held = deployed.held["job"]
    batch = deployed.stack.client("batch")
    for _ in range(250):
        batch.submit_job(jobName="j", jobQueue=deployed.held["queue"].id, jobDefinition=held["jobDefinitionArn"])
    pages = calls("list_jobs")
    deployed.update(held, containerProperties={**container, "image": "other"}, keepRevisions=1)
    assert active(deployed) == [1, 2]
    assert len(pages) == 1
