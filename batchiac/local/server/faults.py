"""Faults: the local stack's simulated "no", for trying out how a client copes.

Two families. Faults of *requests* (throttling, server errors, slow answers, answers lost after the effect) are decided
here, before or after a request: whether one with a probability strikes follows from the seed, the fault and how often
it was asked, so that the same seed and the same requests meet the same faults. Faults of the *simulation* (no capacity,
an interrupted Spot instance, an invalid environment, a deletion that never ends, consistency lag) are handed to the
engine, and taken back when they are cleared.

The server and the in-process stack share this: `POST /_batchiac/faults {"kind": "throttling", "times": 3}` is
`stack.faults.add("throttling", times=3)`. What kinds there are, and their settings: fault_kinds.py.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import define, field

from batchiac.local.api_error import ApiError
from batchiac.local.server.fault_kinds import KINDS, MAX_DELAY_S, FaultError, check_fault

__all__ = ["Fault", "FaultError", "Faults", "LostAnswerError", "Simulation", "check_fault", "read_action", "read_body"]


class LostAnswerError(Exception):
    """The answer is not to be sent: the effect has happened and the connection breaks."""


_THROTTLED: Mapping[str, tuple[str, int, str]] = {
    "batch": ("TooManyRequestsException", 429, "Too Many Requests"),
    "ec2": ("RequestLimitExceeded", 503, "Request limit exceeded."),
    "s3": ("SlowDown", 503, "Please reduce your request rate."),
}
"""Service → code, status and text of its throttling; the others say `Throttling` with status 400.

Source: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html (TooManyRequestsException),
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
"""


@define
class Fault:
    """One fault in force.

    Attributes:
        left: how often it may still strike, None without end.
        struck: how often it has struck.
        asked: how often chance was asked whether it strikes.
        until_ms: when it ends by itself, on the stack's clock; None where it does not.
    """

    id: str
    kind: str
    settings: dict[str, Any]
    left: int | None = None
    struck: int = 0
    asked: int = 0
    until_ms: int | None = None

    def wire(self) -> dict[str, Any]:
        """As the control path shows it."""
        return {"id": self.id, "kind": self.kind, **self.settings, "struck": self.struck}


class Simulation(Protocol):
    """Takes the faults of the simulation (simulation_faults.py)."""

    def inject(self, kind: str, settings: Mapping[str, Any]) -> int | None:
        """Let it happen; when it ends by itself. Raises: FaultError: there is nothing that it could happen to."""
        ...

    def lift(self, kind: str, settings: Mapping[str, Any]) -> None:
        """Take a lasting one back."""
        ...

    def now_ms(self) -> int:
        """The stack's present."""
        ...


@define
class Faults:
    """The faults in force.

    Args:
        seed: of what decides whether a fault with a probability strikes.
        simulation: takes the faults of the simulation.
        sleep: waits in real seconds (a virtual clock's stack: moves the clock).
        on_strike: told of every change of a fault's counts, as `restore` takes it.
    """

    seed: int = 0
    simulation: Simulation | None = None
    sleep: Callable[[float], None] = time.sleep
    on_strike: Callable[[dict[str, Any]], None] | None = None
    _faults: dict[str, Fault] = field(factory=dict, init=False)
    _serial: int = field(default=0, init=False)
    _of_requests: int = field(default=0, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    @property
    def any_of_requests(self) -> bool:
        """True while a request may meet a fault."""
        return self._of_requests > 0

    def add(self, kind: str, **settings: Any) -> Fault:
        """Bring a fault into force; one that happens once happens now, and is in no list afterwards.

        Args:
            settings: see `fault_kinds.KINDS`.

        Raises:
            FaultError: the kind or one of its settings is not one that there is, or names nothing that exists.
        """
        check_fault(kind, settings)
        row = KINDS[kind]
        with self._lock:
            self._serial += 1
            fault = Fault(f"fault-{self._serial}", kind, dict(settings), settings.get("times"))
            if row.of_requests:
                self._faults[fault.id] = fault
                self._of_requests += 1
                return fault
        if self.simulation is None:
            raise FaultError(f"the fault {kind} needs a running simulation, and this server has none")
        fault.until_ms = self.simulation.inject(kind, settings)
        fault.struck = 1
        if row.lasting:
            self._faults[fault.id] = fault
        return fault

    def listed(self) -> list[Fault]:
        """The faults in force, oldest first."""
        now = self.simulation.now_ms() if self.simulation is not None else 0
        return [each for each in self._faults.values() if each.until_ms is None or now < each.until_ms]

    def clear(self, fault_id: str | None = None) -> None:
        """Take one fault out of force, or all; what it has done to requests and jobs stays done.

        Raises:
            FaultError: there is none of that id.
        """
        with self._lock:
            if fault_id is not None and fault_id not in self._faults:
                raise FaultError(f"there is no fault {fault_id!r} in force")
            going = [self._faults.pop(each) for each in ([fault_id] if fault_id is not None else list(self._faults))]
            self._of_requests -= sum(KINDS[each.kind].of_requests for each in going)
            staying = list(self._faults.values())
        if self.simulation is None:
            return
        for fault in going:
            if not KINDS[fault.kind].of_requests:
                self.simulation.lift(fault.kind, fault.settings)
                # Two faults may say the same of one thing: what the others say holds on.
                for other in staying:
                    if other.kind == fault.kind:
                        lasting = {key: value for key, value in other.settings.items() if key != "duration_s"}
                        self.simulation.inject(other.kind, lasting)

    def restore(self, record: Mapping[str, Any]) -> None:
        """Have a fault's counts as `on_strike` told them; one that is not in force any more is no error."""
        fault = self._faults.get(record["id"])
        if fault is None:
            return
        fault.struck, fault.asked, fault.left = record["struck"], record["asked"], record["left"]
        if fault.left is not None and fault.left <= 0:
            self._end(fault)

    def before(self, service: str, operation: str) -> None:
        """Strike before a request has any effect.

        Raises:
            ApiError: the request is throttled, or meets a server error.
        """
        if not self._of_requests:
            return
        for fault in self._striking(service, operation, ("slow", "throttling", "server_error")):
            if fault.kind == "slow":
                self.sleep(min(float(fault.settings["delay_s"]), MAX_DELAY_S))
            elif fault.kind == "throttling":
                raise ApiError(*_THROTTLED.get(service, ("Throttling", 400, "Rate exceeded")))
            else:
                code = "ServerException" if service == "batch" else "InternalFailure"
                raise ApiError(code, fault.settings.get("status", 500), f"a fault that was asked for ({fault.id})")

    def before_http(self, service: str, environ: dict[str, Any]) -> str:
        """`before` for a request of another service, whose action is read from it; returns the action."""
        if not self._of_requests:
            return ""
        action = read_action(environ)
        self.before(service, action)
        return action

    def after(self, service: str, operation: str) -> None:
        """Strike after the effect.

        Raises:
            LostAnswerError: the client is not to get its answer.
        """
        if not self._of_requests:
            return
        for _ in self._striking(service, operation, ("lost_answer",)):
            raise LostAnswerError

    def _striking(self, service: str, operation: str, kinds: tuple[str, ...]) -> list[Fault]:
        """Those that strike, in the order of their making. One that refuses the request is the last: what comes after
        it has not struck."""
        striking: list[Fault] = []
        told: list[dict[str, Any]] = []
        with self._lock:
            for fault in list(self._faults.values()):
                settings = fault.settings
                if (
                    fault.kind not in kinds
                    or settings.get("service", service) != service
                    or settings.get("operation", operation) != operation
                ):
                    continue
                strikes = self._strikes(fault)
                if strikes:
                    fault.struck += 1
                    striking.append(fault)
                    if fault.left is not None:
                        fault.left -= 1
                        if fault.left <= 0:
                            self._end(fault)
                told.append({"id": fault.id, "struck": fault.struck, "asked": fault.asked, "left": fault.left})
                if strikes and fault.kind != "slow":
                    break
        if self.on_strike is not None:
            for record in told:
                self.on_strike(record)
        return striking

    def _strikes(self, fault: Fault) -> bool:
        probability = float(fault.settings.get("probability", 1))
        if probability >= 1:
            return True
        fault.asked += 1
        return random.Random(f"{self.seed}:{fault.id}:{fault.asked}").random() < probability

    def _end(self, fault: Fault) -> None:
        if self._faults.pop(fault.id, None) is not None:
            self._of_requests -= KINDS[fault.kind].of_requests


def read_action(environ: dict[str, Any]) -> str:
    """The action of a request of another service: its `X-Amz-Target`, or `Action` of its form; empty for REST."""
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return str(target).rpartition(".")[2]
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        from urllib.parse import parse_qs

        body = read_body(environ)
        return parse_qs(body.decode("utf-8", "replace")).get("Action", [""])[0]
    return ""


def read_body(environ: dict[str, Any]) -> bytes:
    """The whole body, left in place for the next reader."""
    import io

    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body
