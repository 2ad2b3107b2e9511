"""`--executor process`: jobs' commands really run, with their environment, logs, exit codes, limits and ends."""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from real_jobs import Jobs, until_gone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="process groups and /proc are looked at: Linux only")
ESSENTIAL_EXITED = "Essential container in task exited"
ESCAPED = "setsid sh -c 'echo $$; exec sleep 3600' & "
"""Begins a process that leaves the job's session, and says its number."""


@pytest.fixture(scope="module")
def jobs(serve_once: Callable[..., Any]) -> Iterator[Jobs]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_OF_THE_SERVER", "hush")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
        patch.setenv("AWS_SESSION_TOKEN", "hush")
        made = Jobs(serve_once("--executor", "process"))
    made.set_up()
    yield made


def test_a_command_runs_with_its_environment_and_its_log(jobs: Jobs) -> None:
    """The container's variables, AWS_BATCH_*, the server's address; its lines in the log stream."""
    script = "echo $GREETING; echo $AWS_BATCH_JOB_ID; echo $AWS_ENDPOINT_URL; echo last >/dev/stderr; printf unfinished"
    job_id = jobs.submit("sh", "-c", script)
    job = jobs.ended(job_id, "SUCCEEDED")
    assert jobs.log(job) == ["hello", job_id, jobs.served.address, "last", "unfinished"]
    assert job["container"]["exitCode"] == 0


def test_a_job_can_ask_about_itself_as_on_ecs(jobs: Jobs) -> None:
    """The task metadata endpoint: where its log goes, its task's ARN, its limits; /task has all containers."""
    script = (
        "import json, os, urllib.request as r; at = os.environ['ECS_CONTAINER_METADATA_URI_V4'];"
        "one, all = (json.load(r.urlopen(at + tail)) for tail in ('', '/task'));"
        "print(json.dumps([one, all, os.environ['AWS_EXECUTION_ENV']]))"
    )
    job = jobs.ended(jobs.submit("python3", "-c", script), "SUCCEEDED")
    one, task, where = json.loads(jobs.log(job)[0])
    assert one["LogOptions"] == {
        "awslogs-group": "/aws/batch/job",
        "awslogs-region": "us-east-1",
        "awslogs-stream": job["container"]["logStreamName"],
    }
    assert one["Labels"]["com.amazonaws.ecs.task-arn"] == task["TaskARN"] == job["container"]["taskArn"]
    assert (one["Limits"], one["KnownStatus"], where) == ({"CPU": 1024, "Memory": 256}, "RUNNING", "AWS_ECS_EC2")
    assert [each["Name"] for each in task["Containers"]] == ["default"]


def test_nothing_of_the_server_shows_in_a_job(jobs: Jobs) -> None:
    """Neither its variables nor its credentials nor its open files; an empty folder of the job's own."""
    job = jobs.ended(jobs.submit("sh", "-c", "env; pwd; ls -A; ls /proc/self/fd | tr '\\n' ' '"), "SUCCEEDED")
    *variables, folder, descriptors = jobs.log(job)
    names = {each.partition("=")[0] for each in variables}
    assert not any("hush" in each for each in variables)
    assert {name for name in names if not name.startswith(("AWS_", "ECS_"))} <= {
        *("GREETING", "HOME", "PATH", "LANG", "LC_ALL", "TZ", "PWD", "OLDPWD", "SHLVL", "_"),
    }
    assert {"AWS_ACCESS_KEY_ID=test", "AWS_DEFAULT_REGION=us-east-1", f"HOME={folder}"} <= set(variables)
    assert len(descriptors.split()) <= 4  # 0, 1, 2, and the folder that ls reads
    assert not Path(folder).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only a server that is root has another user to give")
def test_no_job_is_root(jobs: Jobs) -> None:
    """Where the server is root the job is nobody, can not become root again, nor see its files."""
    script = "id -u; id -G; chown 0 . 2>&1 || echo refused; ls $(dirname $PWD) 2>&1 >/dev/null || echo hidden"
    lines = jobs.log(jobs.ended(jobs.submit("sh", "-c", script), "SUCCEEDED"))
    nobody, groups = lines[0], lines[1].split()
    assert nobody != "0"
    assert "0" not in groups
    assert {"refused", "hidden"} <= set(lines)


def test_the_exit_code_is_the_commands(jobs: Jobs) -> None:
    """3 for exit 3, 128 + 9 for a command that kills itself."""
    job = jobs.ended(jobs.submit("sh", "-c", "exit 3"), "FAILED")
    assert (job["container"]["exitCode"], job["statusReason"]) == (3, ESSENTIAL_EXITED)
    job = jobs.ended(jobs.submit("sh", "-c", "kill -9 $$"), "FAILED")
    assert (job["container"]["exitCode"], job["statusReason"]) == (137, ESSENTIAL_EXITED)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("no-such-command-here", 'exec: "no-such-command-here": executable file not found in $PATH'),
        ("/no/such/file", 'exec: "/no/such/file": stat /no/such/file: no such file or directory'),
        ("/etc/passwd", 'exec: "/etc/passwd": permission denied'),
    ],
)
def test_a_command_that_cannot_be_started_says_why(jobs: Jobs, command: str, why: str) -> None:
    """ "Task failed to start" and the container runtime's words: no exit code, no start, no log stream."""
    job = jobs.ended(jobs.submit(command, retryStrategy={"attempts": 2}), "FAILED")
    assert job["statusReason"] == "Task failed to start"
    for each in (job, *job["attempts"]):
        assert each["container"]["reason"].startswith("CannotStartContainerError: ")
        assert why in each["container"]["reason"]
        assert not {"exitCode", "logStreamName"} & set(each["container"])
        assert "startedAt" not in each
    assert len(job["attempts"]) == 2


def test_no_command_is_said_in_the_log(jobs: Jobs) -> None:
    """The image's own command cannot run without the image: the job succeeds, and says that it did nothing."""
    job = jobs.ended(jobs.submit(), "SUCCEEDED")
    assert "images are not run here" in jobs.log(job)[0]


def test_a_retry_is_a_new_process(jobs: Jobs) -> None:
    """Each attempt runs, and knows its number."""
    job_id = jobs.submit("sh", "-c", "test $AWS_BATCH_JOB_ATTEMPT = 2", retryStrategy={"attempts": 3})
    job = jobs.ended(job_id, "SUCCEEDED")
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == [1, 0]


def test_the_children_of_an_array_know_their_index(jobs: Jobs) -> None:
    """Child 1 fails because it says so, and the array with it."""
    job_id = jobs.submit("sh", "-c", "exit $AWS_BATCH_JOB_ARRAY_INDEX", arrayProperties={"size": 2})
    jobs.ended(job_id, "FAILED")
    assert [jobs.look(f"{job_id}:{index}")["container"]["exitCode"] for index in (0, 1)] == [0, 1]


def test_parameters_and_overrides_reach_the_process(jobs: Jobs) -> None:
    """Ref:: is filled in from the job's parameters; an override's environment wins."""
    override = {
        "command": ["sh", "-c", "echo Ref::word $GREETING"],
        "environment": [{"name": "GREETING", "value": "x"}],
    }
    job = jobs.ended(jobs.submit("true", parameters={"word": "a b"}, containerOverrides=override), "SUCCEEDED")
    assert jobs.log(job) == ["a b x"]


def test_output_is_in_the_stream_while_it_runs(jobs: Jobs) -> None:
    """The log is live; a line longer than an event of CloudWatch Logs comes in pieces, and nothing is lost."""
    long = "head -c 300000 /dev/zero | tr '\\0' x"
    job_id = jobs.submit("sh", "-c", f"echo begun; {long}; while test ! -e go; do sleep 0.05; done; echo; echo done")
    assert jobs.first_line(job_id) == "begun"
    assert jobs.look(job_id)["status"] == "RUNNING"
    jobs.batch.terminate_job(jobId=job_id, reason="seen")
    begun, *pieces = jobs.log(jobs.ended(job_id, "FAILED"))
    assert begun == "begun"
    assert [len(piece) for piece in pieces] == [262_118, 300_000 - 262_118]


def test_one_that_writes_without_end_waits_for_its_reader(jobs: Jobs) -> None:
    """It is held back, as by the awslogs driver: the server goes on answering, and other jobs come to their end."""
    endless = jobs.submit("yes")
    assert jobs.first_line(endless) == "y"
    assert jobs.log(jobs.ended(jobs.submit("echo", "hello"), "SUCCEEDED")) == ["hello"]
    assert jobs.look(endless)["status"] == "RUNNING"
    jobs.batch.terminate_job(jobId=endless, reason="enough")
    jobs.ended(endless, "FAILED")


@pytest.mark.parametrize(
    "script",
    [
        "cat /dev/zero | tail",  # tail keeps its last line, and this one has no end
        "for n in 1 2 3; do python3 -c 'import time; x = bytearray(b\"x\") * (40 << 20); time.sleep(60)' & done; wait",
        "python3 -c 'x = bytearray(b\"x\") * (200 << 20)'",  # over before anybody has looked
    ],
    ids=["one process", "several together", "a short peak"],
)
def test_more_memory_than_asked_for_is_killed(jobs: Jobs, script: str) -> None:
    """OutOfMemoryError and 137, as ECS says it: of the whole container, and however short the peak."""
    job = jobs.ended(jobs.submit("sh", "-c", script, memory=100), "FAILED")
    assert job["container"]["exitCode"] == 137
    assert job["container"]["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert job["statusReason"] == ESSENTIAL_EXITED


def test_terminate_reaches_everything_the_job_has_started(jobs: Jobs) -> None:
    """SIGTERM to its process group: the job ends at once, not after the grace, and nothing of it lives on."""
    job_id = jobs.submit("sh", "-c", f"{ESCAPED} sleep 3600 & wait")
    escaped = jobs.first_line(job_id)
    jobs.batch.terminate_job(jobId=job_id, reason="enough")
    job = jobs.ended(job_id, "FAILED")
    assert (job["container"]["exitCode"], job["statusReason"]) == (143, "enough")
    until_gone(escaped)


def test_nothing_outlives_its_container(jobs: Jobs) -> None:
    """A command that ends takes along what it has left behind, in whatever session that is."""
    job = jobs.ended(jobs.submit("sh", "-c", f"{ESCAPED} sleep 0.3"), "SUCCEEDED")
    until_gone(jobs.log(job)[0])


def test_a_foreign_page_is_refused_everywhere(jobs: Jobs) -> None:
    """While jobs are processes, no path answers a foreign Host or Origin, AWS's own included."""
    host = jobs.served.address.removeprefix("http://")
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/batch/aws4_request, S=x"}
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.request("POST", "/v1/describejobqueues", b"{}", {**signed, **headers})
        assert connection.getresponse().status == 403
        connection.close()


def test_a_timeout_is_sigterm_then_sigkill(serve: Callable[..., Any]) -> None:
    """After the timeout SIGTERM, 30 seconds later SIGKILL: one goes when asked, one does not. Sixty times as fast."""
    jobs = Jobs(serve("--executor", "process", "--clock", "scaled:60"))
    jobs.set_up()
    timeout = {"attemptDurationSeconds": 60}
    deaf = "trap 'echo heard' TERM; echo begun; while true; do sleep 0.05; done"
    stubborn = jobs.submit("sh", "-c", deaf, timeout=timeout, retryStrategy={"attempts": 3})
    polite = jobs.submit("sh", "-c", "trap 'echo bye; exit 0' TERM; sleep 3600 & wait", timeout=timeout)
    job = jobs.ended(stubborn, "FAILED")
    assert (job["container"]["exitCode"], job["statusReason"]) == (137, "Job attempt duration exceeded timeout")
    assert len(job["attempts"]) == 1
    assert 90_000 <= job["stoppedAt"] - job["startedAt"] < 120_000
    jobs.until(lambda: jobs.log(job)[-1], "heard")
    job = jobs.ended(polite, "FAILED")
    assert (job["container"]["exitCode"], job["statusReason"]) == (0, "Job attempt duration exceeded timeout")
    assert 60_000 <= job["stoppedAt"] - job["startedAt"] < 90_000
    assert jobs.log(job) == ["bye"]


@pytest.mark.parametrize("how", ["end", "kill"])
def test_a_server_that_ends_takes_its_processes_along(serve: Callable[..., Any], tmp_path: Path, how: str) -> None:
    """SIGTERM or kill -9: every process of the job and its folder go; after the restart it has FAILED and says why."""
    flags = ("--executor", "process", "--data", str(tmp_path / "data"))
    jobs = Jobs(serve(*flags))
    jobs.set_up()
    before = jobs.ended(jobs.submit("sh", "-c", "exit 5"), "FAILED")
    job_id = jobs.submit("sh", "-c", f"trap '' TERM; pwd; {ESCAPED} sleep 3600 & wait")
    jobs.until(lambda: str(jobs.lines(job_id)), "2")
    lines = jobs.log(jobs.look(job_id))
    getattr(jobs.served, how)()
    folder, escaped = sorted(lines, key=str.isdigit)
    until_gone(escaped)
    jobs.until(lambda: "there" if Path(folder).parent.exists() else "gone", "gone")
    again = Jobs(serve(*flags))
    job = again.ended(job_id, "FAILED")
    assert job["container"]["exitCode"] == 137
    assert "restarted" in job["container"]["reason"]
    assert again.log(job) == lines
    assert again.look(before["jobId"]) == before
