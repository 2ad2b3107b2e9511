"""Service jobs: the API and its states. No SageMaker is simulated: a job walks its documented states in fixed times.

Source: https://docs.aws.amazon.com/batch/latest/userguide/service-job-status.html.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from batchiac.local.api_error import refusal
from batchiac.local.operations.job_listing import CREATED_FILTERS, created_matches, name_matches
from batchiac.local.paging import page, page_size
from batchiac.local.records import Record

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

WALK = (
    ("SUBMITTED", 1_000),
    ("RUNNABLE", 4_000),
    ("SCHEDULED", 10_000),
    ("STARTING", 15_000),
    ("RUNNING", 60_000),
)
"""State → milliseconds spent in it; SUCCEEDED after the last. Assumption: AWS documents the states, not their times."""

_STATES = (*(state for state, _ in WALK), "SUCCEEDED", "FAILED")
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
    job_id = batch.new_uuid()
    wire: Wire = {key: request[key] for key in _COPIED if key in request}
    wire |= {"jobId": job_id, "jobQueue": queue.arn, "attempts": [], "isTerminated": False}
    record = Record(batch.next_serial(), job_id, batch.service_job_arn(job_id), wire, dict(request.get("tags", {})))
    record.created_at_ms = wire["createdAt"] = batch.now_ms()
    batch.service_jobs[job_id] = record
    _enter(batch, record, 0)
    return {"jobArn": record.arn, "jobName": request["jobName"], "jobId": job_id}


def _enter(batch: BatchBackend, record: Record, step: int) -> None:
    """The job comes to `WALK[step]`, or to its end; a job that was terminated stays where it is."""
    wire, now = record.wire, batch.now_ms()
    if wire.get("status") == "FAILED":
        return
    wire["status"] = _STATES[step]
    if wire["status"] == "SCHEDULED":
        wire["scheduledAt"] = now
        resource = {"name": "TrainingJobArn", "value": batch.training_job_arn(f"batch-{record.name}")}
        wire["attempts"].append({"serviceResourceId": resource})
        wire["latestAttempt"] = {"serviceResourceId": resource}
    if wire["status"] == "RUNNING":
        wire["startedAt"] = wire["attempts"][-1]["startedAt"] = now
    if wire["status"] == "SUCCEEDED":
        wire["stoppedAt"] = wire["attempts"][-1]["stoppedAt"] = now
        return
    batch.at(now + WALK[step][1], partial(_enter, batch, record, step + 1))


def describe_service_job(batch: BatchBackend, request: Wire) -> Wire:
    """DescribeServiceJob."""
    record = _read(batch, request["jobId"])
    # The model has startedAt as required: 0 stands for "not yet", as in JobDetail.
    shown = {"startedAt": 0, **record.wire, "jobArn": record.arn, "tags": dict(record.tags)}
    if not shown["isTerminated"]:
        del shown["isTerminated"]
    return shown


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

    def matches(record: Record) -> bool:
        wire = record.wire
        if wire["jobQueue"] != queue.arn or (status is not None and wire["status"] != status):
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
    return {"jobSummaryList": [_summary(record) for record in found], **more}


_SUMMARY = (
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
    "latestAttempt",
)


def _summary(record: Record) -> Wire:
    return {"jobArn": record.arn, **{key: record.wire[key] for key in _SUMMARY if key in record.wire}}


def update_service_job(batch: BatchBackend, request: Wire) -> Wire:
    """UpdateServiceJob: the scheduling priority of a job that has not been scheduled."""
    record = _read(batch, request["jobId"])
    if record.wire["status"] not in ("SUBMITTED", "RUNNABLE"):
        raise refusal(
            f"Service job {record.name} is {record.wire['status']}: only SUBMITTED and RUNNABLE jobs can be updated"
        )
    if not 0 <= request["schedulingPriority"] <= 9999:
        raise refusal("schedulingPriority must be between 0 and 9999")
    record.wire["schedulingPriority"] = request["schedulingPriority"]
    return {"jobArn": record.arn, "jobName": record.wire["jobName"], "jobId": record.name}


def terminate_service_job(batch: BatchBackend, request: Wire) -> Wire:
    """TerminateServiceJob: any state but the last two; an unknown id is no error."""
    record = batch.service_jobs.get(request["jobId"])
    if record is not None and record.wire["status"] not in ("SUCCEEDED", "FAILED"):
        record.wire |= {
            "status": "FAILED",
            "statusReason": request["reason"],
            "isTerminated": True,
            "stoppedAt": batch.now_ms(),
        }
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
