"""`batchiac demo`: the whole tour in one process, from preview to destroy."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchiac.errors import ConfigError, InternalError, JobsFailedError

if TYPE_CHECKING:
    from batchiac.cli.simulated import Simulated
    from batchiac.cli.verify import BarProgress, PlainProgress
    from batchiac.deploy.acts import Listener
    from batchiac.deploy.steps import Event, Plan
    from batchiac.verify.measure import Measures
    from batchiac.verify.trace import Run
    from batchiac.verify.workload import Workload

WORKLOAD = Path("examples") / "night-of-sequencing.yaml"


@click.command()
@click.option("--stack", default="local", show_default=True, help="The stack to show.")
@click.option("--workload", type=click.Path(path_type=Path), help=f"What to run.  [default: {WORKLOAD}]")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("demo-report.html"),
    show_default=True,
    help="Where the report is written.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed shows the same.")
@click.option("--cwd", type=click.Path(path_type=Path), default=Path(), help="The project's folder.")
def command(stack: str, workload: Path | None, html: Path, seed: int, cwd: Path) -> None:
    """Show everything once, in this process: no account, no server and no state outside of it are touched."""
    from batchiac.cli.simulated import simulated_stack
    from batchiac.cli.verify import read_price_table, render, show_progress, write_page
    from batchiac.deploy.project import find_project
    from batchiac.verify.measure import measure
    from batchiac.verify.workload_file import read_workload

    began = time.monotonic()
    path = workload or find_project(cwd).root / WORKLOAD
    tasks = read_workload(path)
    if not html.resolve().parent.is_dir():
        raise ConfigError(f"the report cannot be written to {html}: there is no folder {html.resolve().parent}")
    _say(f"batchiac demo: the stack {stack} of this project, simulated in this process; nothing leaves it.")
    with simulated_stack(cwd, stack, seed=seed) as simulated:
        _title(1, "preview", "what would be created; every documented rule is checked")
        plan = simulated.preview()
        _show_plan(plan)

        _title(2, "up", "the same plan, applied to the simulated account")
        with show_progress() as say:
            say.step("creating")
            result = simulated.up(_count_steps(say, len([each for each in plan.steps if each.is_counted])))
        _say(f"{_counted(result.summary, 'create')} created in {result.seconds:.1f} s")

        _title(3, "verify", f"{path.name}: {tasks.jobs} jobs in virtual time")
        run = _run(simulated, tasks, stack, result.plain_outputs)
        measures = measure(run, read_price_table(None, None))
        render(run, measures, as_json=False, html=None)
        write_page(html, run, measures)
        _say(f"report: {html}   (open {html.resolve().as_uri()})", style="bold")

        _title(4, "preview again", "nothing has changed, and that is what it must say")
        again = simulated.preview()
        if again.has_changes:
            _show_plan(again)
            raise InternalError("the second preview finds changes where none were made")
        _say(f"no changes: {_counted(again.summary, 'same')} as declared ({again.seconds:.1f} s)")

        _title(5, "destroy", "dependents first, in the order that AWS accepts")
        with show_progress() as say:
            say.step("deleting")
            gone = simulated.destroy(_count_steps(say, len([each for each in again.steps if each.is_counted])))
        _say(f"{_counted(gone.summary, 'delete')} deleted in {gone.seconds:.1f} s")
    _say("")
    _finish(measures, html, time.monotonic() - began)


def _run(simulated: Simulated, tasks: Workload, stack: str, outputs: dict[str, object]) -> Run:
    from batchiac.cli.verify import show_progress
    from batchiac.verify.run import run_workload

    with show_progress() as say:
        say.step(f"running {tasks.name}")
        return run_workload(simulated.aws, tasks, stack=stack, outputs=outputs, on_progress=say.progress)


def _finish(measures: Measures, html: Path, seconds: float) -> None:
    from batchiac.verify.report.words import headline

    if not measures.all_succeeded:
        raise JobsFailedError(headline(measures))
    _say(f"The whole tour took {seconds:.1f} s. Next: open {html}, then read README.md.", style="green")


def _count_steps(say: PlainProgress | BarProgress, total: int) -> Listener:
    """A listener that moves the bar with each step that ends."""
    from threading import Lock

    from batchiac.deploy.steps import StepEnded

    lock = Lock()
    ended = 0

    def on_event(event: Event) -> None:
        nonlocal ended
        if isinstance(event, StepEnded):
            with lock:
                ended += 1
                say.count(ended, total)

    return on_event


def _show_plan(plan: Plan) -> None:
    from batchiac.cli.session import show
    from batchiac.deploy.render.lines import plan_lines

    show(plan_lines(plan))


def _counted(summary: dict[str, int], op: str) -> str:
    number = summary.get(op, 0)
    return f"{number} resource{'' if number == 1 else 's'}"


def _title(number: int, name: str, text: str) -> None:
    from rich.console import Console
    from rich.text import Text

    click.echo("")
    title = Text.assemble((f" {number} ", "reverse"), " ", (name, "bold"), ("  " + text, "dim"))
    Console(highlight=False, soft_wrap=True).print(title)


def _say(text: str, style: str = "") -> None:
    from rich.console import Console
    from rich.text import Text

    Console(highlight=False, soft_wrap=True).print(Text(text, style=style))
    sys.stdout.flush()
