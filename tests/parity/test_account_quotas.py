"""AWS's service quotas for an account and Region, with address and date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.local.quotas import NO_QUOTAS, Quotas
from batchiac.testing import TestStack, local_stack

ROLE = "arn:aws:iam::123456789012:role/batch"
LIMITS = [{"maxCapacity": 1, "capacityUnit": "NUM_INSTANCES"}]


@pytest.fixture
def stack() -> Iterator[TestStack]:
    with local_stack(projections=False, at_once=True) as running:
        yield running


def environment(batch: Any, name: str, **more: Any) -> None:
    batch.create_compute_environment(computeEnvironmentName=name, type="UNMANAGED", serviceRole=ROLE, **more)


def queue(batch: Any, name: str) -> None:
    order = [{"order": 1, "computeEnvironment": "ce0"}]
    batch.create_job_queue(jobQueueName=name, priority=1, computeEnvironmentOrder=order)


def service(batch: Any, name: str) -> None:
    batch.create_service_environment(
        serviceEnvironmentName=name, serviceEnvironmentType="SAGEMAKER_TRAINING", capacityLimits=LIMITS
    )


def refused(call: Any, *given: Any, **named: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(*given, **named)
    said = error.value.response
    assert (said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"]) == ("ClientException", 400)
    return str(said["Error"]["Message"])


def test_an_account_has_fifty_of_each(stack: TestStack) -> None:
    """Compute environments, job queues, service environments: 50 in a Region; one that is gone makes room.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html, read 2026-11-21.
    """
    batch = stack.client("batch")
    for create, prefix, words in (
        (environment, "ce", "50 compute environments"),
        (queue, "q", "50 job queues"),
        (service, "se", "50 service environments"),
    ):
        for number in range(50):
            create(batch, f"{prefix}{number}")
        assert words in refused(create, batch, "more")
        assert refused(create, batch, f"{prefix}7") == "Object already exists"
    batch.update_job_queue(jobQueue="q7", state="DISABLED")
    batch.delete_job_queue(jobQueue="q7")
    stack.clock.run_until_idle()
    queue(batch, "more")
    other = stack.client("batch", "eu-west-1")
    environment(other, "more")


def test_an_eks_cluster_has_five_environments() -> None:
    """ "Maximum number of compute environments per Amazon EKS cluster": 5.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html, read 2026-11-21.
    """
    resources = {
        "type": "EC2", "minvCpus": 0, "maxvCpus": 8, "instanceTypes": ["m5.large"], "subnets": ["subnet-12345678"],
        "securityGroupIds": ["sg-12345678"], "instanceRole": "arn:aws:iam::123456789012:instance-profile/eks",
        "allocationStrategy": "BEST_FIT_PROGRESSIVE",
    }  # fmt: skip

    def create(batch: Any, name: str, cluster: str) -> None:
        arn = f"arn:aws:eks:us-east-1:123456789012:cluster/{cluster}"
        batch.create_compute_environment(
            computeEnvironmentName=name, type="MANAGED", computeResources=resources,
            eksConfiguration={"eksClusterArn": arn, "kubernetesNamespace": "jobs"},
        )  # fmt: skip

    with local_stack(projections=False, at_once=True) as stack:
        batch = stack.client("batch")
        for number in range(5):
            create(batch, f"ce{number}", "one")
        assert "up to 5 compute environments" in refused(create, batch, "more", "one")
        create(batch, "more", "other")


@pytest.mark.parametrize("quotas", [Quotas(compute_environments=60), NO_QUOTAS])
def test_quotas_can_be_raised(quotas: Quotas) -> None:
    """As Service Quotas raises an account's.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html, read 2026-11-21.
    """
    with local_stack(projections=False, at_once=True, quotas=quotas) as stack:
        batch = stack.client("batch")
        for number in range(60):
            environment(batch, f"ce{number}")
        if quotas is NO_QUOTAS:
            environment(batch, "more")
        else:
            assert "60 compute environments" in refused(environment, batch, "more")
