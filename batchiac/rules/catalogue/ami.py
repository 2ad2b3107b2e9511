"""Images: which one an environment takes, and whether it fits the instances.

AWS's texts disagree on which image wins. The API model says that imageIdOverride overrides imageId, and so do older
texts; the User Guide's "AMI selection order" puts an override's launch template first, then imageId, then
imageIdOverride, then the launch template. So a row advises to give one only (AM010).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from batchiac.rules.catalogue.compute_types import architectures_of, on_ec2, on_ecs, on_eks
from batchiac.rules.catalogue.sources import API, CE, COMPUTE_RESOURCE, GUIDE
from batchiac.rules.finding import Level
from batchiac.rules.predicates import both, items, matches, shown, unique, whole
from batchiac.rules.row import Broken, Rule
from batchiac.rules.view import View

_CONFIGURATION = "computeResources.ec2Configuration"
_PAGE = API + "API_Ec2Configuration.html"
_ORDER = GUIDE + "ami-selection-order.html"
_AMI = r"(ami-([0-9a-f]{8}|[0-9a-f]{17}))?"

_ECS = ("ECS_AL2", "ECS_AL2_NVIDIA", "ECS_AL2023", "ECS_AL2023_NVIDIA")
_EKS = ("EKS_AL2", "EKS_AL2_NVIDIA", "EKS_AL2023", "EKS_AL2023_NVIDIA")
_END_OF_LIFE = ("ECS_AL2", "ECS_AL2_NVIDIA", "EKS_AL2", "EKS_AL2_NVIDIA")


def _types(view: View) -> list[str]:
    listed = view.effective("computeResources.instanceTypes")
    return [name for name in listed if isinstance(name, str)] if isinstance(listed, list | tuple) else []


def _of_families(view: View, *families: str) -> list[str]:
    return [name for name in _types(view) if re.match(rf"({'|'.join(families)})[a-z]*(\.|$)", name)]


def _end_of_life(view: View, path: str) -> Iterator[Broken]:
    for each in view.views(_CONFIGURATION):
        image = each.text("imageType")
        if image in _END_OF_LIFE and not each.text("imageIdOverride") and not view.text("computeResources.imageId"):
            yield Broken(each.absolute("imageType"), shown(image), {"new": image.replace("AL2", "AL2023")})


def _a1_on_al2023(view: View, path: str) -> Iterator[Broken]:
    types = _of_families(view, "a1")
    for at, image in view.each(f"{_CONFIGURATION}[].imageType"):
        if image in ("ECS_AL2023", "EKS_AL2023") and types:
            yield Broken(at, shown(image), {"types": ", ".join(types)})


def _old_gpus_on_al2023(view: View, path: str) -> Iterator[Broken]:
    types = _of_families(view, "p3", "g3")
    for at, image in view.each(f"{_CONFIGURATION}[].imageType"):
        if image == "ECS_AL2023_NVIDIA" and types:
            yield Broken(at, shown(image), {"types": ", ".join(types)})


def _gpu_image_on_arm(view: View, path: str) -> Iterator[Broken]:
    arm = [name for name in _types(view) if architectures_of(name) == {"arm64"}]
    for at, image in view.each(f"{_CONFIGURATION}[].imageType"):
        if isinstance(image, str) and image.endswith("_NVIDIA") and arm:
            yield Broken(at, shown(image), {"types": ", ".join(arm)})


def _both_images(view: View, path: str) -> Iterator[Broken]:
    for at, override in view.each(f"{_CONFIGURATION}[].imageIdOverride"):
        if override and override != view.get("computeResources.imageId"):
            yield Broken(at, f"given beside computeResources.imageId {shown(view.get('computeResources.imageId'))}")


def _latest_with_image(view: View, path: str) -> Iterator[Broken]:
    if view.get(path) is not True:
        return
    if view.text("computeResources.imageId") or any(
        value for _, value in view.each(f"{_CONFIGURATION}[].imageIdOverride")
    ):
        yield Broken(path, "true beside an AMI id")


RULES: tuple[Rule, ...] = (
    Rule(
        "AM001",
        CE,
        _CONFIGURATION,
        items(0, 2),
        when=on_ec2,
        allowed="one or two values can be provided",
        change="keep one for plain instances and one for GPU instances",
        source=COMPUTE_RESOURCE,
    ),
    Rule(
        "AM002",
        CE,
        f"{_CONFIGURATION}[].imageType",
        matches("|".join(_ECS)),
        when=both(on_ec2, on_ecs),
        allowed=f"on ECS {', '.join(_ECS)} are allowed",
        change="choose ECS_AL2023, or ECS_AL2023_NVIDIA for GPUs",
        source=_PAGE,
        aws_message="Invalid imageType in ComputeResources.ec2Configuration",
        seed_difference="older texts name Amazon Linux 2 as the default; since 2026-01-12 it is ECS_AL2023",
    ),
    Rule(
        "AM003",
        CE,
        f"{_CONFIGURATION}[].imageType",
        matches("|".join(_EKS)),
        when=both(on_ec2, on_eks),
        allowed=f"on EKS {', '.join(_EKS)} are allowed",
        change="choose EKS_AL2023, or EKS_AL2023_NVIDIA for GPUs",
        source=_PAGE,
        aws_message="Invalid imageType in ComputeResources.ec2Configuration",
    ),
    Rule(
        "AM004",
        CE,
        _CONFIGURATION,
        whole(_end_of_life),
        when=on_ec2,
        dialect="create",
        allowed="Batch provides no Amazon Linux 2 images any more (EKS since 2025-11-26, ECS since 2026-06-30)",
        change="use {new}, or give an image of your own in imageIdOverride",
        source=_PAGE,
        aws_message="Amazon Linux 2 is end-of-life.",
        seed_difference="older texts name Amazon Linux 2 as the default image type",
    ),
    Rule(
        "AM005",
        CE,
        _CONFIGURATION,
        unique("imageType"),
        when=on_ec2,
        level=Level.WARNING,
        allowed="each image type is described once",
        change="take the second one out",
        source=_PAGE,
    ),
    Rule(
        "AM006",
        CE,
        _CONFIGURATION,
        whole(_a1_on_al2023),
        when=on_ec2,
        allowed="Amazon Linux 2023 does not support A1 instances (here {types})",
        change="use Graviton2 or later (m6g, c6g, r6g)",
        source=_PAGE,
    ),
    Rule(
        "AM007",
        CE,
        _CONFIGURATION,
        whole(_old_gpus_on_al2023),
        when=both(on_ec2, on_ecs),
        allowed="ECS_AL2023_NVIDIA doesn't support p3 and g3 instance types (here {types})",
        change="use g4dn, g5, p4d or later",
        source=_PAGE,
    ),
    Rule(
        "AM008",
        CE,
        _CONFIGURATION,
        whole(_gpu_image_on_arm),
        when=on_ec2,
        allowed="the NVIDIA images are for instance types that are not Graviton-based (here {types})",
        change="use the image type without _NVIDIA, or x86 types",
        source=_PAGE,
    ),
    Rule(
        "AM009",
        CE,
        f"{_CONFIGURATION}[].batchImageStatus",
        matches(""),
        level=Level.WARNING,
        allowed="it is read-only: only DescribeComputeEnvironments says it",
        change="take it out",
        source=_PAGE,
    ),
    Rule(
        "AM010",
        CE,
        "computeResources.imageId",
        whole(_both_images),
        when=on_ec2,
        level=Level.WARNING,
        allowed="AWS's texts disagree on which of the two wins: imageIdOverride by the API reference, imageId by the"
        " User Guide's selection order",
        change="give imageIdOverride alone",
        source=_ORDER,
        seed_difference="older texts and the API model: imageIdOverride overrides imageId; the User Guide's AMI"
        " selection order: imageId first",
    ),
    Rule(
        "AM011",
        CE,
        "computeResources.imageId",
        matches(_AMI),
        when=on_ec2,
        level=Level.WARNING,
        allowed="an AMI id is allowed (ami- and 8 or 17 hexadecimal digits)",
        change="give the image's id",
        source=COMPUTE_RESOURCE,
    ),
    Rule(
        "AM012",
        CE,
        f"{_CONFIGURATION}[].imageIdOverride",
        matches(_AMI),
        when=on_ec2,
        level=Level.WARNING,
        allowed="an AMI id is allowed (ami- and 8 or 17 hexadecimal digits)",
        change="give the image's id",
        source=_PAGE,
    ),
    Rule(
        "AM013",
        CE,
        "computeResources.updateToLatestImageVersion",
        whole(_latest_with_image),
        dialect="update",
        level=Level.WARNING,
        allowed="it is ignored where an AMI id is given",
        change="take the AMI id out, or this",
        source=API + "API_ComputeResourceUpdate.html",
    ),
    Rule(
        "AM014",
        CE,
        "computeResources.imageId",
        matches(""),
        when=on_ec2,
        level=Level.ADVICE,
        allowed="Ec2Configuration is where today's AMI ids go (AWS marks imageId as deprecated)",
        change="give the id as ec2Configuration[].imageIdOverride",
        source=_PAGE,
    ),
)
