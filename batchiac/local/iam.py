"""IAM where moto differs: AWS's managed policies exist, service-linked roles have AWS's names, GovCloud is GovCloud.

moto ships the managed policies but loads all of them or none (1,582 of them, for each account). Here one
is loaded when it is first asked for, so that `AmazonEC2ContainerServiceforEC2Role` can be attached as on AWS.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

_MARK = "_batchiac_iam"

SERVICE_LINKED_ROLE_NAMES = {"batch": "Batch", "ecs": "ECS", "spot": "EC2Spot", "spotfleet": "EC2SpotFleet"}
"""Service → what follows `AWSServiceRoleFor`; moto has the service's name in lower case.

Source: https://docs.aws.amazon.com/batch/latest/userguide/using-service-linked-roles.html
(and the pages of ECS and EC2).
"""


@functools.cache
def _managed_policies() -> dict[str, tuple[str, dict[str, Any]]]:
    """Path and name (`service-role/AWSBatchServiceRole`) → name and moto's record of it."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    records = json.loads(aws_managed_policies_data)
    return {record["Path"].removeprefix("/") + name: (name, record) for name, record in records.items()}


def _load_policy(backend: Any, policy_arn: str) -> None:
    """Put an AWS managed policy into the account; an ARN that is none, or there already, changes nothing."""
    if ":iam::aws:policy/" not in policy_arn or policy_arn in backend.managed_policies:
        return
    found = _managed_policies().get(policy_arn.partition(":policy/")[2])
    if found is None:
        return
    from moto.iam.models import AWSManagedPolicy

    policy = AWSManagedPolicy.from_data(found[0], backend.account_id, backend.region_name, found[1])
    backend.managed_policies[policy.arn] = policy


def _with_policy_loaded(action: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(action)
    def with_policy(self: Any, policy_arn: str, *arguments: Any, **named: Any) -> Any:
        _load_policy(self, policy_arn)
        return action(self, policy_arn, *arguments, **named)

    return with_policy


def _with_govcloud(read_region: Callable[..., str]) -> Callable[..., str]:
    @wraps(read_region)
    def region(self: Any, *arguments: Any, **named: Any) -> str:
        # GovCloud's IAM is iam.us-gov.amazonaws.com; moto takes `us-gov` for a region of the partition `aws`.
        found = read_region(self, *arguments, **named)
        return "us-gov-west-1" if found == "us-gov" else found

    return region


def install_iam() -> None:
    """Correct moto's IAM; calling it again changes nothing."""
    from moto.iam import models
    from moto.iam.responses import IamResponse

    backend = models.IAMBackend
    if getattr(backend, _MARK, False):
        return
    for name in (
        "attach_role_policy",
        "attach_user_policy",
        "attach_group_policy",
        "get_policy",
        "get_policy_version",
        "list_policy_versions",
    ):
        setattr(backend, name, _with_policy_loaded(getattr(backend, name)))
    IamResponse.get_region_from_url = _with_govcloud(IamResponse.get_region_from_url)
    models.SERVICE_NAME_CONVERSION.update(SERVICE_LINKED_ROLE_NAMES)
    setattr(backend, _MARK, True)
