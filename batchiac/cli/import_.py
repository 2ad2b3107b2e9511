"""`batchiac import`: take what an account holds into the state, and write its program."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchiac.cli.session import Session, ask, count, require_somebody, show, show_event, stack_options
from batchiac.errors import UsageError

if TYPE_CHECKING:
    from batchiac.deploy.importing.account import Imports
    from batchiac.deploy.render.lines import Line
    from batchiac.model.existing import Found

KINDS = {
    "compute_environment": "ComputeEnvironment",
    "job_queue": "JobQueue",
    "job_definition": "JobDefinition",
    "scheduling_policy": "SchedulingPolicy",
    "consumable_resource": "ConsumableResource",
    "service_environment": "ServiceEnvironment",
    "quota_share": "QuotaShare",
}
"""Option → kind."""

MOST_LEFT = 20
"""How many of those that are not imported are named."""


@click.command()
@stack_options
@click.option("--all", "everything", is_flag=True, help="Every Batch resource of the account and region.")
@click.option("--compute-environment", multiple=True, metavar="NAME|ARN", help="One of them, with what it refers to.")
@click.option("--job-queue", multiple=True, metavar="NAME|ARN", help="One, with its environments and quota shares.")
@click.option("--job-definition", multiple=True, metavar="NAME|ARN", help="One: its newest revision.")
@click.option("--scheduling-policy", multiple=True, metavar="NAME|ARN", help="One of them.")
@click.option("--consumable-resource", multiple=True, metavar="NAME|ARN", help="One of them.")
@click.option("--service-environment", multiple=True, metavar="NAME|ARN", help="One of them.")
@click.option("--quota-share", multiple=True, metavar="QUEUE/NAME|ARN", help="One of them, with its queue.")
@click.option("--with-roles/--without-roles", default=True, help="Roles and instance profiles too. [default: with]")
@click.option("--with-network", is_flag=True, help="Subnets, security groups and their VPC too, not only their ids.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the program goes; it must not exist. [default: the project's, if it has none; else printed]",
)
@click.option("--name", "names", multiple=True, metavar="AWS=LOGICAL", help="Another logical name for one of them.")
@click.option("--protect/--no-protect", default=True, help="Nothing imported is deleted unasked. [default: protect]")
@click.option("--preview-only", is_flag=True, help="Show what would be imported and its program; write nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="The result in the format of `pulumi preview --json`.")
def command(
    stack: str | None,
    cwd: Path,
    everything: bool,
    with_roles: bool,
    with_network: bool,
    out: Path | None,
    names: Sequence[str],
    protect: bool,
    preview_only: bool,
    yes: bool,
    as_json: bool,
    **named: Sequence[str],
) -> None:
    """Take what an account holds into the stack's state, and write the program that declares it.

    Nothing is changed at AWS. The program is run before anything is written: its preview shows no change.
    """
    from batchiac.deploy.importing.account import import_existing
    from batchiac.deploy.render.lines import Line
    from batchiac.provider.existing import Wanted, find_existing

    asked = {KINDS[option]: texts for option, texts in named.items() if texts}
    if everything is bool(asked):
        raise UsageError("what is to be imported? Give --all, or names with --job-queue, --compute-environment, …")
    if not preview_only:
        require_somebody(yes=yes)
    session = Session(cwd, stack)
    groups = frozenset(["roles"] * with_roles + ["network"] * with_network)
    program = session.stack.project.program
    entry = program / "__main__.py" if program.suffix != ".py" else program
    if out is None and not entry.exists() and not preview_only:
        out = entry

    def find(managed: Mapping[tuple[str, str], str]) -> Found:
        return find_existing(session.door, Wanted(asked, everything, groups, managed))

    def approve(imports: Imports) -> bool:
        gone = [step for step in imports.result.steps if step.new is not None and step.new.custom and step.is_counted]
        show([Line(f"Import into {session.stack.name}:", "bold"), *_lines(imports)], sys.stderr)
        if preview_only:
            if not as_json:
                click.echo(imports.code, nl=False)
            return False
        return not gone or yes or ask(f"Import {count('resource', gone)} into {session.stack.name}?")

    imports = import_existing(
        session.stack,
        session.handlers,
        find,
        title=f"AWS Batch as it was found in account {session.door.account_id()}, {session.stack.target.region}.",
        out=out,
        names=_chosen(names),
        protect=protect,
        approve=approve,
        on_event=show_event,
    )
    if imports is None:
        show([Line("Nothing was written.")], sys.stderr)
        return
    where = f"the program is in {out}" if out is not None else "add what is printed to the program"
    show([Line(f"Imported: {where}. Nothing was changed at AWS; a preview shows no change.")], sys.stderr)
    if as_json:
        from batchiac.deploy.render.preview_json import preview_json_text

        click.echo(preview_json_text(imports.result))
    elif out is None:
        click.echo(imports.code, nl=False)


def _chosen(names: Sequence[str]) -> dict[str, str]:
    chosen = {}
    for each in names:
        theirs, is_, ours = each.partition("=")
        if not (theirs and is_ and ours):
            raise UsageError(f"--name is {each!r}: write AWS's name, =, and the logical one, such as work-queue=work")
        chosen[theirs] = ours
    return chosen


def _lines(imports: Imports) -> list[Line]:
    from batchiac.deploy.render.lines import Line, step_lines

    steps = [each for each in imports.result.steps if each.is_counted and each.new is not None and each.new.custom]
    lines = [line for step in steps for line in step_lines(step)]
    if not lines:
        lines.append(Line("  nothing: there is none, or the state has it already"))
    if imports.left:
        lines.append(Line("Left as they are:", "bold"))
        shown, rest = imports.left[:MOST_LEFT], imports.left[MOST_LEFT:]
        lines += [Line(f"     {each.kind} {each.name}: {each.reason}", "dim") for each in shown]
        lines += [Line(f"     and {count('resource', rest)} more", "dim")] if rest else []
    return [*lines, *(Line(f"warning: {each}", "warning") for each in imports.in_the_open)]
