"""`batchiac verify` as a user calls it: exit codes, JSON, and one sentence for what cannot be run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from batchiac.cli.main import cli
from batchiac.errors import BatchiacError

ROOT = Path(__file__).resolve().parents[2]


def _verify(workload: Path, *options: str, stack: str = "local") -> Result:
    arguments = ["verify", "--stack", stack, "--cwd", str(ROOT), "--workload", str(workload), *options]
    return CliRunner().invoke(cli, arguments, env={"PULUMI_CONFIG_PASSPHRASE": ""}, standalone_mode=False)


def _refusal(result: Result) -> BatchiacError:
    assert isinstance(result.exception, BatchiacError), result.output
    return result.exception


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Two tasks, the second after the first."""
    path = tmp_path / "small.yaml"
    path.write_text(
        "tasks:\n  a: {simulation: {duration: 30}}\n  b: {depends_on: [a], simulation: {duration: 'uniform:5:50'}}\n"
    )
    return path


def test_json_is_all_of_standard_output_and_the_same_each_time(small: Path) -> None:
    """The same workload, stack and seed give the same JSON, byte for byte; another seed another one."""
    first, second, other = _verify(small, "--json"), _verify(small, "--json"), _verify(small, "--json", "--seed", "8")
    assert first.exception is None
    value = json.loads(first.stdout)
    assert value["jobs"] == {
        "submitted": 2, "succeeded": 2, "failed": 0, "stuck": 0, "not_submitted": 0, "retries": 0,
    }  # fmt: skip
    assert value["cost"]["usd"] > 0
    assert first.stdout == second.stdout
    assert json.loads(other.stdout)["makespan_s"] != value["makespan_s"]


def test_a_stack_of_a_real_account_is_simulated_too(small: Path) -> None:
    """`target: aws` with an account of its own: nothing leaves the process, and its region has no shipped prices."""
    result = _verify(small, "--json", stack="production")
    assert result.exception is None
    value = json.loads(result.stdout)
    assert value["jobs"]["succeeded"] == 2
    assert value["region"] == "eu-central-1"
    assert value["cost"]["usd"] is None
    assert value["cost"]["unpriced"]


def test_prices_of_ones_own(small: Path, tmp_path: Path) -> None:
    """--prices replaces the table, --spot-share what is assumed of Spot."""
    prices = tmp_path / "prices.csv"
    types = json.loads(_verify(small, "--json").stdout)["instances"]
    rows = {f"us-east-1,{each['instance_type']},36" for each in types}
    prices.write_text("# source: mine\n# date: 2026-11-01\nregion,instance_type,usd_per_hour\n" + "\n".join(rows))
    cost = json.loads(_verify(small, "--json", "--prices", str(prices), "--spot-share", "1").stdout)["cost"]
    assert (cost["price_source"], cost["price_date"]) == ("mine", "2026-11-01")
    assert cost["usd"] == pytest.approx(36 * sum(each["hours"] for each in types), rel=1e-3)


def test_a_page_is_written(small: Path, tmp_path: Path) -> None:
    """--html writes one page and says where."""
    page = tmp_path / "page.html"
    result = _verify(small, "--html", str(page))
    assert result.exception is None
    assert "All 2 jobs succeeded" in result.stdout
    assert str(page) in result.stdout
    assert "</html>" in page.read_text()


def test_a_task_that_fits_nowhere_is_stuck_with_awss_reason(tmp_path: Path) -> None:
    """More than any instance has: exit 6, AWS's blocked reason, and what waits for it says so."""
    path = tmp_path / "vast.yaml"
    path.write_text(
        "tasks:\n  vast: {vcpus: 4, memory: 99 TiB}\n  after: {depends_on: [vast]}\n"
        "  fine: {queue: background, simulation: {duration: 3}}\n"
    )
    result = _verify(path, "--json")
    assert _refusal(result).exit_code == 6
    value = json.loads(result.stdout)
    assert value["jobs"]["stuck"] == 2
    assert value["jobs"]["succeeded"] == 1
    reasons = {each["job"]: each["reason"] for each in value["stuck"]}
    assert reasons["vast (RUNNABLE)"].startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
    assert reasons["after (PENDING)"] == "waits for vast, which cannot go on"


def test_jobs_behind_a_stuck_one_are_stuck_too(tmp_path: Path) -> None:
    """A blocked head holds up what stands behind it; verify ends, says so, and counts no instance after that."""
    path = tmp_path / "behind.yaml"
    path.write_text("tasks:\n  vast: {memory: 99 TiB}\n  behind: {count: 3, simulation: {duration: 3}}\n")
    result = _verify(path, "--json")
    assert _refusal(result).exit_code == 6
    value = json.loads(result.stdout)
    reasons = {each["job"]: each["reason"] for each in value["stuck"]}
    assert reasons["behind-2 (RUNNABLE)"] == "waits in urgent behind vast, which cannot be placed"
    assert value["instances_started"] <= 2


def test_a_failure_is_told_with_its_reason(tmp_path: Path) -> None:
    """A failing task takes those that depend on it with it, and a held one is never submitted."""
    path = tmp_path / "failing.yaml"
    path.write_text(
        "tasks:\n  bad: {simulation: {duration: 2, exit: 7}}\n  next: {depends_on: [bad]}\n"
        "  many: {count: 20, simulation: {duration: 1}}\n  held: {depends_on: [bad, many]}\n"
        "  last: {depends_on: [held]}\n  hungry: {memory: 512, simulation: {duration: 2, memory: 600}}\n"
    )
    result = _verify(path, "--json")
    assert "3 failed" in _refusal(result).message
    assert "2 tasks never submitted" in _refusal(result).message
    value = json.loads(result.stdout)
    failed = {each["task"]: each["reason"] for each in value["failed"]}
    assert "exit 7" in failed["bad"]
    assert "Dependent" in failed["next"]
    assert "OutOfMemoryError" in failed["hungry"]
    unsubmitted = {each["task"]: each["reason"] for each in value["not_submitted"]}
    assert unsubmitted["held"] == "it was held for its parents, of which bad failed"
    assert unsubmitted["last"] == "it was held for its parents, of which held never ended"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tasks: {a: {depends_on: [b]}, b: {depends_on: [a]}}", "in a cycle: a needs b needs a"),
        ("tasks: {a: {depends_on: [nobody]}}", "depends on 'nobody', which the workload does not have"),
        ("tasks: {a: {queue: nowhere}}", "the job queue 'nowhere', which the stack does not have: it has"),
        ("tasks: {a: {definition: none}}", "the job definition 'none', which the stack does not have: it has"),
        ("{{{", "is not YAML at line 1"),
    ],
)
def test_what_cannot_be_run_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    """A cycle, a missing parent, an unknown queue, broken YAML: exit 2 with one sentence."""
    path = tmp_path / "w.yaml"
    path.write_text(text)
    refusal = _refusal(_verify(path))
    assert refusal.exit_code == 2
    assert sentence in refusal.message
    assert "\n" not in refusal.message


def test_what_cannot_be_read_or_written_is_one_sentence(small: Path, tmp_path: Path) -> None:
    """No workload, no stack, no folder for the page, no prices: exit 2, before anything runs."""
    for result, words in (
        (_verify(tmp_path / "none"), "cannot be read: No such file"),
        (_verify(small, stack="lokal"), "lokal"),
        (_verify(small, "--html", str(tmp_path / "no" / "page.html")), "there is no folder"),
        (_verify(small, "--prices", str(tmp_path / "none")), "prices cannot be read"),
        (_verify(small, "--spot-share", "2"), "a share from 0 to 1"),
    ):
        assert _refusal(result).exit_code == 2
        assert words in _refusal(result).message


def test_a_job_that_batch_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    """What the reader cannot know, the local stack says, with the task that it is about."""
    path = tmp_path / "w.yaml"
    path.write_text("tasks: {a: {share: lab}}")
    refusal = _refusal(_verify(path))
    assert refusal.exit_code == 3
    assert refusal.message.startswith("task 'a': AWS refused SubmitJob: ClientException")
