"""Our own control paths beside AWS's: the clock, the faults, the stack's state, and the console page.

    GET    /_batchiac/                    the console
    GET    /_batchiac/state               what there is: clock, environments, queues, jobs by state
    POST   /_batchiac/clock               {"advance_s": 60} or {"run_until": "idle"}
    GET    /_batchiac/faults              the faults in force
    POST   /_batchiac/faults              {"kind": "throttling", "service": "batch", "times": 3}
    DELETE /_batchiac/faults[/<id>]       take one or all out of force
    POST   /_batchiac/api/<account>/<region>/<operation>   a reading operation of Batch, for the console, unsigned
    GET    /_batchiac/timeline/<account>/<region>          vCPUs, running and waiting jobs over time
    GET    /_batchiac/environment/<account>/<region>/<name>  one environment: its timeline and instances
    GET    /_batchiac/history/<account>/<region>/<job id>  a job's states, step by step
    GET    /_batchiac/log/<account>/<region>?stream=NAME[&group=NAME]   a job's log
    GET    /_batchiac/metadata/<account>/<region>/<job id>/<attempt>/<container>[/task]   ECS task metadata of real jobs

Answers are JSON; a refused request says why in `message`, with status 400. Requests that name a foreign host or origin
never get here (safety.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol
from urllib.parse import parse_qs

from batchiac.errors import UserError
from batchiac.local.api_error import ApiError
from batchiac.local.server.batch_route import answer, mutates, new_request_id, read_json_object
from batchiac.local.server.faults import Faults, check_fault
from batchiac.local.server.turn import Turn

MAX_ADVANCE_S = 10 * 366 * 86_400.0


class Stack(Protocol):
    """What the control paths ask of the local stack."""

    def now_ms(self) -> int:
        """Milliseconds since 1970 on the stack's clock."""
        ...

    def advance(self, seconds: float) -> None:
        """Let that much of the stack's time pass, with everything that happens in it."""
        ...

    def run_until_idle(self) -> None:
        """Let time pass until nothing is left to happen."""
        ...

    def clock_moves(self) -> bool:
        """True when a request may move the clock: virtual and auto."""
        ...

    def state(self) -> dict[str, Any]:
        """What there is, as JSON values."""
        ...

    def timeline(self, account: str, region: str) -> dict[str, Any]:
        """vCPUs, running and waiting jobs over time."""
        ...

    def environment(self, account: str, region: str, name: str) -> dict[str, Any]:
        """One compute environment, its timeline and its instances."""
        ...

    def history(self, account: str, region: str, job_id: str) -> dict[str, Any]:
        """A job's states, step by step."""
        ...

    def metadata(
        self, account: str, region: str, job_id: str, attempt: int, container: str, part: str
    ) -> dict[str, Any]:
        """What a job's container asks about itself; of its whole task with the part `task`."""
        ...

    def log(self, account: str, region: str, group: str, stream: str) -> dict[str, Any]:
        """The last events of a log stream; an empty group is Batch's own."""
        ...

    def looking(self) -> AbstractContextManager[None]:
        """Inside, no Describe moves an auto clock."""
        ...


class Control:
    """A WSGI application for `/_batchiac`."""

    def __init__(
        self,
        stack: Stack,
        turn: Turn,
        faults: Faults,
        handle: Callable[[str, str, str, dict[str, Any]], dict[str, Any]],
    ) -> None:
        self._stack = stack
        self._turn = turn
        self._faults = faults
        self._handle = handle

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        head, _, tail = environ.get("PATH_INFO", "").removeprefix("/_batchiac").strip("/").partition("/")
        request_id = new_request_id()
        try:
            if not head and method in ("GET", "HEAD"):
                return _page(start_response)
            action = self._actions().get((method, head))
            if action is None:
                known = ", ".join(sorted(f"{verb} /_batchiac/{name}" for verb, name in self._actions()))
                message = f"nothing answers {method} {environ.get('PATH_INFO', '')}; known are {known}"
                return answer(start_response, 404, {"message": message}, request_id, "NotFound")
            return answer(start_response, 200, action(environ, tail), request_id)
        except ApiError as refused:
            return answer(start_response, refused.status, {"message": refused.message}, request_id, refused.code)
        except UserError as refused:
            return answer(start_response, 400, {"message": refused.message}, request_id, "BadRequest")

    def _actions(self) -> Mapping[tuple[str, str], Callable[[dict[str, Any], str], dict[str, Any]]]:
        return {
            ("GET", "state"): self._state,
            ("POST", "clock"): self._clock,
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "api"): self._api,
            ("GET", "timeline"): self._timeline,
            ("GET", "environment"): self._environment,
            ("GET", "history"): self._history,
            ("GET", "log"): self._log,
            ("GET", "metadata"): self._metadata,
        }

    def _state(self, environ: dict[str, Any], tail: str) -> dict[str, Any]:
        with self._turn.quietly():
            return self._stack.state()

    def _clock(self, environ: dict[str, Any], tail: str) -> dict[str, Any]:
        wish = read_json_object(environ)
        if not self._stack.clock_moves():
            raise UserError(
                "this server's clock runs by itself: start it with --clock virtual or --clock auto to move it"
            )
        if set(wish) == {"advance_s"}:
            seconds = wish["advance_s"]
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= MAX_ADVANCE_S:
                raise UserError(f"advance_s is {seconds!r}: give seconds from 0 to {MAX_ADVANCE_S:.0f}")
            with self._turn.control({"k": "clock", "s": float(seconds)}):
                self._stack.advance(float(seconds))
        elif wish == {"run_until": "idle"}:
            with self._turn.control({"k": "clock", "s": None}):
                self._stack.run_until_idle()
        else:
            raise UserError(f'found {wish!r}: give {{"advance_s": seconds}} or {{"run_until": "idle"}}')
        return {"now_ms": self._stack.now_ms()}

    def _list_faults(self, environ: dict[str, Any], tail: str) -> dict[str, Any]:
        return {"faults": [fault.wire() for fault in self._faults.listed()]}

    def _add_fault(self, environ: dict[str, Any], tail: str) -> dict[str, Any]:
        settings = read_json_object(environ)
        kind = settings.pop("kind", None)
        if not isinstance(kind, str):
            raise UserError(f"kind is {kind!r}: name the fault's kind")
        check_fault(kind, settings)
        with self._turn.control({"k": "fault", "kind": kind, "settings": settings}):
            return self._faults.add(kind, **settings).wire()

    def _clear_faults(self, environ: dict[str, Any], tail: str) -> dict[str, Any]:
        with self._turn.control({"k": "clear", "id": tail or None}):
            self._faults.clear(tail or None)
        return self._list_faults(environ, "")

    def _api(self, environ: dict[str, Any], tail: str) -> dict[str, Any]:
        account, region, operation = _parts(tail, 3, "<operation>")
        if mutates(operation):
            raise UserError(f"{operation} is no reading operation: changes go through the signed AWS API")
        params = read_json_object(environ)
        with self._turn.batch(account, region, operation, params), self._stack.looking():
            return self._handle(account, region, operation, params)

    def _timeline(self, environ: dict[str, Any], tail: str) -> dict[str, Any]:
        account, region = _parts(tail, 2)
        with self._turn.quietly():
            return self._stack.timeline(account, region)

    def _environment(self, environ: dict[str, Any], tail: str) -> dict[str, Any]:
        account, region, name = _parts(tail, 3, "<name>")
        with self._turn.quietly():
            return self._stack.environment(account, region, name)

    def _history(self, environ: dict[str, Any], tail: str) -> dict[str, Any]:
        account, region, job_id = _parts(tail, 3, "<job id>")
        with self._turn.quietly():
            return self._stack.history(account, region, job_id)

    def _log(self, environ: dict[str, Any], tail: str) -> dict[str, Any]:
        account, region = _parts(tail, 2)
        query = parse_qs(environ.get("QUERY_STRING", ""))
        with self._turn.quietly():
            return self._stack.log(account, region, query.get("group", [""])[0], query.get("stream", [""])[0])

    def _metadata(self, environ: dict[str, Any], tail: str) -> dict[str, Any]:
        account, region, job_id, attempt, container, part = [*tail.split("/"), "", "", "", "", "", ""][:6]
        if not (attempt.isascii() and attempt.isdigit() and container):
            raise UserError(f"found {tail!r}: give <account>/<region>/<job id>/<attempt>/<container> at the path's end")
        with self._turn.quietly():
            return self._stack.metadata(account, region, job_id, int(attempt), container, part)


def _parts(tail: str, count: int, last: str = "") -> list[str]:
    parts = tail.split("/")
    if len(parts) != count or not all(parts):
        names = "/".join(("<account>", "<region>", last)[:count])
        raise UserError(f"found {tail!r}: give {names} at the end of the path")
    return parts


def _page(start_response: Callable[..., Any]) -> Iterable[bytes]:
    from importlib.resources import files

    body = files("batchiac.local.server").joinpath("console.html").read_bytes()
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-cache"),
        # The page may talk to this server only, and no page may show it in a frame.
        (
            "Content-Security-Policy",
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline';"
            " connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
        ("X-Content-Type-Options", "nosniff"),
    ]
    start_response("200 OK", headers)
    return [body]
