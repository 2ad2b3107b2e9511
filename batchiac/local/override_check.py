"""What a job's overrides make of its definition, judged by the rules of a definition.

SubmitJob's own rules see the request only: that 0.25 vCPUs are too few says the definition's platform. So a job that
overrides vCPUs, memory or the like is judged as the definition that it would be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from batchiac.local.records import DefinitionRecord

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

_SIZES = ("resourceRequirements", "vcpus", "memory", "resources")
_OF_A_SIZE = re.compile(r"(^|\.)(resourceRequirements|vcpus|memory|resources)(\.|\[|$)")
_CARRIERS = ("containerOverrides", "ecsPropertiesOverride", "eksPropertiesOverride", "nodeOverrides")
_MOST_KEPT = 1_000
_NAMED = ("type", "platformCapabilities")


def require_sound_sizes(
    batch: BatchBackend, definition: DefinitionRecord, payload: Mapping[str, Any], request: Mapping[str, Any]
) -> None:
    """Refuse sizes that AWS refuses in a definition of this platform.

    Args:
        payload: the properties with the request's overrides laid over them.

    Raises:
        ApiError: the first broken rule's text.
    """
    sizes = {key: found for key in _CARRIERS if (found := _sizes(request.get(key)))}
    if not sizes:
        return
    key = ("sound sizes", repr(sizes))
    if key in definition.values:
        return
    from batchiac.rules import check_request

    whole = {"jobDefinitionName": definition.name, **payload}
    whole |= {name: definition.wire[name] for name in _NAMED if name in definition.wire}
    for finding in check_request("RegisterJobDefinition", whole):
        if finding.stops and _OF_A_SIZE.search(finding.property):
            raise batch.execution_refusal(finding.aws_message or finding.message)
    if len(definition.values) > _MOST_KEPT:
        definition.values.clear()
    definition.values[key] = True


def _sizes(overrides: Any) -> Any:
    """The part of the overrides that says sizes and where they belong; falsy when there is none."""
    if isinstance(overrides, dict):
        found = {key: each if key in _SIZES else _sizes(each) for key, each in overrides.items()}
        kept = {key: each for key, each in found.items() if each}
        place = {key: overrides[key] for key in ("name", "targetNodes", "numNodes") if key in overrides}
        return {**place, **kept} if kept else {}
    if isinstance(overrides, list):
        entries = [_sizes(each) for each in overrides]
        return entries if any(entries) else []
    return {}
