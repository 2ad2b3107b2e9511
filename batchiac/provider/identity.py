"""Whose a resource is, told by a tag while it is being created.

Between AWS's answer to a create and the engine's own record of it a process can die. So the create call itself puts
`batchiac:creating=<project>/<stack>/<component types>/<logical name>` on, and the last act of the create takes it off.
What still carries the tag belongs to nobody's state: the next create of the same resource adopts it. What exists
without the tag is somebody else's (or was completed) and is refused.

Every resource of ours can carry tags. What cannot (routes, rules of a security group, the attachment of an internet
gateway, a role's policies) is a part of one that can, and is settled again whenever that one is adopted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

CREATING = "batchiac:creating"
"""The tag's key. Persistent: an interrupted create of an older version must be found."""

LONGEST_TAG_VALUE = 256


def creating_tag(inputs: Mapping[str, Any]) -> dict[str, str]:
    """The tag that a create call puts on."""
    return {CREATING: identity_of(inputs)}


def identity_of(inputs: Mapping[str, Any]) -> str:
    """`<project>/<stack>/<component types>/<logical name>`; its last 256 characters, where names are long."""
    return str(inputs["identity"])[-LONGEST_TAG_VALUE:]


_REFUSED_BY_IAM = re.compile(r"[^\w .:/=+\-@]")
"""Everything but letters, numbers, spaces and `_.:/=+-@`.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html (the pattern of Value).
"""


def iam_identity_of(inputs: Mapping[str, Any]) -> str:
    """The identity as IAM takes it in a tag: what it would refuse is `_`, and a hash of the whole keeps it apart."""
    plain = identity_of(inputs)
    allowed = _REFUSED_BY_IAM.sub("_", plain)
    if allowed == plain:
        return plain
    ending = "-" + hashlib.sha256(str(inputs["identity"]).encode()).hexdigest()[:16]
    return allowed[-(LONGEST_TAG_VALUE - len(ending)) :] + ending


def iam_tags(tags: Mapping[str, str], inputs: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a create call, ours as IAM takes it."""
    return {**tags, **({CREATING: iam_identity_of(inputs)} if CREATING in tags else {})}


def is_creating(tags: Mapping[str, str], inputs: Mapping[str, Any]) -> bool:
    """True when the tags say that these inputs were being made, in IAM's form of the identity or in the plain one."""
    return tags.get(CREATING) in (identity_of(inputs), iam_identity_of(inputs))


def logical_name(inputs: Mapping[str, Any]) -> str:
    """The name that the program gave the resource."""
    return str(inputs["identity"]).rpartition("/")[2]


def without_creating(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that are the user's."""
    return {key: value for key, value in tags.items() if key != CREATING}
