"""WfFormat 1.5: the graph, the measured times, and what is assumed about units."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from batchiac.errors import WorkloadError
from batchiac.verify.wfformat import parse_wfformat
from batchiac.verify.workload import Dependency

DOCUMENT: dict[str, Any] = {
    "name": "tiny",
    "schemaVersion": "1.5",
    "runtimeSystem": {"name": "Pegasus", "version": "5.0"},
    "workflow": {
        "specification": {
            "tasks": [
                {"name": "split_ID01", "id": "split_ID01", "parents": [], "children": ["work_ID02"]},
                {"name": "A.B.work", "id": "work_ID02", "parents": [], "children": []},
            ]
        },
        "execution": {
            "makespanInSeconds": 12.5,
            "executedAt": "2026-01-01",
            "tasks": [
                {"id": "split_ID01", "runtimeInSeconds": 1.25, "avgCPU": 104.0, "memoryInBytes": 100 * 2**20},
                {
                    "id": "work_ID02",
                    "runtimeInSeconds": 0,
                    "avgCPU": 147.3,
                    "memoryInBytes": 0,
                    "command": {"program": "w -x"},
                },
            ],
        },
    },
}


def _with(path: str, value: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    at: Any = document
    *folders, last = path.split("/")
    for each in folders:
        at = at[int(each) if each.isdigit() else each]
    at[int(last) if last.isdigit() else last] = value
    return document


def test_what_was_measured_becomes_what_is_asked_for() -> None:
    """Run time to the millisecond, memory with a fifth more, vCPUs from the CPU use, parents from children too."""
    workload = parse_wfformat(DOCUMENT, "tiny.json")
    split, work = workload.tasks
    assert (workload.name, workload.measured_makespan_s) == ("tiny", 12.5)
    assert workload.format == "WfFormat 1.5, recorded by Pegasus"
    assert (split.group, split.vcpus, split.memory_mib, split.behaviour.duration) == ("split", 1, 128, "1.25")
    assert split.behaviour.peak_memory_mib == 100
    assert (work.group, work.vcpus, work.memory_mib, work.behaviour.duration) == ("work", 2, None, "0")
    assert work.command == ("w",)
    assert work.depends_on == (Dependency("split_ID01"),)


def test_the_reader_says_what_it_assumed() -> None:
    """Units, missing memory and missing core counts are told in sentences."""
    told = " ".join(parse_wfformat(DOCUMENT, "tiny.json").assumptions)
    assert "memoryInBytes is taken for bytes (the largest is 100 MiB)" in told
    assert "1 task has no measured memory" in told
    assert "no coreCount" in told


def test_small_numbers_are_kilobytes() -> None:
    """Where the largest process of a whole workflow would be under 4 MiB, the numbers are kilobytes."""
    document = _with("workflow/execution/tasks/0/memoryInBytes", 300_000)
    workload = parse_wfformat(document, "tiny.json")
    assert workload.tasks[0].behaviour.peak_memory_mib == 293
    assert "taken for kilobytes, because the largest value is 300,000" in " ".join(workload.assumptions)


def test_a_core_count_is_taken_as_it_is() -> None:
    """coreCount wins over the measured use."""
    document = _with("workflow/execution/tasks/1/coreCount", 4)
    assert parse_wfformat(document, "tiny.json").tasks[1].vcpus == 4


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("schemaVersion", "1.3", "is WfFormat 1.3: 1.5 can be read"),
        ("workflow", [], "has no workflow"),
        ("workflow/specification", None, "has no workflow.specification"),
        ("workflow/execution", None, r"has no workflow.execution \(the measured times\)"),
        ("workflow/specification/tasks", [], "has no workflow.specification.tasks"),
        ("workflow/specification/tasks/0", {"name": "x"}, r"specification.tasks\[0\] has no id"),
        ("workflow/specification/tasks/0/children", ["no"], "has the child 'no', which the workload does not have"),
        ("workflow/specification/tasks/0/parents", ["no"], "depends on 'no', which the workload does not have"),
        ("workflow/specification/tasks/0/parents", ["work_ID02"], "in a cycle"),
        ("workflow/specification/tasks/0/parents", "x", "parents that are not a list"),
        ("workflow/specification/tasks/1/id", "split_ID01", "two tasks have the id"),
        ("workflow/execution/tasks/1/id", "other", "no measured time for task 'work_ID02'"),
        ("workflow/execution/tasks/0/runtimeInSeconds", -1, "runtimeInSeconds -1; a number of 0 or more"),
        ("workflow/execution/tasks/0/runtimeInSeconds", "1", "runtimeInSeconds '1'"),
        ("workflow/execution/tasks/0/memoryInBytes", "1", "memoryInBytes '1'"),
    ],
)
def test_what_is_wrong_is_one_sentence(path: str, value: Any, sentence: str) -> None:
    """A part that is missing, of another kind or contradictory is the file's fault, told with the file's name."""
    with pytest.raises(WorkloadError, match=sentence) as told:
        parse_wfformat(_with(path, value), "tiny.json")
    assert "\n" not in told.value.message
