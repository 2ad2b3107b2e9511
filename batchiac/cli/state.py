"""`batchiac state`: look at the stack's state, and take a protection off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchiac.cli.session import Session, stack_options
from batchiac.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchiac.deploy.state.resource import ResourceState


@click.group()
def command() -> None:
    """Look at the stack's state."""


@command.command("list")
@stack_options
@click.option("--json", "as_json", is_flag=True, help="As JSON: urn, type, name, id.")
def list_(stack: str | None, cwd: Path, as_json: bool) -> None:
    """Every resource: its type, name and AWS id."""
    from batchiac.deploy.urn import short_type

    states = Session(cwd, stack).stack.store.load().resources
    if as_json:
        rows = [{"urn": each.urn, "type": each.type, "name": each.name, "id": each.id} for each in states]
        click.echo(json.dumps(rows, indent=2))
        return
    rows_text = [(short_type(each.type), each.name, each.id + _marks(each)) for each in states if not each.is_provider]
    widths = [max((len(row[column]) for row in rows_text), default=0) for column in (0, 1)]
    for kind, name, id_ in rows_text:
        click.echo(f"{kind:<{widths[0]}}  {name:<{widths[1]}}  {id_}".rstrip())


@command.command()
@click.argument("resource")
@stack_options
def show(resource: str, stack: str | None, cwd: Path) -> None:
    """Everything that the state holds of RESOURCE (a name or URN), as JSON; secrets hidden."""
    from batchiac.deploy.values import masked

    states = Session(cwd, stack).stack.store.load().resources
    click.echo(json.dumps(masked(_find(states, resource).to_json()), indent=2, ensure_ascii=False))


@command.command()
@click.argument("resource")
@stack_options
def unprotect(resource: str, stack: str | None, cwd: Path) -> None:
    """Let RESOURCE (a name or URN) be deleted and replaced again, until the program protects it anew."""
    import attrs

    store = Session(cwd, stack).stack.store
    with store.lock():
        snapshot = store.load()
        found = _find(snapshot.resources, resource)
        freed = attrs.evolve(found, protect=False)
        resources = tuple(freed if each is found else each for each in snapshot.resources)
        store.save(attrs.evolve(snapshot, resources=resources))
    click.echo(f"{found.urn} is no longer protected")


def _find(states: Sequence[ResourceState], resource: str) -> ResourceState:
    found = [each for each in states if resource in (each.urn, each.name) and not each.delete]
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(f"{resource!r} names {len(found)} resources: give one's URN: {', '.join(e.urn for e in found)}")
    import difflib

    near = difflib.get_close_matches(resource, [each.name for each in states], n=3)
    hint = f"; near: {', '.join(near)}" if near else ""
    raise UserError(f"no resource {resource!r} in the state (`batchiac state list` shows them){hint}")


def _marks(state: ResourceState) -> str:
    marks = [
        word
        for word, holds in (
            ("protected", state.protect),
            ("to be deleted", state.delete),
            ("to be created again", state.pending_replacement),
        )
        if holds
    ]
    return f" ({', '.join(marks)})" if marks else ""
