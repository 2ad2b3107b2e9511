"""Requests about jobs: submit, cancel, terminate, list, describe, service jobs, tags."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from batchiac.rules.catalogue.container import no_number, not_a_count, requirement_value
from batchiac.rules.catalogue.eks_properties import cpus, memory_mib
from batchiac.rules.catalogue.multi_node import parse_range
from batchiac.rules.catalogue.places import (
    ALL_OVERRIDES,
    API,
    CONTAINER_OVERRIDES,
    GUIDE,
    POD_OVERRIDES,
    SJ,
    objects,
    rule_at,
)
from batchiac.rules.catalogue.request_size import at_most_bytes
from batchiac.rules.finding import Level
from batchiac.rules.predicates import (
    at_most_one_of,
    exactly_one_of,
    forbidden,
    is_given,
    items,
    longest,
    matches,
    matches_not,
    one_of,
    shown,
    unique,
    whole,
    within,
)
from batchiac.rules.row import Broken, Check, Rule
from batchiac.rules.view import View

_SUBMIT = API + "API_SubmitJob.html"
_SERVICE = API + "API_SubmitServiceJob.html"
_LIMITS = GUIDE + "service_limits.html"
_CONTAINER = API + "API_ContainerOverrides.html"
_RUN_TASK = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html"

_NAME = r"[A-Za-z0-9_-]{1,128}"
_DEFINITION_ARN = rf"arn:[a-z-]{{1,20}}:batch:[a-z0-9-]{{1,40}}:\d{{12}}:job-definition/{_NAME}"
_QUEUE_ARN = rf"arn:[a-z-]{{1,20}}:batch:[a-z0-9-]{{1,40}}:\d{{12}}:job-queue/{_NAME}"
JOB_FILTERS = ("JOB_NAME", "JOB_DEFINITION", "BEFORE_CREATED_AT", "AFTER_CREATED_AT", "SHARE_IDENTIFIER")
SERVICE_JOB_FILTERS = ("JOB_NAME", "BEFORE_CREATED_AT", "AFTER_CREATED_AT", "SHARE_IDENTIFIER", "QUOTA_SHARE_NAME")
_TIMES = ("BEFORE_CREATED_AT", "AFTER_CREATED_AT")


def _dependency_without_job(view: View, path: str) -> Iterator[Broken]:
    for each in view.views(path.removesuffix("[]")):
        if not each.has("jobId") and each.text("type") != "SEQUENTIAL":
            yield Broken(each.absolute("jobId"), "missing")


def _typed_without_array(view: View, path: str) -> Iterator[Broken]:
    if view.has("arrayProperties.size"):
        return
    for at, value in view.each(path):
        yield Broken(at, f"{value} for a job that is no array")


def _empty_words(view: View, path: str) -> Iterator[Broken]:
    for at, value in view.each(path):
        if value == "":
            yield Broken(at, "an empty string")


def _bad_range(view: View, path: str) -> Iterator[Broken]:
    for at, value in view.each(path):
        if isinstance(value, str) and parse_range(value) is None:
            yield Broken(at, shown(value))


def _long_overrides(view: View, path: str) -> Iterator[Broken]:
    overrides = view.get(path)
    length = len(json.dumps(overrides, separators=(",", ":"), ensure_ascii=False))
    if length > 8192:
        yield Broken(path, f"{length:,} characters of JSON")


def _ignored_status(*kept: str) -> Check:
    """jobStatus beside a filter that ignores it."""

    def run(view: View, path: str) -> Iterator[Broken]:
        names = [each.text("name") for each in view.views("filters")]
        if names and view.has(path) and not any(name in kept for name in names):
            yield Broken(path, f"{view.text(path)} beside the filter {names[0]}")

    return whole(run)


def _not_a_time(view: View, path: str) -> Iterator[Broken]:
    for each in view.views(path.partition("[")[0]):
        if each.text("name") in _TIMES:
            for at, value in each.each("values[]"):
                if isinstance(value, str) and not re.fullmatch(r"\d{1,15}", value):
                    yield Broken(at, shown(value))


def _star_after_arn(view: View, path: str) -> Iterator[Broken]:
    for each in view.views(path.partition("[")[0]):
        if each.text("name") == "JOB_DEFINITION":
            for at, value in each.each("values[]"):
                if isinstance(value, str) and value.startswith("arn:") and value.endswith("*"):
                    yield Broken(at, shown(value))


def _not_json(view: View, path: str) -> Iterator[Broken]:
    text = view.text(path)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        yield Broken(path, f"no JSON object ({shown(text, 40)})")


def _long_payload(view: View, path: str) -> Iterator[Broken]:
    size = len(view.text(path).encode())
    if size > 10 * 1024:
        yield Broken(path, f"{size:,} bytes")


def _little_memory(value: str) -> str | None:
    return not_a_count(value) or (shown(value) if value in ("1", "2", "3") else None)


def _pod_quantity(name: str) -> Check:
    """The quantities of a pod's override: memory in whole Mi from 4, cpu in quarters."""

    def wrong(text: str) -> bool:
        if name == "memory":
            mib = memory_mib(text)
            return mib is None or mib < 4
        number = cpus(text)
        return number is None or number <= 0 or bool((number * 4) % 1)

    def run(view: View, path: str) -> Iterator[Broken]:
        for container in objects(view, (path.rpartition(".")[0],)):
            for side in ("limits", "requests"):
                at = f"resources.{side}.{name}"
                text = container.text(at)
                if text and wrong(text):
                    yield Broken(container.absolute(at), shown(text))

    return whole(run)


def _reason(rule_id: str, operation: str) -> Rule:
    return Rule(
        rule_id,
        operation,
        "reason",
        longest(1024),
        allowed="a reason has at most 1,024 characters",
        change="shorten it",
        source=f"{API}API_{operation}.html",
    )


def _fifty(rule_id: str, operation: str) -> Rule:
    return Rule(
        rule_id,
        operation,
        "jobs",
        items(0, 50),
        allowed="at most 50 job ids are allowed in one request",
        change="send several requests",
        source=f"{API}API_{operation}.html",
    )


def _page(rule_id: str, operation: str, most: int) -> Rule:
    return Rule(
        rule_id,
        operation,
        "maxResults",
        within(1, most),
        allowed=f"1 to {most:,} are allowed",
        change="set it within that range and follow nextToken",
        source=f"{API}API_{operation}.html",
    )


def _child_arn(rule_id: str, operation: str) -> Rule:
    return Rule(
        rule_id,
        operation,
        "resourceArn",
        matches_not(r":job/[^/]{1,128}[:#]\d{1,6}$"),
        allowed="children of array and multi-node parallel jobs have no tags of their own",
        change="name the parent job",
        source=f"{API}API_{operation}.html",
    )


_SUBMIT_ROWS: tuple[Rule, ...] = (
    Rule(
        "SJ001",
        SJ,
        "jobName",
        matches(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}"),
        allowed="1 to 128 letters, digits, hyphens and underscores are allowed, a letter or digit first",
        change="rename the job",
        source=_SUBMIT,
        seed_difference="older texts do not say that the first character is a letter or a digit",
    ),
    Rule(
        "SJ002",
        SJ,
        "jobDefinition",
        matches(rf"({_NAME}|{_DEFINITION_ARN})(:\d{{1,9}})?"),
        allowed="a name, name:revision, or an ARN with or without the revision is allowed",
        change="write it in one of these forms",
        source=_SUBMIT,
    ),
    Rule(
        "SJ003",
        SJ,
        "jobQueue",
        matches(rf"{_NAME}|{_QUEUE_ARN}"),
        allowed="a queue's name or ARN is allowed",
        change="correct it",
        source=_SUBMIT,
    ),
    Rule(
        "SJ004",
        SJ,
        "shareIdentifier",
        matches(r"[A-Za-z0-9_-]{1,255}\*?"),
        allowed="up to 255 letters, digits, hyphens and underscores are allowed, and one * at the end",
        change="correct the identifier",
        source=_SUBMIT,
    ),
    Rule(
        "SJ005",
        SJ,
        "schedulingPriorityOverride",
        within(0, 9999),
        allowed="0 to 9999 are allowed",
        change="set it within that range",
        source=_SUBMIT,
        seed_difference="the console's guide says 0 to 100; the API takes 0 to 9999",
    ),
    Rule(
        "SJ006",
        SJ,
        "arrayProperties.size",
        within(2, 10000),
        allowed="2 to 10,000 are allowed",
        change="set it within that range; submit several arrays for more",
        source=_SUBMIT,
    ),
    Rule(
        "SJ007",
        SJ,
        "dependsOn",
        items(0, 20),
        allowed="a job depends on at most 20 jobs",
        change="wait for a job in between that depends on the others",
        source=_SUBMIT,
    ),
    Rule(
        "SJ008",
        SJ,
        "dependsOn[]",
        whole(_dependency_without_job),
        allowed="a dependency names its job; only SEQUENTIAL stands without one",
        change="give jobId, or set type to SEQUENTIAL",
        source=_SUBMIT,
    ),
    Rule(
        "SJ009",
        SJ,
        "dependsOn[].type",
        whole(_typed_without_array),
        level=Level.ADVICE,
        allowed="SEQUENTIAL and N_TO_N are for array jobs; elsewhere they mean nothing",
        change="take type out, or give arrayProperties",
        source=_SUBMIT,
    ),
    Rule(
        "SJ010",
        SJ,
        "timeout.attemptDurationSeconds",
        within(60),
        allowed="at least 60 seconds are allowed",
        change="set it to 60 or more, or leave timeout out",
        source=API + "API_JobTimeout.html",
    ),
    rule_at(
        "SJ011",
        SJ,
        ALL_OVERRIDES,
        "command[]",
        whole(_empty_words),
        allowed="a command cannot contain an empty string",
        change="take the empty argument out",
        source=_CONTAINER,
    ),
    rule_at(
        "SJ012",
        SJ,
        ALL_OVERRIDES,
        "environment[].name",
        matches_not(r"^AWS_BATCH"),
        allowed="names that start with AWS_BATCH are kept for what Batch itself sets",
        change="rename the variable",
        source=_CONTAINER,
    ),
    rule_at(
        "SJ013",
        SJ,
        ALL_OVERRIDES,
        "resourceRequirements",
        unique("type"),
        allowed="each type of resource is named once",
        change="take the second one out",
        source=_CONTAINER,
        aws_message="Cannot provide duplicates in resourceRequirements.",
    ),
    rule_at(
        "SJ014",
        SJ,
        ALL_OVERRIDES,
        "resourceRequirements",
        requirement_value(
            "MEMORY", lambda value: not_a_count(value) or (shown(value) if value in ("1", "2", "3") else None)
        ),
        allowed="a whole number of MiB from 4 is allowed, without a unit",
        change="write a number such as 2048",
        source=API + "API_ResourceRequirement.html",
    ),
    rule_at(
        "SJ015",
        SJ,
        ALL_OVERRIDES,
        "resourceRequirements",
        requirement_value("VCPU", no_number),
        allowed="a number of vCPUs is allowed, such as 0.5 or 4",
        change="write a number",
        source=API + "API_ResourceRequirement.html",
    ),
    rule_at(
        "SJ016",
        SJ,
        ALL_OVERRIDES,
        "resourceRequirements",
        requirement_value("GPU", not_a_count),
        allowed="a whole number of physical GPUs is allowed",
        change="set it to 1 or more, or take the requirement out",
        source=API + "API_ResourceRequirement.html",
    ),
    rule_at(
        "SJ017",
        SJ,
        CONTAINER_OVERRIDES,
        "vcpus",
        forbidden(),
        level=Level.WARNING,
        allowed="the deprecated vcpus does not override a resource requirement of the definition",
        change="use resourceRequirements with type VCPU",
        source=_CONTAINER,
    ),
    rule_at(
        "SJ018",
        SJ,
        CONTAINER_OVERRIDES,
        "memory",
        forbidden(),
        level=Level.WARNING,
        allowed="the deprecated memory does not override a resource requirement of the definition",
        change="use resourceRequirements with type MEMORY",
        source=_CONTAINER,
    ),
    Rule(
        "SJ019",
        SJ,
        "containerOverrides.instanceType",
        forbidden(),
        allowed="instanceType is for multi-node parallel jobs",
        change="take it out, or use nodeOverrides",
        source=_CONTAINER,
    ),
    Rule(
        "SJ020",
        SJ,
        "",
        at_most_one_of("ecsPropertiesOverride", "eksPropertiesOverride"),
        allowed="ecsPropertiesOverride is for jobs on Amazon ECS, eksPropertiesOverride for jobs on Amazon EKS",
        change="keep the one that the definition runs as",
        source=_SUBMIT,
    ),
    Rule(
        "SJ021",
        SJ,
        "ecsPropertiesOverride.taskProperties",
        items(0, 1),
        allowed="the list is limited to one element",
        change="put all containers into one element",
        source=API + "API_EcsPropertiesOverride.html",
    ),
    Rule(
        "SJ022",
        SJ,
        "nodeOverrides.numNodes",
        within(1, 1000),
        allowed="1 to 1,000 nodes are allowed",
        change="set it within that range",
        source=API + "API_NodeOverrides.html",
        aws_message="Number of nodes must be between 1 and 1000.",
    ),
    Rule(
        "SJ023",
        SJ,
        "nodeOverrides.nodePropertyOverrides[].targetNodes",
        whole(_bad_range),
        allowed="an index, or a range as in 0:3, :3 and 3: is allowed",
        change="write it in that form, the lower index first",
        source=API + "API_NodePropertyOverride.html",
    ),
    Rule(
        "SJ024",
        SJ,
        "",
        at_most_bytes(30 * 1024),
        allowed="a submission has at most 30 KiB (30,720 bytes)",
        change="pass a reference to S3 instead of the data",
        source=_LIMITS,
    ),
    Rule(
        "SJ025",
        SJ,
        "containerOverrides",
        whole(_long_overrides),
        allowed="overrides have at most 8,192 characters, the JSON's own included",
        change="pass a reference to S3 or Parameter Store instead of the data",
        source=_RUN_TASK,
        aws_message="Container Overrides length must be at most 8192",
    ),
    Rule(
        "SJ026",
        SJ,
        "consumableResourcePropertiesOverride.consumableResourceList",
        items(0, 5),
        allowed="a job names at most 5 consumable resources",
        change="take out the ones that the job can do without",
        source=GUIDE + "resource-aware-scheduling-how-to-specify.html",
        aws_message="Each ConsumableResourceProperty can have at most 5 consumableResources",
    ),
    rule_at(
        "SJ027",
        SJ,
        POD_OVERRIDES,
        "resources",
        _pod_quantity("memory"),
        allowed='a whole number of MiB from 4 with the suffix "Mi" is allowed',
        change='write it as in "2048Mi"',
        source=API + "API_EksContainerResourceRequirements.html",
    ),
    rule_at(
        "SJ028",
        SJ,
        POD_OVERRIDES,
        "resources",
        _pod_quantity("cpu"),
        allowed="an even multiple of 0.25 CPUs is allowed",
        change="round it to the next quarter",
        source=API + "API_EksContainerResourceRequirements.html",
    ),
    rule_at(
        "SJ029",
        SJ,
        POD_OVERRIDES,
        "env[].name",
        matches_not(r"^AWS_BATCH"),
        allowed="names that start with AWS_BATCH are kept for what Batch itself sets",
        change="rename the variable",
        source=API + "API_EksContainerOverride.html",
    ),
    Rule(
        "SJ030",
        SJ,
        "containerOverrides",
        forbidden(),
        when=is_given("nodeOverrides"),
        level=Level.WARNING,
        allowed="a multi-node parallel job takes its overrides from nodeOverrides, other jobs from containerOverrides",
        change="keep the one of the job's kind",
        source=_SUBMIT,
    ),
)

_SERVICE_ROWS: tuple[Rule, ...] = (
    Rule(
        "SV001",
        "SubmitServiceJob",
        "jobName",
        matches(_NAME),
        allowed="1 to 128 letters, digits, hyphens and underscores are allowed",
        change="rename the job",
        source=_SERVICE,
    ),
    Rule(
        "SV002",
        "SubmitServiceJob",
        "schedulingPriority",
        within(0, 9999),
        allowed="0 to 9999 are allowed",
        change="set it within that range",
        source=_SERVICE,
    ),
    Rule(
        "SV003",
        "SubmitServiceJob",
        "retryStrategy.attempts",
        within(1, 10),
        allowed="1 to 10 attempts are allowed",
        change="set it within that range",
        source=API + "API_ServiceJobRetryStrategy.html",
    ),
    Rule(
        "SV004",
        "SubmitServiceJob",
        "retryStrategy.evaluateOnExit[].onStatusReason",
        longest(512),
        allowed="a pattern has at most 512 characters",
        change="shorten it and end it with *",
        source=API + "API_ServiceJobEvaluateOnExit.html",
    ),
    Rule(
        "SV005",
        "SubmitServiceJob",
        "serviceRequestPayload",
        whole(_long_payload),
        allowed="a payload has at most 10 KiB (10,240 bytes)",
        change="move data to S3",
        source=_LIMITS,
    ),
    Rule(
        "SV006",
        "SubmitServiceJob",
        "",
        at_most_bytes(30 * 1024),
        allowed="a submission has at most 30 KiB (30,720 bytes)",
        change="move data to S3",
        source=_LIMITS,
    ),
    Rule(
        "SV007",
        "SubmitServiceJob",
        "",
        at_most_one_of("shareIdentifier", "quotaShareName"),
        allowed="shareIdentifier is for fair-share queues, quotaShareName for queues with quota shares",
        change="keep the one of the queue's scheduling policy",
        source=_SERVICE,
    ),
    Rule(
        "SV008",
        "SubmitServiceJob",
        "serviceRequestPayload",
        whole(_not_json),
        allowed="the service's own request, as JSON, is allowed",
        change="give the JSON text of CreateTrainingJob's request",
        source=_SERVICE,
    ),
    Rule(
        "SV009",
        "SubmitServiceJob",
        "preemptionConfiguration.preemptionRetriesBeforeTermination",
        within(0),
        allowed="0 or more retries are allowed",
        change="set it to 0 to end a job at its first preemption, or leave it out for no limit",
        source=API + "API_ServiceJobPreemptionConfiguration.html",
    ),
    Rule(
        "SV010",
        "UpdateServiceJob",
        "schedulingPriority",
        within(0, 9999),
        allowed="0 to 9999 are allowed",
        change="set it within that range",
        source=API + "API_UpdateServiceJob.html",
    ),
    _fifty("SV011", "TerminateServiceJobs"),
)

_END_ROWS: tuple[Rule, ...] = (
    _reason("TJ001", "TerminateJob"),
    _reason("TJ002", "CancelJob"),
    _fifty("TJ003", "TerminateJobs"),
    _reason("TJ004", "TerminateJobs"),
    _fifty("TJ005", "CancelJobs"),
    _reason("TJ006", "CancelJobs"),
)

_LIST = API + "API_ListJobs.html"
_LIST_SERVICE = API + "API_ListServiceJobs.html"
_LIST_CONSUMABLE = API + "API_ListJobsByConsumableResource.html"

_LIST_ROWS: tuple[Rule, ...] = (
    Rule(
        "LJ001",
        "ListJobs",
        "",
        exactly_one_of("jobQueue", "arrayJobId", "multiNodeJobId"),
        allowed="exactly one of jobQueue, arrayJobId, multiNodeJobId is allowed",
        change="keep the one whose jobs are wanted",
        source=_LIST,
    ),
    Rule(
        "LJ002",
        "ListJobs",
        "filters",
        items(0, 1),
        allowed="one filter can be used at a time",
        change="keep one and filter its results",
        source=_LIST,
    ),
    Rule(
        "LJ003",
        "ListJobs",
        "filters[].name",
        one_of(*JOB_FILTERS),
        allowed=f"{', '.join(JOB_FILTERS)} are allowed, in capitals",
        change="use one of these",
        source=_LIST,
    ),
    Rule(
        "LJ004",
        "ListJobs",
        "filters[].values",
        whole(_not_a_time),
        allowed="a time is the number of milliseconds since 1970, as text",
        change="convert the time",
        source=_LIST,
    ),
    Rule(
        "LJ005",
        "ListJobs",
        "filters[].values",
        whole(_star_after_arn),
        allowed="an asterisk is not supported with a definition's ARN",
        change="use the definition's name with the asterisk, or the whole ARN",
        source=_LIST,
    ),
    Rule(
        "LJ006",
        "ListJobs",
        "jobStatus",
        _ignored_status("SHARE_IDENTIFIER"),
        level=Level.ADVICE,
        allowed="beside a filter other than SHARE_IDENTIFIER the status is ignored",
        change="filter the results by status",
        source=_LIST,
    ),
    _page("LJ007", "ListJobs", 1000),
    Rule(
        "LJ008",
        "ListJobs",
        "maxResults",
        within(None, 100),
        when=is_given("filters"),
        level=Level.ADVICE,
        allowed="with a filter a page has at most 100 results",
        change="set it to 100 or less",
        source=_LIST,
    ),
    Rule(
        "LJ009",
        "ListServiceJobs",
        "filters",
        items(0, 1),
        allowed="one filter can be used at a time",
        change="keep one and filter its results",
        source=_LIST_SERVICE,
    ),
    Rule(
        "LJ010",
        "ListServiceJobs",
        "filters[].name",
        one_of(*SERVICE_JOB_FILTERS),
        allowed=f"{', '.join(SERVICE_JOB_FILTERS)} are allowed, in capitals",
        change="use one of these",
        source=_LIST_SERVICE,
    ),
    Rule(
        "LJ011",
        "ListServiceJobs",
        "jobStatus",
        _ignored_status("SHARE_IDENTIFIER", "QUOTA_SHARE_NAME"),
        level=Level.ADVICE,
        allowed="beside a filter other than SHARE_IDENTIFIER and QUOTA_SHARE_NAME the status is ignored",
        change="filter the results by status",
        source=_LIST_SERVICE,
    ),
    _page("LJ012", "ListServiceJobs", 100),
    Rule(
        "LJ013",
        "ListJobsByConsumableResource",
        "filters[].name",
        one_of("JOB_STATUS", "JOB_NAME"),
        allowed="JOB_STATUS and JOB_NAME are allowed, in capitals",
        change="use one of these",
        source=_LIST_CONSUMABLE,
    ),
    _page("LJ014", "ListJobsByConsumableResource", 100),
)

_DESCRIBE_ROWS: tuple[Rule, ...] = (
    Rule(
        "DJ001",
        "DescribeJobs",
        "jobs",
        items(0, 100),
        allowed="at most 100 job ids are allowed in one request",
        change="send several requests",
        source=API + "API_DescribeJobs.html",
        aws_message="Maximum number of jobs supported is 100",
    ),
    Rule(
        "DJ002",
        "DescribeJobDefinitions",
        "jobDefinitions",
        items(0, 100),
        allowed="at most 100 definitions are allowed in one request",
        change="send several requests",
        source=API + "API_DescribeJobDefinitions.html",
    ),
    Rule(
        "DJ003",
        "DescribeJobDefinitions",
        "",
        at_most_one_of("jobDefinitions", "jobDefinitionName"),
        allowed="jobDefinitions cannot be used with other parameters",
        change="keep one of them",
        source=API + "API_DescribeJobDefinitions.html",
    ),
    Rule(
        "DJ004",
        "DescribeJobDefinitions",
        "status",
        forbidden(),
        when=is_given("jobDefinitions"),
        allowed="jobDefinitions cannot be used with other parameters",
        change="take status out",
        source=API + "API_DescribeJobDefinitions.html",
    ),
    _page("DJ005", "DescribeJobDefinitions", 100),
    Rule(
        "DJ006",
        "DeregisterJobDefinition",
        "jobDefinition",
        matches(rf"({_NAME}|{_DEFINITION_ARN}):\d{{1,9}}"),
        level=Level.WARNING,
        allowed="a name with its revision (name:revision) or an ARN with it is allowed",
        change="add the revision",
        source=API + "API_DeregisterJobDefinition.html",
        example_breaks_it='AWS\'s own example deregisters "sleep10", without a revision',
    ),
    _child_arn("TG001", "TagResource"),
    _child_arn("TG002", "UntagResource"),
)

RULES: tuple[Rule, ...] = (*_SUBMIT_ROWS, *_SERVICE_ROWS, *_END_ROWS, *_LIST_ROWS, *_DESCRIBE_ROWS)
"""Every row of a request about jobs."""
