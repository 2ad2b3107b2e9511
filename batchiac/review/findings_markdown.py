"""Findings as Markdown for a comment: errors open, the rest folded, and never more than a comment holds.

GitHub refuses a comment of more than 65,536 characters. Whatever does not fit is counted and said, most severe
first, so that an error is never cut for the sake of advice. Names and values come from somebody's document: they
stand in `<code>` or are escaped, so that none of them becomes a tag, a link or a mention.
"""

from __future__ import annotations

import html
import re

from batchiac.review.findings_report import LEVELS, FindingsReport
from batchiac.rules.finding import Finding, Level

MAX_CHARACTERS = 65_000
"""Below GitHub's 65,536, so that a caller can add a line of its own."""

MAX_MESSAGE_CHARACTERS = 1_000
_TITLES = {Level.ERROR: "Errors", Level.WARNING: "Warnings", Level.ADVICE: "Advice"}
_TAIL_ROOM = 1_500
"""Kept free for the closing lines: what was cut, and the summary."""


def render_markdown(report: FindingsReport, *, max_characters: int = MAX_CHARACTERS) -> str:
    """The report as one Markdown text of at most `max_characters` characters (at least 3,000)."""
    page = _Page(max_characters - _TAIL_ROOM)
    page.always(f"### batchiac: {_escape(report.summary())}\n")
    page.always(f"{_escape(report.what)}{' ' + _code(report.path) if report.path else ''}\n")
    for level in LEVELS:
        findings = [each for each in report.broken if each.level is level]
        if findings:
            page.section(_TITLES[level], [_finding(each, report) for each in findings], folded=level is not Level.ERROR)
    waiting = [
        f"- {_code(_name(kind, name))} {_code(path)}: {', '.join(ids)}\n"
        for kind, name, path, ids in report.unknown_by_property()
    ]
    if waiting:
        page.section("Not yet known, checked again when applied", waiting, folded=True)
    if report.suppressed:
        accepted = [
            f"- {each.rule_id} {_code(_name(each.kind, each.resource))} {_code(each.property)}: {_escape(by.reason)}\n"
            for each, by in report.suppressed
        ]
        page.section("Suppressed, with the reason", accepted, folded=True)
    if report.unused:
        unused = [f"- {each.rule} of {_code(each.resource)}: {_escape(each.reason)}\n" for each in report.unused]
        page.section("Suppressions that suppress nothing: remove them", unused, folded=False)
    if report.notes:
        page.section("Notes", [f"- {_escape(note)}\n" for note in report.notes], folded=True)
    return page.text()


class _Page:
    """Lines within a budget; what does not fit is counted under its section's title."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._used = 0
        self._parts: list[str] = []
        self._cut: dict[str, int] = {}

    def always(self, text: str) -> None:
        self._parts.append(text + "\n")
        self._used += len(text) + 1

    def section(self, title: str, items: list[str], *, folded: bool) -> None:
        if self._cut:
            # Whatever comes later matters less than what is missing already.
            self._cut[title] = len(items)
            return
        head = (
            f"<details><summary>{title} ({len(items)})</summary>\n\n" if folded else f"**{title} ({len(items)})**\n\n"
        )
        foot = "\n</details>\n\n" if folded else "\n"
        room = self._budget - self._used - len(head) - len(foot)
        shown: list[str] = []
        for item in items:
            if len(item) > room:
                break
            room -= len(item)
            shown.append(item)
        if len(shown) < len(items):
            self._cut[title] = len(items) - len(shown)
            if not shown:
                return
        self._parts += [head, *shown, foot]
        self._used = self._budget - room

    def text(self) -> str:
        if self._cut:
            what = ", ".join(f"{count} of {title.split(',')[0]}" for title, count in self._cut.items())
            self._parts.append(
                f"**Cut to fit a comment; not shown: {what}.** `batchiac lint --format terminal` shows everything.\n"
            )
        return "".join(self._parts)


def _finding(finding: Finding, report: FindingsReport) -> str:
    line = report.lines.get(finding.resource)
    where = f" (line {line})" if line else ""
    lines = [
        f"- **{finding.rule_id}** {_code(_name(finding.kind, finding.resource))}{where}: {_escape(finding.message)}"
    ]
    if finding.aws_message:
        lines.append(f"  <br>AWS: {_escape(finding.aws_message)}")
    if finding.source.startswith("https://"):
        lines.append(f"  <br>[source]({finding.source})")
    return "\n".join(lines) + "\n"


def _name(kind: str, resource: str) -> str:
    return f"{kind} {resource}".strip()


def _code(text: str) -> str:
    return f"<code>{html.escape(_one_line(text, 200), quote=False)}</code>"


def _escape(text: str) -> str:
    """`text` so that Markdown and HTML show it as it is. `<!-- -->` after an @ keeps it from being a mention."""
    shown = html.escape(_one_line(text, MAX_MESSAGE_CHARACTERS), quote=False)
    shown = re.sub(r"([\\`*_\[\]#|~])", r"\\\1", shown)
    return shown.replace("@", "@<!-- -->").replace("://", ":<!-- -->//")


def _one_line(text: str, most: int) -> str:
    shown = "".join(each if each.isprintable() else " " for each in text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"
