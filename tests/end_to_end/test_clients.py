"""The call sequences of clients that we did not write, as they are documented or can be watched.

Each test does what the named client does, in its order, with its parameters, and reads the keys of the answers that it
reads: a key that is missing, a null where it takes a list, a refusal that AWS would not give, is a difference that its
users would meet. None of their code is here.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.waiter import WaiterModel, create_waiter_with_client

from batchiac.testing import local_stack

ENDED = ("SUCCEEDED", "FAILED")
RETRY_LOST_HOSTS = {
    "attempts": 5,
    "evaluateOnExit": [{"onStatusReason": "Host EC2*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}],
}
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
            {"Effect": "Allow", "Principal": {"Service": "batch.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)


class Site:
    """A stack on an auto clock, as a server for clients that poll; an environment and a queue of one kind each."""

    def __init__(self, stack: Any) -> None:
        self.stack = stack
        self.batch = stack.client("batch")
        iam, ec2 = stack.client("iam"), stack.client("ec2")
        self.role = iam.create_role(RoleName="ecsInstanceRole", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        iam.create_instance_profile(InstanceProfileName="ecsInstanceRole")
        iam.add_role_to_instance_profile(InstanceProfileName="ecsInstanceRole", RoleName="ecsInstanceRole")
        self.network = {
            "subnets": [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]][:2],
            "securityGroupIds": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
        }
        machines = {
            **self.network,
            "minvCpus": 0,
            "maxvCpus": 64,
            "instanceTypes": ["m5.large"],
            "instanceRole": "ecsInstanceRole",
        }
        self.queues = {
            "ec2": {"type": "EC2", **machines},
            "spot": {"type": "SPOT", "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED", **machines},
            "fargate": {"type": "FARGATE", "maxvCpus": 16, **self.network},
        }
        for name, resources in self.queues.items():
            self.batch.create_compute_environment(
                computeEnvironmentName=name, type="MANAGED", state="ENABLED", computeResources=resources
            )
            self.wait(name, "computeEnvironments")
            order = [{"order": 1, "computeEnvironment": name}]
            self.batch.create_job_queue(jobQueueName=name, priority=1, computeEnvironmentOrder=order)
            self.wait(name, "jobQueues")

    def wait(self, name: str, kind: str, wanted: str = "VALID") -> None:
        """Poll an environment or queue as a client does, until it has a status; `gone` where there is none."""
        read = getattr(self.batch, {"jobQueues": "describe_job_queues"}.get(kind, "describe_compute_environments"))
        for _ in range(20):
            found = read(**{kind: [name]})[kind]
            if (found[0]["status"] if found else "gone") == wanted:
                return
        raise AssertionError(f"{name} did not become {wanted}: {found}")

    def poll(self, job_id: str, wanted: tuple[str, ...] = ENDED) -> dict[str, Any]:
        """Poll one job until it has one of these statuses."""
        for _ in range(40):
            (job,) = self.batch.describe_jobs(jobs=[job_id])["jobs"]
            if job["status"] in wanted:
                found: dict[str, Any] = job
                return found
        raise AssertionError(f"it stays {job['status']}: {job}")

    def lines(self, stream: str, group: str = "/aws/batch/job") -> list[str]:
        """A job's log, from its head."""
        logs = self.stack.client("logs")
        events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
        return [each["message"] for each in events]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with local_stack(clock="auto", seed=7) as stack:
        yield Site(stack)


def container(*command: str, vcpus: str = "1", memory: str = "1024", **more: Any) -> dict[str, Any]:
    sizes = [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": memory}]
    return {"image": "busybox", "command": list(command), "resourceRequirements": sizes, **more}


# --- Airflow: BatchOperator, its hook, its waiters, its sensors ------------------------------------------------------


def test_airflow_submits_with_empty_properties_and_polls(site: Site) -> None:
    """The operator sends arrayProperties, parameters and tags that are empty; its hook polls by id."""
    site.batch.register_job_definition(
        jobDefinitionName="airflow", type="container", containerProperties=container("echo", "hello")
    )
    job = site.batch.submit_job(
        jobName="airflow-job",
        jobQueue="ec2",
        jobDefinition="airflow",
        arrayProperties={},
        parameters={},
        containerOverrides={},
        retryStrategy={"attempts": 1},
        tags={},
    )
    assert set(job) >= {"jobId", "jobName", "jobArn"}
    running = site.poll(job["jobId"], ("RUNNING", *ENDED))
    assert running["jobId"] == job["jobId"]
    done = site.poll(job["jobId"])
    assert done["status"] == "SUCCEEDED"
    assert "arrayProperties" not in done
    # The log: the configuration of the container where it has one, and the streams of its attempts.
    assert done["container"].get("logConfiguration", {}) == {}
    (stream,) = [each["container"]["logStreamName"] for each in done["attempts"]]
    assert stream == done["container"]["logStreamName"]
    assert site.lines(stream) == ["hello"]
    assert site.batch.describe_jobs(jobs=["00000000-0000-0000-0000-000000000000"])["jobs"] == []


WAITERS = {
    "version": 2,
    "waiters": {
        "JobComplete": {
            "operation": "DescribeJobs",
            "delay": 0,
            "maxAttempts": 40,
            "acceptors": [
                {"argument": "jobs[].status", "expected": "SUCCEEDED", "matcher": "pathAll", "state": "success"},
                {"argument": "jobs[].status", "expected": "FAILED", "matcher": "pathAny", "state": "success"},
            ],
        },
        "EnvironmentReady": {
            "operation": "DescribeComputeEnvironments",
            "delay": 0,
            "maxAttempts": 20,
            "acceptors": [
                {
                    "argument": "computeEnvironments[].status",
                    "expected": "VALID",
                    "matcher": "pathAll",
                    "state": "success",
                },
                {
                    "argument": "computeEnvironments[].status",
                    "expected": "INVALID",
                    "matcher": "pathAny",
                    "state": "failure",
                },
            ],
        },
    },
}


def test_airflow_waits_with_waiters_of_its_own(site: Site) -> None:
    """botocore's waiters, with models that the client brings: boto3 itself has none for Batch."""
    assert site.batch.waiter_names == []
    model = WaiterModel(WAITERS)
    site.batch.create_compute_environment(
        computeEnvironmentName="airflow",
        type="MANAGED",
        state="ENABLED",
        computeResources={**site.queues["ec2"], "maxvCpus": 4},
        tags={},
    )
    create_waiter_with_client("EnvironmentReady", model, site.batch).wait(computeEnvironments=["airflow"])
    site.batch.register_job_definition(
        jobDefinitionName="waited", type="container", containerProperties=container("false")
    )
    job_id = site.batch.submit_job(jobName="waited", jobQueue="ec2", jobDefinition="waited")["jobId"]
    create_waiter_with_client("JobComplete", model, site.batch).wait(jobs=[job_id])
    (job,) = site.batch.describe_jobs(jobs=[job_id])["jobs"]
    assert (job["status"], job["statusReason"]) == ("FAILED", "Essential container in task exited")


def test_airflow_terminates_and_lists_by_status(site: Site) -> None:
    """on_kill: TerminateJob, whose second call is no error either; then the job is among the FAILED."""
    site.batch.register_job_definition(
        jobDefinitionName="killed", type="container", containerProperties=container("sleep", "86400")
    )
    job_id = site.batch.submit_job(jobName="killed", jobQueue="ec2", jobDefinition="killed")["jobId"]
    site.poll(job_id, ("RUNNING",))
    listed = site.batch.list_jobs(jobQueue="ec2", jobStatus="RUNNING")["jobSummaryList"]
    assert job_id in [each["jobId"] for each in listed]
    for _ in range(2):
        site.batch.terminate_job(jobId=job_id, reason="Task killed by the user")
    assert site.poll(job_id)["statusReason"] == "Task killed by the user"
    listed = site.batch.list_jobs(jobQueue="ec2", jobStatus="FAILED")["jobSummaryList"]
    assert job_id in [each["jobId"] for each in listed]


# --- Nextflow: the awsbatch executor ----------------------------------------------------------------------------------


def nextflow_definition(site: Site, image: str, token: str) -> str:
    """Look for the image's definition among its revisions by a parameter that marks it; register it where it is not."""
    name = "nf-" + "".join(each if each.isalnum() or each in "-_" else "-" for each in image)
    for each in site.batch.describe_job_definitions(jobDefinitionName=name)["jobDefinitions"]:
        if each["status"] == "ACTIVE" and each.get("parameters", {}).get("nf-token") == token:
            return f"{name}:{each['revision']}"
    made = site.batch.register_job_definition(
        jobDefinitionName=name,
        type="container",
        parameters={"nf-token": token},
        containerProperties={
            **container("true", memory="1024"),
            "image": image,
            "mountPoints": [{"sourceVolume": "aws-cli", "containerPath": "/opt/cli", "readOnly": True}],
            "volumes": [{"name": "aws-cli", "host": {"sourcePath": "/opt/cli"}}],
        },
        tags={"nextflow.io/createdAt": "2026-01-01T00:00:00.000Z", "nextflow.io/version": "25.10.0"},
    )
    return f"{made['jobDefinitionName']}:{made['revision']}"


def test_nextflow_finds_its_definition_again(site: Site) -> None:
    """By name and token among the revisions; another token is another revision of the same name."""
    first = nextflow_definition(site, "quay.io/tools/salmon:1.10", "a")
    assert first == "nf-quay-io-tools-salmon-1-10:1"
    assert nextflow_definition(site, "quay.io/tools/salmon:1.10", "a") == first
    assert nextflow_definition(site, "quay.io/tools/salmon:1.10", "b").endswith(":2")
    assert nextflow_definition(site, "quay.io/tools/salmon:1.10", "a") == first


def test_nextflow_runs_its_tasks(site: Site) -> None:
    """Overrides, labels as tags, a timeout; polled a hundred at a time; a failure of its own is not retried."""
    definition = nextflow_definition(site, "ubuntu:24.04", "c")

    def submit(name: str, **tags: str) -> str:
        job_id: str = site.batch.submit_job(
            jobName=name,
            jobQueue="ec2",
            jobDefinition=definition,
            retryStrategy=RETRY_LOST_HOSTS,
            timeout={"attemptDurationSeconds": 3600},
            containerOverrides={
                "command": ["bash", "-o", "pipefail", "-c", 'trap "{ ret=$?; exit $ret; }" EXIT; bash .command.run'],
                "resourceRequirements": [{"type": "MEMORY", "value": "2048"}, {"type": "VCPU", "value": "2"}],
                "environment": [{"name": "NXF_DEBUG", "value": "1"}],
            },
            tags={"pipeline": "rnaseq", **tags},
            propagateTags=True,
        )["jobId"]
        return job_id

    ids = [submit(f"task_{number}") for number in range(120)]
    ids.append(submit("task_bad", **{"batchiac:exit": "3"}))
    seen: dict[str, dict[str, Any]] = {}
    for _ in range(400):
        for at in range(0, len(ids), 100):
            for job in site.batch.describe_jobs(jobs=ids[at : at + 100])["jobs"]:
                seen[job["jobId"]] = job
        if all(job["status"] in ENDED for job in seen.values()):
            break
    assert set(seen) == set(ids)
    for job_id in ids[:-1]:
        job = seen[job_id]
        assert (job["status"], job["container"]["exitCode"]) == ("SUCCEEDED", 0)
        assert 1_000_000_000_000 < job["createdAt"] <= job["startedAt"] < job["stoppedAt"]  # milliseconds
        assert job["container"]["logStreamName"].startswith("nf-ubuntu-24-04/default/")
    bad = seen[ids[-1]]
    assert (bad["status"], bad["container"]["exitCode"], len(bad["attempts"])) == ("FAILED", 3, 1)
    with pytest.raises(ClientError, match="Maximum number of jobs supported is 100"):
        site.batch.describe_jobs(jobs=ids[:101])


@pytest.mark.parametrize(("queue", "lifecycle"), [("ec2", None), ("spot", "spot")])
def test_nextflow_finds_the_machine_of_a_task(site: Site, queue: str, lifecycle: str | None) -> None:
    """Queue → environments → ECS clusters → task → container instance → EC2 instance: its type, zone and lifecycle."""
    definition = nextflow_definition(site, "ubuntu:24.04", "c")
    override = {"command": ["sleep", "7200"]}
    job_id = site.batch.submit_job(
        jobName="machine", jobQueue=queue, jobDefinition=definition, containerOverrides=override
    )["jobId"]
    task_arn = site.poll(job_id, ("RUNNING",))["container"]["taskArn"]
    (found,) = site.batch.describe_job_queues(jobQueues=[queue])["jobQueues"]
    names = [each["computeEnvironment"] for each in found["computeEnvironmentOrder"]]
    environments = site.batch.describe_compute_environments(computeEnvironments=names)["computeEnvironments"]
    ecs, ec2 = site.stack.client("ecs"), site.stack.client("ec2")
    (cluster,) = [each["ecsClusterArn"] for each in environments]
    (task,) = ecs.describe_tasks(cluster=cluster, tasks=[task_arn])["tasks"]
    (host,) = ecs.describe_container_instances(cluster=cluster, containerInstances=[task["containerInstanceArn"]])[
        "containerInstances"
    ]
    (instance,) = ec2.describe_instances(InstanceIds=[host["ec2InstanceId"]])["Reservations"][0]["Instances"]
    assert instance["InstanceType"] == "m5.large"
    assert instance["Placement"]["AvailabilityZone"].startswith("us-east-1")
    assert instance.get("InstanceLifecycle") == lifecycle
    site.batch.terminate_job(jobId=job_id, reason="Job killed by NF")
    assert site.poll(job_id)["statusReason"] == "Job killed by NF"


def test_nextflow_submits_arrays_and_watches_their_children(site: Site) -> None:
    """A task array: children by `id:index`, each with its own status and exit code; the whole is terminated at once."""
    definition = nextflow_definition(site, "ubuntu:24.04", "c")
    parent = site.batch.submit_job(
        jobName="array", jobQueue="ec2", jobDefinition=definition, arrayProperties={"size": 3}
    )["jobId"]
    assert site.poll(parent)["status"] == "SUCCEEDED"
    children = site.batch.describe_jobs(jobs=[f"{parent}:{index}" for index in range(3)])["jobs"]
    assert [each["arrayProperties"]["index"] for each in children] == [0, 1, 2]
    assert {each["container"]["exitCode"] for each in children} == {0}
    override = {"command": ["sleep", "7200"]}
    parent = site.batch.submit_job(
        jobName="array",
        jobQueue="ec2",
        jobDefinition=definition,
        arrayProperties={"size": 3},
        containerOverrides=override,
    )["jobId"]
    site.poll(f"{parent}:0", ("RUNNING",))
    site.batch.terminate_job(jobId=parent, reason="Job killed by NF")
    assert site.poll(parent)["status"] == "FAILED"


# --- Snakemake: the aws-batch executor plugin -------------------------------------------------------------------------


@pytest.mark.parametrize(("queue", "platform"), [("ec2", "EC2"), ("fargate", "FARGATE")])
def test_snakemake_registers_runs_and_deregisters(site: Site, queue: str, platform: str) -> None:
    """The platform from the queue's first environment; a definition a job, gone when the job has ended."""
    (found,) = site.batch.describe_job_queues(jobQueues=[queue])["jobQueues"]
    first = found["computeEnvironmentOrder"][0]["computeEnvironment"]
    (environment,) = site.batch.describe_compute_environments(computeEnvironments=[first])["computeEnvironments"]
    fargate = environment["computeResources"]["type"].startswith("FARGATE")
    assert fargate is (platform == "FARGATE")
    more = {"executionRoleArn": site.role, "networkConfiguration": {"assignPublicIp": "ENABLED"}} if fargate else {}
    made = site.batch.register_job_definition(
        jobDefinitionName=f"snakejob-def-all-{queue}-6b3f",
        type="container",
        containerProperties={
            **container("/bin/bash", "-c", "echo snake", memory="2048"),
            "environment": [{"name": "AWS_DEFAULT_REGION", "value": "us-east-1"}],
            "jobRoleArn": site.role,
            **more,
        },
        timeout={"attemptDurationSeconds": 600},
        tags={},
        platformCapabilities=[platform],
    )
    submitted = site.batch.submit_job(
        jobName=f"snakejob-all-{queue}-6b3f",
        jobQueue=queue,
        jobDefinition=f"{made['jobDefinitionName']}:{made['revision']}",
        retryStrategy=RETRY_LOST_HOSTS,
    )
    done = site.poll(submitted["jobId"])
    assert (done["status"], done["container"]["exitCode"]) == ("SUCCEEDED", 0)
    site.batch.deregister_job_definition(jobDefinition=made["jobDefinitionArn"])
    (gone,) = site.batch.describe_job_definitions(jobDefinitions=[made["jobDefinitionArn"]])["jobDefinitions"]
    assert gone["status"] == "INACTIVE"
    with pytest.raises(ClientError):
        site.batch.submit_job(jobName="late", jobQueue=queue, jobDefinition=made["jobDefinitionArn"])


# --- Luigi: contrib.batch ---------------------------------------------------------------------------------------------


def test_luigi_takes_the_first_queue_and_reads_the_last_lines(site: Site) -> None:
    """An ENABLED and VALID queue; the job by its name among the RUNNING; the log of a failure's first attempt."""
    usable = [
        each["jobQueueName"]
        for each in site.batch.describe_job_queues()["jobQueues"]
        if each["state"] == "ENABLED" and each["status"] == "VALID"
    ]
    assert usable
    site.batch.register_job_definition(
        jobDefinitionName="luigi",
        type="container",
        parameters={"word": "none"},
        containerProperties=container("sh", "-c", "echo Ref::word; sleep 30; exit 1"),
    )
    job_id = site.batch.submit_job(
        jobName="luigi-job", jobQueue="ec2", jobDefinition="luigi", parameters={"word": "flow"}
    )["jobId"]
    for _ in range(20):
        running = site.batch.list_jobs(jobQueue="ec2", jobStatus="RUNNING")["jobSummaryList"]
        if any(each["jobName"] == "luigi-job" for each in running):
            break
    assert [each["jobId"] for each in running if each["jobName"] == "luigi-job"] == [job_id]
    done = site.poll(job_id)
    assert done["status"] == "FAILED"
    assert done["statusReason"]
    stream = done["attempts"][0]["container"]["logStreamName"]
    events = site.stack.client("logs").get_log_events(
        logGroupName="/aws/batch/job", logStreamName=stream, startFromHead=False
    )["events"]
    assert [each["message"] for each in events] == ["flow"]


# --- Metaflow: the batch decorator ------------------------------------------------------------------------------------


def test_metaflow_pages_through_queues_and_unfinished_jobs(site: Site) -> None:
    """Paginators over queues and over the jobs of each in every state that is not an end."""
    queues = [
        queue["jobQueueName"]
        for page in site.batch.get_paginator("describe_job_queues").paginate()
        for queue in page["jobQueues"]
        if queue["state"] == "ENABLED" and queue["status"] == "VALID"
    ]
    assert set(site.queues) <= set(queues)
    unfinished = [
        job
        for queue in queues
        for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
        for page in site.batch.get_paginator("list_jobs").paginate(jobQueue=queue, jobStatus=status)
        for job in page["jobSummaryList"]
    ]
    assert all(job["status"] not in ENDED for job in unfinished)


def test_metaflow_registers_once_and_reads_how_attempts_ended(site: Site) -> None:
    """A definition by the hash of its content; sizes as overrides; how each of the attempts ended."""
    properties = {**container("echo", "hello world", memory="4096"), "jobRoleArn": site.role, "linuxParameters": {}}
    name = "metaflow_0a1b2c"
    assert site.batch.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")["jobDefinitions"] == []
    made = site.batch.register_job_definition(
        jobDefinitionName=name, type="container", containerProperties=properties, propagateTags=True
    )
    found = site.batch.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")["jobDefinitions"]
    assert [each["jobDefinitionArn"] for each in found] == [made["jobDefinitionArn"]]
    (queue,) = next(iter(site.batch.get_paginator("describe_job_queues").paginate(jobQueues=["ec2"], maxResults=1)))[
        "jobQueues"
    ]
    assert queue["jobQueueName"] == "ec2"
    job_id = site.batch.submit_job(
        jobName="flow-step",
        jobQueue="ec2",
        jobDefinition=made["jobDefinitionArn"],
        containerOverrides={
            "command": ["bash", "-c", "echo step; exit 2"],
            "resourceRequirements": [{"value": "1", "type": "VCPU"}, {"value": "4096", "type": "MEMORY"}],
            "environment": [{"name": "METAFLOW_CODE_SHA", "value": "0"}],
        },
        timeout={"attemptDurationSeconds": 432_000},
        retryStrategy={"attempts": 2},
        tags={"app": "metaflow"},
    )["jobId"]
    done = site.poll(job_id)
    assert [each["container"]["exitCode"] for each in done["attempts"]] == [2, 2]
    assert all(each["statusReason"] == "Essential container in task exited" for each in done["attempts"])
    assert done["statusReason"]
    assert done["container"]["exitCode"] == 2
    assert done["container"].get("reason") is None
    assert not done.get("isTerminated")


# --- Terraform's AWS provider -----------------------------------------------------------------------------------------


def test_terraform_creates_reads_and_deletes(site: Site) -> None:
    """What its waiters wait for and its reads read: statuses to VALID, to gone; every attribute set as it was given."""
    batch = site.batch
    given = {
        **site.queues["ec2"],
        "allocationStrategy": "BEST_FIT_PROGRESSIVE",
        "desiredvCpus": 0,
        "ec2Configuration": [{"imageType": "ECS_AL2023"}],
        "tags": {"Name": "tf"},
    }
    made = batch.create_compute_environment(
        computeEnvironmentName="tf",
        type="MANAGED",
        state="ENABLED",
        computeResources=given,
        tags={"managed": "terraform"},
    )
    site.wait("tf", "computeEnvironments")
    policy = {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 45}
    batch.update_compute_environment(computeEnvironment="tf", updatePolicy=policy)
    site.wait("tf", "computeEnvironments")
    (read,) = batch.describe_compute_environments(computeEnvironments=[made["computeEnvironmentArn"]])[
        "computeEnvironments"
    ]
    assert {key: read["computeResources"][key] for key in given} == given
    assert read["serviceRole"].endswith(":role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch")
    assert read["updatePolicy"] == policy
    assert (read["state"], read["type"], read["tags"]) == ("ENABLED", "MANAGED", {"managed": "terraform"})
    assert read["ecsClusterArn"].startswith("arn:aws:ecs:us-east-1:123456789012:cluster/")
    assert read["statusReason"] == "ComputeEnvironment Healthy"
    plain = batch.describe_compute_environments(computeEnvironments=["ec2"])["computeEnvironments"][0]
    assert plain["tags"] == {}

    queue = batch.create_job_queue(
        jobQueueName="tf",
        state="ENABLED",
        priority=10,
        computeEnvironmentOrder=[{"order": 0, "computeEnvironment": made["computeEnvironmentArn"]}],
        jobStateTimeLimitActions=[
            {
                "action": "CANCEL",
                "maxTimeSeconds": 600,
                "reason": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
                "state": "RUNNABLE",
            }
        ],
    )["jobQueueArn"]
    site.wait("tf", "jobQueues")
    (read,) = batch.describe_job_queues(jobQueues=[queue])["jobQueues"]
    assert read["computeEnvironmentOrder"] == [{"order": 0, "computeEnvironment": made["computeEnvironmentArn"]}]
    assert [each["maxTimeSeconds"] for each in read["jobStateTimeLimitActions"]] == [600]
    assert (read["priority"], read["state"], read["tags"]) == (10, "ENABLED", {})
    assert "schedulingPolicyArn" not in read

    definition = batch.register_job_definition(
        jobDefinitionName="tf",
        type="container",
        containerProperties=container("echo"),
        platformCapabilities=["EC2"],
        retryStrategy={"attempts": 2},
        timeout={"attemptDurationSeconds": 60},
        tags={"managed": "terraform"},
    )["jobDefinitionArn"]
    (read,) = batch.describe_job_definitions(jobDefinitions=[definition])["jobDefinitions"]
    assert read["status"] == "ACTIVE"
    assert {key: read["containerProperties"][key] for key in container("echo")} == container("echo")
    # AWS fills in the lists that were not given.
    for empty in ("environment", "mountPoints", "volumes", "ulimits", "secrets"):
        assert read["containerProperties"][empty] == []
    assert read["retryStrategy"] == {"attempts": 2, "evaluateOnExit": []}
    assert read["tags"] == {"managed": "terraform"}
    assert not read.get("propagateTags")

    batch.tag_resource(resourceArn=queue, tags={"a": "1", "b": "2"})
    batch.untag_resource(resourceArn=queue, tagKeys=["a"])
    assert batch.list_tags_for_resource(resourceArn=queue)["tags"] == {"b": "2"}
    batch.update_job_queue(jobQueue=queue, state="DISABLED")
    site.wait("tf", "jobQueues")
    batch.delete_job_queue(jobQueue=queue)
    site.wait("tf", "jobQueues", "gone")
    batch.update_compute_environment(computeEnvironment="tf", state="DISABLED")
    site.wait("tf", "computeEnvironments")
    batch.delete_compute_environment(computeEnvironment="tf")
    site.wait("tf", "computeEnvironments", "gone")
    batch.deregister_job_definition(jobDefinition=definition)
    found = batch.describe_job_definitions(jobDefinitions=[definition])["jobDefinitions"]
    assert [each["status"] for each in found] == ["INACTIVE"]


# --- boto3 itself -----------------------------------------------------------------------------------------------------


def test_boto3_pages_through_everything(site: Site) -> None:
    """Each of boto3's paginators for Batch gives what one call gives, page by page."""
    site.batch.create_scheduling_policy(name="one", fairsharePolicy={})
    site.batch.create_scheduling_policy(name="two", fairsharePolicy={})
    for number in range(2):
        site.batch.register_job_definition(
            jobDefinitionName=f"page{number}", type="container", containerProperties=container("true")
        )
        site.batch.create_consumable_resource(consumableResourceName=f"licence{number}", totalQuantity=1)
    calls: dict[str, tuple[str, dict[str, Any], Callable[[], Any]]] = {
        "describe_compute_environments": ("computeEnvironments", {}, site.batch.describe_compute_environments),
        "describe_job_queues": ("jobQueues", {}, site.batch.describe_job_queues),
        "describe_job_definitions": ("jobDefinitions", {}, site.batch.describe_job_definitions),
        "list_scheduling_policies": ("schedulingPolicies", {}, site.batch.list_scheduling_policies),
        "list_consumable_resources": ("consumableResources", {}, site.batch.list_consumable_resources),
    }
    for name, (key, params, whole) in calls.items():
        pages = list(site.batch.get_paginator(name).paginate(**params, PaginationConfig={"PageSize": 1}))
        assert all(len(page[key]) <= 1 for page in pages)
        assert list(itertools.chain.from_iterable(page[key] for page in pages)) == whole()[key]
        assert len(pages) >= 2
    assert all(site.batch.can_paginate(name) for name in (*calls, "list_jobs"))


def test_boto3_walks_through_with_each_option(site: Site) -> None:
    """Submit with everything that the guide's walk-through names, and find it in DescribeJobs."""
    site.batch.register_job_definition(
        jobDefinitionName="walk",
        type="container",
        parameters={"seconds": "5"},
        schedulingPriority=3,
        propagateTags=True,
        timeout={"attemptDurationSeconds": 600},
        retryStrategy={"attempts": 1},
        tags={"team": "a"},
        containerProperties={
            **container("sleep", "Ref::seconds"),
            "executionRoleArn": site.role,
            "environment": [{"name": "STAGE", "value": "test"}, {"name": "KEEP", "value": "1"}],
            "secrets": [
                {"name": "TOKEN", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:t-AbCdEf"}
            ],
        },
    )
    before = site.batch.submit_job(jobName="before", jobQueue="ec2", jobDefinition="walk")["jobId"]
    sizes = [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "512"}]
    retry = {"attempts": 4, "evaluateOnExit": [{"action": "EXIT", "onExitCode": "1"}]}
    job_id = site.batch.submit_job(
        jobName="walk",
        jobQueue="ec2",
        jobDefinition="walk:1",
        dependsOn=[{"jobId": before}],
        arrayProperties={"size": 2},
        parameters={"seconds": "7"},
        retryStrategy=retry,
        timeout={"attemptDurationSeconds": 120},
        propagateTags=False,
        tags={"run": "1"},
        containerOverrides={
            "command": ["sleep", "Ref::seconds"],
            "environment": [{"name": "STAGE", "value": "prod"}],
            "resourceRequirements": sizes,
        },
    )["jobId"]
    (waiting,) = site.batch.describe_jobs(jobs=[job_id])["jobs"]
    assert [each["jobId"] for each in waiting["dependsOn"]] == [before]
    done = site.poll(job_id)
    assert done["status"] == "SUCCEEDED"
    assert done["arrayProperties"]["size"] == 2
    assert done["parameters"] == {"seconds": "7"}
    # AWS answers with the action in small letters, whatever was given.
    assert done["retryStrategy"] == {"attempts": 4, "evaluateOnExit": [{"action": "exit", "onExitCode": "1"}]}
    assert done["timeout"] == {"attemptDurationSeconds": 120}
    assert (done["tags"], done["propagateTags"], done["schedulingPriority"]) == ({"run": "1"}, False, 3)
    shown = done["container"]
    assert {each["name"]: each["value"] for each in shown["environment"]} == {"STAGE": "prod", "KEEP": "1"}
    assert shown["resourceRequirements"] == sizes
    assert [each["name"] for each in shown["secrets"]] == ["TOKEN"]
    (child,) = site.batch.describe_jobs(jobs=[f"{job_id}:1"])["jobs"]
    assert child["stoppedAt"] - child["startedAt"] == 7_000
    with pytest.raises(ClientError, match="share"):
        site.batch.submit_job(jobName="w", jobQueue="ec2", jobDefinition="walk", schedulingPriorityOverride=1)
    with pytest.raises(ClientError, match="60"):
        site.batch.submit_job(jobName="w", jobQueue="ec2", jobDefinition="walk", timeout={"attemptDurationSeconds": 59})
