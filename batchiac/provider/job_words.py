"""What a change of an environment means to the jobs on it, in the words of a plan.

Without a look at the account the sentences speak of "running jobs"; with one, of the jobs that run now, by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from batchiac.aws import compute_environment as aws
from batchiac.model.handler import Properties
from batchiac.model.unknown import UNKNOWN
from batchiac.provider.drain import DRAIN, Jobs, in_minutes, job_names

_OF_ONE: Final[Mapping[str, str]] = {"get": "gets", "are": "is"}


def replacement_words(inputs: Properties, jobs: Jobs | None) -> str:
    """A new environment beside the old one.

    Args:
        inputs: the environment's; its `drain` says what jobs get.
        jobs: those that run on it now; None where nobody has looked.
    """
    said = "replacement: a new environment is made, queues are repointed"
    if jobs == []:
        return f"{said}; no job runs on the old one now"
    return f"{said}, {_drained(inputs, _some(jobs, 'get', ' on the old one'))}"


def bridge_words(inputs: Properties, jobs: Jobs | None) -> str:
    """A new environment under the old one's name; arguments as above."""
    said = (
        "replaced through a bridge: a second environment takes the queues while this one drains and is made anew under"
        " its name and ARN"
    )
    return f"{said}; {_idle_now(jobs) or _drained(inputs, _some(jobs, 'get'))}"


def infrastructure_words(inputs: Properties, jobs: Jobs | None) -> str:
    """Other instances under the same environment; its `updatePolicy` says what jobs get. Arguments as above."""
    said = "infrastructure update: instances are replaced"
    if idle := _idle_now(jobs):
        return f"{said}; {idle}"
    policy = inputs.get("updatePolicy") or {}
    if policy is not UNKNOWN and policy.get("terminateJobsOnUpdate"):
        return f"{said}; {_some(jobs, 'are')} terminated at once (updatePolicy)"
    minutes = aws.DEFAULT_JOB_MINUTES
    if policy is not UNKNOWN:
        minutes = policy.get("jobExecutionTimeoutMinutes", minutes)
    return (
        f"{said}; {_some(jobs, 'get')} up to {minutes} minutes (updatePolicy), then they are terminated and their retry"
        " rules apply"
    )


def _idle_now(jobs: Jobs | None) -> str:
    return "no job runs on it now" if jobs == [] else ""


def _drained(inputs: Properties, jobs: str) -> str:
    """ "12 running jobs get up to 30 minutes, then the instances end"."""
    terms = {**DRAIN, **(inputs.get("drain") or {})}
    after = "then the instances end" if terms["onDeadline"] == "interrupt" else "then the deletion fails"
    return f"{jobs} up to {in_minutes(terms['deadlineS'])}, {after}"


def _some(jobs: Jobs | None, verb: str, where: str = "") -> str:
    """ "12 running jobs (a, b, c, d, e and 7 more) get", with one job "1 running job (a) gets"; uncounted without."""
    if jobs is None:
        return f"running jobs{where} {verb}"
    if len(jobs) == 1:
        return f"1 running job{where} ({job_names(jobs)}) {_OF_ONE[verb]}"
    return f"{len(jobs)} running jobs{where} ({job_names(jobs)}) {verb}"
