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
