"""A changed text as the lines that differ: what a reviewer of a start-up script wants to see.

User data stands in a launch template in Base64, where one changed word changes nothing that can be read. So Base64 of
text is shown as that text, and of a text of several lines only those that differ.
"""

from __future__ import annotations

import base64
import binascii
import difflib
from typing import Any, Final

LONGEST_LINE: Final = 200
MOST_LINES: Final = 20
"""How many differing lines are shown before the rest is counted."""


def text_change(old: Any, new: Any) -> list[str] | None:
    """The lines that differ, each with `- ` or `+ ` before it; None where the values are better shown as they are.

    Args:
        old, new: the values, without secrets.
    """
    if not isinstance(old, str) or not isinstance(new, str):
        return None
    before, after = _readable(old), _readable(new)
    if "\n" not in before and "\n" not in after and (before, after) == (old, new):
        return None
    changed = [each for each in difflib.ndiff(before.splitlines(), after.splitlines()) if each[:2] in ("- ", "+ ")]
    if not changed:
        return None
    shown = [each if len(each) <= LONGEST_LINE else f"{each[:LONGEST_LINE]}…" for each in changed[:MOST_LINES]]
    if left := len(changed) - MOST_LINES:
        shown += [f"… and {left} more lines"] if left > 0 else []
    return shown


def _readable(text: str) -> str:
    """The text that a Base64 string stands for, or the string itself."""
    if len(text) < 16 or len(text) % 4:
        return text
    try:
        decoded = base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return text
    return decoded if all(each.isprintable() or each in "\r\n\t" for each in decoded) else text
