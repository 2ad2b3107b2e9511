"""JobDetail, JobSummary: what the API shows of a job, out of its record and the engine's view of it.

`AttemptView` has the host and times; the names of the ECS task, container instance and log stream follow from them, so
that the projections and Describe agree without either asking the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from batchiac.engine.reasons import ESSENTIAL_EXITED
from batchiac.local.job_payload import merged_properties, node_range
from batchiac.local.operations.job_definition import retry_shown
from batchiac.local.records import JobRecord

if TYPE_CHECKING:
    from batchiac.engine.views import AttemptView, JobSummary, JobView
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

LOG_GROUP = "/aws/batch/job"


def job_detail(batch: BatchBackend, record: JobRecord, view: JobView) -> Wire:
    """DescribeJobs' answer for one job, child or node."""
    definition = record.definition.wire
    detail: Wire = {
        "jobArn": batch.job_arn(view.id),
        "jobName": record.name,
        "jobId": view.id,
        "jobQueue": record.queue_arn,
        "status": view.status,
        "createdAt": view.created_at_ms,
        "dependsOn": record.request.get("dependsOn", []),
        "jobDefinition": record.definition.arn,
        "parameters": record.parameters,
        "tags": dict(record.tags),
        "platformCapabilities": definition.get("platformCapabilities", []),
        "attempts": [],
        **shown_overrides(record),
    }
    _add_times(detail, view)
    for key in ("shareIdentifier",):
        if key in record.request:
            detail[key] = record.request[key]
    priority = record.request.get("schedulingPriorityOverride", definition.get("schedulingPriority"))
    if priority is not None:
        detail["schedulingPriority"] = priority
    propagate = record.request.get("propagateTags", definition.get("propagateTags"))
    if propagate is not None:
        detail["propagateTags"] = propagate
    if view.array_size:
        detail["arrayProperties"] = {
            "size": view.array_size,
            "statusSummary": dict(view.status_summary),
            "statusSummaryLastUpdatedAt": view.updated_at_ms,
        }
    elif view.array_index is not None:
        detail["arrayProperties"] = {"index": view.array_index, "statusSummary": {}}
    payload = payload_of(record)
    if "nodeProperties" in payload:
        _add_nodes(batch, detail, record, view, payload["nodeProperties"])
    else:
        _add_payload(batch, detail, record, view, payload)
    return detail


def job_summary(batch: BatchBackend, record: JobRecord, line: JobSummary) -> Wire:
    """ListJobs' entry for one job, child or node."""
    summary: Wire = {
        "jobArn": batch.job_arn(line.id),
        "jobId": line.id,
        "jobName": record.name,
        "createdAt": line.created_at_ms,
        "status": line.status,
        "jobDefinition": record.definition.arn,
    }
    for key, value in (
        ("statusReason", line.status_reason or None),
        ("startedAt", line.started_at_ms),
        ("stoppedAt", line.stopped_at_ms),
        ("shareIdentifier", record.request.get("shareIdentifier")),
    ):
        if value is not None:
            summary[key] = value
    if line.exit_code is not None or line.reason:
        summary["container"] = {
            **({"exitCode": line.exit_code} if line.exit_code is not None else {}),
            **({"reason": line.reason} if line.reason else {}),
        }
    if line.array_size:
        summary["arrayProperties"] = {"size": line.array_size}
    elif line.array_index is not None:
        summary["arrayProperties"] = {"index": line.array_index}
    if line.num_nodes:
        summary["nodeProperties"] = {"numNodes": line.num_nodes}
    elif line.node_index is not None:
        nodes = payload_of(record)["nodeProperties"]
        summary["nodeProperties"] = {
            "isMainNode": line.node_index == nodes["mainNode"],
            "numNodes": nodes["numNodes"],
            "nodeIndex": line.node_index,
        }
    return summary


def payload_of(record: JobRecord) -> Wire:
    """What the job runs, in wire form."""
    return record.payload if record.payload is not None else merged_properties(record.definition.wire, {})


def payload_at(record: JobRecord, view: JobView) -> Wire:
    """What this job, child or node runs, in wire form; of a multi-node parent what its first node does."""
    payload = payload_of(record)
    nodes = payload.get("nodeProperties")
    return payload if nodes is None else node_range(nodes, view.node_index or 0)


def shown_overrides(record: JobRecord) -> Wire:
    """retryStrategy, timeout and consumables as the job has them: its own, else the definition's."""
    request, definition = record.request, record.definition.wire
    shown = {}
    retry = retry_shown(request["retryStrategy"]) if "retryStrategy" in request else definition.get("retryStrategy")
    timeout = request.get("timeout") or definition.get("timeout")
    consumables = request.get("consumableResourcePropertiesOverride") or definition.get("consumableResourceProperties")
    for key, value in (("retryStrategy", retry), ("timeout", timeout), ("consumableResourceProperties", consumables)):
        if value is not None:
            shown[key] = value
    return shown


def log_group_of(container: Mapping[str, Any]) -> str:
    """Where a container's output goes: `awslogs-group`, or Batch's own group."""
    options = container.get("logConfiguration", {}).get("options", {})
    return str(options.get("awslogs-group", LOG_GROUP))


def log_stream_of(record: JobRecord, container: Mapping[str, Any], task_id: str) -> str:
    """`<prefix>/<container>/<task id>`; the prefix is the first 200 characters of the definition's name.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/batch_cloudwatch.html
    """
    options = container.get("logConfiguration", {}).get("options", {})
    prefix = options.get("awslogs-stream-prefix") or record.definition.name[:200]
    return f"{prefix}/{container.get('name', 'default')}/{task_id}"


def task_id_of(attempt: AttemptView) -> str:
    """The ECS task's id: the end of its ARN."""
    return attempt.task_arn.rpartition("/")[2]


def pod_name_of(attempt: AttemptView) -> str:
    """`aws-batch.` and the task's id in a UUID's form."""
    return f"aws-batch.{_as_uuid(task_id_of(attempt))}"


def _as_uuid(text: str) -> str:
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def node_name_of(instance_id: str) -> str:
    """An EKS node's name; its address is made up from the instance's id."""
    number = int(instance_id[-4:], 16)
    return f"ip-10-0-{number >> 8}-{number & 255}.ec2.internal"


def _add_times(shown: Wire, view: JobView) -> None:
    if view.status_reason:
        shown["statusReason"] = view.status_reason
    if view.started_at_ms is not None:
        shown["startedAt"] = view.started_at_ms
    if view.stopped_at_ms is not None:
        shown["stoppedAt"] = view.stopped_at_ms
    # "This parameter isn't returned if the job hasn't been canceled."
    if view.is_cancelled:
        shown["isCancelled"] = True
    if view.is_terminated:
        shown["isTerminated"] = True


Ends = Mapping[str, tuple[int | None, str]]
"""Container name → (exit code, None where it never started; reason): of one attempt of a job with several."""
_NO_ENDS: Ends = {}


def _ends_of(batch: BatchBackend, view: JobView, number: int) -> Ends:
    """How each container of an attempt ended, where that is known; empty where the attempt's own end is theirs.

    Args:
        number: the attempt's, counted from 1.
    """
    seen = batch.container_ends.get((view.id, number))
    if seen:
        return {name: (code, reason) for name, (code, reason) in seen.items()}
    by_itself = view.current is not None and view.current.status_reason == ESSENTIAL_EXITED and not view.is_terminated
    if view.containers and by_itself and number == _current_number(view):
        return {run.name: (run.exit_code, run.reason) for run in view.containers}
    return _NO_ENDS


def _current_number(view: JobView) -> int:
    """The number of `view.current`."""
    over = bool(view.attempts) and view.attempts[-1] is view.current
    return len(view.attempts) + (not over)


def _add_payload(batch: BatchBackend, detail: Wire, record: JobRecord, view: JobView, payload: Wire) -> None:
    """The container(s) of a plain job, a child or a node, with what has become of them."""
    if "containerProperties" in payload or "container" in payload:
        container = payload.get("containerProperties") or payload["container"]
        detail["container"] = _container(record, view, container)
        detail["attempts"] = [_attempt(record, view, each, container) for each in view.attempts]
    elif "ecsProperties" in payload:
        detail["ecsProperties"] = {
            "taskProperties": [
                _ecs_task(batch, record, view, each) for each in payload["ecsProperties"]["taskProperties"]
            ]
        }
        detail["attempts"] = [
            _ecs_attempt(record, each, payload["ecsProperties"]["taskProperties"], _ends_of(batch, view, number))
            for number, each in enumerate(view.attempts, 1)
        ]
    elif "eksProperties" in payload:
        detail["eksProperties"] = _pod(view, payload["eksProperties"], _ends_of(batch, view, _current_number(view)))
        detail["eksAttempts"] = [
            _pod_attempt(each, payload["eksProperties"]["podProperties"], _ends_of(batch, view, number))
            for number, each in enumerate(view.attempts, 1)
        ]


def _container(record: JobRecord, view: JobView, container: Wire) -> Wire:
    latest = view.current
    shown = {**container, "networkInterfaces": _interfaces(view, latest)}
    if latest is not None:
        _add_place(shown, latest)
        _add_stream(shown, record, latest, container)
        if latest.stopped_at_ms is not None:
            _add_ending(shown, latest)
    return shown


def _interfaces(view: JobView, attempt: AttemptView | None) -> list[Wire]:
    """Nodes of a multi-node job have an elastic network interface each: they run in ECS's awsvpc network mode.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/mnp-ce.html, read 2026-11-21.
    """
    if view.node_index is None or attempt is None or not attempt.private_address:
        return []
    return [{"attachmentId": _as_uuid(task_id_of(attempt)), "privateIpv4Address": attempt.private_address}]


def _attempt(record: JobRecord, view: JobView, attempt: AttemptView, container: Wire) -> Wire:
    place: Wire = {"networkInterfaces": _interfaces(view, attempt)}
    _add_place(place, attempt)
    _add_stream(place, record, attempt, container)
    _add_ending(place, attempt)
    return {"container": place, **_attempt_times(attempt)}


def _attempt_times(attempt: AttemptView) -> Wire:
    shown: Wire = {}
    if attempt.started_at_ms is not None:
        shown["startedAt"] = attempt.started_at_ms
    if attempt.stopped_at_ms is not None:
        shown["stoppedAt"] = attempt.stopped_at_ms
    if attempt.status_reason:
        shown["statusReason"] = attempt.status_reason
    return shown


def _add_place(shown: Wire, attempt: AttemptView) -> None:
    if attempt.task_arn:
        shown["taskArn"] = attempt.task_arn
    if attempt.container_instance_arn:
        shown["containerInstanceArn"] = attempt.container_instance_arn


def _add_stream(shown: Wire, record: JobRecord, attempt: AttemptView, container: Wire) -> None:
    if attempt.started_at_ms is not None:
        shown["logStreamName"] = log_stream_of(record, container, task_id_of(attempt))


def _add_ending(shown: Wire, attempt: AttemptView, ends: Ends = _NO_ENDS, name: str = "") -> None:
    code, reason = ends.get(name, (None, "")) if ends else (attempt.exit_code, attempt.reason)
    if code is not None:
        shown["exitCode"] = code
    if reason:
        shown["reason"] = reason


def _ecs_task(batch: BatchBackend, record: JobRecord, view: JobView, task: Wire) -> Wire:
    ends = _ends_of(batch, view, _current_number(view))
    containers = []
    for number, container in enumerate(task["containers"]):
        shown = {**container, "networkInterfaces": []}
        if view.current is not None:
            _add_stream(shown, record, view.current, container)
            if view.current.stopped_at_ms is not None:
                _add_ending(shown, view.current, ends, _task_name(number, container))
        containers.append(shown)
    place: Wire = {}
    if view.current is not None:
        _add_place(place, view.current)
    return {**task, "containers": containers, **place}


def _task_name(number: int, container: Wire) -> str:
    """What the engine calls a task's container."""
    return str(container.get("name", f"container{number}"))


def _ecs_attempt(record: JobRecord, attempt: AttemptView, tasks: list[Wire], ends: Ends) -> Wire:
    shown = []
    for task in tasks:
        place: Wire = {}
        _add_place(place, attempt)
        place["containers"] = []
        for number, container in enumerate(task["containers"]):
            entry: Wire = {"name": container.get("name", "default"), "networkInterfaces": []}
            _add_stream(entry, record, attempt, container)
            _add_ending(entry, attempt, ends, _task_name(number, container))
            place["containers"].append(entry)
        shown.append(place)
    return {"taskProperties": shown, **_attempt_times(attempt)}


_POD_PARTS = (("initContainers", "init"), ("containers", "default"))


def _pod_names(pod: Wire, part: str, word: str) -> list[tuple[str, Wire]]:
    """(what the engine calls it, the container) of a pod's part."""
    return [(each.get("name", f"{word}{number or ''}"), each) for number, each in enumerate(pod.get(part, ()))]


def _pod(view: JobView, properties: Wire, ends: Ends) -> Wire:
    pod = dict(properties["podProperties"])
    latest = view.current
    if latest is not None:
        pod["podName"] = pod_name_of(latest)
        if latest.instance_id:
            pod["nodeName"] = node_name_of(latest.instance_id)
        if latest.stopped_at_ms is not None:
            for part, word in _POD_PARTS:
                if part in pod:
                    pod[part] = [_pod_ending(each, latest, ends, name) for name, each in _pod_names(pod, part, word)]
    return {"podProperties": pod}


def _pod_ending(container: Wire, attempt: AttemptView, ends: Ends, name: str) -> Wire:
    shown = dict(container)
    _add_ending(shown, attempt, ends, name)
    return shown


def _pod_attempt(attempt: AttemptView, pod: Wire, ends: Ends) -> Wire:
    shown: Wire = {
        "podName": pod_name_of(attempt),
        **{
            part: [_pod_ending({"name": name}, attempt, ends, name) for name, _ in _pod_names(pod, part, word)]
            for part, word in _POD_PARTS
        },
        **_attempt_times(attempt),
    }
    if attempt.instance_id:
        shown["nodeName"] = node_name_of(attempt.instance_id)
    return shown


def _add_nodes(batch: BatchBackend, detail: Wire, record: JobRecord, view: JobView, properties: Wire) -> None:
    if view.node_index is None:
        detail["nodeProperties"] = properties
        return
    detail["nodeDetails"] = {"nodeIndex": view.node_index, "isMainNode": view.is_main_node}
    covering = node_range(properties, view.node_index)
    if covering:
        _add_payload(batch, detail, record, view, covering)
