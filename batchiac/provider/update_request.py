"""What UpdateComputeEnvironment is sent: only what differs, and AWS's words for what is no longer wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from batchiac.aws import compute_environment as aws
from batchiac.aws.door import Door
from batchiac.errors import UserError
from batchiac.model.handler import Effect, Properties
from batchiac.model.unknown import contains_unknown
from batchiac.provider.normalise import normal
from batchiac.rules.updates import effect_of

KIND: Final = "ComputeEnvironment"


UPDATE_ONLY = ("updateToLatestImageVersion",)
"""Members of computeResources that UpdateComputeEnvironment takes and CreateComputeEnvironment does not."""


_UPDATABLE = ("state", "unmanagedvCpus", "serviceRole", "updatePolicy", "context", "ecsSettings", "eksConfiguration")


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
    "updatePolicy": {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": aws.DEFAULT_JOB_MINUTES},
    "context": "",
    "ecsSettings": {"containerInsights": "DISABLED"},
    "eksConfiguration": {"accessEntry": {"desiredState": "INHERIT_FROM_CLUSTER"}},
}
"""The same for what stands beside computeResources. Source: botocore 1.44, UpdateComputeEnvironmentRequest."""


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


def update_request(door: Door, resource_id: str, state: Properties, inputs: Properties) -> dict[str, Any]:
    """What UpdateComputeEnvironment is sent for the change; empty where it takes none of it."""
    keys = (*_UPDATABLE, "computeResources")
    old = normal(KIND, {key: state.get(key) for key in keys})
    new = normal(KIND, {key: inputs.get(key) for key in keys})
    sent: dict[str, Any] = {}
    for key in _UPDATABLE:
        if old.get(key) != new.get(key):
            sent[key] = _top(key, inputs.get(key))
    before, after = old.get("computeResources", {}), new.get("computeResources", {})
    wanted = inputs.get("computeResources") or {}
    resources = {
        key: _updatable(key, wanted[key]) if wanted.get(key) is not None else _left_out(key, before)
        for key in {**before, **after}
        if key not in UPDATE_ONLY and before.get(key) != after.get(key)
    }
    if asked := asked_desired(state, inputs):
        current = ((aws.find(door, resource_id) or {}).get("computeResources") or {}).get("desiredvCpus", 0)
        if asked[1] > current:
            resources["desiredvCpus"] = asked[1]
    if _asks_for_latest_image(resources, state, inputs):
        resources["updateToLatestImageVersion"] = True
    if resources:
        sent["computeResources"] = resources
    return sent


def _asks_for_latest_image(resources: Mapping[str, Any], state: Properties, inputs: Properties) -> bool:
    """True when the update is to take the newest AMI: asked for just now, or an infrastructure update anyway.

    It falls back to false after each update (UG:updating-compute-environments), so it is said again each time; and it
    makes any update an infrastructure update (UG:infrastructure-updates), so not in one that is none.
    """
    key = "updateToLatestImageVersion"
    before, wanted = (bool((each.get("computeResources") or {}).get(key)) for each in (state, inputs))
    if "launchTemplate" in resources:
        # "In order to update the AMI specified in a launch template, the updateToLatestImageVersion parameter must be
        # set to true." (BC:ComputeResourceUpdate.launchTemplate); with another AMI named it is ignored.
        return True
    paths = (f"computeResources.{each}" for each in resources)
    return wanted and (
        not before or any(effect_of(KIND, path, state, inputs).effect is Effect.INFRASTRUCTURE_UPDATE for path in paths)
    )


def _top(key: str, value: Any) -> Any:
    """A property beside computeResources as an update takes it."""
    if key == "eksConfiguration" and value:
        # UpdateEksConfiguration has no other member.
        return {"accessEntry": value.get("accessEntry") or _TOP_LEFT_OUT[key]["accessEntry"]}
    if key == "updatePolicy":
        return {**_TOP_LEFT_OUT[key], **(value or {})}
    return _TOP_LEFT_OUT[key] if value is None else value


def _left_out(key: str, before: Mapping[str, Any]) -> Any:
    if key == "launchTemplate":
        named = "launchTemplateId" if "launchTemplateId" in before[key] else "launchTemplateName"
        return {named: ""}
    if key not in _WHEN_LEFT_OUT:
        raise UserError(
            f"computeResources.{key} was taken out of the program, and an update has no word for that: give it a value,"
            " or replace the environment"
        )
    return _WHEN_LEFT_OUT[key]


def asked_desired(state: Properties, inputs: Properties) -> tuple[int, int] | None:
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
