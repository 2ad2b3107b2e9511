"""IAM roles and instance profiles: find, tags, and the parts that hang on a role."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from batchiac.aws.door import Door
from batchiac.aws.wait import wait_until
from batchiac.aws.wire import tag_list
from batchiac.errors import AwsRefusal

NO_SUCH_ENTITY = "NoSuchEntity"
DELETE_CONFLICT = "DeleteConflict"

FREE_DEADLINE_S = 60.0
"""How long a deletion is tried again after what hung on the role or profile was taken off.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
"""


def find_role(door: Door, name: str) -> dict[str, Any] | None:
    """IAM's description of the role, None when there is none."""
    try:
        role: dict[str, Any] = door.client("iam").get_role(RoleName=name)["Role"]
    except AwsRefusal as refusal:
        if refusal.code == NO_SUCH_ENTITY:
            return None
        raise
    return role


def find_instance_profile(door: Door, name: str) -> dict[str, Any] | None:
    """IAM's description of the instance profile, None when there is none."""
    try:
        profile: dict[str, Any] = door.client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    except AwsRefusal as refusal:
        if refusal.code == NO_SUCH_ENTITY:
            return None
        raise
    return profile


def read_document(document: str | Mapping[str, Any]) -> Any:
    """A policy document as JSON value, whether IAM gave text, URL-encoded text, or botocore decoded it already."""
    if not isinstance(document, str):
        return document
    return json.loads(unquote(document) if document.lstrip().startswith("%") else document)


def managed_policy_arns(door: Door, role_name: str) -> list[str]:
    """The ARNs of the managed policies attached to a role."""
    pages = door.client("iam").pages("list_attached_role_policies", "AttachedPolicies", RoleName=role_name)
    return [each["PolicyArn"] for each in pages]


def inline_policies(door: Door, role_name: str) -> dict[str, Any]:
    """Policy name → document of a role's inline policies."""
    iam = door.client("iam")
    names: list[Any] = list(iam.pages("list_role_policies", "PolicyNames", RoleName=role_name))
    return {
        name: read_document(iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"])
        for name in names
    }


def set_managed_policies(door: Door, role_name: str, old: Iterable[str], new: Iterable[str]) -> None:
    """Attach what is missing and detach what is too much."""
    iam = door.client("iam")
    for arn in sorted(set(new) - set(old)):
        iam.attach_role_policy(RoleName=role_name, PolicyArn=arn)
    for arn in sorted(set(old) - set(new)):
        _unless_absent(lambda arn=arn: iam.detach_role_policy(RoleName=role_name, PolicyArn=arn))


def set_inline_policies(door: Door, role_name: str, old: Iterable[str], new: Mapping[str, Any]) -> None:
    """Put every policy of `new` and delete those of `old` that it lacks."""
    iam = door.client("iam")
    for name, document in new.items():
        text = document if isinstance(document, str) else json.dumps(document)
        iam.put_role_policy(RoleName=role_name, PolicyName=name, PolicyDocument=text)
    for name in sorted(set(old) - set(new)):
        _unless_absent(lambda name=name: iam.delete_role_policy(RoleName=role_name, PolicyName=name))


def delete_role(door: Door, name: str) -> None:
    """Detach and delete what hangs on the role, then the role; absence is no error."""

    def delete() -> None:
        if find_role(door, name) is None:
            return
        iam = door.client("iam")
        set_managed_policies(door, name, managed_policy_arns(door, name), ())
        set_inline_policies(door, name, iam.pages("list_role_policies", "PolicyNames", RoleName=name), {})
        for profile in iam.pages("list_instance_profiles_for_role", "InstanceProfiles", RoleName=name):
            set_profile_roles(door, profile["InstanceProfileName"], [name], ())
        _unless_absent(lambda: iam.delete_role(RoleName=name))

    _until_free(door, f"deletion of role {name}", delete)


def set_profile_roles(door: Door, name: str, old: Iterable[str], new: Iterable[str]) -> None:
    """Take the old role out and put the new one in (IAM allows one role a profile)."""
    iam = door.client("iam")
    for role in sorted(set(old) - set(new)):
        _unless_absent(lambda role=role: iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role))
    for role in sorted(set(new) - set(old)):
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)


def delete_instance_profile(door: Door, name: str) -> None:
    """Empty and delete the instance profile; absence is no error."""

    def delete() -> None:
        profile = find_instance_profile(door, name)
        if profile is None:
            return
        set_profile_roles(door, name, [role["RoleName"] for role in profile.get("Roles", ())], ())
        _unless_absent(lambda: door.client("iam").delete_instance_profile(InstanceProfileName=name))

    _until_free(door, f"deletion of instance profile {name}", delete)


def put_role_tags(door: Door, name: str, tags: Mapping[str, str]) -> None:
    """Add or change tags of a role."""
    door.client("iam").tag_role(RoleName=name, Tags=tag_list(tags))


def remove_role_tags(door: Door, name: str, keys: Iterable[str]) -> None:
    """Take tags off a role."""
    door.client("iam").untag_role(RoleName=name, TagKeys=list(keys))


def put_instance_profile_tags(door: Door, name: str, tags: Mapping[str, str]) -> None:
    """Add or change tags of an instance profile."""
    door.client("iam").tag_instance_profile(InstanceProfileName=name, Tags=tag_list(tags))


def remove_instance_profile_tags(door: Door, name: str, keys: Iterable[str]) -> None:
    """Take tags off an instance profile."""
    door.client("iam").untag_instance_profile(InstanceProfileName=name, TagKeys=list(keys))


def _until_free(door: Door, what: str, delete: Callable[[], None]) -> None:
    """Delete, from the start again while IAM says that something hangs on it: what was just taken off may count still.

    Raises:
        WaitError: it says so after `FREE_DEADLINE_S`; its own words are in the error.
    """

    def gone() -> bool | str:
        try:
            delete()
        except AwsRefusal as refusal:
            if refusal.code == DELETE_CONFLICT:
                return f"{refusal.code}: {refusal.aws_message}"
            raise
        return True

    wait_until(gone, what=what, deadline_s=FREE_DEADLINE_S, sleep=door.sleep, clock=door.clock)


def _unless_absent(call: Any) -> None:
    try:
        call()
    except AwsRefusal as refusal:
        if refusal.code != NO_SUCH_ENTITY:
            raise
