"""A network for compute environments: made whole, or the user's own subnets."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence

import pulumi

from batchiac.components.component import Component
from batchiac.components.declaration import Reference, declare
from batchiac.components.stack_config import ConfigRunError

DEFAULT_ZONES = {"ap-northeast-1": "ac"}
"""Region → the letters of the two zones taken where the program names none; elsewhere a and b.

Tokyo has no zone b for accounts of the last ten years. Source: DescribeAvailabilityZones as recorded in
https://gist.github.com/nicolasdao/b751bebefb03c7dd759b1c0ad3e74e51 (2022) and in moto 5.2's own table, read 2026-12-01:
ap-northeast-1a, -1c, -1d. In us-west-1 an account has two of the three letters, which two differs; EC2's refusal names
them.
"""

_LETTERED = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]+(?P<letter>[a-z])")
"""A region's code and a letter. Local Zones and Wavelength Zones have codes of another form."""

SMALLEST_SUBNET = 28
"""Source: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"""


class Network(Component):
    """Subnets and a security group that compute environments can use.

    Without `subnet_ids`: a VPC, a public subnet in each zone, an internet gateway, a route table and a security group
    whose members reach each other on every port (multi-node parallel jobs need that).

    Args:
        name: the logical name; what is made is called after it.
        cidr_block: the VPC's addresses; each zone's subnet takes an equal part, at most a /20. Which part follows from
            the zone's letter alone (a takes the first), so that zones come and go without moving the others; blocks
            smaller than a /17 are parted further for later letters, which is refused while subnets are there.
        availability_zones: zones, or zone → block where the blocks are chosen. Default: the region's zones a and b (a
            and c where there is no b).
        subnet_ids: the user's own subnets; then nothing is made and `security_group_ids` is needed.
        security_group_ids: the user's own security groups, in the place of the one made here.
        tags: put on everything that is made.

    Attributes:
        subnet_ids, security_group_ids: what compute environments take.
    """

    makes_one = False

    def __init__(
        self,
        name: str,
        *,
        cidr_block: str = "10.0.0.0/16",
        availability_zones: Sequence[str] | Mapping[str, str] | None = None,
        subnet_ids: Sequence[pulumi.Input[str]] | None = None,
        security_group_ids: Sequence[pulumi.Input[str]] | None = None,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("batchiac:batch:Network", name, None, opts)
        self.subnet_ids: list[pulumi.Input[str] | Reference] = list(subnet_ids or ())
        self.security_group_ids: list[pulumi.Input[str] | Reference] = list(security_group_ids or ())
        if subnet_ids and not security_group_ids:
            raise ConfigRunError(
                f"network {name} is given subnet ids but no security group ids: AWS Batch needs at least one; name"
                " those of the subnets' VPC as security_group_ids"
            )
        if not subnet_ids:
            self._make(name, cidr_block, availability_zones, tags or {})
        self.register_outputs({})

    def _make(
        self,
        name: str,
        cidr_block: str,
        zones: Sequence[str] | Mapping[str, str] | None,
        tags: Mapping[str, pulumi.Input[str]],
    ) -> None:
        if zones is None:
            region = pulumi.Config("batchiac").require("region")
            zones = [f"{region}{letter}" for letter in DEFAULT_ZONES.get(region, "ab")]
        blocks = chosen_blocks(cidr_block, zones) if isinstance(zones, Mapping) else subnet_blocks(cidr_block, zones)
        vpc = declare(
            "Vpc",
            name,
            {"cidrBlock": cidr_block, "enableDnsSupport": True, "enableDnsHostnames": True, "tags": {**tags}},
            self,
        )
        vpc_id = Reference(vpc, "id")
        for zone, block in blocks.items():
            subnet = declare(
                "Subnet",
                f"{name}-{zone}",
                {
                    "vpcId": vpc_id,
                    "cidrBlock": block,
                    "availabilityZone": zone,
                    # Instances must reach ECS and ECR; without a NAT gateway (which costs) they need public addresses.
                    "mapPublicIpOnLaunch": True,
                    "tags": {**tags},
                },
                self,
            )
            self.subnet_ids.append(Reference(subnet, "id"))
        gateway = declare("InternetGateway", name, {"vpcId": vpc_id, "tags": {**tags}}, self)
        route = {"destinationCidrBlock": "0.0.0.0/0", "gatewayId": Reference(gateway, "id")}
        declare(
            "RouteTable",
            name,
            {"vpcId": vpc_id, "routes": [route], "subnetIds": list(self.subnet_ids), "tags": {**tags}},
            self,
        )
        if not self.security_group_ids:
            group = declare(
                "SecurityGroup",
                name,
                {
                    "vpcId": vpc_id,
                    "description": f"Instances of {name}: all traffic among themselves, all out",
                    "ingress": [{"ipProtocol": "-1", "self": True}],
                    "tags": {**tags},
                },
                self,
            )
            self.security_group_ids.append(Reference(group, "id"))


def subnet_blocks(cidr_block: str, zones: Sequence[str]) -> dict[str, str]:
    """Zone → its part of the block: equal parts, each a /20 at most, in the places of the zones' letters.

    A zone's part depends on the other zones only where the block is too small for the letters that there are.

    Raises:
        ConfigRunError: the block is none, or too small: AWS's smallest subnet is a /28; a zone is named twice, or has
            no letter.
    """
    network = _network(cidr_block)
    places: dict[str, int] = {}
    for zone in zones:
        found = _LETTERED.fullmatch(zone)
        if found is None:
            raise ConfigRunError(
                f"{zone} is no zone that is called by a region and a letter: choose the blocks, as in"
                f" availability_zones={{{zone!r}: {str(network)!r}}}"
            )
        if zone in places:
            raise ConfigRunError(f"zone {zone} is named twice: a network has one subnet in each")
        places[zone] = ord(found["letter"]) - ord("a")
    bits = max(1, max(places.values(), default=0).bit_length())
    prefix = max(20, network.prefixlen + bits)
    if prefix > SMALLEST_SUBNET:
        last = max(places, key=places.__getitem__)
        raise ConfigRunError(
            f"{cidr_block} is too small for {1 << bits} parts, which zone {last} asks for: AWS's smallest"
            f" subnet is a /{SMALLEST_SUBNET}; give a larger block, or choose the blocks ("
            "availability_zones={zone: block})"
        )
    size = 1 << (network.max_prefixlen - prefix)
    return {zone: f"{network.network_address + place * size}/{prefix}" for zone, place in places.items()}


def chosen_blocks(cidr_block: str, blocks: Mapping[str, str]) -> dict[str, str]:
    """The zones' blocks as the program chose them.

    Raises:
        ConfigRunError: one is no block, outside the network's, or overlaps another.
    """
    network = _network(cidr_block)
    seen: dict[str, ipaddress.IPv4Network | ipaddress.IPv6Network] = {}
    for zone, block in blocks.items():
        part = _network(block)
        if part.version != network.version or not part.subnet_of(network):  # type: ignore[arg-type]
            raise ConfigRunError(f"the block {block} of zone {zone} is not within {cidr_block}")
        for other, taken in seen.items():
            if part.overlaps(taken):
                raise ConfigRunError(f"the blocks of zones {other} ({taken}) and {zone} ({block}) overlap")
        seen[zone] = part
    return {zone: str(part) for zone, part in seen.items()}


def _network(block: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(block)
    except ValueError as error:
        raise ConfigRunError(f"{block} is no CIDR block ({error}): give one such as 10.0.0.0/16") from error
