"""`batchiac preview`: show what `up` would change."""

from __future__ import annotations

from pathlib import Path

import click

from batchiac.cli.session import Session, show, show_event, stack_options
from batchiac.errors import PendingChangesError


@click.command()
@stack_options
@click.option("--json", "as_json", is_flag=True, help="In the format of `pulumi preview --json`.")
@click.option("--diff", "every_property", is_flag=True, help="Every property of what is created and deleted, too.")
@click.option("--refresh", is_flag=True, help="Read what exists first, and show what was changed outside.")
@click.option("--expect-no-changes", is_flag=True, help="End with exit code 4 if anything would change.")
def command(
    stack: str | None, cwd: Path, as_json: bool, every_property: bool, refresh: bool, expect_no_changes: bool
) -> None:
    """Show what `up` would change. Nothing is changed, and no AWS call is made unless --refresh."""
    from batchiac.deploy.deployment import preview

    session = Session(cwd, stack)
    plan = preview(session.stack, session.handlers, refresh=refresh, on_event=show_event)
    if as_json:
        from batchiac.deploy.render.preview_json import preview_json_text

        click.echo(preview_json_text(plan))
    else:
        from batchiac.deploy.render.lines import Line, plan_lines

        show([Line(f"Preview of {session.stack.name}:", "bold"), *plan_lines(plan, every_property=every_property)])
    if expect_no_changes and plan.has_changes:
        raise PendingChangesError(f"changes are pending in {session.stack.name}, and none were expected")
