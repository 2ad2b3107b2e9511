"""`batchiac lint` and `batchiac rules` as commands: exit codes, formats, the stack's decisions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batchiac.cli.main import main

GOOD = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d"}
BAD = {**GOOD, "arrayProperties": {"size": 1}}


def run(*words: str) -> int:
    """The exit code of one command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0)


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    """A request that breaks SJ006."""
    path = tmp_path / "request.json"
    path.write_text(json.dumps(BAD))
    return path


def definition(name: str, **container: Any) -> dict[str, Any]:
    """A preview of one job definition of ours."""
    need = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "4"}]
    urn = f"urn:pulumi:dev::p::pulumi-python:dynamic/batch:JobDefinition::{name}"
    inputs = {
        "jobDefinitionName": name,
        "type": "container",
        "containerProperties": {"image": "b", "resourceRequirements": need, **container},
    }
    return {
        "op": "create",
        "newState": {"urn": urn, "type": "pulumi-python:dynamic/batch:JobDefinition", "inputs": inputs},
    }


def test_a_good_request_exits_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No finding, exit 0, one line."""
    path = tmp_path / "r.json"
    path.write_text(json.dumps(GOOD))
    assert run("lint", "request", "SubmitJob", str(path)) == 0
    assert capsys.readouterr().out.startswith("request SubmitJob: 0 errors")


def test_a_bad_request_exits_2_and_names_the_rule(request_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A finding of level error is the user's to mend."""
    assert run("lint", "request", "submit-job", str(request_file)) == 2
    printed = capsys.readouterr()
    assert "SJ006" in printed.out
    assert "1 finding" in printed.err


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_machine_forms_are_json_alone_on_standard_output(
    form: str, request_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a program reads is not mixed with words."""
    assert run("lint", "request", "SubmitJob", str(request_file), "--format", form) == 2
    value = json.loads(capsys.readouterr().out)
    assert value["schema"] == 1 if form == "json" else value["version"] == "2.1.0"


def test_json_and_another_format_contradict(request_file: Path) -> None:
    """A command line that asks for two forms is wrong by itself."""
    assert run("lint", "request", "SubmitJob", str(request_file), "--json", "--format", "sarif") == 64
    assert run("lint", "a", "b") == 64


def test_a_previews_own_config_accepts_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """batchiac:suppress travels in the preview, as JSON text; what it accepts no longer stops."""
    decision = [
        {"rule": "JD131", "resource": "d", "reason": "x"},
        {"rule": "JD138", "resource": "d", "reason": "agreed"},
    ]
    ulimits = [{"name": "files", "softLimit": 1, "hardLimit": 1}]
    path = tmp_path / "p.json"
    path.write_text(
        json.dumps({"config": {"batchiac:suppress": json.dumps(decision)}, "steps": [definition("d", ulimits=ulimits)]})
    )
    assert run("lint", str(path), "--json") == 0
    value = json.loads(capsys.readouterr().out)
    assert [(each["rule"], each["reason"]) for each in value["suppressed"]] == [("JD138", "agreed")]
    assert [each["rule"] for each in value["unused_suppressions"]] == ["JD131"]


def project(tmp_path: Path, suppress: str) -> Path:
    """A project with one stack, `dev`."""
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.dev.yaml").write_text(f"config:\n  batchiac:region: us-east-1\n{suppress}")
    return tmp_path


def test_a_stacks_file_accepts_findings(request_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--stack reads stacks/Pulumi.<stack>.yaml."""
    home = project(tmp_path, "  batchiac:suppress:\n    - {rule: SJ6, resource: '*', reason: a test}\n")
    words = ("lint", "request", "SubmitJob", str(request_file), "--stack", "dev", "--cwd", str(home))
    assert run(*words) == 0
    assert "suppressed SJ006" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("suppress", "stack"),
    [
        ("  batchiac:suppress:\n    - {rule: SJ006, resource: '*'}\n", "dev"),
        ("  batchiac:suppress: {}\n", "dev"),
        ("", "prod"),
        ("", "../dev"),
    ],
)
def test_a_wrong_decision_or_stack_exits_2(suppress: str, stack: str, request_file: Path, tmp_path: Path) -> None:
    """A decision without reason, and a stack that is not there, are said before anything is checked."""
    home = project(tmp_path, suppress)
    assert run("lint", "request", "SubmitJob", str(request_file), "--stack", stack, "--cwd", str(home)) == 2


def test_rules_lists_and_explains(capsys: pytest.CaptureFixture[str]) -> None:
    """Every row has a line; an id in any spelling is explained with its source."""
    assert run("rules") == 0
    assert "SJ006" in capsys.readouterr().out
    assert run("rules", "sj6") == 0
    text = capsys.readouterr().out
    assert "2 to 10,000 are allowed" in text
    assert "https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html" in text


def test_rules_as_json_have_the_documented_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows with id, resource, property, level, scope, message, source, read."""
    assert run("rules", "--json", "--kind", "SubmitJob", "--level", "error") == 0
    rows = json.loads(capsys.readouterr().out)["rules"]
    assert {"id", "resource", "property", "level", "scope", "message", "source", "read"} <= set(rows[0])
    assert {(row["resource"], row["level"]) for row in rows} == {("SubmitJob", "error")}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("CE999",), "did you mean CE"),
        (("nope",), "no rule has the id 'nope'; `batchiac rules` lists them"),
        (("--kind", "JobQeue"), "did you mean JobQueue?"),
        (("--kind", "Bucket"), "rules are about CancelJob, "),
    ],
)
def test_a_rule_that_does_not_exist_exits_2(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The nearest one is named where one is near, and where to look where none is."""
    assert run("rules", *words) == 2
    assert said in capsys.readouterr().err


def environment_template(tmp_path: Path, minutes: int) -> Path:
    """A template of one Fargate environment with an update policy."""
    path = tmp_path / "t.yaml"
    path.write_text(
        "Resources:\n  Env:\n    Type: AWS::Batch::ComputeEnvironment\n    Properties:\n      Type: MANAGED\n"
        f"      UpdatePolicy: {{JobExecutionTimeoutMinutes: {minutes}}}\n"
        "      ComputeResources: {Type: FARGATE, MaxvCpus: 4, Subnets: [subnet-0123abcd],"
        " SecurityGroupIds: [sg-0123abcd]}\n"
    )
    return path


def test_an_update_policy_is_checked_as_the_update_that_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Plans say it of the environment, the API takes it with updates: right ones pass, wrong ones are found."""
    assert run("lint", str(environment_template(tmp_path, 7200))) == 0
    capsys.readouterr()
    assert run("lint", str(environment_template(tmp_path, 7201))) == 2
    assert "updatePolicy.jobExecutionTimeoutMinutes is 7201" in capsys.readouterr().out


def test_what_our_providers_take_beside_aws_is_no_finding(tmp_path: Path) -> None:
    """keepRevisions is our provider's own input; it is in the preview and not in AWS's API."""
    step = definition("d")
    step["newState"]["inputs"]["keepRevisions"] = True
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"steps": [step]}))
    assert run("lint", str(path)) == 0
