"""A small world to deploy in: an account that is a folder, a handler that acts on it, and projects written for a test.

The account is a folder so that a process that dies leaves it as AWS would be left, and the next process finds it.
"""

from __future__ import annotations

import hashlib
import json
import os
import textwrap
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from batchiac.deploy import MemoryStore, Stack, open_stack
from batchiac.deploy.state.store import Store
from batchiac.errors import AwsRefusal, RefusedError
from batchiac.model.handler import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    Effect,
    PropertyChange,
    ReadResult,
)

TOKEN = "pulumi-python:dynamic/batch:Thing"

THINGS = '''
"""Declares things: a dynamic resource whose provider is importable, stateless and small."""

import pulumi
from pulumi import dynamic


def _own(props):
    return {key: value for key, value in props.items() if key != "__provider"}


class ThingProvider(dynamic.ResourceProvider):
    serialize_as_secret_always = False

    def check(self, olds, news):
        return dynamic.CheckResult({"name": olds.get("name") or "thing-" + news["identity"], **news}, [])

    def diff(self, id_, olds, news):
        changed = [key for key, value in _own(news).items() if olds.get(key) != value]
        return dynamic.DiffResult(changes=bool(changed), replaces=[key for key in changed if key == "image"])

    def create(self, props):
        return dynamic.CreateResult("id-" + props["identity"], {**_own(props), "arn": "arn:id-" + props["identity"]})

    def read(self, id_, props):
        inputs = {key: value for key, value in _own(props).items() if key != "arn"}
        return dynamic.ReadResult(id_, _own(props), inputs)

    def update(self, id_, olds, news):
        return dynamic.UpdateResult({**_own(news), "arn": "arn:" + id_})

    def delete(self, id_, props):
        pass


class Thing(dynamic.Resource, module="batch", name="Thing"):
    arn: pulumi.Output[str]

    def __init__(self, logical, opts=None, **props):
        super().__init__(ThingProvider(), logical, {"arn": None, "identity": logical, **props}, opts)


class Box(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("batchiac:batch:Box", name, {}, opts)
'''

CONFIG = {"batchiac:target": "local", "batchiac:region": "us-east-1", "batchiac:endpoint": "http://127.0.0.1:9"}


def write_project(folder: Path, program: str, *, stack: str = "dev", config: Mapping[str, Any] | None = None) -> Path:
    """A project whose program is `program` (with `Thing`, `Box` and pulumi imported)."""
    (folder / "stacks").mkdir(parents=True, exist_ok=True)
    (folder / "prog").mkdir(exist_ok=True)
    (folder / ".state").mkdir(exist_ok=True)
    runtime = {"name": "python"}
    project = {"name": "world", "main": "prog", "stackConfigDir": "stacks", "runtime": runtime}
    project["backend"] = {"url": "file://./.state"}
    (folder / "Pulumi.yaml").write_text(json.dumps(project), encoding="utf-8")
    path = folder / f"stacks/Pulumi.{stack}.yaml"
    if config is not None or not path.exists():
        path.write_text(json.dumps({"config": {**CONFIG, **(config or {})}}), encoding="utf-8")
    (folder / "prog/things.py").write_text(THINGS, encoding="utf-8")
    head = "import pulumi\nfrom pulumi import ResourceOptions as Opts\nfrom things import Box, Thing\n"
    (folder / "prog/__main__.py").write_text(head + textwrap.dedent(program), encoding="utf-8")
    return folder


class Account:
    """Resources as files in a folder. `on_call(operation, moment)` sees every mutation before and after it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.calls: list[str] = []
        self.on_call: Callable[[str, str], None] = lambda _operation, _moment: None
        self._lock = threading.Lock()

    def read(self, id_: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.folder / f"{id_}.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found

    def all(self) -> dict[str, dict[str, Any]]:
        read = {path.stem: self.read(path.stem) for path in sorted(self.folder.glob("id-*.json"))}
        return {id_: each for id_, each in read.items() if each is not None}

    def change(self, operation: str, id_: str, value: dict[str, Any] | None) -> None:
        """One call: what `value` says is what there is afterwards; None removes it."""
        with self._lock:
            self.calls.append(f"{operation} {id_}")
        self.on_call(operation, "before")
        path = self.folder / f"{id_}.json"
        if value is None:
            path.unlink(missing_ok=True)
        else:
            beside = path.with_suffix(".tmp")
            beside.write_text(json.dumps(value), encoding="utf-8")
            beside.replace(path)
        self.on_call(operation, "after")

    def new_id(self) -> str:
        with self._lock:
            number = len(list(self.folder.glob("serial-*")))
            (self.folder / f"serial-{number}").touch()
        return f"id-{number}"


class ThingHandler:
    """A handler as those of batchiac.provider are: adopts by its tag, refuses what is not its own, state ⊇ inputs."""

    replaced_by = ("image",)

    def __init__(self, account: Account) -> None:
        self.account = account

    def check(self, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> CheckResult:
        checked = {key: value for key, value in inputs.items() if value is not None}
        failures = []
        if isinstance(checked.get("size"), int) and checked["size"] < 0:
            failures.append(CheckFailure("size", "size is negative: 0 or more is allowed; change it", "TH001"))
        if "name" not in checked:
            known = json.dumps(checked, sort_keys=True, default=str)
            suffix = hashlib.sha256(known.encode()).hexdigest()[:6]
            checked["name"] = olds.get("name") or f"{checked['identity']}-{suffix}"
            checked["autoNamed"] = True
        checked["region"] = "us-east-1"
        return CheckResult(checked, tuple(failures))

    def diff(self, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> DiffResult:
        changes, replaces = [], []
        for key in sorted({*inputs, *state} - {"arn", "account"}):
            old, new = state.get(key), inputs.get(key)
            if old is new or (type(old) is type(new) and old == new):
                continue
            kind = "add" if key not in state else "delete" if key not in inputs else "update"
            effect = Effect.IN_PLACE
            if key in self.replaced_by:
                kind, effect = f"{kind}-replace", Effect.REPLACE
                replaces.append(key)
            changes.append(PropertyChange(key, kind, old, new, effect))
        fixed = not inputs.get("autoNamed") and state.get("name") == inputs.get("name")
        return DiffResult(tuple(changes), tuple(replaces), bool(replaces) and fixed)

    def create(self, inputs: Mapping[str, Any]) -> CreateResult:
        made = self.create_unconfirmed(inputs)
        self.confirm(made.id, made.outputs)
        return made

    def confirm(self, id_: str, state: Mapping[str, Any]) -> None:
        if found := self.account.read(id_):
            self.account.change("untag", id_, {key: value for key, value in found.items() if key != "creating"})

    def check_replacement(self, replaced: Mapping[str, Any], inputs: Mapping[str, Any]) -> CheckResult:
        result = self.check({}, inputs)
        if result.inputs.get("autoNamed") and result.inputs["name"] == replaced.get("name"):
            result.inputs["name"] += "-next"
        return result

    def finish(self, id_: str, state: Mapping[str, Any]) -> None:
        """A call of this account is done when it returns."""

    def discard(self, inputs: Mapping[str, Any]) -> None:
        for id_, each in self.account.all().items():
            if each.get("creating") == inputs["identity"]:
                self.account.change("delete", id_, None)

    def create_unconfirmed(self, inputs: Mapping[str, Any]) -> CreateResult:
        existing = self.account.all()
        mine = [id_ for id_, each in existing.items() if each.get("creating") == inputs["identity"]]
        for id_ in mine[1:]:
            self.account.change("delete", id_, None)
        if mine:
            id_ = mine[0]
            if {key: value for key, value in existing[id_].items() if key != "creating"} != inputs:
                self.account.change("update", id_, {**inputs, "creating": inputs["identity"]})
        else:
            if any(each["name"] == inputs["name"] for each in existing.values()):
                raise AwsRefusal("CreateThing", "Conflict", f"{inputs['name']} already exists")
            id_ = self.account.new_id()
            self.account.change("create", id_, {**inputs, "creating": inputs["identity"]})
        return CreateResult(id_, self._state(id_, inputs))

    def _state(self, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {**inputs, "arn": f"arn:{id_}", "account": "123456789012"}

    def read(self, id_: str, state: Mapping[str, Any]) -> ReadResult:
        found = self.account.read(id_)
        return ReadResult(None, {}, {}) if found is None else ReadResult(id_, found, self._state(id_, found))

    def update(self, id_: str, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        if self.account.read(id_) is None:
            raise RefusedError(f"{id_} is gone")
        self.account.change("update", id_, dict(inputs))
        return self._state(id_, inputs)

    def delete(self, id_: str, state: Mapping[str, Any]) -> None:
        if self.account.read(id_) is not None:
            self.account.change("delete", id_, None)


class World:
    """One project, one account, one stack."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.account = Account(folder / "account")
        self.handler: Any = ThingHandler(self.account)
        self.store: Store = MemoryStore()
        self.in_memory = True

    def handlers(self, token: str) -> Any:
        return self.handler if token == TOKEN else None

    def write(self, program: str, **config: Any) -> World:
        write_project(self.folder, program, config={key.replace("__", ":"): each for key, each in config.items()})
        return self

    def stack(self) -> Stack:
        environ = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": ""}
        store = self.store if self.in_memory else None
        return open_stack(self.folder, "dev", environ=environ, store=store)

    def preview(self, **options: Any) -> Any:
        from batchiac.deploy import preview

        return preview(self.stack(), self.handlers, **options)

    def up(self, **options: Any) -> Any:
        from batchiac.deploy import up

        return up(self.stack(), self.handlers, **options)

    def refresh(self, **options: Any) -> Any:
        from batchiac.deploy import refresh

        return refresh(self.stack(), self.handlers, **options)

    def destroy(self, **options: Any) -> Any:
        from batchiac.deploy import destroy

        return destroy(self.stack(), self.handlers, **options)

    def snapshot(self) -> Any:
        return self.stack().store.load()

    def things(self) -> dict[str, Any]:
        """Name → state entry of every thing; each must exist once."""
        found: dict[str, Any] = {}
        for state in self.snapshot().resources:
            if state.type == TOKEN:
                assert state.name not in found, state.urn
                found[state.name] = state
        return found

    def require_no_orphans(self) -> None:
        """The account holds what the state says, and nothing else."""
        assert {state.id for state in self.things().values()} == set(self.account.all())
        assert not any("creating" in each for each in self.account.all().values())


def ops(plan: Any) -> dict[str, str]:
    """Name of a thing → what is done to it, the unchanged left out."""
    return {step.urn.split("::")[-1]: step.op.value for step in plan.steps if step.type == TOKEN and step.op != "same"}
