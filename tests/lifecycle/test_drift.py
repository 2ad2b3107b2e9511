"""What changed outside is shown property by property: exactly that, for every kind and every property that can change.

Each row changes one property with boto3 behind the deployment's back. Beside the property only what AWS makes of it may
show (a definition's revision, a template's version), and desiredvCpus never does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from import_world import TRUST, ImportWorld, ops

from batchiac.deploy.refresher import read_drift
from batchiac.deploy.render.lines import plan_lines
from batchiac.deploy.render.preview_json import preview_json
from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.values import for_handler
from batchiac.provider import KINDS
from batchiac.testing import local_stack

PROGRAM = """
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
TAGS = {"team": "a"}

def wire(kind, name, **inputs):
    return batch.WireResource(kind, name, {**inputs, "tags": TAGS})

vpc = wire("Vpc", "vpc", cidrBlock="10.0.0.0/16", enableDnsHostnames=True)
zones = ("us-east-1a", "us-east-1b")
one, two = (
    wire("Subnet", f"subnet-{place}", vpcId=vpc.id, cidrBlock=f"10.0.{place}.0/24", availabilityZone=zone)
    for place, zone in enumerate(zones)
)
gateway = wire("InternetGateway", "gateway", vpcId=vpc.id)
routes = [{"destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway.id}]
wire("RouteTable", "table", vpcId=vpc.id, routes=routes, subnetIds=[one.id])
ingress = [{"ipProtocol": "-1", "self": True}]
group = wire("SecurityGroup", "group", vpcId=vpc.id, description="x", ingress=ingress)
more = wire("SecurityGroup", "more", vpcId=vpc.id, description="y")
role = wire(
    "Role", "role", assumeRolePolicyDocument=TRUST, description="d", inlinePolicies={"read": READ},
    managedPolicyArns=["arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"],
)
wire("Role", "other", assumeRolePolicyDocument=TRUST)
profile = wire("InstanceProfile", "profile", roles=[role.output("roleName")])
template = wire("LaunchTemplate", "template", launchTemplateData={"ebsOptimized": True})
close = wire("PlacementGroup", "close", strategy="cluster")
policy = wire(
    "SchedulingPolicy", "policy",
    fairsharePolicy={"shareDecaySeconds": 60, "shareDistribution": [{"shareIdentifier": "a", "weightFactor": 0.5}]},
)
wire("SchedulingPolicy", "policy-2", fairsharePolicy={"shareDecaySeconds": 61})
def environment(name, **resources):
    basis = {
        "type": "EC2", "allocationStrategy": "BEST_FIT_PROGRESSIVE", "minvCpus": 0, "maxvCpus": 64,
        "instanceTypes": ["c5", "m5"], "subnets": [one.id], "securityGroupIds": [group.id], "instanceRole": profile.id,
        "launchTemplate": {"launchTemplateId": template.id, "version": "1"},
        "ec2Configuration": [{"imageType": "ECS_AL2023"}],
    }
    return wire("ComputeEnvironment", name, type="MANAGED", computeResources={**basis, **resources})
first = environment("first", tags={"Name": "node"}, scalingPolicy={"minScaleDownDelayMinutes": 20})
second = environment("second", type="SPOT", allocationStrategy="SPOT_CAPACITY_OPTIMIZED", bidPercentage=50)
order = [{"order": rank, "computeEnvironment": each.id} for rank, each in enumerate((first, second), start=1)]
limit = {
    "reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL"
}
wire(
    "JobQueue", "queue", priority=5, computeEnvironmentOrder=order, schedulingPolicyArn=policy.id,
    jobStateTimeLimitActions=[limit],
)
licence = wire("ConsumableResource", "licence", totalQuantity=5)
credits = wire("ConsumableResource", "credits", totalQuantity=50, resourceType="NON_REPLENISHABLE")
gpus = wire(
    "ServiceEnvironment", "gpus", serviceEnvironmentType="SAGEMAKER_TRAINING",
    capacityLimits=[
        {"maxCapacity": 4, "capacityUnit": "ml.m5.large"}, {"maxCapacity": 1, "capacityUnit": "ml.p5.48xlarge"}
    ],
)
quota = wire("SchedulingPolicy", "quota", quotaSharePolicy={"idleResourceAssignmentStrategy": "FIFO"})
training = wire(
    "JobQueue", "training", priority=5, jobQueueType="SAGEMAKER_TRAINING", schedulingPolicyArn=quota.id,
    serviceEnvironmentOrder=[{"order": 1, "serviceEnvironment": gpus.id}],
)
wire(
    "QuotaShare", "share", jobQueue=training.id, capacityLimits=[{"maxCapacity": 2, "capacityUnit": "ml.m5.large"}],
    resourceSharingConfiguration={"strategy": "LEND_AND_BORROW"},
    preemptionConfiguration={"inSharePreemption": "DISABLED"},
)
wire(
    "JobDefinition", "job", type="container", retryStrategy={"attempts": 2}, timeout={"attemptDurationSeconds": 90},
    parameters={"p": "1"},
    consumableResourceProperties={"consumableResourceList": [{"consumableResource": licence.id, "quantity": 2}]},
    containerProperties={
        "image": "busybox", "command": ["echo", "Ref::p"],
        "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
    },
)
"""

ELSEWHERE_READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}],
}
ELSEWHERE = {**TRUST, "Statement": [{**TRUST["Statement"][0], "Principal": {"Service": "batch.amazonaws.com"}}]}


@attrs.frozen
class Deployed:
    """The program deployed, and its state as it was then."""

    world: ImportWorld

    def states(self) -> dict[str, ResourceState]:
        return {state.name: state for state in self.world.resources()}

    def id(self, name: str) -> str:
        return self.states()[name].id

    def drift_of(self, name: str, state: ResourceState | None = None) -> dict[str, tuple[Any, Any]]:
        """Path → (before, now) of what had changed outside."""
        store = self.world.stack().store
        base = store.load()
        state = state or self.states()[name]
        kept = tuple(state if each.urn == state.urn else each for each in base.resources)
        drift = read_drift(attrs.evolve(base, resources=kept), self.world.handlers, store.unseal, only={state.urn})
        (step,) = (step for step in drift.steps if step.urn == state.urn)
        return {change.path: (change.old, change.new) for change in step.changes}

    def put_right(self, name: str) -> None:
        """What the next `up` does about it, and that nothing is left of it."""
        self.world.aws.clock.run_until_idle()
        state = self.states()[name]
        handler = self.world.handlers(state.type)
        inputs = for_handler(state.inputs)
        read = handler.read(state.id, for_handler(state.outputs))
        assert handler.diff(read.outputs, inputs).replaces == ()
        outputs = handler.update(state.id, read.outputs, inputs)
        assert self.drift_of(name, attrs.evolve(state, outputs=outputs)) == {}
        store = self.world.stack().store
        base = store.load()
        kept = tuple(
            attrs.evolve(each, outputs={**each.outputs, **outputs}) if each.urn == state.urn else each
            for each in base.resources
        )
        store.save(attrs.evolve(base, resources=kept))


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with local_stack() as aws:
        world = ImportWorld(tmp_path_factory.mktemp("drift") / "project", aws)
        world.write(PROGRAM)
        world.up()
        yield Deployed(world)


Change = Callable[[Deployed], object]


def environment(name: str, **changes: Any) -> Change:
    def change(deployed: Deployed) -> None:
        found = {key: value(deployed) if callable(value) else value for key, value in changes.items()}
        top = {key: found.pop(key) for key in ("state", "updatePolicy", "context") if key in found}
        resources = {"computeResources": found} if found else {}
        batch = deployed.world.batch
        batch.update_compute_environment(computeEnvironment=deployed.id(name), **top, **resources)
        deployed.world.aws.clock.run_until_idle()

    return change


def queue(**changes: Any) -> Change:
    def change(deployed: Deployed) -> None:
        found = {key: value(deployed) if callable(value) else value for key, value in changes.items()}
        deployed.world.batch.update_job_queue(jobQueue=deployed.id("queue"), **found)
        deployed.world.aws.clock.run_until_idle()

    return change


def definition(change: Callable[[dict[str, Any]], object]) -> Change:
    """A new revision with one thing changed, as somebody registers it from a console."""

    def register(deployed: Deployed) -> None:
        state = deployed.states()["job"]
        keys = (
            "jobDefinitionName",
            "type",
            "retryStrategy",
            "timeout",
            "parameters",
            "containerProperties",
            "consumableResourceProperties",
            "tags",
        )
        request = json.loads(json.dumps({key: for_handler(state.inputs)[key] for key in keys}))
        change(request)
        deployed.world.batch.register_job_definition(**request)

    return register


OF_BATCH = (
    "ComputeEnvironment",
    "JobQueue",
    "SchedulingPolicy",
    "JobDefinition",
    "ConsumableResource",
    "ServiceEnvironment",
    "QuotaShare",
)


def tagged(name: str) -> Change:
    """A tag more, one changed: on whatever the kind calls tagging."""

    def change(deployed: Deployed) -> None:
        state = deployed.states()[name]
        tags, world = {"team": "b", "new": "x"}, deployed.world
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        kind = state.type.rpartition(":")[2]
        if kind == "Role":
            world.iam.tag_role(RoleName=state.outputs["roleName"], Tags=listed)
        elif kind == "InstanceProfile":
            world.iam.tag_instance_profile(InstanceProfileName=state.outputs["instanceProfileName"], Tags=listed)
        elif kind in OF_BATCH:
            arn = state.outputs["jobDefinitionArn"] if kind == "JobDefinition" else state.id
            world.batch.tag_resource(resourceArn=arn, tags=tags)
        else:
            world.ec2.create_tags(Resources=[state.id], Tags=listed)

    return change


def fair_share(**fairness: Any) -> Change:
    basis = {"shareDecaySeconds": 60, "shareDistribution": [{"shareIdentifier": "a", "weightFactor": 0.5}]}
    return lambda deployed: deployed.world.batch.update_scheduling_policy(
        arn=deployed.id("policy"), fairsharePolicy={**basis, **fairness}
    )


def iam(method: str, **parameters: Any) -> Change:
    return lambda deployed: getattr(deployed.world.iam, method)(
        RoleName=deployed.states()["role"].outputs["roleName"], **parameters
    )


def ec2(method: str, **parameters: Any) -> Change:
    """Text that is a name of the program's stands for the id of what bears it."""

    def change(deployed: Deployed) -> None:
        states = deployed.states()
        found = {
            key: states[value].id if value in states else value
            for key, value in parameters.items()
            if isinstance(value, str)
        }
        getattr(deployed.world.ec2, method)(**{**parameters, **found})

    return change


def swap_profile(deployed: Deployed) -> None:
    names = {name: deployed.states()[name].outputs for name in ("profile", "role", "other")}
    profile = names["profile"]["instanceProfileName"]
    iam = deployed.world.iam
    iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=names["role"]["roleName"])
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=names["other"]["roleName"])


def quantity(name: str, operation: str, amount: int) -> Change:
    return lambda deployed: deployed.world.batch.update_consumable_resource(
        consumableResource=deployed.id(name), operation=operation, quantity=amount
    )


def service(**changes: Any) -> Change:
    def change(deployed: Deployed) -> None:
        deployed.world.batch.update_service_environment(serviceEnvironment=deployed.id("gpus"), **changes)
        deployed.world.aws.clock.run_until_idle()

    return change


def share(**changes: Any) -> Change:
    def change(deployed: Deployed) -> None:
        deployed.world.batch.update_quota_share(quotaShareArn=deployed.id("share"), **changes)
        deployed.world.aws.clock.run_until_idle()

    return change


M5, P5 = ({"capacityUnit": unit, "maxCapacity": 4} for unit in ("ml.m5.large", "ml.p5.48xlarge"))


def turned(deployed: Deployed) -> list[dict[str, Any]]:
    return [{"order": rank, "computeEnvironment": deployed.id(each)} for rank, each in ((1, "second"), (2, "first"))]


HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
RES, CON, ROUTE = "computeResources.", "containerProperties.", "destinationCidrBlock"

ROWS: tuple[tuple[str, str, Change, set[str]], ...] = (
    ("first", "state", environment("first", state="DISABLED"), {"state"}),
    ("first", "updatePolicy", environment("first", updatePolicy={"jobExecutionTimeoutMinutes": 5}), {"updatePolicy"}),
    ("first", "desiredvCpus", environment("first", desiredvCpus=8), set()),
    ("first", "minvCpus", environment("first", minvCpus=2), {RES + "minvCpus"}),
    ("first", "maxvCpus and desired", environment("first", maxvCpus=80, desiredvCpus=16), {RES + "maxvCpus"}),
    ("first", "delay", environment("first", scalingPolicy={"minScaleDownDelayMinutes": 40}),
     {RES + "scalingPolicy.minScaleDownDelayMinutes"}),
    ("first", "instanceTypes", environment("first", instanceTypes=["r5", "m5", "c5"]), {RES + "instanceTypes"}),
    ("first", "an instance type", environment("first", instanceTypes=["m5", "c6i"]), {RES + "instanceTypes[0]"}),
    ("first", "subnets", environment("first", subnets=lambda each: [each.id("subnet-1"), each.id("subnet-0")]),
     {RES + "subnets"}),
    ("first", "groups", environment("first", securityGroupIds=lambda each: [each.id("more")]),
     {RES + "securityGroupIds[0]"}),
    ("first", "strategy", environment("first", allocationStrategy="BEST_FIT_PROGRESSIVE_ORDERED"),
     {RES + "allocationStrategy"}),
    ("first", "image", environment("first", ec2Configuration=[{"imageType": "ECS_AL2"}]),
     {RES + "ec2Configuration[0].imageType"}),
    ("first", "image id", environment("first", ec2Configuration=[
        {"imageType": "ECS_AL2023", "imageIdOverride": "ami-12345678"}]),
     {RES + "ec2Configuration[0].imageIdOverride"}),
    ("first", "an image of its own", environment("first", imageId="ami-12345678"), {RES + "imageId"}),
    ("first", "key pair", environment("first", ec2KeyPair="theirs"), {RES + "ec2KeyPair"}),
    ("first", "placement", environment("first", placementGroup=lambda each: each.states()["close"].outputs["groupName"]),  # noqa: E501
     {RES + "placementGroup"}),
    ("first", "instance tags", environment("first", tags={"Name": "theirs"}), {RES + "tags.Name"}),
    ("first", "order of instanceTypes", environment("first", instanceTypes=["m5", "c5"]), set()),
    ("second", "bid", environment("second", bidPercentage=70), {RES + "bidPercentage"}),
    ("queue", "state", queue(state="DISABLED"), {"state"}),
    ("queue", "priority", queue(priority=9), {"priority"}),
    ("queue", "order", queue(computeEnvironmentOrder=turned), {
        "computeEnvironmentOrder[0].computeEnvironment", "computeEnvironmentOrder[1].computeEnvironment"}),
    ("queue", "policy", queue(schedulingPolicyArn=lambda each: each.id("policy-2")), {"schedulingPolicyArn"}),
    ("queue", "limits", queue(jobStateTimeLimitActions=[]), {"jobStateTimeLimitActions"}),
    ("job", "image", definition(lambda each: each["containerProperties"].update(image="theirs")), {CON + "image"}),
    ("job", "command", definition(lambda each: each["containerProperties"]["command"].append("x")), {CON + "command"}),
    ("job", "environment", definition(lambda each: each["containerProperties"].update(
        environment=[{"name": "B", "value": "2"}, {"name": "A", "value": "9"}])), {CON + "environment[0].value"}),
    ("job", "requirements", definition(lambda each: each["containerProperties"].update(
        resourceRequirements=[{"type": "MEMORY", "value": "1024"}, {"type": "VCPU", "value": "1"}])),
     {CON + "resourceRequirements[1].value"}),
    ("job", "retry", definition(lambda each: each.update(retryStrategy={"attempts": 3})), {"retryStrategy.attempts"}),
    ("job", "timeout", definition(lambda each: each["timeout"].update(attemptDurationSeconds=100)),
     {"timeout.attemptDurationSeconds"}),
    ("job", "parameters", definition(lambda each: each["parameters"].update(p="2")), {"parameters.p"}),
    ("job", "propagation", definition(lambda each: each.update(propagateTags=True)), {"propagateTags"}),
    ("job", "priority", definition(lambda each: each.update(schedulingPriority=3)), {"schedulingPriority"}),
    ("job", "retry taken out", definition(lambda each: each.pop("retryStrategy")), {"retryStrategy"}),
    ("job", "timeout taken out", definition(lambda each: each.pop("timeout")), {"timeout"}),
    ("job", "a consumable resource", definition(lambda each: each["consumableResourceProperties"].update(
        consumableResourceList=[{"consumableResource": "licence", "quantity": 3}])),
     {"consumableResourceProperties.consumableResourceList[0].consumableResource",
      "consumableResourceProperties.consumableResourceList[0].quantity"}),
    ("job", "nothing but a revision", definition(lambda _each: None), set()),
    ("policy", "decay", fair_share(shareDecaySeconds=600), {"fairsharePolicy.shareDecaySeconds"}),
    ("policy", "reservation", fair_share(computeReservation=10), {"fairsharePolicy.computeReservation"}),
    ("policy", "weight", fair_share(shareDistribution=[{"shareIdentifier": "a", "weightFactor": 0.25}]),
     {"fairsharePolicy.shareDistribution[0].weightFactor"}),
    ("licence", "more", quantity("licence", "ADD", 3), {"totalQuantity"}),
    ("licence", "less", quantity("licence", "SET", 1), {"totalQuantity"}),
    ("credits", "more", quantity("credits", "ADD", 3), {"totalQuantity"}),
    ("credits", "less, as if used up", quantity("credits", "REMOVE", 3), set()),
    ("gpus", "state", service(state="DISABLED"), {"state"}),
    ("gpus", "limits", service(capacityLimits=[P5, M5]), {"capacityLimits[1].maxCapacity"}),
    ("gpus", "order of limits", service(capacityLimits=[{**P5, "maxCapacity": 1}, M5]), set()),
    ("share", "state", share(state="DISABLED"), {"state"}),
    ("share", "limits", share(capacityLimits=[M5]), {"capacityLimits[0].maxCapacity"}),
    ("share", "strategy", share(resourceSharingConfiguration={"strategy": "RESERVE"}),
     {"resourceSharingConfiguration.strategy"}),
    ("share", "borrowing", share(resourceSharingConfiguration={"strategy": "LEND_AND_BORROW", "borrowLimit": 50}),
     {"resourceSharingConfiguration.borrowLimit"}),
    ("share", "preemption", share(preemptionConfiguration={"inSharePreemption": "ENABLED"}),
     {"preemptionConfiguration.inSharePreemption"}),
    ("role", "trust", iam("update_assume_role_policy", PolicyDocument=json.dumps(ELSEWHERE)),
     {"assumeRolePolicyDocument.Statement[0].Principal.Service"}),
    ("role", "description", iam("update_role", Description="e", MaxSessionDuration=3600), {"description"}),
    ("role", "session", iam("update_role", Description="d", MaxSessionDuration=7200), {"maxSessionDuration"}),
    ("role", "managed", iam("attach_role_policy", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"),
     {"managedPolicyArns"}),
    ("role", "inline", iam("put_role_policy", PolicyName="more", PolicyDocument=json.dumps(
        ELSEWHERE_READ)), {"inlinePolicies.more"}),
    ("profile", "roles", swap_profile, {"roles[0]"}),
    ("template", "data", ec2("create_launch_template_version", LaunchTemplateId="template",
                             LaunchTemplateData={"EbsOptimized": False}), {"launchTemplateData.ebsOptimized"}),
    ("vpc", "host names", ec2("modify_vpc_attribute", VpcId="vpc", EnableDnsHostnames={"Value": False}),
     {"enableDnsHostnames"}),
    ("vpc", "support", ec2("modify_vpc_attribute", VpcId="vpc", EnableDnsSupport={"Value": False}),
     {"enableDnsSupport"}),
    ("subnet-0", "public", ec2("modify_subnet_attribute", SubnetId="subnet-0", MapPublicIpOnLaunch={"Value": True}),
     {"mapPublicIpOnLaunch"}),
    ("gateway", "attachment", ec2("detach_internet_gateway", InternetGatewayId="gateway", VpcId="vpc"), {"vpcId"}),
    ("table", "routes", ec2("create_route", RouteTableId="table", DestinationCidrBlock="192.168.0.0/16",
                            GatewayId="gateway"), {"routes"}),
    ("table", "subnets", ec2("associate_route_table", RouteTableId="table", SubnetId="subnet-1"), {"subnetIds"}),
    ("group", "ingress", ec2("authorize_security_group_ingress", GroupId="group", IpPermissions=[HTTPS]), {"ingress"}),
    ("more", "egress", ec2("authorize_security_group_egress", GroupId="more", IpPermissions=[HTTPS]), {"egress"}),
    *((name, "tags", tagged(name), {"tags.team", "tags.new"}) for name in (
        "first", "queue", "job", "policy", "role", "profile", "template", "close", "vpc", "subnet-0", "gateway",
        "table", "group", "licence", "gpus", "share")),
)  # fmt: skip

FOLLOWING = {"job": {"jobDefinitionArn", "revision"}, "template": {"latestVersion", "defaultVersion"}}
"""Outputs that a change brings with it."""


@pytest.mark.parametrize(
    ("name", "change", "paths"), [row[:1] + row[2:] for row in ROWS], ids=[f"{row[0]} {row[1]}" for row in ROWS]
)
def test_the_drift_is_exactly_what_changed(deployed: Deployed, name: str, change: Change, paths: set[str]) -> None:
    """One property changed outside: it is shown and nothing else is, and the next `up` puts it right."""
    deployed.world.aws.clock.run_until_idle()
    assert deployed.drift_of(name) == {}
    change(deployed)
    assert set(deployed.drift_of(name)) - FOLLOWING.get(name, set()) == paths
    deployed.put_right(name)


def test_every_kind_has_rows(deployed: Deployed) -> None:
    """A kind without a row is a kind whose drift nobody looked at."""
    states = deployed.states()
    assert {states[row[0]].type.rpartition(":")[2] for row in ROWS} == set(KINDS)


def test_refresh_and_preview_show_it_and_up_puts_it_right(deployed: Deployed) -> None:
    """The whole way: changed and deleted outside at once, shown by both verbs, put right by `up`."""
    world = deployed.world
    world.up(refresh=True)
    environment("first", maxvCpus=128, desiredvCpus=24)(deployed)
    queue(priority=77)(deployed)
    prefix = deployed.id("job")
    for each in world.batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]:
        world.batch.deregister_job_definition(jobDefinition=each["jobDefinitionArn"])
    plan = world.preview(refresh=True)
    assert ops(plan) == {
        "ComputeEnvironment first": "update", "JobQueue queue": "update", "JobDefinition job": "create"
    }  # fmt: skip
    text = "\n".join(line.text for line in plan_lines(plan))
    drift = text.partition("\n\n")[0]
    assert "~ computeResources.maxvCpus: 64 => 128  [changed outside]" in drift
    assert "~ priority: 5 => 77  [changed outside]" in drift
    assert "gone: deleted outside" in drift
    listed = {each["urn"].rpartition("::")[2]: each for each in preview_json(plan)["batchiac"]["drift"]}
    assert listed["queue"]["changes"] == {"priority": {"old": 5, "new": 77}}
    assert listed["job"]["op"] == "delete"
    assert "desired" not in text
    assert not world.preview().has_changes
    result = world.refresh()
    assert {step.urn.rpartition("::")[2] for step in result.steps if step.changes_something} == {
        "first", "queue", "job"
    }  # fmt: skip
    assert "job" not in deployed.states()
    assert ops(world.preview()) == ops(plan)
    world.up()
    assert deployed.id("job") == prefix
    after = world.preview(refresh=True)
    assert ops(after) == {}
    assert not [step for step in after.drift if step.changes_something]


def test_whatever_is_deleted_outside_is_made_again(deployed: Deployed) -> None:
    """Everything is deleted behind the deployment's back: shown as gone, made again by `up`."""
    world = deployed.world
    before = {(state.type, state.name) for state in world.resources()}
    for state in reversed(world.resources()):
        # Straight through handlers, but not through the deployment: its state knows nothing of it.
        world.handlers(state.type).delete(state.id, for_handler(state.outputs))
    plan = world.preview(refresh=True)
    gone = {(step.type, step.urn.rpartition("::")[2]) for step in plan.drift if step.op.value == "delete"}
    assert gone == before
    assert set(ops(plan).values()) == {"create"}
    assert len(ops(plan)) == len(before)
    world.up(refresh=True)
    after = world.preview(refresh=True)
    assert ops(after) == {}
    assert not [step for step in after.drift if step.changes_something]
