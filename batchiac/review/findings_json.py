"""Findings as JSON, of a versioned schema: the number changes when a reader of the old one would go wrong."""

from __future__ import annotations

import json
from typing import Any

from batchiac import __version__
from batchiac.review.findings_report import LEVELS, FindingsReport
from batchiac.rules.finding import Finding

SCHEMA_VERSION = 1


def findings_to_dict(report: FindingsReport) -> dict[str, Any]:
    """The report as JSON values.

    Returns:
        `{"schema": 1, "tool": {"name", "version"}, "document": {"path", "what"}, "resources": n,
        "summary": {"errors", "warnings", "advice", "not_yet_known", "suppressed", "unused_suppressions"},
        "findings": [{"rule", "level", "kind", "resource", "property", "message", "source", "aws_message", "line"}],
        "not_yet_known": [the same fields], "suppressed": [… and "reason"],
        "unused_suppressions": [{"rule", "resource", "reason"}], "notes": [sentence]}`; `line` and `aws_message` are
        null where there is none.
    """
    errors, warnings, advice = (report.count(level) for level in LEVELS)
    return {
        "schema": SCHEMA_VERSION,
        "tool": {"name": "batchiac", "version": __version__},
        "document": {"path": report.path, "what": report.what},
        "resources": report.resources,
        "summary": {
            "errors": errors,
            "warnings": warnings,
            "advice": advice,
            "not_yet_known": len(report.unknown),
            "suppressed": len(report.suppressed),
            "unused_suppressions": len(report.unused),
        },
        "findings": [_finding(each, report) for each in report.broken],
        "not_yet_known": [_finding(each, report) for each in report.unknown],
        "suppressed": [
            {**_finding(each, report), "verdict": each.verdict, "reason": decision.reason}
            for each, decision in report.suppressed
        ],
        "unused_suppressions": [
            {"rule": each.rule, "resource": each.resource, "reason": each.reason} for each in report.unused
        ],
        "notes": list(report.notes),
    }


def render_json(report: FindingsReport) -> str:
    """The report as JSON text that ends with a line break."""
    return json.dumps(findings_to_dict(report), indent=2, ensure_ascii=False) + "\n"


def _finding(finding: Finding, report: FindingsReport) -> dict[str, Any]:
    return {
        "rule": finding.rule_id,
        "level": finding.level.value,
        "kind": finding.kind,
        "resource": finding.resource,
        "property": finding.property,
        "message": finding.message,
        "source": finding.source,
        "aws_message": finding.aws_message or None,
        "line": report.lines.get(finding.resource),
    }
