"""Service environments: the capacity that SageMaker training jobs run in."""

from __future__ import annotations

from collections.abc import Iterator

from batchiac.rules.catalogue.sources import API, GUIDE, NAME, NAME_ALLOWED, NAME_CHANGE, SE
from batchiac.rules.predicates import items, matches, shown, unique, whole, within
from batchiac.rules.row import Broken, Rule
from batchiac.rules.view import View

_CREATE = API + "API_CreateServiceEnvironment.html"
_LIMIT = API + "API_CapacityLimit.html"
_QUOTA = GUIDE + "create-quota-management-resources.html"


def _mixed_units(view: View, path: str) -> Iterator[Broken]:
    units = [(at, unit) for at, unit in view.each(f"{path}[].capacityUnit") if isinstance(unit, str)]
    others = [unit for _, unit in units if unit != "NUM_INSTANCES"]
    if others and len(others) < len(units):
        yield Broken(path, f"a mix of NUM_INSTANCES and {shown(others[0])}")


RULES: tuple[Rule, ...] = (
    Rule(
        "SE001",
        SE,
        "serviceEnvironmentName",
        matches(NAME),
        dialect="create",
        allowed=NAME_ALLOWED,
        change=NAME_CHANGE,
        source=_CREATE,
        aws_message="Service environment name should match a valid pattern.",
    ),
    Rule(
        "SE002",
        SE,
        "capacityLimits",
        items(1),
        allowed="one or more capacity limits are required",
        change="give one",
        source=_CREATE,
        aws_message="Capacitylimits are required.",
    ),
    Rule(
        "SE003",
        SE,
        "capacityLimits",
        items(0, 5),
        allowed="at most 5 capacity limits are allowed",
        change="take some out",
        source=GUIDE + "quota-shares.html",
        aws_message="Number of capacity limits exceeds 5.",
    ),
    Rule(
        "SE004",
        SE,
        "capacityLimits[].maxCapacity",
        within(1),
        allowed="1 or more is allowed",
        change="set how many instances may run at once",
        source=_LIMIT,
        aws_message="Max capacity must be more than 0.",
    ),
    Rule(
        "SE005",
        SE,
        "capacityLimits[].capacityUnit",
        matches(r"NUM_INSTANCES|ml\.[a-z0-9-]+\.[a-z0-9]+"),
        allowed="NUM_INSTANCES is allowed, and with quota management an instance type such as ml.m5.large",
        change="write one of these",
        source=_LIMIT,
        aws_message="{value} is unknown capacity unit",
    ),
    Rule(
        "SE006",
        SE,
        "capacityLimits",
        whole(_mixed_units),
        allowed="the limits are either of a number of instances or of instance types",
        change="use one of the two",
        source=_QUOTA,
        aws_message="Capacity units must specify either number of instances OR instance type",
    ),
    Rule(
        "SE007",
        SE,
        "capacityLimits",
        unique("capacityUnit"),
        allowed="each unit has one limit",
        change="take the second one out",
        source=_QUOTA,
    ),
)
