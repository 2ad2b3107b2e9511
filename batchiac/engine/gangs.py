"""Multi-node parallel jobs: all nodes get an instance each, in one environment, at one time, or none does.

The main node starts first; the others start when it is RUNNING, "in random order"; when the main node ends the job
ends and the others are stopped; the end of another node changes nothing but its own record. Only a failure of the
main node is retried, with the whole gang. "Only a single container is run on each instance."
Source: https://docs.aws.amazon.com/batch/latest/userguide/multi-node-parallel-jobs.html, read 2026-11.
"""

from __future__ import annotations

from batchiac.engine import attempts, consumables, hosts
from batchiac.engine.effects import CapacityRefused
from batchiac.engine.fits import fitting_types, host_holds
from batchiac.engine.fleet import EnvironmentState, Host
from batchiac.engine.jobs import PENDING, RUNNABLE, RUNNING, STARTING, ended, enqueue_front, tell_change, tell_history
from batchiac.engine.ledger import NEVER, NO_EXIT, NO_HOST, Ending, PastAttempt
from batchiac.engine.machine import Machine, read_row
from batchiac.engine.policies.allocation import STRATEGIES
from batchiac.engine.policies.allocation.candidate import Candidate
from batchiac.engine.policies.retries import decide_retry
from batchiac.engine.reasons import ESSENTIAL_EXITED, SIGKILLED, START_FAILED
from batchiac.engine.records import CPU_UNITS, Record, Shape
from batchiac.engine.requirements import node_containers
from batchiac.engine.world import FIRST, World

_WORD = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")


def free_hosts(environment: EnvironmentState, shape: Shape, count: int) -> list[Host] | None:
    """`count` idle instances of one type that can hold a node each, oldest first; None where there are not so many.

    "For multi-node parallel jobs one instance type is used."
    """
    by_type: dict[str, list[Host]] = {}
    for host in environment.hosts.values():
        if host.status == "READY" and not host.busy and host_holds(host, shape):
            if shape.instance_types and host.type.name not in shape.instance_types:
                continue
            found = by_type.setdefault(host.type.name, [])
            found.append(host)
            if len(found) == count:
                return found
    return None


def place(world: World, record: Record, environment: EnvironmentState) -> bool:
    """Put a whole gang on idle instances and start its main node; False when there are not enough."""
    shape = record.plan.shape
    found = free_hosts(environment, shape, shape.nodes)
    if found is None:
        return False
    ledger = world.ledger
    definition = record.plan.definition
    main = definition.main_node
    order = [found[0], *found[1:]]
    order[0], order[main] = order[main], order[0]
    for node, host in enumerate(order):
        row = record.row + 1 + node
        environment.index.remove(host)
        host.free_cpu = host.free_memory = host.free_gpus = 0  # nobody else's until the gang is over
        host.busy = 1
        host.gang = record
        ledger.host[row] = host.serial
    if record.plan.consumables:
        consumables.lock(world, record.plan.consumables)
    if record.share is not None:
        record.queue.fair.started(world, record.share, shape.cpu * shape.nodes)
    ledger.host[record.row] = ledger.host[record.row + 1 + main]
    ledger.attempts[record.row] += 1
    record.demand.count -= 1
    _set_parent(world, record, "placed", "one free instance a node, all in one environment")
    start_node(world, record, main)
    return True


def start_node(world: World, record: Record, node: int) -> None:
    """Start one node's container: STARTING now, RUNNING when its image is there."""
    ledger = world.ledger
    row = record.row + 1 + node
    host = world.hosts[ledger.host[row]]
    now = world.now_ms
    containers = node_containers(record.plan.definition, node)
    image = containers[0].image if containers else ""
    begin = now + world.settings.container_start_ms
    pulled = host.images.get(image)
    if pulled is None:
        pulled = host.images[image] = now + world.settings.image_pull_ms
    begin = max(begin, pulled)
    attempt = ledger.attempts[row] = ledger.attempts[record.row]
    number = len(ledger.past.get(record.row, ())) + 1  # as `attempt`, where start failures use attempts
    timeout_ms = record.plan.timeout_ms if node == record.plan.definition.main_node else None
    if len(containers) > 1:
        begin = attempts.plan_stages(world, record, row, containers, node, number, begin, timeout_ms)
    else:
        draw = world.behaviour.plan(record.request, containers[0])
        outcome = draw(node, number, world.stream.rekey(record.index, node, number))
        attempts.write_end(world, row, outcome, begin, containers[0].resources.memory_mib, timeout_ms)
    _set_node(world, record, row, "placed", "the main node, or the main node is RUNNING")
    if begin == now:
        node_running(world, record, row)
    else:
        world.events.call(begin, _begin, (world, record, row, attempt), priority=FIRST)


def _begin(argument: tuple[World, Record, int, int]) -> None:
    world, record, row, attempt = argument
    ledger = world.ledger
    if ledger.status[row] == STARTING and ledger.attempts[row] == attempt and ledger.started[row] == world.now_ms:
        node_running(world, record, row)


def node_running(world: World, record: Record, row: int) -> None:
    """STARTING → RUNNING of one node; of the main one: the job is RUNNING and the other nodes start."""
    ledger = world.ledger
    ending = ledger.endings.get(row)
    if ending is not None and ending.status_reason is START_FAILED:
        return
    _set_node(world, record, row, "container started", "")
    main = record.plan.definition.main_node
    if row != record.row + 1 + main or ledger.status[record.row] != STARTING:
        return
    ledger.started[record.row] = world.now_ms
    _set_parent(world, record, "container started", "the main node")
    others = [node for node in range(record.size) if node != main]
    stream = world.stream.rekey(record.index, record.size, ledger.attempts[record.row])
    keyed = sorted((stream.random(), node) for node in others)  # "in random order": of equal start times, the order
    for _, node in keyed:
        if ledger.status[record.row + 1 + node] == PENDING:  # the others' instances went before they began
            start_node(world, record, node)


def end_node(world: World, record: Record, row: int, ending: Ending | None) -> None:
    """A node's container ended, or its instance went."""
    ledger = world.ledger
    code = ledger.exit[row]
    reason = ending.status_reason if ending else ESSENTIAL_EXITED
    if ending and ending.container_reason:
        ledger.container_reasons[row] = ending.container_reason
    ledger.status_reasons[row] = reason
    succeeded = code == 0 and (ending is None or ending.retryable)
    if ledger.status[row] == STARTING:
        ledger.started[row] = NEVER
    _set_node(world, record, row, "container ended", "exit 0" if succeeded else "failed, or its instance went")
    main = record.row + 1 + record.plan.definition.main_node
    if row != main:
        if ledger.status[record.row] == RUNNING:
            _set_parent(world, record, "attempt ended", "a node other than the main one")
        return
    _end_gang(world, record, code, ending or Ending(ESSENTIAL_EXITED), succeeded)


def _end_gang(world: World, record: Record, code: int, ending: Ending, succeeded: bool) -> None:
    """The main node ended: stop the others, release every instance, and end or retry the job."""
    ledger = world.ledger
    shape = record.plan.shape
    own = record.row
    for node in range(record.size):
        row = own + 1 + node
        if ledger.status[row] in (STARTING, RUNNING):
            ledger.stopped[row] = world.now_ms
            ledger.exit[row] = SIGKILLED if ledger.status[row] == RUNNING else NO_EXIT
            ledger.endings.pop(row, None)
            _set_node(world, record, row, "main node ended", "")
        _release_host(world, row)
    if record.plan.consumables:
        consumables.unlock(world, record.plan.consumables)
    if record.share is not None:
        record.queue.fair.stopped(world, record.share, shape.cpu * shape.nodes)
    environment = world.hosts[ledger.host[own]].environment
    for queue in environment.queues:
        queue.dirty = True
    world.dirty = True
    ledger.exit[own] = code
    ledger.stopped[own] = world.now_ms
    uses_none = ledger.status[own] == STARTING and not world.settings.start_failure_uses_attempt
    stop = record.stops.get(own) if record.stops else None
    reason = ending.status_reason if stop is None else stop
    if succeeded and stop is None:
        _set_parent(world, record, "attempt ended", "main node, exit 0", reason)
        ended(world, record, own)
        return
    retry = (
        stop is None
        and ending.retryable
        and decide_retry(
            record.plan.definition.retry,
            attempt=ledger.attempts[own] - uses_none,
            status_reason=reason,
            reason=ending.container_reason,
            exit_code=None if code == NO_EXIT else code,
        )
    )
    if not retry:
        ledger.status_reasons[own] = reason
        if ending.container_reason:
            ledger.container_reasons[own] = ending.container_reason
        _set_parent(world, record, "attempt ended", "main node, failed, no retry", reason)
        ended(world, record, own)
        return
    past = PastAttempt(ledger.started[own], world.now_ms, ledger.host[own], code, reason, ending.container_reason)
    ledger.past.setdefault(own, []).append(past)
    ledger.attempts[own] -= uses_none
    _set_parent(world, record, "attempt ended", "main node, failed, attempts left and the rules say RETRY", reason)
    for row in range(own, own + 1 + record.size):
        if row != own:
            keep = PastAttempt(
                ledger.started[row], ledger.stopped[row], ledger.host[row], ledger.exit[row],
                ledger.status_reasons.pop(row, ""), ledger.container_reasons.pop(row, ""),
            )  # fmt: skip
            ledger.past.setdefault(row, []).append(keep)
            _set_node(world, record, row, "main node retried", "")
        ledger.started[row] = ledger.stopped[row] = NEVER
        ledger.exit[row] = 0
        ledger.host[row] = NO_HOST
    enqueue_front(world, record, own)


def _release_host(world: World, row: int) -> None:
    host = world.hosts[world.ledger.host[row]]
    host.busy = 0
    host.gang = None
    host.free_cpu, host.free_memory, host.free_gpus = host.total_cpu, host.total_memory, host.total_gpus
    if host.status == "READY":
        host.environment.index.add(host)
    world.became_idle.append(host)


def stop(world: World, record: Record) -> None:
    """TerminateJob: the main node's containers are stopped; its end takes the others along."""
    attempts.stop_attempt(world, record, record.row + 1 + record.plan.definition.main_node)


def fail_now(world: World, record: Record, reason: str) -> None:
    """The queue was deleted under a placed gang: it ends now."""
    row = record.row + 1 + record.plan.definition.main_node
    world.ledger.stopped[row] = world.now_ms
    world.ledger.exit[row] = SIGKILLED
    world.ledger.endings.pop(row, None)
    end_node(world, record, row, Ending(reason, retryable=False))


def _set_node(world: World, record: Record, row: int, event: str, condition: str) -> None:
    """Take a node of a placed gang through its table."""
    ledger = world.ledger
    previous = ledger.status[row]
    found = read_row(Machine.NODE, _WORD[previous], event, condition, history=tell_history(world, record, row))
    to = _WORD.index(found.to)
    ledger.status[row] = to
    record.updated_at = world.now_ms
    if world.listeners and to != previous:
        tell_change(world, record, row, previous, to, ledger.status_reasons.get(row, ""))


def _set_parent(world: World, record: Record, event: str, condition: str, reason: str = "") -> None:
    ledger = world.ledger
    previous = ledger.status[record.row]
    row = read_row(Machine.MULTINODE, _WORD[previous], event, condition, history=record.id)
    to = _WORD.index(row.to)
    ledger.status[record.row] = to
    if world.listeners and to != previous:
        tell_change(world, record, record.row, previous, to, reason)


# --- room for gangs -------------------------------------------------------------------------------------------------


def provide(world: World, environment: EnvironmentState, shape: Shape, gangs: int) -> int:
    """Launch the instances that the first waiting gang still needs, all of one type; gangs left for others."""
    resources = environment.spec.resources
    assert resources is not None
    if gangs <= 0:
        return 0
    possible = [
        kind for kind in fitting_types(world, environment, shape) if kind.vcpus * shape.nodes <= resources.max_vcpus
    ]
    if not possible:
        return gangs
    strategy = STRATEGIES[resources.allocation_strategy]
    candidates = [
        Candidate(
            kind.name, kind.vcpus, 1, world.price(kind.name, resources.spot), world.price(kind.name, False),
            hosts.pool_left(world, kind.name, resources.spot), kind.name in environment.exhausted,
            environment.places.get(kind.name, 0),
        )
        for kind in possible
    ]  # fmt: skip
    # One type, no fallback: with other types a gang could not be placed on one type.
    ranked = strategy.rank(candidates, 1)
    if not ranked or ranked[0].exhausted:
        return gangs
    kind = world.instance_types[ranked[0].name]
    room = (resources.max_vcpus * CPU_UNITS - environment.cpu) // (kind.vcpus * CPU_UNITS)
    missing = shape.nodes - sum(
        host.type.name == kind.name and not host.busy and host.status in ("READY", "LAUNCHING")
        for host in environment.hosts.values()
    )
    count = min(missing, room)
    if count <= 0:
        return gangs if missing > 0 else gangs - 1
    left = hosts.pool_left(world, kind.name, resources.spot)
    got = count if left is None else min(count, left)
    if got < count:
        environment.exhausted.add(kind.name)
        world.tell(CapacityRefused(world.now_ms, environment.spec.name, kind.name, count, got))
    if got:
        hosts.launch(world, environment, kind, got)
    return gangs - 1 if got else gangs


def is_waiting_for(environment: EnvironmentState, host: Host) -> bool:
    """True when a gang at the head of a queue waits for this environment and could use this instance."""
    for queue in environment.queues:
        if queue.gang_waiting is environment and queue.blocked_row >= 0:
            return any(demand.count and demand.shape.nodes and host_holds(host, demand.shape)
                       for demand in queue.demands.values())  # fmt: skip
    return False


__all__ = ["RUNNABLE", "end_node", "fail_now", "is_waiting_for", "place", "provide", "stop"]
