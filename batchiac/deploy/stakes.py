"""What a planned step interrupts, counted: "12 running jobs (a, b, …) get up to 30 minutes".

A handler's diff makes no call, so its sentences speak of running jobs without a number. A handler that offers
`foresee(resource_id, state, inputs)` says them again with the jobs that run now, by name. That asks AWS, so it is done
where AWS is asked anyway: before `up` acts and in a preview with `--refresh`, and only for steps that say so.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import attrs

from batchiac.deploy.acts import HandlerOf
from batchiac.deploy.steps import Op, Plan, Step
from batchiac.deploy.values import Unseal, for_handler, reveal
from batchiac.model.handler import Effect

P = TypeVar("P", bound=Plan)

PARALLEL = 16

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
        state, inputs = (for_handler(reveal(each, unseal)) for each in (step.old.outputs, step.new.inputs))
        return attrs.evolve(step, notes=tuple(foresee(step.old.id, state, inputs)))

    asked = [step for step in plan.steps if _interrupts(step)]
    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="count") as pool:
        counted = {id(step): seen for step, seen in zip(asked, pool.map(look, asked), strict=True)}
    return attrs.evolve(plan, steps=tuple(counted.get(id(step), step) for step in plan.steps))


def _interrupts(step: Step) -> bool:
    return step.op in (Op.UPDATE, Op.REPLACE) and any(change.effect in INTERRUPTING for change in step.changes)
