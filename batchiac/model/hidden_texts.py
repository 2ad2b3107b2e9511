"""Texts that must not be shown: the plain values of secrets, found again in whatever sentence they got into.

A rule or a handler that says what it found knows nothing of secrets. So what is said of a resource that has any is
looked through for them before it is shown: spelled as they are, as Python or JSON quotes them, and where a long value
was cut (`…`) for the part that is left.

A truth value is no text; it is hidden by the place where it stands. A short text stands in too many words by chance,
so it is hidden where it is a word of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

HIDDEN: Final = "[secret]"
"""What is shown instead; Pulumi's word."""

LEAST_ANYWHERE: Final = 6
"""Characters from which on a text is hidden in the middle of a word too."""

LEAST_OF_CUT: Final = 4
"""Characters of a secret beside a cut that are worth hiding."""

CUT: Final = "…"


class HiddenTexts:
    """The texts of some secret values. False when there are none.

    Args:
        values: the plain values, JSON of any depth; every string and number in them is one text.
    """

    def __init__(self, values: Iterable[Any] = ()) -> None:
        spelled = {form for value in values for text in _texts(value) for form in _spellings(text)}
        # The longest first: of two of which one begins the other, the whole is to go.
        self._forms = sorted(spelled, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(_searched, self._forms))) if spelled else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def masked(self, text: str) -> str:
        """`text` with `[secret]` in the place of each."""
        if self._pattern is None:
            return text
        text = self._pattern.sub(HIDDEN, text)
        return self._masked_at_cuts(text) if CUT in text else text

    def hides(self, value: Any) -> bool:
        """True when one of them stands in a text or number of `value`, at any depth."""
        return self._pattern is not None and any(self._pattern.search(text) for text in _texts(value, keys=True))

    def _masked_at_cuts(self, text: str) -> str:
        pieces = text.split(CUT)
        for form in self._forms:
            lengths = range(len(form) - 1, LEAST_OF_CUT - 1, -1)
            for index, piece in enumerate(pieces):
                if index < len(pieces) - 1 and (size := next((n for n in lengths if piece.endswith(form[:n])), 0)):
                    piece = piece[:-size] + HIDDEN
                if index and (size := next((n for n in lengths if piece.startswith(form[-n:])), 0)):
                    piece = HIDDEN + piece[size:]
                pieces[index] = piece
        return CUT.join(pieces)


def _texts(value: Any, *, keys: bool = False) -> Iterator[str]:
    if isinstance(value, str):
        if value.strip():
            yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if keys:
                yield str(key)
            yield from _texts(each, keys=keys)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each, keys=keys)


def _spellings(text: str) -> set[str]:
    quoted = {repr(text)[1:-1], json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    # The last: as in an error's text that was put on one line.
    return {text, " ".join(text.split()), *quoted}


def _searched(form: str) -> str:
    literal = re.escape(form)
    return literal if len(form) >= LEAST_ANYWHERE else rf"(?<!\w){literal}(?!\w)"
