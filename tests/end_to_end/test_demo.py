"""The whole tour, as `make demo` calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BATCHIAC = Path(sys.executable).parent / "batchiac"


def test_the_demo_shows_everything_and_leaves_nothing(tmp_path: Path) -> None:
    """Exit 0 in a whole process: plan, deployment, workload, report and its path, a preview without change, destroy."""
    before = {path.name for path in (ROOT / ".state").rglob("*")}
    page = tmp_path / "report.html"
    environ = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    done = subprocess.run(
        [str(BATCHIAC), "demo", "--html", str(page)],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for words in ("to create", "resources created in", "All 131 jobs succeeded", "no changes:", "resources deleted in"):
        assert words in done.stdout
    assert str(page) in done.stdout
    assert "a night of sequencing" in page.read_text(encoding="utf-8")
    assert {path.name for path in (ROOT / ".state").rglob("*")} == before
