"""Every service but Batch: moto's dispatcher, mounted behind ours, with answers that AWS could have given.

moto's server runs Flask in debug mode, where an action that moto lacks ends as a plain 500 with a traceback. A client
retries a 500, and shows nothing of use. Here it is one well-formed error, in the protocol of the request, with the
status 501 that no SDK retries.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any
from xml.sax.saxutils import escape

from batchiac.local.server.batch_route import new_request_id, read_scope

WARM_SERVICES = ("ec2", "iam", "ssm", "sts")
"""What `batchiac up` of a stack calls first: what is not loaded yet of their models and answers, and moto's front, is
loaded in the background. Docs: decision 0201."""

_CALLING_BACK = frozenset({"StartSyncExecution", "TestState"})


def calls_back(service: str, environ: dict[str, Any]) -> bool:
    """True for requests of moto that call this server again before they end: they must not hold the turn."""
    if service == "states":
        return str(environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2] in _CALLING_BACK
    return service == "execute-api" or (service == "lambda" and environ["PATH_INFO"].endswith("/invocations"))


class MotoApplication:
    """A WSGI application: moto's servers for all services, loaded when first needed."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._loading = threading.Lock()
        self._dispatcher: Any = None

    def warm(self, turn: Callable[[], AbstractContextManager[None]]) -> threading.Thread:
        """Load moto and the services of `WARM_SERVICES` in a thread of its own, while requests are served already.

        Args:
            turn: taken while a service's first region is made: that draws from moto's generator, and must not do so
                in the middle of a request.
        """
        thread = threading.Thread(target=self._warm, args=(turn,), name="batchiac-warm", daemon=True)
        thread.start()
        return thread

    def _warm(self, turn: Callable[[], AbstractContextManager[None]]) -> None:
        dispatcher = self._load()
        for service in WARM_SERVICES:
            importlib.import_module(f"moto.{service}.models")
            importlib.import_module(f"moto.{service}.responses")
            with turn(), dispatcher.lock:
                if service not in dispatcher.app_instances:
                    dispatcher.app_instances[service] = dispatcher.create_app(service)

    def _load(self) -> Any:
        if not self._ready.is_set():
            with self._loading:
                if self._dispatcher is None:
                    from moto import backends
                    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

                    from batchiac.local.additions import install_additions

                    install_additions()
                    # moto goes through its folder twice at each request: 170 entries, each asked for its kind.
                    modules = frozenset(backends.list_of_moto_modules())
                    setattr(backends, "list_of_moto_modules", lambda: modules)  # noqa: B010
                    self._dispatcher = DomainDispatcherApplication(create_backend_app)
                self._ready.set()
        return self._dispatcher

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            body: Iterable[bytes] = self._load()(environ, start_response)
            return body
        except NotImplementedError as missing:
            return refuse(environ, start_response, 501, "NotImplemented", f"the local stack lacks this: {missing}")
        except Exception as error:  # the edge of moto: its bug must not end our server's answer
            traceback.print_exc(file=sys.stderr)
            return refuse(environ, start_response, 500, "InternalFailure", f"moto failed: {error!r}")


def refuse(
    environ: dict[str, Any], start_response: Callable[..., Any], status: int, code: str, message: str
) -> list[bytes]:
    """One error in the protocol of the request: JSON where it sent JSON, XML otherwise (S3 has a form of its own)."""
    request_id = new_request_id()
    content_type = environ.get("CONTENT_TYPE", "")
    if "json" in content_type or "cbor" in content_type:
        kind = "application/json"
        body = json.dumps({"__type": code, "message": message, "Message": message}).encode()
    else:
        kind = "text/xml"
        text = escape(re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]", "?", message))
        scope = read_scope(environ)
        if scope is not None and scope.service == "s3":
            inner = f"<Code>{code}</Code><Message>{text}</Message><RequestId>{request_id}</RequestId>"
            body = f"<Error>{inner}</Error>".encode()
        else:
            body = (
                f"<Response><Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors>"
                f"<RequestID>{request_id}</RequestID></Response>"
            ).encode()
    reasons = {400: "Bad Request", 403: "Forbidden", 500: "Internal Server Error", 501: "Not Implemented"}
    start_response(
        f"{status} {reasons.get(status, 'Error')}",
        [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("x-amzn-RequestId", request_id),
            ("x-amzn-ErrorType", code),
        ],
    )
    return [body]
