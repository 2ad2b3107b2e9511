"""CreateJobQueue and UpdateJobQueue: order of environments, kinds of queue, time limits at the head of the queue."""

from __future__ import annotations

from collections.abc import Iterator

from batchiac.rules.catalogue.sources import API, GUIDE, JQ, NAME, NAME_ALLOWED, NAME_CHANGE
from batchiac.rules.finding import Level
from batchiac.rules.predicates import (
    at_most_one_of,
    each_value,
    forbidden,
    forbidden_unless_empty,
    is_given,
    is_one_of,
    items,
    matches,
    of_this_region,
    one_of,
    required,
    shown,
    unique,
    whole,
    within,
)
from batchiac.rules.row import Broken, Rule
from batchiac.rules.view import View

_CREATE = API + "API_CreateJobQueue.html"
_UPDATE = API + "API_UpdateJobQueue.html"
_ORDER = API + "API_ComputeEnvironmentOrder.html"
_ACTION = API + "API_JobStateTimeLimitAction.html"
_LIMITS = GUIDE + "service_limits.html"
_SAGEMAKER = GUIDE + "create-sagemaker-job-queue.html"
_STUCK = GUIDE + "job_stuck_in_runnable_time_limit_actions.html"

MATCHABLE_REASONS = (
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
    "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED",
)
"""The blocked reasons of container jobs that a time-limit action can match. Source: _STUCK."""

sagemaker = is_one_of("jobQueueType", "SAGEMAKER_TRAINING")


def _for_container_jobs(view: View) -> bool:
    """The queue is not a SageMaker one: by its type, or because it has compute environments."""
    kind = view.effective_text("jobQueueType")
    return kind != "SAGEMAKER_TRAINING" if kind else view.has("computeEnvironmentOrder")


def _other_reason(value: object) -> str | None:
    return None if isinstance(value, str) and value.startswith(MATCHABLE_REASONS) else shown(value)


def _policy_removed(view: View, path: str) -> Iterator[Broken]:
    if view.text(path) == "" and view.current.text(path):
        yield Broken(path, "empty")


def _policy_added(view: View, path: str) -> Iterator[Broken]:
    if view.text(path) and not view.current.text(path):
        yield Broken(path, shown(view.text(path)))


def _incompatible_type(view: View, path: str) -> Iterator[Broken]:
    kind = view.text("jobQueueType")
    if kind and kind != "SAGEMAKER_TRAINING" and view.count(path):
        yield Broken(path, f"given for a queue of type {kind}", {"type": kind})


RULES: tuple[Rule, ...] = (
    Rule(
        "JQ001",
        JQ,
        "jobQueueName",
        matches(NAME),
        dialect="create",
        allowed=NAME_ALLOWED,
        change=NAME_CHANGE,
        source=_CREATE,
        aws_message="Job Queue name should match a valid pattern.",
    ),
    Rule(
        "JQ002",
        JQ,
        "priority",
        within(0),
        allowed="0 or more is allowed; queues with a higher number are looked at first",
        change="set it to 0 or more",
        source=_CREATE,
        seed_difference="older texts say 0 to 100, a limit of the console alone; CloudFormation's schema has 0 to 1000",
    ),
    Rule(
        "JQ003",
        JQ,
        "priority",
        within(0, 1000),
        level=Level.WARNING,
        allowed="CloudFormation allows 0 to 1000",
        change="keep it within 1000, so that the queue can be managed from a template too",
        source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-batch-jobqueue.html",
    ),
    Rule(
        "JQ004",
        JQ,
        "computeEnvironmentOrder",
        required("serviceEnvironmentOrder"),
        when=lambda view: not sagemaker(view),
        dialect="create",
        allowed="a queue needs 1 to 3 compute environments",
        change="give the environments that its jobs run in",
        source=_CREATE,
        aws_message="computeEnvironmentOrder is required.",
    ),
    Rule(
        "JQ005",
        JQ,
        "computeEnvironmentOrder",
        items(0, 3),
        allowed="a queue has at most 3 compute environments",
        change="take some out, or make a second queue",
        source=_LIMITS,
        aws_message="Only 3 environments are allowed in job queue request.",
    ),
    Rule(
        "JQ006",
        JQ,
        "computeEnvironmentOrder",
        unique("order"),
        allowed="the environments of a queue have different orders",
        change="number them in the order in which they are to be tried",
        source=_ORDER,
        aws_message="Duplicate ComputeEnvironment order values.",
    ),
    Rule(
        "JQ007",
        JQ,
        "computeEnvironmentOrder",
        unique("computeEnvironment"),
        allowed="an environment is listed once",
        change="take the second one out",
        source=_ORDER,
        aws_message="Duplicate ComputeEnvironments within order list.",
    ),
    Rule(
        "JQ008",
        JQ,
        "computeEnvironmentOrder[].computeEnvironment",
        matches(r"arn:.+"),
        level=Level.ADVICE,
        allowed="the ARN of a compute environment is what the API reference asks for",
        change="give the environment's ARN; AWS takes the name too",
        source=_ORDER,
        example_breaks_it="both CreateJobQueue examples in AWS's model name their environments by name (M4Spot), and"
        " AWS accepts that",
    ),
    Rule(
        "JQ009",
        JQ,
        "computeEnvironmentOrder[].computeEnvironment",
        matches(
            r"arn:aws[a-z-]*:batch:[a-z0-9-]+:\d{12}:compute-environment/[A-Za-z0-9_-]{1,128}|[A-Za-z0-9_-]{1,128}"
        ),
        allowed="the ARN or the name of a compute environment is allowed",
        change="give one of them",
        source=_ORDER,
        aws_message="Compute Environments must be created and valid before attaching them to a job queue",
    ),
    Rule(
        "JQ010",
        JQ,
        "",
        at_most_one_of("computeEnvironmentOrder", "serviceEnvironmentOrder"),
        allowed="a queue can't have both compute environments and a service environment",
        change="keep one of them",
        source=_CREATE,
    ),
    Rule(
        "JQ011",
        JQ,
        "serviceEnvironmentOrder",
        items(0, 1),
        allowed="a queue has one service environment",
        change="take the others out",
        source=_LIMITS,
        aws_message="Job queue can only have 1 service environment.",
    ),
    Rule(
        "JQ012",
        JQ,
        "serviceEnvironmentOrder",
        required(),
        when=sagemaker,
        dialect="create",
        allowed="a queue of type SAGEMAKER_TRAINING needs a service environment",
        change="give it",
        source=_SAGEMAKER,
        aws_message="Job queues of type SAGEMAKER_TRAINING must have serviceEnvironmentOrder.",
    ),
    Rule(
        "JQ013",
        JQ,
        "serviceEnvironmentOrder",
        whole(_incompatible_type),
        when=lambda view: bool(view.text("jobQueueType")),
        dialect="create",
        allowed="only a queue of type SAGEMAKER_TRAINING has a service environment",
        change="set jobQueueType to SAGEMAKER_TRAINING, or give compute environments",
        source=_SAGEMAKER,
        aws_message="The jobQueueType provided is {type}, which is incompatible with the provided"
        " serviceEnvironmentOrder.",
    ),
    Rule(
        "JQ014",
        JQ,
        "computeEnvironmentOrder",
        forbidden_unless_empty(),
        when=sagemaker,
        allowed="a queue of type SAGEMAKER_TRAINING has a service environment instead",
        change="take the compute environments out",
        source=_SAGEMAKER,
    ),
    # --- scheduling policy ------------------------------------------------------------------------------------------
    Rule(
        "JQ015",
        JQ,
        "schedulingPolicyArn",
        matches(r"(arn:aws[a-z-]*:batch:[a-z0-9-]*:\d{12}:scheduling-policy/.+)?"),
        allowed="the ARN of a scheduling policy is allowed",
        change="give the policy's ARN",
        source=_CREATE,
        aws_message="Only scheduling policy Arn can be allowed.",
    ),
    Rule(
        "JQ016",
        JQ,
        "schedulingPolicyArn",
        whole(_policy_removed),
        dialect="update",
        allowed="a queue's scheduling policy can be replaced but not removed",
        change="name another policy, or make a new queue without one",
        source=_UPDATE,
    ),
    Rule(
        "JQ017",
        JQ,
        "schedulingPolicyArn",
        whole(_policy_added),
        dialect="update",
        allowed="a queue that was made without a scheduling policy can't have one added",
        change="make a new queue with the policy and move the jobs to it",
        source=_CREATE,
    ),
    # --- time limits at the head of the queue -----------------------------------------------------------------------
    Rule(
        "JQ018",
        JQ,
        "jobStateTimeLimitActions[].maxTimeSeconds",
        within(600, 86400),
        allowed="600 (10 minutes) to 86400 seconds (24 hours) are allowed",
        change="set it within that range",
        source=_ACTION,
    ),
    Rule(
        "JQ019",
        JQ,
        "jobStateTimeLimitActions[].action",
        one_of("CANCEL"),
        when=_for_container_jobs,
        allowed="CANCEL is all that queues of ECS, Fargate and EKS environments can do",
        change="set it to CANCEL",
        source=_ACTION,
        aws_message="Invalid job action. Valid job actions: [CANCEL]",
    ),
    Rule(
        "JQ020",
        JQ,
        "jobStateTimeLimitActions[].action",
        one_of("TERMINATE"),
        when=sagemaker,
        allowed="TERMINATE is all that queues of SageMaker training jobs can do",
        change="set it to TERMINATE",
        source=_ACTION,
        aws_message="Invalid job action. Valid job actions: [TERMINATE]",
    ),
    Rule(
        "JQ021",
        JQ,
        "jobStateTimeLimitActions",
        unique("state", "reason"),
        allowed="each state and reason has one action",
        change="take the second one out",
        source=_ACTION,
        aws_message="Duplicate job state limit actions are not allowed.",
    ),
    Rule(
        "JQ022",
        JQ,
        "jobStateTimeLimitActions[].reason",
        each_value(_other_reason),
        when=_for_container_jobs,
        allowed="the reason is matched against why the job is stuck: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY,"
        " MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE, MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT or"
        " MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED is allowed",
        change="write one of these",
        source=_STUCK,
        aws_message="Invalid job reason",
        seed_difference='the API model calls it "The reason to log for the action being taken"; the User Guide and the'
        " service match it against the blocked reason",
    ),
    Rule(
        "JQ023",
        JQ,
        "serviceEnvironmentOrder",
        unique("order"),
        allowed="the environments of a queue have different orders",
        change="number them",
        source=API + "API_ServiceEnvironmentOrder.html",
    ),
    Rule(
        "JQ024",
        JQ,
        "jobQueueType",
        forbidden(),
        dialect="update",
        allowed="the type of a queue cannot be changed",
        change="make a new queue",
        source=_UPDATE,
    ),
    # --- Regions --------------------------------------------------------------------------------------------------
    Rule(
        "JQ025",
        JQ,
        "computeEnvironmentOrder[].computeEnvironment",
        of_this_region(),
        when=is_given("region"),
        dialect="create",
        allowed="a queue's environments are of its own Region ({region})",
        change="name an environment of that Region",
        source=_CREATE,
        aws_message="Compute Environments must be created and valid before attaching them to a job queue",
    ),
    Rule(
        "JQ026",
        JQ,
        "schedulingPolicyArn",
        of_this_region(),
        when=is_given("region"),
        dialect="create",
        allowed="a queue's scheduling policy is of its own Region ({region})",
        change="name a policy of that Region",
        source=_CREATE,
    ),
    Rule(
        "JQ027",
        JQ,
        "serviceEnvironmentOrder[].serviceEnvironment",
        of_this_region(),
        when=is_given("region"),
        dialect="create",
        allowed="a queue's service environment is of its own Region ({region})",
        change="name an environment of that Region",
        source=API + "API_ServiceEnvironmentOrder.html",
        aws_message="Service environments must be created and valid before attaching them to a job queue.",
    ),
)
