"""The command line: one file a verb, loaded only when it is called; every end is a documented exit code.

A verb's file holds `command`, a click command. It parses, calls one function, renders, and raises a
`batchiac.errors.BatchiacError` where it cannot go on; `main` turns that into one sentence and its exit code.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading

import click

from batchiac import __version__
from batchiac.errors import BatchiacError, InterruptedAtOnce, ProgramError

VERBS = {
    "preview": "Show what `up` would change.",
    "up": "Create, update and delete until the stack is as the program says.",
    "refresh": "Read what exists and take it over into the state.",
    "destroy": "Delete everything that the stack's state holds.",
    "import": "Take what an account holds into the state, and write its program.",
    "output": "Print the stack's outputs.",
    "state": "Look at the stack's state.",
    "cancel": "Remove the lock that a killed run left behind.",
    "serve": "Run the local stack as a server for any AWS client.",
    "submit": "Submit a job to the stack's queue.",
    "logs": "Print a job's log.",
    "verify": "Run a workload on the simulated stack: how long, how much, what is stuck.",
    "lint": "Check a plan, a template or a single request against the documented rules.",
    "rules": "List and explain the documented rules.",
    "demo": "The whole tour, in-process.",
}
"""Verb → one-line help, so that `--help` imports no verb."""


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        # A keyword of Python is no name for a module that others import.
        module = importlib.import_module(f"batchiac.cli.{'import_' if cmd_name == 'import' else cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="batchiac")
def cli() -> None:
    """Infrastructure as code for AWS Batch: every documented rule at preview, every job simulated before you apply."""


def main(argv: list[str] | None = None) -> None:
    """Run the command line and end the process with a documented exit code (DESIGN, "CLI")."""
    _end_as_by_ctrl_c()
    try:
        cli.main(args=argv, prog_name="batchiac", standalone_mode=False)
    except BatchiacError as error:
        if isinstance(error, ProgramError) and error.traceback_text:
            click.echo(error.traceback_text.rstrip(), err=True)
        # One sentence on one line, whatever AWS or a file put into it.
        click.echo(f"batchiac: {' '.join(error.message.split())}", err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("batchiac: interrupted", err=True)
        sys.exit(130)
    except KeyboardInterrupt as interrupt:
        # The second Ctrl-C, or one before anything was begun. Threads may still wait for AWS; what they do is noted in
        # the state as begun, and taken up by the next run, so nobody has to wait for them here.
        click.echo("batchiac: interrupted at once; the next run takes up what had begun", err=True)
        sys.stdout.flush()
        if isinstance(interrupt, InterruptedAtOnce):
            interrupt.let_go()
        os._exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(64)
    except BrokenPipeError:
        # The reader of our output has gone (`batchiac rules | head`): nothing is wrong with what we did.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(0)


def _end_as_by_ctrl_c() -> None:
    """Have a polite request to end (a stopped container, a cancelled CI job, a closed terminal) end a deployment as
    Ctrl-C does: what had begun is finished and recorded. What was told to ignore it (nohup) goes on ignoring it."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None or threading.current_thread() is not threading.main_thread():
            continue
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
