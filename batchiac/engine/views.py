"""What a caller sees: values made when asked for, so that nothing has to be kept up to date. They never change."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from batchiac.engine.containers import ContainerRun
from batchiac.model.compute_environment import ComputeEnvironment
from batchiac.model.job import JobRequest, JobStatus
from batchiac.model.job_queue import JobQueue

STATUSES = tuple(status.name for status in JobStatus)


@frozen
class AttemptView:
    """One attempt. Times in ms since the epoch, None where it did not get so far.

    Attributes:
        instance_id: empty on Fargate, and before the attempt has a host.
        container_instance_arn: likewise.
        log_stream: `definition/default/task-id`, or the container's own prefix; empty before it ran.
        private_address: of its instance, empty on Fargate.
    """

    started_at_ms: int | None
    stopped_at_ms: int | None
    exit_code: int | None
    status_reason: str
    reason: str
    task_arn: str
    log_stream: str
    instance_id: str
    container_instance_arn: str
    environment: str
    private_address: str = ""


@frozen
class JobView:
    """A job, array parent, child, multi-node parent or node.

    Attributes:
        status: one of AWS's seven words.
        attempts: those that have ended, oldest first; `current` is the one under way, or the last one.
        is_cancelled: a caller cancelled it (only then may the API show the field).
        array_size: of a parent; 0 otherwise. `array_index`: of a child, None otherwise.
        status_summary: of an array parent: count by status, all seven; empty otherwise.
        updated_at_ms: when status_summary last changed; 0 for other jobs.
        num_nodes: of a multi-node job; `node_index`: of a node, None otherwise.
        environment_variables: the AWS_BATCH_* of the current attempt, empty before it has a host.
        containers: what each container of the current or last attempt did, for jobs with several.
    """

    id: str
    name: str
    queue: str
    status: str
    status_reason: str
    created_at_ms: int
    started_at_ms: int | None
    stopped_at_ms: int | None
    request: JobRequest
    attempts: tuple[AttemptView, ...]
    current: AttemptView | None
    is_cancelled: bool
    is_terminated: bool
    parent_id: str = ""
    array_size: int = 0
    array_index: int | None = None
    status_summary: Mapping[str, int] = field(factory=dict)
    updated_at_ms: int = 0
    num_nodes: int = 0
    node_index: int | None = None
    is_main_node: bool = False
    environment_variables: Mapping[str, str] = field(factory=dict)
    containers: tuple[ContainerRun, ...] = ()


@frozen
class JobSummary:
    """One line of a listing."""

    id: str
    name: str
    queue: str
    status: str
    status_reason: str
    created_at_ms: int
    started_at_ms: int | None
    stopped_at_ms: int | None
    exit_code: int | None
    reason: str
    request: JobRequest
    array_size: int = 0
    array_index: int | None = None
    num_nodes: int = 0
    node_index: int | None = None


@frozen
class InstanceView:
    """An instance. `status`: LAUNCHING, READY, DRAINING, TERMINATED. vCPUs and MiB as jobs can have them."""

    id: str
    environment: str
    instance_type: str
    status: str
    spot: bool
    group: str
    vcpus: int
    memory_mib: int
    gpus: int
    free_vcpus: float
    free_memory_mib: int
    free_gpus: int
    running: int
    launched_at_ms: int
    ready_at_ms: int | None
    terminated_at_ms: int | None
    container_instance_arn: str
    reason: str


@frozen
class EnvironmentView:
    """A compute environment. `status`: CREATING, VALID, INVALID, UPDATING, DELETING, DELETED.

    Attributes:
        unique: the UUID in its ECS cluster's name.
        desired_vcpus: vCPUs of its launching, ready and draining instances (of its tasks on Fargate).
        groups: names of the Auto Scaling groups or Spot Fleets that back it now.
        launched: names of the types of which it has ever launched an instance.
    """

    name: str
    spec: ComputeEnvironment
    status: str
    status_reason: str
    unique: str
    cluster: str
    desired_vcpus: int
    instances: int
    groups: tuple[str, ...]
    launched: frozenset[str] = frozenset()


@frozen
class QueueView:
    """A queue. `runnable` is how many RUNNABLE jobs and children it has."""

    name: str
    spec: JobQueue
    status: str
    status_reason: str
    runnable: int
    blocked_job_id: str
    blocked_reason: str


@frozen
class SnapshotEntry:
    """One RUNNABLE job in dispatch order; `since_ms` is when it became the head, for the head only."""

    job_id: str
    earliest_at_ms: int


@frozen
class ShareUsage:
    """One share of the snapshot: its identifier and the vCPUs that it has now."""

    identifier: str
    vcpus: float
    usage: float


@frozen
class Page:
    """Part of a listing; `next_position` goes into the next call, None at the end."""

    jobs: tuple[JobSummary, ...]
    next_position: int | None
