"""What each row about a job definition accepts, rejects, and where it does not apply.

`CASES[id] = (accepted, rejected, not applicable)`, each a list of RegisterJobDefinition inputs.
"""

from __future__ import annotations

import copy
from typing import Any

Inputs = dict[str, Any]

VCPU = {"type": "VCPU", "value": "1"}
MEMORY = {"type": "MEMORY", "value": "2048"}
ROLE = "arn:aws:iam::123456789012:role/execution"
ACTION = {"action": "RETRY", "onReason": "*"}


def need(vcpus: str | None = "1", mib: str | None = "2048", gpus: str | None = None) -> list[dict[str, str]]:
    """Resource requirements; None leaves one out."""
    pairs = (("VCPU", vcpus), ("MEMORY", mib), ("GPU", gpus))
    return [{"type": name, "value": value} for name, value in pairs if value is not None]


def single(top: Inputs | None = None, without: tuple[str, ...] = (), **container: Any) -> Inputs:
    """A definition of one container on EC2."""
    properties = {"image": "busybox", "resourceRequirements": need(), **container}
    properties = {key: value for key, value in properties.items() if key not in without}
    return {"jobDefinitionName": "d", "type": "container", "containerProperties": properties, **(top or {})}


def fargate(top: Inputs | None = None, without: tuple[str, ...] = (), **container: Any) -> Inputs:
    """A definition of one container on Fargate."""
    return single(
        {"platformCapabilities": ["FARGATE"], **(top or {})}, without, **{"executionRoleArn": ROLE, **container}
    )


def task(*containers: Inputs, top: Inputs | None = None, **properties: Any) -> Inputs:
    """A definition of one ECS task; a container needs its own fields only."""
    full = [{"name": f"c{index}", "image": "busybox", **each} for index, each in enumerate(containers or ({},))]
    return {
        "jobDefinitionName": "d",
        "type": "container",
        "ecsProperties": {"taskProperties": [{"containers": full, **properties}]},
        **(top or {}),
    }


def managed(*containers: Inputs, **properties: Any) -> Inputs:
    """A definition of one ECS task on Managed Instances."""
    return task(*containers, top={"platformCapabilities": ["MANAGED_INSTANCES"]}, **properties)


def on_fargate(*containers: Inputs, **properties: Any) -> Inputs:
    """A definition of one ECS task on Fargate."""
    properties = {"executionRoleArn": ROLE, **properties}
    return task(*containers, top={"platformCapabilities": ["FARGATE"]}, **properties)


def pod(container: Inputs | None = None, top: Inputs | None = None, **properties: Any) -> Inputs:
    """A definition of one pod with one container."""
    return {
        "jobDefinitionName": "d",
        "type": "container",
        "eksProperties": {"podProperties": {"containers": [{"image": "busybox", **(container or {})}], **properties}},
        **(top or {}),
    }


def quantity(limits: Inputs | None = None, requests: Inputs | None = None) -> Inputs:
    """A pod whose container has these resources."""
    resources = {key: value for key, value in (("limits", limits), ("requests", requests)) if value is not None}
    return pod({"resources": resources})


def nodes(*ranges: Inputs, number: int = 4, main: int = 0, top: Inputs | None = None) -> Inputs:
    """A multi-node definition; a range needs its own fields only."""
    full = [
        {"container": {"image": "busybox", "resourceRequirements": need()}, **copy.deepcopy(each)}
        for each in ranges or ({"targetNodes": "0:"},)
    ]
    for each in full:
        if each.pop("bare", False):
            del each["container"]
    return {
        "jobDefinitionName": "d",
        "type": "multinode",
        "nodeProperties": {"numNodes": number, "mainNode": main, "nodeRangeProperties": full},
        **(top or {}),
    }


def node_with(**container: Any) -> Inputs:
    """A multi-node definition whose one range has this container."""
    return nodes({"targetNodes": "0:", "container": {"image": "busybox", "resourceRequirements": need(), **container}})


def volume(**configuration: Any) -> Inputs:
    """A definition with one EFS volume and a job role."""
    return single(
        jobRoleArn=ROLE, volumes=[{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1", **configuration}}]
    )


def retry(*entries: Inputs, attempts: int | None = 3) -> Inputs:
    """A definition with this retry strategy."""
    strategy: Inputs = {} if attempts is None else {"attempts": attempts}
    if entries:
        strategy["evaluateOnExit"] = list(entries)
    return single({"retryStrategy": strategy})


def consumables(*names: str) -> Inputs:
    """A definition that takes one of each of these consumable resources."""
    entries = [{"consumableResource": name, "quantity": 1} for name in names]
    return single({"consumableResourceProperties": {"consumableResourceList": entries}})


def linux(**parameters: Any) -> Inputs:
    """A definition with these Linux parameters on EC2."""
    return single(linuxParameters=parameters)


def windows(**container: Any) -> Inputs:
    """A definition of one Windows container on Fargate."""
    return fargate(runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}, **container)


def secure(**context: Any) -> Inputs:
    """A pod whose container has this security context."""
    return pod({"securityContext": context})


def space(name: str) -> Inputs:
    """A pod in this namespace."""
    return pod(metadata={"namespace": name})


def node_pods(*namespaces: str) -> Inputs:
    """A multi-node definition of pods, one range a namespace."""
    ranges = [
        {
            "targetNodes": str(index),
            "bare": True,
            "eksProperties": {"podProperties": {"containers": [{"image": "b"}], "metadata": {"namespace": name}}},
        }
        for index, name in enumerate(namespaces)
    ]
    return nodes(*ranges, number=len(namespaces))


PLAIN = single()
POD = pod()
TASK = task()
NODES = nodes()
LONG = "x" * 256
GPU = "nvidia.com/gpu"

Cases = tuple[list[Inputs], list[Inputs], list[Inputs]]

DEFINITION: dict[str, Cases] = {
    "JD001": (
        [PLAIN, {**PLAIN, "jobDefinitionName": "a_B-9" * 25}],
        [{**PLAIN, "jobDefinitionName": "a.b"}, {**PLAIN, "jobDefinitionName": "x" * 129}],
        [{key: value for key, value in PLAIN.items() if key != "jobDefinitionName"}],
    ),
    "JD002": (
        [PLAIN, TASK, POD],
        [{"jobDefinitionName": "d", "type": "container"}, {**PLAIN, **TASK}],
        [NODES],
    ),
    "JD003": ([NODES], [{"jobDefinitionName": "d", "type": "multinode"}], [PLAIN]),
    "JD004": ([fargate()], [nodes(top={"platformCapabilities": ["FARGATE"]})], [NODES, PLAIN]),
    "JD005": ([fargate()], [nodes(top={"platformCapabilities": ["FARGATE"]})], [NODES, fargate()]),
    "JD006": ([managed()], [nodes(top={"platformCapabilities": ["MANAGED_INSTANCES"]})], [NODES, managed()]),
    "JD007": ([managed()], [single({"platformCapabilities": ["MANAGED_INSTANCES"]})], [managed(), PLAIN]),
    "JD008": (
        [pod(top={"platformCapabilities": []})],
        [pod(top={"platformCapabilities": ["EC2"]})],
        [POD, fargate()],
    ),
    "JD009": ([POD], [pod(top={"propagateTags": True})], [POD, single({"propagateTags": True})]),
    "JD010": (
        [single({"schedulingPriority": 0}), single({"schedulingPriority": 9999})],
        [single({"schedulingPriority": -1}), single({"schedulingPriority": 10000})],
        [PLAIN],
    ),
    "JD011": (
        [single({"timeout": {"attemptDurationSeconds": 60}})],
        [single({"timeout": {"attemptDurationSeconds": 59}})],
        [PLAIN, single({"timeout": {}})],
    ),
    "JD012": ([PLAIN, single(command=["x" * 24_000])], [single(command=["x" * 25_000])], []),
    "JD013": (
        [consumables(*"abcde")],
        [consumables(*"abcdef")],
        [PLAIN],
    ),
    "JD014": ([consumables("a", "b")], [consumables("a", "a")], [PLAIN]),
    "JD015": (
        [consumables("a")],
        [single({"consumableResourceProperties": {"consumableResourceList": [{"quantity": 1}]}})],
        [PLAIN],
    ),
    "JD016": ([PLAIN], [{**PLAIN, **POD, "containerProperties": PLAIN["containerProperties"]}], [PLAIN, POD]),
}

_ENV = [{"name": "AWS_BATCH_X", "value": "1"}]
_MOUNT = [{"containerPath": "/x", "sourceVolume": "v"}]
_IAM = {"authorizationConfig": {"iam": "ENABLED"}}
_POINT = {"authorizationConfig": {"accessPointId": "fsap-1"}}
_ON = {"transitEncryption": "ENABLED"}
_S3 = {"name": "v", "s3filesVolumeConfiguration": {"fileSystemArn": "arn:aws:s3files:us-east-1:1:file-system/f"}}

CONTAINER: dict[str, Cases] = {
    "JD101": ([PLAIN, NODES], [single(without=("image",)), node_with(image=None)], [TASK, POD]),
    "JD102": (
        [PLAIN, single(image="x" * 255)],
        [single(image=LONG), node_with(image=LONG), task({"image": LONG})],
        [POD],
    ),
    "JD103": (
        [single(image="123456789012.dkr.ecr.us-east-1.amazonaws.com/a/b@sha256:0123"), single(image="a/b:c#d-e_f")],
        [single(image="a b"), task({"image": "a?b"})],
        [POD],
    ),
    "JD104": (
        [PLAIN, single(resourceRequirements=need(None), vcpus=2)],
        [single(resourceRequirements=need(None)), single(without=("resourceRequirements",), memory=4)],
        [TASK, NODES],
    ),
    "JD105": (
        [PLAIN, single(resourceRequirements=need(mib=None), memory=4)],
        [single(resourceRequirements=need(mib=None))],
        [TASK, NODES],
    ),
    "JD106": (
        [PLAIN, node_with(resourceRequirements=need("96"))],
        [single(resourceRequirements=need("0.5")), task({"resourceRequirements": need("0")})],
        [fargate(resourceRequirements=need("0.5")), POD],
    ),
    "JD107": (
        [single(resourceRequirements=need(mib="4"))],
        [single(resourceRequirements=need(mib="3")), task({"resourceRequirements": need(mib="1")})],
        [single(without=("resourceRequirements",)), POD],
    ),
    "JD108": (
        [PLAIN],
        [single(resourceRequirements=[VCPU, MEMORY, VCPU])],
        [single(without=("resourceRequirements",)), POD],
    ),
    "JD109": ([single(resourceRequirements=need(None), vcpus=1)], [single(vcpus=1), node_with(vcpus=1)], [PLAIN]),
    "JD110": ([single(resourceRequirements=need(mib=None), memory=9)], [single(memory=9)], [PLAIN]),
    "JD111": ([PLAIN], [single(resourceRequirements=need(None), vcpus=1)], [PLAIN, TASK]),
    "JD112": ([PLAIN], [single(resourceRequirements=need(mib=None), memory=4)], [PLAIN, TASK]),
    "JD113": ([single(vcpus=1)], [single(vcpus=0)], [PLAIN]),
    "JD114": ([single(memory=4)], [single(memory=3)], [PLAIN]),
    "JD115": (
        [single(resourceRequirements=need(gpus="2")), PLAIN],
        [single(resourceRequirements=need(gpus="0.5")), single(resourceRequirements=need(gpus="0"))],
        [single(without=("resourceRequirements",)), POD],
    ),
    "JD116": (
        [PLAIN, single(resourceRequirements=need("Ref::vcpus"))],
        [single(resourceRequirements=need("two")), single(resourceRequirements=need("nan"))],
        [POD],
    ),
    "JD117": (
        [PLAIN, single(resourceRequirements=need(mib="Ref::memory"))],
        [single(resourceRequirements=need(mib="2GB")), single(resourceRequirements=need(mib="2.5"))],
        [POD],
    ),
    "JD118": (
        [single(environment=[{"name": "MY_AWS_BATCH", "value": "1"}])],
        [single(environment=_ENV), task({"environment": _ENV}), node_with(environment=_ENV)],
        [PLAIN],
    ),
    "JD119": (
        [
            single(
                environment=[{"name": "DB_PASSWORD", "value": "arn:aws:secretsmanager:x"}, {"name": "A", "value": "b"}]
            )
        ],
        [single(environment=[{"name": "DB_PASSWORD", "value": "hunter2"}])],
        [PLAIN],
    ),
    "JD120": (
        [PLAIN],
        [single(networkConfiguration={"assignPublicIp": "ENABLED"}), task(networkConfiguration={})],
        [PLAIN, fargate(networkConfiguration={"assignPublicIp": "ENABLED"})],
    ),
    "JD121": (
        [PLAIN],
        [single(fargatePlatformConfiguration={"platformVersion": "1.4.0"})],
        [PLAIN, fargate(fargatePlatformConfiguration={"platformVersion": "1.4.0"})],
    ),
    "JD122": (
        [PLAIN],
        [single(runtimePlatform={"cpuArchitecture": "ARM64"})],
        [PLAIN, fargate(runtimePlatform={"cpuArchitecture": "ARM64"})],
    ),
    "JD123": ([single(volumes=[{"name": "x" * 255}])], [single(volumes=[{"name": LONG}])], [PLAIN]),
    "JD124": ([single(volumes=[{"name": "a_B-9"}])], [task(volumes=[{"name": "a.b"}])], [PLAIN]),
    "JD125": (
        [single(volumes=[{"name": "v"}], mountPoints=_MOUNT), task({"mountPoints": _MOUNT}, volumes=[{"name": "v"}])],
        [single(mountPoints=_MOUNT), task({"mountPoints": _MOUNT}), node_with(mountPoints=_MOUNT)],
        [PLAIN],
    ),
    "JD126": ([volume(rootDirectory="/" * 4096)], [volume(rootDirectory="/" * 4097)], [PLAIN, volume()]),
    "JD127": (
        [volume(rootDirectory="/", **_POINT, **_ON), volume(rootDirectory="/data")],
        [volume(rootDirectory="/data", **_POINT, **_ON)],
        [PLAIN, volume(**_POINT, **_ON)],
    ),
    "JD128": (
        [volume(**_POINT, **_ON)],
        [volume(**_POINT), volume(**_POINT, transitEncryption="DISABLED")],
        [PLAIN, volume()],
    ),
    "JD129": ([volume(**_IAM, **_ON)], [volume(**_IAM), volume(**_IAM, transitEncryption="DISABLED")], [volume()]),
    "JD130": (
        [volume(**_IAM, **_ON), volume(authorizationConfig={"iam": "DISABLED"})],
        [single(volumes=[{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1", **_IAM, **_ON}}])],
        [PLAIN, volume()],
    ),
    "JD131": (
        [volume(transitEncryptionPort=0), volume(transitEncryptionPort=65535)],
        [volume(transitEncryptionPort=65536), volume(transitEncryptionPort=-1)],
        [volume()],
    ),
    "JD132": (
        [single(jobRoleArn=ROLE, volumes=[_S3]), task(taskRoleArn=ROLE, volumes=[_S3])],
        [single(volumes=[_S3]), task(volumes=[_S3])],
        [PLAIN, volume()],
    ),
    "JD133": ([linux(swappiness=100, maxSwap=1)], [linux(swappiness=101, maxSwap=1)], [PLAIN, linux(maxSwap=1)]),
    "JD134": ([linux(swappiness=1, maxSwap=1)], [linux(swappiness=1)], [PLAIN]),
    "JD135": ([linux(maxSwap=0)], [linux(maxSwap=-1)], [PLAIN]),
    "JD136": (
        [linux(tmpfs=[{"containerPath": "/t", "size": 1}])],
        [linux(tmpfs=[{"containerPath": "/t", "size": 0}])],
        [PLAIN],
    ),
    "JD137": (
        [linux(tmpfs=[{"containerPath": "/t", "size": 1, "mountOptions": ["noexec", "mode=1777"]}])],
        [linux(tmpfs=[{"containerPath": "/t", "size": 1, "mountOptions": ["fast"]}])],
        [PLAIN, linux(tmpfs=[{"containerPath": "/t", "size": 1}])],
    ),
    "JD138": (
        [single(ulimits=[{"name": "nofile", "softLimit": 1, "hardLimit": 2}])],
        [single(ulimits=[{"name": "files", "softLimit": 1, "hardLimit": 2}])],
        [PLAIN],
    ),
    "JD139": ([PLAIN], [single(instanceType="m5.large")], [PLAIN, node_with(instanceType="m5.large")]),
    "JD140": (
        [fargate(ephemeralStorage={"sizeInGiB": 21}), on_fargate(ephemeralStorage={"sizeInGiB": 200})],
        [fargate(ephemeralStorage={"sizeInGiB": 20}), on_fargate(ephemeralStorage={"sizeInGiB": 201})],
        [PLAIN],
    ),
    "JD141": (
        [PLAIN],
        [single(ephemeralStorage={"sizeInGiB": 100})],
        [PLAIN, fargate(ephemeralStorage={"sizeInGiB": 100})],
    ),
    "JD142": (
        [single(secrets=[{"name": "KEY", "valueFrom": "arn:aws:ssm:x"}])],
        [single(secrets=[{"name": "AWS_BATCH_KEY", "valueFrom": "arn:aws:ssm:x"}])],
        [PLAIN],
    ),
}

_DEVICE = {"devices": [{"hostPath": "/dev/x"}]}
_LIMITS = [{"name": "nofile", "softLimit": 1, "hardLimit": 2}]
_EFS = [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]


def _size(vcpus: str, mib: str) -> Inputs:
    return fargate(resourceRequirements=need(vcpus, mib))


def _platform(**platform: str) -> Inputs:
    return fargate(runtimePlatform=platform)


FARGATE: dict[str, Cases] = {
    "JD201": (
        [fargate(), on_fargate()],
        [fargate(without=("executionRoleArn",)), on_fargate(executionRoleArn="")],
        [PLAIN, TASK],
    ),
    "JD202": ([_size("0.25", "512"), _size("32", "61440")], [_size("3", "8192"), _size("64", "61440")], [PLAIN]),
    "JD203": (
        [_size("0.25", "2048"), _size("4", "20480"), _size("32", "249856"), _size("8", "61440")],
        [_size("0.25", "4096"), _size("8", "17408"), _size("32", "65536"), _size("1", "1024")],
        [single(resourceRequirements=need("1", "1024")), POD],
    ),
    "JD204": ([fargate()], [fargate(vcpus=1)], [fargate(), single(vcpus=1)]),
    "JD205": ([fargate()], [fargate(memory=512)], [fargate(), single(memory=512)]),
    "JD206": (
        [fargate()],
        [fargate(resourceRequirements=need(gpus="1"))],
        [single(resourceRequirements=need(gpus="1"))],
    ),
    "JD207": ([fargate(privileged=False)], [fargate(privileged=True)], [fargate(), single(privileged=True)]),
    "JD208": (
        [fargate(ulimits=[])],
        [fargate(ulimits=_LIMITS), on_fargate({"ulimits": _LIMITS})],
        [single(ulimits=_LIMITS)],
    ),
    "JD209": ([fargate()], [fargate(linuxParameters=_DEVICE)], [fargate(), linux(**_DEVICE)]),
    "JD210": ([fargate()], [fargate(linuxParameters={"maxSwap": 1})], [fargate(), linux(maxSwap=1)]),
    "JD211": ([fargate()], [fargate(linuxParameters={"swappiness": 1})], [fargate(), linux(swappiness=1)]),
    "JD212": ([fargate()], [fargate(linuxParameters={"sharedMemorySize": 1})], [fargate(), linux(sharedMemorySize=1)]),
    "JD213": (
        [fargate()],
        [fargate(linuxParameters={"tmpfs": [{"containerPath": "/t", "size": 1}]})],
        [fargate(), linux(tmpfs=[{"containerPath": "/t", "size": 1}])],
    ),
    "JD214": (
        [fargate(volumes=[{"name": "v"}])],
        [fargate(volumes=[{"name": "v", "host": {"sourcePath": "/x"}}])],
        [fargate(volumes=[{"name": "v"}]), single(volumes=[{"name": "v", "host": {"sourcePath": "/x"}}])],
    ),
    "JD215": ([on_fargate()], [on_fargate(ipcMode="task")], [on_fargate(), task(ipcMode="task")]),
    "JD216": (
        [fargate(logConfiguration={"logDriver": "awslogs"}), on_fargate({"logConfiguration": {"logDriver": "splunk"}})],
        [fargate(logConfiguration={"logDriver": "json-file"})],
        [fargate(), single(logConfiguration={"logDriver": "json-file"})],
    ),
    "JD217": (
        [
            fargate(volumes=_EFS, fargatePlatformConfiguration={"platformVersion": "LATEST"}),
            fargate(volumes=_EFS, fargatePlatformConfiguration={"platformVersion": "1.4.0"}),
        ],
        [
            fargate(volumes=_EFS, fargatePlatformConfiguration={"platformVersion": "1.3.0"}),
            on_fargate(volumes=_EFS, platformVersion="1.3"),
        ],
        [fargate(fargatePlatformConfiguration={"platformVersion": "1.3.0"}), single(volumes=_EFS)],
    ),
    "JD218": ([on_fargate({"startTimeout": 120})], [on_fargate({"startTimeout": 121})], [task({"startTimeout": 121})]),
    "JD219": ([on_fargate({"stopTimeout": 120})], [on_fargate({"stopTimeout": 121})], [task({"stopTimeout": 121})]),
    "JD220": (
        [_platform(operatingSystemFamily="LINUX"), windows()],
        [_platform(operatingSystemFamily="WINDOWS")],
        [fargate(), single(runtimePlatform={"operatingSystemFamily": "X"})],
    ),
    "JD221": ([_platform(cpuArchitecture="ARM64")], [_platform(cpuArchitecture="arm64")], [fargate(), PLAIN]),
    "JD222": (
        [
            _platform(cpuArchitecture="ARM64"),
            _platform(operatingSystemFamily="WINDOWS_SERVER_2019_CORE", cpuArchitecture="X86_64"),
        ],
        [_platform(operatingSystemFamily="WINDOWS_SERVER_2019_CORE", cpuArchitecture="ARM64")],
        [windows(), PLAIN],
    ),
    "JD223": (
        [windows()],
        [windows(resourceRequirements=need("0.5"))],
        [fargate(resourceRequirements=need("0.5")), PLAIN],
    ),
    "JD224": ([windows()], [windows(user="x"), windows(readonlyRootFilesystem=True)], [fargate(user="x"), PLAIN]),
    "JD225": ([windows()], [windows(volumes=_EFS)], [fargate(volumes=_EFS), PLAIN]),
}

_HELPER = {"essential": False}


def _waits(condition: str, name: str = "c0") -> Inputs:
    return {"dependsOn": [{"containerName": name, "condition": condition}]}


ECS: dict[str, Cases] = {
    "JD301": (
        [TASK],
        [{**TASK, "ecsProperties": {"taskProperties": TASK["ecsProperties"]["taskProperties"] * 2}}],
        [PLAIN, POD],
    ),
    "JD302": ([task(*[{}] * 10)], [task(*[{}] * 11)], [PLAIN]),
    "JD303": ([task({}, _HELPER)], [task(_HELPER, _HELPER)], [PLAIN]),
    "JD304": ([task({}, {})], [task({"name": "a"}, {"name": "a"})], [PLAIN]),
    "JD305": ([task(_HELPER, _waits("SUCCESS"))], [task({}, _waits("HEALTHY"))], [TASK, PLAIN]),
    "JD306": (
        [task(_HELPER, _waits("COMPLETE")), task({}, _waits("START"))],
        [task({}, _waits("COMPLETE")), task({"essential": True}, _waits("SUCCESS"))],
        [TASK],
    ),
    "JD307": (
        [task({}, _waits("START"))],
        [task({}, _waits("START", "nobody")), task({}, _waits("START", "c1"))],
        [TASK],
    ),
    "JD308": (
        [task({}, _waits("START")), task({}, _waits("START", "nobody"))],
        [task(_waits("START", "c1"), _waits("START", "c0"))],
        [TASK],
    ),
    "JD309": ([task({"startTimeout": 2})], [task({"startTimeout": 1})], [TASK]),
    "JD310": ([task({"stopTimeout": 2})], [task({"stopTimeout": 1})], [TASK]),
    "JD311": ([TASK], [task(networkMode="host"), on_fargate(networkMode="host")], [TASK, managed(networkMode="host")]),
    "JD312": ([managed(networkMode="host")], [managed(networkMode="awsvpc")], [managed(), task(networkMode="awsvpc")]),
    "JD313": ([task(ipcMode="none")], [task(ipcMode="private")], [TASK]),
    "JD314": ([task(pidMode="host")], [task(pidMode="none")], [TASK]),
    "JD315": (
        [managed()],
        [managed(networkConfiguration={"assignPublicIp": "ENABLED"})],
        [managed(), on_fargate(networkConfiguration={})],
    ),
    "JD316": (
        [managed(runtimePlatform={"operatingSystemFamily": "LINUX"})],
        [managed(runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"})],
        [managed(), on_fargate(runtimePlatform={"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"})],
    ),
    "JD317": ([task({}, _waits("START"))], [task({}, {"dependsOn": [{"condition": "START"}]})], [TASK]),
}

_TWO = [{"image": "b", "name": "a"}, {"image": "b", "name": "a"}]
_DATA = {"name": "data", "emptyDir": {"medium": "Memory"}}


def _mounting(*volumes: Inputs) -> Inputs:
    return pod({"volumeMounts": [{"name": "data", "mountPath": "/x"}]}, volumes=list(volumes))


EKS: dict[str, Cases] = {
    "JD401": ([pod(containers=[{"image": "b"}] * 10)], [pod(containers=[{"image": "b"}] * 11)], [PLAIN]),
    "JD402": ([pod(initContainers=[{"image": "b"}] * 10)], [pod(initContainers=[{"image": "b"}] * 11)], [POD]),
    "JD403": (
        [POD, pod(containers=[{"image": "b", "name": "a"}, {"image": "b"}])],
        [pod(containers=_TWO), pod(initContainers=[{"image": "b"}]), pod(containers=[{"image": "b"}] * 2)],
        [PLAIN],
    ),
    "JD404": (
        [quantity({"memory": "2048Mi"})],
        [quantity({"memory": "2Gi"}), quantity(requests={"memory": "2048"})],
        [POD, PLAIN],
    ),
    "JD405": ([quantity({"memory": "4Mi"})], [quantity({"memory": "3Mi"})], [POD]),
    "JD406": (
        [quantity({"memory": "8Mi"}, {"memory": "8Mi"}), quantity({"memory": "8Mi"})],
        [quantity({"memory": "8Mi"}, {"memory": "4Mi"})],
        [POD],
    ),
    "JD407": (
        [quantity({"cpu": "0.25"}), quantity({"cpu": "1500m"}), quantity(requests={"cpu": "2"})],
        [quantity({"cpu": "0.3"}), quantity({"cpu": "100m"}), quantity({"cpu": "0"})],
        [POD],
    ),
    "JD408": ([quantity({"cpu": "2"}, {"cpu": "1"})], [quantity({"cpu": "1"}, {"cpu": "2"})], [POD]),
    "JD409": ([quantity({GPU: "1"})], [quantity({GPU: "0.5"})], [POD]),
    "JD410": ([quantity({GPU: "1"}, {GPU: "1"})], [quantity({GPU: "2"}, {GPU: "1"})], [POD]),
    "JD411": ([space("x" * 63)], [space("x" * 64), space("")], [POD]),
    "JD412": ([space("batch")], [space("default")], [POD]),
    "JD413": ([space("batch-kube")], [space("kube-system")], [POD]),
    "JD414": ([space("a-1")], [space("A"), space("-a"), space("a-"), space("a.b")], [POD]),
    "JD415": ([node_pods("a", "a")], [node_pods("a", "b")], [space("a"), NODES]),
    "JD416": ([pod({"env": [{"name": "A"}]})], [pod({"env": [{"name": "AWS_BATCH_A"}]})], [POD]),
    "JD417": ([pod({"imagePullPolicy": "Never"})], [pod({"imagePullPolicy": "never"})], [POD]),
    "JD418": ([pod(dnsPolicy="Default")], [pod(dnsPolicy="None")], [POD]),
    "JD419": ([pod(imagePullSecrets=[{"name": "a.b-1"}])], [pod(imagePullSecrets=[{"name": "A"}])], [POD]),
    "JD420": ([_mounting(_DATA)], [_mounting({"name": "other", "emptyDir": {}})], [POD]),
    "JD421": ([secure(runAsUser=0)], [secure(runAsUser=-1), pod(securityContext={"runAsUser": 2**31})], [POD]),
    "JD422": ([secure(runAsGroup=2**31 - 1)], [secure(runAsGroup=2**31)], [POD]),
    "JD423": ([pod(securityContext={"fsGroup": 1})], [pod(securityContext={"fsGroup": -1})], [POD]),
    "JD424": (
        [
            secure(seccompProfile={"type": "Localhost", "localhostProfile": "p"}),
            secure(seccompProfile={"type": "Unconfined"}),
        ],
        [secure(seccompProfile={"type": "Localhost"})],
        [POD, secure(runAsUser=1)],
    ),
    "JD425": (
        [secure(seccompProfile={"type": "Localhost", "localhostProfile": "p"})],
        [secure(seccompProfile={"type": "Unconfined", "localhostProfile": "p"})],
        [POD, secure(seccompProfile={"type": "Unconfined"})],
    ),
    "JD426": ([secure(capabilities={"add": ["NET_ADMIN"]})], [secure(capabilities={"add": ["CAP_NET_ADMIN"]})], [POD]),
    "JD427": ([secure(capabilities={"drop": ["ALL"]})], [secure(capabilities={"drop": ["CAP_CHOWN"]})], [POD]),
    "JD428": (
        [pod(volumes=[_DATA])],
        [pod(volumes=[{"name": "d", "emptyDir": {"medium": "memory"}}])],
        [POD, pod(volumes=[{"name": "d", "emptyDir": {}}])],
    ),
    "JD429": (
        [pod(volumes=[{"name": "a.b-1", "emptyDir": {}}])],
        [pod(volumes=[{"name": "a_b", "emptyDir": {}}])],
        [POD],
    ),
    "JD430": (
        [pod(volumes=[{"name": "a", "secret": {"secretName": "s"}}])],
        [pod(volumes=[{"name": "a", "secret": {"secretName": "S"}}])],
        [POD],
    ),
    "JD431": ([pod(metadata={"annotations": {"a": "x" * 255}})], [pod(metadata={"annotations": {"a": LONG}})], [POD]),
    "JD432": (
        [pod(metadata={"annotations": {"example.com/a_b.c": "1"}})],
        [pod(metadata={"annotations": {"-a": "1"}}), pod(metadata={"annotations": {"Bad_Prefix/a": "1"}})],
        [POD],
    ),
    "JD433": ([pod(metadata={"labels": {"a": "x" * 63}})], [pod(metadata={"labels": {"a": "x" * 64}})], [POD]),
    "JD434": ([secure(privileged=False)], [secure(privileged=True)], [POD]),
    "JD435": ([pod(serviceAccountName="x" * 253)], [pod(serviceAccountName="x" * 254)], [POD]),
}


def _range(target: str, **fields: Any) -> Inputs:
    return {"targetNodes": target, **fields}


def _typed(target: str, instance_type: str) -> Inputs:
    container = {"image": "b", "instanceType": instance_type, "resourceRequirements": need()}
    return _range(target, container=container)


def _task_range(target: str, *types: str) -> Inputs:
    properties = {"taskProperties": [{"containers": [{"image": "b"}]}]}
    return _range(target, bare=True, ecsProperties=properties, instanceTypes=list(types))


def _without(name: str, target: str) -> Inputs:
    left = [each for each in need() if each["type"] != name]
    return _range(target, container={"image": "b", "resourceRequirements": left})


MULTI_NODE: dict[str, Cases] = {
    "JD501": ([nodes(number=1), nodes(number=1000)], [nodes(number=0), nodes(number=1001)], [PLAIN]),
    "JD502": ([nodes(main=3)], [nodes(main=4)], [PLAIN]),
    "JD503": ([nodes(main=0)], [nodes(main=-1)], [PLAIN]),
    "JD504": (
        [nodes(*[_range(str(each)) for each in range(5)], number=5)],
        [nodes(*[_range(str(each)) for each in range(6)], number=6)],
        [PLAIN],
    ),
    "JD505": (
        [nodes(_range("0"), _range("1:2"), _range("3:")), nodes(_range(":3"))],
        [nodes(_range("0-3")), nodes(_range("3:1")), nodes(_range("a:b"))],
        [PLAIN],
    ),
    "JD506": (
        [nodes(_range("0:3")), nodes(_range(":1"), _range("2:")), nodes(_range("0:3"), _range("1:2"))],
        [nodes(_range("0:2")), nodes(_range("1:3"))],
        [PLAIN],
    ),
    "JD507": ([nodes(_range("0:3"))], [nodes(_range("0:4"))], [PLAIN]),
    "JD508": (
        [NODES, nodes(_task_range("0:"))],
        [
            nodes(_range("0:", bare=True)),
            nodes(_range("0:", ecsProperties={"taskProperties": [{"containers": [{"image": "b"}]}]})),
        ],
        [PLAIN],
    ),
    "JD509": ([nodes(_task_range("0:", "m5.large"))], [nodes(_task_range("0:", "m5.large", "m5.xlarge"))], [NODES]),
    "JD510": (
        [nodes(_task_range("0:", "m5.large"))],
        [nodes(_range("0:", instanceTypes=["m5.large"]))],
        [NODES, PLAIN],
    ),
    "JD511": (
        [nodes(_typed("0:1", "c5.large"), _typed("2:3", "c5.large")), NODES],
        [nodes(_typed("0:1", "c5.large"), _typed("2:3", "m5.large"))],
        [PLAIN],
    ),
    "JD512": (
        [NODES, nodes(_range("0:"), _without("VCPU", "1"))],
        [nodes(_range("0:1"), _without("VCPU", "2:"))],
        [PLAIN],
    ),
    "JD513": ([NODES], [nodes(_without("MEMORY", "0:"))], [PLAIN]),
}


def retry_cases(make: Any, plain: Inputs, first: int, prefix: str) -> dict[str, Cases]:
    """The cases of a retry strategy's rows, for a definition or a submission."""
    on = {"action": "EXIT"}
    cases: list[Cases] = [
        ([make(attempts=1), make(attempts=10)], [make(attempts=0), make(attempts=11)], [plain]),
        ([make()], [make(ACTION, attempts=None)], [plain]),
        ([make(*[ACTION] * 5)], [make(*[ACTION] * 6)], [plain, make()]),
        ([make(ACTION)], [make(on)], [plain, make()]),
        ([make({**on, "onStatusReason": "x" * 512})], [make({**on, "onStatusReason": "x" * 513})], [make(ACTION)]),
        ([make({**on, "onReason": "x" * 512})], [make({**on, "onReason": "x" * 513})], [plain]),
        ([make({**on, "onExitCode": "1" * 512})], [make({**on, "onExitCode": "1" * 513})], [make(ACTION)]),
        (
            [make({**on, "onStatusReason": "Host EC2*"}), make({**on, "onStatusReason": "Task failed to start"})],
            [make({**on, "onStatusReason": "Host EC2 (instance*"}), make({**on, "onStatusReason": "*x"})],
            [make(ACTION)],
        ),
        ([make({**on, "onReason": "CannotPullContainerError:*"})], [make({**on, "onReason": "a-b"})], [plain]),
        (
            [make({**on, "onExitCode": "13*"}), make({**on, "onExitCode": "0"})],
            [make({**on, "onExitCode": "1x"}), make({**on, "onExitCode": "-1"})],
            [make(ACTION)],
        ),
        ([make(ACTION, {**on, "onReason": "*"})], [make(ACTION)], [plain, make()]),
        ([make(ACTION), make({**on, "onReason": "*"}, attempts=1)], [make(ACTION, attempts=1)], [plain]),
        (
            [make({**ACTION, "onReason": "Cannot*"}, {**on, "onReason": "*"})],
            [make({**on, "onReason": "*"}, {**ACTION, "onReason": "Cannot*"})],
            [plain],
        ),
    ]
    offsets = (0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13)
    return {f"{prefix}{first + offset:03d}": each for offset, each in zip(offsets, cases, strict=True)}


RETRY = retry_cases(retry, PLAIN, 601, "JD")

CASES: dict[str, Cases] = {**DEFINITION, **CONTAINER, **FARGATE, **ECS, **EKS, **MULTI_NODE, **RETRY}
