"""What stands between the server and one container's process: starts it, passes signals on, leaves nothing behind.

A program of its own, `python -I -S supervisor.py FOLDER`, with nothing but the standard library, one for each
container. It is there for what the server cannot do. Between fork and exec Python code may run only in a process
without threads: changing the user. A job's processes may leave their session and outlive their parent: as "subreaper"
the supervisor inherits them, as a container's runtime would, and kills them when the command ends. And a server that is
killed with -9 kills nobody: its end of the control pipe closes then, and the supervisor does it.

Protocol. Standard input: one line of JSON (`command`, `environment`, `uid` and `gid` or -1), then one byte an order:
T for SIGTERM to the command's process group, K for SIGKILL to everything. Its end is a K, and the folder goes too.
Standard output and error are the command's. FOLDER/report, written last: JSON with `code` (128 + the signal's number
where one ended it), `peak_mib` (of the largest process), and `failed`, why the command could not be started.

The user changes in the child only: a job cannot kill its supervisor where the server is root.
"""

# pathlib would double the time that every container takes to begin:
# ruff: noqa: PTH110, PTH118, PTH123, PTH208

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import warnings  # noqa: F401  os.execvpe imports it late, when the other user may not be able to read it any more

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LINUX = sys.platform == "linux"
NOT_FOUND, NOT_EXECUTABLE = 127, 126


def main() -> None:
    folder = sys.argv[1]
    # Only the control pipe ends a supervisor: what is sent to the server's terminal is the server's to pass on.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    if LINUX:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    order, rest = read_order()
    exec_read, exec_write = os.pipe()
    supervisor = os.getpid()
    child = os.fork()
    if not child:
        # Whatever happens here must not return into the supervisor's code.
        try:
            os.close(wake_read)
            become(order, exec_write, supervisor)
        finally:
            os._exit(NOT_EXECUTABLE)
    os.close(exec_write)
    for sent in rest:
        obey(bytes((sent,)), child)
    ended, orphaned = supervise(child, wake_read)
    kill_everything(child)
    if orphaned:
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
        return
    failed = os.read(exec_read, 65_536).decode("utf-8", "replace")
    # FOLDER is this user's alone; the report is whole when this program has ended.
    with open(os.path.join(folder, "report"), "w", encoding="utf-8") as report:
        json.dump({**ended, "failed": failed}, report)


def read_order() -> tuple[dict[str, object], bytes]:
    """The first line of standard input, and what came behind it."""
    read = b""
    while b"\n" not in read:
        piece = os.read(0, 65_536)
        if not piece:
            sys.exit(NOT_EXECUTABLE)  # the server ended before it had given the order
        read += piece
    line, _, rest = read.partition(b"\n")
    return json.loads(line), rest


def become(order: dict[str, object], exec_write: int, supervisor: int) -> None:
    """In the child: another user, a session of its own, the command. Returns only if the command cannot be started."""
    command: list[str] = order["command"]  # type: ignore[assignment]
    environment: dict[str, str] = order["environment"]  # type: ignore[assignment]
    uid, gid = int(order["uid"]), int(order["gid"])  # type: ignore[call-overload]
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if LINUX:
        # After the change of users, which takes it back. A supervisor that is killed must not leave its command.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(NOT_EXECUTABLE)
    try:
        os.execvpe(command[0], command, environment)
    except (OSError, ValueError) as error:
        code, text = why_not(command[0], environment, error)
        os.write(exec_write, text.encode("utf-8", "replace")[:4096])
        os._exit(code)


def why_not(program: str, environment: dict[str, str], error: Exception) -> tuple[int, str]:
    """The exit code, and why a program cannot be started, in the words of the container runtime."""
    text = f'exec: "{program}": '
    if not isinstance(error, OSError):
        return NOT_EXECUTABLE, text + str(error)  # a NUL in an argument
    if "/" in program:
        if not os.path.lexists(program):
            return NOT_FOUND, f"{text}stat {program}: no such file or directory"
    # A folder of PATH that this user may not enter makes a command that is nowhere look like one not allowed.
    elif not any(os.path.exists(os.path.join(each, program)) for each in os.get_exec_path(environment)):
        return NOT_FOUND, text + "executable file not found in $PATH"
    return NOT_EXECUTABLE, text + (error.strerror or "cannot be executed").lower()


def supervise(child: int, wake_read: int) -> tuple[dict[str, object], bool]:
    """Until the command has ended: its end, and whether the server had gone before."""
    watched = [0, wake_read]
    orphaned = False
    while True:
        ready, _, _ = select.select(watched, [], [])
        if wake_read in ready:
            os.read(wake_read, 4096)
        if 0 in ready:
            sent = os.read(0, 4096)
            if not sent:
                orphaned = True
                watched.remove(0)
                sent = b"K"
            for each in sent:
                obey(bytes((each,)), child)
        ended = reap(child)
        if ended is not None:
            return ended, orphaned


def obey(sent: bytes, child: int) -> None:
    number = signal.SIGTERM if sent == b"T" else signal.SIGKILL
    # Between fork and setsid there is no such group yet: then it is the process alone.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(child, number)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, number)


def reap(child: int) -> dict[str, object] | None:
    """Take note of processes that have ended; the command's end, None while it runs."""
    while True:
        try:
            pid, status, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if not pid:
            return None
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            peak_kib = used.ru_maxrss if LINUX else used.ru_maxrss / 1024
            return {"code": code if code >= 0 else 128 - code, "peak_mib": peak_kib / 1024}


def kill_everything(child: int) -> None:
    """The command has ended: so does all that it has started, in whatever session."""
    if not LINUX:
        obey(b"K", child)
        return
    while True:
        killed = False
        for pid in children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                killed = True
        try:
            # Their children become ours when they end. What may not be killed is not waited for.
            os.waitpid(-1, 0 if killed else os.WNOHANG)
        except ChildProcessError:
            return
        if not killed:
            return


def children() -> list[int]:
    """The processes whose parent this is now."""
    own, found = str(os.getpid()), []
    for name in os.listdir("/proc"):
        if name.isdigit():
            # It may have ended in between.
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as stat:
                # "pid (name) state ppid …"; the name may have blanks and brackets.
                if stat.read().rpartition(")")[2].split()[1] == own:
                    found.append(int(name))
    return found


if __name__ == "__main__":
    main()
