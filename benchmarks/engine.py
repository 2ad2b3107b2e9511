"""The engine's speed, as ratios measured in one run on one core.

Every case runs in a process of its own, and between two runs of what it is compared with: a round's ratio is the
case's time over the faster of the two, and a figure is the median of the rounds. So what else the machine does hits
both alike, and one round that was hit on one side only does not count. Time is the process's own CPU time: there is
one thread and nothing to wait for. The floor is what no simulator in CPython can do without: a heap of ends, an
arrival, a slot, a finish. SimPy gets the same jobs through one resource.
"""

from __future__ import annotations

import gc
import heapq
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from typing import Any

from batchiac.engine import Engine, EngineSettings
from batchiac.engine.kernel.randomness import Stream
from batchiac.engine.policies.behaviour import Draw
from batchiac.model.compute_environment import ComputeEnvironment, ComputeResources
from batchiac.model.job import Dependency, JobRequest
from batchiac.model.job_definition import Container, JobDefinition
from batchiac.model.job_queue import JobQueue
from batchiac.model.scheduling_policy import SchedulingPolicy

ROUNDS = 3
LIGHT_ROUNDS = 5
VCPUS = 10_000
SIZE = 10_000


def durations(count: int) -> array[int]:
    """Whole milliseconds from 30 to 600 seconds, the same for every subject."""
    rnd = random.Random(1)
    return array("i", [rnd.randint(30_000, 600_000) for _ in range(count)])


def floor(count: int, slots: int = VCPUS) -> float:
    """Seconds of a bare heap loop: arrival, slot, finish, nothing else."""
    length = durations(count)
    push, pop = heapq.heappush, heapq.heappop
    begin = time.process_time()
    heap: list[tuple[int, int]] = []
    now = done = arrived = 0
    free = slots
    while done < count:
        while free and arrived < count:
            push(heap, (now + length[arrived], arrived))
            arrived += 1
            free -= 1
        now, _ = pop(heap)
        free += 1
        done += 1
    return time.process_time() - begin


def simpy_jobs(count: int) -> float:
    """Seconds that SimPy takes for the same jobs through one resource."""
    import simpy

    length = durations(count)
    begin = time.process_time()
    world = simpy.Environment()
    slots = simpy.Resource(world, VCPUS)

    def job(number: int) -> Iterator[Any]:
        with slots.request() as request:
            yield request
            yield world.timeout(length[number])

    for number in range(count):
        world.process(job(number))
    world.run()
    return time.process_time() - begin


class Table:
    """Durations by the number that a job has for a name, plus its index."""

    def __init__(self, length: array[int]) -> None:
        self.length = length

    def plan(self, job: JobRequest, container: Container) -> Draw:
        """See Behaviour."""
        length, base = self.length, int(job.name)

        def draw(index: int, _attempt: int, _stream: Stream) -> int:
            return length[base + index]

        return draw


def build(count: int, vcpus: int, *, queues: int = 1, fair: bool = False) -> Engine:
    """An engine with one environment of this many vCPUs and its queues."""
    # 200,000 jobs on 64 vCPUs take 11 days: keep the first ones describable.
    settings = EngineSettings(retention_ms=1000 * 86_400_000)
    engine = Engine(seed=1, settings=settings, behaviour=Table(durations(count)))
    resources = ComputeResources(
        "EC2", vcpus, instance_types=("c5.4xlarge",), allocation_strategy="BEST_FIT_PROGRESSIVE"
    )
    engine.create_compute_environment(ComputeEnvironment("ce", resources=resources))
    engine.run_until_idle()
    policy = SchedulingPolicy("fair") if fair else None
    for number in range(queues):
        engine.create_job_queue(JobQueue(f"q{number}", number, ("ce",), scheduling_policy=policy))
    engine.run_until_idle()
    return engine


DEFINITION = JobDefinition("definition")


def check(engine: Engine, ids: list[str]) -> None:
    """Every job ended well; or the figure would mean nothing."""
    for job in ids[:: max(1, len(ids) // 1000)]:
        if engine.describe_job(job).status != "SUCCEEDED":
            raise AssertionError(f"{job} is {engine.describe_job(job).status}")


def arrays(count: int) -> dict[str, float]:
    """Arrays of 10,000 children until every child has ended; seconds, and MiB more than before."""
    engine = build(count, VCPUS)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    ids = [
        engine.submit_job(JobRequest(str(number), "q0", DEFINITION, array_size=SIZE))
        for number in range(0, count, SIZE)
    ]
    engine.run_until_idle()
    seconds = time.process_time() - begin
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    check(engine, ids)
    child = engine.describe_job(f"{ids[-1]}:{SIZE - 1}")
    if child.current is None or child.current.exit_code != 0 or not child.current.instance_id:
        raise AssertionError(f"a child cannot be described: {child}")
    return {"seconds": seconds, "mib": grown}


def singles(count: int, vcpus: int, queues: int = 1, shares: int = 0) -> dict[str, float]:
    """Plain jobs, submitted one by one, until all have ended."""
    engine = build(count, vcpus, queues=queues, fair=shares > 0)
    names = [f"q{number}" for number in range(queues)]
    of = [f"s{number}" for number in range(shares)] or [""]
    begin = time.process_time()
    ids = [
        engine.submit_job(
            JobRequest(str(number), names[number % queues], DEFINITION, share_identifier=of[number // queues % len(of)])
        )
        for number in range(count)
    ]
    engine.run_until_idle()
    seconds = time.process_time() - begin
    check(engine, ids)
    return {"seconds": seconds}


def graph(count: int) -> dict[str, float]:
    """Chains and diamonds: every fourth job forks into two, which join again."""
    engine = build(count, VCPUS)
    begin = time.process_time()
    ids: list[str] = []
    for number in range(count):
        place = number % 1000
        if place == 0:
            parents: tuple[str, ...] = ()
        elif place % 4 == 2:
            parents = (ids[-2],)
        elif place % 4 == 3:
            parents = (ids[-1], ids[-2])
        else:
            parents = (ids[-1],)
        depends = tuple(Dependency(each) for each in parents)
        ids.append(engine.submit_job(JobRequest(str(number), "q0", DEFINITION, depends_on=depends)))
    engine.run_until_idle()
    seconds = time.process_time() - begin
    check(engine, ids)
    return {"seconds": seconds}


def describing(count: int) -> dict[str, float]:
    """Seconds to describe 100 jobs among so many, the least of 20 times."""
    engine = build(count, VCPUS)
    ids = [engine.submit_job(JobRequest(str(number), "q0", DEFINITION)) for number in range(count)]
    engine.run_until_idle()
    chosen = random.Random(2).sample(ids, 100)
    best = float("inf")
    for _ in range(20):
        begin = time.process_time()
        for job in chosen:
            engine.describe_job(job)
        best = min(best, time.process_time() - begin)
    return {"seconds": best}


def listing(count: int) -> dict[str, float]:
    """Seconds of a page of a queue's RUNNING jobs when half of so many have ended, the least of 20 times."""
    engine = build(count, 64)
    begin = engine.now_ms
    for number in range(count):
        engine.submit_job(JobRequest(str(number), "q0", DEFINITION))
    engine.advance_to(begin + sum(durations(count)) // 64 // 2)
    best = float("inf")
    for _ in range(20):
        since = time.process_time()
        page = engine.list_jobs(queue="q0", status="RUNNING", limit=100)
        best = min(best, time.process_time() - since)
    if len(page.jobs) != 64:
        raise AssertionError(f"{len(page.jobs)} jobs are RUNNING on 64 vCPUs")
    return {"seconds": best}


CASES: dict[str, Callable[..., dict[str, float]]] = {
    "arrays": arrays,
    "singles": singles,
    "graph": graph,
    "describing": describing,
    "listing": listing,
    "floor": lambda count, slots: {"seconds": floor(count, slots)},
    "simpy": lambda count: {"seconds": simpy_jobs(count)},
}


def measure(case: str, *arguments: int) -> dict[str, float]:
    """Run one case in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.engine", case, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def compare(subject: tuple[Any, ...], base: tuple[Any, ...], rounds: int = ROUNDS) -> tuple[float, dict[str, float]]:
    """How many times the base's time a case takes: the median of the rounds' ratios; and its own measures' medians.

    In each round the base runs before and after the case, and the faster of the two counts.
    """
    ratios, seen = [], []
    for _ in range(rounds):
        before = measure(*base)["seconds"]
        seen.append(measure(*subject))
        ratios.append(seen[-1]["seconds"] / min(before, measure(*base)["seconds"]))
    return statistics.median(ratios), {name: statistics.median(each[name] for each in seen) for name in seen[0]}


def figure(name: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None) -> Any:
    """One figure in the form of `make bench`."""
    row: dict[str, Any] = {"name": name, "value": round(value, 3), "unit": unit}
    if at_most is not None:
        row |= {"at_most": at_most, "holds": value <= at_most}
    if at_least is not None:
        row |= {"at_least": at_least, "holds": value >= at_least}
    return row


def figures() -> Iterator[dict[str, Any]]:
    """Every figure of the engine, as they come."""
    ratio, million = compare(("arrays", 1_000_000), ("floor", 1_000_000, VCPUS))
    yield figure("engine: 100 arrays of 10,000 children, time over the bare heap loop", ratio, "x", at_most=4)
    yield figure("engine: 100 arrays of 10,000 children, memory more than before", million["mib"], "MiB", at_most=200)
    yield figure("engine: children a second of CPU time", 1_000_000 / million["seconds"], "1/s", at_least=0)
    ratio, _ = compare(("simpy", 100_000), ("arrays", 100_000))
    yield figure("engine: 100,000 children, times faster than SimPy", ratio, "x", at_least=8)

    count = 200_000
    single = ("singles", count, VCPUS)
    ratio, _ = compare(single, ("floor", count, VCPUS), LIGHT_ROUNDS)
    yield figure("engine: 200,000 single jobs over the bare heap loop", ratio, "x", at_most=12)
    ratio, _ = compare(("singles", count, 64), single)
    yield figure("engine: the same on 64 vCPUs over uncongested", ratio, "x", at_most=1.5)
    ratio, _ = compare(("singles", 1_000_000, VCPUS), ("singles", 100_000, VCPUS))
    yield figure("engine: 1,000,000 single jobs over 100,000", ratio, "x", at_most=12)
    ratio, _ = compare(("singles", 100_000, VCPUS, 10, 100), ("singles", 100_000, VCPUS), LIGHT_ROUNDS)
    yield figure("engine: 10 queues with 100 shares each over one FIFO queue", ratio, "x", at_most=2)
    ratio, _ = compare(("graph", 100_000), ("graph", 10_000), LIGHT_ROUNDS)
    yield figure("engine: 100,000 jobs in chains and diamonds over 10,000", ratio, "x", at_most=12)
    ratio, _ = compare(("describing", 1_000_000), ("describing", 1_000))
    yield figure("engine: describing 100 jobs among 1,000,000 over 1,000", ratio, "x", at_most=1.5)
    ratio, _ = compare(("listing", 200_000), ("listing", 1_000))
    yield figure("engine: listing 100 RUNNING jobs among 200,000 over 1,000", ratio, "x", at_most=12)


if __name__ == "__main__":
    print(json.dumps(CASES[sys.argv[1]](*map(int, sys.argv[2:]))))
