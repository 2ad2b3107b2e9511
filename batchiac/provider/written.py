"""What exists as a person would write it: for programs that are written from an account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from batchiac.provider.normalise import normal, pruned_of
from batchiac.provider.read_back import without_path
from batchiac.provider.spelling import is_mapping

LEFT_TO_AWS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "ComputeEnvironment": (("computeResources.updateToLatestImageVersion", ""),),
    # AWS infers it from compute environments; of a queue of service jobs it has to be said (JQ012, ST010).
    "JobQueue": (("jobQueueType", "serviceEnvironmentOrder"),),
}
"""Kind → (path, unless): what follows from the rest, or is a wish for one update only. Nobody writes it down, unless
the other input is given."""


ALWAYS_SAID: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    # The API requires them, though the numbers of an order mean nothing and none is a minimum as well.
    "ComputeEnvironment": (("computeResources", "minvCpus"),),
    "JobQueue": (("computeEnvironmentOrder",), ("serviceEnvironmentOrder",)),
    "ConsumableResource": (("totalQuantity",),),
    # Whose group a rule names is needed to make it, though the group's id says it already.
    "SecurityGroup": (("ingress",),),
}
"""What stays though the normal form is the same without it."""


def as_written(kind: str, actual: Mapping[str, Any]) -> dict[str, Any]:
    """What exists as a person would write it: every value that means nothing to the normal form is left out.

    Args:
        actual: the inputs as AWS tells them, `tags` among them.
    """
    written = {key: value for key, value in pruned_of(kind, actual).items() if key != "tags"}
    for path, unless in LEFT_TO_AWS.get(kind, ()):
        if not written.get(unless):
            written = without_path(written, path)
    if kind == "Role":
        written = {key: _documents(value) if key == "inlinePolicies" else value for key, value in written.items()}
    wanted = normal(kind, written)
    said: tuple[tuple[str, ...], ...] = ALWAYS_SAID.get(kind, ())
    for key in list(written):
        for place in [*_leaves(written[key], (key,)), (key,)]:
            if any(place[: len(each)] == each for each in said):
                continue
            shorter = _shortened(written, place)
            if shorter is not None and normal(kind, shorter) == wanted:
                written = shorter
    tags = normal(kind, {"tags": actual.get("tags") or {}})
    return {**pruned_of(kind, written), **tags}


def _leaves(value: Any, at: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
    """The paths of every member of a mapping below `value`, the deepest first; elements of lists are no members."""
    found: list[tuple[str | int, ...]] = []
    if is_mapping(value):
        for key, each in value.items():
            found += [*_leaves(each, (*at, key)), (*at, key)]
    elif isinstance(value, list):
        for index, each in enumerate(value):
            found += _leaves(each, (*at, index))
    return found


def _shortened(value: Any, path: tuple[str | int, ...]) -> Any:
    """`value` without the member at `path`; None where it is not there any more."""
    head, rest = path[0], path[1:]
    if isinstance(head, int):
        if not isinstance(value, list) or head >= len(value):
            return None
        inner = _shortened(value[head], rest)
        return None if inner is None else [*value[:head], inner, *value[head + 1 :]]
    if not is_mapping(value) or head not in value:
        return None
    if not rest:
        return {key: each for key, each in value.items() if key != head}
    inner = _shortened(value[head], rest)
    return None if inner is None else {**value, head: inner}


def _documents(policies: Any) -> Any:
    return {name: json.loads(each) if isinstance(each, str) else each for name, each in policies.items()}
