"""A call that fails, and Ctrl-C, at sampled calls: one clear sentence, the documented exit code, a clean next run."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from crash_world import PHASES, Stage, on_stage, sample, undisturbed
from remote_door import Interference

from batchiac.errors import AwsRefusal

FAILURES = {
    # name: (code, AWS's words, HTTP status, whether every later call fails too, whether AWS did what was asked for)
    "throttled": ("ThrottlingException", "Rate exceeded", 429, False, False),
    "server error": ("InternalFailure", "We encountered an internal error. Please try again.", 500, False, True),
    "connection lost": ("Unreachable", "no answer from https://batch.us-east-1.amazonaws.com", 0, True, True),
    "credentials expired": ("ExpiredToken", "The security token included in the request is expired", 403, True, False),
}
SPREAD = (0.1, 0.35, 0.6, 0.85)
"""Where in a run the calls fail, as a part of its calls."""

POINTS = 12
"""How many calls of each phase fail in `make test-all`."""


def failing(number: int, failure: str) -> Interference:
    code, words, status, stays, done = FAILURES[failure]

    def interfere(made: int, _service: str, method: str, moment: str) -> None:
        first = made == number and moment == ("after" if done else "before")
        if first or (stays and made > number and moment == "before"):
            operation = "".join(part.capitalize() for part in method.split("_"))
            raise AwsRefusal(operation, code, words, status)

    return interfere


def interrupting(number: int, times: int) -> Interference:
    """Ctrl-C at the call, and once more at the next."""

    def interfere(made: int, _service: str, _method: str, moment: str) -> None:
        if moment == "before" and number <= made < number + times:
            os.kill(os.getpid(), signal.SIGINT)

    return interfere


def wrong_at(stage: Stage, cases: dict[str, Interference], exit_code: int, words: dict[str, str]) -> list[str]:
    expected = undisturbed(stage)
    assert not expected.problem, expected.problem
    found = []
    for name, interfere in cases.items():
        outcome = stage.case(interfere, name=name.replace(" ", "-"))
        problems = outcome.differences(expected)
        if outcome.exit_code != exit_code or words[name] not in outcome.error or "\n" in outcome.error:
            problems.append(f"ended with {outcome.exit_code}: {outcome.error}")
        found += [f"{name}: {each}" for each in problems]
    return found


@pytest.mark.parametrize("phase", ["up", "replace", "destroy"])
def test_a_failing_call_is_told_and_the_next_run_ends_clean(tmp_path: Path, phase: str) -> None:
    """Throttled, a server error, no connection, expired credentials: exit code 3, AWS's words, nothing left behind."""

    def run(stage: Stage) -> list[str]:
        calls = undisturbed(stage).calls
        cases = {
            f"{failure} at {part}": failing(round(part * calls), failure)
            for failure, part in zip(FAILURES, SPREAD if phase != "up" else reversed(SPREAD), strict=True)
        }
        return wrong_at(stage, cases, 3, {name: FAILURES[name.partition(" at ")[0]][0] for name in cases})

    assert on_stage(PHASES[phase], tmp_path, run) == []


@pytest.mark.slow  # each failure at a dozen calls of each phase: some four hundred deployments, done twice
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("phase", PHASES)
def test_each_failure_all_over_each_phase(tmp_path: Path, phase: str, failure: str) -> None:
    """The same, at evenly spread calls of every phase."""

    def run(stage: Stage) -> list[str]:
        numbers = [number for number, _ in sample(undisturbed(stage).calls, POINTS)]
        cases = {f"{failure} at {number}": failing(number, failure) for number in numbers}
        return wrong_at(stage, cases, 3, dict.fromkeys(cases, FAILURES[failure][0]))

    assert on_stage(PHASES[phase], tmp_path, run) == []


@pytest.mark.parametrize(("times", "words"), [(1, "interrupted: what had begun was finished"), (2, "")])
@pytest.mark.parametrize("phase", ["up", "destroy"])
def test_ctrl_c_is_taken_up(tmp_path: Path, phase: str, times: int, words: str) -> None:
    """Once: what had begun is finished and recorded. Twice: the process ends at once. Exit code 130 both times."""

    def run(stage: Stage) -> list[str]:
        calls = undisturbed(stage).calls
        cases = {f"ctrl-c at {part}": interrupting(round(part * calls), times) for part in (0.2, 0.7)}
        return wrong_at(stage, cases, 130, dict.fromkeys(cases, words))

    assert on_stage(PHASES[phase], tmp_path, run) == []
