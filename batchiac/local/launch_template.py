"""Launch templates as EC2 has them, where moto differs: what a plan, a refresh and a deletion read must be right.

Corrected: tags are live and no part of the template's data; a new version may start from a source version; a version
that does not exist is refused, whatever is asked for; unknown ids and names are refused with EC2's codes; a deleted
template answers with its name; versions can be deleted, and their numbers are not used again. Each replaced method
stands alone; moto's other behaviour is untouched.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

_MARK = "_batchiac_launch_templates"


def _without_own_tags(create: Callable[..., Any]) -> Callable[..., Any]:
    """moto stores the template's own tags as if they were for what it launches: a refresh would show them as drift."""

    @wraps(create)
    def create_launch_template(
        self: Any, name: str, description: str, template_data: dict[str, Any], tag_spec: dict[str, Any]
    ) -> Any:
        specifications = [
            each for each in template_data.get("TagSpecifications", []) if each["ResourceType"] != "launch-template"
        ]
        template_data.pop("TagSpecifications", None)
        if specifications:
            template_data["TagSpecifications"] = specifications
        return create(self, name, description, template_data, tag_spec)

    return create_launch_template


def _get_version(self: Any, number: Any) -> Any:
    """The version of that number, `$Latest` or `$Default`."""
    from moto.ec2.exceptions import InvalidLaunchTemplateVersionNotFound

    name = str(number).lower()
    if name == "$latest":
        return self.versions[-1]
    wanted = str(self.default_version_number) if name == "$default" else name
    for version in self.versions:
        if str(version.number) == wanted:
            return version
    raise InvalidLaunchTemplateVersionNotFound(template_id=self.id, version=number)


def _create_version(self: Any, data: dict[str, Any], description: str) -> Any:
    """A version with the next number: moto counts those that there are, and would give a deleted one's again."""
    from moto.ec2.models.launch_templates import LaunchTemplateVersion

    number = getattr(self, "_highest_version", 0) + 1
    version = LaunchTemplateVersion(self, number, data, description)
    self._highest_version = number
    self.versions.append(version)
    return version


def _between_numbers(describe: Callable[..., Any]) -> Callable[..., Any]:
    """MinVersion and MaxVersion are numbers of versions; moto takes them for places in its list."""

    @wraps(describe)
    def describe_launch_template_versions(
        self: Any,
        template_name: str,
        template_id: str,
        versions: list[str],
        min_version: int | None,
        max_version: int | None,
        max_results: int,
    ) -> Any:
        if versions or not (min_version or max_version):
            return describe(self, template_name, template_id, versions, None, None, max_results)
        template = self.get_launch_template(_find_id(self, template_name, template_id))
        found = [
            each for each in template.versions if (min_version or 1) <= each.number <= (max_version or each.number)
        ]
        return [(template, each) for each in found[:max_results]]

    return describe_launch_template_versions


MOST_DELETED_VERSIONS = 200


def _delete_launch_template_versions(self: Any) -> Any:
    """DeleteLaunchTemplateVersions, which moto lacks: one answer for each version, done or not.

    "You can't delete the default version of a launch template; you must first assign a different version as the
    default." Assumption: AWS says so under the code `unexpectedError`, the only one of the model that it can be.
    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplateVersions.html
    """
    from moto.core.responses import ActionResult
    from moto.ec2.exceptions import InvalidParameterValue

    numbers = [str(each) for each in self._get_param("Versions", [])]
    if len(numbers) > MOST_DELETED_VERSIONS:
        raise InvalidParameterValue(f"{len(numbers)} versions: up to {MOST_DELETED_VERSIONS} can be deleted at once")
    template_id = _find_id(self.ec2_backend, self._get_param("LaunchTemplateName"), self._get_param("LaunchTemplateId"))
    template = self.ec2_backend.get_launch_template(template_id)
    self.error_on_dryrun()
    deleted, kept = [], []
    for number in numbers:
        answer = {
            "LaunchTemplateId": template.id,
            "LaunchTemplateName": template.name,
            "VersionNumber": int(number) if number.isascii() and number.isdigit() else 0,
        }
        version = next((each for each in template.versions if str(each.number) == number), None)
        if version is None:
            code, message = "launchTemplateVersionDoesNotExist", f"Version {number} of {template.id} does not exist."
        elif template.is_default(version):
            code, message = "unexpectedError", f"Version {number} is the default version of {template.id}."
        else:
            template.versions.remove(version)
            deleted.append(answer)
            continue
        kept.append({**answer, "ResponseError": {"Code": code, "Message": message}})
    return ActionResult(
        {
            "SuccessfullyDeletedLaunchTemplateVersions": deleted,
            "UnsuccessfullyDeletedLaunchTemplateVersions": kept,
        }
    )


def _find_id(backend: Any, name: str | None, template_id: str | None) -> str:
    """The id that a call means.

    Raises:
        EC2ClientError: neither name nor id, or one that does not exist, each with EC2's code.
    """
    from moto.ec2.exceptions import (
        InvalidLaunchTemplateIdNotFound,
        InvalidLaunchTemplateNameNotFoundWithNameError,
        MissingParameterError,
    )

    if name:
        if name not in backend.launch_template_name_to_ids:
            raise InvalidLaunchTemplateNameNotFoundWithNameError(name)
        found: str = backend.launch_template_name_to_ids[name]
        return found
    if not template_id:
        raise MissingParameterError("launch template ID or launch template name")
    if template_id not in backend.launch_templates:
        raise InvalidLaunchTemplateIdNotFound(template_id)
    return template_id


def _known_first(action: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse a delete of an unknown template with EC2's code: moto says that the name is missing."""

    @wraps(action)
    def delete_launch_template(self: Any, name: str | None, tid: str | None) -> Any:
        return action(self, "", _find_id(self, name, tid))

    return delete_launch_template


def _with_known_ids(describe: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse unknown ids in Describe: moto leaves them out in silence."""

    @wraps(describe)
    def describe_launch_templates(
        self: Any, template_names: list[str] | None = None, template_ids: list[str] | None = None, filters: Any = None
    ) -> Any:
        for template_id in template_ids or []:
            _find_id(self, None, template_id)
        return describe(self, template_names, template_ids, filters)

    return describe_launch_templates


def _with_source_version(create_version: Callable[..., Any]) -> Callable[..., Any]:
    """ "The new version inherits the same launch parameters as the source version, except for those you specify."

    Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplateVersion.html
    """

    @wraps(create_version)
    def create_launch_template_version(self: Any) -> Any:
        from moto.ec2.utils import parse_user_data

        template_id = _find_id(
            self.ec2_backend, self._get_param("LaunchTemplateName"), self._get_param("LaunchTemplateId")
        )
        data = self._get_param("LaunchTemplateData", {})
        if data.get("UserData") is not None:
            data["UserData"] = parse_user_data(data["UserData"])
        source = self._get_param("SourceVersion")
        if source is not None:
            inherited = self.ec2_backend.get_launch_template(template_id).get_version(source).data
            for key, value in inherited.items():
                data.setdefault(key, value)
        self.params["LaunchTemplateData"] = data
        return create_version(self)

    return create_launch_template_version


def install_launch_templates() -> None:
    """Correct moto's launch templates; calling it again changes nothing."""
    from moto.ec2.models import EC2Backend
    from moto.ec2.models.launch_templates import LaunchTemplate
    from moto.ec2.responses import EC2Response

    if getattr(EC2Backend, _MARK, False):
        return

    def ignore(_template: Any, _tags: Any) -> None:
        """moto keeps a copy of the tags made at creation: read them where they are instead."""

    LaunchTemplate.tags = property(LaunchTemplate.get_tags, ignore)
    LaunchTemplate.get_version = _get_version
    LaunchTemplate.default_version = lambda self: _get_version(self, "$Default")
    LaunchTemplate.create_version = _create_version
    EC2Backend.create_launch_template = _without_own_tags(EC2Backend.create_launch_template)
    EC2Backend.delete_launch_template = _known_first(EC2Backend.delete_launch_template)
    EC2Backend.describe_launch_templates = _with_known_ids(EC2Backend.describe_launch_templates)
    EC2Backend.describe_launch_template_versions = _between_numbers(EC2Backend.describe_launch_template_versions)
    EC2Response.delete_launch_template_versions = _delete_launch_template_versions
    EC2Response.create_launch_template_version = _with_source_version(EC2Response.create_launch_template_version)
    setattr(EC2Backend, _MARK, True)
