"""No false alarm: the project's own stacks, previewed and linted, have no error."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from batchiac.cli.main import main

ROOT = Path(__file__).parents[2]
STACKS = sorted(path.name.split(".")[1] for path in (ROOT / "stacks").glob("Pulumi.*.yaml"))


def run(*words: str) -> int:
    """The exit code of one command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0)


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_of_the_project_has_no_error(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the project itself declares obeys every rule, and every resource of it is looked at."""
    monkeypatch.setitem(os.environ, "PULUMI_BACKEND_URL", tmp_path.as_uri())
    assert run("preview", "--json", "--stack", stack, "--cwd", str(ROOT)) == 0
    preview = capsys.readouterr().out
    path = tmp_path / "preview.json"
    path.write_text(preview)
    assert run("lint", str(path), "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["findings"] == [] or {each["level"] for each in report["findings"]} <= {"warning", "advice"}
    assert report["resources"] >= 10
