"""Step Functions in the server: moto's interpreter switched on, and its executions kept across a restart.

An execution is started by a request that is in the journal, and runs in threads of its own, which call this server:
what they change is in the journal by itself, request by request. So a replay starts no execution: it makes the record
of one, and gives it the end that the journal tells (`{"k": "execution", …}`, written when it ends). One that has no end
in the journal was under way when the server died. moto's interpreter cannot take it up where it was, and to run it
again would do twice what it had done: it ends as ABORTED, and its cause says why.

Rejected: running it again with recorded answers. Its Wait states, retries and parallel branches depend on real threads,
so that the same requests do not come in the same order.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from batchiac.local.after_import import after_import

_EXECUTION = "moto.stepfunctions.parser.backend.execution"
_CLIENTS = "moto.stepfunctions.parser.asl.utils.boto_client"
_MARK = "_batchiac_kept"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

RESTARTED = "LocalStack.Restarted"
CAUSE = (
    "the local stack was restarted while this execution was running: what it had done until then is done, and its"
    " remaining states were not run"
)

Record = dict[str, Any]


class Executions:
    """The executions of this process's state machines.

    Args:
        address: of this server, which the interpreter calls.

    Attributes:
        record: set once the server runs: writes what has ended into the journal.
    """

    def __init__(self, address: str) -> None:
        self.record: Callable[[Record], None] | None = None
        self._address = address
        self._held: dict[str, Any] = {}
        self._replaying = False
        _current[:] = [self]

    def install(self, port: int) -> None:
        """Switch the interpreter on; its modules are corrected when they are loaded."""
        from moto.core.config import default_user_config

        os.environ["MOTO_PORT"] = str(port)
        default_user_config["stepfunctions"] = {"execute_state_machine": True}
        after_import(_CLIENTS, _correct_clients)
        after_import(_EXECUTION, _correct_execution)

    def begin_replay(self) -> None:
        """From now on executions are made and not run."""
        self._replaying = True

    def end_replay(self, at_ms: int) -> list[Record]:
        """From now on executions run. What was under way has ended now; the records that say so.

        Args:
            at_ms: the machine's time.
        """
        self._replaying = False
        ended = []
        for arn in list(self._held):
            record = {
                "k": "execution",
                "arn": arn,
                "status": "ABORTED",
                "stop": at_ms,
                "output": None,
                "error": RESTARTED,
                "cause": CAUSE,
                "history": [],
            }
            self.restore(record)
            ended.append(record)
        return ended

    def restore(self, record: Record) -> None:
        """Give an execution that a replay has made the end that it had; one that is not there any more is no error."""
        execution = self._held.pop(record["arn"], None)
        if execution is None:
            return
        status = type(execution.exec_status)
        execution.exec_status = status(record["status"])
        execution.stop_date = _moment(record["stop"])
        execution.output = record["output"]
        execution.error = record["error"]
        execution.cause = record["cause"]
        history = record["history"]
        if record["error"] == RESTARTED and not history:
            history = [_aborted(record)]
        events = [{**event, "timestamp": _moment(event["timestamp"])} for event in history]
        execution.exec_worker.env.event_manager.get_event_history = lambda: events

    # --- what moto's executions ask -----------------------------------------------------------------------------------

    def hold(self, execution: Any) -> bool:
        """True where an execution is not to run: a replay makes it."""
        from moto.core.utils import utcnow

        execution.start_date = utcnow().replace(tzinfo=UTC)
        if self._replaying:
            execution.exec_worker = _Stopped()
            self._held[execution.exec_arn] = execution
        return self._replaying

    def ended(self, execution: Any) -> None:
        """An execution that ran has ended."""
        if self.record is None:
            return
        events = execution.exec_worker.env.event_manager.get_event_history()
        record = {
            "k": "execution",
            "arn": execution.exec_arn,
            "status": execution.exec_status.value,
            "stop": _ms(execution.stop_date),
            "output": execution.output,
            "error": execution.error,
            "cause": execution.cause,
            "history": [{**event, "timestamp": _ms(event["timestamp"])} for event in events],
        }
        # moto's values are dictionaries and enumerations that are text: plain JSON is what comes back.
        self.record(json.loads(json.dumps(record, default=str)))

    def close(self) -> None:
        """The server ends: what still runs is nobody's."""
        self.record = None
        if _current == [self]:
            _current.clear()

    def client(self, module: Any, service: str, region: str) -> Any:
        """What a state machine calls a service with: this server, wherever it is bound to."""
        return module.boto3.client(
            service_name=service,
            region_name=region,
            endpoint_url=self._address,
            aws_access_key_id="ak",
            aws_secret_access_key="sk",
            config=module.Config(parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=600),
        )


_current: list[Executions] = []
"""The server's, where this process is one."""


class _Stopped:
    """In place of a worker: nothing runs, nothing can be told."""

    def __init__(self) -> None:
        self.env = SimpleNamespace(
            event_manager=SimpleNamespace(get_event_history=list),
            callback_pool_manager=SimpleNamespace(
                notify=lambda **_: False,
                heartbeat=lambda **_: False,
            ),
        )

    def stop(self, **_: Any) -> None:
        """It is stopped."""


def _aborted(record: Record) -> Record:
    details = {"error": record["error"], "cause": record["cause"]}
    return {
        "timestamp": record["stop"],
        "type": "ExecutionAborted",
        "id": 1,
        "previousEventId": 0,
        "executionAbortedEventDetails": details,
    }


def _correct_execution(module: Any) -> None:
    execution, ending = module.Execution, module.BaseExecutionWorkerCommunication
    if getattr(execution, _MARK, False):
        return
    start, terminated = execution.start, ending.terminated

    def start_unless_held(self: Any) -> None:
        if _current and not isinstance(self, module.SyncExecution) and _current[0].hold(self):
            self.exec_status = module.ExecutionStatus.RUNNING
            return
        start(self)

    def terminated_and_told(self: Any) -> None:
        terminated(self)
        if _current and not isinstance(self.execution, module.SyncExecution):
            _current[0].ended(self.execution)

    execution.start = start_unless_held
    ending.terminated = terminated_and_told
    setattr(execution, _MARK, True)


def _correct_clients(module: Any) -> None:
    if getattr(module, _MARK, False):
        return

    original = module.boto_client_for

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        if not _current:
            return original(region, service, state_credentials)
        return _current[0].client(module, service, region)

    module.boto_client_for = boto_client_for
    setattr(module, _MARK, True)


def _moment(kept: Any) -> Any:
    return datetime.fromtimestamp(kept / 1000, UTC) if isinstance(kept, int | float) else kept


def _ms(moment: Any) -> Any:
    """Whole milliseconds, as an answer shows them; moto has some of its moments as text already."""
    return (moment - _EPOCH) // timedelta(milliseconds=1) if isinstance(moment, datetime) else moment
