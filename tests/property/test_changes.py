"""Any deployed program, any change of it, with the real handlers on a local stack: it ends as a fresh deployment does.

And the other way round: a program that says the same in other words changes nothing.
"""

from __future__ import annotations

import copy
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "lifecycle"))

from batch_world import World, changes_of, ref

from batchiac.deploy.state.checkpoint import find_damage
from batchiac.errors import FindingsError
from batchiac.provider.bridge import MADE_FOR
from batchiac.testing import TestStack, local_stack

Things = dict[str, tuple[str, dict[str, Any]]]

IAM = "arn:aws:iam::123456789012:"
SERVICE_LINKED = f"{IAM}role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
SIZE = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]

# -- any program -------------------------------------------------------------------------------------------------------

environments = st.fixed_dictionaries(
    {
        "naming": st.sampled_from(["generated", "generated", "fixed", "bridge"]),
        "strategy": st.sampled_from(["BEST_FIT", "BEST_FIT_PROGRESSIVE", "SPOT_CAPACITY_OPTIMIZED"]),
        "max": st.sampled_from([16, 32]),
        "types": st.sampled_from([["c5.large"], ["m5.large", "c5.large"]]),
        "own role": st.booleans(),
        "template": st.booleans(),
        "tags": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2"])),
    }
)
queues = st.fixed_dictionaries(
    {
        "fixed": st.booleans(),
        "order": st.permutations(["e0", "e1", "e2"]),
        "length": st.integers(1, 3),
        "policy": st.booleans(),
        "priority": st.integers(1, 2),
        "enabled": st.booleans(),
    }
)
definitions = st.fixed_dictionaries(
    {"fixed": st.booleans(), "image": st.sampled_from(["a", "b"]), "tags": st.sampled_from([{}, {"a": "1"}])}
)
programs = st.fixed_dictionaries(
    {
        "environments": st.dictionaries(st.sampled_from(["e0", "e1", "e2"]), environments, min_size=1),
        "queues": st.dictionaries(st.sampled_from(["q0", "q1"]), queues),
        "definitions": st.dictionaries(st.sampled_from(["d0", "d1"]), definitions),
        "weight": st.integers(1, 2),
        "optimized": st.booleans(),
    }
)


def things_of(program: Mapping[str, Any]) -> Things:
    """The program's resources in wire form."""
    shares = [{"shareIdentifier": "a", "weightFactor": program["weight"]}]
    things: Things = {
        "policy": ("SchedulingPolicy", {"fairsharePolicy": {"shareDistribution": shares}}),
        "template": ("LaunchTemplate", {"launchTemplateData": {"ebsOptimized": program["optimized"]}}),
    }
    for name, each in sorted(program["environments"].items()):
        spot = each["strategy"].startswith("SPOT")
        resources: dict[str, Any] = {
            "type": "SPOT" if spot else "EC2",
            "allocationStrategy": each["strategy"],
            "minvCpus": 0,
            "maxvCpus": each["max"],
            "instanceTypes": each["types"],
            "instanceRole": f"{IAM}instance-profile/one",
            "subnets": ["subnet-11111111"],
            "securityGroupIds": ["sg-11111111"],
        }
        if each["template"]:
            resources["launchTemplate"] = {
                "launchTemplateId": ref("template.id"),
                "version": ref("template.latestVersion"),
            }
        inputs: dict[str, Any] = {"type": "MANAGED", "computeResources": resources, "tags": each["tags"]}
        if each["own role"]:
            inputs["serviceRole"] = f"{IAM}role/own"
        if each["naming"] != "generated":
            inputs |= {"computeEnvironmentName": f"fixed-{name}", "replaceThroughBridge": each["naming"] == "bridge"}
        things[name] = ("ComputeEnvironment", inputs)
    for name, each in sorted(program["queues"].items()):
        used = [other for other in each["order"] if other in program["environments"]][: each["length"]]
        order = [{"order": rank, "computeEnvironment": ref(f"{other}.id")} for rank, other in enumerate(used, 1)]
        inputs = {
            "priority": each["priority"],
            "state": "ENABLED" if each["enabled"] else "DISABLED",
            "computeEnvironmentOrder": order,
        }
        if each["policy"]:
            inputs["schedulingPolicyArn"] = ref("policy.id")
        if each["fixed"]:
            inputs["jobQueueName"] = f"fixed-{name}"
        things[name] = ("JobQueue", inputs)
    for name, each in sorted(program["definitions"].items()):
        inputs = {
            "type": "container",
            "containerProperties": {"image": each["image"], "resourceRequirements": SIZE},
            "tags": each["tags"],
        }
        if each["fixed"]:
            inputs["jobDefinitionName"] = f"fixed-{name}"
        things[name] = ("JobDefinition", inputs)
    return things


MADE_UP = (MADE_FOR, "uuid", "ecsClusterArn", "statusReason", "revision", "jobDefinitionArn", "LaunchTemplateName")
"""What AWS makes up, or counts, of each resource; and the mark of one that was made anew through a bridge, which stays
until its next change (decision 0304)."""


def account_of(stack: TestStack, world: World) -> dict[str, Any]:
    """What exists, logical name → description; ids and generated names replaced by the logical names.

    What exists and is in no state keeps AWS's own name, so that it cannot be overlooked.
    """
    batch, ec2 = stack.client("batch"), stack.client("ec2")
    states = world.states()
    logical = {str(state.id): name for name, state in states.items()}
    logical |= {str(state.id).rpartition("/")[2]: name for name, state in states.items()}
    found = {
        **{
            each["computeEnvironmentArn"]: each for each in batch.describe_compute_environments()["computeEnvironments"]
        },
        **{each["jobQueueArn"]: each for each in batch.describe_job_queues()["jobQueues"]},
    }
    arns = [each["arn"] for each in batch.list_scheduling_policies()["schedulingPolicies"]]
    if arns:
        found |= {each["arn"]: each for each in batch.describe_scheduling_policies(arns=arns)["schedulingPolicies"]}
    for each in sorted(
        batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"], key=lambda each: int(each["revision"])
    ):
        found[each["jobDefinitionArn"].rpartition(":")[0]] = each
    for each in ec2.describe_launch_templates()["LaunchTemplates"]:
        version = ec2.describe_launch_template_versions(
            LaunchTemplateId=each["LaunchTemplateId"], Versions=["$Latest"]
        )["LaunchTemplateVersions"][0]
        found[each["LaunchTemplateId"]] = {"data": version["LaunchTemplateData"], "tags": each.get("Tags", [])}

    def named(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {
                key: "some version" if key == "version" else named(each)
                for key, each in value.items()
                if key not in MADE_UP
            }
        if isinstance(value, list):
            return [named(each) for each in value]
        return logical.get(value, value) if isinstance(value, str) else value

    return {logical.get(key, key): named(each) for key, each in found.items()}


def check_change(first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    """Deploy one program, then the other, and compare with a fresh deployment of the other."""
    with tempfile.TemporaryDirectory() as folder:
        with local_stack(projections=False) as stack:
            world = World(Path(folder) / "changed", stack, things_of(first))
            world.up()
            world.things = things_of(second)
            try:
                world.up()
            except FindingsError as error:
                # A fixed name that would have to be replaced: said before anything is done, nothing was changed.
                assert all("has a fixed name" in each.message for each in error.findings)
                world.things = things_of(first)
                assert changes_of(world.preview(refresh=True)) == {}
                return
            assert world._deployment is not None
            assert find_damage(world._deployment._stack.store.load().resources) is None
            assert changes_of(world.preview()) == {}
            again = world.preview(refresh=True)
            assert changes_of(again) == {}
            assert [each.changes for each in again.drift if each.changes_something] == []
            changed = account_of(stack, world)
            world.destroy()
            assert account_of(stack, world) == {}
        with local_stack(projections=False) as stack:
            fresh = World(Path(folder) / "fresh", stack, things_of(second))
            fresh.up()
            assert changed == account_of(stack, fresh)


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(first=programs, second=programs)
def test_any_change_ends_as_a_fresh_deployment(first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    """Valid state, nothing left over, no further change and no drift, the account as a fresh deployment makes it."""
    check_change(first, second)


@pytest.mark.slow  # the same property, as often as it takes to meet rare pairs
@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(first=programs, second=programs)
def test_any_change_ends_as_a_fresh_deployment_many_times(first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    """As above."""
    check_change(first, second)


# -- the same in other words -------------------------------------------------------------------------------------------

TWO_IMAGES = [{"imageType": "ECS_AL2023"}, {"imageType": "ECS_AL2023_NVIDIA"}]
CONTAINER: dict[str, Any] = {
    "image": "busybox",
    "command": ["sh", "-c", "true"],
    "resourceRequirements": [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "512"}],
    "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}],
    "secrets": [
        {"name": "S", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s"},
        {"name": "T", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:t"},
    ],
    "ulimits": [
        {"name": "nofile", "softLimit": 1, "hardLimit": 2},
        {"name": "core", "softLimit": 0, "hardLimit": 0},
    ],
    "mountPoints": [
        {"containerPath": "/a", "sourceVolume": "a"},
        {"containerPath": "/b", "sourceVolume": "b"},
    ],
    "executionRoleArn": f"{IAM}role/execution",
}
VOLUMES = [{"name": "a", "host": {"sourcePath": "/a"}}, {"name": "b", "host": {"sourcePath": "/b"}}]
RETRY = {"attempts": 3, "evaluateOnExit": [{"action": "RETRY", "onStatusReason": "Host EC2*"}]}
EC2 = {
    "minvCpus": 0,
    "maxvCpus": 64,
    "instanceTypes": ["c5.large", "m5.large", "r5"],
    "instanceRole": f"{IAM}instance-profile/one",
    "subnets": ["subnet-11111111", "subnet-22222222"],
    "securityGroupIds": ["sg-11111111", "sg-22222222"],
}
TASK_CONTAINER = {key: value for key, value in CONTAINER.items() if key != "executionRoleArn"}
TASK: dict[str, Any] = {
    "containers": [
        {
            **TASK_CONTAINER,
            "name": "main",
            "dependsOn": [{"containerName": name, "condition": "START"} for name in ("side", "third")],
        },
        {"name": "side", "image": "busybox", "essential": False, "resourceRequirements": SIZE},
        {"name": "third", "image": "busybox", "resourceRequirements": SIZE},
    ],
    "executionRoleArn": f"{IAM}role/execution",
    "volumes": VOLUMES,
}
POD: dict[str, Any] = {
    "containers": [
        {
            "name": "main",
            "image": "busybox",
            "resources": {"limits": {"cpu": "1", "memory": "512Mi"}},
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "volumeMounts": [{"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/b"}],
        },
        {"name": "side", "image": "busybox", "resources": {"limits": {"cpu": "1", "memory": "512Mi"}}},
    ],
    "initContainers": [
        {
            "name": "first",
            "image": "busybox",
            "resources": {"limits": {"cpu": "1", "memory": "512Mi"}},
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        }
    ],
    "volumes": [{"name": "a", "hostPath": {"path": "/a"}}, {"name": "b", "hostPath": {"path": "/b"}}],
}


def nodes_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A definition of two nodes that run the same."""
    ranges = [{"targetNodes": "0:", **payload}]
    return {"type": "multinode", "nodeProperties": {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": ranges}}


SAID: Things = {
    "template": ("LaunchTemplate", {"launchTemplateData": {"ebsOptimized": True}}),
    "policy": (
        "SchedulingPolicy",
        {
            "fairsharePolicy": {
                "shareDistribution": [
                    {"shareIdentifier": "a", "weightFactor": 1},
                    {"shareIdentifier": "b", "weightFactor": 0.5},
                    {"shareIdentifier": "c"},
                ]
            }
        },
    ),
    "e0": (
        "ComputeEnvironment",
        {
            "type": "MANAGED",
            "computeResources": {
                **EC2,
                "type": "EC2",
                "allocationStrategy": "BEST_FIT_PROGRESSIVE",
                "launchTemplate": {"launchTemplateId": ref("template.id"), "version": "1"},
            },
            "tags": {"a": "1", "b": "2"},
        },
    ),
    "e1": (
        "ComputeEnvironment",
        {
            "type": "MANAGED",
            "computeResources": {**EC2, "type": "SPOT", "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED"},
        },
    ),
    "e2": ("ComputeEnvironment", {"type": "MANAGED", "computeResources": {**EC2, "type": "EC2"}}),
    "queue": (
        "JobQueue",
        {
            "priority": 1,
            "schedulingPolicyArn": ref("policy.id"),
            "computeEnvironmentOrder": [
                {"order": rank, "computeEnvironment": ref(f"{each}.id")} for rank, each in enumerate(["e0", "e1"], 1)
            ],
            "jobStateTimeLimitActions": [
                {"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL"}
                for reason in ("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
            ],
        },
    ),
    "container": (
        "JobDefinition",
        {
            "type": "container",
            "containerProperties": {**CONTAINER, "volumes": VOLUMES},
            "retryStrategy": RETRY,
            "timeout": {"attemptDurationSeconds": 600},
        },
    ),
    "task": ("JobDefinition", {"type": "container", "ecsProperties": {"taskProperties": [TASK]}}),
    "pod": ("JobDefinition", {"type": "container", "eksProperties": {"podProperties": POD}}),
    "nodes": ("JobDefinition", nodes_of({"container": {**CONTAINER, "volumes": VOLUMES}})),
    "nodes of tasks": ("JobDefinition", nodes_of({"ecsProperties": {"taskProperties": [TASK]}})),
    "nodes of pods": ("JobDefinition", nodes_of({"eksProperties": {"podProperties": POD}})),
}

Turn = Callable[[Things, Any], None]
"""(program, a function that draws from hypothesis) → changes the program's words in place."""


def _range_of(things: Things, name: str) -> dict[str, Any]:
    found: dict[str, Any] = things[name][1]["nodeProperties"]["nodeRangeProperties"][0]
    return found


def _each_single(things: Things) -> Iterator[dict[str, Any]]:
    """The containers that are alone, and say what concerns their task as well."""
    yield things["container"][1]["containerProperties"]
    yield _range_of(things, "nodes")["container"]


def _each_task(things: Things) -> Iterator[dict[str, Any]]:
    for holder in (things["task"][1], _range_of(things, "nodes of tasks")):
        yield from holder["ecsProperties"]["taskProperties"]


def _each_pod(things: Things) -> Iterator[dict[str, Any]]:
    for holder in (things["pod"][1], _range_of(things, "nodes of pods")):
        yield holder["eksProperties"]["podProperties"]


def _each_container(things: Things) -> Iterator[dict[str, Any]]:
    """The containers with everything that a container of ECS can say."""
    yield from _each_single(things)
    for task in _each_task(things):
        yield next(each for each in task["containers"] if each["name"] == "main")


def _each_pod_container(things: Things) -> Iterator[dict[str, Any]]:
    for pod in _each_pod(things):
        yield from (*pod["containers"], *pod["initContainers"])


def _each_resources(things: Things) -> Iterator[dict[str, Any]]:
    yield from (things[name][1]["computeResources"] for name in ("e0", "e1", "e2"))


def shuffled(things: Things, draw: Any) -> None:
    """Every list whose order means nothing, in another order."""
    for container in _each_container(things):
        for key in ("resourceRequirements", "environment", "secrets", "ulimits", "mountPoints", "volumes", "dependsOn"):
            if key in container:
                container[key] = draw(st.permutations(container[key]))
    for group in (*_each_task(things), *_each_pod(things)):
        for key in ("containers", "volumes"):
            group[key] = draw(st.permutations(group[key]))
    for container in _each_pod_container(things):
        for key in ("env", "volumeMounts"):
            if key in container:
                container[key] = draw(st.permutations(container[key]))
    for resources in _each_resources(things):
        for key in ("instanceTypes", "subnets", "securityGroupIds"):
            resources[key] = draw(st.permutations(resources[key]))
    queue = things["queue"][1]
    for key in ("computeEnvironmentOrder", "jobStateTimeLimitActions"):
        queue[key] = draw(st.permutations(queue[key]))
    fair = things["policy"][1]["fairsharePolicy"]
    fair["shareDistribution"] = draw(st.permutations(fair["shareDistribution"]))


def defaulted(things: Things, draw: Any) -> None:
    """AWS's defaults spelled out."""
    for name in ("e0", "e1", "e2"):
        if draw(st.booleans()):
            things[name][1].update(
                {
                    "state": "ENABLED",
                    "serviceRole": draw(st.sampled_from([SERVICE_LINKED, "AWSServiceRoleForBatch"])),
                    "updatePolicy": {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 30},
                    "drain": {"deadlineS": 1800, "onDeadline": "interrupt"},
                    "replaceThroughBridge": False,
                    "blueGreen": False,
                    "ecsSettings": {"containerInsights": "DISABLED"},
                }
            )
            things[name][1]["computeResources"]["updateToLatestImageVersion"] = False
    things["e1"][1]["computeResources"]["bidPercentage"] = 100
    things["e2"][1]["computeResources"]["allocationStrategy"] = "BEST_FIT"
    things["queue"][1]["state"] = "ENABLED"
    for container in _each_container(things):
        container |= {"privileged": False, "readonlyRootFilesystem": False}
        container["mountPoints"] = [{**each, "readOnly": False} for each in container["mountPoints"]]
    for container in _each_single(things):
        container["enableExecuteCommand"] = False
    for task in _each_task(things):
        task["enableExecuteCommand"] = False
        for container in task["containers"]:
            container.setdefault("essential", True)
    for pod in _each_pod(things):
        pod |= {"hostNetwork": True, "dnsPolicy": "ClusterFirst", "shareProcessNamespace": False}
    for container in _each_pod_container(things):
        container["securityContext"] = {"privileged": False, "readOnlyRootFilesystem": False}
        for mount in container.get("volumeMounts", ()):
            mount["readOnly"] = False
    for name in ("container", "task", "pod"):
        things[name][1]["propagateTags"] = False if name != "pod" else None
    things["container"][1]["platformCapabilities"] = ["EC2"]
    things["nodes"][1]["retryStrategy"] = {"attempts": 1}
    fair = things["policy"][1]["fairsharePolicy"]
    fair |= {"shareDecaySeconds": 0, "computeReservation": 0}
    for share in fair["shareDistribution"]:
        share.setdefault("weightFactor", 1)
    things["template"][1]["versionDescription"] = ""


def emptied(things: Things, draw: Any) -> None:
    """Null, an empty list and an empty mapping in the place of absence."""
    nothing = st.sampled_from([None, []])
    for container in _each_container(things):
        container["linuxParameters"] = draw(st.sampled_from([None, {}]))
        container["environment"] = [*container["environment"], {"name": "EMPTY", "value": ""}]
    for container in _each_pod_container(things):
        container["env"] = [*container.get("env", ()), {"name": "EMPTY", "value": ""}]
        container |= {"args": draw(nothing), "command": draw(nothing)}
    for group in (*_each_task(things), *_each_pod(things)):
        for container in group["containers"]:
            container.setdefault("command", draw(nothing))
    for resources in _each_resources(things):
        resources |= {
            "imageId": draw(st.sampled_from([None, ""])),
            "ec2KeyPair": draw(st.sampled_from([None, ""])),
            "placementGroup": draw(st.sampled_from([None, ""])),
            "tags": draw(st.sampled_from([None, {}])),
        }
    things["container"][1].update(parameters=draw(st.sampled_from([None, {}])), tags={})
    things["queue"][1].update(tags=draw(st.sampled_from([None, {}])), serviceEnvironmentOrder=draw(nothing))


def recased(things: Things, draw: Any) -> None:
    """Words that AWS reads in any case."""
    for retry in (things["container"][1]["retryStrategy"],):
        for rule in retry["evaluateOnExit"]:
            rule["action"] = draw(st.sampled_from(["retry", "Retry", "RETRY"]))


def renumbered(things: Things, draw: Any) -> None:
    """Numbers that mean their order, names for ARNs, a number as text."""
    order = things["queue"][1]["computeEnvironmentOrder"]
    start = draw(st.integers(0, 5))
    for each in order:
        name = each["computeEnvironment"]["$ref"].partition(".")[0]
        each["order"] = start + 2 * each["order"]
        if draw(st.booleans()):
            each["computeEnvironment"] = ref(f"{name}.computeEnvironmentName")
    version = things["e0"][1]["computeResources"]["launchTemplate"]
    version["version"] = draw(st.sampled_from(["1", "$Latest", "$Default", None]))


def deprecated(things: Things, draw: Any) -> None:
    """vcpus and memory in the place of two resourceRequirements."""
    for container in _each_single(things):
        if draw(st.booleans()):
            container |= {"resourceRequirements": draw(st.sampled_from([None, []])), "vcpus": 2, "memory": 512}


TURNS: tuple[Turn, ...] = (renumbered, shuffled, defaulted, emptied, recased, deprecated)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Everything deployed as it is said first."""
    with local_stack(projections=False) as stack:
        world = World(tmp_path_factory.mktemp("said"), stack, SAID)
        world.up()
        yield world


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_same_in_other_words_is_no_change(said: World, data: st.DataObject) -> None:
    """Shuffled, defaulted, emptied, re-cased, renumbered, in deprecated fields, in any mixture: an empty preview."""
    things = copy.deepcopy(SAID)
    # Some values stand in several places of SAID; each is to be said in its own way.
    things = {name: (kind, copy.deepcopy(inputs)) for name, (kind, inputs) in things.items()}
    for turn in data.draw(
        st.lists(st.sampled_from(TURNS), unique=True).map(lambda some: sorted(some, key=TURNS.index))
    ):
        turn(things, data.draw)
    said.things = things
    plan = said.preview()
    assert changes_of(plan) == {}


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_said_in_other_words_is_read_as_no_drift(said: World, data: st.DataObject) -> None:
    """A deployment in any of these words finds nothing changed outside."""
    things = {name: (kind, copy.deepcopy(inputs)) for name, (kind, inputs) in SAID.items()}
    for turn in TURNS:
        turn(things, data.draw)
    said.things = things
    said.up()
    again = said.preview(refresh=True)
    assert changes_of(again) == {}
    assert [each.changes for each in again.drift if each.changes_something] == []


def test_a_word_that_means_something_else_is_a_change(said: World) -> None:
    """The words above are no change because they mean the same, not because nothing is looked at."""
    things = {name: (kind, copy.deepcopy(inputs)) for name, (kind, inputs) in SAID.items()}
    for turn in (things["container"][1]["containerProperties"], things["e0"][1]["computeResources"]):
        turn |= {"image": "other"} if "image" in turn else {"instanceTypes": ["c5.large"]}
    things["queue"][1]["computeEnvironmentOrder"] = things["queue"][1]["computeEnvironmentOrder"][:1]
    said.things = things
    assert set(changes_of(said.preview())) == {"container", "e0", "queue"}
