"""Names that stand in every state file: never changed, only added to."""

from __future__ import annotations

import base64

import pytest
from pulumi.dynamic import dynamic as sdk

from batchiac.components.resources import RESOURCES
from batchiac.provider import HANDLERS
from batchiac.provider import dynamic as providers
from batchiac.provider.bridge import BRIDGE, MADE_FOR
from batchiac.provider.identity import CREATING

KINDS = {
    "ComputeEnvironment": ("computeEnvironmentArn", "ecsClusterArn", "status", "statusReason"),
    "ConsumableResource": ("consumableResourceArn", "quantityToken"),
    "InstanceProfile": ("arn",),
    "InternetGateway": ("internetGatewayId",),
    "JobDefinition": ("jobDefinitionArn", "arnPrefix", "revision"),
    "JobQueue": ("jobQueueArn", "status", "statusReason", "inferredType"),
    "LaunchTemplate": ("launchTemplateId", "latestVersion", "defaultVersion"),
    "PlacementGroup": ("groupId", "groupArn"),
    "QuotaShare": ("quotaShareArn", "status"),
    "Role": ("arn", "roleId"),
    "RouteTable": ("routeTableId",),
    "SchedulingPolicy": ("arn",),
    "SecurityGroup": ("groupId",),
    "ServiceEnvironment": ("serviceEnvironmentArn", "status"),
    "Subnet": ("subnetId",),
    "Vpc": ("vpcId",),
}
"""Kind → the outputs that programs and states name."""

NAME_PROPERTIES = {
    "ComputeEnvironment": "computeEnvironmentName",
    "ConsumableResource": "consumableResourceName",
    "InstanceProfile": "instanceProfileName",
    "JobDefinition": "jobDefinitionName",
    "JobQueue": "jobQueueName",
    "LaunchTemplate": "launchTemplateName",
    "PlacementGroup": "groupName",
    "QuotaShare": "quotaShareName",
    "Role": "roleName",
    "SchedulingPolicy": "name",
    "SecurityGroup": "groupName",
    "ServiceEnvironment": "serviceEnvironmentName",
}

COMPONENTS = {
    "ConsumableResource",
    "ContainerJobDefinition",
    "JobQueue",
    "LaunchTemplate",
    "ManagedComputeEnvironment",
    "MultiNodeJobDefinition",
    "Network",
    "PlacementGroup",
    "QuotaShare",
    "Roles",
    "SchedulingPolicy",
    "ServiceEnvironment",
    "UnmanagedComputeEnvironment",
}


def test_resource_tokens() -> None:
    """`pulumi-python:dynamic/batch:<Kind>` for each kind, as `dynamic.Resource` makes them."""
    assert set(HANDLERS) == {f"pulumi-python:dynamic/batch:{kind}" for kind in KINDS}
    assert {f"pulumi-python:{cls._resource_type_name}" for cls in RESOURCES.values()} == set(HANDLERS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_output_keys(kind: str) -> None:
    """The outputs that programs read; and the property that holds the name."""
    handler = HANDLERS[f"pulumi-python:dynamic/batch:{kind}"]
    assert handler.outputs == KINDS[kind]
    assert handler.name_property == NAME_PROPERTIES.get(kind, "")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_provider_is_pickled_by_name_alone(kind: str) -> None:
    """What stands in the state is `batchiac.provider.dynamic.<Kind>Provider` and nothing else."""
    provider = getattr(providers, f"{kind}Provider")()
    text = sdk.serialize_provider(provider)
    pickled = base64.b64decode(text)
    assert b"batchiac.provider.dynamic" in pickled
    assert f"{kind}Provider".encode() in pickled
    assert len(text) <= 110
    assert provider.serialize_as_secret_always is False


def test_component_tokens() -> None:
    """`batchiac:batch:<Kind>` for each component."""
    import inspect
    import re

    import batchiac.components as batch

    found = set()
    for cls in vars(batch).values():
        if inspect.isclass(cls):
            found |= set(re.findall(r'"batchiac:batch:(\w+)"', inspect.getsource(cls)))
    assert found == COMPONENTS


def test_tokens_of_resources_in_wire_form() -> None:
    """`batchiac:wire:<Kind>` is the parent of what a WireResource declares."""
    import inspect

    import batchiac.components as batch

    assert 'f"batchiac:wire:{kind}"' in inspect.getsource(batch.WireResource)


def test_the_tag_of_an_interrupted_create() -> None:
    """An older version's interrupted create is still found."""
    assert CREATING == "batchiac:creating"
    assert (BRIDGE, MADE_FOR) == ("batchiac:bridge", "batchiac:made-for")
