"""Jobs: submit, describe, cancel, terminate. Where a job is and why is the engine's; what it is, is kept here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve

from batchiac.engine.policies.behaviour import TAG_PREFIX, parse_behaviour
from batchiac.errors import WorkloadError
from batchiac.local.api_error import refusal
from batchiac.local.job_detail import job_detail
from batchiac.local.job_payload import merged_properties
from batchiac.local.moto_jobs import ending_tags, uses_docker
from batchiac.local.operations.job_definition import find_definition, missing_definition
from batchiac.local.override_check import require_sound_sizes
from batchiac.local.records import DefinitionRecord, JobRecord
from batchiac.local.values import definition_value, dependency_values
from batchiac.model.job import JobRequest
from batchiac.model.job_definition import JobDefinition

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

MOST_DESCRIBED = 100
MOST_AT_ONCE = 50
MOST_PROPAGATED_TAGS = 50
_REFERENCE = re.compile(r"Ref::([A-Za-z0-9_-]+)")
_OVERRIDES = (
    "containerOverrides",
    "ecsPropertiesOverride",
    "eksPropertiesOverride",
    "nodeOverrides",
    "retryStrategy",
    "timeout",
    "consumableResourcePropertiesOverride",
)
"""What makes the engine's definition of a job another one than that of its definition's other jobs."""


def submit_job(batch: BatchBackend, request: Wire) -> Wire:
    """SubmitJob: to an ENABLED queue, from an ACTIVE definition."""
    definition = find_definition(batch, request["jobDefinition"])
    if definition is None or definition.status != "ACTIVE":
        raise missing_definition(request["jobDefinition"])
    queue = batch.queues.find(request["jobQueue"])
    if queue is None or "serviceEnvironmentOrder" in queue.wire:
        raise refusal(batch.engine.settings.messages.queue_not_found.format(queue=request["jobQueue"]))
    _require_share(request, queue.wire)
    payload, value = _effective(definition, request)
    if payload is not None:
        require_sound_sizes(batch, definition, payload, request)
    tags = request.get("tags", {})
    value = _judged(definition, request, value)
    _require_readable_behaviour(value, tags)
    array = request.get("arrayProperties")
    job_id = batch.submit(
        JobRequest(
            name=request["jobName"],
            queue=queue.name,
            definition=value,
            array_size=array.get("size", 0) if array else 0,
            depends_on=dependency_values(request["dependsOn"]) if "dependsOn" in request else (),
            share_identifier=request.get("shareIdentifier", ""),
            scheduling_priority=request.get("schedulingPriorityOverride"),
            tags=tags if uses_docker() else {**ending_tags(), **definition.tags, **tags},
            parameters=request.get("parameters", {}),
        )
    )
    batch.add_job(JobRecord(batch.next_serial(), job_id, queue.arn, definition, request, payload, dict(tags)))
    return {"jobArn": batch.job_arn(job_id), "jobName": request["jobName"], "jobId": job_id}


def describe_jobs(batch: BatchBackend, request: Wire) -> Wire:
    """DescribeJobs: up to 100 ids, of children and nodes as well; unknown ones are left out."""
    ids = request["jobs"]
    if len(ids) > MOST_DESCRIBED:
        raise refusal(f"Maximum number of jobs supported is {MOST_DESCRIBED}")
    batch.observe_jobs(ids)
    return {"jobs": [job_detail(batch, record, view) for record, view in _found(batch, ids)]}


def cancel_job(batch: BatchBackend, request: Wire) -> Wire:
    """CancelJob: "Jobs that progressed to the STARTING or RUNNING state aren't canceled. However, the API operation
    still succeeds, even if no job is canceled." An unknown id is no error either."""
    _stop(batch, request["jobId"], request["reason"], terminate=False)
    return {}


def terminate_job(batch: BatchBackend, request: Wire) -> Wire:
    """TerminateJob: any job that has not ended."""
    _stop(batch, request["jobId"], request["reason"], terminate=True)
    return {}


def cancel_jobs(batch: BatchBackend, request: Wire) -> Wire:
    """CancelJobs: up to 50 ids in one call."""
    return _stop_all(batch, request, terminate=False)


def terminate_jobs(batch: BatchBackend, request: Wire) -> Wire:
    """TerminateJobs: up to 50 ids in one call."""
    return _stop_all(batch, request, terminate=True)


def _stop(batch: BatchBackend, job_id: str, reason: str, *, terminate: bool) -> None:
    for name, value in (("jobId", job_id), ("reason", reason)):
        if not value:
            raise refusal(f"{name} must not be empty")
    job_id = batch.job_id_of(job_id)
    if batch.engine.find_job(job_id) is not None:
        (batch.engine.terminate_job if terminate else batch.engine.cancel_job)(job_id, reason)


def _stop_all(batch: BatchBackend, request: Wire, *, terminate: bool) -> Wire:
    if not 1 <= len(request["jobs"]) <= MOST_AT_ONCE:
        raise refusal(f"jobs must have 1 to {MOST_AT_ONCE} entries, but has {len(request['jobs'])}")
    successful, errors = [], []
    for job_id in request["jobs"]:
        if job_id:
            _stop(batch, job_id, request["reason"], terminate=terminate)
            successful.append(job_id)
        else:
            errors.append({"job": job_id, "code": "ValidationException", "message": "jobId must not be empty"})
    return {"successful": successful, "errors": errors}


def _found(batch: BatchBackend, ids: list[str]) -> Iterator[tuple[JobRecord, Any]]:
    for job_id in dict.fromkeys(ids):
        found = batch.look_up(batch.job_id_of(job_id))
        if found is not None:
            yield found


def _require_share(request: Wire, queue: Wire) -> None:
    fair = "schedulingPolicyArn" in queue
    if not fair and ("shareIdentifier" in request or "schedulingPriorityOverride" in request):
        # Source: a real account's text, its own spelling mended.
        raise refusal(
            "Job with shareIdentifier or schedulingPriority can only be submitted to job queue with fair share"
            " scheduling policy."
        )


def _effective(definition: DefinitionRecord, request: Wire) -> tuple[Wire | None, JobDefinition]:
    """The merged payload (None for the definition's own) and the engine's definition of one job.

    Jobs without overrides share one engine definition for each set of parameters that is filled in anywhere: the
    engine tells definitions apart by identity.
    """
    if any(key in request for key in _OVERRIDES):
        payload = merged_properties(definition.wire, request)
        return payload, _value(definition, payload, request)
    references = definition.values.get("references")
    if references is None:
        references = definition.values["references"] = _references(definition.wire)
    key: Any = None
    if references:
        parameters = {**definition.wire["parameters"], **request.get("parameters", {})}
        key = tuple(parameters.get(name) for name in references)
    value = definition.values.get(key)
    if value is None:
        payload = merged_properties(definition.wire, {})
        value = _value(definition, payload, {**request, "overridden": False})
        if len(definition.values) > 1_000:
            # A workload that gives every job its own parameters: sharing would only keep them all.
            definition.values.clear()
            definition.values["references"] = references
        definition.values[key] = value
    return None, value


def _value(definition: DefinitionRecord, payload: Wire, request: Wire) -> JobDefinition:
    parameters = {**definition.wire["parameters"], **request.get("parameters", {})}
    for name in _references(payload):
        if name not in parameters:
            # Source: a real account's text.
            raise refusal(f"Unable to substitute value. No parameter found for reference {name}")
    wire = {**definition.wire, "tags": definition.tags}
    return definition_value(definition.name, definition.revision, wire, payload, request, parameters)


def _judged(definition: DefinitionRecord, request: Wire, value: JobDefinition) -> JobDefinition:
    """The definition, marked as invalid where the tags that its tasks would get are too many.

    Source: botocore 1.44.5, batch RegisterJobDefinitionRequest.propagateTags: "If the total number of combined tags
    from the job and job definition is over 50, the job is moved to the FAILED state."
    """
    if not request.get("propagateTags", definition.wire.get("propagateTags")):
        return value
    count = len({**definition.tags, **request.get("tags", {})})
    if count <= MOST_PROPAGATED_TAGS:
        return value
    return evolve(value, invalid_reason=f"Job and job definition have {count} tags to propagate: up to 50 are allowed")


def _references(properties: object) -> tuple[str, ...]:
    """The names of all `Ref::name` placeholders in any command, sorted."""
    found: set[str] = set()

    def look(value: object) -> None:
        if isinstance(value, Mapping):
            for key, each in value.items():
                if key in ("command", "args") and isinstance(each, list):
                    found.update(name for word in each for name in _REFERENCE.findall(word))
                elif isinstance(each, Mapping | list):
                    look(each)
        elif isinstance(value, list):
            for each in value:
                look(each)

    look(properties)
    return tuple(sorted(found))


def _require_readable_behaviour(definition: JobDefinition, tags: Mapping[str, str]) -> None:
    """Tags of ours that cannot be read are refused here, where the caller still hears of it."""
    ours = {
        key: value
        for given in (definition.tags, tags)
        if given
        for key, value in given.items()
        if key.startswith(TAG_PREFIX)
    }
    if not ours:
        return
    try:
        parse_behaviour(tuple(sorted(ours.items())), ())
    except WorkloadError as error:
        raise refusal(error.message) from error
