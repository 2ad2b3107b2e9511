"""EC2's networks, launch templates and placement groups: how their calls are named, and find · delete · tags for all.

EC2 is regular enough that a resource type is one row: the words that its calls are made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import field, frozen

from batchiac.aws.door import Door
from batchiac.aws.wait import wait_until
from batchiac.aws.wire import tag_list, tag_map
from batchiac.errors import AwsRefusal

DELETE_DEADLINE_S = 600.0
"""How long a deletion waits for what still hangs on the resource: the network interfaces of terminating instances."""

KNOWN_DEADLINE_S = 60.0
"""How long the calls that follow a create wait until all of EC2 knows what was created.

Source: https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
"""


def _codes(codes: Iterable[str]) -> frozenset[str]:
    return frozenset(codes)


@frozen
class Ec2Type:
    """One EC2 resource type.

    Attributes:
        create: the creating method; `created` is the key of its answer that holds the description ("" is the answer).
        describe: the describing method; `ids` its parameter, `listed` the answer's key, `id_key` the item's own.
        delete: the deleting method; `delete_key` its parameter; `delete_value` the item's key that it takes.
        tag_type: the resource type of a tag specification.
        absent: the error codes that mean "does not exist".
        busy: the error codes of a deletion that later succeeds by itself.
    """

    create: str
    created: str
    describe: str
    ids: str
    listed: str
    id_key: str
    delete: str
    tag_type: str
    absent: frozenset[str] = field(converter=_codes)
    busy: frozenset[str] = field(default=("DependencyViolation",), converter=_codes)
    delete_key: str = field()
    delete_value: str = field()

    @delete_key.default
    def _delete_key(self) -> str:
        return self.id_key

    @delete_value.default
    def _delete_value(self) -> str:
        return self.id_key


VPC = Ec2Type(
    "create_vpc", "Vpc", "describe_vpcs", "VpcIds", "Vpcs", "VpcId", "delete_vpc", "vpc", ["InvalidVpcID.NotFound"]
)
SUBNET = Ec2Type(
    "create_subnet",
    "Subnet",
    "describe_subnets",
    "SubnetIds",
    "Subnets",
    "SubnetId",
    "delete_subnet",
    "subnet",
    ["InvalidSubnetID.NotFound", "InvalidSubnetId.NotFound"],
)
INTERNET_GATEWAY = Ec2Type(
    "create_internet_gateway",
    "InternetGateway",
    "describe_internet_gateways",
    "InternetGatewayIds",
    "InternetGateways",
    "InternetGatewayId",
    "delete_internet_gateway",
    "internet-gateway",
    ["InvalidInternetGatewayID.NotFound"],
)
ROUTE_TABLE = Ec2Type(
    "create_route_table",
    "RouteTable",
    "describe_route_tables",
    "RouteTableIds",
    "RouteTables",
    "RouteTableId",
    "delete_route_table",
    "route-table",
    ["InvalidRouteTableID.NotFound"],
)
SECURITY_GROUP = Ec2Type(
    "create_security_group",
    "",
    "describe_security_groups",
    "GroupIds",
    "SecurityGroups",
    "GroupId",
    "delete_security_group",
    "security-group",
    ["InvalidGroup.NotFound", "InvalidGroupId.NotFound"],
)
LAUNCH_TEMPLATE = Ec2Type(
    "create_launch_template",
    "LaunchTemplate",
    "describe_launch_templates",
    "LaunchTemplateIds",
    "LaunchTemplates",
    "LaunchTemplateId",
    "delete_launch_template",
    "launch-template",
    ["InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException"],
    [],
)
PLACEMENT_GROUP = Ec2Type(
    "create_placement_group",
    "PlacementGroup",
    "describe_placement_groups",
    "GroupIds",
    "PlacementGroups",
    "GroupId",
    "delete_placement_group",
    "placement-group",
    ["InvalidPlacementGroup.Unknown", "InvalidPlacementGroupId.Unknown", "InvalidPlacementGroupId.NotFound"],
    ["InvalidPlacementGroup.InUse"],
    delete_key="GroupName",
    delete_value="GroupName",
)


def create(door: Door, row: Ec2Type, parameters: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """The description of a new resource, tagged in the same call, so that no moment exists in which it is nobody's."""
    answer = getattr(door.client("ec2"), row.create)(
        **parameters, TagSpecifications=[{"ResourceType": row.tag_type, "Tags": tag_list(tags)}]
    )
    description: dict[str, Any] = answer[row.created] if row.created else answer
    return description


def find(door: Door, row: Ec2Type, resource_id: str) -> dict[str, Any] | None:
    """AWS's description, None when there is none."""
    try:
        found = getattr(door.client("ec2"), row.describe)(**{row.ids: [resource_id]})[row.listed]
    except AwsRefusal as refusal:
        if refusal.code in row.absent:
            return None
        raise
    return found[0] if found else None


def read(door: Door, row: Ec2Type, resource_id: str) -> dict[str, Any]:
    """AWS's description.

    Raises:
        AwsRefusal: there is none, or Describe does not know it yet; its code is one of `row.absent`.
    """
    found = find(door, row, resource_id)
    if found is None:
        raise AwsRefusal(row.describe, min(row.absent), f"{row.tag_type} {resource_id} does not exist")
    return found


def once_known(door: Door, row: Ec2Type, resource_id: str, act: Callable[[], None]) -> None:
    """Act on what was just created. Its Describe may know it before the call that changes it does, or the other way
    round: while AWS says that it does not exist, it is tried again, from the start.

    Raises:
        WaitError: AWS still does not know it after `KNOWN_DEADLINE_S`.
    """

    def done() -> bool | str:
        try:
            act()
        except AwsRefusal as refusal:
            if refusal.code in row.absent:
                return f"{refusal.code}: {refusal.aws_message}"
            raise
        return True

    wait_until(
        done,
        what=f"{row.tag_type} {resource_id} to be known",
        deadline_s=KNOWN_DEADLINE_S,
        sleep=door.sleep,
        clock=door.clock,
    )


def sendable(door: Door, shape: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """A part of an answer as far as a request can say it, by the structure of that name in the API's model.

    EC2 answers with members that no request has: the state of a launch template's metadata options, its operator.
    """
    kept: dict[str, Any] = _members_of(door.client("ec2").shape(shape), value)
    return kept


def _members_of(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return {key: _members_of(shape.members[key], each) for key, each in value.items() if key in shape.members}
    if shape.type_name == "list" and isinstance(value, list):
        return [_members_of(shape.member, each) for each in value]
    return value


def find_tagged(door: Door, row: Ec2Type, key: str, value: str) -> list[dict[str, Any]]:
    """Every resource of the type that carries the tag."""
    filters = [{"Name": f"tag:{key}", "Values": [value]}]
    return list(door.client("ec2").pages(row.describe, row.listed, Filters=filters))


def find_all(door: Door, row: Ec2Type) -> list[dict[str, Any]]:
    """Every resource of the type in the account and region."""
    return list(door.client("ec2").pages(row.describe, row.listed))


def tags_of(description: Mapping[str, Any]) -> dict[str, str]:
    """The tags of an EC2 description as a mapping."""
    return tag_map(description.get("Tags"))


def put_tags(door: Door, resource_id: str, tags: Mapping[str, str]) -> None:
    """Add or change tags."""
    if tags:
        door.client("ec2").create_tags(Resources=[resource_id], Tags=tag_list(tags))


def remove_tags(door: Door, resource_id: str, keys: Iterable[str]) -> None:
    """Take tags off; those that are not there are no error."""
    if names := [{"Key": key} for key in keys]:
        door.client("ec2").delete_tags(Resources=[resource_id], Tags=names)


def delete(door: Door, row: Ec2Type, resource_id: str, value: str = "") -> None:
    """Delete, waiting for what still hangs on the resource; absence is no error.

    Args:
        value: what the deleting call names the resource by, where that is not its id.

    Raises:
        WaitError: something still hangs on it after `DELETE_DEADLINE_S`; AWS's own words name it.
    """

    def gone() -> bool | str:
        try:
            getattr(door.client("ec2"), row.delete)(**{row.delete_key: value or resource_id})
        except AwsRefusal as refusal:
            if refusal.code in row.absent:
                return True
            if refusal.code in row.busy:
                return f"{refusal.code}: {refusal.aws_message}"
            raise
        return True

    wait_until(
        gone,
        what=f"deletion of {row.tag_type} {value or resource_id}",
        deadline_s=DELETE_DEADLINE_S,
        sleep=door.sleep,
        clock=door.clock,
    )
