"""A Pulumi preview: `pulumi preview --json`, or `batchiac preview --json`, which prints the same.

Resources of ours (`pulumi-python:dynamic/batch:<Kind>`) are in wire form already; those of pulumi_aws and aws-native
go through their names. A value that is not yet known stands there as a sentinel text; where it comes from is said
for each top-level property only (`propertyDependencies`), so a nested value is matched with the dependency of the
kind that belongs there. A secret is shown as `[secret]` and is as unknown to us.
Source: pulumi/pulumi pkg/resource/plugin and sdk/go/common/resource/plugin/rpc.go (the sentinels), read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchiac.errors import UserError
from batchiac.model.unknown import UNKNOWN
from batchiac.rules.paths import join_path
from batchiac.rules.read.document import Document, Leads, declare, update_policy_of
from batchiac.rules.read.foreign_names import foreign_inputs, kind_at, wire_name

OURS = "pulumi-python:dynamic/batch:"
KINDS = {
    "aws:batch/computeEnvironment:ComputeEnvironment": "ComputeEnvironment",
    "aws:batch/jobQueue:JobQueue": "JobQueue",
    "aws:batch/jobDefinition:JobDefinition": "JobDefinition",
    "aws:batch/schedulingPolicy:SchedulingPolicy": "SchedulingPolicy",
    "aws:ec2/launchTemplate:LaunchTemplate": "LaunchTemplate",
    "aws:ec2/placementGroup:PlacementGroup": "PlacementGroup",
    "aws:iam/role:Role": "Role",
    "aws:iam/instanceProfile:InstanceProfile": "InstanceProfile",
    "aws-native:batch:ComputeEnvironment": "ComputeEnvironment",
    "aws-native:batch:JobQueue": "JobQueue",
    "aws-native:batch:JobDefinition": "JobDefinition",
    "aws-native:batch:SchedulingPolicy": "SchedulingPolicy",
    "aws-native:batch:ConsumableResource": "ConsumableResource",
    "aws-native:batch:ServiceEnvironment": "ServiceEnvironment",
    "aws-native:batch:QuotaShare": "QuotaShare",
}
"""Types of other providers that are read."""

UNKNOWN_TEXTS = frozenset(
    (
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string, and the SDK's own
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
    )
)
SECRET_TEXT = "[secret]"
"""What the CLI prints in place of a secret."""
Dependencies = Mapping[str, Mapping[str, Sequence[str]]]
"""Top-level property (the API's name) → kind → names of the resources of that kind that its value depends on."""

_INTERCHANGEABLE = frozenset(("ComputeEnvironment", "ServiceEnvironment"))
_GONE = ("delete", "delete-replaced", "discard-replaced", "discard", "remove-pending-replace", "read-discard")


def kind_of_token(token: str) -> tuple[str, str]:
    """(kind, dialect of its property names) of a Pulumi type token; `("", "")` for one that no rule is about."""
    if token.startswith(OURS):
        return token.removeprefix(OURS), "wire"
    if token in KINDS:
        return KINDS[token], "cloudformation" if token.startswith("aws-native:") else "terraform"
    return "", ""


def read_pulumi_preview(value: Mapping[str, Any], name: str) -> Document:
    """The Batch resources that will exist after the preview's steps.

    Raises:
        UserError: steps that are no steps, or no Batch resource among them.
    """
    states: dict[str, Mapping[str, Any]] = {}
    types: set[str] = set()
    for step in value["steps"]:
        state = step.get("newState") if isinstance(step, Mapping) else None
        if not isinstance(step, Mapping) or not isinstance(step.get("op"), str):
            raise UserError(f"{name} has a step without an operation: give the output of `pulumi preview --json`")
        if step["op"] in _GONE or not isinstance(state, Mapping) or not isinstance(state.get("urn"), str):
            continue
        types.add(str(state.get("type")))
        if kind_of_token(str(state.get("type")))[0]:
            # A replacement has two steps with the same new state; the later one says the same again.
            states[state["urn"]] = state
    if not any(_is_batch(str(each.get("type"))) for each in states.values()):
        found = ", ".join(sorted(types - {"pulumi:pulumi:Stack"})[:5]) or "no resource"
        raise UserError(f"{name} previews {found}: no AWS Batch resource is there to check")
    names = _names(states)
    declared = []
    policies: dict[str, Any] = {}
    notes: list[str] = []
    for urn, state in states.items():
        kind, dialect = kind_of_token(str(state["type"]))
        raw = state.get("inputs")
        inputs = {key: _unknowns(each) for key, each in (raw if isinstance(raw, Mapping) else {}).items()}
        unread: list[str] = []
        if dialect == "wire":
            inputs = _sent(kind, inputs)
        else:
            inputs.pop("__defaults", None)
            inputs, unread = foreign_inputs(kind, inputs, names[urn], dialect)
        notes += [f"{names[urn]}.{each}" for each in unread]
        inputs, paired = place_leads(inputs, _dependencies(state, states, names))
        notes += [f"{names[urn]}.{each}" for each in paired]
        declared.append(declare(kind, names[urn], inputs))
        policies[names[urn]] = update_policy_of(kind, inputs)
    config = value.get("config")
    return Document(
        "Pulumi preview",
        tuple(declared),
        tuple(notes),
        config=config if isinstance(config, Mapping) else {},
        update_policies=policies,
    )


def _sent(kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What our own resource sends to AWS: its provider takes more (how to drain, how to replace), and checks that."""
    from batchiac.rules.check import OPERATIONS
    from batchiac.rules.shapes import INPUTS, SHAPES

    members = {*SHAPES[INPUTS[OPERATIONS[kind][0]]][1], "updatePolicy"} if kind in OPERATIONS else None
    return {key: each for key, each in inputs.items() if key != "__provider" and (members is None or key in members)}


def _is_batch(token: str) -> bool:
    kind, _ = kind_of_token(token)
    return bool(kind) and kind in (
        *("ComputeEnvironment", "JobQueue", "JobDefinition", "SchedulingPolicy"),
        *("ConsumableResource", "ServiceEnvironment", "QuotaShare"),
    )


def _names(states: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """URN → the logical name; with its parents' types where one kind has the name twice."""
    short = {urn: urn.rpartition("::")[2] for urn in states}
    taken: dict[tuple[str, str], int] = {}
    for urn, each in short.items():
        key = (kind_of_token(str(states[urn]["type"]))[0], each)
        taken[key] = taken.get(key, 0) + 1
    return {
        urn: each if taken[kind_of_token(str(states[urn]["type"]))[0], each] == 1 else "::".join(urn.split("::")[2:])
        for urn, each in short.items()
    }


def _unknowns(value: Any) -> Any:
    """`value` with every sentinel as UNKNOWN, at any depth."""
    if isinstance(value, str):
        return UNKNOWN if value in UNKNOWN_TEXTS or value == SECRET_TEXT else value
    if isinstance(value, Mapping):
        return {key: _unknowns(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_unknowns(each) for each in value]
    return value


def _dependencies(
    state: Mapping[str, Any], states: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]
) -> Dependencies:
    kind, dialect = kind_of_token(str(state["type"]))
    stated = state.get("propertyDependencies")
    found: dict[str, dict[str, list[str]]] = {}
    for key, urns in (stated if isinstance(stated, Mapping) else {}).items():
        for urn in urns if isinstance(urns, list) else ():
            if isinstance(urn, str) and urn in states and urn != state["urn"]:
                target = kind_of_token(str(states[urn]["type"]))[0]
                known = found.setdefault(wire_name(kind, key, dialect), {}).setdefault(target, [])
                if names[urn] not in known:
                    known.append(names[urn])
    return found


def place_leads(inputs: dict[str, Any], dependencies: Dependencies) -> tuple[dict[str, Any], list[str]]:
    """`inputs` with unknown values as `Leads` where only one resource can be meant, and sentences about guesses.

    Several unknown environments of one queue, and as many dependencies: nothing says which is which, but what the
    rules ask of a queue's environments they ask of all together. Assumption: they are paired in the order in which
    the program's engine lists them, and a sentence says so. Of any other kind such values stay unknown: two roles of
    one definition are for two services.

    Args:
        inputs: wire form, UNKNOWN at any depth.
        dependencies: what each top-level property depends on.
    """
    leads: dict[str, str] = {}
    notes: list[str] = []
    for key, value in inputs.items():
        places: dict[str, list[str]] = {}
        for path in _unknown_paths(value, key):
            places.setdefault(kind_at(path), []).append(path)
        for kind, paths in places.items():
            targets = dependencies.get(key, {}).get(kind, ())
            if len(targets) == 1:
                leads.update(dict.fromkeys(paths, targets[0]))
            elif kind in _INTERCHANGEABLE and len(targets) == len(paths) > 1:
                leads.update(zip(paths, targets, strict=True))
                notes.append(f"{key}: which of {', '.join(targets)} stands where; they are taken in this order")
    return {key: _placed(each, key, leads) for key, each in inputs.items()}, notes


def _unknown_paths(value: Any, path: str) -> Iterator[str]:
    if value is UNKNOWN:
        yield path
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _unknown_paths(each, join_path(path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _unknown_paths(each, join_path(path, index))


def _placed(value: Any, path: str, leads: Mapping[str, str]) -> Any:
    if path in leads:
        return Leads(leads[path])
    if isinstance(value, dict):
        return {key: _placed(each, join_path(path, key), leads) for key, each in value.items()}
    if isinstance(value, list):
        return [_placed(each, join_path(path, index), leads) for index, each in enumerate(value)]
    return value
