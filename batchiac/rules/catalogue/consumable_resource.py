"""Consumable resources: licences, tokens and whatever else jobs take and give back."""

from __future__ import annotations

from batchiac.rules.catalogue.sources import API, CR
from batchiac.rules.predicates import matches, one_of, within
from batchiac.rules.row import Rule

_CREATE = API + "API_CreateConsumableResource.html"
_UPDATE = API + "API_UpdateConsumableResource.html"

RULES: tuple[Rule, ...] = (
    Rule(
        "CR001",
        CR,
        "consumableResourceName",
        matches(r"[A-Za-z0-9_-]{1,255}"),
        dialect="create",
        allowed="letters, digits, hyphens and underscores are allowed, up to 255",
        change="shorten it or replace the other characters",
        source=_CREATE,
    ),
    Rule(
        "CR002",
        CR,
        "totalQuantity",
        within(0),
        dialect="create",
        allowed="0 or more is allowed",
        change="set how much of it there is",
        source=_CREATE,
    ),
    Rule(
        "CR003",
        CR,
        "resourceType",
        one_of("REPLENISHABLE", "NON_REPLENISHABLE"),
        dialect="create",
        allowed="REPLENISHABLE (the default: given back when the job ends) and NON_REPLENISHABLE are allowed",
        change="choose one of them",
        source=_CREATE,
    ),
    Rule(
        "CR004",
        CR,
        "operation",
        one_of("SET", "ADD", "REMOVE"),
        dialect="update",
        allowed="SET, ADD and REMOVE are allowed",
        change="choose one of them",
        source=_UPDATE,
    ),
    Rule(
        "CR005",
        CR,
        "quantity",
        within(0),
        dialect="update",
        allowed="0 or more is allowed: the operation says whether it is set, added or taken away",
        change="use the operation REMOVE to lower the quantity",
        source=_UPDATE,
    ),
)
