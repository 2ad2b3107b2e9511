"""Every updatable property of an environment, changed under 50 running jobs: what the plan says is what happens.

A row changes one property from one valid value to another. The expected effect stands in the row, from AWS's pages
(User Guide "infrastructure-updates", "scaling-updates"; the API model's texts), not from rules/updates.py. Everything
else is measured: the ARN, the attempts that ended because their host went, the hosts that jobs are on, what Describe
shows, and that a second preview, with and without a look at what exists, is empty.

The paths are those of botocore's shapes and of the update table: one that no row changes fails the test. Each row runs
under the environment that it is about; the whole product with roles, strategies and types is marked slow.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from attrs import evolve, frozen
from batch_world import World, changed, changes_of, ref

from batchiac.model.handler import Effect
from batchiac.provider.compute_environment import ComputeEnvironment
from batchiac.rules.updates import TABLE, row_of
from batchiac.testing import local_stack

IN_PLACE, SCALING, INFRASTRUCTURE, REPLACE = (
    Effect.IN_PLACE,
    Effect.SCALING_UPDATE,
    Effect.INFRASTRUCTURE_UPDATE,
    Effect.REPLACE,
)

IAM = "arn:aws:iam::123456789012:"
SERVICE_LINKED = f"{IAM}role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
OWN_ROLE = f"{IAM}role/own"
NETWORK = {"subnets": ["subnet-11111111"], "securityGroupIds": ["sg-11111111"]}
EC2 = {
    "type": "EC2",
    "allocationStrategy": "BEST_FIT_PROGRESSIVE",
    "minvCpus": 0,
    "maxvCpus": 128,
    "instanceTypes": ["c5.large", "m5.large"],
    "instanceRole": f"{IAM}instance-profile/one",
    **NETWORK,
}
SPOT = {**EC2, "type": "SPOT", "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED"}
FLEET = {"allocationStrategy": "BEST_FIT", "spotIamFleetRole": f"{IAM}role/fleet"}
EKS = {"eksClusterArn": "arn:aws:eks:us-east-1:123456789012:cluster/one", "kubernetesNamespace": "batch"}
MANAGED_INSTANCES = {
    "type": "ECS_MANAGED_INSTANCES",
    "maxvCpus": 128,
    "managedInstancesProvider": {
        "infrastructureRoleArn": f"{IAM}role/infrastructure",
        "instanceLaunchTemplate": {
            "ec2InstanceProfileArn": f"{IAM}instance-profile/one",
            "networkConfiguration": {"subnets": ["subnet-11111111"], "securityGroups": ["sg-11111111"]},
            "capacityOptionType": "ON_DEMAND",
        },
    },
}

ENVIRONMENTS: Mapping[str, Mapping[str, Any]] = {
    "ec2": {"type": "MANAGED", "computeResources": EC2},
    "ec2, own role": {"type": "MANAGED", "computeResources": EC2, "serviceRole": OWN_ROLE},
    "ec2, best fit": {"type": "MANAGED", "computeResources": {**EC2, "allocationStrategy": "BEST_FIT"}},
    "spot": {"type": "MANAGED", "computeResources": SPOT},
    "spot, own role": {"type": "MANAGED", "computeResources": SPOT, "serviceRole": OWN_ROLE},
    "spot, best fit": {"type": "MANAGED", "computeResources": {**SPOT, **FLEET}},
    "fargate": {"type": "MANAGED", "computeResources": {"type": "FARGATE", "maxvCpus": 128, **NETWORK}},
    "unmanaged": {"type": "UNMANAGED", "serviceRole": OWN_ROLE},
    "eks": {"type": "MANAGED", "computeResources": EC2, "eksConfiguration": EKS},
    "managed instances": {"type": "MANAGED", "computeResources": MANAGED_INSTANCES},
}
BLOCKED = ("ec2, own role", "ec2, best fit", "spot, own role", "spot, best fit")
"""Where AWS updates no infrastructure: a role of one's own, or BEST_FIT. Source: infrastructure-updates."""

SIZE = {"resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]}
CONTAINER = {"type": "container", "containerProperties": {"image": "busybox", **SIZE}}
TASK = {"containers": [{"name": "main", "image": "busybox", "essential": True, **SIZE}]}
POD = {
    "containers": [{"image": "busybox", "resources": {"limits": {"cpu": "1", "memory": "2048Mi"}}}],
}
DEFINITIONS: Mapping[str, Mapping[str, Any]] = {
    "fargate": {
        "type": "container",
        "platformCapabilities": ["FARGATE"],
        "containerProperties": {"image": "busybox", "executionRoleArn": f"{IAM}role/execution", **SIZE},
    },
    "eks": {"type": "container", "eksProperties": {"podProperties": POD}},
    "managed instances": {
        "type": "container",
        "platformCapabilities": ["MANAGED_INSTANCES"],
        "ecsProperties": {"taskProperties": [{**TASK, "executionRoleArn": f"{IAM}role/execution"}]},
    },
}
"""What runs on an environment; a container on EC2 where nothing is said."""

NOT_UPDATABLE: Mapping[str, str] = {
    "computeEnvironment": "UpdateComputeEnvironment's name for the environment",
    "eksConfiguration.accessEntry.status": "read-only: AWS reports it",
    "computeResources.ec2Configuration.batchImageStatus": "read-only: AWS reports it",
}


@frozen
class Row:
    """One property changed.

    Attributes:
        path: dotted; lists are entered at their first element.
        before, after: the values; None is absence. Text with `{template}` and the like is filled in by `FILL`.
        effect: what AWS does.
        on: the environment that it is about.
        context: other properties, path → value, under both.
        also: other properties that have to change with it.
        shown: False where Describe does not tell the property.
        why: a word of the plan's note.
    """

    path: str
    before: Any
    after: Any
    effect: Effect
    on: str = "ec2"
    context: Mapping[str, Any] = {}
    also: Mapping[str, Any] = {}
    shown: bool = True
    why: str = ""

    def __str__(self) -> str:
        turn = "" if self.before is not None else "+"
        return f"{self.on}: {self.path}{'-' if self.after is None else turn} {self.effect}"


CR = "computeResources."
LT = CR + "launchTemplate."
MIP = CR + "managedInstancesProvider."
MIT = MIP + "instanceLaunchTemplate."
ONE_TEMPLATE = {"computeResources.launchTemplate": {"launchTemplateId": "{one}", "version": "1"}}
OVERRIDE = {"launchTemplateId": "{two}", "version": "1", "targetInstanceTypes": ["c5.large"]}
OVERRIDDEN = {"computeResources.launchTemplate": {"launchTemplateId": "{one}", "version": "1", "overrides": [OVERRIDE]}}
IMAGE = {"computeResources.ec2Configuration": [{"imageType": "ECS_AL2023", "imageIdOverride": "ami-11111111"}]}
EKS_IMAGE = {"computeResources.ec2Configuration": [{"imageType": "EKS_AL2023", "imageKubernetesVersion": "1.31"}]}
RESERVED = {MIT + "capacityReservations": {"reservationPreference": "RESERVATIONS_FIRST"}}

ROWS: tuple[Row, ...] = (
    Row("computeEnvironmentName", "matrix-one", "matrix-two", REPLACE),
    Row(
        "type",
        "MANAGED",
        "UNMANAGED",
        REPLACE,
        on="ec2, own role",
        also={"computeResources": None},
        why="MANAGED and UNMANAGED",
    ),
    Row("state", "ENABLED", "DISABLED", SCALING),
    Row("state", "ENABLED", "DISABLED", SCALING, on="unmanaged"),
    Row("unmanagedvCpus", 64, 32, IN_PLACE, on="unmanaged"),
    Row("serviceRole", OWN_ROLE, f"{IAM}role/other", IN_PLACE, on="ec2, own role"),
    Row("serviceRole", None, OWN_ROLE, REPLACE, why="service-linked role"),
    Row("serviceRole", OWN_ROLE, SERVICE_LINKED, REPLACE, on="ec2, own role", why="service-linked role"),
    Row("tags", {"team": "a"}, {"team": "b", "more": "c"}, IN_PLACE),
    Row("context", "one", "two", IN_PLACE),
    Row("ecsSettings.containerInsights", "DISABLED", "ENHANCED", IN_PLACE),
    Row("updatePolicy.terminateJobsOnUpdate", False, True, IN_PLACE),
    Row("updatePolicy.jobExecutionTimeoutMinutes", 40, 50, IN_PLACE),
    Row("eksConfiguration.eksClusterArn", EKS["eksClusterArn"], EKS["eksClusterArn"] + "2", REPLACE, on="eks"),
    Row("eksConfiguration.kubernetesNamespace", "batch", "other", REPLACE, on="eks"),
    Row("eksConfiguration.accessEntry.desiredState", "ENABLED", "INHERIT_FROM_CLUSTER", IN_PLACE, on="eks"),
    Row(CR + "type", "EC2", "SPOT", INFRASTRUCTURE, also={CR + "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED"}),
    Row(CR + "type", "FARGATE", "FARGATE_SPOT", SCALING, on="fargate"),
    Row(CR + "allocationStrategy", "BEST_FIT_PROGRESSIVE", "BEST_FIT_PROGRESSIVE_ORDERED", INFRASTRUCTURE),
    Row(CR + "allocationStrategy", "BEST_FIT_PROGRESSIVE", "BEST_FIT", REPLACE, why="BEST_FIT cannot be updated"),
    Row(
        CR + "allocationStrategy",
        "BEST_FIT",
        "BEST_FIT_PROGRESSIVE",
        REPLACE,
        on="ec2, best fit",
        why="BEST_FIT cannot be updated",
    ),
    # terraform-provider-aws#38695: forgotten in a list of strategies that can be updated, so replaced for nothing.
    Row(
        CR + "allocationStrategy", "SPOT_CAPACITY_OPTIMIZED", "SPOT_PRICE_CAPACITY_OPTIMIZED", INFRASTRUCTURE, on="spot"
    ),
    Row(CR + "minvCpus", 0, 8, SCALING),
    Row(CR + "maxvCpus", 128, 256, SCALING),
    Row(CR + "maxvCpus", 128, 16, SCALING),
    Row(CR + "maxvCpus", 128, 256, SCALING, on="fargate"),
    Row(CR + "desiredvCpus", None, 100, SCALING, shown=False, why="only lets it grow"),
    Row(CR + "instanceTypes", ["c5.large"], ["m5.large"], INFRASTRUCTURE),
    Row(CR + "imageId", "ami-11111111", "ami-22222222", INFRASTRUCTURE),
    Row(CR + "subnets", ["subnet-11111111"], ["subnet-22222222"], INFRASTRUCTURE),
    Row(CR + "subnets", ["subnet-11111111"], ["subnet-22222222"], SCALING, on="fargate"),
    Row(CR + "securityGroupIds", ["sg-11111111"], ["sg-22222222"], INFRASTRUCTURE),
    Row(CR + "securityGroupIds", ["sg-11111111"], ["sg-22222222"], SCALING, on="fargate"),
    Row(CR + "ec2KeyPair", "one", "two", INFRASTRUCTURE),
    Row(CR + "instanceRole", EC2["instanceRole"], f"{IAM}instance-profile/two", INFRASTRUCTURE),
    Row(CR + "tags", {"a": "1"}, {"a": "2"}, INFRASTRUCTURE),
    Row(CR + "placementGroup", "one", "two", INFRASTRUCTURE),
    Row(CR + "bidPercentage", 60, 80, INFRASTRUCTURE, on="spot"),
    Row(CR + "spotIamFleetRole", f"{IAM}role/fleet", f"{IAM}role/other", REPLACE, on="spot, best fit"),
    Row(CR + "updateToLatestImageVersion", None, True, INFRASTRUCTURE, shown=False),
    Row(CR + "scalingPolicy.minScaleDownDelayMinutes", 20, 30, SCALING),
    Row(LT + "launchTemplateId", "{one}", "{two}", INFRASTRUCTURE, context=ONE_TEMPLATE),
    Row(
        LT + "launchTemplateName",
        "one",
        "two",
        INFRASTRUCTURE,
        context={"computeResources.launchTemplate": {"version": "1"}},
    ),
    Row(LT + "version", "1", "2", INFRASTRUCTURE, context=ONE_TEMPLATE),
    Row(LT + "userdataType", "EKS_BOOTSTRAP_SH", "EKS_NODEADM", INFRASTRUCTURE, on="eks", context=ONE_TEMPLATE),
    Row(LT + "overrides.launchTemplateId", "{two}", "{one}", INFRASTRUCTURE, context=OVERRIDDEN),
    Row(
        LT + "overrides.launchTemplateName",
        "one",
        "two",
        INFRASTRUCTURE,
        context={**OVERRIDDEN, LT + "overrides.launchTemplateId": None},
    ),
    Row(LT + "overrides.version", "1", "2", INFRASTRUCTURE, context=OVERRIDDEN),
    Row(LT + "overrides.targetInstanceTypes", ["c5.large"], ["m5.large"], INFRASTRUCTURE, context=OVERRIDDEN),
    Row(
        LT + "overrides.userdataType",
        "EKS_BOOTSTRAP_SH",
        "EKS_NODEADM",
        INFRASTRUCTURE,
        on="eks",
        context=OVERRIDDEN,
    ),
    Row(CR + "ec2Configuration.imageType", "ECS_AL2023", "ECS_AL2", INFRASTRUCTURE, context=IMAGE),
    Row(CR + "ec2Configuration.imageIdOverride", "ami-11111111", "ami-22222222", INFRASTRUCTURE, context=IMAGE),
    Row(CR + "ec2Configuration.imageKubernetesVersion", "1.31", "1.32", INFRASTRUCTURE, on="eks", context=EKS_IMAGE),
    Row(CR + "capacityTags", {"a": "1"}, {"a": "2"}, IN_PLACE, on="managed instances"),
    Row(MIP + "propagateTags", "NONE", "CAPACITY_PROVIDER", IN_PLACE, on="managed instances"),
    Row(MIP + "infrastructureRoleArn", f"{IAM}role/one", f"{IAM}role/two", IN_PLACE, on="managed instances"),
    Row(MIP + "infrastructureOptimization.scaleInAfter", 60, 120, IN_PLACE, on="managed instances"),
    Row(
        MIT + "ec2InstanceProfileArn",
        f"{IAM}instance-profile/one",
        f"{IAM}instance-profile/two",
        IN_PLACE,
        on="managed instances",
    ),
    Row(
        MIT + "networkConfiguration.subnets", ["subnet-11111111"], ["subnet-22222222"], IN_PLACE, on="managed instances"
    ),
    Row(
        MIT + "networkConfiguration.securityGroups", ["sg-11111111"], ["sg-22222222"], IN_PLACE, on="managed instances"
    ),
    Row(MIT + "instanceRequirements.allowedInstanceTypes", ["c5.*"], ["m5.*"], IN_PLACE, on="managed instances"),
    Row(MIT + "capacityOptionType", "ON_DEMAND", "SPOT", REPLACE, on="managed instances"),
    Row(MIT + "storageConfiguration.storageSizeGiB", 50, 100, IN_PLACE, on="managed instances"),
    Row(MIT + "monitoring", "BASIC", "DETAILED", IN_PLACE, on="managed instances"),
    Row(MIT + "fipsEnabled", False, True, REPLACE, on="managed instances"),
    Row(
        MIT + "capacityReservations.reservationGroupArn",
        "arn:aws:resource-groups:us-east-1:123456789012:group/one",
        "arn:aws:resource-groups:us-east-1:123456789012:group/two",
        IN_PLACE,
        on="managed instances",
        context=RESERVED,
    ),
    Row(
        MIT + "capacityReservations.reservationPreference",
        "RESERVATIONS_FIRST",
        "RESERVATIONS_EXCLUDED",
        IN_PLACE,
        on="managed instances",
    ),
    Row(MIT + "instanceMetadataTagsPropagation", False, True, IN_PLACE, on="managed instances"),
    Row(MIT + "localStorageConfiguration.useLocalStorage", False, True, IN_PLACE, on="managed instances"),
    Row("drain.deadlineS", 1800, 600, IN_PLACE, shown=False),
    Row("drain.onDeadline", "interrupt", "fail", IN_PLACE, shown=False),
    Row("replaceThroughBridge", None, True, IN_PLACE, shown=False),
    Row("blueGreen", None, True, IN_PLACE, shown=False),
    # Blue/green on request: what AWS would update in place is replaced.
    Row(CR + "instanceTypes", ["c5.large"], ["m5.large"], REPLACE, context={"blueGreen": True}, why="blue/green"),
    Row(CR + "minvCpus", 0, 8, SCALING, context={"blueGreen": True}),
)

TAKEN_OUT: tuple[Row, ...] = tuple(
    evolve(each, after=None)
    for each in ROWS
    if each.before is not None
    and each.path
    not in (
        "type",
        "computeEnvironmentName",
        "serviceRole",
        CR + "type",
        CR + "minvCpus",
        CR + "maxvCpus",
        CR + "securityGroupIds",
        CR + "instanceTypes",
        CR + "subnets",
        CR + "instanceRole",
        CR + "allocationStrategy",
        CR + "spotIamFleetRole",
        CR + "ec2Configuration.imageType",
        LT + "launchTemplateId",
        LT + "launchTemplateName",
        LT + "version",
        LT + "overrides.launchTemplateId",
        LT + "overrides.launchTemplateName",
        LT + "overrides.version",
        LT + "overrides.targetInstanceTypes",
        MIP + "infrastructureRoleArn",
        MIT + "ec2InstanceProfileArn",
        MIT + "networkConfiguration.subnets",
        MIT + "networkConfiguration.securityGroups",
        "eksConfiguration.eksClusterArn",
        "eksConfiguration.kubernetesNamespace",
        "eksConfiguration.accessEntry.desiredState",
    )
)
"""The same rows with the property taken out of the program, those left out that an environment cannot do without."""


def variants() -> Iterator[Row]:
    """The product with roles and strategies: under a role of one's own or BEST_FIT, infrastructure is replaced."""
    for row in ROWS:
        if (
            row.on != "ec2"
            or "blueGreen" in row.context
            or row.path in ("serviceRole", CR + "allocationStrategy", CR + "type")
        ):
            continue
        for other in (*BLOCKED, "spot"):
            blocked = other in BLOCKED and row.effect is INFRASTRUCTURE
            yield evolve(row, on=other, effect=REPLACE if blocked else row.effect, why="" if blocked else row.why)


FEW = tuple(each for each in variants() if each.on in BLOCKED and each.path in (CR + "instanceTypes", LT + "version"))
"""Of the product, what is run each time: under each kind of obstacle a list and a launch template's version."""


def leaves(shape: Any, path: str = "") -> Iterator[str]:
    """Every leaf of an API shape, without indices; what is below a free mapping is one leaf."""
    if shape.type_name == "structure":
        for key, member in shape.members.items():
            yield from leaves(member, f"{path}.{key}" if path else key)
    elif shape.type_name == "list" and shape.member.type_name == "structure":
        yield from leaves(shape.member, path)
    else:
        yield path


def paths_of_the_api(*operations: str) -> set[str]:
    """Every leaf of these operations' requests."""
    model = botocore.session.get_session().get_service_model("batch")
    return {path for each in operations for path in leaves(model.operation_model(each).input_shape)}


def test_every_property_of_an_environment_has_a_row() -> None:
    """What AWS's API takes, what is ours, and every row of the update table is changed by some row here."""
    api = paths_of_the_api("CreateComputeEnvironment", "UpdateComputeEnvironment")
    ours = {"drain.deadlineS", "drain.onDeadline", "blueGreen", "replaceThroughBridge"}
    assert {each.partition(".")[0] for each in ours} == ComputeEnvironment.own_inputs - {"updatePolicy"}
    rows = {each.path for each in ROWS}
    assert (api | ours) - rows - set(NOT_UPDATABLE) == set()
    assert rows - api - ours == set(), "a row of something that AWS does not know"
    used = {row_of("ComputeEnvironment", path).path for path in rows}
    table = {each.path for each in TABLE if each.kind == "ComputeEnvironment"}
    # `computeResources` is what holds for a member that AWS adds one day.
    assert table - used == {"computeResources"}


def test_what_only_a_create_takes_is_a_replacement() -> None:
    """The API model is the witness: what UpdateComputeEnvironment has no member for cannot be updated."""
    create_only = paths_of_the_api("CreateComputeEnvironment") - paths_of_the_api("UpdateComputeEnvironment")
    assert {row_of("ComputeEnvironment", path).effect for path in create_only - {"tags"}} == {REPLACE}


class Matrix:
    """One stack: an environment, a queue and a definition of a row's own."""

    def __init__(self, folder: Path, stack: Any) -> None:
        self.stack = stack
        self.folder = folder
        self.serial = count()
        ec2 = stack.client("ec2")
        self.fill: dict[str, str] = {}
        for name in ("one", "two"):
            made = ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"EbsOptimized": True})
            self.fill[f"{{{name}}}"] = made["LaunchTemplate"]["LaunchTemplateId"]
            ec2.create_launch_template_version(LaunchTemplateName=name, LaunchTemplateData={"EbsOptimized": False})

    def filled(self, value: Any) -> Any:
        """`value` with the ids of what was made in the place of `{one}` and `{two}`."""
        if isinstance(value, Mapping):
            return {key: self.filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        return self.fill.get(value, value) if isinstance(value, str) else value

    def world(self, row: Row) -> World:
        """The row's program as it is before the change, deployed."""
        number = next(self.serial)
        environment: dict[str, Any] = copy.deepcopy(dict(ENVIRONMENTS[row.on]))
        if not row.path.startswith("drain"):
            environment["drain"] = {"deadlineS": DRAIN_S, "onDeadline": "interrupt"}
        for path, value in {**row.context, row.path: row.before}.items():
            environment = changed(environment, path, self.filled(value))
        things = {
            f"environment{number}": ("ComputeEnvironment", environment),
            f"queue{number}": (
                "JobQueue",
                {
                    "priority": 1,
                    "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": ref(f"environment{number}.id")}],
                },
            ),
            f"job{number}": ("JobDefinition", dict(DEFINITIONS.get(row.on.partition(",")[0], CONTAINER))),
        }
        world = World(self.folder / str(number), self.stack, things)
        world.up()
        return world

    def change(self, world: World, row: Row) -> str:
        """Make the row's change in the program; return the environment's logical name."""
        name = next(iter(world.things))
        environment = world.inputs(name)
        for path, value in {row.path: row.after, **row.also}.items():
            environment = changed(environment, path, self.filled(value))
        world.things[name] = ("ComputeEnvironment", environment)
        return name


@pytest.fixture
def matrix(tmp_path: Path) -> Iterator[Matrix]:
    """A stack with two launch templates of two versions each."""
    with local_stack(projections=False) as stack:
        yield Matrix(tmp_path, stack)


DRAIN_S, LONG_S, SHORT_S = 600, 10**6, 300
"""What jobs get when their environment is replaced; jobs that outlast every deadline, and jobs that outlast none."""


def check(matrix: Matrix, row: Row) -> None:
    """Change the property with 50 jobs running, and compare the plan with what happens."""
    world = matrix.world(row)
    environment, queue, job = world.things
    arn = world.id(environment)
    short = world.submit(25, queue, job, SHORT_S, "short")
    long = world.submit(25, queue, job, LONG_S, "long")
    ids = [*short, *long]
    world.run_until(ids)
    before = world.jobs(ids)

    matrix.change(world, row)
    plan = changes_of(world.preview(refresh=True))
    said = plan.pop(environment)
    assert said.effects == {row.effect}, said
    if row.why:
        assert any(row.why in each.note for each in said.changes), said.changes
    assert set(plan) <= {queue}, plan

    world.up()
    after = world.jobs(ids)
    replaced = world.id(environment) != arn
    interrupted = {each.id for each in after.values() if each.losses}
    moved = {each for each in ids if after[each].status == "RUNNING" and after[each].host != before[each].host}

    # What the plan said is what happened.
    assert replaced is (said.op == "replace") is bool(said.replaces)
    if row.effect in (IN_PLACE, SCALING):
        assert (said.op, said.notes, interrupted, moved) == ("update", (), set(), set())
        assert {each.status for each in after.values()} <= {"RUNNING", "SUCCEEDED"}
    else:
        (note,) = said.notes
        deadline = f"get up to {10 if replaced else 30} minutes"
        assert "50 running jobs" in note and deadline in note, note
        assert "short-0, short-1, short-2, short-3, short-4 and 45 more" in note
        # Those that end within the deadline are left alone; the others lose their host, and are tried again.
        # ECS ends the instances that it manages itself; what Batch says of their jobs is not documented.
        assert interrupted == (set() if row.on == "managed instances" else set(long))
        assert all(after[each].endings for each in long)
        assert all(after[each].status in ("RUNNABLE", "STARTING", "RUNNING") for each in long)
        assert {after[each].status for each in short} == {"SUCCEEDED"}
    assert not any(after[each].losses for each in short)
    assert (
        not replaced
        or world.batch.describe_compute_environments(computeEnvironments=[arn])["computeEnvironments"] == []
    )
    (found,) = world.batch.describe_compute_environments(computeEnvironments=[world.id(environment)])[
        "computeEnvironments"
    ]
    assert found["status"] == "VALID"
    (shown,) = world.batch.describe_job_queues(jobQueues=[world.id(queue)])["jobQueues"]
    assert [each["computeEnvironment"] for each in shown["computeEnvironmentOrder"]] == [found["computeEnvironmentArn"]]
    if row.shown:
        assert at(found, row.path) == matrix.filled(row.after)
    assert_settled(world)
    for each in ids:
        world.batch.terminate_job(jobId=each, reason="the row has been seen")


def assert_settled(world: World) -> None:
    """A second preview is empty, with and without a look at what exists."""
    assert changes_of(world.preview()) == {}
    again = world.preview(refresh=True)
    assert changes_of(again) == {}
    drift = [each for each in again.drift if each.changes_something]
    assert drift == [], [each.changes for each in drift]


def at(value: Any, path: str) -> Any:
    """What is at a dotted path; lists are entered at their first element; None where there is nothing."""
    for key in path.split("."):
        value = value[0] if isinstance(value, list) else value
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


@pytest.mark.parametrize("row", (*ROWS, *FEW), ids=str)
def test_what_the_plan_says_is_what_happens(matrix: Matrix, row: Row) -> None:
    """The plan's effect is AWS's; ARN, interrupted jobs and Describe agree with it; a second preview is empty."""
    check(matrix, row)


@pytest.mark.slow  # the product with roles, strategies and Spot: the same code paths, 150 times
@pytest.mark.parametrize("row", [each for each in variants() if each not in FEW], ids=str)
def test_what_the_plan_says_is_what_happens_under_every_role_and_strategy(matrix: Matrix, row: Row) -> None:
    """As above, under roles and strategies with which AWS replaces no instances, and on Spot."""
    check(matrix, row)


@pytest.mark.parametrize("row", TAKEN_OUT, ids=str)
def test_a_property_taken_out_of_the_program_is_taken_out_at_aws(matrix: Matrix, row: Row) -> None:
    """The environment is as if it had been made without; a second preview is empty."""
    world = matrix.world(row)
    name = matrix.change(world, row)
    assert changes_of(world.preview()) != {} or row.before in (False, 0, "ENABLED", "DISABLED", 1800, "interrupt")
    world.up()
    assert_settled(world)
    made = world.batch.describe_compute_environments(computeEnvironments=[world.id(name)])["computeEnvironments"][0]
    assert made["status"] == "VALID"
    if row.shown:
        left = at(made, row.path)
        assert left != matrix.filled(row.before) or not changes_of_value(row), (row.path, left)


def changes_of_value(row: Row) -> bool:
    """True where the value that was taken out is not AWS's default anyway."""
    return row.before not in (False, 0, "ENABLED", "DISABLED", "EKS_BOOTSTRAP_SH", "NONE", "BASIC")
