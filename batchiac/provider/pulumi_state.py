"""What Pulumi's file backend remembers of a resource, for the adapter: a dynamic provider is told too little.

Under `--replace` Pulumi asks for a check without old inputs, as for a new resource; and a process that was killed
between our answer and Pulumi's record leaves a pending operation, of which no provider hears. Both stand in the stack's
file.
Other backends are not looked at: there, such a create is refused because its name is taken (docs/decisions/0303).

Only read, once in a process: a provider process serves one run, and what counts is what there was before it.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote


def find_live(token: str, identity: str) -> Mapping[str, Any] | None:
    """The inputs of the resource of that type and identity which the state holds; None when it holds none."""
    for each in _latest(identity).get("resources") or ():
        if each.get("type") == token and not each.get("delete"):
            inputs: Mapping[str, Any] = each.get("inputs") or {}
            if inputs.get("identity") == identity:
                return inputs
    return None


def was_creating(token: str, identity: str) -> bool:
    """True when a run before this one died while it created that resource."""
    pending = _latest(identity).get("pending_operations") or ()
    return any(
        each.get("type") == "creating"
        and each["resource"].get("type") == token
        and (each["resource"].get("inputs") or {}).get("identity") == identity
        for each in pending
    )


def holds(identity: str, id_: str) -> bool:
    """True when a resource of the stack that the identity names has this id."""
    return any(each.get("id") == id_ for each in _latest(identity).get("resources") or ())


def neighbours(identity: str, token: str) -> list[Mapping[str, Any]]:
    """The outputs of every resource of that type in the stack that the identity names."""
    resources = _latest(identity).get("resources") or ()
    return [each.get("outputs") or {} for each in resources if each.get("type") == token and not each.get("delete")]


def _latest(identity: str) -> Mapping[str, Any]:
    project, stack, *_ = f"{identity}//".split("/")
    return _read(project, stack)


@functools.cache
def _read(project: str, stack: str) -> Mapping[str, Any]:
    folder = _backend()
    path = folder / ".pulumi" / "stacks" / project / f"{stack}.json" if folder is not None else None
    try:
        document = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
    except FileNotFoundError:
        return {}
    latest: Mapping[str, Any] = (document.get("checkpoint") or {}).get("latest") or {}
    return latest


def _backend() -> Path | None:
    """The folder of the file backend; None when the state is kept elsewhere."""
    project_file = next((each / "Pulumi.yaml" for each in _upwards() if (each / "Pulumi.yaml").is_file()), None)
    if project_file is None:
        return None
    url = os.environ.get("PULUMI_BACKEND_URL", "")
    if not url:
        import yaml

        project = yaml.safe_load(project_file.read_text(encoding="utf-8")) or {}
        url = str((project.get("backend") or {}).get("url") or "")
    if not url.startswith("file://"):
        return None
    return project_file.parent / Path(unquote(url.removeprefix("file://").partition("?")[0])).expanduser()


def _upwards() -> tuple[Path, ...]:
    here = Path.cwd()
    return (here, *here.parents)
