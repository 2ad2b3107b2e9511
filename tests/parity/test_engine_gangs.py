"""The rest of the documented multi-node rows: one test a row, with its address and the date read."""

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
from batchiac.model.job_definition import Container, NodeRange, Resources
from batchiac.model.job_queue import JobQueue

FAILS = Outcome(1_000, 1)


def order_of_starts(stage: Stage, job: str) -> list[int]:
    """Node indices in the order in which their nodes went to STARTING."""
    return [
        int(effect.job_id.partition("#")[2])
        for effect in stage.effects
        if isinstance(effect, JobStateChanged) and effect.job_id.startswith(f"{job}#") and effect.status == "STARTING"
    ]


def test_the_other_nodes_start_in_random_order_after_the_main_one() -> None:
    """ "main node, which is launched first. After the main node is up, the child nodes are launched and started", in no
    given order: one of the seed's, the same in every run.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html,
    https://docs.aws.amazon.com/batch/latest/userguide/job-lifecycle.html, read 2026-11-21.
    """

    def run() -> list[list[int]]:
        resources = ComputeResources("EC2", 256, instance_types=("c5.xlarge",))
        stage = Stage(resources=resources, settings=instant(image_pull_ms=5_000))
        jobs = [stage.submit_gang(f"gang{number}", nodes=8) for number in range(5)]
        stage.finish()
        for job in jobs:
            main = stage.engine.describe_job(f"{job}#0")
            others = [stage.engine.describe_job(f"{job}#{index}") for index in range(1, 8)]
            running = next(
                e.at_ms for e in stage.effects if getattr(e, "job_id", "") == main.id and e.status == "RUNNING"
            )
            assert all(node.started_at_ms is None or node.started_at_ms >= running for node in others)
        return [order_of_starts(stage, job) for job in jobs]

    orders = run()
    assert all(order[0] == 0 and sorted(order) == list(range(8)) for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    assert any(order != sorted(order) for order in orders)
    assert run() == orders


def test_a_main_node_other_than_the_first_starts_first() -> None:
    """mainNode says which node it is.

    Source: botocore 1.44.5, batch NodeProperties.mainNode, read 2026-11-21.
    """
    stage = Stage()
    ranges = [
        NodeRange(node, node, (Container(f"n{node}", resources=Resources(1, 128)),)) for node in range(3)
    ]  # fmt: skip
    job = stage.submit("gang", type="multinode", num_nodes=3, main_node=2, node_ranges=ranges, containers=())
    stage.finish()
    assert order_of_starts(stage, job)[0] == 2
    assert stage.engine.describe_job(f"{job}#2").is_main_node


def test_the_jobs_own_times_and_exit_are_the_main_nodes() -> None:
    """ "The started, stoppedAt, statusReason, and exit information … is populated from the main node."

    Source: https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html, read 2026-11-21.
    """
    stage = Stage(main=[Outcome(30_000, 4)], n1=[1_000])
    job = stage.submit_gang(nodes=2)
    stage.finish()
    whole, main = stage.engine.describe_job(job), stage.engine.describe_job(f"{job}#0")
    for name in ("status", "status_reason", "started_at_ms", "stopped_at_ms"):
        assert getattr(whole, name) == getattr(main, name)
    assert whole.attempts[0].exit_code == main.attempts[0].exit_code == 4


def test_each_attempt_of_the_job_is_one_of_every_node() -> None:
    """ "Each new attempt … updates the corresponding attempt of its associated child nodes."

    Source: https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html, read 2026-11-21.
    """
    stage = Stage(main=[Outcome(10_000, 1), 10_000], n1=[FAILS])
    job = stage.submit_gang(nodes=3, attempts=3)
    stage.finish()
    assert stage.status(job) == "SUCCEEDED"
    assert [len(stage.engine.describe_job(f"{job}#{index}").attempts) for index in range(3)] == [2, 2, 2]


def test_a_gang_of_a_thousand_nodes_has_an_instance_each() -> None:
    """The most that AWS allows; single tenants all.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/mnp-node-groups.html, read 2026-11-21.
    """
    stage = Stage(resources=ComputeResources("EC2", 4_000, instance_types=("c5.xlarge",)))
    ranges = (NodeRange(0, 999, (Container("main", resources=Resources(1, 128)),)),)
    job = stage.submit("gang", type="multinode", num_nodes=1_000, node_ranges=ranges, containers=())
    small = stage.submit()
    stage.wait(5)
    assert stage.status(job) == "RUNNING"
    nodes = [stage.engine.describe_job(f"{job}#{index}") for index in range(1_000)]
    assert len({node.current.instance_id for node in nodes}) == 1_000
    assert len({node.current.private_address for node in nodes}) == 1_000
    assert stage.status(small) == "RUNNABLE"  # nobody shares an instance with a node
    stage.finish()
    assert (stage.status(job), stage.status(small)) == ("SUCCEEDED", "SUCCEEDED")


def test_the_address_that_nodes_are_told_is_the_main_nodes() -> None:
    """AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS of the children is where the main node is.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/mnp-env-vars.html, read 2026-11-21.
    """
    stage = Stage(main=[60_000], n1=[60_000])
    job = stage.submit_gang(nodes=2)
    stage.wait(5)
    main, child = (stage.engine.describe_job(f"{job}#{index}") for index in range(2))
    told = child.environment_variables["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"]
    assert told == main.current.private_address != child.current.private_address


@pytest.mark.parametrize("kind", ["SPOT", "FARGATE", "ECS_MANAGED_INSTANCES"])
def test_a_gang_runs_on_demand_alone(kind: str) -> None:
    """Not on Spot, Fargate or Managed Instances: the queue is blocked, because no environment can hold the job.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/mnp-ce.html; botocore 1.44.5, batch NodeProperties,
    read 2026-11-21.
    """
    stage = Stage()
    types = ("c5.xlarge",) if kind == "SPOT" else ()
    stage.add(ComputeResources(kind, 64, instance_types=types), "other")  # type: ignore[arg-type]
    stage.engine.create_job_queue(JobQueue("other", 1, ("other",)))
    stage.finish()
    job = stage.submit_gang(nodes=2, queue="other")
    stage.finish()
    assert stage.status(job) == "RUNNABLE"
    assert stage.engine.find_queue("other").blocked_reason.startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")


def test_a_gang_whose_main_node_cannot_start_is_retried_whole() -> None:
    """A failure of the main node in STARTING is one, with or without using an attempt.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html, read 2026-11-21; decision
    0110.
    """
    for uses, attempts, status in ((True, 1, "FAILED"), (False, 2, "SUCCEEDED")):
        stage = Stage(
            settings=instant(start_failure_uses_attempt=uses),
            main=[Outcome(0, 0, 0, "CannotPullContainerError", False), 1_000],
        )
        job = stage.submit_gang(nodes=2)
        stage.finish()
        view = stage.engine.describe_job(job)
        assert (view.status, len(view.attempts)) == (status, attempts)
        assert view.attempts[0].started_at_ms is None
