"""The journal's file: what was written comes back, what was torn is cut off, what is damaged is refused."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from batchiac.errors import StateError
from batchiac.local.server.journal import Journal, changes, http_environ, http_record, write_line

META = {"seed": 7, "clock": "real"}


def opened(folder: Path, **meta: Any) -> Journal:
    return Journal(folder, {**META, **meta})


def fill(folder: Path, count: int = 3) -> list[dict[str, Any]]:
    records = [{"k": "time", "t": number, "text": "ü\n "} for number in range(count)]
    journal = opened(folder)
    for record in records:
        journal.write(record)
    journal.close()
    return records


def read(folder: Path) -> list[dict[str, Any]]:
    journal = opened(folder)
    try:
        return list(journal.records())
    finally:
        journal.close()


def test_what_was_written_comes_back_in_order(tmp_path: Path) -> None:
    """Across processes, and again and again."""
    records = fill(tmp_path)
    assert read(tmp_path) == records
    assert read(tmp_path) == records


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_torn_last_line_is_cut_off(tmp_path: Path, cut: int) -> None:
    """Wherever the write was torn, the lines before it stay, and new ones follow them."""
    records = fill(tmp_path)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    assert read(tmp_path) == records[:-1]
    journal = opened(tmp_path)
    assert list(journal.records()) == records[:-1]
    journal.write({"k": "time", "t": 99})
    journal.close()
    assert read(tmp_path) == [*records[:-1], {"k": "time", "t": 99}]


@pytest.mark.parametrize("damage", [b"00000000 {}\n", b"nonsense\n", b"\n", write_line({})[:-1] + b" \n"])
def test_a_damaged_line_before_the_last_is_refused(tmp_path: Path, damage: bytes) -> None:
    """With its number, and nothing is changed."""
    fill(tmp_path)
    path = tmp_path / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = damage
    path.write_bytes(b"".join(lines))
    with pytest.raises(StateError, match="line 2"):
        read(tmp_path)
    assert path.read_bytes() == b"".join(lines)


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    """Two servers never write one journal; the folder is free again after close."""
    journal = opened(tmp_path)
    with pytest.raises(StateError, match="in use"):
        opened(tmp_path)
    journal.close()
    opened(tmp_path).close()


def test_other_settings_are_refused(tmp_path: Path) -> None:
    """A replay under another seed would give other ids than clients were told."""
    fill(tmp_path)
    with pytest.raises(StateError, match="seed 7"):
        opened(tmp_path, seed=8)
    assert len(read(tmp_path)) == 3


@pytest.mark.parametrize("text", ["", "[]", "{", None])
def test_a_broken_meta_file_is_refused(tmp_path: Path, text: str | None) -> None:
    """And a journal without one as well: nobody knows what it was."""
    fill(tmp_path)
    meta = tmp_path / "meta.json"
    if text is None:
        meta.unlink()
    else:
        meta.write_text(text)
    with pytest.raises(StateError, match="name another folder"):
        opened(tmp_path)


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be used"):
        opened(tmp_path / "file")


@pytest.mark.parametrize(
    ("service", "method", "action", "expected"),
    [
        ("ec2", "POST", "RunInstances", True),
        ("ec2", "POST", "DescribeInstances", False),
        ("iam", "POST", "GetRole", False),
        ("iam", "POST", "GenerateCredentialReport", True),
        ("sqs", "POST", "ReceiveMessage", True),
        ("dynamodb", "POST", "Query", False),
        ("s3", "PUT", "", True),
        ("s3", "GET", "", False),
        ("states", "POST", "CreateStateMachine", True),
        ("states", "POST", "StartExecution", True),
        ("states", "POST", "StartSyncExecution", False),
        ("states", "POST", "StopExecution", False),
        ("states", "POST", "SendTaskSuccess", False),
        ("", "POST", "", True),
    ],
)
def test_what_is_written_down(service: str, method: str, action: str, expected: bool) -> None:
    """Every change, no read, and nothing that acts on a running state machine: what that did is written down."""
    assert changes(service, method, action) is expected


def test_a_request_is_sent_again_as_it_came() -> None:
    """Method, path, query, body and the headers that moto looks at."""
    environ = {
        "REQUEST_METHOD": "PUT",
        "PATH_INFO": "/bucket/a?b",
        "QUERY_STRING": "x=1&y=%20",
        "HTTP_AUTHORIZATION": "AWS4 …",
        "HTTP_HOST": "127.0.0.1:4566",
        "HTTP_X_AMZ_TARGET": "T.A",
        "HTTP_COOKIE": "no",
        "CONTENT_TYPE": "text/plain",
    }
    again = http_environ(http_record(environ, b"\x00\xff"))
    assert again["wsgi.input"].read() == b"\x00\xff"
    assert {key: again.get(key) for key in environ} == {**environ, "HTTP_COOKIE": None}
    assert (again["CONTENT_LENGTH"], again["SERVER_NAME"], again["SERVER_PORT"]) == ("2", "127.0.0.1", "4566")


@pytest.mark.parametrize("fails", [False, True])
def test_a_full_disk_leaves_a_journal_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """Half a line is taken back; what comes later is refused, or it would be done again without the change it lacks."""
    records = fill(tmp_path)
    journal = opened(tmp_path)
    assert list(journal.records()) == records
    write = os.write

    def on_a_full_disk(file: int, line: bytes) -> int:
        if fails:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, line[:20])

    with monkeypatch.context() as full:
        full.setattr(os, "write", on_a_full_disk)
        with pytest.raises(StateError, match="cannot be written"):
            journal.write({"k": "time", "t": 98, "text": "longer than twenty bytes"})
    with pytest.raises(StateError, match="restart the server"):
        journal.write({"k": "time", "t": 99})
    journal.close()
    assert read(tmp_path) == records


def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    """What clients send, secrets included, is in them."""
    fill(tmp_path)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
