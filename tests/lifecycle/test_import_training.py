"""Imports of consumable resources, and of what SageMaker training stands on: environments, queues, quota shares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from import_world import ImportWorld, ops, refusal
from test_import_account import import_, require_formatted, require_no_change
from test_import_command import Line

from batchiac.cli import session
from batchiac.errors import FindingsError, UserError
from batchiac.testing import TestStack, local_stack

TRAINING = "SAGEMAKER_TRAINING"
SIZE = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
CONTAINER = {"image": "busybox", "resourceRequirements": SIZE}


@pytest.fixture
def aws() -> Iterator[TestStack]:
    with local_stack(projections=False) as stack:
        yield stack


@pytest.fixture
def world(tmp_path: Path, aws: TestStack) -> ImportWorld:
    return ImportWorld(tmp_path / "project", aws)


def limits(**by_unit: int) -> list[dict[str, Any]]:
    return [{"maxCapacity": most, "capacityUnit": unit.replace("__", ".")} for unit, most in by_unit.items()]


def make(world: ImportWorld) -> None:
    """Resources, environments, queues and shares of every sort, with defaults, tags and a generated name."""
    batch, settle = world.batch, world.aws.clock.run_until_idle
    batch.create_consumable_resource(consumableResourceName="licence", totalQuantity=5, tags={"team": "a"})
    batch.create_consumable_resource(
        consumableResourceName="credits", totalQuantity=100, resourceType="NON_REPLENISHABLE"
    )
    batch.create_consumable_resource(consumableResourceName="none")
    batch.create_consumable_resource(consumableResourceName="tokens-3f2a1bc", totalQuantity=1)
    for name, found in (("plain", limits(NUM_INSTANCES=9)), ("typed", limits(ml__m5__large=8, ml__g5__xlarge=2))):
        batch.create_service_environment(
            serviceEnvironmentName=name, serviceEnvironmentType=TRAINING, capacityLimits=found
        )
    batch.create_service_environment(
        serviceEnvironmentName="off",
        serviceEnvironmentType=TRAINING,
        capacityLimits=limits(NUM_INSTANCES=1),
        state="DISABLED",
        tags={"team": "b"},
    )
    quota = batch.create_scheduling_policy(name="quota", quotaSharePolicy={"idleResourceAssignmentStrategy": "FIFO"})
    fair = batch.create_scheduling_policy(
        name="fair", fairsharePolicy={"shareDistribution": [{"shareIdentifier": "a", "weightFactor": 0.5}]}
    )
    settle()
    for name, environment, policy in (
        ("training", "typed", quota),
        ("other", "typed", quota),
        ("fair", "plain", fair),
        ("first", "plain", None),
    ):
        batch.create_job_queue(
            jobQueueName=name,
            priority=3,
            jobQueueType=TRAINING,
            serviceEnvironmentOrder=[{"order": 4, "serviceEnvironment": environment}],
            **({} if policy is None else {"schedulingPolicyArn": policy["arn"]}),
        )
    settle()
    for queue, name, strategy, in_share, more in (
        ("training", "research", {"strategy": "LEND_AND_BORROW", "borrowLimit": 50}, "ENABLED", {"tags": {"a": "b"}}),
        ("training", "team-3f2a1bc", {"strategy": "RESERVE"}, "DISABLED", {}),
        ("training", "idle", {"strategy": "LEND_AND_BORROW"}, "DISABLED", {"state": "DISABLED"}),
        ("other", "research", {"strategy": "LEND"}, "DISABLED", {}),
    ):
        batch.create_quota_share(
            quotaShareName=name,
            jobQueue=queue,
            capacityLimits=limits(ml__m5__large=2),
            resourceSharingConfiguration=strategy,
            preemptionConfiguration={"inSharePreemption": in_share},
            **more,
        )
    settle()
    define(world)


def define(world: ImportWorld) -> None:
    """Definitions that call resources by name and by ARN, one that does not exist, and nodes that take some."""

    def needing(*needs: tuple[str, int]) -> dict[str, Any]:
        return {"consumableResourceList": [{"consumableResource": each, "quantity": count} for each, count in needs]}

    def register(name: str, type_: str = "container", **more: Any) -> None:
        world.batch.register_job_definition(jobDefinitionName=name, type=type_, **more)

    arn = "arn:aws:batch:us-east-1:123456789012:consumable-resource/"
    register(
        "by-name",
        containerProperties=CONTAINER,
        consumableResourceProperties=needing(("licence", 2), ("tokens-3f2a1bc", 1)),
    )
    register("by-arn", containerProperties=CONTAINER, consumableResourceProperties=needing((arn + "credits", 7)))
    register("lost", containerProperties=CONTAINER, consumableResourceProperties=needing(("gone", 1)))
    ranges = [
        {"targetNodes": "0:", "container": CONTAINER, "consumableResourceProperties": needing((arn + "licence", 1))}
    ]
    register("gang", "multinode", nodeProperties={"numNodes": 2, "mainNode": 0, "nodeRangeProperties": ranges})


def everything(world: ImportWorld) -> dict[str, Any]:
    """All of these kinds that the account holds."""
    batch = world.batch
    queues = batch.describe_job_queues()["jobQueues"]
    consumables = [
        batch.describe_consumable_resource(consumableResource=each["consumableResourceArn"])
        for each in batch.list_consumable_resources()["consumableResources"]
    ]
    return {
        "queues": queues,
        "policies": batch.list_scheduling_policies()["schedulingPolicies"],
        "environments": batch.describe_service_environments()["serviceEnvironments"],
        "shares": [batch.list_quota_shares(jobQueue=each["jobQueueName"])["quotaShares"] for each in queues],
        "consumables": [{key: each[key] for key in each if key != "ResponseMetadata"} for each in consumables],
        "definitions": batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"],
    }


def test_an_account_becomes_components(world: ImportWorld) -> None:
    """Each kind is said by its component, with references between them; nothing changes, and all is destroyed."""
    make(world)
    before = everything(world)
    imports = import_(world)
    require_no_change(world)
    assert everything(world) == before
    require_formatted(world.program)
    assert [(each.kind, each.name) for each in imports.left] == [("ConsumableResource", "gone")]
    for line in (
        'credits = batch.ConsumableResource(',
        "    replenishable=False,",
        'tokens = batch.ConsumableResource("tokens", total_quantity=1)',
        '    capacity_limits={"ml.m5.large": 8, "ml.g5.xlarge": 2},',
        'batch.SchedulingPolicy("quota", quota_shares="FIFO", policy_name="quota")',
        "    service_environments=[typed],",
        "    scheduling_policy=quota,",
        "    queue=training,",
        '    strategy="LEND_AND_BORROW",',
        "    in_share_preemption=True,",
        '    quota_share_name="team-3f2a1bc",',
        "    consumes=[batch.Consumes(licence, 2), batch.Consumes(tokens, 1)],",
        "    consumes=[batch.Consumes(credits, 7)],",
        '    consumes=[batch.Consumes("gone", 1)],',
    ):  # fmt: skip
        assert line in imports.code, imports.code
    # What nodes take one by one is said in the API's words.
    assert [line for line in imports.code.splitlines() if "WireResource" in line] == ["batch.WireResource("]
    assert '"consumableResource": licence.arn' in imports.code
    world.destroy()
    assert not any(each for key, each in everything(world).items())


def test_what_jobs_use_up_later_is_no_change(world: ImportWorld) -> None:
    """The program says how much there was at the import; jobs go on using it up."""
    make(world)
    world.batch.update_consumable_resource(consumableResource="credits", operation="REMOVE", quantity=40)
    imports = import_(world, {"ConsumableResource": ["credits"]})
    assert "total_quantity=60" in imports.code
    world.batch.update_consumable_resource(consumableResource="credits", operation="REMOVE", quantity=25)
    require_no_change(world)
    assert world.batch.describe_consumable_resource(consumableResource="credits")["totalQuantity"] == 35


FOLLOWED: tuple[tuple[dict[str, list[str]], set[str]], ...] = (
    ({"JobQueue": ["training"]}, {"typed", "quota", "training", "research", "idle", "team"}),
    ({"JobQueue": ["first"]}, {"plain", "first"}),
    ({"QuotaShare": ["other/research"]}, {"typed", "quota", "other", "research"}),
    ({"JobDefinition": ["by-name"]}, {"by-name", "licence", "tokens"}),
    ({"JobDefinition": ["gang"]}, {"gang", "licence"}),
    ({"ServiceEnvironment": ["off"]}, {"off"}),
    ({"ConsumableResource": ["arn:aws:batch:us-east-1:123456789012:consumable-resource/none"]}, {"none"}),
)


@pytest.mark.parametrize(("names", "wanted"), FOLLOWED, ids=[str(names) for names, _ in FOLLOWED])
def test_one_is_imported_with_what_it_refers_to(
    world: ImportWorld, names: dict[str, list[str]], wanted: set[str]
) -> None:
    """A queue brings its environment, policy and shares; a share its queue; a definition its consumable resources."""
    make(world)
    import_(world, names, groups=())
    assert {state.name for state in world.resources()} == wanted
    require_no_change(world)


NOTHING: tuple[tuple[str, str, str], ...] = (
    ("ConsumableResource", "licences", "there is no ConsumableResource licences in 123456789012, us-east-1: near: lic"),
    ("ServiceEnvironment", "type", "there is no ServiceEnvironment type in 123456789012, us-east-1: near: typed"),
    ("QuotaShare", "first/research", "there is no QuotaShare first/research"),
    ("QuotaShare", "research", "several quota shares of the name research: say which, other/research, training/res"),
    ("QuotaShare", "arn:aws:batch:us-east-1:123456789012:job-queue/training/quota-share/x", "there is no QuotaShare"),
    ("QuotaShare", "arn:aws:batch:us-east-1:123456789012:job-queue/nowhere/quota-share/x", "there is no QuotaShare"),
)


def test_what_does_not_exist_is_said(world: ImportWorld) -> None:
    """Unknown names with near ones, and a share's name that two queues have."""
    make(world)
    for kind, name, words in NOTHING:
        error = refusal(lambda kind=kind, name=name: import_(world, {kind: [name]}))  # type: ignore[misc]
        assert isinstance(error, UserError)
        assert words in error.message
    assert world.resources() == []


def test_the_options_of_the_command(
    world: ImportWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name, ARN and `queue/name`; a share's name that is its own needs no queue."""
    make(world)
    monkeypatch.setattr(session.Session, "door", property(lambda _session: world.door))
    monkeypatch.setattr(session.Session, "handlers", lambda _session, token: world.handlers(token))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")
    line = Line(world, capsys)
    looked = line.run("--quota-share", "idle", "--preview-only")
    assert looked.code == 0, looked.err
    assert "=  batch:QuotaShare idle  import" in looked.err
    ended = line.run(
        *("--consumable-resource", "licence", "--consumable-resource", "none"),
        *("--service-environment", "arn:aws:batch:us-east-1:123456789012:service-environment/off"),
        *("--quota-share", "other/research", "--yes"),
    )
    assert ended.code == 0, ended.err
    names = {"licence", "none", "off", "research", "other", "typed", "quota"}
    assert {state.name for state in world.resources()} == names
    assert not world.preview().has_changes


def test_the_option_of_a_component(world: ImportWorld) -> None:
    """`import_` takes each into the state; a program that differs is told in what."""
    make(world)
    arn = "arn:aws:batch:us-east-1:123456789012:"
    lines = f"""
taken = lambda rest: pulumi.ResourceOptions(import_="{arn}" + rest)
batch.ConsumableResource("a", total_quantity=5, tags={{"team": "a"}}, opts=taken("consumable-resource/licence"))
batch.ServiceEnvironment("b", capacity_limits={{"NUM_INSTANCES": 9}}, opts=taken("service-environment/plain"))
batch.QuotaShare(
    "c", queue="training", capacity_limits={{"ml.m5.large": 2}}, strategy="RESERVE",
    opts=taken("job-queue/training/quota-share/team-3f2a1bc"),
)
"""
    world.write(lines.replace("total_quantity=5", "total_quantity=6").replace('"RESERVE"', '"LEND"'))
    error = refusal(world.up)
    assert isinstance(error, FindingsError)
    messages = {each.property: each.message for each in error.findings}  # type: ignore[attr-defined]
    assert set(messages) == {"totalQuantity", "resourceSharingConfiguration.strategy"}
    assert "is 5 there, and 6 in the program" in messages["totalQuantity"]
    world.write(lines)
    assert ops(world.up()) == {
        "ConsumableResource a": "import",
        "ServiceEnvironment b": "import",
        "QuotaShare c": "import",
    }
    assert not world.preview(refresh=True).has_changes
    assert world.changing == []
