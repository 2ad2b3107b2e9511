"""A local stack with one EC2 environment, one queue and one definition, without projections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from batchiac.testing import TestStack, local_stack

RESOURCES = {
    "type": "EC2",
    "minvCpus": 0,
    "maxvCpus": 64,
    "instanceTypes": ["m5"],
    "subnets": ["subnet-12345678"],
    "securityGroupIds": ["sg-12345678"],
    "instanceRole": "arn:aws:iam::123456789012:instance-profile/ecsInstanceRole",
    "allocationStrategy": "BEST_FIT_PROGRESSIVE",
}
CONTAINER = {
    "image": "busybox",
    "command": ["sleep", "10"],
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}],
}


def furnish(stack: TestStack, **queue: Any) -> Any:
    """An environment `ce`, a queue `q` and a definition `jd`, all VALID; the client."""
    batch = stack.client("batch")
    batch.create_compute_environment(computeEnvironmentName="ce", type="MANAGED", computeResources=RESOURCES)
    stack.clock.run_until_idle()
    order = [{"order": 1, "computeEnvironment": "ce"}]
    batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order, **queue)
    stack.clock.run_until_idle()
    batch.register_job_definition(jobDefinitionName="jd", type="container", containerProperties=CONTAINER)
    return batch


@pytest.fixture
def stack() -> Iterator[TestStack]:
    """An empty stack in virtual time, without projections."""
    with local_stack(projections=False) as running:
        yield running


@pytest.fixture
def batch(stack: TestStack) -> Any:
    """A boto3 client of a furnished stack."""
    return furnish(stack)


def furnish_with_projections(stack: TestStack) -> Any:
    """A queue `q` of an UNMANAGED environment and a definition `jd`: nothing of EC2 is needed; the client."""
    batch, iam = stack.client("batch"), stack.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "batch.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="service", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    batch.create_compute_environment(computeEnvironmentName="ce", type="UNMANAGED", serviceRole=role["Role"]["Arn"])
    stack.clock.run_until_idle()
    order = [{"order": 1, "computeEnvironment": "ce"}]
    batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
    stack.clock.run_until_idle()
    batch.register_job_definition(jobDefinitionName="jd", type="container", containerProperties=CONTAINER)
    return batch
