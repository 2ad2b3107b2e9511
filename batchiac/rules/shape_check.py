"""Inputs against the API model's own shapes: required members, types, allowed values, sizes.

These constraints are read from shapes.py, which is generated from botocore's model, and are typed nowhere else. Their
findings carry five ids of their own (`SHAPE_RULES`). A value that is not yet known is left to the rows of the
catalogue and to the apply: nothing can be said of its shape, and each unknown property would otherwise be listed twice.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from batchiac.model.unknown import UNKNOWN
from batchiac.rules.finding import Finding, Level
from batchiac.rules.predicates import shown

API = "https://docs.aws.amazon.com/batch/latest/APIReference/"


@frozen
class ShapeRule:
    """What one kind of shape constraint means, for the lists of rules."""

    id: str
    says: str
    level: Level


SHAPE_RULES: Mapping[str, ShapeRule] = {
    rule.id: rule
    for rule in (
        ShapeRule("SH01", "a member that the API model requires stands", Level.ERROR),
        ShapeRule("SH02", "only members that the API model knows stand (AWS itself ignores others)", Level.ERROR),
        ShapeRule("SH03", "each value is of the type that the API model states", Level.ERROR),
        ShapeRule("SH04", "a value with an enumeration in the API model is one of it", Level.ERROR),
        ShapeRule("SH05", "a value, list or object has a size within the API model's bounds", Level.ERROR),
    )
}

_WORDS = {
    "string": "a string",
    "integer": "an integer",
    "long": "an integer",
    "float": "a number",
    "double": "a number",
    "boolean": "true or false",
    "structure": "an object",
    "map": "an object",
    "list": "a list",
    "timestamp": "a time",
    "blob": "a string",
}
_LONGEST_INTEGER = {"integer": 31, "long": 63}
_CASE_FREE = frozenset({"RetryAction"})
"""Enumerations whose case AWS ignores. Source: API_EvaluateOnExit, action: "The values aren't case sensitive." """


def find_shape_faults(operation: str, inputs: Any, *, kind: str, resource: str = "") -> Iterator[Finding]:
    """Each place where `inputs` is not what the operation's model takes; nothing for an operation it does not know.

    Args:
        operation: `CreateComputeEnvironment`.
        inputs: the request as JSON values.
        kind: what the findings are said to be about.
        resource: its declared name.
    """
    from batchiac.rules.shapes import INPUTS, SHAPES

    shape = INPUTS.get(operation)
    if shape is None:
        return
    source = f"{API}API_{operation}.html"
    for rule_id, path, message in _faults(SHAPES, shape, inputs, ""):
        yield Finding(rule_id, SHAPE_RULES[rule_id].level, kind, resource, path, message, source)


def _faults(shapes: Mapping[str, tuple[Any, ...]], name: str, value: Any, at: str) -> Iterator[tuple[str, str, str]]:
    if value is UNKNOWN:
        return
    shape = shapes[name]
    kind = shape[0]
    if not _is_of(kind, value):
        yield "SH03", at, f"{at or 'the request'} is {shown(value)}; {_WORDS[kind]} is allowed; write it as one"
        return
    if kind == "structure":
        yield from _structure_faults(shapes, shape, value, at)
    elif kind == "list":
        yield from _size_faults(len(value), shape[2], shape[3], at, "elements")
        for index, each in enumerate(value):
            if each is None:
                yield "SH03", f"{at}[{index}]", f"{at}[{index}] is null; a value is needed; take the element out"
            else:
                yield from _faults(shapes, shape[1], each, f"{at}[{index}]")
    elif kind == "map":
        yield from _size_faults(len(value), shape[3], shape[4], at, "entries")
        for key, each in value.items():
            yield from _faults(shapes, shape[1], key, f"{at}.{key}")
            if each is not None:
                yield from _faults(shapes, shape[2], each, f"{at}.{key}")
    else:
        yield from _scalar_faults(name, shape, value, at)


def _structure_faults(
    shapes: Mapping[str, tuple[Any, ...]], shape: tuple[Any, ...], value: Mapping[str, Any], at: str
) -> Iterator[tuple[str, str, str]]:
    members: Mapping[str, str] = shape[1]
    for member in shape[2]:
        if value.get(member) is None:
            path = f"{at}.{member}" if at else member
            yield "SH01", path, f"{path} is missing; the API requires it; give it"
    for member, each in value.items():
        if each is None:
            continue
        path = f"{at}.{member}" if at else str(member)
        inner = members.get(member)
        if inner is not None:
            yield from _faults(shapes, inner, each, path)
            continue
        near = difflib.get_close_matches(str(member), members, n=1)
        change = f"did you mean {near[0]}?" if near else "take it out"
        allowed = ", ".join(members) or "nothing"
        yield "SH02", path, f"{path} is not known to the API; {allowed} are allowed there; {change}"


def _scalar_faults(name: str, shape: tuple[Any, ...], value: Any, at: str) -> Iterator[tuple[str, str, str]]:
    kind, allowed, low, high = shape
    if allowed:
        given = value.upper() if name in _CASE_FREE else value
        if given not in allowed:
            near = difflib.get_close_matches(value.upper(), allowed, n=1)
            change = f"did you mean {near[0]}?" if near else "choose one of them"
            yield "SH04", at, f"{at} is {shown(value)}; {', '.join(allowed)} are allowed; {change}"
    elif isinstance(value, str):
        yield from _size_faults(len(value), low, high, at, "characters")
    elif not isinstance(value, bool):
        bits = _LONGEST_INTEGER.get(kind)
        if bits is not None and not -(1 << bits) <= value < 1 << bits:
            yield "SH05", at, f"{at} is {value}; an integer of {bits + 1} bits is allowed; make it smaller"
        elif (low is not None and value < low) or (high is not None and value > high):
            yield "SH05", at, f"{at} is {value}; {_bounds(low, high)} is allowed; set it within that range"


def _size_faults(size: int, low: int | None, high: int | None, at: str, what: str) -> Iterator[tuple[str, str, str]]:
    if (low is not None and size < low) or (high is not None and size > high):
        change = "take some out" if high is not None and size > high else "add to it, or leave it out"
        yield "SH05", at, f"{at} is of {size} {what}; {_bounds(low, high)} are allowed; {change}"


def _bounds(low: int | None, high: int | None) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"


def _is_of(kind: str, value: Any) -> bool:
    if kind in ("structure", "map"):
        return isinstance(value, Mapping)
    if kind == "list":
        return isinstance(value, list | tuple)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in _LONGEST_INTEGER:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in ("float", "double"):
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "timestamp":
        return isinstance(value, int | float | str) and not isinstance(value, bool)
    return isinstance(value, str)
