"""Environments: what an update does, replacement with jobs running, the bridge, deletion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from batchiac.errors import WaitError
from batchiac.model.handler import Effect
from batchiac.model.unknown import UNKNOWN

Resources = Callable[..., dict[str, Any]]


def running(world: Any, count: int = 3, name: str = "queue", seconds: int = 600) -> list[str]:
    """Submit jobs and let time pass until all of them run."""
    batch = world.stack.client("batch")
    ids = [
        batch.submit_job(
            jobName=f"j{index}",
            jobQueue=world.held[name].id,
            jobDefinition=world.held["job"]["jobDefinitionArn"],
            retryStrategy={"attempts": 3},
            containerOverrides={"command": ["sleep", str(seconds)]},
        )["jobId"]
        for index in range(count)
    ]
    for _ in range(600):
        if statuses(world, ids) == {"RUNNING"}:
            return ids
        world.stack.clock.advance(5)
    raise AssertionError(statuses(world, ids))


def statuses(world: Any, ids: list[str]) -> set[str]:
    return {job["status"] for job in world.stack.client("batch").describe_jobs(jobs=ids)["jobs"]}


def order_of(world: Any, name: str = "queue") -> list[str]:
    found = world.stack.client("batch").describe_job_queues(jobQueues=[world.held[name].id])["jobQueues"][0]
    return [each["computeEnvironment"] for each in found["computeEnvironmentOrder"]]


def test_created_read_and_unchanged(deployed: Any) -> None:
    """What was created reads as declared: AWS's defaults and desired vCPUs are no drift."""
    held = deployed.held["work"]
    assert held["status"] == "VALID"
    read = held.handler.read(held.id, held.outputs)
    assert read.inputs == held.inputs
    assert held.handler.diff(read.outputs, held.inputs).changes == ()


@pytest.mark.parametrize(
    ("change", "effect"),
    [
        ({"maxvCpus": 128}, Effect.SCALING_UPDATE),
        ({"minvCpus": 2}, Effect.SCALING_UPDATE),
        ({"instanceTypes": ["c5.large", "m5.large"]}, Effect.INFRASTRUCTURE_UPDATE),
        ({"allocationStrategy": "BEST_FIT"}, Effect.REPLACE),
        ({"placementGroup": "somewhere"}, Effect.INFRASTRUCTURE_UPDATE),
        ({"tags": {"a": "b"}}, Effect.INFRASTRUCTURE_UPDATE),
    ],
)
def test_the_plan_says_what_happens(
    deployed: Any, resources: Resources, change: dict[str, Any], effect: Effect
) -> None:
    """The effect is the table's, and after the update the ARN and a second plan agree with it."""
    held = deployed.held["work"]
    plan = deployed.diff(held, computeResources=resources(**change))
    assert {each.effect for each in plan.changes} == {effect}
    assert bool(plan.replaces) is (effect is Effect.REPLACE)
    assert not plan.delete_before_replace
    if not plan.replaces and "placementGroup" not in change:
        deployed.update(held, computeResources=resources(**change))
        assert held.handler.read(held.id, held.outputs).inputs == held.inputs
        assert deployed.diff(held).changes == ()


def test_the_plan_tells_in_words(deployed: Any, resources: Resources) -> None:
    """An infrastructure update names what jobs get; a replacement names the drain."""
    held = deployed.held["work"]
    (note,) = deployed.diff(held, computeResources=resources(instanceTypes=["m5.large"])).notes
    assert note.startswith("infrastructure update: instances are replaced; running jobs get up to 30 minutes")
    policy = {"terminateJobsOnUpdate": True, "jobExecutionTimeoutMinutes": 30}
    (note,) = deployed.diff(held, computeResources=resources(instanceTypes=["m5.large"]), updatePolicy=policy).notes
    assert "running jobs are terminated at once" in note
    plan = deployed.diff(held, computeResources=resources(allocationStrategy="BEST_FIT"))
    assert "jobs on the old one get up to 30 minutes, then the instances end" in plan.notes[0]
    assert plan.changes[0].note == "replaced: BEST_FIT cannot be updated"
    drained = deployed.diff(
        held, computeResources=resources(allocationStrategy="BEST_FIT"), drain={"deadlineS": 60, "onDeadline": "fail"}
    )
    assert "up to 1 minutes, then the deletion fails" in drained.notes[0]


def test_custom_service_role_turns_updates_into_replacement(deployed: Any, resources: Resources) -> None:
    """An own service role blocks updates in place, and taking one is itself a replacement."""
    held = deployed.held["work"]
    role = "arn:aws:iam::123456789012:role/own"
    taken = deployed.diff(held, serviceRole=role)
    assert taken.replaces == ("serviceRole",)
    own = {**held.outputs, "serviceRole": role}
    inputs = {**held.inputs, "serviceRole": role, "computeResources": resources(instanceTypes=["m5.large"])}
    assert held.handler.diff(own, inputs).replaces == ("computeResources",)
    assert held.handler.diff(own, {**inputs, "computeResources": resources(maxvCpus=8)}).replaces == ()


def test_desired_vcpus_belong_to_aws(deployed: Any, resources: Resources) -> None:
    """Never in a diff unless asked for, never lowered; asked for and higher, they are raised."""
    held = deployed.held["work"]
    running(deployed)
    current = held.handler._find(held.id, held.outputs)["computeResources"]["desiredvCpus"]
    assert current > 0
    assert deployed.diff(held).changes == ()
    assert held.handler.read(held.id, held.outputs).inputs == held.inputs
    (asked,) = deployed.diff(held, computeResources=resources(desiredvCpus=32)).changes
    assert (asked.path, asked.new) == ("computeResources.desiredvCpus", 32)
    deployed.update(held, computeResources=resources(desiredvCpus=32))
    assert held.handler._find(held.id, held.outputs)["computeResources"]["desiredvCpus"] == 32
    assert deployed.diff(held, computeResources=resources(desiredvCpus=4)).changes == ()
    deployed.update(held, computeResources=resources(desiredvCpus=4))
    assert held.handler._find(held.id, held.outputs)["computeResources"]["desiredvCpus"] >= 32


def test_update_policy_is_applied_after_the_create(world: Any, resources: Resources) -> None:
    """CreateComputeEnvironment knows no updatePolicy; the environment has it all the same."""
    policy = {"terminateJobsOnUpdate": True, "jobExecutionTimeoutMinutes": 60}
    held = world.make("ComputeEnvironment", "work", type="MANAGED", computeResources=resources(), updatePolicy=policy)
    assert held.handler._find(held.id, held.outputs)["updatePolicy"] == policy
    assert held.handler.read(held.id, held.outputs).inputs == held.inputs


def replace(world: Any, resources: Resources, **changes: Any) -> tuple[Any, Any]:
    """An engine's create-before-delete: new environment, queue repointed; the old one is still to be deleted."""
    old = world.held["work"]
    wanted = {
        "identity": old.inputs["identity"],
        "type": "MANAGED",
        "computeResources": resources(**changes),
        "drain": old.inputs["drain"],
    }
    inputs = old.handler.check_replacement(old.inputs, wanted).inputs
    created = old.handler.create(inputs)
    queue = world.held["queue"]
    world.update(queue, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": created.id}])
    return old, created


def test_replacement_without_interruption(deployed: Any, resources: Resources) -> None:
    """New one made, queue repointed, jobs on the old one finish, then it is deleted; no job is lost or restarted."""
    ids = running(deployed)
    old, created = replace(deployed, resources, allocationStrategy="BEST_FIT")
    assert created.id != old.id
    old.handler.delete(old.id, old.outputs)
    assert old.handler.read(old.id, old.outputs).id is None
    assert order_of(deployed) == [created.id]
    jobs = deployed.stack.client("batch").describe_jobs(jobs=ids)["jobs"]
    assert {(job["status"], len(job["attempts"])) for job in jobs} == {("SUCCEEDED", 1)}


def test_drain_deadline_interrupts_with_a_reason_that_retry_rules_see(deployed: Any, resources: Resources) -> None:
    """Jobs that outlast the deadline lose their host, as `Host EC2 …`, and their retry runs on the new environment."""
    old = deployed.held["work"]
    deployed.update(old, drain={"deadlineS": 30, "onDeadline": "interrupt"})
    ids = running(deployed, seconds=100_000)
    old, _ = replace(deployed, resources, allocationStrategy="BEST_FIT")
    old.handler.delete(old.id, old.outputs)
    jobs = deployed.stack.client("batch").describe_jobs(jobs=ids)["jobs"]
    assert {job["attempts"][0]["statusReason"][:8] for job in jobs} == {"Host EC2"}
    assert all(job["status"] not in ("FAILED", "SUCCEEDED") for job in jobs)


def test_drain_deadline_can_fail_instead(deployed: Any, resources: Resources) -> None:
    """`fail`: nothing is deleted, the error names the jobs, and a later delete succeeds."""
    old = deployed.held["work"]
    deployed.update(old, drain={"deadlineS": 30, "onDeadline": "fail"})
    ids = running(deployed, seconds=3000)
    old, _ = replace(deployed, resources, allocationStrategy="BEST_FIT")
    with pytest.raises(WaitError, match="3 jobs still run on it: j0, j1, j2; nothing was deleted"):
        old.handler.delete(old.id, old.outputs)
    assert statuses(deployed, ids) == {"RUNNING"}
    deployed.stack.clock.advance(4000)
    old.handler.delete(old.id, old.outputs)
    assert old.handler.read(old.id, old.outputs).id is None


def test_an_environment_that_a_queue_keeps_is_not_deleted(deployed: Any) -> None:
    """The error names the queue and what to do; the environment is as it was."""
    held = deployed.held["work"]
    name = deployed.held["queue"]["jobQueueName"]
    with pytest.raises(WaitError, match=f"queue {name} still refers to it: take it out of computeEnvironmentOrder"):
        held.handler.delete(held.id, held.outputs)
    assert held.handler._find(held.id, held.outputs)["state"] == "ENABLED"


def test_pain_fixed_name_blocks_replacement(world: Any, resources: Resources) -> None:
    """aws-genomics-workflows#105: a fixed name that must be replaced is a finding at check, with its two ways out."""
    held = world.make(
        "ComputeEnvironment", "work", type="MANAGED", computeResources=resources(), computeEnvironmentName="fixed"
    )
    changed = {**held.inputs, "computeResources": resources(allocationStrategy="BEST_FIT")}
    (failure,) = held.handler.check(held.inputs, changed).failures
    assert failure.property == "computeEnvironmentName"
    assert "drop computeEnvironmentName or change it, or set replace_through_bridge=True" in failure.reason
    assert held.handler.check(held.inputs, {**changed, "computeEnvironmentName": "other"}).failures == ()
    dropped = {key: each for key, each in changed.items() if key not in ("computeEnvironmentName", "autoNamed")}
    result = held.handler.check(held.inputs, dropped)
    assert result.failures == ()
    plan = held.handler.diff(held.outputs, result.inputs)
    assert plan.replaces == ("computeResources",)
    assert not plan.delete_before_replace


def test_replace_through_a_bridge_keeps_name_and_arn(world: Any, resources: Resources, container: Any) -> None:
    """Opt-in: an update to the engine; the queue keeps its order, running jobs finish, the bridge is gone."""
    held = world.make(
        "ComputeEnvironment",
        "work",
        type="MANAGED",
        computeResources=resources(),
        computeEnvironmentName="fixed",
        replaceThroughBridge=True,
    )
    world.make("JobQueue", "queue", priority=1, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": held.id}])
    world.make("JobDefinition", "job", type="container", containerProperties=container)
    ids = running(world)
    wanted = resources(allocationStrategy="BEST_FIT")
    plan = world.diff(held, computeResources=wanted)
    assert plan.replaces == ()
    assert plan.notes[0].startswith("replaced through a bridge")
    world.update(held, computeResources=wanted)
    assert held.handler._find(held.id, held.outputs)["computeResources"]["allocationStrategy"] == "BEST_FIT"
    assert order_of(world) == [held.id]
    assert statuses(world, ids) == {"SUCCEEDED"}
    names = [
        each["computeEnvironmentName"]
        for each in world.stack.client("batch").describe_compute_environments()["computeEnvironments"]
    ]
    assert names == ["fixed"]
    assert world.diff(held).changes == ()


def test_a_bridge_that_was_interrupted_goes_on(
    world: Any, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at any of its AWS calls, the same update run again ends as if nothing had happened."""

    class Killed(BaseException):
        pass

    held = world.make(
        "ComputeEnvironment",
        "work",
        type="MANAGED",
        computeResources=resources(),
        computeEnvironmentName="fixed",
        replaceThroughBridge=True,
    )
    world.make("JobQueue", "queue", priority=1, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": held.id}])
    batch = world.door.client("batch")
    strategies = ["BEST_FIT", "BEST_FIT_PROGRESSIVE"]
    changing = ("create_compute_environment", "update_compute_environment", "delete_compute_environment")
    done = False
    kill_at = 0
    while not done:
        kill_at += 1
        calls = 0
        wanted = resources(allocationStrategy=strategies[(kill_at + 1) % 2])

        def dying(real: Callable[..., Any], limit: int) -> Callable[..., Any]:
            def call(**parameters: Any) -> Any:
                nonlocal calls
                calls += 1
                answer = real(**parameters)
                if calls == limit:
                    raise Killed
                return answer

            return call

        with monkeypatch.context() as patch:
            for name in (*changing, "update_job_queue"):
                patch.setattr(batch, name, dying(getattr(batch, name), kill_at), raising=False)
            try:
                world.update(held, computeResources=wanted)
                done = True
            except Killed:
                pass
        if not done:
            world.update(held, computeResources=wanted)
        found = world.stack.client("batch").describe_compute_environments()["computeEnvironments"]
        assert [(each["computeEnvironmentName"], each["status"]) for each in found] == [("fixed", "VALID")], kill_at
        assert order_of(world) == [held.id]
    assert kill_at > 6


def test_blue_green_on_request(deployed: Any, resources: Resources) -> None:
    """`blueGreen` turns what AWS could update in place into a replacement, and leaves scaling updates alone."""
    held = deployed.held["work"]
    plan = deployed.diff(held, computeResources=resources(instanceTypes=["m5.large"]), blueGreen=True)
    assert plan.replaces == ("computeResources",)
    assert any(each.note == "replaced: blue/green was asked for" for each in plan.changes)
    assert deployed.diff(held, computeResources=resources(maxvCpus=8), blueGreen=True).replaces == ()


def test_a_launch_template_that_moved_is_its_own_change(world: Any, resources: Resources) -> None:
    """`$Latest` is resolved at plan: version 1 → 2 shows, and only then."""
    template = world.make("LaunchTemplate", "node", launchTemplateData={"ebsOptimized": True})
    floating = {"launchTemplateId": template.id, "version": "$Latest"}
    held = world.make("ComputeEnvironment", "work", type="MANAGED", computeResources=resources(launchTemplate=floating))
    assert held.inputs["computeResources"]["launchTemplate"]["version"] == "1"
    assert world.diff(held, computeResources=resources(launchTemplate=floating)).changes == ()
    world.update(template, launchTemplateData={"ebsOptimized": False})
    assert template["latestVersion"] == template["defaultVersion"] == "2"
    (change,) = world.diff(held, computeResources=resources(launchTemplate=floating)).changes
    assert (change.path, change.old, change.new) == ("computeResources.launchTemplate.version", "1", "2")
    assert change.effect is Effect.INFRASTRUCTURE_UPDATE


def test_an_unknown_value_counts_as_a_change(deployed: Any, resources: Resources) -> None:
    """Subnets that are being replaced are an infrastructure update; the plan says that the value is not yet known."""
    held = deployed.held["work"]
    (change,) = deployed.diff(held, computeResources=resources(subnets=UNKNOWN)).changes
    assert change.new is UNKNOWN
    assert change.effect is Effect.INFRASTRUCTURE_UPDATE


def test_invalid_says_aws_reason_and_leaves_nothing(world: Any, resources: Resources) -> None:
    """An environment that AWS finds INVALID is removed again, and AWS's statusReason is the error."""
    wrong = "arn:aws:iam::123456789012:instance-profile/nobody"
    handler = world.handler("ComputeEnvironment")
    inputs = world.inputs("ComputeEnvironment", "work", type="MANAGED", computeResources=resources(instanceRole=wrong))
    with pytest.raises(WaitError, match=r"became INVALID: .*nobody"):
        handler.create(inputs)
    assert world.stack.client("batch").describe_compute_environments()["computeEnvironments"] == []


def test_pain_an_invalid_environment_is_repaired(deployed: Any) -> None:
    """terraform-provider-aws#8549: found INVALID by read, the plan says AWS's reason, and an update makes it VALID."""
    held = deployed.held["work"]
    reason = "CLIENT_ERROR - Not authorized to perform sts:AssumeRole"
    (backend,) = deployed.stack.stage.backends.values()
    backend.engine.invalidate_compute_environment(held["computeEnvironmentName"], reason)
    held.outputs = held.handler.read(held.id, held.outputs).outputs
    assert held["status"] == "INVALID"
    (change,) = deployed.diff(held).changes
    assert (change.path, change.note) == ("status", f"INVALID: {reason}; AWS is made to look again")
    deployed.update(held)
    assert held["status"] == "VALID"
    assert held.handler._find(held.id, held.outputs)["state"] == "ENABLED"
    assert deployed.diff(held).changes == ()


def test_jobs_at_stake_are_counted(deployed: Any) -> None:
    """Environment and queue tell which jobs an act would interrupt or end."""
    ids = running(deployed)
    environment, queue = deployed.held["work"], deployed.held["queue"]
    assert {each["jobId"] for each in environment.handler.find_jobs(environment.id)} == set(ids)
    assert {each["jobId"] for each in queue.handler.find_jobs(queue.id)} == set(ids)


@pytest.mark.parametrize("world", [120.0], indirect=True)
def test_pain_relationship_error_on_replacement(deployed: Any, resources: Resources) -> None:
    """terraform-provider-aws#11077: the naive order meets the relationship error, ours does not; no job is lost."""
    ids = running(deployed, seconds=60)
    old, created = replace(deployed, resources, allocationStrategy="BEST_FIT")
    batch = deployed.stack.client("batch")
    with pytest.raises(Exception, match="found existing JobQueue relationship"):
        batch.update_compute_environment(computeEnvironment=old.id, state="DISABLED")
        deployed.stack.clock.advance(60)
        batch.delete_compute_environment(computeEnvironment=old.id)
    batch.update_compute_environment(computeEnvironment=old.id, state="ENABLED")
    old.handler.delete(old.id, old.outputs)
    assert old.handler.read(old.id, old.outputs).id is None
    assert order_of(deployed) == [created.id]
    assert statuses(deployed, ids) == {"SUCCEEDED"}
