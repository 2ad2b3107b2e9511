"""Launch templates: how an environment names one, its overrides, and what a template for Batch may hold."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from batchiac.rules.catalogue.compute_types import BUNDLES, on_eks
from batchiac.rules.catalogue.sources import API, CE, EC2_GUIDE, GUIDE, LT
from batchiac.rules.finding import Level
from batchiac.rules.predicates import (
    exactly_one_of,
    forbidden,
    items,
    matches,
    none_of,
    required,
    shown,
    whole,
)
from batchiac.rules.row import Broken, Condition, Rule
from batchiac.rules.stack import Stack
from batchiac.rules.view import Misshapen, NotYetKnown, View

_TEMPLATE = "computeResources.launchTemplate"
_SPEC = API + "API_LaunchTemplateSpecification.html"
_OVERRIDE = API + "API_LaunchTemplateSpecificationOverride.html"
_PAGE = GUIDE + "launch-templates.html"
_CREATE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html"


def _unnamed_template(view: View, path: str) -> Iterator[Broken]:
    """Neither id nor name nor overrides, or both id and name. An update may empty one of them to remove it."""
    template = view.part(path)
    keys = ("launchTemplateId", "launchTemplateName")
    if view.dialect == "update" and any(template.get(key) == "" for key in keys):
        return
    given = [key for key in keys if template.has(key) and template.raw(key) != ""]
    if len(given) == 2:
        yield Broken(path, "given by both launchTemplateId and launchTemplateName")
    elif not given and template.count("overrides") == 0:
        yield Broken(path, "without launchTemplateId, launchTemplateName and overrides")


def _family(name: str) -> str:
    return name.partition(".")[0]


def _overlaps(view: View, path: str) -> Iterator[Broken]:
    """Two targets of the overrides where one is the other, or its family."""
    taken: dict[str, str] = {}
    for at, name in view.each("computeResources.launchTemplate.overrides[].targetInstanceTypes[]"):
        if not isinstance(name, str):
            continue
        clash = next((other for other in taken if _covers(other, name)), None)
        if clash is not None:
            yield Broken(at, f"{shown(name)}, which overlaps {shown(clash)} at {taken[clash]}")
        else:
            taken[name] = at


def _covers(one: str, other: str) -> bool:
    if one == other:
        return True
    return (one == _family(other) and "." not in one) or (other == _family(one) and "." not in other)


def _outside(view: View, path: str) -> Iterator[Broken]:
    """Targets that instanceTypes does not include; a bundle among them includes what Batch chooses, so anything."""
    listed = view.effective("computeResources.instanceTypes")
    if not isinstance(listed, list | tuple) or any(name in BUNDLES for name in listed if isinstance(name, str)):
        return
    allowed = {name for name in listed if isinstance(name, str)}
    for at, name in view.each("computeResources.launchTemplate.overrides[].targetInstanceTypes[]"):
        if isinstance(name, str) and name not in allowed and _family(name) not in allowed:
            yield Broken(at, shown(name), {"types": ", ".join(sorted(allowed))})


def _wants_nodeadm(view: View) -> bool:
    images = [value for _, value in view.each("computeResources.ec2Configuration[].imageType")]
    custom = view.has("computeResources.imageId") or any(
        True for _ in view.each("computeResources.ec2Configuration[].imageIdOverride")
    )
    return custom and any(isinstance(each, str) and each.startswith("EKS_AL2023") for each in images)


def _used_by_batch(view: View) -> bool:
    """An environment of the stack names this template: one for other instances may hold what it likes."""
    stack = view.stack
    if stack is None or view.declared is None:
        return False
    if "launch templates" not in stack.notes:
        stack.notes["launch templates"] = _used_templates(stack)
    used, unknown = stack.notes["launch templates"]
    if view.declared.name not in used and unknown:
        raise NotYetKnown(unknown[0])
    return view.declared.name in used


def _used_templates(stack: Stack) -> tuple[set[str], list[str]]:
    """The declared templates that environments name, and the paths that could not be followed."""
    used: set[str] = set()
    unknown: list[str] = []
    for environment in stack.views(CE, unknown):
        try:
            used.update(_templates_of(environment))
        except NotYetKnown as error:
            unknown.append(error.path)
        except Misshapen:
            continue  # the environment's own finding says so
    return used, unknown


def _templates_of(environment: View) -> Iterator[str]:
    paths = [_TEMPLATE]
    if isinstance(environment.raw(_TEMPLATE), Mapping):
        paths += [f"{_TEMPLATE}.overrides[{index}]" for index in range(environment.count(f"{_TEMPLATE}.overrides"))]
    for path in paths:
        for member in ("launchTemplateId", "launchTemplateName"):
            if environment.raw(f"{path}.{member}") is not None:
                found = environment.refer(f"{path}.{member}", LT)
                if found is not None:
                    yield found.root


def _used_with(member: str) -> Condition:
    return lambda view: _used_by_batch(view) and data(view, member) is not None


# --- the template's own data ------------------------------------------------------------------------------------------


def data(view: View, member: str) -> Any:
    """A member of launchTemplateData, however its first letter is written."""
    for name in (member, member[:1].upper() + member[1:]):
        value = view.get(f"launchTemplateData.{name}")
        if value is not None:
            return value
    return None


def _given(member: str) -> Any:
    def run(view: View, path: str) -> Iterator[Broken]:
        value = data(view, member)
        if value not in (None, "", [], {}):
            yield Broken(f"launchTemplateData.{member}", f"given as {shown(value)}")

    return whole(run)


def _network_subnet(view: View, path: str) -> Iterator[Broken]:
    interfaces = data(view, "networkInterfaces")
    for index, each in enumerate(interfaces if isinstance(interfaces, list) else ()):
        if isinstance(each, dict) and (each.get("subnetId") or each.get("SubnetId")):
            yield Broken(f"{path}[{index}].subnetId", "given")


_MIME = re.compile(r"\A\s*(?:[A-Za-z-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*?Content-Type:\s*multipart/mixed", re.IGNORECASE)


def is_mime_multipart(user_data: str) -> bool | None:
    """True when the user data, as text or in base64, is a MIME multi-part document; None when it cannot be read."""
    text = user_data
    if re.fullmatch(r"[A-Za-z0-9+/\s]+={0,2}\s*", user_data) and "multipart" not in user_data:
        try:
            text = base64.b64decode(user_data, validate=False).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return None
    return _MIME.match(text) is not None


def _not_multipart(view: View, path: str) -> Iterator[Broken]:
    value = data(view, "userData")
    if isinstance(value, str) and value and is_mime_multipart(value) is False:
        yield Broken(path, "not a MIME multi-part document")


def _unreadable(view: View, path: str) -> Iterator[Broken]:
    value = data(view, "userData")
    if isinstance(value, str) and value and is_mime_multipart(value) is None:
        yield Broken(path, "neither text nor base64 of text")


RULES: tuple[Rule, ...] = (
    # --- how an environment names its template -----------------------------------------------------------------------
    Rule(
        "LT001",
        CE,
        _TEMPLATE,
        whole(_unnamed_template),
        allowed="exactly one of launchTemplateId and launchTemplateName is allowed, or overrides alone",
        change="name the template by its id or by its name",
        source=_SPEC,
        aws_message="One of LaunchTemplateId and LaunchTemplateName or LaunchTemplate.overrides should be provided",
    ),
    Rule(
        "LT002",
        CE,
        f"{_TEMPLATE}.version",
        matches(r"(\d+|\$Default|\$Latest)?"),
        allowed="a version number, $Default or $Latest is allowed",
        change="write one of these, as text",
        source=_SPEC,
        aws_message="LaunchTemplateVersion must be either empty or a number or $Default or $Latest",
    ),
    Rule(
        "LT003",
        CE,
        f"{_TEMPLATE}.overrides",
        items(0, 10),
        allowed="at most 10 overrides are allowed",
        change="take some out",
        source=_SPEC,
        aws_message="LaunchTemplate.overrides size cannot be greater than 10",
    ),
    Rule(
        "LT004",
        CE,
        f"{_TEMPLATE}.overrides[]",
        exactly_one_of("launchTemplateId", "launchTemplateName"),
        when=lambda view: view.count("computeResources.launchTemplate.overrides") > 0,
        allowed="an override names exactly one of launchTemplateId and launchTemplateName",
        change="name the template by its id or by its name",
        source=_OVERRIDE,
        aws_message="LaunchTemplate.overrides should have either LaunchTemplateId or LaunchTemplateName",
    ),
    Rule(
        "LT005",
        CE,
        f"{_TEMPLATE}.overrides[].targetInstanceTypes",
        required(),
        when=lambda view: view.count("computeResources.launchTemplate.overrides") > 0,
        allowed="an override needs the instance types that it is for",
        change="name them",
        source=_OVERRIDE,
        aws_message="LaunchTemplate.overrides.targetInstanceTypes[] is required",
    ),
    Rule(
        "LT006",
        CE,
        f"{_TEMPLATE}.overrides[].targetInstanceTypes[]",
        none_of(*BUNDLES),
        allowed="types and families are allowed, optimal, default_x86_64 and default_arm64 are not",
        change="name the types or families",
        source=_OVERRIDE,
    ),
    Rule(
        "LT007",
        CE,
        f"{_TEMPLATE}.overrides",
        whole(_outside),
        allowed="an override's targets are among the environment's instanceTypes ({types})",
        change="add the type to instanceTypes, or take it out here",
        source=_OVERRIDE,
        aws_message="LaunchTemplate.overrides have targetInstanceTypes that do not match",
    ),
    Rule(
        "LT008",
        CE,
        f"{_TEMPLATE}.overrides",
        whole(_overlaps),
        allowed="the targets of the overrides must not overlap, a family with a type of it neither",
        change="name each type in one override",
        source=_OVERRIDE,
        aws_message="LaunchTemplate.overrides have duplicate targetInstanceTypes",
    ),
    Rule(
        "LT009",
        CE,
        f"{_TEMPLATE}.overrides[].version",
        matches(r"(\d+|\$Default|\$Latest)?"),
        allowed="a version number, $Default or $Latest is allowed",
        change="write one of these, as text",
        source=_OVERRIDE,
        aws_message="LaunchTemplateVersion must be either empty or a number or $Default or $Latest",
    ),
    Rule(
        "LT010",
        CE,
        f"{_TEMPLATE}.version",
        matches(r"(?!\$Latest$).*"),
        level=Level.ADVICE,
        allowed="Batch reads $Latest anew at every infrastructure update, even one that does not name the template",
        change="pin a version number, so that an update changes only what it says",
        source=_SPEC,
    ),
    Rule(
        "LT011",
        CE,
        f"{_TEMPLATE}.userdataType",
        matches("EKS_NODEADM"),
        when=_wants_nodeadm,
        allowed="a custom AMI that is based on EKS_AL2023 needs EKS_NODEADM",
        change="set it to EKS_NODEADM",
        source=_SPEC,
    ),
    Rule(
        "LT012",
        CE,
        f"{_TEMPLATE}.userdataType",
        forbidden(),
        when=lambda view: not on_eks(view),
        level=Level.WARNING,
        allowed="it says how an EKS node starts",
        change="take it out: an ECS environment has no such nodes",
        source=_SPEC,
    ),
    # --- the template itself -----------------------------------------------------------------------------------------
    Rule(
        "LT101",
        LT,
        "launchTemplateName",
        matches(r"[a-zA-Z0-9().\-/_]{3,128}"),
        allowed="3 to 128 letters, digits and ( ) . - / _ are allowed",
        change=("shorten it or replace the other characters"),
        source=_CREATE,
    ),
    Rule(
        "LT102",
        LT,
        "launchTemplateData",
        required(),
        allowed="a launch template needs its data",
        change="give it",
        source=_CREATE,
    ),
    Rule(
        "LT103",
        LT,
        "launchTemplateData.userData",
        whole(_not_multipart, on_absent=True),
        when=_used_with("userData"),
        scope="stack",
        dialect="create",
        allowed="Batch merges user data with its own, so it must be in the MIME multi-part archive format",
        change='begin it with "MIME-Version: 1.0" and \'Content-Type: multipart/mixed; boundary="==BOUNDARY=="\'',
        source=_PAGE,
    ),
    Rule(
        "LT104",
        LT,
        "launchTemplateData.userData",
        whole(_unreadable, on_absent=True),
        when=_used_with("userData"),
        scope="stack",
        dialect="create",
        allowed="EC2 takes user data as base64 of text",
        change="encode the text as base64",
        source=EC2_GUIDE + "user-data.html",
    ),
    Rule(
        "LT105",
        LT,
        "launchTemplateData.instanceType",
        _given("instanceType"),
        when=_used_by_batch,
        scope="stack",
        dialect="create",
        level=Level.WARNING,
        allowed="Batch ignores it",
        change="name the types in computeResources.instanceTypes",
        source=_PAGE,
    ),
    Rule(
        "LT106",
        LT,
        "launchTemplateData.iamInstanceProfile",
        _given("iamInstanceProfile"),
        when=_used_by_batch,
        scope="stack",
        dialect="create",
        level=Level.WARNING,
        allowed="Batch ignores it",
        change="name the profile in computeResources.instanceRole",
        source=_PAGE,
    ),
    Rule(
        "LT107",
        LT,
        "launchTemplateData.networkInterfaces",
        whole(_network_subnet),
        when=_used_by_batch,
        scope="stack",
        dialect="create",
        level=Level.WARNING,
        allowed="Batch ignores the subnets of network interfaces",
        change="name the subnets in computeResources.subnets",
        source=_PAGE,
    ),
    Rule(
        "LT108",
        LT,
        "launchTemplateData.instanceMarketOptions",
        _given("instanceMarketOptions"),
        when=_used_by_batch,
        scope="stack",
        dialect="create",
        level=Level.WARNING,
        allowed="Batch ignores it",
        change="make the environment's type SPOT",
        source=_PAGE,
    ),
    Rule(
        "LT109",
        LT,
        "launchTemplateData.disableApiTermination",
        _given("disableApiTermination"),
        when=_used_by_batch,
        scope="stack",
        dialect="create",
        level=Level.WARNING,
        allowed="Batch ignores it",
        change="take it out",
        source=_PAGE,
    ),
)
