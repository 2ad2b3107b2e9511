"""What was found in an account and is to be imported: provider/existing.py finds it, deploy/ writes it down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen


@frozen
class Ref:
    """In the place of an input: an output of another resource that is imported too.

    Attributes:
        kind, id: of that resource.
        output: its output key, or `id`.
        text: what stands there at AWS.
    """

    kind: str
    id: str
    output: str
    text: str


@frozen(eq=False)
class Existing:
    """One resource as it is.

    Attributes:
        kind: `ComputeEnvironment`, …
        id: as a state keeps it.
        name: AWS's name; of what has none, its tag Name or its id.
        name_property: the input that holds the name, empty where AWS gives ids only.
        inputs: as a person would write them, `Ref` at any depth.
        outputs: such as a launch template's `latestVersion`.
        is_named: True when the user asked for this one, False when it was followed to or found among all.
    """

    kind: str
    id: str
    name: str
    name_property: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    is_named: bool = False


@frozen
class Left:
    """Something that is not imported, with the reason in words."""

    kind: str
    name: str
    reason: str


@frozen(eq=False)
class Found:
    """What an account holds of what was asked for.

    Attributes:
        resources: each after everything that it refers to.
        left: what is not imported.
    """

    resources: tuple[Existing, ...]
    left: tuple[Left, ...] = ()


def without_refs(value: Any, gone: frozenset[tuple[str, str]] | None = None) -> Any:
    """`value` with each `Ref` replaced by what stands at AWS.

    Args:
        gone: (kind, id) of the resources whose references are replaced; None means all.
    """
    if isinstance(value, Ref):
        return value.text if gone is None or (value.kind, value.id) in gone else value
    if isinstance(value, Mapping):
        return {key: without_refs(each, gone) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_refs(each, gone) for each in value]
    return value
