"""Retry rules, containers, lanes, the placement index, instance types: the small parts by themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchiac.engine.containers import task_outcome
from batchiac.engine.lanes import Lane
from batchiac.engine.placement import PlacementIndex
from batchiac.engine.policies.allocation import STRATEGIES, Candidate
from batchiac.engine.policies.behaviour import Outcome
from batchiac.engine.policies.retries import decide_retry, matches
from batchiac.model.instance_type import Catalogue, InstanceType, read_instance_types
from batchiac.model.job_definition import Container, EvaluateOnExit, RetryStrategy


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("Host EC2*", "Host EC2 (instance i-1) terminated.", True),
        ("host ec2*", "Host EC2 (instance i-1) terminated.", False),
        ("*", "", True),
        ("13*", "137", True),
        ("137", "137", True),
        ("13", "137", False),
    ],
)
def test_patterns_match_whole_or_by_prefix(pattern: str, text: str, expected: bool) -> None:
    """A trailing `*` makes a prefix; letters count as written."""
    assert matches(pattern, text) is expected


def decide(*rules: EvaluateOnExit, attempt: int = 1, code: int | None = 1) -> bool:
    return decide_retry(
        RetryStrategy(3, rules), attempt=attempt, status_reason="Essential container in task exited",
        reason="", exit_code=code,
    )  # fmt: skip


def test_the_first_entry_whose_every_condition_matches_decides() -> None:
    """In order; all conditions of an entry; no match means RETRY; never beyond the attempts."""
    exit_on_1 = EvaluateOnExit("EXIT", on_exit_code="1")
    both = EvaluateOnExit("EXIT", on_exit_code="1", on_status_reason="Host*")
    assert decide(exit_on_1) is False
    assert decide(both) is True
    assert decide(both, exit_on_1, EvaluateOnExit("RETRY", on_exit_code="1")) is False
    assert decide(exit_on_1, code=None) is True
    assert decide(attempt=3) is False


def test_a_start_dependency_that_is_never_met_keeps_a_container_from_starting() -> None:
    """SUCCESS of a container that failed: the other never starts, and the task ends with the essential one."""
    containers = (
        Container("setup", essential=False),
        Container("after", essential=False, depends_on=(("setup", "SUCCESS"),)),
        Container("app", depends_on=(("setup", "COMPLETE"),)),
    )
    outcome, runs = task_outcome(containers, [Outcome(2, 1), Outcome(5), Outcome(9)])
    assert (outcome.duration_ms, outcome.exit_code) == (11, 0)
    assert [(run.name, run.started_ms, run.exit_code) for run in runs] == [
        ("setup", 0, 1), ("after", None, None), ("app", 2, 0),
    ]  # fmt: skip


def test_init_containers_run_first_and_a_failed_one_ends_the_pod() -> None:
    """One after the other; the task has the failed one's exit code."""
    containers = (Container("i1", init=True), Container("i2", init=True), Container("app"))
    good, _ = task_outcome(containers, [Outcome(3), Outcome(4), Outcome(5)])
    assert (good.duration_ms, good.exit_code) == (12, 0)
    bad, runs = task_outcome(containers, [Outcome(3), Outcome(4, 7), Outcome(5)])
    assert (bad.duration_ms, bad.exit_code, runs[2].started_ms) == (7, 7, None)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.integers(1, 4)), max_size=30))
def test_a_lane_is_a_list(steps: list[tuple[bool, int, int]]) -> None:
    """Runs behave as a plain first-in first-out list with pushes to the front, rows gone in between passed over."""
    status = bytearray(200)
    lane, naive = Lane(status), []
    fresh = 0
    for front, kill, count in steps:
        if front and fresh < 199:
            status[fresh] = 2
            lane.push_front(fresh)
            naive.insert(0, fresh)
            fresh += 1
        elif fresh + count < 200:
            status[fresh : fresh + count] = bytes([2]) * count
            lane.append(fresh, fresh + count)
            naive.extend(range(fresh, fresh + count))
            fresh += count
        if kill < len(naive):
            status[naive.pop(kill)] = 6
        assert lane.preview(5) == naive[:5]
        assert lane.head() == (naive[0] if naive else -1)
    while naive:
        assert lane.head() == naive.pop(0)
        lane.cursor += 1
    assert lane.head() == -1


class FakeHost:
    def __init__(self, serial: int, cpu: int, memory: int, gpus: int) -> None:
        self.serial, self.free_cpu, self.free_memory, self.free_gpus = serial, cpu, memory, gpus


amounts = st.tuples(st.integers(0, 16), st.integers(0, 30), st.integers(0, 2))


@given(st.lists(amounts, max_size=12), st.lists(amounts, max_size=12))
def test_the_index_finds_what_a_scan_finds(
    hosts: list[tuple[int, int, int]], needs: list[tuple[int, int, int]]
) -> None:
    """Best fit by vCPUs, then GPUs, then memory, then age, as a scan over all hosts would have it."""
    made = [FakeHost(serial, *each) for serial, each in enumerate(hosts)]
    index = PlacementIndex(made)  # type: ignore[arg-type]
    for host in made:
        index.add(host)  # type: ignore[arg-type]
    for cpu, memory, gpus in needs:
        cpu = max(1, cpu)
        fitting = [h for h in made if h.free_cpu >= cpu and h.free_memory >= memory and h.free_gpus >= gpus]
        best = min(fitting, key=lambda h: (h.free_cpu, h.free_gpus, h.free_memory, h.serial), default=None)
        assert index.find(cpu, memory, gpus) is best
        if best is not None:
            index.remove(best)  # type: ignore[arg-type]
            best.free_cpu -= cpu
            best.free_memory -= memory
            best.free_gpus -= gpus
            index.add(best)  # type: ignore[arg-type]


def candidate(name: str, jobs: int, price: float | None, *, left: int | None = None, place: int = 0) -> Candidate:
    return Candidate(name, jobs, jobs, price, price, left, False, place)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("BEST_FIT", ["cheap"]),
        ("BEST_FIT_PROGRESSIVE", ["cheap", "dear", "huge"]),
        ("BEST_FIT_PROGRESSIVE_ORDERED", ["dear", "huge", "cheap"]),
        ("SPOT_CAPACITY_OPTIMIZED", ["huge", "dear", "cheap"]),
        ("SPOT_CAPACITY_OPTIMIZED_PRIORITIZED", ["dear", "huge", "cheap"]),
        ("SPOT_PRICE_CAPACITY_OPTIMIZED", ["dear", "huge", "cheap"]),
    ],
)
def test_the_order_of_each_strategy(strategy: str, expected: list[str]) -> None:
    """Three types for four jobs of one vCPU: a cheap shallow pool, a dear deep one, and one far too large."""
    candidates = [
        candidate("cheap", 2, 0.1, left=1, place=2),
        candidate("dear", 2, 0.2, left=50, place=0),
        candidate("huge", 64, 4.0, place=1),
    ]
    assert [each.name for each in STRATEGIES[strategy].rank(candidates, 4)] == expected


def test_a_bid_is_compared_with_the_on_demand_price() -> None:
    """Below the percentage only; an unknown price is let through."""
    spot = Candidate("t", 1, 1, 0.4, 1.0, None, False, 0)
    assert [spot.within_bid(each) for each in (40, 41, 100)] == [False, True, True]
    assert candidate("t", 1, None).within_bid(1)


def test_families_and_groups_are_unfolded() -> None:
    """`optimal` is default_x86_64; metal is left out of families; an explicit type leaves its own family."""
    types = read_instance_types()
    assert types.expand(["optimal"]) == types.expand(["default_x86_64"])
    assert {types[name].family for name in types.expand(["optimal"])} == {"m6i", "c6i", "r6i", "c7i"}
    assert not any(name.endswith("metal") for name in types.expand(["c5"]))
    ordered = types.expand(["c5.xlarge", "c5"])
    assert ordered[0] == "c5.xlarge"
    assert ordered.count("c5.xlarge") == 1
    assert types.expand(["no-such"]) == ()
    assert {types[name].architecture for name in types.expand(["default_arm64"])} == {"arm64"}


def test_a_catalogue_can_be_made_of_chosen_types() -> None:
    """For tests and what-if runs."""
    types = Catalogue.of([InstanceType("a.large", 2, 4096), InstanceType("a.small", 1, 2048)])
    assert types.expand(["a"]) == ("a.small", "a.large")
