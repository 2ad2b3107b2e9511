"""Killed at every AWS call of up, update, replacement and destroy: the next run ends as if nothing had happened.

The program is this repository's, with its stack `local`; the account is the local stack. What is compared is all that
there is: the whole account (EC2, IAM, Batch, ECS, Auto Scaling, logs), the state file, and how running jobs ended.
CI takes an evenly spread sample of the calls; `make test-all` takes them all.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from crash_world import DIED, PHASES, Outcome, Stage, on_stage, sample, undisturbed

SAMPLES = {
    "up": 14,
    "update_in_place": 6,
    "update_scaling": 4,
    "update_infrastructure": 5,
    "replace": 5,
    "replace_network": 6,
    "replace_through_bridge": 8,
    "destroy": 10,
}
"""How many calls of each phase CI kills a process at, half of them before the call and half after it."""

ALWAYS = {"replace_through_bridge": [(25, "before"), (26, "after")]}
"""Calls that once went wrong: a queue that the dead run had just changed was UPDATING and refused the next change."""

FEWEST_CALLS = 20
PART = 40
"""How many calls one slow test covers, so that two processes can share a phase."""

MOST_CALLS = {
    "up": 160,
    "update_in_place": 80,
    "update_scaling": 40,
    "update_infrastructure": 80,
    "replace": 160,
    "replace_network": 120,
    "replace_through_bridge": 280,
    "destroy": 160,
}
"""How far the slow tests' parts of each phase reach; a phase that makes more calls fails."""

PARTS = [(phase, first) for phase in PHASES for first in range(1, MOST_CALLS[phase] + 1, PART)]


def die_at(stage: Stage, expected: Outcome, number: int, moment: str) -> list[str]:
    """What is not as it should be after a death at that moment and another run."""

    def die(made: int, _service: str, _method: str, when: str) -> None:
        if made == number and when == moment:
            os._exit(DIED)

    outcome = stage.case(die, name=f"{moment}-{number}")
    found = outcome.differences(expected)
    # Threads race for what they wait for, so a run may need a call or two less than the one that was counted.
    if outcome.exit_code not in (DIED, 0) or (outcome.exit_code == 0 and number < expected.calls - 5):
        found.append(f"the deployer ended with {outcome.exit_code}: {outcome.error}")
    return [f"death {moment} call {number}: {each}" for each in found]


@pytest.mark.parametrize("phase", PHASES)
def test_a_death_at_any_call_is_made_good_by_the_next_run(tmp_path: Path, phase: str) -> None:
    """At a sample of the calls: one owner for everything, nothing twice, nothing left, every job ended well."""

    def run(stage: Stage) -> tuple[int, list[str]]:
        expected = undisturbed(stage)
        assert not expected.problem, expected.problem
        cases = [*sample(expected.calls, SAMPLES[phase]), *ALWAYS.get(phase, ())]
        return expected.calls, [each for case in cases for each in die_at(stage, expected, *case)]

    calls, wrong = on_stage(PHASES[phase], tmp_path, run)
    assert wrong == []
    assert calls >= FEWEST_CALLS


@pytest.mark.slow(reason="every AWS call of every phase, before and after it: some 1,800 deployments, half an hour")
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("phase", "first"), PARTS)
def test_a_death_at_every_call_is_made_good_by_the_next_run(
    tmp_path: Path, phase: str, first: int, moment: str
) -> None:
    """At every call, one run each; a phase with fewer calls has nothing to do in its last part."""

    def run(stage: Stage) -> tuple[int, list[str]]:
        expected = undisturbed(stage)
        assert not expected.problem, expected.problem
        numbers = range(first, min(first + PART, expected.calls + 1))
        return expected.calls, [each for number in numbers for each in die_at(stage, expected, number, moment)]

    calls, wrong = on_stage(PHASES[phase], tmp_path, run)
    assert wrong == []
    assert calls <= MOST_CALLS[phase], "more calls than the parts cover: add one"
