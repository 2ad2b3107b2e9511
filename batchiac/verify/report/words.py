"""How reports write numbers, and the sentences that the terminal and the page share."""

from __future__ import annotations

from batchiac.verify.measure import Cost, Measures
from batchiac.verify.trace import Run


def seconds(value: float | None) -> str:
    """`0.4 s`, `59 s`, `12 min 05 s`, `3 h 07 min`, `2 d 04 h`; a dash for None."""
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 172_800:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600:02} h"


def short(value: float | None) -> str:
    """The same for narrow columns: `0.4s`, `1m05s`, `3h07m`, `2d04h`; a dash for None."""
    return seconds(value).replace(" min", "m").replace(" ", "")


def dollars(value: float | None) -> str:
    """`$0.0123`, `$1.23`, `$1,234.50`; `no price` for None."""
    if value is None:
        return "no price"
    return f"${value:,.4f}" if 0 < value < 0.1 else f"${value:,.2f}"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 job`, `2 jobs`, `1,200 jobs`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def number(value: float) -> str:
    """`1,234` or `0.25`: as many places as it needs, two at most."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def price_day(cost: Cost) -> str:
    """`list prices of 2026-07-20, Spot assumed`."""
    return f"list prices of {cost.price_date or 'an unknown date'}{', Spot assumed' if cost.assumption else ''}"


def cost_source(cost: Cost) -> str:
    """Where the prices are from, what is assumed, and what has none."""
    parts = [f"prices of {cost.price_date or 'an unknown date'}: {cost.price_source}"]
    if cost.assumption:
        parts.append(f"Assumption: {cost.assumption}")
    if cost.unpriced:
        parts.append(
            f"no price for {', '.join(cost.unpriced)}, so there is no total; the rest comes to"
            f" {dollars(cost.usd_of_priced)}"
        )
    return "; ".join(parts)


def notes(run: Run, cost: Cost) -> list[str]:
    """What a reader of the numbers has to know, a sentence each."""
    told = [*run.workload.assumptions, *run.plan.notes]
    if run.kept_scaling:
        told.append(
            "stuck jobs keep an environment starting and stopping instances for ever: instances and cost are counted"
            f" until the last job changed, {seconds(run.ended_at_s)} after the first submission"
        )
    return [*told, cost_source(cost)]


def headline(measures: Measures) -> str:
    """The result in one sentence."""
    jobs = count(measures.submitted, "job")
    if measures.all_succeeded:
        subject = "The only job" if measures.submitted == 1 else f"All {jobs}"
        return f"{subject} succeeded in {seconds(measures.makespan_s)}"
    parts = [f"{measures.succeeded:,} of {jobs} succeeded"]
    if measures.failed:
        parts.append(f"{measures.failed:,} failed")
    if measures.stuck_jobs:
        parts.append(f"{measures.stuck_jobs:,} {'is' if measures.stuck_jobs == 1 else 'are'} stuck")
    if measures.not_submitted:
        parts.append(f"{count(measures.not_submitted, 'task')} never submitted")
    return ", ".join(parts)


def against_bounds(run: Run, measures: Measures) -> str:
    """How far the makespan is from what no schedule can beat."""
    bounds = measures.bounds
    path = f"critical path {short(bounds.critical_path_s)}"
    if bounds.work_s is None:
        return path
    work = f"work ÷ {run.max_vcpus:,} vCPUs {short(bounds.work_s)}"
    if not measures.all_succeeded or bounds.highest_s <= 0:
        return f"{path}, {work}"
    return f"{path}, {work}; took {measures.makespan_s / bounds.highest_s:,.1f} times the higher"


def utilisation(measures: Measures) -> str:
    """vCPU-seconds used ÷ vCPU-seconds of instances."""
    return "–" if measures.utilisation is None else f"{measures.utilisation:.0%}"
