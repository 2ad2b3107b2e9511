"""What a program has declared, judged as a whole before anything is registered.

Theory of operation. The CLI shows one failing check at a time, and a rule of stack scope (a queue that mixes Fargate
and EC2) needs more than one resource. So components declare each resource here, and every resource's `identity` input
waits for one gate. A program is plain synchronous code: it has ended before the event loop runs its first task, and
that task is the judge. It logs every finding on its component and then either opens the gate or lets it fail with one
`FindingsRunError`, which is `pulumi.RunError` to the CLI and carries `.findings` for the embedded engine. Nothing of
ours has been registered by then, so nothing was changed.

An asynchronous program (`pulumi.run`) may wait for an output between two declarations: what is declared up to there is
judged then, and what follows is judged by another judge, with all that was declared before.

Values: what a program passes plainly is known here. A `Reference` to another resource of the program is not, but the
rules are told where it leads. Any other Output counts if it resolves by itself (a secret of the config), else as not
yet known; the handler's own check sees it later.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping
from typing import Any

import pulumi
from attrs import frozen

from batchiac.components.resources import RESOURCES, BatchiacResource
from batchiac.errors import FindingsError
from batchiac.model.unknown import UNKNOWN
from batchiac.provider.resource import ResourceHandler
from batchiac.rules.finding import Declared, Finding, Level

TURNS = 20
"""Turns of the event loop that an Output gets to resolve by itself before it counts as not yet known."""

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
        self.shown: set[tuple[str, str, str]] = set()
        self.gate: pulumi.Output[bool] | None = None

    def current_gate(self) -> pulumi.Output[bool]:
        if self.gate is None:
            self.gate = pulumi.Output.from_input(self.loop.create_task(self._judge()))
        return self.gate

    async def _judge(self) -> bool:
        # Everything that the program declares before it waits for something is in by now.
        self.gate = None
        from batchiac.rules import check_stack

        declared = [
            Declared(each.kind, each.name, await _settled(each.inputs), each.references) for each, _ in self.declared
        ]
        judged = [
            Declared(each.kind, each.name, _handler(each).wire_of(each.inputs), each.references) for each in declared
        ]
        findings = list(check_stack(judged))
        for each in declared:
            findings += _handler(each).update_findings(each.inputs, each.name)
        findings = [each for each in findings if each.verdict == "broken"]
        owners = {(each.kind, each.name): owner for each, owner in self.declared}
        fresh = [each for each in findings if (each.rule_id, each.resource, each.property) not in self.shown]
        self.shown.update((each.rule_id, each.resource, each.property) for each in fresh)
        for finding in fresh:
            await _log(finding, owners.get((finding.kind, finding.resource)))
        if stopping := tuple(each for each in findings if each.stops):
            raise FindingsRunError(stopping)
        return True


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
    program.declared.append((Declared(kind, name, plain, references), owner))
    identity = f"{pulumi.get_project()}/{pulumi.get_stack()}/{name}"
    sent = {
        **_for_pulumi(inputs),
        "identity": program.current_gate().apply(lambda _: identity),
    }
    opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(parent=owner), opts)
    return RESOURCES[kind](name, sent, opts)


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


async def _settled(value: Any) -> Any:
    """The value with each Output resolved, or UNKNOWN where that takes more than the loop's next turns."""
    if isinstance(value, pulumi.Output):
        task = asyncio.ensure_future(_value_of(value))
        # An Output that waits for a resource fails with it; nobody else would look at this task's exception.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        for _ in range(TURNS):
            if task.done():
                return task.result() if task.exception() is None else UNKNOWN
            await asyncio.sleep(0)
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: await _settled(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [await _settled(each) for each in value]
    return value


async def _value_of(output: pulumi.Output[Any]) -> Any:
    return await output.future() if await output.is_known() else UNKNOWN


async def _log(finding: Finding, owner: pulumi.Resource | None) -> None:
    """Log the finding on its component, and return when it has been sent: the program may be about to end."""
    say = {Level.ERROR: pulumi.log.error, Level.WARNING: pulumi.log.warn}.get(finding.level, pulumi.log.info)
    text = f"{finding.rule_id} {finding.resource}.{finding.property}: {finding.message} ({finding.source})"
    if owner is not None:
        urn = asyncio.ensure_future(owner.urn.future())
        urn.add_done_callback(lambda done: done.cancelled() or done.exception())
        done, _ = await asyncio.wait({urn}, timeout=URN_WAIT_S)
        if not done or urn.exception() is not None:
            owner = None
    before = asyncio.all_tasks()
    say(text, owner)
    if sending := asyncio.all_tasks() - before:
        await asyncio.gather(*sending)
