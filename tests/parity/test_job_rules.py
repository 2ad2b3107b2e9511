"""AWS's own sentences about jobs, each with a request that obeys it and one that does not.

Written from the pages (read 2026-11-21), not from the catalogue: no rule id stands here. A sentence that the rules
do not hold fails here however complete the catalogue looks from inside.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from batchiac.rules import check_request
from batchiac.rules.finding import Level

API = "https://docs.aws.amazon.com/batch/latest/APIReference/API_"
GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide/"

DEFINITION: dict[str, Any] = {
    "jobDefinitionName": "sleep10",
    "type": "container",
    "containerProperties": {
        "command": ["sleep", "10"],
        "image": "busybox",
        "resourceRequirements": [{"type": "MEMORY", "value": "128"}, {"type": "VCPU", "value": "1"}],
    },
}
"""The first example of RegisterJobDefinition."""

FARGATE: dict[str, Any] = {
    "jobDefinitionName": "fargate",
    "type": "container",
    "platformCapabilities": ["FARGATE"],
    "containerProperties": {
        "image": "busybox",
        "executionRoleArn": "arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
        "fargatePlatformConfiguration": {"platformVersion": "1.4.0"},
        "privileged": False,
        "resourceRequirements": [{"type": "MEMORY", "value": "512"}, {"type": "VCPU", "value": "0.25"}],
    },
}
"""Put together from the fragments of the page "Job definitions on Fargate"."""

NODES: dict[str, Any] = {
    "jobDefinitionName": "mnp",
    "type": "multinode",
    "nodeProperties": {
        "numNodes": 11,
        "mainNode": 0,
        "nodeRangeProperties": [
            {"targetNodes": "0:10", "container": DEFINITION["containerProperties"]},
            {"targetNodes": "4:5", "container": DEFINITION["containerProperties"]},
        ],
    },
}
"""API_NodeRangeProperty's own ranges: "You can nest node ranges (for example, 0:10 and 4:5)"."""

POD: dict[str, Any] = {
    "jobDefinitionName": "pod",
    "type": "container",
    "eksProperties": {
        "podProperties": {
            "containers": [
                {
                    "image": "busybox",
                    "resources": {"limits": {"cpu": "1", "memory": "1024Mi"}, "requests": {"cpu": "1"}},
                }
            ],
            "metadata": {"labels": {"environment": "test"}, "namespace": "my-namespace"},
        }
    },
}

TASK: dict[str, Any] = {
    "jobDefinitionName": "task",
    "type": "container",
    "ecsProperties": {
        "taskProperties": [
            {
                "containers": [
                    {"name": "setup", "image": "busybox", "essential": False},
                    {
                        "name": "main",
                        "image": "busybox",
                        "dependsOn": [{"containerName": "setup", "condition": "SUCCESS"}],
                    },
                ]
            }
        ]
    },
}

SUBMISSION: dict[str, Any] = {"jobDefinition": "sleep60", "jobName": "example", "jobQueue": "HighPriority"}
"""The first example of SubmitJob."""

LISTING: dict[str, Any] = {"jobQueue": "HighPriority"}
JOB = "1d828f65-7a4d-42e8-996d-3b900ed59dc4"

RETRIES = [
    {"action": "RETRY", "onReason": "AGENT"},
    {"action": "RETRY", "onStatusReason": "Task failed to start"},
    {"action": "EXIT", "onReason": "*"},
]
"""The example of the page "Automated job retries"."""


def changed(request: dict[str, Any], **paths: Any) -> dict[str, Any]:
    """The request with values set at dotted paths (`__` for a dot); None takes a member out."""
    copy = deepcopy(request)
    for path, value in paths.items():
        *way, last = path.split("__")
        at: Any = copy
        for name in way:
            at = at[int(name)] if isinstance(at, list) else at.setdefault(name, {})
        if value is None:
            del at[last]
        else:
            at[int(last) if isinstance(at, list) else last] = value
    return copy


def sized(vcpus: str, mib: str) -> dict[str, Any]:
    """The Fargate definition in one size."""
    need = [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": mib}]
    return changed(FARGATE, containerProperties__resourceRequirements=need)


def need(*pairs: tuple[str, str], **more: Any) -> dict[str, Any]:
    """The EC2 definition with these resource requirements."""
    entries = [{"type": name, "value": value} for name, value in pairs]
    return changed(DEFINITION, containerProperties__resourceRequirements=entries, **more)


def efs(**configuration: Any) -> dict[str, Any]:
    """The EC2 definition with an EFS volume and a job role."""
    volume = {"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-12345678", **configuration}}
    return changed(
        DEFINITION, containerProperties__volumes=[volume], containerProperties__jobRoleArn="arn:aws:iam::1:role/r"
    )


def linux(**parameters: Any) -> dict[str, Any]:
    """The EC2 definition with Linux parameters."""
    return changed(DEFINITION, containerProperties__linuxParameters=parameters)


def resources(**sides: Any) -> dict[str, Any]:
    """The pod with these resources."""
    return changed(POD, eksProperties__podProperties__containers__0__resources=sides)


REGISTER, SUBMIT = "RegisterJobDefinition", "SubmitJob"
_CONTAINER = "containerProperties__"
_POD = "eksProperties__podProperties__"
_TASK = "ecsProperties__taskProperties__0__"
_RANGE = "nodeProperties__nodeRangeProperties__"

Fact = tuple[str, str, str, dict[str, Any], dict[str, Any]]

FACTS: list[Fact] = [
    # (page, AWS's sentence, operation, a request that obeys it, one that does not)
    (
        API + "RegisterJobDefinition.html",
        "It can be up to 128 letters long.",
        REGISTER,
        changed(DEFINITION, jobDefinitionName="x" * 128),
        changed(DEFINITION, jobDefinitionName="x" * 129),
    ),
    (
        API + "RegisterJobDefinition.html",
        "letters, numbers, hyphens (-), and underscores (_)",
        REGISTER,
        changed(DEFINITION, jobDefinitionName="a-B_9"),
        changed(DEFINITION, jobDefinitionName="a b"),
    ),
    (
        API + "RegisterJobDefinition.html",
        "one of the following is required: containerProperties, ecsProperties, or eksProperties",
        REGISTER,
        DEFINITION,
        changed(DEFINITION, containerProperties=None),
    ),
    (
        API + "RegisterJobDefinition.html",
        "If the value is multinode, then nodeProperties is required.",
        REGISTER,
        NODES,
        changed(NODES, nodeProperties=None),
    ),
    (
        API + "RegisterJobDefinition.html",
        "If the job is run on Fargate resources, then multinode isn't supported.",
        REGISTER,
        NODES,
        changed(NODES, platformCapabilities=["FARGATE"]),
    ),
    (
        API + "RegisterJobDefinition.html",
        "The minimum supported value is 0 and the maximum supported value is 9999.",
        REGISTER,
        changed(DEFINITION, schedulingPriority=9999),
        changed(DEFINITION, schedulingPriority=10000),
    ),
    (
        API + "RegisterJobDefinition.html",
        "If the job runs on Amazon EKS resources, then you must not specify propagateTags.",
        REGISTER,
        POD,
        changed(POD, propagateTags=True),
    ),
    (
        API + "RegisterJobDefinition.html",
        "If the job runs on Amazon EKS resources, then you must not specify platformCapabilities.",
        REGISTER,
        POD,
        changed(POD, platformCapabilities=["EC2"]),
    ),
    (
        API + "RegisterJobDefinition.html",
        "Jobs with the MANAGED_INSTANCES platform capability must use ecsProperties",
        REGISTER,
        changed(TASK, platformCapabilities=["MANAGED_INSTANCES"]),
        changed(DEFINITION, platformCapabilities=["MANAGED_INSTANCES"]),
    ),
    (
        GUIDE + "service_limits.html",
        "Maximum job definition size (for RegisterJobDefinition API operations) 24 KiB",
        REGISTER,
        changed(DEFINITION, containerProperties__command=["x" * 24000]),
        changed(DEFINITION, containerProperties__command=["x" * 24577]),
    ),
    (
        API + "JobTimeout.html",
        "The minimum value for the timeout is 60 seconds.",
        REGISTER,
        changed(DEFINITION, timeout={"attemptDurationSeconds": 60}),
        changed(DEFINITION, timeout={"attemptDurationSeconds": 59}),
    ),
    (
        API + "ContainerProperties.html",
        "It can be 255 characters long.",
        REGISTER,
        changed(DEFINITION, containerProperties__image="x" * 255),
        changed(DEFINITION, containerProperties__image="x" * 256),
    ),
    (
        API + "TaskContainerProperties.html",
        "either repository-url/image:tag or repository-url/image@digest",
        REGISTER,
        changed(DEFINITION, containerProperties__image="quay.io/a/b@sha256:" + "0" * 64),
        changed(DEFINITION, containerProperties__image="a/b;c"),
    ),
    (
        API + "ContainerProperties.html",
        'Environment variables cannot start with "AWS_BATCH".',
        REGISTER,
        changed(DEFINITION, containerProperties__environment=[{"name": "BATCH", "value": "1"}]),
        changed(DEFINITION, containerProperties__environment=[{"name": "AWS_BATCH_JOB_ID", "value": "1"}]),
    ),
    (
        API + "ContainerProperties.html",
        "Jobs that are running on Amazon EC2 resources must not specify this parameter. (networkConfiguration)",
        REGISTER,
        changed(FARGATE, containerProperties__networkConfiguration={"assignPublicIp": "ENABLED"}),
        changed(DEFINITION, containerProperties__networkConfiguration={"assignPublicIp": "ENABLED"}),
    ),
    (
        API + "ResourceRequirement.html",
        "For Amazon EC2 resources, you must specify at least one vCPU.",
        REGISTER,
        need(("VCPU", "1"), ("MEMORY", "4")),
        need(("VCPU", "0.5"), ("MEMORY", "4")),
    ),
    (
        API + "ResourceRequirement.html",
        "You must specify at least 4 MiB of memory for a job.",
        REGISTER,
        need(("VCPU", "1"), ("MEMORY", "4")),
        need(("VCPU", "1"), ("MEMORY", "3")),
    ),
    (
        API + "ResourceRequirement.html",
        "This is required but can be specified in several places (VCPU)",
        REGISTER,
        DEFINITION,
        need(("MEMORY", "4")),
    ),
    (
        API + "ResourceRequirement.html",
        "GPUs aren't available for jobs that are running on Fargate resources.",
        REGISTER,
        need(("VCPU", "1"), ("MEMORY", "4"), ("GPU", "1")),
        changed(
            FARGATE,
            containerProperties__resourceRequirements=[
                *FARGATE["containerProperties"]["resourceRequirements"],
                {"type": "GPU", "value": "1"},
            ],
        ),
    ),
    (
        API + "ResourceRequirement.html",
        "value = 0.25 MEMORY = 512, 1024, or 2048",
        REGISTER,
        sized("0.25", "2048"),
        sized("0.25", "3072"),
    ),
    (
        API + "ResourceRequirement.html",
        "value = 2 MEMORY = 4096 … 16384",
        REGISTER,
        sized("2", "16384"),
        sized("2", "17408"),
    ),
    (
        API + "ResourceRequirement.html",
        "value = 20480, 24576, or 28672 VCPU = 4 or 8",
        REGISTER,
        sized("4", "20480"),
        sized("8", "21504"),
    ),
    (
        API + "ResourceRequirement.html",
        "value = 16 MEMORY = 32768, 40960, …, 122880",
        REGISTER,
        sized("16", "122880"),
        sized("16", "36864"),
    ),
    (
        API + "ResourceRequirement.html",
        "value = 32 MEMORY = 61440, 122880, or 249856",
        REGISTER,
        sized("32", "249856"),
        sized("32", "245760"),
    ),
    (
        GUIDE + "fargate-job-definitions.html",
        "executionRoleArn: Must be specified for jobs running on Fargate resources.",
        REGISTER,
        FARGATE,
        changed(FARGATE, containerProperties__executionRoleArn=None),
    ),
    (
        GUIDE + "fargate-job-definitions.html",
        "ulimits: Not applicable for jobs running on Fargate resources.",
        REGISTER,
        FARGATE,
        changed(FARGATE, containerProperties__ulimits=[{"name": "nofile", "softLimit": 1, "hardLimit": 1}]),
    ),
    (
        GUIDE + "fargate-job-definitions.html",
        "memory, vcpus: These settings must be specified in resourceRequirements",
        REGISTER,
        FARGATE,
        changed(FARGATE, containerProperties__vcpus=1),
    ),
    (
        GUIDE + "fargate-job-definitions.html",
        "privileged: Either don't specify this parameter, or specify false.",
        REGISTER,
        FARGATE,
        changed(FARGATE, containerProperties__privileged=True),
    ),
    (
        GUIDE + "fargate-job-definitions.html",
        "devices, maxSwap, sharedMemorySize, swappiness, tmpfs: Not applicable",
        REGISTER,
        changed(FARGATE, containerProperties__linuxParameters={"initProcessEnabled": True}),
        changed(FARGATE, containerProperties__linuxParameters={"sharedMemorySize": 64}),
    ),
    (
        GUIDE + "fargate-job-definitions.html",
        "logDriver: Only awslogs and splunk are supported.",
        REGISTER,
        changed(FARGATE, containerProperties__logConfiguration={"logDriver": "splunk"}),
        changed(FARGATE, containerProperties__logConfiguration={"logDriver": "syslog"}),
    ),
    (
        API + "Host.html",
        "This parameter isn't applicable to jobs that run on Fargate resources. (sourcePath)",
        REGISTER,
        changed(DEFINITION, containerProperties__volumes=[{"name": "v", "host": {"sourcePath": "/x"}}]),
        changed(FARGATE, containerProperties__volumes=[{"name": "v", "host": {"sourcePath": "/x"}}]),
    ),
    (
        API + "EphemeralStorage.html",
        "The minimum supported value is 21 GiB and the maximum supported value is 200 GiB.",
        REGISTER,
        changed(FARGATE, containerProperties__ephemeralStorage={"sizeInGiB": 21}),
        changed(FARGATE, containerProperties__ephemeralStorage={"sizeInGiB": 20}),
    ),
    (
        API + "RuntimePlatform.html",
        "This parameter must be set to X86_64 for Windows containers.",
        REGISTER,
        changed(FARGATE, containerProperties__runtimePlatform={"cpuArchitecture": "ARM64"}),
        changed(
            FARGATE,
            containerProperties__runtimePlatform={
                "cpuArchitecture": "ARM64",
                "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE",
            },
        ),
    ),
    (
        API + "LinuxParameters.html",
        "Valid values are whole numbers between 0 and 100. (swappiness)",
        REGISTER,
        linux(swappiness=100, maxSwap=64),
        linux(swappiness=101, maxSwap=64),
    ),
    (
        API + "LinuxParameters.html",
        "Accepted values are 0 or any positive integer. (maxSwap)",
        REGISTER,
        linux(maxSwap=0),
        linux(maxSwap=-1),
    ),
    (
        API + "Ulimit.html",
        "Valid values are: core | cpu | data | … | stack.",
        REGISTER,
        changed(DEFINITION, containerProperties__ulimits=[{"name": "rtprio", "softLimit": 1, "hardLimit": 1}]),
        changed(DEFINITION, containerProperties__ulimits=[{"name": "threads", "softLimit": 1, "hardLimit": 1}]),
    ),
    (
        API + "EFSVolumeConfiguration.html",
        "the root directory parameter must either be omitted or set to /",
        REGISTER,
        efs(rootDirectory="/", transitEncryption="ENABLED", authorizationConfig={"accessPointId": "fsap-1"}),
        efs(rootDirectory="/a", transitEncryption="ENABLED", authorizationConfig={"accessPointId": "fsap-1"}),
    ),
    (
        API + "EFSVolumeConfiguration.html",
        "Transit encryption must be enabled if Amazon EFS IAM authorization is used.",
        REGISTER,
        efs(transitEncryption="ENABLED", authorizationConfig={"iam": "ENABLED"}),
        efs(authorizationConfig={"iam": "ENABLED"}),
    ),
    (
        API + "EFSVolumeConfiguration.html",
        "The value must be between 0 and 65,535.",
        REGISTER,
        efs(transitEncryptionPort=65535),
        efs(transitEncryptionPort=65536),
    ),
    (
        API + "RetryStrategy.html",
        "You can specify between 1 and 10 attempts.",
        REGISTER,
        changed(DEFINITION, retryStrategy={"attempts": 10}),
        changed(DEFINITION, retryStrategy={"attempts": 11}),
    ),
    (
        API + "RetryStrategy.html",
        "then the attempts parameter must also be specified",
        REGISTER,
        changed(DEFINITION, retryStrategy={"attempts": 3, "evaluateOnExit": RETRIES}),
        changed(DEFINITION, retryStrategy={"evaluateOnExit": RETRIES}),
    ),
    (
        API + "RetryStrategy.html",
        "Array of up to 5 objects",
        REGISTER,
        changed(DEFINITION, retryStrategy={"attempts": 3, "evaluateOnExit": (RETRIES * 2)[:5]}),
        changed(DEFINITION, retryStrategy={"attempts": 3, "evaluateOnExit": RETRIES * 2}),
    ),
    (
        API + "EvaluateOnExit.html",
        "letters, numbers, periods (.), colons (:), and white spaces … optionally end with an asterisk",
        REGISTER,
        changed(
            DEFINITION,
            retryStrategy={"attempts": 3, "evaluateOnExit": [{"action": "EXIT", "onStatusReason": "Host EC2*"}]},
        ),
        changed(
            DEFINITION,
            retryStrategy={"attempts": 3, "evaluateOnExit": [{"action": "EXIT", "onStatusReason": "Host*EC2"}]},
        ),
    ),
    (
        API + "EvaluateOnExit.html",
        "The values aren't case sensitive. (action)",
        REGISTER,
        changed(DEFINITION, retryStrategy={"attempts": 3, "evaluateOnExit": [{"action": "exit", "onReason": "*"}]}),
        changed(DEFINITION, retryStrategy={"attempts": 3, "evaluateOnExit": [{"action": "stop", "onReason": "*"}]}),
    ),
    (
        API + "EvaluateOnExit.html",
        "It can contain only numbers, and can end with an asterisk (*) (onExitCode)",
        REGISTER,
        changed(DEFINITION, retryStrategy={"attempts": 3, "evaluateOnExit": [{"action": "EXIT", "onExitCode": "13*"}]}),
        changed(
            DEFINITION, retryStrategy={"attempts": 3, "evaluateOnExit": [{"action": "EXIT", "onExitCode": "137 "}]}
        ),
    ),
    (
        API + "EcsProperties.html",
        "the task element can run up to 10 containers",
        REGISTER,
        TASK,
        changed(
            TASK, ecsProperties__taskProperties__0__containers=[{"name": f"c{i}", "image": "b"} for i in range(11)]
        ),
    ),
    (
        API + "TaskContainerProperties.html",
        "All jobs must have at least one essential container.",
        REGISTER,
        TASK,
        changed(TASK, **{_TASK + "containers__1__essential": False}),
    ),
    (
        API + "TaskContainerDependency.html",
        "This condition can't be set on an essential container. (SUCCESS)",
        REGISTER,
        TASK,
        changed(TASK, **{_TASK + "containers__0__essential": True}),
    ),
    (
        API + "TaskContainerProperties.html",
        "The minimum value is 2 seconds (stopTimeout)",
        REGISTER,
        changed(TASK, **{_TASK + "containers__1__stopTimeout": 2}),
        changed(TASK, **{_TASK + "containers__1__stopTimeout": 1}),
    ),
    (
        API + "EcsTaskProperties.html",
        "It cannot be specified for Fargate or Amazon EC2 platform job definitions. (networkMode)",
        REGISTER,
        changed(TASK, platformCapabilities=["MANAGED_INSTANCES"], **{_TASK + "networkMode": "host"}),
        changed(TASK, **{_TASK + "networkMode": "host"}),
    ),
    (
        API + "EksContainerResourceRequirements.html",
        'using whole integers, with a "Mi" suffix',
        REGISTER,
        resources(limits={"memory": "1024Mi"}),
        resources(limits={"memory": "1Gi"}),
    ),
    (
        API + "EksContainerResourceRequirements.html",
        "Values must be an even multiple of 0.25.",
        REGISTER,
        resources(limits={"cpu": "0.75"}),
        resources(limits={"cpu": "0.6"}),
    ),
    (
        API + "EksContainerResourceRequirements.html",
        "limits must be at least as large as the value that's specified in requests (cpu)",
        REGISTER,
        resources(limits={"cpu": "2"}, requests={"cpu": "1"}),
        resources(limits={"cpu": "1"}, requests={"cpu": "2"}),
    ),
    (
        API + "EksContainerResourceRequirements.html",
        "limits must be equal to the value that's specified in requests (memory)",
        REGISTER,
        resources(limits={"memory": "8Mi"}, requests={"memory": "8Mi"}),
        resources(limits={"memory": "9Mi"}, requests={"memory": "8Mi"}),
    ),
    (
        API + "EksMetadata.html",
        "Can't be set to default",
        REGISTER,
        POD,
        changed(POD, **{_POD + "metadata__namespace": "default"}),
    ),
    (
        API + "EksMetadata.html",
        "Can't start with kube",
        REGISTER,
        POD,
        changed(POD, **{_POD + "metadata__namespace": "kube-batch"}),
    ),
    (
        API + "EksContainer.html",
        "Each container in a pod must have a unique name.",
        REGISTER,
        changed(POD, **{_POD + "containers": [{"name": "a", "image": "b"}, {"name": "c", "image": "b"}]}),
        changed(POD, **{_POD + "containers": [{"name": "a", "image": "b"}, {"name": "a", "image": "b"}]}),
    ),
    (
        API + "EksContainer.html",
        "Supported values are Always, IfNotPresent, and Never.",
        REGISTER,
        changed(POD, **{_POD + "containers__0__imagePullPolicy": "Never"}),
        changed(POD, **{_POD + "containers__0__imagePullPolicy": "Sometimes"}),
    ),
    (
        API + "NodeProperties.html",
        "This node index value must be fewer than the number of nodes.",
        REGISTER,
        changed(NODES, nodeProperties__mainNode=10),
        changed(NODES, nodeProperties__mainNode=11),
    ),
    (
        API + "NodeRangeProperty.html",
        "Your accumulative node ranges must account for all nodes (0:n).",
        REGISTER,
        NODES,
        changed(NODES, **{_RANGE + "0__targetNodes": "0:9"}),
    ),
    (
        API + "NodeRangeProperty.html",
        "If the ending range value is omitted (n:)",
        REGISTER,
        changed(NODES, **{_RANGE + "0__targetNodes": "0:"}),
        changed(NODES, **{_RANGE + "0__targetNodes": "0-"}),
    ),
    (
        API + "SubmitJob.html",
        "The first character must be alphanumeric",
        SUBMIT,
        changed(SUBMISSION, jobName="9-lives"),
        changed(SUBMISSION, jobName="-lives"),
    ),
    (
        API + "SubmitJob.html",
        "definition-name, definition-name:revision, or the ARN, with or without the revision",
        SUBMIT,
        changed(SUBMISSION, jobDefinition="arn:aws:batch:us-east-1:123456789012:job-definition/sleep60"),
        changed(SUBMISSION, jobDefinition="sleep60:latest"),
    ),
    (
        API + "SubmitJob.html",
        "The array size can be between 2 and 10,000.",
        SUBMIT,
        changed(SUBMISSION, arrayProperties={"size": 10000}),
        changed(SUBMISSION, arrayProperties={"size": 1}),
    ),
    (
        API + "SubmitJob.html",
        "A job can depend upon a maximum of 20 jobs.",
        SUBMIT,
        changed(SUBMISSION, dependsOn=[{"jobId": JOB}] * 20),
        changed(SUBMISSION, dependsOn=[{"jobId": JOB}] * 21),
    ),
    (
        API + "SubmitJob.html",
        "You can also specify an N_TO_N type dependency with a job ID for array jobs.",
        SUBMIT,
        changed(SUBMISSION, arrayProperties={"size": 2}, dependsOn=[{"jobId": JOB, "type": "N_TO_N"}]),
        changed(SUBMISSION, arrayProperties={"size": 2}, dependsOn=[{"type": "N_TO_N"}]),
    ),
    (
        API + "ContainerOverrides.html",
        "This parameter can't contain an empty string. (command)",
        SUBMIT,
        changed(SUBMISSION, containerOverrides={"command": ["a"]}),
        changed(SUBMISSION, containerOverrides={"command": ["a", ""]}),
    ),
    (
        GUIDE + "service_limits.html",
        "Maximum job payload size (for SubmitJob API operations) 30 KiB",
        SUBMIT,
        changed(SUBMISSION, parameters={"a": "x" * 30000}),
        changed(SUBMISSION, parameters={"a": "x" * 30720}),
    ),
    (
        API + "TerminateJob.html",
        "This parameter has a limit of 1024 characters.",
        "TerminateJob",
        {"jobId": JOB, "reason": "x" * 1024},
        {"jobId": JOB, "reason": "x" * 1025},
    ),
    (
        API + "CancelJobs.html",
        "An array of up to 50 Batch job IDs of the jobs to cancel.",
        "CancelJobs",
        {"jobs": [JOB] * 50, "reason": "r"},
        {"jobs": [JOB] * 51, "reason": "r"},
    ),
    (
        API + "ListJobs.html",
        "Only one filter can be used at a time.",
        "ListJobs",
        changed(LISTING, filters=[{"name": "JOB_NAME", "values": ["a*"]}]),
        changed(LISTING, filters=[{"name": "JOB_NAME", "values": ["a"]}, {"name": "JOB_DEFINITION", "values": ["b"]}]),
    ),
    (
        API + "ListJobs.html",
        "Filter names are case sensitive.",
        "ListJobs",
        changed(LISTING, filters=[{"name": "JOB_NAME", "values": ["a"]}]),
        changed(LISTING, filters=[{"name": "job_name", "values": ["a"]}]),
    ),
    (
        API + "DescribeJobs.html",
        "A list of up to 100 job IDs.",
        "DescribeJobs",
        {"jobs": [JOB] * 100},
        {"jobs": [JOB] * 101},
    ),
    (
        API + "DescribeJobDefinitions.html",
        "This parameter can't be used with other parameters.",
        "DescribeJobDefinitions",
        {"jobDefinitions": ["a:1"]},
        {"jobDefinitions": ["a:1"], "status": "ACTIVE"},
    ),
    (
        GUIDE + "service_limits.html",
        "Maximum job service request payload size 10 KiB",
        "SubmitServiceJob",
        {"jobName": "a", "jobQueue": "q", "serviceJobType": "SAGEMAKER_TRAINING", "serviceRequestPayload": "{}"},
        {
            "jobName": "a",
            "jobQueue": "q",
            "serviceJobType": "SAGEMAKER_TRAINING",
            "serviceRequestPayload": '{"a": "' + "x" * 10240 + '"}',
        },
    ),
]

named = pytest.mark.parametrize(
    ("page", "sentence", "operation", "obeys", "breaks"), FACTS, ids=[f"{number}" for number in range(len(FACTS))]
)


def errors(operation: str, request: dict[str, Any]) -> list[str]:
    """What would stop the request."""
    return [each.message for each in check_request(operation, request) if each.stops]


@named
def test_a_request_that_obeys_the_sentence_is_accepted(
    page: str, sentence: str, operation: str, obeys: dict[str, Any], breaks: dict[str, Any]
) -> None:
    """No error is found in a request that does what the page says."""
    assert errors(operation, obeys) == [], (page, sentence)


@named
def test_a_request_that_breaks_the_sentence_is_refused(
    page: str, sentence: str, operation: str, obeys: dict[str, Any], breaks: dict[str, Any]
) -> None:
    """At least one error is found in a request that breaks the sentence."""
    assert errors(operation, breaks), (page, sentence)


def test_there_are_facts_enough() -> None:
    """At least thirty of the sixty facts that the project asks for are about jobs."""
    assert len({sentence for _, sentence, *_ in FACTS}) >= 30


def test_the_guides_own_retry_example_is_beyond_reproach() -> None:
    """The page's example has no finding at all. Source: job_retries.html, read 2026-11-21."""
    request = changed(DEFINITION, retryStrategy={"attempts": 3, "evaluateOnExit": RETRIES})
    assert check_request(REGISTER, request) == []


def test_the_guides_advice_to_exit_at_last_is_given() -> None:
    """ "For jobs that don't match to exit, add a final entry that exits for any reason." Source: job_retries.html."""
    request = changed(DEFINITION, retryStrategy={"attempts": 3, "evaluateOnExit": RETRIES[:2]})
    assert [each.level for each in check_request(REGISTER, request)] == [Level.ADVICE]
