"""EC2 instances as Batch launches them: AMI, type, subnet, groups, profile, placement group, launch template, tags."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import patch

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models import instances as instances_module

from batchiac.engine.effects import Effect, InstanceChanged
from batchiac.local.projections import Mirror
from batchiac.local.projections.chance import following
from batchiac.model.instance_type import read_instance_types

if TYPE_CHECKING:
    from batchiac.local.stage import Stage
    from batchiac.local.surroundings import Surroundings

Wire = dict[str, Any]

DEFAULT_IMAGE = "ami-03cf127a"
"""Stands for the ECS-optimised AMI of the day: one that moto's EC2 has."""

_LOG = logging.getLogger(__name__)
_MARK = "_batchiac_terminate"


class Ec2(Mirror):
    """LAUNCHING makes an instance, TERMINATED ends it; hosts of UNMANAGED environments are their owner's."""

    def apply(self, effect: Effect) -> None:
        """See Projection."""
        if not isinstance(effect, InstanceChanged):
            return
        record = self.batch.environments.find(effect.environment)
        if effect.status == "LAUNCHING" and record is not None and "computeResources" in record.wire:
            try:
                with following(effect.instance_id):
                    self._launch(effect, record.wire["computeResources"])
            except EC2ClientError as error:
                self._fail(effect, error)
        elif effect.status == "TERMINATED" and effect.group:
            instance = self._find(effect.instance_id)
            if instance is not None and instance.state != "terminated":
                instance.terminate()

    @property
    def _ec2(self) -> EC2Backend:
        return ec2_backends[self.batch.account_id][self.batch.region_name]

    @property
    def _around(self) -> Surroundings:
        """What exists in the account: where projections are, it is looked at."""
        return cast("Surroundings", self.batch.surroundings)

    def _find(self, instance_id: str) -> Any:
        return next((each for each in self._ec2.all_instances() if each.id == instance_id), None)

    def _launch(self, effect: InstanceChanged, resources: Wire) -> None:
        shape = read_instance_types()[effect.instance_type]
        template = _template_for(resources.get("launchTemplate"), shape.name, shape.family)
        options: Wire = {}
        if template is not None:
            record = self.batch.environments.read(effect.environment)
            key = template.get("launchTemplateId") or template["launchTemplateName"]
            options["launch_template"] = {
                ("LaunchTemplateId" if "launchTemplateId" in template else "LaunchTemplateName"): key,
                "Version": record.launch_versions.get(key, "$Default"),  # type: ignore[attr-defined]  # managed ones
            }
        if resources.get("placementGroup"):
            options["placement_group"] = resources["placementGroup"]
        if resources.get("securityGroupIds"):
            options["security_group_ids"] = list(resources["securityGroupIds"])
        profile = self._around.profile(resources["instanceRole"]) if resources.get("instanceRole") else None
        # moto draws an id where it makes the instance: the engine's own is put in its place for that moment.
        with patch.object(instances_module, "random_instance_id", lambda: effect.instance_id):
            reservation = self._ec2.run_instances(
                image_id=self._image_of(resources, template),
                count=1,
                user_data=None,
                security_group_names=[],
                instance_type=effect.instance_type,
                is_instance_type_default=False,
                region_name=self.batch.region_name,
                subnet_id=_subnet_of(resources, effect.instance_id),
                key_name=resources.get("ec2KeyPair"),
                iam_instance_profile=profile,
                lifecycle="spot" if effect.spot else None,
                tags={"instance": self._tags(effect, resources)},
                **options,
            )
        instance = reservation.instances[0]
        instance.architecture = shape.architecture

    def _image_of(self, resources: Wire, template: Wire | None) -> str:
        """The image by the precedence that holds here (StageSettings.image_precedence)."""
        known = self._around.launch_template(template) if template is not None else None
        of_template = str(known.latest_version().data.get("ImageId") or "") if known is not None else ""
        is_override = template is not None and bool(template.get("targetInstanceTypes"))
        override = next(
            (
                str(each["imageIdOverride"])
                for each in resources.get("ec2Configuration", ())
                if "imageIdOverride" in each
            ),
            "",
        )
        own = str(resources.get("imageId", ""))
        if self.batch.stage.settings.image_precedence == "guide":
            order = [of_template if is_override else "", own, override, of_template]
        else:
            order = [override, own, of_template]
        return next((image for image in order if image), DEFAULT_IMAGE)

    def _tags(self, effect: InstanceChanged, resources: Wire) -> dict[str, str]:
        """computeResources.tags, and the two that Batch and Auto Scaling put on."""
        tags = {**resources.get("tags", {}), "AWSBatchServiceTag": "batch"}
        if effect.group and not effect.group.startswith("sfr-"):
            tags["aws:autoscaling:groupName"] = effect.group
        return tags

    def _fail(self, effect: InstanceChanged, error: Exception) -> None:
        """EC2 refuses the launch: the environment turns INVALID with EC2's words."""
        engine = self.batch.engine
        engine.interrupt_instance(effect.instance_id, "launch refused")
        view = engine.find_environment(effect.environment)
        if view is not None and view.status == "VALID":
            engine.invalidate_compute_environment(effect.environment, f"CLIENT_ERROR - {error}")
        _LOG.warning("EC2 refuses to launch for %s: %s", effect.environment, error)


def _template_for(template: Wire | None, instance_type: str, family: str) -> Wire | None:
    """The launch template of a type: an override that names it or its family, else the environment's own."""
    if template is None:
        return None
    for override in template.get("overrides", ()):
        if {instance_type, family} & set(override.get("targetInstanceTypes", ())):
            chosen: Wire = override
            return chosen
    return template if "launchTemplateId" in template or "launchTemplateName" in template else None


def _subnet_of(resources: Wire, instance_id: str) -> str | None:
    """Instances are spread over the subnets; a placement group keeps to the first one's zone."""
    subnets = resources.get("subnets", ())
    if not subnets:
        return None
    number = 0 if resources.get("placementGroup") else int(instance_id[-8:], 16) % len(subnets)
    return str(subnets[number])


def install_termination() -> None:
    """Have a TerminateInstances from outside be a lost host; calling it again changes nothing."""
    if getattr(EC2Backend, _MARK, False):
        return
    terminate = EC2Backend.terminate_instances

    def terminate_instances(self: Any, instance_ids: list[str]) -> Any:
        result = terminate(self, instance_ids)
        from batchiac.local.installation import find_stage

        stage: Stage | None = find_stage()
        if stage is not None and (batch := stage.backends.get((self.account_id, self.region_name))) is not None:
            batch.instances_terminated([instance.id for instance, _ in result])
        return result

    EC2Backend.terminate_instances = terminate_instances
    setattr(EC2Backend, _MARK, True)
