"""How fast stacks are checked: 1,000 Batch resources in a second, and twice as many in twice the time."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Iterator
from typing import Any

from batchiac.model import UNKNOWN
from batchiac.rules import Declared, check_stack

RUNS = 7
"""Times are processor time and the best of so many: what else a machine does only makes them longer. The ratio is the
middle one, because it can err both ways."""


def stack_of(count: int) -> list[Declared]:
    """A stack of `count` Batch resources: of ten, two environments, two queues, six job definitions."""
    declared: list[Declared] = []
    for tenth in range(count // 10):
        declared += [_environment(f"ec2-{tenth}", "EC2"), _environment(f"spot-{tenth}", "SPOT")]
        declared += [_queue(f"first-{tenth}", tenth, 1), _queue(f"second-{tenth}", tenth, 10)]
        declared += [_definition(f"work-{tenth}-{number}", number) for number in range(6)]
    return declared


def _environment(name: str, kind: str) -> Declared:
    strategy = "BEST_FIT_PROGRESSIVE" if kind == "EC2" else "SPOT_PRICE_CAPACITY_OPTIMIZED"
    inputs = {
        "computeEnvironmentName": name,
        "type": "MANAGED",
        "computeResources": {
            "type": kind,
            "allocationStrategy": strategy,
            "minvCpus": 0,
            "maxvCpus": 256,
            "instanceTypes": ["m5", "c5", "r5"],
            "instanceRole": UNKNOWN,
            "subnets": [UNKNOWN, UNKNOWN],
            "securityGroupIds": ["sg-0123456789abcdef0"],
            "ec2Configuration": [{"imageType": "ECS_AL2023"}],
        },
        "tags": {"team": "research"},
    }
    return Declared("ComputeEnvironment", name, inputs)


def _queue(name: str, tenth: int, priority: int) -> Declared:
    order = [{"order": 1, "computeEnvironment": UNKNOWN}, {"order": 2, "computeEnvironment": UNKNOWN}]
    references = {
        "computeEnvironmentOrder[0].computeEnvironment": f"ec2-{tenth}",
        "computeEnvironmentOrder[1].computeEnvironment": f"spot-{tenth}",
    }
    inputs = {"jobQueueName": name, "priority": priority, "computeEnvironmentOrder": order}
    return Declared("JobQueue", name, inputs, references)


def _definition(name: str, number: int) -> Declared:
    needs = [{"type": "VCPU", "value": str(1 + number)}, {"type": "MEMORY", "value": str(2000 * (1 + number))}]
    inputs: dict[str, Any] = {
        "jobDefinitionName": name,
        "type": "container",
        "containerProperties": {
            "image": "public.ecr.aws/docker/library/busybox:1.36",
            "command": ["sh", "-c", "true"],
            "jobRoleArn": UNKNOWN,
            "resourceRequirements": needs,
            "environment": [{"name": "NUMBER", "value": str(number)}],
        },
        "retryStrategy": {"attempts": 3, "evaluateOnExit": [{"onStatusReason": "Host EC2*", "action": "RETRY"}]},
        "timeout": {"attemptDurationSeconds": 3600},
    }
    return Declared("JobDefinition", name, inputs)


def seconds_for(count: int) -> float:
    """The time of checking a stack of `count` resources once."""
    declared = stack_of(count)
    gc.collect()  # what an earlier run left behind is not this one's
    start = time.process_time()
    findings = check_stack(declared)
    took = time.process_time() - start
    stopping = [each for each in findings if each.stops]
    if stopping:
        raise SystemExit(f"the benchmark's stack is to be sound, but: {stopping[0].message}")
    return took


def figures() -> Iterator[dict[str, Any]]:
    """The time for 1,000 resources, and how much longer 2,000 take."""
    check_stack(stack_of(10))
    # In turns, so that a slow minute of the machine falls on both.
    pairs = [(seconds_for(1000), seconds_for(2000)) for _ in range(RUNS)]
    thousand = min(first for first, _ in pairs)
    ratio = statistics.median(second / first for first, second in pairs)
    yield {
        "name": "check a stack of 1,000 Batch resources",
        "value": round(thousand, 3),
        "unit": "s",
        "at_most": 1.0,
        "holds": thousand <= 1.0,
    }
    yield {
        "name": "2,000 resources against 1,000",
        "value": round(ratio, 2),
        "unit": "times",
        "at_most": 2.2,
        "holds": ratio <= 2.2,
    }
