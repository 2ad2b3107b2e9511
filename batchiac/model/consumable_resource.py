"""A consumable resource: licences, tokens, whatever jobs lock besides compute."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

ConsumableType = Literal["REPLENISHABLE", "NON_REPLENISHABLE"]


@frozen
class ConsumableResource:
    """A quantity that jobs lock when they start and give back when they end (REPLENISHABLE), or use up."""

    name: str
    total_quantity: int
    type: ConsumableType = "REPLENISHABLE"


@frozen
class ConsumableRequirement:
    """What one job locks: `quantity` ≥ 1 of the resource called `name`."""

    name: str
    quantity: int
