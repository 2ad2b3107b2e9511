"""Sequences in frozen values are tuples, whatever iterable the caller gave."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def as_tuple(values: Iterable[Any]) -> tuple[Any, ...]:
    """attrs' converter for such fields. `tuple` itself will not do: mypy takes its type variable for the argument's."""
    return tuple(values)
