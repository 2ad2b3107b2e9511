"""The handler of compute environments.

An environment is deleted in the only order that AWS accepts, and whichever engine asks: nobody's queue refers to it any
more (Describe says so) → the jobs on it have ended, or the drain deadline passed → disabled → deleted → gone. A
replacement in either engine is then safe: the new environment is made first, the queues are repointed, and the
deletion of the old one, the engine's last step, waits for what it has to wait for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from batchiac.aws import compute_environment as aws
from batchiac.aws.deletion import delete_when_accepted
from batchiac.aws.wait import Wait
from batchiac.errors import WaitError
from batchiac.model.handler import CheckFailure, CheckResult, DiffResult, Effect, Properties, PropertyChange, ReadResult
from batchiac.provider.batch_resource import BatchResource
from batchiac.provider.bridge import BRIDGED, MADE_FOR, find_bridge, replace_through_bridge, retire_bridge
from batchiac.provider.drain import (
    DRAIN,
    Jobs,
    drain,
    drain_failures,
    in_minutes,
    short_name,
    wait_for_queues,
)
from batchiac.provider.floating import resolve_launch_template
from batchiac.provider.identity import CREATING, identity_of
from batchiac.provider.job_words import bridge_words, infrastructure_words, replacement_words
from batchiac.provider.kind import PLACE
from batchiac.provider.naming import AUTO_NAMED
from batchiac.provider.normalise import normal
from batchiac.provider.update_request import UPDATE_ONLY, asked_desired, update_request
from batchiac.rules.finding import Finding

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


_OF_ONE = {"get": "gets", "are": "is"}

PROPAGATION_S = 120.0
"""How long after its create an environment may be INVALID for roles that AWS does not know everywhere yet."""

PROPAGATION_PAUSE_S = 10.0

_NOT_PROPAGATED = re.compile(
    r"not authorized|unauthorized|access ?denied|sts:AssumeRole|instance[ -]?profile", re.IGNORECASE
)
"""Reasons that a role or instance profile of a moment ago leads to, for a while: "… is not authorized to perform: …".
Source: https://github.com/hashicorp/terraform-provider-aws/issues/37945. IAM is eventually consistent."""


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
        said = checked.get("drain")
        checked["drain"] = {**DRAIN, **(said if isinstance(said, Mapping) else {})}
        resolve_launch_template(self.door, checked)

    def check(self, olds: Properties, inputs: Properties) -> CheckResult:
        """As every check; and a replacement that AWS would refuse in either order is said here, before anything."""
        result = super().check(olds, inputs)
        checked = result.inputs
        if failures := (*result.failures, *drain_failures(checked["drain"])):
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
        if asked := asked_desired(state, inputs):
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
            notes = [bridge_words(inputs, jobs)]
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
            yield replacement_words(inputs, jobs)
        elif Effect.INFRASTRUCTURE_UPDATE in effects:
            yield infrastructure_words(inputs, jobs)

    @classmethod
    def wire_of(cls, inputs: Properties) -> dict[str, Any]:
        """As every kind's; and without what only an update takes: members of computeResources, DISABLED."""
        wire = super().wire_of(inputs)
        if _is_disabled(inputs):
            del wire["state"]
        if isinstance(resources := wire.get("computeResources"), Mapping):
            wire["computeResources"] = {key: value for key, value in resources.items() if key not in UPDATE_ONLY}
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
            only = {key: resources[key] for key in UPDATE_ONLY if resources.get(key) is not None}
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
            sent["computeResources"] = {key: value for key, value in resources.items() if key not in UPDATE_ONLY}
        if tags:
            sent["tags"] = dict(tags)
        answer = self.door.client("batch").create_compute_environment(**sent)
        return str(answer["computeEnvironmentArn"])

    def _settle(self, resource_id: str, inputs: Properties) -> None:
        self.settle(resource_id, inputs)
        if inputs.get("replaceThroughBridge") is True:
            retire_bridge(self, resource_id, inputs)

    def settle(self, resource_id: str, inputs: Properties) -> None:
        """Wait until the environment, or a bridge, is VALID and as the inputs say beyond what a create takes."""
        found = self._valid(resource_id, inputs)
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

    def _valid(self, resource_id: str, inputs: Properties) -> Mapping[str, Any]:
        """The new environment, VALID; one that is INVALID because IAM's news has not spread is looked at again."""
        end = self.door.clock() + PROPAGATION_S
        while True:
            try:
                return aws.wait(self.door, resource_id, aws.SETTLED) or {}
            except WaitError as error:
                is_passing = error.status == "INVALID" and _NOT_PROPAGATED.search(error.status_reason)
                if not is_passing or self.door.clock() >= end:
                    raise
            self.door.sleep(PROPAGATION_PAUSE_S)
            again = self._look_again(resource_id, {**inputs, "state": "ENABLED"}, {})
            self.door.client("batch").update_compute_environment(computeEnvironment=resource_id, **again)

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
        found = aws.find(self.door, resource_id)
        if found is not None and MADE_FOR in found.get("tags", {}):
            # The mark of a replacement through a bridge is nobody's to see as drift or to import.
            return {**found, "tags": {key: each for key, each in found["tags"].items() if key != MADE_FOR}}
        return found

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
        sent = update_request(self.door, resource_id, state, inputs)
        found = aws.wait(self.door, resource_id, aws.STILL)
        if found is not None and MADE_FOR in found.get("tags", {}):
            # From here on it is no longer only what the replacement made it.
            self._remove_tags(resource_id, state, (MADE_FOR,))
        if found is not None and found.get("status") == "INVALID":
            sent = self._look_again(resource_id, inputs, sent)
        if not sent:
            return
        self.door.client("batch").update_compute_environment(computeEnvironment=resource_id, **sent)
        deadline_s = aws.update_deadline_s(inputs)
        aws.wait(self.door, resource_id, Wait(aws.SETTLED.reach, aws.SETTLED.going, deadline_s))

    def _look_again(self, resource_id: str, inputs: Properties, sent: dict[str, Any]) -> dict[str, Any]:
        """The update that repairs an INVALID environment, once its cause is gone: disabled first, then as wanted.

        Source: https://docs.aws.amazon.com/batch/latest/userguide/invalid_compute_environment.html
        """
        self.door.client("batch").update_compute_environment(computeEnvironment=resource_id, state="DISABLED")
        aws.wait(self.door, resource_id, aws.STILL)
        return {**sent, "state": inputs.get("state") or "ENABLED"}

    # -- deletion -----------------------------------------------------------------------------------------------

    def _remove(self, resource_id: str, state: Properties) -> None:
        found = aws.wait(self.door, resource_id, aws.STILL)
        if found is None:
            return
        wait_for_queues(self.door, resource_id)
        drain(self.door, found, state.get("drain") or {})
        client = self.door.client("batch")
        if found.get("state") != "DISABLED":
            client.update_compute_environment(computeEnvironment=resource_id, state="DISABLED")
            if aws.wait(self.door, resource_id, aws.STILL) is None:
                return
        delete_when_accepted(
            self.door,
            lambda: client.delete_compute_environment(computeEnvironment=resource_id),
            f"deletion of compute environment {short_name(resource_id)}",
        )
        aws.wait(self.door, resource_id, aws.DELETED)

    def delete_words(self, state: Properties) -> str:
        """What deleting the environment does to the jobs on it, unless their queue ends them before."""
        terms = {**DRAIN, **(state.get("drain") or {})}
        minutes = in_minutes(terms["deadlineS"])
        if terms["onDeadline"] == "interrupt":
            return f"interrupts, after up to {minutes},"
        return f"waits up to {minutes}, and then fails, for"

    def find_jobs(self, resource_id: str) -> Jobs:
        """The jobs STARTING or RUNNING on the environment: what an update or a deletion of it may interrupt."""
        found = aws.find(self.door, resource_id)
        return aws.running_jobs(self.door, found) if found else []


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
