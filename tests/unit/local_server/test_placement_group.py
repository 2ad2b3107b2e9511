"""EC2 placement groups over boto3, on moto with our addition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.ec2.models import ec2_backends

from batchiac.local.placement_group import install_placement_groups


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    install_placement_groups()
    with mock_aws():
        yield boto3.client("ec2", region_name="us-east-1")


def refused(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_group_is_created_with_tags_and_described(ec2: Any) -> None:
    """Create answers with the whole group, and Describe finds it by name, id, tag and strategy."""
    spec = [{"ResourceType": "placement-group", "Tags": [{"Key": "batchiac:creating", "Value": "p/s/n"}]}]
    group = ec2.create_placement_group(GroupName="mpi", Strategy="cluster", TagSpecifications=spec)["PlacementGroup"]
    assert group["State"] == "available"
    assert group["Strategy"] == "cluster"
    assert group["GroupArn"].endswith(":placement-group/mpi")
    by_tag = [{"Name": "tag:batchiac:creating", "Values": ["p/s/n"]}, {"Name": "strategy", "Values": ["cluster"]}]
    for arguments in ({"GroupNames": ["mpi"]}, {"GroupIds": [group["GroupId"]]}, {"Filters": by_tag}):
        (found,) = ec2.describe_placement_groups(**arguments)["PlacementGroups"]
        assert found["Tags"] == [{"Key": "batchiac:creating", "Value": "p/s/n"}]
    assert ec2.describe_placement_groups(Filters=[{"Name": "group-name", "Values": ["x*"]}])["PlacementGroups"] == []


def test_tags_change_with_create_tags_and_delete_tags(ec2: Any) -> None:
    """A group's id is one that CreateTags, DeleteTags and DescribeTags know."""
    group_id = ec2.create_placement_group(GroupName="mpi")["PlacementGroup"]["GroupId"]
    ec2.create_tags(Resources=[group_id], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ec2.delete_tags(Resources=[group_id], Tags=[{"Key": "a"}])
    (group,) = ec2.describe_placement_groups()["PlacementGroups"]
    assert group["Tags"] == [{"Key": "b", "Value": "2"}]
    (tag,) = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [group_id]}])["Tags"]
    assert tag["ResourceType"] == "placement-group"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"GroupName": "there"}, "InvalidPlacementGroup.Duplicate"),
        ({"Strategy": "cluster"}, "MissingParameter"),
        ({"GroupName": "x" * 256}, "InvalidParameterValue"),
        ({"GroupName": "n", "Strategy": "heap"}, "InvalidParameterValue"),
        ({"GroupName": "n", "Strategy": "cluster", "PartitionCount": 2}, "InvalidParameterCombination"),
        ({"GroupName": "n", "Strategy": "partition", "PartitionCount": 8}, "InvalidParameterValue"),
        ({"GroupName": "n", "Strategy": "cluster", "SpreadLevel": "rack"}, "InvalidParameterCombination"),
        ({"GroupName": "n", "Strategy": "spread", "SpreadLevel": "floor"}, "InvalidParameterValue"),
    ],
)
def test_a_bad_create_is_refused_and_creates_nothing(ec2: Any, arguments: dict[str, Any], code: str) -> None:
    """Each refusal carries EC2's code and leaves the groups as they were."""
    ec2.create_placement_group(GroupName="there")
    assert refused(ec2.create_placement_group, **arguments)[0] == code
    assert [each["GroupName"] for each in ec2.describe_placement_groups()["PlacementGroups"]] == ["there"]


def test_the_defaults_of_each_strategy(ec2: Any) -> None:
    """A partition group has two partitions and a spread group spreads over racks unless told."""
    ec2.create_placement_group(GroupName="p", Strategy="partition")
    ec2.create_placement_group(GroupName="s", Strategy="spread")
    partition, spread = ec2.describe_placement_groups()["PlacementGroups"]
    assert partition["PartitionCount"] == 2
    assert spread["SpreadLevel"] == "rack"
    assert "PartitionCount" not in spread


def test_an_unknown_group_is_refused_everywhere(ec2: Any) -> None:
    """Delete, Describe by name and by id, and RunInstances name the unknown group."""
    unknown = ("InvalidPlacementGroup.Unknown", "The Placement Group 'nope' is unknown.")
    assert refused(ec2.delete_placement_group, GroupName="nope") == unknown
    assert refused(ec2.describe_placement_groups, GroupNames=["nope"]) == unknown
    assert refused(ec2.describe_placement_groups, GroupIds=["pg-0123456789abcdef0"])[0].endswith(".Unknown")
    run = {"ImageId": "ami-12c6146b", "MinCount": 1, "MaxCount": 1}
    assert refused(ec2.run_instances, Placement={"GroupName": "nope"}, **run) == unknown
    assert ec2.describe_instances()["Reservations"] == []


@pytest.mark.parametrize("by_template", [False, True])
def test_a_group_with_an_instance_cannot_be_deleted(ec2: Any, by_template: bool) -> None:
    """Whether the call or the launch template put it there, an instance holds its group until it is terminated."""
    ec2.create_placement_group(GroupName="mpi", Strategy="cluster")
    placement = {"Placement": {"GroupName": "mpi"}}
    if by_template:
        ec2.create_launch_template(LaunchTemplateName="lt", LaunchTemplateData=placement)
        placement = {"LaunchTemplate": {"LaunchTemplateName": "lt"}}
    (instance,) = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, **placement)["Instances"]
    assert instance["Placement"]["GroupName"] == "mpi"
    by_group = [{"Name": "placement-group-name", "Values": ["mpi"]}]
    assert len(ec2.describe_instances(Filters=by_group)["Reservations"]) == 1
    assert refused(ec2.delete_placement_group, GroupName="mpi") == (
        "InvalidPlacementGroup.InUse",
        "The placement group 'mpi' is in use and may not be deleted.",
    )
    ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    ec2.delete_placement_group(GroupName="mpi")
    assert ec2.describe_placement_groups()["PlacementGroups"] == []


def test_a_cluster_group_stays_in_one_zone(ec2: Any) -> None:
    """A second instance in another Availability Zone is refused, as EC2 words it."""
    ec2.create_placement_group(GroupName="mpi", Strategy="cluster")
    run = {"ImageId": "ami-12c6146b", "MinCount": 1, "MaxCount": 1}
    ec2.run_instances(Placement={"GroupName": "mpi", "AvailabilityZone": "us-east-1a"}, **run)
    assert refused(ec2.run_instances, Placement={"GroupName": "mpi", "AvailabilityZone": "us-east-1b"}, **run) == (
        "InvalidPlacementGroup.InUse",
        "The placement group 'mpi' is in use in another availability zone: us-east-1a",
    )


def test_regions_and_resets_are_apart(ec2: Any) -> None:
    """A group exists in its region only, and goes with moto's reset."""
    ec2.create_placement_group(GroupName="mpi")
    other = boto3.client("ec2", region_name="eu-west-1")
    assert other.describe_placement_groups()["PlacementGroups"] == []
    ec2_backends["123456789012"]["us-east-1"].reset()
    assert ec2.describe_placement_groups()["PlacementGroups"] == []


def test_a_dry_run_changes_nothing(ec2: Any) -> None:
    """DryRun answers DryRunOperation."""
    assert refused(ec2.create_placement_group, GroupName="mpi", DryRun=True)[0] == "DryRunOperation"
    assert ec2.describe_placement_groups()["PlacementGroups"] == []
