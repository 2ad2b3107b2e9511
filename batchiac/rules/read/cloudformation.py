"""A CloudFormation template, JSON or YAML, without any account behind it.

Intrinsics whose parts are all in the template are worked out (`Fn::Join`, `Fn::Sub`, `Fn::FindInMap`, `Fn::Select`,
`Fn::Split`); a `Ref` or `Fn::GetAtt` of a resource leads to it; everything that only a deployment knows (parameters,
pseudo parameters, imports, conditions) is UNKNOWN. `AWS::NoValue` takes its property away.
Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html, read 2026-11-21.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from batchiac.errors import UserError
from batchiac.model.unknown import UNKNOWN, contains_unknown
from batchiac.rules.read.document import Document, Leads, declare, update_policy_of
from batchiac.rules.read.foreign_names import foreign_inputs

KINDS = {
    "AWS::Batch::ComputeEnvironment": "ComputeEnvironment",
    "AWS::Batch::JobQueue": "JobQueue",
    "AWS::Batch::JobDefinition": "JobDefinition",
    "AWS::Batch::SchedulingPolicy": "SchedulingPolicy",
    "AWS::Batch::ConsumableResource": "ConsumableResource",
    "AWS::Batch::ServiceEnvironment": "ServiceEnvironment",
    "AWS::Batch::QuotaShare": "QuotaShare",
    "AWS::EC2::LaunchTemplate": "LaunchTemplate",
    "AWS::EC2::PlacementGroup": "PlacementGroup",
    "AWS::IAM::Role": "Role",
    "AWS::IAM::InstanceProfile": "InstanceProfile",
}
_ABSENT = object()
_MAX_MADE = 4_000_000
"""Characters that the functions of one template may make altogether: a template can ask for terabytes."""


def read_cloudformation(value: Mapping[str, Any], name: str, text: str = "") -> Document:
    """The Batch resources of a template, and what they lead to. `text` gives the lines.

    Raises:
        UserError: no Batch resource, or resources that are not of a template's form.
    """
    resources = value["Resources"]
    types: dict[str, str] = {}
    for logical, resource in resources.items():
        if logical.startswith("Fn::ForEach"):
            continue
        if not isinstance(resource, Mapping) or not isinstance(resource.get("Type"), str):
            raise UserError(f"{name}: Resources.{logical[:80]} has no Type: it is not a CloudFormation resource")
        types[logical] = resource["Type"]
    if not any(each.startswith("AWS::Batch::") for each in types.values()):
        found = ", ".join(sorted(set(types.values()))[:5]) or "no resource"
        raise UserError(f"{name} declares {found}: no AWS::Batch:: resource is there to check")
    notes = [
        f"Resources.{each[:80]}: a loop of the template is expanded by AWS only"
        for each in resources
        if each.startswith("Fn::ForEach")
    ]
    if "Transform" in value:
        notes.append("the template has a Transform: what a macro adds is not seen here")
    declared = []
    policies: dict[str, Any] = {}
    solver = _Solver(value, frozenset(types))
    for logical, kind_name in types.items():
        if kind_name not in KINDS:
            if kind_name.startswith("AWS::Batch::"):
                notes.append(f"{logical}: no rule is about a {kind_name}")
            continue
        kind = KINDS[kind_name]
        properties = solver.solve(resources[logical].get("Properties") or {})
        if not isinstance(properties, dict):
            notes.append(f"{logical}: its properties are computed by AWS only")
            continue
        inputs, unread = foreign_inputs(kind, properties, logical, "cloudformation")
        notes += [f"{logical}.{each}" for each in unread]
        declared.append(declare(kind, logical, inputs))
        policies[logical] = update_policy_of(kind, inputs)
    lines = _lines(text, [each.name for each in declared])
    return Document("CloudFormation template", tuple(declared), tuple(notes), lines, update_policies=policies)


def _lines(text: str, names: list[str]) -> dict[str, int]:
    """The first line on which each name stands as a key."""
    wanted = set(names)
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"""\s*["']?([A-Za-z0-9]+)["']?\s*:""", line)
        if match is not None and match[1] in wanted and match[1] not in lines:
            lines[match[1]] = number
    return lines


class _Solver:
    """Works out what a template says by itself."""

    def __init__(self, template: Mapping[str, Any], resources: frozenset[str]) -> None:
        mappings = template.get("Mappings")
        self._mappings: Mapping[str, Any] = mappings if isinstance(mappings, Mapping) else {}
        self._resources = resources
        self._made = 0

    def solve(self, value: Any) -> Any:
        """`value` without intrinsics: plain values, `Leads`, and UNKNOWN."""
        solved = self._solve(value)
        return None if solved is _ABSENT else solved

    def _solve(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            if len(value) == 1:
                (key, argument), *_ = value.items()
                if key in ("Ref", "Condition") or key.startswith("Fn::"):
                    return self._intrinsic(key, argument)
            pairs = ((key, self._solve(each)) for key, each in value.items())
            return {key: each for key, each in pairs if each is not _ABSENT}
        if isinstance(value, list):
            return [each for each in map(self._solve, value) if each is not _ABSENT]
        return value

    def _intrinsic(self, name: str, argument: Any) -> Any:
        if name == "Ref":
            if argument == "AWS::NoValue":
                return _ABSENT
            return Leads(argument) if isinstance(argument, str) and argument in self._resources else UNKNOWN
        if name == "Fn::GetAtt":
            if isinstance(argument, str):
                argument = argument.split(".", 1)
            target = argument[0] if isinstance(argument, list) and argument else None
            return Leads(target) if isinstance(target, str) and target in self._resources else UNKNOWN
        if name == "Fn::Sub":
            return self._substitute(argument)
        if name == "Fn::Base64":
            text = self._solve(argument)
            return base64.b64encode(text.encode()).decode() if isinstance(text, str) else UNKNOWN
        known = self._solve(argument) if name in ("Fn::Join", "Fn::Select", "Fn::Split", "Fn::FindInMap") else UNKNOWN
        if not isinstance(known, list) or contains_unknown(known) or _contains_leads(known):
            return UNKNOWN
        try:
            return self._work_out(name, known)
        except (ValueError, TypeError, KeyError, IndexError):
            # The template itself is wrong there; AWS says so before it looks at any property.
            return UNKNOWN

    def _work_out(self, name: str, known: list[Any]) -> Any:
        if name == "Fn::Join":
            delimiter, parts = _text(known[0]), [_text(each) for each in known[1]]
            self._make(sum(map(len, parts)) + len(delimiter) * len(parts))
            return delimiter.join(parts)
        if name == "Fn::Select":
            index, items = known
            return items[int(index)]
        if name == "Fn::Split":
            delimiter, text = (_text(each) for each in known)
            self._make(len(text))
            return text.split(delimiter)
        table, first, second = known[:3]
        found = self._mappings[table][_text(first)][_text(second)]
        # Mappings hold no functions, so that what is found there is the value itself.
        return UNKNOWN if isinstance(found, Mapping) else found

    def _make(self, characters: int) -> None:
        self._made += characters
        if self._made > _MAX_MADE:
            raise ValueError("more text than any template makes")

    def _substitute(self, argument: Any) -> Any:
        text, extra = argument, {}
        if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], Mapping):
            solved = self._solve(argument[1])
            text, extra = argument[0], solved if isinstance(solved, dict) else {}
        if not isinstance(text, str):
            return UNKNOWN
        leads: list[str] = []
        unknown = False

        def fill(match: re.Match[str]) -> str:
            nonlocal unknown
            name = match[1].strip()
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in extra and isinstance(extra[name], str | int | float) and not isinstance(extra[name], bool):
                self._make(len(_text(extra[name])))
                return _text(extra[name])
            unknown = True
            base = name.partition(".")[0]
            if isinstance(extra.get(name), Leads):
                leads.append(extra[name].to)
            elif base in self._resources and name not in extra:
                leads.append(base)
            return ""

        try:
            self._make(len(text))
            filled = re.sub(r"\$\{([^}]{0,300})\}", fill, text)
        except ValueError:
            return UNKNOWN
        if not unknown:
            return filled
        return Leads(leads[0]) if len(set(leads)) == 1 else UNKNOWN


def _contains_leads(value: Any) -> bool:
    if isinstance(value, Leads):
        return True
    if isinstance(value, list):
        return any(map(_contains_leads, value))
    return isinstance(value, Mapping) and any(map(_contains_leads, value.values()))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise TypeError("not a text")
    return str(value)
