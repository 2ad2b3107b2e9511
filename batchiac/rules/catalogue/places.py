"""Where a container, a task, a pod or a retry strategy can stand in a job definition or a request.

AWS says one sentence of a container; a definition can hold containers in four places, and a submission overrides them
in three more. A row made with `rule_at` tests all of its places and is listed under the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchiac.model.unknown import UNKNOWN
from batchiac.rules.paths import EACH, Token, parse_path
from batchiac.rules.row import Broken, Check, Condition, Rule
from batchiac.rules.view import View

JD = "JobDefinition"
SJ = "SubmitJob"

API = "https://docs.aws.amazon.com/batch/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide/"

_NODES = "nodeProperties.nodeRangeProperties[]"
SINGLE = ("containerProperties",)
"""A job of one container."""
CONTAINERS = ("containerProperties", f"{_NODES}.container")
"""Whatever has the shape ContainerProperties."""
TASKS = ("ecsProperties.taskProperties[]", f"{_NODES}.ecsProperties.taskProperties[]")
TASK_CONTAINERS = tuple(f"{task}.containers[]" for task in TASKS)
ALL_CONTAINERS = (*CONTAINERS, *TASK_CONTAINERS)
"""ECS containers of either shape."""
HOSTS = (*CONTAINERS, *TASKS)
"""What has volumes, an execution role and a platform: a container's properties, or a task's."""
PODS = ("eksProperties.podProperties", f"{_NODES}.eksProperties.podProperties")
POD_CONTAINERS = tuple(f"{pod}.{each}[]" for pod in PODS for each in ("containers", "initContainers"))

_NODE_OVERRIDES = "nodeOverrides.nodePropertyOverrides[]"
CONTAINER_OVERRIDES = ("containerOverrides", f"{_NODE_OVERRIDES}.containerOverrides")
TASK_OVERRIDES = (
    "ecsPropertiesOverride.taskProperties[].containers[]",
    f"{_NODE_OVERRIDES}.ecsPropertiesOverride.taskProperties[].containers[]",
)
ALL_OVERRIDES = (*CONTAINER_OVERRIDES, *TASK_OVERRIDES)
POD_OVERRIDES = tuple(
    f"{start}.podProperties.{each}[]"
    for start in ("eksPropertiesOverride", f"{_NODE_OVERRIDES}.eksPropertiesOverride")
    for each in ("containers", "initContainers")
)


def rule_at(rule_id: str, kind: str, places: Sequence[str], property_: str, check: Check, **texts: Any) -> Rule:
    """A row of `property_` at every one of `places`.

    It does not apply where the property stands nowhere; a check that speaks of absence (`required`) applies where
    the object that should hold it stands.

    Args:
        rule_id: of the row.
        kind: of the row.
        places: prefixes (constants above).
        property_: below each place.
        check: called once a place with the whole path; with `once=True` a single time, for a check that looks at all
            places by itself.
        texts: the row's other fields, `when` among them.
    """
    paths = tuple(f"{place}.{property_}" if place else property_ for place in places)
    when: Condition | None = texts.pop("when", None)
    once: bool = texts.pop("once", False)
    # A check that speaks of absence applies where the object that should hold the property stands.
    here = tuple((path, parse_path(path)[: -1 if check.on_absent else None]) for path in paths)

    def run(view: View, path: str) -> Iterator[Broken]:
        del path
        for each in paths[:1] if once else _standing(view, here):
            yield from check.run(view, each)

    def applies(view: View) -> bool:
        for _ in _standing(view, here):
            return when is None or when(view)
        return False

    needs = tuple(path.rpartition(".")[0] if check.on_absent else path for path in paths)
    return Rule(rule_id, kind, paths[0], Check(run, anywhere=True), when=applies, needs=needs, **texts)


def _standing(view: View, places: Sequence[tuple[str, tuple[Token, ...]]]) -> Iterator[str]:
    """The paths at which something stands. A value on the way that is not yet known is noted, as the view does it.

    A definition has some 200 rows with up to eight places each, and stands in one: so this looks at the plain values.
    """
    value = view.raw("")
    if not isinstance(value, Mapping):
        return
    for path, tokens in places:
        # Most places end at their first name.
        if value.get(tokens[0]) is not None and _is_there(value, tokens, 0, view, path):
            yield path


def _is_there(value: Any, tokens: tuple[Token, ...], position: int, view: View, path: str) -> bool:
    for index in range(position, len(tokens)):
        if value is None:
            return False
        if value is UNKNOWN:
            view.unseen.append(_spelled(tokens[:index]))
            return False
        token = tokens[index]
        if token == EACH:
            if not isinstance(value, list | tuple):
                return False
            return any(_is_there(each, tokens, index + 1, view, path) for each in value)
        if not isinstance(value, Mapping):
            return False
        value = value.get(token)
    return value is not None


def _spelled(tokens: Sequence[Token]) -> str:
    return ".".join(str(each) for each in tokens if each != EACH)


# --- platforms ----------------------------------------------------------------------------------------------------


def on_fargate(view: View) -> bool:
    """The definition asks for Fargate."""
    return "FARGATE" in view.texts("platformCapabilities")


def on_managed_instances(view: View) -> bool:
    """The definition asks for ECS Managed Instances."""
    return "MANAGED_INSTANCES" in view.texts("platformCapabilities")


def on_ec2(view: View) -> bool:
    """The definition is for EC2, which is what it is when it says nothing (BC: "it defaults to EC2")."""
    capabilities = view.texts("platformCapabilities")
    return not view.has("eksProperties") and (not capabilities or capabilities == ("EC2",))


# --- quantities ---------------------------------------------------------------------------------------------------


def quantity(value: Any) -> float | None:
    """The number that a resource requirement's text says; None where it says none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str) or len(value) > 20:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None


def requirement(view: View, name: str) -> str | None:
    """The value of the resource requirement `name` (VCPU, MEMORY, GPU) of the container that `view` shows.

    Raises:
        NotYetKnown: the list, or an element whose type or value is unknown.
    """
    for each in view.views("resourceRequirements"):
        if each.text("type") == name:
            return each.text("value") or None
    return None


def objects(view: View, places: Sequence[str]) -> Iterator[View]:
    """A view of each object that stands at any of `places`."""
    for place in places:
        for parent, _ in view.parents(f"{place}.x"):
            yield parent
