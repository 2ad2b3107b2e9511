"""`batchiac import` from the command line's words to exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from import_world import ImportWorld

from batchiac.cli import session
from batchiac.cli.main import main
from batchiac.testing import local_stack


@attrs.frozen
class Ended:
    code: int
    out: str
    err: str


class Line:
    """The command line on one world, which nobody can be asked at unless `answers` says so."""

    def __init__(self, world: ImportWorld, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = world
        self._capsys = capsys

    def run(self, *arguments: str) -> Ended:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["import", *arguments, "--cwd", str(self.world.folder)])
        out, err = self._capsys.readouterr()
        return Ended(int(ended.value.code or 0), out, err)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImportWorld]:
    """An environment, a queue, two definitions; one of them breaks a rule."""
    with local_stack() as aws:
        world = ImportWorld(tmp_path_factory.mktemp("account") / "project", aws)
        world.queue("work", world.environment("nodes", world.network(), world.profile("node")))
        size = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
        container = {"image": "busybox", "resourceRequirements": size}
        world.batch.register_job_definition(jobDefinitionName="job", type="container", containerProperties=container)
        secret = [{"name": "DB_PASSWORD", "value": "swordfish"}]
        world.batch.register_job_definition(
            jobDefinitionName="open", type="container", containerProperties={**container, "environment": secret}
        )
        yield world


@pytest.fixture
def line(
    tmp_path: Path, account: ImportWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Line:
    """A project of its own on that account."""
    world = ImportWorld(tmp_path / "project", account.aws)
    monkeypatch.setattr(session.Session, "door", property(lambda _session: world.door))
    monkeypatch.setattr(session.Session, "handlers", lambda _session, token: world.handlers(token))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")
    return Line(world, capsys)


def test_all_into_an_empty_project(line: Line) -> None:
    """The program goes where the project wants it, the state beside it; what looks secret is warned of, unread."""
    ended = line.run("--all", "--yes")
    assert ended.code == 0, ended.err
    assert "=  batch:ComputeEnvironment nodes  import" in ended.err
    assert "warning: JobDefinition open has the environment variable DB_PASSWORD" in ended.err
    assert "swordfish" not in ended.err
    assert f"the program is in {line.world.program}" in ended.err
    assert "Nothing was changed at AWS" in ended.err
    assert line.world.program.read_text().startswith(
        '"""AWS Batch as it was found in account 123456789012, us-east-1."""'
    )
    assert not line.world.preview().has_changes
    history = next((line.world.folder / ".state/.pulumi/history").rglob("*.history.json"))
    assert json.loads(history.read_text())["kind"] == "resource-import"
    again = line.run("--all", "--yes", "--out", str(line.world.folder / "more.py"))
    assert again.code == 0
    assert "nothing: there is none, or the state has it already" in again.err
    assert "Nothing was written." in again.err
    assert not (line.world.folder / "more.py").exists()
    assert line.world.changing == []


def test_one_beside_a_program_is_printed(line: Line) -> None:
    """With a program in place the code is printed, and only that is on stdout."""
    line.world.write("")
    ended = line.run("--job-queue", "work", "--without-roles", "--no-protect", "--yes")
    assert ended.code == 0, ended.err
    assert ended.out.startswith('"""AWS Batch as it was found')
    assert "PROTECTED" not in ended.out
    compile(ended.out, "imported.py", "exec")
    assert {state.name for state in line.world.resources()} == {"work", "nodes"}


def test_preview_only_writes_nothing(line: Line) -> None:
    """The plan on stderr, the program on stdout, no question, nothing on the disk."""
    ended = line.run("--job-definition", "job", "--preview-only")
    assert ended.code == 0
    assert "batch.ContainerJobDefinition(" in ended.out
    assert "Nothing was written." in ended.err
    assert line.world.resources() == []
    assert not line.world.program.exists()


def test_json_is_all_there_is_on_stdout(line: Line) -> None:
    """The steps as `pulumi preview --json` has them."""
    ended = line.run("--job-definition", "job", "--yes", "--json")
    digest = json.loads(ended.out)
    assert digest["changeSummary"] == {"import": 3}
    assert {step["op"] for step in digest["steps"]} == {"import"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 64, "what is to be imported? Give --all, or names"),
        (("--all", "--job-queue", "work", "--yes"), 64, "what is to be imported?"),
        (("--all",), 64, "nobody can be asked here"),
        (("--all", "--yes", "--name", "x"), 64, "--name is 'x': write AWS's name"),
        (("--job-queue", "wrok", "--yes"), 2, "there is no JobQueue wrok in 123456789012, us-east-1: near: work"),
        (("--job-queue", "arn:aws:batch:eu-west-1:123456789012:job-queue/work", "--yes"), 2, "is of region eu-west-1"),
    ],
)
def test_bad_input_is_one_sentence(line: Line, arguments: tuple[str, ...], code: int, words: str) -> None:
    """Found, allowed, what to do; the exit code says whose mistake it is."""
    ended = line.run(*arguments)
    assert ended.code == code
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert line.world.resources() == []


def test_what_breaks_a_rule_is_imported_when_that_is_accepted(line: Line, account: ImportWorld) -> None:
    """The finding is shown with the lines that accept it; with these in the stack's file the import goes through."""
    account.iam.create_role(RoleName="wrong", AssumeRolePolicyDocument=json.dumps(WRONG))
    arn = "arn:aws:iam::123456789012:role/wrong"
    size = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
    account.batch.register_job_definition(
        jobDefinitionName="untrusted",
        type="container",
        containerProperties={"image": "busybox", "resourceRequirements": size, "jobRoleArn": arn},
    )
    ended = line.run("--job-definition", "untrusted", "--yes")
    assert ended.code == 2
    assert "RO004" in ended.err
    assert not line.world.program.exists()
    advised = ended.err.partition("  batchiac:suppress:\n")[2].partition("batchiac:")[0]
    assert "rule: RO004, resource: untrusted" in advised
    stack = line.world.folder / "stacks/Pulumi.local.yaml"
    stack.write_text(stack.read_text() + "  batchiac:suppress:\n" + advised)
    assert line.run("--job-definition", "untrusted", "--yes").code == 0
    assert not line.world.preview().has_changes


WRONG = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def test_a_question_says_how_many(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """No leaves nothing behind."""
    asked: list[str] = []

    def ask(question: str) -> bool:
        asked.append(question)
        return False

    monkeypatch.setattr("batchiac.cli.import_.require_somebody", lambda **_: None)
    monkeypatch.setattr("batchiac.cli.import_.ask", ask)
    assert "Nothing was written." in line.run("--job-queue", "work").err
    assert asked == ["Import 4 resources into local?"]
    assert line.world.resources() == []
    assert not line.world.program.exists()
