"""Runs a Pulumi program inside this process. The one place that imports `pulumi.runtime`.

The program gets a thread of its own with a fresh context, event loop and executor, so that it works while the caller's
loop runs, and settings of one run never reach another. The executor has 64 threads: the SDK answers each registration
on one, and the default one (six on two cores) would limit parallel creates.

One program at a time: what a program sees as *the* process (sys.path, sys.modules, the working directory) is one.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import logging
import os
import runpy
import sys
import threading
import traceback
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from attrs import frozen

from batchiac.deploy.monitor import Monitor, Registrar
from batchiac.errors import BatchiacError, ConfigError, InterruptedAtOnce, InterruptedByUserError, ProgramError

THREADS = 64
T = TypeVar("T")
PACKAGE = Path(__file__).resolve().parents[1]
_one_at_a_time = threading.RLock()


@frozen
class Program:
    """What is to be run.

    Attributes:
        path: the program's folder (with `__main__.py`) or file.
        root: the project's folder.
        config: full key → text.
        secret_keys: keys of `config` whose values are secret.
    """

    path: Path
    root: Path
    project: str
    stack: str
    config: Mapping[str, str]
    secret_keys: Sequence[str] = ()
    organization: str = "organization"


class _Inline(ThreadPoolExecutor):
    """Does at once, on the caller's thread, what it is given: a preview waits for nobody, and threads only cost time.

    A subclass because a loop takes no other kind of default executor.
    """

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:
            done.set_exception(error)
        return done


def run_program(program: Program, registrar: Registrar, *, is_preview: bool, cancelled: threading.Event) -> None:
    """Run the program to its end; every resource that it declares goes to `registrar`.

    Args:
        cancelled: set by Ctrl-C here; a registrar that sees it starts nothing new.

    Raises:
        ProgramError: the program raised.
        BatchiacError: the first thing that `registrar` raised.
        InterruptedByUserError: Ctrl-C; what had begun has ended.
        InterruptedAtOnce: Ctrl-C again; it has not.
    """
    entry = program.path / "__main__.py" if program.path.is_dir() else program.path
    if not entry.is_file():
        raise ConfigError(f"no program at {entry}: create it, or correct main in {program.root / 'Pulumi.yaml'}")
    outcome: list[BaseException | None] = []
    ended = threading.Event()
    # The program's modules are the program's business: loading pulumi is not part of them, and its warnings are ours.
    import pulumi  # noqa: F401

    def work() -> None:
        try:
            contextvars.Context().run(_run, program, registrar, is_preview)
            outcome.append(None)
        except BaseException as error:
            outcome.append(error)
        finally:
            ended.set()

    with _one_at_a_time:
        thread = threading.Thread(target=work, name=f"program {program.project}", daemon=True)
        thread.start()
        _wait(ended, cancelled)
        thread.join()
    error = outcome[0]
    if error is not None:
        raise error
    if cancelled.is_set():
        raise InterruptedByUserError("interrupted: what had begun was finished, nothing new was started")


def _wait(ended: threading.Event, cancelled: threading.Event) -> None:
    # An event and not `Thread.join`: an interrupted join takes the thread for ended while it still runs.
    while not ended.is_set():
        try:
            ended.wait()
        except KeyboardInterrupt:
            if cancelled.is_set():
                raise InterruptedAtOnce(ended.wait) from None
            cancelled.set()


def _run(program: Program, registrar: Registrar, is_preview: bool) -> None:
    from pulumi.errors import RunError
    from pulumi.runtime import Settings, config, configure, run_in_stack
    from pulumi.runtime.proto import resource_pb2

    folder = program.path if program.path.is_dir() else program.path.parent
    loop = asyncio.new_event_loop()
    failed: asyncio.Future[None] = loop.create_future()
    monitor = Monitor(
        registrar,
        resource_pb2,
        stack=program.stack,
        project=program.project,
        root=str(program.root.resolve()),
        on_failure=lambda: loop.call_soon_threadsafe(failed.set_result, None),
    )
    configure(
        Settings(
            project=program.project,
            stack=program.stack,
            monitor=monitor,
            engine=monitor,
            dry_run=is_preview,
            organization=program.organization,
            root_directory=str(program.root),
        )
    )
    config.set_all_config(dict(program.config), list(program.secret_keys))
    # A deployment that ends badly leaves futures that nobody asks any more; asyncio would list them all.
    loop.set_exception_handler(lambda _loop, context: logging.getLogger(__name__).debug("%s", context.get("message")))
    executor = _Inline(1) if is_preview else ThreadPoolExecutor(THREADS, thread_name_prefix="deploy")
    loop.set_default_executor(executor)
    asyncio.set_event_loop(loop)
    failure: BaseException | None = None
    try:
        with _as_main(program, folder):
            whole = run_in_stack(lambda: _execute(program.path))
            # A preview goes on after a failure, so that all of them are found.
            loop.run_until_complete(whole if is_preview else _to_end_or_failure(whole, failed))
    except BaseException as error:
        failure = error
    finally:
        # Waits for what is being created or changed at this moment: it is finished and recorded, never abandoned.
        executor.shutdown(wait=True)
        _drop_tasks(loop)
        asyncio.set_event_loop(None)
    if monitor.failure is not None:
        raise monitor.failure
    if isinstance(failure, BatchiacError):
        raise failure
    if isinstance(failure, RunError):
        # A program's way to say "no" without a traceback; it has logged its reasons.
        raise ProgramError(" ".join(str(failure).split()) or "the program ended itself with a RunError")
    if isinstance(failure, SystemExit):
        if failure.code not in (None, 0):
            raise ProgramError(f"the program ended itself with exit code {failure.code}")
    elif failure is not None:
        raise _program_error(failure, folder)


async def _to_end_or_failure(whole: Coroutine[Any, Any, None], failed: asyncio.Future[None]) -> None:
    """Await the program; return at once when an answer to it has failed: nothing new begins after that."""
    task = asyncio.ensure_future(whole)
    await asyncio.wait((task, failed), return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task


async def _execute(path: Path) -> None:
    # The file and not its folder: a folder's `__main__` is taken from the bytecode cache, which cannot tell two edits
    # of one second apart, and then a test, or a watcher, deploys the program before the edit.
    runpy.run_path(str(path / "__main__.py" if path.is_dir() else path), run_name="__main__")
    # One turn of the loop, in which every registration begins, so that the SDK knows of them all when it comes to wait:
    # it awaits those one by one. What it finds otherwise are outputs, of which it looks at every open one whenever any
    # ends: with a thousand resources that is most of what a deployment costs.
    await asyncio.sleep(0)


@contextlib.contextmanager
def _as_main(program: Program, folder: Path) -> Iterator[None]:
    """The process as the program expects it, and afterwards as it was: as under Pulumi, it runs in its own folder."""
    before_path, before_argv, before_cwd = list(sys.path), sys.argv, _cwd()
    # As Pulumi's language host does: it is the only way to list the keys (`pulumi.runtime.get_config_env`).
    handed = {
        "PULUMI_CONFIG": json.dumps(dict(program.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(program.secret_keys)),
    }
    before_environ = {name: os.environ.get(name) for name in handed}
    os.environ.update(handed)
    _purge(folder)
    sys.path.insert(0, str(folder))
    sys.argv = [str(program.path)]
    os.chdir(folder)
    try:
        # What the program prints is for people: it must not mix with a JSON result.
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        for name, value in before_environ.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        sys.path[:] = before_path
        sys.argv = before_argv
        if before_cwd is not None:
            os.chdir(before_cwd)
        _purge(folder)


def _cwd() -> str | None:
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return None


def _purge(folder: Path) -> None:
    """Forget the program's own modules, so that the next run sees its files as they are then."""
    prefix = str(folder) + os.sep
    kept = (str(PACKAGE) + os.sep, sys.prefix + os.sep)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(prefix) and not file.startswith(kept) and name != "__main__":
            del sys.modules[name]


def _drop_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()


def _program_error(error: BaseException, folder: Path) -> ProgramError:
    """The program's exception with its own traceback: from its first frame on, ours and the SDK's left out before."""
    chain = traceback.TracebackException(type(error), error, _from(error.__traceback__, folder))
    text = "".join(chain.format())
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return ProgramError(f"the program raised {words}; nothing was changed after that", text)


def _from(trace: TracebackType | None, folder: Path) -> TracebackType | None:
    prefix = str(folder.resolve())
    step = trace
    while step is not None:
        if str(Path(step.tb_frame.f_code.co_filename).absolute()).startswith(prefix):
            return step
        step = step.tb_next
    return trace
