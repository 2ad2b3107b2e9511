"""What a check hands back, and what a stack's declared resources look like to the rules."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

from attrs import field, frozen

NOT_YET_KNOWN = "not yet known: "
"""How a diagnostic begins that lists what could not be checked. Programs read them; displays of lines leave them out,
and have one line for all."""


class Level(StrEnum):
    """How much a broken rule matters: an error stops the run, a warning and an advice are shown."""

    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


@frozen
class Finding:
    """One rule that one property breaks, or that cannot be judged before another resource exists.

    Attributes:
        rule_id: `CE013`; `SH01`.. for what the API model's own shapes state (batchiac.rules.shape_check).
        level: of the rule; an unknown verdict never stops a run whatever its level.
        kind: `ComputeEnvironment`, or the operation of a job request (`SubmitJob`).
        resource: the declared name, empty when the caller gave none.
        property: dotted path with indices: `computeEnvironmentOrder[1].order`.
        message: found; allowed; what to change.
        source: the address of AWS's sentence.
        verdict: `broken`, or `unknown` when a value that the rule reads is not yet known.
        aws_message: the text that AWS itself answers with, empty where no text is documented.
    """

    rule_id: str
    level: Level
    kind: str
    resource: str
    property: str
    message: str
    source: str
    verdict: Literal["broken", "unknown"] = "broken"
    aws_message: str = ""

    def __str__(self) -> str:
        """One line: `CE013 error: ComputeEnvironment spot, computeResources.minvCpus: …`."""
        where = ", ".join(each for each in (f"{self.kind} {self.resource}".strip(), self.property) if each)
        return f"{self.rule_id} {self.level}: {where}: {self.message}"

    @builtins.property  # the attribute `property` hides the plain name here
    def stops(self) -> bool:
        """True when nothing may be created: an error that is certain."""
        return self.level is Level.ERROR and self.verdict == "broken"


@frozen
class Declared:
    """One resource of a stack as its program declares it.

    Attributes:
        kind: `ComputeEnvironment`, `JobQueue`, `LaunchTemplate`, `Role`, …
        name: the logical name that findings are shown under.
        inputs: wire form (batchiac.model.handler), UNKNOWN at any depth.
        references: property path → declared name of the resource it leads to
            (`computeEnvironmentOrder[0].computeEnvironment` → `spot`); needed only where the value is not yet known,
            because known names and ARNs are matched by themselves.
    """

    kind: str
    name: str
    inputs: Mapping[str, Any]
    references: Mapping[str, str] = field(factory=dict)
