"""`batchiac import`: an account becomes a program and a state whose preview is empty."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from import_world import TRUST, ImportWorld, ops, refusal

from batchiac.deploy.importing.account import Imports, import_existing
from batchiac.errors import AwsRefusal, UserError
from batchiac.provider.existing import NAMEABLE, Wanted, find_existing
from batchiac.testing import TestStack, local_stack

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def aws() -> Iterator[TestStack]:
    with local_stack() as stack:
        yield stack


@pytest.fixture
def world(tmp_path: Path, aws: TestStack) -> ImportWorld:
    return ImportWorld(tmp_path / "project", aws)


def import_(
    world: ImportWorld,
    names: Mapping[str, Sequence[str]] | None = None,
    *,
    groups: tuple[str, ...] = ("roles",),
    out: Path | None = None,
    protect: bool = False,
    **chosen: str,
) -> Imports:
    """Import what is named, or all; the program becomes the project's own unless `out` says otherwise."""
    door = world.door
    imports = import_existing(
        world.stack(),
        world.handlers,
        lambda managed: find_existing(door, Wanted(names or {}, names is None, frozenset(groups), managed)),
        title="As it was found.",
        out=out or world.program,
        names={key.replace("_", "-"): each for key, each in chosen.items()},
        protect=protect,
        approve=lambda _: True,
        on_event=lambda _: None,
    )
    assert imports is not None
    return imports


def require_no_change(world: ImportWorld) -> None:
    """Neither a preview nor a preview after a look at AWS nor an `up` changes anything."""
    assert ops(world.preview()) == {}
    plan = world.preview(refresh=True)
    assert ops(plan) == {}
    assert not [step for step in plan.drift if step.changes_something], "drift"
    assert ops(world.up()) == {}
    assert world.changing == []


def require_formatted(path: Path) -> None:
    """The file is as `ruff format` leaves it, at two lengths of lines, and `ruff check` has nothing to say."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    assert ruff is not None, "ruff is among the development requirements"
    for arguments in (
        ["format", "--check", "--isolated", "--diff"],
        ["format", "--check", "--isolated", "--diff", "--line-length", "120"],
        ["check", "--isolated", "--select", "E4,E7,E9,F,I,Q,W,UP,B"],
    ):
        done = subprocess.run([ruff, *arguments, str(path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_project_s_own_program_comes_back(aws: TestStack, world: ImportWorld) -> None:
    """Deployed, its state forgotten, imported: the generated program changes nothing and destroys everything."""
    aws.up(ROOT, "local")
    before = everything(world)
    imports = import_(world, groups=("roles", "network"))
    require_no_change(world)
    assert everything(world) == before
    require_formatted(world.program)
    assert imports.left == ()
    for line in (
        "on_demand = batch.ManagedComputeEnvironment(",
        "    launch_template=node,",
        "    placement_group=cluster,",
        "    compute_environments=[on_demand, spot],",
        "    retry=batch.Retry(3, batch.RETRY_ON_HOST_LOSS),",
        "batch.MultiNodeJobDefinition(",
    ):
        assert line in imports.code
    world.destroy()
    left = everything(world)
    assert [left[kind] for kind in ("environments", "queues", "definitions", "profiles", "templates")] == [[]] * 5
    # Nothing refers to the Spot fleet role, so nobody knew that it was one of these.
    assert [each["RoleName"].rpartition("-")[0] for each in left["roles"]] == ["batch-spot-fleet"]
    assert all(each["IsDefault"] for each in left["vpcs"])


def everything(world: ImportWorld) -> dict[str, list[Any]]:
    """All that the account holds of what an import could touch."""
    batch, ec2, iam = world.batch, world.ec2, world.iam
    return {
        "environments": batch.describe_compute_environments()["computeEnvironments"],
        "queues": batch.describe_job_queues()["jobQueues"],
        "definitions": batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"],
        "profiles": iam.list_instance_profiles()["InstanceProfiles"],
        "roles": [each for each in iam.list_roles()["Roles"] if "/aws-service-role/" not in each["Path"]],
        "templates": ec2.describe_launch_templates()["LaunchTemplates"],
        "vpcs": ec2.describe_vpcs()["Vpcs"],
        "subnets": ec2.describe_subnets()["Subnets"],
        "groups": ec2.describe_security_groups()["SecurityGroups"],
        "tables": ec2.describe_route_tables()["RouteTables"],
    }


def varied_account(world: ImportWorld) -> None:
    """Environments, queues, policies and definitions of every sort, with odd casing, nulls, defaults and tags."""
    batch, ec2 = world.batch, world.ec2
    network = world.network()
    profile = world.profile("ecsInstanceRole")
    for role, path, service in (
        ("fleet", "/spot/", "spotfleet"),
        ("BatchServiceRole", "/", "batch"),
        ("job-role", "/", "ecs-tasks"),
    ):
        trust = json.dumps(TRUST).replace("ec2.amazonaws.com", f"{service}.amazonaws.com")
        world.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust, Path=path)
    template = ec2.create_launch_template(
        LaunchTemplateName="Nodes-(big)",
        LaunchTemplateData={"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 60}}]},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": [{"Key": "k", "Value": 'it\'s "so"'}]}],
    )["LaunchTemplate"]["LaunchTemplateId"]
    ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData={"EbsOptimized": True})
    ec2.create_placement_group(GroupName="close", Strategy="cluster")
    fleet = "arn:aws:iam::123456789012:role/spot/fleet"
    service = "arn:aws:iam::123456789012:role/BatchServiceRole"

    made = [
        world.environment("plain", network, profile),
        world.environment("Camel_Case-01", network, profile, allocationStrategy=None, instanceTypes=["optimal"]),
        world.environment("work-3f2a1bc", network, profile, desiredvCpus=4, minvCpus=4, tags={"Name": "node"}),
        world.environment("named-profile", network, "ecsInstanceRole", ec2KeyPair="", imageId=""),
        world.environment(
            "latest",
            network,
            profile,
            launchTemplate={"launchTemplateId": template, "version": "$Latest"},
            placementGroup="close",
            ec2Configuration=[{"imageType": "ECS_AL2023", "imageIdOverride": "ami-12345678"}],
            scalingPolicy={"minScaleDownDelayMinutes": 30},
        ),
        world.environment("second", network, profile, launchTemplate={"launchTemplateId": template, "version": "2"}),
        world.environment("first", network, profile, launchTemplate={"launchTemplateId": template, "version": "1"}),
        world.environment("by-name", network, profile, launchTemplate={"launchTemplateName": "Nodes-(big)"}),
        world.environment(
            "cheap",
            network,
            profile,
            type="SPOT",
            bidPercentage=60,
            allocationStrategy="BEST_FIT",
            spotIamFleetRole=fleet,
        ),
        world.environment(
            "cheap-100", network, profile, type="SPOT", bidPercentage=100, allocationStrategy="SPOT_CAPACITY_OPTIMIZED"
        ),
    ]
    fargate = {"type": "FARGATE", "maxvCpus": 16, **{key: network[key] for key in ("subnets", "securityGroupIds")}}
    for name, kind in (("serverless", "FARGATE"), ("serverless-spot", "FARGATE_SPOT")):
        batch.create_compute_environment(
            computeEnvironmentName=name,
            type="MANAGED",
            computeResources={**fargate, "type": kind},
            tags={"a": "1", "B": ""},
        )
    batch.create_compute_environment(
        computeEnvironmentName="own", type="UNMANAGED", serviceRole=service, unmanagedvCpus=8, state="ENABLED"
    )
    batch.create_compute_environment(
        computeEnvironmentName="pods",
        type="MANAGED",
        eksConfiguration={
            "eksClusterArn": "arn:aws:eks:us-east-1:123456789012:cluster/k",
            "kubernetesNamespace": "batch",
        },
        computeResources={
            "type": "EC2",
            "allocationStrategy": "BEST_FIT_PROGRESSIVE",
            "minvCpus": 0,
            "maxvCpus": 8,
            "ec2Configuration": [{"imageType": "EKS_AL2023"}],
            "instanceTypes": ["m5"],
            "subnets": network["subnets"],
            "securityGroupIds": network["securityGroupIds"],
            "instanceRole": profile,
        },
    )
    world.aws.clock.run_until_idle()
    batch.update_compute_environment(computeEnvironment="serverless", state="DISABLED")
    batch.update_compute_environment(
        computeEnvironment="plain", updatePolicy={"terminateJobsOnUpdate": True, "jobExecutionTimeoutMinutes": 5}
    )
    fair = batch.create_scheduling_policy(
        name="fair",
        fairsharePolicy={
            "shareDecaySeconds": 0,
            "shareDistribution": [{"shareIdentifier": "b*"}, {"shareIdentifier": "a", "weightFactor": 0.1}],
        },
    )["arn"]
    batch.create_scheduling_policy(name="none")
    world.queue("High Priority".replace(" ", "_"), made[0], made[1], schedulingPolicyArn=fair)
    world.queue(
        "low",
        made[2],
        state="DISABLED",
        jobStateTimeLimitActions=[
            {
                "reason": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
                "state": "RUNNABLE",
                "maxTimeSeconds": 600,
                "action": "CANCEL",
            }
        ],
    )
    order = [{"order": 7, "computeEnvironment": "cheap"}, {"order": 3, "computeEnvironment": made[9]}]
    batch.create_job_queue(jobQueueName="gaps", priority=0, computeEnvironmentOrder=order, tags={"x": "y"})
    world.aws.clock.run_until_idle()
    varied_definitions(batch)


SIZE = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
JOB_ROLE = "arn:aws:iam::123456789012:role/job-role"
FOREIGN = "arn:aws:iam::999999999999:role/theirs"


def varied_definitions(batch: Any) -> None:
    def register(name: str, type_: str = "container", **more: Any) -> None:
        batch.register_job_definition(jobDefinitionName=name, type=type_, **more)

    def container(**more: Any) -> dict[str, Any]:
        return {"image": "busybox", "resourceRequirements": SIZE, **more}

    register("old", containerProperties={"image": "busybox", "vcpus": 2, "memory": 512})
    register("plain", containerProperties=container(command=[], environment=[], volumes=[]), parameters={})
    register(
        "full",
        containerProperties=container(
            command=["sh", "-c", "echo 'one' \"two\"\nthree \\ \u00fc"],
            environment=[{"name": "B", "value": "2"}, {"name": "API_KEY", "value": "x"}],
            secrets=[{"name": "S", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s"}],
            jobRoleArn=JOB_ROLE,
            executionRoleArn=FOREIGN,
            privileged=False,
            readonlyRootFilesystem=True,
            user="nobody",
            ulimits=[{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
            volumes=[{"name": "v", "host": {"sourcePath": "/tmp"}}],
            mountPoints=[{"containerPath": "/v", "sourceVolume": "v", "readOnly": False}],
            linuxParameters={"initProcessEnabled": False, "sharedMemorySize": 64},
            logConfiguration={"logDriver": "awslogs", "options": {"awslogs-group": "g"}},
        ),
        retryStrategy={"attempts": 3, "evaluateOnExit": [{"onReason": "*", "action": "retry"}]},
        timeout={"attemptDurationSeconds": 60},
        parameters={"input": "a"},
        propagateTags=False,
        schedulingPriority=5,
        platformCapabilities=["EC2"],
        tags={"team": "x"},
    )
    register("once", containerProperties=container(), retryStrategy={"attempts": 1}, propagateTags=True)
    register(
        "serverless",
        containerProperties=container(
            resourceRequirements=[{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}],
            executionRoleArn=JOB_ROLE,
            networkConfiguration={"assignPublicIp": "ENABLED"},
            fargatePlatformConfiguration={"platformVersion": "LATEST"},
            runtimePlatform={"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        ),
        platformCapabilities=["FARGATE"],
    )
    node = {"targetNodes": "0:", "container": container(instanceType="c5.large", command=["true"])}
    register("gang", "multinode", nodeProperties={"numNodes": 4, "mainNode": 0, "nodeRangeProperties": [node]})
    two = [{"targetNodes": "0", "container": container()}, {"targetNodes": "1:", "container": container(user="u")}]
    register("gang-two", "multinode", nodeProperties={"numNodes": 3, "mainNode": 0, "nodeRangeProperties": two})
    task = {"containers": [{"name": "main", "image": "busybox", "essential": True, "resourceRequirements": SIZE}]}
    register("tasks", ecsProperties={"taskProperties": [{**task, "taskRoleArn": JOB_ROLE}]})
    pod = {
        "podProperties": {
            "containers": [
                {"name": "main", "image": "busybox", "resources": {"limits": {"cpu": "1", "memory": "512Mi"}}}
            ],
            "hostNetwork": True,
        }
    }
    register("pod", eksProperties=pod)


def test_every_sort_of_resource(world: ImportWorld) -> None:
    """Whatever boto3 made: the program changes nothing and reads well; components say what they can."""
    varied_account(world)
    before = everything(world)
    imports = import_(world)
    require_no_change(world)
    assert everything(world) == before
    require_formatted(world.program)
    kinds = {}
    for state in world.resources():
        kinds.setdefault(state.type.rpartition(":")[2], []).append(state)
    assert len(kinds["ComputeEnvironment"]) == 14
    assert len(kinds["JobDefinition"]) == 9
    assert {each.name for each in kinds["Role"]} == {"ecsInstanceRole", "fleet", "BatchServiceRole", "job-role"}
    plain = {(each.kind, each.name) for each in imports.left}
    assert plain == {("Role", FOREIGN)}
    wire = sorted(line for line in imports.code.splitlines() if "batch.WireResource(" in line)
    assert len([line for line in wire if "WireResource" in line]) == 3 + 1 + 3 + 1, imports.code
    assert any("API_KEY" in each for each in imports.in_the_open)
    (work,) = [each for each in kinds["ComputeEnvironment"] if each.name == "work"]
    assert work.inputs["computeEnvironmentName"] == "work-3f2a1bc"
    assert work.inputs["autoNamed"] is True
    assert "work-3f2a1bc" not in imports.code
    assert "desired" not in imports.code
    world.destroy()
    assert batch_is_empty(world)


def batch_is_empty(world: ImportWorld) -> bool:
    left = everything(world)
    return not any(left[kind] for kind in ("environments", "queues", "definitions"))


def test_what_is_imported_is_protected(world: ImportWorld) -> None:
    """Unless asked otherwise: taking it out of the program deletes nothing, and neither does destroy."""
    network, profile = world.network(), world.profile("p")
    world.queue("q", world.environment("e", network, profile))
    imports = import_(world, protect=True)
    assert "PROTECTED = pulumi.ResourceOptions(protect=True)" in imports.code
    require_formatted(world.program)
    assert all(state.protect for state in world.resources())
    require_no_change(world)
    assert "protected" in refusal(world.destroy).message
    world.write("")
    assert "protected" in refusal(world.up).message
    assert world.changing == []


def test_one_is_imported_with_what_it_refers_to(world: ImportWorld) -> None:
    """A queue brings its environments and nothing else; the network stays ids; another logical name can be chosen."""
    network, profile = world.network(), world.profile("p")
    used = world.environment("used", network, profile)
    world.environment("unused", network, profile)
    world.queue("old-name", used)
    import_(world, {"JobQueue": ["old-name"]}, groups=(), old_name="better")
    assert {state.name for state in world.resources()} == {"better", "used"}
    require_no_change(world)
    text = world.program.read_text()
    assert f'subnet_ids=["{network["subnets"][0]}"]' in text
    assert profile in text


def test_a_second_import_goes_beside_the_first(world: ImportWorld) -> None:
    """What the state has already is left alone and referred to by its id; both programs together change nothing."""
    network, profile = world.network(), world.profile("p")
    arn = world.environment("e", network, profile)
    import_(world, {"ComputeEnvironment": ["e"]})
    world.queue("q", arn)
    other = world.folder / "program/more.py"
    imports = import_(world, {"JobQueue": [arn.replace("compute-environment/e", "job-queue/q")]}, out=other)
    assert [each.reason for each in imports.left] == ["is in this stack's state already, as e"]
    assert f'compute_environments=["{arn}"]' in imports.code
    world.program.write_text(world.program.read_text() + "\nimport more  # noqa\n")
    require_no_change(world)


NOTHING: tuple[tuple[dict[str, list[str]], str], ...] = (
    ({"JobQueue": ["works"]}, "there is no JobQueue works in 123456789012, us-east-1: near: work"),
    ({"JobQueue": ["zzz"]}, "there are work"),
    ({"ComputeEnvironment": ["arn:aws:batch:eu-west-1:123456789012:compute-environment/e"]}, "of region eu-west-1"),
    ({"JobQueue": ["arn:aws:batch:us-east-1:999999999999:job-queue/work"]}, "of account 999999999999"),
    ({"SchedulingPolicy": ["none"]}, "there is no SchedulingPolicy none"),
    ({"JobDefinition": ["arn:aws:batch:us-east-1:123456789012:job-definition/j:9"]}, "there is no JobDefinition"),
)


def test_what_does_not_exist_is_said(world: ImportWorld, tmp_path: Path) -> None:
    """Unknown names with near ones, other regions and accounts: one sentence, and nothing is written.

    Nor is the state where the program cannot be.
    """
    network, profile = world.network(), world.profile("p")
    world.queue("work", world.environment("e", network, profile))
    for names, words in NOTHING:
        error = refusal(lambda names=names: import_(world, names))  # type: ignore[misc]
        assert isinstance(error, UserError)
        assert words in error.message
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        import_(world, out=tmp_path / "file/deeper/x.py")
    assert not world.program.exists()
    assert world.resources() == []


def test_refusals_leave_nothing_behind(world: ImportWorld) -> None:
    """Managed already, a name that the state has, a file that exists, half made: refused before anything is written."""
    network, profile = world.network(), world.profile("p")
    world.environment("e", network, profile)
    import_(world, {"ComputeEnvironment": ["e"]})
    saved = world.stack().store.load().resources
    more = world.folder / "more.py"
    again = refusal(lambda: import_(world, {"ComputeEnvironment": ["e"]}, out=more))
    assert "is in this stack's state already, as e" in again.message
    assert "exists: name another file" in refusal(lambda: import_(world, {"JobQueue": ["q"]})).message
    world.environment("e-0a1b2c3", network, profile)
    taken = refusal(lambda: import_(world, {"ComputeEnvironment": ["e-0a1b2c3"]}, out=more))
    assert "ComputeEnvironment e; give them others, such as --name e-0a1b2c3=e-2" in taken.message
    world.batch.tag_resource(
        resourceArn="arn:aws:batch:us-east-1:123456789012:compute-environment/e-0a1b2c3",
        tags={"batchiac:creating": "infra/local/e"},
    )
    half = refusal(lambda: import_(world, {"ComputeEnvironment": ["e-0a1b2c3"]}, out=more))
    assert "is half made, by an interrupted run of infra/local/e" in half.message
    assert not more.exists()
    assert len(world.stack().store.load().resources) == len(saved)


def test_no_access_is_a_refusal_in_aws_s_words(world: ImportWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may look at roles: the refusal names the way without them, and nothing is written."""
    network, profile = world.network(), world.profile("p")
    world.environment("e", network, profile)

    def refuse(*_: Any) -> Any:
        raise AwsRefusal("GetInstanceProfile", "AccessDenied", "not authorized", 403)

    monkeypatch.setattr("batchiac.aws.iam.find_instance_profile", refuse)
    error = refusal(lambda: import_(world))
    assert isinstance(error, AwsRefusal)
    assert "AccessDenied: not authorized; without roles (--without-roles)" in error.message
    assert not world.program.exists()
    import_(world, groups=())
    assert [state.name for state in world.resources()] == ["e"]


def test_an_invalid_environment_is_imported_and_its_repair_planned(world: ImportWorld) -> None:
    """What AWS calls INVALID is managed from now on; a preview plans its repair, and nothing else."""
    network, profile = world.network(), world.profile("p")
    world.environment("e", network, profile)
    world.iam.remove_role_from_instance_profile(InstanceProfileName="p", RoleName="p")
    world.iam.delete_instance_profile(InstanceProfileName="p")
    world.environment("f", network, profile)
    statuses = {
        each["computeEnvironmentName"]: each["status"]
        for each in world.batch.describe_compute_environments()["computeEnvironments"]
    }
    import_(world)
    planned = {key for key, status in statuses.items() if status == "INVALID"}
    assert planned
    plan = world.preview()
    assert ops(plan) == {f"ComputeEnvironment {name}": "update" for name in planned}
    assert {change.path for step in plan.steps for change in step.changes} == {"status"}


# -- any definition ---------------------------------------------------------------------------------------------------

NAMES = st.text("abcXYZ_09", min_size=1, max_size=6)
WORDS = st.text("aB3 '\"\\\n{}é$", max_size=12)
CONTAINER = st.fixed_dictionaries(
    {
        "image": st.sampled_from(["busybox", "public.ecr.aws/docker/library/busybox:1.36"]),
        "resourceRequirements": st.permutations(SIZE),
    },
    optional={
        "command": st.lists(WORDS.filter(bool), max_size=4),
        "environment": st.dictionaries(NAMES, WORDS, max_size=3).map(
            lambda found: [{"name": key, "value": value} for key, value in found.items()]
        ),
        "privileged": st.booleans(),
        "readonlyRootFilesystem": st.booleans(),
        "user": st.sampled_from(["", "root"]),
        "ulimits": st.just([]),
        "linuxParameters": st.fixed_dictionaries({}, optional={"initProcessEnabled": st.booleans()}),
    },
)
DEFINITION = st.fixed_dictionaries(
    {"containerProperties": CONTAINER},
    optional={
        "parameters": st.dictionaries(NAMES, WORDS, max_size=2),
        "retryStrategy": st.fixed_dictionaries(
            {"attempts": st.integers(1, 3)},
            optional={
                "evaluateOnExit": st.lists(
                    st.fixed_dictionaries(
                        {"action": st.sampled_from(["RETRY", "exit", "Exit"])},
                        optional={"onExitCode": st.just("1*"), "onReason": st.just("*")},
                    ).filter(lambda rule: len(rule) > 1),
                    max_size=2,
                )
            },
        ),
        "timeout": st.just({"attemptDurationSeconds": 61}),
        "propagateTags": st.booleans(),
        "platformCapabilities": st.just(["EC2"]),
        "schedulingPriority": st.integers(0, 3),
        "tags": st.dictionaries(NAMES, st.text("ab =", max_size=4), min_size=1, max_size=2),
    },
)


@pytest.fixture(scope="module")
def any_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImportWorld]:
    with local_stack(projections=False) as stack:
        yield ImportWorld(tmp_path_factory.mktemp("any") / "project", stack)


@settings(max_examples=5, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(definitions=st.lists(DEFINITION, min_size=4, max_size=8))
def test_any_definition_is_imported_without_change(any_world: ImportWorld, definitions: list[dict[str, Any]]) -> None:
    """Whatever was registered, the program that is written for it is formatted, and its preview is empty."""
    world = any_world
    for found in world.batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]:
        world.batch.deregister_job_definition(jobDefinition=found["jobDefinitionArn"])
    shutil.rmtree(world.folder / ".state")
    (world.folder / ".state").mkdir()
    world.program.unlink(missing_ok=True)
    for number, definition in enumerate(definitions):
        world.batch.register_job_definition(jobDefinitionName=f"d{number}", type="container", **definition)
    import_(world)
    assert len(world.resources()) == len(definitions)
    require_no_change(world)
    require_formatted(world.program)


def test_all_means_every_kind_that_can_be_named() -> None:
    """What --all looks for is what the options name."""
    from batchiac.cli.import_ import KINDS

    assert set(KINDS.values()) == set(NAMEABLE)
