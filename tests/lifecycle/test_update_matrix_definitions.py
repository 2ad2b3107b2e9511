"""Every property of a job definition, changed under 50 running jobs: a new revision, and no job notices.

Each payload (container, Fargate, ECS task, pod, nodes) is declared with everything that it can carry, and its leaves
are changed one after another. The leaves are botocore's: one that no payload carries fails the test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from batch_world import World, changes_of, ref
from test_update_matrix import CONTAINER, EC2, IAM, assert_settled, paths_of_the_api

from batchiac.model.handler import Effect
from batchiac.provider.job_definition import JobDefinition
from batchiac.testing import local_stack

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"
SIZE = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
LINUX = {
    "devices": [{"hostPath": "/dev/fuse", "containerPath": "/dev/fuse", "permissions": ["READ"]}],
    "initProcessEnabled": True,
    "sharedMemorySize": 64,
    "tmpfs": [{"containerPath": "/scratch", "size": 64, "mountOptions": ["rw"]}],
    "maxSwap": 1024,
    "swappiness": 50,
}
EFS = {
    "fileSystemId": "fs-12345678",
    "transitEncryptionPort": 2999,
    "transitEncryption": "ENABLED",
    "authorizationConfig": {"accessPointId": "fsap-12345678", "iam": "ENABLED"},
}
S3_FILES = {
    "fileSystemArn": "arn:aws:s3files:us-east-1:123456789012:file-system/fs-12345678",
    "rootDirectory": "/",
    "transitEncryptionPort": 2998,
    "accessPointArn": "arn:aws:s3files:us-east-1:123456789012:file-system/fs-12345678/access-point/fsap-1",
}
VOLUMES = [
    {
        "name": "plain",
        "efsVolumeConfiguration": {
            "fileSystemId": "fs-12345678",
            "rootDirectory": "/a",
            "transitEncryption": "ENABLED",
        },
    },
    {"name": "efs", "efsVolumeConfiguration": EFS},
    {"name": "host", "host": {"sourcePath": "/data"}},
    {"name": "s3", "s3filesVolumeConfiguration": S3_FILES},
]
RUNS: dict[str, Any] = {
    "image": "busybox",
    "command": ["true"],
    "environment": [{"name": "A", "value": "1"}],
    "mountPoints": [{"containerPath": "/data", "readOnly": True, "sourceVolume": "host"}],
    "readonlyRootFilesystem": True,
    "privileged": True,
    "ulimits": [{"name": "nofile", "softLimit": 10, "hardLimit": 20}],
    "user": "nobody",
    "resourceRequirements": SIZE,
    "linuxParameters": LINUX,
    "logConfiguration": {
        "logDriver": "splunk",
        "options": {"splunk-url": "https://splunk"},
        "secretOptions": [{"name": "splunk-token", "valueFrom": SECRET + "one"}],
    },
    "secrets": [{"name": "S", "valueFrom": SECRET + "one"}],
    "repositoryCredentials": {"credentialsParameter": SECRET + "registry"},
}
"""What a container of ECS can carry, alone or in a task."""
WHOLE_CONTAINER: dict[str, Any] = {
    **RUNS,
    "volumes": VOLUMES,
    "jobRoleArn": f"{IAM}role/job",
    "executionRoleArn": f"{IAM}role/execution",
    "enableExecuteCommand": True,
}
DEPRECATED = {"image": "busybox", "vcpus": 1, "memory": 2048}
FARGATE = {
    "image": "busybox",
    "executionRoleArn": f"{IAM}role/execution",
    "resourceRequirements": SIZE,
    "networkConfiguration": {"assignPublicIp": "ENABLED"},
    "fargatePlatformConfiguration": {"platformVersion": "1.4.0"},
    "ephemeralStorage": {"sizeInGiB": 30},
    "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
}
SIDECAR = {"name": "side", "image": "busybox", "essential": False, "resourceRequirements": SIZE}
TASK: dict[str, Any] = {
    "containers": [
        {
            **RUNS,
            "name": "main",
            "essential": True,
            "dependsOn": [{"containerName": "side", "condition": "START"}],
            "startTimeout": 10,
            "stopTimeout": 10,
        },
        {**SIDECAR, "firelensConfiguration": {"type": "fluentd", "options": {"a": "1"}}},
        {**SIDECAR, "name": "third"},
        {**SIDECAR, "name": "fourth", "essential": True},
    ],
    "executionRoleArn": f"{IAM}role/execution",
    "taskRoleArn": f"{IAM}role/job",
    "ipcMode": "task",
    "pidMode": "task",
    "volumes": VOLUMES,
    "enableExecuteCommand": True,
}
FARGATE_TASK = {
    "containers": [{**SIDECAR, "name": "main", "essential": True}],
    "executionRoleArn": f"{IAM}role/execution",
    "platformVersion": "1.4.0",
    "networkConfiguration": {"assignPublicIp": "ENABLED"},
    "ephemeralStorage": {"sizeInGiB": 30},
    "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
}
POD_CONTAINER: dict[str, Any] = {
    "name": "main",
    "image": "busybox",
    "imagePullPolicy": "Always",
    "command": ["sh"],
    "args": ["-c"],
    "env": [{"name": "A", "value": "1"}],
    "resources": {
        "limits": {"cpu": "1", "memory": "2048Mi"},
        "requests": {"cpu": "1", "memory": "2048Mi"},
    },
    "volumeMounts": [{"name": "host", "mountPath": "/data", "subPath": "a", "readOnly": True}],
    "securityContext": {
        "runAsUser": 1000,
        "runAsGroup": 1000,
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]},
        "seccompProfile": {"localhostProfile": "one.json", "type": "Localhost"},
    },
}
POD: dict[str, Any] = {
    "serviceAccountName": "worker",
    "hostNetwork": True,
    "dnsPolicy": "Default",
    "imagePullSecrets": [{"name": "one"}],
    "containers": [POD_CONTAINER],
    "initContainers": [{**POD_CONTAINER, "name": "first"}],
    "volumes": [
        {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        {"name": "host", "hostPath": {"path": "/data"}},
        {"name": "secret", "secret": {"secretName": "one", "optional": True}},
        {"name": "claim", "persistentVolumeClaim": {"claimName": "one", "readOnly": True}},
    ],
    "metadata": {"labels": {"a": "1"}, "annotations": {"a": "1"}, "namespace": "batch"},
    "shareProcessNamespace": True,
    "securityContext": {
        "runAsUser": 1000,
        "runAsGroup": 1000,
        "runAsNonRoot": True,
        "fsGroup": 1000,
        "seccompProfile": {"localhostProfile": "one.json", "type": "Localhost"},
    },
}
CONSUMES = {"consumableResourceList": [{"consumableResource": "licences", "quantity": 1}]}
SHARED: dict[str, Any] = {
    "parameters": {"a": "1"},
    "schedulingPriority": 1,
    "retryStrategy": {
        "attempts": 2,
        "evaluateOnExit": [{"onStatusReason": "Host EC2*", "onReason": "a*", "onExitCode": "1", "action": "RETRY"}],
    },
    "propagateTags": True,
    "timeout": {"attemptDurationSeconds": 600},
    "tags": {"team": "a"},
    "keepRevisions": 3,
    "consumableResourceProperties": CONSUMES,
}


def nodes(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A definition of two nodes that run this payload."""
    ranges = [{"targetNodes": "0:", **payload, "consumableResourceProperties": CONSUMES}]
    return {"type": "multinode", "nodeProperties": {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": ranges}}


PAYLOADS: Mapping[str, Mapping[str, Any]] = {
    "container": {"type": "container", **SHARED, "containerProperties": WHOLE_CONTAINER},
    "deprecated": {"type": "container", "containerProperties": DEPRECATED},
    "either": {
        "type": "container",
        "platformCapabilities": ["EC2"],
        "containerProperties": {
            "image": "busybox",
            "executionRoleArn": f"{IAM}role/execution",
            "resourceRequirements": SIZE,
        },
    },
    "fargate": {"type": "container", "platformCapabilities": ["FARGATE"], "containerProperties": FARGATE},
    "task": {"type": "container", "ecsProperties": {"taskProperties": [TASK]}},
    "fargate task": {
        "type": "container",
        "platformCapabilities": ["FARGATE"],
        "ecsProperties": {"taskProperties": [FARGATE_TASK]},
    },
    "pod": {"type": "container", "eksProperties": {"podProperties": POD}},
    "nodes": nodes({"container": {**WHOLE_CONTAINER, "instanceType": "m5.large"}}),
    "deprecated nodes": nodes({"container": DEPRECATED}),
    "nodes of tasks": nodes({"instanceTypes": ["m5.large"], "ecsProperties": {"taskProperties": [TASK]}}),
    "nodes of pods": nodes({"eksProperties": {"podProperties": POD}}),
}

NEW: tuple[tuple[str, Any], ...] = (
    ("mountPoints.sourceVolume", "efs"),
    ("volumeMounts.name", "secret"),
    ("dependsOn.containerName", "third"),
    ("dependsOn.condition", "COMPLETE"),
    ("ulimits.name", "nproc"),
    ("devices.permissions", ["READ", "WRITE"]),
    ("tmpfs.mountOptions", ["rw", "noexec"]),
    ("logConfiguration.logDriver", "awsfirelens"),
    ("resourceRequirements.value", "2"),
    ("Version", "LATEST"),
    ("assignPublicIp", "DISABLED"),
    ("cpuArchitecture", "X86_64"),
    ("operatingSystemFamily", "WINDOWS_SERVER_2019_CORE"),
    ("transitEncryption", "DISABLED"),
    ("authorizationConfig.iam", "DISABLED"),
    ("onStatusReason", "Task*"),
    ("onReason", "b*"),
    ("evaluateOnExit.action", "EXIT"),
    ("platformCapabilities", ["EC2", "FARGATE"]),
    ("targetNodes", "0:2"),
    ("instanceTypes", ["m5.xlarge"]),
    ("container.instanceType", "m5.xlarge"),
    ("firelensConfiguration.type", "fluentbit"),
    ("ipcMode", "host"),
    ("pidMode", "host"),
    ("dnsPolicy", "ClusterFirst"),
    ("imagePullPolicy", "Never"),
    ("resources.limits", {"cpu": "2", "memory": "2048Mi"}),
    ("resources.requests", {"cpu": "0.5", "memory": "2048Mi"}),
    ("capabilities.add", ["NET_ADMIN", "SYS_TIME"]),
    ("capabilities.drop", ["ALL", "MKNOD"]),
    ("seccompProfile.type", "RuntimeDefault"),
    ("emptyDir.medium", ""),
    ("emptyDir.sizeLimit", "128Mi"),
)
"""(end of a path, another valid value) where the type's own rule, `other`, gives none."""


def concrete(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path with indices, value) of every leaf as botocore's shapes count them; a free mapping is one leaf."""
    if isinstance(value, Mapping) and not re.search(
        r"(parameters|tags|options|labels|annotations|limits|requests)$", path
    ):
        for key, each in value.items():
            yield from concrete(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for index, each in enumerate(value):
            yield from concrete(each, f"{path}[{index}]")
    else:
        yield path, value


def bare(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path)


def leaves_of(payload: Mapping[str, Any]) -> dict[str, str]:
    """API path → the first place in the payload that has it."""
    found: dict[str, str] = {}
    for path, _ in concrete(payload):
        found.setdefault(bare(path), path)
    return found


def other(path: str, value: Any) -> Any:
    """Another valid value for this place."""
    for end, new in NEW:
        if bare(path).endswith(end):
            return new
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + "2"
    if isinstance(value, list):
        return [*value, "more"]
    return {**value, "more": "2"}


def put(value: Any, path: str, new: Any) -> None:
    """Set the place with indices, in place."""
    *way, last = re.findall(r"[^.\[\]]+", path)
    for key in way:
        value = value[int(key)] if isinstance(value, list) else value[key]
    value[int(last) if isinstance(value, list) else last] = new


def get(value: Any, path: str) -> Any:
    for key in re.findall(r"[^.\[\]]+", path):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


SWAPPED = ("jobDefinitionName", "type")
"""What cannot change alone: `test_name_and_type` changes them."""

NOT_CARRIED: Mapping[str, str] = {
    "resourceRequirements.type": "a requirement of another type is another entry: test_requirements_by_type",
    "containerProperties.instanceType": "of multi-node definitions only",
    "networkMode": "host is its one value",
    **dict.fromkeys(
        (
            "container.networkConfiguration.assignPublicIp",
            "container.fargatePlatformConfiguration.platformVersion",
            "container.ephemeralStorage.sizeInGiB",
            "container.runtimePlatform.operatingSystemFamily",
            "container.runtimePlatform.cpuArchitecture",
        ),
        "of Fargate, which runs no multi-node job",
    ),
}
"""Ends of paths that no payload changes, with the reason."""

GROUP = 8
"""So many leaves are changed at once; each of them has to show in the plan."""


def changeable(payload: Mapping[str, Any]) -> dict[str, str]:
    return {
        path: place
        for path, place in leaves_of(payload).items()
        if path not in SWAPPED and not path.endswith(tuple(NOT_CARRIED)) and not path.endswith("requestedBy")
    }


def test_every_property_of_a_definition_is_changed() -> None:
    """What RegisterJobDefinition takes, and what is ours, is carried by some payload."""
    carried = {path for payload in PAYLOADS.values() for path in changeable(payload)}
    api = paths_of_the_api("RegisterJobDefinition")
    fargate_only = ("networkConfiguration.", "runtimePlatform.", "ephemeralStorage.", "platformVersion")
    missing = {
        path
        for path in api - carried - set(SWAPPED)
        if not path.endswith(tuple(NOT_CARRIED))
        and not (path.startswith("nodeProperties.") and any(each in path for each in fargate_only))
    }
    assert missing == set()
    assert carried - api == set(JobDefinition.own_inputs)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An environment and a queue, 50 jobs of a definition running."""
    things = {
        "work": ("ComputeEnvironment", {"type": "MANAGED", "computeResources": EC2}),
        "queue": (
            "JobQueue",
            {"priority": 1, "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": ref("work.id")}]},
        ),
        "job": ("JobDefinition", dict(CONTAINER)),
    }
    with local_stack(projections=False) as stack:
        world = World(tmp_path, stack, things)
        world.up()
        yield world


def run_jobs(world: World) -> dict[str, Any]:
    ids = world.submit(50, "queue", "job", 10**6)
    world.run_until(ids)
    return world.jobs(ids)


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_change_is_a_new_revision_and_no_job_notices(world: World, name: str) -> None:
    """Each leaf shows in the plan, the revision goes up by one, Describe has the value, running jobs keep theirs."""
    jobs = run_jobs(world)
    # Not deepcopy: parts that stand in several places are to be changed in one.
    definition = json.loads(json.dumps(PAYLOADS[name]))
    world.things["subject"] = ("JobDefinition", definition)
    world.up()
    prefix = world.id("subject")
    names = list(PAYLOADS)
    seen = {path for each in names[: names.index(name)] for path in changeable(PAYLOADS[each])}
    places = [(path, place) for path, place in changeable(definition).items() if path not in seen]
    revision = 1
    for start in range(0, len(places), GROUP):
        group = places[start : start + GROUP]
        for _, place in group:
            put(definition, place, other(place, get(definition, place)))
            if place.endswith("seccompProfile.type"):
                del get(definition, place.removesuffix(".type"))["localhostProfile"]
        said = changes_of(world.preview())["subject"]
        shown = {shown_as(each.path) for each in said.changes}
        # What goes back to AWS's default can take the mapping that holds it along.
        unseen = {shown_as(path) for path, _ in group if not shown & {*upwards(shown_as(path))}}
        assert unseen == set()
        ours = {path for path, _ in group} & {"tags", "keepRevisions"}
        assert (said.op, said.replaces) == ("update", ())
        assert said.effects == ({Effect.NEW_REVISION, Effect.IN_PLACE} if ours else {Effect.NEW_REVISION})
        world.up()
        revision += 1
        outputs = world.outputs("subject")
        assert (world.id("subject"), outputs["revision"]) == (prefix, revision)
        assert outputs["jobDefinitionArn"] == f"{prefix}:{revision}"
        (described,) = world.batch.describe_job_definitions(jobDefinitions=[outputs["jobDefinitionArn"]])[
            "jobDefinitions"
        ]
        assert described["status"] == "ACTIVE"
        assert described.get("tags", {}) == definition.get("tags", {})
        assert_settled(world)
    assert world.jobs(jobs) == jobs


def upwards(path: str) -> Iterator[str]:
    """The path, and what holds it, up to two steps."""
    yield path
    for _ in range(2):
        path = path.rpartition(".")[0]
        yield path


def shown_as(path: str) -> str:
    """Where a plan shows a leaf: the deprecated sizes as requirements, free mappings and lists as wholes."""
    path = bare(path)
    path = re.sub(r"(containerProperties|container)\.(vcpus|memory)$", r"\1.resourceRequirements.value", path)
    return re.sub(r"\.?(parameters|tags|options|labels|annotations|limits|requests)\.[^.]+$", r".\1", path).lstrip(".")


def test_name_and_type(world: World) -> None:
    """Another name is a replacement; another type, with what it needs, a new revision."""
    jobs = run_jobs(world)
    world.things["subject"] = ("JobDefinition", {**CONTAINER, "jobDefinitionName": "one"})
    world.up()
    world.things["subject"] = ("JobDefinition", {**PAYLOADS["nodes"], "jobDefinitionName": "one"})
    said = changes_of(world.preview())["subject"]
    assert (said.op, said.effects) == ("update", {Effect.NEW_REVISION})
    world.up()
    assert world.outputs("subject")["revision"] == 2
    assert_settled(world)
    world.inputs("subject")["jobDefinitionName"] = "two"
    said = changes_of(world.preview())["subject"]
    assert (said.op, said.replaces) == ("replace", ("jobDefinitionName",))
    world.up()
    assert world.outputs("subject")["jobDefinitionArn"].endswith("job-definition/two:1")
    active = world.batch.describe_job_definitions(jobDefinitionName="one", status="ACTIVE")["jobDefinitions"]
    assert active == []
    assert_settled(world)
    assert world.jobs(jobs) == jobs


def test_requirements_by_type(world: World) -> None:
    """A requirement of another type is a new revision; it goes again with another."""
    jobs = run_jobs(world)
    requirements = world.inputs("job")["containerProperties"]["resourceRequirements"]
    requirements.append({"type": "GPU", "value": "1"})
    for revision in (2, 3):
        said = changes_of(world.preview())["job"]
        assert {shown_as(each.path) for each in said.changes} >= {"containerProperties.resourceRequirements.type"}
        assert said.effects == {Effect.NEW_REVISION}
        world.up()
        assert world.outputs("job")["revision"] == revision
        assert_settled(world)
        requirements.pop()
    assert world.jobs(jobs) == jobs
