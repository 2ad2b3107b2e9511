"""Asynchronous states of environments and queues, and deletions that AWS refuses."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.testing import TestStack, local_stack

from .conftest import CONTAINER, RESOURCES, furnish


def environment(batch: Any, name: str = "ce") -> dict[str, Any]:
    """What Describe shows of an environment."""
    shown: dict[str, Any] = batch.describe_compute_environments(computeEnvironments=[name])["computeEnvironments"][0]
    return shown


def queue(batch: Any) -> dict[str, Any]:
    """What Describe shows of the queue."""
    shown: dict[str, Any] = batch.describe_job_queues(jobQueues=["q"])["jobQueues"][0]
    return shown


def test_an_environment_is_creating_then_valid(stack: TestStack) -> None:
    """VALID comes with time, not with the call."""
    batch = stack.client("batch")
    batch.create_compute_environment(computeEnvironmentName="ce", type="MANAGED", computeResources=RESOURCES)
    assert environment(batch)["status"] == "CREATING"
    stack.clock.advance(11)
    assert (environment(batch)["status"], environment(batch)["statusReason"]) == ("VALID", "ComputeEnvironment Healthy")


@pytest.mark.parametrize(("eks", "image_type"), [(False, "ECS_AL2023"), (True, "EKS_AL2023")])
def test_the_default_image_goes_with_the_orchestration(stack: TestStack, eks: bool, image_type: str) -> None:
    """botocore 1.44, ComputeResource.ec2Configuration: ECS_AL2023, on EKS EKS_AL2023 (read 2026-11-21)."""
    batch = stack.client("batch")
    request = {"computeEnvironmentName": "ce", "type": "MANAGED", "computeResources": RESOURCES}
    if eks:
        arn = "arn:aws:eks:us-east-1:123456789012:cluster/c"
        request["eksConfiguration"] = {"eksClusterArn": arn, "kubernetesNamespace": "jobs"}
    batch.create_compute_environment(**request)
    assert environment(batch)["computeResources"]["ec2Configuration"] == [{"imageType": image_type}]


@pytest.mark.parametrize("types", [["m5.huge"], ["m5", "x99"]])
def test_an_unknown_instance_type_is_refused(batch: Any, types: list[str]) -> None:
    """With AWS's text, which lists what there is (other tools read it), at creation and at an update."""
    text = r"Exception : Instance type can only be one of \[optimal, .*\bm5\.large\b.*\], RequestId"
    resources = {**RESOURCES, "instanceTypes": types}
    with pytest.raises(ClientError, match=text):
        batch.create_compute_environment(computeEnvironmentName="odd", type="MANAGED", computeResources=resources)
    with pytest.raises(ClientError, match=text):
        batch.update_compute_environment(computeEnvironment="ce", computeResources={"instanceTypes": types})
    (found,) = batch.describe_compute_environments()["computeEnvironments"]
    assert found["computeResources"]["instanceTypes"] == ["m5"]


def test_a_queue_needs_valid_environments(stack: TestStack) -> None:
    """An environment that is being created cannot be attached."""
    batch = stack.client("batch")
    batch.create_compute_environment(computeEnvironmentName="ce", type="MANAGED", computeResources=RESOURCES)
    order = [{"order": 1, "computeEnvironment": "ce"}]
    with pytest.raises(ClientError, match="must be created and valid before attaching them to a job queue"):
        batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)


@pytest.mark.parametrize(
    ("kind", "types", "text"),
    [
        ("FARGATE", None, "Fargate and EC2 compute environments can not be mixed."),
        ("EC2", ["m7g"], "a queue's environments share one architecture"),
    ],
)
def test_environments_that_a_queue_may_not_mix(
    stack: TestStack, batch: Any, kind: str, types: list[str] | None, text: str
) -> None:
    """Refused at CreateJobQueue and at UpdateJobQueue; nothing is changed."""
    only_ec2 = ("minvCpus", "instanceTypes", "instanceRole", "allocationStrategy")
    resources = {key: value for key, value in RESOURCES.items() if types or key not in only_ec2}
    resources |= {"type": kind, **({"instanceTypes": types} if types else {})}
    batch.create_compute_environment(computeEnvironmentName="other", type="MANAGED", computeResources=resources)
    stack.clock.run_until_idle()
    order = [{"order": number, "computeEnvironment": name} for number, name in enumerate(("ce", "other"))]
    with pytest.raises(ClientError, match=text):
        batch.create_job_queue(jobQueueName="mixed", priority=1, computeEnvironmentOrder=order)
    with pytest.raises(ClientError, match=text):
        batch.update_job_queue(jobQueue="q", computeEnvironmentOrder=order)
    (queue,) = batch.describe_job_queues()["jobQueues"]
    assert [entry["order"] for entry in queue["computeEnvironmentOrder"]] == [1]


def test_names_are_taken_once(batch: Any) -> None:
    """A second resource of a name is refused with AWS's words."""
    with pytest.raises(ClientError, match="Object already exists"):
        batch.create_compute_environment(computeEnvironmentName="ce", type="MANAGED", computeResources=RESOURCES)
    order = [{"order": 1, "computeEnvironment": "ce"}]
    with pytest.raises(ClientError, match="Object already exists"):
        batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)


def test_deletion_in_the_documented_order(stack: TestStack, batch: Any) -> None:
    """Enabled, attached and changing resources are refused; the documented order works."""
    with pytest.raises(ClientError, match="state must be DISABLED"):
        batch.delete_job_queue(jobQueue="q")
    with pytest.raises(ClientError, match="state must be DISABLED"):
        batch.delete_compute_environment(computeEnvironment="ce")
    batch.update_job_queue(jobQueue="q", state="DISABLED")
    with pytest.raises(ClientError, match="resource is being modified"):
        batch.delete_job_queue(jobQueue="q")
    batch.update_compute_environment(computeEnvironment="ce", state="DISABLED")
    stack.clock.run_until_idle()
    with pytest.raises(ClientError, match="found existing JobQueue relationship"):
        batch.delete_compute_environment(computeEnvironment="ce")
    batch.delete_job_queue(jobQueue="q")
    assert queue(batch)["status"] == "DELETING"
    with pytest.raises(ClientError, match="found existing JobQueue relationship"):
        batch.delete_compute_environment(computeEnvironment="ce")
    stack.clock.run_until_idle()
    assert batch.describe_job_queues()["jobQueues"] == []
    batch.delete_compute_environment(computeEnvironment="ce")
    assert environment(batch)["status"] == "DELETING"
    stack.clock.run_until_idle()
    assert batch.describe_compute_environments()["computeEnvironments"] == []


def let_go(stack: TestStack) -> Any:
    """A queue that has exchanged its environment `ce` for another and is VALID again; `ce` is DISABLED."""
    batch = furnish(stack)
    batch.create_compute_environment(computeEnvironmentName="new", type="MANAGED", computeResources=RESOURCES)
    stack.clock.run_until_idle()
    batch.update_job_queue(jobQueue="q", computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "new"}])
    batch.update_compute_environment(computeEnvironment="ce", state="DISABLED")
    stack.clock.run_until_idle()
    assert queue(batch)["status"] == "VALID"
    return batch


def test_an_environment_stays_related_for_the_consistency_lag() -> None:
    """A naive client that deletes as soon as the queue is VALID again meets the relationship."""
    with local_stack(projections=False, consistency_lag_s=20) as stack:
        batch = let_go(stack)
        with pytest.raises(ClientError, match="found existing JobQueue relationship"):
            batch.delete_compute_environment(computeEnvironment="ce")


def test_an_environment_can_go_when_no_queue_has_it_any_more() -> None:
    """After the lag the deletion goes through."""
    with local_stack(projections=False, consistency_lag_s=20) as stack:
        batch = let_go(stack)
        stack.clock.advance(21)
        batch.delete_compute_environment(computeEnvironment="ce")


def test_vcpus_are_never_lowered_by_hand(stack: TestStack, batch: Any) -> None:
    """ "Manually scaling down compute environment is not supported." """
    batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd")
    stack.clock.advance(60)
    assert environment(batch)["computeResources"]["desiredvCpus"] > 0
    with pytest.raises(ClientError, match="Manually scaling down compute environment is not supported"):
        batch.update_compute_environment(computeEnvironment="ce", computeResources={"desiredvCpus": 0})


def test_infrastructure_is_updated_with_the_service_linked_role_only(stack: TestStack, batch: Any) -> None:
    """With another role, or BEST_FIT, instances cannot be replaced in place."""
    batch.update_compute_environment(computeEnvironment="ce", computeResources={"instanceTypes": ["c5"]})
    stack.clock.run_until_idle()
    assert environment(batch)["computeResources"]["instanceTypes"] == ["c5"]
    role = "arn:aws:iam::123456789012:role/service"
    batch.create_compute_environment(
        computeEnvironmentName="own", type="MANAGED", computeResources=RESOURCES, serviceRole=role
    )
    stack.clock.run_until_idle()
    with pytest.raises(ClientError, match="instanceTypes of own cannot be updated"):
        batch.update_compute_environment(computeEnvironment="own", computeResources={"instanceTypes": ["c5"]})
    with pytest.raises(ClientError, match="cannot change between a service-linked role"):
        batch.update_compute_environment(computeEnvironment="ce", serviceRole=role)


def test_a_scheduling_policy_in_use_stays(stack: TestStack, batch: Any) -> None:
    """It can be deleted when no queue has it, and is neither added to nor taken from a queue."""
    policy = batch.create_scheduling_policy(name="fair")["arn"]
    with pytest.raises(ClientError, match="cannot be added"):
        batch.update_job_queue(jobQueue="q", schedulingPolicyArn=policy)
    order = [{"order": 1, "computeEnvironment": "ce"}]
    batch.create_job_queue(jobQueueName="f", priority=1, computeEnvironmentOrder=order, schedulingPolicyArn=policy)
    with pytest.raises(ClientError, match="is used by job queue f"):
        batch.delete_scheduling_policy(arn=policy)


def test_removed_fields_and_kept_fields() -> None:
    """An empty string removes an image or key pair; Fargate keeps its subnets when given none."""
    from batchiac.local.operations.compute_environment import merged_resources

    old = {"type": "EC2", "imageId": "ami-1", "ec2KeyPair": "k", "securityGroupIds": ["sg-1"], "launchTemplate": {}}
    given = {"imageId": "", "ec2KeyPair": "new", "securityGroupIds": [], "launchTemplate": {"launchTemplateId": ""}}
    assert merged_resources(old, given) == {"type": "EC2", "ec2KeyPair": "new", "securityGroupIds": []}
    fargate = {"type": "FARGATE", "subnets": ["subnet-1"]}
    assert merged_resources(fargate, {"subnets": []}) == fargate


def test_an_environment_does_not_move_to_fargate_with_its_instances(stack: TestStack, batch: Any) -> None:
    """What it would be is held to the rules of a Fargate environment; between the two kinds of Fargate it may move."""
    with pytest.raises(ClientError, match="is not applicable for Fargate"):
        batch.update_compute_environment(computeEnvironment="ce", computeResources={"type": "FARGATE"})
    assert environment(batch)["computeResources"]["type"] == "EC2"
    resources = {"type": "FARGATE", "maxvCpus": 4, "subnets": ["subnet-12345678"], "securityGroupIds": ["sg-12345678"]}
    batch.create_compute_environment(computeEnvironmentName="f", type="MANAGED", computeResources=resources)
    stack.clock.run_until_idle()
    batch.update_compute_environment(computeEnvironment="f", computeResources={"type": "FARGATE_SPOT"})
    stack.clock.run_until_idle()
    assert environment(batch, "f")["computeResources"]["type"] == "FARGATE_SPOT"


def test_a_deregistered_definition_goes_after_180_days(stack: TestStack, batch: Any) -> None:
    """Until then it is INACTIVE, and its number is never used again."""
    batch.register_job_definition(jobDefinitionName="jd", type="container", containerProperties=CONTAINER)
    batch.deregister_job_definition(jobDefinition="jd:1")
    stack.clock.advance(179 * 86_400)
    batch.deregister_job_definition(jobDefinition="jd:1")

    def revisions() -> list[tuple[int, str]]:
        found = batch.describe_job_definitions(jobDefinitionName="jd")["jobDefinitions"]
        return [(each["revision"], each["status"]) for each in found]

    assert revisions() == [(1, "INACTIVE"), (2, "ACTIVE")]
    stack.clock.advance(86_400)
    assert revisions() == [(2, "ACTIVE")]
    batch.deregister_job_definition(jobDefinition="jd:2")
    made = batch.register_job_definition(jobDefinitionName="jd", type="container", containerProperties=CONTAINER)
    assert made["revision"] == 3


def test_an_identical_update_of_a_quantity_happens_once(stack: TestStack, batch: Any) -> None:
    """The same payload and token within 8 hours; another payload, or a later time, is another update."""
    batch.create_consumable_resource(consumableResourceName="c", totalQuantity=0)

    def add(quantity: int) -> int:
        request = {"consumableResource": "c", "operation": "ADD", "quantity": quantity, "clientToken": "t"}
        return int(batch.update_consumable_resource(**request)["totalQuantity"])

    assert [add(1), add(1), add(2), add(2)] == [1, 1, 3, 3]
    stack.clock.advance(8 * 3_600)
    assert add(1) == 4


LIMITS = [{"maxCapacity": 4, "capacityUnit": "ml.m5.large"}]


def test_poll_loops_over_service_resources_end() -> None:
    """On an auto clock a Describe of what is in transition goes on to where it has changed; deletions end as well."""
    with local_stack(projections=False, clock="auto") as stack:
        batch = stack.client("batch")

        def poll(read: Any, wanted: Any) -> None:
            for _ in range(5):
                if read() == wanted:
                    return
            raise AssertionError(f"{read()} never becomes {wanted}")

        def environments() -> list[str]:
            return [each["status"] for each in batch.describe_service_environments()["serviceEnvironments"]]

        batch.create_service_environment(
            serviceEnvironmentName="se", serviceEnvironmentType="SAGEMAKER_TRAINING", capacityLimits=LIMITS
        )
        poll(environments, ["VALID"])
        policy = batch.create_scheduling_policy(
            name="quota", quotaSharePolicy={"idleResourceAssignmentStrategy": "FIFO"}
        )["arn"]
        batch.create_job_queue(
            jobQueueName="sq",
            priority=1,
            jobQueueType="SAGEMAKER_TRAINING",
            serviceEnvironmentOrder=[{"order": 1, "serviceEnvironment": "se"}],
            schedulingPolicyArn=policy,
        )
        poll(lambda: batch.describe_job_queues()["jobQueues"][0]["status"], "VALID")
        share = batch.create_quota_share(
            quotaShareName="team",
            jobQueue="sq",
            capacityLimits=LIMITS,
            resourceSharingConfiguration={"strategy": "RESERVE"},
            preemptionConfiguration={"inSharePreemption": "DISABLED"},
        )["quotaShareArn"]
        poll(lambda: batch.describe_quota_share(quotaShareArn=share)["status"], "VALID")
        batch.update_quota_share(quotaShareArn=share, state="DISABLED")
        poll(lambda: batch.describe_quota_share(quotaShareArn=share)["status"], "VALID")
        batch.delete_quota_share(quotaShareArn=share)
        poll(lambda: batch.list_quota_shares(jobQueue="sq")["quotaShares"], [])
        batch.update_job_queue(jobQueue="sq", state="DISABLED")
        poll(lambda: batch.describe_job_queues()["jobQueues"][0]["status"], "VALID")
        batch.delete_job_queue(jobQueue="sq")
        poll(lambda: batch.describe_job_queues()["jobQueues"], [])
        batch.update_service_environment(serviceEnvironment="se", state="DISABLED")
        poll(environments, ["VALID"])
        batch.delete_service_environment(serviceEnvironment="se")
        poll(environments, [])


def test_service_resources_are_not_changed_while_they_change(stack: TestStack) -> None:
    """As environments and queues: neither updated nor deleted while CREATING, UPDATING or DELETING."""
    batch = stack.client("batch")
    batch.create_service_environment(
        serviceEnvironmentName="se", serviceEnvironmentType="SAGEMAKER_TRAINING", capacityLimits=LIMITS
    )
    with pytest.raises(ClientError, match="Cannot update, resource is being modified"):
        batch.update_service_environment(serviceEnvironment="se", state="DISABLED")
    stack.clock.run_until_idle()
    batch.update_service_environment(serviceEnvironment="se", state="DISABLED")
    with pytest.raises(ClientError, match="Cannot delete, resource is being modified"):
        batch.delete_service_environment(serviceEnvironment="se")
