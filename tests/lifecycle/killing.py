"""kill -9 of a whole deployment at one of its requests: every request passes a proxy, which kills before it is
forwarded, or when its answer is there and before it is given."""

from __future__ import annotations

import http.client
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from sys import exception
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, list[tuple[str, str]], bytes]
"""(status, headers, content)"""

Account = Callable[[str, str, Mapping[str, str], bytes], Answer]
"""(method, path with its query, headers, body) → what AWS answers."""


class Proxy(ThreadingHTTPServer):
    """Between a deployment and its account. `die_at` and `moment` say when `kill` is called."""

    daemon_threads = True

    def __init__(self, account: Account) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.account = account
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.made = 0
        self.die_at = 0
        self.moment = "before"
        self.kill: Callable[[], None] = lambda: None
        # What a dead process still had on its connections must not reach the account of the next case.
        self.deployment = 0
        self.failures: list[BaseException | None] = []
        # One at a time, so that nothing else is under way at the account when the deployment dies.
        self.turn = threading.Lock()

    def arm(self, number: int, moment: str, kill: Callable[[], None]) -> None:
        """Have `kill` called at that request, counted from now on."""
        self.made, self.die_at, self.moment, self.kill = 0, number, moment, kill

    def disarm(self) -> None:
        """The deployment is over: what is left of it is not answered any more."""
        with self.turn:
            self.deployment += 1
            self.die_at = 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked is dead; kept for the message of a test that fails."""
        self.failures.append(exception())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def log_message(self, *_: Any) -> None:
        """Not on the tests' output."""

    def setup(self) -> None:
        super().setup()
        self.deployment = self.server.deployment

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        proxy = self.server
        with proxy.turn:
            if self.deployment != proxy.deployment:
                self.close_connection = True
                return
            proxy.made += 1
            number = proxy.made
            if number == proxy.die_at and proxy.moment == "before":
                proxy.kill()
                return
            if proxy.die_at and number > proxy.die_at:
                self.close_connection = True
                return
            status, headers, content = proxy.account(self.command, self.path, dict(self.headers), body)
            if number == proxy.die_at:
                proxy.kill()
                return
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815  http.server looks them up by these names


def account_at(address: str) -> Account:
    """An account behind a server."""
    place = urlsplit(address).netloc

    def answer(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPConnection(place)
        connection.request(method, path, body, dict(headers))
        found = connection.getresponse()
        content = found.read()
        connection.close()
        return found.status, found.getheaders(), content

    return answer


@contextmanager
def proxied(account: Account) -> Iterator[Proxy]:
    """A proxy that answers as long as the block lasts."""
    made = Proxy(account)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()
        thread.join()


def kill_session(leader: int) -> None:
    """kill -9 of all processes of the session that `leader` began: the CLI's plugins are groups of their own."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            session = int(path.read_text().rpartition(")")[2].split()[3])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if session == leader:
            try:
                os.kill(int(path.parent.name), signal.SIGKILL)
            except ProcessLookupError:
                continue
