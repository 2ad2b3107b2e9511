"""Two subnets whose blocks overlap cannot be at once: what follows for replacing one, and for what stands beside it.

EC2 refuses the second with InvalidSubnet.Conflict. A subnet is made before the one that it replaces goes, and what the
program no longer declares goes last of all. So a subnet whose block overlaps its own old one has to go first, which AWS
only allows while nothing runs in it; and one whose block overlaps that of another subnet cannot be made in this run.
Both are said before anything is done, as far as the adapter knows the stack's other resources (`neighbours`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from batchiac.model.handler import CheckFailure, Properties
from batchiac.provider.identity import logical_name

Neighbours = Callable[[str], Iterable[Properties]]
"""Kind → the state of every resource of that kind in the stack."""


def overlaps_its_old_block(state: Properties, inputs: Properties) -> bool:
    """True when old and new cannot be at once."""
    return state.get("vpcId") == inputs.get("vpcId") and _overlap(state, inputs)


def subnet_failures(neighbours: Neighbours, olds: Properties, checked: Properties) -> list[CheckFailure]:
    """Why this subnet could not be made, or not be replaced.

    Args:
        olds: its inputs by the state, empty when it is new.
        checked: its inputs as wanted.
    """
    moved = any(olds.get(key) != checked.get(key) for key in ("vpcId", "cidrBlock", "availabilityZone"))
    if not moved:
        return []
    mine = {olds.get("identity"), checked.get("identity")}
    failures = [
        CheckFailure(
            "cidrBlock",
            f"its block {checked['cidrBlock']} overlaps {other['cidrBlock']} of subnet {logical_name(other)}, which is"
            " still there when it is made: EC2 allows no two such subnets; give it another block (of a Network:"
            " availability_zones={zone: block}), or take the other one out of the program in an update of its own",
        )
        for other in neighbours("Subnet")
        if other.get("identity") not in mine and other.get("vpcId") == checked.get("vpcId") and _overlap(other, checked)
    ]
    if olds and overlaps_its_old_block(olds, checked):
        ids = {each.get("subnetId") for each in neighbours("Subnet") if each.get("identity") == olds.get("identity")}
        environments = neighbours("ComputeEnvironment")
        users = sorted(logical_name(each) for each in environments if ids & _texts(each.get("computeResources")))
        if users:
            failures.append(
                CheckFailure(
                    "cidrBlock",
                    f"its block {checked['cidrBlock']} overlaps its old one ({olds['cidrBlock']}), so that it would"
                    f" have to be deleted before it is made anew, under compute environment {', '.join(users)}: make a"
                    " subnet of another name and block beside it, and take this one out when nothing uses it",
                )
            )
    return failures


def _overlap(one: Properties, other: Properties) -> bool:
    try:
        first, second = (ipaddress.ip_network(each.get("cidrBlock", ""), strict=False) for each in (one, other))
    except ValueError:
        # Not yet known, or no block at all: that is for others to say.
        return False
    return first.version == second.version and first.overlaps(second)


def _texts(value: Any) -> set[str]:
    """Every text in a value, at any depth: subnets are named in more than one place."""
    if isinstance(value, Mapping):
        return {text for each in value.values() for text in _texts(each)}
    if isinstance(value, list | tuple):
        return {text for each in value for text in _texts(each)}
    return {value} if isinstance(value, str) else set()
