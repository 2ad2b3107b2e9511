"""A stack that can be deployed: its project, config, target and state, opened but not yet read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from batchiac.deploy.project import Project, SecureText, StackConfig, find_project, has_secure, read_stack, read_yaml
from batchiac.deploy.secrets import Passphrase
from batchiac.deploy.state.atomic_file import write_atomically
from batchiac.deploy.state.file_backend import FileStore, backend_folder
from batchiac.deploy.state.store import MemoryStore, Store
from batchiac.deploy.values import Secret
from batchiac.errors import ConfigError
from batchiac.model.target import Target, target_from_config


@frozen(eq=False)
class Stack:
    """One stack of a project.

    Attributes:
        store: where its state is kept.
        target: where its calls go.
        environ: the environment that it was opened with.
    """

    name: str
    project: Project
    config: StackConfig
    store: Store
    target: Target
    environ: Mapping[str, str] = field(repr=False)

    def program_config(self) -> tuple[dict[str, str], list[str]]:
        """Every config value as text, and which of them are secret; decrypts, if there is anything to decrypt."""
        values: dict[str, str] = {}
        secret: list[str] = []
        for key, value in self.config.values.items():
            if has_secure(value):
                opened = _opened(value, self._decrypt)
                values[key] = opened if isinstance(opened, str) else json.dumps(opened, separators=(",", ":"))
                secret.append(key)
            else:
                values[key] = value
        return values, secret

    def _decrypt(self, ciphertext: str) -> str:
        if self.config.encryption_salt is None:
            raise ConfigError(
                f"{self.config.path} has a secure value but no encryptionsalt: restore it from version control, or set"
                " the value again with `pulumi config set --secret`"
            )
        return Passphrase(self.config.encryption_salt, self.environ).decrypt(ciphertext)

    def masked_config(self) -> dict[str, str]:
        """The config for a display."""
        return {key: "[secret]" if has_secure(each) else each for key, each in sorted(self.config.values.items())}


def provider_inputs(values: Mapping[str, str], secret: list[str]) -> dict[str, Any]:
    """What Pulumi's default provider for dynamic resources holds: the whole config, its secrets as such."""
    return {key: Secret(value) if key in secret else value for key, value in sorted(values.items())}


def open_stack(
    cwd: Path | str,
    stack: str,
    *,
    environ: Mapping[str, str],
    store: Store | None = None,
    in_process: bool = False,
) -> Stack:
    """Open a stack of the project in `cwd` or above it. Reads config files only: the state is read when it is needed.

    Args:
        environ: PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE[_FILE], AWS_ENDPOINT_URL are looked up here.
        store: another place for the state than Pulumi.yaml names; a `MemoryStore` for one that ends with the process.
        in_process: True where the local stack answers inside this process.

    Raises:
        ConfigError: no project, no such stack, broken YAML, an unknown key, or a backend that is not a file's.
    """
    project = find_project(Path(cwd))
    config = read_stack(project, stack)
    target = target_from_config(config.values, environ, in_process=in_process)
    if store is None:
        store = file_store(project, config, stack, environ=environ)
    return Stack(stack, project, config, store, target, environ)


def open_memory_stack(cwd: Path | str, stack: str, *, environ: Mapping[str, str], in_process: bool = True) -> Stack:
    """Open a stack whose state lives as long as the returned object."""
    return open_stack(cwd, stack, environ=environ, store=MemoryStore(), in_process=in_process)


def file_store(
    project: Project, config: StackConfig, stack: str, *, environ: Mapping[str, str], folder: Path | None = None
) -> FileStore:
    """The state of a stack in Pulumi's file backend.

    Args:
        folder: instead of the backend that PULUMI_BACKEND_URL or Pulumi.yaml names.
    """
    if folder is None:
        if url := environ.get("PULUMI_BACKEND_URL"):
            folder = backend_folder(url, Path.cwd())
        elif project.backend_url:
            folder = backend_folder(project.backend_url, project.root)
        else:
            raise ConfigError(
                f"{project.root / 'Pulumi.yaml'} names no backend for the state: add backend: {{url: file://./.state}},"
                " or set PULUMI_BACKEND_URL"
            )
    return FileStore(
        folder.resolve(),
        project.name,
        stack,
        environ=environ,
        salt=config.encryption_salt,
        keep_salt=_salt_keeper(config.path),
        config=lambda: {key: each for key, each in config.values.items() if not has_secure(each)},
    )


def _salt_keeper(path: Path) -> Callable[[str], None]:
    def keep(salt: str) -> None:
        import yaml

        text = path.read_text(encoding="utf-8")
        document = read_yaml(path)
        changed = f"encryptionsalt: {salt}\n{text}"
        try:
            is_kept = yaml.safe_load(changed) == {"encryptionsalt": salt, **document}
        except yaml.YAMLError:
            is_kept = False
        if not is_kept:
            # Not in the block style that a line can be put above (JSON, `---`): written anew, comments are lost.
            changed = yaml.safe_dump({"encryptionsalt": salt, **document}, sort_keys=False, allow_unicode=True)
        write_atomically(path, changed)

    return keep


def _opened(value: Any, decrypt: Callable[[str], str]) -> Any:
    if isinstance(value, SecureText):
        return decrypt(value.ciphertext)
    if isinstance(value, Mapping):
        return {key: _opened(each, decrypt) for key, each in value.items()}
    if isinstance(value, list):
        return [_opened(each, decrypt) for each in value]
    return value
