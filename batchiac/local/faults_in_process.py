"""Faults of requests in the in-process stack, where no server stands between a client and moto.

moto answers botocore's requests in one function: it is wrapped, and asks the faults of the stack that runs. A lost
answer is what a broken connection is to botocore, `ConnectionClosedError`, which its retries know.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from urllib.parse import urlsplit

from batchiac.local.api_error import ApiError
from batchiac.local.server.batch_route import find_operation, new_request_id, read_scope
from batchiac.local.server.faults import Faults, LostAnswerError, read_action
from batchiac.local.wire import error_response

_MARK = "_batchiac_faults"
_running: list[Faults] = []
"""Of the stacks that run in this process; the last one's hold."""
_IN_TURN = frozenset({"ec2", "iam"})
"""Services that answer one request at a time: a deployment calls them from many threads, moto is not written for them
(one deletes a role while another goes through the roles), and nothing in them waits for another request."""
_turn_lock = threading.RLock()


def begin_faults(faults: Faults) -> None:
    """Have every client of this process meet these faults, until `end_faults`."""
    _install()
    _running.append(faults)


def end_faults(faults: Faults) -> None:
    """See `begin_faults`."""
    _running.remove(faults)


@contextmanager
def meeting(faults: Faults, service: str, operation: str) -> Iterator[None]:
    """Around a request that no HTTP carries.

    Raises:
        ApiError: it is throttled, or meets a server error.
        ConnectionClosedError: its answer is lost, after the effect.
    """
    faults.before(service, operation)
    yield
    try:
        faults.after(service, operation)
    except LostAnswerError:
        raise _closed(f"{service}:{operation}") from None


def _closed(where: str) -> Exception:
    from botocore.exceptions import ConnectionClosedError

    closed: Exception = ConnectionClosedError(endpoint_url=where)
    return closed


def _install() -> None:
    from moto.core.botocore_stubber import BotocoreStubber

    if getattr(BotocoreStubber, _MARK, False):
        return
    BotocoreStubber.__call__ = _meeting_faults(BotocoreStubber.__call__)
    setattr(BotocoreStubber, _MARK, True)


def _meeting_faults(call: Callable[..., Any]) -> Callable[..., Any]:
    def answer(self: Any, event_name: str, request: Any, **options: Any) -> Any:
        faults = _running[-1] if _running else None
        if faults is None or not self.enabled or not faults.any_of_requests:
            with _turn(request):
                return call(self, event_name, request, **options)
        environ = _environ_of(request)
        scope = read_scope(environ)
        service = scope.service if scope is not None else ""
        if service == "batch":
            operation = find_operation(environ["REQUEST_METHOD"], environ["PATH_INFO"]) or ""
        else:
            operation = read_action(environ)
        try:
            faults.before(service, operation)
            with _turn(request):
                answered = call(self, event_name, request, **options)
            faults.after(service, operation)
        except ApiError as error:
            return _response(request.url, *_refusal(service, environ, error))
        except LostAnswerError:
            raise _closed(request.url) from None
        return answered

    return answer


def _turn(request: Any) -> AbstractContextManager[Any]:
    service = (urlsplit(request.url).hostname or "").partition(".")[0]
    return _turn_lock if service in _IN_TURN else nullcontext()


def _environ_of(request: Any) -> dict[str, Any]:
    """botocore's request as WSGI has it: what faults look at."""

    def header(name: str) -> str:
        value = request.headers.get(name, "")
        return value.decode("latin-1") if isinstance(value, bytes) else str(value)

    parts = urlsplit(request.url)
    body = request.body or b""
    data = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""
    return {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "HTTP_AUTHORIZATION": header("Authorization"),
        "HTTP_X_AMZ_TARGET": header("X-Amz-Target"),
        "CONTENT_TYPE": header("Content-Type"),
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.input": io.BytesIO(data),
    }


def _refusal(service: str, environ: dict[str, Any], error: ApiError) -> tuple[int, dict[str, str], bytes]:
    if service == "batch":
        return error_response(error, new_request_id())
    from batchiac.local.server.moto_route import refuse

    sent: list[dict[str, str]] = []
    body = refuse(environ, lambda status, headers: sent.append(dict(headers)), error.status, error.code, error.message)
    return error.status, sent[0], b"".join(body)


def _response(url: str, status: int, headers: dict[str, str], body: bytes) -> Any:
    from botocore.awsrequest import AWSResponse
    from moto.core.botocore_stubber import MockRawResponse

    return AWSResponse(url, status, headers, MockRawResponse(body))
