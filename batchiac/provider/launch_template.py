"""The handler of launch templates: a change is a new version, which becomes the default; the id stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from batchiac.aws import ec2
from batchiac.aws.wire import capitalised, uncapitalised
from batchiac.model.handler import Properties
from batchiac.provider.identity import CREATING, identity_of
from batchiac.provider.normalise import normal
from batchiac.provider.resource import ResourceHandler

_OF_A_VERSION = ("versionDescription", "launchTemplateData")


class LaunchTemplate(ResourceHandler):
    """The handler of LaunchTemplate. `latestVersion` is what an environment should name: a pinned reference,
    text because the Batch API takes it as text."""

    kind = "LaunchTemplate"
    name_property = "launchTemplateName"
    inputs = ("launchTemplateName", "versionDescription", "launchTemplateData")
    outputs = ("launchTemplateId", "latestVersion", "defaultVersion")

    def _make(self, inputs: Properties, tags: Mapping[str, str]) -> str:
        sent = {key: inputs[key] for key in self.inputs if inputs.get(key) is not None}
        created: str = ec2.create(self.door, ec2.LAUNCH_TEMPLATE, capitalised(sent), tags)["LaunchTemplateId"]
        return created

    def _find(self, resource_id: str, state: Properties, *, whole: bool = True) -> dict[str, Any] | None:
        described = ec2.find(self.door, ec2.LAUNCH_TEMPLATE, resource_id)
        if described is None:
            return None
        found: dict[str, Any] = {
            "launchTemplateName": described["LaunchTemplateName"],
            "launchTemplateId": described["LaunchTemplateId"],
            "latestVersion": str(described["LatestVersionNumber"]),
            "defaultVersion": str(described["DefaultVersionNumber"]),
            "tags": ec2.tags_of(described),
        }
        if whole:
            version = self.door.client("ec2").describe_launch_template_versions(
                LaunchTemplateId=resource_id, Versions=[str(described["LatestVersionNumber"])]
            )["LaunchTemplateVersions"][0]
            found["launchTemplateData"] = uncapitalised(
                ec2.sendable(self.door, "RequestLaunchTemplateData", version["LaunchTemplateData"])
            )
            found["versionDescription"] = version.get("VersionDescription", "")
        return found

    def _candidates(self, inputs: Properties) -> Iterable[str]:
        return [each["LaunchTemplateId"] for each in ec2.find_all(self.door, ec2.LAUNCH_TEMPLATE)]

    def _find_creating(self, inputs: Properties) -> Iterable[str]:
        tagged = ec2.find_tagged(self.door, ec2.LAUNCH_TEMPLATE, CREATING, identity_of(inputs))
        return [each["LaunchTemplateId"] for each in tagged]

    def _change(self, resource_id: str, state: Properties, inputs: Properties) -> Mapping[str, Any] | None:
        if _content(state) == _content(inputs):
            self._make_default(resource_id, None)
            return None
        latest = self._made_already(resource_id, state, inputs)
        if latest is None:
            sent = {key: inputs[key] for key in _OF_A_VERSION if inputs.get(key) is not None}
            made = self.door.client("ec2").create_launch_template_version(
                LaunchTemplateId=resource_id, **capitalised(sent)
            )
            latest = int(made["LaunchTemplateVersion"]["VersionNumber"])
        self._make_default(resource_id, latest)
        return {"latestVersion": str(latest), "defaultVersion": str(latest)}

    def _made_already(self, resource_id: str, state: Properties, inputs: Properties) -> int | None:
        """The newest version, where a run that died before it could say so had made it of these inputs."""
        found = self._find(resource_id, state)
        if found is None or int(found["latestVersion"]) <= int(state.get("latestVersion") or 0):
            return None
        is_it = _content(self._merged(inputs, found)) == _content(inputs)
        return int(found["latestVersion"]) if is_it else None

    def _shows(self, found: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
        # Somebody else may make a version in the same moment: a newer one shows that ours is seen as well.
        is_seen = int(found["latestVersion"]) >= int(made["latestVersion"])
        return is_seen and found["defaultVersion"] == made["defaultVersion"]

    def _finish(self, resource_id: str, state: Properties) -> None:
        self._make_default(resource_id, None)

    def _make_default(self, resource_id: str, latest: int | None) -> None:
        """Make the latest version the default; `latest` where it is known before Describe may show it."""
        described = ec2.find(self.door, ec2.LAUNCH_TEMPLATE, resource_id)
        if described is None:
            return
        wanted = latest or described["LatestVersionNumber"]
        if described["DefaultVersionNumber"] != wanted:
            self.door.client("ec2").modify_launch_template(LaunchTemplateId=resource_id, DefaultVersion=str(wanted))

    def _remove(self, resource_id: str, state: Properties) -> None:
        ec2.delete(self.door, ec2.LAUNCH_TEMPLATE, resource_id)

    def _put_tags(self, resource_id: str, state: Properties, tags: Mapping[str, str]) -> None:
        ec2.put_tags(self.door, resource_id, tags)

    def _remove_tags(self, resource_id: str, state: Properties, keys: Iterable[str]) -> None:
        ec2.remove_tags(self.door, resource_id, keys)


def _content(properties: Properties) -> dict[str, Any]:
    return normal(LaunchTemplate.kind, {key: properties.get(key) for key in _OF_A_VERSION})
