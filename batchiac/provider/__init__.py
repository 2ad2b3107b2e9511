"""One handler a resource, for both engines. `HANDLERS` maps a Pulumi type token to the handler's class.

handler = HANDLERS["pulumi-python:dynamic/batch:JobQueue"](door)
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchiac.provider.resource import ResourceHandler

TOKEN_PREFIX = "pulumi-python:dynamic/batch:"

_WHERE: Mapping[str, str] = {
    "Vpc": "simple_kinds",
    "Subnet": "simple_kinds",
    "InternetGateway": "simple_kinds",
    "RouteTable": "simple_kinds",
    "SecurityGroup": "simple_kinds",
    "PlacementGroup": "simple_kinds",
    "InstanceProfile": "simple_kinds",
    "SchedulingPolicy": "simple_kinds",
    "ConsumableResource": "consumable_resource",
    "ServiceEnvironment": "service_environment",
    "Role": "role",
    "LaunchTemplate": "launch_template",
    "ComputeEnvironment": "compute_environment",
    "JobQueue": "job_queue",
    "QuotaShare": "quota_share",
    "JobDefinition": "job_definition",
}
"""Kind → the module of its handler, imported when the first resource of the kind is met."""

KINDS: tuple[str, ...] = tuple(_WHERE)


class _Handlers(Mapping[str, "type[ResourceHandler]"]):
    def __getitem__(self, token: str) -> type[ResourceHandler]:
        kind = token.removeprefix(TOKEN_PREFIX)
        if kind == token:
            raise KeyError(token)
        module = importlib.import_module(f"batchiac.provider.{_WHERE[kind]}")
        found: type[ResourceHandler] = getattr(module, kind)
        return found

    def __iter__(self) -> Iterator[str]:
        return (TOKEN_PREFIX + kind for kind in _WHERE)

    def __len__(self) -> int:
        return len(_WHERE)


HANDLERS: Mapping[str, type[ResourceHandler]] = _Handlers()
"""Token → handler class: `HANDLERS[token](door)`."""

__all__ = ["HANDLERS", "KINDS", "TOKEN_PREFIX"]
