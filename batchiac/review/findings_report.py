"""What a check of one document found, as a value that every renderer of findings reads."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import field, frozen

from batchiac.rules.finding import Finding, Level
from batchiac.rules.suppress import Suppression

LEVELS = (Level.ERROR, Level.WARNING, Level.ADVICE)
"""Most severe first: the order in which findings are shown."""


@frozen
class FindingsReport:
    """The result of checking one document or one stack.

    Attributes:
        path: the file that was checked, as the user named it; empty for a program's own stack.
        what: `Terraform plan`, `Pulumi preview`, `CloudFormation template`, `request CreateJobQueue`, `stack dev`.
        resources: how many resources the rules looked at.
        findings: every finding that stands, unknown verdicts included.
        suppressed: findings that the stack's config accepts, each with the decision.
        unused: decisions that covered nothing.
        notes: sentences about what was guessed or not looked at.
        lines: resource name → the line of the document that declares it, where the document has lines.
    """

    path: str
    what: str
    resources: int
    findings: tuple[Finding, ...] = ()
    suppressed: tuple[tuple[Finding, Suppression], ...] = ()
    unused: tuple[Suppression, ...] = ()
    notes: tuple[str, ...] = ()
    lines: dict[str, int] = field(factory=dict)

    @property
    def broken(self) -> tuple[Finding, ...]:
        """Findings that are certain, most severe first, in the order of the document within a level."""
        certain = [each for each in self.findings if each.verdict == "broken"]
        return tuple(sorted(certain, key=lambda each: LEVELS.index(each.level)))

    @property
    def unknown(self) -> tuple[Finding, ...]:
        """What could not be checked before something else exists."""
        return tuple(each for each in self.findings if each.verdict == "unknown")

    @property
    def stops(self) -> bool:
        """True when an error stands: nothing may be created."""
        return any(each.stops for each in self.findings)

    def count(self, level: Level) -> int:
        """How many certain findings of `level` stand."""
        return sum(1 for each in self.findings if each.verdict == "broken" and each.level is level)

    def by_resource(self) -> Iterator[tuple[str, str, tuple[Finding, ...]]]:
        """(kind, name, its certain findings) for each resource that has any, in the order of the findings."""
        groups: dict[tuple[str, str], list[Finding]] = {}
        for each in self.findings:
            if each.verdict == "broken":
                groups.setdefault((each.kind, each.resource), []).append(each)
        for (kind, name), findings in groups.items():
            yield kind, name, tuple(sorted(findings, key=lambda each: LEVELS.index(each.level)))

    def unknown_by_property(self) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
        """(kind, name, property, ids of the rules that wait for it): one line a value, not one a rule."""
        groups: dict[tuple[str, str, str], list[str]] = {}
        for each in self.unknown:
            groups.setdefault((each.kind, each.resource, each.property), []).append(each.rule_id)
        for (kind, name, path), ids in groups.items():
            yield kind, name, path, tuple(dict.fromkeys(ids))

    def summary(self) -> str:
        """`2 errors, 1 warning and 0 pieces of advice in 5 resources`, as the last line of every rendering."""
        errors, warnings, advice = (self.count(level) for level in LEVELS)
        parts = [_plural(errors, "error"), _plural(warnings, "warning"), f"{advice} advice"]
        if self.suppressed:
            parts.append(f"{len(self.suppressed)} suppressed")
        waiting = sum(1 for _ in self.unknown_by_property())
        if waiting:
            parts.append(f"{_plural(waiting, 'value')} not yet known")
        return f"{', '.join(parts)} in {_plural(self.resources, 'resource')}"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
