"""Every parity test of what Batch does says where its fact stands, and when that was read.

The rules' facts are tables with a source a row (test_rules_facts.py, test_job_rules.py).
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TABLES = ("test_rules_facts.py", "test_job_rules.py", "test_every_row.py", Path(__file__).name)
FILES = [path for path in sorted(HERE.glob("test_*.py")) if path.name not in TABLES]
ADDRESS = re.compile(r"https://\S+|botocore 1\.44\.5, (batch )?[A-Z]\w+|seed 00\d|as seen in public|issues \d+")
DATE = re.compile(r"read\s+2026-\d\d-\d\d")
TESTS = [
    pytest.param(node, id=f"{path.stem}:{node.name}")
    for path in FILES
    for node in ast.parse(path.read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
]


@pytest.mark.parametrize("test", TESTS)
def test_the_source_and_its_date_are_named(test: ast.FunctionDef) -> None:
    """`Source:` is followed by an address, a shape of the API's model, a seed or "as seen in public", and a date."""
    source = (ast.get_docstring(test) or "").partition("Source:")[2]
    assert ADDRESS.search(source), f"{test.name} names no source"
    assert DATE.search(source), f"{test.name} does not say when its source was read"


def test_there_are_tests_to_look_at() -> None:
    """An empty list would prove nothing."""
    assert len(TESTS) > 150
