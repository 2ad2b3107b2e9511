"""Spot Fleet requests: what backs a Spot environment with BEST_FIT."""

from __future__ import annotations

from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.spot_requests import SpotFleetRequest

from batchiac.engine.effects import Effect, EnvironmentStatusChanged, InstanceChanged
from batchiac.local.projections import Mirror
from batchiac.local.projections.chance import following


class BatchFleet(SpotFleetRequest):  # type: ignore[misc]  # moto is not typed for us
    """A request that launches nothing by itself: its instances are made as Batch launches them."""

    def create_spot_requests(self, weight_to_add: float) -> list[Any]:
        """None."""
        return []


class SpotFleet(Mirror):
    """A request comes with its first instance; it is cancelled with its environment."""

    def apply(self, effect: Effect) -> None:
        """See Projection."""
        if isinstance(effect, InstanceChanged) and effect.group.startswith("sfr-"):
            with following(effect.group):
                fleet = self._ec2.spot_fleet_requests.get(effect.group) or self._create(effect)
            if fleet is None:
                return
            if effect.status == "LAUNCHING":
                fleet.target_capacity += 1
            elif effect.status == "READY":
                fleet.fulfilled_capacity += 1.0
            elif effect.status == "TERMINATED":
                fleet.target_capacity = max(0, fleet.target_capacity - 1)
                fleet.fulfilled_capacity = max(0.0, fleet.fulfilled_capacity - 1.0)
        elif isinstance(effect, EnvironmentStatusChanged) and effect.status == "DELETED":
            for fleet in self._ec2.spot_fleet_requests.values():
                if fleet.tags.get("spot-fleet-request", {}).get("AWSBatchServiceTag") == effect.environment:
                    fleet.state = "cancelled"

    @property
    def _ec2(self) -> Any:
        return ec2_backends[self.batch.account_id][self.batch.region_name]

    def _create(self, effect: InstanceChanged) -> Any:
        record = self.batch.environments.find(effect.environment)
        if record is None:
            return None
        resources = record.wire["computeResources"]
        fleet = BatchFleet(
            self._ec2,
            self._ec2,
            effect.group,
            "",
            "0",
            resources.get("spotIamFleetRole", ""),
            "lowestPrice",
            [],
            None,
            "terminate",
            None,
        )
        fleet.tags = {"spot-fleet-request": {"AWSBatchServiceTag": effect.environment}}
        self._ec2.spot_fleet_requests[effect.group] = fleet
        return fleet
