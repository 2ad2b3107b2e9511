"""A container's command as a process of this machine. Off unless asked for: it runs what any client submits.

The image is not looked at: the command must exist here. What holds it: a supervisor of its own (supervisor.py: nothing
of it outlives its command, its termination or the server), its own empty folder, an environment of its own (nothing of
the server's but PATH and the locale), a memory limit, and the user `nobody` where the server runs as root.
It is no sandbox: it sees this machine's files and network, and nothing limits its CPU or disk.

The memory limit is of the whole container, as a cgroup's is, and cgroups themselves are not used: only a privileged
server could make them. A few times a second all processes are looked at; above the limit a container is killed. One
that was faster than the look, in one process, is found out at its end by its peak, and counts as killed too.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attrs import define, field, frozen

from batchiac.engine.reasons import OUT_OF_MEMORY, SIGKILLED

SUPERVISOR = Path(__file__).with_name("supervisor.py")
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ")
MOST_LINE_BYTES = 262_144 - 26
"""CloudWatch Logs takes 256 KiB an event, 26 bytes of it its own; the awslogs driver splits longer lines.
Source: https://docs.docker.com/engine/logging/drivers/awslogs/, read 2026-11-21."""
PIPE_BYTES = 262_144
"""What a container may have written that nobody has read yet; then its write waits, as with the awslogs driver."""
MOST_LINES = 2_000
"""Taken from one container at a time: one that writes without end must not hold up the others."""
PEAK_FLOOR_MIB = 48
"""A peak below this says nothing: before its command begins, the process is a Python of about 10 MiB."""
_CANNOT_START = (
    "CannotStartContainerError: Error response from daemon: failed to create task for container: failed to create shim"
    " task: OCI runtime create failed: runc create failed: unable to start container process: {why}: unknown"
)
"""The class is AWS's, what follows Docker's own text.
Source: https://docs.aws.amazon.com/AmazonECS/latest/userguide/stopped-task-error-codes.html, read 2026-11-21."""


@frozen
class Ended:
    """How a container ended.

    Attributes:
        exit_code: 0..255, 128 + the signal's number where one ended it; None where it could not be started.
        reason: as ECS words it; empty for none.
    """

    exit_code: int | None
    reason: str = ""


@define
class Run:
    """One container's supervisor, and its folder."""

    supervisor: subprocess.Popen[bytes]
    folder: Path
    memory_mib: int
    _output: int
    _out_of_memory: bool = False
    _at_end: bool = False
    _rest: bytes = field(default=b"")

    def poll(self) -> Ended | None:
        """How it ended, None while it runs, or `new_lines` has not yet given all."""
        if self.supervisor.poll() is None or not self._at_end or self._rest:
            return None
        return self._read_end()

    def _read_end(self) -> Ended:
        assert self.supervisor.stdin is not None
        with contextlib.suppress(OSError):
            self.supervisor.stdin.close()
        try:
            report = json.loads((self.folder / "report").read_text("utf-8"))
        except (OSError, ValueError):
            # Somebody has killed the supervisor; its command went with it.
            return Ended(SIGKILLED)
        if report["failed"]:
            return Ended(None, _CANNOT_START.format(why=report["failed"]))
        limit = max(self.memory_mib, PEAK_FLOOR_MIB)
        if self._out_of_memory or (self.memory_mib and report["peak_mib"] > limit):
            return Ended(SIGKILLED, OUT_OF_MEMORY)
        return Ended(report["code"])

    def terminate(self) -> None:
        """SIGTERM to the command and what it has started; nothing where it has ended."""
        self._order(b"T")

    def kill(self) -> None:
        """SIGKILL likewise."""
        self._order(b"K")

    def kill_for_memory(self) -> None:
        """`kill`, and remember why."""
        self._out_of_memory = True
        self.kill()

    def _order(self, order: bytes) -> None:
        assert self.supervisor.stdin is not None
        with contextlib.suppress(BrokenPipeError, ValueError):  # it has ended
            self.supervisor.stdin.write(order)
            self.supervisor.stdin.flush()

    def new_lines(self) -> list[str]:
        """Some of the lines that it has written since the last call; at its end an unfinished one too."""
        # What is left at the end is little, and the job waits for it.
        most = MOST_LINES if self.supervisor.poll() is None else 25 * MOST_LINES
        while not self._at_end and self._rest.count(b"\n") < most:
            try:
                piece = os.read(self._output, PIPE_BYTES)
            except BlockingIOError:
                break
            self._at_end = not piece
            self._rest += piece
        *lines, rest = self._rest.split(b"\n", most)
        if len(lines) < most and (self._at_end or len(rest) >= MOST_LINE_BYTES):
            lines += [rest] if rest else []
            rest = b""
        self._rest = rest
        return [piece.decode("utf-8", "replace").rstrip("\r") for line in lines for piece in _pieces(line)]

    def wait(self) -> None:
        """Until it has ended; what it has written since is lost. Only after `kill`."""
        self.supervisor.wait()
        self._read_end()

    def clean(self) -> None:
        """Remove its folder, close its output."""
        os.close(self._output)
        shutil.rmtree(self.folder, ignore_errors=True)


def start(command: Sequence[str], variables: Mapping[str, str], memory_mib: int) -> Run:
    """Start a command. That it cannot be started shows in how it ends.

    Args:
        command: program and arguments, at least a program.
        variables: the container's environment, with the AWS_BATCH_* variables.
        memory_mib: 0 for no limit.

    Raises:
        OSError: this machine has no room for a folder or a process.
    """
    folder = Path(tempfile.mkdtemp(prefix="batchiac-job-"))
    try:
        work = folder / "work"
        work.mkdir()
        user = _other_user()
        own = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        output, writing = _make_pipe()
        try:
            if user is not None:
                os.chown(work, user.pw_uid, user.pw_gid)
                os.chown(writing, user.pw_uid, user.pw_gid)  # for a script's `>/dev/stderr`, which opens it anew
                folder.chmod(0o711)
            supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", str(SUPERVISOR), str(folder)],
                stdin=subprocess.PIPE,
                stdout=writing,
                stderr=writing,
                cwd=work,
                env=own,
                start_new_session=True,
                close_fds=True,
            )
        except OSError:
            os.close(output)
            raise
        finally:
            os.close(writing)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    order = {
        "command": list(command),
        "environment": {**own, "HOME": str(work), **variables},
        "uid": -1 if user is None else user.pw_uid,
        "gid": -1 if user is None else user.pw_gid,
    }
    run = Run(supervisor, folder, memory_mib, output)
    run._order(json.dumps(order).encode() + b"\n")
    return run


def _make_pipe() -> tuple[int, int]:
    """A pipe to be read without waiting: its ends for reading and writing."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with contextlib.suppress(OSError, AttributeError):  # a user may have only so many large pipes; and Linux only
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return reading, writing


def _other_user() -> pwd.struct_passwd | None:
    """`nobody` where the server runs as root, None where it is somebody already, or where there is no such user."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        return None


def _pieces(line: bytes) -> Iterable[bytes]:
    if len(line) <= MOST_LINE_BYTES:
        return (line,)
    return (line[at : at + MOST_LINE_BYTES] for at in range(0, len(line), MOST_LINE_BYTES))


# --- memory -------------------------------------------------------------------------------------------------------


def end_those_out_of_memory(runs: Iterable[Run]) -> None:
    """Kill every container that holds more than its limit. Nothing is seen where there is no /proc."""
    limited = [run for run in runs if run.memory_mib]
    if not limited or not os.path.isdir("/proc/self"):  # noqa: PTH112
        return
    parents, pages = _processes()
    for run in limited:
        held = _below(run.supervisor.pid, parents)
        if _mebibytes(sum(pages[pid] for pid in held)) <= run.memory_mib:
            continue
        # Pages that processes share were counted for each: the exact sum is dear, and asked for only now.
        if sum(_proportional_mib(pid) for pid in held) > run.memory_mib:
            run.kill_for_memory()


def _processes() -> tuple[dict[int, list[int]], dict[int, int]]:
    """Of all processes: children by parent, and resident pages."""
    children: dict[int, list[int]] = defaultdict(list)
    pages = {}
    for name in os.listdir("/proc"):  # noqa: PTH208  a Path for each process a few times a second is dear
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123
                fields = stat.read().rpartition(b")")[2].split()
        except OSError:
            continue  # it has ended in between
        # After "pid (name)": state, ppid, …; the 22nd of these is the resident pages.
        children[int(fields[1])].append(int(name))
        pages[int(name)] = int(fields[21])
    return children, pages


def _below(supervisor: int, children: Mapping[int, Sequence[int]]) -> list[int]:
    """All that a supervisor has started, not itself. It inherits what loses its parent: none is missed."""
    found: list[int] = []
    ahead = list(children.get(supervisor, ()))
    while ahead:
        pid = ahead.pop()
        found.append(pid)
        ahead.extend(children.get(pid, ()))
    return found


def _mebibytes(pages: int) -> float:
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576


def _proportional_mib(pid: int) -> float:
    """What a process holds, a page that n processes share counted as its nth part; 0 for one that has ended."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as rollup:  # noqa: PTH123
            for line in rollup:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0
