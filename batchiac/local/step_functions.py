"""moto's Step Functions interpreter and `batch:submitJob`: the parameters' case, put right.

A state machine names parameters in capitals (`JobName`), and so does what the interpreter hands to boto3's
`submit_job`, which takes `jobName`: with moto 5.2.5 every `arn:aws:states:::batch:submitJob` fails. The same holds for
the answer of a `.sync` task. Here both are converted by botocore's model, at the one method that makes the call.
"""

from __future__ import annotations

from typing import Any

from batchiac.local.after_import import after_import
from batchiac.local.request_shape import service_model

_MARK = "_batchiac_case"
_MODULE = "moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_batch"


def install_step_functions() -> None:
    """Correct the interpreter when it is loaded (it costs half a second); calling this again changes nothing."""
    after_import(_MODULE, _correct)


def _correct(module: Any) -> None:
    service = module.StateTaskServiceBatch
    if not getattr(service, _MARK, False):
        service._eval_service_task = _with_wire_case(service._eval_service_task)
        setattr(service, _MARK, True)


def _with_wire_case(evaluate: Any) -> Any:
    def eval_service_task(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: dict[str, Any], state_credentials: Any
    ) -> None:
        operation = "".join(part.capitalize() for part in self._get_boto_service_action().split("_"))
        shape = service_model().operation_model(operation).input_shape
        evaluate(self, env, resource_runtime_part, to_members(shape, normalised_parameters), state_credentials)
        env.stack[-1] = capitalised(env.stack[-1])

    return eval_service_task


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


def capitalised(answer: dict[str, Any]) -> dict[str, Any]:
    """SubmitJob's flat answer with capital names, as state machines read it (`$.JobId`)."""
    return {key[:1].upper() + key[1:]: value for key, value in answer.items()}
