"""HTTP to `dispatch` and back: rest-json, as AWS Batch speaks it.

`respond` needs method, path, query and body only, so that moto's mock and the server share it. It never raises: what
is not a refusal of ours comes back as AWS's own `ServerException` (500), with its traceback in the log.
"""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import parse_qs, unquote

from batchiac.local.api_error import ApiError, serialization_error
from batchiac.local.dispatch import handle
from batchiac.local.server.batch_route import MAX_BODY_BYTES, find_operation

Response = tuple[int, dict[str, str], bytes]

_LOG = logging.getLogger(__name__)
_TAGS_PREFIX = "/v1/tags/"


def read_params(operation: str, path: str, query: str, body: bytes) -> object:
    """The operation's input out of body, path and query string.

    Args:
        path: still percent-encoded, as it came over the wire.

    Raises:
        ApiError: the body is too large or no JSON.
    """
    if len(body) > MAX_BODY_BYTES:
        raise ApiError("RequestEntityTooLargeException", 413, f"Request size exceeded {MAX_BODY_BYTES} bytes")
    params: Any = {}
    if body:
        try:
            params = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise serialization_error("The request body is not valid JSON") from error
    if path.startswith(_TAGS_PREFIX):
        if not isinstance(params, dict):
            raise serialization_error("The request body must be a JSON object")
        params["resourceArn"] = unquote(path[len(_TAGS_PREFIX) :])
        if operation == "UntagResource":
            params["tagKeys"] = parse_qs(query, keep_blank_values=True).get("tagKeys", [])
    return params


def respond(account: str, region: str, method: str, path: str, query: str, body: bytes, request_id: str) -> Response:
    """Status, headers and body of the answer to one request.

    Args:
        request_id: what `x-amzn-RequestId` says.
    """
    try:
        operation = find_operation(method, path)
        if operation is None:
            raise ApiError("UnknownOperationException", 404, f"Batch has no operation {method} {path}")
        result = handle(account, region, operation, read_params(operation, path, query, body))
        return 200, _headers(request_id), json.dumps(result).encode()
    except ApiError as error:
        return error_response(error, request_id)
    except Exception:
        _LOG.exception("%s %s failed: this is a bug of batchiac", method, path)
        return error_response(ApiError("ServerException", 500, "An internal error occurred."), request_id)


def error_response(error: ApiError, request_id: str) -> Response:
    """An error in rest-json: the class in a header, the text in the body."""
    headers = _headers(request_id) | {"x-amzn-ErrorType": error.code}
    return error.status, headers, json.dumps({"__type": error.code, "message": error.message}).encode()


def _headers(request_id: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "x-amzn-RequestId": request_id}
