"""The rest of the documented transitions, timeouts and reasons: one test a row, with its address and the date read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from engine_stage import Stage

from batchiac.engine import Outcome
from batchiac.engine.effects import QueueBlocked
from batchiac.engine.settings import instant
from batchiac.model.compute_environment import ComputeEnvironment, ComputeResources
from batchiac.model.consumable_resource import ConsumableRequirement, ConsumableResource
from batchiac.model.job_definition import Container, EvaluateOnExit, Resources
from batchiac.model.job_queue import JobQueue, TimeLimitAction

FOUR = ComputeResources("EC2", 4, instance_types=("c5.xlarge",))
FAILS = Outcome(1_000, 1)
DAY_S = 86_400


# --- transitions -----------------------------------------------------------------------------------------------------


def test_a_child_is_created_when_its_parent_spawns_it() -> None:
    """createdAt of a child is "when the child job was spawned by its parent and entered the PENDING state".

    Source: botocore 1.44.5, batch JobDetail.createdAt, read 2026-11-21.
    """
    stage = Stage(settings=instant(admission_ms=5_000))
    submitted = stage.engine.now_ms
    job = stage.submit(size=2)
    stage.finish()
    assert stage.engine.describe_job(job).created_at_ms == submitted
    assert [stage.engine.describe_job(f"{job}:{index}").created_at_ms - submitted for index in range(2)] == [5_000] * 2
    assert [each.created_at_ms - submitted for each in stage.engine.list_jobs(array_job_id=job).jobs] == [5_000] * 2


def test_consumables_are_locked_and_the_task_is_known_from_starting() -> None:
    """RUNNABLE → STARTING locks what the job needs and gives it a task, while its image is still pulled.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/resource-aware-scheduling.html,
    https://docs.aws.amazon.com/batch/latest/userguide/job_states.html, read 2026-11-21.
    """
    stage = Stage(settings=instant(image_pull_ms=60_000))
    stage.engine.create_consumable_resource(ConsumableResource("licence", 1))
    jobs = [stage.submit(consumables=(ConsumableRequirement("licence", 1),)) for _ in range(2)]
    stage.wait(30)
    assert [stage.status(job) for job in jobs] == ["STARTING", "RUNNABLE"]
    assert stage.engine.consumable_quantities("licence") == (1, 1)
    assert stage.engine.describe_job(jobs[0]).current.task_arn


def test_starting_lasts_until_init_containers_are_complete() -> None:
    """ "If initContainers takes a total of ten minutes to complete, then your Amazon EKS job will be in STARTING".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html, read 2026-11-21.
    """
    containers = (Container("one", init=True), Container("two", init=True), Container("app"))
    stage = Stage(one=[240_000], two=[360_000], app=[59_000])
    job = stage.submit(containers=containers, orchestrator="EKS", timeout_s=60)
    begun = stage.engine.now_ms
    stage.wait(599)
    assert stage.status(job) == "STARTING"
    stage.finish()
    view = stage.engine.describe_job(job)
    assert view.status == "SUCCEEDED"  # ten minutes of STARTING are outside the timeout
    assert (view.started_at_ms - begun) // 1000 == 600
    assert view.stopped_at_ms - view.started_at_ms == 59_000


def test_starting_lasts_until_container_dependencies_are_resolved() -> None:
    """ "the job will be in STARTING until all container dependencies (their runtime) are resolved".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html, read 2026-11-21.
    """
    containers = (
        Container("data", essential=False),
        Container("app", depends_on=(("data", "COMPLETE"),)),
        Container("sidecar", essential=False, depends_on=(("app", "START"),)),
    )
    stage = Stage(data=[Outcome(30_000, 7)], app=[10_000], sidecar=[900_000])
    job = stage.submit(containers=containers)
    stage.wait(29)
    view = stage.engine.describe_job(job)
    assert (view.status, view.started_at_ms, view.current.log_stream) == ("STARTING", None, "")
    stage.wait(2)
    assert stage.status(job) == "RUNNING"
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, view.stopped_at_ms - view.started_at_ms) == ("SUCCEEDED", 10_000)


def test_a_dependency_that_fails_ends_the_attempt_before_it_runs() -> None:
    """SUCCESS is never met: FAILED out of STARTING, without startedAt, with the exit code of what failed.

    Source: botocore 1.44.5, batch TaskContainerDependency.condition, read 2026-11-21; that it is STARTING to the end:
    https://docs.aws.amazon.com/batch/latest/userguide/job_states.html and decision 0117, read 2026-11-21.
    """
    containers = (Container("check", essential=False), Container("app", depends_on=(("check", "SUCCESS"),)))
    stage = Stage(check=[Outcome(5_000, 3), 5_000])
    job = stage.submit(containers=containers)
    again = stage.submit(containers=containers, attempts=2)
    stage.finish()
    assert stage.walk(job) == ["RUNNABLE", "STARTING", "FAILED"]
    (attempt,) = stage.engine.describe_job(job).attempts
    assert (attempt.started_at_ms, attempt.exit_code, attempt.log_stream) == (None, 3, "")
    retried = stage.engine.describe_job(again)
    assert [(each.started_at_ms is None, each.exit_code) for each in retried.attempts] == [(True, 3), (False, 0)]


@pytest.mark.parametrize("exit_code", [0, 5])
def test_the_exit_code_decides(exit_code: int) -> None:
    """ "An exit code of 0 indicates success, and any non-zero exit code indicates failure"; stoppedAt is set.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html; the reason's text as seen in public,
    read 2026-11-21.
    """
    stage = Stage(job=[Outcome(1_000, exit_code)])
    job = stage.submit()
    stage.finish()
    view = stage.engine.describe_job(job)
    (attempt,) = view.attempts
    assert view.status == ("FAILED" if exit_code else "SUCCEEDED")
    assert (view.status_reason, attempt.exit_code) == ("Essential container in task exited", exit_code)
    assert view.stopped_at_ms == attempt.stopped_at_ms == view.started_at_ms + 1_000


def test_failed_jobs_are_kept_seven_days_as_well() -> None:
    """ "The job state for FAILED jobs is persisted in AWS Batch for at least 7 days."

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html, read 2026-11-21.
    """
    stage = Stage(bad=[FAILS])
    job = stage.submit("bad")
    stage.finish()
    stage.wait(6.9 * DAY_S)
    assert stage.status(job) == "FAILED"


def test_a_retry_of_a_child_goes_before_what_waits() -> None:
    """The front of the queue, for children too.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/bestpractice6.html, read 2026-11-21.
    """
    stage = Stage(resources=FOUR, flaky=[FAILS, 1_000])
    job = stage.submit("flaky", vcpus=4, attempts=2, size=3)
    stage.finish()
    ends = [stage.engine.describe_job(f"{job}:{index}") for index in range(3)]
    assert all(len(view.attempts) == 2 for view in ends)
    assert ends[0].stopped_at_ms <= ends[1].attempts[0].started_at_ms


def test_a_job_that_was_stopped_between_attempts_shows_its_last_one() -> None:
    """Describe and List agree: the exit code is that of the attempt that failed before.

    Source: botocore 1.44.5, batch JobSummary.container and ContainerSummary.exitCode, read 2026-11-21.
    """
    stage = Stage(resources=FOUR, bad=[Outcome(1_000, 7)], job=[600_000])
    job = stage.submit("bad", vcpus=4, attempts=2)
    stage.wait(0.5)
    (instance,) = stage.engine.instances()
    stage.engine.deregister_instance(instance.id)  # when the attempt ends there is no room for another
    stage.engine.set_capacity("c5.xlarge", 0)
    stage.wait(5)
    stage.engine.cancel_job(job, "enough")
    stage.finish()
    view = stage.engine.describe_job(job)
    (line,) = stage.engine.list_jobs(queue="q").jobs
    assert (view.status, view.status_reason, [each.exit_code for each in view.attempts]) == ("FAILED", "enough", [7])
    assert (line.status, line.status_reason, line.exit_code) == ("FAILED", "enough", 7)
    never = stage.submit()
    stage.wait(1)
    stage.engine.cancel_job(never, "enough")
    stage.finish()
    assert [each.exit_code for each in stage.engine.list_jobs(queue="q").jobs] == [7, None]


# --- definitions and start failures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, {"size": 3}, {"type": "multinode"}], ids=["plain", "array", "gang"])
def test_a_job_of_an_invalid_definition_fails_and_is_not_retried(more: dict[str, Any]) -> None:
    """ "jobs that fail because of an invalid job definition aren't retried"; what depends on it fails too.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html, read 2026-11-21.
    """
    stage = Stage()
    invalid = {"attempts": 5, "invalid_reason": "51 tags"}
    job = stage.submit_gang(nodes=2, **invalid) if "type" in more else stage.submit(**invalid, **more)
    after = stage.submit(after=[job])
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, view.status_reason, view.attempts) == ("FAILED", "51 tags", ())
    assert stage.engine.describe_job(after).status_reason == "Dependent Job failed"
    assert not list(stage.engine.instances(terminated=True))


@pytest.mark.parametrize(
    "reason",
    [
        "CannotPullContainerError: Error response from daemon: manifest unknown",
        "DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s",
    ],
)
def test_a_start_failure_is_task_failed_to_start_with_the_containers_reason(reason: str) -> None:
    """onStatusReason `Task failed to start` retries it; the container's reason says which failure it was.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html, read 2026-11-21.
    """
    rules = (EvaluateOnExit("RETRY", on_status_reason="Task failed to start"), EvaluateOnExit("EXIT", on_reason="*"))
    stage = Stage(broken=[Outcome(0, 0, 0, reason, False), FAILS])
    job = stage.submit("broken", attempts=5, rules=rules)
    stage.finish()
    first, second = stage.engine.describe_job(job).attempts
    assert (first.status_reason, first.reason, first.exit_code) == ("Task failed to start", reason, None)
    assert first.log_stream == ""
    assert second.exit_code == 1


@pytest.mark.parametrize(("uses", "attempts"), [(True, 2), (False, 3)])
def test_whether_a_start_failure_uses_an_attempt_is_a_setting(uses: bool, attempts: int) -> None:
    """The API counts moves to RUNNABLE, the guide those to RUNNING. Every attempt shows, those that used none too.

    Source: botocore 1.44.5, batch RetryStrategy.attempts;
    https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html, read 2026-11-21; decision 0110.
    """
    stage = Stage(
        settings=instant(start_failure_uses_attempt=uses),
        broken=[Outcome(0, 0, 0, "CannotPullContainerError", False), FAILS],
    )
    job = stage.submit("broken", attempts=2)
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, len(view.attempts)) == ("FAILED", attempts)
    assert [each.started_at_ms is None for each in view.attempts] == [True, False, False][:attempts]
    assert len({each.task_arn for each in view.attempts}) == attempts
    assert view.current == view.attempts[-1]


def test_an_attempt_after_a_start_failure_shows_while_it_runs() -> None:
    """The attempt under way is described whatever the setting counts.

    Source: botocore 1.44.5, batch JobDetail.container, read 2026-11-21; decision 0110.
    """
    stage = Stage(
        settings=instant(start_failure_uses_attempt=False),
        broken=[Outcome(0, 0, 0, "CannotPullContainerError", False), 60_000],
    )
    job = stage.submit("broken", attempts=1)
    stage.wait(30)
    view = stage.engine.describe_job(job)
    assert (view.status, len(view.attempts)) == ("RUNNING", 1)
    assert view.current.started_at_ms == view.started_at_ms
    assert view.current.task_arn != view.attempts[0].task_arn
    assert view.environment_variables["AWS_BATCH_JOB_ATTEMPT"] == "1"


# --- timeouts --------------------------------------------------------------------------------------------------------


def test_timeouts_can_come_in_batches_first_in_first_out() -> None:
    """ "the timeout terminations behave as a first in, first out queue, where jobs are terminated in batches".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html, read 2026-11-21; the cadence and the
    size are settings (decision 0112).
    """
    stage = Stage(settings=instant(timeout_batch_ms=10_000, timeouts_per_batch=2), long=[600_000])
    jobs = []
    for _ in range(5):
        jobs.append(stage.submit("long", timeout_s=60))
        stage.wait(1)
    stage.finish()
    views = [stage.engine.describe_job(job) for job in jobs]
    assert {view.status_reason for view in views} == {"Job attempt duration exceeded timeout"}
    ends = [view.stopped_at_ms for view in views]
    assert ends == sorted(ends)
    assert [ends.count(end) for end in sorted(set(ends))] == [2, 2, 1]
    assert all((end - 1) % 10_000 == 0 for end in ends)  # 1 ms after the look that ended them
    assert all(60_000 < view.stopped_at_ms - view.started_at_ms <= 90_000 for view in views)


def test_an_attempt_that_ends_before_its_turn_has_not_timed_out() -> None:
    """ "Timeout terminations are handled on a best-effort basis … it may take a few seconds longer".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html, read 2026-11-21.
    """
    stage = Stage(settings=instant(timeout_batch_ms=3_600_000), long=[61_000], other=[Outcome(62_000, 1), 1_000])
    jobs = [stage.submit("long", timeout_s=60), stage.submit("other", timeout_s=60, attempts=2)]
    gang = stage.submit_gang("gang", nodes=2, timeout_s=60)
    stage.wait(120)
    assert [stage.status(job) for job in (*jobs, gang)] == ["SUCCEEDED"] * 3


def test_fargate_jobs_run_for_fourteen_days_at_most() -> None:
    """ "Jobs that run on Fargate resources can't expect to run for more than 14 days"; elsewhere there is no maximum.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html, read 2026-11-21.
    """
    long = {"long": [20 * DAY_S * 1000]}
    fargate = Stage(resources=ComputeResources("FARGATE", 4), **long)
    jobs = [fargate.submit("long", platform="FARGATE", timeout_s=limit) for limit in (None, 15 * DAY_S)]
    fargate.finish()
    for job in jobs:
        view = fargate.engine.describe_job(job)
        assert (view.status, view.stopped_at_ms - view.started_at_ms) == ("FAILED", 14 * DAY_S * 1000)
    ec2 = Stage(**long)
    job = ec2.submit("long")
    ec2.finish()
    view = ec2.engine.describe_job(job)
    assert (view.status, view.stopped_at_ms - view.started_at_ms) == ("SUCCEEDED", 20 * DAY_S * 1000)


# --- blocked ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", ["ACTION_REQUIRED", "UNDETERMINED"])
def test_reasons_that_need_a_human_have_no_time_limit_action(cause: str) -> None:
    """ACTION_REQUIRED and UNDETERMINED "require manual investigation": nothing is cancelled, whatever is configured.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_time_limit_actions.html, read
    2026-11-21.
    """
    stage = Stage(resources=FOUR, queue={"time_limit_actions": (TimeLimitAction(cause, 600),)})
    if cause == "ACTION_REQUIRED":
        stage.engine.invalidate_compute_environment("ce", "CLIENT_ERROR - gone")
    else:
        stage.engine.update_compute_environment(ComputeEnvironment("ce", state="DISABLED", resources=FOUR))
        stage.wait(1)
    job = stage.submit()
    stage.wait(3_600)
    (blocked,) = [effect for effect in stage.effects if isinstance(effect, QueueBlocked)]
    assert blocked.reason.startswith(cause)
    assert stage.status(job) == "RUNNABLE"


# --- names -----------------------------------------------------------------------------------------------------------


def test_a_stream_prefix_of_the_container_wins() -> None:
    """`awslogs-stream-prefix` ⇒ `prefix/default/task-id`.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html, read 2026-11-21.
    """
    stage = Stage()
    job = stage.submit(containers=(Container(resources=Resources(1, 128), log_stream_prefix="mine"),))
    stage.finish()
    current = stage.engine.describe_job(job).current
    assert current.log_stream == f"mine/default/{current.task_arn.rpartition('/')[2]}"


@pytest.mark.parametrize(("names", "pattern"), [("current", "AWSBatch-ce-{}"), ("older", "ce_Batch_{}")])
def test_the_clusters_name_of_today_and_the_older_one(names: str, pattern: str) -> None:
    """Both forms exist; which one a stack has is a setting.

    Source: as seen in public; botocore 1.44.5, batch DescribeComputeEnvironments example, read 2026-11-21; decision
    0114.
    """
    stage = Stage(settings=instant(cluster_names=names))
    view = stage.engine.find_environment("ce")
    assert view is not None
    assert view.cluster == pattern.format(view.unique)
    job = stage.submit()
    stage.finish()
    assert f":task/{view.cluster}/" in stage.engine.describe_job(job).attempts[0].task_arn


def test_a_queue_that_is_deleted_ends_what_starts_and_what_runs() -> None:
    """ "All jobs in the queue are eventually terminated": STARTING without startedAt, RUNNING with 137.

    Source: botocore 1.44.5, batch DeleteJobQueue; the text as seen in public (`JobQueue deleted`), read 2026-11-21.
    """
    stage = Stage(settings=instant(image_pull_ms=60_000), long=[600_000])
    images = [(Container("long", image=image, resources=Resources(1, 128)),) for image in ("a", "b")]
    running = stage.submit("long", containers=images[0])
    stage.wait(70)
    starting = stage.submit("long", containers=images[1])
    array = stage.submit(size=2)
    gang = stage.submit_gang(nodes=2)
    stage.wait(1)
    stage.engine.update_job_queue(JobQueue("q", 1, ("ce",), state="DISABLED"))
    stage.wait(1)
    stage.engine.delete_job_queue("q")
    views = [stage.engine.describe_job(job) for job in (running, starting, array, f"{array}:1", gang)]
    assert {(view.status, view.status_reason) for view in views} == {("FAILED", "JobQueue deleted")}
    assert [(each.started_at_ms is None, each.exit_code) for view in views[:2] for each in view.attempts] == [
        (False, 137), (True, None),
    ]  # fmt: skip
