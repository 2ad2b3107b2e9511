"""From tasks to SubmitJob requests: a plan of values; `run` alone calls anything.

AWS allows 20 dependencies a job. A task with more parents is *held*: submitted when its parents have ended, as a
workflow engine does it. Or it goes through *joins*: jobs of no duration that stand for up to 20 parents each, so that
everything can be submitted at once; they cost a container start each. The plan says which task went which way.
Source: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

from batchiac.errors import WorkloadError
from batchiac.verify.destination import Definition, Destinations, Queue, logical_name
from batchiac.verify.workload import Behaviour, Dependency, Task, Workload

MAX_DEPENDENCIES = 20
FanIn = Literal["hold", "join"]


@frozen
class Submission:
    """One SubmitJob.

    Attributes:
        task: what it runs; a join has a task of its own, with the group `join`.
        queue: where to.
        definition: of what.
        request: SubmitJob's parameters but for dependsOn, whose job ids are not known yet.
        depends_on: tasks whose job ids go into dependsOn; at most 20.
        after: tasks that must have ended well before it is submitted at all; empty submits at once.
    """

    task: Task
    queue: Queue
    definition: Definition
    request: Mapping[str, Any]
    depends_on: tuple[Dependency, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def vcpus(self) -> float:
        """What one job of it takes, over all nodes."""
        nodes = (self.task.nodes or self.definition.nodes) if self.definition.kind == "multinode" else 1
        return (self.task.vcpus or self.definition.vcpus) * nodes


@frozen
class SubmissionPlan:
    """Every submission, parents first.

    Attributes:
        held: names of tasks with more than 20 parents that are submitted when those have ended.
        joined: names of tasks with more than 20 parents that go through joins.
    """

    submissions: tuple[Submission, ...]
    held: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def queues(self) -> tuple[Queue, ...]:
        """The queues that get a job, each once."""
        return tuple({each.queue.name: each.queue for each in self.submissions}.values())


def plan_submissions(
    workload: Workload,
    destinations: Destinations,
    *,
    queue: str | None = None,
    definition: str | None = None,
    fan_in: FanIn = "hold",
) -> SubmissionPlan:
    """How the workload goes to the stack; nothing is sent.

    Args:
        queue: for tasks that name none.
        definition: likewise.
        fan_in: what becomes of tasks with more than 20 parents.

    Raises:
        WorkloadError: a queue or definition that the stack does not have, or that does not go with the task.
    """
    submissions: list[Submission] = []
    held: list[str] = []
    joined: list[str] = []
    for task in workload.tasks:
        depends_on = task.depends_on
        after: tuple[str, ...] = ()
        if len(task.depends_on) > MAX_DEPENDENCIES:
            if fan_in == "hold":
                held.append(task.name)
                depends_on = ()
                after = tuple(each.task for each in task.depends_on)
            else:
                joined.append(task.name)
                joins, depends_on = _plan_joins(task)
                submissions += [
                    _plan_one(join, each, destinations, queue=queue, definition=definition) for join, each in joins
                ]
        submissions.append(_plan_one(task, depends_on, destinations, queue=queue, definition=definition, after=after))
    return SubmissionPlan(tuple(submissions), tuple(held), tuple(joined), _notes(workload, submissions, held, joined))


def _plan_joins(task: Task) -> tuple[list[tuple[Task, tuple[Dependency, ...]]], tuple[Dependency, ...]]:
    """(joins with what each waits for, what the task itself then waits for)."""
    pairs = tuple(each for each in task.depends_on if each.kind)
    if len(pairs) >= MAX_DEPENDENCIES:
        raise WorkloadError(
            f"task {task.name!r} has {len(pairs)} N_TO_N dependencies: a join cannot stand for those; use --fan-in hold"
        )
    waiting = tuple(each for each in task.depends_on if not each.kind)
    joins: list[tuple[Task, tuple[Dependency, ...]]] = []
    while len(waiting) + len(pairs) > MAX_DEPENDENCIES:
        level: list[Dependency] = []
        for first in range(0, len(waiting), MAX_DEPENDENCIES):
            join = Task(
                name=f"{task.name}.join-{len(joins) + 1}",
                group="join",
                command=("true",),
                queue=task.queue,
                share=task.share,
                behaviour=Behaviour("0", "0"),
            )
            joins.append((join, waiting[first : first + MAX_DEPENDENCIES]))
            level.append(Dependency(join.name))
        waiting = tuple(level)
    return joins, pairs + waiting


def _plan_one(
    task: Task,
    depends_on: tuple[Dependency, ...],
    destinations: Destinations,
    *,
    queue: str | None,
    definition: str | None,
    after: tuple[str, ...] = (),
) -> Submission:
    target = destinations.queue(task.queue or queue, task.name if task.queue else "")
    # The run's default definition is for container jobs; a task over several nodes finds its own.
    default = definition if task.nodes is None else None
    source = destinations.definition(
        task.definition or default, task.name if task.definition or not default else "", nodes=task.nodes is not None
    )
    if task.nodes is not None and source.kind != "multinode":
        raise WorkloadError(
            f"task {task.name!r} has {task.nodes} nodes, and {source.name} is no multi-node definition: name one"
        )
    if task.array_size is not None and source.kind == "multinode":
        raise WorkloadError(f"task {task.name!r} is an array, and {source.name} is multi-node: AWS runs no such arrays")
    if target.fair_share and task.share is None:
        raise WorkloadError(f"task {task.name!r} goes to {target.name}, a fair-share queue: give the task a `share`")
    return Submission(task, target, source, _request(task, target, source), depends_on, after)


def _request(task: Task, queue: Queue, definition: Definition) -> dict[str, Any]:
    request: dict[str, Any] = {"jobName": job_name(task.name), "jobQueue": queue.name, "jobDefinition": definition.arn}
    if task.array_size is not None:
        request["arrayProperties"] = {"size": task.array_size}
    if task.share is not None:
        request["shareIdentifier"] = task.share
    if task.attempts is not None:
        request["retryStrategy"] = {"attempts": task.attempts}
    if task.timeout_s is not None:
        request["timeout"] = {"attemptDurationSeconds": task.timeout_s}
    request.update(_overrides(task, definition))
    behaviour = task.behaviour
    tags = {
        "batchiac:duration": behaviour.duration,
        "batchiac:exit": behaviour.exits,
        "batchiac:memory": None if behaviour.peak_memory_mib is None else str(behaviour.peak_memory_mib),
    }
    if any(value is not None for value in tags.values()):
        request["tags"] = {key: value for key, value in tags.items() if value is not None}
    return request


def _overrides(task: Task, definition: Definition) -> dict[str, Any]:
    """Command and resources, spelled as the definition's kind has it."""
    asked = {"VCPU": task.vcpus, "MEMORY": task.memory_mib, "GPU": task.gpus}
    requirements = [
        {"type": kind, "value": f"{value:g}" if kind == "VCPU" else str(value)}
        for kind, value in asked.items()
        if value
    ]
    container: dict[str, Any] = {}
    if task.command:
        container["command"] = list(task.command)
    if requirements:
        container["resourceRequirements"] = requirements
    if definition.kind == "multinode":
        nodes: dict[str, Any] = {}
        if task.nodes is not None:
            nodes["numNodes"] = task.nodes
        if container:
            nodes["nodePropertyOverrides"] = [{"targetNodes": "0:", "containerOverrides": container}]
        return {"nodeOverrides": nodes} if nodes else {}
    if not container:
        return {}
    if definition.kind == "container":
        return {"containerOverrides": container}
    if definition.kind == "ecs":
        return {"ecsPropertiesOverride": {"taskProperties": [{"containers": [container]}]}}
    raise WorkloadError(
        f"task {task.name!r} goes to {definition.name}, an EKS definition: its command and resources are the pod's own;"
        " leave command, vcpus, memory and gpus out"
    )


def job_name(task_name: str) -> str:
    """A name that SubmitJob takes: "first character alphanumeric", letters, digits, `-`, `_`, up to 128."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", task_name).lstrip("-_")
    # The end tells tasks of one kind apart (`…SAMTOOLS_SORT_131`), so a long name loses its beginning.
    return name[-128:].lstrip("-_") or "task"


def _notes(workload: Workload, submissions: list[Submission], held: list[str], joined: list[str]) -> tuple[str, ...]:
    """Sentences for the report about how the workload was sent."""
    by_name = {task.name: task for task in workload.tasks}
    notes: list[str] = []
    for names, words in (
        (held, "submitted when their parents have ended, as a workflow engine does"),
        (
            joined,
            f"sent through joins ({sum(1 for each in submissions if each.task.group == 'join')} jobs of no duration)",
        ),
    ):
        if names:
            most = max(len(by_name[name].depends_on) for name in names)
            tasks = f"{len(names)} task{'s have' if len(names) > 1 else ' has'}"
            notes.append(
                f"{tasks} more than {MAX_DEPENDENCIES} parents (up to {most}), AWS's limit for one job:"
                f" {words if len(names) > 1 else words.replace('their', 'its')} ({_some(names)})"
            )
    defaults = sorted({logical_name(each.queue.name) for each in submissions if each.task.queue is None})
    if defaults:
        notes.append(f"tasks that name no queue go to {', '.join(defaults)}")
    definitions = sorted({logical_name(each.definition.name) for each in submissions if each.task.definition is None})
    if definitions:
        notes.append(f"tasks that name no job definition use {', '.join(definitions)}")
    return tuple(notes)


def _some(names: list[str], shown: int = 4) -> str:
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
