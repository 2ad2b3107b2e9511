"""Networks through the engine: a subnet that has to go before its successor comes, and what stands in its way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from batch_world import World, changes_of, ref

from batchiac.errors import FindingsError
from batchiac.testing import TestStack, local_stack

EC2 = {
    "type": "EC2",
    "allocationStrategy": "BEST_FIT_PROGRESSIVE",
    "minvCpus": 0,
    "maxvCpus": 16,
    "instanceTypes": ["c5.large"],
    "instanceRole": "arn:aws:iam::123456789012:instance-profile/one",
    "securityGroupIds": ["sg-11111111"],
}


def network(block: str = "10.0.0.0/20", zone: str = "us-east-1a") -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        "vpc": ("Vpc", {"cidrBlock": "10.0.0.0/16"}),
        "subnet": ("Subnet", {"vpcId": ref("vpc.id"), "cidrBlock": block, "availabilityZone": zone}),
        "table": ("RouteTable", {"vpcId": ref("vpc.id"), "subnetIds": [ref("subnet.id")]}),
    }


def subnets_of(stack: TestStack, world: World) -> list[tuple[str, str]]:
    filters = [{"Name": "vpc-id", "Values": [world.id("vpc")]}]
    found = stack.client("ec2").describe_subnets(Filters=filters)["Subnets"]
    return [(each["AvailabilityZone"], each["CidrBlock"]) for each in found]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"availabilityZone": "us-east-1b"}, ("us-east-1b", "10.0.0.0/20")),
        ({"cidrBlock": "10.0.0.0/21"}, ("us-east-1a", "10.0.0.0/21")),
        ({"cidrBlock": "10.0.16.0/20"}, ("us-east-1a", "10.0.16.0/20")),
    ],
)
def test_a_subnet_that_nothing_uses_is_replaced(
    tmp_path: Path, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    """In either order: EC2 refuses no step, the route table follows, and a second preview is empty."""
    with local_stack(projections=False) as stack:
        world = World(tmp_path / "world", stack, network())
        world.up()
        world.inputs("subnet").update(changes)
        assert changes_of(world.preview())["subnet"].op == "replace"
        world.up()
        assert subnets_of(stack, world) == [expected]
        (table,) = stack.client("ec2").describe_route_tables(RouteTableIds=[world.id("table")])["RouteTables"]
        associated = [each["SubnetId"] for each in table["Associations"] if each.get("SubnetId")]
        assert associated == [world.id("subnet")]
        again = world.preview(refresh=True)
        assert changes_of(again) == {}
        assert [each for each in again.drift if each.changes_something] == []


def test_a_subnet_is_not_taken_from_under_an_environment(tmp_path: Path) -> None:
    """Said by preview and up, before anything is done; beside the old one there is room."""
    with local_stack(projections=False) as stack:
        resources = {**EC2, "subnets": [ref("subnet.id")]}
        work = ("ComputeEnvironment", {"type": "MANAGED", "computeResources": resources})
        world = World(tmp_path / "world", stack, {**network(), "work": work})
        world.up()
        before = world.id("subnet")
        world.inputs("subnet")["availabilityZone"] = "us-east-1b"
        for act in (world.preview, world.up):
            with pytest.raises(FindingsError, match="before it is made anew, under compute environment work"):
                act()
        assert world.id("subnet") == before
        assert subnets_of(stack, world) == [("us-east-1a", "10.0.0.0/20")]
        world.inputs("subnet")["cidrBlock"] = "10.0.16.0/20"
        world.up()
        assert subnets_of(stack, world) == [("us-east-1b", "10.0.16.0/20")]


def test_a_subnet_whose_addresses_another_still_has_is_refused(tmp_path: Path) -> None:
    """What the program no longer declares goes last: its addresses are free in the next update only."""
    with local_stack(projections=False) as stack:
        world = World(tmp_path / "world", stack, network())
        world.up()
        things = network()
        renamed = {"vpc": things["vpc"], "other": things["subnet"]}
        world.things = renamed
        for act in (world.preview, world.up):
            with pytest.raises(FindingsError, match=r"10\.0\.0\.0/20 overlaps 10\.0\.0\.0/20 of subnet subnet"):
                act()
        world.things = {"vpc": things["vpc"]}
        world.up()
        world.things = renamed
        world.up()
        assert subnets_of(stack, world) == [("us-east-1a", "10.0.0.0/20")]
