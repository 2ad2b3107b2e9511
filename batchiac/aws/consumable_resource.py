"""Consumable resources at AWS: find, list by name, and the jobs that need one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from batchiac.aws.door import Door
from batchiac.aws.job_queue import OPEN_STATUSES
from batchiac.errors import AwsRefusal


def find(door: Door, name_or_arn: str) -> dict[str, Any] | None:
    """AWS's description, None when there is none.

    DescribeConsumableResource refuses a name that it does not know, in a text that AWS does not document. So a refusal
    is one only if the resource is listed.
    """
    try:
        return door.client("batch").describe_consumable_resource(consumableResource=name_or_arn)
    except AwsRefusal:
        name = name_or_arn.rpartition("/")[2]
        if all(each["consumableResourceName"] != name for each in find_named(door, name)):
            return None
        raise


def find_named(door: Door, pattern: str = "") -> Iterator[dict[str, Any]]:
    """The summaries of the resources of that name, all where none is given. An account may have 50,000.

    Args:
        pattern: a name; case does not matter to AWS, and a trailing `*` matches the rest.
    """
    filters = {"filters": [{"name": "CONSUMABLE_RESOURCE_NAME", "values": [pattern]}]} if pattern else {}
    return door.client("batch").pages("list_consumable_resources", "consumableResources", **filters)


def open_jobs(door: Door, arn: str) -> list[dict[str, Any]]:
    """The summaries of the jobs that need the resource and have not ended."""
    found: list[dict[str, Any]] = []
    for status in OPEN_STATUSES:
        filters = [{"name": "JOB_STATUS", "values": [status]}]
        found += door.client("batch").pages(
            "list_jobs_by_consumable_resource", "jobs", consumableResource=arn, filters=filters
        )
    return found
