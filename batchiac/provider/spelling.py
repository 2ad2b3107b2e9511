"""The ways in which AWS returns something else than what it was sent: each turns a value into its normal form.

The rows of normalise.py say where each applies.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from batchiac.model.unknown import UNKNOWN
from batchiac.rules.updates import is_service_linked

Change = Callable[[Any, Mapping[str, Any]], Any]
"""(value at the path, the mapping that holds it) → the value in normal form; None drops it."""


def by(*keys: str) -> Change:
    """A list whose order means nothing: sorted by these keys of its elements."""

    def change(value: Any, _: Mapping[str, Any]) -> Any:
        if not isinstance(value, list):
            return value
        return sorted(value, key=lambda each: [_sortable(each.get(key)) for key in keys] if is_mapping(each) else [])

    return change


def unordered(value: Any, _: Mapping[str, Any]) -> Any:
    """A list of plain values whose order means nothing."""
    return sorted(value, key=_sortable) if isinstance(value, list) else value


def default(*values: Any) -> Change:
    """AWS fills this in when it is left out."""

    def change(value: Any, _: Mapping[str, Any]) -> Any:
        return (
            None
            if any(value == each and isinstance(value, bool) is isinstance(each, bool) for each in values)
            else value
        )

    return change


def upper(value: Any, _: Mapping[str, Any]) -> Any:
    """AWS reads the word in any case and returns capitals."""
    return value.upper() if isinstance(value, str) else value


def number(value: Any, _: Mapping[str, Any]) -> Any:
    """A number that the API takes as text: "1", "1.0" and 1 are one."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def text(value: Any, _: Mapping[str, Any]) -> Any:
    """Something that AWS keeps as text whatever it was sent as: a launch template's version."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def document(value: Any, _: Mapping[str, Any]) -> Any:
    """A policy document: text or value, single values or lists of one, an account by number or by its root's ARN."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return value
    return _one_as_list(_accounts_by_number(value))


_ACCOUNT = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):root")


def _accounts_by_number(value: Any, is_principal: bool = False) -> Any:
    """IAM keeps `"AWS": "123456789012"` as `"AWS": "arn:aws:iam::123456789012:root"`.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    if is_mapping(value):
        return {
            key: _accounts_by_number(each, (key == "AWS" and is_principal) or key in ("Principal", "NotPrincipal"))
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_accounts_by_number(each, is_principal) for each in value]
    if is_principal and isinstance(value, str) and (found := _ACCOUNT.fullmatch(value)):
        return found[1]
    return value


def last_part(value: Any, _: Mapping[str, Any]) -> Any:
    """A name where AWS takes a name or an ARN."""
    return value.rpartition("/")[2] if isinstance(value, str) and value.startswith("arn:") else value


def service_role(value: Any, _: Mapping[str, Any]) -> Any:
    """The service-linked role is what AWS takes when none is given."""
    return None if value is not UNKNOWN and is_service_linked(value) else value


def never(_: Any, __: Mapping[str, Any]) -> Any:
    """Not ours to compare."""


def instance_types(value: Any, resources: Mapping[str, Any]) -> Any:
    """Only these two strategies read the list's order (BC:ComputeResource.allocationStrategy)."""
    if resources.get("allocationStrategy") in ("BEST_FIT_PROGRESSIVE_ORDERED", "SPOT_CAPACITY_OPTIMIZED_PRIORITIZED"):
        return value
    return unordered(value, resources)


def strategy(value: Any, resources: Mapping[str, Any]) -> Any:
    """BC:ComputeResource: BEST_FIT "is the default" (for EC2 and Spot on ECS)."""
    return None if value == "BEST_FIT" and resources.get("type") in ("EC2", "SPOT") else value


def bid(value: Any, resources: Mapping[str, Any]) -> Any:
    """The share of the On-Demand price that Spot pays at most is all of it by default."""
    return None if value == 100 and resources.get("type") == "SPOT" else value


def order(value: Any, _: Mapping[str, Any]) -> Any:
    """A queue's environments: what counts is their order, not the numbers."""
    if not isinstance(value, list) or any(each is UNKNOWN or each.get("order") is UNKNOWN for each in value):
        return value
    ranked = sorted(value, key=lambda each: _sortable(each.get("order")))
    return [{**each, "order": rank} for rank, each in enumerate(ranked, start=1)]


def requirements(value: Any, container: Mapping[str, Any]) -> Any:
    """The deprecated vcpus and memory mean the same as two resourceRequirements."""
    listed = list(value) if isinstance(value, list) else []
    if value is UNKNOWN or any(not is_mapping(each) for each in listed):
        return value
    have = {each.get("type") for each in listed}
    for old, new in (("vcpus", "VCPU"), ("memory", "MEMORY")):
        amount = container.get(old)
        if amount is not None and new not in have:
            listed.append({"type": new, "value": amount})
    return by("type")([{**each, "value": number(each.get("value"), each)} for each in listed], {})


def environment(value: Any, _: Mapping[str, Any]) -> Any:
    """AWS does not keep a variable with an empty value; order means nothing."""
    if not isinstance(value, list):
        return value
    return by("name")([each for each in value if not is_mapping(each) or each.get("value") not in ("", None)], {})


def retry(value: Any, _: Mapping[str, Any]) -> Any:
    """One attempt is what a job has without a strategy."""
    return None if is_mapping(value) and value == {"attempts": 1} else value


SOURCES = ("ipRanges", "ipv6Ranges", "prefixListIds", "userIdGroupPairs")
"""Where a permission of a security group says whom it lets through."""

_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
"""The numbers that AWS tells by name. Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html"""


def one_source_each(value: list[Any]) -> list[dict[str, Any]]:
    """A security group's permissions one source each: AWS puts those of the same ports together."""
    single: list[dict[str, Any]] = []
    for each in value:
        # "-1" is every protocol; AWS then keeps no ports.
        ports = {} if each.get("ipProtocol") == "-1" else {key: each.get(key) for key in ("fromPort", "toPort")}
        rest = {"ipProtocol": each.get("ipProtocol"), **ports}
        for source in SOURCES:
            found = each.get(source)
            if found is UNKNOWN:
                single.append({**rest, source: UNKNOWN})
            single += [{**rest, source: one} for one in (found if isinstance(found, list) else ())]
        if each.get("self"):
            single.append({**rest, "self": True})
    return sorted(({k: v for k, v in each.items() if v is not None} for each in single), key=_sortable)


def rule_in_normal_form(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A permission of one source, whichever way its protocol, addresses and group are written."""
    said = str(rule.get("ipProtocol", "")).lower() if rule.get("ipProtocol") is not UNKNOWN else UNKNOWN
    normal: dict[str, Any] = {**rule, "ipProtocol": said if said is UNKNOWN else _PROTOCOLS.get(said, said)}
    for source in SOURCES:
        found = normal.get(source)
        if not isinstance(found, Mapping):
            continue
        kept = {key: cidr(each, {}) if key.startswith("cidr") else each for key, each in found.items() if each != ""}
        if source == "userIdGroupPairs" and kept.get("groupId") is not None:
            # A group's id says whose it is, and over which peering it is reached.
            kept = {key: each for key, each in kept.items() if key in ("groupId", "description")}
        normal[source] = kept
    return normal


def permissions(value: Any, _: Mapping[str, Any]) -> Any:
    """A security group's permissions, whichever way they are put together."""
    if not isinstance(value, list) or any(not is_mapping(each) for each in value):
        return value
    return sorted((rule_in_normal_form(each) for each in one_source_each(value)), key=_sortable)


def cidr(value: Any, _: Mapping[str, Any]) -> Any:
    """A block of addresses: AWS "modifies the specified CIDR block to its canonical form" (API_CreateSubnet)."""
    if not isinstance(value, str):
        return value
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        return value


def pruned(value: Any) -> Any:
    """Without null, empty lists and empty mappings, at any depth; None when nothing is left."""
    if is_mapping(value):
        kept = {key: new for key, each in value.items() if (new := pruned(each)) is not None}
        return kept or None
    if isinstance(value, list | tuple):
        # An element that is empty keeps its place: positions in a command mean something.
        return [
            new if (new := pruned(each)) is not None else {} if is_mapping(each) else each for each in value
        ] or None
    return value


def _one_as_list(value: Any) -> Any:
    """IAM keeps `"Action": "x"` and `"Action": ["x"]` apart as text but not in meaning."""
    if is_mapping(value):
        return {key: _one_as_list(each) for key, each in value.items()}
    if isinstance(value, list):
        inner = [_one_as_list(each) for each in value]
        return inner[0] if len(inner) == 1 else sorted(inner, key=_sortable)
    return value


def _sortable(value: Any) -> str:
    if is_mapping(value) or isinstance(value, list):
        return json.dumps(value, sort_keys=True, default=repr)
    return repr(value) if not isinstance(value, str) else value


def is_mapping(value: Any) -> bool:
    """True for what has members."""
    return isinstance(value, Mapping)
