"""AWS::Batch::*, one class a type: rows of names and operations, and what is said of each type alone.

Ref gives the ARN of each, and Fn::GetAtt too, under its own name and as `Arn`.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Batch.html
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from moto.core.common_models import CloudFormationModel

from batchiac.local.cloudformation import BatchResource, call
from batchiac.local.installation import backend_of
from batchiac.model.handler import Effect


class ComputeEnvironment(BatchResource, CloudFormationModel):  # type: ignore[misc]  # moto is not typed for us
    """AWS::Batch::ComputeEnvironment."""

    TYPE, NAME = "AWS::Batch::ComputeEnvironment", "ComputeEnvironmentName"
    CREATE, UPDATE, DELETE = "CreateComputeEnvironment", "UpdateComputeEnvironment", "DeleteComputeEnvironment"
    REQUEST_NAME, REQUEST_KEY, ARN = "computeEnvironmentName", "computeEnvironment", "computeEnvironmentArn"
    DISABLES = True
    CREATE_ONLY = ("type", "tags", "eksConfiguration")

    @classmethod
    def is_replaced(cls, before: dict[str, Any], after: dict[str, Any], properties: dict[str, Any]) -> bool:
        """See BatchResource."""
        if super().is_replaced(before, after, properties):
            return True
        from batchiac.rules.updates import effect_of

        old, new = before.get("computeResources", {}), after.get("computeResources", {})
        paths = [f"computeResources.{key}" for key in {**old, **new} if old.get(key) != new.get(key)]
        paths += ["serviceRole"] if before.get("serviceRole") != after.get("serviceRole") else []
        effects = {effect_of("ComputeEnvironment", path, before, after).effect for path in paths}
        return Effect.REPLACE in effects or (
            Effect.INFRASTRUCTURE_UPDATE in effects
            and properties.get("ReplaceComputeEnvironment") not in (False, "false")
        )

    @classmethod
    def update_request(
        cls, before: dict[str, Any], after: dict[str, Any], properties: dict[str, Any]
    ) -> dict[str, Any]:
        """See BatchResource; of computeResources what has changed as well."""
        request = super().update_request(before, after, properties)
        if "computeResources" in request:
            old, new = before.get("computeResources", {}), after.get("computeResources", {})
            request["computeResources"] = {
                key: value
                for key, value in request["computeResources"].items()
                if old.get(key) != new.get(key) or (key not in new and value is not False)
            }
        return request

    @classmethod
    def follow(cls, batch: Any, old_arn: str, new_arn: str) -> None:
        """See BatchResource: the queues that refer to it."""
        for queue in list(batch.queues):
            order = queue.wire.get("computeEnvironmentOrder", ())
            if any(entry["computeEnvironment"] == old_arn for entry in order):
                changed = [
                    {
                        **entry,
                        "computeEnvironment": new_arn
                        if entry["computeEnvironment"] == old_arn
                        else entry["computeEnvironment"],
                    }
                    for entry in order
                ]
                call(batch, "UpdateJobQueue", {"jobQueue": queue.arn, "computeEnvironmentOrder": changed})


class JobQueue(BatchResource, CloudFormationModel):  # type: ignore[misc]  # moto is not typed for us
    """AWS::Batch::JobQueue."""

    TYPE, NAME = "AWS::Batch::JobQueue", "JobQueueName"
    CREATE, UPDATE, DELETE = "CreateJobQueue", "UpdateJobQueue", "DeleteJobQueue"
    REQUEST_NAME, REQUEST_KEY, ARN = "jobQueueName", "jobQueue", "jobQueueArn"
    DISABLES = True
    CREATE_ONLY = ("jobQueueType", "tags")

    @classmethod
    def is_replaced(cls, before: dict[str, Any], after: dict[str, Any], properties: dict[str, Any]) -> bool:
        """See BatchResource; a scheduling policy is neither added to a queue nor taken from it."""
        policies = ("schedulingPolicyArn" in before, "schedulingPolicyArn" in after)
        return policies in ((True, False), (False, True)) or super().is_replaced(before, after, properties)


class JobDefinition(BatchResource, CloudFormationModel):  # type: ignore[misc]  # moto is not typed for us
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
        properties = cloudformation_json.get("Properties", {})
        name = properties.get(cls.NAME, original_resource.name)
        made = cls.create_from_cloudformation_json(name, cloudformation_json, account_id, region_name)
        kept = properties.get("ResourceRetentionPolicy", {})
        if kept.get("SkipDeregisterOnUpdate") not in (True, "true"):
            cls.delete_from_cloudformation_json(original_resource.arn, cloudformation_json, account_id, region_name)
        return made


class SchedulingPolicy(BatchResource, CloudFormationModel):  # type: ignore[misc]  # moto is not typed for us
    """AWS::Batch::SchedulingPolicy."""

    TYPE, NAME = "AWS::Batch::SchedulingPolicy", "Name"
    CREATE, UPDATE, DELETE = "CreateSchedulingPolicy", "UpdateSchedulingPolicy", "DeleteSchedulingPolicy"
    REQUEST_NAME, REQUEST_KEY, ARN = "name", "arn", "arn"
    CREATE_ONLY = ("tags",)

    @classmethod
    def is_replaced(cls, before: dict[str, Any], after: dict[str, Any], properties: dict[str, Any]) -> bool:
        """See BatchResource; a policy of fair shares never becomes one of quota shares."""
        return super().is_replaced(before, after, properties) or (
            ("quotaSharePolicy" in before) != ("quotaSharePolicy" in after)
        )


class ConsumableResource(BatchResource, CloudFormationModel):  # type: ignore[misc]  # moto is not typed for us
    """AWS::Batch::ConsumableResource."""

    TYPE, NAME = "AWS::Batch::ConsumableResource", "ConsumableResourceName"
    CREATE, UPDATE, DELETE = "CreateConsumableResource", "UpdateConsumableResource", "DeleteConsumableResource"
    REQUEST_NAME, REQUEST_KEY, ARN = "consumableResourceName", "consumableResource", "consumableResourceArn"
    CREATE_ONLY = ("resourceType",)
    READ: Mapping[str, str] = MappingProxyType(
        {"AvailableQuantity": "availableQuantity", "InUseQuantity": "inUseQuantity", "CreatedAt": "createdAt"}
    )
    """Further attributes of the resource → DescribeConsumableResource's members."""

    @classmethod
    def update_request(
        cls, before: dict[str, Any], after: dict[str, Any], properties: dict[str, Any]
    ) -> dict[str, Any]:
        """See BatchResource: a template knows the total only."""
        if before.get("totalQuantity") == after.get("totalQuantity"):
            return {}
        return {"operation": "SET", "quantity": after["totalQuantity"]}

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """See BatchResource."""
        return attr in cls.READ or super().has_cfn_attr(attr)

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        """`Fn::GetAtt`, as it is now."""
        if attribute_name not in self.READ:
            return super().get_cfn_attribute(attribute_name)
        region, account = self.arn.split(":")[3:5]
        shown = call(backend_of(account, region), "DescribeConsumableResource", {"consumableResource": self.arn})
        return shown[self.READ[attribute_name]]


class ServiceEnvironment(BatchResource, CloudFormationModel):  # type: ignore[misc]  # moto is not typed for us
    """AWS::Batch::ServiceEnvironment."""

    TYPE, NAME = "AWS::Batch::ServiceEnvironment", "ServiceEnvironmentName"
    CREATE, UPDATE, DELETE = "CreateServiceEnvironment", "UpdateServiceEnvironment", "DeleteServiceEnvironment"
    REQUEST_NAME, REQUEST_KEY, ARN = "serviceEnvironmentName", "serviceEnvironment", "serviceEnvironmentArn"
    CREATE_ONLY = ("serviceEnvironmentType",)
    DISABLES = True


class QuotaShare(BatchResource, CloudFormationModel):  # type: ignore[misc]  # moto is not typed for us
    """AWS::Batch::QuotaShare."""

    TYPE, NAME = "AWS::Batch::QuotaShare", "QuotaShareName"
    CREATE, UPDATE, DELETE = "CreateQuotaShare", "UpdateQuotaShare", "DeleteQuotaShare"
    REQUEST_NAME, REQUEST_KEY, ARN = "quotaShareName", "quotaShareArn", "quotaShareArn"
    CREATE_ONLY = ("jobQueue",)
    DISABLES = True
