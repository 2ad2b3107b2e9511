"""What a container on ECS can ask about itself: the task metadata endpoint, version 4, of a job's real processes.

A real job finds its address in ECS_CONTAINER_METADATA_URI_V4, as on ECS. Clients read it to learn where their log goes
(Metaflow), or that they run on ECS at all. Only what can be said truly is said: there is no Docker.
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-response.html, read
2026-11-21.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from batchiac.local.executors.container_plan import models_of, wires_of
from batchiac.local.job_detail import log_group_of, log_stream_of, task_id_of

if TYPE_CHECKING:
    from batchiac.engine.views import AttemptView, JobView
    from batchiac.local.backend import BatchBackend
    from batchiac.local.records import JobRecord

Wire = dict[str, Any]


def metadata_path(account: str, region: str, job_id: str, attempt: int, container: str) -> str:
    """The path below the server's address at which a container's metadata are."""
    place = "/".join(quote(each, safe="") for each in (account, region, job_id, str(attempt), container))
    return f"/_batchiac/metadata/{place}"


def read_metadata(batch: BatchBackend, job_id: str, number: int, name: str, part: str) -> Wire | None:
    """The answer: of one container, or with `part` = `task` of all; None where there is no such thing."""
    from batchiac.local.projections.attempt import attempt_of

    found = batch.look_up(job_id)
    if found is None or part not in ("", "task"):
        return None
    record, view = found
    attempt = attempt_of(view, number)
    if attempt is None:
        return None
    containers = {
        model.name: _container(batch, record, view, attempt, model.name, wire)
        for model, wire in zip(models_of(view), wires_of(record, view), strict=True)
    }
    return _task(batch, view, attempt, containers) if part else containers.get(name)


def _container(
    batch: BatchBackend, record: JobRecord, view: JobView, attempt: AttemptView, name: str, wire: Wire
) -> Wire:
    model = next(each for each in models_of(view) if each.name == name)
    status = "RUNNING" if attempt.stopped_at_ms is None else "STOPPED"
    shown: Wire = {
        "DockerId": f"{task_id_of(attempt)}-{name}",
        "Name": name,
        "DockerName": name,
        "Image": model.image,
        "Labels": {
            "com.amazonaws.ecs.cluster": _cluster(batch, attempt),
            "com.amazonaws.ecs.container-name": name,
            "com.amazonaws.ecs.task-arn": attempt.task_arn,
            "com.amazonaws.ecs.task-definition-family": record.definition.name,
            "com.amazonaws.ecs.task-definition-version": str(record.definition.revision),
        },
        "DesiredStatus": status,
        "KnownStatus": status,
        "Limits": {"CPU": round(model.resources.vcpus * 1024), "Memory": model.resources.memory_mib},
        "Type": "NORMAL",
        "Networks": [{"NetworkMode": "host", "IPv4Addresses": ["127.0.0.1"]}],
    }
    if attempt.started_at_ms is not None:
        shown["CreatedAt"] = shown["StartedAt"] = _moment(attempt.started_at_ms)
    driver = wire.get("logConfiguration", {}).get("logDriver", "awslogs")
    shown["LogDriver"] = driver
    if driver == "awslogs":
        shown["LogOptions"] = {
            "awslogs-group": log_group_of(wire),
            "awslogs-region": batch.region_name,
            "awslogs-stream": log_stream_of(record, wire, task_id_of(attempt)),
        }
    return shown


def _task(batch: BatchBackend, view: JobView, attempt: AttemptView, containers: dict[str, Wire]) -> Wire:
    definition = view.request.definition
    status = "RUNNING" if attempt.stopped_at_ms is None else "STOPPED"
    return {
        "Cluster": _cluster(batch, attempt),
        "TaskARN": attempt.task_arn,
        "Family": definition.name,
        "Revision": str(definition.revision),
        "DesiredStatus": status,
        "KnownStatus": status,
        "LaunchType": "FARGATE" if definition.platform == "FARGATE" else "EC2",
        "Containers": list(containers.values()),
    }


def _cluster(batch: BatchBackend, attempt: AttemptView) -> str:
    environment = batch.engine.find_environment(attempt.environment)
    return environment.cluster if environment is not None else ""


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
