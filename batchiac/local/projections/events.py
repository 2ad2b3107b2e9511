"""EventBridge: Batch's events to the rules of the default bus, and rules on a schedule.

Events: `Batch Job State Change` at every change (not at the submission), `Batch Job Queue Blocked`, `Batch Service Job
Queue Blocked`, `Batch Service Job Preemption Started` and `… Completed`. Planned lifecycle events are AWS Health's
(source `aws.health`): Batch sends none, and neither does this.
Source: https://docs.aws.amazon.com/batch/latest/userguide/batch_cwe_events.html.
moto would send any event to a rule without a pattern or a disabled one, knows few kinds of target, and takes any
schedule: all of that is corrected where moto sends and where it takes a rule (`install_event_targets`).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend, Rule, events_backends

from batchiac.engine.effects import Effect, JobStateChanged, QueueBlocked, ServiceJobPreempted, ServiceQueueBlocked
from batchiac.local.job_detail import job_detail
from batchiac.local.operations.service_job import detail_of as service_job_detail
from batchiac.local.operations.service_job import preemption_summary
from batchiac.local.projections.as_of import view_as_of
from batchiac.local.projections.event_input import event_as_sent, target_text
from batchiac.local.projections.schedule import require_rule_expression
from batchiac.local.projections.scheduler import Due, Schedules, due_schedules, install_scheduler, present_ms
from batchiac.local.projections.targets import Delivery, deliver

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

_MARK = "_batchiac_targets"
_SINCE = "_batchiac_since_ms"
_COMMANDING = (":batch:", ":event-bus/", ":states:")
"""Targets through which an event may lead to a job at that very moment."""


class Events:
    """See the module."""

    def __init__(self, batch: BatchBackend) -> None:
        self.batch = batch
        self._schedules = Schedules(self._due)

    # --- events -----------------------------------------------------------------------------------------------------

    def apply(self, effect: Effect) -> None:
        """See Projection."""
        if isinstance(effect, JobStateChanged):
            if self._rules() and (found := self.batch.look_up(effect.job_id)) is not None:
                record, view = found
                counted = self.batch.engine.settings.start_failure_uses_attempt
                begun = effect.attempt if counted else None
                then = view_as_of(view, effect.status, effect.status_reason, effect.at_ms, begun)
                detail = job_detail(self.batch, record, then)
                self._send("Batch Job State Change", effect.at_ms, [detail["jobArn"]], detail)
        elif isinstance(effect, QueueBlocked):
            self._blocked(effect)
        elif isinstance(effect, ServiceQueueBlocked):
            self._service_blocked(effect)
        elif isinstance(effect, ServiceJobPreempted):
            self._preempted(effect)

    def _blocked(self, effect: QueueBlocked) -> None:
        queue = self.batch.queues.find(effect.queue)
        found = self.batch.look_up(effect.job_id)
        if queue is not None and found is not None and self._rules():
            record, view = found
            detail = job_detail(self.batch, record, view_as_of(view, "RUNNABLE", effect.reason, effect.at_ms, None))
            self._send("Batch Job Queue Blocked", effect.at_ms, [detail["jobArn"], queue.arn], detail)

    def _service_blocked(self, effect: ServiceQueueBlocked) -> None:
        """ "The tags and serviceRequestPayload fields are not included in the event detail"; the resource is the job.

        Source: https://docs.aws.amazon.com/batch/latest/userguide/batch-service-job-queue-blocked-events.html, read
        2026-11-21.
        """
        record = self.batch.service_jobs.get(effect.job_id)
        if record is None or not self._rules():
            return
        detail = service_job_detail(self.batch, record)
        for key in ("tags", "serviceRequestPayload", "startedAt"):
            detail.pop(key, None)
        detail |= {"status": "RUNNABLE", "statusReason": effect.reason}
        self._send("Batch Service Job Queue Blocked", effect.at_ms, [record.arn], detail)

    def _preempted(self, effect: ServiceJobPreempted) -> None:
        """Source: https://docs.aws.amazon.com/batch/latest/userguide/batch-service-job-preemption-events.html, read
        2026-11-21."""
        record = self.batch.service_jobs.get(effect.job_id)
        if record is None or not self._rules():
            return
        detail: Wire = {"preemptedJobArn": record.arn, "status": effect.status}
        if effect.completed:
            detail["preemptionSummary"] = preemption_summary(self.batch, self.batch.service.jobs[record.name])
        else:
            detail["statusReason"] = effect.reason
        kind = "Completed" if effect.completed else "Started"
        self._send(f"Batch Service Job Preemption {kind}", effect.at_ms, [record.arn], detail)

    def _rules(self) -> list[Rule]:
        backend = events_backends[self.batch.account_id][self.batch.region_name]
        return list(backend.event_buses["default"].rules.values())

    def _event(self, source: str, kind: str, at_ms: int, resources: list[str], detail: Wire) -> Wire:
        return {
            "version": "0",
            "id": self.batch.new_uuid(),
            "detail-type": kind,
            "source": source,
            "account": self.batch.account_id,
            "time": at_ms / 1000,
            "ingestion-time": at_ms / 1000,
            "region": self.batch.region_name,
            "resources": resources,
            "detail": detail,
        }

    def _send(self, kind: str, at_ms: int, resources: list[str], detail: Wire) -> None:
        event = self._event("aws.batch", kind, at_ms, resources, detail)
        for rule in self._rules():
            send_to_rule(rule, event, frozenset())

    def reacts(self) -> bool:
        """True while a rule with a pattern has a target that may submit a job at once."""
        return any(
            rule.event_pattern.get_pattern()
            and any(word in target["Arn"] for target in rule.targets for word in _COMMANDING)
            for rule in self._rules()
        )

    # --- schedules --------------------------------------------------------------------------------------------------

    def next_due_ms(self) -> int | None:
        """When a rule or schedule fires next."""
        return self._schedules.next_due_ms(self.batch.now_ms())

    def run_due(self) -> None:
        """Fire what is due."""
        self._schedules.run_due(self.batch.now_ms())

    def _due(self) -> list[Due]:
        rules = [
            Due(
                key=(rule.arn, rule.scheduled_expression, getattr(rule, _SINCE, 0)),
                expression=rule.scheduled_expression,
                since_ms=getattr(rule, _SINCE, None),
                fire=lambda at_ms, rule=rule: self._fire(rule, at_ms),  # type: ignore[misc]  # bound per rule
            )
            for rule in self._rules()
            if rule.scheduled_expression and _is_enabled(rule) and rule.targets
        ]
        return [*rules, *due_schedules(self.batch)]

    def _fire(self, rule: Rule, at_ms: int) -> None:
        event = self._event("aws.events", "Scheduled Event", at_ms, [rule.arn], {})
        _hand_out(rule, event, frozenset())


def _is_enabled(rule: Any) -> bool:
    return str(rule.state).startswith("ENABLED")


def send_to_rule(rule: Any, event: Wire, passed: frozenset[str]) -> None:
    """An event that has come to a rule's bus: to the rule's targets, where its pattern takes the event.

    Args:
        event: with its time in seconds, as moto keeps it.
        passed: ARNs of the buses that the event came through.
    """
    if not _is_enabled(rule) or not rule.event_pattern.get_pattern():
        return
    if rule.event_pattern.matches_event(event):
        _hand_out(rule, event, passed)


def _hand_out(rule: Any, event: Wire, passed: frozenset[str]) -> None:
    sent = event_as_sent(event)
    bus = f"event-bus/{rule.event_bus_name}"
    here = passed | {rule.arn.partition(":rule/")[0] + f":{bus}"}
    for target in list(rule.targets):
        if target["Arn"].split(":")[2] == "events" and ":event-bus/" not in target["Arn"]:
            _moto_sends(rule, target, event)
            continue
        deliver(
            Delivery(
                target=target,
                text=target_text(target, sent, rule_name=rule.name, rule_arn=rule.arn),
                event=event,
                id=str(event.get("id", "")),
                at_ms=round(float(event.get("time") or 0) * 1000),
                account=rule.account_id,
                source_arn=rule.arn,
                passed=here,
            )
        )


def _moto_sends(rule: Any, target: Wire, event: Wire) -> None:
    """Archives and API destinations are moto's own: nothing of Batch's is in them."""
    one = copy.copy(rule)
    one.targets = [target]
    getattr(Rule, _MARK)(one, copy.deepcopy(event))


def install_event_targets() -> None:
    """Have moto's rules deliver as here, and refuse what is no schedule; calling it again changes nothing."""
    install_scheduler()
    if getattr(Rule, _MARK, None) is not None:
        return
    setattr(Rule, _MARK, Rule.send_to_targets)
    put_rule, enable = EventsBackend.put_rule, Rule.enable

    def send_to_targets(self: Any, original_event: Any, transform_input: bool = True) -> None:
        send_to_rule(self, original_event, frozenset())

    def put_rule_with_its_time(self: Any, name: str, *arguments: Any, **options: Any) -> Any:
        expression = options.get("scheduled_expression")
        if expression:
            try:
                require_rule_expression(expression)
            except ValueError:
                raise ValidationException("Parameter ScheduleExpression is not valid.") from None
        before = self.event_buses["default"].rules.get(name)
        rule = put_rule(self, name, *arguments, **options)
        unchanged = before is not None and before.scheduled_expression == expression and _is_enabled(before)
        setattr(rule, _SINCE, getattr(before, _SINCE, None) if unchanged else present_ms())
        return rule

    def enable_from_now(self: Any) -> None:
        if not _is_enabled(self):
            setattr(self, _SINCE, present_ms())
        enable(self)

    Rule.send_to_targets = send_to_targets
    Rule.enable = enable_from_now
    EventsBackend.put_rule = put_rule_with_its_time
