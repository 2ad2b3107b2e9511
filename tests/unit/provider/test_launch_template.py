"""Launch templates: what EC2 adds to its answers is nobody's wish."""

from __future__ import annotations

import copy
from typing import Any


def test_what_only_answers_have_is_neither_drift_nor_written(world: Any) -> None:
    """The state of the metadata options, the operator, which address is primary: no request has them."""
    data = {
        "metadataOptions": {"httpTokens": "required"},
        "networkInterfaces": [{"deviceIndex": 0, "ipv6Addresses": [{"ipv6Address": "2001:db8::1"}]}],
        "ebsOptimized": True,
    }
    held = world.make("LaunchTemplate", "node", launchTemplateData=data)
    client = world.door.client("ec2")
    real = client.describe_launch_template_versions

    def call(**parameters: Any) -> Any:
        answer = copy.deepcopy(real(**parameters))
        for version in answer["LaunchTemplateVersions"]:
            told = version["LaunchTemplateData"]
            told["MetadataOptions"]["State"] = "pending"
            told["Operator"] = {"Managed": False, "HiddenByDefault": False}
            told["NetworkInterfaces"][0]["Ipv6Addresses"][0]["IsPrimaryIpv6"] = False
        return answer

    client.__dict__["describe_launch_template_versions"] = call
    read = held.handler.read(held.id, held.outputs)
    assert read.inputs == held.inputs
    assert held.handler.diff(read.outputs, held.inputs).changes == ()
    assert held.handler.describe(held.id).inputs["launchTemplateData"] == data
