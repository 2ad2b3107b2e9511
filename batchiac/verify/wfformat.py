"""Reads WfFormat 1.5, the WfCommons project's format of measured workflow executions.

Source: https://github.com/wfcommons/WfFormat (wfcommons-schema.json, read 2026-11): `workflow.specification.tasks` has
the graph, `workflow.execution.tasks` what each task took. The schema says bytes for memory; older traces were converted
from producers that wrote kilobytes, and some files still hold those numbers, so the reader looks at the values and says
what it took them for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from batchiac.errors import WorkloadError
from batchiac.verify.workload import Behaviour, Dependency, Task, Workload, memory_to_ask_mib

VERSIONS = ("1.5",)
_MIB = 1024 * 1024
# Every process that a task starts has a resident set well above this; a *largest* value below it, over a whole
# workflow, can only be a number of kilobytes.
_KILOBYTES_BELOW = 4 * _MIB
# Cores are whole: what the measured use is above a whole number by less than this is the measurement's noise.
_CORE_NOISE = 0.1
_NUMBERED = re.compile(r"[_.-]?(ID)?\d+$")


def is_wfformat(document: object) -> bool:
    """True when a parsed JSON document claims to be WfFormat of any version."""
    return isinstance(document, Mapping) and "workflow" in document and "schemaVersion" in document


def parse_wfformat(document: Mapping[str, Any], path: str) -> Workload:
    """The workload in a WfFormat document.

    Args:
        document: the parsed JSON.
        path: for messages, and for the name where the document has none.

    Raises:
        WorkloadError: another version, a part that is missing or of the wrong kind, a cycle or a missing parent.
    """
    version = document.get("schemaVersion")
    if version not in VERSIONS:
        raise WorkloadError(
            f"{path} is WfFormat {version}: {' and '.join(VERSIONS)} can be read; convert it with the WfCommons tools"
        )
    workflow = _mapping(document.get("workflow"), "workflow", path)
    specification = _mapping(workflow.get("specification"), "workflow.specification", path)
    execution = _mapping(workflow.get("execution"), "workflow.execution (the measured times)", path)
    specified = _records(specification.get("tasks"), "workflow.specification.tasks", path)
    measured = {each["id"]: each for each in _records(execution.get("tasks"), "workflow.execution.tasks", path)}
    unmeasured = [each["id"] for each in specified if each["id"] not in measured]
    if unmeasured:
        raise WorkloadError(
            f"{path} has no measured time for task {unmeasured[0]!r}: every task of workflow.specification needs an"
            " entry in workflow.execution.tasks"
        )
    parents = _parents(specified, path)
    unit, assumptions = _memory_unit(measured.values())
    producer = _mapping(document.get("runtimeSystem") or {}, "runtimeSystem", path).get("name", "an unnamed system")
    if not any("coreCount" in each for each in measured.values()):
        assumptions.append(
            "the file has no coreCount: a task asks for its measured average CPU use, rounded up to whole vCPUs"
        )
    tasks = [_task(each, measured[each["id"]], parents[each["id"]], unit_bytes=unit, path=path) for each in specified]
    makespan = execution.get("makespanInSeconds")
    return Workload(
        name=str(document.get("name") or PurePath(path).stem),
        format=f"WfFormat {version}, recorded by {producer}",
        tasks=tasks,
        assumptions=tuple(assumptions),
        measured_makespan_s=float(makespan) if isinstance(makespan, int | float) else None,
    )


def _parents(specified: Sequence[Mapping[str, Any]], path: str) -> dict[str, list[str]]:
    """Task → its parents: what the task lists and who lists it as a child, since producers fill one or the other."""
    parents: dict[str, dict[str, None]] = {}
    for each in specified:
        if each["id"] in parents:
            raise WorkloadError(f"{path}: two tasks have the id {each['id']!r}; ids must differ")
        parents[each["id"]] = dict.fromkeys(_names(each.get("parents"), each["id"], "parents", path))
    for each in specified:
        for child in _names(each.get("children"), each["id"], "children", path):
            if child not in parents:
                raise WorkloadError(
                    f"{path}: task {each['id']!r} has the child {child!r}, which the workload does not have"
                )
            parents[child][each["id"]] = None
    return {task: list(names) for task, names in parents.items()}


def _task(
    specified: Mapping[str, Any], measured: Mapping[str, Any], parents: Sequence[str], *, unit_bytes: int, path: str
) -> Task:
    task_id = specified["id"]
    runtime_s = _number(measured.get("runtimeInSeconds"), task_id, "runtimeInSeconds", path)
    peak_bytes = _number(measured.get("memoryInBytes", 0), task_id, "memoryInBytes", path) * unit_bytes
    # 0 is what producers write when they did not catch the process: as good as no value.
    peak_mib = math.ceil(peak_bytes / _MIB) if peak_bytes else None
    if "coreCount" in measured:
        vcpus = math.ceil(_number(measured["coreCount"], task_id, "coreCount", path))
    else:
        vcpus = math.ceil(_number(measured.get("avgCPU", 0), task_id, "avgCPU", path) / 100 - _CORE_NOISE)
    command = measured.get("command")
    program = command.get("program", "") if isinstance(command, Mapping) else ""
    return Task(
        name=task_id,
        group=_group(str(specified.get("name") or task_id)),
        # Arguments can be hundreds of kilobytes of file names and SubmitJob takes 30 KiB: the program is enough here.
        command=(program.split()[0][:200],) if isinstance(program, str) and program.split() else (),
        vcpus=max(1, vcpus),
        memory_mib=None if peak_mib is None else memory_to_ask_mib(peak_mib),
        depends_on=tuple(Dependency(each) for each in parents),
        behaviour=Behaviour(
            duration=format(runtime_s, ".3f").rstrip("0").rstrip("."), exits="0", peak_memory_mib=peak_mib
        ),
    )


def _group(name: str) -> str:
    """`individuals_ID0000001` → `individuals`, `A.B.SAMTOOLS_SORT` → `SAMTOOLS_SORT`."""
    return _NUMBERED.sub("", name).rpartition(".")[2] or name


def _memory_unit(measured: Any) -> tuple[int, list[str]]:
    """(bytes that one unit of `memoryInBytes` stands for, what was assumed in sentences)."""
    values = [each["memoryInBytes"] for each in measured if isinstance(each.get("memoryInBytes"), int | float)]
    known = [value for value in values if value > 0]
    asked = "asks for a fifth more than its measured peak, in steps of 64 MiB"
    if not known:
        return 1, ["the file has no measured memory: tasks ask for what the job definition says"]
    if max(known) < _KILOBYTES_BELOW:
        return 1024, [
            f"memoryInBytes is taken for kilobytes, because the largest value is {max(known):,}; a task {asked}"
        ]
    sentences = [f"memoryInBytes is taken for bytes (the largest is {max(known) / _MIB:,.0f} MiB); a task {asked}"]
    if len(known) < len(list(measured)):
        count = len(list(measured)) - len(known)
        sentences.append(
            f"{count} task{'s have' if count > 1 else ' has'} no measured memory: the job definition's counts"
        )
    return 1, sentences


def _mapping(value: object, what: str, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise WorkloadError(f"{path} has no {what}: WfFormat 1.5 needs it as an object")
    return value


def _records(value: object, what: str, path: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not value:
        raise WorkloadError(f"{path} has no {what}: WfFormat 1.5 needs it as a list of at least one task")
    for index, each in enumerate(value):
        if not isinstance(each, Mapping) or not isinstance(each.get("id"), str):
            raise WorkloadError(f"{path}: {what}[{index}] has no id; every task needs one, a text")
    return value


def _names(value: object, task_id: str, what: str, path: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise WorkloadError(f"{path}: task {task_id!r} has {what} that are not a list of task ids")
    return value


def _number(value: object, task_id: str, what: str, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise WorkloadError(f"{path}: task {task_id!r} has {what} {value!r}; a number of 0 or more is needed")
    return float(value)
