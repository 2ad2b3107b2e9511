"""Every operation from its dark side: one refusal each, pages, tags, names and ARNs, snapshots, deletions.

The outputs are held against botocore's model in test_outputs.py; AWS's pages are quoted in tests/parity.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.local.api_error import ApiError
from batchiac.local.dispatch import OPERATIONS
from batchiac.local.request_shape import service_model
from batchiac.local.wire import respond
from batchiac.testing import TestStack, local_stack

from .conftest import CONTAINER, RESOURCES, furnish

ARN = "arn:aws:batch:us-east-1:123456789012:"
LIMITS = [{"maxCapacity": 4, "capacityUnit": "ml.m5.large"}]
SHARE = {
    "capacityLimits": LIMITS,
    "resourceSharingConfiguration": {"strategy": "RESERVE"},
    "preemptionConfiguration": {"inSharePreemption": "DISABLED"},
}
TRAINING = {"serviceJobType": "SAGEMAKER_TRAINING", "serviceRequestPayload": "{}"}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "CancelJob": ({"jobId": "", "reason": "r"}, "jobId must not be empty"),
    "CancelJobs": ({"jobs": ["x"] * 51, "reason": "r"}, "at most 50"),
    "CreateComputeEnvironment": (
        {"computeEnvironmentName": "ce", "type": "MANAGED", "computeResources": RESOURCES},
        "Object already exists",
    ),
    "CreateConsumableResource": ({"consumableResourceName": "licence", "totalQuantity": 1}, "Object already exists"),
    "CreateJobQueue": ({"jobQueueName": "x", "priority": 1}, "computeEnvironmentOrder"),
    "CreateQuotaShare": ({"quotaShareName": "x", "jobQueue": "q", **SHARE}, "quotaSharePolicy"),
    "CreateSchedulingPolicy": ({"name": "fair"}, "Object already exists"),
    "CreateServiceEnvironment": (
        {
            "serviceEnvironmentName": "se",
            "serviceEnvironmentType": "SAGEMAKER_TRAINING",
            "capacityLimits": LIMITS,
        },
        "Object already exists",
    ),
    "DeleteComputeEnvironment": ({"computeEnvironment": "ce"}, "state must be DISABLED"),
    "DeleteConsumableResource": ({"consumableResource": "nowhere"}, "does not exist"),
    "DeleteJobQueue": ({"jobQueue": "q"}, "state must be DISABLED"),
    "DeleteQuotaShare": ({"quotaShareArn": ARN + "job-queue/sq/quota-share/team"}, "state must be DISABLED"),
    "DeleteSchedulingPolicy": ({"arn": ARN + "scheduling-policy/quota"}, "is used by job queue sq"),
    "DeleteServiceEnvironment": ({"serviceEnvironment": "se"}, "state must be DISABLED"),
    "DeregisterJobDefinition": ({"jobDefinition": "jd"}, "is not a job definition with revision"),
    "DescribeComputeEnvironments": ({"computeEnvironments": ["x"] * 101}, "up to 100"),
    "DescribeConsumableResource": ({"consumableResource": "nowhere"}, "does not exist"),
    "DescribeJobDefinitions": ({"jobDefinitions": ["jd"], "status": "ACTIVE"}, "cannot be used with other parameters"),
    "DescribeJobQueues": ({"nextToken": "stale"}, "nextToken is not valid"),
    "DescribeJobs": ({"jobs": ["x"] * 101}, "Maximum number of jobs supported is 100"),
    "DescribeQuotaShare": ({"quotaShareArn": "nowhere"}, "does not exist"),
    "DescribeSchedulingPolicies": ({"arns": ["x"] * 101}, "100"),
    "DescribeServiceEnvironments": ({"maxResults": 0}, "between 1 and 100"),
    "DescribeServiceJob": ({"jobId": "nowhere"}, "does not exist"),
    "GetJobQueueSnapshot": ({"jobQueue": "nowhere"}, "does not exist"),
    "ListConsumableResources": ({"filters": [{"name": "COLOUR", "values": ["red"]}]}, "CONSUMABLE_RESOURCE_NAME"),
    "ListJobs": ({}, "exactly one of jobQueue, arrayJobId, multiNodeJobId"),
    "ListJobsByConsumableResource": ({"consumableResource": "nowhere"}, "does not exist"),
    "ListQuotaShares": ({"jobQueue": "nowhere"}, "does not exist"),
    "ListSchedulingPolicies": ({"maxResults": 101}, "between 1 and 100"),
    "ListServiceJobs": ({"jobQueue": "nowhere"}, "does not exist"),
    "ListTagsForResource": ({"resourceArn": ARN + "job-queue/nowhere"}, "does not exist"),
    "RegisterJobDefinition": ({"jobDefinitionName": "x", "type": "container"}, "container"),
    "SubmitJob": (
        {"jobName": "a", "jobQueue": "q", "jobDefinition": "none"},
        "JobDefinition name none does not exist or is not in ACTIVE status",
    ),
    "SubmitServiceJob": ({"jobName": "a", "jobQueue": "q", **TRAINING}, "no service environment"),
    "TagResource": ({"resourceArn": ARN + "job-queue/q", "tags": {"aws:x": "y"}}, "reserved for AWS"),
    "TerminateJob": ({"jobId": "x", "reason": "r" * 1025}, "1,024 characters"),
    "TerminateJobs": ({"jobs": [], "reason": "r"}, "1 to 50"),
    "TerminateServiceJob": ({"jobId": "x"}, "reason"),
    "TerminateServiceJobs": ({"jobs": ["x"] * 51, "reason": "r"}, "50"),
    "UntagResource": ({"resourceArn": "nothing", "tagKeys": ["a"]}, "does not exist"),
    "UpdateComputeEnvironment": ({"computeEnvironment": "nowhere"}, "does not exist"),
    "UpdateConsumableResource": (
        {"consumableResource": "licence", "operation": "REMOVE", "quantity": 99},
        "must not be negative",
    ),
    "UpdateJobQueue": ({"jobQueue": "q", "schedulingPolicyArn": ARN + "scheduling-policy/fair"}, "cannot be added"),
    "UpdateQuotaShare": ({"quotaShareArn": "nowhere"}, "does not exist"),
    "UpdateSchedulingPolicy": ({"arn": "nowhere"}, "does not exist"),
    "UpdateServiceEnvironment": ({"serviceEnvironment": "nowhere"}, "does not exist"),
    "UpdateServiceJob": ({"jobId": "nowhere", "schedulingPriority": 1}, "does not exist"),
}
"""Operation → a request that AWS refuses, and what the refusal says."""


def furnish_all(stack: TestStack) -> dict[str, str]:
    """One of everything that has tags; its kind → ARN."""
    batch, settle = furnish(stack), stack.clock.run_until_idle
    fair = batch.create_scheduling_policy(name="fair", fairsharePolicy={})["arn"]
    quota = batch.create_scheduling_policy(name="quota", quotaSharePolicy={"idleResourceAssignmentStrategy": "FIFO"})[
        "arn"
    ]
    licence = batch.create_consumable_resource(consumableResourceName="licence", totalQuantity=1)
    service = batch.create_service_environment(
        serviceEnvironmentName="se", serviceEnvironmentType="SAGEMAKER_TRAINING", capacityLimits=LIMITS
    )
    settle()
    batch.create_job_queue(
        jobQueueName="sq",
        priority=1,
        jobQueueType="SAGEMAKER_TRAINING",
        serviceEnvironmentOrder=[{"order": 1, "serviceEnvironment": "se"}],
        schedulingPolicyArn=quota,
    )
    settle()
    share = batch.create_quota_share(quotaShareName="team", jobQueue="sq", **SHARE)["quotaShareArn"]
    settle()
    job = batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd")
    training = batch.submit_service_job(jobName="t", jobQueue="sq", quotaShareName="team", **TRAINING)
    return {
        "compute environment": ARN + "compute-environment/ce",
        "job queue": ARN + "job-queue/q",
        "job definition": ARN + "job-definition/jd:1",
        "scheduling policy": fair,
        "consumable resource": licence["consumableResourceArn"],
        "service environment": service["serviceEnvironmentArn"],
        "quota share": share,
        "job": job["jobArn"],
        "service job": training["jobArn"],
    }


@pytest.fixture(scope="module")
def full() -> Iterator[TestStack]:
    with local_stack(projections=False) as running:
        running.arns = furnish_all(running)  # type: ignore[attr-defined]
        yield running


def test_every_operation_has_its_refusal() -> None:
    """A botocore upgrade that brings an operation fails here until its refusals are looked at."""
    assert set(REFUSED) == set(OPERATIONS)


@pytest.mark.parametrize("operation", sorted(REFUSED))
def test_a_refusal_is_a_client_exception_and_changes_nothing(full: TestStack, operation: str) -> None:
    """Class, status and words; nothing that can be described is another afterwards."""
    request, words = REFUSED[operation]
    if operation == "DeleteQuotaShare":
        request, words = {"quotaShareArn": full.arns["quota share"]}, "state must be DISABLED"  # type: ignore[attr-defined]
    before = everything(full)
    with pytest.raises(ApiError) as refused:
        full.call(operation, request)
    assert (refused.value.code, refused.value.status) == ("ClientException", 400)
    assert words in refused.value.message
    assert everything(full) == before


def everything(stack: TestStack) -> list[dict[str, Any]]:
    lists = (
        "DescribeComputeEnvironments",
        "DescribeJobQueues",
        "DescribeJobDefinitions",
        "DescribeServiceEnvironments",
    )
    described = [stack.call(name) for name in (*lists, "ListSchedulingPolicies", "ListConsumableResources")]
    described += [stack.call("ListQuotaShares", {"jobQueue": "sq"})]
    for arn in stack.arns.values():  # type: ignore[attr-defined]
        described.append(stack.call("ListTagsForResource", {"resourceArn": arn}))
    for status in ("SUBMITTED", "RUNNABLE", "FAILED"):
        described.append(stack.call("ListJobs", {"jobQueue": "q", "jobStatus": status}))
        described.append(stack.call("ListServiceJobs", {"jobQueue": "sq", "jobStatus": status}))
    return described


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_body_that_is_no_object_is_a_serialization_error(full: TestStack, operation: str) -> None:
    """As AWS's own deserializer has it, over HTTP: 400, the class in a header."""
    http = service_model().operation_model(operation).http
    path = http["requestUri"].replace("{resourceArn}", "arn")
    status, headers, body = respond("123456789012", "us-east-1", http["method"], path, "", b"[", "id")
    assert (status, headers["x-amzn-ErrorType"], headers["x-amzn-RequestId"]) == (400, "SerializationException", "id")
    assert b'"message"' in body


def test_a_bug_of_ours_is_a_server_exception(full: TestStack, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    """The other documented error: 500, in AWS's form, with the traceback in the log only."""
    from batchiac.local import wire

    def broken(*_: object) -> dict[str, Any]:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(wire, "handle", broken)
    status, headers, body = respond("123456789012", "us-east-1", "POST", "/v1/describejobqueues", "", b"{}", "id")
    assert (status, headers["x-amzn-ErrorType"]) == (500, "ServerException")
    assert b"oops" not in body
    assert "ZeroDivisionError" in caplog.text


KINDS = (
    "compute environment",
    "job queue",
    "job definition",
    "scheduling policy",
    "consumable resource",
    "service environment",
    "quota share",
    "job",
    "service job",
)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_has_tags_takes_fifty(full: TestStack, kind: str) -> None:
    """Set, changed, listed, taken away; the fifty-first is refused, and nothing of that request is kept."""
    batch, arn = full.client("batch"), full.arns[kind]  # type: ignore[attr-defined]

    def tags() -> dict[str, str]:
        found: dict[str, str] = batch.list_tags_for_resource(resourceArn=arn)["tags"]
        return found

    batch.tag_resource(resourceArn=arn, tags={f"k{n}": "v" for n in range(49)})
    batch.tag_resource(resourceArn=arn, tags={"k0": "changed", "k49": ""})
    assert len(tags()) == 50
    assert (tags()["k0"], tags()["k49"]) == ("changed", "")
    with pytest.raises(ClientError, match="up to 50 tags"):
        batch.tag_resource(resourceArn=arn, tags={"k0": "again", "k50": "one too many"})
    assert tags()["k0"] == "changed"
    with pytest.raises(ClientError) as refused:
        batch.tag_resource(resourceArn=arn, tags={f"k{n}": "v" for n in range(51)})
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    batch.untag_resource(resourceArn=arn, tagKeys=[*(f"k{n}" for n in range(49)), "never there"])
    assert tags() == {"k49": ""}
    batch.untag_resource(resourceArn=arn, tagKeys=["k49"])


def test_children_and_nodes_have_no_tags(stack: TestStack, batch: Any) -> None:
    """API_TagResource.html: "tags for child jobs for array and multi-node parallel (MNP) jobs aren't supported"."""
    array = batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd", arrayProperties={"size": 2})["jobArn"]
    batch.tag_resource(resourceArn=array, tags={"a": "b"})
    with pytest.raises(ClientError, match="resourceArn is"):
        batch.tag_resource(resourceArn=f"{array}:0", tags={"a": "b"})


PAGED: dict[str, tuple[str, dict[str, Any], int]] = {
    "DescribeComputeEnvironments": ("computeEnvironments", {}, 100),
    "DescribeJobDefinitions": ("jobDefinitions", {}, 100),
    "DescribeJobQueues": ("jobQueues", {}, 100),
    "DescribeServiceEnvironments": ("serviceEnvironments", {}, 100),
    "ListConsumableResources": ("consumableResources", {}, 100),
    "ListJobs": ("jobSummaryList", {"jobQueue": "q0", "jobStatus": "SUBMITTED"}, 1000),
    "ListJobsByConsumableResource": ("jobs", {"consumableResource": "c0"}, 100),
    "ListQuotaShares": ("quotaShares", {"jobQueue": "sq"}, 100),
    "ListSchedulingPolicies": ("schedulingPolicies", {}, 100),
    "ListServiceJobs": ("jobSummaryList", {"jobQueue": "sq", "jobStatus": "SUBMITTED"}, 100),
}


def test_every_list_of_the_model_that_has_pages_is_looked_at() -> None:
    """What has a nextToken is in the table."""
    names = service_model().operation_names
    shapes = {name: service_model().operation_model(name).input_shape for name in names}
    assert {name for name, shape in shapes.items() if "nextToken" in shape.members} == set(PAGED)


@pytest.fixture(scope="module")
def many() -> Iterator[TestStack]:
    """Five of everything that is listed in pages, and as few states as can be."""
    with local_stack(projections=False) as stack:
        batch, settle = stack.client("batch"), stack.clock.run_until_idle
        quota = batch.create_scheduling_policy(name="p0", quotaSharePolicy={"idleResourceAssignmentStrategy": "FIFO"})[
            "arn"
        ]
        for n in range(5):
            batch.create_compute_environment(
                computeEnvironmentName=f"ce{n}", type="MANAGED", computeResources=RESOURCES
            )
            batch.create_service_environment(
                serviceEnvironmentName=f"se{n}", serviceEnvironmentType="SAGEMAKER_TRAINING", capacityLimits=LIMITS
            )
            batch.create_consumable_resource(consumableResourceName=f"c{n}", totalQuantity=5)
            if n:
                batch.create_scheduling_policy(name=f"p{n}")
        settle()
        for n in range(4):
            order = [{"order": 1, "computeEnvironment": f"ce{n}"}]
            batch.create_job_queue(jobQueueName=f"q{n}", priority=1, computeEnvironmentOrder=order)
        batch.create_job_queue(
            jobQueueName="sq",
            priority=1,
            jobQueueType="SAGEMAKER_TRAINING",
            serviceEnvironmentOrder=[{"order": 1, "serviceEnvironment": "se0"}],
            schedulingPolicyArn=quota,
        )
        settle()
        for n in range(5):
            batch.create_quota_share(quotaShareName=f"s{n}", jobQueue="sq", **SHARE)
            needs = {"consumableResourceList": [{"consumableResource": "c0", "quantity": 1}]}
            batch.register_job_definition(
                jobDefinitionName="jd",
                type="container",
                containerProperties=CONTAINER,
                consumableResourceProperties=needs,
            )
        settle()
        for n in range(5):
            batch.submit_job(jobName=f"j{n}", jobQueue="q0", jobDefinition="jd")
            batch.submit_service_job(jobName=f"t{n}", jobQueue="sq", quotaShareName="s0", **TRAINING)
        yield stack


@pytest.mark.parametrize("operation", sorted(PAGED))
def test_pages_of_two_give_each_item_once(many: TestStack, operation: str) -> None:
    """Five items in pages of 2, 2 and 1, and without maxResults in one."""
    key, request, _ = PAGED[operation]
    whole = many.call(operation, request)
    assert "nextToken" not in whole
    assert len(whole[key]) == 5
    pages, token = [], None
    while True:
        page = many.call(operation, {**request, "maxResults": 2, **({"nextToken": token} if token else {})})
        pages.append(page[key])
        token = page.get("nextToken")
        if token is None:
            break
    assert [len(each) for each in pages] == [2, 2, 1]
    assert [item for each in pages for item in each] == whole[key]


@pytest.mark.parametrize("operation", sorted(PAGED))
def test_pages_have_documented_sizes_and_their_own_tokens(many: TestStack, operation: str) -> None:
    """1 up to the documented most; the token of another list is refused."""
    key, request, most = PAGED[operation]
    for size in (1, most):
        assert len(many.call(operation, {**request, "maxResults": size})[key]) == min(size, 5)
    other = "ListSchedulingPolicies" if operation != "ListSchedulingPolicies" else "DescribeJobQueues"
    foreign = many.call(other, {"maxResults": 1})["nextToken"]
    for wrong in ({"maxResults": 0}, {"maxResults": most + 1}, {"nextToken": foreign}, {"nextToken": "%"}):
        with pytest.raises(ApiError) as refused:
            many.call(operation, {**request, **wrong})
        assert refused.value.code == "ClientException"


def test_a_page_goes_on_where_the_last_one_ended(stack: TestStack) -> None:
    """What was deleted or came in between neither repeats nor hides anything."""
    batch = stack.client("batch")
    arns = [batch.create_scheduling_policy(name=f"p{n}")["arn"] for n in range(4)]
    first = batch.list_scheduling_policies(maxResults=2)
    batch.delete_scheduling_policy(arn=arns[1])
    batch.delete_scheduling_policy(arn=arns[2])
    new = batch.create_scheduling_policy(name="p9")["arn"]
    second = batch.list_scheduling_policies(maxResults=2, nextToken=first["nextToken"])
    assert [each["arn"] for each in second["schedulingPolicies"]] == [arns[3], new]
    assert "nextToken" not in second


def test_names_and_arns_mean_the_same_and_foreign_ones_nothing(many: TestStack) -> None:
    """Mixed, doubled, unknown, of another kind, account and Region."""
    for operation, member, key, kind, name in (
        ("DescribeComputeEnvironments", "computeEnvironments", "computeEnvironments", "compute-environment", "ce"),
        ("DescribeJobQueues", "jobQueues", "jobQueues", "job-queue", "q"),
        ("DescribeServiceEnvironments", "serviceEnvironments", "serviceEnvironments", "service-environment", "se"),
    ):
        mixed = [
            f"{name}1",
            f"{ARN}{kind}/{name}0",
            f"{name}0",
            "nowhere",
            f"{ARN}job-definition/{name}2",
            f"{ARN.replace('us-east-1', 'eu-west-1')}{kind}/{name}2",
            f"{ARN.replace('123456789012', '210987654321')}{kind}/{name}3",
        ]
        found = many.call(operation, {member: mixed})[key]
        assert sorted(each[f"{key[:-1]}Name"] for each in found) == [f"{name}0", f"{name}1"]


def test_a_snapshot_of_a_fifo_queue_says_what_it_uses(stack: TestStack, batch: Any) -> None:
    """vCPUs of plain jobs, of children and of nodes; waiting jobs in the order of their submission; no shares."""
    nodes = {"numNodes": 3, "mainNode": 0, "nodeRangeProperties": [{"targetNodes": "0:", "container": CONTAINER}]}
    batch.register_job_definition(jobDefinitionName="gang", type="multinode", nodeProperties=nodes)
    big = {**CONTAINER, "resourceRequirements": [{"type": "VCPU", "value": "96"}, {"type": "MEMORY", "value": "128"}]}
    batch.register_job_definition(jobDefinitionName="big", type="container", containerProperties=big)
    long = {"tags": {"batchiac:duration": "100000"}}
    batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd", **long)
    batch.submit_job(jobName="b", jobQueue="q", jobDefinition="jd", arrayProperties={"size": 4}, **long)
    batch.submit_job(jobName="c", jobQueue="q", jobDefinition="gang", **long)
    stack.clock.advance(1200)
    waiting = [batch.submit_job(jobName="w", jobQueue="q", jobDefinition="big")["jobArn"] for _ in range(2)]
    stack.clock.advance(2)
    shown = batch.get_job_queue_snapshot(jobQueue="q")
    states = {
        name: batch.list_jobs(jobQueue="q", filters=[{"name": "JOB_NAME", "values": [name]}])["jobSummaryList"][0][
            "status"
        ]
        for name in "abc"
    }
    assert states == {"a": "RUNNING", "b": "PENDING", "c": "RUNNING"}
    usage = shown["queueUtilization"]["totalCapacityUsage"]
    assert usage == [{"capacityUnit": "VCPU", "quantity": 8.0}]
    assert "fairshareUtilization" not in shown["queueUtilization"]
    assert [each["jobArn"] for each in shown["frontOfQueue"]["jobs"]] == waiting


def test_a_snapshot_of_a_fair_share_queue_ranks_its_shares(stack: TestStack) -> None:
    """The shares that use capacity, the largest first, and their sum."""
    batch = furnish(stack)
    policy = batch.create_scheduling_policy(name="fair")["arn"]
    order = [{"order": 1, "computeEnvironment": "ce"}]
    batch.create_job_queue(jobQueueName="f", priority=1, computeEnvironmentOrder=order, schedulingPolicyArn=policy)
    stack.clock.run_until_idle()
    assert batch.get_job_queue_snapshot(jobQueue="f")["queueUtilization"]["fairshareUtilization"] == {
        "activeShareCount": 0,
        "topCapacityUtilization": [],
    }
    for share, count in (("small", 1), ("large", 3)):
        for _ in range(count):
            batch.submit_job(jobName="a", jobQueue="f", jobDefinition="jd", shareIdentifier=share)
    while not batch.list_jobs(jobQueue="f", jobStatus="RUNNING")["jobSummaryList"]:
        stack.clock.advance(5)
    shown = batch.get_job_queue_snapshot(jobQueue="f")["queueUtilization"]
    assert shown["totalCapacityUsage"] == [{"capacityUnit": "VCPU", "quantity": 4.0}]
    assert shown["fairshareUtilization"] == {
        "activeShareCount": 2,
        "topCapacityUtilization": [
            {"shareIdentifier": "large", "capacityUsage": [{"capacityUnit": "VCPU", "quantity": 3.0}]},
            {"shareIdentifier": "small", "capacityUsage": [{"capacityUnit": "VCPU", "quantity": 1.0}]},
        ],
    }


def test_ids_that_cannot_be_stopped_are_told_apart(batch: Any, stack: TestStack) -> None:
    """CancelJobs and TerminateJobs answer 200 with an error for each bad id, in the model's form."""
    job_id = batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd")["jobId"]
    for operation in ("cancel_jobs", "terminate_jobs"):
        answer = getattr(batch, operation)(jobs=[job_id, "", "unknown"], reason="r")
        assert answer["successful"] == [job_id, "unknown"]
        assert [(each["job"], each["code"]) for each in answer["errors"]] == [("", "ValidationException")]


def test_a_refusal_leaves_the_ids_that_follow_alone() -> None:
    """Two stacks of one seed give the same ids, although one of them has refused something in between."""

    def ids(refusing: bool) -> list[str]:
        with local_stack(projections=False) as stack:
            batch = furnish(stack)
            if refusing:
                with pytest.raises(ClientError):
                    batch.submit_job(jobName="-", jobQueue="q", jobDefinition="jd")
            found = [batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd")["jobId"] for _ in range(2)]
            batch.create_compute_environment(computeEnvironmentName="other", type="MANAGED", computeResources=RESOURCES)
            shown = batch.describe_compute_environments(computeEnvironments=["other"])["computeEnvironments"][0]
            return [*found, shown["uuid"], stack.backend().new_uuid()]

    assert ids(False) == ids(True)
