"""A run over a stack, from the state that it begins with to the record that it leaves.

deployment.py says what each verb does with one; the import of an account makes runs of its own.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from batchiac.deploy import program_host
from batchiac.deploy.acts import HandlerOf, Listener
from batchiac.deploy.entries import DYNAMIC_PACKAGE
from batchiac.deploy.executor import Run
from batchiac.deploy.stack import Stack, provider_inputs
from batchiac.deploy.state.checkpoint import Snapshot
from batchiac.deploy.state.journal import Journal
from batchiac.deploy.steps import Diagnostic, count_steps
from batchiac.deploy.values import for_handler, reveal
from batchiac.errors import (
    BatchiacError,
    FindingsError,
    InterruptedAtOnce,
    InterruptedByUserError,
    ProgramError,
    RefusedError,
    StateError,
)
from batchiac.model.handler import NeighbourlyHandler, Properties


def load_state(stack: Stack) -> Snapshot:
    """The state, if it is of the region and of an account that the stack names.

    Raises:
        RefusedError: it is not; acting on it would orphan what it holds.
    """
    snapshot = stack.store.load()
    target = stack.target
    for state in snapshot.resources:
        region, account = state.outputs.get("region"), state.outputs.get("account")
        if not state.type.startswith(f"{DYNAMIC_PACKAGE}:") or not isinstance(region, str):
            continue
        if region != target.region:
            raise RefusedError(
                f"{state.name} of stack {stack.name} lives in {region} by its state, but the stack's batchiac:region is"
                f" {target.region}: set it back, or use a stack of its own; nothing was changed"
            )
        if isinstance(account, str) and target.allowed_account_ids and account not in target.allowed_account_ids:
            raise RefusedError(
                f"{state.name} of stack {stack.name} lives in account {account} by its state, but the stack allows"
                f" {', '.join(target.allowed_account_ids)}: correct batchiac:allowedAccountIds, or use a stack of its"
                " own; nothing was changed"
            )
    return snapshot


def root_outputs(snapshot: Snapshot) -> Mapping[str, Any]:
    """The outputs of the program, by the state."""
    return next((state.outputs for state in snapshot.resources if state.is_root and not state.delete), {})


def new_run(
    stack: Stack,
    handlers: HandlerOf,
    journal: Journal,
    on_event: Listener,
    *,
    acting: bool,
    kind: Callable[..., Run] = Run,
) -> Run:
    """A run over a stack: of `kind`, which is `Run` or takes the same."""
    values, secret = stack.program_config()
    known: dict[str, Any] = {}
    lock = threading.Lock()

    def neighbours(_identity: str, kind: str) -> list[Properties]:
        # What a replacement has deleted already is there no more; what waits for its deletion is.
        standing = [each for each in journal.snapshot().resources if each.custom and not each.pending_replacement]
        ours = [each for each in standing if each.type.rpartition(":")[2] == kind and not each.external]
        return [for_handler(reveal(each.outputs, stack.store.unseal)) for each in ours]

    def handler_of(token: str) -> Any:
        with lock:
            if token not in known:
                handler: Any = handlers(token)
                known[token] = handler
                if isinstance(handler, NeighbourlyHandler):
                    handler.neighbours = neighbours
            return known[token]

    return kind(
        journal,
        handler_of,
        stack=stack.name,
        project=stack.project.name,
        acting=acting,
        unseal=stack.store.unseal,
        provider_inputs=provider_inputs(values, secret),
        on_event=on_event,
        cancelled=threading.Event(),
    )


def run_program(stack: Stack, run: Run, *, is_preview: bool) -> None:
    """Run the stack's program to its end with `run` as its registrar.

    Raises:
        FindingsError: checks said no; all of them are in it.
        What the program and the handlers raise.
    """
    values, secret = stack.program_config()
    program = program_host.Program(
        path=stack.project.program,
        root=stack.project.root,
        project=stack.project.name,
        stack=stack.name,
        config=values,
        secret_keys=secret,
    )
    failure: BatchiacError | None = None
    try:
        program_host.run_program(program, run, is_preview=is_preview, cancelled=run.cancelled)
    except InterruptedByUserError:
        run.require_heard()
        raise
    except ProgramError as error:
        for diagnostic in run.diagnostics:
            if diagnostic.severity == "error":
                error.add_note(diagnostic.message)
        failure = error
    if run.failures:
        raise _findings(run) from failure
    if failure is not None:
        raise failure


def _findings(run: Run) -> FindingsError:
    from batchiac.rules.finding import Finding, Level

    for goal, failure in run.failures:
        run.diagnose(Diagnostic("error", f"{failure.property}: {failure.reason}", goal.urn))
    return FindingsError(
        [
            Finding(
                rule_id=failure.rule_id,
                level=Level.ERROR,
                kind=goal.type.rpartition(":")[2],
                resource=goal.name,
                property=failure.property,
                message=failure.reason.removeprefix(f"{failure.rule_id}: "),
                source="",
            )
            for goal, failure in run.failures
        ]
    )


@contextlib.contextmanager
def holding(stack: Stack) -> Iterator[None]:
    """Hold the stack against other runs as long as the block lasts, and what it has begun.

    Raises:
        StateError: another run holds it, or it cannot be held.
    """
    with contextlib.ExitStack() as held:
        held.enter_context(stack.store.lock())
        try:
            yield
        except InterruptedAtOnce as interrupt:
            # The process may live on (a notebook, a test), and its threads go on creating.
            kept = held.pop_all()
            interrupt.let_go = kept.close
            threading.Thread(target=_release, args=(interrupt, kept), name="lock", daemon=True).start()
            raise


def _release(interrupt: InterruptedAtOnce, held: contextlib.ExitStack) -> None:
    interrupt.wait()
    held.close()


@contextlib.contextmanager
def recorded(stack: Stack, journal: Journal, run: Run, kind: str, wall_s: int) -> Iterator[None]:
    """Whatever happens inside, what was done is on the disk and in the history."""
    result = "failed"
    try:
        try:
            yield
        except KeyboardInterrupt:
            # The second Ctrl-C: threads are still at work, and the process ends under them. All they have done so far
            # is on the disk.
            raise
        except BaseException:
            with contextlib.suppress(BatchiacError):
                # What could not be confirmed is taken up by the next run; the first error is the one to tell.
                journal.close()
            raise
        journal.close()
        result = "succeeded"
    finally:
        for warning in add_to_history(stack, kind, result, count_steps(run.steps), wall_s):
            run.diagnose(warning)


def add_to_history(
    stack: Stack, kind: str, result: str, changes: dict[str, int], wall_s: int
) -> tuple[Diagnostic, ...]:
    """Add what was done to the stack's history; a warning where it cannot be. What was done is done all the same."""
    try:
        stack.store.record(kind, result, changes, wall_s)
    except StateError as error:
        return (Diagnostic("warning", error.message),)
    return ()
