"""A service job as the engine keeps it, and what its own words mean: tags, retry rules, shares.

Sources: https://docs.aws.amazon.com/batch/latest/userguide/service-job-status.html, service-job-retries.html, read
2026-11-21. Assumptions: decision 0113.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from attrs import define, field

from batchiac.errors import WorkloadError
from batchiac.model.service_job import ServiceJobRequest, ServiceQueue, ServiceRetryRule

IN_PLACE = ("SCHEDULED", "STARTING", "RUNNING")
ENDED = ("SUCCEEDED", "FAILED")
RECENT_PREEMPTIONS = 10
"""How many preempted attempts a job shows: "A sliding window of recent preemption attempts". Assumption (0113): 10."""
CAPACITY_ERROR = "CapacityError"
RECEIVED = "Received status from SageMaker: "
CROSS_SHARE = "Cross-share preemption triggered to reclaim borrowed capacity"
IN_SHARE = "In-share preemption triggered by a job of higher priority"  # Assumption (0113): AWS shows only the other


@define(eq=False)
class ServiceAttempt:
    """One training job. Times in ms; None where it did not get so far."""

    training_job: str
    scheduled_at_ms: int
    started_at_ms: int | None = None
    stopped_at_ms: int | None = None
    status_reason: str = ""


@define(eq=False)
class ServiceJob:
    """One service job. Read it; only ServiceJobs changes it.

    Attributes:
        runs: how often it was moved to RUNNABLE, capacity failures and preemptions left out: what `attempts` bounds.
        dispatches: how many training jobs it had in all.
        attempts: those that show; of training jobs that got no capacity only the latest.
        preempted: attempts that were stopped for another job, the latest last.
        preemptions: how many there were in all.
        capacity_wait_ms: spent in SCHEDULED before capacity failures: what a time-limit action compares.
    """

    id: str
    serial: int
    request: ServiceJobRequest
    created_at_ms: int
    priority: int
    status: str = "SUBMITTED"
    status_reason: str = ""
    scheduled_at_ms: int | None = None
    started_at_ms: int | None = None
    stopped_at_ms: int | None = None
    terminated: bool = False
    runs: int = 0
    dispatches: int = 0
    attempts: list[ServiceAttempt] = field(factory=list)
    preempted: list[ServiceAttempt] = field(factory=list)
    preemptions: int = 0
    capacity_wait_ms: int = 0
    history: list[str] = field(factory=list)
    # Of the driver alone.
    generation: int = 0
    ready_at_ms: int = 0
    order: int = 0
    failed_for_capacity: bool = False
    preempting: str = ""
    blocked_for: str = ""
    taken: dict[str, int] = field(factory=dict)
    taken_of_share: dict[str, int] = field(factory=dict)


def lane_of(queue: ServiceQueue, job: ServiceJob) -> str:
    """Which of a queue's lanes a job waits in."""
    return {
        "FIFO": "", "FAIR_SHARE": job.request.share_identifier, "QUOTA": job.request.quota_share,
    }[queue.kind]  # fmt: skip


def weight_of(weights: Mapping[str, float], identifier: str) -> float:
    """A share's weight: its own, or that of the prefix that it begins with; 1 where there is none."""
    if identifier in weights:
        return weights[identifier]
    return next(
        (each for name, each in weights.items() if name.endswith("*") and identifier.startswith(name[:-1])), 1.0
    )


def decide(rules: Iterable[ServiceRetryRule], status_reason: str) -> str:
    """RETRY or EXIT: the first rule that matches decides, RETRY where none does. `*` may stand anywhere.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/service-job-retries.html (`*CapacityError*`), read
    2026-11-21. Other jobs' conditions take a `*` at the end only (policies/retries.py).
    """
    for rule in rules:
        if _pattern(rule.on_status_reason).fullmatch(status_reason):
            return rule.action
    return "RETRY"


@lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in glob.split("*")), re.DOTALL)


def time_limit(reason: str) -> str:
    """The statusReason of a service job that a time-limit action terminated."""
    return f"Terminated by JobStateTimeLimit action due to reason: {reason.partition(' - ')[0]}"


def read_failures(tags: Mapping[str, str]) -> tuple[str, ...]:
    """`batchiac:failures`, one word a training job: `CapacityError:InternalServerError:none`; empty for success.

    Raises:
        WorkloadError: something that is not words of letters with colons between.
    """
    text = tags.get("batchiac:failures", "")
    if text and not re.fullmatch(r"[A-Za-z]+(:[A-Za-z]+)*", text):
        raise WorkloadError(
            f"batchiac:failures={text} is not understood: give one word a training job, such as"
            " CapacityError:InternalServerError:none"
        )
    return tuple("" if word == "none" else word for word in text.split(":")) if text else ()
