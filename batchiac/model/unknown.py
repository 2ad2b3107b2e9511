"""The value of a property that is not known before something else has been created.

Both adapters map their own form of it to `UNKNOWN`: the SDK's sentinel string, `pulumi.output.Unknown`, at any depth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, final


@final
class UnknownType:
    """The one not-yet-known value. It equals only itself and refuses to be used as a truth value by accident."""

    _only: UnknownType | None = None

    def __new__(cls) -> UnknownType:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        raise TypeError("a value that is not yet known is neither true nor false; compare with `is UNKNOWN`")

    def __copy__(self) -> UnknownType:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> UnknownType:
        return self

    def __reduce__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = UnknownType()


def contains_unknown(value: object) -> bool:
    """True when `value`, or anything nested in its mappings, lists and tuples, is `UNKNOWN`."""
    if value is UNKNOWN:
        return True
    if isinstance(value, Mapping):
        return any(contains_unknown(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(contains_unknown(each) for each in value)
    return False
