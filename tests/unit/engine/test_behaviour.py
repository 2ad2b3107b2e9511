"""What tags and commands say about a simulated job."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchiac.engine.kernel.randomness import Identifiers, Stream
from batchiac.engine.policies.behaviour import FromTagsAndCommand, Outcome, parse_behaviour, read_command
from batchiac.errors import WorkloadError
from batchiac.model.job import JobRequest
from batchiac.model.job_definition import Container, JobDefinition


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["sleep", "30"], (30_000, 0)),
        (["sleep", "1m", "2.5"], (62_500, 0)),
        (["true"], (0, 0)),
        (["false"], (0, 1)),
        (["exit", "3"], (0, 3)),
        (["sh", "-c", "sleep 5 && exit 4"], (5_000, 4)),
        (["/bin/bash", "-lc", "sleep 5; false; sleep 1"], (6_000, 0)),
        (["bash", "-c", "false && sleep 10"], (0, 1)),
        (["kill"], (0, 1)),
        (["/usr/bin/kill"], (0, 1)),
        (["sh", "-c", "sleep 2; kill"], (2_000, 2)),
        (["sh", "-c", "/bin/kill"], (0, 1)),
        (["kill", "1"], (60_000, 0)),
        (["python", "train.py"], (60_000, 0)),
        (["sleep", "a while"], (60_000, 0)),
        ([], (60_000, 0)),
    ],
)
def test_the_command_where_it_says_so_itself(command: list[str], expected: tuple[int, int]) -> None:
    """sleep, true, false and exit are understood, also in a shell; anything else runs 60 s and exits 0."""
    assert read_command(command) == expected


def test_tags_win_over_the_command_and_the_jobs_over_the_definitions() -> None:
    """Duration, exit codes by attempt and memory come from tags."""
    definition = JobDefinition("d", tags={"batchiac:duration": "9", "batchiac:exit": "1:0"})
    job = JobRequest("j", "q", definition, tags={"batchiac:duration": "7", "batchiac:memory": "2048", "team": "x"})
    draw = FromTagsAndCommand().plan(job, Container(command=("sleep", "30")))
    assert [draw(0, attempt, Stream(1)) for attempt in (1, 2, 3)] == [
        Outcome(7_000, 1, 2048), Outcome(7_000, 0, 2048), Outcome(7_000, 0, 2048),
    ]  # fmt: skip


def test_a_tag_makes_starts_fail_by_attempt() -> None:
    """One word an attempt, the last repeated; those that start go on by the other tags."""
    tags = {"batchiac:start": "CannotPullContainerError:DockerTimeoutError:none", "batchiac:exit": "0:0:4"}
    draw = FromTagsAndCommand().plan(JobRequest("j", "q", JobDefinition("d"), tags=tags), Container(command=("true",)))
    first, second, *others = [draw(0, attempt, Stream(1)) for attempt in (1, 2, 3, 4)]
    assert (first.starts, first.reason.partition(":")[0]) == (False, "CannotPullContainerError")
    assert (second.starts, second.reason) == (
        False, "DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s",
    )  # fmt: skip
    assert others == [Outcome(0, 4), Outcome(0, 4)]


@pytest.mark.parametrize(
    "tag",
    ["duration=soon", "duration=-1", "duration=uniform:9:3", "duration=lognormal:5:0.5", "duration=nan",
     "duration=uniform:1", "exit=256", "exit=x", "exit=1:", "memory=1.5", "memory=lots", "start=",
     "start=NoSuchError:none", "start=CannotPullContainerError:"],
)  # fmt: skip
def test_a_tag_that_is_not_understood_says_what_is_allowed(tag: str) -> None:
    """Found and allowed are in the message."""
    name, value = tag.split("=")
    with pytest.raises(WorkloadError, match=f"batchiac:{name}=.*give|batchiac:{name}=.*allowed"):
        parse_behaviour(((f"batchiac:{name}", value),), ())


@given(st.integers(0, 2**63), st.integers(0, 10**6), st.integers(1, 10))
def test_draws_depend_on_the_purpose_alone(seed: int, job: int, attempt: int) -> None:
    """The same question gives the same answer whatever was drawn before; bounds hold."""
    first, second = Stream(seed), Stream(seed)
    second.rekey(1, 2, 3).random()
    one, other = first.rekey(job, 0, attempt), second.rekey(job, 0, attempt)
    assert [one.random() for _ in range(3)] == [other.random() for _ in range(3)]
    assert 60 <= one.uniform(60, 90) <= 90
    assert one.lognormal(300, 1.5) > 0


def test_streams_of_neighbours_differ() -> None:
    """A thousand jobs draw a thousand values whose mean is near one half."""
    stream = Stream(7)
    drawn = [stream.rekey(number, 0, 1).random() for number in range(1000)]
    assert len(set(drawn)) == 1000
    assert 0.45 < sum(drawn) / 1000 < 0.55


def test_ids_look_like_awss_and_come_from_the_seed() -> None:
    """A UUID's form, the same for the same seed, another for another."""
    import uuid

    text = Identifiers(7).uuid("environment", 3)
    assert uuid.UUID(text).version == 4
    assert text == Identifiers(7).uuid("environment", 3) != Identifiers(8).uuid("environment", 3)
