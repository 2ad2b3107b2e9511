"""EC2 placement groups, which moto lacks, added to moto's EC2 backend, in-process and in the server alike.

The groups live in the backend's own `__dict__`, so that moto's reset, accounts and regions work on them unasked; their
tags live where moto keeps every EC2 tag. An instance belongs to a group when the call that started it, or the launch
template that it names, says so; the group cannot be deleted before every such instance is terminated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from attrs import define

STRATEGIES = ("cluster", "spread", "partition")
"""Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreatePlacementGroup.html, 2026-11.

`precision-time` is in botocore's model but on no page of the user guide: refused here.
"""
SPREAD_LEVELS = ("host", "rack")
MAX_PARTITIONS = 7
MAX_NAME = 255
ID_PREFIX = "pg"
_MARK = "_batchiac_placement_groups"


@define
class PlacementGroup:
    """One group, with the attribute names that moto's serializer reads for the shape `PlacementGroup`."""

    ec2_backend: Any
    group_id: str
    group_name: str
    group_arn: str
    strategy: str
    partition_count: int | None
    spread_level: str | None
    state: str = "available"

    @property
    def tags(self) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in self.ec2_backend.tags.get(self.group_id, {}).items()]

    def filter_values(self, name: str) -> list[str] | None:
        """What a Describe filter compares with; None for a filter that AWS does not know."""
        if name.startswith("tag:"):
            value = self.ec2_backend.tags.get(self.group_id, {}).get(name[4:])
            return [] if value is None else [value]
        values: dict[str, list[str | None]] = {
            "group-name": [self.group_name],
            "group-arn": [self.group_arn],
            "spread-level": [self.spread_level],
            "state": [self.state],
            "strategy": [self.strategy],
            "tag-key": [tag["Key"] for tag in self.tags],
        }
        return None if name not in values else [each for each in values[name] if each]


def groups_of(ec2_backend: Any) -> dict[str, PlacementGroup]:
    """The account's groups in that backend's region, by name; the live dictionary, empty after a reset."""
    groups: dict[str, PlacementGroup] = ec2_backend.__dict__.setdefault("placement_groups", {})
    return groups


def find_members(ec2_backend: Any, group_name: str) -> list[Any]:
    """The instances of the group that are not terminated: a stopped one still holds its place."""
    return [
        instance
        for instance in ec2_backend.all_instances()
        if instance.placement.group_name == group_name and instance.state != "terminated"
    ]


def read_group(ec2_backend: Any, group_name: str) -> PlacementGroup:
    """The group of that name.

    Raises:
        EC2ClientError: `InvalidPlacementGroup.Unknown`.
    """
    group = groups_of(ec2_backend).get(group_name)
    if group is None:
        raise _refusal("InvalidPlacementGroup.Unknown", f"The Placement Group '{group_name}' is unknown.")
    return group


def create_group(
    ec2_backend: Any,
    name: str | None,
    strategy: str | None,
    partition_count: int | None,
    spread_level: str | None,
    tags: dict[str, str],
) -> PlacementGroup:
    """Create a group, or refuse as EC2 does.

    Raises:
        EC2ClientError: no name, a name that exists, or a value that EC2 does not allow.
    """
    from moto.ec2.utils import random_id

    if not name:
        raise _refusal("MissingParameter", "The request must contain the parameter groupName")
    if len(name) > MAX_NAME or not name.isascii():
        raise _refusal(
            "InvalidParameterValue",
            f"Value ({name}) for parameter groupName is invalid. Up to {MAX_NAME} ASCII characters are allowed.",
        )
    # Assumption: no strategy means cluster, which is what every SDK example without one creates.
    strategy = strategy or "cluster"
    if strategy not in STRATEGIES:
        raise _refusal("InvalidParameterValue", f"Value ({strategy}) for parameter strategy is invalid.")
    if partition_count is not None and strategy != "partition":
        raise _refusal(
            "InvalidParameterCombination", "The parameter PartitionCount is only supported with the partition strategy."
        )
    if partition_count is not None and not 1 <= partition_count <= MAX_PARTITIONS:
        raise _refusal(
            "InvalidParameterValue", f"Value ({partition_count}) for parameter partitionCount is invalid. 1 to 7."
        )
    if spread_level is not None and strategy != "spread":
        raise _refusal(
            "InvalidParameterCombination", "The parameter SpreadLevel is only supported with the spread strategy."
        )
    if spread_level is not None and spread_level not in SPREAD_LEVELS:
        raise _refusal("InvalidParameterValue", f"Value ({spread_level}) for parameter spreadLevel is invalid.")
    groups = groups_of(ec2_backend)
    if name in groups:
        raise _refusal("InvalidPlacementGroup.Duplicate", f"The placement group '{name}' already exists.")
    group = PlacementGroup(
        ec2_backend=ec2_backend,
        group_id=random_id(prefix=ID_PREFIX),
        group_name=name,
        group_arn=f"arn:{ec2_backend.partition}:ec2:{ec2_backend.region_name}:{ec2_backend.account_id}"
        f":placement-group/{name}",
        strategy=strategy,
        partition_count=(partition_count or 2) if strategy == "partition" else None,
        spread_level=(spread_level or "rack") if strategy == "spread" else None,
    )
    if tags:
        ec2_backend.create_tags([group.group_id], tags)
    groups[name] = group
    return group


def delete_group(ec2_backend: Any, name: str | None) -> None:
    """Delete a group that no instance is in.

    Raises:
        EC2ClientError: `InvalidPlacementGroup.Unknown`, or `InvalidPlacementGroup.InUse` while instances are in it.
    """
    if not name:
        raise _refusal("MissingParameter", "The request must contain the parameter groupName")
    group = read_group(ec2_backend, name)
    if find_members(ec2_backend, name):
        raise _refusal("InvalidPlacementGroup.InUse", f"The placement group '{name}' is in use and may not be deleted.")
    del groups_of(ec2_backend)[name]
    ec2_backend.tags.pop(group.group_id, None)


def describe_groups(
    ec2_backend: Any, names: list[str], ids: list[str], filters: dict[str, list[str]]
) -> list[PlacementGroup]:
    """The groups that match, in the order of their creation.

    Raises:
        EC2ClientError: a name or id that does not exist, or a filter that EC2 does not know.
    """
    from moto.ec2.utils import simple_aws_filter_to_re

    groups = list(groups_of(ec2_backend).values())
    for name in names:
        read_group(ec2_backend, name)
    known = {group.group_id for group in groups}
    for group_id in ids:
        if group_id not in known:
            raise _refusal(
                "InvalidPlacementGroupId.Unknown", f"The placement group ID '{group_id}' is unknown."
            )  # Assumption: no page quotes this text
    if names:
        groups = [group for group in groups if group.group_name in names]
    if ids:
        groups = [group for group in groups if group.group_id in ids]
    for key, patterns in filters.items():
        compiled = [re.compile(simple_aws_filter_to_re(each)) for each in patterns]
        kept = []
        for group in groups:
            values = group.filter_values(key)
            if values is None:
                raise _refusal("InvalidParameterValue", f"The filter '{key}' is invalid")
            if any(pattern.match(value) for pattern in compiled for value in values):
                kept.append(group)
        groups = kept
    return groups


def _refusal(code: str, message: str) -> Exception:
    from moto.ec2.exceptions import EC2ClientError

    refusal: Exception = EC2ClientError(code, message)
    return refusal


# The actions, as methods of moto's EC2 response: `self` is that response.


def _create_placement_group(self: Any) -> Any:
    from moto.core.responses import ActionResult

    tags = self._parse_tag_specification("placement-group").get("placement-group", {})
    self.error_on_dryrun()
    group = create_group(
        self.ec2_backend,
        self._get_param("GroupName"),
        self._get_param("Strategy"),
        self._get_int_param("PartitionCount"),
        self._get_param("SpreadLevel"),
        tags,
    )
    return ActionResult({"PlacementGroup": group})


def _delete_placement_group(self: Any) -> Any:
    from moto.core.responses import EmptyResult

    self.error_on_dryrun()
    delete_group(self.ec2_backend, self._get_param("GroupName"))
    return EmptyResult()


def _describe_placement_groups(self: Any) -> Any:
    from moto.core.responses import ActionResult

    self.error_on_dryrun()
    groups = describe_groups(
        self.ec2_backend,
        self._get_param("GroupNames", []),
        self._get_param("GroupIds", []),
        self._filters_from_querystring(),
    )
    return ActionResult({"PlacementGroups": groups})


def _with_group_of_the_call(run_instances: Callable[..., Any]) -> Callable[..., Any]:
    """moto's RunInstances action drops `Placement.GroupName`: hand it on to the backend."""

    @wraps(run_instances)
    def run_instances_in_group(self: Any) -> Any:
        name = self._get_param("Placement.GroupName")
        group_id = self._get_param("Placement.GroupId")
        if group_id and not name:
            name = describe_groups(self.ec2_backend, [], [group_id], {})[0].group_name
        if not name:
            return run_instances(self)
        backend = self.ec2_backend
        _require_room(backend, name, self._get_param("SubnetId"), self._get_param("Placement.AvailabilityZone"))
        result = run_instances(self)
        for instance in result.result.instances:
            instance.placement.group_name = name
        return result

    return run_instances_in_group


def _with_group_of_the_template(run_instances: Callable[..., Any]) -> Callable[..., Any]:
    """moto's backend takes no group: take `placement_group=` from a caller of ours, else the launch template's."""

    @wraps(run_instances)
    def run_instances_in_group(
        self: Any, image_id: str, count: int, user_data: Any, security_group_names: list[str], **kwargs: Any
    ) -> Any:
        name = kwargs.pop("placement_group", None)
        if not name and kwargs.get("launch_template"):
            name = self._get_template_from_args(kwargs["launch_template"]).data.get("Placement", {}).get("GroupName")
        if name:
            _require_room(self, name, kwargs.get("subnet_id"), kwargs.get("placement"))
        reservation = run_instances(self, image_id, count, user_data, security_group_names, **kwargs)
        if name:
            for instance in reservation.instances:
                instance.placement.group_name = name
        return reservation

    return run_instances_in_group


def _require_room(ec2_backend: Any, group_name: str, subnet_id: str | None, zone: str | None) -> None:
    """Refuse an unknown group, and a cluster group whose instances are in another zone than the new one.

    "A cluster placement group can't span multiple Availability Zones."
    Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html
    """
    group = read_group(ec2_backend, group_name)
    if group.strategy != "cluster":
        return
    if subnet_id:
        zone = ec2_backend.get_subnet(subnet_id).availability_zone
    for member in find_members(ec2_backend, group_name):
        if zone and member.availability_zone != zone:
            raise _refusal(
                "InvalidPlacementGroup.InUse",
                f"The placement group '{group_name}' is in use in another availability zone:"
                f" {member.availability_zone}",
            )


def install_placement_groups() -> None:
    """Teach moto's EC2 placement groups; calling it again changes nothing."""
    from moto.ec2 import utils
    from moto.ec2.models import EC2Backend
    from moto.ec2.responses import EC2Response

    if getattr(EC2Backend, _MARK, False):
        return
    EC2Response.create_placement_group = _create_placement_group
    EC2Response.delete_placement_group = _delete_placement_group
    EC2Response.describe_placement_groups = _describe_placement_groups
    EC2Response.run_instances = _with_group_of_the_call(EC2Response.run_instances)
    EC2Backend.run_instances = _with_group_of_the_template(EC2Backend.run_instances)
    # So that CreateTags takes a group's id, DescribeTags knows its type, and instances are found by their group.
    utils.EC2_RESOURCE_TO_PREFIX["placement-group"] = ID_PREFIX
    utils.EC2_PREFIX_TO_RESOURCE[ID_PREFIX] = "placement-group"
    utils.filter_dict_attribute_mapping["placement-group-name"] = "placement.group_name"
    setattr(EC2Backend, _MARK, True)
