"""Everything about AWS Batch that its documents leave open or that differs by account: one field a choice.

Each default is documented or an `Assumption:` with its decision record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen, validators
from attrs import fields as attrs_fields

from batchiac.engine.refusals import Messages
from batchiac.model.instance_type import InstanceType, usable_memory_mib

_not_negative = validators.ge(0)
_positive = validators.ge(1)


@frozen(kw_only=True)
class ServiceSettings:
    """How long service jobs take. AWS documents their states, no times. Times in ms, ≥ 0. Assumptions: decision 0113.

    Attributes:
        admission_ms: SUBMITTED.
        dispatch_ms: RUNNABLE, where capacity is free.
        pending_ms: SCHEDULED (SageMaker: Pending), also before a capacity failure.
        downloading_ms: STARTING.
        training_ms: RUNNING (Training and Uploading), where the job's tags do not say.
        preemption_ms: from the start of a preemption to its completion; 20 s in AWS's example events.
        capacity_errors_follow_rules: whether a rule that says EXIT for a capacity failure ends the job. One sentence
            of AWS has such failures retried "automatically until capacity becomes available", another lists
            `*CapacityError*` among the patterns of evaluateOnExit.
    """

    admission_ms: int = field(default=1_000, validator=_not_negative)
    dispatch_ms: int = field(default=4_000, validator=_not_negative)
    pending_ms: int = field(default=10_000, validator=_not_negative)
    downloading_ms: int = field(default=15_000, validator=_not_negative)
    training_ms: int = field(default=60_000, validator=_not_negative)
    preemption_ms: int = field(default=20_000, validator=_not_negative)
    capacity_errors_follow_rules: bool = True


def _service_settings(given: ServiceSettings | Mapping[str, Any]) -> ServiceSettings:
    """Also from what a trace wrote of them."""
    return given if isinstance(given, ServiceSettings) else ServiceSettings(**given)


def _messages(given: Messages | Mapping[str, str]) -> Messages:
    """Also from what a trace wrote of them."""
    return given if isinstance(given, Messages) else Messages(**given)


@frozen(kw_only=True)
class EngineSettings:
    """How long things take and which of two readings holds. All times in milliseconds, ≥ 0 unless said otherwise.

    Attributes:
        admission_ms: SubmitJob until the job leaves SUBMITTED, ≥ 1. Assumption (0102): 1 s.
        scheduler_tick_ms: 0 dispatches at every change; n only at multiples of n. Assumption (0102): 0.
        scaling_interval_ms: how often an environment's demand is looked at, ≥ 1. Assumption (0102): 10 s.
        environment_create_ms: CREATING until VALID or INVALID, ≥ 1; updates and deletes likewise. Assumption (0103).
        queue_create_ms: the same for queues, ≥ 1.
        launch_ms: an EC2 launch until the instance has joined the cluster: "a few minutes". Assumption (0103): 2 min.
            Source: https://docs.aws.amazon.com/batch/latest/userguide/fargate.html, read 2026-11.
        fargate_start_ms: "30 seconds" until a Fargate task runs. Source: as above.
        image_pull_ms: the first job of an image on an instance; later ones start at once. Assumption (0103): 15 s.
        container_start_ms: STARTING beyond the image pull. Assumption (0103): 0.
        idle_scale_in_ms: how long an instance is idle before it goes, where the environment's scaling policy does
            not say. The default delay is undocumented. Assumption (0104): 5 min.
        stop_grace_ms: SIGTERM until SIGKILL. Source:
            https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html, read 2026-11 ("30 seconds").
        stops_on_sigterm: False: a container ignores SIGTERM, and is killed when the grace is over (exit 137, which is
            what users see). True: it ends at once with 143. Assumption (0105): False.
        timeout_batch_ms: how often attempts whose time is over are looked for; 0 ends each at its moment. "Timeout
            terminations are handled on a best-effort basis", "a first in, first out queue, where jobs are terminated
            in batches". Source: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html, read 2026-11-21.
            Assumption (0112): 0, because AWS names neither the cadence nor the size of a batch.
        timeouts_per_batch: how many are ended at such a look; 0 has no limit. Needs timeout_batch_ms.
        fargate_ceiling_ms: "Jobs that run on Fargate resources can't expect to run for more than 14 days". (0112)
        reserved_memory_mib: ECS_RESERVED_MEMORY of the AMI, 32 on the default one.
        registered_memory_mib: instance type → MiB that its agent registers, where that was measured; for the others
            the formula of 0101 holds. AWS documents one type. (0119)
        cluster_names: "current" (`AWSBatch-<environment>-<uuid>`, as seen in public) or "older"
            (`<environment>_Batch_<uuid>`, as in botocore's examples). (0114)
        spot_interruptions_per_instance_hour: seeded rate, of Spot instances and of tasks on
            Fargate Spot; 0 has none. AWS publishes ranges, no rate (0106).
        retention_ms: how long finished jobs can be described: "at least 7 days".
        blocked_after_ms: how long a head must have been unplaceable before its reason shows. Assumption (0107): 0.
        fair_share_epochs: into how many steps the decay window is cut; usage is brought up to date once a step.
        fair_share_decay: whether usage counts less the older it is ("linear") or in full until the window ends
            ("step"). "The decay allows for more recently run jobs to have more weight." Assumption (0108): linear.
        order_minutes: what the window has beyond shareDecaySeconds; UG names it, and does not define it. (0108): 0.
        fair_share_ties: of shares with the same usage the one "first_used" is next, or one at random from the seed
            ("seeded"). (0108)
        share_prefix_weight: "each": every share of a prefix has the entry's weight, as the API reference has it.
            "counted": with n active shares of the prefix each has n times it, as the guide of 2023 had it. (0115)
        start_failure_uses_attempt: BC counts moves to RUNNABLE, UG those to RUNNING; both end at the same number only
            if a STARTING failure counts. Assumption (0110): True.
        max_overshoot: whether one instance may go over maxvCpus where AWS documents that it can.
        service: of service jobs.
        messages: texts of refusals that AWS's documents do not give. (0116)
    """

    admission_ms: int = field(default=1_000, validator=_positive)
    scheduler_tick_ms: int = field(default=0, validator=_not_negative)
    scaling_interval_ms: int = field(default=10_000, validator=_positive)
    environment_create_ms: int = field(default=10_000, validator=_positive)
    environment_update_ms: int = field(default=10_000, validator=_positive)
    environment_delete_ms: int = field(default=20_000, validator=_positive)
    queue_create_ms: int = field(default=3_000, validator=_positive)
    queue_update_ms: int = field(default=3_000, validator=_positive)
    queue_delete_ms: int = field(default=10_000, validator=_positive)
    launch_ms: int = field(default=120_000, validator=_not_negative)
    fargate_start_ms: int = field(default=30_000, validator=_not_negative)
    image_pull_ms: int = field(default=15_000, validator=_not_negative)
    container_start_ms: int = field(default=0, validator=_not_negative)
    idle_scale_in_ms: int = field(default=300_000, validator=_not_negative)
    stop_grace_ms: int = field(default=30_000, validator=_not_negative)
    stops_on_sigterm: bool = False
    timeout_batch_ms: int = field(default=0, validator=_not_negative)
    timeouts_per_batch: int = field(default=0, validator=_not_negative)
    fargate_ceiling_ms: int = field(default=14 * 24 * 3_600_000, validator=_positive)
    reserved_memory_mib: int = field(default=32, validator=_not_negative)
    registered_memory_mib: Mapping[str, int] = field(factory=dict, converter=dict)
    cluster_names: Literal["current", "older"] = field(
        default="current", validator=validators.in_(("current", "older"))
    )
    spot_interruptions_per_instance_hour: float = field(default=0.0, validator=validators.ge(0.0))
    retention_ms: int = field(default=7 * 24 * 3_600_000, validator=_positive)
    blocked_after_ms: int = field(default=0, validator=_not_negative)
    fair_share_epochs: int = field(default=60, validator=_positive)
    fair_share_decay: Literal["linear", "step"] = field(default="linear", validator=validators.in_(("linear", "step")))
    order_minutes: int = field(default=0, validator=_not_negative)
    fair_share_ties: Literal["first_used", "seeded"] = field(
        default="first_used", validator=validators.in_(("first_used", "seeded"))
    )
    share_prefix_weight: Literal["each", "counted"] = field(
        default="each", validator=validators.in_(("each", "counted"))
    )
    start_failure_uses_attempt: bool = True
    max_overshoot: bool = True
    service: ServiceSettings = field(default=ServiceSettings(), converter=_service_settings)
    messages: Messages = field(default=Messages(), converter=_messages)

    def usable_mib(self, kind: InstanceType) -> int:
        """The memory that jobs can have on an instance of this type."""
        registered = self.registered_memory_mib.get(kind.name)
        if registered is None:
            return usable_memory_mib(kind.memory_mib, reserved_mib=self.reserved_memory_mib)
        return max(0, registered - self.reserved_memory_mib)


def instant(**overrides: int) -> EngineSettings:
    """Settings in which nothing but jobs takes time (as little as the engine allows): for tests and oracles.

    Raises:
        TypeError: a field that EngineSettings does not have.
    """
    known = {each.name for each in attrs_fields(EngineSettings)}
    quick = {name: 1 for name in known if name.startswith(("environment_", "queue_"))}
    quick |= {"admission_ms": 1, "scaling_interval_ms": 1, "launch_ms": 0, "fargate_start_ms": 0, "image_pull_ms": 0}
    return EngineSettings(**{**quick, "stop_grace_ms": 0, **overrides})  # type: ignore[arg-type]  # checked by attrs
