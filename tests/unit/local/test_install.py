"""As a drop-in: plain moto with our Batch, its resets, accounts, regions, CloudFormation and Step Functions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

import batchiac.local
from batchiac.local.installation import is_installed
from batchiac.testing import local_stack

from .conftest import CONTAINER


def client(service: str, region: str = "us-east-1", key: str = "a") -> Any:
    session = botocore.session.Session()
    return session.create_client(service, region_name=region, aws_access_key_id=key, aws_secret_access_key="b")


@pytest.fixture
def installed() -> Iterator[None]:
    batchiac.local.install()
    with mock_aws():
        yield
    batchiac.local.uninstall()


def furnish(batch: Any) -> None:
    """As users of moto write it: no waiting in between."""
    batch.create_compute_environment(
        computeEnvironmentName="environment", type="UNMANAGED", serviceRole="arn:aws:iam::123456789012:role/r"
    )
    order = [{"order": 1, "computeEnvironment": "environment"}]
    batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
    batch.register_job_definition(jobDefinitionName="jd", type="container", containerProperties=CONTAINER)


def make_role() -> None:
    client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")


def test_one_line_changes_and_a_poll_loop_ends(installed: None) -> None:
    """Resources are there when the call returns; jobs end while they are looked at."""
    make_role()
    batch = client("batch")
    furnish(batch)
    job_id = batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd")["jobId"]
    statuses = [batch.describe_jobs(jobs=[job_id])["jobs"][0]["status"] for _ in range(6)]
    assert statuses[-1] == "SUCCEEDED"


def test_regions_are_apart_and_a_new_mock_is_empty(installed: None) -> None:
    """Nothing of one region, or of an earlier mock, is seen."""
    client("batch").create_scheduling_policy(name="p")
    assert client("batch", "eu-west-1").list_scheduling_policies()["schedulingPolicies"] == []
    assert len(client("batch").list_scheduling_policies()["schedulingPolicies"]) == 1
    from moto.core.base_backend import BackendDict
    from moto.core.models import botocore_stubber

    assert botocore_stubber.enabled
    BackendDict.reset()
    assert client("batch").list_scheduling_policies()["schedulingPolicies"] == []


def test_accounts_are_apart(installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto's way of naming an account holds for Batch."""
    client("batch").create_scheduling_policy(name="p")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "111122223333")
    assert client("batch").list_scheduling_policies()["schedulingPolicies"] == []
    assert "111122223333" in client("batch").create_scheduling_policy(name="p")["arn"]


def test_uninstall_gives_moto_its_own_back() -> None:
    """Afterwards moto's backend answers again."""
    import moto.batch

    batchiac.local.install()
    assert "batchiac" in repr(moto.batch.batch_backends.backend)
    batchiac.local.uninstall()
    assert "batchiac" not in repr(moto.batch.batch_backends.backend)
    assert not is_installed()


def test_a_stack_inside_an_installed_one_gives_it_back() -> None:
    """local_stack() puts back what was installed before."""
    batchiac.local.install()
    try:
        with local_stack(projections=False) as stack:
            assert stack.stage.settings.clock == "virtual"
        assert is_installed()
    finally:
        batchiac.local.uninstall()


TEMPLATE = {
    "Resources": {
        "Environment": {
            "Type": "AWS::Batch::ComputeEnvironment",
            "Properties": {
                "Type": "MANAGED",
                "ComputeResources": {
                    "Type": "FARGATE",
                    "MaxvCpus": 16,
                    "Subnets": ["subnet-12345678"],
                    "SecurityGroupIds": ["sg-12345678"],
                },
            },
        },
        "Policy": {"Type": "AWS::Batch::SchedulingPolicy", "Properties": {"Name": "fair"}},
        "Queue": {
            "Type": "AWS::Batch::JobQueue",
            "Properties": {
                "Priority": 1,
                "SchedulingPolicyArn": {"Ref": "Policy"},
                "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": {"Ref": "Environment"}}],
            },
        },
        "Definition": {
            "Type": "AWS::Batch::JobDefinition",
            "Properties": {
                "Type": "container",
                "Parameters": {"Size": "3"},
                "ContainerProperties": {
                    "Image": "busybox",
                    "Command": ["sleep", "Ref::Size"],
                    "ResourceRequirements": [{"Type": "VCPU", "Value": 1}, {"Type": "MEMORY", "Value": 128}],
                },
            },
        },
    },
    "Outputs": {"Queue": {"Value": {"Fn::GetAtt": ["Queue", "JobQueueArn"]}}},
}


def test_cloudformation_makes_updates_and_deletes_our_resources() -> None:
    """A stack's resources are Batch's, the keys of maps untouched, and they go with the stack."""
    with local_stack(projections=False) as stack:
        formation, batch = stack.client("cloudformation"), stack.client("batch")
        formation.create_stack(StackName="s", TemplateBody=json.dumps(TEMPLATE))
        outputs = formation.describe_stacks(StackName="s")["Stacks"][0]["Outputs"]
        queue = batch.describe_job_queues()["jobQueues"][0]
        assert outputs[0]["OutputValue"] == queue["jobQueueArn"]
        assert batch.describe_job_definitions()["jobDefinitions"][0]["parameters"] == {"Size": "3"}
        changed = json.loads(json.dumps(TEMPLATE))
        changed["Resources"]["Queue"]["Properties"]["Priority"] = 5
        formation.update_stack(StackName="s", TemplateBody=json.dumps(changed))
        assert batch.describe_job_queues()["jobQueues"][0]["priority"] == 5
        formation.delete_stack(StackName="s")
        assert batch.describe_job_queues()["jobQueues"] == []
        assert batch.describe_compute_environments()["computeEnvironments"] == []


def test_direct_client_speaks_as_boto3_does() -> None:
    """Same methods, same errors, no HTTP."""
    from botocore.exceptions import ClientError

    with local_stack(projections=False) as stack:
        direct = stack.direct()
        assert direct.list_scheduling_policies() == {"schedulingPolicies": []}
        with pytest.raises(ClientError, match="does not exist"):
            direct.delete_scheduling_policy(arn="arn:aws:batch:us-east-1:123456789012:scheduling-policy/none")
        with pytest.raises(AttributeError, match="make_coffee"):
            direct.make_coffee()
