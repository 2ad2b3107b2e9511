"""Which payloads go with a definition's type: what each row accepts, rejects, leaves."""

from __future__ import annotations

from typing import Any

from subjects import Cases

_CONTAINER = {
    "image": "busybox",
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
}
_NODES = {
    "numNodes": 2,
    "mainNode": 0,
    "nodeRangeProperties": [{"targetNodes": "0:1", "container": _CONTAINER}],
}


def definition(kind: str, **payloads: Any) -> dict[str, Any]:
    """A definition of a type with these payloads."""
    return {"jobDefinitionName": "d", "type": kind, **payloads}


SINGLE = definition("container", containerProperties=_CONTAINER)
MANY = definition("multinode", nodeProperties=_NODES)

CASES: dict[str, Cases] = {
    "JD090": (
        [MANY],
        [
            {**MANY, "containerProperties": _CONTAINER},
            {**MANY, "ecsProperties": {"taskProperties": [{"containers": [_CONTAINER]}]}},
            {**MANY, "eksProperties": {"podProperties": {}}},
        ],
        [SINGLE],
    ),
    "JD091": ([], [{**SINGLE, "nodeProperties": _NODES}], [SINGLE, MANY]),
}
