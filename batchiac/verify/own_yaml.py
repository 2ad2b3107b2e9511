"""Reads batchiac's own small YAML of tasks.

    workload: night run
    defaults: {queue: main, definition: job}        # what a task does not say itself
    tasks:
      prepare:
        command: [python, prepare.py]
        vcpus: 2
        memory: 4 GiB                               # a number alone is MiB
        simulation: {duration: 90}                  # seconds, or uniform:60:90, or lognormal:300:1.5
      align:
        array: 24                                   # 2 to 10,000 children
        depends_on: [prepare]
        retries: 2                                  # up to three attempts
        simulation: {duration: "lognormal:240:1.4", exit: "1:0", memory: 3000}

`KEYS` says every key with its meaning; docs are made from it. A key that is not there is refused with the nearest
known one: a misspelt `dependson` would otherwise run the task at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Hashable, Iterable, Mapping
from pathlib import PurePath
from typing import Any

import yaml

from batchiac.errors import WorkloadError
from batchiac.verify.workload import DURATION, EXITS, Behaviour, Dependency, Task, Workload

KEYS: Mapping[str, str] = {
    "command": "the container's command: a list, or one text that is split at blanks",
    "vcpus": "vCPUs it asks for, per node",
    "memory": "memory it asks for, per node: MiB, or a text such as `4 GiB`",
    "gpus": "GPUs it asks for, per node",
    "array": "run as an array job of 2 to 10,000 children",
    "sequential": "true: the array's children run one after the other",
    "nodes": "nodes of a multi-node parallel job, 2 to 1,000",
    "count": "that many jobs of this kind; a task that depends on this one waits for all of them",
    "depends_on": "tasks that must succeed first: names, or {task: name, type: N_TO_N}",
    "queue": "the queue, by its name in the program or in AWS",
    "definition": "the job definition, likewise",
    "retries": "how often a failed attempt is tried again, 0 to 9",
    "timeout": "seconds that one attempt may run, 60 or more",
    "share": "share identifier, for a fair-share queue",
    "submit_at": "seconds after the workload's start at which it is submitted",
    "group": "what tasks of one kind share in the report; the task's name by default",
    "simulation": "how it behaves when simulated: duration, exit, memory",
}
SIMULATION_KEYS: Mapping[str, str] = {
    "duration": "seconds an attempt runs: `90`, `uniform:60:90` (low, high), `lognormal:300:1.5` (median, spread)",
    "exit": "exit code: `0`, or one an attempt, `1:0` (the last repeated)",
    "memory": "peak memory, as `memory` above: over the limit means OutOfMemoryError",
}
_TOP_KEYS = {"workload": "", "defaults": "", "tasks": ""}
_MEMORY = re.compile(r"^(\d+(?:\.\d+)?)\s*(MiB|GiB|TiB)$")
_MIB_IN = {"MiB": 1, "GiB": 1024, "TiB": 1024 * 1024}


class _NoDoubleKeys(yaml.SafeLoader):
    """Plain YAML would let the second of two equal keys win in silence; here it is refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.value != "<<":
                raise WorkloadError(f"line {key.start_mark.line + 1}: {key.value!r} stands twice; names must differ")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def parse_own_yaml(text: str, path: str) -> Workload:
    """The workload in a file of our own form.

    Raises:
        WorkloadError: not YAML, an unknown key, a value of the wrong kind, a cycle or a missing parent.
    """
    try:
        document = yaml.load(text, Loader=_NoDoubleKeys)  # a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise WorkloadError(f"{path} is not YAML{where}: {problem}") from error
    except WorkloadError as error:
        raise WorkloadError(f"{path}, {error.message}") from error
    if not isinstance(document, Mapping):
        raise WorkloadError(f"{path} holds no mapping: a workload has `workload:` (its name) and `tasks:`")
    _refuse_unknown(document, _TOP_KEYS, path)
    defaults = document.get("defaults") or {}
    tasks = document.get("tasks")
    if not isinstance(defaults, Mapping):
        raise WorkloadError(f"{path}: `defaults` is no mapping; give it keys that a task has")
    if not isinstance(tasks, Mapping) or not tasks:
        raise WorkloadError(f"{path}: `tasks` is no mapping of names to tasks; give it at least one task")
    _refuse_unknown(defaults, KEYS, f"{path}: defaults")
    entries: dict[str, dict[str, Any]] = {}
    for name, entry in tasks.items():
        where = f"{path}: task {name!r}"
        if not isinstance(name, str) or not re.match(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", name):
            raise WorkloadError(f"{where}: a name begins with a letter or digit and goes on with those, `_`, `.`, `-`")
        entry = {} if entry is None else entry
        if not isinstance(entry, Mapping):
            raise WorkloadError(f"{where} is no mapping; give it keys such as command and depends_on")
        _refuse_unknown(entry, KEYS, where)
        simulation = {**_simulation(defaults, f"{path}: defaults"), **_simulation(entry, where)}
        entries[name] = {**defaults, **entry, "simulation": simulation}
    copies = {name: _copies(name, entry, path) for name, entry in entries.items()}
    return Workload(
        name=str(document.get("workload") or PurePath(path).stem),
        format="batchiac YAML",
        tasks=[
            _task(copy, name, entry, copies, f"{path}: task {name!r}")
            for name, entry in entries.items()
            for copy in copies[name]
        ],
    )


def _copies(name: str, entry: Mapping[str, Any], path: str) -> list[str]:
    count = _whole(entry.get("count"), 1, 100_000, f"{path}: task {name!r}", "count")
    return [name] if count is None else [f"{name}-{number}" for number in range(1, count + 1)]


def _simulation(entry: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    simulation = entry.get("simulation") or {}
    if not isinstance(simulation, Mapping):
        raise WorkloadError(f"{where}: simulation is no mapping; it has {', '.join(SIMULATION_KEYS)}")
    _refuse_unknown(simulation, SIMULATION_KEYS, f"{where}: simulation")
    return simulation


def _task(name: str, entry_name: str, entry: Mapping[str, Any], copies: Mapping[str, list[str]], where: str) -> Task:
    array = _whole(entry.get("array"), 2, 10_000, where, "array")
    nodes = _whole(entry.get("nodes"), 2, 1_000, where, "nodes")
    retries = _whole(entry.get("retries"), 0, 9, where, "retries")
    sequential = entry.get("sequential", False)
    if not isinstance(sequential, bool):
        raise WorkloadError(f"{where}: sequential is {sequential!r}; true or false is allowed")
    if sequential and array is None:
        raise WorkloadError(f"{where}: sequential needs an array; add `array: <size>` or drop it")
    if array is not None and nodes is not None:
        raise WorkloadError(
            f"{where}: array and nodes exclude each other; AWS runs no array of multi-node jobs: drop one"
        )
    return Task(
        name=name,
        group=_text(entry.get("group"), where, "group") or entry_name,
        command=tuple(_command(entry.get("command"), where)),
        vcpus=_vcpus(entry.get("vcpus"), where),
        memory_mib=_memory(entry.get("memory"), where, "memory", least=4),
        gpus=_whole(entry.get("gpus"), 1, 1_000, where, "gpus"),
        array_size=array,
        sequential=sequential,
        nodes=nodes,
        depends_on=tuple(_dependencies(entry.get("depends_on"), copies, where)),
        queue=_text(entry.get("queue"), where, "queue"),
        definition=_text(entry.get("definition"), where, "definition"),
        attempts=None if retries is None else retries + 1,
        timeout_s=_whole(entry.get("timeout"), 60, 10**9, where, "timeout"),
        share=_text(entry.get("share"), where, "share"),
        submit_at_s=float(_whole(entry.get("submit_at"), 0, 10**9, where, "submit_at") or 0),
        behaviour=Behaviour(
            duration=_matching(entry["simulation"].get("duration"), DURATION, where, "simulation.duration", "duration"),
            exits=_matching(entry["simulation"].get("exit"), EXITS, where, "simulation.exit", "exit"),
            peak_memory_mib=_memory(entry["simulation"].get("memory"), where, "simulation.memory", least=0),
        ),
    )


def _dependencies(value: object, copies: Mapping[str, list[str]], where: str) -> list[Dependency]:
    if value is None:
        return []
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise WorkloadError(f"{where}: depends_on is {value!r}; a list of task names is allowed")
    dependencies: list[Dependency] = []
    for each in value:
        if isinstance(each, str):
            each = {"task": each}
        if not isinstance(each, Mapping) or not isinstance(each.get("task"), str):
            raise WorkloadError(
                f"{where}: depends_on has {each!r}; a task's name or {{task: name, type: N_TO_N}} is allowed"
            )
        _refuse_unknown(each, {"task": "", "type": ""}, f"{where}: depends_on")
        kind = each.get("type", "")
        if kind not in ("", "N_TO_N"):
            raise WorkloadError(
                f"{where}: depends_on has type {kind!r}; N_TO_N is allowed (for an array, see `sequential`)"
            )
        # A name that is not there is left as it is: `Workload` tells of every missing parent alike.
        dependencies += [Dependency(name, kind) for name in copies.get(each["task"], [each["task"]])]
    return dependencies


def _refuse_unknown(entry: Mapping[Any, Any], known: Iterable[str], where: str) -> None:
    known = list(known)
    for key in entry:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)
            raise WorkloadError(f"{where}: unknown key {key!r}; did you mean {near[0]!r}? Known are {', '.join(known)}")


def _whole(value: object, low: int, high: int, where: str, key: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise WorkloadError(f"{where}: {key} is {value!r}; a whole number from {low:,} to {high:,} is allowed")
    return value


def _vcpus(value: object, where: str) -> float | None:
    if value is None:
        return None
    # Fargate takes quarters and halves; whether the job's platform does is AWS's (and the local stack's) to say.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.25 <= value <= 10_000:
        raise WorkloadError(f"{where}: vcpus is {value!r}; a number from 0.25 up is allowed")
    return value


def _text(value: object, where: str, key: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise WorkloadError(f"{where}: {key} is {value!r}; a text is allowed")
    return value or None


def _command(value: object, where: str) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.split()
    if not isinstance(value, list) or not all(isinstance(each, str | int | float) for each in value):
        raise WorkloadError(f"{where}: command is {value!r}; a list of texts, or one text, is allowed")
    return [str(each) for each in value]


def _memory(value: object, where: str, key: str, *, least: int) -> int | None:
    if value is None:
        return None
    match = _MEMORY.match(value) if isinstance(value, str) else None
    mib = int(float(match[1]) * _MIB_IN[match[2]]) if match else value
    if isinstance(mib, bool) or not isinstance(mib, int) or mib < least:
        raise WorkloadError(f"{where}: {key} is {value!r}; MiB, {least} or more, or a text such as '4 GiB' is allowed")
    return mib


def _matching(value: object, pattern: re.Pattern[str], where: str, path: str, key: str) -> str | None:
    if value is None:
        return None
    text = format(value, "g") if isinstance(value, float) else str(value)
    match = pattern.match(text)
    if isinstance(value, bool) or match is None:
        raise WorkloadError(f"{where}: {path} is {value!r}; allowed: {SIMULATION_KEYS[key]}")
    if text.startswith("uniform:") and float(match["low"]) > float(match["high"]):
        raise WorkloadError(f"{where}: {path} is {value!r}; the lower bound comes first")
    if text.startswith("lognormal:") and float(match["spread"]) < 1:
        raise WorkloadError(f"{where}: {path} is {value!r}; the spread is a factor of 1 or more")
    if key == "exit" and any(int(code) > 255 for code in text.split(":")):
        raise WorkloadError(f"{where}: {path} is {value!r}; exit codes go from 0 to 255")
    return text
