"""`batchiac refresh`: read what exists and take it over into the state."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchiac.cli.session import Session, ask, require_somebody, show, show_event, stack_options

if TYPE_CHECKING:
    from batchiac.deploy.steps import Plan


@click.command()
@stack_options
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="The result in the format of `pulumi preview --json`.")
def command(stack: str | None, cwd: Path, yes: bool, as_json: bool) -> None:
    """Read what exists and take it over into the state; what was deleted outside is forgotten."""
    from batchiac.deploy.deployment import refresh
    from batchiac.deploy.render.lines import Line, step_lines, summary_lines

    require_somebody(yes=yes)
    session = Session(cwd, stack)
    stream = sys.stderr if as_json else sys.stdout

    def approve(plan: Plan) -> bool:
        changed = [step for step in plan.steps if step.changes_something]
        heading = "Changed outside:" if changed else f"{session.stack.name} is as its state says."
        show([Line(heading, "bold"), *(line for step in changed for line in step_lines(step))], stream)
        return not changed or yes or ask("Take this over into the state?")

    result = refresh(session.stack, session.handlers, approve=approve, before_acting=session.require_answer)
    for event in result.diagnostics if result is not None else ():
        show_event(event)
    if result is None:
        show([Line("Nothing was changed.")], stream)
    elif as_json:
        from batchiac.deploy.render.preview_json import preview_json_text

        click.echo(preview_json_text(result))
    else:
        show(summary_lines(result, done=True))
