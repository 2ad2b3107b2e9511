"""What happened in a run: jobs, attempts and instances, with times in seconds from the first submission.

`Recorder` listens to the engine and keeps the moments; `Run` is the value that measures and reports are made from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from attrs import define, field, frozen

from batchiac.engine.effects import Effect, JobStateChanged, QueueBlocked
from batchiac.engine.views import InstanceView
from batchiac.verify.destination import Environment
from batchiac.verify.submit import SubmissionPlan
from batchiac.verify.workload import Workload

ENDED = ("SUCCEEDED", "FAILED")
_ON_A_HOST = ("STARTING", "RUNNING")


@frozen
class Attempt:
    """One try. `started_at_s` is when its container ran; `succeeded` False for one that was tried again or failed."""

    started_at_s: float
    stopped_at_s: float
    succeeded: bool
    reason: str = ""


@frozen
class JobRun:
    """One job: a plain one, one child of an array, or a multi-node job as a whole.

    Attributes:
        job_id: AWS's; `id:index` for a child.
        task: the workload's name for what it runs.
        group: tasks of one kind share it.
        vcpus: over all of its nodes.
        submitted_at_s: SubmitJob; for a child its parent's.
        runnable_at_s: when nothing but capacity was missing any more; None if that never came.
        attempts: in order; those that never ran are not among them.
        status: the last one seen.
        reason: AWS's status reason with the container's, empty where there is none.
    """

    job_id: str
    task: str
    group: str
    vcpus: float
    submitted_at_s: float
    runnable_at_s: float | None
    attempts: tuple[Attempt, ...]
    status: str
    stopped_at_s: float | None = None
    reason: str = ""

    @property
    def started_at_s(self) -> float | None:
        """When it first ran."""
        return self.attempts[0].started_at_s if self.attempts else None

    @property
    def wait_s(self) -> float | None:
        """From runnable to its first run; None when it never ran."""
        if self.started_at_s is None or self.runnable_at_s is None:
            return None
        return self.started_at_s - self.runnable_at_s

    @property
    def vcpu_seconds(self) -> float:
        """What it used, failed attempts included."""
        return self.vcpus * sum(each.stopped_at_s - each.started_at_s for each in self.attempts)


@frozen
class InstanceRun:
    """One instance; `terminated_at_s` is None when it still ran at the end."""

    instance_id: str
    instance_type: str
    vcpus: int
    environment: str
    spot: bool
    launched_at_s: float
    terminated_at_s: float | None = None


@frozen
class Stuck:
    """A job, or a group of jobs alike, that can go no further by itself, and why."""

    job: str
    reason: str
    jobs: int = 1


@frozen
class Run:
    """One workload on one stack, from the first submission until nothing moved any more.

    Attributes:
        stack: the stack's name.
        seed: of durations and ids: the same seed gives the same run.
        ended_at_s: when nothing moved any more: after the last job, idle instances are still let go. Where stuck jobs
            keep an environment scaling for ever, the last change of a job.
        kept_scaling: True in that case.
        max_vcpus: of the environments that the queues use; None where one has no limit of its own.
        stuck: what is not at its end, and why.
        not_submitted: tasks that were held for parents of which one failed, with that reason.
    """

    workload: Workload
    plan: SubmissionPlan
    stack: str
    region: str
    seed: int
    jobs: tuple[JobRun, ...]
    instances: tuple[InstanceRun, ...]
    environments: Mapping[str, Environment]
    ended_at_s: float
    kept_scaling: bool = False
    max_vcpus: int | None = None
    stuck: tuple[Stuck, ...] = ()
    not_submitted: Mapping[str, str] = field(factory=dict)


@define
class _Moments:
    """What is known of one job so far, in ms of the stack's clock."""

    status: str = "SUBMITTED"
    reason: str = ""
    runnable_at_ms: int | None = None
    running_since_ms: int | None = None
    stopped_at_ms: int | None = None
    attempts: list[tuple[int, int, bool, str]] = field(factory=list)


class Recorder:
    """Listens to one engine. Keeps one entry a job, children of arrays included; nodes of a gang are left out.

    Args:
        on_end: called with the number of jobs that have ended and the time, ms, at each end; for progress.

    Attributes:
        jobs: by job id; an array has an entry of its own beside those of its children.
        just_ended: (job id, status) of whole jobs that have ended since somebody emptied it.
        blocked: job id → why it is at the head of its queue and cannot be placed.
        running: how many jobs are STARTING or RUNNING; array parents never are.
        changed_at_ms: when a job last changed.
    """

    def __init__(self, on_end: Callable[[int, int], None] = lambda ended, at_ms: None) -> None:
        self.jobs: dict[str, _Moments] = {}
        self.just_ended: deque[tuple[str, str]] = deque()
        self.blocked: dict[str, str] = {}
        self.ended = 0
        self.running = 0
        self.changed_at_ms = 0
        self._on_end = on_end

    def listen(self, effect: Effect) -> None:
        """Take in one effect (see batchiac.engine.effects)."""
        if isinstance(effect, JobStateChanged):
            if "#" not in effect.job_id:
                self._take_job(effect)
        elif isinstance(effect, QueueBlocked):
            self.blocked[effect.job_id] = effect.reason

    def _take_job(self, effect: JobStateChanged) -> None:
        moments = self.jobs.setdefault(effect.job_id, _Moments())
        status = effect.status
        self.changed_at_ms = effect.at_ms
        self.running += (status in _ON_A_HOST) - (moments.status in _ON_A_HOST)
        if moments.running_since_ms is not None and status != "RUNNING":
            attempt = (moments.running_since_ms, effect.at_ms, status == "SUCCEEDED", effect.status_reason)
            moments.attempts.append(attempt)
            moments.running_since_ms = None
        if status == "RUNNING":
            moments.running_since_ms = effect.at_ms
        elif status == "RUNNABLE" and moments.runnable_at_ms is None:
            moments.runnable_at_ms = effect.at_ms
        moments.status = status
        moments.reason = effect.status_reason
        if status in ENDED:
            moments.stopped_at_ms = effect.at_ms
            if ":" not in effect.job_id:
                self.just_ended.append((effect.job_id, status))
            self.ended += 1
            self._on_end(self.ended, effect.at_ms)

    def job_run(
        self, job_id: str, *, task: str, group: str, vcpus: float, submitted_at_ms: int, start_ms: int, end_ms: int
    ) -> JobRun:
        """One job's run; an attempt that is still running counts until `end_ms`."""
        moments = self.jobs.get(job_id) or _Moments()
        attempts = list(moments.attempts)
        if moments.running_since_ms is not None:
            attempts.append((moments.running_since_ms, end_ms, False, "still running"))
        return JobRun(
            job_id=job_id,
            task=task,
            group=group,
            vcpus=vcpus,
            submitted_at_s=(submitted_at_ms - start_ms) / 1000,
            runnable_at_s=_since(moments.runnable_at_ms, start_ms),
            attempts=tuple(
                Attempt((begun - start_ms) / 1000, (ended - start_ms) / 1000, succeeded, reason)
                for begun, ended, succeeded, reason in attempts
            ),
            status=moments.status,
            stopped_at_s=_since(moments.stopped_at_ms, start_ms),
            reason=moments.reason,
        )


def instance_run(view: InstanceView, start_ms: int, end_ms: int) -> InstanceRun | None:
    """The engine's view of an instance as a run's; None when it was gone before the run, or came after it."""
    gone_ms = view.terminated_at_ms
    if (gone_ms is not None and gone_ms <= start_ms) or view.launched_at_ms > end_ms:
        return None
    return InstanceRun(
        instance_id=view.id,
        instance_type=view.instance_type,
        vcpus=view.vcpus,
        environment=view.environment,
        spot=view.spot,
        # One that stood already (minvCpus) is the workload's from its first submission on.
        launched_at_s=max(0, view.launched_at_ms - start_ms) / 1000,
        terminated_at_s=None if gone_ms is None or gone_ms > end_ms else _since(gone_ms, start_ms),
    )


def _since(at_ms: int | None, start_ms: int) -> float | None:
    return None if at_ms is None else (at_ms - start_ms) / 1000
