"""Batch in one account and region: moto's backend, with the engine inside.

moto makes one of these for each account and region, resets it, and asks it for URLs; everything else that Batch does is
ours. It joins the records (what the API was told), the engine (what happens) and the projections (how it looks
elsewhere in moto); records are kept in books.py, and time passes in progress.py.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from attrs import define
from moto.core.base_backend import BaseBackend

from batchiac.engine import Engine
from batchiac.engine.service_jobs import ServiceJobs
from batchiac.local import http_mock
from batchiac.local.api_error import refusal
from batchiac.local.operations.service_queue import service_resources_changed
from batchiac.local.own_hosts import OwnHosts
from batchiac.local.progress import Progress
from batchiac.local.records import Record, Shelf
from batchiac.local.surroundings import NoSurroundings, Surroundings
from batchiac.local.values import consumable_value, policy_value
from batchiac.model.job import JobRequest
from batchiac.model.scheduling_policy import SchedulingPolicy

if TYPE_CHECKING:
    pass

Wire = dict[str, Any]

ASSUMED_HOSTS = (
    "x2iedn.32xlarge",
    "x2iedn.32xlarge",
    "x2iedn.32xlarge",
    "x2iedn.32xlarge",
    "p5.48xlarge",
    "r7g.16xlarge",
)
"""What an UNMANAGED environment has where its hosts are assumed: room for any job, a GPU one and an ARM one as well."""


@define
class ConsumableAmounts:
    """Of one consumable resource: all there is, and what jobs hold."""

    total: int
    in_use: int


class BatchBackend(Progress, BaseBackend):  # type: ignore[misc]  # moto is not typed for us
    """See the module. Handlers (operations/) get it as `batch`."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        from batchiac.local.installation import current_stage

        stage = current_stage()
        self.stage = stage
        self.lock = stage.lock
        self.open_books(f"{stage.settings.seed}:{account_id}:{region_name}")
        self.open_progress()
        self._let_go: dict[tuple[str, str], int] = {}
        self._assumed: dict[str, list[str]] = {}
        stage.join(self)

    # --- what moto asks of a backend --------------------------------------------------------------------------------

    def reset(self) -> None:
        """Forget everything. moto drops the backend afterwards and makes another when one is asked for."""
        stage = self.stage
        super().reset()
        stage.leave(self)

    @property
    def urls(self) -> dict[str, Any]:
        """URL pattern → responder, for moto's in-process mock and its server."""
        return http_mock.urls()

    @property
    def url_paths(self) -> dict[str, Any]:
        """Path pattern → responder, for moto's server."""
        return http_mock.url_paths()

    @property
    def url_bases(self) -> list[str]:
        """Hosts that are Batch's."""
        return list(http_mock.URL_BASES)

    # --- the engine ---------------------------------------------------------------------------------------------------

    @cached_property
    def engine(self) -> Engine:
        """The simulation; made when it is first needed, because moto makes backends that nobody uses."""
        settings = self.stage.settings
        engine = Engine(
            seed=settings.seed,
            start_at_ms=self.stage.clock.now_ms(),
            settings=settings.engine,
            behaviour=settings.behaviour,
            region=self.region_name,
            account=self.account_id,
            price_usd_per_hour=self._find_price,
        )
        if settings.projections:
            from batchiac.local.projections import make_projections

            self.projections = [*make_projections(self), self.own_hosts]
        if settings.projections or self.stage.clock.observes:
            # Without a listener the engine makes no effects at all, which counts at a million jobs.
            engine.subscribe(self._hear)
        return engine

    def _find_price(self, instance_type: str, spot: bool) -> float | None:
        """The shipped price, None for a type or region that it does not know; the file is read when first asked."""
        from batchiac.model.price import shipped_prices

        return shipped_prices().find_usd_per_hour(self.region_name, instance_type, spot=spot)

    @cached_property
    def service(self) -> ServiceJobs:
        """Service jobs: their states, on this backend's time."""
        return ServiceJobs(
            now_ms=self.now_ms,
            at=self.at,
            tell=self._hear,
            settings=lambda: self.engine.settings.service,
            seed=self.stage.settings.seed,
        )

    @cached_property
    def own_hosts(self) -> OwnHosts:
        """The operator's own instances in UNMANAGED environments."""
        return OwnHosts(self)

    @cached_property
    def surroundings(self) -> Surroundings | NoSurroundings:
        """What else exists in the account."""
        return Surroundings(self) if self.stage.settings.projections else NoSurroundings()

    def instances_terminated(self, instance_ids: list[str]) -> None:
        """Somebody terminated instances from outside: those of ours are lost hosts."""
        with self.lock:
            self.catch_up()
            for instance_id in instance_ids:
                if self.engine.find_instance(instance_id) is not None:
                    self.engine.interrupt_instance(instance_id)
            self.own_hosts.terminated(instance_ids)
            self.flush()

    # --- compute environments and queues ----------------------------------------------------------------------------

    def create_environment(self, value: Any) -> None:
        """Have the engine create an environment."""
        self.engine.create_compute_environment(value)
        self._unsettled = True
        if value.resources is None and self.stage.settings.unmanaged_hosts == "assumed":
            self._assumed[value.name] = [self.engine.register_instance(value.name, each) for each in ASSUMED_HOSTS]

    def drop_assumed_hosts(self, name: str) -> None:
        """An environment has a host of its own: those that stood for it go, when their jobs have ended."""
        for instance_id in self._assumed.pop(name, ()):
            self.engine.deregister_instance(instance_id)

    def update_environment(self, value: Any) -> None:
        """Have the engine update an environment."""
        self.engine.update_compute_environment(value)
        self._unsettled = True

    def delete_environment(self, name: str) -> None:
        """Have the engine delete an environment."""
        self.engine.delete_compute_environment(name)
        self._assumed.pop(name, None)
        self._leaving.append((self.environments, name))
        self._unsettled = True

    def environment_view(self, name: str) -> Any:
        """The engine's view of an environment."""
        view = self.engine.find_environment(name)
        assert view is not None, f"no record outlives its environment: {name}"
        return view

    def create_queue(self, value: Any) -> None:
        """Have the engine create a queue."""
        self.engine.create_job_queue(value)
        self.forget_jobs_of(self.queues.arn_of(value.name))
        self._unsettled = True

    def update_queue(self, value: Any) -> None:
        """Have the engine update a queue."""
        self.engine.update_job_queue(value)
        self._unsettled = True

    def delete_queue(self, name: str) -> None:
        """Have the engine delete a queue."""
        self.engine.delete_job_queue(name)
        self._leaving.append((self.queues, name))
        self._unsettled = True

    def queue_view(self, name: str) -> Any:
        """The engine's view of a queue."""
        view = self.engine.find_queue(name)
        assert view is not None, f"no record outlives its queue: {name}"
        return view

    def let_go(self, queue: Record, environment_arns: set[str]) -> None:
        """Queue and environments part; they count as related until the lag is over."""
        lag_ms = self.stage.settings.consistency_lag_ms
        if lag_ms:
            settings = self.stage.settings.engine
            until = self.now_ms() + lag_ms + max(settings.queue_update_ms, 0)
            for arn in environment_arns:
                self._let_go[queue.arn, arn] = until

    def require_unrelated(self, environment: Record) -> None:
        """Raises: ApiError: within the consistency lag of a queue that let the environment go."""
        now = self.now_ms()
        self._let_go = {pair: until for pair, until in self._let_go.items() if until > now}
        if any(arn == environment.arn for _, arn in self._let_go):
            raise refusal("Cannot delete, found existing JobQueue relationship")

    def policy_value(self, record: Record | None) -> SchedulingPolicy | None:
        """The engine's fair-share policy; None for no policy and for one of quota management."""
        if record is None or "fairsharePolicy" not in record.wire:
            return None
        return policy_value(record.name, record.wire["fairsharePolicy"])

    def policy_changed(self, record: Record) -> None:
        """Have every queue that uses the policy follow it."""
        from batchiac.local.operations.job_queue import queue_changed

        for queue in self.queues:
            if queue.wire.get("schedulingPolicyArn") == record.arn and "serviceEnvironmentOrder" not in queue.wire:
                queue_changed(self, queue)
        service_resources_changed(self)

    # --- consumable resources ---------------------------------------------------------------------------------------

    def add_consumable(self, name: str, total: int, kind: str) -> None:
        """Have the engine know a consumable resource."""
        self.engine.create_consumable_resource(consumable_value(name, total, kind))

    def set_consumable(self, name: str, total: int) -> None:
        """A new total."""
        self.engine.set_consumable_quantity(name, total)

    def remove_consumable(self, name: str) -> None:
        """Have the engine forget it."""
        self.engine.delete_consumable_resource(name)

    def consumable_state(self, name: str) -> ConsumableAmounts:
        """Total and in use."""
        return ConsumableAmounts(*self.engine.consumable_quantities(name))

    def begin(self, record: Record, status: str, *, then: str | None, shelf: Shelf | None = None) -> None:
        """A status of a resource that the engine does not know, and what follows it after the queue's times.

        Args:
            then: the status afterwards; None takes the record off its `shelf`.
        """
        record.wire["status"] = status
        service_resources_changed(self)

        def end() -> None:
            if then is None:
                assert shelf is not None
                shelf.remove(record)
            elif record.wire["status"] == status:
                record.wire["status"] = then
            service_resources_changed(self)

        if self.stage.settings.at_once:
            end()
            return
        settings = self.stage.settings.engine
        delay = {
            "CREATING": settings.queue_create_ms,
            "UPDATING": settings.queue_update_ms,
            "DELETING": settings.queue_delete_ms,
        }[status]
        self.at(self.now_ms() + delay, end)

    def submit(self, request: JobRequest) -> str:
        """Have the engine take a job; its id."""
        return self.engine.submit_job(request)
