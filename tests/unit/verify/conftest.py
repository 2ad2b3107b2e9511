"""A small run made by hand, so that measures and reports are tested without a simulation."""

from __future__ import annotations

import pytest

from batchiac.model.price import Price, PriceTable
from batchiac.verify.destination import Definition, Destinations, Environment, Queue
from batchiac.verify.submit import plan_submissions
from batchiac.verify.trace import Attempt, InstanceRun, JobRun, Run, Stuck
from batchiac.verify.workload import Behaviour, Dependency, Task, Workload


@pytest.fixture
def destinations() -> Destinations:
    """Two queues, three definitions, as a stack of suffixed names has them."""
    return Destinations(
        queues=(
            Queue("background-0123abc", "arn:background", 1, False, ("spot-0123abc", "on-demand-0123abc")),
            Queue("shared-0123abc", "arn:shared", 50, True, ("on-demand-0123abc",)),
            Queue("urgent-0123abc", "arn:urgent", 10, False, ("on-demand-0123abc",)),
        ),
        environments={
            "on-demand-0123abc": Environment("on-demand-0123abc", 64, spot=False, fargate=False),
            "spot-0123abc": Environment("spot-0123abc", 128, spot=True, fargate=False),
        },
        definitions=(
            Definition("array-0123abc", "arn:array", 1, "container", 1, 512),
            Definition("multi-node-0123abc", "arn:multi-node", 2, "multinode", 4, 6000, 4),
            Definition("simple-0123abc", "arn:simple", 3, "container", 1, 1024),
        ),
        exported=("urgent-0123abc", "simple-0123abc", "array-0123abc", "multi-node-0123abc"),
    )


@pytest.fixture
def workload() -> Workload:
    """prepare → four `align` in an array → check (fails) and merge; `vast` fits nowhere."""
    return Workload(
        name="small <night>",
        format="by hand",
        tasks=(
            Task("prepare", "prepare", vcpus=2, behaviour=Behaviour("100", "0")),
            Task(
                "align",
                "align",
                vcpus=4,
                array_size=4,
                depends_on=(Dependency("prepare"),),
                behaviour=Behaviour("uniform:50:90"),
            ),
            Task("check", "check", depends_on=(Dependency("align"),), behaviour=Behaviour("10", "1")),
            Task("merge", "merge", vcpus=8, depends_on=(Dependency("align"),), behaviour=Behaviour("30")),
            Task("vast", "vast", vcpus=999, behaviour=Behaviour("5")),
        ),
        assumptions=("a fifth more memory than measured",),
        measured_makespan_s=500.0,
    )


@pytest.fixture
def run(workload: Workload, destinations: Destinations) -> Run:
    """What became of it."""

    def job(job_id: str, task: str, vcpus: float, ready: float, *attempts: Attempt, reason: str = "") -> JobRun:
        last = attempts[-1]
        status = "SUCCEEDED" if last.succeeded else "FAILED"
        return JobRun(job_id, task, task, vcpus, 0.0, ready, attempts, status, last.stopped_at_s, reason)

    return Run(
        workload=workload,
        plan=plan_submissions(workload, destinations),
        stack="local",
        region="us-east-1",
        seed=7,
        jobs=(
            job("a", "prepare", 2, 1.0, Attempt(130.0, 230.0, True)),
            job("b:0", "align", 4, 230.0, Attempt(230.0, 290.0, True)),
            job(
                "b:1",
                "align",
                4,
                230.0,
                Attempt(230.0, 250.0, False, "Host EC2 terminated."),
                Attempt(260.0, 340.0, True),
            ),
            job("b:2", "align", 4, 230.0, Attempt(290.0, 370.0, True)),
            job("b:3", "align", 4, 230.0, Attempt(340.0, 400.0, True)),
            job(
                "c",
                "check",
                1,
                400.0,
                Attempt(401.0, 411.0, False),
                reason="Essential container in task exited; exit 1",
            ),
            job("d", "merge", 8, 400.0, Attempt(400.0, 430.0, True)),
            JobRun("e", "vast", "vast", 999, 0.0, 1.0, (), "RUNNABLE", None),
        ),
        instances=(
            InstanceRun("i-1", "c6i.2xlarge", 8, "on-demand-0123abc", False, 10.0, 730.0),
            InstanceRun("i-2", "c6i.2xlarge", 8, "on-demand-0123abc", True, 230.0, 250.0),
        ),
        environments=destinations.environments,
        ended_at_s=730.0,
        max_vcpus=64,
        stuck=(Stuck("vast (RUNNABLE)", "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - too much"),),
    )


@pytest.fixture
def prices() -> PriceTable:
    """One type with a price; Spot is assumed at 40% of it."""
    return PriceTable({("us-east-1", "c6i.2xlarge"): Price(0.34)}, "a price list made by hand", "2026-01-02", 0.4)
