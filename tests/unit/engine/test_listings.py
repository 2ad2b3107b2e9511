"""ListJobs by status: found by block, equal to a look at every job."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from batchiac.engine import Engine, EngineSettings, Outcome
from batchiac.engine.policies.behaviour import Draw
from batchiac.engine.status_index import BLOCK
from batchiac.engine.views import STATUSES
from batchiac.model.compute_environment import ComputeEnvironment, ComputeResources
from batchiac.model.job import JobRequest
from batchiac.model.job_definition import Container, JobDefinition
from batchiac.model.job_queue import JobQueue

DEFINITION = JobDefinition("definition")


class ByName:
    """Lengths and exits from the number that a job has for a name."""

    def plan(self, job: JobRequest, container: Container) -> Draw:
        number = int(job.name)
        return lambda _index, _attempt, _stream: Outcome(1_000 + number % 97 * 1_000, number % 31 == 0)


def listed(engine: Engine, queue: str, status: str | None, limit: int) -> Iterator[str]:
    position: int | None = 0
    while position is not None:
        page = engine.list_jobs(queue=queue, status=status, position=position, limit=limit)
        assert len(page.jobs) <= limit
        position = page.next_position
        yield from (job.id for job in page.jobs)


@pytest.mark.parametrize("queues", [1, 3])
def test_pages_by_status_have_every_job_of_that_status_in_order_of_submission(queues: int) -> None:
    """Whatever has ended, was cancelled, was forgotten or came later: a listing agrees with a look at each job."""
    rnd = random.Random(queues)
    engine = Engine(seed=3, settings=EngineSettings(retention_ms=400_000), behaviour=ByName())
    resources = ComputeResources("EC2", 32, instance_types=("c5.xlarge",))
    engine.create_compute_environment(ComputeEnvironment("ce", resources=resources))
    engine.run_until_idle()
    for number in range(queues):
        engine.create_job_queue(JobQueue(f"q{number}", 1, ("ce",)))
    engine.run_until_idle()
    submitted: dict[str, list[str]] = {f"q{number}": [] for number in range(queues)}
    number = 0
    for _ in range(4):
        for _ in range(queues * BLOCK * 2 // 3):
            queue = f"q{rnd.randrange(queues)}"
            size = 3 if rnd.random() < 0.02 else 0
            submitted[queue].append(engine.submit_job(JobRequest(str(number), queue, DEFINITION, array_size=size)))
            number += 1
        engine.cancel_job(rnd.choice(submitted["q0"][-9:]), "not wanted")
        engine.advance_to(engine.now_ms + 900_000)
        for queue, ids in submitted.items():
            found = {status: list(listed(engine, queue, status, 100)) for status in (None, *STATUSES)}
            views = [view for view in map(engine.find_job, ids) if view is not None]
            assert found[None] == [view.id for view in views]
            for status in STATUSES:
                assert found[status] == [view.id for view in views if view.status == status]
    assert any(engine.find_job(job) is None for ids in submitted.values() for job in ids)
