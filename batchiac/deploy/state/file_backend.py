"""Pulumi's file backend: the same files, so that either program takes over from the other.

    .pulumi/meta.yaml                                      version: 1
    .pulumi/stacks/<project>/<stack>.json (.bak)           the checkpoint; .bak is the one before this run
    .pulumi/journals/<project>/<stack>.jsonl               ours: what a run has done since it wrote the checkpoint
    .pulumi/history/<project>/<stack>/<stack>-<ns>.…       what each run did, and its checkpoint
    .pulumi/locks/organization/<project>/<stack>/<id>.json one file a holder

A save writes a file beside the checkpoint, flushes it to the disk, renames it, and flushes the folder: at any moment
there is one whole checkpoint. Between saves a run notes each change in the side journal (side_journal.py). Several
threads' changes that fall together become one write (journal.py).

Source: pulumi/pkg/backend/diy (backend.go, lock.go, state.go).
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs
import yaml

from batchiac.deploy.secrets import Passphrase, new_passphrase
from batchiac.deploy.state.atomic_file import copy_atomically, write_atomically
from batchiac.deploy.state.checkpoint import (
    WRITER_VERSION,
    CheckpointWriter,
    Snapshot,
    find_damage,
    read_checkpoint,
)
from batchiac.deploy.state.ledger import Change
from batchiac.deploy.state.lock_files import LockFiles
from batchiac.deploy.state.side_journal import SideJournal, digest_of
from batchiac.deploy.values import Sealed
from batchiac.errors import ConfigError, StateError

BOOKKEEPING = ".pulumi"
LAYOUT = 1
"""What meta.yaml says of where everything is."""

CHECKPOINT_EVERY_S = 1.0
CHECKPOINT_SHARE = 10
"""The checkpoint is written after this time, and not before ten times what writing it takes."""
ORGANIZATION = "organization"


def backend_folder(url: str, project_root: Path) -> Path:
    """The folder that a `file://` URL means; a relative one is resolved against the project's root.

    Raises:
        ConfigError: it is another kind of backend.
    """
    parts = urlsplit(url)
    if parts.scheme != "file":
        raise ConfigError(
            f"the state's backend is {url}: only file:// backends are read here (such as file://./.state); set backend"
            " in Pulumi.yaml or PULUMI_BACKEND_URL, or use the Pulumi CLI for this stack"
        )
    text = unquote(url.removeprefix("file://").partition("?")[0])
    if text.startswith("~"):
        return Path(text).expanduser()
    return project_root / text


class FileStore:
    """The state of one stack under a folder of Pulumi's file backend."""

    def __init__(
        self,
        folder: Path,
        project: str,
        stack: str,
        *,
        environ: Mapping[str, str],
        salt: str | None = None,
        keep_salt: Callable[[str], None] | None = None,
        config: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        """
        Args:
            salt: `encryptionsalt` of the stack's config.
            keep_salt: is called with a new salt when the stack's first secret is written.
            config: the stack's config as the history shows it.
        """
        self.folder = folder
        base = folder / BOOKKEEPING
        self.path = base / "stacks" / project / f"{stack}.json"
        self.lock_folder = base / "locks" / ORGANIZATION / project / stack
        self._locks = LockFiles(base, self.lock_folder, stack)
        self._history = base / "history" / project / stack
        self._side = SideJournal(base / "journals" / project / f"{stack}.jsonl")
        self._digest = digest_of("")
        self._saved: Snapshot | None = None
        self._saved_at = 0.0
        self._save_took_s = 0.0
        self._meta = base / "meta.yaml"
        self._stack = stack
        self._config = config
        self._environ = environ
        self._salt = salt
        self._keep_salt = keep_salt
        self._passphrase: Passphrase | None = Passphrase(salt, environ) if salt else None
        self._writer = CheckpointWriter(f"{ORGANIZATION}/{project}/{stack}", self._encrypt)
        self._has_backup = False
        self._has_provider = False

    # -- state --------------------------------------------------------------------------------------------------------

    def exists(self) -> bool:
        """True when the stack was deployed, or created by Pulumi, before."""
        return self.path.is_file()

    def load(self) -> Snapshot:
        self._require_known_layout()
        for suffix in (".gz", ".zst"):
            compressed = self.path.with_name(self.path.name + suffix)
            if compressed.exists() and not self.path.exists():
                raise StateError(f"{compressed} is compressed: run `pulumi up` without PULUMI_DIY_BACKEND_GZIP once")
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            text = ""
        except (OSError, UnicodeDecodeError) as error:
            raise StateError(f"the state file {self.path} cannot be read: {error}") from error
        self._digest, self._saved = digest_of(text), None
        snapshot = read_checkpoint(text, str(self.path)) if text or self.path.exists() else Snapshot()
        snapshot = self._side.applied_to(snapshot, self._digest)
        if problem := find_damage(snapshot.resources):
            raise StateError(
                f"the journal {self._side.path} does not fit the state file {self.path}: {problem}; nothing was"
                " changed; remove the journal to go on from the state file"
            )
        provider = snapshot.secrets_provider or {}
        if provider:
            kind = provider.get("type")
            salt = (provider.get("state") or {}).get("salt")
            if kind != "passphrase" or not isinstance(salt, str):
                raise ConfigError(
                    f"the secrets in {self.path} are kept with {kind!r}: only passphrase is supported here; use the"
                    " Pulumi CLI for this stack"
                )
            if self._passphrase is None or self._passphrase.salt_text != salt:
                self._passphrase = Passphrase(salt, self._environ)
            self._has_provider = True
        return snapshot

    def save(self, snapshot: Snapshot) -> None:
        started = time.monotonic()
        with self._written():
            self._save(snapshot)
            self._side.clear()
        self._saved_at = time.monotonic()
        self._save_took_s = self._saved_at - started

    def note(self, changes: Sequence[Change], snapshot: Callable[[], Snapshot]) -> bool:
        # The first write of a run is whole: there may be an earlier one's journal, and what it says must be kept.
        if self._saved is None or self._is_due():
            self.save(snapshot())
            return True
        with self._written():
            texts = [each.text(None if each.state is None else self._writer.entry(each.state)) for each in changes]
        if self._passphrase is not None and not self._has_provider:
            # The first secret of the stack is among them: its salt belongs into the checkpoint.
            self.save(snapshot())
            return True
        with self._written():
            self._write_meta()
            self._side.append(texts, self._digest, self._saved)
        return False

    def _is_due(self) -> bool:
        """Whether writing the whole is worth its time: Pulumi's CLI is never further behind than this says."""
        passed_s = time.monotonic() - self._saved_at
        return passed_s >= max(CHECKPOINT_EVERY_S, CHECKPOINT_SHARE * self._save_took_s)

    @contextlib.contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StateError(
                f"the state could not be written to {error.filename or self.path}: {error.strerror or error}; what was"
                " being done is taken up by the next run"
            ) from error

    def _save(self, snapshot: Snapshot) -> None:
        text = self._writer.text(snapshot)
        if snapshot.secrets_provider is None and self._passphrase is not None:
            # Known only now: encrypting the first secret of a stack makes its salt.
            text = self._writer.text(attrs.evolve(snapshot, secrets_provider=self._passphrase.provider))
        self._write_meta()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self._has_backup:
            with contextlib.suppress(FileNotFoundError):
                copy_atomically(self.path, self.path.with_name(self.path.name + ".bak"))
            self._has_backup = True
        write_atomically(self.path, text)
        self._digest, self._saved = digest_of(text), snapshot
        self._has_provider = self._passphrase is not None

    def _write_meta(self) -> None:
        if not self._meta.exists():
            self._meta.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._meta, f"version: {LAYOUT}\n")

    def _require_known_layout(self) -> None:
        """Raise where the files are not those of Pulumi's layout 1: what is in another place would be taken for none.

        Source: pulumi/pkg/backend/diy/meta.go: without the file, a backend that holds stacks has the old layout.
        """
        try:
            found = yaml.safe_load(self._meta.read_text(encoding="utf-8"))
            version = found.get("version") if isinstance(found, dict) else None
        except FileNotFoundError:
            version = 0 if any(self.path.parents[1].glob("*.json*")) else LAYOUT
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise StateError(f"{self._meta} cannot be read: {' '.join(str(error).split())}") from error
        if version == 0:
            raise StateError(
                f"the states in {self.path.parents[1]} are not kept by project, as older versions of Pulumi kept them:"
                " run `pulumi state upgrade` once; nothing was changed"
            )
        if version != LAYOUT:
            raise StateError(
                f"{self._meta} says version {version!r}: batchiac reads version {LAYOUT}; use the Pulumi CLI for this"
                " stack"
            )

    # -- secrets ------------------------------------------------------------------------------------------------------

    def unseal(self, sealed: Sealed) -> Any:
        if self._passphrase is None:
            raise StateError(f"{self.path} holds a secret but no secrets_providers to read it with")
        return self._passphrase.unseal(sealed)

    def _encrypt(self, text: str) -> str:
        if self._passphrase is None:
            self._passphrase = new_passphrase(self._environ)
            if self._keep_salt is not None:
                self._keep_salt(self._passphrase.salt_text)
        return self._passphrase.encrypt(text)

    # -- lock ---------------------------------------------------------------------------------------------------------

    def lock(self) -> AbstractContextManager[None]:
        self._require_known_layout()
        return self._locks.held()

    def locks(self) -> list[Path]:
        """The lock files of the stack, whoever holds them."""
        return self._locks.all()

    def holders(self) -> list[str]:
        """Who holds the stack, in words."""
        return self._locks.holders()

    def break_locks(self) -> None:
        """Remove every lock of the stack, whoever holds it."""
        with self._written():
            self._locks.remove_all()

    # -- history ------------------------------------------------------------------------------------------------------

    def record(self, kind: str, result: str, changes: dict[str, int], started_s: int) -> None:
        entry = {
            "kind": kind,
            "startTime": started_s,
            "message": "",
            "environment": {"exec.kind": "batchiac", "pulumi.version": WRITER_VERSION},
            "config": dict(self._config()),
            "version": 0,
            "result": result,
            "endTime": int(time.time()),
            "resourceChanges": changes,
        }
        stem = f"{self._stack}-{time.time_ns()}"
        path = self._history / f"{stem}.history.json"
        try:
            self._history.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(entry, separators=(",", ":")))
            if self.path.exists():
                copy_atomically(self.path, self._history / f"{stem}.checkpoint.json")
        except OSError as error:
            raise StateError(
                f"the stack's history could not be written to {error.filename or path}: {error.strerror or error}; its"
                " state is not concerned"
            ) from error
