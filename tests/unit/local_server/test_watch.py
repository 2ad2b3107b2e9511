"""What the console's counts are made of."""

from __future__ import annotations

from typing import Any

from batchiac.local.installation import backend_of
from batchiac.local.server.watch import Watch
from batchiac.testing import TestStack, local_stack

RESOURCES = {
    "type": "FARGATE",
    "maxvCpus": 4,
    "subnets": ["subnet-12345678"],
    "securityGroupIds": ["sg-12345678"],
}
NEEDS = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
ROLE = "arn:aws:iam::123456789012:role/execution"
CONTAINER = {"image": "busybox", "command": ["true"], "resourceRequirements": NEEDS, "executionRoleArn": ROLE}


def make_queue(stack: TestStack, batch: Any) -> None:
    order = [{"order": 1, "computeEnvironment": "environment"}]
    batch.create_job_queue(jobQueueName="queue", priority=1, computeEnvironmentOrder=order)
    stack.clock.run_until_idle()


def test_a_queue_that_is_made_again_begins_with_nothing() -> None:
    """The jobs of the one that had its name before are not counted in it, nor listed."""
    with local_stack(projections=False) as stack:
        batch = stack.client("batch")
        watch = Watch(backend_of("123456789012", "us-east-1"))
        batch.create_compute_environment(
            computeEnvironmentName="environment", type="MANAGED", computeResources=RESOURCES
        )
        stack.clock.run_until_idle()
        make_queue(stack, batch)
        batch.register_job_definition(
            jobDefinitionName="definition",
            type="container",
            platformCapabilities=["FARGATE"],
            containerProperties=CONTAINER,
        )
        submit = {"jobQueue": "queue", "jobDefinition": "definition"}
        job = batch.submit_job(jobName="one", **submit)["jobId"]
        batch.submit_job(jobName="many", arrayProperties={"size": 2}, **submit)
        stack.clock.run_until_idle()
        (queue,) = watch.queues()
        assert (queue["jobs"], queue["parts"]) == ({"SUCCEEDED": 2}, {"SUCCEEDED": 2})
        batch.update_job_queue(jobQueue="queue", state="DISABLED")
        stack.clock.run_until_idle()
        batch.delete_job_queue(jobQueue="queue")
        stack.clock.run_until_idle()
        make_queue(stack, batch)
        (queue,) = watch.queues()
        assert (queue["jobs"], queue["parts"]) == ({}, {})
        assert batch.list_jobs(jobQueue="queue", jobStatus="SUCCEEDED")["jobSummaryList"] == []
        by_name = [{"name": "JOB_NAME", "values": ["one"]}]
        assert batch.list_jobs(jobQueue="queue", filters=by_name)["jobSummaryList"] == []
        assert batch.describe_jobs(jobs=[job])["jobs"][0]["status"] == "SUCCEEDED"
