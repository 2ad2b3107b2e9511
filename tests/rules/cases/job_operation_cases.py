"""What each row about a request of the job operations accepts, rejects, and where it does not apply.

`CASES[id] = (accepted, rejected, not applicable)`, each a list of requests of the row's operation.
"""

from __future__ import annotations

import json
from typing import Any

from job_definition_cases import Cases, Inputs, need, retry_cases

JOB = "24fa2d7a-64c4-49d2-8b47-f8da4fbde8e9"
ARN = "arn:aws:batch:us-east-1:123456789012"


def submit(**fields: Any) -> Inputs:
    """A submission."""
    return {"jobName": "j", "jobQueue": "q", "jobDefinition": "d", **fields}


def override(**container: Any) -> Inputs:
    """A submission with container overrides."""
    return submit(containerOverrides=container)


def task_override(**container: Any) -> Inputs:
    """A submission with overrides of a task's container."""
    return submit(ecsPropertiesOverride={"taskProperties": [{"containers": [{"name": "c", **container}]}]})


def node_override(**container: Any) -> Inputs:
    """A submission with overrides of a range's container."""
    return submit(nodeOverrides={"nodePropertyOverrides": [{"targetNodes": "0:", "containerOverrides": container}]})


def pod_override(**container: Any) -> Inputs:
    """A submission with overrides of a pod's container."""
    return submit(eksPropertiesOverride={"podProperties": {"containers": [{"name": "c", **container}]}})


def retry(*entries: Inputs, attempts: int | None = 3) -> Inputs:
    """A submission with this retry strategy."""
    strategy: Inputs = {} if attempts is None else {"attempts": attempts}
    if entries:
        strategy["evaluateOnExit"] = list(entries)
    return submit(retryStrategy=strategy)


def service(**fields: Any) -> Inputs:
    """A submission of a service job."""
    return {
        "jobName": "j",
        "jobQueue": "q",
        "serviceJobType": "SAGEMAKER_TRAINING",
        "serviceRequestPayload": "{}",
        **fields,
    }


def listing(name: str = "", *values: str, **fields: Any) -> Inputs:
    """A ListJobs request, with one filter where a name is given."""
    return {"jobQueue": "q", **({"filters": [{"name": name, "values": list(values)}]} if name else {}), **fields}


def ending(**fields: Any) -> Inputs:
    """A request that ends one job."""
    return {"jobId": JOB, "reason": "r", **fields}


def ending_many(count: int = 1, **fields: Any) -> Inputs:
    """A request that ends several jobs."""
    return {"jobs": [JOB] * count, "reason": "r", **fields}


_PLAIN = submit()
_BATCH_NAME = [{"name": "AWS_BATCH_X", "value": "1"}]
_ON = {"jobId": JOB}
_BYTES = {"key": "x" * 31_000}

SUBMIT: dict[str, Cases] = {
    "SJ001": (
        [_PLAIN, submit(jobName="9a_-" * 32)],
        [submit(jobName="-a"), submit(jobName="_a"), submit(jobName="a" * 129), submit(jobName="a.b")],
        [{}],
    ),
    "SJ002": (
        [
            _PLAIN,
            submit(jobDefinition="d:3"),
            submit(jobDefinition=f"{ARN}:job-definition/d"),
            submit(jobDefinition=f"{ARN}:job-definition/d:1"),
        ],
        [submit(jobDefinition="d:latest"), submit(jobDefinition="arn:aws:batch:d"), submit(jobDefinition="a b")],
        [{}],
    ),
    "SJ003": ([_PLAIN, submit(jobQueue=f"{ARN}:job-queue/q")], [submit(jobQueue="q:1"), submit(jobQueue="a b")], [{}]),
    "SJ004": (
        [submit(shareIdentifier="a1"), submit(shareIdentifier="a*")],
        [submit(shareIdentifier="a b"), submit(shareIdentifier="*a"), submit(shareIdentifier="a" * 256)],
        [_PLAIN],
    ),
    "SJ005": (
        [submit(schedulingPriorityOverride=0), submit(schedulingPriorityOverride=9999)],
        [submit(schedulingPriorityOverride=10_000), submit(schedulingPriorityOverride=-1)],
        [_PLAIN],
    ),
    "SJ006": (
        [submit(arrayProperties={"size": 2}), submit(arrayProperties={"size": 10_000})],
        [submit(arrayProperties={"size": 1}), submit(arrayProperties={"size": 10_001})],
        [_PLAIN],
    ),
    "SJ007": ([submit(dependsOn=[_ON] * 20)], [submit(dependsOn=[_ON] * 21)], [_PLAIN]),
    "SJ008": (
        [submit(dependsOn=[_ON]), submit(dependsOn=[{"type": "SEQUENTIAL"}])],
        [submit(dependsOn=[{}]), submit(dependsOn=[{"type": "N_TO_N"}])],
        [_PLAIN],
    ),
    "SJ009": (
        [submit(dependsOn=[{"type": "SEQUENTIAL"}], arrayProperties={"size": 2})],
        [submit(dependsOn=[{"type": "SEQUENTIAL"}]), submit(dependsOn=[{"type": "N_TO_N", **_ON}])],
        [submit(dependsOn=[_ON]), _PLAIN],
    ),
    "SJ010": (
        [submit(timeout={"attemptDurationSeconds": 60})],
        [submit(timeout={"attemptDurationSeconds": 59})],
        [_PLAIN],
    ),
    "SJ011": (
        [override(command=["sleep", "1"])],
        [override(command=["sleep", ""]), task_override(command=[""]), node_override(command=[""])],
        [_PLAIN],
    ),
    "SJ012": (
        [override(environment=[{"name": "A", "value": "1"}])],
        [override(environment=_BATCH_NAME), task_override(environment=_BATCH_NAME)],
        [_PLAIN],
    ),
    "SJ013": ([override(resourceRequirements=need())], [override(resourceRequirements=need() * 2)], [_PLAIN]),
    "SJ014": (
        [override(resourceRequirements=need(mib="4"))],
        [override(resourceRequirements=need(mib="3")), override(resourceRequirements=need(mib="1GB"))],
        [_PLAIN],
    ),
    "SJ015": (
        [override(resourceRequirements=need("0.5"))],
        [override(resourceRequirements=need("half"))],
        [_PLAIN],
    ),
    "SJ016": (
        [override(resourceRequirements=need(gpus="1"))],
        [override(resourceRequirements=need(gpus="0"))],
        [_PLAIN],
    ),
    "SJ017": ([_PLAIN], [override(vcpus=1), node_override(vcpus=1)], [_PLAIN, override(command=["x"])]),
    "SJ018": ([_PLAIN], [override(memory=4)], [_PLAIN]),
    "SJ019": ([_PLAIN], [override(instanceType="m5.large")], [_PLAIN, node_override(instanceType="m5.large")]),
    "SJ020": ([_PLAIN, task_override(), pod_override()], [{**task_override(), **pod_override()}], []),
    "SJ021": (
        [task_override()],
        [submit(ecsPropertiesOverride={"taskProperties": [{}, {}]})],
        [_PLAIN],
    ),
    "SJ022": (
        [submit(nodeOverrides={"numNodes": 1})],
        [submit(nodeOverrides={"numNodes": 0}), submit(nodeOverrides={"numNodes": 1001})],
        [_PLAIN],
    ),
    "SJ023": (
        [node_override()],
        [submit(nodeOverrides={"nodePropertyOverrides": [{"targetNodes": "3:1"}]})],
        [_PLAIN],
    ),
    "SJ024": ([_PLAIN], [submit(parameters=_BYTES)], []),
    "SJ025": ([override(command=["x" * 8000])], [override(command=["x" * 8192])], [_PLAIN]),
    "SJ026": (
        [submit(consumableResourcePropertiesOverride={"consumableResourceList": [{"consumableResource": "a"}] * 5})],
        [submit(consumableResourcePropertiesOverride={"consumableResourceList": [{"consumableResource": "a"}] * 6})],
        [_PLAIN],
    ),
    "SJ027": (
        [pod_override(resources={"limits": {"memory": "8Mi"}})],
        [pod_override(resources={"limits": {"memory": "8"}}), pod_override(resources={"requests": {"memory": "3Mi"}})],
        [_PLAIN, pod_override()],
    ),
    "SJ028": (
        [pod_override(resources={"limits": {"cpu": "0.75"}})],
        [pod_override(resources={"limits": {"cpu": "0.8"}})],
        [_PLAIN],
    ),
    "SJ029": ([pod_override(env=[{"name": "A"}])], [pod_override(env=[{"name": "AWS_BATCH"}])], [_PLAIN]),
    "SJ030": ([node_override()], [{**node_override(), **override()}], [override(), node_override()]),
    **retry_cases(retry, _PLAIN, 101, "SJ"),
}

SERVICE: dict[str, Cases] = {
    "SV001": ([service(jobName="a_-9")], [service(jobName="a.b"), service(jobName="a" * 129)], [{}]),
    "SV002": ([service(schedulingPriority=9999)], [service(schedulingPriority=10_000)], [service()]),
    "SV003": (
        [service(retryStrategy={"attempts": 10})],
        [service(retryStrategy={"attempts": 11}), service(retryStrategy={"attempts": 0})],
        [service()],
    ),
    "SV004": (
        [service(retryStrategy={"attempts": 1, "evaluateOnExit": [{"action": "RETRY", "onStatusReason": "x" * 512}]})],
        [service(retryStrategy={"attempts": 1, "evaluateOnExit": [{"action": "RETRY", "onStatusReason": "x" * 513}]})],
        [service()],
    ),
    "SV005": (
        [service()],
        [service(serviceRequestPayload=json.dumps({"a": "x" * 10_240}))],
        [{}],
    ),
    "SV006": ([service()], [service(tags={f"k{each}": "x" * 256 for each in range(120)})], []),
    "SV007": (
        [service(shareIdentifier="a"), service(quotaShareName="a"), service()],
        [service(shareIdentifier="a", quotaShareName="a")],
        [],
    ),
    "SV008": (
        [service()],
        [service(serviceRequestPayload="TrainingJobName: x"), service(serviceRequestPayload="[]")],
        [{}],
    ),
    "SV009": (
        [service(preemptionConfiguration={"preemptionRetriesBeforeTermination": 0})],
        [service(preemptionConfiguration={"preemptionRetriesBeforeTermination": -1})],
        [service()],
    ),
    "SV010": (
        [{"jobId": JOB, "schedulingPriority": 0}],
        [{"jobId": JOB, "schedulingPriority": 10_000}],
        [{"jobId": JOB}],
    ),
    "SV011": ([ending_many(50)], [ending_many(51)], [{"reason": "r"}]),
}

_REASON: Cases = ([ending(reason="x" * 1024)], [ending(reason="x" * 1025)], [{"jobId": JOB}])
_FIFTY: Cases = ([ending_many(50)], [ending_many(51)], [{"reason": "r"}])
_REASON_OF_MANY: Cases = ([ending_many(reason="x" * 1024)], [ending_many(reason="x" * 1025)], [{"jobs": [JOB]}])

END: dict[str, Cases] = {
    "TJ001": _REASON,
    "TJ002": _REASON,
    "TJ003": _FIFTY,
    "TJ004": _REASON_OF_MANY,
    "TJ005": _FIFTY,
    "TJ006": _REASON_OF_MANY,
}

_BY_RESOURCE = {"consumableResource": "c"}

LIST: dict[str, Cases] = {
    "LJ001": (
        [{"jobQueue": "q"}, {"arrayJobId": JOB}, {"multiNodeJobId": JOB}],
        [{}, {"jobQueue": "q", "arrayJobId": JOB}],
        [],
    ),
    "LJ002": (
        [listing("JOB_NAME", "a")],
        [listing(filters=[{"name": "JOB_NAME", "values": ["a"]}] * 2)],
        [listing()],
    ),
    "LJ003": ([listing("JOB_DEFINITION", "a")], [listing("job_name", "a"), listing("STATUS", "a")], [listing()]),
    "LJ004": (
        [listing("AFTER_CREATED_AT", "1700000000000"), listing("JOB_NAME", "a")],
        [listing("BEFORE_CREATED_AT", "2026-11-21"), listing("AFTER_CREATED_AT", "")],
        [listing()],
    ),
    "LJ005": (
        [listing("JOB_DEFINITION", "d*"), listing("JOB_DEFINITION", f"{ARN}:job-definition/d:1")],
        [listing("JOB_DEFINITION", f"{ARN}:job-definition/d*")],
        [listing()],
    ),
    "LJ006": (
        [listing("SHARE_IDENTIFIER", "a", jobStatus="RUNNING"), listing(jobStatus="RUNNING")],
        [listing("JOB_NAME", "a", jobStatus="RUNNING")],
        [listing("JOB_NAME", "a")],
    ),
    "LJ007": ([listing(maxResults=1000)], [listing(maxResults=0), listing(maxResults=1001)], [listing()]),
    "LJ008": (
        [listing("JOB_NAME", "a", maxResults=100)],
        [listing("JOB_NAME", "a", maxResults=101)],
        [listing(maxResults=101), listing("JOB_NAME", "a")],
    ),
    "LJ009": (
        [listing("JOB_NAME", "a")],
        [listing(filters=[{"name": "JOB_NAME", "values": ["a"]}] * 2)],
        [listing()],
    ),
    "LJ010": ([listing("QUOTA_SHARE_NAME", "a")], [listing("JOB_DEFINITION", "a")], [listing()]),
    "LJ011": (
        [listing("QUOTA_SHARE_NAME", "a", jobStatus="RUNNING")],
        [listing("JOB_NAME", "a", jobStatus="SCHEDULED")],
        [listing()],
    ),
    "LJ012": ([listing(maxResults=100)], [listing(maxResults=101)], [listing()]),
    "LJ013": (
        [{**_BY_RESOURCE, "filters": [{"name": "JOB_STATUS", "values": ["RUNNING"]}]}],
        [{**_BY_RESOURCE, "filters": [{"name": "SHARE_IDENTIFIER", "values": ["a"]}]}],
        [_BY_RESOURCE],
    ),
    "LJ014": ([{**_BY_RESOURCE, "maxResults": 1}], [{**_BY_RESOURCE, "maxResults": 101}], [_BY_RESOURCE]),
}

_CHILD: Cases = (
    [{"resourceArn": f"{ARN}:job/{JOB}"}, {"resourceArn": f"{ARN}:job-definition/sleep30:1"}],
    [{"resourceArn": f"{ARN}:job/{JOB}:3"}, {"resourceArn": f"{ARN}:job/{JOB}#0"}],
    [{}],
)

DESCRIBE: dict[str, Cases] = {
    "DJ001": ([{"jobs": [JOB] * 100}], [{"jobs": [JOB] * 101}], [{}]),
    "DJ002": ([{"jobDefinitions": ["d:1"] * 100}], [{"jobDefinitions": ["d:1"] * 101}], [{}]),
    "DJ003": (
        [{"jobDefinitions": ["d:1"]}, {"jobDefinitionName": "d"}],
        [{"jobDefinitions": ["d:1"], "jobDefinitionName": "d"}],
        [],
    ),
    "DJ004": (
        [{"jobDefinitions": ["d:1"]}],
        [{"jobDefinitions": ["d:1"], "status": "ACTIVE"}],
        [{"status": "ACTIVE"}, {}],
    ),
    "DJ005": ([{"maxResults": 100}], [{"maxResults": 101}, {"maxResults": 0}], [{}]),
    "DJ006": (
        [{"jobDefinition": "d:1"}, {"jobDefinition": f"{ARN}:job-definition/d:1"}],
        [{"jobDefinition": "sleep10"}],
        [{}],
    ),
    "TG001": _CHILD,
    "TG002": _CHILD,
}

CASES: dict[str, Cases] = {**SUBMIT, **SERVICE, **END, **LIST, **DESCRIBE}
