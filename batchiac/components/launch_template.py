"""Launch templates and placement groups for the instances of compute environments."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

import pulumi

from batchiac.components.component import Component
from batchiac.components.declaration import Reference, declare
from batchiac.components.wire import merged

BOUNDARY = "==BATCHIAC=="


class LaunchTemplate(Component):
    """A launch template: what AWS Batch lets one say about an instance beyond the compute environment.

    Args:
        user_data: a shell script or cloud-config, wrapped in MIME multipart here because AWS Batch merges its own part
            in (https://docs.aws.amazon.com/batch/latest/userguide/launch-templates.html); text that is MIME multipart
            already stays as it is.
        root_volume_gib: the root volume's size; AWS's default for an ECS image is 30.
        root_device: the image's root device.
        wire: more of `launchTemplateData`, under EC2's names with a lower-case first letter.
        launch_template_name: fixes the physical name.

    Attributes:
        id, version: what a compute environment takes; `version` is the number of the newest version, so that a
            change of the template is a change of the environment.
    """

    def __init__(
        self,
        name: str,
        *,
        user_data: str | None = None,
        root_volume_gib: int | None = None,
        root_device: str = "/dev/xvda",
        wire: Mapping[str, Any] | None = None,
        launch_template_name: str | None = None,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("batchiac:batch:LaunchTemplate", name, None, opts)
        data: dict[str, Any] = {}
        if user_data is not None:
            data["userData"] = base64.b64encode(mime_multipart(user_data).encode()).decode()
        if root_volume_gib is not None:
            volume = {
                "volumeSize": root_volume_gib,
                "volumeType": "gp3",
                "encrypted": True,
                "deleteOnTermination": True,
            }
            data["blockDeviceMappings"] = [{"deviceName": root_device, "ebs": volume}]
        inputs = {
            "launchTemplateName": launch_template_name,
            "launchTemplateData": merged(data, wire),
            "tags": {**(tags or {})},
        }
        template = declare("LaunchTemplate", name, inputs, self)
        self.id = Reference(template, "id")
        self.version = Reference(template, "latestVersion")
        self.register_outputs({})


class PlacementGroup(Component):
    """An EC2 placement group; `cluster` puts the nodes of a multi-node parallel job close together.

    Attributes:
        group_name: what a compute environment takes.
    """

    def __init__(
        self,
        name: str,
        *,
        strategy: str = "cluster",
        group_name: str | None = None,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("batchiac:batch:PlacementGroup", name, None, opts)
        inputs = {"groupName": group_name, "strategy": strategy, "tags": {**(tags or {})}}
        self.group_name = Reference(declare("PlacementGroup", name, inputs, self), "groupName")
        self.register_outputs({})


def mime_multipart(user_data: str) -> str:
    """The user data as one part of a MIME multipart document; unchanged if it is such a document."""
    if re.match(r"(MIME-Version|Content-Type:\s*multipart/)", user_data.lstrip(), re.IGNORECASE):
        return user_data.lstrip()
    kind = "cloud-config" if user_data.lstrip().startswith("#cloud-config") else "x-shellscript"
    return (
        f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{BOUNDARY}"\n\n--{BOUNDARY}\n'
        f'Content-Type: text/{kind}; charset="us-ascii"\n\n{user_data.strip()}\n\n--{BOUNDARY}--\n'
    )
