"""Run moto's own Batch test-suite against batchiac's Batch: `python scripts/moto_suite.py PATH_OF_A_MOTO_CHECKOUT`.

moto's tests are read from the checkout (its `tests/` folder, of the version that is installed here) and run without
Docker. Each test that is left out is named below with its reason: it holds Batch to something that AWS documents, or
was seen to do, otherwise; or it tests moto's own inside. Everything else must pass.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

MINIMUM_VCPU = "0.25 vCPU on EC2: AWS answers `vCPU must be at least 1`"
BID = "bidPercentage 123: AWS answers `Bid percentage must be between 0 to 100.`"
ENABLED = "deletes an ENABLED resource: AWS asks for DISABLED first (DeleteComputeEnvironment, DeleteJobQueue)"
WORDS = "moto's own error text, or a code that Batch's model does not have"
TIMEOUT = "a timeout below 60 s: AWS documents a minimum of 60"
SEQUENTIAL = "SEQUENTIAL with a job id on a job that is no array: AWS documents it without one, for arrays"
EKS = "EKS memory with limits other than requests: AWS documents that they must be equal"
SWITCH = "moto's own switch MOTO_SIMPLE_BATCH_FAIL_AFTER; here a job's tag batchiac:exit says how it ends"

ENVS = "tests/test_batch/test_batch_compute_envs.py::"
QUEUES = "tests/test_batch/test_batch_job_queue.py::"
JOBS = "tests/test_batch/test_batch_jobs.py::"
DEFINITIONS = "tests/test_batch/test_batch_task_definition.py::"
SIMPLE = "tests/test_batch_simple/"

LEFT_OUT = {
    ENVS + "test_create_managed_compute_environment[True]": BID,
    ENVS + "test_create_managed_compute_environment[False]": BID,
    ENVS + "test_create_managed_compute_environment_with_tags[True]": BID,
    ENVS + "test_create_managed_compute_environment_with_tags[False]": BID,
    ENVS + "test_create_managed_compute_environment_with_instance_family": BID,
    ENVS + "test_create_managed_compute_environment_with_unknown_instance_type": BID,
    ENVS + "test_delete_managed_compute_environment": BID,
    SIMPLE + "test_batch_compute_envs.py::test_create_managed_compute_environment": BID,
    SIMPLE + "test_batch_compute_envs.py::test_create_managed_compute_environment_with_instance_family": BID,
    ENVS + "test_delete_unmanaged_compute_environment": ENABLED,
    QUEUES + "test_delete_job_queue": ENABLED,
    ENVS + "test_update_iam_role": "a role that does not exist: AWS takes it and the environment turns INVALID",
    ENVS + "test_create_ec2_managed_compute_environment__without_required_params": WORDS,
    QUEUES + "test_create_job_queue": "a scheduling policy that does not exist",
    QUEUES + "test_create_job_queue_twice": WORDS + " (AWS: `Object already exists`)",
    QUEUES + "test_create_job_queue_incorrect_state": WORDS,
    QUEUES + "test_create_job_queue_without_compute_environment": WORDS,
    QUEUES + "test_job_queue_bad_arn": WORDS,
    "tests/test_batch/test_batch_tags_job.py::test_submit_job_with_tags": WORDS + " (ValidationError)",
    "tests/test_batch/test_batch_eks.py::test_register_job_definition_with_eks_properties": EKS,
    "tests/test_batch/test_batch_eks.py::test_submit_job_with_eks_properties_override": EKS,
    JOBS + "test_submit_job_array_size": "ListJobs without a status lists RUNNING jobs only (ListJobs.jobStatus)",
    JOBS + "test_list_jobs": "ListJobs without a status lists RUNNING jobs only (ListJobs.jobStatus)",
    JOBS + "test_submit_job_multinode": "multi-node jobs on an UNMANAGED environment: AWS does not support them there",
    JOBS + "test_terminate_job": "the log stream's name ends in the job's id; AWS documents the ECS task's id",
    JOBS + "test_dependencies": SEQUENTIAL,
    JOBS + "test_failed_dependencies": SEQUENTIAL,
    JOBS + "test_cancel_pending_job": SEQUENTIAL,
    JOBS + "test_cancel_running_job": "a job that has succeeded has no statusReason; AWS gives one",
    JOBS + "test_failed_job": "needs Docker: the exit code of `kill` without arguments is not in the command itself",
    JOBS
    + "test_container_overrides": "the AWS_BATCH_* variables among those of DescribeJobs; they are the container's",
    JOBS + "test_register_job_definition_with_timeout": TIMEOUT,
    JOBS + "test_submit_job_with_timeout": TIMEOUT,
    JOBS + "test_submit_job_with_timeout_set_at_definition": TIMEOUT,
    DEFINITIONS + "test_register_task_definition[True]": MINIMUM_VCPU,
    DEFINITIONS + "test_reregister_task_definition[True]": MINIMUM_VCPU,
    DEFINITIONS + "test_delete_task_definition[True]": MINIMUM_VCPU,
    DEFINITIONS + "test_delete_task_definition_by_name[True]": MINIMUM_VCPU,
    DEFINITIONS + "test_describe_task_definition[True]": MINIMUM_VCPU,
    DEFINITIONS + "test_register_task_definition_with_platform_capability[FARGATE]": (
        "a Fargate definition without executionRoleArn, and with values that Fargate does not have"
    ),
    SIMPLE + "test_batch_jobs.py::test_submit_job_fail": SWITCH,
    SIMPLE + "test_batch_jobs.py::test_submit_job_fail_after_1_secs": SWITCH,
    SIMPLE + "test_batch_jobs.py::test_submit_job_fail_bad_int": SWITCH,
}
"""Test → why it is left out."""

PLUGIN = "import batchiac.local\n\nbatchiac.local.install()\n"


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
            *(f"--deselect={test}" for test in LEFT_OUT),
            *("tests/test_batch", "tests/test_batch_simple"),
        ]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([folder, str(checkout)])}
        return subprocess.run(command, cwd=checkout, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
