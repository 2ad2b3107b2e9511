"""Finds what an account holds, for an import: what was named or all of it, and what that refers to. Reads only.

What a resource refers to is a table (`ROWS`). A reference is followed to a resource that is imported too, or stays the
plain id that it is: of another account, AWS's own, managed by this stack already, or not asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Literal

from attrs import evolve, frozen

from batchiac.aws import quota_share
from batchiac.aws.door import Door
from batchiac.errors import AwsRefusal, UserError
from batchiac.model.existing import Existing, Found, Left, Ref
from batchiac.provider import HANDLERS, TOKEN_PREFIX
from batchiac.provider.existing_kinds import DEFAULTS, LISTED, NAMED, tables_of
from batchiac.provider.identity import CREATING
from batchiac.provider.resource import ResourceHandler

PARALLEL_READS: Final = 16

Group = Literal["", "roles", "network"]


@frozen
class Row:
    """Where a kind refers to another.

    Attributes:
        path: the input, `[]` is every element.
        target: the kind referred to.
        output: the target's output that stands there.
        group: followed always (""), or only when the group is wanted.
    """

    kind: str
    path: str
    target: str
    output: str = "id"
    group: Group = ""


_CE, _JD, _RES = "ComputeEnvironment", "JobDefinition", "computeResources"
_TASKS = ("ecsProperties.taskProperties[]", "nodeProperties.nodeRangeProperties[].ecsProperties.taskProperties[]")
_CONTAINERS = ("containerProperties", "nodeProperties.nodeRangeProperties[].container")
_NEEDED = "consumableResourceList[].consumableResource"

ROWS: Final = (
    Row("JobQueue", "computeEnvironmentOrder[].computeEnvironment", _CE),
    Row("JobQueue", "serviceEnvironmentOrder[].serviceEnvironment", "ServiceEnvironment"),
    Row("JobQueue", "schedulingPolicyArn", "SchedulingPolicy"),
    Row("QuotaShare", "jobQueue", "JobQueue"),
    Row(_CE, f"{_RES}.launchTemplate.launchTemplateId", "LaunchTemplate"),
    Row(_CE, f"{_RES}.launchTemplate.launchTemplateName", "LaunchTemplate", "launchTemplateName"),
    Row(_CE, f"{_RES}.placementGroup", "PlacementGroup", "groupName"),
    Row(_CE, f"{_RES}.instanceRole", "InstanceProfile", group="roles"),
    Row(_CE, f"{_RES}.spotIamFleetRole", "Role", group="roles"),
    Row(_CE, "serviceRole", "Role", group="roles"),
    Row(_CE, f"{_RES}.subnets[]", "Subnet", group="network"),
    Row(_CE, f"{_RES}.securityGroupIds[]", "SecurityGroup", group="network"),
    *(
        Row(_JD, f"{at}consumableResourceProperties.{_NEEDED}", "ConsumableResource")
        for at in ("", "nodeProperties.nodeRangeProperties[].")
    ),
    *(Row(_JD, f"{at}.{key}", "Role", group="roles") for at in _CONTAINERS for key in ("jobRoleArn",)),
    *(Row(_JD, f"{at}.executionRoleArn", "Role", group="roles") for at in (*_CONTAINERS, *_TASKS)),
    *(Row(_JD, f"{at}.taskRoleArn", "Role", group="roles") for at in _TASKS),
    Row("InstanceProfile", "roles[]", "Role", "roleName", group="roles"),
    Row("Subnet", "vpcId", "Vpc", group="network"),
    Row("SecurityGroup", "vpcId", "Vpc", group="network"),
    Row("InternetGateway", "vpcId", "Vpc", group="network"),
    Row("RouteTable", "vpcId", "Vpc", group="network"),
    Row("RouteTable", "subnetIds[]", "Subnet", group="network"),
    Row("RouteTable", "routes[].gatewayId", "InternetGateway", group="network"),
)

CALLED_EITHER_WAY: Final = frozenset({"ConsumableResource"})
"""Kinds that AWS lets others call by name or by ARN, and keeps the word."""

ORDER: Final = (
    "Vpc",
    "Subnet",
    "InternetGateway",
    "RouteTable",
    "SecurityGroup",
    "Role",
    "InstanceProfile",
    "LaunchTemplate",
    "PlacementGroup",
    "SchedulingPolicy",
    "ConsumableResource",
    "ServiceEnvironment",
    "ComputeEnvironment",
    "JobQueue",
    "QuotaShare",
    "JobDefinition",
)
"""Kinds such that each refers to earlier ones only."""

NAMEABLE: Final = (
    "ComputeEnvironment",
    "JobQueue",
    "JobDefinition",
    "SchedulingPolicy",
    "ConsumableResource",
    "ServiceEnvironment",
    "QuotaShare",
)
"""Kinds that can be asked for by name or ARN; "all" is all of these."""


@frozen
class Wanted:
    """What to look for.

    Attributes:
        names: kind → names or ARNs.
        everything: all of `NAMEABLE`.
        groups: references to follow beside those that always are.
        managed: (kind, id) → logical name of what the state has already.
    """

    names: Mapping[str, Sequence[str]]
    everything: bool
    groups: frozenset[str]
    managed: Mapping[tuple[str, str], str]


def find_existing(door: Door, wanted: Wanted) -> Found:
    """What there is.

    Raises:
        UserError: something named does not exist, is of another region or account, is managed already, or half made.
        AwsRefusal: AWS lets nobody look.
    """
    return _Search(door, wanted).run()


class _Search:
    def __init__(self, door: Door, wanted: Wanted) -> None:
        self._door = door
        self._wanted = wanted
        self._found: dict[tuple[str, str], Existing] = {}
        self._left: dict[tuple[str, str], Left] = {}
        self._seen: set[tuple[str, str]] = set()
        self._aliases: dict[tuple[str, str], str] = {}

    def run(self) -> Found:
        waiting: list[tuple[str, str, bool]] = []
        for kind, texts in self._wanted.names.items():
            waiting += [(kind, text, True) for text in texts]
        if self._wanted.everything:
            waiting += [(kind, text, False) for kind in NAMEABLE for text in LISTED[kind](self._door)]
        with ThreadPoolExecutor(PARALLEL_READS, thread_name_prefix="find") as pool:
            while waiting:
                fresh = [each for each in dict.fromkeys(waiting) if each[:2] not in self._seen]
                self._seen.update(each[:2] for each in fresh)
                waiting = []
                # Several at once; what comes of them is dealt with in order, so that two runs write the same program.
                for each, found in zip(fresh, pool.map(lambda each: self._look(*each), fresh), strict=True):
                    if found is not None:
                        self._aliases[each[:2]] = found.id
                        if (found.kind, found.id) not in self._found:
                            self._found[found.kind, found.id] = found
                            waiting += [(kind, text, False) for kind, text in self._followed(found)]
        order = {kind: rank for rank, kind in enumerate(ORDER)}
        ranked = sorted(self._found.values(), key=lambda each: (order[each.kind], each.name, each.id))
        return Found(tuple(self._referring(each) for each in ranked), tuple(self._left.values()))

    # -- one resource -------------------------------------------------------------------------------------------------

    def _look(self, kind: str, text: str, is_named: bool) -> Existing | None:
        handler = HANDLERS[TOKEN_PREFIX + kind](self._door)
        if not is_named and (reason := self._not_followed(kind, text)):
            self._leave(kind, text, reason)
            return None
        resource_id = NAMED[kind](self._door, text) if kind in NAMED else text
        read = _describe(handler, resource_id) if resource_id is not None else None
        if read is None or read.id is None:
            if is_named:
                raise UserError(self._nothing(kind, text))
            self._leave(kind, text, "is referred to, but AWS has none of that name")
            return None
        name = str(read.inputs.get(handler.name_property) or (read.inputs.get("tags") or {}).get("Name") or read.id)
        reason = self._unfit(kind, read.id, read.inputs, read.outputs)
        if reason and is_named:
            raise UserError(f"{kind} {name} cannot be imported: it {reason}")
        if reason:
            self._leave(kind, name, reason)
            return None
        return Existing(kind, read.id, name, handler.name_property, read.inputs, read.outputs, is_named)

    def _leave(self, kind: str, text: str, reason: str) -> None:
        self._left[kind, text] = Left(kind, text, reason)

    def _not_followed(self, kind: str, text: str) -> str:
        """Why a reference is not followed, from its text alone; empty when it is."""
        parts = text.split(":", 5)
        if len(parts) == 6 and parts[4] not in ("", self._door.account_id()):
            return "belongs to another account"
        if kind == "Role" and "/aws-service-role/" in text:
            return "is AWS's own (a service-linked role)"
        return ""

    def _unfit(self, kind: str, resource_id: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> str:
        """Why what exists cannot be managed here; empty when it can."""
        if (name := self._wanted.managed.get((kind, resource_id))) is not None:
            return f"is in this stack's state already, as {name}"
        if (owner := (inputs.get("tags") or {}).get(CREATING)) is not None:
            return f"is half made, by an interrupted run of {owner}: run `up` there first"
        if outputs.get("status") in ("DELETING", "DELETED"):
            return "is being deleted"
        if kind in DEFAULTS and DEFAULTS[kind](self._door, resource_id, inputs):
            return "is one that AWS made (the default VPC or a part of it)"
        return ""

    def _nothing(self, kind: str, text: str) -> str:
        names = [each.rpartition("/")[2] for each in LISTED[kind](self._door)]
        near = difflib.get_close_matches(text.rpartition("/")[2], names, n=3)
        has = f"near: {', '.join(near)}" if near else f"there are {', '.join(sorted(names)[:10]) or 'none'}"
        return f"there is no {kind} {text} in {self._door.account_id()}, {self._door.target.region}: {has}"

    # -- references ---------------------------------------------------------------------------------------------------

    def _rows(self, kind: str) -> Iterator[Row]:
        return (row for row in ROWS if row.kind == kind and (not row.group or row.group in self._wanted.groups))

    def _followed(self, found: Existing) -> list[tuple[str, str]]:
        texts = [(row.target, text) for row in self._rows(found.kind) for text in _texts(found.inputs, row.path)]
        if "network" in self._wanted.groups and found.kind == "Subnet":
            texts += [("RouteTable", each) for each in tables_of(self._door, found.id)]
        if found.kind == "JobQueue" and {"serviceEnvironmentOrder", "schedulingPolicyArn"} <= set(found.inputs):
            texts += [("QuotaShare", each) for each in quota_share.find_all_arns(self._door, found.id)]
        return texts

    def _referring(self, found: Existing) -> Existing:
        inputs: Any = found.inputs
        for row in self._rows(found.kind):

            def refer(text: Any, row: Row = row) -> Any:
                target = self._found.get((row.target, self._aliases.get((row.target, text), "")))
                if target is None:
                    return text
                stands = target.id if row.output == "id" else {**target.inputs, **target.outputs}.get(row.output)
                # Where AWS keeps the name that it was given instead of the ARN, both mean the same.
                same = stands == text or (row.target in CALLED_EITHER_WAY and target.name == text)
                return Ref(target.kind, target.id, row.output, text) if same else text

            inputs = _changed(inputs, row.path.split("."), refer)
        return evolve(found, inputs=inputs)


def _describe(handler: ResourceHandler, resource_id: str) -> Any:
    try:
        return handler.describe(resource_id)
    except AwsRefusal as refusal:
        if handler.kind in ("Role", "InstanceProfile"):
            more = f"{refusal.aws_message}; without roles (--without-roles) nothing of IAM is read"
            raise AwsRefusal(refusal.operation, refusal.code, more, refusal.http_status) from refusal
        raise


def _texts(value: Any, path: str) -> list[str]:
    """The texts at a path."""
    found: list[str] = []

    def note(text: Any) -> Any:
        if isinstance(text, str) and text:
            found.append(text)
        return text

    _changed(value, path.split("."), note)
    return found


def _changed(value: Any, path: Sequence[str], change: Callable[[Any], Any]) -> Any:
    """`value` with what stands at the path changed."""
    if not path:
        return change(value)
    key = path[0].removesuffix("[]")
    if not isinstance(value, Mapping) or key not in value:
        return value
    inner = value[key]
    if path[0].endswith("[]"):
        if not isinstance(inner, list):
            return value
        return {**value, key: [_changed(each, path[1:], change) for each in inner]}
    return {**value, key: _changed(inner, path[1:], change)}
