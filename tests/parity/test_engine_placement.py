"""The rest of the documented scheduling, shares, scaling and allocation: one test a row, with its address and date."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from attrs import evolve

sys.path.insert(0, str(Path(__file__).parent))
from engine_stage import Stage

from batchiac.engine.effects import InstanceChanged
from batchiac.engine.settings import EngineSettings, instant
from batchiac.model.compute_environment import ComputeEnvironment, ComputeResources, UpdatePolicy
from batchiac.model.job_queue import JobQueue
from batchiac.model.scheduling_policy import SchedulingPolicy, Share

FOUR = ComputeResources("EC2", 4, instance_types=("c5.xlarge",))
KEPT = ComputeResources("EC2", 4, min_vcpus=4, instance_types=("c5.xlarge",))
MINUTE_MS = 60_000


def launched(stage: Stage) -> list[str]:
    """Types in order of launch."""
    return [e.instance_type for e in stage.effects if isinstance(e, InstanceChanged) and e.status == "LAUNCHING"]


# --- queues ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["INVALID", "too small", "DISABLED"])
def test_an_environment_that_cannot_take_a_job_is_passed_over(why: str) -> None:
    """The first VALID environment that has or could provide suitable compute takes it; others ⇒ the next.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/compute_environments.html,
    https://docs.aws.amazon.com/batch/latest/userguide/job_queue_parameters.html, read 2026-11-21.
    """
    stage = Stage(resources=FOUR)
    stage.add(ComputeResources("EC2", 64, instance_types=("m5.4xlarge",)), "second")
    stage.engine.create_job_queue(JobQueue("both", 1, ("ce", "second")))
    stage.finish()
    if why == "INVALID":
        stage.engine.invalidate_compute_environment("ce", "CLIENT_ERROR - gone")
    elif why == "DISABLED":
        stage.engine.update_compute_environment(ComputeEnvironment("ce", state="DISABLED", resources=FOUR))
    job = stage.submit(queue="both", memory=40_000 if why == "too small" else 128)
    stage.finish()
    assert stage.engine.describe_job(job).attempts[0].environment == "second"


# --- fair share ------------------------------------------------------------------------------------------------------


def _starts(stage: Stage, jobs: list[str]) -> list[int | None]:
    return [stage.engine.describe_job(job).started_at_ms for job in jobs]


def test_usage_counts_jobs_that_ended_within_the_window_and_no_longer() -> None:
    """vCPU seconds of STARTING and RUNNING jobs and of those completed within the window; the lowest goes first.

    Source: AWS HPC blog, https://aws.amazon.com/blogs/hpc/deep-dive-on-fair-share-scheduling-in-aws-batch/,
    https://docs.aws.amazon.com/batch/latest/userguide/scheduling-policies.html, read 2026-11-21.
    """
    for pause_s, first in ((60, "fresh"), (1_300, "used")):
        policy = SchedulingPolicy("fair", 1_200, 0)
        stage = Stage(resources=KEPT, queue={"scheduling_policy": policy}, long=[300_000])
        stage.submit("long", vcpus=4, share="used")  # used first: of equal shares it would go first
        stage.submit("long", vcpus=4, share="fresh")
        stage.submit("long", vcpus=4, share="used")
        stage.wait(900)
        stage.wait(pause_s)
        blocker = stage.submit("long", vcpus=4, share="other")
        stage.wait(1)
        jobs = {share: stage.submit("job", vcpus=4, share=share) for share in ("used", "fresh")}
        stage.finish()
        assert stage.status(blocker) == "SUCCEEDED"
        starts = {share: stage.engine.describe_job(job).started_at_ms for share, job in jobs.items()}
        assert min(starts, key=starts.__getitem__) == first


@pytest.mark.parametrize(("decay_s", "order_minutes", "window_s"), [(0, 0, 600), (1_200, 0, 1_200), (600, 5, 900)])
def test_the_window_is_share_decay_seconds_and_order_minutes(decay_s: int, order_minutes: int, window_s: int) -> None:
    """0 means 600; "OrderMinutes" is named and not defined, and a setting. A share is active until the window ends.

    Source: botocore 1.44.5, batch FairsharePolicy.shareDecaySeconds;
    https://docs.aws.amazon.com/batch/latest/userguide/scheduling-policies.html, read 2026-11-21; decision 0108.
    """
    for seconds, running in ((window_s - 30, 3), (window_s + 30, 2)):
        # One active share keeps 50 % of 4 vCPUs back, two keep 25 %.
        stage = Stage(
            resources=KEPT,
            settings=instant(order_minutes=order_minutes),
            queue={"scheduling_policy": SchedulingPolicy("fair", decay_s, 50)},
            long=[600_000],
        )
        stage.submit(share="gone")
        stage.wait(10.1 + seconds)
        jobs = [stage.submit("long", share="stays") for _ in range(4)]
        stage.wait(1)
        assert sum(stage.status(job) == "RUNNING" for job in jobs) == running


@pytest.mark.parametrize(("decay", "first"), [("linear", "early"), ("step", "late")])
def test_how_usage_decays_within_the_window_is_a_setting(decay: str, first: str) -> None:
    """ "The decay allows for more recently run jobs to have more weight": the curve is not documented.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/scheduling-policies.html, read 2026-11-21; decision 0108.
    """
    stage = Stage(
        resources=KEPT,
        settings=instant(fair_share_decay=decay),
        queue={"scheduling_policy": SchedulingPolicy("fair", 3_600, 0)},
        more=[330_000],
        less=[300_000],
        block=[60_000],
    )
    stage.submit("more", vcpus=4, share="early")
    stage.wait(1_800)
    stage.submit("less", vcpus=4, share="late")
    stage.wait(400)
    stage.submit("block", vcpus=4, share="other")
    stage.wait(1)
    jobs = {share: stage.submit("job", vcpus=4, share=share) for share in ("early", "late")}
    stage.finish()
    starts = {share: stage.engine.describe_job(job).started_at_ms for share, job in jobs.items()}
    assert min(starts, key=starts.__getitem__) == first


@pytest.mark.parametrize(("weight", "ratio"), [("each", 1.0), ("counted", 3.0)])
def test_what_the_weight_of_a_prefix_means_is_a_setting(weight: str, ratio: float) -> None:
    """Three shares `A1`..`A3` of `A*` and one `B`, all of weight 1: each is equal, or all of `A*` together equal `B`.

    Source: botocore 1.44.5, batch ShareAttributes.shareIdentifier;
    https://docs.aws.amazon.com/batch/latest/userguide/share-identifiers.html as of January 2023, read 2026-11-21;
    decision 0115.
    """
    stage = Stage(
        resources=ComputeResources("EC2", 36, min_vcpus=36, instance_types=("c5.9xlarge",)),
        settings=instant(share_prefix_weight=weight),
        queue={"scheduling_policy": SchedulingPolicy("fair", 3600, 0, (Share("A*", 1.0), Share("B", 1.0)))},
    )
    jobs = {share: [stage.submit(share=share) for _ in range(300)] for share in ("A1", "A2", "A3", "B")}
    stage.wait(90)
    begun = {share: sum(stage.status(job) != "RUNNABLE" for job in ids) for share, ids in jobs.items()}
    assert abs(begun["A1"] - begun["A3"]) <= 6
    assert ratio * 0.8 <= begun["B"] / begun["A1"] <= ratio * 1.25


def test_ties_between_shares_are_a_setting() -> None:
    """By first use, or as the seed says; the same seed gives the same order.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/scheduling-policies.html (says nothing of ties), read
    2026-11-21; decision 0108.
    """

    def order(ties: str) -> list[int]:
        stage = Stage(
            resources=KEPT, settings=instant(fair_share_ties=ties), queue={"scheduling_policy": SchedulingPolicy("f")}
        )
        jobs = [stage.submit(vcpus=4, share=f"s{number}") for number in range(8)]
        stage.finish()
        starts = [stage.engine.describe_job(job).started_at_ms for job in jobs]
        return sorted(range(8), key=starts.__getitem__)

    assert order("first_used") == list(range(8))
    assert order("seeded") == order("seeded") != list(range(8))


# --- scaling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("need", "count"),
    [({"vcpus": 4}, 3), ({"vcpus": 1}, 1), ({"vcpus": 1, "memory": 7_000}, 3), ({"vcpus": 1, "gpus": 1}, 3)],
    ids=["vCPUs", "together", "memory", "GPUs"],
)
def test_the_instances_follow_what_runnable_jobs_ask_for(need: dict[str, int], count: int) -> None:
    """Batch looks at vCPUs, GPUs and memory of the RUNNABLE jobs; jobs start as the instances join.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/compute_environments.html;
    https://catalog.workshops.aws/aws-batch ("job lifecycle"), read 2026-11-21.
    """
    kind = "g4dn.xlarge" if "gpus" in need else "c5.xlarge"
    stage = Stage(resources=ComputeResources("EC2", 64, instance_types=(kind,)), settings=instant(launch_ms=120_000))
    jobs = [stage.submit(**need) for _ in range(3)]
    stage.wait(60)
    assert launched(stage) == [kind] * count
    assert {stage.status(job) for job in jobs} == {"RUNNABLE"}
    stage.wait(61)
    assert {stage.status(job) for job in jobs} == {"RUNNING"}
    stage.finish()
    assert {view.status for view in stage.engine.instances(terminated=True)} == {"TERMINATED"}


def test_instances_never_change_size() -> None:
    """More work means more instances, never larger ones.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html, read 2026-11-21.
    """
    stage = Stage(resources=ComputeResources("EC2", 64, instance_types=("c5",)))
    stage.submit()
    stage.wait(2)
    (before,) = stage.engine.instances()
    for _ in range(20):
        stage.submit()
    stage.wait(5)
    after = stage.engine.find_instance(before.id)
    assert after is not None
    assert (after.instance_type, after.vcpus, after.memory_mib) == (
        before.instance_type, before.vcpus, before.memory_mib,
    )  # fmt: skip
    assert len(list(stage.engine.instances())) > 1


def test_the_idle_delay_of_the_scaling_policy_is_for_instances_that_had_a_job() -> None:
    """Not for never-used ones: those go after the delay that the settings have, whose default is an assumption.

    Source: botocore 1.44.5, batch ComputeScalingPolicy.minScaleDownDelayMinutes, read 2026-11-21; decision 0104.
    """
    assert EngineSettings().idle_scale_in_ms == 5 * MINUTE_MS
    resources = ComputeResources("EC2", 8, instance_types=("c5.xlarge",), min_scale_down_delay_minutes=60)
    stage = Stage(resources=resources, settings=instant(launch_ms=30_000, idle_scale_in_ms=2 * MINUTE_MS))
    used, unused = stage.submit(vcpus=4), stage.submit(vcpus=4)
    stage.wait(20)
    stage.engine.cancel_job(unused, "not needed")
    stage.finish()
    ended = stage.engine.describe_job(used).stopped_at_ms
    lives = {bool(view.ready_at_ms != view.terminated_at_ms - 2 * MINUTE_MS): view.terminated_at_ms
             for view in stage.engine.instances(terminated=True)}  # fmt: skip
    assert lives[True] - ended == 60 * MINUTE_MS
    assert False in lives


@pytest.mark.parametrize("how", ["reclaimed", "updated"])
def test_the_idle_delay_keeps_no_instance_that_is_reclaimed_or_updated(how: str) -> None:
    """Spot-reclaimed instances and those of an infrastructure update go at once.

    Source: botocore 1.44.5, batch ComputeScalingPolicy.minScaleDownDelayMinutes, read 2026-11-21.
    """
    resources = ComputeResources(
        "SPOT", 8, instance_types=("c5.xlarge",), min_scale_down_delay_minutes=60,
        allocation_strategy="SPOT_CAPACITY_OPTIMIZED",
    )  # fmt: skip
    stage = Stage(resources=resources)
    stage.submit(vcpus=4)
    stage.wait(60)
    (view,) = stage.engine.instances()
    assert (view.status, view.running) == ("READY", 0)
    now = stage.engine.now_ms
    if how == "reclaimed":
        stage.engine.interrupt_instance(view.id)
    else:
        new = ComputeEnvironment("ce", resources=evolve(resources, image="new"), update_policy=UpdatePolicy(False, 30))
        assert stage.engine.update_compute_environment(new) is True
    gone = stage.engine.find_instance(view.id)
    assert gone is not None
    assert (gone.status, gone.terminated_at_ms) == ("TERMINATED", now)


def test_a_disabled_environment_finishes_what_runs_and_goes_to_min_vcpus() -> None:
    """No placement, no scale-out; running jobs continue; idle instances go, down to minvCpus.

    Source: botocore 1.44.5, batch CreateComputeEnvironmentRequest.state, read 2026-11-21.
    """
    resources = ComputeResources("EC2", 16, min_vcpus=4, instance_types=("c5.xlarge",))
    stage = Stage(resources=resources, long=[600_000])
    running = [stage.submit("long", vcpus=4) for _ in range(2)]
    stage.wait(5)
    stage.engine.update_compute_environment(ComputeEnvironment("ce", state="DISABLED", resources=resources))
    later = stage.submit(vcpus=4)
    before = len(launched(stage))
    stage.finish()
    assert [stage.status(job) for job in (*running, later)] == ["SUCCEEDED", "SUCCEEDED", "RUNNABLE"]
    assert len(launched(stage)) == before
    assert [view.status for view in stage.engine.instances()] == ["READY"]


# --- allocation ------------------------------------------------------------------------------------------------------


def test_progressive_prefers_the_cheapest_vcpu_and_adds_types_when_short() -> None:
    """ "instance types with a lower cost per vCPU"; "additional instance types" when those are not available.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html, read 2026-11-21.
    """
    types = ("r5.xlarge", "m5.xlarge", "c5.xlarge")
    stage = Stage(
        resources=ComputeResources("EC2", 64, instance_types=types, allocation_strategy="BEST_FIT_PROGRESSIVE")
    )
    stage.engine.set_capacity("c5.xlarge", 1)
    stage.engine.set_capacity("m5.xlarge", 1)
    for _ in range(3):
        stage.submit(vcpus=4)
    stage.finish()
    assert launched(stage) == ["c5.xlarge", "m5.xlarge", "r5.xlarge"]


def test_ordered_expands_a_family_by_price_and_leaves_explicit_types_out_of_it() -> None:
    """`c5` then `c5.large`: the type that is named itself keeps its own place.

    Source: botocore 1.44.5, batch ComputeResource.allocationStrategy (BEST_FIT_PROGRESSIVE_ORDERED);
    https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html, read 2026-11-21.
    """

    def first(*types: str) -> str:
        resources = ComputeResources(
            "EC2", 64, instance_types=types, allocation_strategy="BEST_FIT_PROGRESSIVE_ORDERED"
        )
        stage = Stage(resources=resources)
        stage.submit(vcpus=2)
        stage.finish()
        return launched(stage)[0]

    assert first("c5", "r5") == "c5.large"  # of a family as BEST_FIT_PROGRESSIVE
    assert first("r5", "c5") == "r5.large"
    family = first("c5", "m5.large", "c5.large")
    assert family.startswith("c5.")
    assert family != "c5.large"


def test_a_spot_fleet_has_mixed_types() -> None:
    """BEST_FIT on Spot: one Spot Fleet request with instances of several types.

    Source: seed 000 (AWS workshop, Instance Provisioning), read 2026-11-21.
    """
    resources = ComputeResources("SPOT", 64, instance_types=("c5.xlarge", "g4dn.xlarge"))
    stage = Stage(resources=resources)
    stage.submit(vcpus=4)
    stage.submit(vcpus=4, gpus=1)
    stage.wait(5)
    views = list(stage.engine.instances())
    assert {view.instance_type for view in views} == {"c5.xlarge", "g4dn.xlarge"}
    assert len({view.group for view in views}) == 1


# --- memory ----------------------------------------------------------------------------------------------------------

M4 = ComputeResources("EC2", 2, instance_types=("m4.large",))


@pytest.mark.parametrize(
    ("settings", "fits"),
    [
        pytest.param({}, 7_985 - 32, id="the default AMI reserves 32 MiB"),
        pytest.param({"reserved_memory_mib": 410}, 7_985 - 410, id="the advised buffer of 5 %"),
        pytest.param({"registered_memory_mib": {"m4.large": 7_900}}, 7_900 - 32, id="measured"),
    ],
)
def test_what_is_registered_and_what_is_reserved_are_settings(settings: dict[str, object], fits: int) -> None:
    """8,373,026,816 bytes are 7,985 MiB; "We recommend reserving a 5% memory buffer".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/memory-management.html,
    https://docs.aws.amazon.com/batch/latest/userguide/ecs-reserved-memory.html, read 2026-11-21; decisions 0101, 0119.
    """
    assert 8_373_026_816 // 2**20 == 7_985
    for memory, status in ((fits, "SUCCEEDED"), (fits + 1, "RUNNABLE")):
        stage = Stage(resources=M4, settings=instant(**settings))  # type: ignore[arg-type]
        job = stage.submit(memory=memory)
        stage.finish()
        assert stage.status(job) == status
