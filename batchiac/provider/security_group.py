"""A security group's rules: read as they are, and changed without a moment that cuts what is allowed before and after.

To AWS a rule is its protocol, ports and source. Its description is beside it: authorizing a rule that differs in
nothing else is refused (InvalidPermission.Duplicate), so a description is changed by a call of its own.
Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UpdateSecurityGroupRuleDescriptionsIngress.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from batchiac.aws import ec2
from batchiac.aws.door import Door
from batchiac.aws.wire import capitalised, uncapitalised
from batchiac.model.handler import Properties
from batchiac.provider.spelling import SOURCES, one_source_each, rule_in_normal_form

ALL_OUT = [{"ipProtocol": "-1", "ipRanges": [{"cidrIp": "0.0.0.0/0"}]}]
"""What AWS creates a security group with. No egress rule at all (`[]`) is another wish than none said."""


def whole_group(door: Door, group_id: str, found: dict[str, Any], state: Properties) -> dict[str, Any]:
    """AWS's description with `ingress` and `egress` as inputs."""
    return {
        **found,
        "ingress": _as_inputs(found, "ipPermissions", group_id),
        "egress": _as_inputs(found, "ipPermissionsEgress", group_id),
    }


def _as_inputs(found: Mapping[str, Any], key: str, group_id: str) -> list[dict[str, Any]]:
    permissions = []
    for each in found.get(key) or ():
        permission = {name: value for name, value in each.items() if value or name in ("fromPort", "toPort")}
        pairs = permission.pop("userIdGroupPairs", [])
        # A description has no place beside `self`: then the pair is kept as AWS tells it.
        others = [pair for pair in pairs if pair.get("groupId") != group_id or pair.get("description")]
        if others:
            permission["userIdGroupPairs"] = [_pair_as_input(pair, str(found.get("ownerId"))) for pair in others]
        if len(others) < len(pairs):
            permission["self"] = True
        permissions.append(permission)
    return permissions


def _pair_as_input(pair: Mapping[str, Any], owner: str) -> dict[str, Any]:
    # AWS tells the account of every pair; only that of a foreign group is ever written.
    kept = {"groupId", "description", "vpcPeeringConnectionId"} | ({"userId"} if pair.get("userId") != owner else set())
    return {name: value for name, value in pair.items() if name in kept and value}


def put_rules(direction: str) -> Callable[[Door, str, Properties, Properties], None]:
    """What brings the rules of a direction, `ingress` or `egress`, to what is wanted."""

    def apply(door: Door, group_id: str, old: Properties, new: Properties) -> None:
        client = door.client("ec2")
        # A group that Describe does not know yet has rules all the same (everything out): it must not pass for empty.
        found = whole_group(door, group_id, uncapitalised(ec2.read(door, ec2.SECURITY_GROUP, group_id)), {})
        have = one_source_each(found[direction])
        want = one_source_each(new.get(direction) or [])
        present = {_key(each, group_id): _description(each) for each in have}
        wanted = {_key(each, group_id) for each in want}
        # What is to come in comes first, so that traffic which both sets allow is never cut.
        if more := [each for each in want if _key(each, group_id) not in present]:
            getattr(client, f"authorize_security_group_{direction}")(
                GroupId=group_id, IpPermissions=[_for_api(group_id, each) for each in more]
            )
        other = [each for each in want if _description(each) != present.get(_key(each, group_id), _description(each))]
        if other:
            # "You can remove a description for a security group rule by omitting the description parameter."
            getattr(client, f"update_security_group_rule_descriptions_{direction}")(
                GroupId=group_id, IpPermissions=[_for_api(group_id, each) for each in other]
            )
        if less := [each for each in have if _key(each, group_id) not in wanted]:
            getattr(client, f"revoke_security_group_{direction}")(
                GroupId=group_id, IpPermissions=[_for_api(group_id, _undescribed(each)) for each in less]
            )

    return apply


def _key(rule: Mapping[str, Any], group_id: str) -> str:
    """What AWS tells rules apart by."""
    normal = _undescribed(rule_in_normal_form(rule))
    if normal.pop("self", False):
        normal["userIdGroupPairs"] = {"groupId": group_id}
    return json.dumps(normal, sort_keys=True)


def _description(rule: Mapping[str, Any]) -> str:
    return next((str(rule[source].get("description") or "") for source in SOURCES if source in rule), "")


def _undescribed(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {key: each for key, each in value.items() if key != "description"} if name in SOURCES else value
        for name, value in rule.items()
    }


def _for_api(group_id: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    sent = {
        name: [{key: each for key, each in value.items() if each}] if name in SOURCES else value
        for name, value in rule.items()
        if name != "self"
    }
    if rule.get("self"):
        sent["userIdGroupPairs"] = [{"groupId": group_id}]
    result: dict[str, Any] = capitalised(sent)
    return result
