"""Job queues, of jobs and of service jobs, and the scheduling policies that share them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi
from attrs import field, frozen

from batchiac.components.component import Component
from batchiac.components.compute_environment import ManagedComputeEnvironment, UnmanagedComputeEnvironment
from batchiac.components.declaration import Reference, declare
from batchiac.components.service_environment import SAGEMAKER_TRAINING, ServiceEnvironment
from batchiac.components.wire import merged, named, wired


@frozen
class TimeLimit:
    """Cancel the job at the head of the queue that has been blocked for one reason too long.

    Attributes:
        reason: one of AWS's four, such as `MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT`.
        seconds: 600 to 86400.
    """

    reason: str
    seconds: int = field(metadata=named("maxTimeSeconds"))
    state: str = "RUNNABLE"
    action: str = "CANCEL"


class SchedulingPolicy(Component):
    """Fair share: who gets how much of a queue. Or quota shares, which a queue of service jobs can have.

    Args:
        shares: share identifier (a trailing `*` matches a prefix) → weight factor; a smaller one gets more.
        quota_shares: instead of `shares`: how idle capacity goes to the queue's `QuotaShare`s that borrow. AWS knows
            FIFO.
        decay_seconds: how long past use counts, 0 to 604800; 0 means AWS's 600.
        compute_reservation: per cent kept for shares that are not active yet, 0 to 99.
        policy_name: fixes the physical name.
    """

    def __init__(
        self,
        name: str,
        *,
        shares: Mapping[str, float] | None = None,
        quota_shares: Literal["FIFO"] | None = None,
        decay_seconds: int = 0,
        compute_reservation: int = 0,
        policy_name: str | None = None,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("batchiac:batch:SchedulingPolicy", name, None, opts)
        distribution = [{"shareIdentifier": each, "weightFactor": weight} for each, weight in (shares or {}).items()]
        fair = {
            "shareDecaySeconds": decay_seconds,
            "computeReservation": compute_reservation,
            "shareDistribution": distribution,
        }
        is_fair = quota_shares is None or shares is not None or decay_seconds or compute_reservation
        inputs = {
            "name": policy_name,
            "fairsharePolicy": fair if is_fair else None,
            "quotaSharePolicy": {"idleResourceAssignmentStrategy": quota_shares} if quota_shares is not None else None,
            "tags": {**(tags or {})},
        }
        self.arn = Reference(declare("SchedulingPolicy", name, inputs, self), "id")
        self.register_outputs({})


class JobQueue(Component):
    """A queue: jobs wait here and are placed on the first of its environments that has room.

    Args:
        priority: the queue with the higher one is looked at first, where queues share environments.
        compute_environments: in the order in which they are tried, at most three; components, or ARNs.
        service_environments: instead of compute environments, for service jobs (SageMaker training): AWS takes one;
            a component, or an ARN.
        scheduling_policy: fair share instead of first in, first out; cannot be taken away again.
        time_limits: for blocked jobs.
        enabled: False: no job is accepted.
        job_queue_name: fixes the physical name.
        wire: anything else, in wire form, laid over the inputs.

    Attributes:
        arn, name_output: of the queue.
    """

    def __init__(
        self,
        name: str,
        *,
        priority: int,
        compute_environments: Sequence[
            ManagedComputeEnvironment | UnmanagedComputeEnvironment | pulumi.Input[str]
        ] = (),
        service_environments: Sequence[ServiceEnvironment | pulumi.Input[str]] = (),
        scheduling_policy: SchedulingPolicy | pulumi.Input[str] | None = None,
        time_limits: Sequence[TimeLimit] = (),
        enabled: bool = True,
        job_queue_name: str | None = None,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        wire: Mapping[str, Any] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("batchiac:batch:JobQueue", name, None, opts)
        components = (ManagedComputeEnvironment, UnmanagedComputeEnvironment)
        order = [
            {"order": order, "computeEnvironment": each.arn if isinstance(each, components) else each}
            for order, each in enumerate(compute_environments, start=1)
        ]
        service_order = [
            {"order": order, "serviceEnvironment": each.arn if isinstance(each, ServiceEnvironment) else each}
            for order, each in enumerate(service_environments, start=1)
        ]
        inputs = {
            "jobQueueName": job_queue_name,
            "state": "ENABLED" if enabled else "DISABLED",
            "priority": priority,
            "jobQueueType": SAGEMAKER_TRAINING if service_order else None,
            "computeEnvironmentOrder": order if order or not service_order else None,
            "serviceEnvironmentOrder": service_order or None,
            "schedulingPolicyArn": (
                scheduling_policy.arn if isinstance(scheduling_policy, SchedulingPolicy) else scheduling_policy
            ),
            "jobStateTimeLimitActions": wired(time_limits) or None,
            "tags": {**(tags or {})},
        }
        queue = declare("JobQueue", name, merged(inputs, wire), self)
        self.arn = Reference(queue, "id")
        self.arn_output: pulumi.Output[str] = queue.id
        self.name_output: pulumi.Output[str] = queue.output("jobQueueName")
        self.register_outputs({})
