"""What one account and region of Batch remembers: shelves, revisions, jobs, tags, ids.

The other half of the backend, without engine time: `backend.BatchBackend` is these books and an engine.
"""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

from batchiac.engine.views import JobSummary
from batchiac.local.api_error import ApiError, execution_refusal, refusal
from batchiac.local.records import DefinitionRecord, JobRecord, QuotaShareShelf, Record, Shelf
from batchiac.model.arn import batch_arn, partition_of

if TYPE_CHECKING:
    from batchiac.engine import Engine
    from batchiac.engine.views import JobView
    from batchiac.local.own_hosts import OwnHosts

Wire = dict[str, Any]


class Books:
    """See the module. A subclass has the engine, the account and the region."""

    account_id: str
    region_name: str

    @property
    def engine(self) -> Engine:
        """The simulation whose jobs these are."""
        raise NotImplementedError

    @property
    def own_hosts(self) -> OwnHosts:
        """The operator's own instances, whose ids are shown in place of the engine's."""
        raise NotImplementedError

    def now_ms(self) -> int:
        """The present of this account and region."""
        return int(self.engine.now_ms)

    def open_books(self, seed: str) -> None:
        """Begin with nothing on record.

        Args:
            seed: of the ids that are not the engine's.
        """
        self.environments = self._shelf("compute-environment", "Compute environment")
        self.queues = self._shelf("job-queue", "Job queue")
        self.policies = self._shelf("scheduling-policy", "Scheduling policy")
        self.consumables = self._shelf("consumable-resource", "Consumable resource")
        self.service_environments = self._shelf("service-environment", "Service environment")
        self.quota_shares = QuotaShareShelf("quota-share", "Quota share", self.account_id, self.region_name)
        self.service_jobs: dict[str, Record] = {}
        self.definitions: dict[str, dict[int, DefinitionRecord]] = {}
        self._revisions: dict[str, int] = {}
        self._jobs: dict[str, JobRecord] = {}
        self._jobs_by_queue: dict[str, list[JobRecord]] = {}
        self.container_ends: dict[tuple[str, int], dict[str, tuple[int | None, str]]] = {}
        """(job id, attempt) → container name → (exit code, reason): what an executor saw; a simulation has no entry."""
        self._serials = itertools.count(1)
        self._random = random.Random(seed)
        # Apart from the ids of things: a refusal changes nothing, and must not change the ids that follow it.
        self._request_ids = random.Random(f"{seed}:requests")
        self._tokens: dict[tuple[str, str], int] = {}
        self._job_arn_prefix = batch_arn("job", "", region=self.region_name, account=self.account_id)

    # --- ids, serials, tokens ---------------------------------------------------------------------------------------

    def next_serial(self) -> int:
        """A number above all before it."""
        return next(self._serials)

    def new_uuid(self) -> str:
        """An id in a UUID's form, from the seed."""
        return _uuid_of(self._random)

    def new_request_id(self) -> str:
        """A request's id as it stands in refusals."""
        return _uuid_of(self._request_ids)

    def execution_refusal(self, message: str) -> ApiError:
        """`api_error.execution_refusal` with a request id."""
        return execution_refusal(message, self.new_request_id())

    def seen_token(self, operation: str, token: str, lifetime_ms: int) -> bool:
        """True when a clientToken was used within its lifetime; it counts as used from now on."""
        now = self.now_ms()
        self._tokens = {key: until for key, until in self._tokens.items() if until > now}
        seen = (operation, token) in self._tokens
        self._tokens[operation, token] = now + lifetime_ms
        return seen

    # --- records ----------------------------------------------------------------------------------------------------

    def _shelf(self, kind: Any, noun: str) -> Shelf:
        return Shelf(kind, noun, self.account_id, self.region_name)

    def new_record(self, shelf: Shelf, name: str, wire: Wire, request: Wire, *, add: bool = True) -> Record:
        """A record with serial, ARN, tags and time; on its shelf unless the caller puts it there.

        Raises:
            ApiError: the name is taken.
        """
        record = Record(
            self.next_serial(), name, shelf.arn_of(name), wire, dict(request.get("tags", {})), self.now_ms()
        )
        if add:
            shelf.add(record)
        return record

    def next_revision(self, name: str) -> int:
        """The number of a definition's next revision."""
        self._revisions[name] = self._revisions.get(name, 0) + 1
        return self._revisions[name]

    def definition_arn(self, name_and_revision: str) -> str:
        """ARN of `name:revision`."""
        return batch_arn("job-definition", name_and_revision, region=self.region_name, account=self.account_id)

    def definition_name(self, name_or_arn: str) -> str:
        """`name` or `name:revision`; a foreign ARN comes back whole."""
        return name_or_arn.removeprefix(self.definition_arn(""))

    def tags_of(self, arn: str) -> dict[str, str]:
        """The tags of any tagged thing, to be edited in place.

        Raises:
            ApiError: nothing has this ARN.
        """
        tags = self.find_tags(arn)
        if tags is None:
            raise refusal(f"Resource {arn} does not exist")
        return tags

    def find_tags(self, arn: str) -> dict[str, str] | None:
        """`tags_of`, None where nothing has this ARN."""
        for shelf in (
            self.environments,
            self.queues,
            self.policies,
            self.consumables,
            self.service_environments,
            self.quota_shares,
        ):
            if arn.startswith("arn:") and (record := shelf.find(arn)) is not None:
                return record.tags
        if arn.startswith(self.definition_arn("")):
            name, _, revision = self.definition_name(arn).partition(":")
            definition = self.definitions.get(name, {}).get(int(revision) if revision.isdigit() else 0)
            if definition is not None:
                return definition.tags
        if arn.startswith(self._job_arn_prefix):
            job = self._jobs.get(self.job_id_of(arn))
            if job is not None and self.engine.find_job(job.id) is not None:
                return job.tags
        service_job = self.service_jobs.get(arn.removeprefix(self.service_job_arn("")))
        if service_job is not None:
            return service_job.tags
        return None

    # --- jobs -------------------------------------------------------------------------------------------------------

    def add_job(self, record: JobRecord) -> None:
        """Keep what the API was told of a job."""
        self._jobs[record.id] = record
        self._jobs_by_queue.setdefault(record.queue_arn, []).append(record)

    def job_id_of(self, id_or_arn: str) -> str:
        """The bare id."""
        return id_or_arn.removeprefix(self._job_arn_prefix)

    def job_arn(self, job_id: str) -> str:
        """ARN of a job, child or node."""
        return self._job_arn_prefix + job_id

    def record_of(self, job_id: str) -> JobRecord | None:
        """The record of a job, or of the parent of a child or node."""
        return self._jobs.get(job_id) or self._jobs.get(job_id.partition(":")[0].partition("#")[0])

    def look_up(self, job_id: str) -> tuple[JobRecord, JobView] | None:
        """Record and view of a job, child or node; None where there is none (any more)."""
        record = self.record_of(job_id)
        view = self.engine.find_job(job_id)
        return None if record is None or view is None else (record, view)

    def line_of(self, job_id: str) -> JobSummary:
        """One job as a line of a listing; it must exist."""
        view = self.engine.describe_job(job_id)
        last = view.attempts[-1] if view.attempts else None
        return JobSummary(
            view.id,
            view.name,
            view.queue,
            view.status,
            view.status_reason,
            view.created_at_ms,
            view.started_at_ms,
            view.stopped_at_ms,
            last.exit_code if last is not None and view.stopped_at_ms is not None else None,
            last.reason if last is not None else "",
            view.request,
            view.array_size,
            view.array_index,
            view.num_nodes,
            view.node_index,
        )

    def jobs_of(self, queue: Record) -> list[JobRecord]:
        """The jobs of a queue that can still be described, oldest first."""
        return self._kept(self._jobs_by_queue.get(queue.arn, []))

    def forget_jobs_of(self, queue_arn: str) -> None:
        """A queue made under the name of a deleted one begins with nothing; the other's jobs are described by id."""
        self._jobs_by_queue.pop(queue_arn, None)

    def all_jobs(self) -> list[JobRecord]:
        """All jobs that can still be described, oldest first."""
        return self._kept(list(self._jobs.values()))

    def _kept(self, records: list[JobRecord]) -> list[JobRecord]:
        """Drop from the front what the engine has forgotten: finished jobs go after their retention time."""
        gone = 0
        while gone < len(records) and self.engine.find_job(records[gone].id) is None:
            self._jobs.pop(records[gone].id, None)
            gone += 1
        del records[:gone]
        return records

    # --- names of what is elsewhere ---------------------------------------------------------------------------------

    def service_job_arn(self, job_id: str) -> str:
        """ARN of a service job."""
        return f"arn:{partition_of(self.region_name)}:batch:{self.region_name}:{self.account_id}:service-job/{job_id}"

    def training_job_arn(self, name: str) -> str:
        """ARN of the SageMaker training job that a service job would be."""
        return (
            f"arn:{partition_of(self.region_name)}:sagemaker:{self.region_name}:{self.account_id}:training-job/{name}"
        )


def _uuid_of(generator: random.Random) -> str:
    bits = f"{generator.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"
