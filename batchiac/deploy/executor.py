"""Does what the planner decides: the registrar of a run, and the deletions after it.

Theory of a run. The program registers a resource; the planner decides; in a preview the decision is noted and answered
as far as it can be foreseen; otherwise it is done at once, on the SDK's thread, so that what does not depend on each
other is done side by side. Each create, update and delete is noted as an intent before and as a result after, both on
the disk (state/journal.py). When the program has ended, what it no longer declares is deleted, dependents first.

An intent that is still there when a run begins is of a run that died. Handlers adopt what carries their tag, so a
create is simply done again; what an update or a delete did is read before the plan is made (deployment.py). A create
that the program no longer asks for is done again and then deleted.

Between a handler's last call of a create and our record of it a process can die too. A handler that offers
`create_unconfirmed` and `confirm` closes that gap: the tag comes off in `confirm`, beside the program, when the record
is on the disk where Pulumi reads it too; the intent stays, with the id in it, until then.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from batchiac.deploy.acts import HandlerOf, Listener
from batchiac.deploy.entries import Entries
from batchiac.deploy.importing.option import IMPORT_ID, is_imported, read_existing, refuse_other, require_unmanaged
from batchiac.deploy.monitor import Answer
from batchiac.deploy.planner import (
    Decision,
    find_dependent_replacements,
    find_left_behind,
    plan_registration,
    planned_outputs,
    require_unprotected,
)
from batchiac.deploy.registration import Registration
from batchiac.deploy.secrecy import keeping_sealed, marked_outputs
from batchiac.deploy.state.checkpoint import PendingOperation
from batchiac.deploy.state.journal import Journal
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.steps import Op, Step
from batchiac.deploy.urn import short_type
from batchiac.deploy.values import PROVIDER_KEY, Unseal, for_handler, has_secrets, reveal
from batchiac.errors import BatchiacError, PartiallyCreatedError, RefusedError, UnsupportedError, UserError
from batchiac.model.handler import CheckFailure, Handler, RecordedHandler
from batchiac.model.unknown import contains_unknown


class Run(Entries):
    """One run over one stack: a preview (`acting=False`) or a deployment. Thread-safe.

    Attributes:
        steps: what was decided, in the order of the decisions.
        failures: (registration, failure) of every check that said no; a preview collects them all.
        diagnostics: what the program had to say.
        cancelled: set by Ctrl-C; nothing new is started from then on.
    """

    def __init__(
        self,
        journal: Journal,
        handler_of: HandlerOf,
        *,
        stack: str,
        project: str,
        acting: bool,
        unseal: Unseal,
        provider_inputs: Mapping[str, Any],
        on_event: Listener,
        cancelled: threading.Event,
    ) -> None:
        super().__init__(journal, handler_of, acting=acting, unseal=unseal, on_event=on_event, cancelled=cancelled)
        self.failures: list[tuple[Registration, CheckFailure]] = []
        self.outputs: Mapping[str, Any] = {}
        self._stack = stack
        self._project = project
        self._provider_inputs = provider_inputs
        self._has_failed = False
        self._seen: set[str] = set()
        self._renamed: dict[str, str] = {}
        # What a preview foresees to be deleted before something that it refers to is, and that.
        self._going_first: dict[str, str] = {}

    # -- what the monitor calls ---------------------------------------------------------------------------------------

    def renamed_parents(self) -> Mapping[str, str]:
        return self._renamed

    def register_outputs(self, urn: str, outputs: Mapping[str, Any]) -> None:
        state = self.journal.new(urn)
        if state is None:
            raise UserError(f"{urn} has outputs but was never registered")
        if state.is_root:
            self.outputs = outputs
        if not self.acting or contains_unknown(outputs):
            return
        kept = self._kept(marked_outputs(outputs, state.inputs, state.additional_secret_outputs), state.outputs)
        if kept is not state.outputs:
            self.journal.outputs(urn, kept)

    def register(self, goal: Registration) -> Answer:
        self._require_going()
        old = self._find_old(goal)
        if not goal.custom:
            return self._register_component(goal, old)
        handler = self._handler_of(goal.type)
        if handler is None:
            raise UnsupportedError(
                f"{goal.name} is a {goal.type}, which batchiac cannot deploy: it deploys its own kinds"
                " (pulumi-python:dynamic/batch:…); deploy this program with `pulumi up`"
            )
        if goal.import_id and not is_imported(old, goal.import_id):
            return self._import(goal, old, handler)
        planned = old
        if old is not None and old.urn in self._going_first:
            planned = attrs.evolve(old, pending_replacement=True)
        decision = plan_registration(goal, planned, handler, self._unseal)
        if decision.failures:
            return self._refused(goal, decision)
        if not self.acting:
            return self._foresee(goal, old, decision)
        try:
            return self._do(goal, old, handler, decision)
        except BaseException:
            self._has_failed = True
            raise

    def _require_going(self) -> None:
        super()._require_going()
        if self._has_failed:
            # Others may be queued behind the threads of the program; what is told is the failure itself.
            raise RefusedError("not begun: another step of this run has failed")

    # -- finding ------------------------------------------------------------------------------------------------------

    def _find_old(self, goal: Registration) -> ResourceState | None:
        with self._lock:
            if goal.urn in self._seen:
                raise UserError(f"{short_type(goal.type)} {goal.name} is declared twice: give each a name of its own")
            self._seen.add(goal.urn)
        old = self.journal.claim(goal.urn)
        if old is not None and not old.external:
            return old
        for alias in goal.aliases:
            old = self.journal.claim(alias)
            if old is not None:
                with self._lock:
                    if alias in self._seen:
                        continue
                    self._seen.add(alias)
                    self._renamed[goal.urn] = alias
                return old
        return None

    # -- components ---------------------------------------------------------------------------------------------------

    def _register_component(self, goal: Registration, old: ResourceState | None) -> Answer:
        op = Op.SAME if old is not None else Op.CREATE
        state = self._state(goal, old, goal.inputs, id_="")
        if old is not None:
            inputs = self._kept(goal.inputs, old.inputs) if self.acting else goal.inputs
            state = attrs.evolve(state, inputs=inputs, outputs=self._same_outputs(goal, goal.inputs, old))
        self.journal.put(state, instead_of=old)
        self._note(Step(op, goal.urn, goal.type, old, state))
        return Answer(outputs=goal.inputs)

    # -- custom resources: foreseen -----------------------------------------------------------------------------------

    def _refused(self, goal: Registration, decision: Decision) -> Answer:
        with self._lock:
            self.failures += [(goal, failure) for failure in decision.failures]
        if self.acting:
            first = decision.failures[0]
            raise UserError(f"{short_type(goal.type)} {goal.name}: {first.property}: {first.reason}")
        # The preview goes on as if it were accepted, so that every failure is found, not the first.
        self.journal.put(self._state(goal, self.journal.old(goal.urn), goal.inputs, id_=""))
        return Answer(outputs=decision.inputs)

    def _foresee(self, goal: Registration, old: ResourceState | None, decision: Decision) -> Answer:
        if decision.op not in (Op.SAME, Op.UPDATE) and self._take_up(goal.urn) is not None:
            decision = attrs.evolve(decision, notes=(*decision.notes, "begun by an interrupted run, taken up"))
        if decision.deletes_first and old is not None and not old.pending_replacement:
            decision = attrs.evolve(decision, notes=(*decision.notes, *self._foresee_going_first(old)))
        outputs = marked_outputs(planned_outputs(decision, old), decision.inputs, goal.additional_secret_outputs)
        keeps_id = old is not None and decision.op in (Op.SAME, Op.UPDATE)
        state = attrs.evolve(
            self._state(goal, old, decision.inputs, id_=old.id if old is not None and keeps_id else ""),
            outputs=outputs,
        )
        self._ensure_provider()
        self.journal.put(state, instead_of=old)
        self._note(self._step(decision, goal, old, state))
        return Answer(state.id, reveal(outputs, self._unseal))

    def _foresee_going_first(self, old: ResourceState) -> list[str]:
        """Note what is deleted before `old` is, and say in words what that means to others."""
        if cause := self._going_first.get(old.urn):
            return [f"deleted first, because {cause} is, which it refers to"]
        dependents = self._dependents(old)
        require_unprotected(dependents, "replace")
        name = f"{short_type(old.type)} {old.name}"
        self._going_first |= dict.fromkeys((each.urn for each in dependents), name)
        notes = []
        if dependents:
            notes.append(f"deleted before it: {_names(dependents)}")
        if left := find_left_behind(old, self._unvisited(), dependents):
            notes.append(f"not there until it is made anew, while {_names(left)} still refers to it")
        return notes

    def _step(self, decision: Decision, goal: Registration, old: ResourceState | None, new: ResourceState) -> Step:
        op = Op.REPLACE if decision.op is Op.CREATE_REPLACEMENT else decision.op
        return Step(
            op,
            goal.urn,
            goal.type,
            old,
            new,
            decision.changes,
            decision.replaces,
            decision.notes,
            is_retained=bool(op is Op.REPLACE and old is not None and old.retain_on_delete),
            deletes_first=decision.deletes_first,
        )

    # -- custom resources: done ---------------------------------------------------------------------------------------

    def _do(self, goal: Registration, old: ResourceState | None, handler: Handler, decision: Decision) -> Answer:
        if contains_unknown(decision.inputs):
            raise UserError(f"{short_type(goal.type)} {goal.name} depends on a value that does not exist in this run")
        self._ensure_provider()
        if decision.op is Op.SAME:
            assert old is not None
            state = attrs.evolve(
                self._state(goal, old, self._kept(decision.inputs, old.inputs), id_=old.id),
                outputs=self._same_outputs(goal, decision.inputs, old),
            )
            self.journal.put(state, instead_of=old)
            self._note(Step(Op.SAME, goal.urn, goal.type, old, state, notes=decision.notes))
        elif decision.op is Op.UPDATE:
            assert old is not None
            state = self._update(goal, old, handler, decision)
        else:
            state = self._create(goal, old, handler, decision)
        return Answer(state.id, reveal(state.outputs, self._unseal))

    def _update(self, goal: Registration, old: ResourceState, handler: Handler, decision: Decision) -> ResourceState:
        goal_state = self._state(goal, old, self._kept(decision.inputs, old.inputs), id_=old.id)
        step = self._step(decision, goal, old, goal_state)
        intent = self.journal.begin("updating", goal_state)
        self.journal.commit()

        def act() -> ResourceState:
            try:
                outputs = handler.update(
                    old.id, for_handler(reveal(old.outputs, self._unseal)), for_handler(decision.inputs)
                )
            except PartiallyCreatedError as error:
                partial = self._outputs(goal, decision, error.outputs)
                self.journal.exchange(old, lambda known: attrs.evolve(known, outputs=partial))
                raise
            return attrs.evolve(goal_state, outputs=self._kept(self._outputs(goal, decision, outputs), old.outputs))

        try:
            state = self._timed(step, goal.custom_timeouts.get("update"), act)
        except BatchiacError:
            self.journal.end(intent)
            self.journal.commit()
            raise
        self.journal.end(intent)
        self.journal.put(state, instead_of=old)
        self.journal.commit()
        return state

    def _create(
        self, goal: Registration, old: ResourceState | None, handler: Handler, decision: Decision
    ) -> ResourceState:
        replaces = old is not None and decision.op is Op.REPLACE
        if old is not None and replaces and decision.deletes_first:
            for each in reversed([old, *self._dependents(old)]):
                self._delete_first(each)
            old = self.journal.old(old.urn)
            replaces = False
        goal_state = self._state(goal, None, decision.inputs, id_="")
        op = Op.CREATE if decision.op is Op.CREATE else Op.CREATE_REPLACEMENT
        step = attrs.evolve(self._step(decision, goal, old, goal_state), op=op)
        intent = self.journal.begin("creating", goal_state)
        self._take_up(goal.urn)
        self.journal.commit()

        is_recorded = False

        def act() -> ResourceState:
            nonlocal is_recorded
            recorded = handler if isinstance(handler, RecordedHandler) else None
            create = handler.create if recorded is None else recorded.create_unconfirmed
            result = create(for_handler(decision.inputs))
            state = attrs.evolve(goal_state, id=result.id, outputs=self._outputs(goal, decision, result.outputs))
            if recorded is not None:
                # First: an intent without an id beside a record would have the next run discard what bears the tag.
                self.journal.exchange_intent(intent, state)
            self._record_created(state, old, replaces=replaces)
            is_recorded = True
            if recorded is not None:
                self.journal.confirm_later(intent, lambda: recorded.confirm(result.id, dict(result.outputs)))
            return state

        try:
            state = self._timed(step, goal.custom_timeouts.get("create"), act)
        except BatchiacError as error:
            # What is left at AWS carries the tag still, recorded or not: the intent stays for the next run.
            # The same where nobody knows: no answer came.
            if not is_recorded and not error.leaves_doubt:
                self.journal.end(intent)
            self.journal.commit()
            raise
        if not isinstance(handler, RecordedHandler):
            self.journal.end(intent)
        self.journal.commit()
        return state

    def _take_up(self, urn: str) -> PendingOperation | None:
        """End the intent of a dead run that this run's create continues: what that made is taken over by its tag."""
        left = self._unsettled.pop(urn, None)
        if left is not None:
            self.journal.end(left)
        return left

    def _record_created(self, state: ResourceState, old: ResourceState | None, *, replaces: bool) -> None:
        if old is None or not replaces:
            self.journal.put(state, instead_of=old)
            return
        # Until the old one is deleted after the program, the state holds both.
        self.journal.replace(old, state)

    def _outputs(self, goal: Registration, decision: Decision, outputs: Mapping[str, Any]) -> dict[str, Any]:
        marked = marked_outputs(outputs, decision.inputs, goal.additional_secret_outputs)
        if PROVIDER_KEY in decision.inputs:
            marked = {PROVIDER_KEY: decision.inputs[PROVIDER_KEY], **marked}
        return marked

    def _same_outputs(self, goal: Registration, inputs: Mapping[str, Any], old: ResourceState) -> Mapping[str, Any]:
        """The old outputs; what has become secret is so among them, and what was stays so, as under Pulumi."""
        if not has_secrets(inputs) and not goal.additional_secret_outputs:
            return old.outputs
        if not self.acting:
            return marked_outputs(old.outputs, inputs, goal.additional_secret_outputs)
        outputs = marked_outputs(reveal(old.outputs, self._unseal), inputs, goal.additional_secret_outputs)
        return self._kept(outputs, old.outputs)

    def _kept(self, new: Mapping[str, Any], old: Mapping[str, Any]) -> Mapping[str, Any]:
        kept: Mapping[str, Any] = keeping_sealed(new, old, self._unseal)
        return kept

    def _dependents(self, old: ResourceState) -> list[ResourceState]:
        return find_dependent_replacements(old, self._unvisited(), self._handler_of, self._unseal)

    def _unvisited(self) -> list[ResourceState]:
        return [each for each in self.journal.left() if not each.delete and each.urn not in self._seen]

    def _delete_first(self, state: ResourceState) -> None:
        require_unprotected([state], "replace")
        if not state.pending_replacement:
            self._delete(state, Op.DELETE_REPLACED, keep=lambda known: attrs.evolve(known, pending_replacement=True))

    # -- custom resources: imported -----------------------------------------------------------------------------------

    def _import(self, goal: Registration, old: ResourceState | None, handler: Handler) -> Answer:
        if old is not None:
            raise refuse_other(goal, old)
        if goal.urn in self._unsettled:
            raise UserError(
                f"{short_type(goal.type)} {goal.name} cannot be imported: an interrupted run was about to create it;"
                " run `up` without import_ first, which settles that"
            )
        imported = read_existing(goal, handler, self._unseal)
        decision = Decision(Op.IMPORT, imported.inputs, failures=imported.failures)
        if decision.failures:
            return self._refused(goal, decision)
        require_unmanaged(goal, imported, self.journal.snapshot().resources)
        self._ensure_provider()
        state = attrs.evolve(
            self._state(goal, None, imported.inputs, id_=imported.id),
            outputs=self._outputs(goal, decision, imported.outputs),
            extra={IMPORT_ID: goal.import_id},
        )
        step = Step(Op.IMPORT, goal.urn, goal.type, new=state)
        if self.acting:
            self._timed(step, None, lambda: None)
        else:
            self._note(step)
        self.journal.put(state)
        self.journal.commit()
        return Answer(state.id, reveal(state.outputs, self._unseal))


def _names(states: Iterable[ResourceState]) -> str:
    return ", ".join(f"{short_type(each.type)} {each.name}" for each in states)
