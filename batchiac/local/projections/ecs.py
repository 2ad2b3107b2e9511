"""ECS: the cluster of each environment, its container instances, and a task for each attempt."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from moto.ecs.models import Container, ContainerInstance, Task, TaskDefinition, ecs_backends

from batchiac.engine.effects import Effect, EnvironmentStatusChanged, InstanceChanged, JobStateChanged
from batchiac.local.job_detail import task_id_of
from batchiac.local.projections import Mirror
from batchiac.local.projections.attempt import attempt_of, containers_of
from batchiac.local.projections.chance import following

if TYPE_CHECKING:
    from batchiac.engine.views import AttemptView, JobView
    from batchiac.local.backend import BatchBackend
    from batchiac.local.records import JobRecord

Wire = dict[str, Any]


class BatchTask(Task):  # type: ignore[misc]  # moto is not typed for us
    """A task whose status is ours: moto's own would move on each time somebody looks."""

    last_status = "PENDING"

    def advance(self) -> None:
        """Nothing moves by being looked at."""


class Ecs(Mirror):
    """See the module. EKS environments have no cluster here.

    `_clusters`: environment → cluster; kept, because an environment that is gone cannot be asked any more.
    """

    def __init__(self, batch: BatchBackend) -> None:
        super().__init__(batch)
        self._clusters: dict[str, str] = {}

    def apply(self, effect: Effect) -> None:
        """See Projection."""
        if isinstance(effect, EnvironmentStatusChanged):
            self._environment(effect)
        elif isinstance(effect, InstanceChanged):
            self._instance(effect)
        elif isinstance(effect, JobStateChanged) and effect.attempt:
            self._job(effect)

    @property
    def _ecs(self) -> Any:
        return ecs_backends[self.batch.account_id][self.batch.region_name]

    def _environment(self, effect: EnvironmentStatusChanged) -> None:
        if effect.status == "DELETED":
            cluster = self._ecs.clusters.get(self._clusters.pop(effect.environment, ""))
            if cluster is not None:
                cluster.status = "INACTIVE"
            return
        view = self.batch.engine.find_environment(effect.environment)
        if view is None or view.spec.orchestrator != "ECS" or view.cluster in self._ecs.clusters:
            return
        if effect.status in ("CREATING", "VALID"):
            with following(view.cluster):
                self._ecs.create_cluster(view.cluster)
            self._clusters[effect.environment] = view.cluster

    def _instance(self, effect: InstanceChanged) -> None:
        cluster = self._clusters.get(effect.environment)
        view = self.batch.engine.find_instance(effect.instance_id)
        if cluster is None or view is None or not effect.group:
            return
        members = self._ecs.container_instances.setdefault(cluster, {})
        unique = view.container_instance_arn.rpartition("/")[2]
        if effect.status == "READY":
            with following(effect.instance_id):
                made = ContainerInstance(
                    effect.instance_id, self.batch.account_id, self.batch.region_name, cluster, backend=self._ecs
                )
            made.id = unique
            for resources in (made.registered_resources, made.remaining_resources):
                resources[0]["integerValue"] = view.vcpus * 1024
                resources[1]["integerValue"] = view.memory_mib
            members[unique] = made
        elif effect.status == "DRAINING" and unique in members:
            members[unique].status = "DRAINING"
        elif effect.status == "TERMINATED":
            members.pop(unique, None)
        self._count(cluster)

    def _count(self, cluster: str) -> None:
        known = self._ecs.clusters.get(cluster)
        if known is None:
            return
        tasks = self._ecs.tasks.get(cluster, {}).values()
        known.registered_container_instances_count = len(self._ecs.container_instances.get(cluster, {}))
        known.running_tasks_count = sum(task.last_status == "RUNNING" for task in tasks)
        known.pending_tasks_count = sum(task.last_status == "PENDING" for task in tasks)

    def _job(self, effect: JobStateChanged) -> None:
        found = self.batch.look_up(effect.job_id)
        if found is None:
            return
        record, view = found
        attempt = attempt_of(view, effect.attempt)
        if attempt is None or not attempt.task_arn:
            return
        cluster = self._clusters.get(attempt.environment)
        if cluster is None or cluster not in self._ecs.clusters:
            return
        tasks = self._ecs.tasks.setdefault(cluster, {})
        task = tasks.get(attempt.task_arn)
        if task is None:
            with following(attempt.task_arn):
                task = tasks[attempt.task_arn] = self._task(cluster, record, view, attempt)
        if effect.status in ("STARTING", "RUNNING"):
            task.last_status = "PENDING" if effect.status == "STARTING" else "RUNNING"
        else:
            task.last_status = task.desired_status = "STOPPED"
            task.stopped_reason = attempt.status_reason or view.status_reason
            task.stopped_at = _moment(attempt.stopped_at_ms or effect.at_ms)
        for container in task.containers:
            container.last_status = task.last_status
            container.exitCode = attempt.exit_code if task.last_status == "STOPPED" else None
        self._count(cluster)

    def _task(self, cluster: str, record: JobRecord, view: JobView, attempt: AttemptView) -> BatchTask:
        containers = containers_of(record, view)
        definition = self._definition(record, containers)
        task = BatchTask(
            self._ecs.clusters[cluster],
            definition,
            attempt.container_instance_arn or None,
            None,
            self._ecs,
            f"family:{definition.family}",
            launch_type="EC2" if attempt.container_instance_arn else "FARGATE",
            started_by="aws-batch",
        )
        task.id = task_id_of(attempt)
        variables = [{"name": key, "value": value} for key, value in view.environment_variables.items()]
        task.containers = []
        for wire in containers:
            container = Container(definition)
            container.name = wire.get("name", "default")
            container.image = wire.get("image")
            container.command = wire.get("command")
            container.environment = [*wire.get("environment", ()), *variables]
            container.task_arn = attempt.task_arn
            task.containers.append(container)
        task.overrides = {
            "containerOverrides": [
                {"name": each.name, "command": each.command or [], "environment": each.environment}
                for each in task.containers
            ]
        }
        return task

    def _definition(self, record: JobRecord, containers: list[Wire]) -> TaskDefinition:
        """The task definition that Batch registers for a revision of a job definition."""
        revisions = self._ecs.task_definitions.setdefault(record.definition.name, {})
        revision = record.definition.revision
        if revision not in revisions:
            revisions[revision] = TaskDefinition(
                family=record.definition.name,
                revision=revision,
                container_definitions=[
                    {"name": each.get("name", "default"), "image": each.get("image", "")} for each in containers
                ],
                account_id=self.batch.account_id,
                region_name=self.batch.region_name,
            )
        return revisions[revision]


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, tz=timezone.utc)  # noqa: UP017  Python 3.11's alias is no shorter
