"""The page of every rule, docs/rules.md, made from the catalogue (scripts/generate_docs.py writes it)."""

from __future__ import annotations

from collections.abc import Iterator

from batchiac.rules.catalogue import read_catalogue
from batchiac.rules.finding import Level
from batchiac.rules.row import Rule
from batchiac.rules.shape_check import SHAPE_RULES
from batchiac.rules.shapes import MODEL

_TITLES = {
    "CE": "Compute environments",
    "LT": "Launch templates",
    "AM": "Images",
    "EK": "Amazon EKS",
    "UP": "Update policy",
    "JQ": "Job queues",
    "SP": "Scheduling policies",
    "SE": "Service environments",
    "QS": "Quota shares",
    "CR": "Consumable resources",
    "JD": "Job definitions",
    "SJ": "SubmitJob",
    "TJ": "Ending jobs",
    "LJ": "Listing jobs",
    "DJ": "Describing and deregistering",
    "SV": "Service jobs",
    "TG": "Tags",
    "ST": "Across a stack",
    "RO": "Roles",
}
"""Prefix of the ids → heading, in the order of the page; a prefix that is not here is a heading by itself."""


def render() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    catalogue = read_catalogue()
    groups: dict[str, list[Rule]] = {}
    for row in catalogue.values():
        groups.setdefault(row.id[:2], []).append(row)
    levels = {level: sum(row.level is level for row in catalogue.values()) for level in Level}
    across = sum(row.scope == "stack" for row in catalogue.values())
    yield "<!-- Generated from batchiac/rules by scripts/generate_docs.py; do not edit. -->"
    yield "# Rules"
    yield ""
    yield (
        f"{len(catalogue)} rules: {levels[Level.ERROR]} errors, {levels[Level.WARNING]} warnings,"
        f" {levels[Level.ADVICE]} pieces of advice; {across} of them look across a stack. Each is one documented"
        " sentence. `batchiac rules CE013` explains one."
    )
    yield ""
    yield (
        "A message says what was found, what is allowed, and what to change. A value that is not yet known is reported"
        " as such and judged when it is known. Where today's AWS says something else than older texts, today's is the"
        " rule and both are named."
    )
    for prefix in [*_TITLES, *(each for each in groups if each not in _TITLES)]:
        rows = groups.get(prefix)
        if rows:
            yield from _section(_TITLES.get(prefix, prefix), rows)
    yield ""
    yield "## Shapes"
    yield ""
    yield f"What the API model itself states ({MODEL}) is read from it and typed nowhere else."
    yield ""
    yield "| id | level | rule |"
    yield "|--|--|--|"
    for shape in SHAPE_RULES.values():
        yield f"| {shape.id} | {shape.level} | {shape.says} |"


def _section(title: str, rows: list[Rule]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield "| id | level | property | allowed | to change | source |"
    yield "|--|--|--|--|--|--|"
    for row in sorted(rows, key=lambda row: row.id):
        place = f"`{row.property}`" if row.property else "the whole"
        notes = [row.allowed]
        if row.aws_message:
            notes.append(f"AWS: “{row.aws_message}”")
        if row.seed_difference:
            notes.append(f"Older texts: {row.seed_difference}")
        if row.example_breaks_it:
            notes.append(f"AWS's own example: {row.example_breaks_it}")
        level = str(row.level) + (", stack" if row.scope == "stack" else "") + _dialect(row)
        source = f"[{_page(row.source)}]({row.source}), {row.read}"
        cells = (row.id, level, place, "<br>".join(notes), row.change, source)
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _dialect(row: Rule) -> str:
    return ", updates" if row.dialect == "update" else ""


def _page(address: str) -> str:
    return address.rpartition("/")[2].partition(".")[0] or address
