"""What the verbs that work on a stack share: which stack, its handlers, how to show and how to ask."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from batchiac.errors import UsageError

if TYPE_CHECKING:
    from batchiac.aws.door import Door
    from batchiac.deploy.render.lines import Line
    from batchiac.deploy.stack import Stack
    from batchiac.deploy.steps import Event, Plan
    from batchiac.model.handler import Handler

STACK_VARIABLE = "PULUMI_STACK"


def stack_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--stack` and `--cwd`, which every verb on a stack has."""
    function = click.option(
        "--cwd",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=Path(),
        help="The project's folder, or one below it. [default: the current one]",
    )(function)
    return click.option(
        "--stack", "-s", envvar=STACK_VARIABLE, help=f"The stack's name. [default: {STACK_VARIABLE}, or the only one]"
    )(function)


class Session:
    """One stack, opened for one verb."""

    def __init__(self, cwd: Path, stack: str | None) -> None:
        from batchiac.deploy.project import find_project
        from batchiac.deploy.stack import open_stack

        if stack is None:
            names = find_project(cwd).stack_names()
            if len(names) != 1:
                known = ", ".join(names) if names else "none yet"
                raise UsageError(f"which stack? Name one with --stack or {STACK_VARIABLE}; there are: {known}")
            stack = names[0]
        self.stack: Stack = open_stack(cwd, stack, environ=os.environ)

    @cached_property
    def door(self) -> Door:
        """The way to the stack's AWS; importing and making it builds no client."""
        from batchiac.aws.door import Door

        return Door(self.stack.target)

    def handlers(self, token: str) -> Handler | None:
        """The handler of a type token, None for types that are not ours."""
        from batchiac.provider import HANDLERS

        try:
            kind = HANDLERS[token]
        except KeyError:
            return None
        return kind(self.door)

    def require_answer(self) -> None:
        """Find out before the first change whether AWS answers, as whom, and whether the stack allows that."""
        self.door.account_id()


def is_terminal(stream: IO[str]) -> bool:
    """True where somebody watches: a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def show(lines: Iterable[Line], stream: IO[str] | None = None) -> None:
    """Write lines, in colour where that is seen."""
    stream = stream or sys.stdout
    if is_terminal(stream):
        from batchiac.deploy.render.live import print_styled

        print_styled(lines, stream)
    else:
        from batchiac.deploy.render.plain import print_lines

        print_lines(lines, stream)


def show_event(event: Event) -> None:
    """What a program says while it runs, on stderr."""
    from batchiac.deploy.render.plain import event_line

    line = event_line(event)
    if line is not None:
        show([line], sys.stderr)


def progress(plan: Plan, stream: IO[str]) -> Any:
    """A listener for a deployment, which is also a context manager: live on a terminal, lines otherwise."""
    if is_terminal(stream):
        from batchiac.deploy.render.live import LiveProgress

        return LiveProgress(stream, sum(step.acts for step in plan.steps))
    from batchiac.deploy.render.plain import PlainProgress

    return PlainProgress(stream)


def require_somebody(*, yes: bool) -> None:
    """Refuse to act where nobody can be asked, unless the answer was given.

    Raises:
        UsageError: without `--yes` and without a terminal.
    """
    if not yes and not sys.stdin.isatty():
        raise UsageError("nobody can be asked here (no terminal): add --yes to go on without a question")


def ask(question: str) -> bool:
    """Yes or no, from the terminal."""
    return click.confirm(question, default=False, err=True)


def count(noun: str, things: Sequence[object]) -> str:
    """`1 resource`, `2 resources`."""
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"
