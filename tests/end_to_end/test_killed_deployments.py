"""kill -9 of a whole deployment, `batchiac up` and `pulumi up`, at requests of its own, and the run that follows.

Every request passes a proxy, which kills the deployment's process group before it forwards the n-th, or after it has
and before it answers. The account is a server of the local stack, which lives on.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lifecycle"))

from crash_world import write_project
from inventory import inventory
from killing import Proxy, account_at, kill_session, proxied

from batchiac.aws.door import Door
from batchiac.model.target import Target

BATCHIAC = (sys.executable, "-c", "from batchiac.cli.main import main; main()")
HEARING = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    " [signal.signal(each, signal.SIG_DFL) for each in (signal.SIGTERM, signal.SIGHUP)];"
    f" {BATCHIAC[2]}"
)
"""The same, whatever the shell that runs the tests has told its children to ignore."""
PULUMI = shutil.which("pulumi")


@pytest.fixture(scope="module")
def server(serve_once: Callable[..., Any]) -> str:
    """The account's address; its clock moves when someone looks."""
    return str(serve_once("--clock", "auto").address)


@pytest.fixture(scope="module")
def proxy(server: str) -> Iterator[Proxy]:
    with proxied(account_at(server)) as made:
        yield made


class Deployment:
    """A project of its own in an empty account."""

    def __init__(self, folder: Path, server: str, proxy: Proxy, command: tuple[str, ...]) -> None:
        folder.mkdir()
        self.project = write_project(folder)
        for path in (self.project / ".venv", self.project / "infra" / ".venv"):
            path.symlink_to(Path(sys.prefix), target_is_directory=True)
        self.proxy = proxy
        self.command = command
        self.account = server
        reset = urllib.request.Request(f"{self.account}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset, timeout=60).close()
        if command[0] == "pulumi":
            self.run("pulumi", "stack", "init", "local", "--non-interactive")

    def start(self, *command: str) -> subprocess.Popen[str]:
        environ = {
            **os.environ,
            "AWS_ENDPOINT_URL": self.proxy.address,
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "NO_COLOR": "1",
        }
        return subprocess.Popen(
            command,
            cwd=self.project,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str) -> None:
        process = self.start(*command)
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said

    def up(self) -> None:
        self.run(*self.command)

    def die(self, number: int, moment: str) -> None:
        """Deploy, and die at that request."""
        process: list[subprocess.Popen[str]] = []
        started = threading.Event()

        def kill() -> None:
            started.wait()
            kill_session(process[0].pid)

        self.proxy.arm(number, moment, kill)
        process.append(self.start(*self.command))
        started.set()
        said, _ = process[0].communicate(timeout=300)
        self.proxy.disarm()
        assert process[0].returncode == -signal.SIGKILL, f"{self.proxy.made} requests, {self.proxy.failures}: {said}"

    def there_is(self) -> list[str]:
        lines, _ = inventory(Door(Target("local", "us-east-1", endpoint_url=self.account)))
        return lines

    def pending(self) -> list[Any]:
        text = (self.project / ".state/.pulumi/stacks/infra/local.json").read_text()
        return list(json.loads(text)["checkpoint"]["latest"].get("pending_operations", ()))


def wrong_after_deaths(
    folder: Path, server: str, proxy: Proxy, command: tuple[str, ...], unlock: tuple[str, ...], count: int
) -> list[str]:
    """Die at `count` requests, evenly spread, before and after turn by turn; what is not as it should be afterwards."""
    undisturbed = Deployment(folder / "undisturbed", server, proxy, command)
    proxy.made = 0
    undisturbed.up()
    calls, expected = proxy.made, undisturbed.there_is()
    assert calls > 60
    found = []
    for index in range(count):
        number, moment = 2 + round(index * (calls - 8) / max(count - 1, 1)), ("before", "after")[index % 2]
        killed = Deployment(folder / str(index), server, proxy, command)
        killed.die(number, moment)
        killed.run(*unlock)
        killed.up()
        if killed.there_is() != expected or (command[0] != "pulumi" and killed.pending()):
            found.append(f"{moment} {number}: {sorted({*killed.there_is()} ^ {*expected})} {killed.pending()}")
    return found


def test_batchiac_killed_as_a_whole_is_made_good_by_the_next_run(tmp_path: Path, server: str, proxy: Proxy) -> None:
    """kill -9 at three requests: `cancel`, `up`, and everything is there once."""
    up = (*BATCHIAC, "up", "--stack", "local", "--yes")
    assert wrong_after_deaths(tmp_path, server, proxy, up, (*BATCHIAC, "cancel", "--stack", "local", "--yes"), 3) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_polite_request_to_end_is_ctrl_c(tmp_path: Path, server: str, proxy: Proxy, number: int) -> None:
    """A stopped container, a cancelled CI job, a closed terminal: what had begun is finished, nobody holds the stack,
    exit code 130."""
    up = (sys.executable, "-c", HEARING, "up", "--stack", "local", "--yes")
    deployment = Deployment(tmp_path / "project", server, proxy, up)
    program = deployment.project / "infra" / "__main__.py"
    text = program.read_text()
    program.write_text(f"{text}\nimport os\n\nos.kill(os.getpid(), {int(number)})\n")
    process = deployment.start(*deployment.command)
    said, _ = process.communicate(timeout=120)
    assert (process.returncode, "interrupted" in said, "Traceback" in said) == (130, True, False), said
    program.write_text(text)
    deployment.run(*BATCHIAC, "preview", "--stack", "local")
    assert not list((deployment.project / ".state").rglob("locks/**/*.json"))


@pytest.mark.slow  # twenty deployments killed and done again, two processes each
def test_batchiac_killed_at_twenty_points(tmp_path: Path, server: str, proxy: Proxy) -> None:
    """kill -9 at twenty requests, evenly spread."""
    up = (*BATCHIAC, "up", "--stack", "local", "--yes")
    assert wrong_after_deaths(tmp_path, server, proxy, up, (*BATCHIAC, "cancel", "--stack", "local", "--yes"), 20) == []


@pytest.mark.slow  # ten deployments under the real CLI, killed and done again: ten seconds each
@pytest.mark.pulumi_cli
@pytest.mark.skipif(PULUMI is None, reason="the `pulumi` command is not on PATH: nothing was tried under it")
def test_pulumi_killed_as_a_whole_is_made_good_by_the_next_run(tmp_path: Path, server: str, proxy: Proxy) -> None:
    """kill -9 of the CLI and its plugins at ten requests: `cancel`, `up`, and everything is there once."""
    up = ("pulumi", "up", "--stack", "local", "--yes", "--skip-preview", "--non-interactive")
    assert wrong_after_deaths(tmp_path, server, proxy, up, ("pulumi", "cancel", "--stack", "local", "--yes"), 10) == []
