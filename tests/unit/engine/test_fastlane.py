"""Short cuts change nothing: a listener makes the general code run, without one the fast lane does; the facts agree."""

from __future__ import annotations

import random
from typing import Any

import attrs
import pytest

from batchiac.engine import Engine, EngineSettings, Outcome
from batchiac.engine.kernel.randomness import Stream
from batchiac.engine.policies.behaviour import Draw
from batchiac.engine.refusals import NotFoundRefusal
from batchiac.model.compute_environment import ComputeEnvironment, ComputeResources
from batchiac.model.job import Dependency, JobRequest
from batchiac.model.job_definition import Container, JobDefinition, RetryStrategy
from batchiac.model.job_queue import JobQueue
from batchiac.model.scheduling_policy import SchedulingPolicy, Share

PLAIN = JobDefinition("plain")
CONTAINER = PLAIN.containers[0] if PLAIN.containers else Container()
STAGED = attrs.evolve(
    PLAIN, containers=(attrs.evolve(CONTAINER, name="init", init=True), attrs.evolve(CONTAINER, name="main"))
)
RETRIED = attrs.evolve(PLAIN, retry=RetryStrategy(3))
TIMED = attrs.evolve(PLAIN, timeout_s=60)


class ByName:
    """Lengths, failures and broken images from the number that a job has for a name."""

    def plan(self, job: JobRequest, container: Container) -> Draw:
        number = int(job.name)

        def draw(index: int, attempt: int, stream: Stream) -> Outcome | int:
            length = 1_000 + (number * 7919 + index * 104_729 + attempt * 31) % 97 * 1_000
            if number % 17 == 4:
                return Outcome(length, 0, 0, "CannotPullContainerError", False)
            if number % 11 == 3 and attempt <= 1 + number % 3:
                return Outcome(length, 1)
            return length if number % 5 else round(stream.uniform(1_000, 90_000))

        return draw


def run(seed: int, *, watched: bool, retention_ms: int) -> list[Any]:
    """Random commands; everything that can be described in the middle and at the end."""
    rnd = random.Random(seed)
    engine = Engine(seed=seed, settings=EngineSettings(retention_ms=retention_ms), behaviour=ByName())
    if watched:
        engine.subscribe(lambda _effect: None)
    resources = ComputeResources("EC2", 16, instance_types=("c5.xlarge",))
    engine.create_compute_environment(ComputeEnvironment("ce", resources=resources))
    engine.run_until_idle()
    engine.create_job_queue(JobQueue("q", 1, ("ce",)))
    engine.run_until_idle()
    ids: list[str] = []
    arrays: list[str] = []
    facts: list[Any] = []

    def look() -> None:
        for job in ids:
            view = engine.find_job(job)
            facts.append(view)
            if view is not None:
                facts.extend(engine.find_job(f"{job}:{child}") for child in range(view.array_size))

    for _ in range(40):
        for _ in range(rnd.choice((1, 3, 20))):
            size = rnd.choice((0, 0, 0, 0, 4))
            after = []
            if ids and rnd.random() < 0.25:
                after.append(Dependency(rnd.choice(ids)))
            if size and arrays and rnd.random() < 0.7:
                after.append(Dependency(rnd.choice(arrays), "N_TO_N"))
            definition = rnd.choice((PLAIN, PLAIN, PLAIN, STAGED, RETRIED, TIMED))
            request = JobRequest(str(len(facts) + len(ids)), "q", definition, array_size=size, depends_on=after)
            try:
                ids.append(engine.submit_job(request))
            except NotFoundRefusal:
                continue  # what it would depend on is forgotten
            if size:
                arrays.append(ids[-1])
        known = [job for job in ids[-20:] if engine.find_job(job) is not None] if rnd.random() < 0.3 else []
        if known:
            rnd.choice((engine.cancel_job, engine.terminate_job))(rnd.choice(known), "not wanted")
        engine.advance_to(engine.now_ms + rnd.choice((1, 999, 5_000, 60_000, 300_000)))
        if rnd.random() < 0.1:
            look()
    look()
    engine.run_until_idle()
    look()
    facts.extend(engine.list_jobs(queue="q").jobs)
    return facts


@pytest.mark.parametrize("retention_ms", [7 * 86_400_000, 200_000])
@pytest.mark.parametrize("seed", range(6))
def test_with_and_without_a_listener_the_same_happens(seed: int, retention_ms: int) -> None:
    """Also where tasks with stages have the shape of plain ones, and where rows are given out again."""
    assert run(seed, watched=False, retention_ms=retention_ms) == run(seed, watched=True, retention_ms=retention_ms)


def run_shares(seed: int, *, watched: bool, counted: bool) -> list[Any]:
    """Plain jobs taking turns over two fair-share queues and two FIFO ones; what can be described at the end."""
    rnd = random.Random(seed)
    engine = Engine(
        seed=seed,
        settings=EngineSettings(share_prefix_weight="counted" if counted else "each"),
        behaviour=ByName(),
    )
    if watched:
        engine.subscribe(lambda _effect: None)
    resources = ComputeResources("EC2", 32, instance_types=("c5.xlarge",))
    engine.create_compute_environment(ComputeEnvironment("ce", resources=resources))
    engine.run_until_idle()
    policy = SchedulingPolicy("p", shares=(Share("s0", 0.5), Share("s1*", 3.0)))
    for number, fair in enumerate((True, True, False, False)):
        engine.create_job_queue(JobQueue(f"q{number}", number, ("ce",), scheduling_policy=policy if fair else None))
    engine.run_until_idle()
    ids: list[str] = []
    facts: list[Any] = []
    for _ in range(12):
        definition = rnd.choice((PLAIN, PLAIN, RETRIED, TIMED))
        for number in range(rnd.choice((5, 60))):
            share = f"s{rnd.randrange(15)}" if number % 4 < 2 else ""
            priority = rnd.choice((None, None, 3)) if share else None
            name = str(len(ids))
            request = JobRequest(
                name, f"q{number % 4}", definition, share_identifier=share, scheduling_priority=priority
            )
            ids.append(engine.submit_job(request))
        if rnd.random() < 0.3:
            rnd.choice((engine.cancel_job, engine.terminate_job))(rnd.choice(ids[-20:]), "not wanted")
        engine.advance_to(engine.now_ms + rnd.choice((1, 999, 60_000, 300_000)))
        facts.extend(engine.share_usage(f"q{number}") for number in range(2))
    engine.run_until_idle()
    facts.extend(map(engine.describe_job, ids))
    return facts


@pytest.mark.parametrize("seed", range(6))
def test_the_short_cut_lets_shares_take_turns_as_the_general_code_does(seed: int) -> None:
    """Jobs of several queues and shares are one lot; each ends up where and when it would with a listener."""
    counted = seed % 2 == 1
    assert run_shares(seed, watched=False, counted=counted) == run_shares(seed, watched=True, counted=counted)


def test_a_job_in_rows_given_out_again_is_not_taken_for_the_one_before() -> None:
    """An array that waited N_TO_N is cancelled and forgotten; another in its rows has nothing to do with its parent."""
    engine = Engine(settings=EngineSettings(retention_ms=100_000), behaviour=ByName())
    resources = ComputeResources("EC2", 1, instance_types=("c5.xlarge",))
    engine.create_compute_environment(ComputeEnvironment("ce", resources=resources))
    engine.run_until_idle()
    engine.create_job_queue(JobQueue("q", 1, ("ce",)))
    engine.run_until_idle()
    too_large = attrs.evolve(
        PLAIN, containers=(attrs.evolve(CONTAINER, resources=attrs.evolve(CONTAINER.resources, vcpus=64)),)
    )
    parent = engine.submit_job(JobRequest("1", "q", too_large, array_size=4))
    waiting = engine.submit_job(JobRequest("2", "q", PLAIN, array_size=4, depends_on=(Dependency(parent, "N_TO_N"),)))
    engine.advance_to(engine.now_ms + 2_000)
    engine.terminate_job(waiting, "not wanted")
    engine.advance_to(engine.now_ms + 200_000)
    assert engine.find_job(waiting) is None
    other = engine.submit_job(JobRequest("7", "q", PLAIN, array_size=4, depends_on=(Dependency(type="SEQUENTIAL"),)))
    engine.advance_to(engine.now_ms + 2_000)
    engine.terminate_job(parent, "not wanted")
    engine.run_until_idle(limit_ms=engine.now_ms + 90_000)
    view = engine.describe_job(other)
    assert view.status_summary["FAILED"] == 0
