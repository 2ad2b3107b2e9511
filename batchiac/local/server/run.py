"""Starting and ending the server: socket, application, ticker, signals."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import define, frozen

from batchiac.errors import UsageError, UserError
from batchiac.local.server.safety import Gate, is_loopback, require_bind, require_host_name

DEFAULT_PORT = 4566
"""The port that users of local AWS stacks already have in their scripts."""

THREADS = 16
"""More than one only so that a slow answer (a fault) or a state machine's call back does not hold up the others."""


@frozen
class Settings:
    """What `batchiac serve` is told.

    Attributes:
        clock: `real`, `virtual`, `auto` or `scaled:N`.
        seed: of ids, durations and faults; the same seed and requests give the same everything.
        data: folder that keeps the stack across restarts; None keeps nothing.
        sync: how `data` is brought to the disk: `second` or `always`, see journal.py.
        accept_changed_history: go on where `data`, done again, leads to another state than it did.
        exposed: True when `--host` may be another address than a loopback one.
        allowed_hosts: names under which the control paths may be asked, beside this machine's own.
        executor: `simulated`, or `process` for jobs that really run (on a real or scaled clock, with projections).
        projections: False leaves out the mirror images in EC2, ECS, logs and the others.
        max_request_mib: larger requests are refused.
        warm: load the services that a deployment calls first in the background; else each at its first request.
        engine: fields of EngineSettings, and `quotas`, that have other values than their defaults (settings_file.py).
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    clock: str = "auto"
    seed: int = 0
    data: Path | None = None
    sync: str = "second"
    accept_changed_history: bool = False
    exposed: bool = False
    allowed_hosts: tuple[str, ...] = ()
    executor: str = "simulated"
    projections: bool = True
    max_request_mib: int = 256
    warm: bool = True
    engine: Mapping[str, Any] = {}


@define
class Server:
    """A server that is listening. `run` serves until `stop`; `close` must be called once, whatever happened.

    Attributes:
        address: `http://127.0.0.1:4566`.
        warning: what is to be said about the address and about what `data` brought back; mostly nothing.
    """

    address: str
    warning: str
    _waitress: Any
    _ending: list[Callable[[], None]]
    _stopping: bool = False

    def run(self) -> None:
        """Serve; returns after `stop`, when the requests under way are answered."""
        while not self._stopping:
            self._waitress.asyncore.loop(timeout=1.0, map=self._waitress._map, use_poll=True, count=1)
        self._waitress.task_dispatcher.shutdown(cancel_pending=True, timeout=10)

    def start(self) -> threading.Thread:
        """Serve in a thread of this process."""
        thread = threading.Thread(target=self.run, name="batchiac-server", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Make `run` return; may be called from any thread, and from a signal's handler."""
        if not self._stopping:
            self._stopping = True
            self._waitress.pull_trigger()

    def close(self) -> None:
        """End everything that belongs to the server: ticker, running jobs, journal, sockets."""
        from waitress import wasyncore

        wasyncore.close_all(self._waitress._map)
        for end in self._ending:
            end()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        UserError: the port is taken or not allowed, or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            what = f"port {port} of {host} is in use: end what listens there, or choose another (--port 0 finds one)"
        elif error.errno == errno.EACCES:
            what = f"port {port} is not allowed to this user: choose one above 1023"
        else:
            what = f"{host}:{port} cannot be listened at ({error.strerror or error}): name an address of this machine"
        raise UserError(what) from error


def make_server(settings: Settings) -> Server:
    """Bind, build (and, with `data`, bring back) the stack, and return the server, listening and not yet serving.

    Raises:
        UsageError: settings that would expose the machine, or contradict each other.
        ConfigError: `engine` says what no EngineSettings can be.
        UserError: the address cannot be bound.
        StateError: the data folder is damaged, in use, or of other settings.
    """
    from batchiac.local.server.assemble import assemble

    runs_processes = settings.executor == "process"
    warning = require_bind(settings.host, exposed=settings.exposed, runs_processes=runs_processes)
    flows = settings.clock == "real" or settings.clock.startswith("scaled:")
    if runs_processes and not (flows and settings.projections):
        raise UsageError(
            "--executor process runs while time flows, and writes real logs: use --clock real (or scaled:N, which"
            " shortens timeouts), with projections"
        )
    if settings.max_request_mib < 1:
        raise UsageError(f"--max-request-mib is {settings.max_request_mib}: give 1 or more")
    listening = bind(settings.host, settings.port)
    try:
        host, port = listening.getsockname()[:2]
        named = tuple(require_host_name(name) for name in settings.allowed_hosts)
        beyond = not is_loopback(settings.host)
        gate = Gate((settings.host.lower(), *named) if beyond else named, any_address=beyond)
        parts = assemble(settings, port=port, gate=gate)
        waitress_server = make_waitress(parts.application, listening, settings)
    except BaseException:
        listening.close()
        raise
    shown = f"[{host}]" if ":" in host else host
    said = "\n".join(each for each in (warning, parts.said) if each)
    return Server(f"http://{shown}:{port}", said, waitress_server, parts.ending)


def make_waitress(application: Callable[..., Any], listening: socket.socket, settings: Settings) -> Any:
    """waitress in front of a WSGI application, as this project runs it."""
    import waitress
    from waitress.channel import HTTPChannel
    from waitress.task import WSGITask

    # waitress warns of its queue's depth at each burst of clients: with one turn at a time a queue is no fault.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)

    class Task(WSGITask):  # type: ignore[misc]
        wrote_header: bool

        def get_environment(self) -> Mapping[str, Any]:
            environ: dict[str, Any] = super().get_environment()
            environ["batchiac.drop"] = self._drop
            return environ

        def write(self, data: bytes) -> None:
            """Head and body in one send where the body is one piece: a kill in between would leave an empty answer."""
            if self.wrote_header or not data or self.content_length != len(data) or not self.complete:
                super().write(data)
                return
            head = self.build_response_header()
            self.wrote_header = True
            self.content_bytes_written = len(data)
            self.channel.write_soon(head + data if self.has_body and self.request.command != "HEAD" else head)

        def _drop(self) -> None:
            """Break the connection without an answer (the fault `lost_answer`)."""
            self.channel.socket.shutdown(socket.SHUT_RDWR)
            self.channel.connected = False

    class Channel(HTTPChannel):  # type: ignore[misc]
        task_class = Task

    server = waitress.create_server(
        application,
        sockets=[listening],
        threads=THREADS,
        connection_limit=2_000,
        asyncore_use_poll=True,
        ident="batchiac",
        max_request_body_size=settings.max_request_mib * 1_048_576,
        channel_timeout=300,
        clear_untrusted_proxy_headers=True,
    )
    server.channel_class = Channel
    return server
