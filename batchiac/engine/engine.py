"""The engine's door: commands in, views out. See the package's docstring for the rules of use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from batchiac.engine import environments, hosts, interventions, jobs, loop, queues, stopping, views
from batchiac.engine.effects import Listener
from batchiac.engine.policies.behaviour import Behaviour, FromTagsAndCommand
from batchiac.engine.policies.prices import assumed_price
from batchiac.engine.refusals import ExistsRefusal, InvalidRefusal, NotFoundRefusal, StateRefusal
from batchiac.engine.settings import EngineSettings
from batchiac.engine.world import ConsumableState, Host, PriceOf, Record, World
from batchiac.model.compute_environment import ComputeEnvironment
from batchiac.model.consumable_resource import ConsumableResource
from batchiac.model.instance_type import InstanceType, read_instance_types
from batchiac.model.job import JobRequest, JobStatus
from batchiac.model.job_queue import JobQueue

DEFAULT_START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z: where a virtual clock starts unless told otherwise."""


class Engine:
    """AWS Batch as documented, in virtual time."""

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

    @property
    def now_ms(self) -> int:
        """The engine's time, milliseconds since the epoch. It never goes back."""
        return self._world.now_ms

    @property
    def settings(self) -> EngineSettings:
        """Those that hold now."""
        return self._world.settings

    def change_settings(self, settings: EngineSettings) -> None:
        """Have other settings hold from now on, whatever `Engine` was made with; what is on its way is not recalled."""
        interventions.change_settings(self._world, settings)

    def is_idle(self) -> bool:
        """True when nothing will happen unless a command comes; `run_until_idle` would do nothing."""
        return self.next_event_at_ms() is None

    def advance_to(self, at_ms: int) -> None:
        """Let everything happen up to and including `at_ms`; a time that has passed is no error and does nothing."""
        world = self._world
        if at_ms > world.now_ms:
            loop.run(world, at_ms)
            world.now_ms = at_ms
            self._forget_expired()

    def next_event_at_ms(self) -> int | None:
        """When something will happen next; None when nothing will unless a command comes."""
        return self._world.events.next_at_ms()

    def run_until_idle(self, *, limit_ms: int | None = None) -> int:
        """Advance until nothing will happen any more, or to `limit_ms`; the time it is then.

        Idle instances go, stuck jobs stay: a queue whose head can never be placed is idle too. That a Spot instance
        may one day be taken back does not keep the engine busy.
        """
        world = self._world
        loop.run(world, loop.FOREVER - 1 if limit_ms is None else limit_ms, while_busy=True)
        if limit_ms is not None and self.next_event_at_ms() is not None:
            world.now_ms = max(world.now_ms, limit_ms)
        self._forget_expired()
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

    def set_service_role_permissions(self, name: str, *, granted: bool) -> None:
        """Have Batch's service role lack what it needs in an environment, or have it again.

        The environment stays VALID and what runs goes on; nothing is launched or placed there. A queue whose head has
        nowhere else to go is blocked with `MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS`. Raises: NotFoundRefusal.
        """
        interventions.set_role_permissions(self._world, name, granted)

    def find_environment(self, name: str) -> views.EnvironmentView | None:
        """The environment of this name, None when there is none (any more)."""
        state = self._world.environments.get(name)
        return None if state is None else views.view_environment(state)

    def environments(self) -> tuple[views.EnvironmentView, ...]:
        """All environments, oldest first."""
        return tuple(views.view_environment(each) for each in self._world.environments.values())

    # --- instances --------------------------------------------------------------------------------------------------

    def instances(self, environment: str = "", *, terminated: bool = False) -> Iterator[views.InstanceView]:
        """Instances in order of launch, of one environment or of all; those that are gone only when asked for."""
        world = self._world
        for host in world.hosts:
            if (terminated or host.status != "TERMINATED") and environment in ("", host.environment.spec.name):
                yield views.view_instance(world, host)

    def find_instance(self, instance_id: str) -> views.InstanceView | None:
        """One instance, terminated ones too."""
        host = self._world.host_by_id.get(instance_id)
        return None if host is None else views.view_instance(self._world, host)

    def jobs_on(self, instance_id: str) -> tuple[str, ...]:
        """Ids of the jobs whose containers are on an instance now. Raises: NotFoundRefusal."""
        host = self._read_host(instance_id)
        return tuple(jobs.job_id_of(record, row) for record, row in views.running_rows(self._world, host))

    def register_instance(self, environment: str, instance_type: str, *, spot: bool = False) -> str:
        """An instance of the operator's own joins an UNMANAGED environment; its id.

        Raises:
            NotFoundRefusal: no such environment, or no such instance type.
            StateRefusal: the environment is MANAGED: Batch alone launches there.
        """
        world = self._world
        state = environments.read_environment(world, environment)
        if state.spec.resources is not None:
            raise StateRefusal(f"{environment} is MANAGED: only Batch launches its instances.")
        if instance_type not in world.instance_types:
            raise NotFoundRefusal(f"Instance type {instance_type} not found.")
        return hosts.join_from_outside(world, state, world.instance_types[instance_type], spot=spot).id

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

    def find_queue(self, name: str) -> views.QueueView | None:
        """The queue of this name, None when there is none (any more)."""
        state = self._world.queues.get(name)
        return None if state is None else views.view_queue(self._world, state)

    def queues(self) -> tuple[views.QueueView, ...]:
        """All queues, oldest first."""
        return tuple(views.view_queue(self._world, each) for each in self._world.queues.values())

    def queue_snapshot(self, name: str, limit: int = 100) -> tuple[views.SnapshotEntry, ...]:
        """The first RUNNABLE jobs in dispatch order (GetJobQueueSnapshot's frontOfQueue). Raises: NotFoundRefusal."""
        world = self._world
        state = queues.read_queue(world, name)
        rows = state.lane.preview(limit) if state.fair is None else state.fair.preview(world, limit)
        found = []
        for row in rows:
            record = self._owner(row)
            since = state.blocked_at if row == state.blocked_row else record.created_at
            found.append(views.SnapshotEntry(jobs.job_id_of(record, row), since))
        return tuple(found)

    def share_usage(self, name: str, limit: int = 20) -> tuple[views.ShareUsage, ...]:
        """The shares of a fair-share queue with the most vCPUs; empty for FIFO. Raises: NotFoundRefusal."""
        state = queues.read_queue(self._world, name)
        if state.fair is None:
            return ()
        shares = sorted(state.fair.shares.values(), key=lambda each: (-each.cpu, each.serial))
        return tuple(views.ShareUsage(each.identifier, each.cpu / 4, each.key) for each in shares[:limit])

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

    def consumable_quantities(self, name: str) -> tuple[int, int]:
        """(total, locked now). Raises: NotFoundRefusal."""
        state = self._read_consumable(name)
        return state.total, state.in_use

    def delete_consumable_resource(self, name: str) -> None:
        """Take a resource away; jobs that need it wait for ever. Raises: NotFoundRefusal."""
        self._read_consumable(name)
        del self._world.consumables[name]

    # --- jobs -------------------------------------------------------------------------------------------------------

    def submit_job(self, request: JobRequest) -> str:
        """Take a job in; its id. Raises: NotFoundRefusal, StateRefusal, InvalidRefusal."""
        return jobs.submit(self._world, request)

    def cancel_job(self, job_id: str, reason: str) -> None:
        """CancelJob. A job that has a host, or has ended, is left alone. Raises: NotFoundRefusal."""
        record, row = self._read_job(job_id)
        stopping.cancel(self._world, record, row, reason)

    def terminate_job(self, job_id: str, reason: str) -> None:
        """TerminateJob. A job that has ended is left alone. Raises: NotFoundRefusal."""
        record, row = self._read_job(job_id)
        stopping.terminate(self._world, record, row, reason)

    def finish_attempt(self, job_id: str, exit_code: int, reason: str = "", *, attempt: int | None = None) -> bool:
        """End a RUNNING attempt with this exit code, in place of the end that its behaviour planned.

        For executors whose containers really run. A termination or timeout that caused the end stays its cause, and
        whether there is another attempt is the retry strategy's to say.

        Args:
            exit_code: 0..255.
            reason: the container's, empty for none.
            attempt: 1-based; only if this one is under way.

        Returns:
            True when it ends now; False when it is not RUNNING (any more), or is a parent of others.

        Raises:
            NotFoundRefusal: no such job.
            InvalidRefusal: no such exit code.
        """
        if not 0 <= exit_code <= 255:
            raise InvalidRefusal(f"The exit code {exit_code} is not between 0 and 255.")
        record, row = self._read_job(job_id)
        return interventions.finish_attempt(self._world, record, row, exit_code, reason, attempt)

    def planned_end_ms(self, job_id: str) -> int | None:
        """When the attempt under way will end; it moves when something stops it. None without one.

        Raises:
            NotFoundRefusal: no such job.
        """
        record, row = self._read_job(job_id)
        return views.planned_end_ms(self._world, record, row)

    def describe_job(self, job_id: str) -> views.JobView:
        """A job, `id:index` for a child, `id#N` for a node. Raises: NotFoundRefusal."""
        record, row = self._read_job(job_id)
        return views.view_job(self._world, record, row)

    def find_job(self, job_id: str) -> views.JobView | None:
        """A job, or None."""
        found = self._find_job(job_id)
        return None if found is None else views.view_job(self._world, *found)

    def list_jobs(
        self,
        *,
        queue: str = "",
        array_job_id: str = "",
        multi_node_job_id: str = "",
        status: str | None = None,
        position: int = 0,
        limit: int = 1000,
    ) -> views.Page:
        """One page of a queue's jobs in order of submission, or of an array's children or a gang's nodes by index.

        Args:
            queue, array_job_id, multi_node_job_id: exactly one.
            status: one of the seven words; None lists all.
            position: 0, or the `next_position` of the page before.
            limit: at most so many.

        Raises:
            NotFoundRefusal: no such queue or job.
            InvalidRefusal: not exactly one of the three, or an unknown status.
        """
        if sum(map(bool, (queue, array_job_id, multi_node_job_id))) != 1:
            raise InvalidRefusal("Exactly one of jobQueue, arrayJobId and multiNodeJobId must be given.")
        wanted = None
        if status is not None:
            if status not in views.STATUSES:
                raise InvalidRefusal(f"jobStatus {status!r} is not one of {', '.join(views.STATUSES)}.")
            wanted = JobStatus[status].value
        world = self._world
        if queue:
            return views.list_queue(world, queues.read_queue(world, queue), wanted, position, limit)
        record, _ = self._read_job(array_job_id or multi_node_job_id)
        return views.list_rows(world, record, wanted, position, limit)

    def find_jobs_by_name(self, queue: str, name: str) -> Sequence[views.JobSummary]:
        """A queue's jobs of this name, newest first. Raises: NotFoundRefusal."""
        world = self._world
        wanted = name.lower()
        records = (world.records[index] for index in reversed(queues.read_queue(world, queue).records))
        return [
            views.summarise(world, record, record.row)
            for record in records
            if record is not None and record.request.name.lower() == wanted
        ]

    # --- inside -----------------------------------------------------------------------------------------------------

    def _find_job(self, job_id: str) -> tuple[Record, int] | None:
        separator = ":" if ":" in job_id else "#"
        own_id, found, number = job_id.partition(separator)
        world = self._world
        index = world.by_id.get(own_id)
        record = None if index is None else world.records[index]
        if record is None:
            return None
        if not found:
            return record, record.row
        expected = jobs.job_id_of(record, record.row + 1)
        if not number.isdigit() or int(number) >= record.size or separator not in expected:
            return None
        return record, record.row + 1 + int(number)

    def _read_job(self, job_id: str) -> tuple[Record, int]:
        found = self._find_job(job_id)
        if found is None:
            raise NotFoundRefusal(f"Job {job_id} not found.")
        return found

    def _read_host(self, instance_id: str) -> Host:
        host = self._world.host_by_id.get(instance_id)
        if host is None:
            raise NotFoundRefusal(f"Instance {instance_id} not found.")
        return host

    def _read_consumable(self, name: str) -> ConsumableState:
        state = self._world.consumables.get(name)
        if state is None:
            raise NotFoundRefusal(f"Consumable resource {name} not found.")
        return state

    def _owner(self, row: int) -> Record:
        record = self._world.records[self._world.ledger.owner[row]]
        assert record is not None
        return record

    def _wake_all(self) -> None:
        for queue in self._world.queue_order:
            queue.dirty = queue.demanding = True
        self._world.wake()

    def _after_command(self) -> None:
        """A command may have freed capacity: have it given out."""
        self._world.wake()

    def _forget_expired(self) -> None:
        """Finished jobs are kept for the retention time: "at least 7 days"."""
        world = self._world
        finished = world.finished
        oldest = world.now_ms - world.settings.retention_ms
        while finished and finished[0].ended_at < oldest:
            record = finished.popleft()
            world.records[record.index] = None
            del world.by_id[record.id]
            if not record.lingers:
                world.ledger.release(record.row, 1 + record.size)
