"""`batchiac submit` and `logs` against a served local stack, as a user calls them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from batchiac.cli.main import cli
from batchiac.errors import BatchiacError

ROOT = Path(__file__).resolve().parents[2]
Call = Callable[..., Result]


@pytest.fixture(scope="module")
def call(serve_once: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    """A verb on the `local` stack, which is deployed to a server of this module's own."""
    server = serve_once("--clock", "auto")
    state = tmp_path_factory.mktemp("state")
    environ = {
        "AWS_ENDPOINT_URL": server.address,
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "",
    }

    def verb(name: str, *arguments: str) -> Result:
        words = [name, "--stack", "local", "--cwd", str(ROOT), *arguments]
        return CliRunner().invoke(cli, words, env=environ, standalone_mode=False)

    deployed = verb("up", "--yes")
    assert deployed.exception is None, deployed.output
    yield verb


def _refusal(result: Result) -> BatchiacError:
    assert isinstance(result.exception, BatchiacError), result.output
    return result.exception


def test_a_job_is_submitted_waited_for_and_its_log_read(call: Call) -> None:
    """The id on standard output, the way to its end beside it, and what the command printed."""
    done = call("submit", "--wait", "--", "sh", "-c", "echo hello")
    assert done.exception is None, done.output
    job_id = done.stdout.strip()
    assert "SUCCEEDED" in done.stderr
    log = call("logs", job_id)
    assert log.exception is None, log.output
    assert "hello" in log.stdout
    assert call("logs", job_id, "--follow").stdout == log.stdout
    assert call("logs", job_id, "--tail", "1").stdout == log.stdout.splitlines(keepends=True)[-1]


def test_a_failure_is_exit_code_6(call: Call) -> None:
    """--wait tells a failed job by its exit code, with AWS's reason."""
    done = call("submit", "--wait", "--name", "bad", "--retries", "1", "--", "sh", "-c", "exit 3")
    assert _refusal(done).exit_code == 6
    assert "Essential container in task exited" in _refusal(done).message
    job_id = done.stdout.strip()
    assert call("logs", job_id, "--attempt", "2").exception is None
    assert "has no attempt 3" in _refusal(call("logs", job_id, "--attempt", "3")).message


def test_options_become_the_request(call: Call) -> None:
    """Array, queue, definition, environment, tags and dependencies arrive at Batch."""
    first = call("submit", "--name", "first", "--tag", "batchiac:duration=5", "--", "true").stdout.strip()
    done = call(
        "submit", "--wait", "--json", "--name", "second", "--queue", "background", "--definition", "array",
        "--array", "2",
        "--depends-on", first, "--env", "A=1", "--vcpus", "2", "--memory", "900", "--timeout", "90", "--", "true",
    )  # fmt: skip
    assert done.exception is None, done.output
    job = json.loads(done.stdout)
    assert job["jobName"] == "second"
    assert job["arrayProperties"]["size"] == 2
    assert [each["jobId"] for each in job["dependsOn"]] == [first]
    assert job["timeout"] == {"attemptDurationSeconds": 90}
    container = job["container"]
    assert {"name": "A", "value": "1"} in container["environment"]
    assert {"type": "VCPU", "value": "2"} in container["resourceRequirements"]
    assert "its children have the logs" in _refusal(call("logs", job["jobId"])).message
    assert call("logs", f"{job['jobId']}:1").exception is None


def test_nodes_carry_their_environment(call: Call) -> None:
    """A multi-node job has its overrides for every node, and its nodes have the logs."""
    done = call("submit", "--nodes", "2", "--env", "A=1", "--json", "--", "true")
    assert done.exception is None, done.output
    job_id = json.loads(done.stdout)["jobId"]
    assert "has nodes, and they have the logs" in _refusal(call("logs", job_id)).message


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (
            ("submit", "--queue", "nope"),
            2,
            "the job queue 'nope', which the stack does not have: it has background, urgent",
        ),
        (("submit", "--array", "2", "--nodes", "2"), 64, "exclude each other"),
        (("submit", "--env", "A"), 64, "--env has 'A': write it as NAME=VALUE"),
        (("logs", "0000"), 2, "there is no job 0000"),
        (("logs", "0000", "--follow", "--tail", "3"), 64, "leave --tail and --attempt out"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(call: Call, words: tuple[str, ...], code: int, sentence: str) -> None:
    """Unknown names and contradictions, each with its exit code."""
    refusal = _refusal(call(*words))
    assert (refusal.exit_code, sentence in refusal.message) == (code, True), refusal.message


def test_a_task_that_does_not_depend_on_a_known_job_is_refused_by_batch(call: Call) -> None:
    """What only Batch can know is told in its words: exit 3."""
    assert _refusal(call("submit", "--depends-on", "0000", "--", "true")).exit_code == 3
