"""Pages, and the filters of ListJobs."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.testing import TestStack

from .conftest import CONTAINER, furnish


def names(answer: dict[str, Any]) -> list[str]:
    return [job["jobName"] for job in answer["jobSummaryList"]]


@pytest.fixture
def ids(stack: TestStack, batch: Any) -> list[str]:
    """Jobs test1 … test5, one a minute, all ended."""
    submitted = []
    for number in range(1, 6):
        name = f"Test{number}" if number == 2 else f"test{number}"
        submitted.append(batch.submit_job(jobName=name, jobQueue="q", jobDefinition="jd")["jobId"])
        stack.clock.advance(60)
    stack.clock.run_until_idle()
    return submitted


def test_running_jobs_are_listed_unless_a_status_is_given(stack: TestStack, batch: Any, ids: list[str]) -> None:
    """The default status is RUNNING."""
    assert names(batch.list_jobs(jobQueue="q")) == []
    assert len(names(batch.list_jobs(jobQueue="q", jobStatus="SUCCEEDED"))) == 5


def test_pages_neither_repeat_nor_lose_a_job(batch: Any, ids: list[str]) -> None:
    """By status and by filter, page after page gives each job once."""
    pages = batch.get_paginator("list_jobs")
    by_status = pages.paginate(jobQueue="q", jobStatus="SUCCEEDED", PaginationConfig={"PageSize": 2})
    assert [job["jobId"] for page in by_status for job in page["jobSummaryList"]] == ids
    filters = [{"name": "JOB_NAME", "values": ["test*"]}]
    filtered = pages.paginate(jobQueue="q", filters=filters, PaginationConfig={"PageSize": 2})
    assert [job["jobId"] for page in filtered for job in page["jobSummaryList"]] == ids[::-1]


@pytest.mark.parametrize(
    ("kind", "values", "found"),
    [
        ("JOB_NAME", ["test2"], ["Test2"]),
        ("JOB_NAME", ["TEST*"], ["test5", "test4", "test3", "Test2", "test1"]),
        ("JOB_DEFINITION", ["jd"], ["test5", "test4", "test3", "Test2", "test1"]),
        ("JOB_DEFINITION", ["JD"], []),
        ("JOB_DEFINITION", ["j*"], ["test5", "test4", "test3", "Test2", "test1"]),
        ("SHARE_IDENTIFIER", ["a"], []),
    ],
)
def test_filters(batch: Any, ids: list[str], kind: str, values: list[str], found: list[str]) -> None:
    """Names without case, definitions with it, newest first, whatever the status."""
    filters = [{"name": kind, "values": values}]
    assert names(batch.list_jobs(jobQueue="q", jobStatus="RUNNING", filters=filters)) == (
        found if kind != "SHARE_IDENTIFIER" else []
    )


def test_filters_of_time(batch: Any, ids: list[str]) -> None:
    """BEFORE_ and AFTER_CREATED_AT are strict, in milliseconds."""
    third = batch.describe_jobs(jobs=[ids[2]])["jobs"][0]["createdAt"]
    before = batch.list_jobs(jobQueue="q", filters=[{"name": "BEFORE_CREATED_AT", "values": [str(third)]}])
    after = batch.list_jobs(jobQueue="q", filters=[{"name": "AFTER_CREATED_AT", "values": [str(third)]}])
    assert (names(before), names(after)) == (["Test2", "test1"], ["test5", "test4"])


def test_children_of_an_array_are_listed_by_the_array(stack: TestStack, batch: Any) -> None:
    """Children are in no queue's list."""
    request = {"jobName": "many", "jobQueue": "q", "jobDefinition": "jd", "arrayProperties": {"size": 30}}
    parent = batch.submit_job(**request)["jobId"]
    stack.clock.run_until_idle()
    pages = batch.get_paginator("list_jobs").paginate(
        arrayJobId=parent, jobStatus="SUCCEEDED", PaginationConfig={"PageSize": 7}
    )
    found = [job["jobId"] for page in pages for job in page["jobSummaryList"]]
    assert found == [f"{parent}:{index}" for index in range(30)]
    assert names(batch.list_jobs(jobQueue="q", jobStatus="SUCCEEDED")) == ["many"]


def test_shares_and_statuses_are_filtered_together(stack: TestStack) -> None:
    """SHARE_IDENTIFIER is the one filter that jobStatus goes with; without it every status is listed."""
    batch = furnish(stack)
    policy = batch.create_scheduling_policy(name="fair")["arn"]
    order = [{"order": 1, "computeEnvironment": "ce"}]
    batch.create_job_queue(jobQueueName="f", priority=1, computeEnvironmentOrder=order, schedulingPolicyArn=policy)
    stack.clock.run_until_idle()
    for name, share in (("a1", "a"), ("b1", "b")):
        batch.submit_job(jobName=name, jobQueue="f", jobDefinition="jd", shareIdentifier=share)
    stack.clock.run_until_idle()
    batch.submit_job(jobName="a2", jobQueue="f", jobDefinition="jd", shareIdentifier="a")

    def found(*shares: str, **options: str) -> list[str]:
        filters = [{"name": "SHARE_IDENTIFIER", "values": list(shares)}]
        return names(batch.list_jobs(jobQueue="f", filters=filters, **options))

    assert found("a") == ["a2", "a1"]
    assert found("a", "b", jobStatus="SUCCEEDED") == ["b1", "a1"]
    assert found("a", jobStatus="SUBMITTED") == ["a2"]
    assert found("c") == []
    by_name = [{"name": "JOB_NAME", "values": ["a*"]}]
    assert names(batch.list_jobs(jobQueue="f", filters=by_name, jobStatus="FAILED")) == ["a2", "a1"]


def test_definitions_are_filtered_by_name_revision_and_arn(stack: TestStack, batch: Any) -> None:
    """A name means every revision, an ARN one; an asterisk is for names only."""
    batch.register_job_definition(jobDefinitionName="jd", type="container", containerProperties=CONTAINER)
    for revision in ("jd:1", "jd:2"):
        batch.submit_job(jobName=revision.replace(":", "-"), jobQueue="q", jobDefinition=revision)
    arn = "arn:aws:batch:us-east-1:123456789012:job-definition/jd:1"
    for value, expected in (("jd", ["jd-2", "jd-1"]), (arn, ["jd-1"]), ("j*", ["jd-2", "jd-1"])):
        filters = [{"name": "JOB_DEFINITION", "values": [value]}]
        assert names(batch.list_jobs(jobQueue="q", filters=filters)) == expected
    with pytest.raises(ClientError, match="an asterisk"):
        batch.list_jobs(jobQueue="q", filters=[{"name": "JOB_DEFINITION", "values": [arn[:-1] + "*"]}])


def test_children_are_not_filtered(batch: Any) -> None:
    """ "The filter doesn't apply to child jobs in an array or multi-node parallel (MNP) jobs." """
    parent = batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd", arrayProperties={"size": 2})["jobId"]
    filters = [{"name": "JOB_NAME", "values": ["a"]}]
    with pytest.raises(ClientError, match="doesn't apply to child jobs"):
        batch.list_jobs(arrayJobId=parent, filters=filters)
    assert names(batch.list_jobs(jobQueue="q", filters=filters)) == ["a"]


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({}, "(?i)exactly one of jobQueue"),
        ({"jobQueue": "q", "arrayJobId": "a"}, "exactly one of jobQueue"),
        ({"jobQueue": "other"}, "does not exist"),
        ({"jobQueue": "q", "maxResults": 0}, "1 to 1,000 are allowed"),
        ({"jobQueue": "q", "maxResults": 1001}, "1 to 1,000 are allowed"),
        ({"jobQueue": "q", "nextToken": "nonsense"}, "nextToken is not valid"),
        ({"jobQueue": "q", "filters": [{"name": "JOB_NAME", "values": ["a"]}] * 2}, "one filter can be used at a time"),
        ({"jobQueue": "q", "filters": [{"name": "COLOUR", "values": ["red"]}]}, "COLOUR"),
        ({"jobQueue": "q", "filters": [{"name": "AFTER_CREATED_AT", "values": ["noon"]}]}, "milliseconds"),
    ],
)
def test_bad_lists_are_refused(batch: Any, params: dict[str, Any], text: str) -> None:
    """Each with a sentence that says what is allowed."""
    with pytest.raises(ClientError, match=text):
        batch.list_jobs(**params)


def test_describe_pages_and_limits(stack: TestStack, batch: Any) -> None:
    """Descriptions come in pages of up to 100, and more than 100 names or ids are refused."""
    for number in range(5):
        batch.create_scheduling_policy(name=f"p{number}")
        container = {"image": "i", "vcpus": 1, "memory": 64}
        batch.register_job_definition(jobDefinitionName="d", type="container", containerProperties=container)
    policies = batch.get_paginator("list_scheduling_policies").paginate(PaginationConfig={"PageSize": 2})
    assert len([each for page in policies for each in page["schedulingPolicies"]]) == 5
    definitions = batch.get_paginator("describe_job_definitions").paginate(
        jobDefinitionName="d", PaginationConfig={"PageSize": 2}
    )
    assert [each["revision"] for page in definitions for each in page["jobDefinitions"]] == [1, 2, 3, 4, 5]
    with pytest.raises(ClientError, match="Maximum number of jobs supported is 100"):
        batch.describe_jobs(jobs=["a"] * 101)
