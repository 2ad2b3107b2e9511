"""A small stage for parity tests: one queue on one environment in which little but jobs takes time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batchiac.engine import Engine, EngineSettings, Outcome
from batchiac.engine.settings import instant
from batchiac.model.compute_environment import ComputeEnvironment, ComputeResources
from batchiac.model.job import Dependency, JobRequest
from batchiac.model.job_definition import Container, JobDefinition, NodeRange, Resources, RetryStrategy
from batchiac.model.job_queue import JobQueue


class Runs:
    """Behaviour by job name: a list of outcomes, one an attempt (the last repeated); 10 s and exit 0 elsewhere."""

    def __init__(self, **outcomes: Sequence[Outcome | int]) -> None:
        self.outcomes = outcomes

    def plan(self, job: JobRequest, container: Container) -> Any:
        """See Behaviour; a container's own name wins over the job's."""
        outcomes = self.outcomes.get(container.name) or self.outcomes.get(job.name) or (10_000,)
        return lambda _index, attempt, _stream: outcomes[min(attempt, len(outcomes)) - 1]


class Stage:
    """An engine with the environment `ce` and the queue `q`, both VALID, and short words for what tests do."""

    def __init__(
        self,
        *,
        resources: ComputeResources | None = None,
        settings: EngineSettings | None = None,
        queue: dict[str, Any] | None = None,
        **outcomes: Sequence[Outcome | int],
    ) -> None:
        self.engine = Engine(seed=3, settings=settings or instant(), behaviour=Runs(**outcomes))
        self.effects: list[Any] = []
        self.engine.subscribe(self.effects.append)
        self.add(resources or ComputeResources("EC2", 16, instance_types=("c5.xlarge",)))
        self.engine.create_job_queue(JobQueue("q", 1, ("ce",), **(queue or {})))
        self.engine.run_until_idle()

    def add(self, resources: ComputeResources | None, name: str = "ce") -> None:
        """An environment, VALID when this returns."""
        kind = "MANAGED" if resources else "UNMANAGED"
        self.engine.create_compute_environment(ComputeEnvironment(name, type=kind, resources=resources))
        self.engine.run_until_idle()

    def submit(
        self,
        name: str = "job",
        *,
        vcpus: float = 1,
        memory: int = 128,
        gpus: int = 0,
        attempts: int = 1,
        rules: Sequence[Any] = (),
        size: int = 0,
        after: Sequence[str | tuple[str, str]] = (),
        queue: str = "q",
        share: str = "",
        priority: int | None = None,
        **definition: Any,
    ) -> str:
        """Submit a job; its id. `after` holds job ids or (job id, type)."""
        depends = [Dependency(*((each,) if isinstance(each, str) else each)) for each in after]
        definition.setdefault("containers", (Container(image="image", resources=Resources(vcpus, memory, gpus)),))
        return self.engine.submit_job(
            JobRequest(
                name,
                queue,
                JobDefinition("definition", retry=RetryStrategy(attempts, rules), **definition),
                array_size=size,
                depends_on=depends,
                share_identifier=share,
                scheduling_priority=priority,
            )
        )

    def submit_gang(self, name: str = "gang", *, nodes: int = 3, vcpus: float = 1, **more: Any) -> str:
        """Submit a multi-node job whose containers are called main, n1, n2…"""
        ranges = [
            NodeRange(node, node, (Container("main" if not node else f"n{node}", resources=Resources(vcpus, 128)),))
            for node in range(nodes)
        ]
        return self.submit(name, type="multinode", num_nodes=nodes, node_ranges=ranges, containers=(), **more)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.engine.advance_to(self.engine.now_ms + round(seconds * 1000))

    def finish(self) -> None:
        """Run until nothing will happen."""
        self.engine.run_until_idle()

    def status(self, job: str) -> str:
        """A job's state."""
        return self.engine.describe_job(job).status

    def walk(self, job: str) -> list[str]:
        """The states that a job went through after SUBMITTED."""
        return [e.status for e in self.effects if getattr(e, "job_id", "") == job and hasattr(e, "previous")]
