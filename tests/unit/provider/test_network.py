"""Networks: what rules and routes are the same, how they are changed, and EC2's eventual consistency."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from batchiac.errors import AwsRefusal, WaitError
from batchiac.model.unknown import UNKNOWN
from batchiac.provider.difference import differences
from batchiac.provider.normalise import normal
from batchiac.provider.route_table import own_routes

ANYWHERE = [{"ipProtocol": "-1", "ipRanges": [{"cidrIp": "0.0.0.0/0"}]}]
HTTPS = {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443}


@pytest.fixture
def group(world: Any) -> Callable[..., Any]:
    """Makes a security group."""
    vpc = world.make("Vpc", "net", cidrBlock="10.0.0.0/16")
    return lambda name="group", **inputs: world.make("SecurityGroup", name, vpcId=vpc.id, description="x", **inputs)


def ssh(description: str | None) -> list[dict[str, Any]]:
    source = {"cidrIp": "10.0.0.0/8", **({} if description is None else {"description": description})}
    return [{"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": [source]}]


def at_aws(world: Any, held: Any, key: str = "IpPermissions") -> list[dict[str, Any]]:
    (found,) = world.stack.client("ec2").describe_security_groups(GroupIds=[held.id])["SecurityGroups"]
    return list(found[key])


def out_of(world: Any, held: Any) -> list[tuple[str, Any]]:
    return [(each["IpProtocol"], each.get("FromPort")) for each in at_aws(world, held, "IpPermissionsEgress")]


def drift_of(held: Any) -> Any:
    return held.handler.diff(held.handler.read(held.id, held.outputs).outputs, held.inputs).changes


# -- egress: none is not the same as nothing said ----------------------------------------------------------------------


def test_no_egress_rule_is_another_wish_than_none_said(world: Any, group: Callable[..., Any]) -> None:
    """`egress: []` closes an open group, taking it out opens it again, and each is shown before."""
    held = group()
    assert out_of(world, held) == [("-1", None)]
    (change,) = world.diff(held, egress=[]).changes
    assert change.path == "egress"
    world.update(held, egress=[])
    assert out_of(world, held) == []
    assert drift_of(held) == ()
    assert len(world.diff(held, egress=None).changes) == 1
    world.update(held, egress=None)
    assert out_of(world, held) == [("-1", None)]
    assert drift_of(held) == ()


def test_a_closed_group_that_was_opened_is_drift(world: Any, group: Callable[..., Any]) -> None:
    """Someone lets everything out of a group that is to let nothing out: seen, and put right."""
    held = group(egress=[])
    assert out_of(world, held) == []
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    world.stack.client("ec2").authorize_security_group_egress(GroupId=held.id, IpPermissions=everything)
    read = held.handler.read(held.id, held.outputs)
    assert read.inputs["egress"] == ANYWHERE
    assert len(held.handler.diff(read.outputs, held.inputs).changes) == 1
    held.outputs = read.outputs
    world.update(held)
    assert out_of(world, held) == []


def test_the_program_of_a_closed_group_says_so(world: Any, group: Callable[..., Any]) -> None:
    """An import writes `egress: []` for a closed group and nothing for one as AWS creates it."""
    closed, usual = group(egress=[]), group("other")
    assert closed.handler.describe(closed.id).inputs["egress"] == []
    assert "egress" not in usual.handler.describe(usual.id).inputs
    normal_form = normal("SecurityGroup", {"egress": []})
    assert normal_form == {"egress": []} == normal("SecurityGroup", normal_form)
    assert normal("SecurityGroup", {"egress": ANYWHERE}) == {}


# -- descriptions of rules ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [("a", "b"), (None, "b"), ("a", None)])
@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_a_rule_s_description_changes_in_place(
    world: Any, group: Callable[..., Any], direction: str, before: str | None, after: str | None
) -> None:
    """The rule stays, its description is changed, added or taken off; a second run finds nothing to do."""
    held = group(**{direction: ssh(before)})
    assert len(world.diff(held, **{direction: ssh(after)}).changes) == 1
    world.update(held, **{direction: ssh(after)})
    key = "IpPermissions" if direction == "ingress" else "IpPermissionsEgress"
    (rule,) = at_aws(world, held, key)
    assert [each.get("Description") for each in rule["IpRanges"]] == [after]
    assert drift_of(held) == ()


def test_the_description_of_another_group_s_rule_is_read_and_changed(world: Any, group: Callable[..., Any]) -> None:
    """terraform-provider-aws's oldest drift: what lets a group through has a description, and keeps it."""
    other = group("other")

    def from_other(description: str) -> list[dict[str, Any]]:
        return [{**HTTPS, "userIdGroupPairs": [{"groupId": other.id, "description": description}]}]

    held = group(ingress=from_other("a"))
    assert held.handler.read(held.id, held.outputs).inputs == held.inputs
    world.update(held, ingress=[*from_other("a"), *ssh("b")])
    assert drift_of(held) == ()
    world.update(held, ingress=from_other("c"))
    (rule,) = at_aws(world, held)
    assert rule["UserIdGroupPairs"][0]["Description"] == "c"
    assert drift_of(held) == ()


@pytest.mark.parametrize("account", ["123456789012", "210987654321"])
def test_whose_group_a_rule_names_is_no_drift(world: Any, group: Callable[..., Any], account: str) -> None:
    """AWS tells the account of every pair: neither our own, spelled out, nor a foreign one is a difference."""
    other = group("other")
    held = group(ingress=[{**HTTPS, "userIdGroupPairs": [{"groupId": other.id, "userId": account}]}])
    assert held.handler.read(held.id, held.outputs).inputs == held.inputs
    assert drift_of(held) == ()
    (rule,) = held.handler.describe(held.id).inputs["ingress"]
    foreign = {"userId": account} if account != world.door.account_id() else {}
    assert rule["userIdGroupPairs"] == [{"groupId": other.id, **foreign}]
    world.update(held, ingress=ssh("only"))
    assert [each["FromPort"] for each in at_aws(world, held)] == [22]


def test_a_description_on_the_group_s_own_rule_is_drift(world: Any, group: Callable[..., Any]) -> None:
    """`self` has no description; one that someone added is shown and taken off, and the rule stays."""
    held = group(ingress=[{"ipProtocol": "-1", "self": True}])
    assert drift_of(held) == ()
    rule = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": held.id, "Description": "theirs"}]}
    world.stack.client("ec2").update_security_group_rule_descriptions_ingress(GroupId=held.id, IpPermissions=[rule])
    read = held.handler.read(held.id, held.outputs)
    assert held.handler.diff(read.outputs, held.inputs).changes
    held.outputs = read.outputs
    world.update(held)
    ((pair,),) = [each["UserIdGroupPairs"] for each in at_aws(world, held)]
    assert (pair["GroupId"], pair.get("Description")) == (held.id, None)
    assert drift_of(held) == ()


# -- the same in other words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({**HTTPS, "ipProtocol": number, "ipRanges": [{"cidrIp": "10.0.0.0/8"}]}, {"ipProtocol": name})
        for number, name in (("6", "tcp"), ("TCP", "tcp"), ("17", "udp"), ("1", "icmp"), ("58", "icmpv6"))
    ]
    + [
        ({**HTTPS, "ipRanges": [{"cidrIp": "10.1.2.3/8"}]}, {"ipRanges": [{"cidrIp": "10.0.0.0/8"}]}),
        ({**HTTPS, "ipv6Ranges": [{"cidrIpv6": "2001:DB8::1/32"}]}, {"ipv6Ranges": [{"cidrIpv6": "2001:db8::/32"}]}),
        (
            {**HTTPS, "ipRanges": [{"cidrIp": "10.0.0.0/8", "description": ""}]},
            {"ipRanges": [{"cidrIp": "10.0.0.0/8"}]},
        ),
    ],
)
def test_a_rule_in_other_words_is_the_same(said: dict[str, Any], told: dict[str, Any]) -> None:
    """Protocols by number, addresses that are not those of their block, an empty description."""
    one, other = ({"ingress": [each]} for each in (said, {**said, **told}))
    assert one != other
    assert list(differences(normal("SecurityGroup", one), normal("SecurityGroup", other))) == []
    assert normal("SecurityGroup", {"ingress": [{**said, "toPort": 444}]}) != normal("SecurityGroup", other)


def test_a_protocol_by_number_is_written_once(world: Any, group: Callable[..., Any]) -> None:
    """AWS tells the protocol by name; the program's number is no drift, and an update authorizes nothing twice."""
    held = group(ingress=[{**ssh("a")[0], "ipProtocol": "6"}])
    assert drift_of(held) == ()
    world.update(held, ingress=[{**ssh("b")[0], "ipProtocol": "6"}])
    assert drift_of(held) == ()


# -- routes ------------------------------------------------------------------------------------------------------------


def told(target: dict[str, Any], destination: str = "10.9.0.0/16") -> dict[str, Any]:
    return {"destinationCidrBlock": destination, "origin": "CreateRoute", "state": "active", **target}


@pytest.mark.parametrize(
    ("target", "read"),
    [
        ({"coreNetworkArn": "arn:x"}, {"coreNetworkArn": "arn:x"}),
        ({"localGatewayId": "lgw-1"}, {"localGatewayId": "lgw-1"}),
        ({"carrierGatewayId": "cagw-1"}, {"carrierGatewayId": "cagw-1"}),
        # A Gateway Load Balancer endpoint: sent as vpcEndpointId, told as gatewayId.
        ({"gatewayId": "vpce-1"}, {"vpcEndpointId": "vpce-1"}),
        ({"instanceId": "i-1", "networkInterfaceId": "eni-1"}, {"networkInterfaceId": "eni-1"}),
    ],
)
def test_every_target_of_a_route_is_read(target: dict[str, Any], read: dict[str, Any]) -> None:
    """A route that someone made is told with its target, whatever that is."""
    assert own_routes({"routes": [told(target)]}, None) == [{"destinationCidrBlock": "10.9.0.0/16", **read}]


def test_which_routes_are_one_s_own() -> None:
    """Not the VPC's, not propagated ones, not a gateway endpoint's; an instance stays what the program called it."""
    prefix = {"destinationPrefixListId": "pl-1", "gatewayId": "vpce-1", "origin": "CreateRoute"}
    others = [told({"gatewayId": "local"}), told({"gatewayId": "vgw-1", "origin": "EnableVgwRoutePropagation"}), prefix]
    assert own_routes({"routes": others}, None) == []
    mine = [{"destinationPrefixListId": "pl-1", "vpcEndpointId": "vpce-1"}]
    assert own_routes({"routes": others}, mine) == mine
    instance = [{"destinationCidrBlock": "10.9.0.1/16", "instanceId": "i-1"}]
    found = [told({"instanceId": "i-1", "networkInterfaceId": "eni-1"})]
    assert own_routes({"routes": found}, instance) == [{"destinationCidrBlock": "10.9.0.0/16", "instanceId": "i-1"}]


# -- eventual consistency ----------------------------------------------------------------------------------------------


def late(world: Any, method: str, code: str, times: int) -> list[int]:
    """The next `times` calls of the method that name a resource say that there is none. Returns the number of calls."""
    client = world.door.client("ec2")
    real, calls = getattr(client, method), [0]

    def call(**parameters: Any) -> Any:
        if "Filters" in parameters:
            return real(**parameters)
        calls[0] += 1
        if calls[0] <= times:
            raise AwsRefusal(method, code, "The ID does not exist", 400)
        return real(**parameters)

    client.__dict__[method] = call
    return calls


@pytest.mark.parametrize(
    ("kind", "method", "code"),
    [
        ("Subnet", "modify_subnet_attribute", "InvalidSubnetID.NotFound"),
        ("Vpc", "modify_vpc_attribute", "InvalidVpcID.NotFound"),
        ("InternetGateway", "attach_internet_gateway", "InvalidInternetGatewayID.NotFound"),
        ("RouteTable", "create_route", "InvalidRouteTableID.NotFound"),
        ("RouteTable", "associate_route_table", "InvalidRouteTableID.NotFound"),
        ("SecurityGroup", "authorize_security_group_egress", "InvalidGroup.NotFound"),
    ],
)
def test_a_call_that_does_not_know_what_was_just_made_is_repeated(
    world: Any, kind: str, method: str, code: str
) -> None:
    """EC2 is eventually consistent: what settles a network resource waits for it, and each thing is done once."""
    vpc = world.make("Vpc", "net", cidrBlock="10.0.0.0/16").id
    subnet = world.make("Subnet", "net", vpcId=vpc, cidrBlock="10.0.0.0/20").id
    other = world.make("Vpc", "other", cidrBlock="10.1.0.0/16").id
    gateway = world.make("InternetGateway", "net", vpcId=vpc).id
    inputs: dict[str, dict[str, Any]] = {
        "Subnet": {"vpcId": vpc, "cidrBlock": "10.0.16.0/20", "mapPublicIpOnLaunch": True},
        "Vpc": {"cidrBlock": "10.2.0.0/16", "enableDnsHostnames": True},
        "InternetGateway": {"vpcId": other},
        "RouteTable": {
            "vpcId": vpc,
            "routes": [{"destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway}],
            "subnetIds": [subnet],
        },
        "SecurityGroup": {"vpcId": vpc, "description": "x", "egress": ssh("a")},
    }
    calls = late(world, method, code, 2)
    held = world.make(kind, "it", **inputs[kind])
    assert calls[0] >= 3
    assert held.handler.read(held.id, held.outputs).inputs == held.inputs


@pytest.mark.parametrize("egress", [[], [{**HTTPS, "ipRanges": [{"cidrIp": "0.0.0.0/0"}]}]])
@pytest.mark.parametrize("stale", range(1, 5))
def test_a_group_that_describe_does_not_know_yet_is_not_left_open(
    world: Any, group: Callable[..., Any], egress: list[Any], stale: int
) -> None:
    """Its rules are waited for: taken for none, the rule that lets everything out would never be revoked."""
    late(world, "describe_security_groups", "InvalidGroup.NotFound", stale)
    held = group(egress=egress)
    assert out_of(world, held) == [("tcp", 443) for _ in egress]


def test_what_never_becomes_known_is_said(world: Any) -> None:
    """The wait ends, and names what AWS said last."""
    vpc = world.make("Vpc", "net", cidrBlock="10.0.0.0/16").id
    late(world, "modify_subnet_attribute", "InvalidSubnetID.NotFound", 10_000)
    with pytest.raises(WaitError, match=r"subnet subnet-\w+ to be known: not within 60 s: InvalidSubnetID.NotFound"):
        world.make("Subnet", "it", vpcId=vpc, cidrBlock="10.0.0.0/20", mapPublicIpOnLaunch=True)


# -- subnets whose blocks overlap --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"availabilityZone": "us-east-1b"}, True),
        ({"cidrBlock": "10.0.0.0/21"}, True),
        ({"cidrBlock": "10.0.16.0/20"}, False),
        ({"vpcId": "vpc-other"}, False),
    ],
)
def test_a_subnet_goes_first_where_both_cannot_be(world: Any, changes: dict[str, Any], first: bool) -> None:
    """EC2 refuses a second subnet of overlapping addresses in a VPC; all others are made beside the old one."""
    vpc = world.make("Vpc", "net", cidrBlock="10.0.0.0/16").id
    held = world.make("Subnet", "it", vpcId=vpc, cidrBlock="10.0.0.0/20", availabilityZone="us-east-1a")
    plan = held.handler.diff(held.outputs, {**held.inputs, **changes})
    assert plan.replaces == tuple(changes)
    assert plan.delete_before_replace is first


def test_a_block_in_other_words_is_no_replacement(world: Any) -> None:
    """EC2 keeps the canonical form of a block."""
    vpc = world.make("Vpc", "net", cidrBlock="10.0.7.0/16")
    held = world.make("Subnet", "it", vpcId=vpc.id, cidrBlock="10.0.0.7/20")
    assert world.diff(held, cidrBlock="10.0.0.0/20").changes == ()
    assert world.diff(vpc, cidrBlock="10.0.0.0/16").changes == ()


@pytest.mark.parametrize(
    ("olds", "wanted", "said"),
    [
        ({}, {"cidrBlock": "10.0.8.0/24"}, "overlaps 10.0.0.0/20 of subnet one, which is still there"),
        ({}, {"cidrBlock": "10.0.16.0/20"}, ""),
        ({}, {"vpcId": "vpc-2"}, ""),
        ({}, {"vpcId": UNKNOWN}, ""),
        ({}, {"cidrBlock": UNKNOWN}, ""),
        ({"identity": "infra/test/one"}, {}, ""),
        ({"identity": "infra/test/one"}, {"mapPublicIpOnLaunch": True}, ""),
        (
            {"identity": "infra/test/one"},
            {"cidrBlock": "10.0.0.0/21"},
            "before it is made anew, under compute environment e",
        ),
        ({"identity": "infra/test/one"}, {"cidrBlock": "10.0.16.0/20"}, ""),
        ({"identity": "infra/test/idle"}, {"availabilityZone": "us-east-1b"}, ""),
    ],
)
def test_what_the_stack_s_other_resources_do_not_allow_is_said_by_check(
    world: Any, olds: dict[str, Any], wanted: dict[str, Any], said: str
) -> None:
    """Before anything is done: two subnets that cannot both be, and one that would go from under an environment."""
    base = {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/20", "availabilityZone": "us-east-1a"}
    idle = {**base, "vpcId": "vpc-3"}
    one = {"identity": "infra/test/one", "subnetId": "subnet-1", **base}
    stack = {
        "Subnet": [one, {"identity": "infra/test/idle", "subnetId": "subnet-3", **idle}],
        "ComputeEnvironment": [{"identity": "infra/test/e", "computeResources": {"subnets": ["subnet-1"]}}],
    }
    handler = world.handler("Subnet")
    handler.neighbours = lambda identity, kind: stack[kind] if identity.startswith("infra/test/") else []
    mine = idle if olds.get("identity") == "infra/test/idle" else base
    before = {**mine, **olds} if olds else {}
    inputs = {"identity": olds.get("identity", "infra/test/new"), **mine, **wanted}
    reasons = " ".join(each.reason for each in handler.check(before, inputs).failures)
    assert (said in reasons) if said else reasons == ""
