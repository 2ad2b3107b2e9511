"""One Pulumi policy a rule: the same rows, the same messages, Pulumi's own way to report and to turn off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from batchiac.policy_pack.arguments import declared_resource, declared_stack
from batchiac.rules.catalogue import read_catalogue
from batchiac.rules.check import check_resource, check_stack
from batchiac.rules.finding import Declared, Finding, Level
from batchiac.rules.read.pulumi_preview import KINDS
from batchiac.rules.row import Rule
from batchiac.rules.shape_check import SHAPE_RULES

_ENFORCED = {
    Level.ERROR: EnforcementLevel.MANDATORY,
    Level.WARNING: EnforcementLevel.ADVISORY,
    Level.ADVICE: EnforcementLevel.ADVISORY,
}
_SEVERE = {Level.ERROR: Severity.HIGH, Level.WARNING: Severity.MEDIUM, Level.ADVICE: Severity.LOW}


def make_policies() -> list[Policy]:
    """Every policy of the pack: one a row about a resource of pulumi_aws, and one a kind of shape constraint."""
    alone = _Alone()
    across = _Across()
    kinds = frozenset(KINDS.values())
    policies: list[Policy] = []
    for rule in read_catalogue().values():
        if rule.kind not in kinds or rule.dialect == "update":
            continue
        if rule.scope == "stack":
            policies.append(_stack_policy(rule, across))
        else:
            policies.append(_resource_policy(rule.id, rule.level, _said(rule), rule.source, alone, rule.kind))
    for shape in SHAPE_RULES.values():
        policies.append(_resource_policy(shape.id, shape.level, shape.says, "", alone, ""))
    return policies


def _said(rule: Rule) -> str:
    return f"{rule.kind} {rule.property}: {rule.allowed_plain}".replace(" :", ":")


def _resource_policy(rule_id: str, level: Level, says: str, source: str, alone: _Alone, kind: str) -> Policy:
    def validate(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
        declared = declared_resource(args.resource_type, args.name, args.props)
        if declared is not None and kind in ("", declared.kind):
            _report(rule_id, alone.findings(declared), lambda finding: report_violation(_text(finding), None))

    return ResourceValidationPolicy(
        name=rule_id.lower(),
        description=says,
        validate=validate,
        enforcement_level=_ENFORCED[level],
        severity=_SEVERE[level],
        url=source or None,
    )


def _stack_policy(rule: Rule, across: _Across) -> Policy:
    def validate(args: StackValidationArgs, report_violation: ReportViolation) -> None:
        urns = {(each.name, each.resource_type): each.urn for each in args.resources}

        def report(finding: Finding) -> None:
            urn = next((urns[key] for key in urns if key[0] == finding.resource and _is_of(key[1], finding.kind)), None)
            report_violation(_text(finding), urn)

        _report(rule.id, across.findings(declared_stack(args.resources)), report)

    return StackValidationPolicy(
        name=rule.id.lower(),
        description=_said(rule),
        validate=validate,
        enforcement_level=_ENFORCED[rule.level],
        severity=_SEVERE[rule.level],
        url=rule.source,
    )


def _is_of(token: str, kind: str) -> bool:
    return KINDS.get(token) == kind or token.endswith(f":{kind}")


def _report(rule_id: str, findings: Sequence[Finding], report: Callable[[Finding], Any]) -> None:
    """Report what is broken; then say, in Pulumi's way, that a preview could not check the rest.

    Raises:
        UnknownValueError: a value is not yet known. The analyzer shows it as an advisory and runs the policy again in
            the update.
    """
    waiting = ""
    for each in findings:
        if each.rule_id != rule_id:
            continue
        if each.verdict == "broken":
            report(each)
        else:
            waiting = waiting or each.property
    if waiting:
        raise UnknownValueError(UNKNOWN_STRING_VALUE, [waiting])


def _text(finding: Finding) -> str:
    aws = f" (AWS: {finding.aws_message})" if finding.aws_message else ""
    return f"{finding.message}{aws}"


class _Alone:
    """The findings of the resource that was looked at last: the analyzer asks every policy about one resource."""

    def __init__(self) -> None:
        self._declared: Declared | None = None
        self._findings: list[Finding] = []

    def findings(self, declared: Declared) -> list[Finding]:
        """Every finding about `declared` seen alone."""
        if declared != self._declared:
            self._findings = check_resource(declared.kind, declared.inputs, resource=declared.name)
            self._declared = declared
        return self._findings


class _Across:
    """The same for a whole stack."""

    def __init__(self) -> None:
        self._declared: list[Declared] | None = None
        self._findings: list[Finding] = []

    def findings(self, declared: list[Declared]) -> list[Finding]:
        """Every finding about the stack."""
        if declared != self._declared:
            self._findings = check_stack(declared)
            self._declared = declared
        return self._findings
