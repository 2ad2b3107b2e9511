"""What a resource handler is, to both adapters (Pulumi's dynamic provider, the embedded engine).

Inputs and state are JSON values (dict, list, str, int, float, bool, None) under the *wire names* of the AWS API that
creates the resource (`computeEnvironmentName`, `computeResources.maxvCpus`; EC2 and IAM parameters with a lower-case
first letter: `cidrBlock`). The same dictionaries are what the rules read. Keys of ours beside those of AWS:

    identity   `<project>/<stack>/<component types>/<logical name>`: what the name and the tag `batchiac:creating`
               derive from, and adoption with them
    region     where the resource lives (set by check from the target)
    account    in state only
    tags       {key: value} on every resource that can carry tags

State is a superset of the inputs: delete and read see only state. `UNKNOWN` can stand anywhere in what check and diff
get, and nowhere in what create and update get.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Literal, Protocol, runtime_checkable

from attrs import field, frozen

Properties = Mapping[str, Any]


@frozen
class CheckFailure:
    """One property that cannot be accepted. The reason says found, allowed, what to change; no rule id for shapes."""

    property: str
    reason: str
    rule_id: str = ""


@frozen
class CheckResult:
    """`inputs` with the name, region and defaults filled in; `failures` empty when they are acceptable."""

    inputs: dict[str, Any]
    failures: tuple[CheckFailure, ...] = field(default=(), converter=tuple)


class Effect(StrEnum):
    """What AWS does when a property changes (batchiac.rules.updates holds the table)."""

    IN_PLACE = "in place"
    SCALING_UPDATE = "scaling update"
    INFRASTRUCTURE_UPDATE = "infrastructure update"
    NEW_REVISION = "new revision"
    REPLACE = "replacement"


@frozen
class PropertyChange:
    """One changed property.

    Attributes:
        path: dotted, list indices in brackets: `computeResources.instanceTypes[1]`.
        kind: Pulumi's detailed-diff words.
        effect: what AWS does with it.
        note: words for the plan, empty when there is nothing beyond the effect.
    """

    path: str
    kind: Literal["add", "update", "delete", "add-replace", "update-replace", "delete-replace"]
    old: Any
    new: Any
    effect: Effect = Effect.IN_PLACE
    note: str = ""


@frozen
class DiffResult:
    """What a change of inputs means.

    Attributes:
        changes: every changed property; empty means no change at all.
        replaces: the top-level property names that force a replacement; empty means an update does.
        delete_before_replace: True when two cannot exist at once (a fixed name).
        notes: sentences for the plan about the resource as a whole ("12 running jobs get up to 30 minutes").
    """

    changes: tuple[PropertyChange, ...] = field(default=(), converter=tuple)
    replaces: tuple[str, ...] = field(default=(), converter=tuple)
    delete_before_replace: bool = False
    notes: tuple[str, ...] = field(default=(), converter=tuple)


@frozen
class CreateResult:
    """`id` is what AWS calls the resource (ARN, or EC2 id); `outputs` is the whole new state."""

    id: str
    outputs: dict[str, Any]


@frozen
class ReadResult:
    """`id` is None when the resource is gone; `inputs` are those that would create what exists."""

    id: str | None
    inputs: dict[str, Any]
    outputs: dict[str, Any]


@runtime_checkable
class Handler(Protocol):
    """One resource kind. Made as `HANDLERS[token](door)`; check and diff make no AWS call and build no client.

    Raises (create, read, update, delete):
        AwsRefusal: AWS said no; its own words are in the error.
        WaitError: the wait's deadline passed or AWS reported a bad end.
        PartiallyCreatedError: create or update left something that the state must remember.
    """

    def check(self, olds: Properties, inputs: Properties) -> CheckResult: ...

    def diff(self, state: Properties, inputs: Properties) -> DiffResult: ...

    def create(self, inputs: Properties) -> CreateResult: ...

    def read(self, resource_id: str, state: Properties) -> ReadResult: ...

    def update(self, resource_id: str, state: Properties, inputs: Properties) -> dict[str, Any]:
        """Return the whole new state, never a part of it."""
        ...

    def delete(self, resource_id: str, state: Properties) -> None:
        """Return when the resource is gone; a resource that was gone already is no error."""
        ...


@runtime_checkable
class NeighbourlyHandler(Protocol):
    """A handler that judges by what else the stack holds, for an engine that can tell it.

    Attributes:
        neighbours: (identity, kind) → the outputs of every resource of that kind in the stack of the identity. Set by
            the engine, and called by check.
    """

    neighbours: Callable[[str, str], Iterable[Properties]]


@runtime_checkable
class RecordedHandler(Handler, Protocol):
    """A handler for an engine that records a create before its last call, so that no moment is without an owner.

    Between `create_unconfirmed` and `confirm` the resource carries the tag `batchiac:creating`, by which the next
    create of the same inputs takes it over; the engine calls `confirm` when its own record is on the disk.
    """

    def check_replacement(self, replaced: Properties, inputs: Properties) -> CheckResult:
        """As check without olds; a generated name differs from that in `replaced` (its inputs)."""
        ...

    def create_unconfirmed(self, inputs: Properties) -> CreateResult: ...

    def confirm(self, resource_id: str, state: Properties) -> None:
        """Can be repeated; a resource that is gone is no error."""
        ...

    def finish(self, resource_id: str, state: Properties) -> None:
        """Bring what an interrupted update or deletion has begun to its end: a read right after it sees what stays."""
        ...

    def discard(self, inputs: Properties) -> None:
        """Remove what an interrupted create of these inputs left behind, if anything."""
        ...
