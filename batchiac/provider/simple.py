"""The handler of every simple resource: what differs between them is a row (provider/rows.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from batchiac.aws import ec2
from batchiac.aws.door import Door
from batchiac.aws.wire import capitalised, uncapitalised
from batchiac.model.handler import CheckFailure, CheckResult, Properties
from batchiac.provider.identity import CREATING, identity_of, logical_name
from batchiac.provider.resource import ResourceHandler
from batchiac.provider.subnet import Neighbours

Apply = Callable[[Door, str, Properties, Properties], None]
"""(door, id, inputs as they are, inputs as wanted): bring a part of the resource from one to the other."""


@frozen
class Part:
    """Properties that need calls of their own, after the create and at an update.

    Attributes:
        properties: the inputs that it covers; the calls are made when one of them differs.
        apply: makes them; `as they are` is `default` right after the create.
        default: what AWS creates the resource with.
    """

    properties: tuple[str, ...]
    apply: Apply
    default: Mapping[str, Any] = field(factory=dict)


@frozen
class SimpleKind:
    """One row: everything that distinguishes a simple resource.

    Attributes:
        kind, name_property, longest_name, inputs, outputs, outlives: as ResourceHandler's.
        make: (door, inputs, tags) → id.
        find: (door, id, state, whole) → inputs, outputs and tags as they exist, or None.
        find_creating: (door, inputs) → ids of what carries the creating tag.
        remove: (door, id, state).
        put_tags: (door, id, state, tags); remove_tags: (door, id, state, keys).
        parts: applied in order.
        fill: (inputs as they were, checked inputs): adds to the latter.
        deletes_first: (state, inputs): True when old and new cannot be at once, whatever they are called.
        refuse: (neighbours, inputs as they were, checked inputs): what check refuses beyond the rules, because of what
            else the stack holds.
        once_known: (door, id, act): acts on what was just created, when AWS knows it everywhere.
        find_all: (door) → every id of the kind, where a name does not lead to the resource.
    """

    kind: str
    name_property: str
    longest_name: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    make: Callable[[Door, Properties, Mapping[str, str]], str]
    find: Callable[[Door, str, Properties, bool], dict[str, Any] | None]
    find_creating: Callable[[Door, Properties], Iterable[str]]
    remove: Callable[[Door, str, Properties], None]
    put_tags: Callable[[Door, str, Properties, Mapping[str, str]], None]
    remove_tags: Callable[[Door, str, Properties, Iterable[str]], None]
    parts: tuple[Part, ...] = ()
    fill: Callable[[Properties, dict[str, Any]], None] = lambda _olds, _checked: None
    outlives: tuple[str, ...] = ()
    deletes_first: Callable[[Properties, Properties], bool] = lambda _state, _inputs: False
    refuse: Callable[[Neighbours, Properties, Properties], list[CheckFailure]] = lambda _neighbours, _olds, _checked: []
    once_known: Callable[[Door, str, Callable[[], None]], None] = lambda _door, _id, act: act()
    find_all: Callable[[Door], Iterable[str]] | None = None


class SimpleHandler(ResourceHandler):
    """A handler made of a row; `handler_of` makes the class."""

    row: ClassVar[SimpleKind]

    def _fill(self, olds: Properties, checked: dict[str, Any]) -> None:
        self.row.fill(olds, checked)

    def check(self, olds: Properties, inputs: Properties) -> CheckResult:
        """As every check; and what the stack's other resources do not allow is said here, before anything is done."""
        result = super().check(olds, inputs)
        if result.failures:
            return result
        identity = str(result.inputs["identity"])
        failures = self.row.refuse(lambda kind: self.neighbours(identity, kind), olds, result.inputs)
        return CheckResult(result.inputs, failures)  # type: ignore[arg-type]

    def _must_delete_first(self, state: Properties, inputs: Properties) -> bool:
        return super()._must_delete_first(state, inputs) or self.row.deletes_first(state, inputs)

    def _candidates(self, inputs: Properties) -> Iterable[str]:
        return super()._candidates(inputs) if self.row.find_all is None else self.row.find_all(self.door)

    def _make(self, inputs: Properties, tags: Mapping[str, str]) -> str:
        return self.row.make(self.door, inputs, tags)

    def _settle(self, resource_id: str, inputs: Properties) -> None:
        for part in self.row.parts:
            if any(inputs.get(key) not in (None, part.default.get(key)) for key in part.properties):

                def apply(part: Part = part) -> None:
                    part.apply(self.door, resource_id, part.default, inputs)

                self.row.once_known(self.door, resource_id, apply)

    def _find(self, resource_id: str, state: Properties, *, whole: bool = True) -> dict[str, Any] | None:
        return self.row.find(self.door, resource_id, state, whole)

    def _find_creating(self, inputs: Properties) -> Iterable[str]:
        return self.row.find_creating(self.door, inputs)

    def _change(self, resource_id: str, state: Properties, inputs: Properties) -> None:
        for part in self.row.parts:
            if any(state.get(key) != inputs.get(key) for key in part.properties):
                wanted = {**part.default, **{k: v for k, v in inputs.items() if v is not None}}
                part.apply(self.door, resource_id, {**part.default, **state}, wanted)

    def _remove(self, resource_id: str, state: Properties) -> None:
        self.row.remove(self.door, resource_id, state)

    def _put_tags(self, resource_id: str, state: Properties, tags: Mapping[str, str]) -> None:
        self.row.put_tags(self.door, resource_id, state, tags)

    def _remove_tags(self, resource_id: str, state: Properties, keys: Iterable[str]) -> None:
        self.row.remove_tags(self.door, resource_id, state, keys)


def handler_of(row: SimpleKind) -> type[SimpleHandler]:
    """The handler class of a row."""
    return type(
        row.kind,
        (SimpleHandler,),
        {
            "__doc__": f"The handler of {row.kind}.",
            "row": row,
            "kind": row.kind,
            "name_property": row.name_property,
            "id_output": "arn" if "arn" in row.outputs else "",
            "longest_name": row.longest_name,
            "inputs": row.inputs,
            "outputs": row.outputs,
            "outlives": row.outlives,
        },
    )


def ec2_kind(
    kind: str,
    ec2_type: ec2.Ec2Type,
    *,
    sent: tuple[str, ...],
    outputs: tuple[str, ...],
    name_property: str = "",
    longest_name: int = 255,
    parts: tuple[Part, ...] = (),
    whole: Callable[[Door, str, dict[str, Any], Properties], dict[str, Any]] = lambda _door, _id, found, _state: found,
    before_delete: Callable[[Door, str], None] = lambda _door, _id: None,
    **others: Any,
) -> SimpleKind:
    """The row of an EC2 resource.

    Args:
        sent: the inputs that the create call takes.
        parts: the rest.
        whole: (door, id, AWS's description, state): adds the inputs that need calls of their own to read.
        others: what else a row may have.
        before_delete: takes off what is ours and would hold the deletion up.
    """

    def make(door: Door, inputs: Properties, tags: Mapping[str, str]) -> str:
        parameters = {key: inputs[key] for key in sent if inputs.get(key) is not None}
        created: str = ec2.create(door, ec2_type, capitalised(parameters), tags)[ec2_type.id_key]
        return created

    def find(door: Door, resource_id: str, state: Properties, everything: bool) -> dict[str, Any] | None:
        described = ec2.find(door, ec2_type, resource_id)
        if described is None:
            return None
        found: dict[str, Any] = {**uncapitalised(described), "tags": ec2.tags_of(described)}
        return whole(door, resource_id, found, state) if everything else found

    def find_creating(door: Door, inputs: Properties) -> list[str]:
        return [each[ec2_type.id_key] for each in ec2.find_tagged(door, ec2_type, CREATING, identity_of(inputs))]

    def remove(door: Door, resource_id: str, state: Properties) -> None:
        before_delete(door, resource_id)
        key = ec2_type.delete_value
        value = "" if key == ec2_type.id_key else str(state[key[:1].lower() + key[1:]])
        ec2.delete(door, ec2_type, resource_id, value)

    def fill(olds: Properties, checked: dict[str, Any]) -> None:
        # EC2's consoles show the tag Name; what has no name of its own would show nothing. What exists without one
        # (it was imported) is left as it is.
        named = not olds or "Name" in (olds.get("tags") or {})
        if named and isinstance(tags := checked.get("tags") or {}, Mapping) and not name_property:
            checked["tags"] = {"Name": logical_name(checked), **tags}

    part_inputs = tuple(key for part in parts for key in part.properties)
    return SimpleKind(
        kind,
        name_property,
        longest_name,
        tuple(dict.fromkeys((*sent, *part_inputs))),
        outputs,
        make,
        find,
        find_creating,
        remove,
        lambda door, resource_id, _state, tags: ec2.put_tags(door, resource_id, tags),
        lambda door, resource_id, _state, keys: ec2.remove_tags(door, resource_id, keys),
        parts,
        fill,
        once_known=lambda door, resource_id, act: ec2.once_known(door, ec2_type, resource_id, act),
        **others,
        find_all=lambda door: [each[ec2_type.id_key] for each in ec2.find_all(door, ec2_type)],
    )
