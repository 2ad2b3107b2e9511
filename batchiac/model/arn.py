"""ARNs of Batch and of what it makes elsewhere. One function a form; parsing takes any."""

from __future__ import annotations

from typing import Literal

BatchResource = Literal[
    "compute-environment",
    "job-queue",
    "job-definition",
    "job",
    "scheduling-policy",
    "consumable-resource",
    "service-environment",
    "quota-share",
]


def partition_of(region: str) -> str:
    """`aws`, `aws-cn` or `aws-us-gov`, by the region's prefix."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def batch_arn(resource: BatchResource, name: str, *, region: str, account: str) -> str:
    """`arn:aws:batch:us-east-1:123456789012:job-queue/name`; a job definition's name is `name:revision`."""
    return f"arn:{partition_of(region)}:batch:{region}:{account}:{resource}/{name}"


def quota_share_arn(queue: str, share: str, *, region: str, account: str) -> str:
    """`arn:aws:batch:us-east-1:123456789012:job-queue/queue/quota-share/share`: a share is a part of its queue.

    Source: the example of https://docs.aws.amazon.com/batch/latest/APIReference/API_DeleteQuotaShare.html
    """
    return batch_arn("job-queue", f"{queue}/quota-share/{share}", region=region, account=account)


def ecs_arn(resource: str, *, region: str, account: str) -> str:
    """An ECS ARN: `resource` is `cluster/…`, `task/<cluster>/<id>` or `container-instance/<cluster>/<id>`."""
    return f"arn:{partition_of(region)}:ecs:{region}:{account}:{resource}"


def name_of(name_or_arn: str) -> str:
    """The name at the end of an ARN (what follows the first `/`), or the argument where it is no ARN."""
    if not name_or_arn.startswith("arn:"):
        return name_or_arn
    return name_or_arn.partition("/")[2] or name_or_arn.rpartition(":")[2]
