"""The dynamic resources that components are made of, one class a kind; the token of each is persistent.

`class X(dynamic.Resource, module="batch", name="ComputeEnvironment")` yields the token
`pulumi-python:dynamic/batch:ComputeEnvironment`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import dynamic

from batchiac.provider import HANDLERS, KINDS, TOKEN_PREFIX
from batchiac.provider import dynamic as providers
from batchiac.provider.resource import ResourceHandler


class BatchiacResource(dynamic.Resource, module="batch", name="Resource"):
    """One resource. Its outputs are attributes under their wire names: `resource.jobQueueArn`.

    Args:
        name: the logical name.
        inputs: in wire form; Outputs anywhere.
    """

    kind: str = ""

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        handler = self.handler()
        # A property that is not in the props has no attribute: every output stands there as None, which is not sent.
        outputs = dict.fromkeys((*handler.outputs, *filter(None, (handler.name_property,))))
        provider = getattr(providers, f"{self.kind}Provider")()
        super().__init__(provider, name, {**outputs, **inputs}, opts)

    @classmethod
    def handler(cls) -> type[ResourceHandler]:
        """The kind's handler class: it knows the names of inputs and outputs."""
        return HANDLERS[TOKEN_PREFIX + cls.kind]

    def output(self, key: str) -> pulumi.Output[Any]:
        """The output `key`, known once the resource exists.

        `id` is the one output that stays known while an update of the resource is only planned: whatever AWS calls a
        resource by (ARN, or EC2's id) is its `id`, and what refers to it should use that.
        """
        found: pulumi.Output[Any] = getattr(self, key)
        return found


def _class(kind: str) -> type[BatchiacResource]:
    class Made(BatchiacResource, module="batch", name=kind):
        __doc__ = f"The resource {kind}."

    Made.kind = kind
    Made.__name__ = Made.__qualname__ = kind
    return Made


RESOURCES: Mapping[str, type[BatchiacResource]] = {kind: _class(kind) for kind in KINDS}
"""Kind → class."""
