"""The first moments of a job's process: become its user, tie its life to the server's, then become the command.

Run as `python -I child.py UID GID COMMAND…`, -1 for a user that stays. It is a program of its own because what it does
must happen in the child, between fork and exec, where a server with threads must not run Python code; and because the
other user may not be allowed to read this Python, it changes users itself.
"""

import ctypes
import os
import signal
import sys
import warnings  # noqa: F401  os.execvp imports it late, when the other user may not be able to read it any more

PR_SET_PDEATHSIG = 1


def main() -> None:
    uid, gid = int(sys.argv[1]), int(sys.argv[2])
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After the change of users, which takes it back.
    if sys.platform == "linux":
        # kill -9 of the server must not leave its jobs behind, with nobody to write their logs or end them.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    command = sys.argv[3:]
    try:
        os.execvp(command[0], command)
    except OSError as error:
        # A folder of PATH that this user may not enter makes a command that is nowhere look like one not allowed.
        folders = [""] if "/" in command[0] else os.get_exec_path()
        there = any(os.path.exists(os.path.join(folder, command[0])) for folder in folders)  # noqa: PTH110, PTH118
        sys.stderr.write(f"exec: {command[0]}: {error.strerror if there else 'No such file or directory'}\n")
        sys.stderr.flush()
        sys.exit(126 if there else 127)


if __name__ == "__main__":
    main()
