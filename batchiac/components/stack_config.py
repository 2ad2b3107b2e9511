"""A stack's config, read strictly: every key is known, of its type, and an unknown one is named with the nearest.

A program states the keys that it reads as a mapping from key to `Key`; a key that nobody reads is a mistake that
would otherwise be silent (`maxVcpu: 512` and nothing happens).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

import pulumi
from attrs import frozen

from batchiac.errors import ConfigError


class ConfigRunError(ConfigError, pulumi.RunError):
    """The stack's config is wrong. A `RunError` to Pulumi's engine, which then shows one line and no traceback."""


@frozen
class Key:
    """One config key.

    Attributes:
        type: `str`, `int`, `float`, `bool`, `list` (of strings) or `dict`.
        default: when the stack does not say; `...` means that it must.
        choices: the values allowed, if not any.
    """

    type: type
    default: Any = ...
    choices: tuple[Any, ...] = ()


def read_config(keys: Mapping[str, Key], namespace: str | None = None) -> dict[str, Any]:
    """Key → value, typed, for every key of `keys`.

    Raises:
        ConfigError: unknown keys, missing ones, values of another type: all of them in one sentence each.
    """
    namespace = namespace or pulumi.get_project()
    # pulumi.Config reads single keys and cannot list them. Both engines hand the program the whole of it this way.
    present = pulumi.runtime.get_config_env()
    problems = [
        f"unknown config key {key}; did you mean {namespace}:{_nearest(key.partition(':')[2], keys)}?"
        for key in present
        if key.startswith(f"{namespace}:") and key.partition(":")[2] not in keys
    ]
    config = pulumi.Config(namespace)
    values: dict[str, Any] = {}
    for name, key in keys.items():
        text = config.get(name)
        if text is None:
            if key.default is ...:
                problems.append(f"config key {namespace}:{name} is missing: set it in the stack's file")
            values[name] = key.default
            continue
        try:
            values[name] = _typed(text, key)
        except ValueError:
            problems.append(f"config key {namespace}:{name} is {text!r}: it takes {_words(key)}")
            continue
        if key.choices and values[name] not in key.choices:
            problems.append(
                f"config key {namespace}:{name} is {text!r}: allowed are {', '.join(map(str, key.choices))}"
            )
    if problems:
        raise ConfigRunError("; ".join(problems))
    return values


def _typed(text: Any, key: Key) -> Any:
    if key.type is str:
        return str(text)
    value = json.loads(text) if isinstance(text, str) else text
    if key.type is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if key.type is list and not isinstance(value, list):
        raise ValueError
    if not isinstance(value, key.type) or (key.type is int and isinstance(value, bool)):
        raise ValueError
    return value


def _nearest(name: str, keys: Mapping[str, Key]) -> str:
    return difflib.get_close_matches(name, keys, n=1, cutoff=0.0)[0]


def _words(key: Key) -> str:
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", list: "a list"}
    return words.get(key.type, "a mapping")
