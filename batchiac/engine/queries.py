"""Looking: every question that can be put to an engine. None of them changes anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from batchiac.engine import descriptions, jobs, listings, queues, views
from batchiac.engine.fleet import Host
from batchiac.engine.records import Record
from batchiac.engine.refusals import InvalidRefusal, NotFoundRefusal
from batchiac.engine.settings import EngineSettings
from batchiac.engine.world import ConsumableState, World
from batchiac.model.job import JobStatus


class Queries:
    """The half of the engine's door that looks; `Engine` adds the commands."""

    _world: World

    # --- time -------------------------------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """The engine's time, milliseconds since the epoch. It never goes back."""
        return self._world.now_ms

    @property
    def settings(self) -> EngineSettings:
        """Those that hold now."""
        return self._world.settings

    def is_idle(self) -> bool:
        """True when nothing will happen unless a command comes; `run_until_idle` would do nothing."""
        return self.next_event_at_ms() is None

    def next_event_at_ms(self) -> int | None:
        """When something will happen next; None when nothing will unless a command comes."""
        return self._world.events.next_at_ms()

    # --- compute environments ---------------------------------------------------------------------------------------

    def find_environment(self, name: str) -> views.EnvironmentView | None:
        """The environment of this name, None when there is none (any more)."""
        state = self._world.environments.get(name)
        return None if state is None else descriptions.view_environment(state)

    def environments(self) -> tuple[views.EnvironmentView, ...]:
        """All environments, oldest first."""
        return tuple(descriptions.view_environment(each) for each in self._world.environments.values())

    def instances(self, environment: str = "", *, terminated: bool = False) -> Iterator[views.InstanceView]:
        """Instances in order of launch, of one environment or of all; those that are gone only when asked for."""
        world = self._world
        for host in world.hosts:
            if (terminated or host.status != "TERMINATED") and environment in ("", host.environment.spec.name):
                yield descriptions.view_instance(world, host)

    def find_instance(self, instance_id: str) -> views.InstanceView | None:
        """One instance, terminated ones too."""
        host = self._world.host_by_id.get(instance_id)
        return None if host is None else descriptions.view_instance(self._world, host)

    def jobs_on(self, instance_id: str) -> tuple[str, ...]:
        """Ids of the jobs whose containers are on an instance now. Raises: NotFoundRefusal."""
        host = self._read_host(instance_id)
        return tuple(jobs.job_id_of(record, row) for record, row in descriptions.running_rows(self._world, host))

    # --- queues -----------------------------------------------------------------------------------------------------

    def find_queue(self, name: str) -> views.QueueView | None:
        """The queue of this name, None when there is none (any more)."""
        state = self._world.queues.get(name)
        return None if state is None else descriptions.view_queue(self._world, state)

    def queues(self) -> tuple[views.QueueView, ...]:
        """All queues, oldest first."""
        return tuple(descriptions.view_queue(self._world, each) for each in self._world.queues.values())

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

    def consumable_quantities(self, name: str) -> tuple[int, int]:
        """(total, locked now). Raises: NotFoundRefusal."""
        state = self._read_consumable(name)
        return state.total, state.in_use

    # --- jobs -------------------------------------------------------------------------------------------------------

    def planned_end_ms(self, job_id: str) -> int | None:
        """When the attempt under way will end; it moves when something stops it. None without one.

        Raises:
            NotFoundRefusal: no such job.
        """
        record, row = self._read_job(job_id)
        return descriptions.planned_end_ms(self._world, record, row)

    def describe_job(self, job_id: str) -> views.JobView:
        """A job, `id:index` for a child, `id#N` for a node. Raises: NotFoundRefusal."""
        record, row = self._read_job(job_id)
        return descriptions.view_job(self._world, record, row)

    def find_job(self, job_id: str) -> views.JobView | None:
        """A job, or None."""
        found = self._find_job(job_id)
        return None if found is None else descriptions.view_job(self._world, *found)

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
            return listings.list_queue(world, queues.read_queue(world, queue), wanted, position, limit)
        record, _ = self._read_job(array_job_id or multi_node_job_id)
        return listings.list_rows(world, record, wanted, position, limit)

    def find_jobs_by_name(self, queue: str, name: str) -> Sequence[views.JobSummary]:
        """A queue's jobs of this name, newest first. Raises: NotFoundRefusal."""
        world = self._world
        wanted = name.lower()
        records = world.records
        found = (
            records[index]
            for index in reversed(queues.read_queue(world, queue).records)
            if records.name_of(index).lower() == wanted
        )
        return [listings.summarise(world, record, record.row) for record in found if record is not None]

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
