"""What AWS tells of a resource, in the state's own spelling: a read differs from the state where what exists does.

AWS also tells what nobody asked for, keeps what it was told to itself, and reorders; the rows say where.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from batchiac.provider.normalise import normal
from batchiac.provider.spelling import is_mapping

COMPUTED: Final[Mapping[str, tuple[str, ...]]] = {
    "ComputeEnvironment": (
        "computeResources.updateToLatestImageVersion",
        "computeResources.launchTemplate.version",
        "computeResources.launchTemplate.userdataType",
        "computeResources.launchTemplate.overrides[].version",
        "computeResources.launchTemplate.overrides[].userdataType",
        "unmanagedvCpus",
        "context",
    ),
    "JobQueue": ("jobQueueType",),
    "Subnet": ("availabilityZone",),
    "PlacementGroup": ("partitionCount", "spreadLevel"),
}
"""What AWS chooses when the program does not say: then it is no drift whatever it is. `[]` is every element."""


COMPUTED_UNLESS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "ComputeEnvironment": (("computeResources.ec2Configuration", "imageIdOverride"),),
}
"""Kind → (path of a list, member): the same, as long as no element has that member, which only a caller gives."""


READ_ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    "ComputeEnvironment": ("computeResources.ec2Configuration[].batchImageStatus",),
}
"""What AWS tells of its own doing, among the inputs: never an input."""


WRITE_ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    "ComputeEnvironment": ("computeResources.updateToLatestImageVersion",),
}
"""What AWS takes and never tells: the state's word for it stands."""


UNTOLD: Final[Mapping[str, tuple[tuple[str, frozenset[str]], ...]]] = {
    "ComputeEnvironment": tuple(
        (f"computeResources.launchTemplate.{place}version", frozenset({"$Latest", "$Default"}))
        for place in ("", "overrides[].")
    ),
}
"""Kind → paths and values that do not tell what they mean now: of a floating version AWS keeps the word, and not what
it was at the last infrastructure update. So the number that the state has is no drift from it."""


CALLED_BY: Final[Mapping[str, str]] = {"overrides": "targetInstanceTypes"}
"""Lists whose elements hold what AWS computes or does not tell → the member by which one is found in the state: "each
target instance type can be in one override only" (BC:LaunchTemplateSpecificationOverride)."""


def merge_read(kind: str, known: Mapping[str, Any], actual: Mapping[str, Any]) -> dict[str, Any]:
    """What exists, each top-level property in the state's own spelling where that means the same.

    Args:
        known: the inputs by the state.
        actual: the inputs as AWS tells them; a property that AWS never tells is absent here and kept, one that it
            tells to be unset is None.
    """
    for path in READ_ONLY.get(kind, ()):
        actual = _changed(known, actual, path, lambda _said, _told: None)
    for path in COMPUTED.get(kind, ()):
        actual = _changed(known, actual, path, lambda said, told: None if said is None else told)
    for path, member in COMPUTED_UNLESS.get(kind, ()):
        is_given = any(each.get(member) for each in _at(actual, path) or ())
        if _at(known, path) is None and not is_given:
            actual = without_path(actual, path)
    for path, words in UNTOLD.get(kind, ()):
        actual = _changed(known, actual, path, partial(_said_for, words))
    for path in WRITE_ONLY.get(kind, ()):
        actual = _changed(known, actual, path, lambda said, told: told if said is None else said)
    same = normal(kind, known)
    other = normal(kind, actual)
    merged = dict(known)
    for key in {**known, **actual}:
        if key in actual or key == "tags":
            if same.get(key) == other.get(key):
                continue
            if actual.get(key) is not None:
                merged[key] = _merged(known.get(key), actual[key], same.get(key), other.get(key))
            else:
                merged.pop(key, None)
    return _in_known_order(kind, merged, known, ())


IDENTIFYING: Final = (
    "name",
    "type",
    "key",
    "shareIdentifier",
    "containerPath",
    "imageType",
    "hostPath",
    "targetNodes",
    "capacityUnit",
    "consumableResource",
)
"""What an element of a list is called by, so that a changed one is found at its old place."""


def _in_known_order(kind: str, merged: dict[str, Any], known: Any, at: tuple[str, ...]) -> dict[str, Any]:
    """`merged` with each list in the state's order, where order means nothing: only what changed differs then."""
    here, there = _at(merged, ".".join(at)) if at else merged, _at(known, ".".join(at)) if at else known
    if is_mapping(here) and is_mapping(there):
        for key in here:
            if key in there and here[key] is not there[key] and "." not in key:
                merged = _in_known_order(kind, merged, known, (*at, key))
    elif isinstance(here, list) and isinstance(there, list) and here != there:
        turned = _with(merged, ".".join(at), _ordered_as(here, there))
        if normal(kind, turned) == normal(kind, merged):
            return dict(turned)
    return merged


def _ordered_as(found: list[Any], known: list[Any]) -> list[Any]:
    """The elements of `found`, those that `known` has too at their places there, new ones in what is left."""
    left = list(found)
    places: list[Any] = [None] * len(known)
    for same in (_is_equal, _is_of_one_name):
        for index, each in enumerate(known):
            if places[index] is None and (match := next((it for it in left if same(it, each)), None)) is not None:
                left.remove(match)
                places[index] = match
    if len(found) >= len(known):
        places = [each if each is not None else left.pop(0) for each in places]
    return [*(each for each in places if each is not None), *left]


def _is_equal(one: Any, other: Any) -> bool:
    return bool(one == other)


def _is_of_one_name(one: Any, other: Any) -> bool:
    if not (is_mapping(one) and is_mapping(other)):
        return False
    return any(key in one and one[key] == other.get(key) for key in IDENTIFYING)


def _merged(known: Any, actual: Any, same: Any, other: Any) -> Any:
    """Inside a mapping, only the parts that differ take AWS's spelling."""
    if not (is_mapping(known) and is_mapping(actual) and is_mapping(same) and is_mapping(other)):
        return actual
    merged: dict[str, Any] = {}
    for key in {**known, **actual}:
        if same.get(key) == other.get(key):
            if key in known:
                merged[key] = known[key]
        elif key in actual:
            merged[key] = _merged(known.get(key), actual[key], same.get(key), other.get(key))
    return merged


def _said_for(words: frozenset[str], said: Any, told: Any) -> Any:
    return said if said is not None and told in words else told


def _changed(known: Any, actual: Any, path: str, change: Callable[[Any, Any], Any]) -> Any:
    """`actual` with `change(what the state says, what AWS tells)` at every place of `path`; None takes it out."""
    head, _, rest = path.partition(".")
    key = head.removesuffix("[]")
    if not is_mapping(actual) or (rest and key not in actual):
        return actual
    said = known.get(key) if is_mapping(known) else None
    if not rest:
        new = change(said, actual.get(key))
    elif isinstance(actual[key], list):
        new = [_changed(_counterpart(key, each, said), each, rest, change) for each in actual[key]]
    else:
        new = _changed(said, actual[key], rest, change)
    return {**actual, key: new} if new is not None else {other: each for other, each in actual.items() if other != key}


def _counterpart(key: str, element: Mapping[str, Any], known: Any) -> Any:
    """The state's element of the list `key` that is called as this one is; None where there is none."""
    if key not in CALLED_BY or not isinstance(known, list):
        return None
    names = set(element.get(CALLED_BY[key]) or ())
    return next((each for each in known if is_mapping(each) and names == set(each.get(CALLED_BY[key]) or ())), None)


def without_path(value: Any, path: str) -> Any:
    """`value` without what stands at a dotted path."""
    head, _, rest = path.partition(".")
    if not is_mapping(value) or head not in value:
        return value
    if rest:
        return {**value, head: without_path(value[head], rest)}
    return {key: each for key, each in value.items() if key != head}


def _with(value: Any, path: str, new: Any) -> Any:
    head, _, rest = path.partition(".")
    return {**value, head: _with(value[head], rest, new) if rest else new}


def _at(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value.get(key) if is_mapping(value) else None
    return value
