"""Findings as SARIF 2.1.0, for code scanning.

Source: docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. What matters of it here: a result that is not of
kind `fail` has level `none` (3.27.10); `open` is the kind of "insufficient information" (3.27.9), which is what a
value not yet known is; a finding that somebody accepted is still a result, with `suppressions` (3.27.23).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any, Protocol
from urllib.parse import quote

from batchiac import __version__
from batchiac.review.findings_report import FindingsReport
from batchiac.rules.finding import Finding, Level
from batchiac.rules.suppress import Suppression

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.ADVICE: "note"}


class _Row(Protocol):
    """What this renderer reads of a rule row."""

    @property
    def id(self) -> str: ...
    @property
    def level(self) -> Level: ...
    @property
    def message(self) -> str: ...
    @property
    def source(self) -> str: ...


def render_sarif(report: FindingsReport, rows: Iterable[_Row] = ()) -> str:
    """The report as SARIF text; `rows` describe the rules (those without any finding are left out)."""
    return json.dumps(findings_to_sarif(report, rows), indent=2, ensure_ascii=False) + "\n"


def findings_to_sarif(report: FindingsReport, rows: Iterable[_Row] = ()) -> dict[str, Any]:
    """The report as one SARIF log of one run, as JSON values."""
    results: list[tuple[Finding, Suppression | None]] = [(each, None) for each in report.broken]
    results += [(each, None) for each in report.unknown]
    results += list(report.suppressed)
    used = list(dict.fromkeys(each.rule_id for each, _ in results))
    index = {rule_id: position for position, rule_id in enumerate(used)}
    described = {row.id: row for row in rows}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "batchiac",
                        "semanticVersion": __version__,
                        "rules": [_descriptor(rule_id, described.get(rule_id), results) for rule_id in used],
                    }
                },
                "automationDetails": {"id": f"batchiac/{report.what}/"},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [
                            {"level": "note", "message": {"text": note}} for note in report.notes
                        ],
                    }
                ],
                "results": [_result(each, decision, report, index) for each, decision in results],
            }
        ],
    }


def _descriptor(rule_id: str, row: _Row | None, results: list[tuple[Finding, Suppression | None]]) -> dict[str, Any]:
    example = next(each for each, _ in results if each.rule_id == rule_id)
    level, source, text = (row.level, row.source, row.message) if row else (example.level, example.source, "")
    described: dict[str, Any] = {"id": rule_id, "defaultConfiguration": {"level": _LEVELS[level]}}
    if text:
        described["shortDescription"] = {"text": text}
    if source.startswith("https://"):
        described["helpUri"] = source
    elif source:
        described["help"] = {"text": source}
    return described


def _result(
    finding: Finding, decision: Suppression | None, report: FindingsReport, index: dict[str, int]
) -> dict[str, Any]:
    unknown = finding.verdict == "unknown"
    name = finding.resource or finding.kind
    location: dict[str, Any] = {
        "logicalLocations": [
            {
                "name": name,
                "fullyQualifiedName": f"{finding.kind}.{name}.{finding.property}".rstrip("."),
                "kind": "resource",
            }
        ]
    }
    if report.path and report.path != "-":
        location["physicalLocation"] = {
            "artifactLocation": {"uri": _uri(report.path)},
            "region": {"startLine": report.lines.get(finding.resource, 1)},
        }
    result: dict[str, Any] = {
        "ruleId": finding.rule_id,
        "ruleIndex": index[finding.rule_id],
        "kind": "open" if unknown else "fail",
        "level": "none" if unknown else _LEVELS[finding.level],
        "message": {"text": f"{name}: {finding.message}"},
        "locations": [location],
        "partialFingerprints": {"finding/v1": _fingerprint(finding)},
    }
    if decision is not None:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": decision.reason}]
    return result


def _fingerprint(finding: Finding) -> str:
    """The same for the same rule, resource and property, whatever value is found: so that a tool tracks it."""
    said = "\0".join((finding.rule_id, finding.kind, finding.resource, finding.property))
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _uri(path: str) -> str:
    """A relative path as a relative reference (forward slashes, escaped); an absolute one as a file URI."""
    pure = PurePath(path)
    return pure.as_uri() if pure.is_absolute() else quote(pure.as_posix())
