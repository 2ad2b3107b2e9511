"""Roles and instance profiles: what IAM takes in tags, how it words a trust policy, and when it lets go."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from batchiac.errors import AwsRefusal, WaitError
from batchiac.provider.difference import differences
from batchiac.provider.identity import CREATING, iam_identity_of, identity_of, is_creating
from batchiac.provider.normalise import normal

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
READ_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}

# The pattern of a tag's value, with Python's word characters for its letters and numbers.
# Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html
TAKEN_BY_IAM = re.compile(r"[\w .:/=+\-@]*")


def spied(world: Any, method: str, act: Callable[..., None]) -> None:
    """`act` is called with the parameters before each call of IAM's method."""
    client = world.door.client("iam")
    real = getattr(client, method)

    def call(**parameters: Any) -> Any:
        act(**parameters)
        return real(**parameters)

    client.__dict__[method] = call


# -- the tag of a create -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a[0]", "work (x)", "a,b", "a#b", "größe", "a" * 300 + "[0]", "plain-1"])
@pytest.mark.parametrize("kind", ["Role", "InstanceProfile"])
def test_iam_takes_the_tag_of_any_logical_name(world: Any, kind: str, name: str) -> None:
    """AWS refuses brackets, commas and # in a tag's value, moto does not: what is sent is looked at here."""
    inputs = {"assumeRolePolicyDocument": TRUST} if kind == "Role" else {}
    sent: list[str] = []

    def look(**parameters: Any) -> None:
        sent.extend(each["Value"] for each in parameters["Tags"] if each["Key"] == CREATING)

    spied(world, "create_role" if kind == "Role" else "create_instance_profile", look)
    handler, checked = world.handler(kind), world.inputs(kind, name, **inputs)
    handler.create_unconfirmed(checked)
    (value,) = sent
    assert len(value) <= 256
    assert TAKEN_BY_IAM.fullmatch(value)
    # A run that died here is taken up: nothing is made twice.
    made = handler.create(checked)
    assert len(sent) == 1
    assert CREATING not in handler._find(made.id, made.outputs)["tags"]


@pytest.mark.parametrize("kind", ["Role", "InstanceProfile"])
def test_what_an_older_version_left_is_adopted(world: Any, kind: str) -> None:
    """The identity in its plain form, on a stack that takes it."""
    inputs = {"assumeRolePolicyDocument": TRUST} if kind == "Role" else {}
    handler, checked = world.handler(kind), world.inputs(kind, "a[0]", **inputs)
    made = handler.create_unconfirmed(checked)
    handler._put_tags(made.id, made.outputs, {CREATING: identity_of(checked)})
    assert handler.create(checked).id == made.id


def test_identities_that_iam_cannot_tell_apart_stay_apart() -> None:
    """What is written alike after it was made acceptable differs by a hash; what is acceptable is left as it is."""
    one, other = ({"identity": f"p/s/{name}"} for name in ("a[0]", "a(0)"))
    assert iam_identity_of(one) != iam_identity_of(other)
    assert not is_creating({CREATING: iam_identity_of(one)}, other)
    plain = {"identity": "p/s/batchiac:batch:Roles/größe_1"}
    assert iam_identity_of(plain) == identity_of(plain)


# -- trust policies ----------------------------------------------------------------------------------------------------


def trusting(principal: Any, key: str = "Principal") -> dict[str, Any]:
    return {
        "assumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", key: principal, "Action": "sts:AssumeRole"}],
        }
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"AWS": "123456789012"}, {"AWS": "arn:aws:iam::123456789012:root"}, True),
        ({"AWS": ["123456789012"]}, {"AWS": "arn:aws-cn:iam::123456789012:root"}, True),
        (
            {"AWS": ["123456789012", "210987654321"]},
            {"AWS": ["arn:aws:iam::210987654321:root", "arn:aws:iam::123456789012:root"]},
            True,
        ),
        ({"AWS": "123456789012"}, {"AWS": "arn:aws:iam::123456789012:role/x"}, False),
        ({"AWS": "123456789012"}, {"AWS": "arn:aws:iam::210987654321:root"}, False),
        ({"Service": "123456789012"}, {"Service": "arn:aws:iam::123456789012:root"}, False),
    ],
)
def test_an_account_by_number_is_its_root(one: Any, other: Any, same: bool) -> None:
    """IAM keeps the ARN whatever it was sent."""
    found = list(differences(normal("Role", trusting(one)), normal("Role", trusting(other))))
    assert (found == []) is same


# -- deletion ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Role", "InstanceProfile"])
def test_a_deletion_is_repeated_while_iam_still_counts_what_was_taken_off(world: Any, kind: str) -> None:
    """IAM is eventually consistent: DeleteConflict right after the detachment is no end."""
    role = world.make("Role", "base", assumeRolePolicyDocument=TRUST)
    inputs = {
        "Role": {"assumeRolePolicyDocument": TRUST, "inlinePolicies": {"read": READ_ALL}},
        "InstanceProfile": {"roles": [role["roleName"]]},
    }
    held = world.make(kind, "it", **inputs[kind])
    refused = ["Cannot delete entity, must delete policies first."] * 3

    def conflict(**_: Any) -> None:
        if refused:
            raise AwsRefusal("Delete", "DeleteConflict", refused.pop(), 409)

    spied(world, "delete_role" if kind == "Role" else "delete_instance_profile", conflict)
    held.handler.delete(held.id, held.outputs)
    assert refused == []
    assert held.handler.read(held.id, held.outputs).id is None


def test_a_role_that_stays_in_use_is_said_in_iam_s_words(world: Any) -> None:
    """The tries end, and the error says what IAM said last."""
    held = world.make("Role", "it", assumeRolePolicyDocument=TRUST)

    def conflict(**_: Any) -> None:
        raise AwsRefusal("DeleteRole", "DeleteConflict", "Cannot delete entity, it is in use.", 409)

    spied(world, "delete_role", conflict)
    with pytest.raises(WaitError, match=r"deletion of role it-\w+: not within 60 s: DeleteConflict: .* it is in use"):
        held.handler.delete(held.id, held.outputs)


def test_what_is_attached_meanwhile_is_taken_off_too(world: Any) -> None:
    """Every try looks anew at what hangs on the role."""
    held = world.make("Role", "it", assumeRolePolicyDocument=TRUST)
    client, attached = world.door.client("iam"), ["late"]

    def attach(**parameters: Any) -> None:
        if attached:
            client.put_role_policy(
                RoleName=parameters["RoleName"], PolicyName=attached.pop(), PolicyDocument=json.dumps(READ_ALL)
            )

    spied(world, "delete_role", attach)
    held.handler.delete(held.id, held.outputs)
    assert held.handler.read(held.id, held.outputs).id is None
