"""Job queues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from batchiac.local.api_error import execution_refusal, refusal
from batchiac.local.operations.service_environment import require_settled
from batchiac.local.operations.service_queue import service_queue_snapshot
from batchiac.local.paging import page
from batchiac.local.quotas import require_room
from batchiac.local.records import Record
from batchiac.local.values import queue_value

if TYPE_CHECKING:
    from batchiac.engine.views import JobSummary
    from batchiac.local.backend import BatchBackend
    from batchiac.model.job_definition import Container, JobDefinition

Wire = dict[str, Any]

_SETTINGS = ("state", "priority", "jobStateTimeLimitActions")
_TYPES = {"FARGATE": "ECS_FARGATE", "FARGATE_SPOT": "ECS_FARGATE", "ECS_MANAGED_INSTANCES": "ECS_MANAGED_INSTANCES"}
_OF_ITS_ENVIRONMENTS = frozenset(("ST001", "ST002", "ST003", "ST004", "ST005", "ST006"))
"""Rules about which environments may stand in one queue: dispatch, which sees the request alone, cannot judge them."""
SNAPSHOT_JOBS = 100
SNAPSHOT_SHARES = 20


def create_job_queue(batch: BatchBackend, request: Wire) -> Wire:
    """CreateJobQueue: its environments must be VALID."""
    name = request["jobQueueName"]
    if name in batch.queues:
        raise refusal("Object already exists")
    require_room(batch.queues, name, batch.stage.settings.quotas.job_queues, "job queues")
    wire: Wire = {"state": "ENABLED", "computeEnvironmentOrder": []}
    wire |= {key: request[key] for key in _SETTINGS if key in request}
    if bool(request.get("computeEnvironmentOrder")) == bool(request.get("serviceEnvironmentOrder")):
        raise refusal("A job queue needs either computeEnvironmentOrder or serviceEnvironmentOrder")
    if "schedulingPolicyArn" in request:
        wire["schedulingPolicyArn"] = batch.policies.read(request["schedulingPolicyArn"]).arn
    _set_orders(batch, wire, request)
    wire["jobQueueType"] = request.get("jobQueueType") or _type_of(batch, wire)
    record = batch.new_record(batch.queues, name, wire, request, add=False)
    if "serviceEnvironmentOrder" in wire:
        batch.begin(record, "CREATING", then="VALID")
    else:
        batch.create_queue(_value(batch, record))
    batch.queues.add(record)
    return {"jobQueueName": name, "jobQueueArn": record.arn}


def update_job_queue(batch: BatchBackend, request: Wire) -> Wire:
    """UpdateJobQueue: what is given replaces what was; a policy can be replaced, not added and not removed."""
    record = batch.queues.read(request["jobQueue"])
    wire = dict(record.wire)
    wire |= {key: request[key] for key in _SETTINGS if key in request}
    if "schedulingPolicyArn" in request:
        if "schedulingPolicyArn" not in wire:
            raise refusal(f"A scheduling policy cannot be added to job queue {record.name}")
        wire["schedulingPolicyArn"] = batch.policies.read(request["schedulingPolicyArn"]).arn
    before = _environments(record.wire)
    _set_orders(batch, wire, request)
    updated = Record(record.serial, record.name, record.arn, wire, record.tags, record.created_at_ms)
    if "serviceEnvironmentOrder" in wire:
        require_settled(record, "update")
        record.wire = wire
        batch.begin(record, "UPDATING", then="VALID")
    else:
        batch.update_queue(_value(batch, updated))
        record.wire = wire
        batch.let_go(record, before - _environments(wire))
    return {"jobQueueName": record.name, "jobQueueArn": record.arn}


def delete_job_queue(batch: BatchBackend, request: Wire) -> Wire:
    """DeleteJobQueue: DISABLED first. Its jobs end as FAILED."""
    record = batch.queues.read(request["jobQueue"])
    if "serviceEnvironmentOrder" not in record.wire:
        batch.delete_queue(record.name)
        batch.let_go(record, _environments(record.wire))
        return {}
    require_settled(record, "delete")
    if record.wire["state"] != "DISABLED":
        raise refusal(batch.engine.settings.messages.delete_enabled_queue)
    batch.service.drop_queue(record.name)
    batch.begin(record, "DELETING", then=None, shelf=batch.queues)
    return {}


def describe_job_queues(batch: BatchBackend, request: Wire) -> Wire:
    """DescribeJobQueues: those named, or all; unknown names are left out."""
    names = request.get("jobQueues")
    if names and len(names) > 100:
        raise refusal(f"jobQueues can have up to 100 entries, but has {len(names)}")
    batch.observe(
        lambda: [(each.name, _status(batch, each)[0]) for _, each in batch.queues.chosen(names)],
        lambda seen: any(status in ("CREATING", "UPDATING", "DELETING") for _, status in seen),
    )
    found, more = page("DescribeJobQueues", request, batch.queues.chosen(names), 100)
    return {"jobQueues": [_detail(batch, record) for record in found], **more}


def get_job_queue_snapshot(batch: BatchBackend, request: Wire) -> Wire:
    """GetJobQueueSnapshot: the first 100 RUNNABLE jobs in the order in which they will be dispatched."""
    record = batch.queues.read(request["jobQueue"])
    if "serviceEnvironmentOrder" in record.wire:
        return service_queue_snapshot(batch, record, SNAPSHOT_JOBS, SNAPSHOT_SHARES)
    now, unit = batch.now_ms(), "cpu" if record.wire["jobQueueType"] == "EKS" else "VCPU"
    utilization: Wire = {"lastUpdatedAt": now}
    if "schedulingPolicyArn" in record.wire:
        # A limit far above AWS's 500 active shares: the sum is over all of them.
        shares = [each for each in batch.engine.share_usage(record.name, 1_000_000) if each.vcpus]
        used = sum(each.vcpus for each in shares)
        utilization["fairshareUtilization"] = {
            "activeShareCount": len(shares),
            "topCapacityUtilization": [
                {"shareIdentifier": each.identifier, "capacityUsage": _amount(unit, each.vcpus)}
                for each in shares[:SNAPSHOT_SHARES]
            ],
        }
    else:
        used = _vcpus_in_use(batch, record.name)
    front = [
        {"jobArn": batch.job_arn(each.job_id), "earliestTimeAtPosition": each.earliest_at_ms}
        for each in batch.engine.queue_snapshot(record.name, SNAPSHOT_JOBS)
    ]
    return {
        "frontOfQueue": {"jobs": front, "lastUpdatedAt": now},
        "queueUtilization": {"totalCapacityUsage": _amount(unit, used), **utilization},
    }


def _amount(unit: str, quantity: float) -> list[Wire]:
    return [{"capacityUnit": unit, "quantity": float(quantity)}]


def _vcpus_in_use(batch: BatchBackend, queue: str) -> float:
    """vCPUs of a FIFO queue's jobs in STARTING and RUNNING, children of arrays included."""
    used = 0.0
    for line in (*_lines(batch, queue, "STARTING"), *_lines(batch, queue, "RUNNING")):
        used += _vcpus_of(line.request.definition)
    for line in _lines(batch, queue, "PENDING"):
        if line.array_size:
            children = batch.engine.describe_job(line.id).status_summary
            used += (children["STARTING"] + children["RUNNING"]) * _vcpus_of(line.request.definition)
    return used


def _lines(batch: BatchBackend, queue: str, status: str) -> Iterator[JobSummary]:
    position: int | None = 0
    while position is not None:
        page_of_lines = batch.engine.list_jobs(queue=queue, status=status, position=position)
        yield from page_of_lines.jobs
        position = page_of_lines.next_position


def _vcpus_of(definition: JobDefinition) -> float:
    """What one job of a definition takes, all nodes together."""
    if not definition.node_ranges:
        return _vcpus_of_host(definition.containers)
    return sum(_vcpus_of_host(definition.containers_of_node(node)) for node in range(definition.num_nodes))


def _vcpus_of_host(containers: Sequence[Container]) -> float:
    """Containers side by side; those that run first, one after the other, only where they need more."""
    first = max((each.resources.vcpus for each in containers if each.init), default=0.0)
    return max(first, sum(each.resources.vcpus for each in containers if not each.init))


def queue_changed(batch: BatchBackend, record: Record) -> None:
    """Tell the engine that what a queue refers to (its scheduling policy) has changed."""
    batch.update_queue(_value(batch, record))


def _value(batch: BatchBackend, record: Record) -> Any:
    policy = batch.policies.find(record.wire.get("schedulingPolicyArn", ""))
    return queue_value({"jobQueueName": record.name, **record.wire}, batch.policy_value(policy))


def _set_orders(batch: BatchBackend, wire: Wire, request: Wire) -> None:
    """Names become ARNs; what does not exist, or is not settled, is refused."""
    if request.get("computeEnvironmentOrder"):
        order = []
        for entry in request["computeEnvironmentOrder"]:
            environment = batch.environments.find(entry["computeEnvironment"])
            if environment is None:
                # AWS's text is not known: this is the one that users of moto know.
                raise refusal("computeEnvironmentOrder is malformed")
            order.append({"order": entry["order"], "computeEnvironment": environment.arn})
        wire["computeEnvironmentOrder"] = sorted(order, key=lambda entry: entry["order"])
        _require_companions(batch, wire, request)
    if request.get("serviceEnvironmentOrder"):
        wire["serviceEnvironmentOrder"] = [
            {
                "order": entry["order"],
                "serviceEnvironment": batch.service_environments.read(entry["serviceEnvironment"]).arn,
            }
            for entry in request["serviceEnvironmentOrder"]
        ]


def _require_companions(batch: BatchBackend, wire: Wire, request: Wire) -> None:
    """Refuse environments that Batch does not let stand in one queue: EC2 beside Fargate, arm64 beside x86_64."""
    from batchiac.rules import Declared, check_stack

    environments = [batch.environments.read(entry["computeEnvironment"]) for entry in wire["computeEnvironmentOrder"]]
    name = request.get("jobQueueName") or request["jobQueue"]
    queue = {"jobQueueName": name, "computeEnvironmentOrder": wire["computeEnvironmentOrder"]}
    if request.get("jobQueueType"):
        queue["jobQueueType"] = request["jobQueueType"]
    elif len(environments) < 2:
        return
    declared = [Declared("JobQueue", name, queue)]
    declared += [
        Declared("ComputeEnvironment", each.name, {"computeEnvironmentName": each.name, **each.wire})
        for each in environments
    ]
    wanted = _OF_ITS_ENVIRONMENTS - batch.stage.settings.accepted_rules
    broken = next((each for each in check_stack(declared) if each.stops and each.rule_id in wanted), None)
    if broken is not None:
        raise execution_refusal(broken.aws_message or broken.message, batch.new_request_id())


def _type_of(batch: BatchBackend, wire: Wire) -> str:
    """The type that AWS infers from the environments."""
    if "serviceEnvironmentOrder" in wire:
        return "SAGEMAKER_TRAINING"
    first = batch.environments.read(wire["computeEnvironmentOrder"][0]["computeEnvironment"])
    if "eksConfiguration" in first.wire:
        return "EKS"
    return _TYPES.get(first.wire.get("computeResources", {}).get("type", ""), "ECS")


def _environments(wire: Wire) -> set[str]:
    return {entry["computeEnvironment"] for entry in wire["computeEnvironmentOrder"]}


def _status(batch: BatchBackend, record: Record) -> tuple[str, str]:
    if "serviceEnvironmentOrder" in record.wire:
        return record.wire["status"], record.wire.get("statusReason", "")
    view = batch.queue_view(record.name)
    return view.status, view.status_reason


def _detail(batch: BatchBackend, record: Record) -> Wire:
    status, reason = _status(batch, record)
    return {
        "jobQueueName": record.name,
        "jobQueueArn": record.arn,
        **record.wire,
        "status": status,
        "statusReason": reason,
        "tags": dict(record.tags),
    }
