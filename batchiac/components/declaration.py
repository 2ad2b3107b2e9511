"""What a program has declared, judged as a whole before anything is registered.

Theory of operation. The CLI shows one failing check at a time, and a rule of stack scope (a queue that mixes Fargate
and EC2) needs more than one resource. So components declare each resource here, and every resource's `identity` input
waits for one gate. A program is plain synchronous code: it has ended before the event loop runs its first task, and
that task is the judge. It logs every finding on its component and then either opens the gate or lets it fail with one
`FindingsRunError`, which is `pulumi.RunError` to the CLI and carries `.findings` for the embedded engine. Nothing of
ours has been registered by then, so nothing was changed.

What the stack accepts (`batchiac:suppress`) stops nothing: an accepted error is said in one line with its reason, an
accepted warning not at all, and a decision that covers nothing is a warning of its own. What cannot be judged before
something exists is counted in one line of a preview and listed in its diagnostics (`batchiac preview --json`); those
entries are of level debug, so that Pulumi's CLI shows them under --debug only.

An asynchronous program (`pulumi.run`) may wait for an output between two declarations: what is declared up to there is
judged then, and what follows is judged by another judge, with all that was declared before.

Values: what a program passes plainly is known here. A `Reference` to another resource of the program is not, but the
rules are told where it leads. Any other Output counts if it resolves by itself (a secret of the config), else as not
yet known; the handler's own check sees it later. The rules are told a secret's value, and what they say of it is looked
through for secrets before anything is shown.
"""

from __future__ import annotations

import asyncio
import json
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi
from attrs import evolve, frozen

from batchiac.components.resources import RESOURCES, BatchiacResource
from batchiac.components.stack_config import ConfigRunError
from batchiac.errors import ConfigError, FindingsError
from batchiac.model.hidden_texts import HiddenTexts
from batchiac.model.unknown import UNKNOWN
from batchiac.provider.resource import ResourceHandler
from batchiac.rules.finding import NOT_YET_KNOWN, Declared, Finding, Level
from batchiac.rules.suppress import CONFIG_KEY, Sifted, Suppression, read_suppressions, sift

TURNS = 20
"""Turns of the event loop that an Output gets to resolve by itself before it counts as not yet known."""

COMPONENT_PREFIX = "batchiac:batch:"

URN_WAIT_S = 5.0
"""How long a finding waits for its component's URN, which does not come when the component depends on a resource."""


class FindingsRunError(FindingsError, pulumi.RunError):
    """The program broke documented rules; every finding has been logged. `findings` holds them all.

    A `RunError` to Pulumi's engine, which then shows one line and no traceback; a `FindingsError` to ours.
    """


@frozen
class Reference:
    """An output of another resource of this program, in the place of an input."""

    resource: BatchiacResource
    output: str

    __wire__ = False


class _Program:
    """The declarations of one run of a program, kept with its event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.declared: list[tuple[Declared, pulumi.Resource]] = []
        self.auto_named: set[tuple[str, str]] = set()
        self.accepted = _accepted()
        self.shown: set[str] = set()
        self.gate: pulumi.Output[bool] | None = None

    def current_gate(self) -> pulumi.Output[bool]:
        if self.gate is None:
            self.gate = pulumi.Output.from_input(self.loop.create_task(self._judge()))
        return self.gate

    async def _judge(self) -> bool:
        # Everything that the program declares before it waits for something is in by now.
        self.gate = None
        from batchiac.rules import check_stack

        secrets: list[Any] = []
        declared = [
            Declared(each.kind, each.name, await _settled(each.inputs, secrets), each.references)
            for each, _ in self.declared
        ]
        region = pulumi.Config("batchiac").get("region")
        placed = {"region": region} if region else {}
        judged = [
            Declared(each.kind, each.name, {**_handler(each).wire_of(each.inputs), **placed}, each.references)
            for each in declared
        ]
        findings = list(check_stack(judged))
        for each in declared:
            findings += _handler(each).update_findings(each.inputs, each.name)
        sifted = sift(_without(HiddenTexts(secrets), findings), self.accepted)
        owners = {(each.kind, each.name): owner for each, owner in self.declared}
        waiting = [each for each in sifted.kept if each.verdict == "unknown" and not self._is_own_name(each)]
        messages = _messages(sifted, waiting, owners)
        fresh = [each for each in messages if each.text not in self.shown]
        self.shown.update(each.text for each in fresh)
        await _say(fresh)
        if stopping := tuple(each for each in sifted.kept if each.stops):
            raise FindingsRunError(stopping)
        return True

    def _is_own_name(self, finding: Finding) -> bool:
        """True when it waits for a name that the handler makes, which the handler's check judges in this very run."""
        if (finding.kind, finding.resource) not in self.auto_named:
            return False
        return finding.property == RESOURCES[finding.kind].handler().name_property


_PROGRAMS: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Program] = weakref.WeakKeyDictionary()


def declare(
    kind: str,
    name: str,
    inputs: Mapping[str, Any],
    owner: pulumi.Resource,
    opts: pulumi.ResourceOptions | None = None,
) -> BatchiacResource:
    """Declare one resource of the program; it is registered once the whole program is found to be sound.

    Args:
        inputs: wire form; `Reference` and Output anywhere; None and absent are one.
        owner: the component that findings are shown on, and the resource's parent.
    """
    program = _program()
    references: dict[str, str] = {}
    plain = _plain(inputs, "", references)
    if (name_property := RESOURCES[kind].handler().name_property) and plain.get(name_property) is None:
        # The handler's check makes the name; to the rules it is there, and not yet known.
        plain[name_property] = UNKNOWN
        program.auto_named.add((kind, name))
    program.declared.append((Declared(kind, name, plain, references), owner))
    project, stack = pulumi.get_project(), pulumi.get_stack()

    async def identity(gate: pulumi.Output[bool]) -> str:
        # A value, not an Output of the owner's: a resource that depends on its own component depends on itself.
        await gate.future()
        return f"{project}/{stack}/{_scope(str(await owner.urn.future()))}/{name}"

    sent = {
        **_for_pulumi(inputs),
        "identity": pulumi.Output.from_input(program.loop.create_task(identity(program.current_gate()))),
    }
    imported = pulumi.ResourceOptions(parent=owner, import_=getattr(owner, "import_id", None))
    opts = pulumi.ResourceOptions.merge(imported, opts)
    return RESOURCES[kind](name, sent, opts)


def _scope(urn: str) -> str:
    """The types of the components that a resource is in: what Pulumi tells two resources of one name apart by.

    Without it a definition that moves into another component, or becomes one of another type, would be made under the
    name of the one that is still there, and deleted with it.
    """
    types = urn.split("::")[2].split("$")
    return "/".join(each.removeprefix(COMPONENT_PREFIX) for each in types)


def _handler(declared: Declared) -> type[ResourceHandler]:
    return RESOURCES[declared.kind].handler()


def _program() -> _Program:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        # Under the SDK's mocks a test module may declare resources outside of any running loop.
        loop = asyncio.get_event_loop()
    if loop not in _PROGRAMS:
        _PROGRAMS[loop] = _Program(loop)
    return _PROGRAMS[loop]


def _plain(value: Any, path: str, references: dict[str, str]) -> Any:
    """The value as the rules take it; Outputs stay for `_settled`."""
    if isinstance(value, Reference):
        references[path] = value.resource._name
        return UNKNOWN
    if isinstance(value, Mapping):
        joined = {key: f"{path}.{key}" if path else str(key) for key in value}
        return {key: _plain(each, joined[key], references) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_plain(each, f"{path}[{index}]", references) for index, each in enumerate(value)]
    return value


def _for_pulumi(value: Any) -> Any:
    if isinstance(value, Reference):
        return value.resource.output(value.output)
    if isinstance(value, Mapping):
        return {key: _for_pulumi(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_for_pulumi(each) for each in value]
    return value


def _without(hidden: HiddenTexts, findings: Sequence[Finding]) -> list[Finding]:
    """The findings as they may be shown."""
    return [
        evolve(each, message=hidden.masked(each.message), aws_message=hidden.masked(each.aws_message))
        for each in findings
    ]


async def _settled(value: Any, secrets: list[Any]) -> Any:
    """The value with each Output resolved, or UNKNOWN where that takes more than the loop's next turns.

    Args:
        secrets: what is secret of it is added, in the open.
    """
    if isinstance(value, pulumi.Output):
        task = asyncio.ensure_future(_value_of(value))
        # An Output that waits for a resource fails with it; nobody else would look at this task's exception.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        for _ in range(TURNS):
            if task.done():
                found, is_secret = task.result() if task.exception() is None else (UNKNOWN, False)
                if is_secret:
                    secrets.append(found)
                return found
            await asyncio.sleep(0)
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: await _settled(each, secrets) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [await _settled(each, secrets) for each in value]
    return value


async def _value_of(output: pulumi.Output[Any]) -> tuple[Any, bool]:
    """(value, whether it is secret)."""
    return (await output.future() if await output.is_known() else UNKNOWN), await output.is_secret()


@frozen
class _Message:
    """One line of the log.

    Attributes:
        owner: the component that it is shown on; None for the stack.
    """

    say: Callable[..., None]
    text: str
    owner: pulumi.Resource | None = None


def _accepted() -> tuple[Suppression, ...]:
    """What the stack's config accepts."""
    text = pulumi.Config("batchiac").get("suppress") or ""
    try:
        return read_suppressions(text if isinstance(text, str) else json.dumps(text))
    except ConfigError as error:
        raise ConfigRunError(error.message) from error


def _messages(
    sifted: Sifted, unknown: Sequence[Finding], owners: Mapping[tuple[str, str], pulumi.Resource]
) -> list[_Message]:
    """Everything that the judge has to say, in the order of declaration.

    Args:
        unknown: those of the findings that wait for a value.
        owners: (kind, name) → component.
    """
    broken = [each for each in sifted.kept if each.verdict == "broken"]
    messages = [_Message(_SAY[each.level], _text(each), owners.get((each.kind, each.resource))) for each in broken]
    messages += [
        _Message(
            pulumi.log.info, f"accepted ({decision.reason}): {_text(each)}", owners.get((each.kind, each.resource))
        )
        for each, decision in sifted.suppressed
        if each.stops
    ]
    messages += [
        _Message(
            pulumi.log.warn,
            f"{CONFIG_KEY} accepts {each.rule} of {each.resource}, which was not found: take the entry out, because it"
            " would hide the next finding of that kind",
        )
        for each in sifted.unused
    ]
    if unknown and pulumi.runtime.is_dry_run():
        messages += _not_yet_known(unknown, owners)
    return messages


_SAY: Mapping[Level, Callable[..., None]] = {
    Level.ERROR: pulumi.log.error,
    Level.WARNING: pulumi.log.warn,
    Level.ADVICE: pulumi.log.info,
}


def _text(finding: Finding) -> str:
    return f"{finding.rule_id} {finding.resource}.{finding.property}: {finding.message} ({finding.source})"


def _not_yet_known(unknown: Sequence[Finding], owners: Mapping[tuple[str, str], pulumi.Resource]) -> list[_Message]:
    """One entry for each property that is not yet known, and one line that counts them."""
    waiting: dict[tuple[str, str, str], list[str]] = {}
    for each in unknown:
        waiting.setdefault((each.kind, each.resource, each.property), []).append(each.rule_id)
    entries = [
        _Message(
            pulumi.log.debug,
            f"{NOT_YET_KNOWN}{name}.{path}: checked when it is known, by {', '.join(dict.fromkeys(rules))}",
            owners.get((kind, name)),
        )
        for (kind, name, path), rules in waiting.items()
    ]
    some = "1 property is" if len(waiting) == 1 else f"{len(waiting)} properties are"
    count = (
        f"{some} not known while the program runs, and checked as soon as known (`batchiac preview --json` lists them)"
    )
    return [*entries, _Message(pulumi.log.info, count)]


async def _say(messages: Sequence[_Message]) -> None:
    """Log on the components, and return when all has been sent: the program may be about to end."""
    registered: dict[pulumi.Resource, bool] = {}
    for each in messages:
        if each.owner is not None and each.owner not in registered:
            registered[each.owner] = await _has_urn(each.owner)
    # No await between these lines: the tasks that are new afterwards are the ones that send.
    before = asyncio.all_tasks()
    for each in messages:
        owner = each.owner if each.owner is not None and registered[each.owner] else None
        each.say(each.text, owner)
    if sending := asyncio.all_tasks() - before:
        await asyncio.gather(*sending)


async def _has_urn(owner: pulumi.Resource) -> bool:
    """True when the component is registered, soon."""
    urn = asyncio.ensure_future(owner.urn.future())
    urn.add_done_callback(lambda done: done.cancelled() or done.exception())
    done, _ = await asyncio.wait({urn}, timeout=URN_WAIT_S)
    return bool(done) and urn.exception() is None
