"""One instance type as an allocation strategy sees it."""

from __future__ import annotations

from attrs import frozen

UNBOUNDED = 1 << 30


@frozen
class Candidate:
    """A type that could hold the job.

    Attributes:
        jobs: how many jobs of the demand fit on one instance, ≥ 1.
        price: US dollars an hour in the environment's market; None where no price is known.
        on_demand_price: the On-Demand price; None likewise.
        pool_left: instances that the capacity pool still has; None where it has no limit.
        exhausted: the pool refused lately and nothing has changed since.
        place: which entry of the environment's instanceTypes it comes from, 0 first; a family's members share one.
    """

    name: str
    vcpus: int
    jobs: int
    price: float | None
    on_demand_price: float | None
    pool_left: int | None
    exhausted: bool
    place: int

    def within_bid(self, percentage: int) -> bool:
        """True when the Spot price is within the bid; unknown prices are let through, 100 % always is."""
        if percentage >= 100 or self.price is None or self.on_demand_price is None:
            return True
        return self.price < self.on_demand_price * percentage / 100

    def cost_per_job(self, wanted: int) -> float:
        """Price over the jobs that one instance really gets; where no price is known, vCPUs stand for it."""
        price = float(self.vcpus) if self.price is None else self.price
        return price / min(self.jobs, wanted)

    def depth(self) -> int:
        """How deep the pool is; a pool without limit is deepest."""
        return UNBOUNDED if self.pool_left is None else self.pool_left


def by_cost(candidates: list[Candidate], wanted: int) -> list[Candidate]:
    """Cheapest a job first; at equal cost the larger one (fewer instances), then the user's order."""
    return sorted(candidates, key=lambda each: (round(each.cost_per_job(wanted), 9), -each.jobs, each.place, each.name))


def auto_scaling_group(environment: str, unique: str, suffix: str = "") -> str:
    """The name of the one Auto Scaling group of an environment, or of one of its types."""
    return f"{environment}-asg-{unique}{'-' + suffix if suffix else ''}"


def spot_fleet(unique: str) -> str:
    """The id of a Spot Fleet request."""
    return f"sfr-{unique}"
