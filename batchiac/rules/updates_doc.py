"""The page of every update, docs/updates.md, made from the update table (scripts/generate_docs.py writes it).

What depends on the resource as well is asked of `effect_of`, case by case, so that the page says what a plan says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import frozen

from batchiac.rules.updates import INFRASTRUCTURE_STRATEGIES, TABLE, UpdateRow, effect_of, row_of


@frozen
class Case:
    """A change whose effect is decided by more than its property.

    Attributes:
        words: what is special, after "when".
        state, inputs: an example of it, before and after.
    """

    kind: str
    path: str
    words: str
    state: Mapping[str, Any]
    inputs: Mapping[str, Any]


def _ec2(strategy: str | None, **more: Any) -> dict[str, Any]:
    resources = {"type": "EC2"} if strategy is None else {"type": "EC2", "allocationStrategy": strategy}
    return {"computeResources": resources, **more}


_FARGATE: Final = {"computeResources": {"type": "FARGATE"}}
_OWN_ROLE: Final = {"serviceRole": "arn:aws:iam::123456789012:role/mine"}
_IN_PLACE_STRATEGY: Final = "BEST_FIT_PROGRESSIVE"
_ANY: Final = "computeResources.instanceTypes"
_CE: Final = "ComputeEnvironment"

INFRASTRUCTURE_CASES: Final = (
    Case(
        _CE,
        _ANY,
        "on EC2 or Spot, under the service-linked role, with "
        + ", ".join(f"`{each}`" for each in sorted(INFRASTRUCTURE_STRATEGIES)),
        _ec2(_IN_PLACE_STRATEGY),
        _ec2(_IN_PLACE_STRATEGY),
    ),
    Case(_CE, _ANY, "the strategy is or becomes `BEST_FIT`, the default", _ec2(None), _ec2(_IN_PLACE_STRATEGY)),
    Case(
        _CE,
        _ANY,
        "under a service role of its own",
        _ec2(_IN_PLACE_STRATEGY, **_OWN_ROLE),
        _ec2(_IN_PLACE_STRATEGY, **_OWN_ROLE),
    ),
    Case(_CE, "computeResources.subnets", "on Fargate or Fargate Spot, before and after", _FARGATE, _FARGATE),
    Case(
        _CE,
        "computeResources.type",
        "between EC2 or Spot and Fargate or Fargate Spot",
        _ec2(_IN_PLACE_STRATEGY),
        _FARGATE,
    ),
)
"""What becomes of the rows that say infrastructure update."""

CASES: Final = (
    Case(_CE, "serviceRole", "one of the two is the service-linked role", {}, _OWN_ROLE),
    Case(
        _CE,
        "computeResources.capacityTags",
        "all are taken away",
        {"computeResources": {"type": "EC2", "capacityTags": {"team": "a"}}},
        _ec2(None),
    ),
    Case("JobQueue", "schedulingPolicyArn", "one is added", {}, {"schedulingPolicyArn": "arn:a"}),
    Case("JobQueue", "schedulingPolicyArn", "it is removed", {"schedulingPolicyArn": "arn:a"}, {}),
    Case(
        "JobQueue",
        "computeEnvironmentOrder",
        "it is exchanged for serviceEnvironmentOrder, or the other way round",
        {"computeEnvironmentOrder": []},
        {"serviceEnvironmentOrder": []},
    ),
    Case(
        "SchedulingPolicy",
        "fairsharePolicy",
        "it is exchanged for quotaSharePolicy, or the other way round",
        {"fairsharePolicy": {}},
        {"quotaSharePolicy": {}},
    ),
)
"""Everything else that `effect_of` decides by more than the row."""


def render() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "<!-- Generated from batchiac/rules/updates.py by scripts/generate_docs.py; do not edit. -->"
    yield "# Updates"
    yield ""
    yield (
        "What AWS does when a property of an existing resource changes. The diff of every handler and the words of a"
        " plan come from the same rows. A row covers what is below its property; the longest row wins."
    )
    yield ""
    yield "## Infrastructure updates by role, strategy and type"
    yield ""
    yield "A row of a compute environment that says *infrastructure update* holds as follows."
    yield ""
    yield "| when | effect | note | source |"
    yield "|--|--|--|--|"
    for case in INFRASTRUCTURE_CASES:
        row = _effect(case)
        yield f"| {case.words} | {row.effect} | {row.note} | {_link(row)} |"
    for kind in dict.fromkeys(row.kind for row in TABLE):
        yield from _section(kind)


def _section(kind: str) -> Iterator[str]:
    yield ""
    yield f"## {kind}"
    yield ""
    yield "| property | effect | note | source |"
    yield "|--|--|--|--|"
    for row in TABLE:
        if row.kind != kind:
            continue
        yield f"| {_property(row)} | {row.effect} | {row.note} | {_link(row)} |"
        for case in CASES:
            # A case of a property without a row of its own stands with the row that covers it.
            if case.kind == kind and row_of(kind, case.path) is row:
                other = _effect(case)
                yield f"| `{case.path}`, when {case.words} | {other.effect} | {other.note} | {_link(other)} |"


def _property(row: UpdateRow) -> str:
    return f"`{row.path}`" if row.path else "every other"


def _effect(case: Case) -> UpdateRow:
    return effect_of(case.kind, case.path, case.state, case.inputs)


def _link(row: UpdateRow) -> str:
    return f"[{row.source.rpartition('/')[2].removesuffix('.html')}]({row.source})" if row.source else "batchiac"
