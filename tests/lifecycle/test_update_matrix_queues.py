"""Every updatable property of a job queue, changed under 50 running jobs: what the plan says is what happens."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from batch_world import World, changes_of, ref
from test_update_matrix import CONTAINER, EC2, assert_settled, at, paths_of_the_api

from batchiac.model.handler import Effect
from batchiac.rules.updates import TABLE, row_of
from batchiac.testing import local_stack

POLICY = {"fairsharePolicy": {"shareDistribution": [{"shareIdentifier": "a", "weightFactor": 1}]}}
LIMIT = {
    "reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "state": "RUNNABLE",
    "maxTimeSeconds": 600,
    "action": "CANCEL",
}
SAGEMAKER = "SAGEMAKER_TRAINING"


def on(*environments: str) -> list[dict[str, Any]]:
    """A computeEnvironmentOrder."""
    return [{"order": order, "computeEnvironment": ref(f"{each}.id")} for order, each in enumerate(environments, 1)]


@frozen
class Row:
    """One property changed; `context` holds under both, None is absence."""

    path: str
    before: Any
    after: Any
    effect: Effect
    context: Mapping[str, Any] = {}
    why: str = ""

    def __str__(self) -> str:
        signs = {self.before is None: "+", self.after is None: "-"}
        return f"{self.path}{signs.get(True, '')} {self.effect}"


IN_PLACE, REPLACE = Effect.IN_PLACE, Effect.REPLACE
SHARED = {"schedulingPolicyArn": ref("one.id")}

ROWS: tuple[Row, ...] = (
    Row("jobQueueName", "one", "two", REPLACE, why="name"),
    Row("jobQueueType", None, "ECS", IN_PLACE),
    Row("state", "ENABLED", "DISABLED", IN_PLACE),
    Row("state", "DISABLED", None, IN_PLACE),
    Row("priority", 1, 7, IN_PLACE),
    Row("tags", {"team": "a"}, {"team": "b", "more": "c"}, IN_PLACE),
    Row("tags", {"team": "a"}, None, IN_PLACE),
    Row("schedulingPolicyArn", ref("one.id"), ref("two.id"), IN_PLACE),
    Row("schedulingPolicyArn", None, ref("one.id"), REPLACE, why="first-in-first-out"),
    Row("schedulingPolicyArn", ref("one.id"), None, REPLACE, why="not removed"),
    Row("computeEnvironmentOrder", on("work", "more"), on("more", "work"), IN_PLACE, why="running jobs stay"),
    Row("computeEnvironmentOrder", on("work"), on("work", "more"), IN_PLACE),
    Row("computeEnvironmentOrder", on("work", "more"), on("more"), IN_PLACE),
    Row("jobStateTimeLimitActions", None, [LIMIT], IN_PLACE),
    Row("jobStateTimeLimitActions", [LIMIT], None, IN_PLACE),
    Row("jobStateTimeLimitActions", [LIMIT], [{**LIMIT, "maxTimeSeconds": 1200}], IN_PLACE),
    Row(
        "jobStateTimeLimitActions",
        [LIMIT],
        [{**LIMIT, "reason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"}],
        IN_PLACE,
    ),
)

ELSEWHERE: Mapping[str, str] = {
    "jobQueue": "UpdateJobQueue's name for the queue",
    "serviceEnvironmentOrder.order": "test_a_queue_of_service_jobs",
    "serviceEnvironmentOrder.serviceEnvironment": "test_a_queue_of_service_jobs",
}


def test_every_property_of_a_queue_has_a_row() -> None:
    """What AWS's API takes, and every row of the update table, is changed by some row here."""
    api = paths_of_the_api("CreateJobQueue", "UpdateJobQueue")
    rows = {each.path for each in ROWS}
    assert {path for path in api - set(ELSEWHERE) if path.partition(".")[0] not in rows} == set()
    used = {row_of("JobQueue", path).path for path in rows}
    assert {each.path for each in TABLE if each.kind == "JobQueue"} == used


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two environments, two policies and a definition; the queue is a row's own."""
    with local_stack(projections=False) as stack:
        yield World(
            tmp_path,
            stack,
            {
                "work": ("ComputeEnvironment", {"type": "MANAGED", "computeResources": EC2}),
                "more": ("ComputeEnvironment", {"type": "MANAGED", "computeResources": EC2}),
                "one": ("SchedulingPolicy", POLICY),
                "two": ("SchedulingPolicy", POLICY),
                "job": ("JobDefinition", CONTAINER),
            },
        )


def queue_of(row: Row, value: Any) -> dict[str, Any]:
    whole = {"priority": 1, "computeEnvironmentOrder": on("work"), **row.context, row.path: value}
    return {key: copy.deepcopy(each) for key, each in whole.items() if each is not None}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_the_plan_says_is_what_happens(world: World, row: Row) -> None:
    """In place: same ARN and no job notices. Replaced: the plan counts the jobs that end with the old queue."""
    world.things["queue"] = ("JobQueue", {**queue_of(row, row.before), "state": "ENABLED"})
    world.up()
    share = {"shareIdentifier": "a"} if "schedulingPolicyArn" in world.inputs("queue") else {}
    ids = [
        world.batch.submit_job(
            jobName=f"job-{number}",
            jobQueue=world.id("queue"),
            jobDefinition=world.outputs("job")["jobDefinitionArn"],
            tags={"batchiac:duration": "1000000"},
            **share,
        )["jobId"]
        for number in range(50)
    ]
    world.run_until(ids)
    world.things["queue"] = ("JobQueue", queue_of(row, row.before))
    world.up()
    before, arn = world.jobs(ids), world.id("queue")

    world.things["queue"] = ("JobQueue", queue_of(row, row.after))
    planned = world.preview(refresh=True)
    said = changes_of(planned).get("queue")
    if row.path == "jobQueueType":
        # AWS inferred the same: spelling it out is no change.
        assert said is None
    else:
        assert said is not None
        assert said.effects == {row.effect}
        assert any(row.why in each.note for each in said.changes)
    world.up()
    after = world.jobs(ids)
    if row.effect is REPLACE:
        assert said is not None
        assert (said.op, bool(said.replaces)) == ("replace", True)
        assert any("50 jobs" in note for note in said.notes), said.notes
        assert world.id("queue") != arn
        assert {each.status for each in after.values()} == {"FAILED"}
        assert world.batch.describe_job_queues(jobQueues=[arn])["jobQueues"] == []
    else:
        assert said is None or (said.op, said.replaces) == ("update", ())
        assert (world.id("queue"), after) == (arn, before)
    (found,) = world.batch.describe_job_queues(jobQueues=[world.id("queue")])["jobQueues"]
    assert found["status"] == "VALID"
    if row.path == "computeEnvironmentOrder":
        order = [each["computeEnvironment"] for each in found["computeEnvironmentOrder"]]
        wanted = [each["computeEnvironment"]["$ref"].partition(".")[0] for each in row.after]
        assert order == [world.id(each) for each in wanted]
    elif row.path != "schedulingPolicyArn" and row.after is not None:
        assert at(found, row.path) == row.after
    assert_settled(world)


def test_a_queue_of_service_jobs(world: World) -> None:
    """Its service environment is exchanged in place; a queue of another type is a new one."""
    arns = [
        world.batch.create_service_environment(
            serviceEnvironmentName=name,
            serviceEnvironmentType=SAGEMAKER,
            capacityLimits=[{"maxCapacity": 2, "capacityUnit": "NUM_INSTANCES"}],
        )["serviceEnvironmentArn"]
        for name in ("one", "two")
    ]
    world.stack.clock.advance(60)

    def queue(arn: str, order: int) -> tuple[str, dict[str, Any]]:
        entry = {"order": order, "serviceEnvironment": arn}
        return ("JobQueue", {"priority": 1, "jobQueueType": SAGEMAKER, "serviceEnvironmentOrder": [entry]})

    world.things["queue"] = queue(arns[0], 1)
    world.up()
    arn = world.id("queue")
    world.things["queue"] = queue(arns[0], 3)
    assert changes_of(world.preview()) == {}
    world.things["queue"] = queue(arns[1], 1)
    said = changes_of(world.preview())["queue"]
    assert (said.op, said.effects) == ("update", {IN_PLACE})
    world.up()
    assert world.id("queue") == arn
    assert_settled(world)
    world.things["queue"] = ("JobQueue", {"priority": 1, "computeEnvironmentOrder": on("work")})
    assert changes_of(world.preview())["queue"].op == "replace"
    world.up()
    assert world.id("queue") != arn
    assert_settled(world)
