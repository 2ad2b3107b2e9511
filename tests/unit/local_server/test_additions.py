"""What moto gets wrong for a Batch account is right with our additions, over boto3."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from batchiac.local.additions import install_additions

USER_DATA = base64.b64encode(b"MIME-Version: 1.0").decode()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    install_additions()
    install_additions()
    with mock_aws():
        yield lambda service: boto3.client(service, region_name="us-east-1")


def code_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    code: str = caught.value.response["Error"]["Code"]
    return code


def make_template(ec2: Any) -> str:
    template_id: str = ec2.create_launch_template(
        LaunchTemplateName="template",
        LaunchTemplateData={"UserData": USER_DATA, "KeyName": "k"},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": [{"Key": "a", "Value": "1"}]}],
    )["LaunchTemplate"]["LaunchTemplateId"]
    return template_id


def test_a_templates_own_tags_are_live_and_no_part_of_its_data(client: Any) -> None:
    """Tags changed after creation show, and what would be launched does not carry the template's tags."""
    ec2 = client("ec2")
    template_id = make_template(ec2)
    ec2.create_tags(Resources=[template_id], Tags=[{"Key": "b", "Value": "2"}])
    ec2.delete_tags(Resources=[template_id], Tags=[{"Key": "a"}])
    (template,) = ec2.describe_launch_templates()["LaunchTemplates"]
    assert template["Tags"] == [{"Key": "b", "Value": "2"}]
    (version,) = ec2.describe_launch_template_versions(LaunchTemplateId=template_id)["LaunchTemplateVersions"]
    assert version["LaunchTemplateData"] == {"UserData": USER_DATA, "KeyName": "k"}


def test_a_version_inherits_from_its_source(client: Any) -> None:
    """Without a source version the data is what the call says; with one, the rest is inherited."""
    ec2 = client("ec2")
    template_id = make_template(ec2)
    new = {"LaunchTemplateData": {"KeyName": "other"}, "LaunchTemplateId": template_id}
    alone = ec2.create_launch_template_version(**new)["LaunchTemplateVersion"]
    heir = ec2.create_launch_template_version(SourceVersion="1", **new)["LaunchTemplateVersion"]
    assert alone["LaunchTemplateData"] == {"KeyName": "other"}
    assert heir["LaunchTemplateData"] == {"KeyName": "other", "UserData": USER_DATA}
    latest = ec2.describe_launch_template_versions(LaunchTemplateId=template_id, Versions=["$Latest"])
    assert latest["LaunchTemplateVersions"][0]["VersionNumber"] == 3


@pytest.mark.parametrize("version", ["0", "9", "-1", "abc", "$Newest"])
def test_a_version_that_does_not_exist_is_refused(client: Any, version: str) -> None:
    """No version number, however odd, ends in anything but EC2's refusal."""
    ec2 = client("ec2")
    template_id = make_template(ec2)
    read = ec2.describe_launch_template_versions
    assert code_of(read, LaunchTemplateId=template_id, Versions=[version]) == "InvalidLaunchTemplateId.VersionNotFound"


def test_an_unknown_template_is_refused_with_ec2s_codes(client: Any) -> None:
    """By id and by name, in Describe, Delete and a new version."""
    ec2 = client("ec2")
    by_id, by_name = {"LaunchTemplateId": "lt-0123456789abcdef0"}, {"LaunchTemplateName": "none-such"}
    no_id, no_name = "InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException"
    assert code_of(ec2.describe_launch_templates, LaunchTemplateIds=["lt-0123456789abcdef0"]) == no_id
    assert code_of(ec2.delete_launch_template, **by_id) == no_id
    assert code_of(ec2.delete_launch_template, **by_name) == no_name
    assert code_of(ec2.create_launch_template_version, LaunchTemplateData={}, **by_name) == no_name
    assert code_of(ec2.create_launch_template_version, LaunchTemplateData={}) == "MissingParameter"
    make_template(ec2)
    assert (
        ec2.delete_launch_template(LaunchTemplateName="template")["LaunchTemplate"]["LaunchTemplateName"] == "template"
    )
    make_template(ec2)


def test_a_subnet_and_a_security_group_in_use_stay(client: Any) -> None:
    """Both refuse while an instance lives in them, and go when it is terminated."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    (instance,) = ec2.run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[group]
    )["Instances"]
    assert code_of(ec2.delete_subnet, SubnetId=subnet) == "DependencyViolation"
    assert code_of(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    ec2.delete_security_group(GroupId=group)
    ec2.delete_subnet(SubnetId=subnet)
    assert code_of(ec2.delete_subnet, SubnetId=subnet) == "InvalidSubnetID.NotFound"
    assert code_of(ec2.delete_security_group, GroupId=group) == "InvalidGroup.NotFound"


def test_a_security_group_that_another_refers_to_stays(client: Any) -> None:
    """A rule of another group holds it; a rule of its own does not."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    one, two = (ec2.create_security_group(GroupName=n, Description="d", VpcId=vpc)["GroupId"] for n in "ab")
    for group in (one, two):
        permission = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": one}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    assert code_of(ec2.delete_security_group, GroupId=one) == "DependencyViolation"
    ec2.delete_security_group(GroupId=two)
    ec2.delete_security_group(GroupId=one)


def test_aws_managed_policies_can_be_attached_and_detached(client: Any) -> None:
    """The policies that a Batch account needs exist; one that AWS does not have is refused."""
    iam = client("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    arns = [
        f"arn:aws:iam::aws:policy/{name}"
        for name in (
            "service-role/AmazonEC2ContainerServiceforEC2Role",
            "service-role/AmazonEC2SpotFleetTaggingRole",
            "service-role/AmazonECSTaskExecutionRolePolicy",
            "service-role/AWSBatchServiceRole",
            "AmazonSSMManagedInstanceCore",
        )
    ]
    for arn in arns:
        iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName="r")["AttachedPolicies"]
    assert sorted(each["PolicyArn"] for each in attached) == sorted(arns)
    version = iam.get_policy(PolicyArn=arns[0])["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arns[0], VersionId=version)["PolicyVersion"]["Document"]
    assert "ecs:RegisterContainerInstance" in str(document)
    for arn in arns:
        iam.detach_role_policy(RoleName="r", PolicyArn=arn)
    iam.delete_role(RoleName="r")
    assert code_of(iam.get_policy, PolicyArn="arn:aws:iam::aws:policy/Nope") == "NoSuchEntity"


def test_the_service_linked_role_has_awss_name(client: Any) -> None:
    """AWSServiceRoleForBatch, not AWSServiceRoleForbatch."""
    role = client("iam").create_service_linked_role(AWSServiceName="batch.amazonaws.com")["Role"]
    assert role["Arn"].endswith(":role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch")
