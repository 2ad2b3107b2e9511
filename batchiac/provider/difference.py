"""What differs between two values in normal form, property by property."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from batchiac.model.unknown import UNKNOWN


@frozen
class Difference:
    """One leaf that differs. `old` or `new` is `ABSENT` where the property is only on one side."""

    path: str
    old: Any
    new: Any

    @property
    def kind(self) -> str:
        """Pulumi's word: add, delete or update."""
        if self.old is ABSENT:
            return "add"
        return "delete" if self.new is ABSENT else "update"


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


def differences(old: Any, new: Any, path: str = "") -> Iterator[Difference]:
    """Every differing leaf; a list of plain values is one leaf per index, a value not yet known differs from all."""
    if old is new:
        return
    if new is UNKNOWN or old is UNKNOWN:
        yield Difference(path, old, new)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), f"{path}.{key}" if path else key)
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else ABSENT
            after = new[index] if index < len(new) else ABSENT
            yield from differences(before, after, f"{path}[{index}]")
    elif old != new or isinstance(old, bool) is not isinstance(new, bool):
        yield Difference(path, old, new)


def said_at(properties: Mapping[str, Any], path: str) -> Any:
    """What the properties themselves say at the path of a difference; None where they say nothing, and inside a list,
    whose normal form may have another order."""
    if "[" in path:
        return None
    found: Any = properties
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
