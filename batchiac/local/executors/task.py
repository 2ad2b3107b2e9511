"""The containers of one attempt, started in the order of their conditions and ended together.

Two parts. `next_to_start`, `never_to_start`, `has_begun` and `find_end` decide from values alone; `Task` does it, with
real runs.

On ECS a container starts when its dependsOn conditions hold, and "if the essential parameter of a container is marked
as true, and that container fails or stops for any reason, all other containers that are part of the task are stopped":
SIGTERM, and SIGKILL when the grace is over. In a pod the init containers run one after the other before the rest; the
rest end one by one, and the pod has failed when one of them has.
Source: botocore 1.44.5, batch TaskContainerProperties.essential, .dependsOn; EksPodProperties.initContainers;
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from attrs import define, field

from batchiac.engine.reasons import SIGKILLED
from batchiac.local.executors.container_plan import ContainerPlan, TaskPlan
from batchiac.local.executors.process import Ended, Run

Ends = Mapping[str, Ended]
"""By container name: those that have ended."""


def next_to_start(plan: TaskPlan, running: frozenset[str], ended: Ends) -> list[ContainerPlan]:
    """The containers whose conditions hold now, in the order of the definition."""
    return [each for each in _untouched(plan, running, ended) if all(_conditions(plan, each, running, ended))]


def never_to_start(plan: TaskPlan, running: frozenset[str], ended: Ends) -> bool:
    """True where no container will start any more unless one that is running makes it so, and none is running."""
    return not running and not next_to_start(plan, running, ended)


def find_end(plan: TaskPlan, running: frozenset[str], ended: Ends) -> Ended | None:
    """What ends the task, though some of it may have to be stopped first; None while it goes on."""
    for each in plan.containers:
        found = ended.get(each.name)
        if found is None:
            continue
        if each.init and found.exit_code != 0:
            return found
        if not plan.pod and each.essential:
            return found
    if not never_to_start(plan, running, ended):
        return None
    failed = [found for each in plan.containers if (found := ended.get(each.name)) and found.exit_code != 0]
    if failed:
        return failed[0]
    # An essential container that could never start: what it depends on did not do what it was to do.
    complete = all(each.name in ended for each in plan.containers if each.essential)
    return Ended(0 if complete else 1)


def has_begun(plan: TaskPlan, running: frozenset[str], ended: Ends) -> bool:
    """True when every container has begun that will: what AWS calls STARTING is over then.

    False for ever where an essential one cannot start any more: such a task fails in STARTING.
    """
    ahead = {each.name: each for each in _untouched(plan, running, ended)}
    lost: set[str] = set()
    while True:
        never = {name for name, each in ahead.items() if name not in lost and _never(plan, each, lost, ended)}
        if not never:
            break
        lost |= never
    essential = {each.name for each in plan.containers if plan.pod or each.essential}
    return ahead.keys() == lost and not lost & essential


def _never(plan: TaskPlan, container: ContainerPlan, lost: set[str], ended: Ends) -> bool:
    """True where what a container waits for has ended otherwise, or will itself never start."""
    if any(each.init and each.name in ended and ended[each.name].exit_code != 0 for each in plan.containers):
        return True
    for name, condition in container.depends_on:
        found = ended.get(name)
        if name in lost or all(name != each.name for each in plan.containers):
            return True
        if found is None:
            continue
        if (condition == "START" and found.exit_code is None) or (condition == "SUCCESS" and found.exit_code != 0):
            return True
    return False


def _untouched(plan: TaskPlan, running: frozenset[str], ended: Ends) -> Iterator[ContainerPlan]:
    return (each for each in plan.containers if each.name not in running and each.name not in ended)


def _conditions(plan: TaskPlan, container: ContainerPlan, running: frozenset[str], ended: Ends) -> Iterator[bool]:
    for other in plan.containers:
        if other is container:
            if container.init:
                break  # it waits for the init containers before it
        elif other.init:
            yield other.name in ended and ended[other.name].exit_code == 0
    for name, condition in container.depends_on:
        found = ended.get(name)
        if condition == "START":
            yield name in running or (found is not None and found.exit_code is not None)
        elif condition == "COMPLETE":
            yield found is not None
        else:
            yield found is not None and found.exit_code == 0


@define
class Task:
    """Real runs for a plan.

    Args:
        start: begins a container; raises OSError where this machine has no room for it.
    """

    plan: TaskPlan
    start: Callable[[ContainerPlan], Run]
    runs: dict[str, Run] = field(factory=dict)
    ended: dict[str, Ended] = field(factory=dict)
    end: Ended | None = None
    _stopping: bool = False
    _stopped_at_ms: int | None = None

    def step(self, now_ms: int, grace_ms: int) -> None:
        """Start what can start, take note of what has ended, stop the others where that ends the task."""
        progress = True
        while progress:
            progress = self._take_note() | self._start_next()
        if self.end is None:
            self.end = find_end(self.plan, frozenset(self.runs), self.ended)
            if self.end is not None and self.runs:
                self.terminate()
                self._stopped_at_ms = now_ms
        if self._stopped_at_ms is not None:
            for each in self.plan.containers:
                limit_ms = grace_ms if each.stop_timeout_ms is None else each.stop_timeout_ms
                if each.name in self.runs and now_ms >= self._stopped_at_ms + limit_ms:
                    self.runs[each.name].kill()

    @property
    def has_begun(self) -> bool:
        """True when no container waits for another any more."""
        return has_begun(self.plan, frozenset(self.runs), self.ended)

    @property
    def is_over(self) -> bool:
        """True when it has its end, and nothing of it runs any more."""
        return self.end is not None and not self.runs

    def terminate(self) -> None:
        """SIGTERM to all that runs; nothing starts any more."""
        self._stopping = True
        for run in self.runs.values():
            run.terminate()

    def kill(self) -> None:
        """SIGKILL likewise."""
        self._stopping = True
        for run in self.runs.values():
            run.kill()

    def lines(self) -> Sequence[tuple[ContainerPlan, list[str]]]:
        """Some of what each container has written since the last call. One that has ended runs until all is read."""
        return [(each, self.runs[each.name].new_lines()) for each in self.plan.containers if each.name in self.runs]

    def _take_note(self) -> bool:
        found = {name: end for name, run in self.runs.items() if (end := run.poll()) is not None}
        for name, end in found.items():
            run = self.runs.pop(name)
            self.ended[name] = end
            run.clean()
        return bool(found)

    def _start_next(self) -> bool:
        if self._stopping or self.end is not None:
            if self._stopping and not self.runs and self.end is None:
                # It was told to stop between two containers: the last one's end is the task's.
                self.end = next(reversed(self.ended.values()), Ended(SIGKILLED))
            return False
        # The end is looked for first: a container that ends the task lets no other begin.
        if find_end(self.plan, frozenset(self.runs), self.ended) is not None:
            return False
        ready = next_to_start(self.plan, frozenset(self.runs), self.ended)
        for each in ready:
            try:
                self.runs[each.name] = self.start(each)
            except OSError as error:
                self.ended[each.name] = Ended(None, f"CannotStartContainerError: {error}")
        return bool(ready)
