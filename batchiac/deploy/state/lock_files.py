"""Who holds a stack: one file a holder, as Pulumi's CLI has it, which takes every file in the folder for a lock.

Source: pulumi/pkg/backend/diy/lock.go.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

from batchiac.deploy.state.atomic_file import write_atomically
from batchiac.deploy.state.checkpoint import now
from batchiac.errors import StateError


class LockFiles:
    """The locks of one stack."""

    def __init__(self, base: Path, folder: Path, stack: str) -> None:
        """
        Args:
            base: the backend's own folder, above `folder`; a lock that is half written is there.
            folder: of the stack's locks, and of nothing else.
        """
        self.folder = folder
        self._base = base
        self._stack = stack

    def all(self) -> list[Path]:
        """The lock files of the stack, whoever holds them."""
        return sorted(self.folder.glob("*.json"))

    def holders(self) -> list[str]:
        """Who holds the stack, in words; with what Pulumi's CLI takes for a lock."""
        return [_holder(path) for path in self._files() if path.suffix != ".attrs"]

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the stack. Folders stay, empty as they may be: another stack's run may be about to write into them.

        Raises:
            StateError: somebody else holds it, or the lock cannot be written.
        """
        # As Pulumi does it: look, write one's own, look again; of two that meet, both give way.
        self._require_free(None)
        mine = self.folder / f"{uuid.uuid4()}.json"
        holder = {
            "pid": os.getpid(),
            "username": _user_name(),
            "hostname": socket.gethostname(),
            "timestamp": now(),
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(mine, json.dumps(holder, separators=(",", ":")), through=self._base)
        except OSError as error:
            raise StateError(
                f"the lock of stack {self._stack} could not be written to {mine}: {error.strerror or error}; nothing"
                " was changed"
            ) from error
        try:
            self._require_free(mine)
            yield
        finally:
            with contextlib.suppress(OSError):
                # What cannot be removed keeps others out, who are told how to get rid of it.
                mine.unlink(missing_ok=True)

    def _require_free(self, mine: Path | None) -> None:
        others = [path for path in self.all() if path != mine]
        if others:
            raise StateError(
                f"the stack {self._stack} is locked by {_holder(others[0])}: wait for it to end, or, if it was killed,"
                f" remove the lock with `batchiac cancel --stack {self._stack}` ({others[0]})"
            )

    def remove_all(self) -> None:
        """Remove every lock, whoever holds it, and whatever else is there and a lock to Pulumi's CLI."""
        for path in self._files():
            path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*") if path.is_file())


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no entry for the user id, as in many containers
        return str(os.getuid())


def _holder(path: Path) -> str:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        who = f"{held['username']}@{held['hostname']} (process {held['pid']}) since {held['timestamp']}"
        gone = held["hostname"] == socket.gethostname() and not _runs(int(held["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return "an unreadable lock file"
    return f"{who}, a process that no longer runs" if gone else who


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
