"""Describe: everything about one job, instance, environment or queue, worked out from the columns."""

from __future__ import annotations

from collections.abc import Iterator

from batchiac.engine.attempts import rows_on
from batchiac.engine.containers import ContainerRun, is_pod, outcomes_of, task_outcome
from batchiac.engine.fleet import EnvironmentState, Host
from batchiac.engine.jobs import RUNNING, STARTING, SUCCEEDED, job_id_of
from batchiac.engine.ledger import NEVER, NO_EXIT
from batchiac.engine.reasons import ESSENTIAL_EXITED
from batchiac.engine.records import ARRAY, MULTINODE, Record
from batchiac.engine.views import STATUSES, AttemptView, EnvironmentView, InstanceView, JobView, QueueView
from batchiac.engine.waiting import QueueState
from batchiac.engine.world import World
from batchiac.model.arn import ecs_arn


def moment(value: int) -> int | None:
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
    containers = definition.containers
    prefix = (containers[0].log_stream_prefix if containers else "") or definition.name[:200]
    stream = f"{prefix}/default/{task_id}" if started != NEVER else ""
    return AttemptView(
        moment(started),
        moment(stopped),
        None if code == NO_EXIT else code,
        status_reason,
        reason,
        ecs_arn(f"task/{cluster}/{task_id}", region=world.region, account=world.account) if cluster else "",
        stream,
        instance_id,
        instance_arn,
        environment,
        private_address(host) if host >= 0 else "",
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
    terminal = status >= SUCCEEDED
    placed = ledger.host[row] != NEVER and status >= STARTING
    current = None
    started = ledger.started[row] if terminal or status == RUNNING else NEVER
    stopped = ledger.stopped[row] if terminal else NEVER
    if terminal and placed and not reason:
        reason = ESSENTIAL_EXITED
    if placed:
        current = _attempt(
            world, record, row, len(past) + 1, ledger.host[row], started, stopped,
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
        created_at_ms=created_at(record, row),
        started_at_ms=moment(started),
        stopped_at_ms=moment(stopped),
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


def created_at(record: Record, row: int) -> int:
    """ "For array child jobs, this is when the child job was spawned by its parent and entered the PENDING state."

    Source: botocore 1.44.5, batch JobDetail.createdAt.
    """
    return record.spawned_at if row != record.row and record.spawned_at >= 0 else record.created_at


def planned_end_ms(world: World, record: Record, row: int) -> int | None:
    """When the attempt under way will end, as far as is known; None where none is, and for parents of others."""
    if world.ledger.status[row] not in (STARTING, RUNNING) or (record.size and row == record.row):
        return None
    return moment(world.ledger.stopped[row])


def summary_of(world: World, record: Record) -> dict[str, int]:
    """How many children are in each state: counted in C over the column when somebody asks, kept by nobody."""
    column = world.ledger.status
    first, end = record.row + 1, record.row + 1 + record.size
    return {name: column.count(state, first, end) for state, name in enumerate(STATUSES)}


def _is_terminated(record: Record, row: int) -> bool:
    return record.terminations is not None and row in record.terminations


def _container_runs(world: World, record: Record, row: int) -> tuple[ContainerRun, ...]:
    if world.ledger.status[row] < SUCCEEDED:
        return ()
    containers = record.plan.containers
    number = len(world.ledger.past.get(row, ())) + 1
    outcomes = outcomes_of(world, record, containers, max(0, row - record.row - 1), number)
    return task_outcome(containers, outcomes, pod=is_pod(record.plan.definition))[1]


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
        moment(host.ready_at),
        moment(host.terminated_at),
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
        frozenset(state.launched),
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
