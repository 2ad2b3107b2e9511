"""What AWS documents about Batch, as rows; each acts in preview, in the local stack and in `batchiac lint` alike.

The catalogue and the API model's shapes are read at the first check, so that importing this costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchiac.rules.finding import Declared, Finding, Level

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchiac.rules.check import check_request, check_resource, check_stack, find_rule
    from batchiac.rules.row import Rule

    CATALOGUE: Mapping[str, Rule]

__all__ = [
    "CATALOGUE",
    "Declared",
    "Finding",
    "Level",
    "check_request",
    "check_resource",
    "check_stack",
    "find_rule",
]


def __getattr__(name: str) -> Any:
    if name == "CATALOGUE":
        from batchiac.rules.catalogue import read_catalogue

        return read_catalogue()
    if name in __all__:
        from batchiac.rules import check

        return getattr(check, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
