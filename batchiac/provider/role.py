"""The handler of IAM roles: trust policy, managed and inline policies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from batchiac.aws import iam
from batchiac.aws.wire import tag_list, tag_map
from batchiac.model.handler import Properties
from batchiac.provider.identity import iam_tags, is_creating
from batchiac.provider.naming import is_auto_name_of
from batchiac.provider.resource import ResourceHandler


class Role(ResourceHandler):
    """The handler of Role. The id is the ARN; its last part is the name."""

    kind = "Role"
    name_property = "roleName"
    id_output = "arn"
    longest_name = 64
    outlives = ("ComputeEnvironment",)
    inputs = (
        "roleName",
        "assumeRolePolicyDocument",
        "managedPolicyArns",
        "inlinePolicies",
        "path",
        "description",
        "maxSessionDuration",
    )
    outputs = ("arn", "roleId")

    def _make(self, inputs: Properties, tags: Mapping[str, str]) -> str:
        optional = {
            "Description": inputs.get("description"),
            "MaxSessionDuration": inputs.get("maxSessionDuration"),
            "Path": inputs.get("path"),
        }
        created = self.door.client("iam").create_role(
            RoleName=inputs["roleName"],
            AssumeRolePolicyDocument=_text(inputs["assumeRolePolicyDocument"]),
            Tags=tag_list(iam_tags(tags, inputs)),
            **{key: value for key, value in optional.items() if value is not None},
        )
        arn: str = created["Role"]["Arn"]
        return arn

    def _settle(self, resource_id: str, inputs: Properties) -> None:
        name = _name(resource_id)
        iam.set_managed_policies(self.door, name, (), inputs.get("managedPolicyArns") or ())
        iam.set_inline_policies(self.door, name, (), inputs.get("inlinePolicies") or {})

    def _find(self, resource_id: str, state: Properties, *, whole: bool = True) -> dict[str, Any] | None:
        role = iam.find_role(self.door, _name(resource_id))
        if role is None:
            return None
        found = {
            "roleName": role["RoleName"],
            "assumeRolePolicyDocument": iam.read_document(role["AssumeRolePolicyDocument"]),
            "path": role.get("Path", "/"),
            "description": role.get("Description", ""),
            "maxSessionDuration": role.get("MaxSessionDuration", 3600),
            "arn": role["Arn"],
            "roleId": role["RoleId"],
            "tags": tag_map(role.get("Tags")),
        }
        if whole:
            found["managedPolicyArns"] = iam.managed_policy_arns(self.door, role["RoleName"])
            found["inlinePolicies"] = iam.inline_policies(self.door, role["RoleName"])
        return found

    def _find_creating(self, inputs: Properties) -> Iterable[str]:
        # IAM lists no tags: only what this role could have been named is looked at one by one.
        for each in self.door.client("iam").pages("list_roles", "Roles", PathPrefix=inputs.get("path", "/")):
            name = each["RoleName"]
            if name == inputs["roleName"] or is_auto_name_of(inputs, name, self.longest_name):
                role = iam.find_role(self.door, name) or {}
                if is_creating(tag_map(role.get("Tags")), inputs):
                    yield role["Arn"]

    def _change(self, resource_id: str, state: Properties, inputs: Properties) -> None:
        name, client = _name(resource_id), self.door.client("iam")
        if state.get("assumeRolePolicyDocument") != inputs["assumeRolePolicyDocument"]:
            client.update_assume_role_policy(RoleName=name, PolicyDocument=_text(inputs["assumeRolePolicyDocument"]))
        if any(state.get(key) != inputs.get(key) for key in ("description", "maxSessionDuration")):
            client.update_role(
                RoleName=name,
                Description=inputs.get("description") or "",
                MaxSessionDuration=inputs.get("maxSessionDuration") or 3600,
            )
        iam.set_managed_policies(
            self.door, name, state.get("managedPolicyArns") or (), inputs.get("managedPolicyArns") or ()
        )
        iam.set_inline_policies(
            self.door, name, list(state.get("inlinePolicies") or ()), inputs.get("inlinePolicies") or {}
        )

    def _remove(self, resource_id: str, state: Properties) -> None:
        iam.delete_role(self.door, _name(resource_id))

    def _put_tags(self, resource_id: str, state: Properties, tags: Mapping[str, str]) -> None:
        iam.put_role_tags(self.door, _name(resource_id), tags)

    def _remove_tags(self, resource_id: str, state: Properties, keys: Iterable[str]) -> None:
        iam.remove_role_tags(self.door, _name(resource_id), keys)


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)
