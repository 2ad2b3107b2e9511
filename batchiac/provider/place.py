"""Where a resource lives, held against where the stack acts: nothing of another region or account is touched."""

from __future__ import annotations

from batchiac.aws.door import Door
from batchiac.errors import RefusedError, UserError
from batchiac.model.handler import Properties
from batchiac.provider.identity import identity_of


def require_known(door: Door, kind: str, inputs: Properties) -> None:
    """Refuse inputs that were checked for another region than the door leads to.

    Raises:
        RefusedError: with both.
    """
    region = inputs.get("region")
    if region != door.target.region:
        raise RefusedError(
            f"{kind} {identity_of(inputs)} was planned for region {region}, but the stack is in"
            f" {door.target.region}: plan again"
        )


def require_place(door: Door, kind: str, state: Properties) -> None:
    """Refuse to touch what lives in another region or account than the stack now names."""
    region, account = state.get("region"), state.get("account")
    if region is not None and region != door.target.region:
        raise RefusedError(
            f"{kind} {identity_of(state)} lives in region {region} by its state, but the stack's"
            f" batchiac:region is {door.target.region}: set it back, or use a stack of its own"
        )
    allowed = door.target.allowed_account_ids
    if account is not None and allowed and account not in allowed:
        raise RefusedError(
            f"{kind} {identity_of(state)} lives in account {account} by its state, but the stack allows"
            f" {', '.join(allowed)}: correct batchiac:allowedAccountIds, or use a stack of its own"
        )


def require_arn_of_here(door: Door, resource_id: str) -> None:
    """Refuse an ARN of another region or account: AWS would only say that it does not know it.

    Raises:
        UserError: with what the ARN says and what the stack says.
    """
    parts = resource_id.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return
    region, account = parts[3], parts[4]
    if region and region != door.target.region:
        raise UserError(
            f"{resource_id} is of region {region}, and the stack's batchiac:region is {door.target.region}:"
            " name a resource of that region, or use a stack of its own"
        )
    if account and account != door.account_id():
        raise UserError(
            f"{resource_id} is of account {account}, and the credentials belong to {door.account_id()}:"
            " name a resource of that account, or use other credentials"
        )


def require_account(door: Door, kind: str, state: Properties) -> None:
    """Refuse to act with the credentials of another account than the one that the state names."""
    account = state.get("account")
    if account is not None and account != door.account_id():
        raise RefusedError(
            f"{kind} {identity_of(state)} lives in account {account} by its state, but the credentials belong"
            f" to {door.account_id()}: use credentials of {account}, or a stack of its own"
        )
