"""Batch for moto's in-process mock: the URLs that it takes over, and how their requests are answered.

moto matches a request against the patterns of a backend's `urls` and calls the responder with its request, URL and
headers. Ours takes account and region from where moto takes them, and hands on to `wire.respond`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from batchiac.local.server.accounts import find_account
from batchiac.local.server.batch_route import new_request_id
from batchiac.local.wire import respond

URL_BASES = (r"https?://batch\.(.+)\.amazonaws\.com",)
_SUFFIXES = ("amazonaws.com", "amazonaws.com.cn")
_HOST_REGION = re.compile(r"^batch(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws|api\.aws)")
_ACCESS_KEY = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/")


@cache
def urls() -> dict[str, Any]:
    """Patterns of whole URLs."""
    return {rf"https?://batch\.(.+)\.{re.escape(suffix)}/v1/.+": respond_to_moto for suffix in _SUFFIXES}


@cache
def url_paths() -> dict[str, Any]:
    """Patterns of paths, for moto's own server. Two levels are enough for every path of Batch's."""
    return {
        "/v1/tags/(?P<arn_1>[^/]+)/(?P<arn_2>[^/]+)/?$": respond_to_moto,
        "/v1/tags/(?P<arn>[^/]+)/?$": respond_to_moto,
        "/v1/(?P<operation>[^/]+)/?$": respond_to_moto,
    }


def respond_to_moto(request: Any, full_url: str, headers: Any) -> tuple[int, dict[str, str], bytes]:
    """moto's signature of a responder.

    Args:
        request: moto's request (a werkzeug one, or botocore's prepared one).
        full_url: as it came, percent-encoded.
        headers: of the request.
    """
    parts = urlsplit(full_url)
    body = request.data if hasattr(request, "data") else request.body
    if isinstance(body, str):
        body = body.encode()
    authorization = headers.get("Authorization", "")
    if isinstance(authorization, bytes):
        authorization = authorization.decode("latin-1")
    signed = _ACCESS_KEY.search(authorization)
    host = _HOST_REGION.match(parts.hostname or "")
    region = host[1] if host else signed[2] if signed else "us-east-1"
    environ = {"HTTP_X_MOTO_ACCOUNT_ID": headers.get("x-moto-account-id")}
    account = find_account(signed[1] if signed else "", environ)
    return respond(account, region, request.method, parts.path, parts.query, body or b"", new_request_id())
