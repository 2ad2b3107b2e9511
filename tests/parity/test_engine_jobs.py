"""AWS's documented job lifecycle: one test a documented row, with its address and the date read."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from engine_stage import Stage

from batchiac.engine import Outcome
from batchiac.engine.refusals import InvalidRefusal, StateRefusal
from batchiac.engine.settings import instant
from batchiac.model.compute_environment import ComputeResources
from batchiac.model.consumable_resource import ConsumableRequirement, ConsumableResource
from batchiac.model.job_definition import Container, EvaluateOnExit, Resources
from batchiac.model.job_queue import JobQueue

FAILS = Outcome(1_000, 1)


def test_a_job_goes_through_every_state_in_order() -> None:
    """SUBMITTED → RUNNABLE → STARTING → RUNNING → SUCCEEDED.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html, read 2026-11-21.
    """
    stage = Stage()
    job = stage.submit()
    view = stage.engine.describe_job(job)
    assert (view.status, view.created_at_ms, view.attempts) == ("SUBMITTED", stage.engine.now_ms, ())
    stage.finish()
    assert stage.walk(job) == ["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    view = stage.engine.describe_job(job)
    assert view.stopped_at_ms - view.started_at_ms == 10_000
    assert [(each.exit_code, bool(each.task_arn)) for each in view.attempts] == [(0, True)]


def test_a_job_with_dependencies_is_pending_until_they_have_succeeded() -> None:
    """A job with dependencies is pending until they have succeeded.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html,
    https://docs.aws.amazon.com/batch/latest/userguide/job_dependencies.html, read 2026-11-21.
    """
    stage = Stage()
    first = stage.submit()
    second = stage.submit(after=[first])
    stage.wait(5)
    assert stage.status(second) == "PENDING"
    stage.finish()
    assert stage.walk(second) == ["PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]


def test_a_failed_dependency_fails_its_dependents_in_a_cascade() -> None:
    """PENDING → FAILED with AWS's text, and so on down.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_dependencies.html, read 2026-11-21.
    """
    stage = Stage(bad=[FAILS])
    first = stage.submit("bad")
    second = stage.submit(after=[first])
    third = stage.submit(after=[second])
    stage.finish()
    for job in (second, third):
        view = stage.engine.describe_job(job)
        assert (view.status, view.status_reason, view.attempts) == ("FAILED", "Dependent Job failed", ())


def test_starting_lasts_while_the_image_is_pulled_and_is_outside_the_timeout() -> None:
    """Image pull is STARTING; the timeout counts from startedAt.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html,
    https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html, read 2026-11-21.
    """
    stage = Stage(settings=instant(image_pull_ms=90_000), slow=[59_000])
    job = stage.submit("slow", timeout_s=60)
    stage.wait(30)
    view = stage.engine.describe_job(job)
    assert (view.status, view.started_at_ms, view.current.log_stream) == ("STARTING", None, "")
    assert view.current.task_arn
    stage.finish()
    assert stage.status(job) == "SUCCEEDED"


def test_a_failed_attempt_goes_to_the_front_of_the_queue() -> None:
    """ "The job goes to the front of the queue".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/bestpractice6.html, read 2026-11-21.
    """
    stage = Stage(resources=ComputeResources("EC2", 4, instance_types=("c5.xlarge",)), flaky=[FAILS, 1_000])
    flaky = stage.submit("flaky", vcpus=4, attempts=2)
    waiting = stage.submit(vcpus=4)
    stage.finish()
    retried = stage.engine.describe_job(flaky)
    assert [each.exit_code for each in retried.attempts] == [1, 0]
    assert retried.stopped_at_ms <= stage.engine.describe_job(waiting).started_at_ms


def test_finished_jobs_are_kept_seven_days() -> None:
    """ "Jobs in SUCCEEDED and FAILED are retained for at least 7 days".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html, read 2026-11-21.
    """
    stage = Stage()
    job = stage.submit()
    stage.finish()
    stage.wait(6.9 * 86_400)
    assert stage.status(job) == "SUCCEEDED"
    stage.wait(0.2 * 86_400)
    assert stage.engine.find_job(job) is None


def test_cancel_before_a_host_fails_the_job_with_the_callers_reason() -> None:
    """SUBMITTED and RUNNABLE are cancelled at once.

    Source: botocore 1.44.5, batch CancelJob, read 2026-11-21.
    """
    stage = Stage(resources=ComputeResources("EC2", 4, instance_types=("c5.xlarge",)))
    running = stage.submit(vcpus=4)
    waiting = stage.submit(vcpus=4)
    stage.wait(1)
    submitted = stage.submit()
    for job in (running, waiting, submitted):
        stage.engine.cancel_job(job, "no longer needed")
    stage.finish()
    assert stage.status(running) == "SUCCEEDED"  # "aren't canceled, but the API operation still succeeds"
    assert not stage.engine.describe_job(running).is_cancelled
    for job in (waiting, submitted):
        view = stage.engine.describe_job(job)
        assert (view.status, view.status_reason, view.is_cancelled) == ("FAILED", "no longer needed", True)


def test_a_cancelled_pending_job_ends_only_after_its_dependencies() -> None:
    """A cancelled pending job ends only after its dependencies.

    Source: botocore 1.44.5, batch CancelJob ("after all of its dependencies are completed"), read 2026-11-21.
    """
    stage = Stage()
    first = stage.submit()
    second = stage.submit(after=[first])
    stage.wait(1)
    stage.engine.cancel_job(second, "changed my mind")
    stage.wait(1)
    assert stage.status(second) == "PENDING"
    stage.finish()
    assert stage.status(first) == "SUCCEEDED"
    assert (stage.status(second), stage.engine.describe_job(second).attempts) == ("FAILED", ())


def test_terminate_stops_a_running_job_after_the_grace_and_is_not_retried() -> None:
    """SIGTERM, 30 s, SIGKILL; the caller's reason; no retry.

    Source: botocore 1.44.5, batch TerminateJob; https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html,
    read 2026-11-21.
    """
    stage = Stage(settings=instant(stop_grace_ms=30_000), long=[600_000])
    job = stage.submit("long", attempts=5)
    stage.wait(100)
    stage.engine.terminate_job(job, "enough")
    before = stage.engine.now_ms
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, view.status_reason, view.is_terminated) == ("FAILED", "enough", True)
    assert [(each.exit_code, each.stopped_at_ms - before) for each in view.attempts] == [(137, 30_000)]


@pytest.mark.parametrize("state", ["SUBMITTED", "PENDING", "RUNNABLE"])
def test_terminate_ends_a_job_in_any_state(state: str) -> None:
    """Terminate ends a job in any state.

    Source: botocore 1.44.5, batch TerminateJob, read 2026-11-21.
    """
    stage = Stage(resources=ComputeResources("EC2", 4, instance_types=("c5.xlarge",)))
    blocker = stage.submit(vcpus=4)
    job = stage.submit(vcpus=4, after=[blocker] if state == "PENDING" else [])
    if state != "SUBMITTED":
        stage.wait(2)
    assert stage.status(job) == state
    stage.engine.terminate_job(job, "out")
    assert stage.status(job) == "FAILED"


# --- arrays ---------------------------------------------------------------------------------------------------------


def test_an_array_parent_is_pending_until_all_children_have_ended() -> None:
    """Parent: SUBMITTED → PENDING → SUCCEEDED; statusSummary counts the seven states.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html, read 2026-11-21.
    """
    stage = Stage(resources=ComputeResources("EC2", 4, instance_types=("c5.xlarge",)))
    job = stage.submit(size=10)
    stage.wait(5)
    view = stage.engine.describe_job(job)
    assert view.status == "PENDING"
    assert view.status_summary == {
        "SUBMITTED": 0, "PENDING": 0, "RUNNABLE": 6, "STARTING": 0, "RUNNING": 4, "SUCCEEDED": 0, "FAILED": 0,
    }  # fmt: skip
    child = stage.engine.describe_job(f"{job}:0")
    assert (child.array_index, child.parent_id, child.environment_variables["AWS_BATCH_JOB_ARRAY_INDEX"]) == (
        0,
        job,
        "0",
    )
    stage.finish()
    assert stage.walk(job) == ["PENDING", "SUCCEEDED"]


def test_an_array_fails_after_all_children_when_one_failed() -> None:
    """An array fails after all children when one failed.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html; the text as seen in public, read
    2026-11-21.
    """
    stage = Stage(bad=[FAILS])
    job = stage.submit("bad", size=3)
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, view.status_reason) == ("FAILED", "Array Child Job failed")
    assert view.status_summary["FAILED"] == 3


def test_sequential_children_run_one_after_the_other() -> None:
    """Child i waits for i−1.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html, read 2026-11-21.
    """
    stage = Stage()
    job = stage.submit(size=4, after=[("", "SEQUENTIAL")])
    stage.finish()
    views = [stage.engine.describe_job(f"{job}:{index}") for index in range(4)]
    assert all(a.stopped_at_ms <= b.started_at_ms for a, b in itertools.pairwise(views))


def test_n_to_n_children_wait_for_their_partner_alone() -> None:
    """Child i waits for child i of the other array.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html, read 2026-11-21.
    """
    stage = Stage(resources=ComputeResources("EC2", 4, instance_types=("c5.xlarge",)))
    first = stage.submit(size=8)
    second = stage.submit(size=8, after=[(first, "N_TO_N")])
    stage.finish()
    for index in range(8):
        partner = stage.engine.describe_job(f"{first}:{index}")
        assert partner.stopped_at_ms <= stage.engine.describe_job(f"{second}:{index}").started_at_ms


def test_n_to_n_needs_arrays_of_one_size() -> None:
    """N to n needs arrays of one size.

    Source: botocore 1.44.5, batch ArrayJobDependency, read 2026-11-21.
    """
    stage = Stage()
    first = stage.submit(size=4)
    with pytest.raises(InvalidRefusal, match="two array jobs of one size"):
        stage.submit(size=5, after=[(first, "N_TO_N")])


def test_terminating_the_parent_reaches_every_child() -> None:
    """Terminating the parent reaches every child.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html, read 2026-11-21.
    """
    stage = Stage(resources=ComputeResources("EC2", 4, instance_types=("c5.xlarge",)))
    job = stage.submit(size=10)
    stage.wait(2)
    stage.engine.terminate_job(job, "stop all")
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, view.status_summary["FAILED"], view.is_terminated) == ("FAILED", 10, True)


# --- retries --------------------------------------------------------------------------------------------------------


def test_without_rules_every_failure_is_retried_up_to_the_attempts() -> None:
    """Without rules every failure is retried up to the attempts.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html, read 2026-11-21.
    """
    stage = Stage(bad=[FAILS])
    job = stage.submit("bad", attempts=3)
    stage.finish()
    assert len(stage.engine.describe_job(job).attempts) == 3


def test_spot_idiom_retries_host_loss_and_exits_on_anything_else() -> None:
    """`Host EC2*` RETRY, `*` EXIT.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html,
    https://docs.aws.amazon.com/batch/latest/userguide/bestpractice6.html, read 2026-11-21.
    """
    idiom = (EvaluateOnExit("RETRY", on_status_reason="Host EC2*"), EvaluateOnExit("EXIT", on_reason="*"))
    stage = Stage(bad=[60_000, FAILS])
    job = stage.submit("bad", attempts=5, rules=idiom)
    stage.wait(10)
    instance = stage.engine.describe_job(job).current.instance_id
    stage.engine.interrupt_instance(instance)
    stage.finish()
    first, second = stage.engine.describe_job(job).attempts
    assert first.status_reason == f"Host EC2 (instance {instance}) terminated."
    assert first.exit_code is None
    assert second.exit_code == 1


def test_a_timeout_is_not_retried() -> None:
    """ "AWS Batch doesn't retry jobs that time out".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html, read 2026-11-21.
    """
    stage = Stage(settings=instant(stop_grace_ms=30_000), long=[600_000])
    job = stage.submit("long", attempts=5, timeout_s=60)
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, view.status_reason) == ("FAILED", "Job attempt duration exceeded timeout")
    assert [(each.exit_code, each.stopped_at_ms - each.started_at_ms) for each in view.attempts] == [(137, 90_000)]


# --- reasons --------------------------------------------------------------------------------------------------------


def test_out_of_memory() -> None:
    """OutOfMemoryError and 137 above the limit.

    Source: ECS's text, https://docs.aws.amazon.com/batch/latest/userguide/memory-management.html, read 2026-11-21.
    """
    stage = Stage(greedy=[Outcome(1_000, 0, 200)])
    job = stage.submit("greedy", memory=128)
    stage.finish()
    (attempt,) = stage.engine.describe_job(job).attempts
    assert (attempt.status_reason, attempt.reason, attempt.exit_code) == (
        "Essential container in task exited", "OutOfMemoryError: Container killed due to memory usage", 137,
    )  # fmt: skip


def test_a_start_failure_has_no_exit_code_and_no_start() -> None:
    """`Task failed to start` with the container's reason.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html, read 2026-11-21.
    """
    stage = Stage(broken=[Outcome(0, 0, 0, "CannotPullContainerError: no such image", False)])
    job = stage.submit("broken")
    stage.finish()
    (attempt,) = stage.engine.describe_job(job).attempts
    assert (attempt.status_reason, attempt.reason) == (
        "Task failed to start",
        "CannotPullContainerError: no such image",
    )
    assert (attempt.exit_code, attempt.started_at_ms) == (None, None)
    assert stage.walk(job) == ["RUNNABLE", "STARTING", "FAILED"]


def test_a_deleted_queue_fails_the_jobs_that_remain() -> None:
    """A deleted queue fails the jobs that remain.

    Source: as seen in public (`JobQueue deleted`), read 2026-11-21.
    """
    stage = Stage(resources=ComputeResources("EC2", 4, instance_types=("c5.xlarge",)))
    jobs = [stage.submit(vcpus=4) for _ in range(2)]
    stage.wait(1)
    stage.engine.update_job_queue(JobQueue("q", 1, ("ce",), state="DISABLED"))
    stage.wait(1)
    with pytest.raises(StateRefusal):
        stage.submit()
    stage.engine.delete_job_queue("q")
    stage.finish()
    assert [stage.engine.describe_job(job).status_reason for job in jobs] == ["JobQueue deleted"] * 2


# --- environment of a job -------------------------------------------------------------------------------------------


def test_environment_variables_and_log_stream() -> None:
    """Environment variables and log stream.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html; the stream's name:
    https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html, read 2026-11-21.
    """
    stage = Stage()
    job = stage.submit(size=2)
    stage.finish()
    view = stage.engine.describe_job(f"{job}:1")
    assert view.environment_variables == {
        "AWS_BATCH_CE_NAME": "ce",
        "AWS_BATCH_JQ_NAME": "q",
        "AWS_BATCH_JOB_ID": f"{job}:1",
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_BATCH_JOB_ARRAY_INDEX": "1",
        "AWS_BATCH_JOB_ARRAY_SIZE": "2",
    }
    task = view.current.task_arn.rpartition("/")[2]
    assert view.current.log_stream == f"definition/default/{task}"


# --- multi-node -----------------------------------------------------------------------------------------------------


def test_a_gang_starts_main_first_on_one_instance_a_node() -> None:
    """Main first, children once it is RUNNING; one container an instance.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html, read 2026-11-21.
    """
    stage = Stage(settings=instant(image_pull_ms=5_000))
    job = stage.submit_gang(nodes=3)
    stage.finish()
    assert stage.status(job) == "SUCCEEDED"
    nodes = [stage.engine.describe_job(f"{job}#{index}") for index in range(3)]
    assert len({node.current.instance_id for node in nodes}) == 3
    assert nodes[0].is_main_node
    assert nodes[0].environment_variables["AWS_BATCH_JOB_MAIN_NODE_INDEX"] == "0"
    assert "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS" not in nodes[0].environment_variables
    assert "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS" in nodes[1].environment_variables
    running = [e.job_id for e in stage.effects if getattr(e, "status", "") == "RUNNING" and "#" in e.job_id]
    assert running[0] == f"{job}#0"


def test_the_main_nodes_end_ends_the_job_and_a_childs_does_not() -> None:
    """The main nodes end ends the job and a childs does not.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html, read 2026-11-21.
    """
    stage = Stage(main=[30_000], n1=[FAILS], n2=[600_000])
    job = stage.submit_gang(nodes=3)
    stage.wait(10)
    assert (stage.status(f"{job}#1"), stage.status(job)) == ("FAILED", "RUNNING")
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, view.stopped_at_ms - view.started_at_ms) == ("SUCCEEDED", 30_000)
    assert stage.engine.describe_job(f"{job}#2").attempts[0].exit_code == 137


def test_only_a_failure_of_the_main_node_is_retried_with_the_whole_gang() -> None:
    """Only a failure of the main node is retried with the whole gang.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html, read 2026-11-21.
    """
    stage = Stage(main=[FAILS, 1_000])
    job = stage.submit_gang(nodes=2, attempts=2)
    stage.finish()
    assert [each.exit_code for each in stage.engine.describe_job(job).attempts] == [1, 0]
    assert len(stage.engine.describe_job(f"{job}#1").attempts) == 2


@pytest.mark.parametrize("kind", ["SPOT", "UNMANAGED"])
def test_a_gang_runs_on_no_spot_and_no_unmanaged_environment(kind: str) -> None:
    """A gang runs on no spot and no unmanaged environment.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/mnp-ce.html, read 2026-11-21.
    """
    stage = Stage()
    stage.add(None if kind == "UNMANAGED" else ComputeResources("SPOT", 64, instance_types=("c5",)), "other")
    if kind == "UNMANAGED":
        for _ in range(3):
            stage.engine.register_instance("other", "c5.xlarge")
    stage.engine.create_job_queue(JobQueue("other", 1, ("other",)))
    stage.finish()
    job = stage.submit_gang(nodes=2, queue="other")
    stage.finish()
    assert stage.status(job) == "RUNNABLE"
    assert stage.engine.find_queue("other").blocked_reason.startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")


# --- containers, Fargate, consumables -------------------------------------------------------------------------------


def test_an_essential_container_ends_the_task() -> None:
    """Others are stopped; its exit is the job's.

    Source: botocore 1.44.5, TaskContainerProperties.essential, read 2026-11-21.
    """
    containers = (
        Container("init", essential=False),
        Container("app", depends_on=(("init", "SUCCESS"),)),
        Container("sidecar", essential=False, depends_on=(("app", "START"),)),
    )
    stage = Stage(init=[5_000], app=[Outcome(20_000, 3)], sidecar=[900_000])
    job = stage.submit(containers=containers)
    stage.finish()
    view = stage.engine.describe_job(job)
    # The first five seconds, in which "init" runs, are STARTING.
    assert (view.status, view.attempts[0].exit_code, view.stopped_at_ms - view.started_at_ms) == ("FAILED", 3, 20_000)
    assert [(run.name, run.exit_code) for run in view.containers] == [("init", 0), ("app", 3), ("sidecar", 137)]


@pytest.mark.parametrize(("order", "code"), [(("quick", "slow"), 3), (("slow", "quick"), 4)])
def test_a_pod_ends_with_its_last_container_and_fails_with_any(order: tuple[str, ...], code: int) -> None:
    """ "All containers in the Pod have terminated, and at least one container has terminated in failure": Failed.

    Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase, read 2026-11-21.
    """
    stage = Stage(quick=[Outcome(5_000, 3)], slow=[Outcome(20_000, 4)], last=[30_000])
    containers = tuple(map(Container, (*order, "last")))
    pod, task = stage.submit(containers=containers, orchestrator="EKS"), stage.submit(containers=containers)
    stage.finish()
    view = stage.engine.describe_job(pod)
    assert (view.status, view.attempts[0].exit_code, view.stopped_at_ms - view.started_at_ms) == (
        "FAILED",
        code,
        30_000,
    )
    assert {run.name: run.exit_code for run in view.containers} == {"quick": 3, "slow": 4, "last": 0}
    ecs = stage.engine.describe_job(task)  # there the first essential container's end is the task's
    assert (ecs.attempts[0].exit_code, ecs.stopped_at_ms - ecs.started_at_ms) == (3, 5_000)


def test_a_pod_whose_containers_all_end_well_succeeds_with_the_last() -> None:
    """ "All containers in the Pod have terminated in success": Succeeded; init containers ran before.

    Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase, read 2026-11-21.
    """
    stage = Stage(init=[1_000], a=[5_000], b=[20_000])
    job = stage.submit(containers=(Container("init", init=True), Container("a"), Container("b")), orchestrator="EKS")
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, view.attempts[0].exit_code, view.stopped_at_ms - view.started_at_ms) == (
        "SUCCEEDED",
        0,
        20_000,
    )


def test_fargate_jobs_need_no_instance_and_keep_to_max_vcpus() -> None:
    """Fargate jobs need no instance and keep to max vcpus.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/fargate.html (start in about 30 seconds), read
    2026-11-21.
    """
    stage = Stage(resources=ComputeResources("FARGATE", 1), settings=instant(fargate_start_ms=30_000))
    jobs = [stage.submit(vcpus=0.5, platform="FARGATE") for _ in range(3)]
    stage.wait(31)
    assert [stage.status(job) for job in jobs] == ["RUNNING", "RUNNING", "RUNNABLE"]
    assert stage.engine.describe_job(jobs[0]).current.container_instance_arn == ""
    stage.finish()
    assert not list(stage.engine.instances(terminated=True))
    assert stage.status(jobs[2]) == "SUCCEEDED"


def test_consumables_are_locked_from_starting_to_the_end() -> None:
    """Consumables are locked from starting to the end.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/resource-aware-scheduling.html, read 2026-11-21.
    """
    stage = Stage()
    stage.engine.create_consumable_resource(ConsumableResource("licence", 2))
    stage.engine.create_consumable_resource(ConsumableResource("token", 2, "NON_REPLENISHABLE"))
    needs = (ConsumableRequirement("licence", 1), ConsumableRequirement("token", 1))
    jobs = [stage.submit(consumables=needs) for _ in range(3)]
    stage.wait(1)
    assert [stage.status(job) for job in jobs] == ["RUNNING", "RUNNING", "RUNNABLE"]
    assert stage.engine.consumable_quantities("licence") == (2, 2)
    stage.finish()
    assert stage.engine.consumable_quantities("licence") == (2, 0)
    assert stage.engine.consumable_quantities("token") == (0, 0)
    assert stage.status(jobs[2]) == "RUNNABLE"
    stage.engine.set_consumable_quantity("token", 1)
    stage.finish()
    assert stage.status(jobs[2]) == "SUCCEEDED"


def test_resources_of_a_job_are_the_sum_of_its_containers() -> None:
    """Resources of a job are the sum of its containers.

    Source: botocore 1.44.5, EcsTaskProperties, read 2026-11-21.
    """
    stage = Stage(resources=ComputeResources("EC2", 4, instance_types=("c5.xlarge",)))
    pair = tuple(Container(name, resources=Resources(2, 100)) for name in ("a", "b"))
    jobs = [stage.submit(containers=pair) for _ in range(2)]
    stage.wait(1)
    assert [stage.status(job) for job in jobs] == ["RUNNING", "RUNNABLE"]
