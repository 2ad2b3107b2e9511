"""Whatever the settings say: polling changes nothing, nothing is ever below zero, every job ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "parity"))
from engine_stage import Runs

from batchiac.engine import Engine, Outcome
from batchiac.engine.refusals import EngineRefusal
from batchiac.engine.settings import instant
from batchiac.model.compute_environment import ComputeEnvironment, ComputeResources
from batchiac.model.job import JobRequest
from batchiac.model.job_definition import Container, JobDefinition, NodeRange, Resources, RetryStrategy
from batchiac.model.job_queue import JobQueue
from batchiac.model.scheduling_policy import SchedulingPolicy, Share

ENDED = ("SUCCEEDED", "FAILED")
BROKEN = Outcome(0, 0, 0, "CannotPullContainerError", False)
RUNS = {
    "flaky": [Outcome(3_000, 1), 3_000],
    "broken": [BROKEN, BROKEN, 5_000],
    "long": [300_000],
    "init": [4_000],
    "check": [Outcome(2_000, 3), 2_000],
}
TASKS = {
    "init": (Container("init", init=True), Container("job")),
    "check": (Container("check", essential=False), Container("job", depends_on=(("check", "SUCCESS"),))),
}


def run(choice: dict[str, Any], commands: list[tuple[Any, ...]], step_ms: int | None) -> list[Any]:
    """Everything that was told, with or without polling in between."""
    engine = Engine(seed=11, settings=instant(**choice), behaviour=Runs(**RUNS))
    told: list[Any] = []
    engine.subscribe(told.append)
    resources = ComputeResources("EC2", 12, instance_types=("c5.xlarge",))
    engine.create_compute_environment(ComputeEnvironment("ce", resources=resources))
    engine.run_until_idle()
    policy = SchedulingPolicy("fair", 600, 0, (Share("a*", 2.0), Share("b", 0.5)))
    engine.create_job_queue(JobQueue("q", 1, ("ce",), scheduling_policy=policy))
    engine.run_until_idle()
    ids: list[str] = []

    def advance(until_ms: int) -> None:
        while step_ms is not None and engine.now_ms + step_ms < until_ms:
            engine.advance_to(engine.now_ms + step_ms)
            for job in ids:
                engine.describe_job(job)
        engine.advance_to(until_ms)

    for what, *rest in commands:
        try:
            if what == "submit":
                name, size, nodes, attempts, share, timeout = rest
                containers = TASKS.get(name, (Container(name, resources=Resources(1, 128)),))
                ranges = [NodeRange(0, nodes - 1, containers)] if nodes else []
                definition = JobDefinition(
                    "d", type="multinode" if nodes else "container", containers=() if nodes else containers,
                    node_ranges=ranges, num_nodes=nodes, retry=RetryStrategy(attempts), timeout_s=timeout,
                )  # fmt: skip
                size = 0 if nodes else size
                ids.append(
                    engine.submit_job(JobRequest(name, "q", definition, array_size=size, share_identifier=share))
                )
            elif what == "wait":
                advance(engine.now_ms + rest[0])
            elif what == "lose":
                instances = list(engine.instances())
                if instances:
                    engine.interrupt_instance(instances[rest[0] % len(instances)].id)
            elif ids:
                getattr(engine, f"{what}_job")(ids[rest[0] % len(ids)], "reason")
        except EngineRefusal:
            continue
        for view in engine.instances():
            assert min(view.free_vcpus, view.free_memory_mib, view.free_gpus) >= 0
    advance(engine.now_ms + 3_600_000)
    for job in ids:
        view = engine.describe_job(job)
        assert view.status in ENDED
        assert len(view.attempts) == len({each.task_arn for each in view.attempts})
        assert all(each.stopped_at_ms is not None for each in view.attempts)
    return told


choices = st.fixed_dictionaries(
    {
        "image_pull_ms": st.sampled_from([0, 2_000]),
        "stop_grace_ms": st.sampled_from([0, 5_000]),
        "timeout_batch_ms": st.sampled_from([0, 7_000]),
        "timeouts_per_batch": st.sampled_from([0, 1]),
        "start_failure_uses_attempt": st.booleans(),
        "share_prefix_weight": st.sampled_from(["each", "counted"]),
        "fair_share_ties": st.sampled_from(["first_used", "seeded"]),
        "fair_share_decay": st.sampled_from(["linear", "step"]),
        "scheduler_tick_ms": st.sampled_from([0, 1_500]),
        "container_start_ms": st.sampled_from([0, 700]),
    }
)
commands = st.lists(
    st.one_of(
        st.tuples(
            st.just("submit"), st.sampled_from(["job", *RUNS]), st.sampled_from([0, 3]), st.sampled_from([0, 0, 2]),
            st.integers(1, 3), st.sampled_from(["a1", "a2", "b"]), st.sampled_from([None, 60]),
        ),
        st.tuples(st.sampled_from(["cancel", "terminate"]), st.integers(0, 9)),
        st.tuples(st.just("lose"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.sampled_from([1, 900, 2_000, 40_000])),
    ),
    max_size=20,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(choice=choices, given_commands=commands)
def test_polling_changes_nothing_under_any_settings(
    choice: dict[str, Any], given_commands: list[tuple[Any, ...]]
) -> None:
    """The same effects at the same times, polled every 13 s or never; every job ends, every attempt has."""
    assert run(choice, given_commands, None) == run(choice, given_commands, 13_000)
