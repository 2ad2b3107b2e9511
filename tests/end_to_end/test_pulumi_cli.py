"""The same program, handlers and state under the real `pulumi`, against the local stack's server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PULUMI = shutil.which("pulumi")
BATCHIAC = (sys.executable, "-c", "from batchiac.cli.main import main; main()")

pytestmark = [
    pytest.mark.pulumi_cli,
    pytest.mark.skipif(PULUMI is None, reason="the `pulumi` command is not on PATH: nothing was tried under it"),
]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server of the local stack in a process of its own; its clock moves when someone looks."""
    command = [*BATCHIAC, "serve", "--port", "0", "--clock", "auto"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        try:
            for line in server.stdout:
                if found := re.search(r"^ready (http://\S+)", line):
                    yield found[1]
                    break
            else:
                raise AssertionError("the server ended before it was ready")
        finally:
            server.terminate()
            server.stdout.close()


@pytest.fixture
def project(tmp_path: Path, endpoint: str) -> Path:
    """A copy of the project's program and stacks, with a state of its own; the account is empty."""
    reset = urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset, timeout=60).close()
    for name in ("infra", "stacks"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns(".venv"))
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / ".state").mkdir()
    # Pulumi looks for the environment beside the project and, for providers, beside the program.
    (tmp_path / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    (tmp_path / "infra" / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    return tmp_path


@pytest.fixture
def run(project: Path, endpoint: str) -> Run:
    """Run a command in the project; its exit code must be the one given."""

    def go(*command: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        environ = {
            **os.environ,
            "AWS_ENDPOINT_URL": endpoint,
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "NO_COLOR": "1",
        }
        done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, timeout=240)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return go


@pytest.fixture
def pulumi(run: Run) -> Run:
    def go(verb: str, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return run("pulumi", verb, "--stack", "local", "--non-interactive", *arguments, code=code)

    return go


@pytest.fixture
def batchiac(run: Run) -> Run:
    def go(verb: str, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return run(*BATCHIAC, verb, "--stack", "local", *arguments, code=code)

    return go


def edit(project: Path, old: str, new: str) -> None:
    program = project / "infra" / "__main__.py"
    text = program.read_text()
    assert old in text
    program.write_text(text.replace(old, new))


def operations(preview: str) -> dict[str, set[str]]:
    """Operation → names, of a `pulumi preview --json` or `batchiac preview --json`."""
    found: dict[str, set[str]] = {}
    for step in json.loads(preview)["steps"]:
        found.setdefault(step["op"], set()).add(step["urn"].rpartition("::")[2])
    return found


def test_both_programs_on_one_state(pulumi: Run, batchiac: Run, run: Run, project: Path) -> None:
    """Created by one, unchanged to the other; refreshed, changed and destroyed by either."""
    run("pulumi", "stack", "init", "local", "--non-interactive")
    pulumi("up", "--yes", "--skip-preview")
    pulumi("preview", "--expect-no-changes")
    batchiac("preview", "--expect-no-changes")
    pulumi("refresh", "--yes", "--skip-preview")
    batchiac("preview", "--expect-no-changes")

    edit(project, 'max_vcpus=config["spotMaxVcpus"]', "max_vcpus=1024")
    changed = {"spot"}
    assert operations(pulumi("preview", "--json").stdout)["update"] == changed
    assert operations(batchiac("preview", "--json").stdout)["update"] == changed
    batchiac("up", "--yes")
    pulumi("preview", "--expect-no-changes")
    pulumi("refresh", "--yes", "--skip-preview")
    pulumi("preview", "--expect-no-changes")
    pulumi("destroy", "--yes", "--skip-preview")
    state = json.loads((project / ".state/.pulumi/stacks/infra/local.json").read_text())
    assert not state["checkpoint"]["latest"].get("resources")


def test_replacement_of_an_attached_environment(pulumi: Run, run: Run, project: Path, batchiac: Run) -> None:
    """Under Pulumi's own order of steps the queues move over before the old environment goes."""
    run("pulumi", "stack", "init", "local", "--non-interactive")
    pulumi("up", "--yes", "--skip-preview")
    before = outputs(run)
    edit(project, 'allocation_strategy=config["spotAllocationStrategy"]', 'allocation_strategy="BEST_FIT"')
    pulumi("up", "--yes", "--skip-preview")
    after = outputs(run)
    assert after["environments"]["spot"] != before["environments"]["spot"]
    assert after["queues"] == before["queues"]
    pulumi("preview", "--expect-no-changes")
    pulumi("refresh", "--yes", "--skip-preview")
    pulumi("preview", "--expect-no-changes")
    batchiac("destroy", "--yes")


TRAINING = """
import pulumi
import batchiac.components as batch

gpus = batch.ServiceEnvironment("gpus", capacity_limits={"ml.m5.large": 8})
quota = batch.SchedulingPolicy("quota", quota_shares="FIFO")
training = batch.JobQueue("training", priority=1, service_environments=[gpus], scheduling_policy=quota)
share = batch.QuotaShare("share", queue=training, capacity_limits={"ml.m5.large": 4}, strategy="LEND_AND_BORROW")
licence = batch.ConsumableResource("licence", total_quantity=5)
batch.ContainerJobDefinition(
    "job", container=batch.Container("busybox", vcpus=1, memory_mib=512), consumes=[batch.Consumes(licence, 2)]
)
pulumi.export("queues", training.arn_output)
pulumi.export("environments", gpus.arn_output)
pulumi.export("licence", licence.arn_output)
"""


def test_training_and_consumable_resources(pulumi: Run, batchiac: Run, run: Run, project: Path) -> None:
    """Made, changed, replaced under a queue that stays, drifted and destroyed by either on one state."""
    (project / "infra" / "__main__.py").write_text(TRAINING)
    run("pulumi", "stack", "init", "local", "--non-interactive")
    pulumi("up", "--yes", "--skip-preview")
    pulumi("preview", "--expect-no-changes")
    batchiac("preview", "--expect-no-changes", "--refresh")
    before = outputs(run)
    edit(project, "total_quantity=5", "total_quantity=7")
    edit(project, 'strategy="LEND_AND_BORROW"', 'strategy="RESERVE"')
    assert operations(pulumi("preview", "--json").stdout)["update"] == {"licence", "share"}
    pulumi("up", "--yes", "--skip-preview")
    edit(project, '{"ml.m5.large": 8}', '{"ml.m5.large": 8}, service_environment_name="more"')
    edit(project, "total_quantity=7", "total_quantity=7, replenishable=False")
    pulumi("up", "--yes", "--skip-preview")
    after = outputs(run)
    assert after["queues"] == before["queues"]
    assert after["environments"].endswith(":service-environment/more")
    assert after["licence"] != before["licence"]
    pulumi("refresh", "--yes", "--skip-preview")
    pulumi("preview", "--expect-no-changes")
    batchiac("preview", "--expect-no-changes", "--refresh")
    pulumi("destroy", "--yes", "--skip-preview")
    state = json.loads((project / ".state/.pulumi/stacks/infra/local.json").read_text())
    assert not state["checkpoint"]["latest"].get("resources")


def outputs(run: Run) -> Any:
    return json.loads(run("pulumi", "stack", "output", "--json", "--stack", "local").stdout)


def test_every_finding_is_shown_at_once(pulumi: Run, run: Run, project: Path) -> None:
    """Two broken resources are two errors on their components, one exit code, no traceback, nothing created."""
    run("pulumi", "stack", "init", "local", "--non-interactive")
    edit(project, "timeout_s=3600", "timeout_s=5")
    edit(project, "batch.Retry(2,", "batch.Retry(20,")
    done = pulumi("preview", code=1)
    text = done.stdout + done.stderr
    assert "timeout.attemptDurationSeconds is 5" in text
    assert "retryStrategy.attempts is 20" in text
    assert "batchiac:batch:ContainerJobDefinition (simple)" in text
    assert "2 findings: nothing was changed" in text
    assert "Traceback" not in text


def test_an_accepted_error_stops_neither_the_program_nor_the_provider(pulumi: Run, run: Run, project: Path) -> None:
    """The config reaches both as JSON text; the preview goes through, and says what was accepted and why."""
    run("pulumi", "stack", "init", "local", "--non-interactive")
    stack = project / "stacks" / "Pulumi.local.yaml"
    broken = "  infra:spotAllocationStrategy: BEST_FIT_PROGRESSIVE_ORDERED\n"
    stack.write_text(stack.read_text() + broken)
    assert "CE020" in pulumi("preview", code=1).stdout
    accepted = "  batchiac:suppress:\n    - {rule: CE020, resource: spot, reason: tried on Monday}\n"
    stack.write_text(stack.read_text() + accepted)
    shown = pulumi("preview").stdout
    assert "accepted (tried on Monday): CE020 spot." in shown
    assert "properties are not known while the program runs" in shown
    assert "not yet known: " not in shown


def test_a_wrong_config_key_is_one_sentence(pulumi: Run, run: Run, project: Path) -> None:
    """The nearest known key is named, without a traceback."""
    run("pulumi", "stack", "init", "local", "--non-interactive")
    stack = project / "stacks" / "Pulumi.local.yaml"
    stack.write_text(stack.read_text() + "  infra:maxVcpu: 5\n")
    done = pulumi("preview", code=1)
    text = done.stdout + done.stderr
    assert "unknown config key infra:maxVcpu; did you mean infra:maxVcpus?" in text
    assert "Traceback" not in text


def test_what_batchiac_imported_is_pulumi_s_too(pulumi: Run, batchiac: Run, run: Run, project: Path) -> None:
    """The state forgotten and imported again by batchiac: no change to either program, and Pulumi destroys it.

    Pulumi cannot import dynamic resources itself: its engine reads them without their `__provider`.
    """
    run("pulumi", "stack", "init", "local", "--non-interactive")
    batchiac("up", "--yes")
    shutil.rmtree(project / ".state")
    (project / ".state").mkdir()
    shutil.rmtree(project / "infra" / "__pycache__", ignore_errors=True)
    (project / "infra" / "__main__.py").unlink()
    run("pulumi", "stack", "init", "local", "--non-interactive")
    shown = batchiac("import", "--all", "--with-network", "--no-protect", "--yes")
    assert "Nothing was changed at AWS; a preview shows no change." in shown.stderr
    pulumi("preview", "--expect-no-changes")
    batchiac("preview", "--expect-no-changes")
    program = project / "infra" / "__main__.py"
    wanted = """
batch.WireResource(
    "Role",
    "theirs",
    {"assumeRolePolicyDocument": {}},
    opts=pulumi.ResourceOptions(import_="arn:aws:iam::123456789012:role/theirs"),
)
"""
    text = program.read_text()
    program.write_text("import pulumi\n" + text + wanted)
    assert "KeyError: '__provider'" in pulumi("preview", code=1).stdout
    program.write_text(text)
    pulumi("destroy", "--yes", "--skip-preview")
