"""A route table's routes and subnets: parts with calls of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchiac.aws import ec2
from batchiac.aws.door import Door
from batchiac.aws.wire import capitalised, uncapitalised
from batchiac.errors import AwsRefusal
from batchiac.model.handler import Properties
from batchiac.provider.spelling import cidr

_DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")

_TARGETS = (
    "gatewayId",
    "natGatewayId",
    "transitGatewayId",
    "vpcPeeringConnectionId",
    "networkInterfaceId",
    "egressOnlyInternetGatewayId",
    "carrierGatewayId",
    "localGatewayId",
    "coreNetworkArn",
    "odbNetworkArn",
)
"""Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html

Beyond these: an endpoint, which AWS tells as `gatewayId`, and an instance, of which it tells the interface as well.
"""

Destination = tuple[str, str]


def _by_destination(routes: Any) -> dict[Destination, dict[str, Any]]:
    keyed: dict[Destination, dict[str, Any]] = {}
    for route in routes or ():
        key = next(key for key in _DESTINATIONS if route.get(key))
        keyed[key, cidr(route[key], {})] = {**route, key: cidr(route[key], {})}
    return keyed


def own_routes(found: Mapping[str, Any], known: Any) -> list[dict[str, Any]]:
    """The routes that someone made: not the VPC's local one, not those that a gateway propagates.

    Args:
        found: AWS's description, in our spelling.
        known: the routes that the program or the state names; they say which of AWS's words is theirs.
    """
    said = _by_destination(known)
    routes = []
    for each in found.get("routes", ()):
        if each.get("gatewayId") == "local" or each.get("origin") != "CreateRoute":
            continue
        route = {key: each[key] for key in (*_DESTINATIONS, *_TARGETS) if each.get(key)}
        (destination,) = list(_by_destination([route]))
        if str(each.get("gatewayId", "")).startswith("vpce-"):
            if each.get("destinationPrefixListId") and destination not in said:
                # The route of a gateway endpoint (S3, DynamoDB) comes and goes with the endpoint.
                continue
            route["vpcEndpointId"] = route.pop("gatewayId")
        if each.get("instanceId") and said.get(destination, {}).get("instanceId") == each["instanceId"]:
            route.pop("networkInterfaceId", None)
            route["instanceId"] = each["instanceId"]
        routes.append(route)
    return routes


def put_routes(door: Door, table_id: str, old: Properties, new: Properties) -> None:
    """Make, change and remove routes; those of others stay."""
    client = door.client("ec2")
    found = uncapitalised(ec2.read(door, ec2.ROUTE_TABLE, table_id))
    want, ours = _by_destination(new.get("routes")), _by_destination(old.get("routes"))
    have = _by_destination(own_routes(found, [*ours.values(), *want.values()]))
    for key, route in want.items():
        if key not in have:
            client.create_route(RouteTableId=table_id, **capitalised(route))
        elif have[key] != route:
            client.replace_route(RouteTableId=table_id, **capitalised(route))
    for gone in ours:
        if gone not in want and gone in have:
            client.delete_route(RouteTableId=table_id, **capitalised(dict([gone])))


def put_associations(door: Door, table_id: str, old: Properties, new: Properties) -> None:
    """Associate the table with these subnets and no others."""
    client = door.client("ec2")
    want = list(new.get("subnetIds") or ())
    have = _associated(ec2.read(door, ec2.ROUTE_TABLE, table_id))
    missing = [subnet_id for subnet_id in want if subnet_id not in have]
    if missing:
        # A subnet that another table holds (the one that this replaces) is moved in one step: no moment without routes.
        filters = [{"Name": "association.subnet-id", "Values": missing}]
        held: dict[str, str] = {}
        for table in client.pages("describe_route_tables", "RouteTables", Filters=filters):
            held |= _associated(table)
        for subnet_id in missing:
            if subnet_id in held:
                client.replace_route_table_association(AssociationId=held[subnet_id], RouteTableId=table_id)
            else:
                client.associate_route_table(SubnetId=subnet_id, RouteTableId=table_id)
    for subnet_id, association_id in have.items():
        if subnet_id not in want:
            client.disassociate_route_table(AssociationId=association_id)


def _associated(table: Mapping[str, Any]) -> dict[str, str]:
    """Subnet → association, of the subnets that are associated explicitly."""
    explicit = [each for each in table.get("Associations", ()) if each.get("SubnetId")]
    return {each["SubnetId"]: each["RouteTableAssociationId"] for each in explicit}


def whole_table(door: Door, table_id: str, found: dict[str, Any], state: Properties) -> dict[str, Any]:
    """AWS's description with `routes` and `subnetIds` as inputs."""
    subnet_ids = [each["subnetId"] for each in found.get("associations", ()) if each.get("subnetId")]
    return {**found, "routes": own_routes(found, state.get("routes")), "subnetIds": subnet_ids}


def dissociate(door: Door, table_id: str) -> None:
    """Take every subnet off, so that the table can be deleted."""
    try:
        put_associations(door, table_id, {}, {})
    except AwsRefusal as refusal:
        if refusal.code not in ec2.ROUTE_TABLE.absent:
            raise
