"""The operator's own instances: container instances that somebody registers with an UNMANAGED environment's cluster.

An Auto Scaling group of one's own, a Spot Elastigroup or a plain EC2 instance looks to Batch like this: the ECS agent
on it registers a container instance with the environment's cluster (`ecsClusterArn`), and jobs are placed there.

    RegisterContainerInstance                  the engine has a host of the instance's type, which takes jobs at once
    user data with ECS_CLUSTER=<the cluster>   the same, when the instance has booted (the engine's launch time)
    UpdateContainerInstancesState DRAINING     no more jobs; ACTIVE again: a host again, when the last job has ended
    DeregisterContainerInstance                refused while jobs run, unless forced: then they lose their host
    TerminateInstances                         jobs lose their host, and the container instance goes

The engine's host has the EC2 instance's id, which reasons name, and moto's container instance the id that jobs name.
Hosts that were assumed for an environment (StageSettings.unmanaged_hosts) go when the first real one joins.
Source: https://docs.aws.amazon.com/batch/latest/userguide/unmanaged_compute_environments.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define

from batchiac.engine.effects import Effect, InstanceChanged
from batchiac.local.projections import Mirror

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend
    from batchiac.local.records import Record


@define
class OwnHost:
    """One registered instance.

    Attributes:
        ec2_id: the EC2 instance, and the engine's host.
        draining: it has been told to take no more jobs.
        shown: moto's container instance, whose `id` is the one that the engine's host has.
    """

    ec2_id: str
    cluster: str
    environment: str
    shown: Any
    draining: bool = False


class OwnHosts(Mirror):
    """See the module. One account and region's."""

    def __init__(self, batch: BatchBackend) -> None:
        super().__init__(batch)
        self._by_id: dict[str, OwnHost] = {}

    # --- what happens in the account --------------------------------------------------------------------------------

    def find_environment(self, cluster: str) -> Record | None:
        """The UNMANAGED environment whose cluster this is; None for any other cluster."""
        for record in self.batch.environments:
            if record.wire["type"] == "UNMANAGED" and self.batch.environment_view(record.name).cluster == cluster:
                return record
        return None

    def find(self, cluster: str, container_instance: str) -> OwnHost | None:
        """The host that a container instance of a cluster is, by ARN or id."""
        unique = container_instance.rpartition("/")[2]
        for host in self._by_id.values():
            if host.cluster == cluster and host.shown.id == unique:
                return host
        return None

    def join(self, environment: Record, cluster: str, shown: Any) -> None:
        """A container instance was registered.

        Raises:
            UserError: an instance type that the engine does not know, or an instance that is in another cluster.
        """
        host = OwnHost(shown.ec2_instance_id, cluster, environment.name, shown)
        self._register(host)
        self.batch.drop_assumed_hosts(environment.name)

    def is_busy(self, host: OwnHost) -> bool:
        """True while jobs run on it."""
        view = self.batch.engine.find_instance(host.ec2_id)
        return view is not None and view.running > 0

    def leave(self, host: OwnHost) -> None:
        """Deregistered, or its instance was terminated: jobs on it have lost their host.

        Assumption: ECS leaves tasks running on a forced deregistration, "orphaned"; to Batch such a host is lost.
        """
        self._by_id.pop(host.ec2_id, None)
        self.batch.engine.deregister_instance(host.ec2_id, drain=False)

    def change_state(self, host: OwnHost, status: str) -> None:
        """DRAINING: no more jobs. ACTIVE: jobs again, at once or when it has drained."""
        if status == "DRAINING" and not host.draining:
            host.draining = True
            self.batch.engine.deregister_instance(host.ec2_id)
        elif status == "ACTIVE" and self._is_gone(host):
            self._register(host)

    def terminated(self, ec2_ids: list[str]) -> None:
        """EC2 instances were terminated: ECS deregisters their container instances by itself."""
        gone = [self._by_id[each] for each in ec2_ids if each in self._by_id]
        for host in gone:
            self.leave(host)
            self._forget(host)

    def expect_agent(self, ec2_id: str, cluster: str) -> None:
        """An instance was launched whose agent will register it with a cluster when it has booted."""
        batch = self.batch
        batch.at(batch.now_ms() + batch.stage.settings.engine.launch_ms, lambda: self._start_agent(ec2_id, cluster))

    def _start_agent(self, ec2_id: str, cluster: str) -> None:
        if cluster in self._ecs.clusters and self._ec2_instance(ec2_id).state == "running":
            self._ecs.register_container_instance(cluster, ec2_id)

    # --- what happens in the engine ---------------------------------------------------------------------------------

    def apply(self, effect: Effect) -> None:
        """A host that has drained joins again where it was made ACTIVE meanwhile; one that is lost is forgotten."""
        if not isinstance(effect, InstanceChanged) or effect.status != "TERMINATED":
            return
        host = self._by_id.get(effect.instance_id)
        if host is None or (host.draining and host.shown.status == "DRAINING") or not self._is_gone(host):
            return
        if host.draining:
            self._register(host)
            return
        self._forget(host)

    def reacts(self) -> bool:
        """While a host is to join again when it has drained."""
        return any(host.draining and host.shown.status == "ACTIVE" for host in self._by_id.values())

    def _forget(self, host: OwnHost) -> None:
        self._by_id.pop(host.ec2_id, None)
        self._ecs.container_instances.get(host.cluster, {}).pop(host.shown.id, None)
        known = self._ecs.clusters.get(host.cluster)
        if known is not None:
            known.registered_container_instances_count = len(self._ecs.container_instances.get(host.cluster, {}))

    def _is_gone(self, host: OwnHost) -> bool:
        view = self.batch.engine.find_instance(host.ec2_id)
        return view is None or view.status == "TERMINATED"

    def _register(self, host: OwnHost) -> None:
        engine = self.batch.engine
        instance = self._ec2_instance(host.ec2_id)
        spot = getattr(instance, "lifecycle", None) == "spot"
        engine.register_instance(host.environment, instance.instance_type, spot=spot, instance_id=host.ec2_id)
        host.draining = False
        self._by_id[host.ec2_id] = host
        view = engine.find_instance(host.ec2_id)
        assert view is not None
        members = self._ecs.container_instances[host.cluster]
        members.pop(host.shown.id, None)
        host.shown.id = view.container_instance_arn.rpartition("/")[2]
        members[host.shown.id] = host.shown
        for resources in (host.shown.registered_resources, host.shown.remaining_resources):
            resources[0]["integerValue"] = view.vcpus * 1024
            resources[1]["integerValue"] = view.memory_mib

    @property
    def _ecs(self) -> Any:
        from moto.ecs.models import ecs_backends

        return ecs_backends[self.batch.account_id][self.batch.region_name]

    def _ec2_instance(self, ec2_id: str) -> Any:
        from moto.ec2.models import ec2_backends

        return ec2_backends[self.batch.account_id][self.batch.region_name].get_instance(ec2_id)
