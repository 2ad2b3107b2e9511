"""What exists around Batch in the account, as far as it decides over an environment: roles, network, templates.

AWS takes CreateComputeEnvironment at its word and finds out afterwards: the environment turns INVALID, with a reason.
So does this. Only with projections on: without them nobody has made a network or roles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from batchiac.local.placement_group import groups_of

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend
    from batchiac.local.operations.compute_environment import EnvironmentRecord

Wire = dict[str, Any]


class NoSurroundings:
    """Nothing is looked at, and nothing is wrong."""

    def invalid_reason(self, record: EnvironmentRecord) -> str:
        """Never one."""
        return ""

    def launch_versions(self, template: Wire | None) -> dict[str, str]:
        """The versions as the request names them."""
        return {} if template is None else {_template_key(template): str(template.get("version") or "$Default")}

    def image_of(self, template: Wire) -> str:
        """Nobody has made a template."""
        return ""

    def environment_created(self, record: EnvironmentRecord) -> None:
        """Nothing follows."""


class Surroundings:
    """moto's IAM and EC2 of the same account and region."""

    def __init__(self, batch: BatchBackend) -> None:
        self._batch = batch

    @property
    def _iam(self) -> Any:
        return iam_backends[self._batch.account_id][self._batch.partition]

    @property
    def _ec2(self) -> Any:
        return ec2_backends[self._batch.account_id][self._batch.region_name]

    def invalid_reason(self, record: EnvironmentRecord) -> str:
        """Why the environment cannot work, in the form of AWS's statusReason; empty when nothing is wrong.

        Source: https://docs.aws.amazon.com/batch/latest/userguide/invalid_compute_environment.html for the form
        `CLIENT_ERROR - …` and the texts of the roles; EC2's own texts for what EC2 would say.
        """
        role = record.wire["serviceRole"]
        if "/aws-service-role/" not in role and self._role(role) is None:
            return f"CLIENT_ERROR - Not authorized to perform sts:AssumeRole on {role}"
        resources = record.wire.get("computeResources")
        if resources is None or "eksConfiguration" in record.wire:
            return ""
        for check in (_missing_subnet, _missing_group, _missing_profile, _missing_fleet_role, _missing_others):
            reason = check(self, resources)
            if reason:
                return f"CLIENT_ERROR - {reason}"
        return ""

    def launch_versions(self, template: Wire | None) -> dict[str, str]:
        """Template id or name → version number, `$Latest` and `$Default` looked up; of overrides as well."""
        found = {}
        for each in [template or {}, *(template or {}).get("overrides", ())]:
            key = _template_key(each)
            if not key:
                continue
            known = self.launch_template(each)
            version = str(each.get("version") or "$Default")
            if known is not None and version in ("$Latest", "$Default"):
                version = str(known.latest_version_number if version == "$Latest" else known.default_version_number)
            found[key] = version
        return found

    def environment_created(self, record: EnvironmentRecord) -> None:
        """ "AWS Batch creates the AWSServiceRoleForBatch service-linked role in the background." """
        role = record.wire["serviceRole"]
        if "/aws-service-role/batch.amazonaws.com/" in role and self._role(role) is None:
            self._iam.create_service_linked_role("batch.amazonaws.com", "", "")

    def launch_template(self, wire: Wire) -> Any:
        """moto's launch template that a specification means, None where there is none."""
        name = wire.get("launchTemplateName")
        template_id = wire.get("launchTemplateId") or self._ec2.launch_template_name_to_ids.get(name)
        return self._ec2.launch_templates.get(template_id)

    def image_of(self, template: Wire) -> str:
        """The image that a launch template names, empty where it names none."""
        known = self.launch_template(template)
        return "" if known is None else str(known.latest_version().data.get("ImageId") or "")

    def profile(self, name_or_arn: str) -> Any:
        """moto's instance profile, None where there is none."""
        return next((each for each in self._iam.get_instance_profiles() if name_or_arn in (each.arn, each.name)), None)

    def _role(self, arn: str) -> Any:
        return next((each for each in self._iam.roles.values() if each.arn == arn), None)

    def has_role(self, name_or_arn: str) -> bool:
        """True where a role of this name or ARN exists."""
        return any(name_or_arn in (each.arn, each.name) for each in self._iam.roles.values())

    @property
    def ec2(self) -> Any:
        """moto's EC2 of the same account and region."""
        return self._ec2


def _template_key(template: Wire) -> str:
    return str(template.get("launchTemplateId") or template.get("launchTemplateName") or "")


def _missing_subnet(here: Surroundings, resources: Wire) -> str:
    known = {subnet.id for subnet in here.ec2.describe_subnets()}
    for subnet in resources.get("subnets", ()):
        if subnet not in known:
            return f"The subnet ID '{subnet}' does not exist"
    return ""


def _missing_group(here: Surroundings, resources: Wire) -> str:
    for group in resources.get("securityGroupIds", ()):
        if here.ec2.get_security_group_from_id(group) is None:
            return f"The security group '{group}' does not exist"
    return ""


def _missing_profile(here: Surroundings, resources: Wire) -> str:
    role = resources.get("instanceRole")
    if role and resources["type"] in ("EC2", "SPOT") and here.profile(role) is None:
        return f"Invalid IamInstanceProfile: {role}"
    return ""


def _missing_fleet_role(here: Surroundings, resources: Wire) -> str:
    role = resources.get("spotIamFleetRole")
    # AWS looks at it only where it makes a Spot Fleet request: BEST_FIT on Spot.
    makes_fleet = resources["type"] == "SPOT" and resources.get("allocationStrategy", "BEST_FIT") == "BEST_FIT"
    if makes_fleet and role and not here.has_role(role):
        return "Parameter: SpotFleetRequestConfig.IamFleetRole is invalid."
    return ""


def _missing_others(here: Surroundings, resources: Wire) -> str:
    group = resources.get("placementGroup")
    if group and group not in groups_of(here.ec2):
        return f"The Placement Group '{group}' is unknown."
    template = resources.get("launchTemplate")
    if template:
        for each in [template, *template.get("overrides", ())]:
            key = _template_key(each)
            if key and here.launch_template(each) is None:
                return f"The specified launch template, with template ID or name {key}, does not exist."
    return ""
