"""Findings for a terminal: grouped by resource, coloured; the same words without colour where nobody watches.

Rich decides by the stream (and by NO_COLOR). Text goes in as `Text`, never as markup, and without control characters:
a name in somebody's plan must not steer the terminal.
"""

from __future__ import annotations

from typing import IO

from rich.console import Console
from rich.text import Text

from batchiac.review.findings_report import FindingsReport
from batchiac.rules.finding import Finding, Level

MAX_MESSAGE_CHARACTERS = 2_000
_STYLES = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.ADVICE: "cyan"}


def print_findings(report: FindingsReport, stream: IO[str], *, force_terminal: bool | None = None) -> None:
    """Write the report to `stream`; `force_terminal` is for tests, None asks the stream."""
    console = Console(file=stream, force_terminal=force_terminal, highlight=False, soft_wrap=True, emoji=False)
    for kind, name, findings in report.by_resource():
        line = report.lines.get(name)
        heading = Text(f"{kind} ", style="bold").append(_clean(name) or "(request)", style="bold")
        if report.path:
            heading.append(f"  {_clean(report.path)}{f':{line}' if line else ''}", style="dim")
        console.print(heading)
        for each in findings:
            _print_finding(console, each)
        console.print()
    waiting = list(report.unknown_by_property())
    if waiting:
        console.print(Text("Not yet known; checked again when applied", style="bold"))
        for kind, name, path, ids in waiting:
            console.print(
                Text(f"  {kind} {_clean(name)} {_clean(path)}", style="magenta").append(f"  {', '.join(ids)}", "dim")
            )
        console.print()
    for finding, decision in report.suppressed:
        console.print(
            Text(f"suppressed {finding.rule_id} {finding.kind} {_clean(finding.resource)}: ", style="dim").append(
                _clean(decision.reason)
            )
        )
    for unused in report.unused:
        console.print(
            Text("unused suppression ", style="yellow").append(
                f"{unused.rule} of {_clean(unused.resource)}: nothing found there, remove it ({_clean(unused.reason)})"
            )
        )
    for note in report.notes:
        console.print(Text("note: ", style="dim").append(_clean(note)))
    console.print(Text(f"{report.what}: ", style="dim").append(report.summary(), style="bold" if report.stops else ""))


def _print_finding(console: Console, finding: Finding) -> None:
    text = Text("  ").append(f"{finding.level.value:<8}", style=_STYLES[finding.level])
    text.append(f"{finding.rule_id}  ", style="bold").append(_clean(finding.message))
    console.print(text)
    if finding.aws_message:
        console.print(Text(f"          AWS: {_clean(finding.aws_message)}", style="dim"))
    if finding.source:
        console.print(Text(f"          {finding.source}", style="dim"))


def _clean(text: str) -> str:
    """`text` on one line, every character that is not printable shown as its escape, cut where it is endless."""
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return shown if len(shown) <= MAX_MESSAGE_CHARACTERS else shown[: MAX_MESSAGE_CHARACTERS - 1] + "…"
