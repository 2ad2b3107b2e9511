"""What strategies compare by where no price is known.

Assumption (0111): 0.04 US dollars a vCPU-hour and 0.005 a GiB-hour, 0.9 a GPU-hour, and 40 % of that on the Spot
market: about EC2's general level, so that proportions are sensible. These figures choose between types and never
appear in a cost report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from batchiac.model.instance_type import InstanceType

USD_PER_VCPU_HOUR = 0.04
USD_PER_GIB_HOUR = 0.005
USD_PER_GPU_HOUR = 0.9
SPOT_SHARE = 0.4

PriceOf = Callable[[str, bool], float | None]


def assumed_price(types: Mapping[str, InstanceType], known: PriceOf | None) -> PriceOf:
    """`known` where it knows a type, the assumption elsewhere; each answer is found once."""
    found: dict[tuple[str, bool], float | None] = {}

    def price(instance_type: str, spot: bool) -> float | None:
        key = (instance_type, spot)
        if key not in found:
            value = None if known is None else known(instance_type, spot)
            if value is None and instance_type in types:
                kind = types[instance_type]
                value = kind.vcpus * USD_PER_VCPU_HOUR + kind.memory_mib / 1024 * USD_PER_GIB_HOUR
                value = (value + kind.gpus * USD_PER_GPU_HOUR) * (SPOT_SHARE if spot else 1.0)
            found[key] = value
        return found[key]

    return price
