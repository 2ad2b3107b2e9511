"""Every parity test of the engine and of service jobs says where its fact stands, and when that was read."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = [*sorted(HERE.glob("test_engine_*.py")), HERE / "test_service_jobs.py"]
ADDRESS = re.compile(r"https://\S+|botocore 1\.44\.5, (batch )?[A-Z]\w+|seed 00\d|as seen in public|issues \d+")
DATE = re.compile(r"read\s+2026-\d\d-\d\d")
TESTS = [
    pytest.param(node, id=f"{path.stem}:{node.name}")
    for path in FILES
    if path != Path(__file__) and path.exists()
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
    assert len(TESTS) > 50
