"""What a program for AWS Batch is written with: Pulumi components with typed arguments.

import batchiac.components as batch

network = batch.Network("main")
roles = batch.Roles("main")
spot = batch.ManagedComputeEnvironment("spot", network=network, roles=roles, compute="SPOT", max_vcpus=256, …)
queue = batch.JobQueue("work", priority=1, compute_environments=[spot])
"""

from batchiac.components.compute_environment import (
    Drain,
    Image,
    ManagedComputeEnvironment,
    UnmanagedComputeEnvironment,
    UpdatePolicy,
)
from batchiac.components.consumable_resource import ConsumableResource, Consumes
from batchiac.components.declaration import FindingsRunError, Reference
from batchiac.components.job_definition import (
    RETRY_ON_HOST_LOSS,
    Container,
    ContainerJobDefinition,
    MultiNodeJobDefinition,
    OnExit,
    Retry,
)
from batchiac.components.job_queue import JobQueue, SchedulingPolicy, TimeLimit
from batchiac.components.launch_template import LaunchTemplate, PlacementGroup
from batchiac.components.network import Network
from batchiac.components.quota_share import QuotaShare
from batchiac.components.roles import Roles
from batchiac.components.service_environment import ServiceEnvironment
from batchiac.components.stack_config import Key, read_config
from batchiac.components.wire_resource import WireResource

__all__ = [
    "RETRY_ON_HOST_LOSS",
    "ConsumableResource",
    "Consumes",
    "Container",
    "ContainerJobDefinition",
    "Drain",
    "FindingsRunError",
    "Image",
    "JobQueue",
    "Key",
    "LaunchTemplate",
    "ManagedComputeEnvironment",
    "MultiNodeJobDefinition",
    "Network",
    "OnExit",
    "PlacementGroup",
    "QuotaShare",
    "Reference",
    "Retry",
    "Roles",
    "SchedulingPolicy",
    "ServiceEnvironment",
    "TimeLimit",
    "UnmanagedComputeEnvironment",
    "UpdatePolicy",
    "WireResource",
    "read_config",
]
