"""Service jobs under random submissions, stops and priorities: capacity holds, jobs are conserved, replays equal."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from batchiac.engine.effects import ServiceEffect
from batchiac.engine.service_jobs import ServiceJobs
from batchiac.engine.service_records import ENDED, IN_PLACE
from batchiac.engine.settings import ServiceSettings
from batchiac.model.service_job import NUM_INSTANCES, QuotaShare, ServiceJobRequest, ServiceQueue

KIND = "ml.m5.large"
LIMIT = 8


class Bench:
    """Service jobs on a clock of their own; `check` holds after everything that happens."""

    def __init__(self, kind: Any, shares: tuple[QuotaShare, ...]) -> None:
        self.now_ms = 0
        self.serials = itertools.count()
        self.timers: list[tuple[int, int, Callable[[], None]]] = []
        self.told: list[ServiceEffect] = []
        self.service = ServiceJobs(
            now_ms=lambda: self.now_ms, at=self._at, tell=self.told.append, settings=ServiceSettings, seed=1
        )
        self.shares = {share.name: share for share in shares}
        unit = KIND if kind == "QUOTA" else NUM_INSTANCES
        self.service.put_queue(ServiceQueue("q", 1, "se", {unit: LIMIT}, kind=kind, shares=shares))

    def _at(self, at_ms: int, action: Callable[[], None]) -> None:
        assert at_ms >= self.now_ms
        heapq.heappush(self.timers, (at_ms, next(self.serials), action))

    def wait(self, until_ms: int) -> None:
        while self.timers and self.timers[0][0] <= until_ms:
            self.now_ms, _, action = heapq.heappop(self.timers)
            action()
            self.check()
        self.now_ms = max(self.now_ms, until_ms)

    def check(self) -> None:
        jobs = self.service.jobs.values()
        placed = [job for job in jobs if job.status in IN_PLACE]
        assert sum(sum(job.request.instances.values()) for job in placed) <= LIMIT
        assert sum(self.service.in_use("q").values()) == sum(sum(job.taken.values()) for job in placed)
        for name, share in self.shares.items():
            used = self.service.in_use("q", name).get(KIND, 0)
            own = share.limits[KIND]
            if share.strategy != "LEND_AND_BORROW":
                assert used <= own
            elif share.borrow_limit >= 0:
                assert used <= own + own * share.borrow_limit // 100
            reserved = sum(
                other.limits[KIND] for other in self.shares.values() if other.strategy == "RESERVE" and other != share
            )
            assert used <= sum(other.limits[KIND] for other in self.shares.values()) - reserved
        for job in jobs:
            assert job.runs <= job.request.attempts
            assert bool(job.taken) is (job.status in IN_PLACE)
            allowed = job.request.preemption_retries
            assert allowed is None or job.preemptions <= allowed + 1


strategies = st.sampled_from(["RESERVE", "LEND", "LEND_AND_BORROW"])
quota = st.builds(
    lambda a, b, borrow, inner: (
        QuotaShare("a", {KIND: 3}, a, borrow, inner), QuotaShare("b", {KIND: LIMIT - 3}, b, -1, inner),
    ),
    strategies, strategies, st.sampled_from([-1, 0, 100]), st.booleans(),
)  # fmt: skip
commands = st.lists(
    st.one_of(
        st.tuples(
            st.just("submit"), st.sampled_from("ab"), st.integers(1, LIMIT + 1), st.integers(0, 3), st.integers(1, 3),
            st.sampled_from([None, 0, 1]), st.sampled_from(["", "CapacityError:none", "InternalServerError", "none:X"]),
        ),
        st.tuples(st.sampled_from(["terminate", "raise"]), st.integers(0, 20)),
        st.tuples(st.just("wait"), st.sampled_from([1, 5_000, 30_000, 200_000])),
    ),
    max_size=30,
)  # fmt: skip


def play(kind: str, shares: tuple[QuotaShare, ...], given_commands: list[tuple[Any, ...]]) -> Bench:
    bench = Bench(kind, shares if kind == "QUOTA" else ())
    for what, *rest in given_commands:
        ids = list(bench.service.jobs)
        if what == "submit":
            share, count, priority, attempts, retries, failures = rest
            request = ServiceJobRequest(
                f"j{len(ids)}", "q", instances={KIND: count}, priority=priority, attempts=attempts,
                share_identifier=share if kind == "FAIR_SHARE" else "", quota_share=share if kind == "QUOTA" else "",
                preemption_retries=retries, tags={"batchiac:failures": failures} if failures else {},
            )  # fmt: skip
            bench.service.submit(f"id-{len(ids)}", request)
        elif what == "wait":
            bench.wait(bench.now_ms + rest[0])
        elif ids and what == "terminate":
            bench.service.terminate(ids[rest[0] % len(ids)], "enough")
        elif ids and bench.service.jobs[ids[rest[0] % len(ids)]].status not in ENDED:
            bench.service.set_priority(ids[rest[0] % len(ids)], 9)
        bench.check()
    bench.wait(bench.now_ms + 30 * 24 * 3_600_000)
    return bench


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(["FIFO", "FAIR_SHARE", "QUOTA"]), shares=quota, given_commands=commands)
def test_capacity_holds_jobs_are_conserved_and_a_replay_is_equal(
    kind: str, shares: tuple[QuotaShare, ...], given_commands: list[tuple[Any, ...]]
) -> None:
    """Limits at every moment; at the end every job has ended or is blocked, or waits behind one that is."""
    bench = play(kind, shares, given_commands)
    jobs = bench.service.jobs.values()
    left = [job for job in jobs if job.status not in ENDED]
    assert {job.status for job in left} <= {"RUNNABLE"}
    if left:
        assert any(job.blocked_for.startswith("MISCONFIGURATION") for job in left)
    assert not bench.service.in_use("q")
    assert play(kind, shares, given_commands).told == bench.told
