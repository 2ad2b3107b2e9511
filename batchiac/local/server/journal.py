"""The journal: every change that the server made, one line each, so that it can be made again after a restart.

Theory of operation. A folder holds `meta.json` (what the stack was started as), `journal.jsonl`, and `lock`. A line is
`<crc32 in hex> <JSON>`, written with one write(2) after the change and before its answer. What a process wrote is in
the operating system's hands when the call returns, so kill -9 loses nothing that was answered; the ticker syncs to the
disk once a second, against power failure, and with `--sync always` each line is there before its answer. On start the
lines are replayed in order, each at its time and seed.

The last line may be torn (the process died in the write): its change was never answered, and it is cut off. Any other
bad line is damage, and is refused: a stack with a hole in its history is no stack.

Records: `t` is the stack's time in ms, `w` the machine's, `k` the kind, beside what the kind needs:
    batch  a(ccount) r(egion) o(peration) p(arams)      http   m(ethod) u(rl) q(uery) h(eaders) b(ody, base64)
    clock  s(econds; null: until idle)                  time   (how far the clock has come)
    touch  a, r: the first request in an account and region
    fault  kind, settings     clear  id (null: all)      strike  a fault's counts
    exit   what a real process did (executors)          log     what it wrote
    begin  all containers of a real task have begun
    execution  how an execution of Step Functions ended
How a change was answered is beside it: `st`, the HTTP status of another service; `e`, the code of Batch's refusal.
What clients send is in it as they sent it, secrets included (CreateSecret's SecretString): the folder's files are for
their owner alone. Why no pickles, and no copy of moto's memory: docs/decisions/0200.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from batchiac.errors import StateError

FORMAT = 1
_COMPACT = {"separators": (",", ":"), "ensure_ascii": True}

_READING = (
    "Describe",
    "List",
    "Get",
    "Head",
    "BatchGet",
    "Lookup",
    "Search",
    "Scan",
    "Query",
    "Simulate",
    "Validate",
    "Filter",
)
"""How the actions that change nothing begin. A reading action outside this list costs a needless line; a changing one
inside it would be lost, so the list holds words that AWS uses for reading only."""

_OF_RUNNING = frozenset(
    {"StartSyncExecution", "StopExecution", "TestState", "SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"}
)
"""Actions of Step Functions that act on what runs, or run at once: what executions did is in the journal by itself, and
a replay runs none (executions.py)."""


def changes(service: str, method: str, action: str) -> bool:
    """True when a request of another service than Batch must be written down.

    Args:
        service: of the signature; empty for an unsigned request.
        action: `CreateRole`; empty for a REST service, whose method decides.
    """
    if action:
        return not action.startswith(_READING) and not (service == "states" and action in _OF_RUNNING)
    return method not in ("GET", "HEAD", "OPTIONS")


class Journal:
    """An open journal; one process at a time has it.

    Args:
        folder: made when it is not there.
        meta: what the stack is started as; a journal of another meaning is refused, because its replay would differ.
        sync: `second`: a power cut can lose the last second; `always`: each record is on the disk when it is written.
        versions: of what answers requests, for a folder that is new.

    Attributes:
        lines: how many records the file holds, as far as they were read or written.
        versions: under which the folder was kept last.

    Raises:
        StateError: in use, damaged, of another format, or of other settings.
    """

    def __init__(
        self,
        folder: Path,
        meta: Mapping[str, Any],
        *,
        sync: str = "second",
        versions: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.lines = 0
        self._always = sync == "always"
        self._failed = ""
        self._meta: dict[str, Any] = {"format": FORMAT, **meta}
        self.versions: Mapping[str, str] = versions or {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(f"the data folder {folder} cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise StateError(
                f"the data folder {folder} is in use by another server: end that one, or name another folder"
            ) from None
        try:
            self._require_same()
            self._file = os.open(folder / "journal.jsonl", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except BaseException:
            os.close(self._lock)
            raise
        self._synced = True

    def _require_same(self) -> None:
        path = self.folder / "meta.json"
        if not path.exists():
            if (self.folder / "journal.jsonl").exists():
                raise StateError(f"{self.folder} holds a journal and no meta.json: restore it, or name another folder")
            self.adopt(self.versions)
            return
        try:
            found = json.loads(path.read_text("utf-8"))
        except (ValueError, OSError) as error:
            raise StateError(f"{path} cannot be read ({error}): restore it, or name another folder") from error
        if not isinstance(found, dict):
            raise StateError(f"{path} is not what this program wrote: restore it, or name another folder")
        self.versions = found.get("versions", {})
        for key, value in self._meta.items():
            if found.get(key) != value:
                raise StateError(
                    f"the data in {self.folder} was kept with {key} {found.get(key)!r}, and this server is started with"
                    f" {value!r}: start it with {found.get(key)!r}, or name another folder"
                )

    def adopt(self, versions: Mapping[str, str]) -> None:
        """Have the folder say that these versions keep it from now on."""
        self.versions = versions
        write_whole(self.folder / "meta.json", json.dumps({**self._meta, "versions": versions}, indent=1) + "\n")

    def records(self) -> Iterator[dict[str, Any]]:
        """Every record, oldest first; a torn last line is cut off the file.

        Raises:
            StateError: a line that is not the last one is damaged.
        """
        path = self.folder / "journal.jsonl"
        position = 0
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                record = _read_line(line)
                if record is None:
                    if lines.read(1):
                        raise StateError(
                            f"{path} is damaged at line {number}: restore it, or delete the folder to start anew"
                        )
                    os.ftruncate(self._file, position)
                    return
                position += len(line)
                self.lines = number
                yield record

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one record.

        Raises:
            StateError: the disk is full, or the file cannot be written; from then on, every time.
        """
        if self._failed:
            # A change after one that is not in the file would be done again without it: elsewhere.
            raise StateError(f"{self._failed}; restart the server, which then is what it last answered for")
        line = write_line(record)
        written, why = 0, "the disk is full"
        try:
            written = os.write(self._file, line)
        except OSError as error:
            why = error.strerror or str(error)
        if written != len(line):
            # Half a line would make what comes after it unreadable.
            os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            self._failed = f"the journal in {self.folder} cannot be written: {why}"
            raise StateError(self._failed)
        self.lines += 1
        if self._always:
            os.fdatasync(self._file)
            return
        self._synced = False

    def sync(self) -> None:
        """Bring what was written to the disk; cheap when nothing was."""
        if not self._synced:
            self._synced = True
            os.fdatasync(self._file)

    def close(self) -> None:
        """Sync, and let another process have the folder."""
        self.sync()
        os.close(self._file)
        os.close(self._lock)


def write_line(record: Mapping[str, Any]) -> bytes:
    """The record as a line of the file."""
    text = json.dumps(record, **_COMPACT).encode()  # type: ignore[arg-type]
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _read_line(line: bytes) -> dict[str, Any] | None:
    """The record of a line, None for a torn or damaged one."""
    if len(line) < 10 or not line.endswith(b"\n") or line[8:9] != b" ":
        return None
    text = line[9:-1]
    try:
        if int(line[:8], 16) != zlib.crc32(text):
            return None
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def write_whole(path: Path, text: str) -> None:
    """Write a small file so that it is there whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    # For this user alone, as the journal is: requests hold what clients send.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


_KEPT_HEADERS = ("HTTP_AUTHORIZATION", "HTTP_HOST", "HTTP_USER_AGENT", "CONTENT_TYPE")


def http_record(environ: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """What a request of another service must be sent again with: method, address, body, and the headers that matter."""
    headers = {
        key: value
        for key, value in environ.items()
        if isinstance(value, str) and (key in _KEPT_HEADERS or key.startswith(("HTTP_X_AMZ", "HTTP_X_MOTO")))
    }
    query = environ.get("QUERY_STRING", "")
    encoded = base64.b64encode(body).decode()
    return {
        "k": "http",
        "m": environ["REQUEST_METHOD"],
        "u": environ.get("PATH_INFO", ""),
        "q": query,
        "h": headers,
        "b": encoded,
    }


def http_environ(record: Mapping[str, Any]) -> dict[str, Any]:
    """The WSGI environment that sends a recorded request again."""
    import io
    import sys

    body = base64.b64decode(record["b"])
    host, _, port = record["h"].get("HTTP_HOST", "localhost").partition(":")
    return {
        "REQUEST_METHOD": record["m"],
        "SCRIPT_NAME": "",
        "PATH_INFO": record["u"],
        "QUERY_STRING": record["q"],
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **record["h"],
    }
