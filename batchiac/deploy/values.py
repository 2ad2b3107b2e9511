"""Property values as the deployment passes them on: JSON, `UNKNOWN`, and secrets.

Three forms meet here. The *program's* form is Pulumi's wire: floats for every number, secrets and references wrapped in
dictionaries with a signature, a sentinel string for what is not yet known. *Ours* is plain JSON with integers restored,
`UNKNOWN`, `Secret` and `Sealed`. A *handler's* form is ours without secrets' wrapping and without `__provider`.

`__provider` (the pickled dynamic provider) travels from the program to the state untouched, because Pulumi's CLI needs
it there; nothing here ever unpickles it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from attrs import frozen

from batchiac.errors import UnsupportedError
from batchiac.model.unknown import UNKNOWN

PROVIDER_KEY: Final = "__provider"

UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What a value not yet known is on Pulumi's wire."""

SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
REFERENCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT_VALUE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
ASSETS: Final = frozenset({"c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7"})
"""Signatures of Pulumi's wrapped values. Source: pulumi/sdk/go/common/resource (properties.go, asset)."""


@frozen
class Secret:
    """A value that is encrypted in the state and hidden in every display."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(…)"


@frozen
class Sealed:
    """A secret as the state file holds it: not decrypted until somebody needs it."""

    ciphertext: str


Path = tuple[str | int, ...]
"""Where a property stands: names and list indices."""

Unseal = Callable[[Sealed], Any]
"""Sealed → the value inside."""


def from_struct(struct: Any, where: str) -> dict[str, Any]:
    """The properties of a protobuf Struct in our form.

    Args:
        struct: `google.protobuf.struct_pb2.Struct`.
        where: names the resource in an error.

    Raises:
        UnsupportedError: an asset or archive is among them.
    """
    return {
        key: _from_value(value, where)
        for key, value in struct.fields.items()
        if value.WhichOneof("kind") != "null_value"
    }


def _from_value(value: Any, where: str) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text == UNKNOWN_TEXT else text
    if kind == "number_value":
        number = value.number_value
        # Every number is a double on the wire; what was an integer in the program is one again.
        return int(number) if number.is_integer() else number
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE_KEY in fields:
            return _from_signed({key: _from_value(each, where) for key, each in fields.items()}, where)
        # As Pulumi's engine does (SkipNulls): in a mapping, null and absent are one; in a list a null has its place.
        return {
            key: _from_value(each, where) for key, each in fields.items() if each.WhichOneof("kind") != "null_value"
        }
    if kind == "list_value":
        return [_from_value(each, where) for each in value.list_value.values]
    if kind == "bool_value":
        return value.bool_value
    return None


def _from_signed(value: dict[str, Any], where: str) -> Any:
    signature = value[SIGNATURE_KEY]
    if signature == SECRET:
        inner = value.get("value")
        return inner if inner is UNKNOWN or isinstance(inner, Secret) else Secret(inner)
    if signature == OUTPUT_VALUE:
        inner = value.get("value", UNKNOWN)
        return Secret(inner) if value.get("secret") and inner is not UNKNOWN else inner
    if signature in ASSETS:
        raise UnsupportedError(
            f"{where}: assets and archives are not supported here: read the file in the program, or use `pulumi up`"
        )
    return value


def fill_struct(struct: Any, properties: Mapping[str, Any]) -> None:
    """Put properties in our form into an empty protobuf Struct, secrets wrapped as the SDK expects them."""
    fields = struct.fields
    for key, value in properties.items():
        _fill_value(fields[key], value)


def _fill_value(target: Any, value: Any) -> None:
    if value is None:
        target.null_value = 0
    elif value is UNKNOWN:
        target.string_value = UNKNOWN_TEXT
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()
        fill_struct(target.struct_value, value)
    elif isinstance(value, Secret):
        fill_struct(target.struct_value, {SIGNATURE_KEY: SECRET, "value": value.value})
    else:
        target.list_value.SetInParent()
        for each in value:
            _fill_value(target.list_value.values.add(), each)


def is_reference(value: object) -> bool:
    """True for a resource that the program passed as a value."""
    return isinstance(value, Mapping) and value.get(SIGNATURE_KEY) == REFERENCE


def without_references(value: Any) -> Any:
    """`value` with each referenced resource replaced by its id, or its URN where it has none, as providers take it."""
    if isinstance(value, Mapping):
        if is_reference(value):
            return value["id"] if value.get("id") is not None else value.get("urn")
        return {key: without_references(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_references(each) for each in value]
    if isinstance(value, Secret):
        return Secret(without_references(value.value))
    return value


def reveal(value: Any, unseal: Unseal) -> Any:
    """`value` with every `Sealed` decrypted into a `Secret`."""
    if isinstance(value, Sealed):
        return Secret(unseal(value))
    if isinstance(value, Mapping):
        return {key: reveal(each, unseal) for key, each in value.items()}
    if isinstance(value, list):
        return [reveal(each, unseal) for each in value]
    return value


def plain(value: Any) -> Any:
    """`value` without secrets' wrapping; everything must have been revealed."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def for_handler(properties: Mapping[str, Any]) -> dict[str, Any]:
    """What a handler sees of properties in our form: no secrets' wrapping, no `__provider`."""
    return {key: plain(value) for key, value in properties.items() if key != PROVIDER_KEY}


def masked(value: Any) -> Any:
    """`value` for a display: `[secret]` for secrets, the wire's sentinel for what is not known."""
    if isinstance(value, Secret | Sealed):
        return "[secret]"
    if value is UNKNOWN:
        return UNKNOWN_TEXT
    if isinstance(value, Mapping):
        return {key: masked(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked(each) for each in value]
    return value


def has_secrets(value: Any) -> bool:
    """True when a secret stands anywhere in `value`."""
    if isinstance(value, Secret | Sealed):
        return True
    if isinstance(value, Mapping):
        return any(has_secrets(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(has_secrets(each) for each in value)
    return False


def parse_path(text: str) -> Path:
    """The steps of a property path: `a.b[0]["c.d"]` → `("a", "b", 0, "c.d")`; `*` stands for any step."""
    steps: list[str | int] = []
    rest = text
    if text.startswith("."):
        raise ValueError(text)
    while rest:
        if rest.startswith('["'):
            end = rest.find('"]', 2)
            if end < 0:
                raise ValueError(text)
            steps.append(rest[2:end].replace('\\"', '"'))
            rest = rest[end + 2 :]
        elif rest.startswith("["):
            end = rest.find("]")
            if end < 0:
                raise ValueError(text)
            inner = rest[1:end]
            steps.append(int(inner) if inner.isdigit() else inner)
            rest = rest[end + 1 :]
        else:
            rest = rest.removeprefix(".")
            ends = [position for position in (rest.find("."), rest.find("[")) if position >= 0]
            end = min(ends, default=len(rest))
            if end == 0:
                raise ValueError(text)
            steps.append(rest[:end])
            rest = rest[end:]
    return tuple(steps)


def path_text(path: Path) -> str:
    """The inverse of `parse_path`, with dots for names."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif "." in step or "[" in step:
            text += f'["{step}"]'
        else:
            text += f".{step}" if text else step
    return text


def covers(pattern: Path, path: Path) -> bool:
    """True when `path` is what `pattern` names, or lies within it."""
    return len(pattern) <= len(path) and all(
        want in ("*", have) for want, have in zip(pattern, path[: len(pattern)], strict=True)
    )


def differing(old: Any, new: Any, at: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Every place where two values differ, as (path, old, new); what is not there is None."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            if key not in old:
                yield (*at, key), None, new[key]
            elif key not in new:
                yield (*at, key), old[key], None
            else:
                yield from differing(old[key], new[key], (*at, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from differing(before, after, (*at, index))
    elif old is not new and (type(old) is not type(new) or old != new):
        yield at, old, new


def keep_old(inputs: Any, old: Any, path: Path) -> Any:
    """`inputs` with the value at `path` put back to what it is in `old` (an ignored change)."""
    if not path:
        return old
    step, rest = path[0], path[1:]
    if isinstance(inputs, Secret | Sealed) or isinstance(old, Secret | Sealed):
        inner_old = old.value if isinstance(old, Secret) else old
        inner = inputs.value if isinstance(inputs, Secret) else inputs
        return Secret(plain(keep_old(inner, inner_old, path)))
    if isinstance(inputs, Mapping):
        before = old if isinstance(old, Mapping) else {}
        kept = dict(inputs)
        for key in {*inputs, *before} if step == "*" else (step,):
            if key in before:
                kept[key] = keep_old(inputs.get(key), before[key], rest) if rest else before[key]
            elif not rest:
                kept.pop(key, None)
        return kept
    if isinstance(inputs, list):
        before_list = old if isinstance(old, list) else []
        kept_list = list(inputs)
        for index in range(len(inputs)) if step == "*" else (step,):
            if isinstance(index, int) and index < len(before_list) and index < len(kept_list):
                kept_list[index] = keep_old(kept_list[index], before_list[index], rest)
        return kept_list
    return inputs
