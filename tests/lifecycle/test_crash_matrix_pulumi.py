"""Pulumi's CLI killed as a whole at AWS calls of up, update, replacement and destroy, and its next run.

The same phases, account and comparison as test_crash_matrix.py. Each case is three runs of the CLI, ten seconds, so
that `make test-all` takes an evenly spread sample of the calls; with BATCHIAC_EVERY_CALL=1 it takes them all, before
and after: some eight hundred cases, two hours on two cores.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from crash_world import PHASES, Outcome, on_stage, sample
from pulumi_world import PulumiStage

POINTS = 12
"""How many calls of each phase the CLI is killed at, half of them before the call and half after it."""

MOST_CALLS = 160
PART = 20 if os.environ.get("BATCHIAC_EVERY_CALL") else MOST_CALLS
"""How many calls one test covers, so that processes can share a phase."""


def die_at(stage: PulumiStage, expected: Outcome, number: int, moment: str) -> list[str]:
    """What is not as it should be after a death at that moment and another run."""
    outcome = stage.death(number, moment)
    found = outcome.differences(expected)
    # Providers race for what they wait for, so a run may need a call or two less than the one that was counted.
    if outcome.exit_code != -signal.SIGKILL and not (outcome.exit_code == 0 and number >= expected.calls - 5):
        found.append(f"the CLI ended with {outcome.exit_code}: {outcome.error}")
    return [f"death {moment} call {number}: {each}" for each in found]


@pytest.mark.slow  # the CLI starts three times a case: a quarter of an hour for the sample
@pytest.mark.pulumi_cli
@pytest.mark.skipif(
    shutil.which("pulumi") is None, reason="the `pulumi` command is not on PATH: nothing was tried under it"
)
@pytest.mark.parametrize("first", range(1, MOST_CALLS + 1, PART))
@pytest.mark.parametrize("phase", PHASES)
def test_pulumi_killed_at_a_call_is_made_good_by_its_next_run(tmp_path: Path, phase: str, first: int) -> None:
    """One owner for everything, nothing twice, nothing left, every job ended well, and no change for our engine."""

    def run(stage: PulumiStage) -> tuple[int, list[str]]:
        expected = stage.undisturbed()
        assert not expected.problem, expected.problem
        if PART == MOST_CALLS:
            cases = sample(expected.calls, POINTS)
        else:
            numbers = range(first, min(first + PART, expected.calls + 1))
            cases = [(number, moment) for number in numbers for moment in ("before", "after")]
        return expected.calls, [each for case in cases for each in die_at(stage, expected, *case)]

    calls, wrong = on_stage(PHASES[phase], tmp_path, run, PulumiStage)
    assert wrong == []
    assert 8 <= calls <= MOST_CALLS, "fewer calls than a phase makes, or more than the parts cover: add one"
