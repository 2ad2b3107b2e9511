"""Retry conditions, stops, environment variables and gangs: one test a documented row, with its address and date."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from engine_stage import Stage

from batchiac.engine import Outcome
from batchiac.engine.effects import JobStateChanged
from batchiac.engine.settings import instant
from batchiac.model.compute_environment import ComputeResources
from batchiac.model.job_definition import Container, EvaluateOnExit, NodeRange, Resources
from batchiac.model.job_queue import JobQueue

FOUR = ComputeResources("EC2", 4, instance_types=("c5.xlarge",))
FAILS = Outcome(1_000, 1)


@pytest.mark.parametrize(
    ("rules", "attempts"),
    [
        pytest.param((), 3, id="no rule: RETRY"),
        pytest.param((EvaluateOnExit("EXIT", on_exit_code="7"),), 1, id="exact"),
        pytest.param((EvaluateOnExit("EXIT", on_exit_code="8"),), 3, id="none matches: RETRY"),
        pytest.param((EvaluateOnExit("EXIT", on_exit_code="7*"),), 1, id="prefix"),
        pytest.param((EvaluateOnExit("EXIT", on_exit_code="70"),), 3, id="an exact one is no prefix"),
        pytest.param((EvaluateOnExit("EXIT", on_status_reason="Essential*"),), 1, id="statusReason"),
        pytest.param((EvaluateOnExit("EXIT", on_status_reason="essential*"),), 3, id="case counts"),
        pytest.param((EvaluateOnExit("EXIT", on_reason="Boom*"),), 1, id="reason"),
        pytest.param((EvaluateOnExit("EXIT", on_exit_code="7", on_reason="Bang*"),), 3, id="all conditions"),
        pytest.param((EvaluateOnExit("RETRY", on_exit_code="7"), EvaluateOnExit("EXIT", on_reason="*")), 3, id="first"),
        pytest.param((EvaluateOnExit("EXIT", on_reason="*"), EvaluateOnExit("RETRY", on_exit_code="7")), 1, id="order"),
    ],
)
def test_evaluate_on_exit(rules: tuple[EvaluateOnExit, ...], attempts: int) -> None:
    """In order, the first entry of which all conditions match decides; none means RETRY, up to the attempts.

    Source: botocore 1.44.5, batch EvaluateOnExit and RetryStrategy;
    https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html, read 2026-11-21.
    """
    stage = Stage(bad=[Outcome(1_000, 7, 0, "Boom: it broke")])
    job = stage.submit("bad", attempts=3, rules=rules)
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, len(view.attempts)) == ("FAILED", attempts)


def test_cancelled_and_terminated_jobs_are_not_retried() -> None:
    """Neither uses another attempt, whatever the rules say.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html, read 2026-11-21.
    """
    always = (EvaluateOnExit("RETRY", on_reason="*"),)
    stage = Stage(resources=FOUR, long=[600_000])
    running = stage.submit("long", vcpus=4, attempts=5, rules=always)
    waiting = stage.submit(vcpus=4, attempts=5, rules=always)
    stage.wait(5)
    stage.engine.cancel_job(waiting, "not now")
    stage.engine.terminate_job(running, "stop")
    stage.finish()
    assert [len(stage.engine.describe_job(job).attempts) for job in (running, waiting)] == [1, 0]
    assert [stage.status(job) for job in (running, waiting)] == ["FAILED", "FAILED"]


def test_attempts_are_numbered_from_one() -> None:
    """AWS_BATCH_JOB_ATTEMPT: "The first attempt is numbered 1."

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html, read 2026-11-21.
    """
    stage = Stage(job=[1_000, 1_000], flaky=[FAILS, 60_000])
    job = stage.submit("flaky", attempts=2)
    seen = []
    for _ in range(2):
        while stage.status(job) != "RUNNING":
            stage.wait(0.5)
        seen.append(stage.engine.describe_job(job).environment_variables["AWS_BATCH_JOB_ATTEMPT"])
        stage.wait(1.1)
    assert seen == ["1", "2"]


def test_children_retry_and_time_out_one_by_one_and_the_parent_never() -> None:
    """Attempts and attemptDurationSeconds are each child's own.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html,
    https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html, read 2026-11-21.
    """
    stage = Stage(resources=FOUR, slow=[50_000, 50_000])
    job = stage.submit("slow", size=3, vcpus=4, timeout_s=60, attempts=2)
    stage.finish()
    parent = stage.engine.describe_job(job)
    assert (parent.status, parent.attempts) == ("SUCCEEDED", ())
    assert parent.stopped_at_ms - parent.created_at_ms > 150_000  # longer than one child may take
    flaky = Stage(bad=[FAILS, 1_000])
    job = flaky.submit("bad", size=3, attempts=2)
    flaky.finish()
    assert [len(flaky.engine.describe_job(f"{job}:{index}").attempts) for index in range(3)] == [2, 2, 2]
    assert flaky.status(job) == "SUCCEEDED"


def test_a_new_attempt_has_its_whole_time() -> None:
    """The timeout counts from the attempt's own startedAt.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html, read 2026-11-21.
    """
    stage = Stage(job=[Outcome(50_000, 1), 50_000])
    job = stage.submit(attempts=2, timeout_s=60)
    stage.finish()
    assert stage.status(job) == "SUCCEEDED"


def test_cancelling_the_parent_reaches_the_children_that_have_no_host() -> None:
    """Those that run go on; the others fail with the caller's reason.

    Source: botocore 1.44.5, batch CancelJob, read 2026-11-21.
    """
    stage = Stage(resources=FOUR)
    job = stage.submit(size=4, vcpus=4)
    stage.wait(5)
    stage.engine.cancel_job(job, "enough")
    stage.finish()
    views = [stage.engine.describe_job(f"{job}:{index}") for index in range(4)]
    assert [view.status for view in views] == ["SUCCEEDED", "FAILED", "FAILED", "FAILED"]
    assert {view.status_reason for view in views[1:]} == {"enough"}
    assert stage.status(job) == "FAILED"


def test_environment_variables_of_a_plain_job() -> None:
    """Four, and no other that AWS Batch sets.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html, read 2026-11-21.
    """
    stage = Stage()
    job = stage.submit()
    stage.finish()
    assert stage.engine.describe_job(job).environment_variables == {
        "AWS_BATCH_CE_NAME": "ce",
        "AWS_BATCH_JQ_NAME": "q",
        "AWS_BATCH_JOB_ID": job,
        "AWS_BATCH_JOB_ATTEMPT": "1",
    }


@pytest.mark.parametrize("size", [0, 2])
def test_jobs_on_eks_know_their_node(size: int) -> None:
    """AWS_BATCH_JOB_KUBERNETES_NODE_UID, "only set for jobs that run on Amazon EKS resources"; children have it too.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html, read 2026-11-21.
    """
    stage = Stage()
    eks, ecs = stage.submit(size=size, orchestrator="EKS"), stage.submit(size=size)
    stage.finish()
    child = ":0" if size else ""
    variables = [stage.engine.describe_job(job + child).environment_variables for job in (eks, ecs)]
    assert len(variables[0].pop("AWS_BATCH_JOB_KUBERNETES_NODE_UID")) == 36
    assert variables[0].keys() == variables[1].keys()


def test_environment_variables_of_the_nodes_of_a_gang() -> None:
    """Index, main node's index and number of nodes; the main node's address on the other nodes alone.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html, read 2026-11-21.
    """
    stage = Stage()
    job = stage.submit_gang(nodes=3)
    stage.finish()
    nodes = [stage.engine.describe_job(f"{job}#{index}").environment_variables for index in range(3)]
    assert [node["AWS_BATCH_JOB_NODE_INDEX"] for node in nodes] == ["0", "1", "2"]
    assert {(node["AWS_BATCH_JOB_MAIN_NODE_INDEX"], node["AWS_BATCH_JOB_NUM_NODES"]) for node in nodes} == {("0", "3")}
    name = "AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"
    assert [name in node for node in nodes] == [False, True, True]
    assert nodes[1][name] == nodes[2][name]


def test_the_log_stream_takes_two_hundred_characters_of_the_definitions_name() -> None:
    """`first200CharsOfJobDefinitionName/default/ecs_task_id`.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html, read 2026-11-21.
    """
    stage = Stage()
    job = stage.submit()
    stage.finish()
    (attempt,) = stage.engine.describe_job(job).attempts
    first, kind, task = attempt.log_stream.split("/")
    assert (first, kind, task) == ("definition", "default", attempt.task_arn.rpartition("/")[2])


def test_every_change_but_the_submission_is_told() -> None:
    """`Batch Job State Change`: "every change, not initial submission".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html, read 2026-11-21.
    """
    stage = Stage()
    job = stage.submit()
    assert not [effect for effect in stage.effects if isinstance(effect, JobStateChanged)]
    stage.finish()
    changes = [effect for effect in stage.effects if isinstance(effect, JobStateChanged)]
    assert [(each.previous, each.status) for each in changes] == [
        ("SUBMITTED", "RUNNABLE"), ("RUNNABLE", "STARTING"), ("STARTING", "RUNNING"), ("RUNNING", "SUCCEEDED"),
    ]  # fmt: skip
    assert {each.job_id for each in changes} == {job}


def test_a_queue_is_first_in_first_out() -> None:
    """A blocked head blocks those behind it, however small they are.

    Source: botocore 1.44.5, batch CreateJobQueueRequest.schedulingPolicyArn ("first in, first out"), read 2026-11-21.
    """
    stage = Stage(resources=FOUR)
    stage.submit(vcpus=2)
    large = stage.submit(vcpus=4)
    small = stage.submit(vcpus=1)
    stage.finish()
    views = [stage.engine.describe_job(job) for job in (large, small)]
    assert views[0].stopped_at_ms <= views[1].started_at_ms


# --- gangs ----------------------------------------------------------------------------------------------------------


def test_a_whole_gang_must_fit_max_vcpus() -> None:
    """Three nodes of 4 vCPUs do not fit 8: the queue is blocked, and no node starts.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html, read 2026-11-21.
    """
    stage = Stage(resources=ComputeResources("EC2", 8, instance_types=("c5.xlarge",)))
    job = stage.submit_gang(nodes=3, vcpus=4)
    stage.finish()
    assert stage.engine.describe_job(job).status_reason.startswith("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE")
    assert not list(stage.engine.instances(terminated=True))


def test_a_gang_blocked_by_capacity_does_not_fall_back_to_the_next_environment() -> None:
    """Capacity errors in the first EC2 environment block, even if a lower one could run it; one type, no fallback.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/mnp-ce.html, read 2026-11-21.
    """
    stage = Stage()
    stage.add(ComputeResources("EC2", 64, instance_types=("m5.xlarge",)), "second")
    stage.engine.create_job_queue(JobQueue("both", 1, ("ce", "second")))
    stage.finish()
    stage.engine.set_capacity("c5.xlarge", 1)
    job = stage.submit_gang(nodes=2, vcpus=4, queue="both")
    stage.finish()
    assert stage.status(job) == "RUNNABLE"
    assert not list(stage.engine.instances("second"))
    stage.engine.set_capacity("c5.xlarge", 2)
    stage.finish()
    assert stage.status(job) == "SUCCEEDED"


def test_the_timeout_of_a_gang_is_the_whole_jobs() -> None:
    """The main node's time is over: the job has timed out, all nodes are stopped, nothing is retried.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html, read 2026-11-21.
    """
    stage = Stage(main=[600_000], n1=[600_000])
    job = stage.submit_gang(nodes=2, timeout_s=60, attempts=3)
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, view.status_reason) == ("FAILED", "Job attempt duration exceeded timeout")
    assert view.stopped_at_ms - view.started_at_ms == 60_000
    assert len(view.attempts) == 1
    assert stage.status(f"{job}#1") == "FAILED"


def test_terminating_a_gang_stops_every_node() -> None:
    """The caller's reason; no node runs on.

    Source: botocore 1.44.5, batch TerminateJob;
    https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html, read 2026-11-21.
    """
    stage = Stage(settings=instant(stop_grace_ms=30_000), main=[600_000], n1=[600_000])
    job = stage.submit_gang(nodes=2, attempts=3)
    stage.wait(10)
    stage.engine.terminate_job(job, "stop")
    stage.finish()
    assert stage.engine.describe_job(job).status_reason == "stop"
    assert {stage.status(f"{job}#{index}") for index in range(2)} == {"FAILED"}


def test_a_node_whose_instance_went_before_it_started_stays_failed() -> None:
    """The death of a node other than the main one is ignored, before its container begins too.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html, read 2026-11-21.
    """
    ranges = [
        NodeRange(node, node, (Container(name, image=name, resources=Resources(1, 128)),))
        for node, name in enumerate(("main", "n1", "n2"))
    ]
    stage = Stage(settings=instant(image_pull_ms=60_000), main=[600_000])
    job = stage.submit("gang", type="multinode", num_nodes=3, node_ranges=ranges, containers=())
    stage.wait(30)
    assert stage.status(f"{job}#1") == "PENDING"
    instances = [view.id for view in stage.engine.instances() if f"{job}#1" in stage.engine.jobs_on(view.id)]
    stage.engine.interrupt_instance(instances[0])
    stage.finish()
    assert [stage.status(f"{job}#{index}") for index in range(3)] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert stage.status(job) == "SUCCEEDED"
