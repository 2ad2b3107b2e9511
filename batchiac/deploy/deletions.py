"""Deletes what the program no longer declares, or everything: dependents first, side by side where they can be.

Here too: what a run that died left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from batchiac.deploy.acts import Acts
from batchiac.deploy.planner import require_unprotected
from batchiac.deploy.state.checkpoint import PendingOperation
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.steps import Diagnostic, Op, Step
from batchiac.deploy.values import for_handler, reveal
from batchiac.errors import BatchiacError, InternalError, InterruptedAtOnce, UnsupportedError
from batchiac.model.handler import RecordedHandler

PARALLEL_DELETES = 64


class Deletions(Acts):
    """The part of a run that follows the program."""

    def finish(self) -> None:
        """Delete what the program no longer declares."""
        self.delete_all(self._undeclared(), Op.DELETE)

    def _undeclared(self) -> list[ResourceState]:
        left = self.journal.left()
        kept = self._untouchable(left)
        gone = [each for each in left if each.urn not in kept or each.delete]
        # The engine's own provider goes when nothing that stays uses it; what is new has its own entry by now.
        used = {each.provider for each in left if each.urn in kept}
        gone = [each for each in gone if not (each.is_provider and f"{each.urn}::{each.id}" in used)]
        require_unprotected(gone, "delete")
        return gone

    def _untouchable(self, states: Sequence[ResourceState]) -> set[str]:
        """URNs of resources of types that are not ours, and of all that they need."""
        foreign = [
            each for each in states if each.custom and not each.is_provider and self._handler_of(each.type) is None
        ]
        kept: set[str] = set()
        by_urn = {each.urn: each for each in states}
        waiting = [each.urn for each in foreign]
        while waiting:
            urn = waiting.pop()
            if urn not in kept:
                kept.add(urn)
                if urn in by_urn:
                    waiting += by_urn[urn].needs()
        if foreign:
            names = ", ".join(f"{each.type} {each.name}" for each in foreign)
            self.diagnose(
                Diagnostic("warning", f"kept in the state untouched: {names}; only the Pulumi CLI can delete them")
            )
        return kept

    def delete_all(self, states: Sequence[ResourceState], op: Op) -> None:
        """Delete `states`, dependents before what they depend on, side by side where they do not."""
        self._adopt_unsettled()
        if not self.acting:
            for state in reversed(states):
                self.journal.drop(state)
                self._note(self._deletion(state, Op.DELETE_REPLACED if state.delete else op, states))
            return
        after = self._find_later(states)
        # How many of those to be deleted still need it.
        users: dict[int, int] = {id(state): 0 for state in states}
        for later in after.values():
            for needed in later:
                users[id(needed)] += 1
        ready = [state for state in reversed(states) if not users[id(state)]]
        running: dict[Future[None], ResourceState] = {}
        deleted: set[int] = set()
        first_error: BaseException | None = None
        is_abandoned = False
        pool = ThreadPoolExecutor(PARALLEL_DELETES, thread_name_prefix="delete")
        try:
            while ready or running:
                if first_error is None and not self.cancelled.is_set():
                    for state in ready:
                        kind = Op.DELETE_REPLACED if state.delete else op
                        running[pool.submit(self._delete, state, kind, states=states)] = state
                ready = []
                if not running:
                    break
                try:
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                except KeyboardInterrupt:
                    if self.cancelled.is_set():
                        is_abandoned = True
                        raise InterruptedAtOnce(pool.shutdown) from None
                    self.cancelled.set()
                    continue
                for future in done:
                    state = running.pop(future)
                    error = future.exception()
                    if error is not None:
                        first_error = first_error or error
                        continue
                    deleted.add(id(state))
                    for needed in after[id(state)]:
                        users[id(needed)] -= 1
                        if not users[id(needed)]:
                            ready.append(needed)
        finally:
            pool.shutdown(wait=not is_abandoned, cancel_futures=is_abandoned)
        self.journal.commit()
        if first_error is not None:
            raise first_error
        self._require_going()
        if left := [state for state in states if id(state) not in deleted]:
            names = ", ".join(f"{state.type} {state.name}" for state in left)
            raise InternalError(f"{names} could not be deleted: each waits for another of them; nothing is lost")

    def _find_later(self, states: Sequence[ResourceState]) -> dict[int, list[ResourceState]]:
        """Per state (its `id()`), what is deleted only after it: what it needs, and what has to outlive its kind.

        A program may hand a role's name on as plain text; no dependency says then that an environment still acts under
        it. One that needs such a kind itself waits for none.
        """
        by_urn: dict[str, list[ResourceState]] = {}
        later: dict[int, list[ResourceState]] = {}
        for state in states:
            # What it needs precedes it. What follows under such a URN is another entry: one of what was made since,
            # and of what waits for its deletion.
            later[id(state)] = [each for urn in {*state.needs()} - {state.urn} for each in by_urn.get(urn, ())]
            by_urn.setdefault(state.urn, []).append(state)
        needs = {key: list(each) for key, each in later.items()}
        for lasting in states:
            kinds = getattr(self._handler_of(lasting.type), "outlives", ())
            outlived = [each for each in states if each.type.rpartition(":")[2] in kinds]
            reached = {id(lasting)}
            waiting = [lasting] if outlived else []
            while waiting:
                for each in later[id(waiting.pop())]:
                    if id(each) not in reached:
                        reached.add(id(each))
                        waiting.append(each)
            if not any(id(each) in reached for each in outlived):
                for state in outlived:
                    later[id(state)] += [] if lasting in needs[id(state)] else [lasting]
        return later

    def _deletion(self, state: ResourceState, op: Op, states: Iterable[ResourceState]) -> Step:
        gone_with = bool(state.deleted_with) and any(each.urn == state.deleted_with for each in states)
        return Step(op, state.urn, state.type, old=state, is_retained=state.retain_on_delete or gone_with)

    def _delete(
        self,
        state: ResourceState,
        op: Op,
        *,
        keep: Callable[[ResourceState], ResourceState] | None = None,
        states: Iterable[ResourceState] = (),
    ) -> None:
        step = self._deletion(state, op, states)
        must_act = state.custom and not (
            state.is_provider or state.external or state.pending_replacement or step.is_retained
        )
        if must_act:
            handler = self._handler_of(state.type)
            if handler is None:
                raise UnsupportedError(f"{state.type} {state.name} can only be deleted by the Pulumi CLI")
            intent = self.journal.begin("deleting", state)
            self.journal.commit()
            try:
                self._timed(
                    step,
                    state.custom_timeouts.get("delete"),
                    lambda: handler.delete(state.id, for_handler(reveal(state.outputs, self._unseal))),
                )
            except BatchiacError:
                self.journal.end(intent)
                self.journal.commit()
                raise
            self.journal.end(intent)
        elif state.custom and not state.is_provider:
            self._timed(step, None, lambda: None)
        else:
            self._note(step)
        if keep is not None:
            self.journal.exchange(state, keep)
        else:
            self.journal.drop(state)
        if must_act:
            self.journal.commit()

    def _adopt_unsettled(self) -> None:
        """Creates of a dead run that nobody asked for again: what they made is found by its tag, and deleted."""
        for urn, operation in list(self._unsettled.items()):
            del self._unsettled[urn]
            self._settle(operation)

    def confirm_created(self) -> None:
        """Creates of a dead run that are in the state and only wait for their tag to come off."""
        for urn, operation in list(self._unsettled.items()):
            live = self.journal.old(urn)
            if live is None or not operation.resource.id or live.id != operation.resource.id:
                continue
            del self._unsettled[urn]
            handler = self._handler_of(live.type)
            if self.acting and isinstance(handler, RecordedHandler):
                handler.confirm(live.id, for_handler(reveal(live.outputs, self._unseal)))
            self.journal.end(operation)

    def _settle(self, operation: PendingOperation) -> None:
        state = operation.resource
        handler = self._handler_of(state.type)
        if handler is None:
            return
        if (live := self._find_made(state)) is not None:
            # Nothing to show. What else the dead run made under this URN, before it was made again, carries its tag;
            # what the state holds may carry it too, and keeps nothing but that.
            if self.acting and isinstance(handler, RecordedHandler):
                handler.confirm(live.id, for_handler(reveal(live.outputs, self._unseal)))
                handler.discard(for_handler(reveal(state.inputs, self._unseal)))
            self.journal.end(operation)
            return
        step = Step(Op.DELETE, state.urn, state.type, old=state, notes=("left by an interrupted run",))
        if not self.acting:
            self.journal.end(operation)
            self._note(step)
            return

        def act() -> None:
            inputs = for_handler(reveal(state.inputs, self._unseal))
            if isinstance(handler, RecordedHandler):
                handler.discard(inputs)
                return
            made = handler.create(inputs)
            handler.delete(made.id, {**inputs, **made.outputs})

        self._timed(step, None, act)
        self.journal.end(operation)
        self.journal.commit()

    def _find_made(self, intended: ResourceState) -> ResourceState | None:
        """What a create was to make, where the state holds it: Pulumi's CLI makes it on a later run, and keeps the
        dead run's intent all the same."""
        live = self.journal.new(intended.urn) or self.journal.old(intended.urn)
        if live is None or not live.id:
            return None
        mine, its = (for_handler(reveal(each.inputs, self._unseal)) for each in (live, intended))
        return live if mine == its else None
