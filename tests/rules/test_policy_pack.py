"""The policy pack's policies, called with arguments as the analyzer hands them over (proxies, sentinels, floats).

The analyzer plugin itself is not part of these tests: nothing here shows what `pulumi preview --policy-pack` does.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError, unknown_checking_proxy

from batchiac.model.unknown import UNKNOWN
from batchiac.policy_pack.arguments import plain
from batchiac.policy_pack.policies import make_policies
from batchiac.rules.catalogue import read_catalogue

CE = "aws:batch/computeEnvironment:ComputeEnvironment"
JQ = "aws:batch/jobQueue:JobQueue"
JD = "aws:batch/jobDefinition:JobDefinition"
OPTIONS = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


@cache
def policies() -> dict[str, Policy]:
    """The pack, by policy name."""
    return {each.name: each for each in make_policies()}


def ask(name: str, token: str, properties: dict[str, Any]) -> list[str]:
    """What one resource policy reports of one resource."""
    said: list[str] = []
    args = ResourceValidationArgs(
        token, unknown_checking_proxy(properties), f"urn:pulumi:s::p::{token}::r", "r", OPTIONS, None, {}
    )
    policies()[name].validate(args, lambda message, urn=None: said.append(message))  # type: ignore[attr-defined]
    return said


def environment(**resources: Any) -> dict[str, Any]:
    """A compute environment's inputs as pulumi_aws has them; numbers as the wire has them."""
    return {"name": "e", "type": "MANAGED", "computeResources": {"type": "EC2", "maxVcpus": 16.0, **resources}}


def test_a_policy_reports_what_its_row_forbids() -> None:
    """bidPercentage 120 is reported by ce013, in the row's words and AWS's."""
    said = ask("ce013", CE, environment(type="SPOT", bidPercentage=120.0))
    assert len(said) == 1
    assert "computeResources.bidPercentage is 120; 0 to 100" in said[0]
    assert "AWS: Bid percentage must be between 0 to 100." in said[0]


def test_a_policy_is_silent_about_what_is_right_and_what_is_not_its_own() -> None:
    """Good values, other rules' findings, and resources of other kinds or providers are none of its business."""
    assert ask("ce013", CE, environment(type="SPOT", bidPercentage=60.0)) == []
    assert ask("ce013", JQ, {"name": "q", "priority": 1.0}) == []
    assert ask("ce013", "aws:s3/bucket:Bucket", {"bucket": "b"}) == []


def test_a_job_definitions_json_text_is_opened() -> None:
    """containerProperties is JSON text in pulumi_aws."""
    properties = {"name": "d", "type": "container", "containerProperties": '{"image": "b c"}'}
    assert len(ask("jd103", JD, properties)) == 1


def test_a_value_not_yet_known_is_said_to_be_unchecked() -> None:
    """The analyzer's own error says that the policy could not run in a preview; it is not a pass."""
    with pytest.raises(UnknownValueError) as raised:
        ask("ce013", CE, environment(type="SPOT", bidPercentage=UNKNOWN_STRING_VALUE))
    assert "computeResources.bidPercentage" in raised.value.message


def test_what_is_known_is_reported_before_what_is_not() -> None:
    """A broken element is reported although another one is not yet known."""
    environment_variables = [{"name": "AWS_BATCH_X", "value": "1"}, {"name": UNKNOWN_STRING_VALUE, "value": "2"}]
    said: list[str] = []
    properties = {
        "jobDefinitionName": "d",
        "type": "container",
        "containerProperties": {"environment": environment_variables},
    }
    args = ResourceValidationArgs(
        "pulumi-python:dynamic/batch:JobDefinition", unknown_checking_proxy(properties), "urn", "r", OPTIONS, None, {}
    )
    with pytest.raises(UnknownValueError):
        policies()["jd118"].validate(args, lambda message, urn=None: said.append(message))  # type: ignore[attr-defined]
    assert len(said) == 1


def test_proxies_become_plain_values() -> None:
    """Sentinels at any depth are UNKNOWN, whole floats integers, fractions stay."""
    value = {"a": [1.0, {"b": UNKNOWN_STRING_VALUE}], "c": 0.5, "d": None, "e": True}
    assert plain(unknown_checking_proxy(value)) == {"a": [1, {"b": UNKNOWN}], "c": 0.5, "d": None, "e": True}
    assert isinstance(plain(unknown_checking_proxy({"n": 3.0}))["n"], int)


def stack_resource(
    token: str, name: str, properties: dict[str, Any], **depends: list[PolicyResource]
) -> PolicyResource:
    """One resource of a stack as the analyzer shows it."""
    urn = f"urn:pulumi:s::p::{token}::{name}"
    return PolicyResource(token, unknown_checking_proxy(properties), urn, name, OPTIONS, None, None, [], depends)


def test_a_stack_policy_sees_across_resources() -> None:
    """A queue that mixes EC2 and Fargate is reported at the queue, although no environment has an ARN yet."""
    first = stack_resource(CE, "ec2", {"name": "ec2", "type": "MANAGED", "computeResources": {"type": "EC2"}})
    second = stack_resource(CE, "fargate", {"name": "f", "type": "MANAGED", "computeResources": {"type": "FARGATE"}})
    order = [{"order": float(each), "computeEnvironment": UNKNOWN_STRING_VALUE} for each in (1, 2)]
    queue = stack_resource(
        JQ,
        "q",
        {"name": "q", "priority": 1.0, "computeEnvironmentOrders": order},
        computeEnvironmentOrders=[first, second],
    )
    reported: list[tuple[str, str | None, str]] = []
    for name, policy in policies().items():
        if isinstance(policy, StackValidationPolicy):
            try:
                policy.validate(
                    StackValidationArgs([first, second, queue]),
                    lambda message, urn=None, name=name: reported.append((name, urn, message)),
                )
            except UnknownValueError:
                continue
    mixed = [each for each in reported if "Fargate" in each[2] and each[1] == queue.urn]
    assert mixed, reported


def test_every_row_of_a_pulumi_aws_resource_is_a_policy() -> None:
    """The pack leaves none of the rows out, and errors are mandatory."""
    kinds = {"ComputeEnvironment", "JobQueue", "JobDefinition", "SchedulingPolicy", "LaunchTemplate", "Role"}
    for rule in read_catalogue().values():
        if rule.kind in kinds and rule.dialect != "update":
            policy = policies()[rule.id.lower()]
            mandatory = policy.enforcement_level is EnforcementLevel.MANDATORY
            assert mandatory == (rule.level.value == "error")
            assert policy.url == rule.source


def test_the_pack_answers_over_the_analyzers_protocol() -> None:
    """The pack's folder, run as Python runs it, names its policies and judges one recorded request."""
    import subprocess
    import sys
    from pathlib import Path

    import grpc
    from google.protobuf import empty_pb2, struct_pb2
    from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

    import batchiac.policy_pack

    folder = Path(batchiac.policy_pack.__file__).parent
    assert (folder / "PulumiPolicy.yaml").is_file()
    properties = struct_pb2.Struct()
    properties.update(environment(type="SPOT", bidPercentage=120, instanceRole=UNKNOWN_STRING_VALUE))
    with subprocess.Popen([sys.executable, str(folder)], stdout=subprocess.PIPE) as serving:
        try:
            assert serving.stdout is not None
            port = int(serving.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                analyzer = analyzer_pb2_grpc.AnalyzerStub(channel)
                info = analyzer.GetAnalyzerInfo(empty_pb2.Empty())
                answer = analyzer.Analyze(
                    analyzer_pb2.AnalyzeRequest(
                        type=CE, properties=properties, urn=f"urn:pulumi:s::p::{CE}::e", name="e"
                    )
                )
        finally:
            serving.terminate()
    assert len(info.policies) == len(policies())
    said = {each.policyName: each.message for each in answer.diagnostics}
    assert "bidPercentage is 120" in said["ce013"]
    assert "during preview" in said["ce026"]
