"""What an ECS container may say: image, resources, environment, volumes, Linux parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from batchiac.rules.catalogue.places import (
    ALL_CONTAINERS,
    API,
    CONTAINERS,
    GUIDE,
    HOSTS,
    JD,
    SINGLE,
    TASKS,
    objects,
    on_ec2,
    quantity,
    requirement,
    rule_at,
)
from batchiac.rules.finding import Level
from batchiac.rules.predicates import (
    each_value,
    forbidden,
    longest,
    matches,
    matches_not,
    one_of,
    required,
    shown,
    unique,
    whole,
    within,
)
from batchiac.rules.row import Broken, Check, Rule
from batchiac.rules.view import View

_CONTAINER = API + "API_ContainerProperties.html"
_REQUIREMENT = API + "API_ResourceRequirement.html"
_EFS = API + "API_EFSVolumeConfiguration.html"
_EFS_AUTHORIZATION = API + "API_EFSAuthorizationConfig.html"
_LINUX = API + "API_LinuxParameters.html"

ULIMIT_NAMES = (
    *("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio"),
    *("rttime", "sigpending", "stack"),
)
TMPFS_OPTIONS = (
    *("defaults", "ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "sync", "async", "dirsync"),
    *("remount", "mand", "nomand", "atime", "noatime", "diratime", "nodiratime", "bind", "rbind", "unbindable"),
    *("runbindable", "private", "rprivate", "shared", "rshared", "slave", "rslave", "relatime", "norelatime"),
    *("strictatime", "nostrictatime", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"),
)
_SECRET_NAME = re.compile(r"(?i)(passw(or)?d|secret|(^|_)token$|api_?key|access_?key|private_?key)")
_POINTER = re.compile(r"(?i)(arn:|/|https?:|Ref::)")


def needs(name: str) -> Check:
    """The one container of the job says how much of `name` it takes (the deprecated member counts)."""
    deprecated = {"VCPU": "vcpus", "MEMORY": "memory"}[name]

    def run(view: View, path: str) -> Iterator[Broken]:
        holder = path.rpartition(".")[0]
        for container in objects(view, (holder,)):
            if not container.has(deprecated) and requirement(container, name) is None:
                yield Broken(container.absolute("resourceRequirements"), f"without {name}")

    return whole(run, on_absent=True)


def requirement_value(name: str, wrong: Any) -> Check:
    """Tests the value of the resource requirement `name`; `wrong` returns what was found, or None."""

    def run(view: View, path: str) -> Iterator[Broken]:
        holder = path.rpartition(".")[0]
        for parent, _ in view.parents(f"{holder}.x"):
            for each in parent.views("resourceRequirements"):
                if each.text("type") == name:
                    found = wrong(each.text("value"))
                    if found is not None:
                        yield Broken(each.absolute("value"), found, {"value": each.text("value")})

    return whole(run)


def _less_than(least: float) -> Any:
    def wrong(value: str) -> str | None:
        number = quantity(value)
        return shown(value) if number is not None and number < least else None

    return wrong


def no_number(value: str) -> str | None:
    """What was found where a requirement's text says no number; parameters (`Ref::n`) are left to the submission."""
    return shown(value) if quantity(value) is None and not value.startswith("Ref::") else None


def not_a_count(value: str) -> str | None:
    """What was found where a text is not a whole number above 0."""
    return shown(value) if not re.fullmatch(r"[1-9][0-9]*", value) and not value.startswith("Ref::") else None


def _both(deprecated: str, name: str) -> Check:
    def run(view: View, path: str) -> Iterator[Broken]:
        for parent, last in view.parents(path):
            if parent.has(last) and requirement(parent, name) is not None:
                yield Broken(parent.absolute(last), f"given beside a resource requirement of {name}")

    del deprecated
    return whole(run)


def _unmounted(view: View, path: str) -> Iterator[Broken]:
    """Mount points of a volume that nobody declares. In ecsProperties the volumes are the task's."""
    del path
    for host in objects(view, CONTAINERS):
        yield from _mounts(host, {each.text("name") for each in host.views("volumes")})
    for task in objects(view, TASKS):
        names = {each.text("name") for each in task.views("volumes")}
        for container in task.views("containers"):
            yield from _mounts(container, names)


def _mounts(container: View, names: set[str]) -> Iterator[Broken]:
    for mount in container.views("mountPoints"):
        source = mount.text("sourceVolume")
        if source and source not in names:
            yield Broken(mount.absolute("sourceVolume"), shown(source))


def _efs(view: View, path: str) -> Iterator[tuple[View, View]]:
    """(host, EFS configuration) of each volume that has one."""
    holder = path.partition(".volumes[]")[0]
    for host in objects(view, (holder,)):
        for volume in host.views("volumes"):
            if volume.has("efsVolumeConfiguration"):
                yield host, volume.part("efsVolumeConfiguration")


def _root_beside_access_point(view: View, path: str) -> Iterator[Broken]:
    for _, efs in _efs(view, path):
        root = efs.text("rootDirectory")
        if efs.text("authorizationConfig.accessPointId") and root not in ("", "/"):
            yield Broken(efs.absolute("rootDirectory"), shown(root))


def _unencrypted_access_point(view: View, path: str) -> Iterator[Broken]:
    for _, efs in _efs(view, path):
        if efs.text("authorizationConfig.accessPointId") and efs.text("transitEncryption") != "ENABLED":
            yield Broken(efs.absolute("transitEncryption"), shown(efs.text("transitEncryption") or "DISABLED"))


def _unencrypted_iam(view: View, path: str) -> Iterator[Broken]:
    for _, efs in _efs(view, path):
        if efs.text("authorizationConfig.iam") == "ENABLED" and efs.text("transitEncryption") != "ENABLED":
            yield Broken(efs.absolute("transitEncryption"), shown(efs.text("transitEncryption") or "DISABLED"))


def _iam_without_role(view: View, path: str) -> Iterator[Broken]:
    for host, efs in _efs(view, path):
        if efs.text("authorizationConfig.iam") == "ENABLED" and not _has_role(host):
            yield Broken(efs.absolute("authorizationConfig.iam"), "ENABLED without a job role")


def _s3_without_role(view: View, path: str) -> Iterator[Broken]:
    holder = path.partition(".volumes[]")[0]
    for host in objects(view, (holder,)):
        for volume in host.views("volumes"):
            if volume.has("s3filesVolumeConfiguration") and not _has_role(host):
                yield Broken(volume.absolute("s3filesVolumeConfiguration"), "given without a job role")


def _has_role(host: View) -> bool:
    """A role that is given but not yet known is a role."""
    return host.raw("jobRoleArn") is not None or host.raw("taskRoleArn") is not None


def _swappiness_alone(view: View, path: str) -> Iterator[Broken]:
    for parent, last in view.parents(path):
        if parent.has(last) and parent.raw("maxSwap") is None:
            yield Broken(parent.absolute(last), "given without maxSwap")


def _plain_secret(view: View, path: str) -> Iterator[Broken]:
    for parent, last in view.parents(path):
        for each in parent.views(last.removesuffix("[]")):
            if _SECRET_NAME.search(each.text("name")) and each.has("value"):
                value = each.text("value")
                if value and not _POINTER.match(value):
                    yield Broken(each.absolute("value"), f"the plain text of {shown(each.text('name'))}")


def _is_single(view: View) -> bool:
    return view.text("type") == "container"


RULES: tuple[Rule, ...] = (
    rule_at(
        "JD101",
        JD,
        CONTAINERS,
        "image",
        required(),
        allowed="every container needs an image",
        change="name one, as repository-url/image:tag",
        source=_CONTAINER,
    ),
    rule_at(
        "JD102",
        JD,
        ALL_CONTAINERS,
        "image",
        longest(255),
        allowed="an image's name has at most 255 characters",
        change="shorten the repository's path or the tag",
        source=_CONTAINER,
    ),
    rule_at(
        "JD103",
        JD,
        ALL_CONTAINERS,
        "image",
        matches(r"[A-Za-z0-9_\-:./#@]*"),
        allowed="letters, digits and - _ : . / # are allowed in an image's name, and @ before a digest",
        change="correct the name",
        source=API + "API_TaskContainerProperties.html",
        seed_difference="older texts leave out the @ of repository-url/image@digest",
    ),
    rule_at(
        "JD104",
        JD,
        SINGLE,
        "resourceRequirements",
        needs("VCPU"),
        allowed="a container needs its number of vCPUs",
        change="add {type: VCPU, value: …} to resourceRequirements",
        source=_REQUIREMENT,
    ),
    rule_at(
        "JD105",
        JD,
        SINGLE,
        "resourceRequirements",
        needs("MEMORY"),
        allowed="a container needs its memory in MiB",
        change="add {type: MEMORY, value: …} to resourceRequirements",
        source=_REQUIREMENT,
    ),
    rule_at(
        "JD106",
        JD,
        ALL_CONTAINERS,
        "resourceRequirements",
        requirement_value("VCPU", _less_than(1)),
        when=on_ec2,
        allowed="a container on EC2 takes at least 1 vCPU",
        change="set VCPU to 1 or more, or run the job on Fargate",
        source=_REQUIREMENT,
        aws_message="vCPU must be at least 1, got {value}",
    ),
    rule_at(
        "JD107",
        JD,
        ALL_CONTAINERS,
        "resourceRequirements",
        requirement_value("MEMORY", _less_than(4)),
        allowed="a container takes at least 4 MiB of memory",
        change="set MEMORY to 4 or more",
        source=_REQUIREMENT,
    ),
    rule_at(
        "JD108",
        JD,
        ALL_CONTAINERS,
        "resourceRequirements",
        unique("type"),
        allowed="each type of resource is named once",
        change="take the second one out",
        source=_REQUIREMENT,
        aws_message="Cannot provide duplicates in resourceRequirements.",
    ),
    rule_at(
        "JD109",
        JD,
        CONTAINERS,
        "vcpus",
        _both("vcpus", "VCPU"),
        allowed="the deprecated vcpus is not allowed beside a resource requirement of VCPU",
        change="take vcpus out",
        source=_CONTAINER,
    ),
    rule_at(
        "JD110",
        JD,
        CONTAINERS,
        "memory",
        _both("memory", "MEMORY"),
        allowed="the deprecated memory is not allowed beside a resource requirement of MEMORY",
        change="take memory out",
        source=_CONTAINER,
    ),
    rule_at(
        "JD111",
        JD,
        CONTAINERS,
        "vcpus",
        forbidden(),
        level=Level.ADVICE,
        allowed="vcpus is deprecated, and a submission's vcpus never overrides a resource requirement",
        change="use resourceRequirements with type VCPU",
        source=_CONTAINER,
    ),
    rule_at(
        "JD112",
        JD,
        CONTAINERS,
        "memory",
        forbidden(),
        level=Level.ADVICE,
        allowed="memory is deprecated, and a submission's memory never overrides a resource requirement",
        change="use resourceRequirements with type MEMORY",
        source=_CONTAINER,
    ),
    rule_at(
        "JD113",
        JD,
        CONTAINERS,
        "vcpus",
        within(1),
        allowed="at least 1 vCPU is allowed",
        change="set it to 1 or more",
        source=_REQUIREMENT,
        aws_message="vCPU must be at least 1, got {value}",
    ),
    rule_at(
        "JD114",
        JD,
        CONTAINERS,
        "memory",
        within(4),
        allowed="at least 4 MiB are allowed",
        change="set it to 4 or more",
        source=_CONTAINER,
    ),
    rule_at(
        "JD115",
        JD,
        ALL_CONTAINERS,
        "resourceRequirements",
        requirement_value("GPU", not_a_count),
        allowed="a whole number of physical GPUs is allowed",
        change="set it to 1 or more, or take the requirement out",
        source=_REQUIREMENT,
    ),
    rule_at(
        "JD116",
        JD,
        ALL_CONTAINERS,
        "resourceRequirements",
        requirement_value("VCPU", no_number),
        allowed="a number of vCPUs is allowed, such as 0.5 or 4",
        change="write a number",
        source=_REQUIREMENT,
    ),
    rule_at(
        "JD117",
        JD,
        ALL_CONTAINERS,
        "resourceRequirements",
        requirement_value("MEMORY", not_a_count),
        allowed="a whole number of MiB is allowed, without a unit",
        change="write a number such as 2048",
        source=_REQUIREMENT,
    ),
    rule_at(
        "JD118",
        JD,
        ALL_CONTAINERS,
        "environment[].name",
        matches_not(r"^AWS_BATCH"),
        allowed="names that start with AWS_BATCH are kept for what Batch itself sets",
        change="rename the variable",
        source=_CONTAINER,
    ),
    rule_at(
        "JD119",
        JD,
        ALL_CONTAINERS,
        "environment[]",
        whole(_plain_secret),
        level=Level.ADVICE,
        allowed="AWS advises against plain text environment variables for credentials: everyone who may describe"
        " the job reads them",
        change="move the value to Secrets Manager or Parameter Store and name it in secrets",
        source=_CONTAINER,
    ),
    rule_at(
        "JD120",
        JD,
        HOSTS,
        "networkConfiguration",
        forbidden(),
        when=on_ec2,
        allowed="networkConfiguration is for Fargate; a job on EC2 must not have it",
        change="take it out, or set platformCapabilities to FARGATE",
        source=_CONTAINER,
        aws_message="networkConfiguration is not applicable for EC2.",
    ),
    rule_at(
        "JD121",
        JD,
        CONTAINERS,
        "fargatePlatformConfiguration",
        forbidden(),
        when=on_ec2,
        allowed="fargatePlatformConfiguration is for Fargate; a job on EC2 must not have it",
        change="take it out, or set platformCapabilities to FARGATE",
        source=_CONTAINER,
        aws_message="fargatePlatformConfiguration is not applicable for EC2.",
    ),
    rule_at(
        "JD122",
        JD,
        CONTAINERS,
        "runtimePlatform",
        forbidden(),
        when=on_ec2,
        allowed="runtimePlatform is for Fargate; on EC2 the compute environment decides the architecture",
        change="take it out, or set platformCapabilities to FARGATE",
        source=API + "API_RuntimePlatform.html",
        aws_message="runtimePlatform is not applicable for EC2.",
    ),
    rule_at(
        "JD123",
        JD,
        HOSTS,
        "volumes[].name",
        longest(255),
        allowed="a volume's name has at most 255 characters",
        change="shorten it",
        source=API + "API_Volume.html",
    ),
    rule_at(
        "JD124",
        JD,
        HOSTS,
        "volumes[].name",
        matches(r"[A-Za-z0-9_-]*"),
        allowed="letters, digits, hyphens and underscores are allowed",
        change="rename the volume, and its mount points",
        source=API + "API_Volume.html",
    ),
    rule_at(
        "JD125",
        JD,
        ALL_CONTAINERS,
        "mountPoints[].sourceVolume",
        whole(_unmounted),
        once=True,
        level=Level.WARNING,
        allowed="a mount point names one of the definition's volumes",
        change="add the volume, or correct the name",
        source=API + "API_MountPoint.html",
    ),
    rule_at(
        "JD126",
        JD,
        HOSTS,
        "volumes[].efsVolumeConfiguration.rootDirectory",
        longest(4096),
        allowed="a root directory has at most 4,096 characters",
        change="shorten the path",
        source=_EFS,
    ),
    rule_at(
        "JD127",
        JD,
        HOSTS,
        "volumes[].efsVolumeConfiguration.rootDirectory",
        whole(_root_beside_access_point),
        allowed="with an access point the root directory is left out or /",
        change="take rootDirectory out: the access point decides the path",
        source=_EFS,
    ),
    rule_at(
        "JD128",
        JD,
        HOSTS,
        "volumes[].efsVolumeConfiguration.authorizationConfig.accessPointId",
        whole(_unencrypted_access_point),
        allowed="an access point needs transitEncryption ENABLED",
        change="set transitEncryption to ENABLED",
        source=_EFS_AUTHORIZATION,
    ),
    rule_at(
        "JD129",
        JD,
        HOSTS,
        "volumes[].efsVolumeConfiguration.authorizationConfig.iam",
        whole(_unencrypted_iam),
        allowed="IAM authorization needs transitEncryption ENABLED",
        change="set transitEncryption to ENABLED",
        source=_EFS_AUTHORIZATION,
    ),
    rule_at(
        "JD130",
        JD,
        HOSTS,
        "volumes[].efsVolumeConfiguration.authorizationConfig.iam",
        whole(_iam_without_role),
        allowed="IAM authorization needs a job role",
        change="give jobRoleArn (taskRoleArn in ecsProperties)",
        source=_EFS_AUTHORIZATION,
    ),
    rule_at(
        "JD131",
        JD,
        HOSTS,
        "volumes[].efsVolumeConfiguration.transitEncryptionPort",
        within(0, 65535),
        allowed="a port from 0 to 65,535 is allowed",
        change="set it within that range, or leave it out",
        source=_EFS,
    ),
    rule_at(
        "JD132",
        JD,
        HOSTS,
        "volumes[].s3filesVolumeConfiguration",
        whole(_s3_without_role),
        allowed="an S3 Files volume needs a job role",
        change="give jobRoleArn (taskRoleArn in ecsProperties)",
        source=API + "API_S3FilesVolumeConfiguration.html",
    ),
    rule_at(
        "JD133",
        JD,
        ALL_CONTAINERS,
        "linuxParameters.swappiness",
        within(0, 100),
        allowed="a whole number from 0 to 100 is allowed",
        change="set it within that range, or leave it out for 60",
        source=_LINUX,
    ),
    rule_at(
        "JD134",
        JD,
        ALL_CONTAINERS,
        "linuxParameters.swappiness",
        whole(_swappiness_alone),
        level=Level.WARNING,
        allowed="without maxSwap it is ignored",
        change="set maxSwap, or take swappiness out",
        source=_LINUX,
    ),
    rule_at(
        "JD135",
        JD,
        ALL_CONTAINERS,
        "linuxParameters.maxSwap",
        within(0),
        allowed="0 or a positive number of MiB is allowed",
        change="set it to 0 for no swap",
        source=_LINUX,
    ),
    rule_at(
        "JD136",
        JD,
        ALL_CONTAINERS,
        "linuxParameters.tmpfs[].size",
        within(1),
        allowed="a tmpfs has at least 1 MiB",
        change="set its size in MiB",
        source=API + "API_Tmpfs.html",
    ),
    rule_at(
        "JD137",
        JD,
        ALL_CONTAINERS,
        "linuxParameters.tmpfs[].mountOptions[]",
        each_value(lambda value: None if not isinstance(value, str) or _is_tmpfs_option(value) else shown(value)),
        allowed="the mount options of tmpfs are allowed: defaults, ro, noexec, mode=1777 and the like",
        change="take it out, or correct it",
        source=API + "API_Tmpfs.html",
    ),
    rule_at(
        "JD138",
        JD,
        ALL_CONTAINERS,
        "ulimits[].name",
        one_of(*ULIMIT_NAMES),
        allowed=f"{', '.join(ULIMIT_NAMES)} are allowed",
        change="use one of these names",
        source=API + "API_Ulimit.html",
    ),
    rule_at(
        "JD139",
        JD,
        SINGLE,
        "instanceType",
        forbidden(),
        when=_is_single,
        allowed="instanceType is for multi-node parallel jobs; the compute environment decides it for others",
        change="take it out",
        source=_CONTAINER,
    ),
    rule_at(
        "JD140",
        JD,
        HOSTS,
        "ephemeralStorage.sizeInGiB",
        within(21, 200),
        allowed="21 to 200 GiB are allowed",
        change="set it within that range, or leave ephemeralStorage out",
        source=API + "API_EphemeralStorage.html",
    ),
    rule_at(
        "JD141",
        JD,
        HOSTS,
        "ephemeralStorage",
        forbidden(),
        when=on_ec2,
        level=Level.WARNING,
        allowed="ephemeralStorage is for tasks on Fargate; on EC2 the launch template's block devices decide",
        change="take it out, or set platformCapabilities to FARGATE",
        source=API + "API_EphemeralStorage.html",
    ),
    rule_at(
        "JD142",
        JD,
        ALL_CONTAINERS,
        "secrets[].name",
        matches_not(r"^AWS_BATCH"),
        level=Level.WARNING,
        allowed="a secret becomes an environment variable, and names that start with AWS_BATCH are kept for Batch",
        change="rename it",
        source=GUIDE + "specifying-sensitive-data-secrets.html",
    ),
)
"""Every row of an ECS container."""


def _is_tmpfs_option(value: str) -> bool:
    return value.partition("=")[0] in TMPFS_OPTIONS
