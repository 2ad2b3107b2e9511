"""Networks where moto differs from EC2.

Subnets and security groups refuse their deletion while something uses them: without it a program that destroys in the
wrong order passes against the local stack and fails on AWS. A rule of a security group that differs from another in
nothing but its description is the same rule, and its description can be taken off.
"""

from __future__ import annotations

import copy
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


def _without_description(source: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in source.items() if key != "Description"}


def _alike_but_for_description(is_equal: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    @wraps(is_equal)
    def equal(self: Any, other: Any) -> bool:
        one, two = copy.copy(self), copy.copy(other)
        for rule in (one, two):
            rule.source_group = _without_description(rule.source_group)
        return is_equal(one, two)

    return equal


def _update_description(self: Any, said: Any, rule: Any) -> None:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UpdateSecurityGroupRuleDescriptionsIngress.html

    "You can remove a description for a security group rule by omitting the description parameter in the request."
    """
    for kind in ("ip_range", "source_group"):
        asked, kept = getattr(said, kind), getattr(rule, kind)
        if kept:
            added = {"Description": asked["Description"]} if "Description" in asked else {}
            setattr(rule, kind, {**_without_description(kept), **added})


def install_network() -> None:
    """Correct moto's networks; calling it again changes nothing."""
    from moto.ec2.models import EC2Backend
    from moto.ec2.models.security_groups import SecurityGroupRule

    if getattr(EC2Backend, _MARK, False):
        return
    EC2Backend.delete_subnet = _with_subnet_in_use(EC2Backend.delete_subnet)
    EC2Backend.delete_security_group = _with_security_group_in_use(EC2Backend.delete_security_group)
    EC2Backend._sg_update_description = _update_description
    SecurityGroupRule.__eq__ = _alike_but_for_description(SecurityGroupRule.__eq__)
    setattr(EC2Backend, _MARK, True)
