"""ListJobs and ListJobsByConsumableResource: what is listed, under which filter, in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from batchiac.local.api_error import refusal
from batchiac.local.job_detail import job_summary
from batchiac.local.paging import next_token, page, page_size, start_after
from batchiac.local.records import JobRecord
from batchiac.model.job import JobStatus

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

MOST_BY_STATUS = 1000
MOST_FILTERED = 100
CREATED_FILTERS = ("BEFORE_CREATED_AT", "AFTER_CREATED_AT")
_STATUSES = tuple(status.name for status in JobStatus)


def list_jobs(batch: BatchBackend, request: Wire) -> Wire:
    """ListJobs: RUNNING jobs of a queue, children of an array, or nodes of a multi-node job, unless told otherwise.

    "You must specify only one of … job queue, … multi-node parallel job … array job". With a filter jobStatus is
    ignored, except with SHARE_IDENTIFIER, and the newest come first; children are never listed then.
    """
    places = [key for key in ("jobQueue", "arrayJobId", "multiNodeJobId") if request.get(key)]
    if len(places) != 1:
        raise refusal("Exactly one of jobQueue, arrayJobId and multiNodeJobId must be given")
    filters = request.get("filters", [])
    if len(filters) > 1:
        raise refusal("Only one filter can be used at a time")
    status = request.get("jobStatus") or "RUNNING"
    if places[0] != "jobQueue":
        if filters:
            raise refusal("The filter doesn't apply to child jobs in an array or multi-node parallel (MNP) jobs.")
        return _list_parts(batch, request, places[0], status)
    queue = batch.queues.read(request["jobQueue"])
    if "serviceEnvironmentOrder" in queue.wire:
        return {"jobSummaryList": []}
    batch.observe_queue(queue.name)
    if not filters:
        return _page_by_status(batch, request, {"queue": queue.name}, status)
    records = batch.jobs_of(queue)
    matches = _matcher(batch, filters[0], request.get("jobStatus"))
    # Newest first: the serial that goes on a page is below the token's.
    chosen = ((record.serial, record) for record in reversed(records) if matches(record))
    found, more = page("ListJobs", request, chosen, MOST_FILTERED, newest_first=True)
    return {"jobSummaryList": [job_summary(batch, record, batch.line_of(record.id)) for record in found], **more}


def _page_by_status(batch: BatchBackend, request: Wire, where: dict[str, str], status: str) -> Wire:
    """By status, oldest first. The token is the engine's position, so that 100,000 jobs list in linear time."""
    position = start_after("ListJobs", request)
    found = batch.engine.list_jobs(
        **where, status=status, position=position or 0, limit=page_size(request, MOST_BY_STATUS)
    )
    lines = [
        job_summary(batch, record, line) for line in found.jobs if (record := batch.record_of(line.id)) is not None
    ]
    more = {} if found.next_position is None else {"nextToken": next_token("ListJobs", found.next_position)}
    return {"jobSummaryList": lines, **more}


def _list_parts(batch: BatchBackend, request: Wire, place: str, status: str) -> Wire:
    parent_id = batch.job_id_of(request[place])
    found = batch.look_up(parent_id)
    if found is None or found[1].parent_id:
        raise refusal(f"Job {parent_id} does not exist")
    if not (found[1].array_size if place == "arrayJobId" else found[1].num_nodes):
        return {"jobSummaryList": []}
    batch.observe_jobs([parent_id])
    where = {"array_job_id" if place == "arrayJobId" else "multi_node_job_id": parent_id}
    return _page_by_status(batch, request, where, status)


def _matcher(batch: BatchBackend, given: Wire, status: str | None) -> Callable[[JobRecord], bool]:
    kind, values = given.get("name"), given.get("values", [])
    if not values:
        raise refusal("A filter needs at least one value")
    if kind == "JOB_NAME":
        return lambda record: name_matches(record.name, values)
    if kind == "JOB_DEFINITION":
        return lambda record: any(_definition_matches(record, value) for value in values)
    if kind in CREATED_FILTERS:
        created_matches(kind, 0, values)
        return lambda record: created_matches(kind, batch.line_of(record.id).created_at_ms, values)
    if kind == "SHARE_IDENTIFIER":
        return lambda record: (
            record.request.get("shareIdentifier") in values
            and (status is None or batch.line_of(record.id).status == status)
        )
    raise refusal(
        f"Unknown filter {kind}: known are JOB_NAME, JOB_DEFINITION, BEFORE_CREATED_AT, AFTER_CREATED_AT,"
        " SHARE_IDENTIFIER"
    )


def name_matches(name: str, values: list[str]) -> bool:
    """Any value equals the name, or begins it where the value ends with `*`; case does not matter."""
    name = name.lower()
    return any(
        name.startswith(value[:-1].lower()) if value.endswith("*") else name == value.lower() for value in values
    )


def created_matches(kind: Any, created_at_ms: int, values: list[str]) -> bool:
    """BEFORE_CREATED_AT or AFTER_CREATED_AT: milliseconds since 1970, as a string.

    Raises:
        ApiError: not a number.
    """
    if len(values) != 1 or not (values[0].isascii() and values[0].isdigit()):
        raise refusal(f"{kind} needs one value in milliseconds since 1970, but has {values}")
    return created_at_ms < int(values[0]) if kind == "BEFORE_CREATED_AT" else created_at_ms > int(values[0])


def _definition_matches(record: JobRecord, value: str) -> bool:
    definition = record.definition
    if value.endswith("*"):
        return definition.name.startswith(value[:-1])
    return value in (definition.name, definition.arn, f"{definition.name}:{definition.revision}")


def list_jobs_by_consumable_resource(batch: BatchBackend, request: Wire) -> Wire:
    """ListJobsByConsumableResource: jobs that need the resource, filtered by JOB_STATUS and JOB_NAME."""
    resource = batch.consumables.read(request["consumableResource"])
    filters = request.get("filters", [])
    for each in filters:
        if each.get("name") not in ("JOB_STATUS", "JOB_NAME"):
            raise refusal(f"filter name must be JOB_STATUS or JOB_NAME, but was {each.get('name')}")
        if each["name"] == "JOB_STATUS" and not set(each.get("values", [])) <= set(_STATUSES):
            raise refusal(f"JOB_STATUS must be one of {', '.join(_STATUSES)}")

    def passes(record: JobRecord) -> bool:
        return all(
            batch.line_of(record.id).status in each.get("values", [])
            if each["name"] == "JOB_STATUS"
            else name_matches(record.name, each.get("values", []))
            for each in filters
        )

    def needing() -> Iterator[tuple[int, tuple[JobRecord, int]]]:
        for record in batch.all_jobs():
            quantity = _quantity(batch, record, resource.name)
            if quantity and passes(record):
                yield record.serial, (record, quantity)

    found, more = page("ListJobsByConsumableResource", request, needing(), 100)
    return {"jobs": [_consumer(batch, record, quantity) for record, quantity in found], **more}


def _properties(record: JobRecord) -> Wire:
    own = record.request.get("consumableResourcePropertiesOverride")
    properties: Wire = own or record.definition.wire.get("consumableResourceProperties", {})
    return properties


def _quantity(batch: BatchBackend, record: JobRecord, name: str) -> int:
    return sum(
        entry.get("quantity", 1)
        for entry in _properties(record).get("consumableResourceList", ())
        if batch.consumables.name_of(entry.get("consumableResource", "")) == name
    )


def _consumer(batch: BatchBackend, record: JobRecord, quantity: int) -> Wire:
    view = batch.line_of(record.id)
    shown = {
        "jobArn": batch.job_arn(record.id),
        "jobQueueArn": record.queue_arn,
        "jobName": record.name,
        "jobDefinitionArn": record.definition.arn,
        "jobStatus": view.status,
        "quantity": quantity,
        "createdAt": view.created_at_ms,
        "consumableResourceProperties": _properties(record),
    }
    if "shareIdentifier" in record.request:
        shown["shareIdentifier"] = record.request["shareIdentifier"]
    if view.status_reason:
        shown["statusReason"] = view.status_reason
    if view.started_at_ms is not None:
        shown["startedAt"] = view.started_at_ms
    return shown
