"""Job definitions: revisions that are only ever added, and deregistered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from batchiac.local.api_error import ApiError, refusal
from batchiac.local.job_payload import PAYLOADS
from batchiac.local.paging import page
from batchiac.local.records import DefinitionRecord

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

_LISTS = ("command", "environment", "mountPoints", "resourceRequirements", "secrets", "ulimits", "volumes")
"""What DescribeJobDefinitions shows as an empty list where nothing was given."""

_TASK_LISTS = ("dependsOn", "environment", "mountPoints", "secrets", "ulimits")
"""The same of a container of ecsProperties.

Source: https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/batch/ecs_properties_test.go
"""


INACTIVE_FOR_MS = 180 * 86_400_000
"""Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_DeregisterJobDefinition.html."""


def register_job_definition(batch: BatchBackend, request: Wire) -> Wire:
    """RegisterJobDefinition: the next revision of its name; numbers are never used again."""
    name = request["jobDefinitionName"]
    payloads = [key for key in PAYLOADS if key in request]
    wanted = (
        "nodeProperties"
        if request["type"] == "multinode"
        else "one of containerProperties, ecsProperties, eksProperties"
    )
    if len(payloads) != 1 or (payloads == ["nodeProperties"]) != (request["type"] == "multinode"):
        raise refusal(f"A {request['type']} job definition needs {wanted}, but has {', '.join(payloads) or 'none'}")
    if "eksProperties" in request and not request["eksProperties"].get("podProperties", {}).get("containers"):
        raise refusal("eksProperties.podProperties must contain at least one container")
    revision = batch.next_revision(name)
    record = DefinitionRecord(
        serial=batch.next_serial(),
        name=name,
        arn=batch.definition_arn(f"{name}:{revision}"),
        wire=_with_defaults(request),
        tags=dict(request.get("tags", {})),
        created_at_ms=batch.now_ms(),
        revision=revision,
    )
    batch.definitions.setdefault(name, {})[revision] = record
    return {"jobDefinitionName": name, "jobDefinitionArn": record.arn, "revision": revision}


def deregister_job_definition(batch: BatchBackend, request: Wire) -> Wire:
    """DeregisterJobDefinition: name:revision or its ARN. The revision stays visible as INACTIVE; jobs go on.

    "Job definitions are permanently deleted after 180 days."
    """
    given = request["jobDefinition"]
    if not batch.definition_name(given).rpartition(":")[2].isdigit():
        raise refusal(f"{given} is not a job definition with revision")
    record = find_definition(batch, given)
    if record is None:
        raise missing_definition(given)
    if record.status == "ACTIVE":
        record.status, record.inactive_since_ms = "INACTIVE", batch.now_ms()
    return {}


def describe_job_definitions(batch: BatchBackend, request: Wire) -> Wire:
    """DescribeJobDefinitions: by names or ARNs (with or without revision), by one name, by status; or all."""
    _forget_expired(batch)
    if "jobDefinitions" in request and len(request["jobDefinitions"]) > 100:
        raise refusal(f"jobDefinitions can have up to 100 entries, but has {len(request['jobDefinitions'])}")
    status = request.get("status")
    found, more = page(
        "DescribeJobDefinitions",
        request,
        ((each.serial, each) for each in _chosen(batch, request) if status is None or each.status == status),
        100,
    )
    return {"jobDefinitions": [_detail(record) for record in found], **more}


def _forget_expired(batch: BatchBackend) -> None:
    now = batch.now_ms()
    for revisions in batch.definitions.values():
        gone = [
            number
            for number, record in revisions.items()
            if record.status == "INACTIVE" and now - record.inactive_since_ms >= INACTIVE_FOR_MS
        ]
        for number in gone:
            del revisions[number]


def find_definition(batch: BatchBackend, given: str) -> DefinitionRecord | None:
    """The revision that `name:3`, its ARN, or a bare name (the latest ACTIVE revision) means."""
    name, colon, revision = batch.definition_name(given).partition(":")
    revisions = batch.definitions.get(name)
    if revisions is None:
        return None
    if colon:
        return revisions.get(int(revision)) if revision.isdigit() else None
    for number in reversed(revisions):
        if revisions[number].status == "ACTIVE":
            return revisions[number]
    return None


def missing_definition(given: str) -> ApiError:
    """The refusal for a definition that is not there, or not ACTIVE.

    Source: https://github.com/aws-samples/aws-genomics-workflows/issues/84 for a name; Assumption: alike otherwise.
    """
    if given.startswith("arn:") or ":" in given:
        return refusal(f"JobDefinition {given} does not exist or is not in ACTIVE status")
    return refusal(f"JobDefinition name {given} does not exist or is not in ACTIVE status")


def _chosen(batch: BatchBackend, request: Wire) -> Iterator[DefinitionRecord]:
    names: list[str] = list(request.get("jobDefinitions", ()))
    if "jobDefinitionName" in request:
        names.append(request["jobDefinitionName"])
    if not names:
        found = [record for revisions in batch.definitions.values() for record in revisions.values()]
    else:
        unique = {}
        for given in names:
            name, colon, revision = batch.definition_name(given).partition(":")
            revisions = batch.definitions.get(name, {})
            if not colon:
                unique.update({record.serial: record for record in revisions.values()})
            elif revision.isdigit() and int(revision) in revisions:
                record = revisions[int(revision)]
                unique[record.serial] = record
        found = list(unique.values())
    return iter(sorted(found, key=lambda record: record.serial))


def _with_defaults(request: Wire) -> Wire:
    """What is stored: the request with AWS's defaults, as Describe shows it."""
    wire = {key: value for key, value in request.items() if key not in ("jobDefinitionName", "tags")}
    wire.setdefault("parameters", {})
    if "retryStrategy" in wire:
        wire["retryStrategy"] = retry_shown(wire["retryStrategy"])
    fargate = "FARGATE" in wire.get("platformCapabilities", ())
    if "containerProperties" in wire:
        wire["containerProperties"] = _container_with_defaults(wire["containerProperties"], fargate)
    _tasks_and_pods_with_defaults(wire, fargate)
    for entry in wire.get("nodeProperties", {}).get("nodeRangeProperties", ()):
        if "container" in entry:
            entry["container"] = _container_with_defaults(entry["container"], fargate=False)
        _tasks_and_pods_with_defaults(entry, fargate=False)
    return wire


def retry_shown(strategy: Wire) -> Wire:
    """retryStrategy as Describe shows it: actions in lower case."""
    shown = dict(strategy)
    shown.setdefault("evaluateOnExit", [])
    shown["evaluateOnExit"] = [{**entry, "action": entry["action"].lower()} for entry in shown["evaluateOnExit"]]
    return shown


def _container_with_defaults(container: Wire, fargate: bool) -> Wire:
    shown: Wire = {**{key: [] for key in _LISTS}, **container}
    shown["environment"] = _kept(shown["environment"])
    if fargate:
        shown.setdefault("fargatePlatformConfiguration", {"platformVersion": "LATEST"})
    return shown


def _tasks_and_pods_with_defaults(holder: Wire, fargate: bool) -> None:
    """Fill in, in place, what AWS answers of ecsProperties and eksProperties that nobody sent.

    Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_TaskContainerProperties.html ("If this parameter
    is omitted, a container is assumed to be essential"), API_EcsTaskProperties, API_EksPodProperties (hostNetwork; of
    dnsPolicy the user guide says that no value is returned where none was given), and what terraform-provider-aws's
    ecs_properties.go and eks_properties.go take for the same.
    """
    for task in holder.get("ecsProperties", {}).get("taskProperties", ()):
        task.setdefault("volumes", [])
        if fargate:
            task.setdefault("platformVersion", "LATEST")
        for container in task.get("containers", ()):
            container.setdefault("essential", True)
            for key in _TASK_LISTS:
                container.setdefault(key, [])
            container["environment"] = _kept(container["environment"])
    pod = holder.get("eksProperties", {}).get("podProperties")
    if pod:
        pod.setdefault("hostNetwork", True)
        for container in (*pod.get("containers", ()), *pod.get("initContainers", ())):
            container.setdefault("command", [])
            container["env"] = _kept(container.get("env", []))


def _kept(variables: list[Wire]) -> list[Wire]:
    # A variable with an empty value is dropped: Describe never shows it again, which is why naive tools see a
    # difference for ever. Source: hashicorp/terraform-provider-aws#19624.
    return [entry for entry in variables if entry.get("value") != ""]


def _detail(record: DefinitionRecord) -> Wire:
    orchestrator = "EKS" if "eksProperties" in record.wire else "ECS"
    return {
        "jobDefinitionName": record.name,
        "jobDefinitionArn": record.arn,
        "revision": record.revision,
        "status": record.status,
        **record.wire,
        "containerOrchestrationType": orchestrator,
        "tags": dict(record.tags),
    }
