"""Pulumi.yaml and the stack's file: read as Pulumi reads them, refused where they cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchiac.deploy.project import SecureText, find_project, read_stack
from batchiac.deploy.stack import file_store, open_stack, provider_inputs
from batchiac.deploy.state.file_backend import backend_folder
from batchiac.deploy.values import Secret
from batchiac.errors import ConfigError

PROJECT = "name: proj\nmain: prog\nstackConfigDir: stacks\nruntime: python\nbackend: {url: file://./.state}\n"
STACK = "config:\n  batchiac:target: local\n  batchiac:region: us-east-1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    (tmp_path / "stacks").mkdir()
    (tmp_path / "prog").mkdir()
    (tmp_path / "stacks/Pulumi.dev.yaml").write_text(STACK)
    return tmp_path


def test_paths_and_names(folder: Path) -> None:
    """The project is found from below; program and stacks are where it says."""
    project = find_project(folder / "prog")
    assert (project.name, project.program, project.stacks) == ("proj", folder / "prog", folder / "stacks")
    assert project.stack_names() == ["dev"]


def test_values_become_text_as_under_pulumi(folder: Path) -> None:
    """Numbers and booleans are text, nested values JSON, a key without namespace is the project's."""
    (folder / "stacks/Pulumi.dev.yaml").write_text(
        STACK + "  n: 3\n  proj:b: true\n  aws:l: [1, {a: x}]\n  s: {secure: 'v1:x'}\n"
    )
    values = read_stack(find_project(folder), "dev").values
    assert values["proj:n"] == "3"
    assert values["proj:b"] == "true"
    assert values["aws:l"] == '[1,{"a":"x"}]'
    assert values["proj:s"] == SecureText("v1:x")


def test_defaults_of_the_project(folder: Path) -> None:
    """Pulumi.yaml's `config:` gives defaults; the stack's file wins."""
    (folder / "Pulumi.yaml").write_text(PROJECT + "config:\n  size: {type: integer, default: 4}\n  mode: fast\n")
    (folder / "stacks/Pulumi.dev.yaml").write_text(STACK + "  proj:mode: slow\n")
    values = read_stack(find_project(folder), "dev").values
    assert (values["proj:size"], values["proj:mode"]) == ("4", "slow")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("config: [1]", "config"),
        ("confg: {}", "did you mean config"),
        ("config: {batchiac:target: local, batchiak:region: x}", "did you mean batchiac:region"),
        ("secretsprovider: awskms://x", "awskms"),
        ("encryptionsalt: [1]", "encryptionsalt"),
        ("a: [", "line"),
        ("- x", "line 1"),
    ],
)
def test_a_broken_stack_file_is_named(folder: Path, text: str, words: str) -> None:
    """Found, allowed, what to do: with the file's path."""
    (folder / "stacks/Pulumi.dev.yaml").write_text(text)
    with pytest.raises(ConfigError, match=words) as refused:
        read_stack(find_project(folder), "dev")
    assert "Pulumi.dev.yaml" in refused.value.message


def test_declared_keys_are_the_only_ones(folder: Path) -> None:
    """A project that declares its keys has no others."""
    (folder / "Pulumi.yaml").write_text(PROJECT + "config:\n  maxVcpus: 4\n")
    (folder / "stacks/Pulumi.dev.yaml").write_text(STACK + "  proj:maxVcpuss: 5\n")
    with pytest.raises(ConfigError, match="did you mean proj:maxVcpus"):
        read_stack(find_project(folder), "dev")


@pytest.mark.parametrize(
    ("text", "words"),
    [("runtime: python", "name"), ("name: x\nruntime: nodejs", "nodejs"), ("name: x\nmain: 3", "main")],
)
def test_a_broken_project_file_is_named(folder: Path, text: str, words: str) -> None:
    """Without a name, of another language, or with a path that is none."""
    (folder / "Pulumi.yaml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        find_project(folder)


def test_no_such_stack_names_the_near_one(folder: Path) -> None:
    """A misspelt stack is answered with those that exist."""
    with pytest.raises(ConfigError, match="did you mean dev"):
        open_stack(folder, "dve", environ={})


def test_yaml_tags_are_not_executed(folder: Path) -> None:
    """A tag that would make an object is an error."""
    (folder / "stacks/Pulumi.dev.yaml").write_text("config: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(ConfigError, match="tag"):
        read_stack(find_project(folder), "dev")


def test_backends(folder: Path) -> None:
    """A relative file URL is below the project, an absolute one where it says; others are refused."""
    assert backend_folder("file://./.state", folder) == folder / ".state"
    assert backend_folder("file:///srv/state", folder) == Path("/srv/state")
    with pytest.raises(ConfigError, match="s3://bucket"):
        backend_folder("s3://bucket", folder)


def test_environment_wins_over_the_project(folder: Path, tmp_path: Path) -> None:
    """PULUMI_BACKEND_URL names another place for the state."""
    project = find_project(folder)
    store = file_store(
        project, read_stack(project, "dev"), "dev", environ={"PULUMI_BACKEND_URL": f"file://{tmp_path}/else"}
    )
    assert store.path == tmp_path / "else/.pulumi/stacks/proj/dev.json"


def test_the_providers_config_is_the_stacks() -> None:
    """What Pulumi gives its default provider: all keys, sorted, the secret ones as secrets."""
    assert list(provider_inputs({"b": "1", "a": "x"}, ["a"]).items()) == [("a", Secret("x")), ("b", "1")]


def test_the_first_secret_writes_a_salt_into_the_stacks_file(folder: Path) -> None:
    """The salt is put above what the user wrote, whose words and comments stay."""
    path = folder / "stacks/Pulumi.dev.yaml"
    path.write_text("# mine\n" + STACK)
    stack = open_stack(folder, "dev", environ={"PULUMI_CONFIG_PASSPHRASE": ""})
    ciphertext = stack.store._encrypt('"x"')  # type: ignore[attr-defined]
    assert "# mine" in path.read_text()
    again = open_stack(folder, "dev", environ={"PULUMI_CONFIG_PASSPHRASE": ""})
    assert again.config.encryption_salt is not None
    from batchiac.deploy.secrets import Passphrase

    assert Passphrase(again.config.encryption_salt, {"PULUMI_CONFIG_PASSPHRASE": ""}).decrypt(ciphertext) == '"x"'
