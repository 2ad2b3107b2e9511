"""The verbs of a stack, from the command line's words to exit codes, on a fake account."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from deploy_world import World

from batchiac.cli import session
from batchiac.cli.main import main
from batchiac.errors import AwsRefusal

PROGRAM = """
a = Thing("a", size=1)
Thing("b", ref=a.arn, opts=Opts(protect=True))
pulumi.export("arn", a.arn)
pulumi.export("all", {"n": 1})
pulumi.export("hidden", pulumi.Output.secret("swordfish"))
"""


@attrs.frozen
class Ended:
    code: int
    out: str
    err: str


class Line:
    """The command line on one world."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self._capsys = capsys
        monkeypatch.setattr(session.Session, "handlers", lambda _session, token: world.handlers(token))
        monkeypatch.setattr(session.Session, "require_answer", lambda _session: None)
        monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")

    def run(self, *arguments: str) -> Ended:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--cwd", str(self.world.folder)])
        out, err = self._capsys.readouterr()
        return Ended(int(ended.value.code or 0), out, err)


@pytest.fixture
def line(file_world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Line:
    file_world.write(PROGRAM)
    return Line(file_world, capsys, monkeypatch)


def test_the_only_stack_needs_no_name_and_two_do(line: Line) -> None:
    """A project with one stack needs no --stack; with two it is asked for, with their names."""
    assert line.run("preview").code == 0
    (line.world.folder / "stacks/Pulumi.other.yaml").write_text("config: {}")
    ended = line.run("preview")
    assert (ended.code, "dev, other" in ended.err) == (64, True)


def test_preview_up_preview(line: Line) -> None:
    """What is to be done, what was done, and then nothing to do; changes pending is exit code 4."""
    ended = line.run("preview", "--expect-no-changes")
    assert (ended.code, "batchiac: changes are pending" in ended.err) == (4, True)
    assert "+  batch:Thing a  create" in ended.out
    ended = line.run("up", "--yes")
    assert ended.code == 0, ended.err
    assert "batch:Thing b  created" in ended.out
    assert line.run("preview", "--expect-no-changes").code == 0
    line.world.require_no_orphans()


def test_json_is_all_there_is_on_stdout(line: Line) -> None:
    """With --json stdout is JSON, whatever the program prints; people's words are on stderr."""
    main_file = line.world.folder / "prog/__main__.py"
    main_file.write_text(main_file.read_text() + 'print("chatter")\npulumi.log.warn("beware")\n')
    ended = line.run("preview", "--json")
    assert json.loads(ended.out)["changeSummary"] == {"create": 3}
    assert "chatter" in ended.err
    assert "warning: beware" in ended.err
    ended = line.run("up", "--yes", "--json")
    assert [step["op"] for step in json.loads(ended.out)["steps"]] == ["create"] * 3
    assert ended.err.count("beware") == 1


def test_nobody_to_ask_is_a_refusal(line: Line) -> None:
    """Without a terminal and without --yes nothing is done."""
    for verb in ("up", "destroy", "refresh"):
        ended = line.run(verb)
        assert (ended.code, "--yes" in ended.err) == (64, True)
    assert line.world.account.all() == {}


@pytest.mark.parametrize("answer", [True, False])
def test_the_question_is_heeded(line: Line, monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    """Yes does it, no does not; what is deleted is counted in the question."""
    asked: list[str] = []

    def ask(question: str) -> bool:
        asked.append(question)
        return answer

    for verb in ("up", "destroy"):
        monkeypatch.setattr(f"batchiac.cli.{verb}.require_somebody", lambda **_: None)
        monkeypatch.setattr(f"batchiac.cli.{verb}.ask", ask)
    ended = line.run("up")
    assert ("Nothing was changed" in ended.out) is not answer
    assert bool(line.world.account.all()) is answer
    if answer:
        line.run("state", "unprotect", "b")
        line.run("destroy")
        assert asked[1] == "Delete 3 resources of dev?"
        assert line.world.account.all() == {}


def test_outputs(line: Line) -> None:
    """All, one, as JSON, secrets hidden until asked for; an unknown one is answered with those there are."""
    line.run("up", "--yes")
    arn = line.world.things()["a"].outputs["arn"]
    assert line.run("output").out == f'all: {{"n": 1}}\narn: {arn}\nhidden: [secret]\n'
    assert line.run("output", "arn").out == f"{arn}\n"
    assert line.run("output", "all").out == '{"n": 1}\n'
    assert json.loads(line.run("output", "--json", "--show-secrets").out)["hidden"] == "swordfish"
    ended = line.run("output", "nra")
    assert (ended.code, "all, arn, hidden" in ended.err) == (2, True)


def test_state(line: Line) -> None:
    """Listed, shown and unprotected; an unknown name is answered with near ones."""
    line.run("up", "--yes")
    listed = line.run("state", "list")
    assert "batch:Thing" in listed.out
    assert "(protected)" in listed.out
    assert {row["name"] for row in json.loads(line.run("state", "list", "--json").out)} >= {"a", "b", "world-dev"}
    assert json.loads(line.run("state", "show", "a").out)["inputs"]["size"] == 1
    assert "swordfish" not in line.run("state", "show", "world-dev").out
    assert line.run("state", "show", "aa").code == 2
    assert line.run("destroy", "--yes").code == 2
    assert line.run("state", "unprotect", "b").code == 0
    assert line.run("destroy", "--yes").code == 0
    assert line.world.account.all() == {}


def test_refresh_takes_over_what_changed_outside(line: Line) -> None:
    """A changed and a deleted thing are shown and taken over; the next `up` puts both right."""
    line.run("up", "--yes")
    a, b = line.world.things()["a"], line.world.things()["b"]
    line.world.account.change("outside", a.id, {**(line.world.account.read(a.id) or {}), "size": 7})
    line.world.account.change("outside", b.id, None)
    shown = line.run("preview", "--refresh")
    assert "~ size: 1 => 7  [changed outside]" in shown.out
    assert "gone: deleted outside" in shown.out
    assert line.world.things()["a"].outputs["size"] == 1
    assert line.run("refresh", "--yes").code == 0
    assert set(line.world.things()) == {"a"}
    assert line.world.things()["a"].inputs["size"] == 7
    line.run("up", "--yes")
    assert line.world.things()["a"].inputs["size"] == 1
    line.world.require_no_orphans()
    assert "as its state says" in line.run("refresh", "--yes").out


def test_cancel_removes_a_lock(line: Line) -> None:
    """A lock that a killed run left is named and removed; without one that is said."""
    assert "is not locked" in line.run("cancel").out
    store: Any = line.world.stack().store
    store.lock_folder.mkdir(parents=True)
    (store.lock_folder / "x.json").write_text('{"pid": 1, "username": "ada", "hostname": "h", "timestamp": "t"}')
    assert line.run("up", "--yes").code == 5
    assert line.run("preview").code == 0
    assert line.run("cancel").code == 64
    assert "ada@h" in line.run("cancel", "--yes").out
    assert line.run("up", "--yes").code == 0


def test_a_refusal_ends_with_its_exit_code_and_one_line(line: Line) -> None:
    """AWS's words reach the user on one line; what was done stays recorded."""

    def refuse(_operation: str, _moment: str) -> None:
        raise AwsRefusal("CreateThing", "ClientException", "no\nmore\nthings")

    line.world.account.on_call = refuse
    ended = line.run("up", "--yes")
    assert ended.code == 3
    assert ended.err.strip().splitlines()[-1].endswith("ClientException: no more things")


def test_a_program_that_raises_says_so_last(line: Line) -> None:
    """Its traceback first, our line last."""
    main_file = line.world.folder / "prog/__main__.py"
    main_file.write_text(main_file.read_text() + "1 / 0\n")
    ended = line.run("preview")
    assert ended.code == 2
    assert ended.err.startswith("Traceback")
    assert ended.err.strip().splitlines()[-1].startswith("batchiac: the program raised ZeroDivisionError")
