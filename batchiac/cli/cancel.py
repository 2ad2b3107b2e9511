"""`batchiac cancel`: remove the lock that a killed run left behind."""

from __future__ import annotations

from pathlib import Path

import click

from batchiac.cli.session import Session, ask, require_somebody, stack_options
from batchiac.deploy.state.file_backend import FileStore
from batchiac.errors import UsageError


@click.command()
@stack_options
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def command(stack: str | None, cwd: Path, yes: bool) -> None:
    """Remove the stack's lock. Only for one whose holder is gone: two runs at once damage each other's state."""
    session = Session(cwd, stack)
    store = session.stack.store
    if not isinstance(store, FileStore):
        raise UsageError("this stack's state has no lock file")
    holders = store.holders()
    if not holders:
        click.echo(f"{session.stack.name} is not locked")
        return
    require_somebody(yes=yes)
    if not yes and not ask(f"Remove the lock of {' and '.join(holders)}?"):
        return
    store.break_locks()
    click.echo(f"removed the lock of {' and '.join(holders)}")
