"""Runs a workload on a simulated stack in virtual time, as a workflow engine would: submit, look, submit more.

Everything goes over the Batch API of the in-process local stack; only time and the listener are the simulation's own.
The driver holds tasks back for three reasons: what they depend on has no job id yet, their parents have to end first
(more than 20 of them, see `submit`), or their time has not come (`submit_at_s`).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from attrs import evolve, frozen

from batchiac.engine.effects import Listener
from batchiac.engine.views import InstanceView
from batchiac.errors import AwsRefusal
from batchiac.verify.destination import logical_name, read_destinations
from batchiac.verify.submit import FanIn, Submission, SubmissionPlan, plan_submissions
from batchiac.verify.trace import ENDED, JobRun, Recorder, Run, Stuck, instance_run
from batchiac.verify.workload import Workload

_DESCRIBED_AT_ONCE = 100
"""DescribeJobs takes "up to 100" ids (botocore 1.44.5, DescribeJobsRequest.jobs)."""

_EXPLAINED = 1000
"""Failed jobs whose container reason and exit code are read; the rest keep their status reason."""


_HOUR_MS = 3_600_000

_QUIET_MS = 25 * _HOUR_MS
"""When the driver takes what is left for stuck, though instances still come and go: no job runs, and none has changed
for longer than AWS's longest jobStateTimeLimitActions (86,400 s). A blocked head can keep an environment scaling.
"""


class Stage(Protocol):
    """What moves time (`batchiac.local.stage.Stage`)."""

    def run_until_idle(self, limit_s: float) -> None:
        """Until nothing happens by itself any more, or `limit_s` is over."""
        ...


class Clock(Protocol):
    """The simulation's time (`batchiac.local.stack.StackClock`)."""

    @property
    def stage(self) -> Stage: ...

    def now_ms(self) -> int: ...

    def next_event_ms(self) -> int | None: ...

    def advance_to(self, at_ms: int) -> None: ...


class Simulation(Protocol):
    """What the driver needs of a stack; `batchiac.testing.local_stack` gives one."""

    @property
    def region(self) -> str: ...

    @property
    def seed(self) -> int: ...

    @property
    def clock(self) -> Clock: ...

    def direct(self) -> Any:
        """A Batch client."""
        ...

    def subscribe(self, listener: Listener) -> Callable[[], None]: ...

    def instances(self) -> Iterable[InstanceView]:
        """All that there are or were, in order of launch."""
        ...


@frozen
class Progress:
    """How far a run is: jobs that have ended, of how many, and the virtual seconds gone."""

    ended: int
    jobs: int
    at_s: float


def run_workload(
    simulation: Simulation,
    workload: Workload,
    *,
    stack: str,
    queue: str | None = None,
    definition: str | None = None,
    fan_in: FanIn = "hold",
    outputs: Mapping[str, Any] | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Run:
    """Run the workload until nothing moves any more, idle instances gone.

    Args:
        stack: the stack's name, for reports.
        queue: for tasks that name none; None takes the one of highest priority.
        definition: likewise; None takes the plainest.
        fan_in: see `submit`.
        outputs: the stack's; an account may hold other stacks' queues as well.
        on_progress: called as jobs end, once a job at most.

    Raises:
        WorkloadError: a task names a queue or definition that the stack does not have.
        AwsRefusal: Batch refused a submission, in AWS's words.
    """
    batch = simulation.direct()
    clock = simulation.clock
    destinations = read_destinations(batch, outputs)
    plan = plan_submissions(workload, destinations, queue=queue, definition=definition, fan_in=fan_in)
    # A deployment's threads take virtual time in no fixed order; from the next full hour on, all is the seed's.
    clock.advance_to(-(-clock.now_ms() // _HOUR_MS) * _HOUR_MS)
    start_ms = clock.now_ms()
    expected = sum(each.task.jobs for each in plan.submissions)

    def progress(ended: int, at_ms: int) -> None:
        on_progress(Progress(min(ended, expected), expected, (at_ms - start_ms) / 1000))

    recorder = Recorder(progress)
    unsubscribe = simulation.subscribe(recorder.listen)
    try:
        driver = _Driver(batch, clock, plan, recorder, start_ms)
        driver.run()
    finally:
        unsubscribe()
    jobs = _explain(batch, _job_runs(plan, driver, recorder, start_ms, clock.now_ms()))
    end_ms = recorder.changed_at_ms if driver.kept_scaling else clock.now_ms()
    instances = (instance_run(each, start_ms, end_ms) for each in simulation.instances())
    return Run(
        workload=workload,
        plan=plan,
        stack=stack,
        region=simulation.region,
        seed=simulation.seed,
        jobs=jobs,
        instances=tuple(each for each in instances if each is not None),
        environments=destinations.environments,
        ended_at_s=(end_ms - start_ms) / 1000,
        kept_scaling=driver.kept_scaling,
        max_vcpus=destinations.max_vcpus(plan.queues),
        stuck=tuple(_find_stuck(batch, plan, jobs, recorder)),
        not_submitted=driver.tell_unsubmitted(),
    )


class _Driver:
    """Submits what is ready, lets time pass, and looks again. `job_ids` maps what was submitted to its job."""

    def __init__(self, batch: Any, clock: Clock, plan: SubmissionPlan, recorder: Recorder, start_ms: int) -> None:
        self._batch = batch
        self._clock = clock
        self._recorder = recorder
        self._start_ms = self._submitted_ms = start_ms
        self._left = {each.task.name: each for each in plan.submissions}
        self._after = {each.task.name: set(each.after) for each in plan.submissions if each.after}
        self._unsubmitted = {name: {each.task for each in one.depends_on} for name, one in self._left.items()}
        self._followers: dict[str, list[str]] = {}
        for name, submission in self._left.items():
            for parent in dict.fromkeys([*submission.after, *(each.task for each in submission.depends_on)]):
                self._followers.setdefault(parent, []).append(name)
        self._timed = [(each.task.submit_at_s, order, each.task.name) for order, each in enumerate(plan.submissions)]
        heapq.heapify(self._timed)
        self._early = set(self._left)
        self._tasks: dict[str, str] = {}
        self.job_ids: dict[str, str] = {}
        self.submitted_at_ms: dict[str, int] = {}
        self.status: dict[str, str] = {}
        self.kept_scaling = False

    def run(self) -> None:
        """See the class. Ends when nothing moves any more and nothing is left that time alone would make ready."""
        clock = self._clock
        while True:
            self._submit_due()
            if not self._left:
                self._run_until_idle()
                return
            timed_ms = self._start_ms + round(self._timed[0][0] * 1000) if self._timed else None
            self.kept_scaling = self._is_quiet(clock.now_ms())
            event_ms = None if self.kept_scaling else clock.next_event_ms()
            due = [each for each in (event_ms, timed_ms) if each is not None]
            if not due:
                return
            clock.advance_to(min(due))

    def _run_until_idle(self) -> None:
        clock = self._clock
        while True:
            limit_ms = clock.now_ms() + _QUIET_MS
            clock.stage.run_until_idle(_QUIET_MS / 1000)
            self.kept_scaling = clock.now_ms() >= limit_ms and self._is_quiet(limit_ms)
            if clock.now_ms() < limit_ms or self.kept_scaling:
                return

    def _is_quiet(self, now_ms: int) -> bool:
        """True when nothing runs and no job has changed for so long that none will."""
        since_ms = max(self._recorder.changed_at_ms, self._submitted_ms)
        return not self._recorder.running and now_ms - since_ms >= _QUIET_MS

    def _submit_due(self) -> None:
        now_s = (self._clock.now_ms() - self._start_ms) / 1000
        look_at: list[str] = []
        while self._timed and self._timed[0][0] <= now_s:
            name = heapq.heappop(self._timed)[2]
            self._early.discard(name)
            look_at.append(name)
        ended = self._recorder.just_ended
        while ended:
            job_id, status = ended.popleft()
            task = self._tasks[job_id]
            self.status[task] = status
            for follower in self._followers.get(task, ()):
                if status == "SUCCEEDED" and follower in self._after:
                    self._after[follower].discard(task)
                    look_at.append(follower)
        # What is submitted makes what depends on it ready: it is looked at in the same round.
        for name in look_at:
            if name in self._left and self._is_ready(name):
                self._submit(self._left.pop(name))
                for follower in self._followers.get(name, ()):
                    self._unsubmitted[follower].discard(name)
                    look_at.append(follower)

    def _is_ready(self, name: str) -> bool:
        return name not in self._early and not self._unsubmitted[name] and not self._after.get(name)

    def _submit(self, submission: Submission) -> None:
        request = dict(submission.request)
        depends_on: list[dict[str, str]] = [{"type": "SEQUENTIAL"}] if submission.task.sequential else []
        for each in submission.depends_on:
            depends_on.append({"jobId": self.job_ids[each.task], **({"type": each.kind} if each.kind else {})})
        if depends_on:
            request["dependsOn"] = depends_on
        job_id = _submit_job(self._batch, request, submission.task.name)
        self.job_ids[submission.task.name] = job_id
        self._tasks[job_id] = submission.task.name
        self._submitted_ms = self.submitted_at_ms[submission.task.name] = self._clock.now_ms()

    def tell_unsubmitted(self) -> dict[str, str]:
        """Tasks that were never submitted, with the reason; parents come before their children."""
        told: dict[str, str] = {}
        for name, submission in self._left.items():
            parents = sorted(self._after.get(name, ())) or [each.task for each in submission.depends_on]
            bad = [parent for parent in parents if self.status.get(parent) == "FAILED"]
            waiting = [parent for parent in parents if parent in told or self.status.get(parent) is None]
            if bad:
                told[name] = f"it was held for its parents, of which {_some(bad)} failed"
            else:
                told[name] = f"it was held for its parents, of which {_some(waiting)} never ended"
        return told


def _submit_job(batch: Any, request: Mapping[str, Any], task: str) -> str:
    try:
        job_id: str = batch.submit_job(**request)["jobId"]
    except Exception as error:
        # botocore's ClientError, told by its field: only batchiac.aws knows that library.
        response = getattr(error, "response", None)
        if not isinstance(response, Mapping):
            raise
        detail = response.get("Error", {})
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise AwsRefusal(
            "SubmitJob", detail.get("Code", ""), detail.get("Message", ""), status, what=f"task {task!r}"
        ) from error
    return job_id


def _job_runs(
    plan: SubmissionPlan, driver: _Driver, recorder: Recorder, start_ms: int, end_ms: int
) -> tuple[JobRun, ...]:
    runs: list[JobRun] = []
    for submission in plan.submissions:
        task = submission.task
        if task.name not in driver.job_ids:
            continue
        job_id = driver.job_ids[task.name]
        ids = [job_id] if task.array_size is None else [f"{job_id}:{index}" for index in range(task.array_size)]
        for each in ids:
            runs.append(
                recorder.job_run(
                    each,
                    task=task.name,
                    group=task.group,
                    vcpus=submission.vcpus,
                    submitted_at_ms=driver.submitted_at_ms[task.name],
                    start_ms=start_ms,
                    end_ms=end_ms,
                )
            )
    return tuple(runs)


def _explain(batch: Any, jobs: tuple[JobRun, ...]) -> tuple[JobRun, ...]:
    """The jobs, failed ones with the container's reason and exit code in their reason."""
    failed = [job.job_id for job in jobs if job.status == "FAILED"][:_EXPLAINED]
    described = {each["jobId"]: each for each in _describe(batch, failed)}
    return tuple(
        evolve(job, reason=_failure(described[job.job_id], job)) if job.job_id in described else job for job in jobs
    )


def _failure(described: Mapping[str, Any], job: JobRun) -> str:
    container = described.get("container") or {}
    parts = [described.get("statusReason") or job.reason, container.get("reason", "")]
    if container.get("exitCode") is not None and job.attempts:
        parts.append(f"exit {container['exitCode']}")
    if len(job.attempts) > 1:
        parts.append(f"{len(job.attempts)} attempts")
    return "; ".join(part for part in parts if part)


def _describe(batch: Any, job_ids: list[str]) -> Iterator[Mapping[str, Any]]:
    for first in range(0, len(job_ids), _DESCRIBED_AT_ONCE):
        yield from batch.describe_jobs(jobs=job_ids[first : first + _DESCRIBED_AT_ONCE])["jobs"]


def _find_stuck(batch: Any, plan: SubmissionPlan, jobs: tuple[JobRun, ...], recorder: Recorder) -> Iterator[Stuck]:
    """What has not ended, by task and state, with AWS's reason or with what it waits for."""
    by_task: dict[tuple[str, str], list[JobRun]] = {}
    for job in jobs:
        if job.status not in ENDED:
            by_task.setdefault((job.task, job.status), []).append(job)
    if not by_task:
        return
    submissions = {each.task.name: each for each in plan.submissions}
    unfinished = {task for task, _ in by_task}
    heads = {
        submissions[job.task].queue.name: job
        for job in jobs
        if job.status == "RUNNABLE" and job.job_id in recorder.blocked
    }
    described = {
        each["jobId"]: each.get("statusReason", "")
        for each in _describe(batch, [members[0].job_id for members in by_task.values()])
    }
    for (task, status), members in by_task.items():
        queue = submissions[task].queue.name
        blocked = next((recorder.blocked[job.job_id] for job in members if job.job_id in recorder.blocked), "")
        reason = blocked or described.get(members[0].job_id, "")
        if not reason and status in ("SUBMITTED", "PENDING"):
            parents = [each.task for each in submissions[task].depends_on if each.task in unfinished]
            reason = (
                f"waits for {_some(parents)}, which cannot go on" if parents else "waits for its array's other children"
            )
        elif not reason and queue in heads:
            reason = f"waits in {logical_name(queue)} behind {heads[queue].task}, which cannot be placed"
        yield Stuck(f"{task} ({status})", reason or "AWS gives no reason", len(members))


def _some(names: Iterable[str], shown: int = 3) -> str:
    names = list(names)
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
