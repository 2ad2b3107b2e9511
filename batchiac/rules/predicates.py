"""The small tests that rows are put together from.

Each function here makes a `Check`. Tests of a value say nothing where the property is absent, and nothing of a value
of the wrong type (the shape check does). What does not fit is a function of its own beside the row, wrapped by
`each_value` or `whole`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any

from batchiac.model.unknown import UNKNOWN
from batchiac.rules.row import Broken, Check, Condition
from batchiac.rules.view import View


def shown(value: Any, limit: int = 80) -> str:
    """A value in the words of a message: strings quoted, long ones cut in the middle."""
    if value is UNKNOWN:
        return "a value that is not yet known"
    text = repr(value) if isinstance(value, str) else _plain(value)
    return text if len(text) <= limit else f"{text[: limit - 20]}…{text[-15:]}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_plain(each) for each in value[:8]) + (", …]" if len(value) > 8 else "]")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: …" for key in list(value)[:6]) + "}"
    return str(value)


def shown_all(values: Iterable[Any]) -> str:
    """Several values in a row, in their order: `'a', 'b'`."""
    return ", ".join(shown(each) for each in values)


# --- presence ---------------------------------------------------------------------------------------------------


def required(*others: str) -> Check:
    """The property must stand, non-empty, wherever its parent stands; or one of `others` (paths from the root) does."""

    def run(view: View, path: str) -> Iterator[Broken]:
        for parent, last in view.parents(path):
            if not _filled(parent, last) and not any(_filled(view, other) for other in others):
                yield Broken(parent.absolute(last), "missing" if not parent.has(last) else "empty")

    return Check(run, on_absent=True)


def _filled(view: View, path: str) -> bool:
    if not view.has(path):
        return False
    value = view.raw(path)
    return not (isinstance(value, str | list | tuple | Mapping) and len(value) == 0)


def forbidden() -> Check:
    """The property must not stand at all (the row's `when` says where)."""

    def run(view: View, path: str) -> Iterator[Broken]:
        for parent, last in view.parents(path):
            if parent.has(last):
                yield Broken(parent.absolute(last), f"given as {shown(parent.raw(last))}")

    return Check(run)


def forbidden_unless_empty() -> Check:
    """The property must be absent or empty."""

    def run(view: View, path: str) -> Iterator[Broken]:
        for parent, last in view.parents(path):
            if _filled(parent, last):
                yield Broken(parent.absolute(last), f"given as {shown(parent.raw(last))}")

    return Check(run)


def exactly_one_of(*members: str) -> Check:
    """Of these members of the object at the property, exactly one stands. `""` as property is the whole resource."""

    def run(view: View, path: str) -> Iterator[Broken]:
        for at in _objects(view, path):
            given = [member for member in members if _filled(at, member)]
            if len(given) != 1:
                yield Broken(at.path or members[0], "without any of them" if not given else " and ".join(given))

    return Check(run, on_absent=True)


def at_most_one_of(*members: str) -> Check:
    """Of these members of the object at the property, not more than one stands."""

    def run(view: View, path: str) -> Iterator[Broken]:
        for at in _objects(view, path):
            given = [member for member in members if _filled(at, member)]
            if len(given) > 1:
                yield Broken(at.path or given[1], "given as " + " and ".join(given))

    return Check(run, on_absent=True)


def at_least_one_of(*members: str) -> Check:
    """Of these members of the object at the property, one or more stand."""

    def run(view: View, path: str) -> Iterator[Broken]:
        for at in _objects(view, path):
            if not any(_filled(at, member) for member in members):
                yield Broken(at.path or members[0], "without any of them")

    return Check(run, on_absent=True)


def _objects(view: View, path: str) -> Iterator[View]:
    """A view of each object at `path`; the whole resource for the empty path."""
    if not path:
        yield view
        return
    for parent, _ in view.parents(f"{path}.x"):
        yield parent


# --- values -----------------------------------------------------------------------------------------------------


def _value_check(wrong: Callable[[Any], str | None]) -> Check:
    def run(view: View, path: str) -> Iterator[Broken]:
        for at, value in view.each(path):
            found = wrong(value)
            if found is not None:
                yield Broken(at, found, {"value": value})

    return Check(run)


def within(low: float | None, high: float | None = None) -> Check:
    """A number from `low` to `high`, both allowed; None leaves a side open."""

    def wrong(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        outside = (low is not None and value < low) or (high is not None and value > high)
        return str(value) if outside else None

    return _value_check(wrong)


def zero_or_within(low: float, high: float) -> Check:
    """A number that is 0, or from `low` to `high`."""

    def wrong(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return None if value == 0 or low <= value <= high else str(value)

    return _value_check(wrong)


def one_of(*allowed: Any) -> Check:
    """One of these values, exactly as written."""

    def wrong(value: Any) -> str | None:
        return None if value in allowed or not isinstance(value, str | int | float) else shown(value)

    return _value_check(wrong)


def none_of(*forbidden_values: Any) -> Check:
    """Anything but these values."""

    def wrong(value: Any) -> str | None:
        return shown(value) if isinstance(value, str | int | float) and value in forbidden_values else None

    return _value_check(wrong)


def matches(pattern: str, *, flags: int = 0) -> Check:
    """A string that the whole of `pattern` matches."""
    compiled = re.compile(pattern, flags)

    def wrong(value: Any) -> str | None:
        return shown(value) if isinstance(value, str) and not compiled.fullmatch(value) else None

    return _value_check(wrong)


def matches_not(pattern: str, *, flags: int = 0) -> Check:
    """A string in which `pattern` is nowhere found."""
    compiled = re.compile(pattern, flags)

    def wrong(value: Any) -> str | None:
        return shown(value) if isinstance(value, str) and compiled.search(value) else None

    return _value_check(wrong)


def longest(limit: int) -> Check:
    """A string of at most `limit` characters."""

    def wrong(value: Any) -> str | None:
        return f"{len(value)} characters long" if isinstance(value, str) and len(value) > limit else None

    return _value_check(wrong)


def each_value(wrong: Callable[[Any], str | None]) -> Check:
    """A function of one value that returns what was found, or None when it is right."""
    return _value_check(wrong)


# --- lists ------------------------------------------------------------------------------------------------------


def items(low: int = 0, high: int | None = None) -> Check:
    """A list or object with `low` to `high` elements, known or not."""

    def run(view: View, path: str) -> Iterator[Broken]:
        for parent, last in view.parents(path):
            if not parent.has(last):
                continue
            value = parent.raw(last)
            if not isinstance(value, list | tuple | Mapping):
                continue
            count = len(value)
            if count < low or (high is not None and count > high):
                yield Broken(parent.absolute(last), f"{count} long" if count else "empty", {"count": count})

    return Check(run)


def unique(*members: str) -> Check:
    """No two elements of the list at the property are equal; with `members`, equal in all of these members.

    Elements with none of the members are left out.
    """

    def run(view: View, path: str) -> Iterator[Broken]:
        for parent, last in view.parents(path):
            seen: dict[Hashable, str] = {}
            if not members:
                pairs = ((at, value) for at, value in parent.each(f"{last}[]"))
            else:
                pairs = (
                    (element.path, tuple(_hashable(element.identity(member)) for member in members))
                    for element in parent.views(last)
                    if isinstance(element.raw(""), Mapping)
                )
            for at, value in pairs:
                key = _hashable(value)
                if members and isinstance(value, tuple) and all(each is None for each in value):
                    continue
                if key in seen:
                    what = value[0] if members and isinstance(value, tuple) and len(value) == 1 else value
                    yield Broken(at, f"{shown(what)} again, as in {seen[key]}", {"value": what})
                else:
                    seen[key] = at

    return Check(run)


def _hashable(value: Any) -> Hashable:
    if isinstance(value, Mapping):
        return tuple(sorted((str(key), _hashable(each)) for key, each in value.items()))
    if isinstance(value, list | tuple):
        return tuple(_hashable(each) for each in value)
    if isinstance(value, bool):
        return ("bool", value)
    return value if isinstance(value, Hashable) else repr(value)


# --- ARNs -------------------------------------------------------------------------------------------------------


def of_this_region() -> Check:
    """An ARN of the Region that the resource is made in, where its inputs say which (our key `region`)."""

    def run(view: View, path: str) -> Iterator[Broken]:
        here = view.text("region")
        for at, value in view.each(path):
            parts = value.split(":") if isinstance(value, str) and value.startswith("arn:") else []
            if here and len(parts) > 5 and parts[3] and parts[3] != here:
                yield Broken(at, f"an ARN of {parts[3]}", {"region": here})

    return Check(run)


# --- anything else ----------------------------------------------------------------------------------------------


def whole(run: Callable[[View, str], Iterator[Broken]], *, on_absent: bool = False) -> Check:
    """A function (view, property) → broken places; called where the property is absent only with `on_absent`."""
    return Check(run, on_absent)


# --- conditions (`when`) ----------------------------------------------------------------------------------------


def is_one_of(path: str, *values: str, default: str = "") -> Condition:
    """The string that `path` is or, in an update, will be is one of `values`."""
    wanted: Collection[str] = frozenset(values)
    return lambda view: view.effective_text(path, default) in wanted


def is_given(path: str) -> Condition:
    """Something stands at `path`, and it is not empty."""
    return lambda view: _filled(view, path)


def is_absent(path: str) -> Condition:
    """Nothing stands at `path`, or it is empty."""
    return lambda view: not _filled(view, path)


def both(*conditions: Condition) -> Condition:
    """All of the conditions hold; the first that does not ends it, so that later ones read nothing unknown."""
    return lambda view: all(condition(view) for condition in conditions)


def either(*conditions: Condition) -> Condition:
    """At least one of the conditions holds."""
    return lambda view: any(condition(view) for condition in conditions)
