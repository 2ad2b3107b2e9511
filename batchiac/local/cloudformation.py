"""CloudFormation's Batch resources, for moto's CloudFormation: AWS::Batch::* create, update and delete ours.

moto finds resource classes among the subclasses of its CloudFormationModel, by their type name (the latest of a name
wins), and keeps the map. Ours answer to AWS's type names while installed, and to names of nobody's otherwise. Importing
moto's CloudFormation costs two seconds (it imports every service), so that is left to who uses it.
A template's properties become the API's by the model: CloudFormation capitalises members, and takes numbers for
strings. moto's stacks are done when the call returns, so each resource is seen through to the end of its transition.

An update changes in place what the API can change, and otherwise replaces the resource: a new one is made, queues
follow to a new compute environment, the old one goes. What is replaced is what the resource's schema calls create-only
and what the update table (batchiac.rules.updates) calls a replacement; an environment's instances are replaced with
their environment unless the template says `ReplaceComputeEnvironment: false`.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Batch.html
"""

from __future__ import annotations

import sys
from typing import Any

from batchiac.local.api_error import ApiError
from batchiac.local.dispatch import answer
from batchiac.local.installation import backend_of
from batchiac.local.request_shape import service_model

_installed = False


def install_cloudformation() -> None:
    """Have templates' AWS::Batch resources be ours."""
    # moto finds the classes by looking for subclasses of its model: they only have to be there.
    import batchiac.local.cloudformation_resources  # noqa: F401

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


class BatchResource:
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
    CREATE_ONLY: tuple[str, ...] = ()
    """Members of Create whose change replaces the resource."""

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
        request = to_request(cls.CREATE, cloudformation_json.get("Properties", {}))
        request[cls.REQUEST_NAME] = resource_name
        result = call(batch, cls.CREATE, request)
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
        properties = cloudformation_json.get("Properties", {})
        before, after = original_resource.properties, to_request(cls.CREATE, properties)
        after.setdefault(cls.REQUEST_NAME, original_resource.name)
        batch = backend_of(account_id, region_name)
        if cls.is_replaced(before, after, properties):
            made = cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)
            cls.follow(batch, original_resource.arn, made.arn)
            cls.delete_from_cloudformation_json(original_resource.arn, cloudformation_json, account_id, region_name)
            return made
        request = {key: value for key, value in cls.update_request(before, after, properties).items() if value != {}}
        if request:
            call(batch, cls.UPDATE, {**request, cls.REQUEST_KEY: original_resource.arn})
        _set_tags(batch, original_resource.arn, before.get("tags", {}), after.get("tags", {}))
        original_resource.properties = after
        return original_resource

    @classmethod
    def is_replaced(cls, before: dict[str, Any], after: dict[str, Any], properties: dict[str, Any]) -> bool:
        """True where a change needs a new resource.

        Args:
            before, after: Create's requests.
            properties: the new template's.
        """
        return any(before.get(key) != after.get(key) for key in (cls.REQUEST_NAME, *cls.CREATE_ONLY))

    @classmethod
    def update_request(
        cls, before: dict[str, Any], after: dict[str, Any], properties: dict[str, Any]
    ) -> dict[str, Any]:
        """What has changed, as the Update operation takes it."""
        request = to_request(cls.UPDATE, properties)
        return {key: value for key, value in request.items() if before.get(key) != after.get(key) or key not in after}

    @classmethod
    def follow(cls, batch: Any, old_arn: str, new_arn: str) -> None:
        """Have what refers to a replaced resource refer to the new one."""

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        """Delete what has the ARN `resource_name`, disabled first where AWS asks for it."""
        batch = backend_of(account_id, region_name)
        if batch.find_tags(resource_name) is None:
            # Somebody has deleted it already: to CloudFormation that is as good.
            return
        if cls.DISABLES:
            call(batch, cls.UPDATE, {cls.REQUEST_KEY: resource_name, "state": "DISABLED"})
        call(batch, cls.DELETE, {cls.REQUEST_KEY: resource_name})


def _set_tags(batch: Any, arn: str, before: dict[str, str], after: dict[str, str]) -> None:
    gone = [key for key in before if key not in after]
    if gone:
        call(batch, "UntagResource", {"resourceArn": arn, "tagKeys": gone})
    if after and after != before:
        call(batch, "TagResource", {"resourceArn": arn, "tags": after})


def _attributes(cls: type[BatchResource]) -> tuple[str, ...]:
    return (cls.ARN[:1].upper() + cls.ARN[1:], "Arn")


def call(batch: Any, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """An operation's answer, with what it began seen through; a refusal fails the stack, with AWS's words."""
    try:
        result = answer(batch, operation, request)
    except ApiError as error:
        from moto.cloudformation.exceptions import ValidationError

        raise ValidationError(message=f"{operation}: {error.message}") from error
    batch.see_through()
    return result


def to_request(operation: str, properties: dict[str, Any]) -> dict[str, Any]:
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
