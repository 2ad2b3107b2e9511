"""From tasks to SubmitJob requests."""

from __future__ import annotations

import re

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from batchiac.errors import WorkloadError
from batchiac.verify.destination import Definition, Destinations, Queue
from batchiac.verify.submit import MAX_DEPENDENCIES, job_name, plan_submissions
from batchiac.verify.workload import Behaviour, Dependency, Task, Workload


def _fan_in(parents: int) -> Workload:
    tasks = [Task(f"p{number}") for number in range(parents)]
    last = Task("last", depends_on=tuple(Dependency(each.name) for each in tasks))
    return Workload("w", "by hand", (*tasks, last))


def _plan_one(task: Task, destinations: Destinations) -> dict[str, object]:
    return dict(plan_submissions(Workload("w", "by hand", (task,)), destinations).submissions[0].request)


def test_a_container_task_becomes_a_request(destinations: Destinations) -> None:
    """Overrides, retries, timeout and the simulated behaviour, each under AWS's names."""
    task = Task(
        "align.reads/1",
        command=("align",),
        vcpus=4,
        memory_mib=2048,
        gpus=1,
        array_size=3,
        attempts=2,
        timeout_s=90,
        definition="array",
        behaviour=Behaviour("12.5", "1:0", 1500),
    )
    assert _plan_one(task, destinations) == {
        "jobName": "align-reads-1",
        "jobQueue": "urgent-0123abc",
        "jobDefinition": "arn:array",
        "arrayProperties": {"size": 3},
        "retryStrategy": {"attempts": 2},
        "timeout": {"attemptDurationSeconds": 90},
        "containerOverrides": {
            "command": ["align"],
            "resourceRequirements": [
                {"type": "VCPU", "value": "4"},
                {"type": "MEMORY", "value": "2048"},
                {"type": "GPU", "value": "1"},
            ],
        },
        "tags": {"batchiac:duration": "12.5", "batchiac:exit": "1:0", "batchiac:memory": "1500"},
    }


def test_a_multi_node_task_overrides_its_nodes(destinations: Destinations) -> None:
    """Nodes and resources go into nodeOverrides, and the job counts with all of its nodes."""
    task = Task("mpi", nodes=3, vcpus=2)
    plan = plan_submissions(Workload("w", "by hand", (task,)), destinations)
    assert plan.submissions[0].request["nodeOverrides"] == {
        "numNodes": 3,
        "nodePropertyOverrides": [
            {"targetNodes": "0:", "containerOverrides": {"resourceRequirements": [{"type": "VCPU", "value": "2"}]}}
        ],
    }
    assert plan.submissions[0].vcpus == 6


def test_a_task_that_asks_for_nothing_overrides_nothing(destinations: Destinations) -> None:
    """What a task does not say is the definition's."""
    assert set(_plan_one(Task("t"), destinations)) == {"jobName", "jobQueue", "jobDefinition"}


def test_twenty_parents_are_dependencies(destinations: Destinations) -> None:
    """AWS's limit itself needs neither hold nor join."""
    plan = plan_submissions(_fan_in(20), destinations)
    assert plan.held == plan.joined == ()
    assert len(plan.submissions[-1].depends_on) == 20


def test_more_parents_hold_the_task_and_the_report_says_so(destinations: Destinations) -> None:
    """21 parents: the task waits outside of Batch, and a sentence tells which and why."""
    plan = plan_submissions(_fan_in(21), destinations)
    assert plan.held == ("last",)
    assert plan.submissions[-1].depends_on == ()
    assert len(plan.submissions[-1].after) == 21
    assert "1 task has more than 20 parents (up to 21)" in plan.notes[0]
    assert "submitted when its parents have ended" in plan.notes[0]


@given(st.integers(21, 900))
def test_joins_cover_every_parent_within_the_limit(parents: int) -> None:
    """However many parents, each is behind exactly one join, and no job has more than 20 dependencies."""
    destinations = Destinations((_queue(),), {}, (Definition("d", "arn", 1, "container", 1, 1),))
    plan = plan_submissions(_fan_in(parents), destinations, fan_in="join")
    assert plan.joined == ("last",)
    assert all(len(each.depends_on) <= MAX_DEPENDENCIES for each in plan.submissions)
    by_name = {each.task.name: each for each in plan.submissions}
    leaves: list[str] = []
    look_at = ["last"]
    while look_at:
        for each in by_name[look_at.pop()].depends_on:
            (look_at if by_name[each.task].task.group == "join" else leaves).append(each.task)
    assert sorted(leaves) == sorted(f"p{number}" for number in range(parents))


def _queue() -> Queue:
    return Queue("q", "arn", 1, False, ())


def test_a_task_that_does_not_go_with_its_definition_is_refused(destinations: Destinations) -> None:
    """Nodes without a multi-node definition, an array with one, a fair-share queue without a share, EKS overrides."""
    eks = evolve(destinations, definitions=(Definition("pod", "arn", 1, "eks", 1, 1),))
    for task, there, sentence in (
        (Task("t", nodes=2, definition="simple"), destinations, "is no multi-node definition"),
        (Task("t", array_size=2, definition="multi-node"), destinations, "AWS runs no such arrays"),
        (Task("t", queue="shared"), destinations, "a fair-share queue: give the task a `share`"),
        (Task("t", vcpus=2), eks, "an EKS definition"),
        (Task("t", nodes=2), eks, "needs a multi-node job definition and the stack has none"),
    ):
        with pytest.raises(WorkloadError, match=sentence):
            _plan_one(task, there)


@given(st.text(min_size=1, max_size=300))
def test_a_job_name_is_one_that_aws_takes(task: str) -> None:
    """Whatever a task is called, its job's name has AWS's form."""
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", job_name(task))
