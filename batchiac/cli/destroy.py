"""`batchiac destroy`: delete everything that the stack's state holds."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchiac.cli.session import Session, ask, count, progress, require_somebody, show, show_event, stack_options

if TYPE_CHECKING:
    from batchiac.deploy.steps import Event, Plan


@click.command()
@stack_options
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="The result in the format of `pulumi preview --json`.")
def command(stack: str | None, cwd: Path, yes: bool, as_json: bool) -> None:
    """Delete everything that the stack's state holds, dependents first."""
    from batchiac.deploy.deployment import destroy
    from batchiac.deploy.render.lines import Line, plan_lines

    require_somebody(yes=yes)
    session = Session(cwd, stack)
    stream = sys.stderr if as_json else sys.stdout
    with contextlib.ExitStack() as opened:
        listener: list[Any] = [show_event]

        def approve(plan: Plan) -> bool:
            show([Line(f"Plan for {session.stack.name}:", "bold"), *plan_lines(plan)], stream)
            gone = [step for step in plan.steps if step.changes_something and step.is_counted]
            jobs = f" and end {plan.ended.count_text}" if plan.ended.number else ""
            if gone and not yes and not ask(f"Delete {count('resource', gone)} of {session.stack.name}{jobs}?"):
                return False
            listener[0] = opened.enter_context(progress(plan, stream))
            return True

        def on_event(event: Event) -> None:
            listener[0](event)

        result = destroy(
            session.stack,
            session.handlers,
            approve=approve,
            before_acting=session.require_answer,
            on_event=on_event,
        )
    if result is None:
        show([Line("Nothing was changed.")], stream)
    elif as_json:
        from batchiac.deploy.render.preview_json import preview_json_text

        click.echo(preview_json_text(result))
    else:
        show([*plan_lines(result, done=True), Line(f"Done in {result.seconds:.1f} s.", "dim")])
