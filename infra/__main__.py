"""A small AWS Batch installation: a network, roles, two environments, two queues, three job definitions.

The stack's file under stacks/ decides everything that differs; KEYS below says what it may say.
"""

from __future__ import annotations

import pulumi

import batchiac.components as batch

KEYS = {
    "cidrBlock": batch.Key(str, "10.0.0.0/16"),
    "zones": batch.Key(list, None),
    "subnetIds": batch.Key(list, None),
    "securityGroupIds": batch.Key(list, None),
    "instanceTypes": batch.Key(list, ["c5", "m5", "r5"]),
    "spotInstanceTypes": batch.Key(list, ["c5", "m5", "r5"]),
    "allocationStrategy": batch.Key(str, "BEST_FIT_PROGRESSIVE"),
    "spotAllocationStrategy": batch.Key(str, "SPOT_PRICE_CAPACITY_OPTIMIZED"),
    "minVcpus": batch.Key(int, 0),
    "maxVcpus": batch.Key(int, 256),
    "spotMaxVcpus": batch.Key(int, 512),
    "spotFirst": batch.Key(bool, False),
    "imageType": batch.Key(str, "ECS_AL2023"),
    "imageId": batch.Key(str, None),
    "keyPair": batch.Key(str, None),
    "rootVolumeGib": batch.Key(int, 100),
    "containerImage": batch.Key(str, "public.ecr.aws/docker/library/busybox:1.36"),
    "nodes": batch.Key(int, 4),
    "nodeVcpus": batch.Key(int, 4),
    "nodeMemoryMib": batch.Key(int, 6000),
}
"""Every key of this project's namespace, with its type and default."""

USER_DATA = """#!/bin/bash
# Images are large: keep what was pulled, so that the next job on this instance starts at once.
echo ECS_IMAGE_PULL_BEHAVIOR=prefer-cached >> /etc/ecs/ecs.config
"""


def main() -> None:
    """Declare the stack."""
    config = batch.read_config(KEYS)
    tags = {"project": pulumi.get_project(), "stack": pulumi.get_stack()}

    network = batch.Network(
        "batch",
        cidr_block=config["cidrBlock"],
        availability_zones=config["zones"],
        subnet_ids=config["subnetIds"],
        security_group_ids=config["securityGroupIds"],
        tags=tags,
    )
    roles = batch.Roles("batch", tags=tags)
    template = batch.LaunchTemplate("node", user_data=USER_DATA, root_volume_gib=config["rootVolumeGib"], tags=tags)
    cluster = batch.PlacementGroup("cluster", strategy="cluster", tags=tags)
    images = [batch.Image(config["imageType"], config["imageId"])]

    on_demand = batch.ManagedComputeEnvironment(
        "on-demand",
        network=network,
        roles=roles,
        instance_types=config["instanceTypes"],
        allocation_strategy=config["allocationStrategy"],
        min_vcpus=config["minVcpus"],
        max_vcpus=config["maxVcpus"],
        images=images,
        key_pair=config["keyPair"],
        launch_template=template,
        placement_group=cluster,
        tags=tags,
    )
    spot = batch.ManagedComputeEnvironment(
        "spot",
        network=network,
        roles=roles,
        compute="SPOT",
        instance_types=config["spotInstanceTypes"],
        allocation_strategy=config["spotAllocationStrategy"],
        max_vcpus=config["spotMaxVcpus"],
        images=images,
        key_pair=config["keyPair"],
        launch_template=template,
        tags=tags,
    )

    order = [spot, on_demand] if config["spotFirst"] else [on_demand, spot]
    urgent = batch.JobQueue("urgent", priority=100, compute_environments=order, tags=tags)
    background = batch.JobQueue("background", priority=10, compute_environments=[spot, on_demand], tags=tags)

    simple = batch.ContainerJobDefinition(
        "simple",
        container=batch.Container(config["containerImage"], vcpus=1, memory_mib=1024, command=["echo", "Ref::text"]),
        roles=roles,
        parameters={"text": "hello"},
        retry=batch.Retry(3, batch.RETRY_ON_HOST_LOSS),
        timeout_s=3600,
        tags=tags,
    )
    array = batch.ContainerJobDefinition(
        "array",
        container=batch.Container(
            config["containerImage"],
            vcpus=1,
            memory_mib=512,
            command=["sh", "-c", "echo item $AWS_BATCH_JOB_ARRAY_INDEX"],
        ),
        roles=roles,
        retry=batch.Retry(2, batch.RETRY_ON_HOST_LOSS),
        tags=tags,
    )
    multi_node = batch.MultiNodeJobDefinition(
        "multi-node",
        nodes=config["nodes"],
        container=batch.Container(
            config["containerImage"],
            vcpus=config["nodeVcpus"],
            memory_mib=config["nodeMemoryMib"],
            command=["sh", "-c", "echo node $AWS_BATCH_JOB_NODE_INDEX of $AWS_BATCH_JOB_NUM_NODES"],
        ),
        roles=roles,
        timeout_s=7200,
        tags=tags,
    )

    pulumi.export("queues", {"urgent": urgent.name_output, "background": background.name_output})
    pulumi.export("queueArns", {"urgent": urgent.arn_output, "background": background.arn_output})
    pulumi.export("environments", {"on-demand": on_demand.name_output, "spot": spot.name_output})
    pulumi.export("environmentArns", {"on-demand": on_demand.arn_output, "spot": spot.arn_output})
    definitions = {"simple": simple, "array": array, "multi-node": multi_node}
    pulumi.export("definitions", {name: each.name_output for name, each in definitions.items()})
    pulumi.export("definitionArns", {name: each.arn_output for name, each in definitions.items()})


main()
