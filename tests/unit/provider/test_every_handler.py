"""What every handler does: create, see no change, read, find nothing after delete; tags, adoption, place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from batchiac.aws import Door
from batchiac.errors import AwsRefusal, RefusedError
from batchiac.model.handler import Handler
from batchiac.model.target import Target
from batchiac.model.unknown import UNKNOWN
from batchiac.provider import HANDLERS, KINDS, TOKEN_PREFIX
from batchiac.provider.identity import CREATING
from batchiac.testing import local_stack


@pytest.fixture(scope="module")
def world(world_class: Any) -> Iterator[Any]:
    """One world for all: nothing here counts what exists, and every test makes a VPC of its own."""
    with local_stack() as stack:
        yield world_class(stack, stack.door)


TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
READ_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}


TRAINING = "SAGEMAKER_TRAINING"
LIMITS = [{"maxCapacity": 4, "capacityUnit": "ml.m5.large"}]
LIMIT = {"maxCapacity": 2, "capacityUnit": "ml.g5.xlarge"}


def declared(world: Any) -> dict[str, dict[str, Any]]:
    """Kind → inputs, for every kind that needs nothing but a VPC, a gateway and a queue of quota shares."""
    if "base" not in world.held:
        world.make("Role", "base", assumeRolePolicyDocument=TRUST)
    role = world.held["base"]["roleName"]
    vpc = world.make("Vpc", "net", cidrBlock="10.1.0.0/16")["vpcId"]
    gateway = world.make("InternetGateway", "net", vpcId=vpc)["internetGatewayId"]
    subnet = world.make("Subnet", "net", vpcId=vpc, cidrBlock="10.1.0.0/24")["subnetId"]
    if "training" not in world.held:
        service = world.make("ServiceEnvironment", "gpus", serviceEnvironmentType=TRAINING, capacityLimits=LIMITS)
        quota = world.make("SchedulingPolicy", "quota", quotaSharePolicy={"idleResourceAssignmentStrategy": "FIFO"})
        world.make(
            "JobQueue",
            "training",
            priority=1,
            jobQueueType=TRAINING,
            serviceEnvironmentOrder=[{"order": 1, "serviceEnvironment": service.id}],
            schedulingPolicyArn=quota.id,
        )
    return {
        "Vpc": {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True},
        "Subnet": {"vpcId": vpc, "cidrBlock": "10.1.16.0/24", "mapPublicIpOnLaunch": True},
        "InternetGateway": {},
        "RouteTable": {
            "vpcId": vpc,
            "routes": [{"destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway}],
            "subnetIds": [subnet],
        },
        "SecurityGroup": {
            "vpcId": vpc,
            "description": "x",
            "ingress": [
                {"ipProtocol": "-1", "self": True},
                {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": [{"cidrIp": "10.0.0.0/8"}]},
            ],
        },
        "PlacementGroup": {"strategy": "cluster"},
        "LaunchTemplate": {"launchTemplateData": {"blockDeviceMappings": [{"deviceName": "/dev/xvda"}]}},
        "Role": {
            "assumeRolePolicyDocument": TRUST,
            "inlinePolicies": {"read": READ_ALL},
            "managedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"],
        },
        "InstanceProfile": {"roles": [role]},
        "SchedulingPolicy": {"fairsharePolicy": {"shareDistribution": [{"shareIdentifier": "a", "weightFactor": 0.5}]}},
        "ConsumableResource": {"totalQuantity": 7, "resourceType": "NON_REPLENISHABLE"},
        "ServiceEnvironment": {"serviceEnvironmentType": TRAINING, "capacityLimits": [*LIMITS, LIMIT]},
        "QuotaShare": {
            "jobQueue": world.held["training"].id,
            "capacityLimits": LIMITS,
            "resourceSharingConfiguration": {"strategy": "LEND_AND_BORROW"},
            "preemptionConfiguration": {"inSharePreemption": "ENABLED"},
        },
        "JobDefinition": {
            "type": "container",
            "consumableResourceProperties": {
                "consumableResourceList": [{"consumableResource": "licence", "quantity": 2}]
            },
            "containerProperties": {
                "image": "busybox",
                "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
            },
            "retryStrategy": {"attempts": 2},
        },
    }


SIMPLE = [kind for kind in KINDS if kind not in ("ComputeEnvironment", "JobQueue")]


@pytest.mark.parametrize("kind", SIMPLE)
def test_a_resource_lives_and_dies(world: Any, kind: str) -> None:
    """Created, it reads as declared, shows no change, and after delete is gone; a second delete is no error."""
    held = world.make(kind, uuid4().hex, **declared(world)[kind], tags={"team": "x"})
    assert isinstance(held.handler, Handler)
    assert held.handler.diff(held.outputs, held.inputs).changes == ()
    read = held.handler.read(held.id, held.outputs)
    assert read.inputs == held.inputs
    assert read.outputs == held.outputs
    assert held.outputs["account"] == "123456789012"
    assert set(held.handler.outputs) <= set(held.outputs)
    held.handler.delete(held.id, held.outputs)
    assert held.handler.read(held.id, held.outputs).id is None
    held.handler.delete(held.id, held.outputs)


@pytest.mark.parametrize("kind", SIMPLE)
def test_tags_change_in_place_and_no_creating_tag_stays(world: Any, kind: str) -> None:
    """A tag is added, changed and taken off without anything else; ours of the create is gone when it has returned."""
    held = world.make(kind, uuid4().hex, **declared(world)[kind], tags={"team": "x", "old": "1"})
    name = {"Name": held.inputs["tags"]["Name"]} if "Name" in held.inputs["tags"] else {}
    assert held.handler.diff(held.outputs, {**held.inputs, "tags": {"team": "y"}}).replaces == ()
    world.update(held, tags={"team": "y", "new": "2"})
    found = held.handler._find(held.id, held.outputs)
    assert found is not None
    assert found["tags"] == {"team": "y", "new": "2", **name}


@pytest.mark.parametrize("kind", SIMPLE)
def test_what_an_interrupted_create_left_is_adopted(world: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process dies between AWS's answer and the end of the create: the next create takes up the same resource."""
    handler = world.handler(kind)
    inputs = world.inputs(kind, uuid4().hex, **declared(world)[kind])

    class Killed(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(handler, "_settle", killed)
        handler.create(inputs)
    (left,) = list(handler._find_creating(inputs))
    created = handler.create(inputs)
    assert created.id == left
    found = handler._find(created.id, created.outputs)
    assert CREATING not in found["tags"]
    assert list(handler._find_creating(inputs)) == []
    assert handler.read(created.id, created.outputs).inputs == inputs


@pytest.mark.parametrize("kind", SIMPLE)
def test_a_failed_create_leaves_nothing(world: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When AWS refuses a later step of the create, what was made is removed and AWS's refusal comes out."""
    handler = world.handler(kind)
    inputs = world.inputs(kind, uuid4().hex, **declared(world)[kind])

    def refused(*_: Any) -> None:
        raise AwsRefusal("Step", "AccessDenied", "not you")

    monkeypatch.setattr(handler, "_settle", refused)
    with pytest.raises(AwsRefusal, match="AccessDenied: not you"):
        handler.create(inputs)
    assert list(handler._find_creating(inputs)) == []


@pytest.mark.parametrize(
    "kind",
    [
        "Role",
        "InstanceProfile",
        "LaunchTemplate",
        "PlacementGroup",
        "SecurityGroup",
        "ConsumableResource",
        "ServiceEnvironment",
        "QuotaShare",
    ],
)
def test_a_name_that_is_taken_is_refused(world: Any, kind: str) -> None:
    """What exists without our tag is somebody else's: the sentence names it and what to do."""
    inputs = declared(world)[kind]
    held = world.make(kind, uuid4().hex, **inputs)
    name = held.outputs[held.handler.name_property]
    taken = world.inputs(kind, "other", **inputs, **{held.handler.name_property: name})
    with pytest.raises(RefusedError, match=rf"{kind} {name} exists already and is not this stack's.*import it"):
        world.handler(kind).create(taken)
    assert held.handler.read(held.id, held.outputs).id == held.id


@pytest.mark.parametrize("kind", KINDS)
def test_another_region_or_account_is_refused_before_any_call(kind: str) -> None:
    """A state of another region or account is touched by no call: there is not even an endpoint here."""
    handler = HANDLERS[TOKEN_PREFIX + kind](Door(Target("local", "us-east-1", None, ("123456789012",))))
    elsewhere = {"identity": "p/s/n", "region": "eu-west-1", "account": "123456789012"}
    for act in (
        lambda: handler.read("id", elsewhere),
        lambda: handler.diff(elsewhere, {}),
        lambda: handler.update("id", elsewhere, {"identity": "p/s/n", "region": "us-east-1"}),
        lambda: handler.delete("id", elsewhere),
    ):
        with pytest.raises(RefusedError, match="lives in region eu-west-1 by its state"):
            act()
    with pytest.raises(RefusedError, match="lives in account 999999999999"):
        handler.delete("id", {"identity": "p/s/n", "region": "us-east-1", "account": "999999999999"})


def test_credentials_of_another_account_than_the_state_are_refused(world: Any) -> None:
    """Without allowedAccountIds the state's own account is still compared, before anything changes."""
    held = world.make("Vpc", "net", cidrBlock="10.0.0.0/16")
    with pytest.raises(RefusedError, match="lives in account 999999999999 by its state, but the credentials belong"):
        held.handler.delete(held.id, {**held.outputs, "account": "999999999999"})
    assert held.handler.read(held.id, held.outputs).id == held.id


def test_check_and_diff_make_no_call() -> None:
    """They work without an endpoint, for every kind."""
    door = Door(Target("local", "us-east-1"))
    for token, handler in HANDLERS.items():
        made = handler(door)
        result = made.check({}, {"identity": "p/s/n"})
        made.diff({**result.inputs}, result.inputs)
        assert result.inputs["region"] == "us-east-1", token


def test_names_keep_and_change_as_promised(world: Any) -> None:
    """One identity has one name, whatever is known; an old name is kept; what replaces gets another, time and again."""
    one = world.inputs("PlacementGroup", "it", strategy="cluster")
    assert one["autoNamed"] is True
    assert world.inputs("PlacementGroup", "it", strategy=UNKNOWN)["groupName"] == one["groupName"]
    assert world.inputs("PlacementGroup", "other", strategy="cluster")["groupName"] != one["groupName"]
    assert world.inputs("PlacementGroup", "it", {"groupName": "old"}, strategy="spread")["groupName"] == "old"
    assert world.inputs("PlacementGroup", "it", one, strategy="spread", groupName="mine")["autoNamed"] is False
    handler = world.handler("PlacementGroup")
    wanted = {"identity": one["identity"], "strategy": "cluster"}
    names = [one["groupName"]]
    for _ in range(3):
        names.append(handler.check_replacement({"groupName": names[-1]}, wanted).inputs["groupName"])
    assert len(set(names)) == 4
    assert names[1] == handler.check_replacement(one, {**wanted, "strategy": UNKNOWN}).inputs["groupName"]
    fixed = handler.check_replacement(one, {**wanted, "groupName": "mine"}).inputs
    assert (fixed["groupName"], fixed["autoNamed"]) == ("mine", False)


def test_names_of_stacks_and_regions_do_not_meet() -> None:
    """IAM's names are the account's, wherever they are made: another stack, region or parent gives another name."""

    def name(region: str, identity: str) -> str:
        handler = HANDLERS[TOKEN_PREFIX + "Role"](Door(Target("local", region, in_process=True)))
        trust = {"Version": "2012-10-17", "Statement": []}
        return str(handler.check({}, {"identity": identity, "assumeRolePolicyDocument": trust}).inputs["roleName"])

    identities = ("infra/one/node", "infra/two/node", "infra/one/team:Cell/node")
    names = {name(region, each) for region in ("us-east-1", "eu-west-1") for each in identities}
    assert len(names) == 6
    assert {each.rpartition("-")[0] for each in names} == {"node"}


def test_resources_of_two_regions_do_not_meet() -> None:
    """A door acts in its own region."""
    with local_stack(region="eu-west-1") as stack:
        handler = HANDLERS[TOKEN_PREFIX + "Vpc"](stack.door)
        inputs = handler.check({}, {"identity": "p/s/n", "cidrBlock": "10.0.0.0/16"}).inputs
        made = handler.create(inputs)
        assert made.outputs["region"] == "eu-west-1"
        assert len(stack.client("ec2").describe_vpcs(VpcIds=[made.id])["Vpcs"]) == 1
