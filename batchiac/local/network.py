"""Subnets and security groups refuse their deletion while something uses them, as EC2 does and moto does not.

Without it a program that destroys in the wrong order passes against the local stack and fails on AWS.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

_MARK = "_batchiac_network"


def _live_instances(ec2_backend: Any) -> list[Any]:
    return [each for each in ec2_backend.all_instances() if each.state != "terminated"]


def _with_subnet_in_use(delete: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(delete)
    def delete_subnet(self: Any, subnet_id: str) -> Any:
        from moto.ec2.exceptions import DependencyViolationError

        self.get_subnet(subnet_id)
        if any(each.subnet_id == subnet_id for each in _live_instances(self)):
            raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
        return delete(self, subnet_id)

    return delete_subnet


def _with_security_group_in_use(delete: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(delete)
    def delete_security_group(self: Any, name: str | None = None, group_id: str | None = None) -> Any:
        from moto.ec2.exceptions import DependencyViolationError

        group = self.get_security_group_from_id(group_id) if group_id else self.get_security_group_by_name_or_id(name)
        if group is not None and (
            any(group.id == used.id for each in _live_instances(self) for used in each.security_groups)
            or any(_refers(other, group.id) for other in self.describe_security_groups() if other.id != group.id)
        ):
            raise DependencyViolationError(f"resource {group.id} has a dependent object")
        return delete(self, name, group_id)

    return delete_security_group


def _refers(security_group: Any, group_id: str) -> bool:
    rules = [*security_group.ingress_rules, *security_group.egress_rules]
    return any(rule.source_group.get("GroupId") == group_id for rule in rules)


def install_network() -> None:
    """Correct moto's network deletions; calling it again changes nothing."""
    from moto.ec2.models import EC2Backend

    if getattr(EC2Backend, _MARK, False):
        return
    EC2Backend.delete_subnet = _with_subnet_in_use(EC2Backend.delete_subnet)
    EC2Backend.delete_security_group = _with_security_group_in_use(EC2Backend.delete_security_group)
    setattr(EC2Backend, _MARK, True)
