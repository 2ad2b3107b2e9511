"""Schedules on the stack's clock: when each fires, and EventBridge Scheduler's own kind with its targets.

Batch has no templated target there: a job is submitted through the universal one,
`arn:aws:scheduler:::aws-sdk:batch:submitJob`, whose Input is the request; any other changing operation of Batch works
the same way. The templated targets (SQS, SNS, Lambda, Step Functions …) are those of targets.py.
Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html.

A schedule is told apart by `key`, which holds when it was made or changed: a changed one begins anew, and one that was
disabled does not make up for what it missed.
"""

from __future__ import annotations

import json
import logging
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from batchiac.local.after_import import after_import
from batchiac.local.projections.event_input import object_in
from batchiac.local.projections.schedule import next_fire_ms, require_schedule
from batchiac.local.projections.targets import Delivery, batch_request, deliver
from batchiac.local.request_shape import service_model

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

UNIVERSAL_BATCH = ":scheduler:::aws-sdk:batch:"
_SINCE = "_batchiac_since_ms"
_MARK = "_batchiac_scheduler"
_MODULE = "moto.scheduler.models"
_LOG = logging.getLogger(__name__)


@frozen(kw_only=True)
class Due:
    """One schedule that is enabled.

    Attributes:
        key: who it is, and since when as it is now.
        since_ms: when it was made, changed or enabled; None takes the moment at which it is first seen.
        fire: does what it is for, as at a moment (ms).
        zone: of the time zone database.
        start_ms, end_ms: it fires at no other time.
        at_once: a rate fires at its start already.
        window_ms: it fires at any moment of so long a time after it is due.
        complete: called when it has fired for the last time.
    """

    key: tuple[Any, ...]
    expression: str
    since_ms: int | None
    fire: Callable[[int], None]
    zone: str = "UTC"
    start_ms: int | None = None
    end_ms: int | None = None
    at_once: bool = False
    window_ms: int = 0
    complete: Callable[[], None] | None = None


class Schedules:
    """When schedules fire, and that each does so once. `read` gives those that are enabled now."""

    def __init__(self, read: Callable[[], list[Due]]) -> None:
        self._read = read
        self._seen: dict[tuple[Any, ...], int] = {}
        self._fired: dict[tuple[Any, ...], int] = {}
        self._told: set[str] = set()

    def next_due_ms(self, now_ms: int) -> int | None:
        """When any fires next."""
        return min((at for due in self._read() if (at := self._at(due, now_ms)[1]) is not None), default=None)

    def run_due(self, now_ms: int) -> None:
        """Fire those that are due; each once, however late it is."""
        for due in self._read():
            planned, at_ms = self._at(due, now_ms)
            if planned is None or at_ms is None or at_ms > now_ms:
                continue
            self._fired[due.key] = planned
            due.fire(planned)
            if due.complete is not None and self._at(due, now_ms)[0] is None:
                due.complete()

    def _at(self, due: Due, now_ms: int) -> tuple[int | None, int | None]:
        """When it is due next, and when within its window it fires."""
        since = due.since_ms if due.since_ms is not None else self._seen.setdefault(due.key, now_ms)
        start = max(since, due.start_ms or 0)
        # `after` is never met itself: a start is, where the expression says so.
        after = self._fired.get(due.key, start - 1 if due.at_once else start)
        try:
            planned = next_fire_ms(due.expression, after, start, due.zone, at_once=due.at_once)
        except ValueError as error:
            if due.expression not in self._told:
                self._told.add(due.expression)
                _LOG.warning("a schedule never fires: %s", error)
            return None, None
        if planned is None or (due.end_ms is not None and planned > due.end_ms):
            return None, None
        return planned, planned + _offset_ms(due, planned)


def _offset_ms(due: Due, planned_ms: int) -> int:
    """Where in its window a schedule fires: drawn from who it is and when, so that it is the same each time."""
    if not due.window_ms:
        return 0
    return random.Random(f"{due.key}:{planned_ms}").randrange(due.window_ms)


# --- EventBridge Scheduler --------------------------------------------------------------------------------------------


def due_schedules(batch: BatchBackend) -> list[Due]:
    """Those of EventBridge Scheduler in Batch's account and region; none while nobody has loaded it."""
    module = sys.modules.get(_MODULE)
    if module is None:
        return []
    backend = module.scheduler_backends[batch.account_id][batch.region_name]
    return [
        _due(batch, group, schedule)
        for group in backend.schedule_groups.values()
        for schedule in group.schedules.values()
        if schedule.state == "ENABLED"
    ]


def _due(batch: BatchBackend, group: Any, schedule: Any) -> Due:
    window = schedule.flexible_time_window or {}
    minutes = window.get("MaximumWindowInMinutes", 0) if window.get("Mode") == "FLEXIBLE" else 0
    # "EventBridge Scheduler ignores StartDate for one-time schedules", and EndDate as well.
    recurs = not schedule.schedule_expression.startswith("at(")

    def complete() -> None:
        if schedule.action_after_completion == "DELETE":
            group.schedules.pop(schedule.name, None)

    return Due(
        key=(schedule.arn, schedule.schedule_expression, getattr(schedule, _SINCE, 0)),
        expression=schedule.schedule_expression,
        since_ms=getattr(schedule, _SINCE, None),
        fire=lambda at_ms: _fire(batch, schedule, at_ms),
        zone=schedule.schedule_expression_timezone,
        start_ms=_milliseconds(schedule.start_date) if recurs else None,
        end_ms=_milliseconds(schedule.end_date) if recurs else None,
        at_once=True,
        window_ms=minutes * 60_000,
        complete=complete,
    )


def _milliseconds(moment: Any) -> int | None:
    """What StartDate and EndDate are in moto: seconds since 1970 as the request had them, or nothing."""
    return None if moment is None else round(float(moment) * 1000)


def _fire(batch: BatchBackend, schedule: Any, at_ms: int) -> None:
    """Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html."""
    execution = batch.new_uuid()
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    attributes = {
        "<aws.scheduler.schedule-arn>": schedule.arn,
        "<aws.scheduler.scheduled-time>": moment,
        "<aws.scheduler.execution-id>": execution,
        "<aws.scheduler.attempt-number>": "1",
    }
    text = schedule.target.get("Input") or _default_input(schedule, execution, moment)
    for name, value in attributes.items():
        text = text.replace(name, value)
    delivery = Delivery(
        target=schedule.target,
        text=text,
        event={},
        id=execution,
        at_ms=at_ms,
        account=batch.account_id,
        source_arn=schedule.arn,
    )
    deliver(delivery)


def _default_input(schedule: Any, execution: str, moment: str) -> str:
    """What a templated target is handed where the schedule has no Input."""
    _, _, _, region, account, _ = schedule.arn.split(":", 5)
    event = {
        "version": "0",
        "id": execution,
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": account,
        "time": moment,
        "region": region,
        "resources": [schedule.arn],
        "detail": "{}",
    }
    return json.dumps(event, separators=(",", ":"))


def universal(delivery: Delivery) -> None:
    """A universal target: the operation that its ARN names, with the schedule's Input as its request."""
    from batchiac.local.projections.targets import UndeliveredError
    from batchiac.local.step_functions import to_members

    _, _, action = delivery.arn.partition(UNIVERSAL_BATCH)
    operation = action[:1].upper() + action[1:]
    model = service_model()
    if not action or operation not in model.operation_names or operation.startswith(("Describe", "List", "Get")):
        called = delivery.arn.rpartition("aws-sdk:")[2]
        raise UndeliveredError("UNSUPPORTED_TARGET", f"this stack calls no {called} for a schedule")
    request = to_members(model.operation_model(operation).input_shape, object_in(delivery.text))
    batch_request(delivery.place, operation, request)


# --- moto's side ------------------------------------------------------------------------------------------------------


def present_ms() -> int | None:
    """The stack's present; None where no stack is installed."""
    from batchiac.local.installation import find_stage

    stage = find_stage()
    return None if stage is None else stage.clock.now_ms()


def install_scheduler() -> None:
    """Have moto's Scheduler, when it is loaded, refuse what is no schedule and note when each was made."""
    after_import(_MODULE, _correct)


def _correct(module: Any) -> None:
    schedule = module.Schedule
    if getattr(schedule, _MARK, False):
        return
    begin, update = schedule.__init__, schedule.update

    def begin_now(self: Any, *arguments: Any, **options: Any) -> None:
        _require(module, options)
        begin(self, *arguments, **options)
        setattr(self, _SINCE, present_ms())

    def update_now(self: Any, *arguments: Any, **options: Any) -> None:
        _require(module, options)
        update(self, *arguments, **options)
        self.state = self.state or "ENABLED"
        setattr(self, _SINCE, present_ms())

    schedule.__init__ = begin_now
    schedule.update = update_now
    setattr(schedule, _MARK, True)


def _require(module: Any, options: Wire) -> None:
    expression, zone = options["schedule_expression"], options.get("schedule_expression_timezone") or "UTC"
    try:
        require_schedule(expression, zone)
    except ValueError as error:
        what = (
            f"The ScheduleExpressionTimezone {zone} is not supported."
            if "time zone" in str(error)
            else f"Invalid Schedule Expression {expression}."
        )
        raise module.ValidationException(what) from None
