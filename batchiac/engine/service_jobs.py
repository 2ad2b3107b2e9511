"""Service jobs: their queues, capacity and states, on the caller's clock. No SageMaker is simulated.

A service job walks SUBMITTED, RUNNABLE, SCHEDULED (SageMaker: Pending), STARTING (Downloading), RUNNING (Training and
Uploading) to SUCCEEDED or FAILED by the rows of machine.py; how long each takes is a setting, how a training job ends
is its tags' to say (`batchiac:duration`, `batchiac:failures`). What limits it is in service_capacity.py.

Queues of one service environment are looked at by priority. A FIFO queue's head blocks it. A fair-share queue looks at
the share that has least (instances in use times weight). In a queue of quota shares each share is a queue of its own,
by priority, then first in, first out.

Sources: https://docs.aws.amazon.com/batch/latest/userguide/service-job-status.html, service-job-retries.html,
preemption.html, sm_job_stuck_in_runnable_capacity.html, batch-service-job-preemption-events.html, read 2026-11-21.
Assumptions: decision 0113.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from heapq import heappop, heappush

from batchiac.engine import service_capacity as capacity
from batchiac.engine.effects import ServiceEffect, ServiceJobChanged, ServiceJobPreempted, ServiceQueueBlocked
from batchiac.engine.kernel.randomness import Stream
from batchiac.engine.machine import Machine, read_row
from batchiac.engine.policies.behaviour import parse_duration
from batchiac.engine.reasons import QUEUE_DELETED, TIMED_OUT
from batchiac.engine.service_preemption import Usage, choose_preempted
from batchiac.engine.service_records import (
    CAPACITY_ERROR,
    ENDED,
    IN_PLACE,
    RECEIVED,
    RECENT_PREEMPTIONS,
    ServiceAttempt,
    ServiceJob,
    decide,
    lane_of,
    read_failures,
    time_limit,
    weight_of,
)
from batchiac.engine.settings import ServiceSettings
from batchiac.model.service_job import QuotaShare, ServiceJobRequest, ServiceQueue

_Entry = tuple[int, int, ServiceJob]


class ServiceJobs:
    """See the module. Time, timers and listeners are the caller's."""

    def __init__(
        self,
        *,
        now_ms: Callable[[], int],
        at: Callable[[int, Callable[[], None]], None],
        tell: Callable[[ServiceEffect], None],
        settings: Callable[[], ServiceSettings],
        seed: int,
    ) -> None:
        """`at(ms, action)` has `action` called at a moment; `settings` is asked each time."""
        self._now, self._at, self._tell, self._settings = now_ms, at, tell, settings
        self._stream = Stream(seed)
        self.jobs: dict[str, ServiceJob] = {}
        self._queues: dict[str, ServiceQueue] = {}
        self._lanes: dict[tuple[str, str], list[_Entry]] = {}
        self._in_place: dict[str, dict[str, ServiceJob]] = {}
        self._used: dict[str, dict[str, int]] = {}
        self._used_of_share: dict[tuple[str, str], dict[str, int]] = {}
        self._fronts = 0

    # --- queues ------------------------------------------------------------------------------------------------------

    def put_queue(self, queue: ServiceQueue) -> None:
        """A queue is there, or is another now: its limits, shares or state changed."""
        self._queues[queue.name] = queue
        self._look(queue.environment)

    def drop_queue(self, name: str) -> None:
        """A queue is deleted: the jobs that have not ended fail."""
        for job in self.jobs.values():
            if job.request.queue == name and job.status not in ENDED:
                self._end(job, "queue deleted", "", QUEUE_DELETED)
        self._queues.pop(name, None)

    def in_use(self, queue: str, share: str = "") -> Mapping[str, int]:
        """What the jobs of a queue, or of one of its shares, have now: unit → instances."""
        found: dict[str, int] = {}
        for (name, each), amounts in self._used_of_share.items():
            if name == queue and share in ("", each):
                capacity.add(found, amounts)
        return {unit: count for unit, count in found.items() if count}

    def waiting(self, queue: str) -> list[ServiceJob]:
        """RUNNABLE jobs of a queue in the order of their lanes."""
        found = [job for job in self.jobs.values() if job.request.queue == queue and job.status == "RUNNABLE"]
        return sorted(found, key=lambda job: (*self._key(job), job.serial))

    # --- commands ----------------------------------------------------------------------------------------------------

    def submit(self, job_id: str, request: ServiceJobRequest) -> ServiceJob:
        """A job is SUBMITTED.

        Raises:
            WorkloadError: its tags of ours cannot be understood.
        """
        read_failures(request.tags)
        if "batchiac:duration" in request.tags:
            parse_duration(request.tags["batchiac:duration"])
        serial = len(self.jobs)
        job = ServiceJob(job_id, serial, request, self._now(), request.priority, order=serial)
        job.history.append(f"SUBMITTED at {job.created_at_ms} ms")
        self.jobs[job_id] = job
        self._later(job, self._settings().admission_ms, self._admit)
        return job

    def terminate(self, job_id: str, reason: str) -> None:
        """TerminateServiceJob: in any state but the last two, which it leaves alone, as it does an unknown job."""
        job = self.jobs.get(job_id)
        if job is not None and job.status not in ENDED:
            job.terminated = True
            self._end(job, "terminate", "", reason)

    def set_priority(self, job_id: str, priority: int) -> None:
        """UpdateServiceJob: "either lower the priority of a RUNNING job … or raise the priority of a RUNNABLE job"."""
        job = self.jobs[job_id]
        job.priority = priority
        if job.status == "RUNNABLE":
            heappush(self._lane(job), (*self._key(job), job))
            self._look_for(job)

    # --- the walk ----------------------------------------------------------------------------------------------------

    def _later(self, job: ServiceJob, delay_ms: int, action: Callable[[ServiceJob], None]) -> None:
        """Have the job's next step done, unless something else befalls it before."""
        job.generation += 1
        generation = job.generation

        def act() -> None:
            if job.generation == generation:
                action(job)

        self._at(self._now() + delay_ms, act)

    def _change(self, job: ServiceJob, event: str, condition: str, reason: str = "") -> None:
        """Take the job through the table."""
        previous, now = job.status, self._now()
        row = read_row(Machine.SERVICE_JOB, previous, event, condition, history=", ".join(job.history))
        job.status, job.status_reason = row.to, reason
        job.history.append(f"{row.to} at {now} ms")
        self._tell(ServiceJobChanged(now, job.id, job.request.queue, previous, row.to, reason))

    def _admit(self, job: ServiceJob) -> None:
        job.runs += 1
        self._change(job, "admitted", "")
        self._enqueue(job)

    def _enqueue(self, job: ServiceJob, *, front: bool = False) -> None:
        if front:
            self._fronts -= 1
            job.order = self._fronts
        job.generation += 1
        delay = self._settings().dispatch_ms
        job.ready_at_ms = self._now() + delay
        heappush(self._lane(job), (*self._key(job), job))
        self._at(job.ready_at_ms, partial(self._look_for, job))

    def _dispatch(self, job: ServiceJob, needs: dict[str, int], of_share: dict[str, int]) -> None:
        """RUNNABLE → SCHEDULED: capacity is taken, a training job is created."""
        queue = self._queues[job.request.queue]
        job.taken, job.taken_of_share = needs, of_share
        self._in_place.setdefault(queue.name, {})[job.id] = job
        capacity.add(self._used.setdefault(queue.environment, {}), needs)
        capacity.add(self._used_of_share.setdefault((queue.name, lane_of(queue, job)), {}), of_share)
        if job.failed_for_capacity:
            job.attempts.pop()  # "The most recent … will be retained, and earlier … will be deleted"
            job.failed_for_capacity = False
        job.dispatches += 1
        job.scheduled_at_ms, job.started_at_ms = self._now(), None
        name = f"AWSBatch{job.request.name}{job.id.replace('-', '')}{job.dispatches}"
        job.attempts.append(ServiceAttempt(name, self._now()))
        job.blocked_for = ""
        self._change(job, "dispatched", "within every limit")
        self._later(job, self._settings().pending_ms, self._acquire)

    def _failure(self, job: ServiceJob) -> str:
        failures = read_failures(job.request.tags)
        return failures[job.dispatches - 1] if job.dispatches <= len(failures) else ""

    def _acquire(self, job: ServiceJob) -> None:
        """SCHEDULED → STARTING, unless there is no capacity for it."""
        if self._failure(job) == CAPACITY_ERROR:
            self._refuse(job)
            return
        self._change(job, "capacity acquired", "")
        self._later(job, self._settings().downloading_ms, self._begin)

    def _refuse(self, job: ServiceJob) -> None:
        """No capacity: RUNNABLE again "without consuming attempts", unless the job's rules or its queue end it."""
        text = f"{RECEIVED}{CAPACITY_ERROR}"
        now = self._now()
        attempt = job.attempts[-1]
        attempt.stopped_at_ms, attempt.status_reason = now, text
        job.capacity_wait_ms += now - attempt.scheduled_at_ms
        if self._settings().capacity_errors_follow_rules and decide(job.request.rules, text) == "EXIT":
            self._end(job, "capacity refused", "the rules say EXIT", text)
            return
        limit_s = self._limit_s(job, capacity.NO_CAPACITY)
        if limit_s is not None and job.capacity_wait_ms >= limit_s * 1000:
            reason = time_limit(capacity.NO_CAPACITY)
            self._end(job, "capacity refused", "waited for as long as a time-limit action allows", reason)
            return
        job.failed_for_capacity = True
        self._release(job)
        self._change(job, "capacity refused", "", capacity.NO_CAPACITY)
        job.blocked_for = capacity.NO_CAPACITY
        self._tell(ServiceQueueBlocked(now, job.request.queue, job.id, capacity.NO_CAPACITY))
        self._enqueue(job, front=True)
        self._look_for(job)

    def _begin(self, job: ServiceJob) -> None:
        """STARTING → RUNNING; the timeout counts from here."""
        job.started_at_ms = job.attempts[-1].started_at_ms = self._now()
        self._change(job, "downloaded", "")
        said = job.request.tags.get("batchiac:duration")
        draw = None if said is None else parse_duration(said)
        duration = self._settings().training_ms
        if draw is not None:
            duration = draw(self._stream.rekey(1 << 42, job.serial, job.dispatches))
        limit = job.request.timeout_s
        timed_out = limit is not None and duration > limit * 1000
        self._later(job, limit * 1000 if limit is not None and timed_out else duration,
                    self._time_out if timed_out else self._finish)  # fmt: skip

    def _time_out(self, job: ServiceJob) -> None:
        """As other jobs, it "isn't retried"."""
        self._end(job, "ended", "Failed, no retry", TIMED_OUT)

    def _finish(self, job: ServiceJob) -> None:
        """RUNNING → SUCCEEDED, or what its retry strategy says."""
        failure = self._failure(job)
        if not failure:
            self._end(job, "ended", "Completed")
            return
        text = f"{RECEIVED}{failure}"
        if job.runs >= job.request.attempts or decide(job.request.rules, text) == "EXIT":
            self._end(job, "ended", "Failed, no retry", text)
            return
        attempt = job.attempts[-1]
        attempt.stopped_at_ms, attempt.status_reason = self._now(), text
        job.runs += 1
        self._release(job)
        self._change(job, "ended", "Failed, attempts left and the rules say RETRY", text)
        self._enqueue(job, front=True)
        self._look_for(job)

    def _end(self, job: ServiceJob, event: str, condition: str, reason: str = "") -> None:
        now = self._now()
        job.generation += 1
        if job.status in IN_PLACE:
            attempt = job.attempts[-1]
            if attempt.stopped_at_ms is None:
                attempt.stopped_at_ms, attempt.status_reason = now, reason
        self._release(job)
        job.preempting = ""
        job.stopped_at_ms = now
        self._change(job, event, condition, reason)
        self._look_for(job)

    def _release(self, job: ServiceJob) -> None:
        queue = self._queues.get(job.request.queue)
        if queue is not None:
            capacity.add(self._used.setdefault(queue.environment, {}), job.taken, -1)
            share = self._used_of_share.setdefault((queue.name, lane_of(queue, job)), {})
            capacity.add(share, job.taken_of_share, -1)
        self._in_place.get(job.request.queue, {}).pop(job.id, None)
        job.taken, job.taken_of_share = {}, {}

    # --- the order ---------------------------------------------------------------------------------------------------

    def _key(self, job: ServiceJob) -> tuple[int, int]:
        queue = self._queues.get(job.request.queue)
        return (0 if queue is None or queue.kind == "FIFO" else -job.priority, job.order)

    def _lane(self, job: ServiceJob) -> list[_Entry]:
        queue = self._queues.get(job.request.queue)
        return self._lanes.setdefault((job.request.queue, "" if queue is None else lane_of(queue, job)), [])

    def _head(self, queue: str, lane: str) -> ServiceJob | None:
        """The first that is RUNNABLE; entries of before a change of priority or state are dropped."""
        entries = self._lanes.get((queue, lane), [])
        while entries:
            *key, job = entries[0]
            if job.status == "RUNNABLE" and tuple(key) == self._key(job):
                return job
            heappop(entries)
        return None

    def _heads(self, queue: ServiceQueue) -> Iterable[ServiceJob]:
        """Who may be dispatched next: one job, or one a quota share, the longest waiting first."""
        heads = [
            job for name, lane in self._lanes if name == queue.name and (job := self._head(name, lane)) is not None
        ]
        if queue.kind == "FAIR_SHARE" and heads:
            return [min(heads, key=lambda job: (self._usage(queue, job), job.order))]
        return sorted(heads, key=lambda job: job.order)

    def _usage(self, queue: ServiceQueue, job: ServiceJob) -> float:
        identifier = job.request.share_identifier
        used = self._used_of_share.get((queue.name, identifier), {})
        return sum(used.values()) * weight_of(queue.weights, identifier)

    def _look_for(self, job: ServiceJob) -> None:
        queue = self._queues.get(job.request.queue)
        if queue is not None:
            self._look(queue.environment)

    def _look(self, environment: str) -> None:
        """Dispatch what can go: the queues of one environment by priority, each until its heads have to wait."""
        queues = [each for each in self._queues.values() if each.environment == environment]
        for queue in sorted(queues, key=lambda each: -each.priority):
            while queue.open and any(self._place(queue, job) for job in self._heads(queue)):
                pass

    def _place(self, queue: ServiceQueue, job: ServiceJob) -> bool:
        """Dispatch a head; False when it has to wait."""
        shares = {each.name: each for each in queue.shares}
        share = shares.get(job.request.quota_share) if queue.kind == "QUOTA" else None
        reason = capacity.find_reason(job.request, queue.environment_limits, share, queue.shares)
        if reason:
            self._block(job, reason)
            return False
        if job.blocked_for and job.blocked_for != capacity.NO_CAPACITY:
            job.blocked_for = job.status_reason = ""
        if job.ready_at_ms > self._now():
            return False
        needs = capacity.needs_in(queue.environment_limits, job.request.instances)
        of_share = needs if share is None else capacity.needs_in(share.limits, job.request.instances)
        used = self._used.get(queue.environment, {})
        if share is None:
            free = capacity.fits(queue.environment_limits, used, needs)
        else:
            by_share = self._by_share(queue)
            mine = by_share.get(share.name, {})
            own = capacity.is_own(share, mine, of_share)
            free = capacity.may_take(share, queue.shares, by_share, of_share) and capacity.fits(
                queue.environment_limits, used, needs
            )
            if own and capacity.is_lent_out(share, queue.shares, by_share, of_share):
                free = False
            if not free:
                self._preempt_for(queue, share, job, needs, of_share)
        if free:
            self._dispatch(job, needs, of_share)
        return free

    def _by_share(self, queue: ServiceQueue) -> dict[str, dict[str, int]]:
        return {each.name: self._used_of_share.get((queue.name, each.name), {}) for each in queue.shares}

    # --- blocked heads -----------------------------------------------------------------------------------------------

    def _block(self, job: ServiceJob, reason: str) -> None:
        if job.blocked_for == reason:
            return
        now = self._now()
        job.blocked_for = job.status_reason = reason
        self._tell(ServiceQueueBlocked(now, job.request.queue, job.id, reason))
        limit_s = self._limit_s(job, reason)
        if limit_s is not None:
            self._later(job, limit_s * 1000, partial(self._limit, reason=reason))

    def _limit_s(self, job: ServiceJob, reason: str) -> int | None:
        queue = self._queues.get(job.request.queue)
        matcher = reason.partition(" - ")[0]
        actions = () if queue is None else queue.time_limit_actions
        return next((each.max_time_s for each in actions if each.reason == matcher), None)

    def _limit(self, job: ServiceJob, reason: str) -> None:
        if job.status == "RUNNABLE" and job.blocked_for == reason:
            self._end(job, "time-limit action", "head of its queue and blocked for that long", time_limit(reason))

    # --- preemption --------------------------------------------------------------------------------------------------

    def _preempt_for(
        self, queue: ServiceQueue, share: QuotaShare, job: ServiceJob, needs: dict[str, int], of_share: dict[str, int]
    ) -> None:
        """Stop others for a job, where that makes room for it."""
        chosen, reason = choose_preempted(
            queue,
            share,
            job,
            self._in_place.get(queue.name, {}).values(),
            Usage(self._used.get(queue.environment, {}), self._by_share(queue)),
            Usage(needs, {share.name: of_share}),
        )
        for each in chosen:
            self._preempt(each, reason)

    def _preempt(self, job: ServiceJob, reason: str) -> None:
        job.preempting = reason
        job.status_reason = f"PREEMPTION_IN_PROGRESS: {reason}"
        self._tell(ServiceJobPreempted(self._now(), job.id, False, job.status, job.status_reason))
        self._later(job, self._settings().preemption_ms, self._preempted)

    def _preempted(self, job: ServiceJob) -> None:
        """ "re-queued as RUNNABLE without limit", or FAILED when preemptionRetriesBeforeTermination are used up."""
        reason, job.preempting = job.preempting, ""
        attempt = job.attempts.pop()
        attempt.stopped_at_ms, attempt.status_reason = self._now(), reason
        job.preempted = [*job.preempted, attempt][-RECENT_PREEMPTIONS:]
        job.preemptions += 1
        self._release(job)
        allowed = job.request.preemption_retries
        if allowed is not None and job.preemptions > allowed:
            job.generation += 1
            job.stopped_at_ms = self._now()
            self._change(job, "preempted", "no retry after a preemption is left", reason)
        else:
            self._change(job, "preempted", "retries after a preemption are left", reason)
            self._enqueue(job, front=True)
        self._tell(ServiceJobPreempted(self._now(), job.id, True, job.status, reason))
        self._look_for(job)
