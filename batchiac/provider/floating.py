"""Floating references to a launch template: `$Latest` and `$Default` become the number that they mean now.

Left to AWS, they are read again at each infrastructure update and at no other time: a template that moved shows in no
plan (hashicorp/terraform-provider-aws#37440). Resolved at plan, the move is a change like any other: version 3 → 4.
This is the one thing for which a preview asks AWS (DESIGN, "Where it acts").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchiac.aws.door import Door
from batchiac.model.unknown import contains_unknown

FLOATING = {"$Latest": "LatestVersionNumber", "$Default": "DefaultVersionNumber"}


def resolve_launch_template(door: Door, inputs: dict[str, Any]) -> None:
    """Put the number in the place of a floating version, in `computeResources.launchTemplate` of `inputs`."""
    resources = inputs.get("computeResources")
    if not isinstance(resources, Mapping):
        return
    template = resources.get("launchTemplate")
    if not isinstance(template, Mapping) or contains_unknown(template) or template.get("version") not in FLOATING:
        return
    key = "LaunchTemplateIds" if template.get("launchTemplateId") else "LaunchTemplateNames"
    name = template.get("launchTemplateId") or template.get("launchTemplateName")
    described = door.client("ec2").describe_launch_templates(**{key: [name]})["LaunchTemplates"][0]
    version = str(described[FLOATING[template["version"]]])
    inputs["computeResources"] = {**resources, "launchTemplate": {**template, "version": version}}
