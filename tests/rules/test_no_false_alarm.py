"""The project's own four stacks: sound, so no rule may call them broken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from batchiac.rules import Declared, Finding, Level, check
from batchiac.rules.catalogue import read_catalogue

ROOT = Path(__file__).resolve().parents[2]
STACKS = sorted(path.name.split(".")[1] for path in (ROOT / "stacks").glob("Pulumi.*.yaml"))


def declared_by(stack: str, monkeypatch: pytest.MonkeyPatch) -> list[Declared]:
    """What the program declares for a stack, as the components hand it to the rules."""
    from batchiac.cli.preview import command

    seen: list[Sequence[Declared]] = []
    original = check.check_stack

    def recording(declared: Sequence[Declared]) -> list[Finding]:
        seen.append(declared)
        return original(declared)

    monkeypatch.setattr(check, "check_stack", recording)
    result = CliRunner().invoke(command, ["--stack", stack, "--cwd", str(ROOT)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return list(seen[-1])


def test_there_are_four_stacks() -> None:
    """The stacks that infra/ is made for."""
    assert len(STACKS) == 4


@pytest.mark.parametrize("stack", STACKS)
def test_no_stack_of_infra_breaks_a_rule(stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every resource of the stack passes every rule of both scopes; errors would be false alarms."""
    declared = declared_by(stack, monkeypatch)
    kinds = {each.kind for each in declared}
    assert {"ComputeEnvironment", "JobQueue", "JobDefinition", "LaunchTemplate", "Role"} <= kinds
    findings = check.check_stack(declared)
    assert not [each.message for each in findings if each.verdict == "broken" and each.level is Level.ERROR]


@pytest.mark.parametrize("stack", STACKS)
def test_stack_rules_reach_across_what_the_program_declares(stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """References between components lead the rules: no rule across resources is left unknown for want of one."""
    findings = check.check_stack(declared_by(stack, monkeypatch))
    # Names that the handlers make are not known here, and are not alike.
    across = {row.id for row in read_catalogue().values() if row.scope == "stack" and not row.property.endswith("Name")}
    assert not [each for each in findings if each.rule_id in across and each.verdict == "unknown"]
