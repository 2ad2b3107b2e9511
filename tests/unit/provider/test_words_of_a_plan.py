"""What a plan says of a change: the program's own values, and the jobs that it meets."""

from __future__ import annotations

from typing import Any

import pytest

from batchiac.model.target import Target
from batchiac.provider.compute_environment import ComputeEnvironment
from batchiac.provider.job_words import bridge_words, infrastructure_words, replacement_words

ENVIRONMENT = {
    "identity": "project/stack/work",
    "region": "us-east-1",
    "autoNamed": True,
    "computeEnvironmentName": "work",
    "type": "MANAGED",
    "computeResources": {
        "type": "SPOT",
        "allocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED",
        "bidPercentage": 60,
        "minvCpus": 0,
        "maxvCpus": 16,
        "instanceTypes": ["c5.large"],
        "subnets": ["subnet-1"],
        "securityGroupIds": ["sg-1"],
        "instanceRole": "arn:aws:iam::123456789012:instance-profile/one",
    },
}


class Nowhere:
    """A door that is only asked where it leads."""

    target = Target("local", "us-east-1", in_process=True)


def changes_of(**resources: Any) -> dict[str, tuple[str, Any, Any]]:
    handler = ComputeEnvironment(Nowhere())  # type: ignore[arg-type]
    wanted = {**ENVIRONMENT, "computeResources": {**ENVIRONMENT["computeResources"], **resources}}  # type: ignore[dict-item]
    return {each.path: (each.kind, each.old, each.new) for each in handler.diff(ENVIRONMENT, wanted).changes}


def test_a_default_that_is_spelled_out_is_shown() -> None:
    """BEST_FIT and the whole On-Demand price are what AWS takes unasked: the plan shows the words all the same."""
    changes = changes_of(allocationStrategy="BEST_FIT", bidPercentage=100)
    assert changes["computeResources.allocationStrategy"] == (
        "update-replace",
        "SPOT_PRICE_CAPACITY_OPTIMIZED",
        "BEST_FIT",
    )
    assert changes["computeResources.bidPercentage"] == ("update-replace", 60, 100)


def test_what_is_taken_out_is_shown_as_taken_out() -> None:
    """A property that the program no longer gives has no new value."""
    assert changes_of(bidPercentage=None) == {"computeResources.bidPercentage": ("delete", 60, None)}


@pytest.mark.parametrize(
    ("words", "jobs", "said"),
    [
        (infrastructure_words, None, "running jobs get up to 30 minutes (updatePolicy)"),
        (infrastructure_words, [], "instances are replaced; no job runs on it now"),
        (infrastructure_words, ["a"], "1 running job (a) gets up to 30 minutes"),
        (replacement_words, [], "queues are repointed; no job runs on the old one now"),
        (replacement_words, list("abcdefg"), "7 running jobs on the old one (a, b, c, d, e and 2 more) get up to"),
        (bridge_words, [], "its name and ARN; no job runs on it now"),
        (bridge_words, ["a", "b"], "2 running jobs (a, b) get up to 30 minutes, then the instances end"),
    ],
)
def test_jobs_are_counted_in_words(words: Any, jobs: list[str] | None, said: str) -> None:
    """Uncounted, none, one, many."""
    found = None if jobs is None else [{"jobId": each, "jobName": each} for each in jobs]
    assert said in words({}, found)
