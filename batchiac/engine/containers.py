"""What the containers of one task do together: one outcome of a job from those of its containers.

A staged task has containers that wait for others. "Amazon EKS initContainer completion duration, and Amazon ECS
containerDependency resolution duration occur in the STARTING state": the job is RUNNING when its last container has
started, and never where an essential one cannot start; then it fails in STARTING.

A task with one container ends as that container does. With more, each starts when its dependsOn conditions hold
(START, COMPLETE, SUCCESS), init containers run one after the other before the rest, and the task ends when an
essential container ends; the others are stopped then. Its exit code is that of the essential container that ended it,
or of the first failed one.

A pod (EKS) knows no essential containers: a failed init container ends it, otherwise it ends with the last of its
containers. "All containers in the Pod have terminated, and at least one container has terminated in failure" is Failed:
the exit code is then that of the first failed one in the order of the definition, as in local/executors/task.py.
Source: botocore 1.44.5, batch TaskContainerProperties.essential, .dependsOn; EksPodProperties;
https://docs.aws.amazon.com/batch/latest/userguide/job_states.html;
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase, read 2026-11-21. Assumption (0117): which
moment "resolved" is where a container that is not essential never starts.
"""

from __future__ import annotations

from attrs import frozen

from batchiac.engine.kernel.randomness import Stream
from batchiac.engine.policies.behaviour import Draw, Outcome
from batchiac.engine.reasons import OUT_OF_MEMORY, SIGKILLED
from batchiac.engine.records import Prepared, Record
from batchiac.engine.world import World
from batchiac.errors import InternalError
from batchiac.model.job import JobRequest
from batchiac.model.job_definition import Container, JobDefinition


@frozen
class ContainerRun:
    """One container within a task. Times in ms from the task's start; None where it never started or was stopped.

    Attributes:
        exit_code: 137 where it was stopped with the task; None where it never started.
    """

    name: str
    started_ms: int | None
    stopped_ms: int | None
    exit_code: int | None
    reason: str = ""


def draw_of(world: World, request: JobRequest, plan: Prepared) -> Draw:
    """The draw of a job's (or main node's) task."""
    if plan.only is not None:
        return world.behaviour.plan(request, plan.only)
    draws = [world.behaviour.plan(request, each) for each in plan.containers]
    return combine(plan.containers, draws, pod=is_pod(request.definition))


def is_pod(definition: JobDefinition) -> bool:
    """True where the containers are a pod's."""
    return definition.orchestrator == "EKS"


def as_outcome(drawn: Outcome | int) -> Outcome:
    """What a draw returned, in full."""
    return Outcome(drawn) if isinstance(drawn, int) else drawn


def combine(containers: tuple[Container, ...], draws: list[Draw], *, pod: bool) -> Draw:
    """One draw for a task of several containers."""

    def draw(index: int, attempt: int, stream: Stream) -> Outcome:
        # One stream serves all in their order, so that each container has its own draws.
        outcomes = [as_outcome(each(index, attempt, stream)) for each in draws]
        return task_outcome(containers, outcomes, pod=pod)[0]

    return draw


def task_outcome(
    containers: tuple[Container, ...], outcomes: list[Outcome], *, pod: bool = False
) -> tuple[Outcome, tuple[ContainerRun, ...]]:
    """How the task ends, and what each container did until then.

    Args:
        pod: they end one by one, and none is essential to the others.
    """
    runs = _run_alone(containers, outcomes)
    ends = [
        (run.stopped_ms, number)
        for number, run in enumerate(runs)
        if run.stopped_ms is not None and _ends_task(containers[number], run, pod)
    ]
    if ends:
        end, decisive = min(ends)
    else:
        # A pod whose init containers ended well; or no essential container starts: a dependency was never met.
        end, decisive = max((run.stopped_ms or 0, number) for number, run in enumerate(runs))
        if pod:
            decisive = next((number for number, run in enumerate(runs) if run.exit_code), decisive)
    seen = tuple(_cut(run, end) for run in runs)
    code = runs[decisive].exit_code
    if code == 0 and not pod:
        # "If the essential parameter of a container is true and that container fails or stops for any reason, all
        # other containers are stopped." Those that were meant to end and failed before make the task fail.
        failed = [run for number, run in enumerate(seen) if containers[number].essential and run.exit_code]
        code = next((run.exit_code for run in failed if run.stopped_ms is not None and run.stopped_ms < end), 0)
    starts = all(each.starts for each in outcomes)
    reason = runs[decisive].reason or next((each.reason for each in outcomes if not each.starts), "")
    return Outcome(end, 1 if code is None else code, 0, reason, starts), seen


def outcomes_of(
    world: World, record: Record, containers: tuple[Container, ...], index: int, attempt: int
) -> list[Outcome]:
    """What each container of a task draws. Draws are functions of job, index and attempt: asking again gives the
    same."""
    stream = world.stream.rekey(record.index, index, attempt)
    return [as_outcome(world.behaviour.plan(record.request, each)(index, attempt, stream)) for each in containers]


def starting_ms(containers: tuple[Container, ...], outcome: Outcome, runs: tuple[ContainerRun, ...]) -> int | None:
    """How long a task is STARTING because its containers wait for one another; None where it never gets further."""
    never = any(each.essential and run.started_ms is None for each, run in zip(containers, runs, strict=True))
    if never:
        return outcome.duration_ms if outcome.exit_code == 0 else None
    return max(run.started_ms or 0 for each, run in zip(containers, runs, strict=True) if not each.init)


def _ends_task(container: Container, run: ContainerRun, pod: bool) -> bool:
    return run.exit_code != 0 if container.init else container.essential and not pod


def _cut(run: ContainerRun, end: int) -> ContainerRun:
    """What shows of a container when the task ended at `end`."""
    if run.started_ms is None or run.started_ms > end:
        return ContainerRun(run.name, None, None, None)
    if run.stopped_ms is not None and run.stopped_ms > end:
        return ContainerRun(run.name, run.started_ms, end, SIGKILLED, run.reason)
    return run


def _run_alone(containers: tuple[Container, ...], outcomes: list[Outcome]) -> list[ContainerRun]:
    """When each container would start and end if nobody stopped the task, in the order of the definition."""
    by_name = {each.name: number for number, each in enumerate(containers)}
    done: dict[int, ContainerRun] = {}
    init_end: int | None = 0  # None once one has failed: nothing after it starts
    for number, container in enumerate(containers):
        if container.init:
            done[number] = run = _one(container, outcomes[number], init_end)
            init_end = run.stopped_ms if run.exit_code == 0 else None
    left = [number for number in range(len(containers)) if number not in done]
    while left:
        ready = [n for n in left if all(by_name.get(name, -1) in done for name, _ in containers[n].depends_on)]
        if not ready:
            names = ", ".join(containers[number].name for number in left)
            raise InternalError(f"containers depend on each other in a circle or on none that exists: {names}")
        for number in ready:
            begin = init_end
            for name, condition in containers[number].depends_on:
                other = done[by_name[name]]
                moment = other.started_ms if condition == "START" else other.stopped_ms
                met = moment is not None and (condition != "SUCCESS" or other.exit_code == 0)
                begin = max(begin, moment) if met and begin is not None and moment is not None else None
            done[number] = _one(containers[number], outcomes[number], begin)
            left.remove(number)
    return [done[number] for number in range(len(containers))]


def _one(container: Container, outcome: Outcome, begin: int | None) -> ContainerRun:
    if begin is None:
        return ContainerRun(container.name, None, None, None)
    killed = outcome.peak_memory_mib > container.resources.memory_mib
    code = SIGKILLED if killed else outcome.exit_code
    reason = OUT_OF_MEMORY if killed else outcome.reason
    return ContainerRun(container.name, begin, begin + outcome.duration_ms, code, reason)
