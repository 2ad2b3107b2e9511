"""The option `import_`: what exists is taken into the state, or the program is told in what it differs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from import_world import ImportWorld, ops, refusal

from batchiac.deploy.render.lines import plan_lines
from batchiac.errors import FindingsError, UserError
from batchiac.testing import TestStack, local_stack


@pytest.fixture(scope="module")
def aws() -> Iterator[TestStack]:
    with local_stack() as stack:
        yield stack


@pytest.fixture
def world(tmp_path: Path, aws: TestStack) -> ImportWorld:
    return ImportWorld(tmp_path / "project", aws)


def definition(world: ImportWorld, name: str, **more: object) -> str:
    container = {
        "image": "busybox",
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
        "environment": [{"name": "TOKEN", "value": "swordfish"}],
    }
    arn: str = world.batch.register_job_definition(
        jobDefinitionName=name, type="container", containerProperties=container, **more
    )["jobDefinitionArn"]
    return arn


def program(arn: str, token: str = '"swordfish"', memory: int = 512) -> str:
    return f"""
batch.ContainerJobDefinition(
    "job",
    container=batch.Container("busybox", vcpus=1, memory_mib={memory}, environment={{"TOKEN": {token}}}),
    opts=pulumi.ResourceOptions(import_="{arn}"),
)
"""


def test_what_exists_is_taken_into_the_state(world: ImportWorld) -> None:
    """The plan says import; afterwards nothing changes, whether the option stays or goes, and AWS was only read."""
    arn = definition(world, "import-whole")
    world.write(program(arn))
    plan = world.preview()
    assert ops(plan) == {"JobDefinition job": "import"}
    text = "\n".join(line.text for line in plan_lines(plan))
    assert "=  batch:JobDefinition job  import" in text
    assert "=  1 to import" in text
    assert ops(world.up()) == {"JobDefinition job": "import"}
    (state,) = world.resources()
    assert state.id == arn.rpartition(":")[0]
    assert state.extra == {"importID": arn}
    assert state.inputs["jobDefinitionName"] == "import-whole"
    assert state.inputs["autoNamed"] is True
    assert not world.preview().has_changes
    world.write(program(arn).replace(f'opts=pulumi.ResourceOptions(import_="{arn}"),', ""))
    assert not world.preview(refresh=True).has_changes
    world.up()
    assert world.changing == []


def test_a_program_that_differs_is_told_in_what(world: ImportWorld) -> None:
    """Every property that differs is named with both values; nothing is imported, and a secret is not shown."""
    arn = definition(world, "import-differs", tags={"team": "a"})
    world.write(program(arn, token='pulumi.Output.secret("other")', memory=1024))
    error = refusal(world.up)
    assert isinstance(error, FindingsError)
    messages = {each.property: each.message for each in error.findings}  # type: ignore[attr-defined]
    assert set(messages) == {
        "containerProperties.environment",
        "containerProperties.resourceRequirements[0].value",
        "tags",
    }
    assert 'is "512" there, and "1024" in the program' in messages["containerProperties.resourceRequirements[0].value"]
    assert all(text.startswith("inputs to import do not match the existing resource") for text in messages.values())
    assert "swordfish" not in str(messages)
    assert world.resources() == []
    assert world.changing == []


def test_a_secret_of_the_program_is_one_in_the_state(world: ImportWorld) -> None:
    """What the program holds to be secret is encrypted in the state, inputs and outputs, though AWS tells it."""
    arn = definition(world, "import-secret")
    world.write(program(arn, token='pulumi.Output.secret("swordfish")'))
    world.up()
    text = next((world.folder / ".state/.pulumi/stacks").rglob("*.json")).read_text()
    assert "swordfish" not in text
    assert text.count("ciphertext") >= 2
    assert not world.preview().has_changes


@pytest.mark.parametrize(
    ("import_id", "message"),
    [
        ("arn:aws:batch:us-east-1:123456789012:job-definition/nobody", "AWS has none with the id"),
        ("nobody", "AWS has none with the id"),
        ("arn:aws:batch:eu-west-1:123456789012:job-definition/x", "is of region eu-west-1"),
        ("arn:aws:batch:us-east-1:999999999999:job-definition/x", "is of account 999999999999"),
    ],
)
def test_a_wrong_id_is_one_sentence(world: ImportWorld, import_id: str, message: str) -> None:
    """An id of nothing, of another region or of another account is the user's mistake, told in one sentence."""
    world.write(program(import_id))
    error = refusal(world.preview)
    assert isinstance(error, UserError)
    assert message in error.message


def test_one_resource_is_managed_once(world: ImportWorld) -> None:
    """What the state has under another name, and another resource under that name, are refused."""
    arn = definition(world, "import-twice")
    world.write(program(arn))
    world.up()
    world.write(program(arn) + program(arn).replace('"job"', '"again"'))
    assert "already, as job" in refusal(world.preview).message
    other = definition(world, "import-other")
    world.write(program(other))
    assert "another resource under that name" in refusal(world.preview).message


def test_several_resources_have_no_one_id(world: ImportWorld) -> None:
    """A component that makes several resources refuses the option, and says what to do."""
    world.write('batch.Roles("r", opts=pulumi.ResourceOptions(import_="x"))')
    assert "makes several resources" in refusal(world.preview).message


def test_ignored_changes_are_no_mismatch(world: ImportWorld) -> None:
    """What ignore_changes names is taken as it is there."""
    arn = definition(world, "import-ignored")
    ignoring = """
def ignoring(arguments):
    arguments.opts.ignore_changes = ["containerProperties.resourceRequirements"]
    return pulumi.ResourceTransformationResult(arguments.props, arguments.opts)
"""
    option = f'import_="{arn}"'
    world.write(ignoring + program(arn, memory=1024).replace(option, f"{option}, transformations=[ignoring]"))
    world.up()
    (state,) = world.resources()
    assert {"type": "MEMORY", "value": "512"} in state.inputs["containerProperties"]["resourceRequirements"]
    assert not world.preview().has_changes


def test_what_still_names_its_import_is_not_replaced(world: ImportWorld) -> None:
    """As under Pulumi: a replacement has another id than the program says, so the option has to go first."""
    arn = definition(world, "import-replaced")
    world.write(program(arn))
    world.up()
    renamed = program(arn).replace('"job",', '"job", job_definition_name="import-renamed",')
    world.write(renamed)
    assert "take import_ out" in refusal(world.preview).message
    world.write(renamed.replace(f'opts=pulumi.ResourceOptions(import_="{arn}"),', ""))
    assert ops(world.preview()) == {"JobDefinition job": "replace"}
