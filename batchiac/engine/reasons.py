"""What AWS writes into statusReason and container.reason. Texts are AWS's own; each says where it was read.

Marked FS: seen in public accounts of real jobs, not in AWS's documents.
"""

from __future__ import annotations

ESSENTIAL_EXITED = "Essential container in task exited"  # FS
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"  # ECS
START_FAILED = "Task failed to start"  # https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html
TIMED_OUT = "Job attempt duration exceeded timeout"  # FS
FARGATE_SPOT_INTERRUPTED = "Your Spot Task was interrupted."  # FS
DEPENDENT_FAILED = "Dependent Job failed"  # FS
ARRAY_CHILD_FAILED = "Array Child Job failed"  # FS
QUEUE_DELETED = "JobQueue deleted"  # FS
SHARE_DELETED = "QuotaShare deleted"  # Assumption: as for queues; AWS documents that the jobs end, and no text
HEALTHY_ENVIRONMENT = "ComputeEnvironment Healthy"  # botocore 1.44.5, DescribeComputeEnvironments example
HEALTHY_QUEUE = "JobQueue Healthy"  # botocore 1.44.5, DescribeJobQueues example

SIGKILLED = 137
SIGTERMED = 143


def host_lost(instance_id: str) -> str:
    """The reason of an attempt whose instance went. The prefix `Host EC2` is what retry rules match.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html, read 2026-11; the whole text: FS.
    """
    return f"Host EC2 (instance {instance_id}) terminated."


def time_limit(reason: str) -> str:
    """The statusReason of a job that a time-limit action cancelled: it names the reason, without its explanation.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_misconfiguration.html, read
    2026-11-21.
    """
    return f"Canceled by JobStateTimeLimit action due to reason: {reason.partition(' - ')[0]}"


# Why a head of queue is blocked, in AWS's whole texts.
# Source: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_misconfiguration.html, read 2026-11.
MAX_RESOURCE = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE(s) associated with the job queue cannot meet the CPU"
    " requirement of the job."
)
JOB_REQUIREMENT = (
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) is higher than that"
    " can be met by the CE(s) attached to the job queue."
)
UNSUPPORTED_INSTANCES = (
    "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED - Your compute environment associated with this job queue"
    " has an unsupported instance type configuration."
)
ROLE_PERMISSIONS = "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS – Batch service role has a permission issue."
INVALID_ENVIRONMENTS = "ACTION_REQUIRED - CE(s) associated with the job queue are invalid."
UNDETERMINED = "UNDETERMINED - Batch job is blocked, root cause is undetermined."


def insufficient_capacity(instance_type: str) -> str:
    """A pool has nothing left of this type."""
    return (
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested for instance type"
        f" [{instance_type}]"
    )


TIME_LIMIT_REASONS = (
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
    "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED",
)
"""The reasons that a time-limit action can match; the last three of the seven have none."""
