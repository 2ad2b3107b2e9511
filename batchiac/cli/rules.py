"""`batchiac rules`: the documented rules, listed or explained. Prints rows, decides nothing."""

from __future__ import annotations

import difflib
import json
import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from batchiac.errors import UserError

if TYPE_CHECKING:
    from batchiac.rules.row import Rule


@click.command()
@click.argument("rule_ids", nargs=-1, metavar="[ID]...")
@click.option("--json", "as_json", is_flag=True, help="Rows as JSON.")
@click.option("--kind", help="Only rules of one resource kind or operation: ComputeEnvironment, SubmitJob, …")
@click.option("--level", type=click.Choice(["error", "warning", "advice"]), help="Only rules of one level.")
def command(rule_ids: tuple[str, ...], as_json: bool, kind: str | None, level: str | None) -> None:
    """List every rule, or explain those with the given IDs (CE013, or CE13)."""
    rows = _rows()
    if rule_ids:
        rows = [_find(each, rows) for each in rule_ids]
    if kind is not None:
        kinds = sorted({row["resource"] for row in rows})
        rows = [row for row in rows if row["resource"].lower() == kind.lower()]
        if not rows:
            near = difflib.get_close_matches(kind, kinds, n=1)
            meant = f"did you mean {near[0]}?" if near else f"rules are about {', '.join(kinds)}"
            raise UserError(f"no rule is about {kind[:40]!r}; {meant}")
    if level is not None:
        rows = [row for row in rows if row["level"] == level]
    if as_json:
        click.echo(json.dumps({"schema": 1, "rules": rows}, indent=2, ensure_ascii=False))
    elif rule_ids:
        click.echo("\n\n".join(_explained(row) for row in rows))
    else:
        _list(rows)


def _rows() -> list[dict[str, Any]]:
    from batchiac.rules import CATALOGUE

    return [_row(rule) for rule in CATALOGUE.values()] + _shape_rows()


def _row(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "resource": rule.kind,
        "property": rule.property,
        "level": rule.level.value,
        "scope": rule.scope,
        "allowed": rule.allowed_plain,
        "message": rule.message,
        "aws_message": rule.aws_message or None,
        "source": rule.source,
        "read": rule.read,
        "seed_difference": rule.seed_difference or None,
        "example_breaks_it": rule.example_breaks_it or None,
    }


def _shape_rows() -> list[dict[str, Any]]:
    """What the API model's own shapes state, one row a kind of statement."""
    from batchiac.rules.row import READ
    from batchiac.rules.shape_check import API, SHAPE_RULES

    return [
        {
            "id": each.id,
            "resource": "every request",
            "property": "",
            "level": each.level.value,
            "scope": "resource",
            "allowed": each.says,
            "message": each.says,
            "aws_message": None,
            "source": API,
            "read": READ,
            "seed_difference": None,
            "example_breaks_it": None,
        }
        for each in SHAPE_RULES.values()
    ]


def _find(rule_id: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    from batchiac.rules.suppress import find_rule_id

    by_id: Mapping[str, dict[str, Any]] = {row["id"]: row for row in rows}
    known = find_rule_id(rule_id, by_id)
    if known is None:
        near = difflib.get_close_matches(rule_id.upper(), list(by_id), n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise UserError(f"no rule has the id {rule_id[:40]!r}; {meant}`batchiac rules` lists them")
    return by_id[known]


def _list(rows: list[dict[str, Any]]) -> None:
    """A line a rule; cut at the edge of a terminal, whole in a pipe, where somebody may search it."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for row in rows:
        scope = " (across the stack)" if row["scope"] == "stack" else ""
        place = f"{row['resource']} {row['property']}".rstrip()
        line = f"{row['id']:<6} {row['level']:<8} {place}{scope}: {row['allowed']}"
        click.echo(line if width is None or len(line) <= width else f"{line[: max(width - 1, 1)]}…")
    click.echo(f"{len(rows)} rules; `batchiac rules ID` explains one")


def _explained(row: dict[str, Any]) -> str:
    lines = [
        f"{row['id']}  {row['level']}  {row['resource']} {row['property']}".rstrip(),
        *textwrap.wrap(row["message"], 100, initial_indent="  ", subsequent_indent="  "),
    ]
    if row["scope"] == "stack":
        lines.append("  seen across the resources of a stack")
    if row["aws_message"]:
        lines.append(f"  AWS says: {row['aws_message']}")
    if row["seed_difference"]:
        lines.append(f"  older texts: {row['seed_difference']}")
    if row["example_breaks_it"]:
        lines.append(f"  note: {row['example_breaks_it']}")
    lines.append(f"  source: {row['source']} (read {row['read']})")
    return "\n".join(lines)
