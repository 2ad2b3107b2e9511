"""snake_case to the API's names: an attrs value becomes the JSON that the API takes.

A field's wire name is its camelCase unless its metadata says otherwise (`maxvCpus`); None is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs


def named(wire_name: str) -> dict[str, str]:
    """Metadata of a field whose wire name is not its camelCase."""
    return {"wire": wire_name}


def camel(name: str) -> str:
    """`platform_version` → `platformVersion`."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def wired(value: Any) -> Any:
    """The value in wire form, at any depth; what is no attrs value stays as it is."""
    if attrs.has(type(value)) and getattr(value, "__wire__", True):
        return {
            each.metadata.get("wire", camel(each.name)): wired(found)
            for each in attrs.fields(type(value))
            if (found := getattr(value, each.name)) is not None
        }
    if isinstance(value, Mapping):
        return {key: wired(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [wired(each) for each in value]
    return value


def merged(base: Mapping[str, Any], extra: Mapping[str, Any] | None) -> dict[str, Any]:
    """`base` with `extra` laid over it, mapping by mapping: the way to say in wire form what has no argument yet."""
    result = dict(base)
    for key, value in (extra or {}).items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result
