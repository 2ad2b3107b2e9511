"""Replacing an environment of a fixed name: a bridge takes the queues while it is deleted and made anew.

Opt-in (`replaceThroughBridge`). To an engine it is an update: name and ARN stay. The steps, each found by looking at
what exists, so that an interrupted run goes on where it stopped:

    bridge made of the new inputs → queues: old → bridge → old drained and deleted → new one made under the old name
    → queues: bridge → new → bridge drained and deleted

Whether the old or the new one stands under the name, Describe cannot always tell: it keeps to itself whether the newest
AMI was asked for, and what `$Latest` meant. So the new one is made with a mark, the tag `batchiac:made-for`, a hash of
what only a new environment could have; the next update that is none of these takes it off.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from batchiac.aws import compute_environment as aws
from batchiac.aws import job_queue
from batchiac.aws.wait import wait_until
from batchiac.model.handler import Effect, Properties
from batchiac.provider.identity import identity_of
from batchiac.provider.kind import PLACE
from batchiac.provider.naming import AUTO_NAMED
from batchiac.provider.normalise import normal
from batchiac.rules.updates import row_of

if TYPE_CHECKING:
    from batchiac.provider.compute_environment import ComputeEnvironment

BRIDGE = "batchiac:bridge"
"""The tag of a bridge: whose environment it stands in for."""

MADE_FOR = "batchiac:made-for"
"""The tag of an environment that a bridge has made room for: the hash of what it was made for. Persistent."""

BRIDGED = "its bridge stands in for it: an interrupted replacement goes on here"
"""The reason of an environment that a replacement had deleted and not yet made anew when it was interrupted."""

SUFFIX = "-bridge"
REPOINT_DEADLINE_S = 300.0


def replace_through_bridge(
    handler: ComputeEnvironment, resource_id: str, state: Properties, inputs: Properties
) -> None:
    """Make the environment anew under its name, with jobs running all the while."""
    door = handler.door
    current = aws.find(door, resource_id)
    if current is not None and _must_go(handler, current, state, inputs):
        bridge_arn = _bridge(handler, inputs)
        repoint(handler, resource_id, bridge_arn)
        handler._remove(resource_id, state)
        current = None
    if current is None:
        made = handler._make(inputs, {**(inputs.get("tags") or {}), MADE_FOR: _mark(inputs)})
        handler.wait_until_seen(made, inputs)
    handler._settle(resource_id, inputs)
    retire_bridge(handler, resource_id, inputs)


def find_bridge(handler: ComputeEnvironment, state: Properties) -> str | None:
    """The ARN of the bridge that stands in for the environment of this state; only a fixed name can have one."""
    if state.get(AUTO_NAMED, True):
        return None
    found = aws.find(handler.door, _bridge_name(state))
    if found is None or found.get("tags", {}).get(BRIDGE) != identity_of(state):
        return None
    return str(found["computeEnvironmentArn"])


def retire_bridge(handler: ComputeEnvironment, resource_id: str, inputs: Properties) -> None:
    """Give the queues back and delete the bridge, where there is one."""
    if (bridge := find_bridge(handler, inputs)) is not None:
        repoint(handler, bridge, resource_id)
        handler._remove(bridge, inputs)


def repoint(handler: ComputeEnvironment, old_arn: str, new_arn: str) -> None:
    """Put `new_arn` in the place of `old_arn` in every queue, order kept, and wait until Describe shows it."""
    door = handler.door
    for queue in list(job_queue.find_all(door)):
        if not _refers_to(queue, old_arn) or queue.get("status") == "DELETING":
            continue
        arn = queue["jobQueueArn"]
        with job_queue.in_turn(arn):
            # One that an interrupted run has just changed is UPDATING, and refuses a second change meanwhile. What the
            # program has changed since it was listed holds.
            now = job_queue.wait(door, arn, job_queue.SETTLED) or {}
            if not _refers_to(now, old_arn):
                continue
            changed = [
                {**each, "computeEnvironment": new_arn} if each["computeEnvironment"] == old_arn else each
                for each in now["computeEnvironmentOrder"]
            ]
            door.client("batch").update_job_queue(jobQueue=arn, computeEnvironmentOrder=changed)
            job_queue.wait(door, arn, job_queue.SETTLED)
    wait_until(
        lambda: not aws.queues_of(door, old_arn) or "a queue still shows it",
        what=f"queues to let go of compute environment {old_arn.rpartition('/')[2]}",
        deadline_s=REPOINT_DEADLINE_S,
        sleep=door.sleep,
        clock=door.clock,
    )


def _refers_to(queue: Mapping[str, Any], environment_arn: str) -> bool:
    return any(each["computeEnvironment"] == environment_arn for each in queue.get("computeEnvironmentOrder", ()))


def _bridge(handler: ComputeEnvironment, inputs: Properties) -> str:
    """The bridge's ARN: found, or made; VALID, and disabled where the environment is."""
    name = _bridge_name(inputs)
    found = aws.find(handler.door, name)
    if found is not None:
        arn = str(found["computeEnvironmentArn"])
    else:
        arn = handler.make_named(inputs, name, {**(inputs.get("tags") or {}), BRIDGE: identity_of(inputs)})
        handler.wait_until_seen(arn, inputs)
    handler.settle(arn, inputs)
    return arn


def _bridge_name(inputs: Properties) -> str:
    return str(inputs["computeEnvironmentName"])[: 128 - len(SUFFIX)] + SUFFIX


def _must_go(handler: ComputeEnvironment, current: Mapping[str, Any], state: Properties, inputs: Properties) -> bool:
    """True while what stands under the name is still the old environment and not yet the new one."""
    if current.get("status") == "DELETING":
        return True
    # What AWS tells differs from what is wanted; or, in the state's words for what AWS does not tell, that does.
    if handler.is_replaced_through_bridge(_as_is(handler, current, inputs), inputs):
        return True
    is_marked = current.get("tags", {}).get(MADE_FOR) == _mark(inputs)
    return not is_marked and handler.is_replaced_through_bridge(_as_is(handler, current, state), inputs)


def _as_is(handler: ComputeEnvironment, current: Mapping[str, Any], known: Properties) -> dict[str, Any]:
    return {**handler._place(known), **handler._merged(known, current)}


def _mark(inputs: Properties) -> str:
    """A hash of everything in the inputs that AWS may need a new environment for; equal in every spelling."""
    wanted = normal("ComputeEnvironment", {key: each for key, each in inputs.items() if key not in (*PLACE, "tags")})
    resources = wanted.pop("computeResources", {})
    paths = {**wanted, **{f"computeResources.{key}": each for key, each in resources.items()}}
    new = (Effect.REPLACE, Effect.INFRASTRUCTURE_UPDATE)
    told = {path: each for path, each in paths.items() if row_of("ComputeEnvironment", path).effect in new}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]
