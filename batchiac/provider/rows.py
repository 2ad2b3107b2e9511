"""The simple resources, a row each: networks, instance profiles, placement groups, scheduling policies.

Announced exceptions, in this file because they belong to a row: an internet gateway's attachment and the roles of an
instance profile are parts with calls of their own. Those of route tables and security groups have files of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from batchiac.aws import ec2, iam
from batchiac.aws.door import Door
from batchiac.aws.wait import wait_until
from batchiac.aws.wire import tag_list, tag_map
from batchiac.errors import AwsRefusal
from batchiac.model.handler import Properties
from batchiac.provider.identity import CREATING, iam_tags, identity_of, is_creating
from batchiac.provider.naming import is_auto_name_of
from batchiac.provider.route_table import dissociate, put_associations, put_routes, whole_table
from batchiac.provider.security_group import ALL_OUT, put_rules, whole_group
from batchiac.provider.simple import Part, SimpleKind, ec2_kind
from batchiac.provider.subnet import overlaps_its_old_block, subnet_failures

# -- VPC and subnet -------------------------------------------------------------------------------------------------


def _vpc_dns(door: Door, vpc_id: str, old: Properties, new: Properties) -> None:
    # "You can only modify one attribute at a time": two calls. Source: EC2 API ModifyVpcAttribute.
    for key in ("enableDnsSupport", "enableDnsHostnames"):
        if new.get(key) is not None and new[key] != old.get(key):
            door.client("ec2").modify_vpc_attribute(VpcId=vpc_id, **{key[:1].upper() + key[1:]: {"Value": new[key]}})


def _vpc_whole(door: Door, vpc_id: str, found: dict[str, Any], state: Properties) -> dict[str, Any]:
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
    found = ec2.read(door, ec2.INTERNET_GATEWAY, gateway_id)
    return next((each["VpcId"] for each in found.get("Attachments", ())), None)


def _gateway_attachment(door: Door, gateway_id: str, old: Properties, new: Properties) -> None:
    attached = _attached_vpc(door, gateway_id)
    if attached == new.get("vpcId"):
        return
    if attached is not None:
        door.client("ec2").detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=attached)
    if new.get("vpcId") is not None:
        door.client("ec2").attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=new["vpcId"])


def _gateway_whole(door: Door, gateway_id: str, found: dict[str, Any], state: Properties) -> dict[str, Any]:
    attachments = found.get("attachments") or [{}]
    return {**found, "vpcId": attachments[0].get("vpcId")}


def _detach_gateway(door: Door, gateway_id: str) -> None:
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


# -- instance profile -----------------------------------------------------------------------------------------------


def _make_profile(door: Door, inputs: Properties, tags: Mapping[str, str]) -> str:
    created = door.client("iam").create_instance_profile(
        InstanceProfileName=inputs["instanceProfileName"],
        Path=inputs.get("path", "/"),
        Tags=tag_list(iam_tags(tags, inputs)),
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
            if is_creating(tag_map(found.get("Tags")), inputs):
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
    deletes_first=overlaps_its_old_block,
    refuse=subnet_failures,
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
    parts=(Part(("routes",), put_routes), Part(("subnetIds",), put_associations)),
    whole=whole_table,
    before_delete=dissociate,
)
SECURITY_GROUP = ec2_kind(
    "SecurityGroup",
    ec2.SECURITY_GROUP,
    sent=("groupName", "description", "vpcId"),
    outputs=("groupId",),
    name_property="groupName",
    parts=(
        Part(("ingress",), put_rules("ingress")),
        Part(("egress",), put_rules("egress"), {"egress": ALL_OUT}),
    ),
    whole=whole_group,
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
