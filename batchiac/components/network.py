"""A network for compute environments: made whole, or the user's own subnets."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

import pulumi

from batchiac.components.component import Component
from batchiac.components.declaration import Reference, declare
from batchiac.components.stack_config import ConfigRunError


class Network(Component):
    """Subnets and a security group that compute environments can use.

    Without `subnet_ids`: a VPC, a public subnet in each zone, an internet gateway, a route table and a security group
    whose members reach each other on every port (multi-node parallel jobs need that).

    Args:
        name: the logical name; what is made is called after it.
        cidr_block: the VPC's addresses; each zone's subnet takes an equal part, at most a /20.
        availability_zones: default: the region's zones a and b.
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
        availability_zones: Sequence[str] | None = None,
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
        self, name: str, cidr_block: str, zones: Sequence[str] | None, tags: Mapping[str, pulumi.Input[str]]
    ) -> None:
        if zones is None:
            region = pulumi.Config("batchiac").require("region")
            zones = [f"{region}a", f"{region}b"]
        vpc = declare(
            "Vpc",
            name,
            {"cidrBlock": cidr_block, "enableDnsSupport": True, "enableDnsHostnames": True, "tags": {**tags}},
            self,
        )
        vpc_id = Reference(vpc, "id")
        for zone, block in zip(zones, subnet_blocks(cidr_block, len(zones)), strict=True):
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


def subnet_blocks(cidr_block: str, count: int) -> list[str]:
    """`count` equal parts of the block, each a /20 at most.

    Raises:
        ConfigRunError: the block is none, or too small: AWS's smallest subnet is a /28.
    """
    try:
        network = ipaddress.ip_network(cidr_block)
    except ValueError as error:
        raise ConfigRunError(f"{cidr_block} is no CIDR block ({error}): give one such as 10.0.0.0/16") from error
    prefix = max(20, network.prefixlen + max(1, (count - 1).bit_length()))
    if prefix > 28:
        raise ConfigRunError(f"{cidr_block} is too small for {count} subnets: AWS's smallest subnet is a /28")
    blocks = network.subnets(new_prefix=prefix)
    return [str(next(blocks)) for _ in range(count)]
