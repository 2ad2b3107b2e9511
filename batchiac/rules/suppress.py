"""Findings that a stack has decided to live with: by rule, resource and a reason that somebody can be asked about.

They stand in the stack's own file, under a key that Pulumi keeps (the CLI rewrites `Pulumi.<stack>.yaml` and drops
every top-level key that it does not know, so a section of our own would vanish at the first `pulumi config set`):

    config:
      batchiac:suppress:
        - rule: CE024
          resource: simulation
          reason: the nodes talk over EFS only, a placement group buys nothing

A suppression that suppresses nothing is reported: it hides the next finding of that kind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from attrs import frozen

from batchiac.errors import ConfigError
from batchiac.rules.finding import Finding

CONFIG_KEY = "batchiac:suppress"
_FIELDS = ("rule", "resource", "reason")


@frozen
class Suppression:
    """One decision.

    Attributes:
        rule: the rule's id, `CE013`.
        resource: the declared name that findings show; `*` stands for every resource.
        reason: why, in words; never empty.
    """

    rule: str
    resource: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """True when this decision is about `finding`."""
        return finding.rule_id == self.rule and self.resource in ("*", finding.resource)


@frozen
class Sifted:
    """Findings after the stack's decisions.

    Attributes:
        kept: those that nothing covers, in their order.
        suppressed: those that are covered, each with the first decision that covers it.
        unused: decisions that covered nothing.
    """

    kept: tuple[Finding, ...]
    suppressed: tuple[tuple[Finding, Suppression], ...]
    unused: tuple[Suppression, ...]


def every_rule_id() -> frozenset[str]:
    """The id of every row, and of every kind of shape constraint."""
    from batchiac.rules.catalogue import read_catalogue
    from batchiac.rules.shape_check import SHAPE_RULES

    return frozenset((*read_catalogue(), *SHAPE_RULES))


def parse_suppressions(
    value: object, known_rules: Collection[str] | None = None, where: str = CONFIG_KEY
) -> tuple[Suppression, ...]:
    """The decisions that the config value says.

    Args:
        value: the list of `{rule, resource, reason}`, or the JSON text of it (as Pulumi hands nested config to
            programs and providers); None means none.
        known_rules: every rule id there is; None reads them from the catalogue.
        where: the name of the config key, for the sentences.

    Raises:
        ConfigError: not a list of such objects, a field missing, unknown or blank, a rule that does not exist, or
            the same decision twice.
    """
    if value is None:
        return ()
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise ConfigError(f"{where} is not a list: write one entry of rule, resource and reason each") from error
    if not isinstance(value, list):
        raise ConfigError(f"{where} is {type(value).__name__}, not a list: write one entry of {_fields()} each")
    known = every_rule_id() if known_rules is None else known_rules
    decisions = tuple(_parse_one(each, known, f"{where}[{index}]") for index, each in enumerate(value))
    seen: set[tuple[str, str]] = set()
    for index, each in enumerate(decisions):
        if (each.rule, each.resource) in seen:
            raise ConfigError(f"{where}[{index}] says {each.rule} of {each.resource} a second time: keep one of them")
        seen.add((each.rule, each.resource))
    return decisions


@cache
def read_suppressions(text: str) -> tuple[Suppression, ...]:
    """`parse_suppressions` of a config value's JSON text, read once a text; empty means none."""
    return parse_suppressions(text or None)


def find_rule_id(text: str, known_rules: Collection[str]) -> str | None:
    """The known id that `text` means: `ce13`, `CE13` and `CE013` are one; None when there is none."""
    wanted = text.strip().upper()
    if wanted in known_rules:
        return wanted
    match = re.fullmatch(r"([A-Z]{2})(\d{1,3})", wanted)
    if match is None:
        return None
    padded = (f"{match[1]}{int(match[2]):0{digits}d}" for digits in (3, 2))
    return next((each for each in padded if each in known_rules), None)


def sift(findings: Sequence[Finding], suppressions: Sequence[Suppression]) -> Sifted:
    """Part `findings` into those that stand and those that a decision covers; name the decisions of no use."""
    kept: list[Finding] = []
    suppressed: list[tuple[Finding, Suppression]] = []
    used: set[Suppression] = set()
    by_rule: dict[str, list[Suppression]] = {}
    for decision in suppressions:
        by_rule.setdefault(decision.rule, []).append(decision)
    for finding in findings:
        covering = [each for each in by_rule.get(finding.rule_id, ()) if each.covers(finding)]
        if covering:
            used.update(covering)
            suppressed.append((finding, covering[0]))
        else:
            kept.append(finding)
    return Sifted(tuple(kept), tuple(suppressed), tuple(each for each in suppressions if each not in used))


def _parse_one(value: Any, known_rules: Collection[str], where: str) -> Suppression:
    if not isinstance(value, dict):
        raise ConfigError(f"{where} is {value!r}: write an entry of {_fields()}")
    for key in value:
        if key not in _FIELDS:
            raise ConfigError(f"{where} has the key {key!r}: an entry has {_fields()}, nothing else")
    for key in _FIELDS:
        found = value.get(key)
        if not isinstance(found, str) or not found.strip():
            state = "missing" if found is None else f"{found!r}"
            need = "say in words why the finding is accepted" if key == "reason" else "give it as text"
            raise ConfigError(f"{where}.{key} is {state}: {need}")
    rule = find_rule_id(value["rule"], known_rules)
    if rule is None:
        raise ConfigError(f"{where}.rule is {value['rule']!r}, which is no rule: `batchiac rules` lists them")
    return Suppression(rule, value["resource"].strip(), value["reason"].strip())


def _fields() -> str:
    return "rule, resource and reason"
