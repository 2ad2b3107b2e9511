"""What a stack accepts stops nothing and is said; what waits for a value is counted; the Region is among the facts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from batchiac.aws import Door
from batchiac.deploy import open_memory_stack
from batchiac.deploy.deployment import preview
from batchiac.deploy.steps import Plan
from batchiac.errors import BatchiacError, ConfigError, UserError
from batchiac.provider import HANDLERS

ORDERED = 'environment("work", compute="SPOT", allocation_strategy="BEST_FIT_PROGRESSIVE_ORDERED")\n'
"""CE020: that strategy is not for Spot."""

SETTLED = """
batch.ManagedComputeEnvironment(
    "work",
    network=batch.Network("own", subnet_ids=["subnet-0aaaaaaaaaaaaaaa1"], security_group_ids=["sg-0aaaaaaaaaaaaaaa1"]),
    compute="FARGATE",
    max_vcpus=4,
)
"""


def accepting(*entries: tuple[str, str]) -> str:
    """Config that accepts these rules at these resources."""
    lines = (f"    - {{rule: {rule}, resource: {resource}, reason: tried}}\n" for rule, resource in entries)
    return f"  batchiac:suppress:\n{''.join(lines)}"


@pytest.fixture
def plan(write: Callable[..., Path]) -> Callable[..., Plan]:
    """Preview a program as `batchiac preview` does."""

    def planned(lines: str, config: str = "", **more: str) -> Plan:
        opened = open_memory_stack(write(lines, config, **more), "local", environ=os.environ)
        door = Door(opened.target)
        return preview(opened, lambda token: HANDLERS[token](door) if token in HANDLERS else None)

    return planned


def said(plan: Plan, severity: str) -> list[str]:
    """What the program had to say, at one level."""
    return [each.message for each in plan.diagnostics if each.severity == severity]


def test_an_error_stops_and_an_accepted_one_is_said_with_its_reason(plan: Callable[..., Plan]) -> None:
    """Neither the components nor the handler's check stops at what the stack has accepted."""
    with pytest.raises(UserError, match="1 finding"):
        plan(ORDERED)
    accepted = plan(ORDERED, accepting(("CE020", "work")))
    assert [each for each in said(accepted, "info") if each.startswith("accepted (tried): CE020 work.")]
    assert said(accepted, "warning") == []
    assert said(accepted, "error") == []


def test_another_resource_is_not_accepted_with_it(plan: Callable[..., Plan]) -> None:
    """A decision is about the resource that it names."""
    with pytest.raises(UserError, match="1 finding"):
        plan(ORDERED, accepting(("CE020", "other")))


def test_a_decision_of_no_use_is_a_warning(plan: Callable[..., Plan]) -> None:
    """Once, on no resource; the program goes on."""
    (warning,) = said(plan('environment("work")\n', accepting(("CE020", "work"))), "warning")
    assert warning.startswith("batchiac:suppress accepts CE020 of work, which was not found")


def test_a_decision_about_what_is_not_yet_known_is_of_use(plan: Callable[..., Plan]) -> None:
    """Whether it is needed shows when the value is there; until then it is not called useless."""
    planned = plan('environment("work")\n', accepting(("CE027", "work")))
    assert said(planned, "warning") == []
    assert not [each for each in said(planned, "info") if "CE027" in each]


def test_a_wrong_decision_is_one_sentence(plan: Callable[..., Plan]) -> None:
    """It is a mistake of the config and neither a crash nor a finding."""
    with pytest.raises(BatchiacError, match=r"batchiac:suppress\[0\]\.rule is 'CE999', which is no rule") as caught:
        plan('environment("work")\n', accepting(("CE999", "work")))
    assert isinstance(caught.value, ConfigError)


def test_what_waits_for_a_value_is_counted_and_listed(plan: Callable[..., Plan]) -> None:
    """One line for all, and one diagnostic for each property on its component, with the rules that wait."""
    planned = plan('environment("work")\n')
    entries = [each for each in planned.diagnostics if each.message.startswith("not yet known: ")]
    by_property = {each.message.split(": ")[1]: each for each in entries}
    role = by_property["work.computeResources.instanceRole"]
    assert role.message.endswith("checked when it is known, by CE027")
    assert role.urn.endswith("ManagedComputeEnvironment::work")
    assert "work.computeEnvironmentName" not in by_property
    (count,) = [each for each in said(planned, "info") if "--json" in each]
    assert count.startswith(f"{len(entries)} properties are not known")


def test_nothing_is_counted_where_all_is_known(plan: Callable[..., Plan]) -> None:
    """No noise without a reason."""
    assert plan(f"import batchiac.components as batch\n{SETTLED}", head="").diagnostics == ()


def test_an_arn_of_another_region_is_seen_in_the_program(plan: Callable[..., Plan]) -> None:
    """The Region of the stack's config is what a queue's ARNs are compared with."""
    arn = "arn:aws:batch:eu-west-1:123456789012:compute-environment/far"
    queue = f'batch.JobQueue("q", priority=1, compute_environments=["{arn}"])\n'
    with pytest.raises(UserError) as caught:
        plan(queue)
    assert "JQ025" in str(getattr(caught.value, "findings", getattr(caught.value, "__notes__", "")))
    assert said(plan(queue.replace("eu-west-1", "us-east-1")), "error") == []
