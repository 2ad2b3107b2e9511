"""Queues, policies, service environments, quota shares, consumable resources: what each row accepts, rejects, leaves.

`CASES[id] = (accepted, rejected, not applicable)`.
"""

from __future__ import annotations

from subjects import (
    ENVIRONMENT,
    POLICY,
    Cases,
    capacity,
    ec2,
    fair,
    limit_action,
    ordered,
    queue,
    quota,
    resource,
    sagemaker,
    service,
    share,
    shares,
    update,
)

_SERVICE = [{"order": 1, "serviceEnvironment": "s"}]
_FIRST = "computeEnvironmentOrder[0].computeEnvironment"

QUEUE: dict[str, Cases] = {
    "JQ001": (
        [queue({"jobQueueName": "a" * 128})],
        [queue({"jobQueueName": "a" * 129}), queue({"jobQueueName": "a.b"})],
        [queue({"jobQueueName": None})],
    ),
    "JQ002": (
        [queue({"priority": 0}), queue({"priority": 101})],
        [queue({"priority": -1})],
        [queue({"priority": None})],
    ),
    "JQ003": ([queue({"priority": 1000})], [queue({"priority": 1001})], [queue({"priority": None})]),
    "JQ004": (
        [queue()],
        [queue({"computeEnvironmentOrder": []}), queue({"computeEnvironmentOrder": None})],
        [sagemaker()],
    ),
    "JQ005": (
        [ordered((1, "a"), (2, "b"), (3, "c"))],
        [ordered((1, "a"), (2, "b"), (3, "c"), (4, "d"))],
        [sagemaker()],
    ),
    "JQ006": ([ordered((1, "a"), (2, "b"))], [ordered((1, "a"), (1, "b"))], [sagemaker()]),
    "JQ007": ([ordered((1, "a"), (2, "b"))], [ordered((1, "a"), (2, "a"))], [sagemaker()]),
    "JQ008": ([queue()], [queue({_FIRST: "e"})], [sagemaker()]),
    "JQ009": (
        [queue(), queue({_FIRST: "e"})],
        [queue({_FIRST: POLICY}), queue({_FIRST: "a b"}), queue({_FIRST: ENVIRONMENT.format("a/b")})],
        [sagemaker()],
    ),
    "JQ010": ([queue(), sagemaker()], [queue({"serviceEnvironmentOrder": _SERVICE})], []),
    "JQ011": (
        [sagemaker()],
        [sagemaker({"serviceEnvironmentOrder": [*_SERVICE, {"order": 2, "serviceEnvironment": "t"}]})],
        [queue()],
    ),
    "JQ012": (
        [sagemaker()],
        [sagemaker({"serviceEnvironmentOrder": None}), sagemaker({"serviceEnvironmentOrder": []})],
        [queue()],
    ),
    "JQ013": (
        [sagemaker()],
        [sagemaker({"jobQueueType": "ECS"})],
        [queue(), sagemaker({"jobQueueType": None})],
    ),
    "JQ014": (
        [sagemaker({"computeEnvironmentOrder": []})],
        [queue({"jobQueueType": "SAGEMAKER_TRAINING"})],
        [queue(), sagemaker()],
    ),
    "JQ015": (
        [queue({"schedulingPolicyArn": POLICY}), queue({"schedulingPolicyArn": POLICY.replace("aws", "aws-cn", 1)})],
        [queue({"schedulingPolicyArn": "fair"}), queue({"schedulingPolicyArn": ENVIRONMENT.format("e")})],
        [queue()],
    ),
    "JQ016": (
        [update({"schedulingPolicyArn": f"{POLICY}2"}, queue({"schedulingPolicyArn": POLICY}))],
        [update({"schedulingPolicyArn": ""}, queue({"schedulingPolicyArn": POLICY}))],
        [update({"priority": 2}, queue({"schedulingPolicyArn": POLICY}))],
    ),
    "JQ017": (
        [update({"schedulingPolicyArn": f"{POLICY}2"}, queue({"schedulingPolicyArn": POLICY}))],
        [update({"schedulingPolicyArn": POLICY}, queue())],
        [update({"priority": 2}, queue())],
    ),
    "JQ018": (
        [limit_action({"maxTimeSeconds": seconds}) for seconds in (600, 86400)],
        [limit_action({"maxTimeSeconds": seconds}) for seconds in (599, 86401)],
        [queue()],
    ),
    "JQ019": (
        [limit_action()],
        [
            limit_action({"action": "TERMINATE"}),
            update(
                {"jobStateTimeLimitActions": limit_action({"action": "TERMINATE"})["jobStateTimeLimitActions"]},
                queue({"jobQueueType": "ECS"}),
            ),
        ],
        [limit_action(base=sagemaker), queue()],
    ),
    "JQ020": (
        [limit_action(base=sagemaker)],
        [limit_action({"action": "CANCEL"}, sagemaker)],
        [limit_action(), queue()],
    ),
    "JQ021": (
        [limit_action()],
        [queue({"jobStateTimeLimitActions": limit_action()["jobStateTimeLimitActions"] * 2})],
        [queue()],
    ),
    "JQ022": (
        [limit_action(), limit_action({"reason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"})],
        [limit_action({"reason": "stuck"}), limit_action({"reason": "UNDETERMINED"})],
        [limit_action({"reason": "stuck"}, sagemaker), queue()],
    ),
    "JQ023": (
        [sagemaker()],
        [sagemaker({"serviceEnvironmentOrder": _SERVICE * 2})],
        [queue()],
    ),
    "JQ024": ([], [update({"jobQueueType": "EKS"}, queue())], [update({"priority": 2}, queue())]),
}

QUEUE |= {
    "JQ025": (
        [queue({"region": "us-east-1"}), queue({"region": "eu-west-1", _FIRST: "e"})],
        [queue({"region": "eu-west-1"})],
        [queue(), sagemaker({"region": "eu-west-1"})],
    ),
    "JQ026": (
        [queue({"region": "us-east-1", "schedulingPolicyArn": POLICY})],
        [queue({"region": "eu-west-1", "schedulingPolicyArn": POLICY})],
        [queue({"schedulingPolicyArn": POLICY}), queue({"region": "eu-west-1"})],
    ),
    "JQ027": (
        [sagemaker({"region": "us-east-1"})],
        [
            sagemaker(
                {
                    "region": "eu-west-1",
                    "serviceEnvironmentOrder[0].serviceEnvironment": POLICY.replace(
                        "scheduling-policy/fair", "service-environment/s"
                    ),
                }
            )
        ],
        [sagemaker(), queue({"region": "eu-west-1"})],
    ),
}

SCHEDULING: dict[str, Cases] = {
    "SP001": (
        [fair(), fair({"/name": "A-b_1"})],
        [fair({"/name": "a b"}), fair({"/name": "a" * 129})],
        [fair({"/name": None})],
    ),
    "SP002": ([fair(), quota()], [quota({"fairsharePolicy": {"shareDecaySeconds": 60}})], []),
    "SP003": (
        [fair({"shareDecaySeconds": seconds}) for seconds in (0, 604800)],
        [fair({"shareDecaySeconds": seconds}) for seconds in (-1, 604801)],
        [quota()],
    ),
    "SP004": ([fair()], [fair({"shareDecaySeconds": 0})], [quota()]),
    "SP005": (
        [fair({"computeReservation": percent}) for percent in (0, 99)],
        [fair({"computeReservation": percent}) for percent in (-1, 100)],
        [fair()],
    ),
    "SP006": (
        [shares(*[f"team{n:03d}" for n in range(500)])],
        [shares(*[f"team{n:03d}" for n in range(501)])],
        [fair()],
    ),
    "SP007": ([shares("a", "b")], [shares("a", "a")], [fair()]),
    "SP008": (
        [shares("UserA*", "UserB*", "UserC1"), shares("ab", "abc")],
        [shares("UserA*", "UserA1"), shares("User*", "UserA*"), shares("*", "b")],
        [fair()],
    ),
    "SP009": (
        [shares("a" * 255), shares(f"{'a' * 255}*")],
        [shares("a" * 256), shares("a*b"), shares("a b"), shares("")],
        [fair()],
    ),
    "SP010": (
        [shares({"shareIdentifier": "a", "weightFactor": weight}) for weight in (0.0001, 1, 999.9999)],
        [shares({"shareIdentifier": "a", "weightFactor": weight}) for weight in (0, 0.00009, 1000)],
        [shares("a")],
    ),
    "SP011": ([quota()], [quota({"quotaSharePolicy.idleResourceAssignmentStrategy": "LIFO"})], [fair()]),
    "SP012": (
        [update({"fairsharePolicy": {"shareDecaySeconds": 60}}, fair())],
        [
            update({"quotaSharePolicy": {"idleResourceAssignmentStrategy": "FIFO"}}, fair()),
            update({"fairsharePolicy": {"shareDecaySeconds": 60}}, quota()),
        ],
        [],
    ),
    "SP013": ([], [update({"name": "other"}, fair())], [update({"fairsharePolicy": {}}, fair())]),
}

SERVICE: dict[str, Cases] = {
    "SE001": (
        [service()],
        [service({"serviceEnvironmentName": "a/b"})],
        [update({"state": "DISABLED"}, service()), service({"serviceEnvironmentName": None})],
    ),
    "SE002": ([service()], [capacity()], [update({"state": "DISABLED"}, service())]),
    "SE003": (
        [capacity(*[(1, f"ml.m{n}.large") for n in range(5)])],
        [capacity(*[(1, f"ml.m{n}.large") for n in range(6)])],
        [update({"state": "DISABLED"}, service())],
    ),
    "SE004": ([capacity((1, "NUM_INSTANCES"))], [capacity((0, "NUM_INSTANCES"))], [service({"capacityLimits": [{}]})]),
    "SE005": (
        [service(), capacity((1, "ml.p4d.24xlarge"))],
        [capacity((1, "m5.large")), capacity((1, "INSTANCES"))],
        [service({"capacityLimits": [{"maxCapacity": 1}]})],
    ),
    "SE006": (
        [capacity((1, "ml.m5.large"), (1, "ml.g5.xlarge"))],
        [capacity((1, "NUM_INSTANCES"), (1, "ml.m5.large"))],
        [service({"capacityLimits": None})],
    ),
    "SE007": (
        [capacity((1, "ml.m5.large"), (1, "ml.g5.xlarge"))],
        [capacity((1, "ml.m5.large"), (2, "ml.m5.large"))],
        [service({"capacityLimits": None})],
    ),
}

_BORROW = "resourceSharingConfiguration.borrowLimit"
_STRATEGY = "resourceSharingConfiguration.strategy"
QUOTA: dict[str, Cases] = {
    "QS001": ([share()], [share({"quotaShareName": "a b"})], [share({"quotaShareName": None})]),
    "QS002": (
        [share()],
        [capacity(base=share), capacity(*[(1, f"ml.m{n}.large") for n in range(6)], base=share)],
        [update({"state": "DISABLED"}, share())],
    ),
    "QS003": ([share()], [capacity((0, "ml.m5.large"), base=share)], [update({"state": "DISABLED"}, share())]),
    "QS004": ([share()], [capacity((1, "m5.large"), base=share)], [update({"state": "DISABLED"}, share())]),
    "QS005": (
        [share()],
        [capacity((1, "ml.m5.large"), (2, "ml.m5.large"), base=share)],
        [update({"state": "DISABLED"}, share())],
    ),
    "QS006": (
        [],
        [share({_BORROW: 50, _STRATEGY: "LEND"}), share({_BORROW: -1, _STRATEGY: "RESERVE"})],
        [share({_BORROW: 50}), share({_STRATEGY: "LEND"})],
    ),
    "QS007": (
        [share({_BORROW: -1}), share({_BORROW: 200})],
        [share({_BORROW: -2})],
        [share(), share({_BORROW: -2, _STRATEGY: "LEND"})],
    ),
    "QS008": (
        [share(), share({"jobQueue": "arn:aws:batch:us-east-1:123456789012:job-queue/q"})],
        [share({"jobQueue": POLICY}), share({"jobQueue": "a b"})],
        [share({"jobQueue": None})],
    ),
    "QS009": ([share({"state": "ENABLED"})], [share({"state": "DISABLED"})], [share()]),
}

CONSUMABLE: dict[str, Cases] = {
    "CR001": (
        [resource()],
        [resource({"consumableResourceName": "a b"})],
        [resource({"consumableResourceName": None})],
    ),
    "CR002": ([resource({"totalQuantity": 0})], [resource({"totalQuantity": -1})], [resource({"totalQuantity": None})]),
    "CR003": (
        [resource({"resourceType": "NON_REPLENISHABLE"})],
        [resource({"resourceType": "replenishable"})],
        [resource()],
    ),
    "CR004": (
        [update({"operation": "ADD"}, resource())],
        [update({"operation": "SUBTRACT"}, resource())],
        [update({"quantity": 1}, resource())],
    ),
    "CR005": (
        [update({"quantity": 0}, resource())],
        [update({"quantity": -1}, resource())],
        [update({"operation": "SET"}, resource())],
    ),
}

_DEFINITION = {
    "jobDefinitionName": "d",
    "type": "container",
    "containerProperties": {
        "image": "busybox",
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
    },
}
TAGS: dict[str, Cases] = {
    rule_id: (
        [{**sound, "tags": {"team": "aws:x", "awsome": "y"}}],
        [{**sound, "tags": {"aws:team": "x"}}, {**sound, "tags": {"AWS:team": "x"}}],
        [sound],
    )
    for rule_id, sound in (
        ("TG101", ec2()),
        ("TG102", queue()),
        ("TG103", _DEFINITION),
        ("TG104", fair()),
        ("TG105", resource()),
        ("TG106", service()),
        ("TG107", share()),
    )
}

CASES: dict[str, Cases] = {**QUEUE, **SCHEDULING, **SERVICE, **QUOTA, **CONSUMABLE, **TAGS}
