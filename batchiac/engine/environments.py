"""Compute environments: created, updated, deleted; each takes its time and ends VALID, INVALID or gone.

An update of what instances are made of is an infrastructure update: old instances take no more jobs, running jobs
are ended at once or may go on for jobExecutionTimeoutMinutes (updatePolicy), and the environment is UPDATING until
the last old instance is gone. Any other update is a scaling update, and no job notices.
Source: https://docs.aws.amazon.com/batch/latest/userguide/infrastructure-updates.html and
updating-compute-environments.html, read 2026-11.
"""

from __future__ import annotations

from batchiac.engine import hosts
from batchiac.engine.attempts import lose_attempt
from batchiac.engine.effects import EnvironmentStatusChanged
from batchiac.engine.fits import expand_candidates
from batchiac.engine.fleet import EnvironmentState
from batchiac.engine.machine import Machine, read_row
from batchiac.engine.reasons import HEALTHY_ENVIRONMENT
from batchiac.engine.refusals import (
    BusyRefusal,
    ExistsRefusal,
    InvalidRefusal,
    NotFoundRefusal,
    ReferencedRefusal,
    StateRefusal,
)
from batchiac.engine.scaling import request_scaling, scale_to_floor
from batchiac.engine.world import HOUSEKEEPING, World
from batchiac.model.compute_environment import ComputeEnvironment

_INFRASTRUCTURE = ("type", "instance_types", "allocation_strategy", "bid_percentage", "image", "placement")


def read_environment(world: World, name: str) -> EnvironmentState:
    """The environment of this name.

    Raises:
        NotFoundRefusal: there is none.
    """
    state = world.environments.get(name)
    if state is None:
        raise NotFoundRefusal(f"ComputeEnvironment {name} not found.")
    return state


def set_status(world: World, state: EnvironmentState, event: str, condition: str = "", reason: str = "") -> None:
    """Take an environment through the table and tell the listeners."""
    previous = state.status
    row = read_row(Machine.ENVIRONMENT, previous, event, condition, history=", ".join(state.history))
    state.status = row.to
    state.status_reason = reason
    state.history.append(f"{row.to} at {world.now_ms} ms")
    options_changed(world, state)
    if world.listeners:
        world.tell(EnvironmentStatusChanged(world.now_ms, state.spec.name, previous, row.to, reason))


def options_changed(world: World, state: EnvironmentState) -> None:
    """What this environment can take has changed: its queues look at it anew."""
    for queue in state.queues:
        queue.version += 1
    world.wake_environment(state)


def create(world: World, spec: ComputeEnvironment) -> None:
    """CREATING now, VALID or INVALID after the settable time.

    Raises:
        ExistsRefusal: the name is taken.
        InvalidRefusal: a managed environment without resources.
    """
    if spec.name in world.environments:
        raise ExistsRefusal(f"Object already exists: {spec.name}")
    if (spec.resources is None) is not (spec.type == "UNMANAGED"):
        raise InvalidRefusal("computeResources are required for a MANAGED compute environment and for no other.")
    serial = len(world.environment_list)
    unique = world.identifiers.uuid("environment", serial)
    state = EnvironmentState(spec, serial, unique, world.hosts)
    world.environments[spec.name] = state
    world.environment_list.append(state)
    if world.settings.cluster_names == "older":
        state.cluster = f"{spec.name}_Batch_{unique}"
    expand_candidates(world, state)
    set_status(world, state, "create")
    _settle_after(world, state, world.settings.environment_create_ms)


def _settle_after(world: World, state: EnvironmentState, delay_ms: int) -> None:
    state.generation += 1
    world.events.call(world.now_ms + delay_ms, _settle, (world, state, state.generation), priority=HOUSEKEEPING)


def _settle(argument: tuple[World, EnvironmentState, int]) -> None:
    world, state, generation = argument
    if generation != state.generation:
        return
    if state.status == "DELETING":
        if state.deletion_held:
            return
        set_status(world, state, "settled")
        if world.environments.get(state.spec.name) is state:
            del world.environments[state.spec.name]
        return
    old = [host for host in state.hosts.values() if host.status == "DRAINING"]
    state.on_drained = None
    if state.status == "UPDATING" and old:
        if world.now_ms < state.update_deadline:
            set_status(world, state, "settled", "old instances still have jobs", state.status_reason)
            _settle_after(world, state, state.update_deadline - world.now_ms)
            state.on_drained = lambda: _settle_after(world, state, 1)
            return
        for host in old:
            hosts.lose(world, host, "infrastructure update")
    if state.spec.invalid_reason:
        set_status(world, state, "settled", "a reason to be invalid", state.spec.invalid_reason)
        return
    set_status(world, state, "settled", "nothing wrong", HEALTHY_ENVIRONMENT)
    scale_to_floor(world, state)
    hosts.look_again_at_idle(world, state)
    if any(queue.blocked_row >= 0 for queue in state.queues):
        request_scaling(world)


def update(world: World, spec: ComputeEnvironment) -> bool:
    """Make an environment what `spec` says; UPDATING meanwhile.

    Returns:
        True when this is an infrastructure update.

    Raises:
        NotFoundRefusal: there is no such environment.
        BusyRefusal: it is being created, updated or deleted.
        InvalidRefusal: fewer desired vCPUs than there are now.
    """
    state = read_environment(world, spec.name)
    if state.status in ("CREATING", "UPDATING", "DELETING"):
        raise BusyRefusal(f"Cannot update, resource is being modified: {spec.name} is {state.status}.")
    old, new = state.spec.resources, spec.resources
    infrastructure = (
        old is not None
        and new is not None
        and any(getattr(old, each) != getattr(new, each) for each in _INFRASTRUCTURE)
    )
    if new is not None and new.desired_vcpus is not None and (old is None or new.desired_vcpus != old.desired_vcpus):
        if new.desired_vcpus * 4 < state.cpu:
            raise InvalidRefusal(
                "Manually scaling down compute environment is not supported. Disconnecting job queues from compute"
                " environment will cause it to scale-down to minvCpus"
            )
        state.desired_floor = new.desired_vcpus
    state.spec = spec
    state.exhausted.clear()
    expand_candidates(world, state)
    set_status(world, state, "update")
    if infrastructure:
        _replace_instances(world, state)
    _settle_after(world, state, world.settings.environment_update_ms)
    return infrastructure


def _replace_instances(world: World, state: EnvironmentState) -> None:
    policy = state.spec.update_policy
    state.update_deadline = world.now_ms + policy.job_execution_timeout_minutes * 60_000
    for host in list(state.hosts.values()):
        if policy.terminate_jobs_on_update and host.busy:
            hosts.lose(world, host, "infrastructure update")
        else:
            hosts.drain(world, host, "infrastructure update")


def invalidate(world: World, name: str, reason: str) -> None:
    """Something outside broke a VALID environment (its role went): INVALID, no more placement.

    Raises:
        NotFoundRefusal: there is no such environment.
        BusyRefusal: it is not VALID.
    """
    state = read_environment(world, name)
    if state.status != "VALID":
        raise BusyRefusal(f"{name} is {state.status}: only a VALID compute environment can be found broken.")
    set_status(world, state, "found broken", "", reason)
    if any(queue.blocked_row >= 0 for queue in state.queues):
        request_scaling(world)


def delete(world: World, name: str) -> None:
    """DELETING now; gone after the settable time. Jobs that still run there lose their hosts.

    Raises:
        NotFoundRefusal: there is no such environment.
        StateRefusal: it is ENABLED.
        ReferencedRefusal: a queue has it in its order; a queue that is still DELETING counts.
        BusyRefusal: it is being created, updated or deleted.
    """
    state = read_environment(world, name)
    if state.status in ("CREATING", "UPDATING", "DELETING"):
        raise BusyRefusal("Cannot delete, resource is being modified")
    if state.spec.state == "ENABLED":
        raise StateRefusal(world.settings.messages.delete_enabled_environment)
    if state.queues:
        raise ReferencedRefusal("Cannot delete, found existing JobQueue relationship")
    set_status(world, state, "delete", "DISABLED and in no queue")
    for row in sorted(state.tasks):
        record = world.records[world.ledger.owner[row]]
        assert record is not None
        lose_attempt(world, record, row, "ComputeEnvironment deleted")
    for host in list(state.hosts.values()):
        hosts.lose(world, host, "compute environment deleted")
    _settle_after(world, state, world.settings.environment_delete_ms)


def hold_deletion(world: World, name: str, held: bool) -> None:
    """Have an environment's deletion, under way or to come, never end; or end it in the settable time after all.

    Raises:
        NotFoundRefusal: there is no such environment.
    """
    state = read_environment(world, name)
    if state.deletion_held is held:
        return
    state.deletion_held = held
    if state.status == "DELETING" and not held:
        _settle_after(world, state, world.settings.environment_delete_ms)
