"""Real workflow executions on the stack as declared: every task succeeds, in its order, within what is possible."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from batchiac.cli.simulated import Simulated, simulated_stack
from batchiac.model.price import shipped_prices
from batchiac.verify.measure import measure
from batchiac.verify.run import run_workload
from batchiac.verify.submit import FanIn
from batchiac.verify.trace import Run
from batchiac.verify.workload_file import read_workload

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "wfformat"
FILES = ("rnaseq-dirt02-001.json", "1000genome-chameleon-10ch-100k-001.json", "montage-chameleon-2mass-01d-001.json")


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    """The `local` stack of this repository, deployed into this process."""
    with simulated_stack(ROOT, "local", seed=7, environ={"PULUMI_CONFIG_PASSPHRASE": ""}) as simulated:
        simulated.up()
        yield simulated


def _run(simulated: Simulated, path: Path, fan_in: FanIn = "hold") -> Run:
    return run_workload(simulated.aws, read_workload(path), stack="local", fan_in=fan_in)


def assert_possible(run: Run) -> None:
    """What holds of any run in which all went well."""
    workload = run.workload
    jobs = {job.task: job for job in run.jobs if job.group != "join"}
    assert {job.status for job in run.jobs} == {"SUCCEEDED"}
    assert set(jobs) == {task.name for task in workload.tasks}
    for task in workload.tasks:
        started_s = jobs[task.name].started_at_s
        assert started_s is not None
        for dependency in task.depends_on:
            parent_ended_s = jobs[dependency.task].stopped_at_s
            assert parent_ended_s is not None
            assert started_s >= parent_ended_s, f"{task.name} started before {dependency.task} had ended"
    found = measure(run, shipped_prices())
    assert run.max_vcpus is not None
    # Once by what the file says each task took, and once by what each job ran.
    assert found.makespan_s >= workload.critical_path_s > 0
    work = sum(task.behaviour.least_duration_s * (task.vcpus or 1) for task in workload.tasks)
    assert found.makespan_s >= work / run.max_vcpus
    assert found.makespan_s >= found.bounds.highest_s
    assert found.bounds.critical_path_s == pytest.approx(workload.critical_path_s, abs=0.001 * len(workload.tasks))
    assert found.vcpu_seconds == pytest.approx(work, rel=1e-3)


@pytest.mark.parametrize("name", FILES)
def test_a_real_workload_runs_to_its_end(simulated: Simulated, name: str) -> None:
    """Every task SUCCEEDED, none before its parents ended, and no faster than its critical path and its work allow."""
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"{path} is not there: the real workloads are read by path and not part of the repository")
    assert_possible(_run(simulated, path))


def test_the_largest_fan_in_can_go_through_joins(simulated: Simulated) -> None:
    """A task of 92 parents, sent at once through jobs of no duration, ends as it does when it is held."""
    path = DATA / FILES[0]
    if not path.is_file():
        pytest.skip(f"{path} is not there: the real workloads are read by path and not part of the repository")
    run = _run(simulated, path, "join")
    assert len(run.plan.joined) == 1
    assert sum(job.group == "join" for job in run.jobs) == 5
    assert_possible(run)
