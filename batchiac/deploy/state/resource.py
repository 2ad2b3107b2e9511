"""One resource as the state holds it, in Pulumi's form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from attrs import field, frozen

from batchiac.deploy.urn import ROOT_TYPE, is_provider_type, name_of, type_of

FIELDS: tuple[tuple[str, str, Any], ...] = (
    # (JSON name, attribute, what it is when absent), in Pulumi's own order.
    ("urn", "urn", None),
    ("custom", "custom", None),
    ("delete", "delete", False),
    ("id", "id", ""),
    ("type", "type", None),
    ("inputs", "inputs", {}),
    ("outputs", "outputs", {}),
    ("parent", "parent", ""),
    ("protect", "protect", False),
    ("external", "external", False),
    ("dependencies", "dependencies", ()),
    ("initErrors", "init_errors", ()),
    ("provider", "provider", ""),
    ("propertyDependencies", "property_dependencies", {}),
    ("pendingReplacement", "pending_replacement", False),
    ("additionalSecretOutputs", "additional_secret_outputs", ()),
    ("aliases", "aliases", ()),
    ("customTimeouts", "custom_timeouts", {}),
    ("retainOnDelete", "retain_on_delete", False),
    ("deletedWith", "deleted_with", ""),
    ("replaceWith", "replace_with", ()),
    ("created", "created", ""),
    ("modified", "modified", ""),
    ("sourcePosition", "source_position", ""),
    ("ignoreChanges", "ignore_changes", ()),
    ("replaceOnChanges", "replace_on_changes", ()),
)
"""Source: pulumi/sdk/go/common/apitype/core.go, ResourceV3. What is not listed is kept in `extra`, untouched."""

_KNOWN = frozenset(row[0] for row in FIELDS)


@frozen(eq=False)
class ResourceState:
    """One entry of a snapshot. Immutable: a change is a new entry, so that what was written once is not written anew.

    Attributes:
        id: AWS's id; empty for components.
        inputs, outputs: in our form (deploy.values); outputs ⊇ inputs for what handlers made.
        parent: URN, empty for the root stack.
        provider: `<provider urn>::<provider id>`, empty for components.
        dependencies: URNs, each of an earlier entry.
        property_dependencies: input → URNs that its value came from.
        delete: True for what has been replaced and still has to be deleted.
        pending_replacement: True for what has been deleted and still has to be created again.
        external: True for what was only read; never deleted.
        custom_timeouts: `{"create": seconds, …}`.
        created, modified: RFC 3339.
        extra: fields of Pulumi's that batchiac does not use, as they were.
    """

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Mapping[str, Any] = field(factory=dict)
    outputs: Mapping[str, Any] = field(factory=dict)
    parent: str = ""
    provider: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(factory=dict)
    protect: bool = False
    delete: bool = False
    external: bool = False
    pending_replacement: bool = False
    retain_on_delete: bool = False
    deleted_with: str = ""
    replace_with: tuple[str, ...] = ()
    init_errors: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    custom_timeouts: Mapping[str, float] = field(factory=dict)
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    created: str = ""
    modified: str = ""
    source_position: str = ""
    extra: Mapping[str, Any] = field(factory=dict)

    @property
    def name(self) -> str:
        return name_of(self.urn)

    @property
    def is_root(self) -> bool:
        return self.type == ROOT_TYPE

    @property
    def is_provider(self) -> bool:
        return is_provider_type(self.type)

    @property
    def provider_urn(self) -> str:
        return self.provider.rpartition("::")[0]

    def needs(self) -> Iterator[str]:
        """URNs of all that must exist while this does: parent, provider, dependencies, deletedWith, replaceWith."""
        if self.parent:
            yield self.parent
        if self.provider:
            yield self.provider_urn
        yield from self.dependencies
        for urns in self.property_dependencies.values():
            yield from urns
        if self.deleted_with:
            yield self.deleted_with
        yield from self.replace_with

    def to_json(self) -> dict[str, Any]:
        """The entry as Pulumi writes it; secrets are still `Secret` or `Sealed` objects."""
        entry: dict[str, Any] = {}
        for name, attribute, absent in FIELDS:
            value = getattr(self, attribute)
            if absent is None or (value != absent and value):
                entry[name] = value
        entry.update(self.extra)
        return entry


def resource_from_json(entry: Mapping[str, Any]) -> ResourceState:
    """The entry that `to_json` wrote, or Pulumi did.

    Raises:
        KeyError, TypeError: a required field is missing or of another type.
    """
    values: dict[str, Any] = {"extra": {key: value for key, value in entry.items() if key not in _KNOWN}}
    for name, attribute, absent in FIELDS:
        if absent is None:
            value = entry[name]
            if not isinstance(value, bool if name == "custom" else str):
                raise TypeError(f"{name} is {value!r}")
            values[attribute] = value
        elif (value := entry.get(name)) is not None:
            if type(absent) is tuple:
                value = tuple(value)
            elif name == "propertyDependencies":
                value = {key: tuple(urns or ()) for key, urns in value.items()}
            elif not isinstance(value, type(absent)):
                raise TypeError(f"{name} is {value!r}")
            values[attribute] = value
    return ResourceState(**values)


def renamed(state: ResourceState, names: Mapping[str, str]) -> ResourceState:
    """`state` with every URN in it exchanged by `names` (old → new); itself where nothing changes.

    Its own URN is exchanged where only the types above it differ. What has another name or type is another resource.
    """
    urn = names.get(state.urn, state.urn)
    if urn != state.urn and (type_of(urn), name_of(urn)) != (type_of(state.urn), state.name):
        urn = state.urn
    if urn == state.urn and not any(each in names for each in state.needs()):
        return state
    provider = state.provider
    if state.provider_urn in names:
        provider = f"{names[state.provider_urn]}::{provider.rpartition('::')[2]}"
    return attrs.evolve(
        state,
        urn=urn,
        parent=names.get(state.parent, state.parent),
        provider=provider,
        dependencies=tuple(names.get(each, each) for each in state.dependencies),
        property_dependencies={
            key: tuple(names.get(each, each) for each in urns) for key, urns in state.property_dependencies.items()
        },
        deleted_with=names.get(state.deleted_with, state.deleted_with),
        replace_with=tuple(names.get(each, each) for each in state.replace_with),
    )
