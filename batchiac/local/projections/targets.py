"""Handing an event, or a schedule's input, to its target: one function a kind of target, in one table.

Both EventBridge's rules (events.py) and EventBridge Scheduler (scheduler.py) deliver through here. What a target's
service refuses goes to the target's dead-letter queue, as on AWS, and where there is none it is logged and dropped.

What is not possible here, and says so in the log: code in a Lambda function does not run (its invocation and the event
are in the function's log group; moto would need Docker), and CodeBuild, CodePipeline, Systems Manager, SageMaker,
Redshift, API Gateway and AppSync have nothing behind them. Docs: docs/decisions/0202.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from batchiac.local.api_error import ApiError
from batchiac.local.projections.chance import following
from batchiac.local.projections.event_input import object_in
from batchiac.local.request_shape import service_model

if TYPE_CHECKING:
    from batchiac.local.backend import BatchBackend

Wire = dict[str, Any]

_LOG = logging.getLogger(__name__)


@frozen
class Delivery:
    """Something for one target.

    Attributes:
        target: as PutTargets or CreateSchedule took it.
        text: what the target is handed.
        event: the event behind it, `{}` where there is none (a schedule of the Scheduler).
        id: of the event: what is drawn at random on the way follows from it.
        at_ms: when, on the stack's clock.
        account: of the rule or schedule.
        source_arn: of the rule or schedule.
        passed: ARNs of the event buses that the event came through.
    """

    target: Wire
    text: str
    event: Wire
    id: str
    at_ms: int
    account: str
    source_arn: str
    passed: frozenset[str] = frozenset()

    @property
    def arn(self) -> str:
        """The target's."""
        return str(self.target["Arn"])

    @property
    def place(self) -> tuple[str, str]:
        """(account, region) that the target's ARN names; the source's where it names none."""
        parts, own = self.arn.split(":"), self.source_arn.split(":")
        return parts[4] or self.account, parts[3] or own[3]

    @property
    def resource(self) -> str:
        """The last part of the target's ARN: `log-group:/a/b`, `job-queue/q`."""
        return self.arn.split(":", 5)[5]

    @property
    def name(self) -> str:
        """The resource without its kind."""
        return self.resource.removeprefix(self.resource.replace("/", ":").partition(":")[0])[1:] or self.resource


class UndeliveredError(Exception):
    """A target cannot be handed what it should get. `code` is AWS's word for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def deliver(delivery: Delivery) -> None:
    """Hand it over, or to the target's dead-letter queue, or log that nobody got it."""
    service = delivery.arn.split(":")[2]
    send = _SENDERS.get((service, delivery.resource.replace("/", ":").partition(":")[0])) or _SENDERS.get((service, ""))
    try:
        if send is None:
            raise UndeliveredError("UNSUPPORTED_TARGET", f"this stack has nothing behind a target of {service}")
        with following(delivery.id + delivery.arn):
            send(delivery)
    except UndeliveredError as error:
        _give_up(delivery, error.code, str(error))
    except ApiError as error:
        _give_up(delivery, error.code, error.message)
    except Exception as error:  # the services' own refusals have no common class in moto; none may stop the engine
        code = getattr(error, "code", None)
        _give_up(delivery, code if isinstance(code, str) else type(error).__name__, str(error))


def _give_up(delivery: Delivery, code: str, message: str) -> None:
    """Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html (dead-letter
    queues): the attributes of the message."""
    queue = (delivery.target.get("DeadLetterConfig") or {}).get("Arn")
    if queue:
        attributes = {
            "RULE_ARN": delivery.source_arn,
            "TARGET_ARN": delivery.arn,
            "ERROR_CODE": code,
            "ERROR_MESSAGE": message or code,
        }
        try:
            _put_on_queue(queue, delivery, json.dumps(delivery.event) if delivery.event else delivery.text, attributes)
        except Exception as error:
            message = f"{message}; and its dead-letter queue {queue} does not take it: {error}"
        else:
            return
    _LOG.warning("EventBridge could not deliver from %s to %s: %s", delivery.source_arn, delivery.arn, message or code)


# --- AWS Batch ------------------------------------------------------------------------------------------------------


def _job_queue(delivery: Delivery) -> None:
    """Source: https://docs.aws.amazon.com/batch/latest/userguide/batch-cwe-target.html: the target's BatchParameters;
    Parameters and ContainerOverrides come from the input."""
    from batchiac.local.step_functions import to_members

    parameters = delivery.target.get("BatchParameters", {})
    request: Wire = {
        "jobName": parameters.get("JobName", ""),
        "jobDefinition": parameters.get("JobDefinition", ""),
        "jobQueue": delivery.arn,
    }
    if "ArrayProperties" in parameters:
        request["arrayProperties"] = {"size": parameters["ArrayProperties"]["Size"]}
    if "RetryStrategy" in parameters:
        request["retryStrategy"] = {"attempts": parameters["RetryStrategy"]["Attempts"]}
    shape = service_model().operation_model("SubmitJob").input_shape
    # Without an Input the target is handed the event itself, whose keys are none of these.
    given = object_in(delivery.text)
    for key in ("Parameters", "ContainerOverrides"):
        if isinstance(given.get(key), dict):
            request |= to_members(shape, {key: given[key]})
    batch_request(delivery.place, "SubmitJob", request)


def batch_request(place: tuple[str, str], operation: str, request: Wire) -> None:
    """One request to Batch in an account and region.

    Raises:
        ApiError: Batch said no.
    """
    from batchiac.local.dispatch import answer

    answer(_batch_in(place), operation, request)


def _batch_in(place: tuple[str, str]) -> BatchBackend:
    from batchiac.local.installation import backend_of, find_stage

    if find_stage() is None:
        raise UndeliveredError("NO_BATCH", "no local stack is installed")
    return backend_of(*place)


# --- other services -------------------------------------------------------------------------------------------------


def _queue(delivery: Delivery) -> None:
    _put_on_queue(delivery.arn, delivery, delivery.text, {})


def _put_on_queue(arn: str, delivery: Delivery, text: str, attributes: dict[str, str]) -> None:
    from moto.sqs.models import sqs_backends

    _, _, _, region, account, name = arn.split(":", 5)
    group = (delivery.target.get("SqsParameters") or {}).get("MessageGroupId")
    sqs_backends[account][region].send_message(
        queue_name=name,
        message_body=text,
        message_attributes={
            key: {"DataType": "String", "StringValue": value} for key, value in attributes.items() if value
        },
        group_id=group if name.endswith(".fifo") else None,
    )


def _log_group(delivery: Delivery) -> None:
    """A stream for each event. With a template the target is handed `{"timestamp": …, "message": …}`."""
    from moto.logs.models import logs_backends

    account, region = delivery.place
    group = logs_backends[account][region].groups.get(delivery.name.removesuffix(":*"))
    if group is None:
        raise UndeliveredError("ResourceNotFoundException", "The specified log group does not exist.")
    given = object_in(delivery.text) if delivery.target.get("InputTransformer") else {}
    message = given.get("message", delivery.text)
    stamp = given.get("timestamp")
    _add_lines(
        group,
        delivery.id,
        stamp if isinstance(stamp, int) else delivery.at_ms,
        [message if isinstance(message, str) else json.dumps(message)],
    )


def _add_lines(group: Any, stream: str, at_ms: int, lines: list[str]) -> None:
    if stream not in group.streams:
        group.create_log_stream(stream)
    # Past moto's check that events are not older than 14 days: a virtual clock's are as old as they are.
    group.streams[stream].put_log_events([{"timestamp": at_ms, "message": line} for line in lines])


def _function(delivery: Delivery) -> None:
    """The invocation is recorded in the function's log group; moto's simple Lambda is told of it where it is in use."""
    from moto.awslambda.utils import get_backend
    from moto.awslambda_simple.models import LambdaSimpleBackend
    from moto.logs.models import logs_backends

    account, region = delivery.place
    backend = get_backend(account, region)
    function = backend.get_function(delivery.arn)
    if function is None:
        raise UndeliveredError("ResourceNotFoundException", f"Function not found: {delivery.arn}")
    if isinstance(backend, LambdaSimpleBackend):
        backend.invoke(delivery.arn, None, delivery.text, {}, {})
    logs = logs_backends[account][region]
    group = f"/aws/lambda/{function.function_name}"
    if group not in logs.groups:
        logs.create_log_group(group, {})
    day = datetime.fromtimestamp(delivery.at_ms / 1000, UTC).strftime("%Y/%m/%d")
    lines = [
        f"START RequestId: {delivery.id} Version: $LATEST",
        delivery.text,
        f"END RequestId: {delivery.id}",
    ]
    _add_lines(logs.groups[group], f"{day}/[$LATEST]{delivery.id.replace('-', '')}", delivery.at_ms, lines)


def _topic(delivery: Delivery) -> None:
    from moto.sns.models import sns_backends

    account, region = delivery.place
    sns_backends[account][region].publish(message=delivery.text, arn=delivery.arn)


def _state_machine(delivery: Delivery) -> None:
    """The execution runs in a thread of its own, where moto's interpreter is switched on."""
    from moto.stepfunctions.responses import get_backend

    account, region = delivery.place
    get_backend(account, region).start_execution(delivery.arn, f"{delivery.id}_event", delivery.text)


def _event_bus(delivery: Delivery) -> None:
    """The event, as it is, to the rules of another bus; never to a bus that it has come through."""
    from moto.events.models import events_backends

    from batchiac.local.projections.events import send_to_rule

    account, region = delivery.place
    bus = events_backends[account][region].event_buses.get(delivery.name)
    if bus is None:
        raise UndeliveredError("ResourceNotFoundException", f"Event bus {delivery.name} does not exist.")
    event = delivery.event
    own = delivery.target.get("EventBridgeParameters")
    if own:
        event = {
            "version": "0",
            "id": delivery.id,
            "detail-type": own["DetailType"],
            "source": own["Source"],
            "account": delivery.account,
            "time": delivery.at_ms / 1000,
            "region": region,
            "resources": [delivery.source_arn],
            "detail": object_in(delivery.text),
        }
    if delivery.arn in delivery.passed:
        raise UndeliveredError("LOOP", "the event has come through that event bus already")
    for rule in list(bus.rules.values()):
        send_to_rule(rule, event, delivery.passed | {delivery.arn})


def _ecs_cluster(delivery: Delivery) -> None:
    from moto.ecs.models import ecs_backends

    account, region = delivery.place
    wish = delivery.target.get("EcsParameters", {})
    ecs_backends[account][region].run_task(
        delivery.arn,
        wish.get("TaskDefinitionArn", ""),
        wish.get("TaskCount", 1),
        object_in(delivery.text) if delivery.target.get("Input") else None,
        f"events-rule/{delivery.source_arn.rpartition('/')[2]}",
        wish.get("Tags"),
        wish.get("LaunchType"),
        wish.get("NetworkConfiguration"),
    )


def _kinesis_stream(delivery: Delivery) -> None:
    import base64

    from moto.kinesis.models import kinesis_backends

    account, region = delivery.place
    key = (delivery.target.get("KinesisParameters") or {}).get("PartitionKey") or delivery.id
    data = base64.b64encode(delivery.text.encode()).decode()
    kinesis_backends[account][region].put_record(delivery.arn, "", key, "", data)


def _delivery_stream(delivery: Delivery) -> None:
    from moto.firehose.models import firehose_backends

    account, region = delivery.place
    firehose_backends[account][region].put_record(delivery.name, {"Data": delivery.text.encode()})


def _universal(delivery: Delivery) -> None:
    from batchiac.local.projections.scheduler import universal

    universal(delivery)


_SENDERS: dict[tuple[str, str], Callable[[Delivery], None]] = {
    ("batch", "job-queue"): _job_queue,
    ("ecs", "cluster"): _ecs_cluster,
    ("events", "event-bus"): _event_bus,
    ("firehose", "deliverystream"): _delivery_stream,
    ("kinesis", "stream"): _kinesis_stream,
    ("lambda", "function"): _function,
    ("logs", "log-group"): _log_group,
    ("scheduler", "aws-sdk"): _universal,
    ("sns", ""): _topic,
    ("sqs", ""): _queue,
    ("states", "stateMachine"): _state_machine,
}
"""(service, kind of resource in the target's ARN) → how it is handed over."""
