"""Whatever is asked of the engine, in whatever order: jobs are conserved, capacity holds, and the trace replays."""

from __future__ import annotations

import io

import hypothesis.strategies as st
from attrs import evolve
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from batchiac.engine import Engine, EngineSettings, Outcome
from batchiac.engine.effects import InstanceChanged, JobStateChanged
from batchiac.engine.refusals import EngineRefusal
from batchiac.engine.trace import TracedEngine, replay
from batchiac.model.compute_environment import ComputeEnvironment, ComputeResources, UpdatePolicy
from batchiac.model.consumable_resource import ConsumableRequirement, ConsumableResource
from batchiac.model.instance_type import Catalogue, InstanceType
from batchiac.model.job import Dependency, JobRequest
from batchiac.model.job_definition import (
    Container,
    EvaluateOnExit,
    JobDefinition,
    NodeRange,
    Resources,
    RetryStrategy,
)
from batchiac.model.job_queue import JobQueue, TimeLimitAction
from batchiac.model.scheduling_policy import SchedulingPolicy, Share

TYPES = Catalogue.of(
    [
        InstanceType("a.small", 2, 4096),
        InstanceType("a.large", 4, 8192),
        InstanceType("b.large", 8, 16384),
        InstanceType("g.large", 8, 16384, gpus=2),
    ]
)
SETTINGS = EngineSettings(
    admission_ms=100, scaling_interval_ms=1_000, launch_ms=5_000, image_pull_ms=500, idle_scale_in_ms=20_000,
    spot_interruptions_per_instance_hour=20.0, stop_grace_ms=700, environment_create_ms=1_000,
    environment_update_ms=1_000, queue_create_ms=500, queue_update_ms=500,
)  # fmt: skip


class Chance:
    """Draws everything: how long, how it ends, how much memory, whether it starts."""

    def plan(self, job: JobRequest, container: Container):
        def draw(index: int, attempt: int, stream):
            dice = stream.random()
            duration = round(stream.exponential(8_000))
            if dice < 0.6:
                return duration
            if dice < 0.75:
                return Outcome(duration, 1 + int(stream.random() * 3))
            if dice < 0.8:
                return Outcome(duration, 0, 10**6)
            if dice < 0.85:
                return Outcome(0, 0, 0, "CannotPullContainerError: no such image", False)
            return Outcome(0)

        return draw


class EngineMachine(RuleBasedStateMachine):
    """Random commands at random times."""

    def __init__(self) -> None:
        super().__init__()
        self.out = io.StringIO()
        self.engine = TracedEngine(
            self.out, seed=5, settings=SETTINGS, instance_types=TYPES, behaviour=Chance(), region="eu-west-1"
        )
        self.jobs: list[str] = []
        self.rows = 0
        self.last_at = 0
        self.specs: dict[str, ComputeEnvironment] = {}
        self.queues: dict[str, JobQueue] = {}
        self.engine.subscribe(self.hear)
        self.statuses: dict[str, str] = {}

    def hear(self, effect: object) -> None:
        """Time never goes back; every change starts where the last one ended; launches keep to maxvCpus."""
        assert effect.at_ms >= self.last_at  # type: ignore[attr-defined]
        self.last_at = effect.at_ms  # type: ignore[attr-defined]
        if isinstance(effect, JobStateChanged):
            assert self.statuses.get(effect.job_id, "SUBMITTED") == effect.previous
            self.statuses[effect.job_id] = effect.status
        if isinstance(effect, InstanceChanged) and effect.status == "LAUNCHING":
            environment = self.engine.find_environment(effect.environment)
            assert environment is not None
            resources = environment.spec.resources
            assert resources is not None
            before = environment.desired_vcpus - TYPES[effect.instance_type].vcpus
            if resources.allocation_strategy == "BEST_FIT":
                assert environment.desired_vcpus <= resources.max_vcpus
            else:
                assert before < resources.max_vcpus

    @initialize(
        strategy=st.sampled_from(("BEST_FIT", "BEST_FIT_PROGRESSIVE", "BEST_FIT_PROGRESSIVE_ORDERED")),
        most=st.integers(4, 40),
        least=st.sampled_from((0, 0, 4)),
        first=st.booleans(),
    )
    def build(self, strategy: str, most: int, least: int, first: bool) -> None:
        """Three environments, a FIFO and a fair-share queue on them."""
        on_demand = ComputeResources(
            "EC2", max(most, least), min_vcpus=least, instance_types=("a", "g"), allocation_strategy=strategy
        )
        spot = ComputeResources(
            "SPOT", 16, instance_types=("a.large", "b"), allocation_strategy="SPOT_CAPACITY_OPTIMIZED"
        )
        for spec in (
            ComputeEnvironment("od", resources=on_demand),
            ComputeEnvironment("spot", resources=spot),
            ComputeEnvironment("own", type="UNMANAGED"),
            ComputeEnvironment("fargate", resources=ComputeResources("FARGATE", 8)),
        ):
            self.specs[spec.name] = spec
            self.engine.create_compute_environment(spec)
        self.engine.advance_to(self.engine.now_ms + 1_500)
        order = ("od", "spot", "own") if first else ("spot", "od", "own")
        limits = (TimeLimitAction("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", 600),)
        policy = SchedulingPolicy("fair", 60, 10, (Share("heavy", 2.0), Share("light*", 0.5)))
        for queue in (
            JobQueue("fifo", 2, order, time_limit_actions=limits),
            JobQueue("fair", 1, ("od", "own"), scheduling_policy=policy),
            JobQueue("serverless", 1, ("fargate",)),
        ):
            self.queues[queue.name] = queue
            self.engine.create_job_queue(queue)
        self.engine.create_consumable_resource(ConsumableResource("licence", 2))
        self.engine.advance_to(self.engine.now_ms + 1_000)

    @rule(
        queue=st.sampled_from(("fifo", "fifo", "fair", "serverless")),
        size=st.sampled_from((0, 0, 2, 7)),
        vcpus=st.sampled_from((1, 2, 4, 9)),
        memory=st.sampled_from((100, 3000, 9000)),
        gpus=st.sampled_from((0, 0, 0, 1)),
        attempts=st.integers(1, 3),
        timeout=st.sampled_from((None, None, 60)),
        locks=st.sampled_from((0, 0, 1, 2)),
        nodes=st.sampled_from((0, 0, 0, 2, 3)),
        share=st.sampled_from(("heavy", "light1", "light2")),
        data=st.data(),
    )
    def submit(self, queue, size, vcpus, memory, gpus, attempts, timeout, locks, nodes, share, data) -> None:
        """A plain job, an array or a gang, perhaps after others."""
        container = Container(resources=Resources(vcpus, memory, gpus))
        rules = (EvaluateOnExit("RETRY", on_status_reason="Host EC2*"), EvaluateOnExit("EXIT", on_exit_code="2"))
        definition = JobDefinition(
            "d",
            containers=(container,),
            retry=RetryStrategy(attempts, rules),
            timeout_s=timeout,
            platform="FARGATE" if queue == "serverless" else "EC2",
            consumables=(ConsumableRequirement("licence", locks),) if locks else (),
        )
        if nodes and queue == "fifo":
            ranges = (NodeRange(0, nodes - 1, (container,)),)
            definition = evolve(definition, type="multinode", num_nodes=nodes, node_ranges=ranges, containers=())
            size = 0
        else:
            nodes = 0
        depends = []
        if self.jobs:
            for parent in data.draw(st.lists(st.sampled_from(self.jobs), max_size=2, unique=True)):
                same = size and self.engine.describe_job(parent).array_size == size
                depends.append(Dependency(parent, "N_TO_N" if same and data.draw(st.booleans()) else ""))
        if size and data.draw(st.booleans()):
            depends.append(Dependency("", "SEQUENTIAL"))
        request = JobRequest(
            f"job{len(self.jobs)}", queue, definition, array_size=size, depends_on=depends,
            share_identifier=share if queue == "fair" else "", scheduling_priority=vcpus,
        )  # fmt: skip
        try:
            self.jobs.append(self.engine.submit_job(request))
        except EngineRefusal:
            assert self.queues[queue].state == "DISABLED"
            return
        self.rows += 1 + size + nodes

    @rule(seconds=st.sampled_from((0.001, 0.1, 1, 5, 30, 700)))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.engine.advance_to(self.engine.now_ms + round(seconds * 1000))

    @rule(data=st.data(), terminate=st.booleans())
    def stop(self, data, terminate: bool) -> None:
        """Somebody cancels or terminates a job, or a child of it."""
        if not self.jobs:
            return
        job = data.draw(st.sampled_from(self.jobs))
        size = self.engine.describe_job(job).array_size
        if size and data.draw(st.booleans()):
            job = f"{job}:{data.draw(st.integers(0, size - 1))}"
        (self.engine.terminate_job if terminate else self.engine.cancel_job)(job, "because")

    @rule(data=st.data())
    def lose(self, data) -> None:
        """Somebody ends an instance from outside."""
        live = [each.id for each in self.engine.instances()]
        if live:
            self.engine.interrupt_instance(data.draw(st.sampled_from(live)))

    @rule(kind=st.sampled_from(sorted(TYPES)), count=st.sampled_from((None, 0, 2)), spot=st.booleans())
    def capacity(self, kind: str, count: int | None, spot: bool) -> None:
        """A pool runs out, or is filled."""
        self.engine.set_capacity(kind, count, spot=spot)

    @rule(kind=st.sampled_from(sorted(TYPES)))
    def join(self, kind: str) -> None:
        """The operator's own instance joins."""
        self.engine.register_instance("own", kind)

    @rule(data=st.data(), drain=st.booleans())
    def leave(self, data, drain: bool) -> None:
        """The operator's own instance leaves."""
        own = [each.id for each in self.engine.instances("own")]
        if own:
            self.engine.deregister_instance(data.draw(st.sampled_from(own)), drain=drain)

    @rule(
        name=st.sampled_from(("od", "spot")),
        state=st.sampled_from(("ENABLED", "ENABLED", "DISABLED")),
        most=st.integers(4, 40),
        image=st.sampled_from(("", "", "new")),
        kill=st.booleans(),
    )
    def update(self, name: str, state: str, most: int, image: str, kill: bool) -> None:
        """A scaling or an infrastructure update."""
        spec = self.specs[name]
        assert spec.resources is not None
        least = min(spec.resources.min_vcpus, most)
        resources = evolve(spec.resources, max_vcpus=most, min_vcpus=least, image=image)
        new = evolve(spec, state=state, resources=resources, update_policy=UpdatePolicy(kill, 1))
        try:
            self.engine.update_compute_environment(new)
        except EngineRefusal:
            return
        self.specs[name] = new

    @rule(
        name=st.sampled_from(("fifo", "fair")),
        priority=st.integers(0, 3),
        state=st.sampled_from(("ENABLED", "DISABLED")),
    )
    def update_queue(self, name: str, priority: int, state: str) -> None:
        """Another priority, or no more submissions."""
        new = evolve(self.queues[name], priority=priority, state=state)
        try:
            self.engine.update_job_queue(new)
        except EngineRefusal:
            return
        self.queues[name] = new

    @invariant()
    def capacity_holds(self) -> None:
        """No instance is over its vCPUs, memory or GPUs, and what is free is what its jobs leave."""
        world = self.engine._world
        used: dict[int, list[int]] = {}
        for row, status in enumerate(world.ledger.status[: world.ledger.used]):
            if status not in (3, 4):
                continue
            record = world.records[world.ledger.owner[row]]
            if record.kind == 2 or world.ledger.host[row] < 0:
                continue
            shape = record.plan.shape
            totals = used.setdefault(world.ledger.host[row], [0, 0, 0, 0])
            for place, amount in enumerate((shape.cpu, shape.memory, shape.gpus, 1)):
                totals[place] += amount
        for host in world.hosts:
            if host.status in ("READY", "DRAINING") and host.gang is None:
                cpu, memory, gpus, busy = used.pop(host.serial, [0, 0, 0, 0])
                assert (host.free_cpu, host.free_memory, host.free_gpus, host.busy) == (
                    host.total_cpu - cpu, host.total_memory - memory, host.total_gpus - gpus, busy,
                )  # fmt: skip
                assert min(host.free_cpu, host.free_memory, host.free_gpus) >= 0
        assert not used, "jobs on instances that are gone"
        for environment in world.environments.values():
            assert environment.cpu >= 0
            listed = sorted(key & 0xFFFFFFFF for bucket in environment.index.buckets.values() for key in bucket)
            assert listed == sorted(h.serial for h in environment.hosts.values() if h.status == "READY" and h.free_cpu)
        licence = world.consumables.get("licence")
        assert licence is None or 0 <= licence.in_use <= licence.total

    @invariant()
    def jobs_are_conserved(self) -> None:
        """Every job submitted is in exactly one state; waiting ones are counted right; attempts are within bounds."""
        world = self.engine._world
        assert world.ledger.used == self.rows
        assert max(world.ledger.attempts[: world.ledger.used], default=0) <= 3
        waiting: dict[str, int] = {}
        for record in world.records:
            rows = range(record.row, record.row + 1 + record.size) if record.kind == 1 else (record.row,)
            number = sum(world.ledger.status[row] == 2 for row in rows)
            waiting[record.queue.spec.name] = waiting.get(record.queue.spec.name, 0) + number
            if record.kind == 1:
                left = sum(world.ledger.status[row] < 5 for row in rows[1:])
                assert left == record.left
        for name, number in waiting.items():
            view = self.engine.find_queue(name)
            assert view is not None
            assert view.runnable == number

    def teardown(self) -> None:
        """No job started before its dependencies ended; the trace replays, polled or not, watched or not."""
        self.engine.run_until_idle(limit_ms=self.engine.now_ms + 200_000_000)
        assert self.engine.next_event_at_ms() is None, "the engine never comes to rest"
        views = {job: self.engine.describe_job(job) for job in self.jobs}
        for view in views.values():
            for dependency in view.request.depends_on:
                parent = views.get(dependency.job_id)
                if parent is not None and dependency.type == "" and view.attempts and view.array_size == 0:
                    assert parent.status == "SUCCEEDED"
                    first = view.attempts[0].started_at_ms
                    assert first is None or first >= (parent.stopped_at_ms or 0)
        self.engine.close()
        lines = self.out.getvalue().splitlines()
        number = replay(lines, behaviour=Chance())
        assert number == replay(lines, behaviour=Chance(), step_ms=997)
        quiet = unwatched(lines)
        for job, view in views.items():
            assert differences(quiet.describe_job(job), view) == {}


def differences(one: object, other: object) -> dict[str, tuple[object, object]]:
    """The fields in which two views differ."""
    names = one.__attrs_attrs__  # type: ignore[attr-defined]
    pairs = {each.name: (getattr(one, each.name), getattr(other, each.name)) for each in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def unwatched(lines: list[str]) -> Engine:
    """The engine after the same commands with nobody listening: the fast lane is open."""
    import json

    from batchiac.engine.trace import _give

    engine = Engine(seed=5, settings=SETTINGS, instance_types=TYPES, behaviour=Chance(), region="eu-west-1")
    for line in lines[1:]:
        row = json.loads(line)
        engine.advance_to(row.get("end_ms", row.get("at_ms", 0)))
        if "command" in row:
            _give(engine, row, [])
    return engine


EngineMachine.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking a state machine takes minutes: do it by hand
)
test_engine_survives_anything = EngineMachine.TestCase
