"""What the console shows of one account and region, kept up to date by the engine's effects.

Counting 100,000 jobs anew at each look would hold up the server; an effect costs a few additions. All that is kept has
a fixed size, but for the counts, which have one number a queue and state.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from attrs import define, field

from batchiac.engine.effects import (
    Effect,
    EnvironmentStatusChanged,
    InstanceChanged,
    JobStateChanged,
    QueueStatusChanged,
)
from batchiac.engine.views import EnvironmentView
from batchiac.local.server.series import Series
from batchiac.model.job import JobStatus

MOST_LIVES = 100_000
"""The jobs that changed last, whose ways are kept step by step."""
MOST_INSTANCES = 200
"""Shown of one environment, the youngest."""
MOST_SHOWN = 400
SPARK_POINTS = 60
_SUBMITTED = JobStatus.SUBMITTED.name
_PENDING = JobStatus.PENDING.name
_RUNNING = JobStatus.RUNNING.name
_RUNNABLE = JobStatus.RUNNABLE.name
_PLACED = frozenset((JobStatus.STARTING.name, _RUNNING))


@define
class _Scale:
    """One environment's vCPUs as they were. `by_task`: Fargate, where there are no instances to tell of a change."""

    by_task: bool = False
    vcpus: int = 0
    series: Series = field(factory=lambda: Series("vcpus", "min", "max"))


class Watch:
    """Listens to one engine. Args: batch: the `BatchBackend` of the account and region."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch
        self._jobs: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._parts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._vcpus = self._running = self._waiting = 0
        self._vcpus_of: dict[str, int] = {}
        self._scales: dict[str, _Scale] = {}
        self._series = Series("vcpus", "running", "waiting")
        self._tasks = False
        self._lives: dict[str, list[tuple[int, str, str, int]]] = {}
        batch.engine.subscribe(self._see)

    # --- listening ----------------------------------------------------------------------------------------------------

    def _see(self, effect: Effect) -> None:
        if isinstance(effect, JobStateChanged):
            self._job(effect)
        elif isinstance(effect, InstanceChanged):
            self._instance(effect)
        elif isinstance(effect, EnvironmentStatusChanged):
            if effect.status == "DELETED":
                self._scales.pop(effect.environment, None)
            else:
                self._scaled(effect.environment, effect.at_ms)
        else:
            if isinstance(effect, QueueStatusChanged) and effect.status == "DELETED":
                # A queue that is made under this name later is another one.
                self._jobs.pop(effect.queue, None)
                self._parts.pop(effect.queue, None)
            return
        self._series.add(effect.at_ms, self._vcpus, self._running, self._waiting)

    def _job(self, effect: JobStateChanged) -> None:
        job_id, previous, status = effect.job_id, effect.previous, effect.status
        node = "#" in job_id
        counts = (self._parts if node or ":" in job_id else self._jobs)[effect.queue]
        # The submission is no effect; nor is that a node is PENDING.
        if not (node and status == _PENDING):
            counts[status] += 1
        if previous != _SUBMITTED and not (node and previous == _PENDING):
            counts[previous] -= 1
        if not node:
            self._running += (status == _RUNNING) - (previous == _RUNNING)
            self._waiting += (status == _RUNNABLE) - (previous == _RUNNABLE)
        if self._tasks and (status in _PLACED) != (previous in _PLACED):
            for name, scale in self._scales.items():
                if scale.by_task:
                    self._scaled(name, effect.at_ms)
        life = self._lives.pop(job_id, None)
        if life is None:
            life = []
            if len(self._lives) >= MOST_LIVES:
                del self._lives[next(iter(self._lives))]
        life.append((effect.at_ms, status, effect.status_reason, effect.attempt))
        self._lives[job_id] = life

    def _instance(self, effect: InstanceChanged) -> None:
        # Counted here, because an effect is told before the engine has summed up anew.
        change = 0
        if effect.status == "TERMINATED":
            change = -self._vcpus_of.pop(effect.instance_id, 0)
        elif effect.instance_id not in self._vcpus_of:
            instance = self._batch.engine.find_instance(effect.instance_id)
            change = self._vcpus_of[effect.instance_id] = instance.vcpus if instance is not None else 0
        if change:
            self._scaled(effect.environment, effect.at_ms, change)

    def _scaled(self, name: str, at_ms: int, change: int = 0) -> None:
        scale = self._scales.get(name)
        view = self._batch.engine.find_environment(name)
        if view is None:
            self._vcpus += change
            return
        resources = view.spec.resources
        if scale is None:
            scale = self._scales[name] = _Scale(resources is not None and resources.type.startswith("FARGATE"))
            self._tasks = self._tasks or scale.by_task
        if scale.by_task:
            change = view.desired_vcpus - scale.vcpus
        scale.vcpus += change
        self._vcpus += change
        floor, ceiling = (0, 0) if resources is None else (resources.min_vcpus, resources.max_vcpus)
        scale.series.add(at_ms, scale.vcpus, floor, ceiling)

    # --- telling ------------------------------------------------------------------------------------------------------

    def timeline(self) -> dict[str, Any]:
        """`{"at": [ms, …], "vcpus": […], "running": […], "waiting": […]}`, oldest first, ending at the present."""
        return self._series.columns(self._batch.engine.now_ms, MOST_SHOWN)

    def history(self, job_id: str) -> list[dict[str, Any]]:
        """A job's steps, oldest first; none of one that has not changed for long, while many others have."""
        return [
            {"at": at_ms, "status": status, "reason": reason, "attempt": attempt}
            for at_ms, status, reason, attempt in self._lives.get(job_id, ())
        ]

    def environment(self, name: str) -> dict[str, Any] | None:
        """One environment with its timeline and its youngest instances; None where there is none."""
        view = self._batch.engine.find_environment(name)
        if view is None:
            return None
        instances = list(self._batch.engine.instances(name))
        instances.sort(key=lambda each: -each.launched_at_ms)
        return {
            **self._environment(view, MOST_SHOWN),
            "list": [
                {
                    "id": each.id,
                    "type": each.instance_type,
                    "status": each.status,
                    "spot": each.spot,
                    "vcpus": each.vcpus,
                    "freeVcpus": each.free_vcpus,
                    "memory": each.memory_mib,
                    "freeMemory": each.free_memory_mib,
                    "jobs": each.running,
                    "launchedAt": each.launched_at_ms,
                }
                for each in instances[:MOST_INSTANCES]
            ],
        }

    def environments(self) -> list[dict[str, Any]]:
        """One dictionary an environment, oldest first; `maxvCpus` is None for an UNMANAGED one."""
        return [self._environment(view, SPARK_POINTS) for view in self._batch.engine.environments()]

    def _environment(self, view: EnvironmentView, most: int) -> dict[str, Any]:
        resources = view.spec.resources
        scale = self._scales.get(view.name)
        return {
            "name": view.name,
            "type": "UNMANAGED" if resources is None else resources.type,
            "state": view.spec.state,
            "status": view.status,
            "statusReason": view.status_reason,
            "minvCpus": None if resources is None else resources.min_vcpus,
            "maxvCpus": None if resources is None else resources.max_vcpus,
            "vcpus": view.desired_vcpus,
            "instances": view.instances,
            "timeline": (scale or _Scale()).series.columns(self._batch.engine.now_ms, most),
        }

    def queues(self) -> list[dict[str, Any]]:
        """One dictionary a queue, oldest first; `jobs` counts jobs by status, an array once, `parts` its children."""
        found = []
        for view in self._batch.engine.queues():
            record = self._batch.queues.find(view.name)
            counts = _positive(self._jobs[view.name])
            waiting = (len(self._batch.jobs_of(record)) if record is not None else 0) - sum(counts.values())
            if waiting > 0:
                counts[_SUBMITTED] = waiting
            found.append(
                {
                    "name": view.name,
                    "priority": view.spec.priority,
                    "state": view.spec.state,
                    "status": view.status,
                    "statusReason": view.status_reason,
                    "jobs": counts,
                    "parts": _positive(self._parts[view.name]),
                    "blocked": view.blocked_reason,
                    "blockedJob": view.blocked_job_id,
                }
            )
        return found


def _positive(counts: Counter[str]) -> dict[str, int]:
    return {status: number for status, number in counts.items() if number > 0}
