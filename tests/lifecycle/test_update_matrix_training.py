"""Every updatable property of service environments, quota shares and consumable resources, changed under running jobs:
what the plan says is what happens.

The expected effects stand in the rows, from AWS's pages (the API model; CloudFormation's "Update requires"), not from
rules/updates.py.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from attrs import frozen
from batch_world import World, changes_of, ref
from test_update_matrix import CONTAINER, EC2, assert_settled, at, paths_of_the_api

from batchiac.deploy.state.checkpoint import PendingOperation
from batchiac.deploy.values import for_handler
from batchiac.errors import WaitError
from batchiac.model.handler import Effect
from batchiac.provider.consumable_resource import ConsumableResource
from batchiac.rules.updates import TABLE, row_of
from batchiac.testing import local_stack

IN_PLACE, REPLACE = Effect.IN_PLACE, Effect.REPLACE
TRAINING = "SAGEMAKER_TRAINING"
M5 = {"maxCapacity": 8, "capacityUnit": "ml.m5.large"}
G5 = {"maxCapacity": 2, "capacityUnit": "ml.g5.xlarge"}
BORROWING = {"strategy": "LEND_AND_BORROW", "borrowLimit": 50}


def queue(environment: str) -> tuple[str, dict[str, Any]]:
    return (
        "JobQueue",
        {
            "priority": 1,
            "jobQueueType": TRAINING,
            "serviceEnvironmentOrder": [{"order": 1, "serviceEnvironment": ref(f"{environment}.id")}],
            "schedulingPolicyArn": ref("quota.id"),
        },
    )


THINGS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "gpus": ("ServiceEnvironment", {"serviceEnvironmentType": TRAINING, "capacityLimits": [M5]}),
    "quota": ("SchedulingPolicy", {"quotaSharePolicy": {"idleResourceAssignmentStrategy": "FIFO"}}),
    "training": queue("gpus"),
    "other": queue("gpus"),
    "share": (
        "QuotaShare",
        {
            "jobQueue": ref("training.id"),
            "capacityLimits": [M5],
            "resourceSharingConfiguration": {"strategy": "LEND_AND_BORROW"},
            "preemptionConfiguration": {"inSharePreemption": "DISABLED"},
        },
    ),
    "licence": ("ConsumableResource", {"totalQuantity": 9}),
    "work": ("ComputeEnvironment", {"type": "MANAGED", "computeResources": EC2}),
    "queue": (
        "JobQueue",
        {"priority": 1, "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": ref("work.id")}]},
    ),
    "job": (
        "JobDefinition",
        {
            **CONTAINER,
            "consumableResourceProperties": {
                "consumableResourceList": [{"consumableResource": ref("licence.id"), "quantity": 1}]
            },
        },
    ),
}


@frozen
class Row:
    """One property of one thing changed; None is absence."""

    thing: str
    path: str
    before: Any
    after: Any
    effect: Effect
    why: str = ""

    def __str__(self) -> str:
        signs = {self.before is None: "+", self.after is None: "-"}
        return f"{self.thing}.{self.path}{signs.get(True, '')} {self.effect}"


ROWS: tuple[Row, ...] = (
    Row("gpus", "serviceEnvironmentName", "one", "two", REPLACE, "name"),
    Row("gpus", "state", None, "DISABLED", IN_PLACE, "no service job is placed"),
    Row("gpus", "state", "DISABLED", None, IN_PLACE),
    Row("gpus", "capacityLimits.maxCapacity", [M5], [{**M5, "maxCapacity": 3}], IN_PLACE),
    Row("gpus", "capacityLimits.capacityUnit", [M5], [M5, G5], IN_PLACE),
    Row("gpus", "capacityLimits.capacityUnit", [M5, G5], [M5], IN_PLACE),
    Row("gpus", "tags", {"team": "a"}, {"team": "b", "more": "c"}, IN_PLACE),
    Row("gpus", "tags", {"team": "a"}, None, IN_PLACE),
    Row("share", "quotaShareName", "one", "two", REPLACE, "name"),
    Row("share", "jobQueue", ref("training.id"), ref("other.id"), REPLACE, "its jobs end with it"),
    Row("share", "state", None, "DISABLED", IN_PLACE, "those submitted can finish"),
    Row("share", "state", "DISABLED", "ENABLED", IN_PLACE),
    Row("share", "capacityLimits.maxCapacity", [M5], [{**M5, "maxCapacity": 3}], IN_PLACE),
    Row("share", "capacityLimits.capacityUnit", [M5], [G5, M5], IN_PLACE),
    Row("share", "resourceSharingConfiguration.strategy", {"strategy": "LEND"}, {"strategy": "RESERVE"}, IN_PLACE),
    Row("share", "resourceSharingConfiguration.strategy", BORROWING, {"strategy": "LEND"}, IN_PLACE),
    Row("share", "resourceSharingConfiguration.borrowLimit", BORROWING, {**BORROWING, "borrowLimit": 200}, IN_PLACE),
    Row("share", "resourceSharingConfiguration.borrowLimit", BORROWING, {"strategy": "LEND_AND_BORROW"}, IN_PLACE),
    Row(
        "share",
        "preemptionConfiguration.inSharePreemption",
        {"inSharePreemption": "DISABLED"},
        {"inSharePreemption": "ENABLED"},
        IN_PLACE,
    ),
    Row("share", "tags", {"team": "a"}, {"team": "b", "more": "c"}, IN_PLACE),
    Row("share", "tags", {"team": "a"}, None, IN_PLACE),
    Row("licence", "consumableResourceName", "one", "two", REPLACE, "name"),
    Row("licence", "resourceType", None, "NON_REPLENISHABLE", REPLACE, "cannot be exchanged"),
    Row("licence", "totalQuantity", 9, 20, IN_PLACE, "running jobs keep what they hold"),
    Row("licence", "totalQuantity", 9, 2, IN_PLACE),
    Row("licence", "tags", {"team": "a"}, {"team": "b", "more": "c"}, IN_PLACE),
    Row("licence", "tags", {"team": "a"}, None, IN_PLACE),
)

ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "ServiceEnvironment": {
        "serviceEnvironment": "UpdateServiceEnvironment's name for it",
        "serviceEnvironmentType": "it has one value: test_what_only_a_create_takes_is_a_replacement",
    },
    "QuotaShare": {"quotaShareArn": "UpdateQuotaShare's name for it"},
    "ConsumableResource": {
        "consumableResource": "UpdateConsumableResource's name for it",
        "operation": "always SET",
        "quantity": "totalQuantity",
        "clientToken": "test_a_change_that_is_made_again_brings_nothing_back",
    },
}


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_every_property_has_a_row(kind: str) -> None:
    """What AWS's API takes, and every row of the update table, is changed by some row here."""
    api = paths_of_the_api(f"Create{kind}", f"Update{kind}")
    rows = {each.path for each in ROWS if THINGS[each.thing][0] == kind}
    assert api - rows - set(ELSEWHERE[kind]) == set()
    assert rows - api == set(), "a row of something that AWS does not know"
    used = {row_of(kind, path).path for path in {*rows, *ELSEWHERE[kind]}}
    assert {each.path for each in TABLE if each.kind == kind} <= used


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_what_only_a_create_takes_is_a_replacement(kind: str) -> None:
    """The API model is the witness: what the Update operation has no member for cannot be updated."""
    create_only = paths_of_the_api(f"Create{kind}") - paths_of_the_api(f"Update{kind}") - {"tags", "totalQuantity"}
    assert {row_of(kind, path).effect for path in create_only} == {REPLACE}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with local_stack(projections=False) as stack:
        yield World(tmp_path, stack, THINGS)


def put(world: World, row: Row, value: Any) -> None:
    """Give the row's top-level property this value."""
    inputs = copy.deepcopy(THINGS[row.thing][1])
    inputs[row.path.partition(".")[0]] = copy.deepcopy(value)
    world.things[row.thing] = (THINGS[row.thing][0], {key: each for key, each in inputs.items() if each is not None})


def train(world: World, count: int) -> list[str]:
    """Service jobs in the share, which do not end; their ids."""
    payload = {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}}
    return [
        world.batch.submit_service_job(
            jobName=f"train-{number}",
            jobQueue=world.id("training"),
            quotaShareName=world.outputs("share")["quotaShareName"],
            serviceJobType=TRAINING,
            serviceRequestPayload=json.dumps(payload),
            tags={"batchiac:duration": "1000000"},
        )["jobId"]
        for number in range(count)
    ]


def statuses(world: World, ids: list[str]) -> dict[str, str]:
    return {each: world.batch.describe_service_job(jobId=each)["status"] for each in ids}


def found(world: World, thing: str) -> dict[str, Any]:
    """What AWS tells of it."""
    arn, batch = world.id(thing), world.batch
    if thing == "gpus":
        (one,) = batch.describe_service_environments(serviceEnvironments=[arn])["serviceEnvironments"]
        return dict(one)
    if thing == "share":
        return dict(batch.describe_quota_share(quotaShareArn=arn))
    return dict(batch.describe_consumable_resource(consumableResource=arn))


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_the_plan_says_is_what_happens(world: World, row: Row) -> None:
    """In place: same ARN and no job notices. Replaced: the plan counts the jobs that end with the old one."""
    put(world, row, row.before)
    world.up()
    training, working = [], []
    if world.inputs("share").get("state") != "DISABLED" and world.inputs("gpus").get("state") != "DISABLED":
        training = train(world, 3)
    if row.thing == "licence" and row.effect is IN_PLACE:
        working = world.submit(3, "queue", "job", 1_000_000)
        world.run_until(working)
    world.stack.clock.advance(600)
    arn = world.id(row.thing)
    before = (statuses(world, training), world.jobs(working) if working else {})
    assert set(before[0].values()) <= {"RUNNING"}

    put(world, row, row.after)
    planned = world.preview(refresh=True)
    said = changes_of(planned)[row.thing]
    assert said.effects == {row.effect}
    assert any(row.why in each.note for each in said.changes)
    world.up()

    after = (statuses(world, training), world.jobs(working) if working else {})
    if row.effect is REPLACE:
        assert (said.op, bool(said.replaces)) == ("replace", True)
        assert world.id(row.thing) != arn
        if row.thing == "share":
            assert any("ends 3 jobs" in note for note in said.notes), said.notes
            assert set(after[0].values()) == {"FAILED"}
        else:
            assert after == before
        listed = world.batch.describe_service_environments()["serviceEnvironments"]
        assert [each["serviceEnvironmentArn"] for each in listed] == [world.id("gpus")]
        consumables = world.batch.list_consumable_resources()["consumableResources"]
        assert [each["consumableResourceArn"] for each in consumables] == [world.id("licence")]
        shares = [
            world.batch.list_quota_shares(jobQueue=world.id(each))["quotaShares"] for each in ("training", "other")
        ]
        assert [each["quotaShareArn"] for listed in shares for each in listed] == [world.id("share")]
    else:
        assert (said.op, said.replaces) == ("update", ())
        assert (world.id(row.thing), after) == (arn, before)
    now = found(world, row.thing)
    assert now.get("status", "VALID") == "VALID"
    if row.path == "capacityLimits.capacityUnit":
        assert sorted(now["capacityLimits"], key=str) == sorted(row.after, key=str)
    elif row.path == "jobQueue":
        assert now["jobQueueArn"] == world.id("other")
    elif row.after is not None:
        # A limit that is taken out is AWS's default, -1.
        wanted = at({row.path.partition(".")[0]: row.after}, row.path)
        assert at(now, row.path) == (-1 if wanted is None else wanted)
    assert_settled(world)


def test_an_environment_is_replaced_under_its_queues(world: World) -> None:
    """By another name: the new one is made, both queues are repointed in place, then the old one goes."""
    world.up()
    old, queues = world.id("gpus"), {each: world.id(each) for each in ("training", "other")}
    jobs = train(world, 2)
    world.stack.clock.advance(600)
    world.inputs("gpus")["serviceEnvironmentName"] = "more"
    plan = changes_of(world.preview())
    assert {name: plan[name].op for name in plan} == {"gpus": "replace", "training": "update", "other": "update"}
    world.up()
    for name, arn in queues.items():
        assert world.id(name) == arn
        (one,) = world.batch.describe_job_queues(jobQueues=[arn])["jobQueues"]
        assert one["serviceEnvironmentOrder"] == [{"order": 1, "serviceEnvironment": world.id("gpus")}]
    assert world.batch.describe_service_environments(serviceEnvironments=[old])["serviceEnvironments"] == []
    assert set(statuses(world, jobs).values()) == {"RUNNING"}
    assert_settled(world)


def test_a_share_of_a_fixed_name_moves_with_its_queue(world: World) -> None:
    """Its queue is replaced: the new share is made beside the old, under the same name, in the new queue."""
    world.inputs("share")["quotaShareName"] = "research"
    world.up()
    old = world.id("share")
    world.inputs("training")["jobQueueName"] = "training"
    plan = changes_of(world.preview())
    assert {name: plan[name].op for name in plan} == {"training": "replace", "share": "replace"}
    world.up()
    assert world.id("share") == "arn:aws:batch:us-east-1:123456789012:job-queue/training/quota-share/research" != old
    assert len(world.batch.describe_job_queues()["jobQueues"]) == 3
    assert_settled(world)


def test_a_resource_that_jobs_need_is_replaced_when_they_have_ended(world: World) -> None:
    """New jobs take of the new one at once; the old one stays until the last job that needs it is over."""
    world.up()
    old = world.id("licence")
    ids = world.submit(2, "queue", "job", 3000)
    world.run_until(ids)
    world.inputs("licence")["resourceType"] = "NON_REPLENISHABLE"
    plan = changes_of(world.preview())
    assert {name: plan[name].op for name in plan} == {"licence": "replace", "job": "update"}
    with pytest.raises(WaitError, match=r"2 that have not ended need it \(job-\d, job-\d\)"):
        world.up()
    assert world.batch.describe_consumable_resource(consumableResource=old)["inUseQuantity"] == 2
    newer = world.submit(1, "queue", "job", 60)
    world.stack.clock.advance(4000)
    assert {each.status for each in world.jobs([*ids, *newer]).values()} == {"SUCCEEDED"}
    world.up()
    (left,) = world.batch.list_consumable_resources()["consumableResources"]
    assert (left["consumableResourceArn"], left["totalQuantity"]) == (world.id("licence"), 8)
    assert_settled(world)


def test_a_quantity_that_a_dead_run_has_set_is_not_set_again(world: World) -> None:
    """It died before its record; a job used one up meanwhile; the next run makes the call again, and AWS does not."""
    world.inputs("licence")["resourceType"] = "NON_REPLENISHABLE"
    world.up()
    world.inputs("licence")["totalQuantity"] = 20
    state, store = world.states()["licence"], world._deployment._stack.store  # type: ignore[union-attr]
    wanted = {**for_handler(state.inputs), "totalQuantity": 20}
    ConsumableResource(world.stack.door).update(state.id, for_handler(state.outputs), wanted)
    store.save(attrs.evolve(store.load(), pending=(PendingOperation(state, "updating"),)))
    world.run_until(world.submit(1, "queue", "job", 60), "SUCCEEDED")
    world.up()
    assert found(world, "licence")["totalQuantity"] == 19
    assert world.outputs("licence")["totalQuantity"] == 20
    assert_settled(world)


def test_all_of_it_is_destroyed_in_order(world: World) -> None:
    """Shares before queues, queues before environments and resources, whose jobs end with the queues."""
    world.up()
    jobs, working = train(world, 2), world.submit(2, "queue", "job", 1_000_000)
    world.run_until(working)
    world.destroy()
    assert set(statuses(world, jobs).values()) == {"FAILED"}
    assert {each.status for each in world.jobs(working).values()} == {"FAILED"}
    assert world.batch.describe_job_queues()["jobQueues"] == []
    assert world.batch.describe_service_environments()["serviceEnvironments"] == []
    assert world.batch.list_consumable_resources()["consumableResources"] == []
    assert world.batch.list_scheduling_policies()["schedulingPolicies"] == []


def test_names_in_the_place_of_references_are_destroyed_in_order_as_well(world: World) -> None:
    """Nothing in the program says that a queue stands on its environment, or a share in its queue: kinds do."""
    names = {
        "gpus": "serviceEnvironmentName",
        "training": "jobQueueName",
        "licence": "consumableResourceName",
    }
    for name, key in names.items():
        world.inputs(name)[key] = name
    world.up()
    for name in ("training", "other"):
        world.inputs(name)["serviceEnvironmentOrder"] = [{"order": 1, "serviceEnvironment": "gpus"}]
    world.inputs("share")["jobQueue"] = "training"
    needs = world.inputs("job")["consumableResourceProperties"]["consumableResourceList"]
    needs[0]["consumableResource"] = "licence"
    # A name and the ARN that it stands for are one.
    assert changes_of(world.preview(refresh=True)) == {}
    world.up()
    world.submit(2, "queue", "job", 1_000_000)
    train(world, 2)
    world.destroy()
    assert world.batch.describe_service_environments()["serviceEnvironments"] == []
    assert world.batch.list_consumable_resources()["consumableResources"] == []
    assert world.batch.describe_job_queues()["jobQueues"] == []
