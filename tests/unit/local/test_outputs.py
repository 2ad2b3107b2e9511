"""Every output has the members and types of botocore's model, over a walk through the whole API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from batchiac.local.dispatch import OPERATIONS
from batchiac.local.request_shape import service_model
from batchiac.testing import TestStack, local_stack

from .conftest import CONTAINER, RESOURCES

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (float, int),
    "double": (float,),
    "boolean": (bool,),
}


_LATER: Mapping[str, Mapping[str, None]] = defaultdict(dict, {"JobDetail": {"startedAt": None}})
"""What the model calls required and AWS leaves out until it is known.

Source: https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html: a RUNNABLE job without startedAt."""


def misshapen(shape: Any, value: Any, path: str) -> list[str]:
    """Where a value is not of the model's form."""
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            return [f"{path} is {type(value).__name__}"]
        wrong = [f"{path}.{key} is not of the model" for key in value if key not in shape.members]
        wrong += [f"{path}.{key} is missing" for key in shape.required_members if key not in value | _LATER[shape.name]]
        return wrong + [
            each
            for key in value
            if key in shape.members
            for each in misshapen(shape.members[key], value[key], f"{path}.{key}")
        ]
    if shape.type_name == "list":
        if not isinstance(value, list):
            return [f"{path} is {type(value).__name__}"]
        return [each for n, item in enumerate(value) for each in misshapen(shape.member, item, f"{path}[{n}]")]
    if shape.type_name == "map":
        return [each for key, item in value.items() for each in misshapen(shape.value, item, f"{path}.{key}")]
    right = isinstance(value, _TYPES[shape.type_name]) and not (shape.type_name != "boolean" and value is True)
    return [] if right else [f"{path} is {value!r}"]


class Caller:
    """Calls an operation, and holds its output against the model."""

    def __init__(self, stack: TestStack) -> None:
        self.stack = stack
        self.called: set[str] = set()

    def __call__(self, name: str, /, **params: Any) -> dict[str, Any]:
        self.called.add(name)
        result = self.stack.call(name, params)
        shape = service_model().operation_model(name).output_shape
        assert misshapen(shape, result, name) == []
        return result


def test_every_output_has_the_models_form() -> None:
    """All operations are called, in an order that makes sense, and no output has a member that the model lacks."""
    with local_stack(projections=False) as stack:
        call, settle = Caller(stack), stack.clock.run_until_idle
        policy = call("CreateSchedulingPolicy", name="fair", fairsharePolicy={"shareDecaySeconds": 60})["arn"]
        call("UpdateSchedulingPolicy", arn=policy, fairsharePolicy={"computeReservation": 1})
        call("DescribeSchedulingPolicies", arns=[policy])
        call("ListSchedulingPolicies")
        call("CreateComputeEnvironment", computeEnvironmentName="ce", type="MANAGED", computeResources=RESOURCES)
        settle()
        call("UpdateComputeEnvironment", computeEnvironment="ce", computeResources={"maxvCpus": 128})
        settle()
        order = [{"order": 1, "computeEnvironment": "ce"}]
        call("CreateJobQueue", jobQueueName="q", priority=1, computeEnvironmentOrder=order, schedulingPolicyArn=policy)
        settle()
        call("UpdateJobQueue", jobQueue="q", priority=2)
        settle()
        call("DescribeComputeEnvironments")
        call("DescribeJobQueues")
        licence = call("CreateConsumableResource", consumableResourceName="licence", totalQuantity=1)
        call("UpdateConsumableResource", consumableResource="licence", operation="ADD", quantity=1)
        call("DescribeConsumableResource", consumableResource=licence["consumableResourceArn"])
        call("ListConsumableResources", filters=[{"name": "CONSUMABLE_RESOURCE_NAME", "values": ["lic*"]}])
        needs = {"consumableResourceList": [{"consumableResource": "licence", "quantity": 1}]}
        definition = call(
            "RegisterJobDefinition",
            jobDefinitionName="jd",
            type="container",
            containerProperties=CONTAINER,
            consumableResourceProperties=needs,
            schedulingPriority=3,
            retryStrategy={"attempts": 2},
        )["jobDefinitionArn"]
        task = {"containers": [{"name": "a", **CONTAINER}, {"name": "b", **CONTAINER}]}
        call(
            "RegisterJobDefinition", jobDefinitionName="ecs", type="container", ecsProperties={"taskProperties": [task]}
        )
        nodes = {"numNodes": 2, "mainNode": 0, "nodeRangeProperties": [{"targetNodes": "0:", "container": CONTAINER}]}
        call("RegisterJobDefinition", jobDefinitionName="mnp", type="multinode", nodeProperties=nodes)
        call("DescribeJobDefinitions", status="ACTIVE")
        ids = [
            call("SubmitJob", jobName="n", jobQueue="q", jobDefinition=name, shareIdentifier="s")["jobId"]
            for name in ("jd", "jd", "ecs", "mnp")
        ]
        array = call(
            "SubmitJob", jobName="n", jobQueue="q", jobDefinition="jd", shareIdentifier="s", arrayProperties={"size": 2}
        )
        everything = [*ids, array["jobId"], f"{array['jobId']}:1", f"{ids[3]}#0"]
        for _ in range(4):
            call("DescribeJobs", jobs=everything)
            for status in ("RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "PENDING"):
                call("ListJobs", jobQueue="q", jobStatus=status)
                call("ListJobs", arrayJobId=array["jobId"], jobStatus=status)
                call("ListJobs", multiNodeJobId=ids[3], jobStatus=status)
            call("GetJobQueueSnapshot", jobQueue="q")
            stack.clock.advance(70)
        settle()
        described = call("DescribeJobs", jobs=everything)["jobs"]
        assert [job["status"] for job in described] == ["SUCCEEDED"] * 7
        call("ListJobs", jobQueue="q", filters=[{"name": "JOB_NAME", "values": ["N*"]}])
        call("ListJobsByConsumableResource", consumableResource="licence")
        call("CancelJob", jobId=ids[0], reason="r")
        call("CancelJobs", jobs=ids, reason="r")
        call("TerminateJob", jobId=ids[0], reason="r")
        call("TerminateJobs", jobs=ids, reason="r")
        call("TagResource", resourceArn=definition, tags={"a": "b"})
        assert call("ListTagsForResource", resourceArn=definition)["tags"] == {"a": "b"}
        call("UntagResource", resourceArn=definition, tagKeys=["a"])
        call("DeregisterJobDefinition", jobDefinition=definition)
        _walk_service_jobs(call, settle)
        call("UpdateJobQueue", jobQueue="q", state="DISABLED")
        call("UpdateComputeEnvironment", computeEnvironment="ce", state="DISABLED")
        settle()
        call("DeleteJobQueue", jobQueue="q")
        settle()
        call("DeleteComputeEnvironment", computeEnvironment="ce")
        settle()
        call("DeleteSchedulingPolicy", arn=policy)
        call("DeleteConsumableResource", consumableResource="licence")
        assert call("DescribeComputeEnvironments")["computeEnvironments"] == []
        assert call.called == set(OPERATIONS)


def _walk_service_jobs(call: Caller, settle: Any) -> None:
    limits = [{"maxCapacity": 4, "capacityUnit": "ml.m5.large"}]
    call(
        "CreateServiceEnvironment",
        serviceEnvironmentName="se",
        serviceEnvironmentType="SAGEMAKER_TRAINING",
        capacityLimits=limits,
    )
    policy = call("CreateSchedulingPolicy", name="quota", quotaSharePolicy={"idleResourceAssignmentStrategy": "FIFO"})[
        "arn"
    ]
    settle()
    call("UpdateServiceEnvironment", serviceEnvironment="se", capacityLimits=limits)
    settle()
    call("DescribeServiceEnvironments")
    call(
        "CreateJobQueue",
        jobQueueName="sq",
        priority=1,
        jobQueueType="SAGEMAKER_TRAINING",
        serviceEnvironmentOrder=[{"order": 1, "serviceEnvironment": "se"}],
        schedulingPolicyArn=policy,
    )
    settle()
    share = call(
        "CreateQuotaShare",
        quotaShareName="team",
        jobQueue="sq",
        capacityLimits=limits,
        resourceSharingConfiguration={"strategy": "RESERVE"},
        preemptionConfiguration={"inSharePreemption": "DISABLED"},
    )["quotaShareArn"]
    settle()
    call("UpdateQuotaShare", quotaShareArn=share, capacityLimits=limits)
    settle()
    call("DescribeQuotaShare", quotaShareArn=share)
    call("ListQuotaShares", jobQueue="sq")
    submitted = [
        call(
            "SubmitServiceJob",
            jobName=f"train{number}",
            jobQueue="sq",
            quotaShareName="team",
            serviceJobType="SAGEMAKER_TRAINING",
            serviceRequestPayload="{}",
        )["jobId"]
        for number in range(2)
    ]
    call("UpdateServiceJob", jobId=submitted[0], schedulingPriority=5)
    call("TerminateServiceJob", jobId=submitted[1], reason="r")
    settle()
    assert call("DescribeServiceJob", jobId=submitted[0])["status"] == "SUCCEEDED"
    assert call("DescribeServiceJob", jobId=submitted[1])["isTerminated"] is True
    call("ListServiceJobs", jobQueue="sq", jobStatus="SUCCEEDED")
    call("TerminateServiceJobs", jobs=submitted, reason="r")
    call("UpdateQuotaShare", quotaShareArn=share, state="DISABLED")
    settle()
    call("DeleteQuotaShare", quotaShareArn=share)
    call("UpdateJobQueue", jobQueue="sq", state="DISABLED")
    settle()
    call("DeleteJobQueue", jobQueue="sq")
    settle()
    call("UpdateServiceEnvironment", serviceEnvironment="se", state="DISABLED")
    settle()
    call("DeleteServiceEnvironment", serviceEnvironment="se")
    settle()
    assert call("DescribeServiceEnvironments")["serviceEnvironments"] == []
