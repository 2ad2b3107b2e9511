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
    """Put the number in the place of every floating version in `computeResources.launchTemplate` of `inputs`.

    A version that is left out is `$Default`, and so as floating (BC:LaunchTemplateSpecification.version).
    """
    resources = inputs.get("computeResources")
    if not isinstance(resources, Mapping) or not isinstance(template := resources.get("launchTemplate"), Mapping):
        return
    resolved = _resolved(door, template)
    if isinstance(overrides := template.get("overrides"), list):
        resolved["overrides"] = [_resolved(door, each) if isinstance(each, Mapping) else each for each in overrides]
    inputs["computeResources"] = {**resources, "launchTemplate": resolved}


def _resolved(door: Door, template: Mapping[str, Any]) -> dict[str, Any]:
    named = {key: template.get(key) for key in ("launchTemplateId", "launchTemplateName")}
    if contains_unknown([*named.values(), template.get("version")]) or not any(named.values()):
        return dict(template)
    version = template.get("version") or "$Default"
    if version not in FLOATING:
        return dict(template)
    key = "LaunchTemplateIds" if named["launchTemplateId"] else "LaunchTemplateNames"
    name = named["launchTemplateId"] or named["launchTemplateName"]
    described = door.client("ec2").describe_launch_templates(**{key: [name]})["LaunchTemplates"][0]
    return {**template, "version": str(described[FLOATING[version]])}
