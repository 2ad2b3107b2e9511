"""Pulumi's adapter: the handlers as dynamic providers.

Pulumi pickles the provider object into every resource's state, by reference because these classes are importable:
about 80 characters, no code, no secret, the same under any Python. So the class paths here are persistent: renaming one
makes `destroy` of an existing stack fail (tests/golden/test_persistent_names.py).

What this file corrects on the way: integers arrive as floats; a value not yet known is `pulumi.output.Unknown` or the
SDK's sentinel, at any depth; `__provider` is among the properties; an update that returns no outputs wipes them; read
must return the inputs too, or a refresh never shows in the next diff.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, ParamSpec, TypeVar

from pulumi import dynamic
from pulumi.output import Unknown

from batchiac.errors import BatchiacError, InternalError
from batchiac.model.target import KEYS, Target, target_from_config
from batchiac.model.unknown import UNKNOWN
from batchiac.provider import HANDLERS, TOKEN_PREFIX
from batchiac.provider.pulumi_state import find_live, holds, neighbours, was_creating
from batchiac.provider.resource import ResourceHandler

P = ParamSpec("P")
R = TypeVar("R")

PROVIDER_KEY = "__provider"

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""`pulumi.runtime.rpc.UNKNOWN`: what a value not yet known is on the wire (a part of Pulumi's protocol)."""

SECRET_KEY, SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
"""How the wire wraps a secret."""


def from_pulumi(value: Any) -> Any:
    """A property as handlers take it: `UNKNOWN`, integers, no secrets' wrapping, no `__provider`."""
    if isinstance(value, Unknown) or value == UNKNOWN_TEXT:
        return UNKNOWN
    if isinstance(value, Mapping):
        if value.get(SECRET_KEY) == SECRET_SIGNATURE:
            return from_pulumi(value.get("value"))
        return {key: from_pulumi(each) for key, each in value.items() if key != PROVIDER_KEY}
    if isinstance(value, list | tuple):
        return [from_pulumi(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def to_pulumi(value: Any) -> Any:
    """A property as Pulumi takes it: `UNKNOWN` as the wire's sentinel."""
    if value is UNKNOWN:
        return UNKNOWN_TEXT
    if isinstance(value, Mapping):
        return {key: to_pulumi(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_pulumi(each) for each in value]
    return value


def _plainly(method: Callable[P, R]) -> Callable[P, R]:
    """Let an error of ours out without its causes: the CLI prints every traceback of the chain, our sentence last."""

    @functools.wraps(method)
    def call(*arguments: P.args, **named: P.kwargs) -> R:
        try:
            return method(*arguments, **named)
        except BatchiacError as error:
            error.__cause__ = None
            raise error.with_traceback(None) from None

    return call


@functools.cache
def _door_of(target: Target) -> Any:
    from batchiac.aws.door import Door

    return Door(target)


class Provider(dynamic.ResourceProvider):
    """One kind's provider; the subclasses below name the kind."""

    serialize_as_secret_always = False
    """There is nothing secret in it, and readable state is worth having."""

    kind: ClassVar[str] = ""

    @_plainly
    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Read where the stack acts; the same keys as the embedded engine reads."""
        config = {f"batchiac:{key}": req.config.get(f"batchiac:{key}") for key in KEYS}
        target = target_from_config({key: each for key, each in config.items() if each is not None}, os.environ)
        self._handler = HANDLERS[TOKEN_PREFIX + self.kind](_door_of(target))
        self._handler.was_creating = lambda inputs: was_creating(TOKEN_PREFIX + self.kind, str(inputs.get("identity")))
        self._handler.is_held = holds
        self._handler.neighbours = lambda identity, kind: from_pulumi(neighbours(identity, TOKEN_PREFIX + kind))
        self._checked: dict[str, Mapping[str, Any]] = {}

    def _configured(self) -> ResourceHandler:
        try:
            return self._handler
        except AttributeError:
            raise InternalError(f"{type(self).__name__} was called before it was configured") from None

    @_plainly
    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """The handler's check; every failure with its property."""
        handler, olds, inputs = self._configured(), from_pulumi(_olds), from_pulumi(news)
        if olds:
            self._checked[str(inputs.get("identity"))] = olds
            result = handler.check(olds, inputs)
        elif replaced := self._replaced(str(inputs.get("identity"))):
            result = handler.check_replacement(replaced, inputs)
        else:
            result = handler.check({}, inputs)
        failures = [dynamic.CheckFailure(each.property, each.reason) for each in result.failures]
        return dynamic.CheckResult(to_pulumi(result.inputs), failures)

    def _replaced(self, identity: str) -> Mapping[str, Any] | None:
        """The inputs of what a resource that is checked without olds is to replace; None when it is new.

        A replacement is checked twice, with its olds and without; one that `--replace` asks for without only.
        """
        return self._checked.get(identity) or find_live(TOKEN_PREFIX + self.kind, identity)

    @_plainly
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """The handler's diff, as much of it as Pulumi's dynamic providers can say."""
        result = self._configured().diff(from_pulumi(_olds), from_pulumi(_news))
        return dynamic.DiffResult(
            changes=bool(result.changes),
            replaces=list(result.replaces),
            delete_before_replace=result.delete_before_replace,
        )

    @_plainly
    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """The handler's create. What it could not clean up after a failure carries our tag and is adopted next time."""
        result = self._configured().create(from_pulumi(props))
        return dynamic.CreateResult(result.id, result.outputs)

    @_plainly
    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """The handler's read, inputs included; an empty id says that the resource is gone."""
        result = self._configured().read(id_, from_pulumi(props))
        if result.id is None:
            return dynamic.ReadResult("", {}, {})
        return dynamic.ReadResult(result.id, result.outputs, result.inputs)

    @_plainly
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """The handler's update; the whole new state, because Pulumi keeps nothing of the old one."""
        return dynamic.UpdateResult(self._configured().update(_id, from_pulumi(_olds), from_pulumi(_news)))

    @_plainly
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """The handler's delete."""
        self._configured().delete(_id, from_pulumi(_props))


class VpcProvider(Provider):
    kind = "Vpc"


class SubnetProvider(Provider):
    kind = "Subnet"


class InternetGatewayProvider(Provider):
    kind = "InternetGateway"


class RouteTableProvider(Provider):
    kind = "RouteTable"


class SecurityGroupProvider(Provider):
    kind = "SecurityGroup"


class RoleProvider(Provider):
    kind = "Role"


class InstanceProfileProvider(Provider):
    kind = "InstanceProfile"


class LaunchTemplateProvider(Provider):
    kind = "LaunchTemplate"


class PlacementGroupProvider(Provider):
    kind = "PlacementGroup"


class ComputeEnvironmentProvider(Provider):
    kind = "ComputeEnvironment"


class JobQueueProvider(Provider):
    kind = "JobQueue"


class JobDefinitionProvider(Provider):
    kind = "JobDefinition"


class SchedulingPolicyProvider(Provider):
    kind = "SchedulingPolicy"


class ConsumableResourceProvider(Provider):
    kind = "ConsumableResource"


class ServiceEnvironmentProvider(Provider):
    kind = "ServiceEnvironment"


class QuotaShareProvider(Provider):
    kind = "QuotaShare"
