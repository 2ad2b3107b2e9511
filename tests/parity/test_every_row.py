"""Every documented row has a test, and every open choice a setting with its record: the tables are whole, and true.

Where the project's facts lie beside this tree, they are compared with the tables as well: a row that they have and the
tables have not fails here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from attrs import fields

from batchiac.engine.settings import EngineSettings, ServiceSettings
from batchiac.local.stage import StageSettings

import sys  # isort: skip

sys.path.insert(0, str(Path(__file__).parent))
from rows_of_section_c import CONFLICTS, OPEN_CHOICES, ROWS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FACTS = ROOT.parent / "shared" / "facts" / "batch_semantics.md"
ADDRESS = re.compile(r"https://\S+|botocore 1\.44\.5, (batch )?[A-Z]\w+|seed 00\d|as seen in public|issues \d+")
DATE = re.compile(r"read\s+2026-\d\d-\d\d")
SETTINGS = {each.__name__: each for each in (EngineSettings, ServiceSettings, StageSettings)}


@cache
def read_tests(file: str) -> dict[str, str]:
    """Name → docstring of a file's tests."""
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return {
        node.name: ast.get_docstring(node) or ""
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


NAMED = [(row, test) for row, tests in ROWS for test in tests] + [
    (choice, test) for choice, _, _, tests in OPEN_CHOICES for test in tests
]


@pytest.mark.parametrize("test", sorted({test for _, test in NAMED}), ids=lambda test: "::".join(test))
def test_every_test_of_the_table_exists_and_names_its_source_and_date(test: tuple[str, str]) -> None:
    """A row's test is there, has an address (or the shape of the API's model, or a seed), and the day it was read."""
    file, name = test
    assert name in read_tests(file), f"{file} has no {name}"
    source = read_tests(file)[name].partition("Source:")[2]
    assert ADDRESS.search(source), f"{file}::{name} names no source"
    assert DATE.search(source), f"{file}::{name} does not say when its source was read"


def test_every_row_has_a_test_and_is_there_once() -> None:
    """No row without a test, no row twice."""
    assert [row for row, tests in ROWS if not tests] == []
    rows = [row for row, _ in ROWS]
    assert len(rows) == len(set(rows)) > 100


def settings_named() -> Iterator[tuple[str, int]]:
    for _, names, records, _ in OPEN_CHOICES:
        for name in names:
            yield from ((name, record) for record in records)
    for _, name, record in CONFLICTS:
        yield name, record


@pytest.mark.parametrize(("name", "record"), sorted(set(settings_named())))
def test_every_choice_is_a_setting_with_a_record(name: str, record: int) -> None:
    """The setting has a default, its class says what it does, and the decision record is there."""
    owner, _, field = name.partition(".")
    found = {each.name: each for each in fields(SETTINGS[owner])}
    assert field in found
    assert f"{field}:" in (SETTINGS[owner].__doc__ or ""), f"{name} is not described"
    (page,) = (ROOT / "docs" / "decisions").glob(f"{record:04}-*.md")
    assert page.read_text(encoding="utf-8").startswith(f"# {record}.")


@pytest.mark.parametrize("record", sorted({record for _, record in settings_named()}))
def test_every_record_of_a_choice_names_its_settings(record: int) -> None:
    """Who reads the record finds the setting, by its name."""
    (page,) = (ROOT / "docs" / "decisions").glob(f"{record:04}-*.md")
    text = page.read_text(encoding="utf-8")
    names = {name.partition(".")[2] for name, each in settings_named() if each == record}
    assert any(f"`{name}`" in text or f"EngineSettings.{name}`" in text for name in names), names


def test_the_settings_name_only_records_that_exist() -> None:
    """Each `(0110)` in the settings' descriptions is a page."""
    known = {path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")}
    told = {number for each in SETTINGS.values() for number in re.findall(r"\b(0\d{3})\b", each.__doc__ or "")}
    assert told
    assert told <= known


# --- the facts themselves --------------------------------------------------------------------------------------------


def rows_of(text: str) -> list[str]:
    """The rows of one section: each line of a table but its head, each clause of a sentence but bare headings."""
    lines = [line.strip() for line in text.splitlines()]
    rows: list[str] = []
    for number, line in enumerate(lines):
        after = lines[number + 1] if number + 1 < len(lines) else ""
        if not line or line.startswith("|--") or (line.startswith("|") and after.startswith("|--")):
            continue
        if re.fullmatch(r"\*\*[^*]+\*\*( \([^)]*\))?", line):
            continue
        rows.extend([line] if line.startswith("|") else re.split(r"(?<=[.;])\s+", line))
    return rows


def section(letter: str) -> str:
    if not FACTS.exists():
        pytest.skip(f"the project's facts are not beside this tree: {FACTS.name}")
    return re.split(
        r"^## ", FACTS.read_text(encoding="utf-8").partition(f"\n## {letter}. ")[2], maxsplit=1, flags=re.M
    )[0].partition("\n")[2]


def test_the_table_has_every_row_of_the_facts() -> None:
    """Section C, clause by clause, word for word."""
    known = {row for row, _ in ROWS}
    told = rows_of(section("C"))
    assert [row for row in told if row not in known] == []
    assert [row for row in known if row not in told] == []


def test_the_table_has_every_open_choice_of_the_facts() -> None:
    """Section F, clause by clause."""
    told = [clause.strip() for clause in section("F").strip().split(";")]
    assert told == [choice for choice, _, _, _ in OPEN_CHOICES]


def test_a_row_that_the_table_does_not_know_would_be_found() -> None:
    """The reading of the facts: heads and headings are no rows, clauses are."""
    text = "**Heading** (UG)\n|from|to|\n|--|--|\n|a|b; c|\n\n**Arrays**: one; two. Three.\n"
    assert rows_of(text) == ["|a|b; c|", "**Arrays**: one;", "two.", "Three."]
