"""Reads the Standard Workload Format (SWF) of the Parallel Workloads Archive.

One line a job, 18 numbers apart by blanks, -1 for unknown; comments begin with `;`.
Source: https://www.cs.huji.ac.il/labs/parallel/workload/swf.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from attrs import evolve

from batchiac.errors import WorkloadError
from batchiac.verify.workload import Behaviour, Dependency, Task, Workload, memory_to_ask_mib

_FIELDS = 18
# Positions of the fields that matter here, counted from 0 (the format's own list counts from 1).
_JOB, _SUBMIT, _RUN, _PROCS, _USED_KB, _ASKED_PROCS, _ASKED_KB, _USER, _PRECEDING = 0, 1, 3, 4, 6, 7, 9, 11, 16
_LINE = re.compile(r"^\s*-?\d+(\s+-?\d+(\.\d+)?){17}\s*$")


def is_swf(text: str) -> bool:
    """True when the first line that is no comment has SWF's 18 numbers."""
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith(";"):
            return _LINE.match(line) is not None
    return False


def parse_swf(text: str, path: str) -> Workload:
    """The workload in an SWF file; jobs that never ran (run time or processors unknown) are left out and counted.

    Raises:
        WorkloadError: a line without 18 numbers, or a job that follows one that is not there.
    """
    tasks: list[Task] = []
    never_ran: set[int] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith(";"):
            continue
        if not _LINE.match(line):
            raise WorkloadError(
                f"{path}, line {number}: {_FIELDS} numbers are needed (SWF), found {line.strip()[:60]!r}"
            )
        values = [float(each) for each in line.split()]
        processors = max(values[_PROCS], values[_ASKED_PROCS])
        if values[_RUN] < 0 or processors < 1:
            never_ran.add(int(values[_JOB]))
            continue
        tasks.append(_task(values, int(processors), never_ran))
    first_s = min((task.submit_at_s for task in tasks), default=0.0)
    assumptions = [
        "SWF: one processor is one vCPU, and memory is per processor, in KB; a job is one container on one machine",
    ]
    if never_ran:
        assumptions.append(f"SWF: {len(never_ran)} jobs that never ran are left out")
    if first_s:
        assumptions.append(f"SWF: the first job is submitted at {first_s:g} s in the file; that is the start here")
    return Workload(
        name=PurePath(path).stem,
        format="SWF",
        tasks=[evolve(task, submit_at_s=task.submit_at_s - first_s) for task in tasks],
        assumptions=tuple(assumptions),
    )


def _task(values: Sequence[float], processors: int, never_ran: set[int]) -> Task:
    used_mib = values[_USED_KB] * processors / 1024 if values[_USED_KB] > 0 else None
    asked_mib = values[_ASKED_KB] * processors / 1024 if values[_ASKED_KB] > 0 else None
    preceding = int(values[_PRECEDING])
    if asked_mib is not None:
        memory_mib: int | None = max(4, round(max(asked_mib, used_mib or 0)))
    else:
        memory_mib = memory_to_ask_mib(used_mib) if used_mib else None
    return Task(
        name=str(int(values[_JOB])),
        group=f"user {int(values[_USER])}" if values[_USER] >= 0 else "job",
        vcpus=processors,
        memory_mib=memory_mib,
        depends_on=(Dependency(str(preceding)),) if preceding > 0 and preceding not in never_ran else (),
        submit_at_s=max(0.0, values[_SUBMIT]),
        behaviour=Behaviour(
            duration=format(values[_RUN], "g") if values[_RUN] < 1e5 else str(int(values[_RUN])),
            exits="0",
            peak_memory_mib=None if used_mib is None else min(round(used_mib), memory_mib or round(used_mib)),
        ),
    )
