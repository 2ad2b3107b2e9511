"""What a FARGATE or FARGATE_SPOT environment does not take: "This parameter isn't applicable … Don't specify it."

One row a parameter, because each is a sentence of its own in AWS's text; they differ in nothing but the parameter.
"""

from __future__ import annotations

from batchiac.rules.catalogue.compute_types import on_fargate
from batchiac.rules.catalogue.sources import CE, COMPUTE_RESOURCE, GUIDE
from batchiac.rules.finding import Level
from batchiac.rules.predicates import forbidden
from batchiac.rules.row import Rule

_PAGE = GUIDE + "fargate-compute-environments.html"

_NOT_APPLICABLE = (
    ("CE101", "allocationStrategy", COMPUTE_RESOURCE),
    ("CE102", "bidPercentage", COMPUTE_RESOURCE),
    ("CE103", "desiredvCpus", COMPUTE_RESOURCE),
    ("CE104", "minvCpus", COMPUTE_RESOURCE),
    ("CE105", "imageId", COMPUTE_RESOURCE),
    ("CE106", "instanceTypes", COMPUTE_RESOURCE),
    ("CE107", "ec2Configuration", COMPUTE_RESOURCE),
    ("CE108", "ec2KeyPair", COMPUTE_RESOURCE),
    ("CE109", "instanceRole", COMPUTE_RESOURCE),
    ("CE110", "launchTemplate", COMPUTE_RESOURCE),
    ("CE111", "placementGroup", COMPUTE_RESOURCE),
    ("CE112", "spotIamFleetRole", COMPUTE_RESOURCE),
    ("CE113", "tags", COMPUTE_RESOURCE),
    ("CE114", "scalingPolicy", COMPUTE_RESOURCE),
)
"""Id, member of computeResources, source."""

RULES: tuple[Rule, ...] = (
    *(
        Rule(
            rule_id,
            CE,
            f"computeResources.{member}",
            forbidden(),
            when=on_fargate,
            allowed=f"{member} isn't applicable to Fargate",
            change="take it out",
            source=source,
            aws_message=f"{member} is not applicable for Fargate.",
        )
        for rule_id, member, source in _NOT_APPLICABLE
    ),
    Rule(
        "CE115",
        CE,
        "updatePolicy",
        forbidden(),
        when=on_fargate,
        level=Level.WARNING,
        dialect="update",
        allowed="Batch ignores an update policy of a Fargate environment",
        change="take it out",
        source=_PAGE,
    ),
)
