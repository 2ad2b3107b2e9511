"""The answer to a create is lost and botocore sends the request again: there is one, ours, and nothing is left."""

from __future__ import annotations

from typing import Any

import pytest

from batchiac.provider import HANDLERS, TOKEN_PREFIX
from batchiac.testing import TestStack, local_stack

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
SIZE = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
CREATES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "Vpc": ("ec2", "CreateVpc", {"cidrBlock": "10.9.0.0/16"}),
    "InternetGateway": ("ec2", "CreateInternetGateway", {}),
    "PlacementGroup": ("ec2", "CreatePlacementGroup", {"strategy": "cluster"}),
    "LaunchTemplate": ("ec2", "CreateLaunchTemplate", {"launchTemplateData": {"imageId": "ami-12345678"}}),
    "Role": ("iam", "CreateRole", {"assumeRolePolicyDocument": TRUST}),
    "InstanceProfile": ("iam", "CreateInstanceProfile", {"roles": []}),
    "SchedulingPolicy": ("batch", "CreateSchedulingPolicy", {"fairsharePolicy": {}}),
    "JobDefinition": (
        "batch",
        "RegisterJobDefinition",
        {"type": "container", "containerProperties": {"image": "busybox", "resourceRequirements": SIZE}},
    ),
}


def handler_of(stack: TestStack, kind: str) -> Any:
    return HANDLERS[TOKEN_PREFIX + kind](stack.door)


@pytest.mark.parametrize("kind", CREATES)
def test_a_create_that_was_sent_twice_made_one(kind: str) -> None:
    """Whatever a name or its absence makes of the second request; and what carried the creating tag is one thing."""
    service, operation, inputs = CREATES[kind]
    with local_stack(projections=False) as stack:
        handler = handler_of(stack, kind)
        checked = handler.check({}, {"identity": "project/stack/x", **inputs})
        assert not checked.failures
        stack.faults.add("lost_answer", service=service, operation=operation, times=1)
        made = handler.create_unconfirmed(checked.inputs)
        assert list(handler._find_creating(checked.inputs)) == [made.id]
        handler.confirm(made.id, made.outputs)
        assert list(handler_of(stack, kind)._find_creating(checked.inputs)) == []
        if kind == "Vpc":
            own = [each for each in stack.client("ec2").describe_vpcs()["Vpcs"] if not each["IsDefault"]]
            assert [each["VpcId"] for each in own] == [made.id]


def test_a_revision_that_was_registered_twice_is_one() -> None:
    """The first of two is deregistered, and the state names the second."""
    with local_stack(projections=False) as stack:
        handler, batch = handler_of(stack, "JobDefinition"), stack.client("batch")
        checked = handler.check({}, {"identity": "project/stack/x", **CREATES["JobDefinition"][2]}).inputs
        made = handler.create(checked)
        wanted = {**checked, "containerProperties": {"image": "other", "resourceRequirements": SIZE}}
        stack.faults.add("lost_answer", service="batch", operation="RegisterJobDefinition", times=1)
        outputs = handler.update(made.id, made.outputs, wanted)
        active = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
        assert sorted(each["revision"] for each in active) == [1, 3]
        assert outputs["revision"] == 3
