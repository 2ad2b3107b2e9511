"""The server's one WSGI application.

The way of a request: our control paths (`/_batchiac/…`) first; then Batch, known by the credential scope of the
signature; then moto for every other service. Everything that changes state takes the *turn*, so that there is one order
of changes, which the journal writes down before the answer goes out. Reads of Batch take it too: the engine moves its
clock when it is asked, and has no threads. What calls this server back before it ends (moto's state machines) does not.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from batchiac.errors import StateError
from batchiac.local.api_error import ApiError
from batchiac.local.server.accounts import find_account
from batchiac.local.server.batch_route import Scope, answer, find_operation, new_request_id, read_call, read_scope
from batchiac.local.server.control import Control
from batchiac.local.server.faults import Faults, LostAnswerError
from batchiac.local.server.moto_route import MotoApplication, calls_back, refuse
from batchiac.local.server.safety import Gate
from batchiac.local.server.turn import Turn

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Handle = Callable[[str, str, str, dict[str, Any]], dict[str, Any]]


class LocalStackApplication:
    """Batch, moto and the control paths behind one address.

    Args:
        handle: `batchiac.local.dispatch.handle`: (account, region, operation, params) → the operation's output.
        turn: the order of changes, and the journal.
        gate: refuses foreign hosts and pages: strictly on the control paths, and everywhere when `gate_all`.
        gate_all: True while jobs run as real processes.
    """

    def __init__(
        self,
        handle: Handle,
        turn: Turn,
        moto: MotoApplication,
        control: Control,
        faults: Faults,
        gate: Gate,
        *,
        gate_all: bool = False,
    ) -> None:
        self._handle = handle
        self._turn = turn
        self._moto = moto
        self._control = control
        self._faults = faults
        self._gate = gate
        self._gate_all = gate_all

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        ours = path == "/_batchiac" or path.startswith("/_batchiac/")
        # moto has a control path of its own, which forgets everything when asked to.
        strictly = ours or self._gate_all or path.startswith("/moto-api")
        refused = self._gate.refusal(environ) if strictly else self._gate.foreign_page(environ)
        if refused:
            return refuse(environ, start_response, 403, "AccessDenied", refused)
        if ours:
            return self._control(environ, start_response)
        scope = read_scope(environ)
        if scope is not None and scope.service == "batch":
            return self._batch(environ, start_response, scope)
        if scope is None and path.startswith("/v1/") and find_operation(environ["REQUEST_METHOD"], path):
            error = "MissingAuthenticationTokenException"
            return answer(start_response, 403, {"message": "Missing Authentication Token"}, new_request_id(), error)
        return self._other(environ, start_response, scope)

    def _batch(self, environ: dict[str, Any], start_response: Callable[..., Any], scope: Scope) -> Iterable[bytes]:
        request_id = new_request_id()
        try:
            operation, params = read_call(environ)
            self._faults.before("batch", operation)
            account = find_account(scope.access_key, environ)
            with self._turn.batch(account, scope.region, operation, params):
                result = self._handle(account, scope.region, operation, params)
            self._faults.after("batch", operation)
        except ApiError as refusal:
            return answer(start_response, refusal.status, {"message": refusal.message}, request_id, refusal.code)
        except LostAnswerError:
            return _drop(environ, start_response)
        except Exception:  # the edge of the server: our bug must reach the client well-formed, and us with its trace
            traceback.print_exc(file=sys.stderr)
            text = f"batchiac failed at this request ({request_id}); its traceback is in the server's output"
            return answer(start_response, 500, {"message": text}, request_id, "ServerException")
        return answer(start_response, 200, result, request_id)

    def _other(
        self, environ: dict[str, Any], start_response: Callable[..., Any], scope: Scope | None
    ) -> Iterable[bytes]:
        service = scope.service if scope is not None else ""
        try:
            action = self._faults.before_http(service, environ)
        except ApiError as refusal:
            return refuse(environ, start_response, refusal.status, refusal.code, refusal.message)
        try:
            if calls_back(service, environ):
                body = self._moto(environ, start_response)
            else:
                with self._turn.http(service, environ) as answered:

                    def start(status: str, headers: Any, exc_info: Any = None) -> Any:
                        answered(status)
                        return start_response(status, headers, exc_info)

                    body = self._moto(environ, start)
        except StateError as error:
            # moto has given its answer, and the journal could not be written: this one takes its place.
            return refuse(
                environ, partial(start_response, exc_info=sys.exc_info()), 500, "InternalFailure", error.message
            )
        try:
            self._faults.after(service, action)
        except LostAnswerError:
            return _drop(environ, start_response)
        return body


def _drop(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Break the connection: the effect has happened, and the client does not learn of it."""
    environ["batchiac.drop"]()
    start_response("200 OK", [("Content-Length", "0")])
    return []
