"""Real, scaled, virtual and auto time."""

from __future__ import annotations

from typing import Any

import pytest

from batchiac.errors import UsageError
from batchiac.local.clock import EPOCH_MS, Clock
from batchiac.testing import local_stack

from .conftest import furnish


class Machine:
    """A machine whose time is set by hand."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def clock(self, kind: str, *, flowing: bool = False) -> Clock:
        return Clock(kind, flowing=flowing, monotonic=lambda: self.now_s, wall=lambda: self.now_s)


def test_real_and_scaled_time_flow_with_the_machine() -> None:
    """A scaled second is N of the stack's; neither can be moved."""
    machine = Machine()
    real, scaled = machine.clock("real"), machine.clock("scaled:60")
    machine.now_s += 2
    assert (real.now_ms(), scaled.now_ms()) == (1_002_000, 1_120_000)
    assert scaled.real_seconds_until(1_180_000) == pytest.approx(1.0)
    with pytest.raises(UsageError, match="only a virtual or auto clock"):
        real.skip_to(0)


def test_virtual_time_stands_until_it_is_moved() -> None:
    """It starts at a fixed instant and never goes back."""
    machine = Machine()
    clock = machine.clock("virtual")
    machine.now_s += 100
    assert clock.now_ms() == EPOCH_MS
    clock.skip_to(EPOCH_MS + 5)
    clock.skip_to(EPOCH_MS)
    assert clock.now_ms() == EPOCH_MS + 5
    assert clock.real_seconds_until(EPOCH_MS + 6) is None


def test_flowing_auto_time_goes_with_the_machine_and_skips() -> None:
    """What happens now never lies before what the machine's clock says."""
    machine = Machine()
    clock = machine.clock("auto", flowing=True)
    clock.skip_to(1_060_000)
    machine.now_s += 1
    assert clock.now_ms() == 1_061_000


@pytest.mark.parametrize("kind", ["", "fast", "scaled", "scaled:0", "scaled:-1", "scaled:x", "real:2", "scaled:nan"])
def test_other_clocks_are_refused(kind: str) -> None:
    """The sentence says which there are."""
    with pytest.raises(UsageError, match="allowed are real, virtual, auto"):
        Clock(kind)


def test_a_poll_loop_ends_in_auto_time() -> None:
    """Each look at something under way moves on to its next change."""
    with local_stack(clock="auto", projections=False) as stack:
        batch = furnish(stack)
        job_id = batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd")["jobId"]
        seen = [batch.describe_jobs(jobs=[job_id])["jobs"][0]["status"] for _ in range(5)]
        assert seen[-1] == "SUCCEEDED"
        assert seen == sorted(seen, key=["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"].index)


def test_a_stuck_job_stays_stuck_in_auto_time() -> None:
    """A look at a job that nothing can run moves an hour at most, and returns."""
    with local_stack(clock="auto", projections=False) as stack:
        batch = furnish(stack)
        needs = [{"type": "VCPU", "value": "1000"}, {"type": "MEMORY", "value": "128"}]
        job_id = batch.submit_job(
            jobName="a", jobQueue="q", jobDefinition="jd", containerOverrides={"resourceRequirements": needs}
        )["jobId"]
        for _ in range(3):
            job = batch.describe_jobs(jobs=[job_id])["jobs"][0]
        assert job["status"] == "RUNNABLE"
        assert job["statusReason"].startswith("MISCONFIGURATION:")


def run(seed: int) -> list[dict[str, Any]]:
    with local_stack(seed=seed, projections=False) as stack:
        batch = furnish(stack)
        tags = {"batchiac:duration": "uniform:60:600"}
        ids = [batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd", tags=tags)["jobId"] for _ in range(3)]
        stack.clock.run_until_idle()
        found: list[dict[str, Any]] = batch.describe_jobs(jobs=ids)["jobs"]
        return found


def test_the_same_seed_gives_the_same_ids_and_times() -> None:
    """Two stacks of one seed show the same jobs; another seed shows others."""
    first = run(7)
    assert first == run(7)
    assert first != run(8)


def test_time_goes_forward_only() -> None:
    """A negative advance is refused; a real clock is not moved."""
    with local_stack() as stack, pytest.raises(UsageError, match="give 0 or more"):
        stack.clock.advance(-1)
    with local_stack(clock="real") as stack, pytest.raises(UsageError, match="clock is real"):
        stack.clock.advance(1)


def test_listing_service_jobs_moves_an_auto_clock() -> None:
    """Who watches a job through ListServiceJobs alone sees it end; when all have ended time stands."""
    with local_stack(clock="auto", projections=False) as stack:
        batch = stack.client("batch")
        limits = [{"maxCapacity": 4, "capacityUnit": "NUM_INSTANCES"}]
        batch.create_service_environment(
            serviceEnvironmentName="se", serviceEnvironmentType="SAGEMAKER_TRAINING", capacityLimits=limits
        )
        order = [{"order": 1, "serviceEnvironment": "se"}]
        batch.describe_service_environments()
        batch.create_job_queue(
            jobQueueName="q", jobQueueType="SAGEMAKER_TRAINING", priority=1, serviceEnvironmentOrder=order
        )
        batch.describe_job_queues()
        batch.submit_service_job(
            jobName="train", jobQueue="q", serviceJobType="SAGEMAKER_TRAINING", serviceRequestPayload="{}"
        )
        for _ in range(20):
            ended = batch.list_service_jobs(jobQueue="q", jobStatus="SUCCEEDED")["jobSummaryList"]
            if ended:
                break
        assert [each["jobName"] for each in ended] == ["train"]
        before = stack.clock.now_ms()
        batch.list_service_jobs(jobQueue="q")
        assert stack.clock.now_ms() == before
