"""The Batch API in this process: SubmitJob and DescribeJobs through boto3 against stock moto's, and without HTTP."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

SUBMISSIONS = 1_500
ROUNDS = 3

_STOCK = """
import json, sys, time, os
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
import boto3
from moto import mock_aws
with mock_aws(config={"batch": {"use_docker": False}}):
    iam = boto3.client("iam")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    batch = boto3.client("batch")
    batch.create_compute_environment(computeEnvironmentName="environment", type="UNMANAGED", serviceRole=role)
    arn = batch.describe_compute_environments()["computeEnvironments"][0]["computeEnvironmentArn"]
    order = [{"order": 1, "computeEnvironment": arn}]
    batch.create_job_queue(jobQueueName="q", priority=1, state="ENABLED", computeEnvironmentOrder=order)
    container = {"image": "i", "vcpus": 1, "memory": 128, "command": ["true"]}
    batch.register_job_definition(jobDefinitionName="jd", type="container", containerProperties=container)
    count = int(sys.argv[1])
    for _ in range(50):
        batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd")
    begun = time.perf_counter()
    for _ in range(count):
        batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd")
    print(count / (time.perf_counter() - begun))
"""
"""Stock moto in a process of its own, because installing ours changes moto for good."""


def figures() -> Iterator[dict[str, Any]]:
    """SubmitJob's ratio to moto's, its own speed without HTTP, and DescribeJobs of 100."""
    from batchiac.testing import local_stack

    ours, stock = 0.0, 0.0
    with local_stack(projections=False) as stack:
        batch = _furnish(stack)
        # By turns, the best of each: the machine is shared, and a slow moment is nobody's property.
        for _ in range(ROUNDS):
            stock = max(stock, _stock())
            ours = max(
                ours, _rate(lambda: batch.submit_job(jobName="a", jobQueue="q", jobDefinition="jd"), SUBMISSIONS)
            )
        direct = stack.direct()
        plain = _rate(lambda: direct.submit_job(jobName="a", jobQueue="q", jobDefinition="jd"), 20_000)
        ids = [job["jobId"] for job in direct.list_jobs(jobQueue="q", jobStatus="SUBMITTED")["jobSummaryList"][:100]]
        describe = _rate(lambda: direct.describe_jobs(jobs=ids), 100)
    ratio = ours / stock
    yield {
        "name": "local.submit_job_through_boto3_to_moto",
        "value": round(ratio, 2),
        "unit": "x moto's",
        "at_least": 1.0,
        "holds": ratio >= 1.0,
    }
    yield {
        "name": "local.submit_job_without_http_to_boto3",
        "value": round(plain / ours, 1),
        "unit": "x through boto3",
        "at_least": 5.0,
        "holds": plain / ours >= 5.0,
    }
    # One DescribeJobs of 100 jobs, in the time of so many SubmitJob calls through boto3.
    worth = ours / describe
    yield {
        "name": "local.describe_100_jobs_without_http",
        "value": round(worth, 2),
        "unit": "SubmitJob calls through boto3",
        "at_most": 10.0,
        "holds": worth <= 10.0,
    }


def _furnish(stack: Any) -> Any:
    batch = stack.client("batch")
    batch.create_compute_environment(
        computeEnvironmentName="ce", type="UNMANAGED", serviceRole="arn:aws:iam::123456789012:role/r"
    )
    stack.clock.run_until_idle()
    order = [{"order": 1, "computeEnvironment": "ce"}]
    batch.create_job_queue(jobQueueName="q", priority=1, computeEnvironmentOrder=order)
    stack.clock.run_until_idle()
    container = {"image": "i", "vcpus": 1, "memory": 128, "command": ["true"]}
    batch.register_job_definition(jobDefinitionName="jd", type="container", containerProperties=container)
    return batch


def _rate(call: Any, count: int) -> float:
    """Calls a second, after a few to warm up."""
    for _ in range(min(50, count)):
        call()
    gc.collect()
    begun = time.perf_counter()
    for _ in range(count):
        call()
    return count / (time.perf_counter() - begun)


def _stock() -> float:
    made = subprocess.run(
        [sys.executable, "-c", _STOCK, str(SUBMISSIONS)], check=True, capture_output=True, text=True, timeout=300
    )
    return float(made.stdout.strip().splitlines()[-1])
