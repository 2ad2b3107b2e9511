"""AWS calls of one process answered by another: a door whose calls travel over a socket, and who answers them."""

from __future__ import annotations

import contextlib
import pickle
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import frozen

from batchiac.aws.door import Client, Door
from batchiac.errors import AwsRefusal
from batchiac.model.target import Target
from batchiac.testing import TestStack


class Wire:
    """Pickled messages over a socket, one question at a time."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._lock = threading.Lock()

    def send(self, message: object) -> None:
        data = pickle.dumps(message)
        self._end.sendall(struct.pack("!I", len(data)) + data)

    def receive(self) -> Any:
        """The next message; None when the other end is gone."""
        head = self._read(4)
        body = None if head is None else self._read(struct.unpack("!I", head)[0])
        return None if body is None else pickle.loads(body)

    def ask(self, message: object) -> Any:
        with self._lock:
            self.send(message)
            return self.receive()

    def _read(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            try:
                part = self._end.recv(size - len(data))
            except ConnectionResetError:  # it died with an answer unread
                return None
            if not part:
                return None
            data += part
        return data


Interference = Callable[[int, str, str, str], None]
"""(number of the call, service, method, "before" or "after"): ends the process, raises, or does nothing."""


class RemoteDoor(Door):
    """A door whose calls are answered by the process that owns the account. `interfere` sees each before and after.

    Args:
        models: a door of this process, whose clients know what the API's structures are; nothing is called through it.
    """

    def __init__(self, target: Target, wire: Wire, interfere: Interference, models: Door) -> None:
        super().__init__(target, sleep=lambda s: wire.ask(("sleep", s)), clock=lambda: wire.ask(("clock",)))
        self.models = models
        self._wire = wire
        self._interfere = interfere
        self._made = 0
        self._calls = threading.Lock()

    def _build(self, service: str) -> Any:
        return self._clients.setdefault(service, _RemoteClient(self, service))  # type: ignore[arg-type]

    def call(self, service: str, method: str, key: str | None, parameters: Mapping[str, Any]) -> Any:
        # One at a time, so that a call's number means the same before and after it.
        with self._calls:
            self._made += 1
            number = self._made
            self._interfere(number, service, method, "before")
            answer = self._wire.ask(("call", service, method, key, parameters))
            self._interfere(number, service, method, "after")
        if isinstance(answer, _Refusal):
            raise AwsRefusal(answer.operation, answer.code, answer.message, answer.status)
        return answer


class _RemoteClient:
    def __init__(self, door: RemoteDoor, service: str) -> None:
        self._door = door
        self._service = service

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda **parameters: self._door.call(self._service, method, None, parameters)

    def shape(self, name: str) -> Any:
        return self._door.models.client(self._service).shape(name)

    def pages(self, method: str, result_key: str, **parameters: Any) -> Iterator[Any]:
        yield from self._door.call(self._service, method, result_key, parameters)


@frozen
class _Refusal:
    operation: str
    code: str
    message: str
    status: int


def serve(stack: TestStack, end: socket.socket) -> list[tuple[str, str]]:
    """Answer the deployer until it is gone; the calls that it made."""
    wire, calls = Wire(end), []
    while (question := wire.receive()) is not None:
        answer: Any = None
        if question[0] == "sleep":
            stack.clock.sleep(question[1])
        elif question[0] == "clock":
            answer = stack.clock.now_s()
        else:
            _, service, method, key, parameters = question
            calls.append((service, method))
            client: Client = stack.door.client(service)
            try:
                if key is None:
                    answer = getattr(client, method)(**parameters)
                else:
                    answer = list(client.pages(method, key, **parameters))
            except AwsRefusal as refusal:
                answer = _Refusal(refusal.operation, refusal.code, refusal.aws_message, refusal.http_status)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            wire.send(answer)
    return calls
