"""What a caller sees: read-only values made when asked for, so that nothing has to be kept up to date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from attrs import field, frozen

from batchiac.engine.attempts import rows_on
from batchiac.engine.containers import ContainerRun, as_outcome, task_outcome
from batchiac.engine.jobs import job_id_of, node_containers
from batchiac.engine.ledger import NEVER, NO_EXIT
from batchiac.engine.reasons import ESSENTIAL_EXITED
from batchiac.engine.world import ARRAY, MULTINODE, EnvironmentState, Host, QueueState, Record, World
from batchiac.model.arn import ecs_arn
from batchiac.model.compute_environment import ComputeEnvironment
from batchiac.model.job import JobRequest, JobStatus
from batchiac.model.job_queue import JobQueue

STATUSES = tuple(status.name for status in JobStatus)
_SUBMITTED, _PENDING, _RUNNABLE, _STARTING, _RUNNING, _SUCCEEDED, _FAILED = range(7)


@frozen
class AttemptView:
    """One attempt. Times in ms since the epoch, None where it did not get so far.

    Attributes:
        instance_id: empty on Fargate, and before the attempt has a host.
        container_instance_arn: likewise.
        log_stream: `definition/default/task-id`, or the container's own prefix; empty before it ran.
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


def _moment(value: int) -> int | None:
    return None if value == NEVER else value


def _host_facts(world: World, serial: int) -> tuple[str, str, str, str]:
    """(instance id, container instance ARN, environment, cluster) of a `host` column's value."""
    if serial == NEVER:
        return "", "", "", ""
    if serial >= 0:
        host = world.hosts[serial]
        environment = host.environment
        return host.id, container_instance_arn(world, host), environment.spec.name, environment.cluster
    environment = world.environment_list[-2 - serial]
    return "", "", environment.spec.name, environment.cluster


def container_instance_arn(world: World, host: Host) -> str:
    """The ECS container instance of a host."""
    unique = world.identifiers.hexadecimal("container-instance", host.serial, 32)
    path = f"container-instance/{host.environment.cluster}/{unique}"
    return ecs_arn(path, region=world.region, account=world.account)


def _attempt(
    world: World, record: Record, row: int, number: int, host: int, started: int, stopped: int, code: int,
    status_reason: str, reason: str,
) -> AttemptView:  # fmt: skip
    instance_id, instance_arn, environment, cluster = _host_facts(world, host)
    task_id = world.identifiers.hexadecimal("task", (record.index << 20 | (row - record.row)) << 8 | number, 32)
    definition = record.request.definition
    stream = f"{definition.name[:200]}/default/{task_id}" if started != NEVER else ""
    return AttemptView(
        _moment(started),
        _moment(stopped),
        None if code == NO_EXIT else code,
        status_reason,
        reason,
        ecs_arn(f"task/{cluster}/{task_id}", region=world.region, account=world.account) if cluster else "",
        stream,
        instance_id,
        instance_arn,
        environment,
    )


def view_job(world: World, record: Record, row: int) -> JobView:
    """Everything about one row."""
    ledger = world.ledger
    status = ledger.status[row]
    past = ledger.past.get(row, ())
    done = [
        _attempt(world, record, row, number, each.host, each.started_at_ms, each.stopped_at_ms, each.exit_code,
                 each.status_reason, each.container_reason)
        for number, each in enumerate(past, 1)
    ]  # fmt: skip
    reason = ledger.status_reasons.get(row, "")
    terminal = status >= _SUCCEEDED
    placed = ledger.host[row] != NEVER and (status >= _STARTING) and ledger.attempts[row] > len(past)
    current = None
    started = ledger.started[row] if terminal or status == _RUNNING else NEVER
    stopped = ledger.stopped[row] if terminal else NEVER
    if terminal and placed and not reason:
        reason = ESSENTIAL_EXITED
    if placed:
        current = _attempt(
            world, record, row, ledger.attempts[row], ledger.host[row], started, stopped,
            ledger.exit[row] if terminal else NO_EXIT, reason if terminal else "",
            ledger.container_reasons.get(row, "") if terminal else "",
        )  # fmt: skip
        if terminal:
            done.append(current)
    own = row == record.row
    index = None if own else row - record.row - 1
    array = record.kind == ARRAY
    nodes = record.kind == MULTINODE
    return JobView(
        id=job_id_of(record, row),
        name=record.request.name,
        queue=record.queue.spec.name,
        status=STATUSES[status],
        status_reason=reason,
        created_at_ms=record.created_at,
        started_at_ms=_moment(started),
        stopped_at_ms=_moment(stopped),
        request=record.request,
        attempts=tuple(done),
        current=current or (done[-1] if done else None),
        is_cancelled=bool(record.stops and row in record.stops and not _is_terminated(record, row)),
        is_terminated=_is_terminated(record, row),
        parent_id="" if own else record.id,
        array_size=record.size if array and own else 0,
        array_index=index if array else None,
        status_summary=summary_of(world, record) if array and own else {},
        updated_at_ms=record.updated_at if array and own else 0,
        num_nodes=record.size if nodes else 0,
        node_index=index if nodes else None,
        is_main_node=nodes and index == record.request.definition.main_node,
        environment_variables=variables_of(world, record, row) if placed else {},
        containers=_container_runs(world, record, row) if placed and len(record.plan.containers) > 1 else (),
    )


def planned_end_ms(world: World, record: Record, row: int) -> int | None:
    """When the attempt under way will end, as far as is known; None where none is, and for parents of others."""
    if world.ledger.status[row] not in (_STARTING, _RUNNING) or (record.size and row == record.row):
        return None
    return _moment(world.ledger.stopped[row])


def summary_of(world: World, record: Record) -> dict[str, int]:
    """How many children are in each state: counted in C over the column when somebody asks, kept by nobody."""
    column = world.ledger.status
    first, end = record.row + 1, record.row + 1 + record.size
    return {name: column.count(state, first, end) for state, name in enumerate(STATUSES)}


def _is_terminated(record: Record, row: int) -> bool:
    return record.terminations is not None and row in record.terminations


def _container_runs(world: World, record: Record, row: int) -> tuple[ContainerRun, ...]:
    """Draws are functions of job, index and attempt: asking again gives what happened."""
    containers = record.plan.containers
    attempt = world.ledger.attempts[row]
    index = max(0, row - record.row - 1)
    stream = world.stream.rekey(record.index, index, attempt)
    outcomes = [as_outcome(world.behaviour.plan(record.request, each)(index, attempt, stream)) for each in containers]
    runs = task_outcome(containers, outcomes)[1]
    return runs if world.ledger.status[row] >= _SUCCEEDED else ()


def variables_of(world: World, record: Record, row: int) -> dict[str, str]:
    """The AWS_BATCH_* variables of the current attempt.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html, read 2026-11.
    """
    ledger = world.ledger
    environment = _host_facts(world, ledger.host[row])[2]
    found = {
        "AWS_BATCH_CE_NAME": environment,
        "AWS_BATCH_JQ_NAME": record.queue.spec.name,
        "AWS_BATCH_JOB_ID": job_id_of(record, row),
        "AWS_BATCH_JOB_ATTEMPT": str(ledger.attempts[row]),
    }
    if record.request.definition.orchestrator == "EKS":
        found["AWS_BATCH_JOB_KUBERNETES_NODE_UID"] = world.identifiers.uuid("node", ledger.host[row])
    if row == record.row:
        return found
    index = row - record.row - 1
    if record.kind == ARRAY:
        found["AWS_BATCH_JOB_ARRAY_INDEX"] = str(index)
        found["AWS_BATCH_JOB_ARRAY_SIZE"] = str(record.size)
    else:
        main = record.request.definition.main_node
        found["AWS_BATCH_JOB_NODE_INDEX"] = str(index)
        found["AWS_BATCH_JOB_MAIN_NODE_INDEX"] = str(main)
        found["AWS_BATCH_JOB_NUM_NODES"] = str(record.size)
        if index != main:
            host = ledger.host[record.row + 1 + main]
            found["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"] = private_address(host)
    return found


def private_address(serial: int) -> str:
    """An address in 10.0.0.0/16 for an instance."""
    return f"10.0.{(serial // 250) % 256}.{serial % 250 + 4}"


def summarise(world: World, record: Record, row: int) -> JobSummary:
    """A listing's line of one row."""
    ledger = world.ledger
    status = ledger.status[row]
    terminal = status >= _SUCCEEDED
    own = row == record.row
    index = None if own else row - record.row - 1
    reason = ledger.status_reasons.get(row, "")
    ran = terminal and ledger.attempts[row] > 0
    return JobSummary(
        job_id_of(record, row),
        record.request.name,
        record.queue.spec.name,
        STATUSES[status],
        reason or (ESSENTIAL_EXITED if ran else ""),
        record.created_at,
        _moment(ledger.started[row]) if terminal or status == _RUNNING else None,
        _moment(ledger.stopped[row]) if terminal else None,
        ledger.exit[row] if ran and ledger.exit[row] != NO_EXIT else None,
        ledger.container_reasons.get(row, ""),
        record.request,
        record.size if record.kind == ARRAY and own else 0,
        index if record.kind == ARRAY else None,
        record.size if record.kind == MULTINODE and own else 0,
        index if record.kind == MULTINODE else None,
    )


@frozen
class Page:
    """Part of a listing; `next_position` goes into the next call, None at the end."""

    jobs: tuple[JobSummary, ...]
    next_position: int | None


def list_rows(world: World, record: Record, status: int | None, position: int, limit: int) -> Page:
    """Children of an array, or nodes of a multi-node job, in order of index; found by a search in C, not by a scan."""
    first, end = record.row + 1 + position, record.row + 1 + record.size
    found: list[JobSummary] = []
    column = world.ledger.status
    row = first if status is None else column.find(status, first, end)
    while 0 <= row < end:
        if len(found) == limit:
            return Page(tuple(found), row - record.row - 1)
        found.append(summarise(world, record, row))
        row = row + 1 if status is None else column.find(status, row + 1, end)
    return Page(tuple(found), None)


def list_queue(world: World, queue: QueueState, status: int | None, position: int, limit: int) -> Page:
    """A queue's jobs (no children) in order of submission, from the `position`-th on."""
    column = world.ledger.status
    records = world.records
    found: list[JobSummary] = []
    for at in range(position, len(queue.records)):
        record = records[queue.records[at]]
        if record is not None and (status is None or column[record.row] == status):
            if len(found) == limit:
                return Page(tuple(found), at)
            found.append(summarise(world, record, record.row))
    return Page(tuple(found), None)


def view_instance(world: World, host: Host) -> InstanceView:
    """One instance."""
    return InstanceView(
        host.id,
        host.environment.spec.name,
        host.type.name,
        host.status,
        host.spot,
        host.group,
        host.type.vcpus,
        host.total_memory,
        host.total_gpus,
        host.free_cpu / 4,
        host.free_memory,
        host.free_gpus,
        host.busy,
        host.launched_at,
        _moment(host.ready_at),
        _moment(host.terminated_at),
        container_instance_arn(world, host),
        host.lost_reason,
    )


def view_environment(state: EnvironmentState) -> EnvironmentView:
    """One compute environment."""
    groups = dict.fromkeys(host.group for host in state.hosts.values() if host.group)
    return EnvironmentView(
        state.spec.name,
        state.spec,
        state.status,
        state.status_reason,
        state.unique,
        state.cluster,
        state.cpu // 4,
        len(state.hosts),
        tuple(groups),
    )


def view_queue(world: World, state: QueueState) -> QueueView:
    """One queue."""
    row = state.blocked_row if state.blocked_reason else -1
    blocked = ""
    if row >= 0:
        record = world.records[world.ledger.owner[row]]
        blocked = job_id_of(record, row) if record is not None else ""
    return QueueView(
        state.spec.name,
        state.spec,
        state.status,
        state.status_reason,
        sum(demand.count for demand in state.demands.values()),
        blocked,
        state.blocked_reason if blocked else "",
    )


def running_rows(world: World, host: Host) -> Iterator[tuple[Record, int]]:
    """The records and rows of the containers on one instance, in order of row."""
    for row in rows_on(world, host):
        record = world.records[world.ledger.owner[row]]
        if record is not None:
            yield record, row


def node_command(record: Record, row: int) -> Sequence[str]:
    """The command of a row's first container."""
    containers = record.plan.containers
    if record.kind == MULTINODE and row != record.row:
        containers = node_containers(record.plan.definition, row - record.row - 1)
    return containers[0].command if containers else ()


View = Literal["job", "instance", "environment", "queue"]
