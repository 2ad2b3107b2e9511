"""Allocation strategies: which instance type is launched for a demand. One file a strategy.

A strategy gets the types that could hold the job, as `Candidate`s, and returns them in the order in which they are to
be tried. The mechanism (scaling.py) counts, keeps to maxvCpus, and asks the pools. A new strategy is a file and an
entry here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from batchiac.engine.policies.allocation import (
    best_fit,
    best_fit_progressive,
    best_fit_progressive_ordered,
    spot_capacity_optimized,
    spot_capacity_optimized_prioritized,
    spot_price_capacity_optimized,
)
from batchiac.engine.policies.allocation.candidate import Candidate


class Strategy(Protocol):
    """What each file of this package is."""

    @property
    def waits(self) -> bool:
        """True when only the best type will do: the environment waits for its capacity."""
        ...

    def rank(self, candidates: list[Candidate], wanted: int) -> list[Candidate]:
        """The candidates in the order in which to try them, for `wanted` (≥ 1) jobs; may leave some out."""
        ...

    def group(self, environment: str, unique: str, instance_type: str, *, spot: bool) -> str:
        """The name of what backs an instance of this type: an Auto Scaling group, or a Spot Fleet request."""
        ...


STRATEGIES: Mapping[str, Strategy] = {
    "BEST_FIT": best_fit.BestFit(),
    "BEST_FIT_PROGRESSIVE": best_fit_progressive.BestFitProgressive(),
    "BEST_FIT_PROGRESSIVE_ORDERED": best_fit_progressive_ordered.BestFitProgressiveOrdered(),
    "SPOT_CAPACITY_OPTIMIZED": spot_capacity_optimized.SpotCapacityOptimized(),
    "SPOT_CAPACITY_OPTIMIZED_PRIORITIZED": spot_capacity_optimized_prioritized.SpotCapacityOptimizedPrioritized(),
    "SPOT_PRICE_CAPACITY_OPTIMIZED": spot_price_capacity_optimized.SpotPriceCapacityOptimized(),
}

__all__ = ["STRATEGIES", "Candidate", "Strategy"]
