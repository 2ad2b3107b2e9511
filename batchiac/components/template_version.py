"""A floating version of a launch template that the same program makes: a reference to the number that it will mean.

The handler of compute environments asks AWS what `$Latest` means now (provider/floating.py). Where the template
changes in the same run, now is too early: it is the old number, the plan shows no change, and `up` makes one. As a
reference the version is not yet known in such a plan, which so shows the update of the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from batchiac.components.declaration import Reference

OUTPUT_OF: Final[Mapping[Any, str]] = {"$Latest": "latestVersion", "$Default": "defaultVersion", None: "defaultVersion"}
"""Version → the template's output that says its number. Left out it is `$Default`
(BC:LaunchTemplateSpecification.version)."""


def with_numbers(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A compute environment's inputs with a reference in the place of each floating version of a declared template."""
    resources = inputs.get("computeResources")
    template = resources.get("launchTemplate") if isinstance(resources, Mapping) else None
    if not isinstance(resources, Mapping) or not isinstance(template, Mapping):
        return dict(inputs)
    numbered = _numbered(template)
    if isinstance(overrides := template.get("overrides"), list | tuple):
        numbered["overrides"] = [_numbered(each) if isinstance(each, Mapping) else each for each in overrides]
    return {**inputs, "computeResources": {**resources, "launchTemplate": numbered}}


def _numbered(template: Mapping[str, Any]) -> dict[str, Any]:
    named = template.get("launchTemplateId") or template.get("launchTemplateName")
    version = template.get("version") or None
    if not isinstance(named, Reference) or not (version is None or isinstance(version, str)):
        return dict(template)
    output = OUTPUT_OF.get(version)
    return {**template, "version": Reference(named.resource, output)} if output else dict(template)
