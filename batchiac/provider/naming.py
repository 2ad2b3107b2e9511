"""Physical names: the logical name and a suffix, unless the user fixes one.

The suffix is a hash of the identity and of the inputs, those not yet known left out. So the same program always asks
for the same name (an interrupted create is found again), and a replacement, whose inputs differ, gets another one:
the new resource can stand beside the old.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from batchiac.model.unknown import UNKNOWN
from batchiac.provider.identity import logical_name

SUFFIX_LENGTH = 7
AUTO_NAMED = "autoNamed"
"""The input that remembers that the name is ours: such a resource is replaced with old and new side by side."""


def auto_name(inputs: Mapping[str, Any], longest: int = 128) -> str:
    """`<logical name>-<7 hex digits>`, made of what every AWS name allows (letters, digits, `-`, `_`)."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", logical_name(inputs)).strip("-_") or "batchiac"
    return f"{stem[: longest - SUFFIX_LENGTH - 1]}-{suffix(inputs)}"


def suffix(inputs: Mapping[str, Any]) -> str:
    """Seven hex digits of the hash of everything known."""
    text = json.dumps(_known(inputs), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:SUFFIX_LENGTH]


def is_auto_name_of(inputs: Mapping[str, Any], name: str, longest: int = 128) -> bool:
    """True when `name` is one that this resource has, had or could have: its stem and any suffix."""
    return name[: -SUFFIX_LENGTH - 1] == auto_name(inputs, longest)[: -SUFFIX_LENGTH - 1] and bool(
        re.fullmatch(rf"-[0-9a-f]{{{SUFFIX_LENGTH}}}", name[-SUFFIX_LENGTH - 1 :])
    )


def _known(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _known(each) for key, each in value.items() if each is not UNKNOWN}
    if isinstance(value, list | tuple):
        return [_known(each) for each in value if each is not UNKNOWN]
    return value
