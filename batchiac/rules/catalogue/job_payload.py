"""Which of a definition's payloads go with its type: one container, one task or pod, or many nodes."""

from __future__ import annotations

from collections.abc import Iterator

from batchiac.rules.catalogue.sources import API, JD
from batchiac.rules.predicates import forbidden, is_one_of, whole
from batchiac.rules.row import Broken, Rule
from batchiac.rules.view import View

_REGISTER = API + "API_RegisterJobDefinition.html"
_SINGLE = ("containerProperties", "ecsProperties", "eksProperties")


def _beside_nodes(view: View, path: str) -> Iterator[Broken]:
    for member in _SINGLE:
        if view.has(member):
            yield Broken(member, "given for a definition of type multinode")


RULES: tuple[Rule, ...] = (
    Rule(
        "JD090",
        JD,
        "type",
        whole(_beside_nodes),
        when=is_one_of("type", "multinode"),
        allowed="containerProperties, ecsProperties and eksProperties at the top are for single-node jobs",
        change="describe the containers within nodeProperties.nodeRangeProperties",
        source=_REGISTER,
    ),
    Rule(
        "JD091",
        JD,
        "nodeProperties",
        forbidden(),
        when=is_one_of("type", "container"),
        allowed="node properties make a job multi-node",
        change="set type to multinode, or take them out",
        source=_REGISTER,
    ),
)
