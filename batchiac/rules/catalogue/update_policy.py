"""updatePolicy: what happens to running jobs when an environment's infrastructure is updated."""

from __future__ import annotations

from batchiac.rules.catalogue.sources import API, CE, GUIDE
from batchiac.rules.finding import Level
from batchiac.rules.predicates import forbidden, none_of
from batchiac.rules.row import Rule

_PAGE = API + "API_UpdatePolicy.html"

RULES: tuple[Rule, ...] = (
    Rule(
        "UP001",
        CE,
        "updatePolicy",
        forbidden(),
        dialect="create",
        allowed="CreateComputeEnvironment does not take it; UpdateComputeEnvironment does",
        change="give it with the update",
        source=_PAGE,
    ),
    Rule(
        "UP002",
        CE,
        "updatePolicy.terminateJobsOnUpdate",
        none_of(True),
        dialect="update",
        level=Level.ADVICE,
        allowed="running jobs are then terminated at once when the infrastructure is updated",
        change="leave it false, and set jobExecutionTimeoutMinutes to the longest job",
        source=GUIDE + "infrastructure-updates.html",
    ),
)
