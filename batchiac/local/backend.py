"""Batch in one account and region: moto's backend, with the engine inside.

moto makes one of these for each account and region, resets it, and asks it for URLs; everything else that Batch does is
ours. It joins the records (what the API was told), the engine (what happens) and the projections (how it looks
elsewhere in moto). Time moves here and only here: `advance_to` goes from event to event where somebody is to be told
of them, because an event may make a rule submit a job at that very moment.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attrs import define
from moto.core.base_backend import BaseBackend

from batchiac.engine import Engine
from batchiac.engine.effects import Effect, JobStateChanged
from batchiac.engine.service_jobs import ServiceJobs
from batchiac.local import http_mock
from batchiac.local.api_error import refusal
from batchiac.local.books import Books
from batchiac.local.moto_jobs import uses_docker
from batchiac.local.operations.service_queue import service_resources_changed
from batchiac.local.records import Record, Shelf
from batchiac.local.surroundings import NoSurroundings, Surroundings
from batchiac.local.values import consumable_value, policy_value
from batchiac.model.job import JobRequest
from batchiac.model.scheduling_policy import SchedulingPolicy

if TYPE_CHECKING:
    from batchiac.local.projections import Projection
    from batchiac.local.stage import Stage

Wire = dict[str, Any]

OBSERVED_MS = 3_600_000
"""How far one Describe moves an auto clock at most, where nothing changes: a job that is stuck stays so."""

ASSUMED_HOSTS = (
    "x2iedn.32xlarge",
    "x2iedn.32xlarge",
    "x2iedn.32xlarge",
    "x2iedn.32xlarge",
    "p5.48xlarge",
    "r7g.16xlarge",
)
"""What an UNMANAGED environment has where its hosts are assumed: room for any job, a GPU one and an ARM one as well."""

ENDED = ("SUCCEEDED", "FAILED")
TRANSITIONAL = ("CREATING", "UPDATING", "DELETING")


@define
class ConsumableAmounts:
    """Of one consumable resource: all there is, and what jobs hold."""

    total: int
    in_use: int


class BatchBackend(Books, BaseBackend):  # type: ignore[misc]  # moto is not typed for us
    """See the module. Handlers (operations/) get it as `batch`."""

    stage: Stage

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        from batchiac.local.installation import current_stage

        stage = current_stage()
        self.stage = stage
        self.lock = stage.lock
        self.open_books(f"{stage.settings.seed}:{account_id}:{region_name}")
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._let_go: dict[tuple[str, str], int] = {}
        self._effects: list[Effect] = []
        self._job_changes = 0
        self._leaving: list[tuple[Shelf, str]] = []
        self._unsettled = False
        self._advancing = False
        self.projections: list[Projection] = []
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

    # --- the engine and time ----------------------------------------------------------------------------------------

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
        )
        if settings.projections:
            from batchiac.local.projections import make_projections

            self.projections = make_projections(self)
        if settings.projections or self.stage.clock.observes:
            # Without a listener the engine makes no effects at all, which counts at a million jobs.
            engine.subscribe(self._hear)
        return engine

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

    def _hear(self, effect: Effect) -> None:
        if isinstance(effect, JobStateChanged):
            self._job_changes += 1
        if self.projections:
            self._effects.append(effect)

    @cached_property
    def surroundings(self) -> Surroundings | NoSurroundings:
        """What else exists in the account."""
        return Surroundings(self) if self.stage.settings.projections else NoSurroundings()

    def catch_up(self) -> None:
        """Bring everything to the clock's present; a command that an event on the way there led to is given there."""
        if not self._advancing:
            self.advance_to(self.stage.clock.now_ms())

    def advance_to(self, at_ms: int) -> None:
        """Let everything happen that is due until then. A moment that has passed changes nothing."""
        engine = self.engine
        self._advancing = True
        try:
            while True:
                due = self.next_event_ms() if self._reacts() else self._next_own_ms()
                if due is None or due > at_ms:
                    break
                engine.advance_to(due)
                self._run_timers()
                self.flush()
            engine.advance_to(at_ms)
            self.flush()
        finally:
            self._advancing = False

    def instances_terminated(self, instance_ids: list[str]) -> None:
        """Somebody terminated instances from outside: those of ours are lost hosts."""
        with self.lock:
            self.catch_up()
            for instance_id in instance_ids:
                if self.engine.find_instance(instance_id) is not None:
                    self.engine.interrupt_instance(instance_id)
            self.flush()

    def _reacts(self) -> bool:
        """True where something that happens may make a projection give a command: then time goes event by event."""
        return any(projection.reacts() for projection in self.projections)

    def next_event_ms(self) -> int | None:
        """When the next thing happens by itself; None when nothing will."""
        times = [at for at in (self.engine.next_event_at_ms(), self._next_own_ms()) if at is not None]
        return min(times, default=None)

    def _next_own_ms(self) -> int | None:
        """The next thing that is not the engine's: a timer, or a schedule that fires."""
        times = [at for projection in self.projections if (at := projection.next_due_ms()) is not None]
        if self._timers:
            times.append(self._timers[0][0])
        return min(times, default=None)

    def _run_timers(self) -> None:
        while self._timers and self._timers[0][0] <= self.engine.now_ms:
            heapq.heappop(self._timers)[2]()
        for projection in self.projections:
            projection.run_due()

    def at(self, at_ms: int, action: Callable[[], None]) -> None:
        """Have something done at a moment."""
        heapq.heappush(self._timers, (at_ms, self.next_serial(), action))

    def flush(self) -> None:
        """Tell records and projections what has happened since the last time; they may give commands themselves."""
        if self._leaving:
            self._forget_deleted()
        while self._effects:
            effects, self._effects = self._effects, []
            for effect in effects:
                for projection in self.projections:
                    projection.apply(effect)

    def _forget_deleted(self) -> None:
        """Records of what was being deleted go when the engine has let go of it."""
        staying = []
        for shelf, name in self._leaving:
            found = self.engine.find_environment(name) if shelf is self.environments else self.engine.find_queue(name)
            record = shelf.find(name)
            if found is not None:
                staying.append((shelf, name))
            elif record is not None:
                shelf.remove(record)
        self._leaving = staying

    def settle(self) -> None:
        """After a change: tell of it, and see it through where changes are over when their call returns."""
        self.flush()
        if self._unsettled:
            self._unsettled = False
            if self.stage.settings.at_once:
                self.see_through()

    def see_through(self) -> None:
        """Go on until no environment and no queue is in transition; one that waits for jobs is left after an hour."""
        horizon = self.now_ms() + OBSERVED_MS
        while self._in_transition() and (due := self.next_event_ms()) is not None and due <= horizon:
            if self.stage.clock.can_skip:
                self.stage.clock.skip_to(due)
            self.advance_to(due)

    def _in_transition(self) -> bool:
        engine = self.engine
        return any(
            view is not None and view.status in TRANSITIONAL
            for view in (
                *(engine.find_environment(each.name) for each in self.environments),
                *(engine.find_queue(each.name) for each in self.queues),
            )
        ) or any(each.wire["status"] in TRANSITIONAL for each in self.service_environments)

    def observe(self, read: Callable[[], Any], in_transition: Callable[[Any], bool]) -> None:
        """In an auto clock's time: go on to where what is looked at has changed, an hour at most.

        Args:
            read: what is looked at, as values that compare.
            in_transition: whether it can be expected to change at all.
        """
        if not self.stage.clock.observes:
            return
        seen = read()
        if not in_transition(seen):
            return
        horizon = self.now_ms() + OBSERVED_MS
        while (due := self.stage.next_event_ms()) is not None and due <= horizon:
            self.stage.clock.skip_to(due)
            self.stage.catch_up()
            if read() != seen:
                return

    def observe_jobs(self, ids: list[str]) -> None:
        """`observe` for jobs by id."""
        if not self.stage.clock.observes:
            return
        plain = [self.job_id_of(each) for each in ids]

        def statuses() -> list[str]:
            return [view.status for each in plain if (view := self.engine.find_job(each)) is not None]

        def under_way(seen: list[str]) -> bool:
            return not all(status in ENDED for status in seen)

        self.observe(statuses, under_way)
        if not uses_docker():
            # A job has ended when it is looked at.
            for _ in range(100):
                if not under_way(statuses()):
                    return
                self.observe(statuses, under_way)

    def observe_queue(self, name: str) -> None:
        """`observe` for all jobs of a queue: on to the next change of any job."""
        if self.stage.clock.observes:
            self.observe(lambda: self._job_changes, lambda _: self._has_jobs_under_way(name))

    def _has_jobs_under_way(self, queue: str) -> bool:
        return any(
            self.engine.list_jobs(queue=queue, status=status, limit=1).jobs
            for status in ("RUNNING", "STARTING", "RUNNABLE", "PENDING", "SUBMITTED")
        )

    def run_until_idle(self, deadline_ms: int) -> bool:
        """Run until nothing will change any more without a new request; True when that is so before the deadline.

        The clock is the caller's: `now_ms` says how far it went.
        """
        if not self._reacts() and self._next_own_ms() is None:
            if self.engine.next_event_at_ms() is not None:
                self.engine.run_until_idle(limit_ms=deadline_ms)
            self.flush()
            return self.engine.now_ms < deadline_ms
        # Event by event, because any of them may lead to a command. A schedule that is yet to fire keeps nothing
        # busy, or a stack with one would never be idle.
        while (due := self.engine.next_event_at_ms()) is not None or self._timers:
            if self._timers and (due is None or self._timers[0][0] < due):
                due = self._timers[0][0]
            assert due is not None
            if due > deadline_ms:
                return False
            self._advancing = True
            try:
                self.engine.run_until_idle(limit_ms=due)
                background_only = self.engine.next_event_at_ms() == due
                if self._timers and self._timers[0][0] == due:
                    # The engine stays where its last event was; a timer is not the engine's.
                    self.engine.advance_to(due)
                self._run_timers()
                self.flush()
            finally:
                self._advancing = False
            if background_only and not self._timers:
                return True
        return True

    # --- compute environments and queues ----------------------------------------------------------------------------

    def create_environment(self, value: Any) -> None:
        """Have the engine create an environment."""
        self.engine.create_compute_environment(value)
        self._unsettled = True
        if value.resources is None and self.stage.settings.unmanaged_hosts == "assumed":
            for instance_type in ASSUMED_HOSTS:
                self.engine.register_instance(value.name, instance_type)

    def update_environment(self, value: Any) -> None:
        """Have the engine update an environment."""
        self.engine.update_compute_environment(value)
        self._unsettled = True

    def delete_environment(self, name: str) -> None:
        """Have the engine delete an environment."""
        self.engine.delete_compute_environment(name)
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

    def queue_snapshot(self, record: Record, most_jobs: int, most_shares: int) -> Wire:
        """GetJobQueueSnapshot's answer."""
        now = self.now_ms()
        answer: Wire = {
            "frontOfQueue": {
                "jobs": [
                    {"jobArn": self.job_arn(each.job_id), "earliestTimeAtPosition": each.earliest_at_ms}
                    for each in self.engine.queue_snapshot(record.name, most_jobs)
                ],
                "lastUpdatedAt": now,
            }
        }
        if "schedulingPolicyArn" in record.wire:
            # Limits far above AWS's 500 active shares: the sum is over all of them.
            shares = self.engine.share_usage(record.name, 1_000_000)
            answer["queueUtilization"] = {
                "totalCapacityUsage": _vcpus(sum(share.vcpus for share in shares)),
                "fairshareUtilization": {
                    "activeShareCount": len(shares),
                    "topCapacityUtilization": [
                        {"shareIdentifier": share.identifier, "capacityUsage": _vcpus(share.vcpus)}
                        for share in shares[:most_shares]
                    ],
                },
                "lastUpdatedAt": now,
            }
        return answer


def _vcpus(quantity: float) -> list[Wire]:
    return [{"capacityUnit": "VCPU", "quantity": float(quantity)}]
