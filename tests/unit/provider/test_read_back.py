"""What AWS tells of itself among the inputs, and what somebody has put on by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from batchiac.provider.normalise import normal
from batchiac.provider.read_back import merge_read

Resources = Callable[..., dict[str, Any]]

CE = "ComputeEnvironment"


def scaled(world: Any, held: Any) -> None:
    """Have the environment launch instances."""
    world.stack.client("batch").update_compute_environment(
        computeEnvironment=held.id, computeResources={"desiredvCpus": 2}
    )
    world.stack.clock.advance(600)


def test_the_status_of_an_image_is_no_input(
    deployed: Any, resources: Resources, described: Callable[[str], dict[str, Any]]
) -> None:
    """batchImageStatus comes when instances do, and is neither drift nor written by an import."""
    held = deployed.update(
        deployed.held["work"], computeResources=resources(ec2Configuration=[{"imageType": "ECS_AL2023"}])
    )
    assert described(held.id)["computeResources"]["ec2Configuration"] == [{"imageType": "ECS_AL2023"}]
    scaled(deployed, held)
    told = [{"imageType": "ECS_AL2023", "batchImageStatus": "LATEST"}]
    assert described(held.id)["computeResources"]["ec2Configuration"] == told
    read = held.handler.read(held.id, held.outputs)
    assert read.inputs == held.inputs
    assert held.handler.describe(held.id).inputs["computeResources"]["ec2Configuration"] == [
        {"imageType": "ECS_AL2023"}
    ]


def test_it_is_no_input_beside_drift_either(deployed: Any, resources: Resources) -> None:
    """Where the list did change outside, that alone is shown."""
    held = deployed.update(
        deployed.held["work"], computeResources=resources(ec2Configuration=[{"imageType": "ECS_AL2023"}])
    )
    scaled(deployed, held)
    both = [{"imageType": "ECS_AL2023_NVIDIA"}, {"imageType": "ECS_AL2023"}]
    deployed.stack.client("batch").update_compute_environment(
        computeEnvironment=held.id, computeResources={"ec2Configuration": both}
    )
    deployed.stack.clock.advance(4000)
    read = held.handler.read(held.id, held.outputs)
    assert read.inputs["computeResources"]["ec2Configuration"] == [both[1], both[0]]


def test_the_order_of_images_means_nothing() -> None:
    """AWS returns the two in its own order."""
    one, other = {"imageType": "ECS_AL2023"}, {"imageType": "ECS_AL2023_NVIDIA", "imageIdOverride": "ami-1"}
    forth, back = ({CE: {"computeResources": {"ec2Configuration": each}}}[CE] for each in ([one, other], [other, one]))
    assert normal(CE, forth) == normal(CE, back)


@pytest.mark.parametrize(
    "put",
    [
        {"imageId": "ami-0123456789abcdef0"},
        {"ec2Configuration": [{"imageType": "ECS_AL2023", "imageIdOverride": "ami-0123456789abcdef0"}]},
    ],
    ids=["imageId", "imageIdOverride"],
)
def test_an_image_put_on_by_hand_is_drift(deployed: Any, put: dict[str, Any]) -> None:
    """Every instance would run it: shown, and the next update takes it off."""
    held = deployed.held["work"]
    deployed.stack.client("batch").update_compute_environment(computeEnvironment=held.id, computeResources=put)
    deployed.stack.clock.advance(4000)
    read = held.handler.read(held.id, held.outputs)
    (change,) = held.handler.diff(read.outputs, held.inputs).changes
    assert change.path == f"computeResources.{next(iter(put))}"
    held.outputs = held.handler.update(held.id, read.outputs, held.inputs)
    assert held.handler.read(held.id, held.outputs).inputs == held.inputs


def test_parameters_of_a_revision_from_outside_are_drift(deployed: Any, container: dict[str, Any]) -> None:
    """They decide over what a job runs, whether the program has any or not."""
    held = deployed.held["job"]
    deployed.stack.client("batch").register_job_definition(
        jobDefinitionName=held["jobDefinitionName"],
        type="container",
        containerProperties=container,
        parameters={"a": "b"},
    )
    read = held.handler.read(held.id, held.outputs)
    (change,) = held.handler.diff(read.outputs, held.inputs).changes
    assert (change.path, change.old) == ("parameters", {"a": "b"})


def template(version: str, *overrides: tuple[str, str]) -> dict[str, Any]:
    listed = [
        {"launchTemplateId": "lt-2", "version": each, "targetInstanceTypes": [type_]} for type_, each in overrides
    ]
    return {
        "computeResources": {"launchTemplate": {"launchTemplateId": "lt-1", "version": version, "overrides": listed}}
    }


def test_a_floating_version_of_an_override_is_no_drift() -> None:
    """As that of the template: AWS keeps the word, the state has the number; by type, whatever the order."""
    known = template("3", ("c5.large", "7"), ("m5.large", "8"))
    told = template("$Latest", ("m5.large", "$Default"), ("c5.large", "$Latest"))
    found = merge_read(CE, known, told)["computeResources"]["launchTemplate"]
    assert found["version"] == "3"
    assert {each["targetInstanceTypes"][0]: each["version"] for each in found["overrides"]} == {
        "c5.large": "7",
        "m5.large": "8",
    }
    assert merge_read(CE, known, template("$Latest", ("c5.large", "9"), ("m5.large", "8"))) == template(
        "3", ("c5.large", "9"), ("m5.large", "8")
    )


def test_versions_of_overrides_have_spellings() -> None:
    """A number is text to AWS, and what is left out is `$Default`; what AWS fills in is no drift."""
    assert normal(CE, template("3", ("c5.large", "7"))) == normal(CE, template("3", ("c5.large", 7)))  # type: ignore[arg-type]
    without = template("3", ("c5.large", "7"))
    del without["computeResources"]["launchTemplate"]["overrides"][0]["version"]
    assert normal(CE, without) == normal(CE, template("3", ("c5.large", "$Default")))
    assert merge_read(CE, without, template("3", ("c5.large", "4"))) == without
