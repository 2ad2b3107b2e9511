"""A stack's config as it stands in the project's files, for the verbs that need neither Pulumi nor the program."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batchiac.errors import ConfigError
from batchiac.rules.read.guard import read_file


def read_stack_config(folder: str, stack: str) -> Mapping[str, Any]:
    """The `config:` of `Pulumi.<stack>.yaml`; values that are encrypted come back as Pulumi's `{"secure": …}`.

    Args:
        folder: the project's, where Pulumi.yaml is.
        stack: its name.

    Raises:
        ConfigError: no project there, a name that no stack can have, or no file of that stack.
        UserError: a file that cannot be read as YAML.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", stack) or stack.strip(".") == "":
        raise ConfigError(f"{stack[:100]!r} is not the name of a stack: letters, digits, - _ and . are allowed")
    project = Path(folder) / "Pulumi.yaml"
    if not project.is_file():
        raise ConfigError(f"{folder} has no Pulumi.yaml: give the project's folder with --cwd")
    settings = read_file(str(project)).value
    place = settings.get("stackConfigDir") if isinstance(settings, Mapping) else None
    path = Path(folder) / (place if isinstance(place, str) else ".") / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        raise ConfigError(f"the stack {stack!r} has no file {path}: make it with `pulumi stack init {stack}`")
    value = read_file(str(path)).value
    config = value.get("config") if isinstance(value, Mapping) else None
    if config is None:
        return {}
    if not isinstance(config, Mapping):
        raise ConfigError(f"{path} has a config that is not a mapping of keys to values")
    return config
