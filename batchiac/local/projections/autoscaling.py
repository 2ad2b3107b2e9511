"""Auto Scaling groups that back an environment: their members are Batch's instances, nothing scales by itself.

Source: the engine's allocation strategies name the group of each instance (one an environment, or one a type).
"""

from __future__ import annotations

from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup, InstanceState, autoscaling_backends
from moto.ec2.models import ec2_backends

from batchiac.engine.effects import Effect, EnvironmentStatusChanged, InstanceChanged
from batchiac.local.projections import Mirror
from batchiac.local.projections.chance import following

_LIFECYCLE = {"LAUNCHING": "Pending", "READY": "InService", "DRAINING": "Terminating"}


class AutoScaling(Mirror):
    """A group comes with its first instance, and goes with its environment."""

    def apply(self, effect: Effect) -> None:
        """See Projection."""
        if isinstance(effect, InstanceChanged) and effect.group and not effect.group.startswith("sfr-"):
            with following(effect.group):
                self._instance(effect)
        elif isinstance(effect, EnvironmentStatusChanged) and effect.status == "DELETED":
            suffix = f"{effect.environment}-asg-"
            for name in [each for each in self._backend.autoscaling_groups if each.startswith(suffix)]:
                del self._backend.autoscaling_groups[name]

    @property
    def _backend(self) -> Any:
        return autoscaling_backends[self.batch.account_id][self.batch.region_name]

    def _instance(self, effect: InstanceChanged) -> None:
        group = self._backend.autoscaling_groups.get(effect.group) or self._create(effect)
        if group is None:
            return
        if effect.status == "TERMINATED":
            group.instance_states = [each for each in group.instance_states if each.instance_id != effect.instance_id]
        else:
            state = next((each for each in group.instance_states if each.instance_id == effect.instance_id), None)
            if state is None:
                instance = next((each for each in self._ec2.all_instances() if each.id == effect.instance_id), None)
                if instance is None:
                    return
                state = InstanceState(instance, autoscaling_group=group)
                group.instance_states.append(state)
            state.lifecycle_state = _LIFECYCLE[effect.status]
        group.desired_capacity = len(group.instance_states)
        group.max_size = max(group.max_size, group.desired_capacity)

    @property
    def _ec2(self) -> Any:
        return ec2_backends[self.batch.account_id][self.batch.region_name]

    def _create(self, effect: InstanceChanged) -> Any:
        record = self.batch.environments.find(effect.environment)
        if record is None:
            return None
        resources = record.wire["computeResources"]
        group = FakeAutoScalingGroup(
            name=effect.group,
            availability_zones=[],
            desired_capacity=0,
            max_size=0,
            min_size=0,
            launch_config_name="",
            launch_template=self._launch_template(effect, resources),
            vpc_zone_identifier=",".join(resources["subnets"]),
            default_cooldown=None,
            health_check_period=None,
            health_check_type=None,
            load_balancers=[],
            target_group_arns=[],
            placement_group=resources.get("placementGroup"),
            termination_policies=[],
            autoscaling_backend=self._backend,
            ec2_backend=self._ec2,
            tags=[{"Key": "AWSBatchServiceTag", "Value": "batch", "PropagateAtLaunch": True}],
            mixed_instances_policy=None,
            capacity_rebalance=False,
        )
        self._backend.autoscaling_groups[effect.group] = group
        return group

    def _launch_template(self, effect: InstanceChanged, resources: dict[str, Any]) -> dict[str, Any]:
        """Batch makes a launch template of its own for each environment, `Batch-lt-<uuid>`."""
        view = self.batch.engine.find_environment(effect.environment)
        name = f"Batch-lt-{view.unique if view is not None else effect.environment}"
        if name not in self._ec2.launch_template_name_to_ids:
            self._ec2.create_launch_template(name, "", {"InstanceType": effect.instance_type}, {})
        return {"LaunchTemplateName": name, "Version": "1"}
