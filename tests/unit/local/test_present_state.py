"""Rules about an update compare with what is there; rules about sizes with the definition that a job overrides."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.testing import TestStack

from .conftest import CONTAINER, RESOURCES


def sized(vcpus: str, memory: str = "512") -> dict[str, Any]:
    """`containerOverrides` of these sizes."""
    return {"resourceRequirements": [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": memory}]}


def test_the_most_is_not_below_the_present_least(stack: TestStack, batch: Any) -> None:
    """minvCpus comes from the environment, maxvCpus from the request; nothing is changed."""
    batch.create_compute_environment(
        computeEnvironmentName="warm", type="MANAGED", computeResources={**RESOURCES, "minvCpus": 16}
    )
    stack.clock.run_until_idle()
    with pytest.raises(ClientError, match="maxvCpus should be greater than or equal to minvCpus"):
        batch.update_compute_environment(computeEnvironment="warm", computeResources={"maxvCpus": 8})
    (shown,) = batch.describe_compute_environments(computeEnvironments=["warm"])["computeEnvironments"]
    assert shown["computeResources"]["maxvCpus"] == 64
    batch.update_compute_environment(computeEnvironment="warm", computeResources={"maxvCpus": 32})


def test_a_strategy_of_the_other_purchase_is_refused(stack: TestStack, batch: Any) -> None:
    """Which strategies go says the type that the environment has."""
    strategy = {"allocationStrategy": "BEST_FIT_PROGRESSIVE_ORDERED"}
    batch.create_compute_environment(
        computeEnvironmentName="spot",
        type="MANAGED",
        computeResources={**RESOURCES, "type": "SPOT", "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED"},
    )
    stack.clock.run_until_idle()
    with pytest.raises(ClientError, match="is for EC2"):
        batch.update_compute_environment(computeEnvironment="spot", computeResources=strategy)
    batch.update_compute_environment(computeEnvironment="ce", computeResources=strategy)


def test_a_fargate_environment_takes_no_instance_fields(stack: TestStack, batch: Any) -> None:
    """The request alone does not say that the environment is Fargate's."""
    fargate = {key: RESOURCES[key] for key in ("maxvCpus", "subnets", "securityGroupIds")}
    batch.create_compute_environment(
        computeEnvironmentName="fargate", type="MANAGED", computeResources={**fargate, "type": "FARGATE"}
    )
    stack.clock.run_until_idle()
    with pytest.raises(ClientError, match="not applicable for Fargate"):
        batch.update_compute_environment(computeEnvironment="fargate", computeResources={"instanceTypes": ["c5"]})


def test_a_policy_is_not_taken_from_a_queue(stack: TestStack, batch: Any) -> None:
    """An empty ARN would remove the policy that the queue has."""
    policy = batch.create_scheduling_policy(name="fair")["arn"]
    order = [{"order": 1, "computeEnvironment": "ce"}]
    batch.create_job_queue(jobQueueName="f", priority=1, computeEnvironmentOrder=order, schedulingPolicyArn=policy)
    stack.clock.run_until_idle()
    with pytest.raises(ClientError, match="can be replaced but not removed"):
        batch.update_job_queue(jobQueue="f", schedulingPolicyArn="")
    (shown,) = batch.describe_job_queues(jobQueues=["f"])["jobQueues"]
    assert shown["schedulingPolicyArn"] == policy


def test_an_update_of_nothing_is_refused_as_such(batch: Any) -> None:
    """There is no present state to compare with, and that is what is said."""
    with pytest.raises(ClientError, match="does not exist"):
        batch.update_compute_environment(computeEnvironment="none", computeResources={"maxvCpus": 8})


def test_a_job_on_ec2_takes_a_whole_vcpu(batch: Any) -> None:
    """An override is judged as the definition that it makes; what is allowed there is allowed here."""
    with pytest.raises(ClientError, match=r"vCPU must be at least 1, got 0\.25"):
        batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd", containerOverrides=sized("0.25"))
    assert batch.list_jobs(jobQueue="q", filters=[{"name": "JOB_NAME", "values": ["*"]}])["jobSummaryList"] == []
    for _ in range(2):
        assert batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd", containerOverrides=sized("2"))["jobId"]


def test_a_job_on_fargate_keeps_to_the_table(stack: TestStack, batch: Any) -> None:
    """A quarter of a vCPU goes with 512 MiB, and one vCPU does not."""
    batch.register_job_definition(
        jobDefinitionName="f",
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties={
            **CONTAINER,
            **sized("0.5", "1024"),
            "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
        },
    )
    batch.submit_job(jobName="a", jobQueue="q", jobDefinition="f", containerOverrides=sized("0.25"))
    with pytest.raises(ClientError, match="512 MiB with 1 vCPU"):
        batch.submit_job(jobName="a", jobQueue="q", jobDefinition="f", containerOverrides=sized("1"))


def test_overrides_of_other_things_are_not_judged_for_sizes(batch: Any) -> None:
    """A command or a variable says nothing of sizes."""
    overrides = {"command": ["true"], "environment": [{"name": "memory", "value": "0"}]}
    assert batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd", containerOverrides=overrides)["jobId"]
