"""Templates' AWS::Batch resources: created, referred to, updated in place or replaced, deleted."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from batchiac.testing import TestStack, local_stack

from .conftest import RESOURCES

ROLE = "arn:aws:iam::123456789012:role/service"


def capitalised(value: Any) -> Any:
    """The API's members as CloudFormation spells them."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: capitalised(each) for key, each in value.items()}
    return [capitalised(each) for each in value] if isinstance(value, list) else value


LIMITS = [{"MaxCapacity": 4, "CapacityUnit": "ml.m5.large"}]
TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Environment": {
            "Type": "AWS::Batch::ComputeEnvironment",
            "Properties": {"Type": "MANAGED", "ComputeResources": capitalised(RESOURCES), "Tags": {"team": "a"}},
        },
        "Fair": {
            "Type": "AWS::Batch::SchedulingPolicy",
            "Properties": {"FairsharePolicy": {"ShareDecaySeconds": 60}},
        },
        "Queue": {
            "Type": "AWS::Batch::JobQueue",
            "Properties": {
                "Priority": 1,
                "SchedulingPolicyArn": {"Fn::GetAtt": ["Fair", "Arn"]},
                "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": {"Ref": "Environment"}}],
            },
        },
        "Licence": {
            "Type": "AWS::Batch::ConsumableResource",
            "Properties": {"ConsumableResourceName": "licence", "ResourceType": "REPLENISHABLE", "TotalQuantity": 3},
        },
        "Definition": {
            "Type": "AWS::Batch::JobDefinition",
            "Properties": {
                "JobDefinitionName": "jd",
                "Type": "container",
                "Parameters": {"Size": "3"},
                "ConsumableResourceProperties": {
                    "ConsumableResourceList": [{"ConsumableResource": {"Ref": "Licence"}, "Quantity": 1}]
                },
                "ContainerProperties": {
                    "Image": "busybox",
                    "Command": ["sleep", "Ref::Size"],
                    "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "Own"}},
                    "ResourceRequirements": [{"Type": "VCPU", "Value": 1}, {"Type": "MEMORY", "Value": 128}],
                },
            },
        },
        "ServiceEnvironment": {
            "Type": "AWS::Batch::ServiceEnvironment",
            "Properties": {"ServiceEnvironmentType": "SAGEMAKER_TRAINING", "CapacityLimits": LIMITS},
        },
        "Quota": {
            "Type": "AWS::Batch::SchedulingPolicy",
            "Properties": {"QuotaSharePolicy": {"IdleResourceAssignmentStrategy": "FIFO"}},
        },
        "Training": {
            "Type": "AWS::Batch::JobQueue",
            "Properties": {
                "JobQueueName": "training",
                "JobQueueType": "SAGEMAKER_TRAINING",
                "Priority": 1,
                "SchedulingPolicyArn": {"Ref": "Quota"},
                "ServiceEnvironmentOrder": [{"Order": 1, "ServiceEnvironment": {"Ref": "ServiceEnvironment"}}],
            },
        },
        "Share": {
            "Type": "AWS::Batch::QuotaShare",
            "Properties": {
                "QuotaShareName": "team",
                "JobQueue": {"Ref": "Training"},
                "CapacityLimits": LIMITS,
                "ResourceSharingConfiguration": {"Strategy": "RESERVE"},
                "PreemptionConfiguration": {"InSharePreemption": "DISABLED"},
            },
        },
    },
}
ARNS = {
    "Environment": ("ComputeEnvironmentArn", "compute-environment/"),
    "Fair": ("Arn", "scheduling-policy/"),
    "Queue": ("JobQueueArn", "job-queue/"),
    "Licence": ("ConsumableResourceArn", "consumable-resource/licence"),
    "Definition": ("JobDefinitionArn", "job-definition/jd:1"),
    "ServiceEnvironment": ("ServiceEnvironmentArn", "service-environment/"),
    "Share": ("QuotaShareArn", "job-queue/training/quota-share/team"),
}
TEMPLATE["Outputs"] = {
    **{f"Ref{name}": {"Value": {"Ref": name}} for name in ARNS},
    **{f"Get{name}": {"Value": {"Fn::GetAtt": [name, attribute]}} for name, (attribute, _) in ARNS.items()},
    "Available": {"Value": {"Fn::GetAtt": ["Licence", "AvailableQuantity"]}},
}


@pytest.fixture
def stack() -> Iterator[TestStack]:
    """A stack `s` made from TEMPLATE."""
    with local_stack(projections=False) as running:
        running.client("cloudformation").create_stack(StackName="s", TemplateBody=json.dumps(TEMPLATE))
        yield running


def update(stack: TestStack, name: str, **changed: Any) -> None:
    """Update the stack with other properties of one resource; None takes one out."""
    template = copy.deepcopy(TEMPLATE)
    properties = template["Resources"][name]["Properties"]
    properties.update(changed)
    template["Resources"][name]["Properties"] = {key: each for key, each in properties.items() if each is not None}
    stack.client("cloudformation").update_stack(StackName="s", TemplateBody=json.dumps(template))


def environment(stack: TestStack) -> dict[str, Any]:
    (found,) = stack.client("batch").describe_compute_environments()["computeEnvironments"]
    return dict(found)


def queues(stack: TestStack) -> dict[str, dict[str, Any]]:
    found = stack.client("batch").describe_job_queues()["jobQueues"]
    return {"Training" if each["jobQueueName"] == "training" else "Queue": each for each in found}


def test_ref_and_getatt_give_arns_of_what_exists(stack: TestStack) -> None:
    """All seven types, and a consumable resource's further attributes."""
    outputs = stack.client("cloudformation").describe_stacks(StackName="s")["Stacks"][0]["Outputs"]
    values = {each["OutputKey"]: each["OutputValue"] for each in outputs}
    for name, (_, part) in ARNS.items():
        assert values[f"Ref{name}"] == values[f"Get{name}"]
        assert part in values[f"Ref{name}"]
        stack.client("batch").list_tags_for_resource(resourceArn=values[f"Ref{name}"])
    assert values["Available"] == "3"


def test_properties_arrive_as_the_api_has_them(stack: TestStack) -> None:
    """Members in the API's case, keys of maps as they are, numbers as strings where the API has strings."""
    batch = stack.client("batch")
    (definition,) = batch.describe_job_definitions()["jobDefinitions"]
    container = definition["containerProperties"]
    assert container["logConfiguration"]["options"] == {"awslogs-group": "Own"}
    assert container["resourceRequirements"][0] == {"type": "VCPU", "value": "1"}
    assert definition["parameters"] == {"Size": "3"}
    assert environment(stack)["tags"] == {"team": "a"}


def test_what_the_api_can_change_is_changed_in_place(stack: TestStack) -> None:
    """Scaling, priority, decay, quantity, limits: the resources stay those that they were."""
    batch, before, arn = stack.client("batch"), queues(stack), environment(stack)["computeEnvironmentArn"]
    resources = {**capitalised(RESOURCES), "MaxvCpus": 128}
    update(stack, "Environment", ComputeResources=resources)
    assert environment(stack)["computeResources"]["maxvCpus"] == 128
    assert environment(stack)["computeEnvironmentArn"] == arn
    update(stack, "Queue", Priority=5)
    assert queues(stack)["Queue"] == {**before["Queue"], "priority": 5}
    update(stack, "Fair", FairsharePolicy={"ShareDecaySeconds": 90})
    fair = batch.describe_scheduling_policies(arns=[before["Queue"]["schedulingPolicyArn"]])["schedulingPolicies"][0]
    assert fair["fairsharePolicy"]["shareDecaySeconds"] == 90
    update(stack, "Licence", TotalQuantity=7, Tags={"team": "b"})
    licence = batch.describe_consumable_resource(consumableResource="licence")
    assert (licence["totalQuantity"], licence["tags"]) == (7, {"team": "b"})
    more = [{"MaxCapacity": 9, "CapacityUnit": "ml.m5.large"}]
    update(stack, "ServiceEnvironment", CapacityLimits=more)
    assert batch.describe_service_environments()["serviceEnvironments"][0]["capacityLimits"][0]["maxCapacity"] == 9
    update(stack, "Share", CapacityLimits=more)
    assert batch.list_quota_shares(jobQueue="training")["quotaShares"][0]["capacityLimits"][0]["maxCapacity"] == 9


def test_a_definition_gets_a_new_revision(stack: TestStack) -> None:
    """The old one is deregistered, unless the template keeps it."""

    def revisions() -> list[tuple[int, str]]:
        found = stack.client("batch").describe_job_definitions(jobDefinitionName="jd")["jobDefinitions"]
        return [(each["revision"], each["status"]) for each in found]

    update(stack, "Definition", Parameters={"Size": "4"})
    assert revisions() == [(1, "INACTIVE"), (2, "ACTIVE")]
    update(stack, "Definition", Parameters={"Size": "5"}, ResourceRetentionPolicy={"SkipDeregisterOnUpdate": True})
    assert revisions() == [(1, "INACTIVE"), (2, "ACTIVE"), (3, "ACTIVE")]


@pytest.mark.parametrize(
    "changed",
    [
        {"Tags": {"team": "b"}},
        {"ServiceRole": ROLE},
        {"ComputeResources": {**capitalised(RESOURCES), "InstanceTypes": ["c5"]}},
        {"ComputeResources": {**capitalised(RESOURCES), "AllocationStrategy": "BEST_FIT"}},
    ],
)
def test_an_environment_is_replaced_and_its_queue_follows(stack: TestStack, changed: dict[str, Any]) -> None:
    """Create-only properties, and instances: the default of ReplaceComputeEnvironment is true."""
    old = environment(stack)["computeEnvironmentArn"]
    update(stack, "Environment", **changed)
    new = environment(stack)["computeEnvironmentArn"]
    assert new != old
    assert [each["computeEnvironment"] for each in queues(stack)["Queue"]["computeEnvironmentOrder"]] == [new]


def test_an_environment_is_kept_where_the_template_says_so(stack: TestStack) -> None:
    """ReplaceComputeEnvironment false: the instances are replaced in place."""
    old = environment(stack)["computeEnvironmentArn"]
    other = {**capitalised(RESOURCES), "InstanceTypes": ["c5"]}
    update(stack, "Environment", ComputeResources=other, ReplaceComputeEnvironment=False)
    assert environment(stack)["computeEnvironmentArn"] == old
    assert environment(stack)["computeResources"]["instanceTypes"] == ["c5"]


@pytest.mark.parametrize("changed", [{"JobQueueName": "other"}, {"SchedulingPolicyArn": None}, {"Tags": {"a": "b"}}])
def test_a_queue_is_replaced_where_it_cannot_be_changed(stack: TestStack, changed: dict[str, Any]) -> None:
    """Another name, no policy any more, other tags."""
    old = queues(stack)["Queue"]["jobQueueArn"]
    update(stack, "Queue", **changed)
    new = queues(stack)
    assert len(new) == 2
    assert new["Queue"]["jobQueueArn"] != old


def test_a_stack_goes_with_all_that_is_left_of_it(stack: TestStack) -> None:
    """Enabled ones are disabled first; what somebody deleted before is no error."""
    batch = stack.client("batch")
    batch.delete_consumable_resource(consumableResource="licence")
    stack.client("cloudformation").delete_stack(StackName="s")
    assert environments_and_queues(batch) == [[], []]
    assert batch.list_scheduling_policies()["schedulingPolicies"] == []
    assert batch.describe_service_environments()["serviceEnvironments"] == []
    definitions = batch.describe_job_definitions()["jobDefinitions"]
    assert {each["status"] for each in definitions} == {"INACTIVE"}


def environments_and_queues(batch: Any) -> list[Any]:
    return [batch.describe_compute_environments()["computeEnvironments"], batch.describe_job_queues()["jobQueues"]]


def test_a_refused_resource_fails_the_stack(stack: TestStack) -> None:
    """With Batch's words, and nothing of it is left behind."""
    broken = {"Resources": {"E": copy.deepcopy(TEMPLATE["Resources"]["Environment"])}}
    broken["Resources"]["E"]["Properties"]["ComputeResources"]["MinvCpus"] = -1
    with pytest.raises(Exception, match="minvCpus should be greater than or equal to 0"):
        stack.client("cloudformation").create_stack(StackName="bad", TemplateBody=json.dumps(broken))
    assert len(stack.client("batch").describe_compute_environments()["computeEnvironments"]) == 1
