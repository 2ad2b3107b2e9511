"""What UpdateComputeEnvironment is sent: no more than the change needs, so that AWS does what the plan said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from batchiac.errors import UserError
from batchiac.model.handler import Effect
from batchiac.provider.update_request import update_request

Resources = Callable[..., dict[str, Any]]
Calls = Callable[..., list[dict[str, Any]]]


def test_the_newest_image_stays_out_of_a_scaling_update(deployed: Any, resources: Resources, calls: Calls) -> None:
    """`updateToLatestImageVersion` stands in the program; sent along, AWS would replace every instance."""
    held = deployed.held["work"]
    deployed.update(held, computeResources=resources(updateToLatestImageVersion=True))
    sent = calls("update_compute_environment")
    wanted = resources(updateToLatestImageVersion=True, maxvCpus=128)
    assert {each.effect for each in deployed.diff(held, computeResources=wanted).changes} == {Effect.SCALING_UPDATE}
    deployed.update(held, computeResources=wanted)
    assert sent == [{"computeEnvironment": held.id, "computeResources": {"maxvCpus": 128}}]


def test_under_best_fit_scaling_is_not_refused(
    world: Any, resources: Resources, described: Callable[[str], dict[str, Any]]
) -> None:
    """BEST_FIT allows no infrastructure update, and needs none for maxvCpus."""
    same = {"allocationStrategy": "BEST_FIT", "updateToLatestImageVersion": True}
    held = world.make("ComputeEnvironment", "work", type="MANAGED", computeResources=resources(**same))
    world.update(held, computeResources=resources(**same, maxvCpus=128))
    assert described(held.id)["computeResources"]["maxvCpus"] == 128


@pytest.mark.parametrize(
    ("change", "newest"),
    [
        ({"instanceTypes": ["m5.large"]}, True),
        ({"tags": {"a": "b"}, "maxvCpus": 8}, True),
        ({"minvCpus": 1}, False),
        ({"scalingPolicy": {"minScaleDownDelayMinutes": 30}}, False),
    ],
)
def test_the_newest_image_comes_with_every_infrastructure_update(
    deployed: Any, resources: Resources, calls: Calls, change: dict[str, Any], newest: bool
) -> None:
    """It falls back to false after each, so it is said again; what belongs to one is the update table's to say."""
    held = deployed.held["work"]
    deployed.update(held, computeResources=resources(updateToLatestImageVersion=True))
    sent = calls("update_compute_environment")
    deployed.update(held, computeResources=resources(updateToLatestImageVersion=True, **change))
    wanted = {**change, "updateToLatestImageVersion": True} if newest else change
    assert [each["computeResources"] for each in sent] == [wanted]


def test_the_newest_image_is_asked_for_and_taken_back(deployed: Any, resources: Resources, calls: Calls) -> None:
    """Asked for, it is an infrastructure update of its own; taken out, nothing happens: AWS took it back itself."""
    held = deployed.held["work"]
    sent = calls("update_compute_environment")
    (change,) = deployed.diff(held, computeResources=resources(updateToLatestImageVersion=True)).changes
    assert change.effect is Effect.INFRASTRUCTURE_UPDATE
    deployed.update(held, computeResources=resources(updateToLatestImageVersion=True))
    assert [each["computeResources"] for each in sent] == [{"updateToLatestImageVersion": True}]
    for without in (None, False):
        wanted = resources(updateToLatestImageVersion=without)
        (change,) = deployed.diff(held, computeResources=wanted).changes
        assert change.effect is Effect.IN_PLACE
    deployed.update(held, computeResources=resources())
    assert len(sent) == 1


def test_under_best_fit_taking_it_back_replaces_nothing(world: Any, resources: Resources) -> None:
    """AWS has nothing to change, so no rule of infrastructure updates applies."""
    same = {"allocationStrategy": "BEST_FIT"}
    held = world.make(
        "ComputeEnvironment",
        "work",
        type="MANAGED",
        computeResources=resources(**same, updateToLatestImageVersion=True),
    )
    assert world.diff(held, computeResources=resources(**same)).replaces == ()


def test_what_an_update_has_no_word_for_is_said(deployed: Any, resources: Resources) -> None:
    """A member that cannot be taken away is one clear sentence, should a change of it ever get as far."""
    held = deployed.held["work"]
    without = {**held.inputs, "computeResources": resources(instanceRole=None)}
    with pytest.raises(UserError, match=r"computeResources\.instanceRole was taken out of the program"):
        update_request(deployed.door, held.id, held.outputs, without)
