"""`--data`: what a restart brings back beside jobs and roles, and what it is held against."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.local.server.journal import write_line

from .lives import Nursery

ROLE = "arn:aws:iam::123456789012:role/steps"
FLAGS = ("--clock", "virtual", "--no-projections")
STEP = {"JobName": "step", "JobQueue": "queue", "JobDefinition": "definition"}
LOOKS = 500


def start_steps(server: Any, name: str, *states: dict[str, Any]) -> str:
    """Start a state machine of these states, one after another; the execution's ARN."""
    chain = {
        str(number): {**state, **({"Next": str(number + 1)} if number < len(states) else {"End": True})}
        for number, state in enumerate(states, 1)
    }
    steps = server.client("stepfunctions")
    machine = steps.create_state_machine(
        name=name, definition=json.dumps({"StartAt": "1", "States": chain}), roleArn=ROLE
    )
    arn: str = steps.start_execution(stateMachineArn=machine["stateMachineArn"], input="{}")["executionArn"]
    return arn


def execution(server: Any, arn: str) -> dict[str, Any]:
    found: dict[str, Any] = server.client("stepfunctions").describe_execution(executionArn=arn)
    return {key: value for key, value in found.items() if key != "ResponseMetadata"}


def until(look: Callable[[], bool]) -> None:
    """Executions run in threads of their own, in real time."""
    waiting = threading.Event()
    for _ in range(LOOKS):
        if look():
            return
        waiting.wait(0.02)
    raise AssertionError("it did not come to that")


def job_count(server: Any) -> int:
    (place,) = server.control("state")[1]["places"]
    return sum(sum(queue["jobs"].values()) for queue in place["queues"])


def submit_code(server: Any) -> str:
    """The error code of a submission, empty for a success."""
    request = {"jobName": "job", "jobQueue": "queue", "jobDefinition": "definition"}
    try:
        server.client("batch").submit_job(**request)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """The lives of one stack: the tests of this module are one story, told in order."""
    made = Nursery(tmp_path_factory.mktemp("kept") / "data")
    yield made
    made.end()


def test_faults_and_executions_come_back(nursery: Nursery, furnish: Callable[[Any], Any]) -> None:
    """A fault goes on where it was; what has ended is as it was; what was running has visibly ended, and why."""
    life = nursery.start()
    furnish(life)
    life.control("faults", {"kind": "throttling", "operation": "SubmitJob", "times": 3})
    life.control("faults", {"kind": "slow", "delay_s": 0})
    assert life.control("faults/fault-2", method="DELETE")[0] == 200
    assert life.control("faults", {"kind": "stuck_deleting", "compute_environment": "environment"})[0] == 200
    # One that is refused must be refused again, and not end the next start.
    assert life.control("faults", {"kind": "spot_interruption", "compute_environment": "nope"})[0] == 400
    assert submit_code(life) == "TooManyRequestsException"
    over = start_steps(life, "over", {"Type": "Pass", "Result": {"a": [1, "é"]}})
    until(lambda: execution(life, over)["status"] == "SUCCEEDED")
    ended = execution(life, over)
    events = life.client("stepfunctions").get_execution_history(executionArn=over)["events"]
    life.control("faults/fault-1", method="DELETE")
    life.control("faults", {"kind": "throttling", "operation": "SubmitJob", "times": 2})
    assert submit_code(life) == "TooManyRequestsException"
    runs = start_steps(life, "runs", {"Type": "Wait", "Seconds": 3600}, {"Type": "Pass"})
    life.kill()

    life = nursery.start()
    faults = life.control("faults")[1]["faults"]
    assert [(each["kind"], each["struck"]) for each in faults] == [("stuck_deleting", 1), ("throttling", 1)]
    assert execution(life, over) == ended
    steps = life.client("stepfunctions")
    assert steps.get_execution_history(executionArn=over)["events"] == events
    stopped = execution(life, runs)
    assert (stopped["status"], stopped["error"]) == ("ABORTED", "LocalStack.Restarted")
    assert "was restarted" in stopped["cause"]
    (last,) = steps.get_execution_history(executionArn=runs)["events"]
    assert last["type"] == "ExecutionAborted"
    assert [submit_code(life) for _ in range(2)] == ["TooManyRequestsException", ""]
    # And the interpreter runs on: a job through the server, in virtual time.
    job = start_steps(life, "job", {"Type": "Task", "Resource": "arn:aws:states:::batch:submitJob.sync", **PARAMETERS})
    until(lambda: job_count(life) == 2)
    life.advance(3600)
    until(lambda: execution(life, job)["status"] == "SUCCEEDED")
    life.end()

    life = nursery.start()
    assert execution(life, runs) == stopped
    assert json.loads(execution(life, job)["output"])["Status"] == "SUCCEEDED"
    assert life.said == ""
    life.end()


PARAMETERS = {"Parameters": STEP}


def test_another_history_is_refused_in_one_sentence(nursery: Nursery) -> None:
    """A snapshot that the replay does not come to: what differs is said, under which versions, and what to do; once
    accepted, it is the history."""
    path = nursery.folder / "snapshot.json"
    snapshot = json.loads(path.read_text("utf-8"))
    place = snapshot["places"]["123456789012/us-east-1"]
    assert place["computeEnvironments"]["environment"]["status"] == "VALID"
    assert place["jobs"]["counts"]["queue"]["SUCCEEDED"] == 2
    assert place["jobs"]["unfinished"] == {}
    place["computeEnvironments"]["environment"]["status"] = "INVALID"
    snapshot["versions"]["moto"] = "4.0.0"
    path.write_text(json.dumps(snapshot), "utf-8")
    command = [sys.executable, "-c", "from batchiac.cli.main import main; main()", "serve", "--port", "0", *FLAGS]
    ended = subprocess.run(
        [*command, "--data", str(nursery.folder)], capture_output=True, text=True, timeout=60, check=False
    )
    said = ended.stderr
    assert (ended.returncode, ended.stdout, said.count("\n")) == (5, "", 1)
    assert 'computeEnvironments environment status was "INVALID" and is "VALID"' in said
    assert "moto 4.0.0 (now " in said
    assert "--accept-changed-history" in said
    life = nursery.start(accept_changed_history=True, sync="always")
    assert "tells another history now" in life.said
    assert submit_code(life) == ""
    life.kill()
    life = nursery.start()
    assert job_count(life) == 3
    life.end()


def test_a_journal_that_lost_lines_is_refused(nursery: Nursery) -> None:
    """The snapshot knows how many there were."""
    path = nursery.folder / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]))
    said = nursery.try_start()["failed"]
    assert f"has {len(lines) - 2} lines" in said


def test_an_answer_that_is_another_one_is_refused(nursery: Nursery) -> None:
    """Without any snapshot the answers themselves tell: which change, how it was answered and how it is."""
    (nursery.folder / "snapshot.json").unlink()
    path = nursery.folder / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    number, record = next(
        (number, json.loads(line[9:])) for number, line in enumerate(lines) if b'"o":"CreateJobQueue"' in line
    )
    record["e"] = "ServerException"
    lines[number] = write_line(record)
    path.write_bytes(b"".join(lines))
    said = nursery.try_start()["failed"]
    assert f"change {record['n']} (CreateJobQueue) was answered ServerException and is without error" in said
