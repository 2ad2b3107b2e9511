"""What a plan consists of, as values: steps, what happens to them, and a plan as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal

from attrs import field, frozen

from batchiac.deploy.state.resource import ResourceState
from batchiac.deploy.urn import is_default_provider
from batchiac.model.handler import PropertyChange


class Op(StrEnum):
    """Pulumi's words for steps."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"
    CREATE_REPLACEMENT = "create-replacement"
    DELETE_REPLACED = "delete-replaced"
    READ = "read"
    REFRESH = "refresh"
    IMPORT = "import"


@frozen(eq=False)
class Step:
    """One planned or finished act on one resource.

    Attributes:
        op: what is done. A plan shows a replacement as one `replace`; the acts themselves are two.
        old: None for a create.
        new: None for a delete.
        changes: every changed property, with what AWS does about it.
        replaces: top-level properties that force a replacement.
        notes: sentences about the resource as a whole.
        is_retained: True when a delete or replacement leaves the AWS resource alone.
        deletes_first: True for a replacement that cannot have both at once.
    """

    op: Op
    urn: str
    type: str
    old: ResourceState | None = None
    new: ResourceState | None = None
    changes: tuple[PropertyChange, ...] = ()
    replaces: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_retained: bool = False
    deletes_first: bool = False

    @property
    def changes_something(self) -> bool:
        return self.op not in (Op.SAME, Op.READ)

    @property
    def acts(self) -> int:
        """How many acts on AWS it takes, those that leave the AWS resource alone among them: 0 to 2."""
        state = self.new or self.old
        if not self.changes_something or not self.is_counted or state is None or not state.custom:
            return 0
        is_both = self.op is Op.REPLACE and self.old is not None and not self.old.pending_replacement
        return 2 if is_both else 1

    @property
    def is_counted(self) -> bool:
        """False for what the engine keeps for itself (as in Pulumi's summary)."""
        return not is_default_provider(self.urn)


@frozen
class Diagnostic:
    """Something that the program, or a check of its resources, has to say.

    Attributes:
        urn: empty when it belongs to no resource.
    """

    severity: Literal["debug", "info", "warning", "error"]
    message: str
    urn: str = ""


@frozen(eq=False)
class StepStarted:
    """A step is being done."""

    step: Step


@frozen(eq=False)
class StepEnded:
    """A step was done, or failed.

    Attributes:
        error: None when it went well; AWS's own words otherwise.
    """

    step: Step
    seconds: float
    error: str | None = None


Event = StepStarted | StepEnded | Diagnostic


NAMED_JOBS = 5
"""How many jobs are named before the rest is counted."""


@frozen
class EndedJobs:
    """Jobs that a plan's deletions end.

    Attributes:
        number: how many; an array is one.
        names: of all of them.
        is_more: True when there are more than were listed.
    """

    number: int = 0
    names: tuple[str, ...] = ()
    is_more: bool = False

    @property
    def count_text(self) -> str:
        """`12 jobs`, `1 job`, `1,000 jobs or more`."""
        text = f"{self.number:,} job{'' if self.number == 1 else 's'}"
        return f"{text} or more" if self.is_more else text

    def __str__(self) -> str:
        left = self.number - NAMED_JOBS
        more = f" and {left:,} more" if left > 0 else ""
        return f"{self.count_text}: {', '.join(self.names[:NAMED_JOBS])}{more}"


@frozen(eq=False)
class Plan:
    """What a deployment would do, or did.

    Attributes:
        steps: in the order in which they are done.
        outputs: the stack's outputs as they would be, in our form (UNKNOWN and Secret at any depth).
        old_outputs: as they are.
        config: masked, for display.
        seconds: how long it took.
        drift: what had changed outside, when that was looked at.
        ended: the jobs that its deletions end, when AWS was asked.
    """

    steps: tuple[Step, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    outputs: Mapping[str, Any] = field(factory=dict)
    old_outputs: Mapping[str, Any] = field(factory=dict)
    config: Mapping[str, Any] = field(factory=dict)
    seconds: float = 0.0
    drift: tuple[Step, ...] = ()
    ended: EndedJobs = field(factory=EndedJobs)

    @property
    def has_changes(self) -> bool:
        """True when a resource would be created, changed or deleted."""
        return any(step.changes_something and step.is_counted for step in self.steps)

    @property
    def summary(self) -> dict[str, int]:
        """Step → how many resources."""
        return count_steps(self.steps)


@frozen(eq=False)
class Result(Plan):
    """What a deployment did. `plain_outputs` is what a program reads."""

    @property
    def plain_outputs(self) -> dict[str, Any]:
        """The stack's outputs as plain JSON values, secrets in the open."""
        from batchiac.deploy.values import plain

        return {key: plain(value) for key, value in self.outputs.items()}


def count_steps(steps: Sequence[Step]) -> dict[str, int]:
    """Step → how many, in the order of Pulumi's summary."""
    counted = Counter(step.op for step in steps if step.is_counted)
    return {op.value: counted[op] for op in Op if counted[op]}
