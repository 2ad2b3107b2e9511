"""Quota shares: how a SageMaker queue's capacity is divided."""

from __future__ import annotations

from batchiac.rules.catalogue.sources import API, GUIDE, NAME, NAME_ALLOWED, NAME_CHANGE, QS
from batchiac.rules.finding import Level
from batchiac.rules.predicates import forbidden, is_one_of, items, matches, none_of, unique, within
from batchiac.rules.row import Rule

_CREATE = API + "API_CreateQuotaShare.html"
_LIMIT = API + "API_QuotaShareCapacityLimit.html"
_SHARING = API + "API_QuotaShareResourceSharingConfiguration.html"
_PAGE = GUIDE + "quota-shares.html"

RULES: tuple[Rule, ...] = (
    Rule(
        "QS001",
        QS,
        "quotaShareName",
        matches(NAME),
        dialect="create",
        allowed=NAME_ALLOWED,
        change=NAME_CHANGE,
        source=_CREATE,
    ),
    Rule(
        "QS002",
        QS,
        "capacityLimits",
        items(1, 5),
        allowed="1 to 5 capacity limits are allowed",
        change="give one for each instance type, up to five",
        source=_PAGE,
    ),
    Rule(
        "QS003",
        QS,
        "capacityLimits[].maxCapacity",
        within(1),
        allowed="1 or more is allowed",
        change="set how much of the capacity the share has",
        source=_LIMIT,
    ),
    Rule(
        "QS004",
        QS,
        "capacityLimits[].capacityUnit",
        matches(r"NUM_INSTANCES|ml\.[a-z0-9-]+\.[a-z0-9]+"),
        allowed="an instance type such as ml.m5.large is allowed",
        change="write one of these",
        source=_LIMIT,
    ),
    Rule(
        "QS005",
        QS,
        "capacityLimits",
        unique("capacityUnit"),
        allowed="each unit has one limit",
        change="take the second one out",
        source=_PAGE,
    ),
    Rule(
        "QS006",
        QS,
        "resourceSharingConfiguration.borrowLimit",
        forbidden(),
        when=is_one_of("resourceSharingConfiguration.strategy", "RESERVE", "LEND"),
        allowed="only LEND_AND_BORROW borrows",
        change="take it out, or set the strategy to LEND_AND_BORROW",
        source=_SHARING,
    ),
    Rule(
        "QS007",
        QS,
        "resourceSharingConfiguration.borrowLimit",
        within(-1),
        when=is_one_of("resourceSharingConfiguration.strategy", "LEND_AND_BORROW"),
        allowed="a percentage of 0 or more is allowed, or -1 for no limit",
        change="set it to one of these",
        source=_SHARING,
    ),
    Rule(
        "QS008",
        QS,
        "jobQueue",
        matches(r"arn:aws[a-z-]*:batch:[a-z0-9-]+:\d{12}:job-queue/[A-Za-z0-9_-]{1,128}|[A-Za-z0-9_-]{1,128}"),
        dialect="create",
        allowed="the name or the ARN of a job queue is allowed",
        change="give one of them",
        source=_CREATE,
    ),
    Rule(
        "QS009",
        QS,
        "state",
        none_of("DISABLED"),
        level=Level.ADVICE,
        dialect="create",
        allowed="a share that is DISABLED accepts no jobs",
        change="leave it out, which means ENABLED",
        source=_CREATE,
    ),
)
