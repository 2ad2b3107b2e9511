"""Physical names: the logical name and a suffix, unless the user fixes one.

The suffix is a hash of the identity, the region and, for a replacement, of the name that is replaced. All three are
known whenever a name is made, so a preview shows the name that an apply gives; the same program always asks for the
same name, so an interrupted create is found again; and a replacement gets another name even where nothing else
differs (`--replace`, a tainted resource), so that the new resource can stand beside the old.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from batchiac.provider.identity import logical_name

SUFFIX_LENGTH = 7
AUTO_NAMED = "autoNamed"
"""The input that remembers that the name is ours: such a resource is replaced with old and new side by side."""


def auto_name(inputs: Mapping[str, Any], longest: int = 128, *, replaces: str = "") -> str:
    """`<logical name>-<7 hex digits>`, made of what every AWS name allows (letters, digits, `-`, `_`).

    Args:
        replaces: the name of what is replaced, empty for a first create.
    """
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", logical_name(inputs)).strip("-_") or "batchiac"
    return f"{stem[: longest - SUFFIX_LENGTH - 1]}-{suffix(inputs, replaces)}"


def suffix(inputs: Mapping[str, Any], replaces: str = "") -> str:
    """Seven hex digits of the hash of whose name it is, where, and after which."""
    text = json.dumps([inputs["identity"], inputs["region"], replaces], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:SUFFIX_LENGTH]


def is_auto_name_of(inputs: Mapping[str, Any], name: str, longest: int = 128) -> bool:
    """True when `name` is one that this resource has, had or could have: its stem and any suffix."""
    return name[: -SUFFIX_LENGTH - 1] == auto_name(inputs, longest)[: -SUFFIX_LENGTH - 1] and bool(
        re.fullmatch(rf"-[0-9a-f]{{{SUFFIX_LENGTH}}}", name[-SUFFIX_LENGTH - 1 :])
    )
