"""batchiac's own YAML: what it can say, and the one sentence for what it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchiac.errors import WorkloadError
from batchiac.verify.own_yaml import parse_own_yaml
from batchiac.verify.workload import Behaviour, Dependency

EXAMPLE = Path(__file__).parents[3] / "examples" / "night-of-sequencing.yaml"


def test_every_key_is_read() -> None:
    """Each documented key arrives where it belongs."""
    workload = parse_own_yaml(
        """
        workload: all keys
        defaults: {queue: main, simulation: {duration: 5}}
        tasks:
          a: {count: 2, group: first, share: lab}
          b:
            command: align --fast
            vcpus: 4
            memory: 1.5 GiB
            gpus: 1
            array: 3
            sequential: true
            depends_on: [a]
            definition: other
            retries: 2
            timeout: 120
            submit_at: 30
            simulation: {exit: "1:0", memory: 2 GiB}
          c: {array: 3, depends_on: [{task: b, type: N_TO_N}], simulation: {duration: "uniform:1:2"}}
          d: {nodes: 4, command: [mpirun, 1]}
        """,
        "w.yaml",
    )
    first, second, b, c, d = workload.tasks
    assert (first.name, second.name, first.group, first.share) == ("a-1", "a-2", "first", "lab")
    assert b.command == ("align", "--fast")
    assert (b.vcpus, b.memory_mib, b.gpus, b.array_size, b.sequential) == (4, 1536, 1, 3, True)
    assert b.depends_on == (Dependency("a-1"), Dependency("a-2"))
    assert (b.queue, b.definition, b.attempts, b.timeout_s, b.submit_at_s) == ("main", "other", 3, 120, 30)
    assert b.behaviour == Behaviour("5", "1:0", 2048)
    assert c.depends_on == (Dependency("b", "N_TO_N"),)
    assert c.behaviour.duration == "uniform:1:2"
    assert (d.nodes, d.command) == (4, ("mpirun", "1"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("tasks: [", "w.yaml is not YAML at line"),
        ("- a", "holds no mapping"),
        ("tasks: {}", "give it at least one task"),
        ("tasks: {a: 3}", "task 'a' is no mapping"),
        ("task: {a: {}}", "unknown key 'task'; did you mean 'tasks'"),
        ("tasks: {a: {dependson: [b]}}", "unknown key 'dependson'; did you mean 'depends_on'"),
        ("tasks: {a: {simulation: {time: 3}}}", "simulation: unknown key 'time'"),
        ("tasks: {a: {simulation: 3}}", "simulation is no mapping"),
        ("tasks: {a: {array: 1}}", "array is 1; a whole number from 2 to 10,000"),
        ("tasks: {a: {array: true}}", "array is True"),
        ("tasks: {a: {retries: 10}}", "retries is 10; a whole number from 0 to 9"),
        ("tasks: {a: {timeout: 59}}", "timeout is 59; a whole number from 60"),
        ("tasks: {a: {memory: 2}}", "memory is 2; MiB, 4 or more"),
        ("tasks: {a: {memory: 2 GB}}", "memory is '2 GB'"),
        ("tasks: {a: {vcpus: 0}}", "vcpus is 0"),
        ("tasks: {a: {command: {}}}", "command is {}"),
        ("tasks: {a: {depends_on: 3}}", "depends_on is 3"),
        ("tasks: {a: {depends_on: [3]}}", "depends_on has 3"),
        ("tasks: {a: {depends_on: [{task: b, type: SOME}]}, b: {}}", "type 'SOME'; N_TO_N is allowed"),
        ("tasks: {a: {sequential: true}}", "sequential needs an array"),
        ("tasks: {a: {sequential: maybe}}", "sequential is 'maybe'"),
        ("tasks: {a: {array: 2, nodes: 2}}", "array and nodes exclude each other"),
        ("tasks: {a: {simulation: {duration: -1}}}", "simulation.duration is -1; allowed: seconds"),
        ("tasks: {a: {simulation: {duration: 'uniform:9:1'}}}", "the lower bound comes first"),
        ("tasks: {a: {simulation: {exit: x}}}", "simulation.exit is 'x'"),
        ("tasks: {a: {simulation: {exit: 256}}}", "exit codes go from 0 to 255"),
        ("tasks: {a: {simulation: {duration: 'lognormal:9:0.5'}}}", "a factor of 1 or more"),
        ("tasks: {'a b': {}}", "task 'a b'.*begins with a letter or digit"),
        ("tasks: {a: {queue: 3}}", "queue is 3; a text is allowed"),
        ("tasks: {a: {depends_on: [b]}}", "depends on 'b', which the workload does not have"),
        ("tasks:\n  a: {}\n  b: {}\n  a: {}\n", "line 4: 'a' stands twice"),
    ],
)
def test_what_is_wrong_is_one_sentence(text: str, sentence: str) -> None:
    """Each mistake is refused as the user's, naming the file or task, what was found and what is allowed."""
    with pytest.raises(WorkloadError, match=sentence) as told:
        parse_own_yaml(text, "w.yaml")
    assert "\n" not in told.value.message
    assert told.value.exit_code == 2


def test_the_example_has_what_it_is_to_show() -> None:
    """The demo's workload has an array, pairs, a retry, a multi-node job and a task with more than 20 parents."""
    workload = parse_own_yaml(EXAMPLE.read_text(), "example")
    tasks = workload.tasks
    assert any(each.array_size for each in tasks)
    assert any(each.kind == "N_TO_N" for task in tasks for each in task.depends_on)
    assert any(each.attempts and each.behaviour.exits == "1:0" for each in tasks)
    assert any(each.nodes for each in tasks)
    assert any(len(each.depends_on) > 20 for each in tasks)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 20_000)
    | st.text(max_size=6)
    | st.sampled_from(["a", "N_TO_N", "2 GiB"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["task", "type", "duration"]), inner),
    max_leaves=5,
)
_KEYS = st.sampled_from(
    ["command", "vcpus", "memory", "array", "count", "nodes", "depends_on", "simulation", "retries"]
)


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.dictionaries(_KEYS, _VALUES, max_size=4), max_size=2))
def test_any_values_are_read_or_refused(tasks: dict[str, object]) -> None:
    """Whatever stands in the file, the reader gives a workload or a WorkloadError, never another error."""
    import yaml

    text = yaml.safe_dump({"tasks": tasks}, allow_unicode=True)
    try:
        workload = parse_own_yaml(text, "w.yaml")
    except WorkloadError:
        return
    assert workload.tasks
