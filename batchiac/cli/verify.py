"""`batchiac verify`: a workload on the stack as declared, in virtual time. Deploys into this process only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchiac.cli.session import Session, is_terminal, stack_options
from batchiac.errors import ConfigError, JobsFailedError

if TYPE_CHECKING:
    from batchiac.model.price import PriceTable
    from batchiac.verify.measure import Measures
    from batchiac.verify.run import Progress
    from batchiac.verify.trace import Run


@click.command()
@stack_options
@click.option(
    "--workload",
    required=True,
    type=click.Path(path_type=Path),
    help="What to run: batchiac's own YAML, WfFormat 1.5 (JSON) or SWF.",
)
@click.option("--json", "as_json", is_flag=True, help="The measures as JSON on standard output.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with a timeline picture.")
@click.option(
    "--seed", type=int, default=7, show_default=True, help="Of durations and ids: the same seed, the same run."
)
@click.option("--queue", help="For tasks that name none (default: the one of highest priority).")
@click.option(
    "--definition", help="Job definition for tasks that name none (default: the fewest vCPUs, the most memory)."
)
@click.option(
    "--fan-in",
    type=click.Choice(["hold", "join"]),
    default="hold",
    show_default=True,
    help="Tasks with more than 20 parents: hold them until those have ended, or send joins, jobs of no duration.",
)
@click.option("--prices", type=click.Path(path_type=Path), help="CSV of prices, ours or AWS's own price list.")
@click.option(
    "--spot-share", type=float, help="What Spot costs where no Spot price is known, as a share of On-Demand (0 to 1)."
)
def command(
    stack: str | None,
    cwd: Path,
    workload: Path,
    as_json: bool,
    html: Path | None,
    seed: int,
    queue: str | None,
    definition: str | None,
    fan_in: str,
    prices: Path | None,
    spot_share: float | None,
) -> None:
    """Run WORKLOAD on the stack as declared, simulated in virtual time: how long, how much, what waits, what is stuck.

    Nothing leaves this process, whatever the stack's target is. Exit code 6 when a job failed, is stuck, or was never
    submitted.
    """
    from batchiac.cli.simulated import simulated_stack
    from batchiac.verify.measure import measure
    from batchiac.verify.run import run_workload
    from batchiac.verify.workload_file import read_workload

    # Both files are read before anything is started: a mistake in them is told at once.
    tasks = read_workload(workload)
    table = read_price_table(prices, spot_share)
    if html is not None and not html.resolve().parent.is_dir():
        raise ConfigError(f"the page cannot be written to {html}: there is no folder {html.resolve().parent}")
    name = Session(cwd, stack).stack.name
    with show_progress() as say:
        say.step(f"deploying {name} into this process")
        with simulated_stack(cwd, name, seed=seed) as simulated:
            outputs = simulated.up().plain_outputs
            say.step(f"running {tasks.name}")
            run = run_workload(
                simulated.aws,
                tasks,
                stack=name,
                queue=queue,
                definition=definition,
                fan_in="join" if fan_in == "join" else "hold",
                outputs=outputs,
                on_progress=say.progress,
            )
    measures = measure(run, table)
    if html is not None:
        write_page(html, run, measures)
    render(run, measures, as_json=as_json, html=html)
    if not measures.all_succeeded:
        from batchiac.verify.report.words import headline

        raise JobsFailedError(headline(measures))


def read_price_table(prices: Path | None, spot_share: float | None) -> PriceTable:
    """The user's prices or the shipped ones, with the user's assumption about Spot."""
    from attrs import evolve

    from batchiac.model.price import read_prices, shipped_prices

    table = shipped_prices() if prices is None else read_prices(prices)
    return table if spot_share is None else evolve(table, spot_share=spot_share)


def write_page(path: Path, run: Run, measures: Measures) -> None:
    """Write the HTML report.

    Raises:
        ConfigError: the file cannot be written.
    """
    from batchiac.verify.report.html import run_as_html
    from batchiac.verify.report.picture import draw_picture

    page = run_as_html(run, measures, draw_picture(run, measures))
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"the page cannot be written to {path}: {error.strerror}; name another file") from error


def render(run: Run, measures: Measures, *, as_json: bool, html: Path | None) -> None:
    """Print the result: JSON alone on standard output, or the summary with the page's path."""
    if as_json:
        import json

        from batchiac.verify.report.json import run_as_json

        click.echo(json.dumps(run_as_json(run, measures), indent=2))
        return
    from rich.console import Console

    from batchiac.verify.report.terminal import print_run

    print_run(Console(highlight=False), run, measures)
    if html is not None:
        click.echo(f"page: {html}")


class PlainProgress:
    """Progress where there is no terminal: a line a step and a line each tenth of the jobs, on standard error."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._tenth = 0

    def step(self, text: str) -> None:
        """Begin something."""
        self._write(f"{text} …")

    def count(self, ended: int, total: int) -> None:
        """So many resources are done: where there is no terminal, the sum at the end is enough."""

    def progress(self, at: Progress) -> None:
        """Jobs have ended."""
        tenth = at.ended * 10 // max(1, at.jobs)
        if tenth > self._tenth:
            from batchiac.verify.report.words import seconds

            self._tenth = tenth
            self._write(f"{at.ended:,} of {at.jobs:,} jobs ended after {seconds(at.at_s)} of virtual time")


class BarProgress:
    """Progress on a terminal: a bar with the jobs that have ended and the virtual time."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self.bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[done]}"),
            TextColumn("{task.fields[clock]}", style="dim"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self.bar.add_task("", total=None, done="", clock="")

    def step(self, text: str) -> None:
        """Begin something."""
        self.bar.reset(self._task, description=text, total=None, done="", clock="")

    def count(self, ended: int, total: int) -> None:
        """So many resources are done."""
        self.bar.update(self._task, total=total, completed=ended, done=f"{ended}/{total}")

    def progress(self, at: Progress) -> None:
        """Jobs have ended."""
        from batchiac.verify.report.words import seconds

        # A million jobs end in seconds; the bar is drawn ten times a second anyway.
        if at.ended == at.jobs or at.ended % max(1, at.jobs // 500) == 0:
            self.bar.update(
                self._task,
                total=at.jobs,
                completed=at.ended,
                done=f"{at.ended:,}/{at.jobs:,} jobs",
                clock=f"{seconds(at.at_s)} of virtual time",
            )


@contextmanager
def show_progress() -> Iterator[PlainProgress | BarProgress]:
    """A bar on a terminal, plain lines otherwise; standard output stays clean either way."""
    if is_terminal(sys.stderr):
        shown = BarProgress()
        with shown.bar:
            yield shown
    else:
        yield PlainProgress(lambda line: click.echo(line, err=True))
