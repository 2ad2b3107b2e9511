"""What a reader makes of a document: declared resources, and sentences about what it could not look at.

While a reader works, a value that leads to another resource of the document is a `Leads`; `declare` turns each into
UNKNOWN and notes the path, once the property names are AWS's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from batchiac.model.unknown import UNKNOWN
from batchiac.rules.finding import Declared
from batchiac.rules.paths import join_path


@frozen
class Leads:
    """A value that is not yet known, but which is known to come from the declared resource `to`."""

    to: str


@frozen
class Document:
    """What a document declares.

    Attributes:
        what: `Pulumi preview`, `Terraform plan`, `CloudFormation template`.
        declared: its resources, in its order.
        notes: sentences about what was not looked at.
        lines: resource name → line, where the document is a source that people edit.
        config: a Pulumi preview's stack configuration, as the preview shows it; empty elsewhere.
        update_policies: environment name → its updatePolicy, which the API takes with updates only.
    """

    what: str
    declared: tuple[Declared, ...]
    notes: tuple[str, ...] = ()
    lines: Mapping[str, int] = field(factory=dict)
    config: Mapping[str, Any] = field(factory=dict)
    update_policies: Mapping[str, Any] = field(factory=dict)


def update_policy_of(kind: str, inputs: Mapping[str, Any]) -> Any:
    """The updatePolicy of an environment's inputs, unknown parts as UNKNOWN; None where there is none."""
    if kind != "ComputeEnvironment" or inputs.get("updatePolicy") is None:
        return None
    return declare("", "", {"is": inputs["updatePolicy"]}).inputs["is"]


def declare(kind: str, name: str, inputs: Mapping[str, Any]) -> Declared:
    """`inputs` (wire names, `Leads` anywhere) as a declared resource: as the API's Create request takes them."""
    references: dict[str, str] = {}
    inputs = {key: value for key, value in inputs.items() if key != "updatePolicy" or kind != "ComputeEnvironment"}

    def settle(value: Any, path: str) -> Any:
        if isinstance(value, Leads):
            references[path] = value.to
            return UNKNOWN
        if isinstance(value, dict):
            return {key: settle(each, join_path(path, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [settle(each, join_path(path, index)) for index, each in enumerate(value)]
        return value

    return Declared(kind, name, settle(inputs, ""), references)
