"""`batchiac up`: create, update and delete until the stack is as the program says."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchiac.cli.session import Session, ask, progress, require_somebody, show, show_event, stack_options

if TYPE_CHECKING:
    from batchiac.deploy.steps import Event, Plan


@click.command()
@stack_options
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="The result in the format of `pulumi preview --json`.")
@click.option("--diff", "every_property", is_flag=True, help="Every property of what is created and deleted, too.")
@click.option("--refresh", is_flag=True, help="Read what exists first.")
def command(stack: str | None, cwd: Path, yes: bool, as_json: bool, every_property: bool, refresh: bool) -> None:
    """Create, update and delete until the stack is as the program says."""
    from batchiac.deploy.deployment import up
    from batchiac.deploy.render.lines import Line, plan_lines

    require_somebody(yes=yes)
    session = Session(cwd, stack)
    stream = sys.stderr if as_json else sys.stdout
    # Opened when the plan is known, closed whatever happens.
    with contextlib.ExitStack() as opened:
        listener: list[Any] = [show_event]

        def approve(plan: Plan) -> bool:
            lines = [Line(f"Plan for {session.stack.name}:", "bold"), *plan_lines(plan, every_property=every_property)]
            show(lines, stream)
            jobs = f", and end {plan.ended.count_text}" if plan.ended.number else ""
            if plan.has_changes and not yes and not ask(f"Do this{jobs}?"):
                return False
            if plan.has_changes:
                show([Line(f"Updating {session.stack.name}:", "bold")], stream)
            listener[0] = opened.enter_context(progress(plan, stream))
            return True

        def on_event(event: Event) -> None:
            listener[0](event)

        result = up(
            session.stack,
            session.handlers,
            refresh=refresh,
            approve=approve,
            before_acting=session.require_answer,
            on_event=on_event,
        )
    if result is None:
        show([Line("Nothing was changed.")], stream)
        return
    if as_json:
        from batchiac.deploy.render.preview_json import preview_json_text

        click.echo(preview_json_text(result))
    else:
        show([*plan_lines(result, done=True), Line(f"Done in {result.seconds:.1f} s.", "dim")])
