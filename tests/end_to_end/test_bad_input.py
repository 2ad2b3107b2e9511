"""Bad input gets one clear sentence, the documented exit code, and nothing changes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).resolve().parents[2]
BATCHIAC = Path(sys.executable).parent / "batchiac"
DAMAGED, USER, REFUSED = 5, 2, 3


@frozen
class Ended:
    """How a command ended: its exit code and the last line of stderr, which is ours."""

    code: int
    sentence: str
    stderr: str


@frozen
class Project:
    """A copy of this repository's program in a folder of its own."""

    folder: Path

    def run(self, *arguments: str, **environ: str) -> Ended:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_ENDPOINT")}
        done = subprocess.run(
            [str(BATCHIAC), *arguments],
            cwd=self.folder,
            env=environment | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return Ended(done.returncode, lines[-1] if lines else "", done.stderr)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{path} no longer holds {old!r}"
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def files(self) -> dict[str, bytes]:
        """Everything under the project but Python's caches: what must not change."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    def write_state(self, text: str) -> None:
        path = self.folder / ".state/.pulumi/stacks/infra/local.json"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for name in ("infra", "stacks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / ".state").mkdir()
    return Project(tmp_path)


@pytest.fixture
def dead_endpoint() -> str:
    """An address on this machine where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


class _Denies(BaseHTTPRequestHandler):
    """AWS as it answers a signature that it does not know, in both protocols."""

    def _deny(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        if b"json" in (self.headers.get("content-type") or "").encode():
            kind = "application/json"
            body = json.dumps({"message": "The security token included in the request is invalid."}).encode()
        else:
            kind = "text/xml"
            body = (
                b"<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>"
                b"<Message>The security token included in the request is invalid.</Message></Error></ErrorResponse>"
            )
        self.send_response(403)
        self.send_header("content-type", kind)
        self.send_header("x-amzn-ErrorType", "UnrecognizedClientException")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _deny  # noqa: N815  the library's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
        """Say nothing: the test reads what batchiac says."""


@pytest.fixture
def denying_endpoint() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Denies)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def assert_refused(ended: Ended, code: int, *words: str) -> None:
    """One sentence of ours at the end, with the words that help, and no traceback of our own code."""
    assert ended.code == code, ended.stderr
    assert ended.sentence.startswith("batchiac: "), ended.stderr
    for word in words:
        assert word in ended.sentence, ended.stderr
    assert "/batchiac/" not in ended.stderr, ended.stderr


def test_no_such_stack(project: Project) -> None:
    """A stack that has no file is named, with those that exist."""
    before = project.files()
    assert_refused(project.run("preview", "--stack", "lokal"), USER, "lokal", "local", "production")
    assert project.files() == before


def test_no_project(tmp_path: Path) -> None:
    """A folder without Pulumi.yaml is said to be none."""
    assert_refused(Project(tmp_path).run("preview", "--stack", "local"), USER, "Pulumi.yaml")


@pytest.mark.parametrize("path", ["Pulumi.yaml", "stacks/Pulumi.local.yaml"])
def test_broken_yaml(project: Project, path: str) -> None:
    """A file that is not YAML is named with the line that breaks it."""
    file = project.folder / path
    file.write_text(file.read_text(encoding="utf-8") + "\n: [broken\n", encoding="utf-8")
    before = project.files()
    assert_refused(project.run("preview", "--stack", "local"), USER, Path(path).name, "line")
    assert project.files() == before


def test_unknown_batchiac_key(project: Project) -> None:
    """A misspelt key of ours is answered with the nearest known one."""
    project.edit("stacks/Pulumi.local.yaml", "batchiac:region", "batchiac:regoin")
    assert_refused(project.run("preview", "--stack", "local"), USER, "batchiac:regoin", "batchiac:region")


def test_unknown_program_key(project: Project) -> None:
    """A misspelt key of the program's is answered with the nearest known one."""
    with (project.folder / "stacks/Pulumi.local.yaml").open("a", encoding="utf-8") as file:
        file.write("  infra:maxVcpuss: 4\n")
    assert_refused(project.run("preview", "--stack", "local"), USER, "maxVcpuss", "axVcpus")


def test_program_raises(project: Project) -> None:
    """The program's own traceback comes first, then our line."""
    with (project.folder / "infra/__main__.py").open("a", encoding="utf-8") as file:
        file.write("\nraise ValueError('the moon is in the wrong phase')\n")
    before = project.files()
    ended = project.run("preview", "--stack", "local")
    assert_refused(ended, USER, "ValueError", "the moon is in the wrong phase")
    assert "Traceback" in ended.stderr
    assert "__main__.py" in ended.stderr
    assert project.files() == before


@pytest.mark.parametrize("verb", ["up", "destroy", "refresh"])
def test_endpoint_that_does_not_answer(project: Project, dead_endpoint: str, verb: str) -> None:
    """An endpoint where nothing listens is named, and nothing is written but what an empty stack has."""
    project.write_state(_state_of_one_vpc())
    before = project.files()
    ended = project.run(verb, "--stack", "local", "--yes", AWS_ENDPOINT_URL=dead_endpoint)
    assert_refused(ended, REFUSED, dead_endpoint)
    assert _without_backups(project.files()) == _without_backups(before)


def test_local_stack_without_a_server(project: Project) -> None:
    """`up` of a local stack says how to start one."""
    project.edit("stacks/Pulumi.local.yaml", "4566", "9")
    assert_refused(project.run("up", "--stack", "local", "--yes"), REFUSED, "batchiac serve")


def test_wrong_credentials(project: Project, denying_endpoint: str) -> None:
    """AWS's own words for a refused signature reach the user."""
    ended = project.run("up", "--stack", "local", "--yes", AWS_ENDPOINT_URL=denying_endpoint)
    assert_refused(ended, REFUSED, "security token included in the request is invalid")


def test_local_target_never_leaves_this_machine(project: Project) -> None:
    """A local stack whose endpoint is elsewhere is refused before any call."""
    ended = project.run("up", "--stack", "local", "--yes", AWS_ENDPOINT_URL="https://batch.us-east-1.amazonaws.com")
    assert_refused(ended, USER, "loopback")


def test_locked_state(project: Project, dead_endpoint: str) -> None:
    """A lock of another run is said with its owner and the way out."""
    lock = project.folder / ".state/.pulumi/locks/organization/infra/local/6f0a.json"
    lock.parent.mkdir(parents=True)
    lock.write_text(
        json.dumps({"pid": 4711, "username": "ada", "hostname": "analytical", "timestamp": "2026-11-01T08:00:00Z"}),
        encoding="utf-8",
    )
    before = project.files()
    ended = project.run("up", "--stack", "local", "--yes", AWS_ENDPOINT_URL=dead_endpoint)
    assert_refused(ended, DAMAGED, "ada", "4711", "batchiac cancel")
    assert project.files() == before


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"version": 99, "checkpoint": {}}', '{"version": 3, "checkpoint": {"latest": {"resources": [{}]}}}'],
)
def test_damaged_state(project: Project, text: str) -> None:
    """A state file that cannot be trusted is named and left as it is."""
    project.write_state(text)
    before = project.files()
    assert_refused(project.run("preview", "--stack", "local"), DAMAGED, "local.json")
    assert project.files() == before


@pytest.mark.parametrize(
    ("workload", "words"),
    [
        ("tasks: {a: {depends_on: [b]}, b: {depends_on: [a]}}\n", ("cycle", "a", "b")),
        ("tasks: {a: {depends_on: [ghost]}}\n", ("ghost", "a")),
        ("tasks: 7\n", ("tasks",)),
        ("{{{", ("line",)),
    ],
)
def test_bad_workload(project: Project, workload: str, words: tuple[str, ...]) -> None:
    """A workload with a cycle, a missing parent or no shape at all is refused with the names in it."""
    file = project.folder / "work.yaml"
    file.write_text(workload, encoding="utf-8")
    ended = project.run("verify", "--stack", "local", "--workload", "work.yaml")
    assert_refused(ended, USER, "work.yaml", *words)


def test_missing_workload(project: Project) -> None:
    """A workload file that is not there is named."""
    assert_refused(project.run("verify", "--stack", "local", "--workload", "gone.json"), USER, "gone.json")


@pytest.mark.parametrize(("old", "new"), [("us-east-1", "eu-west-1")], ids=["another region than the state's"])
def test_stack_of_another_region(project: Project, dead_endpoint: str, old: str, new: str) -> None:
    """A stack whose region is not the one in its state is refused before any call."""
    project.write_state(_state_of_one_vpc())
    project.edit("stacks/Pulumi.local.yaml", old, new)
    ended = project.run("up", "--stack", "local", "--yes", AWS_ENDPOINT_URL=dead_endpoint)
    assert ended.code in (USER, REFUSED), ended.stderr
    assert_refused(ended, ended.code, old, new)


def test_usage(project: Project) -> None:
    """A verb that does not exist ends with the usage exit code."""
    assert project.run("perview").code == 64
    assert project.run("preview", "--no-such-flag").code == 64


def test_up_without_a_terminal_asks_for_yes(project: Project, dead_endpoint: str) -> None:
    """Without a terminal nobody can confirm: `--yes` is asked for, and nothing is done."""
    before = project.files()
    ended = project.run("up", "--stack", "local", AWS_ENDPOINT_URL=dead_endpoint)
    assert ended.code != 0
    assert project.files() == before


def _without_backups(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name.endswith("stacks/infra/local.json")}


def _state_of_one_vpc() -> str:
    """A deployed state with one resource, as either engine would have written it."""
    stack = "urn:pulumi:local::infra::pulumi:pulumi:Stack::infra-local"
    provider = "urn:pulumi:local::infra::pulumi:providers:pulumi-python::default"
    provider_id = "00000000-0000-4000-8000-000000000000"
    state = {
        "identity": "infra/local/alone",
        "region": "us-east-1",
        "account": "123456789012",
        "cidrBlock": "10.9.0.0/16",
        "tags": {},
        "vpcId": "vpc-0a",
    }
    return json.dumps(
        {
            "version": 3,
            "checkpoint": {
                "stack": "organization/infra/local",
                "latest": {
                    "manifest": {"time": "2026-11-01T08:00:00Z", "magic": "", "version": ""},
                    "resources": [
                        {"urn": stack, "custom": False, "type": "pulumi:pulumi:Stack"},
                        {"urn": provider, "custom": True, "id": provider_id, "type": "pulumi:providers:pulumi-python"},
                        {
                            "urn": "urn:pulumi:local::infra::pulumi-python:dynamic/batch:Vpc::alone",
                            "custom": True,
                            "id": "vpc-0a",
                            "type": "pulumi-python:dynamic/batch:Vpc",
                            "inputs": state,
                            "outputs": state,
                            "parent": stack,
                            "provider": f"{provider}::{provider_id}",
                        },
                    ],
                },
            },
        }
    )


# --- what a stack accepts --------------------------------------------------------------------------------------------

BEST_FIT_ORDERED = "  infra:spotAllocationStrategy: BEST_FIT_PROGRESSIVE_ORDERED\n"
ACCEPTED = """  batchiac:suppress:
    - rule: CE020
      resource: spot
      reason: tried on Monday
    - rule: CE013
      resource: spot
      reason: of no use
"""


def test_an_accepted_error_no_longer_stops_a_preview(project: Project) -> None:
    """Without the decision exit 2; with it exit 0, the reason said, and the decision of no use named."""
    stack = project.folder / "stacks/Pulumi.spot.yaml"
    stack.write_text(stack.read_text(encoding="utf-8") + BEST_FIT_ORDERED, encoding="utf-8")
    refused = project.run("preview", "--stack", "spot")
    assert refused.code == USER
    assert "CE020 spot.computeResources.allocationStrategy" in refused.stderr
    stack.write_text(stack.read_text(encoding="utf-8") + ACCEPTED, encoding="utf-8")
    accepted = project.run("preview", "--stack", "spot")
    assert accepted.code == 0
    assert "accepted (tried on Monday): CE020 spot." in accepted.stderr
    assert accepted.stderr.count("warning: ") == 1
    assert "warning: batchiac:suppress accepts CE013 of spot, which was not found" in accepted.stderr


def test_a_preview_lists_as_json_what_could_not_be_checked(project: Project) -> None:
    """Each property among the diagnostics, with the rules that wait for it; for people, one line for all."""
    ended = subprocess.run(
        [str(BATCHIAC), "preview", "--stack", "local", "--json"],
        cwd=project.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    entries = [
        each for each in json.loads(ended.stdout)["diagnostics"] if each["message"].startswith("not yet known: ")
    ]
    assert {each["severity"] for each in entries} == {"info"}
    assert any("on-demand.computeResources.instanceRole" in each["message"] for each in entries)
    assert f"info: {len(entries)} properties are not known" in ended.stderr
    assert "not yet known: " not in ended.stderr
