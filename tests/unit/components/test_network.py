"""The network component: which block a zone has, zones that come and go, regions, partitions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batchiac.components.network import DEFAULT_ZONES, chosen_blocks, subnet_blocks
from batchiac.components.stack_config import ConfigRunError
from batchiac.errors import FindingsError
from batchiac.testing import Deployment, TestStack, local_stack

ENVIRONMENT = """
import batchiac.components as batch
network = batch.Network("net", {arguments})
roles = batch.Roles("roles")
batch.ManagedComputeEnvironment("work", network=network, roles=roles, instance_types=["c5"], max_vcpus=64)
"""

Blocks = list[tuple[str, str]]


@pytest.fixture
def deploy(write: Callable[..., Path], stack: TestStack) -> Iterator[Callable[..., Deployment]]:
    """Deploy a program, or change the one that is deployed: the network with these arguments, an environment on it."""
    deployed: list[Deployment] = []

    def change(arguments: str, program: str = ENVIRONMENT, *, up: bool = True) -> Deployment:
        folder = write(program.format(arguments=arguments), head="")
        if not deployed:
            deployed.append(stack.up(folder))
        elif up:
            deployed[0].up()
        return deployed[0]

    yield change
    for each in deployed:
        each.destroy()


def zones(*letters: str) -> str:
    return f"availability_zones={[f'us-east-1{letter}' for letter in letters]}"


def blocks_of(stack: TestStack, deployment: Deployment) -> Blocks:
    """Zone and block of the subnets that the environment is in, in the order of the zones."""
    batch, ec2 = stack.client("batch"), stack.client("ec2")
    (environment,) = batch.describe_compute_environments()["computeEnvironments"]
    found = ec2.describe_subnets(SubnetIds=environment["computeResources"]["subnets"])["Subnets"]
    own = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [found[0]["VpcId"]]}])["Subnets"]
    assert len(own) == len(found)
    return sorted((each["AvailabilityZone"], each["CidrBlock"]) for each in found)


@pytest.mark.parametrize(
    ("before", "after"), [("ab", "bc"), ("abc", "bc"), ("ab", "ba"), ("ab", "abc"), ("c", "abc"), ("f", "a")]
)
def test_zones_come_and_go_and_the_others_stay(
    deploy: Callable[..., Deployment], stack: TestStack, before: str, after: str
) -> None:
    """No subnet of a zone that stays is touched, whatever comes and goes, and whatever the order."""
    deployment = deploy(zones(*before))
    first = dict(blocks_of(stack, deployment))
    deploy(zones(*after), up=False)
    assert [step.op for step in deployment.preview().steps if "replace" in step.op.value] == []
    deploy(zones(*after))
    second = dict(blocks_of(stack, deployment))
    assert set(second) == {f"us-east-1{letter}" for letter in after}
    assert {zone: block for zone, block in second.items() if zone in first} == {
        zone: block for zone, block in first.items() if zone in second
    }
    assert [step for step in deployment.preview().steps if step.changes_something] == []


def test_a_block_that_must_be_parted_anew_is_refused_before_anything(
    deploy: Callable[..., Deployment], stack: TestStack
) -> None:
    """Halves leave no room for a third zone: said at preview, with what to do; chosen blocks are the way out."""
    deployment = deploy(f"cidr_block='10.0.0.0/24', {zones('a', 'b')}")
    before = blocks_of(stack, deployment)
    assert [block for _, block in before] == ["10.0.0.0/25", "10.0.0.128/25"]
    deploy(f"cidr_block='10.0.0.0/24', {zones('a', 'b', 'c')}", up=False)
    for act in (deployment.preview, deployment.up):
        with pytest.raises(FindingsError) as caught:
            act()
        said = " ".join(each.message for each in caught.value.findings)
        assert "10.0.0.64/26 overlaps 10.0.0.0/25 of subnet net-us-east-1a" in said
        assert "under compute environment work" in said
        assert "availability_zones={zone: block}" in said
        assert blocks_of(stack, deployment) == before
    chosen = {"us-east-1a": "10.0.0.0/25", "us-east-1b": "10.0.0.128/25"}
    deploy(f"cidr_block='10.0.0.0/24', availability_zones={chosen}")
    assert blocks_of(stack, deployment) == before
    deploy(f"cidr_block='10.0.0.0/24', availability_zones={ {'us-east-1a': '10.0.0.0/25'} }")
    chosen = {"us-east-1a": "10.0.0.0/25", "us-east-1b": "10.0.0.128/26", "us-east-1c": "10.0.0.192/26"}
    deploy(f"cidr_block='10.0.0.0/24', availability_zones={chosen}")
    assert blocks_of(stack, deployment) == list(chosen.items())


def test_blocks_that_change_places_are_refused_before_anything(
    deploy: Callable[..., Deployment], stack: TestStack
) -> None:
    """A network of an older version has blocks by the order of its zones: the plan says so and what to write."""
    chosen = {"us-east-1a": "10.0.16.0/20", "us-east-1b": "10.0.0.0/20"}
    deployment = deploy(f"availability_zones={chosen}")
    before = blocks_of(stack, deployment)
    deploy(zones("a", "b"), up=False)
    with pytest.raises(FindingsError, match=r"10\.0\.0\.0/20 overlaps 10\.0\.0\.0/20 of subnet net-us-east-1b"):
        deployment.preview()
    assert blocks_of(stack, deployment) == before


def test_a_zone_s_part_follows_from_its_letter() -> None:
    """As it always was for zones in order; and for a block with room, the same whatever the other zones are."""
    letters = "abcdef"
    by_place = ["10.0.0.0/20", "10.0.16.0/20", "10.0.32.0/20", "10.0.48.0/20", "10.0.64.0/20", "10.0.80.0/20"]
    for count in range(1, 7):
        in_order = [f"us-east-1{letter}" for letter in letters[:count]]
        assert list(subnet_blocks("10.0.0.0/16", in_order).values()) == by_place[:count]
        for some in itertools.combinations([f"us-east-1{letter}" for letter in letters], count):
            places = [by_place[letters.index(zone[-1])] for zone in some]
            assert list(subnet_blocks("10.0.0.0/16", some).values()) == places
    assert subnet_blocks("10.0.0.0/24", ["us-east-1b", "us-east-1a"]) == {
        "us-east-1b": "10.0.0.128/25",
        "us-east-1a": "10.0.0.0/25",
    }


@pytest.mark.parametrize(
    ("block", "zones", "said"),
    [
        ("10.0.0.0", ["us-east-1f"], "10.0.0.0 is too small|10.0.0.0/32 is too small"),
        ("10.0.0.0/26", ["us-east-1f"], "10.0.0.0/26 is too small for 8 parts, which zone us-east-1f asks for"),
        ("ten", ["us-east-1a"], "ten is no CIDR block"),
        ("10.0.0.0/16", ["us-east-1a", "us-east-1a"], "us-east-1a is named twice"),
        ("10.0.0.0/16", ["us-east-1-bos-1a"], "us-east-1-bos-1a is no zone that is called by a region and a letter"),
    ],
)
def test_what_no_part_can_be_taken_of(block: str, zones: list[str], said: str) -> None:
    """Each is the user's, and the sentence says what to write."""
    with pytest.raises(ConfigRunError, match=said):
        subnet_blocks(block, zones)


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ({"us-east-1a": "10.1.0.0/20"}, "10.1.0.0/20 of zone us-east-1a is not within 10.0.0.0/16"),
        (
            {"us-east-1a": "10.0.0.0/20", "x": "10.0.8.0/24"},
            r"zones us-east-1a \(10.0.0.0/20\) and x \(10.0.8.0/24\) ov",
        ),
        ({"us-east-1a": "10.0.0.1/20"}, "is no CIDR block"),
        ({"us-east-1a": "2001:db8::/64"}, "is not within"),
    ],
)
def test_chosen_blocks_are_looked_at(blocks: dict[str, str], said: str) -> None:
    """Blocks that AWS would refuse one by one are refused at once."""
    with pytest.raises(ConfigRunError, match=said):
        chosen_blocks("10.0.0.0/16", blocks)


@pytest.mark.parametrize("region", ["ap-northeast-1", "us-west-1", "ca-central-1", "ap-northeast-2"])
def test_the_default_zones_exist(write: Callable[..., Path], region: str) -> None:
    """Tokyo has no zone b."""
    folder = write("import batchiac.components as batch\nbatch.Network('net')\n", head="")
    config = folder / "stacks" / "Pulumi.local.yaml"
    config.write_text(config.read_text().replace("us-east-1", region))
    with local_stack(projections=False, region=region) as stack:
        deployment = stack.up(folder)
        ec2 = stack.client("ec2")
        found = [each for each in ec2.describe_subnets()["Subnets"] if not each["DefaultForAz"]]
        expected = {f"{region}{letter}" for letter in DEFAULT_ZONES.get(region, "ab")}
        assert {each["AvailabilityZone"] for each in found} == expected
        deployment.destroy()


@pytest.mark.parametrize(
    ("region", "partition", "service"),
    [
        ("us-gov-west-1", "aws-us-gov", "ec2.amazonaws.com"),
        ("cn-north-1", "aws-cn", "ec2.amazonaws.com.cn"),
        ("eu-west-1", "aws", "ec2.amazonaws.com"),
    ],
)
def test_policies_are_those_of_the_partition(
    write: Callable[..., Path], region: str, partition: str, service: str
) -> None:
    """GovCloud's and China's managed policies have ARNs of their own, and EC2 is called otherwise in China."""
    program = "import batchiac.components as batch\nbatch.Roles('roles')\n"
    folder = write(program, head="")
    config = folder / "stacks" / "Pulumi.local.yaml"
    config.write_text(config.read_text().replace("us-east-1", region))
    with local_stack(projections=False, region=region) as stack:
        iam = stack.client("iam")
        before = {each["RoleName"] for each in iam.list_roles()["Roles"]}
        deployment = stack.up(folder)
        roles = [each for each in iam.list_roles()["Roles"] if each["RoleName"] not in before]
        assert len(roles) == 4
        attached = [iam.list_attached_role_policies(RoleName=each["RoleName"]) for each in roles]
        deployment.destroy()
    arns = [policy["PolicyArn"] for each in attached for policy in each["AttachedPolicies"]]
    assert len(arns) == 3
    assert all(arn.startswith(f"arn:{partition}:iam::aws:policy/service-role/") for arn in arns)
    services = {each["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"] for each in roles}
    assert services == {service, "ecs-tasks.amazonaws.com", "spotfleet.amazonaws.com"}
