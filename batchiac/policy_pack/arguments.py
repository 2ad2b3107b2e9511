"""What the analyzer hands to a policy, as declared resources.

Properties arrive behind a proxy that raises at every value not known in a preview, and every number as a float; here
they become plain values, UNKNOWN and integers. A resource policy sees inputs; a stack policy sees outputs, which hold
the inputs and what the provider computed, which the readers leave out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_policy import PolicyResource
from pulumi_policy.proxy import UnknownValueError

from batchiac.model.unknown import UNKNOWN
from batchiac.rules.finding import Declared
from batchiac.rules.read.document import declare
from batchiac.rules.read.foreign_names import foreign_inputs, wire_name
from batchiac.rules.read.pulumi_preview import (
    SECRET_TEXT,
    UNKNOWN_TEXTS,
    Dependencies,
    kind_of_token,
    place_leads,
)


def plain(value: Any) -> Any:
    """`value` without proxies: UNKNOWN for what is not yet known, whole floats as integers."""
    if isinstance(value, str):
        return UNKNOWN if value in UNKNOWN_TEXTS or value == SECRET_TEXT else value
    if isinstance(value, Mapping):
        return {str(key): _at(value, key) for key in value}
    if isinstance(value, Sequence):
        return [_at(value, index) for index in range(len(value))]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _at(container: Any, key: Any) -> Any:
    try:
        value = container[key]
    except UnknownValueError:
        return UNKNOWN
    return plain(value)


def declared_resource(token: str, name: str, properties: Any) -> Declared | None:
    """One resource by itself; None for a type that no rule is about."""
    kind, dialect = kind_of_token(token)
    if not kind:
        return None
    return declare(kind, name, _wire(kind, dialect, name, properties))


def declared_stack(resources: Sequence[PolicyResource]) -> list[Declared]:
    """Every resource of the stack that a rule is about, with what its unknown values lead to."""
    declared: list[Declared] = []
    for each in resources:
        kind, dialect = kind_of_token(each.resource_type)
        if not kind:
            continue
        inputs, _ = place_leads(_wire(kind, dialect, each.name, each.props), _dependencies(each))
        declared.append(declare(kind, each.name, inputs))
    return declared


def _wire(kind: str, dialect: str, name: str, properties: Any) -> dict[str, Any]:
    inputs: dict[str, Any] = plain(properties)
    for own in ("__provider", "__defaults"):
        inputs.pop(own, None)
    if dialect == "wire":
        return inputs
    return foreign_inputs(kind, inputs, name, dialect)[0]


def _dependencies(resource: PolicyResource) -> Dependencies:
    kind, dialect = kind_of_token(resource.resource_type)
    found: dict[str, dict[str, list[str]]] = {}
    for key, targets in resource.property_dependencies.items():
        for each in targets:
            target, _ = kind_of_token(each.resource_type)
            known = found.setdefault(wire_name(kind, key, dialect), {}).setdefault(target, [])
            if target and each.name not in known:
                known.append(each.name)
    return found
