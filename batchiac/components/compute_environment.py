"""Managed and unmanaged compute environments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi
from attrs import field, frozen

from batchiac.components.component import Component
from batchiac.components.declaration import Reference, declare
from batchiac.components.launch_template import LaunchTemplate, PlacementGroup
from batchiac.components.network import Network
from batchiac.components.roles import Roles
from batchiac.components.template_version import with_numbers
from batchiac.components.wire import merged, named, wired

DEFAULT_STRATEGY: Mapping[str, str] = {"EC2": "BEST_FIT_PROGRESSIVE", "SPOT": "SPOT_PRICE_CAPACITY_OPTIMIZED"}
"""Not AWS's default, BEST_FIT, which AWS can never update in place.
Source: https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html"""


@frozen
class Image:
    """An AMI by image type: `ECS_AL2023`, `ECS_AL2023_NVIDIA`, …; `image_id` overrides AWS's own choice."""

    image_type: str
    image_id: pulumi.Input[str] | None = field(default=None, metadata=named("imageIdOverride"))


@frozen
class UpdatePolicy:
    """What happens to running jobs at an infrastructure update: they get `job_minutes` (1 to 7200), or none."""

    terminate_jobs: bool = field(default=False, metadata=named("terminateJobsOnUpdate"))
    job_minutes: int = field(default=30, metadata=named("jobExecutionTimeoutMinutes"))


@frozen
class Drain:
    """What happens to running jobs when the environment is replaced or deleted.

    Attributes:
        deadline_s: how long they get, in seconds.
        on_deadline: `interrupt`: their instances end and they fail as `Host EC2 (instance …) terminated.`, which retry
            rules see; `fail`: the deletion fails and nothing is lost.
    """

    deadline_s: float = field(default=1800, metadata=named("deadlineS"))
    on_deadline: Literal["interrupt", "fail"] = "interrupt"


class ManagedComputeEnvironment(Component):
    """Instances, or Fargate capacity, that AWS Batch starts and ends between `min_vcpus` and `max_vcpus`.

    Args:
        name: the logical name; the physical one is made from it unless `compute_environment_name` fixes one.
        network: subnets and security groups.
        max_vcpus, min_vcpus: the bounds. `desired_vcpus` belongs to AWS once the environment exists: name it only to
            raise it.
        compute: `EC2` (On-Demand), `SPOT`, `FARGATE` or `FARGATE_SPOT`.
        roles: the instance profile and, for BEST_FIT on Spot, the fleet role come from here.
        instance_types: families, sizes, `optimal`, `default_x86_64`, `default_arm64`; EC2 and Spot only.
        allocation_strategy: default: BEST_FIT_PROGRESSIVE, on Spot SPOT_PRICE_CAPACITY_OPTIMIZED.
        images: AMIs by image type.
        key_pair: an EC2 key pair's name.
        launch_template: a component, or `{"launchTemplateName": …, "version": "$Latest"}`; a plan shows the number
            that a floating version means, also of a template that changes in the same run.
        placement_group: a component, or a group's name.
        bid_percentage: Spot only: at most this part of the On-Demand price.
        scale_down_delay_minutes: idle instances stay this long: 0, or 20 to 10080.
        service_role: an own service role; the service-linked one if None, which alone allows updates in place.
        update_policy, drain: what running jobs get.
        replace_through_bridge: an environment of a fixed name is replaced keeping name and ARN.
        blue_green: replace the environment even where AWS could update it in place.
        enabled: False: no job is placed on it.
        instance_tags: tags of the instances.
        wire: anything else, in wire form, laid over the inputs.

    Attributes:
        arn, environment_name: of the environment.
    """

    def __init__(
        self,
        name: str,
        *,
        network: Network,
        max_vcpus: int,
        min_vcpus: int = 0,
        desired_vcpus: int | None = None,
        compute: Literal["EC2", "SPOT", "FARGATE", "FARGATE_SPOT"] = "EC2",
        roles: Roles | None = None,
        instance_types: Sequence[str] = (),
        allocation_strategy: str | None = None,
        images: Sequence[Image] = (),
        key_pair: str | None = None,
        launch_template: LaunchTemplate | Mapping[str, Any] | None = None,
        placement_group: PlacementGroup | str | None = None,
        bid_percentage: int | None = None,
        scale_down_delay_minutes: int | None = None,
        service_role: pulumi.Input[str] | None = None,
        update_policy: UpdatePolicy | None = None,
        drain: Drain | None = None,
        replace_through_bridge: bool | None = None,
        blue_green: bool | None = None,
        enabled: bool = True,
        compute_environment_name: str | None = None,
        instance_tags: Mapping[str, pulumi.Input[str]] | None = None,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        wire: Mapping[str, Any] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("batchiac:batch:ManagedComputeEnvironment", name, None, opts)
        resources: dict[str, Any] = {
            "type": compute,
            "maxvCpus": max_vcpus,
            "subnets": network.subnet_ids,
            "securityGroupIds": network.security_group_ids,
            "instanceTypes": list(instance_types) or None,
            "imageId": None,
            "ec2Configuration": wired(images) or None,
            "ec2KeyPair": key_pair,
            "launchTemplate": _launch_template(launch_template),
            "placementGroup": (
                placement_group.group_name if isinstance(placement_group, PlacementGroup) else placement_group
            ),
            "bidPercentage": bid_percentage,
            "desiredvCpus": desired_vcpus,
            "tags": dict(instance_tags) if instance_tags else None,
        }
        if scale_down_delay_minutes is not None:
            resources["scalingPolicy"] = {"minScaleDownDelayMinutes": scale_down_delay_minutes}
        if compute in DEFAULT_STRATEGY:
            resources["minvCpus"] = min_vcpus
            resources["allocationStrategy"] = allocation_strategy or DEFAULT_STRATEGY[compute]
            resources["instanceRole"] = roles.instance_profile_arn if roles else None
            if compute == "SPOT" and resources["allocationStrategy"] == "BEST_FIT" and roles:
                resources["spotIamFleetRole"] = roles.spot_fleet_role_arn
        else:
            resources["allocationStrategy"] = allocation_strategy
            resources["minvCpus"] = min_vcpus or None
        inputs = {
            "computeEnvironmentName": compute_environment_name,
            "type": "MANAGED",
            "state": "ENABLED" if enabled else "DISABLED",
            "computeResources": resources,
            "serviceRole": service_role,
            "updatePolicy": wired(update_policy),
            "drain": wired(drain),
            "replaceThroughBridge": replace_through_bridge,
            "blueGreen": blue_green,
            "tags": {**(tags or {})},
        }
        environment = declare("ComputeEnvironment", name, with_numbers(merged(inputs, wire)), self)
        self.arn = Reference(environment, "id")
        self.arn_output: pulumi.Output[str] = environment.id
        self.name_output: pulumi.Output[str] = environment.output("computeEnvironmentName")
        self.register_outputs({})


class UnmanagedComputeEnvironment(Component):
    """An environment whose instances the user starts: they register with its ECS cluster.

    Args:
        service_role: AWS needs one here.
        unmanaged_vcpus: for the fair-share reservation only.
    """

    def __init__(
        self,
        name: str,
        *,
        service_role: pulumi.Input[str],
        unmanaged_vcpus: int | None = None,
        enabled: bool = True,
        compute_environment_name: str | None = None,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("batchiac:batch:UnmanagedComputeEnvironment", name, None, opts)
        inputs = {
            "computeEnvironmentName": compute_environment_name,
            "type": "UNMANAGED",
            "state": "ENABLED" if enabled else "DISABLED",
            "unmanagedvCpus": unmanaged_vcpus,
            "serviceRole": service_role,
            "tags": {**(tags or {})},
        }
        environment = declare("ComputeEnvironment", name, inputs, self)
        self.arn = Reference(environment, "id")
        self.arn_output: pulumi.Output[str] = environment.id
        self.name_output: pulumi.Output[str] = environment.output("computeEnvironmentName")
        self.register_outputs({})


def _launch_template(template: LaunchTemplate | Mapping[str, Any] | None) -> dict[str, Any] | None:
    if isinstance(template, LaunchTemplate):
        return {"launchTemplateId": template.id, "version": template.version}
    return dict(template) if template else None
