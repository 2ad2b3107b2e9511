"""Scheduling policies: fair share and quota share."""

from __future__ import annotations

from collections.abc import Iterator

from batchiac.rules.catalogue.sources import API, GUIDE, NAME, NAME_ALLOWED, NAME_CHANGE, SP
from batchiac.rules.finding import Level
from batchiac.rules.predicates import (
    at_most_one_of,
    forbidden,
    items,
    matches,
    none_of,
    one_of,
    shown,
    unique,
    whole,
    within,
)
from batchiac.rules.row import Broken, Rule
from batchiac.rules.view import View

_CREATE = API + "API_CreateSchedulingPolicy.html"
_UPDATE = API + "API_UpdateSchedulingPolicy.html"
_FAIR = API + "API_FairsharePolicy.html"
_SHARE = API + "API_ShareAttributes.html"
_SHARES = "fairsharePolicy.shareDistribution"


def _overlap(view: View, path: str) -> Iterator[Broken]:
    """Identifiers that the prefix of another entry covers. Identical ones have a row of their own (SP007)."""
    entries = [(at, name) for at, name in view.each(f"{path}[].shareIdentifier") if isinstance(name, str)]
    prefixes = {name[:-1] for _, name in entries if name.endswith("*")}
    for at, name in entries:
        stem = name.removesuffix("*")
        # Every prefix of the stem is looked up, so that 500 entries cost 500 look-ups a character and not 250,000.
        for length in range(len(stem) + 1):
            prefix = stem[:length]
            if prefix in prefixes and f"{prefix}*" != name:
                yield Broken(at, shown(name), {"other": f"{prefix}*"})
                break


def _kind_changes(view: View, path: str) -> Iterator[Broken]:
    for kind, other in (("fairsharePolicy", "quotaSharePolicy"), ("quotaSharePolicy", "fairsharePolicy")):
        if view.has(kind) and view.current.has(other):
            yield Broken(kind, f"given where the policy is a {other}")


RULES: tuple[Rule, ...] = (
    Rule(
        "SP001",
        SP,
        "name",
        matches(NAME),
        dialect="create",
        allowed=NAME_ALLOWED,
        change=NAME_CHANGE,
        source=_CREATE,
        aws_message="Scheduling policy name should match a valid pattern.",
    ),
    Rule(
        "SP002",
        SP,
        "",
        at_most_one_of("fairsharePolicy", "quotaSharePolicy"),
        allowed="a policy has either of them",
        change="keep one",
        source=_CREATE,
        aws_message="A scheduling policy can have either fairsharePolicy or quotaSharePolicy",
    ),
    Rule(
        "SP003",
        SP,
        "fairsharePolicy.shareDecaySeconds",
        within(0, 604800),
        allowed="0 to 604800 seconds (a week) are allowed",
        change="set it within that range",
        source=_FAIR,
    ),
    Rule(
        "SP004",
        SP,
        "fairsharePolicy.shareDecaySeconds",
        none_of(0),
        level=Level.ADVICE,
        allowed="0 stands for the shortest window, 600 seconds",
        change="write 600, or what you mean",
        source=_FAIR,
        seed_difference='pages of the User Guide still say that 0 means "only current usage is considered"',
    ),
    Rule(
        "SP005",
        SP,
        "fairsharePolicy.computeReservation",
        within(0, 99),
        allowed="0 to 99 percent of the maximum vCPUs are allowed",
        change="set it within that range",
        source=_FAIR,
    ),
    Rule(
        "SP006",
        SP,
        _SHARES,
        items(0, 500),
        allowed="at most 500 share identifiers are allowed",
        change="join some under a prefix that ends with *",
        source=_SHARE,
        aws_message="ShareDistribution size cannot be greater than 500.",
    ),
    Rule(
        "SP007",
        SP,
        _SHARES,
        unique("shareIdentifier"),
        allowed="each share identifier stands once",
        change="take the second one out",
        source=GUIDE + "create-scheduling-policy.html",
        aws_message="Cannot have two or more identical shareIdentifiers.",
    ),
    Rule(
        "SP008",
        SP,
        _SHARES,
        whole(_overlap),
        allowed="share identifiers can't overlap, and {other} covers it",
        change="take one of them out",
        source=_SHARE,
        aws_message="Share identifier {found} matches another share identifier {other}",
    ),
    Rule(
        "SP009",
        SP,
        f"{_SHARES}[].shareIdentifier",
        matches(r"[A-Za-z0-9_-]{0,255}\*|[A-Za-z0-9_-]{1,255}"),
        allowed="up to 255 letters, digits, hyphens and underscores are allowed, and an asterisk at the end",
        change="shorten it or replace the other characters",
        source=_SHARE,
        aws_message="ShareIdentifier name should match a valid pattern.",
    ),
    Rule(
        "SP010",
        SP,
        f"{_SHARES}[].weightFactor",
        within(0.0001, 999.9999),
        allowed="0.0001 to 999.9999 are allowed, 1.0 is the default; a lower weight gets more",
        change="set it within that range",
        source=_SHARE,
        aws_message="Weight factor should be between 0.0001 and 999.9999.",
    ),
    Rule(
        "SP011",
        SP,
        "quotaSharePolicy.idleResourceAssignmentStrategy",
        one_of("FIFO"),
        allowed="only FIFO is supported",
        change="set it to FIFO",
        source=API + "API_QuotaSharePolicy.html",
        aws_message="Idle resource assignment strategy must be one of [FIFO].",
    ),
    Rule(
        "SP012",
        SP,
        "",
        whole(_kind_changes),
        dialect="update",
        allowed="the kind of a policy cannot be changed",
        change="make a new policy, and a new queue for it",
        source=_UPDATE,
    ),
    Rule(
        "SP013",
        SP,
        "name",
        forbidden(),
        dialect="update",
        allowed="a policy cannot be renamed",
        change="make a new policy",
        source=_UPDATE,
    ),
)
