"""EC2 and IAM spell their parameters with a capital first letter; inputs and state do not. Both ways, at any depth.

Tags are the exception everywhere: `{key: value}` on our side, `[{"Key": …, "Value": …}]` there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any


def capitalised(value: Any) -> Any:
    """`{"cidrBlock": …}` → `{"CidrBlock": …}`, at any depth."""
    if isinstance(value, Mapping):
        return {key[:1].upper() + key[1:]: capitalised(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [capitalised(each) for each in value]
    return value


def uncapitalised(value: Any) -> Any:
    """`{"CidrBlock": …}` → `{"cidrBlock": …}`, at any depth; a time becomes its ISO text, because state is JSON."""
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: uncapitalised(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [uncapitalised(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """`{key: value}` as EC2 and IAM take it."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_map(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """What EC2 and IAM list, as `{key: value}`."""
    return {each["Key"]: each.get("Value", "") for each in tags or ()}
