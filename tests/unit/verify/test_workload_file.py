"""A workload file is told by what is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from batchiac.errors import WorkloadError
from batchiac.verify.workload_file import read_workload


def test_each_form_is_recognised(tmp_path: Path) -> None:
    """YAML (also in flow style and as JSON) and SWF are read whatever the file is called."""
    (tmp_path / "a.txt").write_text("{tasks: {a: {}}}")
    (tmp_path / "b.json").write_text(json.dumps({"tasks": {"a": {}}}))
    (tmp_path / "c").write_text("1 0 0 5 1 -1 -1 1 -1 -1 1 1 1 1 1 -1 -1 -1\n")
    assert [read_workload(tmp_path / name).format for name in ("a.txt", "b.json", "c")] == ["batchiac YAML"] * 2 + [
        "SWF"
    ]


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    """No file, a folder, bytes, nothing, broken JSON: each is the user's input, with the forms that can be read."""
    cases = {"none": "cannot be read: No such file", "folder": "cannot be read: Is a directory"}
    (tmp_path / "folder").mkdir()
    for name, content, words in (
        ("bytes", b"\xff\xfe\x00", "is not UTF-8"),
        ("empty", b" \n", "is empty"),
        ("broken.json", b'{"tasks": {', "is not JSON at line 1, column 12"),
    ):
        (tmp_path / name).write_bytes(content)
        cases[name] = words
    for name, words in cases.items():
        with pytest.raises(WorkloadError, match=words) as told:
            read_workload(tmp_path / name)
        assert told.value.exit_code == 2
        assert "\n" not in told.value.message
