"""Real processes in place of simulated ones: they start when the engine says RUNNING, and tell it of their end.

Where containers wait for one another the first ones start while the engine still says STARTING, which lasts until all
have begun: the engine is told that too, and the timeout runs from there.

The engine plans an attempt's end when it starts. Here nobody knows it yet, so the plan is `PLANNED_MS`, and the real
end overwrites it as a lost host or a termination does. Everything real reaches the engine inside the turn and through
the journal; after a restart the processes of the earlier life are gone, and their attempts end with 137.

Theory of the stops: TerminateJob and a timeout move the planned end to 30 seconds from now. Seeing that, SIGTERM is
sent; when the engine's own end comes first, SIGKILL. All of these are seconds of the stack's clock: on `scaled:60` a
timeout of a minute is one of a second.

An array child and a node are attempts of their own: each has its own key, its own task and its own processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from attrs import define, field

from batchiac.engine.effects import Effect, JobStateChanged
from batchiac.engine.policies.behaviour import Draw
from batchiac.engine.reasons import SIGKILLED
from batchiac.engine.settings import EngineSettings
from batchiac.local.executors import process
from batchiac.local.executors.container_plan import ContainerPlan, plan_task
from batchiac.local.executors.process import Ended, Run
from batchiac.local.executors.secrets import SecretError
from batchiac.local.executors.task import Task
from batchiac.local.executors.task_metadata import metadata_path
from batchiac.model.job import JobRequest, JobStatus
from batchiac.model.job_definition import Container

if TYPE_CHECKING:
    from batchiac.engine.views import JobView
    from batchiac.local.stage import Stage

PLANNED_MS = 400 * 86_400_000
_STARTING, _RUNNING = JobStatus.STARTING.name, JobStatus.RUNNING.name

Key = tuple[str, str, str, int]
"""Account, region, job id (with its child's or node's number), attempt."""


QUICK = EngineSettings(
    admission_ms=1,
    environment_create_ms=500,
    environment_update_ms=500,
    environment_delete_ms=500,
    queue_create_ms=500,
    queue_update_ms=500,
    queue_delete_ms=500,
    launch_ms=500,
    fargate_start_ms=100,
    image_pull_ms=0,
    scaling_interval_ms=500,
)
"""Real processes run in real time: nobody wants to wait two minutes for an instance that does not exist."""


class UntilTold:
    """A `Behaviour`: every attempt runs until its process ends; where containers wait, it is STARTING until told."""

    def plan(self, job: JobRequest, container: Container) -> Draw:
        """See Behaviour."""
        return lambda _index, _attempt, _stream: PLANNED_MS


NO_COMMAND = "(batchiac) no command is given, and images are not run here: nothing was done"


@define
class Live:
    """A task, and when its attempt was planned to end: another plan means that it is being stopped.

    Attributes:
        waits: it is STARTING, for its containers wait for one another.
    """

    task: Task
    planned_end: int | None
    timeout_at_ms: int | None
    waits: bool = False
    told_to_stop: bool = False
    streams: set[str] = field(factory=set)


class RealRuns:
    """See the module.

    Args:
        control: `Turn.control`: a record, around what it records.
        variables: set for every job beside its own, with the server's address as AWS_ENDPOINT_URL; the region is added.
    """

    def __init__(
        self,
        stage: Stage,
        control: Callable[[dict[str, Any]], AbstractContextManager[None]],
        variables: Mapping[str, str],
    ) -> None:
        self._stage = stage
        self._control = control
        self._variables = variables
        self._to_start: dict[Key, None] = {}
        self._live: dict[Key, Live] = {}
        self._over: list[Key] = []

    # --- what the engine says ---------------------------------------------------------------------------------------

    def watch(self, account: str, region: str, batch: Any) -> None:
        """Listen to an engine; the lines that a simulated container would have written are left out."""
        from batchiac.local.projections.logs import Logs

        batch.projections = [each for each in batch.projections if not isinstance(each, Logs)]

        def see(effect: Effect) -> None:
            if not isinstance(effect, JobStateChanged):
                return
            key = (account, region, effect.job_id, effect.attempt)
            if effect.status in (_STARTING, _RUNNING):
                self._to_start[key] = None
            elif effect.previous in (_STARTING, _RUNNING):
                self._to_start.pop(key, None)
                if key in self._live:
                    self._over.append(key)

        batch.engine.subscribe(see)

    # --- what is done about it, a few times a second, inside the turn ------------------------------------------------

    def resume(self) -> None:
        """After a replay: the processes of the life before are gone, and their attempts end."""
        orphans = [key for key in self._to_start if self._is_due(key)]
        for key in orphans:
            del self._to_start[key]
            self._end(key, Ended(SIGKILLED, "the local stack was restarted: its processes had ended with it"), {})

    def tick(self) -> None:
        """Kill what is over, start what is to be started, pass on output, signals and ends."""
        for key in self._over:
            if key in self._live:
                self._live[key].task.kill()
        self._over.clear()
        for key in [key for key in self._to_start if self._is_due(key)]:
            del self._to_start[key]
            if key in self._live:
                self._now_runs(key)
            else:
                self._start(key)
        process.end_those_out_of_memory(run for live in self._live.values() for run in live.task.runs.values())
        for key, live in list(self._live.items()):
            batch = self._stage.backends[key[0], key[1]]
            self._stop_where_asked(key, live)
            self._pass_on(key, live)
            live.task.step(batch.now_ms(), batch.engine.settings.stop_grace_ms)
            if live.waits and live.task.has_begun:
                self._begin(key, live)
            if live.task.is_over:
                del self._live[key]
                assert live.task.end is not None
                self._end(key, live.task.end, live.task.ended)

    def close(self) -> None:
        """The server ends: so does every process."""
        runs = [run for live in self._live.values() for run in live.task.runs.values()]
        for run in runs:
            run.kill()
        for run in runs:
            run.wait()
            run.clean()
        self._live.clear()

    def _is_due(self, key: Key) -> bool:
        """True where it is RUNNING, or STARTING with containers to begin with; where it is gone too."""
        batch = self._stage.backends[key[0], key[1]]
        view = batch.engine.find_job(key[2])
        if view is None or view.status != _STARTING:
            return True
        due_ms = batch.engine.containers_due_ms(key[2])
        return due_ms is not None and due_ms <= batch.now_ms()

    def _start(self, key: Key) -> None:
        from batchiac.local.projections.attempt import attempt_of

        account, region, job_id, number = key
        batch = self._stage.backends[account, region]
        found = batch.look_up(job_id)
        if found is None:
            return
        record, view = found
        attempt = attempt_of(view, number)
        parent = (view.array_size or view.num_nodes) and ":" not in job_id and "#" not in job_id
        if attempt is None or parent:
            return
        own = {**self._variables, "AWS_DEFAULT_REGION": region, "AWS_REGION": region}
        ecs = view.request.definition.orchestrator == "ECS"

        def metadata(name: str) -> dict[str, str]:
            address = self._variables["AWS_ENDPOINT_URL"] + metadata_path(account, region, job_id, number, name)
            return {"ECS_CONTAINER_METADATA_URI_V4": address} if ecs else {}

        if ecs:
            own["AWS_EXECUTION_ENV"] = (
                f"AWS_ECS_{'FARGATE' if view.request.definition.platform == 'FARGATE' else 'EC2'}"
            )
        try:
            plan = plan_task(record, view, attempt, own, metadata, region, account)
        except SecretError as error:
            self._end(key, Ended(None, str(error)), {})
            return
        waits = view.status == _STARTING
        task = Task(plan, _start_container)
        self._live[key] = live = Live(task, batch.engine.planned_end_ms(job_id), _timeout_at_ms(view), waits)
        live.task.step(batch.now_ms(), batch.engine.settings.stop_grace_ms)

    def _begin(self, key: Key, live: Live) -> None:
        account, region, job_id, attempt = key
        with self._control(record := {"k": "begin", "a": account, "r": region, "job": job_id, "attempt": attempt}):
            begin_attempt(self._stage, record)
        live.waits = False
        live.planned_end = self._stage.backends[account, region].engine.planned_end_ms(job_id)

    def _now_runs(self, key: Key) -> None:
        """One whose containers waited: what its timeout means is known now."""
        batch = self._stage.backends[key[0], key[1]]
        view = batch.engine.find_job(key[2])
        if view is not None:
            self._live[key].timeout_at_ms = _timeout_at_ms(view)

    def _stop_where_asked(self, key: Key, live: Live) -> None:
        if live.told_to_stop:
            return
        batch = self._stage.backends[key[0], key[1]]
        late = live.timeout_at_ms is not None and batch.now_ms() >= live.timeout_at_ms
        if late or batch.engine.planned_end_ms(key[2]) != live.planned_end:
            live.told_to_stop = True
            live.task.terminate()

    def _pass_on(self, key: Key, live: Live) -> None:
        for plan, lines in live.task.lines():
            # The first time also without a line: the stream is there as soon as the container is.
            if not plan.group or not (lines or plan.name not in live.streams):
                continue
            live.streams.add(plan.name)
            record = {"k": "log", "a": key[0], "r": key[1], "group": plan.group, "stream": plan.stream, "lines": lines}
            with self._control(record):
                write_log(self._stage, record)

    def _end(self, key: Key, end: Ended, containers: Mapping[str, Ended]) -> None:
        account, region, job_id, attempt = key
        where = {"k": "exit", "a": account, "r": region, "job": job_id, "attempt": attempt}
        record = {
            **where,
            "code": end.exit_code,
            "reason": end.reason,
            "containers": {name: [each.exit_code, each.reason] for name, each in containers.items()},
        }
        with self._control(record):
            end_attempt(self._stage, record)


def _timeout_at_ms(view: JobView) -> int | None:
    """When a RUNNING attempt is to be terminated."""
    timeout_s = view.request.definition.timeout_s
    # A multi-node job's timeout is the main node's: its end takes the others along.
    if timeout_s is None or view.started_at_ms is None or (view.node_index is not None and not view.is_main_node):
        return None
    return view.started_at_ms + timeout_s * 1000


def _start_container(plan: ContainerPlan) -> Run:
    command = plan.command or ("printf", "%s\\n", NO_COMMAND)
    return process.start(command, plan.environment, plan.memory_mib)


def write_log(stage: Stage, record: Mapping[str, Any]) -> None:
    """Do a record `log`: lines into a stream, at the stack's time."""
    from batchiac.local.projections.logs import write

    batch = stage.backends[record["a"], record["r"]]
    batch.catch_up()
    now_ms = stage.clock.now_ms()
    events = [{"timestamp": now_ms, "message": line} for line in record["lines"]]
    write(batch, record["group"], record["stream"], events)


def begin_attempt(stage: Stage, record: Mapping[str, Any]) -> None:
    """Do a record `begin`: the last container of a STARTING attempt has begun, where it is not over otherwise."""
    batch = stage.backends[record["a"], record["r"]]
    batch.catch_up()
    if batch.engine.find_job(record["job"]) is not None:
        batch.engine.begin_attempt(record["job"], duration_ms=PLANNED_MS, attempt=record["attempt"])


def end_attempt(stage: Stage, record: Mapping[str, Any]) -> None:
    """Do a record `exit`: the attempt ends with what its process ended with, where it has not ended otherwise."""
    batch = stage.backends[record["a"], record["r"]]
    batch.catch_up()
    if batch.engine.find_job(record["job"]) is None:
        return
    batch.container_ends[record["job"], record["attempt"]] = record.get("containers", {})
    # False where it has ended otherwise meanwhile: then that end holds.
    batch.engine.finish_attempt(record["job"], record["code"], record["reason"], attempt=record["attempt"])
