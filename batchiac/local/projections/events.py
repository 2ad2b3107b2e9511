"""EventBridge: Batch's events to the rules of the default bus, and rules and schedules whose target is a job queue.

Events: `Batch Job State Change` at every change (not at the submission), `Batch Job Queue Blocked`.
Source: https://docs.aws.amazon.com/batch/latest/userguide/batch_cwe_events.html.
A scheduled rule fires on the stack's clock. moto would send any event to a rule without a pattern, and raise for a
target that it does not know: both are corrected where moto sends (`install_event_targets`).
"""

from __future__ import annotations

import copy
import json
import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from moto.events.models import Rule, events_backends

from batchiac.engine.effects import Effect, JobStateChanged, QueueBlocked
from batchiac.local.api_error import ApiError
from batchiac.local.dispatch import answer
from batchiac.local.job_detail import job_detail
from batchiac.local.projections.schedule import next_fire_ms
from batchiac.local.request_shape import service_model
from batchiac.local.step_functions import to_members

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

UNIVERSAL_TARGET = ":scheduler:::aws-sdk:batch:submitJob"
_LOG = logging.getLogger(__name__)
_MARK = "_batchiac_targets"
_NOT_YET = {
    "SUBMITTED": ("startedAt", "stoppedAt"),
    "PENDING": ("startedAt", "stoppedAt"),
    "RUNNABLE": ("stoppedAt",),
    "STARTING": ("stoppedAt",),
    "RUNNING": ("stoppedAt",),
}


class Events:
    """See the module."""

    def __init__(self, batch: BatchBackend) -> None:
        self.batch = batch
        self._since: dict[tuple[str, str], int] = {}
        self._fired: dict[tuple[str, str], int] = {}
        self._told: set[str] = set()
        self._serial = 0

    # --- events -----------------------------------------------------------------------------------------------------

    def apply(self, effect: Effect) -> None:
        """See Projection."""
        if isinstance(effect, JobStateChanged):
            if self._rules() and (found := self.batch.look_up(effect.job_id)) is not None:
                detail = job_detail(self.batch, *found)
                detail["status"] = effect.status
                for key in _NOT_YET.get(effect.status, ()):
                    detail.pop(key, None)
                if effect.status_reason:
                    detail["statusReason"] = effect.status_reason
                elif effect.status not in ("SUCCEEDED", "FAILED"):
                    detail.pop("statusReason", None)
                self._send("Batch Job State Change", effect.at_ms, [detail["jobArn"]], detail)
        elif isinstance(effect, QueueBlocked):
            self._blocked(effect)

    def _blocked(self, effect: QueueBlocked) -> None:
        queue = self.batch.queues.find(effect.queue)
        found = self.batch.look_up(effect.job_id)
        if queue is not None and found is not None and self._rules():
            detail = job_detail(self.batch, *found) | {"status": "RUNNABLE", "statusReason": effect.reason}
            self._send("Batch Job Queue Blocked", effect.at_ms, [detail["jobArn"], queue.arn], detail)

    def _rules(self) -> list[Rule]:
        backend = events_backends[self.batch.account_id][self.batch.region_name]
        return list(backend.event_buses["default"].rules.values())

    def _send(self, kind: str, at_ms: int, resources: list[str], detail: Wire) -> None:
        self._serial += 1
        event = {
            "version": "0",
            "id": self.batch.new_uuid(),
            "detail-type": kind,
            "source": "aws.batch",
            "account": self.batch.account_id,
            "time": at_ms / 1000,
            "ingestion-time": at_ms / 1000,
            "region": self.batch.region_name,
            "resources": resources,
            "detail": detail,
        }
        for rule in self._rules():
            if rule.state == "ENABLED":
                rule.send_to_targets(copy.deepcopy(event))

    def reacts(self) -> bool:
        """True while a rule with a pattern has a job queue among its targets."""
        return any(
            rule.event_pattern.get_pattern() and any(":batch:" in target["Arn"] for target in rule.targets)
            for rule in self._rules()
        )

    # --- schedules --------------------------------------------------------------------------------------------------

    def next_due_ms(self) -> int | None:
        """When a rule or schedule with a Batch target fires next."""
        times = [at for key, expression, _ in self._schedules() if (at := self._next(key, expression)) is not None]
        return min(times, default=None)

    def run_due(self) -> None:
        """Fire what is due."""
        now = self.batch.now_ms()
        for key, expression, targets in self._schedules():
            due = self._next(key, expression)
            if due is not None and due <= now:
                self._fired[key] = due
                for target in targets:
                    submit_from_target(self.batch, target, None)

    def _schedules(self) -> list[tuple[tuple[str, str], str, list[Wire]]]:
        """(who and what, expression, targets) of every enabled schedule with a Batch target."""
        found = []
        for rule in self._rules():
            targets = [target for target in rule.targets if ":batch:" in target["Arn"]]
            if rule.scheduled_expression and rule.state == "ENABLED" and targets:
                found.append(((rule.arn, rule.scheduled_expression), rule.scheduled_expression, targets))
        for schedule in self._scheduler_schedules():
            if schedule.state == "ENABLED" and schedule.target["Arn"].endswith(UNIVERSAL_TARGET):
                key = (schedule.arn, schedule.schedule_expression)
                found.append((key, schedule.schedule_expression, [schedule.target]))
        return found

    def _scheduler_schedules(self) -> list[Any]:
        """EventBridge Scheduler's, where anybody has loaded it."""
        import sys

        module = sys.modules.get("moto.scheduler.models")
        if module is None:
            return []
        backend = module.scheduler_backends[self.batch.account_id][self.batch.region_name]
        return [each for group in backend.schedule_groups.values() for each in group.schedules.values()]

    def _next(self, key: tuple[str, str], expression: str) -> int | None:
        since = self._since.setdefault(key, self.batch.now_ms())
        try:
            return next_fire_ms(expression, self._fired.get(key, since), since)
        except ValueError as error:
            if expression not in self._told:
                self._told.add(expression)
                _LOG.warning("a schedule never fires: %s", error)
            return None


def submit_from_target(batch: BatchBackend, target: Wire, event: Wire | None) -> None:
    """SubmitJob as a target asks for it. A refusal is logged: EventBridge would drop the event, too.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/batch-cwe-target.html.
    """
    shape = service_model().operation_model("SubmitJob").input_shape
    if target["Arn"].endswith(UNIVERSAL_TARGET):
        request = to_members(shape, json.loads(target.get("Input") or "{}"))
    else:
        parameters = target.get("BatchParameters", {})
        request = {
            "jobName": parameters.get("JobName", ""),
            "jobDefinition": parameters.get("JobDefinition", ""),
            "jobQueue": target["Arn"],
        }
        if "ArrayProperties" in parameters:
            request["arrayProperties"] = {"size": parameters["ArrayProperties"]["Size"]}
        if "RetryStrategy" in parameters:
            request["retryStrategy"] = {"attempts": parameters["RetryStrategy"]["Attempts"]}
        given = _input_of(target, event)
        for key in ("Parameters", "ContainerOverrides"):
            if isinstance(given.get(key), dict):
                request |= to_members(shape, {key: given[key]})
    try:
        answer(batch, "SubmitJob", request)
    except ApiError as error:
        _LOG.warning("EventBridge could not submit to %s: %s", target["Arn"], error)


def _input_of(target: Wire, event: Wire | None) -> Wire:
    """The target's Input as an object; an empty one where it is none: EventBridge takes any text."""
    text = target.get("Input") or "{}"
    transformer = target.get("InputTransformer")
    if transformer and event is not None:
        text = transformed(transformer.get("InputTemplate", ""), transformer.get("InputPathsMap", {}), event)
    try:
        given = json.loads(text)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def transformed(template: str, paths: Mapping[str, str], event: Wire) -> str:
    """An input template with its `<name>` placeholders filled in: JSON outside quotes, plain text within.

    moto's own parser leaves strings without quotes, which breaks the template of AWS's own example.
    Source: https://docs.aws.amazon.com/batch/latest/userguide/batch-cwe-target.html ("S3bucket": <S3BucketValue>).
    """
    filled, quoted = [], False
    for part in re.split(r"(<[A-Za-z0-9_.-]+>)", template):
        if part.startswith("<") and part[1:-1] in paths:
            value = _at_path(event, paths[part[1:-1]])
            text = value if isinstance(value, str) and quoted else json.dumps(value)
            filled.append(json.dumps(text)[1:-1] if quoted and isinstance(value, str) else text)
        else:
            filled.append(part)
            quoted ^= len(re.findall(r'(?<!\\)"', part)) % 2 == 1
    return "".join(filled)


def _at_path(event: Wire, path: str) -> Any:
    """What stands at `$.detail.jobName`; None where nothing does."""
    value: Any = event
    for key in re.findall(r"[^.\[\]]+", path.removeprefix("$")):
        if isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def install_event_targets() -> None:
    """Have moto's rules know a job queue as a target; calling it again changes nothing."""
    if getattr(Rule, _MARK, False):
        return
    send = Rule.send_to_targets

    def send_to_targets(self: Any, original_event: Any, transform_input: bool = True) -> None:
        if self.scheduled_expression and not self.event_pattern.get_pattern():
            return
        if not self.event_pattern.matches_event(original_event):
            return
        others = [target for target in self.targets if ":batch:" not in target["Arn"]]
        for target in self.targets:
            if ":batch:" in target["Arn"]:
                _submit(self, target, original_event)
        if others:
            rest = copy.copy(self)
            rest.targets = others
            try:
                send(rest, original_event, transform_input)
            except NotImplementedError:
                _LOG.warning("rule %s has a target that moto does not deliver to", self.name)

    Rule.send_to_targets = send_to_targets
    setattr(Rule, _MARK, True)


def _submit(rule: Any, target: Wire, event: Wire) -> None:
    from batchiac.local.installation import backend_of, find_stage

    if find_stage() is not None:
        region = target["Arn"].split(":")[3] or rule.region_name
        submit_from_target(backend_of(rule.account_id, region), target, event)
