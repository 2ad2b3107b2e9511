"""Job queues: created, updated, deleted. Deleting one fails the jobs that remain."""

from __future__ import annotations

from batchiac.engine import gangs
from batchiac.engine.attempts import release
from batchiac.engine.effects import QueueStatusChanged
from batchiac.engine.environments import read_environment
from batchiac.engine.fair_share import FairShare
from batchiac.engine.fleet import EnvironmentState
from batchiac.engine.jobs import RUNNING, STARTING, SUCCEEDED, change, ended, fail_for_deleted_queue
from batchiac.engine.ledger import NEVER, NO_EXIT
from batchiac.engine.machine import JobEvent, Machine, read_row
from batchiac.engine.reasons import HEALTHY_QUEUE, QUEUE_DELETED, SIGKILLED
from batchiac.engine.records import MULTINODE, Record
from batchiac.engine.refusals import BusyRefusal, ExistsRefusal, InvalidRefusal, NotFoundRefusal, StateRefusal
from batchiac.engine.waiting import QueueState
from batchiac.engine.world import HOUSEKEEPING, World
from batchiac.model.job import JobStatus
from batchiac.model.job_queue import JobQueue


def read_queue(world: World, name: str) -> QueueState:
    """The queue of this name.

    Raises:
        NotFoundRefusal: there is none.
    """
    state = world.queues.get(name)
    if state is None:
        raise NotFoundRefusal(f"JobQueue {name} not found.")
    return state


def set_status(world: World, state: QueueState, event: str, condition: str = "", reason: str = "") -> None:
    """Take a queue through the table and tell the listeners."""
    previous = state.status
    row = read_row(Machine.QUEUE, previous, event, condition, history=", ".join(state.history))
    state.status = row.to
    state.status_reason = reason
    state.history.append(f"{row.to} at {world.now_ms} ms")
    if world.listeners:
        world.tell(QueueStatusChanged(world.now_ms, state.spec.name, previous, row.to, reason))


def create(world: World, spec: JobQueue) -> None:
    """CREATING now, VALID after the settable time.

    Raises:
        ExistsRefusal: the name is taken.
        InvalidRefusal: an environment that is not VALID.
        NotFoundRefusal: an environment that does not exist.
    """
    if spec.name in world.queues:
        raise ExistsRefusal(f"Object already exists: {spec.name}")
    environments = _read_environments(world, spec)
    state = QueueState(spec, len(world.queues), world.ledger.status)
    if spec.scheduling_policy is not None:
        state.fair = FairShare(world, state, spec.scheduling_policy)
    world.queues[spec.name] = state
    _attach(world, state, environments)
    set_status(world, state, "create")
    world.events.call(
        world.now_ms + world.settings.queue_create_ms, _settle, (world, state, "CREATING"), priority=HOUSEKEEPING
    )


def _read_environments(world: World, spec: JobQueue) -> tuple[EnvironmentState, ...]:
    environments = tuple(read_environment(world, name) for name in spec.environments)
    for environment in environments:
        # "Compute Environments must be created and valid before attaching them to a job queue"; one that is being
        # updated stays attachable, or no update of a queue could go along with one of its environment.
        if environment.status not in ("VALID", "UPDATING"):
            raise InvalidRefusal(
                "Compute Environments must be created and valid before attaching them to a job queue:"
                f" {environment.spec.name} is {environment.status}."
            )
    return environments


def _attach(world: World, state: QueueState, environments: tuple[EnvironmentState, ...]) -> None:
    # By what the environments know, not by the queue's own list: `update` has put the new order there already, while
    # an environment that leaves keeps the relationship until the queue has settled.
    for environment in world.environment_list:
        if state in environment.queues and environment not in environments:
            environment.queues.remove(state)
    for environment in environments:
        if state not in environment.queues:
            environment.queues.append(state)
    state.environments = environments
    state.version += 1
    world.queue_order = sorted(world.queues.values(), key=lambda each: (-each.spec.priority, each.serial))
    place = {each.serial: number for number, each in enumerate(world.queue_order)}
    for environment in world.environment_list:
        environment.queues.sort(key=lambda each: place[each.serial])
    state.blocked_row = -1
    world.wake_queue(state)


def _settle(argument: tuple[World, QueueState, str]) -> None:
    world, state, expected = argument
    if state.status != expected:
        return
    if expected == "DELETING":
        set_status(world, state, "settled")
        _attach(world, state, ())
        del world.queues[state.spec.name]
        world.queue_order.remove(state)
        return
    if state.leaving is not None:
        environments, state.leaving = state.leaving, None
        _attach(world, state, environments)
    set_status(world, state, "settled", "", HEALTHY_QUEUE)
    world.wake_queue(state)


def update(world: World, spec: JobQueue) -> None:
    """Make a queue what `spec` says; UPDATING meanwhile. Environments leave its order when it is VALID again.

    "UpdateJobQueue returns before the relationship is gone": an environment cannot be deleted until then.

    Raises:
        NotFoundRefusal: there is no such queue, or no such environment.
        BusyRefusal: it is being created, updated or deleted.
        InvalidRefusal: an environment that is not VALID, or a scheduling policy added or removed.
    """
    state = read_queue(world, spec.name)
    if state.status in ("CREATING", "UPDATING", "DELETING"):
        raise BusyRefusal(f"Cannot update, resource is being modified: {spec.name} is {state.status}.")
    if (spec.scheduling_policy is None) is not (state.fair is None):
        raise InvalidRefusal(
            "A scheduling policy cannot be added to a job queue without one, nor taken from one that has it."
        )
    new = {name for name in spec.environments if name not in state.spec.environments}
    for environment in _read_environments(world, spec) if new else ():
        del environment
    environments = tuple(read_environment(world, name) for name in spec.environments)
    set_status(world, state, "update")
    if spec.scheduling_policy is not None:
        state.fair.apply(world, spec.scheduling_policy)
    state.spec = spec
    staying = environments + tuple(each for each in state.environments if each not in environments)
    _attach(world, state, staying)
    state.environments = environments
    state.leaving = environments
    world.events.call(
        world.now_ms + world.settings.queue_update_ms, _settle, (world, state, "UPDATING"), priority=HOUSEKEEPING
    )


def delete(world: World, name: str) -> None:
    """DELETING now: the jobs that remain FAIL; gone after the settable time.

    Raises:
        NotFoundRefusal: there is no such queue.
        StateRefusal: it is ENABLED.
        BusyRefusal: it is being created, updated or deleted.
    """
    state = read_queue(world, name)
    if state.status in ("CREATING", "UPDATING", "DELETING"):
        raise BusyRefusal("Cannot delete, resource is being modified")
    if state.spec.state == "ENABLED":
        raise StateRefusal(world.settings.messages.delete_enabled_queue)
    set_status(world, state, "delete", "DISABLED")
    for index in state.records:
        row = world.records.row_of(index)
        record = world.records[index] if row >= 0 and world.ledger.status[row] < SUCCEEDED else None
        if record is not None:
            _fail(world, record)
    world.events.call(
        world.now_ms + world.settings.queue_delete_ms, _settle, (world, state, "DELETING"), priority=HOUSEKEEPING
    )


def _fail(world: World, record: Record) -> None:
    ledger = world.ledger
    status = ledger.status
    if record.kind == MULTINODE and status[record.row] in (STARTING, RUNNING):
        gangs.fail_now(world, record, QUEUE_DELETED)
        return
    if record.size and status[record.row] < STARTING:
        ledger.status_reasons[record.row] = QUEUE_DELETED
    first = record.row + 1 if record.size else record.row
    for row in range(first, first + max(1, record.size)):
        if status[row] in (STARTING, RUNNING):
            read_row(Machine.ATTEMPT, JobStatus(status[row]).name, "queue deleted")
            ledger.endings.pop(row, None)
            ledger.exit[row] = SIGKILLED if status[row] == RUNNING else NO_EXIT
            if status[row] == STARTING:
                ledger.started[row] = NEVER
            ledger.stopped[row] = world.now_ms
            ledger.status_reasons[row] = QUEUE_DELETED
            release(world, record, row)
            change(world, record, row, JobEvent.QUEUE_DELETED, QUEUE_DELETED)
            ended(world, record, row)
    fail_for_deleted_queue(world, record)
