"""Service jobs: the API. Where a job is and why is the engine's (engine/service_jobs.py); no SageMaker is simulated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from batchiac.engine import service_capacity as capacity
from batchiac.engine.service_records import ServiceAttempt, ServiceJob
from batchiac.errors import WorkloadError
from batchiac.local.api_error import refusal
from batchiac.local.operations.job_listing import CREATED_FILTERS, created_matches, name_matches
from batchiac.local.operations.service_queue import usage_shown
from batchiac.local.paging import page, page_size
from batchiac.local.records import Record
from batchiac.model.service_job import NUM_INSTANCES, ServiceJobRequest, ServiceRetryRule

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

_COPIED = (
    "jobName",
    "serviceRequestPayload",
    "serviceJobType",
    "retryStrategy",
    "schedulingPriority",
    "shareIdentifier",
    "quotaShareName",
    "preemptionConfiguration",
    "timeoutConfig",
)
TOKEN_LIFETIME_MS = 8 * 3_600_000


def submit_service_job(batch: BatchBackend, request: Wire) -> Wire:
    """SubmitServiceJob: to an enabled queue of service environments; an identical clientToken is refused."""
    queue = batch.queues.read(request["jobQueue"])
    if queue.wire["state"] != "ENABLED":
        raise refusal(f"Job queue {queue.name} is DISABLED")
    if "serviceEnvironmentOrder" not in queue.wire:
        raise refusal(f"Job queue {queue.name} has no service environment")
    token = request.get("clientToken")
    if token is not None and batch.seen_token("SubmitServiceJob", token, TOKEN_LIFETIME_MS):
        raise refusal(f"A service job with clientToken {token} was already submitted")
    _require_share(batch, queue, request)
    tags = dict(request.get("tags", {}))
    job_id = batch.new_uuid()
    wire: Wire = {key: request[key] for key in _COPIED if key in request}
    wire |= {"jobId": job_id, "jobQueue": queue.arn}
    try:
        job = batch.service.submit(job_id, _value(queue, request, tags))
    except WorkloadError as error:
        raise refusal(error.message) from error
    record = Record(batch.next_serial(), job_id, batch.service_job_arn(job_id), wire, tags, job.created_at_ms)
    batch.service_jobs[job_id] = record
    return {"jobArn": record.arn, "jobName": request["jobName"], "jobId": job_id}


def _require_share(batch: BatchBackend, queue: Record, request: Wire) -> None:
    """A share identifier or a quota share, as the queue's policy asks for; a quota share must be ENABLED.

    Source: botocore 1.44.5, batch SubmitServiceJobRequest.shareIdentifier and .quotaShareName.
    """
    policy = batch.policies.find(queue.wire.get("schedulingPolicyArn", ""))
    wanted = "" if policy is None else "quotaShareName" if "quotaSharePolicy" in policy.wire else "shareIdentifier"
    for key, words in (("shareIdentifier", "fair-share"), ("quotaShareName", "quota-share")):
        if (key in request) is not (key == wanted):
            if key in request:
                raise refusal(f"{key} cannot be given: job queue {queue.name} has no {words} scheduling policy")
            raise refusal(f"{key} is required: job queue {queue.name} has a {words} scheduling policy")
    if wanted == "quotaShareName":
        share = batch.quota_shares.find(f"{queue.name}/{request[wanted]}")
        if share is None:
            raise refusal(f"Quota share {request[wanted]} does not exist in job queue {queue.name}")
        if share.wire["state"] != "ENABLED":
            raise refusal(f"Quota share {request[wanted]} is DISABLED")


def _value(queue: Record, request: Wire, tags: dict[str, str]) -> ServiceJobRequest:
    retry = request.get("retryStrategy", {})
    return ServiceJobRequest(
        name=request["jobName"],
        queue=queue.name,
        instances=_instances(request["serviceRequestPayload"]),
        priority=request.get("schedulingPriority", 0),
        share_identifier=request.get("shareIdentifier", ""),
        quota_share=request.get("quotaShareName", ""),
        attempts=retry.get("attempts", 1),
        rules=tuple(
            ServiceRetryRule("RETRY" if each["action"].upper() == "RETRY" else "EXIT", each.get("onStatusReason", "*"))
            for each in retry.get("evaluateOnExit", ())
        ),
        preemption_retries=request.get("preemptionConfiguration", {}).get("preemptionRetriesBeforeTermination"),
        timeout_s=request.get("timeoutConfig", {}).get("attemptDurationSeconds"),
        tags=tags,
    )


def _instances(payload: str) -> dict[str, int]:
    """How many instances of which types a CreateTrainingJob request asks for; one of any type where it does not say.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html.
    """
    try:
        given = json.loads(payload)
    except ValueError as error:
        raise refusal(f"serviceRequestPayload is not JSON: {error}") from error
    resources = given.get("ResourceConfig", {}) if isinstance(given, dict) else {}
    found: dict[str, int] = {}
    for group in resources.get("InstanceGroups") or [resources]:
        kind = group.get("InstanceType", "")
        found[kind] = found.get(kind, 0) + int(group.get("InstanceCount", 1))
    return found


def describe_service_job(batch: BatchBackend, request: Wire) -> Wire:
    """DescribeServiceJob."""
    record = _read(batch, request["jobId"])
    job = batch.service.jobs[record.name]
    batch.observe(lambda: job.status, lambda status: status not in ("SUCCEEDED", "FAILED"))
    return detail_of(batch, record)


def detail_of(batch: BatchBackend, record: Record) -> Wire:
    """A service job as DescribeServiceJob shows it."""
    job = batch.service.jobs[record.name]
    # The model has startedAt as required: 0 stands for "not yet", as in JobDetail.
    shown = {
        "startedAt": 0,
        **record.wire,
        **_state(job),
        "schedulingPriority": job.priority,
        "attempts": [_attempt(batch, each) for each in job.attempts],
        "capacityUsage": usage_shown(capacity.needs_in(_units(batch, record), job.request.instances)),
        "jobArn": record.arn,
        "tags": dict(record.tags),
    }
    if job.attempts:
        shown["latestAttempt"] = {"serviceResourceId": _resource(batch, job.attempts[-1])}
    if job.preemptions:
        shown["preemptionSummary"] = preemption_summary(batch, job)
    return shown


def _units(batch: BatchBackend, record: Record) -> dict[str, int]:
    """The units in which a service job's queue counts; those of its environment, NUM_INSTANCES where that is gone."""
    queue = batch.queues.find(record.wire["jobQueue"])
    order = [] if queue is None else queue.wire.get("serviceEnvironmentOrder", [])
    environment = batch.service_environments.find(order[0]["serviceEnvironment"]) if order else None
    limits = [] if environment is None else environment.wire["capacityLimits"]
    return {each["capacityUnit"]: each["maxCapacity"] for each in limits} or {NUM_INSTANCES: 0}


def _state(job: ServiceJob) -> Wire:
    shown: Wire = {"status": job.status, "createdAt": job.created_at_ms}
    for key, value in (
        ("statusReason", job.status_reason or None),
        ("scheduledAt", job.scheduled_at_ms),
        ("startedAt", job.started_at_ms),
        ("stoppedAt", job.stopped_at_ms),
        ("isTerminated", job.terminated or None),
    ):
        if value is not None:
            shown[key] = value
    return shown


def preemption_summary(batch: BatchBackend, job: ServiceJob) -> Wire:
    """How often a job was preempted, and the latest attempts that were."""
    return {
        "preemptedAttemptCount": job.preemptions,
        "recentPreemptedAttempts": [_attempt(batch, each) for each in job.preempted],
    }


def _attempt(batch: BatchBackend, attempt: ServiceAttempt) -> Wire:
    shown: Wire = {"serviceResourceId": _resource(batch, attempt)}
    for key, value in (
        ("startedAt", attempt.started_at_ms),
        ("stoppedAt", attempt.stopped_at_ms),
        ("statusReason", attempt.status_reason or None),
    ):
        if value is not None:
            shown[key] = value
    return shown


def _resource(batch: BatchBackend, attempt: ServiceAttempt) -> Wire:
    return {"name": "TrainingJobArn", "value": batch.training_job_arn(attempt.training_job)}


def list_service_jobs(batch: BatchBackend, request: Wire) -> Wire:
    """ListServiceJobs: RUNNING ones of a queue unless a status or a filter is given; newest first."""
    if "jobQueue" not in request:
        raise refusal("jobQueue is required")
    queue = batch.queues.read(request["jobQueue"])
    filters = request.get("filters", [])
    if len(filters) > 1:
        raise refusal("Only one filter can be used at a time")
    kind = filters[0].get("name") if filters else None
    values = filters[0].get("values", []) if filters else []
    status = request.get("jobStatus")
    if kind in (None, "SHARE_IDENTIFIER", "QUOTA_SHARE_NAME"):
        status = status or ("RUNNING" if kind is None else None)
    else:
        status = None
    page_size(request, 100)
    theirs = [
        batch.service.jobs[each.name] for each in batch.service_jobs.values() if each.wire["jobQueue"] == queue.arn
    ]
    batch.observe(lambda: [job.status for job in theirs], lambda seen: not {"SUCCEEDED", "FAILED"}.issuperset(seen))

    def matches(record: Record) -> bool:
        wire = record.wire
        if wire["jobQueue"] != queue.arn:
            return False
        if status is not None and batch.service.jobs[record.name].status != status:
            return False
        if kind is None:
            return True
        if kind == "JOB_NAME":
            return name_matches(wire["jobName"], values)
        if kind in CREATED_FILTERS:
            return created_matches(kind, record.created_at_ms, values)
        if kind in ("SHARE_IDENTIFIER", "QUOTA_SHARE_NAME"):
            return wire.get("shareIdentifier" if kind == "SHARE_IDENTIFIER" else "quotaShareName") in values
        raise refusal(f"Unknown filter {kind}")

    chosen = ((each.serial, each) for each in reversed(batch.service_jobs.values()) if matches(each))
    found, more = page("ListServiceJobs", request, chosen, 100, newest_first=True)
    return {"jobSummaryList": [_summary(batch, record) for record in found], **more}


_SUMMARY = (
    "jobArn",
    "jobId",
    "jobName",
    "serviceJobType",
    "status",
    "statusReason",
    "createdAt",
    "scheduledAt",
    "startedAt",
    "stoppedAt",
    "shareIdentifier",
    "quotaShareName",
    "capacityUsage",
    "latestAttempt",
)


def _summary(batch: BatchBackend, record: Record) -> Wire:
    shown = detail_of(batch, record)
    if not shown["startedAt"]:
        del shown["startedAt"]
    return {key: shown[key] for key in _SUMMARY if key in shown}


def update_service_job(batch: BatchBackend, request: Wire) -> Wire:
    """UpdateServiceJob: the scheduling priority of a job that has not ended: "to either lower the priority of a RUNNING
    job … or raise the priority of a RUNNABLE job".

    Source: https://docs.aws.amazon.com/batch/latest/userguide/preemption.html, read 2026-11-21.
    """
    record = _read(batch, request["jobId"])
    status = batch.service.jobs[record.name].status
    if status in ("SUCCEEDED", "FAILED"):
        raise refusal(f"Service job {record.name} is {status}: only jobs that have not ended can be updated")
    if not 0 <= request["schedulingPriority"] <= 9999:
        raise refusal("schedulingPriority must be between 0 and 9999")
    batch.service.set_priority(record.name, request["schedulingPriority"])
    return {"jobArn": record.arn, "jobName": record.wire["jobName"], "jobId": record.name}


def terminate_service_job(batch: BatchBackend, request: Wire) -> Wire:
    """TerminateServiceJob: any state but the last two; an unknown id is no error."""
    batch.service.terminate(request["jobId"], request["reason"])
    return {}


def terminate_service_jobs(batch: BatchBackend, request: Wire) -> Wire:
    """TerminateServiceJobs: up to 50 ids, unknown ones count as successful."""
    if not 1 <= len(request["jobs"]) <= 50:
        raise refusal(f"jobs must have 1 to 50 entries, but has {len(request['jobs'])}")
    for job_id in request["jobs"]:
        terminate_service_job(batch, {"jobId": job_id, "reason": request["reason"]})
    return {"successful": list(request["jobs"]), "errors": []}


def _read(batch: BatchBackend, job_id: str) -> Record:
    record = batch.service_jobs.get(job_id)
    if record is None:
        raise refusal(f"Service job {job_id} does not exist")
    return record
