"""How Batch looks in the rest of the account, and what from there reaches Batch."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from batchiac.local.projections.logs import simulated_output
from batchiac.testing import TestStack, local_stack

from .conftest import RESOURCES

ACCOUNT = "arn:aws:{}:us-east-1:123456789012:{}"
PROFILE = "arn:aws:iam::123456789012:instance-profile/hosts"
ROLE = "arn:aws:iam::123456789012:role/hosts"


@pytest.fixture(scope="module")
def stack() -> Iterator[TestStack]:
    """An account with a network, a profile, a launch template and a placement group; On-Demand, Spot and Fargate."""
    with local_stack() as running:
        ec2, iam = running.client("ec2"), running.client("iam")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{'ab'[n]}")["Subnet"]
            for n in range(2)
        ]
        group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
        iam.create_role(RoleName="hosts", AssumeRolePolicyDocument="{}")
        iam.create_instance_profile(InstanceProfileName="hosts")
        iam.add_role_to_instance_profile(InstanceProfileName="hosts", RoleName="hosts")
        ec2.create_placement_group(GroupName="near", Strategy="cluster")
        volume = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 100}}
        data = {"ImageId": "ami-00000000", "BlockDeviceMappings": [volume]}
        ec2.create_launch_template(LaunchTemplateName="lt", LaunchTemplateData=data)
        network = {"subnets": [each["SubnetId"] for each in subnets], "securityGroupIds": [group]}
        own = {**RESOURCES, **network, "instanceRole": PROFILE}
        kinds: dict[str, Any] = {
            "demand": {
                **own,
                "launchTemplate": {"launchTemplateName": "lt"},
                "placementGroup": "near",
                "tags": {"team": "a"},
            },
            "spot": {**own, "type": "SPOT", "allocationStrategy": "BEST_FIT", "spotIamFleetRole": ROLE},
            "fargate": {"type": "FARGATE", "maxvCpus": 4, **network},
        }
        batch = running.client("batch")
        for name, resources in kinds.items():
            batch.create_compute_environment(computeEnvironmentName=name, type="MANAGED", computeResources=resources)
        running.clock.run_until_idle()
        for name in kinds:
            order = [{"order": 1, "computeEnvironment": name}]
            batch.create_job_queue(jobQueueName=name, priority=1, computeEnvironmentOrder=order)
        running.clock.run_until_idle()
        script = "echo begun $COLOUR; sleep 30; echo over"
        needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
        container = {
            "image": "busybox",
            "command": ["sh", "-c", script],
            "environment": [{"name": "COLOUR", "value": "red"}],
            "resourceRequirements": needs,
        }
        batch.register_job_definition(jobDefinitionName="jd", type="container", containerProperties=container)
        batch.register_job_definition(
            jobDefinitionName="serverless",
            type="container",
            platformCapabilities=["FARGATE"],
            containerProperties={**container, "executionRoleArn": ROLE},
        )
        yield running


def run(stack: TestStack, queue: str, name: str = "a", **request: Any) -> dict[str, Any]:
    """Submit a job and wait until it is RUNNING; what Describe shows of it."""
    batch = stack.client("batch")
    definition = "serverless" if queue == "fargate" else "jd"
    job_id = batch.submit_job(jobName=name, jobQueue=queue, jobDefinition=definition, **request)["jobId"]
    for _ in range(100):
        job: dict[str, Any] = batch.describe_jobs(jobs=[job_id])["jobs"][0]
        if job["status"] == "RUNNING":
            return job
        stack.clock.advance(5)
    raise AssertionError(job)


def instances(stack: TestStack, state: str = "running") -> list[dict[str, Any]]:
    filters = [{"Name": "instance-state-name", "Values": [state]}]
    found = stack.client("ec2").describe_instances(Filters=filters)["Reservations"]
    return [instance for reservation in found for instance in reservation["Instances"]]


def test_an_environment_has_a_cluster_and_no_instance_while_it_has_no_job(stack: TestStack) -> None:
    """The cluster that Describe names exists in ECS."""
    shown = stack.client("batch").describe_compute_environments(computeEnvironments=["demand"])["computeEnvironments"]
    assert shown[0]["status"] == "VALID", shown[0]["statusReason"]
    assert shown[0]["ecsClusterArn"] in stack.client("ecs").list_clusters()["clusterArns"]


def test_on_demand_instances_are_made_of_the_launch_template(stack: TestStack) -> None:
    """Image, subnet, profile, placement group, tags; a member of the environment's Auto Scaling group."""
    run(stack, "demand")
    instance = next(each for each in instances(stack) if each["ImageId"] == "ami-00000000")
    tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
    assert instance["Placement"]["GroupName"] == "near"
    assert instance["IamInstanceProfile"]["Arn"] == PROFILE
    assert tags["team"] == "a"
    groups = stack.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    members = {group["AutoScalingGroupName"]: [each["InstanceId"] for each in group["Instances"]] for group in groups}
    assert members[tags["aws:autoscaling:groupName"]] == [instance["InstanceId"]]
    stack.clock.run_until_idle()
    assert instance["InstanceId"] in [each["InstanceId"] for each in instances(stack, "terminated")]
    groups = stack.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert all(group["Instances"] == [] for group in groups)


def test_a_best_fit_spot_environment_is_a_spot_fleet(stack: TestStack) -> None:
    """Its instances are Spot ones, its fleet is as large as they are."""
    run(stack, "spot")
    assert [each["InstanceLifecycle"] for each in instances(stack)] == ["spot"]
    fleet = stack.client("ec2").describe_spot_fleet_requests()["SpotFleetRequestConfigs"][0]
    assert fleet["SpotFleetRequestConfig"]["TargetCapacity"] == 1
    stack.clock.run_until_idle()


@pytest.mark.parametrize("queue", ["demand", "fargate"])
def test_an_attempt_is_an_ecs_task_with_batch_variables(stack: TestStack, queue: str) -> None:
    """RUNNING while the job runs, STOPPED with its exit code afterwards."""
    job = run(stack, queue)
    ecs, task_arn = stack.client("ecs"), job["container"]["taskArn"]
    cluster = task_arn.split("/")[1]
    task = ecs.describe_tasks(cluster=cluster, tasks=[task_arn])["tasks"][0]
    assert task["lastStatus"] == "RUNNING"
    variables = {each["name"]: each["value"] for each in task["overrides"]["containerOverrides"][0]["environment"]}
    assert variables["AWS_BATCH_JOB_ID"] == job["jobId"]
    assert variables["COLOUR"] == "red"
    if queue == "demand":
        assert ecs.list_container_instances(cluster=cluster)["containerInstanceArns"] == [
            job["container"]["containerInstanceArn"]
        ]
    stack.clock.run_until_idle()
    task = ecs.describe_tasks(cluster=cluster, tasks=[task_arn])["tasks"][0]
    assert (task["lastStatus"], task["containers"][0]["exitCode"]) == ("STOPPED", 0)


def test_a_jobs_output_is_in_its_log_stream(stack: TestStack) -> None:
    """What is written at once is there while it runs; the rest with the time at which it was written."""
    job = run(stack, "demand")
    logs, where = (
        stack.client("logs"),
        {"logGroupName": "/aws/batch/job", "logStreamName": job["container"]["logStreamName"]},
    )
    assert [each["message"] for each in logs.get_log_events(**where)["events"]] == ["begun red"]
    stack.clock.run_until_idle()
    events = logs.get_log_events(**where)["events"]
    assert [each["message"] for each in events] == ["begun red", "over"]
    assert events[1]["timestamp"] - events[0]["timestamp"] == 30_000


def test_terminate_instances_from_outside_is_a_lost_host(stack: TestStack) -> None:
    """The job on it fails as on AWS, with the host's id in the reason."""
    job = run(stack, "demand")
    victim = next(each["InstanceId"] for each in instances(stack))
    stack.client("ec2").terminate_instances(InstanceIds=[victim])
    stack.clock.advance(1)
    shown = stack.client("batch").describe_jobs(jobs=[job["jobId"]])["jobs"][0]
    assert (shown["status"], shown["statusReason"]) == ("FAILED", f"Host EC2 (instance {victim}) terminated.")
    stack.clock.run_until_idle()


def test_events_reach_the_targets_of_rules_and_batch_is_one(stack: TestStack) -> None:
    """A rule sends a job's end to a queue, and submits the next job at that very moment."""
    events, sqs, batch = stack.client("events"), stack.client("sqs"), stack.client("batch")
    messages = sqs.create_queue(QueueName="ends")["QueueUrl"]
    pattern = {"source": ["aws.batch"], "detail": {"jobName": ["first"], "status": ["SUCCEEDED"]}}
    events.put_rule(Name="ends", EventPattern=json.dumps(pattern))
    template = '{"Parameters": {"from": <id>}}'
    follow = {
        "Id": "job",
        "Arn": ACCOUNT.format("batch", "job-queue/demand"),
        "RoleArn": ROLE,
        "BatchParameters": {"JobDefinition": "jd", "JobName": "second"},
        "InputTransformer": {"InputPathsMap": {"id": "$.detail.jobId"}, "InputTemplate": template},
    }
    events.put_targets(Rule="ends", Targets=[{"Id": "queue", "Arn": ACCOUNT.format("sqs", "ends")}, follow])
    first = run(stack, "demand", "first")
    stack.clock.advance(3_600)
    received = [json.loads(each["Body"]) for each in sqs.receive_message(QueueUrl=messages).get("Messages", [])]
    assert [(each["detail-type"], each["detail"]["jobId"]) for each in received] == [
        ("Batch Job State Change", first["jobId"])
    ]
    ended = batch.describe_jobs(jobs=[first["jobId"]])["jobs"][0]["stoppedAt"]
    filters = [{"name": "JOB_NAME", "values": ["second"]}]
    second = batch.list_jobs(jobQueue="demand", filters=filters)["jobSummaryList"]
    assert [each["createdAt"] for each in second] == [ended]
    assert batch.describe_jobs(jobs=[second[0]["jobId"]])["jobs"][0]["parameters"] == {"from": first["jobId"]}
    events.remove_targets(Rule="ends", Ids=["queue", "job"])
    stack.clock.run_until_idle()


def test_a_scheduled_rule_fires_on_the_stacks_clock_and_at_nothing_else(stack: TestStack) -> None:
    """Once a period; no event of Batch sets it off."""
    events, batch = stack.client("events"), stack.client("batch")
    events.put_rule(Name="tick", ScheduleExpression="rate(10 minutes)")
    target = {"Id": "1", "Arn": ACCOUNT.format("batch", "job-queue/demand"), "RoleArn": ROLE}
    events.put_targets(Rule="tick", Targets=[{**target, "BatchParameters": {"JobDefinition": "jd", "JobName": "tick"}}])
    stack.clock.advance(1)
    stack.clock.advance(3_600)
    filters = [{"name": "JOB_NAME", "values": ["tick"]}]
    fired = [job["createdAt"] for job in batch.list_jobs(jobQueue="demand", filters=filters)["jobSummaryList"]]
    assert len(fired) == 6
    assert {later - earlier for later, earlier in itertools.pairwise(fired)} == {600_000}
    events.disable_rule(Name="tick")
    stack.clock.run_until_idle()


def test_a_missing_role_or_subnet_makes_an_environment_invalid(stack: TestStack) -> None:
    """AWS takes the request and says why afterwards; so does this."""
    batch = stack.client("batch")
    batch.create_compute_environment(
        computeEnvironmentName="lost",
        type="MANAGED",
        computeResources={"type": "FARGATE", "maxvCpus": 1, "subnets": ["subnet-0"], "securityGroupIds": ["sg-0"]},
    )
    role = "arn:aws:iam::123456789012:role/nobody"
    batch.create_compute_environment(computeEnvironmentName="roleless", type="UNMANAGED", serviceRole=role)
    stack.clock.advance(20)
    shown = batch.describe_compute_environments(computeEnvironments=["lost", "roleless"])["computeEnvironments"]
    assert [each["status"] for each in shown] == ["INVALID", "INVALID"]
    assert shown[0]["statusReason"] == "CLIENT_ERROR - The subnet ID 'subnet-0' does not exist"
    assert "Not authorized to perform sts:AssumeRole" in shown[1]["statusReason"]


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        (["echo", "hello", "you"], [(0, "hello you")]),
        (["sh", "-c", "echo 'a  b' && sleep 1.5 && echo ${X}"], [(0, "a  b"), (1_500, "1")]),
        (["printenv"], [(0, "X=1")]),
        (["true"], []),
        (["python", "train.py"], [(0, "(simulated) python train.py")]),
        ([], [(0, "(simulated) image")]),
    ],
)
def test_simulated_output(command: list[str], lines: list[tuple[int, str]]) -> None:
    """A command's own words where they are plain, one line that says so where not."""
    assert list(simulated_output(command, {"X": "1"}, "image")) == lines
