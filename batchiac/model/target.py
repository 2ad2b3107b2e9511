"""Where a stack acts: the local stack or a real account. Read from the stack's config by both adapters."""

from __future__ import annotations

import difflib
import ipaddress
import json
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from attrs import field, frozen

from batchiac.errors import ConfigError


@frozen
class Target:
    """Where the calls of one deployment go.

    Attributes:
        kind: `local` (a loopback endpoint, or the in-process stack) or `aws`.
        region: `us-east-1` and the like.
        endpoint_url: where every AWS client is pointed; None means AWS's own endpoints (`aws`) or, for `local`, the
            in-process stack (set by `batchiac.testing`, `verify` and `demo` only).
        allowed_account_ids: twelve-digit account ids; empty allows any.
        in_process: True when moto answers inside this process, so that no endpoint is needed.
        suppress: the findings that the stack accepts, as JSON text (batchiac.rules.suppress reads it), empty for
            none. Text, because a target is a cache's key.
    """

    kind: Literal["local", "aws"]
    region: str
    endpoint_url: str | None = None
    allowed_account_ids: tuple[str, ...] = field(default=(), converter=tuple)
    in_process: bool = False
    suppress: str = ""


def is_loopback_url(url: str) -> bool:
    """True when `url` names this machine only: 127.0.0.0/8, [::1] or localhost."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_safe(target: Target, *, acting: bool) -> Target:
    """Refuse a `local` target that would act on anything but this machine: forgetting a variable must never deploy.

    Raises:
        ConfigError: the target is local and its endpoint is absent (when `acting`) or not a loopback address.
    """
    if target.kind == "aws" or target.in_process:
        return target
    if target.endpoint_url is None:
        if acting:
            raise ConfigError(
                "this stack has batchiac:target local but no endpoint: set AWS_ENDPOINT_URL or batchiac:endpoint to"
                " the local stack's address (start one with `batchiac serve`)"
            )
        return target
    if not is_loopback_url(target.endpoint_url):
        raise ConfigError(
            f"this stack has batchiac:target local but its endpoint is {target.endpoint_url}: only a loopback address"
            " (127.0.0.1, localhost, [::1]) is allowed; set batchiac:target to aws to act on a real account"
        )
    return target


KEYS = ("target", "endpoint", "region", "allowedAccountIds", "suppress")
"""Every key of the `batchiac:` namespace that a stack's config may hold (`suppress`: batchiac.rules.suppress)."""


def target_from_config(config: Mapping[str, object], environ: Mapping[str, str], *, in_process: bool = False) -> Target:
    """The target that a stack's config names.

    Args:
        config: `{"batchiac:target": "local", …}`; keys of other namespaces are ignored; lists may be JSON strings.
        environ: `AWS_ENDPOINT_URL` wins over `batchiac:endpoint` for a local stack and is ignored for `aws`.
        in_process: True where the local stack answers inside this process.

    Raises:
        ConfigError: an unknown `batchiac:` key (with the nearest known one), a target other than local and aws, no
            region, or account ids that are not twelve digits.
    """
    ours = {key.partition(":")[2]: value for key, value in config.items() if key.startswith("batchiac:")}
    for key in ours:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.0)
            raise ConfigError(
                f"unknown config key batchiac:{key}: known are {', '.join('batchiac:' + k for k in KEYS)};"
                f" did you mean batchiac:{near[0]}?"
            )
    kind = ours.get("target")
    if kind not in ("local", "aws"):
        found = "nothing" if kind is None else repr(kind)
        raise ConfigError(f"batchiac:target is {found}: set it to local or aws in the stack's config")
    region = ours.get("region")
    if not isinstance(region, str) or not region:
        raise ConfigError("batchiac:region is missing: set it to the stack's AWS region, such as us-east-1")
    accounts = ours.get("allowedAccountIds") or ()
    if isinstance(accounts, str):
        try:
            accounts = json.loads(accounts)
        except json.JSONDecodeError:
            accounts = [accounts]
    if not isinstance(accounts, list | tuple):
        accounts = [accounts]
    ids = tuple(str(each).zfill(12) for each in accounts)
    for each in ids:
        if not (len(each) == 12 and each.isascii() and each.isdigit()):
            raise ConfigError(f"batchiac:allowedAccountIds has {each!r}: an account id is twelve digits, quoted")
    endpoint = ours.get("endpoint")
    if endpoint is not None and not isinstance(endpoint, str):
        raise ConfigError(f"batchiac:endpoint is {endpoint!r}: set it to an address such as http://127.0.0.1:4566")
    if kind == "local":
        endpoint = environ.get("AWS_ENDPOINT_URL") or endpoint
    suppress = ours.get("suppress") or ""
    if not isinstance(suppress, str):
        suppress = json.dumps(suppress)
    return Target(kind, region, endpoint, ids, in_process, suppress)  # type: ignore[arg-type]  # narrowed above
