"""Job definitions: what is the same, what is a new revision, which revisions stay."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchiac.model.handler import Effect
from batchiac.provider.difference import differences
from batchiac.provider.normalise import normal

FULL: dict[str, Any] = {
    "type": "container",
    "containerProperties": {
        "image": "busybox",
        "command": ["sh", "-c", "true"],
        "resourceRequirements": [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "512"}],
        "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}],
        "secrets": [{"name": "S", "valueFrom": "arn:s"}, {"name": "T", "valueFrom": "arn:t"}],
        "ulimits": [
            {"name": "nofile", "softLimit": 1, "hardLimit": 2},
            {"name": "core", "softLimit": 0, "hardLimit": 0},
        ],
    },
    "retryStrategy": {"attempts": 3, "evaluateOnExit": [{"action": "RETRY", "onStatusReason": "Host EC2*"}]},
    "timeout": {"attemptDurationSeconds": 600},
}

SAME = {
    "environment in another order": lambda c: c["containerProperties"]["environment"].reverse(),
    "requirements in another order": lambda c: c["containerProperties"]["resourceRequirements"].reverse(),
    "secrets in another order": lambda c: c["containerProperties"]["secrets"].reverse(),
    "ulimits in another order": lambda c: c["containerProperties"]["ulimits"].reverse(),
    "an empty list for nothing": lambda c: c["containerProperties"].update(volumes=[], mountPoints=None),
    "a variable with an empty value": lambda c: c["containerProperties"]["environment"].append(
        {"name": "E", "value": ""}
    ),
    "AWS's default spelled out": lambda c: c.update(propagateTags=False, platformCapabilities=["EC2"]),
    "false for nothing": lambda c: c["containerProperties"].update(privileged=False, readonlyRootFilesystem=False),
    "an action in lower case": lambda c: c["retryStrategy"]["evaluateOnExit"][0].update(action="retry"),
    "a number with a fraction of zero": lambda c: [
        each.update(value=f"{each['value']}.0") for each in c["containerProperties"]["resourceRequirements"]
    ],
    "the deprecated fields": lambda c: c["containerProperties"].update(resourceRequirements=[], vcpus=2, memory=512),
}

OTHER = {
    "another command order": lambda c: c["containerProperties"]["command"].reverse(),
    "another value": lambda c: c["containerProperties"]["environment"][0].update(value="9"),
    "more memory": lambda c: c["containerProperties"]["resourceRequirements"][1].update(value="513"),
    "another rule": lambda c: c["retryStrategy"]["evaluateOnExit"][0].update(action="EXIT"),
    "privileged": lambda c: c["containerProperties"].update(privileged=True),
    "no timeout": lambda c: c.pop("timeout"),
}


_SIDE = {"name": "side", "image": "busybox", "essential": False}
TASK: dict[str, Any] = {
    "containers": [
        {
            "name": "main",
            **FULL["containerProperties"],
            "dependsOn": [
                {"containerName": "side", "condition": "START"},
                {"containerName": "third", "condition": "START"},
            ],
        },
        {**_SIDE, "resourceRequirements": FULL["containerProperties"]["resourceRequirements"]},
        {**_SIDE, "name": "third", "essential": True},
    ],
    "volumes": [{"name": "a", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}, {"name": "b"}],
}
POD: dict[str, Any] = {
    "containers": [
        {
            "name": "main",
            "image": "busybox",
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "resources": {"limits": {"cpu": "1", "memory": "512Mi"}},
            "volumeMounts": [{"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/b"}],
        },
        {"name": "side", "image": "busybox"},
    ],
    "initContainers": [
        {"name": "first", "image": "busybox", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        {"name": "second", "image": "busybox"},
    ],
    "volumes": [
        {"name": "a", "persistentVolumeClaim": {"claimName": "x"}},
        {"name": "b", "emptyDir": {"sizeLimit": "1Mi"}},
    ],
}


def _of_name(listed: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(each for each in listed if each["name"] == name)


def _main(whole: dict[str, Any]) -> dict[str, Any]:
    """The main container, wherever it stands by now."""
    return whole["containerProperties"] if "containerProperties" in whole else _of_name(whole["containers"], "main")


SAME_TASK = {
    "containers in another order": lambda t: t["containers"].reverse(),
    "a container's environment in another order": lambda t: _main(t)["environment"].reverse(),
    "a container's requirements in another order": lambda t: _main(t)["resourceRequirements"].reverse(),
    "dependencies in another order": lambda t: _main(t)["dependsOn"].reverse(),
    "essential spelled out": lambda t: [each.setdefault("essential", True) for each in t["containers"]],
    "empty lists": lambda t: [
        each.setdefault(key, [])
        for each in t["containers"]
        for key in ("dependsOn", "mountPoints", "secrets", "ulimits")
    ],
    "a container's variable with an empty value": lambda t: _main(t)["environment"].append({"name": "E", "value": ""}),
    "the task's defaults spelled out": lambda t: t.update(
        platformVersion="LATEST",
        networkConfiguration={"assignPublicIp": "DISABLED"},
        runtimePlatform={"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"},
        enableExecuteCommand=False,
    ),
    "volumes in another order, defaults spelled out": lambda t: (
        _of_name(t["volumes"], "a")["efsVolumeConfiguration"].update(transitEncryption="DISABLED", rootDirectory="/"),
        t["volumes"].reverse(),
    ),
}
OTHER_TASK = {
    "a container that is not essential": lambda t: t["containers"][0].update(essential=False),
    "a fixed platform": lambda t: t.update(platformVersion="1.4.0"),
    "another condition": lambda t: t["containers"][0]["dependsOn"][0].update(condition="COMPLETE"),
    "another variable": lambda t: t["containers"][0]["environment"][0].update(value="9"),
    "encryption": lambda t: t["volumes"][0]["efsVolumeConfiguration"].update(transitEncryption="ENABLED"),
}
SAME_POD = {
    "containers in another order": lambda p: p["containers"].reverse(),
    "variables in another order": lambda p: (
        _main(p)["env"].reverse(),
        _of_name(p["initContainers"], "first")["env"].reverse(),
    ),
    "a variable with an empty value": lambda p: _main(p)["env"].append({"name": "E", "value": ""}),
    "mounts in another order, not read-only": lambda p: (
        _of_name(_main(p)["volumeMounts"], "a").update(readOnly=False),
        _main(p)["volumeMounts"].reverse(),
    ),
    "volumes in another order": lambda p: p["volumes"].reverse(),
    "the pod's defaults spelled out": lambda p: p.update(
        hostNetwork=True, dnsPolicy="ClusterFirst", shareProcessNamespace=False
    ),
    "empty lists": lambda p: (
        p.update(imagePullSecrets=[]),
        [each.setdefault(key, []) for each in p["containers"] for key in ("args", "command", "env", "volumeMounts")],
    ),
    "not privileged": lambda p: _main(p).update(securityContext={"privileged": False, "readOnlyRootFilesystem": False}),
    "a number with a fraction of zero": lambda p: _main(p)["resources"]["limits"].update(cpu="1.0"),
}
OTHER_POD = {
    "a network of its own": lambda p: p.update(hostNetwork=False),
    "another policy": lambda p: p.update(dnsPolicy="ClusterFirstWithHostNet"),
    "init containers in another order": lambda p: p["initContainers"].reverse(),
    "arguments": lambda p: p["containers"][0].update(args=["x"]),
    "an init container's variable": lambda p: p["initContainers"][0]["env"][0].update(value="9"),
}


def _of_nodes(payload: dict[str, Any]) -> dict[str, Any]:
    ranges = [{"targetNodes": "0:", **payload}]
    return {"type": "multinode", "nodeProperties": {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": ranges}}


def _of_a_task(task: dict[str, Any]) -> dict[str, Any]:
    return {"ecsProperties": {"taskProperties": [task]}}


def _of_a_pod(pod: dict[str, Any]) -> dict[str, Any]:
    return {"eksProperties": {"podProperties": pod}}


Turn = Callable[[dict[str, Any]], Any]

FORMS: dict[
    str, tuple[dict[str, Any], Callable[[dict[str, Any]], dict[str, Any]], dict[str, Turn], dict[str, Turn]]
] = {
    "container": (FULL, lambda whole: whole, SAME, OTHER),
    "task": (TASK, lambda task: {"type": "container", **_of_a_task(task)}, SAME_TASK, OTHER_TASK),
    "pod": (POD, lambda pod: {"type": "container", **_of_a_pod(pod)}, SAME_POD, OTHER_POD),
    "nodes of a container": (
        {"containerProperties": FULL["containerProperties"]},
        lambda whole: _of_nodes({"container": whole["containerProperties"]}),
        {name: SAME[name] for name in SAME if name not in ("AWS's default spelled out", "an action in lower case")},
        {name: OTHER[name] for name in ("another command order", "another value", "more memory", "privileged")},
    ),
    "nodes of a task": (TASK, lambda task: _of_nodes(_of_a_task(task)), SAME_TASK, OTHER_TASK),
    "nodes of a pod": (POD, lambda pod: _of_nodes(_of_a_pod(pod)), SAME_POD, OTHER_POD),
}
"""Form → what its spellings change, the definition around it, spellings that mean the same, and others."""


def _found(form: str, changed: dict[str, Any]) -> list[Any]:
    first, whole = FORMS[form][:2]
    return list(differences(normal("JobDefinition", whole(first)), normal("JobDefinition", whole(changed))))


@pytest.mark.parametrize(("form", "name"), [(form, name) for form in FORMS for name in FORMS[form][2]])
def test_pain_a_diff_for_ever(form: str, name: str) -> None:
    """terraform-provider-aws#19180, #19624, #26960: another spelling of the same is no change, in any form."""
    changed = copy.deepcopy(FORMS[form][0])
    FORMS[form][2][name](changed)
    assert changed != FORMS[form][0]
    assert _found(form, changed) == []


@pytest.mark.parametrize(("form", "name"), [(form, name) for form in FORMS for name in FORMS[form][3]])
def test_a_real_change_is_seen(form: str, name: str) -> None:
    """What means something else is a difference."""
    changed = copy.deepcopy(FORMS[form][0])
    FORMS[form][3][name](changed)
    assert _found(form, changed) != []


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), form=st.sampled_from(sorted(FORMS)), really=st.booleans())
def test_any_mixture_of_spellings_is_the_same(data: st.DataObject, form: str, really: bool) -> None:
    """However many spellings are mixed, only a real change is a difference, and normal form is its own normal form."""
    first, whole, same = FORMS[form][:3]
    changed = copy.deepcopy(first)
    for name in data.draw(st.lists(st.sampled_from(sorted(same)), unique=True)):
        same[name](changed)
    if really:
        _main(changed)["image"] = "other"
    assert bool(_found(form, changed)) is really
    once = normal("JobDefinition", whole(changed))
    assert normal("JobDefinition", once) == once


@pytest.mark.parametrize("form", FORMS)
def test_a_definition_reads_as_it_was_declared(world: Any, form: str) -> None:
    """What AWS adds, fills in and drops in its answer is no drift, and an import writes none of it."""
    first, whole = FORMS[form][:2]
    held = world.make("JobDefinition", "it", **whole(copy.deepcopy(first)))
    read = held.handler.read(held.id, held.outputs)
    assert read.inputs == held.inputs
    assert held.handler.diff(read.outputs, held.inputs).changes == ()
    described = held.handler.describe(held.id).inputs
    assert held.handler.diff({**held.outputs, **described}, held.inputs).changes == ()
    assert "hostNetwork" not in str(described) and "'essential': True" not in str(described)


def test_pain_the_revision_lags_one_behind(deployed: Any, container: dict[str, Any]) -> None:
    """terraform-provider-aws#36824, #39795: outputs are those of the revision just registered, tags included."""
    held = deployed.held["job"]
    before = held.id
    deployed.update(held, tags={"team": "x"})
    assert held["revision"] == 1
    (change,) = deployed.diff(held, containerProperties={**container, "image": "other"}).changes
    assert change.effect is Effect.NEW_REVISION
    deployed.update(held, containerProperties={**container, "image": "other"})
    assert (held.id, held["revision"]) == (before, 2)
    assert held["jobDefinitionArn"] == f"{held.id}:2"
    found = deployed.stack.client("batch").describe_job_definitions(jobDefinitions=[held["jobDefinitionArn"]])
    assert found["jobDefinitions"][0]["tags"] == {"team": "x"}
    assert held.handler.read(held.id, held.outputs).outputs == held.outputs


def test_pain_old_revisions_under_running_clients(deployed: Any, container: dict[str, Any]) -> None:
    """coverage-roadmap#1761: the last N stay active, and one that an open job uses stays whatever its age."""
    held = deployed.held["job"]
    batch = deployed.stack.client("batch")
    first = held["jobDefinitionArn"]
    job = batch.submit_job(jobName="j", jobQueue=deployed.held["queue"].id, jobDefinition=first)["jobId"]
    for index in range(4):
        deployed.update(held, containerProperties={**container, "image": f"image{index}"}, keepRevisions=2)
    active = batch.describe_job_definitions(jobDefinitionName=held["jobDefinitionName"], status="ACTIVE")
    assert {each["revision"] for each in active["jobDefinitions"]} == {1, 4, 5}
    batch.terminate_job(jobId=job, reason="enough")
    deployed.stack.clock.run_until_idle()
    deployed.update(held, containerProperties={**container, "image": "last"}, keepRevisions=2)
    active = batch.describe_job_definitions(jobDefinitionName=held["jobDefinitionName"], status="ACTIVE")
    assert {each["revision"] for each in active["jobDefinitions"]} == {5, 6}


def test_drift_of_a_revision_registered_outside_is_shown(deployed: Any, container: dict[str, Any]) -> None:
    """A revision that someone else registered is what floating references get: read shows it, property by property."""
    held = deployed.held["job"]
    deployed.stack.client("batch").register_job_definition(
        jobDefinitionName=held["jobDefinitionName"],
        type="container",
        containerProperties={**container, "image": "theirs"},
    )
    read = held.handler.read(held.id, held.outputs)
    assert read.outputs["revision"] == 2
    (change,) = held.handler.diff(read.outputs, held.inputs).changes
    assert (change.path, change.old, change.new) == ("containerProperties.image", "theirs", "busybox")
