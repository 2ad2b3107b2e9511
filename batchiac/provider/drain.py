"""What jobs get before their compute environment goes: how long, what then, and how a plan says it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from batchiac.aws import compute_environment as aws
from batchiac.aws.door import Door
from batchiac.aws.wait import wait_until
from batchiac.errors import WaitError
from batchiac.model.deadline import step_deadline_s
from batchiac.model.handler import CheckFailure
from batchiac.model.unknown import UNKNOWN

Jobs = list[dict[str, Any]]
"""Jobs as DescribeJobs tells them."""


DRAIN = {"deadlineS": 1800, "onDeadline": "interrupt"}
"""What happens to jobs on an environment that is deleted: they get this long; then `interrupt` (the instances end, and
with them the jobs, as `Host EC2 (instance …) terminated.`, which retry rules see) or `fail` (nothing is deleted)."""


RELATIONSHIP_DEADLINE_S = 300.0
"""How long a deletion waits for the last queue to let go. Queues are repointed before, so this covers AWS's lag."""


ENDING_DEADLINE_S = 1200
"""How long terminated jobs may take to end."""


def drain_failures(said: Mapping[str, Any]) -> list[CheckFailure]:
    """What is wrong with the `drain` of some inputs."""
    failures = []
    deadline_s, on_deadline = said["deadlineS"], said["onDeadline"]
    if deadline_s is not UNKNOWN and (isinstance(deadline_s, bool) or not isinstance(deadline_s, int | float)):
        failures.append(CheckFailure("drain.deadlineS", f"drain.deadlineS is {deadline_s!r}: give seconds, a number"))
    elif isinstance(deadline_s, int | float) and deadline_s < 0:
        failures.append(CheckFailure("drain.deadlineS", f"drain.deadlineS is {deadline_s}: 0 seconds or more"))
    if on_deadline is not UNKNOWN and on_deadline not in ("interrupt", "fail"):
        reason = f"drain.onDeadline is {on_deadline!r}: interrupt or fail is allowed"
        failures.append(CheckFailure("drain.onDeadline", reason))
    if unknown := sorted(set(said) - set(DRAIN)):
        failures.append(CheckFailure("drain", f"drain has {', '.join(unknown)}: deadlineS and onDeadline are known"))
    return failures


def job_names(jobs: Jobs) -> str:
    """The names of the first five, and how many more there are."""
    names = [str(each.get("jobName", each["jobId"])) for each in jobs[:5]]
    return ", ".join(names) + (f" and {len(jobs) - 5} more" if len(jobs) > 5 else "")


def in_minutes(seconds: float) -> str:
    """Seconds in the words of a plan."""
    return f"{seconds / 60:g} minutes"


def short_name(arn: str) -> str:
    """The name in an ARN."""
    return arn.rpartition("/")[2]


def wait_for_queues(door: Door, resource_id: str) -> None:
    """Return when no queue refers to the environment, as Describe tells."""

    def free() -> bool | str:
        queues = aws.queues_of(door, resource_id)
        return not queues or (f"queue {', '.join(queues)} still refers to it: take it out of computeEnvironmentOrder")

    within(door, free, f"queues to let go of compute environment {short_name(resource_id)}", RELATIONSHIP_DEADLINE_S)


def drain(door: Door, found: Mapping[str, Any], said: Mapping[str, Any]) -> None:
    """Return when the environment's jobs have ended, or its drain deadline passed and nothing speaks for more waiting.

    The deadline is a promise to the jobs: the program's own timeout of the step (`custom_timeouts`) may end the step
    before it, as a failure, and neither interrupts jobs sooner nor lets them run longer.

    Args:
        found: the environment as Describe tells it.
        said: `drain` of its inputs; what it leaves out is as in DRAIN.

    Raises:
        WaitError: the deadline passed and `onDeadline` is "fail", or the step's own timeout passed before it.
    """
    terms = {**DRAIN, **said}
    jobs: Jobs = []

    def idle() -> bool | str:
        # No queue refers to it, so no job comes: those that were there are watched, and at last all are looked for.
        nonlocal jobs
        jobs = aws.still_running(door, found, [each["jobId"] for each in jobs])
        jobs = jobs or aws.running_jobs(door, found)
        return not jobs or f"{len(jobs)} jobs still run on it: {job_names(jobs)}"

    what = f"jobs on compute environment {found['computeEnvironmentName']} to end"
    deadline_s, own_s = float(terms["deadlineS"]), step_deadline_s.get()
    try:
        with _no_longer_than(deadline_s):
            within(door, idle, what, deadline_s)
    except WaitError as error:
        if own_s is not None and own_s < deadline_s:
            raise WaitError(
                f"{error.message}; nothing was deleted: the step's own timeout (custom_timeouts) is shorter than the"
                f" {deadline_s:.0f} s that jobs get (drain); give it more, or lower drain deadline_s",
                status=error.status,
                status_reason=error.status_reason,
                timed_out=True,
            ) from error
        if terms["onDeadline"] == "fail":
            raise WaitError(
                f"{error.message}; nothing was deleted: wait for them, or set drain on_deadline to interrupt",
                status=error.status,
                status_reason=error.status_reason,
                timed_out=True,
            ) from error
        _end_fargate_jobs(door, found)


@contextmanager
def _no_longer_than(deadline_s: float) -> Iterator[None]:
    """A step's own timeout stands in for the deadline of every wait in it; in this one it can only shorten it."""
    own_s = step_deadline_s.get()
    token = step_deadline_s.set(deadline_s if own_s is None else min(own_s, deadline_s))
    try:
        yield
    finally:
        step_deadline_s.reset(token)


def _end_fargate_jobs(door: Door, found: Mapping[str, Any]) -> None:
    # "Compute environments that use Fargate resources must terminate all active jobs on that compute environment
    # before deleting the compute environment. If this isn't done, the compute environment enters an invalid state."
    # (API_DeleteComputeEnvironment). There is no instance whose end a retry rule could see.
    if not str((found.get("computeResources") or {}).get("type")).startswith("FARGATE"):
        return
    reason = f"compute environment {found['computeEnvironmentName']} is deleted and its drain deadline passed"
    for job in aws.running_jobs(door, found):
        door.client("batch").terminate_job(jobId=job["jobId"], reason=reason)

    def idle() -> bool | str:
        jobs = aws.running_jobs(door, found)
        return not jobs or f"{len(jobs)} jobs are still ending: {job_names(jobs)}"

    what = f"terminated jobs on compute environment {found['computeEnvironmentName']} to end"
    within(door, idle, what, ENDING_DEADLINE_S)


def within(door: Door, holds: Callable[[], bool | str], what: str, deadline_s: float) -> None:
    """Wait on the door's clock until `holds`."""
    wait_until(holds, what=what, deadline_s=deadline_s, sleep=door.sleep, clock=door.clock)
