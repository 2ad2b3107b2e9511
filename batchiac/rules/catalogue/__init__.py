"""Every row, by id. Each module here is one subject's table, `RULES`; helpers of rows stand beside their table."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from batchiac.errors import InternalError
from batchiac.rules.row import Rule

MODULES = (
    "compute_environment",
    "fargate_environment",
    "managed_instances",
    "launch_template",
    "ami",
    "eks_configuration",
    "update_policy",
    "job_queue",
    "scheduling_policy",
    "service_environment",
    "quota_share",
    "consumable_resource",
    "job_definition",
    "job_payload",
    "container",
    "fargate",
    "ecs_properties",
    "eks_properties",
    "multi_node",
    "retry",
    "job_operations",
    "tags",
    "stack",
    "role",
)
"""The tables, in the order in which they are listed."""


@cache
def read_catalogue() -> Mapping[str, Rule]:
    """Id → row, in the order of the tables; read once."""
    rows: dict[str, Rule] = {}
    for name in MODULES:
        table: tuple[Rule, ...] = importlib.import_module(f"{__name__}.{name}").RULES
        for row in table:
            if row.id in rows:
                raise InternalError(f"rule id {row.id} is used twice (second in catalogue/{name}.py): an id is unique")
            rows[row.id] = row
    return MappingProxyType(rows)
