"""The engine's door: commands in, views out. See the package's docstring for the rules of use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from batchiac.engine import environments, hosts, interventions, loop, queues, retention, stopping, submission
from batchiac.engine.effects import Listener
from batchiac.engine.policies.behaviour import Behaviour, FromTagsAndCommand
from batchiac.engine.policies.prices import assumed_price
from batchiac.engine.queries import Queries
from batchiac.engine.refusals import ExistsRefusal, InvalidRefusal, NotFoundRefusal, StateRefusal
from batchiac.engine.settings import EngineSettings
from batchiac.engine.world import ConsumableState, PriceOf, World
from batchiac.model.compute_environment import ComputeEnvironment
from batchiac.model.consumable_resource import ConsumableResource
from batchiac.model.instance_type import InstanceType, read_instance_types
from batchiac.model.job import JobRequest
from batchiac.model.job_queue import JobQueue

DEFAULT_START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z: where a virtual clock starts unless told otherwise."""


class Engine(Queries):
    """AWS Batch as documented, in virtual time: the commands; what can be asked is in `Queries`."""

    def __init__(
        self,
        *,
        seed: int = 0,
        start_at_ms: int = DEFAULT_START_MS,
        settings: EngineSettings | None = None,
        instance_types: Mapping[str, InstanceType] | None = None,
        behaviour: Behaviour | None = None,
        price_usd_per_hour: PriceOf | None = None,
        region: str = "us-east-1",
        account: str = "123456789012",
    ) -> None:
        """An engine with nothing in it.

        Args:
            seed: of all chance and all ids.
            start_at_ms: milliseconds since the epoch.
            settings: how long things take; defaults are documented or assumptions (EngineSettings).
            instance_types: EC2's catalogue unless given.
            behaviour: what jobs do; from tags and command unless given.
            price_usd_per_hour: (instance type, is Spot) → US dollars an hour, None where not known. Where it knows
                no type, or is not given, strategies compare by an assumed price (policies/prices.py).
        """
        types = read_instance_types() if instance_types is None else instance_types
        self._world = World(
            seed=seed,
            start_at_ms=start_at_ms,
            settings=settings or EngineSettings(),
            instance_types=types,
            behaviour=behaviour or FromTagsAndCommand(),
            price=assumed_price(types, price_usd_per_hour),
            region=region,
            account=account,
        )

    # --- time -------------------------------------------------------------------------------------------------------

    def change_settings(self, settings: EngineSettings) -> None:
        """Have other settings hold from now on, whatever `Engine` was made with; what is on its way is not recalled."""
        interventions.change_settings(self._world, settings)

    def advance_to(self, at_ms: int) -> None:
        """Let everything happen up to and including `at_ms`; a time that has passed is no error and does nothing."""
        world = self._world
        if at_ms > world.now_ms:
            loop.run(world, at_ms)
            world.now_ms = at_ms
            retention.forget_expired(world)

    def run_until_idle(self, *, limit_ms: int | None = None) -> int:
        """Advance until nothing will happen any more, or to `limit_ms`; the time it is then.

        Idle instances go, stuck jobs stay: a queue whose head can never be placed is idle too. That a Spot instance
        may one day be taken back does not keep the engine busy.
        """
        world = self._world
        loop.run(world, loop.FOREVER - 1 if limit_ms is None else limit_ms, while_busy=True)
        if limit_ms is not None and self.next_event_at_ms() is not None:
            world.now_ms = max(world.now_ms, limit_ms)
        retention.forget_expired(world)
        return world.now_ms

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have effects passed to `listener` from now on; call what is returned to end that."""
        listeners = self._world.listeners
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    # --- compute environments ---------------------------------------------------------------------------------------

    def create_compute_environment(self, spec: ComputeEnvironment) -> None:
        """CREATING now, VALID or INVALID later. Raises: ExistsRefusal, InvalidRefusal."""
        environments.create(self._world, spec)

    def update_compute_environment(self, spec: ComputeEnvironment) -> bool:
        """Make the environment of this name what `spec` says; True when that replaces its instances.

        Raises:
            NotFoundRefusal, BusyRefusal, InvalidRefusal: see environments.update.
        """
        return environments.update(self._world, spec)

    def delete_compute_environment(self, name: str) -> None:
        """DELETING now, gone later. Raises: NotFoundRefusal, StateRefusal, ReferencedRefusal, BusyRefusal."""
        environments.delete(self._world, name)

    def invalidate_compute_environment(self, name: str, reason: str) -> None:
        """Have a VALID environment found broken. Raises: NotFoundRefusal, BusyRefusal."""
        environments.invalidate(self._world, name, reason)

    def hold_deletion(self, name: str, *, held: bool) -> None:
        """Have an environment stay DELETING for ever, or go after all. Raises: NotFoundRefusal."""
        environments.hold_deletion(self._world, name, held)

    def set_service_role_permissions(self, name: str, *, granted: bool) -> None:
        """Have Batch's service role lack what it needs in an environment, or have it again.

        The environment stays VALID and what runs goes on; nothing is launched or placed there. A queue whose head has
        nowhere else to go is blocked with `MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS`. Raises: NotFoundRefusal.
        """
        interventions.set_role_permissions(self._world, name, granted)

    # --- instances --------------------------------------------------------------------------------------------------

    def register_instance(
        self, environment: str, instance_type: str, *, spot: bool = False, instance_id: str = ""
    ) -> str:
        """An instance of the operator's own joins an UNMANAGED environment; its id.

        Args:
            instance_id: the instance's own, `i-…`, which reasons and views then name; empty to have one made.

        Raises:
            NotFoundRefusal: no such environment, or no such instance type.
            StateRefusal: the environment is MANAGED: Batch alone launches there.
            ExistsRefusal: an instance of this id is in an environment now.
        """
        world = self._world
        state = environments.read_environment(world, environment)
        if state.spec.resources is not None:
            raise StateRefusal(f"{environment} is MANAGED: only Batch launches its instances.")
        if instance_type not in world.instance_types:
            raise NotFoundRefusal(f"Instance type {instance_type} not found.")
        known = world.host_by_id.get(instance_id)
        if known is not None and known.status != "TERMINATED":
            where = known.environment.spec.name
            raise ExistsRefusal(f"Instance {instance_id} is {known.status} in {where}: it can be in one cluster.")
        kind = world.instance_types[instance_type]
        return hosts.join_from_outside(world, state, kind, spot=spot, instance_id=instance_id).id

    def deregister_instance(self, instance_id: str, *, drain: bool = True) -> None:
        """An instance leaves its cluster: after its jobs have ended (`drain`), or now with its jobs lost.

        Raises:
            NotFoundRefusal: no such instance.
        """
        host = self._read_host(instance_id)
        if host.status in ("DRAINING", "TERMINATED") and drain:
            return
        if drain:
            hosts.drain(self._world, host, "deregistered")
        elif host.status != "TERMINATED":
            hosts.lose(self._world, host, "deregistered")
        self._after_command()

    def interrupt_instance(self, instance_id: str, reason: str = "") -> None:
        """Take an instance away now: a Spot interruption, or somebody's TerminateInstances. Its jobs lose their host.

        Raises:
            NotFoundRefusal: no such instance. One that is gone already is left alone.
        """
        host = self._read_host(instance_id)
        if host.status != "TERMINATED":
            hosts.lose(self._world, host, reason or "terminated from outside")
            self._after_command()

    def set_capacity(self, instance_type: str, count: int | None, *, spot: bool = False) -> None:
        """How many instances of a type a market can give in all; None has no limit (the default)."""
        world = self._world
        key = (instance_type, hosts.market_of(spot))
        if count is None:
            world.capacity.pop(key, None)
        else:
            world.capacity[key] = count
        hosts.give_back(world, instance_type, key[1])

    # --- queues -----------------------------------------------------------------------------------------------------

    def create_job_queue(self, spec: JobQueue) -> None:
        """CREATING now, VALID later. Raises: ExistsRefusal, NotFoundRefusal, InvalidRefusal."""
        queues.create(self._world, spec)

    def update_job_queue(self, spec: JobQueue) -> None:
        """Make the queue of this name what `spec` says. Raises: NotFoundRefusal, BusyRefusal, InvalidRefusal."""
        queues.update(self._world, spec)

    def delete_job_queue(self, name: str) -> None:
        """DELETING now, its jobs FAILED; gone later. Raises: NotFoundRefusal, StateRefusal, BusyRefusal."""
        queues.delete(self._world, name)
        self._after_command()

    # --- consumable resources ---------------------------------------------------------------------------------------

    def create_consumable_resource(self, spec: ConsumableResource) -> None:
        """Add a resource that jobs can lock. Raises: ExistsRefusal."""
        world = self._world
        if spec.name in world.consumables:
            raise ExistsRefusal(f"Object already exists: {spec.name}")
        world.consumables[spec.name] = ConsumableState(spec)
        self._wake_all()

    def set_consumable_quantity(self, name: str, total: int) -> None:
        """SET, ADD and REMOVE come down to a new total (≥ 0). Raises: NotFoundRefusal, InvalidRefusal."""
        state = self._read_consumable(name)
        if total < 0:
            raise InvalidRefusal(f"The total quantity of {name} would be {total}: it cannot be below 0.")
        state.total = total
        self._wake_all()

    def delete_consumable_resource(self, name: str) -> None:
        """Take a resource away; jobs that need it wait for ever. Raises: NotFoundRefusal."""
        self._read_consumable(name)
        del self._world.consumables[name]

    # --- jobs -------------------------------------------------------------------------------------------------------

    def submit_job(self, request: JobRequest) -> str:
        """Take a job in; its id. Raises: NotFoundRefusal, StateRefusal, InvalidRefusal."""
        return submission.submit(self._world, request)

    def cancel_job(self, job_id: str, reason: str) -> None:
        """CancelJob. A job that has a host, or has ended, is left alone. Raises: NotFoundRefusal."""
        record, row = self._read_job(job_id)
        stopping.cancel(self._world, record, row, reason)

    def terminate_job(self, job_id: str, reason: str) -> None:
        """TerminateJob. A job that has ended is left alone. Raises: NotFoundRefusal."""
        record, row = self._read_job(job_id)
        stopping.terminate(self._world, record, row, reason)

    def begin_attempt(self, job_id: str, *, duration_ms: int, attempt: int | None = None) -> bool:
        """Have an attempt whose containers wait for one another be RUNNING: the last of them has begun.

        For executors whose containers really run: how long the earlier ones take nobody knows before. Its start and end
        as its behaviour planned them hold no more; its timeout runs from here.

        Args:
            duration_ms: ≥ 0: how long it runs, unless `finish_attempt` or a timeout ends it.
            attempt: 1-based; only if this one is under way.

        Returns:
            True when it is RUNNING 1 ms from now; False when its containers are not due yet (`containers_due_ms`).

        Raises:
            NotFoundRefusal: no such job.
        """
        record, row = self._read_job(job_id)
        return interventions.begin_attempt(self._world, record, row, duration_ms, attempt)

    def containers_due_ms(self, job_id: str) -> int | None:
        """When the first containers of a STARTING attempt begin, where others wait for them; None for any other.

        Raises:
            NotFoundRefusal: no such job.
        """
        record, row = self._read_job(job_id)
        return interventions.containers_due_ms(self._world, record, row)

    def finish_attempt(
        self, job_id: str, exit_code: int | None, reason: str = "", *, attempt: int | None = None
    ) -> bool:
        """End a RUNNING attempt with this exit code, in place of the end that its behaviour planned.

        For executors whose containers really run. A termination or timeout that caused the end stays its cause, and
        whether there is another attempt is the retry strategy's to say.

        Args:
            exit_code: 0..255; None where its container could not be started: "Task failed to start".
            reason: the container's, empty for none.
            attempt: 1-based; only if this one is under way.

        Returns:
            True when it ends now; False when it is not RUNNING (any more), or is a parent of others. One whose
            containers wait for one another can end in STARTING too, as soon as its first containers have begun.

        Raises:
            NotFoundRefusal: no such job.
            InvalidRefusal: no such exit code.
        """
        if exit_code is not None and not 0 <= exit_code <= 255:
            raise InvalidRefusal(f"The exit code {exit_code} is not between 0 and 255.")
        record, row = self._read_job(job_id)
        return interventions.finish_attempt(self._world, record, row, exit_code, reason, attempt)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _wake_all(self) -> None:
        for queue in self._world.queue_order:
            queue.dirty = queue.demanding = True
        self._world.wake()

    def _after_command(self) -> None:
        """A command may have freed capacity: have it given out."""
        self._world.wake()
