"""nodeProperties: how many nodes, which is the main one, and the ranges that say what each of them runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import frozen

from batchiac.rules.catalogue.places import API, GUIDE, JD, requirement
from batchiac.rules.finding import Level
from batchiac.rules.predicates import exactly_one_of, items, shown, whole, within
from batchiac.rules.row import Broken, Check, Rule
from batchiac.rules.view import View

_NODES = API + "API_NodeProperties.html"
_RANGE = API + "API_NodeRangeProperty.html"
_GROUPS = GUIDE + "mnp-node-groups.html"
_RANGES = "nodeProperties.nodeRangeProperties"
_MAX_NODES = 1000
_MOST_RANGES = 5

RANGE_FORM = re.compile(r"(\d{1,4})|(\d{0,4}):(\d{0,4})")
"""`n`, `a:b`, `:b`, `a:` and `:`."""


@frozen
class NodeRange:
    """Nodes from `first` to `last`, both included; `last` is None for an open end."""

    first: int
    last: int | None

    def covers(self, node: int) -> bool:
        """True when `node` is in the range."""
        return self.first <= node and (self.last is None or node <= self.last)


def parse_range(text: str) -> NodeRange | None:
    """The range that `text` says; None where it is not of AWS's form, or ends before it begins."""
    match = RANGE_FORM.fullmatch(text)
    if match is None:
        return None
    if match[1] is not None:
        return NodeRange(int(match[1]), int(match[1]))
    first = int(match[2] or 0)
    last = int(match[3]) if match[3] else None
    return None if last is not None and last < first else NodeRange(first, last)


def _ranges(view: View) -> Iterator[tuple[View, NodeRange]]:
    for each in view.views(_RANGES):
        found = parse_range(each.text("targetNodes"))
        if found is not None:
            yield each, found


def _number_of_nodes(view: View) -> int | None:
    """How many nodes there are; None where that, or the number of ranges, is wrong by itself (rows of their own)."""
    if view.count(_RANGES) > _MOST_RANGES:
        return None
    number = view.integer("nodeProperties.numNodes")
    return number if number is not None and 1 <= number <= _MAX_NODES else None


def _main_beyond(view: View, path: str) -> Iterator[Broken]:
    main, number = view.integer(path), view.integer("nodeProperties.numNodes")
    if main is not None and number is not None and main >= number:
        yield Broken(path, f"{main} of {number} nodes")


def _bad_range(view: View, path: str) -> Iterator[Broken]:
    for at, value in view.each(path):
        if isinstance(value, str) and parse_range(value) is None:
            yield Broken(at, shown(value))


def _uncovered(view: View, path: str) -> Iterator[Broken]:
    number = _number_of_nodes(view)
    if number is None or any(parse_range(each.text("targetNodes")) is None for each in view.views(_RANGES)):
        return
    ranges = [found for _, found in _ranges(view)]
    missing = [node for node in range(number) if not any(each.covers(node) for each in ranges)]
    if missing:
        yield Broken(path, f"without node{'s' if len(missing) > 1 else ''} {_spoken(missing)} of 0 to {number - 1}")


def _spoken(nodes: list[int]) -> str:
    return ", ".join(map(str, nodes[:3])) + (", …" if len(nodes) > 3 else "")


def _beyond(view: View, path: str) -> Iterator[Broken]:
    del path
    number = _number_of_nodes(view)
    for each, found in _ranges(view):
        highest = found.first if found.last is None else found.last
        if number is not None and highest >= number:
            yield Broken(each.absolute("targetNodes"), f"{shown(each.text('targetNodes'))} of {number} nodes")


def _two_instance_types(view: View, path: str) -> Iterator[Broken]:
    del path
    seen: dict[str, str] = {}
    for each in view.views(_RANGES):
        for at in ("container.instanceType", "instanceTypes[0]"):
            if each.has(at):
                seen.setdefault(each.text(at), each.absolute(at))
    if len(seen) > 1:
        first, second, *_ = seen
        yield Broken(seen[second], f"{shown(second)} where another group has {shown(first)}")


def _types_without_ecs(view: View, path: str) -> Iterator[Broken]:
    del path
    for each in view.views(_RANGES):
        if each.count("instanceTypes") and not each.has("ecsProperties"):
            yield Broken(each.absolute("instanceTypes"), f"given as {shown(each.get('instanceTypes'))}")


def _each_node_has(name: str, deprecated: str) -> Check:
    """BC: "It must be specified for each node at least once": one of the ranges that hold the node names it."""

    def run(view: View, path: str) -> Iterator[Broken]:
        number = _number_of_nodes(view)
        if number is None:
            return
        named = [found for each, found in _ranges(view) if _names(each, name, deprecated)]
        ranges = [found for _, found in _ranges(view)]
        missing = [
            node
            for node in range(number)
            if any(each.covers(node) for each in ranges) and not any(each.covers(node) for each in named)
        ]
        if missing:
            yield Broken(path, f"without {name} for node{'s' if len(missing) > 1 else ''} {_spoken(missing)}")

    return whole(run)


def _names(node_range: View, name: str, deprecated: str) -> bool:
    """True where the range names it, or is not a plain container (a task's containers and pods have rows of theirs)."""
    if not node_range.has("container"):
        return True
    container = node_range.part("container")
    return container.has(deprecated) or requirement(container, name) is not None


RULES: tuple[Rule, ...] = (
    Rule(
        "JD501",
        JD,
        "nodeProperties.numNodes",
        within(1, _MAX_NODES),
        allowed="1 to 1,000 nodes are allowed",
        change="set it within that range",
        source=_NODES,
        aws_message="Number of nodes must be between 1 and 1000.",
    ),
    Rule(
        "JD502",
        JD,
        "nodeProperties.mainNode",
        whole(_main_beyond),
        allowed="the main node's index is less than numNodes",
        change="set it to 0, or raise numNodes",
        source=_NODES,
        aws_message="Main node index is out of range, must be less than numNodes.",
    ),
    Rule(
        "JD503",
        JD,
        "nodeProperties.mainNode",
        within(0),
        allowed="an index of 0 or more is allowed",
        change="set it to 0",
        source=_NODES,
    ),
    Rule(
        "JD504",
        JD,
        _RANGES,
        items(1, _MOST_RANGES),
        allowed="1 to 5 node groups are allowed",
        change="merge ranges that run the same",
        source=_GROUPS,
    ),
    Rule(
        "JD505",
        JD,
        f"{_RANGES}[].targetNodes",
        whole(_bad_range),
        allowed="an index, or a range as in 0:3, :3 and 3: is allowed",
        change="write it in that form, the lower index first",
        source=_RANGE,
    ),
    Rule(
        "JD506",
        JD,
        _RANGES,
        whole(_uncovered),
        allowed="the ranges together must account for all nodes",
        change="add a range for the rest, or write the last one with an open end (n:)",
        source=_RANGE,
    ),
    Rule(
        "JD507",
        JD,
        f"{_RANGES}[].targetNodes",
        whole(_beyond),
        level=Level.WARNING,
        allowed="indices below numNodes are allowed",
        change="lower the range, or raise numNodes",
        source=_RANGE,
    ),
    Rule(
        "JD508",
        JD,
        f"{_RANGES}[]",
        exactly_one_of("container", "ecsProperties", "eksProperties"),
        allowed="a range has exactly one of container, ecsProperties, eksProperties",
        change="keep the one that the nodes run as",
        source=_RANGE,
    ),
    Rule(
        "JD509",
        JD,
        f"{_RANGES}[].instanceTypes",
        items(0, 1),
        allowed="the list is limited to one element",
        change="keep one instance type",
        source=_RANGE,
    ),
    Rule(
        "JD510",
        JD,
        f"{_RANGES}[].instanceTypes",
        whole(_types_without_ecs),
        allowed="instanceTypes is allowed for ranges with ecsProperties only",
        change="set container.instanceType instead, or move the container to ecsProperties",
        source=_RANGE,
        aws_message="Using instanceTypes with nodeRangeProperty is only allowed for ecsProperties jobs.",
    ),
    Rule(
        "JD511",
        JD,
        _RANGES,
        whole(_two_instance_types),
        allowed="all node groups use the same instance type",
        change="give the same to each, or leave it to the compute environment",
        source=API + "API_ContainerProperties.html",
    ),
    Rule(
        "JD512",
        JD,
        _RANGES,
        _each_node_has("VCPU", "vcpus"),
        allowed="the number of vCPUs must be given for each node at least once",
        change="add {type: VCPU, value: …} to the container's resourceRequirements",
        source=API + "API_ResourceRequirement.html",
    ),
    Rule(
        "JD513",
        JD,
        _RANGES,
        _each_node_has("MEMORY", "memory"),
        allowed="the memory must be given for each node at least once",
        change="add {type: MEMORY, value: …} to the container's resourceRequirements",
        source=API + "API_ResourceRequirement.html",
    ),
)
"""Every row of nodeProperties."""
