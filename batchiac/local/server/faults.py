"""Faults: the local stack's simulated "no", for trying out how a client copes.

Two families. Faults of *requests* (throttling, server errors, slow answers, answers lost after the effect) are decided
here, before or after a request, by a seeded generator: the same seed and the same requests meet the same faults. Faults
of the *simulation* (no capacity, an interrupted Spot instance, an invalid environment, a deletion that never ends,
consistency lag) are handed to the engine, whose own seed decides.

One table says each kind's settings; adding a kind is a row, and a branch only where it acts.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field, frozen

from batchiac.errors import UserError
from batchiac.local.api_error import ApiError

MAX_DELAY_S = 60.0


class LostAnswerError(Exception):
    """The answer is not to be sent: the effect has happened and the connection breaks."""


class FaultError(UserError):
    """A fault that is asked for cannot be: an unknown kind, an unknown or missing setting, a value out of range."""


@frozen
class Kind:
    """One kind of fault.

    Attributes:
        of_requests: True where this module decides, False where the engine does.
        required: settings that must be there, with their types.
        optional: settings that may be there, with their types.
    """

    of_requests: bool
    required: Mapping[str, tuple[type, ...]]
    optional: Mapping[str, tuple[type, ...]]


_NUMBER = (int, float)
_OF_REQUESTS: dict[str, tuple[type, ...]] = {
    "service": (str,),
    "operation": (str,),
    "probability": _NUMBER,
    "times": (int,),
}

KINDS: Mapping[str, Kind] = {
    "throttling": Kind(True, {}, _OF_REQUESTS),
    "server_error": Kind(True, {}, {**_OF_REQUESTS, "status": (int,)}),
    "slow": Kind(True, {"delay_s": _NUMBER}, _OF_REQUESTS),
    "lost_answer": Kind(True, {}, _OF_REQUESTS),
    "no_capacity": Kind(False, {"instance_type": (str,)}, {"market": (str,), "count": (int,), "duration_s": _NUMBER}),
    "spot_interruption": Kind(False, {}, {"instance_id": (str,), "compute_environment": (str,)}),
    "invalid_environment": Kind(False, {"compute_environment": (str,)}, {"reason": (str,)}),
    "stuck_deleting": Kind(False, {"compute_environment": (str,)}, {}),
    "consistency_lag": Kind(False, {"lag_s": _NUMBER}, {}),
}
"""The settings of requests' faults: which `service` (`batch`; all) and `operation` (all), how often (`probability`, 1),
and how many `times` at most (without end)."""

_THROTTLED: Mapping[str, tuple[str, int, str]] = {
    "batch": ("TooManyRequestsException", 429, "Too Many Requests"),
    "ec2": ("RequestLimitExceeded", 503, "Request limit exceeded."),
}
"""Service → code, status and text of its throttling; the others say `Throttling` with status 400.

Source: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html (TooManyRequestsException),
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
"""


@define
class Fault:
    """One fault in force. `left` is how often it may still strike, None without end."""

    id: str
    kind: str
    settings: dict[str, Any]
    left: int | None = None
    struck: int = 0

    def wire(self) -> dict[str, Any]:
        """As the control path shows it."""
        return {"id": self.id, "kind": self.kind, **self.settings, "struck": self.struck}


Inject = Callable[[str, Mapping[str, Any]], None]


@define
class Faults:
    """The faults in force.

    Args:
        seed: of the generator that decides whether a fault with a probability strikes.
        inject: takes a fault of the simulation: (kind, settings). Raises `FaultError` when there is no such thing.
        sleep: waits in real seconds.
    """

    seed: int = 0
    inject: Inject | None = None
    sleep: Callable[[float], None] = time.sleep
    _faults: dict[str, Fault] = field(factory=dict, init=False)
    _random: random.Random = field(init=False)
    _serial: int = field(default=0, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def add(self, kind: str, **settings: Any) -> Fault:
        """Bring a fault into force.

        Raises:
            FaultError: the kind or one of its settings is not one that there is.
        """
        check_fault(kind, settings)
        with self._lock:
            self._serial += 1
            fault = Fault(f"fault-{self._serial}", kind, settings, settings.get("times"))
            if KINDS[kind].of_requests:
                self._faults[fault.id] = fault
        if not KINDS[kind].of_requests:
            if self.inject is None:
                raise FaultError(f"the fault {kind} needs a running simulation, and this server has none")
            self.inject(kind, settings)
            fault.struck = 1
        return fault

    def listed(self) -> list[Fault]:
        """The faults of requests that are in force, oldest first; those of the simulation are the engine's now."""
        return list(self._faults.values())

    def clear(self, fault_id: str | None = None) -> None:
        """Take one fault out of force, or all.

        Raises:
            FaultError: there is none of that id.
        """
        with self._lock:
            if fault_id is None:
                self._faults.clear()
            elif self._faults.pop(fault_id, None) is None:
                raise FaultError(f"there is no fault {fault_id!r} in force")

    def before(self, service: str, operation: str) -> None:
        """Strike before a request has any effect.

        Raises:
            ApiError: the request is throttled, or meets a server error.
        """
        if not self._faults:
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
        if not self._faults:
            return ""
        action = read_action(environ)
        self.before(service, action)
        return action

    def after(self, service: str, operation: str) -> None:
        """Strike after the effect.

        Raises:
            LostAnswerError: the client is not to get its answer.
        """
        if not self._faults:
            return
        for _ in self._striking(service, operation, ("lost_answer",)):
            raise LostAnswerError

    def _striking(self, service: str, operation: str, kinds: tuple[str, ...]) -> list[Fault]:
        striking = []
        with self._lock:
            for fault in list(self._faults.values()):
                settings = fault.settings
                if (
                    fault.kind not in kinds
                    or settings.get("service", service) != service
                    or settings.get("operation", operation) != operation
                    or (settings.get("probability", 1) < 1 and self._random.random() >= settings["probability"])
                ):
                    continue
                fault.struck += 1
                if fault.left is not None:
                    fault.left -= 1
                    if fault.left <= 0:
                        del self._faults[fault.id]
                striking.append(fault)
        return striking


def check_fault(kind: str, settings: Mapping[str, Any]) -> None:
    """Refuse what no fault can be.

    Raises:
        FaultError: found, allowed, what to do.
    """
    if kind not in KINDS:
        raise FaultError(f"there is no fault {kind!r}: known are {', '.join(KINDS)}")
    allowed = {**KINDS[kind].required, **KINDS[kind].optional}
    for name, value in settings.items():
        if name not in allowed:
            raise FaultError(f"the fault {kind} has no setting {name!r}: known are {', '.join(allowed)}")
        if not isinstance(value, allowed[name]) or isinstance(value, bool):
            names = " or ".join({"int": "number", "float": "number", "str": "text"}[t.__name__] for t in allowed[name])
            raise FaultError(f"{name} of the fault {kind} is {value!r}: give a {names.split(' or ')[0]}")
        if isinstance(value, int | float) and value < 0:
            raise FaultError(f"{name} of the fault {kind} is {value}: give 0 or more")
    for name in KINDS[kind].required:
        if name not in settings:
            raise FaultError(f"the fault {kind} needs {name}")
    if not 0 <= settings.get("probability", 1) <= 1:
        raise FaultError(f"probability is {settings['probability']}: give a number from 0 to 1")
    if settings.get("times", 1) < 1:
        raise FaultError("times is 0: give 1 or more, or leave it out for a fault without end")
    if settings.get("market", "SPOT") not in ("SPOT", "ON_DEMAND"):
        raise FaultError(f"market is {settings['market']!r}: give SPOT or ON_DEMAND, or leave it out for both")
    if settings.get("delay_s", 0) > MAX_DELAY_S:
        raise FaultError(f"delay_s is {settings['delay_s']}: at most {MAX_DELAY_S:g} seconds")
    if not 500 <= settings.get("status", 500) <= 599:
        raise FaultError(f"status is {settings['status']}: give 500 to 599")


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
