"""Step Functions' `batch:submitJob` and `.sync`, as moto's interpreter runs them, put right.

- A state machine names parameters in capitals (`JobName`), and so does what the interpreter hands to boto3's
  `submit_job`, which takes `jobName`: with moto 5.2.5 every `arn:aws:states:::batch:submitJob` fails. Parameters and
  answers are converted by botocore's model, and every parameter of the model's SubmitJob is taken.
- A refused submission fails with Batch's own class and AWS's cause; one that the Java SDK behind Step Functions has no
  class for is `Batch.AWSBatchException`. Observed: https://github.com/ASFHyP3/hyp3/issues/911 and pull/805:
  `Failed to create … (Service: AWSBatch; Status Code: 500; Error Code: ServerException; Request ID: …; Proxy: null)`.
- A job that FAILED fails its `.sync` task with `States.TaskFailed`, whose cause is the job as DescribeJobs shows it.
- A `.sync` task that is stopped or times out ends its job: "Step Functions will make a best-effort attempt to cancel
  the task". Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-sync.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from batchiac.local.after_import import after_import
from batchiac.local.request_shape import service_model

_MARK = "_batchiac_case"
_SERVICES = "moto.stepfunctions.parser.asl.component.state.exec.state_task.service"
_MODULE = f"{_SERVICES}.state_task_service_batch"
_WAITING = f"{_SERVICES}.state_task_service_callback"

POLL_S = 0.1
"""How often a `.sync` task looks at its job; moto's half second adds up in virtual time."""

MODELLED = ("ClientException", "ServerException")
"""The errors that the Batch API models: all others reach a state machine as the service's base class."""

_TRANSIENT = ("TooManyRequestsException", "ServerException", "ThrottlingException")


def install_step_functions() -> None:
    """Correct the interpreter when it is loaded (it costs half a second); calling this again changes nothing."""
    from batchiac.local.state_machines import install_state_machines

    install_state_machines()
    after_import(_MODULE, _correct)
    after_import(_WAITING, _poll_sooner)


def _poll_sooner(module: Any) -> None:
    module._DELAY_SECONDS_SYNC_CONDITION_CHECK = POLL_S


def _correct(module: Any) -> None:
    service = module.StateTaskServiceBatch
    if getattr(service, _MARK, False):
        return
    service._eval_service_task = _with_wire_case(service._eval_service_task)
    service._eval_sync = _cancelling(service._eval_sync)
    service._from_error = _with_awss_cause(module, service._from_error)
    service._build_sync_resolver = _resolver_of(module)
    service._get_supported_parameters = lambda self: _parameters() if self.resource.api_action == "submitJob" else None
    setattr(service, _MARK, True)


def _parameters() -> set[str]:
    members = service_model().operation_model("SubmitJob").input_shape.members
    return {name[:1].upper() + name[1:] for name in members}


def _with_wire_case(evaluate: Any) -> Any:
    def eval_service_task(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
    ) -> None:
        operation = "".join(part.capitalize() for part in self._get_boto_service_action().split("_"))
        model = service_model().operation_model(operation)
        evaluate(
            self, env, resource_runtime_part, to_members(model.input_shape, normalised_parameters), state_credentials
        )
        env.stack[-1] = capitalised(model.output_shape, env.stack[-1])

    return eval_service_task


def _with_awss_cause(module: Any, from_error: Any) -> Any:
    def error_of_batch(self: Any, env: Any, ex: Exception) -> Any:
        if not isinstance(ex, module.ClientError):
            return from_error(self, env=env, ex=ex)
        code, message = ex.response["Error"]["Code"], ex.response["Error"].get("Message") or None
        about = ex.response["ResponseMetadata"]
        details = "; ".join(
            (
                "Service: AWSBatch",
                f"Status Code: {about.get('HTTPStatusCode')}",
                f"Error Code: {code}",
                f"Request ID: {about.get('RequestId')}",
                "Proxy: null",
            )
        )
        name = f"Batch.{code if code in MODELLED else 'AWSBatchException'}"
        return _failure(module, self, env, module.CustomErrorName(name), name, f"{message or 'null'} ({details})")

    return error_of_batch


def _failure(module: Any, task: Any, env: Any, error_name: Any, error: str, cause: str) -> Any:
    return module.FailureEvent(
        env=env,
        error_name=error_name,
        event_type=module.HistoryEventType.TaskFailed,
        event_details=module.EventDetails(
            taskFailedEventDetails=module.TaskFailedEventDetails(
                resource=task._get_sfn_resource(),
                resourceType=task._get_sfn_resource_type(),
                error=error,
                cause=cause,
            )
        ),
    )


class _Resolver:
    """Looks at a job: the job when it has SUCCEEDED, None while it goes on. `cancel` ends it."""

    def __init__(self, client: Any, job_id: str, transient: type[Exception], fail: Callable[[str], Exception]) -> None:
        self._client = client
        self._job_id = job_id
        self._refused: Any = transient
        self._fail = fail

    def __call__(self) -> dict[str, Any] | None:
        try:
            jobs = self._client.describe_jobs(jobs=[self._job_id])["jobs"]
        except self._refused as error:
            # Step Functions goes on looking where a look is throttled.
            if error.response["Error"]["Code"] in _TRANSIENT:
                return None
            raise
        if not jobs or jobs[0]["status"] not in ("SUCCEEDED", "FAILED"):
            return None
        shape = service_model().operation_model("DescribeJobs").output_shape.members["jobs"].member
        job: dict[str, Any] = capitalised(shape, jobs[0])
        if job["Status"] == "FAILED":
            raise self._fail(json.dumps(job, separators=(",", ":")))
        return job

    def cancel(self) -> None:
        """End the job. Assumption: the text; the documents give none."""
        self._client.terminate_job(jobId=self._job_id, reason="Canceled by AWS Step Functions")


def _resolver_of(module: Any) -> Any:
    def build(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> _Resolver:
        client = module.boto_client_for(
            service="batch", region=resource_runtime_part.region, state_credentials=state_credentials
        )

        def fail(cause: str) -> Exception:
            name = module.StatesErrorName(typ=module.StatesErrorNameType.StatesTaskFailed)
            error = module.StatesErrorNameType.StatesTaskFailed.to_name()
            raised: Exception = module.FailureEventException(_failure(module, self, env, name, error, cause))
            return raised

        return _Resolver(client, env.stack.pop()["JobId"], module.ClientError, fail)

    return build


def _cancelling(wait: Any) -> Any:
    def eval_sync(self: Any, env: Any, sync_resolver: _Resolver, **options: Any) -> Any:
        outcome = wait(self, env=env, sync_resolver=sync_resolver, **options)
        if outcome is None:
            # The wait has ended and the job has not: the execution was stopped, or the task's time is over.
            sync_resolver.cancel()
        return outcome

    return eval_sync


def to_members(shape: Any, value: Any) -> Any:
    """`value` with its structure keys as the model spells them; keys of maps (Parameters, Tags) are the user's own."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = {name.lower(): (name, member) for name, member in shape.members.items()}
        converted = {}
        for key, each in value.items():
            name, member = members.get(key.lower(), (key, None))
            converted[name] = each if member is None else to_members(member, each)
        return converted
    if kind == "list" and isinstance(value, list):
        return [to_members(shape.member, each) for each in value]
    if kind == "map" and isinstance(value, dict):
        return {key: to_members(shape.value, each) for key, each in value.items()}
    return value


def capitalised(shape: Any, value: Any) -> Any:
    """`value` with its structure keys as state machines read them (`$.Container.ExitCode`); keys of maps stay."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        return {
            key[:1].upper() + key[1:]: capitalised(shape.members[key], each) if key in shape.members else each
            for key, each in value.items()
        }
    if kind == "list" and isinstance(value, list):
        return [capitalised(shape.member, each) for each in value]
    if kind == "map" and isinstance(value, dict):
        return {key: capitalised(shape.value, each) for key, each in value.items()}
    return value
