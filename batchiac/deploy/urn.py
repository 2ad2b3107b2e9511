"""Names of resources: `urn:pulumi:<stack>::<project>::<parent type$…type>::<name>`."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

ROOT_TYPE = "pulumi:pulumi:Stack"
PROVIDER_TYPE_PREFIX = "pulumi:providers:"


@frozen
class Urn:
    """A URN taken apart. The text is what everything is keyed by; this is for making and reading it."""

    stack: str
    project: str
    qualified_type: str
    name: str

    @property
    def type(self) -> str:
        return self.qualified_type.rpartition("$")[2]

    def __str__(self) -> str:
        return f"urn:pulumi:{self.stack}::{self.project}::{self.qualified_type}::{self.name}"


def parse_urn(text: str) -> Urn:
    """The parts of a URN.

    Raises:
        ValueError: it is not one.
    """
    parts = text.split("::", 3)
    if len(parts) != 4 or not parts[0].startswith("urn:pulumi:"):
        raise ValueError(f"{text!r} is not a URN")
    return Urn(parts[0].removeprefix("urn:pulumi:"), parts[1], parts[2], parts[3])


def make_urn(stack: str, project: str, type_: str, name: str, parent: str = "") -> str:
    """The URN of a resource. A parent that is the root stack leaves no trace in it."""
    qualified = type_
    if parent:
        above = parse_urn(parent).qualified_type
        if above != ROOT_TYPE:
            qualified = f"{above}${type_}"
    return str(Urn(stack, project, qualified, name))


def name_of(urn: str) -> str:
    """The logical name at the end of a URN."""
    return urn.split("::", 3)[-1]


def type_of(urn: str) -> str:
    """The resource's own type token."""
    return parse_urn(urn).type


def short_type(token: str) -> str:
    """A type token as people read it: `batch:JobQueue` for `pulumi-python:dynamic/batch:JobQueue`."""
    return token.removeprefix("pulumi-python:dynamic/").removeprefix("batchiac:")


def inherited_alias(name: str, type_: str, parent_name: str, parent_alias: str) -> str:
    """The old URN of a child whose parent had another one.

    A child named after its parent (`web-role` below `web`) was named after the parent's old name then.
    """
    old_parent = parse_urn(parent_alias)
    if name.startswith(parent_name):
        name = old_parent.name + name[len(parent_name) :]
    return make_urn(old_parent.stack, old_parent.project, type_, name, parent_alias)


def is_provider_type(token: str) -> bool:
    """True for `pulumi:providers:<package>`."""
    return token.startswith(PROVIDER_TYPE_PREFIX)


def is_default_provider(urn: str) -> bool:
    """True for the provider that the engine itself keeps for a package."""
    return is_provider_type(type_of(urn)) and name_of(urn).startswith("default")


def ancestors(urn: str, parents: dict[str, str]) -> Iterator[str]:
    """The parents of a resource, nearest first."""
    while urn := parents.get(urn, ""):
        yield urn
