"""The handler of compute environments.

An environment is deleted in the only order that AWS accepts, and whichever engine asks: nobody's queue refers to it any
more (Describe says so) → the jobs on it have ended, or the drain deadline passed → disabled → deleted → gone. A
replacement in either engine is then safe: the new environment is made first, the queues are repointed, and the
deletion of the old one, the engine's last step, waits for what it has to wait for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from batchiac.aws import compute_environment as aws
from batchiac.aws.wait import Wait, wait_until
from batchiac.errors import AwsRefusal, WaitError
from batchiac.model.handler import CheckFailure, CheckResult, DiffResult, Effect, Properties, PropertyChange, ReadResult
from batchiac.model.unknown import UNKNOWN, contains_unknown
from batchiac.provider.batch_resource import BatchResource
from batchiac.provider.bridge import BRIDGED, find_bridge, replace_through_bridge, retire_bridge
from batchiac.provider.floating import resolve_launch_template
from batchiac.provider.identity import CREATING, identity_of
from batchiac.provider.naming import AUTO_NAMED
from batchiac.provider.normalise import normal
from batchiac.provider.resource import PLACE
from batchiac.rules.finding import Finding

DRAIN = {"deadlineS": 1800, "onDeadline": "interrupt"}
"""What happens to jobs on an environment that is deleted: they get this long; then `interrupt` (the instances end, and
with them the jobs, as `Host EC2 (instance …) terminated.`, which retry rules see) or `fail` (nothing is deleted)."""

RELATIONSHIP_DEADLINE_S = 300.0
"""How long a deletion waits for the last queue to let go. Queues are repointed before, so this covers AWS's lag."""

DEFAULT_JOB_MINUTES = 30
"""BC:UpdatePolicy.jobExecutionTimeoutMinutes: "The default value is 30 (minutes)."."""

UPDATE_MARGIN_S = 1200
"""Beyond what jobs get: for new instances to start and old ones to end."""

_SENT = (
    "computeEnvironmentName",
    "type",
    "state",
    "unmanagedvCpus",
    "computeResources",
    "serviceRole",
    "eksConfiguration",
    "context",
    "ecsSettings",
)
_UPDATABLE = ("state", "unmanagedvCpus", "serviceRole", "updatePolicy", "context", "ecsSettings", "eksConfiguration")
_UPDATE_ONLY = ("updateToLatestImageVersion",)
"""Members of computeResources that UpdateComputeEnvironment takes and CreateComputeEnvironment does not."""

_WHEN_LEFT_OUT: Mapping[str, Any] = {
    "minvCpus": 0,
    "securityGroupIds": [],
    "ec2KeyPair": "",
    "imageId": "",
    "placementGroup": "",
    "bidPercentage": 100,
    "ec2Configuration": [],
    "tags": {},
    "scalingPolicy": {"minScaleDownDelayMinutes": 0},
}
"""How UpdateComputeEnvironment is told that a member of computeResources is no longer wanted.
Source: botocore 1.44, ComputeResourceUpdate."""

_TOP_LEFT_OUT: Mapping[str, Any] = {
    "state": "ENABLED",
    "unmanagedvCpus": 0,
    "serviceRole": "",
    "updatePolicy": {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": DEFAULT_JOB_MINUTES},
    "context": "",
    "ecsSettings": {"containerInsights": "DISABLED"},
    "eksConfiguration": {"accessEntry": {"desiredState": "INHERIT_FROM_CLUSTER"}},
}
"""The same for what stands beside computeResources. Source: botocore 1.44, UpdateComputeEnvironmentRequest."""


Jobs = list[dict[str, Any]]
"""Jobs as DescribeJobs tells them."""

_OF_ONE = {"get": "gets", "are": "is"}


class ComputeEnvironment(BatchResource):
    """The handler of ComputeEnvironment."""

    kind = "ComputeEnvironment"
    name_property = "computeEnvironmentName"
    id_output = "computeEnvironmentArn"
    own_inputs = frozenset(("updatePolicy", "drain", "replaceThroughBridge", "blueGreen"))
    inputs = (*_SENT, *sorted(own_inputs))
    outputs = ("computeEnvironmentArn", "ecsClusterArn", "status", "statusReason")

    # -- no calls, but for a floating launch template -----------------------------------------------------------

    def _fill(self, olds: Properties, checked: dict[str, Any]) -> None:
        drain = checked.get("drain")
        checked["drain"] = {**DRAIN, **(drain if isinstance(drain, Mapping) else {})}
        resolve_launch_template(self.door, checked)

    def check(self, olds: Properties, inputs: Properties) -> CheckResult:
        """As every check; and a replacement that AWS would refuse in either order is said here, before anything."""
        result = super().check(olds, inputs)
        checked = result.inputs
        if failures := (*result.failures, *_drain_failures(checked["drain"])):
            return CheckResult(checked, failures)  # type: ignore[arg-type]
        if not olds.get("computeEnvironmentName") or checked.get(AUTO_NAMED):
            return result
        if self.diff({**olds, "region": checked["region"]}, checked).delete_before_replace:
            name = checked["computeEnvironmentName"]
            change = self._replacing({**olds, "region": checked["region"]}, checked)[0]
            reason = (
                f"{name} has a fixed name and the change of {change.path} replaces it ({change.note}): AWS neither"
                " deletes an environment that a queue uses nor allows two of one name; drop computeEnvironmentName or"
                " change it, or set replace_through_bridge=True to keep name and ARN"
            )
            return CheckResult(checked, [CheckFailure("computeEnvironmentName", reason)])  # type: ignore[list-item]
        return result

    def diff(self, state: Properties, inputs: Properties) -> DiffResult:
        """As every diff; beyond it: desired vCPUs only when asked for, blue/green, replacement through a bridge."""
        return self._diff(state, inputs, None)

    def foresee(self, resource_id: str, state: Properties, inputs: Properties) -> tuple[str, ...]:
        """The notes of the diff with the jobs that run on the environment now, counted and named. Makes calls."""
        return self._diff(state, inputs, self.find_jobs(resource_id)).notes

    def _diff(self, state: Properties, inputs: Properties, jobs: Jobs | None) -> DiffResult:
        result = super().diff(state, inputs)
        changes = list(result.changes)
        if asked := _asked_desired(state, inputs):
            path = "computeResources.desiredvCpus"
            note = "asked for; AWS only lets it grow"
            changes.append(PropertyChange(path, "update", asked[0], asked[1], Effect.SCALING_UPDATE, note))
        if state.get("status") == "INVALID":
            note = f"INVALID: {state.get('statusReason') or 'AWS gave no reason'}; AWS is made to look again"
            changes.append(PropertyChange("status", "update", "INVALID", "VALID", Effect.SCALING_UPDATE, note))
        replaces = list(result.replaces)
        if inputs.get("blueGreen") is True:
            changes = [_as_replacement(each) for each in changes]
            if not replaces and any(each.effect is Effect.REPLACE for each in changes):
                replaces = ["computeResources"]
        delete_first = bool(replaces) and self._must_delete_first(state, inputs)
        notes = list(self._update_notes(inputs, changes, jobs))
        if delete_first and inputs.get("replaceThroughBridge") is True:
            notes = [
                "replaced through a bridge: a second environment takes the queues while this one drains and is made"
                f" anew under its name and ARN; {_drain_words(inputs, _some(jobs, 'get'))}"
            ]
            changes = [_with_kind(each, each.kind.removesuffix("-replace")) for each in changes]
            replaces, delete_first = [], False
        return DiffResult(changes, replaces, delete_first, notes)  # type: ignore[arg-type]

    def _replacing(self, state: Properties, inputs: Properties) -> list[PropertyChange]:
        """The changes that a new environment is needed for, by AWS's rules or because blue/green is asked for."""
        return [each for each in self.diff(state, inputs).changes if each.effect is Effect.REPLACE]

    def is_replaced_through_bridge(self, state: Properties, inputs: Properties) -> bool:
        """True when the change is the one that `replaceThroughBridge` stands for; else update and bridge differ."""
        return inputs.get("replaceThroughBridge") is True and bool(self._replacing(state, inputs))

    def _update_notes(self, inputs: Properties, changes: Iterable[PropertyChange], jobs: Jobs | None) -> Iterable[str]:
        effects = {each.effect for each in changes}
        if Effect.REPLACE in effects:
            yield (
                "replacement: a new environment is made, queues are repointed,"
                f" {_drain_words(inputs, _some(jobs, 'get', ' on the old one'))}"
            )
        elif Effect.INFRASTRUCTURE_UPDATE in effects:
            policy = inputs.get("updatePolicy") or {}
            if policy is not UNKNOWN and policy.get("terminateJobsOnUpdate"):
                ended = _some(jobs, "are")
                yield f"infrastructure update: instances are replaced; {ended} terminated at once (updatePolicy)"
            else:
                minutes = DEFAULT_JOB_MINUTES
                if policy is not UNKNOWN:
                    minutes = policy.get("jobExecutionTimeoutMinutes", DEFAULT_JOB_MINUTES)
                yield (
                    f"infrastructure update: instances are replaced; {_some(jobs, 'get')} up to {minutes} minutes"
                    " (updatePolicy), then they are terminated and their retry rules apply"
                )

    @classmethod
    def wire_of(cls, inputs: Properties) -> dict[str, Any]:
        """As every kind's; and without what only an update takes: members of computeResources, DISABLED."""
        wire = super().wire_of(inputs)
        if _is_disabled(inputs):
            del wire["state"]
        if isinstance(resources := wire.get("computeResources"), Mapping):
            wire["computeResources"] = {key: value for key, value in resources.items() if key not in _UPDATE_ONLY}
        return wire

    @classmethod
    def update_findings(cls, inputs: Properties, resource: str) -> list[Finding]:
        """updatePolicy and updateToLatestImageVersion, as the request that carries them."""
        from batchiac.rules import check_request

        request: dict[str, Any] = {}
        if inputs.get("updatePolicy") is not None:
            request["updatePolicy"] = inputs["updatePolicy"]
        resources = inputs.get("computeResources")
        if isinstance(resources, Mapping):
            only = {key: resources[key] for key in _UPDATE_ONLY if resources.get(key) is not None}
            request |= {"computeResources": only} if only else {}
        if not request:
            return []
        found = check_request("UpdateComputeEnvironment", {"computeEnvironment": resource, **request})
        return [evolve(each, kind=cls.kind, resource=resource) for each in found]

    # -- calls --------------------------------------------------------------------------------------------------

    def _make(self, inputs: Properties, tags: Mapping[str, str]) -> str:
        return self.make_named(inputs, str(inputs["computeEnvironmentName"]), tags)

    def make_named(self, inputs: Properties, name: str, tags: Mapping[str, str]) -> str:
        """Create an environment of these inputs under another name than theirs; return its ARN."""
        sent = {key: inputs[key] for key in _SENT if inputs.get(key) is not None}
        sent["computeEnvironmentName"] = name
        if _is_disabled(inputs):
            # "Compute Environment must be created in ENABLED state."; it is disabled when it is settled.
            del sent["state"]
        if isinstance(resources := sent.get("computeResources"), Mapping):
            sent["computeResources"] = {key: value for key, value in resources.items() if key not in _UPDATE_ONLY}
        if tags:
            sent["tags"] = dict(tags)
        answer = self.door.client("batch").create_compute_environment(**sent)
        return str(answer["computeEnvironmentArn"])

    def _settle(self, resource_id: str, inputs: Properties) -> None:
        found = aws.wait(self.door, resource_id, aws.SETTLED) or {}
        wanted = normal(self.kind, {"updatePolicy": inputs.get("updatePolicy")})
        if wanted != normal(self.kind, {"updatePolicy": found.get("updatePolicy")}):
            # UpdatePolicy is absent from CreateComputeEnvironment.
            self.door.client("batch").update_compute_environment(
                computeEnvironment=resource_id, updatePolicy=inputs["updatePolicy"]
            )
            aws.wait(self.door, resource_id, aws.SETTLED)
        if _is_disabled(inputs) and found.get("state") != "DISABLED":
            self.door.client("batch").update_compute_environment(computeEnvironment=resource_id, state="DISABLED")
            aws.wait(self.door, resource_id, aws.SETTLED)
        if inputs.get("replaceThroughBridge") is True:
            retire_bridge(self, resource_id, inputs)

    def _finish(self, resource_id: str, state: Properties) -> None:
        if aws.wait(self.door, resource_id, aws.STILL) is not None:
            retire_bridge(self, resource_id, state)

    def read(self, resource_id: str, state: Properties) -> ReadResult:
        """As every read; one that a bridge stands in for is there, and waits to be made anew."""
        result = super().read(resource_id, state)
        if result.id is not None or find_bridge(self, state) is None:
            return result
        outputs = {**state, "status": "INVALID", "statusReason": BRIDGED}
        known = (*self.inputs, *PLACE, "tags")
        return ReadResult(resource_id, {key: state[key] for key in known if key in state}, outputs)

    def delete(self, resource_id: str, state: Properties) -> None:
        """As every deletion; and what an interrupted replacement left in the environment's place goes too."""
        super().delete(resource_id, state)
        if (bridge := find_bridge(self, state)) is not None:
            self._remove(bridge, state)

    def _is_sound(self, found: Mapping[str, Any]) -> bool:
        return found.get("status") in ("CREATING", "VALID", "UPDATING")

    def _find(self, resource_id: str, state: Properties, *, whole: bool = True) -> dict[str, Any] | None:
        return aws.find(self.door, resource_id)

    def _find_creating(self, inputs: Properties) -> Iterable[str]:
        identity = identity_of(inputs)
        return [
            each["computeEnvironmentArn"]
            for each in aws.find_all(self.door)
            if each.get("tags", {}).get(CREATING) == identity
        ]

    def _change(self, resource_id: str, state: Properties, inputs: Properties) -> None:
        if self.is_replaced_through_bridge(state, inputs) or state.get("statusReason") == BRIDGED:
            replace_through_bridge(self, resource_id, state, inputs)
            return
        sent = self._update_request(resource_id, state, inputs)
        found = aws.wait(self.door, resource_id, aws.STILL)
        if found is not None and found.get("status") == "INVALID":
            sent = self._look_again(resource_id, inputs, sent)
        if not sent:
            return
        self.door.client("batch").update_compute_environment(computeEnvironment=resource_id, **sent)
        minutes = (inputs.get("updatePolicy") or {}).get("jobExecutionTimeoutMinutes", DEFAULT_JOB_MINUTES)
        deadline_s = 60 * minutes + UPDATE_MARGIN_S
        aws.wait(self.door, resource_id, Wait(aws.SETTLED.reach, aws.SETTLED.going, deadline_s))

    def _update_request(self, resource_id: str, state: Properties, inputs: Properties) -> dict[str, Any]:
        keys = (*_UPDATABLE, "computeResources")
        old = normal(self.kind, {key: state.get(key) for key in keys})
        new = normal(self.kind, {key: inputs.get(key) for key in keys})
        sent: dict[str, Any] = {}
        for key in _UPDATABLE:
            if old.get(key) != new.get(key):
                sent[key] = self._top(key, inputs.get(key))
        before, after = old.get("computeResources", {}), new.get("computeResources", {})
        wanted = inputs.get("computeResources") or {}
        resources = {
            key: _updatable(key, wanted[key]) if wanted.get(key) is not None else self._left_out(key, before)
            for key in {**before, **after}
            if before.get(key) != after.get(key) and not (key in _UPDATE_ONLY and wanted.get(key) is None)
        }
        if asked := _asked_desired(state, inputs):
            current = ((aws.find(self.door, resource_id) or {}).get("computeResources") or {}).get("desiredvCpus", 0)
            if asked[1] > current:
                resources["desiredvCpus"] = asked[1]
        if resources:
            if wanted.get("updateToLatestImageVersion") or "launchTemplate" in resources:
                # It falls back to false after each update (UG:updating-compute-environments): said again each time.
                # "In order to update the AMI specified in a launch template, the updateToLatestImageVersion parameter
                # must be set to true." (BC:ComputeResourceUpdate.launchTemplate); with another AMI named it is ignored.
                resources["updateToLatestImageVersion"] = True
            sent["computeResources"] = resources
        return sent

    def _top(self, key: str, value: Any) -> Any:
        """A property beside computeResources as an update takes it."""
        if key == "eksConfiguration" and value:
            # UpdateEksConfiguration has no other member.
            return {"accessEntry": value.get("accessEntry") or _TOP_LEFT_OUT[key]["accessEntry"]}
        if key == "updatePolicy":
            return {**_TOP_LEFT_OUT[key], **(value or {})}
        return _TOP_LEFT_OUT[key] if value is None else value

    def _look_again(self, resource_id: str, inputs: Properties, sent: dict[str, Any]) -> dict[str, Any]:
        """The update that repairs an INVALID environment, once its cause is gone: disabled first, then as wanted.

        Source: https://docs.aws.amazon.com/batch/latest/userguide/invalid_compute_environment.html
        """
        self.door.client("batch").update_compute_environment(computeEnvironment=resource_id, state="DISABLED")
        aws.wait(self.door, resource_id, aws.STILL)
        return {**sent, "state": inputs.get("state") or "ENABLED"}

    def _left_out(self, key: str, before: Mapping[str, Any]) -> Any:
        if key == "launchTemplate":
            named = "launchTemplateId" if "launchTemplateId" in before[key] else "launchTemplateName"
            return {named: ""}
        return _WHEN_LEFT_OUT[key]

    # -- deletion -----------------------------------------------------------------------------------------------

    def _remove(self, resource_id: str, state: Properties) -> None:
        found = aws.wait(self.door, resource_id, aws.STILL)
        if found is None:
            return
        self._wait_for_queues(resource_id)
        self._drain(found, {**DRAIN, **(state.get("drain") or {})})
        client = self.door.client("batch")
        if found.get("state") != "DISABLED":
            client.update_compute_environment(computeEnvironment=resource_id, state="DISABLED")
            if aws.wait(self.door, resource_id, aws.STILL) is None:
                return
        self._delete(resource_id)
        aws.wait(self.door, resource_id, aws.DELETED)

    def _delete(self, resource_id: str) -> None:
        def accepted() -> bool | str:
            try:
                self.door.client("batch").delete_compute_environment(computeEnvironment=resource_id)
            except AwsRefusal as refusal:
                if aws.RELATIONSHIP in refusal.aws_message:
                    return refusal.aws_message
                raise
            return True

        self._within(accepted, f"deletion of compute environment {_short(resource_id)}", RELATIONSHIP_DEADLINE_S)

    def _wait_for_queues(self, resource_id: str) -> None:
        def free() -> bool | str:
            queues = aws.queues_of(self.door, resource_id)
            return not queues or (
                f"queue {', '.join(queues)} still refers to it: take it out of computeEnvironmentOrder"
            )

        self._within(free, f"queues to let go of compute environment {_short(resource_id)}", RELATIONSHIP_DEADLINE_S)

    def _drain(self, found: Mapping[str, Any], drain: Mapping[str, Any]) -> None:
        jobs: Jobs = []

        def idle() -> bool | str:
            # No queue refers to it, so no job comes: those that were there are watched, and at last all are looked for.
            nonlocal jobs
            jobs = aws.still_running(self.door, found, [each["jobId"] for each in jobs])
            jobs = jobs or aws.running_jobs(self.door, found)
            return not jobs or f"{len(jobs)} jobs still run on it: {_job_names(jobs)}"

        what = f"jobs on compute environment {found['computeEnvironmentName']} to end"
        try:
            self._within(idle, what, float(drain["deadlineS"]))
        except WaitError as error:
            if drain["onDeadline"] == "fail":
                raise WaitError(
                    f"{error.message}; nothing was deleted: wait for them, or set drain on_deadline to interrupt",
                    status=error.status,
                    status_reason=error.status_reason,
                    timed_out=True,
                ) from error
            self._end_fargate_jobs(found)

    def _end_fargate_jobs(self, found: Mapping[str, Any]) -> None:
        # "Compute environments that use Fargate resources must terminate all active jobs on that compute environment
        # before deleting the compute environment. If this isn't done, the compute environment enters an invalid state."
        # (API_DeleteComputeEnvironment). There is no instance whose end a retry rule could see.
        if not str((found.get("computeResources") or {}).get("type")).startswith("FARGATE"):
            return
        reason = f"compute environment {found['computeEnvironmentName']} is deleted and its drain deadline passed"
        for job in aws.running_jobs(self.door, found):
            self.door.client("batch").terminate_job(jobId=job["jobId"], reason=reason)

        def idle() -> bool | str:
            jobs = aws.running_jobs(self.door, found)
            return not jobs or f"{len(jobs)} jobs are still ending: {_job_names(jobs)}"

        what = f"terminated jobs on compute environment {found['computeEnvironmentName']} to end"
        self._within(idle, what, UPDATE_MARGIN_S)

    def _within(self, holds: Any, what: str, deadline_s: float) -> None:
        wait_until(holds, what=what, deadline_s=deadline_s, sleep=self.door.sleep, clock=self.door.clock)

    def delete_words(self, state: Properties) -> str:
        """What deleting the environment does to the jobs on it, unless their queue ends them before."""
        drain = {**DRAIN, **(state.get("drain") or {})}
        minutes = _minutes(drain["deadlineS"])
        if drain["onDeadline"] == "interrupt":
            return f"interrupts, after up to {minutes},"
        return f"waits up to {minutes}, and then fails, for"

    def find_jobs(self, resource_id: str) -> Jobs:
        """The jobs STARTING or RUNNING on the environment: what an update or a deletion of it may interrupt."""
        found = aws.find(self.door, resource_id)
        return aws.running_jobs(self.door, found) if found else []


def _updatable(key: str, value: Any) -> Any:
    """A member of computeResources without what only a create takes: "You cannot change capacityOptionType or
    fipsEnabled on update" (BC:ComputeResourceUpdate.managedInstancesProvider)."""
    if key != "managedInstancesProvider" or not isinstance(value.get("instanceLaunchTemplate"), Mapping):
        return value
    launch = {
        each: found
        for each, found in value["instanceLaunchTemplate"].items()
        if each not in ("capacityOptionType", "fipsEnabled")
    }
    return {**value, "instanceLaunchTemplate": launch}


def _is_disabled(inputs: Properties) -> bool:
    state = inputs.get("state")
    return isinstance(state, str) and state.upper() == "DISABLED"


def _as_replacement(change: PropertyChange) -> PropertyChange:
    if change.effect is not Effect.INFRASTRUCTURE_UPDATE:
        return change
    note = "replaced: blue/green was asked for"
    return evolve(_with_kind(change, f"{change.kind}-replace"), effect=Effect.REPLACE, note=note)


def _with_kind(change: PropertyChange, kind: str) -> PropertyChange:
    return evolve(change, kind=kind)  # type: ignore[arg-type]  # one of the six words, with or without its suffix


def _drain_failures(drain: Mapping[str, Any]) -> list[CheckFailure]:
    failures = []
    deadline_s, on_deadline = drain["deadlineS"], drain["onDeadline"]
    if deadline_s is not UNKNOWN and (isinstance(deadline_s, bool) or not isinstance(deadline_s, int | float)):
        failures.append(CheckFailure("drain.deadlineS", f"drain.deadlineS is {deadline_s!r}: give seconds, a number"))
    elif isinstance(deadline_s, int | float) and deadline_s < 0:
        failures.append(CheckFailure("drain.deadlineS", f"drain.deadlineS is {deadline_s}: 0 seconds or more"))
    if on_deadline is not UNKNOWN and on_deadline not in ("interrupt", "fail"):
        reason = f"drain.onDeadline is {on_deadline!r}: interrupt or fail is allowed"
        failures.append(CheckFailure("drain.onDeadline", reason))
    if unknown := sorted(set(drain) - set(DRAIN)):
        failures.append(CheckFailure("drain", f"drain has {', '.join(unknown)}: deadlineS and onDeadline are known"))
    return failures


def _asked_desired(state: Properties, inputs: Properties) -> tuple[int, int] | None:
    """(what the state asked for, what the program asks for now) when the program asks for more."""
    old, new = (
        (each.get("computeResources") or {}).get("desiredvCpus")
        if isinstance(each.get("computeResources"), Mapping)
        else None
        for each in (state, inputs)
    )
    if not isinstance(new, int) or contains_unknown(old) or (isinstance(old, int) and new <= old):
        return None
    return (old or 0, new)


def _job_names(jobs: Jobs) -> str:
    names = [str(each.get("jobName", each["jobId"])) for each in jobs[:5]]
    return ", ".join(names) + (f" and {len(jobs) - 5} more" if len(jobs) > 5 else "")


def _some(jobs: Jobs | None, verb: str, where: str = "") -> str:
    """ "12 running jobs (a, b, c, d, e and 7 more) get", with one job "1 running job (a) gets"; uncounted without."""
    if jobs is None:
        return f"running jobs{where} {verb}"
    if len(jobs) == 1:
        return f"1 running job{where} ({_job_names(jobs)}) {_OF_ONE[verb]}"
    return f"{len(jobs)} running jobs{where} ({_job_names(jobs)}) {verb}" if jobs else f"0 running jobs{where} {verb}"


def _drain_words(inputs: Properties, jobs: str) -> str:
    drain = {**DRAIN, **(inputs.get("drain") or {})}
    after = "then the instances end" if drain["onDeadline"] == "interrupt" else "then the deletion fails"
    return f"{jobs} up to {_minutes(drain['deadlineS'])}, {after}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes"


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]
