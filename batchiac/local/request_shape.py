"""A request checked against botocore's model of its operation, and copied: what the handlers get is theirs.

One parser a shape is built from the model when it is first needed, so that a botocore upgrade needs no edit here. A
parser returns the cleaned copy (members that the model does not know are left out, as AWS does; JSON null counts as
absent) and adds a sentence to `broken` for each constraint that does not hold. A value of another JSON type than the
model's raises at once, as AWS's own deserializer does.

The sentences are those of AWS's service framework (`1 validation error detected: Value … at 'jobStatus' failed to
satisfy constraint: Member must satisfy enum value set: [SUBMITTED, …]`), except where others are on record below.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import MappingProxyType
from typing import Any

from batchiac.local.api_error import ApiError, refusal, serialization_error

Parser = Callable[[Any, str, list[str]], Any]

_INTEGER_BITS = {"integer": 31, "long": 63}
_CASE_FREE_ENUMS = frozenset({"RetryAction"})
"""Enums whose case AWS ignores. Source: EvaluateOnExit.action, "The values aren't case sensitive."
https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html"""

_ENUM_WORDS = MappingProxyType(
    {
        "CEState": "state {} must be one of ENABLED | DISABLED",
        "JQState": "state {} must be one of ENABLED | DISABLED",
    }
)
"""Shape → the refusal of a value outside its enum, before anything else. AWS's text is not known: this is the one that
users of moto know."""

_OPEN_ENUMS = frozenset({"CEType"})
"""Enums that the operation's handler judges, because something else is refused first."""

_TAG_SHAPES = frozenset({"TagrisTagsMap", "TagKey", "TagValue", "TagKeysList"})
"""Tags are judged in front of Batch, with the error that every AWS service has for it: `ValidationError`, HTTP 400.

Source: https://docs.aws.amazon.com/batch/latest/APIReference/CommonErrors.html; moto answers so to SubmitJob."""


@cache
def service_model() -> Any:
    """botocore's model of Batch (`botocore.model.ServiceModel`), loaded once: 2 ms."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("batch", "service-2"), "batch")


@cache
def _parser_of_operation(operation: str) -> Parser:
    shape = service_model().operation_model(operation).input_shape
    return _parser_of(shape, {})


def read_request(operation: str, params: object) -> dict[str, Any]:
    """The cleaned copy of one operation's input.

    Args:
        operation: a name of the model, `SubmitJob`.
        params: the JSON value of the body, with the parameters of path and query added under their model names.

    Raises:
        ApiError: `SerializationException` for a wrong JSON type, `ValidationError` for tags out of bounds,
            `ClientException` for everything else that the model's constraints forbid, all of it in one message.
    """
    broken: list[str] = []
    request: dict[str, Any] = _parser_of_operation(operation)(params, "", broken)
    if broken:
        raise validation_error(broken)
    return request


def validation_error(broken: list[str]) -> ApiError:
    """The framework's one message for all broken constraints."""
    count = len(broken)
    return refusal(f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(broken)}")


def _parser_of(shape: Any, built: dict[str, Parser]) -> Parser:
    if shape.name in built:
        return built[shape.name]

    # A shape may contain itself: the name is taken before its members are looked at.
    def later(value: Any, path: str, broken: list[str]) -> Any:
        return built[shape.name](value, path, broken)

    make = _MAKERS.get(shape.type_name)
    if make is None:
        raise NotImplementedError(f"the Batch model has an input of type {shape.type_name}: {shape.name}")
    built[shape.name] = later
    built[shape.name] = make(shape, built)
    return built[shape.name]


def _structure(shape: Any, built: dict[str, Parser]) -> Parser:
    members = {name: _parser_of(member, built) for name, member in shape.members.items()}
    required = tuple(shape.required_members)
    # The model says that tags are at least one, and AWS takes none for no tags: Airflow's operators send `tags: {}`.
    # Source: apache/airflow, providers/amazon/aws/operators/batch.py (`self.tags = tags or {}`), read 2026-11-21.
    # (computeResources.tags has no least number: there none takes away what an environment has.)
    at_least_one = "tags" in shape.members and shape.members["tags"].metadata.get("min")
    no_tags = {"tags"} if at_least_one and "tags" not in required else frozenset()

    def parse(value: Any, path: str, broken: list[str]) -> Any:
        if type(value) is not dict:
            raise _wrong_type(value, path, "a structure")
        prefix = path + "." if path else ""
        copy = {}
        for name, given in value.items():
            parser = members.get(name)
            if parser is not None and given is not None and not (given == {} and name in no_tags):
                copy[name] = parser(given, prefix + name, broken)
        for name in required:
            if name not in copy:
                broken.append(f"Value null at '{prefix}{name}' failed to satisfy constraint: Member must not be null")
        return copy

    return parse


def _list(shape: Any, built: dict[str, Parser]) -> Parser:
    member = _parser_of(shape.member, built)
    check_length = _length_check(shape)

    def parse(value: Any, path: str, broken: list[str]) -> Any:
        if type(value) is not list and type(value) is not tuple:
            raise _wrong_type(value, path, "a list")
        copy = []
        for number, each in enumerate(value, 1):
            if each is None:
                broken.append(
                    f"Value null at '{path}.{number}.member' failed to satisfy constraint: Member must not be null"
                )
            else:
                copy.append(member(each, f"{path}.{number}.member", broken))
        if check_length is not None:
            check_length(copy, path, broken)
        return copy

    return parse


def _map(shape: Any, built: dict[str, Parser]) -> Parser:
    parse_key, parse_value = _parser_of(shape.key, built), _parser_of(shape.value, built)
    check_length = _length_check(shape)

    def parse(value: Any, path: str, broken: list[str]) -> Any:
        if type(value) is not dict:
            raise _wrong_type(value, path, "a map")
        copy = {}
        for key, each in value.items():
            if each is not None:
                copy[parse_key(key, path, broken)] = parse_value(each, f"{path}.{key}.member", broken)
        if check_length is not None:
            check_length(copy, path, broken)
        return copy

    return parse


def _string(shape: Any, built: dict[str, Parser]) -> Parser:
    check_length = _length_check(shape)
    allowed = () if shape.name in _OPEN_ENUMS else tuple(shape.enum)
    folds_case = shape.name in _CASE_FREE_ENUMS
    words = _ENUM_WORDS.get(shape.name)

    def parse(value: Any, path: str, broken: list[str]) -> Any:
        if type(value) is not str:
            raise _wrong_type(value, path, "a String")
        if allowed and (value.upper() if folds_case else value) not in allowed:
            if words is not None:
                raise refusal(words.format(_shortened(value)))
            broken.append(
                f"Value '{value}' at '{path}' failed to satisfy constraint:"
                f" Member must satisfy enum value set: [{', '.join(allowed)}]"
            )
        if check_length is not None:
            check_length(value, path, broken)
        return value

    return parse


def _integer(shape: Any, built: dict[str, Parser]) -> Parser:
    limit = 2 ** _INTEGER_BITS[shape.type_name]
    name = "an Integer" if shape.type_name == "integer" else "a Long"
    least, most = shape.metadata.get("min"), shape.metadata.get("max")

    def parse(value: Any, path: str, broken: list[str]) -> Any:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not -limit <= value < limit:
            raise _wrong_type(value, path, name)
        if least is not None and value < least:
            broken.append(_range_sentence(value, path, "greater", least))
        if most is not None and value > most:
            broken.append(_range_sentence(value, path, "less", most))
        return value

    return parse


def _float(shape: Any, built: dict[str, Parser]) -> Parser:
    def parse(value: Any, path: str, broken: list[str]) -> Any:
        if type(value) is int:
            value = float(value)
        if type(value) is not float or value != value or value in (float("inf"), float("-inf")):
            raise _wrong_type(value, path, "a Float")
        return value

    return parse


def _boolean(shape: Any, built: dict[str, Parser]) -> Parser:
    def parse(value: Any, path: str, broken: list[str]) -> Any:
        if type(value) is not bool:
            raise _wrong_type(value, path, "a Boolean")
        return value

    return parse


_MAKERS: dict[str, Callable[[Any, dict[str, Parser]], Parser]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
    "boolean": _boolean,
}


def _length_check(shape: Any) -> Callable[[Any, str, list[str]], None] | None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is None and most is None:
        return None
    of_tags = shape.name in _TAG_SHAPES

    def check(value: Any, path: str, broken: list[str]) -> None:
        if least is not None and len(value) < least:
            sentence = _length_sentence(value, path, "greater", least)
        elif most is not None and len(value) > most:
            sentence = _length_sentence(value, path, "less", most)
        else:
            return
        if of_tags:
            raise ApiError("ValidationError", 400, validation_error([sentence]).message)
        broken.append(sentence)

    return check


def _length_sentence(value: Any, path: str, side: str, limit: int) -> str:
    return (
        f"Value '{_shortened(value)}' at '{path}' failed to satisfy constraint:"
        f" Member must have length {side} than or equal to {limit}"
    )


def _range_sentence(value: int, path: str, side: str, limit: int) -> str:
    return (
        f"Value '{value}' at '{path}' failed to satisfy constraint:"
        f" Member must have value {side} than or equal to {limit}"
    )


def _shortened(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 400 else text[:400] + "…"


_JSON_TYPE_NAMES = {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE", dict: "START_OBJECT"}


def _wrong_type(value: Any, path: str, wanted: str) -> ApiError:
    if isinstance(value, bool):
        found = "TRUE_VALUE" if value else "FALSE_VALUE"
    elif value is None:
        found = "NULL_VALUE"
    else:
        found = _JSON_TYPE_NAMES.get(type(value), "START_ARRAY")
    where = f" at '{path}'" if path else ""
    return serialization_error(f"{found} can not be converted to {wanted}{where}")
