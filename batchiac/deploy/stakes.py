"""What a plan costs in jobs, counted and named.

Updates and replacements of environments interrupt: "12 running jobs (a, b, …) get up to 30 minutes". Deletions end:
"ends 12 jobs: train-1, train-2, train-3, train-4, train-5 and 7 more".

A handler's diff makes no call, so its sentences speak of running jobs without a number. A handler that offers
`foresee(resource_id, state, inputs)` says them again with the jobs that run now, by name. That asks AWS, so it is done
where AWS is asked anyway: before `up` and `destroy` act and in a preview with `--refresh`, and only for steps that can.
A handler that offers `find_jobs(resource_id)` is asked before its resource is deleted; `delete_words(state)` says what
that means to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import attrs

from batchiac.deploy.acts import HandlerOf
from batchiac.deploy.secrecy import hidden_texts
from batchiac.deploy.steps import EndedJobs, Op, Plan, Step
from batchiac.deploy.values import Unseal, for_handler, reveal
from batchiac.model.handler import Effect

P = TypeVar("P", bound=Plan)

PARALLEL = 16

MOST_JOBS = 1000
"""Of a queue no more are listed than this; it may hold a million."""

INTERRUPTING = frozenset({Effect.INFRASTRUCTURE_UPDATE, Effect.REPLACE})
"""The effects under which jobs can lose their instances."""


def may_interrupt(plan: Plan) -> bool:
    """True when a step of the plan can end running jobs."""
    return any(_interrupts(step) for step in plan.steps)


def count_jobs(plan: P, handlers: HandlerOf, unseal: Unseal) -> P:
    """The plan with the jobs at stake in its notes.

    Raises:
        What the handlers' calls raise.
    """

    def look(step: Step) -> Step:
        foresee = getattr(handlers(step.type), "foresee", None)
        if foresee is None or step.old is None or step.new is None:
            return step
        state, inputs = (reveal(each, unseal) for each in (step.old.outputs, step.new.inputs))
        hidden = hidden_texts(state, inputs)
        notes = foresee(step.old.id, for_handler(state), for_handler(inputs))
        return attrs.evolve(step, notes=tuple(hidden.masked(note) for note in notes))

    asked = [step for step in plan.steps if _interrupts(step)]
    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="count") as pool:
        counted = {id(step): seen for step, seen in zip(asked, pool.map(look, asked), strict=True)}
    return attrs.evolve(plan, steps=tuple(counted.get(id(step), step) for step in plan.steps))


def may_end(plan: Plan, handlers: HandlerOf) -> bool:
    """True when a step of the plan deletes something that may hold jobs."""
    return any(_finder(step, handlers) is not None for step in plan.steps)


def count_ended(plan: P, handlers: HandlerOf, unseal: Unseal) -> P:
    """The plan with the jobs that its deletions end: on each step in words, and all together.

    Raises:
        What the handlers' calls raise.
    """

    def look(step: Step) -> list[Mapping[str, Any]]:
        find = _finder(step, handlers)
        assert find is not None and step.old is not None
        found: list[Mapping[str, Any]] = find(step.old.id)
        return found

    asked = [step for step in plan.steps if _finder(step, handlers) is not None]
    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="count") as pool:
        jobs = {id(step): found for step, found in zip(asked, pool.map(look, asked), strict=True)}
    steps = [_with_note(step, jobs.get(id(step), []), handlers, unseal) for step in plan.steps]
    is_more = any(len(found) >= MOST_JOBS for found in jobs.values())
    ended = _ended([job for found in jobs.values() for job in found], is_more=is_more)
    changed: dict[str, Any] = {"steps": tuple(steps), "ended": ended}
    return attrs.evolve(plan, **changed)


def _ended(jobs: Sequence[Mapping[str, Any]], *, is_more: bool) -> EndedJobs:
    """Each job once: it waits in its queue and runs on an environment, there as an array's children."""
    names: dict[str, str] = {}
    for job in jobs:
        whole, name = _whole(job), named_job(job)
        if whole not in names or name != job.get("jobName"):
            names[whole] = name
    return EndedJobs(len(names), tuple(names.values()), is_more)


def _with_note(step: Step, jobs: Sequence[Mapping[str, Any]], handlers: HandlerOf, unseal: Unseal) -> Step:
    if not jobs or step.old is None:
        return step
    ended = _ended(jobs, is_more=len(jobs) >= MOST_JOBS)
    words = handlers(step.type).delete_words(for_handler(reveal(step.old.outputs, unseal)))  # type: ignore[union-attr]
    return attrs.evolve(step, notes=(*step.notes, f"{words} {ended}"))


def _finder(step: Step, handlers: HandlerOf) -> Any:
    """The handler's way to the jobs of what the step deletes; None where it deletes nothing that can hold any."""
    old = step.old
    if step.op not in (Op.DELETE, Op.DELETE_REPLACED, Op.REPLACE) or step.is_retained or old is None or not old.custom:
        return None
    if old.external or old.pending_replacement or old.is_provider:
        return None
    handler = handlers(step.type)
    if step.op is Op.REPLACE and hasattr(handler, "foresee"):
        return None
    return getattr(handler, "find_jobs", None)


def _whole(job: Mapping[str, Any]) -> str:
    """The id of the job that an array's child or a node belongs to."""
    return str(job["jobId"]).partition(":")[0].partition("#")[0]


def named_job(job: Mapping[str, Any]) -> str:
    """A job's name, with how many it stands for."""
    name = str(job.get("jobName") or job["jobId"])
    size = (job.get("arrayProperties") or {}).get("size")
    return f"{name} (array of {size:,})" if size else name


def _interrupts(step: Step) -> bool:
    return step.op in (Op.UPDATE, Op.REPLACE) and any(change.effect in INTERRUPTING for change in step.changes)
