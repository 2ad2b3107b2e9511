"""The four things that can be done with a stack: preview, up, refresh, destroy. What everybody else calls.

    stack = open_stack(".", "local", environ=os.environ)
    plan = preview(stack, handlers)
    result = up(stack, handlers, on_event=print)

`handlers` turns a type token into a handler that acts where the stack says, or None for a type that is not ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs

from batchiac.deploy.acts import HandlerOf, Listener
from batchiac.deploy.executor import Run
from batchiac.deploy.refresher import Drift, read_drift
from batchiac.deploy.running import add_to_history, holding, load_state, new_run, recorded, root_outputs, run_program
from batchiac.deploy.stack import Stack
from batchiac.deploy.stakes import count_ended, count_jobs, may_end, may_interrupt
from batchiac.deploy.state.checkpoint import PendingOperation, Snapshot
from batchiac.deploy.state.journal import Journal
from batchiac.deploy.steps import Diagnostic, Event, Plan, Result
from batchiac.deploy.values import masked, plain, reveal
from batchiac.model.target import require_safe

P = TypeVar("P", bound=Plan)

Approve = Callable[[Plan], bool]
"""Is shown the plan and says whether to go on."""


def _silent(_event: Event) -> None:
    """The listener of those who want the result only."""


def _agreed(_plan: Plan) -> bool:
    return True


def _nothing() -> None:
    return None


def preview(
    stack: Stack,
    handlers: HandlerOf,
    *,
    refresh: bool = False,
    on_event: Listener = _silent,
) -> Plan:
    """What `up` would do. Changes nothing, takes no lock, and makes no AWS call unless `refresh`.

    Args:
        refresh: read what exists first; `Plan.drift` says what had changed outside, and jobs at stake are counted.

    Raises:
        FindingsError: handlers' checks refuse resources; all of them are in it.
        ProgramError: the program raised.
        UserError: something protected would be deleted or replaced; the program uses what is not supported.
        StateError: the state is damaged.
    """
    started = time.monotonic()
    base = load_state(stack)
    drift = None
    if refresh:
        require_safe(stack.target, acting=True)
        drift = read_drift(base, handlers, stack.store.unseal)
        base = drift.snapshot
    unsettled = [each for each in base.pending if handlers(each.resource.type) is not None]
    if unsettled and not refresh:
        names = ", ".join(sorted({f"{each.type} {each.resource.name}" for each in unsettled}))
        if holders := stack.store.holders():
            said = f"{', '.join(holders)} is at work on this stack ({names}): what it has not done yet is in this plan"
        else:
            said = f"an interrupted run left unsettled: {names}; `up` takes it up first"
        on_event(Diagnostic("warning", said))
    plan = _plan(stack, handlers, base, drift, on_event, started)
    return _counted(plan, stack, handlers) if refresh else plan


def up(
    stack: Stack,
    handlers: HandlerOf,
    *,
    refresh: bool = False,
    approve: Approve = _agreed,
    before_acting: Callable[[], object] = _nothing,
    on_event: Listener = _silent,
) -> Result | None:
    """Plan, ask, and do: afterwards the stack is as its program says.

    Args:
        approve: is shown the plan, with the running jobs that it interrupts counted; False ends without a change.
        before_acting: called before the first change, if there is any; what it raises ends the run.
        on_event: hears the program while the plan is made, and then the program and each step.

    Returns:
        What was done; None when `approve` said no.

    Raises:
        As `preview`; and what handlers raise. What was done until then is recorded.
    """
    started, wall_s = time.monotonic(), int(time.time())
    with holding(stack):
        base = load_state(stack)
        drift = None
        unsettled = _begun(base, handlers)
        if refresh or any(_is_read(each, handlers) for each in base.pending):
            # Of an interrupted update or delete nobody knows whether it took effect, so it is looked at.
            require_safe(stack.target, acting=True)
            before_acting()
            drift = read_drift(
                base, handlers, stack.store.unseal, only=None if refresh else unsettled, unsettled=unsettled
            )
            base = _looked_at(drift.snapshot, handlers)
        plan = _plan(stack, handlers, base, drift, on_event, started)
        if approve is not _agreed and _costs_jobs(plan, handlers):
            # Whoever is asked learns how many jobs it costs, as of now.
            require_safe(stack.target, acting=True)
            before_acting()
            plan = _counted(plan, stack, handlers)
        if not approve(plan):
            return None
        if plan.has_changes or base.pending:
            require_safe(stack.target, acting=True)
            before_acting()
        journal = Journal(base, stack.store, pending=base.pending)
        run = new_run(stack, handlers, journal, _without(plan.diagnostics, on_event), acting=True)
        with recorded(stack, journal, run, "update", wall_s):
            run.confirm_created()
            run_program(stack, run, is_preview=False)
            run.finish()
        return attrs.evolve(_result(Result, stack, run, base, started, drift), ended=plan.ended)


def refresh(
    stack: Stack,
    handlers: HandlerOf,
    *,
    approve: Approve = _agreed,
    before_acting: Callable[[], object] = _nothing,
) -> Result | None:
    """Take what exists over into the state.

    Returns:
        What had changed outside; None when `approve` said no.
    """
    started, wall_s = time.monotonic(), int(time.time())
    with holding(stack):
        base = load_state(stack)
        require_safe(stack.target, acting=True)
        before_acting()
        drift = read_drift(base, handlers, stack.store.unseal, unsettled=_begun(base, handlers))
        outputs = root_outputs(base)
        result = Result(
            drift.steps,
            outputs=outputs,
            old_outputs=outputs,
            config=stack.masked_config(),
            seconds=time.monotonic() - started,
        )
        if not approve(result):
            return None
        stack.store.save(_looked_at(drift.snapshot, handlers))
        return attrs.evolve(result, diagnostics=add_to_history(stack, "refresh", "succeeded", result.summary, wall_s))


def destroy(
    stack: Stack,
    handlers: HandlerOf,
    *,
    approve: Approve = _agreed,
    before_acting: Callable[[], object] = _nothing,
    on_event: Listener = _silent,
) -> Result | None:
    """Delete everything that the state holds, dependents first. The program is not run.

    Returns:
        What was deleted; None when `approve` said no.

    Raises:
        UserError: something is protected; nothing was deleted.
    """
    started, wall_s = time.monotonic(), int(time.time())
    with holding(stack):
        base = load_state(stack)
        foreseen = new_run(stack, handlers, Journal(base, None, pending=base.pending), _silent, acting=False)
        foreseen.confirm_created()
        foreseen.finish()
        plan = _result(Plan, stack, foreseen, base, started, None)
        if approve is not _agreed and _costs_jobs(plan, handlers):
            require_safe(stack.target, acting=True)
            before_acting()
            plan = _counted(plan, stack, handlers)
        if not approve(plan):
            return None
        if base.pending or any(step.old is not None and step.old.custom for step in plan.steps):
            require_safe(stack.target, acting=True)
            before_acting()
        journal = Journal(base, stack.store, pending=base.pending)
        run = new_run(stack, handlers, journal, on_event, acting=True)
        with recorded(stack, journal, run, "destroy", wall_s):
            run.confirm_created()
            run.finish()
        return attrs.evolve(_result(Result, stack, run, base, started, None), ended=plan.ended)


def read_outputs(stack: Stack, *, show_secrets: bool) -> dict[str, Any]:
    """The outputs of the last `up` as plain JSON values.

    Args:
        show_secrets: in the open; otherwise `[secret]` stands in their place, and no key is derived.
    """
    outputs = root_outputs(stack.store.load())
    if show_secrets:
        return {key: plain(reveal(value, stack.store.unseal)) for key, value in outputs.items()}
    return {key: masked(value) for key, value in outputs.items()}


# -- parts ------------------------------------------------------------------------------------------------------------


def _costs_jobs(plan: Plan, handlers: HandlerOf) -> bool:
    return may_interrupt(plan) or may_end(plan, handlers)


def _counted(plan: Plan, stack: Stack, handlers: HandlerOf) -> Plan:
    """The plan with the jobs that it interrupts and ends."""
    if may_interrupt(plan):
        plan = count_jobs(plan, handlers, stack.store.unseal)
    return count_ended(plan, handlers, stack.store.unseal) if may_end(plan, handlers) else plan


def _begun(snapshot: Snapshot, handlers: HandlerOf) -> set[str]:
    """URNs of what a run that died was updating or deleting, as the state has them."""
    begun = [each for each in snapshot.pending if _is_read(each, handlers)]
    return {state.urn for state in snapshot.resources if any(each.is_on(state) for each in begun)}


def _looked_at(snapshot: Snapshot, handlers: HandlerOf) -> Snapshot:
    """The snapshot when all that was begun has been read; a create stays open, until it is confirmed or done again.

    So does what nobody here can read: it is the Pulumi CLI's.
    """
    return attrs.evolve(snapshot, pending=tuple(each for each in snapshot.pending if not _is_read(each, handlers)))


def _is_read(operation: PendingOperation, handlers: HandlerOf) -> bool:
    return operation.type != "creating" and handlers(operation.resource.type) is not None


def _without(said: Sequence[Diagnostic], on_event: Listener) -> Listener:
    """`on_event` less what the program said already when the plan was made: it runs twice, its warnings are one."""
    known = {(each.urn, each.message) for each in said}

    def listen(event: Event) -> None:
        if not (isinstance(event, Diagnostic) and (event.urn, event.message) in known):
            on_event(event)

    return listen


def _plan(
    stack: Stack, handlers: HandlerOf, base: Snapshot, drift: Drift | None, on_event: Listener, started: float
) -> Plan:
    run = new_run(stack, handlers, Journal(base, None, pending=base.pending), on_event, acting=False)
    run.confirm_created()
    run_program(stack, run, is_preview=True)
    run.finish()
    return _result(Plan, stack, run, base, started, drift)


def _result(kind: type[P], stack: Stack, run: Run, base: Snapshot, started: float, drift: Drift | None) -> P:
    return kind(
        tuple(run.steps),
        tuple(run.diagnostics),
        run.outputs,
        root_outputs(base),
        stack.masked_config(),
        time.monotonic() - started,
        drift.steps if drift is not None else (),
    )
