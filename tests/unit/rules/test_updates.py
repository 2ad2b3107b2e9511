"""The update table: complete, and decided by role, strategy and type where AWS decides so."""

from __future__ import annotations

from typing import Any

import pytest

from batchiac.model.handler import Effect
from batchiac.provider import HANDLERS, TOKEN_PREFIX
from batchiac.rules.shapes import SHAPES
from batchiac.rules.updates import TABLE, effect_of, row_of, why_no_infrastructure_update

MANAGED = {"computeResources": {"type": "EC2", "allocationStrategy": "BEST_FIT_PROGRESSIVE"}}


def members(shape: str) -> list[str]:
    return list(SHAPES[shape][1])


@pytest.mark.parametrize("member", members("ComputeResource"))
def test_every_member_of_an_environment_has_a_row(member: str) -> None:
    """No member of computeResources falls through to the row that says nothing but "replace"."""
    assert row_of("ComputeEnvironment", f"computeResources.{member}").path != "computeResources", member


@pytest.mark.parametrize("member", members("ComputeResourceUpdate"))
def test_what_the_update_api_takes_is_never_a_replacement_by_itself(member: str) -> None:
    """A replacement is only for what UpdateComputeEnvironment does not take: none is needless (terraform#24374)."""
    wanted = {"computeResources": {member: ["anything"], **MANAGED["computeResources"]}}
    row = effect_of("ComputeEnvironment", f"computeResources.{member}", MANAGED, wanted)
    assert row.effect is not Effect.REPLACE


@pytest.mark.parametrize("kind", [token.removeprefix(TOKEN_PREFIX) for token in HANDLERS])
def test_every_input_of_every_handler_has_an_effect(kind: str) -> None:
    """The table knows every kind, and each top-level input finds a row of its kind's."""
    for name in (*HANDLERS[TOKEN_PREFIX + kind].inputs, "tags"):
        row = row_of(kind, name)
        assert row in TABLE, (kind, name)
    assert row_of(kind, "tags").effect is Effect.IN_PLACE


def test_every_row_about_aws_names_its_source() -> None:
    """Rows without a source are ours and say so."""
    for row in TABLE:
        assert row.source.startswith("https://docs.aws.amazon.com/") or row.note.startswith("ours:"), row


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        (MANAGED, ""),
        (
            {
                **MANAGED,
                "serviceRole": "arn:aws:iam::1:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch",
            },
            "",
        ),
        ({**MANAGED, "serviceRole": "arn:aws:iam::1:role/own"}, "an environment with a service role of its own"),
        ({"computeResources": {"type": "EC2"}}, "BEST_FIT cannot be updated"),
        ({"computeResources": {"type": "SPOT", "allocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED"}}, ""),
    ],
)
def test_role_and_strategy_decide_about_infrastructure_updates(environment: dict[str, Any], reason: str) -> None:
    """Only the service-linked role with one of five strategies lets AWS replace instances in place."""
    assert why_no_infrastructure_update(environment).startswith(reason)
    assert bool(why_no_infrastructure_update(environment)) is bool(reason)


def test_moves_between_kinds_of_capacity() -> None:
    """On-Demand to Spot in place, to Fargate only by replacement; Fargate's subnets are a scaling update."""

    def kind(name: str) -> dict[str, Any]:
        return {"computeResources": {"type": name, "allocationStrategy": "BEST_FIT_PROGRESSIVE"}}

    path = "computeResources.type"
    spot = effect_of("ComputeEnvironment", path, kind("EC2"), kind("SPOT"))
    assert spot.effect is Effect.INFRASTRUCTURE_UPDATE
    fargate = effect_of("ComputeEnvironment", path, kind("EC2"), kind("FARGATE"))
    assert (fargate.effect, fargate.note) == (Effect.REPLACE, "replaced: EC2 cannot become FARGATE")
    subnets = effect_of("ComputeEnvironment", "computeResources.subnets[0]", kind("FARGATE"), kind("FARGATE"))
    assert subnets.effect is Effect.SCALING_UPDATE
