"""A server of ours in this process, over any handler, with boto3 clients that talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config

from batchiac.local.server.app import LocalStackApplication
from batchiac.local.server.control import Control
from batchiac.local.server.faults import Faults
from batchiac.local.server.moto_route import MotoApplication
from batchiac.local.server.run import Server, Settings, bind, make_waitress
from batchiac.local.server.safety import Gate
from batchiac.local.server.turn import Turn


class FixedStack:
    """A stack whose clock is a number."""

    def __init__(self) -> None:
        self.now = 1_000
        self.moves = True

    def now_ms(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1_000)

    def run_until_idle(self) -> None:
        self.now = 9_999

    def clock_moves(self) -> bool:
        return self.moves

    def state(self) -> dict[str, Any]:
        return {"now_ms": self.now}

    def timeline(self, account: str, region: str) -> dict[str, Any]:
        return {"points": [account, region]}

    def environment(self, account: str, region: str, name: str) -> dict[str, Any]:
        return {"name": [account, region, name]}

    def history(self, account: str, region: str, job_id: str) -> dict[str, Any]:
        return {"steps": [account, region, job_id]}

    def metadata(self, *names: object) -> dict[str, Any]:
        return {"asked": list(names)}

    def log(self, account: str, region: str, group: str, stream: str) -> dict[str, Any]:
        return {"events": [account, region, group, stream]}

    @contextmanager
    def looking(self) -> Iterator[None]:
        yield


class Front:
    """One running server: what it was asked (`calls`), what it answers (`outcome`), and clients of it."""

    def __init__(self, *, gate_all: bool = False, max_request_mib: int = 256) -> None:
        self.calls: list[tuple[str, str, str, dict[str, Any]]] = []
        self.outcome: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda operation, params: {}
        self.stack = FixedStack()
        self.faults = Faults(sleep=lambda seconds: None)
        turn = Turn()
        listening = bind("127.0.0.1", 0)
        port = listening.getsockname()[1]
        application = LocalStackApplication(
            self._handle,
            turn,
            MotoApplication(),
            Control(self.stack, turn, self.faults, self._handle),
            self.faults,
            Gate(),
            gate_all=gate_all,
        )
        self.address = f"http://127.0.0.1:{port}"
        settings = Settings(port=port, max_request_mib=max_request_mib)
        self.server = Server(self.address, "", make_waitress(application, listening, settings), [])
        self._thread = self.server.start()

    def _handle(self, account: str, region: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((account, region, operation, params))
        return self.outcome(operation, params)

    def client(self, service: str, region: str = "eu-west-1", key: str = "testing") -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.address,
            aws_access_key_id=key,
            aws_secret_access_key="testing",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def end(self) -> None:
        self.server.stop()
        self._thread.join()
        self.server.close()


@pytest.fixture
def front() -> Iterator[Front]:
    running = Front()
    yield running
    running.end()
