"""ecsProperties: a task of up to ten containers, their order, and the task's namespaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from batchiac.rules.catalogue.places import (
    API,
    JD,
    TASK_CONTAINERS,
    TASKS,
    objects,
    on_managed_instances,
    rule_at,
)
from batchiac.rules.predicates import forbidden, items, one_of, required, shown, unique, whole, within
from batchiac.rules.row import Broken, Rule
from batchiac.rules.view import View

_PROPERTIES = API + "API_EcsProperties.html"
_TASK = API + "API_EcsTaskProperties.html"
_CONTAINER = API + "API_TaskContainerProperties.html"
_DEPENDENCY = API + "API_TaskContainerDependency.html"
_ECS = tuple(each.rpartition(".")[0] for each in TASKS)


def _is_essential(container: View) -> bool:
    """BC: "If this parameter is omitted, a container is assumed to be essential.\""""
    return container.get("essential", True) is not False


def _nothing_essential(view: View, path: str) -> Iterator[Broken]:
    for task in objects(view, (path.rpartition(".")[0],)):
        found = list(task.views("containers"))
        if found and not any(_is_essential(each) for each in found):
            yield Broken(task.absolute("containers"), "without an essential one")


def _waits_for_essential(view: View, path: str) -> Iterator[Broken]:
    for task in objects(view, (path.partition(".containers[]")[0],)):
        essential = {each.text("name") for each in task.views("containers") if _is_essential(each)}
        for container in task.views("containers"):
            for each in container.views("dependsOn"):
                condition, name = each.text("condition"), each.text("containerName")
                if condition in ("COMPLETE", "SUCCESS") and name in essential:
                    yield Broken(each.absolute("condition"), f"{condition} of the essential container {shown(name)}")


def _waits_for_nobody(view: View, path: str) -> Iterator[Broken]:
    for task in objects(view, (path.partition(".containers[]")[0],)):
        names = {each.text("name") for each in task.views("containers")}
        for container in task.views("containers"):
            for each in container.views("dependsOn"):
                name = each.text("containerName")
                if name and (name not in names or name == container.text("name")):
                    yield Broken(each.absolute("containerName"), shown(name))


def _circle(view: View, path: str) -> Iterator[Broken]:
    """Containers that wait for each other all the way round never start."""
    for task in objects(view, (path.partition(".containers[]")[0],)):
        waits = {
            each.text("name"): [one.text("containerName") for one in each.views("dependsOn")]
            for each in task.views("containers")
        }
        stuck = _never_ready(waits)
        if len(stuck) > 1:
            yield Broken(task.absolute("containers"), f"a circle of {', '.join(shown(each) for each in stuck)}")


def _never_ready(waits: Mapping[str, Sequence[str]]) -> list[str]:
    """The names that wait for each other, however long the line: each is settled once, when all it waits for are."""
    open_count = {name: sum(1 for each in others if each in waits) for name, others in waits.items()}
    waiting_for: dict[str, list[str]] = {}
    for name, others in waits.items():
        for each in others:
            waiting_for.setdefault(each, []).append(name)
    ready = [name for name, count in open_count.items() if not count]
    while ready:
        for each in waiting_for.get(ready.pop(), ()):
            open_count[each] -= 1
            if not open_count[each]:
                ready.append(each)
    return [name for name, count in open_count.items() if count]


def _elsewhere(view: View) -> bool:
    return not on_managed_instances(view)


RULES: tuple[Rule, ...] = (
    rule_at(
        "JD301",
        JD,
        _ECS,
        "taskProperties",
        items(1, 1),
        allowed="exactly one task is allowed",
        change="put all containers into one task",
        source=_PROPERTIES,
    ),
    rule_at(
        "JD302",
        JD,
        TASKS,
        "containers",
        items(1, 10),
        allowed="1 to 10 containers are allowed in a task",
        change="merge containers, or split the job",
        source=_PROPERTIES,
    ),
    rule_at(
        "JD303",
        JD,
        TASKS,
        "containers",
        whole(_nothing_essential),
        allowed="at least one container must be essential",
        change="leave essential out of the container that does the work",
        source=_CONTAINER,
    ),
    rule_at(
        "JD304",
        JD,
        TASKS,
        "containers",
        unique("name"),
        allowed="a container's name is its unique identifier within the task",
        change="rename one of them",
        source=_CONTAINER,
    ),
    rule_at(
        "JD305",
        JD,
        TASK_CONTAINERS,
        "dependsOn[].condition",
        one_of("START", "COMPLETE", "SUCCESS"),
        allowed="START, COMPLETE and SUCCESS are allowed",
        change="use one of these",
        source=_DEPENDENCY,
    ),
    rule_at(
        "JD306",
        JD,
        TASK_CONTAINERS,
        "dependsOn[].condition",
        whole(_waits_for_essential),
        allowed="COMPLETE and SUCCESS cannot be set on an essential container: its end ends the task",
        change="set essential to false on the container that is waited for, or wait for START",
        source=_DEPENDENCY,
    ),
    rule_at(
        "JD307",
        JD,
        TASK_CONTAINERS,
        "dependsOn[].containerName",
        whole(_waits_for_nobody),
        allowed="another container of the same task is allowed",
        change="correct the name",
        source=_DEPENDENCY,
    ),
    rule_at(
        "JD308",
        JD,
        TASK_CONTAINERS,
        "dependsOn[].containerName",
        whole(_circle),
        allowed="containers cannot wait for each other in a circle",
        change="take one of the dependencies out",
        source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html",
    ),
    rule_at(
        "JD309",
        JD,
        TASK_CONTAINERS,
        "startTimeout",
        within(2),
        allowed="at least 2 seconds are allowed",
        change="set it to 2 or more",
        source=_CONTAINER,
    ),
    rule_at(
        "JD310",
        JD,
        TASK_CONTAINERS,
        "stopTimeout",
        within(2),
        allowed="at least 2 seconds are allowed",
        change="set it to 2 or more",
        source=_CONTAINER,
    ),
    rule_at(
        "JD311",
        JD,
        TASKS,
        "networkMode",
        forbidden(),
        when=_elsewhere,
        allowed="networkMode is for Managed Instances; EC2 and Fargate definitions cannot have it",
        change="take it out, or set platformCapabilities to MANAGED_INSTANCES",
        source=_TASK,
    ),
    rule_at(
        "JD312",
        JD,
        TASKS,
        "networkMode",
        one_of("host"),
        when=on_managed_instances,
        allowed="host (the default) is allowed",
        change="set it to host, or leave it out",
        source=_TASK,
    ),
    rule_at(
        "JD313",
        JD,
        TASKS,
        "ipcMode",
        one_of("host", "task", "none"),
        allowed="host, task and none are allowed",
        change="use one of these, or leave it out",
        source=_TASK,
    ),
    rule_at(
        "JD314",
        JD,
        TASKS,
        "pidMode",
        one_of("host", "task"),
        allowed="host and task are allowed",
        change="use one of these, or leave it out for a namespace of each container's own",
        source=_TASK,
    ),
    rule_at(
        "JD315",
        JD,
        TASKS,
        "networkConfiguration",
        forbidden(),
        when=on_managed_instances,
        allowed="networkConfiguration is for Fargate; a job on Managed Instances must not have it",
        change="take it out: the compute environment's instanceLaunchTemplate has the network",
        source=_TASK,
    ),
    rule_at(
        "JD316",
        JD,
        TASKS,
        "runtimePlatform.operatingSystemFamily",
        one_of("LINUX"),
        when=on_managed_instances,
        allowed="LINUX is allowed on Managed Instances",
        change="set it to LINUX, or leave it out",
        source=_TASK,
    ),
    rule_at(
        "JD317",
        JD,
        TASK_CONTAINERS,
        "dependsOn[].containerName",
        required(),
        allowed="a dependency names the container that is waited for",
        change="give containerName",
        source=_DEPENDENCY,
    ),
)
"""Every row of ecsProperties."""
