"""Whose account a request acts in, by moto's own rules, without importing moto's IAM for it.

moto's order: `MOTO_ACCOUNT_ID` in the environment, the header `x-moto-account-id`, the account in which the access key
was created, the default account. Keys can exist only once IAM (or STS, which uses it) was loaded: before that the
answer is the default account, and half a second of imports is saved.
"""

from __future__ import annotations

import os
import sys
from typing import Any

DEFAULT_ACCOUNT_ID = "123456789012"
"""moto's own default account, so that Batch and every other service agree."""


def find_account(access_key: str, environ: dict[str, Any]) -> str:
    """The twelve digits of the account that this request is for."""
    fixed = os.environ.get("MOTO_ACCOUNT_ID") or environ.get("HTTP_X_MOTO_ACCOUNT_ID")
    if fixed:
        return str(fixed)
    iam = sys.modules.get("moto.iam.models")
    if iam is None or not hasattr(iam, "get_account_id_from"):
        return DEFAULT_ACCOUNT_ID
    account: str = iam.get_account_id_from(access_key)
    return account
