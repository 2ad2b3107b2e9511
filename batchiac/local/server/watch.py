"""What the console shows of one account and region, kept up to date by the engine's effects.

Counting 100,000 jobs anew at each look would hold up the server; an effect costs a few additions. The timeline is
thinned when it grows: every second point goes, so that it has at most `MOST_POINTS` and keeps its shape.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from batchiac.engine.effects import Effect, InstanceChanged, JobStateChanged
from batchiac.model.job import JobStatus

MOST_POINTS = 2_000
_SUBMITTED = JobStatus.SUBMITTED.name
_RUNNING = JobStatus.RUNNING.name
_RUNNABLE = JobStatus.RUNNABLE.name


class Watch:
    """Listens to one engine. Args: batch: the `BatchBackend` of the account and region."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch
        self._jobs: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._vcpus_of: dict[str, int] = {}
        self._vcpus = self._running = self._waiting = 0
        self._points: list[tuple[int, int, int, int]] = []
        batch.engine.subscribe(self._see)

    def _see(self, effect: Effect) -> None:
        if isinstance(effect, JobStateChanged):
            previous, status = effect.previous, effect.status
            if ":" not in effect.job_id and "#" not in effect.job_id:
                counts = self._jobs[effect.queue]
                counts[status] += 1
                if previous != _SUBMITTED:
                    counts[previous] -= 1
            self._running += (status == _RUNNING) - (previous == _RUNNING)
            self._waiting += (status == _RUNNABLE) - (previous == _RUNNABLE)
        elif isinstance(effect, InstanceChanged):
            if effect.status == "TERMINATED":
                self._vcpus -= self._vcpus_of.pop(effect.instance_id, 0)
            elif effect.instance_id not in self._vcpus_of:
                instance = self._batch.engine.find_instance(effect.instance_id)
                self._vcpus_of[effect.instance_id] = instance.vcpus if instance is not None else 0
                self._vcpus += self._vcpus_of[effect.instance_id]
        else:
            return
        point = (effect.at_ms, self._vcpus, self._running, self._waiting)
        if self._points and self._points[-1][0] == effect.at_ms:
            self._points[-1] = point
        else:
            self._points.append(point)
            if len(self._points) > MOST_POINTS:
                del self._points[1:-1:2]

    def timeline(self) -> dict[str, Any]:
        """`{"points": [{"at": ms, "vcpus", "running", "waiting"}]}`, oldest first, ending at the present."""
        points = list(self._points)
        if points:
            points.append((self._batch.engine.now_ms, *points[-1][1:]))
        names = ("at", "vcpus", "running", "waiting")
        return {"points": [dict(zip(names, point, strict=True)) for point in points]}

    def environments(self) -> list[dict[str, Any]]:
        """One dictionary an environment, oldest first; `maxvCpus` is None for an UNMANAGED one."""
        found = []
        for view in self._batch.engine.environments():
            resources = view.spec.resources
            found.append(
                {
                    "name": view.name,
                    "type": "UNMANAGED" if resources is None else resources.type,
                    "state": view.spec.state,
                    "status": view.status,
                    "statusReason": view.status_reason,
                    "minvCpus": None if resources is None else resources.min_vcpus,
                    "maxvCpus": None if resources is None else resources.max_vcpus,
                    "vcpus": view.desired_vcpus,
                    "instances": view.instances,
                }
            )
        return found

    def queues(self) -> list[dict[str, Any]]:
        """One dictionary a queue, oldest first; `jobs` counts jobs by status, arrays once."""
        found = []
        for view in self._batch.engine.queues():
            record = self._batch.queues.find(view.name)
            counts = {status: number for status, number in self._jobs[view.name].items() if number > 0}
            waiting = (len(self._batch.jobs_of(record)) if record is not None else 0) - sum(counts.values())
            if waiting > 0:
                counts[_SUBMITTED] = waiting
            found.append(
                {
                    "name": view.name,
                    "priority": view.spec.priority,
                    "state": view.spec.state,
                    "status": view.status,
                    "jobs": counts,
                    "blocked": view.blocked_reason,
                }
            )
        return found
