"""What a workload must be before anything is submitted."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchiac.errors import WorkloadError
from batchiac.verify.workload import Behaviour, Dependency, Task, Workload, memory_to_ask_mib


def _workload(*tasks: Task) -> Workload:
    return Workload("w", "by hand", tasks)


def _task(name: str, *parents: str, duration: str = "1") -> Task:
    return Task(name, depends_on=tuple(Dependency(each) for each in parents), behaviour=Behaviour(duration))


def test_tasks_come_after_their_parents() -> None:
    """Whatever the file's order, each task stands after everything that it depends on."""
    workload = _workload(_task("c", "b"), _task("b", "a"), _task("a"))
    assert [each.name for each in workload.tasks] == ["a", "b", "c"]


def test_a_cycle_is_told_whole() -> None:
    """A circle is refused in one sentence that names its members in order."""
    with pytest.raises(WorkloadError, match="in a cycle: a needs c needs b needs a;"):
        _workload(_task("a", "c"), _task("b", "a"), _task("c", "b"), _task("d", "a"))


def test_a_task_that_needs_itself_is_a_cycle() -> None:
    """The smallest circle is found too."""
    with pytest.raises(WorkloadError, match="a needs a"):
        _workload(_task("a", "a"))


def test_a_long_cycle_is_shortened() -> None:
    """A circle of a hundred tasks does not fill the screen."""
    tasks = [_task(f"t{number:03}", f"t{(number + 1) % 100:03}") for number in range(100)]
    with pytest.raises(WorkloadError) as told:
        _workload(*tasks)
    assert "…" in told.value.message
    assert len(told.value.message) < 250


def test_a_missing_parent_is_named_with_its_child() -> None:
    """A dependency on nothing says who needs it, what is missing, and how many more there are."""
    with pytest.raises(WorkloadError, match=r"task 'b' depends on 'x'.*and 1 more such"):
        _workload(_task("a"), _task("b", "x", "y"))


def test_a_doubled_name_is_refused() -> None:
    """Two tasks of one name cannot be told apart by what depends on them."""
    with pytest.raises(WorkloadError, match="two tasks are called 'a'"):
        _workload(_task("a"), _task("a"))


def test_an_empty_workload_is_refused() -> None:
    """Nothing to run is an error of the file, not a success."""
    with pytest.raises(WorkloadError, match="no task"):
        _workload()


def test_a_dependency_that_stands_twice_counts_once() -> None:
    """The same parent twice is no cycle and no wait for ever."""
    assert len(_workload(_task("a"), _task("b", "a", "a")).tasks) == 2


def test_the_critical_path_takes_the_least_of_each_task() -> None:
    """A uniform duration counts with its low end, a lognormal one with 0, a sequential array with every child."""
    tasks = (
        _task("a", duration="uniform:10:90"),
        Task("b", array_size=3, sequential=True, depends_on=(Dependency("a"),), behaviour=Behaviour("5")),
        _task("c", "b", duration="lognormal:100:1.5"),
        Task("d", timeout_s=60, behaviour=Behaviour("500")),
    )
    assert _workload(*tasks).critical_path_s == 60
    assert _workload(*tasks[:3]).critical_path_s == 25


def test_the_critical_path_begins_when_a_task_may_be_submitted() -> None:
    """A task that comes late ends late, however short the others are."""
    late = Task("late", submit_at_s=100, behaviour=Behaviour("7"))
    assert _workload(_task("a"), late).critical_path_s == 107


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_every_graph_is_ordered_or_refused(edges: list[tuple[int, int]]) -> None:
    """Any graph at all: either each task stands after its parents, or a circle of the graph is named."""
    parents: dict[int, list[int]] = {number: [] for number in range(31)}
    for child, parent in edges:
        parents[child].append(parent)
    tasks = [_task(f"t{child}", *(f"t{each}" for each in known)) for child, known in parents.items()]
    try:
        ordered = _workload(*tasks).tasks
    except WorkloadError as error:
        shown = error.message.partition("cycle: ")[2].partition(";")[0].split(" needs ")
        assert shown[0] == shown[-1]
        for child, parent in itertools.pairwise(shown):
            if "…" not in (child, parent):
                assert int(parent[1:]) in parents[int(child[1:])]
        return
    position = {task.name: index for index, task in enumerate(ordered)}
    assert len(ordered) == len(tasks)
    assert all(position[each.task] < position[task.name] for task in ordered for each in task.depends_on)


@given(st.floats(0, 1e7))
def test_what_is_asked_for_holds_the_peak(peak_mib: float) -> None:
    """A task that asks for what is computed from its peak is never killed by that peak."""
    asked = memory_to_ask_mib(peak_mib)
    assert asked >= peak_mib
    assert asked >= 128
    assert asked % 64 == 0
