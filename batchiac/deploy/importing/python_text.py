"""Python source from values: literals and calls, laid out as a formatter leaves them.

What fits on its line stays there; what does not is written one element a line with a trailing comma, which is what
`ruff format` and Black leave alone at any line length from `WIDTH` up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

WIDTH: Final = 88
"""Columns of a line: the default of `ruff format`."""

INDENT: Final = "    "


@frozen
class Expression:
    """Source text that stands as it is: a variable, an attribute."""

    text: str


@frozen(eq=False)
class Call:
    """`function(…)`.

    Attributes:
        arguments: (keyword, value); an empty keyword is a positional argument.
    """

    function: str
    arguments: tuple[tuple[str, Any], ...]

    def with_argument(self, keyword: str, value: Any) -> Call:
        return Call(self.function, (*self.arguments, (keyword, value)))


def source(value: Any, *, before: str = "", indent: str = "", after: str = "") -> str:
    """The source of `value`.

    Args:
        before: what stands on the line before it, indentation included; counts towards the width.
        indent: of the line that it begins on.
        after: what follows on its last line, such as a comma.
    """
    flat = _flat(value)
    if len(before) + len(flat) + len(after) <= WIDTH or isinstance(value, str | Expression | bool | int | float):
        return flat
    parts = _parts(value)
    if parts is None or not parts[1]:
        return flat
    opening, elements, closing = parts
    deeper = indent + INDENT
    lines = []
    for lead, element in elements:
        lines.append(f"{deeper}{lead}{source(element, before=deeper + lead, indent=deeper, after=',')},\n")
    return f"{opening}\n{''.join(lines)}{indent}{closing}"


def _parts(value: Any) -> tuple[str, list[tuple[str, Any]], str] | None:
    """Opening, (what stands before each element, element), closing."""
    if isinstance(value, Call):
        return f"{value.function}(", [(f"{key}=" if key else "", each) for key, each in value.arguments], ")"
    if isinstance(value, Mapping):
        return "{", [(f"{text(key)}: ", each) for key, each in value.items()], "}"
    if isinstance(value, list | tuple):
        return "[", [("", each) for each in value], "]"
    return None


def _flat(value: Any) -> str:
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, str):
        return text(value)
    parts = _parts(value)
    if parts is None:
        return repr(value)
    opening, elements, closing = parts
    return opening + ", ".join(lead + _flat(element) for lead, element in elements) + closing


def text(value: str) -> str:
    """A string literal with double quotes, unless single ones need fewer escapes."""
    literal = repr(value)
    quote, inner = literal[0], literal[1:-1]
    if quote == "'":
        inner = inner.replace("\\'", "'")
    if value.count('"') > value.count("'"):
        return f"'{inner.replace(chr(39), chr(92) + chr(39))}'"
    return '"' + inner.replace('"', '\\"') + '"'


def block_text(value: str) -> str | None:
    """A triple-quoted literal of several lines, None where that would not read well or not be the same text."""
    lines = value.split("\n")
    if len(lines) < 3 or any(line != line.rstrip() or not line.isprintable() for line in lines):
        return None
    if '"""' in value or value.endswith('"') or value.startswith('"'):
        return None
    return '"""' + value.replace("\\", "\\\\") + '"""'


def variable(name: str, taken: set[str], word: str) -> str:
    """A variable's name made from a resource's; `word` tells it apart where another kind has the same.

    Args:
        taken: names in use; the new one is added.
    """
    import keyword
    import re

    stem = re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name), flags=re.ASCII).strip("_").lower()
    if not stem or not stem[0].isalpha() or keyword.iskeyword(stem) or keyword.issoftkeyword(stem):
        stem = f"{word}_{stem}".strip("_")
    if stem in taken:
        stem = f"{stem}_{word}"
    chosen, number = stem, 2
    while chosen in taken:
        chosen, number = f"{stem}_{number}", number + 1
    taken.add(chosen)
    return chosen
