"""A program and its state written from what an account holds. Nothing is changed there.

The program is written first and then run against the state, with the ids beside it: each resource that it declares is
imported as if it had the option `import_` (option.py). So the state is what the program itself leaves, not a second
opinion of it. What a component turns out to say differently is written as a WireResource, and the program is run
again; what even that cannot say stays out. At last the program is previewed on the new state: only one that changes
nothing is handed over, and only then are the file and the state written.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from batchiac.deploy.acts import HandlerOf, Listener
from batchiac.deploy.entries import DYNAMIC_PACKAGE
from batchiac.deploy.executor import Run
from batchiac.deploy.importing.option import MISMATCH
from batchiac.deploy.importing.program import Source, logical_names, write_program
from batchiac.deploy.monitor import Answer
from batchiac.deploy.registration import Registration
from batchiac.deploy.running import add_to_history, load_state, new_run, run_program
from batchiac.deploy.stack import Stack
from batchiac.deploy.state.atomic_file import write_atomically
from batchiac.deploy.state.checkpoint import Snapshot
from batchiac.deploy.state.journal import Journal
from batchiac.deploy.steps import Diagnostic, Op, Result, Step
from batchiac.deploy.urn import name_of
from batchiac.errors import FindingsError, InternalError, UserError
from batchiac.model.existing import Existing, Found, Left, without_refs
from batchiac.model.target import require_safe

TOKEN = f"{DYNAMIC_PACKAGE}:dynamic/batch:"

Find = Callable[[Mapping[tuple[str, str], str]], Found]
"""(kind, id) → logical name of what the state has → what is to be imported."""

Key = tuple[str, str]
"""(kind, id), or (kind, logical name)."""


@frozen(eq=False)
class Imports:
    """What would be, or was, imported.

    Attributes:
        code: the program's text.
        result: its steps, each `import`.
        left: what was not imported, with the reason.
        in_the_open: sentences about values that look like secrets.
    """

    code: str
    result: Result
    left: tuple[Left, ...] = ()
    in_the_open: tuple[str, ...] = ()


def import_existing(
    stack: Stack,
    handlers: HandlerOf,
    find: Find,
    *,
    title: str,
    out: Path | None,
    names: Mapping[str, str],
    protect: bool,
    approve: Callable[[Imports], bool],
    on_event: Listener,
) -> Imports | None:
    """Find, write the program, take what it declares into the state.

    Args:
        find: is told what the state has already.
        title: the program's first line.
        out: the file that the program goes to; it must not exist. None when the caller shows it.
        names: AWS's name → logical name, where the user wants another.
        approve: is shown it all; False ends without a trace.

    Returns:
        What was imported; None when there was nothing, or `approve` said no.

    Raises:
        UserError: the state has resources of such names; what was named cannot be written down; `out` exists.
        FindingsError: what exists breaks documented rules, so that its program would be refused.
    """
    started, wall_s = time.monotonic(), int(time.time())
    if out is not None and out.exists():
        raise UserError(f"{out} exists: name another file with --out, or none to have the program printed")
    with stack.store.lock():
        base = load_state(stack)
        require_safe(stack.target, acting=True)
        found = find(_managed(base))
        chosen = logical_names(found.resources, names)
        _require_free(base, found.resources, chosen)
        writer = _Trial(stack, handlers, base, title, protect, on_event)
        source, snapshot, steps, left = writer.run(found.resources, chosen)
        imports = Imports(
            source.code,
            Result(steps, config=stack.masked_config(), seconds=time.monotonic() - started),
            (*found.left, *left),
            source.in_the_open,
        )
        if not approve(imports) or not source.names:
            return None
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(out, source.code)
        try:
            stack.store.save(snapshot)
        except BaseException:
            if out is not None:
                out.unlink(missing_ok=True)
            raise
        for warning in add_to_history(stack, "resource-import", "succeeded", imports.result.summary, wall_s):
            on_event(warning)
        return imports


def _managed(base: Snapshot) -> dict[Key, str]:
    return {
        (each.type.removeprefix(TOKEN), each.id): each.name
        for each in base.resources
        if each.type.startswith(TOKEN) and not each.delete
    }


def _require_free(base: Snapshot, found: Sequence[Existing], names: Mapping[Key, str]) -> None:
    """Refuse logical names that the state has already.

    Raises:
        UserError: with every one of them, and how to give others.
    """
    have = {(each.type.removeprefix(TOKEN), each.name) for each in base.resources if each.type.startswith(TOKEN)}
    taken = [each for each in found if (each.kind, names[each.kind, each.id]) in have]
    if taken:
        listed = ", ".join(f"{each.kind} {names[each.kind, each.id]}" for each in taken)
        example = f"--name {taken[0].name}={names[taken[0].kind, taken[0].id]}-2"
        raise UserError(
            f"the state has resources of these names already: {listed}; give them others, such as {example}"
        )


class _Trial:
    """Writes the program and runs it, until what it says is what there is."""

    def __init__(
        self, stack: Stack, handlers: HandlerOf, base: Snapshot, title: str, protect: bool, on_event: Listener
    ) -> None:
        self._stack = stack
        self._handlers = handlers
        self._base = base
        self._title = title
        self._protect = protect
        self._on_event = on_event
        self._networks = {each.name for each in base.resources if each.type == "batchiac:batch:Network"}

    def run(
        self, found: Sequence[Existing], names: Mapping[Key, str]
    ) -> tuple[Source, Snapshot, tuple[Step, ...], list[Left]]:
        """The program, the state after it, its steps, and what could not be written down."""
        plainly: set[Key] = set()
        left: list[Left] = []
        while True:
            source = write_program(
                found,
                names,
                title=self._title,
                plainly=plainly,
                networks_taken=self._networks,
                protect=self._protect,
            )
            differing, snapshot, steps = self._import(source)
            if not differing:
                differing = self._preview(source, snapshot)
            if not differing:
                return source, snapshot, steps, left
            again = {
                (kind, source.names[kind, name]) for kind, name in differing if (kind, name) in source.as_components
            }
            if again:
                plainly |= again
                continue
            gone = {(kind, source.names[kind, name]): words for (kind, name), words in differing.items()}
            left += [_left(each, gone[each.kind, each.id]) for each in found if (each.kind, each.id) in gone]
            found = _without(found, gone)

    def _import(self, source: Source) -> tuple[dict[Key, str], Snapshot, tuple[Step, ...]]:
        """(kind, logical name) → what differs, the state afterwards, the steps."""
        journal = Journal(self._base, None, pending=self._base.pending)
        run = self._run(source, journal, _ImportRun, is_preview=False)
        assert isinstance(run, _ImportRun)
        differing: dict[Key, str] = {}
        refused = []
        for goal, failure in run.failures:
            if failure.reason.startswith(MISMATCH):
                differing[_key(goal.type, goal.name)] = failure.reason.removeprefix(MISMATCH + ": ").partition(";")[0]
            else:
                refused.append((goal, failure))
        if refused:
            self._advise([(failure.rule_id, goal.name) for goal, failure in refused if failure.rule_id])
            lines = "; ".join(f"{goal.name}: {failure.reason}" for goal, failure in refused)
            raise UserError(f"what exists breaks documented rules, so that its program would be refused: {lines}")
        rank = {key: place for place, key in enumerate(source.names)}
        # Registered side by side; shown in the program's order.
        steps = sorted(run.steps, key=lambda step: rank.get(_key(step.type, name_of(step.urn)), -1))
        return differing, run.snapshot(), tuple(_as_import(step) for step in steps)

    def _preview(self, source: Source, snapshot: Snapshot) -> dict[Key, str]:
        """(kind, logical name) → what a preview of the program on the new state would change: nothing, it is hoped."""
        run = self._run(source, Journal(snapshot, None, pending=snapshot.pending), Run, is_preview=True)
        differing: dict[Key, str] = {}
        for step in run.steps:
            changes = [each for each in step.changes if each.path != "status"]
            key = _key(step.type, name_of(step.urn))
            if key in source.names and step.op is not Op.SAME and not (step.op is Op.UPDATE and not changes):
                differing[key] = f"{step.op.value} because of {', '.join(each.path for each in changes) or step.notes}"
        for goal, failure in run.failures:
            differing[_key(goal.type, goal.name)] = failure.reason
        return differing

    def _run(self, source: Source, journal: Journal, kind: Any, *, is_preview: bool) -> Run:
        ids = {(f"{TOKEN}{kind_}", name): id_ for (kind_, name), id_ in source.names.items()}

        def made(*arguments: Any, **named: Any) -> Run:
            if kind is Run:
                return Run(*arguments, **named)
            return _ImportRun(*arguments, ids=ids, **named)

        # The program's warnings are not news: what it declares exists.
        run = new_run(self._stack, self._handlers, journal, self._heard, acting=False, kind=made)
        with tempfile.TemporaryDirectory(prefix="batchiac-import-") as folder:
            path = Path(folder).resolve() / "imported.py"
            path.write_text(source.code, encoding="utf-8")
            project = attrs.evolve(self._stack.project, program=path)
            try:
                run_program(attrs.evolve(self._stack, project=project), run, is_preview=is_preview)
            except FindingsError as error:
                # Checks of handlers that said no are looked at by the caller; the program's own findings end it.
                if not run.failures:
                    found: Sequence[Any] = error.findings
                    self._advise([(each.rule_id, each.resource) for each in found])
                    raise
        return run

    def _advise(self, broken: Sequence[tuple[str, str]]) -> None:
        """Say how what exists against the rules is accepted as it is."""
        entries = [f'    - {{rule: {rule}, resource: {name}, reason: "it was so"}}' for rule, name in broken]
        text = (
            f"what exists breaks the rules above; to import it nevertheless, accept them in {self._stack.config.path},"
            " under config:, with your reason, and import again:"
        )
        self._on_event(Diagnostic("info", "\n".join([text, "  batchiac:suppress:", *dict.fromkeys(entries)])))

    def _heard(self, event: Any) -> None:
        if isinstance(event, Diagnostic) and event.severity == "error" and MISMATCH not in event.message:
            self._on_event(event)


class _ImportRun(Run):
    """A run in which every resource of the program is imported. Nothing is saved, nothing is called that changes."""

    def __init__(self, *arguments: Any, ids: Mapping[Key, str], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._ids = ids

    def register(self, goal: Registration) -> Answer:
        if not goal.custom:
            return super().register(attrs.evolve(goal, source_position=""))
        import_id = self._ids.get((goal.type, goal.name))
        if import_id is None:
            raise InternalError(f"the program declares {goal.name}, which is not among what is imported")
        return super().register(attrs.evolve(goal, import_id=import_id, source_position=""))

    def register_outputs(self, urn: str, outputs: Mapping[str, Any]) -> None:
        """The stack's outputs are those of its own program."""

    def snapshot(self) -> Snapshot:
        """The state with what was imported."""
        return self.journal.snapshot()


def _key(type_: str, name: str) -> Key:
    return type_.removeprefix(TOKEN), name


def _as_import(step: Step) -> Step:
    """Components begin with what is below them: nothing is created."""
    return attrs.evolve(step, op=Op.IMPORT) if step.op is Op.CREATE else step


def _left(found: Existing, words: str) -> Left:
    if found.is_named:
        raise UserError(
            f"{found.kind} {found.name} cannot be imported: no program says exactly what it is ({words}); please report"
            " this"
        )
    return Left(found.kind, found.name, f"no program says exactly what it is ({words})")


def _without(found: Sequence[Existing], gone: Collection[Key]) -> tuple[Existing, ...]:
    ids = frozenset(gone)
    kept = [each for each in found if (each.kind, each.id) not in ids]
    return tuple(attrs.evolve(each, inputs=without_refs(each.inputs, ids)) for each in kept)
