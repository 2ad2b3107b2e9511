"""Which faults there are, and what each may be told. Adding a kind is a row here, and a branch only where it acts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from batchiac.errors import UserError

MAX_DELAY_S = 60.0


class FaultError(UserError):
    """A fault that is asked for cannot be: an unknown kind, an unknown or missing setting, a value out of range."""


@frozen
class Kind:
    """One kind of fault.

    Attributes:
        of_requests: True where requests meet it (faults.py), False where the simulation does (simulation_faults.py).
        lasting: True where it stays in force until it is cleared, False where it happens once, now.
        required: settings that must be there, with their types.
        optional: settings that may be there, with their types.
    """

    of_requests: bool
    lasting: bool
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
    "throttling": Kind(True, True, {}, _OF_REQUESTS),
    "server_error": Kind(True, True, {}, {**_OF_REQUESTS, "status": (int,)}),
    "slow": Kind(True, True, {"delay_s": _NUMBER}, _OF_REQUESTS),
    "lost_answer": Kind(True, True, {}, _OF_REQUESTS),
    "no_capacity": Kind(
        False, True, {"instance_type": (str,)}, {"market": (str,), "count": (int,), "duration_s": _NUMBER}
    ),
    "spot_interruption": Kind(False, False, {}, {"instance_id": (str,), "compute_environment": (str,)}),
    "invalid_environment": Kind(False, False, {"compute_environment": (str,)}, {"reason": (str,)}),
    "stuck_deleting": Kind(False, True, {"compute_environment": (str,)}, {}),
    "consistency_lag": Kind(False, True, {"lag_s": _NUMBER}, {}),
}
"""The settings of requests' faults: which `service` (`batch`, `ec2`; all) and `operation` (all), how often
(`probability`, 1), and how many `times` at most (without end)."""


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
        if isinstance(value, int | float) and not 0 <= value < 1e12:
            raise FaultError(f"{name} of the fault {kind} is {value}: give 0 or more, and no more than 1e12")
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
    if settings.get("service") == "batch" and "operation" in settings:
        from batchiac.local.request_shape import service_model

        # It would never strike, and a test that counts on it would pass for the wrong reason.
        if settings["operation"] not in service_model().operation_names:
            raise FaultError(f"AWS Batch has no operation {settings['operation']!r}: give one such as SubmitJob")
