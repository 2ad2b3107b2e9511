"""What the calls of a written program know of one another: variables, references, what is a component."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from batchiac.deploy.importing.python_text import Call, Expression
from batchiac.model.existing import Existing, Ref

Argument = tuple[str, Any]


class Written:
    """What the calls need to know of the rest of the program.

    Attributes:
        resources: (kind, id) → what was found.
        variables: (kind, id) → its variable.
        components: (kind, id) of what a component says, as opposed to a WireResource.
    """

    def __init__(self) -> None:
        self.resources: dict[tuple[str, str], Existing] = {}
        self.variables: dict[tuple[str, str], str] = {}
        self.components: set[tuple[str, str]] = set()
        self.used: set[str] = set()
        self.networks: dict[tuple[Any, Any], str] = {}
        self.new_network: Callable[[list[Any], list[Any]], str] = lambda _subnets, _groups: ""
        self.new_text: Callable[[str, str], str] = lambda _name, _literal: ""

    def variable(self, ref: Ref) -> str:
        """The variable of a resource, which is used from now on."""
        name = self.variables[ref.kind, ref.id]
        self.used.add(name)
        return name

    def is_component(self, ref: Any) -> bool:
        """True for a reference to what a component says."""
        return isinstance(ref, Ref) and (ref.kind, ref.id) in self.components

    def referring_to_component(self, value: Any) -> Any:
        """`value` as an argument that takes a component: the component itself where there is one."""
        return Expression(self.variable(value)) if self.is_component(value) else self.referring(value)

    def referring(self, value: Any) -> Any:
        """`value` with each reference as an expression."""
        if isinstance(value, Ref):
            name = self.variable(value)
            output = OUTPUTS.get((value.kind, value.output)) if self.is_component(value) else None
            if output is not None:
                return Expression(f"{name}.{output}")
            if self.is_component(value):
                return value.text
            return Expression(f"{name}.id" if value.output == "id" else f'{name}.output("{value.output}")')
        if isinstance(value, Mapping):
            return {key: self.referring(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.referring(each) for each in value]
        return value


OUTPUTS: Final[Mapping[tuple[str, str], str]] = {
    ("ComputeEnvironment", "id"): "arn",
    ("JobQueue", "id"): "arn",
    ("SchedulingPolicy", "id"): "arn",
    ("ConsumableResource", "id"): "arn",
    ("ServiceEnvironment", "id"): "arn",
    ("QuotaShare", "id"): "arn",
    ("LaunchTemplate", "id"): "id",
    ("LaunchTemplate", "latestVersion"): "version",
    ("PlacementGroup", "groupName"): "group_name",
}
"""(kind, output) → the component's attribute."""


def renamed(function: str, value: Mapping[str, Any], keywords: Mapping[str, str]) -> Any:
    """A call with the mapping's members as arguments, in the table's order."""
    return Call(function, tuple((keywords[key], value[key]) for key in keywords if key in value))
