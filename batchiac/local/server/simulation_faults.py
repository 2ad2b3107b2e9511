"""Faults of the simulation: what the engine, or the API in front of it, is told to do badly.

A fault means the environment, instance or instance type that it names, in whatever account and region that is; where
several have one of that name, all of them. Each is a change of the stack, and is in the journal like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve

from batchiac.errors import UserError
from batchiac.local.server.fault_kinds import FaultError

if TYPE_CHECKING:
    from batchiac.local.stage import Stage


class SimulationFaults:
    """`faults.Simulation` for a stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._lag_ms = stage.settings.consistency_lag_ms
        self._kinds: Mapping[str, Callable[[Mapping[str, Any]], int | None]] = {
            "no_capacity": self._no_capacity,
            "spot_interruption": self._spot_interruption,
            "invalid_environment": self._invalid_environment,
            "stuck_deleting": self._stuck_deleting,
            "consistency_lag": self._consistency_lag,
        }

    def now_ms(self) -> int:
        """The stack's present."""
        return self._stage.clock.now_ms()

    def inject(self, kind: str, settings: Mapping[str, Any]) -> int | None:
        """Let a fault happen now; when it ends by itself, None where it does not.

        Raises:
            FaultError: it names nothing that exists, or nothing that it could happen to.
        """
        with self._stage.lock:
            self._stage.catch_up()
            try:
                until_ms = self._kinds[kind](settings)
            except FaultError:
                raise
            except UserError as refusal:
                raise FaultError(refusal.message) from refusal
            self._stage.catch_up()
            return until_ms

    def lift(self, kind: str, settings: Mapping[str, Any]) -> None:
        """Take a lasting fault back: the pool has capacity, the deletion ends, the lag is what it was."""
        with self._stage.lock:
            self._stage.catch_up()
            if kind == "consistency_lag":
                self._stage.settings = evolve(self._stage.settings, consistency_lag_ms=self._lag_ms)
            for batch in self._stage.backends.values():
                if kind == "no_capacity":
                    _give_back(batch, settings["instance_type"], _markets(settings))()
                elif kind == "stuck_deleting" and batch.engine.find_environment(settings["compute_environment"]):
                    batch.engine.hold_deletion(settings["compute_environment"], held=False)
            self._stage.catch_up()

    def _having(self, environment: str) -> list[Any]:
        found = [
            batch for batch in self._stage.backends.values() if batch.engine.find_environment(environment) is not None
        ]
        if not found:
            raise FaultError(f"there is no compute environment {environment!r}")
        return found

    def _no_capacity(self, settings: Mapping[str, Any]) -> int | None:
        """A pool gives no (further) instances: `InsufficientInstanceCapacity`, until `duration_s` is over."""
        name, markets = settings["instance_type"], _markets(settings)
        if not self._stage.backends:
            raise FaultError("nothing has used AWS Batch yet: create the compute environment first")
        until_ms = None
        if "duration_s" in settings:
            until_ms = self.now_ms() + round(settings["duration_s"] * 1000)
        for batch in self._stage.backends.values():
            for spot in markets:
                batch.engine.set_capacity(name, settings.get("count", 0), spot=spot)
            if until_ms is not None:
                batch.at(until_ms, _give_back(batch, name, markets))
        return until_ms

    def _spot_interruption(self, settings: Mapping[str, Any]) -> None:
        """A Spot instance is taken back: the one that is named, or the environment's oldest."""
        if "instance_id" in settings:
            for batch in self._stage.backends.values():
                if batch.engine.find_instance(settings["instance_id"]) is not None:
                    batch.engine.interrupt_instance(settings["instance_id"])
                    batch.flush()
                    return
            raise FaultError(f"there is no instance {settings['instance_id']!r}")
        if "compute_environment" not in settings:
            raise FaultError("the fault spot_interruption needs instance_id or compute_environment")
        for batch in self._having(settings["compute_environment"]):
            spot = [each for each in batch.engine.instances(settings["compute_environment"]) if each.spot]
            if not spot:
                raise FaultError(f"{settings['compute_environment']} has no Spot instance now")
            batch.engine.interrupt_instance(spot[0].id)
            batch.flush()

    def _invalid_environment(self, settings: Mapping[str, Any]) -> None:
        """A VALID environment is found broken, for a reason that AWS words like the default one."""
        reason = settings.get(
            "reason", "CLIENT_ERROR - You are not authorized to use launch template; Not Authorized (a fault)"
        )
        for batch in self._having(settings["compute_environment"]):
            batch.engine.invalidate_compute_environment(settings["compute_environment"], reason)
            batch.flush()

    def _stuck_deleting(self, settings: Mapping[str, Any]) -> None:
        """The environment's deletion, under way or to come, never ends; those of others do."""
        for batch in self._having(settings["compute_environment"]):
            batch.engine.hold_deletion(settings["compute_environment"], held=True)

    def _consistency_lag(self, settings: Mapping[str, Any]) -> None:
        """An environment counts as attached for that long after its queue has let it go; 0 ends that."""
        self._stage.settings = evolve(self._stage.settings, consistency_lag_ms=round(settings["lag_s"] * 1000))


def _markets(settings: Mapping[str, Any]) -> tuple[bool, ...]:
    """Spot or not: of the market that a fault names, or of both."""
    return {"SPOT": (True,), "ON_DEMAND": (False,)}.get(settings.get("market", ""), (True, False))


def _give_back(batch: Any, instance_type: str, markets: tuple[bool, ...]) -> Callable[[], None]:
    def give_back() -> None:
        for spot in markets:
            batch.engine.set_capacity(instance_type, None, spot=spot)

    return give_back
