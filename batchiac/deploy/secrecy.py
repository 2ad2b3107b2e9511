"""What is secret: one rule, for every place where values come back from a handler, are kept, or are shown.

Theory of operation. Only the program says what is secret (`Secret` in the inputs of a registration, and the option
`additional_secret_outputs`). Handlers see plain values and answer in an order and a spelling of their own. So:

1. Marking (`marked`, `marked_outputs`). What went in as a secret comes out as one. In mappings the place decides, in
   lists the value: the element that holds the same secret at the same place within it. Where a secret element finds no
   such partner, nobody knows what became of it, and the list is secret as a whole. Pulumi's engine has the whole list
   secret always (annotateSecrets); ours leaves the rest of it readable.
2. Sameness (`keeping_sealed`). A value and the same value as a secret are two: the state is written when a program
   only makes a value secret. Where both are secret and the same, the state's own ciphertext stays.
3. Showing (`hiding`, `hidden_texts`, `hide_in_error`). A handler's diff numbers lists by its normal form, so an index
   of its says nothing: a change at or below a list that holds a secret is shown as a change of that list, without
   values. And whatever is said, anywhere, is looked through for the secrets' plain values.

Nothing here opens a `Sealed` unless `unseal` is passed to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from batchiac.deploy.values import Path, Sealed, Secret, Unseal, has_secrets, parse_path, path_text, plain
from batchiac.model.handler import CheckFailure, DiffResult, Effect, PropertyChange
from batchiac.model.hidden_texts import HiddenTexts
from batchiac.model.unknown import UNKNOWN

SEVERITY: Final = tuple(Effect)
"""From what touches nothing to what replaces."""


# -- marking ----------------------------------------------------------------------------------------------------------


def marked(value: Any, like: Any) -> Any:
    """`value` with everything secret that is secret in `like`; what is secret already stays so.

    Args:
        value: from a handler, or of the state; a `Sealed` in it counts as whatever secret it stands for.
        like: in our form.
    """
    if isinstance(value, Secret | Sealed) or value is UNKNOWN or not has_secrets(like):
        return value
    if isinstance(like, Mapping) and isinstance(value, Mapping):
        return {key: marked(each, like[key]) if key in like else each for key, each in value.items()}
    if isinstance(like, list | tuple) and isinstance(value, list | tuple):
        partners = _partners(value, like)
        if partners is not None:
            return [marked(each, partners[index]) if index in partners else each for index, each in enumerate(value)]
    return Secret(plain(value))


def marked_outputs(
    outputs: Mapping[str, Any],
    inputs: Mapping[str, Any],
    additional: Iterable[str] = (),
    *,
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Outputs with everything secret that the inputs make so, and what `additional_secret_outputs` names.

    Args:
        outputs: as a handler answers, or as the state has them.
        before: outputs of which what is secret stays so as well: those that a refresh replaces.
    """
    result = dict(marked(outputs, inputs))
    if before is not None:
        result = dict(marked(result, before))
    for key in additional:
        if key in result and result[key] is not UNKNOWN and not isinstance(result[key], Secret | Sealed):
            result[key] = Secret(plain(result[key]))
    return result


def _partners(values: Sequence[Any], like: Sequence[Any]) -> dict[int, Any] | None:
    """Index in `values` → the element of `like` that it stands for; None where a secret one has no partner."""
    left = list(range(len(values)))
    partners: dict[int, Any] = {}
    for each in like:
        if not has_secrets(each):
            continue
        whole = plain(each)
        index = next((at for at in left if plain(values[at]) == whole), None)
        if index is None:
            # Something beside the secret may be written otherwise, such as a default filled in.
            index = next((at for at in left if _holds(values[at], each)), None)
        if index is None:
            return None
        left.remove(index)
        partners[index] = each
    return partners


def _holds(value: Any, like: Any) -> bool:
    """True when every secret of `like` stands in `value` at the same place."""
    if not has_secrets(like):
        return True
    if isinstance(like, Secret | Sealed):
        return isinstance(value, Sealed) or (isinstance(like, Secret) and plain(value) == plain(like))
    if isinstance(like, Mapping):
        return isinstance(value, Mapping) and all(
            key in value and _holds(value[key], each) for key, each in like.items() if has_secrets(each)
        )
    return isinstance(value, list | tuple) and _partners(value, like) is not None


# -- sameness ---------------------------------------------------------------------------------------------------------


def keeping_sealed(new: Any, old: Any, unseal: Unseal) -> Any:
    """`new`, and each part of it that `old` has just so as it is in `old`: `old` itself where nothing differs.

    Args:
        old: of the state. A secret in it is opened only where `new` has one at the same place.
    """
    if isinstance(new, Secret):
        if isinstance(old, Secret | Sealed):
            inside = plain(unseal(old) if isinstance(old, Sealed) else old)
            return old if _is_same(inside, plain(new)) else new
        return new
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        kept = {key: keeping_sealed(each, old[key], unseal) if key in old else each for key, each in new.items()}
        same = kept.keys() == old.keys() and all(each is old[key] for key, each in kept.items())
        return old if same else kept
    if isinstance(new, list | tuple) and isinstance(old, list | tuple):
        elements = [
            keeping_sealed(each, old[index], unseal) if index < len(old) else each for index, each in enumerate(new)
        ]
        same = len(new) == len(old) and all(each is other for each, other in zip(elements, old, strict=True))
        return old if same else elements
    return old if type(new) is type(old) and new == old else new


def _is_same(one: Any, other: Any) -> bool:
    """Equal, and of the same types at every depth: to Python 1 equals True."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_is_same(each, other[key]) for key, each in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return type(one) is type(other) and bool(one == other)


# -- showing ----------------------------------------------------------------------------------------------------------


def hidden_texts(*values: Any) -> HiddenTexts:
    """The plain values of every `Secret` in `values`."""
    return HiddenTexts(secret.value for value in values for secret in _secrets(value))


def _secrets(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield Secret(plain(value))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _secrets(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _secrets(each)


def hiding(diff: DiffResult, *places: Mapping[str, Any]) -> DiffResult:
    """A handler's diff without what must not be read in a plan.

    Args:
        places: old inputs, old outputs and new inputs, in our form; opened, so that their secrets are found by value.
    """
    if not has_secrets(places):
        return diff
    hidden = hidden_texts(*places)
    changed: dict[str, Any] = {
        "changes": hiding_changes(diff.changes, *places),
        "notes": [hidden.masked(note) for note in diff.notes],
    }
    return attrs.evolve(diff, **changed)


def hiding_changes(changes: Sequence[PropertyChange], *places: Mapping[str, Any]) -> tuple[PropertyChange, ...]:
    """Changes as `hiding` has them; several within one secret are one."""
    hidden = hidden_texts(*places)
    shown: dict[str, PropertyChange] = {}
    for change in changes:
        path = parse_path(change.path)
        depth = min((at for place in places if (at := _secret_depth(place, path)) is not None), default=None)
        if depth is not None:
            change = attrs.evolve(_with_hidden_values(change), path=path_text(path[:depth]))
        elif hidden.hides(change.old) or hidden.hides(change.new):
            change = _with_hidden_values(change)
        change = attrs.evolve(change, note=hidden.masked(change.note))
        other = shown.get(change.path)
        shown[change.path] = change if other is None else _together(other, change)
    return tuple(shown.values())


def _secret_depth(value: Any, path: Path) -> int | None:
    """How many steps of the path lead to what is to be hidden as one; None where they lead to no secret."""
    for depth, step in enumerate(path):
        if isinstance(value, Secret | Sealed):
            return depth
        if isinstance(value, list | tuple):
            return depth if has_secrets(value) else None
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    return len(path) if has_secrets(value) else None


def _with_hidden_values(change: PropertyChange) -> PropertyChange:
    return attrs.evolve(
        change,
        old=None if change.old is None else Secret(plain(change.old)),
        new=None if change.new is None else Secret(plain(change.new)),
    )


def _together(one: PropertyChange, other: PropertyChange) -> PropertyChange:
    kinds = {each.kind.removesuffix("-replace") for each in (one, other)}
    kind = kinds.pop() if len(kinds) == 1 else "update"
    replaces = "-replace" if any(each.kind.endswith("-replace") for each in (one, other)) else ""
    worst = max(one, other, key=lambda each: SEVERITY.index(each.effect))
    return PropertyChange(
        one.path,
        f"{kind}{replaces}",  # type: ignore[arg-type]
        one.old if one.old is not None else other.old,
        one.new if one.new is not None else other.new,
        worst.effect,
        worst.note,
    )


def hiding_failures(failures: Iterable[CheckFailure], *places: Mapping[str, Any]) -> tuple[CheckFailure, ...]:
    """What a check refuses, without the secrets of these old and new inputs."""
    hidden = hidden_texts(*places)
    return tuple(attrs.evolve(each, reason=hidden.masked(each.reason)) for each in failures)


def hide_in_error(error: BaseException, hidden: HiddenTexts) -> None:
    """Take secrets out of an error's texts, and out of those that it came from: AWS repeats what it refuses."""
    if not hidden:
        return
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        each.args = tuple(hidden.masked(part) if isinstance(part, str) else part for part in each.args)
        for name, value in list(vars(each).items()):
            if isinstance(value, str):
                setattr(each, name, hidden.masked(value))
        if notes := getattr(each, "__notes__", None):
            notes[:] = [hidden.masked(note) for note in notes]
        each = each.__cause__ or each.__context__
