"""How Batch looks in the rest of the account: one projection a service, each told of every effect in order.

Effects may be told late (a whole hour at once): a projection takes times and ids from the effect and from the attempt
that it names, never from "now". A projection may give commands (an event's target that submits a job); `reacts` says
when it might, because time then has to go from event to event.
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

    def next_due_ms(self) -> int | None:
        """When it will act by itself (a schedule fires); None for never."""
        ...

    def run_due(self) -> None:
        """Act on what is due at the backend's present."""
        ...


class Mirror:
    """A projection that only shows."""

    def __init__(self, batch: BatchBackend) -> None:
        self.batch = batch

    def apply(self, effect: Effect) -> None:
        """See Projection."""
        raise NotImplementedError

    def reacts(self) -> bool:
        """Never."""
        return False

    def next_due_ms(self) -> int | None:
        """Never."""
        return None

    def run_due(self) -> None:
        """Nothing is ever due."""


def make_projections(batch: BatchBackend) -> list[Projection]:
    """All of them, in the order in which they are to be told: an instance exists before it joins a cluster."""
    from batchiac.local.projections.autoscaling import AutoScaling
    from batchiac.local.projections.ec2 import Ec2, install_termination
    from batchiac.local.projections.ecs import Ecs
    from batchiac.local.projections.events import Events, install_event_targets
    from batchiac.local.projections.logs import Logs
    from batchiac.local.projections.spot_fleet import SpotFleet

    install_termination()
    install_event_targets()
    return [Ec2(batch), AutoScaling(batch), SpotFleet(batch), Ecs(batch), Logs(batch), Events(batch)]
