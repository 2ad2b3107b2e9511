"""A broken program: every finding at once, on its component, before anything is registered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batchiac.errors import FindingsError, UserError


def findings_of(error: UserError) -> set[tuple[str, str]]:
    """(resource, property) of every finding, from the error's findings or from what was logged with it."""
    if isinstance(error, FindingsError):
        return {(each.resource, each.property) for each in error.findings}  # type: ignore[attr-defined]
    lines = [note.split(":")[0].split(" ")[1] for note in error.__notes__]
    return {(line.partition(".")[0], line.partition(".")[2]) for line in lines}


def test_all_findings_are_reported_and_nothing_exists(stack: Any, write: Callable[..., Path]) -> None:
    """Findings of one resource, of another, and one that takes two resources, in one run; nothing was created."""
    before = len(stack.client("ec2").describe_vpcs()["Vpcs"])
    program = write(
        """
        small = environment("small", max_vcpus=4, min_vcpus=8)
        fargate = batch.ManagedComputeEnvironment("fargate", network=network, compute="FARGATE", max_vcpus=4)
        mixed = batch.JobQueue("mixed", priority=1, compute_environments=[small, fargate])
        job = batch.ContainerJobDefinition(
            "job", container=batch.Container("busybox", vcpus=1, memory_mib=512), retry=11, timeout_s=5
        )
        """
    )
    with pytest.raises(UserError) as caught:
        stack.up(program)
    found = findings_of(caught.value)
    assert {
        ("small", "computeResources.maxvCpus"),
        ("job", "retryStrategy.attempts"),
        ("job", "timeout.attemptDurationSeconds"),
    } <= found
    assert "mixed" in {name for name, _ in found}
    assert len(stack.client("ec2").describe_vpcs()["Vpcs"]) == before


BROKEN: tuple[tuple[str, set[tuple[str, str]]], ...] = (
    (
        """
        fifo = batch.JobQueue("fifo", priority=1, service_environments=[plain])
        batch.QuotaShare("share", queue=fifo, capacity_limits={"ml.m5.large": 1}, strategy="RESERVE")
        """,
        {("share", "jobQueue")},
    ),
    (
        """
        quota = batch.SchedulingPolicy("quota", quota_shares="FIFO")
        batch.JobQueue("queue", priority=1, service_environments=[plain], scheduling_policy=quota)
        """,
        {("queue", "schedulingPolicyArn")},
    ),
    (
        """
        batch.JobQueue("queue", priority=1, service_environments=[plain, plain])
        batch.JobQueue("none", priority=1)
        """,
        {("queue", "serviceEnvironmentOrder"), ("none", "computeEnvironmentOrder")},
    ),
    (
        """
        batch.SchedulingPolicy("both", shares={"a": 1}, quota_shares="FIFO")
        batch.ConsumableResource("less", total_quantity=-1)
        batch.ServiceEnvironment("mixed", capacity_limits={"NUM_INSTANCES": 1, "ml.m5.large": 0})
        """,
        {
            ("both", "quotaSharePolicy"),
            ("less", "totalQuantity"),
            ("mixed", "capacityLimits"),
            ("mixed", "capacityLimits[1].maxCapacity"),
        },
    ),
    (
        """
        batch.QuotaShare("a", queue="q", capacity_limits={"ml.m5.large": 1}, strategy="LEND", borrow_limit=5)
        batch.ContainerJobDefinition(
            "job", container=batch.Container("busybox", vcpus=1, memory_mib=512),
            consumes=[batch.Consumes(f"r{number}") for number in range(6)],
        )
        """,
        {
            ("a", "resourceSharingConfiguration.borrowLimit"),
            ("job", "consumableResourceProperties.consumableResourceList"),
        },
    ),
)


@pytest.mark.parametrize(("lines", "wanted"), BROKEN)
def test_training_and_resources_are_judged_with_what_they_refer_to(
    stack: Any, write: Callable[..., Path], lines: str, wanted: set[tuple[str, str]]
) -> None:
    """Shares, queues, environments and resources: within one and across those that components lead to."""
    head = """
import batchiac.components as batch
plain = batch.ServiceEnvironment("plain", capacity_limits={"NUM_INSTANCES": 3})
"""
    with pytest.raises(UserError) as caught:
        stack.up(write(lines, head=head))
    assert findings_of(caught.value) == wanted
    assert stack.client("batch").describe_service_environments()["serviceEnvironments"] == []


def test_a_job_that_takes_more_than_there_is_is_warned_of(
    run: Callable[..., Any], stack: Any, write: Callable[..., Path]
) -> None:
    """The definition refers to the resource by its component, so the rules see both."""
    deployment = run(
        """
        import batchiac.components as batch
        licence = batch.ConsumableResource("licence", total_quantity=3)
        batch.ContainerJobDefinition(
            "job", container=batch.Container("busybox", vcpus=1, memory_mib=512), consumes=[batch.Consumes(licence, 4)]
        )
        """,
        head="",
    )
    said = [each.message for each in deployment.preview().diagnostics if each.severity == "warning"]
    assert any("ST018" in each and "licence has 3 in all, so the job waits for ever" in each for each in said), said


def test_the_update_policy_is_judged_too(stack: Any, write: Callable[..., Path]) -> None:
    """What only the Update API takes is judged as the update that it becomes."""
    program = write('environment("one", update_policy=batch.UpdatePolicy(job_minutes=99_999))')
    with pytest.raises(UserError) as caught:
        stack.up(program)
    assert findings_of(caught.value) == {("one", "updatePolicy.jobExecutionTimeoutMinutes")}


def test_an_output_that_resolves_by_itself_is_judged(stack: Any, write: Callable[..., Path]) -> None:
    """A value that comes through an Output, as a secret of the config does, is no way around the rules."""
    program = write(
        """
        job = batch.ContainerJobDefinition(
            "job",
            container=batch.Container("busybox", vcpus=1, memory_mib=512),
            wire={"timeout": {"attemptDurationSeconds": pulumi.Output.from_input(5)}},
        )
        """
    )
    with pytest.raises(UserError) as caught:
        stack.up(program)
    assert findings_of(caught.value) == {("job", "timeout.attemptDurationSeconds")}


def test_an_asynchronous_program_is_judged_as_well(stack: Any, write: Callable[..., Path]) -> None:
    """What is declared after an await is judged with what came before; what came before may exist by then."""
    program = write(
        """
        async def main():
            work = environment("work")
            await work.arn_output.future()
            batch.JobQueue("queue", priority=1, compute_environments=[work], time_limits=[
                batch.TimeLimit("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", 5)])
            return {}
        pulumi.run(main)
        """
    )
    with pytest.raises(UserError) as caught:
        stack.up(program)
    assert {resource for resource, _ in findings_of(caught.value)} == {"queue"}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("  infra:maxVcpu: 5\n", r"unknown config key .*:maxVcpu; did you mean .*:maxVcpus\?"),
        ("  infra:maxVcpus: many\n", r"config key .*:maxVcpus is 'many': it takes a whole number"),
        ("  infra:maxVcpus: 1\n  infra:kind: blue\n", r"config key .*:kind is 'blue': allowed are red, green"),
        ("", r"config key .*:maxVcpus is missing: set it in the stack's file"),
    ],
)
def test_config_is_read_strictly(stack: Any, write: Callable[..., Path], config: str, sentence: str) -> None:
    """Unknown keys with the nearest known one, values of another type, values outside the allowed, missing ones."""
    program = write(
        """
        KEYS = {"maxVcpus": batch.Key(int), "kind": batch.Key(str, "red", ("red", "green"))}
        batch.read_config(KEYS)
        """,
        config,
    )
    with pytest.raises(UserError, match=sentence) as caught:
        stack.up(program)
    assert caught.value.exit_code == 2


def test_a_finding_on_a_secret_does_not_say_it(stack: Any, write: Callable[..., Path]) -> None:
    """What is wrong and where, with `[secret]` for what was found: also where the rule cuts a long value."""
    long = "".join(f"Long{index}!" for index in range(20))
    program = write(
        f"""
        word, long = pulumi.Output.secret("sword !fish"), pulumi.Output.secret("{long}")
        container = {{"image": word, "vcpus": 1, "memory": 256, "environment": [{{"name": "A", "value": word}}]}}
        batch.WireResource("JobDefinition", "bad", {{"type": "container", "jobDefinitionName": long,
            "schedulingPriority": word, "containerProperties": container}})
        """
    )
    with pytest.raises(UserError) as caught:
        stack.up(program)
    said = "\n".join([str(caught.value), *caught.value.__notes__])
    assert "containerProperties.image is '[secret]'" in said
    assert "jobDefinitionName is '[secret]" in said
    assert "schedulingPriority is '[secret]'" in said
    assert "sword" not in said
    assert "Long" not in said
