"""What a target of EventBridge is handed: its own Input, a part of the event, a template filled in, or the event.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Wire = dict[str, Any]

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\['([^']+)'\]")
_PLACE = re.compile(r"(<[A-Za-z0-9_.-]+>)")


def event_as_sent(event: Mapping[str, Any]) -> Wire:
    """The event with its time as AWS writes it; moto keeps seconds since 1970."""
    sent = {key: value for key, value in event.items() if key != "ingestion-time"}
    if isinstance(sent.get("time"), int | float):
        sent["time"] = datetime.fromtimestamp(sent["time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return sent


def target_text(target: Mapping[str, Any], event: Wire, *, rule_name: str = "", rule_arn: str = "") -> str:
    """The text that a target is handed of an event (`event_as_sent`).

    Args:
        target: as PutTargets took it; of Input, InputPath and InputTransformer AWS takes one at most.
    """
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        return _compact(at_path(event, target["InputPath"]))
    transformer = target.get("InputTransformer")
    if not transformer:
        return _compact(event)
    without_detail = {key: value for key, value in event.items() if key != "detail"}
    reserved = {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_name,
        "aws.events.event.ingestion-time": event.get("time"),
        "aws.events.event": without_detail,
        "aws.events.event.json": event,
    }
    return transformed(transformer.get("InputTemplate", ""), transformer.get("InputPathsMap") or {}, event, reserved)


def transformed(template: str, paths: Mapping[str, str], event: Wire, reserved: Mapping[str, Any] | None = None) -> str:
    """An input template with its `<name>` placeholders filled in: JSON outside quotes, plain text within.

    moto's own parser leaves strings without quotes, which breaks the template of AWS's own example.
    Source: https://docs.aws.amazon.com/batch/latest/userguide/batch-cwe-target.html ("S3bucket": <S3BucketValue>).
    """
    reserved = reserved or {}
    filled, quoted = [], False
    for part in _PLACE.split(template):
        name = part[1:-1]
        if part.startswith("<") and (name in paths or name in reserved):
            value = at_path(event, paths[name]) if name in paths else reserved[name]
            filled.append(_within_quotes(value) if quoted else _compact(value))
        else:
            filled.append(part)
            quoted ^= len(re.findall(r'(?<!\\)"', part)) % 2 == 1
    return "".join(filled)


def _within_quotes(value: Any) -> str:
    """ "If you specify a variable to match a JSON path that doesn't exist in the event, that variable isn't created and
    won't appear in the output." """
    if value is None:
        return ""
    text = value if isinstance(value, str) else _compact(value)
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def at_path(event: Wire, path: str) -> Any:
    """What stands at `$.detail.jobName`, `$.resources[0]` or `$.detail['a b']`; None where nothing does."""
    value: Any = event
    for name, index, quoted in _STEP.findall(path.removeprefix("$")):
        if isinstance(value, list):
            number = index or name
            value = value[int(number)] if number.isdigit() and int(number) < len(value) else None
        else:
            value = value.get(name or index or quoted) if isinstance(value, dict) else None
    return value


def object_in(text: str) -> Wire:
    """The text as an object; an empty one where it is none: EventBridge takes any text."""
    try:
        given = json.loads(text)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
