"""What the README shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_python_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example for tests deploys this project's program and sees its job through."""
    monkeypatch.chdir(ROOT)
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})


def test_its_verbs_exist() -> None:
    """Every `batchiac` verb that it names is one."""
    from batchiac.cli.main import VERBS

    named = set(re.findall(r"^batchiac ([a-z]+)", README, re.MULTILINE))
    assert named
    assert named <= set(VERBS)


def test_its_links_lead_somewhere() -> None:
    """Every file that it links to is there."""
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_page_of_docs_links_somewhere() -> None:
    """The same for the pages under docs/."""
    for page in (ROOT / "docs").glob("*.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
