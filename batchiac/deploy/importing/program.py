"""A Pulumi program from what was found: names, variables, statements in order.

A name of the form that batchiac generates (`work-3f2a1bc`) is taken for generated: the program says `work` and the
state keeps the name, so that a replacement can stand beside what it replaces. Queues and job definitions keep their
names in the program, because clients submit to them by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from batchiac.deploy.importing.components import call_of
from batchiac.deploy.importing.python_text import Call, Expression, source, variable
from batchiac.deploy.importing.written import Written
from batchiac.model.existing import Existing

GENERATED: Final = re.compile(r"(?P<stem>.+)-(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7}")
"""A name that batchiac made: seven hex digits, among them a letter and a figure."""

CALLED_BY_NAME: Final = frozenset({"JobQueue", "JobDefinition", "QuotaShare"})

WORDS: Final[Mapping[str, str]] = {
    "ComputeEnvironment": "environment",
    "JobQueue": "queue",
    "JobDefinition": "definition",
    "SchedulingPolicy": "policy",
    "ConsumableResource": "resource",
    "ServiceEnvironment": "service_environment",
    "QuotaShare": "share",
    "LaunchTemplate": "template",
    "PlacementGroup": "placement_group",
    "InstanceProfile": "profile",
    "InternetGateway": "gateway",
    "RouteTable": "route_table",
    "SecurityGroup": "security_group",
}
"""Kind → the word that tells its variables from others of the same name."""

TELLING: Final = re.compile(r"passw|secret|token|api_?key|private_?key|credential", re.IGNORECASE)
"""Names of environment variables whose values are better not read by everybody."""


@frozen(eq=False)
class Source:
    """A program.

    Attributes:
        code: its text.
        names: (kind, logical name) → id.
        as_components: (kind, logical name) of what a component says.
        in_the_open: sentences about values that look like secrets and stand in the program.
    """

    code: str
    names: Mapping[tuple[str, str], str]
    as_components: frozenset[tuple[str, str]]
    in_the_open: tuple[str, ...] = ()


def logical_names(found: Sequence[Existing], chosen: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """(kind, id) → logical name, unique within its kind.

    Args:
        chosen: AWS's name → the logical name that the user wants.
    """
    names: dict[tuple[str, str], str] = {}
    taken: set[tuple[str, str]] = set()
    for each in found:
        generated = GENERATED.fullmatch(each.name)
        stem = chosen.get(each.name) or re.sub(r"[^\w.-]+", "-", generated["stem"] if generated else each.name)
        name, number = stem, 2
        while (each.kind, name) in taken:
            name, number = f"{stem}-{number}", number + 1
        taken.add((each.kind, name))
        names[each.kind, each.id] = name
    return names


def write_program(
    found: Sequence[Existing],
    names: Mapping[tuple[str, str], str],
    *,
    title: str,
    plainly: Collection[tuple[str, str]] = (),
    networks_taken: Collection[str] = (),
    protect: bool = True,
) -> Source:
    """The program that declares what was found.

    Args:
        names: as `logical_names` gives them.
        title: the first line.
        plainly: (kind, id) of what no component says the same, and goes into a WireResource.
        networks_taken: logical names of networks that the stack has already.
        protect: what is imported is deleted only when that is said twice.
    """
    return _Writer(found, names, frozenset(plainly), set(networks_taken), protect).write(title)


class _Writer:
    def __init__(
        self,
        found: Sequence[Existing],
        names: Mapping[tuple[str, str], str],
        plainly: frozenset[tuple[str, str]],
        networks_taken: set[str],
        protect: bool,
    ) -> None:
        self._found = found
        self._names = names
        self._plainly = plainly
        self._networks_taken = networks_taken
        self._protect = protect
        self._taken = {"pulumi", "batch", "PROTECTED"}
        self._texts: list[str] = []
        self._written = Written()
        self._written.new_network = self._network
        self._written.new_text = self._text
        self._calls: list[tuple[str, Call]] = []

    def write(self, title: str) -> Source:
        written = self._written
        for each in self._found:
            key = (each.kind, each.id)
            written.resources[key] = each
            word = WORDS.get(each.kind, each.kind.lower())
            written.variables[key] = variable(self._names[key], self._taken, word)
            call = self._call(each)
            if self._protect:
                call = call.with_argument("opts", Expression("PROTECTED"))
            self._calls.append((written.variables[key], call))
        return Source(
            self._code(title),
            {(each.kind, self._names[each.kind, each.id]): each.id for each in self._found},
            frozenset((kind, self._names[kind, id_]) for kind, id_ in written.components),
            tuple(sentence for each in self._found for sentence in _in_the_open(each)),
        )

    def _call(self, found: Existing) -> Call:
        key = (found.kind, found.id)
        name = self._names[key]
        inputs = dict(found.inputs)
        is_generated = found.kind not in CALLED_BY_NAME and GENERATED.fullmatch(found.name)
        if found.name_property and is_generated:
            inputs.pop(found.name_property, None)
        if key not in self._plainly:
            # A network that the call asks for is declared before it.
            call = call_of(found, name, inputs, self._written)
            if call is not None:
                self._written.components.add(key)
                return call
        return Call("batch.WireResource", (("", found.kind), ("", name), ("", self._written.referring(inputs))))

    def _network(self, subnets: list[Any], groups: list[Any]) -> str:
        name, number = "network", 2
        while name in self._networks_taken:
            name, number = f"network-{number}", number + 1
        self._networks_taken.add(name)
        chosen = variable(name, self._taken, "network")
        arguments = (("", name), ("subnet_ids", subnets), ("security_group_ids", groups))
        self._calls.append((chosen, Call("batch.Network", arguments)))
        self._written.used.add(chosen)
        return chosen

    def _text(self, name: str, literal: str) -> str:
        chosen = variable(name, self._taken, "text").upper()
        self._texts.append(f"{chosen} = {literal}\n")
        return chosen

    def _code(self, title: str) -> str:
        parts = [f'"""{title}"""\n\n']
        if self._protect:
            parts.append("import pulumi\n\n")
        parts.append("import batchiac.components as batch\n\n")
        if self._protect:
            parts.append(
                "# What was imported is not deleted by taking it out of the program: that takes\n"
                "# protect=False first.\nPROTECTED = pulumi.ResourceOptions(protect=True)\n\n"
            )
        parts += [f"{each}\n" for each in self._texts]
        for name, call in self._calls:
            before = f"{name} = " if name in self._written.used else ""
            parts.append(f"{before}{source(call, before=before)}\n\n")
        return "".join(parts).rstrip("\n") + "\n"


def _in_the_open(found: Existing) -> list[str]:
    sentences = []

    def look(value: Any) -> None:
        if isinstance(value, Mapping):
            name = value.get("name")
            if isinstance(name, str) and isinstance(value.get("value"), str) and TELLING.search(name):
                sentences.append(
                    f"{found.kind} {found.name} has the environment variable {name}, which everybody can read at AWS,"
                    " and now in the program: move it to Secrets Manager (Container(secrets=…))"
                )
            for each in value.values():
                look(each)
        elif isinstance(value, list):
            for each in value:
                look(each)

    if found.kind == "JobDefinition":
        look(found.inputs)
    return sentences
