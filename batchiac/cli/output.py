"""`batchiac output`: print the stack's outputs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from batchiac.cli.session import Session, stack_options
from batchiac.errors import UserError


@click.command()
@click.argument("name", required=False)
@stack_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--show-secrets", is_flag=True, help="Secrets in the open.")
def command(name: str | None, stack: str | None, cwd: Path, as_json: bool, show_secrets: bool) -> None:
    """Print the stack's outputs, or the one called NAME."""
    from batchiac.deploy.deployment import read_outputs

    session = Session(cwd, stack)
    outputs = read_outputs(session.stack, show_secrets=show_secrets)
    if name is not None:
        if name not in outputs:
            known = ", ".join(sorted(outputs)) or "none: it was never deployed"
            raise UserError(f"{session.stack.name} has no output {name!r}; it has {known}")
        value = outputs[name]
        click.echo(value if isinstance(value, str) and not as_json else json.dumps(value, ensure_ascii=False))
    elif as_json:
        click.echo(json.dumps(outputs, indent=2, ensure_ascii=False))
    else:
        for key, value in sorted(outputs.items()):
            click.echo(f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
