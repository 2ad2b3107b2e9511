"""What each component declares, seen where it counts: in the account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchiac.components.launch_template import mime_multipart
from batchiac.components.network import subnet_blocks
from batchiac.components.wire import merged


def test_a_whole_program(run: Callable[..., Any], described: Callable[[str], Any], stack: Any) -> None:
    """Environments with everything, a queue in order, definitions; a second preview finds no change."""
    deployment = run(
        """
        template = batch.LaunchTemplate("node", user_data="#!/bin/bash\\necho hi", root_volume_gib=80)
        group = batch.PlacementGroup("cluster")
        one = environment(
            "one", launch_template=template, placement_group=group, images=[batch.Image("ECS_AL2023")],
            update_policy=batch.UpdatePolicy(job_minutes=60), drain=batch.Drain(60, "fail"),
            scale_down_delay_minutes=20, instance_tags={"team": "x"}, tags={"owner": "me"},
        )
        spot = environment("spot", compute="SPOT", bid_percentage=60)
        fargate = batch.ManagedComputeEnvironment("fargate", network=network, compute="FARGATE", max_vcpus=4)
        shares = batch.SchedulingPolicy("shares", shares={"a": 1, "b*": 0.5}, decay_seconds=3600)
        fair = batch.JobQueue("fair", priority=5, compute_environments=[spot, one], scheduling_policy=shares,
            time_limits=[batch.TimeLimit("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", 600)])
        lone = batch.JobQueue("lone", priority=1, compute_environments=[fargate.arn_output], enabled=False)
        job = batch.ContainerJobDefinition(
            "job",
            container=batch.Container("busybox", vcpus=2, memory_mib=512, gpus=1, command=["true"],
                environment={"A": "1"}, secrets={"S": "arn:aws:ssm:us-east-1:123456789012:parameter/s"}),
            roles=roles, retry=batch.Retry(3, batch.RETRY_ON_HOST_LOSS), timeout_s=600, scheduling_priority=7,
        )
        many = batch.MultiNodeJobDefinition(
            "many", nodes=4, roles=roles, groups={
                "0": batch.Container("busybox", vcpus=1, memory_mib=512),
                "1:": batch.Container("busybox", vcpus=2, memory_mib=1024)},
        )
        pulumi.export("queue", fair.name_output)
        """
    )
    one, spot = described("one"), described("spot")
    resources = one["computeResources"]
    assert resources["launchTemplate"]["version"] == "1"
    assert resources["placementGroup"].startswith("cluster-")
    assert resources["ec2Configuration"][0]["imageType"] == "ECS_AL2023"
    assert resources["scalingPolicy"] == {"minScaleDownDelayMinutes": 20}
    assert one["updatePolicy"]["jobExecutionTimeoutMinutes"] == 60
    assert one["tags"] == {"owner": "me"}
    assert spot["computeResources"]["allocationStrategy"] == "SPOT_PRICE_CAPACITY_OPTIMIZED"
    fair = described("fair")
    assert [each["computeEnvironment"] for each in fair["computeEnvironmentOrder"]] == [
        spot["computeEnvironmentArn"],
        one["computeEnvironmentArn"],
    ]
    assert fair["jobStateTimeLimitActions"][0]["maxTimeSeconds"] == 600
    assert described("lone")["state"] == "DISABLED"
    job = described("job")
    assert {each["type"]: each["value"] for each in job["containerProperties"]["resourceRequirements"]} == {
        "VCPU": "2",
        "MEMORY": "512",
        "GPU": "1",
    }
    assert job["retryStrategy"]["evaluateOnExit"][0]["onStatusReason"] == "Host EC2*"
    assert [each["targetNodes"] for each in described("many")["nodeProperties"]["nodeRangeProperties"]] == ["0", "1:"]
    assert deployment.outputs["queue"] == fair["jobQueueName"]
    assert [step.op for step in deployment.preview().steps if step.op != "same"] == []


def test_training_on_quota_shares(run: Callable[..., Any], described: Callable[[str], Any], stack: Any) -> None:
    """Environment, policy, queue and shares by component; a second preview finds no change."""
    deployment = run(
        """
        import batchiac.components as batch
        import pulumi
        gpus = batch.ServiceEnvironment("gpus", capacity_limits={"ml.m5.large": 8, "ml.g5.xlarge": 2}, tags={"a": "b"})
        quota = batch.SchedulingPolicy("quota", quota_shares="FIFO")
        training = batch.JobQueue(
            "training", priority=1, service_environments=[gpus], scheduling_policy=quota, enabled=True
        )
        research = batch.QuotaShare(
            "research", queue=training, capacity_limits={"ml.m5.large": 4}, strategy="LEND_AND_BORROW", borrow_limit=50,
            in_share_preemption=True, quota_share_name="research", tags={"team": "r"},
        )
        other = batch.QuotaShare(
            "other", queue=training.arn_output, capacity_limits={"ml.g5.xlarge": 1}, strategy="RESERVE", enabled=False
        )
        plain = batch.ServiceEnvironment("plain", capacity_limits={"NUM_INSTANCES": 3}, enabled=False)
        fifo = batch.JobQueue("fifo", priority=2, service_environments=[plain.arn_output])
        pulumi.export("names", [research.name_output, other.name_output, gpus.name_output])
        pulumi.export("arns", [research.arn_output, other.arn_output, gpus.arn_output])
        """,
        head="",
    )
    batch = stack.client("batch")
    research_arn, other_arn, gpus_arn = deployment.outputs["arns"]
    (gpus,) = batch.describe_service_environments(serviceEnvironments=[gpus_arn])["serviceEnvironments"]
    assert (gpus["serviceEnvironmentType"], gpus["state"], gpus["tags"]) == (
        "SAGEMAKER_TRAINING",
        "ENABLED",
        {"a": "b"},
    )
    assert {each["capacityUnit"]: each["maxCapacity"] for each in gpus["capacityLimits"]} == {
        "ml.m5.large": 8,
        "ml.g5.xlarge": 2,
    }
    training = described("training")
    assert training["jobQueueType"] == "SAGEMAKER_TRAINING"
    assert training["serviceEnvironmentOrder"] == [{"order": 1, "serviceEnvironment": gpus_arn}]
    assert training["computeEnvironmentOrder"] == []
    policy = batch.describe_scheduling_policies(arns=[training["schedulingPolicyArn"]])["schedulingPolicies"][0]
    assert policy["quotaSharePolicy"] == {"idleResourceAssignmentStrategy": "FIFO"}
    assert "fairsharePolicy" not in policy
    research = batch.describe_quota_share(quotaShareArn=research_arn)
    assert research["jobQueueArn"] == training["jobQueueArn"]
    assert research["resourceSharingConfiguration"] == {"strategy": "LEND_AND_BORROW", "borrowLimit": 50}
    assert research["preemptionConfiguration"] == {"inSharePreemption": "ENABLED"}
    other = batch.describe_quota_share(quotaShareArn=other_arn)
    assert (other["state"], other["resourceSharingConfiguration"]) == ("DISABLED", {"strategy": "RESERVE"})
    names = [research["quotaShareName"], other["quotaShareName"], gpus["serviceEnvironmentName"]]
    assert (deployment.outputs["names"], names[0]) == (names, "research")
    assert described("fifo")["priority"] == 2
    assert [step.op for step in deployment.preview().steps if step.op != "same"] == []


def test_jobs_take_what_is_declared(run: Callable[..., Any], described: Callable[[str], Any], stack: Any) -> None:
    """A definition names resources by component, ARN or name; its jobs wait for them."""
    deployment = run(
        """
        licence = batch.ConsumableResource("licence", total_quantity=3, consumable_resource_name="licence")
        credits = batch.ConsumableResource("credits", total_quantity=10, replenishable=False, tags={"team": "a"})
        container = batch.Container("busybox", vcpus=1, memory_mib=512)
        taking = batch.ContainerJobDefinition(
            "taking", container=container,
            consumes=[batch.Consumes(licence, 2), batch.Consumes(credits.arn_output), batch.Consumes("elsewhere", 4)],
        )
        takes = batch.ContainerJobDefinition("takes", container=container, consumes=[batch.Consumes(licence, 2)])
        gang = batch.MultiNodeJobDefinition(
            "gang", nodes=2, container=container, consumes=[batch.Consumes(licence.name_output)]
        )
        queue = batch.JobQueue("queue", priority=1, compute_environments=[environment("one")])
        pulumi.export("arns", [licence.arn_output, credits.arn_output])
        """
    )
    batch = stack.client("batch")
    licence, used_up = deployment.outputs["arns"]
    needs = described("taking")["consumableResourceProperties"]["consumableResourceList"]
    assert needs == [
        {"consumableResource": licence, "quantity": 2},
        {"consumableResource": used_up, "quantity": 1},
        {"consumableResource": "elsewhere", "quantity": 4},
    ]
    found = batch.describe_consumable_resource(consumableResource=used_up)
    assert (found["resourceType"], found["tags"]) == ("NON_REPLENISHABLE", {"team": "a"})
    gang = described("gang")["consumableResourceProperties"]["consumableResourceList"]
    assert gang == [{"consumableResource": "licence", "quantity": 1}]
    assert [step.op for step in deployment.preview().steps if step.op != "same"] == []
    ids = [
        batch.submit_job(
            jobName="a",
            jobQueue=described("queue")["jobQueueName"],
            jobDefinition=described("takes")["jobDefinitionArn"],
            tags={"batchiac:duration": "3600"},
        )["jobId"]
        for _ in range(2)
    ]
    stack.clock.advance(1200)
    assert [each["status"] for each in batch.describe_jobs(jobs=ids)["jobs"]] == ["RUNNING", "RUNNABLE"]
    assert batch.describe_consumable_resource(consumableResource=licence)["inUseQuantity"] == 2


def test_own_subnets_make_no_network(run: Callable[..., Any], described: Callable[[str], Any], stack: Any) -> None:
    """With subnet and security group ids of the user's, no VPC is made."""
    ec2 = stack.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    filters = [{"Name": "vpc-id", "Values": [subnet["VpcId"]]}]
    group = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]
    before = len(ec2.describe_vpcs()["Vpcs"])
    run(
        f"""
        import pulumi
        import batchiac.components as batch
        network = batch.Network("own", subnet_ids=["{subnet["SubnetId"]}"], security_group_ids=["{group}"])
        batch.ManagedComputeEnvironment("mine", network=network, compute="FARGATE", max_vcpus=4)
        """,
        head="",
    )
    assert described("mine")["computeResources"]["subnets"] == [subnet["SubnetId"]]
    assert len(ec2.describe_vpcs()["Vpcs"]) == before


def test_user_data_becomes_mime_once() -> None:
    """A script is wrapped, cloud-config under its own type, MIME stays as it is."""
    assert 'Content-Type: multipart/mixed; boundary="' in mime_multipart("#!/bin/bash\ntrue")
    assert "text/cloud-config" in mime_multipart("#cloud-config\npackages: []")
    wrapped = mime_multipart("#!/bin/bash\ntrue")
    assert mime_multipart(wrapped) == wrapped


def test_subnets_share_the_block_equally() -> None:
    """Each zone's part is a /20 at most and none overlaps."""
    zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
    assert list(subnet_blocks("10.0.0.0/16", zones[:2]).values()) == ["10.0.0.0/20", "10.0.16.0/20"]
    assert list(subnet_blocks("10.0.0.0/24", zones).values()) == ["10.0.0.0/26", "10.0.0.64/26", "10.0.0.128/26"]


def test_wire_is_laid_over_mapping_by_mapping() -> None:
    """`wire` adds to a nested mapping instead of replacing it."""
    assert merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"c": 4}}) == {"a": {"b": 1, "c": 4}, "d": 3}
