"""`batchiac serve --settings FILE`: how long things take and which of two readings holds, for a server.

The file is YAML or JSON. Its keys are the names of EngineSettings' fields; `service` and `messages` hold fields of
their own, and `quotas` those of Quotas. What it leaves out keeps its default (the executor's: real processes wait for
no instance).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from batchiac.engine.settings import EngineSettings
from batchiac.errors import ConfigError
from batchiac.local.quotas import Quotas

Given = Mapping[str, Any]
"""Field name → value, as a file gives them."""

_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", dict: "names with values"}


def read_settings(path: Path) -> Given:
    """What a settings file gives, checked.

    Raises:
        ConfigError: it cannot be read, is neither YAML nor JSON, or says what no EngineSettings can be.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"the settings {path} cannot be read: {error.strerror}; name a YAML or JSON file (docs/settings.md)"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the settings {path} are not UTF-8 text: write them in YAML or JSON") from error
    given = _parse(path, text)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ConfigError(f"the settings {path} hold {_kind(given)}: give names with values, such as launch_ms: 30000")
    try:
        make_settings(given, EngineSettings())
        make_quotas(given)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.message}") from error
    return given


def _parse(path: Path, text: str) -> Any:
    import yaml

    try:
        # YAML has no tabs between tokens, which JSON may have.
        return json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise ConfigError(f"the settings {path} are not JSON at {where}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" at line {mark.line + 1}"
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise ConfigError(f"the settings {path} are not YAML{where}: {problem}") from error


def make_settings(given: Given, base: EngineSettings) -> EngineSettings:
    """`base` with what is given.

    Raises:
        ConfigError: an unknown name, or a value of another kind or out of its range.
    """
    settings: EngineSettings = _evolved(base, {key: value for key, value in given.items() if key != "quotas"}, "")
    return settings


def make_quotas(given: Given) -> Quotas:
    """The account's quotas with what is given.

    Raises:
        ConfigError: as make_settings.
    """
    wanted = given.get("quotas", {})
    if not isinstance(wanted, dict):
        raise ConfigError(f"quotas is {wanted!r}: give names with values")
    quotas: Quotas = _evolved(Quotas(), wanted, "quotas.")
    return quotas


def _evolved(base: Any, given: Given, prefix: str) -> Any:
    known = [each.name for each in attrs.fields(type(base))] + ["quotas"] * isinstance(base, EngineSettings)
    changes: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.0)[0]
            raise ConfigError(f"there is no setting {prefix}{name}: the nearest is {prefix}{near} (docs/settings.md)")
        before = getattr(base, name)
        if attrs.has(type(before)):
            if not isinstance(value, dict):
                raise ConfigError(f"{prefix}{name} is {value!r}: give names with values")
            changes[name] = _evolved(before, value, f"{prefix}{name}.")
        else:
            changes[name] = _checked(prefix + name, value, before)
    try:
        return attrs.evolve(base, **changes)
    except ValueError as error:
        where = f"{prefix[:-1]}: " if prefix else ""
        raise ConfigError(f"{where}{error.args[0]}") from error


def _checked(name: str, value: Any, default: Any) -> Any:
    """A value of its field's kind, which its default shows."""
    kind = type(default)
    if value is None and name.startswith("quotas."):
        return None
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ConfigError(f"{name} is {value!r}: give {_WORDS[kind]}, such as {json.dumps(default)}")
    if kind is dict:  # the only one: registered_memory_mib
        for key, number in value.items():
            if not isinstance(key, str) or type(number) is not int or number < 0:
                raise ConfigError(
                    f"{name} has {key!r}: {number!r}: give instance types with MiB, such as c5.large: 3788"
                )
    return value


def _kind(value: Any) -> str:
    return "a list" if isinstance(value, list) else repr(value)


def kept_settings(given: Given) -> dict[str, Any] | None:
    """What a data folder remembers of them: what differs from the defaults; None where nothing does."""
    found = attrs.asdict(make_settings(given, EngineSettings()))
    default = attrs.asdict(EngineSettings())
    kept = {name: value for name, value in found.items() if value != default[name]}
    for name in ("service", "messages"):
        if name in kept:
            kept[name] = {each: value for each, value in kept[name].items() if value != default[name][each]}
    usual = attrs.asdict(Quotas())
    if quotas := {name: value for name, value in attrs.asdict(make_quotas(given)).items() if value != usual[name]}:
        kept["quotas"] = quotas
    return kept or None
