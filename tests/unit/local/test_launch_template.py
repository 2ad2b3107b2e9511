"""Launch template versions: deleted one by one, never numbered again, found by their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from batchiac.local.additions import install_additions


@pytest.fixture
def ec2() -> Iterator[Any]:
    """EC2 with a template `own` of the versions 1 to 4, 1 being the default."""
    install_additions()
    with mock_aws():
        session = botocore.session.Session()
        client = session.create_client("ec2", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_launch_template(LaunchTemplateName="own", LaunchTemplateData={"KeyName": "k1"})
        for number in (2, 3, 4):
            client.create_launch_template_version(
                LaunchTemplateName="own", LaunchTemplateData={"KeyName": f"k{number}"}
            )
        yield client


def numbers(ec2: Any, **options: Any) -> list[int]:
    shown = ec2.describe_launch_template_versions(LaunchTemplateName="own", **options)["LaunchTemplateVersions"]
    assert all(each["LaunchTemplateData"]["KeyName"] == f"k{each['VersionNumber']}" for each in shown)
    return [each["VersionNumber"] for each in shown]


def test_versions_are_deleted_and_the_default_stays(ec2: Any) -> None:
    """Each version has its own answer: done, the default, not there."""
    done = ec2.delete_launch_template_versions(LaunchTemplateName="own", Versions=["1", "2", "9"])
    assert [each["VersionNumber"] for each in done["SuccessfullyDeletedLaunchTemplateVersions"]] == [2]
    kept = done["UnsuccessfullyDeletedLaunchTemplateVersions"]
    assert [(each["VersionNumber"], each["ResponseError"]["Code"]) for each in kept] == [
        (1, "unexpectedError"),
        (9, "launchTemplateVersionDoesNotExist"),
    ]
    assert numbers(ec2) == [1, 3, 4]
    assert ec2.describe_launch_templates()["LaunchTemplates"][0]["LatestVersionNumber"] == 4


def test_a_deleted_versions_number_is_not_used_again(ec2: Any) -> None:
    """The next version counts on, and the versions left are found by number, default, latest and range."""
    ec2.modify_launch_template(LaunchTemplateName="own", DefaultVersion="3")
    ec2.delete_launch_template_versions(LaunchTemplateName="own", Versions=["1", "4"])
    made = ec2.create_launch_template_version(LaunchTemplateName="own", LaunchTemplateData={"KeyName": "k5"})
    assert made["LaunchTemplateVersion"]["VersionNumber"] == 5
    assert numbers(ec2) == [2, 3, 5]
    assert numbers(ec2, Versions=["$Default", "$Latest", "2"]) == [3, 5, 2]
    assert numbers(ec2, MinVersion="3") == [3, 5]
    assert numbers(ec2, MaxVersion="3") == [2, 3]
    assert numbers(ec2, MinVersion="3", MaxVersion="4") == [3]
    with pytest.raises(ClientError) as refused:
        numbers(ec2, Versions=["4"])
    assert refused.value.response["Error"]["Code"] == "InvalidLaunchTemplateId.VersionNotFound"


def test_unknown_templates_and_too_many_versions_are_refused(ec2: Any) -> None:
    """With EC2's codes."""
    for options, code in (
        ({"LaunchTemplateId": "lt-0123456789abcdef0", "Versions": ["1"]}, "InvalidLaunchTemplateId.NotFound"),
        ({"LaunchTemplateName": "other", "Versions": ["1"]}, "InvalidLaunchTemplateName.NotFoundException"),
        ({"LaunchTemplateName": "own", "Versions": [str(n) for n in range(201)]}, "InvalidParameterValue"),
    ):
        with pytest.raises(ClientError) as refused:
            ec2.delete_launch_template_versions(**options)
        assert refused.value.response["Error"]["Code"] == code
