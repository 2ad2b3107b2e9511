"""A snapshot of a stack, and Pulumi's checkpoint file of it: read with suspicion, written only when valid.

Source: pulumi/sdk/go/common/apitype (DeploymentV3), pkg/resource/stack/snapshot/integrity.go.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal
from weakref import WeakKeyDictionary

import attrs
from attrs import field, frozen

from batchiac.deploy.state.resource import ResourceState, resource_from_json
from batchiac.deploy.values import SECRET, SIGNATURE_KEY, Sealed, Secret
from batchiac.errors import InternalError, StateError
from batchiac.model.unknown import UNKNOWN

VERSION: Final = 3
WRITER_VERSION: Final = "3.260.0"
"""The Pulumi version that the files claim: the one whose format they follow."""

SUPPORTED_FEATURES: Final = frozenset({"taint"})
"""What a version 4 checkpoint may use and still be understood. `views`, `hooks` and the like are Pulumi's own."""

OperationType = Literal["creating", "updating", "deleting", "reading"]

Encrypt = Callable[[str], str]
"""JSON text → ciphertext."""


@frozen(eq=False)
class PendingOperation:
    """Something that was begun and whose end is not recorded."""

    resource: ResourceState
    type: OperationType

    def is_on(self, state: ResourceState) -> bool:
        """True for an update, a deletion or a read of this entry. Not by URN: an update may rename it as well."""
        mine = self.resource
        return self.type != "creating" and bool(mine.id) and (mine.type, mine.id) == (state.type, state.id)


@frozen(eq=False)
class Snapshot:
    """Everything that the state of a stack holds.

    Attributes:
        resources: each after everything that it needs.
        secrets_provider: Pulumi's own form, None where no secret was ever kept.
        extra: fields of the deployment that batchiac does not use, as they were.
        features: of a version 4 checkpoint; empty for version 3.
        registered: how many of the resources, the first ones, the run that is under way has registered. Not kept.
        intents: the numbers that this run knows `pending` by. Not kept.
    """

    resources: tuple[ResourceState, ...] = ()
    pending: tuple[PendingOperation, ...] = ()
    secrets_provider: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(factory=dict)
    features: tuple[str, ...] = ()
    registered: int = 0
    intents: tuple[int, ...] = ()


def now() -> str:
    """The time as Go writes it: RFC 3339, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def magic_of(version: str) -> str:
    """What the manifest's `magic` must be."""
    return hashlib.sha256(version.encode()).hexdigest() if version else ""


# -- reading ----------------------------------------------------------------------------------------------------------


def _sealed(entry: dict[str, Any]) -> Any:
    if entry.get(SIGNATURE_KEY) == SECRET:
        if "ciphertext" in entry:
            return Sealed(entry["ciphertext"])
        if "plaintext" in entry:
            return Secret(json.loads(entry["plaintext"]))
    return entry


def read_json(text: str) -> Any:
    """The JSON document with the secrets in it as `Sealed` or `Secret`."""
    # The hook costs time on every object, so it is used only where a secret can be.
    return json.loads(text, object_hook=_sealed if SECRET in text else None)


def read_checkpoint(text: str, where: str) -> Snapshot:
    """The snapshot that a state file holds, verified.

    Args:
        text: the file's content.
        where: its path, for the error.

    Raises:
        StateError: it is not a checkpoint, of a later version, or its parts do not fit together.
    """

    def damaged(reason: str) -> StateError:
        return StateError(
            f"the state file {where} cannot be used: {reason}; nothing was changed; restore it from {where}.bak or"
            " from .pulumi/history beside it"
        )

    try:
        document = read_json(text)
    except ValueError as error:
        raise damaged(f"it is not JSON ({error})") from error
    if not isinstance(document, dict) or not isinstance(document.get("version"), int):
        raise damaged("it is not a Pulumi checkpoint (no version)")
    features = tuple(document.get("features") or ())
    version = document["version"]
    if version not in (VERSION, 4) or (unknown := set(features) - SUPPORTED_FEATURES):
        what = f"it has version {version}" if version not in (VERSION, 4) else f"it uses {', '.join(sorted(unknown))}"
        raise StateError(
            f"the state file {where}: {what}; batchiac reads version {VERSION}: use the Pulumi CLI for this stack"
        )
    checkpoint = document.get("checkpoint")
    if not isinstance(checkpoint, dict):
        raise damaged("it has no checkpoint")
    latest = checkpoint.get("latest") or {}
    try:
        manifest = latest.get("manifest") or {}
        if manifest.get("magic", "") != magic_of(manifest.get("version", "")):
            raise damaged("its magic number does not fit its version")
        snapshot = Snapshot(
            resources=tuple(resource_from_json(each) for each in latest.get("resources") or ()),
            pending=tuple(
                PendingOperation(resource_from_json(each["resource"]), each["type"])
                for each in latest.get("pending_operations") or ()
            ),
            secrets_provider=latest.get("secrets_providers"),
            extra={
                key: value
                for key, value in latest.items()
                if key not in ("manifest", "secrets_providers", "resources", "pending_operations")
            },
            features=features,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise damaged(f"a resource in it lacks or misuses {error}") from error
    if problem := find_damage(snapshot.resources):
        raise damaged(problem)
    return snapshot


def find_damage(resources: Iterable[ResourceState]) -> str | None:
    """What is wrong with a list of resources; None when nothing is.

    The rules are Pulumi's own: everything a resource needs comes before it, providers are known, no URN is there twice
    unless the others wait for their deletion.
    """
    seen: set[str] = set()
    live: set[str] = set()
    providers: set[str] = set()
    for state in resources:
        urn = state.urn
        if not state.custom and state.id:
            return f"{urn} is a component with an id"
        if state.provider and state.provider not in providers and not state.pending_replacement:
            return f"{urn} refers to the unknown provider {state.provider}"
        for needed in state.needs():
            if needed not in seen and not (state.pending_replacement and needed == state.provider_urn):
                return f"{urn} needs {needed}, which is missing or comes after it"
        if state.is_provider:
            providers.add(f"{urn}::{state.id}")
        if not state.delete:
            if urn in live:
                return f"{urn} is there twice"
            live.add(urn)
        seen.add(urn)
    return None


# -- writing ----------------------------------------------------------------------------------------------------------


class CheckpointWriter:
    """Makes the text of a checkpoint. One per stack; the encryption is called for new secrets only."""

    def __init__(self, stack: str, encrypt: Encrypt) -> None:
        self._stack = stack
        self._encrypt = encrypt
        # The text of each entry that was written before: a save costs what has changed, not what there is.
        self._texts: WeakKeyDictionary[ResourceState, str] = WeakKeyDictionary()

    def _default(self, value: object) -> object:
        if isinstance(value, Sealed):
            return {SIGNATURE_KEY: SECRET, "ciphertext": value.ciphertext}
        if isinstance(value, Secret):
            text = json.dumps(value.value, default=self._default, separators=(",", ":"), ensure_ascii=False)
            return {SIGNATURE_KEY: SECRET, "ciphertext": self._encrypt(text)}
        if value is UNKNOWN:
            raise InternalError("a value that is not yet known was about to be written to the state")
        raise TypeError(f"{type(value).__name__} cannot be kept in a state file")

    def _dumps(self, value: object) -> str:
        return json.dumps(value, default=self._default, separators=(",", ":"), ensure_ascii=False)

    def entry(self, state: ResourceState) -> str:
        """One entry's text, made once."""
        text = self._texts.get(state)
        if text is None:
            text = self._texts[state] = self._dumps(state.to_json())
        return text

    def text(self, snapshot: Snapshot) -> str:
        """The file's content.

        Raises:
            InternalError: the snapshot is not valid; it is not written.
        """
        if problem := find_damage(snapshot.resources):
            raise InternalError(f"the new state would be damaged and was not written: {problem}")
        latest: list[str] = [
            f'"manifest":{self._dumps({"time": now(), "magic": magic_of(WRITER_VERSION), "version": WRITER_VERSION})}'
        ]
        if snapshot.secrets_provider is not None:
            latest.append(f'"secrets_providers":{self._dumps(snapshot.secrets_provider)}')
        if snapshot.resources:
            latest.append(f'"resources":[{",".join(map(self.entry, snapshot.resources))}]')
        if snapshot.pending:
            entries = (
                f'{{"resource":{self.entry(each.resource)},"type":{json.dumps(each.type)}}}'
                for each in snapshot.pending
            )
            latest.append(f'"pending_operations":[{",".join(entries)}]')
        extra = {"metadata": {}, **snapshot.extra}
        latest += [f"{json.dumps(key)}:{self._dumps(value)}" for key, value in extra.items()]
        head = (
            '{"version":3,' if not snapshot.features else f'{{"version":4,"features":{json.dumps(snapshot.features)},'
        )
        return f'{head}"checkpoint":{{"stack":{json.dumps(self._stack)},"latest":{{{",".join(latest)}}}}}}}'


def without(snapshot: Snapshot, gone: Sequence[ResourceState]) -> Snapshot:
    """`snapshot` less some entries, and less every mention of URNs that are no longer there.

    A child whose parent is gone is kept below the root: its URN changes, as it does under `pulumi refresh`.
    """
    from batchiac.deploy.urn import make_urn, parse_urn

    dropped = {id(state) for state in gone}
    names: dict[str, str] = {}
    kept: list[ResourceState] = []
    for state in snapshot.resources:
        if id(state) in dropped:
            continue
        parts = parse_urn(state.urn)
        parent = names.get(state.parent, "") if state.parent else ""
        urn = (
            make_urn(parts.stack, parts.project, parts.type, parts.name, parent)
            if parent != state.parent
            else state.urn
        )
        dependencies = tuple(names[each] for each in state.dependencies if each in names)
        property_dependencies = {
            key: tuple(names[each] for each in urns if each in names)
            for key, urns in state.property_dependencies.items()
        }
        deleted_with = names.get(state.deleted_with, "")
        replace_with = tuple(names[each] for each in state.replace_with if each in names)
        if (urn, parent, dependencies, deleted_with, replace_with) != (
            state.urn,
            state.parent,
            state.dependencies,
            state.deleted_with,
            state.replace_with,
        ) or (property_dependencies != state.property_dependencies):
            names[state.urn] = urn
            state = attrs.evolve(
                state,
                urn=urn,
                parent=parent,
                dependencies=dependencies,
                property_dependencies=property_dependencies,
                deleted_with=deleted_with,
                replace_with=replace_with,
            )
        names.setdefault(state.urn, urn)
        kept.append(state)
    return attrs.evolve(snapshot, resources=tuple(kept))
