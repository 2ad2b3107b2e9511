"""Instances: launched, joined, drained, idle, gone.

Instances never change size. One counts against maxvCpus from its launch to its end. Batch's own come from a capacity
pool (instance type and market) that may run out; those of an UNMANAGED environment join and leave from outside.
"""

from __future__ import annotations

from batchiac.engine.attempts import lose_attempt, rows_on
from batchiac.engine.effects import InstanceChanged
from batchiac.engine.fleet import EnvironmentState, Host
from batchiac.engine.machine import Machine, read_row
from batchiac.engine.policies.allocation import STRATEGIES
from batchiac.engine.reasons import host_lost
from batchiac.engine.records import CPU_UNITS
from batchiac.engine.world import BACKGROUND, FIRST, HOUR_MS, HOUSEKEEPING, World
from batchiac.model.instance_type import InstanceType

ON_DEMAND, SPOT = "on-demand", "spot"


def market_of(spot: bool) -> str:
    """The name of the market in a capacity pool's key."""
    return SPOT if spot else ON_DEMAND


def pool_left(world: World, instance_type: str, spot: bool) -> int | None:
    """How many instances a pool can still give; None where it has no limit."""
    key = (instance_type, market_of(spot))
    limit = world.capacity.get(key)
    return None if limit is None else max(0, limit - world.used_capacity.get(key, 0))


def _set_status(world: World, host: Host, event: str, condition: str, reason: str = "") -> None:
    row = read_row(Machine.INSTANCE, host.status, event, condition, history=f"{host.id} launched {host.launched_at} ms")
    host.status = row.to
    host.open = row.to == "READY"
    if world.listeners:
        world.tell(
            InstanceChanged(
                world.now_ms, host.id, host.environment.spec.name, host.type.name, row.to, host.spot, host.group, reason
            )
        )


def _new_host(world: World, environment: EnvironmentState, kind: InstanceType, instance_id: str = "") -> Host:
    serial = len(world.hosts)
    instance_id = instance_id or "i-" + world.identifiers.hexadecimal("instance", serial, 17)
    host = Host(serial, instance_id, environment, kind, world.settings.usable_mib(kind))
    host.launched_at = world.now_ms
    world.hosts.append(host)
    world.host_by_id[instance_id] = host
    environment.hosts[serial] = host
    environment.cpu += host.total_cpu
    return host


def launch(world: World, environment: EnvironmentState, kind: InstanceType, count: int) -> None:
    """Have EC2 launch instances; they join after the launch time. The caller has asked the pool."""
    resources = environment.spec.resources
    assert resources is not None
    strategy = STRATEGIES[resources.allocation_strategy]
    key = (kind.name, market_of(resources.spot))
    world.used_capacity[key] = world.used_capacity.get(key, 0) + count
    launching = environment.launching
    launching[kind.name] = launching.get(kind.name, 0) + count
    environment.launched.add(kind.name)
    launched: list[Host] = []
    for _ in range(count):
        host = _new_host(world, environment, kind)
        host.spot = resources.spot
        host.market = key[1]
        host.group = strategy.group(environment.spec.name, environment.unique, kind.name, spot=resources.spot)
        _set_status(world, host, "launch", "the pool has capacity")
        launched.append(host)
    world.events.call(world.now_ms + world.settings.launch_ms, _join_all, (world, launched), priority=FIRST)


def _join_all(argument: tuple[World, list[Host]]) -> None:
    world, launched = argument
    for host in launched:
        if host.status == "LAUNCHING":
            _no_longer_launching(host)
            _set_status(world, host, "joined the cluster", "")
            _open(world, host)


def _no_longer_launching(host: Host) -> None:
    launching = host.environment.launching
    left = launching[host.type.name] - 1
    if left:
        launching[host.type.name] = left
    else:
        del launching[host.type.name]


def _open(world: World, host: Host) -> None:
    """Let a host take jobs."""
    host.ready_at = world.now_ms
    host.environment.index.add(host)
    world.became_idle.append(host)
    world.wake_environment(host.environment)
    rate = world.settings.spot_interruptions_per_instance_hour
    if host.spot and rate > 0:
        delay = world.stream.rekey(1 << 40, host.serial).exponential(HOUR_MS / rate)
        at = world.now_ms + max(1, round(delay))
        world.events.call(at, _interrupt, (world, host), priority=BACKGROUND)


def _interrupt(argument: tuple[World, Host]) -> None:
    world, host = argument
    if host.status in ("READY", "DRAINING"):
        lose(world, host, "Server.SpotInstanceTermination: Spot instance termination")


def join_from_outside(
    world: World, environment: EnvironmentState, kind: InstanceType, *, spot: bool, instance_id: str
) -> Host:
    """An instance of the operator's own joins an UNMANAGED environment's cluster; it takes jobs at once.

    Args:
        instance_id: empty for one of ours. One that has left may come back: it is another host of the same id then.
    """
    host = _new_host(world, environment, kind, instance_id)
    host.spot = spot
    host.market = market_of(spot)
    _set_status(world, host, "register", "the environment is UNMANAGED")
    _open(world, host)
    return host


def drain(world: World, host: Host, reason: str) -> None:
    """Give a host no more jobs; it goes when the last one has ended, at once when it has none."""
    if host.status == "LAUNCHING":
        lose(world, host, reason)
    elif host.status == "READY":
        host.environment.index.remove(host)
        if host.busy:
            _set_status(world, host, "drain", "it has jobs", reason)
        else:
            _set_status(world, host, "drain", "it has no job", reason)
            _gone(world, host, reason)


def lose(world: World, host: Host, reason: str) -> None:
    """A host is gone, whoever ended it: its attempts fail with AWS's text for a lost host."""
    before = host.status
    if before == "READY":
        host.environment.index.remove(host)
    elif before == "LAUNCHING":
        _no_longer_launching(host)
    _set_status(world, host, "lost", "", reason)
    rows = rows_on(world, host)
    _gone(world, host, reason)
    for row in rows:
        if world.ledger.host[row] == host.serial:
            record = world.records[world.ledger.owner[row]]
            assert record is not None
            lose_attempt(world, record, row, host_lost(host.id))


def _gone(world: World, host: Host, reason: str) -> None:
    environment = host.environment
    host.terminated_at = world.now_ms
    host.lost_reason = reason
    del environment.hosts[host.serial]
    environment.cpu -= host.total_cpu
    if environment.on_drained is not None and all(each.status != "DRAINING" for each in environment.hosts.values()):
        environment.on_drained()
    if host.group:
        key = (host.type.name, host.market)
        world.used_capacity[key] -= 1
        give_back(world, host.type.name, host.market)
    world.wake_environment(environment)


def give_back(world: World, instance_type: str, market: str) -> None:
    """A pool has more than before: whoever was refused may ask again."""
    for environment in world.environments.values():
        resources = environment.spec.resources
        if (
            resources is not None
            and instance_type in environment.exhausted
            and market_of(resources.spot) == market
            and pool_left(world, instance_type, resources.spot) != 0
        ):
            environment.exhausted.discard(instance_type)
            world.wake_environment(environment)


def settle_idle(world: World) -> None:
    """After a dispatch: hosts that ended up without jobs are idle from now on, or gone if they were draining."""
    idle, world.became_idle = world.became_idle, []
    now = world.now_ms
    for host in idle:
        if host.busy:
            continue
        if host.status == "DRAINING":
            _set_status(world, host, "idle", "")
            _gone(world, host, host.lost_reason or "drained")
        elif host.status == "READY" and host.idle_since != now and host.environment.spec.resources is not None:
            host.idle_since = now
            environment = host.environment
            environment.idle.append((now, host))
            if environment.idle_call < 0:
                _watch(world, environment)


def idle_delay_ms(world: World, environment: EnvironmentState, host: Host) -> int:
    """How long an instance is kept idle. The scaling policy's delay counts "from its last job": not for never-used
    ones. Source: botocore 1.44.5, batch ComputeScalingPolicy.minScaleDownDelayMinutes."""
    resources = environment.spec.resources
    minutes = resources.min_scale_down_delay_minutes if resources is not None else 0
    if minutes and host.images:
        return minutes * 60_000
    return world.settings.idle_scale_in_ms


def _watch(world: World, environment: EnvironmentState) -> None:
    """Have the first idle host looked at when its delay is over. Hosts that got work since are dropped."""
    idle = environment.idle
    while idle and not _still_idle(*idle[0]):
        idle.popleft()
    if not idle:
        environment.idle_call = -1
        return
    since, host = idle[0]
    # Hosts with the longer delay of a scaling policy may stand before others: then the others go later than they
    # might, by at most the difference. Never-used hosts are few (they stand idle only when demand went away).
    environment.idle_call = max(world.now_ms + 1, since + idle_delay_ms(world, environment, host))
    world.events.call(environment.idle_call, _scale_in, (world, environment), priority=HOUSEKEEPING)


def _still_idle(since: int, host: Host) -> bool:
    return host.status == "READY" and not host.busy and host.idle_since == since


KEPT = -2
"""`idle_since` of an idle host that minvCpus or a waiting gang keeps: looked at again when that has changed."""


def _scale_in(argument: tuple[World, EnvironmentState]) -> None:
    world, environment = argument
    from batchiac.engine.gangs import is_waiting_for
    from batchiac.engine.scaling import floor_of

    idle = environment.idle
    now = world.now_ms
    while idle:
        since, host = idle[0]
        if _still_idle(since, host):
            if since + idle_delay_ms(world, environment, host) > now:
                break
            if environment.cpu - host.total_cpu < floor_of(environment) or is_waiting_for(environment, host):
                host.idle_since = KEPT
            else:
                environment.index.remove(host)
                _set_status(world, host, "scale in", "idle for the delay and above minvCpus", "idle")
                _gone(world, host, "idle")
        idle.popleft()
    _watch(world, environment)


def look_again_at_idle(world: World, environment: EnvironmentState) -> None:
    """The floor went down, or a gang waits no more: hosts that were kept for it may go after another delay."""
    for host in environment.hosts.values():
        if host.status == "READY" and not host.busy and host.idle_since == KEPT:
            world.became_idle.append(host)
    world.wake()


def cpu_of(kind: InstanceType) -> int:
    """Quarters of a vCPU."""
    return kind.vcpus * CPU_UNITS
