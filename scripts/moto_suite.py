"""Run moto's own Batch test-suite against batchiac's Batch: `python scripts/moto_suite.py PATH_OF_A_MOTO_CHECKOUT`.

moto's tests are read from the checkout (its `tests/` folder, of the version that is installed here) and run without
Docker. Each test that is left out is named below with its reason and where it is written: it holds Batch to something
that AWS documents, or was seen to do, otherwise. Everything else must pass, moto's own words and switches included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

API = "https://docs.aws.amazon.com/batch/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide/"
MEASURED = "https://github.com/badmintoncryer/cdk-preflight/tree/main/rules/batch/"
RECORDED = (
    "https://github.com/NASA-IMPACT/hls-orchestration"
    "/blob/main/lambda_functions/landsat_ac_logger/tests/test_handler.py"
)
"""A SUCCEEDED job of a real account, as DescribeJobs gave it to Step Functions."""

MINIMUM_VCPU = (
    '0.25 vCPU on EC2. "For Amazon EC2 resources, you must specify at least one vCPU": '
    + API
    + "API_ResourceRequirement.html"
)
DELETES_ENABLED = (
    'deletes an ENABLED environment. "Before you can delete a compute environment, you must set its state to'
    ' DISABLED": ' + API + "API_DeleteComputeEnvironment.html"
)
TIMEOUT = 'a timeout of 1 or 3 s. "The minimum value for the timeout is 60 seconds": ' + API + "API_JobTimeout.html"
EKS = (
    "memory of 1024Mi and 2048Mi. \"The value that's specified in limits must be equal to the value that's specified in"
    ' requests": ' + API + "API_EksContainerResourceRequirements.html"
)
STREAM = (
    "looks for a log stream that ends in the job's id. The format is \"first200CharsOfJobDefinitionName/default/"
    'ecs_task_id": ' + GUIDE + "batch_cloudwatch.html; seen: " + RECORDED
)
DEFAULT_STATUS = (
    "lists jobs that are not RUNNING without naming a status. \"If you don't specify a status, only RUNNING jobs are"
    ' returned": ' + API + "API_ListJobs.html"
)

ENVS = "tests/test_batch/test_batch_compute_envs.py::"
QUEUES = "tests/test_batch/test_batch_job_queue.py::"
JOBS = "tests/test_batch/test_batch_jobs.py::"
DEFINITIONS = "tests/test_batch/test_batch_task_definition.py::"

LEFT_OUT = {
    ENVS + "test_delete_unmanaged_compute_environment": DELETES_ENABLED,
    ENVS + "test_delete_managed_compute_environment": DELETES_ENABLED,
    ENVS + "test_create_managed_compute_environment_with_unknown_instance_type": (
        "asks for the error InvalidParameterValue. The operation's errors are ClientException and ServerException: "
        + API
        + "API_CreateComputeEnvironment.html"
    ),
    ENVS + "test_update_iam_role": (
        'asks for a role that does not exist to be refused, with InvalidParameterValue. "The most common cause for a'
        ' compute environment to enter an INVALID state is that the service role … has an incorrect name or ARN": '
        + GUIDE
        + "invalid_compute_environment.html"
    ),
    QUEUES + "test_delete_job_queue": (
        'deletes an ENABLED queue. "You must first disable submissions for a queue with the UpdateJobQueue'
        ' operation": ' + API + "API_DeleteJobQueue.html"
    ),
    QUEUES + "test_create_job_queue": (
        'a scheduling policy `policy_arn`. "The format is aws:Partition:batch:Region:Account:scheduling-policy/Name": '
        + API
        + "API_CreateJobQueue.html"
    ),
    QUEUES + "test_create_job_queue_twice": (
        "asks for `Job queue … already exists`. Seen: `Object already exists`:"
        " https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2463"
    ),
    QUEUES + "test_create_job_queue_without_compute_environment": (
        "asks for `At least 1 compute environment must be provided`. Seen: `computeEnvironmentOrder is required.`: "
        + MEASURED
        + "pf-batch-queue-order-required"
    ),
    "tests/test_batch/test_batch_eks.py::test_register_job_definition_with_eks_properties": EKS,
    "tests/test_batch/test_batch_eks.py::test_submit_job_with_eks_properties_override": EKS,
    JOBS + "test_submit_job_array_size": DEFAULT_STATUS,
    JOBS + "test_list_jobs": DEFAULT_STATUS,
    JOBS + "test_submit_job_multinode": (
        '"Multi-node parallel jobs aren\'t supported on UNMANAGED compute environments": ' + GUIDE + "mnp-ce.html"
    ),
    JOBS + "test_terminate_job": STREAM,
    JOBS + "test_dependencies": STREAM,
    JOBS + "test_cancel_running_job": (
        "asks for a job that succeeded without statusReason. Seen with `Essential container in task exited`: "
        + RECORDED
    ),
    JOBS + "test_container_overrides": (
        "asks for AWS_BATCH_JOB_ID among what DescribeJobs shows. Seen without it: " + RECORDED
    ),
    JOBS + "test_register_job_definition_with_timeout": TIMEOUT,
    JOBS + "test_submit_job_with_timeout": TIMEOUT,
    JOBS + "test_submit_job_with_timeout_set_at_definition": TIMEOUT,
    DEFINITIONS + "test_register_task_definition[True]": MINIMUM_VCPU,
    DEFINITIONS + "test_reregister_task_definition[True]": MINIMUM_VCPU,
    DEFINITIONS + "test_delete_task_definition[True]": MINIMUM_VCPU,
    DEFINITIONS + "test_delete_task_definition_by_name[True]": MINIMUM_VCPU,
    DEFINITIONS + "test_describe_task_definition[True]": MINIMUM_VCPU,
    DEFINITIONS + "test_register_task_definition_with_platform_capability[FARGATE]": (
        'no execution role. "For jobs that run on Fargate resources, you must provide an execution role": '
        + API
        + "API_ContainerProperties.html"
    ),
}
"""Test → why it is left out."""

PLUGIN = '''
import json
import os

import batchiac.local

batchiac.local.install()


def pytest_collection_modifyitems(config, items):
    """Leave out what is named, to the letter: pytest's --deselect goes by prefix."""
    left_out = set(json.loads(os.environ["LEFT_OUT"]))
    unknown = left_out - {item.nodeid for item in items}
    assert not unknown, f"no such tests: {sorted(unknown)}"
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in left_out])
    items[:] = [item for item in items if item.nodeid not in left_out]
'''


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not (Path(arguments[0]) / "tests" / "test_batch").is_dir():
        print("give the folder of a moto checkout: make moto-suite MOTO_CHECKOUT=path", file=sys.stderr)
        return 64
    checkout = Path(arguments[0]).resolve()
    print(f"{len(LEFT_OUT)} tests are left out:")
    for test, reason in LEFT_OUT.items():
        print(f"  {test.removeprefix('tests/')}: {reason}")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "batchiac_in_moto.py").write_text(PLUGIN, encoding="utf-8")
        command = [
            *(sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "batchiac_in_moto", "-p", "no:cacheprovider"),
            *("-o", "addopts=", "-o", "markers=network", "--strict-config", "-W", "ignore"),
            *("tests/test_batch", "tests/test_batch_simple"),
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([folder, str(checkout)]),
            "LEFT_OUT": json.dumps(list(LEFT_OUT)),
        }
        return subprocess.run(command, cwd=checkout, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
