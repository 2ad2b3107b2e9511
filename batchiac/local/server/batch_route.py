"""From an HTTP request to one operation of Batch, and from its outcome to an HTTP answer.

A Batch request is one whose signature's credential scope names the service `batch`. The operation is read from method
and path by botocore's own model, so that an upgrade of botocore needs no edit here. This runs once a request, ahead of
moto's dispatcher: no regular expressions, no framework, one dictionary look-up.
"""

from __future__ import annotations

import itertools
import json
import secrets
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from attrs import frozen

from batchiac.local.api_error import ApiError, serialization_error

MAX_BODY_BYTES = 1_048_576
"""Assumption: far above every documented payload limit of Batch (30 KiB a job, 24 KiB a definition), far below harm."""

STATUS_LINES = {
    200: "200 OK",
    400: "400 Bad Request",
    403: "403 Forbidden",
    404: "404 Not Found",
    413: "413 Request Entity Too Large",
    429: "429 Too Many Requests",
    500: "500 Internal Server Error",
    502: "502 Bad Gateway",
    503: "503 Service Unavailable",
}


@frozen
class Scope:
    """What a signature says: who asks, where, of which service (`batch`, `ec2`)."""

    access_key: str
    region: str
    service: str


def read_scope(environ: dict[str, Any]) -> Scope | None:
    """The credential scope of a request signed in its header or its query; None for an unsigned or a malformed one."""
    header = environ.get("HTTP_AUTHORIZATION")
    if header:
        # AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, SignedHeaders=…, Signature=…
        start = header.find("Credential=")
        if start < 0:
            return None
        credential = header[start + 11 :].partition(",")[0].strip()
    else:
        query = environ.get("QUERY_STRING", "")
        if "X-Amz-Credential=" not in query:
            return None
        credential = parse_qs(query).get("X-Amz-Credential", [""])[0]
    parts = credential.split("/")
    if len(parts) < 5:
        return None
    return Scope("/".join(parts[:-4]), parts[-3], parts[-2].lower())


@cache
def _routes() -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str], dict[str, dict[str, str]]]:
    """Routes by whole path, by prefix (one parameter ends the path), and each operation's query parameters."""
    from batchiac.local.request_shape import service_model

    model = service_model()
    whole: dict[tuple[str, str], str] = {}
    by_prefix: dict[tuple[str, str], str] = {}
    of_query: dict[str, dict[str, str]] = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        method, uri = operation.http["method"], operation.http["requestUri"]
        head, brace, parameter = uri.partition("{")
        if not brace:
            whole[method, uri] = name
        elif parameter.count("}") == 1 and parameter.endswith("}"):
            by_prefix[method, head] = name
        else:
            raise NotImplementedError(f"the Batch model has a path with more than one parameter: {uri}")
        shape = operation.input_shape
        of_query[name] = {
            member.serialization["name"]: key
            for key, member in (shape.members.items() if shape is not None else ())
            if member.serialization.get("location") == "querystring"
        }
    return whole, by_prefix, of_query


@cache
def _path_member(operation: str) -> str:
    from batchiac.local.request_shape import service_model

    members = service_model().operation_model(operation).input_shape.members
    return next(str(key) for key, member in members.items() if member.serialization.get("location") == "uri")


@cache
def mutates(operation: str) -> bool:
    """True when the operation changes anything: every one but Describe, List and Get."""
    return not operation.startswith(("Describe", "List", "Get"))


def find_operation(method: str, path: str) -> str | None:
    """The operation that method and path mean, None when Batch has none there."""
    whole, by_prefix, _ = _routes()
    name = whole.get((method, path))
    if name is None:
        head, slash, rest = path.partition("/v1/tags/")
        if not head and rest:
            name = by_prefix.get((method, slash))
    return name


def read_call(environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The operation and its input, under the model's names, not yet checked.

    Raises:
        ApiError: no such operation, a body that is too large, not JSON, or not an object.
    """
    method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
    operation = find_operation(method, path)
    if operation is None:
        raise ApiError("UnknownOperationException", 404, f"AWS Batch has no operation at {method} {path}")
    params = read_json_object(environ)
    if method == "POST" and not path.startswith("/v1/tags/"):
        return operation, params
    prefix = "/v1/tags/"
    # WSGI: the path is decoded from its percent form, and its bytes are handed on as Latin-1.
    params[_path_member(operation)] = path[len(prefix) :].encode("latin-1", "replace").decode("utf-8", "replace")
    names = _routes()[2][operation]
    if names:
        for key, values in parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).items():
            if key in names:
                params[names[key]] = values
    return operation, params


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
"""Python's own reading of JSON takes NaN and Infinity, which no JSON has."""


def read_json_object(environ: dict[str, Any]) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty object.

    Raises:
        ApiError: too large, not UTF-8, not JSON, not an object, or nested too deep to be read.
    """
    length = environ.get("CONTENT_LENGTH") or 0
    try:
        length = int(length)
    except ValueError:
        raise serialization_error("Content-Length is not a number") from None
    if length > MAX_BODY_BYTES:
        raise ApiError(
            "RequestEntityTooLargeException", 413, f"The request has {length} bytes; {MAX_BODY_BYTES} are allowed."
        )
    body = environ["wsgi.input"].read(length) if length else b""
    if not body.strip():
        return {}
    try:
        value = _DECODER.decode(body.decode("utf-8"))
        if b"\\u" in body:
            # An escaped half of a surrogate pair is no character: nothing could write it down or send it back.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise serialization_error("The request's body is not valid JSON") from None
    if not isinstance(value, dict):
        raise serialization_error("The request's body is not a JSON object")
    return value


_SERIALS = itertools.count(1)
_PREFIX = secrets.token_hex(4) + "-" + secrets.token_hex(2) + "-4" + secrets.token_hex(2)[1:] + "-8"


def new_request_id() -> str:
    """An id of a UUID's form, different for each request of this process; no random numbers are spent on it."""
    serial = f"{next(_SERIALS):015x}"
    return f"{_PREFIX}{serial[:3]}-{serial[3:]}"


def answer(start_response: Any, status: int, payload: dict[str, Any], request_id: str, error: str = "") -> list[bytes]:
    """Send one JSON answer. `error` is the error's class, empty for a success."""
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("x-amzn-RequestId", request_id),
    ]
    if error:
        headers.append(("x-amzn-ErrorType", error))
    start_response(STATUS_LINES.get(status, f"{status} Status"), headers)
    return [body]
