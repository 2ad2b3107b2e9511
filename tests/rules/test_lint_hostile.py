"""A hostile or broken file ends in one sentence and exit 2, within bounds, and nothing in it is executed."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from batchiac.cli.main import main
from batchiac.errors import UserError
from batchiac.rules.read.guard import MAX_JSON_BYTES, read_file

LAUGHS = (
    b"a: &a [x, x, x, x, x, x, x, x, x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (98 + i, 98 + i, b", ".join([b"*%c" % (97 + i)] * 9)) for i in range(9))
    + b"Resources: *j\n"
)

FILES: dict[str, tuple[bytes, str]] = {
    "deep.json": (b"[" * 1_000_000, "nests deeper than 100"),
    "deep_and_closed.json": (b'{"Resources":' + b"[" * 500 + b"]" * 500 + b"}", "nests deeper than 100"),
    "deep_flow.yaml": (b"a: " + b"[" * 100_000, "nests deeper than 100"),
    "deep_block.yaml": (b"".join(b" " * i + b"a:\n" for i in range(1_000)), "nests deeper than 100"),
    "latin.json": (b'{"a": "\xe9"}', "not UTF-8"),
    "latin.yaml": (b"a: \xe9\n", "not UTF-8"),
    "utf16.json": ("{}".encode("utf-16"), "UTF-16"),
    "nul.json": (b'{"a": "\x00"}', "NUL"),
    "surrogate.json": (b'{"a": "\\ud800"}', "surrogate"),
    "infinity.json": (b'{"a": 1e999}', "beyond 64 bits"),
    "nan.json": (b'{"a": NaN}', "NaN"),
    "digits.json": (b'{"a": ' + b"1" * 5_000 + b"}", "more digits"),
    "hex.yaml": (b"a: 0x" + b"f" * 5_000, "beyond 64 bits"),
    "python_tag.yaml": (b"a: !!python/object/apply:os.system ['touch OWNED']\n", "YAML tag !!python"),
    "own_tag.yaml": (b"a: !Exec x\n", "YAML tag !Exec"),
    "binary_tag.yaml": (b"a: !!binary aGk=\n", "YAML tag !!binary"),
    "laughs.yaml": (LAUGHS, "nodes"),
    "itself.yaml": (b"Resources: &x [*x]\n", "before its anchor"),
    "many_nodes.yaml": (b"a: [" + b"[]," * 300_000 + b"1]", "nodes"),
    "key.yaml": (b"x: {[a, b]: c}\n", "key that is not text"),
    "documents.yaml": (b"a: 1\n---\nb: 2\n", "more than one YAML document"),
    "log.json": (b'{"@level": "info"}\n{"@level": "info"}\n', "more than one JSON document"),
    "half.json": (b'{"a": ', "is not JSON"),
    "half.yaml": (b"a: b: c\n", "neither JSON nor YAML"),
    "empty.json": (b" \n", "is empty"),
    "empty.yaml": (b"# nothing\n", "is empty"),
    "binary.tfplan": (b"PK\x03\x04....", "terraform show -json"),
    "list.json": (b"[]", "is a list"),
    "other.json": (b'{"name": "x"}', "none of the documents"),
    "state.json": (b'{"version": 3, "deployment": {}}', "Pulumi state"),
    "tfstate.json": (b'{"terraform_version": "1.9", "lineage": "x"}', "Terraform state"),
    "tf_values.json": (b'{"format_version": "1.0", "values": {}}', "Terraform state"),
    "future.json": (b'{"format_version": "2.0", "resource_changes": []}', "format '2.0'"),
    "steps.json": (b'{"steps": [1]}', "step without an operation"),
    "no_type.json": (b'{"Resources": {"A": 1}}', "has no Type"),
    "empty_plan.json": (b'{"format_version": "1.0", "resource_changes": []}', "no resource"),
    "other_provider.json": (
        b'{"format_version": "1.2", "resource_changes": [{"address": "azurerm_batch_pool.p", "type":'
        b' "azurerm_batch_pool", "mode": "managed", "name": "p", "change": {"actions": ["create"], "after": {}}}]}',
        "azurerm_batch_pool",
    ),
    "other_preview.json": (
        b'{"steps": [{"op": "create", "newState": {"urn": "urn:pulumi:s::p::gcp:batch/job:Job::j",'
        b' "type": "gcp:batch/job:Job", "inputs": {}}}]}',
        "gcp:batch/job:Job",
    ),
    "other_template.yaml": (b"Resources:\n  B:\n    Type: AWS::S3::Bucket\n", "AWS::S3::Bucket"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_ends_in_one_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, one line that says what was found, no traceback, and nothing of it done."""
    monkeypatch.chdir(tmp_path)
    data, said = FILES[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SystemExit) as ended:
        main(["lint", name])
    printed = capsys.readouterr()
    assert ended.value.code == 2
    assert said in printed.err
    assert len(printed.err.strip().splitlines()) == 1
    assert printed.out == ""
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_a_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    """50 MB are refused by their size."""
    path = tmp_path / "big.json"
    with path.open("wb") as stream:
        stream.truncate(50_000_000)
    with pytest.raises(UserError, match=r"has 47\.7 MiB, more than the 16\.0 MiB"):
        read_file(str(path))


def test_big_yaml_is_refused(tmp_path: Path) -> None:
    """YAML has a smaller limit than JSON."""
    path = tmp_path / "big.yaml"
    path.write_bytes(b"a: 1\n" * 500_000)
    with pytest.raises(UserError, match="of YAML are read"):
        read_file(str(path))


@pytest.mark.parametrize("path", ["/dev/zero", "missing.json", "a\0b"])
def test_what_is_no_file_is_refused(path: str) -> None:
    """A device, a missing file and no path at all are one sentence each."""
    with pytest.raises(UserError):
        read_file(path)


def test_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    """Neither is a regular file, and a pipe without a writer does not hang."""
    os.mkfifo(tmp_path / "pipe")
    for each in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(UserError, match="not a regular file"):
            read_file(str(each))


def test_strings_of_a_template_cannot_fill_the_memory(tmp_path: Path) -> None:
    """A join of a long text with itself, thousands of times, is left unknown instead of made."""
    name = tmp_path / "t.yaml"
    name.write_text(
        "A: &a " + "x" * 100_000 + "\nResources:\n  Q:\n    Type: AWS::Batch::JobQueue\n    Properties:\n"
        "      Priority: 1\n      JobQueueName: !Join ['', [" + ", ".join(["*a"] * 10_000) + "]]\n"
        "      SchedulingPolicyArn: !Sub ['" + "${b}" * 10_000 + "', {b: *a}]\n"
        "      ComputeEnvironmentOrder: [{Order: 1, ComputeEnvironment: e}]\n"
    )
    with pytest.raises(SystemExit) as ended:
        main(["lint", str(name)])
    assert ended.value.code == 0


PIECES = {"lists": b"[],", "objects": b'{"":0},', "texts": b'"",', "numbers": b"1,"}


@pytest.mark.slow  # up to ten seconds of processor time each: the biggest files that are read at all
@pytest.mark.parametrize("values", [999_000, 0], ids=["most values", "most bytes"])
@pytest.mark.parametrize("piece", PIECES)
def test_the_biggest_file_stays_within_a_gibibyte_and_ten_seconds(piece: str, values: int, tmp_path: Path) -> None:
    """A process with 1 GiB of address space and 10 s of processor time reads the worst file that the limits let in."""
    path = tmp_path / "wide.json"
    head, tail = b'{"Resources": {"A": {"Type": "AWS::Batch::JobQueue", "Properties": {"x": [', b"1]}}}}"
    count = values or (MAX_JSON_BYTES - len(head) - len(tail)) // len(PIECES[piece])
    if piece == "objects" and values:
        count //= 2
    path.write_bytes(head + PIECES[piece] * count + tail)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (10, 10))

    ended = subprocess.run(
        [sys.executable, "-c", "from batchiac.cli.main import main; main()", "lint", str(path)],
        preexec_fn=limit,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 2, ended.stderr[-500:]
    assert (b"values: check one stack" in ended.stderr) == (not values)
