"""A container's command as a process of this machine. Off unless asked for: it runs what any client submits.

The image is not looked at: the command must exist here. What holds it: an own session (so that a signal reaches all
its children), an own empty folder, an environment of its own (nothing of the server's but PATH and the locale), a
memory limit looked at a few times a second, the user `nobody` where the server runs as root, and the server's life.
It is no sandbox: it sees this machine's files and network.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import define, field

CHILD = Path(__file__).with_name("child.py")
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ")
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
MOST_LINE_BYTES = 262_144
"""CloudWatch Logs takes at most 256 KiB an event: a longer line is cut there."""


@define
class Ended:
    """How a process ended: its exit code (128 + the signal's number where one ended it), and a reason or none."""

    exit_code: int
    reason: str = ""


@define
class Run:
    """One process and its folder."""

    process: subprocess.Popen[bytes]
    folder: Path
    memory_mib: int
    _read_to: int = 0
    _reason: str = ""
    _rest: bytes = field(default=b"")

    def poll(self) -> Ended | None:
        """How it ended, None while it runs. One that takes more than its memory is killed here."""
        code = self.process.poll()
        if code is None:
            if self.memory_mib and resident_mib(self.process.pid) > self.memory_mib:
                self._reason = OUT_OF_MEMORY
                self.signal(signal.SIGKILL)
            return None
        # What it has started may live on in its session: its container is gone, and so are they.
        self.signal(signal.SIGKILL)
        return Ended(code if code >= 0 else 128 - code, self._reason)

    def signal(self, number: int) -> None:
        """Send a signal to the process and everything that it has started."""
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            return  # nothing of it is left

    def new_lines(self, *, last: bool = False) -> list[str]:
        """The lines that it has written since the last call; with `last`, an unfinished one too."""
        with (self.folder / "output").open("rb") as output:
            output.seek(self._read_to)
            text = self._rest + output.read()
            self._read_to = output.tell()
        lines = text.split(b"\n")
        self._rest = b"" if last else lines.pop()
        if last and not lines[-1]:
            lines.pop()
        return [line[:MOST_LINE_BYTES].decode("utf-8", "replace").rstrip("\r") for line in lines]

    def clean(self) -> None:
        """Remove its folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def start(command: Sequence[str], variables: Mapping[str, str], memory_mib: int) -> Run:
    """Start a command.

    Args:
        command: program and arguments; an empty one is the image's own, which there is none of here: it does nothing.
        variables: the container's environment, with the AWS_BATCH_* variables.
        memory_mib: 0 for no limit.
    """
    folder = Path(tempfile.mkdtemp(prefix="batchiac-job-"))
    work = folder / "work"
    work.mkdir()
    user = _other_user()
    if user is not None:
        os.chown(work, user.pw_uid, user.pw_gid)
        folder.chmod(0o755)
    who = ("-1", "-1") if user is None else (str(user.pw_uid), str(user.pw_gid))
    environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    environment.update(HOME=str(work), **variables)
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", str(CHILD), *who, *(command or ("true",))],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=work,
            env=environment,
            start_new_session=True,
            close_fds=True,
        )
    return Run(process, folder, memory_mib)


def _other_user() -> pwd.struct_passwd | None:
    """`nobody` where the server runs as root, None where it is somebody already, or where there is no such user."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        return None


def resident_mib(session: int) -> float:
    """The memory that all processes of a session hold, in MiB; 0 where /proc is not to be had."""
    pages = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue  # it has ended in between
        # After "pid (name)": state, ppid, pgrp, session, …; the 22nd of these is the resident pages.
        if fields[3] == str(session):
            pages += int(fields[21])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576
