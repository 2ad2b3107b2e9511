"""The handler of job definitions: every change is a new revision; the id is the name's ARN without a revision.

An engine cannot change a resource's id in an update, and a revision is an update (nothing is interrupted, the name
stays). So the id is `…:job-definition/<name>`, which no revision changes, and the outputs tell the revision:
`jobDefinitionArn` (pinned), `arnPrefix` (floating: AWS takes the newest). docs/decisions/0301.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from batchiac.aws import job_definition as aws
from batchiac.aws.door import Door
from batchiac.errors import AwsRefusal
from batchiac.model.handler import CheckFailure, CheckResult, Properties
from batchiac.model.unknown import UNKNOWN
from batchiac.provider.batch_resource import BatchResource
from batchiac.provider.identity import CREATING, identity_of
from batchiac.provider.naming import AUTO_NAMED, is_auto_name_of
from batchiac.provider.normalise import normal

KEPT_REVISIONS = 5
"""How many revisions stay ACTIVE when the program does not say; older ones are deregistered, unless in use."""

_SENT = (
    "jobDefinitionName",
    "type",
    "parameters",
    "schedulingPriority",
    "containerProperties",
    "nodeProperties",
    "retryStrategy",
    "propagateTags",
    "timeout",
    "platformCapabilities",
    "eksProperties",
    "ecsProperties",
    "consumableResourceProperties",
)


class JobDefinition(BatchResource):
    """The handler of JobDefinition."""

    kind = "JobDefinition"
    name_property = "jobDefinitionName"
    id_output = "arnPrefix"
    own_inputs = frozenset(("keepRevisions",))
    inputs = (*_SENT, *own_inputs)
    outputs = ("jobDefinitionArn", "arnPrefix", "revision")

    def __init__(self, door: Door) -> None:
        super().__init__(door)
        self._lock = threading.Lock()
        self._leftovers: dict[str, dict[str, str]] | None = None
        self._names: frozenset[str] = frozenset()
        self._begun: set[str] = set()

    def check(self, olds: Properties, inputs: Properties) -> CheckResult:
        """As every check; keepRevisions is ours, so no rule of AWS's judges it."""
        result = super().check(olds, inputs)
        keep = result.inputs.get("keepRevisions")
        if keep is None or keep is UNKNOWN or (isinstance(keep, int) and not isinstance(keep, bool) and keep >= 1):
            return result
        reason = f"keepRevisions is {keep!r}: give a whole number of revisions, 1 or more"
        failures = [*result.failures, CheckFailure("keepRevisions", reason)]
        return CheckResult(dict(result.inputs), failures)  # type: ignore[arg-type]  # mypy: a converter of attrs, generic

    def _make(self, inputs: Properties, tags: Mapping[str, str]) -> str:
        if self._is_taken(inputs):
            # AWS would not refuse: it would add a revision to somebody else's definition.
            raise AwsRefusal("RegisterJobDefinition", "ClientException", "Object already exists")
        return _prefix(self._register(inputs, tags, above=0))

    def _is_taken(self, inputs: Properties) -> bool:
        name = inputs["jobDefinitionName"]
        with self._lock:
            is_seen_free = self._leftovers is not None and name not in self._names
        # The look for leftovers saw every name. One with a hash of ours in it is nobody else's to take since then.
        if is_seen_free and inputs.get(AUTO_NAMED):
            return False
        return bool(aws.revisions(self.door, name))

    def _register(self, inputs: Properties, tags: Mapping[str, str], *, above: int) -> str:
        """The ARN of a new revision; `above` is the newest that there was."""
        sent = {key: inputs[key] for key in _SENT if inputs.get(key) is not None}
        if tags:
            sent["tags"] = dict(tags)
        repeats = self.door.repeats()
        arn: str = self.door.client("batch").register_job_definition(**sent)["jobDefinitionArn"]
        if self.door.repeats() != repeats:
            # The answer to a first request was lost: what that registered is the same, and nobody's.
            for each in aws.revisions(self.door, inputs["jobDefinitionName"]):
                if above < int(each["revision"]) < int(arn.rpartition(":")[2]):
                    self.door.client("batch").deregister_job_definition(jobDefinition=each["jobDefinitionArn"])
        return arn

    def _remove_twins(self, made: str, inputs: Properties) -> None:
        """A twin is a revision, which went when its successor was registered."""

    def _find(self, resource_id: str, state: Properties, *, whole: bool = True) -> dict[str, Any] | None:
        # A revision's ARN means its name: the newest revision is the resource.
        found = aws.revisions(self.door, resource_id.rpartition("/")[2].partition(":")[0])
        if not found:
            return None
        return {**found[0], "arnPrefix": _prefix(found[0]["jobDefinitionArn"])}

    def _find_creating(self, inputs: Properties) -> Iterable[str]:
        identity = identity_of(inputs)
        # An account may hold thousands of definitions, and a program create as many: one look serves a whole run.
        # What dead processes left does not change in it; what this one has begun itself is looked for anew.
        with self._lock:
            if self._leftovers is None or identity in self._begun:
                self._leftovers = self._list_creating()
            self._begun.add(identity)
            left = self._leftovers.pop(identity, {})
        name = inputs["jobDefinitionName"]
        return [prefix for prefix, each in left.items() if each == name or is_auto_name_of(inputs, each)]

    def _list_creating(self) -> dict[str, dict[str, str]]:
        """Identity → ARN prefix → name of every definition that carries the tag; every name is remembered."""
        left: dict[str, dict[str, str]] = {}
        names: set[str] = set()
        for each in self.door.client("batch").pages("describe_job_definitions", "jobDefinitions", status="ACTIVE"):
            names.add(each["jobDefinitionName"])
            if (creating := each.get("tags", {}).get(CREATING)) is not None:
                left.setdefault(creating, {})[_prefix(each["jobDefinitionArn"])] = each["jobDefinitionName"]
        self._names = frozenset(names)
        return left

    def _change(self, resource_id: str, state: Properties, inputs: Properties) -> Mapping[str, Any] | None:
        before = normal(self.kind, {key: state.get(key) for key in _SENT})
        after = normal(self.kind, {key: inputs.get(key) for key in _SENT})
        if before == after:
            return None
        above = int(state.get("revision") or 0)
        arn = self._made_already(resource_id, state, inputs) or self._register(
            inputs, inputs.get("tags") or {}, above=above
        )
        self._deregister_old(resource_id, int(inputs.get("keepRevisions") or KEPT_REVISIONS))
        return {"jobDefinitionArn": arn, "revision": int(arn.rpartition(":")[2])}

    def _made_already(self, resource_id: str, state: Properties, inputs: Properties) -> str | None:
        """The newest revision, where a run that died before it could say so had registered it of these inputs."""
        found = self._find(resource_id, state)
        if found is None or int(found["revision"]) <= int(state.get("revision") or 0):
            return None
        return str(found["jobDefinitionArn"]) if self._is_as_wanted(found, inputs) else None

    def _shows(self, found: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
        # Somebody else may register one in the same moment: a newer one shows that ours is seen as well.
        return int(found["revision"]) >= int(made["revision"])

    def _deregister_old(self, resource_id: str, keep: int) -> None:
        for each in aws.revisions(self.door, resource_id.rpartition("/")[2])[keep:]:
            # A job that has not ended may still start attempts of its revision, and clients may have pinned it.
            if not aws.is_used(self.door, each["jobDefinitionArn"]):
                self.door.client("batch").deregister_job_definition(jobDefinition=each["jobDefinitionArn"])

    def _remove(self, resource_id: str, state: Properties) -> None:
        for each in aws.revisions(self.door, resource_id.rpartition("/")[2]):
            self.door.client("batch").deregister_job_definition(jobDefinition=each["jobDefinitionArn"])

    def _tagged_arn(self, resource_id: str, state: Properties) -> str:
        # Tags belong to a revision. The state's own is the one to change; a create has none in its state yet.
        arn = state.get("jobDefinitionArn")
        if arn is not None:
            return str(arn)
        return str(aws.revisions(self.door, resource_id.rpartition("/")[2])[0]["jobDefinitionArn"])


def _prefix(arn: str) -> str:
    """The ARN without its revision."""
    return arn.rpartition(":")[0]
