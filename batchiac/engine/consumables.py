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


def possible_starts(world: World, needs: Sequence[ConsumableRequirement]) -> int:
    """How many jobs with these needs could start with what is free now."""
    free = (
        0 if state is None else max(0, state.total - state.in_use) // need.quantity
        for need, state in ((need, world.consumables.get(need.name)) for need in needs)
    )
    return min(free)


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
        queue.dirty = queue.demanding = True
    world.dirty = True
