"""Any resource, said in the API's own words: for what no other component says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from batchiac.components.component import Component
from batchiac.components.declaration import Reference, declare
from batchiac.components.resources import RESOURCES
from batchiac.components.stack_config import ConfigRunError
from batchiac.components.template_version import with_numbers


class WireResource(Component):
    """One resource with its inputs in wire form, judged by the same rules as every other.

    Args:
        kind: `Role`, `InstanceProfile`, `Subnet`, `JobDefinition`, …: what docs/architecture.md calls a kind.
        name: the logical name; the physical one is made from it unless the inputs fix one.
        inputs: as the Create API takes them; `tags` as a mapping. Other resources' ids and outputs anywhere.

    Attributes:
        id: what AWS calls it by: an ARN, or EC2's id.
    """

    def __init__(
        self, kind: str, name: str, inputs: Mapping[str, Any], *, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        if kind not in RESOURCES:
            raise ConfigRunError(f"WireResource {name} has the kind {kind!r}: known are {', '.join(RESOURCES)}")
        super().__init__(f"batchiac:wire:{kind}", name, None, opts)
        self._resource = declare(kind, name, with_numbers(inputs), self)
        self.id = Reference(self._resource, "id")
        self.register_outputs({})

    def output(self, key: str) -> Reference:
        """Another of its outputs, such as a role's `roleName`."""
        return Reference(self._resource, key)
