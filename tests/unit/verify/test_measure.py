"""Measures of a run that was made by hand, and what holds of any run."""

from __future__ import annotations

import itertools

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from batchiac.model.price import Price, PriceTable
from batchiac.verify.destination import Environment
from batchiac.verify.measure import measure, quantiles, vcpu_use
from batchiac.verify.trace import Attempt, InstanceRun, JobRun, Run


def test_jobs_are_counted_by_their_end(run: Run, prices: PriceTable) -> None:
    """Children of an array count each; what has no end is stuck; a second attempt is a retry."""
    found = measure(run, prices)
    assert (found.submitted, found.succeeded, found.failed, found.stuck_jobs) == (8, 6, 1, 1)
    assert found.retries == 1
    assert not found.all_succeeded
    assert [each.task for each in found.failures] == ["check"]


def test_the_makespan_is_the_last_end(run: Run, prices: PriceTable) -> None:
    """From the first submission until the last job's end; instances that idle later do not count."""
    assert measure(run, prices).makespan_s == 430


def test_bounds_are_what_the_jobs_allow(run: Run, prices: PriceTable) -> None:
    """100 + 100 (both attempts of the longest child) + 30 s along the path; all vCPU-seconds over 64 vCPUs."""
    found = measure(run, prices)
    assert found.bounds.critical_path_s == 230
    assert found.bounds.work_s == found.vcpu_seconds / 64
    assert measure(evolve(run, max_vcpus=None), prices).bounds.work_s is None


def test_the_use_goes_up_and_down_with_attempts(run: Run, prices: PriceTable) -> None:
    """vCPUs of running attempts and of instances, a point a change, 0 at the end."""
    found = measure(run, prices)
    use = {each.at_s: (each.used_vcpus, each.instance_vcpus) for each in found.use}
    assert use[10.0] == (0, 8)
    assert use[130.0] == (2, 8)
    assert use[230.0] == (8, 16)
    assert use[250.0] == (4, 8)
    assert use[730.0] == (0, 0)
    assert found.peak_used_vcpus == 9
    assert found.peak_instance_vcpus == 16
    assert found.vcpu_seconds == 200 + 4 * (60 + 20 + 80 + 80 + 60) + 10 + 240


def test_cost_is_hours_times_price_with_a_minute_at_least(run: Run, prices: PriceTable) -> None:
    """720 s On-Demand, and 20 s of Spot billed as 60 at 40% of the price."""
    cost = measure(run, prices).cost
    assert cost.usd is not None
    assert abs(cost.usd - (0.34 * 720 / 3600 + 0.34 * 0.4 * 60 / 3600)) < 1e-9
    assert cost.price_source == "a price list made by hand"
    assert cost.price_date == "2026-01-02"
    assert cost.assumption == "Spot is taken to cost 40% of On-Demand in us-east-1"


def test_a_known_spot_price_is_no_assumption(run: Run, prices: PriceTable) -> None:
    """A price list with Spot prices is taken at its word."""
    known = evolve(prices, rows={("us-east-1", "c6i.2xlarge"): Price(0.34, 0.1)})
    assert measure(run, known).cost.assumption == ""


def test_an_unknown_type_has_no_price_and_no_total(run: Run, prices: PriceTable) -> None:
    """ "No price" is said of the type, and the total is none: never 0, never a part for the whole."""
    cost = measure(evolve(run, region="eu-north-1"), prices).cost
    assert cost.usd is None
    assert cost.unpriced == ("c6i.2xlarge",)


def test_fargate_has_no_price(run: Run, prices: PriceTable) -> None:
    """A queue that can run jobs on Fargate has costs that are not in the instances."""
    environments = {"on-demand-0123abc": Environment("on-demand-0123abc", 64, spot=False, fargate=True)}
    cost = measure(evolve(run, environments=environments), prices).cost
    assert cost.usd is None
    assert cost.unpriced == ("Fargate",)


def test_an_instance_that_never_ends_counts_until_the_run_does(run: Run, prices: PriceTable) -> None:
    """minvCpus keeps instances: they cost until nothing moves any more."""
    standing = InstanceRun("i-3", "c6i.2xlarge", 8, "on-demand-0123abc", False, 0.0, None)
    found = measure(evolve(run, instances=(standing,)), prices)
    assert found.instance_hours == 730 / 3600


def test_a_run_without_jobs_has_measures(run: Run, prices: PriceTable) -> None:
    """Nothing ran: 0 makespan, no waits, no use."""
    found = measure(evolve(run, jobs=(), instances=(), stuck=()), prices)
    assert (found.makespan_s, found.queue_wait_s.p50, found.use, found.utilisation) == (0, None, (), None)
    assert found.cost.usd == 0


@given(st.lists(st.floats(0, 1e6) | st.none(), max_size=50))
def test_quantiles_are_values_that_were_there(values: list[float | None]) -> None:
    """p50 and p95 are members, in order, and at least that share of the values is no larger."""
    found = quantiles(values)
    known = [each for each in values if each is not None]
    if not known:
        assert found.p50 is found.p95 is found.longest is None
        return
    assert found.p50 in known
    assert found.p95 in known
    assert found.p50 <= found.p95 <= found.longest == max(known)
    assert sum(each <= found.p50 for each in known) >= 0.5 * len(known)
    assert sum(each <= found.p95 for each in known) >= 0.95 * len(known)


_SPANS = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 50), st.sampled_from([0.25, 1, 2, 8])), max_size=30)


@given(_SPANS)
def test_the_use_holds_the_vcpu_seconds(spans: list[tuple[int, int, float]]) -> None:
    """The area under the use is the vCPU-seconds of the jobs, it is never negative, and it ends at 0."""
    jobs = [
        JobRun(str(n), "t", "g", vcpus, 0, start, (Attempt(start, start + length, True),), "SUCCEEDED", start + length)
        for n, (start, length, vcpus) in enumerate(spans)
    ]
    points = vcpu_use(jobs, ())
    assert all(each.used_vcpus >= 0 for each in points)
    area = sum(here.used_vcpus * (there.at_s - here.at_s) for here, there in itertools.pairwise(points))
    assert area == sum(job.vcpu_seconds for job in jobs)
    assert not points or points[-1].used_vcpus == 0
