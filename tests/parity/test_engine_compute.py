"""AWS's documented queues, scaling, allocation and environments: one test a row, with its address and date."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from attrs import evolve

sys.path.insert(0, str(Path(__file__).parent))
from engine_stage import Stage

from batchiac.engine.effects import InstanceChanged, QueueBlocked
from batchiac.engine.refusals import BusyRefusal, ExistsRefusal, InvalidRefusal, ReferencedRefusal, StateRefusal
from batchiac.engine.settings import instant
from batchiac.engine.views import JobView
from batchiac.model.compute_environment import ComputeEnvironment, ComputeResources, UpdatePolicy
from batchiac.model.instance_type import read_instance_types, usable_memory_mib
from batchiac.model.job_definition import EvaluateOnExit
from batchiac.model.job_queue import JobQueue, TimeLimitAction
from batchiac.model.scheduling_policy import SchedulingPolicy, Share

XLARGE = ComputeResources("EC2", 4, instance_types=("c5.xlarge",))


def launched(stage: Stage) -> list[str]:
    """Types in order of launch."""
    return [e.instance_type for e in stage.effects if isinstance(e, InstanceChanged) and e.status == "LAUNCHING"]


# --- memory ---------------------------------------------------------------------------------------------------------


def test_an_m4_large_registers_7985_of_its_8192_mib() -> None:
    """An m4 large registers 7985 of its 8192 mib.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/memory-management.html,
    https://docs.aws.amazon.com/batch/latest/userguide/ecs-reserved-memory.html, read 2026-11-21.
    """
    assert read_instance_types()["m4.large"].memory_mib == 8192
    assert usable_memory_mib(8192) == 7985


def test_a_job_of_exactly_nominal_memory_never_fits() -> None:
    """A job of exactly nominal memory never fits.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/memory-management.html, read 2026-11-21.
    """
    stage = Stage(resources=ComputeResources("EC2", 4, instance_types=("m4.large",)))
    job = stage.submit(memory=8192)
    stage.finish()
    assert stage.engine.describe_job(job).status_reason.startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
    fits = Stage(resources=ComputeResources("EC2", 4, instance_types=("m4.large",)))
    job = fits.submit(memory=7985 - 32)
    fits.finish()
    assert fits.status(job) == "SUCCEEDED"


# --- blocked queues -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resources", "job", "reason"),
    [
        (XLARGE, {"vcpus": 8}, "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue"
                               " cannot meet the CPU requirement of the job."),
        (XLARGE, {"memory": 99_999}, "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement"
                                     " (vCPU/memory/GPU) is higher than that can be met by the CE(s)"
          " attached to the job queue."),
        (XLARGE, {"gpus": 1}, "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement"
                              " (vCPU/memory/GPU) is higher than that can be met by the CE(s)"
          " attached to the job queue."),
        (ComputeResources("EC2", 4, instance_types=("no.such",)), {},
         "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED - Your compute environment associated with this job"
         " queue has an unsupported instance type configuration."),
    ],
)  # fmt: skip
def test_a_blocked_head_says_why(resources: ComputeResources, job: dict[str, int], reason: str) -> None:
    """A blocked head says why.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_misconfiguration.html, read
    2026-11-21.
    """
    stage = Stage(resources=resources)
    blocked = stage.submit(**job)
    behind = stage.submit()
    stage.finish()
    view = stage.engine.describe_job(blocked)
    assert (view.status, view.status_reason) == ("RUNNABLE", reason)
    assert stage.status(behind) == "RUNNABLE"
    assert [(e.job_id, e.reason) for e in stage.effects if isinstance(e, QueueBlocked)] == [(blocked, reason)]
    assert stage.engine.queue_snapshot("q")[0].job_id == blocked


def test_a_pool_that_runs_out_blocks_and_recovers() -> None:
    """A pool that runs out blocks and recovers.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_capacity.html, read 2026-11-21.
    """
    stage = Stage()
    stage.engine.set_capacity("c5.xlarge", 0)
    job = stage.submit()
    stage.finish()
    assert stage.engine.describe_job(job).status_reason == (
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested for instance type"
        " [c5.xlarge]"
    )
    stage.engine.set_capacity("c5.xlarge", 1)
    stage.finish()
    assert stage.status(job) == "SUCCEEDED"


def test_invalid_environments_are_an_action_required() -> None:
    """Invalid environments are an action required.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_invalid_ce.html, read
    2026-11-21.
    """
    stage = Stage()
    stage.engine.invalidate_compute_environment("ce", "CLIENT_ERROR - Not authorized to perform sts:AssumeRole")
    job = stage.submit()
    stage.finish()
    assert stage.engine.describe_job(job).status_reason == (
        "ACTION_REQUIRED - CE(s) associated with the job queue are invalid."
    )


def test_a_time_limit_action_cancels_the_blocked_head() -> None:
    """A time limit action cancels the blocked head.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_time_limit_actions.html, read
    2026-11-21.
    """
    actions = (TimeLimitAction("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE", 600),)
    stage = Stage(resources=XLARGE, queue={"time_limit_actions": actions})
    blocked = stage.submit(vcpus=8)
    behind = stage.submit()
    stage.wait(590)
    assert stage.status(blocked) == "RUNNABLE"
    stage.finish()
    view = stage.engine.describe_job(blocked)
    assert view.status == "FAILED"
    assert view.status_reason.startswith("Canceled by JobStateTimeLimit action due to reason: MISCONFIGURATION:COMPUTE")
    assert stage.status(behind) == "SUCCEEDED"


# --- queues ---------------------------------------------------------------------------------------------------------


def test_a_higher_priority_queue_goes_first_and_yields_what_it_cannot_use() -> None:
    """A higher priority queue goes first and yields what it cannot use.

    Source: botocore 1.44.5, batch JobQueueDetail.priority, read 2026-11-21.
    """
    stage = Stage(resources=ComputeResources("EC2", 4, min_vcpus=4, instance_types=("c5.xlarge",)))
    stage.engine.create_job_queue(JobQueue("high", 9, ("ce",)))
    stage.finish()
    first = stage.submit(vcpus=2)
    stage.wait(1)
    low = stage.submit(vcpus=2)
    high = stage.submit(vcpus=4, queue="high")
    stage.wait(1)
    assert [stage.status(job) for job in (first, low, high)] == ["RUNNING", "RUNNING", "RUNNABLE"]
    later = stage.submit(vcpus=4)
    stage.finish()
    views = [stage.engine.describe_job(job) for job in (high, later)]
    assert views[0].stopped_at_ms <= views[1].started_at_ms


def test_environments_are_used_in_their_order() -> None:
    """The first with room, then the next.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/compute_environments.html, read 2026-11-21.
    """
    stage = Stage(resources=XLARGE)
    stage.add(XLARGE, "second")
    stage.engine.create_job_queue(JobQueue("both", 1, ("ce", "second")))
    stage.finish()
    jobs = [stage.submit(vcpus=4, queue="both") for _ in range(2)]
    stage.wait(5)
    assert [stage.engine.describe_job(job).current.environment for job in jobs] == ["ce", "second"]


def test_fair_share_gives_a_lower_weight_more() -> None:
    """A weight of 0.125 gets 8 times what 1 gets.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/share-identifiers.html, read 2026-11-21.
    """
    policy = SchedulingPolicy("fair", 3600, 0, (Share("light", 0.125), Share("heavy", 1.0)))
    stage = Stage(resources=ComputeResources("EC2", 36, min_vcpus=36, instance_types=("c5.9xlarge",)),
                  queue={"scheduling_policy": policy})  # fmt: skip
    jobs = {share: [stage.submit(share=share) for _ in range(400)] for share in ("heavy", "light")}
    stage.wait(60)
    begun = {share: sum(stage.status(job) != "RUNNABLE" for job in ids) for share, ids in jobs.items()}
    assert begun["heavy"] + begun["light"] >= 180
    assert 6 <= begun["light"] / begun["heavy"] <= 10


def test_within_a_share_priority_goes_before_age() -> None:
    """Within a share priority goes before age.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/scheduling-policies.html, read 2026-11-21.
    """
    stage = Stage(resources=XLARGE, queue={"scheduling_policy": SchedulingPolicy("fair")})
    jobs = [stage.submit(vcpus=4, share="s", priority=priority) for priority in (1, 5, 3)]
    stage.finish()
    starts = [stage.engine.describe_job(job).started_at_ms for job in jobs]
    assert starts[1] < starts[2] < starts[0]


def test_compute_reservation_keeps_vcpus_for_other_shares() -> None:
    """50 % with one active share keeps half.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/scheduling-policies.html, read 2026-11-21.
    """
    stage = Stage(
        resources=ComputeResources("EC2", 4, min_vcpus=4, instance_types=("c5.xlarge",)),
        queue={"scheduling_policy": SchedulingPolicy("fair", 600, 50)},
    )
    jobs = [stage.submit(share="only") for _ in range(4)]
    stage.wait(5)
    assert [stage.status(job) for job in jobs].count("RUNNING") == 2
    stage.submit(share="other")
    stage.wait(2)
    assert sum(stage.status(job) == "RUNNING" for job in jobs) == 2
    stage.finish()
    assert {stage.status(job) for job in jobs} == {"SUCCEEDED"}


def test_a_scheduling_policy_can_be_neither_added_nor_removed() -> None:
    """A scheduling policy can be neither added nor removed.

    Source: botocore 1.44.5, batch UpdateJobQueue.schedulingPolicyArn, read 2026-11-21.
    """
    stage = Stage()
    with pytest.raises(InvalidRefusal):
        stage.engine.update_job_queue(JobQueue("q", 1, ("ce",), scheduling_policy=SchedulingPolicy("fair")))


# --- scaling and allocation -----------------------------------------------------------------------------------------


def test_best_fit_never_goes_over_max_vcpus_and_the_others_by_one_instance_at_most() -> None:
    """Best fit never goes over max vcpus and the others by one instance at most.

    Source: botocore 1.44.5, batch ComputeResource.maxvCpus, read 2026-11-21.
    """
    for strategy, most in (("BEST_FIT", 4), ("BEST_FIT_PROGRESSIVE", 8)):
        stage = Stage(resources=ComputeResources("EC2", 6, instance_types=("c5.xlarge",), allocation_strategy=strategy))
        for _ in range(10):
            stage.submit()
        stage.wait(5)
        view = stage.engine.find_environment("ce")
        assert view is not None
        assert view.desired_vcpus == most


def test_best_fit_waits_for_its_type_and_progressive_takes_others() -> None:
    """Best fit waits for its type and progressive takes others.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html, read 2026-11-21.
    """
    for strategy, status in (("BEST_FIT", "RUNNABLE"), ("BEST_FIT_PROGRESSIVE", "SUCCEEDED")):
        types = ("c5.xlarge", "m5.xlarge")
        stage = Stage(resources=ComputeResources("EC2", 64, instance_types=types, allocation_strategy=strategy))
        stage.engine.set_capacity("c5.xlarge", 0)
        job = stage.submit(vcpus=4)
        stage.finish()
        assert stage.status(job) == status


def test_progressive_ordered_keeps_the_users_order() -> None:
    """Progressive ordered keeps the users order.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html, read 2026-11-21.
    """
    resources = ComputeResources(
        "EC2", 64, instance_types=("r5.xlarge", "c5.xlarge"), allocation_strategy="BEST_FIT_PROGRESSIVE_ORDERED"
    )
    stage = Stage(resources=resources)
    stage.submit(vcpus=4)
    stage.finish()
    assert launched(stage) == ["r5.xlarge"]


def test_spot_capacity_optimized_takes_the_deepest_pool() -> None:
    """Spot capacity optimized takes the deepest pool.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html, read 2026-11-21.
    """
    resources = ComputeResources(
        "SPOT", 64, instance_types=("c5.xlarge", "m5.xlarge"), allocation_strategy="SPOT_CAPACITY_OPTIMIZED"
    )
    stage = Stage(resources=resources)
    stage.engine.set_capacity("c5.xlarge", 2, spot=True)
    stage.engine.set_capacity("m5.xlarge", 9, spot=True)
    stage.submit(vcpus=4)
    stage.finish()
    assert launched(stage) == ["m5.xlarge"]


@pytest.mark.parametrize(
    ("kind", "strategy", "groups"),
    [
        ("SPOT", "BEST_FIT", 1),
        ("EC2", "BEST_FIT", 2),
        ("EC2", "BEST_FIT_PROGRESSIVE", 1),
        ("SPOT", "SPOT_CAPACITY_OPTIMIZED", 1),
    ],
)
def test_what_backs_an_environment(kind: str, strategy: str, groups: int) -> None:
    """Spot Fleet; an Auto Scaling group a type; one group.

    Source: seed 000 (AWS workshop, Instance Provisioning), read 2026-11-21.
    """
    types = ("c5.xlarge", "g4dn.xlarge")
    stage = Stage(resources=ComputeResources(kind, 64, instance_types=types, allocation_strategy=strategy))
    stage.submit(vcpus=4)
    stage.submit(vcpus=4, gpus=1)
    stage.wait(5)
    view = stage.engine.find_environment("ce")
    assert view is not None
    assert len(view.groups) == groups
    assert all(name.startswith("sfr-") is ((kind, strategy) == ("SPOT", "BEST_FIT")) for name in view.groups)


def test_min_vcpus_are_kept_even_while_disabled() -> None:
    """Min vcpus are kept even while disabled.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/compute_environments.html (minvCpus), read
    2026-11-21.
    """
    resources = ComputeResources("EC2", 16, min_vcpus=4, instance_types=("c5.xlarge",))
    stage = Stage(resources=resources)
    stage.engine.update_compute_environment(ComputeEnvironment("ce", state="DISABLED", resources=resources))
    stage.wait(1)
    job = stage.submit()
    stage.finish()
    assert stage.status(job) == "RUNNABLE"
    assert [each.status for each in stage.engine.instances()] == ["READY"]


def test_idle_instances_go_after_the_delay_of_the_scaling_policy() -> None:
    """Counted from the last job.

    Source: botocore 1.44.5, batch ComputeScalingPolicy, read 2026-11-21.
    """
    resources = ComputeResources("EC2", 4, instance_types=("c5.xlarge",), min_scale_down_delay_minutes=20)
    stage = Stage(resources=resources)
    job = stage.submit()
    stage.finish()
    (instance,) = stage.engine.instances(terminated=True)
    stopped = stage.engine.describe_job(job).stopped_at_ms
    assert instance.terminated_at_ms - stopped == 20 * 60_000


def test_an_external_scaler_feeds_an_unmanaged_environment() -> None:
    """Instances join and leave from outside.

    Source: seed 004 (Elastigroup); https://docs.aws.amazon.com/batch/latest/userguide/compute_environments.html,
    read 2026-11-21.
    """
    stage = Stage()
    stage.add(None, "own")
    stage.engine.create_job_queue(JobQueue("own", 1, ("own",)))
    stage.finish()
    job = stage.submit(vcpus=4, queue="own")
    stage.finish()
    assert stage.status(job) == "RUNNABLE"
    instance = stage.engine.register_instance("own", "c5.xlarge")
    stage.wait(1)
    assert stage.engine.jobs_on(instance) == (job,)
    stage.engine.deregister_instance(instance)
    stage.finish()
    assert stage.status(job) == "SUCCEEDED"
    view = stage.engine.find_instance(instance)
    assert view is not None
    assert view.status == "TERMINATED"


def test_an_operators_instance_is_named_by_its_own_id() -> None:
    """ "Host EC2 (instance i-…) terminated." names the instance as EC2 does; it may leave, come back, and is in one
    cluster at a time.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html (`Host EC2*`); the id: issues 5,
    read 2026-11-21.
    """
    stage = Stage()
    for name in ("own", "other"):
        stage.add(None, name)
    stage.engine.create_job_queue(JobQueue("own", 1, ("own",)))
    stage.finish()
    ours = "i-0123456789abcdef0"
    for _ in range(2):
        assert stage.engine.register_instance("own", "c5.xlarge", instance_id=ours) == ours
        with pytest.raises(ExistsRefusal, match=f"{ours} is READY in own"):
            stage.engine.register_instance("other", "c5.xlarge", instance_id=ours)
        job = stage.submit(vcpus=4, queue="own")
        stage.wait(1)
        assert stage.engine.jobs_on(ours) == (job,)
        stage.engine.deregister_instance(ours, drain=False)
        view = stage.engine.describe_job(job)
        assert (view.status_reason, view.attempts[0].instance_id) == (f"Host EC2 (instance {ours}) terminated.", ours)
    assert [each.id for each in stage.engine.instances(terminated=True)] == [ours, ours]


def test_spot_interruptions_come_at_the_seeded_rate_and_with_the_hosts_text() -> None:
    """Spot interruptions come at the seeded rate and with the hosts text.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html (`Host EC2*`); the rate is a
    setting, read 2026-11-21.
    """
    stage = Stage(
        resources=ComputeResources("SPOT", 400, instance_types=("c5.xlarge",),
                                   allocation_strategy="SPOT_CAPACITY_OPTIMIZED"),
        settings=instant(spot_interruptions_per_instance_hour=1),
        long=[3_600_000],
    )  # fmt: skip
    jobs = [stage.submit("long", vcpus=4) for _ in range(100)]
    stage.finish()
    failed = [view for view in map(stage.engine.describe_job, jobs) if view.status == "FAILED"]
    assert 50 <= len(failed) <= 75  # 1 − 1/e of them within the hour
    assert all(view.status_reason.startswith("Host EC2 (instance i-") for view in failed)


# --- environments and queues as resources ---------------------------------------------------------------------------


@pytest.mark.parametrize("kill", [True, False])
def test_an_infrastructure_update_ends_or_drains_jobs(kill: bool) -> None:
    """An infrastructure update ends or drains jobs.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/infrastructure-updates.html, botocore 1.44.5 batch
    UpdatePolicy, read 2026-11-21.
    """
    stage = Stage(resources=XLARGE, long=[3_600_000])
    job = stage.submit("long", vcpus=4)
    stage.wait(10)
    policy = UpdatePolicy(kill, 2)
    new = ComputeEnvironment("ce", resources=evolve(XLARGE, image="another"), update_policy=policy)
    before = stage.engine.now_ms
    assert stage.engine.update_compute_environment(new) is True
    with pytest.raises(BusyRefusal):
        stage.engine.update_compute_environment(new)
    stage.finish()
    view = stage.engine.describe_job(job)
    assert (view.status, view.stopped_at_ms - before) == ("FAILED", 0 if kill else 120_000)
    environment = stage.engine.find_environment("ce")
    assert environment is not None
    assert environment.status == "VALID"


def test_a_scaling_update_disturbs_no_job() -> None:
    """A scaling update disturbs no job.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/scaling-updates.html, read 2026-11-21.
    """
    stage = Stage(resources=XLARGE)
    job = stage.submit()
    stage.wait(5)
    assert (
        stage.engine.update_compute_environment(ComputeEnvironment("ce", resources=evolve(XLARGE, max_vcpus=64)))
        is False
    )
    stage.finish()
    assert stage.status(job) == "SUCCEEDED"


def test_desired_vcpus_cannot_be_lowered() -> None:
    """Desired vcpus cannot be lowered.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/error-desired-vcpus-update.html, read 2026-11-21.
    """
    resources = ComputeResources("EC2", 16, min_vcpus=8, instance_types=("c5.xlarge",))
    stage = Stage(resources=resources)
    with pytest.raises(InvalidRefusal, match="Manually scaling down compute environment is not supported"):
        stage.engine.update_compute_environment(ComputeEnvironment("ce", resources=evolve(resources, desired_vcpus=4)))


def test_the_order_of_deletion() -> None:
    """Queue disabled and gone, then the environment.

    Source: as seen in public and in peers' issues, read 2026-11-21.
    """
    stage = Stage()
    engine = stage.engine
    with pytest.raises(StateRefusal):
        engine.delete_compute_environment("ce")
    engine.update_compute_environment(ComputeEnvironment("ce", state="DISABLED", resources=XLARGE))
    with pytest.raises(BusyRefusal, match="Cannot delete, resource is being modified"):
        engine.delete_compute_environment("ce")
    stage.finish()
    with pytest.raises(ReferencedRefusal, match="Cannot delete, found existing JobQueue relationship"):
        engine.delete_compute_environment("ce")
    engine.update_job_queue(JobQueue("q", 1, ("ce",), state="DISABLED"))
    stage.finish()
    engine.delete_job_queue("q")
    with pytest.raises(ReferencedRefusal):
        engine.delete_compute_environment("ce")
    stage.finish()
    engine.delete_compute_environment("ce")
    stage.finish()
    assert (engine.find_queue("q"), engine.find_environment("ce")) == (None, None)


def test_environments_must_be_valid_before_a_queue_takes_them() -> None:
    """Environments must be valid before a queue takes them.

    Source: measured error text, https://github.com/badmintoncryer/cdk-preflight, read 2026-11-21.
    """
    stage = Stage()
    stage.engine.create_compute_environment(ComputeEnvironment("new", resources=XLARGE))
    with pytest.raises(InvalidRefusal, match="must be created and valid before attaching"):
        stage.engine.create_job_queue(JobQueue("r", 1, ("new",)))


def test_a_broken_environment_is_invalid_with_its_reason() -> None:
    """A broken environment is invalid with its reason.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/invalid_compute_environment.html, read 2026-11-21.
    """
    stage = Stage()
    stage.engine.create_compute_environment(
        ComputeEnvironment("bad", resources=XLARGE, invalid_reason="CLIENT_ERROR - Not authorized")
    )
    stage.finish()
    view = stage.engine.find_environment("bad")
    assert view is not None
    assert (view.status, view.status_reason) == ("INVALID", "CLIENT_ERROR - Not authorized")


def test_an_environment_that_leaves_a_queue_is_free_only_when_the_queue_has_settled() -> None:
    """UpdateJobQueue returns before the relationship is gone.

    Source: hashicorp/terraform-provider-aws issues 2044 and 11077, read 2026-11-21.
    """
    stage = Stage(resources=XLARGE)
    stage.add(XLARGE, "other")
    engine = stage.engine
    engine.update_compute_environment(ComputeEnvironment("ce", state="DISABLED", resources=XLARGE))
    stage.finish()
    engine.update_job_queue(JobQueue("q", 1, ("other",)))
    with pytest.raises(ReferencedRefusal, match="Cannot delete, found existing JobQueue relationship"):
        engine.delete_compute_environment("ce")
    stage.finish()
    engine.delete_compute_environment("ce")
    stage.finish()
    assert engine.find_environment("ce") is None
    job = stage.submit()
    stage.finish()
    assert engine.describe_job(job).attempts[0].environment == "other"


# --- blocked for reasons of the account, and for none that is known --------------------------------------------------

ROLE = "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS – Batch service role has a permission issue."


def test_a_role_without_permissions_blocks_the_queue_and_has_no_time_limit_action() -> None:
    """The environment stays VALID, nothing is launched, what runs goes on; with permissions back the head starts.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_misconfiguration.html,
    https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_time_limit_actions.html, read 2026-11-21.
    """
    actions = (TimeLimitAction("MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS", 600),)
    stage = Stage(resources=XLARGE, queue={"time_limit_actions": actions}, long=[50_000])
    running = stage.submit("long")
    stage.wait(5)
    stage.engine.set_service_role_permissions("ce", granted=False)
    job = stage.submit()
    stage.wait(40)
    view = stage.engine.describe_job(job)
    assert (view.status, view.status_reason, stage.status(running)) == ("RUNNABLE", ROLE, "RUNNING")
    environment = stage.engine.find_environment("ce")
    assert environment is not None
    assert environment.status == "VALID"
    stage.wait(3_600)
    assert (stage.status(running), stage.status(job)) == ("SUCCEEDED", "RUNNABLE")
    stage.engine.set_service_role_permissions("ce", granted=True)
    stage.finish()
    assert stage.status(job) == "SUCCEEDED"


def test_one_environment_with_a_working_role_is_enough() -> None:
    """ "All compute environments have service role issues": where one has not, the job goes there.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_misconfiguration.html,
    read 2026-11-21.
    """
    stage = Stage(resources=XLARGE)
    stage.add(XLARGE, "second")
    stage.engine.create_job_queue(JobQueue("both", 1, ("ce", "second")))
    stage.finish()
    stage.engine.set_service_role_permissions("ce", granted=False)
    job = stage.submit(queue="both")
    stage.finish()
    assert stage.engine.describe_job(job).attempts[0].environment == "second"


def test_a_cause_that_is_not_known_is_undetermined() -> None:
    """No environment is ENABLED: none of the specific reasons says that.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_undetermined.html,
    read 2026-11-21.
    """
    stage = Stage(resources=XLARGE)
    stage.engine.update_compute_environment(ComputeEnvironment("ce", state="DISABLED", resources=XLARGE))
    stage.finish()
    job = stage.submit()
    stage.finish()
    assert stage.engine.describe_job(job).status_reason == (
        "UNDETERMINED - Batch job is blocked, root cause is undetermined."
    )


@pytest.mark.parametrize(
    ("reason", "job"),
    [
        ("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", {}),
        ("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE", {"vcpus": 8}),
        ("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", {"memory": 99_999}),
    ],
)
def test_a_time_limit_action_names_the_reason_alone(reason: str, job: dict[str, int]) -> None:
    """`Canceled by JobStateTimeLimit action due to reason: <reason>`, after maxTimeSeconds of the same reason.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_misconfiguration.html,
    https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_capacity.html, read 2026-11-21.
    """
    stage = Stage(resources=XLARGE, queue={"time_limit_actions": (TimeLimitAction(reason, 600),)})
    stage.engine.set_capacity("c5.xlarge", 0)
    blocked = stage.submit(**job)
    stage.finish()
    view = stage.engine.describe_job(blocked)
    assert (view.status, view.status_reason) == (
        "FAILED",
        f"Canceled by JobStateTimeLimit action due to reason: {reason}",
    )
    since = next(effect.at_ms for effect in stage.effects if isinstance(effect, QueueBlocked))
    assert view.stopped_at_ms - since == 600_000


# --- Spot, clusters, shares -----------------------------------------------------------------------------------------


def test_fargate_spot_takes_tasks_back_at_the_seeded_rate() -> None:
    """With its own text and 137; retry rules see it.

    Source: as seen in public (`Your Spot Task was interrupted.`), read 2026-11-21; the rate is a setting.
    """
    idiom = (EvaluateOnExit("RETRY", on_status_reason="Your Spot Task*"), EvaluateOnExit("EXIT", on_reason="*"))

    def run(rate: float, attempts: int) -> list[JobView]:
        settings = instant(spot_interruptions_per_instance_hour=rate)
        stage = Stage(resources=ComputeResources("FARGATE_SPOT", 400), settings=settings, long=[3_600_000])
        jobs = [stage.submit("long", platform="FARGATE", attempts=attempts, rules=idiom) for _ in range(100)]
        stage.finish()
        environment = stage.engine.find_environment("ce")
        assert environment is not None
        assert environment.desired_vcpus == 0
        return [stage.engine.describe_job(job) for job in jobs]

    assert {view.status for view in run(0, 1)} == {"SUCCEEDED"}
    failed = [view for view in run(1, 1) if view.status == "FAILED"]
    assert 50 <= len(failed) <= 75  # 1 − 1/e of them within the hour
    assert {(view.status_reason, view.attempts[0].exit_code) for view in failed} == {
        ("Your Spot Task was interrupted.", 137)
    }
    assert run(1, 1) == run(1, 1)
    retried = run(0.25, 10)
    assert {view.status for view in retried} == {"SUCCEEDED"}
    assert max(len(view.attempts) for view in retried) > 1


def test_plain_fargate_is_never_interrupted() -> None:
    """The rate is Spot's.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/fargate.html, read 2026-11-21.
    """
    settings = instant(spot_interruptions_per_instance_hour=50)
    stage = Stage(resources=ComputeResources("FARGATE", 64), settings=settings, long=[3_600_000])
    job = stage.submit("long", platform="FARGATE")
    stage.finish()
    assert stage.status(job) == "SUCCEEDED"


def test_the_name_of_the_ecs_cluster() -> None:
    """`AWSBatch-<environment>-<uuid>`; tasks and container instances are in it.

    Source: as seen in public (many accounts), read 2026-11-21.
    """
    stage = Stage()
    job = stage.submit()
    stage.finish()
    environment = stage.engine.find_environment("ce")
    assert environment is not None
    assert re.fullmatch(r"AWSBatch-ce-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                        environment.cluster)  # fmt: skip
    (attempt,) = stage.engine.describe_job(job).attempts
    assert f":task/{environment.cluster}/" in attempt.task_arn
    assert f":container-instance/{environment.cluster}/" in attempt.container_instance_arn


@pytest.mark.parametrize(
    ("reservation", "active", "kept"),
    [(50, 1, 128), (50, 2, 64), (50, 3, 32), (25, 1, 64), (25, 2, 16), (25, 3, 4), (0, 1, 0)],
)
def test_reserved_vcpus_by_active_shares(reservation: int, active: int, kept: int) -> None:
    """maxvCpus · (computeReservation/100)^ActiveShares: 50 keeps 50/25/12.5 %, 25 keeps 25/6.25/1.56 %, of 256.

    Source: botocore 1.44.5, batch FairsharePolicy.computeReservation, read 2026-11-21.
    """
    stage = Stage(
        resources=ComputeResources("EC2", 256, min_vcpus=256, instance_types=("c5.xlarge",)),
        queue={"scheduling_policy": SchedulingPolicy("fair", 600, reservation)},
        job=[600_000],
    )
    jobs = [stage.submit(share=f"s{number % active}") for number in range(300)]
    stage.wait(5)
    assert sum(stage.status(job) == "RUNNING" for job in jobs) == 256 - kept


def test_a_share_prefix_gives_its_weight_to_every_member() -> None:
    """`UserA*` with weight 1: each share of the prefix has weight 1.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/share-identifiers.html, read 2026-11-21.
    """
    policy = SchedulingPolicy("fair", 3600, 0, (Share("UserA*", 1.0), Share("UserB", 0.25)))
    stage = Stage(resources=ComputeResources("EC2", 36, min_vcpus=36, instance_types=("c5.9xlarge",)),
                  queue={"scheduling_policy": policy})  # fmt: skip
    jobs = {share: [stage.submit(share=share) for _ in range(300)] for share in ("UserA1", "UserA2", "UserB")}
    stage.wait(60)
    begun = {share: sum(stage.status(job) != "RUNNABLE" for job in ids) for share, ids in jobs.items()}
    assert abs(begun["UserA1"] - begun["UserA2"]) <= 2
    assert 3 <= begun["UserB"] / begun["UserA1"] <= 5


def test_a_share_stays_active_until_its_window_is_over() -> None:
    """The vCPUs kept for others shrink by a share that has only ended jobs, until shareDecaySeconds have passed.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/scheduling-policies.html, read 2026-11-21.
    """
    stage = Stage(
        resources=ComputeResources("EC2", 16, min_vcpus=16, instance_types=("c5.xlarge",)),
        queue={"scheduling_policy": SchedulingPolicy("fair", 600, 50)},
        long=[3_600_000],
    )
    stage.submit(share="gone")
    stage.wait(60)
    jobs = [stage.submit("long", share="stays") for _ in range(16)]
    stage.wait(60)
    assert sum(stage.status(job) == "RUNNING" for job in jobs) == 12  # two shares are active: 16 · 0.5² are kept
    stage.wait(800)
    late = Stage(
        resources=ComputeResources("EC2", 16, min_vcpus=16, instance_types=("c5.xlarge",)),
        queue={"scheduling_policy": SchedulingPolicy("fair", 600, 50)},
        long=[3_600_000],
    )
    late.submit(share="gone")
    late.wait(800)
    jobs = [late.submit("long", share="stays") for _ in range(16)]
    late.wait(60)
    assert sum(late.status(job) == "RUNNING" for job in jobs) == 8


def test_the_queue_snapshot_shows_the_first_hundred_in_dispatch_order_and_twenty_shares() -> None:
    """First 100 RUNNABLE jobs as they will start; the 20 shares that use most.

    Source: botocore 1.44.5, batch FrontOfQueueDetail and QueueSnapshotUtilizationDetail, read 2026-11-21.
    """
    stage = Stage(resources=XLARGE, queue={"scheduling_policy": SchedulingPolicy("fair")})
    for number in range(30):
        for _ in range(5):
            stage.submit(vcpus=4, share=f"s{number}")
    stage.wait(5)
    shown = [entry.job_id for entry in stage.engine.queue_snapshot("q")]
    assert len(shown) == 100
    assert len(stage.engine.share_usage("q")) == 20
    stage.wait(10)
    assert stage.status(shown[0]) == "RUNNING"
    fifo = Stage(resources=XLARGE)
    jobs = [fifo.submit(vcpus=4) for _ in range(150)]
    fifo.wait(1)
    assert [entry.job_id for entry in fifo.engine.queue_snapshot("q")] == jobs[1:101]


def test_spot_price_capacity_optimized_weighs_price_and_depth() -> None:
    """Of two pools that are deep enough the cheaper one is taken.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html, read 2026-11-21.
    """
    types = ("m5.xlarge", "c5.xlarge")
    resources = ComputeResources("SPOT", 64, instance_types=types, allocation_strategy="SPOT_PRICE_CAPACITY_OPTIMIZED")
    stage = Stage(resources=resources)
    stage.submit(vcpus=4)
    stage.finish()
    assert launched(stage) == ["c5.xlarge"]
    shallow = Stage(resources=resources)
    shallow.engine.set_capacity("c5.xlarge", 1, spot=True)
    for _ in range(4):
        shallow.submit(vcpus=4)
    shallow.finish()
    assert launched(shallow) == ["m5.xlarge"] * 4


def test_spot_capacity_optimized_prioritized_keeps_the_order_at_equal_depth() -> None:
    """Capacity first, the user's order "on a best-effort basis".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html, read 2026-11-21.
    """
    resources = ComputeResources(
        "SPOT", 64, instance_types=("r5.xlarge", "c5.xlarge"),
        allocation_strategy="SPOT_CAPACITY_OPTIMIZED_PRIORITIZED",
    )  # fmt: skip
    stage = Stage(resources=resources)
    stage.submit(vcpus=4)
    stage.finish()
    assert launched(stage) == ["r5.xlarge"]


def test_an_idle_environment_goes_back_to_min_vcpus() -> None:
    """With no RUNNABLE job and instances idle, they are deregistered and terminated, down to minvCpus.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/compute_environments.html, read 2026-11-21.
    """
    stage = Stage(resources=ComputeResources("EC2", 16, min_vcpus=4, instance_types=("c5.xlarge",)))
    for _ in range(4):
        stage.submit(vcpus=4)
    stage.wait(5)
    assert len(list(stage.engine.instances())) == 4
    stage.finish()
    assert len(list(stage.engine.instances())) == 1
