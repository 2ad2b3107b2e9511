"""How long jobs get: a promise that no timeout of the program's own moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from batchiac.errors import WaitError
from batchiac.model.deadline import step_deadline_s

Resources = Callable[..., dict[str, Any]]
Calls = Callable[..., list[dict[str, Any]]]


def run(world: Any) -> str:
    """A job of a day, RUNNING."""
    batch = world.stack.client("batch")
    job: str = batch.submit_job(
        jobName="j",
        jobQueue=world.held["queue"].id,
        jobDefinition=world.held["job"]["jobDefinitionArn"],
        containerOverrides={"command": ["sleep", "86400"]},
    )["jobId"]
    for _ in range(200):
        if batch.describe_jobs(jobs=[job])["jobs"][0]["status"] == "RUNNING":
            return job
        world.stack.clock.advance(5)
    raise AssertionError("it does not run")


def delete(world: Any, timeout_s: float) -> None:
    """The deletion of the environment, in a step that has this timeout."""
    held = world.held["work"]
    token = step_deadline_s.set(timeout_s)
    try:
        held.handler.delete(held.id, held.outputs)
    finally:
        step_deadline_s.reset(token)


@pytest.fixture
def leaving(deployed: Any, resources: Resources) -> Callable[[int], str]:
    """The environment runs a job and no queue refers to it any more; the argument is its drain deadline in seconds."""

    def prepare(deadline_s: int) -> str:
        deployed.update(deployed.held["work"], drain={"deadlineS": deadline_s, "onDeadline": "interrupt"})
        job = run(deployed)
        other = deployed.make("ComputeEnvironment", "other", type="MANAGED", computeResources=resources())
        order = [{"order": 1, "computeEnvironment": other.id}]
        deployed.update(deployed.held["queue"], computeEnvironmentOrder=order)
        return job

    return prepare


def test_a_longer_timeout_of_the_step_gives_jobs_no_more(
    deployed: Any, leaving: Callable[[int], str], calls: Calls
) -> None:
    """An hour for the step, a minute for jobs: after a minute the environment is disabled and goes."""
    leaving(60)
    disabled: list[float] = []

    def timed(answer: Callable[[], Any], _parameters: dict[str, Any]) -> Any:
        disabled.append(deployed.door.clock())
        return answer()

    calls("update_compute_environment", instead=timed)
    began = deployed.door.clock()
    delete(deployed, 3600.0)
    assert [at - began for at in disabled] == [pytest.approx(60, abs=1)]


def test_a_shorter_timeout_of_the_step_fails_and_interrupts_nothing(
    deployed: Any, leaving: Callable[[int], str], calls: Calls
) -> None:
    """A minute for the step, half an hour for jobs: the step fails after a minute, and the job runs on."""
    job = leaving(1800)
    changed = calls("update_compute_environment")
    began = deployed.door.clock()
    with pytest.raises(WaitError, match=r"not within 60 s.*nothing was deleted: the step's own timeout"):
        delete(deployed, 60.0)
    assert deployed.door.clock() - began == pytest.approx(60, abs=1)
    assert changed == []
    assert deployed.stack.client("batch").describe_jobs(jobs=[job])["jobs"][0]["status"] == "RUNNING"


def test_what_a_dead_run_left_updating_is_waited_for_as_long_as_its_jobs_get(
    deployed: Any, resources: Resources, described: Callable[[str], dict[str, Any]]
) -> None:
    """An infrastructure update lets jobs go on for jobExecutionTimeoutMinutes: no run gives up before that is over."""
    policy = {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 90}
    held = deployed.update(deployed.held["work"], updatePolicy=policy)
    for act in (
        lambda: held.handler.finish(held.id, held.outputs),
        lambda: deployed.update(held, computeResources=resources(instanceTypes=["m5.large"])),
    ):
        run(deployed)
        types = (
            ["c5.xlarge"] if described(held.id)["computeResources"]["instanceTypes"] == ["c5.large"] else ["r5.large"]
        )
        deployed.stack.client("batch").update_compute_environment(
            computeEnvironment=held.id, computeResources={"instanceTypes": types}
        )
        assert described(held.id)["status"] == "UPDATING"
        began = deployed.door.clock()
        act()
        assert deployed.door.clock() - began > 80 * 60
        assert described(held.id)["status"] == "VALID"
