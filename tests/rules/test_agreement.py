"""The catalogue and the local stack agree: what it accepts is created, and what it forbids is refused.

Requests are made by mixing the cases of all rows, so that every property meets every kind of resource.
"""

from __future__ import annotations

import copy
import importlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchiac.local.api_error import ApiError
from batchiac.local.dispatch import handle
from batchiac.local.quotas import NO_QUOTAS
from batchiac.rules import check_request
from batchiac.testing import local_stack

sys.path.insert(0, str(Path(__file__).parent / "cases"))
subjects = importlib.import_module("subjects")
ACCOUNT, REGION = "123456789012", "us-east-1"

OPERATIONS = {
    "CE": ("CreateComputeEnvironment", "computeEnvironmentName"),
    "LT": ("CreateComputeEnvironment", "computeEnvironmentName"),
    "AM": ("CreateComputeEnvironment", "computeEnvironmentName"),
    "EK": ("CreateComputeEnvironment", "computeEnvironmentName"),
    "JQ": ("CreateJobQueue", "jobQueueName"),
    "SP": ("CreateSchedulingPolicy", "name"),
    "SE": ("CreateServiceEnvironment", "serviceEnvironmentName"),
    "CR": ("CreateConsumableResource", "consumableResourceName"),
    "JD": ("RegisterJobDefinition", "jobDefinitionName"),
}
SERIAL = itertools.count()


def _words(request: dict[str, Any]) -> set[str]:
    return {*request, *repr(request).split(":")}


def pools() -> dict[str, list[dict[str, Any]]]:
    """Operation → every request of a case, accepted and rejected ones."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in ("environment_cases", "queue_cases", "job_definition_cases"):
        for rule_id, cases in importlib.import_module(name).CASES.items():
            operation, member = OPERATIONS.get(rule_id[:2], ("", ""))
            for one in itertools.chain(*cases):
                # A policy of another partition does not exist here, and `region` is no member of AWS's.
                if operation and isinstance(one, dict) and member in one and not {"aws-cn", "region"} & _words(one):
                    found.setdefault(operation, []).append(one)
    return found


POOLS = pools()


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A request that mixes two cases of one operation: top members of both, and members of one object of both."""
    operation = draw(st.sampled_from(sorted(POOLS)))
    one = copy.deepcopy(draw(st.sampled_from(POOLS[operation])))
    other = draw(st.sampled_from(POOLS[operation]))
    for key in draw(st.lists(st.sampled_from(sorted(other)), max_size=2)) if other else ():
        theirs, ours = copy.deepcopy(other[key]), one.get(key)
        if isinstance(theirs, dict) and isinstance(ours, dict) and theirs:
            for inner in draw(st.lists(st.sampled_from(sorted(theirs)), max_size=2)):
                ours[inner] = theirs[inner]
        else:
            one[key] = theirs
    return operation, one


@pytest.fixture(scope="module")
def stack() -> Iterator[Any]:
    """A local stack that holds what the cases refer to: environments, a service environment, policies."""
    with local_stack(clock="virtual", projections=False, quotas=NO_QUOTAS) as running:
        for name in ("a", "b", "c", "d", "e", "M4Spot"):
            handle(ACCOUNT, REGION, "CreateComputeEnvironment", {**subjects.ec2(), "computeEnvironmentName": name})
        handle(ACCOUNT, REGION, "CreateServiceEnvironment", subjects.service())
        handle(ACCOUNT, REGION, "CreateServiceEnvironment", subjects.service({"serviceEnvironmentName": "t"}))
        handle(ACCOUNT, REGION, "CreateSchedulingPolicy", {**subjects.fair(), "name": "fair"})
        running.clock.run_until_idle()
        yield running


def own_name(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """The request under a name that is not taken, where its name is one that AWS takes."""
    member = next(member for each, member in OPERATIONS.values() if each == operation)
    name = request.get(member)
    if not isinstance(name, str) or not name.replace("-", "").replace("_", "").isalnum():
        return request
    serial = f"{next(SERIAL):07d}"
    # A long name stays as long as it is: its length may be what the case is about.
    return {**request, member: f"{name}-{serial}" if len(name) <= 100 else serial + name[7:]}


def stopping_rules(operation: str, request: dict[str, Any]) -> list[str]:
    """The rules for which the stack refuses: errors, and CE018, because it can run no type that its table lacks."""
    found = check_request(operation, request)
    return [each.rule_id for each in found if each.stops or (each.rule_id, each.verdict) == ("CE018", "broken")]


@settings(max_examples=300)
@given(made=requests())
def test_what_the_catalogue_says_the_local_stack_does(stack: Any, made: tuple[str, dict[str, Any]]) -> None:
    """A create request without an error is accepted by the local stack; one with an error is refused by it."""
    operation, request = made[0], own_name(*made)
    stopping = stopping_rules(operation, request)
    try:
        handle(ACCOUNT, REGION, operation, request)
    except ApiError as refused:
        assert stopping, (refused.message, request)
    else:
        assert not stopping, (stopping, request)


@pytest.mark.parametrize("operation", sorted(POOLS))
def test_every_case_is_answered_alike(stack: Any, operation: str) -> None:
    """Each case by itself gets one answer from both."""
    for case in POOLS[operation]:
        request = own_name(operation, case)
        stopping = stopping_rules(operation, request)
        try:
            handle(ACCOUNT, REGION, operation, request)
            refused = ""
        except ApiError as error:
            refused = error.message
        assert bool(stopping) == bool(refused), (stopping, refused, request)
