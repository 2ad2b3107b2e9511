"""From an operation's name to its handler, with everything that AWS checks on the way.

Theory of operation. `handle(account, region, operation, params)` is the whole API without HTTP: the server, moto's
in-process mock, CloudFormation, EventBridge and Step Functions all come through here. In this order a request is
(1) checked against botocore's model of the operation (request_shape), (2) checked against the documented rules
(batchiac.rules.check_request: the first certain error is refused in AWS's words), (3) brought to the stack's present
(BatchBackend.catch_up), (4) answered by its handler. A refusal on the way has changed nothing. An update changes places
between 2 and 3, because rules about it compare with what is there at that present.

`OPERATIONS` lists every operation of the model; docs/operations.md is made from it, and a test compares it with the
model of the botocore that is installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import frozen

from batchiac.errors import UserError
from batchiac.local.api_error import ApiError, execution_refusal, refusal
from batchiac.local.current_inputs import SAID_BY_HANDLERS, SAID_FIRST, SHELVES, read_current
from batchiac.local.operations import compute_environment as ce
from batchiac.local.operations import consumable_resource as cr
from batchiac.local.operations import job, job_listing, tags
from batchiac.local.operations import job_definition as jd
from batchiac.local.operations import job_queue as jq
from batchiac.local.operations import quota_share as qs
from batchiac.local.operations import scheduling_policy as sp
from batchiac.local.operations import service_environment as se
from batchiac.local.operations import service_job as sj
from batchiac.local.request_shape import read_request

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Handler = Callable[["BatchBackend", dict[str, Any]], dict[str, Any]]


@frozen
class Operation:
    """One operation of the API.

    Attributes:
        handler: what answers it.
        mutates: True where it can change something: what a journal records.
        note: what the simulation leaves out, for docs/operations.md; empty where nothing is.
    """

    handler: Handler
    mutates: bool = False
    note: str = ""


_STATES_ONLY = "the API and its states; no SageMaker is simulated"

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "CancelJob": Operation(job.cancel_job, mutates=True),
        "CancelJobs": Operation(job.cancel_jobs, mutates=True),
        "CreateComputeEnvironment": Operation(
            ce.create_compute_environment,
            mutates=True,
            note="`ECS_MANAGED_INSTANCES` and EKS environments run jobs as EC2 ones do; no EKS cluster is looked up",
        ),
        "CreateConsumableResource": Operation(cr.create_consumable_resource, mutates=True),
        "CreateJobQueue": Operation(jq.create_job_queue, mutates=True),
        "CreateQuotaShare": Operation(qs.create_quota_share, mutates=True, note=_STATES_ONLY),
        "CreateSchedulingPolicy": Operation(sp.create_scheduling_policy, mutates=True),
        "CreateServiceEnvironment": Operation(se.create_service_environment, mutates=True, note=_STATES_ONLY),
        "DeleteComputeEnvironment": Operation(ce.delete_compute_environment, mutates=True),
        "DeleteConsumableResource": Operation(cr.delete_consumable_resource, mutates=True),
        "DeleteJobQueue": Operation(jq.delete_job_queue, mutates=True),
        "DeleteQuotaShare": Operation(qs.delete_quota_share, mutates=True, note=_STATES_ONLY),
        "DeleteSchedulingPolicy": Operation(sp.delete_scheduling_policy, mutates=True),
        "DeleteServiceEnvironment": Operation(se.delete_service_environment, mutates=True, note=_STATES_ONLY),
        "DeregisterJobDefinition": Operation(jd.deregister_job_definition, mutates=True),
        "DescribeComputeEnvironments": Operation(ce.describe_compute_environments),
        "DescribeConsumableResource": Operation(cr.describe_consumable_resource),
        "DescribeJobDefinitions": Operation(jd.describe_job_definitions),
        "DescribeJobQueues": Operation(jq.describe_job_queues),
        "DescribeJobs": Operation(job.describe_jobs),
        "DescribeQuotaShare": Operation(qs.describe_quota_share, note=_STATES_ONLY),
        "DescribeSchedulingPolicies": Operation(sp.describe_scheduling_policies),
        "DescribeServiceEnvironments": Operation(se.describe_service_environments, note=_STATES_ONLY),
        "DescribeServiceJob": Operation(sj.describe_service_job, note=_STATES_ONLY),
        "GetJobQueueSnapshot": Operation(jq.get_job_queue_snapshot),
        "ListConsumableResources": Operation(cr.list_consumable_resources),
        "ListJobs": Operation(job_listing.list_jobs),
        "ListJobsByConsumableResource": Operation(job_listing.list_jobs_by_consumable_resource),
        "ListQuotaShares": Operation(qs.list_quota_shares, note=_STATES_ONLY),
        "ListSchedulingPolicies": Operation(sp.list_scheduling_policies),
        "ListServiceJobs": Operation(sj.list_service_jobs, note=_STATES_ONLY),
        "ListTagsForResource": Operation(tags.list_tags_for_resource),
        "RegisterJobDefinition": Operation(jd.register_job_definition, mutates=True),
        "SubmitJob": Operation(job.submit_job, mutates=True),
        "SubmitServiceJob": Operation(sj.submit_service_job, mutates=True, note=_STATES_ONLY),
        "TagResource": Operation(tags.tag_resource, mutates=True),
        "TerminateJob": Operation(job.terminate_job, mutates=True),
        "TerminateJobs": Operation(job.terminate_jobs, mutates=True),
        "TerminateServiceJob": Operation(sj.terminate_service_job, mutates=True, note=_STATES_ONLY),
        "TerminateServiceJobs": Operation(sj.terminate_service_jobs, mutates=True, note=_STATES_ONLY),
        "UntagResource": Operation(tags.untag_resource, mutates=True),
        "UpdateComputeEnvironment": Operation(ce.update_compute_environment, mutates=True),
        "UpdateConsumableResource": Operation(cr.update_consumable_resource, mutates=True),
        "UpdateJobQueue": Operation(jq.update_job_queue, mutates=True),
        "UpdateQuotaShare": Operation(qs.update_quota_share, mutates=True, note=_STATES_ONLY),
        "UpdateSchedulingPolicy": Operation(sp.update_scheduling_policy, mutates=True),
        "UpdateServiceEnvironment": Operation(se.update_service_environment, mutates=True, note=_STATES_ONLY),
        "UpdateServiceJob": Operation(sj.update_service_job, mutates=True, note=_STATES_ONLY),
    }
)


def handle(account: str, region: str, operation: str, params: object) -> dict[str, Any]:
    """Answer one request.

    Args:
        account: twelve digits; each has its own Batch.
        region: `us-east-1`; each has its own Batch.
        operation: AWS's name, `SubmitJob`.
        params: the input as JSON values, under the model's member names.

    Returns:
        The output as JSON values, with the model's members and nothing else.

    Raises:
        ApiError: AWS would say no; nothing was changed.
    """
    from batchiac.local.installation import backend_of

    return answer(backend_of(account, region), operation, params)


def answer(batch: BatchBackend, operation: str, params: object) -> dict[str, Any]:
    """`handle`, for a caller that has the account's backend."""
    row = OPERATIONS.get(operation)
    if row is None:
        raise ApiError("UnknownOperationException", 404, f"Unknown operation {operation}")
    request = read_request(operation, params)
    if operation not in SHELVES:
        _require_rules(batch, operation, request)
    with batch.lock:
        batch.catch_up()
        if operation in SHELVES:
            _require_rules(batch, operation, request, read_current(batch, operation, request))
        try:
            response = row.handler(batch, request)
            if row.mutates:
                batch.settle()
        except UserError as error:
            # The engine's refusals carry AWS's words; it has changed nothing.
            raise refusal(error.message) from error
    return response


_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}([:#][0-9]+)?")
_judged: dict[tuple[frozenset[str], str], None] = {}
"""SubmitJob requests that broke no rule, by the rules that were left aside and `_likeness`."""


def _require_rules(
    batch: BatchBackend, operation: str, request: dict[str, Any], current: dict[str, Any] | None = None
) -> None:
    """Refuse what a documented rule forbids, with the first broken rule's text.

    A client that submits thousands of jobs sends thousands of requests that differ in name and dependencies only;
    such are judged once, or judging would take most of the time of SubmitJob.
    """
    accepted = batch.stage.settings.accepted_rules
    likeness = _likeness(request) if operation == "SubmitJob" else None
    if likeness is not None and (accepted, likeness) in _judged:
        return
    broken = [
        finding
        for finding in _rules_check()(operation, request, current=current)
        if finding.stops and finding.rule_id not in SAID_BY_HANDLERS and finding.rule_id not in accepted
    ]
    if broken:
        first = next((finding for finding in broken if finding.rule_id in SAID_FIRST), broken[0])
        raise execution_refusal(first.aws_message or first.message, batch.new_request_id())
    if likeness is not None:
        if len(_judged) >= 4096:
            _judged.clear()
        _judged[accepted, likeness] = None


def _likeness(request: dict[str, Any]) -> str | None:
    """What two SubmitJob requests have in common that every rule judges alike; None where the name itself is odd."""
    if _PLAIN_NAME.fullmatch(request["jobName"]) is None:
        return None
    likeness = {**request, "jobName": ""}
    if "dependsOn" in request:
        kinds = []
        for entry in request["dependsOn"]:
            job_id = entry.get("jobId")
            if job_id is not None and _JOB_ID.fullmatch(job_id) is None:
                return None
            kinds.append((job_id is not None, entry.get("type")))
        likeness["dependsOn"] = kinds
    return repr(likeness)


@cache
def _rules_check() -> Callable[..., Any]:
    """The rules room's `check_request`; imported late because the catalogue is built when it is first imported."""
    from batchiac.rules import check_request

    return check_request
