"""Programs written in a test, run as the embedded engine runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from batchiac.testing import Deployment, TestStack, local_stack

STACK = "config:\n  batchiac:target: local\n  batchiac:region: us-east-1\n"

HEAD = """
import pulumi
import batchiac.components as batch
network = batch.Network("net")
roles = batch.Roles("roles")
def environment(name, **more):
    arguments = {"network": network, "roles": roles, "instance_types": ["c5"], "max_vcpus": 64, **more}
    return batch.ManagedComputeEnvironment(name, **arguments)
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[TestStack]:
    with local_stack() as running:
        yield running


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a program of these lines after HEAD; return its project's folder."""

    def written(lines: str, config: str = "", head: str = HEAD) -> Path:
        (tmp_path / "stacks").mkdir(exist_ok=True)
        (tmp_path / "infra").mkdir(exist_ok=True)
        name = f"p{tmp_path.name[-20:]}".replace("_", "-")
        (tmp_path / "Pulumi.yaml").write_text(
            f"name: {name}\nmain: infra\nstackConfigDir: stacks\nruntime: python\nbackend:\n  url: file://./.state\n"
        )
        (tmp_path / "stacks" / "Pulumi.local.yaml").write_text(STACK + config.replace("infra:", f"{name}:"))
        (tmp_path / "infra" / "__main__.py").write_text(head + dedent(lines))
        return tmp_path

    return written


@pytest.fixture
def run(stack: TestStack, write: Callable[..., Path]) -> Iterator[Callable[..., Deployment]]:
    """Deploy a program; destroyed after the test."""
    deployed: list[Deployment] = []

    def up(lines: str, config: str = "", head: str = HEAD) -> Deployment:
        deployed.append(stack.up(write(lines, config, head)))
        return deployed[-1]

    yield up
    for each in deployed:
        each.destroy()


@pytest.fixture
def described(stack: TestStack) -> Callable[[str], Any]:
    """AWS's description of the only environment or queue of a logical name."""
    batch = stack.client("batch")

    def find(name: str) -> Any:
        environments = batch.describe_compute_environments()["computeEnvironments"]
        queues = batch.describe_job_queues()["jobQueues"]
        definitions = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
        keys = ("computeEnvironmentName", "jobQueueName", "jobDefinitionName")
        (found,) = [
            each
            for each in (*environments, *queues, *definitions)
            if any(each.get(key, "").startswith(f"{name}-") for key in keys)
        ]
        return found

    return find
