"""Quota shares: how a queue of service jobs divides its capacity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pulumi

from batchiac.components.component import Component
from batchiac.components.declaration import Reference, declare
from batchiac.components.job_queue import JobQueue
from batchiac.components.service_environment import limits


class QuotaShare(Component):
    """A team's part of a queue of service jobs; jobs are submitted to it by its name.

    Args:
        queue: one on a service environment whose limits are of instance types, with a scheduling policy of quota
            shares; a component, or its ARN or name.
        capacity_limits: instance type → how many, up to five: `{"ml.m5.large": 4}`.
        strategy: what becomes of capacity that the share does not use, and whether it borrows that of others.
        borrow_limit: at most so many per cent of its own limits, with LEND_AND_BORROW; -1 is no limit, AWS's default.
        in_share_preemption: jobs of higher priority take the place of others of the share.
        enabled: False: no job is accepted.
        quota_share_name: fixes the physical name; unique in the queue.

    Attributes:
        arn, name_output: of the share.
    """

    def __init__(
        self,
        name: str,
        *,
        queue: JobQueue | pulumi.Input[str],
        capacity_limits: Mapping[str, int],
        strategy: Literal["RESERVE", "LEND", "LEND_AND_BORROW"],
        borrow_limit: int | None = None,
        in_share_preemption: bool = False,
        enabled: bool = True,
        quota_share_name: str | None = None,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("batchiac:batch:QuotaShare", name, None, opts)
        inputs = {
            "quotaShareName": quota_share_name,
            "jobQueue": queue.arn if isinstance(queue, JobQueue) else queue,
            "capacityLimits": limits(capacity_limits),
            "resourceSharingConfiguration": {"strategy": strategy, "borrowLimit": borrow_limit},
            "preemptionConfiguration": {"inSharePreemption": "ENABLED" if in_share_preemption else "DISABLED"},
            "state": "ENABLED" if enabled else "DISABLED",
            "tags": {**(tags or {})},
        }
        share = declare("QuotaShare", name, inputs, self)
        self.arn = Reference(share, "id")
        self.arn_output: pulumi.Output[str] = share.id
        self.name_output: pulumi.Output[str] = share.output("quotaShareName")
        self.register_outputs({})
