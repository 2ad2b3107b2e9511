"""CloudFormation's Batch resources, for moto's CloudFormation: AWS::Batch::* create, update and delete ours.

moto finds resource classes among the subclasses of its CloudFormationModel, by their type name (the latest of a name
wins), and keeps the map. Ours answer to AWS's type names while installed, and to names of nobody's otherwise. Importing
moto's CloudFormation costs two seconds (it imports every service), so that is left to who uses it.
A template's properties become the API's by the model: CloudFormation capitalises members, and takes numbers for
strings. moto's stacks are done when the call returns, so each resource is seen through to the end of its transition.
"""

from __future__ import annotations

import sys
from typing import Any

from moto.core.common_models import CloudFormationModel

from batchiac.local.api_error import ApiError
from batchiac.local.dispatch import answer
from batchiac.local.installation import backend_of
from batchiac.local.request_shape import service_model

_installed = False


def install_cloudformation() -> None:
    """Have templates' AWS::Batch resources be ours."""
    _switch(True)


def uninstall_cloudformation() -> None:
    """Have them be moto's again."""
    _switch(False)


def _switch(installed: bool) -> None:
    global _installed
    _installed = installed
    parsing = sys.modules.get("moto.cloudformation.parsing")
    if parsing is not None:
        for cached in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
            cached.cache_clear()


class _BatchResource:
    """One resource of a stack. Subclasses are rows: names and operations.

    No CloudFormationModel itself: moto takes each direct subclass of that for a resource class.
    """

    TYPE = ""
    NAME = ""
    CREATE = ""
    UPDATE = ""
    DELETE = ""
    REQUEST_NAME = ""
    REQUEST_KEY = ""
    """The member of Update and Delete that names the resource."""
    ARN = ""
    DISABLES = False

    def __init__(self, arn: str, name: str, properties: dict[str, Any]) -> None:
        self.arn = arn
        self.name = name
        self.properties = properties

    @property
    def physical_resource_id(self) -> str:
        """What `Ref` gives."""
        return self.arn

    def is_created(self) -> bool:
        """Seen through already."""
        return True

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """What `Fn::GetAtt` knows: the ARN under its own name."""
        return attr in _attributes(cls)

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """`Fn::GetAtt`."""
        if attribute_name not in _attributes(type(self)):
            from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

            raise UnformattedGetAttTemplateException()
        return self.arn

    @classmethod
    def cloudformation_type(cls) -> str:
        """AWS's type name while ours is installed."""
        return cls.TYPE if _installed else f"batchiac::not-installed::{cls.__name__}"

    @classmethod
    def cloudformation_name_type(cls) -> str:
        """The property that names the resource."""
        return cls.NAME

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **kwargs: Any
    ) -> Any:
        batch = backend_of(account_id, region_name)
        request = _to_request(cls.CREATE, cloudformation_json.get("Properties", {}))
        request[cls.REQUEST_NAME] = resource_name
        result = _call(batch, cls.CREATE, request)
        return cls(result[cls.ARN], resource_name, request)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> Any:
        batch = backend_of(account_id, region_name)
        request = _to_request(cls.UPDATE, cloudformation_json.get("Properties", {}))
        request[cls.REQUEST_KEY] = original_resource.arn
        _call(batch, cls.UPDATE, request)
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        """Delete what has the ARN `resource_name`, disabled first where AWS asks for it."""
        batch = backend_of(account_id, region_name)
        if cls.DISABLES:
            _call(batch, cls.UPDATE, {cls.REQUEST_KEY: resource_name, "state": "DISABLED"})
        _call(batch, cls.DELETE, {cls.REQUEST_KEY: resource_name})


def _attributes(cls: type[_BatchResource]) -> tuple[str, ...]:
    return (cls.ARN[:1].upper() + cls.ARN[1:], "Arn")


def _call(batch: Any, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    try:
        result = answer(batch, operation, request)
    except ApiError as error:
        from moto.cloudformation.exceptions import ValidationError

        raise ValidationError(message=f"{operation}: {error.message}") from error
    batch.see_through()
    return result


def _to_request(operation: str, properties: dict[str, Any]) -> dict[str, Any]:
    """A template's properties as the operation's input; what the operation does not take is left out."""
    request: dict[str, Any] = _to_wire(service_model().operation_model(operation).input_shape, properties)
    return request


def _to_wire(shape: Any, value: Any) -> Any:
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = {name.lower(): (name, member) for name, member in shape.members.items()}
        return {
            members[key.lower()][0]: _to_wire(members[key.lower()][1], each)
            for key, each in value.items()
            if key.lower() in members and each is not None
        }
    if kind == "list" and isinstance(value, list):
        return [_to_wire(shape.member, each) for each in value]
    if kind == "map" and isinstance(value, dict):
        return {key: _to_wire(shape.value, each) for key, each in value.items()}
    if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if kind in ("integer", "long") and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    return value


class ComputeEnvironment(_BatchResource, CloudFormationModel):  # type: ignore[misc]  # moto is not typed for us
    """AWS::Batch::ComputeEnvironment."""

    TYPE, NAME = "AWS::Batch::ComputeEnvironment", "ComputeEnvironmentName"
    CREATE, UPDATE, DELETE = "CreateComputeEnvironment", "UpdateComputeEnvironment", "DeleteComputeEnvironment"
    REQUEST_NAME, REQUEST_KEY, ARN = "computeEnvironmentName", "computeEnvironment", "computeEnvironmentArn"
    DISABLES = True


class JobQueue(_BatchResource, CloudFormationModel):  # type: ignore[misc]  # moto is not typed for us
    """AWS::Batch::JobQueue."""

    TYPE, NAME = "AWS::Batch::JobQueue", "JobQueueName"
    CREATE, UPDATE, DELETE = "CreateJobQueue", "UpdateJobQueue", "DeleteJobQueue"
    REQUEST_NAME, REQUEST_KEY, ARN = "jobQueueName", "jobQueue", "jobQueueArn"
    DISABLES = True


class JobDefinition(_BatchResource, CloudFormationModel):  # type: ignore[misc]  # moto is not typed for us
    """AWS::Batch::JobDefinition: an update registers the next revision and deregisters the last."""

    TYPE, NAME = "AWS::Batch::JobDefinition", "JobDefinitionName"
    CREATE, UPDATE, DELETE = "RegisterJobDefinition", "RegisterJobDefinition", "DeregisterJobDefinition"
    REQUEST_NAME, REQUEST_KEY, ARN = "jobDefinitionName", "jobDefinition", "jobDefinitionArn"

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> Any:
        made = cls.create_from_cloudformation_json(original_resource.name, cloudformation_json, account_id, region_name)
        if not cloudformation_json.get("Properties", {}).get("SkipDeregisterOnUpdate"):
            cls.delete_from_cloudformation_json(original_resource.arn, cloudformation_json, account_id, region_name)
        return made


class SchedulingPolicy(_BatchResource, CloudFormationModel):  # type: ignore[misc]  # moto is not typed for us
    """AWS::Batch::SchedulingPolicy."""

    TYPE, NAME = "AWS::Batch::SchedulingPolicy", "Name"
    CREATE, UPDATE, DELETE = "CreateSchedulingPolicy", "UpdateSchedulingPolicy", "DeleteSchedulingPolicy"
    REQUEST_NAME, REQUEST_KEY, ARN = "name", "arn", "arn"


class ConsumableResource(_BatchResource, CloudFormationModel):  # type: ignore[misc]  # moto is not typed for us
    """AWS::Batch::ConsumableResource."""

    TYPE, NAME = "AWS::Batch::ConsumableResource", "ConsumableResourceName"
    CREATE, UPDATE, DELETE = "CreateConsumableResource", "UpdateConsumableResource", "DeleteConsumableResource"
    REQUEST_NAME, REQUEST_KEY, ARN = "consumableResourceName", "consumableResource", "consumableResourceArn"


class ServiceEnvironment(_BatchResource, CloudFormationModel):  # type: ignore[misc]  # moto is not typed for us
    """AWS::Batch::ServiceEnvironment."""

    TYPE, NAME = "AWS::Batch::ServiceEnvironment", "ServiceEnvironmentName"
    CREATE, UPDATE, DELETE = "CreateServiceEnvironment", "UpdateServiceEnvironment", "DeleteServiceEnvironment"
    REQUEST_NAME, REQUEST_KEY, ARN = "serviceEnvironmentName", "serviceEnvironment", "serviceEnvironmentArn"
    DISABLES = True


class QuotaShare(_BatchResource, CloudFormationModel):  # type: ignore[misc]  # moto is not typed for us
    """AWS::Batch::QuotaShare."""

    TYPE, NAME = "AWS::Batch::QuotaShare", "QuotaShareName"
    CREATE, UPDATE, DELETE = "CreateQuotaShare", "UpdateQuotaShare", "DeleteQuotaShare"
    REQUEST_NAME, REQUEST_KEY, ARN = "quotaShareName", "quotaShareArn", "quotaShareArn"
    DISABLES = True
