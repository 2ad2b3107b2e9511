"""The lifecycle tables themselves: what they allow, what they refuse, and that the compiled form agrees."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchiac.engine.job_states_doc import render
from batchiac.engine.machine import (
    ILLEGAL,
    JOB_ROWS,
    NEXT,
    ROWS,
    IllegalTransitionError,
    JobEvent,
    Machine,
    next_status,
    read_row,
)
from batchiac.model.job import JobStatus


def test_every_row_is_there_once() -> None:
    """No machine has two rows for one state, event and condition."""
    keys = [(row.machine, row.state, row.event, row.condition) for row in ROWS]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("status", list(JobStatus))
@pytest.mark.parametrize("event", list(JobEvent))
def test_the_compiled_table_is_the_table(status: JobStatus, event: JobEvent) -> None:
    """Each pair of state and event gives the row's state, or is illegal and raises with the history."""
    row = next((to for state, each, to, _ in JOB_ROWS if (state, each) == (status, event)), None)
    if row is None:
        assert NEXT[event << 3 | status] == ILLEGAL
        with pytest.raises(IllegalTransitionError, match=r"nothing was changed; its history: born yesterday"):
            next_status(status, event, "born yesterday")
    else:
        assert next_status(status, event, "") == row


@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.FAILED])
def test_nothing_leaves_a_terminal_state(status: JobStatus) -> None:
    """SUCCEEDED and FAILED are final."""
    assert not [row for row in JOB_ROWS if row[0] is status]


@pytest.mark.parametrize("machine", list(Machine))
def test_every_state_can_be_reached(machine: Machine) -> None:
    """From where a machine begins, its rows lead to every state that it names."""
    rows = [row for row in ROWS if row.machine is machine]
    states = {row.state for row in rows}
    begin = states & {"", "SUBMITTED"} or states & {"PENDING"}  # a node is PENDING when its gang is placed
    reached = {min(begin)}
    for _ in rows:
        reached |= {row.to for row in rows if row.state in reached}
    assert {row.state for row in rows} | {row.to for row in rows} == reached


def test_the_attempt_table_agrees_with_the_job_table() -> None:
    """While an attempt lives its state is its job's: the rows that the job machine looks up for it say the same."""
    begun = read_row(Machine.ATTEMPT, "", "placed").to
    assert begun == JobStatus(next_status(JobStatus.RUNNABLE, JobEvent.PLACED, "")).name
    started = read_row(Machine.ATTEMPT, begun, "container started", "image pulled, its dependencies resolved").to
    assert started == JobStatus(next_status(JobStatus[begun], JobEvent.STARTED, "")).name
    for row in ROWS:
        if row.machine is Machine.ATTEMPT and row.to == "ended":
            state = JobStatus[row.state]
            assert next_status(state, JobEvent.FAILED_FINAL, "") == JobStatus.FAILED
            assert next_status(state, JobEvent.FAILED_RETRY, "") == JobStatus.RUNNABLE
    assert next_status(JobStatus[started], JobEvent.SUCCEEDED, "") == JobStatus.SUCCEEDED


def test_other_machines_refuse_what_they_do_not_have() -> None:
    """An environment cannot be updated while it is created; the refusal says so and tells the history."""
    with pytest.raises(
        IllegalTransitionError, match=r"compute environment in CREATING cannot take 'update'.*CREATING at 0"
    ):
        read_row(Machine.ENVIRONMENT, "CREATING", "update", history="CREATING at 0 ms")


def test_the_page_is_up_to_date() -> None:
    """docs/job_states.md is what the table says."""
    page = Path(__file__).parents[2] / "docs" / "job_states.md"
    assert page.read_text(encoding="utf-8") == render()
