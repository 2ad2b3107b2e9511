"""Consumable resources: locked when a job starts, given back when it ends, or used up.

Source: https://docs.aws.amazon.com/batch/latest/userguide/resource-aware-scheduling.html, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Sequence

from batchiac.engine.world import World
from batchiac.model.consumable_resource import ConsumableRequirement


def available(world: World, needs: Sequence[ConsumableRequirement]) -> bool:
    """True when all that a job locks is free now; a resource that does not exist is never free."""
    for need in needs:
        state = world.consumables.get(need.name)
        if state is None or state.total - state.in_use < need.quantity:
            return False
    return True


def lock(world: World, needs: Sequence[ConsumableRequirement]) -> None:
    """Take what a starting job needs."""
    for need in needs:
        world.consumables[need.name].in_use += need.quantity


def unlock(world: World, needs: Sequence[ConsumableRequirement]) -> None:
    """Give back what is REPLENISHABLE; the rest is consumed. All queues may go on."""
    for need in needs:
        state = world.consumables.get(need.name)
        if state is None:
            continue
        state.in_use -= need.quantity
        if state.spec.type == "NON_REPLENISHABLE":
            state.total -= need.quantity
    for queue in world.queue_order:
        queue.dirty = True
    world.dirty = True
