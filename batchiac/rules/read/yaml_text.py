"""YAML as data: the core schema and CloudFormation's short intrinsics, nothing else.

Built from the parser's events, not with a PyYAML constructor, so that the limits hold *while* the document is read:
an alias counts with everything that it stands for (a "billion laughs" file ends before anything is built), and
depth is counted as it grows. CloudFormation reads YAML 1.1 without the timestamp type, so `2012-10-17` stays text
(Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html). It also knows no aliases and
no merges; people's own tools expand those before they deploy, so both are read here.
"""

from __future__ import annotations

from typing import Any

import yaml

from batchiac.errors import UserError

MAX_NODES = 200_000
"""An alias counts as all that it stands for. A template of CloudFormation's 500 resources has some 30,000."""

INTRINSICS = frozenset(
    (
        *("And", "Base64", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn", "Equals", "FindInMap", "GetAZs"),
        *("GetAtt", "If", "ImportValue", "Join", "Length", "Not", "Or", "RefAll", "Select", "Split", "Sub"),
        *("ToJsonString", "Transform", "ValueOf", "ValueOfAll"),
    )
)
"""Short forms `!Name` of `Fn::Name`; `!Ref` and `!Condition` have no `Fn::`. Source:
docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html, read 2026-11-21."""

_CORE = "tag:yaml.org,2002:"
_PLAIN = {_CORE + name for name in ("null", "bool", "int", "float", "str", "timestamp", "value", "merge")}


def parse_yaml(text: str, name: str, max_depth: int) -> Any:
    """The one document in `text`, as JSON values, intrinsics in their long form.

    Raises:
        UserError: not YAML, several documents, a foreign tag, a key that is no text, too deep, too many nodes.
    """
    # The C parser is ten times as fast; both give the same events.
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        loader.get_event()  # stream start
        if loader.check_event(yaml.StreamEndEvent):
            raise UserError(f"{name} is empty: give a CloudFormation template or a request")
        loader.get_event()  # document start
        value = _Builder(loader, name, max_depth).build(1)
        loader.get_event()  # document end
        if not loader.check_event(yaml.StreamEndEvent):
            raise UserError(f"{name} holds more than one YAML document: give one template a file")
        return value
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UserError(f"{name} is neither JSON nor YAML: {error.problem or error.context}{where}") from error
    except yaml.YAMLError as error:  # a character that YAML forbids
        raise UserError(f"{name} is neither JSON nor YAML: {str(error).splitlines()[0]}") from error
    finally:
        loader.dispose()


class _Builder:
    def __init__(self, events: Any, name: str, max_depth: int) -> None:
        self._events = events
        self._name = name
        self._max_depth = max_depth
        self._nodes = 0
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._scalars: Any = yaml.SafeLoader("")

    def build(self, depth: int) -> Any:
        """The value of the next node."""
        event = self._events.get_event()
        line = event.start_mark.line + 1
        if depth > self._max_depth:
            raise UserError(f"{self._name} nests deeper than {self._max_depth} levels (line {line}): no template does")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise UserError(
                    f"{self._name} has the alias *{event.anchor} before its anchor is complete (line {line})"
                )
            value, weight = self._anchors[event.anchor]
            self._count(weight, line)
            return value
        before = self._nodes
        self._count(1, line)
        wrap = self._intrinsic(event.tag, line)
        if isinstance(event, yaml.ScalarEvent):
            value = event.value if wrap else self._scalar(event, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = []
            while not self._events.check_event(yaml.SequenceEndEvent):
                value.append(self.build(depth + 1))
            self._events.get_event()
        else:
            value = self._mapping(depth)
        if wrap:
            if wrap == "Fn::GetAtt" and isinstance(value, str):
                value = value.split(".", 1)
            value = {wrap: value}
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._nodes - before)
        return value

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise UserError(
                f"{self._name} has more than {MAX_NODES:,} nodes, aliases expanded (line {line}): no template does"
            )

    def _intrinsic(self, tag: str | None, line: int) -> str:
        """The long form that a tag stands for; empty for none and for the core schema's own."""
        if tag is None or tag == "!" or tag in _PLAIN or tag in (_CORE + "map", _CORE + "seq"):
            return ""
        short = tag.removeprefix("!")
        if tag.startswith("!") and short in INTRINSICS:
            return f"Fn::{short}"
        if tag in ("!Ref", "!Condition"):
            return short
        shown = tag.replace(_CORE, "!!")
        raise UserError(
            f"{self._name} has the YAML tag {shown[:80]} at line {line}: only CloudFormation's functions"
            " (!Ref, !Sub, !GetAtt, …) are read"
        )

    def _scalar(self, event: Any, line: int) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._scalars.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag in (_CORE + "timestamp", _CORE + "value", _CORE + "merge", _CORE + "str"):
            return event.value
        try:
            return self._scalars.construct_object(yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark))
        except (ValueError, KeyError) as error:  # `!!int abc`, `!!bool 7`, or more digits than Python converts
            raise UserError(
                f"{self._name} has {event.value[:40]!r} at line {line}, which is not a {tag[18:]}"
            ) from error

    def _mapping(self, depth: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not self._events.check_event(yaml.MappingEndEvent):
            event = self._events.peek_event()
            line = event.start_mark.line + 1
            if not isinstance(event, yaml.ScalarEvent):
                raise UserError(f"{self._name} has a key that is not text at line {line}")
            self._intrinsic(event.tag, line)
            self._count(1, line)
            key = self._events.get_event().value
            is_merge = key == "<<" and event.implicit[0]
            inner = self.build(depth + 1)
            if not is_merge:
                value[key] = inner
                continue
            for source in inner if isinstance(inner, list) else [inner]:
                if not isinstance(source, dict):
                    raise UserError(f"{self._name} merges (<<) something that is not a mapping at line {line}")
                self._count(len(source), line)
                merged = {**source, **merged}
        self._events.get_event()
        # A key's own value wins over a merged one, wherever the merge stands.
        return {**merged, **value}
