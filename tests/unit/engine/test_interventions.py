"""What a caller makes happen: an attempt ended by a real process, other settings at run time, and what idle means."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from attrs import evolve

sys.path.insert(0, str(Path(__file__).parents[2] / "parity"))
from engine_stage import Stage

from batchiac.engine.refusals import InvalidRefusal, NotFoundRefusal
from batchiac.engine.settings import instant
from batchiac.model.compute_environment import ComputeEnvironment, ComputeResources
from batchiac.model.job_definition import Container, NodeRange

DAY_MS = 86_400_000


def test_an_attempt_ends_when_told_with_its_code_and_reason() -> None:
    """The planned end holds no more; the retry strategy decides as for any other end."""
    stage = Stage(job=[DAY_MS])
    job = stage.submit(attempts=2)
    stage.wait(100)
    assert stage.engine.planned_end_ms(job) > stage.engine.now_ms + DAY_MS / 2
    assert stage.engine.finish_attempt(job, 3, "it said so") is True
    stage.wait(1)
    (first,) = stage.engine.describe_job(job).attempts
    assert (first.exit_code, first.reason, stage.status(job)) == (3, "it said so", "RUNNING")
    assert stage.engine.finish_attempt(job, 0, attempt=1) is False
    assert stage.engine.finish_attempt(job, 0, attempt=2) is True
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, [each.exit_code for each in view.attempts]) == ("SUCCEEDED", [3, 0])
    assert stage.engine.finish_attempt(job, 1) is False
    assert stage.engine.planned_end_ms(job) is None


def test_a_termination_stays_the_cause_of_an_end_that_it_brought_about() -> None:
    """A process that goes at SIGTERM ends a terminated job before the grace is over, FAILED for the caller's reason."""
    stage = Stage(settings=instant(stop_grace_ms=30_000), job=[DAY_MS])
    job = stage.submit(attempts=3)
    stage.wait(10)
    stage.engine.terminate_job(job, "enough")
    before = stage.engine.now_ms
    stage.wait(1)
    assert stage.engine.finish_attempt(job, 143) is True
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, view.status_reason, view.attempts[0].exit_code) == ("FAILED", "enough", 143)
    assert view.stopped_at_ms == before + 1_001


WAITING = (Container("setup", essential=False), Container("app", depends_on=(("setup", "COMPLETE"),)))


def test_a_task_whose_containers_wait_for_one_another_is_running_when_told() -> None:
    """STARTING until then, whatever was planned; the timeout runs from there, and the end is as told."""
    stage = Stage(settings=instant(container_start_ms=5_000), setup=[DAY_MS], app=[DAY_MS])
    job = stage.submit(containers=WAITING, timeout_s=60)
    stage.wait(3)
    due = stage.engine.containers_due_ms(job)
    assert (stage.status(job), due > stage.engine.now_ms) == ("STARTING", True)
    assert [stage.engine.begin_attempt(job, duration_ms=DAY_MS), stage.engine.finish_attempt(job, 0)] == [False, False]
    stage.wait(100)
    assert stage.status(job) == "STARTING"
    assert stage.engine.begin_attempt(job, duration_ms=DAY_MS, attempt=2) is False
    told = stage.engine.now_ms
    assert stage.engine.begin_attempt(job, duration_ms=DAY_MS, attempt=1) is True
    assert stage.engine.begin_attempt(job, duration_ms=DAY_MS) is False
    stage.wait(10)
    view = stage.engine.describe_job(job)
    assert (view.status, view.started_at_ms, stage.engine.containers_due_ms(job)) == ("RUNNING", told + 1, None)
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, view.stopped_at_ms, view.status_reason) == (
        "FAILED", told + 1 + 60_000, "Job attempt duration exceeded timeout",
    )  # fmt: skip


@pytest.mark.parametrize("code", [0, 5, None])
def test_a_task_can_end_while_its_containers_wait(code: int | None) -> None:
    """A failure in STARTING has no startedAt; a good end is RUNNING for a moment, for nothing succeeds in STARTING."""
    stage = Stage(setup=[DAY_MS], app=[DAY_MS])
    job = stage.submit(containers=WAITING)
    stage.wait(100)
    assert stage.engine.finish_attempt(job, code, "why") is True
    stage.wait(1)
    view = stage.engine.describe_job(job)
    assert (view.status, view.attempts[0].exit_code) == ("FAILED" if code != 0 else "SUCCEEDED", code)
    assert (view.started_at_ms is None) is (code != 0)
    assert view.attempts[0].reason == ("why" if code != 0 else view.attempts[0].reason)
    assert stage.walk(job)[-2] == ("RUNNING" if code == 0 else "STARTING")


def test_a_task_that_begins_and_ends_in_one_moment_was_running() -> None:
    """Both are told at the same time: it is RUNNING first, then its exit code counts."""
    stage = Stage(setup=[DAY_MS], app=[DAY_MS])
    job = stage.submit(containers=WAITING)
    stage.wait(100)
    assert stage.engine.begin_attempt(job, duration_ms=DAY_MS)
    assert stage.engine.finish_attempt(job, 9)
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, view.attempts[0].exit_code, view.stopped_at_ms - view.started_at_ms) == ("FAILED", 9, 1)


def test_a_stopped_task_is_not_begun_and_a_plain_one_cannot_be() -> None:
    """A termination stays what it was; a job with one container is RUNNING by itself."""
    stage = Stage(settings=instant(container_start_ms=5_000), setup=[DAY_MS], app=[DAY_MS], job=[DAY_MS])
    job, plain = stage.submit(containers=WAITING), stage.submit()
    stage.wait(3)
    assert (stage.engine.begin_attempt(plain, duration_ms=1), stage.engine.finish_attempt(plain, 0)) == (False, False)
    stage.wait(100)
    stage.engine.terminate_job(job, "enough")
    assert (stage.engine.begin_attempt(job, duration_ms=1), stage.engine.finish_attempt(job, 0)) == (False, False)
    stage.wait(1)
    assert (stage.status(job), stage.status(plain)) == ("FAILED", "RUNNING")


def test_a_node_whose_containers_wait_is_running_when_told() -> None:
    """The job is RUNNING with its main node, and the other nodes start then."""
    stage = Stage(setup=[DAY_MS], app=[DAY_MS], n1=[DAY_MS])
    ranges = [NodeRange(0, 0, WAITING), NodeRange(1, 1, (Container("n1"),))]
    job = stage.submit(type="multinode", num_nodes=2, node_ranges=ranges, containers=())
    stage.wait(100)
    assert [stage.status(each) for each in (job, f"{job}#0", f"{job}#1")] == ["STARTING", "STARTING", "PENDING"]
    assert stage.engine.begin_attempt(job, duration_ms=1) is False  # the parent of others
    assert stage.engine.begin_attempt(f"{job}#0", duration_ms=DAY_MS) is True
    stage.wait(1)
    assert [stage.status(each) for each in (job, f"{job}#0", f"{job}#1")] == ["RUNNING"] * 3


def test_an_attempt_whose_container_could_not_be_started() -> None:
    """It has no exit code and no startedAt, in AWS's words, and is retried by the strategy like any other."""
    stage = Stage(job=[DAY_MS])
    job = stage.submit(attempts=2)
    for attempt in (1, 2):
        stage.wait(100)
        assert stage.engine.finish_attempt(job, None, "CannotStartContainerError: no such command", attempt=attempt)
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, view.status_reason) == ("FAILED", "Task failed to start")
    for each in view.attempts:
        assert (each.exit_code, each.started_at_ms) == (None, None)
        assert (each.status_reason, each.reason) == (
            "Task failed to start",
            "CannotStartContainerError: no such command",
        )


def test_what_cannot_be_finished() -> None:
    """Unknown jobs and impossible codes are refused; parents and waiting jobs are left alone."""
    stage = Stage(resources=ComputeResources("EC2", 4, instance_types=("c5.xlarge",)))
    array, waiting = stage.submit(size=2, vcpus=2), stage.submit(vcpus=4)
    stage.wait(2)
    assert [stage.engine.finish_attempt(each, 0) for each in (array, waiting, f"{array}:1")] == [False, False, True]
    with pytest.raises(InvalidRefusal, match=r"exit code 256 is not between 0 and 255"):
        stage.engine.finish_attempt(f"{array}:0", 256)
    with pytest.raises(NotFoundRefusal):
        stage.engine.finish_attempt("none", 0)


def test_other_settings_hold_from_now_on() -> None:
    """The next deletion takes the new time; jobs that wait for admission are admitted after the new one."""
    stage = Stage()
    engine = stage.engine
    job = stage.submit()
    engine.change_settings(evolve(engine.settings, admission_ms=60_000, environment_delete_ms=DAY_MS))
    stage.wait(59)
    assert stage.status(job) == "SUBMITTED"
    stage.wait(2)
    assert stage.status(job) == "RUNNING"
    stage.finish()
    stage.add(ComputeResources("EC2", 4, instance_types=("c5.xlarge",)), "other")
    engine.update_compute_environment(
        ComputeEnvironment("other", state="DISABLED", resources=ComputeResources("EC2", 4, instance_types=("c5",)))
    )
    stage.finish()
    engine.delete_compute_environment("other")
    stage.wait(86_000)
    view = engine.find_environment("other")
    assert view is not None
    assert view.status == "DELETING"
    stage.finish()
    assert engine.find_environment("other") is None


def test_idle_is_when_nothing_will_happen_unless_told() -> None:
    """A stuck job leaves the engine idle; a running one does not."""
    stage = Stage()
    assert stage.engine.is_idle()
    stage.submit()
    assert not stage.engine.is_idle()
    stage.finish()
    assert stage.engine.is_idle()
    stage.submit(memory=999_999)
    stage.finish()
    assert stage.engine.is_idle()


def test_a_deletion_is_held_and_let_go() -> None:
    """DELETING for ever, also where it had begun before; afterwards the environment goes in the settable time. Nothing
    keeps the engine busy meanwhile."""
    stage = Stage()
    engine = stage.engine
    engine.create_compute_environment(
        ComputeEnvironment(name="held", state="DISABLED", resources=ComputeResources(type="FARGATE", max_vcpus=4))
    )
    engine.run_until_idle()
    engine.delete_compute_environment("held")
    engine.hold_deletion("held", held=True)
    engine.run_until_idle()
    stage.wait(DAY_MS)
    view = engine.find_environment("held")
    assert view is not None
    assert view.status == "DELETING"
    engine.hold_deletion("held", held=False)
    engine.run_until_idle()
    assert engine.find_environment("held") is None
    with pytest.raises(NotFoundRefusal):
        engine.hold_deletion("held", held=True)
