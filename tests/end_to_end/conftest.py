"""`serve`: the local stack's server as a process of its own, as a user starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

COMMAND = (sys.executable, "-c", "from batchiac.cli.main import main; main()", "serve", "--port", "0")


class Served:
    """A running server.

    Attributes:
        address: `http://127.0.0.1:…`.
        process: its process; `output` is what it said up to its ready line.
    """

    def __init__(self, flags: tuple[str, ...], folder: Path) -> None:
        self._errors = (folder / "stderr").open("a+", encoding="utf-8")
        self.process = subprocess.Popen(
            [*COMMAND, *flags], stdout=subprocess.PIPE, stderr=self._errors, text=True, env=dict(os.environ)
        )
        self.output = ""
        self.address = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if line.startswith("ready "):
                self.address = line.split()[1]
                return
        self.process.wait()
        raise AssertionError(f"the server ended with {self.process.returncode} before it was ready: {self.errors()}")

    def errors(self) -> str:
        """What it wrote to stderr so far."""
        self._errors.flush()
        return Path(self._errors.name).read_text("utf-8")

    def client(self, service: str, **settings: Any) -> Any:
        """A boto3 client of it."""
        import boto3

        return boto3.client(service, region_name="us-east-1", endpoint_url=self.address, **settings)

    def kill(self) -> None:
        """kill -9, and wait for it."""
        self.process.kill()
        self.process.wait()
        self.close()

    def end(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        code = self.process.wait(30)
        self.close()
        return code

    def close(self) -> None:
        """Close the pipes; the process has ended."""
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._errors.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """`serve("--clock", "virtual")` starts a server and returns when it is ready; all end with the test."""
    yield from _serving(tmp_path)


@pytest.fixture(scope="module")
def serve_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """`serve`, for a fixture that the tests of a module share."""
    yield from _serving(tmp_path_factory.mktemp("serve"))


def _serving(folder: Path) -> Iterator[Callable[..., Served]]:
    running: list[Served] = []

    def start(*flags: str) -> Served:
        running.append(Served(flags, folder))
        return running[-1]

    yield start
    for each in running:
        if each.process.poll() is None:
            each.kill()
        each.close()


@pytest.fixture(scope="session")
def furnish() -> Callable[..., Any]:
    """`furnish(server)`: an environment `environment` of 64 vCPUs, a queue `queue` and a definition `definition` whose
    jobs run for 20 s, all VALID, on a server with a virtual clock and without projections; its Batch client."""
    return _furnish


def _furnish(server: Any) -> Any:
    def let_a_minute_pass() -> None:
        body = json.dumps({"advance_s": 60}).encode()
        urllib.request.urlopen(f"{server.address}/_batchiac/clock", body, timeout=60).close()

    batch = server.client("batch")
    batch.create_compute_environment(
        computeEnvironmentName="environment",
        type="MANAGED",
        computeResources={
            "type": "EC2",
            "minvCpus": 0,
            "maxvCpus": 64,
            "instanceTypes": ["m5.large"],
            "subnets": ["subnet-1"],
            "securityGroupIds": ["sg-1"],
            "instanceRole": "ecsInstanceRole",
        },
    )
    let_a_minute_pass()
    batch.create_job_queue(
        jobQueueName="queue",
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "environment"}],
    )
    batch.register_job_definition(
        jobDefinitionName="definition",
        type="container",
        containerProperties={
            "image": "busybox",
            "command": ["sleep", "20"],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}],
        },
    )
    let_a_minute_pass()
    return batch
