"""Names that a workload uses, and what the stack has."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from batchiac.errors import WorkloadError
from batchiac.verify.destination import Destinations, Queue, read_destinations


def test_a_logical_name_finds_the_suffixed_one(destinations: Destinations) -> None:
    """`urgent` means `urgent-0123abc`; the whole name and the ARN mean it too."""
    for name in ("urgent", "urgent-0123abc", "arn:urgent"):
        assert destinations.queue(name, "t").name == "urgent-0123abc"


def test_without_a_name_the_highest_priority_that_needs_no_share(destinations: Destinations) -> None:
    """A fair-share queue is no default: every job in it needs a share identifier."""
    assert destinations.queue(None, "t").name == "urgent-0123abc"


def test_without_a_name_the_fewest_vcpus_and_then_the_most_memory(destinations: Destinations) -> None:
    """The plainest definition decides; a task over several nodes gets a multi-node one."""
    assert destinations.definition(None, "t", nodes=False).name == "simple-0123abc"
    assert destinations.definition(None, "t", nodes=True).name == "multi-node-0123abc"


def test_an_unknown_name_is_told_with_those_that_exist(destinations: Destinations) -> None:
    """The sentence names the task, what it asked for and what there is, by logical names."""
    with pytest.raises(WorkloadError, match=r"task 't' names the job queue 'urgnt'.*it has background, shared, urgent"):
        destinations.queue("urgnt", "t")
    with pytest.raises(WorkloadError, match="you named the job definition 'x'"):
        destinations.definition("x", "", nodes=False)


def test_the_most_vcpus_count_each_environment_once(destinations: Destinations) -> None:
    """Two queues on one environment do not have it twice."""
    assert destinations.max_vcpus(destinations.queues) == 192
    assert destinations.max_vcpus(destinations.queues[1:]) == 64


class _Batch:
    """A client whose answers come in two pages."""

    def describe_job_queues(self, **asked: Any) -> dict[str, Any]:
        return {
            "jobQueues": [
                {
                    "jobQueueName": f"q{asked.get('nextToken', 1)}",
                    "jobQueueArn": "arn",
                    "priority": 1,
                    "state": "ENABLED" if asked else "DISABLED",
                    "computeEnvironmentOrder": [
                        {"order": 2, "computeEnvironment": "arn:x:compute-environment/b"},
                        {"order": 1, "computeEnvironment": "arn:x:compute-environment/a"},
                    ],
                }
            ],
            **({} if asked else {"nextToken": "2"}),
        }

    def describe_compute_environments(self, **asked: Any) -> dict[str, Any]:
        return {
            "computeEnvironments": [
                {"computeEnvironmentName": "a", "computeResources": {"type": "FARGATE_SPOT", "maxvCpus": 4}},
                {"computeEnvironmentName": "b"},
            ]
        }

    def describe_job_definitions(self, **asked: Any) -> dict[str, Any]:
        assert asked["status"] == "ACTIVE"
        container = {"resourceRequirements": [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]}
        base = {"jobDefinitionArn": "arn", "type": "container"}
        return {
            "jobDefinitions": [
                {**base, "jobDefinitionName": "old", "revision": 1, "containerProperties": {"vcpus": 2, "memory": 64}},
                {**base, "jobDefinitionName": "old", "revision": 2, "containerProperties": container},
                {
                    **base,
                    "jobDefinitionName": "ecs",
                    "revision": 1,
                    "ecsProperties": {"taskProperties": [{"containers": [container]}]},
                },
                {**base, "jobDefinitionName": "eks", "revision": 1, "eksProperties": {"podProperties": {}}},
                {
                    **base,
                    "jobDefinitionName": "mnp",
                    "revision": 1,
                    "type": "multinode",
                    "nodeProperties": {"numNodes": 3, "nodeRangeProperties": [{"container": container}]},
                },
            ]
        }


def test_every_page_is_read() -> None:
    """Queues that are ENABLED, environments in their order, the newest revision of each definition."""
    found = read_destinations(_Batch(), {"definitions": {"a": "ecs", "b": ["old"]}, "n": 3})
    assert [(each.name, each.environments) for each in found.queues] == [("q2", ("a", "b"))]
    assert found.environments["a"].fargate
    assert found.environments["a"].spot
    assert found.max_vcpus(found.queues) is None
    assert [(each.name, each.kind, each.revision, each.nodes) for each in found.definitions] == [
        ("ecs", "ecs", 1, 1),
        ("eks", "eks", 1, 1),
        ("mnp", "multinode", 1, 3),
        ("old", "container", 2, 1),
    ]
    assert found.definitions[3].vcpus == 0.25
    assert found.exported == ("ecs", "old")


def test_a_stacks_own_queue_wins_over_another_stacks(destinations: Destinations) -> None:
    """Two stacks of one program in one account have the same logical names: what the stack exports is meant."""
    other = Queue("urgent-fffffff", "arn:other", 99, False, ())
    both = evolve(destinations, queues=(*destinations.queues, other))
    assert both.queue("urgent", "t").name == "urgent-0123abc"
    assert both.queue(None, "t").name == "urgent-0123abc"
    with pytest.raises(WorkloadError, match="give the whole name"):
        evolve(both, exported=()).queue("urgent", "t")
