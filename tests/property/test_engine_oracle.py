"""A second implementation of the scheduler, which scans everything, agrees with the engine job by job.

It shares no code with the engine: plain lists, one millisecond after the other, no index, no event queue. It knows
FIFO queues with priorities, arrays (plain, SEQUENTIAL, N_TO_N), dependencies, retries, and best-fit placement.
"""

from __future__ import annotations

import random

import pytest

from batchiac.engine import Engine, Outcome
from batchiac.engine.settings import instant
from batchiac.model.compute_environment import ComputeEnvironment
from batchiac.model.instance_type import Catalogue, InstanceType
from batchiac.model.job import Dependency, JobRequest
from batchiac.model.job_definition import Container, JobDefinition, Resources, RetryStrategy
from batchiac.model.job_queue import JobQueue

HOSTS = [("a.small", 2), ("b.large", 4), ("c.huge", 8)]


def make_case(seed: int) -> dict:
    """A random small case: hosts, queues and jobs, as plain data."""
    rnd = random.Random(seed)
    hosts = [rnd.choice(HOSTS) for _ in range(rnd.randint(1, 4))]
    jobs: list[dict] = []
    moment = 0
    for number in range(rnd.randint(1, 14)):
        moment += rnd.choice((0, 0, 1, 3, 20))
        size = rnd.choice((0, 0, 0, 2, 3, 5))
        parents = rnd.sample(range(number), min(number, rnd.choice((0, 0, 1, 2))))
        kinds = []
        for parent in parents:
            same = size and jobs[parent]["size"] == size
            kinds.append((parent, "N_TO_N" if same and rnd.random() < 0.6 else ""))
        jobs.append(
            {
                "at": moment,
                "queue": rnd.randint(0, 1),
                "vcpus": rnd.choice((1, 1, 2, 3)),
                "memory": rnd.choice((100, 1000, 3000)),
                "size": size,
                "parents": kinds,
                "sequential": bool(size) and rnd.random() < 0.25,
                "attempts": rnd.choice((1, 1, 2, 3)),
                # by child, by attempt: (duration, exit code)
                "runs": [
                    [(rnd.choice((0, 1, 2, 5, 9, 30)), rnd.choice((0, 0, 0, 1))) for _ in range(3)]
                    for _ in range(max(1, size))
                ],
            }
        )
    return {"hosts": hosts, "jobs": jobs, "priorities": rnd.choice(((1, 1), (1, 2), (2, 1)))}


def run_oracle(case: dict) -> dict[tuple[int, int], tuple[str, list[int]]]:
    """{(job, child): (status, start time of every attempt)}; times in ms from the first submission."""
    jobs = case["jobs"]
    free = [[vcpus, vcpus * 1000, number] for number, (_, vcpus) in enumerate(case["hosts"])]
    state: dict[tuple[int, int], str] = {}
    starts: dict[tuple[int, int], list[int]] = {}
    parent_state = ["SUBMITTED"] * len(jobs)
    waiting: list[list[tuple[int, int]]] = [[], []]
    running: list[tuple[int, tuple[int, int], int, int]] = []
    for number, job in enumerate(jobs):
        for child in range(max(1, job["size"])):
            state[number, child] = "SUBMITTED"
            starts[number, child] = []

    def children(number: int) -> range:
        return range(max(1, jobs[number]["size"]))

    def whole(number: int) -> str:
        states = {state[number, child] for child in children(number)}
        if states <= {"SUCCEEDED"}:
            return "SUCCEEDED"
        return "FAILED" if states <= {"SUCCEEDED", "FAILED"} else "PENDING"

    def ready(number: int, child: int) -> bool:
        job = jobs[number]
        for parent, kind in job["parents"]:
            if kind == "N_TO_N":
                if state[parent, child] != "SUCCEEDED":
                    return False
            elif parent_state[parent] != "SUCCEEDED":
                return False
        return not (job["sequential"] and child and state[number, child - 1] != "SUCCEEDED")

    def release(number: int) -> None:
        for child in children(number):
            if state[number, child] == "PENDING" and ready(number, child):
                state[number, child] = "RUNNABLE"
                waiting[jobs[number]["queue"]].append((number, child))

    def close(number: int, child: int, outcome: str) -> None:
        """Breadth first: an end is passed on before the ends that it causes."""
        state[number, child] = outcome
        work = [("child", number, child)]
        while work:
            what, job, which = work.pop(0)
            if what == "child":
                good = state[job, which] == "SUCCEEDED"
                affected = []
                if jobs[job]["sequential"] and which + 1 < len(children(job)):
                    affected.append((job, which + 1))
                for other in range(len(jobs)):
                    if (job, "N_TO_N") in jobs[other]["parents"]:
                        affected.append((other, which))
                for other, their in affected:
                    if state[other, their] != "PENDING":
                        continue
                    if not good:
                        state[other, their] = "FAILED"
                        work.append(("child", other, their))
                    elif ready(other, their):
                        state[other, their] = "RUNNABLE"
                        waiting[jobs[other]["queue"]].append((other, their))
                if parent_state[job] not in ("SUCCEEDED", "FAILED") and whole(job) in ("SUCCEEDED", "FAILED"):
                    parent_state[job] = whole(job)
                    work.append(("job", job, 0))
            else:
                for other in range(len(jobs)):
                    if (job, "") not in jobs[other]["parents"] or parent_state[other] in ("SUCCEEDED", "FAILED"):
                        continue
                    if parent_state[job] == "SUCCEEDED":
                        if parent_state[other] == "PENDING":
                            release(other)
                    elif parent_state[other] == "PENDING":
                        for their in children(other):
                            if state[other, their] == "PENDING":
                                state[other, their] = "FAILED"
                                work.append(("child", other, their))

    moment = 0
    last = max(job["at"] for job in jobs) + 1
    while moment <= last or running:
        again = True
        while again:
            again = False
            for end in sorted(each for each in running if each[0] == moment):
                running.remove(end)
                _, (number, child), host, code = end
                job = jobs[number]
                free[host][0] += job["vcpus"]
                free[host][1] += job["memory"]
                if code and len(starts[number, child]) < job["attempts"]:
                    state[number, child] = "RUNNABLE"
                    waiting[job["queue"]].insert(0, (number, child))
                else:
                    close(number, child, "FAILED" if code else "SUCCEEDED")
            for number, job in enumerate(jobs):
                if job["at"] + 1 != moment or parent_state[number] != "SUBMITTED":
                    continue
                parent_state[number] = "PENDING"
                for child in children(number):
                    state[number, child] = "PENDING"
                if any(parent_state[parent] == "FAILED" and not kind for parent, kind in job["parents"]):
                    for child in children(number):
                        if state[number, child] == "PENDING":
                            close(number, child, "FAILED")
                    continue
                for child in children(number):
                    broken = any(k == "N_TO_N" and state[p, child] == "FAILED" for p, k in job["parents"])
                    if broken and state[number, child] == "PENDING":
                        close(number, child, "FAILED")
                release(number)
            for queue in sorted((0, 1), key=lambda each: (-case["priorities"][each], each)):
                while waiting[queue]:
                    number, child = waiting[queue][0]
                    job = jobs[number]
                    fitting = [h for h in free if h[0] >= job["vcpus"] and h[1] >= job["memory"]]
                    if not fitting:
                        break
                    host = min(fitting)
                    waiting[queue].pop(0)
                    host[0] -= job["vcpus"]
                    host[1] -= job["memory"]
                    state[number, child] = "RUNNING"
                    duration, code = job["runs"][child][len(starts[number, child])]
                    starts[number, child].append(moment)
                    running.append((moment + duration, (number, child), host[2], code))
                    again = again or duration == 0
        moment += 1
    return {key: (state[key], starts[key]) for key in state}


class Scripted:
    """Runs what the case says."""

    def __init__(self, jobs: list[dict]) -> None:
        self.jobs = jobs

    def plan(self, job: JobRequest, container: Container):
        runs = self.jobs[int(job.name)]["runs"]

        def draw(index, attempt, _stream):
            duration, code = runs[index][attempt - 1]
            return Outcome(duration, code) if code else duration

        return draw


def run_engine(
    case: dict, *, watched: bool = False, ticks: bool = False
) -> dict[tuple[int, int], tuple[str, list[int]]]:
    """The same from the engine."""
    types = Catalogue.of(InstanceType(name, vcpus, 0) for name, vcpus in HOSTS)
    # Usable memory is nominal less overhead; the case counts usable memory.
    for name, vcpus in HOSTS:
        types._made[name] = InstanceType(name, vcpus, (vcpus * 1000 + 79 + 32) * 64 // 63 + 1)
    engine = Engine(
        seed=1, settings=instant(reserved_memory_mib=32), instance_types=types, behaviour=Scripted(case["jobs"])
    )
    if watched:
        engine.subscribe(lambda effect: None)
    engine.create_compute_environment(ComputeEnvironment("ce", type="UNMANAGED"))
    engine.run_until_idle()
    hosts = [engine.register_instance("ce", name) for name, _ in case["hosts"]]
    for host in hosts:
        view = engine.find_instance(host)
        assert view is not None and view.memory_mib - view.vcpus * 1000 in (0, 1)
    for queue in (0, 1):
        engine.create_job_queue(JobQueue(str(queue), case["priorities"][queue], ("ce",)))
    engine.run_until_idle()
    start = engine.now_ms
    ids: list[str] = []
    for number, job in enumerate(case["jobs"]):
        while ticks and engine.now_ms < start + job["at"]:
            engine.advance_to(engine.now_ms + 1)
        engine.advance_to(start + job["at"])
        definition = JobDefinition(
            "d",
            containers=(Container(resources=Resources(job["vcpus"], job["memory"])),),
            retry=RetryStrategy(job["attempts"]),
        )
        parents = [Dependency(ids[parent], kind) for parent, kind in job["parents"]]
        if job["sequential"]:
            parents.append(Dependency("", "SEQUENTIAL"))
        ids.append(
            engine.submit_job(
                JobRequest(str(number), str(job["queue"]), definition, array_size=job["size"], depends_on=parents)
            )
        )
    while ticks and engine.next_event_at_ms() is not None:
        engine.advance_to(engine.now_ms + 1)
    engine.run_until_idle()
    found = {}
    for number, job in enumerate(case["jobs"]):
        for child in range(max(1, job["size"])):
            view = engine.describe_job(f"{ids[number]}:{child}" if job["size"] else ids[number])
            begun = [each.started_at_ms - start for each in view.attempts]
            if view.status == "RUNNABLE":
                assert not begun or view.attempts[-1].stopped_at_ms is not None
            found[number, child] = (view.status, begun)
    return found


@pytest.mark.parametrize("block", range(8))
def test_engine_agrees_with_the_naive_scheduler(block: int) -> None:
    """Statuses and the start times of all attempts are the same in thousands of random small cases."""
    for seed in range(block * 250, block * 250 + 250):
        case = make_case(seed)
        assert run_engine(case) == run_oracle(case), f"seed {seed}"


@pytest.mark.parametrize("watched", [False, True])
def test_looking_every_millisecond_changes_nothing(watched: bool) -> None:
    """Neither polling nor a listener (which closes the fast lane) changes any job."""
    for seed in range(5000, 5080):
        case = make_case(seed)
        assert run_engine(case) == run_engine(case, watched=watched, ticks=True), f"seed {seed}"
