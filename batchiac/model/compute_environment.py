"""A compute environment, as the engine takes it (the local stack makes it from the API's records)."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen

from batchiac.model.sequences import as_tuple

AllocationStrategy = Literal[
    "BEST_FIT",
    "BEST_FIT_PROGRESSIVE",
    "BEST_FIT_PROGRESSIVE_ORDERED",
    "SPOT_CAPACITY_OPTIMIZED",
    "SPOT_CAPACITY_OPTIMIZED_PRIORITIZED",
    "SPOT_PRICE_CAPACITY_OPTIMIZED",
]
ResourceType = Literal["EC2", "SPOT", "FARGATE", "FARGATE_SPOT", "ECS_MANAGED_INSTANCES"]


@frozen
class UpdatePolicy:
    """What an infrastructure update does to running jobs.

    Attributes:
        terminate_jobs_on_update: True ends them at once.
        job_execution_timeout_minutes: 1..7200; how long they may go on otherwise.
    """

    terminate_jobs_on_update: bool = False
    job_execution_timeout_minutes: int = 30


@frozen
class ComputeResources:
    """computeResources of a managed environment.

    Attributes:
        instance_types: types, families, `optimal`, `default_x86_64`, `default_arm64`; empty for Fargate.
        allocation_strategy: ECS's default is BEST_FIT.
        bid_percentage: 0..100, a Spot instance is launched only below this part of the On-Demand price.
        min_scale_down_delay_minutes: scalingPolicy; 0 (off) or 20..10080.
        image: whatever tells one AMI selection from another (id, override, type, launch template and version). The
            engine only compares it: a change is an infrastructure update.
        placement: subnets, security groups, placement group, instance role, key pair, tags: compared likewise.
    """

    type: ResourceType
    max_vcpus: int
    min_vcpus: int = 0
    desired_vcpus: int | None = None
    instance_types: tuple[str, ...] = field(default=(), converter=as_tuple)
    allocation_strategy: AllocationStrategy = "BEST_FIT"
    bid_percentage: int = 100
    min_scale_down_delay_minutes: int = 0
    image: str = ""
    placement: str = ""

    @property
    def on_instances(self) -> bool:
        """True where jobs run on EC2 instances that Batch launches."""
        return self.type in ("EC2", "SPOT")

    @property
    def spot(self) -> bool:
        """True where capacity can be taken back."""
        return self.type in ("SPOT", "FARGATE_SPOT")


@frozen
class ComputeEnvironment:
    """A compute environment.

    Attributes:
        resources: None for UNMANAGED.
        orchestrator: EKS where eksConfiguration is set.
        invalid_reason: not empty makes the environment INVALID with this statusReason (a missing role, a bad AMI:
            things that only the caller can know).
    """

    name: str
    type: Literal["MANAGED", "UNMANAGED"] = "MANAGED"
    state: Literal["ENABLED", "DISABLED"] = "ENABLED"
    resources: ComputeResources | None = None
    unmanaged_vcpus: int = 0
    orchestrator: Literal["ECS", "EKS"] = "ECS"
    update_policy: UpdatePolicy = UpdatePolicy()
    invalid_reason: str = ""
