"""How Batch looks in the rest of the account: one projection a service, each told of every effect in order.

A projection may give commands (an event's target that submits a job); `reacts` says when it might, because time then
has to go from event to event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from batchiac.engine.effects import Effect
    from batchiac.local.backend import BatchBackend


class Projection(Protocol):
    """One mirror image."""

    def apply(self, effect: Effect) -> None:
        """Make one effect of the engine visible."""
        ...

    def reacts(self) -> bool:
        """True while an effect could lead to a command."""
        ...


def make_projections(batch: BatchBackend) -> list[Projection]:
    """All of them, in the order in which they are to be told."""
    return []
