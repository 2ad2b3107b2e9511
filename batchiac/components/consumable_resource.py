"""Consumable resources: licences, tokens and whatever else jobs take beside compute; and what a job takes of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from attrs import frozen

from batchiac.components.component import Component
from batchiac.components.declaration import Reference, declare


class ConsumableResource(Component):
    """So much of something that jobs take when they start.

    Args:
        total_quantity: how much there is, 0 or more. What jobs have used up of a resource that is not replenishable is
            no change: only another number here sets it anew.
        replenishable: False: what a job took is used up when it ends, instead of given back.
        consumable_resource_name: fixes the physical name.

    Attributes:
        arn, name_output: of the resource.
    """

    def __init__(
        self,
        name: str,
        *,
        total_quantity: pulumi.Input[int],
        replenishable: bool = True,
        consumable_resource_name: str | None = None,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("batchiac:batch:ConsumableResource", name, None, opts)
        inputs = {
            "consumableResourceName": consumable_resource_name,
            "totalQuantity": total_quantity,
            "resourceType": "REPLENISHABLE" if replenishable else "NON_REPLENISHABLE",
            "tags": {**(tags or {})},
        }
        resource = declare("ConsumableResource", name, inputs, self)
        self.arn = Reference(resource, "id")
        self.arn_output: pulumi.Output[str] = resource.id
        self.name_output: pulumi.Output[str] = resource.output("consumableResourceName")
        self.register_outputs({})


@frozen
class Consumes:
    """What one job takes: `quantity` of a resource; a component, or its ARN or name."""

    resource: ConsumableResource | pulumi.Input[str]
    quantity: int = 1


def consumed(needs: Sequence[Consumes]) -> dict[str, Any] | None:
    """`consumableResourceProperties` of the API; None where nothing is needed."""
    listed = [
        {
            "consumableResource": each.resource.arn if isinstance(each.resource, ConsumableResource) else each.resource,
            "quantity": each.quantity,
        }
        for each in needs
    ]
    return {"consumableResourceList": listed} if listed else None
