"""Service environments: the capacity that service jobs (SageMaker training jobs) run in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pulumi

from batchiac.components.component import Component
from batchiac.components.declaration import Reference, declare

SAGEMAKER_TRAINING: Final = "SAGEMAKER_TRAINING"
"""The one type of service environments, and that of their queues."""


class ServiceEnvironment(Component):
    """How much of SageMaker training the queues on it may use at once.

    Args:
        capacity_limits: unit → how many: `{"NUM_INSTANCES": 50}`; or instance types, `{"ml.m5.large": 8}`, up to five,
            which quota shares need.
        enabled: False: no service job is placed.
        service_environment_name: fixes the physical name.

    Attributes:
        arn, name_output: of the environment.
    """

    def __init__(
        self,
        name: str,
        *,
        capacity_limits: Mapping[str, int],
        enabled: bool = True,
        service_environment_name: str | None = None,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("batchiac:batch:ServiceEnvironment", name, None, opts)
        inputs = {
            "serviceEnvironmentName": service_environment_name,
            "serviceEnvironmentType": SAGEMAKER_TRAINING,
            "state": "ENABLED" if enabled else "DISABLED",
            "capacityLimits": limits(capacity_limits),
            "tags": {**(tags or {})},
        }
        environment = declare("ServiceEnvironment", name, inputs, self)
        self.arn = Reference(environment, "id")
        self.arn_output: pulumi.Output[str] = environment.id
        self.name_output: pulumi.Output[str] = environment.output("serviceEnvironmentName")
        self.register_outputs({})


def limits(by_unit: Mapping[str, int]) -> list[dict[str, Any]]:
    """`capacityLimits` of the API."""
    return [{"capacityUnit": unit, "maxCapacity": most} for unit, most in by_unit.items()]
