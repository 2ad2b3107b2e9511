"""What a run came to: how long, how much, what waited, what failed. Pure: a `Run` and prices in, values out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

from attrs import frozen

from batchiac.model.price import MINIMUM_BILLED_S, PriceTable
from batchiac.verify.destination import logical_name
from batchiac.verify.trace import ENDED, InstanceRun, JobRun, Run, Stuck


@frozen
class Quantiles:
    """p50 and p95 by the nearest rank, so that each is a wait that a job really had; None where none was measured."""

    p50: float | None
    p95: float | None
    longest: float | None


@frozen
class Bounds:
    """What no schedule can beat, seconds; `work_s` is None where the environments have no limit.

    Attributes:
        critical_path_s: the longest chain of dependent jobs, by what each ran.
        work_s: vCPU-seconds ÷ the most vCPUs that jobs can have. AWS may go over maxvCpus by one instance an
            environment ("except BEST_FIT"); a run that did can beat this by as much.
    """

    critical_path_s: float
    work_s: float | None

    @property
    def highest_s(self) -> float:
        """The one that binds."""
        return max(self.critical_path_s, self.work_s or 0.0)


@frozen
class InstanceUse:
    """All instances of one type, environment and market.

    Attributes:
        hours: from launch to termination, or to the end of the run.
        usd_per_hour: None when no price is known.
        usd: None likewise; each instance is billed for 60 s at least.
        price_is_assumed: True for a Spot price that is a share of On-Demand.
    """

    instance_type: str
    environment: str
    spot: bool
    started: int
    hours: float
    vcpu_hours: float
    usd_per_hour: float | None
    usd: float | None
    price_is_assumed: bool


@frozen
class Cost:
    """`usd` is None when any instance type has no price: a sum of the others would pass for the whole."""

    usd: float | None
    usd_of_priced: float
    unpriced: tuple[str, ...]
    price_source: str
    price_date: str
    assumption: str = ""


@frozen
class GroupUse:
    """All jobs of one group."""

    group: str
    jobs: int
    failed: int
    retried: int
    vcpu_seconds: float
    run_s: Quantiles
    wait_s: Quantiles
    first_start_s: float | None
    last_stop_s: float | None


@frozen
class UsePoint:
    """From `at_s` on, until the next point: vCPUs that jobs had, and vCPUs of instances that were up or starting."""

    at_s: float
    used_vcpus: float
    instance_vcpus: int


@frozen
class Measures:
    """Everything that a report shows; lists are in the order in which they are shown."""

    submitted: int
    succeeded: int
    failed: int
    stuck_jobs: int
    not_submitted: int
    makespan_s: float
    bounds: Bounds
    queue_wait_s: Quantiles
    vcpu_seconds: float
    retries: int
    use: tuple[UsePoint, ...]
    peak_used_vcpus: float
    peak_instance_vcpus: int
    utilisation: float | None
    instances_started: int
    instance_hours: float
    instances: tuple[InstanceUse, ...]
    cost: Cost
    groups: tuple[GroupUse, ...]
    failures: tuple[JobRun, ...]
    stuck: tuple[Stuck, ...]

    @property
    def all_succeeded(self) -> bool:
        """True when every job of the workload ended well."""
        return self.failed == self.stuck_jobs == self.not_submitted == 0


def measure(run: Run, prices: PriceTable) -> Measures:
    """The measures of one run."""
    jobs = run.jobs
    # Joins are ours, not the workload's: they use capacity, and so stand in the use, but are no jobs of the user.
    own = [job for job in jobs if job.group != "join"]
    stops = [job.stopped_at_s for job in jobs if job.stopped_at_s is not None]
    makespan_s = max(stops, default=0.0)
    use = vcpu_use(jobs, run.instances)
    instances = instance_use(run, prices)
    vcpu_seconds = sum(job.vcpu_seconds for job in jobs)
    held_vcpu_s = sum(each.vcpu_hours for each in instances) * 3600
    return Measures(
        submitted=len(own),
        succeeded=sum(job.status == "SUCCEEDED" for job in own),
        failed=sum(job.status == "FAILED" for job in own),
        stuck_jobs=sum(job.status not in ENDED for job in own),
        not_submitted=len(run.not_submitted),
        makespan_s=makespan_s,
        bounds=find_bounds(run),
        queue_wait_s=quantiles(job.wait_s for job in own),
        vcpu_seconds=vcpu_seconds,
        retries=sum(max(0, len(job.attempts) - 1) for job in own),
        use=use,
        peak_used_vcpus=max((each.used_vcpus for each in use), default=0.0),
        peak_instance_vcpus=max((each.instance_vcpus for each in use), default=0),
        utilisation=vcpu_seconds / held_vcpu_s if held_vcpu_s else None,
        instances_started=len(run.instances),
        instance_hours=sum(each.hours for each in instances),
        instances=instances,
        cost=total_cost(run, instances, prices),
        groups=tuple(group_use(own)),
        failures=tuple(sorted((job for job in own if job.status == "FAILED"), key=lambda job: job.stopped_at_s or 0)),
        stuck=run.stuck,
    )


def find_bounds(run: Run) -> Bounds:
    """The critical path and the work bound, by what each job really ran, attempts that failed included."""
    ran: dict[str, list[float]] = {}
    for job in run.jobs:
        ran.setdefault(job.task, []).append(sum(each.stopped_at_s - each.started_at_s for each in job.attempts))
    # The end of each child of each task, were there capacity without end.
    ends: dict[str, list[float]] = {}
    for task in run.workload.tasks:
        ready = [task.submit_at_s] * task.jobs
        for dependency in task.depends_on:
            parent = ends[dependency.task]
            for child in range(task.jobs):
                paired = dependency.kind == "N_TO_N" and child < len(parent)
                ready[child] = max(ready[child], parent[child] if paired else max(parent))
        times = ran.get(task.name, [0.0] * task.jobs)
        steps = itertools.accumulate(times) if task.sequential else times
        ends[task.name] = [begin + step for begin, step in zip(ready, steps, strict=True)]
    path_s = max((max(each) for each in ends.values()), default=0.0)
    work = sum(job.vcpu_seconds for job in run.jobs)
    return Bounds(path_s, work / run.max_vcpus if run.max_vcpus else None)


def quantiles(values: Iterable[float | None]) -> Quantiles:
    """p50, p95 and the largest of those values that are not None."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return Quantiles(None, None, None)

    def rank(share: float) -> float:
        return known[max(0, math.ceil(share * len(known)) - 1)]

    return Quantiles(rank(0.5), rank(0.95), known[-1])


def vcpu_use(jobs: Sequence[JobRun], instances: Sequence[InstanceRun]) -> tuple[UsePoint, ...]:
    """The steps of vCPUs used and of vCPUs there, one point a moment at which either changes."""
    changes: list[tuple[float, float, int]] = []
    for job in jobs:
        for attempt in job.attempts:
            changes += [(attempt.started_at_s, job.vcpus, 0), (attempt.stopped_at_s, -job.vcpus, 0)]
    for instance in instances:
        changes.append((instance.launched_at_s, 0.0, instance.vcpus))
        if instance.terminated_at_s is not None:
            changes.append((instance.terminated_at_s, 0.0, -instance.vcpus))
    points: list[UsePoint] = []
    used, there = 0.0, 0
    for at_s, group in itertools.groupby(sorted(changes), key=lambda change: change[0]):
        for _, more_used, more_there in group:
            used += more_used
            there += more_there
        # Quarters of a vCPU add up without error in binary; anything below is a rounding of a sum that is 0.
        points.append(UsePoint(at_s, round(used, 6), there))
    return tuple(points)


def instance_use(run: Run, prices: PriceTable) -> tuple[InstanceUse, ...]:
    """Instances by type, environment and market, the most hours first."""
    groups: dict[tuple[str, str, bool], list[InstanceRun]] = {}
    for each in run.instances:
        groups.setdefault((each.instance_type, logical_name(each.environment), each.spot), []).append(each)
    rows = []
    for (instance_type, environment, spot), members in groups.items():
        seconds = [
            (each.terminated_at_s if each.terminated_at_s is not None else max(run.ended_at_s, each.launched_at_s))
            - each.launched_at_s
            for each in members
        ]
        hours = sum(seconds) / 3600
        price = prices.find_usd_per_hour(run.region, instance_type, spot=spot)
        billed_hours = sum(max(MINIMUM_BILLED_S, each) for each in seconds) / 3600
        rows.append(
            InstanceUse(
                instance_type=instance_type,
                environment=environment,
                spot=spot,
                started=len(members),
                hours=hours,
                vcpu_hours=hours * members[0].vcpus,
                usd_per_hour=price,
                usd=None if price is None else price * billed_hours,
                price_is_assumed=spot and prices.spot_is_assumed(run.region, instance_type),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.hours, row.instance_type, row.environment, row.spot)))


def total_cost(run: Run, instances: Sequence[InstanceUse], prices: PriceTable) -> Cost:
    """What the instances cost; storage and traffic are not in it. Fargate has no instances, and no price here."""
    unpriced = sorted({each.instance_type for each in instances if each.usd is None})
    used = {name for queue in run.plan.queues for name in queue.environments}
    if any(run.environments[name].fargate for name in used if name in run.environments):
        unpriced.append("Fargate")
    known = sum(each.usd for each in instances if each.usd is not None)
    assumption = ""
    if any(each.price_is_assumed for each in instances):
        assumption = f"Spot is taken to cost {prices.spot_share:.0%} of On-Demand in {run.region}"
    return Cost(None if unpriced else known, known, tuple(unpriced), prices.source, prices.date, assumption)


def group_use(jobs: Sequence[JobRun]) -> list[GroupUse]:
    """Jobs by group, the group that used most first."""
    groups: dict[str, list[JobRun]] = {}
    for job in jobs:
        groups.setdefault(job.group, []).append(job)
    rows = [
        GroupUse(
            group=group,
            jobs=len(members),
            failed=sum(job.status == "FAILED" for job in members),
            retried=sum(len(job.attempts) > 1 for job in members),
            vcpu_seconds=sum(job.vcpu_seconds for job in members),
            run_s=quantiles(each.stopped_at_s - each.started_at_s for job in members for each in job.attempts),
            wait_s=quantiles(job.wait_s for job in members),
            first_start_s=min((job.started_at_s for job in members if job.started_at_s is not None), default=None),
            last_stop_s=max((job.stopped_at_s for job in members if job.stopped_at_s is not None), default=None),
        )
        for group, members in groups.items()
    ]
    return sorted(rows, key=lambda row: (-row.vcpu_seconds, row.group))
