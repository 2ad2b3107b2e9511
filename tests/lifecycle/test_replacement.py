"""An environment is replaced while jobs run: nothing is lost, nothing is out of order, and what must fail says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from batch_world import World, changes_of, ref
from test_update_matrix import CONTAINER, EC2, IAM, NETWORK, assert_settled

from batchiac.errors import AwsRefusal, FindingsError, WaitError
from batchiac.testing import local_stack

LONG_S = 10**6


def on(*environments: str) -> list[dict[str, Any]]:
    return [{"order": order, "computeEnvironment": ref(f"{each}.id")} for order, each in enumerate(environments, 1)]


def queue(*environments: str) -> tuple[str, dict[str, Any]]:
    return ("JobQueue", {"priority": 1, "computeEnvironmentOrder": on(*environments)})


def environment(**inputs: Any) -> tuple[str, dict[str, Any]]:
    return ("ComputeEnvironment", {"type": "MANAGED", "computeResources": dict(EC2), **inputs})


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """Three environments, three queues in different orders; a parameter is the consistency lag in seconds."""
    things = {
        "first": environment(),
        "work": environment(),
        "last": environment(),
        "only": queue("work"),
        "middle": queue("first", "work", "last"),
        "end": queue("last", "work"),
        "job": ("JobDefinition", dict(CONTAINER)),
    }
    with local_stack(projections=False, consistency_lag_s=getattr(request, "param", 0)) as stack:
        yield World(tmp_path, stack, things)


def replace(world: World, **inputs: Any) -> None:
    """Change the program so that `work` is replaced."""
    world.inputs("work")["computeResources"] = {**EC2, "allocationStrategy": "BEST_FIT"}
    world.inputs("work").update(inputs)


def order_of(world: World, name: str) -> list[str]:
    (found,) = world.batch.describe_job_queues(jobQueues=[world.id(name)])["jobQueues"]
    logical = {world.id(each): each for each in ("first", "work", "last")}
    return [logical[each["computeEnvironment"]] for each in found["computeEnvironmentOrder"]]


def assert_in_order(world: World) -> None:
    """Every queue as it was, with the new environment in the old one's place; nothing else exists."""
    assert order_of(world, "only") == ["work"]
    assert order_of(world, "middle") == ["first", "work", "last"]
    assert order_of(world, "end") == ["last", "work"]
    found = world.batch.describe_compute_environments()["computeEnvironments"]
    assert {each["computeEnvironmentArn"] for each in found} == {world.id(each) for each in ("first", "work", "last")}
    assert_settled(world)


@pytest.mark.parametrize("world", [0, 120], indirect=True, ids=["at once", "with lag"])
def test_jobs_finish_and_every_queue_keeps_its_order(world: World) -> None:
    """50 jobs run to their end on the old one, in one attempt each; with AWS's lag as well as without."""
    world.up()
    ids = world.submit(50, "only", "job", 300)
    world.run_until(ids)
    old = world.id("work")
    replace(world)
    world.up()
    assert world.id("work") != old
    assert {(each.status, len(each.endings)) for each in world.jobs(ids).values()} == {("SUCCEEDED", 1)}
    assert_in_order(world)


def test_the_children_of_an_array_are_waited_for(world: World) -> None:
    """ListJobs of a queue does not list them, and their array is PENDING while they run."""
    world.up()
    parent = world.batch.submit_job(
        jobName="array",
        jobQueue=world.id("only"),
        jobDefinition=world.outputs("job")["jobDefinitionArn"],
        arrayProperties={"size": 20},
        tags={"batchiac:duration": "300"},
    )["jobId"]
    children = [f"{parent}:{index}" for index in range(20)]
    world.run_until(children)
    replace(world)
    (note,) = changes_of(world.preview(refresh=True))["work"].notes
    assert "20 running jobs on the old one" in note
    world.up()
    assert {(each.status, len(each.endings)) for each in world.jobs(children).values()} == {("SUCCEEDED", 1)}
    assert world.jobs([parent])[parent].status == "SUCCEEDED"
    assert_in_order(world)


def test_the_nodes_of_a_multi_node_job_are_waited_for(world: World) -> None:
    """The job as a whole has no container; its nodes have. It counts as one."""
    ranges = [{"targetNodes": "0:", "container": CONTAINER["containerProperties"]}]
    nodes = {"numNodes": 3, "mainNode": 0, "nodeRangeProperties": ranges}
    world.things["gang"] = ("JobDefinition", {"type": "multinode", "nodeProperties": nodes})
    world.up()
    ids = world.submit(1, "only", "gang", 300)
    world.run_until(ids)
    replace(world)
    (note,) = changes_of(world.preview(refresh=True))["work"].notes
    assert "1 running job on the old one (job-0) gets up to 30 minutes" in note
    world.up()
    assert world.jobs(ids)[ids[0]].status == "SUCCEEDED"
    assert_in_order(world)


def test_after_the_deadline_jobs_end_with_a_reason_that_retry_rules_see(world: World) -> None:
    """`Host EC2*` RETRY, anything else EXIT: the documented rules run the job again, on the new environment."""
    world.inputs("work")["drain"] = {"deadlineS": 60, "onDeadline": "interrupt"}
    world.inputs("job")["retryStrategy"] = {
        "attempts": 3,
        "evaluateOnExit": [
            {"action": "RETRY", "onStatusReason": "Host EC2*"},
            {"action": "EXIT", "onReason": "*"},
        ],
    }
    world.up()
    ids = [
        world.batch.submit_job(
            jobName="long",
            jobQueue=world.id("only"),
            jobDefinition=world.outputs("job")["jobDefinitionArn"],
            tags={"batchiac:duration": str(LONG_S)},
        )["jobId"]
        for _ in range(50)
    ]
    world.run_until(ids)
    # The deadline is the old environment's, as its state holds it, and not that of what replaces it.
    replace(world, drain={"deadlineS": LONG_S, "onDeadline": "fail"})
    began = world.stack.clock.now_s()
    world.up()
    assert world.stack.clock.now_s() - began < 300
    assert all(len(each.losses) == 1 and each.status != "FAILED" for each in world.jobs(ids).values())
    world.run_until(ids)
    assert_in_order(world)


def test_after_the_deadline_the_deletion_can_fail_instead(world: World) -> None:
    """Nothing is deleted and no job is interrupted; the next run goes on, and ends as if nothing had happened."""
    world.inputs("work")["drain"] = {"deadlineS": 60, "onDeadline": "fail"}
    world.up()
    ids = world.submit(50, "only", "job", 3000)
    world.run_until(ids)
    old = world.id("work")
    replace(world)
    with pytest.raises(WaitError, match=r"50 jobs still run on it: job-0, .* and 45 more; nothing was deleted"):
        world.up()
    assert {each.status for each in world.jobs(ids).values()} == {"RUNNING"}
    (still,) = world.batch.describe_compute_environments(computeEnvironments=[old])["computeEnvironments"]
    assert (still["status"], still["state"]) == ("VALID", "ENABLED")
    world.stack.clock.advance(4000)
    world.up()
    assert {(each.status, len(each.endings)) for each in world.jobs(ids).values()} == {("SUCCEEDED", 1)}
    assert_in_order(world)


def test_jobs_on_fargate_are_ended_before_their_environment_goes(world: World) -> None:
    """AWS finds an environment on Fargate INVALID otherwise; a termination is not retried, and says its reason."""
    fargate = {"type": "FARGATE", "maxvCpus": 128, **NETWORK}
    drain = {"deadlineS": 60, "onDeadline": "interrupt"}
    size = CONTAINER["containerProperties"]["resourceRequirements"]
    for name in ("first", "work", "last"):
        world.things[name] = ("ComputeEnvironment", {"type": "MANAGED", "computeResources": fargate, "drain": drain})
    container = {"image": "busybox", "executionRoleArn": f"{IAM}role/execution", "resourceRequirements": size}
    world.things["job"] = (
        "JobDefinition",
        {"type": "container", "platformCapabilities": ["FARGATE"], "containerProperties": container},
    )
    world.up()
    short, long = world.submit(25, "only", "job", 30), world.submit(25, "only", "job", LONG_S)
    world.run_until(long)
    old = world.id("work")
    world.inputs("work")["computeEnvironmentName"] = "another"
    world.up()
    assert world.id("work") != old
    after = world.jobs([*short, *long])
    assert {after[each].status for each in short} == {"SUCCEEDED"}
    assert {after[each].status for each in long} == {"FAILED"}
    assert all("is deleted and its drain deadline passed" in after[each].reason for each in long)
    assert_in_order(world)


@pytest.mark.parametrize(
    ("change", "asked"),
    [({"allocationStrategy": "BEST_FIT"}, False), ({"instanceTypes": ["m5.large"]}, True)],
    ids=["what AWS cannot update", "blue/green on request"],
)
def test_a_fixed_name_is_a_finding_with_two_ways_out(world: World, change: dict[str, Any], asked: bool) -> None:
    """Said at preview, nothing is changed; another name is one way, the bridge the other: same name and ARN."""
    world.things["work"] = environment(computeEnvironmentName="fixed", blueGreen=asked)
    world.up()
    ids = world.submit(50, "only", "job", 300)
    world.run_until(ids)
    arn = world.id("work")
    world.inputs("work")["computeResources"] = {**EC2, **change}
    with pytest.raises(FindingsError) as caught:
        world.preview()
    (finding,) = caught.value.findings
    assert "drop computeEnvironmentName or change it, or set replace_through_bridge=True" in finding.message

    world.inputs("work")["replaceThroughBridge"] = True
    said = changes_of(world.preview(refresh=True))["work"]
    assert (said.op, said.replaces) == ("update", ())
    assert said.notes[0].startswith("replaced through a bridge")
    assert "50 running jobs" in said.notes[0]
    world.up()
    assert world.id("work") == arn
    assert {(each.status, len(each.endings)) for each in world.jobs(ids).values()} == {("SUCCEEDED", 1)}
    (found,) = world.batch.describe_compute_environments(computeEnvironments=["fixed"])["computeEnvironments"]
    assert {key: found["computeResources"][key] for key in change} == change
    assert_in_order(world)

    world.inputs("work").update(computeEnvironmentName="other", replaceThroughBridge=False)
    world.up()
    assert world.id("work").endswith("/other")
    assert_in_order(world)


def test_only_the_relationship_error_is_tried_again_and_not_for_ever(world: World) -> None:
    """Any other refusal comes out at once; that one after five minutes."""
    world.up()
    handler = world._deployment._handler("pulumi-python:dynamic/batch:ComputeEnvironment")  # type: ignore[union-attr]
    assert handler is not None
    client, calls = handler.door.client("batch"), []  # type: ignore[attr-defined]
    real = client.delete_compute_environment

    def refusing(text: str) -> Any:
        def call(**parameters: Any) -> Any:
            calls.append(parameters)
            raise AwsRefusal("DeleteComputeEnvironment", "ClientException", text)

        return call

    for name in ("only", "middle", "end"):
        del world.things[name]
    world.up()
    state = world.outputs("work")
    client.delete_compute_environment = refusing("You are not allowed to do this")
    with pytest.raises(AwsRefusal, match="not allowed"):
        handler.delete(world.id("work"), state)
    assert len(calls) == 1
    client.delete_compute_environment = refusing("Cannot delete, found existing JobQueue relationship")
    began = world.stack.clock.now_s()
    with pytest.raises(WaitError, match="found existing JobQueue relationship"):
        handler.delete(world.id("work"), state)
    assert 290 <= world.stack.clock.now_s() - began <= 400
    client.delete_compute_environment = real
    handler.delete(world.id("work"), state)


def test_the_order_of_pulumis_engine_is_as_safe(world: World) -> None:
    """Its engine creates, updates what depends on it side by side, and deletes last: no job notices."""
    world.up()
    ids = world.submit(50, "only", "job", 300)
    world.run_until(ids)
    states = world.states()
    token = "pulumi-python:dynamic/batch:"
    environments = world._deployment._handler(f"{token}ComputeEnvironment")  # type: ignore[union-attr]
    queues = world._deployment._handler(f"{token}JobQueue")  # type: ignore[union-attr]
    assert environments is not None and queues is not None
    old = states["work"].outputs
    wanted = {**world.inputs("work"), "computeResources": {**EC2, "allocationStrategy": "BEST_FIT"}}
    goal = {"identity": "world/dev/work", **wanted}
    assert environments.check(old, goal).failures == ()
    diff = environments.diff(old, environments.check(old, goal).inputs)
    assert (bool(diff.replaces), diff.delete_before_replace) == (True, False)
    created = environments.create(environments.check_replacement(old, goal).inputs)  # type: ignore[attr-defined]
    assert created.id != states["work"].id
    for name in ("end", "only", "middle"):
        before = states[name].outputs
        order = [
            {**each, "computeEnvironment": created.id} if each["computeEnvironment"] == states["work"].id else each
            for each in before["computeEnvironmentOrder"]
        ]
        queues.update(states[name].id, before, {**before, "computeEnvironmentOrder": order})
    environments.delete(states["work"].id, old)
    assert {(each.status, len(each.endings)) for each in world.jobs(ids).values()} == {("SUCCEEDED", 1)}
    (middle,) = world.batch.describe_job_queues(jobQueues=[world.id("middle")])["jobQueues"]
    assert [each["computeEnvironment"] for each in middle["computeEnvironmentOrder"]] == [
        world.id("first"),
        created.id,
        world.id("last"),
    ]


@pytest.mark.parametrize("strategy", ["BEST_FIT_PROGRESSIVE", "BEST_FIT"])
def test_what_an_environment_refers_to_is_replaced_without_its_deletion(tmp_path: Path, strategy: str) -> None:
    """A fixed name makes a placement group and an instance profile go before they come anew. Both engines then ask
    whether who refers to them has to go first: never an environment, which AWS deletes for nobody while a queue uses
    it. The group keeps its name, so the environment stays; the profile's ARN changes, so it gets what that takes."""
    profile = {"instanceProfileName": "fixed", "path": "/one/", "roles": []}
    resources = {
        **EC2,
        "allocationStrategy": strategy,
        "placementGroup": ref("group.groupName"),
        "instanceRole": ref("profile.arn"),
    }
    things: dict[str, tuple[str, dict[str, Any]]] = {
        "group": ("PlacementGroup", {"groupName": "fixed", "strategy": "cluster"}),
        "profile": ("InstanceProfile", profile),
        "work": ("ComputeEnvironment", {"type": "MANAGED", "computeResources": resources}),
        "only": queue("work"),
    }
    with local_stack(projections=False) as stack:
        world = World(tmp_path, stack, things)
        world.up()

        def there_are() -> list[tuple[str, str]]:
            found = world.batch.describe_compute_environments()["computeEnvironments"]
            return [(each["computeEnvironmentArn"], each["uuid"]) for each in found]

        (first,) = there_are()
        world.inputs("group")["strategy"] = "spread"
        plan = world.preview()
        assert any("while batch:ComputeEnvironment work still refers to it" in note for note in notes_of(plan, "group"))
        world.up()
        assert there_are() == [first]
        world.inputs("profile")["path"] = "/two/"
        world.up()
        assert len(there_are()) == 1
        assert (there_are() == [first]) is (strategy == "BEST_FIT_PROGRESSIVE")
        assert_settled(world)


def notes_of(plan: Any, name: str) -> tuple[str, ...]:
    """The notes of the steps on one thing."""
    return tuple(note for step in plan.steps if step.urn.endswith(f"::{name}") for note in step.notes)
