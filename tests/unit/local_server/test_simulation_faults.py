"""Faults of the simulation, on a real stage: each shows as AWS shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from batchiac.local.api_error import ApiError
from batchiac.local.dispatch import handle
from batchiac.local.installation import install, uninstall
from batchiac.local.server.faults import FaultError, Faults
from batchiac.local.server.simulation_faults import SimulationFaults
from batchiac.local.stage import StageSettings

ACCOUNT, REGION = "123456789012", "us-east-1"


class World:
    """A stage with one Spot environment, its queue and a definition."""

    def __init__(self) -> None:
        self.stage = install(StageSettings(clock="virtual", seed=7, projections=False))
        self.faults = Faults(simulation=SimulationFaults(self.stage))
        resources = {
            "type": "SPOT",
            "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED",
            "minvCpus": 0,
            "maxvCpus": 16,
            "instanceTypes": ["m5.large"],
            "subnets": ["subnet-1"],
            "securityGroupIds": ["sg-1"],
            "instanceRole": "ecsInstanceRole",
        }
        self("CreateComputeEnvironment", computeEnvironmentName="ce", type="MANAGED", computeResources=resources)
        self.stage.advance(60)
        order = [{"order": 1, "computeEnvironment": "ce"}]
        self("CreateJobQueue", jobQueueName="queue", priority=1, computeEnvironmentOrder=order)
        container = {
            "image": "busybox",
            "command": ["sleep", "600"],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}],
        }
        self("RegisterJobDefinition", jobDefinitionName="d", type="container", containerProperties=container)
        self.stage.advance(60)

    def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        return handle(ACCOUNT, REGION, operation, params)

    def submit(self) -> str:
        job_id: str = self("SubmitJob", jobName="job", jobQueue="queue", jobDefinition="d")["jobId"]
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self("DescribeJobs", jobs=[job_id])["jobs"][0]
        return found

    def environment(self) -> dict[str, Any]:
        found: dict[str, Any] = self("DescribeComputeEnvironments")["computeEnvironments"][0]
        return found


@pytest.fixture
def world() -> Iterator[World]:
    yield World()
    uninstall()


def test_a_pool_without_capacity_holds_jobs_until_it_has_some_again(world: World) -> None:
    """The job stays RUNNABLE while the pool is empty, and runs when it is not."""
    world.faults.add("no_capacity", instance_type="m5.large", duration_s=3600)
    job_id = world.submit()
    world.stage.advance(1800)
    assert world.job(job_id)["status"] == "RUNNABLE"
    world.stage.advance(3600)
    assert world.job(job_id)["status"] in ("RUNNING", "SUCCEEDED")


def test_only_the_named_market_is_empty(world: World) -> None:
    """An On-Demand shortage does not touch a Spot environment."""
    world.faults.add("no_capacity", instance_type="m5.large", market="ON_DEMAND")
    job_id = world.submit()
    world.stage.advance(600)
    assert world.job(job_id)["status"] == "RUNNING"


def test_an_interrupted_instance_takes_its_job_along(world: World) -> None:
    """By environment or by id: the job ends with AWS's words for a lost host."""
    with pytest.raises(FaultError, match="no Spot instance"):
        world.faults.add("spot_interruption", compute_environment="ce")
    job_id = world.submit()
    world.stage.advance(600)
    world.faults.add("spot_interruption", compute_environment="ce")
    job = world.job(job_id)
    assert job["status"] == "FAILED"
    assert job["statusReason"].startswith("Host EC2 (instance i-")
    with pytest.raises(FaultError, match="i-0"):
        world.faults.add("spot_interruption", instance_id="i-0")
    with pytest.raises(FaultError, match="needs instance_id"):
        world.faults.add("spot_interruption")


def test_an_environment_turns_invalid_with_its_reason(world: World) -> None:
    """The status and the reason that was given."""
    world.faults.add("invalid_environment", compute_environment="ce", reason="CLIENT_ERROR - because")
    environment = world.environment()
    assert (environment["status"], environment["statusReason"]) == ("INVALID", "CLIENT_ERROR - because")
    with pytest.raises(FaultError, match="no compute environment 'nope'"):
        world.faults.add("invalid_environment", compute_environment="nope")


def delete_after_queue(world: World) -> None:
    """What a naive client does: let go, disable, delete, without waiting."""
    world("UpdateJobQueue", jobQueue="queue", state="DISABLED")
    world.stage.advance(10)
    world("DeleteJobQueue", jobQueue="queue")
    world.stage.advance(10)
    world("UpdateComputeEnvironment", computeEnvironment="ce", state="DISABLED")
    world.stage.advance(60)
    world("DeleteComputeEnvironment", computeEnvironment="ce")


def test_a_deletion_that_never_ends(world: World) -> None:
    """DELETING, a year on; another environment goes meanwhile, and this one when the fault is cleared."""
    fault = world.faults.add("stuck_deleting", compute_environment="ce")
    resources = {"type": "FARGATE", "maxvCpus": 4, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    world("CreateComputeEnvironment", computeEnvironmentName="other", type="MANAGED", computeResources=resources)
    world.stage.advance(60)
    world("UpdateComputeEnvironment", computeEnvironment="other", state="DISABLED")
    world.stage.advance(60)
    world("DeleteComputeEnvironment", computeEnvironment="other")
    delete_after_queue(world)
    world.stage.advance(366 * 86_400)
    assert world.environment()["computeEnvironmentName"] == "ce"
    assert world.environment()["status"] == "DELETING"
    assert world.faults.listed() == [fault]
    world.faults.clear()
    world.stage.advance(60)
    assert world("DescribeComputeEnvironments")["computeEnvironments"] == []


def test_a_consistency_lag_refuses_the_naive_client(world: World) -> None:
    """ "Cannot delete, found existing JobQueue relationship", until the lag is over."""
    world.faults.add("consistency_lag", lag_s=600)
    with pytest.raises(ApiError, match="found existing JobQueue relationship"):
        delete_after_queue(world)
    world.stage.advance(600)
    world("DeleteComputeEnvironment", computeEnvironment="ce")
    assert world("DescribeComputeEnvironments")["computeEnvironments"][0]["status"] == "DELETING"


def test_a_lag_that_is_cleared_is_what_it_was(world: World) -> None:
    """The stack's own, which is none here."""
    world.faults.add("consistency_lag", lag_s=600)
    world.faults.clear()
    delete_after_queue(world)
    assert world.environment()["status"] == "DELETING"
