"""The Standard Workload Format."""

from __future__ import annotations

import pytest

from batchiac.errors import WorkloadError
from batchiac.verify.swf import is_swf, parse_swf

LINES = """\
; Version: 2.2
 1   100  5  60  4 -1 2048 4 3600 -1 1 7 1 1 1 -1 -1 -1
 2   130 -1  -1 -1 -1   -1 8 3600 -1 0 7 1 1 1 -1 -1 -1
 3   160  0 7200  1 -1  -1 2 7200 4096 1 -1 1 1 1 -1  1 30
 4   170  0 10  1 -1  -1 1 7200 -1 1 2 1 1 1 -1  2 -1
"""


def test_jobs_are_read_with_their_times_and_needs() -> None:
    """Submission counts from the first job, memory is per processor, and a job that never ran is left out."""
    workload = parse_swf(LINES, "log.swf")
    first, third, fourth = workload.tasks
    assert (first.name, first.submit_at_s, first.vcpus, first.memory_mib) == ("1", 0, 4, 128)
    assert (first.behaviour.duration, first.behaviour.peak_memory_mib, first.group) == ("60", 8, "user 7")
    assert (third.submit_at_s, third.vcpus, third.memory_mib) == (60, 2, 8)
    assert [each.task for each in third.depends_on] == ["1"]
    assert fourth.depends_on == ()
    assert "1 jobs that never ran" in " ".join(workload.assumptions)


def test_a_line_of_another_form_is_named() -> None:
    """A broken line is told by its number."""
    with pytest.raises(WorkloadError, match="line 2: 18 numbers are needed"):
        parse_swf("; a\n1 2 3\n", "log.swf")


def test_swf_is_known_by_its_first_line() -> None:
    """Comments aside, 18 numbers make SWF; YAML does not."""
    assert is_swf(LINES)
    assert not is_swf("tasks: {a: {}}")
    assert not is_swf("; only a comment\n")
