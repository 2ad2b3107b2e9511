"""Compute environments at AWS: find, wait, who refers to them, what runs on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchiac.aws import job_queue
from batchiac.aws.door import Door
from batchiac.aws.wait import GONE, Wait, wait_for

DEFAULT_JOB_MINUTES = 30
"""BC:UpdatePolicy.jobExecutionTimeoutMinutes: "The default value is 30 (minutes)."."""

UPDATE_MARGIN_S = 1200
"""Beyond what jobs get: for new instances to start and old ones to end."""


def update_deadline_s(environment: Mapping[str, Any] | None) -> float:
    """How long an update of the environment may take: an infrastructure update is over when the last job is, or when
    its jobExecutionTimeoutMinutes are.

    Args:
        environment: AWS's description of it, or its inputs.
    """
    policy = (environment or {}).get("updatePolicy") or {}
    minutes: float = policy.get("jobExecutionTimeoutMinutes", DEFAULT_JOB_MINUTES)
    return 60 * minutes + UPDATE_MARGIN_S


def _settling_s(seen: Mapping[str, Any] | None) -> float:
    return 1200 if seen is None or seen.get("status") != "UPDATING" else update_deadline_s(seen)


SETTLED = Wait({"VALID"}, {"CREATING", "UPDATING"}, _settling_s)
"""After a create, or an update of ours or of a run that died."""
STILL = Wait({"VALID", "INVALID", GONE}, {"CREATING", "UPDATING", "DELETING"}, _settling_s)
"""Before and after disabling: an INVALID one can be deleted as well."""
DELETED = Wait({GONE, "DELETED"}, {"DELETING", "VALID", "INVALID", "UPDATING"}, 1800)


def find(door: Door, name_or_arn: str) -> dict[str, Any] | None:
    """AWS's description, None when there is none (DescribeComputeEnvironments leaves out what it does not know)."""
    found = door.client("batch").describe_compute_environments(computeEnvironments=[name_or_arn])
    listed = [each for each in found["computeEnvironments"] if each.get("status") != "DELETED"]
    return listed[0] if listed else None


def find_all(door: Door) -> Iterator[dict[str, Any]]:
    """Every environment of the account and region (at most 50)."""
    return door.client("batch").pages("describe_compute_environments", "computeEnvironments")


def wait(door: Door, name_or_arn: str, row: Wait) -> Mapping[str, Any] | None:
    """The description once the environment is as `row` says.

    Raises:
        WaitError: with AWS's own statusReason.
    """
    return wait_for(
        lambda: find(door, name_or_arn),
        row,
        what=f"compute environment {name_or_arn.rpartition('/')[2]}",
        sleep=door.sleep,
        clock=door.clock,
    )


def queues_of(door: Door, arn: str) -> list[str]:
    """The names of the queues that refer to the environment, those that are being deleted too."""
    return [
        each["jobQueueName"]
        for each in job_queue.find_all(door)
        if any(entry["computeEnvironment"] == arn for entry in each.get("computeEnvironmentOrder", ()))
    ]


def running_jobs(door: Door, environment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The jobs that are STARTING or RUNNING on the environment, as DescribeJobs tells them; array children each, the
    nodes of a multi-node job as one.

    An ARN of a task or container instance names its ECS cluster: `…:task/<cluster>/<id>`. An EKS job names no
    environment, so every one in a namespace of the environment's counts: waiting too long harms less than not at all.

    Args:
        environment: AWS's description of it.
    """
    return [
        job
        for queue in job_queue.find_all(door)
        for job in still_running(door, environment, list(_started(door, queue["jobQueueArn"])))
    ]


def still_running(door: Door, environment: Mapping[str, Any], ids: Sequence[str]) -> list[dict[str, Any]]:
    """Those of the jobs that are STARTING or RUNNING on the environment, the nodes of a multi-node job as one."""
    client = door.client("batch")
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(ids), 100):
        for job in client.describe_jobs(jobs=list(ids[start : start + 100]))["jobs"]:
            if job["status"] in ("STARTING", "RUNNING") and _is_on(job, environment):
                found.setdefault(job["jobId"].partition("#")[0], job)
    return list(found.values())


def _started(door: Door, queue_arn: str) -> Iterator[str]:
    """Ids of what has started in a queue. Its listing knows no array children and no nodes: an array is PENDING while
    its children run, and a multi-node job has no container of its own.

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html
    """
    for status in ("PENDING", "STARTING", "RUNNING"):
        for each in job_queue.list_jobs(door, queue_arn, jobStatus=status):
            whole = {"arrayJobId": each["jobId"]} if each.get("arrayProperties") else {}
            if each.get("nodeProperties"):
                whole = {"multiNodeJobId": each["jobId"]}
            if whole:
                for of_part in ("STARTING", "RUNNING"):
                    for part in door.client("batch").pages("list_jobs", "jobSummaryList", jobStatus=of_part, **whole):
                        yield part["jobId"]
            elif status != "PENDING":
                yield each["jobId"]


def _is_on(job: Mapping[str, Any], environment: Mapping[str, Any]) -> bool:
    if "eksConfiguration" in environment:
        pod = (job.get("eksProperties") or {}).get("podProperties")
        namespace = environment["eksConfiguration"]["kubernetesNamespace"]
        return pod is not None and (pod.get("metadata") or {}).get("namespace", namespace) == namespace
    cluster = environment.get("ecsClusterArn", "").rpartition("/")[2]
    return bool(cluster) and cluster in _clusters(job)


def _clusters(job: Mapping[str, Any]) -> set[str]:
    container = job.get("container") or {}
    arns = [container.get("taskArn"), container.get("containerInstanceArn")]
    for task in (job.get("ecsProperties") or {}).get("taskProperties", ()):
        arns += [task.get("taskArn"), task.get("containerInstanceArn")]
    return {arn.split("/")[1] for arn in arns if arn and arn.count("/") == 2}
