"""Paths into a resource: dotted names; `[2]` is an index, `[]` every element (`launchTemplate.overrides[].version`)."""

from __future__ import annotations

import functools
import re
from typing import Any

from batchiac.model.unknown import UNKNOWN

EACH = -1
"""The token of `[]` in a parsed path."""


Token = str | int


def standing_paths(value: Any) -> tuple[frozenset[str], frozenset[str]]:
    """Every path at which something stands, with `[]` for indices; and those whose value is not yet known.

    Both in one walk: some 200 rows can then be passed over at the price of one look-up each.
    """
    present: set[str] = {""}
    unknown: set[str] = set()
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        at, each = waiting.pop()
        if isinstance(each, dict):
            for key, inner in each.items():
                if inner is None:
                    continue
                path = f"{at}.{key}" if at else str(key)
                present.add(path)
                if inner is UNKNOWN:
                    unknown.add(path)
                elif isinstance(inner, dict | list | tuple):
                    waiting.append((path, inner))
        elif each:
            path = f"{at}[]"
            present.add(path)
            for inner in each:
                if inner is UNKNOWN:
                    unknown.add(path)
                elif isinstance(inner, dict | list | tuple):
                    waiting.append((path, inner))
    return frozenset(present), frozenset(unknown)


@functools.cache
def prefixes_of(path: str) -> tuple[str, ...]:
    """The paths on the way to `path`, which is the last: `a.b[].c` → ("a", "a.b", "a.b[]", "a.b[].c")."""
    found: list[str] = []
    for token in parse_path(path):
        before = found[-1] if found else ""
        found.append(f"{before}[]" if isinstance(token, int) else f"{before}.{token}" if before else token)
    return tuple(found)


@functools.cache
def parse_path(path: str) -> tuple[Token, ...]:
    """`a.b[].c[0]` → ("a", "b", EACH, "c", 0)."""
    tokens: list[Token] = []
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d*)\]", path):
        if name:
            tokens.append(name)
        else:
            tokens.append(int(index) if index else EACH)
    return tuple(tokens)


def join_path(base: str, token: Token) -> str:
    """The path one step deeper: a name after a dot, an index in brackets."""
    if isinstance(token, int):
        return f"{base}[{token}]"
    return f"{base}.{token}" if base else token
