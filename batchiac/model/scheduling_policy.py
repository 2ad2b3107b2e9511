"""A fair-share scheduling policy, as the engine takes it."""

from __future__ import annotations

from attrs import field, frozen

from batchiac.model.sequences import as_tuple


@frozen
class Share:
    """One entry of shareDistribution.

    Attributes:
        identifier: a share's name; a trailing `*` makes it a prefix.
        weight_factor: 0.0001..999.9999; a lower weight gets more resources (0.125 gets 8 times those of 1).
    """

    identifier: str
    weight_factor: float = 1.0


@frozen
class SchedulingPolicy:
    """fairsharePolicy.

    Attributes:
        share_decay_s: 0..604800; 0 means 600. Source: botocore 1.44.5, FairsharePolicy.shareDecaySeconds.
        compute_reservation: 0..99, the base of the share of vCPUs kept for shares that are not active yet.
        shares: identifiers without an entry have weight 1.
    """

    name: str
    share_decay_s: int = 0
    compute_reservation: int = 0
    shares: tuple[Share, ...] = field(default=(), converter=as_tuple)
