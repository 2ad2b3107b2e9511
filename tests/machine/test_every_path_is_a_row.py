"""Whatever way a state changes, its change is a row: the fast paths write columns, and the table holds for them too.

The engine has more than one way to the same change (a slice of children, the fast lane, a gang's own rows, a deleted
queue). Here every write into the column of states is looked at, in scenarios that use all of these ways.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "parity"))
from engine_stage import Runs

from batchiac.engine import Engine, Outcome
from batchiac.engine.machine import JOB_ROWS, ROWS, Machine
from batchiac.engine.refusals import EngineRefusal
from batchiac.engine.settings import instant
from batchiac.model.compute_environment import ComputeEnvironment, ComputeResources
from batchiac.model.job import Dependency, JobRequest, JobStatus
from batchiac.model.job_definition import Container, JobDefinition, NodeRange, Resources, RetryStrategy
from batchiac.model.job_queue import JobQueue, TimeLimitAction

ARRAY, MULTINODE = 1, 2
RUNS = {
    "fails": [Outcome(3_000, 1)],
    "flaky": [Outcome(3_000, 1), 3_000],
    "broken": [Outcome(0, 0, 0, "CannotPullContainerError", False)],
    "long": [300_000],
    "nothing": [0],
}


def pairs(machine: Machine) -> set[tuple[str, str]]:
    """(from, to) of a machine's rows that change the state; of a node also those from before its gang is placed."""
    rows = {(row.state, row.to) for row in ROWS if row.machine is machine and row.state != row.to}
    if machine in (Machine.NODE, Machine.MULTINODE):
        # Until the gang is placed, its parent and nodes go through the job machine.
        placed = (JobStatus.STARTING, JobStatus.RUNNING)
        rows |= {(a.name, b.name) for a, _, b, _ in JOB_ROWS if a not in placed and b not in placed and a is not b}
    return rows


TWO_ROWS = {("RUNNABLE", "RUNNING"): (("RUNNABLE", "STARTING"), ("STARTING", "RUNNING"))}
ALLOWED = {machine: pairs(machine) for machine in (Machine.JOB, Machine.ARRAY, Machine.MULTINODE, Machine.NODE)}


class Watched(bytearray):
    """The column of states; tells of every write that changes one."""

    tell: Callable[[int, int, int], None]

    def __setitem__(self, place: Any, value: Any) -> None:
        if isinstance(place, slice):
            rows: Iterable[int] = range(*place.indices(len(self)))
            for row, new in zip(rows, value, strict=True):
                self._look(row, new)
        else:
            self._look(place, value)
        super().__setitem__(place, value)

    def _look(self, row: int, new: int) -> None:
        if self[row] != new:
            self.tell(row, self[row], new)


class Bench:
    """An engine whose states are watched; `seen` has (machine, from, to) of every change."""

    def __init__(self, **more: Any) -> None:
        self.engine = Engine(seed=5, settings=instant(image_pull_ms=2_000, **more), behaviour=Runs(**RUNS))
        world = self.engine._world
        self.seen: set[tuple[Machine, str, str]] = set()
        self.fast = False
        column = Watched()
        column.tell = self._tell
        world.ledger.status = column
        self.world = world
        resources = ComputeResources("EC2", 32, instance_types=("c5.xlarge",))
        self.engine.create_compute_environment(ComputeEnvironment("ce", resources=resources))
        self.engine.run_until_idle()
        limits = (TimeLimitAction("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", 600),)
        self.engine.create_job_queue(JobQueue("q", 1, ("ce",), time_limit_actions=limits))
        self.engine.run_until_idle()

    def _tell(self, row: int, old: int, new: int) -> None:
        record = self.world.records[self.world.ledger.owner[row]]
        assert record is not None
        if record.kind == ARRAY and row == record.row:
            machine = Machine.ARRAY
        elif record.kind == MULTINODE:
            machine = Machine.MULTINODE if row == record.row else Machine.NODE
        else:
            machine = Machine.JOB
        change = (JobStatus(old).name, JobStatus(new).name)
        # Where nothing has to be pulled the fast lane takes two rows in one write: placed, and started.
        self.fast |= change in TWO_ROWS
        for step in TWO_ROWS.get(change, (change,)):
            assert step in ALLOWED[machine], f"{machine}: {step} is no row of the table"
            self.seen.add((machine, *step))

    def submit(
        self, name: str = "job", *, size: int = 0, nodes: int = 0, child: str = "job", attempts: int = 1,
        after: tuple[Dependency, ...] = (), memory: int = 128, timeout_s: int | None = None, invalid: str = "",
    ) -> str:  # fmt: skip
        container = Container(image="image", resources=Resources(1, memory))
        ranges = [
            NodeRange(node, node, (Container(child if node else name, resources=Resources(1, memory)),))
            for node in range(nodes)
        ]
        definition = JobDefinition(
            "definition", type="multinode" if nodes else "container", containers=() if nodes else (container,),
            node_ranges=ranges, num_nodes=nodes, retry=RetryStrategy(attempts), timeout_s=timeout_s,
            invalid_reason=invalid,
        )  # fmt: skip
        return self.engine.submit_job(JobRequest(name, "q", definition, array_size=size, depends_on=after))

    def wait(self, seconds: float) -> None:
        self.engine.advance_to(self.engine.now_ms + round(seconds * 1_000))

    def delete_queue(self) -> None:
        self.engine.update_job_queue(JobQueue("q", 1, ("ce",), state="DISABLED"))
        self.wait(0.01)
        self.engine.delete_job_queue("q")


def on(*ids: str, kind: str = "") -> tuple[Dependency, ...]:
    return tuple(Dependency(each, kind) for each in ids)  # type: ignore[arg-type]


def walk_everything(listening: bool) -> tuple[set[tuple[Machine, str, str]], bool]:
    """Every change that the scenarios below make, with and without a listener (which closes the fast lane), and whether
    the fast lane was taken."""
    seen: set[tuple[Machine, str, str]] = set()

    def bench() -> Bench:
        made = Bench()
        if listening:
            made.engine.subscribe(lambda _: None)
        benches.append(made)
        return made

    benches: list[Bench] = []
    good = bench()
    first = good.submit(size=300)
    good.submit("flaky", size=3, attempts=3)
    good.submit("nothing", size=3)
    good.submit(size=3, after=on("", kind="SEQUENTIAL"))
    good.submit(size=300, after=on(first, kind="N_TO_N"))
    good.submit(after=on(first))
    for name in ("job", "flaky", "nothing"):
        good.submit(name, nodes=3, attempts=2)
        good.submit(name, attempts=2)
    good.submit(nodes=2, after=on(first))
    good.submit("flaky", nodes=2, child="nothing", attempts=2)
    good.engine.run_until_idle()

    bad = bench()
    for more in ({}, {"size": 2}, {"nodes": 2}):
        lost = bad.submit("fails", attempts=2, **more)
        bad.submit("broken", attempts=2, **more)
        bad.submit("long", timeout_s=60, **more)
        bad.submit(invalid="51 tags", **more)
        for after in ({}, {"size": 2}, {"nodes": 2}):
            bad.submit(after=on(lost), **after)
    chain = bad.submit("fails", size=3, after=on("", kind="SEQUENTIAL"))
    bad.submit(size=3, after=on(chain, kind="N_TO_N"))
    bad.engine.run_until_idle()
    bad.submit(after=on(chain))
    bad.submit(nodes=2, after=on(chain))
    bad.submit(size=2, after=on(chain))
    bad.submit(memory=99_999)
    bad.submit(memory=99_999, size=2)
    bad.submit(memory=99_999, nodes=2)
    bad.engine.run_until_idle()

    for stop in ("cancel_job", "terminate_job"):
        for seconds in (0, 0.5, 1.2, 5):
            stopped = bench()
            blocker = stopped.submit("long", nodes=3)
            ids = [stopped.submit("long", size=size, nodes=nodes) for size, nodes in ((0, 0), (40, 0), (0, 2))]
            ids += [
                stopped.submit(size=size, nodes=nodes, after=on(blocker)) for size, nodes in ((0, 0), (3, 0), (0, 2))
            ]
            stopped.wait(seconds)
            for each in ids:
                getattr(stopped.engine, stop)(each, "enough")
            stopped.wait(1)
            stopped.engine.terminate_job(blocker, "enough")
            stopped.engine.run_until_idle()

    for seconds in (0, 0.5, 5):
        deleted = bench()
        blocker = deleted.submit("long", nodes=3)
        for size, nodes in ((0, 0), (40, 0), (0, 2)):
            deleted.submit("long", size=size, nodes=nodes)
            deleted.submit(size=size, nodes=nodes, after=on(blocker))
        deleted.wait(seconds)
        deleted.delete_queue()
        deleted.engine.run_until_idle()

    for seconds in (1, 5):
        for attempts in (1, 2):
            gone = bench()
            for size, nodes in ((0, 0), (3, 0), (0, 3)):
                gone.submit("long", size=size, nodes=nodes, attempts=attempts)
            gone.wait(seconds)
            for instance in list(gone.engine.instances()):
                gone.engine.interrupt_instance(instance.id)
            gone.wait(1)
            gone.engine.run_until_idle()
    for each in benches:
        seen |= each.seen
    return seen, any(each.fast for each in benches)


@pytest.mark.parametrize("listening", [False, True])
def test_every_change_is_a_row_and_every_row_changes_something(listening: bool) -> None:
    """No way of the engine's makes a change that the table has not; the table has none that the engine never makes."""
    seen, fast = walk_everything(listening)
    assert fast is not listening
    for machine in (Machine.JOB, Machine.ARRAY, Machine.MULTINODE):
        rows = {(row.state, row.to) for row in ROWS if row.machine is machine and row.state != row.to}
        assert rows - {(a, b) for each, a, b in seen if each is machine} == set(), machine
    nodes = {(row.state, row.to) for row in ROWS if row.machine is Machine.NODE and row.state != row.to}
    # A node fails in PENDING only where its instance goes while the main one starts: test_engine_conditions has that.
    assert nodes - {(a, b) for each, a, b in seen if each is Machine.NODE} <= {("PENDING", "FAILED")}


def test_a_change_without_a_row_would_be_found() -> None:
    """The watch itself: a state written past the table fails."""
    bench = Bench()
    bench.submit()
    with pytest.raises(AssertionError, match="no row of the table"):
        bench.world.ledger.status[0] = JobStatus.SUCCEEDED


commands = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.sampled_from(["job", *RUNS]), st.sampled_from([0, 2, 5]), st.integers(1, 3)),
        st.tuples(st.just("gang"), st.sampled_from(["job", "fails", "flaky", "broken", "long"]), st.integers(1, 3)),
        st.tuples(st.sampled_from(["cancel", "terminate", "after"]), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.sampled_from([0.2, 1, 2, 4, 70])),
        st.tuples(st.just("lose"), st.integers(0, 5)),
        st.tuples(st.just("delete")),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(commands=commands)
def test_any_commands_in_any_order_keep_to_the_table(commands: list[tuple[Any, ...]]) -> None:
    """Submissions, stops, lost hosts and a deleted queue at any moment: every write is a row of its machine."""
    bench = Bench()
    ids: list[str] = []
    for kind, *rest in commands:
        try:
            if kind == "submit":
                ids.append(bench.submit(rest[0], size=rest[1], attempts=rest[2], timeout_s=60))
            elif kind == "gang":
                ids.append(bench.submit(rest[0], nodes=3, attempts=rest[1]))
            elif kind == "wait":
                bench.wait(rest[0])
            elif kind == "lose":
                instances = list(bench.engine.instances())
                if instances:
                    bench.engine.interrupt_instance(instances[rest[0] % len(instances)].id)
            elif kind == "delete":
                bench.delete_queue()
            elif ids and kind == "after":
                ids.append(bench.submit(after=on(ids[rest[0] % len(ids)])))
            elif ids:
                getattr(bench.engine, f"{kind}_job")(ids[rest[0] % len(ids)], "reason")
        except EngineRefusal:
            continue  # of a queue that is gone or changing: nothing was changed
    bench.engine.run_until_idle()
