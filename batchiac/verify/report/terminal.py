"""The summary on a terminal, and the same as plain lines where there is none."""

from __future__ import annotations

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from batchiac.verify.measure import Measures
from batchiac.verify.report import words
from batchiac.verify.report.json import thin_use
from batchiac.verify.trace import Run

_SHADES = " ▁▂▃▄▅▆▇█"
_ROWS_SHOWN = 10


def print_run(console: Console, run: Run, measures: Measures) -> None:
    """Print the summary: what happened, how long, how much, then what failed and what is stuck."""
    style = "green" if measures.all_succeeded else "red"
    body: list[RenderableType] = [_facts(run, measures)]
    if measures.use:
        body += [Text(), _use(measures, run, max(20, min(72, console.width - 38)))]
    console.print(
        Panel(
            Group(*body),
            title=Text(words.headline(measures), style=f"bold {style}"),
            subtitle=Text(f"{run.workload.name} on {run.stack}, seed {run.seed}", style="dim"),
            border_style=style,
            box=box.ROUNDED,
            padding=(1, 2),
        )
    )
    console.print(_groups(measures))
    if measures.instances:
        console.print(_instances(measures))
    for title, rows in _troubles(run, measures):
        console.print(_trouble(title, rows))
    console.print(Text("Notes", style="bold"))
    listed = Table.grid(padding=(0, 1))
    for note in words.notes(run, measures.cost):
        listed.add_row(Text("•", style="dim"), Text(note, style="dim"))
    console.print(listed)


def _facts(run: Run, measures: Measures) -> Table:
    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    wait = measures.queue_wait_s
    rows = [
        ("jobs", _jobs(run, measures)),
        ("makespan", Text(words.seconds(measures.makespan_s), style="bold")),
        ("no schedule beats", Text(words.against_bounds(run, measures))),
        (
            "queue wait",
            Text(
                f"p50 {words.seconds(wait.p50)}, p95 {words.seconds(wait.p95)}, longest {words.seconds(wait.longest)}"
            ),
        ),
        (
            "instances",
            Text(
                f"{measures.instances_started:,} started, {words.number(measures.instance_hours)} hours,"
                f" {words.utilisation(measures)} of their vCPU time used"
            ),
        ),
        ("cost", _cost(measures)),
    ]
    if run.workload.measured_makespan_s is not None:
        rows.insert(3, ("its authors measured", Text(words.seconds(run.workload.measured_makespan_s))))
    for name, value in rows:
        table.add_row(name, value)
    return table


def _jobs(run: Run, measures: Measures) -> Text:
    text = Text(f"{words.count(measures.submitted, 'job')} of {words.count(len(run.workload.tasks), 'task')}")
    for number, noun, style in (
        (measures.succeeded, "succeeded", "green"),
        (measures.failed, "failed", "red"),
        (measures.stuck_jobs, "stuck", "yellow"),
        (measures.not_submitted, "never submitted", "yellow"),
        (measures.retries, "retried attempts" if measures.retries != 1 else "retried attempt", "yellow"),
    ):
        if number:
            text.append(", ").append(f"{number:,} {noun}", style=style)
    return text


def _cost(measures: Measures) -> Text:
    cost = measures.cost
    text = Text(words.dollars(cost.usd), style="bold")
    if cost.usd is None:
        return text.append(f" for {', '.join(cost.unpriced)}", style="yellow")
    return text.append(f"  ({words.price_day(cost)})", style="dim")


def _use(measures: Measures, run: Run, width: int) -> Table:
    """Two rows of blocks over one time axis: what jobs used, and what instances were there."""
    end_s = max(measures.makespan_s, measures.use[-1].at_s)
    most = max(measures.peak_instance_vcpus, measures.peak_used_vcpus, 1)
    used, there = [0.0] * width, [0.0] * width
    points = thin_use(measures.use, width * 50)
    for point, following in zip(points, [*points[1:], None], strict=True):
        stop_s = following.at_s if following else end_s
        first = int(point.at_s / end_s * width) if end_s else 0
        last = int(stop_s / end_s * width) if end_s else 0
        for cell in range(min(first, width - 1), min(max(last, first + 1), width)):
            used[cell] = max(used[cell], point.used_vcpus)
            there[cell] = max(there[cell], point.instance_vcpus)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(style="dim", no_wrap=True)
    limit = f" of {run.max_vcpus:,}" if run.max_vcpus else ""
    table.add_row("vCPUs used", Text(_blocks(used, most), style="cyan"), words.number(measures.peak_used_vcpus))
    if measures.peak_instance_vcpus:
        table.add_row(
            "instances'", Text(_blocks(there, most), style="blue"), f"{measures.peak_instance_vcpus:,}{limit}"
        )
    table.add_row("", Text(f"0{words.seconds(end_s):>{width - 1}}", style="dim"), "")
    return table


def _blocks(values: list[float], most: float) -> str:
    # A value above 0 is never drawn as nothing.
    return "".join(_SHADES[max(1, round(value / most * 8)) if value > 0 else 0] for value in values)


def _groups(measures: Measures) -> Table:
    table = Table(
        title="Tasks by kind, most vCPU time first", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    table.add_column("kind", overflow="fold", ratio=1)
    failed = measures.failed > 0
    for name in ("jobs", *(["failed"] if failed else []), "run p50", "p95", "wait p50", "p95", "vCPU time"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in measures.groups[:_ROWS_SHOWN]:
        table.add_row(
            each.group,
            f"{each.jobs:,}",
            *([Text(f"{each.failed:,}", style="red" if each.failed else "dim")] if failed else []),
            words.short(each.run_s.p50),
            words.short(each.run_s.p95),
            words.short(each.wait_s.p50),
            words.short(each.wait_s.p95),
            words.short(each.vcpu_seconds),
        )
    if len(measures.groups) > _ROWS_SHOWN:
        table.caption = f"and {len(measures.groups) - _ROWS_SHOWN} kinds more (--json and --html have all)"
        table.caption_justify = "left"
    return table


def _instances(measures: Measures) -> Table:
    table = Table(title="Instances", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("type", no_wrap=True)
    table.add_column("environment", overflow="fold")
    table.add_column("market", no_wrap=True)
    for name in ("started", "hours", "$ an hour", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in measures.instances[:_ROWS_SHOWN]:
        table.add_row(
            each.instance_type,
            each.environment,
            "Spot" if each.spot else "On-Demand",
            f"{each.started:,}",
            words.number(each.hours),
            "no price"
            if each.usd_per_hour is None
            else f"{'~' if each.price_is_assumed else ''}{each.usd_per_hour:.4f}",
            words.dollars(each.usd),
        )
    return table


def _troubles(run: Run, measures: Measures) -> list[tuple[str, list[tuple[str, str]]]]:
    tables = []
    if measures.failures:
        tables.append(
            (
                f"Failed: {words.count(measures.failed, 'job')}",
                [(f"{each.task}  {each.job_id}", each.reason) for each in measures.failures],
            )
        )
    if measures.stuck:
        rows = [
            (each.job + (f" ({each.jobs:,} jobs)" if each.jobs > 1 else ""), each.reason) for each in measures.stuck
        ]
        tables.append((f"Stuck: {words.count(measures.stuck_jobs, 'job')}", rows))
    if run.not_submitted:
        tables.append(
            (f"Never submitted: {words.count(len(run.not_submitted), 'task')}", list(run.not_submitted.items()))
        )
    return tables


def _trouble(title: str, rows: list[tuple[str, str]]) -> Table:
    table = Table(title=Text(title, style="bold red"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("job", overflow="fold", ratio=2)
    table.add_column("why", overflow="fold", ratio=3)
    for job, reason in rows[:_ROWS_SHOWN]:
        table.add_row(job, reason or "AWS gives no reason")
    if len(rows) > _ROWS_SHOWN:
        table.caption = f"and {len(rows) - _ROWS_SHOWN} more (--json has all)"
        table.caption_justify = "left"
    return table
