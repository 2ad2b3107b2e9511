"""UNMANAGED environments: what an operator registers with the cluster is where jobs run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchiac.testing import TestStack, local_stack

from .conftest import CONTAINER


@pytest.fixture
def own() -> Iterator[TestStack]:
    """A stack with an UNMANAGED environment whose hosts are those that are registered, a queue and a definition."""
    with local_stack(unmanaged_hosts="registered") as stack:
        furnish(stack)
        yield stack


def furnish(stack: TestStack) -> None:
    batch, iam = stack.client("batch"), stack.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "batch.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="service", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    batch.create_compute_environment(computeEnvironmentName="ce", type="UNMANAGED", serviceRole=role["Role"]["Arn"])
    stack.clock.run_until_idle()
    order = [{"order": 1, "computeEnvironment": "ce"}]
    batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
    stack.clock.run_until_idle()
    batch.register_job_definition(jobDefinitionName="jd", type="container", containerProperties=CONTAINER)


def cluster_of(stack: TestStack) -> str:
    environments = stack.client("batch").describe_compute_environments()["computeEnvironments"]
    return str(environments[0]["ecsClusterArn"])


def launch(stack: TestStack, **options: Any) -> str:
    made = stack.client("ec2").run_instances(
        ImageId="ami-12c6146b", InstanceType="c5.large", MinCount=1, MaxCount=1, **options
    )
    return str(made["Instances"][0]["InstanceId"])


def register(stack: TestStack, instance_id: str) -> str:
    made = stack.client("ecs").register_container_instance(
        cluster=cluster_of(stack), instanceIdentityDocument=json.dumps({"instanceId": instance_id})
    )
    return str(made["containerInstance"]["containerInstanceArn"])


def submit(stack: TestStack) -> str:
    return str(stack.client("batch").submit_job(jobName="a", jobQueue="q", jobDefinition="jd")["jobId"])


def job(stack: TestStack, job_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = stack.client("batch").describe_jobs(jobs=[job_id])["jobs"][0]
    return shown


def count(stack: TestStack) -> int:
    shown = stack.client("ecs").describe_clusters(clusters=[cluster_of(stack)])["clusters"][0]
    return int(shown["registeredContainerInstancesCount"])


def test_jobs_run_on_a_registered_instance_and_only_there(own: TestStack) -> None:
    """Without a container instance a job waits; with one it runs on it, as ECS sees it too."""
    job_id = submit(own)
    own.clock.advance(600)
    assert job(own, job_id)["status"] == "RUNNABLE"
    arn = register(own, launch(own))
    own.clock.run_until_idle()
    ended = job(own, job_id)
    assert (ended["status"], ended["container"]["containerInstanceArn"]) == ("SUCCEEDED", arn)
    ecs = own.client("ecs")
    shown = ecs.describe_container_instances(cluster=cluster_of(own), containerInstances=[arn])["containerInstances"][0]
    assert {each["name"]: each["integerValue"] for each in shown["registeredResources"]}["CPU"] == 2048
    assert count(own) == 1


def test_a_busy_instance_is_not_deregistered_unless_forced(own: TestStack) -> None:
    """Forced, its jobs lose their host, under the EC2 instance's own id."""
    instance_id = launch(own)
    arn = register(own, instance_id)
    job_id = submit(own)
    own.clock.advance(20)
    assert job(own, job_id)["status"] == "RUNNING"
    ecs = own.client("ecs")
    with pytest.raises(ClientError, match="Found running tasks on the instance"):
        ecs.deregister_container_instance(cluster=cluster_of(own), containerInstance=arn)
    gone = ecs.deregister_container_instance(cluster=cluster_of(own), containerInstance=arn, force=True)
    assert gone["containerInstance"]["status"] == "INACTIVE"
    ended = job(own, job_id)
    assert (ended["status"], ended["statusReason"]) == ("FAILED", f"Host EC2 (instance {instance_id}) terminated.")
    listed = own.client("batch").list_jobs(jobQueue="q", jobStatus="FAILED")["jobSummaryList"]
    assert [each["statusReason"] for each in listed] == [ended["statusReason"]]
    assert ended["attempts"][0]["statusReason"] == ended["statusReason"]
    assert count(own) == 0
    waiting = submit(own)
    own.clock.advance(600)
    assert job(own, waiting)["status"] == "RUNNABLE"


def test_an_idle_instance_is_deregistered(own: TestStack) -> None:
    """Then there is no host any more, and the EC2 instance is its owner's as before."""
    instance_id = launch(own)
    arn = register(own, instance_id)
    own.client("ecs").deregister_container_instance(cluster=cluster_of(own), containerInstance=arn)
    job_id = submit(own)
    own.clock.advance(600)
    assert job(own, job_id)["status"] == "RUNNABLE"
    states = own.client("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"]
    assert [each["State"]["Name"] for each in states] == ["running"]


def test_a_draining_instance_takes_no_more_jobs_until_it_is_active_again(own: TestStack) -> None:
    """What runs ends; the next waits until the instance is ACTIVE, also when that was said while it drained."""
    ecs, arn = own.client("ecs"), register(own, launch(own))

    def set_state(status: str) -> None:
        known = ecs.list_container_instances(cluster=cluster_of(own))["containerInstanceArns"]
        ecs.update_container_instances_state(cluster=cluster_of(own), containerInstances=known, status=status)

    first = submit(own)
    own.clock.advance(20)
    set_state("DRAINING")
    second = submit(own)
    own.clock.advance(600)
    assert (job(own, first)["status"], job(own, second)["status"]) == ("SUCCEEDED", "RUNNABLE")
    set_state("ACTIVE")
    own.clock.advance(20)
    assert job(own, second)["status"] == "RUNNING"
    set_state("DRAINING")
    set_state("ACTIVE")
    third = submit(own)
    own.clock.run_until_idle()
    assert job(own, third)["status"] == "SUCCEEDED"
    assert (count(own), job(own, first)["container"]["containerInstanceArn"]) == (1, arn)


def test_a_terminated_instance_is_a_lost_host(own: TestStack) -> None:
    """TerminateInstances, as an Auto Scaling group does it, takes the jobs and the container instance along."""
    instance_id = launch(own)
    register(own, instance_id)
    job_id = submit(own)
    own.clock.advance(20)
    own.client("ec2").terminate_instances(InstanceIds=[instance_id])
    assert job(own, job_id)["statusReason"] == f"Host EC2 (instance {instance_id}) terminated."
    assert count(own) == 0


def test_an_auto_scaling_group_of_the_operators_own_feeds_the_environment(own: TestStack) -> None:
    """Its instances' user data names the cluster: when they have booted their agents register them."""
    cluster = cluster_of(own).rpartition("/")[2]
    ec2, autoscaling = own.client("ec2"), own.client("autoscaling")
    import base64

    data = {
        "ImageId": "ami-12c6146b",
        "InstanceType": "m5.large",
        "UserData": base64.b64encode(
            f"#!/bin/bash\necho ECS_CLUSTER={cluster} >> /etc/ecs/ecs.config\n".encode()
        ).decode(),
    }
    ec2.create_launch_template(LaunchTemplateName="own", LaunchTemplateData=data)
    job_id = submit(own)
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="own",
        MinSize=0,
        MaxSize=4,
        DesiredCapacity=2,
        AvailabilityZones=["us-east-1a"],
        LaunchTemplate={"LaunchTemplateName": "own", "Version": "$Latest"},
    )
    own.clock.advance(60)
    assert (job(own, job_id)["status"], count(own)) == ("RUNNABLE", 0)
    own.clock.run_until_idle()
    assert (job(own, job_id)["status"], count(own)) == ("SUCCEEDED", 2)
    autoscaling.set_desired_capacity(AutoScalingGroupName="own", DesiredCapacity=1)
    assert count(own) == 1


def test_assumed_hosts_go_when_a_real_one_joins() -> None:
    """Until then any job finds room; afterwards only what the registered instance has."""
    with local_stack() as stack:
        furnish(stack)
        job_id = submit(stack)
        stack.clock.run_until_idle()
        assert job(stack, job_id)["status"] == "SUCCEEDED"
        arn = register(stack, launch(stack))
        ids = [submit(stack) for _ in range(3)]
        stack.clock.run_until_idle()
        assert {job(stack, each)["container"]["containerInstanceArn"] for each in ids} == {arn}


def test_registering_with_what_is_no_environments_cluster(own: TestStack) -> None:
    """Another cluster is moto's own business; one that does not exist is refused as ECS does; twice is once."""
    ecs, instance_id = own.client("ecs"), launch(own)
    document = json.dumps({"instanceId": instance_id})
    with pytest.raises(ClientError, match="Cluster not found"):
        ecs.register_container_instance(cluster="nowhere", instanceIdentityDocument=document)
    ecs.create_cluster(clusterName="other")
    ecs.register_container_instance(cluster="other", instanceIdentityDocument=document)
    assert count(own) == 0
    assert register(own, instance_id) == register(own, instance_id)
    assert count(own) == 1


def test_an_instance_leaves_and_comes_back_under_its_own_id(own: TestStack) -> None:
    """Deregistered and registered again it takes jobs; EC2's instance runs on all the while."""
    ecs, instance_id = own.client("ecs"), launch(own)
    for _ in range(2):
        arn = register(own, instance_id)
        job_id = submit(own)
        own.clock.advance(20)
        assert job(own, job_id)["container"]["containerInstanceArn"] == arn
        ecs.deregister_container_instance(cluster=cluster_of(own), containerInstance=arn, force=True)
        assert job(own, job_id)["statusReason"] == f"Host EC2 (instance {instance_id}) terminated."
        own.clock.run_until_idle()
    states = own.client("ec2").describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"]
    assert [each["State"]["Name"] for each in states] == ["running"]


def test_tasks_of_one_cluster_are_listed(own: TestStack) -> None:
    """A cluster whose name is part of another's has none of that one's tasks."""
    ecs = own.client("ecs")
    register(own, launch(own))
    submit(own)
    own.clock.run_until_idle()
    ecs.create_cluster(clusterName="ce")
    assert len(ecs.list_tasks(cluster=cluster_of(own), desiredStatus="STOPPED")["taskArns"]) == 1
    assert ecs.list_tasks(cluster="ce", desiredStatus="STOPPED")["taskArns"] == []
