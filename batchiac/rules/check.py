"""Resources, stacks and requests against every documented rule: all findings at once, in the order of declaration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal

from attrs import evolve

from batchiac.rules.catalogue import read_catalogue
from batchiac.rules.finding import Declared, Finding, Level
from batchiac.rules.paths import prefixes_of, standing_paths
from batchiac.rules.row import Rule, judge
from batchiac.rules.shape_check import find_shape_faults
from batchiac.rules.stack import NAME_PROPERTIES, Stack
from batchiac.rules.view import View

OPERATIONS: Mapping[str, tuple[str, str]] = {
    "ComputeEnvironment": ("CreateComputeEnvironment", "UpdateComputeEnvironment"),
    "JobQueue": ("CreateJobQueue", "UpdateJobQueue"),
    "JobDefinition": ("RegisterJobDefinition", ""),
    "SchedulingPolicy": ("CreateSchedulingPolicy", "UpdateSchedulingPolicy"),
    "ConsumableResource": ("CreateConsumableResource", "UpdateConsumableResource"),
    "ServiceEnvironment": ("CreateServiceEnvironment", "UpdateServiceEnvironment"),
    "QuotaShare": ("CreateQuotaShare", "UpdateQuotaShare"),
}
"""Kind → (the operation that creates it, the one that updates it). An operation of no kind is a kind of its own."""

Rows = tuple[tuple[Rule, tuple[str, ...], frozenset[str]], ...]
"""Rows with the paths of which one must stand, and every path on the way to one: unknown there, the row is judged."""

OURS = frozenset(("identity", "region", "account"))
"""Keys of ours beside AWS's in a resource's inputs (batchiac.model.handler)."""


def check_resource(kind: str, inputs: Mapping[str, Any], *, resource: str = "") -> list[Finding]:
    """Every finding about one resource, seen alone.

    Args:
        kind: `ComputeEnvironment`, `Role`, …; a kind without rules has no findings.
        inputs: wire form, our own keys allowed, UNKNOWN at any depth.
        resource: the name that findings are shown under.
    """
    return list(_alone(kind, OPERATIONS.get(kind, ("", ""))[0], View(inputs), _wire(inputs), resource))


def check_request(
    operation: str, request: Mapping[str, Any], *, current: Mapping[str, Any] | None = None
) -> list[Finding]:
    """Every finding about one API request; nothing for an operation that no rule is about.

    Args:
        operation: `UpdateComputeEnvironment`, `SubmitJob`.
        request: as JSON values.
        current: for an update, the resource as it is now (its create inputs). Without it, rules that need it end
            in the verdict "unknown".
    """
    kind, dialect = subject_of(operation)
    now = None if current is None else View(_wire(current))
    view = View(request, dialect=dialect, current=now)
    findings = _alone(kind, operation, view, request, "")
    # AWS ignores members that it does not know, so in a request they are worth a word and no refusal.
    return [evolve(each, level=Level.WARNING) if each.rule_id == "SH02" else each for each in findings]


def check_stack(declared: Sequence[Declared]) -> list[Finding]:
    """Every finding about the resources of one stack: each alone, then what only shows across them."""
    stack = Stack(declared)
    findings: list[Finding] = []
    for each in stack.declared:
        # A declared resource without a name gets one from its handler, or from the tool whose plan is read.
        name = NAME_PROPERTIES.get(each.kind)
        operation = OPERATIONS.get(each.kind, ("", ""))[0]
        alone = _alone(each.kind, operation, stack.view(each), _wire(each.inputs), each.name)
        findings.extend(one for one in alone if one.rule_id != "SH01" or one.property != name)
        rules = _rules_for(each.kind, "create", "stack")
        if rules:
            findings.extend(_judged(rules, stack.view(each), each.name))
    return findings


def find_rule(rule_id: str) -> Rule | None:
    """The row of an id, `CE013`; shorter forms (`CE13`, `ce13`) are found too. None when there is none."""
    catalogue = read_catalogue()
    wanted = rule_id.strip().upper()
    if wanted not in catalogue and wanted[2:].isdigit():
        wanted = f"{wanted[:2]}{int(wanted[2:]):03d}"
    return catalogue.get(wanted)


def subject_of(operation: str) -> tuple[str, Literal["create", "update"]]:
    """(kind, dialect) of an operation: `UpdateJobQueue` → ("JobQueue", "update"), `SubmitJob` → itself."""
    for kind, (create, update) in OPERATIONS.items():
        if operation == create:
            return kind, "create"
        if update and operation == update:
            return kind, "update"
    return operation, "create"


def _wire(inputs: Mapping[str, Any]) -> dict[str, Any]:
    request = {key: value for key, value in inputs.items() if key not in OURS}
    # The API model wants at least one tag where tags are given; no tags is what an empty mapping of ours means.
    if request.get("tags") == {}:
        del request["tags"]
    return request


def _alone(kind: str, operation: str, view: View, request: Mapping[str, Any], resource: str) -> Iterator[Finding]:
    if operation:
        yield from find_shape_faults(operation, request, kind=kind, resource=resource)
    yield from _judged(_rules_for(kind, view.dialect, "resource"), view, resource, shapeless=not operation)


def _judged(rules: Rows, view: View, resource: str, *, shapeless: bool = False) -> Iterator[Finding]:
    """Each finding of `rules`. Where the API model has no shapes of the kind, a wrong type is a finding of its own."""
    misshapen: set[str] = set()
    # A kind without shapes is judged in full: a value of the wrong type is found by the row that cannot read it.
    value = view.raw("")
    present, unknown = standing_paths(value) if not shapeless and isinstance(value, dict) else (None, frozenset())
    for rule, needs, way in rules:
        if present is not None and present.isdisjoint(needs) and unknown.isdisjoint(way):
            continue
        judgement = judge(rule, view)
        if judgement.verdict in ("accepted", "not applicable"):
            continue
        for broken in judgement.broken:
            yield rule.finding(broken, resource)
        for path in judgement.unknown:
            yield rule.not_yet_known(path, resource)
        for path, wanted in judgement.misshapen:
            if shapeless and path not in misshapen:
                misshapen.add(path)
                message = f"{path} is of another type; {wanted} is allowed; write it as one"
                yield Finding("SH03", Level.ERROR, rule.kind, resource, path, message, rule.source)


@cache
def _rules_for(kind: str, dialect: str, scope: str) -> Rows:
    return tuple(
        (rule, rule.stands_on, frozenset(way for path in rule.stands_on for way in prefixes_of(path)))
        for rule in read_catalogue().values()
        if rule.kind == kind and rule.scope == scope and rule.dialect in (dialect, "both")
    )
