"""moto's ECS and EC2, as far as they say which instances an operator has put into a cluster (own_hosts.py).

Each replaced method does what moto's does, refused where ECS would refuse it, and tells Batch; clusters that are no
UNMANAGED environment's are moto's own business. ListTasks is corrected as well: moto takes every cluster whose ARN has
the wanted name anywhere in it, and environments' clusters have their environments' names in them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from batchiac.errors import UserError
from batchiac.local.after_import import after_import

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

_MARK = "_batchiac_container_instances"
_CLUSTER = re.compile(r"ECS_CLUSTER=[\"']?([A-Za-z0-9_-]+)")


def install_container_instances() -> None:
    """Have moto's ECS and EC2 tell of container instances; calling it again changes nothing."""
    from moto.ec2.models import EC2Backend

    after_import("moto.ecs.models", _correct_ecs)
    if not getattr(EC2Backend, _MARK, False):
        EC2Backend.run_instances = _with_agents(EC2Backend.run_instances)
        setattr(EC2Backend, _MARK, True)


def _correct_ecs(module: Any) -> None:
    ecs = module.EC2ContainerServiceBackend
    if getattr(ecs, _MARK, False):
        return
    ecs.register_container_instance = _with_joining(ecs.register_container_instance)
    ecs.deregister_container_instance = _with_leaving(ecs.deregister_container_instance)
    ecs.update_container_instances_state = _with_state(ecs.update_container_instances_state)
    ecs.list_tasks = _of_one_cluster(ecs.list_tasks)
    setattr(ecs, _MARK, True)


def _batch_of(backend: Any) -> BatchBackend | None:
    """Batch of the account and region of a moto backend, None where nobody has asked it for anything."""
    from batchiac.local.installation import find_stage

    stage = find_stage()
    return None if stage is None else stage.backends.get((backend.account_id, backend.region_name))


def _name_of(cluster: str) -> str:
    return cluster.rpartition("/")[2]


def _with_joining(register: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(register)
    def register_container_instance(self: Any, cluster_str: str, ec2_instance_id: str) -> Any:
        from moto.ecs.exceptions import ClusterNotFoundException, InvalidParameterException

        cluster = _name_of(cluster_str)
        if cluster not in self.clusters:
            raise ClusterNotFoundException()
        batch = _batch_of(self)
        if batch is None:
            return register(self, cluster_str, ec2_instance_id)
        with batch.lock:
            batch.catch_up()
            environment = batch.own_hosts.find_environment(cluster)
            if environment is None:
                return register(self, cluster_str, ec2_instance_id)
            for known in self.container_instances.get(cluster, {}).values():
                if known.ec2_instance_id == ec2_instance_id:
                    return known
            made = register(self, cluster_str, ec2_instance_id)
            try:
                batch.own_hosts.join(environment, cluster, made)
            except UserError as error:
                self.container_instances[cluster].pop(made.id, None)
                self.clusters[cluster].registered_container_instances_count -= 1
                raise InvalidParameterException(error.message) from error
            batch.settle()
            return made

    return register_container_instance


def _with_leaving(deregister: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(deregister)
    def deregister_container_instance(self: Any, cluster_str: str, container_instance_str: str, force: bool) -> Any:
        from moto.ecs.exceptions import InvalidParameterException

        batch, cluster = _batch_of(self), _name_of(cluster_str)
        if batch is None:
            return deregister(self, cluster_str, container_instance_str, force)
        with batch.lock:
            batch.catch_up()
            host = batch.own_hosts.find(cluster, container_instance_str)
            if host is not None and batch.own_hosts.is_busy(host) and not force:
                raise InvalidParameterException("Found running tasks on the instance.")
            gone = deregister(self, cluster_str, container_instance_str, force)
            gone.status = "INACTIVE"
            if host is not None:
                self.clusters[cluster].registered_container_instances_count -= 1
                batch.own_hosts.leave(host)
                batch.settle()
            return gone

    return deregister_container_instance


def _with_state(update: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(update)
    def update_container_instances_state(
        self: Any, cluster_str: str, list_container_instance_ids: list[str], status: str
    ) -> Any:
        batch, cluster = _batch_of(self), _name_of(cluster_str)
        if batch is None:
            return update(self, cluster_str, list_container_instance_ids, status)
        with batch.lock:
            batch.catch_up()
            hosts = [batch.own_hosts.find(cluster, each) for each in list_container_instance_ids]
            result = update(self, cluster_str, list_container_instance_ids, status)
            for host in hosts:
                if host is not None:
                    batch.own_hosts.change_state(host, status.upper())
            batch.settle()
            return result

    return update_container_instances_state


def _of_one_cluster(list_tasks: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(list_tasks)
    def list_tasks_of_one_cluster(self: Any, cluster_str: str | None = None, *arguments: Any, **named: Any) -> Any:
        found = list_tasks(self, cluster_str, *arguments, **named)
        return found if cluster_str is None else [each for each in found if _is_in(each, cluster_str)]

    return list_tasks_of_one_cluster


def _is_in(task: Any, cluster: str) -> bool:
    return _name_of(task.cluster_arn) == _name_of(cluster)


def _with_agents(run: Callable[..., Any]) -> Callable[..., Any]:
    """An instance whose user data names a cluster has an ECS agent that registers it, once it has booted."""

    @wraps(run)
    def run_instances(self: Any, *arguments: Any, **named: Any) -> Any:
        reservation = run(self, *arguments, **named)
        batch = _batch_of(self)
        if batch is None:
            return reservation
        for instance in reservation.instances:
            named_cluster = _CLUSTER.search(_user_data(instance))
            if named_cluster is not None:
                with batch.lock:
                    batch.catch_up()
                    batch.own_hosts.expect_agent(instance.id, named_cluster[1])
        return reservation

    return run_instances


def _user_data(instance: Any) -> str:
    """The user data of an instance, its launch template's included, as text."""
    encoded = getattr(instance, "user_data", None)
    return "" if encoded is None else base64.b64decode(str(encoded)).decode("utf-8", "replace")
