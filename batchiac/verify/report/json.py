"""`verify --json`: the names that DESIGN fixes, and more beside them. One run has one text: keys stand in order."""

from __future__ import annotations

from typing import Any

from attrs import asdict

from batchiac.verify.measure import Measures, UsePoint
from batchiac.verify.report import words
from batchiac.verify.trace import Run

MOST_USE_POINTS = 500
"""A million jobs change the use two million times; a reader plots a few hundred points."""


def run_as_json(run: Run, measures: Measures) -> dict[str, Any]:
    """The run as a JSON value. Seconds are rounded to the millisecond, the engine's own step."""
    return {
        "workload": {
            "name": run.workload.name,
            "format": run.workload.format,
            "tasks": len(run.workload.tasks),
            "measured_makespan_s": run.workload.measured_makespan_s,
            "assumptions": list(run.workload.assumptions),
        },
        "stack": run.stack,
        "region": run.region,
        "seed": run.seed,
        "jobs": {
            "submitted": measures.submitted,
            "succeeded": measures.succeeded,
            "failed": measures.failed,
            "stuck": measures.stuck_jobs,
            "not_submitted": measures.not_submitted,
            "retries": measures.retries,
        },
        "makespan_s": _ms(measures.makespan_s),
        "bounds": {
            "critical_path_s": _ms(measures.bounds.critical_path_s),
            "work_s": _ms(measures.bounds.work_s),
            "max_vcpus": run.max_vcpus,
        },
        "queue_wait_s": {
            "p50": _ms(measures.queue_wait_s.p50),
            "p95": _ms(measures.queue_wait_s.p95),
            "longest": _ms(measures.queue_wait_s.longest),
        },
        "vcpu_seconds": _ms(measures.vcpu_seconds),
        "peak_vcpus": {"used": measures.peak_used_vcpus, "instances": measures.peak_instance_vcpus},
        "utilisation": None if measures.utilisation is None else round(measures.utilisation, 4),
        "instances_started": measures.instances_started,
        "instance_hours": round(measures.instance_hours, 4),
        "instances": [
            {
                **asdict(each),
                "hours": round(each.hours, 4),
                "vcpu_hours": round(each.vcpu_hours, 4),
                "usd": None if each.usd is None else round(each.usd, 6),
            }
            for each in measures.instances
        ],
        "cost": {
            "usd": None if measures.cost.usd is None else round(measures.cost.usd, 6),
            "price_source": measures.cost.price_source,
            "price_date": measures.cost.price_date,
            "unpriced": list(measures.cost.unpriced),
            "assumption": measures.cost.assumption,
        },
        "stuck": [{"job": each.job, "reason": each.reason, "jobs": each.jobs} for each in measures.stuck],
        "failed": [
            {"job": each.job_id, "task": each.task, "reason": each.reason, "attempts": len(each.attempts)}
            for each in measures.failures
        ],
        "not_submitted": [{"task": task, "reason": reason} for task, reason in run.not_submitted.items()],
        "dependencies": {"held": list(run.plan.held), "joined": list(run.plan.joined)},
        "kept_scaling": run.kept_scaling,
        "notes": words.notes(run, measures.cost),
        "groups": [
            {
                "group": each.group,
                "jobs": each.jobs,
                "failed": each.failed,
                "retried": each.retried,
                "vcpu_seconds": _ms(each.vcpu_seconds),
                "run_s": {"p50": _ms(each.run_s.p50), "p95": _ms(each.run_s.p95)},
                "queue_wait_s": {"p50": _ms(each.wait_s.p50), "p95": _ms(each.wait_s.p95)},
            }
            for each in measures.groups
        ],
        "vcpu_use": [
            [_ms(each.at_s), each.used_vcpus, each.instance_vcpus] for each in thin_use(measures.use, MOST_USE_POINTS)
        ],
    }


def thin_use(use: tuple[UsePoint, ...], most: int) -> tuple[UsePoint, ...]:
    """At most `most` points: of each stretch of time the one with the highest use, so that no peak is lost."""
    if len(use) <= most:
        return use
    first_s, last_s = use[0].at_s, use[-1].at_s
    highest: dict[int, UsePoint] = {}
    for point in use[1:-1]:
        stretch = int((point.at_s - first_s) / (last_s - first_s) * (most - 2))
        if stretch not in highest or point.used_vcpus > highest[stretch].used_vcpus:
            highest[stretch] = point
    return (use[0], *highest.values(), use[-1])


def _ms(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
