"""Pulumi.yaml and the stack's own file, read as Pulumi reads them.

`Pulumi.yaml` says where the program is (`main`), where the stacks' files are (`stackConfigDir`), where the state is
(`backend.url`) and, if it likes, which config keys there are (`config:`). `Pulumi.<stack>.yaml` holds the values.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from batchiac.errors import ConfigError

PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")
STACK_KEYS = ("config", "encryptionsalt", "secretsprovider", "encryptedkey", "environment")
OUR_NAMESPACE = "batchiac"

MAX_FILE_BYTES = 4 * 1024 * 1024
"""Longer files are no config; reading them would only cost time."""


@frozen
class Project:
    """What Pulumi.yaml says.

    Attributes:
        root: the folder of Pulumi.yaml.
        program: the program's folder or file.
        stacks: the folder of the stacks' files.
        backend_url: None when Pulumi.yaml does not say.
        declared: config keys that Pulumi.yaml declares, with namespace; empty when it declares none.
        defaults: of these keys, by full key.
    """

    name: str
    root: Path
    program: Path
    stacks: Path
    backend_url: str | None = None
    declared: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(factory=dict)

    def stack_file(self, stack: str) -> Path:
        return self.stacks / f"Pulumi.{stack}.yaml"

    def stack_names(self) -> list[str]:
        """Every stack that has a file."""
        return sorted(path.name[len("Pulumi.") : -len(".yaml")] for path in self.stacks.glob("Pulumi.?*.yaml"))


@frozen
class SecureText:
    """A config value that is encrypted in the stack's file."""

    ciphertext: str


@frozen
class StackConfig:
    """What a stack's file says.

    Attributes:
        path: the file.
        values: full key → text as the program gets it (nested values as JSON), or `SecureText`, or a nested value
            with `SecureText` inside.
        encryption_salt: None when the stack never held a secret.
    """

    path: Path
    values: Mapping[str, Any]
    encryption_salt: str | None = None


def find_project(start: Path) -> Project:
    """The project of `start` or of the nearest folder above it.

    Raises:
        ConfigError: there is none, or its file is broken.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        for name in PROJECT_FILES:
            if (folder / name).is_file():
                return _read_project(folder / name)
    raise ConfigError(f"no Pulumi.yaml in {start} or above it: run from the project's folder, or name it with --cwd")


def _read_project(path: Path) -> Project:
    document = read_yaml(path)
    name = document.get("name")
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{path} has no name: add one, such as name: infra")
    runtime = document.get("runtime")
    runtime_name = runtime.get("name") if isinstance(runtime, Mapping) else runtime
    if runtime_name not in (None, "python"):
        raise ConfigError(f"{path} has runtime {runtime_name!r}: only python programs run here; use `pulumi up`")
    root = path.parent
    main, stacks = document.get("main") or ".", document.get("stackConfigDir") or "."
    for key, value in (("main", main), ("stackConfigDir", stacks)):
        if not isinstance(value, str):
            raise ConfigError(f"{path} has {key}: {value!r}; it is a path below the project's folder")
    backend = document.get("backend")
    url = backend.get("url") if isinstance(backend, Mapping) else None
    declared, defaults = _declared(path, name, document.get("config"))
    return Project(name, root, (root / main).resolve(), (root / stacks).resolve(), url, declared, defaults)


def _declared(path: Path, project: str, config: object) -> tuple[tuple[str, ...], dict[str, Any]]:
    if config is None:
        return (), {}
    if not isinstance(config, Mapping):
        raise ConfigError(f"{path} has config: {config!r}; it is a mapping of keys")
    keys, defaults = [], {}
    for key, row in config.items():
        full = str(key) if ":" in str(key) else f"{project}:{key}"
        keys.append(full)
        if isinstance(row, Mapping):
            value = row.get("value", row.get("default"))
        else:
            value = row
        if value is not None:
            defaults[full] = config_text(value)
    return tuple(keys), defaults


def read_stack(project: Project, stack: str) -> StackConfig:
    """The stack's file.

    Raises:
        ConfigError: there is no such stack, the file is broken, or a key in it is unknown.
    """
    path = project.stack_file(stack)
    if not path.is_file():
        known = project.stack_names()
        has = f"known are {', '.join(known)}" if known else "there is none yet"
        near = difflib.get_close_matches(stack, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(f"no such stack {stack!r} ({path} is missing): {has}{hint}")
    document = read_yaml(path)
    for key in document:
        if key not in STACK_KEYS:
            raise ConfigError(f"{path} has the unknown key {key!r}: known are {_nearest(str(key), STACK_KEYS)}")
    provider = document.get("secretsprovider")
    if provider not in (None, "", "passphrase", "default"):
        raise ConfigError(
            f"{path} has secretsprovider {provider!r}: only passphrase is supported here; use `pulumi up`"
        )
    salt = document.get("encryptionsalt")
    if salt is not None and not isinstance(salt, str):
        raise ConfigError(f"{path} has encryptionsalt {salt!r}: it is a text; restore it from version control")
    config = document.get("config") or {}
    if not isinstance(config, Mapping):
        raise ConfigError(f"{path} has config: {config!r}; it is a mapping of keys")
    values = dict(project.defaults)
    for key, value in config.items():
        full = str(key) if ":" in str(key) else f"{project.name}:{key}"
        values[full] = config_text(value)
    _require_known(project, path, config, values)
    return StackConfig(path, values, salt)


def _require_known(project: Project, path: Path, config: Mapping[Any, Any], values: Mapping[str, Any]) -> None:
    own = [key for key in project.declared if key.startswith(f"{project.name}:")]
    for key in values:
        namespace = key.partition(":")[0]
        if namespace == project.name and own and key not in own:
            raise ConfigError(f"{path} has the unknown config key {key}: known are {_nearest(key, own)}")
        if namespace not in (project.name, OUR_NAMESPACE, "pulumi"):
            near = difflib.get_close_matches(namespace, (project.name, OUR_NAMESPACE), n=1, cutoff=0.75)
            if near:
                raise ConfigError(f"{path} has the config key {key}: did you mean {near[0]}:{key.partition(':')[2]}?")


def _nearest(key: str, known: Iterable[str]) -> str:
    known = sorted(known)
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
    shown = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
    return f"{shown}; did you mean {near[0]}?" if near else shown


def config_text(value: object) -> Any:
    """A config value as the program and the provider get it: text; nested values as JSON; secure ones kept apart."""
    if isinstance(value, Mapping) and set(value) == {"secure"}:
        return SecureText(str(value["secure"]))
    if has_secure(value):
        return _with_secure(value)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping | list):
        return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False, default=str)
    return "" if value is None else str(value)


def has_secure(value: object) -> bool:
    """True when a part of a config value is encrypted."""
    if isinstance(value, Mapping):
        return set(value) == {"secure"} or any(has_secure(each) for each in value.values())
    if isinstance(value, list):
        return any(has_secure(each) for each in value)
    return isinstance(value, SecureText)


def _with_secure(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"secure"}:
            return SecureText(str(value["secure"]))
        return {key: _with_secure(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_secure(each) for each in value]
    return value


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping.

    Raises:
        ConfigError: the file cannot be read, is not YAML (with its line), or is no mapping.
    """
    import yaml

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"{path} has {len(data)} bytes: a config file has at most {MAX_FILE_BYTES}")
    try:
        document = yaml.load(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        line = f" at line {mark.line + 1}" if mark is not None else ""
        raise ConfigError(f"{path} is not YAML{line}: {problem}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{path} holds a {type(document).__name__} at line 1: it has to be a mapping")
    return document
