"""What a workload is: tasks, what each needs, how each behaves when simulated, and which waits for which.

Values only; readers make them (`own_yaml`, `wfformat`, `swf`), `submit` turns them into SubmitJob requests. Every value
checks itself where it is made, so that a `Workload` in hand has no cycle, no missing parent and no doubled name.
"""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Sequence
from typing import Literal

from attrs import field, frozen

from batchiac.errors import WorkloadError

DURATION = re.compile(
    r"^(?P<number>\d+(?:\.\d+)?)$"
    r"|^uniform:(?P<low>\d+(?:\.\d+)?):(?P<high>\d+(?:\.\d+)?)$"
    r"|^lognormal:(?P<median>\d+(?:\.\d+)?):(?P<spread>\d+(?:\.\d+)?)$"
)
"""How long a simulated attempt runs, as the tag `batchiac:duration` spells it."""

EXITS = re.compile(r"^\d{1,3}(:\d{1,3})*$")
"""Exit codes, one an attempt, the last repeated, as the tag `batchiac:exit` spells them."""


@frozen
class Behaviour:
    """How a task behaves when simulated; what is None is left to the definition, the command, or the default.

    Attributes:
        duration: `12.5`, `uniform:60:90` or `lognormal:300:1.5`, seconds.
        exits: `0`, or one exit code an attempt, `1:0`.
        peak_memory_mib: more than the job's limit means OutOfMemoryError.
    """

    duration: str | None = None
    exits: str | None = None
    peak_memory_mib: int | None = None

    @property
    def least_duration_s(self) -> float:
        """What one attempt takes at least, seconds: the bound that no schedule can beat."""
        match = DURATION.match(self.duration or "")
        if match is None:
            return 0.0
        return float(match["number"] or match["low"] or 0)


@frozen
class Dependency:
    """A task that must succeed first; `N_TO_N` pairs the children of two arrays of one size."""

    task: str
    kind: Literal["", "N_TO_N"] = ""


@frozen
class Task:
    """One task: a job, or an array of jobs, or one job over several nodes.

    Attributes:
        name: unique in the workload.
        group: what tasks of one kind share in reports, such as the program's name.
        command: overrides the definition's; empty leaves it.
        vcpus: what it asks for, per node; None leaves the definition's.
        memory_mib: likewise.
        gpus: likewise.
        array_size: 2 to 10,000; None for a plain job.
        sequential: True makes the children of the array run one after the other.
        nodes: of a multi-node parallel job; None leaves the definition's.
        depends_on: what must succeed first.
        queue: the queue's name in the program or in AWS; None is the run's default.
        definition: likewise, the job definition.
        attempts: 1 to 10; None leaves the definition's retry strategy.
        timeout_s: 60 or more; None leaves the definition's.
        share: share identifier for a fair-share queue.
        submit_at_s: when it is submitted, seconds from the workload's start.
    """

    name: str
    group: str = ""
    command: tuple[str, ...] = ()
    vcpus: float | None = None
    memory_mib: int | None = None
    gpus: int | None = None
    array_size: int | None = None
    sequential: bool = False
    nodes: int | None = None
    depends_on: tuple[Dependency, ...] = ()
    queue: str | None = None
    definition: str | None = None
    attempts: int | None = None
    timeout_s: int | None = None
    share: str | None = None
    submit_at_s: float = 0.0
    behaviour: Behaviour = Behaviour()

    @property
    def jobs(self) -> int:
        """How many jobs run: the children of an array, else one."""
        return self.array_size or 1

    @property
    def least_duration_s(self) -> float:
        """What the task takes at least from its first start to its last end, seconds."""
        least = self.behaviour.least_duration_s
        if self.timeout_s is not None:
            least = min(least, self.timeout_s)
        return least * self.jobs if self.sequential else least


def _in_order(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks with every parent before its children, the file's order otherwise.

    Raises:
        WorkloadError: no task, a doubled name, a parent that is not there, or a cycle (shown whole).
    """
    if not tasks:
        raise WorkloadError("the workload has no task: give it at least one")
    by_name: dict[str, Task] = {}
    for task in tasks:
        if task.name in by_name:
            raise WorkloadError(f"two tasks are called {task.name!r}: names must differ, rename one")
        by_name[task.name] = task
    missing = [(task.name, each.task) for task in tasks for each in task.depends_on if each.task not in by_name]
    if missing:
        child, parent = missing[0]
        more = f" (and {len(missing) - 1} more such)" if len(missing) > 1 else ""
        raise WorkloadError(
            f"task {child!r} depends on {parent!r}, which the workload does not have{more}: add that task or drop the"
            " dependency"
        )
    waiting = {task.name: len({each.task for each in task.depends_on}) for task in tasks}
    children: dict[str, list[str]] = {task.name: [] for task in tasks}
    for task in tasks:
        for parent in {each.task: None for each in task.depends_on}:
            children[parent].append(task.name)
    # The first in the file of those that are ready: a file in a good order keeps it, and FIFO queues see that order.
    place = {task.name: index for index, task in enumerate(tasks)}
    ready = [place[task.name] for task in tasks if waiting[task.name] == 0]
    ordered: list[Task] = []
    while ready:
        task = tasks[heapq.heappop(ready)]
        ordered.append(task)
        for child in children[task.name]:
            waiting[child] -= 1
            if waiting[child] == 0:
                heapq.heappush(ready, place[child])
    if len(ordered) < len(tasks):
        cycle = _find_cycle([task for task in tasks if waiting[task.name]])
        raise WorkloadError(
            f"the tasks depend on one another in a cycle: {' needs '.join(cycle)}; break it by dropping one dependency"
        )
    return tuple(ordered)


def _find_cycle(tasks: Sequence[Task]) -> list[str]:
    """One circle among tasks that all stand on or behind a circle: `[a, b, a]`."""
    within = {task.name for task in tasks}
    parent = {task.name: next(each.task for each in task.depends_on if each.task in within) for task in tasks}
    seen: list[str] = []
    name = tasks[0].name
    while name not in seen:
        seen.append(name)
        name = parent[name]
    circle = seen[seen.index(name) :]
    # Begin with the name that sorts first: the same circle is always told the same way.
    start = circle.index(min(circle))
    circle = circle[start:] + circle[:start]
    if len(circle) > 8:
        circle = [*circle[:4], "…", *circle[-3:]]
    return [*circle, circle[0]]


@frozen
class Workload:
    """Tasks without a cycle or a missing parent, in an order in which each comes after its parents.

    Attributes:
        name: for titles.
        format: `batchiac YAML`, `WfFormat 1.5`, `SWF`.
        tasks: each after all of its parents.
        assumptions: sentences: what the reader had to assume about the file.
        measured_makespan_s: what the workload's authors measured, None where the file does not say.
    """

    name: str
    format: str
    tasks: tuple[Task, ...] = field(converter=_in_order)
    assumptions: tuple[str, ...] = ()
    measured_makespan_s: float | None = None

    @property
    def jobs(self) -> int:
        """How many jobs run, children of arrays included."""
        return sum(task.jobs for task in self.tasks)

    @property
    def critical_path_s(self) -> float:
        """The longest chain of dependent tasks, by the least each can take, seconds."""
        end: dict[str, float] = {}
        for task in self.tasks:
            start = max((end[each.task] for each in task.depends_on), default=0.0)
            end[task.name] = max(start, task.submit_at_s) + task.least_duration_s
        return max(end.values(), default=0.0)


def memory_to_ask_mib(peak_mib: float) -> int:
    """What to ask for when only the measured peak is known: a fifth more, in steps of 64 MiB, at least 128.

    Assumption: files say what a task used, not what its author asked for. A request of exactly the peak would be killed
    by the first page more; a fifth is what workflow engines' own advice comes to.
    """
    return max(128, math.ceil(peak_mib * 1.2 / 64) * 64)
