"""The simple resources, a row each: networks, instance profiles, placement groups, scheduling policies.

Announced exceptions, in this file because they belong to a row: a route table's routes and associations, a security
group's permissions and an internet gateway's attachment are parts with calls of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from batchiac.aws import ec2, iam
from batchiac.aws.door import Door
from batchiac.aws.wire import capitalised, tag_list, tag_map, uncapitalised
from batchiac.errors import AwsRefusal
from batchiac.model.handler import Properties
from batchiac.provider.identity import CREATING, identity_of
from batchiac.provider.naming import is_auto_name_of
from batchiac.provider.simple import Part, SimpleKind, ec2_kind
from batchiac.provider.spelling import one_source_each

# -- VPC and subnet -------------------------------------------------------------------------------------------------


def _vpc_dns(door: Door, vpc_id: str, old: Properties, new: Properties) -> None:
    # "You can only modify one attribute at a time": two calls. Source: EC2 API ModifyVpcAttribute.
    for key in ("enableDnsSupport", "enableDnsHostnames"):
        if new.get(key) is not None and new[key] != old.get(key):
            door.client("ec2").modify_vpc_attribute(VpcId=vpc_id, **{key[:1].upper() + key[1:]: {"Value": new[key]}})


def _vpc_whole(door: Door, vpc_id: str, found: dict[str, Any]) -> dict[str, Any]:
    for key in ("enableDnsSupport", "enableDnsHostnames"):
        answer = door.client("ec2").describe_vpc_attribute(VpcId=vpc_id, Attribute=key)
        found[key] = answer[key[:1].upper() + key[1:]]["Value"]
    return found


def _subnet_public(door: Door, subnet_id: str, old: Properties, new: Properties) -> None:
    door.client("ec2").modify_subnet_attribute(
        SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": new["mapPublicIpOnLaunch"]}
    )


# -- internet gateway -----------------------------------------------------------------------------------------------


def _attached_vpc(door: Door, gateway_id: str) -> str | None:
    found = ec2.find(door, ec2.INTERNET_GATEWAY, gateway_id) or {}
    return next((each["VpcId"] for each in found.get("Attachments", ())), None)


def _gateway_attachment(door: Door, gateway_id: str, old: Properties, new: Properties) -> None:
    attached = _attached_vpc(door, gateway_id)
    if attached == new.get("vpcId"):
        return
    if attached is not None:
        door.client("ec2").detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=attached)
    if new.get("vpcId") is not None:
        door.client("ec2").attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=new["vpcId"])


def _gateway_whole(door: Door, gateway_id: str, found: dict[str, Any]) -> dict[str, Any]:
    attachments = found.get("attachments") or [{}]
    return {**found, "vpcId": attachments[0].get("vpcId")}


def _detach_gateway(door: Door, gateway_id: str) -> None:
    from batchiac.aws.wait import wait_until

    def detached() -> bool | str:
        try:
            _gateway_attachment(door, gateway_id, {}, {})
        except AwsRefusal as refusal:
            # Instances that are still terminating hold public addresses.
            if refusal.code == "DependencyViolation":
                return refusal.aws_message
            if refusal.code in ("Gateway.NotAttached", *ec2.INTERNET_GATEWAY.absent):
                return True
            raise
        return True

    wait_until(
        detached,
        what=f"detaching internet gateway {gateway_id}",
        deadline_s=ec2.DELETE_DEADLINE_S,
        sleep=door.sleep,
        clock=door.clock,
    )


# -- route table ----------------------------------------------------------------------------------------------------

_DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")


def _routes_by_destination(routes: Any) -> dict[tuple[str, str], dict[str, Any]]:
    keyed: dict[tuple[str, str], dict[str, Any]] = {}
    for route in routes or ():
        key = next(key for key in _DESTINATIONS if route.get(key))
        keyed[key, route[key]] = dict(route)
    return keyed


def _own_routes(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The routes that someone made: not the VPC's local one, not those that a gateway propagates."""
    targets = (
        "gatewayId",
        "natGatewayId",
        "transitGatewayId",
        "vpcPeeringConnectionId",
        "networkInterfaceId",
        "egressOnlyInternetGatewayId",
    )
    return [
        {key: each[key] for key in (*_DESTINATIONS, *targets) if each.get(key)}
        for each in found.get("routes", ())
        if each.get("gatewayId") != "local"
        and each.get("origin") == "CreateRoute"
        and not str(each.get("gatewayId", "")).startswith("vpce-")
    ]


def _routes(door: Door, table_id: str, old: Properties, new: Properties) -> None:
    client = door.client("ec2")
    found = uncapitalised(ec2.find(door, ec2.ROUTE_TABLE, table_id) or {})
    have, want = _routes_by_destination(_own_routes(found)), _routes_by_destination(new.get("routes"))
    ours = _routes_by_destination(old.get("routes"))
    for key, route in want.items():
        if key not in have:
            client.create_route(RouteTableId=table_id, **capitalised(route))
        elif have[key] != route:
            client.replace_route(RouteTableId=table_id, **capitalised(route))
    for gone in ours:
        if gone not in want and gone in have:
            client.delete_route(RouteTableId=table_id, **capitalised(dict([gone])))


def _associations(door: Door, table_id: str, old: Properties, new: Properties) -> None:
    client = door.client("ec2")
    want = list(new.get("subnetIds") or ())
    found = ec2.find(door, ec2.ROUTE_TABLE, table_id) or {}
    have = {each["SubnetId"]: each["RouteTableAssociationId"] for each in _explicit(found)}
    missing = [subnet_id for subnet_id in want if subnet_id not in have]
    if missing:
        # A subnet that another table holds (the one that this replaces) is moved in one step: no moment without routes.
        filters = [{"Name": "association.subnet-id", "Values": missing}]
        others = list(client.pages("describe_route_tables", "RouteTables", Filters=filters))
        held = {each["SubnetId"]: each["RouteTableAssociationId"] for table in others for each in _explicit(table)}
        for subnet_id in missing:
            if subnet_id in held:
                client.replace_route_table_association(AssociationId=held[subnet_id], RouteTableId=table_id)
            else:
                client.associate_route_table(SubnetId=subnet_id, RouteTableId=table_id)
    for subnet_id, association_id in have.items():
        if subnet_id not in want:
            client.disassociate_route_table(AssociationId=association_id)


def _explicit(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [each for each in table.get("Associations", ()) if each.get("SubnetId")]


def _table_whole(door: Door, table_id: str, found: dict[str, Any]) -> dict[str, Any]:
    subnet_ids = [each["subnetId"] for each in found.get("associations", ()) if each.get("subnetId")]
    return {**found, "routes": _own_routes(found), "subnetIds": subnet_ids}


def _dissociate(door: Door, table_id: str) -> None:
    _associations(door, table_id, {}, {})


# -- security group -------------------------------------------------------------------------------------------------

ALL_OUT = [{"ipProtocol": "-1", "ipRanges": [{"cidrIp": "0.0.0.0/0"}]}]
"""What AWS creates a security group with."""


def _for_api(group_id: str, permission: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in permission.items() if key != "self"}
    if permission.get("self"):
        rest["userIdGroupPairs"] = [*rest.get("userIdGroupPairs", ()), {"groupId": group_id}]
    sent: dict[str, Any] = capitalised(rest)
    return sent


def _permissions_as_they_are(found: Mapping[str, Any], key: str, group_id: str) -> list[dict[str, Any]]:
    permissions = []
    for each in found.get(key) or ():
        permission = {name: value for name, value in each.items() if value or name in ("fromPort", "toPort")}
        pairs = permission.pop("userIdGroupPairs", [])
        others = [{"groupId": pair["groupId"]} for pair in pairs if pair.get("groupId") != group_id]
        if others:
            permission["userIdGroupPairs"] = others
        if len(others) < len(pairs):
            permission["self"] = True
        permissions.append(permission)
    return permissions


def _group_whole(door: Door, group_id: str, found: dict[str, Any]) -> dict[str, Any]:
    return {
        **found,
        "ingress": _permissions_as_they_are(found, "ipPermissions", group_id),
        "egress": _permissions_as_they_are(found, "ipPermissionsEgress", group_id),
    }


def _permissions(direction: str) -> Any:
    def apply(door: Door, group_id: str, old: Properties, new: Properties) -> None:
        client = door.client("ec2")
        described = ec2.find(door, ec2.SECURITY_GROUP, group_id)
        found = _group_whole(door, group_id, uncapitalised(described or {}))
        have = one_source_each(found[direction])
        want = one_source_each(new.get(direction) or [])
        as_list = ("ipRanges", "ipv6Ranges", "prefixListIds", "userIdGroupPairs")

        def listed(permissions: list[dict[str, Any]]) -> list[dict[str, Any]]:
            grouped = [{k: [v] if k in as_list else v for k, v in each.items()} for each in permissions]
            return [_for_api(group_id, each) for each in grouped]

        # What is to come in comes first, so that traffic which both sets allow is never cut.
        if more := [each for each in want if each not in have]:
            getattr(client, f"authorize_security_group_{direction}")(GroupId=group_id, IpPermissions=listed(more))
        if less := [each for each in have if each not in want]:
            getattr(client, f"revoke_security_group_{direction}")(GroupId=group_id, IpPermissions=listed(less))

    return apply


# -- instance profile -----------------------------------------------------------------------------------------------


def _make_profile(door: Door, inputs: Properties, tags: Mapping[str, str]) -> str:
    created = door.client("iam").create_instance_profile(
        InstanceProfileName=inputs["instanceProfileName"], Path=inputs.get("path", "/"), Tags=tag_list(tags)
    )
    arn: str = created["InstanceProfile"]["Arn"]
    return arn


def _find_profile(door: Door, resource_id: str, state: Properties, whole: bool) -> dict[str, Any] | None:
    found = iam.find_instance_profile(door, resource_id.rpartition("/")[2])
    if found is None:
        return None
    return {
        "instanceProfileName": found["InstanceProfileName"],
        "path": found.get("Path", "/"),
        "roles": [role["RoleName"] for role in found.get("Roles", ())],
        "arn": found["Arn"],
        "tags": tag_map(found.get("Tags")),
    }


def _creating_profiles(door: Door, inputs: Properties) -> list[str]:
    # IAM lists no tags: only what this resource could have been named is looked at one by one.
    name = inputs["instanceProfileName"]
    ids = []
    for each in door.client("iam").pages("list_instance_profiles", "InstanceProfiles"):
        if each["InstanceProfileName"] == name or is_auto_name_of(inputs, each["InstanceProfileName"]):
            found = iam.find_instance_profile(door, each["InstanceProfileName"]) or {}
            if tag_map(found.get("Tags")).get(CREATING) == identity_of(inputs):
                ids.append(found["Arn"])
    return ids


def _profile_roles(door: Door, resource_id: str, old: Properties, new: Properties) -> None:
    name = resource_id.rpartition("/")[2]
    found = iam.find_instance_profile(door, name) or {}
    have = [role["RoleName"] for role in found.get("Roles", ())]
    iam.set_profile_roles(door, name, have, [role.rpartition("/")[2] for role in new.get("roles") or ()])


# -- scheduling policy ----------------------------------------------------------------------------------------------


def _make_policy(door: Door, inputs: Properties, tags: Mapping[str, str]) -> str:
    sent = {key: inputs[key] for key in ("name", "fairsharePolicy", "quotaSharePolicy") if inputs.get(key) is not None}
    arn: str = door.client("batch").create_scheduling_policy(**sent, tags=dict(tags))["arn"]
    return arn


def _find_policy(door: Door, arn: str, state: Properties, whole: bool) -> dict[str, Any] | None:
    found = door.client("batch").describe_scheduling_policies(arns=[arn])["schedulingPolicies"]
    return dict(found[0]) if found else None


def _policy_arns(door: Door) -> list[str]:
    return [each["arn"] for each in door.client("batch").pages("list_scheduling_policies", "schedulingPolicies")]


def _creating_policies(door: Door, inputs: Properties) -> list[str]:
    client = door.client("batch")
    arns = _policy_arns(door)
    found: list[dict[str, Any]] = []
    for start in range(0, len(arns), 100):
        found += client.describe_scheduling_policies(arns=arns[start : start + 100])["schedulingPolicies"]
    return [each["arn"] for each in found if each.get("tags", {}).get(CREATING) == identity_of(inputs)]


_FAIR_DEFAULTS: Mapping[str, Any] = {"shareDecaySeconds": 0, "computeReservation": 0, "shareDistribution": []}
"""Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_FairsharePolicy.html"""


def _change_policy(door: Door, arn: str, old: Properties, new: Properties) -> None:
    sent = {key: new[key] for key in ("fairsharePolicy", "quotaSharePolicy") if new.get(key) is not None}
    if "fairsharePolicy" in sent:
        # AWS does not say whether what is left out of an update goes back to its default: it is said.
        gone = {key for key in old.get("fairsharePolicy") or () if key not in sent["fairsharePolicy"]}
        sent["fairsharePolicy"] = {**{key: _FAIR_DEFAULTS[key] for key in sorted(gone)}, **sent["fairsharePolicy"]}
    if old:
        door.client("batch").update_scheduling_policy(arn=arn, **sent)


def _remove_policy(door: Door, arn: str, state: Properties) -> None:
    if _find_policy(door, arn, state, False) is not None:
        door.client("batch").delete_scheduling_policy(arn=arn)


def _put_policy_tags(door: Door, arn: str, state: Properties, tags: Mapping[str, str]) -> None:
    door.client("batch").tag_resource(resourceArn=arn, tags=dict(tags))


def _remove_policy_tags(door: Door, arn: str, state: Properties, keys: Iterable[str]) -> None:
    door.client("batch").untag_resource(resourceArn=arn, tagKeys=list(keys))


# -- the rows -------------------------------------------------------------------------------------------------------

VPC = ec2_kind(
    "Vpc",
    ec2.VPC,
    sent=("cidrBlock", "instanceTenancy"),
    outputs=("vpcId",),
    parts=(
        Part(
            ("enableDnsSupport", "enableDnsHostnames"),
            _vpc_dns,
            {"enableDnsSupport": True, "enableDnsHostnames": False},
        ),
    ),
    whole=_vpc_whole,
)
SUBNET = ec2_kind(
    "Subnet",
    ec2.SUBNET,
    sent=("vpcId", "cidrBlock", "availabilityZone"),
    outputs=("subnetId",),
    parts=(Part(("mapPublicIpOnLaunch",), _subnet_public, {"mapPublicIpOnLaunch": False}),),
)
INTERNET_GATEWAY = ec2_kind(
    "InternetGateway",
    ec2.INTERNET_GATEWAY,
    sent=(),
    outputs=("internetGatewayId",),
    parts=(Part(("vpcId",), _gateway_attachment),),
    whole=_gateway_whole,
    before_delete=_detach_gateway,
)
ROUTE_TABLE = ec2_kind(
    "RouteTable",
    ec2.ROUTE_TABLE,
    sent=("vpcId",),
    outputs=("routeTableId",),
    parts=(Part(("routes",), _routes), Part(("subnetIds",), _associations)),
    whole=_table_whole,
    before_delete=_dissociate,
)
SECURITY_GROUP = ec2_kind(
    "SecurityGroup",
    ec2.SECURITY_GROUP,
    sent=("groupName", "description", "vpcId"),
    outputs=("groupId",),
    name_property="groupName",
    parts=(
        Part(("ingress",), _permissions("ingress")),
        Part(("egress",), _permissions("egress"), {"egress": ALL_OUT}),
    ),
    whole=_group_whole,
)
PLACEMENT_GROUP = ec2_kind(
    "PlacementGroup",
    ec2.PLACEMENT_GROUP,
    sent=("groupName", "strategy", "partitionCount", "spreadLevel"),
    outputs=("groupId", "groupArn"),
    name_property="groupName",
)
INSTANCE_PROFILE = SimpleKind(
    "InstanceProfile",
    "instanceProfileName",
    128,
    ("instanceProfileName", "path", "roles"),
    ("arn",),
    _make_profile,
    _find_profile,
    _creating_profiles,
    lambda door, resource_id, _state: iam.delete_instance_profile(door, resource_id.rpartition("/")[2]),
    lambda door, resource_id, _state, tags: iam.put_instance_profile_tags(door, resource_id.rpartition("/")[2], tags),
    lambda door, resource_id, _state, keys: iam.remove_instance_profile_tags(
        door, resource_id.rpartition("/")[2], keys
    ),
    (Part(("roles",), _profile_roles),),
    outlives=("ComputeEnvironment",),
)
SCHEDULING_POLICY = SimpleKind(
    "SchedulingPolicy",
    "name",
    128,
    ("name", "fairsharePolicy", "quotaSharePolicy"),
    ("arn",),
    _make_policy,
    _find_policy,
    _creating_policies,
    _remove_policy,
    _put_policy_tags,
    _remove_policy_tags,
    (Part(("fairsharePolicy", "quotaSharePolicy"), _change_policy),),
    find_all=_policy_arns,
)
