"""`batchImageStatus`, which DescribeComputeEnvironments adds to what was asked for: where, and from when on."""

from __future__ import annotations

from typing import Any

import pytest

from batchiac.testing import TestStack, local_stack

TRUST = '{"Version": "2012-10-17", "Statement": []}'


def environment(stack: TestStack, name: str, **resources: Any) -> str:
    """The ARN of a VALID environment of one vCPU type, with these members of computeResources."""
    ec2, iam, batch = (stack.client(each) for each in ("ec2", "iam", "batch"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/20")["Subnet"]["SubnetId"]
    group = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"][0]["GroupId"]
    profile = iam.create_instance_profile(InstanceProfileName=f"{name}-profile")["InstanceProfile"]["Arn"]
    iam.create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=TRUST)
    iam.add_role_to_instance_profile(InstanceProfileName=f"{name}-profile", RoleName=f"{name}-role")
    basis = {
        "type": "EC2",
        "allocationStrategy": "BEST_FIT_PROGRESSIVE",
        "minvCpus": 0,
        "maxvCpus": 16,
        "instanceTypes": ["c5.large"],
        "subnets": [subnet],
        "securityGroupIds": [group],
        "instanceRole": profile,
    }
    arn: str = batch.create_compute_environment(
        computeEnvironmentName=name, type="MANAGED", computeResources={**basis, **resources}
    )["computeEnvironmentArn"]
    stack.clock.advance(60)
    return arn


def images(stack: TestStack, arn: str) -> Any:
    found = stack.client("batch").describe_compute_environments(computeEnvironments=[arn])["computeEnvironments"][0]
    assert found["status"] == "VALID", found["statusReason"]
    return found["computeResources"]["ec2Configuration"]


def scale(stack: TestStack, arn: str, vcpus: int = 2) -> None:
    stack.client("batch").update_compute_environment(computeEnvironment=arn, computeResources={"desiredvCpus": vcpus})
    stack.clock.advance(600)


def test_it_comes_with_the_first_instance_of_the_image_type() -> None:
    """ "The field only appears after the compute environment has begun scaling instances using the imageType."

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_Ec2Configuration.html, read 2026-12-01.
    """
    plain, gpu = {"imageType": "ECS_AL2023"}, {"imageType": "ECS_AL2023_NVIDIA"}
    with local_stack() as stack:
        arn = environment(stack, "one")
        assert images(stack, arn) == [plain]
        scale(stack, arn)
        assert images(stack, arn) == [{**plain, "batchImageStatus": "LATEST"}]
        stack.clock.run_until_idle()
        assert images(stack, arn) == [{**plain, "batchImageStatus": "LATEST"}]
        both = environment(stack, "two", ec2Configuration=[gpu, plain])
        scale(stack, both)
        assert images(stack, both) == [gpu, {**plain, "batchImageStatus": "LATEST"}]


@pytest.mark.parametrize(
    "given",
    [
        {"imageId": "ami-12c6146b"},
        {"ec2Configuration": [{"imageType": "ECS_AL2023", "imageIdOverride": "ami-12c6146b"}]},
        {"launchTemplate": {"launchTemplateName": "of-an-image"}},
        {
            "launchTemplate": {
                "launchTemplateName": "plain",
                "overrides": [{"launchTemplateName": "of-an-image", "targetInstanceTypes": ["c5.large"]}],
            }
        },
    ],
    ids=["imageId", "imageIdOverride", "launch template", "override"],
)
def test_there_is_none_where_an_image_is_specified(given: dict[str, Any]) -> None:
    """ "The field is not present when an image is specified in ComputeResources.imageId (deprecated), the default
    launch template, or Ec2Configuration.imageIdOverride. The field is also not present when the compute environment has
    a launch template override."

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_Ec2Configuration.html, read 2026-12-01.
    """
    with local_stack() as stack:
        ec2 = stack.client("ec2")
        ec2.create_launch_template(LaunchTemplateName="plain", LaunchTemplateData={"EbsOptimized": True})
        ec2.create_launch_template(
            LaunchTemplateName="of-an-image", LaunchTemplateData={"ImageId": "ami-12c6146b", "EbsOptimized": True}
        )
        arn = environment(stack, "one", **given)
        scale(stack, arn)
        assert all("batchImageStatus" not in each for each in images(stack, arn))
