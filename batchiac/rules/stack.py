"""The declared resources of one stack, and how one leads to another.

A reference is followed by what the program says (`Declared.references`) or else by the value itself: a name or an ARN
that a declared resource of the wanted kind will have. A value that is not yet known and has no reference cannot be
followed: the rule that asks gets "not yet known".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from batchiac.model.unknown import UNKNOWN, contains_unknown
from batchiac.rules.finding import Declared
from batchiac.rules.view import NotYetKnown, View

NAME_PROPERTIES = {
    "ComputeEnvironment": "computeEnvironmentName",
    "JobQueue": "jobQueueName",
    "JobDefinition": "jobDefinitionName",
    "SchedulingPolicy": "name",
    "ConsumableResource": "consumableResourceName",
    "ServiceEnvironment": "serviceEnvironmentName",
    "QuotaShare": "quotaShareName",
    "LaunchTemplate": "launchTemplateName",
    "PlacementGroup": "groupName",
    "Role": "roleName",
    "InstanceProfile": "instanceProfileName",
}
"""Where each kind's own name stands in its inputs."""


class Stack:
    """Every declared resource, found by logical name or by AWS's name; made once a check, so that it is linear."""

    def __init__(self, declared: Sequence[Declared]) -> None:
        self.declared = tuple(declared)
        self._by_logical: dict[tuple[str, str], Declared] = {}
        self._by_aws_name: dict[tuple[str, str], Declared] = {}
        self._by_kind: dict[str, list[Declared]] = {}
        self._sure: dict[int, bool] = {}
        self.notes: dict[str, Any] = {}
        """What rules work out once for the whole stack (the capacity of its environments)."""
        for each in self.declared:
            self._by_kind.setdefault(each.kind, []).append(each)
            self._by_logical.setdefault((each.kind, each.name), each)
            name = each.inputs.get(NAME_PROPERTIES.get(each.kind, ""))
            if isinstance(name, str):
                self._by_aws_name.setdefault((each.kind, name), each)

    def of_kind(self, kind: str) -> Sequence[Declared]:
        """Every declared resource of one kind, in the order of declaration."""
        return self._by_kind.get(kind, ())

    def first_named(self, kind: str, name: str) -> Declared | None:
        """The first resource of the kind that is declared under this AWS name."""
        return self._by_aws_name.get((kind, name))

    def view(self, declared: Declared, unseen: list[str] | None = None) -> View:
        """A view of one resource of this stack. With `unseen` it is read on behalf of another resource's rule."""
        key = id(declared)
        sure = self._sure.get(key)
        if sure is None:
            sure = self._sure[key] = not contains_unknown(declared.inputs)
        root = declared.name if unseen is not None else ""
        return View(declared.inputs, path=root, root=root, declared=declared, stack=self, sure=sure, unseen=unseen)

    def views(self, kind: str, unseen: list[str]) -> Iterator[View]:
        """A view of every resource of one kind, read on behalf of another's rule."""
        for each in self.of_kind(kind):
            yield self.view(each, unseen)

    def find(self, origin: Declared, path: str, value: Any, kind: str) -> Declared | None:
        """The resource of `kind` that `value` at `path` of `origin` leads to; None when it is not of this stack.

        Raises:
            NotYetKnown: the value is unknown and nothing says what it refers to.
        """
        name = origin.references.get(path)
        if name is not None:
            return self._by_logical.get((kind, name))
        if value is UNKNOWN:
            raise NotYetKnown(path)
        if not isinstance(value, str):
            return None
        # "arn:…:compute-environment/spot", "spot", and for definitions and policies "…/name:3"
        last = value.rpartition("/")[2] if "/" in value else value
        found = self._by_aws_name.get((kind, last))
        if found is None and ":" in last:
            found = self._by_aws_name.get((kind, last.partition(":")[0]))
        return found
