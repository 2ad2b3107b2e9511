"""A trace holds commands and effects, and replays; a changed line is found."""

from __future__ import annotations

import io

import pytest

from batchiac.engine.refusals import NotFoundRefusal
from batchiac.engine.trace import TracedEngine, replay
from batchiac.errors import WorkloadError
from batchiac.model.compute_environment import ComputeEnvironment, ComputeResources
from batchiac.model.job import JobRequest
from batchiac.model.job_definition import Container, JobDefinition
from batchiac.model.job_queue import JobQueue


def traced(seed: int) -> list[str]:
    out = io.StringIO()
    with TracedEngine(out, seed=seed) as engine:
        resources = ComputeResources("EC2", 16, instance_types=("optimal",))
        engine.create_compute_environment(ComputeEnvironment("ce", resources=resources))
        engine.run_until_idle()
        engine.create_job_queue(JobQueue("q", 1, ("ce",)))
        definition = JobDefinition("d", containers=(Container(command=("sleep", "5")),), tags={"batchiac:exit": "0"})
        engine.submit_job(JobRequest("j", "q", definition, array_size=4))
        with pytest.raises(NotFoundRefusal):
            engine.submit_job(JobRequest("j", "nowhere", definition))
        engine.run_until_idle()
    return out.getvalue().splitlines()


def test_the_same_seed_gives_the_same_trace_byte_for_byte() -> None:
    """And another seed gives other ids."""
    assert traced(1) == traced(1)
    assert traced(1) != traced(2)


def test_a_trace_replays_polled_or_not() -> None:
    """Every effect and refusal comes again."""
    lines = traced(1)
    assert replay(lines) == replay(lines, step_ms=1000) > 10


def test_a_changed_line_is_found() -> None:
    """The replay names the line and both versions."""
    lines = traced(1)
    place = next(number for number, line in enumerate(lines) if '"status":"RUNNING"' in line)
    lines[place] = lines[place].replace("RUNNING", "FAILED")
    with pytest.raises(
        WorkloadError, match=rf"line {place + 1} of the trace says .*FAILED.*; the replay gave .*RUNNING"
    ):
        replay(lines)


def test_another_file_is_refused() -> None:
    """It says what was expected."""
    with pytest.raises(WorkloadError, match="not a trace of format 1"):
        replay(['{"jobs": []}'])
